//! What the database may answer, told apart by what a caller can do about it.

use sqlx::error::ErrorKind;

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
    /// Nothing is wrong with the request: the database cannot serve it now.
    #[error("the database cannot be reached: {0}")]
    Unavailable(#[source] sqlx::Error),
    #[error("a query that always has a row gave none")]
    NoRow,
    #[error("the schema could not be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error("bad database address: {0}")]
    Url(String),
    #[error("{0}")]
    Other(#[source] sqlx::Error),
}

impl Error {
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Error::Duplicate(_))
    }

    pub fn is_unavailable(&self) -> bool {
        matches!(self, Error::Unavailable(_))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(cause) => match cause.kind() {
                ErrorKind::UniqueViolation => Error::Duplicate(error),
                ErrorKind::ForeignKeyViolation => Error::Reference(error),
                // 40: serialization and deadlocks; 53: out of resources; 57P: shutting down; 08: lost.
                _ if cause.code().is_some_and(|code| {
                    ["40", "53", "57P", "08"]
                        .iter()
                        .any(|class| code.starts_with(class))
                        && code.len() == 5
                }) =>
                {
                    Error::Unavailable(error)
                }
                _ => Error::Other(error),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Error::Unavailable(error),
            _ => Error::Other(error),
        }
    }
}
