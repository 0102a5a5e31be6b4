//! How instants, spans and numbers are worded on every page.

use crate::app::App;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

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

/// The page's script words it the same way while time goes on.
fn ago(passed: TimeDelta) -> String {
    match passed.num_seconds() {
        ..5 => "just now".into(),
        seconds @ 5..60 => format!("{seconds} s ago"),
        seconds @ 60..3_600 => format!("{} min ago", seconds / 60),
        seconds @ 3_600..86_400 => format!("{} h ago", seconds / 3_600),
        seconds => format!("{} d ago", seconds / 86_400),
    }
}

/// A number with a thin space between thousands, from five digits on.
pub fn grouped(number: i64) -> String {
    let digits = number.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{ago, grouped};
    use chrono::TimeDelta;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(grouped(9_999), "9999");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
    }

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
