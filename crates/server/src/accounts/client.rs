//! API clients: programs with a token, a profile and rights of their own. This file alone writes
//! `api_client`.

use super::role::{self, Limits, set_scope};
use super::{beyond, check_not_above, read_rights};
use crate::access::{Caller, Rights, Scope, Thing, Who};
use crate::app::App;
use crate::audit::{self, Deed};
use crate::error::{Error, Problem, Result, Unauthenticated};
use crate::extract::Body;
use crate::input::{Given, Input, Text};
use crate::keys;
use crate::profile::Profile;
use crate::relation::Known;
use crate::resource::{self, Column, Columns, Field, Resource, Searched, Writable, col};
use crate::routes::{Kind, Member};
use crate::times;
use crate::writing::Writing;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use muster_store::Sql;
use sea_query::{Alias, CaseStatement, Cond, Condition, Expr, ExprTrait, SelectStatement};
use serde_json::{Map, Value, json};
use std::net::IpAddr;

/// Every client's token begins so, which tells it from a login's.
pub const PREFIX: &str = "mst_";
/// `last_used_at` is written at most so often.
const USE_NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

pub struct Clients;

#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Client {
    pub id: i64,
    pub name: String,
    pub profile: String,
    pub rights: String,
    companies: Option<String>,
    areas: Option<String>,
    departments: Option<String>,
    pub addresses: Option<String>,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
    created_by: Option<String>,
    created_at: DateTime<Utc>,
}

impl Client {
    fn rights(&self) -> Rights {
        Rights::kept(&self.rights)
    }

    fn scope(&self) -> Scope {
        role::scope(&self.companies, &self.areas, &self.departments)
    }

    /// `active`, `expired` or `revoked`.
    pub fn state(&self, now: DateTime<Utc>) -> &'static str {
        if self.revoked_at.is_some() {
            "revoked"
        } else if self.expires_at.is_some_and(|at| at <= now) {
            "expired"
        } else {
            "active"
        }
    }

    fn audited(&self) -> Map<String, Value> {
        let object = json!({
            "name": self.name,
            "profile": self.profile,
            "rights": self.rights,
            "companies": self.companies,
            "areas": self.areas,
            "departments": self.departments,
            "addresses": self.addresses,
            "expires_at": self.expires_at,
        });
        audit::members(object).unwrap_or_default()
    }
}

/// The end of the last day a token is good.
pub fn end_of(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let next = day.succ_opt().unwrap_or(day);
    times::to_instant(next.and_time(NaiveTime::MIN), zone)
}

const COLUMNS: &[&str] = &[
    "id",
    "name",
    "profile",
    "rights",
    "companies",
    "areas",
    "departments",
    "addresses",
    "expires_at",
    "revoked_at",
    "last_used_at",
    "created_by",
    "created_at",
];

const fn column(name: &'static str) -> Column {
    ("api_client", name)
}

fn select(app: &App) -> SelectStatement {
    let mut select = SelectStatement::new();
    Clients::tables(&mut select);
    Clients::columns(&mut select, app);
    select
}

pub async fn find_by_digest(app: &App, digest: &[u8]) -> Result<Option<Client>> {
    let mut select = select(app);
    select.and_where(col(column("token_digest")).eq(digest.to_vec()));
    Ok(app.store.find(&select).await?)
}

/// All clients, the revoked ones last.
pub async fn all(app: &App) -> Result<Vec<Client>> {
    let mut select = select(app);
    select
        .order_by_expr(
            col(column("revoked_at")).is_not_null(),
            sea_query::Order::Asc,
        )
        .order_by_expr(col(column("name")), sea_query::Order::Asc)
        .order_by_expr(col(column("id")), sea_query::Order::Asc);
    Ok(app.store.all(&select).await?)
}

/// The client, if its token is still good here.
pub async fn caller(app: &App, client: &Client, address: Option<IpAddr>) -> Result<Caller> {
    let now = app.clock.now();
    let allowed = match &client.addresses {
        None => true,
        Some(list) => address.is_some_and(|address| is_listed(list, address)),
    };
    if client.state(now) != "active" || !allowed {
        return Err(Error::Unauthenticated(Unauthenticated::InvalidToken));
    }
    if client
        .last_used_at
        .is_none_or(|at| now - at >= USE_NOTED_EVERY)
    {
        let mut tx = app.store.write().await?;
        tx.run(&Sql::new(
            "UPDATE api_client SET last_used_at = $1 WHERE id = $2",
            [now.into(), client.id.into()],
        ))
        .await?;
        tx.commit().await?;
        app.accounts.forget();
    }
    Ok(Caller {
        who: Who::Client {
            id: client.id,
            name: client.name.clone(),
        },
        profile: client.profile.parse().unwrap_or(Profile::EasyTimePro),
        rights: client.rights(),
        scope: client.scope(),
        address,
    })
}

impl Resource for Clients {
    const NAME: &'static str = "client";
    const PATH: &'static str = "/clients/";
    const THING: Thing = Thing::Client;
    const KEY: &'static str = "id";
    const CODE: Option<Column> = None;
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Integer, column("id")).one_of(),
        Field::new("name", Kind::Text, column("name")).exactly(),
        Field::new("profile", Kind::Text, column("profile")).exactly(),
        Field::computed("state", Kind::Text).one_of(),
        Field::new("expire_date", Kind::Time, column("expires_at")).nullable(),
        Field::new("last_use", Kind::Time, column("last_used_at")).nullable(),
        Field::new("create_user", Kind::Text, column("created_by"))
            .exactly()
            .nullable(),
        Field::new("create_time", Kind::Time, column("created_at")),
    ];
    const SEARCHED: &'static [Searched] = &[
        Searched::Plain(column("name")),
        Searched::Plain(column("addresses")),
    ];
    const ANSWER: &'static [Member] = &[
        Member::new("id", Kind::Integer, ""),
        Member::new("name", Kind::Text, ""),
        Member::new("state", Kind::Text, "active, expired or revoked."),
        Member::new("profile", Kind::Text, "easytimepro or biotime."),
        Member::new("rights", Kind::TextList, "What it may do."),
        Member::new(
            "areas",
            Kind::ObjectList,
            "What it is limited to; none: all.",
        )
        .columns(&[("areas", "area_name")]),
        Member::new(
            "departments",
            Kind::ObjectList,
            "What it is limited to; none: all.",
        )
        .columns(&[("departments", "dept_name")]),
        Member::new("addresses", Kind::Text, "Where it may come from."),
        Member::new("expire_date", Kind::Date, "The last day its token is good."),
        Member::new("last_use", Kind::Time, ""),
        Member::new("create_user", Kind::Text, "Who added it."),
        Member::new("create_time", Kind::Time, ""),
    ];
    const IS_SMALL: bool = true;

    type Row = Client;

    fn id(row: &Client) -> i64 {
        row.id
    }

    fn tables(select: &mut SelectStatement) {
        select.from(Alias::new("api_client"));
    }

    fn columns(select: &mut SelectStatement, _app: &App) {
        for name in COLUMNS {
            select.expr(col(column(name)));
        }
    }

    fn visible(_caller: &Caller, _app: &App) -> Condition {
        Cond::all()
    }

    fn computed(app: &App, _name: &str) -> Expr {
        CaseStatement::new()
            .case(col(column("revoked_at")).is_not_null(), "revoked")
            .case(col(column("expires_at")).lte(app.clock.now()), "expired")
            .finally("active")
            .into()
    }

    async fn show(app: &App, caller: &Caller, rows: Vec<Client>) -> Result<Vec<Value>> {
        let now = app.clock.now();
        let scopes: Vec<Scope> = rows.iter().map(Client::scope).collect();
        let limits = Limits::shown(app, &scopes).await?;
        let last_day = |at: DateTime<Utc>| {
            let last = at - TimeDelta::microseconds(1);
            last.with_timezone(&app.zone).date_naive()
        };
        Ok(rows
            .into_iter()
            .zip(limits)
            .map(|(client, [areas, departments])| {
                let rights: Vec<String> = client.rights().iter().map(|r| r.to_string()).collect();
                json!({
                    "id": client.id,
                    // Whether the caller may change it: nobody changes what may do more than he.
                    "is_above": !caller.covers(&client.rights(), &client.scope()),
                    "name": client.name,
                    "state": client.state(now),
                    "profile": client.profile,
                    "rights": rights,
                    "areas": areas,
                    "departments": departments,
                    "addresses": client.addresses.map(|list| list.replace(',', "\n")),
                    "expire_date": times::maybe_date(client.expires_at.map(last_day)),
                    "last_use": times::maybe_instant(client.last_used_at, app.zone),
                    "create_user": client.created_by,
                    "create_time": times::instant(client.created_at, app.zone),
                })
            })
            .collect())
    }
}

/// What was given, checked; what is `None` stays as it is.
#[derive(Default)]
pub struct Change {
    name: Option<String>,
    profile: Option<Profile>,
    rights: Option<Rights>,
    scope: Option<Scope>,
    /// Addresses and networks, as they are kept.
    addresses: Given<String>,
    expires_at: Given<DateTime<Utc>>,
    /// A new token, which is kept nowhere.
    pub token: Option<String>,
}

/// A new token: to be shown once, to whoever asked for it.
fn token() -> String {
    format!("{PREFIX}{}", hex::encode(keys::random::<24>()))
}

const NAME: Text = Text::max(100);
const ADDRESSES: Text = Text::max(2000).optional().lines();

impl Writable for Clients {
    const INPUT: &'static [Member] = &[
        Member::new("name", Kind::Text, "").required(),
        Member::new("profile", Kind::Text, "easytimepro or biotime.").required(),
        Member::new("rights", Kind::TextList, "").required(),
        Limits::MEMBERS[0],
        Limits::MEMBERS[1],
        Member::new(
            "addresses",
            Kind::Text,
            "Addresses and networks; none: any.",
        ),
        Member::new("expire_date", Kind::Date, "The last day; none: for ever."),
    ];

    type Change = Change;

    async fn check(
        app: &App,
        caller: &Caller,
        _known: &Known,
        body: &Body,
        stored: Option<&Client>,
    ) -> Result<Change> {
        if let Some(stored) = stored {
            check_changeable(caller, stored)?;
        }
        let mut input = Input::new(body, stored.is_none());
        input.require(&["name"]);
        let name = input.text("name", NAME).flatten();
        input.require(&["profile"]);
        let profile = input.one_of("profile", &["easytimepro", "biotime"]);
        input.require(&["rights"]);
        let rights = read_rights(&mut input);
        let limits = Limits::read(app, caller, &mut input).await?;
        let scope = stored.map_or_else(
            || Scope {
                companies: caller.scope.companies.clone(),
                ..Scope::default()
            },
            Client::scope,
        );
        let scope = limits.put_on(scope);
        let addresses = input.text("addresses", ADDRESSES).map(|list| {
            let list = list.unwrap_or_default();
            let (kept, problems) = read_addresses(list.split([',', ' ', '\n', '\r', '\t']));
            input.problems.extend(problems);
            kept
        });
        let expires_at = input.date("expire_date");
        let all = rights.clone().or_else(|| stored.map(Client::rights));
        let beyond = beyond(caller, &all.unwrap_or_default(), &scope);
        input.problems.extend(beyond);
        input.settle()?;
        Ok(Change {
            name,
            profile: profile.and_then(|profile| profile.parse().ok()),
            rights,
            scope: Some(scope),
            addresses,
            expires_at: expires_at.map(|day| day.map(|day| end_of(day, app.zone))),
            token: stored.is_none().then(token),
        })
    }

    async fn store(
        app: &App,
        tx: &mut Writing,
        caller: &Caller,
        change: Change,
        stored: Option<Client>,
    ) -> Result<i64> {
        let now = app.clock.now();
        let mut columns = Columns::default();
        if let Some(name) = change.name {
            let taken: Option<(i64,)> = tx
                .find(&Sql::new(
                    "SELECT id FROM api_client WHERE name = $1 AND revoked_at IS NULL",
                    [name.clone().into()],
                ))
                .await?;
            if taken.is_some_and(|(id,)| stored.as_ref().is_none_or(|stored| stored.id != id)) {
                let message = t!("client with this name already exists.");
                return Err(Error::invalid("name", message));
            }
            columns.set("name", name);
        }
        if let Some(profile) = change.profile {
            columns.set("profile", profile.to_string());
        }
        if let Some(rights) = change.rights {
            columns.set("rights", rights.to_string());
        }
        if let Some(scope) = &change.scope {
            set_scope(&mut columns, scope);
        }
        if let Some(addresses) = change.addresses {
            columns.set("addresses", addresses);
        }
        if let Some(expires_at) = change.expires_at {
            columns.set("expires_at", expires_at);
        }
        if let Some(token) = &change.token {
            columns.set("token_digest", app.keys.digest(token.as_bytes()));
        }
        let id = match &stored {
            Some(stored) => {
                tx.run(&columns.update("api_client", stored.id)).await?;
                stored.id
            }
            None => {
                columns.set("created_by", caller.name());
                columns.set("created_at", now);
                tx.one::<(i64,)>(&columns.insert("api_client")).await?.0
            }
        };
        let row: Client = tx.one(&resource::by_id::<Clients>(app, id)).await?;
        let mut after = row.audited();
        if stored.is_some() && change.token.is_some() {
            // That it changed is told; the audit leaves out what it is.
            after.insert("token".into(), "another".into());
        }
        let deed = Deed {
            action: if stored.is_some() { "update" } else { "create" },
            thing: Clients::NAME,
            thing_id: row.name.clone(),
            before: stored.as_ref().map(Client::audited),
            after: Some(after),
        };
        audit::write(tx, now, caller, deed).await?;
        tx.after_commit(|app| app.accounts.forget());
        Ok(id)
    }
}

/// A revoked client is a record, and one that may more than the caller is not his to change.
fn check_changeable(caller: &Caller, client: &Client) -> Result<()> {
    if client.revoked_at.is_some() {
        return Err(Error::refused(t!("It is revoked, and stays as a record.")));
    }
    check_not_above(caller, &client.rights(), &client.scope())
}

/// What a new client is to be.
#[derive(Debug, Clone)]
pub struct NewClient {
    pub name: String,
    pub profile: Profile,
    pub rights: Rights,
    /// Addresses and networks (`10.0.0.0/8`) it may come from; empty: any.
    pub addresses: Vec<String>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// Adds a client and gives its token, which is kept nowhere.
pub async fn add(app: &App, caller: &Caller, new: NewClient) -> Result<String> {
    let body = json!({
        "name": new.name,
        "profile": new.profile.to_string(),
        "rights": new.rights.to_string(),
        "addresses": new.addresses.join(","),
    });
    let body = Body::of(body).unwrap_or_default();
    let mut change = Clients::check(app, caller, &Known::default(), &body, None).await?;
    change.expires_at = Some(new.expires_at);
    let token = change.token.clone().unwrap_or_default();
    resource::save_checked::<Clients>(app, caller, change, None).await?;
    Ok(token)
}

/// Gives a client another token, which is kept nowhere; the one before ends.
pub async fn rotate(app: &App, caller: &Caller, client: Client) -> Result<String> {
    check_changeable(caller, &client)?;
    let new = token();
    let change = Change {
        token: Some(new.clone()),
        ..Change::default()
    };
    resource::save_checked::<Clients>(app, caller, change, Some(client)).await?;
    Ok(new)
}

/// The client of that name that is not revoked.
pub async fn fetch(app: &App, name: &str) -> Result<Client> {
    let mut select = select(app);
    select
        .and_where(col(column("name")).eq(name))
        .and_where(col(column("revoked_at")).is_null());
    let found = app.store.find(&select).await?;
    found.ok_or_else(|| {
        Error::invalid(
            "name",
            t!(
                "There is no client {name}.",
                name = format_args!("{name:?}")
            ),
        )
    })
}

/// Ends a client's token. The row stays, as a record.
pub async fn revoke(app: &App, caller: &Caller, name: &str) -> Result<()> {
    let client = fetch(app, name).await?;
    check_changeable(caller, &client)?;
    let now = app.clock.now();
    let mut tx = Writing::begin(app).await?;
    tx.run(&Sql::new(
        "UPDATE api_client SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL",
        [now.into(), client.id.into()],
    ))
    .await?;
    let deed = Deed {
        action: "revoke",
        thing: Clients::NAME,
        thing_id: client.name,
        ..Deed::default()
    };
    audit::write(&mut tx, now, caller, deed).await?;
    tx.after_commit(|app| app.accounts.forget());
    tx.commit(app).await
}

/// Addresses and networks as they are kept, nothing for none; and what is neither.
fn read_addresses<'a>(given: impl Iterator<Item = &'a str>) -> (Option<String>, Vec<Problem>) {
    let (good, bad): (Vec<&str>, Vec<&str>) = given
        .filter(|address| !address.is_empty())
        .partition(|address| parse_network(address).is_some());
    let problems = bad.iter().map(|address| {
        let message = t!(
            "{address} is no address and no network.",
            address = format_args!("{address:?}")
        );
        Problem::new("addresses", message)
    });
    let kept = (!good.is_empty()).then(|| good.join(","));
    (kept, problems.collect())
}

fn parse_network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = match text.trim().split_once('/') {
        Some((address, bits)) => (address.parse().ok()?, Some(bits.parse::<u8>().ok()?)),
        None => (text.trim().parse::<IpAddr>().ok()?, None),
    };
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(most);
    (bits <= most).then_some((address, bits))
}

fn is_listed(list: &str, address: IpAddr) -> bool {
    let bits_of = |address: IpAddr| match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
        IpAddr::V6(v6) => v6.to_bits(),
    };
    let address = address.to_canonical();
    list.split(',')
        .filter_map(parse_network)
        .any(|(network, bits)| {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            network.is_ipv4() == address.is_ipv4()
                && bits_of(network) & mask == bits_of(address) & mask
        })
}

#[cfg(test)]
mod tests {
    use super::is_listed;

    #[test]
    fn an_address_is_listed_alone_or_by_its_network() {
        let listed = |list: &str, address: &str| is_listed(list, address.parse().expect("good"));
        assert!(listed("10.1.0.0/16, 192.168.0.7", "10.1.200.3"));
        assert!(listed("10.1.0.0/16, 192.168.0.7", "192.168.0.7"));
        assert!(listed("10.1.0.0/16", "::ffff:10.1.2.3"));
        assert!(!listed("10.1.0.0/16, 192.168.0.7", "192.168.0.8"));
        assert!(listed("0.0.0.0/0", "8.8.8.8"));
        assert!(!listed("0.0.0.0/0", "::1"));
        assert!(listed("fd00::/8", "fd12::1"));
    }
}
