//! The database: SQLite inside the program, or PostgreSQL by its URL, behind one `Store`.
//!
//! sqlx drives, sea-query writes the SQL. `Store` reads from many connections; `Store::write`
//! opens a transaction, of which SQLite has one at a time (`BEGIN IMMEDIATE`, so nobody reads
//! first and fails to write later). This crate knows no table.

mod between;
mod copy;
mod cursor;
mod direct;
mod error;
mod migrate;
mod open;
mod search;
mod server;
mod sql;
mod turns;

pub use between::Notices;
pub use copy::Copied;
pub use cursor::Cursor;
pub use direct::{Beside, Direct, Lent, Own};
pub use error::{Error, Failures, Result, failures};
pub use open::{Options, Schema, Url};
pub use search::{contains, contains_in_any_case, fold, position};
pub use sql::{Sql, Statement};

pub use rusqlite;

use sea_query::Value;
use sea_query_sqlx::SqlxValues;
use server::within;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, FromRow, Sqlite, SqlitePool};
use std::sync::Arc;

/// Which of the two databases a statement is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

/// A row type that both databases can give. `#[derive(sqlx::FromRow)]` makes one, tuples are ones.
pub trait Record:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

impl<T> Record for T where
    T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

/// An open database. Cheap to clone; all clones share the connections.
#[derive(Debug, Clone)]
pub struct Store {
    pools: Pools,
}

#[derive(Debug, Clone)]
enum Pools {
    Sqlite {
        read: SqlitePool,
        write: SqlitePool,
        direct: direct::Thread,
        turns: turns::Turns,
        users: Arc<between::Users>,
    },
    Postgres {
        server: server::Server,
        direct: Arc<direct::Own>,
        sole: Arc<between::Sole>,
    },
}

/// How a pool is used.
#[derive(Debug, Clone, Copy)]
pub struct Connections {
    pub open: usize,
    pub idle: usize,
    pub most: usize,
}

/// A transaction that may write. Dropped without `commit` it leaves nothing behind.
#[derive(Debug)]
pub struct Tx {
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    Sqlite {
        tx: sqlx::Transaction<'static, Sqlite>,
        turn: turns::Turn,
    },
    Postgres(server::Begun),
}

/// The only place where text becomes SQL: every statement was written by sea-query or stands in a
/// `Sql` literal of this program; values are always bound.
fn reviewed(sql: String) -> AssertSqlSafe<String> {
    AssertSqlSafe(sql)
}

impl Store {
    pub fn dialect(&self) -> Dialect {
        match &self.pools {
            Pools::Sqlite { .. } => Dialect::Sqlite,
            Pools::Postgres { .. } => Dialect::Postgres,
        }
    }

    /// All rows of a query.
    pub async fn all<T: Record>(&self, statement: &impl Statement) -> Result<Vec<T>> {
        let (sql, values) = statement.build(self.dialect());
        let (sql, values) = (reviewed(sql), SqlxValues(values));
        Ok(match &self.pools {
            Pools::Sqlite { read, .. } => sqlx::query_as_with(sql, values).fetch_all(read).await?,
            Pools::Postgres { server, .. } => {
                let mut held = server.hold().await?;
                let rows = sqlx::query_as_with(sql, values).fetch_all(&mut *held);
                within(server.patience, rows).await?
            }
        })
    }

    /// The first row of a query, if there is one.
    pub async fn find<T: Record>(&self, statement: &impl Statement) -> Result<Option<T>> {
        let (sql, values) = statement.build(self.dialect());
        let (sql, values) = (reviewed(sql), SqlxValues(values));
        Ok(match &self.pools {
            Pools::Sqlite { read, .. } => {
                sqlx::query_as_with(sql, values)
                    .fetch_optional(read)
                    .await?
            }
            Pools::Postgres { server, .. } => {
                let mut held = server.hold().await?;
                let row = sqlx::query_as_with(sql, values).fetch_optional(&mut *held);
                within(server.patience, row).await?
            }
        })
    }

    /// The first row of a query that always has one (`count(*)`, say); none is an error.
    pub async fn one<T: Record>(&self, statement: &impl Statement) -> Result<T> {
        self.find(statement).await?.ok_or(Error::NoRow)
    }

    /// A transaction that may write. On SQLite it waits for the one before it.
    pub async fn write(&self) -> Result<Tx> {
        let inner = match &self.pools {
            Pools::Sqlite { write, turns, .. } => {
                let turn = turns.ordinary().await;
                let tx = write.begin_with("BEGIN IMMEDIATE").await?;
                Inner::Sqlite { tx, turn }
            }
            Pools::Postgres { server, .. } => Inner::Postgres(server.begin().await?),
        };
        Ok(Tx { inner })
    }

    /// The close way to each database, for what must be fast.
    pub fn direct(&self) -> Direct<'_> {
        match &self.pools {
            Pools::Sqlite { direct, turns, .. } => Direct::Sqlite(Beside {
                thread: direct,
                turns,
            }),
            Pools::Postgres { direct, .. } => Direct::Postgres(direct),
        }
    }

    /// The connections of the pool that most of it uses: those that read on SQLite.
    pub fn connections(&self) -> Connections {
        let of = |open: u32, idle: usize, most: u32| Connections {
            open: open as usize,
            idle,
            most: most as usize,
        };
        match &self.pools {
            Pools::Sqlite { read, .. } => {
                let most = read.options().get_max_connections();
                of(read.size(), read.num_idle(), most)
            }
            Pools::Postgres { server, .. } => {
                let most = server.pool.options().get_max_connections();
                of(server.pool.size(), server.pool.num_idle(), most)
            }
        }
    }

    /// Answers when the database does: for readiness.
    pub async fn ping(&self) -> Result<()> {
        let _: (i64,) = self.one(&Sql::new("SELECT CAST(1 AS BIGINT)", [])).await?;
        Ok(())
    }

    /// Waits for what is running, then closes every connection. On SQLite the write-ahead log is
    /// folded into the file first.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite {
                read, write, users, ..
            } => {
                read.close().await;
                if let Err(error) = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
                    .execute(write)
                    .await
                {
                    tracing::warn!(%error, "the write-ahead log was left as it is");
                }
                write.close().await;
                users.leave();
            }
            Pools::Postgres {
                server,
                direct,
                sole,
            } => {
                direct.close().await;
                sole.close().await;
                server.pool.close().await;
            }
        }
    }
}

impl Tx {
    pub fn dialect(&self) -> Dialect {
        match &self.inner {
            Inner::Sqlite { .. } => Dialect::Sqlite,
            Inner::Postgres(_) => Dialect::Postgres,
        }
    }

    /// All rows of a query or of a statement with `RETURNING`.
    pub async fn all<T: Record>(&mut self, statement: &impl Statement) -> Result<Vec<T>> {
        let (sql, values) = statement.build(self.dialect());
        let (sql, values) = (reviewed(sql), SqlxValues(values));
        Ok(match &mut self.inner {
            Inner::Sqlite { tx, .. } => {
                sqlx::query_as_with(sql, values)
                    .fetch_all(&mut **tx)
                    .await?
            }
            Inner::Postgres(begun) => {
                let rows = sqlx::query_as_with(sql, values).fetch_all(&mut *begun.held);
                within(begun.patience, rows).await?
            }
        })
    }

    /// The first row, if there is one.
    pub async fn find<T: Record>(&mut self, statement: &impl Statement) -> Result<Option<T>> {
        let (sql, values) = statement.build(self.dialect());
        let (sql, values) = (reviewed(sql), SqlxValues(values));
        Ok(match &mut self.inner {
            Inner::Sqlite { tx, .. } => {
                sqlx::query_as_with(sql, values)
                    .fetch_optional(&mut **tx)
                    .await?
            }
            Inner::Postgres(begun) => {
                let row = sqlx::query_as_with(sql, values).fetch_optional(&mut *begun.held);
                within(begun.patience, row).await?
            }
        })
    }

    /// The first row of a statement that always gives one; none is an error.
    pub async fn one<T: Record>(&mut self, statement: &impl Statement) -> Result<T> {
        self.find(statement).await?.ok_or(Error::NoRow)
    }

    /// Runs a statement; returns how many rows it touched.
    pub async fn run(&mut self, statement: &impl Statement) -> Result<u64> {
        let (sql, values) = statement.build(self.dialect());
        let (sql, values) = (reviewed(sql), SqlxValues(values));
        Ok(match &mut self.inner {
            Inner::Sqlite { tx, .. } => sqlx::query_with(sql, values)
                .execute(&mut **tx)
                .await?
                .rows_affected(),
            Inner::Postgres(begun) => {
                let done = sqlx::query_with(sql, values).execute(&mut *begun.held);
                within(begun.patience, done).await?.rows_affected()
            }
        })
    }

    /// Makes everything of this transaction durable.
    pub async fn commit(self) -> Result<()> {
        match self.inner {
            Inner::Sqlite { tx, turn } => {
                tx.commit().await?;
                drop(turn);
            }
            Inner::Postgres(begun) => begun.commit().await?,
        }
        Ok(())
    }

    /// Undoes everything of this transaction now, rather than when it is dropped.
    pub async fn rollback(self) -> Result<()> {
        match self.inner {
            Inner::Sqlite { tx, turn } => {
                tx.rollback().await?;
                drop(turn);
            }
            Inner::Postgres(begun) => begun.rollback().await?,
        }
        Ok(())
    }
}

/// A bound list of texts or numbers as one JSON array: one statement text for every length.
/// SQLite reads it with `json_each`, PostgreSQL with `jsonb_array_elements_text`. Where PostgreSQL looks rows up by
/// codes and something else, `code = ANY(ARRAY(SELECT …))`: `code IN (SELECT …)` is a join, and of a table that
/// nobody has analysed yet it may be planned as a loop over all rows for each code.
pub fn json_list<T: Into<serde_json::Value>>(items: impl IntoIterator<Item = T>) -> Value {
    serde_json::Value::Array(items.into_iter().map(Into::into).collect())
        .to_string()
        .into()
}
