//! The page of one terminal: whether it is there, what it holds against what it should, what it was
//! told and logged, why a punch may be missing, and what can be done with it.

use crate::access::Right;
use crate::app::App;
use crate::config::Admission;
use crate::console::Console;
use crate::console::act::{self, Act};
use crate::console::failure::Failure;
use crate::console::moment::{Moment, grouped, moment};
use crate::console::page::{self, Frame};
use crate::console::record;
use crate::console::session::Session;
use crate::console::table::{self, Excerpt, Listed, excerpt};
use crate::error::{Error, Result};
use crate::extract::Query;
use crate::resource::{self, Resource};
use crate::terminals::command_list::Listed as Commands;
use crate::terminals::inspection::{self, DRIFTS_S, Inspection, MOST_COUNTED};
use crate::terminals::operation_list::Operations;
use crate::terminals::overview::State;
use crate::terminals::talk::Exchange;
use crate::terminals::terminal::{Row, Terminal};
use askama::Template;
use axum::extract::{RawPathParams, RawQuery, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use std::sync::Arc;

/// So many commands and operations are shown; the lists have all.
const LATEST: &str = "12";

/// Of one thing: how many the terminal counts, how many it has room for, and how many are here.
struct Count {
    what: &'static str,
    there: Option<i64>,
    room: Option<i64>,
    here: String,
}

impl Count {
    fn there(&self) -> String {
        self.there.map_or_else(|| "–".into(), grouped)
    }

    fn room(&self) -> String {
        self.room.map_or_else(|| "–".into(), grouped)
    }
}

/// A plain answer to "why is there no punch?".
struct Reason {
    is_good: bool,
    text: String,
    /// Where to go on, and what that is called.
    link: Option<(String, &'static str)>,
}

impl Reason {
    fn good(text: String) -> Reason {
        Reason {
            is_good: true,
            text,
            link: None,
        }
    }

    fn bad(text: String) -> Reason {
        Reason {
            is_good: false,
            text,
            link: None,
        }
    }

    fn going_on(self, address: String, name: &'static str) -> Reason {
        Reason {
            link: Some((address, name)),
            ..self
        }
    }
}

struct Said {
    at: Moment,
    exchange: Exchange,
}

#[derive(Template)]
#[template(path = "terminal.html")]
struct TerminalPage {
    frame: Frame,
    csrf: String,
    done: Option<String>,
    row: Row,
    state: State,
    contact: Option<Moment>,
    zone: String,
    clock: Option<String>,
    counts: Vec<Count>,
    inspection: Inspection,
    reasons: Vec<Reason>,
    acts: Vec<Act>,
    may_change: bool,
    may_cancel: bool,
    commands: Excerpt,
    operations: Excerpt,
    talk: Vec<Said>,
}

/// `GET /terminals/{id}`.
pub async fn page(
    Shared(console): Shared<Arc<Console>>,
    params: RawPathParams,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let (app, caller) = (&console.app, &session.caller);
    caller.require(Right::View(Terminal::THING))?;
    let key = record::key(&params).ok_or(Error::NotFound)?;
    let row = resource::fetch::<Terminal>(app, caller, key).await?;
    let done = Query::parse(query.as_deref().unwrap_or(""))?.take("done");
    let inspection = inspection::inspect(app, &row).await?;
    let id = row.id.to_string();
    let latest = [("terminal", id.as_str()), ("page_size", LATEST)];
    let own = ["Serial number", "Terminal"];
    let is_open = |command: &<Commands as Resource>::Row| command.state == "queued";
    let commands = excerpt::<Commands>(app, caller, &latest, &own, is_open).await?;
    let operations = excerpt::<Operations>(app, caller, &latest, &own, |_| false).await?;
    let talk: Vec<Said> = app
        .roster
        .talk
        .of(row.id)
        .into_iter()
        .map(|exchange| Said {
            at: moment(app, exchange.last_at),
            exchange,
        })
        .collect();
    let state = state(app, &row);
    page::html(
        StatusCode::OK,
        &TerminalPage {
            frame: Frame::of(Terminal::VIEW.title, &session),
            csrf: session.csrf.clone(),
            done: done.and_then(|word| table::told(Terminal::ACTS, &word)),
            contact: row.last_activity_at.map(|at| moment(app, at)),
            zone: zone(app, &row),
            clock: clock(app, &row),
            counts: counts(&row, &inspection),
            reasons: reasons(app, &row, state, &inspection, &talk),
            acts: act::of::<Terminal>(&session),
            may_change: caller.may(Right::Change(Terminal::THING)),
            may_cancel: caller.may(Right::TerminalCommand),
            state,
            inspection,
            row,
            commands,
            operations,
            talk,
        },
    )
}

fn state(app: &App, row: &Row) -> State {
    if row.is_held() && app.config.terminals.admission != Admission::Open {
        State::Waiting
    } else if row.is_online(app.clock.now()) {
        State::Online
    } else {
        State::Offline
    }
}

/// Its time now, and what zone that is.
fn zone(app: &App, row: &Row) -> String {
    let minutes = row.zone().offset_at(app.clock.now());
    let sign = if minutes < 0 { '-' } else { '+' };
    let offset = format!(
        "UTC{sign}{:02}:{:02}",
        minutes.abs() / 60,
        minutes.abs() % 60
    );
    match &row.zone_name {
        Some(name) => format!("{name}, {offset}"),
        None => offset,
    }
}

fn clock(app: &App, row: &Row) -> Option<String> {
    let (seconds, seen) = row.clock_drift_s.zip(row.clock_seen_at)?;
    let seen = moment(app, seen).ago;
    Some(match seconds {
        0 => format!("right, seen {seen}"),
        ahead @ 1.. => format!("{} s fast, seen {seen}", grouped(ahead)),
        behind => format!("{} s slow, seen {seen}", grouped(-behind)),
    })
}

fn counts(row: &Row, inspection: &Inspection) -> Vec<Count> {
    let punches = match inspection.punches {
        MOST_COUNTED.. => format!("{} or more", grouped(MOST_COUNTED)),
        fewer => grouped(fewer),
    };
    let all = [
        (
            "People",
            row.user_count,
            row.user_capacity,
            grouped(inspection.people),
            true,
        ),
        (
            "Fingers",
            row.fp_count,
            row.fp_capacity,
            grouped(inspection.fingers),
            row.fp_func_on,
        ),
        (
            "Faces",
            row.face_count,
            row.face_capacity,
            grouped(inspection.faces),
            row.face_func_on,
        ),
        (
            "Finger veins",
            Some(row.fv_count),
            row.fv_capacity,
            grouped(inspection.veins),
            row.fv_func_on,
        ),
        (
            "Palms",
            row.palm_count,
            row.palm_capacity,
            grouped(inspection.palms),
            row.palm_func_on,
        ),
        (
            "Punches",
            row.transaction_count,
            row.transaction_capacity,
            punches,
            true,
        ),
    ];
    all.into_iter()
        .filter(|(_, there, .., is_able)| *is_able || there.is_some_and(|count| count > 0))
        .map(|(what, there, room, here, _)| Count {
            what,
            there,
            room: room.filter(|room| *room > 0),
            here,
        })
        .collect()
}

fn reasons(
    app: &App,
    row: &Row,
    state: State,
    inspection: &Inspection,
    talk: &[Said],
) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let of = |list: &str| format!("/{list}?terminal_sn={}", row.sn);
    reasons.push(match (state, row.last_activity_at) {
        (_, None) => Reason::bad("It has never called this server.".into())
            .going_on("/live".into(), "What to type into it"),
        (State::Waiting, _) => Reason::bad(
            "It calls, and is refused: it waits to be authorised. Until then it keeps its punches.".into(),
        )
        .going_on(format!("/terminals/{}/form", row.id), "Put it into an area"),
        (State::Online, Some(at)) => {
            Reason::good(format!("It calls: the last time {}.", moment(app, at).ago))
        }
        (State::Offline, Some(at)) => Reason::bad(format!(
            "It is silent since {}. It should call every {} seconds: look at its power, its network, and the \
             server's address in its menu.",
            moment(app, at).exact,
            row.heartbeat
        )),
    });
    match &inspection.last_punch {
        Some(punch) => {
            let said = format!(
                "Its last punch here is of PIN {}, {} by its clock, received {}.",
                punch.pin,
                punch.punch_local.format("%Y-%m-%d %H:%M:%S"),
                moment(app, punch.upload_at).ago
            );
            reasons.push(if punch.clock_suspect {
                Reason::bad(format!("{said} That time cannot be right."))
            } else {
                Reason::good(said).going_on(of("transactions"), "Its transactions")
            });
        }
        None if inspection.punches > 0 => {
            reasons.push(Reason::bad("It has sent no punch for a long time.".into()));
        }
        None => reasons.push(Reason::bad("It has sent no punch yet.".into())),
    }
    if let Some(there) = row.transaction_count
        && inspection.punches < MOST_COUNTED.min(there)
    {
        reasons.push(Reason::bad(format!(
            "It counts {} punches and only {} of it are here. Have it send them again, below.",
            grouped(there),
            grouped(inspection.punches)
        )));
    }
    if inspection.unregistered > 0 {
        reasons.push(
            Reason::bad(format!(
                "Punches of PINs nobody has: {}. They are no transactions until somebody has that code.",
                grouped(inspection.unregistered)
            ))
            .going_on(of("unregister"), "Unregister"),
        );
    }
    if inspection.unread > 0 {
        reasons.push(
            Reason::bad(format!(
                "Lines it sent that nobody can read: {}. They are kept.",
                grouped(inspection.unread)
            ))
            .going_on(of("unread"), "Unread lines"),
        );
    }
    if row
        .clock_drift_s
        .is_some_and(|drift| drift.abs() > DRIFTS_S)
    {
        reasons.push(Reason::bad(
            "Its clock is wrong, and so are the times of its punches. Set its clock, below.".into(),
        ));
    }
    if inspection.failed > 0 {
        reasons.push(
            Reason::bad(format!(
                "Things of people that it would not take: {}. Whom it does not know cannot punch.",
                grouped(inspection.failed)
            ))
            .going_on(of("holdings"), "Who is where"),
        );
    }
    if let Some(refused) = talk.iter().find(|said| said.exchange.status != 200) {
        reasons.push(Reason::bad(format!(
            "It was refused {}: it {}, and was {}.",
            refused.at.ago, refused.exchange.said, refused.exchange.answered
        )));
    }
    reasons
}
