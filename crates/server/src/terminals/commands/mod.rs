//! What terminals are told to do: the queue, and the life of each command. The owner of the table
//! `terminal_command`.

mod exchange;
mod queue;
mod words;

pub use exchange::{Given, failed, finish, restarted, take};
pub use queue::{Order, Text, give, overtake, queue, queue_all, take_back, withdraw};
pub use words::{Worded, shown_without_people, worded};

use crate::app::App;
use crate::error::Result;
use crate::events::Event;
use crate::sealed::Sealed;
use chrono::{DateTime, TimeDelta, Utc};
use muster_store::{Dialect, Sql, Tx, json_list};
use serde_json::json;

/// The purpose command texts are sealed for: they hold passwords and templates.
const SEALED_FOR: &str = "terminal_command";
pub const TEXTS: Sealed = Sealed {
    table: "terminal_command",
    key: "id",
    column: "body_sealed",
    purpose: SEALED_FOR,
    was_plain: false,
};

/// Why a door is not opened.
pub const OFFLINE: crate::language::Text = t!("Device is offline.");

/// Pauses before a command is sent the second, third and fourth time.
const PAUSES: [TimeDelta; 3] = [
    TimeDelta::minutes(1),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
];

/// Where a command is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Waits for the terminal to ask.
    Queued,
    /// Given to the terminal, which has not answered.
    Sent,
    /// The terminal did it.
    Done,
    /// The terminal would not, and said why.
    Refused,
    /// Its time had passed before the terminal asked.
    Expired,
    /// Taken back by somebody, or overtaken by a later one that says otherwise.
    Cancelled,
    /// Given to the terminal, which never answered; whether it was done is for a person to find out.
    Lost,
}

impl State {
    const ALL: [State; 7] = [
        State::Queued,
        State::Sent,
        State::Done,
        State::Refused,
        State::Expired,
        State::Cancelled,
        State::Lost,
    ];

    pub fn name(self) -> &'static str {
        match self {
            State::Queued => "queued",
            State::Sent => "sent",
            State::Done => "done",
            State::Refused => "refused",
            State::Expired => "expired",
            State::Cancelled => "cancelled",
            State::Lost => "lost",
        }
    }

    fn of(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// What can happen to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// The terminal asked, and this is in the reply.
    Given,
    /// The terminal reported, and it went well or not.
    Reported {
        succeeded: bool,
    },
    /// The terminal's error log says that it came to nothing.
    FoundFailed,
    /// The terminal has no time for it now; it was given `times` times so far.
    Busy {
        times: i64,
    },
    /// The terminal stayed silent about it, or started anew; it was given `times` times so far.
    /// `overtaken`: whether it was done does not matter any more.
    Silence {
        times: i64,
        idempotent: bool,
        overtaken: bool,
    },
    /// The terminal started anew, as it was told to.
    Restarted,
    TimePassed,
    TakenBack,
}

/// The life of a command, whole. `None`: nothing changes.
pub fn next(state: State, happening: Happening) -> Option<State> {
    use Happening::*;
    match (state, happening) {
        (State::Queued, Given) => Some(State::Sent),
        (State::Queued, TimePassed) => Some(State::Expired),
        (State::Queued, TakenBack) => Some(State::Cancelled),
        // A terminal may answer late, after the command was queued again or given up.
        (State::Sent | State::Queued | State::Lost, Reported { succeeded: true }) => {
            Some(State::Done)
        }
        (State::Sent | State::Queued | State::Lost, Reported { succeeded: false }) => {
            Some(State::Refused)
        }
        // It may say so after it reported success: it had understood the command, and could make nothing of it.
        (State::Sent | State::Queued | State::Lost | State::Done, FoundFailed) => {
            Some(State::Refused)
        }
        (State::Sent, Busy { times }) if times <= PAUSES.len() as i64 => Some(State::Queued),
        (State::Sent | State::Queued | State::Lost, Busy { .. }) => Some(State::Refused),
        (
            State::Sent,
            Silence {
                times,
                idempotent,
                overtaken,
            },
        ) => Some(if overtaken {
            State::Cancelled
        } else if idempotent && times <= PAUSES.len() as i64 {
            State::Queued
        } else {
            State::Lost
        }),
        (State::Sent, Restarted) => Some(State::Done),
        _ => None,
    }
}

/// Holds commands in the one order everybody takes them in: by terminal, then by number. Whoever takes rows of
/// terminals too has taken them before.
async fn lock(tx: &mut Tx, ids: &[i64]) -> Result<()> {
    if tx.dialect() == Dialect::Postgres {
        let _: Vec<(i64,)> = tx
            .all(&Sql::new(
                "SELECT id FROM terminal_command \
                 WHERE id IN (SELECT CAST(jsonb_array_elements_text($1::jsonb) AS BIGINT)) \
                 ORDER BY terminal_id, wire_id FOR UPDATE",
                [json_list(ids.iter().copied())],
            ))
            .await?;
    }
    Ok(())
}

/// Commands whose time has passed while their terminal was silent.
pub async fn expire(app: &App) -> Result<u64> {
    let overdue: Vec<(i64,)> = app
        .store
        .all(&Sql::new(
            "SELECT id FROM terminal_command WHERE state = 'queued' AND expires_at <= $1",
            [app.clock.now().into()],
        ))
        .await?;
    if overdue.is_empty() {
        return Ok(0);
    }
    let overdue: Vec<i64> = overdue.into_iter().map(|(id,)| id).collect();
    let mut tx = app.store.write().await?;
    let expired = end_queued(app, &mut tx, &overdue, Happening::TimePassed, true).await?;
    tx.commit().await?;
    for (id, terminal_id) in &expired {
        app.events.publish(Event::Command {
            id: *id,
            terminal_id: *terminal_id,
        });
    }
    Ok(expired.len() as u64)
}

/// Lets every terminal ask for what is queued for it, whoever queued it, and for what it was given and has not
/// answered, whoever gave it.
pub async fn find_open(app: &App) -> Result<()> {
    let open: Vec<(i64,)> = app
        .store
        .all(&Sql::new(
            "SELECT DISTINCT terminal_id FROM terminal_command WHERE state IN ('queued', 'sent')",
            [],
        ))
        .await?;
    app.roster
        .wake_all(&open.into_iter().map(|(id,)| id).collect());
    Ok(())
}

/// Another device stands in a terminal's place: what was meant for the first is over.
pub async fn replaced(app: &App, tx: &mut Tx, terminal_id: i64) -> Result<()> {
    let open: Vec<(i64,)> = tx
        .all(&Sql::new(
            "SELECT id FROM terminal_command WHERE terminal_id = $1 AND state IN ('queued', 'sent')",
            [terminal_id.into()],
        ))
        .await?;
    let open: Vec<i64> = open.into_iter().map(|(id,)| id).collect();
    end_queued(app, tx, &open, Happening::TakenBack, true).await?;
    let silence = Happening::Silence {
        times: i64::MAX,
        idempotent: false,
        overtaken: false,
    };
    let state = next(State::Sent, silence).expect("what is open can end");
    let ended = tx
        .run(&Sql::new(
            "UPDATE terminal_command SET state = $2, finished_at = $3, body_sealed = $4 \
         WHERE terminal_id = $1 AND state = 'sent'",
            [
                terminal_id.into(),
                state.name().into(),
                app.clock.now().into(),
                Vec::<u8>::new().into(),
            ],
        ))
        .await?;
    app.metrics.commands_ended(state.name(), ended);
    Ok(())
}

/// Ends those of these commands that are queued; returns which, and their terminals. `sent_too`: also those
/// that a terminal was given before.
async fn end_queued(
    app: &App,
    tx: &mut Tx,
    ids: &[i64],
    happening: Happening,
    sent_too: bool,
) -> Result<Vec<(i64, i64)>> {
    lock(tx, ids).await?;
    let state = next(State::Queued, happening).expect("it ends queued ones");
    let ended: Vec<(i64, i64)> = tx
        .all(&Sql::by_dialect(
            "UPDATE terminal_command SET state = $2, finished_at = $3, body_sealed = $4 \
             WHERE id IN (SELECT value FROM json_each($1)) AND state = 'queued' AND (sent_count = 0 OR $5) \
             RETURNING id, terminal_id",
            "UPDATE terminal_command SET state = $2, finished_at = $3, body_sealed = $4 \
             WHERE id IN (SELECT CAST(jsonb_array_elements_text($1::jsonb) AS BIGINT)) AND state = 'queued' \
                 AND (sent_count = 0 OR $5) \
             RETURNING id, terminal_id",
            [
                json_list(ids.iter().copied()),
                state.name().into(),
                app.clock.now().into(),
                Vec::<u8>::new().into(),
                sent_too.into(),
            ],
        ))
        .await?;
    app.metrics.commands_ended(state.name(), ended.len() as u64);
    Ok(ended)
}

/// How a command ends.
struct End<'a> {
    id: i64,
    state: State,
    /// What the terminal said.
    code: Option<i32>,
    answer: Option<&'a str>,
}

impl End<'_> {
    /// Without a word of the terminal.
    fn silent(id: i64, state: State) -> Self {
        End {
            id,
            state,
            code: None,
            answer: None,
        }
    }
}

async fn close(app: &App, tx: &mut Tx, ends: &[End<'_>], now: DateTime<Utc>) -> Result<()> {
    if ends.is_empty() {
        return Ok(());
    }
    for end in ends {
        app.metrics.commands_ended(end.state.name(), 1);
    }
    let ends = ends
        .iter()
        .map(|end| json!([end.id, end.state.name(), end.code, end.answer]));
    // Passwords and templates do not stay in what is over.
    tx.run(&Sql::by_dialect(
        "UPDATE terminal_command SET state = r.value ->> 1, finished_at = $2, return_code = r.value ->> 2, \
             result = r.value ->> 3, body_sealed = $3 FROM json_each($1) AS r \
         WHERE terminal_command.id = r.value ->> 0",
        "UPDATE terminal_command SET state = r.v ->> 1, finished_at = $2, return_code = (r.v ->> 2)::bigint, \
             result = r.v ->> 3, body_sealed = $3 FROM json_array_elements($1::json) AS r (v) \
         WHERE id = (r.v ->> 0)::bigint",
        [json_list(ends), now.into(), Vec::<u8>::new().into()],
    ))
    .await?;
    Ok(())
}

/// The terminal's latest command, to be asked [`since`] then; 0 when it has none.
pub async fn newest(tx: &mut Tx, terminal_id: i64) -> Result<i64> {
    let (newest,): (i64,) = tx
        .one(&Sql::new(
            "SELECT COALESCE(MAX(wire_id), 0) FROM terminal_command WHERE terminal_id = $1",
            [terminal_id.into()],
        ))
        .await?;
    Ok(newest)
}

/// The ids of the commands that came behind it.
pub async fn since(tx: &mut Tx, terminal_id: i64, newest: i64) -> Result<Vec<i64>> {
    let since: Vec<(i64,)> = tx
        .all(&Sql::new(
            "SELECT id FROM terminal_command WHERE terminal_id = $1 AND wire_id > $2 ORDER BY wire_id",
            [terminal_id.into(), newest.into()],
        ))
        .await?;
    Ok(since.into_iter().map(|(id,)| id).collect())
}

fn announce(app: &App, terminal_id: i64, changed: Vec<i64>) {
    for id in changed {
        app.events.publish(Event::Command { id, terminal_id });
    }
}

#[cfg(test)]
mod tests {
    use super::{Happening, State, next};

    #[test]
    fn a_command_that_may_be_repeated_is_sent_four_times_and_then_given_up() {
        let silence = |times| Happening::Silence {
            times,
            idempotent: true,
            overtaken: false,
        };
        assert_eq!(next(State::Sent, silence(1)), Some(State::Queued));
        assert_eq!(next(State::Sent, silence(3)), Some(State::Queued));
        assert_eq!(next(State::Sent, silence(4)), Some(State::Lost));
    }

    #[test]
    fn a_command_that_must_not_be_repeated_is_never_sent_again() {
        let silence = Happening::Silence {
            times: 1,
            idempotent: false,
            overtaken: false,
        };
        assert_eq!(next(State::Sent, silence), Some(State::Lost));
    }

    #[test]
    fn what_a_later_one_says_otherwise_is_never_sent_again() {
        let silence = Happening::Silence {
            times: 1,
            idempotent: true,
            overtaken: true,
        };
        assert_eq!(next(State::Sent, silence), Some(State::Cancelled));
    }

    #[test]
    fn what_was_done_may_be_found_to_have_failed() {
        for before in [State::Sent, State::Lost, State::Done] {
            assert_eq!(
                next(before, Happening::FoundFailed),
                Some(State::Refused),
                "{before:?}"
            );
        }
        assert_eq!(next(State::Cancelled, Happening::FoundFailed), None);
    }

    #[test]
    fn what_is_over_stays_over() {
        for over in [
            State::Done,
            State::Refused,
            State::Expired,
            State::Cancelled,
        ] {
            for happening in [
                Happening::Given,
                Happening::Reported { succeeded: true },
                Happening::Restarted,
                Happening::TimePassed,
                Happening::TakenBack,
            ] {
                assert_eq!(next(over, happening), None, "{over:?} {happening:?}");
            }
        }
    }
}
