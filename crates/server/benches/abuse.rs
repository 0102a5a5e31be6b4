//! The program under attack: sixteen senders of what no terminal should send, one honest terminal
//! beside them, and what the server's memory does meanwhile. Each figure of the honest one stands beside
//! the same figure without the attack.
//!
//! Ends with an error when the server crashed, gave a 5xx other than 503, or lost an honest punch.

#[allow(dead_code, reason = "each bench uses its part")]
mod process;

use chrono::{NaiveDate, TimeDelta};
use flate2::Compression;
use flate2::write::GzEncoder;
use process::Process;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ATTACKERS: usize = 16;
/// Each attacker sends every kind so often.
const ROUNDS: usize = 20;
const MIB: usize = 1024 * 1024;
/// How long an attacker waits for an answer, and holds a connection that gets none.
const PATIENCE: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Process::start(folder.path(), None).await;
    let mut honest = Honest::new(&server.address);
    for _ in 0..1000 {
        honest.turn().await;
    }
    let alone = honest.figures();
    let before = server.resident_mib();

    let attacks = Arc::new(attacks());
    let over = Arc::new(AtomicBool::new(false));
    let attackers: Vec<_> = (0..ATTACKERS)
        .map(|number| tokio::spawn(attack(server.address.clone(), number, attacks.clone())))
        .collect();
    let attacked = {
        let over = over.clone();
        tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                honest.turn().await;
            }
            honest
        })
    };
    let watched = {
        let over = over.clone();
        let process = server.id();
        tokio::spawn(async move {
            let mut peak = 0.0_f64;
            while !over.load(Ordering::Relaxed) {
                peak = peak.max(process::resident_mib(process));
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            peak
        })
    };
    let mut answers: BTreeMap<(&str, String), u32> = BTreeMap::new();
    for attacker in attackers {
        for (attack, answer) in attacker.await.expect("an attacker ends") {
            *answers.entry((attack, answer)).or_default() += 1;
        }
    }
    over.store(true, Ordering::Relaxed);
    let mut honest = attacked.await.expect("the honest terminal ends");
    let during = honest.figures();
    let peak = watched.await.expect("the watch ends");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let after = server.resident_mib();

    println!("{:<28} {:>10} times", "attack", "");
    for ((attack, answer), times) in &answers {
        println!("{attack:<28} {times:>10}  {answer}");
    }
    println!();
    println!(
        "{:<44} {:>10} {:>10}",
        "honest terminal", "alone", "attacked"
    );
    println!(
        "{:<44} {:>10.2} {:>10.2}",
        "  half of its requests within, ms", alone.p50, during.p50
    );
    println!(
        "{:<44} {:>10.2} {:>10.2}",
        "  99 of 100 within, ms", alone.p99, during.p99
    );
    println!(
        "{:<44} {before:>10.1} {peak:>10.1}",
        "memory, MiB: before, and at most"
    );
    println!("{:<44} {after:>10.1}", "  five seconds later");

    let crashed = answers
        .keys()
        .any(|(_, answer)| answer.starts_with('5') && answer != "503");
    assert!(
        !crashed,
        "an attack was answered with an error of the server"
    );
    assert!(server.resident_mib() > 0.0, "the server is still there");
    server.stop().await;
}

/// A terminal that punches and polls in turn, over one connection.
struct Honest {
    address: String,
    connection: Option<TcpStream>,
    sent: i64,
    took: Vec<f64>,
}

struct Figures {
    p50: f64,
    p99: f64,
}

impl Honest {
    fn new(address: &str) -> Honest {
        Honest {
            address: address.to_owned(),
            connection: None,
            sent: 0,
            took: Vec::new(),
        }
    }

    async fn turn(&mut self) {
        let started = Instant::now();
        if self.connection.is_none() {
            let connection = TcpStream::connect(&self.address).await.expect("connected");
            self.connection = Some(connection);
            let hello = "GET /iclock/cdata?SN=HONEST1&options=all&pushver=2.4.1 HTTP/1.1\r\nHost: x\r\n\r\n";
            self.ask(hello.as_bytes()).await;
        }
        self.sent += 1;
        let time = NaiveDate::from_ymd_opt(2026, 1, 1)
            .unwrap_or_default()
            .and_hms_opt(0, 0, 0)
            .unwrap_or_default()
            + TimeDelta::seconds(self.sent);
        let row = format!("7\t{}\t0\t1\t0\t0\t0\n", time.format("%F %T"));
        let upload = format!(
            "POST /iclock/cdata?SN=HONEST1&table=ATTLOG&Stamp=1 HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{row}",
            row.len()
        );
        let answer = self.ask(upload.as_bytes()).await;
        assert!(
            answer.contains("OK: 1"),
            "an honest punch was answered {answer:?}"
        );
        let answer = self
            .ask(b"GET /iclock/getrequest?SN=HONEST1 HTTP/1.1\r\nHost: x\r\n\r\n")
            .await;
        assert!(
            answer.starts_with("HTTP/1.1 200"),
            "an honest poll was answered {answer:?}"
        );
        self.took
            .push(started.elapsed().as_secs_f64() * 1000.0 / 2.0);
    }

    async fn ask(&mut self, request: &[u8]) -> String {
        let connection = self.connection.as_mut().expect("connected");
        connection.write_all(request).await.expect("sent");
        let mut answer = vec![0; 4096];
        let size = connection.read(&mut answer).await.expect("answered");
        String::from_utf8_lossy(&answer[..size]).into_owned()
    }

    /// Of the requests since the last time they were asked for.
    fn figures(&mut self) -> Figures {
        let mut took = std::mem::take(&mut self.took);
        took.sort_by(f64::total_cmp);
        let at = |part: f64| took[((took.len() - 1) as f64 * part) as usize];
        Figures {
            p50: at(0.5),
            p99: at(0.99),
        }
    }
}

/// What is sent, by name. Nothing of it is waited for longer than `PATIENCE`.
type Attacks = Vec<(&'static str, Vec<u8>)>;

fn attacks() -> Attacks {
    let upload = |query: &str, headers: &str, body: &[u8]| {
        let mut request = format!(
            "POST /iclock/cdata?{query} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        request
    };
    let claims = |length: u64, body: &[u8]| {
        let mut request = format!(
            "POST /iclock/cdata?SN=EVIL&table=ATTLOG&Stamp=1 HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
        )
        .into_bytes();
        request.extend_from_slice(body);
        request
    };
    let attlog = "SN=EVIL&table=ATTLOG&Stamp=1";
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..512 {
        bomb.write_all(&vec![b'1'; MIB]).expect("packed");
    }
    let bomb = bomb.finish().expect("packed");
    let packed = "Content-Encoding: gzip\r\n";
    vec![
        (
            "1 GB said, little sent",
            claims(1_000_000_000, b"1\t2026-01-01 00:00:00\n"),
        ),
        (
            "20 MB said, 10 sent, held",
            claims(20 * MIB as u64, &vec![b'1'; 10 * MIB]),
        ),
        ("512 MB packed as gzip", upload(attlog, packed, &bomb)),
        (
            "100 000 fields in a row",
            upload(attlog, "", "7\t".repeat(100_000).as_bytes()),
        ),
        (
            "100 000 empty rows",
            upload(attlog, "", &vec![b'\n'; 100_000]),
        ),
        ("1 MB of NULs", upload(attlog, "", &vec![0; MIB])),
        (
            "serial number of 10 000 letters",
            upload(&format!("SN={}&table=ATTLOG", "S".repeat(10_000)), "", b"x"),
        ),
        ("no serial number", upload("table=ATTLOG", "", b"x")),
        (
            "header of 1 MB",
            format!(
                "GET /iclock/getrequest?SN=EVIL HTTP/1.1\r\nX: {}\r\n\r\n",
                "x".repeat(MIB)
            )
            .into_bytes(),
        ),
        (
            "10 000 headers",
            format!(
                "GET /iclock/getrequest?SN=EVIL HTTP/1.1\r\n{}\r\n",
                "X: x\r\n".repeat(10_000)
            )
            .into_bytes(),
        ),
        (
            "years 1970 and 9999",
            upload(
                attlog,
                "",
                b"7\t1970-01-01 00:00:00\t0\t1\n7\t9999-12-31 23:59:59\t0\t1\n",
            ),
        ),
        (
            "template of 5 MB",
            upload(
                "SN=EVIL&table=OPERLOG&Stamp=1",
                "",
                &[
                    b"FP PIN=1\tFID=1\tSize=1\tValid=1\tTMP=".as_slice(),
                    &vec![b'A'; 5 * MIB],
                ]
                .concat(),
            ),
        ),
        ("JSON nested 100 000 deep", {
            let body = "[".repeat(100_000);
            format!("POST /api-token-auth/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
        }),
    ]
}

async fn attack(
    address: String,
    number: usize,
    attacks: Arc<Attacks>,
) -> Vec<(&'static str, String)> {
    let mut answers = Vec::new();
    for round in 0..ROUNDS {
        for place in 0..attacks.len() {
            // Not all of them the same at the same time.
            let (name, request) = &attacks[(place + number + round) % attacks.len()];
            answers.push((*name, send(&address, request).await));
        }
    }
    answers
}

/// The status of the answer, or how it ended without one.
async fn send(address: &str, request: &[u8]) -> String {
    let talk = async {
        let mut connection = TcpStream::connect(address).await?;
        // It may answer and close before all is sent.
        let _ = connection.write_all(request).await;
        let mut answer = [0; 64];
        let size = connection.read(&mut answer).await?;
        std::io::Result::Ok(String::from_utf8_lossy(&answer[..size]).into_owned())
    };
    match tokio::time::timeout(PATIENCE, talk).await {
        Err(_) => "no answer, still waited for".into(),
        Ok(Err(_)) => "closed".into(),
        Ok(Ok(answer)) if answer.is_empty() => "closed".into(),
        Ok(Ok(answer)) => answer.split(' ').nth(1).unwrap_or("?").to_owned(),
    }
}
