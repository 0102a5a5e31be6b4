//! The terminals a caller may see, as a person wants to see them: those that wait for somebody
//! first, then who is there, then who is silent.

use crate::access::Scope;
use crate::app::App;
use crate::config::Admission;
use crate::error::Result;
use crate::terminals::contact::NOT_AUTHORIZED;
use crate::terminals::inspection::DRIFTS_S;
use crate::terminals::roster::is_online;
use crate::terminals::terminal;
use chrono::{DateTime, TimeDelta, Utc};
use muster_store::Sql;
use sea_query::{Expr, ExprTrait, Query, SelectStatement};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Held: refused until somebody authorises it.
    Waiting,
    Online,
    Offline,
}

/// One terminal of the overview.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Overview {
    pub id: i64,
    pub sn: String,
    pub alias: String,
    pub area_id: i64,
    pub area_name: String,
    /// The model, as the terminal calls itself.
    pub terminal_name: Option<String>,
    pub fw_ver: Option<String>,
    /// Its own address, and the one its requests come from.
    pub ip_address: Option<String>,
    pub real_ip: Option<String>,
    heartbeat: i64,
    pub user_count: Option<i64>,
    pub fp_count: Option<i64>,
    pub face_count: Option<i64>,
    pub transaction_count: Option<i64>,
    pub last_activity_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    alarm: Option<String>,
    alarm_at: Option<DateTime<Utc>>,
}

/// An alarm is shown for so long, unless it is cancelled.
const ALARM_SHOWN: TimeDelta = TimeDelta::days(1);

impl Overview {
    pub fn state(&self, admission: Admission, now: DateTime<Utc>) -> State {
        let (area_id, heartbeat) = (self.area_id, self.heartbeat);
        state(admission, area_id, heartbeat, self.last_activity_at, now)
    }

    /// The same without what changes with every call, to see whether anything else did.
    pub fn without_contact(&self) -> Overview {
        Overview {
            last_activity_at: None,
            ..self.clone()
        }
    }

    /// What has gone off there of late, and when.
    pub fn alarm(&self, now: DateTime<Utc>) -> Option<(&str, DateTime<Utc>)> {
        let at = self.alarm_at.filter(|at| now - at < ALARM_SHOWN)?;
        Some((self.alarm.as_deref()?, at))
    }

    pub fn address(&self) -> Option<&str> {
        self.ip_address.as_deref().or(self.real_ip.as_deref())
    }
}

/// Whether a terminal there is held until somebody authorises it.
pub fn waits(admission: Admission, area_id: i64) -> bool {
    area_id == NOT_AUTHORIZED && admission != Admission::Open
}

fn state(
    admission: Admission,
    area_id: i64,
    heartbeat: i64,
    last_activity_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> State {
    if waits(admission, area_id) {
        return State::Waiting;
    }
    match last_activity_at {
        Some(at) if is_online(at, heartbeat, now) => State::Online,
        _ => State::Offline,
    }
}

/// As little of a terminal as its state takes.
#[derive(sqlx::FromRow)]
struct Seen {
    area_id: i64,
    heartbeat: i64,
    last_activity_at: Option<DateTime<Utc>>,
    clock_drift_s: Option<i64>,
}

/// The state of every terminal there is, and whether its clock is off.
pub async fn states(app: &App) -> Result<Vec<(State, bool)>> {
    let (now, admission) = (app.clock.now(), app.settings().terminals.admission);
    let all: Vec<Seen> = app
        .store
        .all(&Sql::new(
            "SELECT area_id, heartbeat, last_activity_at, clock_drift_s FROM terminal",
            [],
        ))
        .await?;
    let states = all.into_iter().map(|seen| {
        let is_off = seen
            .clock_drift_s
            .is_some_and(|drift_s| drift_s.abs() > DRIFTS_S);
        let (area_id, heartbeat) = (seen.area_id, seen.heartbeat);
        let state = state(admission, area_id, heartbeat, seen.last_activity_at, now);
        (state, is_off)
    });
    Ok(states.collect())
}

/// All terminals in the scope, in the order they are shown.
pub async fn list(app: &App, scope: &Scope) -> Result<Vec<(State, Overview)>> {
    let now = app.clock.now();
    let mut rows: Vec<(State, Overview)> = app
        .store
        .all::<Overview>(&select(scope))
        .await?
        .into_iter()
        .map(|row| (row.state(app.settings().terminals.admission, now), row))
        .collect();
    rows.sort_by(|(one_state, one), (other_state, other)| {
        (one_state, one.alias.to_lowercase(), &one.sn).cmp(&(
            other_state,
            other.alias.to_lowercase(),
            &other.sn,
        ))
    });
    Ok(rows)
}

/// One terminal, when it is in the scope.
pub async fn find(app: &App, scope: &Scope, id: i64) -> Result<Option<Overview>> {
    Ok(app
        .store
        .find(select(scope).and_where(Expr::col(("terminal", "id")).eq(id)))
        .await?)
}

fn select(scope: &Scope) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns(
            [
                "id",
                "sn",
                "alias",
                "area_id",
                "terminal_name",
                "fw_ver",
                "ip_address",
                "real_ip",
                "heartbeat",
                "user_count",
                "fp_count",
                "face_count",
                "transaction_count",
                "last_activity_at",
                "created_at",
                "alarm",
                "alarm_at",
            ]
            .map(|column| ("terminal", column)),
        )
        .column(("area", "area_name"))
        .from("terminal")
        .inner_join(
            "area",
            Expr::col(("area", "id")).equals(("terminal", "area_id")),
        )
        .cond_where(terminal::within(scope));
    select
}
