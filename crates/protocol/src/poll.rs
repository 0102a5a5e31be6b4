//! What a terminal says of itself when it polls (`INFO=`), and the answer when there is nothing for it.

/// The answer without commands: exactly these two bytes. With a line end behind, terminals poll more seldom.
pub const IDLE: &str = "OK";

/// The thirteen fields of `INFO`, by position; older firmware sends the first 5 to 10.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    pub firmware: Option<String>,
    pub users: Option<u32>,
    pub fingerprints: Option<u32>,
    pub punches: Option<u32>,
    pub ip: Option<String>,
    /// Version of the fingerprint algorithm: 9, 10.
    pub fingerprint_algorithm: Option<i32>,
    /// Version of the face algorithm: 7, 39; -1 when there is none.
    pub face_algorithm: Option<i32>,
    /// How many templates make one near-infrared face.
    pub templates_per_face: Option<u32>,
    pub faces: Option<u32>,
    /// One digit each: fingerprint, face, user picture, comparison photo, BIODATA. Three on older firmware.
    pub functions: Option<String>,
    pub cards: Option<u32>,
    pub user_photos: Option<u32>,
    pub punch_photos: Option<u32>,
}

impl Info {
    /// Reads from the left; what is missing or unreadable is `None`.
    pub fn parse(text: &str) -> Info {
        let fields: Vec<&str> = text.split(',').take(13).map(str::trim).collect();
        let field = |index: usize| fields.get(index).copied().filter(|field| !field.is_empty());
        let count = |index: usize| field(index)?.parse().ok();
        let number = |index: usize| field(index)?.parse().ok();
        Info {
            firmware: field(0).map(str::to_owned),
            users: count(1),
            fingerprints: count(2),
            punches: count(3),
            ip: field(4).map(str::to_owned),
            fingerprint_algorithm: number(5),
            face_algorithm: number(6),
            templates_per_face: count(7),
            faces: count(8),
            functions: field(9)
                .filter(|bits| bits.bytes().all(|bit| matches!(bit, b'0' | b'1')))
                .map(str::to_owned),
            cards: count(10),
            user_photos: count(11),
            punch_photos: count(12),
        }
    }

    /// All thirteen fields, empty where unknown.
    pub fn encode(&self) -> String {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let count = |field: Option<u32>| field.map(|count| count.to_string()).unwrap_or_default();
        let number =
            |field: Option<i32>| field.map(|number| number.to_string()).unwrap_or_default();
        [
            text(&self.firmware),
            count(self.users),
            count(self.fingerprints),
            count(self.punches),
            text(&self.ip),
            number(self.fingerprint_algorithm),
            number(self.face_algorithm),
            count(self.templates_per_face),
            count(self.faces),
            text(&self.functions),
            count(self.cards),
            count(self.user_photos),
            count(self.punch_photos),
        ]
        .join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn five_fields_of_2008_are_enough() {
        let old = Info::parse("Ver 6.39 Apr 28 2008,2,0,0,192.168.1.201");
        assert_eq!(
            (old.firmware.as_deref(), old.users, old.ip.as_deref()),
            (Some("Ver 6.39 Apr 28 2008"), Some(2), Some("192.168.1.201"))
        );
        assert_eq!(old.face_algorithm, None);
        assert_eq!(Info::parse(""), Info::default());
        assert_eq!(
            Info::parse("V,x,-1,99999999999,,,-1").face_algorithm,
            Some(-1)
        );
    }

    proptest! {
        #[test]
        fn a_poll_survives_the_wire(text in "[A-Za-z0-9. -]{0,20}(,[0-9]{0,4}){12}") {
            let read = Info::parse(&text);
            prop_assert_eq!(Info::parse(&read.encode()), read);
        }

        #[test]
        fn no_poll_panics(text: String) {
            Info::parse(&text);
        }
    }
}
