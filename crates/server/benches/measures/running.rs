//! The program as a process of its own: how soon it listens, what it holds in memory, and two of them.

use crate::measures::load::{SECONDS, run_at};
use crate::measures::table::{Aim, Table};
use crate::process::Process;
use muster_simulator::{Kind, LoadOptions, load};
use std::path::Path;
use std::time::Instant;

pub async fn at_size(name: &str, data: &Path, url: &str, table: &mut Table, size: i64) {
    let started = Instant::now();
    let process = Process::start(data, Some(url)).await;
    let took = started.elapsed().as_secs_f64() * 1000.0;
    table.figure(
        &format!("{name}: start over {size} punches"),
        took,
        "ms",
        "",
        Aim::None,
    );
    table.figure(
        &format!("{name}: memory after it, {size} punches"),
        process.resident_mib(),
        "MiB",
        "",
        Aim::None,
    );
    process.stop().await;
}

/// Five thousand terminals that are connected and poll.
pub async fn terminals(name: &str, data: &Path, url: &str, table: &mut Table) {
    const TERMINALS: usize = 5000;
    let process = Process::start(data, Some(url)).await;
    let mut before = 0.0;
    for (rounds, what) in [(5, "memory after 5 polls of"), (40, "and after 40 more of")] {
        load(&LoadOptions {
            server: process.address.clone(),
            connections: TERMINALS,
            kind: Kind::IdlePoll,
            sn_prefix: "MANY".into(),
            requests: rounds * TERMINALS as u64,
            duration_s: 120.0,
            ..LoadOptions::default()
        })
        .await
        .expect("the load runs");
        let now = process.resident_mib();
        let note = match before {
            0.0 => String::new(),
            before => format!("{before:.1} before"),
        };
        let line = format!("{name}: {what} {TERMINALS} terminals");
        table.figure(&line, now, "MiB", &note, Aim::Most(100.0));
        before = now;
    }
    process.stop().await;
}

/// Two servers on one PostgreSQL, beside one under the same load.
pub async fn two_servers(data: &Path, url: &str, table: &mut Table) {
    let other = tempfile::tempdir().expect("a folder");
    std::fs::copy(data.join("muster.key"), other.path().join("muster.key"))
        .expect("the key is copied");
    let first = Process::start(data, Some(url)).await;
    let alone = run_at(&first.address, Kind::OneRecord, 64, "ONE", SECONDS).await;
    let second = Process::start(other.path(), Some(url)).await;
    let (a, b) = tokio::join!(
        run_at(&first.address, Kind::OneRecord, 32, "TWA", SECONDS),
        run_at(&second.address, Kind::OneRecord, 32, "TWB", SECONDS)
    );
    table.line(
        "PostgreSQL: one-record uploads, two servers",
        a.rows_per_second() + b.rows_per_second(),
        "rows/s",
        (alone.rows_per_second(), "one server, the same machine"),
        Aim::Ratio(1.5),
    );
    first.stop().await;
    second.stop().await;
}
