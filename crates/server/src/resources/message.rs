//! What public and private messages share: a text that terminals show from a time on, for so many minutes.

use crate::app::App;
use crate::input::{Input, Text};
use crate::resource::{Columns, search_text};
use crate::routes::{Kind, Member};
use crate::times;
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
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

    /// What a caller can change, for the audit.
    pub fn audited(&self) -> Map<String, Value> {
        let mut audited = Map::new();
        audited.insert("start_time".into(), times::local(self.start_local).into());
        audited.insert("duration".into(), self.duration_minutes.into());
        audited.insert("content".into(), self.content.clone().into());
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
