//! Messages for everybody at a terminal. This file alone writes `public_message`, by way of `message.rs`;
//! `terminals/messages.rs` brings them there.

use super::message::{self, Addressed, Change, Given, Message};
use crate::access::{Caller, Thing};
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::Body;
use crate::input::Input;
use crate::relation::{self, Known};
use crate::resource::{self, Column, Field, Removable, Resource, Searched, Writable, col};
use crate::routes::{Endpoint, Kind, Member};
use crate::terminals::messages;
use crate::terminals::terminal::{self, Terminal};
use crate::writing::{self, Writing};
use muster_protocol::handshake::Family;
use sea_query::{Alias, Condition, ExprTrait, JoinType, SelectStatement, SimpleExpr};
use serde_json::{Map, Value, json};

pub struct PublicMessage;

/// A message with its terminal.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Row {
    #[sqlx(flatten)]
    message: Message,
    terminal_id: i64,
    terminal_sn: String,
    terminal_alias: String,
}

const TABLE: &str = "public_message";

const fn column(name: &'static str) -> Column {
    (TABLE, name)
}

impl Resource for PublicMessage {
    const NAME: &'static str = "public message";
    const PATH: &'static str = "/iclock/api/publicmessages/";
    const THING: Thing = Thing::Message;
    const KEY: &'static str = "id";
    const CODE: Option<Column> = None;
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Integer, column("id")).one_of(),
        Field::special(
            "terminal",
            Kind::Reference,
            "Terminals by serial number or id, with commas.",
        )
        .or(&["terminals"])
        .ordered_by(column("terminal_id")),
        Field::new("terminal_sn", Kind::Text, ("terminal", "sn"))
            .exactly()
            .contains()
            .or(&["sn"]),
        Field::new("terminal_alias", Kind::Text, ("terminal", "alias"))
            .exactly()
            .contains_part(0),
        message::start_asked(TABLE),
        message::duration_asked(TABLE),
        message::content_asked(TABLE),
        message::last_send_asked(TABLE),
    ];
    const SEARCHED: &'static [Searched] = &[
        Searched::Folded(column("search_text")),
        Searched::Folded(("terminal", "search_text")),
    ];
    const ANSWER: &'static [Member] = &[
        Member::new("id", Kind::Integer, ""),
        Member::new("terminal", Kind::Relation, "Written: the terminal's id.")
            .columns(&[("terminal_sn", "sn"), ("terminal_alias", "alias")])
            .only_named(),
        message::START,
        message::DURATION,
        message::CONTENT_SHOWN,
        message::LAST_SEND,
        Member::new("terminal_sn", Kind::Text, ""),
        Member::new("terminal_alias", Kind::Text, ""),
    ];
    const EXPORT_NEEDS_TYPE: bool = true;
    const IS_SMALL: bool = true;

    type Row = Row;

    fn id(row: &Row) -> i64 {
        row.message.id
    }

    fn tables(select: &mut SelectStatement) {
        select.from(Alias::new(TABLE)).join(
            JoinType::InnerJoin,
            Alias::new("terminal"),
            col(("terminal", "id")).eq(col(column("terminal_id"))),
        );
    }

    fn columns(select: &mut SelectStatement, _app: &App) {
        for name in message::COLUMNS {
            select.expr(col(column(name)));
        }
        select
            .expr(col(column("terminal_id")))
            .expr_as(col(("terminal", "sn")), Alias::new("terminal_sn"))
            .expr_as(col(("terminal", "alias")), Alias::new("terminal_alias"));
    }

    /// Those of the terminals a caller may see; every employee sees all.
    fn visible(caller: &Caller, _app: &App) -> Condition {
        terminal::within(&caller.scope)
    }

    fn special(_app: &App, _name: &str, value: &str) -> Result<SimpleExpr> {
        let sn = ("terminal", "sn");
        Ok(relation::any_of(sn, column("terminal_id"), value))
    }

    async fn show(app: &App, _caller: &Caller, rows: Vec<Row>) -> Result<Vec<Value>> {
        Ok(rows
            .iter()
            .map(|row| {
                let mut shown = Map::new();
                shown.insert("id".into(), row.message.id.into());
                let terminal = json!({
                    "id": row.terminal_id,
                    "sn": row.terminal_sn,
                    "alias": row.terminal_alias,
                });
                shown.insert("terminal".into(), terminal);
                row.message.show(app, &mut shown);
                shown.insert("terminal_sn".into(), row.terminal_sn.clone().into());
                shown.insert("terminal_alias".into(), row.terminal_alias.clone().into());
                shown.into()
            })
            .collect())
    }
}

const TERMINAL: &[&str] = &["terminal", "terminal_sn", "sn"];

impl Writable for PublicMessage {
    const INPUT: &'static [Member] = &[
        Member::new(
            "terminal",
            Kind::Reference,
            "Serial number or id; also terminal_sn, sn. An access terminal shows no messages.",
        )
        .required(),
        message::START.required(),
        message::DURATION.required(),
        message::CONTENT_GIVEN.required(),
    ];

    type Change = Change;

    async fn check(
        app: &App,
        caller: &Caller,
        _known: &Known,
        body: &Body,
        stored: Option<&Row>,
    ) -> Result<Change> {
        let mut input = Input::new(body, stored.is_none());
        let mut addressee_id = None;
        input.require(TERMINAL);
        if let Some((name, value)) = input.value(TERMINAL) {
            match resource::named::<Terminal>(app, caller, name, value).await? {
                Ok(terminal) if terminal.family() == Family::Access => {
                    input.problem(name, t!("This kind of terminal cannot show messages."));
                }
                Ok(terminal) => addressee_id = Some(terminal.id),
                Err(problem) => input.problems.push(problem),
            }
        }
        let given = Given::read(&mut input);
        input.settle()?;
        Ok(Change {
            addressee_id,
            given,
        })
    }

    async fn prepare(app: &App, tx: &mut Writing) -> Result<()> {
        Ok(writing::people_in_order(tx, &app.company.id).await?)
    }

    async fn store(
        app: &App,
        tx: &mut Writing,
        caller: &Caller,
        change: Change,
        stored: Option<Row>,
    ) -> Result<i64> {
        message::store::<Self>(app, tx, caller, change, stored).await
    }

    async fn conclude(app: &App, tx: &mut Writing, caller: &Caller, ids: &[i64]) -> Result<()> {
        messages::concerns(app, tx, caller, messages::Kind::Public, ids).await
    }

    async fn show_saved(app: &App, _caller: &Caller, row: Row) -> Result<Value> {
        let mut shown = Map::new();
        shown.insert("id".into(), row.message.id.into());
        shown.insert("terminal".into(), row.terminal_id.into());
        row.message.show(app, &mut shown);
        shown.insert("terminal_sn".into(), row.terminal_sn.into());
        Ok(shown.into())
    }
}

impl Removable for PublicMessage {
    async fn remove(
        app: &App,
        tx: &mut Writing,
        caller: &Caller,
        rows: Vec<Row>,
    ) -> Result<Vec<Problem>> {
        message::remove::<Self>(app, tx, caller, rows).await
    }
}

impl Addressed for PublicMessage {
    const TABLE: &'static str = TABLE;
    const ADDRESSEE: &'static str = "terminal_id";

    fn message(row: &Row) -> &Message {
        &row.message
    }

    fn addressee(row: &Row) -> (&'static str, &str) {
        ("terminal", &row.terminal_sn)
    }
}

pub fn endpoints() -> Vec<Endpoint> {
    message::endpoints::<PublicMessage>()
}
