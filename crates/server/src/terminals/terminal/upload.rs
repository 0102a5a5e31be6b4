//! Asking terminals to send again what they hold.

use super::Row;
use super::tell::{self, TERMINALS, Telling};
use crate::access::Right;
use crate::answer::Answer;
use crate::appendix;
use crate::error::{Problem, Result};
use crate::extract::Call;
use crate::input::Input;
use crate::routes::{Endpoint, Kind, Member};
use crate::terminals::contact::{self, Again};
use crate::times;
use crate::writing::Writing;
use chrono::NaiveDateTime;
use muster_protocol::command::Command;
use muster_protocol::handshake::Family;
use serde_json::Value;

/// Everything: people, templates, pictures, punches, photos.
async fn upload_all(mut call: Call) -> Result<Answer> {
    let telling = Telling::read(&mut call, "devices_sn").await?;
    let tables = ["user", "templatev10", "biodata", "biophoto", "transaction"];
    again(telling, Again::All, &tables, "upload_all").await
}

/// All punches, or those of a period.
async fn upload_transaction(mut call: Call) -> Result<Answer> {
    let mut telling = Telling::read(&mut call, "devices_sn").await?;
    let Some((from, to)) = period(&mut telling.input) else {
        return again(
            telling,
            Again::Punches,
            &["transaction"],
            "upload_transaction",
        )
        .await;
    };
    telling
        .plan(|_| Ok(vec![Command::QueryAttlog { from, to }]))?
        .give("upload_transaction")
        .await
}

/// An attendance terminal learns at its next handshake that the server has nothing, and does that
/// handshake at once. An access terminal has no such mark and is asked for its tables.
async fn again(telling: Telling<'_>, what: Again, tables: &[&str], action: &str) -> Result<Answer> {
    let app = telling.app;
    let asked = |terminal: &Row| match terminal.family() {
        Family::Attendance => vec![Command::Check],
        Family::Access => tables
            .iter()
            .map(|table| Command::AccessQuery {
                table: (*table).to_owned(),
            })
            .collect(),
    };
    let plan = telling.plan(|terminal| Ok(asked(terminal)))?;
    let mut tx = Writing::begin(app).await?;
    for terminal in plan.terminals() {
        if terminal.family() == Family::Attendance {
            contact::want_again(&mut tx, terminal.id, what).await?;
        }
    }
    let ids = plan.queue(&mut tx, action).await?.concat();
    plan.commit(tx, ids).await
}

/// `None`: there is none, or something is wrong with it.
fn period(input: &mut Input<'_>) -> Option<(NaiveDateTime, NaiveDateTime)> {
    let names = ["start_time", "end_time"];
    input.value(&names)?;
    let before = input.problems.len();
    for name in names {
        input.require(&[name]);
    }
    let from = moment(input, names[0], times::read_from);
    let to = moment(input, names[1], times::read_until);
    let (from, to) = from.zip(to)?;
    if from > to {
        let code = appendix::START_AFTER_END;
        let problem = Problem::new(names[1], appendix::meaning(code));
        input.problems.push(problem.coded(code));
    }
    (input.problems.len() == before).then_some((from, to))
}

fn moment(
    input: &mut Input<'_>,
    name: &'static str,
    read: fn(&str) -> Option<NaiveDateTime>,
) -> Option<NaiveDateTime> {
    let (_, value) = input.value(&[name])?;
    let moment = value.as_str().and_then(read);
    if moment.is_none() {
        let text = match value {
            Value::Null => t!("This field may not be null."),
            _ => t!("Enter a valid date/time."),
        };
        let problem = Problem::new(name, text);
        input.problems.push(problem.coded(appendix::BAD_TIME));
    }
    moment
}

const PERIOD: &[Member] = &[
    TERMINALS,
    Member::new(
        "start_time",
        Kind::Time,
        "With end_time: only the punches of that time, by the terminal's clock.",
    ),
    Member::new("end_time", Kind::Time, "A date alone is its whole day."),
];

pub(super) fn endpoints() -> Vec<Endpoint> {
    let right = Right::TerminalCommand;
    vec![
        tell::endpoint(
            "upload_all",
            "Has terminals send again everything they hold",
            right,
            &[TERMINALS],
            upload_all,
        ),
        tell::endpoint(
            "upload_transaction",
            "Has terminals send again their punches, or those of a period",
            right,
            PERIOD,
            upload_transaction,
        ),
    ]
}
