//! The schema's steps, embedded in the program, in the same numbers for both databases.

use crate::{Error, Pools, Result, Sql, Store};
use sqlx::migrate::Migrator;
use std::time::Duration;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

impl Store {
    /// Takes the steps that are missing. Several servers may start at once: one of them takes the steps, and the others
    /// wait for it.
    pub(crate) async fn complete_schema(&self, wait: Duration) -> Result<()> {
        if self.steps_taken().await?.is_empty() {
            return self.take_steps().await;
        }
        if self.require_schema().await.is_ok() {
            return Ok(());
        }
        let Some(alone) = self.alone_within(wait).await? else {
            return Err(Error::InUse);
        };
        self.take_steps().await?;
        alone.give_back().await
    }

    pub(crate) async fn require_schema(&self) -> Result<()> {
        let steps = match &self.pools {
            Pools::Sqlite { .. } => &SQLITE,
            Pools::Postgres { .. } => &POSTGRES,
        };
        let all = steps.iter().map(|step| step.version);
        match self.steps_taken().await?.into_iter().eq(all) {
            true => Ok(()),
            false => Err(Error::OtherSchema),
        }
    }

    async fn steps_taken(&self) -> Result<Vec<i64>> {
        let (is_any,): (bool,) = self
            .one(&Sql::by_dialect(
                "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = '_sqlx_migrations')",
                "SELECT to_regclass('_sqlx_migrations') IS NOT NULL",
                [],
            ))
            .await?;
        if !is_any {
            return Ok(Vec::new());
        }
        let taken = "SELECT version FROM _sqlx_migrations WHERE success ORDER BY version";
        let taken: Vec<(i64,)> = self.all(&Sql::new(taken, [])).await?;
        Ok(taken.into_iter().map(|(version,)| version).collect())
    }

    async fn take_steps(&self) -> Result<()> {
        match &self.pools {
            Pools::Sqlite { write, .. } => SQLITE.run(write).await?,
            Pools::Postgres { server, .. } => POSTGRES.run(&server.pool).await?,
        }
        Ok(())
    }
}
