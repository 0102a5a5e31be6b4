//! The live page: the terminals and the punches as they come, and the button that lets a waiting
//! terminal in. `live_events.rs` keeps the page up to date with the same pieces.

use crate::access::{Right, Thing};
use crate::app::App;
use crate::console::Console;
use crate::console::arrival::Arrival;
use crate::console::failure::Failure;
use crate::console::form::Form;
use crate::console::moment::{Moment, by_the_clocks, exact, moment, offset, other_offset};
use crate::console::page::{self, Frame};
use crate::console::punch_photo;
use crate::console::session::Session;
use crate::console::ways::{Tells, Ways};
use crate::error::{Error, Result};
use crate::language::{self, Text, grouped};
use crate::punches::recent::{self, Recent};
use crate::punches::transaction::Transaction;
use crate::punches::unregistered::Unregistered;
use crate::punches::wording;
use crate::punches::{day, photo, punch};
use crate::relation::AREA;
use crate::terminals::admission::{self, Destination};
use crate::terminals::contact::NOT_AUTHORIZED;
use crate::terminals::overview::{self, Overview, State};
use askama::Template;
use axum::extract::{RawPathParams, RawQuery, State as Shared};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::SecondsFormat;
use std::borrow::Cow;
use std::sync::Arc;

/// The page keeps so many punches, and shows so many terminals at most: a slow line carries them, and the list has all.
pub const MOST_PUNCHES: u64 = 100;
const MOST_TERMINALS: usize = 40;
const MOST_WAITING: usize = 20;

/// What somebody may do on the live page, and which areas there are to choose from.
pub struct Looker<'a> {
    pub app: &'a App,
    pub session: &'a Session,
    pub areas: Vec<(i64, String)>,
    /// The area that is looked at, when it is one alone, and with it those below.
    pub area: Option<i64>,
    within: Option<Vec<i64>>,
    pub refusal: Option<Refusal>,
}

/// What was chosen for a waiting terminal, and why it cannot be.
pub struct Refusal {
    /// As the form has them.
    area_id: String,
    area_name: String,
    reason: String,
}

impl Refusal {
    /// At the field of the area's name, when it was to be a new one.
    fn is_of_name(&self) -> bool {
        matches!(self.area_id.as_str(), "" | "new")
    }

    fn chose(&self, area: &i64) -> bool {
        self.area_id == area.to_string()
    }
}

#[derive(Template)]
#[template(path = "live.html")]
struct Live {
    frame: Frame,
    sees_terminals: bool,
    sees_punches: bool,
    terminals: Vec<String>,
    /// More are in the list than here.
    is_cut: bool,
    /// Where waiting terminals may be put.
    authorise: String,
    punches: String,
    counts: String,
    /// The newest punch shown: the stream goes on from here.
    last_punch: i64,
    door: TerminalDoor,
    read_at: Moment,
    /// To choose from.
    areas: Vec<(i64, String)>,
    area: Option<i64>,
    /// What zone the times are of.
    times: String,
    done: Option<String>,
    refused: Option<String>,
}

/// What is typed into a terminal so that it finds this server.
pub struct TerminalDoor {
    pub address: String,
    pub port: String,
    /// What its setting HTTPS is set to.
    pub https: String,
    /// The page was called by a name that means "this machine": no use to a terminal.
    pub is_local_name: bool,
}

#[derive(Template)]
#[template(path = "live/terminal.html")]
struct TerminalRow<'a> {
    terminal: &'a Overview,
    state: State,
    order: String,
    alarm: Option<(Cow<'a, str>, Moment)>,
    contact: Option<Moment>,
    first_contact: Moment,
    counts: [(Text, Option<String>); 4],
    may_authorise: bool,
}

/// One for all that wait: there may be hundreds of areas to choose from.
#[derive(Template)]
#[template(path = "live/authorise.html")]
struct AuthoriseForm<'a> {
    csrf: &'a str,
    areas: &'a [(i64, String)],
    may_authorise: bool,
    may_make_area: bool,
    refusal: Option<&'a Refusal>,
}

#[derive(Template)]
#[template(path = "live/punch.html")]
struct PunchRow {
    id: i64,
    iso: String,
    /// Set when the punch is not of today.
    day: Option<String>,
    time: String,
    /// Its distance from UTC, where the server's zone has another.
    zone: Option<String>,
    exact: String,
    pin: String,
    name: Option<String>,
    is_unknown: bool,
    state: Option<String>,
    /// Which way the arrow points: `in`, `out`, or nothing.
    way: &'static str,
    verify: String,
    terminal: String,
    /// The pages of the person and of the terminal.
    to_person: Option<String>,
    to_terminal: Option<String>,
    /// Whose photo is shown.
    photo: Option<i64>,
    /// The page of the one taken at the punch.
    photo_page: Option<String>,
    clock_suspect: bool,
}

#[derive(Template)]
#[template(path = "live/counts.html")]
struct Counts {
    punches_today: Option<String>,
    terminals: Option<[usize; 3]>,
    /// What the list of terminals is asked besides.
    of_area: String,
}

impl<'a> Looker<'a> {
    pub async fn new(app: &'a App, session: &'a Session, area: Option<i64>) -> Result<Looker<'a>> {
        let areas = if session.caller.may(Right::Change(Thing::Terminal)) {
            admission::areas(app, &session.caller).await?
        } else {
            Vec::new()
        };
        let within = match area {
            Some(area) => Some(AREA.ids_with_below(app, &area.to_string()).await?),
            None => None,
        };
        Ok(Looker {
            app,
            session,
            areas,
            area,
            within,
            refusal: None,
        })
    }

    /// The terminals the page shows, and how many there are: waiting, online, offline.
    pub async fn terminals(&self) -> Result<Option<(Vec<(State, Overview)>, [usize; 3])>> {
        if !sees_terminals(self.session) {
            return Ok(None);
        }
        let mut terminals = overview::list(self.app, &self.session.caller.scope).await?;
        let within = self.within.as_deref();
        terminals.retain(|(_, terminal)| within.is_none_or(|ids| ids.contains(&terminal.area_id)));
        let mut counts = [0; 3];
        for (state, _) in &terminals {
            counts[*state as usize] += 1;
        }
        terminals.sort_by_cached_key(|(state, terminal)| self.order(*state, terminal));
        let mut waiting = 0;
        terminals.retain(|(state, _)| {
            waiting += usize::from(*state == State::Waiting);
            *state != State::Waiting || waiting <= MOST_WAITING
        });
        terminals.truncate(MOST_TERMINALS);
        Ok(Some((terminals, counts)))
    }

    /// Where a terminal stands among the others: those that need somebody come first.
    fn order(&self, state: State, terminal: &Overview) -> String {
        let need = match state {
            State::Waiting => 0,
            _ if terminal.alarm(self.app.clock.now()).is_some() => 1,
            State::Offline => 2,
            State::Online => 3,
        };
        format!("{need} {} {}", terminal.alias.to_lowercase(), terminal.sn)
    }

    fn may_make_area(&self) -> bool {
        let caller = &self.session.caller;
        caller.may(Right::Change(Thing::Area)) && caller.scope.areas.is_none()
    }

    /// Whether there is anywhere to put a waiting terminal.
    pub fn may_authorise(&self) -> bool {
        let may_change = self.session.caller.may(Right::Change(Thing::Terminal));
        may_change && (!self.areas.is_empty() || self.may_make_area())
    }

    /// What a waiting terminal's button sends along; nothing for whoever may authorise none.
    pub fn authorise_form(&self) -> Result<String> {
        if !self.session.caller.may(Right::Change(Thing::Terminal)) {
            return Ok(String::new());
        }
        page::text(&AuthoriseForm {
            csrf: &self.session.csrf,
            areas: &self.areas,
            may_authorise: self.may_authorise(),
            may_make_area: self.may_make_area(),
            refusal: self.refusal.as_ref(),
        })
    }

    /// The punches after one, newest first.
    pub async fn punches(&self, after: i64) -> Result<Vec<Recent>> {
        if !sees_punches(self.session) {
            return Ok(Vec::new());
        }
        let scope = &self.session.caller.scope;
        recent::since(self.app, scope, self.within.as_deref(), after, MOST_PUNCHES).await
    }

    /// Those of some punches that are seen, as they are now.
    pub async fn punches_again(&self, ids: impl IntoIterator<Item = i64>) -> Result<Vec<Recent>> {
        if !sees_punches(self.session) {
            return Ok(Vec::new());
        }
        let scope = &self.session.caller.scope;
        recent::again(self.app, scope, self.within.as_deref(), ids, MOST_PUNCHES).await
    }

    pub fn terminal_row(&self, state: State, terminal: &Overview) -> Result<String> {
        page::text(&TerminalRow {
            terminal,
            state,
            order: self.order(state, terminal),
            contact: terminal.last_activity_at.map(|at| moment(self.app, at)),
            alarm: terminal
                .alarm(self.app.clock.now())
                .map(|(alarm, at)| (language::worded(alarm), moment(self.app, at))),
            first_contact: moment(self.app, terminal.created_at),
            counts: [
                (t!("people"), terminal.user_count.map(grouped)),
                (t!("fingers"), terminal.fp_count.map(grouped)),
                (t!("faces"), terminal.face_count.map(grouped)),
                (t!("punches kept"), terminal.transaction_count.map(grouped)),
            ],
            may_authorise: state == State::Waiting && self.may_authorise(),
        })
    }

    pub async fn punch_rows(&self, punches: &[Recent]) -> Result<String> {
        let today = self
            .app
            .clock
            .now()
            .with_timezone(&self.app.zone)
            .date_naive();
        let sees_people = self.session.caller.may(Right::View(Thing::Employee));
        let tells: Vec<Tells> = punches
            .iter()
            .map(|punch| Tells {
                person: punch.employee_id,
                terminal: punch.terminal_id,
                ..Tells::default()
            })
            .collect();
        let ways = Ways::of(self.app, &self.session.caller, &tells).await?;
        let shots = punches.iter().map(Recent::shot);
        let photographed = photo::those_with_one(self.app, shots).await?;
        let mut rows = String::new();
        for (punch, tells) in punches.iter().zip(&tells) {
            let offset = offset(punch.punch_local, punch.punch_at);
            let zone = offset.map_or_else(String::new, |offset| offset.to_string());
            rows.push_str(&page::text(&PunchRow {
                id: punch.id,
                iso: punch.punch_at.to_rfc3339_opts(SecondsFormat::Secs, true),
                day: (punch.punch_local.date() != today)
                    .then(|| punch.punch_local.format("%Y-%m-%d").to_string()),
                time: punch.punch_local.format("%H:%M:%S").to_string(),
                zone: other_offset(self.app, punch.punch_local, punch.punch_at),
                exact: t!(
                    "{time} {zone}, by the terminal's clock; received {received}",
                    time = punch.punch_local.format("%Y-%m-%d %H:%M:%S"),
                    zone = zone,
                    received = exact(self.app, punch.upload_at),
                ),
                pin: punch.pin.clone(),
                name: punch.name(),
                is_unknown: punch.employee_id.is_none(),
                state: wording::state(punch.punch_state),
                way: wording::way(punch.punch_state),
                verify: wording::verify(punch.verify_type),
                terminal: punch
                    .terminal_alias
                    .clone()
                    .unwrap_or_else(|| punch.terminal_sn.clone()),
                to_person: ways.to_person(tells),
                to_terminal: ways.to_terminal(tells),
                photo: punch.employee_id.filter(|_| punch.has_photo && sees_people),
                photo_page: photographed
                    .contains(&punch.id)
                    .then(|| match punch.transaction_id {
                        Some(id) => punch_photo::address::<Transaction>(id),
                        None => punch_photo::address::<Unregistered>(punch.id),
                    }),
                clock_suspect: punch.clock_suspect,
            })?);
        }
        Ok(rows)
    }

    pub async fn counts(&self, terminals: Option<[usize; 3]>) -> Result<String> {
        let punches_today = if sees_punches(self.session) {
            Some(grouped(
                day::count_today(self.app, &self.session.caller.scope, self.within.as_deref())
                    .await?,
            ))
        } else {
            None
        };
        page::text(&Counts {
            punches_today,
            terminals,
            of_area: self
                .area
                .map_or_else(String::new, |area| format!("&area={area}")),
        })
    }
}

/// Whether there are more than are shown.
pub fn is_cut(terminals: &[(State, Overview)], counts: [usize; 3]) -> bool {
    terminals.len() < counts.iter().sum()
}

pub fn sees_terminals(session: &Session) -> bool {
    session.caller.may(Right::View(Thing::Terminal))
}

pub fn sees_punches(session: &Session) -> bool {
    session.caller.may(Right::View(Thing::Transaction))
}

pub async fn page(
    Shared(console): Shared<Arc<Console>>,
    session: Session,
    RawQuery(query): RawQuery,
    parts: Parts,
) -> Result<Response, Failure> {
    let authorised = number_of(query.as_deref(), "authorised");
    let done = match authorised {
        Some(id) if sees_terminals(&session) => {
            overview::find(&console.app, &session.caller.scope, id)
                .await?
                .filter(|terminal| terminal.area_id != NOT_AUTHORIZED)
                .map(|terminal| {
                    t!(
                        "{terminal} ({sn}) is authorised in {area}. Its next call is answered, and what it has kept \
                         arrives by itself.",
                        terminal = terminal.alias,
                        sn = terminal.sn,
                        area = terminal.area_name,
                    )
                })
        }
        _ => None,
    };
    let arrival = Arrival::of(&console.app, &parts);
    let area = number_of(query.as_deref(), "area");
    let looker = Looker::new(&console.app, &session, area).await?;
    show(looker, &arrival, done, None).await
}

/// What the query says under a name, when it is a number.
pub fn number_of(query: Option<&str>, wanted: &str) -> Option<i64> {
    let pairs = url::form_urlencoded::parse(query.unwrap_or("").as_bytes());
    let mut of = pairs.filter(|(name, _)| name == wanted);
    of.find_map(|(_, value)| value.parse().ok())
}

/// Moves a waiting terminal to where it belongs.
pub async fn authorise(
    Shared(console): Shared<Arc<Console>>,
    params: RawPathParams,
    form: Form,
) -> Result<Response, Failure> {
    let app = &console.app;
    let terminal_id = params
        .iter()
        .find_map(|(name, value)| (name == "id").then(|| value.parse::<i64>().ok())?)
        .ok_or(Error::NotFound)?;
    let (area_id, area_name) = (form.fields.text("area_id"), form.fields.text("area_name"));
    let destination = match area_id {
        "" | "new" => Destination::NewArea(area_name.to_owned()),
        id => Destination::Area(id.parse().map_err(|_| Error::NotFound)?),
    };
    match admission::authorise(app, &form.session.caller, terminal_id, destination).await {
        Ok(()) => Ok(Redirect::to(&format!("/live?authorised={terminal_id}")).into_response()),
        Err(Error::Invalid(problems)) => {
            let reasons: Vec<String> = problems
                .into_iter()
                .map(|problem| problem.message)
                .collect();
            let mut looker = Looker::new(app, &form.session, None).await?;
            looker.refusal = Some(Refusal {
                area_id: area_id.to_owned(),
                area_name: area_name.to_owned(),
                reason: reasons.join(" "),
            });
            show(looker, &form.arrival, None, None).await
        }
        Err(Error::Refused { detail, .. }) => {
            let looker = Looker::new(app, &form.session, None).await?;
            show(looker, &form.arrival, None, Some(detail)).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn show(
    looker: Looker<'_>,
    arrival: &Arrival,
    done: Option<String>,
    refused: Option<String>,
) -> Result<Response, Failure> {
    let (app, session, area) = (looker.app, looker.session, looker.area);
    let (terminals, counts) = looker.terminals().await?.unzip();
    // Whatever comes later has a higher id.
    let newest = punch::counted(app).await?.last_id;
    let punches = looker.punches(0).await?;
    let status = match refused.is_some() || looker.refusal.is_some() {
        true => StatusCode::UNPROCESSABLE_ENTITY,
        false => StatusCode::OK,
    };
    page::html(
        status,
        &Live {
            frame: Frame::of(t!("Live"), session),
            sees_terminals: terminals.is_some(),
            sees_punches: sees_punches(session),
            is_cut: terminals
                .as_deref()
                .zip(counts)
                .is_some_and(|(terminals, counts)| is_cut(terminals, counts)),
            authorise: looker.authorise_form()?,
            terminals: terminals
                .iter()
                .flatten()
                .map(|(state, terminal)| looker.terminal_row(*state, terminal))
                .collect::<Result<_>>()?,
            last_punch: punches.first().map_or(newest, |punch| punch.id.max(newest)),
            punches: looker.punch_rows(&punches).await?,
            counts: looker.counts(counts).await?,
            door: TerminalDoor::of(app, arrival),
            read_at: moment(app, app.clock.now()),
            areas: AREA
                .choices(app, &session.caller)
                .await?
                .into_iter()
                .map(|(id, _, name)| (id, name))
                .collect(),
            area,
            times: by_the_clocks(app.zone.name()),
            done,
            refused,
        },
    )
}

impl TerminalDoor {
    pub fn of(app: &App, arrival: &Arrival) -> TerminalDoor {
        let authority = format!("http://{}", arrival.host);
        let url = url::Url::parse(&authority).ok();
        let host = url.as_ref().and_then(|url| url.host_str()).unwrap_or("");
        let own = app.config.terminals_listen.rsplit_once(':');
        let port = match (own, url.as_ref().and_then(|url| url.port())) {
            (Some((_, port)), _) => port.to_owned(),
            (None, Some(port)) => port.to_string(),
            (None, None) if arrival.https => "443".into(),
            (None, None) => "80".into(),
        };
        TerminalDoor {
            address: host.to_owned(),
            port,
            https: match arrival.https {
                true if app.tls.acceptor().is_some() => {
                    t!("ON where it has this setting, else OFF").into()
                }
                true if own.is_none() => "ON".into(),
                _ => "OFF".into(),
            },
            is_local_name: matches!(host, "localhost" | "127.0.0.1" | "[::1]"),
        }
    }
}
