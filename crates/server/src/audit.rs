//! What was done, by whom, from where; written in the transaction that does it.

use crate::access::{Caller, Who};
use crate::error::Result;
use chrono::{DateTime, Utc};
use muster_store::{Sql, Tx};

/// A deed. `before` and `after` are JSON objects without secrets.
#[derive(Debug)]
pub struct Deed<'a> {
    pub action: &'a str,
    pub thing: &'a str,
    pub thing_id: String,
    pub before: Option<serde_json::Value>,
    pub after: Option<serde_json::Value>,
}

pub async fn record(tx: &mut Tx, at: DateTime<Utc>, caller: &Caller, deed: Deed<'_>) -> Result<()> {
    let kind = match caller.who {
        Who::User { .. } => "user",
        Who::Client { .. } => "client",
        Who::Staff { .. } => "staff",
        Who::System => "system",
    };
    tx.run(&Sql::new(
        "INSERT INTO audit (at, actor_kind, actor, address, action, thing, thing_id, before, after) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [
            at.into(),
            kind.into(),
            caller.name().into(),
            caller.address.map(|address| address.to_string()).into(),
            deed.action.into(),
            deed.thing.into(),
            deed.thing_id.into(),
            deed.before.map(|value| value.to_string()).into(),
            deed.after.map(|value| value.to_string()).into(),
        ],
    ))
    .await?;
    Ok(())
}
