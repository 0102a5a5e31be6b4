//! Logging in by name and password: the same work whether the account exists or not, one after the
//! other as the throttle says, and whoever is refused is written down.

use super::staff::{self, Staff};
use super::throttle::{Attempt, Turn};
use super::token::Subject;
use super::user::{self, User};
use super::user_by_uuid;
use crate::access::{Caller, Who};
use crate::app::App;
use crate::audit::{self, Deed};
use crate::error::{Error, Result, Unauthenticated};
use crate::metrics::SignIn;
use crate::profile::Profile;
use chrono::{DateTime, TimeDelta, Utc};
use muster_store::Tx;
use serde_json::json;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError};

/// Which accounts a door is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Realm {
    Users,
    Staff,
}

impl Realm {
    fn thing(self) -> &'static str {
        match self {
            Realm::Users => "user",
            Realm::Staff => "employee",
        }
    }
}

/// Somebody whose password is being looked at.
struct Trial<'a> {
    app: &'a App,
    realm: Realm,
    name: &'a str,
    address: Option<IpAddr>,
    attempt: Attempt,
    turn: Turn,
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
    let trial = Trial::begin(app, Realm::Users, name, address).await?;
    let user = user::find_by_name(app, name).await?;
    let hash = user.as_ref().map(|user| user.password_hash.as_str());
    let is_right = app.passwords.verify(password, hash).await?;
    trial
        .settle(user.filter(|user| is_right && lets_in(user)))
        .await
}

/// The employee with that code, if the password is right and the employee may log in.
pub async fn employee(
    app: &App,
    emp_code: &str,
    password: &str,
    address: Option<IpAddr>,
) -> Result<Option<Staff>> {
    let trial = Trial::begin(app, Realm::Staff, emp_code, address).await?;
    let staff = staff::find_by_code(app, emp_code).await?;
    let hash = staff
        .as_ref()
        .and_then(|staff| staff.self_password_hash.as_deref());
    let is_right = app.passwords.verify(password, hash).await?;
    trial
        .settle(staff.filter(|staff| is_right && staff.may_log_in()))
        .await
}

/// HTTP Basic asks at every request: what was right a moment ago is not worked out again, and is no
/// other login.
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
    let mut tx = app.store.write().await?;
    let now = app.clock.now();
    user::note_login(&mut tx, found.id, now).await?;
    let caller = Caller {
        address,
        ..found.caller(Profile::BioTime)
    };
    note(&mut tx, now, &caller).await?;
    tx.commit().await?;
    app.accounts.basic.insert(proof(&found), ()).await;
    user_by_uuid(app, &found.uuid).await?.ok_or_else(wrong)
}

impl Trial<'_> {
    async fn begin<'a>(
        app: &'a App,
        realm: Realm,
        name: &'a str,
        address: Option<IpAddr>,
    ) -> Result<Trial<'a>> {
        let attempt = Attempt::new(realm, name, address);
        let turn = app.accounts.throttle.turn(&attempt).await;
        let turn = turn.inspect_err(|_| app.metrics.signed_in(SignIn::Throttled))?;
        Ok(Trial {
            app,
            realm,
            name,
            address,
            attempt,
            turn,
        })
    }

    /// Counts a failure and writes it down; a success forgets them.
    async fn settle<T>(self, found: Option<T>) -> Result<Option<T>> {
        let app = self.app;
        if found.is_some() {
            app.accounts.throttle.right(self.attempt, &self.turn).await;
            app.metrics.signed_in(SignIn::Good);
        } else {
            self.turn.wrong();
            app.metrics.signed_in(SignIn::Wrong);
            tracing::warn!(realm = ?self.realm, name = ?self.name, address = ?self.address, "a login failed");
            note_refusal(app, self.realm, self.name, self.address).await?;
        }
        Ok(found)
    }
}

/// So many refusals are written down within a minute; of more only the number.
const MOST_NOTED: u32 = 300;
const MINUTE: TimeDelta = TimeDelta::minutes(1);
/// Letters of a name that are written down.
const NAME_CHARS: usize = 150;

/// The refusals of the minute that goes on, so that whoever guesses from everywhere does not fill
/// the disk.
#[derive(Debug, Default)]
pub struct Refusals {
    since: DateTime<Utc>,
    noted: u32,
    left_out: u32,
}

impl Refusals {
    /// Whether this one is written down, and how many before it were not.
    fn take(&mut self, now: DateTime<Utc>) -> Option<u32> {
        if (now - self.since).abs() >= MINUTE {
            (self.since, self.noted) = (now, 0);
        }
        if self.noted < MOST_NOTED {
            self.noted += 1;
            Some(std::mem::take(&mut self.left_out))
        } else {
            self.left_out += 1;
            None
        }
    }
}

/// Who it was nobody knows: the server writes down what was tried.
pub async fn note_refusal(
    app: &App,
    realm: Realm,
    name: &str,
    address: Option<IpAddr>,
) -> Result<()> {
    let now = app.clock.now();
    let refusals = app.accounts.refusals.lock();
    let taken = refusals.unwrap_or_else(PoisonError::into_inner).take(now);
    let Some(left_out) = taken else {
        return Ok(());
    };
    let server = Caller {
        address,
        ..Caller::system()
    };
    let deed = Deed {
        action: "login_refused",
        thing: realm.thing(),
        thing_id: name
            .chars()
            .filter(|letter| !letter.is_control())
            .take(NAME_CHARS)
            .collect(),
        before: None,
        after: match left_out {
            0 => None,
            more => audit::members(json!({ "others": more })),
        },
    };
    let mut tx = app.store.write().await?;
    audit::write(&mut tx, now, &server, deed).await?;
    tx.commit().await?;
    Ok(())
}

/// Writes down who has logged in.
pub async fn note(tx: &mut Tx, at: DateTime<Utc>, caller: &Caller) -> Result<()> {
    let thing = match caller.who {
        Who::Staff { .. } => Realm::Staff,
        _ => Realm::Users,
    };
    let deed = Deed {
        action: "login",
        thing: thing.thing(),
        thing_id: caller.name().to_owned(),
        ..Deed::default()
    };
    audit::write(tx, at, caller, deed).await
}

/// The subject of a token for whoever logged in.
pub fn subject_of_user(user: User) -> Subject {
    Subject::User(Arc::new(user))
}

pub fn subject_of_employee(staff: Staff) -> Subject {
    Subject::Staff(Arc::new(staff))
}

#[cfg(test)]
mod tests {
    use super::{MINUTE, MOST_NOTED, Refusals};
    use chrono::DateTime;

    #[test]
    fn of_a_storm_of_refusals_the_first_are_written_down_and_of_the_others_the_number() {
        let mut refusals = Refusals::default();
        let now = DateTime::from_timestamp(1_768_464_000, 0).expect("a time");
        for _ in 0..MOST_NOTED {
            assert_eq!(refusals.take(now), Some(0));
        }
        for _ in 0..7 {
            assert_eq!(refusals.take(now), None);
        }
        assert_eq!(refusals.take(now + MINUTE), Some(7));
        assert_eq!(refusals.take(now + MINUTE), Some(0));
    }
}
