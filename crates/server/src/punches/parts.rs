//! The parts in which punches lie on PostgreSQL: the months of the terminals' clocks, all that is before the first of them,
//! and a rest for times that no part takes. Made ahead of their time, and put away into the schema `archive`, from where they
//! come back. What is done to the tables stands in functions of the database (migrations 0160 and 0180), which a statement calls.

use crate::access::{Caller, Thing};
use crate::app::App;
use crate::audit::{self, Deed};
use crate::error::Result;
use crate::punches::found_by;
use crate::punches::record::adopt;
use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime};
use muster_store::{Dialect, Sql, Store};
use serde_json::json;
use std::fmt;
use std::str::FromStr;

/// Months that are ready behind the present one.
const AHEAD: u32 = 3;

/// The first day of a month, written `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(NaiveDate);

impl Month {
    pub fn of(day: NaiveDate) -> Month {
        Month(day - Days::new(u64::from(day.day0())))
    }

    fn begins(self) -> NaiveDateTime {
        self.0.and_time(NaiveTime::MIN)
    }
}

impl FromStr for Month {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Month, String> {
        let first = (text.len() == 7).then(|| format!("{text}-01").parse().ok());
        let first = first.flatten().ok_or("expected a month: YYYY-MM")?;
        Ok(Month(first))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m"))
    }
}

/// What a part holds, by the clocks of the terminals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// Everything before that month: what was there when there were no parts yet.
    Before(Month),
    In(Month),
    /// What no part takes.
    Other,
}

/// As it is written: `before-2026-11`, `2026-11`, `other`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Time::Before(month) => write!(f, "before-{month}"),
            Time::In(month) => write!(f, "{month}"),
            Time::Other => f.write_str("other"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Part {
    /// The name of its table.
    part: String,
    pub is_archived: bool,
    starts: Option<NaiveDateTime>,
    ends: Option<NaiveDateTime>,
}

impl Part {
    /// It holds nothing of that month or later.
    pub fn is_before(&self, month: Month) -> bool {
        self.ends.is_some_and(|ends| ends <= month.begins())
    }

    pub fn time(&self) -> Time {
        let month = |at: NaiveDateTime| Month::of(at.date());
        match (self.starts, self.ends) {
            (Some(starts), _) => Time::In(month(starts)),
            (None, Some(ends)) => Time::Before(month(ends)),
            (None, None) => Time::Other,
        }
    }
}

/// What is in a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Held {
    /// The last id that was given when it was looked at.
    last_id: i64,
    /// How many punches were assigned then.
    assigned: i64,
    /// How often transactions had been hidden or shown again.
    hidings: i64,
    pub known: i64,
    pub unknown: i64,
    /// With its indexes.
    pub bytes: i64,
}

/// The parts there are, the oldest first; none on SQLite.
pub async fn parts(store: &Store) -> Result<Vec<Part>> {
    if store.dialect() == Dialect::Sqlite {
        return Ok(Vec::new());
    }
    let all = Sql::new(
        "SELECT part, is_archived, starts, ends FROM punch_parts() ORDER BY ends NULLS LAST",
        [],
    );
    Ok(store.all(&all).await?)
}

/// Reads all of it.
pub async fn held(store: &Store, part: &Part) -> Result<Held> {
    Ok(store
        .one(&Sql::new(
            "SELECT last_id, assigned, hidings, known, unknown, bytes FROM punch_part_holds($1, $2)",
            [part.part.clone().into(), part.is_archived.into()],
        ))
        .await?)
}

/// Makes the months that are to be ready, behind those there are. Punches of one of them that were there already lie in it then.
pub async fn make_ahead(app: &App) -> Result<()> {
    let parts = parts(&app.store).await?;
    let Some(mut next) = parts.iter().filter_map(|part| part.ends).max() else {
        return Ok(());
    };
    let until = Month::of(app.today()).begins() + Months::new(AHEAD);
    while next <= until {
        let (moved,): (i64,) = app
            .store
            .one(&Sql::new("SELECT punch_make_month($1)", [next.into()]))
            .await?;
        tracing::info!(month = %Month::of(next.date()), moved, "a month is ready for punches");
        next = next + Months::new(1);
    }
    Ok(())
}

/// Puts a part into the archive, of which somebody has looked what it holds: what is there then. An error that says so when somebody
/// is in the way; then nothing happened, and what was looked at serves again.
pub async fn archive(app: &App, caller: &Caller, part: &Part, looked: Held) -> Result<Held> {
    let mut tx = app.store.write().await?;
    let (known, unknown): (i64, i64) = tx
        .one(&Sql::new(
            "SELECT known, unknown FROM punch_archive($1, $2, $3, $4, $5, $6, $7)",
            [
                part.part.clone().into(),
                part.ends.into(),
                looked.last_id.into(),
                looked.assigned.into(),
                looked.hidings.into(),
                looked.known.into(),
                looked.unknown.into(),
            ],
        ))
        .await?;
    let there = Held {
        known,
        unknown,
        ..looked
    };
    let deed = told("archive", part, there);
    audit::write(&mut tx, app.clock.now(), caller, deed).await?;
    tx.commit().await?;
    Ok(there)
}

/// Makes a part in the archive ready to come back: for this, not for its return, all of it is read.
pub async fn make_ready(app: &App, part: &Part) -> Result<Held> {
    let name = || part.part.clone().into();
    let vouch = Sql::new(
        "SELECT punch_vouch($1, $2, $3)::text",
        [name(), part.starts.into(), part.ends.into()],
    );
    let look = Sql::new("SELECT punch_look_through($1)::text", [name()]);
    for statement in [vouch, look] {
        let _: (String,) = app.store.one(&statement).await?;
    }
    found_by::note_part(&app.store, &part.part).await?;
    held(&app.store, part).await
}

/// Brings a part that is ready back out of the archive; the punches of those who got their codes meanwhile become transactions. An
/// error that says so when somebody is in the way; then it still lies there, and is ready.
pub async fn bring_back(app: &App, caller: &Caller, part: &Part, there: Held) -> Result<()> {
    let mut tx = app.store.write().await?;
    let _: (i64,) = tx
        .one(&Sql::new(
            "SELECT punch_bring_back($1, $2, $3, $4, $5)",
            [
                part.part.clone().into(),
                part.starts.into(),
                part.ends.into(),
                there.known.into(),
                there.unknown.into(),
            ],
        ))
        .await?;
    let deed = told("bring_back", part, there);
    audit::write(&mut tx, app.clock.now(), caller, deed).await?;
    let waiting: Vec<(i64,)> = tx
        .all(&Sql::new(
            "SELECT DISTINCT e.id FROM employee AS e JOIN punch AS p ON p.company_id = e.company_id AND p.pin = e.emp_code \
             WHERE p.transaction_id IS NULL AND p.punch_local >= COALESCE($1, '-infinity'::timestamp) AND p.punch_local < $2",
            [part.starts.into(), part.ends.into()],
        ))
        .await?;
    let waiting: Vec<i64> = waiting.into_iter().map(|(id,)| id).collect();
    adopt(&mut tx, &app.company.id, &waiting).await?;
    Ok(tx.commit().await?)
}

fn told(action: &'static str, part: &Part, held: Held) -> Deed<'static> {
    let about = json!({ "transactions": held.known, "unregistered": held.unknown });
    Deed {
        action,
        thing: Thing::Transaction.name(),
        thing_id: part.time().to_string(),
        before: None,
        after: audit::members(about),
    }
}
