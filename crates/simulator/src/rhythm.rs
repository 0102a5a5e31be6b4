//! When people come to a terminal, who comes, and which key they press.

use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveDateTime, NaiveTime, Timelike};
use rand::Rng;
use rand::rngs::StdRng;

use crate::options::Profile;

/// How often somebody comes to one terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rhythm {
    /// So many punches an hour, at any time of day.
    Even(f64),
    Workday,
    Shifts,
    Never,
}

/// The most anybody comes in the profiles with peaks, per hour; the times between are thinned out from it.
const WORKDAY_PEAK: f64 = 720.0;
const SHIFTS_PEAK: f64 = 1800.0;

impl Rhythm {
    pub fn new(profile: Profile, punches_per_minute: f64, terminals: usize) -> Rhythm {
        match profile {
            Profile::Workday => Rhythm::Workday,
            Profile::Shifts => Rhythm::Shifts,
            Profile::Demo | Profile::Load | Profile::Storm if punches_per_minute > 0.0 => {
                Rhythm::Even(punches_per_minute * 60.0 / terminals.max(1) as f64)
            }
            Profile::Demo | Profile::Load | Profile::Storm => Rhythm::Never,
        }
    }

    /// When the next one comes after `now`. `local` tells what the wall clock shows at a time.
    pub fn next(
        &self,
        now: Duration,
        local: impl Fn(Duration) -> NaiveDateTime,
        random: &mut StdRng,
    ) -> Option<Duration> {
        let peak = match self {
            Rhythm::Even(per_hour) => *per_hour,
            Rhythm::Workday => WORKDAY_PEAK,
            Rhythm::Shifts => SHIFTS_PEAK,
            Rhythm::Never => return None,
        };
        let mut at = now;
        loop {
            at += exponential(Duration::from_secs_f64(3600.0 / peak), random);
            if matches!(self, Rhythm::Even(_))
                || random.random::<f64>() < self.per_hour(local(at)) / peak
            {
                return Some(at);
            }
        }
    }

    fn per_hour(&self, local: NaiveDateTime) -> f64 {
        let minute = local.time().num_seconds_from_midnight() / 60;
        match self {
            Rhythm::Even(per_hour) => *per_hour,
            Rhythm::Never => 0.0,
            // 200 people: 120 arrive between 07:30 and 08:30, most in five minutes before eight; 60 leave and return
            // at noon; 120 leave between 17 and 18 h; the others are scattered over the day.
            Rhythm::Workday => match minute {
                475..480 => 720.0,
                450..510 => 65.0,
                720..780 | 1020..1080 => 120.0,
                360..1200 => 12.7,
                _ => 0.5,
            },
            Rhythm::Shifts => match minute {
                355..365 | 835..845 | 1315..1325 => 1800.0,
                _ => 5.0,
            },
        }
    }
}

/// A time with this mean, as between independent events.
pub(crate) fn exponential(mean: Duration, random: &mut StdRng) -> Duration {
    mean.mul_f64(-(1.0 - random.random::<f64>()).ln())
}

/// A time with this median that is now and then much longer: 1 of 100 is over seven times the median.
pub(crate) fn lognormal(median: Duration, random: &mut StdRng) -> Duration {
    let (one, two): (f64, f64) = (1.0 - random.random::<f64>(), random.random());
    let normal = (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * two).cos();
    median.mul_f64((0.866 * normal).exp())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Away,
    Inside,
    OnBreak,
}

/// The people who use a terminal, with where each is.
pub(crate) struct Crowd {
    people: Vec<(Arc<str>, Place, Option<NaiveDateTime>)>,
    /// The terminal knows only in and out.
    plain: bool,
}

pub(crate) const CHECK_IN: u8 = 0;
pub(crate) const CHECK_OUT: u8 = 1;
pub(crate) const BREAK_OUT: u8 = 2;
pub(crate) const BREAK_IN: u8 = 3;

impl Crowd {
    pub fn new(people: impl Iterator<Item = Arc<str>>, plain: bool) -> Crowd {
        Crowd {
            people: people.map(|pin| (pin, Place::Away, None)).collect(),
            plain,
        }
    }

    /// Who punches, with the key. Rather somebody who would at this time of day. `None`: all who could have punched in
    /// this very second, and a terminal does not take the same person twice in one.
    pub fn comes(&mut self, local: NaiveDateTime, random: &mut StdRng) -> Option<(Arc<str>, u8)> {
        let count = self.people.len();
        if count == 0 {
            return None;
        }
        let mut chosen = random.random_range(0..count);
        for _ in 0..6 {
            if usual(self.people[chosen].1, local.time()).is_some() {
                break;
            }
            chosen = random.random_range(0..count);
        }
        let chosen = (0..count)
            .map(|step| (chosen + step) % count)
            .find(|&at| self.people[at].2 != Some(local))?;
        let (pin, place, last) = &mut self.people[chosen];
        let key = usual(*place, local.time()).unwrap_or(match *place {
            Place::Away => CHECK_IN,
            Place::OnBreak => BREAK_IN,
            Place::Inside if local.hour() < 15 && random.random() => BREAK_OUT,
            Place::Inside => CHECK_OUT,
        });
        *place = match key {
            CHECK_OUT => Place::Away,
            BREAK_OUT => Place::OnBreak,
            _ => Place::Inside,
        };
        *last = Some(local);
        Some((pin.clone(), if self.plain { plain(key) } else { key }))
    }
}

/// In or out, for a break too.
fn plain(key: u8) -> u8 {
    u8::from(matches!(key, CHECK_OUT | BREAK_OUT))
}

/// What somebody there would do at this time of day, if anything.
fn usual(place: Place, time: NaiveTime) -> Option<u8> {
    match (time.num_seconds_from_midnight() / 60, place) {
        (300..660, Place::Away) => Some(CHECK_IN),
        (690..810, Place::Inside) => Some(BREAK_OUT),
        (720..900, Place::OnBreak) => Some(BREAK_IN),
        (900..1440, Place::Inside) => Some(CHECK_OUT),
        (0..300, Place::Inside) => Some(CHECK_OUT),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use muster_protocol::time::parse_local;
    use rand::SeedableRng;
    use std::collections::HashSet;

    fn at(text: &str) -> NaiveDateTime {
        parse_local(text).expect("the test's own time")
    }

    fn day_of(rhythm: Rhythm) -> Vec<NaiveDateTime> {
        let mut random = StdRng::seed_from_u64(3);
        let local =
            |elapsed| at("2026-03-02 00:00:00") + TimeDelta::from_std(elapsed).unwrap_or_default();
        let mut now = Duration::ZERO;
        let mut punches = Vec::new();
        while let Some(next) = rhythm
            .next(now, local, &mut random)
            .filter(|next| *next < Duration::from_secs(86_400))
        {
            now = next;
            punches.push(local(now));
        }
        punches
    }

    #[test]
    fn an_office_punches_about_500_times_a_day_and_most_in_three_hours() {
        let punches = day_of(Rhythm::Workday);
        assert!((430..570).contains(&punches.len()), "{}", punches.len());
        let busy = punches
            .iter()
            .filter(|punch| matches!(punch.hour(), 7 | 8 | 12 | 17))
            .count();
        assert!(busy * 10 > punches.len() * 6, "{busy} of {}", punches.len());
    }

    #[test]
    fn an_even_rhythm_keeps_its_rate() {
        let punches = day_of(Rhythm::new(Profile::Load, 10.0, 5)).len();
        assert!((2700..3060).contains(&punches), "{punches}");
        assert!(day_of(Rhythm::new(Profile::Load, 0.0, 5)).is_empty());
    }

    #[test]
    fn people_come_in_the_morning_and_leave_in_the_evening() {
        let mut random = StdRng::seed_from_u64(5);
        let mut crowd = Crowd::new((0..50).map(|n: u32| n.to_string().into()), false);
        let mut keys = |start: &str| {
            let start = at(start);
            let keys =
                (0..20).filter_map(|n| crowd.comes(start + TimeDelta::seconds(n), &mut random));
            keys.map(|(_, key)| key).collect::<HashSet<_>>()
        };
        assert_eq!(keys("2026-03-02 08:00:00"), HashSet::from([CHECK_IN]));
        assert!(keys("2026-03-02 11:50:00").contains(&BREAK_OUT));
        assert!(keys("2026-03-02 17:30:00").contains(&CHECK_OUT));
    }

    #[test]
    fn nobody_punches_twice_in_a_second() {
        let mut random = StdRng::seed_from_u64(5);
        let mut crowd = Crowd::new(["1", "2"].into_iter().map(Arc::from), true);
        let now = at("2026-03-02 08:00:00");
        let came: Vec<_> = (0..3)
            .map(|_| crowd.comes(now, &mut random).map(|(pin, _)| pin))
            .collect();
        assert!(came[0].is_some() && came[1].is_some() && came[0] != came[1]);
        assert_eq!(came[2], None);
    }

    #[test]
    fn a_plain_terminal_knows_in_and_out_only() {
        for (key, plain) in [(CHECK_IN, 0), (CHECK_OUT, 1), (BREAK_OUT, 1), (BREAK_IN, 0)] {
            assert_eq!(super::plain(key), plain);
        }
    }
}
