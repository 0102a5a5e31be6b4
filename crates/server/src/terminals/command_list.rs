//! Commands as callers see them: what terminals were told, by whom, and what became of it.

use crate::access::{Caller, Right, Thing};
use crate::answer::Answer;
use crate::app::App;
use crate::audit::{self, Deed};
use crate::error::{Error, Problem, Result};
use crate::extract::{Call, Query};
use crate::language;
use crate::resource::{
    self, Clock, Column, Field, Period, Resource, Searched, col, within_periods,
};
use crate::routes::{Doc, Endpoint, Kind, Member, Returns};
use crate::scope::Owner;
use crate::terminals::commands;
use crate::terminals::contact::family_of;
use crate::terminals::{of_terminal, terminal};
use crate::times;
use crate::writing::Writing;
use chrono::{DateTime, Utc};
use http::{Method, StatusCode};
use muster_protocol::result;
use muster_store::{Sql, json_list};
use sea_query::{Condition, Expr, ExprTrait, SelectStatement};
use serde_json::{Value, json};
use std::collections::HashMap;

pub struct Listed;

/// A command with its terminal.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Row {
    pub id: i64,
    pub terminal_id: i64,
    pub terminal_sn: String,
    pub terminal_alias: String,
    pub family: String,
    pub verb: String,
    pub shown: String,
    pub state: String,
    pub created_by: Option<String>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub not_before_at: Option<DateTime<Utc>>,
    pub sent_at: Option<DateTime<Utc>>,
    pub sent_count: i16,
    pub finished_at: Option<DateTime<Utc>>,
    pub return_code: Option<i64>,
    pub result: Option<String>,
}

/// The columns of the table that a `Row` takes as they are.
const COLUMNS: &[&str] = &[
    "id",
    "terminal_id",
    "verb",
    "shown",
    "state",
    "created_by",
    "created_at",
    "expires_at",
    "not_before_at",
    "sent_at",
    "sent_count",
    "finished_at",
    "return_code",
    "result",
];

const PEOPLE: Right = Right::View(Thing::Employee);

impl Row {
    /// Names and card numbers are for those who may see people.
    pub fn shown(&self, app: &App, caller: &Caller) -> Value {
        let command = match caller.may(PEOPLE) {
            true => self.shown.clone(),
            false => commands::shown_without_people(&self.shown),
        };
        let instant = |at| times::maybe_instant(at, app.zone);
        let code = self.return_code.and_then(|code| i32::try_from(code).ok());
        json!({
            "id": self.id,
            "terminal": self.terminal_id,
            "terminal_sn": self.terminal_sn,
            "terminal_alias": self.terminal_alias,
            "verb": self.verb,
            "command": command,
            "state": self.state,
            "create_user": self.created_by,
            "create_time": instant(Some(self.created_at)),
            "expire_time": instant(self.expires_at),
            "not_before": instant(self.not_before_at),
            "sent_time": instant(self.sent_at),
            "sent_count": self.sent_count,
            "finish_time": instant(self.finished_at),
            "return_code": code,
            "meaning": code.map(|code| language::worded(result::meaning(family_of(&self.family), &self.verb, code))),
            "result": self.result,
        })
    }
}

const fn column(name: &'static str) -> Column {
    ("terminal_command", name)
}

/// The times a command has, and how each is asked for.
const TIMES: &[Period] = &[
    Period {
        start: "create_time_start",
        end: "create_time_end",
        column: column("created_at"),
        clock: Clock::Server,
    },
    Period {
        start: "sent_time_start",
        end: "sent_time_end",
        column: column("sent_at"),
        clock: Clock::Server,
    },
    Period {
        start: "finish_time_start",
        end: "finish_time_end",
        column: column("finished_at"),
        clock: Clock::Server,
    },
];

const SEARCHED_WITHOUT_PEOPLE: &[Searched] = &[
    Searched::Plain(column("verb")),
    Searched::Plain(column("created_by")),
    Searched::Folded(("terminal", "search_text")),
];

impl Resource for Listed {
    const NAME: &'static str = "command";
    const PATH: &'static str = "/iclock/api/commands/";
    const THING: Thing = Thing::Terminal;
    const KEY: &'static str = "id";
    const CODE: Option<Column> = None;
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Integer, column("id")).one_of(),
        of_terminal::sn_asked(("terminal", "sn")),
        of_terminal::ALIAS_ASKED,
        of_terminal::id_asked(column("terminal_id")),
        Field::new("verb", Kind::Text, column("verb"))
            .one_of()
            .contains(),
        Field::new("state", Kind::Text, column("state"))
            .one_of()
            .about("queued, sent, done, refused, expired, cancelled, lost."),
        Field::new("create_user", Kind::Text, column("created_by"))
            .exactly()
            .nullable(),
        Field::new("create_time", Kind::Time, column("created_at")),
        Field::new("sent_time", Kind::Time, column("sent_at")).nullable(),
        Field::new("sent_count", Kind::Integer, column("sent_count")),
        Field::new("finish_time", Kind::Time, column("finished_at")).nullable(),
        Field::new("return_code", Kind::Integer, column("return_code"))
            .one_of()
            .nullable(),
        Field::together("create_time_start", Kind::Time, "Not before."),
        Field::together(
            "create_time_end",
            Kind::Time,
            "Not after; a date alone is its whole day.",
        ),
        Field::together("sent_time_start", Kind::Time, "Not before."),
        Field::together("sent_time_end", Kind::Time, "Not after."),
        Field::together("finish_time_start", Kind::Time, "Not before."),
        Field::together("finish_time_end", Kind::Time, "Not after."),
    ];
    const SEARCHED: &'static [Searched] = &[
        Searched::Plain(column("shown")),
        Searched::Plain(column("created_by")),
        Searched::Folded(("terminal", "search_text")),
    ];
    const ANSWER: &'static [Member] = &[
        Member::new("id", Kind::Integer, ""),
        of_terminal::ID,
        of_terminal::SN,
        of_terminal::ALIAS,
        Member::new("verb", Kind::Text, "What it does, in the terminals' words."),
        Member::new(
            "command",
            Kind::Text,
            "As it is sent, without passwords, templates and pictures; names and card numbers for those who may see people.",
        ),
        Member::new(
            "state",
            Kind::Text,
            "queued, sent, done, refused, expired, cancelled; lost: sent, and never answered.",
        ),
        Member::new("create_user", Kind::Text, "Who asked for it."),
        Member::new("create_time", Kind::Time, ""),
        Member::new(
            "expire_time",
            Kind::Time,
            "After this it is not sent any more.",
        ),
        Member::new(
            "not_before",
            Kind::Time,
            "Before this it is not sent again.",
        ),
        Member::new("sent_time", Kind::Time, "When it was sent last."),
        Member::new("sent_count", Kind::Integer, ""),
        Member::new("finish_time", Kind::Time, ""),
        Member::new("return_code", Kind::Integer, "As the terminal answered."),
        Member::new("meaning", Kind::Text, "What the return code means."),
        Member::new(
            "result",
            Kind::Text,
            "What was counted, of a command that counts.",
        ),
    ];

    type Row = Row;

    fn id(row: &Row) -> i64 {
        row.id
    }

    fn tables(select: &mut SelectStatement) {
        of_terminal::tables(select, "terminal_command");
    }

    fn columns(select: &mut SelectStatement, _app: &App) {
        of_terminal::columns(select, "terminal_command", COLUMNS);
    }

    fn visible(caller: &Caller, _app: &App) -> Condition {
        let person = Owner::PersonInDepartments(column("pin"));
        terminal::within(&caller.scope).add(caller.scope.rows(&[person]))
    }

    async fn together(app: &App, caller: &Caller, query: &mut Query) -> Result<Condition> {
        within_periods(app, caller, query, TIMES)
    }

    /// Nobody finds out by searching what he is not shown.
    fn searched(caller: &Caller) -> &'static [Searched] {
        match caller.may(PEOPLE) {
            true => Self::SEARCHED,
            false => SEARCHED_WITHOUT_PEOPLE,
        }
    }

    async fn show(app: &App, caller: &Caller, rows: Vec<Row>) -> Result<Vec<Value>> {
        Ok(rows.iter().map(|row| row.shown(app, caller)).collect())
    }
}

/// How many commands each of these terminals has still before it, of those a caller may see.
pub async fn open_by_terminal(
    app: &App,
    caller: &Caller,
    terminals: &[i64],
) -> Result<HashMap<i64, i64>> {
    let mut select = SelectStatement::new();
    Listed::tables(&mut select);
    select
        .expr(col(column("terminal_id")))
        .expr(Expr::cust("COUNT(*)"))
        // In so many words, so that the index of what is open is used.
        .and_where(Expr::cust("terminal_command.state IN ('queued', 'sent')"))
        .and_where(col(column("terminal_id")).is_in(terminals.iter().copied()))
        .cond_where(Listed::visible(caller, app))
        .add_group_by([col(column("terminal_id"))]);
    let counts: Vec<(i64, i64)> = app.store.all(&select).await?;
    Ok(counts.into_iter().collect())
}

/// Whether something more is waited for of one of these commands.
pub async fn is_open(app: &App, ids: &[i64]) -> Result<bool> {
    let (is_open,): (bool,) = app
        .store
        .one(&Sql::by_dialect(
            "SELECT EXISTS (SELECT 1 FROM terminal_command \
                            WHERE id IN (SELECT value FROM json_each($1)) AND state IN ('queued', 'sent'))",
            "SELECT EXISTS (SELECT 1 FROM terminal_command \
                            WHERE id IN (SELECT CAST(jsonb_array_elements_text($1::jsonb) AS BIGINT)) \
                                AND state IN ('queued', 'sent'))",
            [json_list(ids.iter().copied())],
        ))
        .await?;
    Ok(is_open)
}

/// More are not shown at once: all people of a terminal may be told something.
pub const MOST_SHOWN: usize = 1000;

/// The first of these commands that the caller may see, in the order in which they were queued.
pub async fn of_ids(app: &App, caller: &Caller, ids: &[i64]) -> Result<Vec<Row>> {
    let ids = &ids[..ids.len().min(MOST_SHOWN)];
    let mut select = SelectStatement::new();
    Listed::tables(&mut select);
    Listed::columns(&mut select, app);
    select
        .and_where(col(column("id")).is_in(ids.iter().copied()))
        .cond_where(Listed::visible(caller, app))
        .order_by_expr(col(column("id")), sea_query::Order::Asc);
    Ok(app.store.all(&select).await?)
}

/// What its states are called in a sentence, by `worded`.
const _: [language::Text; 6] = [
    t!("cancelled"),
    t!("done"),
    t!("expired"),
    t!("lost"),
    t!("refused"),
    t!("sent"),
];

/// Takes a command back that its terminal was not given yet.
async fn cancel(call: Call) -> Result<Answer> {
    let (app, caller) = (&call.request.app, &call.caller);
    let row = resource::fetch::<Listed>(app, caller, call.request.path.get(Listed::KEY)?).await?;
    let mut tx = Writing::begin(app).await?;
    if !is_taken_back(app, &mut tx, caller, &row).await? {
        let now = resource::fetch_by_id::<Listed>(app, row.id).await?;
        let text = t!(
            "Only a queued command can be cancelled; this one is {state}.",
            state = language::worded(&now.state)
        );
        return Err(Error::refused(text));
    }
    tx.commit(app).await?;
    let row = resource::fetch_by_id::<Listed>(app, row.id).await?;
    Ok(Answer::ok(&row.shown(app, caller)))
}

/// Takes several back, or none of them.
async fn cancel_several(call: Call) -> Result<Answer> {
    let (app, caller, body) = (&call.request.app, &call.caller, &call.request.body);
    let mut commands = resource::several::<Listed>(app, caller, body, SEVERAL).await?;
    // As everybody takes them who takes several.
    commands.rows.sort_by_key(|row| (row.terminal_id, row.id));
    let mut tx = Writing::begin(app).await?;
    let mut late = Vec::new();
    for row in &commands.rows {
        if !is_taken_back(app, &mut tx, caller, row).await? {
            late.push(row.id);
        }
    }
    if late.is_empty() {
        tx.commit(app).await?;
        return Ok(Answer::ok(&caller.profile.done()));
    }
    drop(tx);
    let mut problems = Vec::with_capacity(late.len());
    for id in late {
        let now = resource::fetch_by_id::<Listed>(app, id).await?;
        let text = t!(
            "Only queued commands can be cancelled; {command} to {terminal_sn} is {state}.",
            command = now.verb,
            terminal_sn = now.terminal_sn,
            state = language::worded(&now.state)
        );
        problems.push(Problem::new(commands.field, text));
    }
    Err(Error::Invalid(problems))
}

/// Takes it back and writes that down. `false`: it is not queued any more.
async fn is_taken_back(app: &App, tx: &mut Writing, caller: &Caller, row: &Row) -> Result<bool> {
    let taken = commands::take_back(app, tx, row.terminal_id, Some(row.id)).await?;
    if taken.is_empty() {
        return Ok(false);
    }
    let command = commands::shown_without_people(&row.shown);
    let deed = Deed {
        action: "cancel",
        thing: Listed::NAME,
        thing_id: row.id.to_string(),
        before: audit::members(json!({ "terminal": row.terminal_sn, "command": command })),
        ..Deed::default()
    };
    audit::write(tx, app.clock.now(), caller, deed).await?;
    Ok(true)
}

/// Under what names several are listed.
const SEVERAL: &[&str] = &["commands", "ids"];

const BODY: &[Member] =
    &[Member::new("commands", Kind::ReferenceList, "Commands by id.").required()];

pub fn endpoints() -> Vec<Endpoint> {
    let doc = Doc {
        summary: "Takes back a command that was not sent yet".into(),
        tag: Thing::Terminal.name(),
        query: Vec::new(),
        body: None,
        returns: Returns::One(StatusCode::OK, Listed::ANSWER),
    };
    vec![
        resource::list::<Listed>(),
        resource::export::<Listed>(),
        resource::read::<Listed>(),
        Endpoint::guarded(
            Method::POST,
            &format!("{}cancel/", resource::row_path::<Listed>()),
            Right::TerminalCommand,
            doc,
            cancel,
        ),
        resource::posted(
            &format!("{}cancel_several/", Listed::PATH),
            "Takes back commands that were not sent yet: all of them, or none",
            Thing::Terminal,
            Right::TerminalCommand,
            BODY,
            cancel_several,
        ),
    ]
}
