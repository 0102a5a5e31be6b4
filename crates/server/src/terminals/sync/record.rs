//! A person's record as a terminal is told it, and as it shows it.

use crate::app::App;
use crate::error::{Error, Result};
use crate::resources::employee;
use crate::terminals::contact::NOT_AUTHORIZED;
use muster_protocol::command::{AccessUserFields, Command, UserFields};
use muster_protocol::handshake::Family;
use muster_protocol::person::card_number;
use muster_protocol::secret::Secret;
use muster_protocol::upload::User;
use muster_store::{Sql, Tx, json_list};
use std::collections::HashSet;

/// The time zone and the door of an access terminal its people may always use; without them they are
/// known and refused.
const ALWAYS: u32 = 1;
const FIRST_DOOR: u32 = 1;
/// What the manual's 1 is to a terminal.
const ADMINISTRATOR: i16 = 14;

/// What terminals are to know of a person.
#[derive(Debug, sqlx::FromRow)]
pub struct Person {
    pub emp_code: String,
    first_name: Option<String>,
    last_name: Option<String>,
    card_no: Option<String>,
    dev_privilege: i16,
    verify_mode: Option<i64>,
    device_password_sealed: Option<Vec<u8>>,
}

/// Those of these people who are there and have not resigned. The plus keeps SQLite from looking at all who have not.
pub async fn people(app: &App, tx: &mut Tx, pins: &[&str]) -> Result<Vec<Person>> {
    Ok(tx
        .all(&Sql::by_dialect(
            "SELECT emp_code, first_name, last_name, card_no, dev_privilege, verify_mode, device_password_sealed \
             FROM employee WHERE company_id = $1 AND +status = 0 AND emp_code IN (SELECT value FROM json_each($2))",
            "SELECT emp_code, first_name, last_name, card_no, dev_privilege, verify_mode, device_password_sealed \
             FROM employee WHERE company_id = $1 AND status = 0 \
                 AND emp_code = ANY(ARRAY(SELECT jsonb_array_elements_text($2::jsonb)))",
            [
                app.company.id.clone().into(),
                json_list(pins.iter().copied()),
            ],
        ))
        .await?)
}

/// Those of these people who belong on no terminal: they have resigned, or are not valid today.
pub async fn ended(app: &App, tx: &mut Tx, pins: &[&str]) -> Result<HashSet<String>> {
    let pins: Vec<(String,)> = tx
        .all(&Sql::by_dialect(
            "SELECT emp_code FROM employee \
             WHERE company_id = $1 AND emp_code IN (SELECT value FROM json_each($2)) \
                 AND (status <> 0 OR validity_start_on > $3 OR validity_end_on < $3)",
            "SELECT emp_code FROM employee \
             WHERE company_id = $1 AND emp_code = ANY(ARRAY(SELECT jsonb_array_elements_text($2::jsonb))) \
                 AND (status <> 0 OR validity_start_on > $3 OR validity_end_on < $3)",
            [
                app.company.id.clone().into(),
                json_list(pins.iter().copied()),
                app.today().into(),
            ],
        ))
        .await?;
    Ok(pins.into_iter().map(|(pin,)| pin).collect())
}

/// Somebody who belongs on a terminal now.
pub async fn belonging(app: &App, terminal_id: i64, emp_code: &str) -> Result<Option<Person>> {
    Ok(app
        .store
        .find(&Sql::new(
            "SELECT e.emp_code, e.first_name, e.last_name, e.card_no, e.dev_privilege, e.verify_mode, \
                 e.device_password_sealed \
             FROM employee AS e JOIN employee_area AS a ON a.employee_id = e.id \
             JOIN terminal AS t ON t.area_id = a.area_id AND t.company_id = e.company_id \
             WHERE e.company_id = $1 AND e.emp_code = $2 AND e.status = 0 AND t.id = $3 AND a.area_id <> $4 \
                 AND t.cleared_by IS NULL \
                 AND COALESCE(e.validity_start_on, $5) <= $5 AND COALESCE(e.validity_end_on, $5) >= $5",
            [
                app.company.id.clone().into(),
                emp_code.into(),
                terminal_id.into(),
                NOT_AUTHORIZED.into(),
                app.today().into(),
            ],
        ))
        .await?)
}

/// A way to verify that is none of the person's own.
const AS_ITS_GROUP: i16 = -1;

/// A record, in no terminal's words yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pin: String,
    name: String,
    privilege: i16,
    password: Secret,
    card: String,
    verify_mode: Option<i16>,
}

impl Record {
    pub fn of(app: &App, person: &Person) -> Result<Record> {
        let password = match &person.device_password_sealed {
            None => Vec::new(),
            Some(sealed) => app
                .keys
                .open(employee::DEVICE_PASSWORD, sealed)
                .map_err(|error| Error::Internal(error.into()))?,
        };
        Ok(Record {
            pin: person.emp_code.clone(),
            name: employee::name(person.first_name.as_deref(), person.last_name.as_deref()),
            privilege: match person.dev_privilege {
                1 => ADMINISTRATOR,
                privilege => privilege,
            },
            password: Secret::new(String::from_utf8_lossy(&password).into_owned()),
            card: person.card_no.clone().unwrap_or_default(),
            verify_mode: person.verify_mode.and_then(|mode| i16::try_from(mode).ok()),
        })
    }

    pub fn for_attendance(&self) -> UserFields {
        UserFields {
            pin: self.pin.clone(),
            name: Some(self.name.clone()),
            privilege: Some(self.privilege),
            password: Some(self.password.clone()),
            card: Some(self.card.clone()),
            // What a command leaves out stays as it was on the terminal.
            verify_mode: Some(self.verify_mode.unwrap_or(AS_ITS_GROUP)),
            ..UserFields::default()
        }
    }

    pub fn command(&self, family: Family) -> Command {
        match family {
            Family::Attendance => Command::UpdateUser(self.for_attendance()),
            Family::Access => Command::AccessUpdateUser(AccessUserFields {
                pin: self.pin.clone(),
                card: self.card.clone(),
                password: self.password.clone(),
                group: 0,
                start: "0".into(),
                end: "0".into(),
                name: self.name.clone(),
                privilege: self.privilege,
            }),
        }
    }

    /// This record as it would be if a terminal showed the person right: equal to this one when they
    /// agree. Terminals spell cards without leading zeros; what a row leaves out says nothing.
    pub fn as_shown(&self, user: &User) -> Record {
        let card = user.card.clone().unwrap_or_default();
        Record {
            pin: self.pin.clone(),
            name: user.name.clone().unwrap_or_else(|| self.name.clone()),
            privilege: user.privilege.unwrap_or(self.privilege),
            password: user
                .password
                .clone()
                .unwrap_or_else(|| self.password.clone()),
            card: if card_number(&self.card).unwrap_or_default() == card {
                self.card.clone()
            } else {
                card
            },
            verify_mode: self.verify_mode.and(user.verify_mode.or(self.verify_mode)),
        }
    }

    /// Whether a terminal that shows the person so has everything but the name as it should: old ones cut names,
    /// and spell them in letters of their own.
    pub fn differs_in_name_alone(&self, user: &User) -> bool {
        let shown = Record {
            name: self.name.clone(),
            ..self.as_shown(user)
        };
        shown == *self
    }

    /// The leave to pass an access terminal's door.
    pub fn authorisation(&self) -> Command {
        Command::AccessAuthorize {
            pin: self.pin.clone(),
            time_zone: ALWAYS,
            door: FIRST_DOOR,
        }
    }
}

/// Tells a text from another without telling it: it may hold a password.
pub fn digest(app: &App, text: &str) -> Vec<u8> {
    app.keys.digest(text.as_bytes())
}
