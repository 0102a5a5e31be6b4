//! Opening a door: now or never. Neither all doors at once nor one for good.

use super::abilities::Abilities;
use super::tell::{self, TERMINALS, Telling};
use crate::access::Right;
use crate::answer::Answer;
use crate::appendix;
use crate::config::Admission;
use crate::error::{Error, Result};
use crate::extract::Call;
use crate::routes::{Endpoint, Kind, Member};
use crate::terminals::commands;
use muster_protocol::command::{Command, Control};
use muster_protocol::handshake::Family;

/// What an access terminal's door is unless somebody says otherwise.
const FIRST: u8 = 1;
const SECONDS: u8 = 5;
/// What an access terminal takes: 0 closes, 255 leaves the door open for good.
const MOST_SECONDS: i64 = 254;
const MOST_DOORS: i64 = 255;

async fn unlock_terminal(mut call: Call) -> Result<Answer> {
    let mut telling = Telling::read(&mut call, "sn").await?;
    let mut read = |name: &'static str, most: i64, code: i32| -> Option<u8> {
        let before = telling.input.problems.len();
        let number = telling.input.integer(name, 1, most, false).flatten();
        if telling.input.problems.len() > before {
            telling.input.code_last(code);
        }
        number.and_then(|number| number.try_into().ok())
    };
    let door = read("door", MOST_DOORS, appendix::NO_DOOR);
    let seconds = read("seconds", MOST_SECONDS, appendix::DOOR_SECONDS);
    let app = telling.app;
    let abilities = Abilities::of(app, &telling.ids()).await?;
    // Whoever waits to be let in is told nothing, least of all to let somebody in.
    let holds = app.settings().terminals.admission != Admission::Open;
    let plan = telling.plan(|terminal| match terminal.family() {
        _ if holds && terminal.is_held() => Err(t!("This terminal is not authorized.").into()),
        _ if abilities.has_lock(terminal.id) == Some(false) => {
            Err(t!("This terminal has no lock.").into())
        }
        Family::Attendance if door.is_some() || seconds.is_some() => Err(t!(
            "This kind of terminal has one door, and opens it as long as it is set to."
        )
        .into()),
        Family::Attendance => Ok(vec![Command::Unlock]),
        Family::Access => {
            let door = door.unwrap_or(FIRST);
            if abilities
                .doors(terminal.id)
                .is_some_and(|doors| i64::from(door) > doors)
            {
                return Err(t!("This terminal has no door {door}.", door = door));
            }
            Ok(vec![Command::AccessControl(Control::Open {
                door,
                seconds: seconds.unwrap_or(SECONDS),
            })])
        }
    })?;
    let now = app.clock.now();
    let is_online = plan.terminals().all(|terminal| {
        app.roster.is_online(
            &terminal.sn,
            terminal.heartbeat,
            terminal.last_activity_at,
            now,
        )
    });
    if !is_online {
        return Err(Error::refused(commands::OFFLINE));
    }
    plan.give("unlock_terminal").await
}

const BODY: &[Member] = &[
    TERMINALS,
    Member::new(
        "door",
        Kind::Integer,
        "Of an access terminal, which may have several; 1 unless given.",
    ),
    Member::new(
        "seconds",
        Kind::Integer,
        "Of an access terminal: how long, 1 to 254; 5 unless given.",
    ),
];

pub(super) fn endpoint() -> Endpoint {
    tell::endpoint(
        "unlock_terminal",
        "Opens a door, if its terminal is online",
        Right::DoorUnlock,
        BODY,
        unlock_terminal,
    )
}
