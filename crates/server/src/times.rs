//! Times as the API reads and writes them: `YYYY-MM-DD HH:MM:SS`, naive, in the server's zone for
//! instants and as the terminal's own clock for punches.

use chrono::{
    DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta,
    Timelike, Utc,
};
use chrono_tz::Tz;
use serde_json::Value;

/// An instant in the server's zone.
pub fn instant(at: DateTime<Utc>, zone: Tz) -> String {
    local(at.with_timezone(&zone).naive_local())
}

pub fn maybe_instant(at: Option<DateTime<Utc>>, zone: Tz) -> Value {
    at.map_or(Value::Null, |at| instant(at, zone).into())
}

/// `YYYY-MM-DD HH:MM:SS`. Millions of them are written: a format that is read each time takes longer than all else of a row.
pub fn local(time: NaiveDateTime) -> String {
    let Ok(year @ 0..=9999) = u32::try_from(time.year()) else {
        return time.format("%Y-%m-%d %H:%M:%S").to_string();
    };
    let mut text = String::with_capacity(19);
    for (before, number) in [
        ("", year / 100),
        ("", year % 100),
        ("-", time.month()),
        ("-", time.day()),
        (" ", time.hour()),
        (":", time.minute()),
        (":", time.second()),
    ] {
        text.push_str(before);
        for digit in [number / 10, number % 10] {
            text.push(char::from(b'0' + digit as u8));
        }
    }
    text
}

pub fn maybe_date(on: Option<NaiveDate>) -> Value {
    on.map_or(Value::Null, |on| on.to_string().into())
}

/// `YYYY-MM-DD`, one-digit months and days too.
pub fn read_date(text: &str) -> Option<NaiveDate> {
    let mut parts = text.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = |part: &str, longest: usize| {
        (1..=longest).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if year.len() != 4 || !digits(year, 4) || !digits(month, 2) || !digits(day, 2) {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)?;
    (date.format("%Y").to_string() != "0000").then_some(date)
}

/// A point on a clock as callers write it: date and time with a blank or `T` between, seconds
/// optional, a fraction and a zone allowed. The fraction is cut, and the wall time is kept: a zone
/// changes nothing. `Err`: the text is only a date.
pub fn read_local(text: &str) -> Option<Result<NaiveDateTime, NaiveDate>> {
    let text = text.trim();
    let (date, rest) = match text.find([' ', 'T', 't']) {
        Some(at) => (&text[..at], text[at + 1..].trim()),
        None => return read_date(text).map(Err),
    };
    let date = read_date(date)?;
    let clock_end = rest
        .find(|letter: char| !letter.is_ascii_digit() && letter != ':')
        .unwrap_or(rest.len());
    let (clock, tail) = rest.split_at(clock_end);
    let mut parts = clock.split(':');
    let mut number = |required: bool| match parts.next() {
        Some(part) if (1..=2).contains(&part.len()) => part.parse::<u32>().ok(),
        None if !required => Some(0),
        _ => None,
    };
    let (hour, minute, second) = (number(true)?, number(true)?, number(false)?);
    if parts.next().is_some() || !is_fraction_and_zone(tail) {
        return None;
    }
    Some(Ok(
        date.and_time(NaiveTime::from_hms_opt(hour, minute, second)?)
    ))
}

/// What may stand behind the seconds: `.123`, then `Z`, `+05:30`, `+0530` or nothing.
fn is_fraction_and_zone(tail: &str) -> bool {
    let tail = match tail.strip_prefix('.') {
        Some(fraction) => {
            let end = fraction
                .find(|letter: char| !letter.is_ascii_digit())
                .unwrap_or(fraction.len());
            if end == 0 || end > 9 {
                return false;
            }
            &fraction[end..]
        }
        None => tail,
    };
    let tail = tail.trim();
    let Some(sign) = tail.chars().next() else {
        return true;
    };
    match sign {
        'Z' | 'z' => tail.len() == 1,
        '+' | '-' => {
            let digits: String = tail[1..].chars().filter(|letter| *letter != ':').collect();
            matches!(digits.len(), 2 | 4) && digits.bytes().all(|byte| byte.is_ascii_digit())
        }
        _ => false,
    }
}

/// The first moment meant by a bound: a date is its midnight.
pub fn read_from(text: &str) -> Option<NaiveDateTime> {
    Some(match read_local(text)? {
        Ok(time) => time,
        Err(date) => date.and_time(NaiveTime::MIN),
    })
}

/// The last moment meant by an inclusive bound: a date is the end of that day.
pub fn read_until(text: &str) -> Option<NaiveDateTime> {
    match read_local(text)? {
        Ok(time) => Some(time),
        Err(date) => Some(
            date.checked_add_days(Days::new(1))?
                .and_time(NaiveTime::MIN)
                - TimeDelta::seconds(1),
        ),
    }
}

/// The instant at which the server's clocks show this; the earlier one when they show it twice,
/// and the moment after the gap when they never do.
pub fn to_instant(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    match local.and_local_timezone(zone) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
        LocalResult::None => (local + TimeDelta::hours(1))
            .and_local_timezone(zone)
            .earliest()
            .map_or_else(|| local.and_utc(), |at| at.to_utc()),
    }
}

#[cfg(test)]
mod tests {
    use super::{local, read_from, read_until};

    #[test]
    fn every_spelling_of_a_time_keeps_its_wall_clock() {
        for text in [
            "2025-06-19 04:55:31",
            "2025-06-19T04:55:31",
            "2025-06-19T04:55:31.007Z",
            "2025-06-19T04:55:31+05:30",
            "2025-06-19 04:55:31.5 -0800",
            "2025-6-19 4:55:31",
        ] {
            assert_eq!(
                read_from(text).map(local).as_deref(),
                Some("2025-06-19 04:55:31"),
                "{text}"
            );
        }
        for text in [
            "yesterday",
            "2025-06-31",
            "2025-06-19 25:00:00",
            "2025-06-19 04:55:31 or 1=1",
            "2025-06-19T04:55:31.Z",
            "0000-01-01",
            "",
        ] {
            assert_eq!(read_from(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_as_the_end_means_its_last_second() {
        assert_eq!(
            read_until("2025-06-19").map(local).as_deref(),
            Some("2025-06-19 23:59:59")
        );
        assert_eq!(
            read_until("2025-06-19 08:00").map(local).as_deref(),
            Some("2025-06-19 08:00:00")
        );
    }
}
