//! The close way to each database, for what must be fast: a connection of its own, which nobody else
//! can use up. On SQLite it has a thread, for a statement through sqlx crosses to another thread and
//! back, which costs more than the statement; here the whole work crosses once. On PostgreSQL it is
//! always the same server process, whose plans and pages are warm: sixteen that take turns cost half
//! as much again.

use crate::server::{RESTED, is_there, within};
use crate::turns::Turns;
use crate::{Error, Options, Result};
use rusqlite::{Connection, MAIN_DB, Transaction, TransactionBehavior};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, MutexGuard, oneshot};

#[derive(Debug)]
pub enum Direct<'s> {
    Sqlite(Beside<'s>),
    Postgres(&'s Own),
}

/// One PostgreSQL connection, made when it is first wanted and again when it was lost.
#[derive(Debug)]
pub struct Own {
    server: PgConnectOptions,
    wait: Duration,
    patience: Duration,
    /// With when it was last used.
    kept: Mutex<Option<(PgConnection, Instant)>>,
}

impl Own {
    pub(crate) fn new(server: PgConnectOptions, options: &Options) -> Own {
        Own {
            server,
            wait: options.wait,
            patience: options.patience,
            kept: Mutex::default(),
        }
    }

    /// The connection, for statements whose values are arrays. One that runs on it is a transaction of
    /// its own. Waits for whoever has it, and not longer than a request waits for a connection until it
    /// is made.
    pub async fn lend(&self) -> Result<Lent<'_>> {
        let mut kept = self.kept.lock().await;
        if let Some((mut connection, used_at)) = kept.take()
            && (used_at.elapsed() < RESTED || is_there(&mut connection).await)
        {
            return Ok(Lent { connection, kept });
        }
        let connection = tokio::time::timeout(self.wait, self.server.connect())
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)??;
        Ok(Lent { connection, kept })
    }

    /// Work on the connection, unless the database takes too long for it.
    pub async fn patiently<T>(&self, work: impl Future<Output = sqlx::Result<T>>) -> Result<T> {
        within(self.patience, work).await
    }

    pub(crate) async fn close(&self) {
        use sqlx::Connection;
        if let Some((connection, _)) = self.kept.lock().await.take()
            && let Err(error) = connection.close().await
        {
            tracing::debug!(%error, "a connection was closed without a farewell");
        }
    }
}

/// A connection in use. Dropped without `give_back` it is closed, for nobody knows what it is in the
/// middle of.
#[derive(Debug)]
pub struct Lent<'o> {
    connection: PgConnection,
    kept: MutexGuard<'o, Option<(PgConnection, Instant)>>,
}

impl Lent<'_> {
    /// It has answered everything it was asked.
    pub fn give_back(mut self) {
        *self.kept = Some((self.connection, Instant::now()));
    }
}

impl Deref for Lent<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

#[derive(Debug)]
pub struct Beside<'s> {
    pub(crate) thread: &'s Thread,
    pub(crate) turns: &'s Turns,
}

impl Beside<'_> {
    /// Runs work of many statements in one durable transaction; whatever it or the commit fails with,
    /// nothing of it stays. It waits for the one that writes at the moment.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let _turn = self.turns.direct().await;
        self.thread.run(work).await
    }
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

#[derive(Debug, Clone)]
pub(crate) struct Thread {
    jobs: mpsc::Sender<Job>,
}

impl Thread {
    /// Opens the file, which is there, as durably as the other connections do. Its cache holds what the largest group of punches changes: of a
    /// smaller one SQLite writes pages before the commit, and reads them again. Both writers let the log grow to 16 MiB before they bring it into
    /// the file: a page that many groups changed goes there once, and one commit in many pays for it.
    pub(crate) fn open(path: &Path) -> Result<Thread> {
        let mut connection = Connection::open(path)?;
        // What cannot be written SQLite opens for reading alone, where a log was left beside the file: the first
        // punch would be the one to learn it.
        if connection.is_readonly(MAIN_DB)? {
            let readonly = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY);
            return Err(rusqlite::Error::SqliteFailure(readonly, None).into());
        }
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
        connection.execute_batch(
            "PRAGMA synchronous = full; PRAGMA foreign_keys = on; PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 4000;",
        )?;
        connection.set_prepared_statement_cache_capacity(32);
        let (jobs, queue) = mpsc::channel::<Job>();
        std::thread::Builder::new()
            .name("sqlite-direct".into())
            .spawn(move || {
                for job in queue {
                    job(&mut connection);
                }
            })
            .map_err(|error| Error::Unavailable(error.into()))?;
        Ok(Thread { jobs })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, done) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .and_then(|tx| {
                    let value = work(&tx)?;
                    tx.commit()?;
                    Ok(value)
                });
            let _ = answer.send(result);
        });
        self.jobs
            .send(job)
            .map_err(|_| Error::Unavailable("the writing thread ended".into()))?;
        Ok(done
            .await
            .map_err(|_| Error::Unavailable("the writing thread ended".into()))??)
    }
}
