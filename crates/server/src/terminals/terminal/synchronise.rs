//! Telling terminals their people again, known or not.

use super::tell::{self, TERMINALS, Telling};
use crate::access::Right;
use crate::answer::Answer;
use crate::audit::{self, Deed};
use crate::error::Result;
use crate::extract::Call;
use crate::resource::Resource;
use crate::routes::{Endpoint, Kind, Member};
use crate::terminals::people::BioKind;
use crate::terminals::sync::{self, Thing};
use crate::writing::Writing;
use serde_json::json;

/// The record of each person, under the manual's name and a plainer one.
const RECORDS: [&str; 2] = ["emp_code", "employees"];

/// What is flagged is told; without any flag, everything.
async fn sync_data_to_device(mut call: Call) -> Result<Answer> {
    let mut telling = Telling::read(&mut call, "devices_sn").await?;
    let mut is_asked = false;
    let mut flag = |name: &'static str| {
        is_asked |= telling.input.value(&[name]).is_some();
        telling.input.boolean(name) == Some(true)
    };
    let records = RECORDS.map(&mut flag).contains(&true);
    let types: Vec<i16> = BioKind::FLAGS
        .iter()
        .filter(|(name, _)| flag(name))
        .flat_map(|(_, kind)| kind.wire_types())
        .copied()
        .collect();
    let is_all = !is_asked;
    let wanted = |thing: Thing| {
        is_all
            || thing
                .wire_type()
                .map_or(records, |wire_type| types.contains(&wire_type))
    };
    let (app, caller) = (telling.app, telling.caller);
    let plan = telling.plan(|_| Ok(Vec::new()))?;
    let mut ids = Vec::new();
    for terminal in plan.terminals() {
        let mut tx = Writing::begin(app).await?;
        let deed = Deed {
            action: "sync_data_to_device",
            thing: super::Terminal::NAME,
            thing_id: terminal.sn.clone(),
            after: audit::members(json!({ "records": is_all || records, "types": types })),
            ..Deed::default()
        };
        audit::write(&mut tx, app.clock.now(), caller, deed).await?;
        tx.commit(app).await?;
        // In transactions of its own, for it may be thousands of people.
        ids.extend(sync::refill(app, caller, terminal.id, &wanted).await?);
    }
    plan.answer(ids).await
}

const BODY: &[Member] = &[
    TERMINALS,
    Member::new(
        "emp_code",
        Kind::Boolean,
        "True: the records of its people; also employees. Without any flag everything is told.",
    ),
    Member::new("finger_print", Kind::Boolean, "True: their fingerprints."),
    Member::new("face", Kind::Boolean, ""),
    Member::new("finger_vein", Kind::Boolean, ""),
    Member::new("palm", Kind::Boolean, ""),
    Member::new("vl_face", Kind::Boolean, "Faces in visible light."),
];

pub(super) fn endpoint() -> Endpoint {
    tell::endpoint(
        "sync_data_to_device",
        "Tells terminals their people again",
        Right::TerminalCommand,
        BODY,
        sync_data_to_device,
    )
}
