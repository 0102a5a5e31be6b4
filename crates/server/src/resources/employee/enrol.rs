//! People enrolled at a terminal.

use super::write::is_code;
use super::{DEVICE_PASSWORD, Employee};
use crate::access::Caller;
use crate::app::App;
use crate::audit::{self, Deed};
use crate::error::Result;
use crate::punches::record;
use crate::resource::{Resource, search_text};
use crate::terminals::contact::NOT_AUTHORIZED;
use crate::terminals::roster::Presence;
use muster_protocol::upload::User;
use muster_store::{Sql, Tx};
use serde_json::json;

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
                    .seal(DEVICE_PASSWORD, password.expose().as_bytes())
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
    record::adopt(tx, &app.company.id, &[id]).await?;
    let deed = Deed {
        action: "create",
        thing: Employee::NAME,
        thing_id: user.pin.clone(),
        after: audit::members(json!({
            "emp_code": user.pin,
            "first_name": name,
            "dev_privilege": privilege,
            "enroll_sn": terminal.sn.as_str(),
        })),
        ..Deed::default()
    };
    audit::write(tx, now, &Caller::system(), deed).await?;
    Ok(true)
}
