//! HTTP as terminals speak it: raw spaces and odd bytes in the request line, HTTP/1.0, bare LF,
//! `Connection: starting`; and as they want to hear it: Title-Case header names, an exact length,
//! never chunked, compressed or redirected. GET and POST with a Content-Length is all they use.

use crate::gateway::reply::Reply;
use bytes::{Buf, Bytes, BytesMut};
use chrono::{DateTime, Utc};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// The largest header block that is read.
const MOST_HEAD: usize = 16 * 1024;
/// How long a connection may say nothing between two requests.
const IDLE: Duration = Duration::from_secs(60);
/// How long a header block may take from its first byte on.
const HEAD: Duration = Duration::from_secs(10);
/// How long a body may stall. Terminals on mobile lines are slow, but they do not stop.
const STALL: Duration = Duration::from_secs(20);
/// How long a body may take in all.
pub const BODY: Duration = Duration::from_secs(180);
/// Memory for bodies is taken in pieces of this size, as the bytes arrive.
const PIECE: usize = 64 * 1024;
/// How long a body waits for memory that other uploads hold.
const MEMORY: Duration = Duration::from_secs(5);

/// Memory for the bodies of all uploads at once.
#[derive(Debug)]
pub struct UploadMemory(Semaphore);

impl UploadMemory {
    /// Memory for a body whose length is known; none when other uploads hold it for too long.
    pub async fn hold(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        let pieces = u32::try_from(bytes.div_ceil(PIECE)).ok()?;
        timeout(MEMORY, self.0.acquire_many(pieces))
            .await
            .ok()?
            .ok()
    }

    pub fn new(mib: u32) -> UploadMemory {
        UploadMemory(Semaphore::new(
            usize::try_from(mib).unwrap_or(usize::MAX) * (1024 * 1024 / PIECE),
        ))
    }
}

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

/// Why no request could be read; the connection ends.
#[derive(Debug)]
pub enum Unreadable {
    /// The other side went, or said nothing for too long.
    Gone,
    /// What it said is no HTTP; the line, cut, for the log.
    Malformed(String),
    /// It took too long to say it, or said too much of it.
    HeadTooLarge,
}

/// A connection with what was read ahead.
#[derive(Debug)]
pub struct Wire<S> {
    pub stream: S,
    pub buffer: BytesMut,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub fn new(stream: S) -> Wire<S> {
        Wire {
            stream,
            buffer: BytesMut::new(),
        }
    }

    /// Reads the next header block and leaves it in the buffer, so that somebody else may read the
    /// same bytes again.
    pub async fn head(&mut self) -> Result<Head, Unreadable> {
        if self.buffer.is_empty() {
            self.buffer.reserve(1024);
            match timeout(IDLE, self.stream.read_buf(&mut self.buffer)).await {
                Ok(Ok(read)) if read > 0 => {}
                _ => return Err(Unreadable::Gone),
            }
        }
        timeout(HEAD, async {
            let mut searched = 0;
            loop {
                if let Some(size) = end_of_head(&self.buffer, searched) {
                    return read_head(&self.buffer[..size], size);
                }
                if self.buffer.len() >= MOST_HEAD {
                    return Err(Unreadable::HeadTooLarge);
                }
                searched = self.buffer.len().saturating_sub(3);
                self.buffer.reserve(1024);
                match self.stream.read_buf(&mut self.buffer).await {
                    Ok(read) if read > 0 => {}
                    _ => return Err(Unreadable::Gone),
                }
            }
        })
        .await
        .unwrap_or(Err(Unreadable::Gone))
    }

    /// Takes a header block that was read out of the buffer.
    pub fn consume(&mut self, head: &Head) {
        self.buffer.advance(head.size);
    }

    /// Reads a body of a known length. The memory it holds is the permits'.
    pub async fn body<'m>(
        &mut self,
        length: usize,
        memory: &'m UploadMemory,
    ) -> Result<(Bytes, Vec<SemaphorePermit<'m>>), BodyProblem> {
        let mut permits = Vec::new();
        let read = async {
            while self.buffer.len() < length {
                if self.buffer.len() >= permits.len() * PIECE {
                    let permit = timeout(MEMORY, memory.0.acquire())
                        .await
                        .map_err(|_| BodyProblem::NoMemory)?
                        .map_err(|_| BodyProblem::NoMemory)?;
                    permits.push(permit);
                }
                let room = (length - self.buffer.len()).min(PIECE);
                self.buffer.reserve(room);
                let mut piece = (&mut self.stream).take(room as u64);
                match timeout(STALL, piece.read_buf(&mut self.buffer)).await {
                    Ok(Ok(read)) if read > 0 => {}
                    _ => return Err(BodyProblem::CutOff),
                }
            }
            Ok(())
        };
        timeout(BODY, read)
            .await
            .unwrap_or(Err(BodyProblem::CutOff))?;
        Ok((self.buffer.split_to(length).freeze(), permits))
    }

    /// Sends a reply in one piece. The header block stays under 200 bytes.
    pub async fn send(
        &mut self,
        reply: &Reply,
        http_1_0: bool,
        close: bool,
        now: DateTime<Utc>,
    ) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(192 + reply.body.len());
        bytes.extend_from_slice(if http_1_0 { b"HTTP/1.0 " } else { b"HTTP/1.1 " });
        bytes.extend_from_slice(status_line(reply.status).as_bytes());
        bytes.extend_from_slice(b"\r\nDate: ");
        bytes.extend_from_slice(http_date(now).as_bytes());
        bytes.extend_from_slice(b"\r\nContent-Type: text/plain\r\nContent-Length: ");
        bytes.extend_from_slice(reply.body.len().to_string().as_bytes());
        bytes.extend_from_slice(b"\r\nConnection: ");
        bytes.extend_from_slice(if close { b"close" } else { b"keep-alive" });
        if reply.status == 503 {
            bytes.extend_from_slice(b"\r\nRetry-After: 30");
        }
        bytes.extend_from_slice(b"\r\n\r\n");
        bytes.extend_from_slice(&reply.body);
        self.write(&bytes).await
    }

    /// Who does not read gives up the connection.
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        timeout(STALL, self.stream.write_all(bytes))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Tells a client that waits for it to go on and send its body.
    pub async fn send_continue(&mut self) -> io::Result<()> {
        self.write(b"HTTP/1.1 100 Continue\r\n\r\n").await
    }

    /// Ends the connection so that the other side can still read the reply: what it goes on
    /// sending is read and dropped for a moment, as a reset would destroy the answer.
    pub async fn linger(&mut self) {
        let _ = self.stream.shutdown().await;
        let mut waste = vec![0_u8; 16 * 1024];
        let _ = timeout(Duration::from_secs(2), async {
            while matches!(self.stream.read(&mut waste).await, Ok(read) if read > 0) {}
        })
        .await;
    }
}

/// Why a body could not be read.
#[derive(Debug, PartialEq, Eq)]
pub enum BodyProblem {
    /// The other side stopped in the middle.
    CutOff,
    /// Other uploads hold all the memory there is for bodies.
    NoMemory,
}

/// Where the header block ends: after a blank line, with CR LF or bare LF.
fn end_of_head(bytes: &[u8], from: usize) -> Option<usize> {
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

fn read_head(block: &[u8], size: usize) -> Result<Head, Unreadable> {
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
        size,
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
fn malformed(line: &[u8]) -> Unreadable {
    let letters: String = line
        .iter()
        .take(12)
        .take_while(|byte| byte.is_ascii_alphabetic())
        .map(|byte| char::from(*byte))
        .collect();
    Unreadable::Malformed(format!("{letters}… of {} bytes", line.len()))
}

fn status_line(status: u16) -> &'static str {
    match status {
        200 => "200 OK",
        400 => "400 Bad Request",
        403 => "403 Forbidden",
        404 => "404 Not Found",
        405 => "405 Method Not Allowed",
        406 => "406 Not Acceptable",
        408 => "408 Request Timeout",
        411 => "411 Length Required",
        413 => "413 Content Too Large",
        431 => "431 Request Header Fields Too Large",
        503 => "503 Service Unavailable",
        _ => "500 Internal Server Error",
    }
}

/// `Sat, 21 Nov 2026 21:41:34 GMT`. Terminals set their clocks by it.
fn http_date(now: DateTime<Utc>) -> String {
    now.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::{Head, Length, Unreadable, end_of_head, read_head};

    fn read(text: &str) -> Result<Head, Unreadable> {
        let size = end_of_head(text.as_bytes(), 0).expect("a whole block");
        read_head(&text.as_bytes()[..size], size)
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
    fn what_is_no_http_is_refused_and_hardly_shown() {
        let Err(Unreadable::Malformed(line)) = read("USER PIN=5\tPasswd=1\r\n\r\n") else {
            panic!("taken");
        };
        assert_eq!(line, "USER… of 19 bytes");
        assert!(read("\u{16}\u{3}\r\n\r\n").is_err());
        assert!(read("GET /x HTTP/2.0\r\n\r\n").is_err());
    }
}
