//! Unregistered punches: of PINs that nobody has. When somebody gets that code they become
//! transactions.

use crate::access::{Caller, Thing};
use crate::app::App;
use crate::error::Result;
use crate::extract::Query;
use crate::punches::assign;
use crate::punches::photo::{self, Photographed};
use crate::punches::punch::{self, List, Row, asked, column};
use crate::resource::{
    self, Column, END_TIME, Field, Known, Resource, START_TIME, Searched, UPLOAD_TIME_END,
    UPLOAD_TIME_START,
};
use crate::routes::{Endpoint, Kind, Member};
use crate::terminals::of_terminal;
use sea_query::{Condition, SelectStatement, SimpleExpr};
use serde_json::Value;

pub struct Unregistered;

impl Resource for Unregistered {
    const NAME: &'static str = "unregistered punch";
    const PATH: &'static str = "/iclock/api/unregister/";
    const THING: Thing = Thing::Transaction;
    const KEY: &'static str = "id";
    const CODE: Option<Column> = None;
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Integer, column("id")).one_of(),
        Field::new("crc", Kind::Text, column("pin"))
            .one_of()
            .or(&["pin", "emp_code"])
            .about("The PIN."),
        asked::PUNCH_TIME,
        asked::PUNCH_STATE,
        asked::VERIFY_TYPE,
        asked::WORK_CODE,
        asked::TERMINAL_SN,
        asked::TERMINAL_ALIAS,
        asked::AREA_ALIAS,
        asked::SOURCE,
        asked::UPLOAD_TIME,
        asked::TEMPERATURE,
        asked::MASK_FLAG,
        of_terminal::id_asked(column("terminal_id")).nullable(),
        asked::LAST_ID,
        // The manual orders by it.
        START_TIME.ordered_by(column("punch_local")),
        END_TIME,
        UPLOAD_TIME_START,
        UPLOAD_TIME_END,
    ];
    const SEARCHED: &'static [Searched] = &[
        Searched::Plain(column("pin")),
        Searched::Plain(column("terminal_sn")),
        Searched::Plain(column("terminal_alias")),
        Searched::Plain(column("area_name")),
    ];
    const ANSWER: &'static [Member] = punch::ANSWER;
    const NOT_LISTED: &'static [&'static str] = punch::OF_TRANSACTIONS;
    const ALWAYS_EMPTY: &'static [&'static str] = punch::NULL_UNLESS_TRANSACTION;
    const EXPORT_NEEDS_TYPE: bool = true;

    type Row = Row;

    fn id(row: &Row) -> i64 {
        row.id
    }

    fn tables(select: &mut SelectStatement) {
        List::Unregistered.joined(select);
    }

    fn alone(select: &mut SelectStatement) {
        List::Unregistered.alone(select);
    }

    fn columns(select: &mut SelectStatement, _app: &App) {
        punch::columns(select);
    }

    fn visible(caller: &Caller, _app: &App) -> Condition {
        punch::within(&caller.scope)
    }

    fn special(_app: &App, name: &str, value: &str) -> Result<SimpleExpr> {
        punch::after(column("id"), name, value)
    }

    async fn together(app: &App, caller: &Caller, query: &mut Query) -> Result<Condition> {
        punch::times_asked(app, caller, query)
    }

    async fn known(app: &App) -> Result<Option<Known>> {
        punch::known(app, List::Unregistered).await
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

impl Photographed for Unregistered {
    fn punch(row: &Row) -> &Row {
        row
    }
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        resource::list::<Unregistered>(),
        resource::export::<Unregistered>(),
        resource::read::<Unregistered>(),
        photo::endpoint::<Unregistered>(),
        assign::assigned(),
    ]
}
