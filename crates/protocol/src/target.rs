//! What a terminal asks for: the raw bytes of a request target, read as leniently as terminals write it.

use crate::ids::{BadSerialNumber, SerialNumber};
use crate::text;

/// The places below `/iclock/` that terminals call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Door {
    /// Handshake (GET) and uploads (POST).
    Cdata,
    /// The poll for commands.
    GetRequest,
    /// Results of commands.
    DeviceCmd,
    /// Heartbeat during a long upload.
    Ping,
    /// Set-up of encryption, which is never offered.
    Exchange,
    /// First contact of an access terminal.
    Registry,
    /// Configuration download of an access terminal.
    Push,
    /// Results of an access terminal's queries.
    QueryData,
    /// Time of day for access terminals.
    RtData,
    /// Photos of the oldest firmware.
    Fdata,
    /// Download of a file.
    File,
    Test,
    Unknown,
}

impl Door {
    fn named(name: &str) -> Door {
        match name.to_ascii_lowercase().as_str() {
            "cdata" => Door::Cdata,
            "getrequest" | "getreq" => Door::GetRequest,
            "devicecmd" => Door::DeviceCmd,
            "ping" => Door::Ping,
            "exchange" => Door::Exchange,
            "registry" => Door::Registry,
            "push" => Door::Push,
            "querydata" => Door::QueryData,
            "rtdata" => Door::RtData,
            "fdata" => Door::Fdata,
            "file" => Door::File,
            "test" => Door::Test,
            _ => Door::Unknown,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub door: Door,
    pub query: Query,
    /// The path as received, for logs: at most 256 characters, what cannot be shown replaced. Never the query, which
    /// holds keys.
    pub path: String,
}

const LONGEST_PATH: usize = 256;

/// Reads the bytes between method and HTTP version. `None`: not below `/iclock/`, so no terminal's business.
///
/// Accepted as seen in the field: `.aspx` and `.php` behind the door's name, any case, `//iclock`, a doubled `/iclock`,
/// `http://host/iclock/…`, raw blanks and any bytes in the query, a trailing fragment.
pub fn parse(target: &[u8]) -> Option<Target> {
    let target = without_origin(target.trim_ascii());
    let (path, query) = match target.iter().position(|&byte| byte == b'?') {
        Some(at) => (&target[..at], without_fragment(&target[at + 1..])),
        None => (target, &[][..]),
    };
    let path = path.split(|&byte| byte == b'#').next().unwrap_or_default();
    let decoded = text::decode(&percent_decode(path));
    let mut segments = decoded
        .split('/')
        .filter(|segment| !segment.is_empty())
        .peekable();
    if !segments.next()?.eq_ignore_ascii_case("iclock") {
        return None;
    }
    if segments.peek().is_none() && !decoded.ends_with('/') {
        return None;
    }
    while segments
        .next_if(|segment| segment.eq_ignore_ascii_case("iclock"))
        .is_some()
    {}
    let door = match (segments.next(), segments.next()) {
        (Some(name), None) => Door::named(without_suffix(name.trim())),
        (Some(name), Some(_)) if name.eq_ignore_ascii_case("file") => Door::File,
        _ => Door::Unknown,
    };
    Some(Target {
        door,
        query: Query::parse(query),
        path: for_logs(path),
    })
}

/// Drops `http://host:port` of an absolute-form target.
pub fn without_origin(target: &[u8]) -> &[u8] {
    for scheme in [&b"http://"[..], b"https://"] {
        if target.len() >= scheme.len() && target[..scheme.len()].eq_ignore_ascii_case(scheme) {
            let rest = &target[scheme.len()..];
            return rest
                .iter()
                .position(|&byte| byte == b'/')
                .map_or(&[], |at| &rest[at..]);
        }
    }
    target
}

/// A `#` is dropped with what follows only at the very end: in the middle it belongs to a value, as modem numbers have it.
fn without_fragment(query: &[u8]) -> &[u8] {
    match query.iter().rposition(|&byte| byte == b'#') {
        Some(at) if !query[at..].iter().any(|byte| matches!(byte, b'&' | b'=')) => &query[..at],
        _ => query,
    }
}

fn without_suffix(name: &str) -> &str {
    for suffix in [".aspx", ".php"] {
        if let Some(at) = name.len().checked_sub(suffix.len())
            && name.is_char_boundary(at)
            && name[at..].eq_ignore_ascii_case(suffix)
        {
            return &name[..at];
        }
    }
    name
}

fn for_logs(path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path);
    text.chars()
        .take(LONGEST_PATH)
        .map(|c| {
            if c.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}

/// `%HH` once; what is no valid escape stays as it is, and `+` stays `+` (terminals never mean a blank by it).
fn percent_decode(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        match escaped {
            Some(byte) => {
                decoded.push(byte);
                rest = &tail[2..];
            }
            None => {
                decoded.push(first);
                rest = tail;
            }
        }
    }
    decoded
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// The parameters of a request in their order. Values may hold keys (`pushcommkey`): `Debug` shows the names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

/// Why a request names no terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SerialNumberProblem {
    #[error("the request has no serial number")]
    Missing,
    #[error(transparent)]
    Bad(#[from] BadSerialNumber),
}

impl Query {
    pub const MOST_PAIRS: usize = 1_000;

    /// Reads what stands behind the `?`. Names and values are percent-decoded once and turned into text as UTF-8, else
    /// GB18030, else Latin-1. NUL becomes U+FFFD, so that `SN=A%00B` is not taken for `AB`.
    pub fn parse(query: &[u8]) -> Query {
        let pairs = query
            .split(|&byte| byte == b'&')
            .filter_map(|pair| {
                let (name, value) = match pair.iter().position(|&byte| byte == b'=') {
                    Some(at) => (&pair[..at], &pair[at + 1..]),
                    None => (pair, &[][..]),
                };
                let name = part(name).trim().to_owned();
                (!name.is_empty()).then(|| (name, part(value)))
            })
            .take(Self::MOST_PAIRS)
            .collect();
        Query { pairs }
    }

    /// The first value under this name, in any case; may be empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// As [`Query::get`], without blanks around, `None` when nothing is left.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name)
            .map(str::trim)
            .filter(|value| !value.is_empty())
    }

    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    pub fn serial_number(&self) -> Result<SerialNumber, SerialNumberProblem> {
        let text = self.filled("SN").ok_or(SerialNumberProblem::Missing)?;
        Ok(SerialNumber::parse(text)?)
    }
}

fn part(bytes: &[u8]) -> String {
    let bytes = percent_decode(bytes);
    if bytes.contains(&0) {
        return bytes
            .split(|&byte| byte == 0)
            .map(text::decode)
            .collect::<Vec<_>>()
            .join("\u{fffd}");
    }
    text::decode(&bytes)
}

impl std::fmt::Debug for Query {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_list()
            .entries(self.pairs.iter().map(|(name, _)| name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn door(target: &str) -> Option<Door> {
        parse(target.as_bytes()).map(|target| target.door)
    }

    #[test]
    fn every_spelling_of_a_door_is_found() {
        for target in [
            "/iclock/cdata",
            "/iclock/cdata.aspx?SN=1",
            "/iclock/cdata.PHP",
            "//iclock//cdata/",
            "/iclock/iclock/cdata",
            "/ICLOCK/CData",
            "http://example.org:8080/iclock/cdata?SN=1",
            "iclock/cdata",
            "/iclock/%63data",
            "/iclock/cdata #junk",
        ] {
            assert_eq!(door(target), Some(Door::Cdata), "{target}");
        }
        assert_eq!(door("/iclock/getreq"), Some(Door::GetRequest));
        assert_eq!(door("/iclock/file/firmware.bin"), Some(Door::File));
        assert_eq!(door("/iclock/upload-log"), Some(Door::Unknown));
        assert_eq!(door("/iclock/../admin"), Some(Door::Unknown));
        assert_eq!(door("/iclock/cdata/more"), Some(Door::Unknown));
        assert_eq!(door("/iclock/"), Some(Door::Unknown));
        assert_eq!(door("/iclock.aspx"), None);
    }

    #[test]
    fn other_paths_are_not_a_terminals_business() {
        for target in [
            "/",
            "",
            "*",
            "/iclock",
            "/iclockx/cdata",
            "/api/iclock/cdata",
            "http://host",
            "/personnel/api/",
        ] {
            assert_eq!(parse(target.as_bytes()), None, "{target}");
        }
    }

    #[test]
    fn a_query_keeps_raw_blanks_plus_signs_and_broken_escapes() {
        let target = parse(b"/iclock/getrequest?SN=xxxx&&=1&INFO=Ver 6.39 Apr 28 2008,2,0&A=a+b%2Bc%zz%4&B&sn=other").expect("a target");
        assert_eq!(
            target.query.iter().collect::<Vec<_>>(),
            [
                ("SN", "xxxx"),
                ("INFO", "Ver 6.39 Apr 28 2008,2,0"),
                ("A", "a+b+c%zz%4"),
                ("B", ""),
                ("sn", "other")
            ]
        );
        assert_eq!(target.query.get("sN"), Some("xxxx"));
    }

    #[test]
    fn bytes_of_chinese_terminals_are_read() {
        let query = Query::parse(b"SN=1&Name=\xd6\xd0&Name2=%D6%D0");
        assert_eq!(
            (query.get("Name"), query.get("name2")),
            (Some("中"), Some("中"))
        );
    }

    #[test]
    fn a_serial_number_is_missing_or_bad_or_there() {
        let number = |query: &str| Query::parse(query.as_bytes()).serial_number();
        assert_eq!(number("options=all"), Err(SerialNumberProblem::Missing));
        assert_eq!(number("SN="), Err(SerialNumberProblem::Missing));
        // Fixture A07.
        assert_eq!(
            number("SN=../etc"),
            Err(SerialNumberProblem::Bad(BadSerialNumber::Character('.')))
        );
        assert!(matches!(
            number("SN=A%00B"),
            Err(SerialNumberProblem::Bad(_))
        ));
        assert!(matches!(
            number(&format!("SN={}", "9".repeat(10_000))),
            Err(SerialNumberProblem::Bad(_))
        ));
        assert_eq!(
            number("sn=DEMO-01 ").map(String::from),
            Ok("DEMO-01".to_owned())
        );
    }

    #[test]
    fn only_a_trailing_fragment_is_dropped() {
        let value =
            |target: &str, name: &str| parse(target.as_bytes())?.query.get(name).map(str::to_owned);
        assert_eq!(
            value("/iclock/cdata?SN=1&A=2#top", "A").as_deref(),
            Some("2")
        );
        assert_eq!(
            value("/iclock/cdata?Modem=*99***1#&table=options", "table").as_deref(),
            Some("options")
        );
    }

    #[test]
    fn a_query_is_bounded() {
        let query = Query::parse("a=1&".repeat(5_000).as_bytes());
        assert_eq!(query.iter().count(), Query::MOST_PAIRS);
    }

    #[test]
    fn logs_see_neither_control_bytes_nor_keys() {
        let target = parse(b"/iclock/cda\x1bta?pushcommkey=abc").expect("a target");
        assert_eq!(target.path, "/iclock/cda\u{fffd}ta");
        assert!(!format!("{target:?}").contains("abc"));
    }

    proptest! {
        #[test]
        fn no_target_panics(bytes: Vec<u8>) {
            parse(&bytes);
            parse(&[b"/iclock/cdata?", &bytes[..]].concat());
        }
    }
}
