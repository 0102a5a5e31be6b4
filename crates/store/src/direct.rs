//! A thread with a SQLite connection of its own, for work that is many small statements in one
//! transaction. A statement through sqlx crosses to another thread and back, which costs more than
//! the statement; here the whole work crosses once.

use crate::{Error, Result};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::Path;
use std::sync::mpsc;
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

#[derive(Debug, Clone)]
pub(crate) struct Direct {
    jobs: mpsc::Sender<Job>,
}

impl Direct {
    /// Opens the file, which is there, as durably as the other connections do.
    pub(crate) fn open(path: &Path) -> Result<Direct> {
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
        Ok(Direct { jobs })
    }

    /// Runs the work in one transaction and commits it; whatever it or the commit fails with, nothing
    /// of it stays.
    pub(crate) async fn run<T: Send + 'static>(
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
