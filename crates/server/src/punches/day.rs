//! One day's punches in figures: who came, who is still in, who was late, and how many there were each
//! hour. All of it goes by the terminals' clocks.

use crate::access::Scope;
use crate::app::App;
use crate::error::Result;
use crate::punches::recent::seen;
use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};
use muster_store::Dialect;
use sea_query::{Alias, Cond, Condition, Expr, ExprTrait, Order, Query, SelectStatement};

/// The states that say somebody left: out, to a break, overtime's end, to a meal.
const WAYS_OUT: [i16; 4] = [1, 2, 5, 8];

/// How many employees punched, whose last punch was no way out, and whose first one was late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct People {
    pub came: i64,
    pub inside: i64,
    pub late: i64,
}

/// Somebody's first punch.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct First {
    pub emp_code: String,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub first_local: NaiveDateTime,
}

/// The punches that carry the day's date.
pub fn of(day: NaiveDate) -> Condition {
    let at = || Expr::col(("punch", "punch_local"));
    let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN);
    Cond::all()
        .add(at().gte(midnight(day)))
        .add(at().lt(midnight(day + Days::new(1))))
}

/// Each employee's last punch of the day, with the time of the first.
fn lasts(scope: &Scope, day: NaiveDate) -> SelectStatement {
    let mut select = seen(scope);
    select
        .columns(["employee_id", "punch_state"].map(|column| ("punch", column)))
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

pub async fn people(
    app: &App,
    scope: &Scope,
    day: NaiveDate,
    late_after: NaiveTime,
) -> Result<People> {
    let select = Query::select()
        .expr_as(Expr::cust("COUNT(*)"), "came")
        .expr_as(
            count_if(Expr::col("punch_state").is_not_in(WAYS_OUT)),
            "inside",
        )
        .expr_as(
            count_if(Expr::col("first_local").gt(day.and_time(late_after))),
            "late",
        )
        .from_subquery(lasts(scope, day), "lasts")
        .and_where(Expr::col("place").eq(1_i64))
        .take();
    Ok(app.store.one(&select).await?)
}

/// Those whose first punch was after a time, the latest first.
pub async fn late(
    app: &App,
    scope: &Scope,
    day: NaiveDate,
    after: NaiveTime,
    most: u64,
) -> Result<Vec<First>> {
    let select = Query::select()
        .columns(["emp_code", "first_name", "last_name"].map(|column| ("employee", column)))
        .column(("lasts", "first_local"))
        .from_subquery(lasts(scope, day), "lasts")
        .inner_join(
            "employee",
            Expr::col(("employee", "id")).equals(("lasts", "employee_id")),
        )
        .and_where(Expr::col(("lasts", "place")).eq(1_i64))
        .and_where(Expr::col(("lasts", "first_local")).gt(day.and_time(after)))
        .order_by(("lasts", "first_local"), Order::Desc)
        .order_by(("employee", "emp_code"), Order::Asc)
        .limit(most)
        .take();
    Ok(app.store.all(&select).await?)
}

/// How many punches there were in each hour of the day.
pub async fn by_hour(app: &App, scope: &Scope, day: NaiveDate) -> Result<[i64; 24]> {
    let hour = match app.store.dialect() {
        Dialect::Sqlite => "CAST(strftime('%H', punch.punch_local) AS INTEGER)",
        Dialect::Postgres => "CAST(extract(hour FROM punch.punch_local) AS BIGINT)",
    };
    let mut select = seen(scope);
    select
        .expr(Expr::cust(hour))
        .expr(Expr::cust("COUNT(*)"))
        .cond_where(of(day))
        .add_group_by([Expr::cust(hour)]);
    let counts: Vec<(i64, i64)> = app.store.all(&select).await?;
    let mut hours = [0; 24];
    for (hour, count) in counts {
        if let Some(of_hour) = usize::try_from(hour)
            .ok()
            .and_then(|hour| hours.get_mut(hour))
        {
            *of_hour = count;
        }
    }
    Ok(hours)
}
