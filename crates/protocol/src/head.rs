//! The head of an HTTP request as terminals write it: raw spaces and odd bytes in the request line, HTTP/1.0, bare LF,
//! `Connection: starting`.

/// A request line and the headers that matter here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub method: Vec<u8>,
    /// The request target, byte for byte.
    pub target: Vec<u8>,
    pub http_1_0: bool,
    pub close: bool,
    pub length: Length,
    pub expects_continue: bool,
    /// Two hosts, or one with spaces or control bytes.
    pub bad_host: bool,
    /// Bytes of the whole block in the buffer, its blank line too.
    pub size: usize,
}

/// What the headers say of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    None,
    Known(u64),
    Chunked,
    /// Two lengths, a length and chunking, or an encoding nobody knows: where such a message ends
    /// is a matter of opinion, so nothing after it is believed.
    Contradictory,
}

/// What was said is no HTTP; how it begins, for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed(pub String);

/// Where the header block ends: after a blank line, with CR LF or bare LF. There is none before `from`.
pub fn end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(found) = bytes[at..].iter().position(|byte| *byte == b'\n') {
        let line_end = at + found;
        match &bytes[line_end + 1..] {
            [b'\n', ..] => return Some(line_end + 2),
            [b'\r', b'\n', ..] => return Some(line_end + 3),
            _ => at = line_end + 1,
        }
    }
    None
}

/// The path that a block asks for, as far as it was read; it may be no HTTP.
pub fn path(begun: &[u8]) -> &[u8] {
    let line = begun.trim_ascii_start();
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let (_, target) = split_once(line, b' ').unwrap_or_default();
    let mut parts = target.split(|byte| matches!(byte, b' ' | b'?' | b'\r'));
    parts.next().unwrap_or_default()
}

/// Reads a whole block.
pub fn read(block: &[u8]) -> Result<Head, Malformed> {
    let mut lines = block
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    // A blank line left over from the request before is not the fault of this one.
    let line = lines
        .by_ref()
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    let (method, rest) = split_once(line, b' ').ok_or_else(|| malformed(line))?;
    let version_at = rest
        .windows(8)
        .rposition(|window| window.starts_with(b" HTTP/1."))
        .ok_or_else(|| malformed(line))?;
    let (target, version) = (&rest[..version_at], rest[version_at + 8..].trim_ascii());
    if method.is_empty()
        || !method.iter().all(u8::is_ascii_alphabetic)
        || target.trim_ascii().is_empty()
        || !matches!(version, b"0" | b"1")
    {
        return Err(malformed(line));
    }
    let http_1_0 = version == b"0";
    let mut head = Head {
        method: method.to_ascii_uppercase(),
        target: target.trim_ascii().to_vec(),
        http_1_0,
        close: http_1_0,
        length: Length::None,
        expects_continue: false,
        bad_host: false,
        size: block.len(),
    };
    let mut hosts = 0;
    for line in lines.take_while(|line| !line.is_empty()) {
        let Some((name, value)) = split_once(line, b':') else {
            continue;
        };
        let value = value.trim_ascii();
        // A blank before the colon: some read such a header, others do not.
        let is_exact = name.len() == name.trim_ascii().len();
        if name.trim_ascii().eq_ignore_ascii_case(b"content-length") {
            head.length = match (head.length, parse_length(value)) {
                (Length::None, Some(length)) if is_exact => Length::Known(length),
                _ => Length::Contradictory,
            };
        } else if name.trim_ascii().eq_ignore_ascii_case(b"transfer-encoding") {
            head.length = if head.length == Length::None
                && is_exact
                && value.eq_ignore_ascii_case(b"chunked")
            {
                Length::Chunked
            } else {
                Length::Contradictory
            };
        } else if name.eq_ignore_ascii_case(b"connection") {
            if value.eq_ignore_ascii_case(b"close") {
                head.close = true;
            } else if value.eq_ignore_ascii_case(b"keep-alive") {
                head.close = false;
            }
            // "starting", as access terminals say, is no registered word; it means to stay.
        } else if name.eq_ignore_ascii_case(b"expect") {
            head.expects_continue = value.eq_ignore_ascii_case(b"100-continue");
        } else if name.eq_ignore_ascii_case(b"host") {
            hosts += 1;
            head.bad_host |= hosts > 1 || value.iter().any(|byte| *byte <= b' ' || *byte == 0x7f);
        }
    }
    Ok(head)
}

fn parse_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn split_once(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = bytes.iter().position(|byte| *byte == at)?;
    Some((&bytes[..place], &bytes[place + 1..]))
}

/// What may stand in a log of a line that is no request: how it begins, and how long it is. It may
/// be the rest of an upload, with passwords in it.
fn malformed(line: &[u8]) -> Malformed {
    let letters: String = line
        .iter()
        .take(12)
        .take_while(|byte| byte.is_ascii_alphabetic())
        .map(|byte| char::from(*byte))
        .collect();
    Malformed(format!("{letters}… of {} bytes", line.len()))
}

#[cfg(test)]
mod tests {
    use super::{Head, Length, Malformed, end};
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Head, Malformed> {
        let size = end(text.as_bytes(), 0).expect("a whole block");
        super::read(&text.as_bytes()[..size])
    }

    #[test]
    fn raw_spaces_stay_in_the_target() {
        let head = read(
            "GET /iclock/getrequest?SN=1&INFO=Ver 6.39 Apr 28 2008,2,0,0 HTTP/1.1\r\nHost: x\r\n\r\n",
        )
        .expect("read");
        assert_eq!(
            head.target,
            b"/iclock/getrequest?SN=1&INFO=Ver 6.39 Apr 28 2008,2,0,0"
        );
        assert!(!head.close);
    }

    #[test]
    fn bare_line_feeds_and_http_1_0_are_taken() {
        let head =
            read("Get /iclock/cdata?SN=1 HTTP/1.0\nContent-Length: 5\n\nhello").expect("read");
        assert_eq!(head.method, b"GET");
        assert!(head.http_1_0 && head.close);
        assert_eq!(head.length, Length::Known(5));
    }

    #[test]
    fn starting_means_to_stay() {
        let head =
            read("GET /iclock/ping?SN=1 HTTP/1.1\r\nConnection: starting\r\n\r\n").expect("read");
        assert!(!head.close);
    }

    #[test]
    fn a_message_whose_end_is_a_matter_of_opinion_is_told_apart() {
        for headers in [
            "Content-Length: 3\r\nContent-Length: 4",
            "Content-Length: 3\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 3",
            "Transfer-Encoding : chunked",
            "Transfer-Encoding: xchunked",
            "Content-Length : 3",
            "Content-Length: +3",
            "Content-Length: 99999999999999999999999",
        ] {
            let head = read(&format!("POST /x HTTP/1.1\r\n{headers}\r\n\r\n")).expect("read");
            assert_eq!(head.length, Length::Contradictory, "{headers}");
        }
    }

    #[test]
    fn the_path_is_known_before_the_block_is_whole() {
        for (begun, path) in [
            ("GET /iclock/ping?SN=1&INFO=a b", "/iclock/ping"),
            ("\r\nGET /iclock/api HTTP/1.1\r\nHost: x", "/iclock/api"),
            ("GET /iclock/ping\r\n\r\n", "/iclock/ping"),
            ("GET", ""),
            ("", ""),
        ] {
            assert_eq!(super::path(begun.as_bytes()), path.as_bytes(), "{begun:?}");
        }
    }

    #[test]
    fn what_is_no_http_is_refused_and_hardly_shown() {
        let Err(Malformed(line)) = read("USER PIN=5\tPasswd=1\r\n\r\n") else {
            panic!("taken");
        };
        assert_eq!(line, "USER… of 19 bytes");
        assert!(read("\u{16}\u{3}\r\n\r\n").is_err());
        assert!(read("GET /x HTTP/2.0\r\n\r\n").is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes: Vec<u8>, from in 0_usize..8) {
            let block = end(&bytes, from.min(bytes.len())).map_or(&bytes[..], |size| &bytes[..size]);
            if let Ok(head) = super::read(block) {
                prop_assert_eq!(head.size, block.len());
            }
        }
    }
}
