//! Opening a database by its URL, with the settings its durability rests on.

use crate::between::{Sole, Users};
use crate::direct::{Own, Thread};
use crate::server::{self, Server};
use crate::turns::Turns;
use crate::{Error, Pools, Result, Store};
use sqlx::Connection;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// Where the database is: `sqlite://FILE`, or `postgres://USER:PASSWORD@HOST:PORT/NAME`.
#[derive(Clone, PartialEq, Eq)]
pub enum Url {
    Sqlite(PathBuf),
    Postgres(String),
}

impl FromStr for Url {
    type Err = Error;

    fn from_str(text: &str) -> Result<Url> {
        if let Some(path) = text
            .strip_prefix("sqlite://")
            .or_else(|| text.strip_prefix("sqlite:"))
        {
            if path.is_empty() {
                return Err(Error::Url("sqlite:// needs the path of a file".into()));
            }
            Ok(Url::Sqlite(PathBuf::from(path)))
        } else if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Ok(Url::Postgres(text.to_owned()))
        } else {
            Err(Error::Url(
                "expected sqlite://FILE or postgres://USER@HOST/NAME".into(),
            ))
        }
    }
}

/// Never shows a password.
impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Url::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Url::Postgres(text) => {
                let rest = text.split_once("://").map_or("", |(_, rest)| rest);
                // A password may hold what should have been escaped.
                let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
                let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
                let name = path.split_once('?').map_or(path, |(name, _)| name);
                write!(f, "postgres://{host}/{name}")
            }
        }
    }
}

impl std::fmt::Debug for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// How a database is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Connections that read (SQLite), or all but that of the direct way (PostgreSQL).
    pub connections: u32,
    /// How long a request waits for a connection before it is refused.
    pub wait: Duration,
    /// How long PostgreSQL may take for a statement, and ten times that for the first rows of a list without end.
    pub patience: Duration,
    pub schema: Schema,
}

/// What becomes of a database that lacks some of this program's schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// It gets it, unless others use the database: they may be of the version before. The file is made when there is none.
    Completed,
    /// It is not opened, and nothing is made.
    Required,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            connections: 8,
            wait: Duration::from_secs(10),
            // Whoever works on all there is at once, beside the server.
            patience: Duration::from_secs(3600),
            schema: Schema::Completed,
        }
    }
}

/// SQLite readers at most: each holds a page cache and a thread, and the machine has only so many
/// cores.
const READERS: u32 = 8;

impl Store {
    /// Opens the database, with all of this program's schema.
    pub async fn open(url: &Url, options: &Options) -> Result<Store> {
        let pools = match url {
            Url::Sqlite(path) => {
                let is_made = options.schema == Schema::Completed;
                // For its owner alone, and so are those that SQLite makes beside it. What is in the way SQLite says.
                let file = OpenOptions::new()
                    .append(true)
                    .create(is_made)
                    .mode(0o600)
                    .open(path)
                    .ok();
                // A commit is on the disk when it returns: WAL with FULL syncs the log each time.
                let connections = SqliteConnectOptions::new()
                    .filename(path)
                    .create_if_missing(is_made)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .foreign_keys(true)
                    .busy_timeout(Duration::from_secs(10))
                    .statement_cache_capacity(256)
                    .pragma("cache_size", "-2000")
                    .pragma("wal_autocheckpoint", "4000")
                    .pragma("temp_store", "memory");
                let write = SqlitePoolOptions::new()
                    .max_connections(1)
                    .acquire_timeout(options.wait)
                    .idle_timeout(None)
                    .max_lifetime(None)
                    // Where the disk is full SQLite takes a transaction back by itself, and sqlx goes on
                    // thinking that it is in one: with this connection nothing would begin any more.
                    .before_acquire(|connection, _| {
                        let is_free = !connection.is_in_transaction();
                        Box::pin(async move { Ok(is_free) })
                    })
                    .connect_with(connections.clone().thread_name(|_| "sqlite-write".into()))
                    .await?;
                let read = SqlitePoolOptions::new()
                    .max_connections(options.connections.min(READERS))
                    .acquire_timeout(options.wait)
                    .idle_timeout(Some(Duration::from_secs(60)))
                    .connect_lazy_with(
                        connections
                            .create_if_missing(false)
                            // Lists are asked for in endless variety; a prepared one holds tens of KiB.
                            .statement_cache_capacity(48)
                            .pragma("query_only", "on")
                            .pragma("cache_size", "-1000")
                            .thread_name(|_| "sqlite-read".into()),
                    );
                Pools::Sqlite {
                    read,
                    write,
                    direct: Thread::open(path)?,
                    turns: Turns::default(),
                    users: Arc::new(Users(file)),
                }
            }
            Url::Postgres(text) => {
                let server = PgConnectOptions::from_str(text)
                    .map_err(|error| Error::Url(error.to_string()))?;
                let server = server::settings(server);
                Pools::Postgres {
                    direct: Arc::new(Own::new(server.clone(), options)),
                    sole: Arc::new(Sole::new(server.clone(), options)),
                    server: Server::connect(server, options).await?,
                }
            }
        };
        let store = Store { pools };
        match options.schema {
            Schema::Completed => store.complete_schema(options.wait).await?,
            Schema::Required => store.require_schema().await?,
        }
        Ok(store)
    }
}

#[cfg(test)]
mod tests {
    use super::Url;

    #[test]
    fn an_address_is_shown_without_its_password() {
        let url: Url = "postgres://muster:s3cret@db.example:5432/muster?sslmode=require"
            .parse()
            .expect("a good address");
        assert_eq!(url.to_string(), "postgres://db.example:5432/muster");
        assert_eq!(format!("{url:?}"), "postgres://db.example:5432/muster");
        let url: Url = "postgres://muster:a/b@c@db/muster".parse().expect("taken");
        assert_eq!(url.to_string(), "postgres://db/muster");
    }

    #[test]
    fn an_address_of_another_kind_is_refused() {
        assert!("mysql://x/y".parse::<Url>().is_err());
        assert!("sqlite://".parse::<Url>().is_err());
    }
}
