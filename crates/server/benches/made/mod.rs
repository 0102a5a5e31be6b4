//! A punch as it comes from a terminal, made up.

use chrono::{DateTime, Utc};
use muster::punches::record::{NewPunch, Place, Source};
use std::sync::Arc;

/// So many seconds after a morning of 2025.
pub fn time(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_760_000_000 + second, 0).expect("a time")
}

/// A punch then.
pub fn punch(place: &Arc<Place>, pin: String, second: i64) -> NewPunch {
    let at = time(second);
    NewPunch {
        place: Arc::clone(place),
        pin,
        local: at.naive_utc(),
        at,
        state: 0,
        verify: 1,
        verify_bits: None,
        work_code: String::new(),
        mask: None,
        temperature: None,
        longitude: None,
        latitude: None,
        source: Source::Terminal,
        event_index: None,
        event_code: None,
        clock_suspect: false,
    }
}
