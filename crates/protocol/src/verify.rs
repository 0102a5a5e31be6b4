//! Names of the two codes every punch carries: how the person was recognised, and which way the person went.

/// How the terminal recognised the person. Names follow the vendor papers from 2015 on; older firmware used 0, 2, 3, 4
/// and 9 differently, so the number stays the truth.
pub fn name(code: i16) -> Option<&'static str> {
    Some(match code {
        0 => "Automatic",
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
        14 => "PIN and fingerprint, or card and fingerprint",
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
        200 => "Other",
        _ => return None,
    })
}

/// Which way the person went, as the key pressed or the terminal's setting says. 255: the terminal did not say.
/// Terminals may define keys of their own.
pub fn state_name(code: i16) -> Option<&'static str> {
    Some(match code {
        0 => "Check In",
        1 => "Check Out",
        2 => "Break Out",
        3 => "Break In",
        4 => "Overtime In",
        5 => "Overtime Out",
        8 => "Meal In",
        9 => "Meal Out",
        255 => "Unknown",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_confirmed_on_terminals_have_their_names() {
        // Fixtures B02 (face) and B03 (palm) were captured from hardware.
        assert_eq!(name(15), Some("Face"));
        assert_eq!(name(25), Some("Palm"));
        assert_eq!(name(101), None);
        assert_eq!(state_name(0), Some("Check In"));
        assert_eq!(state_name(201), None);
    }
}
