//! A person who punches.

use crate::app::App;
use crate::error::Result;
use crate::punches::record;
use crate::terminals::contact::NOT_AUTHORIZED;
use crate::terminals::roster::Presence;
use muster_protocol::command::{Command, UserFields};
use muster_protocol::upload::User;
use muster_store::{Sql, Tx, fold};

/// A person enrolled at a terminal, of whom nobody knows yet, becomes an employee: code = PIN, area
/// = the terminal's. Of a known one nothing changes: the server's record stands.
pub async fn enrolled_at(app: &App, tx: &mut Tx, terminal: &Presence, user: &User) -> Result<()> {
    if !app.config.terminals.make_employees || !is_code(&user.pin) {
        return Ok(());
    }
    let now = app.clock.now();
    let privilege = if app.config.terminals.raise_privilege {
        user.privilege.unwrap_or(0)
    } else {
        0
    };
    let name = user.name.as_deref().filter(|name| !name.is_empty());
    let made: Option<(i64,)> = tx
        .find(&Sql::new(
            "INSERT INTO employee (company_id, emp_code, first_name, card_no, department_id, position_id, \
                 verify_mode, dev_privilege, enroll_sn, search_text, created_at, changed_at) \
             VALUES ($1, $2, $3, $4, 1, 1, $5, $6, $7, $8, $9, $9) ON CONFLICT DO NOTHING RETURNING id",
            [
                app.company.id.clone().into(),
                user.pin.clone().into(),
                name.map(str::to_owned).into(),
                user.card.clone().into(),
                user.verify_mode.map(i64::from).into(),
                privilege.into(),
                terminal.sn.as_str().into(),
                fold(&format!("{} {}", user.pin, name.unwrap_or_default())).into(),
                now.into(),
            ],
        ))
        .await?;
    let Some((id,)) = made else { return Ok(()) };
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
    Ok(())
}

/// What may be an employee's code: `^[A-Za-z0-9_-]{1,20}$`.
fn is_code(text: &str) -> bool {
    (1..=20).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
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
