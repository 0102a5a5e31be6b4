//! What keeps an open live page up to date: pieces of the page, sent when something has happened.
//! What has happened is only a hint; each time the page's rows are read from the database again,
//! with the rights the looker has then, and what differs from what was sent is sent.

use crate::app::App;
use crate::console::Console;
use crate::console::failure::Failure;
use crate::console::live::{self, Looker};
use crate::console::moment;
use crate::console::session::Session;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::language::{self, Language};
use crate::metrics::Viewer;
use crate::terminals::overview::{Overview, State};
use axum::extract::{RawQuery, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, Utc};
use futures::{StreamExt, stream};
use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior};

/// What happens within so long is sent together: at most five times a second.
const GATHER: Duration = Duration::from_millis(200);
/// Punches alone change nothing about terminals but when they were last heard, which is looked at so often: there may be
/// thousands of terminals, and a page for each gate.
const CONTACTS: Duration = Duration::from_secs(5);
/// How often the rows are read without any hint: terminals fall silent without an event.
const LOOK_AGAIN: Duration = Duration::from_secs(15);
/// How long a browser waits before it connects again.
const RETRY: Duration = Duration::from_secs(3);

/// One open page, and what it has been sent.
struct Stream {
    app: Arc<App>,
    session: Session,
    /// Of the page, whose request is over while this goes on.
    language: &'static Language,
    area: Option<i64>,
    events: Receiver<Event>,
    clock: Interval,
    stop: watch::Receiver<bool>,
    /// The newest punch the page has, or knows it may not see.
    last_punch: i64,
    /// The newest punch there was a hint of.
    hinted_punch: i64,
    /// Punches whose photo came since they were sent.
    photographed: BTreeSet<i64>,
    terminals: HashMap<i64, (State, Overview)>,
    contacts: HashMap<i64, Option<DateTime<Utc>>>,
    /// Something may be different with the terminals since they were looked at, and when that was.
    terminals_hinted: bool,
    terminals_seen: Instant,
    terminal_counts: Option<[usize; 3]>,
    /// The list has more than the page.
    is_cut: bool,
    authorise: String,
    may_authorise: bool,
    counts: String,
    step: Step,
    /// Counted as long as this is here.
    _viewer: Viewer,
}

#[derive(PartialEq)]
enum Step {
    First,
    Going,
    Over,
}

pub async fn stream(
    Shared(console): Shared<Arc<Console>>,
    session: Option<Session>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let Some(session) = session else {
        return Ok((StatusCode::UNAUTHORIZED, "signed out\n").into_response());
    };
    if !live::sees_terminals(&session) && !live::sees_punches(&session) {
        return Err(Error::Forbidden.into());
    }
    let asked = live::number_of(query.as_deref(), "after");
    let last_seen = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok()?.parse().ok());
    let mut clock = tokio::time::interval(LOOK_AGAIN);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    clock.reset();
    let stream = Stream {
        // Before the first read, so that nothing falls between the two.
        events: console.app.events.subscribe(),
        app: console.app.clone(),
        session,
        language: language::now(),
        area: live::number_of(query.as_deref(), "area"),
        clock,
        stop: console.stop.clone(),
        last_punch: last_seen.or(asked).unwrap_or(0),
        hinted_punch: 0,
        photographed: BTreeSet::new(),
        terminals: HashMap::new(),
        contacts: HashMap::new(),
        terminals_hinted: true,
        terminals_seen: Instant::now(),
        terminal_counts: None,
        is_cut: false,
        authorise: String::new(),
        may_authorise: false,
        counts: String::new(),
        step: Step::First,
        _viewer: console.app.metrics.viewer(),
    };
    let events = stream::unfold(stream, |mut stream| async {
        let events = language::within(stream.language, stream.next()).await?;
        Some((
            stream::iter(events.into_iter().map(Ok::<_, Infallible>)),
            stream,
        ))
    })
    .flatten();
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(15));
    Ok((
        // A proxy that gathers answers would keep every event back.
        [("x-accel-buffering", "no")],
        Sse::new(events).keep_alive(keep_alive),
    )
        .into_response())
}

impl Stream {
    /// What is to be sent next. Nothing: the answer ends, and the browser connects again if the
    /// session still stands.
    async fn next(&mut self) -> Option<Vec<sse::Event>> {
        loop {
            match self.step {
                Step::First => {}
                Step::Going => self.wait().await?,
                Step::Over => return None,
            }
            let read = match self.session.again(&self.app).await {
                Ok(Some(session)) => {
                    self.session = session;
                    self.read().await
                }
                Ok(None) => {
                    self.step = Step::Over;
                    return Some(vec![event("signed-out", "ok")]);
                }
                Err(error) => Err(error),
            };
            match read {
                Ok(events) if events.is_empty() => {}
                Ok(events) => return Some(events),
                Err(error) => {
                    tracing::warn!(%error, "a live page was cut off");
                    return None;
                }
            }
        }
    }

    /// Waits until something has happened or it is time to look again.
    async fn wait(&mut self) -> Option<()> {
        let hint = tokio::select! {
            event = self.events.recv() => match event {
                Ok(event) => Some(event),
                // What was missed is in the database.
                Err(RecvError::Lagged(_)) => None,
                Err(RecvError::Closed) => return None,
            },
            _ = self.clock.tick() => None,
            _ = self.stop.wait_for(|stop| *stop) => return None,
        };
        match hint {
            Some(event) => self.note(&event),
            None => self.terminals_hinted = true,
        }
        tokio::time::sleep(GATHER).await;
        loop {
            match self.events.try_recv() {
                Ok(event) => self.note(&event),
                Err(TryRecvError::Lagged(_)) => self.terminals_hinted = true,
                Err(TryRecvError::Empty) => return Some(()),
                Err(TryRecvError::Closed) => return None,
            }
        }
    }

    fn note(&mut self, event: &Event) {
        match event {
            Event::Punches(ids) => {
                self.hinted_punch = ids.iter().copied().fold(self.hinted_punch, i64::max);
            }
            Event::Photo { punch_id } => _ = self.photographed.insert(*punch_id),
            // Nothing of what is shown of a terminal.
            Event::Command { .. } | Event::Reread(_) => {}
            Event::Terminal(_) | Event::Alarm { .. } => self.terminals_hinted = true,
        }
    }

    async fn read(&mut self) -> Result<Vec<sse::Event>> {
        let first = std::mem::replace(&mut self.step, Step::Going) == Step::First;
        let app = self.app.clone();
        let session = self.session.clone();
        let looker = Looker::new(&app, &session, self.area).await?;
        let mut events = Vec::new();

        let punches = looker.punches(self.last_punch).await?;
        if let Some(newest) = punches.first() {
            self.last_punch = newest.id;
            events.push(
                event("punches", &looker.punch_rows(&punches).await?).id(newest.id.to_string()),
            );
        }
        let photographed = std::mem::take(&mut self.photographed);
        if !photographed.is_empty() {
            let again = looker.punches_again(photographed).await?;
            if !again.is_empty() {
                events.push(event("again", &looker.punch_rows(&again).await?));
            }
        }
        // Ids become visible in the order they rise, so whatever of these is not here is hidden.
        self.last_punch = self.last_punch.max(self.hinted_punch);

        if self.terminals_hinted || self.terminals_seen.elapsed() >= CONTACTS {
            let terminals = looker.terminals().await?;
            self.terminal_counts = terminals.as_ref().map(|(_, counts)| *counts);
            if let Some((terminals, counts)) = terminals {
                let is_cut = live::is_cut(&terminals, counts);
                let was_cut = std::mem::replace(&mut self.is_cut, is_cut);
                let is_to_be_told = first || is_cut != was_cut;
                self.compare(&looker, terminals, is_to_be_told, &mut events)?;
            }
            self.terminals_hinted = false;
            self.terminals_seen = Instant::now();
        }
        let counts = looker.counts(self.terminal_counts).await?;
        if counts != self.counts {
            events.push(event("counts", &counts));
            self.counts = counts;
        }
        if first {
            events.insert(0, event("connected", "ok").retry(RETRY));
        }
        Ok(events)
    }

    /// Sends the terminals that are not as they were sent, who was heard again, where those that wait
    /// may be put, and, when one has gone or it `is_to_be_told`, who is left.
    fn compare(
        &mut self,
        looker: &Looker<'_>,
        terminals: Vec<(State, Overview)>,
        is_to_be_told: bool,
        events: &mut Vec<sse::Event>,
    ) -> Result<()> {
        let authorise = looker.authorise_form()?;
        if authorise != self.authorise {
            events.push(event("authorise", &authorise));
            self.authorise = authorise;
        }
        let may = looker.may_authorise();
        let other_buttons = std::mem::replace(&mut self.may_authorise, may) != may;
        let before = std::mem::take(&mut self.terminals);
        let mut rows = String::new();
        let mut heard = Vec::new();
        for (state, terminal) in terminals {
            let contact = terminal.last_activity_at;
            let shown = (state, terminal.without_contact());
            let has_button = state == State::Waiting;
            if before.get(&terminal.id) != Some(&shown) || (has_button && other_buttons) {
                rows.push_str(&looker.terminal_row(state, &terminal)?);
            } else if let Some(at) = contact
                && self.contacts.get(&terminal.id) != Some(&contact)
            {
                heard.push(serde_json::json!([
                    terminal.id,
                    at.to_rfc3339_opts(SecondsFormat::Secs, true),
                    moment::exact(&self.app, at)
                ]));
            }
            self.contacts.insert(terminal.id, contact);
            self.terminals.insert(terminal.id, shown);
        }
        if !rows.is_empty() {
            events.push(event("terminals", &rows));
        }
        if !heard.is_empty() {
            events.push(event("heard", &serde_json::Value::from(heard).to_string()));
        }
        if is_to_be_told || before.keys().any(|id| !self.terminals.contains_key(id)) {
            self.contacts
                .retain(|id, _| self.terminals.contains_key(id));
            let ids: Vec<i64> = self.terminals.keys().copied().collect();
            let present = serde_json::json!({ "ids": ids, "isCut": self.is_cut });
            events.push(event("present", &present.to_string()));
        }
        Ok(())
    }
}

/// An event; a carriage return, which the stream cannot carry, is written as HTML has it.
fn event(name: &str, text: &str) -> sse::Event {
    sse::Event::default()
        .event(name)
        .data(text.replace('\r', "&#13;"))
}
