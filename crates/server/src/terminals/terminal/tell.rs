//! How callers tell terminals what to do: whom they mean, whether all of them can do it, and what is
//! answered. All of it is queued, or nothing.

use super::{Row, Terminal};
use crate::access::{Caller, Right, Thing};
use crate::answer::Answer;
use crate::app::App;
use crate::appendix;
use crate::audit::{self, Deed};
use crate::error::{Error, Problem, Result};
use crate::events::Event;
use crate::extract::{Body, Call, Query};
use crate::input::Input;
use crate::profile::Profile;
use crate::resource::{self, Resource, Several};
use crate::routes::{Doc, Endpoint, Kind, Member, Parameter, Returns};
use crate::terminals::command_list;
use crate::terminals::commands::{self, Worded};
use crate::writing::Writing;
use http::{Method, StatusCode};
use muster_protocol::command::Command;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::mem;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout_at};

/// The names under which callers list the terminals of a command.
pub(super) const NAMES: &[&str] = &[
    "devices_sn",
    "device_sn",
    "terminals",
    "devices",
    "sn",
    "object_codes",
    "object_ids",
];

/// `?wait=` is at most so many seconds.
const LONGEST_WAIT_S: i64 = 60;
/// Without an event, what became of commands is looked up this often: another server may have heard.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A request that tells terminals something, being read.
pub(super) struct Telling<'a> {
    pub app: &'a App,
    pub caller: &'a Caller,
    pub input: Input<'a>,
    /// The member that listed the terminals.
    field: &'static str,
    /// As they were listed.
    pub given: Vec<Value>,
    pub terminals: Vec<Row>,
    wait: Option<Duration>,
}

impl<'a> Telling<'a> {
    /// Reads whom it is for and how long to wait. What is wrong with that is told with what is wrong
    /// with the rest. `usual`: what EasyTimePro's manual calls the list here.
    pub(super) async fn read(call: &'a mut Call, usual: &'static str) -> Result<Telling<'a>> {
        let Call { caller, request } = call;
        let usual = match caller.profile {
            Profile::EasyTimePro => usual,
            Profile::BioTime => "terminals",
        };
        Telling::of(
            &request.app,
            caller,
            &request.body,
            &mut request.query,
            usual,
        )
        .await
    }

    async fn of(
        app: &'a App,
        caller: &'a Caller,
        body: &'a Body,
        query: &mut Query,
        usual: &'static str,
    ) -> Result<Telling<'a>> {
        let mut input = Input::new(body, true);
        let asked = Body::from_pairs(query.take("wait").map(|seconds| ("wait", seconds)));
        let mut wait = Input::new(&asked, false);
        let seconds = wait.integer("wait", 1, LONGEST_WAIT_S, false).flatten();
        input.problems.extend(wait.problems);
        let mut telling = Telling {
            app,
            caller,
            input,
            field: usual,
            given: Vec::new(),
            terminals: Vec::new(),
            wait: seconds.map(|seconds| Duration::from_secs(seconds.unsigned_abs())),
        };
        match meant(app, caller, body, usual).await {
            Ok(Several { field, given, rows }) => {
                telling.field = field;
                telling.given = given;
                telling.terminals = rows;
            }
            Err(Error::Invalid(problems)) => telling.input.problems.extend(problems),
            Err(error) => return Err(error),
        }
        Ok(telling)
    }

    pub(super) fn ids(&self) -> Vec<i64> {
        self.terminals.iter().map(|terminal| terminal.id).collect()
    }

    /// Complains of a terminal.
    pub(super) fn cannot(&mut self, terminal: usize, reason: &str) {
        let sn = &self.terminals[terminal].sn;
        let message = format!("{sn}: {reason}");
        self.input.problem(self.field, message);
    }

    /// Refuses when anything is wrong that was read so far. Whoever writes the rows of several terminals
    /// takes them in this order, so that two never wait for one another.
    fn settle(&mut self) -> Result<()> {
        if !self.input.problems.is_empty() {
            return Err(Error::Invalid(mem::take(&mut self.input.problems)));
        }
        self.terminals.sort_by_key(|terminal| terminal.id);
        Ok(())
    }

    /// The terminals, of something that is not told them.
    pub(super) fn meant(mut self) -> Result<Vec<Row>> {
        self.settle()?;
        Ok(self.terminals)
    }

    /// What each terminal is to be told, in its own words. Refused when anything is wrong that was
    /// read so far, or when one of them cannot be told.
    pub(super) fn plan(
        mut self,
        commands: impl Fn(&Row) -> Result<Vec<Command>, String>,
    ) -> Result<Plan<'a>> {
        self.settle()?;
        let mut told = Vec::with_capacity(self.terminals.len());
        for place in 0..self.terminals.len() {
            let terminal = &self.terminals[place];
            let worded: Result<Vec<Worded>, String> = commands(terminal).and_then(|commands| {
                commands
                    .iter()
                    .map(|command| commands::worded(command, terminal.family()))
                    .collect()
            });
            match worded {
                Ok(worded) => told.push(worded),
                Err(reason) => self.cannot(place, &reason),
            }
        }
        if !self.input.problems.is_empty() {
            return Err(Error::Invalid(self.input.problems));
        }
        Ok(Plan {
            app: self.app,
            caller: self.caller,
            answer: self.caller.profile.queued(),
            told: self.terminals.into_iter().zip(told).collect(),
            wait: self.wait,
        })
    }
}

/// The terminals a body names: all of them, or every one that is not there is named.
async fn meant(
    app: &App,
    caller: &Caller,
    body: &Body,
    usual: &'static str,
) -> Result<Several<Row>> {
    let names: Vec<&'static str> = [usual]
        .into_iter()
        .chain(NAMES.iter().copied().filter(|name| *name != usual))
        .collect();
    if body.first_of(&names).is_none() {
        let missing = Problem::new(usual, t!("This field is required."));
        return Err(Error::Invalid(vec![missing.coded(appendix::SN_REQUIRED)]));
    }
    resource::several::<Terminal>(app, caller, body, &names).await
}

/// What is to be queued.
pub(super) struct Plan<'a> {
    app: &'a App,
    caller: &'a Caller,
    /// What is said when it is queued.
    pub answer: Value,
    told: Vec<(Row, Vec<Worded>)>,
    wait: Option<Duration>,
}

impl Plan<'_> {
    pub(super) fn terminals(&self) -> impl Iterator<Item = &Row> {
        self.told.iter().map(|(terminal, _)| terminal)
    }

    /// Queues it within a transaction that may hold more, and writes down who did it. Returns the ids
    /// for each terminal.
    pub(super) async fn queue(&self, tx: &mut Writing, action: &str) -> Result<Vec<Vec<i64>>> {
        let mut ids = Vec::with_capacity(self.told.len());
        for (terminal, worded) in &self.told {
            ids.push(commands::give(self.app, tx, self.caller, terminal.id, worded).await?);
            let texts: Vec<String> = worded
                .iter()
                .map(|(_, text)| commands::shown_without_people(text))
                .collect();
            let deed = Deed {
                action,
                thing: Terminal::NAME,
                thing_id: terminal.sn.clone(),
                after: audit::members(json!({ "commands": texts })),
                ..Deed::default()
            };
            audit::write(tx, self.app.clock.now(), self.caller, deed).await?;
        }
        Ok(ids)
    }

    /// Makes it durable and answers.
    pub(super) async fn commit(self, tx: Writing, ids: Vec<i64>) -> Result<Answer> {
        tx.commit(self.app).await?;
        self.answer(ids).await
    }

    /// Answers of what is durable. When the caller waits, the answer has the commands with what became of them.
    pub(super) async fn answer(mut self, ids: Vec<i64>) -> Result<Answer> {
        let events = self.app.events.subscribe();
        if let Some(wait) = self.wait {
            let rows = outcome(self.app, self.caller, &ids, wait, events).await?;
            let shown = rows.iter().map(|row| row.shown(self.app, self.caller));
            self.answer["commands"] = shown.collect();
        }
        Ok(Answer::ok(&self.answer))
    }

    /// All there is to most commands.
    pub(super) async fn give(self, action: &str) -> Result<Answer> {
        let mut tx = Writing::begin(self.app).await?;
        let ids = self.queue(&mut tx, action).await?.concat();
        self.commit(tx, ids).await
    }
}

/// The commands when the last of them is over, or when it takes too long.
async fn outcome(
    app: &App,
    caller: &Caller,
    ids: &[i64],
    wait: Duration,
    mut events: Receiver<Event>,
) -> Result<Vec<command_list::Row>> {
    let awaited: HashSet<i64> = ids.iter().copied().collect();
    let end = Instant::now() + wait;
    loop {
        let now = Instant::now();
        if now >= end || !command_list::is_open(app, ids).await? {
            return command_list::of_ids(app, caller, ids).await;
        }
        let next = end.min(now + LOOK_AGAIN);
        let _ = timeout_at(next, heard(&mut events, &awaited)).await;
    }
}

/// Returns when one of these commands went on, or when that may have been missed.
async fn heard(events: &mut Receiver<Event>, awaited: &HashSet<i64>) {
    loop {
        match events.recv().await {
            Ok(Event::Command { id, .. }) if awaited.contains(&id) => return,
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => return,
            Err(RecvError::Closed) => return std::future::pending().await,
        }
    }
}

// ---- endpoints --------------------------------------------------------------------------------

pub(super) const TERMINALS: Member = Member::new(
    "terminals",
    Kind::ReferenceList,
    "Serial numbers or ids: a list, one, or several with commas; also devices_sn, device_sn, devices, sn.",
)
.required();

const TOLD: &[Member] = &[
    Member::new(
        "status",
        Kind::Text,
        "Success; in the BioTime profile code, msg and data.",
    ),
    Member::new(
        "commands",
        Kind::ObjectList,
        "With wait: each command and what became of it, as the list of commands shows it; the first 1000.",
    ),
];

/// `?wait=`, for the document.
pub(super) fn wait_parameter() -> Parameter {
    Parameter::new(
        "wait",
        Kind::Integer,
        "Seconds, at most 60: answers when the terminals have answered, or after so long.",
    )
}

/// An endpoint that tells terminals something.
pub(super) fn endpoint<F, R>(
    name: &str,
    summary: &str,
    right: Right,
    body: &'static [Member],
    work: F,
) -> Endpoint
where
    F: Fn(Call) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Answer>> + Send + 'static,
{
    let doc = Doc {
        summary: summary.into(),
        tag: Thing::Terminal.name(),
        query: vec![wait_parameter()],
        body: Some(body),
        returns: Returns::One(StatusCode::OK, TOLD),
    };
    let path = format!("{}{name}/", Terminal::PATH);
    Endpoint::guarded(Method::POST, &path, right, doc, work)
}
