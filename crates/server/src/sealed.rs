//! What is kept sealed: columns of values that only the key file opens, and how they get a new key. The owner of the
//! table `installation`, which says which key is in force.

use crate::error::Result;
use crate::keys::Keys;
use muster_store::{Sql, Store};
use sea_query::{Expr, ExprTrait, Order, Query};

/// A column of sealed values; empty ones are nothing sealed. Whoever owns the table says so, and `cli/keys.rs` has the
/// list of all.
pub struct Sealed {
    pub table: &'static str,
    /// A number that tells its rows apart.
    pub key: &'static str,
    pub column: &'static str,
    pub purpose: &'static str,
    /// The first versions kept it as it was.
    pub was_plain: bool,
}

/// What was done to a column.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Anew {
    pub sealed: u64,
    /// Values that no key opens: they stay as they are.
    pub damaged: u64,
}

/// So many values are opened at once: some are pictures.
const TOGETHER: u64 = 50;

/// The check of the key that servers on this database seal with.
pub async fn key_in_force(store: &Store) -> Result<Vec<u8>> {
    let (check,) = store
        .one(&Sql::new(
            "SELECT key_check FROM installation WHERE id = 1",
            [],
        ))
        .await?;
    Ok(check)
}

/// From now on no server starts that has not got the newest key.
pub async fn put_in_force(store: &Store, keys: &Keys) -> Result<()> {
    let mut tx = store.write().await?;
    tx.run(&Sql::new(
        "UPDATE installation SET key_check = $1 WHERE id = 1",
        [keys.check().to_vec().into()],
    ))
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Whether anything in the column was sealed with an older key.
pub async fn has_older(store: &Store, keys: &Keys, of: &Sealed) -> Result<bool> {
    let mut last = i64::MIN;
    loop {
        let rows = some(store, of, last).await?;
        let Some((end, _)) = rows.last() else {
            return Ok(false);
        };
        last = *end;
        if rows.iter().any(|(_, value)| !keys.is_newest(value)) {
            return Ok(true);
        }
    }
}

/// Seals the column's values with the newest key, some at a time. What is cut off goes on when it is done again.
pub async fn seal_anew(store: &Store, keys: &Keys, of: &Sealed) -> Result<Anew> {
    let mut anew = Anew::default();
    let mut last = i64::MIN;
    loop {
        let rows = some(store, of, last).await?;
        let Some((end, _)) = rows.last() else {
            return Ok(anew);
        };
        last = *end;
        let mut tx = store.write().await?;
        for (id, old) in rows.into_iter().filter(|(_, value)| !keys.is_newest(value)) {
            let opened = match of.was_plain {
                true => keys.open_or_plain(of.purpose, old.clone()),
                false => keys.open(of.purpose, &old),
            };
            let Ok(plain) = opened else {
                anew.damaged += 1;
                continue;
            };
            let update = Query::update()
                .table(of.table)
                .value(of.column, keys.seal(of.purpose, &plain))
                .and_where(Expr::col(of.key).eq(id))
                .and_where(Expr::col(of.column).eq(old))
                .to_owned();
            anew.sealed += tx.run(&update).await?;
        }
        tx.commit().await?;
    }
}

async fn some(store: &Store, of: &Sealed, after: i64) -> Result<Vec<(i64, Vec<u8>)>> {
    let select = Query::select()
        .column(of.key)
        .column(of.column)
        .from(of.table)
        .and_where(Expr::col(of.key).gt(after))
        .and_where(Expr::cust(format!("length({}) > 0", of.column)))
        .order_by(of.key, Order::Asc)
        .limit(TOGETHER)
        .to_owned();
    Ok(store.all(&select).await?)
}
