//! Users: who administers the server. This file alone writes `app_user`.

use super::role::{self, Limits, Roles};
use super::{check_not_above, second_factor, token};
use crate::access::{Caller, Rights, Scope, Thing, Who};
use crate::app::App;
use crate::audit::{self, Deed};
use crate::error::{Error, Problem, Result};
use crate::extract::Body;
use crate::input::{Given, Input, Text};
use crate::install::ADMINISTRATOR;
use crate::language::Language;
use crate::password;
use crate::profile::Profile;
use crate::relation::Known;
use crate::resource::{self, Column, Columns, Field, Resource, Searched, Writable, col};
use crate::routes::{Kind, Member};
use crate::times;
use crate::writing::Writing;
use chrono::{DateTime, Utc};
use muster_store::{Sql, Tx};
use sea_query::{Alias, Cond, Condition, Expr, ExprTrait, JoinType, Order, SelectStatement};
use serde_json::{Map, Value, json};

/// The shortest password a user may have.
pub const MIN_PASSWORD: usize = 8;

pub struct Users;

/// A user with the rights and the scope of its role.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct User {
    pub id: i64,
    pub uuid: String,
    pub username: String,
    pub email: Option<String>,
    pub password_hash: String,
    pub active: bool,
    pub credentials_changed_at: DateTime<Utc>,
    pub last_login_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    role_id: i64,
    pub role: String,
    /// A password alone does not let it in.
    pub has_second_factor: bool,
    rights: String,
    companies: Option<String>,
    areas: Option<String>,
    departments: Option<String>,
}

impl User {
    pub fn caller(&self, profile: Profile) -> Caller {
        Caller {
            who: Who::User {
                id: self.id,
                name: self.username.clone(),
            },
            profile,
            rights: Rights::kept(&self.rights),
            scope: self.scope(),
            address: None,
        }
    }

    fn scope(&self) -> Scope {
        role::scope(&self.companies, &self.areas, &self.departments)
    }

    fn audited(&self) -> Map<String, Value> {
        let object = json!({ "role": self.role, "email": self.email, "active": self.active });
        audit::members(object).unwrap_or_default()
    }
}

const COLUMNS: &[&str] = &[
    "id",
    "uuid",
    "username",
    "email",
    "password_hash",
    "active",
    "credentials_changed_at",
    "last_login_at",
    "created_at",
    "role_id",
];

const fn column(name: &'static str) -> Column {
    ("app_user", name)
}

const HAS_SECOND_FACTOR: &str = "EXISTS (SELECT 1 FROM second_factor \
     WHERE second_factor.user_id = app_user.id AND second_factor.confirmed_at IS NOT NULL)";

fn select(app: &App) -> SelectStatement {
    let mut select = SelectStatement::new();
    Users::tables(&mut select);
    Users::columns(&mut select, app);
    select
}

pub async fn find_by_uuid(app: &App, uuid: &str) -> Result<Option<User>> {
    let mut select = select(app);
    select.and_where(col(column("uuid")).eq(uuid));
    Ok(app.store.find(&select).await?)
}

/// By the name or the mail address a person types.
pub async fn find_by_name(app: &App, name: &str) -> Result<Option<User>> {
    // PostgreSQL refuses a zero byte in a text, and no name has one.
    if name.contains('\0') {
        return Ok(None);
    }
    let is_name = || col(column("username")).eq(name);
    let mut select = select(app);
    select
        .cond_where(
            Cond::any()
                .add(is_name())
                .add(col(column("email")).eq(name.to_lowercase())),
        )
        .order_by_expr(is_name(), Order::Desc)
        .limit(1);
    Ok(app.store.find(&select).await?)
}

/// All users, by name.
pub async fn all(app: &App) -> Result<Vec<User>> {
    let mut select = select(app);
    select.order_by_expr(col(column("username")), Order::Asc);
    Ok(app.store.all(&select).await?)
}

impl Resource for Users {
    const NAME: &'static str = "user";
    const PATH: &'static str = "/users/";
    const THING: Thing = Thing::User;
    const KEY: &'static str = "id";
    const CODE: Option<Column> = None;
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Integer, column("id")).one_of(),
        Field::new("username", Kind::Text, column("username")).exactly(),
        Field::new("email", Kind::Text, column("email"))
            .exactly()
            .nullable(),
        Field::new("role", Kind::Text, ("role", "name")).exactly(),
        Field::new("active", Kind::Boolean, column("active")).exactly(),
        Field::computed("second_factor", Kind::Boolean).exactly(),
        Field::new("last_login", Kind::Time, column("last_login_at")).nullable(),
        Field::new("create_time", Kind::Time, column("created_at")),
    ];
    const SEARCHED: &'static [Searched] = &[
        Searched::Plain(column("username")),
        Searched::Plain(column("email")),
        Searched::Plain(("role", "name")),
    ];
    const ANSWER: &'static [Member] = &[
        Member::new("id", Kind::Integer, ""),
        Member::new("username", Kind::Text, ""),
        Member::new("email", Kind::Text, ""),
        Member::new("role", Kind::Relation, "").columns(&[("role", "name")]),
        Member::new("active", Kind::Boolean, "May come in."),
        Member::new(
            "second_factor",
            Kind::Boolean,
            "Shows a code too when signing in.",
        ),
        Member::new("areas", Kind::ObjectList, "The role's; none: all.")
            .columns(&[("areas", "area_name")]),
        Member::new("departments", Kind::ObjectList, "The role's; none: all.")
            .columns(&[("departments", "dept_name")]),
        Member::new("last_login", Kind::Time, ""),
        Member::new("create_time", Kind::Time, ""),
    ];
    const IS_SMALL: bool = true;

    type Row = User;

    fn id(row: &User) -> i64 {
        row.id
    }

    fn tables(select: &mut SelectStatement) {
        select.from(Alias::new("app_user")).join(
            JoinType::InnerJoin,
            Alias::new("role"),
            col(("role", "id")).eq(col(column("role_id"))),
        );
    }

    fn columns(select: &mut SelectStatement, _app: &App) {
        for name in COLUMNS {
            select.expr(col(column(name)));
        }
        select
            .expr_as(col(("role", "name")), "role")
            .expr_as(Expr::cust(HAS_SECOND_FACTOR), "has_second_factor");
        for name in ["rights", "companies", "areas", "departments"] {
            select.expr(col(("role", name)));
        }
    }

    fn visible(_caller: &Caller, _app: &App) -> Condition {
        Cond::all()
    }

    fn computed(_app: &App, _name: &str) -> Expr {
        Expr::cust(HAS_SECOND_FACTOR)
    }

    async fn show(app: &App, caller: &Caller, rows: Vec<User>) -> Result<Vec<Value>> {
        let scopes: Vec<Scope> = rows.iter().map(User::scope).collect();
        let limits = Limits::shown(app, &scopes).await?;
        Ok(rows
            .into_iter()
            .zip(limits)
            .map(|(user, [areas, departments])| {
                json!({
                    "id": user.id,
                    "username": user.username,
                    "email": user.email,
                    "role": { "id": user.role_id, "name": user.role },
                    "active": user.active,
                    "second_factor": user.has_second_factor,
                    "areas": areas,
                    "departments": departments,
                    "last_login": times::maybe_instant(user.last_login_at, app.zone),
                    "create_time": times::instant(user.created_at, app.zone),
                    // Whether the caller may change the user: nobody changes whoever may more.
                    "is_above": !caller.covers(&Rights::kept(&user.rights), &user.scope()),
                })
            })
            .collect())
    }
}

/// What was given, checked; what is `None` stays as it is.
pub struct Change {
    username: Option<String>,
    email: Given<String>,
    role_id: Option<i64>,
    password_hash: Option<String>,
    active: Option<bool>,
}

const USERNAME: Text = Text::max(150);
const EMAIL: Text = Text::max(254)
    .optional()
    .like(|text| text.contains('@'))
    .or_say(t!("Enter a valid email address."));

/// What a user reads the console in; `None`: as the browser asks.
pub async fn choose_language(
    tx: &mut Tx,
    id: i64,
    language: Option<&'static Language>,
) -> Result<()> {
    let tag = language.map(|language| language.tag);
    tx.run(&Sql::new(
        "UPDATE app_user SET language = $2 WHERE id = $1",
        [id.into(), tag.into()],
    ))
    .await?;
    Ok(())
}

/// Refuses a password that is too short, or too long to be hashed.
pub fn check_password(password: &str) -> Option<Problem> {
    if password.chars().count() < MIN_PASSWORD {
        Some(Problem::new(
            "password",
            t!(
                "Ensure this field has at least {count} characters.",
                count = MIN_PASSWORD
            ),
        ))
    } else if password.len() > password::MAX_BYTES {
        Some(Problem::new(
            "password",
            t!(
                "Ensure this field has no more than {count} characters.",
                count = password::MAX_BYTES
            ),
        ))
    } else {
        None
    }
}

impl Writable for Users {
    const INPUT: &'static [Member] = &[
        Member::new("username", Kind::Text, "It never changes.").required(),
        Member::new("email", Kind::Text, "Names the user at a login, too."),
        Member::new("role", Kind::Reference, "").required(),
        Member::new("password", Kind::Text, "").required(),
        Member::new("active", Kind::Boolean, "May come in."),
    ];

    type Change = Change;

    async fn check(
        app: &App,
        caller: &Caller,
        _known: &Known,
        body: &Body,
        stored: Option<&User>,
    ) -> Result<Change> {
        if let Some(stored) = stored {
            check_changeable(caller, stored)?;
        }
        let mut input = Input::new(body, stored.is_none());
        input.require(&["username"]);
        let username = match stored {
            None => input.text("username", USERNAME).flatten(),
            Some(_) => None,
        };
        let email = input.text("email", EMAIL).map(|email| {
            email
                .filter(|email| !email.is_empty())
                .map(|email| email.to_lowercase())
        });
        input.require(&["role"]);
        let mut role_id = None;
        if let Some((field, value)) = input.value(&["role"]) {
            match resource::named::<Roles>(app, caller, field, value).await? {
                Ok(role) if !caller.covers(&role.rights(), &role.scope()) => {
                    let message = t!("This role may do or see more than you: you cannot give it.");
                    input.problem(field, message);
                }
                Ok(role) => role_id = Some(role.id),
                Err(_) => {
                    let name = value.as_str().unwrap_or_default();
                    input.problem(
                        field,
                        t!("There is no role {name}.", name = format_args!("{name:?}")),
                    );
                }
            }
        }
        let is_self = stored
            .is_some_and(|stored| matches!(caller.who, Who::User { id, .. } if id == stored.id));
        let active = input.boolean("active");
        if is_self && active == Some(false) {
            input.problem("active", t!("You cannot shut yourself out."));
        }
        input.require(&["password"]);
        // Taken letter by letter, blanks at its ends too.
        let password = body.get("password").and_then(Value::as_str);
        if is_self && password.is_some() {
            let message =
                t!("Your own password is changed under your name, with the one you have.");
            input.problem("password", message);
        } else if let Some(problem) = password.and_then(check_password) {
            input.problems.push(problem);
        }
        input.settle()?;
        Ok(Change {
            username,
            email,
            role_id,
            password_hash: match password {
                Some(password) => Some(app.passwords.hash(password).await?),
                None => None,
            },
            active,
        })
    }

    async fn store(
        app: &App,
        tx: &mut Writing,
        caller: &Caller,
        change: Change,
        stored: Option<User>,
    ) -> Result<i64> {
        let now = app.clock.now();
        let ends_logins = change.password_hash.is_some() || change.active.is_some();
        let is_password = stored.is_some() && change.password_hash.is_some();
        check_free(tx, &change, stored.as_ref()).await?;
        let mut columns = Columns::default();
        if let Some(username) = change.username {
            columns.set("username", username);
        }
        if let Some(email) = change.email {
            columns.set("email", email);
        }
        if let Some(role_id) = change.role_id {
            columns.set("role_id", role_id);
        }
        if let Some(hash) = change.password_hash {
            columns.set("password_hash", hash);
        }
        if let Some(active) = change.active {
            columns.set("active", active);
        }
        if ends_logins || stored.is_none() {
            columns.set("credentials_changed_at", now);
        }
        let id = match &stored {
            Some(stored) if columns.is_empty() => return Ok(stored.id),
            Some(stored) => {
                tx.run(&columns.update("app_user", stored.id)).await?;
                check_administrators(tx).await?;
                if ends_logins {
                    token::remove_of_user(tx, stored.id).await?;
                }
                stored.id
            }
            None => {
                columns.set("uuid", uuid::Uuid::new_v4().to_string());
                columns.set("created_at", now);
                tx.one::<(i64,)>(&columns.insert("app_user")).await?.0
            }
        };
        let row: User = tx.one(&resource::by_id::<Users>(app, id)).await?;
        let before = stored.as_ref().map(User::audited);
        let deed = |action, before, after| Deed {
            action,
            thing: Users::NAME,
            thing_id: row.username.clone(),
            before,
            after,
        };
        let after = row.audited();
        let mut deeds = Vec::new();
        if is_password {
            deeds.push(deed("password", None, None));
        }
        match before {
            None => deeds.push(deed("create", None, Some(after))),
            Some(before) if before != after => {
                deeds.push(deed("update", Some(before), Some(after)));
            }
            Some(_) => {}
        }
        audit::write_several(tx, now, caller, deeds.into_iter()).await?;
        tx.after_commit(|app| app.accounts.forget());
        Ok(id)
    }
}

/// Whoever may do or see more than the caller is not his to change.
pub fn check_changeable(caller: &Caller, user: &User) -> Result<()> {
    check_not_above(caller, &Rights::kept(&user.rights), &user.scope())
}

/// Name and mail address are each of one user alone.
async fn check_free(tx: &mut Tx, change: &Change, stored: Option<&User>) -> Result<()> {
    let email = change.email.clone().flatten();
    let taken: Option<(String,)> = tx
        .find(&Sql::new(
            "SELECT username FROM app_user WHERE (username = $1 OR email = $2) AND id <> $3",
            [
                change.username.clone().into(),
                email.into(),
                stored.map_or(0, |stored| stored.id).into(),
            ],
        ))
        .await?;
    let Some((other,)) = taken else {
        return Ok(());
    };
    let field = if change.username.as_ref() == Some(&other) {
        "username"
    } else {
        "email"
    };
    let message = t!("user with this {field} already exists.", field = field);
    Err(Error::invalid(field, message))
}

/// Somebody has to be left who can give others their rights back.
async fn check_administrators(tx: &mut Tx) -> Result<()> {
    // Two who shut one another out at once take turns.
    let _: Option<(i64,)> = tx
        .find(&Sql::by_dialect(
            "SELECT id FROM role WHERE id = $1",
            "SELECT id FROM role WHERE id = $1 FOR NO KEY UPDATE",
            [ADMINISTRATOR.into()],
        ))
        .await?;
    let (left,): (i64,) = tx
        .one(&Sql::new(
            "SELECT count(*) FROM app_user WHERE active AND role_id = $1",
            [ADMINISTRATOR.into()],
        ))
        .await?;
    if left == 0 {
        return Err(Error::refused(t!(
            "This is the last administrator there is."
        )));
    }
    Ok(())
}

/// Adds a user with the role of that name.
pub async fn add(
    app: &App,
    caller: &Caller,
    username: &str,
    email: Option<&str>,
    role: &str,
    password: &str,
) -> Result<()> {
    let given = json!({ "username": username, "email": email, "role": role, "password": password });
    save(app, caller, given, None).await
}

/// Gives a user another password. All its tokens and sessions end.
pub async fn set_password(
    app: &App,
    caller: &Caller,
    username: &str,
    password: &str,
) -> Result<()> {
    let user = fetch(app, username).await?;
    save(app, caller, json!({ "password": password }), Some(user)).await
}

/// Gives a user another role, of that name. Its tokens stay, and may what the role allows.
pub async fn set_role(app: &App, caller: &Caller, username: &str, role: &str) -> Result<()> {
    let user = fetch(app, username).await?;
    save(app, caller, json!({ "role": role }), Some(user)).await
}

/// Lets a user in again, or shuts it out: all its tokens and sessions end then.
pub async fn set_active(app: &App, caller: &Caller, username: &str, active: bool) -> Result<()> {
    let user = fetch(app, username).await?;
    save(app, caller, json!({ "active": active }), Some(user)).await
}

async fn save(app: &App, caller: &Caller, given: Value, stored: Option<User>) -> Result<()> {
    let body = Body::of(given).unwrap_or_default();
    resource::save::<Users>(app, caller, &body, stored).await?;
    Ok(())
}

/// The user himself changes his password, which he has just proved to know. Everything that was
/// signed in ends.
pub async fn change_own_password(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    id: i64,
    password: &str,
) -> Result<()> {
    let change = Change {
        username: None,
        email: None,
        role_id: None,
        password_hash: Some(app.passwords.hash(password).await?),
        active: None,
    };
    let stored = tx.find(&resource::by_id::<Users>(app, id)).await?;
    let stored: User = stored.ok_or(Error::NotFound)?;
    Users::store(app, tx, caller, change, Some(stored)).await?;
    Ok(())
}

/// Switches a user's second factor off, for one who lost it.
pub async fn reset_second_factor(app: &App, caller: &Caller, user: &User) -> Result<()> {
    check_changeable(caller, user)?;
    let mut tx = Writing::begin(app).await?;
    second_factor::remove(app, &mut tx, caller, user.id, &user.username).await?;
    tx.after_commit(|app| app.accounts.forget());
    tx.commit(app).await
}

pub async fn fetch(app: &App, username: &str) -> Result<User> {
    find_by_name(app, username).await?.ok_or_else(|| {
        Error::invalid(
            "username",
            t!(
                "There is no user {username}.",
                username = format_args!("{username:?}")
            ),
        )
    })
}

/// Ends everything the user is signed in with.
pub(super) async fn end_logins(tx: &mut Writing, id: i64, now: DateTime<Utc>) -> Result<()> {
    tx.run(&Sql::new(
        "UPDATE app_user SET credentials_changed_at = $1 WHERE id = $2",
        [now.into(), id.into()],
    ))
    .await?;
    token::remove_of_user(tx, id).await?;
    tx.after_commit(|app| app.accounts.forget());
    Ok(())
}

/// A login that succeeded.
pub async fn note_login(tx: &mut Tx, id: i64, at: DateTime<Utc>) -> Result<()> {
    tx.run(&Sql::new(
        "UPDATE app_user SET last_login_at = $1 WHERE id = $2",
        [at.into(), id.into()],
    ))
    .await?;
    Ok(())
}
