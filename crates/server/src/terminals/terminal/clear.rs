//! Restarting terminals, and emptying them.

use super::tell::{self, TERMINALS, Telling};
use super::{Row, Terminal};
use crate::access::Right;
use crate::answer::Answer;
use crate::audit::{self, Deed};
use crate::error::Result;
use crate::extract::Call;
use crate::resource::{self, Resource};
use crate::routes::{Endpoint, Kind, Member};
use crate::terminals::{commands, sync};
use crate::writing::{self, Writing};
use muster_protocol::command::{AccessTable, Command};
use muster_protocol::handshake::Family;
use serde_json::{Value, json};

async fn reboot(mut call: Call) -> Result<Answer> {
    let telling = Telling::read(&mut call, "devices_sn").await?;
    telling
        .plan(|_| Ok(vec![Command::Reboot]))?
        .give("reboot")
        .await
}

/// `reboot` is an action of the older generation; anything else any resource can do.
async fn action(mut call: Call) -> Result<Answer> {
    let is_restart = call
        .request
        .body
        .get("action_type")
        .and_then(Value::as_str)
        .is_some_and(|action| action.trim() == "reboot");
    if !is_restart {
        return resource::answer_action::<Terminal>(call).await;
    }
    call.caller.require(Right::TerminalCommand)?;
    let telling = Telling::read(&mut call, "object_codes").await?;
    let answer = telling.caller.profile.acted("reboot", &telling.given);
    let mut plan = telling.plan(|_| Ok(vec![Command::Reboot]))?;
    plan.answer = answer;
    plan.give("reboot").await
}

/// Takes back what was not sent; a terminal hears nothing of it.
async fn clear_command(mut call: Call) -> Result<Answer> {
    let telling = Telling::read(&mut call, "devices_sn").await?;
    let (app, caller) = (telling.app, telling.caller);
    let plan = telling.plan(|_| Ok(Vec::new()))?;
    let mut tx = Writing::begin(app).await?;
    for terminal in plan.terminals() {
        let taken = commands::take_back(app, &mut tx, terminal.id, None).await?;
        let deed = Deed {
            action: "clear_command",
            thing: Terminal::NAME,
            thing_id: terminal.sn.clone(),
            after: audit::members(json!({ "cancelled": taken.len() })),
            ..Deed::default()
        };
        audit::write(&mut tx, app.clock.now(), caller, deed).await?;
    }
    plan.commit(tx, Vec::new()).await
}

/// The photos taken at punches.
async fn clear_capture(mut call: Call) -> Result<Answer> {
    let telling = Telling::read(&mut call, "devices_sn").await?;
    telling
        .plan(|_| Ok(vec![Command::ClearPhoto]))?
        .give("clear_capture")
        .await
}

/// Everything goes, and the terminal stays empty until it is synchronised or moved.
async fn clear_all(mut call: Call) -> Result<Answer> {
    let telling = Telling::read(&mut call, "devices_sn").await?;
    let app = telling.app;
    let plan = telling.plan(|terminal| Ok(emptying(terminal)))?;
    let mut tx = Writing::begin(app).await?;
    writing::people_in_order(&mut tx, &app.company.id).await?;
    let ids = plan.queue(&mut tx, "clear_all").await?;
    for (terminal, ids) in plan.terminals().zip(&ids) {
        if let Some(last) = ids.last() {
            sync::cleared(app, &mut tx, terminal.id, *last).await?;
        }
    }
    plan.commit(tx, ids.concat()).await
}

/// The last of these is what takes the people.
fn emptying(terminal: &Row) -> Vec<Command> {
    match terminal.family() {
        Family::Attendance => vec![Command::ClearData],
        // They have no such command, but each of their tables can be emptied.
        Family::Access => [
            AccessTable::Transactions,
            AccessTable::Authorizations,
            AccessTable::Biodata,
            AccessTable::Biophotos,
            AccessTable::Fingerprints,
            AccessTable::Users,
        ]
        .map(Command::AccessClear)
        .to_vec(),
    }
}

const ACTION: &[Member] = &[
    Member::new(
        "object_codes",
        Kind::ReferenceList,
        "Codes or ids: a list, one, or several with commas; also object_ids.",
    )
    .required(),
    Member::new(
        "action_type",
        Kind::Text,
        "delete; or reboot, which needs the right terminal.command too.",
    )
    .required(),
];

fn action_endpoint() -> Endpoint {
    let mut endpoint = resource::action::<Terminal>().with_work(action);
    endpoint.doc.summary = "Removes or restarts several: terminal".into();
    endpoint.doc.body = Some(ACTION);
    endpoint.doc.query.push(tell::wait_parameter());
    endpoint
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    let right = Right::TerminalCommand;
    vec![
        action_endpoint(),
        tell::endpoint("reboot", "Restarts terminals", right, &[TERMINALS], reboot),
        tell::endpoint(
            "clear_command",
            "Takes back what terminals were not told yet",
            right,
            &[TERMINALS],
            clear_command,
        ),
        tell::endpoint(
            "clear_capture",
            "Removes the photos of punches from terminals",
            right,
            &[TERMINALS],
            clear_capture,
        ),
        tell::endpoint(
            "clear_all",
            "Removes everything from terminals; they stay empty until they are synchronised or moved",
            right,
            &[TERMINALS],
            clear_all,
        ),
    ]
}
