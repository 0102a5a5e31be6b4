//! Backups as the System page shows them: those that are there, and one that is made now.

use crate::access::{Right, Thing};
use crate::app::App;
use crate::audit::{self, Deed};
use crate::backup::{self, Sealing};
use crate::console::Console;
use crate::console::failure::Failure;
use crate::console::form::Form;
use crate::console::system;
use crate::error::{Error, Result};
use crate::keys;
use crate::times;
use crate::writing::Writing;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use std::fs;
use std::sync::Arc;
use tokio::sync::Mutex;

/// More are in the folder.
const SHOWN: usize = 5;

/// Held while a backup is made; in it the reference under which the log has why the last one failed.
pub type Making = Arc<Mutex<Option<String>>>;

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
    pub failed: Option<String>,
    /// Why they cannot be listed.
    pub trouble: Option<String>,
}

pub struct Kept {
    pub name: String,
    pub made: String,
    pub size: String,
}

pub fn shown(app: &App, making: &Making) -> Backups {
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
    let held = making.try_lock();
    Backups {
        is_sealed: !options.recipients.is_empty(),
        folder: folder.display().to_string(),
        every_h: options.every_h,
        newest: kept.collect(),
        count: there.len(),
        is_under_way: held.is_err(),
        failed: held.ok().and_then(|failed| failed.clone()),
        trouble,
    }
}

/// `POST /system/backup`: begins one, unless one is being made. It goes on when the page is left.
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
    if let Ok(mut failed) = Arc::clone(&console.making).try_lock_owned() {
        let deed = Deed {
            action: "backup",
            thing: "setting",
            ..Deed::default()
        };
        let mut tx = Writing::begin(&app).await?;
        audit::write(&mut tx, app.clock.now(), caller, deed).await?;
        tx.commit(&app).await?;
        *failed = None;
        let making = Arc::clone(&console.app);
        app.background.begin(async move {
            let folder = making.config.backup_folder();
            let made = match backup::claim(&folder, &making.company.id) {
                Ok(()) => backup::make(&making, &folder, sealing).await,
                Err(error) => Err(error),
            };
            match made {
                Ok(made) => {
                    tracing::info!(file = %made.file.display(), bytes = made.bytes, "a backup was made");
                }
                Err(error) => {
                    let reference = hex::encode(keys::random::<4>());
                    tracing::error!(%reference, error = format!("{error:#}"), "a backup failed");
                    *failed = Some(reference);
                }
            }
        });
    }
    Ok(Redirect::to("/system#backups").into_response())
}
