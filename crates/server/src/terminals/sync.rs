//! Who belongs on which terminal: what a terminal should hold of people is compared with what it was
//! told, and the difference is queued. The owner of the table `terminal_person`.
//!
//! A person belongs on the terminals of the person's areas, but for area 1, while valid and not
//! resigned. Whoever changes that calls [`concerns`] in the same transaction.

use crate::access::Caller;
use crate::app::App;
use crate::error::{Error, Result};
use crate::punches::record;
use crate::resources::employee;
use crate::terminals::commands;
use crate::terminals::contact::{NOT_AUTHORIZED, family_of};
use crate::terminals::people::BioKind;
use crate::terminals::roster::Presence;
use crate::writing::Writing;
use muster_protocol::command::{AccessUserFields, Command, UserFields};
use muster_protocol::handshake::Family;
use muster_protocol::secret::Secret;
use muster_store::{Sql, Tx, json_list};
use std::collections::BTreeMap;

/// People compared at a time.
const TOGETHER: usize = 500;
/// The time zone and the door of an access terminal its people may always use; without them they are
/// known and refused.
const ALWAYS: u32 = 1;
const FIRST_DOOR: u32 = 1;
/// What the manual's 1 is to a terminal.
const ADMINISTRATOR: i16 = 14;
/// So many times [`TOGETHER`] at one go of [`settle`].
const MOST_STEPS: usize = 20;

/// What terminals are to know of a person.
#[derive(Debug, sqlx::FromRow)]
struct Person {
    emp_code: String,
    first_name: Option<String>,
    last_name: Option<String>,
    card_no: Option<String>,
    dev_privilege: i16,
    verify_mode: Option<i64>,
    device_password_sealed: Option<Vec<u8>>,
}

/// A person and one of the terminals where that person belongs.
#[derive(Debug, sqlx::FromRow)]
struct Belonging {
    terminal_id: i64,
    family: String,
    #[sqlx(flatten)]
    person: Person,
}

/// A terminal that has somebody's record.
#[derive(Debug, sqlx::FromRow)]
struct Holding {
    terminal_id: i64,
    family: String,
    pin: String,
    digest: Option<Vec<u8>>,
}

/// These people came, changed, moved or went; `emp_codes` may name some that are no longer there.
/// Queues what their terminals are to be told, and nothing that they were told already. The caller's
/// transaction has taken its place among those that change people (`punches::record::in_order`).
pub async fn concerns<S: AsRef<str>>(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    emp_codes: &[S],
) -> Result<()> {
    for some in emp_codes.chunks(TOGETHER) {
        close_difference(app, tx, caller, some, false).await?;
    }
    Ok(())
}

/// Tells their terminals these people's records, told before or not.
pub async fn repeat<S: AsRef<str>>(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    emp_codes: &[S],
) -> Result<()> {
    for some in emp_codes.chunks(TOGETHER) {
        close_difference(app, tx, caller, some, true).await?;
    }
    Ok(())
}

/// What of its people a terminal is told again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct What {
    /// Names, cards, passwords, privileges.
    pub records: bool,
    pub kinds: Vec<BioKind>,
}

impl What {
    pub fn everything() -> What {
        What {
            records: true,
            kinds: BioKind::FLAGS.iter().map(|(_, kind)| *kind).collect(),
        }
    }
}

/// Tells a terminal its people again, told before or not; also one that was emptied.
pub async fn repeat_terminal(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    terminal_id: i64,
    what: &What,
) -> Result<()> {
    if !what.records {
        return Ok(());
    }
    let belonging: Vec<Belonging> = tx
        .all(&Sql::new(
            "SELECT t.id AS terminal_id, t.family, e.emp_code, e.first_name, e.last_name, e.card_no, e.dev_privilege, \
                 e.verify_mode, e.device_password_sealed \
             FROM employee AS e JOIN employee_area AS a ON a.employee_id = e.id \
             JOIN terminal AS t ON t.area_id = a.area_id AND t.company_id = e.company_id \
             WHERE t.id = $1 AND e.status = 0 AND a.area_id <> $2 \
                 AND COALESCE(e.validity_start_on, $3) <= $3 AND COALESCE(e.validity_end_on, $3) >= $3 \
             ORDER BY e.id",
            [terminal_id.into(), NOT_AUTHORIZED.into(), app.today().into()],
        ))
        .await?;
    for Belonging { family, person, .. } in belonging {
        let pin = person.emp_code.clone();
        let commands = record_of(app, person)?.commands(family_of(&family));
        let digest = digest(app, &commands);
        commands::queue(app, tx, caller, terminal_id, &commands).await?;
        put(app, tx, terminal_id, &pin, Some(digest)).await?;
    }
    Ok(())
}

async fn close_difference<S: AsRef<str>>(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    emp_codes: &[S],
    again: bool,
) -> Result<()> {
    let codes = || json_list(emp_codes.iter().map(|code| code.as_ref()));
    let belonging: Vec<Belonging> = tx
        .all(&Sql::by_dialect(
            "SELECT t.id AS terminal_id, t.family, e.emp_code, e.first_name, e.last_name, e.card_no, e.dev_privilege, \
                 e.verify_mode, e.device_password_sealed \
             FROM employee AS e JOIN employee_area AS a ON a.employee_id = e.id \
             JOIN terminal AS t ON t.area_id = a.area_id AND t.company_id = e.company_id \
             WHERE e.company_id = $1 AND e.emp_code IN (SELECT value FROM json_each($2)) AND e.status = 0 \
                 AND a.area_id <> $3 AND COALESCE(e.validity_start_on, $4) <= $4 AND COALESCE(e.validity_end_on, $4) >= $4 \
             ORDER BY t.id, e.id",
            "SELECT t.id AS terminal_id, t.family, e.emp_code, e.first_name, e.last_name, e.card_no, e.dev_privilege, \
                 e.verify_mode, e.device_password_sealed \
             FROM employee AS e JOIN employee_area AS a ON a.employee_id = e.id \
             JOIN terminal AS t ON t.area_id = a.area_id AND t.company_id = e.company_id \
             WHERE e.company_id = $1 AND e.emp_code IN (SELECT jsonb_array_elements_text($2::jsonb)) AND e.status = 0 \
                 AND a.area_id <> $3 AND COALESCE(e.validity_start_on, $4) <= $4 AND COALESCE(e.validity_end_on, $4) >= $4 \
             ORDER BY t.id, e.id",
            [
                app.company.id.clone().into(),
                codes(),
                NOT_AUTHORIZED.into(),
                app.today().into(),
            ],
        ))
        .await?;
    // A held terminal keeps what it has: it is told nothing.
    let holding: Vec<Holding> = tx
        .all(&Sql::by_dialect(
            "SELECT h.terminal_id, t.family, h.pin, h.digest FROM terminal_person AS h \
             JOIN terminal AS t ON t.id = h.terminal_id \
             WHERE t.company_id = $1 AND h.pin IN (SELECT value FROM json_each($2)) AND t.area_id <> $3",
            "SELECT h.terminal_id, t.family, h.pin, h.digest FROM terminal_person AS h \
             JOIN terminal AS t ON t.id = h.terminal_id \
             WHERE t.company_id = $1 AND h.pin IN (SELECT jsonb_array_elements_text($2::jsonb)) AND t.area_id <> $3",
            [app.company.id.clone().into(), codes(), NOT_AUTHORIZED.into()],
        ))
        .await?;
    let mut told: BTreeMap<(i64, String), Holding> = holding
        .into_iter()
        .map(|holding| ((holding.terminal_id, holding.pin.clone()), holding))
        .collect();
    for Belonging {
        terminal_id,
        family,
        person,
    } in belonging
    {
        let pin = person.emp_code.clone();
        let commands = record_of(app, person)?.commands(family_of(&family));
        let digest = digest(app, &commands);
        let known = told.remove(&(terminal_id, pin.clone()));
        if again || known.is_none_or(|known| known.digest != Some(digest.clone())) {
            commands::queue(app, tx, caller, terminal_id, &commands).await?;
            put(app, tx, terminal_id, &pin, Some(digest)).await?;
        }
    }
    for ((terminal_id, pin), holding) in told {
        let commands = removal(family_of(&holding.family), &pin);
        commands::queue(app, tx, caller, terminal_id, &commands).await?;
        tx.run(&Sql::new(
            "DELETE FROM terminal_person WHERE terminal_id = $1 AND pin = $2",
            [terminal_id.into(), pin.into()],
        ))
        .await?;
    }
    Ok(())
}

/// A terminal brought somebody's record. When it made an employee (`is_new`), what it has is what the
/// server has, and the other terminals of its area are told.
pub async fn enrolled_at(
    app: &App,
    tx: &mut Writing,
    terminal: &Presence,
    pin: &str,
    is_new: bool,
) -> Result<()> {
    if !is_new {
        tx.run(&Sql::new(
            "INSERT INTO terminal_person (terminal_id, pin, changed_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            [terminal.id.into(), pin.into(), app.clock.now().into()],
        ))
        .await?;
        return Ok(());
    }
    let digest = find(app, tx, pin)
        .await?
        .map(|person| record_of(app, person))
        .transpose()?
        .map(|record| digest(app, &record.commands(terminal.family())));
    put(app, tx, terminal.id, pin, digest).await?;
    concerns(app, tx, &Caller::system(), &[pin]).await
}

async fn put(
    app: &App,
    tx: &mut Tx,
    terminal_id: i64,
    pin: &str,
    digest: Option<Vec<u8>>,
) -> Result<()> {
    tx.run(&Sql::new(
        "INSERT INTO terminal_person (terminal_id, pin, digest, changed_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (terminal_id, pin) DO UPDATE SET digest = excluded.digest, changed_at = excluded.changed_at",
        [
            terminal_id.into(),
            pin.into(),
            digest.into(),
            app.clock.now().into(),
        ],
    ))
    .await?;
    Ok(())
}

async fn find(app: &App, tx: &mut Tx, emp_code: &str) -> Result<Option<Person>> {
    Ok(tx
        .find(&Sql::new(
            "SELECT emp_code, first_name, last_name, card_no, dev_privilege, verify_mode, device_password_sealed \
             FROM employee WHERE company_id = $1 AND emp_code = $2 AND status = 0",
            [app.company.id.clone().into(), emp_code.into()],
        ))
        .await?)
}

/// The record of somebody who belongs on the terminal, when it asks who that is. Of others it learns
/// nothing: whoever knows a serial number can ask.
pub async fn asked_for(app: &App, terminal_id: i64, emp_code: &str) -> Result<Option<Command>> {
    let found: Option<Person> = app
        .store
        .find(&Sql::new(
            "SELECT e.emp_code, e.first_name, e.last_name, e.card_no, e.dev_privilege, e.verify_mode, \
                 e.device_password_sealed \
             FROM employee AS e JOIN employee_area AS a ON a.employee_id = e.id \
             JOIN terminal AS t ON t.area_id = a.area_id AND t.company_id = e.company_id \
             WHERE e.company_id = $1 AND e.emp_code = $2 AND e.status = 0 AND t.id = $3 AND a.area_id <> $4 \
                 AND COALESCE(e.validity_start_on, $5) <= $5 AND COALESCE(e.validity_end_on, $5) >= $5",
            [
                app.company.id.clone().into(),
                emp_code.into(),
                terminal_id.into(),
                NOT_AUTHORIZED.into(),
                app.today().into(),
            ],
        ))
        .await?;
    Ok(found
        .map(|person| record_of(app, person))
        .transpose()?
        .map(|record| Command::UpdateUser(record.for_attendance())))
}

/// Terminals that have somebody's record or templates, and do not wait in area 1.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Holder {
    pub terminal_id: i64,
    pub family: String,
    /// Takes templates as BIODATA: it says so, or has sent such rows.
    pub speaks_biodata: bool,
}

pub async fn holders(app: &App, tx: &mut Tx, pin: &str) -> Result<Vec<Holder>> {
    let holders: Vec<Holder> = tx
        .all(&Sql::new(
            "SELECT t.id AS terminal_id, t.family, \
                 EXISTS (SELECT 1 FROM terminal_option AS o WHERE o.terminal_id = t.id \
                         AND (o.name = 'BioDataFun' AND o.value = '1' \
                              OR o.name = 'MultiBioDataSupport' AND o.value LIKE '%1%')) \
                 OR EXISTS (SELECT 1 FROM biometric AS b WHERE b.terminal_sn = t.sn AND b.source = 'biodata') \
                 AS speaks_biodata \
             FROM terminal AS t WHERE t.company_id = $1 AND t.area_id <> $3 \
                 AND (EXISTS (SELECT 1 FROM terminal_person AS h WHERE h.terminal_id = t.id AND h.pin = $2) \
                      OR t.sn IN (SELECT b.terminal_sn FROM biometric AS b WHERE b.company_id = $1 AND b.pin = $2)) \
             ORDER BY t.id",
            [
                app.company.id.clone().into(),
                pin.into(),
                NOT_AUTHORIZED.into(),
            ],
        ))
        .await?;
    Ok(holders)
}

/// What changed without anybody naming the people: a terminal was authorised, moved or replaced, a
/// validity began or ended. Terminals get whom they lack, and lose whom they were told of and who no
/// longer belongs there; people whom a terminal brought itself stay until somebody changes them.
///
/// In transactions of a few hundred people, so that punches need not wait, and so many at most; the
/// next time goes on.
pub async fn settle(app: &App) -> Result<()> {
    for _ in 0..MOST_STEPS {
        let codes: Vec<(String,)> = app
            .store
            .all(&Sql::new(
                "SELECT e.emp_code FROM employee AS e JOIN employee_area AS a ON a.employee_id = e.id \
                 JOIN terminal AS t ON t.area_id = a.area_id AND t.company_id = e.company_id \
                 WHERE e.company_id = $1 AND e.status = 0 AND a.area_id <> $2 \
                     AND COALESCE(e.validity_start_on, $3) <= $3 AND COALESCE(e.validity_end_on, $3) >= $3 \
                     AND NOT EXISTS (SELECT 1 FROM terminal_person AS h \
                                     WHERE h.terminal_id = t.id AND h.pin = e.emp_code) \
                 UNION SELECT h.pin FROM terminal_person AS h JOIN terminal AS t ON t.id = h.terminal_id \
                 WHERE t.company_id = $1 AND t.area_id <> $2 AND h.digest IS NOT NULL AND NOT EXISTS ( \
                     SELECT 1 FROM employee AS e JOIN employee_area AS a ON a.employee_id = e.id \
                     WHERE e.company_id = $1 AND e.emp_code = h.pin AND e.status = 0 AND a.area_id = t.area_id \
                         AND COALESCE(e.validity_start_on, $3) <= $3 AND COALESCE(e.validity_end_on, $3) >= $3) \
                 LIMIT $4",
                [
                    app.company.id.clone().into(),
                    NOT_AUTHORIZED.into(),
                    app.today().into(),
                    (TOGETHER as i64).into(),
                ],
            ))
            .await?;
        if codes.is_empty() {
            return Ok(());
        }
        let codes: Vec<String> = codes.into_iter().map(|(code,)| code).collect();
        let mut tx = Writing::begin(app).await?;
        record::in_order(&mut tx, &app.company.id).await?;
        concerns(app, &mut tx, &Caller::system(), &codes).await?;
        tx.commit(app).await?;
        if codes.len() < TOGETHER {
            return Ok(());
        }
    }
    Ok(())
}

/// Another device stands in a terminal's place: it has been told nothing.
pub async fn replaced(tx: &mut Tx, terminal_id: i64) -> Result<()> {
    tx.run(&Sql::new(
        "DELETE FROM terminal_person WHERE terminal_id = $1",
        [terminal_id.into()],
    ))
    .await?;
    Ok(())
}

// ---- the record -------------------------------------------------------------------------------

struct Record {
    pin: String,
    name: String,
    privilege: i16,
    password: Secret,
    card: String,
    verify_mode: Option<i16>,
}

fn record_of(app: &App, person: Person) -> Result<Record> {
    let password = match &person.device_password_sealed {
        None => Vec::new(),
        Some(sealed) => app
            .keys
            .open(employee::DEVICE_PASSWORD, sealed)
            .map_err(|error| Error::Internal(error.into()))?,
    };
    let names: Vec<&str> = [&person.first_name, &person.last_name]
        .into_iter()
        .flatten()
        .map(|name| name.trim())
        .filter(|name| !name.is_empty())
        .collect();
    Ok(Record {
        name: names.join(" "),
        privilege: match person.dev_privilege {
            1 => ADMINISTRATOR,
            privilege => privilege,
        },
        password: Secret::new(String::from_utf8_lossy(&password).into_owned()),
        card: person.card_no.unwrap_or_default(),
        verify_mode: person.verify_mode.and_then(|mode| i16::try_from(mode).ok()),
        pin: person.emp_code,
    })
}

impl Record {
    fn for_attendance(self) -> UserFields {
        UserFields {
            pin: self.pin,
            name: Some(self.name),
            privilege: Some(self.privilege),
            password: Some(self.password),
            card: Some(self.card),
            verify_mode: self.verify_mode,
            ..UserFields::default()
        }
    }

    fn commands(self, family: Family) -> Vec<Command> {
        match family {
            Family::Attendance => vec![Command::UpdateUser(self.for_attendance())],
            Family::Access => vec![
                Command::AccessUpdateUser(AccessUserFields {
                    pin: self.pin.clone(),
                    card: self.card,
                    password: self.password,
                    group: 0,
                    start: "0".into(),
                    end: "0".into(),
                    name: self.name,
                    privilege: self.privilege,
                }),
                Command::AccessAuthorize {
                    pin: self.pin,
                    time_zone: ALWAYS,
                    door: FIRST_DOOR,
                },
            ],
        }
    }
}

fn removal(family: Family, pin: &str) -> Vec<Command> {
    let pin = pin.to_owned();
    match family {
        Family::Attendance => vec![Command::DeleteUser { pin }],
        Family::Access => vec![
            Command::AccessDeleteAuthorization { pin: pin.clone() },
            Command::AccessDeleteUser { pin },
        ],
    }
}

/// Tells a record from another without telling it: it holds a password.
fn digest(app: &App, commands: &[Command]) -> Vec<u8> {
    let texts: Vec<String> = commands
        .iter()
        .filter_map(|command| command.encode().ok())
        .collect();
    app.keys.digest(texts.join("\n").as_bytes())
}
