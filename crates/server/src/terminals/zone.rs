//! A terminal's time zone: a fixed offset, or a named zone whose daylight saving is known.

use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone {
    /// Minutes east of UTC, when no name says better.
    pub offset_minutes: i32,
    pub name: Option<Tz>,
}

impl Zone {
    pub fn named(name: Tz, now: DateTime<Utc>) -> Zone {
        Zone {
            offset_minutes: minutes_east(name, now),
            name: Some(name),
        }
    }

    /// Minutes east of UTC at an instant: what a terminal is told at its handshake.
    pub fn offset_at(&self, instant: DateTime<Utc>) -> i32 {
        self.name
            .map_or(self.offset_minutes, |zone| minutes_east(zone, instant))
    }

    /// The instant a wall clock means. An hour that comes twice is taken the first time; one that
    /// never comes is read with the offset before the jump.
    pub fn instant(&self, local: NaiveDateTime) -> DateTime<Utc> {
        match self.name {
            None => (local - TimeDelta::minutes(self.offset_minutes.into())).and_utc(),
            Some(zone) => match zone.from_local_datetime(&local) {
                LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => {
                    instant.with_timezone(&Utc)
                }
                LocalResult::None => {
                    let before = zone.offset_from_utc_datetime(&(local - TimeDelta::hours(24)));
                    (local - before.fix_delta()).and_utc()
                }
            },
        }
    }

    /// The wall clock at an instant.
    pub fn local(&self, instant: DateTime<Utc>) -> NaiveDateTime {
        instant.naive_utc() + TimeDelta::minutes(self.offset_at(instant).into())
    }
}

trait FixDelta {
    fn fix_delta(&self) -> TimeDelta;
}

impl<T: Offset> FixDelta for T {
    fn fix_delta(&self) -> TimeDelta {
        TimeDelta::seconds(self.fix().local_minus_utc().into())
    }
}

fn minutes_east(zone: Tz, instant: DateTime<Utc>) -> i32 {
    zone.offset_from_utc_datetime(&instant.naive_utc())
        .fix()
        .local_minus_utc()
        / 60
}

#[cfg(test)]
mod tests {
    use super::Zone;
    use chrono::{NaiveDate, NaiveDateTime};

    fn at(day: u32, month: u32, hour: u32, minute: u32) -> NaiveDateTime {
        NaiveDate::from_ymd_opt(2026, month, day)
            .and_then(|date| date.and_hms_opt(hour, minute, 0))
            .expect("a time")
    }

    #[test]
    fn a_fixed_offset_is_subtracted() {
        let zone = Zone {
            offset_minutes: 330,
            name: None,
        };
        assert_eq!(zone.instant(at(15, 1, 8, 0)).naive_utc(), at(15, 1, 2, 30));
        assert_eq!(zone.local(at(15, 1, 2, 30).and_utc()), at(15, 1, 8, 0));
    }

    #[test]
    fn daylight_saving_is_followed_by_name() {
        let zone = Zone {
            offset_minutes: 60,
            name: Some(chrono_tz::Europe::Berlin),
        };
        assert_eq!(zone.instant(at(15, 1, 8, 0)).naive_utc(), at(15, 1, 7, 0));
        assert_eq!(zone.instant(at(15, 7, 8, 0)).naive_utc(), at(15, 7, 6, 0));
        // 02:30 on 29 March never comes: read as if the clock had not jumped yet.
        assert_eq!(zone.instant(at(29, 3, 2, 30)).naive_utc(), at(29, 3, 1, 30));
        // 02:30 on 25 October comes twice: the first.
        assert_eq!(
            zone.instant(at(25, 10, 2, 30)).naive_utc(),
            at(25, 10, 0, 30)
        );
    }
}
