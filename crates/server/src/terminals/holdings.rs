//! What terminals hold of people, as callers see it: who is on which terminal, what is on its way, what
//! failed and why.

use crate::access::{Caller, Thing};
use crate::app::App;
use crate::error::Result;
use crate::language;
use crate::resource::{self, Column, Field, Resource, Searched, col};
use crate::routes::{Endpoint, Kind, Member};
use crate::scope::Owner;
use crate::terminals::contact::family_of;
use crate::terminals::{of_terminal, terminal};
use crate::times;
use chrono::{DateTime, Utc};
use muster_protocol::result;
use sea_query::{Alias, Condition, Expr, ExprTrait, JoinType, SelectStatement};
use serde_json::{Value, json};
use std::borrow::Cow;

pub struct Holdings;

/// A thing on a terminal, with the terminal and the command that is to change it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Row {
    id: i64,
    pub terminal_id: i64,
    pub terminal_sn: String,
    pub terminal_alias: String,
    family: String,
    pub pin: String,
    pub thing: String,
    pub state: String,
    told_command: Option<i64>,
    pub is_removal: bool,
    failed_code: Option<i64>,
    retry_at: Option<DateTime<Utc>>,
    seen_at: Option<DateTime<Utc>>,
    changed_at: DateTime<Utc>,
}

/// What a terminal would not do, or why nobody knows.
pub fn reason(row: &Row) -> Option<Cow<'static, str>> {
    // Only these have a code that is judged by its verb, and none of them is sent here.
    const NO_ENROLMENT: &str = "DATA";
    match (row.state.as_str(), row.failed_code) {
        ("failed" | "waits", Some(code)) => {
            let code = i32::try_from(code).unwrap_or(-1);
            Some(language::worded(result::meaning(
                family_of(&row.family),
                NO_ENROLMENT,
                code,
            )))
        }
        ("waits", None) => Some(String::from(t!("No answer, or taken back")).into()),
        ("failed", None) => Some(String::from(t!("Cannot be written for the terminal")).into()),
        _ => None,
    }
}

impl Row {
    fn shown(&self, app: &App) -> Value {
        let instant = |at| times::maybe_instant(at, app.zone);
        json!({
            "id": self.id,
            "terminal": self.terminal_id,
            "terminal_sn": self.terminal_sn,
            "terminal_alias": self.terminal_alias,
            "emp_code": self.pin,
            "thing": self.thing,
            "state": self.state,
            "is_removal": self.is_removal,
            "command": self.told_command,
            "return_code": self.failed_code,
            "reason": reason(self),
            "retry_time": instant(self.retry_at),
            "shown_time": instant(self.seen_at),
            "change_time": instant(Some(self.changed_at)),
        })
    }
}

/// How a thing stands, of what the row and its command say.
const STATE: &str = "CASE WHEN terminal_holding.told_command IS NOT NULL \
        THEN CASE WHEN terminal_command.state = 'queued' THEN 'queued' ELSE 'sent' END \
    WHEN terminal_holding.failed_digest IS NOT NULL AND terminal_holding.retry_at IS NOT NULL THEN 'waits' \
    WHEN terminal_holding.failed_digest IS NOT NULL THEN 'failed' \
    WHEN terminal_holding.own THEN 'own' \
    WHEN terminal_holding.has_digest IS NOT NULL THEN 'confirmed' ELSE 'unknown' END";
/// Whether it is, or was, to go.
const IS_REMOVAL: &str = "(terminal_holding.told_command IS NOT NULL AND terminal_holding.told_digest IS NULL \
    OR terminal_holding.failed_digest IS NOT NULL AND length(terminal_holding.failed_digest) = 0)";

/// The columns of the table that a `Row` takes as they are.
const COLUMNS: &[&str] = &[
    "id",
    "terminal_id",
    "pin",
    "thing",
    "told_command",
    "failed_code",
    "retry_at",
    "seen_at",
    "changed_at",
];

const fn column(name: &'static str) -> Column {
    ("terminal_holding", name)
}

impl Resource for Holdings {
    const NAME: &'static str = "holding";
    const PATH: &'static str = "/iclock/api/holdings/";
    const THING: Thing = Thing::Terminal;
    const KEY: &'static str = "id";
    const CODE: Option<Column> = None;
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Integer, column("id")).one_of(),
        of_terminal::sn_asked(("terminal", "sn")),
        of_terminal::ALIAS_ASKED,
        of_terminal::id_asked(column("terminal_id")),
        Field::new("emp_code", Kind::Text, column("pin"))
            .one_of()
            .or(&["pin"]),
        Field::new("thing", Kind::Text, column("thing"))
            .one_of()
            .contains()
            .about("user, door, bio TYPE NO INDEX, photo TYPE or picture."),
        Field::computed("state", Kind::Text)
            .one_of()
            .about("confirmed, queued, sent, waits, failed, own or unknown."),
        Field::computed("is_removal", Kind::Boolean)
            .exactly()
            .about("It is to be gone."),
        Field::new("return_code", Kind::Integer, column("failed_code"))
            .one_of()
            .nullable(),
        Field::new("retry_time", Kind::Time, column("retry_at")).nullable(),
        Field::new("shown_time", Kind::Time, column("seen_at")).nullable(),
        Field::new("change_time", Kind::Time, column("changed_at")),
    ];
    const SEARCHED: &'static [Searched] = &[
        Searched::Plain(column("pin")),
        Searched::Folded(("terminal", "search_text")),
    ];
    const ANSWER: &'static [Member] = &[
        Member::new("id", Kind::Integer, ""),
        of_terminal::ID,
        of_terminal::SN,
        of_terminal::ALIAS,
        Member::new("emp_code", Kind::Text, "The PIN on the terminal."),
        Member::new(
            "thing",
            Kind::Text,
            "user: the record; door: the leave to pass; bio TYPE NO INDEX: a template; photo TYPE: the picture a face \
             is enrolled by; picture: the one on the screen.",
        ),
        Member::new(
            "state",
            Kind::Text,
            "confirmed by the terminal; queued or sent to it; waits: tried again later; failed: not tried until the \
             data change; own: it brought this itself; unknown.",
        ),
        Member::new("is_removal", Kind::Boolean, "It is to be gone."),
        Member::new("command", Kind::Integer, "The command on its way, by id."),
        Member::new("return_code", Kind::Integer, "What the terminal answered."),
        Member::new("reason", Kind::Text, "Why it is not as it should be."),
        Member::new("retry_time", Kind::Time, "When it is tried again."),
        Member::new(
            "shown_time",
            Kind::Time,
            "When the terminal showed it last.",
        ),
        Member::new("change_time", Kind::Time, ""),
    ];

    type Row = Row;

    fn id(row: &Row) -> i64 {
        row.id
    }

    fn tables(select: &mut SelectStatement) {
        of_terminal::tables(select, "terminal_holding");
        select.join(
            JoinType::LeftJoin,
            Alias::new("terminal_command"),
            col(("terminal_command", "id")).eq(col(column("told_command"))),
        );
    }

    fn columns(select: &mut SelectStatement, _app: &App) {
        of_terminal::columns(select, "terminal_holding", COLUMNS);
        select
            .expr_as(Expr::cust(STATE), "state")
            .expr_as(Expr::cust(IS_REMOVAL), "is_removal");
    }

    fn visible(caller: &Caller, _app: &App) -> Condition {
        let person = Owner::PersonInDepartments(column("pin"));
        terminal::within(&caller.scope).add(caller.scope.rows(&[person]))
    }

    fn computed(_app: &App, name: &str) -> Expr {
        Expr::cust(if name == "state" { STATE } else { IS_REMOVAL })
    }

    async fn show(app: &App, _caller: &Caller, rows: Vec<Row>) -> Result<Vec<Value>> {
        Ok(rows.iter().map(|row| row.shown(app)).collect())
    }
}

/// All that terminals hold under a PIN, of those a caller may see.
pub async fn of_pin(app: &App, caller: &Caller, pin: &str) -> Result<Vec<Row>> {
    let mut select = SelectStatement::new();
    Holdings::tables(&mut select);
    Holdings::columns(&mut select, app);
    select
        .and_where(col(column("pin")).eq(pin))
        .cond_where(Holdings::visible(caller, app));
    Ok(app.store.all(&select).await?)
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        resource::list::<Holdings>(),
        resource::export::<Holdings>(),
        resource::read::<Holdings>(),
    ]
}
