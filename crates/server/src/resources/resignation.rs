//! Resignations: the end of an employment on a day, and taking it back. From that day on the employee
//! is on no terminal and at no staff door; a rehired one keeps the entry as history, which no list
//! shows. This file alone writes `resignation`.

use crate::access::{Caller, Right, Thing};
use crate::answer::Answer;
use crate::app::App;
use crate::appendix;
use crate::audit::{self, Deed};
use crate::error::{Error, Problem, Result};
use crate::extract::{Body, Call};
use crate::input::{Input, Text};
use crate::profile::Profile;
use crate::relation::{self, Known};
use crate::resource::{
    self, Column, Columns, Field, Removable, Resource, Searched, Writable, col, search_text,
};
use crate::resources::employee::{self, Employee, of_employee};
use crate::routes::{Endpoint, Kind, Member};
use crate::terminals::sync;
use crate::writing::{self, Writing};
use chrono::{DateTime, NaiveDate, Utc};
use muster_store::{Sql, Tx, json_list};
use sea_query::{Alias, Condition, ExprTrait, JoinType, SelectStatement, SimpleExpr};
use serde_json::{Map, Value, json};

pub struct Resignation;

/// A resignation that stands, with its employee.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Row {
    pub id: i64,
    pub employee_id: i64,
    pub resign_on: NaiveDate,
    pub report_generation_end_on: NaiveDate,
    pub resign_type: i16,
    pub reason: Option<String>,
    pub disableatt: bool,
    pub emp_code: String,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
}

/// Quit, Dismissed, Resign, Transfer, Retain job without salary.
const TYPES: [i64; 5] = [1, 2, 3, 4, 5];
const REASON: Text = Text::max(500).optional().lines();

const fn column(name: &'static str) -> Column {
    ("resignation", name)
}

impl Row {
    fn state(&self, app: &App) -> i16 {
        state_from(app, self.resign_on, self.disableatt)
    }

    fn audited(&self) -> Map<String, Value> {
        let audited = json!({
            "resign_date": self.resign_on,
            "report_generation_end_date": self.report_generation_end_on,
            "resign_type": self.resign_type,
            "reason": self.reason,
            "disableatt": self.disableatt,
        });
        match audited {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}

/// What a resignation makes of its employee today: nothing before its day.
fn state_from(app: &App, resign_on: NaiveDate, disableatt: bool) -> i16 {
    if resign_on > app.today() {
        employee::VALID
    } else if disableatt {
        employee::RESIGNED_WITHOUT_ATTENDANCE
    } else {
        employee::RESIGNED
    }
}

impl Resource for Resignation {
    const NAME: &'static str = "resignation";
    const PATH: &'static str = "/personnel/api/resigns/";
    const THING: Thing = Thing::Resignation;
    const KEY: &'static str = "emp_code";
    const CODE: Option<Column> = Some(("employee", "emp_code"));
    const ABSENT: i32 = appendix::NO_PERSON;
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Integer, column("id")).one_of(),
        Field::new("resign_date", Kind::Date, column("resign_on")).exactly(),
        Field::new("resign_type", Kind::Integer, column("resign_type"))
            .one_of()
            .about(
                "1 quit, 2 dismissed, 3 resigned, 4 transferred, 5 retains the job without salary.",
            ),
        Field::new(
            "report_generation_end_date",
            Kind::Date,
            column("report_generation_end_on"),
        )
        .exactly(),
        Field::new("disableatt", Kind::Boolean, column("disableatt")).exactly(),
        Field::new("reason", Kind::Text, column("reason")).nullable(),
        of_employee::CODE_ASKED,
        of_employee::FIRST_NAME_ASKED,
        of_employee::LAST_NAME_ASKED,
        of_employee::ASKED.or(&["employees"]),
    ];
    const SEARCHED: &'static [Searched] = &[
        Searched::Folded(("employee", "search_text")),
        Searched::Folded(column("search_text")),
    ];
    const ANSWER: &'static [Member] = &[
        Member::new("id", Kind::Integer, ""),
        Member::new("resign_date", Kind::Date, ""),
        Member::new("resign_type", Kind::Integer, "1 to 5."),
        Member::new("report_generation_end_date", Kind::Date, ""),
        Member::new("reason", Kind::Text, ""),
        Member::new(
            "disableatt",
            Kind::Boolean,
            "Attendance ends with the employment; in the BioTime profile 1 or 0.",
        ),
        Member::new("employee", Kind::Relation, "Written: the employee's id.").columns(&[
            ("emp_code", "emp_code"),
            ("first_name", "first_name"),
            ("last_name", "last_name"),
        ]),
        Member::new("first_name", Kind::Text, "Not when written."),
        Member::new("last_name", Kind::Text, ""),
    ];

    const IS_SMALL: bool = true;
    const EXPORT_NEEDS_TYPE: bool = true;

    type Row = Row;

    fn id(row: &Row) -> i64 {
        row.id
    }

    fn tables(select: &mut SelectStatement) {
        select
            .from(Alias::new("resignation"))
            .join(
                JoinType::InnerJoin,
                Alias::new("employee"),
                col(("employee", "id")).eq(col(column("employee_id"))),
            )
            .and_where(col(column("ended_at")).is_null());
    }

    fn columns(select: &mut SelectStatement, _app: &App) {
        for name in [
            "id",
            "employee_id",
            "resign_on",
            "report_generation_end_on",
            "resign_type",
            "reason",
            "disableatt",
        ] {
            select.expr(col(column(name)));
        }
        for name in ["emp_code", "first_name", "last_name"] {
            select.expr(col(("employee", name)));
        }
    }

    /// Those of the employees a caller may see.
    fn visible(caller: &Caller, app: &App) -> Condition {
        Employee::visible(caller, app)
    }

    fn special(_app: &App, _name: &str, value: &str) -> Result<SimpleExpr> {
        let code = ("employee", "emp_code");
        Ok(relation::any_of(code, column("employee_id"), value))
    }

    async fn show(_app: &App, caller: &Caller, rows: Vec<Row>) -> Result<Vec<Value>> {
        let profile = caller.profile;
        Ok(rows
            .into_iter()
            .map(|row| {
                json!({
                    "id": row.id,
                    "resign_date": row.resign_on.to_string(),
                    "resign_type": row.resign_type,
                    "report_generation_end_date": row.report_generation_end_on.to_string(),
                    "reason": row.reason,
                    "disableatt": profile.flag(row.disableatt),
                    "employee": {
                        "id": profile.person_id(row.employee_id),
                        "emp_code": row.emp_code,
                        "first_name": row.first_name,
                        "last_name": row.last_name,
                    },
                    "first_name": row.first_name,
                    "last_name": row.last_name,
                })
            })
            .collect())
    }
}

// ---- writing ----------------------------------------------------------------------------------

/// What was given, checked.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Who resigns; of one that is made.
    employee: Option<(i64, String)>,
    resign_on: Option<NaiveDate>,
    report_generation_end_on: Option<NaiveDate>,
    resign_type: Option<i64>,
    reason: Option<Option<String>>,
    disableatt: Option<bool>,
}

impl Change {
    /// All but who it is.
    fn read(input: &mut Input<'_>) -> Change {
        input.require(&["resign_date"]);
        input.require(&["resign_type"]);
        let resign_on = input.date("resign_date");
        if resign_on == Some(None) {
            input.problem("resign_date", t!("This field may not be null."));
        }
        let resign_type = input
            .integer("resign_type", i64::MIN, i64::MAX, false)
            .flatten();
        if let Some(given) = resign_type.filter(|given| !TYPES.contains(given)) {
            input.problem(
                "resign_type",
                t!("\"{value}\" is not a valid choice.", value = given),
            );
        }
        Change {
            employee: None,
            resign_on: resign_on.flatten(),
            report_generation_end_on: input.date("report_generation_end_date").flatten(),
            resign_type,
            reason: input.text("reason", REASON),
            disableatt: input.boolean("disableatt"),
        }
    }
}

const NAMES: &[&str] = &["employee", "emp_code", "employees"];

impl Writable for Resignation {
    const INPUT: &'static [Member] = &[
        Member::new(
            "employee",
            Kind::Reference,
            "Code or id; stays as it is in an update.",
        )
        .required(),
        Member::new(
            "resign_date",
            Kind::Date,
            "The employment ends on this day; it may lie ahead.",
        )
        .required(),
        Member::new("resign_type", Kind::Integer, "1 to 5.").required(),
        Member::new(
            "report_generation_end_date",
            Kind::Date,
            "The resign_date unless given.",
        ),
        Member::new("reason", Kind::Text, "Up to 500 letters."),
        Member::new("disableatt", Kind::Boolean, ""),
    ];

    const LABELS: &'static [(&'static str, &'static str)] =
        &[("employee", "emp_code"), ("employee_code", "emp_code")];

    type Change = Change;

    async fn check(
        app: &App,
        caller: &Caller,
        _known: &Known,
        body: &Body,
        stored: Option<&Row>,
    ) -> Result<Change> {
        let mut input = Input::new(body, stored.is_none());
        let mut employee = None;
        if stored.is_none() {
            input.require(NAMES);
            if let Some((name, value)) = input.value(NAMES) {
                match resource::named::<Employee>(app, caller, name, value).await? {
                    Ok(row) => {
                        if has_resigned(app, row.id).await? {
                            input.problems.push(taken());
                        }
                        employee = Some((row.id, row.emp_code));
                    }
                    Err(problem) => input.problems.push(problem),
                }
            }
        }
        let change = Change::read(&mut input);
        input.settle()?;
        Ok(Change { employee, ..change })
    }

    async fn store(
        app: &App,
        tx: &mut Writing,
        caller: &Caller,
        change: Change,
        stored: Option<Row>,
    ) -> Result<i64> {
        match stored {
            None => add(app, tx, caller, change).await,
            Some(stored) => {
                change_stored(app, tx, caller, change, &stored).await?;
                Ok(stored.id)
            }
        }
    }

    async fn prepare(app: &App, tx: &mut Writing) -> Result<()> {
        Ok(writing::people_in_order(tx, &app.company.id).await?)
    }

    async fn show_saved(_app: &App, caller: &Caller, row: Row) -> Result<Value> {
        Ok(json!({
            "id": row.id,
            "resign_date": row.resign_on.to_string(),
            "report_generation_end_date": row.report_generation_end_on.to_string(),
            "resign_type": row.resign_type,
            "reason": row.reason,
            "disableatt": caller.profile.flag(row.disableatt),
            "employee": caller.profile.person_id(row.employee_id),
        }))
    }
}

/// What a search looks into besides who it is.
fn searched(reason: Option<&str>) -> String {
    search_text([reason.unwrap_or_default()])
}

/// Writes that for resignations that have it not yet, being older.
pub async fn complete_searches(app: &App) -> Result<()> {
    let due: Vec<(i64, Option<String>)> = app
        .store
        .all(&Sql::new(
            "SELECT id, reason FROM resignation WHERE search_text IS NULL",
            [],
        ))
        .await?;
    if due.is_empty() {
        return Ok(());
    }
    let mut tx = app.store.write().await?;
    for (id, reason) in due {
        tx.run(&Sql::new(
            "UPDATE resignation SET search_text = $2 WHERE id = $1 AND search_text IS NULL",
            [id.into(), searched(reason.as_deref()).into()],
        ))
        .await?;
    }
    Ok(tx.commit().await?)
}

fn taken() -> Problem {
    Problem::new(
        "employee",
        t!("resignation with this employee already exists."),
    )
}

async fn has_resigned(app: &App, employee_id: i64) -> Result<bool> {
    let open: Option<(i64,)> = app
        .store
        .find(&Sql::new(
            "SELECT id FROM resignation WHERE employee_id = $1 AND ended_at IS NULL",
            [employee_id.into()],
        ))
        .await?;
    Ok(open.is_some())
}

async fn add(app: &App, tx: &mut Writing, caller: &Caller, change: Change) -> Result<i64> {
    let now = app.clock.now();
    let (Some((employee_id, emp_code)), Some(resign_on), Some(resign_type)) =
        (change.employee, change.resign_on, change.resign_type)
    else {
        return Err(Error::Internal(anyhow::anyhow!(
            "a resignation was not checked"
        )));
    };
    let there: Option<(Option<i64>,)> = tx
        .find(&Sql::new(
            "SELECT r.id FROM employee AS e LEFT JOIN resignation AS r ON r.employee_id = e.id AND r.ended_at IS NULL \
             WHERE e.id = $1",
            [employee_id.into()],
        ))
        .await?;
    match there {
        // Removed a moment ago.
        None => {
            return Err(Error::NoSuch {
                code: Resignation::ABSENT,
            });
        }
        Some((Some(_),)) => return Err(Error::Invalid(vec![taken()])),
        Some((None,)) => {}
    }
    let disableatt = change.disableatt.unwrap_or(false);
    let mut columns = Columns::default();
    columns.set("company_id", app.company.id.clone());
    columns.set("employee_id", employee_id);
    columns.set("resign_on", resign_on);
    columns.set(
        "report_generation_end_on",
        change.report_generation_end_on.unwrap_or(resign_on),
    );
    columns.set("resign_type", resign_type);
    let reason = change.reason.flatten();
    columns.set("search_text", searched(reason.as_deref()));
    columns.set("reason", reason);
    columns.set("disableatt", disableatt);
    columns.set("created_at", now);
    columns.set("changed_at", now);
    let inserted: Result<(i64,), _> = tx.one(&columns.insert("resignation")).await;
    let (id,) = inserted.map_err(|error| {
        if error.is_duplicate() {
            Error::Invalid(vec![taken()])
        } else {
            error.into()
        }
    })?;
    let row: Row = tx.one(&resource::by_id::<Resignation>(app, id)).await?;
    let deed = Deed {
        action: "create",
        thing: Resignation::NAME,
        thing_id: emp_code,
        after: Some(row.audited()),
        ..Deed::default()
    };
    audit::write(tx, now, caller, deed).await?;
    take_effect(app, tx, caller, &[(&row, row.state(app))]).await?;
    Ok(id)
}

async fn change_stored(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    change: Change,
    stored: &Row,
) -> Result<()> {
    let now = app.clock.now();
    let mut columns = Columns::default();
    if let Some(on) = change.resign_on {
        columns.set("resign_on", on);
    }
    if let Some(on) = change.report_generation_end_on {
        columns.set("report_generation_end_on", on);
    }
    if let Some(resign_type) = change.resign_type {
        columns.set("resign_type", resign_type);
    }
    if let Some(reason) = change.reason {
        columns.set("search_text", searched(reason.as_deref()));
        columns.set("reason", reason);
    }
    if let Some(disableatt) = change.disableatt {
        columns.set("disableatt", disableatt);
    }
    columns.set("changed_at", now);
    tx.run(&columns.update("resignation", stored.id)).await?;
    let row: Option<Row> = tx
        .find(&resource::by_id::<Resignation>(app, stored.id))
        .await?;
    let Some(row) = row else {
        return Err(Error::NoSuch {
            code: Resignation::ABSENT,
        });
    };
    let deed = Deed {
        action: "update",
        thing: Resignation::NAME,
        thing_id: row.emp_code.clone(),
        before: Some(stored.audited()),
        after: Some(row.audited()),
    };
    audit::write(tx, now, caller, deed).await?;
    take_effect(app, tx, caller, &[(&row, row.state(app))]).await
}

/// The employees are what their resignations make of them; their terminals are told. Nobody returns whose
/// card is another's by now.
async fn take_effect(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    rows: &[(&Row, i16)],
) -> Result<()> {
    for (row, status) in rows {
        employee::set_status(app, tx, row.employee_id, *status).await?;
    }
    let returned: Vec<i64> = rows
        .iter()
        .filter(|(_, status)| *status == employee::VALID)
        .map(|(row, _)| row.employee_id)
        .collect();
    let problems = employee::returned(tx, &returned).await?;
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let codes: Vec<&str> = rows.iter().map(|(row, _)| row.emp_code.as_str()).collect();
    sync::concerns(app, tx, caller, &codes).await?;
    // Who has resigned is at no staff door any more.
    tx.after_commit(|app| app.accounts.forget());
    Ok(())
}

/// How a resignation is taken back.
#[derive(Debug, Clone, Copy)]
enum End {
    /// The person comes back: it is history.
    Rehire,
    /// It was a mistake: it never was.
    Delete,
}

/// The employees are there again.
async fn end(app: &App, tx: &mut Writing, caller: &Caller, rows: &[Row], how: End) -> Result<()> {
    let now = app.clock.now();
    writing::people_in_order(tx, &app.company.id).await?;
    let mut ended = Vec::with_capacity(rows.len());
    for row in rows {
        let end = match how {
            End::Rehire => Sql::new(
                "UPDATE resignation SET ended_at = $2, changed_at = $2 WHERE id = $1 AND ended_at IS NULL",
                [row.id.into(), now.into()],
            ),
            End::Delete => Sql::new(
                "DELETE FROM resignation WHERE id = $1 AND ended_at IS NULL",
                [row.id.into()],
            ),
        };
        // Somebody else ended it a moment ago, and there may be another since.
        if tx.run(&end).await? == 0 {
            continue;
        }
        let deed = Deed {
            action: match how {
                End::Rehire => "rehire",
                End::Delete => "delete",
            },
            thing: Resignation::NAME,
            thing_id: row.emp_code.clone(),
            before: Some(row.audited()),
            ..Deed::default()
        };
        audit::write(tx, now, caller, deed).await?;
        ended.push((row, employee::VALID));
    }
    take_effect(app, tx, caller, &ended).await
}

impl Removable for Resignation {
    async fn remove(
        app: &App,
        tx: &mut Writing,
        caller: &Caller,
        rows: Vec<Row>,
    ) -> Result<Vec<Problem>> {
        end(app, tx, caller, &rows, End::Delete).await?;
        Ok(Vec::new())
    }
}

/// A resignation of somebody, taken back or not.
#[derive(Debug, sqlx::FromRow)]
pub struct Past {
    pub resign_on: NaiveDate,
    pub resign_type: i16,
    pub reason: Option<String>,
    ended_at: Option<DateTime<Utc>>,
    /// The day it was taken back.
    #[sqlx(skip)]
    pub ended_on: Option<NaiveDate>,
}

/// All resignations of an employee, the newest first, with those that are no more.
pub async fn history(app: &App, employee_id: i64) -> Result<Vec<Past>> {
    let mut all: Vec<Past> = app
        .store
        .all(&Sql::new(
            "SELECT resign_on, resign_type, reason, ended_at FROM resignation \
             WHERE employee_id = $1 ORDER BY resign_on DESC, id DESC",
            [employee_id.into()],
        ))
        .await?;
    for past in &mut all {
        let ended = past.ended_at.map(|at| at.with_timezone(&app.zone));
        past.ended_on = ended.map(|at| at.date_naive());
    }
    Ok(all)
}

/// Those whose day has come while nobody did anything.
pub async fn turn_of_the_day(app: &App) -> Result<()> {
    let caller = Caller::system();
    let mut due = SelectStatement::new();
    Resignation::tables(&mut due);
    Resignation::columns(&mut due, app);
    due.and_where(col(column("resign_on")).lte(app.today()))
        .and_where(col(("employee", "status")).eq(employee::VALID));
    let seen: Vec<Row> = app.store.all(&due).await?;
    if seen.is_empty() {
        return Ok(());
    }
    let mut tx = Writing::begin(app).await?;
    writing::people_in_order(&mut tx, &app.company.id).await?;
    // Read again: somebody may have taken one back meanwhile.
    let rows: Vec<Row> = tx.all(&due).await?;
    let due: Vec<(&Row, i16)> = rows.iter().map(|row| (row, row.state(app))).collect();
    take_effect(app, &mut tx, &caller, &due).await?;
    for row in &rows {
        let deed = Deed {
            action: "resign",
            thing: Employee::NAME,
            thing_id: row.emp_code.clone(),
            after: audit::members(json!({ "status": row.state(app) })),
            ..Deed::default()
        };
        audit::write(&mut tx, app.clock.now(), &caller, deed).await?;
    }
    tx.commit(app).await
}

// ---- several at once --------------------------------------------------------------------------

/// The names under which employees are listed, and under which resignations are.
const PEOPLE: &[&str] = &["emp_code", "employees", "employee"];
const RESIGNATIONS: &[&str] = &["resigns", "object_codes", "object_ids"];

/// The resignations a body names, by employee or by their own ids.
async fn meant(app: &App, caller: &Caller, body: &Body) -> Result<Vec<Row>> {
    let by_employee = body.first_of(PEOPLE).is_some();
    let is_said = by_employee || body.first_of(RESIGNATIONS).is_some();
    if !is_said && caller.profile == Profile::EasyTimePro {
        return Err(resource::none_named::<Employee>(
            PEOPLE,
            t!("This field is required."),
        ));
    }
    if !by_employee {
        let several = resource::several::<Resignation>(app, caller, body, RESIGNATIONS).await?;
        return Ok(several.rows);
    }
    let people = resource::several::<Employee>(app, caller, body, PEOPLE).await?;
    let mut select = SelectStatement::new();
    Resignation::tables(&mut select);
    Resignation::columns(&mut select, app);
    select.and_where(
        col(column("employee_id")).is_in(people.rows.iter().map(|employee| employee.id)),
    );
    let rows: Vec<Row> = app.store.all(&select).await?;
    let problems: Vec<Problem> = people
        .rows
        .iter()
        .filter(|employee| !rows.iter().any(|row| row.employee_id == employee.id))
        .map(|employee| {
            let message = t!(
                "Employee {emp_code} has not resigned.",
                emp_code = employee.emp_code
            );
            Problem::new(people.field, message)
        })
        .collect();
    if problems.is_empty() {
        Ok(rows)
    } else {
        Err(Error::Invalid(problems))
    }
}

async fn rehire(call: Call) -> Result<Answer> {
    let (app, caller) = (&call.request.app, &call.caller);
    let rows = meant(app, caller, &call.request.body).await?;
    let mut tx = Writing::begin(app).await?;
    end(app, &mut tx, caller, &rows, End::Rehire).await?;
    tx.commit(app).await?;
    Ok(Answer::ok(&caller.profile.done()))
}

async fn disable_att(call: Call) -> Result<Answer> {
    let (app, caller) = (&call.request.app, &call.caller);
    let rows = meant(app, caller, &call.request.body).await?;
    let mut tx = Writing::begin(app).await?;
    writing::people_in_order(&mut tx, &app.company.id).await?;
    for row in &rows {
        let change = Change {
            disableatt: Some(true),
            ..Change::default()
        };
        change_stored(app, &mut tx, caller, change, row).await?;
    }
    tx.commit(app).await?;
    Ok(Answer::ok(&caller.profile.done()))
}

/// Several employees resign on one day, or none does.
async fn adjust_resign(call: Call) -> Result<Answer> {
    let (app, caller, body) = (&call.request.app, &call.caller, &call.request.body);
    let mut input = Input::new(body, true);
    let change = Change::read(&mut input);
    let people = match resource::several::<Employee>(app, caller, body, PEOPLE).await {
        Err(Error::Invalid(problems)) => {
            input.problems.extend(problems);
            return Err(Error::Invalid(input.problems));
        }
        people => people?,
    };
    input.settle()?;
    let mut tx = Writing::begin(app).await?;
    writing::people_in_order(&mut tx, &app.company.id).await?;
    let resigned = resigned_among(&mut tx, people.rows.iter().map(|row| row.id)).await?;
    if !resigned.is_empty() {
        let problems = resigned.iter().map(|emp_code| {
            Problem::new(
                people.field,
                t!(
                    "Employee {emp_code} has resigned already.",
                    emp_code = emp_code
                ),
            )
        });
        return Err(Error::Invalid(problems.collect()));
    }
    for employee in people.rows {
        let change = Change {
            employee: Some((employee.id, employee.emp_code)),
            ..change.clone()
        };
        add(app, &mut tx, caller, change).await?;
    }
    tx.commit(app).await?;
    Ok(Answer::ok(&caller.profile.done()))
}

/// The codes of those who have resigned already.
async fn resigned_among(tx: &mut Tx, ids: impl Iterator<Item = i64>) -> Result<Vec<String>> {
    let resigned: Vec<(String,)> = tx
        .all(&Sql::by_dialect(
            "SELECT e.emp_code FROM resignation AS r JOIN employee AS e ON e.id = r.employee_id \
             WHERE r.ended_at IS NULL AND r.employee_id IN (SELECT value FROM json_each($1)) ORDER BY e.id",
            "SELECT e.emp_code FROM resignation AS r JOIN employee AS e ON e.id = r.employee_id \
             WHERE r.ended_at IS NULL AND r.employee_id IN (SELECT jsonb_array_elements_text($1::jsonb)::bigint) \
             ORDER BY e.id",
            [json_list(ids)],
        ))
        .await?;
    Ok(resigned.into_iter().map(|(emp_code,)| emp_code).collect())
}

// ---- endpoints --------------------------------------------------------------------------------

const WHO: Member = Member::new(
    "emp_code",
    Kind::ReferenceList,
    "Employees by code or id: a list, one, or several with commas; also employees.",
);
const MEANT: &[Member] = &[
    WHO,
    Member::new(
        "resigns",
        Kind::ReferenceList,
        "Or the resignations themselves, by id.",
    ),
];
const RESIGN: &[Member] = &[
    WHO.required(),
    Member::new("resign_date", Kind::Date, "").required(),
    Member::new("resign_type", Kind::Integer, "1 to 5.").required(),
    Member::new(
        "report_generation_end_date",
        Kind::Date,
        "The resign_date unless given.",
    ),
    Member::new("reason", Kind::Text, ""),
    Member::new("disableatt", Kind::Boolean, ""),
];

pub fn endpoints() -> Vec<Endpoint> {
    let mut endpoints = vec![
        resource::list::<Resignation>(),
        resource::create::<Resignation>(),
        resource::read::<Resignation>(),
        resource::delete::<Resignation>(),
        resource::action::<Resignation>(),
        resource::export::<Resignation>(),
        resource::import::<Resignation>("import_resign"),
    ];
    endpoints.extend(resource::update::<Resignation>());
    let path = |name: &str| format!("{}{name}/", Resignation::PATH);
    let tag = Thing::Resignation;
    let right = Right::Change(Thing::Resignation);
    endpoints.push(resource::posted(
        &path("disable_att"),
        "Ends the attendance of resigned employees",
        tag,
        right,
        MEANT,
        disable_att,
    ));
    for name in ["rehire", "reinstatement"] {
        let summary = "Takes resigned employees back";
        endpoints.push(resource::posted(
            &path(name),
            summary,
            tag,
            right,
            MEANT,
            rehire,
        ));
    }
    for name in ["adjust_resign", "adjust_regsin"] {
        endpoints.push(resource::posted(
            &format!("{}{name}/", Employee::PATH),
            "Several employees resign",
            tag,
            right,
            RESIGN,
            adjust_resign,
        ));
    }
    endpoints
}
