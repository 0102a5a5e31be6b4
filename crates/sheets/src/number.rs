//! Numbers as workbooks keep them, and the days and times among them.

use chrono::{Days, NaiveDate, NaiveTime, Timelike};

/// Beyond so many a float no longer says which integer is meant.
const WHOLE: f64 = 9_007_199_254_740_992.0;
const SECONDS_A_DAY: f64 = 86_400.0;

/// A number as a person would write it: `1001`, not `1001.0`.
pub fn number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < WHOLE {
        format!("{value:.0}")
    } else {
        value.to_string()
    }
}

/// A day, a time of day or both, from the number of days since the beginning; `None` when there is
/// no such day.
pub fn date(value: f64, since_1904: bool) -> Option<String> {
    if !(0.0..2_958_466.0).contains(&value) {
        return None;
    }
    let seconds = (value.fract() * SECONDS_A_DAY).round();
    // What rounds up to midnight is the next day.
    let day = value.trunc() + (seconds / SECONDS_A_DAY).trunc();
    let seconds = seconds % SECONDS_A_DAY;
    let time = NaiveTime::from_num_seconds_from_midnight_opt(seconds as u32, 0)?;
    if day == 0.0 && !since_1904 {
        return Some(time.format("%H:%M:%S").to_string());
    }
    let first = if since_1904 {
        NaiveDate::from_ymd_opt(1904, 1, 1)?
    } else if day < 60.0 {
        NaiveDate::from_ymd_opt(1899, 12, 31)?
    } else {
        // The format counts a 29 February 1900 that never was.
        NaiveDate::from_ymd_opt(1899, 12, 30)?
    };
    let date = first.checked_add_days(Days::new(day as u64))?;
    Some(if time.num_seconds_from_midnight() == 0 {
        date.format("%Y-%m-%d").to_string()
    } else {
        format!("{} {}", date.format("%Y-%m-%d"), time.format("%H:%M:%S"))
    })
}

/// Whether a built-in format shows a day or a time.
pub fn is_date_format(id: u32) -> bool {
    matches!(id, 14..=22 | 27..=36 | 45..=47 | 50..=58)
}

/// Whether a written format does: it has one of `d m y h s` outside of quotes and brackets.
pub fn is_date_code(code: &str) -> bool {
    let mut letters = code.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                letters.find(|letter| *letter == '"');
            }
            '\\' | '_' | '*' => {
                letters.next();
            }
            '[' => {
                let inner: String = letters
                    .by_ref()
                    .take_while(|letter| *letter != ']')
                    .collect();
                // [h]:mm counts hours beyond a day; [Red] and [$-409] say nothing.
                if matches!(
                    inner.to_ascii_lowercase().as_str(),
                    "h" | "hh" | "m" | "mm" | "s" | "ss"
                ) {
                    return true;
                }
            }
            'd' | 'D' | 'm' | 'M' | 'y' | 'Y' | 'h' | 'H' | 's' | 'S' => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{date, is_date_code, number};

    #[test]
    fn a_number_is_written_as_people_do() {
        for (value, text) in [
            (1001.0, "1001"),
            (-1.0, "-1"),
            (36.5, "36.5"),
            (1_582_301_128_473.0, "1582301128473"),
            (0.1 + 0.2, "0.30000000000000004"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_day_is_counted_from_1900_or_1904() {
        for (value, since_1904, text) in [
            (45_826.0, false, Some("2025-06-18")),
            (45_826.5, false, Some("2025-06-18 12:00:00")),
            (45_825.999_999_9, false, Some("2025-06-18")),
            (1.0, false, Some("1900-01-01")),
            (59.0, false, Some("1900-02-28")),
            (61.0, false, Some("1900-03-01")),
            (0.375, false, Some("09:00:00")),
            (44_364.0, true, Some("2025-06-18")),
            (-1.0, false, None),
            (1e12, false, None),
            (f64::NAN, false, None),
        ] {
            assert_eq!(date(value, since_1904).as_deref(), text, "{value}");
        }
    }

    #[test]
    fn a_format_shows_a_date_when_it_has_parts_of_one() {
        for code in ["yyyy-mm-dd", "[$-409]d/m/yy;@", "[h]:mm:ss", "HH:MM"] {
            assert!(is_date_code(code), "{code}");
        }
        for code in ["General", "0.00", "#,##0 \"days\"", "[Red]0", "@", "0\\d"] {
            assert!(!is_date_code(code), "{code}");
        }
    }
}
