//! Messages for one person, shown when that person punches. This file alone writes `private_message`;
//! `terminals/messages.rs` brings them to the terminals of the person's areas.

use super::message::{self, Given, Message};
use crate::access::{Caller, Thing};
use crate::app::App;
use crate::audit::{self, Deed};
use crate::error::{Error, Problem, Result};
use crate::extract::Body;
use crate::input::Input;
use crate::profile::Profile;
use crate::punches::record;
use crate::relation::{self, Known};
use crate::resource::{self, Column, Field, Removable, Resource, Searched, Writable, col};
use crate::resources::employee::Employee;
use crate::routes::{Endpoint, Kind, Member};
use crate::terminals::messages;
use crate::writing::Writing;
use muster_store::{Sql, Tx};
use sea_query::{Alias, Condition, ExprTrait, JoinType, SelectStatement, SimpleExpr};
use serde_json::{Map, Value, json};

pub struct PrivateMessage;

/// A message with its employee.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Row {
    #[sqlx(flatten)]
    message: Message,
    employee_id: i64,
    emp_code: String,
    first_name: Option<String>,
    last_name: Option<String>,
}

const fn column(name: &'static str) -> Column {
    ("private_message", name)
}

impl Row {
    fn audited(&self) -> Map<String, Value> {
        let mut audited = self.message.audited();
        audited.insert("employee".into(), self.emp_code.clone().into());
        audited
    }
}

impl Resource for PrivateMessage {
    const NAME: &'static str = "private message";
    const PATH: &'static str = "/iclock/api/privatemessages/";
    const THING: Thing = Thing::Message;
    const KEY: &'static str = "id";
    const CODE: Option<Column> = None;
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Integer, column("id")).one_of(),
        Field::special(
            "employee",
            Kind::Reference,
            "Employees by code or id, with commas.",
        )
        .or(&["employees"])
        .ordered_by(column("employee_id")),
        Field::new("emp_code", Kind::Text, ("employee", "emp_code"))
            .one_of()
            .contains()
            .or(&["pin"])
            .about("One code, or several with commas."),
        Field::new("first_name", Kind::Text, ("employee", "first_name"))
            .exactly()
            .contains_part(0)
            .nullable(),
        Field::new("last_name", Kind::Text, ("employee", "last_name"))
            .exactly()
            .contains_part(1)
            .nullable(),
        Field::new("start_time", Kind::Time, column("start_local")),
        Field::new("duration", Kind::Integer, column("duration_minutes")).exactly(),
        Field::new("content", Kind::Text, column("content"))
            .exactly()
            .contains_part(0),
        Field::new("last_send", Kind::Time, column("last_send_at")).nullable(),
    ];
    const SEARCHED: &'static [Searched] = &[
        Searched::Folded(column("search_text")),
        Searched::Folded(("employee", "search_text")),
    ];
    const ANSWER: &'static [Member] = &[
        Member::new("id", Kind::Integer, ""),
        Member::new("employee", Kind::Relation, "Written: the employee's id."),
        message::START,
        message::DURATION,
        message::CONTENT_SHOWN,
        message::LAST_SEND,
        Member::new("emp_code", Kind::Text, ""),
        Member::new("first_name", Kind::Text, "Not when written."),
        Member::new("last_name", Kind::Text, ""),
    ];
    const EXPORT_NEEDS_TYPE: bool = true;
    const IS_SMALL: bool = true;

    type Row = Row;

    fn id(row: &Row) -> i64 {
        row.message.id
    }

    fn tables(select: &mut SelectStatement) {
        select.from(Alias::new("private_message")).join(
            JoinType::InnerJoin,
            Alias::new("employee"),
            col(("employee", "id")).eq(col(column("employee_id"))),
        );
    }

    fn columns(select: &mut SelectStatement, _app: &App) {
        for name in message::COLUMNS {
            select.expr(col(column(name)));
        }
        select.expr(col(column("employee_id")));
        for name in ["emp_code", "first_name", "last_name"] {
            select.expr(col(("employee", name)));
        }
    }

    /// Those of the employees a caller may see: an employee's own.
    fn visible(caller: &Caller, app: &App) -> Condition {
        Employee::visible(caller, app)
    }

    fn special(_app: &App, _name: &str, value: &str) -> Result<SimpleExpr> {
        let code = ("employee", "emp_code");
        Ok(relation::any_of(code, column("employee_id"), value))
    }

    fn default_order(profile: Profile) -> &'static str {
        if profile.shows_newest_first() {
            "-id"
        } else {
            "id"
        }
    }

    async fn show(app: &App, caller: &Caller, rows: Vec<Row>) -> Result<Vec<Value>> {
        Ok(rows
            .iter()
            .map(|row| {
                let mut shown = Map::new();
                shown.insert("id".into(), row.message.id.into());
                let employee = json!({
                    "id": caller.profile.person_id(row.employee_id),
                    "emp_code": row.emp_code,
                    "first_name": row.first_name,
                    "last_name": row.last_name,
                });
                shown.insert("employee".into(), employee);
                row.message.show(app, &mut shown);
                shown.insert("emp_code".into(), row.emp_code.clone().into());
                shown.insert("first_name".into(), row.first_name.clone().into());
                shown.insert("last_name".into(), row.last_name.clone().into());
                shown.into()
            })
            .collect())
    }
}

/// What was given, checked.
pub struct Change {
    employee_id: Option<i64>,
    given: Given,
}

const EMPLOYEE: &[&str] = &["employee", "emp_code"];

impl Writable for PrivateMessage {
    const INPUT: &'static [Member] = &[
        Member::new("employee", Kind::Reference, "Code or id; also emp_code.").required(),
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
        let mut employee_id = None;
        input.require(EMPLOYEE);
        if let Some((name, value)) = input.value(EMPLOYEE) {
            match resource::named::<Employee>(app, caller, name, value).await? {
                Ok(employee) => employee_id = Some(employee.id),
                Err(problem) => input.problems.push(problem),
            }
        }
        let given = Given::read(&mut input);
        input.settle()?;
        Ok(Change { employee_id, given })
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
        if let Some(employee_id) = change.employee_id {
            columns.set("employee_id", employee_id);
        }
        let id = match &stored {
            None => {
                tx.one::<(i64,)>(&columns.insert("private_message"))
                    .await?
                    .0
            }
            Some(stored) => {
                let id = stored.message.id;
                tx.run(&columns.update("private_message", id)).await?;
                id
            }
        };
        let row: Option<Row> = tx.find(&resource::by_id::<PrivateMessage>(app, id)).await?;
        // Removed a moment ago.
        let row = row.ok_or(Error::NoSuch {
            code: PrivateMessage::ABSENT,
        })?;
        let deed = Deed {
            action: if stored.is_some() { "update" } else { "create" },
            thing: PrivateMessage::NAME,
            thing_id: id.to_string(),
            before: stored.as_ref().map(Row::audited),
            after: Some(row.audited()),
        };
        audit::write(tx, app.clock.now(), caller, deed).await?;
        Ok(id)
    }

    async fn conclude(app: &App, tx: &mut Writing, caller: &Caller, ids: &[i64]) -> Result<()> {
        messages::concerns(app, tx, caller, messages::Kind::Private, ids).await
    }

    async fn show_saved(app: &App, caller: &Caller, row: Row) -> Result<Value> {
        let mut shown = Map::new();
        shown.insert("id".into(), row.message.id.into());
        let employee = caller.profile.person_id(row.employee_id);
        shown.insert("employee".into(), employee);
        row.message.show(app, &mut shown);
        shown.insert("emp_code".into(), row.emp_code.into());
        Ok(shown.into())
    }
}

impl Removable for PrivateMessage {
    async fn remove(
        app: &App,
        tx: &mut Writing,
        caller: &Caller,
        rows: Vec<Row>,
    ) -> Result<Vec<Problem>> {
        record::people_in_order(tx, &app.company.id).await?;
        let ids: Vec<i64> = rows.iter().map(Self::id).collect();
        tx.run(&resource::delete_rows("private_message", &ids))
            .await?;
        for row in &rows {
            let deed = Deed {
                action: "delete",
                thing: PrivateMessage::NAME,
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
        "UPDATE private_message SET last_send_at = $2 WHERE id = $1",
        [id.into(), app.clock.now().into()],
    ))
    .await?;
    Ok(())
}

pub fn endpoints() -> Vec<Endpoint> {
    let mut endpoints = vec![
        resource::list::<PrivateMessage>().with_own_rows(),
        resource::create::<PrivateMessage>(),
        resource::read::<PrivateMessage>().with_own_rows(),
        resource::delete::<PrivateMessage>(),
        resource::delete_by_post::<PrivateMessage>(),
        resource::action::<PrivateMessage>(),
        resource::export::<PrivateMessage>(),
    ];
    endpoints.extend(resource::update::<PrivateMessage>());
    endpoints
}
