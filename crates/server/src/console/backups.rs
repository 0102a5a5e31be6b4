//! Backups as the System page shows them: those that are there, and one that is made now because somebody asked for it.
//! Whoever makes it writes down that it is under way, and how it ended, for the other servers. Owns the table
//! `backup_by_hand`.

use crate::access::{Right, Thing};
use crate::app::App;
use crate::audit::{self, Deed};
use crate::backup::{self, Made, Sealing};
use crate::console::Console;
use crate::console::failure::Failure;
use crate::console::form::Form;
use crate::console::system::{self, Server};
use crate::error::{Error, Result};
use crate::keys;
use crate::times;
use crate::writing::Writing;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, TimeDelta, Utc};
use muster_store::{Dialect, Sql, Tx};
use std::fs;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// More are in the folder.
const SHOWN: usize = 5;
const NOTED_EVERY: Duration = Duration::from_secs(5);
/// A server that has said nothing of a backup for so long makes it no more.
const BROKEN_OFF_AFTER: TimeDelta = TimeDelta::minutes(1);

pub struct Backups {
    /// Somebody is named who can open them.
    pub is_sealed: bool,
    pub folder: String,
    /// Hours; 0 when none is made by itself.
    pub every_h: u32,
    /// The newest, each with its time and size.
    pub newest: Vec<Kept>,
    pub count: usize,
    pub is_under_way: bool,
    /// The reference under which the log has why the last one failed, unless one was made since.
    pub failed: Option<String>,
    /// Where there are several servers, when and at which the one under way, or that failed, was begun.
    pub begun: Option<Begun>,
    /// Why they cannot be listed.
    pub trouble: Option<String>,
}

pub struct Kept {
    pub name: String,
    pub made: String,
    pub size: String,
}

pub struct Begun {
    pub time: String,
    pub server: String,
}

/// The last one that was begun by hand, at whichever server.
#[derive(sqlx::FromRow)]
struct ByHand {
    server_id: String,
    begun_at: DateTime<Utc>,
    seen_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    failed: Option<String>,
}

impl ByHand {
    fn is_under_way(&self, app: &App, now: DateTime<Utc>) -> bool {
        let is_silent = (now - self.seen_at).abs() > BROKEN_OFF_AFTER;
        // On SQLite there is one server: another was this one before it started again.
        let is_gone =
            app.store.dialect() == Dialect::Sqlite && self.server_id != app.server_id.to_string();
        self.ended_at.is_none() && !is_silent && !is_gone
    }
}

pub async fn shown(app: &App, servers: &[Server]) -> Result<Backups> {
    let last: Option<ByHand> = app
        .store
        .find(&Sql::new(
            "SELECT server_id, begun_at, seen_at, ended_at, failed FROM backup_by_hand WHERE id = 1",
            [],
        ))
        .await?;
    let now = app.clock.now();
    let settings = app.settings();
    let options = &settings.backup;
    let folder = app.config.backup_folder();
    let (there, trouble) = match backup::list(&folder, &app.company.id) {
        Ok(there) => (there, None),
        Err(error) => (Vec::new(), Some(format!("{error:#}"))),
    };
    let kept = there.iter().take(SHOWN).map(|(file, made_at)| Kept {
        name: file
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        made: times::instant(*made_at, app.zone),
        size: fs::metadata(file).map_or_else(|_| String::new(), |about| system::size(about.len())),
    });
    let is_under_way = last
        .as_ref()
        .is_some_and(|last| last.is_under_way(app, now));
    // One of tomorrow was made by a clock that was ahead.
    let mut made = there.iter().map(|(_, made_at)| *made_at);
    let newest = made.find(|made_at| *made_at <= now);
    let failed = last
        .as_ref()
        .filter(|last| newest.is_none_or(|made_at| made_at <= last.begun_at))
        .and_then(|last| last.failed.clone());
    let told = last.filter(|_| is_under_way || failed.is_some());
    let begun = told.and_then(|last| {
        Some(Begun {
            time: times::instant(last.begun_at, app.zone),
            server: system::named(servers, &last.server_id)?,
        })
    });
    Ok(Backups {
        is_sealed: !options.recipients.is_empty(),
        folder: folder.display().to_string(),
        every_h: options.every_h,
        newest: kept.collect(),
        count: there.len(),
        is_under_way,
        failed,
        begun,
        trouble,
    })
}

/// `POST /system/backup`: begins one, unless one is being made, be it by another server. It goes on when the page is left.
pub async fn make(State(console): State<Arc<Console>>, form: Form) -> Result<Response, Failure> {
    let caller = &form.session.caller;
    caller.require(Right::Change(Thing::Setting))?;
    let app = Arc::clone(&console.app);
    let recipients = &app.config.backup.recipients;
    if recipients.is_empty() {
        return Err(Error::refused(t!(
            "A backup is sealed for somebody: name a recipient in backup.recipients."
        ))
        .into());
    }
    let sealing = Sealing::for_recipients(recipients).map_err(Error::Internal)?;
    let begun_at = app.clock.now();
    let mut tx = Writing::begin(&app).await?;
    if take(&mut tx, &app, begun_at).await? {
        let deed = Deed {
            action: "backup",
            thing: "setting",
            ..Deed::default()
        };
        audit::write(&mut tx, begun_at, caller, deed).await?;
        tx.commit(&app).await?;
        let work = app.background.begin(one(Arc::clone(&app), sealing));
        app.background
            .begin(accompany(Arc::clone(&app), begun_at, work));
    }
    Ok(Redirect::to("/system#backups").into_response())
}

/// Writes down that one is under way here from now on; `false`: one is already, here or at another server.
async fn take(tx: &mut Tx, app: &App, begun_at: DateTime<Utc>) -> Result<bool> {
    let taken: Option<(String,)> = tx
        .find(&Sql::new(
            "INSERT INTO backup_by_hand (id, server_id, begun_at, seen_at) VALUES (1, $1, $2, $2) \
             ON CONFLICT (id) DO UPDATE SET server_id = excluded.server_id, begun_at = excluded.begun_at, \
                 seen_at = excluded.seen_at, ended_at = NULL, failed = NULL \
             WHERE backup_by_hand.ended_at IS NOT NULL OR backup_by_hand.seen_at NOT BETWEEN $3 AND $4 \
                 OR ($5 AND backup_by_hand.server_id <> $1) \
             RETURNING server_id",
            [
                app.server_id.to_string().into(),
                begun_at.into(),
                (begun_at - BROKEN_OFF_AFTER).into(),
                (begun_at + BROKEN_OFF_AFTER).into(),
                (app.store.dialect() == Dialect::Sqlite).into(),
            ],
        ))
        .await?;
    Ok(taken.is_some())
}

async fn one(app: Arc<App>, sealing: Sealing) -> anyhow::Result<Made> {
    let folder = app.config.backup_folder();
    backup::claim(&folder, &app.company.id)?;
    backup::make(&app, &folder, sealing).await
}

/// Writes down that a backup is under way until it has ended, and then how.
async fn accompany(
    app: Arc<App>,
    begun_at: DateTime<Utc>,
    mut work: JoinHandle<Option<anyhow::Result<Made>>>,
) {
    let ended = loop {
        tokio::select! {
            ended = &mut work => break ended,
            () = tokio::time::sleep(NOTED_EVERY) => {
                if let Err(error) = note(&app, begun_at, None, None).await {
                    tracing::warn!(%error, "that a backup is under way could not be written down");
                }
            }
        }
    };
    let made = match ended {
        Ok(Some(made)) => made,
        // That it was cut off shows by its not being seen any more.
        Ok(None) => return,
        Err(panicked) => Err(panicked.into()),
    };
    let failed = match made {
        Ok(made) => {
            tracing::info!(file = %made.file.display(), bytes = made.bytes, "a backup was made");
            None
        }
        Err(error) => {
            let reference = hex::encode(keys::random::<4>());
            tracing::error!(%reference, error = format!("{error:#}"), "a backup failed");
            Some(reference)
        }
    };
    // What it failed for may be the database.
    while let Err(error) = note(&app, begun_at, Some(app.clock.now()), failed.clone()).await {
        tracing::warn!(%error, "how a backup ended could not be written down; it is tried again");
        tokio::time::sleep(NOTED_EVERY).await;
    }
}

/// Of the one that was begun here then: another may have been begun since, when this one was not heard of.
async fn note(
    app: &App,
    begun_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    failed: Option<String>,
) -> Result<()> {
    let mut tx = app.store.write().await?;
    tx.run(&Sql::new(
        "UPDATE backup_by_hand SET seen_at = $3, ended_at = $4, failed = $5 WHERE server_id = $1 AND begun_at = $2",
        [
            app.server_id.to_string().into(),
            begun_at.into(),
            app.clock.now().into(),
            ended_at.into(),
            failed.into(),
        ],
    ))
    .await?;
    Ok(tx.commit().await?)
}
