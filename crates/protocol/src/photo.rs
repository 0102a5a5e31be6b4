//! The photo a terminal takes of a punch: a head of text, a NUL, a JPEG picture.

use std::fmt;

use chrono::{NaiveDate, NaiveDateTime};

use crate::person::{PICTURE_KEYS, decode_base64};
use crate::rows::Pairs;
use crate::text;
use crate::upload::BadReason;

/// Matched to its punch by terminal, user and time to the second.
#[derive(Clone, PartialEq, Eq)]
pub struct PunchPhoto {
    /// As sent: `20150731103012-123.jpg`.
    pub name: String,
    /// `None`: nobody was recognised.
    pub user: Option<String>,
    /// Wall clock of the terminal, from the name.
    pub local: Option<NaiveDateTime>,
    pub jpeg: Vec<u8>,
    /// Sent as it was taken, not from store.
    pub live: bool,
}

impl fmt::Debug for PunchPhoto {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("PunchPhoto")
            .field("name", &self.name)
            .field("user", &self.user)
            .field("local", &self.local)
            .field("jpeg", &format_args!("{} bytes", self.jpeg.len()))
            .field("live", &self.live)
            .finish()
    }
}

const JPEG: [u8; 3] = [0xff, 0xd8, 0xff];
/// A head is about a hundred bytes.
const LONGEST_HEAD: usize = 4_096;
const LONGEST_NAME: usize = 120;

/// Reads the body of `table=ATTPHOTO`. `name` comes from the request when the body is the bare picture (1.x).
///
/// Head lines end in LF, CR LF or TAB, depending on the paper; some bodies lack the NUL (fixture C25), and a terminal set
/// to `ATTPHOTOBase64` sends text instead of bytes.
pub(crate) fn read(name: Option<&str>, body: &[u8]) -> Result<PunchPhoto, BadReason> {
    let start = body.windows(JPEG.len()).position(|bytes| bytes == JPEG);
    let head_end = start.unwrap_or(body.len()).min(LONGEST_HEAD);
    let nul = body[..head_end].iter().position(|&byte| byte == 0);
    let head = text::decode(&body[..nul.unwrap_or(head_end)]);
    let jpeg = match (start, nul) {
        (Some(start), _) => body[start..].to_vec(),
        (None, Some(nul)) => {
            base64_jpeg(&text::decode(&body[nul + 1..])).ok_or(BadReason::NoPicture)?
        }
        (None, None) => return Err(BadReason::NoPicture),
    };
    let fields = Pairs::read(&head.replace(['\r', '\n'], "\t"));
    let live = fields
        .get(&["CMD"])
        .is_some_and(|cmd| cmd.trim().eq_ignore_ascii_case("realupload"));
    let name = fields
        .filled(&["PIN"])
        .or(name)
        .ok_or(BadReason::MissingPin)?;
    Ok(named(name, jpeg, live))
}

/// An access terminal's row: `pin=⇥sn=⇥size=⇥photo=` with the picture in base64.
pub(crate) fn read_row(pairs: &mut Pairs) -> Result<PunchPhoto, BadReason> {
    let picture = pairs
        .take(&["photo"])
        .or_else(|| pairs.take(PICTURE_KEYS))
        .ok_or(BadReason::MissingBody)?;
    let jpeg = base64_jpeg(&picture).ok_or(BadReason::NoPicture)?;
    let name = pairs.filled(&["pin"]).ok_or(BadReason::MissingPin)?;
    Ok(named(name, jpeg, false))
}

fn base64_jpeg(text: &str) -> Option<Vec<u8>> {
    decode_base64(text).filter(|bytes| bytes.starts_with(&JPEG))
}

fn named(name: &str, jpeg: Vec<u8>, live: bool) -> PunchPhoto {
    let name = text::cut(name.trim(), LONGEST_NAME);
    let (local, user) = read_name(name);
    PunchPhoto {
        name: name.to_owned(),
        user,
        local,
        jpeg,
        live,
    }
}

/// `YYYYMMDDhhmmss-<user>.jpg`; without a user when verification failed; `time-type-pin-idnumber.jpg` of identity-card
/// terminals.
fn read_name(name: &str) -> (Option<NaiveDateTime>, Option<String>) {
    let stem = match name.len().checked_sub(4) {
        Some(at) if name.is_char_boundary(at) && name[at..].eq_ignore_ascii_case(".jpg") => {
            &name[..at]
        }
        _ => name,
    };
    let (moment, rest) = stem.split_once('-').unwrap_or((stem, ""));
    let user = match rest.split('-').collect::<Vec<_>>()[..] {
        ["0" | "1" | "2" | "3" | "4", pin, _] => pin,
        _ => rest,
    };
    (
        read_moment(moment),
        (!user.is_empty()).then(|| user.to_owned()),
    )
}

fn read_moment(digits: &str) -> Option<NaiveDateTime> {
    if digits.len() != 14 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| digits[from..to].parse::<u32>().ok();
    NaiveDate::from_ymd_opt(digits[..4].parse().ok()?, number(4, 6)?, number(6, 8)?)?.and_hms_opt(
        number(8, 10)?,
        number(10, 12)?,
        number(12, 14)?,
    )
}

/// The body a terminal sends for a photo, head lines ended by LF (vendor papers 2015 and 2026).
pub fn encode(
    name: &str,
    serial_number: &crate::ids::SerialNumber,
    jpeg: &[u8],
    live: bool,
) -> Vec<u8> {
    let command = if live { "realupload" } else { "uploadphoto" };
    let head = format!(
        "PIN={name}\nSN={serial_number}\nsize={}\nCMD={command}\0",
        jpeg.len()
    );
    [head.as_bytes(), jpeg].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SerialNumber;
    use crate::time;
    use proptest::prelude::*;

    const PICTURE: &[u8] = b"\xff\xd8\xff\xe0 PIN=2 \0\xff\xd9";

    #[test]
    fn heads_end_their_lines_as_they_like() {
        for separator in ["\n", "\r\n", "\t"] {
            let head = [
                "PIN=20150731103012-123.jpg",
                "SN=1",
                "size=9",
                "CMD=realupload",
            ]
            .join(separator);
            let photo = read(None, &[head.as_bytes(), b"\0", PICTURE].concat()).expect("a photo");
            assert_eq!(photo.user.as_deref(), Some("123"));
            assert_eq!(photo.local, time::parse_local("2015-07-31 10:30:12"));
            assert!(photo.live);
            assert_eq!(photo.jpeg, PICTURE);
        }
    }

    #[test]
    fn a_missing_nul_or_base64_is_no_hindrance() {
        let photo = read(
            None,
            &[b"PIN=20150731103012.jpg\tCMD=uploadphoto\n", PICTURE].concat(),
        )
        .expect("a photo");
        assert_eq!((photo.user, photo.jpeg.as_slice()), (None, PICTURE));
        assert_eq!(
            read(None, b"PIN=1.jpg\nCMD=uploadphoto\0/9j/4AAQ")
                .expect("a photo")
                .jpeg,
            [0xff, 0xd8, 0xff, 0xe0, 0, 0x10]
        );
        assert_eq!(read(None, b"PIN=1.jpg\0noise"), Err(BadReason::NoPicture));
    }

    #[test]
    fn a_bare_picture_takes_its_name_from_the_request() {
        assert_eq!(
            read(Some("20080225120821-982"), PICTURE)
                .expect("a photo")
                .user
                .as_deref(),
            Some("982")
        );
        assert_eq!(read(None, PICTURE), Err(BadReason::MissingPin));
    }

    #[test]
    fn users_may_have_dashes_and_identity_cards_have_four_parts() {
        assert_eq!(
            read_name("20150731103012-marketing-1.jpg").1.as_deref(),
            Some("marketing-1")
        );
        assert_eq!(
            read_name("20150731103012-0-55-110101.jpg").1.as_deref(),
            Some("55")
        );
        assert_eq!(read_name("20159931103012.JPG"), (None, None));
    }

    proptest! {
        #[test]
        fn a_photo_survives_the_wire(user in "[A-Za-z0-9]{1,12}", tail: Vec<u8>, live: bool) {
            let jpeg = [&JPEG[..], &tail[..]].concat();
            let serial_number = SerialNumber::parse("DEMO-01").expect("valid");
            let body = encode(&format!("20260731103012-{user}.jpg"), &serial_number, &jpeg, live);
            let photo = read(None, &body).expect("our own photo");
            prop_assert_eq!(photo.user, Some(user));
            prop_assert_eq!((photo.jpeg, photo.live), (jpeg, live));
        }

        #[test]
        fn no_photo_panics(body: Vec<u8>) {
            let _ = read(None, &body);
            let _ = read(Some("1"), &body);
        }
    }
}
