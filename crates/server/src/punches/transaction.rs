//! Transactions: the punches of known people. Their ids are their own; a punch that comes here
//! late, because its person was made late, gets the next one.

use crate::access::{Caller, Right, Thing};
use crate::answer::Answer;
use crate::app::App;
use crate::error::{Error, Result};
use crate::extract::{Call, Query};
use crate::profile::Profile;
use crate::punches::photo::{self, Photographed};
use crate::punches::punch::{self, List, Row, asked, column};
use crate::punches::{assign, hidden, usb_log};
use crate::relation::{self, AREA, DEPARTMENT, POSITION};
use crate::resource::{
    self, Column, END_TIME, Field, Key, Known, Resource, START_TIME, Searched, Through,
    UPLOAD_TIME_END, UPLOAD_TIME_START,
};
use crate::routes::{Doc, Endpoint, Kind, Member, Returns};
use crate::terminals::of_terminal;
use http::{Method, StatusCode};
use sea_query::{Condition, Expr, SelectStatement, SimpleExpr};
use serde_json::Value;

pub struct Transaction;

impl Resource for Transaction {
    const NAME: &'static str = "transaction";
    const PATH: &'static str = "/iclock/api/transactions/";
    const THING: Thing = Thing::Transaction;
    const KEY: &'static str = "id";
    const CODE: Option<Column> = None;
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Integer, column("transaction_id")).one_of(),
        Field::new("emp_code", Kind::Text, column("pin"))
            .one_of()
            .or(&["pin"])
            .about("One code, or several with commas; of people who are gone too."),
        asked::PUNCH_TIME,
        asked::PUNCH_STATE,
        asked::VERIFY_TYPE,
        asked::WORK_CODE,
        asked::TERMINAL_SN,
        asked::TERMINAL_ALIAS,
        asked::AREA_ALIAS,
        asked::SOURCE,
        Field::new("mobile", Kind::Text, column("mobile"))
            .exactly()
            .nullable(),
        asked::UPLOAD_TIME,
        asked::TEMPERATURE,
        asked::MASK_FLAG,
        Field::new("emp", Kind::Integer, column("employee_id"))
            .one_of()
            .nullable()
            .about("The employee's id."),
        Field::special(
            "employee",
            Kind::Reference,
            "Employees by code or id, with commas.",
        )
        .or(&["employees"]),
        of_terminal::id_asked(column("terminal_id")).nullable(),
        Field::new("first_name", Kind::Text, ("employee", "first_name")).nullable(),
        Field::new("last_name", Kind::Text, ("employee", "last_name")).nullable(),
        Field::relation(
            "department",
            &DEPARTMENT,
            ("employee", "department_id"),
            "Departments by code or id, with commas.",
        )
        .or(&["departments", "dept_code"])
        .ordered_by(("department", "dept_name"))
        .nullable(),
        Field::special("area", Kind::Reference, "Areas by code or id, with commas.")
            .or(&["areas", "area_code"]),
        Field::relation(
            "position",
            &POSITION,
            ("employee", "position_id"),
            "Positions by code or id, with commas.",
        )
        .or(&["positions", "position_code"])
        .ordered_by(("position", "position_name"))
        .nullable(),
        Field::computed("punch_state_display", Kind::Text).nullable(),
        Field::computed("verify_type_display", Kind::Text),
        Field::computed("is_mask", Kind::Text),
        asked::LAST_ID,
        START_TIME,
        END_TIME,
        UPLOAD_TIME_START,
        UPLOAD_TIME_END,
    ];
    const SEARCHED: &'static [Searched] = &[
        Searched::Through(Through {
            column: column("employee_id"),
            key: Key::Number(("employee", "id")),
            searched: &[Searched::Folded(("employee", "search_text"))],
            then: &[],
            always: transactions,
        }),
        // Whoever is there is found with the code.
        Searched::Through(Through {
            column: column("pin"),
            key: Key::Text(("former_code", "emp_code")),
            searched: &[Searched::Plain(("former_code", "emp_code"))],
            then: &[],
            always: transactions,
        }),
        Searched::Through(Through {
            column: column("terminal_sn"),
            key: Key::Text(("punch_place", "terminal_sn")),
            searched: &[
                Searched::Plain(("punch_place", "terminal_sn")),
                Searched::Plain(("punch_place", "terminal_alias")),
                Searched::Plain(("punch_place", "area_name")),
            ],
            then: asked::PLACE_SEARCHED,
            always: transactions,
        }),
    ];
    const ANSWER: &'static [Member] = punch::ANSWER;
    const ALWAYS_EMPTY: &'static [&'static str] = &["crc"];
    const EXPORT_NEEDS_TYPE: bool = true;

    const TIE: Option<Column> = Some(column("id"));

    type Row = Row;

    fn id(row: &Row) -> i64 {
        row.transaction_id.unwrap_or(row.id)
    }

    fn tables(select: &mut SelectStatement) {
        List::Transactions.joined(select);
    }

    fn alone(select: &mut SelectStatement) {
        List::Transactions.alone(select);
    }

    fn columns(select: &mut SelectStatement, _app: &App) {
        punch::columns(select);
    }

    fn visible(caller: &Caller, _app: &App) -> Condition {
        punch::within(&caller.scope)
    }

    fn computed(_app: &App, name: &str) -> Expr {
        punch::displayed(name)
    }

    fn special(_app: &App, name: &str, value: &str) -> Result<SimpleExpr> {
        Ok(match name {
            "employee" => relation::any_of(column("pin"), column("employee_id"), value),
            // A punch keeps the area its terminal was in, by id; the area's code is its code today.
            "area" => AREA.any_of_ids(column("area_id"), value),
            _ => punch::after(column("transaction_id"), name, value)?,
        })
    }

    async fn together(app: &App, caller: &Caller, query: &mut Query) -> Result<Condition> {
        punch::times_asked(app, caller, query)
    }

    fn default_order(profile: Profile) -> &'static str {
        profile.order_of_events()
    }

    async fn known(app: &App) -> Result<Option<Known>> {
        punch::known(app, List::Transactions).await
    }

    async fn version(app: &App) -> Result<Option<String>> {
        punch::version(app).await
    }

    async fn show(app: &App, caller: &Caller, rows: Vec<Row>) -> Result<Vec<Value>> {
        Ok(rows
            .iter()
            .map(|row| row.shown(app, caller.profile))
            .collect())
    }
}

impl Photographed for Transaction {
    fn punch(row: &Row) -> &Row {
        row
    }
}

fn transactions() -> Condition {
    List::Transactions.condition()
}

pub fn endpoints() -> Vec<Endpoint> {
    let doc = Doc {
        summary: "Reads one: transaction (the manual says POST)".into(),
        tag: Thing::Transaction.name(),
        query: Vec::new(),
        body: None,
        returns: Returns::One(StatusCode::OK, Transaction::ANSWER),
    };
    let mut endpoints = vec![
        resource::list::<Transaction>().with_own_rows(),
        resource::export::<Transaction>(),
        resource::read::<Transaction>().with_own_rows(),
        Endpoint::guarded(
            Method::POST,
            &resource::row_path::<Transaction>(),
            Right::View(Thing::Transaction),
            doc,
            read_by_post,
        )
        .with_own_rows(),
    ];
    endpoints.extend(usb_log::endpoints());
    endpoints.push(photo::endpoint::<Transaction>().with_own_rows());
    endpoints.push(assign::taken_back());
    endpoints.extend(hidden::of_transactions());
    endpoints
}

/// A body would mean something was to be changed.
async fn read_by_post(call: Call) -> Result<Answer> {
    if !call.request.body.is_empty() {
        return Err(Error::MethodNotAllowed {
            method: "POST".into(),
            allow: "GET, HEAD, OPTIONS".into(),
        });
    }
    resource::answer_read::<Transaction>(call).await
}
