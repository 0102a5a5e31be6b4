//! The second thing a user shows at the sign-in, if he wants it so: a code of six digits that an
//! app works out from a secret and the time (RFC 6238), or one of ten recovery codes, each once. This
//! file alone writes `second_factor` and `recovery_code`.

use super::user;
use crate::access::Caller;
use crate::app::App;
use crate::audit::{self, Deed};
use crate::error::{Error, Result};
use crate::keys;
use crate::sealed::Sealed;
use crate::writing::Writing;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use chrono::{DateTime, TimeDelta, Utc};
use muster_store::{Sql, Tx};
use serde_json::json;

/// A code is good for so long, and one before and after it, for clocks that differ.
const STEP_S: i64 = 30;
const SEAL: &str = "second_factor";
pub const SECRETS: Sealed = Sealed {
    table: "second_factor",
    key: "user_id",
    column: "secret_sealed",
    purpose: SEAL,
    was_plain: false,
};
const RECOVERY_CODES: usize = 10;
/// So many wrong codes in a row, and none is looked at for a while.
const MAX_FAILURES: i64 = 10;
const CLOSED_FOR: TimeDelta = TimeDelta::minutes(15);
/// Who issues the secret, as apps show it.
const ISSUER: &str = "muster";

#[derive(sqlx::FromRow)]
struct Row {
    secret_sealed: Vec<u8>,
    last_step: i64,
    failures: i64,
    failed_at: Option<DateTime<Utc>>,
    confirmed_at: Option<DateTime<Utc>>,
}

/// The secret of a second factor that is being set up.
pub struct Secret(Vec<u8>);

impl Secret {
    /// As it is typed into an app: in groups of four.
    pub fn text(&self) -> String {
        let letters = base32(&self.0);
        let groups: Vec<&str> = letters
            .as_bytes()
            .chunks(4)
            .filter_map(|group| std::str::from_utf8(group).ok())
            .collect();
        groups.join(" ")
    }

    /// As apps read it from a picture.
    pub fn address(&self, username: &str) -> String {
        let name: String = url::form_urlencoded::byte_serialize(username.as_bytes()).collect();
        let name = name.replace('+', "%20");
        let secret = base32(&self.0);
        format!("otpauth://totp/{ISSUER}:{name}?secret={secret}&issuer={ISSUER}")
    }
}

fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::new();
    for five in bytes.chunks(5) {
        let mut padded = [0; 8];
        padded[3..3 + five.len()].copy_from_slice(five);
        let bits = u64::from_be_bytes(padded);
        for place in 0..(five.len() * 8).div_ceil(5) {
            let letter = bits >> (35 - 5 * place) & 31;
            text.push(char::from(LETTERS[usize::try_from(letter).unwrap_or(0)]));
        }
    }
    text
}

/// The six digits of a step.
fn code(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let place = usize::from(tag[tag.len() - 1] & 15);
    let mut four = [0; 4];
    four.copy_from_slice(&tag[place..place + 4]);
    let number = u32::from_be_bytes(four) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// The step whose code it is, if it is newer than the last one that was taken.
fn step_of(secret: &[u8], given: &str, now: DateTime<Utc>, last: i64) -> Option<i64> {
    let current = now.timestamp() / STEP_S;
    // All three are worked out, so that the time it takes says nothing.
    let mut found = None;
    for step in current - 1..=current + 1 {
        let is_it = verify_slices_are_equal(code(secret, step).as_bytes(), given.as_bytes());
        // One from the future was taken while the clock was ahead.
        if is_it.is_ok() && (step > last || last > current + 1) {
            found = Some(step);
        }
    }
    found
}

/// Begins to set one up, or begins anew: nothing is asked for before it is confirmed.
pub async fn begin(app: &App, user_id: i64) -> Result<()> {
    let mut tx = app.store.write().await?;
    let secret: [u8; 20] = keys::random();
    tx.run(&Sql::new(
        "DELETE FROM second_factor WHERE user_id = $1 AND confirmed_at IS NULL",
        [user_id.into()],
    ))
    .await?;
    // One that is in force stays.
    tx.run(&Sql::new(
        "INSERT INTO second_factor (user_id, secret_sealed, created_at) VALUES ($1, $2, $3) \
         ON CONFLICT DO NOTHING",
        [
            user_id.into(),
            app.keys.seal(SEAL, &secret).into(),
            app.clock.now().into(),
        ],
    ))
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Of whom it is known at the sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Off,
    BeingSetUp,
    /// With so many recovery codes left.
    On(i64),
}

pub async fn state(app: &App, user_id: i64) -> Result<State> {
    let found: Option<(bool, i64)> = app
        .store
        .find(&Sql::new(
            "SELECT confirmed_at IS NOT NULL, \
                    (SELECT count(*) FROM recovery_code r WHERE r.user_id = f.user_id) \
             FROM second_factor f WHERE f.user_id = $1",
            [user_id.into()],
        ))
        .await?;
    Ok(match found {
        None => State::Off,
        Some((false, _)) => State::BeingSetUp,
        Some((true, codes)) => State::On(codes),
    })
}

const SELECT: &str = "SELECT secret_sealed, last_step, failures, failed_at, confirmed_at \
     FROM second_factor WHERE user_id = $1";
/// The same, kept from others until the transaction ends.
const LOCK: &str = "SELECT secret_sealed, last_step, failures, failed_at, confirmed_at \
     FROM second_factor WHERE user_id = $1 FOR UPDATE";

fn open(app: &App, row: &Row) -> Result<Vec<u8>> {
    let opened = app.keys.open(SEAL, &row.secret_sealed);
    opened.map_err(|error| Error::Internal(error.into()))
}

/// The secret that is being set up, to be put into an app.
pub async fn secret(app: &App, user_id: i64) -> Result<Option<Secret>> {
    let row: Option<Row> = app.store.find(&Sql::new(SELECT, [user_id.into()])).await?;
    match row.filter(|row| row.confirmed_at.is_none()) {
        Some(row) => Ok(Some(Secret(open(app, &row)?))),
        None => Ok(None),
    }
}

/// The user's app gives the right code: from now on it is asked for, and everything that was
/// signed in ends. Gives the recovery codes, which are shown once; `None`: the code is wrong.
pub async fn confirm(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    user_id: i64,
    given: &str,
) -> Result<Option<Vec<String>>> {
    let now = app.clock.now();
    let Some(row) = take(tx, user_id, now).await? else {
        return Ok(None);
    };
    let step = step_of(&open(app, &row)?, &plain(given), now, row.last_step);
    let (Some(step), None) = (step, row.confirmed_at) else {
        fail(tx, user_id, &row, now).await?;
        return Ok(None);
    };
    tx.run(&Sql::new(
        "UPDATE second_factor SET confirmed_at = $2, last_step = $3, failures = 0 WHERE user_id = $1",
        [user_id.into(), now.into(), step.into()],
    ))
    .await?;
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let word = keys::readable_password();
        let code = format!("{}-{}-{}", &word[..4], &word[4..8], &word[8..12]);
        tx.run(&Sql::new(
            "INSERT INTO recovery_code (user_id, digest) VALUES ($1, $2)",
            [user_id.into(), digest(app, user_id, &plain(&code)).into()],
        ))
        .await?;
        codes.push(code);
    }
    user::end_logins(tx, user_id, now).await?;
    let deed = Deed {
        action: "second_factor",
        thing: "user",
        thing_id: caller.name().to_owned(),
        before: audit::members(json!({ "second_factor": false })),
        after: audit::members(json!({ "second_factor": true })),
    };
    audit::write(tx, now, caller, deed).await?;
    Ok(Some(codes))
}

/// Whether it is the code of this moment, not used before, or a recovery code, which it is no more
/// then. Too many wrong ones are an error.
pub async fn prove(app: &App, tx: &mut Tx, user_id: i64, given: &str) -> Result<bool> {
    let now = app.clock.now();
    let Some(row) = take(tx, user_id, now).await? else {
        return Ok(false);
    };
    let given = plain(given);
    let step = step_of(&open(app, &row)?, &given, now, row.last_step);
    let is_right = match step {
        _ if row.confirmed_at.is_none() => false,
        Some(_) => true,
        None => {
            let used = tx
                .run(&Sql::new(
                    "DELETE FROM recovery_code WHERE user_id = $1 AND digest = $2",
                    [user_id.into(), digest(app, user_id, &given).into()],
                ))
                .await?;
            used == 1
        }
    };
    if !is_right {
        fail(tx, user_id, &row, now).await?;
        return Ok(false);
    }
    tx.run(&Sql::new(
        "UPDATE second_factor SET last_step = $2, failures = 0 WHERE user_id = $1",
        [user_id.into(), step.unwrap_or(row.last_step).into()],
    ))
    .await?;
    Ok(true)
}

/// The row, which nobody else looks at until the transaction ends, unless it is closed for now.
async fn take(tx: &mut Tx, user_id: i64, now: DateTime<Utc>) -> Result<Option<Row>> {
    let row: Option<Row> = tx
        .find(&Sql::by_dialect(SELECT, LOCK, [user_id.into()]))
        .await?;
    if let Some(row) = &row
        && row.failures >= MAX_FAILURES
        && let Some(left) = closed_for(row, now)
    {
        let retry_after_s = u64::try_from(left.num_seconds()).unwrap_or(1).max(1);
        return Err(Error::TooMany { retry_after_s });
    }
    Ok(row)
}

/// How much longer what went wrong last counts.
fn closed_for(row: &Row, now: DateTime<Utc>) -> Option<TimeDelta> {
    let left = row.failed_at? + CLOSED_FOR - now;
    // More is left than there ever was when the clock was ahead.
    (left > TimeDelta::zero() && left <= CLOSED_FOR * 2).then_some(left)
}

async fn fail(tx: &mut Tx, user_id: i64, row: &Row, now: DateTime<Utc>) -> Result<()> {
    let before = closed_for(row, now).map_or(0, |_| row.failures);
    tx.run(&Sql::new(
        "UPDATE second_factor SET failures = $2, failed_at = $3 WHERE user_id = $1",
        [user_id.into(), (before + 1).into(), now.into()],
    ))
    .await?;
    Ok(())
}

/// Switches it off: the user himself, who has proved who he is, or somebody who may change him.
pub async fn remove(
    app: &App,
    tx: &mut Tx,
    caller: &Caller,
    user_id: i64,
    username: &str,
) -> Result<()> {
    let removed: Option<(bool,)> = tx
        .find(&Sql::new(
            "DELETE FROM second_factor WHERE user_id = $1 RETURNING confirmed_at IS NOT NULL",
            [user_id.into()],
        ))
        .await?;
    // One that was only being set up was never in force.
    if removed != Some((true,)) {
        return Ok(());
    }
    let deed = Deed {
        action: "second_factor",
        thing: "user",
        thing_id: username.to_owned(),
        before: audit::members(json!({ "second_factor": true })),
        after: audit::members(json!({ "second_factor": false })),
    };
    audit::write(tx, app.clock.now(), caller, deed).await
}

/// A code as it is compared: without what people put between its parts.
fn plain(given: &str) -> String {
    given
        .chars()
        .filter(|letter| letter.is_ascii_alphanumeric())
        .take(40)
        .collect()
}

fn digest(app: &App, user_id: i64, code: &str) -> Vec<u8> {
    app.keys
        .digest(format!("recovery code {user_id} {code}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{base32, code, step_of};
    use chrono::{DateTime, TimeDelta};

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, the last six of eight digits; RFC 4226, appendix D.
        let secret = b"12345678901234567890";
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(secret, seconds / 30), expected);
        }
        assert_eq!(code(secret, 0), "755224");
        // RFC 4648, section 10, without what fills up.
        assert_eq!(base32(b"foobar"), "MZXW6YTBOI");
        assert_eq!(base32(b"fooba"), "MZXW6YTB");
        assert_eq!(base32(b"f"), "MY");
    }

    #[test]
    fn a_code_is_good_for_its_neighbours_and_once() {
        let secret = b"12345678901234567890";
        let at = |seconds| DateTime::from_timestamp(seconds, 0).expect("a time");
        let given = code(secret, 100);
        for seconds in [2970, 3000, 3029, 3059] {
            assert_eq!(step_of(secret, &given, at(seconds), 0), Some(100));
        }
        assert_eq!(step_of(secret, &given, at(2969), 0), None);
        assert_eq!(step_of(secret, &given, at(3060), 0), None);
        assert_eq!(step_of(secret, &given, at(3000), 100), None);
        let later = at(3000) + TimeDelta::seconds(30);
        assert_eq!(step_of(secret, &code(secret, 101), later, 100), Some(101));
        assert_eq!(step_of(secret, "", at(3000), 0), None);
        // The last one was of tomorrow, when the clock was ahead.
        assert_eq!(step_of(secret, &given, at(3000), 100 + 2880), Some(100));
    }
}
