//! What terminals sent and nobody could read, as it came. It may hold passwords and templates, so the
//! bytes themselves are for those who may see templates.

use crate::access::{Caller, Right, Thing};
use crate::app::App;
use crate::error::{Error, Result};
use crate::extract::Query;
use crate::profile::Profile;
use crate::resource::{
    self, Clock, Column, Field, Period, Resource, Searched, UPLOAD_TIME_END, UPLOAD_TIME_START,
    within_periods,
};
use crate::routes::{Endpoint, Kind, Member};
use crate::sealed::Sealed;
use crate::terminals::of_terminal;
use crate::times;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use sea_query::{Condition, SelectStatement};
use serde_json::{Value, json};

/// The purpose raw lines are sealed for.
pub const SEALED_FOR: &str = "unread_line";
pub const LINES: Sealed = Sealed {
    table: "unread_line",
    key: "id",
    column: "raw_sealed",
    purpose: SEALED_FOR,
    was_plain: false,
};

pub struct Unread;

/// A line with its terminal, while that is there.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Row {
    id: i64,
    pub terminal_id: Option<i64>,
    terminal_sn: String,
    terminal_alias: Option<String>,
    table_name: String,
    reason: String,
    raw_sealed: Vec<u8>,
    times: i64,
    received_at: DateTime<Utc>,
}

const COLUMNS: &[&str] = &[
    "id",
    "terminal_sn",
    "table_name",
    "reason",
    "raw_sealed",
    "times",
    "received_at",
];

const fn column(name: &'static str) -> Column {
    ("unread_line", name)
}

const TIMES: &[Period] = &[Period {
    start: "upload_time_start",
    end: "upload_time_end",
    column: column("received_at"),
    clock: Clock::Server,
}];

/// Whether somebody is shown the lines themselves.
pub fn sees_lines(caller: &Caller) -> bool {
    caller.may(Right::BiometricsView) && caller.may(Right::CredentialsView)
}

impl Resource for Unread {
    const NAME: &'static str = "unread line";
    const PATH: &'static str = "/iclock/api/unread/";
    const THING: Thing = Thing::Terminal;
    const KEY: &'static str = "id";
    const CODE: Option<Column> = None;
    /// One may be a picture.
    const MOST_ON_A_PAGE: i64 = 500;
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Integer, column("id")).one_of(),
        of_terminal::sn_asked(column("terminal_sn")),
        of_terminal::ALIAS_ASKED.nullable(),
        of_terminal::id_asked(column("terminal_id")).nullable(),
        Field::new("table", Kind::Text, column("table_name"))
            .one_of()
            .contains()
            .about("Where it was sent to, as the terminal spells it."),
        Field::new("reason", Kind::Text, column("reason"))
            .one_of()
            .about("bad_time, too_few_fields, unknown_table …"),
        Field::new("times", Kind::Integer, column("times")),
        Field::new("upload_time", Kind::Time, column("received_at")),
        UPLOAD_TIME_START,
        UPLOAD_TIME_END,
    ];
    const SEARCHED: &'static [Searched] = &[
        Searched::Plain(column("terminal_sn")),
        Searched::Plain(column("table_name")),
        Searched::Plain(column("reason")),
        Searched::Folded(("terminal", "search_text")),
    ];
    const ANSWER: &'static [Member] = &[
        Member::new("id", Kind::Integer, ""),
        of_terminal::ID_WHILE_THERE,
        of_terminal::SN,
        of_terminal::ALIAS,
        Member::new("table", Kind::Text, "Where it was sent to."),
        Member::new("reason", Kind::Text, "Why it was not read."),
        Member::new(
            "text",
            Kind::Text,
            "The line; what is no text in it is replaced. Empty without the rights biometrics.view and credentials.view: it may hold templates and passwords.",
        )
        .only_named(),
        Member::new(
            "base64",
            Kind::Text,
            "The line, byte for byte. Empty without the rights biometrics.view and credentials.view: it may hold templates and passwords.",
        )
        .only_named(),
        Member::new("times", Kind::Integer, "How often it came."),
        Member::new("upload_time", Kind::Time, "When it came first."),
    ];

    type Row = Row;

    fn id(row: &Row) -> i64 {
        row.id
    }

    fn tables(select: &mut SelectStatement) {
        of_terminal::tables_that_stay(select, "unread_line");
    }

    fn columns(select: &mut SelectStatement, _app: &App) {
        of_terminal::columns_that_stay(select, "unread_line", COLUMNS);
    }

    fn visible(caller: &Caller, _app: &App) -> Condition {
        of_terminal::visible_that_stay(caller, "unread_line")
    }

    async fn together(app: &App, caller: &Caller, query: &mut Query) -> Result<Condition> {
        within_periods(app, caller, query, TIMES)
    }

    fn default_order(profile: Profile) -> &'static str {
        profile.order_of_events()
    }

    async fn show(app: &App, caller: &Caller, rows: Vec<Row>) -> Result<Vec<Value>> {
        let sees_lines = sees_lines(caller);
        let mut shown = Vec::with_capacity(rows.len());
        for row in rows {
            let raw = if sees_lines {
                let opened = app.keys.open(SEALED_FOR, &row.raw_sealed);
                opened.map_err(|error| Error::Internal(error.into()))?
            } else {
                Vec::new()
            };
            shown.push(json!({
                "id": row.id,
                "terminal": row.terminal_id,
                "terminal_sn": row.terminal_sn,
                "terminal_alias": row.terminal_alias,
                "table": row.table_name,
                "reason": row.reason,
                "text": String::from_utf8_lossy(&raw),
                "base64": STANDARD.encode(&raw),
                "times": row.times,
                "upload_time": times::instant(row.received_at, app.zone),
            }));
        }
        Ok(shown)
    }
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        resource::list::<Unread>(),
        resource::export::<Unread>(),
        resource::read::<Unread>(),
    ]
}
