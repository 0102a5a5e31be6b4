//! The server, and PostgreSQL itself, are killed at random moments under load. Afterwards every
//! punch that was acknowledged is there, and none is there twice.
//!
//! `TEST_KILL_ROUNDS` sets how often; the moments are random but the same for each number of rounds,
//! and are counted in acknowledged uploads, not in time.

use muster_store::{Options, Sql, Store};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::watch;

const TERMINALS: usize = 12;

/// An acknowledged punch: terminal, PIN, local time.
type Row = (String, String, String);

#[tokio::test(flavor = "multi_thread")]
async fn kill_of_the_server_on_sqlite_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("muster.db").display());
    survive(folder.path(), &url, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_of_the_server_and_of_postgresql_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let cluster = Cluster::start().await;
    survive(folder.path(), &cluster.url.clone(), Some(&cluster)).await;
}

async fn survive(data_dir: &Path, database_url: &str, cluster: Option<&Cluster>) {
    let rounds = rounds();
    let mut random = StdRng::seed_from_u64(rounds);
    let load = Load::start();
    for round in 0..rounds {
        let mut server = Server::start(data_dir, database_url).await;
        load.address.send_replace(Some(server.address));
        load.until_more(random.random_range(5..120)).await;
        if let Some(cluster) = cluster
            && round % 2 == 1
        {
            cluster.script("crash").await;
            cluster.script("start").await;
            // The same server goes on with the database that came back.
            load.until_more(random.random_range(5..60)).await;
        }
        load.address.send_replace(None);
        server.process.kill().await.expect("killed");
    }
    let mut server = Server::start(data_dir, database_url).await;
    load.address.send_replace(Some(server.address));
    let acknowledged = load.stop().await;
    server.end().await;

    let store = Store::open(&database_url.parse().expect("a URL"), &Options::default())
        .await
        .expect("the database opens");
    let text = match store.dialect() {
        muster_store::Dialect::Sqlite => "punch_local",
        muster_store::Dialect::Postgres => "to_char(punch_local, 'YYYY-MM-DD HH24:MI:SS')",
    };
    let stored: Vec<Row> = store
        .all(
            &sea_query::Query::select()
                .column("terminal_sn")
                .column("pin")
                .expr(sea_query::Expr::cust(text))
                .from("punch")
                .to_owned(),
        )
        .await
        .expect("read");
    let once: BTreeSet<&Row> = stored.iter().collect();
    assert_eq!(once.len(), stored.len(), "no punch is there twice");
    let lost: Vec<&Row> = acknowledged
        .iter()
        .filter(|row| !once.contains(row))
        .collect();
    assert!(lost.is_empty(), "acknowledged and missing: {lost:?}");
    assert!(
        acknowledged.len() as u64 >= rounds * 5,
        "the load did run: {} rows",
        acknowledged.len()
    );
    let (counted, rows): (i64, i64) = store
        .one(&Sql::new(
            "SELECT (SELECT transactions + unregistered FROM punch_counter), (SELECT COUNT(*) FROM punch)",
            [],
        ))
        .await
        .expect("counted");
    assert_eq!(counted, rows, "the counter says what the rows say");
    println!(
        "{rounds} rounds: {} acknowledged, {} stored, 0 missing, 0 twice",
        acknowledged.len(),
        stored.len()
    );
}

fn rounds() -> u64 {
    outside("TEST_KILL_ROUNDS").map_or(6, |rounds| rounds.parse().expect("a number of rounds"))
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long and where these tests run comes from outside"
)]
fn outside(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The program itself, in a process that can be killed.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    async fn start(data_dir: &Path, database_url: &str) -> Server {
        let mut process = Command::new(env!("CARGO_BIN_EXE_muster"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .args(["--database-url", database_url])
            .env("MUSTER_TERMINALS__ADMISSION", "open")
            .env("MUSTER_ADMIN_PASSWORD", "a-long-password")
            .env("MUSTER_LOG__LEVEL", "off")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let address = loop {
            let line = lines
                .next_line()
                .await
                .expect("readable")
                .expect("the server says where it listens");
            if let Some(address) = line.strip_prefix("listening on http://") {
                break address.parse().expect("an address");
            }
        };
        // What it goes on saying must not block it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Server { process, address }
    }

    /// A clean stop.
    async fn end(&mut self) {
        let id = self.process.id().expect("it runs").to_string();
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .await
            .expect("kill is there");
        let ended = self.process.wait().await.expect("it ends");
        assert!(ended.success(), "{ended}");
    }
}

/// A PostgreSQL server of the test's own, whose commits reach the disk.
struct Cluster {
    folder: tempfile::TempDir,
    url: String,
}

impl Cluster {
    async fn start() -> Cluster {
        let folder = tempfile::Builder::new()
            .prefix("muster-kill-")
            .tempdir_in("/tmp")
            .expect("a folder");
        let made = Command::new(script())
            .arg("create")
            .arg(folder.path().join("cluster"))
            .args(["--durable", "--owner", &std::process::id().to_string()])
            .stderr(Stdio::inherit())
            .output()
            .await
            .expect("the script runs");
        assert!(made.status.success(), "PostgreSQL starts");
        let url = String::from_utf8(made.stdout)
            .expect("a URL")
            .trim()
            .to_owned();
        Cluster { folder, url }
    }

    async fn script(&self, action: &str) {
        let status = Command::new(script())
            .arg(action)
            .arg(self.folder.path().join("cluster"))
            .stdout(Stdio::null())
            .status()
            .await
            .expect("the script runs");
        assert!(status.success(), "{action}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = std::process::Command::new(script())
            .arg("remove")
            .arg(self.folder.path().join("cluster"))
            .stdout(Stdio::null())
            .status();
    }
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/postgres-cluster")
}

/// Terminals that send batches, and send a batch again until it is acknowledged.
struct Load {
    address: watch::Sender<Option<SocketAddr>>,
    uploads: Arc<AtomicU64>,
    progress: watch::Receiver<u64>,
    ending: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<Vec<Row>>>,
    terminals: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    fn start() -> Load {
        let (address, addresses) = watch::channel(None);
        let (progressed, progress) = watch::channel(0);
        let uploads = Arc::new(AtomicU64::new(0));
        let ending = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(Mutex::new(Vec::new()));
        let progressed = Arc::new(progressed);
        let terminals = (0..TERMINALS)
            .map(|number| {
                tokio::spawn(send(
                    number,
                    addresses.clone(),
                    uploads.clone(),
                    progressed.clone(),
                    ending.clone(),
                    acknowledged.clone(),
                ))
            })
            .collect();
        Load {
            address,
            uploads,
            progress,
            ending,
            acknowledged,
            terminals,
        }
    }

    /// Waits for so many more acknowledged uploads.
    async fn until_more(&self, uploads: u64) {
        let enough = self.uploads.load(Ordering::SeqCst) + uploads;
        self.progress
            .clone()
            .wait_for(|done| *done >= enough)
            .await
            .expect("the load runs");
    }

    /// Lets each terminal finish its last batch.
    async fn stop(self) -> Vec<Row> {
        self.ending.store(true, Ordering::SeqCst);
        for terminal in self.terminals {
            terminal.await.expect("a terminal ends");
        }
        std::mem::take(&mut self.acknowledged.lock().expect("not poisoned"))
    }
}

async fn send(
    number: usize,
    mut address: watch::Receiver<Option<SocketAddr>>,
    uploads: Arc<AtomicU64>,
    progressed: Arc<watch::Sender<u64>>,
    ending: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<Vec<Row>>>,
) {
    let sn = format!("KILL{number:04}");
    let mut random = StdRng::seed_from_u64(number as u64);
    let mut second = 0_i64;
    while !ending.load(Ordering::SeqCst) {
        let batch: Vec<Row> = (0..random.random_range(1..20))
            .map(|_| {
                second += 1;
                let time = chrono::DateTime::from_timestamp(1_767_225_600 + second, 0)
                    .expect("a time")
                    .format("%Y-%m-%d %H:%M:%S")
                    .to_string();
                (sn.clone(), random.random_range(1..500).to_string(), time)
            })
            .collect();
        let body: String = batch
            .iter()
            .map(|(_, pin, time)| format!("{pin}\t{time}\t0\t1\t0\t0\t0\n"))
            .collect();
        // A terminal keeps its rows, and sends the same ones, until it has read an OK.
        loop {
            let server = address
                .wait_for(Option::is_some)
                .await
                .expect("the test goes on")
                .expect("waited for");
            if upload(server, &sn, &body).await {
                break;
            }
            tokio::task::yield_now().await;
        }
        acknowledged.lock().expect("not poisoned").extend(batch);
        let done = uploads.fetch_add(1, Ordering::SeqCst) + 1;
        progressed.send_modify(|most| *most = done.max(*most));
    }
}

/// `true` only when the whole answer was read and is an OK.
async fn upload(server: SocketAddr, sn: &str, body: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(server).await else {
        return false;
    };
    let request = format!(
        "POST /iclock/cdata?SN={sn}&table=ATTLOG&Stamp=9999 HTTP/1.1\r\nHost: muster\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    if stream.write_all(request.as_bytes()).await.is_err() {
        return false;
    }
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer).await.is_ok();
    read && answer.starts_with("HTTP/1.1 200 ") && answer.contains("\r\n\r\nOK")
}
