//! Messages for everybody at a terminal. This file alone writes `public_message`;
//! `terminals/messages.rs` brings them there.

use super::message::{self, Given, Message};
use crate::access::{Caller, Thing};
use crate::app::App;
use crate::audit::{self, Deed};
use crate::error::{Error, Problem, Result};
use crate::extract::Body;
use crate::input::Input;
use crate::punches::record;
use crate::relation::{self, Known};
use crate::resource::{self, Column, Field, Removable, Resource, Searched, Writable, col};
use crate::routes::{Endpoint, Kind, Member};
use crate::terminals::messages;
use crate::terminals::terminal::{self, Terminal};
use crate::writing::Writing;
use muster_protocol::handshake::Family;
use muster_store::{Sql, Tx};
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

const fn column(name: &'static str) -> Column {
    ("public_message", name)
}

impl Row {
    fn audited(&self) -> Map<String, Value> {
        let mut audited = self.message.audited();
        audited.insert("terminal".into(), self.terminal_sn.clone().into());
        audited
    }
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
        Field::new("start_time", Kind::Time, column("start_local")),
        Field::new("duration", Kind::Integer, column("duration_minutes")).exactly(),
        Field::new("content", Kind::Text, column("content"))
            .exactly()
            .contains_part(0),
        Field::new("last_send", Kind::Time, column("last_send_at")).nullable(),
    ];
    const SEARCHED: &'static [Searched] = &[
        Searched::Folded(column("search_text")),
        Searched::Folded(("terminal", "search_text")),
    ];
    const ANSWER: &'static [Member] = &[
        Member::new("id", Kind::Integer, ""),
        Member::new("terminal", Kind::Relation, "Written: the terminal's id."),
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
        select.from(Alias::new("public_message")).join(
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

/// What was given, checked.
pub struct Change {
    terminal_id: Option<i64>,
    given: Given,
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
        let mut terminal_id = None;
        input.require(TERMINAL);
        if let Some((name, value)) = input.value(TERMINAL) {
            match resource::named::<Terminal>(app, caller, name, value).await? {
                Ok(terminal) if terminal.family() == Family::Access => {
                    input.problem(name, "This kind of terminal cannot show messages.");
                }
                Ok(terminal) => terminal_id = Some(terminal.id),
                Err(problem) => input.problems.push(problem),
            }
        }
        let given = Given::read(&mut input);
        input.settle()?;
        Ok(Change { terminal_id, given })
    }

    async fn prepare(app: &App, tx: &mut Writing) -> Result<()> {
        Ok(record::people_in_order(tx, &app.company.id).await?)
    }

    async fn store(
        app: &App,
        tx: &mut Writing,
        caller: &Caller,
        change: Change,
        stored: Option<Row>,
    ) -> Result<i64> {
        let before = stored.as_ref().map(|stored| &stored.message);
        let mut columns = change.given.columns(app, before);
        if let Some(terminal_id) = change.terminal_id {
            columns.set("terminal_id", terminal_id);
        }
        let id = match &stored {
            None => tx.one::<(i64,)>(&columns.insert("public_message")).await?.0,
            Some(stored) => {
                let id = stored.message.id;
                tx.run(&columns.update("public_message", id)).await?;
                id
            }
        };
        let row: Option<Row> = tx.find(&resource::by_id::<PublicMessage>(app, id)).await?;
        // Removed a moment ago.
        let row = row.ok_or(Error::NoSuch {
            code: PublicMessage::ABSENT,
        })?;
        let deed = Deed {
            action: if stored.is_some() { "update" } else { "create" },
            thing: PublicMessage::NAME,
            thing_id: id.to_string(),
            before: stored.as_ref().map(Row::audited),
            after: Some(row.audited()),
        };
        audit::write(tx, app.clock.now(), caller, deed).await?;
        Ok(id)
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
        record::people_in_order(tx, &app.company.id).await?;
        let ids: Vec<i64> = rows.iter().map(Self::id).collect();
        tx.run(&resource::delete_rows("public_message", &ids))
            .await?;
        for row in &rows {
            let deed = Deed {
                action: "delete",
                thing: PublicMessage::NAME,
                thing_id: row.message.id.to_string(),
                before: Some(row.audited()),
                ..Deed::default()
            };
            audit::write(tx, app.clock.now(), caller, deed).await?;
        }
        messages::removed(app, tx, caller).await?;
        Ok(Vec::new())
    }
}

/// It was given to a terminal.
pub async fn sent(app: &App, tx: &mut Tx, id: i64) -> Result<()> {
    tx.run(&Sql::new(
        "UPDATE public_message SET last_send_at = $2 WHERE id = $1",
        [id.into(), app.clock.now().into()],
    ))
    .await?;
    Ok(())
}

pub fn endpoints() -> Vec<Endpoint> {
    let mut endpoints = vec![
        resource::list::<PublicMessage>().with_own_rows(),
        resource::create::<PublicMessage>(),
        resource::read::<PublicMessage>().with_own_rows(),
        resource::delete::<PublicMessage>(),
        resource::delete_by_post::<PublicMessage>(),
        resource::action::<PublicMessage>(),
        resource::export::<PublicMessage>(),
    ];
    endpoints.extend(resource::update::<PublicMessage>());
    endpoints
}
