//! Messages for one person, shown when that person punches. This file alone writes `private_message`, by way
//! of `message.rs`; `terminals/messages.rs` brings them to the terminals of the person's areas.

use super::message::{self, Addressed, Change, Given, Message};
use crate::access::{Caller, Thing};
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::Body;
use crate::input::Input;
use crate::profile::Profile;
use crate::relation::{self, Known};
use crate::resource::{self, Column, Field, Removable, Resource, Searched, Writable, col};
use crate::resources::employee::{Employee, of_employee};
use crate::routes::{Endpoint, Kind, Member};
use crate::terminals::messages;
use crate::writing::{self, Writing};
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

const TABLE: &str = "private_message";

const fn column(name: &'static str) -> Column {
    (TABLE, name)
}

impl Resource for PrivateMessage {
    const NAME: &'static str = "private message";
    const PATH: &'static str = "/iclock/api/privatemessages/";
    const THING: Thing = Thing::Message;
    const KEY: &'static str = "id";
    const CODE: Option<Column> = None;
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Integer, column("id")).one_of(),
        of_employee::ASKED
            .or(&["employees"])
            .ordered_by(column("employee_id")),
        of_employee::CODE_ASKED,
        of_employee::FIRST_NAME_ASKED,
        of_employee::LAST_NAME_ASKED,
        message::start_asked(TABLE),
        message::duration_asked(TABLE),
        message::content_asked(TABLE),
        message::last_send_asked(TABLE),
    ];
    const SEARCHED: &'static [Searched] = &[
        Searched::Folded(column("search_text")),
        Searched::Folded(("employee", "search_text")),
    ];
    const ANSWER: &'static [Member] = &[
        Member::new("id", Kind::Integer, ""),
        Member::new("employee", Kind::Relation, "Written: the employee's id.")
            .columns(&[
                ("emp_code", "emp_code"),
                ("first_name", "first_name"),
                ("last_name", "last_name"),
            ])
            .only_named(),
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
        select.from(Alias::new(TABLE)).join(
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
        profile.order_of_events()
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
        let mut addressee_id = None;
        input.require(EMPLOYEE);
        if let Some((name, value)) = input.value(EMPLOYEE) {
            match resource::named::<Employee>(app, caller, name, value).await? {
                Ok(employee) => addressee_id = Some(employee.id),
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
        message::remove::<Self>(app, tx, caller, rows).await
    }
}

impl Addressed for PrivateMessage {
    const TABLE: &'static str = TABLE;
    const ADDRESSEE: &'static str = "employee_id";

    fn message(row: &Row) -> &Message {
        &row.message
    }

    fn addressee(row: &Row) -> (&'static str, &str) {
        ("employee", &row.emp_code)
    }
}

pub fn endpoints() -> Vec<Endpoint> {
    message::endpoints::<PrivateMessage>()
}
