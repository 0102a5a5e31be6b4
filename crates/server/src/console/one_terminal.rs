//! The page of one terminal: whether it is there, what it holds against what it should, what it was
//! told and logged, why a punch may be missing, and what can be done with it.

use crate::access::{Right, Thing};
use crate::app::App;
use crate::config::Admission;
use crate::console::Console;
use crate::console::act::{self, Act};
use crate::console::failure::Failure;
use crate::console::moment::{Moment, by_its_clock, by_the_clocks, moment};
use crate::console::page::{self, Frame};
use crate::console::place::Place;
use crate::console::record;
use crate::console::session::Session;
use crate::console::system;
use crate::console::table::{self, Excerpt, Listed, excerpt};
use crate::console::told::NOT_TAKEN;
use crate::error::{Error, Result};
use crate::extract::Query;
use crate::language::{Text, grouped};
use crate::resource::{self, Resource};
use crate::terminals::command_list::Listed as Commands;
use crate::terminals::inspection::{self, DRIFTS_S, Inspection, MOST_COUNTED};
use crate::terminals::operation_list::Operations;
use crate::terminals::overview::State;
use crate::terminals::roster::heartbeat_told_s;
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
    what: Text,
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
    link: Option<(String, Text)>,
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

    fn going_on(self, address: String, name: Text) -> Reason {
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
    place: Place,
    /// Where it is changed.
    form: String,
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
    others_are_there: bool,
    /// What zone the times are of.
    times: String,
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
    let own = [t!("Serial number"), t!("Terminal")];
    let is_open = |command: &<Commands as Resource>::Row| command.state == "queued";
    let commands = excerpt::<Commands>(app, caller, &latest, &own, is_open).await?;
    let operations = excerpt::<Operations>(app, caller, &latest, &own, |_| false).await?;
    // It has punches of people of any department.
    let sees_punches = caller.may(Right::View(Thing::Transaction))
        && caller.scope.departments.is_none()
        && caller.scope.employee.is_none();
    let talk: Vec<Said> = app
        .roster
        .talk
        .of(row.id)
        .into_iter()
        .map(|mut exchange| {
            if !sees_punches {
                exchange.said = exchange.said.without("line");
            }
            let at = moment(app, exchange.last_at);
            Said { at, exchange }
        })
        .collect();
    let state = state(app, &row);
    let place = Place::told(&Terminal::VIEW, query.as_deref());
    page::html(
        StatusCode::OK,
        &TerminalPage {
            frame: Frame::of(Terminal::VIEW.title, &session),
            csrf: session.csrf.clone(),
            form: place.along(&format!("/terminals/{}/form", row.id)),
            place,
            done: table::told(app, caller, Terminal::ACTS, done.as_deref()).await?,
            contact: row.last_activity_at.map(|at| moment(app, at)),
            zone: zone(app, &row),
            clock: clock(app, &row),
            counts: counts(&row, &inspection),
            reasons: reasons(app, &row, state, &inspection, sees_punches, &talk),
            acts: act::of::<Terminal>(&session),
            may_change: caller.may(Right::Change(Terminal::THING)),
            may_cancel: caller.may(Right::TerminalCommand),
            state,
            inspection,
            row,
            commands,
            operations,
            talk,
            others_are_there: system::others_are_there(app).await?,
            times: by_the_clocks(app.zone.name()),
        },
    )
}

fn state(app: &App, row: &Row) -> State {
    if row.is_held() && app.settings().terminals.admission != Admission::Open {
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
        0 => t!("right, seen {ago}", ago = seen),
        ahead @ 1.. => t!(
            "{seconds} s fast, seen {ago}",
            seconds = grouped(ahead),
            ago = seen
        ),
        behind => t!(
            "{seconds} s slow, seen {ago}",
            seconds = grouped(-behind),
            ago = seen
        ),
    })
}

fn counts(row: &Row, inspection: &Inspection) -> Vec<Count> {
    let punches = match inspection.punches {
        MOST_COUNTED.. => t!("{count} or more", count = grouped(MOST_COUNTED)),
        fewer => grouped(fewer),
    };
    let all = [
        (
            t!("People"),
            row.user_count,
            row.user_capacity,
            grouped(inspection.people),
            true,
        ),
        (
            t!("Fingers"),
            row.fp_count,
            row.fp_capacity,
            grouped(inspection.fingers),
            row.fp_func_on,
        ),
        (
            t!("Faces"),
            row.face_count,
            row.face_capacity,
            grouped(inspection.faces),
            row.face_func_on,
        ),
        (
            t!("Finger veins"),
            Some(row.fv_count),
            row.fv_capacity,
            grouped(inspection.veins),
            row.fv_func_on,
        ),
        (
            t!("Palms"),
            row.palm_count,
            row.palm_capacity,
            grouped(inspection.palms),
            row.palm_func_on,
        ),
        (
            t!("Punches"),
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
    sees_punches: bool,
    talk: &[Said],
) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let of = |list: &str| format!("/{list}?terminal_sn={}", row.sn);
    reasons.push(match (state, row.last_activity_at) {
        (_, None) => Reason::bad(t!("It has never called this server.").into())
            .going_on("/live".into(), t!("What to type into it")),
        (State::Waiting, _) => Reason::bad(
            t!("It calls, and is refused: it waits to be authorised. Until then it keeps its punches.").into(),
        )
        .going_on(format!("/terminals/{}/form", row.id), t!("Put it into an area")),
        (State::Online, Some(at)) => {
            Reason::good(t!("It calls: the last time {ago}.", ago = moment(app, at).ago))
        }
        (State::Offline, Some(at)) => Reason::bad(t!(
            "It is silent since {time}. It should call every {seconds} seconds: look at its power, its network, and the \
             server's address in its menu.",
            time = moment(app, at).exact,
            seconds = heartbeat_told_s(row.heartbeat),
        )),
    });
    match &inspection.last_punch {
        Some(punch) => {
            let ago = moment(app, punch.upload_at).ago;
            let said = if sees_punches {
                t!(
                    "Its last punch here is of PIN {pin}, {time} by its clock, received {ago}.",
                    pin = punch.pin,
                    time = by_its_clock(app, punch.punch_local, punch.punch_at),
                    ago = ago,
                )
            } else {
                t!("Its last punch here was received {ago}.", ago = ago)
            };
            reasons.push(if punch.clock_suspect {
                Reason::bad(format!("{said} {}", t!("That time cannot be right.")))
            } else {
                Reason::good(said).going_on(of("transactions"), t!("Its transactions"))
            });
        }
        None if inspection.punches > 0 => {
            reasons.push(Reason::bad(
                t!("It has sent no punch for a long time.").into(),
            ));
        }
        None => reasons.push(Reason::bad(t!("It has sent no punch yet.").into())),
    }
    if let Some(there) = row.transaction_count
        && inspection.punches < MOST_COUNTED.min(there)
    {
        reasons.push(Reason::bad(t!(
            "It counts {there} punches and only {here} of it are here. Have it send them again, below.",
            there = grouped(there),
            here = grouped(inspection.punches),
        )));
    }
    if inspection.unregistered > 0 {
        reasons.push(
            Reason::bad(t!(
                "Punches of PINs nobody has: {count}. They are no transactions until somebody has that code.",
                count = grouped(inspection.unregistered),
            ))
            .going_on(of("unregister"), t!("Unregister")),
        );
    }
    if inspection.unread > 0 {
        reasons.push(
            Reason::bad(t!(
                "Lines it sent that nobody can read: {count}. They are kept.",
                count = grouped(inspection.unread),
            ))
            .going_on(of("unread"), t!("Unread lines")),
        );
    }
    if row
        .clock_drift_s
        .is_some_and(|drift| drift.abs() > DRIFTS_S)
    {
        reasons.push(Reason::bad(
            t!("Its clock is wrong, and so are the times of its punches. Set its clock, below.")
                .into(),
        ));
    }
    if inspection.failed > 0 {
        reasons.push(
            Reason::bad(t!(
                "Things of people that it would not take: {count}. Whom it does not know cannot punch.",
                count = grouped(inspection.failed),
            ))
            .going_on(
                format!("{}&state={NOT_TAKEN}", of("holdings")),
                t!("Who is where"),
            ),
        );
    }
    if let Some(refused) = talk.iter().find(|said| said.exchange.status != 200) {
        reasons.push(Reason::bad(t!(
            "It was refused {ago}: it {said}, and was {answered}.",
            ago = refused.at.ago,
            said = refused.exchange.said,
            answered = refused.exchange.answered,
        )));
    }
    reasons
}
