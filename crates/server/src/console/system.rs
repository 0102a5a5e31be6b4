//! The server itself: how it is, what it does by itself, and the options in force.

use crate::access::{Right, Thing};
use crate::app::App;
use crate::config::Explained;
use crate::console::Console;
use crate::console::failure::Failure;
use crate::console::page::{self, Frame};
use crate::console::session::Session;
use crate::error::{Error, Result};
use crate::health::{self, Finding};
use crate::times;
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::TimeDelta;
use std::sync::Arc;

pub const SYSTEM: &str = "System";
pub const SETTINGS: &str = "Settings";

struct Job {
    name: &'static str,
    every: String,
    last: String,
    took: String,
    is_good: bool,
}

#[derive(Template)]
#[template(path = "system.html")]
struct SystemPage {
    frame: Frame,
    facts: Vec<(&'static str, String)>,
    counts: Vec<(&'static str, i64)>,
    jobs: Vec<Job>,
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
    let findings = match query.as_deref() {
        Some("check") => {
            let checks = health::checks(&app.store, &app.keys).await?.into_iter();
            let certificate = app.tls.finding(app.clock.now());
            Some(checks.chain(certificate).collect())
        }
        _ => None,
    };
    page::html(
        StatusCode::OK,
        &SystemPage {
            frame: Frame::of(SYSTEM, &session),
            facts: facts(app).await?,
            counts: health::counts(app).await?,
            jobs: jobs(app),
            findings,
        },
    )
}

async fn facts(app: &App) -> Result<Vec<(&'static str, String)>> {
    let database = health::database(app).await?;
    let now = app.clock.now();
    let unknown = || "unknown".to_owned();
    Ok(vec![
        ("Version", format!("muster {}", env!("CARGO_PKG_VERSION"))),
        ("Running for", length(now - app.started_at)),
        (
            "Time",
            format!("{} ({})", times::instant(now, app.zone), app.zone),
        ),
        ("Company", app.company.name.clone()),
        ("Database", database.kind),
        ("Its size", size(u64::try_from(database.bytes).unwrap_or(0))),
        ("Its schema", format!("step {}", database.schema)),
        (
            "Memory in use",
            health::memory_bytes().map_or_else(unknown, size),
        ),
        (
            "Disk",
            health::disk_bytes(app).map_or_else(unknown, |(free, all)| {
                format!("{} free of {}", size(free), size(all))
            }),
        ),
        (
            "HTTPS",
            match app.tls.finding(now) {
                None => "off: no certificate is named".into(),
                Some(Ok(text) | Err(text)) => text,
            },
        ),
        ("Data folder", app.config.data_dir.display().to_string()),
    ])
}

fn jobs(app: &App) -> Vec<Job> {
    let runs = app.runs.all().into_iter();
    runs.map(|(name, run)| Job {
        name,
        every: length(TimeDelta::from_std(run.every).unwrap_or_default()),
        last: times::instant(run.ended_at, app.zone),
        took: format!("{} ms", run.took.as_millis()),
        is_good: run.is_good,
    })
    .collect()
}

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    frame: Frame,
    options: Vec<Explained>,
}

/// `GET /settings`.
pub async fn settings(
    State(console): State<Arc<Console>>,
    session: Session,
) -> Result<Response, Failure> {
    session.caller.require(Right::View(Thing::Setting))?;
    page::html(
        StatusCode::OK,
        &SettingsPage {
            frame: Frame::of(SETTINGS, &session),
            options: console.app.config.explained().map_err(Error::from)?,
        },
    )
}

/// Bytes as people read them.
fn size(bytes: u64) -> String {
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
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
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
        "0 s".into()
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
