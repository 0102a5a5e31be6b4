//! What terminals are told to do: the queue, and the life of each command. The owner of the table
//! `terminal_command`.

use crate::access::Caller;
use crate::app::App;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::sealed::Sealed;
use crate::terminals::contact;
use crate::terminals::roster::Presence;
use crate::writing::Writing;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use muster_protocol::command::{self, Command, Control};
use muster_protocol::handshake::Family;
use muster_protocol::result::{self, CommandResult, Retry};
use muster_store::{Dialect, Sql, Tx, json_list};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// The purpose command texts are sealed for: they hold passwords and templates.
const SEALED_FOR: &str = "terminal_command";
pub const TEXTS: Sealed = Sealed {
    table: "terminal_command",
    key: "id",
    column: "body_sealed",
    purpose: SEALED_FOR,
    was_plain: false,
};

/// Why a door is not opened.
pub const OFFLINE: &str = "Device is offline.";

/// A door opened late is a danger.
const DOOR_LIVES: TimeDelta = TimeDelta::seconds(60);

/// A command without an answer is given up on, or sent again, when the terminal has polled this
/// often since and so much time has passed.
const SILENT_POLLS: i64 = 3;
const SILENT_FOR: TimeDelta = TimeDelta::minutes(5);

/// Pauses before a command is sent the second, third and fourth time.
const PAUSES: [TimeDelta; 3] = [
    TimeDelta::minutes(1),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
];

/// Where a command is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Waits for the terminal to ask.
    Queued,
    /// Given to the terminal, which has not answered.
    Sent,
    /// The terminal did it.
    Done,
    /// The terminal would not, and said why.
    Refused,
    /// Its time had passed before the terminal asked.
    Expired,
    /// Taken back by somebody, or overtaken by a later one that says otherwise.
    Cancelled,
    /// Given to the terminal, which never answered; whether it was done is for a person to find out.
    Lost,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            State::Queued => "queued",
            State::Sent => "sent",
            State::Done => "done",
            State::Refused => "refused",
            State::Expired => "expired",
            State::Cancelled => "cancelled",
            State::Lost => "lost",
        }
    }
}

/// What can happen to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// The terminal asked, and this is in the reply.
    Given,
    /// The terminal reported, and it went well or not.
    Reported {
        succeeded: bool,
    },
    /// The terminal has no time for it now; it was given `times` times so far.
    Busy {
        times: i64,
    },
    /// The terminal stayed silent about it, or started anew; it was given `times` times so far.
    /// `overtaken`: whether it was done does not matter any more.
    Silence {
        times: i64,
        idempotent: bool,
        overtaken: bool,
    },
    /// The terminal started anew, as it was told to.
    Restarted,
    TimePassed,
    TakenBack,
}

/// The life of a command, whole. `None`: nothing changes.
pub fn next(state: State, happening: Happening) -> Option<State> {
    use Happening::*;
    match (state, happening) {
        (State::Queued, Given) => Some(State::Sent),
        (State::Queued, TimePassed) => Some(State::Expired),
        (State::Queued, TakenBack) => Some(State::Cancelled),
        // A terminal may answer late, after the command was queued again or given up.
        (State::Sent | State::Queued | State::Lost, Reported { succeeded: true }) => {
            Some(State::Done)
        }
        (State::Sent | State::Queued | State::Lost, Reported { succeeded: false }) => {
            Some(State::Refused)
        }
        (State::Sent, Busy { times }) if times <= PAUSES.len() as i64 => Some(State::Queued),
        (State::Sent | State::Queued | State::Lost, Busy { .. }) => Some(State::Refused),
        (
            State::Sent,
            Silence {
                times,
                idempotent,
                overtaken,
            },
        ) => Some(if overtaken {
            State::Cancelled
        } else if idempotent && times <= PAUSES.len() as i64 {
            State::Queued
        } else {
            State::Lost
        }),
        (State::Sent, Restarted) => Some(State::Done),
        _ => None,
    }
}

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

/// Holds commands in the one order everybody takes them in: by terminal, then by number. Whoever takes rows of
/// terminals too has taken them before.
async fn lock(tx: &mut Tx, ids: &[i64]) -> Result<()> {
    if tx.dialect() == Dialect::Postgres {
        let _: Vec<(i64,)> = tx
            .all(&Sql::new(
                "SELECT id FROM terminal_command \
                 WHERE id IN (SELECT CAST(jsonb_array_elements_text($1::jsonb) AS BIGINT)) \
                 ORDER BY terminal_id, wire_id FOR UPDATE",
                [json_list(ids.iter().copied())],
            ))
            .await?;
    }
    Ok(())
}

/// The same deed in the words of the terminal's kind, or a refusal when that kind cannot do it.
fn for_family(command: &Command, family: Family) -> Result<Command, String> {
    let is_access = is_for_access_terminals(command);
    match (family, command) {
        (Family::Access, Command::Reboot) => Ok(Command::AccessControl(Control::Restart)),
        (Family::Access, Command::Unlock) => Ok(Command::AccessControl(Control::Open {
            door: 1,
            seconds: 5,
        })),
        (Family::Access, Command::CancelAlarm) => {
            Ok(Command::AccessControl(Control::CancelAlarm { door: 1 }))
        }
        (Family::Access, Command::Info) => Ok(Command::AccessGetOptions(
            ["~SerialNumber", "FirmVer", "~DeviceName", "LockCount"]
                .map(str::to_owned)
                .to_vec(),
        )),
        (Family::Access, Command::DeleteUser { pin }) => {
            Ok(Command::AccessDeleteUser { pin: pin.clone() })
        }
        (Family::Access, Command::SetOption { key, value }) => {
            Ok(Command::AccessSetOptions(vec![(
                key.clone(),
                value.clone(),
            )]))
        }
        // Newer ones of both kinds have it.
        (Family::Access, Command::EnrollBio { .. }) => Ok(command.clone()),
        (Family::Access, _) if is_access => Ok(command.clone()),
        (Family::Attendance, _) if !is_access => Ok(command.clone()),
        _ => Err(format!(
            "This kind of terminal cannot do {}.",
            command.verb()
        )),
    }
}

fn is_for_access_terminals(command: &Command) -> bool {
    matches!(
        command,
        Command::AccessUpdateUser(_)
            | Command::AccessAuthorize { .. }
            | Command::AccessDeleteUser { .. }
            | Command::AccessDeleteAuthorization { .. }
            | Command::AccessUpdateBiodata(_)
            | Command::AccessDeleteBiodata { .. }
            | Command::AccessUpdateBiophoto { .. }
            | Command::AccessDeleteBiophoto { .. }
            | Command::AccessControl(_)
            | Command::AccessSetOptions(_)
            | Command::AccessGetOptions(_)
            | Command::AccessQuery { .. }
            | Command::AccessCount { .. }
            | Command::AccessClear(_)
    )
}

/// Whether the terminal was told to start anew, in either kind's words.
fn is_restart(text: &str) -> bool {
    matches!(text, "REBOOT" | "CONTROL DEVICE 03000000")
}

/// A command's text as it may be seen: without passwords, templates, pictures and messages.
pub fn shown(text: &str) -> String {
    const SECRET: [&str; 9] = [
        "passwd", "password", "tmp", "content", "comkey", "compwd", "authkey", "template", "msg",
    ];
    let shown: Vec<String> = text
        .split('\t')
        .map(|field| match field.split_once('=') {
            Some((name, value)) if !value.is_empty() => {
                let key = name.rsplit(' ').next().unwrap_or(name);
                if SECRET.iter().any(|secret| key.eq_ignore_ascii_case(secret)) {
                    format!("{name}=…")
                } else if key == "DateTime" {
                    // `command::at_moment`.
                    format!("{name}=(the moment it is sent)")
                } else {
                    field.to_owned()
                }
            }
            _ => field.to_owned(),
        })
        .collect();
    shown.join("\t")
}

#[derive(sqlx::FromRow)]
struct Open {
    id: i64,
    wire_id: i64,
    shown: String,
    state: String,
    idempotent: bool,
    pin: Option<String>,
    overtaken: bool,
    subject: Option<String>,
    sent_at: Option<DateTime<Utc>>,
    sent_count: i16,
    polls_since_sent: i64,
    expires_at: Option<DateTime<Utc>>,
    not_before_at: Option<DateTime<Utc>>,
}

impl Open {
    fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.not_before_at.is_none_or(|at| at <= now)
    }
}

/// A command on its way: the number the terminal answers with, and the text.
#[derive(Debug, PartialEq, Eq)]
pub struct Given {
    pub wire_id: i64,
    pub text: String,
}

/// The terminal asks: what is queued for it, in order, within the wire's limits. It is marked as
/// given before anybody sends it. What has stayed unanswered too long is queued again or given up.
pub async fn take(app: &App, terminal: &Presence) -> Result<Vec<Given>> {
    // Before the queue is read, so that what is queued meanwhile raises the mark again.
    terminal.set_open_commands(false);
    let taken = take_open(app, terminal).await;
    if !matches!(taken, Ok((_, false))) {
        terminal.set_open_commands(true);
    }
    taken.map(|(given, _)| given)
}

/// What is given now, and whether anything is still open.
async fn take_open(app: &App, terminal: &Presence) -> Result<(Vec<Given>, bool)> {
    let now = app.clock.now();
    let mut tx = app.store.write().await?;
    let mut open = lock_open(&mut tx, terminal.id).await?;
    let sent = open.iter_mut().filter(|command| command.state == "sent");
    let sent = sent.map(|command| {
        command.polls_since_sent += 1;
        command.id
    });
    tx.run(&Sql::by_dialect(
        "UPDATE terminal_command SET polls_since_sent = polls_since_sent + 1 \
         WHERE id IN (SELECT value FROM json_each($1))",
        "UPDATE terminal_command SET polls_since_sent = polls_since_sent + 1 \
         WHERE id IN (SELECT CAST(jsonb_array_elements_text($1::jsonb) AS BIGINT))",
        [json_list(sent)],
    ))
    .await?;
    let mut changed = Vec::new();
    for command in &mut open {
        let is_silent = command.state == "sent"
            && command.polls_since_sent >= SILENT_POLLS
            && command.sent_at.is_none_or(|at| now - at >= SILENT_FOR);
        if is_silent {
            give_up_or_queue(&mut tx, terminal.id, command, now).await?;
            changed.push(command.id);
        }
        if command.state == "queued" && command.expires_at.is_some_and(|at| at <= now) {
            let state = next(State::Queued, Happening::TimePassed).expect("queued ones expire");
            close(&mut tx, &[End::silent(command.id, state)], now).await?;
            command.state = state.name().into();
            changed.push(command.id);
        }
        // While it waited to be said again, something else was said.
        if command.state == "queued"
            && command.sent_count > 0
            && is_undone(&mut tx, terminal.id, command).await?
        {
            let state = next(State::Queued, Happening::TakenBack).expect("queued ones can end");
            close(&mut tx, &[End::silent(command.id, state)], now).await?;
            command.state = state.name().into();
            changed.push(command.id);
        }
    }
    // One that waits for its pause holds back those behind it, because order matters to a terminal; one
    // about a person only those about the same person. But never a door, which opens now or never.
    let mut next_ones: Vec<&Open> = Vec::new();
    let mut is_held = false;
    let mut held_people: HashSet<&str> = HashSet::new();
    for command in open.iter().filter(|command| command.state == "queued") {
        if !command.is_due(now) {
            match &command.pin {
                Some(pin) => {
                    held_people.insert(pin);
                }
                None => is_held = true,
            }
            continue;
        }
        let waits = is_held
            || command
                .pin
                .as_deref()
                .is_some_and(|pin| held_people.contains(pin));
        if waits && command.expires_at.is_none() {
            continue;
        }
        next_ones.push(command);
        if next_ones.len() == command::MOST_PER_REPLY {
            break;
        }
    }
    let mut bodies = bodies(&mut tx, &next_ones).await?;
    let mut queue: Vec<(&Open, String)> = Vec::with_capacity(next_ones.len());
    for command in next_ones {
        let body = bodies.remove(&command.id).unwrap_or_default();
        match app.keys.open(SEALED_FOR, &body) {
            Ok(text) => queue.push((command, String::from_utf8_lossy(&text).into_owned())),
            Err(error) => {
                tracing::error!(id = command.id, %error, "a command is given up");
                close(&mut tx, &[End::silent(command.id, State::Lost)], now).await?;
                changed.push(command.id);
            }
        }
    }
    let count = command::batch(queue.iter().map(|(_, text)| text.as_str()));
    let given: Vec<(i64, Given)> = queue
        .into_iter()
        .take(count)
        .map(|(command, text)| {
            let wire_id = command.wire_id;
            (command.id, Given { wire_id, text })
        })
        .collect();
    let (ids, given): (Vec<i64>, Vec<Given>) = given.into_iter().unzip();
    let state = next(State::Queued, Happening::Given).expect("queued ones are given");
    tx.run(&Sql::by_dialect(
        "UPDATE terminal_command SET state = $2, sent_at = $3, sent_count = sent_count + 1, polls_since_sent = 0 \
         WHERE id IN (SELECT value FROM json_each($1))",
        "UPDATE terminal_command SET state = $2, sent_at = $3, sent_count = sent_count + 1, polls_since_sent = 0 \
         WHERE id IN (SELECT CAST(jsonb_array_elements_text($1::jsonb) AS BIGINT))",
        [
            json_list(ids.iter().copied()),
            state.name().into(),
            now.into(),
        ],
    ))
    .await?;
    changed.extend(ids);
    let is_open = open
        .iter()
        .any(|command| matches!(command.state.as_str(), "queued" | "sent"));
    tx.commit().await?;
    announce(app, terminal.id, changed);
    Ok((given, is_open))
}

/// The terminal made a handshake. Unless it was told to ([`Command::Check`]), it started anew: a restart it was
/// told to make is done by that; of the rest, nobody knows what was done.
pub async fn restarted(app: &App, terminal: &Presence) -> Result<()> {
    if !terminal.has_open_commands() {
        return Ok(());
    }
    let now = app.clock.now();
    let mut tx = app.store.write().await?;
    let mut changed = Vec::new();
    let mut given = lock_open(&mut tx, terminal.id).await?;
    given.retain(|command| command.state == "sent");
    let was_restarted = given.iter().any(|command| is_restart(&command.shown));
    if !was_restarted && was_told_to_check(&mut tx, terminal.id, now).await? {
        return Ok(());
    }
    for command in &mut given {
        if is_restart(&command.shown) {
            let state = next(State::Sent, Happening::Restarted).expect("a given restart is done");
            close(&mut tx, &[End::silent(command.id, state)], now).await?;
        } else {
            give_up_or_queue(&mut tx, terminal.id, command, now).await?;
        }
        changed.push(command.id);
    }
    tx.commit().await?;
    announce(app, terminal.id, changed);
    Ok(())
}

/// Whether a CHECK is what its handshake comes of: one on its way, or done a moment ago.
async fn was_told_to_check(tx: &mut Tx, terminal_id: i64, now: DateTime<Utc>) -> Result<bool> {
    let (was_told,): (bool,) = tx
        .one(&Sql::new(
            "SELECT EXISTS (SELECT 1 FROM (SELECT shown, state, finished_at FROM terminal_command \
                                           WHERE terminal_id = $1 ORDER BY id DESC LIMIT 200) AS c \
                            WHERE shown = $2 AND (state = 'sent' OR state = 'done' AND finished_at >= $3))",
            [
                terminal_id.into(),
                Command::Check.verb().into(),
                (now - SILENT_FOR).into(),
            ],
        ))
        .await?;
    Ok(was_told)
}

/// The terminal reports. A result of a command it was never given is logged and changes nothing.
pub async fn finish(app: &App, terminal: &Presence, results: &[CommandResult]) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.store.write().await?;
    let wire_ids: Vec<i64> = results
        .iter()
        .filter_map(|report| report.id.parse().ok())
        .collect();
    let found: Vec<Reported> = tx
        .all(&Sql::by_dialect(
            "SELECT wire_id, id, verb, state, sent_count, idempotent AND pin IS NULL AS is_repeated FROM terminal_command \
             WHERE terminal_id = $1 AND wire_id IN (SELECT value FROM json_each($2))",
            "SELECT wire_id, id, verb, state, sent_count, idempotent AND pin IS NULL AS is_repeated FROM terminal_command \
             WHERE terminal_id = $1 AND wire_id IN (SELECT CAST(jsonb_array_elements_text($2::jsonb) AS BIGINT)) \
             ORDER BY wire_id FOR UPDATE",
            [terminal.id.into(), json_list(wire_ids)],
        ))
        .await?;
    let mut found: HashMap<i64, Reported> = found
        .into_iter()
        .map(|command| (command.wire_id, command))
        .collect();
    let mut ended = Vec::new();
    let mut busy = Vec::new();
    for report in results {
        let wire_id = report.id.parse::<i64>().ok();
        let Some(command) = wire_id.and_then(|wire_id| found.get_mut(&wire_id)) else {
            tracing::warn!(sn = %terminal.sn, id = %report.id.escape_debug(), "a result of a command that was never sent");
            continue;
        };
        // Without a code that can be read it is not known whether it was done.
        let Some(code) = report.code else {
            tracing::warn!(sn = %terminal.sn, id = command.id, "a result without a code");
            continue;
        };
        let before = match command.state.as_str() {
            "queued" => State::Queued,
            "sent" => State::Sent,
            "lost" => State::Lost,
            _ => continue,
        };
        let succeeded = result::succeeded(&command.verb, code);
        let is_busy = command.is_repeated && result::retry(&command.verb, code) == Retry::Later;
        let happening = match is_busy && !succeeded {
            true => Happening::Busy {
                times: command.sent_count.into(),
            },
            false => Happening::Reported { succeeded },
        };
        let Some(after) = next(before, happening) else {
            continue;
        };
        // Said twice, it was said once.
        after.name().clone_into(&mut command.state);
        if after == State::Queued {
            busy.push((command.id, command.sent_count, code));
            continue;
        }
        ended.push(End {
            id: command.id,
            state: after,
            code: Some(code),
            answer: report.get("AttlogSum").or(report.get("AttlogCount")),
        });
    }
    close(&mut tx, &ended, now).await?;
    let mut changed: Vec<i64> = ended.iter().map(|end| end.id).collect();
    for (id, times, code) in busy {
        say_again(&mut tx, id, times, Some(code), now).await?;
        changed.push(id);
    }
    tx.commit().await?;
    terminal.set_open_commands(true);
    announce(app, terminal.id, changed);
    Ok(())
}

/// A command that a terminal says something of.
#[derive(sqlx::FromRow)]
struct Reported {
    wire_id: i64,
    id: i64,
    verb: String,
    state: String,
    sent_count: i16,
    /// It may be done twice, and nobody else says it again: what is about people they who compare do.
    is_repeated: bool,
}

/// Queues one again that was given so often, with a pause. `code`: what the terminal said.
async fn say_again(
    tx: &mut Tx,
    id: i64,
    times: i16,
    code: Option<i32>,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>> {
    let pause = usize::try_from(times - 1)
        .ok()
        .and_then(|times| PAUSES.get(times))
        .copied()
        .unwrap_or_default();
    let not_before_at = now + pause;
    tx.run(&Sql::new(
        "UPDATE terminal_command SET state = $2, not_before_at = $3, return_code = $4 WHERE id = $1",
        [
            id.into(),
            State::Queued.name().into(),
            not_before_at.into(),
            code.into(),
        ],
    ))
    .await?;
    Ok(not_before_at)
}

/// Commands whose time has passed while their terminal was silent.
pub async fn expire(app: &App) -> Result<u64> {
    let overdue: Vec<(i64,)> = app
        .store
        .all(&Sql::new(
            "SELECT id FROM terminal_command WHERE state = 'queued' AND expires_at <= $1",
            [app.clock.now().into()],
        ))
        .await?;
    if overdue.is_empty() {
        return Ok(0);
    }
    let overdue: Vec<i64> = overdue.into_iter().map(|(id,)| id).collect();
    let mut tx = app.store.write().await?;
    let expired = end_queued(app, &mut tx, &overdue, Happening::TimePassed, true).await?;
    tx.commit().await?;
    for (id, terminal_id) in &expired {
        app.events.publish(Event::Command {
            id: *id,
            terminal_id: *terminal_id,
        });
    }
    Ok(expired.len() as u64)
}

/// Lets every terminal ask for what is queued for it, whoever queued it.
pub async fn find_queued(app: &App) -> Result<()> {
    let waiting: Vec<(i64,)> = app
        .store
        .all(&Sql::new(
            "SELECT DISTINCT terminal_id FROM terminal_command WHERE state = 'queued'",
            [],
        ))
        .await?;
    for (terminal_id,) in waiting {
        app.roster.wake(terminal_id);
    }
    Ok(())
}

/// Another device stands in a terminal's place: what was meant for the first is over.
pub async fn replaced(app: &App, tx: &mut Tx, terminal_id: i64) -> Result<()> {
    let open: Vec<(i64,)> = tx
        .all(&Sql::new(
            "SELECT id FROM terminal_command WHERE terminal_id = $1 AND state IN ('queued', 'sent')",
            [terminal_id.into()],
        ))
        .await?;
    let open: Vec<i64> = open.into_iter().map(|(id,)| id).collect();
    end_queued(app, tx, &open, Happening::TakenBack, true).await?;
    let silence = Happening::Silence {
        times: i64::MAX,
        idempotent: false,
        overtaken: false,
    };
    let state = next(State::Sent, silence).expect("what is open can end");
    tx.run(&Sql::new(
        "UPDATE terminal_command SET state = $2, finished_at = $3, body_sealed = $4 \
         WHERE terminal_id = $1 AND state = 'sent'",
        [
            terminal_id.into(),
            state.name().into(),
            app.clock.now().into(),
            Vec::<u8>::new().into(),
        ],
    ))
    .await?;
    Ok(())
}

/// Ends those of these commands that are queued; returns which, and their terminals. `sent_too`: also those
/// that a terminal was given before.
async fn end_queued(
    app: &App,
    tx: &mut Tx,
    ids: &[i64],
    happening: Happening,
    sent_too: bool,
) -> Result<Vec<(i64, i64)>> {
    lock(tx, ids).await?;
    let state = next(State::Queued, happening).expect("it ends queued ones");
    Ok(tx
        .all(&Sql::by_dialect(
            "UPDATE terminal_command SET state = $2, finished_at = $3, body_sealed = $4 \
             WHERE id IN (SELECT value FROM json_each($1)) AND state = 'queued' AND (sent_count = 0 OR $5) \
             RETURNING id, terminal_id",
            "UPDATE terminal_command SET state = $2, finished_at = $3, body_sealed = $4 \
             WHERE id IN (SELECT CAST(jsonb_array_elements_text($1::jsonb) AS BIGINT)) AND state = 'queued' \
                 AND (sent_count = 0 OR $5) \
             RETURNING id, terminal_id",
            [
                json_list(ids.iter().copied()),
                state.name().into(),
                app.clock.now().into(),
                Vec::<u8>::new().into(),
                sent_too.into(),
            ],
        ))
        .await?)
}

/// The texts of these commands, sealed: of few, for one may be a picture.
async fn bodies(tx: &mut Tx, commands: &[&Open]) -> Result<HashMap<i64, Vec<u8>>> {
    let bodies: Vec<(i64, Vec<u8>)> = tx
        .all(&Sql::by_dialect(
            "SELECT id, body_sealed FROM terminal_command WHERE id IN (SELECT value FROM json_each($1))",
            "SELECT id, body_sealed FROM terminal_command \
             WHERE id IN (SELECT CAST(jsonb_array_elements_text($1::jsonb) AS BIGINT))",
            [json_list(commands.iter().map(|command| command.id))],
        ))
        .await?;
    Ok(bodies.into_iter().collect())
}

/// What is open for a terminal, in order, held until the transaction ends: two polls at once, on
/// one node or two, do not both get it. A door does not wait behind hundreds of others.
async fn lock_open(tx: &mut Tx, terminal_id: i64) -> Result<Vec<Open>> {
    let mut open: Vec<Open> = tx
        .all(&Sql::by_dialect(
            "SELECT id, wire_id, shown, state, idempotent, pin, overtaken, subject, sent_at, sent_count, \
                 polls_since_sent, expires_at, not_before_at FROM terminal_command \
             WHERE terminal_id = $1 AND state IN ('queued', 'sent') \
             ORDER BY expires_at IS NULL, wire_id LIMIT 200",
            "SELECT id, wire_id, shown, state, idempotent, pin, overtaken, subject, sent_at, sent_count, \
                 polls_since_sent, expires_at, not_before_at FROM terminal_command \
             WHERE state IN ('queued', 'sent') AND id IN ( \
                 SELECT id FROM terminal_command WHERE terminal_id = $1 AND state IN ('queued', 'sent') \
                 ORDER BY expires_at IS NULL, wire_id LIMIT 200) \
             ORDER BY wire_id FOR UPDATE",
            [terminal_id.into()],
        ))
        .await?;
    open.sort_by_key(|command| (command.expires_at.is_none(), command.wire_id));
    Ok(open)
}

/// Whether the terminal was given a later command since that undoes this one.
async fn is_undone(tx: &mut Tx, terminal_id: i64, command: &Open) -> Result<bool> {
    let Some(subject) = &command.subject else {
        return Ok(false);
    };
    let later: Vec<(String,)> = tx
        .all(&Sql::new(
            "SELECT DISTINCT subject FROM terminal_command \
             WHERE terminal_id = $1 AND wire_id > $2 AND sent_count > 0 AND subject IS NOT NULL",
            [terminal_id.into(), command.wire_id.into()],
        ))
        .await?;
    Ok(later
        .iter()
        .any(|(later,)| command::overtakes(later, subject)))
}

async fn give_up_or_queue(
    tx: &mut Tx,
    terminal_id: i64,
    command: &mut Open,
    now: DateTime<Utc>,
) -> Result<()> {
    let silence = Happening::Silence {
        times: command.sent_count.into(),
        idempotent: command.idempotent,
        overtaken: command.overtaken || is_undone(tx, terminal_id, command).await?,
    };
    let state = next(State::Sent, silence).expect("a silent one is queued again or lost");
    if state == State::Queued {
        let not_before_at = say_again(tx, command.id, command.sent_count, None, now).await?;
        command.not_before_at = Some(not_before_at);
    } else {
        close(tx, &[End::silent(command.id, state)], now).await?;
    }
    command.state = state.name().into();
    Ok(())
}

/// How a command ends.
struct End<'a> {
    id: i64,
    state: State,
    /// What the terminal said.
    code: Option<i32>,
    answer: Option<&'a str>,
}

impl End<'_> {
    /// Without a word of the terminal.
    fn silent(id: i64, state: State) -> Self {
        End {
            id,
            state,
            code: None,
            answer: None,
        }
    }
}

async fn close(tx: &mut Tx, ends: &[End<'_>], now: DateTime<Utc>) -> Result<()> {
    if ends.is_empty() {
        return Ok(());
    }
    let ends = ends
        .iter()
        .map(|end| json!([end.id, end.state.name(), end.code, end.answer]));
    // Passwords and templates do not stay in what is over.
    tx.run(&Sql::by_dialect(
        "UPDATE terminal_command SET state = r.value ->> 1, finished_at = $2, return_code = r.value ->> 2, \
             result = r.value ->> 3, body_sealed = $3 FROM json_each($1) AS r \
         WHERE terminal_command.id = r.value ->> 0",
        "UPDATE terminal_command SET state = r.v ->> 1, finished_at = $2, return_code = (r.v ->> 2)::bigint, \
             result = r.v ->> 3, body_sealed = $3 FROM json_array_elements($1::json) AS r (v) \
         WHERE id = (r.v ->> 0)::bigint",
        [json_list(ends), now.into(), Vec::<u8>::new().into()],
    ))
    .await?;
    Ok(())
}

// ---- what callers ask for ---------------------------------------------------------------------

/// A command in the words of a terminal's kind, and as the text that is sent; or why that kind
/// cannot be told.
pub type Worded = (Command, String);

pub fn worded(command: &Command, family: Family) -> Result<Worded, String> {
    let command = for_family(command, family)?;
    let text = command
        .encode()
        .map_err(|unsendable| unsendable.to_string())?;
    Ok((command, text))
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

/// The terminal's latest command, to be asked [`since`] then; 0 when it has none.
pub async fn newest(tx: &mut Tx, terminal_id: i64) -> Result<i64> {
    let (newest,): (i64,) = tx
        .one(&Sql::new(
            "SELECT COALESCE(MAX(wire_id), 0) FROM terminal_command WHERE terminal_id = $1",
            [terminal_id.into()],
        ))
        .await?;
    Ok(newest)
}

/// The ids of the commands that came behind it.
pub async fn since(tx: &mut Tx, terminal_id: i64, newest: i64) -> Result<Vec<i64>> {
    let since: Vec<(i64,)> = tx
        .all(&Sql::new(
            "SELECT id FROM terminal_command WHERE terminal_id = $1 AND wire_id > $2 ORDER BY wire_id",
            [terminal_id.into(), newest.into()],
        ))
        .await?;
    Ok(since.into_iter().map(|(id,)| id).collect())
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

fn announce(app: &App, terminal_id: i64, changed: Vec<i64>) {
    for id in changed {
        app.events.publish(Event::Command { id, terminal_id });
    }
}

#[cfg(test)]
mod tests {
    use super::{Happening, State, next, shown};

    #[test]
    fn a_command_that_may_be_repeated_is_sent_four_times_and_then_given_up() {
        let silence = |times| Happening::Silence {
            times,
            idempotent: true,
            overtaken: false,
        };
        assert_eq!(next(State::Sent, silence(1)), Some(State::Queued));
        assert_eq!(next(State::Sent, silence(3)), Some(State::Queued));
        assert_eq!(next(State::Sent, silence(4)), Some(State::Lost));
    }

    #[test]
    fn a_command_that_must_not_be_repeated_is_never_sent_again() {
        let silence = Happening::Silence {
            times: 1,
            idempotent: false,
            overtaken: false,
        };
        assert_eq!(next(State::Sent, silence), Some(State::Lost));
    }

    #[test]
    fn what_a_later_one_says_otherwise_is_never_sent_again() {
        let silence = Happening::Silence {
            times: 1,
            idempotent: true,
            overtaken: true,
        };
        assert_eq!(next(State::Sent, silence), Some(State::Cancelled));
    }

    #[test]
    fn what_is_over_stays_over() {
        for over in [
            State::Done,
            State::Refused,
            State::Expired,
            State::Cancelled,
        ] {
            for happening in [
                Happening::Given,
                Happening::Reported { succeeded: true },
                Happening::Restarted,
                Happening::TimePassed,
                Happening::TakenBack,
            ] {
                assert_eq!(next(over, happening), None, "{over:?} {happening:?}");
            }
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(
            shown("DATA UPDATE USERINFO PIN=1\tName=A\tPasswd=1234\tCard="),
            "DATA UPDATE USERINFO PIN=1\tName=A\tPasswd=…\tCard="
        );
        assert_eq!(shown("SET OPTION ComKey=99"), "SET OPTION ComKey=…");
        assert_eq!(
            shown("SET OPTIONS DateTime=836899200"),
            "SET OPTIONS DateTime=(the moment it is sent)"
        );
    }
}
