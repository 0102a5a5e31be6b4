//! What was done, by whom: one row per change and per login, in the same transaction, so that
//! there is no deed without its row and no row without its deed. Secrets, and what somebody could pass
//! for another with, are never part of it.

use crate::access::{Caller, Thing, Who};
use crate::app::App;
use crate::error::Result;
use crate::extract::Query;
use crate::resource::{Clock, Column, Field, Period, Resource, Searched, col, within_periods};
use crate::routes::{Kind, Member};
use crate::times;
use chrono::{DateTime, Utc};
use muster_store::{Sql, Tx, json_list};
use sea_query::{Alias, Cond, Condition, ExprTrait, SelectStatement};
use serde_json::{Map, Value, json};
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
    let kind = kind(caller);
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

fn kind(caller: &Caller) -> &'static str {
    match caller.who {
        Who::User { .. } => "user",
        Who::Client { .. } => "client",
        Who::Staff { .. } => "employee",
        Who::System => "system",
    }
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

// ---- the list of what was done ----------------------------------------------------------------

pub struct Audit;

/// A deed as it was written down.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Row {
    id: i64,
    at: DateTime<Utc>,
    actor_kind: String,
    actor: String,
    address: Option<String>,
    action: String,
    thing: String,
    thing_id: Option<String>,
    before: Option<String>,
    after: Option<String>,
}

const COLUMNS: &[&str] = &[
    "id",
    "at",
    "actor_kind",
    "actor",
    "address",
    "action",
    "thing",
    "thing_id",
    "before",
    "after",
];

const fn column(name: &'static str) -> Column {
    ("audit", name)
}

const TIMES: &[Period] = &[Period {
    start: "start_time",
    end: "end_time",
    column: column("at"),
    clock: Clock::Server,
}];

/// Where a side has no value.
const NOTHING: &str = "–";
/// A list shows so many letters of what a deed changed.
const BRIEF: usize = 100;

/// A value of a side, as it is read.
fn plain(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => NOTHING.into(),
        Some(Value::String(text)) if text.is_empty() => NOTHING.into(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

impl Row {
    /// Each member that changed, with what it was and what it became.
    fn changes(&self) -> Vec<Value> {
        let side = |side: &Option<String>| -> Map<String, Value> {
            let text = side.as_deref().unwrap_or("{}");
            serde_json::from_str(text).unwrap_or_default()
        };
        let (before, after) = (side(&self.before), side(&self.after));
        let gone = before.keys().filter(|name| !after.contains_key(*name));
        after
            .keys()
            .chain(gone)
            .map(|name| {
                json!({
                    "member": name,
                    "before": plain(before.get(name)),
                    "after": plain(after.get(name)),
                })
            })
            .collect()
    }
}

impl Resource for Audit {
    const NAME: &'static str = "deed";
    const PATH: &'static str = "/audit/";
    const THING: Thing = Thing::Audit;
    const KEY: &'static str = "id";
    const CODE: Option<Column> = None;
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Integer, column("id")).one_of(),
        Field::new("time", Kind::Time, column("at")),
        Field::new("actor", Kind::Text, column("actor")).exactly(),
        Field::new("actor_kind", Kind::Text, column("actor_kind")).one_of(),
        Field::new("address", Kind::Text, column("address"))
            .exactly()
            .nullable(),
        Field::new("action", Kind::Text, column("action")).one_of(),
        Field::new("thing", Kind::Text, column("thing")).one_of(),
        Field::new("thing_id", Kind::Text, column("thing_id"))
            .exactly()
            .nullable(),
        Field::together("start_time", Kind::Time, "Not before."),
        Field::together(
            "end_time",
            Kind::Time,
            "Not after; a date alone is its whole day.",
        ),
    ];
    const SEARCHED: &'static [Searched] = &[
        Searched::Plain(column("actor")),
        Searched::Plain(column("thing")),
        Searched::Plain(column("thing_id")),
        Searched::Plain(column("action")),
    ];
    const ANSWER: &'static [Member] = &[
        Member::new("id", Kind::Integer, ""),
        Member::new("time", Kind::Time, ""),
        Member::new("actor", Kind::Text, "Who did it."),
        Member::new(
            "actor_kind",
            Kind::Text,
            "user, client, employee or system.",
        ),
        Member::new("address", Kind::Text, "From where."),
        Member::new("action", Kind::Text, "What was done."),
        Member::new("thing", Kind::Text, "To what kind of thing."),
        Member::new("thing_id", Kind::Text, "To which: its code, name or id."),
        Member::new(
            "changed",
            Kind::Text,
            "What changed: each member, what it was and what it became.",
        ),
    ];

    type Row = Row;

    fn id(row: &Row) -> i64 {
        row.id
    }

    fn tables(select: &mut SelectStatement) {
        select.from(Alias::new("audit"));
    }

    fn columns(select: &mut SelectStatement, _app: &App) {
        for name in COLUMNS {
            select.expr(col(column(name)));
        }
    }

    /// A deed does not say whose areas it was about: whoever is limited sees what he did himself.
    fn visible(caller: &Caller, _app: &App) -> Condition {
        let within = Cond::all();
        if !caller.scope.is_limited() {
            return within;
        }
        within
            .add(col(column("actor")).eq(caller.name()))
            .add(col(column("actor_kind")).eq(kind(caller)))
    }

    async fn together(app: &App, caller: &Caller, query: &mut Query) -> Result<Condition> {
        within_periods(app, caller, query, TIMES)
    }

    async fn show(app: &App, _caller: &Caller, rows: Vec<Row>) -> Result<Vec<Value>> {
        Ok(rows
            .iter()
            .map(|row| {
                let changes = row.changes();
                let text = |change: &Value, side: &str| plain(change.get(side));
                let is_told = |change: &&Value| {
                    text(change, "before") != NOTHING || text(change, "after") != NOTHING
                };
                let changed: Vec<String> = changes
                    .iter()
                    .filter(is_told)
                    .map(|change| match (&row.before, &row.after) {
                        (Some(_), Some(_)) => format!(
                            "{}: {} → {}",
                            text(change, "member"),
                            text(change, "before"),
                            text(change, "after")
                        ),
                        (Some(_), None) => {
                            format!("{}: {}", text(change, "member"), text(change, "before"))
                        }
                        _ => format!("{}: {}", text(change, "member"), text(change, "after")),
                    })
                    .collect();
                let changed = changed.join("; ");
                let mut brief: String = changed.chars().take(BRIEF).collect();
                if brief.len() < changed.len() {
                    brief.push('…');
                }
                json!({
                    "id": row.id,
                    "time": times::instant(row.at, app.zone),
                    "actor": row.actor,
                    "actor_kind": row.actor_kind,
                    "address": row.address,
                    "action": row.action,
                    "thing": row.thing,
                    "thing_id": row.thing_id,
                    "changed": changed,
                    "brief": brief,
                    "changes": changes,
                })
            })
            .collect())
    }
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
