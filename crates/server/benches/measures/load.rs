//! What terminals do: poll, say hello, bring punches, take commands.

use crate::Measured;
use crate::measures::ceilings::{HelloWorld, RawRows, raw_postgres, raw_sqlite};
use crate::measures::table::{Aim, Table};
use chrono::{NaiveDate, TimeDelta};
use http::Method;
use muster_simulator::{Kind, LoadFigures, LoadOptions, load};
use muster_store::Sql;
use serde_json::json;
use std::sync::atomic::{AtomicI64, Ordering};

pub const SECONDS: f64 = 5.0;

pub async fn polls(on: &Measured, table: &mut Table, hello: &HelloWorld) {
    let name = on.name;
    let kept = run_at(&on.address, Kind::IdlePoll, 64, "POLL", SECONDS).await;
    table.line(
        &format!("{name}: idle polls, 64 connections"),
        kept.requests_per_second(),
        "/s",
        (hello.kept, "hello-world, the same connections"),
        Aim::Ratio(0.7),
    );
    let closed = run(on, Kind::IdlePoll, 64, false).await;
    table.line(
        &format!("{name}: idle polls, a connection each"),
        closed.requests_per_second(),
        "/s",
        (hello.closed, "hello-world, a connection each"),
        Aim::Ratio(0.7),
    );
    let storm = load(&LoadOptions {
        server: on.address.clone(),
        kind: Kind::Handshake,
        keep_alive: false,
        sn_prefix: "STORM".into(),
        requests: 5000,
        duration_s: 120.0,
        ..LoadOptions::default()
    })
    .await
    .expect("the load runs");
    assert_eq!((storm.requests, storm.refused), (5000, 0));
    table.line(
        &format!("{name}: 5000 new terminals say hello"),
        storm.seconds,
        "s",
        (5000.0 / hello.closed, "hello-world, a connection each"),
        Aim::Most(60.0),
    );
}

pub async fn uploads(on: &Measured, table: &mut Table) {
    let ours = if on.database_url.is_empty() { 0.9 } else { 0.8 };
    for (kind, upload, connections, keep_alive, aim) in [
        (Kind::OneRecord, 1, 1, true, Aim::None),
        (Kind::OneRecord, 1, 64, true, Aim::Ratio(35.0 / 45.0)),
        (Kind::OneRecord, 1, 64, false, Aim::None),
        (Kind::OneRecord, 1, 512, true, Aim::None),
        (Kind::Rows(200), 200, 64, true, Aim::Ratio(ours)),
        (Kind::Rows(5000), 5000, 8, true, Aim::Ratio(ours)),
    ] {
        let before = on.app.recorder.groups();
        let figures = run(on, kind, connections, keep_alive).await;
        assert_eq!(figures.refused, 0, "{kind:?}");
        let groups = (on.app.recorder.groups() - before).max(1);
        let group = usize::try_from(figures.rows / groups).unwrap_or(1).max(1);
        let source = RawRows::new(upload);
        let raw = match on.database_url.as_str() {
            "" => raw_sqlite(&on.data_dir.join("muster.db"), source, group),
            url => raw_postgres(url, source, group).await,
        };
        let each = if keep_alive {
            ""
        } else {
            ", a connection each"
        };
        table.line(
            &format!(
                "{}: uploads of {upload}, {connections} connections{each}",
                on.name
            ),
            figures.rows_per_second(),
            "rows/s",
            (
                raw,
                &format!(
                    "raw driver, durable, groups of {group}; p50 {:.1} p99 {:.1} ms",
                    figures.p50_ms, figures.p99_ms
                ),
            ),
            aim,
        );
    }
}

/// Ten thousand commands: a hundred people get on a hundred terminals, which take and do what they are told.
pub async fn commands(on: &Measured, table: &mut Table) {
    let area = json!({ "area_code": "C", "area_name": "Commands" });
    let made = on
        .request(Method::POST, "/personnel/api/areas/")
        .json(&area)
        .send()
        .await
        .expect("answered");
    assert_eq!(made.status(), 201);
    for number in 1..=100 {
        let terminal = json!({ "sn": format!("CMD{number:07}"), "alias": format!("Door {number}"), "ip_address": "10.0.0.1", "area": "C" });
        let made = on
            .request(Method::POST, "/iclock/api/terminals/")
            .json(&terminal)
            .send()
            .await
            .expect("answered");
        let status = made.status();
        assert_eq!(status, 201, "{}", made.text().await.expect("read"));
    }
    let codes: Vec<String> = (0..100).map(crate::filled::code).collect();
    let moved = json!({ "employees": codes, "areas": ["C"] });
    let moved = on
        .request(Method::POST, "/personnel/api/employees/adjust_area/")
        .json(&moved)
        .send()
        .await
        .expect("answered");
    let status = moved.status();
    assert_eq!(status, 200, "{}", moved.text().await.expect("read"));
    let (queued,): (i64,) = on
        .app
        .store
        .one(&Sql::new(
            "SELECT COUNT(*) FROM terminal_command WHERE state = 'queued'",
            [],
        ))
        .await
        .expect("counted");
    assert!(queued >= 10_000, "{queued}");
    let figures = load(&LoadOptions {
        server: on.address.clone(),
        connections: 100,
        kind: Kind::Commands,
        sn_prefix: "CMD".into(),
        duration_s: 120.0,
        ..LoadOptions::default()
    })
    .await
    .expect("the load runs");
    assert!(figures.commands >= 10_000, "{figures:?}");
    table.figure(
        &format!("{}: {queued} commands to 100 terminals, done", on.name),
        figures.commands as f64 / figures.seconds,
        "/s",
        "",
        Aim::None,
    );
}

async fn run(on: &Measured, kind: Kind, connections: usize, keep_alive: bool) -> LoadFigures {
    load(&LoadOptions {
        keep_alive,
        ..options(&on.address, kind, connections, "LOAD", SECONDS)
    })
    .await
    .expect("the load runs")
}

pub async fn run_at(
    address: &str,
    kind: Kind,
    connections: usize,
    sn_prefix: &str,
    seconds: f64,
) -> LoadFigures {
    load(&options(address, kind, connections, sn_prefix, seconds))
        .await
        .expect("the load runs")
}

fn options(
    address: &str,
    kind: Kind,
    connections: usize,
    sn_prefix: &str,
    seconds: f64,
) -> LoadOptions {
    // Rows of another run are other rows.
    static RUNS: AtomicI64 = AtomicI64::new(0);
    let first = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap_or_default()
        + TimeDelta::days(90 * RUNS.fetch_add(1, Ordering::Relaxed));
    LoadOptions {
        server: address.to_owned(),
        connections,
        kind,
        sn_prefix: sn_prefix.into(),
        duration_s: seconds,
        first_second: first.into(),
        ..LoadOptions::default()
    }
}
