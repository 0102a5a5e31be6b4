//! Tokens of the login doors: 40 hexadecimal digits that never expire, and JSON web tokens. Each
//! remembers the profile of the door it came through, and ends when the password behind it
//! changes. This file alone writes `login_token`.

use super::staff::Staff;
use super::user::User;
use super::{staff_by_id, user_by_uuid};
use crate::access::Caller;
use crate::app::App;
use crate::error::{Error, Result, Unauthenticated};
use crate::keys;
use crate::profile::Profile;
use crate::sealed::Sealed;
use aws_lc_rs::hmac;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use muster_store::{Sql, Tx};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// How long a BioTime door's own JSON web token lives, in seconds: as long as there.
const BIOTIME_TOKEN_S: i64 = 7 * 24 * 3600;
/// Longer ones are refused unread.
const MAX_JWT_BYTES: usize = 4096;
const SEAL: &str = "login_token";
pub const TOKENS: Sealed = Sealed {
    table: "login_token",
    key: "id",
    column: "token_sealed",
    purpose: SEAL,
    was_plain: false,
};

/// Whose password a token stands for.
#[derive(Debug, Clone)]
pub enum Subject {
    User(Arc<User>),
    Staff(Arc<Staff>),
}

impl Subject {
    fn caller(&self, profile: Profile) -> Caller {
        match self {
            Subject::User(user) => user.caller(profile),
            Subject::Staff(staff) => staff.caller(profile),
        }
    }

    fn is_active(&self) -> bool {
        match self {
            Subject::User(user) => user.active,
            Subject::Staff(staff) => staff.may_log_in(),
        }
    }

    /// What `user_id` says in a JSON web token.
    fn id(&self) -> String {
        match self {
            Subject::User(user) => user.uuid.clone(),
            Subject::Staff(staff) => staff.id.to_string(),
        }
    }

    fn name(&self) -> &str {
        match self {
            Subject::User(user) => &user.username,
            Subject::Staff(staff) => &staff.emp_code,
        }
    }

    fn email(&self) -> Option<&str> {
        match self {
            Subject::User(user) => user.email.as_deref(),
            Subject::Staff(_) => None,
        }
    }

    /// The key that signs this subject's tokens: another password, another key.
    fn key(&self, app: &App) -> Vec<u8> {
        let (kind, stamp) = match self {
            Subject::User(user) => (
                "user",
                format!(
                    "{}\n{}",
                    user.password_hash,
                    user.credentials_changed_at.timestamp_micros()
                ),
            ),
            Subject::Staff(staff) => (
                "employee",
                staff.self_password_hash.clone().unwrap_or_default(),
            ),
        };
        let root = hmac::Key::new(hmac::HMAC_SHA256, app.keys.token_key());
        let text = format!("{kind}\n{}\n{stamp}", self.id());
        hmac::sign(&root, text.as_bytes()).as_ref().to_vec()
    }
}

/// A never-expiring token's row.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Login {
    pub user_uuid: Option<String>,
    pub employee_id: Option<i64>,
    pub profile: String,
}

pub(super) async fn find_login(app: &App, digest: &[u8]) -> Result<Option<Login>> {
    Ok(app
        .store
        .find(&Sql::new(
            "SELECT u.uuid AS user_uuid, t.employee_id, t.profile FROM login_token t \
             LEFT JOIN app_user u ON u.id = t.user_id WHERE t.token_digest = $1",
            [digest.to_vec().into()],
        ))
        .await?)
}

/// The caller a never-expiring token belongs to, if it may still come in.
pub(super) async fn owner(app: &App, login: &Login) -> Result<Option<Caller>> {
    let profile = login.profile.parse().unwrap_or(Profile::EasyTimePro);
    let subject = match (&login.user_uuid, login.employee_id) {
        (Some(uuid), _) => user_by_uuid(app, uuid).await?.map(Subject::User),
        (None, Some(id)) => staff_by_id(app, id).await?.map(Subject::Staff),
        (None, None) => None,
    };
    Ok(subject
        .filter(Subject::is_active)
        .map(|subject| subject.caller(profile)))
}

/// The 40 digits for this door: the same at every login.
pub async fn lasting(
    tx: &mut Tx,
    app: &App,
    subject: &Subject,
    profile: Profile,
    now: DateTime<Utc>,
) -> Result<String> {
    let (user_id, employee_id) = match subject {
        Subject::User(user) => (Some(user.id), None),
        Subject::Staff(staff) => (None, Some(staff.id)),
    };
    let select = Sql::new(
        "SELECT token_sealed FROM login_token \
         WHERE profile = $1 AND (user_id = $2 OR employee_id = $3)",
        [
            profile.to_string().into(),
            user_id.into(),
            employee_id.into(),
        ],
    );
    let kept: Option<(Vec<u8>,)> = tx.find(&select).await?;
    let sealed = match kept {
        Some((sealed,)) => sealed,
        None => {
            let token = hex::encode(keys::random::<20>());
            // Another node may make it at the same moment: whoever is first has made it.
            tx.run(&Sql::new(
                "INSERT INTO login_token (user_id, employee_id, profile, token_digest, \
                 token_sealed, created_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
                [
                    user_id.into(),
                    employee_id.into(),
                    profile.to_string().into(),
                    app.keys.digest(token.as_bytes()).into(),
                    app.keys.seal(SEAL, token.as_bytes()).into(),
                    now.into(),
                ],
            ))
            .await?;
            let (sealed,): (Vec<u8>,) = tx.one(&select).await?;
            sealed
        }
    };
    let token = app
        .keys
        .open(SEAL, &sealed)
        .map_err(|error| Error::Internal(error.into()))?;
    String::from_utf8(token).map_err(|error| Error::Internal(error.into()))
}

/// A user's password changed, or it was shut out.
pub(super) async fn remove_of_user(tx: &mut Tx, user_id: i64) -> Result<()> {
    tx.run(&Sql::new(
        "DELETE FROM login_token WHERE user_id = $1",
        [user_id.into()],
    ))
    .await?;
    Ok(())
}

/// An employee's own password changed.
pub async fn remove_of_employee(tx: &mut Tx, employee_id: i64) -> Result<()> {
    tx.run(&Sql::new(
        "DELETE FROM login_token WHERE employee_id = $1",
        [employee_id.into()],
    ))
    .await?;
    Ok(())
}

/// A signed token and how long it lives.
#[derive(Debug)]
pub struct Signed {
    pub token: String,
    pub lives_s: i64,
}

/// Whatever is claimed, with the signature of that subject.
pub fn sign(app: &App, subject: &Subject, claims: &Value) -> Result<String> {
    jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        claims,
        &EncodingKey::from_secret(&subject.key(app)),
    )
    .map_err(|error| Error::Internal(error.into()))
}

/// `{token_type, exp, iat, jti, user_id}`; `iat` is kept through refreshes.
fn typed(
    app: &App,
    subject: &Subject,
    profile: Profile,
    token_type: &str,
    lives_s: i64,
    iat: i64,
) -> Result<Signed> {
    let mut claims = json!({
        "token_type": token_type,
        "exp": app.clock.now().timestamp() + lives_s,
        "iat": iat,
        "jti": hex::encode(keys::random::<16>()),
        "user_id": subject.id(),
    });
    if profile == Profile::BioTime {
        claims["profile"] = profile.to_string().into();
    }
    Ok(Signed {
        token: sign(app, subject, &claims)?,
        lives_s,
    })
}

pub fn access(app: &App, subject: &Subject, profile: Profile) -> Result<Signed> {
    let now = app.clock.now().timestamp();
    let lives_s = app.settings().api.access_token_s.into();
    typed(app, subject, profile, "access", lives_s, now)
}

pub fn refresh(app: &App, subject: &Subject, profile: Profile) -> Result<Signed> {
    let now = app.clock.now().timestamp();
    let lives_s = app.settings().api.refresh_token_s.into();
    typed(app, subject, profile, "refresh", lives_s, now)
}

/// `{user_id, username, exp, email, orig_iat}`: BioTime's token of a user, and an employee's at
/// either door.
pub fn simple(
    app: &App,
    subject: &Subject,
    profile: Profile,
    orig_iat: Option<i64>,
) -> Result<Signed> {
    let now = app.clock.now().timestamp();
    let (lives_s, is_staff) = match subject {
        Subject::User(_) => (BIOTIME_TOKEN_S, false),
        Subject::Staff(_) => (app.settings().api.staff_token_s.into(), true),
    };
    let mut claims = json!({
        "user_id": subject.id(),
        "username": subject.name(),
        "exp": now + lives_s,
        "email": subject.email(),
        "orig_iat": orig_iat.unwrap_or(now),
    });
    if is_staff && profile == Profile::BioTime {
        claims["profile"] = profile.to_string().into();
    }
    Ok(Signed {
        token: sign(app, subject, &claims)?,
        lives_s,
    })
}

/// What was read from a token whose signature is right.
struct Verified {
    subject: Subject,
    profile: Profile,
    claims: Map<String, Value>,
}

/// Why a JSON web token is not taken.
enum Flaw {
    Undecodable,
    /// It can be read, is of one form or the other, and is forged or its owner gone.
    Invalid {
        typed: bool,
    },
    Expired {
        typed: bool,
    },
}

/// Reads a token, finds whose it claims to be, and believes it when that one's key has signed it.
async fn verify(app: &App, token: &str) -> Result<Result<Verified, Flaw>> {
    if token.len() > MAX_JWT_BYTES {
        return Ok(Err(Flaw::Undecodable));
    }
    let is_hs256 =
        jsonwebtoken::decode_header(token).is_ok_and(|header| header.alg == Algorithm::HS256);
    let Ok(claims) = jsonwebtoken::dangerous::insecure_decode_claims::<Map<String, Value>>(token)
    else {
        return Ok(Err(Flaw::Undecodable));
    };
    if !is_hs256 {
        return Ok(Err(Flaw::Undecodable));
    }
    let typed = claims.contains_key("token_type");
    let invalid = || Ok(Err(Flaw::Invalid { typed }));
    let Some(user_id) = claims.get("user_id").and_then(Value::as_str) else {
        return invalid();
    };
    let subject = match user_id.parse::<i64>() {
        Ok(id) => staff_by_id(app, id).await?.map(Subject::Staff),
        Err(_) => user_by_uuid(app, user_id).await?.map(Subject::User),
    };
    let Some(subject) = subject else {
        return invalid();
    };
    // The times are checked below, against our clock.
    let mut signature_alone = Validation::new(Algorithm::HS256);
    signature_alone.validate_exp = false;
    signature_alone.validate_aud = false;
    signature_alone.required_spec_claims.clear();
    let key = DecodingKey::from_secret(&subject.key(app));
    let is_ours = jsonwebtoken::decode::<Map<String, Value>>(token, &key, &signature_alone).is_ok();
    if !is_ours || !subject.is_active() {
        return invalid();
    }
    let now = app.clock.now().timestamp();
    match claims.get("exp").map(Value::as_i64) {
        Some(Some(exp)) if exp > now => {}
        Some(Some(_)) => return Ok(Err(Flaw::Expired { typed })),
        _ => return invalid(),
    }
    match claims.get("nbf").map(Value::as_i64) {
        None => {}
        Some(Some(nbf)) if nbf <= now => {}
        Some(_) => return invalid(),
    }
    let profile = match claims.get("profile") {
        Some(name) => match name.as_str().and_then(|name| name.parse().ok()) {
            Some(profile) => profile,
            None => return invalid(),
        },
        None if typed || matches!(subject, Subject::Staff(_)) => Profile::EasyTimePro,
        None => Profile::BioTime,
    };
    Ok(Ok(Verified {
        subject,
        profile,
        claims,
    }))
}

/// Whose a JSON web token is. `word` is the scheme it came with: where nothing of the token can
/// be read, it says which library asks.
pub(super) async fn caller(app: &App, word: &str, token: &str) -> Result<Caller> {
    let reason = match verify(app, token).await? {
        Ok(verified) => match verified.claims.get("token_type").map(Value::as_str) {
            None | Some(Some("access")) => return Ok(verified.subject.caller(verified.profile)),
            _ => Unauthenticated::AccessTokenOfWrongType,
        },
        Err(Flaw::Undecodable) if word == "JWT" => Unauthenticated::UndecodableToken,
        Err(Flaw::Undecodable | Flaw::Invalid { typed: true } | Flaw::Expired { typed: true }) => {
            Unauthenticated::AccessTokenInvalid
        }
        Err(Flaw::Invalid { typed: false }) => Unauthenticated::UndecodableToken,
        Err(Flaw::Expired { typed: false }) => Unauthenticated::SignatureExpired,
    };
    Err(Error::Unauthenticated(reason))
}

/// A new access token for a refresh token.
pub async fn refreshed(app: &App, token: &str) -> Result<Signed> {
    let refuse = |reason| Err(Error::Unauthenticated(reason));
    let Ok(verified) = verify(app, token).await? else {
        return refuse(Unauthenticated::RefreshTokenInvalid);
    };
    match verified.claims.get("token_type").map(Value::as_str) {
        Some(Some("refresh")) => {}
        _ => return refuse(Unauthenticated::RefreshTokenOfWrongType),
    }
    let Some(iat) = verified.claims.get("iat").and_then(Value::as_i64) else {
        return refuse(Unauthenticated::RefreshTokenInvalid);
    };
    let lives_s = app.settings().api.access_token_s.into();
    typed(
        app,
        &verified.subject,
        verified.profile,
        "access",
        lives_s,
        iat,
    )
}

/// A new token of the simple form for one that has not expired, within seven days of the login.
pub async fn renewed(app: &App, token: &str) -> Result<Signed> {
    let refuse = |reason| Err(Error::Unauthenticated(reason));
    let verified = match verify(app, token).await? {
        Ok(verified) => verified,
        Err(Flaw::Expired { typed: false }) => return refuse(Unauthenticated::SignatureExpired),
        Err(_) => return refuse(Unauthenticated::UndecodableToken),
    };
    if verified.claims.contains_key("token_type") {
        return refuse(Unauthenticated::RefreshTokenOfWrongType);
    }
    let now = app.clock.now().timestamp();
    match verified.claims.get("orig_iat").and_then(Value::as_i64) {
        Some(orig_iat) if now < orig_iat + BIOTIME_TOKEN_S => {
            simple(app, &verified.subject, verified.profile, Some(orig_iat))
        }
        _ => refuse(Unauthenticated::SignatureExpired),
    }
}
