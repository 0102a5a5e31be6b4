//! What servers on one PostgreSQL have between them: notices that one sends and all hear, and a right
//! that one of them has at a time. A SQLite file has one server, which hears nothing and has every right.

use crate::{Pools, Result, Store};
use sqlx::postgres::{PgConnectOptions, PgListener};
use sqlx::{ConnectOptions, Connection, PgConnection};
use std::time::Duration;
use tokio::sync::Mutex;

/// A server that is cut off without a farewell loses its right after about half a minute.
const NO_FAREWELL: [(&str, &str); 3] = [
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "4"),
];

/// The lock that is the right: "muster" in letters.
const RIGHT: i64 = 0x6d75_7374_6572;

/// The lock that all hold together who use the database, and that one can have alone when there are no others.
const USE: i64 = RIGHT + 1;

/// What is sent to one channel, from now on.
#[derive(Debug)]
pub struct Notices {
    listener: PgListener,
}

impl Notices {
    /// The next one. `None`: the connection was lost and made anew, and some may have been missed.
    pub async fn next(&mut self) -> Result<Option<String>> {
        let notice = self.listener.try_recv().await?;
        Ok(notice.map(|notice| notice.payload().to_owned()))
    }
}

/// The right, on a connection of its own: the database takes it back when that ends.
#[derive(Debug)]
pub(crate) struct Sole {
    server: PgConnectOptions,
    wait: Duration,
    /// With whether it is ours.
    connection: Mutex<Option<(PgConnection, bool)>>,
}

impl Sole {
    pub(crate) fn new(server: PgConnectOptions, wait: Duration) -> Sole {
        Sole {
            server: server.options(NO_FAREWELL),
            wait,
            connection: Mutex::default(),
        }
    }

    async fn connect(&self) -> Result<PgConnection> {
        let connected = tokio::time::timeout(self.wait, self.server.connect()).await;
        Ok(connected.map_err(|_| sqlx::Error::PoolTimedOut)??)
    }

    /// A connection that holds the lock of those who use the database; none while somebody has that alone.
    async fn among_others(&self) -> Result<Option<PgConnection>> {
        let mut connection = self.connect().await?;
        let is_shared = try_lock(
            &mut connection,
            "SELECT pg_try_advisory_lock_shared($1)",
            USE,
        );
        Ok(is_shared.await?.then_some(connection))
    }

    async fn share(&self) -> Result<bool> {
        let mut kept = self.connection.lock().await;
        if kept.is_none() {
            *kept = self
                .among_others()
                .await?
                .map(|connection| (connection, false));
        }
        Ok(kept.is_some())
    }

    async fn take_alone(&self) -> Result<bool> {
        let mut connection = self.connect().await?;
        let is_alone = try_lock(&mut connection, "SELECT pg_try_advisory_lock($1)", USE).await?;
        *self.connection.lock().await = Some((connection, false));
        Ok(is_alone)
    }

    async fn is_ours(&self) -> Result<bool> {
        let mut kept = self.connection.lock().await;
        // Dropped on every way out by an error, and the right with it.
        let (mut connection, mut is_ours) = match kept.take() {
            Some(kept) => kept,
            None => match self.among_others().await? {
                Some(connection) => (connection, false),
                None => return Ok(false),
            },
        };
        if is_ours {
            connection.ping().await?;
        } else {
            is_ours = try_lock(&mut connection, "SELECT pg_try_advisory_lock($1)", RIGHT).await?;
        }
        *kept = Some((connection, is_ours));
        Ok(is_ours)
    }

    pub(crate) async fn close(&self) {
        if let Some((connection, _)) = self.connection.lock().await.take()
            && let Err(error) = connection.close().await
        {
            tracing::debug!(%error, "a connection was closed without a farewell");
        }
    }
}

async fn try_lock(connection: &mut PgConnection, sql: &'static str, lock: i64) -> Result<bool> {
    let (is_locked,) = sqlx::query_as(sql).bind(lock).fetch_one(connection).await?;
    Ok(is_locked)
}

impl Store {
    /// Says that this program uses the database, until it ends; `false` while another has it alone. Who is cut off says so
    /// again when it next asks whether it [is the one](Store::is_the_one). Of a SQLite file nobody is told.
    pub async fn share(&self) -> Result<bool> {
        match &self.pools {
            Pools::Sqlite { .. } => Ok(true),
            Pools::Postgres { sole, .. } => sole.share().await,
        }
    }

    /// Whether this program has the database alone, among those that say that they use it; then it does until it ends.
    pub async fn take_alone(&self) -> Result<bool> {
        match &self.pools {
            Pools::Sqlite { .. } => Ok(true),
            Pools::Postgres { sole, .. } => sole.take_alone().await,
        }
    }

    /// Hears what is sent to the channel; `None` on SQLite, where nobody else is.
    pub async fn notices(&self, channel: &str) -> Result<Option<Notices>> {
        let Pools::Postgres { pool, .. } = &self.pools else {
            return Ok(None);
        };
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(channel).await?;
        Ok(Some(Notices { listener }))
    }

    /// Sends a text of less than 8 000 bytes to all that hear the channel, and to oneself.
    pub async fn notify(&self, channel: &str, text: &str) -> Result<()> {
        if let Pools::Postgres { pool, .. } = &self.pools {
            sqlx::query("SELECT pg_notify($1, $2)")
                .bind(channel)
                .bind(text)
                .execute(pool)
                .await?;
        }
        Ok(())
    }

    /// Whether this server has the right to do what is for all of them. Who has it keeps it until it ends or
    /// is cut off; then the first that asks gets it.
    pub async fn is_the_one(&self) -> Result<bool> {
        match &self.pools {
            Pools::Sqlite { .. } => Ok(true),
            Pools::Postgres { sole, .. } => sole.is_ours().await,
        }
    }
}
