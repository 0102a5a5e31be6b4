//! `muster restore`: an installation out of a backup, where there is none.

use super::{Passphrase, Place, block_on};
use crate::app::App;
use crate::backup::{self, About, Opening};
use crate::clock::Clock;
use crate::config::Config;
use crate::punches::record;
use crate::terminals::sync::drift;
use crate::writing::Writing;
use anyhow::{Context, ensure};
use clap::Args;
use muster_store::{Options, Store, Url};
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Ids that may have been given after the backup was made are not given again: so many at least, and so many
/// for each hour that has passed. Punches have more: each takes an id, known or not, and a terminal that is asked sends all it has.
const IDS_SKIPPED: Skipped = Skipped {
    least: 100_000,
    an_hour: 20_000,
};
const PUNCH_IDS_SKIPPED: Skipped = Skipped {
    least: 10_000_000,
    an_hour: 1_000_000,
};

struct Skipped {
    least: i64,
    an_hour: i64,
}

impl Skipped {
    fn after(&self, hours: i64) -> i64 {
        self.least + self.an_hour * hours
    }
}

#[derive(Debug, Args)]
pub struct Restore {
    /// The backup: muster-….tar.gz.age
    file: PathBuf,
    #[command(flatten)]
    place: Place,
    /// The key file that opens it (`muster backup --make-key` made it)
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase")]
    key: Option<PathBuf>,
    #[command(flatten)]
    sealed_with: Passphrase,
    /// So many ids are left out, where the server gave more than 20 000 an hour after the backup, or more than a million to punches
    #[arg(long, value_name = "COUNT")]
    skip_ids: Option<i64>,
}

impl Restore {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.place.load()?;
        let opening = match (self.key, self.sealed_with.passphrase) {
            (Some(file), _) => {
                let text = fs::read_to_string(&file)
                    .with_context(|| format!("cannot read {}", file.display()))?;
                Opening::with_identities(&text).with_context(|| file.display().to_string())?
            }
            (None, Some(passphrase)) => Opening::Passphrase(passphrase.into()),
            (None, None) => anyhow::bail!(
                "what opens it? --key FILE, or the passphrase in MUSTER_BACKUP_PASSPHRASE"
            ),
        };
        let is_free = match fs::read_dir(&config.data_dir) {
            Ok(mut entries) => entries.next().is_none(),
            Err(_) => !config.data_dir.exists(),
        };
        ensure!(
            is_free,
            "{} is not empty: a backup is restored where there is nothing; --data-dir names another folder",
            config.data_dir.display()
        );
        block_on(async {
            let folder = Emerging::new(&config.data_dir)?;
            let about = place(&config, &self.file, &opening, &folder.0).await?;
            let about_it = format!(
                "the backup of {} from {}",
                about.company,
                about.made_at.format("%Y-%m-%d %H:%M UTC")
            );
            let asked = go_on(&config, &folder.0, &about, self.skip_ids)
                .await
                .with_context(|| format!("{about_it} cannot go on"))?;
            // Only now: before, it would give ids again that were given.
            folder.finish(&config.data_dir)?;
            println!(
                "{about_it} is in place. {asked} terminals will be asked for the punches since then; start the server.\n\
                 Users, roles, clients, passwords and tokens are what they were then: take away again what was taken away since."
            );
            Ok(ExitCode::SUCCESS)
        })
    }
}

/// Puts the key file into the folder, and the database there too or where the configuration says.
async fn place(
    config: &Config,
    file: &Path,
    opening: &Opening,
    folder: &Path,
) -> anyhow::Result<About> {
    let (about, database) = backup::open(file, opening, folder)?;
    match config.database_url()? {
        Url::Sqlite(to) if to == own_database(config) => {}
        Url::Sqlite(to) => {
            ensure!(!to.exists(), "{} is there already", to.display());
            fs::copy(&database, &to).with_context(|| format!("cannot make {}", to.display()))?;
            fs::remove_file(&database)?;
        }
        url @ Url::Postgres(_) => {
            let from = Store::open(&Url::Sqlite(database.clone()), &Options::default()).await?;
            let to = Store::open(&url, &Options::default())
                .await
                .with_context(|| format!("cannot open the database {url}"))?;
            let copied = from.copy_to(&to, |_| {}).await;
            to.close().await;
            from.close().await;
            copied.context("nothing was restored")?;
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                // The database, and what may lie beside it.
                if path.extension().is_some_and(|ending| ending != "key") {
                    fs::remove_file(path)?;
                }
            }
        }
    }
    Ok(about)
}

/// Where the database is when nothing else is said.
fn own_database(config: &Config) -> PathBuf {
    config.data_dir.join("muster.db")
}

/// What was given or told after the backup was made is neither given again nor believed undone. Returns how many
/// terminals are asked for what they have since.
async fn go_on(
    config: &Config,
    folder: &Path,
    about: &About,
    skip_ids: Option<i64>,
) -> anyhow::Result<usize> {
    let is_in_folder = config.database_url()? == Url::Sqlite(own_database(config));
    let mut config = config.clone();
    config.data_dir = folder.to_owned();
    if is_in_folder {
        config.database_url.clear();
    }
    let app = App::open(config, Clock::real(), None).await?.app;
    let hours = (app.clock.now() - about.made_at).num_hours().max(0);
    let skip = |usual: Skipped| skip_ids.unwrap_or_else(|| usual.after(hours));
    let mut tx = Writing::begin(&app).await?;
    tx.skip_ids(skip(IDS_SKIPPED)).await?;
    record::skip_ids(&mut tx, skip(PUNCH_IDS_SKIPPED)).await?;
    let asked = drift::catch_up(&app, &mut tx, about.made_at).await?;
    tx.commit(&app).await?;
    app.close().await;
    Ok(asked)
}

/// A folder that is not under its name yet, and goes when it does not get there.
struct Emerging(PathBuf);

impl Emerging {
    fn new(beside: &Path) -> anyhow::Result<Emerging> {
        let mut name = beside.as_os_str().to_owned();
        name.push(".restoring");
        let path = PathBuf::from(name);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        let is_empty = fs::read_dir(&path)?.next().is_none();
        ensure!(
            is_empty,
            "{} is left of an earlier attempt, or another one is under way: remove it",
            path.display()
        );
        Ok(Emerging(path))
    }

    fn finish(self, under: &Path) -> anyhow::Result<()> {
        fs::rename(&self.0, under).with_context(|| format!("cannot make {}", under.display()))
    }
}

impl Drop for Emerging {
    fn drop(&mut self) {
        // Under its name by now, or not wanted.
        let _ = fs::remove_dir_all(&self.0);
    }
}
