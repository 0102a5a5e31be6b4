//! What the same machine does without muster: a hello-world on the same HTTP library, and the raw database
//! drivers with the same rows, durability and group size.

use crate::measures::load::{SECONDS, run_at};
use axum::Router;
use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use muster::app::App;
use muster_simulator::{Kind, LoadOptions, load};
use sqlx::{Connection, PgConnection};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// Terminals whose rows take turns.
const TERMINALS: i64 = 64;

/// Requests a second that the HTTP library can answer, under the same load.
pub struct HelloWorld {
    /// On connections that are kept.
    pub kept: f64,
    /// With a connection each.
    pub closed: f64,
}

impl HelloWorld {
    pub async fn measure() -> HelloWorld {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        let router = Router::new().fallback(async || "OK");
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        let kept = run_at(&address, Kind::IdlePoll, 64, "POLL", SECONDS).await;
        let closed = load(&LoadOptions {
            server: address,
            kind: Kind::IdlePoll,
            keep_alive: false,
            duration_s: SECONDS,
            ..LoadOptions::default()
        })
        .await
        .expect("the load runs");
        server.abort();
        HelloWorld {
            kept: kept.requests_per_second(),
            closed: closed.requests_per_second(),
        }
    }
}

/// Seconds in which the driver alone reads what an export of so many transactions holds.
pub async fn copy_out(app: &App, database_url: &str, size: i64) -> f64 {
    const READ: &str = "SELECT p.transaction_id, p.pin, e.first_name, e.last_name, d.dept_name, p.punch_local, p.punch_state, \
        p.verify_type, p.work_code, p.terminal_sn, p.terminal_alias, p.area_name, p.upload_at, p.temperature, p.mask_flag \
        FROM punch AS p LEFT JOIN employee AS e ON e.id = p.employee_id LEFT JOIN department AS d ON d.id = e.department_id \
        WHERE p.transaction_id IS NOT NULL ORDER BY p.transaction_id DESC";
    let started = Instant::now();
    if database_url.is_empty() {
        let file = app.config.data_dir.join("muster.db");
        let database = rusqlite::Connection::open(file).expect("opened");
        let mut read = database.prepare(READ).expect("prepared");
        let columns = read.column_count();
        let mut rows = read.query([]).expect("read");
        let (mut count, mut bytes) = (0, 0);
        while let Some(row) = rows.next().expect("read") {
            for column in 0..columns {
                bytes += match row.get_ref(column).expect("a column") {
                    rusqlite::types::ValueRef::Text(text) => text.len(),
                    _ => 8,
                };
            }
            count += 1;
        }
        assert!(count > size / 2 && bytes > 0, "{count}");
    } else {
        let mut database = PgConnection::connect(database_url)
            .await
            .expect("connected");
        let copy = format!("COPY ({READ}) TO STDOUT (FORMAT csv)");
        let mut out = database.copy_out_raw(&copy).await.expect("begun");
        let mut bytes = 0;
        while let Some(chunk) = futures::StreamExt::next(&mut out).await {
            bytes += chunk.expect("read").len();
        }
        assert!(bytes as i64 > size * 8, "{bytes}");
    }
    started.elapsed().as_secs_f64()
}

fn first_second() -> NaiveDateTime {
    NaiveDate::from_ymd_opt(2015, 1, 1)
        .unwrap_or_default()
        .into()
}

/// No punch of the server's has come so far.
const FIRST_ID: i64 = 1_000_000_000_000;

/// The rows the load brings, without the load: each terminal counts its own seconds and people, and
/// the terminals take turns, upload by upload.
pub struct RawRows {
    upload: i64,
    next: i64,
}

impl RawRows {
    pub fn new(upload: i64) -> RawRows {
        RawRows { upload, next: 0 }
    }
}

pub struct RawRow {
    id: i64,
    terminal_sn: String,
    pin: String,
    employee_id: i64,
    local: NaiveDateTime,
}

impl Iterator for RawRows {
    type Item = RawRow;

    fn next(&mut self) -> Option<RawRow> {
        let terminals = TERMINALS;
        let (upload, within) = (self.next / self.upload, self.next % self.upload);
        let number = upload / terminals * self.upload + within;
        self.next += 1;
        Some(RawRow {
            id: FIRST_ID + self.next,
            terminal_sn: format!("LOAD{:07}", upload % terminals),
            pin: (100_000 + number % 1000).to_string(),
            employee_id: 1_000_000_001 + number % 1000,
            local: first_second() + TimeDelta::seconds(number),
        })
    }
}

/// Rows a second that the driver stores in a copy of the same database, on a connection of its own with the settings of ours, one
/// prepared statement a row, one durable commit a group.
pub fn raw_sqlite(database: &Path, mut source: RawRows, group: usize) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let mut database = raw_copy(database, &folder.path().join("raw.db"));
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

/// Of a database into which nobody writes at the moment.
fn raw_copy(database: &Path, copy: &Path) -> rusqlite::Connection {
    let original = rusqlite::Connection::open(database).expect("opened");
    let left: i64 = original
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .expect("brought into the file");
    assert_eq!(left, 0, "somebody writes");
    std::fs::copy(database, copy).expect("copied");
    // What is still to be written would be written while the copy is measured.
    let file = std::fs::File::open(copy).expect("opened");
    file.sync_all().expect("on the disk");
    let copy = rusqlite::Connection::open(copy).expect("opened");
    copy.execute_batch(
        "PRAGMA synchronous = full; PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 4000;",
    )
    .expect("set");
    copy
}

/// The same on PostgreSQL, into a copy of the table: arrays through `UNNEST`, one durable commit a group.
pub async fn raw_postgres(database_url: &str, mut source: RawRows, group: usize) -> f64 {
    let mut database = PgConnection::connect(database_url)
        .await
        .expect("connected");
    for statement in [
        "DROP TABLE IF EXISTS raw_punch",
        "CREATE TABLE raw_punch (LIKE punch INCLUDING ALL)",
        "INSERT INTO raw_punch SELECT * FROM punch",
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
