//! A transaction, its place among others, and what is to follow its commit: events, and what is kept in
//! memory of the rows it changes. Nothing follows when it is dropped or fails.

use crate::app::App;
use crate::error::Result;
use muster_store::{Sql, Tx};
use std::ops::{Deref, DerefMut};

type Then = Box<dyn FnOnce(&App) + Send>;

/// Taken for a `Tx` wherever one is wanted.
pub struct Writing {
    tx: Tx,
    then: Vec<Then>,
}

impl Writing {
    /// On SQLite it waits for the one before it.
    pub async fn begin(app: &App) -> Result<Writing> {
        Ok(Writing {
            tx: app.store.write().await?,
            then: Vec::new(),
        })
    }

    /// Runs once everything is durable. What is told there can be read.
    pub fn after_commit(&mut self, then: impl FnOnce(&App) + Send + 'static) {
        self.then.push(Box::new(then));
    }

    /// Makes everything durable; then does what waited for that, in its order.
    pub async fn commit(self, app: &App) -> Result<()> {
        self.tx.commit().await?;
        for then in self.then {
            then(app);
        }
        Ok(())
    }
}

impl Deref for Writing {
    type Target = Tx;

    fn deref(&self) -> &Tx {
        &self.tx
    }
}

impl DerefMut for Writing {
    fn deref_mut(&mut self) -> &mut Tx {
        &mut self.tx
    }
}

/// Takes a transaction's place among those that change people, messages or trees, before it locks
/// anything else: two of them cannot wait for one another then, and what each has checked stays true
/// until it ends. Punches go on being stored meanwhile. On SQLite there is one that writes anyway.
/// With its commit everybody sees that something changed (`people_changes`).
pub async fn people_in_order(tx: &mut Tx, company_id: &str) -> muster_store::Result<()> {
    tx.run(&Sql::new(
        "UPDATE company SET people_changes = people_changes + 1 WHERE id = $1",
        [company_id.into()],
    ))
    .await?;
    Ok(())
}

/// Differs whenever people, messages or trees may have changed.
pub async fn people_changes(app: &App) -> muster_store::Result<i64> {
    let (changes,) = app
        .store
        .one(&Sql::new(
            "SELECT people_changes FROM company WHERE id = $1",
            [app.company.id.as_str().into()],
        ))
        .await?;
    Ok(changes)
}
