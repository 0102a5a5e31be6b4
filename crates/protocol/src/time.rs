//! The terminals' ways to write a moment: packed into 32 bits, or as calendar text. All are wall clock, without a zone.

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};

/// Packs a wall clock time the way option `DateTime`, `rtdata` and old stamps hold it (seconds, every month 31 days long,
/// from 2000). Outside of 2000 to 2133 the nearest value that fits.
pub fn pack(local: NaiveDateTime) -> u32 {
    let months = (i64::from(local.year()) - 2000) * 12 + i64::from(local.month0());
    let days = months * 31 + i64::from(local.day0());
    let seconds = days * 86_400 + i64::from(local.num_seconds_from_midnight());
    u32::try_from(seconds.max(0)).unwrap_or(u32::MAX)
}

/// The reverse of [`pack`]. `None` for values that name a 30 February or the like.
pub fn unpack(packed: u32) -> Option<NaiveDateTime> {
    let (days, second) = (packed / 86_400, packed % 86_400);
    let (months, day) = (days / 31, days % 31 + 1);
    let year = 2000 + i32::try_from(months / 12).ok()?;
    let date = NaiveDate::from_ymd_opt(year, months % 12 + 1, day)?;
    date.and_hms_opt(second / 3600, second / 60 % 60, second % 60)
}

/// Reads `YYYY-MM-DD HH:MM:SS`; also with `T` between (terminals of the US dialect), `/` in the date, one-digit parts,
/// no seconds, or a fraction, which is dropped. Years 1 to 9999: a terminal with an empty battery says 1970.
pub fn parse_local(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim();
    let (date, clock) = text.split_once(['T', ' '])?;
    let [year, month, day] = numbers(date, ['-', '/'])?;
    let clock = clock.trim_start();
    let clock = clock.split_once('.').map_or(clock, |(whole, _)| whole);
    let [hour, minute, second] = match numbers(clock, [':', ':']) {
        Some(three) => three,
        None => {
            let [hour, minute] = numbers(clock, [':', ':'])?;
            [hour, minute, 0]
        }
    };
    // Two digits of a year would be read as the first century.
    if !(1..=9999).contains(&year) || date.find(['-', '/'])? != 4 {
        return None;
    }
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?
        .and_hms_opt(hour, minute, second)
}

/// As the terminals write it.
pub fn format_local(local: NaiveDateTime) -> String {
    local.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// Exactly `N` unsigned numbers between separators.
fn numbers<const N: usize>(text: &str, separators: [char; 2]) -> Option<[u32; N]> {
    let mut found = [0; N];
    let mut parts = text.split(separators);
    for slot in &mut found {
        let part = parts.next()?;
        if part.is_empty() || part.len() > 4 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *slot = part.parse().ok()?;
    }
    parts.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> NaiveDateTime {
        parse_local(text).expect("the test's own time")
    }

    #[test]
    fn packed_times_of_the_papers_are_met() {
        // Vendor paper 2021; server log of 2009; server log of 2010, whose stamp equals its record (fixture C03).
        for (packed, text) in [
            (583_080_894, "2018-02-22 14:54:54"),
            (289_515_406, "2009-01-03 20:56:46"),
            (350_154_520, "2010-11-23 17:08:40"),
        ] {
            assert_eq!(unpack(packed), Some(at(text)));
            assert_eq!(pack(at(text)), packed);
        }
    }

    #[test]
    fn times_that_do_not_fit_are_held_at_the_ends() {
        assert_eq!(pack(at("1970-01-01 00:00:04")), 0);
        assert_eq!(pack(at("9999-12-31 23:59:59")), u32::MAX);
        assert_eq!(
            unpack(u32::MAX),
            NaiveDate::from_ymd_opt(2133, 8, 18).and_then(|day| day.and_hms_opt(6, 28, 15))
        );
        // The 31st day of February 2000.
        assert_eq!(unpack((31 + 30) * 86_400), None);
    }

    #[test]
    fn calendar_text_is_read_in_its_variants_and_not_guessed() {
        let ten = Some(at("2026-08-08 10:00:00"));
        for text in [
            "2026-08-08T10:00:00",
            "2026/8/8 10:00",
            " 2026-08-08  10:00:00.250 ",
            "2026-08-08 10:00:00",
        ] {
            assert_eq!(parse_local(text), ten, "{text}");
        }
        for text in [
            "2026-02-31 10:00:00",
            "2026-08-08 99:99:99",
            "2026-08-08",
            "26-08-08 10:00:00",
            "",
            "x",
            "2026-08-08 10",
            "0000-01-01 00:00:00",
        ] {
            assert_eq!(parse_local(text), None, "{text}");
        }
        assert!(parse_local("1970-01-01 00:00:04").is_some());
        assert!(parse_local("9999-12-31 23:59:59").is_some());
    }

    proptest! {
        #[test]
        fn packing_loses_nothing(days in 0i64..48_000, second in 0u32..86_400) {
            let day = NaiveDate::from_ymd_opt(2000, 1, 1).expect("a date") + chrono::Duration::days(days);
            let local = day.and_hms_opt(second / 3600, second / 60 % 60, second % 60).expect("a time");
            prop_assert_eq!(unpack(pack(local)), Some(local));
            prop_assert_eq!(parse_local(&format_local(local)), Some(local));
        }

        #[test]
        fn unpacking_is_the_reverse_where_it_succeeds(packed: u32) {
            if let Some(local) = unpack(packed) {
                prop_assert_eq!(pack(local), packed);
            }
        }

        #[test]
        fn no_text_panics(text: String) {
            parse_local(&text);
        }
    }
}
