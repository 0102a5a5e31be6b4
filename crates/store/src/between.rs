//! What servers on one PostgreSQL have between them: notices that one sends and all hear, and a right
//! that one of them has at a time. A SQLite file has one server, which hears nothing and has every right; commands may use it beside.

use crate::server::within;
use crate::{Options, Pools, Result, Store};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};
use std::fs::{File, TryLockError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// After so long without a notice it is asked whether the connection is still there.
const QUIET: Duration = Duration::from_secs(15);

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
        loop {
            if let Ok(notice) = timeout(QUIET, self.listener.try_recv()).await {
                return Ok(notice?.map(|notice| notice.payload().to_owned()));
            }
            // Nothing happens, or nothing comes through.
            let asked = sqlx::query("SELECT 1").execute(&mut self.listener);
            within(QUIET, asked).await?;
        }
    }
}

/// The right, on a connection of its own: the database takes it back when that ends.
#[derive(Debug)]
pub(crate) struct Sole {
    server: PgConnectOptions,
    wait: Duration,
    patience: Duration,
    /// With whether it is ours.
    connection: Mutex<Option<(PgConnection, bool)>>,
}

impl Sole {
    pub(crate) fn new(server: PgConnectOptions, options: &Options) -> Sole {
        Sole {
            server,
            wait: options.wait,
            patience: options.patience,
            connection: Mutex::default(),
        }
    }

    /// One more, as the pool's are made.
    fn listening(&self) -> PgPool {
        PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(self.wait)
            .connect_lazy_with(self.server.clone())
    }

    async fn connect(&self) -> Result<PgConnection> {
        let connected = timeout(self.wait, self.server.connect()).await;
        Ok(connected.map_err(|_| sqlx::Error::PoolTimedOut)??)
    }

    /// A connection that holds the lock of those who use the database; none while somebody has that alone.
    async fn among_others(&self) -> Result<Option<PgConnection>> {
        let mut connection = self.connect().await?;
        let is_shared = self.try_lock(
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
        let is_alone = self
            .try_lock(&mut connection, "SELECT pg_try_advisory_lock($1)", USE)
            .await?;
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
            within(self.patience, connection.ping()).await?;
        } else {
            is_ours = self
                .try_lock(&mut connection, "SELECT pg_try_advisory_lock($1)", RIGHT)
                .await?;
        }
        *kept = Some((connection, is_ours));
        Ok(is_ours)
    }

    async fn try_lock(
        &self,
        connection: &mut PgConnection,
        sql: &'static str,
        lock: i64,
    ) -> Result<bool> {
        let locked = sqlx::query_as(sql).bind(lock).fetch_one(connection);
        let (is_locked,) = within(self.patience, locked).await?;
        Ok(is_locked)
    }

    /// Gives back what it holds before it says farewell: the database ends a connection only some time after that.
    pub(crate) async fn close(&self) {
        if let Some((connection, _)) = self.connection.lock().await.take()
            && let Err(error) = self.give_back(connection).await
        {
            tracing::debug!(%error, "a connection was closed without a farewell");
        }
    }

    async fn give_back(&self, mut connection: PgConnection) -> Result<()> {
        let unlocked = sqlx::query("SELECT pg_advisory_unlock_all()").execute(&mut connection);
        within(self.patience, unlocked).await?;
        Ok(connection.close().await?)
    }
}

/// Who uses a SQLite file: its lock of the system's, which has nothing to do with SQLite's own. `None`: it cannot be opened.
#[derive(Debug)]
pub(crate) struct Users(pub Option<File>);

impl Users {
    fn lock(&self, lock: fn(&File) -> std::result::Result<(), TryLockError>) -> bool {
        // A file system without such locks refuses nobody.
        !matches!(
            self.0.as_ref().map(lock),
            Some(Err(TryLockError::WouldBlock))
        )
    }

    pub(crate) fn leave(&self) {
        if let Some(Err(error)) = self.0.as_ref().map(File::unlock) {
            tracing::debug!(%error, "a lock was not given back");
        }
    }
}

/// The database is one's own, until this is given back.
pub(crate) enum Alone {
    Sqlite(Arc<Users>),
    Postgres(Arc<Sole>, PgConnection),
}

impl Alone {
    pub(crate) async fn give_back(self) -> Result<()> {
        match self {
            Alone::Sqlite(users) => {
                users.leave();
                Ok(())
            }
            Alone::Postgres(sole, connection) => sole.give_back(connection).await,
        }
    }
}

impl Store {
    /// Waits until nobody else uses the database; `None`: that took longer, or on SQLite somebody uses it.
    pub(crate) async fn alone_within(&self, wait: Duration) -> Result<Option<Alone>> {
        match &self.pools {
            Pools::Sqlite { users, .. } => Ok(users
                .lock(File::try_lock)
                .then(|| Alone::Sqlite(users.clone()))),
            Pools::Postgres { sole, .. } => {
                let mut connection = sole.connect().await?;
                let locked = sqlx::query("SELECT pg_advisory_lock($1)")
                    .bind(USE)
                    .execute(&mut connection);
                match timeout(wait, locked).await {
                    Ok(locked) => {
                        locked?;
                        Ok(Some(Alone::Postgres(sole.clone(), connection)))
                    }
                    Err(_) => Ok(None),
                }
            }
        }
    }

    /// Says that this program uses the database, until it ends; `false` while another has it alone. Who is cut off says so
    /// again when it next asks whether it [is the one](Store::is_the_one).
    pub async fn share(&self) -> Result<bool> {
        match &self.pools {
            Pools::Sqlite { users, .. } => Ok(users.lock(File::try_lock_shared)),
            Pools::Postgres { sole, .. } => sole.share().await,
        }
    }

    /// Whether this program has the database alone, among those that say that they use it; then it does until it ends.
    pub async fn take_alone(&self) -> Result<bool> {
        match &self.pools {
            Pools::Sqlite { users, .. } => Ok(users.lock(File::try_lock)),
            Pools::Postgres { sole, .. } => sole.take_alone().await,
        }
    }

    /// Hears what is sent to the channel; `None` on SQLite, where nobody else is.
    pub async fn notices(&self, channel: &str) -> Result<Option<Notices>> {
        let Pools::Postgres { sole, .. } = &self.pools else {
            return Ok(None);
        };
        // Not one of the pool's: who hears nothing any more says farewell, and waits for that.
        let mut listener = PgListener::connect_with(&sole.listening()).await?;
        listener.listen(channel).await?;
        Ok(Some(Notices { listener }))
    }

    /// Sends a text of less than 8 000 bytes to all that hear the channel, and to oneself.
    pub async fn notify(&self, channel: &str, text: &str) -> Result<()> {
        if let Pools::Postgres { server, .. } = &self.pools {
            let mut held = server.hold().await?;
            let told = sqlx::query("SELECT pg_notify($1, $2)")
                .bind(channel)
                .bind(text)
                .execute(&mut *held);
            within(server.patience, told).await?;
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
