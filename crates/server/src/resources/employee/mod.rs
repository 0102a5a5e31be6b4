//! Employees: who they are, where they belong and what their terminals know of them. The files of
//! this folder alone write `employee`, `employee_area` and `employee_untold`.

mod bulk;
mod enrol;
pub mod of_employee;
mod own_password;
mod photo;
mod store;
mod write;

pub use enrol::{Enrolled, enrolled_at};
pub use own_password::rehash;
pub use photo::{for_terminals as photos_for_terminals, has_photo};
pub use store::{complete_searches, returned, tell};
pub use write::set_status;

use crate::access::{Caller, Right, Thing, Who};
use crate::answer::Answer;
use crate::app::App;
use crate::appendix;
use crate::error::{Error, Result};
use crate::extract::{Call, Query};
use crate::profile::Profile;
use crate::relation::{AREA, DEPARTMENT, POSITION};
use crate::resource::{self, Column, Field, Resource, Searched, col, read_id};
use crate::resources::biodata;
use crate::routes::{Endpoint, Kind, Member};
use crate::scope::Owner;
use crate::sealed::Sealed;
use crate::terminals::people::{BioKind, PICTURE_SOURCES};
use crate::terminals::sync;
use crate::times;
use crate::writing;
use chrono::{DateTime, NaiveDate, Utc};
use muster_store::Dialect;
use sea_query::{
    Alias, Cond, Condition, Expr, ExprTrait, Func, JoinType, SelectStatement, SimpleExpr,
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What the sealed column is sealed for.
pub const DEVICE_PASSWORD: &str = "device_password";
pub const PASSWORDS: Sealed = Sealed {
    table: "employee",
    key: "id",
    column: "device_password_sealed",
    purpose: DEVICE_PASSWORD,
    was_plain: false,
};
pub const PHOTOS: Sealed = Sealed {
    table: "employee_photo",
    key: "employee_id",
    column: "jpeg_sealed",
    purpose: "employee_photo",
    was_plain: true,
};
/// The status of whoever is there; anything else is no longer.
pub const VALID: i16 = 0;
pub const RESIGNED: i16 = 99;
pub const RESIGNED_WITHOUT_ATTENDANCE: i16 = 100;

pub struct Employee;

/// An employee with department and position.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Row {
    pub id: i64,
    pub emp_code: String,
    pub status: i16,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub nickname: Option<String>,
    pub device_password_sealed: Option<Vec<u8>>,
    pub card_no: Option<String>,
    pub department_id: i64,
    pub dept_code: String,
    pub dept_name: String,
    pub position_id: Option<i64>,
    pub position_code: Option<String>,
    pub position_name: Option<String>,
    pub hire_on: Option<NaiveDate>,
    pub gender: Option<String>,
    pub birthday_on: Option<NaiveDate>,
    pub verify_mode: Option<i64>,
    pub emp_type: Option<i64>,
    pub validity_start_on: Option<NaiveDate>,
    pub validity_end_on: Option<NaiveDate>,
    pub contact_tel: Option<String>,
    pub office_tel: Option<String>,
    pub mobile: Option<String>,
    pub national: Option<String>,
    pub city: Option<String>,
    pub address: Option<String>,
    pub postcode: Option<String>,
    pub email: Option<String>,
    pub enroll_sn: Option<String>,
    pub ssn: Option<String>,
    pub religion: Option<String>,
    pub enable_att: bool,
    pub enable_overtime: bool,
    pub enable_holiday: bool,
    pub enable_whatsapp: bool,
    pub enable_sms: bool,
    pub dev_privilege: i16,
    pub self_password_hash: Option<String>,
    pub flow_role: String,
    pub app_status: i16,
    pub app_role: Option<i64>,
    pub changed_at: DateTime<Utc>,
}

/// The columns of the table that a `Row` takes as they are.
const COLUMNS: &[&str] = &[
    "id",
    "emp_code",
    "status",
    "first_name",
    "last_name",
    "nickname",
    "device_password_sealed",
    "card_no",
    "department_id",
    "position_id",
    "hire_on",
    "gender",
    "birthday_on",
    "verify_mode",
    "emp_type",
    "validity_start_on",
    "validity_end_on",
    "contact_tel",
    "office_tel",
    "mobile",
    "national",
    "city",
    "address",
    "postcode",
    "email",
    "enroll_sn",
    "ssn",
    "religion",
    "enable_att",
    "enable_overtime",
    "enable_holiday",
    "enable_whatsapp",
    "enable_sms",
    "dev_privilege",
    "self_password_hash",
    "flow_role",
    "app_status",
    "app_role",
    "changed_at",
];

/// An area an employee belongs to.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct AreaOf {
    employee_id: i64,
    pub id: i64,
    pub area_code: String,
    pub area_name: String,
}

/// A finger, a face and so on that there is a template of, whatever it consists of.
#[derive(Debug, Clone, sqlx::FromRow)]
struct Template {
    employee_id: i64,
    wire_type: i16,
    bio_no: i16,
    version: String,
}

/// First and last name, as far as there are any.
pub fn name(first: Option<&str>, last: Option<&str>) -> String {
    let names: Vec<&str> = [first, last]
        .into_iter()
        .flatten()
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    names.join(" ")
}

impl Row {
    /// First and last name, or the code of somebody without a name.
    pub fn full_name(&self) -> String {
        let name = name(self.first_name.as_deref(), self.last_name.as_deref());
        if name.is_empty() {
            self.emp_code.clone()
        } else {
            name
        }
    }

    fn flow_roles(&self) -> Value {
        serde_json::from_str(&self.flow_role).unwrap_or_else(|_| json!([]))
    }

    /// The members all answers have, in the manual's order, with the relations as given.
    fn members(
        &self,
        app: &App,
        caller: &Caller,
        department: Value,
        position: Value,
        area: Value,
    ) -> Result<Map<String, Value>> {
        let is_own = matches!(caller.who, Who::Staff { .. });
        let not_own = |value: &Option<String>| if is_own { None } else { value.clone() };
        let device_password = match &self.device_password_sealed {
            Some(sealed) if caller.may(Right::CredentialsView) => {
                let plain = app
                    .keys
                    .open(DEVICE_PASSWORD, sealed)
                    .map_err(|error| Error::Internal(error.into()))?;
                Some(String::from_utf8_lossy(&plain).into_owned())
            }
            _ => None,
        };
        let first = json!({
            "id": caller.profile.person_id(self.id),
            "emp_code": self.emp_code,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "nickname": self.nickname,
            "device_password": device_password,
            "card_no": not_own(&self.card_no),
            "department": department,
            "position": position,
            "area": area,
            "hire_date": times::maybe_date(self.hire_on),
            "gender": self.gender,
            "birthday": times::maybe_date(self.birthday_on),
            "verify_mode": self.verify_mode,
            "emp_type": self.emp_type,
            "validity_start": times::maybe_date(self.validity_start_on),
            "validity_end": times::maybe_date(self.validity_end_on),
            "contact_tel": self.contact_tel,
            "office_tel": self.office_tel,
            "mobile": self.mobile,
            "national": self.national,
            "city": self.city,
            "address": self.address,
            "postcode": self.postcode,
            "email": self.email,
        });
        let second = json!({
            "enroll_sn": self.enroll_sn.clone().unwrap_or_default(),
            "ssn": not_own(&self.ssn),
            "religion": self.religion,
            "enable_att": self.enable_att,
            "enable_overtime": self.enable_overtime,
            "enable_holiday": self.enable_holiday,
            "enable_whatsapp": self.enable_whatsapp,
            "enable_sms": self.enable_sms,
            "dev_privilege": self.dev_privilege,
            "self_password": null,
            "flow_role": self.flow_roles(),
            "app_status": self.app_status,
            "app_role": self.app_role,
            "status": self.status,
            "update_time": times::instant(self.changed_at, app.zone),
        });
        let mut members = Map::new();
        for half in [first, second] {
            if let Value::Object(half) = half {
                members.extend(half);
            }
        }
        if caller.profile == Profile::BioTime {
            members.shift_remove("self_password");
            members.insert("full_name".into(), self.full_name().into());
            members.insert("format_name".into(), self.full_name().into());
            members.insert(
                "attemployee".into(),
                json!({
                    "id": self.id,
                    "enable_attendance": self.enable_att,
                    "enable_overtime": self.enable_overtime,
                    "enable_holiday": self.enable_holiday,
                    "enable_schedule": true,
                }),
            );
        }
        Ok(members)
    }

    fn department(&self) -> Value {
        json!({
            "id": self.department_id,
            "dept_code": self.dept_code,
            "dept_name": self.dept_name,
        })
    }

    fn position(&self) -> Value {
        match self.position_id {
            None => Value::Null,
            Some(id) => json!({
                "id": id,
                "position_code": self.position_code,
                "position_name": self.position_name,
            }),
        }
    }

    /// Everything a caller can change, for the audit; what is secret there is left out on writing.
    fn audited(&self, areas: &[AreaOf]) -> Map<String, Value> {
        let codes: Vec<&str> = areas.iter().map(|area| area.area_code.as_str()).collect();
        let audited = json!({
            "emp_code": self.emp_code,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "nickname": self.nickname,
            "device_password": self.device_password_sealed.as_ref().map(hex::encode),
            "card_no": self.card_no,
            "department": self.dept_code,
            "position": self.position_code,
            "area": codes,
            "hire_date": self.hire_on,
            "gender": self.gender,
            "birthday": self.birthday_on,
            "verify_mode": self.verify_mode,
            "emp_type": self.emp_type,
            "validity_start": self.validity_start_on,
            "validity_end": self.validity_end_on,
            "contact_tel": self.contact_tel,
            "office_tel": self.office_tel,
            "mobile": self.mobile,
            "national": self.national,
            "city": self.city,
            "address": self.address,
            "postcode": self.postcode,
            "email": self.email,
            "enroll_sn": self.enroll_sn,
            "ssn": self.ssn,
            "religion": self.religion,
            "flags": [
                self.enable_att,
                self.enable_overtime,
                self.enable_holiday,
                self.enable_whatsapp,
                self.enable_sms,
            ],
            "dev_privilege": self.dev_privilege,
            "self_password": self.self_password_hash,
            "flow_role": self.flow_roles(),
            "app_status": self.app_status,
            "app_role": self.app_role,
        });
        match audited {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}

// ---- the resource -----------------------------------------------------------------------------

const fn column(name: &'static str) -> Column {
    ("employee", name)
}

impl Resource for Employee {
    const NAME: &'static str = "employee";
    const PATH: &'static str = "/personnel/api/employees/";
    const THING: Thing = Thing::Employee;
    const KEY: &'static str = "emp_code";
    const CODE: Option<Column> = Some(column("emp_code"));
    const ABSENT: i32 = appendix::NO_PERSON;
    const NONE_NAMED: i32 = appendix::PINS_MISSING;
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Integer, column("id")).one_of(),
        Field::new("emp_code", Kind::Text, column("emp_code"))
            .one_of()
            .contains_part(2)
            .or(&["pin"])
            .about("One code, or several with commas."),
        Field::new("first_name", Kind::Text, column("first_name"))
            .exactly()
            .contains_part(0)
            .nullable(),
        Field::new("last_name", Kind::Text, column("last_name"))
            .exactly()
            .contains_part(1)
            .nullable(),
        Field::new("nickname", Kind::Text, column("nickname"))
            .exactly()
            .nullable(),
        Field::new("card_no", Kind::Text, column("card_no"))
            .exactly()
            .nullable(),
        Field::new("hire_date", Kind::Date, column("hire_on"))
            .exactly()
            .nullable(),
        Field::new("gender", Kind::Text, column("gender"))
            .exactly()
            .nullable(),
        Field::new("birthday", Kind::Date, column("birthday_on"))
            .exactly()
            .nullable(),
        Field::new("verify_mode", Kind::Integer, column("verify_mode"))
            .exactly()
            .nullable(),
        Field::new("emp_type", Kind::Integer, column("emp_type"))
            .one_of()
            .nullable(),
        Field::new("validity_start", Kind::Date, column("validity_start_on"))
            .exactly()
            .nullable(),
        Field::new("validity_end", Kind::Date, column("validity_end_on"))
            .exactly()
            .nullable(),
        Field::new("contact_tel", Kind::Text, column("contact_tel")).nullable(),
        Field::new("office_tel", Kind::Text, column("office_tel")).nullable(),
        Field::new("mobile", Kind::Text, column("mobile"))
            .exactly()
            .nullable(),
        Field::new("national", Kind::Text, column("national"))
            .exactly()
            .nullable(),
        Field::new("city", Kind::Text, column("city"))
            .exactly()
            .nullable(),
        Field::new("address", Kind::Text, column("address")).nullable(),
        Field::new("postcode", Kind::Text, column("postcode")).nullable(),
        Field::new("email", Kind::Text, column("email"))
            .exactly()
            .nullable(),
        Field::new("enroll_sn", Kind::Text, column("enroll_sn"))
            .exactly()
            .nullable(),
        Field::new("religion", Kind::Text, column("religion")).nullable(),
        Field::new("enable_att", Kind::Boolean, column("enable_att")).exactly(),
        Field::new("enable_overtime", Kind::Boolean, column("enable_overtime")).exactly(),
        Field::new("enable_holiday", Kind::Boolean, column("enable_holiday")).exactly(),
        Field::new("dev_privilege", Kind::Integer, column("dev_privilege")).one_of(),
        Field::new("app_status", Kind::Integer, column("app_status"))
            .exactly()
            .about("1 may use the app, 0 may not."),
        Field::new("app_role", Kind::Integer, column("app_role"))
            .exactly()
            .nullable(),
        Field::new("status", Kind::Integer, column("status"))
            .one_of()
            .about("0 valid (unless asked otherwise), 99 and 100 resigned. Who is removed is not kept."),
        Field::new("update_time", Kind::Time, column("changed_at")),
        Field::relation(
            "department",
            &DEPARTMENT,
            column("department_id"),
            "Departments by code or id, with commas.",
        )
        .or(&["departments", "dept_code", "department_code"]),
        Field::relation(
            "position",
            &POSITION,
            column("position_id"),
            "Positions by code or id, with commas.",
        )
        .or(&["positions", "position_code"]),
        Field::special("area", Kind::Reference, "Areas by code or id, with commas.")
            .or(&["areas", "area_code"]),
    ];
    const SEARCHED: &'static [Searched] = &[
        Searched::Folded(column("search_text")),
        Searched::Folded(column("search_more")),
    ];
    const ANSWER: &'static [Member] = &[
        Member::new(
            "id",
            Kind::Reference,
            "Digits; in the BioTime profile a number.",
        ),
        Member::new("emp_code", Kind::Text, ""),
        Member::new("first_name", Kind::Text, ""),
        Member::new("last_name", Kind::Text, ""),
        Member::new("nickname", Kind::Text, ""),
        Member::new(
            "device_password",
            Kind::Text,
            "With the right credentials.view; else null.",
        ),
        Member::new("card_no", Kind::Text, ""),
        Member::new(
            "department",
            Kind::Relation,
            "Written: its name, in the BioTime profile its id.",
        )
        .columns(&[("dept_code", "dept_code"), ("dept_name", "dept_name")]),
        Member::new("position", Kind::Relation, "As the department.").columns(&[
            ("position_code", "position_code"),
            ("position_name", "position_name"),
        ]),
        Member::new("area", Kind::RelationList, "As the department.")
            .columns(&[("area_code", "area_code"), ("area_name", "area_name")]),
        Member::new("hire_date", Kind::Date, ""),
        Member::new("gender", Kind::Text, ""),
        Member::new("birthday", Kind::Date, ""),
        Member::new("verify_mode", Kind::Integer, ""),
        Member::new("emp_type", Kind::Integer, ""),
        Member::new("validity_start", Kind::Date, ""),
        Member::new("validity_end", Kind::Date, ""),
        Member::new("contact_tel", Kind::Text, ""),
        Member::new("office_tel", Kind::Text, ""),
        Member::new("mobile", Kind::Text, ""),
        Member::new("national", Kind::Text, ""),
        Member::new("city", Kind::Text, ""),
        Member::new("address", Kind::Text, ""),
        Member::new("postcode", Kind::Text, ""),
        Member::new("email", Kind::Text, ""),
        Member::new("enroll_sn", Kind::Text, ""),
        Member::new("ssn", Kind::Text, ""),
        Member::new("religion", Kind::Text, ""),
        Member::new("enable_att", Kind::Boolean, ""),
        Member::new("enable_overtime", Kind::Boolean, ""),
        Member::new("enable_holiday", Kind::Boolean, ""),
        Member::new("enable_whatsapp", Kind::Boolean, ""),
        Member::new("enable_sms", Kind::Boolean, ""),
        Member::new("dev_privilege", Kind::Integer, ""),
        Member::new("self_password", Kind::Null, "Not in the BioTime profile."),
        Member::new("flow_role", Kind::RelationList, "").columns(&[("flow_role", "id")]),
        Member::new("app_status", Kind::Integer, ""),
        Member::new("app_role", Kind::Integer, ""),
        Member::new("status", Kind::Integer, ""),
        Member::new("update_time", Kind::Time, ""),
        Member::new(
            "full_name",
            Kind::Text,
            "In the BioTime profile, as the next two.",
        )
        .only_named(),
        Member::new("format_name", Kind::Text, "").only_named(),
        Member::new("attemployee", Kind::Object, ""),
        Member::new(
            "fingerprint",
            Kind::Text,
            "- or Ver VERSION:COUNT, version 0 when nobody has said it; not when written.",
        ),
        Member::new("face", Kind::Text, ""),
        Member::new("palm", Kind::Text, ""),
        Member::new("vl_face", Kind::Text, ""),
    ];

    const IS_SMALL: bool = true;

    type Row = Row;

    fn id(row: &Row) -> i64 {
        row.id
    }

    fn tables(select: &mut SelectStatement) {
        select.from(Alias::new("employee"));
    }

    /// What nobody asks by is joined here, so that counting a hundred thousand looks at one table.
    fn columns(select: &mut SelectStatement, _app: &App) {
        select
            .join(
                JoinType::InnerJoin,
                Alias::new("department"),
                col(("department", "id")).eq(col(column("department_id"))),
            )
            .join(
                JoinType::LeftJoin,
                Alias::new("position"),
                col(("position", "id")).eq(col(column("position_id"))),
            );
        for name in COLUMNS {
            select.expr(col(column(name)));
        }
        for joined in [
            ("department", "dept_code"),
            ("department", "dept_name"),
            ("position", "position_code"),
            ("position", "position_name"),
        ] {
            select.expr(col(joined));
        }
    }

    fn visible(caller: &Caller, _app: &App) -> Condition {
        caller.scope.rows(&[
            Owner::Company(column("company_id")),
            Owner::Department(column("department_id")),
            Owner::EmployeeInAreas(column("id")),
            Owner::Employee(column("id")),
        ])
    }

    fn special(_app: &App, _name: &str, value: &str) -> Result<SimpleExpr> {
        Ok(match value.split(',').any(|value| value.trim() == "-1") {
            true => Expr::val(1).eq(1),
            false => in_areas(AREA.any_of(("employee_area", "area_id"), value)),
        })
    }

    /// Who is no longer there is shown only when asked for.
    async fn together(app: &App, _caller: &Caller, query: &mut Query) -> Result<Condition> {
        if query.take("status").is_some() {
            return Ok(Cond::all());
        }
        let is_valid = col(column("status")).eq(VALID);
        // So are nearly all: anything else that is asked narrows the list more.
        Ok(Cond::all().add(match app.store.dialect() {
            Dialect::Sqlite => Func::cust("likely").arg(is_valid).into(),
            Dialect::Postgres => is_valid,
        }))
    }

    /// All that is asked by is of people, their areas and trees.
    async fn version(app: &App) -> Result<Option<String>> {
        Ok(Some(writing::people_changes(app).await?.to_string()))
    }

    async fn show(app: &App, caller: &Caller, rows: Vec<Row>) -> Result<Vec<Value>> {
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let mut areas = areas_of(app, &ids).await?;
        let templates = templates_of(app, &ids).await?;
        rows.iter()
            .map(|row| {
                let areas = areas.remove(&row.id).unwrap_or_default();
                let shown_areas = areas
                    .iter()
                    .map(|area| {
                        json!({
                            "id": area.id,
                            "area_code": area.area_code,
                            "area_name": area.area_name,
                        })
                    })
                    .collect();
                let mut members =
                    row.members(app, caller, row.department(), row.position(), shown_areas)?;
                if caller.profile == Profile::BioTime {
                    let names: Vec<&str> =
                        areas.iter().map(|area| area.area_name.as_str()).collect();
                    members.insert("dept_name".into(), row.dept_name.clone().into());
                    members.insert("position_name".into(), row.position_name.clone().into());
                    members.insert("area_name".into(), names.join(",").into());
                }
                for (name, kind) in [
                    ("fingerprint", BioKind::Finger),
                    ("face", BioKind::Face),
                    ("palm", BioKind::Palm),
                    ("vl_face", BioKind::VisibleFace),
                ] {
                    let of_kind = templates.iter().filter(|template| {
                        template.employee_id == row.id
                            && kind.wire_types().contains(&template.wire_type)
                    });
                    members.insert(name.into(), summary(of_kind).into());
                }
                Ok(Value::Object(members))
            })
            .collect()
    }
}

/// The newest version of a kind, and how many there are of that version: `Ver 10:2`. Version 0 is one that nobody
/// has said.
fn summary<'a>(templates: impl Iterator<Item = &'a Template>) -> String {
    let mut of_version: BTreeMap<u32, HashSet<(i16, i16)>> = BTreeMap::new();
    for template in templates {
        let version = sync::major(&template.version).unwrap_or_default();
        let of_version = of_version.entry(version).or_default();
        of_version.insert((template.wire_type, template.bio_no));
    }
    of_version.last_key_value().map_or_else(
        || "-".to_owned(),
        |(version, found)| format!("Ver {version}:{}", found.len()),
    )
}

/// The condition that one of an employee's areas fits.
fn in_areas(fits: SimpleExpr) -> SimpleExpr {
    let mut people = SelectStatement::new();
    people
        .expr(col(("employee_area", "employee_id")))
        .from(Alias::new("employee_area"))
        .and_where(fits);
    col(column("id")).in_subquery(people)
}

fn select_areas(ids: &[i64]) -> SelectStatement {
    let mut select = SelectStatement::new();
    select
        .expr(col(("employee_area", "employee_id")))
        .expr(col(("area", "id")))
        .expr(col(("area", "area_code")))
        .expr(col(("area", "area_name")))
        .from(Alias::new("employee_area"))
        .join(
            JoinType::InnerJoin,
            Alias::new("area"),
            col(("area", "id")).eq(col(("employee_area", "area_id"))),
        )
        .and_where(col(("employee_area", "employee_id")).is_in(ids.iter().copied()))
        .order_by_expr(col(("area", "id")), sea_query::Order::Asc);
    select
}

/// The areas of several employees, each list by id.
pub async fn areas_of(app: &App, ids: &[i64]) -> Result<HashMap<i64, Vec<AreaOf>>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    Ok(by_employee(app.store.all(&select_areas(ids)).await?))
}

fn by_employee(rows: Vec<AreaOf>) -> HashMap<i64, Vec<AreaOf>> {
    let mut areas: HashMap<i64, Vec<AreaOf>> = HashMap::new();
    for row in rows {
        areas.entry(row.employee_id).or_default().push(row);
    }
    areas
}

async fn templates_of(app: &App, ids: &[i64]) -> Result<Vec<Template>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let biometric = |name: &'static str| col(("biometric", name));
    let mut select = SelectStatement::new();
    select
        .distinct()
        .expr(biometric("employee_id"))
        .expr(biometric("wire_type"))
        .expr(biometric("bio_no"))
        .expr_as(biodata::version(), Alias::new("version"))
        .from(Alias::new("biometric"))
        .and_where(biometric("employee_id").is_in(ids.iter().copied()))
        .and_where(biometric("source").is_not_in(PICTURE_SOURCES));
    Ok(app.store.all(&select).await?)
}

// ---- endpoints --------------------------------------------------------------------------------

/// An employee sees the own row; that there are others is none of his business.
fn check_own(call: &Call) -> Result<()> {
    let Who::Staff {
        employee_id,
        emp_code,
    } = &call.caller.who
    else {
        return Ok(());
    };
    let key = call.request.path.get(Employee::KEY)?;
    if key == emp_code || read_id(key) == Some(*employee_id) {
        Ok(())
    } else {
        Err(Error::Forbidden)
    }
}

async fn read(call: Call) -> Result<Answer> {
    check_own(&call)?;
    resource::answer_read::<Employee>(call).await
}

pub fn endpoints() -> Vec<Endpoint> {
    let mut endpoints = vec![
        resource::list::<Employee>(),
        resource::create::<Employee>(),
        resource::export::<Employee>(),
        resource::export_by_post::<Employee>(),
        resource::import::<Employee>("import_emp"),
        resource::read::<Employee>().with_work(read).with_own_rows(),
    ];
    endpoints.extend(resource::update::<Employee>());
    endpoints.push(resource::delete::<Employee>());
    endpoints.push(resource::action::<Employee>());
    endpoints.extend(bulk::endpoints());
    endpoints.extend(photo::endpoints());
    endpoints
}
