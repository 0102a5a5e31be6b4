//! Unregistered punches: of PINs that nobody has. When somebody gets that code they become
//! transactions.

use crate::access::{Caller, Thing};
use crate::app::App;
use crate::error::{Error, Result};
use crate::extract::Query;
use crate::punches::punch::{self, Row, column};
use crate::resource::{self, Column, Field, Resource, Searched, col};
use crate::routes::{Endpoint, Kind, Member};
use sea_query::{Condition, ExprTrait, SelectStatement, SimpleExpr};
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
        Field::new("punch_time", Kind::Time, column("punch_local")),
        Field::new("punch_state", Kind::Integer, column("punch_state")).one_of(),
        Field::new("verify_type", Kind::Integer, column("verify_type")).one_of(),
        Field::new("work_code", Kind::Text, column("work_code")).exactly(),
        Field::new("terminal_sn", Kind::Text, column("terminal_sn"))
            .exactly()
            .contains()
            .or(&["sn"]),
        Field::new("terminal_alias", Kind::Text, column("terminal_alias"))
            .exactly()
            .contains()
            .nullable(),
        Field::new("area_alias", Kind::Text, column("area_name"))
            .exactly()
            .nullable(),
        Field::new("source", Kind::Integer, column("source")).one_of(),
        Field::new("upload_time", Kind::Time, column("upload_at")),
        Field::new("temperature", Kind::Number, column("temperature")).nullable(),
        Field::new("mask_flag", Kind::Integer, column("mask_flag")).nullable(),
        Field::new("terminal", Kind::Integer, column("terminal_id"))
            .one_of()
            .nullable()
            .about("The terminal's id."),
        Field::special("last_id", Kind::Integer, "Only what came after this id."),
        Field::together("start_time", Kind::Time, "The first punch time wanted."),
        Field::together(
            "end_time",
            Kind::Time,
            "The last one; a date alone is its whole day.",
        ),
        Field::together(
            "upload_time_start",
            Kind::Time,
            "The first upload time wanted.",
        ),
        Field::together("upload_time_end", Kind::Time, "The last one."),
    ];
    const SEARCHED: &'static [Searched] = &[
        Searched::Ascii(column("pin")),
        Searched::Ascii(column("terminal_sn")),
        Searched::Ascii(column("terminal_alias")),
        Searched::Ascii(column("area_name")),
    ];
    const ANSWER: &'static [Member] = punch::ANSWER;
    const NOT_LISTED: &'static [&'static str] = punch::OF_TRANSACTIONS;
    const EXPORT_NEEDS_TYPE: bool = true;

    type Row = Row;

    fn id(row: &Row) -> i64 {
        row.id
    }

    fn tables(select: &mut SelectStatement) {
        punch::tables(select);
        select
            .and_where(col(column("transaction_id")).is_null())
            .and_where(col(column("hidden_at")).is_null());
    }

    fn columns(select: &mut SelectStatement, _app: &App) {
        punch::columns(select);
    }

    fn visible(caller: &Caller, _app: &App) -> Condition {
        punch::within(&caller.scope)
    }

    fn special(_app: &App, name: &str, value: &str) -> Result<SimpleExpr> {
        let id: i64 = value
            .trim()
            .parse()
            .map_err(|_| Error::invalid(name, "Enter a number."))?;
        Ok(col(column("id")).gt(id))
    }

    async fn together(app: &App, caller: &Caller, query: &mut Query) -> Result<Condition> {
        punch::times_asked(app, caller, query)
    }

    async fn known_count(app: &App) -> Result<Option<i64>> {
        let (_, _, unregistered) = punch::counted(app).await?;
        Ok(Some(unregistered))
    }

    async fn version(app: &App) -> Result<Option<String>> {
        Ok(Some(format!("{:?}", punch::counted(app).await?)))
    }

    async fn show(app: &App, caller: &Caller, rows: Vec<Row>) -> Result<Vec<Value>> {
        Ok(rows
            .iter()
            .map(|row| row.shown(app, caller.profile))
            .collect())
    }
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        resource::list::<Unregistered>(),
        resource::export::<Unregistered>(),
        resource::read::<Unregistered>(),
    ]
}
