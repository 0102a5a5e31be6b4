//! The page of one line that nobody could read: what the list says of it, and the line itself for those who may see what
//! such lines may hold.

use crate::access::Right;
use crate::console::Console;
use crate::console::failure::Failure;
use crate::console::page::{self, Frame};
use crate::console::place::Place;
use crate::console::record::key;
use crate::console::session::Session;
use crate::console::table::{self, Cell, Listed, shown_to_people, text_at};
use crate::error::Error;
use crate::language::Text;
use crate::resource::{self, Resource};
use crate::terminals::unread_list::{self, Unread};
use askama::Template;
use axum::extract::{RawPathParams, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;
use std::sync::Arc;

/// Of a line so much is shown, for it may be a picture. Base64 can be cut at each fourth letter.
const MOST_SHOWN: usize = 40_000;

struct Line {
    text: String,
    base64: String,
    /// Where the rest is, if that is not all.
    rest: Option<String>,
}

impl Line {
    fn of(id: i64, row: &Value) -> Line {
        let text = text_at(row, "text").unwrap_or_default();
        let base64 = text_at(row, "base64").unwrap_or_default();
        let is_cut = text.chars().nth(MOST_SHOWN).is_some() || base64.len() > MOST_SHOWN;
        let address = format!("{}{id}/", Unread::PATH);
        Line {
            text: text.chars().take(MOST_SHOWN).map(legible).collect(),
            base64: base64.chars().take(MOST_SHOWN).collect(),
            rest: is_cut.then(|| {
                t!(
                    "Only the beginning is shown here; programs read all of it at {address}.",
                    address = address
                )
            }),
        }
    }
}

/// What is no text is replaced, as the API does it with bytes that are none.
fn legible(letter: char) -> char {
    match letter {
        '\n' | '\t' => letter,
        _ if letter.is_control() => char::REPLACEMENT_CHARACTER,
        _ => letter,
    }
}

#[derive(Template)]
#[template(path = "unread.html")]
struct UnreadPage {
    frame: Frame,
    heading: String,
    list: Text,
    place: Place,
    facts: Vec<(Text, Cell)>,
    /// For those who may see it.
    line: Option<Line>,
    /// What zone the times are of.
    times: Option<String>,
}

/// `GET /unread/{id}`.
pub async fn page(
    State(console): State<Arc<Console>>,
    params: RawPathParams,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let (app, caller) = (&console.app, &session.caller);
    caller.require(Right::View(Unread::THING))?;
    let row = resource::fetch::<Unread>(app, caller, key(&params).ok_or(Error::NotFound)?).await?;
    let id = Unread::id(&row);
    let shown = shown_to_people::<Unread>(app, caller, vec![row]).await?;
    let row = shown.into_iter().next().ok_or(Error::NotFound)?;
    let heading = t!("Unread line: {which}", which = Unread::name_of(&row));
    page::html(
        StatusCode::OK,
        &UnreadPage {
            frame: Frame::of(Unread::VIEW.title, &session).about(&heading),
            heading,
            list: Unread::VIEW.title,
            place: Place::told(&Unread::VIEW, query.as_deref()),
            facts: table::alone::<Unread>(&row, caller),
            line: unread_list::sees_lines(caller).then(|| Line::of(id, &row)),
            times: Unread::TIMES.map(|say| say(app.zone.name())),
        },
    )
}
