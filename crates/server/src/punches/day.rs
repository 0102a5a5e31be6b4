//! One day's punches: who came, who is still in, who was late, who has not come, and how many there were
//! each hour. All of it goes by the terminals' clocks.

use crate::access::{Caller, Scope};
use crate::app::App;
use crate::error::Result;
use crate::extract::Query as Asked;
use crate::punches::recent::seen;
use crate::resource::{Resource, Selection};
use crate::resources::employee::{self, Employee};
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use muster_store::Dialect;
use sea_query::{Alias, Asterisk, Cond, Condition, Expr, ExprTrait, Order, Query, SelectStatement};

/// The states that say somebody left: out, to a break, overtime's end, to a meal.
const WAYS_OUT: [i16; 4] = [1, 2, 5, 8];

/// How many employees punched, whose last punch was no way out, and whose first one was late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct People {
    pub came: i64,
    pub inside: i64,
    pub late: i64,
}

/// Which people are looked at: of a department, of an area, by codes or ids as lists are asked. Nothing: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Among {
    pub department: Option<String>,
    pub area: Option<String>,
}

impl Among {
    fn asked(&self) -> Asked {
        let asked = [("department", &self.department), ("area", &self.area)];
        let asked = asked
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.clone()?)));
        Asked::from_pairs(asked)
    }

    /// The same of joined employees.
    fn condition(&self, app: &App) -> Result<Condition> {
        let mut condition = Cond::all();
        for (name, value) in [("department", &self.department), ("area", &self.area)] {
            if let Some(value) = value {
                condition = condition.add(Employee::special(app, name, value)?);
            }
        }
        Ok(condition)
    }
}

/// Which of those who punched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Came,
    Inside,
    Late,
}

/// Somebody's day: the first and the last punch, and where the last was.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Present {
    pub employee_id: i64,
    pub pin: String,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub dept_name: Option<String>,
    /// The first punch and the last, by the terminals' clocks and as instants.
    pub first_local: NaiveDateTime,
    pub first_at: DateTime<Utc>,
    pub punch_local: NaiveDateTime,
    pub punch_at: DateTime<Utc>,
    pub punch_state: i16,
    pub terminal_sn: String,
    pub terminal_alias: Option<String>,
}

/// Somebody who has not come.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Absent {
    pub id: i64,
    pub emp_code: String,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub dept_name: Option<String>,
}

/// A part of a list: so many are left out, so many are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    pub skipped: u64,
    pub most: u64,
}

/// The punches that carry the day's date.
pub fn of(day: NaiveDate) -> Condition {
    let at = || Expr::col(("punch", "punch_local"));
    let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN);
    Cond::all()
        .add(at().gte(midnight(day)))
        .add(at().lt(midnight(day + Days::new(1))))
}

/// Each employee's last punch of the day, some columns of it, with the time of the first.
fn lasts(scope: &Scope, day: NaiveDate, columns: &[&'static str]) -> SelectStatement {
    let mut select = seen(scope);
    select
        .columns(columns.iter().map(|column| ("punch", *column)))
        .expr_as(
            Expr::cust("MIN(punch.punch_local) OVER (PARTITION BY punch.employee_id)"),
            "first_local",
        )
        .expr_as(
            Expr::cust(
                "ROW_NUMBER() OVER (PARTITION BY punch.employee_id ORDER BY punch.punch_local DESC, punch.id DESC)",
            ),
            "place",
        )
        .cond_where(of(day))
        .and_where(Expr::col(("punch", "employee_id")).is_not_null());
    select
}

fn count_if(condition: Expr) -> Expr {
    Expr::expr(Expr::case(condition, 1_i64).finally(0_i64))
        .sum()
        .if_null(0_i64)
        .cast_as(Alias::new("BIGINT"))
}

impl Which {
    /// What is so of the last punch of each.
    fn is(self, late_after: NaiveDateTime) -> Option<Expr> {
        match self {
            Which::Came => None,
            Which::Inside => Some(Expr::col("punch_state").is_not_in(WAYS_OUT)),
            Which::Late => Some(Expr::col("first_local").gt(late_after)),
        }
    }
}

pub async fn people(
    app: &App,
    scope: &Scope,
    day: NaiveDate,
    late_after: NaiveTime,
    among: &Among,
) -> Result<People> {
    let mut lasts = lasts(scope, day, &["employee_id", "punch_state"]);
    lasts.cond_where(among.condition(app)?);
    let after = day.and_time(late_after);
    let count = |which: Which| {
        which
            .is(after)
            .map_or_else(|| Expr::cust("COUNT(*)"), count_if)
    };
    let select = Query::select()
        .expr_as(count(Which::Came), "came")
        .expr_as(count(Which::Inside), "inside")
        .expr_as(count(Which::Late), "late")
        .from_subquery(lasts, "lasts")
        .and_where(Expr::col("place").eq(1_i64))
        .take();
    Ok(app.store.one(&select).await?)
}

/// Some of those who punched: by their codes, those who came late the latest first.
pub async fn present(
    app: &App,
    scope: &Scope,
    day: NaiveDate,
    late_after: NaiveTime,
    among: &Among,
    which: Which,
    part: Part,
) -> Result<Vec<Present>> {
    const COLUMNS: [&str; 7] = [
        "employee_id",
        "pin",
        "punch_local",
        "punch_at",
        "punch_state",
        "terminal_sn",
        "terminal_alias",
    ];
    let sort = |select: &mut SelectStatement, table: &'static str| {
        if which == Which::Late {
            select.order_by((table, "first_local"), Order::Desc);
        }
        select
            .order_by((table, "pin"), Order::Asc)
            .order_by((table, "employee_id"), Order::Asc);
    };
    let mut lasts = lasts(scope, day, &COLUMNS);
    lasts.cond_where(among.condition(app)?).expr_as(
        Expr::cust(
            "FIRST_VALUE(punch.punch_at) OVER (PARTITION BY punch.employee_id ORDER BY punch.punch_local, punch.id)",
        ),
        "first_at",
    );
    let mut page = Query::select();
    page.columns(COLUMNS.map(|column| ("lasts", column)))
        .columns(["first_local", "first_at"].map(|column| ("lasts", column)))
        .from_subquery(lasts, "lasts")
        .and_where(Expr::col("place").eq(1_i64))
        .offset(part.skipped)
        .limit(part.most);
    if let Some(is_so) = which.is(day.and_time(late_after)) {
        page.and_where(is_so);
    }
    sort(&mut page, "lasts");
    // Whoever is on another page is not looked up.
    let mut select = Query::select();
    select
        .column(("page", Asterisk))
        .columns(["first_name", "last_name"].map(|column| ("employee", column)))
        .column(("department", "dept_name"))
        .from_subquery(page, "page")
        .left_join(
            "employee",
            Expr::col(("employee", "id")).equals(("page", "employee_id")),
        )
        .left_join(
            "department",
            Expr::col(("department", "id")).equals(("employee", "department_id")),
        );
    sort(&mut select, "page");
    Ok(app.store.all(&select).await?)
}

/// Whoever punched that day, at whatever terminal: also at one that a caller does not see, for nobody is
/// said to be away who is not.
fn punched(day: NaiveDate) -> SelectStatement {
    Query::select()
        .column(("punch", "employee_id"))
        .from("punch")
        .cond_where(of(day))
        .and_where(Expr::col(("punch", "hidden_at")).is_null())
        .and_where(Expr::col(("punch", "employee_id")).is_not_null())
        .take()
}

/// Those of a caller's people who are employed.
fn employed(app: &App, caller: &Caller) -> SelectStatement {
    Query::select()
        .from("employee")
        .cond_where(Employee::visible(caller, app))
        .and_where(Expr::col(("employee", "status")).eq(employee::VALID))
        .take()
}

/// How many are employed and have not punched.
pub async fn absent_count(
    app: &App,
    caller: &Caller,
    day: NaiveDate,
    among: &Among,
) -> Result<i64> {
    let all = Selection::read::<Employee>(app, caller, &mut among.asked()).await?;
    let all = all.count::<Employee>(app).await?;
    let mut select = employed(app, caller);
    select
        .expr(Expr::cust("COUNT(*)"))
        .cond_where(among.condition(app)?)
        .and_where(Expr::col(("employee", "id")).in_subquery(punched(day)));
    let (came,): (i64,) = app.store.one(&select).await?;
    // Somebody may have left between the two looks.
    Ok(Ord::max(all - came, 0))
}

/// Some of those who are employed and have not punched, by their codes.
pub async fn absent(
    app: &App,
    caller: &Caller,
    day: NaiveDate,
    among: &Among,
    part: Part,
) -> Result<Vec<Absent>> {
    let mut select = employed(app, caller);
    select
        .columns(["id", "emp_code", "first_name", "last_name"].map(|column| ("employee", column)))
        .column(("department", "dept_name"))
        .left_join(
            "department",
            Expr::col(("department", "id")).equals(("employee", "department_id")),
        )
        .cond_where(among.condition(app)?)
        .and_where(Expr::col(("employee", "id")).not_in_subquery(punched(day)))
        .order_by(("employee", "emp_code"), Order::Asc)
        .offset(part.skipped)
        .limit(part.most);
    Ok(app.store.all(&select).await?)
}

/// How many punches there were in each hour of the day, and how many of them employees made.
pub async fn by_hour(app: &App, scope: &Scope, day: NaiveDate) -> Result<[[i64; 2]; 24]> {
    let hour = match app.store.dialect() {
        Dialect::Sqlite => "CAST(strftime('%H', punch.punch_local) AS INTEGER)",
        Dialect::Postgres => "CAST(extract(hour FROM punch.punch_local) AS BIGINT)",
    };
    let mut select = seen(scope);
    select
        .expr(Expr::cust(hour))
        .expr(Expr::cust("COUNT(*)"))
        .expr(Expr::cust("COUNT(punch.transaction_id)"))
        .cond_where(of(day))
        .add_group_by([Expr::cust(hour)]);
    let counts: Vec<(i64, i64, i64)> = app.store.all(&select).await?;
    let mut hours = [[0; 2]; 24];
    for (hour, punches, transactions) in counts {
        if let Some(of_hour) = usize::try_from(hour)
            .ok()
            .and_then(|hour| hours.get_mut(hour))
        {
            *of_hour = [punches, transactions];
        }
    }
    Ok(hours)
}
