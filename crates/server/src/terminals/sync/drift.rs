//! Whether terminals still hold what they have confirmed, and whether the server has all their punches:
//! each is asked now and then, a few at a time, and what differs is made good.

use crate::access::Caller;
use crate::app::App;
use crate::error::Result;
use crate::terminals::commands::{self, Order, Text};
use crate::terminals::contact::{self, NOT_AUTHORIZED, family_of};
use crate::terminals::zone::Zone;
use crate::writing::Writing;
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use muster_protocol::command::Command;
use muster_protocol::handshake::Family;
use muster_store::{Sql, Tx};
use std::sync::Arc;

/// How often [`ask`] is called, for spreading the questions over the day.
pub const EVERY_S: u64 = 60;
/// A terminal that was not heard for longer is not asked.
const HEARD_WITHIN: TimeDelta = TimeDelta::minutes(10);
/// Uploads that were refused once come again behind the answer that ends them: it is looked at when nothing has
/// come for so long.
const QUIET_FOR: TimeDelta = TimeDelta::minutes(1);
/// One whose own count of people is right is asked so many times more rarely: newer ones show all their
/// templates and photos with each person.
const RARELY: i32 = 7;

/// Asks those whose turn it is.
pub async fn ask(app: &App) -> Result<()> {
    let hours = app.settings().terminals.check_every_h;
    if hours == 0 {
        return Ok(());
    }
    let every = TimeDelta::hours(hours.into());
    let (terminals,): (i64,) = app
        .store
        .one(&Sql::new("SELECT COUNT(*) FROM terminal", []))
        .await?;
    // So that all have had their turn when the first is asked again.
    let turns = (every.num_seconds() / i64::try_from(EVERY_S).unwrap_or(60)).max(1);
    let most = terminals / turns + 1;
    ask_for_people(app, every, most).await?;
    ask_for_counts(app, most).await
}

/// Looks at the answers that have come.
pub async fn look(app: &App) -> Result<()> {
    look_at_people(app).await?;
    look_at_counts(app).await
}

/// No terminal is given more commands between a backup and the day it is needed.
const GIVEN_SINCE: i64 = 100_000;

/// The database is as it was at some time, and terminals are further. What was queued then is not given to them
/// again, for they may have done it; and no number that may have been given since, for its answer may come yet.
/// Each is asked for its punches since, and soon for its people. Returns how many are asked.
pub async fn catch_up(app: &App, tx: &mut Writing, since: DateTime<Utc>) -> Result<usize> {
    let terminals: Vec<(i64, String, i16, Option<String>, i64)> = tx
        .all(&Sql::new(
            "SELECT id, family, zone_offset_minutes, zone_name, area_id FROM terminal ORDER BY id",
            [],
        ))
        .await?;
    tx.run(&Sql::new(
        "UPDATE terminal SET next_wire_id = next_wire_id + $1",
        [GIVEN_SINCE.into()],
    ))
    .await?;
    let mut asked = 0;
    for (id, family, offset_minutes, name, area) in terminals {
        commands::replaced(app, tx, id).await?;
        if area == NOT_AUTHORIZED {
            continue;
        }
        // Whatever its clock shows, and however it was set meanwhile.
        let zone = Zone {
            offset_minutes: offset_minutes.into(),
            name: name.and_then(|name| name.parse().ok()),
        };
        let question = match family_of(&family) {
            Family::Attendance => Command::QueryAttlog {
                from: zone.local(since - TimeDelta::days(1)),
                to: zone.local(app.clock.now() + TimeDelta::days(1)),
            },
            Family::Access => Command::AccessQuery {
                table: "transaction".into(),
            },
        };
        if put(app, tx, id, &question).await?.is_some() {
            asked += 1;
        }
        tx.run(&Sql::new(
            "UPDATE terminal SET people_asked_at = $2, people_question = NULL, punches_question = NULL WHERE id = $1",
            [id.into(), DateTime::UNIX_EPOCH.into()],
        ))
        .await?;
    }
    Ok(asked)
}

async fn ask_for_people(app: &App, every: TimeDelta, most: i64) -> Result<()> {
    let now = app.clock.now();
    let due: Vec<(i64, String)> = app
        .store
        .all(&Sql::new(
            "SELECT t.id, t.family FROM terminal AS t \
             WHERE t.company_id = $1 AND t.area_id <> $2 AND t.cleared_by IS NULL AND t.people_question IS NULL \
                 AND t.last_activity_at >= $3 AND COALESCE(t.people_asked_at, t.created_at) <= $4 \
                 AND (COALESCE(t.people_asked_at, t.created_at) <= $5 OR t.user_count IS NULL OR t.user_count <> \
                     (SELECT COUNT(*) FROM terminal_holding AS h \
                      WHERE h.terminal_id = t.id AND h.thing = 'user' AND h.may_hold)) \
                 AND NOT EXISTS (SELECT 1 FROM terminal_command AS c \
                                 WHERE c.terminal_id = t.id AND c.state IN ('queued', 'sent')) \
             ORDER BY t.people_asked_at, t.id LIMIT $6",
            [
                app.company.id.clone().into(),
                NOT_AUTHORIZED.into(),
                (now - HEARD_WITHIN).into(),
                (now - every).into(),
                (now - every * RARELY).into(),
                most.into(),
            ],
        ))
        .await?;
    for (id, family) in due {
        let question = match family_of(&family) {
            Family::Attendance => Command::QueryUser { pin: None },
            Family::Access => Command::AccessQuery {
                table: "user".into(),
            },
        };
        let mut tx = Writing::begin(app).await?;
        let is_ours = tx
            .run(&Sql::new(
                "UPDATE terminal SET people_asked_at = $2 WHERE id = $1 AND people_question IS NULL \
                     AND COALESCE(people_asked_at, created_at) <= $3",
                [id.into(), now.into(), (now - every).into()],
            ))
            .await?;
        // Another server may have asked meanwhile.
        if is_ours > 0
            && let Some(command) = put(app, &mut tx, id, &question).await?
        {
            tx.run(&Sql::new(
                "UPDATE terminal SET people_question = $2 WHERE id = $1",
                [id.into(), command.into()],
            ))
            .await?;
        }
        tx.commit(app).await?;
    }
    Ok(())
}

async fn put(
    app: &App,
    tx: &mut Writing,
    terminal_id: i64,
    question: &Command,
) -> Result<Option<i64>> {
    let Ok(text) = question.encode() else {
        return Ok(None);
    };
    let order = Order {
        terminal_id,
        pin: None,
        text: Arc::new(Text::of(app, question, text)),
        expires_at: None,
    };
    let ids = commands::queue_all(app, tx, &Caller::system(), &[order]).await?;
    Ok(ids.first().copied())
}

/// A question about people that was answered, or will not be.
#[derive(sqlx::FromRow)]
struct Answered {
    id: i64,
    people_question: i64,
    user_count: Option<i64>,
    state: String,
    sent_at: Option<DateTime<Utc>>,
    return_code: Option<i64>,
}

async fn look_at_people(app: &App) -> Result<()> {
    let answered: Vec<Answered> = app
        .store
        .all(&Sql::new(
            "SELECT t.id, t.people_question, t.user_count, c.state, c.sent_at, c.return_code FROM terminal AS t \
             JOIN terminal_command AS c ON c.id = t.people_question \
             WHERE c.state NOT IN ('queued', 'sent') AND COALESCE(c.finished_at, $1) <= $1 AND NOT EXISTS ( \
                 SELECT 1 FROM terminal_holding AS h WHERE h.terminal_id = t.id AND h.seen_at > $1) \
             ORDER BY t.id",
            [(app.clock.now() - QUIET_FOR).into()],
        ))
        .await?;
    for answer in answered {
        let mut tx = app.store.write().await?;
        // Comparisons hold the terminal's row; and it is looked at once.
        let is_ours = tx
            .run(&Sql::new(
                "UPDATE terminal SET people_question = NULL WHERE id = $1 AND people_question = $2",
                [answer.id.into(), answer.people_question.into()],
            ))
            .await?;
        if is_ours > 0
            && let ("done", Some(sent_at)) = (answer.state.as_str(), answer.sent_at)
        {
            miss_those_not_shown(app, &mut tx, &answer, sent_at).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

/// Whom it confirmed and has not shown is not there: they are told again. One that says it is done and
/// showed nobody has perhaps not understood the question, unless it counts nobody either; and one that says of
/// how many its answer is has not come to its end with fewer.
async fn miss_those_not_shown(
    app: &App,
    tx: &mut Tx,
    answer: &Answered,
    sent_at: DateTime<Utc>,
) -> Result<()> {
    let (shown,): (i64,) = tx
        .one(&Sql::new(
            "SELECT COUNT(*) FROM terminal_holding WHERE terminal_id = $1 AND thing = 'user' AND seen_at >= $2",
            [answer.id.into(), sent_at.into()],
        ))
        .await?;
    let is_partial = answer.return_code.is_some_and(|rows| shown < rows);
    if is_partial || shown == 0 && answer.user_count != Some(0) {
        return Ok(());
    }
    // Rows that changed since the question are newer than the answer.
    let missing: Vec<(String,)> = tx
        .all(&Sql::new(
            "SELECT pin FROM terminal_holding WHERE terminal_id = $1 AND thing = 'user' AND may_hold \
                 AND told_command IS NULL AND changed_at < $2 AND COALESCE(seen_at, changed_at) < $2 ORDER BY pin",
            [answer.id.into(), sent_at.into()],
        ))
        .await?;
    if missing.is_empty() {
        return Ok(());
    }
    tracing::info!(
        terminal_id = answer.id,
        people = missing.len(),
        "people have vanished from a terminal"
    );
    contact::people_due(tx, answer.id).await?;
    for (pin,) in missing {
        // With the record goes everything else of the person.
        tx.run(&Sql::new(
            "DELETE FROM terminal_holding WHERE terminal_id = $1 AND pin = $2 AND told_command IS NULL \
                 AND (own OR thing <> 'user')",
            [answer.id.into(), pin.clone().into()],
        ))
        .await?;
        tx.run(&Sql::new(
            "UPDATE terminal_holding SET may_hold = FALSE, has_digest = NULL, seen_digest = NULL, retry_at = $3, \
                 changed_at = $3 WHERE terminal_id = $1 AND pin = $2 AND told_command IS NULL",
            [answer.id.into(), pin.into(), app.clock.now().into()],
        ))
        .await?;
    }
    Ok(())
}

/// A terminal that may be asked how many punches it has of a day that is over.
#[derive(sqlx::FromRow)]
struct Counting {
    id: i64,
    zone_offset_minutes: i16,
    zone_name: Option<String>,
    punches_counted_on: Option<NaiveDate>,
}

async fn ask_for_counts(app: &App, most: i64) -> Result<()> {
    let now = app.clock.now();
    // Wall clocks are at most a day from UTC's, so these hold all whose day is over, and others.
    let today = now.date_naive();
    let due: Vec<Counting> = app
        .store
        .all(&Sql::new(
            "SELECT id, zone_offset_minutes, zone_name, punches_counted_on FROM terminal \
             WHERE company_id = $1 AND area_id <> $2 AND family = 'attendance' AND punches_question IS NULL \
                 AND last_activity_at >= $3 AND created_at <= $4 \
                 AND (punches_counted_on IS NULL OR punches_counted_on < $5) \
             ORDER BY punches_counted_on IS NOT NULL, punches_counted_on, id",
            [
                app.company.id.clone().into(),
                NOT_AUTHORIZED.into(),
                (now - HEARD_WITHIN).into(),
                (now - TimeDelta::days(1)).into(),
                today.into(),
            ],
        ))
        .await?;
    let mut asked = 0;
    for terminal in due {
        let zone = Zone {
            offset_minutes: terminal.zone_offset_minutes.into(),
            name: terminal.zone_name.and_then(|name| name.parse().ok()),
        };
        let Some(day) = zone.local(now).date().checked_sub_days(Days::new(1)) else {
            continue;
        };
        if asked == most {
            break;
        }
        if terminal.punches_counted_on.is_some_and(|last| last >= day) {
            continue;
        }
        asked += 1;
        let (from, to) = whole(day);
        let mut tx = Writing::begin(app).await?;
        let is_ours = tx
            .run(&Sql::new(
                "UPDATE terminal SET punches_counted_on = $2 WHERE id = $1 AND punches_question IS NULL \
                     AND (punches_counted_on IS NULL OR punches_counted_on < $2)",
                [terminal.id.into(), day.into()],
            ))
            .await?;
        let question = Command::VerifySumAttlog { from, to };
        if is_ours > 0
            && let Some(command) = put(app, &mut tx, terminal.id, &question).await?
        {
            tx.run(&Sql::new(
                "UPDATE terminal SET punches_question = $2 WHERE id = $1",
                [terminal.id.into(), command.into()],
            ))
            .await?;
        }
        tx.commit(app).await?;
    }
    Ok(())
}

/// The first and the last second of a day.
fn whole(day: NaiveDate) -> (NaiveDateTime, NaiveDateTime) {
    let from = day.and_time(NaiveTime::MIN);
    (from, from + TimeDelta::days(1) - TimeDelta::seconds(1))
}

/// A count that was answered, or will not be.
#[derive(sqlx::FromRow)]
struct Counted {
    id: i64,
    sn: String,
    punches_question: i64,
    punches_counted_on: NaiveDate,
    state: String,
    result: Option<String>,
}

async fn look_at_counts(app: &App) -> Result<()> {
    let counted: Vec<Counted> = app
        .store
        .all(&Sql::new(
            "SELECT t.id, t.sn, t.punches_question, t.punches_counted_on, c.state, c.result FROM terminal AS t \
             JOIN terminal_command AS c ON c.id = t.punches_question \
             WHERE c.state NOT IN ('queued', 'sent') AND t.punches_counted_on IS NOT NULL ORDER BY t.id",
            [],
        ))
        .await?;
    for count in counted {
        let (from, to) = whole(count.punches_counted_on);
        let has: i64 = match (count.state.as_str(), &count.result) {
            ("done", Some(result)) => result.trim().parse().unwrap_or(0),
            _ => 0,
        };
        // A hidden transaction is here; one that was assigned is counted as the one made of it.
        let (known,): (i64,) = app
            .store
            .one(&Sql::new(
                "SELECT COUNT(*) FROM punch WHERE terminal_sn = $1 AND punch_local BETWEEN $2 AND $3 \
                     AND (transaction_id IS NOT NULL OR hidden_at IS NULL)",
                [count.sn.clone().into(), from.into(), to.into()],
            ))
            .await?;
        let mut tx = Writing::begin(app).await?;
        let is_ours = tx
            .run(&Sql::new(
                "UPDATE terminal SET punches_question = NULL WHERE id = $1 AND punches_question = $2",
                [count.id.into(), count.punches_question.into()],
            ))
            .await?;
        if is_ours > 0 && has > known {
            tracing::info!(sn = %count.sn, day = %count.punches_counted_on, has, known, "punches are asked for again");
            put(app, &mut tx, count.id, &Command::QueryAttlog { from, to }).await?;
        }
        tx.commit(app).await?;
    }
    Ok(())
}
