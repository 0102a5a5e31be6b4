//! What may be written of an employee, how it is checked, and how it is stored.

use super::own_password::{OwnPassword, read_own_password};
use super::store::{self, FIRST, SELF_PASSWORD};
use super::{DEVICE_PASSWORD, Employee, Row, areas_of, by_employee, select_areas};
use crate::access::Caller;
use crate::app::App;
use crate::appendix;
use crate::audit::{self, Deed};
use crate::error::{Problem, Result};
use crate::extract::Body;
use crate::input::{Input, Text, brief_value, read_boolean, read_list};
use crate::profile::Profile;
use crate::punches::found_by;
use crate::relation::{AREA, DEPARTMENT, Known, POSITION};
use crate::resource::{self, Columns, Refused, Removable, Resource, Writable, search_text};
use crate::routes::{Kind, Member};
use crate::terminals::sync;
use crate::writing::{self, Writing};
use muster_store::{Sql, Tx};
use sea_query::Alias;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// Names under the path of this list and of the resignations', which goes by code too: no codes.
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
    "disable_att",
    "export",
    "import_emp",
    "import_resign",
    "rehire",
    "reinstatement",
    "resync_to_device",
    "update_emp_photo",
];

pub(super) const EMP_CODE: Text = Text::max(20).like(is_code);
pub(super) const LONGEST_NAME: usize = 100;
pub(super) const NAME: Text = Text::max(LONGEST_NAME).optional();
pub(super) const DIGITS: Text = Text::max(20).optional().like(is_digits);
const PHONE: Text = Text::max(20).optional().like(is_phone);
const EMAIL: Text = Text::max(254)
    .optional()
    .like(is_email)
    .or_say(t!("Enter a valid email address."));
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
pub(super) const PRIVILEGES: [i64; 5] = [0, 1, 2, 6, 14];
/// The least and the most; the least is as the terminal's group has it.
pub(super) const VERIFY_MODES: (i64, i64) = (-1, 255);

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

/// What was given, checked.
#[derive(Clone, Default)]
pub struct Changes {
    pub(super) columns: Columns,
    texts: HashMap<&'static str, Option<String>>,
    /// Of a new one.
    pub(super) emp_code: Option<String>,
    pub(super) areas: Option<Vec<i64>>,
}

impl Changes {
    /// Reads every member that may be written, of a new one, for the stored one, or without either for
    /// several alike; all that is wrong with them is one error.
    pub(super) async fn read(
        app: &App,
        caller: &Caller,
        known: &Known,
        body: &Body,
        is_new: bool,
        stored: Option<&Row>,
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
            ("verify_mode", VERIFY_MODES.0, VERIFY_MODES.1),
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
        if !input.problems.is_empty() {
            // What others have is told when it is stored, which this never is.
            let taken = store::problems(app, &changes, stored).await?;
            input.problems.extend(taken);
        }
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
                    Some(None) => input.problem(name, t!("Must be a valid boolean.")),
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
                // Clients send null for what nobody told them; the client biotime does so.
                None if value.is_null() => {}
                None => {
                    let shown = brief_value(value);
                    input.problem(
                        name,
                        t!("\"{value}\" is not a valid choice.", value = shown),
                    );
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
                        input.problem(name, t!("Not a valid list of roles."));
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
            _ => Err(t!("Not a valid string.").into()),
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
        // Where they would be unless told, they may be beyond what the caller sees.
        let is_biotime = caller.profile == Profile::BioTime;
        let needs_department = is_biotime || !DEPARTMENT.reaches(caller, FIRST);
        if needs_department {
            input.require(DEPARTMENTS);
        }
        if let Some((name, value)) = input.value(DEPARTMENTS) {
            match DEPARTMENT.find(app, caller, known, name, value).await? {
                Ok(Some(id)) => self.columns.set("department_id", id),
                // The first one is for new people; nobody is moved there by an empty value.
                Ok(None) if needs_department || !input.is_new() => {
                    input.problem(name, t!("This field may not be null."));
                }
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
        if is_biotime || !AREA.reaches(caller, FIRST) {
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
            input.problem(name, t!("This list may not be empty."));
            return Ok(());
        }
        if given.len() > 1000 {
            input.problem(
                name,
                t!(
                    "Ensure this field has no more than {count} elements.",
                    count = 1000
                ),
            );
            return Ok(());
        }
        let mut ids = Vec::with_capacity(given.len());
        for value in given {
            match AREA.find(app, caller, known, name, value).await? {
                Ok(Some(id)) if ids.contains(&id) => {}
                Ok(Some(id)) => ids.push(id),
                Ok(None) => input.problem(name, t!("This field may not be null.")),
                Err(problem) => input.problems.push(problem),
            }
        }
        self.areas = Some(ids);
        Ok(())
    }

    /// The card that is given, unless it is taken away.
    pub(super) fn card(&self) -> Option<&str> {
        let card = self.texts.get("card_no")?.as_deref()?;
        Some(card).filter(|card| !card.is_empty())
    }

    /// A text as it will be: given now, or stored already.
    fn text<'a>(&'a self, name: &str, stored: Option<&'a String>) -> &'a str {
        match self.texts.get(name) {
            Some(given) => given.as_deref().unwrap_or_default(),
            None => stored.map_or("", String::as_str),
        }
    }

    pub(super) fn search_text(&self, emp_code: &str, stored: Option<&Row>) -> String {
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

type TextOf = fn(&Row) -> &Option<String>;

/// What a search of people looks into besides what names them: texts of this file's `TEXTS`.
const ALSO_SEARCHED: [(&str, TextOf); 8] = [
    ("city", |row| &row.city),
    ("address", |row| &row.address),
    ("national", |row| &row.national),
    ("religion", |row| &row.religion),
    ("postcode", |row| &row.postcode),
    ("enroll_sn", |row| &row.enroll_sn),
    ("contact_tel", |row| &row.contact_tel),
    ("office_tel", |row| &row.office_tel),
];

impl Changes {
    pub(super) fn search_more(&self, stored: Option<&Row>) -> String {
        let texts = ALSO_SEARCHED.map(|(name, pick)| {
            let stored = stored.and_then(|row| pick(row).as_ref());
            self.text(name, stored)
        });
        search_text(texts)
    }
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

    const LABELS: &'static [(&'static str, &'static str)] = &[
        ("employee_code", "emp_code"),
        ("employee_id", "emp_code"),
        ("personnel_id", "emp_code"),
        ("pin", "emp_code"),
        ("card_number", "card_no"),
        ("department_code", "dept_code"),
        ("date_of_birth", "birthday"),
        ("date_of_joining", "hire_date"),
    ];

    type Change = Changes;

    async fn check(
        app: &App,
        caller: &Caller,
        known: &Known,
        body: &Body,
        stored: Option<&Row>,
    ) -> Result<Changes> {
        Changes::read(app, caller, known, body, stored.is_none(), stored).await
    }

    async fn foresee(app: &App, rows: &[(&Changes, Option<&Row>)]) -> Result<Vec<Refused>> {
        store::foresee(app, rows).await
    }

    async fn store(
        app: &App,
        tx: &mut Writing,
        caller: &Caller,
        changes: Changes,
        stored: Option<Row>,
    ) -> Result<i64> {
        let one = vec![(changes, stored)];
        resource::only(store::store_several(app, tx, caller, one).await?)
    }

    async fn store_several(
        app: &App,
        tx: &mut Writing,
        caller: &Caller,
        rows: Vec<(Changes, Option<Row>)>,
    ) -> Result<Result<Vec<i64>, Vec<Refused>>> {
        store::store_several(app, tx, caller, rows).await
    }

    async fn prepare(app: &App, tx: &mut Writing) -> Result<()> {
        Ok(writing::people_in_order(tx, &app.company.id).await?)
    }

    async fn conclude(app: &App, tx: &mut Writing, caller: &Caller, ids: &[i64]) -> Result<()> {
        store::conclude(app, tx, caller, ids).await
    }

    async fn follow(app: &App, caller: &Caller) -> Result<()> {
        store::tell(app, caller).await
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

/// Whether somebody is there: as the resignation has it, which tells the terminals.
pub async fn set_status(app: &App, tx: &mut Tx, id: i64, status: i16) -> Result<()> {
    tx.run(&Sql::new(
        "UPDATE employee SET status = $2, changed_at = $3 WHERE id = $1 AND status <> $2",
        [id.into(), status.into(), app.clock.now().into()],
    ))
    .await?;
    Ok(())
}

impl Removable for Employee {
    /// The punches stay: transactions of a code, and of nobody. The code is free again.
    async fn remove(
        app: &App,
        tx: &mut Writing,
        caller: &Caller,
        rows: Vec<Row>,
    ) -> Result<Vec<Problem>> {
        let now = app.clock.now();
        writing::people_in_order(tx, &app.company.id).await?;
        let mut codes = Vec::with_capacity(rows.len());
        for some in rows.chunks(500) {
            let ids: Vec<i64> = some.iter().map(|row| row.id).collect();
            let areas = by_employee(tx.all(&select_areas(&ids)).await?);
            let mut delete = resource::delete_rows("employee", &ids);
            let gone: Vec<(i64,)> = tx.all(delete.returning_col(Alias::new("id"))).await?;
            let gone: HashSet<i64> = gone.into_iter().map(|(id,)| id).collect();
            // The others somebody else removed a moment ago.
            let removed = || some.iter().filter(|row| gone.contains(&row.id));
            let deeds = removed().map(|row| Deed {
                action: "delete",
                thing: Employee::NAME,
                thing_id: row.emp_code.clone(),
                before: Some(row.audited(areas.get(&row.id).map_or(&[][..], Vec::as_slice))),
                ..Deed::default()
            });
            audit::write_several(tx, now, caller, deeds).await?;
            codes.extend(removed().map(|row| row.emp_code.as_str()));
        }
        found_by::note_former_codes(tx, &codes).await?;
        sync::concerns(app, tx, caller, &codes).await?;
        tx.after_commit(|app| app.accounts.forget());
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::is_email;

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
