//! The server itself: how it is, what it does by itself, and the others on its database.

use crate::access::{Right, Thing};
use crate::app::App;
use crate::console::Console;
use crate::console::backups::{self, Backups};
use crate::console::failure::Failure;
use crate::console::moment;
use crate::console::page::{self, Frame};
use crate::console::session::Session;
use crate::error::Result;
use crate::health::{self, Finding};
use crate::language::{self, Text};
use crate::runs;
use crate::times;
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use muster_store::Sql;
use std::sync::Arc;

pub const SYSTEM: Text = t!("System");

struct Job {
    name: String,
    every: String,
    last: String,
    took: String,
    is_good: bool,
    /// When it last was.
    good: Option<String>,
    /// Where it ran; empty when that is not known.
    server: String,
    is_this: bool,
}

pub struct Server {
    id: String,
    host: String,
    address: String,
    version: String,
    started: String,
    seen: String,
    is_there: bool,
    is_this: bool,
    does_jobs: bool,
}

/// Each says that it is there every ten seconds.
const SILENT_AFTER: TimeDelta = TimeDelta::seconds(30);

#[derive(Template)]
#[template(path = "system.html")]
struct SystemPage {
    frame: Frame,
    facts: Vec<(Text, String)>,
    counts: Vec<(Text, i64)>,
    backups: Backups,
    csrf: String,
    may_back_up: bool,
    jobs: Vec<Job>,
    /// None where there can be one alone.
    servers: Vec<Server>,
    /// What was looked at, when somebody asked for it.
    findings: Option<Vec<Finding>>,
}

/// `GET /system`; with `check` everything is looked at, as `muster doctor` does.
pub async fn page(
    State(console): State<Arc<Console>>,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    session.caller.require(Right::View(Thing::Setting))?;
    let app = &console.app;
    let servers = servers(app).await?;
    let findings = match query.as_deref() {
        Some("check") => {
            let room = health::room(&app.config.data_dir);
            let checks = health::checks(&app.store, &app.keys).await?;
            let now = app.clock.now();
            let backups = health::backups(&app.settings(), &app.company.id, now);
            let certificate = app.tls.finding(now);
            Some(
                [room]
                    .into_iter()
                    .chain(checks)
                    .chain(backups)
                    .chain(certificate)
                    .collect(),
            )
        }
        _ => None,
    };
    page::html(
        StatusCode::OK,
        &SystemPage {
            frame: Frame::of(SYSTEM, &session),
            facts: facts(app).await?,
            counts: health::counts(app).await?,
            backups: backups::shown(app, &servers).await?,
            csrf: session.csrf.clone(),
            may_back_up: session.caller.may(Right::Change(Thing::Setting)),
            jobs: jobs(app, &servers).await?,
            servers,
            findings,
        },
    )
}

async fn facts(app: &App) -> Result<Vec<(Text, String)>> {
    let database = health::database(app).await?;
    let now = app.clock.now();
    let unknown = || String::from(t!("unknown"));
    Ok(vec![
        (
            t!("Version"),
            format!("muster {}", env!("CARGO_PKG_VERSION")),
        ),
        (t!("Running for"), length(now - app.started_at)),
        (
            t!("Time"),
            format!("{} ({})", times::instant(now, app.zone), app.zone),
        ),
        (t!("Company"), app.company.name.clone()),
        (t!("Database"), database.kind),
        (
            t!("Its size"),
            size(u64::try_from(database.bytes).unwrap_or(0)),
        ),
        (
            t!("Its schema"),
            t!("step {number}", number = database.schema),
        ),
        (
            t!("Memory in use"),
            health::memory_bytes().map_or_else(unknown, size),
        ),
        (
            t!("Disk"),
            health::disk_bytes(&app.config.data_dir).map_or_else(unknown, |(free, all)| {
                t!("{free} free of {all}", free = size(free), all = size(all))
            }),
        ),
        (
            t!("HTTPS"),
            match app.tls.finding(now) {
                None => t!("off: no certificate is named").into(),
                Some(Ok(text) | Err(text)) => text,
            },
        ),
        (t!("Data folder"), app.config.data_dir.display().to_string()),
    ])
}

/// The servers on the database, this one among them.
async fn servers(app: &App) -> Result<Vec<Server>> {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: String,
        host: String,
        address: String,
        version: String,
        started_at: DateTime<Utc>,
        seen_at: DateTime<Utc>,
        does_jobs: bool,
    }
    let rows: Vec<Row> = app
        .store
        .all(&Sql::new(
            "SELECT id, host, address, version, started_at, seen_at, does_jobs FROM server ORDER BY started_at, id",
            [],
        ))
        .await?;
    let now = app.clock.now();
    Ok(rows
        .into_iter()
        .map(|row| Server {
            is_this: row.id == app.server_id.to_string(),
            is_there: now - row.seen_at < SILENT_AFTER,
            seen: moment::moment(app, row.seen_at).ago,
            started: times::instant(row.started_at, app.zone),
            id: row.id,
            host: row.host,
            address: row.address,
            version: row.version,
            does_jobs: row.does_jobs,
        })
        .collect())
}

/// Whether terminals may speak with another server as well as with this one.
pub async fn others_are_there(app: &App) -> Result<bool> {
    let servers = servers(app).await?;
    Ok(servers
        .iter()
        .any(|server| server.is_there && !server.is_this))
}

/// What people know a server by; none when it is not among these.
pub fn named(servers: &[Server], id: &str) -> Option<String> {
    let server = servers.iter().find(|server| server.id == id)?;
    Some(format!("{} {}", server.host, server.address))
}

async fn jobs(app: &App, servers: &[Server]) -> Result<Vec<Job>> {
    let here = app.server_id.to_string();
    let told = runs::told(app).await?.into_iter();
    Ok(told
        .map(|(name, last)| Job {
            name: language::worded(name).into_owned(),
            every: length(TimeDelta::from_std(last.every).unwrap_or_default()),
            last: times::instant(last.ended_at, app.zone),
            took: t!("{count} ms", count = last.took.as_millis()),
            is_good: last.is_good,
            good: last.good_at.map(|at| times::instant(at, app.zone)),
            server: named(servers, &last.server_id).unwrap_or_default(),
            is_this: last.server_id == here,
        })
        .collect())
}

/// Bytes as people read them.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut amount = bytes as f64 / 1024.0;
    let mut unit = UNITS[0];
    for larger in &UNITS[1..] {
        if amount < 1024.0 {
            break;
        }
        amount /= 1024.0;
        unit = larger;
    }
    format!("{amount:.1} {unit}")
}

/// A length of time in its two largest parts.
fn length(time: TimeDelta) -> String {
    let seconds = time.num_seconds().max(0);
    let parts = [
        (seconds / 86_400, t!("d" as "days")),
        (seconds / 3600 % 24, t!("h" as "hours")),
        (seconds / 60 % 60, t!("min" as "minutes")),
        (seconds % 60, t!("s" as "seconds")),
    ];
    let begun = parts.iter().position(|(count, _)| *count > 0).unwrap_or(3);
    let shown = parts[begun..]
        .iter()
        .take(2)
        .filter(|(count, _)| *count > 0);
    let texts: Vec<String> = shown
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    if texts.is_empty() {
        format!("0 {}", t!("s" as "seconds"))
    } else {
        texts.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::{length, size};
    use chrono::TimeDelta;

    #[test]
    fn sizes_and_lengths_are_told_in_few_words() {
        assert_eq!(size(512), "0.5 KiB");
        assert_eq!(size(5 << 20), "5.0 MiB");
        assert_eq!(size(3 << 40), "3.0 TiB");
        assert_eq!(length(TimeDelta::seconds(0)), "0 s");
        assert_eq!(length(TimeDelta::seconds(61)), "1 min 1 s");
        assert_eq!(length(TimeDelta::seconds(60)), "1 min");
        assert_eq!(
            length(TimeDelta::seconds(86_400 * 3 + 7200 + 59)),
            "3 d 2 h"
        );
    }
}
