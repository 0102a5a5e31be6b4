//! A terminal asks, does, and answers; or does not.

use super::words::is_restart;
use super::{End, Happening, PAUSES, SEALED_FOR, State, announce, close, next};
use crate::app::App;
use crate::error::Result;
use crate::terminals::roster::Presence;
use crate::writing::Writing;
use chrono::{DateTime, TimeDelta, Utc};
use muster_protocol::command::{self, Command};
use muster_protocol::result::{self, CommandResult, Retry};
use muster_protocol::upload::Failure;
use muster_store::{Sql, Tx, json_list};
use std::collections::{HashMap, HashSet};

/// A command without an answer is given up on, or sent again, when the terminal has polled this
/// often since and so much time has passed.
const SILENT_POLLS: i64 = 3;
const SILENT_FOR: TimeDelta = TimeDelta::minutes(5);
/// A pause that has longer to go was begun by a clock that was ahead, and is over.
const LONGEST_PAUSE: TimeDelta = PAUSES[PAUSES.len() - 1];

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
        self.not_before_at
            .is_none_or(|at| at <= now || at - now > LONGEST_PAUSE)
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
            && command
                .sent_at
                .is_none_or(|at| (now - at).abs() >= SILENT_FOR);
        if is_silent {
            give_up_or_queue(app, &mut tx, terminal.id, command, now).await?;
            changed.push(command.id);
        }
        if command.state == "queued" && command.expires_at.is_some_and(|at| at <= now) {
            let state = next(State::Queued, Happening::TimePassed).expect("queued ones expire");
            close(app, &mut tx, &[End::silent(command.id, state)], now).await?;
            command.state = state.name().into();
            changed.push(command.id);
        }
        // While it waited to be said again, something else was said.
        if command.state == "queued"
            && command.sent_count > 0
            && is_undone(&mut tx, terminal.id, command).await?
        {
            let state = next(State::Queued, Happening::TakenBack).expect("queued ones can end");
            close(app, &mut tx, &[End::silent(command.id, state)], now).await?;
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
                close(app, &mut tx, &[End::silent(command.id, State::Lost)], now).await?;
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
            close(app, &mut tx, &[End::silent(command.id, state)], now).await?;
        } else {
            give_up_or_queue(app, &mut tx, terminal.id, command, now).await?;
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
    let mut found = given(&mut tx, terminal.id, wire_ids).await?;
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
        let Some(before) = State::of(&command.state) else {
            continue;
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
    close(app, &mut tx, &ended, now).await?;
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

/// The terminal's error log says that these came to nothing, perhaps after their results. Returns those of them of
/// which that is news, with the codes.
pub async fn failed(
    app: &App,
    tx: &mut Writing,
    terminal_id: i64,
    failures: &[Failure],
) -> Result<Vec<(i64, i32)>> {
    let wire_ids: Vec<i64> = failures
        .iter()
        .filter_map(|failure| failure.id.parse().ok())
        .collect();
    let mut found = given(tx, terminal_id, wire_ids).await?;
    let mut ended = Vec::new();
    for failure in failures {
        let wire_id = failure.id.parse::<i64>().ok();
        let Some(command) = wire_id.and_then(|wire_id| found.get_mut(&wire_id)) else {
            continue;
        };
        let before = State::of(&command.state);
        let Some(after) = before.and_then(|before| next(before, Happening::FoundFailed)) else {
            continue;
        };
        after.name().clone_into(&mut command.state);
        ended.push(End {
            id: command.id,
            state: after,
            code: Some(failure.code),
            answer: Some(&failure.error),
        });
    }
    close(app, tx, &ended, app.clock.now()).await?;
    let changed: Vec<i64> = ended.iter().map(|end| end.id).collect();
    tx.after_commit(move |app| announce(app, terminal_id, changed));
    Ok(ended
        .iter()
        .filter_map(|end| Some((end.id, end.code?)))
        .collect())
}

/// The commands of these numbers that the terminal was given, held until the transaction ends. Of one that it was not
/// given it knows nothing: another server gave it one of that number, or this one before the terminal was deleted.
async fn given(
    tx: &mut Tx,
    terminal_id: i64,
    wire_ids: Vec<i64>,
) -> Result<HashMap<i64, Reported>> {
    let found: Vec<Reported> = tx
        .all(&Sql::by_dialect(
            "SELECT wire_id, id, verb, state, sent_count, idempotent AND pin IS NULL AS is_repeated FROM terminal_command \
             WHERE terminal_id = $1 AND sent_count > 0 AND wire_id IN (SELECT value FROM json_each($2))",
            "SELECT wire_id, id, verb, state, sent_count, idempotent AND pin IS NULL AS is_repeated FROM terminal_command \
             WHERE terminal_id = $1 AND sent_count > 0 \
                 AND wire_id IN (SELECT CAST(jsonb_array_elements_text($2::jsonb) AS BIGINT)) \
             ORDER BY wire_id FOR UPDATE",
            [terminal_id.into(), json_list(wire_ids)],
        ))
        .await?;
    Ok(found
        .into_iter()
        .map(|command| (command.wire_id, command))
        .collect())
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
    app: &App,
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
        close(app, tx, &[End::silent(command.id, state)], now).await?;
    }
    command.state = state.name().into();
    Ok(())
}
