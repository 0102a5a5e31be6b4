//! A row of a terminal as a punch to be kept, whichever way it came here.

use crate::punches::record::{NewPunch, Place, Source};
use crate::terminals::zone::Zone;
use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Utc};
use muster_protocol::upload::Punch;
use std::sync::Arc;

/// An attendance record of a terminal at a place with this clock.
pub fn new_punch(
    now: DateTime<Utc>,
    place: &Arc<Place>,
    zone: Zone,
    source: Source,
    punch: Punch,
) -> NewPunch {
    let at = match punch.offset_seconds {
        Some(offset) => (punch.local - TimeDelta::seconds(offset.into())).and_utc(),
        None => zone.instant(punch.local),
    };
    NewPunch {
        place: Arc::clone(place),
        pin: punch.pin,
        local: punch.local,
        at,
        state: punch.status,
        verify: punch.verify,
        verify_bits: None,
        work_code: punch.workcode,
        mask: punch.mask,
        temperature: punch.temperature,
        longitude: punch.longitude,
        latitude: punch.latitude,
        source,
        event_index: None,
        event_code: None,
        clock_suspect: is_suspect(now, punch.local, at),
    }
}

/// A flat clock battery says 1970 or 2000; a clock set wrong says the future. Such punches are kept
/// as sent, and flagged.
pub fn is_suspect(now: DateTime<Utc>, local: NaiveDateTime, at: DateTime<Utc>) -> bool {
    local.year() < 2005 || at > now + TimeDelta::minutes(5)
}
