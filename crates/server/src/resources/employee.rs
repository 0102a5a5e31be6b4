//! Employees: who they are, where they belong and what their terminals know of them. This file
//! alone writes `employee` and `employee_area`.

use crate::access::{Caller, Right, Thing, Who};
use crate::accounts::staff::Staff;
use crate::accounts::token;
use crate::answer::Answer;
use crate::app::App;
use crate::appendix;
use crate::audit::{self, Deed};
use crate::error::{Error, Problem, Result};
use crate::extract::{Body, Call, Query};
use crate::input::{Input, Text, read_boolean, read_list};
use crate::password;
use crate::profile::Profile;
use crate::punches::record;
use crate::relation::{AREA, DEPARTMENT, Known, POSITION};
use crate::resource::{
    self, Column, Columns, Field, Resource, Searched, Writable, col, read_id, search_text,
};
use crate::routes::{Endpoint, Kind, Member};
use crate::terminals::contact::NOT_AUTHORIZED;
use crate::terminals::roster::Presence;
use crate::times;
use crate::writing::Writing;
use base64::Engine;
use chrono::{DateTime, NaiveDate, Utc};
use muster_protocol::command::{Command, UserFields};
use muster_protocol::upload::User;
use muster_store::{Sql, Tx};
use sea_query::{Alias, Cond, Condition, Expr, ExprTrait, JoinType, SelectStatement, SimpleExpr};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// The seeded department and area new people are in unless told.
const FIRST: i64 = 1;
/// What the sealed column is sealed for.
const DEVICE_PASSWORD: &str = "device_password";
/// The column of the own password's hash.
const SELF_PASSWORD: &str = "self_password_hash";
/// Resigned, resigned with attendance off, removed: anything but 0 is no longer there.
const VALID: i16 = 0;

/// Names under the list's path that are no codes.
const RESERVED: &[&str] = &[
    "action",
    "adjust_area",
    "adjust_depart",
    "adjust_department",
    "adjust_emp_type",
    "adjust_position",
    "adjust_regsin",
    "adjust_resign",
    "del_bio_template",
    "export",
    "import_emp",
    "resync_to_device",
    "update_emp_photo",
];

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

/// How many templates of a kind there are.
#[derive(Debug, Clone, sqlx::FromRow)]
struct Templates {
    employee_id: i64,
    wire_type: i16,
    major_ver: String,
    count: i64,
}

impl Row {
    /// First and last name, or the code of somebody without a name.
    pub fn full_name(&self) -> String {
        let names: Vec<&str> = [&self.first_name, &self.last_name]
            .into_iter()
            .flatten()
            .map(|name| name.trim())
            .filter(|name| !name.is_empty())
            .collect();
        if names.is_empty() {
            self.emp_code.clone()
        } else {
            names.join(" ")
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

// ---- what may be written ----------------------------------------------------------------------

const EMP_CODE: Text = Text::max(20).like(is_code);
const NAME: Text = Text::max(100).optional();
const DIGITS: Text = Text::max(20).optional().like(is_digits);
const PHONE: Text = Text::max(20).optional().like(is_phone);
const EMAIL: Text = Text::max(254)
    .optional()
    .like(is_email)
    .or_say("Enter a valid email address.");
/// Texts that are kept as they are: member, column and what they may be.
const TEXTS: &[(&str, Text)] = &[
    ("first_name", NAME),
    ("last_name", NAME),
    ("nickname", NAME),
    ("card_no", DIGITS),
    ("contact_tel", PHONE),
    ("office_tel", PHONE),
    ("mobile", PHONE),
    ("national", Text::max(50).optional()),
    ("city", Text::max(20).optional()),
    ("address", Text::max(200).optional().lines()),
    ("postcode", Text::max(10).optional()),
    ("email", EMAIL),
    ("enroll_sn", Text::max(50).optional()),
    ("ssn", DIGITS),
    ("religion", Text::max(20).optional()),
];
const DATES: &[(&str, &str)] = &[
    ("hire_date", "hire_on"),
    ("birthday", "birthday_on"),
    ("validity_start", "validity_start_on"),
    ("validity_end", "validity_end_on"),
];
const FLAGS: &[&str] = &[
    "enable_att",
    "enable_overtime",
    "enable_holiday",
    "enable_whatsapp",
    "enable_sms",
];
/// What terminals know: a person, an enroller, an administrator, a super administrator; the
/// manual's 1 is an administrator too.
const PRIVILEGES: [i64; 5] = [0, 1, 2, 6, 14];

fn is_code(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && !RESERVED.contains(&text.to_lowercase().as_str())
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_phone(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || b" +().-".contains(&byte))
}

fn is_email(text: &str) -> bool {
    let Some((name, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let is_plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && !part.ends_with('.')
            && !part.contains("..")
            && !part
                .chars()
                .any(|letter| letter.is_whitespace() || "\"(),:;<>@[]\\".contains(letter))
    };
    is_plain(name)
        && is_plain(domain)
        && domain.contains('.')
        && domain.split('.').all(|label| {
            label
                .chars()
                .all(|letter| letter.is_alphanumeric() || letter == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

/// An own password as it was given.
enum OwnPassword {
    Plain(String),
    /// Made elsewhere; it is verified at the next login and replaced then.
    Hashed(String),
}

/// What a text for an own password is, or what is wrong with it. A text that looks like a hash is
/// never taken as a password: who wrote it meant the password behind it.
fn read_own_password(text: &str) -> Result<OwnPassword, &'static str> {
    if text.contains('\0') {
        return Err("Null characters are not allowed.");
    }
    if text.len() > password::MAX_BYTES {
        return Err("Ensure this field has no more than 1024 characters.");
    }
    let parts: Vec<&str> = text.split('$').collect();
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    match parts[..] {
        ["pbkdf2_sha256", rounds, salt, digest] => {
            let rounds_are_good = !rounds.starts_with('0')
                && rounds
                    .parse::<u32>()
                    .is_ok_and(|rounds| (10_000..=2_000_000).contains(&rounds));
            let digest_is_good = base64::prelude::BASE64_STANDARD
                .decode(digest)
                .is_ok_and(|bytes| bytes.len() == 32);
            if rounds_are_good && salt.len() >= 8 && digest_is_good {
                Ok(OwnPassword::Hashed(text.to_owned()))
            } else {
                Err("Enter a valid value.")
            }
        }
        // `$2b$…`, `$argon2id$…`, `sha1$salt$digest` and their like.
        ["", name, _, ..] if is_name(name) => Err("Enter a valid value."),
        [name, _, _, ..] if is_name(name) => Err("Enter a valid value."),
        _ => Ok(OwnPassword::Plain(text.to_owned())),
    }
}

/// What was given, checked.
#[derive(Default)]
pub struct Changes {
    columns: Columns,
    texts: HashMap<&'static str, Option<String>>,
    emp_code: Option<String>,
    areas: Option<Vec<i64>>,
}

impl Changes {
    /// Reads every member that may be written; all that is wrong with them is one error.
    async fn read(
        app: &App,
        caller: &Caller,
        known: &Known,
        body: &Body,
        is_new: bool,
    ) -> Result<Changes> {
        let mut changes = Changes::default();
        let mut input = Input::new(body, is_new);
        if is_new {
            if !input.require(&["emp_code"]) {
                input.code_last(appendix::EMPTY_PIN);
            }
            let problems = input.problems.len();
            changes.emp_code = input.text("emp_code", EMP_CODE).flatten();
            if input.problems.len() > problems {
                let is_blank = matches!(body.get("emp_code"), Some(Value::Null))
                    || body
                        .get("emp_code")
                        .and_then(Value::as_str)
                        .is_some_and(|text| text.trim().is_empty());
                input.code_last(if is_blank {
                    appendix::EMPTY_PIN
                } else {
                    appendix::BAD_PIN
                });
            }
        }
        for (name, rule) in TEXTS {
            if let Some(text) = input.text(name, *rule) {
                changes.columns.set(name, text.clone());
                changes.texts.insert(name, text);
            }
        }
        for (name, column) in DATES {
            if let Some(date) = input.date(name) {
                changes.columns.set(column, date);
            }
        }
        if let Some(gender) = input.choice("gender", &["M", "F", "O"]) {
            changes.columns.set("gender", gender);
        }
        for (name, least, most) in [
            ("verify_mode", -1, 255),
            ("emp_type", 0, 32_767),
            ("app_role", 0, 2_147_483_647),
        ] {
            if let Some(number) = input.integer(name, least, most, true) {
                changes.columns.set(name, number);
            }
        }
        changes.read_flags(&mut input);
        changes.read_choices(&mut input);
        let own_password = changes.read_secrets(app, &mut input);
        changes
            .read_relations(app, caller, known, &mut input)
            .await?;
        input.settle()?;
        // Hashing takes its time, so it comes last.
        let hash = match own_password {
            None => return Ok(changes),
            Some(OwnPassword::Hashed(hash)) => hash,
            Some(OwnPassword::Plain(password)) => app.passwords.hash(&password).await?,
        };
        changes.columns.set(SELF_PASSWORD, hash);
        Ok(changes)
    }

    /// The flags, and BioTime's `attemployee` that holds some of them.
    fn read_flags(&mut self, input: &mut Input<'_>) {
        for name in FLAGS {
            if let Some(flag) = input.boolean(name) {
                self.columns.set(name, flag);
            }
        }
        if let Some((name, value)) = input.value(&["attemployee"])
            && let Some(flags) = value.as_object()
        {
            for (member, column) in [
                ("enable_attendance", "enable_att"),
                ("enable_overtime", "enable_overtime"),
                ("enable_holiday", "enable_holiday"),
            ] {
                match flags.get(member).map(read_boolean) {
                    None => {}
                    Some(Some(_)) if self.columns.has(column) => {}
                    Some(Some(flag)) => self.columns.set(column, flag),
                    Some(None) => input.problem(name, "Must be a valid boolean."),
                }
            }
        }
    }

    fn read_choices(&mut self, input: &mut Input<'_>) {
        for (name, choices) in [("dev_privilege", &PRIVILEGES[..]), ("app_status", &[0, 1])] {
            let Some((_, value)) = input.value(&[name]) else {
                continue;
            };
            let number = match value {
                Value::Number(number) => number.as_i64(),
                Value::String(text) => text.trim().parse().ok(),
                _ => None,
            };
            match number.filter(|number| choices.contains(number)) {
                Some(number) => self.columns.set(name, number),
                None if value.is_null() => input.problem(name, "This field may not be null."),
                None => {
                    let shown = value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned);
                    let shown: String = shown.chars().take(100).collect();
                    input.problem(name, format!("\"{shown}\" is not a valid choice."));
                }
            }
        }
        if let Some((name, value)) = input.value(&["flow_role"]) {
            match read_list(value, input.is_form()) {
                Ok(roles) => {
                    let roles: Vec<&Value> = roles
                        .into_iter()
                        .filter(|role| role.as_str() != Some(""))
                        .collect();
                    if roles.len() > 100
                        || roles.iter().any(|role| !role.is_string() && !role.is_i64())
                    {
                        input.problem(name, "Not a valid list of roles.");
                    } else {
                        self.columns.set(name, json!(roles).to_string());
                    }
                }
                Err(message) => input.problem(name, message),
            }
        }
    }

    /// The device password, and the own one as it was given.
    fn read_secrets(&mut self, app: &App, input: &mut Input<'_>) -> Option<OwnPassword> {
        if let Some(password) = input.text("device_password", DIGITS) {
            let sealed = password
                .filter(|password| !password.is_empty())
                .map(|password| app.keys.seal(DEVICE_PASSWORD, password.as_bytes()));
            self.columns.set("device_password_sealed", sealed);
        }
        let (name, value) = input.value(&["self_password"])?;
        let read = match value {
            // Answers show it empty: what was read is written back without harm.
            Value::Null => return None,
            Value::String(text) if text.is_empty() => return None,
            Value::String(text) => read_own_password(text),
            Value::Number(number) => read_own_password(&number.to_string()),
            _ => Err("Not a valid string."),
        };
        read.map_err(|message| input.problem(name, message)).ok()
    }

    async fn read_relations(
        &mut self,
        app: &App,
        caller: &Caller,
        known: &Known,
        input: &mut Input<'_>,
    ) -> Result<()> {
        const DEPARTMENTS: &[&str] = &["department", "department_code", "dept_code"];
        const AREAS: &[&str] = &["area", "area_code", "areas"];
        let is_biotime = caller.profile == Profile::BioTime;
        if is_biotime {
            input.require(DEPARTMENTS);
        }
        if let Some((name, value)) = input.value(DEPARTMENTS) {
            match DEPARTMENT.find(app, caller, known, name, value).await? {
                Ok(Some(id)) => self.columns.set("department_id", id),
                Ok(None) if is_biotime => input.problem(name, "This field may not be null."),
                Ok(None) => self.columns.set("department_id", FIRST),
                Err(problem) => input.problems.push(problem),
            }
        }
        if let Some((name, value)) = input.value(&["position", "position_code"]) {
            match POSITION.find(app, caller, known, name, value).await? {
                Ok(id) => self.columns.set("position_id", id),
                Err(problem) => input.problems.push(problem),
            }
        }
        if is_biotime {
            input.require(AREAS);
        }
        let Some((name, value)) = input.value(AREAS) else {
            return Ok(());
        };
        let given = match read_list(value, input.is_form()) {
            Ok(given) => given,
            Err(message) => {
                input.problem(name, message);
                return Ok(());
            }
        };
        if given.is_empty() {
            input.problem(name, "This list may not be empty.");
            return Ok(());
        }
        if given.len() > 1000 {
            input.problem(name, "Ensure this field has no more than 1000 elements.");
            return Ok(());
        }
        let mut ids = Vec::with_capacity(given.len());
        for value in given {
            match AREA.find(app, caller, known, name, value).await? {
                Ok(Some(id)) if ids.contains(&id) => {}
                Ok(Some(id)) => ids.push(id),
                Ok(None) => input.problem(name, "This field may not be null."),
                Err(problem) => input.problems.push(problem),
            }
        }
        self.areas = Some(ids);
        Ok(())
    }

    /// A text as it will be: given now, or stored already.
    fn text<'a>(&'a self, name: &str, stored: Option<&'a String>) -> &'a str {
        match self.texts.get(name) {
            Some(given) => given.as_deref().unwrap_or_default(),
            None => stored.map_or("", String::as_str),
        }
    }

    fn search_text(&self, emp_code: &str, stored: Option<&Row>) -> String {
        let stored_text =
            |pick: fn(&Row) -> &Option<String>| stored.and_then(|row| pick(row).as_ref());
        search_text([
            self.text("first_name", stored_text(|row| &row.first_name)),
            self.text("last_name", stored_text(|row| &row.last_name)),
            emp_code,
            self.text("nickname", stored_text(|row| &row.nickname)),
            self.text("card_no", stored_text(|row| &row.card_no)),
            self.text("mobile", stored_text(|row| &row.mobile)),
            self.text("email", stored_text(|row| &row.email)),
        ])
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
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Integer, column("id")).one_of(),
        Field::new("emp_code", Kind::Text, column("emp_code"))
            .one_of()
            .contains()
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
            .about("0 valid (unless asked otherwise), 99 and 100 resigned, 999 removed."),
        Field::new("update_time", Kind::Time, column("changed_at")),
        Field::special(
            "department",
            Kind::Reference,
            "Departments by code or id, with commas.",
        )
        .or(&["departments", "dept_code", "department_code"]),
        Field::special(
            "position",
            Kind::Reference,
            "Positions by code or id, with commas.",
        )
        .or(&["positions", "position_code"]),
        Field::special("area", Kind::Reference, "Areas by code or id, with commas.")
            .or(&["areas", "area_code"]),
    ];
    const SEARCHED: &'static [Searched] = &[Searched::Folded(column("search_text"))];
    const ANSWER: &'static [Member] = &[
        Member::new("id", Kind::Text, "Digits; in the BioTime profile a number."),
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
        ),
        Member::new("position", Kind::Relation, "As the department."),
        Member::new("area", Kind::RelationList, "As the department."),
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
        Member::new("flow_role", Kind::ObjectList, ""),
        Member::new("app_status", Kind::Integer, ""),
        Member::new("app_role", Kind::Integer, ""),
        Member::new("status", Kind::Integer, ""),
        Member::new("update_time", Kind::Time, ""),
        Member::new(
            "full_name",
            Kind::Text,
            "In the BioTime profile, as the next two.",
        ),
        Member::new("format_name", Kind::Text, ""),
        Member::new("attemployee", Kind::Object, ""),
        Member::new(
            "fingerprint",
            Kind::Text,
            "- or Ver VERSION:COUNT; not when written.",
        ),
        Member::new("face", Kind::Text, ""),
        Member::new("palm", Kind::Text, ""),
        Member::new("vl_face", Kind::Text, ""),
    ];

    type Row = Row;

    fn id(row: &Row) -> i64 {
        row.id
    }

    fn tables(select: &mut SelectStatement) {
        select
            .from(Alias::new("employee"))
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
    }

    fn columns(select: &mut SelectStatement, _app: &App) {
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
        let scope = &caller.scope;
        let mut visible = Cond::all();
        if let Some(companies) = &scope.companies {
            visible = visible.add(col(column("company_id")).is_in(companies.iter().cloned()));
        }
        if let Some(departments) = &scope.departments {
            visible = visible.add(col(column("department_id")).is_in(departments.iter().copied()));
        }
        if let Some(areas) = &scope.areas {
            visible = visible.add(in_areas(
                col(("employee_area", "area_id")).is_in(areas.iter().copied()),
            ));
        }
        if let Some(employee) = scope.employee {
            visible = visible.add(col(column("id")).eq(employee));
        }
        visible
    }

    fn special(_app: &App, name: &str, value: &str) -> Result<SimpleExpr> {
        Ok(match name {
            "department" => DEPARTMENT.any_of(column("department_id"), value),
            "position" => POSITION.any_of(column("position_id"), value),
            _ if value.split(',').any(|value| value.trim() == "-1") => Expr::val(1).eq(1),
            _ => {
                let mut any = Cond::any();
                for value in value.split(',').map(str::trim) {
                    any = any.add(col(("area", "area_code")).eq(value));
                    if let Some(id) = read_id(value) {
                        any = any.add(col(("area", "id")).eq(id));
                    }
                }
                in_areas(any.into())
            }
        })
    }

    /// Who is no longer there is shown only when asked for.
    async fn together(_app: &App, _caller: &Caller, query: &mut Query) -> Result<Condition> {
        Ok(match query.take("status") {
            Some(_) => Cond::all(),
            None => Cond::all().add(col(column("status")).eq(VALID)),
        })
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
                for (name, wire_types) in [
                    ("fingerprint", &[1][..]),
                    ("face", &[2]),
                    ("palm", &[8, 6, 10]),
                    ("vl_face", &[9]),
                ] {
                    let mut count = 0;
                    let mut version = "";
                    for templates in templates.iter().filter(|templates| {
                        templates.employee_id == row.id && wire_types.contains(&templates.wire_type)
                    }) {
                        count += templates.count;
                        version = &templates.major_ver;
                    }
                    let text = if count == 0 {
                        "-".to_owned()
                    } else {
                        format!("Ver {version}:{count}")
                    };
                    members.insert(name.into(), text.into());
                }
                Ok(Value::Object(members))
            })
            .collect()
    }
}

/// The condition that one of an employee's areas fits.
fn in_areas(fits: SimpleExpr) -> SimpleExpr {
    let mut people = SelectStatement::new();
    people
        .expr(col(("employee_area", "employee_id")))
        .from(Alias::new("employee_area"))
        .join(
            JoinType::InnerJoin,
            Alias::new("area"),
            col(("area", "id")).eq(col(("employee_area", "area_id"))),
        )
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
    let mut areas: HashMap<i64, Vec<AreaOf>> = HashMap::new();
    if !ids.is_empty() {
        let rows: Vec<AreaOf> = app.store.all(&select_areas(ids)).await?;
        for row in rows {
            areas.entry(row.employee_id).or_default().push(row);
        }
    }
    Ok(areas)
}

async fn templates_of(app: &App, ids: &[i64]) -> Result<Vec<Templates>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let biometric = |name: &'static str| col(("biometric", name));
    let mut select = SelectStatement::new();
    select
        .expr(biometric("employee_id"))
        .expr(biometric("wire_type"))
        .expr_as(biometric("major_ver").max(), Alias::new("major_ver"))
        .expr_as(
            Expr::cust("count(DISTINCT biometric.bio_no)"),
            Alias::new("count"),
        )
        .from(Alias::new("biometric"))
        .and_where(biometric("employee_id").is_in(ids.iter().copied()))
        .add_group_by([biometric("employee_id"), biometric("wire_type")]);
    Ok(app.store.all(&select).await?)
}

impl Writable for Employee {
    const INPUT: &'static [Member] = &[
        Member::new(
            "emp_code",
            Kind::Text,
            "1 to 20 of A-Z a-z 0-9 _ -; stays as it is in an update.",
        )
        .required(),
        Member::new("first_name", Kind::Text, ""),
        Member::new("last_name", Kind::Text, ""),
        Member::new("nickname", Kind::Text, ""),
        Member::new("device_password", Kind::Text, "Up to 20 digits."),
        Member::new("card_no", Kind::Text, "Up to 20 digits."),
        Member::new(
            "department",
            Kind::Reference,
            "Code or id; the first one unless given. In the BioTime profile it is required.",
        ),
        Member::new("position", Kind::Reference, "Code or id."),
        Member::new(
            "area",
            Kind::ReferenceList,
            "Codes or ids; the first one unless given. In the BioTime profile it is required.",
        ),
        Member::new("hire_date", Kind::Date, ""),
        Member::new("gender", Kind::Text, "M, F or O."),
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
        Member::new("ssn", Kind::Text, "Up to 20 digits."),
        Member::new("religion", Kind::Text, ""),
        Member::new("enable_att", Kind::Boolean, ""),
        Member::new("enable_overtime", Kind::Boolean, ""),
        Member::new("enable_holiday", Kind::Boolean, ""),
        Member::new("enable_whatsapp", Kind::Boolean, ""),
        Member::new("enable_sms", Kind::Boolean, ""),
        Member::new("dev_privilege", Kind::Integer, "0, 1, 2, 6 or 14."),
        Member::new(
            "self_password",
            Kind::Text,
            "For the staff doors. A hash of the form pbkdf2_sha256$… is taken as one; null changes nothing.",
        ),
        Member::new("flow_role", Kind::TextList, ""),
        Member::new("app_status", Kind::Integer, "1 may use the staff doors."),
        Member::new("app_role", Kind::Integer, ""),
    ];

    type Change = Changes;

    async fn check(
        app: &App,
        caller: &Caller,
        known: &Known,
        body: &Body,
        stored: Option<&Row>,
    ) -> Result<Changes> {
        Changes::read(app, caller, known, body, stored.is_none()).await
    }

    async fn store(
        app: &App,
        tx: &mut Writing,
        caller: &Caller,
        changes: Changes,
        stored: Option<Row>,
    ) -> Result<i64> {
        match stored {
            None => add(app, tx, caller, changes).await,
            Some(stored) => change(app, tx, caller, stored, changes).await,
        }
    }

    async fn show_saved(app: &App, caller: &Caller, row: Row) -> Result<Value> {
        let areas = areas_of(app, &[row.id]).await?.remove(&row.id);
        let areas = areas.unwrap_or_default().into_iter();
        let (department, position, area) = match caller.profile {
            Profile::EasyTimePro => (
                row.dept_name.clone().into(),
                row.position_name.clone().into(),
                areas.map(|area| area.area_name).collect(),
            ),
            Profile::BioTime => (
                row.department_id.into(),
                row.position_id.into(),
                areas.map(|area| area.id).collect(),
            ),
        };
        Ok(Value::Object(
            row.members(app, caller, department, position, area)?,
        ))
    }
}

fn code_taken() -> Error {
    Error::invalid("emp_code", "employee with this emp code already exists.")
}

/// Two people with one card could not be told apart at a terminal.
async fn check_card(tx: &mut Tx, app: &App, changes: &Changes, but: Option<i64>) -> Result<()> {
    let Some(Some(card)) = changes.texts.get("card_no") else {
        return Ok(());
    };
    if card.is_empty() {
        return Ok(());
    }
    let others: Vec<(i64,)> = tx
        .all(&Sql::new(
            "SELECT id FROM employee WHERE card_no = $1 AND company_id = $2 AND status = 0 LIMIT 2",
            [card.clone().into(), app.company.id.clone().into()],
        ))
        .await?;
    if others.iter().any(|(id,)| Some(*id) != but) {
        return Err(Error::Invalid(vec![
            Problem::new("card_no", "employee with this card no already exists.")
                .coded(appendix::CARD_USED),
        ]));
    }
    Ok(())
}

async fn put_areas(tx: &mut Tx, id: i64, areas: &[i64]) -> Result<()> {
    tx.run(&Sql::new(
        "DELETE FROM employee_area WHERE employee_id = $1",
        [id.into()],
    ))
    .await?;
    for area in areas {
        tx.run(&Sql::new(
            "INSERT INTO employee_area (employee_id, area_id) VALUES ($1, $2)",
            [id.into(), (*area).into()],
        ))
        .await?;
    }
    Ok(())
}

async fn add(app: &App, tx: &mut Writing, caller: &Caller, mut changes: Changes) -> Result<i64> {
    let now = app.clock.now();
    let emp_code = changes.emp_code.take().unwrap_or_default();
    if !changes.columns.has("department_id") {
        changes.columns.set("department_id", FIRST);
    }
    let text = changes.search_text(&emp_code, None);
    let areas = changes.areas.take().unwrap_or_else(|| vec![FIRST]);
    changes.columns.set("search_text", text);
    changes.columns.set("emp_code", emp_code.clone());
    changes.columns.set("company_id", app.company.id.clone());
    changes.columns.set("created_at", now);
    changes.columns.set("changed_at", now);

    let other: Option<(i64,)> = tx
        .find(&Sql::new(
            "SELECT id FROM employee WHERE company_id = $1 AND emp_code = $2",
            [app.company.id.clone().into(), emp_code.clone().into()],
        ))
        .await?;
    if other.is_some() {
        return Err(code_taken());
    }
    check_card(tx, app, &changes, None).await?;
    let inserted: Result<(i64,), _> = tx.one(&changes.columns.insert("employee")).await;
    let (id,) = inserted.map_err(|error| {
        if error.is_duplicate() {
            code_taken()
        } else {
            error.into()
        }
    })?;
    put_areas(tx, id, &areas).await?;
    record::adopt(tx, &app.company.id, id, &emp_code).await?;
    let row: Row = tx.one(&resource::by_id::<Employee>(app, id)).await?;
    let areas: Vec<AreaOf> = tx.all(&select_areas(&[id])).await?;
    let deed = Deed {
        action: "create",
        thing: Employee::NAME,
        thing_id: emp_code,
        after: Some(row.audited(&areas)),
        ..Deed::default()
    };
    audit::write(tx, now, caller, deed).await?;
    Ok(id)
}

async fn change(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    stored: Row,
    mut changes: Changes,
) -> Result<i64> {
    let now = app.clock.now();
    let has_new_password = changes.columns.has(SELF_PASSWORD);
    let text = changes.search_text(&stored.emp_code, Some(&stored));
    changes.columns.set("search_text", text);
    changes.columns.set("changed_at", now);

    check_card(tx, app, &changes, Some(stored.id)).await?;
    let areas_before: Vec<AreaOf> = tx.all(&select_areas(&[stored.id])).await?;
    let areas = changes.areas.take();
    let touched = tx
        .run(&changes.columns.update("employee", stored.id))
        .await?;
    if touched == 0 {
        return Err(Error::NoSuch {
            code: Employee::ABSENT,
        });
    }
    if let Some(areas) = areas {
        put_areas(tx, stored.id, &areas).await?;
    }
    if has_new_password {
        token::remove_of_employee(tx, stored.id).await?;
    }
    let row: Row = tx.one(&resource::by_id::<Employee>(app, stored.id)).await?;
    let areas: Vec<AreaOf> = tx.all(&select_areas(&[stored.id])).await?;
    let deed = Deed {
        action: "update",
        thing: Employee::NAME,
        thing_id: stored.emp_code.clone(),
        before: Some(stored.audited(&areas_before)),
        after: Some(row.audited(&areas)),
    };
    audit::write(tx, now, caller, deed).await?;
    // Whether it may log in, and with what, may have changed.
    tx.after_commit(|app| app.accounts.forget());
    Ok(stored.id)
}

/// A hash made elsewhere, once it has let somebody in, gives way to one of ours, which is
/// returned. `None`: it is ours already.
pub async fn rehash(app: &App, staff: &Staff, password: &str) -> Result<Option<String>> {
    let Some(foreign) = staff
        .self_password_hash
        .as_ref()
        .filter(|hash| hash.starts_with("pbkdf2_sha256$"))
    else {
        return Ok(None);
    };
    let ours = app.passwords.hash(password).await?;
    let mut tx = app.store.write().await?;
    tx.run(&Sql::new(
        "UPDATE employee SET self_password_hash = $1 WHERE id = $2 AND self_password_hash = $3",
        [ours.clone().into(), staff.id.into(), foreign.clone().into()],
    ))
    .await?;
    tx.commit().await?;
    app.accounts.forget();
    Ok(Some(ours))
}

// ---- endpoints --------------------------------------------------------------------------------

/// An employee reads the own row; that there are others is none of his business.
async fn read(call: Call) -> Result<Answer> {
    if let Who::Staff {
        employee_id,
        emp_code,
    } = &call.caller.who
    {
        let key = call.request.path.get(Employee::KEY)?;
        if key != emp_code && read_id(key) != Some(*employee_id) {
            return Err(Error::Forbidden);
        }
    }
    resource::answer_read::<Employee>(call).await
}

pub fn endpoints() -> Vec<Endpoint> {
    let mut endpoints = vec![
        resource::list::<Employee>(),
        resource::create::<Employee>(),
        resource::read::<Employee>().with_work(read).with_own_rows(),
    ];
    endpoints.extend(resource::update::<Employee>());
    endpoints
}

/// A person enrolled at a terminal, of whom nobody knows yet, becomes an employee: code = PIN, area
/// = the terminal's. Of a known one nothing changes: the server's record stands, and `false` says so.
pub async fn enrolled_at(app: &App, tx: &mut Tx, terminal: &Presence, user: &User) -> Result<bool> {
    if !app.config.terminals.make_employees || !is_code(&user.pin) {
        return Ok(false);
    }
    let now = app.clock.now();
    let privilege = if app.config.terminals.raise_privilege {
        user.privilege.unwrap_or(0)
    } else {
        0
    };
    let cut = |text: &str, most: usize| text.chars().take(most).collect::<String>();
    let name = user
        .name
        .as_deref()
        .filter(|name| !name.is_empty())
        .map(|name| cut(name, 100));
    let made: Option<(i64,)> = tx
        .find(&Sql::new(
            "INSERT INTO employee (company_id, emp_code, first_name, card_no, department_id, position_id, \
                 verify_mode, dev_privilege, enroll_sn, search_text, created_at, changed_at) \
             VALUES ($1, $2, $3, $4, 1, 1, $5, $6, $7, $8, $9, $9) ON CONFLICT DO NOTHING RETURNING id",
            [
                app.company.id.clone().into(),
                user.pin.clone().into(),
                name.clone().into(),
                user.card.as_deref().map(|card| cut(card, 20)).into(),
                user.verify_mode.map(i64::from).into(),
                privilege.into(),
                terminal.sn.as_str().into(),
                search_text([
                    name.as_deref().unwrap_or_default(),
                    "",
                    user.pin.as_str(),
                    "",
                    user.card.as_deref().unwrap_or_default(),
                    "",
                    "",
                ])
                .into(),
                now.into(),
            ],
        ))
        .await?;
    let Some((id,)) = made else {
        return Ok(false);
    };
    if let Some(password) = user
        .password
        .as_ref()
        .filter(|password| !password.is_empty())
    {
        tx.run(&Sql::new(
            "UPDATE employee SET device_password_sealed = $2 WHERE id = $1",
            [
                id.into(),
                app.keys
                    .seal("device_password", password.expose().as_bytes())
                    .into(),
            ],
        ))
        .await?;
    }
    if terminal.area_id != NOT_AUTHORIZED {
        tx.run(&Sql::new(
            "INSERT INTO employee_area (employee_id, area_id) VALUES ($1, $2)",
            [id.into(), terminal.area_id.into()],
        ))
        .await?;
    }
    record::adopt(tx, &app.company.id, id, &user.pin).await?;
    Ok(true)
}

/// The record of a person in force, as a terminal takes it.
pub async fn for_terminal(app: &App, emp_code: &str) -> Result<Option<Command>> {
    #[derive(sqlx::FromRow)]
    struct OnTerminal {
        first_name: Option<String>,
        last_name: Option<String>,
        card_no: Option<String>,
        dev_privilege: i16,
    }
    let found: Option<OnTerminal> = app
        .store
        .find(&Sql::new(
            "SELECT first_name, last_name, card_no, dev_privilege FROM employee \
             WHERE company_id = $1 AND emp_code = $2 AND status = 0",
            [app.company.id.clone().into(), emp_code.into()],
        ))
        .await?;
    Ok(found.map(|person| {
        let name: Vec<String> = [person.first_name, person.last_name]
            .into_iter()
            .flatten()
            .collect();
        Command::UpdateUser(UserFields {
            pin: emp_code.to_owned(),
            name: Some(name.join(" ")),
            privilege: Some(person.dev_privilege),
            card: person.card_no.filter(|card| !card.is_empty()),
            ..UserFields::default()
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::{OwnPassword, is_email, read_own_password};

    #[test]
    fn only_a_whole_hash_is_taken_as_one_and_nothing_like_one_as_a_password() {
        let manual = "pbkdf2_sha256$600000$g708QX09ch0KUiR5kCwJ4T$XnOY4d2gmpseLhvXsKEHYj+Lk1c084m3PxN278ACH1w=";
        assert!(matches!(
            read_own_password(manual),
            Ok(OwnPassword::Hashed(_))
        ));
        for text in [
            "pbkdf2_sha256$1$a$b",
            "pbkdf2_sha256$9999$g708QX09ch0K$XnOY4d2gmpseLhvXsKEHYj+Lk1c084m3PxN278ACH1w=",
            "pbkdf2_sha1$600000$g708QX09ch0K$XnOY4d2gmpseLhvXsKEHYg==",
            "$2b$12$abcdefghijklmnopqrstuv",
            "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA",
            "sha1$salt$digest",
        ] {
            assert!(read_own_password(text).is_err(), "{text}");
        }
        for text in ["123456", "cost$ 5", "a$b", "correct horse battery"] {
            assert!(
                matches!(read_own_password(text), Ok(OwnPassword::Plain(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn a_mail_address_has_a_name_and_a_domain() {
        for good in ["panvith@zkteco.com", "a.b+c@x-y.co.in", "müller@exämple.de"] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "", "a", "a@b", "@b.c", "a@.c", "a b@c.d", "a@b..c", "a@-b.c",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
