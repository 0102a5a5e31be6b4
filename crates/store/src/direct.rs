//! The close way to each database, for what must be fast: on PostgreSQL its connections, on SQLite a
//! thread with a connection of its own. There a statement through sqlx crosses to another thread and back,
//! which costs more than the statement; here the whole work crosses once.

use crate::{Error, Result};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use sqlx::PgPool;
use std::path::Path;
use std::sync::mpsc;
use tokio::sync::{Mutex, oneshot};

#[derive(Debug)]
pub enum Direct<'s> {
    Sqlite(Beside<'s>),
    /// For statements whose values are arrays. One that runs on the pool is a transaction of its own.
    Postgres(&'s PgPool),
}

#[derive(Debug)]
pub struct Beside<'s> {
    pub(crate) thread: &'s Thread,
    pub(crate) turn: &'s Mutex<()>,
}

impl Beside<'_> {
    /// Runs work of many statements in one durable transaction; whatever it or the commit fails with,
    /// nothing of it stays. It waits for the one that writes before it.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let _turn = self.turn.lock().await;
        self.thread.run(work).await
    }
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

#[derive(Debug, Clone)]
pub(crate) struct Thread {
    jobs: mpsc::Sender<Job>,
}

impl Thread {
    /// Opens the file, which is there, as durably as the other connections do.
    pub(crate) fn open(path: &Path) -> Result<Thread> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
        connection.execute_batch(
            "PRAGMA synchronous = full; PRAGMA foreign_keys = on; PRAGMA cache_size = -4000;",
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
