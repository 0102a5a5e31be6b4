//! Servers whose clocks stand still, in processes that can be killed: one on SQLite, or two on one PostgreSQL.

use crate::postgres;
use crate::process::{Process, outside};
use crate::testing::{ADMIN_PASSWORD, start};
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use muster::app::{App, Opened};
use muster::cli::serve::Server;
use muster::clock::Clock;
use muster::config::Config;
use muster::jobs;
use muster_store::{Options, Store};
use rand::Rng;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Mutex;
use tokio::io::{AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex as Turns, watch};

/// Where such a process finds its folder, its database and the time, in JSON.
const PLACE: &str = "TEST_HELD_SERVER";
const NAME: &str = "held_servers::a_server_that_is_told_what_time_it_is";

/// What [`Servers`] start: this file's own program, which does what it is told line by line and says when it is done.
/// A number is seconds that pass, `jobs` is all a server does by itself.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "no test, but a server that tests start and kill"]
async fn a_server_that_is_told_what_time_it_is() {
    let Some(place) = outside(PLACE) else { return };
    let (data_dir, database_url, now): (PathBuf, String, DateTime<Utc>) =
        serde_json::from_str(&place).expect("a place");
    let mut config = Config {
        data_dir,
        database_url,
        zone: "UTC".into(),
        listen: "127.0.0.1:0".into(),
        ..Config::default()
    };
    // Asking is another matter, and nothing vanishes here.
    config.terminals.check_every_h = 0;
    let Opened { app, .. } = App::open(config, Clock::held(now), Some(ADMIN_PASSWORD.to_owned()))
        .await
        .expect("the server opens");
    let server = Server::start(app.clone()).await.expect("it listens");
    let mut lines = std::io::stdin().lines();
    while let Some(Ok(told)) = tokio::task::block_in_place(|| lines.next()) {
        match told.parse() {
            Ok(seconds) => app.clock.advance(TimeDelta::seconds(seconds)),
            Err(_) => jobs::run_all(&app).await.expect("run"),
        }
        println!("done");
    }
    server.stop().await;
}

pub struct Servers {
    pub places: Vec<Place>,
    /// Where each can be reached; those that were killed cannot.
    there: watch::Sender<Vec<Option<SocketAddr>>>,
    now: Mutex<DateTime<Utc>>,
    /// What they share, to look into.
    pub store: Store,
    database: Option<postgres::Database>,
    _folder: tempfile::TempDir,
}

/// The administrator of servers in processes.
pub struct Administrator {
    http: reqwest::Client,
    authorization: String,
}

impl Administrator {
    /// Signs in at one of them, and is known to all.
    pub async fn of(server: SocketAddr) -> Administrator {
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        let mut administrator = Administrator {
            http,
            authorization: String::new(),
        };
        let login = json!({ "username": "admin", "password": ADMIN_PASSWORD });
        let path = "/api/api-token-auth/";
        let answer = administrator.say(server, Method::POST, path, &login).await;
        let (_, answer) = answer.expect("answered");
        administrator.authorization =
            format!("Token {}", answer["token"].as_str().expect("a token"));
        administrator
    }

    pub fn request(
        &self,
        server: SocketAddr,
        method: Method,
        path: &str,
    ) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("http://{server}{path}"))
            .header("authorization", &self.authorization)
    }

    /// Status and answer; `None`: the server died.
    pub async fn say(
        &self,
        server: SocketAddr,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Option<(u16, Value)> {
        let request = self.request(server, method, path).json(body);
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let text = answer.text().await.ok()?;
        Some((status, serde_json::from_str(&text).unwrap_or_default()))
    }
}

/// Where one of them is at home.
pub struct Place {
    pub data_dir: PathBuf,
    pub database_url: String,
    running: Turns<Option<Child>>,
    talk: Turns<Option<(ChildStdin, Lines<BufReader<ChildStdout>>)>>,
}

impl Servers {
    pub async fn start(database: Option<postgres::Database>) -> Servers {
        let folder = tempfile::tempdir().expect("a folder");
        let (names, url): (&[&str], String) = match &database {
            Some(database) => (&["one", "other"], database.url.clone()),
            None => {
                let file = folder.path().join("muster.db");
                (&["one"], format!("sqlite://{}", file.display()))
            }
        };
        let places: Vec<Place> = names
            .iter()
            .map(|name| Place {
                data_dir: folder.path().join(name),
                database_url: url.clone(),
                running: Turns::default(),
                talk: Turns::default(),
            })
            .collect();
        let address = url.parse().expect("a URL");
        let store = Store::open(&address, &Options::default()).await;
        let servers = Servers {
            there: watch::Sender::new(vec![None; places.len()]),
            now: Mutex::new(start()),
            store: store.expect("the database opens"),
            database,
            places,
            _folder: folder,
        };
        for (number, place) in servers.places.iter().enumerate() {
            if number > 0 {
                std::fs::create_dir(&place.data_dir).expect("made");
                let [from, to] =
                    [&servers.places[0], place].map(|place| place.data_dir.join("muster.key"));
                std::fs::copy(from, to).expect("copied");
            }
            servers.begin(number).await;
        }
        servers
    }

    pub fn now(&self) -> DateTime<Utc> {
        *self.now.lock().expect("not poisoned")
    }

    /// Starts one of them, or starts it again.
    pub async fn begin(&self, number: usize) {
        let place = &self.places[number];
        let told = json!([place.data_dir, place.database_url, self.now()]);
        let mut process = Process::start(
            Command::new(std::env::current_exe().expect("this program"))
                .args([NAME, "--exact", "--ignored", "--nocapture"])
                .env(PLACE, told.to_string())
                .stdin(Stdio::piped()),
        )
        .await;
        let input = process.child.stdin.take().expect("piped");
        *place.talk.lock().await = Some((input, process.lines));
        *place.running.lock().await = Some(process.child);
        self.there
            .send_modify(|there| there[number] = Some(process.address));
    }

    /// Whatever it is doing.
    pub async fn kill(&self, number: usize) {
        let mut running = self.places[number].running.lock().await;
        if let Some(mut process) = running.take() {
            process.kill().await.expect("killed");
        }
        self.there.send_modify(|there| there[number] = None);
    }

    /// One of those that run; waits while there is none.
    pub async fn any(&self, random: &mut StdRng) -> SocketAddr {
        let mut there = self.there.subscribe();
        let there = there
            .wait_for(|there| there.iter().any(Option::is_some))
            .await
            .expect("they are started again");
        let there: Vec<SocketAddr> = there.iter().flatten().copied().collect();
        there[random.random_range(0..there.len())]
    }

    /// Where one can be reached, while it runs.
    pub fn address(&self, number: usize) -> Option<SocketAddr> {
        self.there.borrow()[number]
    }

    /// For all of them.
    pub async fn pass(&self, time: TimeDelta) {
        *self.now.lock().expect("not poisoned") += time;
        self.tell(&time.num_seconds().to_string()).await;
    }

    /// All do once what they do by themselves.
    pub async fn do_jobs(&self) {
        self.tell("jobs").await;
    }

    async fn tell(&self, told: &str) {
        join_all(self.places.iter().map(|place| place.does(told))).await;
    }

    pub async fn stop(self) {
        for number in 0..self.places.len() {
            self.kill(number).await;
        }
        self.store.close().await;
        if let Some(database) = self.database {
            database.remove().await;
        }
    }
}

impl Place {
    /// Waits until it has done so, or is dead.
    async fn does(&self, told: &str) {
        let mut talk = self.talk.lock().await;
        let Some((input, lines)) = &mut *talk else {
            return;
        };
        if input
            .write_all(format!("{told}\n").as_bytes())
            .await
            .is_err()
        {
            return;
        }
        // After a minute it is said that it has been running for a minute.
        while let Ok(Some(line)) = lines.next_line().await {
            if line.ends_with("done") {
                return;
            }
        }
    }
}
