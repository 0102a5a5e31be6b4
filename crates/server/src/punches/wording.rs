//! What the numbers of a punch mean, in words a person reads.

/// What was pressed at the terminal. `None`: nothing was (255), so the punch says only "here".
pub fn state(state: i16) -> Option<String> {
    Some(String::from(match state {
        0 => t!("Check in"),
        1 => t!("Check out"),
        2 => t!("Break out"),
        3 => t!("Break in"),
        4 => t!("Overtime in"),
        5 => t!("Overtime out"),
        8 => t!("Meal start"),
        9 => t!("Meal end"),
        255 => return None,
        other => return Some(t!("State {number}", number = other)),
    }))
}

/// Which way somebody goes by it: `in`, `out`, or nothing.
pub fn way(state: i16) -> &'static str {
    match state {
        0 | 3 | 4 | 9 => "in",
        1 | 2 | 5 | 8 => "out",
        _ => "",
    }
}

/// How the person was recognised.
pub fn verify(code: i16) -> String {
    String::from(match code {
        0 => t!("Any way"),
        1 => t!("Fingerprint"),
        2 => t!("PIN"),
        3 => t!("Password"),
        4 => t!("Card"),
        5 => t!("Fingerprint or password"),
        6 => t!("Fingerprint or card"),
        7 => t!("Card or password"),
        8 => t!("PIN and fingerprint"),
        9 => t!("Fingerprint and password"),
        10 => t!("Card and fingerprint"),
        11 => t!("Card and password"),
        12 => t!("Fingerprint, password and card"),
        13 => t!("PIN, fingerprint and password"),
        14 => t!("Fingerprint with PIN or card"),
        15 => t!("Face"),
        16 => t!("Face and fingerprint"),
        17 => t!("Face and password"),
        18 => t!("Face and card"),
        19 => t!("Face, fingerprint and card"),
        20 => t!("Face, fingerprint and password"),
        21 => t!("Finger vein"),
        22 => t!("Finger vein and password"),
        23 => t!("Finger vein and card"),
        24 => t!("Finger vein, password and card"),
        25 => t!("Palm"),
        26 => t!("Palm and card"),
        27 => t!("Palm and face"),
        28 => t!("Palm and fingerprint"),
        29 => t!("Palm, face and fingerprint"),
        101 => t!("App"),
        200 | 255 => t!("Other"),
        other => return t!("Code {number}", number = other),
    })
}

#[cfg(test)]
mod tests {
    use super::{state, verify};
    use crate::punches::punch::{state_name, verify_name};

    #[test]
    fn what_has_a_name_for_programs_has_a_word_for_people() {
        for code in 0..=i16::MAX {
            if state_name(code).is_some() {
                let word = state(code).expect("a word");
                assert_ne!(word, format!("State {code}"));
            }
            if verify_name(code).is_some() {
                assert_ne!(verify(code), format!("Code {code}"));
            }
        }
    }
}
