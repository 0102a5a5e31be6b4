//! The program as a process of its own: how soon it listens, what it holds in memory, and two of them.

use crate::measures::load::{SECONDS, run_at};
use crate::measures::table::{Aim, Table};
use crate::process::{Held, Process};
use muster_simulator::{Kind, LoadOptions, load};
use std::io;
use std::path::Path;
use std::time::Instant;

/// What each of two servers gets of a core, so that what both want leaves the database and the load more than they need.
const SHARE: f64 = 0.15;

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

/// Two servers on one PostgreSQL, beside one under the same load: as they are, which on few cores says how busy those are, and
/// held to a part of a core each, so that the database is not the limit.
pub async fn two_servers(data: &Path, url: &str, table: &mut Table) {
    let other = tempfile::tempdir().expect("a folder");
    std::fs::copy(data.join("muster.key"), other.path().join("muster.key"))
        .expect("the key is copied");
    for (held_to, aim) in [(None, Aim::None), (Some(SHARE), Aim::Ratio(1.5))] {
        let start = async |data: &Path| -> io::Result<(Process, Option<Held>)> {
            let process = Process::start(data, Some(url)).await;
            let held = held_to.map(|share| Held::to(process.id(), share));
            Ok((process, held.transpose()?))
        };
        let (first, second) = match (start(data).await, start(other.path()).await) {
            (Ok(first), Ok(second)) => (first, second),
            (Err(error), _) | (_, Err(error)) => {
                println!(
                    "PostgreSQL: two servers held to a part of a core each: not measured, {error}"
                );
                return;
            }
        };
        let name = |server: &str| format!("{server}{}", u8::from(held_to.is_some()));
        let run = async |process: &Process, connections, sn_prefix: &str| {
            run_at(
                &process.address,
                Kind::OneRecord,
                connections,
                &name(sn_prefix),
                SECONDS,
            )
            .await
            .rows_per_second()
        };
        let alone = run(&first.0, 64, "ONE").await;
        let (a, b) = tokio::join!(run(&first.0, 32, "TWA"), run(&second.0, 32, "TWB"));
        let (what, one) = match held_to {
            None => ("two servers".to_owned(), "one server, the same machine"),
            Some(share) => (
                format!("two servers of {share} cores each"),
                "one such server",
            ),
        };
        table.line(
            &format!("PostgreSQL: one-record uploads, {what}"),
            a + b,
            "rows/s",
            (alone, one),
            aim,
        );
        first.0.stop().await;
        second.0.stop().await;
    }
}
