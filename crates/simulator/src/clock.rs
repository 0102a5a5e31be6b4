//! A terminal's time: how long it has been running, and what its wall clock shows. Simulated time may run faster than
//! real time, or not wait at all.

use std::time::Duration;

use chrono::{NaiveDateTime, TimeDelta, Timelike};
use tokio::time::Instant;

/// Time of one terminal since the run began.
pub(crate) struct Clock {
    speed: f64,
    started: Instant,
    /// Without waiting (`speed` 0) time is what was slept.
    slept: Duration,
    utc_at_start: NaiveDateTime,
    /// What the terminal adds to UTC: its zone and its error.
    offset: TimeDelta,
    error: TimeDelta,
}

impl Clock {
    pub fn new(speed: f64, started: Instant, utc_at_start: NaiveDateTime, error_s: i64) -> Clock {
        let speed = if speed.is_finite() {
            speed.max(0.0)
        } else {
            0.0
        };
        Clock {
            speed,
            started,
            slept: Duration::ZERO,
            utc_at_start,
            offset: TimeDelta::zero(),
            error: TimeDelta::seconds(error_s),
        }
    }

    /// Simulated time since the run began.
    pub fn elapsed(&self) -> Duration {
        if self.speed > 0.0 {
            self.started.elapsed().mul_f64(self.speed)
        } else {
            self.slept
        }
    }

    /// What the wall clock shows, shown or will show at that time, in whole seconds.
    pub fn local(&self, elapsed: Duration) -> NaiveDateTime {
        let passed = TimeDelta::from_std(elapsed).unwrap_or_default();
        let local = self.utc_at_start + passed + self.offset + self.error;
        local.with_nanosecond(0).unwrap_or(local)
    }

    pub fn set_offset_minutes(&mut self, minutes: i32) {
        self.offset = TimeDelta::minutes(minutes.into());
    }

    /// Takes the server's time when the difference is over ten seconds. Only in real time: simulated time is not the
    /// server's.
    pub fn follow(&mut self, server_utc: NaiveDateTime) {
        if self.speed != 1.0 {
            return;
        }
        let own = self.local(self.elapsed()) - self.offset;
        let difference = server_utc - own;
        if difference.num_seconds().abs() > 10 {
            self.error += difference;
        }
    }

    pub async fn sleep_until(&mut self, elapsed: Duration) {
        if self.speed > 0.0 {
            tokio::time::sleep_until(self.started + elapsed.div_f64(self.speed)).await;
        } else {
            self.slept = self.slept.max(elapsed);
            tokio::task::yield_now().await;
        }
    }
}

/// UTC of the machine: the terminals' own clocks run from it until the server corrects them.
#[expect(
    clippy::disallowed_methods,
    reason = "simulated terminals have clocks of their own; `Options::starts_at` holds them still"
)]
pub(crate) fn machine_utc() -> NaiveDateTime {
    chrono::Utc::now().naive_utc()
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_protocol::time::parse_local;

    fn clock(speed: f64) -> Clock {
        let utc = parse_local("2026-03-02 09:00:00").expect("the test's own time");
        Clock::new(speed, Instant::now(), utc, 0)
    }

    #[tokio::test]
    async fn without_waiting_an_hour_passes_at_once() {
        let mut clock = clock(0.0);
        clock.set_offset_minutes(330);
        clock.sleep_until(Duration::from_secs(3600)).await;
        assert_eq!(clock.elapsed(), Duration::from_secs(3600));
        assert_eq!(
            Some(clock.local(clock.elapsed())),
            parse_local("2026-03-02 15:30:00")
        );
    }

    #[tokio::test]
    async fn time_never_goes_back() {
        let mut clock = clock(0.0);
        clock.sleep_until(Duration::from_secs(9)).await;
        clock.sleep_until(Duration::from_secs(3)).await;
        assert_eq!(clock.elapsed(), Duration::from_secs(9));
    }

    #[tokio::test(start_paused = true)]
    async fn simulated_time_runs_faster_by_the_speed() {
        let mut clock = clock(60.0);
        let before = Instant::now();
        clock.sleep_until(Duration::from_secs(3600)).await;
        assert_eq!(before.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn the_servers_time_is_taken_in_real_time_only_and_only_when_it_differs() {
        let other = parse_local("2026-03-02 10:00:00").expect("the test's own time");
        for (speed, shows) in [(1.0, "2026-03-02 10:00:00"), (2.0, "2026-03-02 09:00:00")] {
            let mut clock = clock(speed);
            clock.follow(other);
            assert_eq!(Some(clock.local(Duration::ZERO)), parse_local(shows));
            clock.follow(clock.local(Duration::ZERO) + TimeDelta::seconds(9));
            assert_eq!(Some(clock.local(Duration::ZERO)), parse_local(shows));
        }
    }
}
