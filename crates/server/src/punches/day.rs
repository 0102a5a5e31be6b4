//! One day's punches: who came, who is still in, who was late, who has not come, and how many there were
//! each hour. All of it goes by the terminals' clocks, and their zones say what day it is there. A day that
//! is looked at is kept, and gone on with by the punches that come.

use crate::access::{Caller, Scope};
use crate::app::App;
use crate::error::Result;
use crate::extract::Query as Asked;
use crate::punches::punch::{self, Counted};
use crate::punches::recent::seen_in;
use crate::relation::DEPARTMENT;
use crate::resource::{Resource, Selection};
use crate::resources::employee::{self, Employee};
use crate::terminals::zone::Zone;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc};
use moka::future::Cache;
use muster_store::{Dialect, Sql};
use sea_query::{Cond, Condition, Expr, ExprTrait, Func, Order, Query, SelectStatement, UnionType};
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::iter;
use std::sync::{Arc, RwLock};
use std::time::Duration;
use tokio::sync::Mutex;

/// The states that say somebody left: out, to a break, overtime's end, to a meal.
const WAYS_OUT: [i16; 4] = [1, 2, 5, 8];
/// Those that say somebody came: in, from a break, to overtime, from a meal.
const WAYS_IN: [i16; 4] = [0, 3, 4, 9];

/// Whoever said before midnight that he came, and nothing since, is in for so long after that.
const NIGHT: TimeDelta = TimeDelta::hours(12);

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
        if let Some(value) = &self.department {
            condition = condition.add(DEPARTMENT.any_of(("employee", "department_id"), value));
        }
        if let Some(value) = &self.area {
            condition = condition.add(Employee::special(app, "area", value)?);
        }
        Ok(condition)
    }
}

/// Which of those who punched: all, those whose last punch was no way out, those whose first one was late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Came,
    Inside,
    Late,
}

/// Somebody's day: the first and the last punch, and where the last was.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    let midnight = day.and_time(NaiveTime::MIN);
    since(midnight, day)
}

/// Those, and the ones before from that time on.
fn since(starts: NaiveDateTime, day: NaiveDate) -> Condition {
    let at = || Expr::col(("punch", "punch_local"));
    let ends = day.and_time(NaiveTime::MIN) + TimeDelta::days(1);
    Cond::all().add(at().gte(starts)).add(at().lt(ends))
}

/// A punch, as far as the figures of a day need it.
#[derive(sqlx::FromRow)]
struct Seen {
    id: i64,
    employee_id: Option<i64>,
    pin: String,
    punch_local: NaiveDateTime,
    punch_at: DateTime<Utc>,
    punch_state: i16,
    is_transaction: bool,
}

/// When a punch was, and which: of two at one time the later id is the later one.
type Moment = (NaiveDateTime, i64);

/// Somebody's day.
#[derive(Clone)]
struct Person {
    id: i64,
    first: Moment,
    first_state: i16,
    last: Moment,
    /// Of the last punch.
    last_at: DateTime<Utc>,
    state: i16,
    pin: String,
}

/// The punches of a day, gone through once.
#[derive(Clone, Default)]
struct Gathered {
    people: HashMap<i64, Person>,
    /// Of the evening before, as far as that is looked at.
    before: HashMap<i64, Person>,
    /// How many punches there were in each hour, and how many of them employees made.
    hours: [[i64; 2]; 24],
}

impl Gathered {
    fn take_in(&mut self, looked: &Looked, punches: Vec<Seen>) {
        for seen in punches {
            let date = looked.date_where(&seen);
            let midnight = date.and_time(NaiveTime::MIN);
            let people = if seen.punch_local.date() == date {
                let [punches, transactions] = &mut self.hours[seen.punch_local.hour() as usize];
                *punches += 1;
                *transactions += i64::from(seen.is_transaction);
                &mut self.people
            } else if (midnight - NIGHT..midnight).contains(&seen.punch_local) {
                &mut self.before
            } else {
                // Of a day that is over there, or has not begun.
                continue;
            };
            let Some(id) = seen.employee_id else {
                continue;
            };
            let at = (seen.punch_local, seen.id);
            match people.entry(id) {
                Entry::Occupied(mut entry) => entry.get_mut().punched(at, seen),
                Entry::Vacant(entry) => {
                    entry.insert(Person {
                        id,
                        first: at,
                        first_state: seen.punch_state,
                        last: at,
                        last_at: seen.punch_at,
                        state: seen.punch_state,
                        pin: seen.pin,
                    });
                }
            }
        }
    }

    /// How many punches there were.
    fn count(&self) -> i64 {
        self.hours.iter().map(|[punches, _]| punches).sum()
    }
}

/// What is kept of a day: which day, within which scope, of terminals in which areas.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Looked {
    /// In the server's zone.
    date: NaiveDate,
    /// Empty, unless it is another date in a terminal's zone: how many minutes each zone is from UTC now, the server's
    /// first, and the date there.
    dates: Vec<(i32, NaiveDate)>,
    scope: Scope,
    areas: Option<Vec<i64>>,
}

/// How far it was gone through.
struct Kept {
    counted: Counted,
    gathered: Arc<Gathered>,
}

/// The days that somebody looks at. A punch is never changed but by what `punch_counter` counts, and ids become visible
/// in the order they rise: where nothing but the last id has risen, the punches after it are all that is new.
pub struct KeptDays {
    days: Cache<Looked, Arc<Mutex<Option<Kept>>>>,
    /// The terminals' zones as of an edition of the roster, which rises when one may have changed.
    zones: RwLock<Option<(u64, Arc<[Zone]>)>>,
}

impl Default for KeptDays {
    fn default() -> Self {
        KeptDays {
            days: Cache::builder()
                .max_capacity(100)
                .time_to_idle(Duration::from_secs(600))
                .build(),
            zones: RwLock::default(),
        }
    }
}

/// The zones that terminals stand in.
async fn zones(app: &App) -> Result<Arc<[Zone]>> {
    let edition = app.roster.edition();
    let kept = &app.days.zones;
    let known = kept.read().expect("nobody panics while holding it").clone();
    if let Some((of, zones)) = known
        && of == edition
    {
        return Ok(zones);
    }
    let rows: Vec<(i16, Option<String>)> = app
        .store
        .all(&Sql::new(
            "SELECT DISTINCT zone_offset_minutes, zone_name FROM terminal",
            [],
        ))
        .await?;
    let zones: Arc<[Zone]> = rows
        .into_iter()
        .map(|(minutes, name)| Zone {
            offset_minutes: minutes.into(),
            name: name.and_then(|name| name.parse().ok()),
        })
        .collect();
    *kept.write().expect("nobody panics while holding it") = Some((edition, zones.clone()));
    Ok(zones)
}

impl Looked {
    async fn today(app: &App, scope: &Scope, areas: Option<&[i64]>) -> Result<Looked> {
        let now = app.clock.now();
        let own = Zone::named(app.zone, now).offset_minutes;
        let zones = zones(app).await?;
        let zones: BTreeSet<i32> = zones.iter().map(|zone| zone.offset_at(now)).collect();
        let date = |east: i32| (now.naive_utc() + TimeDelta::minutes(east.into())).date();
        let dates = iter::once(own).chain(zones.into_iter().filter(|east| *east != own));
        let mut dates: Vec<(i32, NaiveDate)> = dates.map(|east| (east, date(east))).collect();
        let date = date(own);
        if dates.iter().all(|(_, there)| *there == date) {
            dates.clear();
        }
        Ok(Looked {
            date,
            dates,
            scope: scope.clone(),
            areas: areas.map(<[i64]>::to_vec),
        })
    }

    /// What date it is where somebody punched: in the zone that is nearest to the clock there.
    fn date_where(&self, seen: &Seen) -> NaiveDate {
        let east = (seen.punch_local - seen.punch_at.naive_utc()).num_minutes();
        let nearest = self
            .dates
            .iter()
            .min_by_key(|(zone, _)| (i64::from(*zone) - east).abs());
        nearest.map_or(self.date, |(_, date)| *date)
    }

    /// The first and the last date that it is anywhere.
    fn dates(&self) -> (NaiveDate, NaiveDate) {
        let dates = || self.dates.iter().map(|(_, date)| *date);
        (
            dates().fold(self.date, Ord::min),
            dates().fold(self.date, Ord::max),
        )
    }

    /// The punches that may be of today anywhere, or of the evening before.
    fn span(&self) -> Condition {
        let (first, last) = self.dates();
        since(first.and_time(NaiveTime::MIN) - NIGHT, last)
    }

    /// Whether who belongs to it is said by the punches alone. People change their departments.
    fn is_kept(&self) -> bool {
        self.scope.departments.is_none() && self.scope.employee.is_none()
    }

    async fn gathered(&self, app: &App) -> Result<Arc<Gathered>> {
        let kept = &app.days.days;
        let kept = kept.get_with(self.clone(), async { Arc::default() });
        let kept: Arc<Mutex<Option<Kept>>> = kept.await;
        // Who comes meanwhile waits for what this one reads.
        let mut kept = kept.lock().await;
        let counted = punch::counted(app).await?;
        let (after, mut gathered) = match kept.take() {
            Some(before) if counted.goes_on_from(&before.counted) => {
                (before.counted.last_id, before.gathered)
            }
            _ => (0, Arc::default()),
        };
        if after < counted.last_id {
            let id = || Expr::col(("punch", "id"));
            let ids = Cond::all()
                .add(id().gt(after))
                .add(id().lte(counted.last_id));
            let punches = self.punches(app, ids).await?;
            if !punches.is_empty() {
                Arc::make_mut(&mut gathered).take_in(self, punches);
            }
        }
        *kept = Some(Kept {
            counted,
            gathered: gathered.clone(),
        });
        Ok(gathered)
    }

    /// Of some punches alone, which are not kept.
    async fn gathered_of(&self, app: &App, condition: Condition) -> Result<Gathered> {
        let mut gathered = Gathered::default();
        gathered.take_in(self, self.punches(app, condition).await?);
        Ok(gathered)
    }

    async fn punches(&self, app: &App, condition: Condition) -> Result<Vec<Seen>> {
        let mut select = seen_in(&self.scope, self.areas.as_deref());
        select
            .columns(
                [
                    "id",
                    "employee_id",
                    "pin",
                    "punch_local",
                    "punch_at",
                    "punch_state",
                ]
                .map(|column| ("punch", column)),
            )
            .expr_as(
                Expr::col(("punch", "transaction_id")).is_not_null(),
                "is_transaction",
            )
            .cond_where(self.span())
            .cond_where(condition);
        Ok(app.store.all(&select).await?)
    }
}

/// How many punches of terminals in some areas, or in all, are of today; those a scope leaves.
pub async fn count_today(app: &App, scope: &Scope, areas: Option<&[i64]>) -> Result<i64> {
    let looked = Looked::today(app, scope, areas).await?;
    if looked.is_kept() {
        return Ok(looked.gathered(app).await?.count());
    }
    if !looked.dates.is_empty() {
        return Ok(looked.gathered_of(app, Cond::all()).await?.count());
    }
    let mut select = seen_in(scope, areas);
    select
        .expr(Func::count(Expr::col(("punch", "id"))))
        .cond_where(of(looked.date));
    let (count,): (i64,) = app.store.one(&select).await?;
    Ok(count)
}

/// Today's punches within a scope: all figures and lists come from here.
pub struct Day {
    looked: Looked,
    now: DateTime<Utc>,
    gathered: Arc<Gathered>,
    /// The same at all terminals, for a scope that has some alone: what somebody did at the others says whether he is in.
    everywhere: Option<Arc<Gathered>>,
}

impl Day {
    pub async fn read(app: &App, scope: &Scope, among: &Among) -> Result<Day> {
        let looked = Looked::today(app, scope, None).await?;
        let gathered = if looked.is_kept() && *among == Among::default() {
            looked.gathered(app).await?
        } else {
            Arc::new(looked.gathered_of(app, among.condition(app)?).await?)
        };
        let everywhere = if scope.areas.is_some() {
            let all = Looked {
                scope: Scope::default(),
                ..looked.clone()
            };
            Some(all.gathered(app).await?)
        } else {
            None
        };
        Ok(Day {
            looked,
            now: app.clock.now(),
            gathered,
            everywhere,
        })
    }

    /// The first and the last date that it is at any terminal; nearly always the same.
    pub fn dates(&self) -> (NaiveDate, NaiveDate) {
        self.looked.dates()
    }

    /// How many punches there were in each hour, and how many of them employees made.
    pub fn hours(&self) -> &[[i64; 2]; 24] {
        &self.gathered.hours
    }

    /// Who came before midnight, has not punched since and has not gone.
    fn since_before_midnight(&self) -> impl Iterator<Item = &Person> {
        let everywhere = self.everywhere.as_deref();
        let today = &everywhere.unwrap_or(&self.gathered).people;
        self.gathered.before.values().filter(move |person| {
            let at_all = everywhere.and_then(|all| all.before.get(&person.id));
            let at_all = at_all.unwrap_or(person);
            WAYS_IN.contains(&at_all.state)
                && at_all.last_at > self.now - NIGHT
                && !today.contains_key(&person.id)
        })
    }

    /// Who comes after that time is late.
    fn of(&self, which: Which, late_after: NaiveTime) -> impl Iterator<Item = &Person> {
        let night = (which == Which::Inside).then(|| self.since_before_midnight());
        let came = self.gathered.people.values();
        let everywhere = self.everywhere.as_deref();
        let came = came.filter(move |person| {
            let at_all = everywhere.and_then(|all| all.people.get(&person.id));
            let at_all = at_all.unwrap_or(person);
            match which {
                Which::Came => true,
                Which::Inside => at_all.is_inside(),
                Which::Late => at_all.is_late(late_after),
            }
        });
        came.chain(night.into_iter().flatten())
    }

    pub fn count(&self, which: Which, late_after: NaiveTime) -> i64 {
        i64::try_from(self.of(which, late_after).count()).unwrap_or(i64::MAX)
    }

    /// Some of those who punched: by their codes, those who came late the latest first.
    pub async fn present(
        &self,
        app: &App,
        which: Which,
        late_after: NaiveTime,
        part: Part,
    ) -> Result<Vec<Present>> {
        let mut people: Vec<&Person> = self.of(which, late_after).collect();
        people.sort_unstable_by(|a, b| {
            let by_code = (&a.pin, a.id).cmp(&(&b.pin, b.id));
            match which {
                Which::Late => b.first.0.time().cmp(&a.first.0.time()).then(by_code),
                Which::Came | Which::Inside => by_code,
            }
        });
        let whole = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let people = people
            .into_iter()
            .skip(whole(part.skipped))
            .take(whole(part.most));
        let people: Vec<&Person> = people.collect();
        let mut present = Vec::with_capacity(people.len());
        for some in people.chunks(TOGETHER) {
            let punches = self.punches(app, some).await?;
            present.extend(some.iter().filter_map(|person| person.shown(&punches)));
        }
        Ok(present)
    }

    /// The first and the last punches of these people, by their ids.
    async fn punches(&self, app: &App, people: &[&Person]) -> Result<HashMap<i64, Punch>> {
        let ids = people
            .iter()
            .flat_map(|person| [person.first.1, person.last.1]);
        let mut select = Query::select();
        select
            .columns(
                ["id", "punch_at", "terminal_sn", "terminal_alias"].map(|column| ("punch", column)),
            )
            .columns(["first_name", "last_name"].map(|column| ("employee", column)))
            .column(("department", "dept_name"))
            .from("punch")
            .left_join(
                "employee",
                Expr::col(("employee", "id")).equals(("punch", "employee_id")),
            )
            .left_join(
                "department",
                Expr::col(("department", "id")).equals(("employee", "department_id")),
            )
            // On PostgreSQL the day says in which part they lie.
            .cond_where(self.looked.span())
            .and_where(Expr::col(("punch", "id")).is_in(ids));
        let punches: Vec<Punch> = app.store.all(&select).await?;
        Ok(punches.into_iter().map(|punch| (punch.id, punch)).collect())
    }
}

/// People whose punches are looked up at once.
const TOGETHER: usize = 500;

/// What is shown of somebody's first or last punch.
#[derive(sqlx::FromRow)]
struct Punch {
    id: i64,
    punch_at: DateTime<Utc>,
    terminal_sn: String,
    terminal_alias: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    dept_name: Option<String>,
}

impl Person {
    fn is_inside(&self) -> bool {
        !WAYS_OUT.contains(&self.state)
    }

    /// Whose first punch is a way out came before midnight.
    fn is_late(&self, after: NaiveTime) -> bool {
        self.first.0.time() > after && !WAYS_OUT.contains(&self.first_state)
    }

    fn punched(&mut self, at: Moment, seen: Seen) {
        if at < self.first {
            self.first = at;
            self.first_state = seen.punch_state;
        }
        if at > self.last {
            self.last = at;
            self.last_at = seen.punch_at;
            self.state = seen.punch_state;
            self.pin = seen.pin;
        }
    }

    /// `None`: a punch of his was taken away a moment ago.
    fn shown(&self, punches: &HashMap<i64, Punch>) -> Option<Present> {
        let [first, last] = [self.first, self.last].map(|(_, id)| punches.get(&id));
        let (first, last) = (first?, last?);
        Some(Present {
            employee_id: self.id,
            pin: self.pin.clone(),
            first_name: last.first_name.clone(),
            last_name: last.last_name.clone(),
            dept_name: last.dept_name.clone(),
            first_local: self.first.0,
            first_at: first.punch_at,
            punch_local: self.last.0,
            punch_at: last.punch_at,
            punch_state: self.state,
            terminal_sn: last.terminal_sn.clone(),
            terminal_alias: last.terminal_alias.clone(),
        })
    }
}

/// The ids of who punched that day, or came before midnight and has not gone; at whatever terminal, also at one that a caller
/// does not see, for nobody is said to be away who is not.
async fn present(app: &App) -> Result<SelectStatement> {
    let day = Day::read(app, &Scope::default(), &Among::default()).await?;
    let night = day.since_before_midnight().map(|person| person.id);
    if !day.looked.dates.is_empty() {
        // Where it is not one date everywhere, the dates of punches do not say whether they are of today.
        let came = day.gathered.people.keys().copied();
        let ids: Vec<i64> = came.chain(night).collect();
        return Ok(listed(app.store.dialect(), &ids));
    }
    let night: Vec<i64> = night.collect();
    let mut present = Query::select();
    present
        .column(("punch", "employee_id"))
        .from("punch")
        .cond_where(of(day.looked.date))
        .and_where(Expr::col(("punch", "hidden_at")).is_null())
        .and_where(Expr::col(("punch", "employee_id")).is_not_null());
    if !night.is_empty() {
        present.union(UnionType::All, listed(app.store.dialect(), &night));
    }
    Ok(present)
}

/// As one value, for there may be more of them than a statement may have.
fn listed(dialect: Dialect, ids: &[i64]) -> SelectStatement {
    let list = Expr::val(serde_json::json!(ids).to_string());
    let (elements, list) = match dialect {
        Dialect::Sqlite => ("json_each", list),
        Dialect::Postgres => ("jsonb_array_elements_text", list.cast_as("jsonb")),
    };
    Query::select()
        .expr(Expr::col("value").cast_as("bigint"))
        .from_function(Func::cust(elements).arg(list), "listed")
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
pub async fn absent_count(app: &App, caller: &Caller, among: &Among) -> Result<i64> {
    let all = Selection::read::<Employee>(app, caller, &mut among.asked()).await?;
    let all = all.count::<Employee>(app).await?;
    let mut select = employed(app, caller);
    select
        .expr(Expr::cust("COUNT(*)"))
        .cond_where(among.condition(app)?)
        .and_where(Expr::col(("employee", "id")).in_subquery(present(app).await?));
    let (came,): (i64,) = app.store.one(&select).await?;
    // Somebody may have left between the two looks.
    Ok(Ord::max(all - came, 0))
}

/// Some of those who are employed and have not punched, by their codes.
pub async fn absent(app: &App, caller: &Caller, among: &Among, part: Part) -> Result<Vec<Absent>> {
    let mut select = employed(app, caller);
    select
        .columns(["id", "emp_code", "first_name", "last_name"].map(|column| ("employee", column)))
        .column(("department", "dept_name"))
        .left_join(
            "department",
            Expr::col(("department", "id")).equals(("employee", "department_id")),
        )
        .cond_where(among.condition(app)?)
        .and_where(Expr::col(("employee", "id")).not_in_subquery(present(app).await?))
        .order_by(("employee", "emp_code"), Order::Asc)
        .offset(part.skipped)
        .limit(part.most);
    Ok(app.store.all(&select).await?)
}
