//! The attendance log of a terminal, carried here on a USB stick: `<SN>_attlog*.dat`. What the terminal
//! sent itself, or will, is stored once.

use crate::access::{Caller, Right, Thing};
use crate::answer::Answer;
use crate::app::App;
use crate::audit::{self, Deed};
use crate::error::{Error, Problem, Result};
use crate::extract::{Call, File};
use crate::punches::as_sent::new_punch;
use crate::punches::record::{NewPunch, Place, Source};
use crate::punches::transaction::Transaction;
use crate::resource::{Resource, col};
use crate::routes::{Doc, Endpoint, Kind, Member, Returns};
use crate::terminals::terminal::{self, Terminal};
use http::{Method, StatusCode};
use muster_protocol::ids::SerialNumber;
use muster_protocol::upload::{self, BadReason, Punch, Row, Table};
use sea_query::{ExprTrait, SelectStatement};
use serde_json::{Value, json};
use std::sync::Arc;

const FIELD: &str = "upload_file";
/// What the file's name has behind the serial number.
const MARK: &str = "_attlog";
/// PIN, time, state, way of verifying, work code.
const COLUMNS: usize = 5;
/// With more columns than these the third is the terminal's number.
const TERMINAL_NUMBER: usize = 2;
/// Lines read and stored together.
const TOGETHER: usize = 1_000;
/// No more unreadable lines are named; all are counted.
const MOST_NAMED: usize = 1_000;

/// What became of a file's lines.
#[derive(Debug, Default)]
struct Outcome {
    lines: usize,
    stored: usize,
    known: usize,
    unreadable_count: usize,
    unreadable: Vec<(usize, BadReason)>,
}

impl Outcome {
    fn counted(&self) -> Value {
        json!({
            "lines": self.lines,
            "stored": self.stored,
            "known": self.known,
            "unreadable_count": self.unreadable_count,
        })
    }
}

async fn take(call: Call) -> Result<Answer> {
    let (app, caller) = (&call.request.app, &call.caller);
    let file = call.request.body.submitted(FIELD)?;
    // It has everybody's punches at that terminal.
    if caller.scope.departments.is_some() {
        return Err(Error::Forbidden);
    }
    let terminal = terminal_of(app, caller, file).await?;
    let outcome = store(app, &terminal, file).await?;
    let deed = Deed {
        action: "upload",
        thing: Transaction::NAME,
        thing_id: terminal.sn.clone(),
        after: audit::members(outcome.counted()),
        ..Deed::default()
    };
    let mut tx = app.store.write().await?;
    audit::write(&mut tx, app.clock.now(), caller, deed).await?;
    tx.commit().await?;
    let mut answer = caller.profile.uploaded();
    if let (Some(members), Value::Object(counted)) = (answer.as_object_mut(), outcome.counted()) {
        members.extend(counted);
        let unreadable: Vec<Value> = outcome
            .unreadable
            .iter()
            .map(|(line, reason)| json!({ "line": line, "message": reason.to_string() }))
            .collect();
        members.insert("unreadable".into(), unreadable.into());
    }
    Ok(Answer::ok(&answer))
}

/// The terminal the file's name begins with, among those the caller may see.
async fn terminal_of(app: &App, caller: &Caller, file: &File) -> Result<terminal::Row> {
    let sn = file
        .name
        .to_ascii_lowercase()
        .rfind(MARK)
        .and_then(|at| SerialNumber::parse(&file.name[..at]).ok());
    let Some(sn) = sn else {
        return Err(Error::invalid(
            FIELD,
            t!("The file is to be called as the terminal calls it: serial number, _attlog, .dat."),
        ));
    };
    let mut select = SelectStatement::new();
    Terminal::tables(&mut select);
    Terminal::columns(&mut select, app);
    select
        .cond_where(Terminal::visible(caller, app))
        .and_where(col(("terminal", "sn")).eq(sn.as_str()));
    app.store.find(&select).await?.ok_or_else(|| {
        let message = t!("Object with sn={sn} does not exist.", sn = sn);
        Error::Invalid(vec![Problem::new(FIELD, message).coded(Terminal::ABSENT)])
    })
}

/// Stores what can be read, durable when this returns. Broken off by a failure, it may be done again.
async fn store(app: &App, terminal: &terminal::Row, file: &File) -> Result<Outcome> {
    let place = Arc::new(Place {
        terminal_id: Some(terminal.id),
        terminal_sn: terminal.sn.clone(),
        terminal_alias: Some(terminal.alias.clone()),
        area_id: Some(terminal.area_id),
        area_name: Some(terminal.area_name.clone()),
    });
    let now = app.clock.now();
    let mut outcome = Outcome::default();
    let lines: Vec<(usize, &[u8])> = (1..)
        .zip(file.bytes.split(|byte| *byte == b'\n'))
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .collect();
    for some in lines.chunks(TOGETHER) {
        let mut punches: Vec<NewPunch> = Vec::with_capacity(TOGETHER);
        for (number, line) in some {
            outcome.lines += 1;
            match read(line) {
                Ok(punch) => {
                    let zone = terminal.zone();
                    punches.push(new_punch(now, &place, zone, Source::Import, punch));
                }
                Err(reason) => {
                    outcome.unreadable_count += 1;
                    if outcome.unreadable.len() < MOST_NAMED {
                        outcome.unreadable.push((*number, reason));
                    }
                }
            }
        }
        let count = punches.len();
        let stored = app.recorder.record(punches).await?.len();
        outcome.stored += stored;
        outcome.known += count - stored;
    }
    if outcome.unreadable_count == outcome.lines {
        return Err(unreadable(&outcome));
    }
    Ok(outcome)
}

/// Not one line is a punch: it is another file.
fn unreadable(outcome: &Outcome) -> Error {
    if outcome.lines == 0 {
        return Error::invalid(FIELD, t!("The submitted file is empty."));
    }
    let problems = outcome.unreadable.iter().map(|(line, reason)| {
        let message = format!("line {line}: {reason}");
        Problem::new(FIELD, message)
    });
    Error::Invalid(problems.collect())
}

fn read(line: &[u8]) -> Result<Punch, BadReason> {
    let mut fields: Vec<&[u8]> = line
        .split(|byte| *byte == b'\t')
        .map(<[u8]>::trim_ascii)
        .collect();
    if fields.len() > COLUMNS {
        fields.remove(TERMINAL_NUMBER);
        fields.truncate(COLUMNS);
    }
    let parsed = upload::parse(&Table::Attlog, &fields.join(&b'\t'));
    match (parsed.rows.into_iter().next(), parsed.bad.first()) {
        (Some(Row::Punch(punch)), _) => Ok(punch),
        (_, Some(bad)) => Err(bad.reason),
        _ => Err(BadReason::Shape),
    }
}

const UPLOADED: &[Member] = &[Member::new(
    FIELD,
    Kind::File,
    "A terminal's log as its USB stick has it: <serial number>_attlog….dat, in a multipart form.",
)
.required()];
const TAKEN: &[Member] = &[
    Member::new(
        "detail",
        Kind::Text,
        "`Success. `; BioTime: code, msg, data.",
    ),
    Member::new("lines", Kind::Integer, "Lines that are not empty."),
    Member::new("stored", Kind::Integer, "Punches that are new."),
    Member::new("known", Kind::Integer, "Punches that were here already."),
    Member::new(
        "unreadable_count",
        Kind::Integer,
        "Lines that are no punch; nothing was made of them.",
    ),
    Member::new(
        "unreadable",
        Kind::ObjectList,
        "Each with `line`, from 1, and `message`; a thousand at most.",
    ),
];

pub(super) fn endpoints() -> Vec<Endpoint> {
    let doc = Doc {
        summary: "Takes in a terminal's log from a USB stick".into(),
        tag: Thing::Transaction.name(),
        query: Vec::new(),
        body: Some(UPLOADED),
        returns: Returns::One(StatusCode::OK, TAKEN),
    };
    vec![
        Endpoint::guarded(
            Method::POST,
            &format!("{}action/", Transaction::PATH),
            Right::Change(Thing::Transaction),
            doc,
            take,
        )
        .with_file(),
    ]
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::times::local;
    use muster_protocol::upload::BadReason;

    fn fields(line: &str) -> (String, String, i16, i16, String) {
        let punch = read(line.as_bytes()).expect("a punch");
        let time = local(punch.local);
        (punch.pin, time, punch.status, punch.verify, punch.workcode)
    }

    #[test]
    fn a_line_has_five_columns_or_the_terminals_number_among_them() {
        let same = ("7".into(), "2026-01-15 08:30:00".into(), 1, 15, "3".into());
        assert_eq!(fields("        7\t2026-01-15 08:30:00\t1\t15\t3\r"), same);
        assert_eq!(fields("7\t2026-01-15 08:30:00\t104\t1\t15\t3"), same);
        assert_eq!(fields("7\t2026-01-15 08:30:00\t104\t1\t15\t3\t0\t1"), same);
        assert_eq!(
            read(b"7\tnoon\t1\t15\t0").expect_err("no time"),
            BadReason::Time
        );
        assert_eq!(read(b"7").expect_err("no fields"), BadReason::TooFewFields);
    }
}
