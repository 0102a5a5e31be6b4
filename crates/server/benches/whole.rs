//! The whole server under load, each figure beside a ceiling measured in the same run on the same
//! machine: a hello-world on the same HTTP library for what is only answered, and the raw database
//! driver with the same rows, durability and group size for what is stored.
//!
//! SQLite always; PostgreSQL too when `TEST_POSTGRES` names a server whose commits reach the disk.

mod made;
mod process;

use axum::Router;
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use muster::access::{Caller, Rights};
use muster::accounts::{self, client::NewClient};
use muster::app::{App, Opened};
use muster::cli::serve::Server;
use muster::clock::Clock;
use muster::config::{Admission, Config};
use muster::profile::Profile;
use muster_simulator::{Kind, LoadFigures, LoadOptions, load};
use muster_store::Sql;
use process::Process;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SECONDS: f64 = 5.0;
const CONNECTIONS: usize = 64;
const PUNCHES: i64 = 1_000_000;

#[tokio::main]
async fn main() {
    println!(
        "{:<44} {:>12} {:>12} {:>7}  ceiling",
        "", "figure", "ceiling", "ratio"
    );
    let hello = hello_world().await;
    one_database("SQLite", String::new(), hello).await;
    if let Some(server) = outside("TEST_POSTGRES") {
        let url = new_database(&server).await;
        one_database("PostgreSQL", url, hello).await;
    }
}

async fn one_database(name: &str, database_url: String, hello: f64) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config {
        data_dir: folder.path().join("data"),
        database_url: database_url.clone(),
        zone: "UTC".into(),
        terminals: muster::config::Terminals {
            admission: Admission::Open,
            new_per_minute_per_address: 1_000_000,
            max_waiting: 1_000_000,
            ..Config::default().terminals
        },
        ..Config::default()
    };
    let Opened { app, .. } = App::open(
        config.clone(),
        Clock::real(),
        Some("a-long-password".into()),
    )
    .await
    .expect("the server opens");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let server = Server::start_on(app.clone(), listener, None)
        .await
        .expect("the server starts");
    let address = server.address.to_string();
    employees(&app).await;

    let polls = run(&address, Kind::IdlePoll, 0).await;
    line(
        &format!("{name}: idle polls, {CONNECTIONS} connections"),
        polls.requests_per_second(),
        hello,
        "hello-world, requests/s",
    );
    for (kind, upload, what, year) in [
        (Kind::OneRecord, 1, "one-record uploads", 1),
        (Kind::Rows(200), 200, "200-record uploads", 2),
    ] {
        let before = app.recorder.groups();
        let figures = run(&address, kind, year).await;
        let groups = (app.recorder.groups() - before).max(1);
        let group = usize::try_from(figures.rows / groups).unwrap_or(1).max(1);
        let source = RawRows { upload, next: 0 };
        let raw = if database_url.is_empty() {
            raw_sqlite(source, group)
        } else {
            raw_postgres(&database_url, source, group).await
        };
        line(
            &format!("{name}: {what}, groups of {group}"),
            figures.rows_per_second(),
            raw,
            "raw driver, durable rows/s",
        );
        println!(
            "{:<44} p50 {:.2} ms, p99 {:.2} ms",
            "", figures.p50_ms, figures.p99_ms
        );
    }
    fill(&app).await;
    pages(name, &app, &address).await;
    server.stop().await;
    as_a_process(name, &config).await;
}

/// The newest page of 100 transactions out of a million, with the count, as eight callers read it;
/// beside it the same rows read through the driver alone.
async fn pages(name: &str, app: &Arc<App>, address: &str) {
    let client = NewClient {
        name: "bench".into(),
        profile: Profile::EasyTimePro,
        rights: Rights::administrator(),
        addresses: Vec::new(),
        expires_at: None,
    };
    let token = accounts::client::add(app, &Caller::system(), client)
        .await
        .expect("added");
    let http = reqwest::Client::new();
    let url = format!("http://{address}/iclock/api/transactions/?page_size=100");
    let answered = repeat(|| {
        let request = http
            .get(&url)
            .header("authorization", format!("Token {token}"));
        async move {
            let answer = request.send().await.expect("answered");
            let text = answer.text().await.expect("read");
            assert!(text.starts_with("{\"count\":1"), "{text}");
        }
    })
    .await;
    type Raw = (
        i64,
        String,
        NaiveDateTime,
        i16,
        i16,
        String,
        Option<String>,
        Option<String>,
    );
    let raw = repeat(|| {
        let store = app.store.clone();
        async move {
            let rows: Vec<Raw> = store
                .all(&Sql::new(
                    "SELECT p.transaction_id, p.pin, p.punch_local, p.punch_state, p.verify_type, p.terminal_sn, \
                         e.first_name, e.last_name \
                     FROM punch AS p LEFT JOIN employee AS e ON e.id = p.employee_id \
                     WHERE p.transaction_id IS NOT NULL ORDER BY p.transaction_id DESC LIMIT 100",
                    [],
                ))
                .await
                .expect("read");
            assert_eq!(rows.len(), 100);
        }
    })
    .await;
    line(
        &format!("{name}: page of 100 of {PUNCHES}, with count"),
        answered,
        raw,
        "the same rows by the driver alone, pages/s",
    );
    println!(
        "{:<44} {:.2} ms a page, 8 callers at once",
        "",
        8000.0 / answered
    );
}

/// How often a second something is done by eight at once.
async fn repeat<F: Future<Output = ()> + Send + 'static>(work: impl Fn() -> F) -> f64 {
    let started = Instant::now();
    let mut done = 0_u32;
    while started.elapsed() < Duration::from_secs_f64(SECONDS) {
        let batch: Vec<_> = (0..8).map(|_| tokio::spawn(work())).collect();
        for one in batch {
            one.await.expect("done");
            done += 1;
        }
    }
    f64::from(done) / started.elapsed().as_secs_f64()
}

/// The program itself: how soon it listens over a million punches, and what it holds with a
/// thousand terminals.
async fn as_a_process(name: &str, config: &Config) {
    let url = if config.database_url.is_empty() {
        format!("sqlite://{}", config.data_dir.join("muster.db").display())
    } else {
        config.database_url.clone()
    };
    let started = Instant::now();
    let process = Process::start(&config.data_dir, Some(&url)).await;
    println!(
        "{:<44} {:>9.0} ms",
        format!("{name}: start over {PUNCHES} punches"),
        started.elapsed().as_secs_f64() * 1000.0
    );
    load(&LoadOptions {
        server: process.address.clone(),
        connections: 1000,
        kind: Kind::IdlePoll,
        requests: 20_000,
        duration_s: 60.0,
        ..LoadOptions::default()
    })
    .await
    .expect("the load runs");
    println!(
        "{:<44} {:>9.1} MiB",
        format!("{name}: memory after 20 polls of 1000 terminals"),
        process.resident_mib()
    );
    process.stop().await;
}

async fn run(address: &str, kind: Kind, year: i32) -> LoadFigures {
    load(&LoadOptions {
        server: address.to_owned(),
        connections: CONNECTIONS,
        kind,
        duration_s: SECONDS,
        first_second: NaiveDate::from_ymd_opt(2000 + 2 * year, 1, 1)
            .unwrap_or_default()
            .into(),
        ..LoadOptions::default()
    })
    .await
    .expect("the load runs")
}

fn line(what: &str, figure: f64, ceiling: f64, of: &str) {
    println!(
        "{what:<44} {figure:>12.0} {ceiling:>12.0} {:>7.2}  {of}",
        figure / ceiling
    );
}

/// The least that the HTTP library can do, under the same load.
async fn hello_world() -> f64 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let router = Router::new().fallback(async || "OK");
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let figures = run(&address, Kind::IdlePoll, 0).await;
    server.abort();
    figures.requests_per_second()
}

/// Everybody who punches is an employee, as in life.
async fn employees(app: &App) {
    let mut tx = app.store.write().await.expect("a transaction");
    for number in 100_000..101_000 {
        tx.run(&Sql::new(
            "INSERT INTO employee (company_id, emp_code, department_id, search_text, created_at, changed_at) \
             VALUES ($1, $2, 1, $2, $3, $3)",
            [
                app.company.id.clone().into(),
                number.to_string().into(),
                DateTime::<Utc>::UNIX_EPOCH.into(),
            ],
        ))
        .await
        .expect("inserted");
    }
    tx.commit().await.expect("committed");
}

/// Fills up to a million punches, through the one way in.
async fn fill(app: &Arc<App>) {
    use muster::punches::record::{NewPunch, Place};
    let place = Arc::new(Place {
        terminal_id: None,
        terminal_sn: "FILL".into(),
        terminal_alias: Some("Fill".into()),
        area_id: Some(1),
        area_name: Some("Not Authorized".into()),
    });
    let (mut have,): (i64,) = app
        .store
        .one(&Sql::new("SELECT COUNT(*) FROM punch", []))
        .await
        .expect("counted");
    while have < PUNCHES {
        let group: Vec<NewPunch> = (have..have + 5000)
            .map(|number| made::punch(&place, (100_000 + number % 1000).to_string(), number))
            .collect();
        have += i64::try_from(app.recorder.record(group).await.expect("stored").len())
            .expect("a small number");
    }
}

fn first_second() -> NaiveDateTime {
    NaiveDate::from_ymd_opt(2015, 1, 1)
        .unwrap_or_default()
        .into()
}

/// The rows the load brings, without the load: each terminal counts its own seconds and people, and
/// the terminals take turns, upload by upload.
struct RawRows {
    upload: i64,
    next: i64,
}

struct RawRow {
    id: i64,
    terminal_sn: String,
    pin: String,
    employee_id: i64,
    local: NaiveDateTime,
}

impl Iterator for RawRows {
    type Item = RawRow;

    fn next(&mut self) -> Option<RawRow> {
        let terminals = i64::try_from(CONNECTIONS).expect("a small number");
        let (upload, within) = (self.next / self.upload, self.next % self.upload);
        let number = upload / terminals * self.upload + within;
        self.next += 1;
        Some(RawRow {
            id: self.next,
            terminal_sn: format!("LOAD{:07}", upload % terminals),
            pin: (100_000 + number % 1000).to_string(),
            employee_id: 1_000_000_001 + number % 1000,
            local: first_second() + TimeDelta::seconds(number),
        })
    }
}

/// Rows a second that the driver stores in the same table with the same indexes, on a connection of
/// its own, one prepared statement a row, one durable commit a group.
fn raw_sqlite(mut source: RawRows, group: usize) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let mut database = raw_schema(&folder.path().join("raw.db"));
    let started = Instant::now();
    let mut rows = 0;
    while started.elapsed() < Duration::from_secs_f64(SECONDS) {
        let tx = database.transaction().expect("begun");
        {
            let mut insert = tx.prepare_cached(RAW_INSERT).expect("prepared");
            for row in source.by_ref().take(group) {
                insert
                    .execute(rusqlite::params![
                        row.id,
                        row.terminal_sn,
                        row.employee_id,
                        row.pin,
                        row.local.format("%F %T").to_string(),
                        row.local.and_utc().to_rfc3339()
                    ])
                    .expect("inserted");
            }
        }
        tx.commit().expect("committed");
        rows += group;
    }
    rows as f64 / started.elapsed().as_secs_f64()
}

const RAW_INSERT: &str = "INSERT INTO punch (id, transaction_id, company_id, terminal_sn, terminal_alias, area_id, \
     area_name, employee_id, pin, punch_local, punch_at, punch_state, verify_type, work_code, source, upload_at) \
     VALUES (?1, ?1, 'c', ?2, 'Auto add', 1, 'Not Authorized', ?3, ?4, ?5, ?6, 0, 1, '', 1, ?6)";

fn raw_schema(path: &Path) -> rusqlite::Connection {
    let database = rusqlite::Connection::open(path).expect("opened");
    database
        .execute_batch(
            "PRAGMA journal_mode = wal; PRAGMA synchronous = full; PRAGMA cache_size = -8000;",
        )
        .expect("set");
    database
        .execute_batch(concat!(
            include_str!("../../store/migrations/sqlite/0001_model.sql"),
            include_str!("../../store/migrations/sqlite/0040_people_on_terminals.sql")
        ))
        .expect("made");
    database
}

/// The same on PostgreSQL: arrays through `UNNEST`, one durable commit a group.
async fn raw_postgres(database_url: &str, mut source: RawRows, group: usize) -> f64 {
    let mut database = PgConnection::connect(database_url)
        .await
        .expect("connected");
    for statement in [
        "DROP TABLE IF EXISTS raw_punch",
        "CREATE TABLE raw_punch (LIKE punch INCLUDING ALL)",
    ] {
        sqlx::query(statement)
            .execute(&mut database)
            .await
            .expect("made");
    }
    let started = Instant::now();
    let mut rows = 0;
    while started.elapsed() < Duration::from_secs_f64(SECONDS) {
        let given: Vec<RawRow> = source.by_ref().take(group).collect();
        sqlx::query(
            "INSERT INTO raw_punch (id, transaction_id, company_id, terminal_sn, terminal_alias, area_id, area_name, \
                 employee_id, pin, punch_local, punch_at, punch_state, verify_type, work_code, source, upload_at) \
             SELECT id, id, 'c', sn, 'Auto add', 1, 'Not Authorized', employee, pin, local, local, 0, 1, '', 1, now() \
             FROM UNNEST($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::timestamp[]) \
                 AS r (id, sn, employee, pin, local)",
        )
        .bind(given.iter().map(|row| row.id).collect::<Vec<_>>())
        .bind(given.iter().map(|row| row.terminal_sn.as_str()).collect::<Vec<_>>())
        .bind(given.iter().map(|row| row.employee_id).collect::<Vec<_>>())
        .bind(given.iter().map(|row| row.pin.as_str()).collect::<Vec<_>>())
        .bind(given.iter().map(|row| row.local).collect::<Vec<_>>())
        .execute(&mut database)
        .await
        .expect("inserted");
        rows += group;
    }
    let seconds = started.elapsed().as_secs_f64();
    sqlx::query("DROP TABLE raw_punch")
        .execute(&mut database)
        .await
        .expect("dropped");
    rows as f64 / seconds
}

async fn new_database(server: &str) -> String {
    let mut admin = PgConnection::connect(server)
        .await
        .expect("PostgreSQL answers");
    for statement in [
        "DROP DATABASE IF EXISTS muster_bench WITH (FORCE)",
        "CREATE DATABASE muster_bench",
    ] {
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut admin)
            .await
            .expect("made");
    }
    let (rest, query) = server.split_once('?').unwrap_or((server, ""));
    let (host, _) = rest.rsplit_once('/').expect("a URL with a database");
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{host}/muster_bench{mark}{query}")
}

#[expect(
    clippy::disallowed_methods,
    reason = "where the PostgreSQL to measure is comes from outside"
)]
fn outside(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
