//! Load for benches: connections that are kept, requests built beforehand, answers hardly looked at. Costs as little as
//! possible, since the server measured runs on the same machine.

use std::time::Duration;

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use futures::future;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::latency::Histogram;
use crate::wire;

/// What every connection sends, again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One punch, as it happens.
    OneRecord,
    /// A batch of so many punches.
    Rows(usize),
    /// A poll for commands.
    IdlePoll,
    /// The first call of a terminal, of another one each time.
    Handshake,
    /// A poll for commands, and the answer that all are done, until nothing is left.
    Commands,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoadOptions {
    /// `host:port`.
    pub server: String,
    /// Each is one terminal: `sn_prefix` and seven digits. They say hello before anything is measured.
    pub connections: usize,
    pub kind: Kind,
    /// Else each request has a connection of its own.
    pub keep_alive: bool,
    pub sn_prefix: String,
    /// Of all connections together; 0: only the time ends it.
    pub requests: u64,
    pub duration_s: f64,
    /// PINs of six digits, `first_pin` and so many more in turn.
    pub first_pin: u32,
    pub pins: u32,
    /// Rows are unique by their time, one second apart from this: another run against the same database needs another.
    pub first_second: NaiveDateTime,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct LoadFigures {
    pub requests: u64,
    /// Punches in requests that were acknowledged.
    pub rows: u64,
    /// Commands that were done.
    pub commands: u64,
    /// Answers other than 200.
    pub refused: u64,
    /// Connections the server or the network ended.
    pub reconnects: u64,
    pub seconds: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

impl Kind {
    fn rows(self) -> usize {
        match self {
            Kind::OneRecord => 1,
            Kind::Rows(rows) => rows,
            Kind::IdlePoll | Kind::Handshake | Kind::Commands => 0,
        }
    }
}

impl Default for LoadOptions {
    fn default() -> LoadOptions {
        LoadOptions {
            server: "127.0.0.1:8081".into(),
            connections: 64,
            kind: Kind::OneRecord,
            keep_alive: true,
            sn_prefix: "LOAD".into(),
            requests: 0,
            duration_s: 10.0,
            first_pin: 100_000,
            pins: 1000,
            first_second: NaiveDate::from_ymd_opt(2020, 1, 1)
                .unwrap_or_default()
                .into(),
        }
    }
}

impl LoadFigures {
    pub fn requests_per_second(&self) -> f64 {
        self.requests as f64 / self.seconds.max(f64::EPSILON)
    }

    pub fn rows_per_second(&self) -> f64 {
        self.rows as f64 / self.seconds.max(f64::EPSILON)
    }
}

/// Sends on all connections until the number of requests or the time is reached. An error: a connection could not be made.
pub async fn load(options: &LoadOptions) -> anyhow::Result<LoadFigures> {
    let lanes = (0..options.connections).map(|index| Lane::open(options, index));
    let mut lanes = future::try_join_all(lanes).await?;
    let began = Instant::now();
    let end = began + Duration::from_secs_f64(options.duration_s.max(0.0));
    let count = options.connections.max(1) as u64;
    let running = lanes.drain(..).enumerate().map(|(index, mut lane)| {
        let share = options.requests / count + u64::from((index as u64) < options.requests % count);
        let most = if options.requests == 0 {
            u64::MAX
        } else {
            share
        };
        tokio::spawn(async move {
            match lane.kind {
                Kind::Commands => lane.obey(end).await?,
                _ => lane.run(most, end).await?,
            }
            anyhow::Ok(lane)
        })
    });
    let ended = future::try_join_all(running.collect::<Vec<_>>()).await?;
    let mut figures = LoadFigures {
        seconds: began.elapsed().as_secs_f64(),
        ..LoadFigures::default()
    };
    let mut took = Histogram::default();
    for lane in ended {
        let lane = lane?;
        figures.requests += lane.requests;
        figures.refused += lane.refused;
        figures.reconnects += lane.reconnects;
        figures.commands += lane.commands;
        figures.rows += (lane.requests - lane.refused) * lane.rows.len() as u64;
        took.add(&lane.took);
    }
    (figures.p50_ms, figures.p99_ms) = (took.latency().p50_ms, took.latency().p99_ms);
    Ok(figures)
}

/// Where a row's changing parts stand in the request.
struct RowAt {
    pin: usize,
    time: usize,
}

/// One connection.
struct Lane {
    server: String,
    serial_number: String,
    kind: Kind,
    stream: TcpStream,
    /// The request, changed in place: its length never changes.
    request: Vec<u8>,
    rows: Vec<RowAt>,
    /// Where the digits of the serial number stand, where each request has another; the next one, and how far to the one after.
    newcomer: Option<(usize, u32, u32)>,
    next: NaiveDateTime,
    pin: u32,
    pins: (u32, u32),
    answer: Vec<u8>,
    took: Histogram,
    requests: u64,
    refused: u64,
    reconnects: u64,
    commands: u64,
}

const ROW_REST: &[u8] = b"\t0\t15\t0\t0\t0\t0\t0\t0\n";
const PIN_DIGITS: usize = 6;
const TIME_LENGTH: usize = 19;
const SN_DIGITS: usize = 7;

impl Lane {
    async fn open(options: &LoadOptions, index: usize) -> anyhow::Result<Lane> {
        let serial_number = format!("{}{:07}", options.sn_prefix, index + 1);
        let (request, rows) = build(options, &serial_number);
        let newcomer = match options.kind {
            Kind::Handshake => {
                let digits = HELLO.len() + options.sn_prefix.len();
                let first = u32::try_from(index + 1)?;
                Some((digits, first, u32::try_from(options.connections)?))
            }
            _ => None,
        };
        let mut lane = Lane {
            server: options.server.clone(),
            serial_number,
            kind: options.kind,
            stream: connect(&options.server).await?,
            request,
            rows,
            newcomer,
            next: options.first_second,
            pin: 0,
            pins: (options.first_pin, options.pins.max(1)),
            answer: Vec::with_capacity(4096),
            took: Histogram::default(),
            requests: 0,
            refused: 0,
            reconnects: 0,
            commands: 0,
        };
        if options.kind != Kind::Handshake {
            let hello = hello(&options.server, &lane.serial_number, "keep-alive");
            lane.ask(hello.as_bytes()).await?;
        }
        Ok(lane)
    }

    /// Does at once whatever it is told, and says so, until it is told nothing more.
    async fn obey(&mut self, end: Instant) -> anyhow::Result<()> {
        let poll = std::mem::take(&mut self.request);
        while Instant::now() < end {
            let began = Instant::now();
            self.requests += 1;
            if self.ask(&poll).await? != 200 {
                self.refused += 1;
                continue;
            }
            let told = String::from_utf8_lossy(&self.answer);
            let numbers: Vec<&str> = told
                .lines()
                .filter_map(|line| line.strip_prefix("C:")?.split(':').next())
                .collect();
            if numbers.is_empty() {
                break;
            }
            let done: String = numbers
                .iter()
                .map(|number| format!("ID={number}&Return=0&CMD=DATA\n"))
                .collect();
            let answer = format!(
                "POST /iclock/devicecmd?SN={} HTTP/1.1\r\nHost: {}\r\nConnection: keep-alive\r\n\
                 Content-Length: {}\r\n\r\n{done}",
                self.serial_number,
                self.server,
                done.len()
            );
            let count = numbers.len() as u64;
            let status = self.ask(answer.as_bytes()).await?;
            self.took.record(began.elapsed());
            self.requests += 1;
            if status == 200 {
                self.commands += count;
            } else {
                self.refused += 1;
            }
        }
        Ok(())
    }

    async fn run(&mut self, most: u64, end: Instant) -> anyhow::Result<()> {
        let mut request = std::mem::take(&mut self.request);
        while self.requests < most {
            self.renew(&mut request);
            let began = Instant::now();
            if began >= end {
                break;
            }
            let status = self.ask(&request).await?;
            self.took.record(began.elapsed());
            self.requests += 1;
            self.refused += u64::from(status != 200);
        }
        Ok(())
    }

    /// Rows that were never sent before, or a terminal that never called.
    fn renew(&mut self, request: &mut [u8]) {
        if let Some((digits, number, step)) = &mut self.newcomer {
            write_digits(&mut request[*digits..*digits + SN_DIGITS], *number);
            *number += *step;
        }
        for row in &self.rows {
            write_digits(
                &mut request[row.pin..row.pin + PIN_DIGITS],
                self.pins.0 + self.pin,
            );
            request[row.time..row.time + TIME_LENGTH].copy_from_slice(&written(self.next));
            self.pin = (self.pin + 1) % self.pins.1;
            self.next += TimeDelta::seconds(1);
        }
    }

    /// Sends and waits for the whole answer; on a connection that ended, once more on a new one.
    async fn ask(&mut self, request: &[u8]) -> anyhow::Result<u16> {
        for _ in 0..2 {
            if let Some((status, closes)) =
                exchange(&mut self.stream, request, &mut self.answer).await
            {
                if closes {
                    self.stream = connect(&self.server).await?;
                    self.reconnects += 1;
                }
                return Ok(status);
            }
            self.stream = connect(&self.server).await?;
            self.reconnects += 1;
        }
        anyhow::bail!("{} ends connections without an answer", self.server)
    }
}

async fn connect(server: &str) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect(server)
        .await
        .map_err(|error| anyhow::anyhow!("connecting to {server}: {error}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

const HELLO: &str = "GET /iclock/cdata?SN=";

fn hello(host: &str, serial_number: &str, connection: &str) -> String {
    format!(
        "{HELLO}{serial_number}&options=all&pushver=2.4.1&DeviceType=att&language=69 HTTP/1.1\r\nHost: {host}\r\n\
         Connection: {connection}\r\n\r\n"
    )
}

fn build(options: &LoadOptions, serial_number: &str) -> (Vec<u8>, Vec<RowAt>) {
    let (kind, host) = (options.kind, &options.server);
    let connection = if options.keep_alive {
        "keep-alive"
    } else {
        "close"
    };
    match kind {
        Kind::IdlePoll | Kind::Commands => {
            let poll = format!(
                "GET /iclock/getrequest?SN={serial_number} HTTP/1.1\r\nHost: {host}\r\nConnection: {connection}\r\n\r\n"
            );
            return (poll.into_bytes(), Vec::new());
        }
        Kind::Handshake => {
            return (
                hello(host, serial_number, connection).into_bytes(),
                Vec::new(),
            );
        }
        Kind::OneRecord | Kind::Rows(_) => {}
    }
    let length = kind.rows() * (PIN_DIGITS + 1 + TIME_LENGTH + ROW_REST.len());
    let head = format!(
        "POST /iclock/cdata?SN={serial_number}&table=ATTLOG&Stamp=9999 HTTP/1.1\r\nHost: {host}\r\nConnection: {connection}\r\n\
         Content-Type: text/plain\r\nContent-Length: {length}\r\n\r\n"
    );
    let mut request = head.into_bytes();
    let mut rows = Vec::with_capacity(kind.rows());
    for _ in 0..kind.rows() {
        let pin = request.len();
        request.extend([b'0'; PIN_DIGITS]);
        request.push(b'\t');
        rows.push(RowAt {
            pin,
            time: request.len(),
        });
        request.extend([b'0'; TIME_LENGTH]);
        request.extend_from_slice(ROW_REST);
    }
    (request, rows)
}

fn write_digits(target: &mut [u8], mut number: u32) {
    for digit in target.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// As `time::format_local` of the protocol, without its costs: this runs for every row.
fn written(local: NaiveDateTime) -> [u8; TIME_LENGTH] {
    use chrono::{Datelike, Timelike};
    let mut text = *b"0000-00-00 00:00:00";
    write_digits(&mut text[..4], local.year().unsigned_abs());
    for (at, number) in [
        (5, local.month()),
        (8, local.day()),
        (11, local.hour()),
        (14, local.minute()),
        (17, local.second()),
    ] {
        write_digits(&mut text[at..at + 2], number);
    }
    text
}

/// Status, and whether the server closes. `None`: the connection ended.
async fn exchange(
    stream: &mut TcpStream,
    request: &[u8],
    answer: &mut Vec<u8>,
) -> Option<(u16, bool)> {
    stream.write_all(request).await.ok()?;
    answer.clear();
    let head_end = loop {
        if stream.read_buf(answer).await.ok()? == 0 {
            return None;
        }
        if let Some(at) = wire::find(answer, b"\r\n\r\n") {
            break at;
        }
    };
    let head = answer[..head_end].to_ascii_lowercase();
    let status = std::str::from_utf8(head.get(9..12)?).ok()?.parse().ok()?;
    let value = |name: &[u8]| {
        let start = wire::find(&head, name)? + name.len();
        let end = head[start..]
            .iter()
            .position(|byte| *byte == b'\r')
            .map_or(head.len(), |at| start + at);
        std::str::from_utf8(&head[start..end]).ok().map(str::trim)
    };
    let length: usize = value(b"\r\ncontent-length:")?.parse().ok()?;
    while answer.len() < head_end + 4 + length {
        if stream.read_buf(answer).await.ok()? == 0 {
            return None;
        }
    }
    Some((status, value(b"\r\nconnection:") == Some("close")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_protocol::time;

    #[test]
    fn a_time_is_written_as_the_protocol_writes_it() {
        for text in ["2020-01-01 00:00:00", "2026-12-31 23:59:59"] {
            let local = time::parse_local(text).expect("the test's own time");
            assert_eq!(written(local), text.as_bytes());
            assert_eq!(time::format_local(local).as_bytes(), written(local));
        }
    }

    #[test]
    fn a_batch_announces_its_exact_length() {
        let options = LoadOptions {
            kind: Kind::Rows(3),
            ..LoadOptions::default()
        };
        let (request, rows) = build(&options, "S1");
        let text = String::from_utf8(request).expect("the test's own text");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        assert!(
            head.ends_with(&format!("Content-Length: {}", body.len())),
            "{head}"
        );
        assert_eq!((rows.len(), body.lines().count()), (3, 3));
    }
}
