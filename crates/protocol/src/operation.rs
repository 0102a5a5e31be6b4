//! The terminal's own log (`OPLOG`): power on, menu opened, user enrolled, alarm.

use chrono::NaiveDateTime;

use crate::rows;
use crate::time;
use crate::upload::BadReason;

/// One entry of the operation log. What `objects` hold depends on `code`: 6 (fingerprint enrolled) has the PIN, the finger
/// and the template's length; 9 to 12 the PIN; 3 (alarm) its reason in the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    pub code: i16,
    /// PIN of the administrator, `0` when nobody is signed in.
    pub operator: String,
    /// Wall clock of the terminal. `None` when it could not be read: the entry is worth keeping without.
    pub local: Option<NaiveDateTime>,
    pub objects: [String; 4],
}

/// Packed times before 2001 are not believed: a row that lost its time has a small number in that place (fixture C04).
const EARLIEST_PACKED: u32 = 12 * 31 * 86_400;

impl Operation {
    /// Reads the part behind the tag: `op⇥operator⇥time⇥obj1⇥obj2⇥obj3⇥obj4`. The time is calendar text, or packed
    /// (2009).
    pub(crate) fn read(row: &str) -> Result<Operation, BadReason> {
        let fields = rows::fields(row);
        let code = fields
            .first()
            .and_then(|code| code.trim().parse().ok())
            .ok_or(BadReason::Code)?;
        let local = fields.get(2).and_then(|field| read_time(field));
        if local.is_none() && fields.len() < 4 {
            return Err(BadReason::TooFewFields);
        }
        let field = |index: usize| {
            fields
                .get(index)
                .map(|field| field.trim().to_owned())
                .unwrap_or_default()
        };
        Ok(Operation {
            code,
            operator: field(1),
            local,
            objects: [field(3), field(4), field(5), field(6)],
        })
    }
}

fn read_time(field: &str) -> Option<NaiveDateTime> {
    time::parse_local(field).or_else(|| {
        let packed = field
            .trim()
            .parse()
            .ok()
            .filter(|&packed| packed >= EARLIEST_PACKED)?;
        time::unpack(packed)
    })
}

/// What an operation code means: 0 to 34 agreed by four vendor papers, 65 and 66 by that of 2011, the others by the latest.
pub fn meaning(code: i16) -> Option<&'static str> {
    Some(match code {
        0 => "Power on",
        1 => "Power off",
        2 => "Verification failed",
        3 => "Alarm",
        4 => "Menu entered",
        5 => "Setting changed",
        6 => "Fingerprint enrolled",
        7 => "Password enrolled",
        8 => "HID card enrolled",
        9 => "User deleted",
        10 => "Fingerprint deleted",
        11 => "Password deleted",
        12 => "RF card deleted",
        13 => "Data cleared",
        14 => "MF card created",
        15 => "MF card enrolled",
        16 => "MF card registered",
        17 => "MF card registration deleted",
        18 => "MF card content cleared",
        19 => "Data moved to card",
        20 => "Card copied to terminal",
        21 => "Time set",
        22 => "Factory reset",
        23 => "Records deleted",
        24 => "Administrator rights cleared",
        25 => "Access group changed",
        26 => "User access changed",
        27 => "Access time zone changed",
        28 => "Unlock combination changed",
        29 => "Unlocked",
        30 => "User enrolled",
        31 => "Fingerprint attribute changed",
        32 => "Duress alarm",
        33 => "Doorbell",
        34 => "Anti-passback",
        35 => "Attendance photo deleted",
        36 => "Other user data changed",
        37 => "Holiday changed",
        38 => "Data restored",
        39 => "Data backed up",
        40 => "USB upload",
        41 => "USB download",
        42 => "USB log encrypted",
        43 => "Deleted after USB download",
        53 => "Exit button",
        54 => "Door sensor",
        55 => "Alarm",
        56 => "Parameters restored",
        65 => "Face registered",
        66 => "Face changed",
        68 => "User photo registered",
        69 => "User photo changed",
        70 => "Name changed",
        71 => "Privilege changed",
        76 => "IP address changed",
        77 => "Network mask changed",
        78 => "Gateway changed",
        79 => "DNS changed",
        80 => "Connection password changed",
        81 => "Device id changed",
        82 => "Cloud address changed",
        83 => "Cloud port changed",
        87 => "Access log setting changed",
        88 => "Face parameter changed",
        89 => "Fingerprint parameter changed",
        90 => "Finger vein parameter changed",
        91 => "Palm parameter changed",
        92 => "USB upgrade",
        100 => "RF card changed",
        101 => "Face enrolled",
        102 => "Privilege changed",
        103 => "Privilege deleted",
        104 => "Privilege added",
        105 => "Access log deleted",
        106 => "Face deleted",
        107 => "User photo deleted",
        108 => "Parameter changed",
        109 => "Wi-Fi name changed",
        110 => "Proxy switched",
        111 => "Proxy address changed",
        112 => "Proxy port changed",
        113 => "User password changed",
        114 => "Face changed",
        115 => "Operator password changed",
        116 => "Access settings restored",
        117 => "Operator password wrong",
        118 => "Operator password locked",
        120 => "Legic length changed",
        121 => "Finger vein enrolled",
        122 => "Finger vein changed",
        123 => "Finger vein deleted",
        124 => "Palm enrolled",
        125 => "Palm changed",
        126 => "Palm deleted",
        _ => return None,
    })
}

/// An alarm; its second object says why.
const ALARM: i16 = 3;
const DURESS: i16 = 32;
/// As newer terminals log it, without a reason.
const NEWER_ALARM: i16 = 55;
const CANCELLED: i32 = 65_535;

/// Whether something has gone off, or has come to rest again.
pub fn is_alarm(code: i16) -> bool {
    matches!(code, ALARM | DURESS | NEWER_ALARM)
}

/// What has gone off, by the code and the second object of its row; `None`: it was cancelled, or is no alarm.
pub fn alarm(code: i16, object_2: &str) -> Option<&'static str> {
    match alarm_reason_of(code, object_2) {
        Some(CANCELLED) => None,
        reason => reason
            .and_then(alarm_reason)
            .or_else(|| is_alarm(code).then(|| meaning(code)).flatten()),
    }
}

/// Why an alarm went off or ended, as far as its row says.
pub fn reason(code: i16, object_2: &str) -> Option<&'static str> {
    alarm_reason_of(code, object_2).and_then(alarm_reason)
}

fn alarm_reason_of(code: i16, object_2: &str) -> Option<i32> {
    object_2.parse().ok().filter(|_| code == ALARM)
}

/// Why an alarm (code 3) went off: its second object.
fn alarm_reason(reason: i32) -> Option<&'static str> {
    Some(match reason {
        50 => "Door closed",
        51 => "Door open",
        53 => "Exit button",
        54 => "Door broken open",
        55 => "Terminal tampered with",
        58 => "Invalid attempt",
        65_535 => "Alarm cancelled",
        _ => return None,
    })
}
