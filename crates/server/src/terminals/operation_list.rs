//! What was done at terminals, as they logged it: menus opened, people enrolled, alarms.

use crate::access::{Caller, Thing};
use crate::app::App;
use crate::error::Result;
use crate::extract::Query;
use crate::language;
use crate::profile::Profile;
use crate::resource::{
    self, Clock, Column, END_TIME, Field, Period, Resource, START_TIME, Searched, UPLOAD_TIME_END,
    UPLOAD_TIME_START, col, within_periods,
};
use crate::routes::{Endpoint, Kind, Member};
use crate::terminals::of_terminal;
use crate::terminals::zone::Zone;
use crate::times;
use chrono::{DateTime, NaiveDateTime, Utc};
use muster_protocol::operation;
use sea_query::{Condition, SelectStatement};
use serde_json::{Value, json};

pub struct Operations;

/// An entry with its terminal, while that is there.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Row {
    id: i64,
    pub terminal_id: Option<i64>,
    terminal_sn: String,
    terminal_alias: Option<String>,
    op_code: i16,
    pub operator: String,
    op_local: NaiveDateTime,
    object_1: String,
    object_2: String,
    object_3: String,
    object_4: String,
    received_at: DateTime<Utc>,
    zone_offset_minutes: Option<i16>,
    zone_name: Option<String>,
}

impl Row {
    /// What its clock showed, and the instant that means by the terminal's zone; of a terminal that is gone nobody
    /// knows.
    pub fn clock(&self) -> Option<(NaiveDateTime, DateTime<Utc>)> {
        let zone = Zone {
            offset_minutes: self.zone_offset_minutes?.into(),
            name: self.zone_name.as_deref().and_then(|name| name.parse().ok()),
        };
        Some((self.op_local, zone.instant(self.op_local)))
    }
}

const COLUMNS: &[&str] = &[
    "id",
    "terminal_sn",
    "op_code",
    "operator",
    "op_local",
    "object_1",
    "object_2",
    "object_3",
    "object_4",
    "received_at",
];

const fn column(name: &'static str) -> Column {
    ("operation_log", name)
}

const TIMES: &[Period] = &[
    Period {
        start: "start_time",
        end: "end_time",
        column: column("op_local"),
        clock: Clock::Local,
    },
    Period {
        start: "upload_time_start",
        end: "upload_time_end",
        column: column("received_at"),
        clock: Clock::Server,
    },
];

impl Resource for Operations {
    const NAME: &'static str = "operation log";
    const PATH: &'static str = "/iclock/api/operationlogs/";
    const THING: Thing = Thing::Terminal;
    const KEY: &'static str = "id";
    const CODE: Option<Column> = None;
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Integer, column("id")).one_of(),
        of_terminal::sn_asked(column("terminal_sn")),
        of_terminal::ALIAS_ASKED.nullable(),
        of_terminal::id_asked(column("terminal_id")).nullable(),
        Field::new("op", Kind::Integer, column("op_code"))
            .one_of()
            .about("What was done, by the terminals' numbers."),
        Field::new("operator", Kind::Text, column("operator"))
            .one_of()
            .about("The PIN of who did it; 0: nobody was signed in."),
        Field::new("op_time", Kind::Time, column("op_local")),
        Field::new("upload_time", Kind::Time, column("received_at")),
        START_TIME,
        END_TIME,
        UPLOAD_TIME_START,
        UPLOAD_TIME_END,
    ];
    const SEARCHED: &'static [Searched] = &[
        Searched::Plain(column("terminal_sn")),
        Searched::Plain(column("operator")),
        Searched::Folded(("terminal", "search_text")),
    ];
    const ANSWER: &'static [Member] = &[
        Member::new("id", Kind::Integer, ""),
        of_terminal::ID_WHILE_THERE,
        of_terminal::SN,
        of_terminal::ALIAS,
        Member::new("op", Kind::Integer, "The terminals' number of it."),
        Member::new(
            "meaning",
            Kind::Text,
            "What the number means; null: nobody has said.",
        ),
        Member::new("alarm", Kind::Text, "Of an alarm: why."),
        Member::new("operator", Kind::Text, "The PIN of who did it."),
        Member::new("op_time", Kind::Time, "By the terminal's clock."),
        Member::new(
            "object_1",
            Kind::Text,
            "What it was done to; depends on the number.",
        ),
        Member::new("object_2", Kind::Text, ""),
        Member::new("object_3", Kind::Text, ""),
        Member::new("object_4", Kind::Text, ""),
        Member::new("upload_time", Kind::Time, "By the server's clock."),
    ];

    type Row = Row;

    fn id(row: &Row) -> i64 {
        row.id
    }

    fn tables(select: &mut SelectStatement) {
        of_terminal::tables_that_stay(select, "operation_log");
    }

    fn columns(select: &mut SelectStatement, _app: &App) {
        of_terminal::columns_that_stay(select, "operation_log", COLUMNS);
        select
            .expr(col(("terminal", "zone_offset_minutes")))
            .expr(col(("terminal", "zone_name")));
    }

    fn visible(caller: &Caller, _app: &App) -> Condition {
        of_terminal::visible_that_stay(caller, "operation_log")
    }

    async fn together(app: &App, caller: &Caller, query: &mut Query) -> Result<Condition> {
        within_periods(app, caller, query, TIMES)
    }

    fn default_order(profile: Profile) -> &'static str {
        profile.order_of_events()
    }

    async fn show(app: &App, _caller: &Caller, rows: Vec<Row>) -> Result<Vec<Value>> {
        Ok(rows
            .iter()
            .map(|row| {
                json!({
                    "id": row.id,
                    "terminal": row.terminal_id,
                    "terminal_sn": row.terminal_sn,
                    "terminal_alias": row.terminal_alias,
                    "op": row.op_code,
                    "meaning": operation::meaning(row.op_code).map(language::worded),
                    "alarm": operation::reason(row.op_code, &row.object_2).map(language::worded),
                    "operator": row.operator,
                    "op_time": times::local(row.op_local),
                    "object_1": row.object_1,
                    "object_2": row.object_2,
                    "object_3": row.object_3,
                    "object_4": row.object_4,
                    "upload_time": times::instant(row.received_at, app.zone),
                })
            })
            .collect())
    }
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        resource::list::<Operations>(),
        resource::export::<Operations>(),
        resource::read::<Operations>(),
    ]
}
