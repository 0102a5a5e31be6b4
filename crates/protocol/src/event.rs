//! Events of access terminals (`rtlog`, `transaction`) and the state of their doors (`rtstate`).

use chrono::NaiveDateTime;

use crate::person::card_number;
use crate::punch;
use crate::rows::Pairs;
use crate::time;
use crate::upload::BadReason;

/// What happened at a door. Not every event is about a person, and not every one about a person is a punch.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessEvent {
    /// `None` for events of the device itself (`pin=0`).
    pub pin: Option<String>,
    /// Wall clock of the terminal.
    pub local: NaiveDateTime,
    pub card: Option<String>,
    /// From 1; 0 when the event belongs to no door.
    pub door: i32,
    pub event: i32,
    /// 0 in, 1 out, 2 neither.
    pub in_out: i16,
    /// A number as of [`crate::punch::Punch`], or 16 bits as text (fixture G09).
    pub verify: String,
    /// Counts up within a terminal and starts again after a reset; -1 when it was not sent.
    pub index: i64,
    pub mask: Option<i16>,
    pub temperature: Option<f64>,
    pub site_code: Option<String>,
    /// Ties an event to those it caused.
    pub link_id: Option<String>,
    /// The whole row, for events that are kept as they came.
    pub raw: String,
}

/// Events that mean a person came or went: opened by card, finger, face and their combinations, inside of opening hours
/// or first-person rules.
const PUNCH_EVENTS: [i32; 21] = [
    0, 1, 2, 3, 4, 5, 14, 15, 16, 17, 18, 19, 203, 207, 208, 215, 216, 218, 219, 222, 232,
];

const SERVER_LOST: i32 = 105;

/// How a person was recognised, when only a set of bits says so.
const VERIFY_OTHER: i16 = 200;

impl AccessEvent {
    pub fn is_punch(&self) -> bool {
        self.pin.is_some() && PUNCH_EVENTS.contains(&self.event)
    }

    /// `verify` as the number a punch carries: 0 when missing, 200 ("other") for a string of bits, whose meaning differs
    /// between firmwares.
    pub fn verify_code(&self) -> i16 {
        if self.verify.is_empty() {
            return 0;
        }
        if self.verify.len() >= 8 {
            return VERIFY_OTHER;
        }
        self.verify.parse().unwrap_or(VERIFY_OTHER)
    }

    pub fn kind(&self) -> EventKind {
        EventKind::of(self.event)
    }

    /// What has gone off. That the server was out of reach is no alarm for a server that hears of it.
    pub fn alarm(&self) -> Option<&'static str> {
        let is_alarm = self.kind() == EventKind::Alarm && self.event != SERVER_LOST;
        is_alarm.then(|| meaning(self.event).unwrap_or("Alarm"))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    Normal,
    /// Refused, or otherwise not as it should be.
    Abnormal,
    Alarm,
    /// 255: the state of a door.
    State,
}

impl EventKind {
    pub fn of(event: i32) -> EventKind {
        match event {
            20..=99 | 5000..=5999 => EventKind::Abnormal,
            100..=199 | 6000..=6999 => EventKind::Alarm,
            255 => EventKind::State,
            _ => EventKind::Normal,
        }
    }
}

/// What the most frequent event codes mean.
pub fn meaning(event: i32) -> Option<&'static str> {
    Some(match event {
        0 => "Opened",
        20 => "Too soon after the last",
        21 | 22 => "Outside of the permitted time",
        23 => "No right to enter",
        27 | 30 | 34 => "Unknown person",
        29 | 33 | 53 => "Validity expired",
        41 => "Wrong way to verify",
        68 => "Temperature too high",
        69 => "No mask",
        100 => "Tamper alarm",
        101 | 103 => "Duress alarm",
        102 => "Door forced open",
        SERVER_LOST => "Server not reachable",
        202 => "Exit button",
        206 => "Started",
        214 => "Server connected",
        220 => "Auxiliary input opened",
        221 => "Auxiliary input closed",
        _ => return None,
    })
}

/// Reads `rtlog` (calendar time) and `transaction` (packed time) rows; their keys differ and come in any order
/// (fixture G07).
pub(crate) fn read(row: &str, pairs: Pairs) -> Result<AccessEvent, BadReason> {
    let packed = || time::unpack(pairs.number(&["time_second"])?);
    let written = pairs
        .get(&["time", "time_second"])
        .and_then(time::parse_local);
    let local = written.or_else(packed).ok_or(BadReason::Time)?;
    let event = pairs
        .number(&["event", "eventtype"])
        .ok_or(BadReason::Code)?;
    let pin = match pairs.filled(&["pin"]) {
        None | Some("0") => None,
        given => Some(punch::pin(given)?),
    };
    let text = |names: &[&str]| {
        pairs
            .filled(names)
            .filter(|value| *value != "0")
            .map(str::to_owned)
    };
    Ok(AccessEvent {
        pin,
        local,
        card: pairs.get(&["cardno"]).and_then(card_number),
        door: pairs.number(&["eventaddr", "doorid"]).unwrap_or(0),
        event,
        in_out: pairs
            .number(&["inoutstatus", "inoutstate"])
            .unwrap_or(IN_OUT_NEITHER),
        verify: pairs
            .filled(&["verifytype", "verified"])
            .unwrap_or_default()
            .to_owned(),
        index: pairs.number(&["index"]).unwrap_or(-1),
        mask: pairs.get(&["maskflag"]).and_then(punch::mask),
        temperature: pairs.get(&["temperature"]).and_then(punch::temperature),
        site_code: text(&["sitecode"]),
        link_id: text(&["linkid"]),
        raw: row.to_owned(),
    })
}

const IN_OUT_NEITHER: i16 = 2;

/// State of all doors of a terminal, as hexadecimal text: running servers disagree on the bits, so none is interpreted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoorState {
    pub local: NaiveDateTime,
    pub sensor: String,
    pub relay: String,
    pub alarm: String,
    pub door: String,
}

pub(crate) fn read_state(pairs: &Pairs) -> Result<DoorState, BadReason> {
    let local = pairs
        .get(&["time"])
        .and_then(time::parse_local)
        .ok_or(BadReason::Time)?;
    let text = |name: &str| pairs.filled(&[name]).unwrap_or_default().to_owned();
    Ok(DoorState {
        local,
        sensor: text("sensor"),
        relay: text("relay"),
        alarm: text("alarm"),
        door: text("door"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(row: &str) -> AccessEvent {
        read(row, Pairs::read(row)).expect("an event")
    }

    #[test]
    fn only_people_who_pass_make_punches() {
        assert!(event("time=2026-08-20 09:15:32\tpin=7\tevent=0\tindex=1").is_punch());
        assert!(!event("time=2026-08-20 09:15:32\tpin=7\tevent=23\tindex=1").is_punch());
        assert!(!event("time=2026-08-20 09:15:32\tpin=0\tevent=0\tindex=1").is_punch());
    }

    #[test]
    fn an_alarm_says_what_went_off() {
        let alarm = |code: i32| event(&format!("time=2026-08-20 09:15:32\tevent={code}")).alarm();
        assert_eq!(
            [100, 101, 102, 150, 6005, 105, 20, 202].map(alarm),
            [
                Some("Tamper alarm"),
                Some("Duress alarm"),
                Some("Door forced open"),
                Some("Alarm"),
                Some("Alarm"),
                None,
                None,
                None
            ]
        );
    }

    #[test]
    fn bits_are_no_verify_code() {
        assert_eq!(
            event("time=2026-08-20 09:15:32\tevent=0\tverifytype=0000000000000010").verify_code(),
            200
        );
        assert_eq!(
            event("time=2026-08-20 09:15:32\tevent=0\tverifytype=15").verify_code(),
            15
        );
        assert_eq!(event("time=2026-08-20 09:15:32\tevent=0").verify_code(), 0);
    }

    #[test]
    fn a_transaction_has_its_time_packed() {
        let event = event(
            "cardno=7\tpin=3\tverified=15\tdoorid=2\teventtype=0\tinoutstate=1\ttime_second=583080894",
        );
        assert_eq!(
            event.local,
            time::parse_local("2018-02-22 14:54:54").expect("a time")
        );
        assert_eq!((event.door, event.in_out, event.index), (2, 1, -1));
    }
}
