//! What the numbers of a punch mean, in words a person reads.

use std::borrow::Cow;

/// What was pressed at the terminal. `None`: nothing was (255), so the punch says only "here".
pub fn state(state: i16) -> Option<Cow<'static, str>> {
    Some(Cow::Borrowed(match state {
        0 => "Check in",
        1 => "Check out",
        2 => "Break out",
        3 => "Break in",
        4 => "Overtime in",
        5 => "Overtime out",
        8 => "Meal start",
        9 => "Meal end",
        255 => return None,
        other => return Some(Cow::Owned(format!("State {other}"))),
    }))
}

/// How the person was recognised.
pub fn verify(code: i16) -> Cow<'static, str> {
    Cow::Borrowed(match code {
        0 => "Any way",
        1 => "Fingerprint",
        2 => "PIN",
        3 => "Password",
        4 => "Card",
        5 => "Fingerprint or password",
        6 => "Fingerprint or card",
        7 => "Card or password",
        8 => "PIN and fingerprint",
        9 => "Fingerprint and password",
        10 => "Card and fingerprint",
        11 => "Card and password",
        12 => "Fingerprint, password and card",
        13 => "PIN, fingerprint and password",
        14 => "Fingerprint with PIN or card",
        15 => "Face",
        16 => "Face and fingerprint",
        17 => "Face and password",
        18 => "Face and card",
        19 => "Face, fingerprint and card",
        20 => "Face, fingerprint and password",
        21 => "Finger vein",
        22 => "Finger vein and password",
        23 => "Finger vein and card",
        24 => "Finger vein, password and card",
        25 => "Palm",
        26 => "Palm and card",
        27 => "Palm and face",
        28 => "Palm and fingerprint",
        29 => "Palm, face and fingerprint",
        200 | 255 => "Other",
        other => return Cow::Owned(format!("Code {other}")),
    })
}
