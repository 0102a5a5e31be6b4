//! Who can be recognised at terminals: the people whose templates they brought or were given.

use super::Terminal;
use super::tell::{NAMES, TERMINALS};
use crate::access::{Caller, Right, Thing};
use crate::answer::Answer;
use crate::app::App;
use crate::appendix;
use crate::error::{Error, Problem, Result};
use crate::extract::{Body, Call, Query};
use crate::input::read_several;
use crate::resource::{self, Column, Field, Resource, Searched, col};
use crate::resources::employee::{self, Employee};
use crate::routes::{Doc, Endpoint, Kind, Member, Parameter, Returns};
use crate::terminals::people::BioKind;
use http::Method;
use sea_query::{Cond, Condition, ExprTrait, SelectStatement, SimpleExpr};
use serde_json::Value;

/// An employee, as far as terminals recognise him.
struct Enrolled;

/// The parameter that lists the terminals: those that a body lists come to it, so that the links to
/// other pages have them.
const AT: &str = "sn";

/// An employee's, and the manual's other name of `ssn`.
const ANSWER: [Member; Employee::ANSWER.len() + 1] = {
    let mut members = [Member::new("aadhaar_no", Kind::Text, "The same as ssn."); _];
    let mut place = 0;
    while place < Employee::ANSWER.len() {
        members[place] = Employee::ANSWER[place];
        place += 1;
    }
    members
};

impl Resource for Enrolled {
    const NAME: &'static str = "enrolled employee";
    const PATH: &'static str = "/iclock/api/terminals/enrolled_employees/";
    const THING: Thing = Thing::Employee;
    const KEY: &'static str = Employee::KEY;
    const CODE: Option<Column> = Employee::CODE;
    const ABSENT: i32 = appendix::NO_PERSON;
    const FIELDS: &'static [Field] = Employee::FIELDS;
    const SEARCHED: &'static [Searched] = Employee::SEARCHED;
    const ANSWER: &'static [Member] = &ANSWER;
    const IS_SMALL: bool = true;

    type Row = employee::Row;

    fn id(row: &employee::Row) -> i64 {
        row.id
    }

    fn tables(select: &mut SelectStatement) {
        Employee::tables(select);
    }

    fn columns(select: &mut SelectStatement, app: &App) {
        Employee::columns(select, app);
    }

    fn visible(caller: &Caller, app: &App) -> Condition {
        Employee::visible(caller, app)
    }

    fn special(app: &App, name: &str, value: &str) -> Result<SimpleExpr> {
        Employee::special(app, name, value)
    }

    async fn together(app: &App, caller: &Caller, query: &mut Query) -> Result<Condition> {
        let Some(listed) = query.take(AT) else {
            let missing = Problem::new(AT, t!("This field is required."));
            return Err(Error::Invalid(vec![missing.coded(appendix::SN_REQUIRED)]));
        };
        let listed = Body::from_pairs([(AT, listed)]);
        let terminals = resource::several::<Terminal>(app, caller, &listed, &[AT]).await?;
        let ids: Vec<i64> = terminals.rows.iter().map(|terminal| terminal.id).collect();
        let enrolled = Cond::any()
            .add(col(("employee", "id")).in_subquery(brought(&ids)))
            .add(col(("employee", "emp_code")).in_subquery(held(&ids)));
        let asked = Employee::together(app, caller, query).await?;
        Ok(Cond::all().add(asked).add(enrolled))
    }

    /// As employees are shown, with the manual's other name of `ssn`.
    async fn show(app: &App, caller: &Caller, rows: Vec<employee::Row>) -> Result<Vec<Value>> {
        let mut shown = Employee::show(app, caller, rows).await?;
        for row in &mut shown {
            row["aadhaar_no"] = row["ssn"].clone();
        }
        Ok(shown)
    }
}

/// The ids of the people whose templates these terminals brought, but for those that were emptied.
fn brought(terminal_ids: &[i64]) -> SelectStatement {
    let types = BioKind::FLAGS
        .iter()
        .flat_map(|(_, kind)| kind.wire_types());
    let mut select = SelectStatement::new();
    select
        .expr(col(("biometric", "employee_id")))
        .from("biometric")
        .inner_join(
            "terminal",
            col(("terminal", "sn")).eq(col(("biometric", "terminal_sn"))),
        )
        .and_where(col(("terminal", "id")).is_in(terminal_ids.iter().copied()))
        .and_where(col(("terminal", "cleared_by")).is_null())
        .and_where(col(("biometric", "employee_id")).is_not_null())
        .and_where(col(("biometric", "wire_type")).is_in(types.copied()));
    select
}

/// The PINs whose templates or enrolment photos these terminals hold (`terminals/sync/holding.rs`).
fn held(terminal_ids: &[i64]) -> SelectStatement {
    let holding = |name: &'static str| col(("terminal_holding", name));
    let is_template = holding("thing")
        .like("bio %")
        .or(holding("thing").like("photo %"));
    let is_there = holding("has_digest")
        .is_not_null()
        .or(holding("may_hold").eq(true));
    let mut select = SelectStatement::new();
    select
        .expr(holding("pin"))
        .from("terminal_holding")
        .and_where(holding("terminal_id").is_in(terminal_ids.iter().copied()))
        .and_where(is_template)
        .and_where(is_there);
    select
}

/// Pages and filters may stand in the body, as the terminals do; the links to other pages have them all.
async fn enrolled_employees(mut call: Call) -> Result<Answer> {
    let request = &mut call.request;
    let listed = match request.body.first_of(NAMES) {
        None => None,
        Some((name, value)) => {
            let list = read_several(value)
                .ok_or_else(|| Error::invalid(name, t!("Expected a list of codes or ids.")))?;
            let list: Vec<String> = list
                .iter()
                .map(|item| {
                    item.as_str()
                        .map_or_else(|| item.to_string(), str::to_owned)
                })
                .collect();
            Some((AT, list.join(",")))
        }
    };
    let others = request
        .body
        .pairs()
        .filter(|(name, _)| !NAMES.contains(name));
    for (name, value) in others.chain(listed) {
        request.query.put(name, value);
    }
    resource::answer_list::<Enrolled>(call).await
}

const BODY: &[Member] = &[
    TERMINALS,
    Member::new("page", Kind::Reference, "The page: 1 and up, or last."),
    Member::new(
        "page_size",
        Kind::Integer,
        "Rows on a page; 10 unless given.",
    ),
];

/// The manual's is the POST; its links to other pages are followed by GET, as those of all lists.
pub(super) fn endpoints() -> [Endpoint; 2] {
    [(Method::POST, Some(BODY)), (Method::GET, None)].map(|(method, body)| {
        let mut query = resource::list_parameters::<Enrolled>();
        query.push(Parameter::new(
            AT,
            Kind::Reference,
            "Terminals by serial number or id, with commas; required here or in a body.",
        ));
        let doc = Doc {
            summary: "Lists employees whom terminals recognise".into(),
            tag: Thing::Employee.name(),
            query,
            body,
            returns: Returns::Page(Enrolled::ANSWER),
        };
        let right = Right::View(Thing::Employee);
        Endpoint::guarded(method, Enrolled::PATH, right, doc, enrolled_employees)
    })
}
