//! Logging in by name and password: the same work whether the account exists or not, and a limit
//! on failures per account and address that shuts nobody else out.

use super::staff::{self, Staff};
use super::token::Subject;
use super::user::{self, User};
use super::user_by_uuid;
use crate::app::App;
use crate::error::{Error, Result, Unauthenticated};
use crate::metrics::SignIn;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// So many wrong passwords within a minute, and the account is closed to that address until the
/// minute is over.
const MAX_FAILURES: u32 = 10;
const RETRY_AFTER_S: u64 = 60;

/// Which accounts a door is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Realm {
    Users,
    Staff,
}

/// What failures are counted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Attempt {
    realm: Realm,
    name: String,
    address: Option<IpAddr>,
}

/// The user of that name or mail address, if the password is right, the user active, and nothing has
/// to be shown beside the password. `None` says no more than that; too many failures are an error.
pub async fn user(
    app: &App,
    name: &str,
    password: &str,
    address: Option<IpAddr>,
) -> Result<Option<User>> {
    let is_enough = !app.settings().console.need_second_factor;
    let lets_in = |user: &User| is_enough && user.active && !user.has_second_factor;
    by_password(app, name, password, address, lets_in).await
}

/// The same for who can be asked for a second factor: with one, the password is half of it.
pub async fn person(
    app: &App,
    name: &str,
    password: &str,
    address: Option<IpAddr>,
) -> Result<Option<User>> {
    by_password(app, name, password, address, |user| user.active).await
}

async fn by_password(
    app: &App,
    name: &str,
    password: &str,
    address: Option<IpAddr>,
    lets_in: impl Fn(&User) -> bool,
) -> Result<Option<User>> {
    let attempt = Attempt::new(Realm::Users, name, address);
    attempt.check(app).await?;
    let user = user::find_by_name(app, name).await?;
    let hash = user.as_ref().map(|user| user.password_hash.as_str());
    let is_right = app.passwords.verify(password, hash).await?;
    attempt
        .settle(app, user.filter(|user| is_right && lets_in(user)))
        .await
}

/// The employee with that code, if the password is right and the employee may log in.
pub async fn employee(
    app: &App,
    emp_code: &str,
    password: &str,
    address: Option<IpAddr>,
) -> Result<Option<Staff>> {
    let attempt = Attempt::new(Realm::Staff, emp_code, address);
    attempt.check(app).await?;
    let staff = staff::find_by_code(app, emp_code).await?;
    let hash = staff
        .as_ref()
        .and_then(|staff| staff.self_password_hash.as_deref());
    let is_right = app.passwords.verify(password, hash).await?;
    attempt
        .settle(app, staff.filter(|staff| is_right && staff.may_log_in()))
        .await
}

/// HTTP Basic asks at every request: what was right a moment ago is not worked out again.
pub(super) async fn by_basic(
    app: &App,
    name: &str,
    password: &str,
    address: Option<IpAddr>,
) -> Result<Arc<User>> {
    let wrong = || Error::Unauthenticated(Unauthenticated::InvalidBasic);
    let proof = |user: &User| {
        app.keys
            .digest(format!("basic\n{name}\n{password}\n{}", user.password_hash).as_bytes())
    };
    if let Some(known) = user::find_by_name(app, name).await?
        && known.active
        && !known.has_second_factor
        && app.accounts.basic.get(&proof(&known)).await.is_some()
    {
        return Ok(Arc::new(known));
    }
    let found = self::user(app, name, password, address)
        .await?
        .ok_or_else(wrong)?;
    app.accounts.basic.insert(proof(&found), ()).await;
    user_by_uuid(app, &found.uuid).await?.ok_or_else(wrong)
}

impl Attempt {
    fn new(realm: Realm, name: &str, address: Option<IpAddr>) -> Attempt {
        Attempt {
            realm,
            name: name.to_lowercase(),
            address,
        }
    }

    async fn check(&self, app: &App) -> Result<()> {
        match app.accounts.failures.get(self).await {
            Some(failures) if failures.load(Ordering::Relaxed) >= MAX_FAILURES => {
                app.metrics.signed_in(SignIn::Throttled);
                Err(Error::TooMany {
                    retry_after_s: RETRY_AFTER_S,
                })
            }
            _ => Ok(()),
        }
    }

    /// Counts a failure; a success forgets them.
    async fn settle<T>(&self, app: &App, found: Option<T>) -> Result<Option<T>> {
        if found.is_some() {
            app.accounts.failures.invalidate(self).await;
            app.metrics.signed_in(SignIn::Good);
        } else {
            app.accounts
                .failures
                .get_with(self.clone(), async { Arc::default() })
                .await
                .fetch_add(1, Ordering::Relaxed);
            app.metrics.signed_in(SignIn::Wrong);
            tracing::warn!(realm = ?self.realm, name = ?self.name, address = ?self.address, "a login failed");
        }
        Ok(found)
    }
}

/// The subject of a token for whoever logged in.
pub fn subject_of_user(user: User) -> Subject {
    Subject::User(Arc::new(user))
}

pub fn subject_of_employee(staff: Staff) -> Subject {
    Subject::Staff(Arc::new(staff))
}
