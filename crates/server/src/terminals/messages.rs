//! Messages on terminals: a public one on its terminal, a private one wherever its person is. What should
//! be shown is compared with what was told, and the difference is queued. The owner of the table
//! `terminal_message`.
//!
//! A message goes out at once; the terminal shows it when it is due, and is told to drop it when it is over
//! or taken back. Access terminals show none. A terminal in area 1 is told nothing until it is authorised.

use crate::access::Caller;
use crate::app::App;
use crate::error::Result;
use crate::resources::message;
use crate::resources::private_message::PrivateMessage;
use crate::resources::public_message::PublicMessage;
use crate::terminals::commands::{self, Order};
use crate::terminals::contact::{self, NOT_AUTHORIZED};
use crate::terminals::retry;
use crate::terminals::zone::Zone;
use crate::writing::{self, Writing};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use muster_protocol::command::{Audience, Command, cut_message};
use muster_store::{Dialect, Sql, Tx, json_list};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Messages looked at in one transaction.
const TOGETHER: usize = 200;
/// Older terminals keep a message's number in two bytes. Those below the first are left to messages typed
/// in at the terminal. None is used again before all others were: a terminal may remember whom an old one
/// was for.
const FIRST_UID: i64 = 1_001;
const LAST_UID: i64 = 65_535;
/// What stands for the rest of a message that is too long for a terminal.
const CUT: &str = "…";
/// No clock is further from UTC.
const FURTHEST_ZONE: TimeDelta = TimeDelta::hours(14);

/// Whom messages are for: everybody at a terminal, or one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Public,
    Private,
}

/// A message and a terminal that is to show it.
#[derive(Debug, sqlx::FromRow)]
struct Due {
    message_id: i64,
    terminal_id: i64,
    /// Empty of a public one.
    pin: String,
    content: String,
    start_local: NaiveDateTime,
    duration_minutes: i64,
    end_local: NaiveDateTime,
    zone_offset_minutes: i16,
    zone_name: Option<String>,
    language: Option<i64>,
}

/// A message and a terminal that was told of it.
#[derive(Debug, sqlx::FromRow)]
struct Told {
    terminal_id: i64,
    uid: i64,
    pin: String,
    digest: Vec<u8>,
    /// It still is one that shows messages.
    shows: bool,
}

/// A message that may be due on a terminal, or over.
#[derive(Debug, sqlx::FromRow)]
struct Suspect {
    message_id: i64,
    end_local: NaiveDateTime,
    zone_offset_minutes: i16,
    zone_name: Option<String>,
}

fn is_over(
    app: &App,
    end_local: NaiveDateTime,
    zone_offset_minutes: i16,
    zone_name: Option<&str>,
) -> bool {
    let zone = Zone {
        offset_minutes: zone_offset_minutes.into(),
        name: zone_name.and_then(|name| name.parse().ok()),
    };
    end_local <= zone.local(app.clock.now())
}

impl Due {
    fn is_over(&self, app: &App) -> bool {
        let zone_name = self.zone_name.as_deref();
        is_over(app, self.end_local, self.zone_offset_minutes, zone_name)
    }

    fn commands(&self, uid: u32) -> Vec<Command> {
        let is_private = !self.pin.is_empty();
        let language = self
            .language
            .and_then(|language| u16::try_from(language).ok());
        let mut commands = vec![Command::UpdateSms {
            text: cut_message(&self.content, CUT, language),
            audience: if is_private {
                Audience::Assigned
            } else {
                Audience::Everybody
            },
            uid,
            minutes: u32::try_from(self.duration_minutes).unwrap_or(u32::MAX),
            start: self.start_local,
        }];
        if is_private {
            commands.push(Command::UpdateUserSms {
                pin: self.pin.clone(),
                uid,
            });
        }
        commands
    }
}

/// Each running public message with its terminal: `$1` is area 1, `$2` the earliest wall clock there is.
macro_rules! public_due {
    ($columns:literal, $and:literal) => {
        concat!(
            "SELECT m.id AS message_id, m.end_local, t.zone_offset_minutes, t.zone_name",
            $columns,
            " FROM public_message AS m JOIN terminal AS t ON t.id = m.terminal_id \
             WHERE t.area_id <> $1 AND t.family = 'attendance' AND t.cleared_by IS NULL AND m.end_local > $2 AND ",
            $and
        )
    };
}

/// Each running private message with the terminals that know its person: `$3` is today.
macro_rules! private_due {
    ($columns:literal, $and:literal) => {
        concat!(
            "SELECT m.id AS message_id, m.end_local, t.zone_offset_minutes, t.zone_name",
            $columns,
            " FROM private_message AS m JOIN employee AS e ON e.id = m.employee_id \
             JOIN employee_area AS a ON a.employee_id = e.id \
             JOIN terminal AS t ON t.area_id = a.area_id AND t.company_id = e.company_id \
             JOIN terminal_holding AS h ON h.terminal_id = t.id AND h.pin = e.emp_code AND h.thing = 'user' \
             WHERE t.area_id <> $1 AND t.family = 'attendance' AND t.cleared_by IS NULL AND m.end_local > $2 \
                 AND h.may_hold AND (h.told_command IS NULL OR h.told_digest IS NOT NULL) AND e.status = 0 \
                 AND COALESCE(e.validity_start_on, $3) <= $3 AND COALESCE(e.validity_end_on, $3) >= $3 AND ",
            $and
        )
    };
}

/// These messages are new, or were changed. Queues what their terminals are to be told, and nothing they
/// were told already. The caller's transaction has its place (`writing::people_in_order`).
pub async fn concerns(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    kind: Kind,
    ids: &[i64],
) -> Result<()> {
    hold_terminals(tx, kind, ids).await?;
    for id in ids {
        let mut told: BTreeMap<i64, Told> = told_of(tx, kind, *id)
            .await?
            .into_iter()
            .map(|told| (told.terminal_id, told))
            .collect();
        let mut is_sent = false;
        for due in due(app, tx, kind, *id).await? {
            if due.is_over(app) {
                continue;
            }
            let known = match told.remove(&due.terminal_id) {
                // Its number is somebody else's there.
                Some(told) if told.pin != due.pin => {
                    withdraw(app, tx, caller, &told).await?;
                    None
                }
                known => known,
            };
            is_sent |= tell(app, tx, caller, kind, due, known).await?;
        }
        for told in told.values() {
            withdraw(app, tx, caller, told).await?;
        }
        if is_sent {
            match kind {
                Kind::Public => message::sent::<PublicMessage>(app, tx, *id).await?,
                Kind::Private => message::sent::<PrivateMessage>(app, tx, *id).await?,
            }
        }
    }
    Ok(())
}

/// Holds the terminals where these messages are or may be, before anything of one of them is written.
async fn hold_terminals(tx: &mut Tx, kind: Kind, ids: &[i64]) -> Result<()> {
    // On SQLite the whole transaction has its turn.
    if tx.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    let terminals: Vec<(i64,)> = tx
        .all(&Sql::new(
            match kind {
                Kind::Public => {
                    "SELECT terminal_id FROM public_message \
                     WHERE id IN (SELECT CAST(jsonb_array_elements_text($1::jsonb) AS BIGINT)) \
                     UNION SELECT terminal_id FROM terminal_message \
                     WHERE public_message_id IN (SELECT CAST(jsonb_array_elements_text($1::jsonb) AS BIGINT))"
                }
                Kind::Private => {
                    "SELECT t.id FROM private_message AS m JOIN employee_area AS a ON a.employee_id = m.employee_id \
                     JOIN terminal AS t ON t.area_id = a.area_id \
                     WHERE m.id IN (SELECT CAST(jsonb_array_elements_text($1::jsonb) AS BIGINT)) \
                     UNION SELECT terminal_id FROM terminal_message \
                     WHERE private_message_id IN (SELECT CAST(jsonb_array_elements_text($1::jsonb) AS BIGINT))"
                }
            },
            [json_list(ids.iter().copied())],
        ))
        .await?;
    contact::lock_in_order(tx, terminals.into_iter().map(|(id,)| id)).await
}

/// Messages were removed: the terminals that were told of them are told to drop them.
pub async fn removed(app: &App, tx: &mut Writing, caller: &Caller) -> Result<()> {
    let told: Vec<Told> = tx
        .all(&Sql::new(
            "SELECT g.terminal_id, g.uid, g.pin, g.digest, t.family = 'attendance' AS shows \
             FROM terminal_message AS g JOIN terminal AS t ON t.id = g.terminal_id \
             WHERE g.public_message_id IS NULL AND g.private_message_id IS NULL AND t.area_id <> $1 \
             ORDER BY g.terminal_id, g.uid",
            [NOT_AUTHORIZED.into()],
        ))
        .await?;
    contact::lock_in_order(tx, told.iter().map(|told| told.terminal_id)).await?;
    for told in &told {
        withdraw(app, tx, caller, told).await?;
    }
    Ok(())
}

/// Another device stands in a terminal's place, or it was emptied: it has been told nothing.
pub async fn forgotten(tx: &mut Tx, terminal_id: i64) -> Result<()> {
    tx.run(&Sql::new(
        "DELETE FROM terminal_message WHERE terminal_id = $1",
        [terminal_id.into()],
    ))
    .await?;
    Ok(())
}

/// Nobody knows whether a terminal shows still what it was told: it is told again, by the same numbers.
pub async fn doubt(app: &App, tx: &mut Tx, terminal_id: i64) -> Result<()> {
    tx.run(&Sql::new(
        "UPDATE terminal_message SET digest = $2, told_command = NULL, retry_at = $3 WHERE terminal_id = $1",
        [
            terminal_id.into(),
            Vec::<u8>::new().into(),
            app.clock.now().into(),
        ],
    ))
    .await?;
    Ok(())
}

/// What a terminal was told of a message, and how the last command of that ended.
#[derive(Debug, sqlx::FromRow)]
struct Ended {
    terminal_id: i64,
    uid: i64,
    told_command: i64,
    pin: String,
    tries: i16,
}

/// A command of a message.
#[derive(Debug, sqlx::FromRow)]
struct Outcome {
    verb: String,
    state: String,
    return_code: Option<i64>,
    finished_at: Option<DateTime<Utc>>,
}

/// Terminals have answered, or never will: what they show now is known. What failed and may go well another
/// time is told again, after a pause.
async fn conclude(app: &App) -> Result<()> {
    let ended: Vec<Ended> = app
        .store
        .all(&Sql::new(
            "SELECT g.terminal_id, g.uid, g.told_command, g.pin, g.tries FROM terminal_message AS g \
             JOIN terminal_command AS c ON c.id = g.told_command WHERE c.state NOT IN ('queued', 'sent') \
             ORDER BY g.terminal_id, g.uid",
            [],
        ))
        .await?;
    for ended in ended {
        let count = if ended.pin.is_empty() { 1_i64 } else { 2 };
        let outcomes: Vec<Outcome> = app
            .store
            .all(&Sql::new(
                "SELECT verb, state, return_code, finished_at FROM terminal_command \
                 WHERE terminal_id = $1 AND id <= $2 AND pin IS NOT DISTINCT FROM $3 AND subject IS NOT NULL \
                 ORDER BY id DESC LIMIT $4",
                [
                    ended.terminal_id.into(),
                    ended.told_command.into(),
                    of_person(&ended.pin).into(),
                    count.into(),
                ],
            ))
            .await?;
        if outcomes.iter().any(Outcome::is_open) {
            continue;
        }
        let failed = outcomes.iter().find(|outcome| outcome.state != "done");
        let tries = failed.map_or(0, |_| ended.tries.saturating_add(1));
        let retry_at = failed.and_then(|failed| failed.retry_at(app, tries));
        let mut tx = app.store.write().await?;
        tx.run(&Sql::new(
            "UPDATE terminal_message SET told_command = NULL, tries = $4, retry_at = $5, \
                 digest = CASE WHEN $5 IS NULL THEN digest ELSE $6 END \
             WHERE terminal_id = $1 AND uid = $2 AND told_command = $3",
            [
                ended.terminal_id.into(),
                ended.uid.into(),
                ended.told_command.into(),
                i64::from(tries).into(),
                retry_at.into(),
                Vec::<u8>::new().into(),
            ],
        ))
        .await?;
        tx.commit().await?;
    }
    Ok(())
}

impl Outcome {
    fn is_open(&self) -> bool {
        matches!(self.state.as_str(), "queued" | "sent")
    }

    fn retry_at(&self, app: &App, tries: i16) -> Option<DateTime<Utc>> {
        let at = self.finished_at.unwrap_or_else(|| app.clock.now());
        match self.state.as_str() {
            "refused" => {
                let code = self.return_code.and_then(|code| i32::try_from(code).ok());
                retry::after_refusal(&self.verb, code.unwrap_or(-1), tries, at)
            }
            "lost" => Some(at + retry::pause(tries)),
            _ => Some(at + retry::TAKEN_BACK),
        }
    }
}

/// Whom a message's commands wait for: nobody when it is for everybody.
fn of_person(pin: &str) -> Option<String> {
    (!pin.is_empty()).then(|| pin.to_owned())
}

/// What changed without anybody touching a message: one is over, a person came to a terminal or left it,
/// a terminal was authorised, moved or replaced, a person with messages was removed.
pub async fn settle(app: &App) -> Result<()> {
    conclude(app).await?;
    for kind in [Kind::Public, Kind::Private] {
        let ids = unsettled(app, kind).await?;
        for some in ids.chunks(TOGETHER) {
            let mut tx = Writing::begin(app).await?;
            writing::people_in_order(&mut tx, &app.company.id).await?;
            concerns(app, &mut tx, &Caller::system(), kind, some).await?;
            tx.commit(app).await?;
        }
    }
    let (is_left,): (bool,) = app
        .store
        .one(&Sql::new(
            "SELECT EXISTS (SELECT 1 FROM terminal_message AS g JOIN terminal AS t ON t.id = g.terminal_id \
             WHERE g.public_message_id IS NULL AND g.private_message_id IS NULL AND t.area_id <> $1)",
            [NOT_AUTHORIZED.into()],
        ))
        .await?;
    if is_left {
        let mut tx = Writing::begin(app).await?;
        writing::people_in_order(&mut tx, &app.company.id).await?;
        removed(app, &mut tx, &Caller::system()).await?;
        tx.commit(app).await?;
    }
    Ok(())
}

/// Where a message is to be shown, as far as that can be asked: a terminal's clock may say that it is over.
async fn due(app: &App, tx: &mut Tx, kind: Kind, id: i64) -> Result<Vec<Due>> {
    let now = app.clock.now().naive_utc();
    let (area, earliest) = (NOT_AUTHORIZED.into(), (now - FURTHEST_ZONE).into());
    Ok(match kind {
        Kind::Public => {
            tx.all(&Sql::new(
                public_due!(
                    ", t.id AS terminal_id, t.language, '' AS pin, m.content, m.start_local, m.duration_minutes",
                    "m.id = $3 ORDER BY t.id"
                ),
                [area, earliest, id.into()],
            ))
            .await?
        }
        Kind::Private => {
            tx.all(&Sql::new(
                private_due!(
                    ", t.id AS terminal_id, t.language, e.emp_code AS pin, m.content, m.start_local, m.duration_minutes",
                    "m.id = $4 ORDER BY t.id"
                ),
                [area, earliest, app.today().into(), id.into()],
            ))
            .await?
        }
    })
}

/// The terminals that were told of a message, but for those held: these are told nothing.
async fn told_of(tx: &mut Tx, kind: Kind, id: i64) -> Result<Vec<Told>> {
    let values = [id.into(), NOT_AUTHORIZED.into()];
    Ok(tx
        .all(&match kind {
            Kind::Public => Sql::new(
                "SELECT g.terminal_id, g.uid, g.pin, g.digest, \
                     t.family = 'attendance' AS shows FROM terminal_message AS g JOIN terminal AS t ON t.id = g.terminal_id \
                 WHERE g.public_message_id = $1 AND t.area_id <> $2 ORDER BY t.id",
                values,
            ),
            Kind::Private => Sql::new(
                "SELECT g.terminal_id, g.uid, g.pin, g.digest, \
                     t.family = 'attendance' AS shows FROM terminal_message AS g JOIN terminal AS t ON t.id = g.terminal_id \
                 WHERE g.private_message_id = $1 AND t.area_id <> $2 ORDER BY t.id",
                values,
            ),
        })
        .await?)
}

/// Messages a terminal should show and was not told of, or was told of and should drop.
async fn unsettled(app: &App, kind: Kind) -> Result<Vec<i64>> {
    let now = app.clock.now().naive_utc();
    let (area, today) = (NOT_AUTHORIZED.into(), app.today().into());
    let (earliest, latest) = ((now - FURTHEST_ZONE).into(), (now + FURTHEST_ZONE).into());
    let untold: Vec<Suspect> = app
        .store
        .all(&match kind {
            Kind::Public => Sql::new(
                public_due!(
                    "",
                    "NOT EXISTS (SELECT 1 FROM terminal_message AS g \
                     WHERE g.public_message_id = m.id AND g.terminal_id = t.id)"
                ),
                [area, earliest],
            ),
            Kind::Private => Sql::new(
                private_due!(
                    "",
                    "NOT EXISTS (SELECT 1 FROM terminal_message AS g \
                     WHERE g.private_message_id = m.id AND g.terminal_id = t.id)"
                ),
                [area, earliest, today],
            ),
        })
        .await?;
    let perhaps_over: Vec<Suspect> = app
        .store
        .all(&Sql::new(
            match kind {
                Kind::Public => {
                    "SELECT m.id AS message_id, m.end_local, t.zone_offset_minutes, t.zone_name \
                     FROM terminal_message AS g JOIN public_message AS m ON m.id = g.public_message_id \
                     JOIN terminal AS t ON t.id = g.terminal_id WHERE t.area_id <> $1 AND m.end_local <= $2"
                }
                Kind::Private => {
                    "SELECT m.id AS message_id, m.end_local, t.zone_offset_minutes, t.zone_name \
                     FROM terminal_message AS g JOIN private_message AS m ON m.id = g.private_message_id \
                     JOIN terminal AS t ON t.id = g.terminal_id WHERE t.area_id <> $1 AND m.end_local <= $2"
                }
            },
            [NOT_AUTHORIZED.into(), latest],
        ))
        .await?;
    let now = app.clock.now();
    let failed: Vec<(i64,)> = app
        .store
        .all(&Sql::new(
            match kind {
                Kind::Public => {
                    "SELECT g.public_message_id FROM terminal_message AS g JOIN terminal AS t ON t.id = g.terminal_id \
                     WHERE g.public_message_id IS NOT NULL AND (g.retry_at <= $2 OR g.retry_at > $3) AND t.area_id <> $1 \
                         AND t.cleared_by IS NULL"
                }
                Kind::Private => {
                    "SELECT g.private_message_id FROM terminal_message AS g JOIN terminal AS t ON t.id = g.terminal_id \
                     WHERE g.private_message_id IS NOT NULL AND (g.retry_at <= $2 OR g.retry_at > $3) AND t.area_id <> $1 \
                         AND t.cleared_by IS NULL"
                }
            },
            [
                NOT_AUTHORIZED.into(),
                now.into(),
                // A pause that has longer to go was begun by a clock that was ahead.
                (now + retry::LONGEST).into(),
            ],
        ))
        .await?;
    let mut ids: BTreeSet<i64> = failed.into_iter().map(|(id,)| id).collect();
    for (suspects, is_told) in [(untold, false), (perhaps_over, true)] {
        let wrong = suspects.into_iter().filter(|suspect| {
            let zone_name = suspect.zone_name.as_deref();
            is_over(
                app,
                suspect.end_local,
                suspect.zone_offset_minutes,
                zone_name,
            ) == is_told
        });
        ids.extend(wrong.map(|suspect| suspect.message_id));
    }
    if kind == Kind::Private {
        ids.extend(misplaced(app).await?);
    }
    Ok(ids.into_iter().collect())
}

/// Private messages on terminals where their person no longer is.
async fn misplaced(app: &App) -> Result<Vec<i64>> {
    let ids: Vec<(i64,)> = app
        .store
        .all(&Sql::new(
            "SELECT g.private_message_id FROM terminal_message AS g JOIN terminal AS t ON t.id = g.terminal_id \
             WHERE g.private_message_id IS NOT NULL AND t.area_id <> $1 AND NOT EXISTS ( \
                 SELECT 1 FROM private_message AS m JOIN employee AS e ON e.id = m.employee_id \
                 JOIN employee_area AS a ON a.employee_id = e.id \
                 JOIN terminal_holding AS h ON h.terminal_id = t.id AND h.pin = e.emp_code AND h.thing = 'user' \
                 WHERE m.id = g.private_message_id AND a.area_id = t.area_id AND e.status = 0 AND h.may_hold \
                     AND (h.told_command IS NULL OR h.told_digest IS NOT NULL) AND COALESCE(e.validity_start_on, $2) <= $2 AND COALESCE(e.validity_end_on, $2) >= $2)",
            [NOT_AUTHORIZED.into(), app.today().into()],
        ))
        .await?;
    Ok(ids.into_iter().map(|(id,)| id).collect())
}

/// Queues a message for a terminal, unless it was told just that. `true`: it is told now.
async fn tell(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    kind: Kind,
    due: Due,
    known: Option<Told>,
) -> Result<bool> {
    let uid = match &known {
        Some(told) => told.uid,
        None => free_uid(tx, due.terminal_id).await?,
    };
    let commands = due.commands(u32::try_from(uid).unwrap_or(u32::MAX));
    let texts: Vec<String> = commands
        .iter()
        .filter_map(|command| command.encode().ok())
        .collect();
    let digest = app.keys.digest(texts.join("\n").as_bytes());
    if known.is_some_and(|told| told.digest == digest) {
        return Ok(false);
    }
    let told_command = queue(app, tx, caller, due.terminal_id, &due.pin, &commands).await?;
    let (public, private) = match kind {
        Kind::Public => (Some(due.message_id), None),
        Kind::Private => (None, Some(due.message_id)),
    };
    tx.run(&Sql::new(
        "INSERT INTO terminal_message (terminal_id, uid, public_message_id, private_message_id, pin, digest, told_at, \
             told_command) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (terminal_id, uid) DO UPDATE SET digest = excluded.digest, told_at = excluded.told_at, \
             told_command = excluded.told_command, retry_at = NULL",
        [
            due.terminal_id.into(),
            uid.into(),
            public.into(),
            private.into(),
            due.pin.into(),
            digest.into(),
            app.clock.now().into(),
            told_command.into(),
        ],
    ))
    .await?;
    Ok(true)
}

async fn withdraw(app: &App, tx: &mut Writing, caller: &Caller, told: &Told) -> Result<()> {
    if told.shows {
        let uid = u32::try_from(told.uid).unwrap_or(u32::MAX);
        let commands = [Command::DeleteSms { uid }];
        queue(app, tx, caller, told.terminal_id, &told.pin, &commands).await?;
    }
    tx.run(&Sql::new(
        "DELETE FROM terminal_message WHERE terminal_id = $1 AND uid = $2",
        [told.terminal_id.into(), told.uid.into()],
    ))
    .await?;
    Ok(())
}

/// A private message waits behind its person's record, and for nobody else's. Returns the last command's id.
async fn queue(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    terminal_id: i64,
    pin: &str,
    commands: &[Command],
) -> Result<Option<i64>> {
    let mut orders = Vec::with_capacity(commands.len());
    for command in commands {
        match command.encode() {
            Ok(text) => orders.push(Order {
                terminal_id,
                pin: of_person(pin),
                text: Arc::new(commands::Text::of(app, command, text)),
                expires_at: None,
            }),
            // A code that no terminal can be told is none's there either.
            Err(unsendable) => {
                tracing::warn!(terminal_id, verb = command.verb(), %unsendable, "a message is left out");
                return Ok(None);
            }
        }
    }
    let ids = commands::queue_all(app, tx, caller, &orders).await?;
    Ok(ids.last().copied())
}

/// The next number of a terminal that is no running message's there.
async fn free_uid(tx: &mut Tx, terminal_id: i64) -> Result<i64> {
    loop {
        let (uid,): (i64,) = tx
            .one(&Sql::new(
                "UPDATE terminal SET last_message_uid = \
                     CASE WHEN last_message_uid BETWEEN $2 AND $3 - 1 THEN last_message_uid + 1 ELSE $2 END \
                 WHERE id = $1 RETURNING last_message_uid",
                [terminal_id.into(), FIRST_UID.into(), LAST_UID.into()],
            ))
            .await?;
        let taken: Option<(i64,)> = tx
            .find(&Sql::new(
                "SELECT uid FROM terminal_message WHERE terminal_id = $1 AND uid = $2",
                [terminal_id.into(), uid.into()],
            ))
            .await?;
        if taken.is_none() {
            return Ok(uid);
        }
    }
}
