//! The server, and PostgreSQL itself, are killed at random moments under load. Afterwards every
//! punch that was acknowledged is there, and none is there twice.
//!
//! Two servers on one PostgreSQL are killed in turn, and whoever looks on at the other one goes on seeing.
//!
//! `TEST_KILL_ROUNDS` sets how often, `TEST_KILL_TERMINALS` how many terminals there are; the moments are
//! random but the same for each number of rounds, and are counted in acknowledged uploads, not in time.

use crate::load::{Load, Told, nothing_is_lost_or_doubled};
use crate::process::{Cluster, Server, outside};
use crate::testing::ADMIN_PASSWORD;
use muster_store::{Options, Sql, Store};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::net::SocketAddr;
use std::path::Path;

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

/// How PostgreSQL ends, and is there again.
const ENDS: [&[&str]; 3] = [&["crash", "start"], &["restart"], &["kill", "start"]];

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
            for action in ENDS[round as usize / 2 % ENDS.len()] {
                cluster.script(action).await;
            }
            // The same server goes on with the database that came back.
            load.until_more(random.random_range(5..60)).await;
        }
        load.addresses.send_replace(Vec::new());
        server.process.kill().await.expect("killed");
    }
    let mut server = Server::start(data_dir, database_url).await;
    load.addresses.send_replace(vec![server.address]);
    let told = load.stop().await;
    server.end().await;
    all_is_there(database_url, &told, rounds).await;
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
    let told = load.stop().await;
    for server in &mut servers {
        server.end().await;
    }
    all_is_there(&cluster.url, &told, rounds).await;
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

async fn all_is_there(database_url: &str, told: &Told, rounds: u64) {
    nothing_is_lost_or_doubled(database_url, &format!("{rounds} rounds"), told).await;
    let mut otherwise = told.otherwise.keys();
    assert!(
        otherwise.all(|kind| ["503", "closed"].contains(&kind.as_str())),
        "what terminals were told meanwhile: {:?}",
        told.otherwise
    );
    let rows = told.acknowledged.len() as u64;
    assert!(rows >= rounds * 5, "the load did run: {rows} rows");
}

fn rounds() -> u64 {
    outside("TEST_KILL_ROUNDS").map_or(6, |rounds| rounds.parse().expect("a number of rounds"))
}
