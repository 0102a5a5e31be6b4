//! A PostgreSQL that says nothing any more: the line to it is cut without anybody being told, for a while or for good.

use super::{ENOUGH, felt, muster, over, report};
use crate::held_servers::Administrator;
use crate::load::{Load, nothing_is_lost_or_doubled};
use crate::postgres;
use crate::process::Server;
use crate::several_servers::introduced;
use crate::testing::TestApp;
use muster::config::Config;
use muster_store::Sql;
use reqwest::Method;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::yield_now;

/// A second for what was under way, one for the connection, and those of the group before; twenty times that for a
/// machine that is busy. A line that says nothing would hold them for a quarter of an hour.
const LONG: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_says_nothing_is_not_waited_for_and_found_again() {
    let database = postgres::new().await;
    let line = Line::to(&database.url).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Server::on(muster(), folder.path(), &line.url);
    command.env("MUSTER_DATABASE_PATIENCE_S", "1");
    let mut server = Server::run(command).await;
    let admin = Administrator::of(server.address).await;
    let areas = async || {
        let path = "/personnel/api/areas/";
        let answer = admin.say(server.address, Method::GET, path, &Value::Null);
        answer.await.expect("answered").0
    };
    let load = Load::on(server.address);
    load.until_more(ENOUGH).await;
    for (what, end) in [
        ("a line that comes back", State::Carries),
        ("a line that breaks", State::Broken),
    ] {
        line.becomes(State::Silent);
        felt(&load).await;
        assert_eq!(areas().await, 503, "{what}");
        line.becomes(end);
        line.becomes(State::Carries);
        report(what, over(&load).await);
        assert_eq!(areas().await, 200, "{what}");
    }
    let told = load.stop().await;
    // Nor when the server ends.
    line.becomes(State::Silent);
    let begun = Instant::now();
    server.end().await;
    assert!(begun.elapsed() < LONG);
    let kinds: Vec<&String> = told.otherwise.keys().collect();
    assert_eq!(kinds, ["503"], "what terminals were told meanwhile");
    assert!(told.slowest < LONG, "{:?}", told.slowest);
    nothing_is_lost_or_doubled(&database.url, "a line that is cut", &told).await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_waits_for_any_more_the_database_gives_up() {
    let database = postgres::new().await;
    let hurry = |config: &mut Config| config.database_patience_s = 1;
    let app = TestApp::start(database.url.clone(), None, &hurry).await;
    let whole_day = Sql::new("SELECT 1::bigint FROM pg_sleep(86400)", []);
    let answer: muster_store::Result<(i64,)> = app.app.store.one(&whole_day).await;
    assert!(answer.is_err());
    let works = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                 AND state = 'active' AND query LIKE '%pg_sleep(86400)' AND pid <> pg_backend_pid()";
    while app.number(works).await > 0 {
        yield_now().await;
    }
    app.stop().await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_cut_off_leaves_the_work_for_all_to_another_and_hears_the_others_again() {
    let database = postgres::new().await;
    let line = Line::to(&database.url).await;
    let hurry = |config: &mut Config| config.database_patience_s = 1;
    let one = TestApp::start(line.url.clone(), None, &hurry).await;
    let key = one.app.config.key_file();
    let other = TestApp::start(database.url.clone(), Some(&key), &hurry).await;
    introduced(&other, &one).await;
    assert!(one.app.store.is_the_one().await.expect("asked"));
    assert!(!other.app.store.is_the_one().await.expect("asked"));

    line.becomes(State::Silent);
    // It may not go on with what is for all as long as nobody confirms that it may.
    assert!(one.app.store.is_the_one().await.is_err());
    line.becomes(State::Broken);
    while !other.app.store.is_the_one().await.expect("asked") {
        yield_now().await;
    }

    line.becomes(State::Carries);
    introduced(&other, &one).await;
    assert!(!one.app.store.is_the_one().await.expect("asked"));
    one.stop().await;
    other.stop().await;
    database.remove().await;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Carries,
    /// Takes what is sent, and carries nothing; closes nothing.
    Silent,
    /// Closes what there is.
    Broken,
}

/// The way to a PostgreSQL server.
struct Line {
    url: String,
    state: watch::Sender<State>,
}

impl Line {
    async fn to(database_url: &str) -> Line {
        let mut url = url::Url::parse(database_url).expect("a URL");
        let there = format!(
            "{}:{}",
            url.host_str().expect("a host"),
            url.port().unwrap_or(5432)
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let here: SocketAddr = listener.local_addr().expect("bound");
        url.set_host(Some("127.0.0.1")).expect("a host");
        url.set_port(Some(here.port())).expect("a port");
        let state = watch::Sender::new(State::Carries);
        let states = state.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(connect(near, there.clone(), states.subscribe()));
            }
        });
        Line {
            url: url.to_string(),
            state,
        }
    }

    fn becomes(&self, state: State) {
        self.state.send_replace(state);
    }
}

async fn connect(near: TcpStream, there: String, mut state: watch::Receiver<State>) {
    state.mark_unchanged();
    if *state.borrow() == State::Broken {
        return;
    }
    let mut broken = state.clone();
    let carried = async {
        if state
            .wait_for(|state| *state == State::Carries)
            .await
            .is_err()
        {
            return;
        }
        let Ok(far) = TcpStream::connect(there).await else {
            return;
        };
        let (near_reads, near_writes) = near.into_split();
        let (far_reads, far_writes) = far.into_split();
        tokio::join!(
            carry(near_reads, far_writes, state.clone()),
            carry(far_reads, near_writes, state.clone()),
        );
    };
    tokio::select! {
        () = carried => {}
        _ = broken.wait_for(|state| *state == State::Broken) => {}
    }
}

/// From one end to the other, while the line carries.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<State>,
) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let Ok(read) = from.read(&mut bytes).await else {
            return;
        };
        if state
            .wait_for(|state| *state == State::Carries)
            .await
            .is_err()
        {
            return;
        }
        if read == 0 || to.write_all(&bytes[..read]).await.is_err() {
            let _ = to.shutdown().await;
            return;
        }
    }
}
