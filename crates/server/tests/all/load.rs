//! Terminals that send batches, each again until it is acknowledged, and what became of what was acknowledged.

use crate::process::outside;
use muster_store::{Dialect, Options, Sql, Store};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// An acknowledged punch: terminal, PIN, local time.
type Row = (String, String, String);

fn terminals() -> usize {
    outside("TEST_KILL_TERMINALS").map_or(12, |number| number.parse().expect("a number"))
}

/// Terminals under way.
pub struct Load {
    /// Where servers are; terminals wait while there is none.
    pub addresses: watch::Sender<Vec<SocketAddr>>,
    shared: Arc<Shared>,
    terminals: Vec<JoinHandle<()>>,
}

struct Shared {
    taken: watch::Sender<u64>,
    refused: watch::Sender<u64>,
    ending: AtomicBool,
    told: Mutex<Told>,
}

impl Shared {
    /// Notes what a terminal was told; `true` when it was an OK.
    fn told(&self, answer: Result<(), String>, took: Duration, batch: &[Row]) -> bool {
        let mut told = self.told.lock().expect("not poisoned");
        told.slowest = told.slowest.max(took);
        match &answer {
            Ok(()) => told.acknowledged.extend_from_slice(batch),
            Err(other) => *told.otherwise.entry(other.clone()).or_default() += 1,
        }
        answer.is_ok()
    }
}

/// What terminals were told.
#[derive(Debug, Default, Clone)]
pub struct Told {
    pub acknowledged: Vec<Row>,
    /// What stood in place of an OK, and how often.
    pub otherwise: BTreeMap<String, u64>,
    /// The longest that anybody waited for an answer.
    pub slowest: Duration,
}

impl Load {
    pub fn start() -> Load {
        let (addresses, there) = watch::channel(Vec::new());
        let shared = Arc::new(Shared {
            taken: watch::Sender::new(0),
            refused: watch::Sender::new(0),
            ending: AtomicBool::new(false),
            told: Mutex::default(),
        });
        let terminals = (0..terminals())
            .map(|number| tokio::spawn(send(number, there.clone(), shared.clone())))
            .collect();
        Load {
            addresses,
            shared,
            terminals,
        }
    }

    /// Terminals that know one server.
    pub fn on(server: SocketAddr) -> Load {
        let load = Load::start();
        load.addresses.send_replace(vec![server]);
        load
    }

    /// Waits for so many more acknowledged uploads.
    pub async fn until_more(&self, uploads: u64) {
        more(&self.shared.taken, uploads).await;
    }

    /// Waits until so many more got something else than an OK.
    pub async fn until_refused(&self, uploads: u64) {
        more(&self.shared.refused, uploads).await;
    }

    /// What terminals were told until now.
    pub fn so_far(&self) -> Told {
        self.shared.told.lock().expect("not poisoned").clone()
    }

    /// Lets each terminal finish its last batch.
    pub async fn stop(self) -> Told {
        self.shared.ending.store(true, Ordering::SeqCst);
        for terminal in self.terminals {
            terminal.await.expect("a terminal ends");
        }
        std::mem::take(&mut self.shared.told.lock().expect("not poisoned"))
    }
}

async fn more(counted: &watch::Sender<u64>, more: u64) {
    let mut counted = counted.subscribe();
    let enough = *counted.borrow_and_update() + more;
    counted
        .wait_for(|count| *count >= enough)
        .await
        .expect("the load runs");
}

async fn send(number: usize, mut addresses: watch::Receiver<Vec<SocketAddr>>, shared: Arc<Shared>) {
    let sn = format!("KILL{number:04}");
    let mut random = StdRng::seed_from_u64(number as u64);
    let mut second = 0_i64;
    while !shared.ending.load(Ordering::SeqCst) {
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
            let begun = Instant::now();
            let answer = upload(server, &sn, &body).await;
            if shared.told(answer, begun.elapsed(), &batch) {
                break;
            }
            shared.refused.send_modify(|count| *count += 1);
            tokio::task::yield_now().await;
        }
        shared.taken.send_modify(|count| *count += 1);
    }
}

/// `Ok` only when the whole answer was read and is an OK; else what there was instead.
async fn upload(server: SocketAddr, sn: &str, body: &str) -> Result<(), String> {
    let closed = |_| "closed".to_owned();
    let mut stream = TcpStream::connect(server).await.map_err(closed)?;
    let request = format!(
        "POST /iclock/cdata?SN={sn}&table=ATTLOG&Stamp=9999 HTTP/1.1\r\nHost: muster\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.map_err(closed)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.map_err(closed)?;
    match answer.strip_prefix("HTTP/1.1 ") {
        Some(rest) if rest.starts_with("200 ") && rest.contains("\r\n\r\nOK") => Ok(()),
        Some(rest) => Err(rest.chars().take(3).collect()),
        None => Err("closed".to_owned()),
    }
}

/// Every acknowledged punch is there, none is there twice, and the counter says how many there are.
pub async fn nothing_is_lost_or_doubled(database_url: &str, what: &str, told: &Told) {
    let store = Store::open(&database_url.parse().expect("a URL"), &Options::default())
        .await
        .expect("the database opens");
    let text = match store.dialect() {
        Dialect::Sqlite => "punch_local",
        Dialect::Postgres => "to_char(punch_local, 'YYYY-MM-DD HH24:MI:SS')",
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
    let lost: Vec<&Row> = told
        .acknowledged
        .iter()
        .filter(|row| !once.contains(row))
        .collect();
    assert!(lost.is_empty(), "acknowledged and missing: {lost:?}");
    let (counted, rows): (i64, i64) = store
        .one(&Sql::new(
            "SELECT (SELECT transactions + unregistered FROM punch_counter), (SELECT COUNT(*) FROM punch)",
            [],
        ))
        .await
        .expect("counted");
    assert_eq!(counted, rows, "the counter says what the rows say");
    store.close().await;
    println!(
        "{what}: {} acknowledged, {} stored, 0 lost, 0 twice; in place of an OK {:?}; the slowest answer took {} ms",
        told.acknowledged.len(),
        stored.len(),
        told.otherwise,
        told.slowest.as_millis()
    );
}
