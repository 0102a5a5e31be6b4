//! Who belongs on which terminal: what a terminal should hold of people is compared with what it holds
//! and was told, and the difference is queued. With `holding.rs`, `forms.rs` the owner of the tables
//! `terminal_holding` and `terminal_algorithm`.
//!
//! A person belongs on the terminals of the person's areas, but for area 1, while valid and not
//! resigned. Whoever changes that calls [`concerns`] in the same transaction; everything else that
//! matters (an answer, a lost command, a day that begins, a terminal that moves) is found by [`settle`].
//!
//! | | |
//! |---|---|
//! | `compare.rs` | the comparison itself; `compare/plan.rs`: the commands that come of it |
//! | `holding.rs` | one thing on one terminal: what it has, what it was told, what is next |
//! | `record.rs`  | a person's record in a terminal's words |
//! | `drift.rs`   | asking terminals whether it is so still |
//! | `forms.rs`   | which templates and pictures a terminal takes, and in which rows |
//! | `wanted.rs`  | how much of people terminals should hold, in sums |

mod compare;
pub mod drift;
mod forms;
mod holding;
mod record;
mod wanted;

pub use compare::Shown;
pub use forms::{
    Abilities, Body, Place, Unfit, abilities_now, bodies_now, major, note as note_algorithm,
};
pub use holding::Thing;
pub use wanted::{Wanted, wanted};

use crate::access::Caller;
use crate::app::App;
use crate::error::Result;
use crate::terminals::commands;
use crate::terminals::contact::{self, NOT_AUTHORIZED};
use crate::terminals::messages;
use crate::terminals::retry;
use crate::terminals::roster::Presence;
use crate::writing::{Writing, people_in_order};
use compare::{Asked, compare};
use muster_protocol::command::Command;
use muster_protocol::upload::Failure;
use muster_store::{Sql, Tx, json_list};
use record::Record;
use std::collections::HashSet;

/// People compared at a time.
const TOGETHER: usize = 500;
/// So many times [`TOGETHER`] of terminals that are due at one go of [`settle`].
const MOST_STEPS: usize = 20;

/// These people came, changed, moved or went; `emp_codes` may name some that are no longer there.
/// Queues what their terminals are to be told, and nothing that they were told already. The caller's
/// transaction has taken its place among those that change people (`writing::people_in_order`).
pub async fn concerns<S: AsRef<str>>(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    emp_codes: &[S],
) -> Result<()> {
    for some in emp_codes.chunks(TOGETHER) {
        let asked = Asked {
            pins: &references(some),
            only: None,
            again: None,
            is_named: true,
            shown: None,
        };
        compare(app, tx, caller, asked).await?;
    }
    Ok(())
}

/// Somebody may be enrolled for this at terminals that never sent it: all that know the person and have such a thing
/// are told of its removal by the comparison that follows. The caller's transaction has its place
/// (`writing::people_in_order`).
pub async fn suspect(app: &App, tx: &mut Tx, emp_code: &str, wire_types: &[i16]) -> Result<()> {
    let places: Vec<Place> = tx
        .all(&Sql::by_dialect(
            "SELECT t.id, t.family, t.fp_alg_ver, t.face_alg_ver, t.fv_alg_ver, t.palm_alg_ver, t.photo_func_on \
             FROM terminal AS t WHERE t.company_id = $1 AND t.id IN ( \
                 SELECT terminal_id FROM terminal_holding WHERE pin = $2 AND thing = 'user') ORDER BY t.id",
            "SELECT t.id, t.family, t.fp_alg_ver, t.face_alg_ver, t.fv_alg_ver, t.palm_alg_ver, t.photo_func_on \
             FROM terminal AS t WHERE t.company_id = $1 AND t.id IN ( \
                 SELECT terminal_id FROM terminal_holding WHERE pin = $2 AND thing = 'user') \
             ORDER BY t.id FOR NO KEY UPDATE OF t",
            [app.company.id.clone().into(), emp_code.into()],
        ))
        .await?;
    let abilities = forms::abilities(tx, &places).await?;
    for place in &places {
        let has = |wire_type: &&i16| {
            abilities
                .get(&place.id)
                .is_some_and(|abilities| abilities.may_hold(**wire_type))
        };
        for wire_type in wire_types.iter().filter(has) {
            holding::suspect(app, tx, place.id, emp_code, *wire_type).await?;
        }
    }
    Ok(())
}

/// Tells their terminals everything about these people, told before or not.
pub async fn repeat<S: AsRef<str>>(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    emp_codes: &[S],
) -> Result<()> {
    for some in emp_codes.chunks(TOGETHER) {
        let asked = Asked {
            pins: &references(some),
            only: None,
            again: Some(&|_| true),
            is_named: true,
            shown: None,
        };
        compare(app, tx, caller, asked).await?;
    }
    Ok(())
}

fn references<S: AsRef<str>>(codes: &[S]) -> Vec<&str> {
    codes.iter().map(AsRef::as_ref).collect()
}

/// Tells a terminal once more what it should hold: of all its people those things that `what` names. One
/// that was cleared is filled again. A few hundred people in each transaction; returns the commands.
pub async fn refill(
    app: &App,
    caller: &Caller,
    terminal_id: i64,
    what: &(dyn Fn(Thing) -> bool + Sync),
) -> Result<Vec<i64>> {
    let mut told = Vec::new();
    let mut from = String::new();
    loop {
        let mut tx = Writing::begin(app).await?;
        people_in_order(&mut tx, &app.company.id).await?;
        if from.is_empty() {
            fill_again(app, &mut tx, terminal_id).await?;
        }
        let before = commands::newest(&mut tx, terminal_id).await?;
        let pins = pins_of(app, &mut tx, terminal_id, &from).await?;
        let asked = Asked {
            pins: &references(&pins),
            only: Some(terminal_id),
            again: Some(what),
            is_named: false,
            shown: None,
        };
        compare(app, &mut tx, caller, asked).await?;
        told.extend(commands::since(&mut tx, terminal_id, before).await?);
        tx.commit(app).await?;
        match pins.last() {
            Some(last) if pins.len() == TOGETHER => from.clone_from(last),
            _ => return Ok(told),
        }
    }
}

/// The people who are or belong on a terminal, some of them, after one.
async fn pins_of(app: &App, tx: &mut Tx, terminal_id: i64, after: &str) -> Result<Vec<String>> {
    let pins: Vec<(String,)> = tx
        .all(&Sql::new(
            "SELECT p.pin FROM ( \
                 SELECT e.emp_code AS pin FROM employee AS e JOIN employee_area AS a ON a.employee_id = e.id \
                 JOIN terminal AS t ON t.area_id = a.area_id AND t.company_id = e.company_id \
                 WHERE t.id = $2 AND e.company_id = $1 AND e.status = 0 \
                 UNION SELECT h.pin FROM terminal_holding AS h WHERE h.terminal_id = $2) AS p \
             WHERE p.pin > $3 ORDER BY p.pin LIMIT $4",
            [
                app.company.id.clone().into(),
                terminal_id.into(),
                after.into(),
                (TOGETHER as i64).into(),
            ],
        ))
        .await?;
    Ok(pins.into_iter().map(|(pin,)| pin).collect())
}

/// A terminal answered: what it holds now is known, and what waited for that goes out.
pub async fn answered(app: &App, terminal: &Presence) -> Result<()> {
    settle_cleared(app, Some(terminal.id)).await?;
    let pins: Vec<(String,)> = app
        .store
        .all(&Sql::new(
            "SELECT DISTINCT h.pin FROM terminal_holding AS h JOIN terminal_command AS c ON c.id = h.told_command \
             WHERE h.terminal_id = $1 AND c.state NOT IN ('queued', 'sent') LIMIT $2",
            [terminal.id.into(), (TOGETHER as i64).into()],
        ))
        .await?;
    if pins.is_empty() {
        return Ok(());
    }
    let pins: Vec<&str> = pins.iter().map(|(pin,)| pin.as_str()).collect();
    let mut tx = Writing::begin(app).await?;
    let asked = Asked {
        pins: &pins,
        only: Some(terminal.id),
        again: None,
        is_named: false,
        shown: None,
    };
    compare(app, &mut tx, &Caller::system(), asked).await?;
    tx.commit(app).await
}

/// A terminal's error log says that commands came to nothing, perhaps after their results. What they were to bring is
/// not there; it would say the same again, and is told something else or nothing.
pub async fn failed(app: &App, terminal: &Presence, failures: &[Failure]) -> Result<()> {
    if failures.is_empty() {
        return Ok(());
    }
    let mut tx = Writing::begin(app).await?;
    contact::lock_in_order(&mut tx, [terminal.id]).await?;
    for (command, code) in commands::failed(app, &mut tx, terminal.id, failures).await? {
        holding::undo(app, &mut tx, terminal.id, command, code).await?;
    }
    tx.commit(app).await?;
    answered(app, terminal).await
}

/// A terminal has shown its records of people, templates or pictures. What it has is known then; the
/// others of the people's areas get what is new, and it gets what it has wrong.
pub async fn shown(app: &App, tx: &mut Writing, pins: &[&str], shown: Shown<'_>) -> Result<()> {
    let asked = Asked {
        pins,
        only: None,
        again: None,
        is_named: false,
        shown: Some(shown),
    };
    compare(app, tx, &Caller::system(), asked).await
}

/// Those of these PINs that the terminal is to remove and has not yet, told or about to be told again: what it
/// brings of them is old.
pub async fn leaving(tx: &mut Tx, terminal_id: i64, pins: &[&str]) -> Result<HashSet<String>> {
    let pins: Vec<(String,)> = tx
        .all(&Sql::by_dialect(
            "SELECT pin FROM terminal_holding WHERE terminal_id = $1 AND thing = 'user' AND told_digest IS NULL \
                 AND (told_command IS NOT NULL OR length(failed_digest) = 0) \
                 AND pin IN (SELECT value FROM json_each($2))",
            "SELECT pin FROM terminal_holding WHERE terminal_id = $1 AND thing = 'user' AND told_digest IS NULL \
                 AND (told_command IS NOT NULL OR length(failed_digest) = 0) \
                 AND pin = ANY(ARRAY(SELECT jsonb_array_elements_text($2::jsonb)))",
            [terminal_id.into(), json_list(pins.iter().copied())],
        ))
        .await?;
    Ok(pins.into_iter().map(|(pin,)| pin).collect())
}

/// Those of these PINs whose people a terminal has no say in: employees who belong elsewhere, and whom the server has not put
/// there. Area 1 is nobody's place: who is in no other belongs nowhere yet, and is enrolled wherever he goes.
pub async fn strangers(
    app: &App,
    tx: &mut Tx,
    terminal_id: i64,
    pins: &[&str],
) -> Result<HashSet<String>> {
    let pins: Vec<(String,)> = tx
        .all(&Sql::by_dialect(
            "SELECT e.emp_code FROM employee AS e JOIN terminal AS t ON t.id = $2 \
             WHERE e.company_id = $1 AND e.emp_code IN (SELECT value FROM json_each($4)) \
                 AND EXISTS (SELECT 1 FROM employee_area AS a WHERE a.employee_id = e.id AND a.area_id <> $3) \
                 AND NOT EXISTS (SELECT 1 FROM employee_area AS a \
                                 WHERE a.employee_id = e.id AND a.area_id = t.area_id AND a.area_id <> $3) \
                 AND NOT EXISTS (SELECT 1 FROM terminal_holding AS h \
                                 WHERE h.terminal_id = t.id AND h.pin = e.emp_code AND h.thing = 'user' \
                                     AND NOT h.own AND (h.may_hold OR h.told_digest IS NOT NULL))",
            "SELECT e.emp_code FROM employee AS e JOIN terminal AS t ON t.id = $2 \
             WHERE e.company_id = $1 AND e.emp_code = ANY(ARRAY(SELECT jsonb_array_elements_text($4::jsonb))) \
                 AND EXISTS (SELECT 1 FROM employee_area AS a WHERE a.employee_id = e.id AND a.area_id <> $3) \
                 AND NOT EXISTS (SELECT 1 FROM employee_area AS a \
                                 WHERE a.employee_id = e.id AND a.area_id = t.area_id AND a.area_id <> $3) \
                 AND NOT EXISTS (SELECT 1 FROM terminal_holding AS h \
                                 WHERE h.terminal_id = t.id AND h.pin = e.emp_code AND h.thing = 'user' \
                                     AND NOT h.own AND (h.may_hold OR h.told_digest IS NOT NULL))",
            [
                app.company.id.clone().into(),
                terminal_id.into(),
                NOT_AUTHORIZED.into(),
                json_list(pins.iter().copied()),
            ],
        ))
        .await?;
    Ok(pins.into_iter().map(|(pin,)| pin).collect())
}

/// The record of somebody who belongs on the terminal, when it asks who that is. Of others it learns
/// nothing: whoever knows a serial number can ask.
pub async fn asked_for(app: &App, terminal_id: i64, emp_code: &str) -> Result<Option<Command>> {
    Ok(record::belonging(app, terminal_id, emp_code)
        .await?
        .map(|person| Record::of(app, &person))
        .transpose()?
        .map(|record| Command::UpdateUser(record.for_attendance())))
}

// ---- terminals --------------------------------------------------------------------------------

/// Another device stands in a terminal's place: it has been told nothing.
pub async fn replaced(tx: &mut Tx, terminal_id: i64) -> Result<()> {
    forget(tx, terminal_id).await?;
    forms::forget(tx, terminal_id).await?;
    tx.run(&Sql::new(
        "UPDATE terminal SET cleared_by = NULL, fill_again = FALSE WHERE id = $1",
        [terminal_id.into()],
    ))
    .await?;
    contact::people_due(tx, terminal_id).await
}

/// A terminal says something new of what it takes: what it would not take is tried in its new form, all else compared.
pub async fn takes_more(app: &App, tx: &mut Tx, terminal_id: i64) -> Result<()> {
    holding::forgive(app, tx, terminal_id).await?;
    contact::people_due(tx, terminal_id).await
}

/// A terminal came from one area to another. Those whom it brought itself and who belong elsewhere go now, too;
/// those whom nobody knows stay.
pub async fn moved(app: &App, tx: &mut Writing, caller: &Caller, terminal_id: i64) -> Result<()> {
    let pins: Vec<(String,)> = tx
        .all(&Sql::new(
            "SELECT h.pin FROM terminal_holding AS h \
             JOIN employee AS e ON e.company_id = $1 AND e.emp_code = h.pin \
             WHERE h.terminal_id = $2 AND h.thing = 'user' AND h.own ORDER BY h.pin",
            [app.company.id.clone().into(), terminal_id.into()],
        ))
        .await?;
    let pins: Vec<&str> = pins.iter().map(|(pin,)| pin.as_str()).collect();
    for some in pins.chunks(TOGETHER) {
        let asked = Asked {
            pins: some,
            only: Some(terminal_id),
            again: None,
            is_named: true,
            shown: None,
        };
        compare(app, tx, caller, asked).await?;
    }
    Ok(())
}

/// `command` is a CLEAR DATA: after it the terminal is left empty, until [`refill`] or a move.
pub async fn cleared(app: &App, tx: &mut Writing, terminal_id: i64, command: i64) -> Result<()> {
    let waiting: Vec<(i64,)> = tx
        .all(&Sql::new(
            "SELECT DISTINCT told_command FROM terminal_holding \
             WHERE terminal_id = $1 AND told_command IS NOT NULL",
            [terminal_id.into()],
        ))
        .await?;
    let waiting: Vec<i64> = waiting.into_iter().map(|(id,)| id).collect();
    let withdrawn = commands::withdraw(app, tx, &waiting).await?;
    let given: Vec<i64> = waiting
        .into_iter()
        .filter(|id| !withdrawn.contains(id))
        .collect();
    commands::overtake(app, tx, &given).await?;
    tx.run(&Sql::new(
        "UPDATE terminal SET cleared_by = $2, fill_again = FALSE, people_due_from = NULL WHERE id = $1",
        [terminal_id.into(), command.into()],
    ))
    .await?;
    Ok(())
}

/// A cleared terminal gets its people again, once it has said what became of that.
pub async fn fill_again(app: &App, tx: &mut Tx, terminal_id: i64) -> Result<()> {
    tx.run(&Sql::new(
        "UPDATE terminal SET fill_again = TRUE WHERE id = $1 AND cleared_by IS NOT NULL",
        [terminal_id.into()],
    ))
    .await?;
    conclude_clear(app, tx, terminal_id).await
}

async fn forget(tx: &mut Tx, terminal_id: i64) -> Result<()> {
    tx.run(&Sql::new(
        "DELETE FROM terminal_holding WHERE terminal_id = $1",
        [terminal_id.into()],
    ))
    .await?;
    Ok(())
}

// ---- what nobody names ------------------------------------------------------------------------

/// What changed without anybody naming the people: a terminal was authorised, moved or replaced, a
/// validity began or ended, a command was lost or its pause is over. Terminals get whom they lack, and
/// lose whom they were told of and who no longer belongs there. Whom a terminal brought itself stays until
/// somebody changes him or moves it, or he is resigned or not valid any more.
///
/// In transactions of a few hundred people, so that others get in between.
pub async fn settle(app: &App) -> Result<()> {
    settle_cleared(app, None).await?;
    settle_people(app, Suspects::Unsettled).await?;
    // Validities turn with the day; everything else is told when it happens.
    let today = app.today();
    if app.people_settled_on.get() != Some(today) {
        settle_people(app, Suspects::Misplaced).await?;
        app.people_settled_on.set(today);
    }
    for _ in 0..MOST_STEPS {
        if !settle_due(app).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// Of whom something may be wrong on a terminal.
#[derive(Debug, Clone, Copy)]
enum Suspects {
    /// A command of theirs has come to its end, or its pause has.
    Unsettled,
    /// They are not where they belong today, or where they do not.
    Misplaced,
}

async fn settle_people(app: &App, suspects: Suspects) -> Result<()> {
    let mut after = String::new();
    loop {
        let pins = suspected(app, suspects, &after).await?;
        let Some(last) = pins.last() else {
            return Ok(());
        };
        let mut tx = Writing::begin(app).await?;
        people_in_order(&mut tx, &app.company.id).await?;
        let asked = Asked {
            pins: &references(&pins),
            only: None,
            again: None,
            is_named: false,
            shown: None,
        };
        compare(app, &mut tx, &Caller::system(), asked).await?;
        tx.commit(app).await?;
        // From there on, so that everybody has his turn whatever stands against some.
        after.clone_from(last);
    }
}

/// The first of them after somebody.
async fn suspected(app: &App, suspects: Suspects, after: &str) -> Result<Vec<String>> {
    let until = |moment: sea_query::Value| {
        [
            app.company.id.clone().into(),
            NOT_AUTHORIZED.into(),
            after.into(),
            (TOGETHER as i64).into(),
            moment,
        ]
    };
    let now = app.clock.now();
    // A pause that has longer to go was begun by a clock that was ahead.
    let ahead = now + retry::LONGEST;
    let pins: Vec<(String,)> = app
        .store
        .all(&match suspects {
            // What waits for its record is told when that is there.
            Suspects::Unsettled => Sql::new(
                "SELECT h.pin FROM terminal_holding AS h JOIN terminal AS t ON t.id = h.terminal_id \
                 WHERE t.company_id = $1 AND t.area_id <> $2 AND t.cleared_by IS NULL AND h.pin > $3 \
                     AND (h.retry_at <= $5 OR h.retry_at > $6) AND h.told_command IS NULL \
                     AND (h.thing IN ('user', 'door') OR length(h.failed_digest) = 0 OR EXISTS ( \
                         SELECT 1 FROM terminal_holding AS u WHERE u.terminal_id = h.terminal_id AND u.pin = h.pin \
                             AND u.thing = 'user' AND (u.own OR u.has_digest IS NOT NULL))) \
                 UNION SELECT h.pin FROM terminal_holding AS h JOIN terminal AS t ON t.id = h.terminal_id \
                 JOIN terminal_command AS c ON c.id = h.told_command \
                 WHERE t.company_id = $1 AND t.area_id <> $2 AND t.cleared_by IS NULL AND h.pin > $3 \
                     AND c.state NOT IN ('queued', 'sent') \
                 ORDER BY 1 LIMIT $4",
                [until(now.into()).as_slice(), &[ahead.into()]].concat(),
            ),
            Suspects::Misplaced => Sql::new(
                "SELECT e.emp_code FROM employee AS e JOIN employee_area AS a ON a.employee_id = e.id \
                 JOIN terminal AS t ON t.area_id = a.area_id AND t.company_id = e.company_id \
                 WHERE e.company_id = $1 AND e.status = 0 AND a.area_id <> $2 AND t.cleared_by IS NULL \
                     AND e.emp_code > $3 \
                     AND COALESCE(e.validity_start_on, $5) <= $5 AND COALESCE(e.validity_end_on, $5) >= $5 \
                     AND NOT EXISTS (SELECT 1 FROM terminal_holding AS h \
                                     WHERE h.terminal_id = t.id AND h.pin = e.emp_code AND h.thing = 'user') \
                 UNION SELECT h.pin FROM terminal_holding AS h JOIN terminal AS t ON t.id = h.terminal_id \
                 WHERE t.company_id = $1 AND t.area_id <> $2 AND t.cleared_by IS NULL AND h.pin > $3 \
                     AND h.thing = 'user' AND (NOT h.own OR EXISTS ( \
                         SELECT 1 FROM employee AS e WHERE e.company_id = $1 AND e.emp_code = h.pin \
                             AND (e.status <> 0 OR e.validity_start_on > $5 OR e.validity_end_on < $5))) \
                     AND (h.told_command IS NULL OR h.told_digest IS NOT NULL) \
                     AND (h.failed_digest IS NULL OR length(h.failed_digest) > 0) AND NOT EXISTS ( \
                     SELECT 1 FROM employee AS e JOIN employee_area AS a ON a.employee_id = e.id \
                     WHERE e.company_id = $1 AND e.emp_code = h.pin AND e.status = 0 AND a.area_id = t.area_id \
                         AND COALESCE(e.validity_start_on, $5) <= $5 AND COALESCE(e.validity_end_on, $5) >= $5) \
                 ORDER BY 1 LIMIT $4",
                until(app.today().into()),
            ),
        })
        .await?;
    Ok(pins.into_iter().map(|(pin,)| pin).collect())
}

/// One terminal that is due, some of its people on. `false`: none is.
async fn settle_due(app: &App) -> Result<bool> {
    let due = "SELECT id, people_due_from FROM terminal \
               WHERE company_id = $1 AND people_due_from IS NOT NULL AND area_id <> $2 ORDER BY id LIMIT 1";
    let company = || [app.company.id.clone().into(), NOT_AUTHORIZED.into()];
    if app
        .store
        .find::<(i64, String)>(&Sql::new(due, company()))
        .await?
        .is_none()
    {
        return Ok(false);
    }
    let mut tx = Writing::begin(app).await?;
    people_in_order(&mut tx, &app.company.id).await?;
    let Some((terminal_id, _)) = tx.find::<(i64, String)>(&Sql::new(due, company())).await? else {
        return Ok(false);
    };
    // Whoever moves it meanwhile has it begin anew, before this reads where it is or after all of it.
    contact::lock_in_order(&mut tx, [terminal_id]).await?;
    let from = "SELECT people_due_from FROM terminal WHERE id = $1 AND people_due_from IS NOT NULL";
    let Some((from,)) = tx
        .find::<(String,)>(&Sql::new(from, [terminal_id.into()]))
        .await?
    else {
        return Ok(true);
    };
    let pins = pins_of(app, &mut tx, terminal_id, &from).await?;
    let asked = Asked {
        pins: &references(&pins),
        only: Some(terminal_id),
        again: None,
        is_named: false,
        shown: None,
    };
    compare(app, &mut tx, &Caller::system(), asked).await?;
    let next = pins
        .last()
        .filter(|_| pins.len() == TOGETHER)
        .map(String::as_str);
    tx.run(&Sql::new(
        "UPDATE terminal SET people_due_from = $2 WHERE id = $1",
        [terminal_id.into(), next.into()],
    ))
    .await?;
    tx.commit(app).await?;
    Ok(true)
}

/// Terminals that were told to forget everything, and have said what became of it: all of them, or one.
async fn settle_cleared(app: &App, only: Option<i64>) -> Result<()> {
    let cleared: Vec<(i64,)> = app
        .store
        .all(&Sql::new(
            "SELECT t.id FROM terminal AS t LEFT JOIN terminal_command AS c ON c.id = t.cleared_by \
             WHERE t.cleared_by IS NOT NULL AND t.id = COALESCE($1, t.id) \
                 AND COALESCE(c.state, 'cancelled') NOT IN ('queued', 'sent') \
                 AND (t.fill_again OR c.state IS NULL OR c.state <> 'done' \
                     OR EXISTS (SELECT 1 FROM terminal_holding AS h WHERE h.terminal_id = t.id) \
                     OR EXISTS (SELECT 1 FROM terminal_message AS g WHERE g.terminal_id = t.id)) \
             ORDER BY t.id",
            [only.into()],
        ))
        .await?;
    for (terminal_id,) in cleared {
        let mut tx = app.store.write().await?;
        conclude_clear(app, &mut tx, terminal_id).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// What a cleared terminal holds is forgotten when it has confirmed that, and not before. One that would not
/// has its people still, and they are looked after again; of one that never answered nobody knows what it has.
async fn conclude_clear(app: &App, tx: &mut Tx, terminal_id: i64) -> Result<()> {
    contact::lock_in_order(tx, [terminal_id]).await?;
    let Some((is_filled, state)) = tx
        .find::<(bool, Option<String>)>(&Sql::new(
            "SELECT t.fill_again, c.state FROM terminal AS t LEFT JOIN terminal_command AS c ON c.id = t.cleared_by \
             WHERE t.id = $1 AND t.cleared_by IS NOT NULL",
            [terminal_id.into()],
        ))
        .await?
    else {
        return Ok(());
    };
    match state.as_deref() {
        Some("queued" | "sent") => return Ok(()),
        Some("done") => {
            forget(tx, terminal_id).await?;
            messages::forgotten(tx, terminal_id).await?;
            if !is_filled {
                return Ok(());
            }
        }
        state => {
            doubt(app, tx, terminal_id, state == Some("lost")).await?;
            if state == Some("lost") {
                messages::doubt(app, tx, terminal_id).await?;
            }
        }
    }
    tx.run(&Sql::new(
        "UPDATE terminal SET cleared_by = NULL, fill_again = FALSE WHERE id = $1",
        [terminal_id.into()],
    ))
    .await?;
    contact::people_due(tx, terminal_id).await
}

/// What a terminal was on its way to be told was taken back; whether the rest is there still, nobody knows when
/// `all` is in doubt.
async fn doubt(app: &App, tx: &mut Tx, terminal_id: i64, all: bool) -> Result<()> {
    tx.run(&Sql::new(
        "UPDATE terminal_holding SET changed_at = $3, told_command = NULL, told_digest = NULL, \
             may_hold = may_hold OR EXISTS (SELECT 1 FROM terminal_command AS c \
                                            WHERE c.id = told_command AND c.sent_count > 0), \
             has_digest = CASE WHEN $2 OR told_command IS NOT NULL THEN NULL ELSE has_digest END \
         WHERE terminal_id = $1 AND ($2 OR told_command IS NOT NULL)",
        [terminal_id.into(), all.into(), app.clock.now().into()],
    ))
    .await?;
    Ok(())
}
