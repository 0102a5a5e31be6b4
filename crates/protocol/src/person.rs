//! What terminals know of a person: the user record, biometric templates, pictures.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::punch::pin;
use crate::rows::Pairs;
use crate::secret::Secret;
use crate::upload::BadReason;

/// A user record. `None` means that the row did not say; a row may hold any part of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    pub pin: String,
    pub name: Option<String>,
    /// 0 user, 2 enroller, 6 administrator, 10 custom, 14 super administrator.
    pub privilege: Option<i16>,
    /// In clear text on the wire. Empty: the person has none.
    pub password: Option<Secret>,
    /// Decimal. `None` also for "no card" (`0`, empty, `[0000000000]`).
    pub card: Option<String>,
    /// Access group, 1 by default.
    pub group: Option<i32>,
    /// As sent: 16 digits (flag and three time zones), 8 on old units.
    pub timezones: Option<String>,
    /// How the person must verify; -1 as the group does.
    pub verify_mode: Option<i16>,
    pub vice_card: Option<String>,
    /// Validity as sent, `None` when `0`: spellings differ between firmwares and families.
    pub start: Option<String>,
    pub end: Option<String>,
}

impl User {
    pub(crate) fn read(mut pairs: Pairs) -> Result<User, BadReason> {
        let pin = pin(pairs.get(&["PIN", "UserID"]))?;
        let text = |names: &[&str]| pairs.filled(names).map(str::to_owned);
        let moment =
            |names: &[&str]| text(names).filter(|moment| moment.bytes().any(|byte| byte != b'0'));
        Ok(User {
            pin,
            privilege: pairs.number(&["Pri", "Privilege"]),
            card: pairs.get(&["Card", "CardNo"]).and_then(card_number),
            group: pairs.number(&["Grp", "Group"]),
            timezones: text(&["TZ"]),
            verify_mode: pairs.number(&["Verify"]),
            vice_card: pairs.get(&["ViceCard"]).and_then(card_number),
            start: moment(&["StartDatetime", "StartTime"]),
            end: moment(&["EndDatetime", "EndTime"]),
            name: pairs.get(&["Name"]).map(|name| name.trim().to_owned()),
            password: pairs.take(&["Passwd", "Password"]).map(Secret::new),
        })
    }
}

/// A card's number in decimal. `[15CD5B07]` is hexadecimal, lowest byte first (vendor paper 2015: 123456789). `None` for
/// no card. What is neither is kept as sent (fixture C12).
pub fn card_number(text: &str) -> Option<String> {
    let text = text.trim();
    let digits = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    if let Some(number) = digits.and_then(little_endian) {
        return (number != 0).then(|| number.to_string());
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number = text.trim_start_matches('0');
        return (!number.is_empty()).then(|| number.to_owned());
    }
    Some(text.to_owned())
}

fn little_endian(digits: &str) -> Option<u64> {
    let digits: Vec<u64> = digits
        .chars()
        .filter(|c| *c != ' ')
        .map(|c| c.to_digit(16).map(u64::from))
        .collect::<Option<_>>()?;
    if !digits.len().is_multiple_of(2) || digits.len() > 16 {
        return None;
    }
    Some(
        digits
            .rchunks(2)
            .fold(0, |number, byte| number << 8 | byte[0] << 4 | byte[1]),
    )
}

/// A card's number the way 1.x terminals write it.
pub fn card_brackets(number: u32) -> String {
    let [a, b, c, d] = number.to_le_bytes();
    format!("[{a:02X}{b:02X}{c:02X}{d:02X}]")
}

/// Which of the rows a template came in; it must go down in the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TemplateSource {
    Fp,
    Face,
    Fvein,
    Biodata,
}

/// A biometric template, opaque. Portable only between units of the same type and major version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pub pin: String,
    /// 0 generic, 1 fingerprint, 2 near-infrared face, 3 voice, 4 iris, 5 retina, 6 palm print, 7 finger vein, 8 palm,
    /// 9 visible-light face, 10 visible-light palm.
    pub wire_type: i16,
    /// Finger 0 to 9 (left little … right little), or side 0 left, 1 right; 0 for faces.
    pub no: i16,
    /// Part of a template in several; of a near-infrared face 0 to 14.
    pub index: i16,
    /// 0 bad, 1 good, 3 under duress.
    pub valid: i16,
    pub duress: bool,
    /// Empty when the row does not say, as all but BIODATA.
    pub major_ver: String,
    pub minor_ver: String,
    /// 0 of the vendor, 1 ISO, 2 ANSI.
    pub format: i16,
    pub source: TemplateSource,
    /// base64, as sent.
    pub body: Secret,
}

impl Template {
    pub(crate) fn read(source: TemplateSource, mut pairs: Pairs) -> Result<Template, BadReason> {
        let pin = pin(pairs.get(&["PIN"]))?;
        let body = pairs
            .take(&["Tmp", "Template"])
            .filter(|body| !body.trim().is_empty())
            .ok_or(BadReason::MissingBody)?;
        let number = |names: &[&str]| pairs.number(names).unwrap_or(0);
        let text = |name: &str| pairs.filled(&[name]).unwrap_or_default().to_owned();
        let finger = || number(&["FID", "FingerID", "No"]);
        let valid = pairs.number(&["Valid"]).unwrap_or(1);
        let (wire_type, no, index) = match source {
            TemplateSource::Fp => (1, finger(), 0),
            TemplateSource::Face => (2, 0, finger()),
            TemplateSource::Fvein => (7, finger(), number(&["Index"])),
            TemplateSource::Biodata => (number(&["Type"]), number(&["No"]), number(&["Index"])),
        };
        Ok(Template {
            pin,
            wire_type,
            no,
            index,
            valid,
            duress: valid == 3 || number(&["Duress"]) == 1,
            major_ver: text("MajorVer"),
            minor_ver: text("MinorVer"),
            format: number(&["Format"]),
            source,
            body: Secret::new(body.trim()),
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PictureKind {
    /// Shown on the terminal when the person punches.
    UserPic,
    /// What visible-light units compare a face with.
    BioPhoto,
}

/// A picture of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub pin: String,
    pub kind: PictureKind,
    /// Of a BIOPHOTO: 9 visible-light face.
    pub wire_type: Option<i16>,
    /// Empty when it has none.
    pub file_name: String,
    /// base64, as sent.
    pub body: Secret,
}

pub(crate) const PICTURE_KEYS: &[&str] = &["Content", "Photo"];

impl Picture {
    pub(crate) fn read(kind: PictureKind, mut pairs: Pairs) -> Result<Picture, BadReason> {
        let pin = pin(pairs.get(&["PIN"]))?;
        let body = pairs
            .take(PICTURE_KEYS)
            .filter(|body| !body.trim().is_empty())
            .ok_or(BadReason::MissingBody)?;
        Ok(Picture {
            pin,
            kind,
            wire_type: pairs.number(&["Type"]),
            file_name: pairs.filled(&["FileName"]).unwrap_or_default().to_owned(),
            body: Secret::new(body.trim()),
        })
    }

    /// The picture's bytes; `None` when the body is no base64.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        decode_base64(self.body.expose())
    }
}

/// Terminals write base64 with and without its padding (fixture C18), some with blanks in between.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let dense: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    LENIENT.decode(dense).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cards_are_decimal_whatever_the_terminal_writes() {
        assert_eq!(card_number("[15CD5B07]").as_deref(), Some("123456789"));
        // Fixture C07: five bytes.
        assert_eq!(card_number("[09E4812202]").as_deref(), Some("9168872457"));
        assert_eq!(card_number("0012345").as_deref(), Some("12345"));
        assert_eq!(card_number("AABB").as_deref(), Some("AABB"));
        for none in ["", "0", "[0000000000]", "[]", " 0000 "] {
            assert_eq!(card_number(none), None, "{none}");
        }
        assert_eq!(card_number("[zz]").as_deref(), Some("[zz]"));
    }

    #[test]
    fn a_password_is_never_shown() {
        let user = User::read(Pairs::read("PIN=1\tPasswd=12345")).expect("a user");
        assert_eq!(user.password.as_ref().map(Secret::expose), Some("12345"));
        assert!(!format!("{user:?}").contains("12345"));
    }

    #[test]
    fn validity_of_zero_is_none() {
        let user = User::read(Pairs::read(
            "PIN=1\tStartDatetime=0\tEndDatetime=2026-01-31T00:00:00",
        ))
        .expect("a user");
        assert_eq!(
            (user.start, user.end.as_deref()),
            (None, Some("2026-01-31T00:00:00"))
        );
    }

    proptest! {
        #[test]
        fn brackets_hold_the_number(number in 1u32..) {
            prop_assert_eq!(card_number(&card_brackets(number)), Some(number.to_string()));
        }

        #[test]
        fn no_card_panics(text: String) {
            card_number(&text);
            card_number(&format!("[{text}]"));
        }
    }
}
