//! People enrolled at a terminal.

use super::write::{DIGITS, EMP_CODE, LONGEST_NAME, NAME, PRIVILEGES, VERIFY_MODES};
use super::{DEVICE_PASSWORD, Employee, VALID};
use crate::access::Caller;
use crate::app::App;
use crate::audit::{self, Deed};
use crate::error::Result;
use crate::input::{Text, read_text};
use crate::resource::{Columns, Resource, search_text};
use crate::resources::employee;
use crate::terminals::roster::Presence;
use muster_protocol::person::card_number;
use muster_protocol::secret::Secret;
use muster_protocol::upload::User;
use muster_store::{Sql, Tx};
use serde_json::{Map, json};

/// What became of somebody a terminal brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enrolled {
    /// The new employee's id; the punches that wait for the code are the caller's to adopt. `as_shown`: with
    /// all that the row says.
    Made { id: i64, as_shown: bool },
    /// Was an employee before. `as_shown`: the server's record says the same, by now.
    Known { as_shown: bool },
    /// Is no employee, and does not become one.
    Nobody,
}

/// A person enrolled at a terminal, of whom nobody knows yet, becomes an employee: code = PIN, area
/// = the terminal's; what no employee can have is left out. Of a known one only what the server lacks is
/// taken over: a name, a card, a password, a way to verify; a higher privilege where the setting allows it.
/// Everything else stands as the server has it, because whoever knows a serial number can speak for a
/// terminal; of somebody it has no say in (`is_stranger`) everything.
pub async fn enrolled_at(
    app: &App,
    tx: &mut Tx,
    terminal: &Presence,
    user: &User,
    is_stranger: bool,
) -> Result<Enrolled> {
    if let Some(known) = find(app, tx, &user.pin).await? {
        let as_shown = complete(app, tx, terminal, &known, user, is_stranger).await?;
        return Ok(Enrolled::Known { as_shown });
    }
    let is_code = read_text(&user.pin.as_str().into(), EMP_CODE).is_ok();
    if !app.settings().terminals.make_employees || !is_code {
        return Ok(Enrolled::Nobody);
    }
    let now = app.clock.now();
    let mut said = Said::by(user);
    if let Some(card) = &said.card
        && is_used(app, tx, card).await?
    {
        said.card = None;
        said.fits = false;
    }
    let privilege = user
        .privilege
        .filter(|_| app.settings().terminals.raise_privilege)
        .unwrap_or(0);
    let privilege = if is_privilege(privilege) {
        privilege
    } else {
        said.fits = false;
        0
    };
    let sealed = said
        .password
        .as_ref()
        .map(|password| app.keys.seal(DEVICE_PASSWORD, password.expose().as_bytes()));
    let made: Option<(i64,)> = tx
        .find(&Sql::new(
            "INSERT INTO employee (company_id, emp_code, first_name, card_no, device_password_sealed, department_id, \
                 verify_mode, dev_privilege, enroll_sn, search_text, created_at, changed_at) \
             VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9, $10, $10) ON CONFLICT DO NOTHING RETURNING id",
            [
                app.company.id.clone().into(),
                user.pin.clone().into(),
                said.name.clone().into(),
                said.card.clone().into(),
                sealed.into(),
                said.verify_mode.into(),
                privilege.into(),
                terminal.sn.as_str().into(),
                search_text([
                    said.name.as_deref().unwrap_or_default(),
                    "",
                    user.pin.as_str(),
                    "",
                    said.card.as_deref().unwrap_or_default(),
                    "",
                    "",
                ])
                .into(),
                now.into(),
            ],
        ))
        .await?;
    let Some((id,)) = made else {
        return Ok(Enrolled::Known { as_shown: false });
    };
    tx.run(&Sql::new(
        "INSERT INTO employee_area (employee_id, area_id) VALUES ($1, $2)",
        [id.into(), terminal.area_id.into()],
    ))
    .await?;
    let deed = Deed {
        action: "create",
        thing: Employee::NAME,
        thing_id: user.pin.clone(),
        after: audit::members(json!({
            "emp_code": user.pin,
            "first_name": said.name,
            "dev_privilege": privilege,
            "enroll_sn": terminal.sn.as_str(),
        })),
        ..Deed::default()
    };
    audit::write(tx, now, &Caller::system(), deed).await?;
    let as_shown = said.fits;
    Ok(Enrolled::Made { id, as_shown })
}

/// What a row says of somebody, as far as the rules of an employee's fields allow it.
struct Said {
    name: Option<String>,
    card: Option<String>,
    password: Option<Secret>,
    verify_mode: Option<i64>,
    /// Nothing had to be left out.
    fits: bool,
}

impl Said {
    fn by(user: &User) -> Said {
        let mut fits = true;
        let mut read = |text: Option<&str>, rule: Text| {
            let text = text.filter(|text| !text.is_empty())?;
            let text = read_text(&text.into(), rule).ok();
            fits &= text.is_some();
            text.flatten().filter(|text| !text.is_empty())
        };
        // The beginning of a long one is a name, too.
        let name = user.name.as_deref().map(|name| cut(name, LONGEST_NAME));
        let name = read(name.as_deref(), NAME);
        let card = read(user.card.as_deref(), DIGITS);
        let password = read(user.password.as_ref().map(Secret::expose), DIGITS);
        let (least, most) = VERIFY_MODES;
        let given = user.verify_mode.map(i64::from);
        let verify_mode = given.filter(|mode| (least..=most).contains(mode));
        Said {
            name,
            card,
            password: password.map(Secret::new),
            verify_mode,
            fits: fits && verify_mode == given,
        }
    }
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

fn is_privilege(privilege: i16) -> bool {
    PRIVILEGES.contains(&privilege.into())
}

#[derive(sqlx::FromRow)]
struct Known {
    id: i64,
    status: i16,
    first_name: Option<String>,
    last_name: Option<String>,
    card_no: Option<String>,
    dev_privilege: i16,
    verify_mode: Option<i64>,
    device_password_sealed: Option<Vec<u8>>,
}

async fn find(app: &App, tx: &mut Tx, pin: &str) -> Result<Option<Known>> {
    Ok(tx
        .find(&Sql::new(
            "SELECT id, status, first_name, last_name, card_no, dev_privilege, verify_mode, device_password_sealed \
             FROM employee WHERE company_id = $1 AND emp_code = $2",
            [app.company.id.clone().into(), pin.into()],
        ))
        .await?)
}

/// Takes over what the server lacks of somebody. `false`: something of the row was not.
async fn complete(
    app: &App,
    tx: &mut Tx,
    terminal: &Presence,
    known: &Known,
    user: &User,
    is_stranger: bool,
) -> Result<bool> {
    if known.status != VALID {
        return Ok(false);
    }
    let said = Said::by(user);
    let mut as_shown = said.fits;
    let mut columns = Columns::default();
    let mut after = Map::new();
    if let Some(name) = said.name {
        let known_as = employee::name(known.first_name.as_deref(), known.last_name.as_deref());
        if known_as.is_empty() {
            after.insert("first_name".into(), name.clone().into());
            columns.set("first_name", name);
        } else {
            // A terminal keeps the beginning of a name.
            as_shown &= known_as.starts_with(&name);
        }
    }
    if let Some(card) = said.card {
        let known_card = known.card_no.as_deref();
        if known_card.is_some_and(|card| !card.trim().is_empty()) {
            as_shown &= known_card.and_then(card_number) == Some(card);
        } else if is_used(app, tx, &card).await? {
            as_shown = false;
        } else {
            after.insert("card_no".into(), card.clone().into());
            columns.set("card_no", card);
        }
    }
    if known.device_password_sealed.is_none()
        && let Some(password) = said.password
    {
        let sealed = app.keys.seal(DEVICE_PASSWORD, password.expose().as_bytes());
        after.insert("device_password".into(), true.into());
        columns.set("device_password_sealed", sealed);
    }
    if known.verify_mode.is_none()
        && let Some(mode) = said.verify_mode.filter(|mode| *mode >= 0)
    {
        after.insert("verify_mode".into(), mode.into());
        columns.set("verify_mode", mode);
    }
    // The manual's 1 is an administrator, a terminal's 14.
    let has = match known.dev_privilege {
        1 => 14,
        privilege => privilege,
    };
    if let Some(privilege) = user.privilege.filter(|privilege| *privilege > has) {
        if app.settings().terminals.raise_privilege && is_privilege(privilege) {
            after.insert("dev_privilege".into(), privilege.into());
            columns.set("dev_privilege", privilege);
        } else {
            as_shown = false;
        }
    }
    if columns.is_empty() {
        return Ok(as_shown);
    }
    if is_stranger {
        return Ok(false);
    }
    let now = app.clock.now();
    columns.set("changed_at", now);
    tx.run(&columns.update("employee", known.id)).await?;
    after.insert("terminal_sn".into(), terminal.sn.as_str().into());
    let deed = Deed {
        action: "complete",
        thing: Employee::NAME,
        thing_id: user.pin.clone(),
        after: Some(after),
        ..Deed::default()
    };
    audit::write(tx, now, &Caller::system(), deed).await?;
    Ok(as_shown)
}

/// Two people with one card could not be told apart at a terminal.
async fn is_used(app: &App, tx: &mut Tx, card: &str) -> Result<bool> {
    let other: Option<(i64,)> = tx
        .find(&Sql::new(
            "SELECT id FROM employee WHERE card_no = $2 AND company_id = $1 AND status = $3 LIMIT 1",
            [
                app.company.id.clone().into(),
                card.into(),
                VALID.into(),
            ],
        ))
        .await?;
    Ok(other.is_some())
}
