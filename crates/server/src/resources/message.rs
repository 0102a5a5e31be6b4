//! What public and private messages share: a text that terminals show from a time on, for so many minutes.

use crate::access::Caller;
use crate::app::App;
use crate::audit::{self, Deed};
use crate::error::{Error, Problem, Result};
use crate::input::{Input, Text};
use crate::resource::{self, Columns, Field, Removable, Writable, search_text};
use crate::routes::{Endpoint, Kind, Member};
use crate::terminals::messages;
use crate::times;
use crate::writing::{self, Writing};
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use muster_store::Tx;
use serde_json::{Map, Value};

/// Terminals show less of a long one; the API has it whole.
const CONTENT: Text = Text::max(500);
/// The largest number a terminal can be told, and the manual's own sample.
const MOST_MINUTES: i64 = 2_147_483_647;

/// The columns both kinds have.
pub const COLUMNS: &[&str] = &[
    "id",
    "content",
    "start_local",
    "duration_minutes",
    "last_send_at",
];

pub const START: Member = Member::new(
    "start_time",
    Kind::Time,
    "When it is shown: the terminal's wall clock.",
);
pub const DURATION: Member = Member::new("duration", Kind::Integer, "For so many minutes.");
pub const CONTENT_SHOWN: Member = Member::new("content", Kind::Text, "");
pub const CONTENT_GIVEN: Member = Member::new(
    "content",
    Kind::Text,
    "Up to 500 letters in one line. A terminal shows at most 320 bytes of it.",
);
pub const LAST_SEND: Member = Member::new(
    "last_send",
    Kind::Time,
    "When it was last given to a terminal; null: to none yet.",
);

pub const fn start_asked(table: &'static str) -> Field {
    Field::new("start_time", Kind::Time, (table, "start_local"))
}

pub const fn duration_asked(table: &'static str) -> Field {
    Field::new("duration", Kind::Integer, (table, "duration_minutes")).exactly()
}

pub const fn content_asked(table: &'static str) -> Field {
    Field::new("content", Kind::Text, (table, "content"))
        .exactly()
        .contains_part(0)
}

pub const fn last_send_asked(table: &'static str) -> Field {
    Field::new("last_send", Kind::Time, (table, "last_send_at")).nullable()
}

/// A message as it is stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Message {
    pub id: i64,
    pub content: String,
    pub start_local: NaiveDateTime,
    pub duration_minutes: i64,
    pub last_send_at: Option<DateTime<Utc>>,
}

impl Message {
    /// Writes its members behind those there are.
    pub fn show(&self, app: &App, shown: &mut Map<String, Value>) {
        shown.insert("start_time".into(), times::local(self.start_local).into());
        shown.insert("duration".into(), self.duration_minutes.into());
        shown.insert("content".into(), self.content.clone().into());
        let last_send = times::maybe_instant(self.last_send_at, app.zone);
        shown.insert("last_send".into(), last_send);
    }

    /// What a caller can change, for the audit; `addressee` as people call it.
    fn audited(&self, (member, addressee): (&str, &str)) -> Map<String, Value> {
        let mut audited = Map::new();
        audited.insert("start_time".into(), times::local(self.start_local).into());
        audited.insert("duration".into(), self.duration_minutes.into());
        audited.insert("content".into(), self.content.clone().into());
        audited.insert(member.into(), addressee.into());
        audited
    }
}

/// What was given, checked.
#[derive(Debug, Clone)]
pub struct Given {
    content: Option<String>,
    start_local: Option<NaiveDateTime>,
    duration_minutes: Option<i64>,
}

impl Given {
    pub fn read(input: &mut Input<'_>) -> Given {
        for name in ["start_time", "duration", "content"] {
            input.require(&[name]);
        }
        Given {
            start_local: input.time("start_time"),
            duration_minutes: input.integer("duration", 1, MOST_MINUTES, false).flatten(),
            content: input.text("content", CONTENT).flatten(),
        }
    }

    /// The columns to be written, for a new message or over the stored one.
    pub fn columns(self, app: &App, stored: Option<&Message>) -> Columns {
        let now = app.clock.now();
        let start_local = self
            .start_local
            .or(stored.map(|stored| stored.start_local))
            .unwrap_or_default();
        let duration_minutes = self
            .duration_minutes
            .or(stored.map(|stored| stored.duration_minutes))
            .unwrap_or_default();
        let mut columns = Columns::default();
        columns.set("start_local", start_local);
        columns.set("duration_minutes", duration_minutes);
        columns.set("end_local", end(start_local, duration_minutes));
        if let Some(content) = self.content {
            columns.set("search_text", search_text([content.as_str()]));
            columns.set("content", content);
        }
        columns.set("changed_at", now);
        if stored.is_none() {
            columns.set("company_id", app.company.id.clone());
            columns.set("created_at", now);
        }
        columns
    }
}

/// A kind of message: for whom it is, and where it lies.
pub trait Addressed: Removable + Writable<Change = Change> {
    const TABLE: &'static str;
    /// The column that says for whom.
    const ADDRESSEE: &'static str;

    fn message(row: &Self::Row) -> &Message;

    /// For whom it is: the member's name, and the code or serial number.
    fn addressee(row: &Self::Row) -> (&'static str, &str);
}

fn audited<M: Addressed>(row: &M::Row) -> Map<String, Value> {
    M::message(row).audited(M::addressee(row))
}

/// What was given for a message, checked.
pub struct Change {
    pub addressee_id: Option<i64>,
    pub given: Given,
}

/// As `Writable::store` does.
pub async fn store<M: Addressed>(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    change: Change,
    stored: Option<M::Row>,
) -> Result<i64> {
    let mut columns = change.given.columns(app, stored.as_ref().map(M::message));
    if let Some(addressee_id) = change.addressee_id {
        columns.set(M::ADDRESSEE, addressee_id);
    }
    let id = match &stored {
        None => tx.one::<(i64,)>(&columns.insert(M::TABLE)).await?.0,
        Some(stored) => {
            let id = M::id(stored);
            tx.run(&columns.update(M::TABLE, id)).await?;
            id
        }
    };
    let row: Option<M::Row> = tx.find(&resource::by_id::<M>(app, id)).await?;
    // Removed a moment ago.
    let row = row.ok_or(Error::NoSuch { code: M::ABSENT })?;
    let deed = Deed {
        action: if stored.is_some() { "update" } else { "create" },
        thing: M::NAME,
        thing_id: id.to_string(),
        before: stored.as_ref().map(audited::<M>),
        after: Some(audited::<M>(&row)),
    };
    audit::write(tx, app.clock.now(), caller, deed).await?;
    Ok(id)
}

/// As `Removable::remove` does; terminals that show one take it away.
pub async fn remove<M: Addressed>(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    rows: Vec<M::Row>,
) -> Result<Vec<Problem>> {
    writing::people_in_order(tx, &app.company.id).await?;
    let ids: Vec<i64> = rows.iter().map(M::id).collect();
    tx.run(&resource::delete_rows(M::TABLE, &ids)).await?;
    for row in &rows {
        let deed = Deed {
            action: "delete",
            thing: M::NAME,
            thing_id: M::id(row).to_string(),
            before: Some(audited::<M>(row)),
            ..Deed::default()
        };
        audit::write(tx, app.clock.now(), caller, deed).await?;
    }
    messages::removed(app, tx, caller).await?;
    Ok(Vec::new())
}

/// It was given to a terminal.
pub async fn sent<M: Addressed>(app: &App, tx: &mut Tx, id: i64) -> Result<()> {
    let mut columns = Columns::default();
    columns.set("last_send_at", app.clock.now());
    tx.run(&columns.update(M::TABLE, id)).await?;
    Ok(())
}

pub fn endpoints<M: Addressed>() -> Vec<Endpoint> {
    let mut endpoints = vec![
        resource::list::<M>().with_own_rows(),
        resource::create::<M>(),
        resource::read::<M>().with_own_rows(),
        resource::delete::<M>(),
        resource::delete_by_post::<M>(),
        resource::action::<M>(),
        resource::export::<M>(),
    ];
    endpoints.extend(resource::update::<M>());
    endpoints
}

/// When it is over, by the terminal's clock; never beyond the last year of four digits, because SQLite
/// compares times as texts.
fn end(start: NaiveDateTime, minutes: i64) -> NaiveDateTime {
    let last = NaiveDate::from_ymd_opt(9999, 12, 31)
        .and_then(|day| day.and_hms_opt(23, 59, 59))
        .expect("a day");
    TimeDelta::try_minutes(minutes)
        .and_then(|minutes| start.checked_add_signed(minutes))
        .unwrap_or(last)
        .min(last)
}

#[cfg(test)]
mod tests {
    use super::{MOST_MINUTES, end};
    use crate::times::{local, read_from};

    #[test]
    fn a_message_ends_after_its_minutes_and_in_the_year_9999_at_the_latest() {
        let start = |text| read_from(text).expect("a time");
        let ends = |text, minutes| local(end(start(text), minutes));
        assert_eq!(ends("2025-06-19 23:30", 60), "2025-06-20 00:30:00");
        assert_eq!(ends("2025-06-19", MOST_MINUTES), "6108-07-12 02:07:00");
        assert_eq!(ends("9999-01-01", MOST_MINUTES), "9999-12-31 23:59:59");
    }
}
