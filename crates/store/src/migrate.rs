//! The schema's steps, embedded in the program, in the same numbers for both databases.

use crate::{Pools, Result, Store};
use sqlx::migrate::Migrator;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

impl Store {
    /// Applies the steps that are missing. Several nodes may start at once: PostgreSQL lets one
    /// of them through at a time.
    pub(crate) async fn migrate(&self) -> Result<()> {
        match &self.pools {
            Pools::Sqlite { write, .. } => SQLITE.run(write).await?,
            Pools::Postgres { server, .. } => POSTGRES.run(&server.pool).await?,
        }
        Ok(())
    }
}
