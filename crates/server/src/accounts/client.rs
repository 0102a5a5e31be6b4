//! API clients: programs with a token, a profile and rights of their own. This file alone writes
//! `api_client`.

use super::user::members;
use crate::access::{Caller, Rights, Scope, Who};
use crate::app::App;
use crate::audit::{self, Deed};
use crate::error::{Error, Problem, Result, Unauthenticated};
use crate::keys;
use crate::profile::Profile;
use chrono::{DateTime, TimeDelta, Utc};
use muster_store::Sql;
use serde_json::json;
use std::net::IpAddr;

/// Every client's token begins so, which tells it from a login's.
pub const PREFIX: &str = "mst_";
/// `last_used_at` is written at most so often.
const USE_NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Client {
    pub id: i64,
    pub name: String,
    pub profile: String,
    pub rights: String,
    pub addresses: Option<String>,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

pub async fn find_by_digest(app: &App, digest: &[u8]) -> Result<Option<Client>> {
    Ok(app
        .store
        .find(&Sql::new(
            "SELECT id, name, profile, rights, addresses, expires_at, revoked_at, last_used_at, \
             created_at FROM api_client WHERE token_digest = $1",
            [digest.to_vec().into()],
        ))
        .await?)
}

/// All clients, the revoked ones last.
pub async fn all(app: &App) -> Result<Vec<Client>> {
    Ok(app
        .store
        .all(&Sql::new(
            "SELECT id, name, profile, rights, addresses, expires_at, revoked_at, last_used_at, \
             created_at FROM api_client \
             ORDER BY CASE WHEN revoked_at IS NULL THEN 0 ELSE 1 END, name, id",
            [],
        ))
        .await?)
}

/// The client, if its token is still good here.
pub async fn caller(app: &App, client: &Client, address: Option<IpAddr>) -> Result<Caller> {
    let now = app.clock.now();
    let allowed = match &client.addresses {
        None => true,
        Some(list) => address.is_some_and(|address| is_listed(list, address)),
    };
    if client.revoked_at.is_some() || client.expires_at.is_some_and(|at| at <= now) || !allowed {
        return Err(Error::Unauthenticated(Unauthenticated::InvalidToken));
    }
    if client
        .last_used_at
        .is_none_or(|at| now - at >= USE_NOTED_EVERY)
    {
        let mut tx = app.store.write().await?;
        tx.run(&Sql::new(
            "UPDATE api_client SET last_used_at = $1 WHERE id = $2",
            [now.into(), client.id.into()],
        ))
        .await?;
        tx.commit().await?;
        app.accounts.forget();
    }
    Ok(Caller {
        who: Who::Client {
            id: client.id,
            name: client.name.clone(),
        },
        profile: client.profile.parse().unwrap_or(Profile::EasyTimePro),
        rights: Rights::kept(&client.rights),
        scope: Scope::default(),
        address,
    })
}

/// What a new client is to be.
#[derive(Debug, Clone)]
pub struct NewClient {
    pub name: String,
    pub profile: Profile,
    pub rights: Rights,
    /// Addresses and networks (`10.0.0.0/8`) it may come from; empty: any.
    pub addresses: Vec<String>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// Adds a client and gives its token, which is kept nowhere.
pub async fn add(app: &App, caller: &Caller, new: NewClient) -> Result<String> {
    let mut problems = Vec::new();
    let name = new.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        problems.push(Problem::new("name", "Enter a valid value."));
    }
    for address in &new.addresses {
        if parse_network(address).is_none() {
            problems.push(Problem::new(
                "addresses",
                format!("{address:?} is no address and no network."),
            ));
        }
    }
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let token = format!("{PREFIX}{}", hex::encode(keys::random::<24>()));
    let now = app.clock.now();
    let mut tx = app.store.write().await?;
    let taken: Option<(i64,)> = tx
        .find(&Sql::new(
            "SELECT id FROM api_client WHERE name = $1 AND revoked_at IS NULL",
            [name.clone().into()],
        ))
        .await?;
    if taken.is_some() {
        return Err(Error::invalid(
            "name",
            "client with this name already exists.",
        ));
    }
    let addresses = (!new.addresses.is_empty()).then(|| new.addresses.join(","));
    tx.run(&Sql::new(
        "INSERT INTO api_client (name, profile, rights, token_digest, addresses, expires_at, \
         created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        [
            name.clone().into(),
            new.profile.to_string().into(),
            new.rights.to_string().into(),
            app.keys.digest(token.as_bytes()).into(),
            addresses.clone().into(),
            new.expires_at.into(),
            caller.name().to_owned().into(),
            now.into(),
        ],
    ))
    .await?;
    let deed = Deed {
        action: "create",
        thing: "client",
        thing_id: name,
        after: Some(members(json!({
            "profile": new.profile.to_string(),
            "rights": new.rights.to_string(),
            "addresses": addresses,
            "expires_at": new.expires_at,
        }))),
        ..Deed::default()
    };
    audit::write(&mut tx, now, caller, deed).await?;
    tx.commit().await?;
    app.accounts.forget();
    Ok(token)
}

/// Ends a client's token. The row stays, as a record.
pub async fn revoke(app: &App, caller: &Caller, name: &str) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.store.write().await?;
    let revoked = tx
        .run(&Sql::new(
            "UPDATE api_client SET revoked_at = $1 WHERE name = $2 AND revoked_at IS NULL",
            [now.into(), name.into()],
        ))
        .await?;
    if revoked == 0 {
        return Err(Error::invalid(
            "name",
            format!("There is no client {name:?}."),
        ));
    }
    let deed = Deed {
        action: "revoke",
        thing: "client",
        thing_id: name.to_owned(),
        ..Deed::default()
    };
    audit::write(&mut tx, now, caller, deed).await?;
    tx.commit().await?;
    app.accounts.forget();
    Ok(())
}

fn parse_network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = match text.trim().split_once('/') {
        Some((address, bits)) => (address.parse().ok()?, Some(bits.parse::<u8>().ok()?)),
        None => (text.trim().parse::<IpAddr>().ok()?, None),
    };
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(most);
    (bits <= most).then_some((address, bits))
}

fn is_listed(list: &str, address: IpAddr) -> bool {
    let bits_of = |address: IpAddr| match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
        IpAddr::V6(v6) => v6.to_bits(),
    };
    let address = address.to_canonical();
    list.split(',')
        .filter_map(parse_network)
        .any(|(network, bits)| {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            network.is_ipv4() == address.is_ipv4()
                && bits_of(network) & mask == bits_of(address) & mask
        })
}

#[cfg(test)]
mod tests {
    use super::is_listed;

    #[test]
    fn an_address_is_listed_alone_or_by_its_network() {
        let listed = |list: &str, address: &str| is_listed(list, address.parse().expect("good"));
        assert!(listed("10.1.0.0/16, 192.168.0.7", "10.1.200.3"));
        assert!(listed("10.1.0.0/16, 192.168.0.7", "192.168.0.7"));
        assert!(listed("10.1.0.0/16", "::ffff:10.1.2.3"));
        assert!(!listed("10.1.0.0/16, 192.168.0.7", "192.168.0.8"));
        assert!(listed("0.0.0.0/0", "8.8.8.8"));
        assert!(!listed("0.0.0.0/0", "::1"));
        assert!(listed("fd00::/8", "fd12::1"));
    }
}
