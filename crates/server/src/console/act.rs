//! What is done with rows, one or several: a terminal restarts, people move to another area. Each act
//! is an endpoint's work, asked for by a page that says before what becomes of it.

use crate::app::App;
use crate::console::Console;
use crate::console::confirm::{Typed, Typing};
use crate::console::failure::Failure;
use crate::console::form::{self, Fields};
use crate::console::meant::{Meant, Named};
use crate::console::page::{self, Frame};
use crate::console::place::Place;
use crate::console::record::{Asked, Entry, Shown, shown};
use crate::console::session::Session;
use crate::console::table::{Listed, View};
use crate::console::whom::Whom;
use crate::error::{Error, Problem, Result};
use crate::extract::{Body, Call, Origin, Path, Query, Request};
use crate::language::Text;
use crate::routes::Endpoint;
use askama::Template;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Said when others match than were counted.
pub const OTHERS: Text = t!("Meanwhile others match than were counted. Look at them again.");

/// Something that is done with rows.
#[derive(Debug, Clone, Copy)]
pub struct Act {
    /// The last part of the endpoint's path.
    pub name: &'static str,
    pub label: Text,
    /// What becomes of it, said before.
    pub consequence: Text,
    /// Said when it was done.
    pub done: Text,
    pub asks: &'static [Entry],
    pub typing: Typing,
}

impl Act {
    pub const fn new(name: &'static str, label: Text, consequence: Text) -> Act {
        Act {
            name,
            label,
            consequence,
            done: t!("Done."),
            asks: &[],
            typing: Typing::Nothing,
        }
    }

    pub const fn done(self, done: Text) -> Act {
        Act { done, ..self }
    }

    pub const fn asks(self, asks: &'static [Entry]) -> Act {
        Act { asks, ..self }
    }

    pub const fn typed(self, member: &'static str) -> Act {
        Act {
            typing: Typing::Member(member),
            ..self
        }
    }

    /// It asks for nothing but ticks, and there is none: nothing would be done.
    fn lacks_a_tick(&self, members: &Map<String, Value>) -> Option<Problem> {
        let first = self.asks.first()?;
        let are_ticks = self
            .asks
            .iter()
            .all(|entry| matches!(entry.asked(), Asked::Flag));
        let is_any = members.values().any(|value| *value == Value::Bool(true));
        (are_ticks && !is_any).then(|| Problem::new(first.name(), t!("Tick at least one.")))
    }

    /// It cannot be taken back.
    pub fn is_grave(&self) -> bool {
        self.typing != Typing::Nothing
    }
}

/// The acts of a list that somebody may do.
pub fn of<R: Listed>(session: &Session) -> Vec<Act> {
    if R::ACTS.is_empty() {
        return Vec::new();
    }
    let endpoints = R::endpoints();
    let acts = R::ACTS.iter().copied();
    acts.filter(|act| {
        found(&endpoints, &Method::POST, act.name)
            .is_some_and(|endpoint| endpoint.is_for(&session.caller))
    })
    .collect()
}

fn found<'e>(endpoints: &'e [Endpoint], method: &Method, name: &str) -> Option<&'e Endpoint> {
    let end = format!("/{name}/");
    endpoints
        .iter()
        .find(|endpoint| endpoint.method == *method && endpoint.path.ends_with(&end))
}

/// Does an endpoint's work for whoever is signed in: the one of `endpoints` whose path ends so.
pub async fn perform(
    app: &Arc<App>,
    session: &Session,
    endpoints: &[Endpoint],
    (method, name): (Method, &str),
    id: Option<(&'static str, &str)>,
    body: Body,
) -> Result<crate::answer::Answer> {
    let endpoint = found(endpoints, &method, name).ok_or(Error::NotFound)?;
    let request = Request {
        app: Arc::clone(app),
        path: Path::new(id)?,
        query: Query::default(),
        body,
        origin: Origin {
            address: session.caller.address,
            https: true,
            base: String::new(),
            path: endpoint.path.clone(),
        },
    };
    let caller = session.caller.clone();
    endpoint.perform(Call { caller, request }).await
}

#[derive(Template)]
#[template(path = "act.html")]
struct ActPage {
    frame: Frame,
    view: View,
    act: Act,
    csrf: String,
    place: Place,
    /// The page it was asked for on: the list's, or the row's.
    back: String,
    /// Whose page that was.
    on: String,
    entries: Vec<Shown>,
    named: Named,
    typed: Option<Typed>,
    problems: Vec<String>,
    /// Nothing is wrong, but whom it is about has to be looked at.
    is_unseen: bool,
}

/// `POST /NAME/do`: asks first, and does it when it was said to be sure.
pub async fn submit<R: Listed>(
    State(console): State<Arc<Console>>,
    form: form::Form,
) -> Result<Response, Failure> {
    let (app, session, fields) = (&console.app, &form.session, &form.fields);
    let name = fields.text("act");
    let act = of::<R>(session).into_iter().find(|act| act.name == name);
    let act = act.ok_or(Error::Forbidden)?;
    let meant = Meant::<R>::of(app, &session.caller, fields).await?;
    let are_others = meant.are_others;
    let (named, rows) = meant.named(app, &session.caller).await?;
    let ids = &named.ids;
    let place = Place::sent(&R::VIEW, fields);
    let is_sure = fields.text("sure") == "yes";
    let typed = act.typing.of(&named, &rows, fields, is_sure && !are_others);
    let is_mistyped = typed.as_ref().is_some_and(|typed| typed.is_wrong);
    let mut problems = Vec::new();
    let mut whom = Whom::default();
    if is_sure {
        let mut members = answers(act, fields);
        whom = Whom::read(app, &session.caller, act.asks.iter(), fields, &mut members).await?;
        if are_others {
            problems.push(Problem::new("", OTHERS));
        } else if let Some(problem) = act.lacks_a_tick(&members) {
            problems.push(problem);
        } else if !whom.is_sure() {
            problems.clone_from(&whom.nobody);
        } else if !is_mistyped {
            match perform_with::<R>(app, session, act, ids, members).await {
                Ok(()) => {
                    let done = whom.done(&format!("did-{}-{}", ids.len(), act.name));
                    let to = match of_one_row::<R>(fields, ids) {
                        Some(page) => place.along(&format!("{page}?done={done}")),
                        None => place.done(&done),
                    };
                    return Ok(Redirect::to(&to).into_response());
                }
                Err(Error::Invalid(found)) => problems = found,
                Err(Error::Refused { detail, code }) => {
                    problems.push(Problem::new("", detail).coded(code));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
    let mut entries = Vec::with_capacity(act.asks.len());
    for entry in act.asks {
        let values = match is_sure {
            true => entry.typed(fields),
            false => entry.initial(),
        };
        entries.push(shown(app, &session.caller, entry, &values, &problems).await?);
    }
    let asked = |field: &str| act.asks.iter().any(|entry| entry.name() == field);
    let elsewhere = problems.iter().filter(|problem| !asked(&problem.field));
    page::html(
        match problems.is_empty() && !is_mistyped {
            true => StatusCode::OK,
            false => StatusCode::UNPROCESSABLE_ENTITY,
        },
        &ActPage {
            frame: Frame::of(R::VIEW.title, session),
            view: R::VIEW,
            csrf: session.csrf.clone(),
            back: match of_one_row::<R>(fields, ids) {
                Some(page) => place.along(&page),
                None => place.address(),
            },
            place,
            on: fields.text("on").to_owned(),
            entries,
            named,
            typed,
            problems: elsewhere.map(|problem| problem.message.clone()).collect(),
            is_unseen: whom.is_unseen && problems.is_empty(),
            act,
        },
    )
}

/// The page of the one row, if it was asked for there.
fn of_one_row<R: Listed>(fields: &Fields, ids: &[String]) -> Option<String> {
    match ids {
        [id] if fields.text("on") == id => Some(format!("/{}/{id}", R::VIEW.name)),
        _ => None,
    }
}

/// What was answered to what the act asks.
fn answers(act: Act, fields: &Fields) -> Map<String, Value> {
    let answer = |entry: &Entry| {
        // What was left empty is not asked for.
        let value = entry.read(fields).filter(|value| !is_nothing(value))?;
        Some((entry.name().to_owned(), value))
    };
    act.asks.iter().filter_map(answer).collect()
}

async fn perform_with<R: Listed>(
    app: &Arc<App>,
    session: &Session,
    act: Act,
    ids: &[String],
    mut members: Map<String, Value>,
) -> Result<()> {
    members.insert(R::ROWS.to_owned(), ids.to_vec().into());
    let body = Body::from_object(members);
    let post = (Method::POST, act.name);
    perform(app, session, &R::endpoints(), post, None, body).await?;
    Ok(())
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// What was just done, by the word that stands in the address, `did-COUNT-NAME`, and with whom.
pub fn told(acts: &[Act], word: &str, person: Option<String>) -> Option<String> {
    let (count, name) = word.strip_prefix("did-")?.split_once('-')?;
    let count: u32 = count.parse().ok()?;
    let act = acts.iter().find(|act| act.name == name)?;
    let label = match person {
        Some(person) => t!("{act} ({person})", act = act.label, person = person),
        None => act.label.into(),
    };
    Some(match count {
        1 => t!("{act}: {done}", act = label, done = act.done),
        count => tn!(
            count,
            "{act}, {count} of them: {done}",
            "{act}, {count} of them: {done}",
            act = label,
            done = act.done
        ),
    })
}
