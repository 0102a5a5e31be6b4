//! The time: real, or held still in tests. Nothing else asks the machine what time it is.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use std::sync::{Arc, Mutex};

/// Gives instants in whole microseconds, the finest both databases keep.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    Real,
    Held(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    pub fn real() -> Clock {
        Clock(Source::Real)
    }

    /// A clock that stands at `instant` until it is moved.
    pub fn held(instant: DateTime<Utc>) -> Clock {
        Clock(Source::Held(Arc::new(Mutex::new(instant))))
    }

    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            #[expect(
                clippy::disallowed_methods,
                reason = "the one place that reads the machine's clock"
            )]
            Source::Real => Utc::now().trunc_subsecs(6),
            Source::Held(instant) => *instant.lock().expect("nobody panics while holding it"),
        }
    }

    /// Moves a held clock forward; a real one goes by itself.
    pub fn advance(&self, by: TimeDelta) {
        if let Source::Held(instant) = &self.0 {
            *instant.lock().expect("nobody panics while holding it") += by;
        }
    }
}
