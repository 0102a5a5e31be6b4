//! Terminals looked at closely: what the server has of what one counts itself, and what came from it
//! last; and what is amiss with any of them.

use crate::access::Scope;
use crate::app::App;
use crate::error::Result;
use crate::resource::{Column, col};
use crate::resources::employee;
use crate::terminals::contact::NOT_AUTHORIZED;
use crate::terminals::people::BioKind;
use crate::terminals::terminal::{self, Row};
use chrono::{DateTime, NaiveDateTime, Utc};
use muster_store::Sql;
use sea_query::{Cond, Condition, Expr, ExprTrait, Order, SelectStatement};

/// More is not counted: who looks wants to see at once.
pub const MOST_COUNTED: i64 = 200_000;
/// Clocks that are further off are worth a word.
pub const DRIFTS_S: i64 = 60;
/// The last punch is looked for among so many of all terminals.
const LATEST: i64 = 200_000;

/// What is on the server for one terminal.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// The people who belong there today.
    pub people: i64,
    /// Their templates here: fingers, faces, finger veins, palms.
    pub fingers: i64,
    pub faces: i64,
    pub veins: i64,
    pub palms: i64,
    /// Its punches here, at most [`MOST_COUNTED`].
    pub punches: i64,
    /// Of those, the ones of PINs that nobody has.
    pub unregistered: i64,
    /// Lines it sent that nobody could read.
    pub unread: i64,
    pub last_punch: Option<LastPunch>,
    /// Commands it was not given yet, and those it has not answered.
    pub queued: i64,
    pub sent: i64,
    /// Things of people on it, and those of them that it was told and has not confirmed.
    pub things: i64,
    pub on_their_way: i64,
    /// Things of people that it would not take.
    pub failed: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LastPunch {
    pub pin: String,
    pub punch_local: NaiveDateTime,
    pub punch_at: DateTime<Utc>,
    pub upload_at: DateTime<Utc>,
    pub clock_suspect: bool,
}

/// Who belongs there: the condition of `sync/compare.rs` for all people of one terminal.
fn belonging(app: &App, terminal: &Row) -> SelectStatement {
    let today = app.today();
    let mut select = SelectStatement::new();
    select
        .expr(col(("employee", "id")))
        .from("employee")
        .inner_join(
            "employee_area",
            col(("employee_area", "employee_id")).eq(col(("employee", "id"))),
        )
        .and_where(col(("employee_area", "area_id")).eq(terminal.area_id))
        .and_where(col(("employee_area", "area_id")).ne(NOT_AUTHORIZED))
        .and_where(col(("employee", "status")).eq(employee::VALID))
        .cond_where(either_null_or(("employee", "validity_start_on"), |day| {
            day.lte(today)
        }))
        .cond_where(either_null_or(("employee", "validity_end_on"), |day| {
            day.gte(today)
        }));
    select
}

fn either_null_or(column: Column, is_so: impl FnOnce(Expr) -> Expr) -> Condition {
    Cond::any()
        .add(col(column).is_null())
        .add(is_so(col(column)))
}

/// How many rows a statement has.
async fn count(app: &App, of: SelectStatement) -> Result<i64> {
    let mut select = SelectStatement::new();
    select
        .expr(Expr::cust("COUNT(*)"))
        .from_subquery(of, "counted");
    let (count,): (i64,) = app.store.one(&select).await?;
    Ok(count)
}

pub async fn inspect(app: &App, terminal: &Row) -> Result<Inspection> {
    let people = count(app, belonging(app, terminal)).await?;
    let biometric = |name: &'static str| col(("biometric", name));
    let mut distinct = SelectStatement::new();
    distinct
        .distinct()
        .expr(biometric("employee_id"))
        .expr(biometric("wire_type"))
        .expr(biometric("bio_no"))
        .from("biometric")
        .and_where(biometric("employee_id").in_subquery(belonging(app, terminal)));
    let mut select = SelectStatement::new();
    select
        .column("wire_type")
        .expr(Expr::cust("COUNT(*)"))
        .from_subquery(distinct, "templates")
        .group_by_col("wire_type");
    let templates: Vec<(i16, i64)> = app.store.all(&select).await?;
    let of = |kinds: &[BioKind]| {
        let is_of = |wire_type| {
            kinds
                .iter()
                .any(|kind| kind.wire_types().contains(wire_type))
        };
        let own = templates.iter().filter(|(wire_type, _)| is_of(wire_type));
        own.map(|(_, count)| count).sum()
    };
    let sn = || terminal.sn.clone().into();
    let (punches,): (i64,) = app
        .store
        .one(&Sql::new(
            "SELECT COUNT(*) FROM (SELECT 1 FROM punch WHERE terminal_sn = $1 AND event_index IS NULL \
                 UNION ALL SELECT 1 FROM punch WHERE terminal_sn = $1 AND event_index IS NOT NULL LIMIT $2) AS p",
            [sn(), MOST_COUNTED.into()],
        ))
        .await?;
    // What was made of a punch that was given to somebody is none of the terminal's.
    let (assigned,): (i64,) = app
        .store
        .one(&Sql::new(
            "SELECT COUNT(*) FROM punch_assignment AS a JOIN punch AS p ON p.id = a.punch_id WHERE p.terminal_sn = $1",
            [sn()],
        ))
        .await?;
    let punches = if punches < MOST_COUNTED {
        punches - assigned
    } else {
        punches
    };
    let (unregistered,): (i64,) = app
        .store
        .one(&Sql::new(
            "SELECT COUNT(*) FROM punch WHERE terminal_sn = $1 AND transaction_id IS NULL AND hidden_at IS NULL",
            [sn()],
        ))
        .await?;
    let (unread,): (i64,) = app
        .store
        .one(&Sql::new(
            "SELECT COUNT(*) FROM unread_line WHERE terminal_sn = $1",
            [sn()],
        ))
        .await?;
    let last_punch: Option<LastPunch> = app
        .store
        .find(&Sql::new(
            "SELECT pin, punch_local, punch_at, upload_at, clock_suspect FROM punch \
             WHERE id > (SELECT COALESCE(MAX(id), 0) FROM punch) - $2 AND terminal_sn = $1 \
                 AND NOT EXISTS (SELECT 1 FROM punch_assignment AS a WHERE a.punch_id = punch.id) \
             ORDER BY id DESC LIMIT 1",
            [sn(), LATEST.into()],
        ))
        .await?;
    let (queued, sent): (i64, i64) = app
        .store
        .one(&Sql::new(
            "SELECT COALESCE(SUM(CASE WHEN state = 'queued' THEN 1 ELSE 0 END), 0), \
                 COALESCE(SUM(CASE WHEN state = 'sent' THEN 1 ELSE 0 END), 0) \
             FROM terminal_command WHERE terminal_id = $1 AND state IN ('queued', 'sent')",
            [terminal.id.into()],
        ))
        .await?;
    let (things, on_their_way, failed): (i64, i64, i64) = app
        .store
        .one(&Sql::new(
            "SELECT COUNT(*), COUNT(told_command), \
                 COUNT(CASE WHEN failed_digest IS NOT NULL AND told_command IS NULL THEN 1 END) \
             FROM terminal_holding WHERE terminal_id = $1",
            [terminal.id.into()],
        ))
        .await?;
    Ok(Inspection {
        people,
        fingers: of(&[BioKind::Finger]),
        faces: of(&[BioKind::Face, BioKind::VisibleFace]),
        veins: of(&[BioKind::FingerVein]),
        palms: of(&[BioKind::Palm]),
        punches,
        unregistered,
        unread,
        last_punch,
        queued,
        sent,
        things,
        on_their_way,
        failed,
    })
}

/// A terminal with something amiss: a clock that is off, or a log that is nearly full.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Ailing {
    pub id: i64,
    pub sn: String,
    pub alias: String,
    pub clock_drift_s: Option<i64>,
    pub transaction_count: Option<i64>,
    pub transaction_capacity: Option<i64>,
}

impl Ailing {
    pub fn drifts(&self) -> bool {
        self.clock_drift_s
            .is_some_and(|drift| drift.abs() > DRIFTS_S)
    }

    pub fn is_nearly_full(&self) -> bool {
        let of = self.transaction_count.zip(self.transaction_capacity);
        of.is_some_and(|(count, room)| is_nearly_full(count, room))
    }
}

/// Nine tenths of the room are taken.
pub fn is_nearly_full(count: i64, room: i64) -> bool {
    room > 0 && count.saturating_mul(10) >= room.saturating_mul(9)
}

/// The authorised terminals with something amiss.
pub async fn amiss(app: &App, scope: &Scope) -> Result<Vec<Ailing>> {
    let of = |name: &'static str| col(("terminal", name));
    let mut select = SelectStatement::new();
    for name in [
        "id",
        "sn",
        "alias",
        "clock_drift_s",
        "transaction_count",
        "transaction_capacity",
    ] {
        select.expr(of(name));
    }
    select
        .from("terminal")
        .cond_where(terminal::within(scope))
        .cond_where(is_amiss())
        .order_by_expr(of("alias"), Order::Asc);
    Ok(app.store.all(&select).await?)
}

/// `Ailing::drifts` or `Ailing::is_nearly_full`, of a terminal that is authorised.
pub fn is_amiss() -> Condition {
    let of = |name: &'static str| col(("terminal", name));
    let room = || of("transaction_capacity");
    let drifts = Cond::any()
        .add(of("clock_drift_s").gt(DRIFTS_S))
        .add(of("clock_drift_s").lt(-DRIFTS_S));
    // Written so that no number a terminal reports is too large.
    let is_nearly_full = Cond::all()
        .add(room().gt(0_i64))
        .add(of("transaction_count").gte(room().sub(room().div(10_i64))));
    Cond::all()
        .add(of("area_id").ne(NOT_AUTHORIZED))
        .add(drifts.add(is_nearly_full))
}
