//! Who connects and says nothing, or says it slowly, or does not listen; and very many of them.

use super::{ENOUGH, muster, over, report};
use crate::load::{Load, nothing_is_lost_or_doubled};
use crate::process::{Server, outside};
use crate::testing::TestApp;
use futures::future::join_all;
use muster::cli::serve::raise_open_files;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{interval, timeout};

/// Long enough for any machine; nothing waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn who_is_slow_or_silent_is_not_waited_for() {
    let test = TestApp::on_sqlite_with(|config| {
        config.limits.idle_s = 1;
        config.limits.head_s = 5;
        config.limits.stall_s = 1;
        config.limits.body_s = 2;
        config.metrics.listen = "127.0.0.1:0".into();
        config.terminals.admission = muster::config::Admission::Open;
    })
    .await;
    let terminals = "POST /iclock/cdata?SN=SLOW&table=ATTLOG&Stamp=1 HTTP/1.1\r\nHost: x\r\n";
    let programs =
        "POST /api/api-token-auth/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    let people = "POST /sign-in HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let body = "Content-Length: 1000\r\n\r\na";
    let (silent, slow) = (false, true);
    // What is sent, whether more drips after it, and how the answer begins.
    let cases = [
        (String::new(), silent, ""),
        ("GET /iclock/getreq".into(), silent, ""),
        ("GET /iclock/getrequest?SN=".into(), slow, ""),
        ("GET /personnel/api/ar".into(), slow, ""),
        (
            "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".into(),
            silent,
            "HTTP/1.1 200 ",
        ),
        (
            "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /".into(),
            slow,
            "HTTP/1.1 200 ",
        ),
        (format!("{terminals}{body}"), silent, "HTTP/1.1 408 "),
        (format!("{terminals}{body}"), slow, "HTTP/1.1 408 "),
        (format!("{programs}{body}"), silent, "HTTP/1.1 408 "),
        (format!("{programs}{body}"), slow, "HTTP/1.1 408 "),
        (format!("{people}{body}"), silent, "HTTP/1.1 408 "),
        (format!("{people}{body}"), slow, "HTTP/1.1 408 "),
    ];
    let ended = cases.iter().map(async |(sent, drips, expected)| {
        let answer = timeout(PATIENCE, until_closed(test.address, sent, *drips)).await;
        let answer = answer.unwrap_or_else(|_| panic!("{sent:?} is held for ever"));
        assert!(answer.starts_with(expected), "{sent:?}: {answer:?}");
        assert!(
            !expected.is_empty() || answer.is_empty(),
            "{sent:?}: {answer:?}"
        );
    });
    let deaf = timeout(PATIENCE, until_nothing_is_taken(test.address));
    let asks = timeout(PATIENCE, until_closed(test.metrics(), "GET /metr", true));
    let (_, deaf, asks) = tokio::join!(join_all(ended), deaf, asks);
    deaf.expect("who takes no answer is not held for ever");
    asks.expect("nor who asks slowly how all is");
    let punch = "7\t2026-01-15 07:59:58\t0\t1\t0\t0\t0\n";
    let answer = test
        .post("/iclock/cdata?SN=SLOW&table=ATTLOG&Stamp=1", punch)
        .await;
    assert_eq!(answer.whole(), (200, "OK: 1"));
    test.stop().await;
}

/// All that is answered until the other side closes.
async fn until_closed(server: SocketAddr, sent: &str, drips: bool) -> String {
    let mut stream = TcpStream::connect(server).await.expect("connected");
    stream.write_all(sent.as_bytes()).await.expect("sent");
    let (mut reads, mut writes) = stream.split();
    let mut answer = Vec::new();
    let dripping = async {
        if drips {
            let mut drops = interval(Duration::from_millis(100));
            drops.tick().await;
            while writes.write_all(b"a").await.is_ok() {
                drops.tick().await;
            }
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        // A connection that was closed while more came is reset.
        _ = reads.read_to_end(&mut answer) => {}
        () = dripping => {}
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// Asks again and again, and reads no answer, until it is closed.
async fn until_nothing_is_taken(server: SocketAddr) {
    let mut stream = TcpStream::connect(server).await.expect("connected");
    let question = b"GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n";
    while stream.write_all(question).await.is_ok() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_that_do_nothing_leave_terminals_their_places() {
    raise_open_files();
    let number: u32 =
        outside("TEST_FAULT_CONNECTIONS").map_or(2000, |number| number.parse().expect("a number"));
    let most = 1000;
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("muster.db").display());
    let mut command = Server::on(muster(), folder.path(), &url);
    command
        .env("MUSTER_LIMITS__CONNECTIONS_PER_ADDRESS", most.to_string())
        .env("MUSTER_LIMITS__IDLE_S", "600")
        .env("MUSTER_LIMITS__HEAD_S", "600");
    let mut server = Server::run(command).await;
    let load = Load::on(server.address);
    load.until_more(ENOUGH).await;
    let before = memory_kib(&server);
    let mut idle = Vec::new();
    for place in 0..number {
        let mut stream = connected(place / most, server.address)
            .await
            .expect("connected");
        // Half have never said anything; those of programs are answered, so that all before them were taken.
        if place >= number / 2 {
            assert_eq!(
                healthy(&mut stream).await.as_deref(),
                Some("HTTP/1.1 200 OK")
            );
        }
        idle.push(stream);
    }
    load.until_more(ENOUGH).await;
    let after = memory_kib(&server);
    // From addresses that have all they may have, and from one that has none.
    for address in 0..number / most {
        let turned_away = match connected(address, server.address).await {
            Ok(mut stream) => healthy(&mut stream).await,
            Err(_) => None,
        };
        assert_eq!(turned_away, None);
    }
    let mut stream = connected(200, server.address).await.expect("connected");
    assert_eq!(
        healthy(&mut stream).await.as_deref(),
        Some("HTTP/1.1 200 OK")
    );
    drop(idle);
    report("connections that do nothing", over(&load).await);
    let told = load.stop().await;
    server.end().await;
    println!(
        "{number} connections that do nothing: {} MiB without, {} MiB with them",
        before / 1024,
        after / 1024
    );
    assert!(
        after.saturating_sub(before) < 16 * 1024 + u64::from(number) * 32,
        "memory is bounded: {before} KiB before, {after} KiB with {number} connections"
    );
    assert!(told.otherwise.is_empty(), "{:?}", told.otherwise);
    nothing_is_lost_or_doubled(&url, "connections that do nothing", &told).await;
}

/// From one of many addresses of this machine.
async fn connected(place: u32, server: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    let address = Ipv4Addr::from_bits(Ipv4Addr::new(127, 0, 1, 1).to_bits() + place);
    socket.bind((address, 0).into())?;
    socket.connect(server).await
}

/// The first line of an answer; none from who closes.
async fn healthy(stream: &mut TcpStream) -> Option<String> {
    let asked = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    stream.write_all(asked).await.ok()?;
    let mut answer = vec![0; 1024];
    let read = stream.read(&mut answer).await.ok()?;
    let text = String::from_utf8_lossy(&answer[..read]).into_owned();
    text.lines().next().map(str::to_owned)
}

fn memory_kib(server: &Server) -> u64 {
    let id = server.process.id().expect("it runs");
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.expect("a line").parse().expect("a number")
}
