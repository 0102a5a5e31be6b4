//! HTTP as terminals speak it: raw spaces and odd bytes in the request line, HTTP/1.0, bare LF,
//! `Connection: starting`; and as they want to hear it: Title-Case header names, an exact length,
//! never chunked, compressed or redirected. GET and POST with a Content-Length is all they use.

use crate::config::Limits;
use crate::gateway::reply::Reply;
use bytes::{Buf, Bytes, BytesMut};
use chrono::{DateTime, Utc};
use muster_protocol::head::{self, Head, Malformed};
use serde_json::json;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// The largest header block of a terminal that is read.
const MOST_HEAD: usize = 16 * 1024;
/// The same of others: lists of ids stand in their queries.
pub const MOST_HEAD_OF_OTHERS: usize = 128 * 1024;
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

/// Why no request could be read; the connection ends.
#[derive(Debug)]
pub enum Unreadable {
    /// The other side went, or said nothing for too long.
    Gone,
    /// What it said is no HTTP.
    Malformed(Malformed),
    /// It took too long to say it, or said too much of it.
    HeadTooLarge,
}

/// What becomes of the connection after a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    KeepAlive,
    Close,
}

/// A connection with what was read ahead.
#[derive(Debug)]
pub struct Wire<S> {
    pub stream: S,
    pub buffer: BytesMut,
    limits: Limits,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub fn new(stream: S, limits: Limits) -> Wire<S> {
        Wire {
            stream,
            buffer: BytesMut::new(),
            limits,
        }
    }

    /// Reads the next header block and leaves it in the buffer, so that somebody else may read the
    /// same bytes again. What was read of a long one tells whether a terminal sends it.
    pub async fn head(&mut self, is_terminals: impl Fn(&[u8]) -> bool) -> Result<Head, Unreadable> {
        if self.buffer.is_empty() {
            self.buffer.reserve(1024);
            match timeout(self.limits.idle(), self.stream.read_buf(&mut self.buffer)).await {
                Ok(Ok(read)) if read > 0 => {}
                _ => return Err(Unreadable::Gone),
            }
        }
        timeout(self.limits.head(), async {
            let mut searched = 0;
            let mut most = MOST_HEAD;
            loop {
                if let Some(size) = head::end(&self.buffer, searched) {
                    return head::read(&self.buffer[..size]).map_err(Unreadable::Malformed);
                }
                if self.buffer.len() >= most {
                    if most == MOST_HEAD_OF_OTHERS || is_terminals(&self.buffer) {
                        return Err(Unreadable::HeadTooLarge);
                    }
                    most = MOST_HEAD_OF_OTHERS;
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
                match timeout(self.limits.stall(), piece.read_buf(&mut self.buffer)).await {
                    Ok(Ok(read)) if read > 0 => {}
                    _ => return Err(BodyProblem::CutOff),
                }
            }
            Ok(())
        };
        timeout(self.limits.body(), read)
            .await
            .unwrap_or(Err(BodyProblem::CutOff))?;
        Ok((self.buffer.split_to(length).freeze(), permits))
    }

    /// Sends a reply in one piece. The header block stays under 200 bytes.
    pub async fn send(
        &mut self,
        reply: &Reply,
        http_1_0: bool,
        after: After,
        now: DateTime<Utc>,
    ) -> io::Result<()> {
        self.send_as("text/plain", reply, http_1_0, after, now)
            .await
    }

    /// The same in the words of the API, for whoever is no terminal and is not let in; it ends the connection.
    pub async fn refuse(
        &mut self,
        status: u16,
        detail: &str,
        http_1_0: bool,
        now: DateTime<Utc>,
    ) -> io::Result<()> {
        let reply = Reply {
            status,
            body: json!({ "detail": detail }).to_string().into(),
            close: true,
            note: None,
        };
        self.send_as("application/json", &reply, http_1_0, After::Close, now)
            .await
    }

    async fn send_as(
        &mut self,
        media_type: &str,
        reply: &Reply,
        http_1_0: bool,
        after: After,
        now: DateTime<Utc>,
    ) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(192 + reply.body.len());
        bytes.extend_from_slice(if http_1_0 { b"HTTP/1.0 " } else { b"HTTP/1.1 " });
        bytes.extend_from_slice(status_line(reply.status).as_bytes());
        bytes.extend_from_slice(b"\r\nDate: ");
        bytes.extend_from_slice(http_date(now).as_bytes());
        bytes.extend_from_slice(b"\r\nContent-Type: ");
        bytes.extend_from_slice(media_type.as_bytes());
        bytes.extend_from_slice(b"\r\nContent-Length: ");
        bytes.extend_from_slice(reply.body.len().to_string().as_bytes());
        bytes.extend_from_slice(b"\r\nConnection: ");
        bytes.extend_from_slice(match after {
            After::KeepAlive => b"keep-alive",
            After::Close => b"close",
        });
        if reply.status == 503 {
            bytes.extend_from_slice(b"\r\nRetry-After: 30");
        }
        bytes.extend_from_slice(b"\r\n\r\n");
        bytes.extend_from_slice(&reply.body);
        self.write(&bytes).await
    }

    /// Who does not read gives up the connection.
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        timeout(self.limits.stall(), written)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Tells a client that waits for it to go on and send its body.
    pub async fn send_continue(&mut self) -> io::Result<()> {
        self.write(b"HTTP/1.1 100 Continue\r\n\r\n").await
    }

    /// Ends the connection; over TLS that is said, so that nobody takes the reply for cut off.
    pub async fn end(&mut self) {
        let _ = timeout(self.limits.stall(), self.stream.shutdown()).await;
    }

    /// Ends the connection so that the other side can still read the reply: what it goes on
    /// sending is read and dropped for a moment, as a reset would destroy the answer.
    pub async fn linger(&mut self) {
        self.end().await;
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
        414 => "414 URI Too Long",
        431 => "431 Request Header Fields Too Large",
        503 => "503 Service Unavailable",
        _ => "500 Internal Server Error",
    }
}

/// `Sat, 21 Nov 2026 21:41:34 GMT`. Terminals set their clocks by it.
fn http_date(now: DateTime<Utc>) -> String {
    now.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
