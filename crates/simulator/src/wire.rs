//! HTTP as terminals speak it: requests spelled by hand, since they must also be able to be wrong, and answers read with
//! the pickiness of firmware.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(10);
/// Bodies above this have four times as long.
const LARGE_BODY: usize = 10 * 1024;
/// Firmware reads headers into small buffers.
const LONGEST_HEAD: usize = 1024;
const LONGEST_ANSWER: usize = 64 * 1024 * 1024;

/// How one terminal spells its requests.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spelling {
    pub aspx: bool,
    pub http_1_0: bool,
    pub raw_spaces: bool,
    pub cr_lf: bool,
    pub odd_case: bool,
    /// Access terminals say `Connection: starting` and keep the socket.
    pub access: bool,
    pub keep_alive: bool,
}

impl Spelling {
    pub fn line_end(&self) -> &'static str {
        if self.cr_lf { "\r\n" } else { "\n" }
    }

    fn keeps_connection(&self) -> bool {
        (self.access || self.keep_alive) && !self.http_1_0
    }
}

/// A request before it is spelled. `query` begins with what stands behind `SN=…`.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub post: bool,
    pub door: &'static str,
    pub query: String,
    pub body: Vec<u8>,
}

impl Request {
    pub fn get(door: &'static str, query: impl Into<String>) -> Request {
        Request {
            post: false,
            door,
            query: query.into(),
            body: Vec::new(),
        }
    }

    pub fn post(door: &'static str, query: impl Into<String>, body: impl Into<Vec<u8>>) -> Request {
        Request {
            post: true,
            door,
            query: query.into(),
            body: body.into(),
        }
    }

    /// What a reader of a trace wants to see: no serial number, no body.
    pub fn title(&self) -> String {
        let method = if self.post { "POST" } else { "GET" };
        let query = self.query.trim_start_matches('&');
        format!(
            "{method} {}{}{query}",
            self.door,
            if query.is_empty() { "" } else { "?" }
        )
    }

    pub fn spell(&self, spelling: Spelling, host: &str, serial_number: &str) -> Vec<u8> {
        let method = match (self.post, spelling.odd_case) {
            (true, _) => "POST",
            (false, false) => "GET",
            (false, true) => "Get",
        };
        let suffix = if spelling.aspx { ".aspx" } else { "" };
        let sn = if spelling.odd_case { "sn" } else { "SN" };
        let query = if spelling.raw_spaces {
            self.query.clone()
        } else {
            self.query.replace(' ', "%20")
        };
        let version = if spelling.http_1_0 {
            "HTTP/1.0"
        } else {
            "HTTP/1.1"
        };
        let connection = match (spelling.access, spelling.keeps_connection()) {
            (true, _) => "starting",
            (false, true) => "keep-alive",
            (false, false) => "close",
        };
        let accept = if spelling.access {
            "application/push"
        } else {
            "*/*"
        };
        let mut head = format!(
            "{method} /iclock/{}{suffix}?{sn}={serial_number}{query} {version}\r\nHost: {host}\r\n\
             User-Agent: iClock Proxy/1.09\r\nConnection: {connection}\r\nAccept: {accept}\r\n",
            self.door
        );
        if self.post {
            let media = if spelling.access {
                "application/push;charset=UTF-8"
            } else {
                "text/plain"
            };
            head.push_str(&format!(
                "Content-Type: {media}\r\nContent-Length: {}\r\n",
                self.body.len()
            ));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// What becomes of a request on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Whole,
    /// Sent, and the connection closed at once.
    HungUp,
    /// Sent, and the connection closed when the answer has begun to arrive.
    ReplyLost,
    /// The connection is closed in the middle of the body.
    HalfBody,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    Refused,
    TimedOut,
    Closed,
    NotHttp,
    /// The simulator's own doing.
    Meant,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    /// 200 and a body that begins with `OK`; firmware compares nothing else.
    pub fn is_ok(&self) -> bool {
        self.status == 200 && self.body.starts_with(b"OK")
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header as firmware finds it: with exactly these letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.lines()
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value)
    }

    fn header_of_any_case(&self, name: &str) -> Option<&str> {
        self.lines()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    fn lines(&self) -> impl Iterator<Item = (&str, &str)> {
        self.head
            .split("\r\n")
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name, value.trim()))
    }

    /// The server's clock, for those who trust it.
    pub fn date(&self) -> Option<chrono::NaiveDateTime> {
        chrono::DateTime::parse_from_rfc2822(self.header("Date")?)
            .ok()
            .map(|date| date.naive_utc())
    }

    /// What picky firmware would not get along with.
    pub fn flaws(&self) -> Vec<&'static str> {
        let mut flaws = Vec::new();
        if self.date().is_none() {
            flaws.push("no Date header in this spelling, or no date in it");
        }
        if self.header("Content-Length").is_none() {
            flaws.push("no Content-Length header in this spelling");
        }
        if !self
            .header("Content-Type")
            .is_some_and(|media| media.starts_with("text/plain"))
        {
            flaws.push("no Content-Type: text/plain in this spelling");
        }
        if self.header_of_any_case("Transfer-Encoding").is_some() {
            flaws.push("the body is chunked");
        }
        if self.head.len() > LONGEST_HEAD {
            flaws.push("the headers are longer than 1 KB");
        }
        flaws
    }
}

/// A terminal's way to the server: a connection for each request, or one that is kept.
pub(crate) struct Line {
    address: String,
    kept: Option<TcpStream>,
}

impl Line {
    pub fn new(address: String) -> Line {
        Line {
            address,
            kept: None,
        }
    }

    /// Calls another server from now on.
    pub fn turn_to(&mut self, address: &str) {
        if self.address != address {
            address.clone_into(&mut self.address);
            self.hang_up();
        }
    }

    pub fn hang_up(&mut self) {
        self.kept = None;
    }

    pub async fn ask(
        &mut self,
        request: &Request,
        spelling: Spelling,
        serial_number: &str,
        fate: Fate,
    ) -> Result<Reply, Silence> {
        let bytes = request.spell(spelling, &self.address, serial_number);
        let patience = if request.body.len() > LARGE_BODY {
            4 * PATIENCE
        } else {
            PATIENCE
        };
        let half = bytes.len() - request.body.len() / 2;
        let answer = timeout(patience, async {
            if let Some(mut stream) = self.kept.take() {
                match exchange(&mut stream, &bytes, half, fate).await {
                    // The server may close a kept connection at any time; the request is sent again on a new one.
                    Err(Silence::Closed) => {}
                    answer => return answer.map(|reply| (reply, stream)),
                }
            }
            let mut stream = TcpStream::connect(&self.address)
                .await
                .map_err(|_| Silence::Refused)?;
            // Small requests must not wait for each other's acknowledgement. Without it they are only slower.
            let _ = stream.set_nodelay(true);
            exchange(&mut stream, &bytes, half, fate)
                .await
                .map(|reply| (reply, stream))
        });
        let (reply, stream) = answer.await.map_err(|_| Silence::TimedOut)??;
        let closes = reply
            .header_of_any_case("Connection")
            .is_some_and(|word| word.eq_ignore_ascii_case("close"));
        if spelling.keeps_connection()
            && !closes
            && reply.header_of_any_case("Content-Length").is_some()
        {
            self.kept = Some(stream);
        }
        Ok(reply)
    }
}

async fn exchange(
    stream: &mut TcpStream,
    bytes: &[u8],
    half: usize,
    fate: Fate,
) -> Result<Reply, Silence> {
    let sent = if fate == Fate::HalfBody {
        &bytes[..half]
    } else {
        bytes
    };
    stream.write_all(sent).await.map_err(|_| Silence::Closed)?;
    match fate {
        Fate::Whole => read_reply(stream).await,
        Fate::HungUp | Fate::HalfBody => {
            let _ = stream.shutdown().await;
            Err(Silence::Meant)
        }
        Fate::ReplyLost => {
            let _ = stream.readable().await;
            Err(Silence::Meant)
        }
    }
}

pub(crate) async fn read_reply(stream: &mut TcpStream) -> Result<Reply, Silence> {
    let mut bytes = Vec::with_capacity(1024);
    let head_end = loop {
        if let Some(at) = find(&bytes, b"\r\n\r\n") {
            break at;
        }
        if bytes.len() > LONGEST_ANSWER
            || stream
                .read_buf(&mut bytes)
                .await
                .map_err(|_| Silence::Closed)?
                == 0
        {
            return Err(if bytes.is_empty() {
                Silence::Closed
            } else {
                Silence::NotHttp
            });
        }
    };
    let head = std::str::from_utf8(&bytes[..head_end])
        .map_err(|_| Silence::NotHttp)?
        .to_owned();
    let mut words = head.split(' ');
    let version = words.next().unwrap_or_default();
    let status = words
        .next()
        .and_then(|word| word.get(..3))
        .and_then(|word| word.parse().ok());
    let (Some(status), true) = (status, version.starts_with("HTTP/1.")) else {
        return Err(Silence::NotHttp);
    };
    let mut reply = Reply {
        status,
        head,
        body: bytes.split_off(head_end + 4),
    };
    match reply
        .header_of_any_case("Content-Length")
        .and_then(|length| length.parse::<usize>().ok())
    {
        Some(length) if length <= LONGEST_ANSWER => {
            while reply.body.len() < length {
                if stream
                    .read_buf(&mut reply.body)
                    .await
                    .map_err(|_| Silence::Closed)?
                    == 0
                {
                    return Err(Silence::Closed);
                }
            }
            reply.body.truncate(length);
        }
        Some(_) => return Err(Silence::NotHttp),
        None => {
            while reply.body.len() <= LONGEST_ANSWER
                && stream
                    .read_buf(&mut reply.body)
                    .await
                    .map_err(|_| Silence::Closed)?
                    > 0
            {}
            if reply
                .header_of_any_case("Transfer-Encoding")
                .is_some_and(|word| word.eq_ignore_ascii_case("chunked"))
            {
                reply.body = unchunk(&reply.body).ok_or(Silence::NotHttp)?;
            }
        }
    }
    Ok(reply)
}

/// The bytes of a chunked body without its framing. `None`: it ends early or is none.
fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::with_capacity(rest.len());
    loop {
        let line_end = find(rest, b"\r\n")?;
        let size = std::str::from_utf8(&rest[..line_end])
            .ok()?
            .split(';')
            .next()?
            .trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        rest = &rest[line_end + 2..];
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size.checked_add(2)?..)?;
    }
}

pub(crate) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(request: &Request, spelling: Spelling) -> String {
        String::from_utf8(request.spell(spelling, "h:1", "S1")).expect("the test's own text")
    }

    #[test]
    fn a_request_is_spelled_as_its_terminal_does() {
        let poll = Request::get("getrequest", "&INFO=Ver 6.39,1");
        assert_eq!(
            spelled(&poll, Spelling::default()),
            "GET /iclock/getrequest?SN=S1&INFO=Ver%206.39,1 HTTP/1.1\r\nHost: h:1\r\nUser-Agent: iClock Proxy/1.09\r\n\
             Connection: close\r\nAccept: */*\r\n\r\n"
        );
        let odd = Spelling {
            aspx: true,
            http_1_0: true,
            raw_spaces: true,
            odd_case: true,
            ..Spelling::default()
        };
        assert!(
            spelled(&poll, odd)
                .starts_with("Get /iclock/getrequest.aspx?sn=S1&INFO=Ver 6.39,1 HTTP/1.0\r\n")
        );
        let post = Request::post("cdata", "&table=rtlog", "a");
        let access = spelled(
            &post,
            Spelling {
                access: true,
                ..Spelling::default()
            },
        );
        assert!(access.contains("\r\nConnection: starting\r\n"), "{access}");
        assert!(
            access.ends_with("\r\nContent-Length: 1\r\n\r\na"),
            "{access}"
        );
    }

    #[test]
    fn headers_count_only_in_title_case() {
        let head = "HTTP/1.1 200 OK\r\nDate: Mon, 02 Mar 2026 09:00:00 GMT\r\nContent-Length: 2\r\nContent-Type: text/plain";
        let good = Reply {
            status: 200,
            head: head.into(),
            body: b"OK".to_vec(),
        };
        assert_eq!(good.flaws(), [""; 0]);
        assert_eq!(
            good.date(),
            muster_protocol::time::parse_local("2026-03-02 09:00:00")
        );
        let lower = Reply {
            head: head.replace("Date", "date").replace("Content", "content"),
            ..good.clone()
        };
        assert_eq!(lower.flaws().len(), 3);
        let long = Reply {
            head: format!("{head}\r\nX: {}", "x".repeat(1024)),
            ..good
        };
        assert_eq!(long.flaws(), ["the headers are longer than 1 KB"]);
    }

    #[test]
    fn a_chunked_body_is_put_together() {
        assert_eq!(
            unchunk(b"3\r\nabc\r\n2;x=1\r\nde\r\n0\r\n\r\n"),
            Some(b"abcde".to_vec())
        );
        assert_eq!(unchunk(b"3\r\nab"), None);
    }
}
