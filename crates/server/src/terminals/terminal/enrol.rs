//! Enrolling somebody at a terminal from afar: it asks the person for a finger, a face or a palm.

use super::Row;
use super::abilities::Abilities;
use super::tell::{self, TERMINALS, Telling};
use crate::access::Right;
use crate::answer::Answer;
use crate::appendix;
use crate::error::Result;
use crate::extract::Call;
use crate::input::{Input, Text};
use crate::resource;
use crate::resources::employee::Employee;
use crate::routes::{Endpoint, Kind, Member};
use crate::terminals::sync;
use muster_protocol::command::Command;
use muster_protocol::handshake::Family;

/// How often the terminal lets the person try.
const TRIES: u8 = 3;

/// What callers call the kinds, and what terminals do: the usual one, and what newer terminals have
/// in its place.
const KINDS: &[(i64, i16, Option<i16>)] = &[
    (1, FINGER, None),
    (2, FACE, Some(VISIBLE_FACE)),
    (8, PALM, Some(VISIBLE_PALM)),
    (9, VISIBLE_FACE, None),
];
const FINGER: i16 = 1;
const FACE: i16 = 2;
const PALM: i16 = 8;
const VISIBLE_FACE: i16 = 9;
const VISIBLE_PALM: i16 = 10;

async fn enroll_remotely(mut call: Call) -> Result<Answer> {
    let mut telling = Telling::read(&mut call, "devices_sn").await?;
    let (app, caller) = (telling.app, telling.caller);
    let kind = kind(&mut telling.input);
    let finger = finger(
        &mut telling.input,
        kind.is_some_and(|(kind, _)| kind == FINGER),
    );
    let abilities = Abilities::of(app, &telling.ids()).await?;
    let mut pin = String::new();
    telling.input.require(&["emp_code"]);
    if let Some(key) = telling.input.text("emp_code", Text::max(50)).flatten() {
        match resource::find::<Employee>(app, caller, &key).await? {
            Some(employee) => pin = employee.emp_code,
            None => {
                let message = caller.profile.no_such("emp_code", &key);
                telling.input.problem("emp_code", message);
                telling.input.code_last(appendix::NO_PERSON);
            }
        }
    }
    if !pin.is_empty() {
        // A terminal enrols nobody it does not know.
        for place in 0..telling.terminals.len() {
            let Row { id, sn, .. } = &telling.terminals[place];
            if sync::asked_for(app, *id, &pin).await?.is_none() {
                let message = t!("Terminal {sn} does not know {pin}.", sn = sn, pin = pin);
                telling.input.problem("emp_code", message);
            }
        }
    }
    telling
        .plan(|terminal| {
            // Without either, `plan` has refused.
            let Some((usual, newer)) = kind else {
                return Ok(Vec::new());
            };
            let wire_type = suited(&abilities, terminal, usual, newer)?;
            Ok(vec![match (wire_type, finger) {
                (FINGER, Some(finger)) => Command::EnrollFinger {
                    pin: pin.clone(),
                    finger,
                    retry: TRIES,
                    overwrite: true,
                },
                _ => Command::EnrollBio {
                    wire_type,
                    pin: pin.clone(),
                    card: None,
                    retry: TRIES,
                    overwrite: true,
                },
            }])
        })?
        .give("enroll_remotely")
        .await
}

/// The usual and the newer type of the wire.
fn kind(input: &mut Input<'_>) -> Option<(i16, Option<i16>)> {
    if !input.require(&["bio_type"]) {
        return None;
    }
    let before = input.problems.len();
    let given = input
        .integer("bio_type", i64::MIN, i64::MAX, false)
        .flatten();
    let known = KINDS.iter().find(|(name, ..)| Some(*name) == given);
    if let (Some(given), None) = (given, known) {
        input.problem(
            "bio_type",
            t!("\"{value}\" is not a valid choice.", value = given),
        );
    }
    if input.problems.len() > before {
        input.code_last(appendix::BAD_BIO_TYPE);
    }
    known.map(|(_, usual, newer)| (*usual, *newer))
}

/// Which finger, from the left little one, 0, to the right little one, 9.
fn finger(input: &mut Input<'_>, is_needed: bool) -> Option<i16> {
    let before = input.problems.len();
    if is_needed {
        input.require(&["finger"]);
    }
    let finger = input.integer("finger", 0, 9, !is_needed).flatten();
    if input.problems.len() > before {
        input.code_last(appendix::BAD_FINGER);
    }
    finger.and_then(|finger| finger.try_into().ok())
}

/// The type of the two that the terminal has, or why it has neither.
fn suited(
    abilities: &Abilities,
    terminal: &Row,
    usual: i16,
    newer: Option<i16>,
) -> Result<i16, String> {
    let has = |wire_type| abilities.recognises(terminal.id, wire_type);
    let is_access = terminal.family() == Family::Access;
    match newer {
        Some(newer) if has(usual) != Some(true) && has(newer) == Some(true) => Ok(newer),
        // Those that are left in access mode see in visible light.
        Some(newer) if is_access && has(usual).is_none() && has(newer).is_none() => Ok(newer),
        _ if has(usual) == Some(false) => {
            Err(t!("This terminal does not recognise people that way.").into())
        }
        _ if is_access && usual == FINGER => {
            Err(t!("This kind of terminal cannot be told which finger to enrol.").into())
        }
        _ => Ok(usual),
    }
}

const BODY: &[Member] = &[
    TERMINALS,
    Member::new("emp_code", Kind::Reference, "Code or id.").required(),
    Member::new(
        "bio_type",
        Kind::Reference,
        "1 finger, 2 face, 8 palm, 9 face in visible light.",
    )
    .required(),
    Member::new(
        "finger",
        Kind::Integer,
        "For a finger: 0 left little finger … 4 left thumb, 5 right thumb … 9 right little finger.",
    ),
];

pub(super) fn endpoint() -> Endpoint {
    tell::endpoint(
        "enroll_remotely",
        "Has terminals enrol somebody",
        Right::TerminalCommand,
        BODY,
        enroll_remotely,
    )
}
