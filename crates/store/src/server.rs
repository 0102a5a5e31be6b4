//! The connections to a PostgreSQL server, none of which is waited for without end. A server that was cut off answers
//! nothing and closes nothing: without a limit of our own a statement would wait for it for a quarter of an hour.

use crate::{Error, Options, Result};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, Executor, PgConnection, PgPool, Postgres};
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// What PostgreSQL is told of each connection. A muster that was cut off without a farewell is found out after half a minute,
/// and one that stands still in the middle of a transaction after some more: neither keeps what it has locked.
const SETTINGS: [(&str, &str); 5] = [
    ("timezone", "UTC"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "4"),
    ("idle_in_transaction_session_timeout", "5min"),
];

/// A statement that nobody waits for any more is given up. Servers before 14 do not know this, and those on some systems refuse it.
const NOTICES_WHO_IS_GONE: &str = "DO $$ BEGIN SET client_connection_check_interval = '2s'; EXCEPTION WHEN OTHERS THEN NULL; END $$";

/// A connection that nobody used for so long is asked whether it is still there: in use it shows by its errors.
pub(crate) const RESTED: Duration = Duration::from_secs(1);
/// How long that question may take.
const SIGN_OF_LIFE: Duration = Duration::from_secs(3);

pub(crate) fn settings(server: PgConnectOptions) -> PgConnectOptions {
    server.application_name("muster").options(SETTINGS)
}

/// Whether there is somebody at the other end of a connection that nobody uses.
pub(crate) async fn is_there(connection: &mut PgConnection) -> bool {
    matches!(timeout(SIGN_OF_LIFE, connection.ping()).await, Ok(Ok(())))
}

/// Work of the database's, unless it takes longer than that.
pub(crate) async fn within<T, E>(
    patience: Duration,
    work: impl Future<Output = std::result::Result<T, E>>,
) -> Result<T>
where
    Error: From<E>,
{
    match timeout(patience, work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(Error::silent(patience)),
    }
}

/// Cheap to clone; all clones share the connections.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub pool: PgPool,
    /// Transactions that write at once: those that wait for a row of one another's leave half of the
    /// connections to whoever reads.
    writing: Arc<Semaphore>,
    wait: Duration,
    pub patience: Duration,
}

impl Server {
    pub async fn connect(server: PgConnectOptions, options: &Options) -> Result<Server> {
        let pool = PgPoolOptions::new()
            .max_connections(options.connections)
            .acquire_timeout(options.wait)
            // Not before every use, which costs a round trip.
            .test_before_acquire(false)
            .before_acquire(|connection, about| {
                Box::pin(async move {
                    match about.idle_for < RESTED || is_there(connection).await {
                        true => Ok(true),
                        // A farewell would be waited for.
                        false => Err(sqlx::Error::PoolTimedOut),
                    }
                })
            })
            .after_connect(|connection, _| {
                Box::pin(async move {
                    connection.execute(NOTICES_WHO_IS_GONE).await?;
                    Ok(())
                })
            })
            .connect_with(server)
            .await?;
        Ok(Server {
            pool,
            writing: Arc::new(Semaphore::new((options.connections as usize / 2).max(1))),
            wait: options.wait,
            patience: options.patience,
        })
    }

    pub async fn hold(&self) -> Result<Held> {
        Ok(Held {
            connection: Some(self.pool.acquire().await?),
            is_in_transaction: false,
            wait: self.wait,
        })
    }

    /// A transaction.
    pub async fn begin(&self) -> Result<Begun> {
        let turn = timeout(self.wait, self.writing.clone().acquire_owned())
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)?
            .map_err(|_| sqlx::Error::PoolClosed)?;
        let mut held = self.hold().await?;
        held.is_in_transaction = true;
        within(self.patience, held.execute("BEGIN")).await?;
        Ok(Begun {
            held,
            patience: self.patience,
            _turn: turn,
        })
    }
}

/// A connection of the pool, which gets it back within a bounded time or makes another.
#[derive(Debug)]
pub(crate) struct Held {
    /// Until it is dropped.
    connection: Option<PoolConnection<Postgres>>,
    is_in_transaction: bool,
    wait: Duration,
}

impl Deref for Held {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.connection.as_ref().expect("it is not dropped")
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect("it is not dropped")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        let (is_in_transaction, wait) = (self.is_in_transaction, self.wait);
        tokio::spawn(async move {
            if is_in_transaction {
                let ended = timeout(wait, connection.execute("ROLLBACK")).await;
                if !matches!(ended, Ok(Ok(_))) {
                    // Nobody knows what it is in the middle of.
                    drop(connection.detach());
                    return;
                }
            }
            // The pool asks whether it is still there, and would wait for ever.
            let _ = timeout(wait, connection.return_to_pool()).await;
        });
    }
}

/// A transaction that has begun. Dropped without `commit` it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Begun {
    pub held: Held,
    pub patience: Duration,
    _turn: OwnedSemaphorePermit,
}

impl Begun {
    pub async fn commit(self) -> Result<()> {
        self.end("COMMIT").await
    }

    pub async fn rollback(self) -> Result<()> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, how: &'static str) -> Result<()> {
        within(self.patience, self.held.execute(how)).await?;
        self.held.is_in_transaction = false;
        Ok(())
    }
}
