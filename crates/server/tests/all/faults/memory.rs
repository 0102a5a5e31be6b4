//! A server that may not have more memory.

use super::{ENOUGH, over, report};
use crate::load::{Load, nothing_is_lost_or_doubled};
use crate::process::Server;
use crate::testing::upload;
use futures::future::join_all;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

const MIB: usize = 1 << 20;
/// Long enough for any machine: an upload is answered, or its connection is closed.
const PATIENCE: Duration = Duration::from_secs(120);
/// What it may have in all, in KiB: to start, and to serve terminals, but not the largest uploads all at once.
const ENOUGH_TO_SERVE: u32 = 700_000;

/// Without memory the program ends, as Rust's do; a service starts it again.
#[tokio::test(flavor = "multi_thread")]
async fn who_runs_out_of_memory_has_lost_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("muster.db").display());
    let mut limited = Command::new("sh");
    let script =
        format!("ulimit -v {ENOUGH_TO_SERVE}; ulimit -c 0; exec \"$0\" \"$@\" 2>/dev/null");
    limited.args(["-c", &script, env!("CARGO_BIN_EXE_muster")]);
    let mut server = Server::run(Server::on(limited, folder.path(), &url)).await;
    let load = Load::on(server.address);
    tokio::select! {
        () = load.until_more(ENOUGH) => {}
        _ = server.process.wait() => {}
    }
    let large = vec![b'7'; 15 * MIB];
    let mut were_all_taken = true;
    for _ in 0..10 {
        if server.process.try_wait().expect("asked").is_some() {
            break;
        }
        let uploads = (0..16).map(|number| timeout(PATIENCE, send(server.address, number, &large)));
        for taken in join_all(uploads).await {
            were_all_taken &= taken.expect("nobody waits for ever");
        }
    }
    load.addresses.send_replace(Vec::new());
    let ended = server.process.try_wait().expect("asked");
    // It may have refused those it had no room for.
    assert!(ended.is_some() || !were_all_taken, "the memory was enough");
    if let Some(ended) = ended {
        println!("without memory it ended: {ended}");
    } else {
        println!("without memory it went on");
        server.end().await;
    }
    let mut server = Server::start(folder.path(), &url).await;
    load.addresses.send_replace(vec![server.address]);
    report("no memory", over(&load).await);
    let told = load.stop().await;
    server.end().await;
    nothing_is_lost_or_doubled(&url, "no memory", &told).await;
}

/// A large upload; whether it was taken.
async fn send(server: SocketAddr, number: usize, body: &[u8]) -> bool {
    let target = format!("/iclock/cdata?SN=LARGE{number}&table=ATTLOG&Stamp=1");
    let Ok(mut stream) = TcpStream::connect(server).await else {
        return false;
    };
    let _ = stream.write_all(&upload(&target, body)).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    answer.starts_with(b"HTTP/1.1 200")
}
