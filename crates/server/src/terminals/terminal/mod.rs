//! Terminals as callers see and change them. In area 1, "Not Authorized", a terminal is held;
//! moving it to another area authorises it.

mod abilities;
mod address;
mod clear;
mod clock;
mod door;
mod enrol;
mod enrolled;
mod place;
mod row;
mod synchronise;
mod tell;
mod upload;
mod write;

pub use row::Row;
pub use write::move_to;

use crate::access::{Caller, Right, Scope, Thing};
use crate::app::App;
use crate::audit::{self, Deed};
use crate::config::Admission;
use crate::error::{Error, Problem, Result};
use crate::extract::Body;
use crate::profile::Profile;
use crate::relation::{AREA, Known};
use crate::resource::{self, Field, Removable, Resource, Searched, Writable, col};
use crate::routes::{Endpoint, Kind, Member};
use crate::scope::Owner;
use crate::terminals::contact::NOT_AUTHORIZED;
use crate::terminals::inspection;
use crate::terminals::roster::{is_online, online_within_s_as_sql};
use crate::writing::Writing;
use chrono::{DateTime, Utc};
use muster_store::Dialect;
use sea_query::{Alias, Condition, Expr, ExprTrait, Func, JoinType, SelectStatement, SimpleExpr};
use serde_json::Value;
use write::Changes;

pub struct Terminal;

// ---- the resource -----------------------------------------------------------------------------

const fn column(name: &'static str) -> resource::Column {
    ("terminal", name)
}

/// A terminal belongs to its area.
pub fn within(scope: &Scope) -> Condition {
    scope.rows(&[
        Owner::Company(column("company_id")),
        Owner::Area(column("area_id")),
    ])
}

/// The state as people are told it; `state` is the manual's, to which one that waits is online when it calls.
pub const PRESENCE: &str = "presence";
const ADDRESS: &str = "ip_address";

/// Whether it was heard of late, as `roster::is_online` has it.
fn speaks(app: &App) -> SimpleExpr {
    let dialect = app.store.dialect();
    let spoken = match dialect {
        Dialect::Sqlite => "COALESCE(unixepoch(terminal.last_activity_at), 0)",
        Dialect::Postgres => {
            "COALESCE(CAST(floor(extract(epoch FROM terminal.last_activity_at)) AS BIGINT), 0)"
        }
    };
    let within = online_within_s_as_sql(dialect);
    let now = app.clock.now().timestamp();
    Expr::cust(format!("abs({now} - {spoken})")).lte(Expr::cust(within))
}

impl Resource for Terminal {
    const NAME: &'static str = "terminal";
    const PATH: &'static str = "/iclock/api/terminals/";
    const THING: Thing = Thing::Terminal;
    const KEY: &'static str = "sn";
    const CODE: Option<resource::Column> = Some(column("sn"));
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Integer, column("id")).one_of(),
        Field::new("sn", Kind::Text, column("sn"))
            .exactly()
            .contains()
            .or(&["terminal_sn"])
            .about("The serial number."),
        Field::new("alias", Kind::Text, column("alias"))
            .exactly()
            .contains_part(0)
            .or(&["terminal_alias"]),
        Field::computed(ADDRESS, Kind::Text).exactly().nullable(),
        Field::new("terminal_name", Kind::Text, column("terminal_name"))
            .exactly()
            .nullable(),
        Field::new("fw_ver", Kind::Text, column("fw_ver"))
            .exactly()
            .nullable(),
        Field::new("push_ver", Kind::Text, column("push_ver"))
            .exactly()
            .nullable(),
        Field::computed("state", Kind::Integer)
            .exactly()
            .about("1 online, 0 offline."),
        Field::computed(PRESENCE, Kind::Text)
            .exactly()
            .about("waiting to be authorised; online or offline of those that are."),
        Field::new("terminal_tz", Kind::Integer, column("zone_offset_minutes")),
        Field::new("last_activity", Kind::Time, column("last_activity_at")).nullable(),
        Field::new("user_count", Kind::Integer, column("user_count")).nullable(),
        Field::new("fp_count", Kind::Integer, column("fp_count")).nullable(),
        Field::new("face_count", Kind::Integer, column("face_count")).nullable(),
        Field::new("palm_count", Kind::Integer, column("palm_count")).nullable(),
        Field::new(
            "transaction_count",
            Kind::Integer,
            column("transaction_count"),
        )
        .nullable(),
        Field::new("push_time", Kind::Time, column("push_at")).nullable(),
        Field::new("transfer_time", Kind::Text, column("transfer_time")),
        Field::new(
            "transfer_interval",
            Kind::Integer,
            column("transfer_interval"),
        ),
        Field::new("is_attendance", Kind::Boolean, column("is_attendance")).exactly(),
        Field::new("is_registration", Kind::Boolean, column("is_registration")).exactly(),
        Field::new("is_access", Kind::Boolean, column("is_access")).exactly(),
        Field::new("area_name", Kind::Text, ("area", "area_name")).exactly(),
        Field::new("clock_drift", Kind::Integer, column("clock_drift_s"))
            .nullable()
            .about("Seconds its clock is ahead."),
        Field::new("clock_seen", Kind::Time, column("clock_seen_at")).nullable(),
        Field::relation(
            "area",
            &AREA,
            column("area_id"),
            "Areas by code or id, with commas.",
        )
        .or(&["areas", "area_code"]),
        Field::special(
            "amiss",
            Kind::Boolean,
            "Whether it is authorised, and its clock is off or its log nearly full.",
        ),
    ];
    const SEARCHED: &'static [Searched] = &[
        Searched::Folded(column("search_text")),
        Searched::Plain(column("terminal_name")),
        Searched::Plain(column("ip_address")),
        Searched::Plain(column("real_ip")),
        Searched::Plain(column("fw_ver")),
        Searched::Plain(column("push_ver")),
        Searched::Folded(("area", "search_text")),
    ];
    const ANSWER: &'static [Member] = &[
        Member::new("id", Kind::Integer, ""),
        Member::new("sn", Kind::Text, "The serial number."),
        Member::new(
            ADDRESS,
            Kind::Text,
            "As it was given or told, else where its calls come from.",
        ),
        Member::new("alias", Kind::Text, ""),
        Member::new("terminal_name", Kind::Text, "The model."),
        Member::new("fw_ver", Kind::Text, "The firmware's version."),
        Member::new("push_ver", Kind::Text, ""),
        Member::new("state", Kind::Integer, "1 online, 0 offline."),
        Member::new(
            "terminal_tz",
            Kind::Integer,
            "Minutes from UTC; in the BioTime profile hours when they are whole.",
        ),
        Member::new("area", Kind::Relation, "")
            .columns(&[("area_code", "area_code"), ("area_name", "area_name")]),
        Member::new("last_activity", Kind::Time, ""),
        Member::new("user_count", Kind::Integer, ""),
        Member::new("fp_count", Kind::Integer, ""),
        Member::new("face_count", Kind::Integer, ""),
        Member::new("palm_count", Kind::Integer, ""),
        Member::new("transaction_count", Kind::Integer, ""),
        Member::new("push_time", Kind::Time, ""),
        Member::new("transfer_time", Kind::Text, ""),
        Member::new("transfer_interval", Kind::Integer, "Minutes."),
        Member::new("is_attendance", Kind::Integer, "1 or 0."),
        Member::new("area_name", Kind::Text, ""),
        Member::new(
            "clock_drift",
            Kind::Integer,
            "Seconds its clock is ahead of what its zone should show; null when it never told.",
        ),
        Member::new("clock_seen", Kind::Time, "When that was seen."),
        Member::new("company", Kind::Relation, "In the EasyTimePro profile.")
            .columns(&[("company", "id"), ("company_name", "name")])
            .only_named(),
    ];
    const EXPORT_NEEDS_TYPE: bool = true;

    type Row = Row;

    fn id(row: &Row) -> i64 {
        row.id
    }

    fn tables(select: &mut SelectStatement) {
        select
            .from(Alias::new("terminal"))
            .join(
                JoinType::InnerJoin,
                Alias::new("area"),
                col(("area", "id")).eq(col(column("area_id"))),
            )
            .join(
                JoinType::InnerJoin,
                Alias::new("company"),
                col(("company", "id")).eq(col(column("company_id"))),
            );
    }

    fn columns(select: &mut SelectStatement, _app: &App) {
        for name in row::COLUMNS {
            select.expr(col(column(name)));
        }
        select
            .expr(col(("area", "area_code")))
            .expr(col(("area", "area_name")))
            .expr_as(col(("company", "name")), Alias::new("company_name"));
    }

    fn visible(caller: &Caller, _app: &App) -> Condition {
        within(&caller.scope)
    }

    fn computed(app: &App, name: &str) -> Expr {
        if name == ADDRESS {
            let told = Func::coalesce([col(column("ip_address")), col(column("real_ip"))]);
            return Expr::expr(told);
        }
        if name != PRESENCE {
            return Expr::case(speaks(app), Expr::val(1_i64))
                .finally(Expr::val(0_i64))
                .into();
        }
        let waits = match app.settings().terminals.admission {
            Admission::Open => Expr::val(false).eq(true),
            _ => col(column("area_id")).eq(NOT_AUTHORIZED),
        };
        Expr::case(waits, Expr::val("waiting"))
            .case(speaks(app), Expr::val("online"))
            .finally(Expr::val("offline"))
            .into()
    }

    fn special(_app: &App, name: &str, value: &str) -> Result<SimpleExpr> {
        let wanted = match value.to_lowercase().as_str() {
            "true" | "1" => true,
            "false" | "0" => false,
            _ => return Err(Error::invalid(name, t!("Must be a valid boolean."))),
        };
        let is_amiss =
            Expr::case(inspection::is_amiss(), Expr::val(true)).finally(Expr::val(false));
        Ok(Expr::expr(is_amiss).eq(wanted))
    }

    async fn show(app: &App, caller: &Caller, rows: Vec<Row>) -> Result<Vec<Value>> {
        Ok(rows
            .iter()
            .map(|row| row.shown(app, caller.profile))
            .collect())
    }
}

/// What is said of members that callers set and read, and nothing else looks at.
const KEPT: &str = "Kept for other software; changes nothing here.";

impl Writable for Terminal {
    const INPUT: &'static [Member] = &[
        Member::new("sn", Kind::Text, "The serial number.").required(),
        Member::new(
            "alias",
            Kind::Text,
            "A name for people; in the BioTime profile it is required.",
        ),
        Member::new(
            "ip_address",
            Kind::Text,
            "In the BioTime profile it is required.",
        ),
        Member::new(
            "terminal_tz",
            Kind::Integer,
            "Hours from UTC up to 14, minutes beyond; the server's zone unless given.",
        ),
        Member::new(
            "zone_name",
            Kind::Text,
            "The zone's IANA name, which knows daylight saving time.",
        ),
        Member::new(
            "zone_spelling",
            Kind::Text,
            "How it is told its zone: hours_or_minutes, minutes, omit, signed.",
        ),
        Member::new("heartbeat", Kind::Integer, "Seconds."),
        Member::new("transfer_mode", Kind::Integer, KEPT),
        Member::new("device_direction", Kind::Integer, KEPT),
        Member::new("transfer_interval", Kind::Integer, "Minutes."),
        Member::new("transfer_time", Kind::Text, "HH:MM;HH:MM"),
        Member::new("is_attendance", Kind::Boolean, KEPT),
        Member::new("is_registration", Kind::Boolean, KEPT),
        Member::new("is_access", Kind::Boolean, KEPT),
        Member::new("gps_location", Kind::Text, ""),
        Member::new("company", Kind::Text, "The company's id."),
        Member::new(
            "area",
            Kind::Reference,
            "Code or id; also area_code. In area 1 a terminal is held.",
        ),
    ];

    type Change = Changes;

    async fn check(
        app: &App,
        caller: &Caller,
        known: &Known,
        body: &Body,
        stored: Option<&Row>,
    ) -> Result<Changes> {
        Changes::read(app, caller, known, body, stored).await
    }

    async fn store(
        app: &App,
        tx: &mut Writing,
        caller: &Caller,
        changes: Changes,
        stored: Option<Row>,
    ) -> Result<i64> {
        match stored {
            None => write::add(app, tx, caller, changes).await,
            Some(stored) => write::change(app, tx, caller, stored, changes).await,
        }
    }

    async fn show_saved(app: &App, caller: &Caller, row: Row) -> Result<Value> {
        Ok(match caller.profile {
            Profile::EasyTimePro => row.shown_raw(app),
            Profile::BioTime => row.shown(app, caller.profile),
        })
    }
}

impl Removable for Terminal {
    async fn remove(
        app: &App,
        tx: &mut Writing,
        caller: &Caller,
        rows: Vec<Row>,
    ) -> Result<Vec<Problem>> {
        let now = app.clock.now();
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        tx.run(&resource::delete_rows("terminal", &ids)).await?;
        for row in &rows {
            let deed = Deed {
                action: "delete",
                thing: Terminal::NAME,
                thing_id: row.sn.clone(),
                before: Some(row.audited()),
                ..Deed::default()
            };
            audit::write(tx, now, caller, deed).await?;
        }
        tx.after_commit(move |app| {
            for row in &rows {
                write::changed(app, row.id, [row.sn.as_str()]);
            }
        });
        Ok(Vec::new())
    }
}

/// How many terminals are held, online and offline, as far as a caller sees them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub held: i64,
    pub online: i64,
    pub offline: i64,
}

pub async fn tally(app: &App, caller: &Caller) -> Result<Tally> {
    caller.require(Right::View(Thing::Terminal))?;
    let mut select = SelectStatement::new();
    Terminal::tables(&mut select);
    select
        .expr(col(column("area_id")))
        .expr(col(column("heartbeat")))
        .expr(col(column("last_activity_at")))
        .cond_where(Terminal::visible(caller, app));
    let rows: Vec<(i64, i64, Option<DateTime<Utc>>)> = app.store.all(&select).await?;
    let now = app.clock.now();
    let mut tally = Tally::default();
    for (area_id, heartbeat, last) in rows {
        let is_online = last.is_some_and(|at| is_online(at, heartbeat, now));
        match (area_id, is_online) {
            (NOT_AUTHORIZED, _) => tally.held += 1,
            (_, true) => tally.online += 1,
            (_, false) => tally.offline += 1,
        }
    }
    Ok(tally)
}

pub fn endpoints() -> Vec<Endpoint> {
    let mut endpoints = vec![
        resource::list::<Terminal>(),
        resource::create::<Terminal>(),
        resource::read::<Terminal>(),
        resource::delete::<Terminal>(),
        resource::export::<Terminal>(),
    ];
    endpoints.extend(resource::update::<Terminal>());
    endpoints.extend(clear::endpoints());
    endpoints.extend(upload::endpoints());
    endpoints.push(synchronise::endpoint());
    endpoints.push(enrol::endpoint());
    endpoints.extend(enrolled::endpoints());
    endpoints.push(place::endpoint());
    endpoints.push(address::endpoint());
    endpoints.push(clock::endpoint());
    endpoints.push(door::endpoint());
    endpoints
}
