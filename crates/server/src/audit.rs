//! What was done, by whom: one row per change and per login, in the same transaction, so that
//! there is no deed without its row and no row without its deed. Secrets, and what somebody could pass
//! for another with, are never part of it.

use crate::access::{Caller, Who};
use crate::error::Result;
use chrono::{DateTime, Utc};
use muster_store::{Sql, Tx, json_list};
use serde_json::{Map, Value};
use std::iter;

/// Members whose values are left out wherever they appear; that they changed is told.
const SECRETS: &[&str] = &[
    "password",
    "self_password",
    "device_password",
    "card_no",
    "ssn",
    "token",
    "bio_tmp",
];

/// One deed. `before` is empty for what was made, `after` for what was removed.
#[derive(Debug, Default)]
pub struct Deed<'a> {
    /// `create`, `update`, `delete`, `login`, `command` and so on.
    pub action: &'a str,
    /// What it was done to: `employee`, `terminal` and so on.
    pub thing: &'a str,
    pub thing_id: String,
    pub before: Option<Map<String, Value>>,
    pub after: Option<Map<String, Value>>,
}

/// Writes the deed. When both sides are given, only what differs is kept.
pub async fn write(tx: &mut Tx, at: DateTime<Utc>, caller: &Caller, deed: Deed<'_>) -> Result<()> {
    write_several(tx, at, caller, iter::once(deed)).await
}

/// Writes several deeds of one caller, in their order, with one statement.
pub async fn write_several<'a>(
    tx: &mut Tx,
    at: DateTime<Utc>,
    caller: &Caller,
    deeds: impl Iterator<Item = Deed<'a>> + Send,
) -> Result<()> {
    let kind = match caller.who {
        Who::User { .. } => "user",
        Who::Client { .. } => "client",
        Who::Staff { .. } => "employee",
        Who::System => "system",
    };
    let rows = json_list(deeds.map(|deed| {
        let (before, after) = differences(deed.before, deed.after);
        Value::Array(vec![
            deed.action.into(),
            deed.thing.into(),
            (!deed.thing_id.is_empty()).then_some(deed.thing_id).into(),
            before.map(shown).into(),
            after.map(shown).into(),
        ])
    }));
    tx.run(&Sql::by_dialect(
        "INSERT INTO audit (at, actor_kind, actor, address, action, thing, thing_id, before, after) \
         SELECT $1, $2, $3, $4, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 \
         FROM json_each($5) ORDER BY key",
        "INSERT INTO audit (at, actor_kind, actor, address, action, thing, thing_id, before, after) \
         SELECT $1, $2, $3, $4, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 \
         FROM json_array_elements($5::json) WITH ORDINALITY AS deeds (value, place) ORDER BY place",
        [
            at.into(),
            kind.into(),
            caller.name().to_owned().into(),
            caller.address.map(|address| address.to_string()).into(),
            rows,
        ],
    ))
    .await?;
    Ok(())
}

type Side = Option<Map<String, Value>>;

/// Both sides without what is the same in them.
fn differences(before: Side, after: Side) -> (Side, Side) {
    let (mut before, mut after) = match (before, after) {
        (Some(before), Some(after)) => (before, after),
        sides => return sides,
    };
    let same: Vec<String> = after
        .iter()
        .filter(|(name, value)| before.get(*name) == Some(value))
        .map(|(name, _)| name.clone())
        .collect();
    for name in same {
        before.shift_remove(&name);
        after.shift_remove(&name);
    }
    (Some(before), Some(after))
}

/// The members of an object written with `json!`.
pub fn members(object: Value) -> Option<Map<String, Value>> {
    match object {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

fn shown(mut side: Map<String, Value>) -> String {
    for (name, value) in &mut side {
        if SECRETS.contains(&name.as_str()) && !value.is_null() {
            *value = "(secret)".into();
        }
    }
    Value::Object(side).to_string()
}

#[cfg(test)]
mod tests {
    use super::shown;
    use serde_json::json;

    #[test]
    fn a_secret_is_told_of_but_not_told() {
        let side = json!({ "first_name": "Asha", "self_password": "x", "device_password": null });
        let side = side.as_object().expect("an object").clone();
        assert_eq!(
            shown(side),
            r#"{"first_name":"Asha","self_password":"(secret)","device_password":null}"#
        );
    }
}
