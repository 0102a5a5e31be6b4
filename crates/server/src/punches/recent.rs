//! The latest punches a caller may see, with the names of those who punched.

use crate::access::Scope;
use crate::app::App;
use crate::error::Result;
use crate::punches::photo::Shot;
use crate::punches::punch;
use crate::resources::employee;
use chrono::{DateTime, NaiveDateTime, Utc};
use muster_store::Sql;
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};

#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Recent {
    /// Rises with every punch that becomes durable.
    pub id: i64,
    pub transaction_id: Option<i64>,
    pub pin: String,
    pub employee_id: Option<i64>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    /// The terminal's wall clock, and the instant it means.
    pub punch_local: NaiveDateTime,
    pub punch_at: DateTime<Utc>,
    pub punch_state: i16,
    pub verify_type: i16,
    pub terminal_id: Option<i64>,
    pub terminal_sn: String,
    pub terminal_alias: Option<String>,
    /// The employee has a photo.
    pub has_photo: bool,
    /// The terminal's clock could not be believed.
    pub clock_suspect: bool,
    pub upload_at: DateTime<Utc>,
}

impl Recent {
    /// First and last name, when the PIN is an employee's that has one.
    pub fn name(&self) -> Option<String> {
        let name = employee::name(self.first_name.as_deref(), self.last_name.as_deref());
        Some(name).filter(|name| !name.is_empty())
    }

    pub fn shot(&self) -> Shot<'_> {
        Shot {
            punch_id: self.id,
            terminal_sn: &self.terminal_sn,
            pin: &self.pin,
            punch_local: self.punch_local,
        }
    }
}

/// The latest punches of an area, or of who does not see all, are looked for among so many ids.
const LATEST: i64 = 200_000;

/// At most `most` punches, of terminals in some areas or in all, that came after punch `after`, the newest first.
pub async fn since(
    app: &App,
    scope: &Scope,
    areas: Option<&[i64]>,
    after: i64,
    most: u64,
) -> Result<Vec<Recent>> {
    let mut select = newest_first(scope, areas, most);
    select.and_where(Expr::col(("punch", "id")).gt(after));
    if areas.is_some() || *scope != Scope::default() {
        let (newest,): (Option<i64>,) = app
            .store
            .one(&Sql::new("SELECT MAX(id) FROM punch", []))
            .await?;
        let id = Expr::col(("punch", "id"));
        select.and_where(id.gt(newest.unwrap_or(0) - LATEST));
    }
    Ok(app.store.all(&select).await?)
}

/// Some punches again, those of them that are seen.
pub async fn again(
    app: &App,
    scope: &Scope,
    areas: Option<&[i64]>,
    ids: impl IntoIterator<Item = i64>,
    most: u64,
) -> Result<Vec<Recent>> {
    let mut select = newest_first(scope, areas, most);
    select.and_where(Expr::col(("punch", "id")).is_in(ids));
    Ok(app.store.all(&select).await?)
}

fn newest_first(scope: &Scope, areas: Option<&[i64]>, most: u64) -> SelectStatement {
    let mut select = seen_in(scope, areas);
    select
        .columns(
            [
                "id",
                "transaction_id",
                "pin",
                "employee_id",
                "punch_local",
                "punch_at",
                "punch_state",
                "verify_type",
                "terminal_id",
                "terminal_sn",
                "terminal_alias",
                "clock_suspect",
                "upload_at",
            ]
            .map(|column| ("punch", column)),
        )
        .columns(["first_name", "last_name"].map(|column| ("employee", column)))
        .expr_as(
            Expr::cust(
                "EXISTS (SELECT 1 FROM employee_photo WHERE employee_id = punch.employee_id)",
            ),
            "has_photo",
        )
        .order_by(("punch", "id"), Order::Desc)
        .limit(most);
    select
}

/// The punches within a scope, with those who punched; of terminals in some areas, when it is those alone.
pub(super) fn seen_in(scope: &Scope, areas: Option<&[i64]>) -> SelectStatement {
    let mut select = Query::select();
    select
        .from("punch")
        .left_join(
            "employee",
            Expr::col(("employee", "id")).equals(("punch", "employee_id")),
        )
        .and_where(Expr::col(("punch", "hidden_at")).is_null())
        .cond_where(punch::within(scope));
    if let Some(areas) = areas {
        select.and_where(Expr::col(("punch", "area_id")).is_in(areas.iter().copied()));
    }
    select
}
