//! Who is signed in: a random token in a cookie, of which the database keeps a keyed digest. Owns
//! the table `console_session`.

use crate::access::{Caller, Who};
use crate::accounts::user::Users;
use crate::app::App;
use crate::audit::{self, Deed};
use crate::console::Console;
use crate::console::account::Account;
use crate::console::arrival::Arrival;
use crate::console::failure::Failure;
use crate::console::onward::Onward;
use crate::console::works::{self, Work};
use crate::error::{Error, Result};
use crate::keys;
use crate::language::{self, Language};
use crate::profile::Profile;
use crate::resource::Resource;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use muster_store::{Sql, Tx};
use std::net::IpAddr;
use std::sync::Arc;

const COOKIE: &str = "muster_session";
/// A session ends when nobody has used it for so long, and in any case after so long.
const IDLE: TimeDelta = TimeDelta::hours(12);
const LIFE: TimeDelta = TimeDelta::days(7);
/// How often at most a request writes down that the session is in use.
const SEEN_EVERY: TimeDelta = TimeDelta::minutes(1);
/// What a page asks for by itself, without anybody being there.
const BY_ITSELF: &str = "x-by-itself";
const LONGEST_AGENT: usize = 200;

/// A signed-in user. A handler that has one was called by somebody; what they may do it asks
/// `caller`.
#[derive(Debug, Clone)]
pub struct Session {
    /// Goes into every form; worked out from the cookie, so no other site knows it.
    pub csrf: String,
    pub caller: Caller,
    /// Until there is a second factor, only the page that sets it up.
    pub needs_second_factor: bool,
    /// What he has set going and not seen the end of.
    pub works: Vec<Work>,
    /// What the user has chosen to read.
    pub language: Option<&'static Language>,
    digest: Vec<u8>,
}

/// Whose session it is.
struct Known {
    account_id: i64,
    caller: Caller,
    language: Option<&'static Language>,
    seen_at: DateTime<Utc>,
    has_second_factor: bool,
    has_work: bool,
}

#[derive(sqlx::FromRow)]
struct Row {
    user_id: i64,
    created_at: DateTime<Utc>,
    seen_at: DateTime<Utc>,
    has_work: bool,
}

impl Session {
    /// The session a request's cookie belongs to. Reads the account anew, so that a right that was
    /// taken away is gone with the next request.
    async fn of(
        console: &Console,
        headers: &HeaderMap,
        address: Option<IpAddr>,
    ) -> Result<Option<Session>> {
        let app = &console.app;
        let Some(token) = token(headers) else {
            return Ok(None);
        };
        let digest = app
            .keys
            .digest(format!("console session {token}").as_bytes());
        let Some(known) = authenticate(app, &digest, address).await? else {
            return Ok(None);
        };
        let now = app.clock.now();
        if now - known.seen_at >= SEEN_EVERY && !headers.contains_key(BY_ITSELF) {
            let mut tx = app.store.write().await?;
            tx.run(&Sql::new(
                "UPDATE console_session SET seen_at = $2 WHERE digest = $1",
                [digest.clone().into(), now.into()],
            ))
            .await?;
            tx.commit().await?;
        }
        let works = match known.has_work {
            true => works::of_user(console, known.account_id).await?,
            false => Vec::new(),
        };
        let csrf = app.keys.digest(format!("console form {token}").as_bytes());
        Ok(Some(Session {
            csrf: URL_SAFE_NO_PAD.encode(csrf),
            caller: known.caller,
            needs_second_factor: app.settings().console.need_second_factor
                && !known.has_second_factor,
            works: works.into_iter().filter(|work| !work.is_told).collect(),
            language: known.language,
            digest,
        }))
    }

    /// The same session as it is now, for an answer that goes on for hours: nothing once it has
    /// ended. Does not count as using it.
    pub async fn again(&self, app: &App) -> Result<Option<Session>> {
        let address = self.caller.address;
        Ok(authenticate(app, &self.digest, address)
            .await?
            .map(|known| Session {
                caller: known.caller,
                language: known.language,
                ..self.clone()
            }))
    }

    /// The user behind it; programs and the server itself have none.
    pub fn user_id(&self) -> Result<i64> {
        match self.caller.who {
            Who::User { id, .. } => Ok(id),
            _ => Err(Error::Forbidden),
        }
    }

    pub fn allows(&self, csrf: &str) -> bool {
        verify_slices_are_equal(self.csrf.as_bytes(), csrf.as_bytes()).is_ok()
    }

    /// Ends every other session of the user.
    pub async fn end_others(&self, tx: &mut Tx, user_id: i64) -> Result<u64> {
        Ok(tx
            .run(&Sql::new(
                "DELETE FROM console_session WHERE user_id = $1 AND digest <> $2",
                [user_id.into(), self.digest.clone().into()],
            ))
            .await?)
    }

    pub fn is_this(&self, open: &Open) -> bool {
        self.digest == open.digest
    }

    pub async fn end(&self, tx: &mut Tx) -> Result<()> {
        tx.run(&Sql::new(
            "DELETE FROM console_session WHERE digest = $1",
            [self.digest.clone().into()],
        ))
        .await?;
        Ok(())
    }
}

/// A session of a user, as it is shown.
#[derive(Debug, sqlx::FromRow)]
pub struct Open {
    digest: Vec<u8>,
    pub address: String,
    pub agent: String,
    pub created_at: DateTime<Utc>,
    pub seen_at: DateTime<Utc>,
}

impl Open {
    /// By which it is ended. The cookie cannot be worked out of it.
    pub fn key(&self) -> String {
        hex::encode(&self.digest)
    }
}

/// The sessions of a user that stand, the last used first.
pub async fn of_user(app: &App, user_id: i64) -> Result<Vec<Open>> {
    let now = app.clock.now();
    Ok(app
        .store
        .all(&Sql::new(
            "SELECT s.digest, s.address, s.agent, s.created_at, s.seen_at FROM console_session s \
             JOIN app_user u ON u.id = s.user_id \
             WHERE s.user_id = $1 AND s.expires_at > $2 AND s.seen_at > $3 \
               AND u.credentials_changed_at <= s.created_at \
             ORDER BY s.seen_at DESC, s.created_at DESC",
            [user_id.into(), now.into(), (now - IDLE).into()],
        ))
        .await?)
}

/// Ends the session of the user with that key, or all of them. Returns how many those were.
pub async fn end_of_user(tx: &mut Tx, user_id: i64, key: Option<&str>) -> Result<u64> {
    let end = match key {
        Some(key) => Sql::new(
            "DELETE FROM console_session WHERE user_id = $1 AND digest = $2",
            [user_id.into(), hex::decode(key).unwrap_or_default().into()],
        ),
        None => Sql::new(
            "DELETE FROM console_session WHERE user_id = $1",
            [user_id.into()],
        ),
    };
    Ok(tx.run(&end).await?)
}

/// Writes down that sessions of the user with this name were ended.
pub async fn write_end(
    tx: &mut Tx,
    now: DateTime<Utc>,
    caller: &Caller,
    username: &str,
) -> Result<()> {
    let deed = Deed {
        action: "end_sessions",
        thing: Users::NAME,
        thing_id: username.to_owned(),
        ..Deed::default()
    };
    audit::write(tx, now, caller, deed).await
}

/// Makes a session for somebody who has just proved who he is, always with a new token; removes
/// the one the browser had, and those that have run out. Returns the cookie.
pub async fn begin(
    app: &App,
    tx: &mut Tx,
    user_id: i64,
    headers: &HeaderMap,
    arrival: &Arrival,
) -> Result<HeaderValue> {
    let now = app.clock.now();
    let old = token(headers).unwrap_or_default();
    tx.run(&Sql::new(
        "DELETE FROM console_session WHERE digest = $1 OR expires_at <= $2 OR seen_at <= $3",
        [
            app.keys
                .digest(format!("console session {old}").as_bytes())
                .into(),
            now.into(),
            (now - IDLE).into(),
        ],
    ))
    .await?;
    let token = URL_SAFE_NO_PAD.encode(keys::random::<32>());
    let agent: String = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or_default()
        .chars()
        .take(LONGEST_AGENT)
        .collect();
    tx.run(&Sql::new(
        // Made after the password was, whatever the clock showed then.
        "INSERT INTO console_session (digest, user_id, address, agent, created_at, seen_at, expires_at) \
         SELECT $1, id, $3, $4, CASE WHEN credentials_changed_at > $5 THEN credentials_changed_at ELSE $5 END, $5, $6 \
         FROM app_user WHERE id = $2",
        [
            app.keys
                .digest(format!("console session {token}").as_bytes())
                .into(),
            user_id.into(),
            arrival
                .address
                .map(|address| address.to_string())
                .unwrap_or_default()
                .into(),
            agent.into(),
            now.into(),
            (now + LIFE).into(),
        ],
    ))
    .await?;
    Ok(cookie(&token, LIFE, arrival.https))
}

/// The cookie that takes the session's away.
pub fn no_cookie(arrival: &Arrival) -> HeaderValue {
    cookie("", TimeDelta::zero(), arrival.https)
}

fn cookie(token: &str, life: TimeDelta, secure: bool) -> HeaderValue {
    let secure = if secure { "; Secure" } else { "" };
    let text = format!(
        "{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/; Max-Age={}{secure}",
        life.num_seconds()
    );
    HeaderValue::from_str(&text).expect("base64 and digits are good in a header")
}

fn token(headers: &HeaderMap) -> Option<&str> {
    cookie_of(headers, COOKIE)
}

/// The value of a cookie, unless it is empty.
pub fn cookie_of<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(name)?.strip_prefix('='))
        .filter(|value| !value.is_empty())
}

async fn authenticate(app: &App, digest: &[u8], address: Option<IpAddr>) -> Result<Option<Known>> {
    let now = app.clock.now();
    let row: Option<Row> = app
        .store
        .find(&Sql::new(
            "SELECT user_id, created_at, seen_at, \
                    EXISTS (SELECT 1 FROM console_work w \
                        WHERE w.user_id = console_session.user_id AND w.told_at IS NULL) AS has_work \
             FROM console_session \
             WHERE digest = $1 AND expires_at > $2 AND seen_at > $3",
            [digest.to_vec().into(), now.into(), (now - IDLE).into()],
        ))
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let account = Account::find_by_id(&app.store, row.user_id).await?;
    let Some(account) = account
        .filter(|account| account.active && account.credentials_changed_at <= row.created_at)
    else {
        return Ok(None);
    };
    Ok(Some(Known {
        // Its pages name rows by their ids.
        caller: account.caller(Profile::BioTime, address)?,
        language: account.language(),
        seen_at: row.seen_at,
        has_second_factor: account.has_second_factor,
        has_work: row.has_work,
        account_id: account.id,
    }))
}

impl FromRequestParts<Arc<Console>> for Session {
    type Rejection = Failure;

    /// Whoever is not signed in is shown the way in.
    async fn from_request_parts(
        parts: &mut Parts,
        console: &Arc<Console>,
    ) -> Result<Session, Failure> {
        <Session as OptionalFromRequestParts<_>>::from_request_parts(parts, console)
            .await?
            .ok_or_else(|| match parts.method {
                Method::GET | Method::HEAD => Failure::SignedOut(Onward::to(&parts.uri)),
                // He is out already.
                _ if parts.uri.path() == "/sign-out" => Failure::SignedOut(Onward::first()),
                _ => Failure::NotSaved,
            })
    }
}

impl OptionalFromRequestParts<Arc<Console>> for Session {
    type Rejection = Failure;

    /// Whoever has to set a second factor up first is shown where.
    async fn from_request_parts(
        parts: &mut Parts,
        console: &Arc<Console>,
    ) -> Result<Option<Session>, Failure> {
        let address = Arrival::of(&console.app, parts).address;
        let session = Session::of(console, &parts.headers, address).await?;
        if let Some(language) = session.as_ref().and_then(|session| session.language) {
            language::change(language);
        }
        let path = parts.uri.path();
        let is_open = path.starts_with("/sign-") || path.starts_with("/account");
        match session {
            Some(session) if session.needs_second_factor && !is_open => {
                Err(Failure::NeedsSecondFactor)
            }
            session => Ok(session),
        }
    }
}
