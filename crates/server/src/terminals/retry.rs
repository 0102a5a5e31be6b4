//! When what a terminal could not be told is told again.

use chrono::{DateTime, TimeDelta, Utc};
use muster_protocol::result::{self, Retry};

/// After the first, the second … failure that may pass. Then every six hours: a terminal may be
/// switched off for a season.
const PAUSES: [TimeDelta; 3] = [
    TimeDelta::minutes(1),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
];
const LAST_PAUSE: TimeDelta = TimeDelta::hours(6);
/// Somebody sees to a full terminal, but not at once.
const FULL: TimeDelta = TimeDelta::days(1);
/// None is longer.
pub const LONGEST: TimeDelta = FULL;
/// What somebody took back is not told again at once; changing it tells it at once.
pub const TAKEN_BACK: TimeDelta = TimeDelta::hours(1);

/// The pause after so many failures.
pub fn pause(tries: i16) -> TimeDelta {
    usize::try_from(tries - 1)
        .ok()
        .and_then(|tries| PAUSES.get(tries))
        .copied()
        .unwrap_or(LAST_PAUSE)
}

/// After a refusal, the `tries`th failure in a row; `None`: the terminal would say the same.
pub fn after_refusal(
    verb: &str,
    code: i32,
    tries: i16,
    at: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    match result::retry(verb, code) {
        Retry::Later | Retry::SendUserFirst => Some(at + pause(tries)),
        Retry::Full => Some(at + FULL),
        Retry::Never => None,
    }
}
