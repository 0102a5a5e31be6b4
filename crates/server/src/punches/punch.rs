//! A punch as the lists show it (transactions, unregistered and hidden ones), and what they can be
//! asked for.

use crate::access::{Caller, Scope};
use crate::app::App;
use crate::error::{Error, Result};
use crate::extract::Query;
use crate::profile::Profile;
use crate::punches::photo::Shot;
use crate::resource::{Clock, Column, Known, Period, col, within_periods};
use crate::routes::{Kind, Member};
use crate::scope::Owner;
use crate::times;
use crate::writing;
use chrono::{DateTime, NaiveDateTime, Utc};
use muster_store::Sql;
use sea_query::{
    Alias, CaseStatement, Cond, Condition, Expr, ExprTrait, JoinType, SelectStatement, SimpleExpr,
};
use serde_json::{Map, Value};

/// A punch with what is known of its person now.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Row {
    pub id: i64,
    pub transaction_id: Option<i64>,
    pub company_id: String,
    pub terminal_id: Option<i64>,
    pub terminal_sn: String,
    pub terminal_alias: Option<String>,
    pub area_name: Option<String>,
    pub employee_id: Option<i64>,
    pub pin: String,
    pub punch_local: NaiveDateTime,
    /// The instant that means.
    pub punch_at: DateTime<Utc>,
    pub punch_state: i16,
    pub verify_type: i16,
    pub work_code: String,
    pub mask_flag: Option<i16>,
    pub temperature: Option<f64>,
    pub longitude: Option<f64>,
    pub latitude: Option<f64>,
    pub gps_location: Option<String>,
    pub mobile: Option<String>,
    pub source: i16,
    pub upload_at: DateTime<Utc>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub dept_name: Option<String>,
    pub position_name: Option<String>,
}

const COLUMNS: &[&str] = &[
    "id",
    "transaction_id",
    "company_id",
    "terminal_sn",
    "terminal_alias",
    "area_name",
    "pin",
    "punch_local",
    "punch_at",
    "punch_state",
    "verify_type",
    "work_code",
    "mask_flag",
    "temperature",
    "longitude",
    "latitude",
    "gps_location",
    "mobile",
    "source",
    "upload_at",
];

pub const fn column(name: &'static str) -> Column {
    ("punch", name)
}

/// What the lists can be asked for.
pub mod asked {
    use super::column;
    use crate::resource::{Field, Searched};
    use crate::routes::Kind;

    pub const PUNCH_TIME: Field = Field::new("punch_time", Kind::Time, column("punch_local"));
    pub const PUNCH_STATE: Field =
        Field::new("punch_state", Kind::Integer, column("punch_state")).one_of();
    pub const VERIFY_TYPE: Field =
        Field::new("verify_type", Kind::Integer, column("verify_type")).one_of();
    pub const WORK_CODE: Field = Field::new("work_code", Kind::Text, column("work_code")).exactly();
    pub const TERMINAL_SN: Field = Field::new("terminal_sn", Kind::Text, column("terminal_sn"))
        .exactly()
        .contains()
        .or(&["sn"]);
    pub const TERMINAL_ALIAS: Field =
        Field::new("terminal_alias", Kind::Text, column("terminal_alias"))
            .exactly()
            .contains()
            .nullable();
    pub const AREA_ALIAS: Field = Field::new("area_alias", Kind::Text, column("area_name"))
        .exactly()
        .nullable();
    pub const SOURCE: Field = Field::new("source", Kind::Integer, column("source")).one_of();
    pub const UPLOAD_TIME: Field = Field::new("upload_time", Kind::Time, column("upload_at"));
    pub const TEMPERATURE: Field =
        Field::new("temperature", Kind::Number, column("temperature")).nullable();
    pub const MASK_FLAG: Field =
        Field::new("mask_flag", Kind::Integer, column("mask_flag")).nullable();
    /// Where it was, as words are looked for.
    pub const PLACE_SEARCHED: &[Searched] = &[
        Searched::Plain(column("terminal_sn")),
        Searched::Plain(column("terminal_alias")),
        Searched::Plain(column("area_name")),
    ];
    pub const LAST_ID: Field =
        Field::special("last_id", Kind::Integer, "Only what came after this id.");
}

/// What `last_id` asks for, of ids in this column.
pub fn after(id: Column, name: &str, value: &str) -> Result<SimpleExpr> {
    let last: i64 = value
        .trim()
        .parse()
        .map_err(|_| Error::invalid(name, t!("Enter a number.")))?;
    Ok(col(id).gt(last))
}

/// The list that a punch stands in.
#[derive(Debug, Clone, Copy)]
pub enum List {
    Transactions,
    Unregistered,
    Hidden,
}

impl List {
    pub fn condition(self) -> Condition {
        let (transaction_id, hidden_at) = (col(column("transaction_id")), col(column("hidden_at")));
        let (whose, fate) = match self {
            List::Transactions => (transaction_id.is_not_null(), hidden_at.is_null()),
            List::Unregistered => (transaction_id.is_null(), hidden_at.is_null()),
            List::Hidden => (transaction_id.is_not_null(), hidden_at.is_not_null()),
        };
        Cond::all().add(whose).add(fate)
    }

    /// Its punches.
    pub fn alone(self, select: &mut SelectStatement) {
        select
            .from(Alias::new("punch"))
            .cond_where(self.condition());
    }

    /// The same with who punched where.
    pub fn joined(self, select: &mut SelectStatement) {
        self.alone(select);
        join(select);
    }
}

fn join(select: &mut SelectStatement) {
    let join = |table: &'static str, at: Column| {
        (
            JoinType::LeftJoin,
            Alias::new(table),
            col((table, "id")).eq(col(at)),
        )
    };
    for (kind, table, on) in [
        // Whoever and whatever is gone since is nobody and nothing here.
        join("terminal", column("terminal_id")),
        join("employee", column("employee_id")),
        join("department", ("employee", "department_id")),
        join("position", ("employee", "position_id")),
    ] {
        select.join(kind, table, on);
    }
}

pub fn columns(select: &mut SelectStatement) {
    for name in COLUMNS {
        select.expr(col(column(name)));
    }
    select
        .expr_as(col(("terminal", "id")), "terminal_id")
        .expr_as(col(("employee", "id")), "employee_id")
        .expr(col(("employee", "first_name")))
        .expr(col(("employee", "last_name")))
        .expr(col(("department", "dept_name")))
        .expr(col(("position", "position_name")));
}

/// A terminal's punches belong to its area, a person's to the department.
pub fn within(scope: &Scope) -> Condition {
    scope.rows(&[
        Owner::Company(column("company_id")),
        Owner::Area(column("area_id")),
        Owner::Department(("employee", "department_id")),
        Owner::Employee(column("employee_id")),
    ])
}

/// `start_time`, `end_time` (the wall clock of the punch) and `upload_time_start`,
/// `upload_time_end` (the server's clock): all inclusive.
pub fn times_asked(app: &App, caller: &Caller, query: &mut Query) -> Result<Condition> {
    let punch = Period {
        start: "start_time",
        end: "end_time",
        column: column("punch_local"),
        clock: Clock::Local,
    };
    let upload = Period {
        start: "upload_time_start",
        end: "upload_time_end",
        column: column("upload_at"),
        clock: Clock::Server,
    };
    within_periods(app, caller, query, &[punch, upload])
}

/// What is counted of punches; where it is the same, no list has changed.
#[derive(Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Counted {
    pub last_id: i64,
    /// How often some were hidden or shown again, and how often some got their person or lost him.
    hidings: i64,
    assignings: i64,
    pub transactions: i64,
    pub unregistered: i64,
}

impl Counted {
    /// Whether nothing has happened since but that punches came: those with ids above the last one of then.
    pub fn goes_on_from(&self, before: &Counted) -> bool {
        self.last_id >= before.last_id
            && self.hidings == before.hidings
            && self.assignings == before.assignings
    }
}

/// What is known of a list without looking at it. Nobody counts what is hidden.
pub(super) async fn known(app: &App, list: List) -> Result<Option<Known>> {
    // What went to the archive is in no list, and leaves no trace in what is counted.
    let sql = Sql::by_dialect(
        "SELECT transactions, unregistered, last_id, hidings || ' ' || assignings FROM punch_counter WHERE company_id = $1",
        "SELECT transactions, unregistered, last_id, concat_ws(' ', hidings, assignings, \
             (SELECT string_agg(inhrelid::text, ' ' ORDER BY inhrelid) FROM pg_inherits WHERE inhparent = 'punch'::regclass)) \
         FROM punch_counter WHERE company_id = $1",
        [app.company.id.clone().into()],
    );
    let (transactions, unregistered, last_id, history): (i64, i64, i64, String) =
        app.store.one(&sql).await?;
    let count = match list {
        List::Transactions => transactions,
        List::Unregistered => unregistered,
        List::Hidden => return Ok(None),
    };
    Ok(Some(Known {
        count,
        last_id,
        history,
    }))
}

/// Differs whenever there may be more or fewer punches of any kind: of what is asked of them, whose they are is the people's.
pub(super) async fn version(app: &App) -> Result<Option<String>> {
    let Some(Known {
        last_id, history, ..
    }) = known(app, List::Transactions).await?
    else {
        return Ok(None);
    };
    let people = writing::people_changes(app).await?;
    Ok(Some(format!("{last_id} {history} {people}")))
}

pub async fn counted(app: &App) -> Result<Counted> {
    Ok(app
        .store
        .one(&Sql::new(
            "SELECT last_id, hidings, assignings, transactions, unregistered FROM punch_counter WHERE company_id = $1",
            [app.company.id.clone().into()],
        ))
        .await?)
}

/// What the key on the terminal means.
pub(super) fn state_name(punch_state: i16) -> Option<&'static str> {
    Some(match punch_state {
        0 => "Check In",
        1 => "Check Out",
        2 => "Break Out",
        3 => "Break In",
        4 => "Overtime In",
        5 => "Overtime Out",
        8 => "Meal Start",
        9 => "Meal End",
        _ => return None,
    })
}

/// How the person was recognised; `None`: in a way that has no name.
pub(super) fn verify_name(verify_type: i16) -> Option<&'static str> {
    Some(match verify_type {
        0 => "Any",
        1 => "Fingerprint",
        2 => "PIN",
        3 => "Password",
        4 => "Card",
        5 => "Fingerprint or Password",
        6 => "Fingerprint or Card",
        7 => "Card or Password",
        8 => "PIN and Fingerprint",
        9 => "Fingerprint and Password",
        10 => "Card and Fingerprint",
        11 => "Card and Password",
        12 => "Fingerprint and Password and Card",
        13 => "PIN and Fingerprint and Password",
        14 => "PIN or Card and Fingerprint",
        15 => "Face",
        16 => "Face and Fingerprint",
        17 => "Face and Password",
        18 => "Face and Card",
        19 => "Face and Fingerprint and Card",
        20 => "Face and Fingerprint and Password",
        21 => "Finger Vein",
        22 => "Finger Vein and Password",
        23 => "Finger Vein and Card",
        24 => "Finger Vein and Password and Card",
        25 => "Palm",
        26 => "Palm and Card",
        27 => "Palm and Face",
        28 => "Palm and Fingerprint",
        29 => "Palm and Fingerprint and Face",
        101 => "App",
        _ => return None,
    })
}

/// Whether a mask was worn.
fn mask_name(mask_flag: i16) -> Option<&'static str> {
    match mask_flag {
        1 => Some("Yes"),
        0 => Some("No"),
        _ => None,
    }
}

const OTHER_WAY: &str = "Other";
const NO_MASK_KNOWN: &str = "-";

/// What a number is called.
type Names = fn(i16) -> Option<&'static str>;

/// The text a list shows for a number of its row, for ordering by it.
pub fn displayed(name: &str) -> Expr {
    let (number, names, otherwise): (_, Names, Option<&str>) = match name {
        "punch_state_display" => (column("punch_state"), state_name, None),
        "verify_type_display" => (column("verify_type"), verify_name, Some(OTHER_WAY)),
        _ => (column("mask_flag"), mask_name, Some(NO_MASK_KNOWN)),
    };
    let mut case = CaseStatement::new();
    for (value, name) in (0..=255).filter_map(|value| Some((value, names(value)?))) {
        case = case.case(col(number).eq(value), name);
    }
    match otherwise {
        Some(name) => case.finally(name).into(),
        None => case.into(),
    }
}

impl Row {
    pub fn state_name(&self) -> Option<&'static str> {
        state_name(self.punch_state)
    }

    pub fn verify_name(&self) -> &'static str {
        verify_name(self.verify_type).unwrap_or(OTHER_WAY)
    }

    pub fn shot(&self) -> Shot<'_> {
        Shot {
            punch_id: self.id,
            terminal_sn: &self.terminal_sn,
            pin: &self.pin,
            punch_local: self.punch_local,
        }
    }

    /// The members of a punch. A transaction has a person; an unregistered punch has its PIN in
    /// `crc`.
    pub fn shown(&self, app: &App, profile: Profile) -> Value {
        let is_transaction = self.transaction_id.is_some();
        let emp = self
            .employee_id
            .map_or(Value::Null, |id| profile.person_id(id));
        let mut shown = Map::with_capacity(ANSWER.len());
        let mut put = |name: &str, value: Value| {
            shown.insert(name.into(), value);
        };
        put("id", self.transaction_id.unwrap_or(self.id).into());
        if is_transaction {
            put("emp_code", self.pin.as_str().into());
        }
        put("punch_time", times::local(self.punch_local).into());
        put("punch_state", self.punch_state.to_string().into());
        put("verify_type", self.verify_type.into());
        put("work_code", self.work_code.as_str().into());
        put("terminal_sn", self.terminal_sn.as_str().into());
        put("terminal_alias", self.terminal_alias.as_deref().into());
        put("area_alias", self.area_name.as_deref().into());
        put("longitude", self.longitude.into());
        put("latitude", self.latitude.into());
        put("gps_location", self.gps_location.as_deref().into());
        put("mobile", self.mobile.as_deref().into());
        put("source", self.source.into());
        put("purpose", if is_transaction { 1 } else { 9 }.into());
        put("crc", (!is_transaction).then_some(self.pin.as_str()).into());
        put("is_attendance", is_transaction.then_some(1).into());
        put("reserved", Value::Null);
        put(
            "upload_time",
            times::instant(self.upload_at, app.zone).into(),
        );
        put("sync_status", is_transaction.then_some(0).into());
        put("sync_time", Value::Null);
        put("temperature", self.temperature.into());
        put("mask_flag", self.mask_flag.into());
        put("company", self.company_id.as_str().into());
        put("emp", emp);
        put("terminal", self.terminal_id.into());
        if is_transaction {
            put("first_name", self.first_name.as_deref().into());
            put("last_name", self.last_name.as_deref().into());
            put("department", self.dept_name.as_deref().into());
            put("position", self.position_name.as_deref().into());
            put("punch_state_display", self.state_name().into());
            put("verify_type_display", self.verify_name().into());
            let is_mask = self.mask_flag.and_then(mask_name);
            put("is_mask", is_mask.unwrap_or(NO_MASK_KNOWN).into());
        }
        Value::Object(shown)
    }
}

/// The members the lists have.
pub const ANSWER: &[Member] = &[
    Member::new("id", Kind::Integer, ""),
    Member::new("emp_code", Kind::Text, "Of a transaction."),
    Member::new("punch_time", Kind::Time, "The terminal's wall clock."),
    Member::new("punch_state", Kind::Text, "0 in, 1 out … 255 none."),
    Member::new("verify_type", Kind::Integer, "1 fingerprint, 15 face …"),
    Member::new("work_code", Kind::Text, ""),
    Member::new("terminal_sn", Kind::Text, ""),
    Member::new("terminal_alias", Kind::Text, ""),
    Member::new("area_alias", Kind::Text, ""),
    Member::new("longitude", Kind::Number, ""),
    Member::new("latitude", Kind::Number, ""),
    Member::new("gps_location", Kind::Text, ""),
    Member::new("mobile", Kind::Text, ""),
    Member::new("source", Kind::Integer, "1 terminal, 2 import, 3 app."),
    Member::new("purpose", Kind::Integer, "9 when unregistered."),
    Member::new(
        "crc",
        Kind::Text,
        "The PIN nobody has, of an unregistered punch.",
    ),
    Member::new("is_attendance", Kind::Integer, ""),
    Member::new("reserved", Kind::Null, ""),
    Member::new("upload_time", Kind::Time, "The server's clock."),
    Member::new("sync_status", Kind::Integer, ""),
    Member::new("sync_time", Kind::Null, ""),
    Member::new("temperature", Kind::Number, ""),
    Member::new("mask_flag", Kind::Integer, ""),
    Member::new("company", Kind::Text, "").only_named(),
    Member::new(
        "emp",
        Kind::Reference,
        "The employee's id: a text, in the BioTime profile a number.",
    ),
    Member::new("terminal", Kind::Integer, "The terminal's id."),
    Member::new(
        "first_name",
        Kind::Text,
        "Of a transaction, as the next six.",
    ),
    Member::new("last_name", Kind::Text, ""),
    Member::new("department", Kind::Text, "The name."),
    Member::new("position", Kind::Text, "The name."),
    Member::new("punch_state_display", Kind::Text, ""),
    Member::new("verify_type_display", Kind::Text, ""),
    Member::new("is_mask", Kind::Text, "Yes, No or -."),
];

/// Those that say something of transactions alone.
pub const NULL_UNLESS_TRANSACTION: &[&str] = &["emp", "is_attendance", "sync_status"];

/// Those an unregistered punch does not have: nobody is known.
pub const OF_TRANSACTIONS: &[&str] = &[
    "emp_code",
    "first_name",
    "last_name",
    "department",
    "position",
    "punch_state_display",
    "verify_type_display",
    "is_mask",
];
