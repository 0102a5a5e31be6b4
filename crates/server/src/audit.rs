//! What was done, and by whom: written in the same transaction as the deed.

use crate::access::{Caller, Who};
use crate::error::Result;
use chrono::{DateTime, Utc};
use muster_store::{Sql, Tx};
use std::net::IpAddr;

/// One deed.
#[derive(Debug, Clone, Default)]
pub struct Deed<'a> {
    /// What was done, such as `sign_in` or `authorise`.
    pub action: &'a str,
    /// To what kind of thing, and to which one.
    pub thing: &'a str,
    pub thing_id: Option<String>,
    /// JSON, secrets left out.
    pub before: Option<String>,
    pub after: Option<String>,
}

/// Writes a deed of somebody who is known.
pub async fn write(tx: &mut Tx, at: DateTime<Utc>, caller: &Caller, deed: Deed<'_>) -> Result<()> {
    let kind = match caller.who {
        Who::User { .. } => "user",
        Who::Client { .. } => "client",
        Who::Staff { .. } => "staff",
        Who::System => "system",
    };
    insert(tx, at, kind, caller.name(), caller.address, deed).await
}

/// Writes a deed of somebody who only claims a name.
pub async fn write_stranger(
    tx: &mut Tx,
    at: DateTime<Utc>,
    claimed: &str,
    address: Option<IpAddr>,
    deed: Deed<'_>,
) -> Result<()> {
    let claimed: String = claimed
        .chars()
        .filter(|letter| !letter.is_control())
        .take(100)
        .collect();
    insert(tx, at, "stranger", &claimed, address, deed).await
}

async fn insert(
    tx: &mut Tx,
    at: DateTime<Utc>,
    kind: &str,
    actor: &str,
    address: Option<IpAddr>,
    deed: Deed<'_>,
) -> Result<()> {
    tx.run(&Sql::new(
        "INSERT INTO audit (at, actor_kind, actor, address, action, thing, thing_id, before, after) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [
            at.into(),
            kind.into(),
            actor.into(),
            address.map(|address| address.to_string()).into(),
            deed.action.into(),
            deed.thing.into(),
            deed.thing_id.into(),
            deed.before.into(),
            deed.after.into(),
        ],
    ))
    .await?;
    Ok(())
}
