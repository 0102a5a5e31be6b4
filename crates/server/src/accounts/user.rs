//! Users: who administers the server. This file alone writes `app_user`.

use super::role;
use crate::access::{Caller, Rights, Who};
use crate::app::App;
use crate::audit::{self, Deed};
use crate::error::{Error, Problem, Result};
use crate::install::ADMINISTRATOR;
use crate::password;
use crate::profile::Profile;
use chrono::{DateTime, Utc};
use muster_store::{Sql, Tx};
use serde_json::{Map, Value, json};

/// The shortest password a user may have.
pub const MIN_PASSWORD: usize = 8;

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
    pub role: String,
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
            scope: role::scope(&self.companies, &self.areas, &self.departments),
            address: None,
        }
    }
}

const SELECT_BY_UUID: &str = "SELECT u.id, u.uuid, u.username, u.email, u.password_hash, u.active, \
     u.credentials_changed_at, u.last_login_at, r.name AS role, r.rights, r.companies, r.areas, \
     r.departments FROM app_user u JOIN role r ON r.id = u.role_id WHERE u.uuid = $1";
const SELECT_BY_NAME: &str = "SELECT u.id, u.uuid, u.username, u.email, u.password_hash, u.active, \
     u.credentials_changed_at, u.last_login_at, r.name AS role, r.rights, r.companies, r.areas, \
     r.departments FROM app_user u JOIN role r ON r.id = u.role_id \
     WHERE u.username = $1 OR u.email = $2 \
     ORDER BY CASE WHEN u.username = $1 THEN 0 ELSE 1 END LIMIT 1";
const SELECT_ALL: &str = "SELECT u.id, u.uuid, u.username, u.email, u.password_hash, u.active, \
     u.credentials_changed_at, u.last_login_at, r.name AS role, r.rights, r.companies, r.areas, \
     r.departments FROM app_user u JOIN role r ON r.id = u.role_id ORDER BY u.username";

pub async fn find_by_uuid(app: &App, uuid: &str) -> Result<Option<User>> {
    Ok(app
        .store
        .find(&Sql::new(SELECT_BY_UUID, [uuid.into()]))
        .await?)
}

/// By the name or the mail address a person types.
pub async fn find_by_name(app: &App, name: &str) -> Result<Option<User>> {
    Ok(app
        .store
        .find(&Sql::new(
            SELECT_BY_NAME,
            [name.into(), name.to_lowercase().into()],
        ))
        .await?)
}

/// All users, by name.
pub async fn all(app: &App) -> Result<Vec<User>> {
    Ok(app.store.all(&Sql::new(SELECT_ALL, [])).await?)
}

/// Refuses a password that is too short, or too long to be hashed.
pub fn check_password(password: &str) -> Option<Problem> {
    if password.chars().count() < MIN_PASSWORD {
        Some(Problem::new(
            "password",
            format!("Ensure this field has at least {MIN_PASSWORD} characters."),
        ))
    } else if password.len() > password::MAX_BYTES {
        Some(Problem::new(
            "password",
            "Ensure this field has no more than 1024 characters.",
        ))
    } else {
        None
    }
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
    let mut problems: Vec<Problem> = check_password(password).into_iter().collect();
    let username = username.trim();
    if username.is_empty()
        || username.chars().count() > 150
        || username.chars().any(char::is_control)
    {
        problems.push(Problem::new("username", "Enter a valid value."));
    }
    let role_id = role::id_of(app, role).await?;
    if role_id.is_none() {
        problems.push(Problem::new("role", format!("There is no role {role:?}.")));
    }
    let (Some(role_id), true) = (role_id, problems.is_empty()) else {
        return Err(Error::Invalid(problems));
    };
    let hash = app.passwords.hash(password).await?;
    let now = app.clock.now();
    let email = email.map(str::to_lowercase);
    let mut tx = app.store.write().await?;
    let taken: Option<(String,)> = tx
        .find(&Sql::new(
            "SELECT username FROM app_user WHERE username = $1 OR email = $2",
            [username.into(), email.clone().into()],
        ))
        .await?;
    if let Some((other,)) = taken {
        let field = if other == username {
            "username"
        } else {
            "email"
        };
        return Err(Error::invalid(
            field,
            format!("user with this {field} already exists."),
        ));
    }
    tx.run(&Sql::new(
        "INSERT INTO app_user (uuid, username, email, password_hash, role_id, \
         credentials_changed_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $6)",
        [
            uuid::Uuid::new_v4().to_string().into(),
            username.into(),
            email.clone().into(),
            hash.into(),
            role_id.into(),
            now.into(),
        ],
    ))
    .await?;
    let deed = Deed {
        action: "create",
        thing: "user",
        thing_id: username.to_owned(),
        after: Some(members(json!({ "role": role, "email": email }))),
        ..Deed::default()
    };
    audit::write(&mut tx, now, caller, deed).await?;
    tx.commit().await?;
    app.accounts.forget();
    Ok(())
}

/// Gives a user another password. All its tokens end.
pub async fn set_password(
    app: &App,
    caller: &Caller,
    username: &str,
    password: &str,
) -> Result<()> {
    if let Some(problem) = check_password(password) {
        return Err(Error::Invalid(vec![problem]));
    }
    let user = fetch(app, username).await?;
    let hash = app.passwords.hash(password).await?;
    let now = app.clock.now();
    let mut tx = app.store.write().await?;
    tx.run(&Sql::new(
        "UPDATE app_user SET password_hash = $1, credentials_changed_at = $2 WHERE id = $3",
        [hash.into(), now.into(), user.id.into()],
    ))
    .await?;
    super::token::remove_of_user(&mut tx, user.id).await?;
    let deed = Deed {
        action: "password",
        thing: "user",
        thing_id: user.username,
        ..Deed::default()
    };
    audit::write(&mut tx, now, caller, deed).await?;
    tx.commit().await?;
    app.accounts.forget();
    Ok(())
}

/// Gives a user another role, of that name. Its tokens stay, and may what the role allows.
pub async fn set_role(app: &App, caller: &Caller, username: &str, role: &str) -> Result<()> {
    let user = fetch(app, username).await?;
    let Some(role_id) = role::id_of(app, role).await? else {
        return Err(Error::invalid(
            "role",
            format!("There is no role {role:?}."),
        ));
    };
    let now = app.clock.now();
    let mut tx = app.store.write().await?;
    tx.run(&Sql::new(
        "UPDATE app_user SET role_id = $1 WHERE id = $2",
        [role_id.into(), user.id.into()],
    ))
    .await?;
    check_administrators(&mut tx).await?;
    let deed = Deed {
        action: "update",
        thing: "user",
        thing_id: user.username,
        before: Some(members(json!({ "role": user.role }))),
        after: Some(members(json!({ "role": role }))),
    };
    audit::write(&mut tx, now, caller, deed).await?;
    tx.commit().await?;
    app.accounts.forget();
    Ok(())
}

/// Somebody has to be left who can give others their rights back.
async fn check_administrators(tx: &mut Tx) -> Result<()> {
    let (left,): (i64,) = tx
        .one(&Sql::new(
            "SELECT count(*) FROM app_user WHERE active AND role_id = $1",
            [ADMINISTRATOR.into()],
        ))
        .await?;
    if left == 0 {
        return Err(Error::invalid(
            "username",
            "This is the last administrator there is.",
        ));
    }
    Ok(())
}

/// Lets a user in again, or shuts it out: all its tokens end then.
pub async fn set_active(app: &App, caller: &Caller, username: &str, active: bool) -> Result<()> {
    let user = fetch(app, username).await?;
    let now = app.clock.now();
    let mut tx = app.store.write().await?;
    tx.run(&Sql::new(
        "UPDATE app_user SET active = $1, credentials_changed_at = $2 WHERE id = $3",
        [active.into(), now.into(), user.id.into()],
    ))
    .await?;
    if !active {
        check_administrators(&mut tx).await?;
    }
    super::token::remove_of_user(&mut tx, user.id).await?;
    let deed = Deed {
        action: "update",
        thing: "user",
        thing_id: user.username,
        before: Some(members(json!({ "active": user.active }))),
        after: Some(members(json!({ "active": active }))),
    };
    audit::write(&mut tx, now, caller, deed).await?;
    tx.commit().await?;
    app.accounts.forget();
    Ok(())
}

async fn fetch(app: &App, username: &str) -> Result<User> {
    find_by_name(app, username)
        .await?
        .ok_or_else(|| Error::invalid("username", format!("There is no user {username:?}.")))
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

pub(super) fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
