//! `muster archive`: the months of punches there are, old ones put away, and brought back.

use super::Place;
use crate::access::Caller;
use crate::app::App;
use crate::error::{Error, Result};
use crate::punches::parts::{self, Held, Month};
use anyhow::{Context, ensure};
use clap::Args;
use muster_store::Dialect;
use std::process::ExitCode;
use std::time::Duration;

/// Whoever is in the way (an export reads for minutes) is tried so often, with a pause in which everybody else goes on.
const TRIES: u32 = 30;
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub struct Archive {
    #[command(flatten)]
    place: Place,
    /// Put all months before this one into the schema `archive` of the database
    #[arg(long, value_name = "YYYY-MM", conflicts_with = "bring_back")]
    before: Option<Month>,
    /// Bring one of them back, as the list calls it
    #[arg(long, value_name = "YYYY-MM")]
    bring_back: Option<String>,
}

impl Archive {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let Archive {
            place,
            before,
            bring_back,
        } = self;
        place.with_app(async |app| {
            ensure!(
                app.store.dialect() == Dialect::Postgres,
                "on SQLite all punches lie in one file; months are PostgreSQL's (`muster move` goes there)"
            );
            match (before, bring_back) {
                (Some(month), _) => put_away(app, month).await,
                (None, Some(time)) => fetch(app, &time).await,
                (None, None) => list(app).await,
            }
        })
    }
}

async fn put_away(app: &App, month: Month) -> anyhow::Result<()> {
    ensure!(
        month <= Month::of(app.today()),
        "the months before {month} are not over yet"
    );
    let mut parts = parts::parts(&app.store).await?;
    parts.retain(|part| !part.is_archived && part.is_before(month));
    ensure!(
        !parts.is_empty(),
        "nothing here ends before {month}: `muster archive` lists what there is"
    );
    for part in parts {
        let looked = parts::held(&app.store, &part).await?;
        let put = async || parts::archive(app, &Caller::system(), &part, looked).await;
        let held = patiently(put).await?;
        println!("put away {}: {}", part.time(), counted(held));
    }
    Ok(())
}

async fn fetch(app: &App, time: &str) -> anyhow::Result<()> {
    let parts = parts::parts(&app.store).await?;
    let part = parts
        .into_iter()
        .find(|part| part.is_archived && part.time().to_string() == time)
        .with_context(|| format!("{time} is not in the archive: `muster archive` lists what is"))?;
    let held = patiently(async || parts::make_ready(app, &part).await).await?;
    patiently(async || parts::bring_back(app, &Caller::system(), &part, held).await).await?;
    println!("brought back {time}: {}", counted(held));
    Ok(())
}

async fn list(app: &App) -> anyhow::Result<()> {
    for part in parts::parts(&app.store).await? {
        let held = parts::held(&app.store, &part).await?;
        let place = if part.is_archived { "archive" } else { "here" };
        let mib = held.bytes >> 20;
        println!(
            "{:<16}{place:<8}{mib:>10} MiB  {}",
            part.time().to_string(),
            counted(held)
        );
    }
    Ok(())
}

fn counted(held: Held) -> String {
    format!(
        "{} transactions, {} of unknown people",
        held.known, held.unknown
    )
}

/// Does it when nobody is in the way. Of the part itself one is in the way of all others, so it is asked again and again.
async fn patiently<T>(mut work: impl AsyncFnMut() -> Result<T>) -> anyhow::Result<T> {
    for _ in 1..TRIES {
        match work().await {
            Err(Error::Unavailable(cause)) => {
                tracing::info!(%cause, "somebody is in the way; it is tried again");
                tokio::time::sleep(PAUSE).await;
            }
            done => return Ok(done?),
        }
    }
    work().await.context(
        "somebody is in the way, such as a long export; nothing was done, so try again later",
    )
}
