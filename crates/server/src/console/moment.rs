//! How instants and spans are worded on every page.

use crate::app::App;
use crate::language::Text;
use crate::times;
use chrono::{
    DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, Offset, SecondsFormat, TimeDelta,
    Utc,
};

/// An instant as it is shown: how long ago, and exactly when.
pub struct Moment {
    pub iso: String,
    pub exact: String,
    pub ago: String,
}

pub fn moment(app: &App, at: DateTime<Utc>) -> Moment {
    Moment {
        iso: at.to_rfc3339_opts(SecondsFormat::Secs, true),
        exact: exact(app, at),
        ago: ago(app.clock.now() - at),
    }
}

/// An instant in the server's zone, with the zone's name.
pub fn exact(app: &App, at: DateTime<Utc>) -> String {
    at.with_timezone(&app.zone)
        .format("%Y-%m-%d %H:%M:%S %Z")
        .to_string()
}

/// A terminal's wall clock, with its distance from UTC where the server's zone has another at that instant.
pub fn by_its_clock(app: &App, local: NaiveDateTime, at: DateTime<Utc>) -> String {
    let time = times::local(local);
    match other_offset(app, local, at) {
        Some(offset) => format!("{time} {offset}"),
        None => time,
    }
}

/// A terminal's wall clock as a page of the day shows it: with its date, where that is not the page's.
pub fn of_the_day(app: &App, local: NaiveDateTime) -> String {
    let format = match local.date() == app.today() {
        true => "%H:%M",
        false => "%Y-%m-%d %H:%M",
    };
    local.format(format).to_string()
}

/// How far a wall clock is from UTC, such as `+05:30`, where the server's zone is not as far.
pub fn other_offset(app: &App, local: NaiveDateTime, at: DateTime<Utc>) -> Option<String> {
    let own = offset(local, at)?;
    let server = at.with_timezone(&app.zone).offset().fix();
    (own != server).then(|| own.to_string())
}

/// How far a wall clock is from UTC that shows this at that instant.
pub fn offset(local: NaiveDateTime, at: DateTime<Utc>) -> Option<FixedOffset> {
    let east = (local - at.naive_utc()).num_seconds();
    FixedOffset::east_opt(i32::try_from(east).ok()?)
}

/// What zone the times of a page are of, where all are instants.
pub fn by_the_server(zone: &str) -> String {
    t!(
        "Times are those of {zone}, this server's zone.",
        zone = zone
    )
}

/// The same of what was done, which may tell of times at terminals.
pub fn by_the_server_and_clocks(zone: &str) -> String {
    t!(
        "Times are those of {zone}, this server's zone; those of punches and messages are of the terminals' clocks.",
        zone = zone
    )
}

/// The same where wall clocks stand among them.
pub fn by_the_clocks(zone: &str) -> String {
    t!(
        "Times at terminals are those of their clocks, in {zone} unless another offset from UTC stands beside; all others \
         are those of {zone}, this server's zone.",
        zone = zone
    )
}

/// What is said below a day, where it is another date somewhere.
pub fn by_each_zone(zone: &str) -> String {
    t!(
        "At some terminals it is another date now: what is of today goes by the zone of each, and the date above is that of \
         {zone}, this server's zone.",
        zone = zone
    )
}

/// The page's script words it the same way while time goes on.
fn ago(passed: TimeDelta) -> String {
    match passed.num_seconds() {
        ..5 => t!("just now").into(),
        seconds @ 5..60 => t!("{count} s ago", count = seconds),
        seconds @ 60..3_600 => t!("{count} min ago", count = seconds / 60),
        seconds @ 3_600..86_400 => t!("{count} h ago", count = seconds / 3_600),
        seconds => t!("{count} d ago", count = seconds / 86_400),
    }
}

/// A day with its weekday, as it is said.
pub fn day(on: NaiveDate) -> String {
    t!(
        "{weekday}, {day} {month} {year}",
        weekday = WEEKDAYS[on.weekday().num_days_from_monday() as usize],
        day = on.day(),
        month = MONTHS[on.month0() as usize],
        year = on.year(),
    )
}

/// A month of a year.
pub fn month(on: NaiveDate) -> String {
    t!(
        "{month} {year}",
        month = MONTHS[on.month0() as usize],
        year = on.year()
    )
}

const WEEKDAYS: [Text; 7] = [
    t!("Monday"),
    t!("Tuesday"),
    t!("Wednesday"),
    t!("Thursday"),
    t!("Friday"),
    t!("Saturday"),
    t!("Sunday"),
];
/// The same in short, above a month's columns.
pub const DAYS: [Text; 7] = [
    t!("Mon"),
    t!("Tue"),
    t!("Wed"),
    t!("Thu"),
    t!("Fri"),
    t!("Sat"),
    t!("Sun"),
];
const MONTHS: [Text; 12] = [
    t!("January"),
    t!("February"),
    t!("March"),
    t!("April"),
    t!("May"),
    t!("June"),
    t!("July"),
    t!("August"),
    t!("September"),
    t!("October"),
    t!("November"),
    t!("December"),
];

#[cfg(test)]
mod tests {
    use super::ago;
    use chrono::TimeDelta;

    #[test]
    fn how_long_ago_is_said_in_one_unit() {
        for (seconds, words) in [
            (-3, "just now"),
            (4, "just now"),
            (59, "59 s ago"),
            (60, "1 min ago"),
            (7_199, "1 h ago"),
            (200_000, "2 d ago"),
        ] {
            assert_eq!(ago(TimeDelta::seconds(seconds)), words);
        }
    }
}
