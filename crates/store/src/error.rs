//! What the database may answer, told apart by what a caller can do about it.

use sqlx::error::ErrorKind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A row with this key is there already. SQLite does not name the constraint, so nobody may
    /// ask for it: check first inside the transaction, and map this to the field that was checked.
    #[error("a row with this key exists already")]
    Duplicate(#[source] sqlx::Error),
    /// Another row points at this one, or this one at a row that is not there.
    #[error("a row is referred to that is missing, or one that is in use was to go")]
    Reference(#[source] sqlx::Error),
    /// Nothing is wrong with the request: the database cannot serve it now (unreachable, busy, no
    /// room, damaged disk).
    #[error("the database cannot be used now: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("a query that always has a row gave none")]
    NoRow,
    #[error("the schema could not be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error(
        "its schema is not that of this program: the server of this version brings it up to date when it starts"
    )]
    OtherSchema,
    /// A server or a command of another version may be among them.
    #[error(
        "its schema has to be brought up to date while nobody uses it: stop all servers and commands on it first"
    )]
    InUse,
    #[error("{0}")]
    Copy(String),
    #[error("bad database address: {0}")]
    Url(String),
    #[error("{0}")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// How often a database could not do what it was asked for, since this program started. What is wrong with
/// rows (their keys) does not count.
#[derive(Debug, Clone, Copy)]
pub struct Failures {
    pub unavailable: u64,
    pub other: u64,
}

/// Of the whole program: errors become these without a store at hand.
static UNAVAILABLE: AtomicU64 = AtomicU64::new(0);
static OTHER: AtomicU64 = AtomicU64::new(0);

pub fn failures() -> Failures {
    Failures {
        unavailable: UNAVAILABLE.load(Ordering::Relaxed),
        other: OTHER.load(Ordering::Relaxed),
    }
}

impl Error {
    /// The database has said nothing for so long.
    pub(crate) fn silent(patience: Duration) -> Error {
        let seconds = patience.as_secs_f32();
        Error::Unavailable(format!("no answer for {seconds} s").into()).counted()
    }

    fn counted(self) -> Error {
        match &self {
            Error::Unavailable(_) => UNAVAILABLE.fetch_add(1, Ordering::Relaxed),
            Error::Other(_) => OTHER.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
        self
    }

    pub fn is_duplicate(&self) -> bool {
        matches!(self, Error::Duplicate(_))
    }

    pub fn is_reference(&self) -> bool {
        matches!(self, Error::Reference(_))
    }

    pub fn is_unavailable(&self) -> bool {
        matches!(self, Error::Unavailable(_))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let told = match &error {
            sqlx::Error::Database(cause) => match cause.kind() {
                ErrorKind::UniqueViolation => Error::Duplicate(error),
                ErrorKind::ForeignKeyViolation => Error::Reference(error),
                _ if cause.code().is_some_and(|code| is_passing(&code)) => {
                    Error::Unavailable(error.into())
                }
                _ => Error::Other(error.into()),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Error::Unavailable(error.into()),
            _ => Error::Other(error.into()),
        };
        told.counted()
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let passing = error
            .sqlite_error()
            .is_some_and(|cause| is_passing(&(cause.extended_code & 0xff).to_string()));
        let told = if passing {
            Error::Unavailable(error.into())
        } else {
            Error::Other(error.into())
        };
        told.counted()
    }
}

/// Codes that say nothing about the request. PostgreSQL's have five letters (40: serialization and
/// deadlocks, 53: out of resources, 55P03: a lock not had in time, 57P: shutting down, 08: connection
/// lost), SQLite's are numbers (busy, locked, no memory, read-only, I/O, full, cannot open).
fn is_passing(code: &str) -> bool {
    if code.len() == 5 {
        return ["40", "53", "55P03", "57P", "08"]
            .iter()
            .any(|class| code.starts_with(class));
    }
    code.parse::<i64>()
        .is_ok_and(|number| matches!(number & 0xff, 5 | 6 | 7 | 8 | 10 | 13 | 14))
}
