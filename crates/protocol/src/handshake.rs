//! First words between an attendance terminal and the server: what it says of itself, and the block of options it gets.

use std::fmt;
use std::fmt::Write as _;
use std::str::FromStr;

use crate::ids::SerialNumber;
use crate::target::Query;

/// A version of the protocol, as in `pushver`. Firmware versions read the same way but are something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    pub major: u16,
    pub minor: u16,
    pub patch: u16,
}

impl Version {
    pub const fn new(major: u16, minor: u16, patch: u16) -> Version {
        Version {
            major,
            minor,
            patch,
        }
    }

    /// The first one to three numbers of a text: `2.4.1`, `2.32`, `Ver 2.0.33S-20220623`. What is absent is 0.
    pub fn parse(text: &str) -> Option<Version> {
        let start = text.find(|c: char| c.is_ascii_digit())?;
        let end = text[start..]
            .find(|c: char| c != '.' && !c.is_ascii_digit())
            .map_or(text.len(), |at| start + at);
        let mut numbers = text[start..end]
            .split('.')
            .map(|number| number.parse().ok());
        let major = numbers.next()??;
        let mut next = || numbers.next().flatten().unwrap_or(0);
        Some(Version {
            major,
            minor: next(),
            patch: next(),
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Attendance terminals and access terminals speak different dialects (option `DeviceType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    Attendance,
    Access,
}

/// What a terminal says of itself in its first request. `Debug` does not show the key.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Hello {
    pub push_version: Option<Version>,
    pub device_type: Option<String>,
    /// 83 zh-CN, 69 en, 97 es, …; decides the encoding of names.
    pub language: Option<u16>,
    /// `pushcommkey`: a secret that the terminal always repeats.
    pub comm_key: Option<String>,
    /// `PushOptionsFlag=1`: it can upload its options.
    pub pushes_options: bool,
    /// `options=all`: it asks for the whole block. Some terminals leave it out.
    pub options_all: bool,
}

impl Hello {
    pub fn read(query: &Query) -> Hello {
        let owned = |name: &str| query.filled(name).map(str::to_owned);
        Hello {
            push_version: query.get("pushver").and_then(Version::parse),
            device_type: owned("DeviceType"),
            language: query
                .filled("language")
                .and_then(|language| language.parse().ok()),
            comm_key: owned("pushcommkey"),
            pushes_options: query.filled("PushOptionsFlag") == Some("1"),
            options_all: query
                .filled("options")
                .is_some_and(|options| options.eq_ignore_ascii_case("all")),
        }
    }

    /// `None`: it did not say. A version of 3 alone proves nothing (attendance terminals send 3.x too).
    pub fn family(&self) -> Option<Family> {
        match self.device_type.as_deref()?.to_ascii_lowercase().as_str() {
            "acc" => Some(Family::Access),
            "att" | "pid" | "ins" => Some(Family::Attendance),
            _ => None,
        }
    }

    /// The version to answer in: the one it names, or 2.2.14 when it shows by other parameters that it is no 1.x firmware
    /// (fixture A05 sends `PushOptionsFlag` without `pushver`). `None` is 1.x.
    pub fn spoken_version(&self) -> Option<Version> {
        let newer_than_1 =
            self.pushes_options || self.comm_key.is_some() || self.device_type.is_some();
        self.push_version
            .or(newer_than_1.then_some(UNNAMED_VERSION))
    }
}

impl fmt::Debug for Hello {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Hello")
            .field("push_version", &self.push_version)
            .field("device_type", &self.device_type)
            .field("language", &self.language)
            .field("comm_key", &self.comm_key.as_ref().map(|_| "…"))
            .field("pushes_options", &self.pushes_options)
            .field("options_all", &self.options_all)
            .finish()
    }
}

/// What 2.x means when nobody names a version (vendor paper 2026).
pub const UNNAMED_VERSION: Version = Version::new(2, 2, 14);
/// The newest version of the attendance protocol this server speaks.
pub const NEWEST_VERSION: Version = Version::new(2, 4, 1);
/// Offered to a terminal that called `/iclock/exchange`: below 2.4.0 there is no encryption to ask for.
pub const CLEAR_TEXT_VERSION: Version = Version::new(2, 3, 0);

/// How far a terminal has sent each table. Opaque: the terminal's own last value is given back to it. `0` asks for
/// everything, other values for what is newer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamps {
    pub attlog: String,
    pub operlog: String,
    pub attphoto: String,
    pub biodata: String,
}

impl Default for Stamps {
    /// Everything, except years of photos.
    fn default() -> Stamps {
        Stamps {
            attlog: "0".into(),
            operlog: "0".into(),
            attphoto: "9999".into(),
            biodata: "0".into(),
        }
    }
}

/// How `TimeZone` is written; firmware disagrees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ZoneSpelling {
    /// Hours when it is a whole number of them, else minutes (vendor paper 2026).
    #[default]
    HoursOrMinutes,
    /// Always minutes.
    Minutes,
    /// Left out: the terminal keeps its own setting.
    Omit,
    /// `+05:30`, for terminals of the US dialect.
    Signed,
}

/// The answer to a handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionBlock {
    pub serial_number: SerialNumber,
    /// The terminal's own version; `None` selects the dialect of 1.x.
    pub push_version: Option<Version>,
    /// The newest version to admit to; [`NEWEST_VERSION`] when `None`.
    pub max_version: Option<Version>,
    pub stamps: Stamps,
    /// Seconds to wait after a failure; documented 30 to 300.
    pub error_delay_s: u32,
    /// Longest seconds between two polls; documented 2 to 60.
    pub delay_s: u32,
    /// Times of day for a full check, `HH:MM;HH:MM`; see [`transfer_times`].
    pub trans_times: String,
    /// Minutes between checks for unsent rows, 0 = never.
    pub trans_interval_min: u32,
    /// Rows are sent as they happen.
    pub realtime: bool,
    /// Offset from UTC that the terminal adds to the `Date` header.
    pub offset_minutes: i32,
    pub zone_spelling: ZoneSpelling,
    /// Biometric types taken as BIODATA, `a:b:…` by type; `None` leaves the line out.
    pub bio_data_support: Option<String>,
    /// Biometric types taken as BIOPHOTO.
    pub bio_photo_support: Option<String>,
}

/// Fingerprint, near-infrared face, finger vein, palm, visible-light face, visible-light palm.
pub const BIO_DATA_SUPPORT: &str = "0:1:1:0:0:0:0:1:1:1:1";
/// Visible-light face.
pub const BIO_PHOTO_SUPPORT: &str = "0:0:0:0:0:0:0:0:0:1:0";

const TRANS_FLAG: &str = "TransData AttLog\tOpLog\tAttPhoto\tEnrollUser\tChgUser\tEnrollFP\tChgFP\tFACE\tUserPic\tWORKCODE\tBioPhoto";
/// All ones: the papers disagree on the order of the bits.
const TRANS_FLAG_BITS: &str = "111111111111";

impl OptionBlock {
    /// A block with the defaults of the vendor papers.
    pub fn new(serial_number: SerialNumber, push_version: Option<Version>) -> OptionBlock {
        OptionBlock {
            serial_number,
            push_version,
            max_version: None,
            stamps: Stamps::default(),
            error_delay_s: 30,
            delay_s: 10,
            trans_times: "00:00;14:05".into(),
            trans_interval_min: 1,
            realtime: true,
            offset_minutes: 0,
            zone_spelling: ZoneSpelling::default(),
            bio_data_support: Some(BIO_DATA_SUPPORT.into()),
            bio_photo_support: Some(BIO_PHOTO_SUPPORT.into()),
        }
    }

    /// The lower of both sides' versions; `None` for 1.x.
    pub fn negotiated(&self) -> Option<Version> {
        self.push_version.map(|theirs| theirs.min(self.offered()))
    }

    fn offered(&self) -> Version {
        self.max_version
            .unwrap_or(NEWEST_VERSION)
            .min(NEWEST_VERSION)
    }

    /// The block as sent: LF at the end of every line, the last too. Line ends inside of values are dropped.
    pub fn encode(&self) -> String {
        let mut block = Block::default();
        block.text.push_str("GET OPTION FROM: ");
        block.text.push_str(self.serial_number.as_str());
        block.text.push('\n');
        match self.push_version {
            None => {
                block.line("Stamp", stamp(&self.stamps.attlog));
                block.line("OpStamp", stamp(&self.stamps.operlog));
                block.line("PhotoStamp", stamp(&self.stamps.attphoto));
            }
            Some(_) => {
                block.line("ATTLOGStamp", stamp(&self.stamps.attlog));
                block.line("OPERLOGStamp", stamp(&self.stamps.operlog));
                block.line("ATTPHOTOStamp", stamp(&self.stamps.attphoto));
                block.line("BIODATAStamp", stamp(&self.stamps.biodata));
            }
        }
        block.line("ErrorDelay", self.error_delay_s);
        block.line("Delay", self.delay_s);
        block.line("TransTimes", &self.trans_times);
        block.line("TransInterval", self.trans_interval_min);
        block.line(
            "TransFlag",
            if self.push_version.is_some() {
                TRANS_FLAG
            } else {
                TRANS_FLAG_BITS
            },
        );
        if let Some(zone) = write_zone(self.offset_minutes, self.zone_spelling) {
            block.line("TimeZone", zone);
        }
        block.line("Realtime", u8::from(self.realtime));
        match self.negotiated() {
            // Captured blocks of 1.x end this way (fixtures A13, A14); `ServerVer` would switch a client to 2.x.
            None => block.line("Encrypt", 0),
            Some(version) => {
                block.line("Encrypt", "None");
                block.line("ServerVer", self.offered());
                block.line("PushProtVer", version);
                block.line("PushOptionsFlag", 1);
                block.line("SupportPing", 1);
                if let Some(types) = &self.bio_data_support {
                    block.line("MultiBioDataSupport", types);
                }
                if let Some(types) = &self.bio_photo_support {
                    block.line("MultiBioPhotoSupport", types);
                }
            }
        }
        block.text
    }

    /// Reads a block as a terminal does: in any order, CR LF or LF, unknown keys skipped, absent ones at their default.
    /// `None` when it is no block at all, or names no valid serial number. `push_version` is what was negotiated.
    pub fn parse(body: &str) -> Option<OptionBlock> {
        let mut lines = body.lines();
        let serial_number = lines
            .next()?
            .trim()
            .strip_prefix("GET OPTION FROM:")?
            .trim();
        let options = Options(lines.filter_map(|line| line.split_once('=')).collect());
        let mut block = OptionBlock::new(SerialNumber::parse(serial_number).ok()?, None);
        let server = options.get("ServerVer").and_then(Version::parse);
        let negotiated = options.get("PushProtVer").and_then(Version::parse);
        // A block with the stamps of 2.x but no version speaks 2.2.14 (fixture A11).
        let newer_than_1 = server.is_some() || options.get("ATTLOGStamp").is_some();
        block.push_version = negotiated.or(newer_than_1.then_some(UNNAMED_VERSION));
        // What was agreed on counts more than what the server calls itself (fixture A16).
        block.max_version = server.filter(|&version| {
            version < NEWEST_VERSION && negotiated.is_none_or(|agreed| agreed <= version)
        });
        let stamp = |new: &str, old: &str| options.get(new).or(options.get(old)).map(str::to_owned);
        let defaults = Stamps::default();
        block.stamps = Stamps {
            attlog: stamp("ATTLOGStamp", "Stamp").unwrap_or(defaults.attlog),
            operlog: stamp("OPERLOGStamp", "OpStamp").unwrap_or(defaults.operlog),
            attphoto: stamp("ATTPHOTOStamp", "PhotoStamp").unwrap_or(defaults.attphoto),
            biodata: stamp("BIODATAStamp", "BIODATAStamp").unwrap_or(defaults.biodata),
        };
        block.error_delay_s = options.number("ErrorDelay").unwrap_or(block.error_delay_s);
        block.delay_s = options.number("Delay").unwrap_or(block.delay_s);
        block.trans_interval_min = options
            .number("TransInterval")
            .unwrap_or(block.trans_interval_min);
        if let Some(times) = options.get("TransTimes") {
            block.trans_times = times.to_owned();
        }
        block.realtime = options.get("Realtime").is_none_or(|on| on != "0");
        (block.offset_minutes, block.zone_spelling) = options
            .get("TimeZone")
            .and_then(read_zone)
            .unwrap_or((0, ZoneSpelling::Omit));
        block.bio_data_support = options.get("MultiBioDataSupport").map(str::to_owned);
        block.bio_photo_support = options.get("MultiBioPhotoSupport").map(str::to_owned);
        Some(block)
    }
}

/// An empty stamp would be read as a missing one.
fn stamp(value: &str) -> &str {
    if value.chars().all(|c| matches!(c, '\r' | '\n' | '\0')) {
        "0"
    } else {
        value
    }
}

#[derive(Default)]
pub(crate) struct Block {
    pub text: String,
}

impl Block {
    pub fn line(&mut self, key: &str, value: impl fmt::Display) {
        let start = self.text.len();
        write!(self.text, "{key}={value}").expect("a String takes everything");
        if self.text[start..].contains(['\r', '\n', '\0']) {
            let clean = self.text[start..].replace(['\r', '\n', '\0'], "");
            self.text.truncate(start);
            self.text.push_str(&clean);
        }
        self.text.push('\n');
    }
}

pub(crate) struct Options<'a>(pub Vec<(&'a str, &'a str)>);

impl<'a> Options<'a> {
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0
            .iter()
            .find(|(key, _)| key.trim() == name)
            .map(|(_, value)| *value)
    }

    pub fn number<T: FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.trim().parse().ok()
    }
}

/// The value of `TimeZone`, or `None` to leave the line out.
pub fn write_zone(offset_minutes: i32, spelling: ZoneSpelling) -> Option<String> {
    let (hours, minutes) = (offset_minutes / 60, offset_minutes % 60);
    match spelling {
        ZoneSpelling::Omit => None,
        ZoneSpelling::HoursOrMinutes if minutes == 0 => Some(hours.to_string()),
        ZoneSpelling::HoursOrMinutes | ZoneSpelling::Minutes => Some(offset_minutes.to_string()),
        ZoneSpelling::Signed => {
            let sign = if offset_minutes < 0 { '-' } else { '+' };
            Some(format!("{sign}{:02}:{:02}", hours.abs(), minutes.abs()))
        }
    }
}

/// Minutes a terminal adds to UTC for this value of `TimeZone`: up to 24 are hours, more are minutes.
pub fn read_zone(text: &str) -> Option<(i32, ZoneSpelling)> {
    let text = text.trim();
    if let Some((hours, minutes)) = text.split_once(':') {
        let sign = if hours.starts_with('-') { -1 } else { 1 };
        let hours: i32 = hours
            .trim_start_matches(['+', '-'])
            .parse()
            .ok()
            .filter(|hours| (0..=24).contains(hours))?;
        let minutes: i32 = minutes
            .parse()
            .ok()
            .filter(|minutes| (0..60).contains(minutes))?;
        return Some((sign * (hours * 60 + minutes), ZoneSpelling::Signed));
    }
    let value: i32 = text.parse().ok()?;
    match value {
        -24..=24 => Some((value * 60, ZoneSpelling::HoursOrMinutes)),
        -1440..=1440 if value % 60 == 0 => Some((value, ZoneSpelling::Minutes)),
        -1440..=1440 => Some((value, ZoneSpelling::HoursOrMinutes)),
        _ => None,
    }
}

/// Checks times of day as `TransTimes` holds them: one to ten `HH:MM` joined by `;`. Blanks around them are dropped.
pub fn transfer_times(text: &str) -> Option<String> {
    let times: Vec<&str> = text.split(';').map(str::trim).collect();
    let valid = |time: &&str| match time.as_bytes() {
        [
            h1 @ b'0'..=b'2',
            h2 @ b'0'..=b'9',
            b':',
            b'0'..=b'5',
            b'0'..=b'9',
        ] => *h1 < b'2' || *h2 < b'4',
        _ => false,
    };
    (times.len() <= 10 && times.iter().all(valid)).then(|| times.join(";"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> SerialNumber {
        SerialNumber::parse(text).expect("the test's own serial number")
    }

    #[test]
    fn versions_are_ordered_by_their_numbers() {
        let parse = |text| Version::parse(text).expect("a version");
        assert!(parse("2.2.14") < parse("2.4.1"));
        assert_eq!(parse("2.32"), Version::new(2, 32, 0));
        assert_eq!(parse("Ver 2.0.33S-20220623"), Version::new(2, 0, 33));
        assert_eq!(parse("3.1.2").to_string(), "3.1.2");
        assert_eq!(Version::parse(""), None);
        assert_eq!(Version::parse("none"), None);
        assert_eq!(Version::parse("99999999.1"), None);
    }

    #[test]
    fn only_the_device_type_tells_an_access_terminal() {
        let family = |query: &str| Hello::read(&Query::parse(query.as_bytes())).family();
        assert_eq!(family("pushver=3.1.2&DeviceType=acc"), Some(Family::Access));
        assert_eq!(family("pushver=3.1.2"), None);
        assert_eq!(family("DeviceType=pid"), Some(Family::Attendance));
    }

    #[test]
    fn a_modern_terminal_gets_the_block_of_2_4_1() {
        let mut block = OptionBlock::new(number("0316144680030"), Some(Version::new(3, 1, 2)));
        block.stamps = Stamps {
            attlog: "9999".into(),
            operlog: "9999".into(),
            attphoto: "9999".into(),
            biodata: "9999".into(),
        };
        block.offset_minutes = 330;
        insta::assert_snapshot!(block.encode());
    }

    #[test]
    fn an_old_terminal_gets_the_block_of_1_x() {
        let mut block = OptionBlock::new(number("123456"), None);
        block.offset_minutes = -180;
        insta::assert_snapshot!(block.encode());
    }

    #[test]
    fn a_terminal_that_wants_encryption_is_offered_an_older_version() {
        let mut block = OptionBlock::new(number("1"), Some(Version::new(2, 4, 2)));
        block.max_version = Some(CLEAR_TEXT_VERSION);
        let text = block.encode();
        assert!(
            text.contains("\nServerVer=2.3.0\nPushProtVer=2.3.0\n"),
            "{text}"
        );
    }

    #[test]
    fn a_value_cannot_add_a_line() {
        let mut block = OptionBlock::new(number("1"), Some(NEWEST_VERSION));
        block.stamps.attlog = "1\r\nICLOCKSVRURL=http://evil".into();
        assert!(!block.encode().contains("\nICLOCKSVRURL"));
    }

    #[test]
    fn a_stamp_of_nothing_asks_for_everything() {
        let mut block = OptionBlock::new(number("1"), None);
        block.stamps.attlog = "\r".into();
        assert!(block.encode().contains("\nStamp=0\n"));
    }

    #[test]
    fn zones_are_spelled_four_ways() {
        let cases = [
            (480, "8", "480", "+08:00"),
            (-180, "-3", "-180", "-03:00"),
            (330, "330", "330", "+05:30"),
            (-210, "-210", "-210", "-03:30"),
            (0, "0", "0", "+00:00"),
        ];
        for (offset, hours, minutes, signed) in cases {
            for (spelling, text) in [
                (ZoneSpelling::HoursOrMinutes, hours),
                (ZoneSpelling::Minutes, minutes),
                (ZoneSpelling::Signed, signed),
            ] {
                assert_eq!(write_zone(offset, spelling).as_deref(), Some(text));
                assert_eq!(
                    read_zone(text).map(|(offset, _)| offset),
                    Some(offset),
                    "{text}"
                );
            }
            assert_eq!(write_zone(offset, ZoneSpelling::Omit), None);
        }
    }

    #[test]
    fn transfer_times_are_valid_or_refused() {
        assert_eq!(
            transfer_times("00:00; 14:05 ").as_deref(),
            Some("00:00;14:05")
        );
        assert_eq!(
            transfer_times(&["23:59"; 10].join(";")).map(|times| times.len()),
            Some(59)
        );
        for text in [
            "",
            "24:00",
            "1:00",
            "00:60",
            "00:00;",
            "é0:00",
            &["23:59"; 11].join(";"),
        ] {
            assert_eq!(transfer_times(text), None, "{text}");
        }
    }

    prop_compose! {
        fn block()(
            serial in "[A-Za-z0-9_-]{1,32}",
            version in prop::option::of((2u16..4, 0u16..5, 0u16..20)),
            capped: bool,
            stamps in prop::collection::vec("[0-9A-Za-z:-]{1,20}", 4),
            delays in (any::<u32>(), any::<u32>(), any::<u32>()),
            times in "([01][0-9]:[0-5][0-9];){0,3}[01][0-9]:[0-5][0-9]",
            realtime: bool,
            quarters in -48i32..=56,
            spelling in prop::sample::select(vec![ZoneSpelling::HoursOrMinutes, ZoneSpelling::Minutes, ZoneSpelling::Omit, ZoneSpelling::Signed]),
            bio in prop::option::of("[01](:[01]){10}"),
        ) -> OptionBlock {
            let mut block = OptionBlock::new(SerialNumber::parse(&serial).expect("by its pattern"), version.map(|(a, b, c)| Version::new(a, b, c)));
            let mut stamps = stamps.into_iter();
            let mut next = || stamps.next().expect("four were made");
            block.stamps = Stamps { attlog: next(), operlog: next(), attphoto: next(), biodata: next() };
            block.max_version = capped.then_some(CLEAR_TEXT_VERSION);
            (block.error_delay_s, block.delay_s, block.trans_interval_min) = delays;
            block.trans_times = times;
            block.realtime = realtime;
            block.offset_minutes = quarters * 15;
            block.zone_spelling = spelling;
            block.bio_data_support = bio.clone();
            block.bio_photo_support = bio;
            block
        }
    }

    proptest! {
        #[test]
        fn a_block_survives_the_wire(block in block()) {
            let text = block.encode();
            let read = OptionBlock::parse(&text).expect("our own block");
            prop_assert_eq!(read.encode(), text);
            prop_assert_eq!(read.negotiated(), block.negotiated());
            if block.push_version.is_some() {
                prop_assert_eq!(read.stamps, block.stamps);
            }
            if block.zone_spelling != ZoneSpelling::Omit {
                // A quarter of an hour from UTC reads as hours; no zone of the world is that.
                prop_assume!(block.offset_minutes == 0 || block.offset_minutes.abs() > 24);
                prop_assert_eq!(read.offset_minutes, block.offset_minutes);
            }
        }

        #[test]
        fn no_block_panics(text: String) {
            OptionBlock::parse(&text);
            OptionBlock::parse(&format!("GET OPTION FROM: 1\n{text}"));
            Version::parse(&text);
            read_zone(&text);
            transfer_times(&text);
        }
    }
}
