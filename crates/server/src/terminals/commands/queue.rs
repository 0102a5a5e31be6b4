//! What is queued for terminals, and taken back.

use super::words::{Worded, shown};
use super::{Happening, SEALED_FOR, State, announce, end_queued, lock, next};
use crate::access::Caller;
use crate::app::App;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::terminals::contact;
use crate::writing::Writing;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use muster_protocol::command::Command;
use muster_store::{Sql, Tx, json_list};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// A door opened late is a danger.
const DOOR_LIVES: TimeDelta = TimeDelta::seconds(60);

/// Queues commands, in this order, as part of the caller's transaction. They are in the words of the
/// terminal's kind already. One that cannot be written for the wire is left out, and told in the log.
pub async fn queue(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    terminal_id: i64,
    commands: &[Command],
) -> Result<()> {
    let mut orders = Vec::with_capacity(commands.len());
    for command in commands {
        match command.encode() {
            Ok(text) => orders.push(Order {
                terminal_id,
                pin: None,
                text: Arc::new(Text::of(app, command, text)),
                expires_at: None,
            }),
            Err(unsendable) => {
                tracing::warn!(terminal_id, verb = command.verb(), %unsendable, "a command is left out");
            }
        }
    }
    queue_all(app, tx, caller, &orders).await.map(|_| ())
}

/// A command's text, ready to be queued for any number of terminals.
#[derive(Debug)]
pub struct Text {
    verb: &'static str,
    sealed: String,
    shown: String,
    idempotent: bool,
    subject: Option<String>,
}

impl Text {
    /// `text` is what the command is on the wire.
    pub fn of(app: &App, command: &Command, text: String) -> Text {
        Text {
            verb: command.verb(),
            sealed: hex::encode(app.keys.seal(SEALED_FOR, text.as_bytes())),
            shown: shown(&text),
            idempotent: command.idempotent(),
            subject: command.subject(),
        }
    }

    /// One whose answer nobody looks at: it is never sent again, when it might undo a later one.
    pub fn once(self) -> Text {
        Text {
            idempotent: false,
            ..self
        }
    }
}

/// A command for a terminal, in the words of its kind.
#[derive(Debug, Clone)]
pub struct Order {
    pub terminal_id: i64,
    /// Whom it is about: it waits for no command about somebody else.
    pub pin: Option<String>,
    pub text: Arc<Text>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// Commands of one statement: so many, and so many bytes of their texts.
const MOST_TOGETHER: usize = 2000;
const MOST_BYTES_TOGETHER: usize = 4 << 20;
/// More at once are not told one by one to whoever looks on.
const MOST_ANNOUNCED: usize = 50;

/// Queues commands, for each terminal in this order, in few statements. The ids are in their order; an
/// order for a terminal that is gone has none.
pub async fn queue_all(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    orders: &[Order],
) -> Result<Vec<i64>> {
    let mut ids = Vec::with_capacity(orders.len());
    let mut rest = orders;
    while !rest.is_empty() {
        let mut bytes = 0;
        let count = rest
            .iter()
            .take(MOST_TOGETHER)
            .take_while(|order| {
                let is_first = bytes == 0;
                bytes += order.text.sealed.len();
                is_first || bytes <= MOST_BYTES_TOGETHER
            })
            .count();
        let (some, others) = rest.split_at(count);
        ids.extend(insert(app, tx, caller, some).await?);
        rest = others;
    }
    let terminals: BTreeSet<i64> = orders.iter().map(|order| order.terminal_id).collect();
    let told: Vec<(i64, i64)> = if ids.len() <= MOST_ANNOUNCED {
        orders
            .iter()
            .map(|order| order.terminal_id)
            .zip(ids.iter().copied())
            .collect()
    } else {
        Vec::new()
    };
    tx.after_commit(move |app| {
        for terminal_id in &terminals {
            app.roster.wake(*terminal_id);
            if told.is_empty() {
                app.events.publish(Event::Terminal(*terminal_id));
            }
        }
        for (terminal_id, id) in told {
            app.events.publish(Event::Command { id, terminal_id });
        }
    });
    Ok(ids)
}

async fn insert(app: &App, tx: &mut Tx, caller: &Caller, orders: &[Order]) -> Result<Vec<i64>> {
    let mut counts: BTreeMap<i64, i64> = BTreeMap::new();
    for order in orders {
        *counts.entry(order.terminal_id).or_default() += 1;
    }
    contact::lock_in_order(tx, counts.keys().copied()).await?;
    let after: Vec<(i64, i64)> = tx
        .all(&Sql::by_dialect(
            "UPDATE terminal SET next_wire_id = next_wire_id + (r.value ->> 1) FROM json_each($1) AS r \
             WHERE terminal.id = r.value ->> 0 RETURNING terminal.id, terminal.next_wire_id",
            "UPDATE terminal SET next_wire_id = next_wire_id + (r.v ->> 1)::bigint \
             FROM json_array_elements($1::json) AS r (v) \
             WHERE terminal.id = (r.v ->> 0)::bigint RETURNING terminal.id, terminal.next_wire_id",
            [json_list(
                counts.iter().map(|(id, count)| json!([id, count])),
            )],
        ))
        .await?;
    let mut next: BTreeMap<i64, i64> = after
        .into_iter()
        .map(|(id, after)| (id, after - counts.get(&id).copied().unwrap_or_default()))
        .collect();
    let mut places = Vec::with_capacity(orders.len());
    let mut rows = Vec::with_capacity(orders.len());
    for order in orders {
        let Some(wire_id) = next.get_mut(&order.terminal_id) else {
            return Err(Error::NotFound);
        };
        places.push((order.terminal_id, *wire_id));
        rows.push(json!([
            order.terminal_id,
            wire_id,
            order.text.verb,
            order.text.sealed,
            order.text.shown,
            order.text.idempotent,
            order.pin,
            order
                .expires_at
                .map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, false)),
            order.text.subject,
        ]));
        *wire_id += 1;
    }
    let inserted: Vec<(i64, i64, i64)> = tx
        .all(&Sql::by_dialect(
            "INSERT INTO terminal_command (company_id, terminal_id, wire_id, verb, body_sealed, shown, idempotent, \
                 state, created_by, created_at, pin, expires_at, subject) \
             SELECT $2, r.value ->> 0, r.value ->> 1, r.value ->> 2, unhex(r.value ->> 3), r.value ->> 4, \
                 r.value ->> 5, 'queued', $3, $4, r.value ->> 6, r.value ->> 7, r.value ->> 8 \
             FROM json_each($1) AS r WHERE TRUE \
             RETURNING terminal_id, wire_id, id",
            "INSERT INTO terminal_command (company_id, terminal_id, wire_id, verb, body_sealed, shown, idempotent, \
                 state, created_by, created_at, pin, expires_at, subject) \
             SELECT $2, (r.v ->> 0)::bigint, (r.v ->> 1)::bigint, r.v ->> 2, decode(r.v ->> 3, 'hex'), r.v ->> 4, \
                 (r.v ->> 5)::boolean, 'queued', $3, $4, r.v ->> 6, (r.v ->> 7)::timestamptz, r.v ->> 8 \
             FROM json_array_elements($1::json) WITH ORDINALITY AS r (v, place) ORDER BY r.place \
             RETURNING terminal_id, wire_id, id",
            [
                json_list(rows),
                app.company.id.clone().into(),
                caller.name().into(),
                app.clock.now().into(),
            ],
        ))
        .await?;
    let by_place: BTreeMap<(i64, i64), i64> = inserted
        .into_iter()
        .map(|(terminal_id, wire_id, id)| ((terminal_id, wire_id), id))
        .collect();
    places
        .iter()
        .map(|place| by_place.get(place).copied().ok_or(Error::NotFound))
        .collect()
}

/// Queues what somebody asked for, in this order, as part of his transaction; returns the ids. That
/// a door's terminal is online is the caller's to see to; it is opened within a minute or not.
pub async fn give(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    terminal_id: i64,
    commands: &[Worded],
) -> Result<Vec<i64>> {
    let now = app.clock.now();
    let orders: Vec<Order> = commands
        .iter()
        .map(|(command, text)| Order {
            terminal_id,
            pin: None,
            text: Arc::new(Text::of(app, command, text.clone())),
            expires_at: command.is_door().then(|| now + DOOR_LIVES),
        })
        .collect();
    queue_all(app, tx, caller, &orders).await
}

/// Takes back those of these commands that no terminal was given yet; returns which.
pub async fn withdraw(app: &App, tx: &mut Writing, ids: &[i64]) -> Result<HashSet<i64>> {
    let withdrawn = end_queued(app, tx, ids, Happening::TakenBack, false).await?;
    let found = withdrawn.iter().map(|(id, _)| *id).collect();
    tx.after_commit(move |app| {
        for (id, terminal_id) in withdrawn.into_iter().take(MOST_ANNOUNCED) {
            app.events.publish(Event::Command { id, terminal_id });
        }
    });
    Ok(found)
}

/// These were given to their terminals, and later ones say otherwise: they are never sent again.
pub async fn overtake(app: &App, tx: &mut Tx, ids: &[i64]) -> Result<()> {
    lock(tx, ids).await?;
    let state = next(State::Queued, Happening::TakenBack).expect("queued ones are taken back");
    tx.run(&Sql::by_dialect(
        "UPDATE terminal_command SET overtaken = TRUE, \
             finished_at = CASE state WHEN 'queued' THEN $3 ELSE finished_at END, \
             body_sealed = CASE state WHEN 'queued' THEN $4 ELSE body_sealed END, \
             state = CASE state WHEN 'queued' THEN $2 ELSE state END \
         WHERE id IN (SELECT value FROM json_each($1))",
        "UPDATE terminal_command SET overtaken = TRUE, \
             finished_at = CASE state WHEN 'queued' THEN $3 ELSE finished_at END, \
             body_sealed = CASE state WHEN 'queued' THEN $4 ELSE body_sealed END, \
             state = CASE state WHEN 'queued' THEN $2 ELSE state END \
         WHERE id IN (SELECT CAST(jsonb_array_elements_text($1::jsonb) AS BIGINT))",
        [
            json_list(ids.iter().copied()),
            state.name().into(),
            app.clock.now().into(),
            Vec::<u8>::new().into(),
        ],
    ))
    .await?;
    Ok(())
}

/// Takes back what a terminal has not asked for yet: all of it, or one command. Returns the ids of
/// what was taken back.
pub async fn take_back(
    app: &App,
    tx: &mut Writing,
    terminal_id: i64,
    only: Option<i64>,
) -> Result<Vec<i64>> {
    let queued: Vec<(i64,)> = tx
        .all(&Sql::new(
            "SELECT id FROM terminal_command \
             WHERE terminal_id = $1 AND state = 'queued' AND id = COALESCE($2, id)",
            [terminal_id.into(), only.into()],
        ))
        .await?;
    let queued: Vec<i64> = queued.into_iter().map(|(id,)| id).collect();
    let taken = end_queued(app, tx, &queued, Happening::TakenBack, true).await?;
    let ids: Vec<i64> = taken.into_iter().map(|(id, _)| id).collect();
    let told = ids.clone();
    tx.after_commit(move |app| announce(app, terminal_id, told));
    Ok(ids)
}
