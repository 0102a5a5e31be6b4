//! The server, and PostgreSQL itself, are killed at random moments under load. Afterwards every
//! punch that was acknowledged is there, and none is there twice.
//!
//! Two servers on one PostgreSQL are killed in turn, and whoever looks on at the other one goes on seeing.
//!
//! `TEST_KILL_ROUNDS` sets how often, `TEST_KILL_TERMINALS` how many terminals there are; the moments are
//! random but the same for each number of rounds, and are counted in acknowledged uploads, not in time.

use crate::process::{Process, outside};
use crate::testing::ADMIN_PASSWORD;
use muster_store::{Options, Sql, Store};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::watch;

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
        load.addresses.send_replace(vec![server.address]);
        load.until_more(random.random_range(5..120)).await;
        if let Some(cluster) = cluster
            && round % 2 == 1
        {
            cluster.script("crash").await;
            cluster.script("start").await;
            // The same server goes on with the database that came back.
            load.until_more(random.random_range(5..60)).await;
        }
        load.addresses.send_replace(Vec::new());
        server.process.kill().await.expect("killed");
    }
    let mut server = Server::start(data_dir, database_url).await;
    load.addresses.send_replace(vec![server.address]);
    let acknowledged = load.stop().await;
    server.end().await;
    nothing_is_lost_or_doubled(database_url, &acknowledged, rounds).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_of_one_of_two_servers_loses_and_doubles_nothing_and_the_other_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let cluster = Cluster::start().await;
    let dirs = ["one", "other"].map(|name| folder.path().join(name));
    let rounds = rounds();
    let mut random = StdRng::seed_from_u64(rounds);
    let mut servers = vec![Server::start(&dirs[0], &cluster.url).await];
    std::fs::create_dir(&dirs[1]).expect("made");
    std::fs::copy(dirs[0].join("muster.key"), dirs[1].join("muster.key")).expect("copied");
    servers.push(Server::start(&dirs[1], &cluster.url).await);
    let store = Store::open(&cluster.url.parse().expect("a URL"), &Options::default())
        .await
        .expect("the database opens");
    let addresses = |servers: &[Server]| servers.iter().map(|server| server.address).collect();
    let load = Load::start();
    for round in 0..rounds {
        load.addresses.send_replace(addresses(&servers));
        load.until_more(random.random_range(5..120)).await;
        let killed = usize::try_from(round % 2).expect("0 or 1");
        let mut looking_on = LookingOn::at(servers[1 - killed].address).await;
        looking_on.sees_beyond(0).await;
        servers[killed].process.kill().await.expect("killed");
        let (last_id,): (i64,) = store
            .one(&Sql::new("SELECT last_id FROM punch_counter", []))
            .await
            .expect("read");
        looking_on.sees_beyond(last_id).await;
        servers[killed] = Server::start(&dirs[killed], &cluster.url).await;
    }
    load.addresses.send_replace(addresses(&servers));
    let acknowledged = load.stop().await;
    for server in &mut servers {
        server.end().await;
    }
    nothing_is_lost_or_doubled(&cluster.url, &acknowledged, rounds).await;
}

/// Somebody before the live page.
struct LookingOn {
    events: reqwest::Response,
}

impl LookingOn {
    async fn at(server: SocketAddr) -> LookingOn {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        let origin = format!("http://{server}");
        let signed_in = http
            .post(format!("{origin}/sign-in"))
            .header("origin", &origin)
            .form(&[("username", "admin"), ("password", ADMIN_PASSWORD)])
            .send()
            .await
            .expect("answered");
        let cookie = signed_in.headers()["set-cookie"].to_str().expect("a text");
        let cookie = cookie.split(';').next().expect("a cookie").to_owned();
        let events = http
            .get(format!("{origin}/live/events"))
            .header("cookie", cookie)
            .send()
            .await
            .expect("answered");
        assert_eq!(events.status(), 200);
        LookingOn { events }
    }

    /// Reads on until a punch above this id is shown.
    async fn sees_beyond(&mut self, id: i64) {
        let mut rest = String::new();
        loop {
            let more = self.events.chunk().await.expect("it goes on");
            rest.push_str(&String::from_utf8_lossy(&more.expect("it goes on")));
            while let Some((line, after)) = rest.split_once('\n') {
                let shown = line.strip_prefix("id: ").or(line.strip_prefix("id:"));
                if shown.is_some_and(|shown| shown.parse::<i64>().expect("an id") > id) {
                    return;
                }
                rest = after.to_owned();
            }
        }
    }
}

async fn nothing_is_lost_or_doubled(database_url: &str, acknowledged: &[Row], rounds: u64) {
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

fn terminals() -> usize {
    outside("TEST_KILL_TERMINALS").map_or(12, |number| number.parse().expect("a number"))
}

/// The program itself, in a process that can be killed.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    async fn start(data_dir: &Path, database_url: &str) -> Server {
        let Process {
            child: process,
            address,
            mut lines,
        } = Process::start(
            Command::new(env!("CARGO_BIN_EXE_muster"))
                .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
                .arg(data_dir)
                .args(["--database-url", database_url])
                .env("MUSTER_TERMINALS__ADMISSION", "open")
                // All of them come from one address.
                .env("MUSTER_TERMINALS__NEW_PER_MINUTE_PER_ADDRESS", "1000000")
                .env("MUSTER_ADMIN_PASSWORD", ADMIN_PASSWORD)
                .env("MUSTER_LOG__LEVEL", "off"),
        )
        .await;
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
    /// Where servers are; terminals wait while there is none.
    addresses: watch::Sender<Vec<SocketAddr>>,
    uploads: Arc<AtomicU64>,
    progress: watch::Receiver<u64>,
    ending: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<Vec<Row>>>,
    terminals: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    fn start() -> Load {
        let (sender, addresses) = watch::channel(Vec::new());
        let (progressed, progress) = watch::channel(0);
        let uploads = Arc::new(AtomicU64::new(0));
        let ending = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(Mutex::new(Vec::new()));
        let progressed = Arc::new(progressed);
        let terminals = (0..terminals())
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
            addresses: sender,
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
    mut addresses: watch::Receiver<Vec<SocketAddr>>,
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
            let server = {
                let there = addresses.wait_for(|there| !there.is_empty()).await;
                let there = there.expect("the test goes on");
                there[random.random_range(0..there.len())]
            };
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
