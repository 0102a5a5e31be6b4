//! What every part of the server shares: made once, passed along, never global.

use crate::accounts::Accounts;
use crate::background::Background;
use crate::clock::Clock;
use crate::config::Config;
use crate::events::Events;
use crate::install;
use crate::keys::Keys;
use crate::metrics::Metrics;
use crate::password::Passwords;
use crate::punches::day::KeptDays;
use crate::punches::record::Recorder;
use crate::resource::{Counts, Places};
use crate::runs::Runs;
use crate::settings::Settings;
use crate::terminals::roster::Roster;
use crate::tls::Tls;
use anyhow::Context;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use governor::{DefaultKeyedRateLimiter, Quota};
use muster_store::{Schema, Store};
use std::fs;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::os::unix::fs::DirBuilderExt;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

pub struct App {
    /// What the server was started with. Some of it is changed while it runs: see `settings`.
    pub config: Config,
    pub settings: Settings,
    pub clock: Clock,
    /// The server's own zone: what the API shows times in, and what new terminals get.
    pub zone: Tz,
    pub keys: Keys,
    pub store: Store,
    pub events: Events,
    pub company: Company,
    pub roster: Roster,
    pub recorder: Recorder,
    pub passwords: Passwords,
    /// Unknown terminals, by address.
    pub newcomers: Newcomers,
    /// One packed or large upload is read at a time.
    pub large_bodies: Semaphore,
    /// Files are taken in one at a time: one may be all the writing a database can do.
    pub importing: Semaphore,
    /// Each export holds a connection; most are left to everybody else.
    pub exporting: Arc<Semaphore>,
    /// One picture is decoded at a time: it may take a hundred times its size.
    pub pictures: Semaphore,
    pub accounts: Accounts,
    pub background: Background,
    pub counts: Counts,
    pub places: Places,
    pub days: KeptDays,
    /// The day for which everybody was last looked for on the terminals.
    pub people_settled_on: Remembered<NaiveDate>,
    pub runs: Runs,
    pub metrics: Arc<Metrics>,
    /// Begun by whoever serves.
    pub tls: Tls,
    /// Told when this server may not go on.
    pub must_stop: Notify,
    pub started_at: DateTime<Utc>,
    /// Who this server is among those on its database.
    pub server_id: Uuid,
}

/// Something one server knows of itself until it stops.
#[derive(Debug)]
pub struct Remembered<T>(Mutex<Option<T>>);

impl<T: Copy> Remembered<T> {
    pub fn get(&self) -> Option<T> {
        *self.0.lock().expect("nobody panics while holding it")
    }

    pub fn set(&self, value: T) {
        *self.0.lock().expect("nobody panics while holding it") = Some(value);
    }
}

/// How fast unknown terminals may be added, by the address they call from.
pub type Newcomers = DefaultKeyedRateLimiter<IpAddr>;

/// The one company of this installation.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Company {
    pub id: String,
    pub name: String,
}

/// How long a request waits for a connection to the database, at most.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// An opened application, and what the first start made.
pub struct Opened {
    pub app: Arc<App>,
    /// The administrator's password, when this start made the account.
    pub first_password: Option<String>,
}

impl App {
    /// Opens the database, brings its schema up to date and, at the first start, makes the company,
    /// the seeded rows and the administrator.
    pub async fn open(
        config: Config,
        clock: Clock,
        admin_password: Option<String>,
    ) -> anyhow::Result<Opened> {
        App::open_with(config, clock, admin_password, Schema::Completed).await
    }

    /// The same for who works beside servers: the installation is there, of this version.
    pub async fn open_as_it_is(config: Config, clock: Clock) -> anyhow::Result<Opened> {
        App::open_with(config, clock, None, Schema::Required).await
    }

    async fn open_with(
        config: Config,
        clock: Clock,
        admin_password: Option<String>,
        schema: Schema,
    ) -> anyhow::Result<Opened> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&config.data_dir)
            .with_context(|| format!("cannot make {}", config.data_dir.display()))?;
        let keys = Keys::load(&config.key_file())?;
        let url = config.database_url()?;
        let patience = Duration::from_secs(config.database_patience_s.into());
        let options = muster_store::Options {
            connections: config.database_connections,
            wait: patience.min(LONGEST_WAIT),
            patience,
            schema,
        };
        let store = Store::open(&url, &options)
            .await
            .with_context(|| format!("cannot open the database {url}"))?;
        anyhow::ensure!(
            store.share().await?,
            "the database is being moved, or its keys are changed: start again when that is done"
        );
        let zone = config.zone()?;
        let metrics = Arc::new(Metrics::default());
        let passwords = Passwords::new(metrics.clone());
        let installed =
            install::install(&store, &clock, &keys, &config, &passwords, admin_password).await?;
        let settings = Settings::read(&store, &config).await?;
        let events = Events::default();
        let recorder = Recorder::start(
            store.clone(),
            clock.clone(),
            installed.company.clone(),
            events.clone(),
            metrics.clone(),
        );
        let newcomers = Newcomers::keyed(Quota::per_minute(
            NonZeroU32::new(config.terminals.new_per_minute_per_address).unwrap_or(NonZeroU32::MIN),
        ));
        let app = Arc::new(App {
            newcomers,
            large_bodies: Semaphore::new(1),
            importing: Semaphore::new(1),
            exporting: Arc::new(Semaphore::new(
                (config.database_connections as usize / 4).max(1),
            )),
            pictures: Semaphore::new(1),
            zone,
            keys,
            events,
            company: installed.company,
            roster: Roster::default(),
            recorder,
            passwords,
            accounts: Accounts::new(clock.clone()),
            background: Background::default(),
            counts: Counts::default(),
            places: Places::default(),
            days: KeptDays::default(),
            people_settled_on: Remembered(Mutex::new(None)),
            runs: Runs::default(),
            metrics,
            tls: Tls::default(),
            must_stop: Notify::new(),
            started_at: clock.now(),
            server_id: Uuid::new_v4(),
            store,
            clock,
            config,
            settings,
        });
        Ok(Opened {
            app,
            first_password: installed.first_password,
        })
    }

    /// The options in force, with what was changed since the start.
    pub fn settings(&self) -> Arc<Config> {
        self.settings.now()
    }

    /// The day it is by the server's own clock.
    pub fn today(&self) -> NaiveDate {
        self.clock.now().with_timezone(&self.zone).date_naive()
    }

    /// Ends what nobody waits for, finishes what was acknowledged and closes the database.
    pub async fn close(&self) {
        self.background.end().await;
        self.recorder.finish().await;
        self.store.close().await;
    }
}
