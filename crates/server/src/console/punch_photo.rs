//! The page of the photo a terminal took at a punch, beside what the list says of the punch and how the person looks.

use crate::access::Right;
use crate::console::Console;
use crate::console::failure::Failure;
use crate::console::page::{self, Frame};
use crate::console::person;
use crate::console::place::Place;
use crate::console::record::key;
use crate::console::session::Session;
use crate::console::table::{self, Cell, Listed, shown_to_people, text_at};
use crate::console::ways;
use crate::error::Error;
use crate::language::Text;
use crate::punches::photo::Photographed;
use crate::resource;
use askama::Template;
use axum::extract::{RawPathParams, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use std::sync::Arc;

/// The member of a punch that is the address of this page.
pub const PAGE: &str = "photo_page";

pub fn address<R: Listed>(id: i64) -> String {
    format!("/{}/{id}/photo", R::VIEW.name)
}

#[derive(Template)]
#[template(path = "punch_photo.html")]
struct PunchPhotoPage {
    frame: Frame,
    heading: String,
    list: Text,
    place: Place,
    picture: String,
    /// Whoever punched, for who may see people.
    portrait: Option<String>,
    facts: Vec<(Text, Cell)>,
    /// What zone the times are of.
    times: Option<String>,
}

/// `GET /NAME/{id}/photo`.
pub async fn page<R: Listed + Photographed>(
    State(console): State<Arc<Console>>,
    params: RawPathParams,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let (app, caller) = (&console.app, &session.caller);
    caller.require(Right::View(R::THING))?;
    let row = resource::fetch::<R>(app, caller, key(&params).ok_or(Error::NotFound)?).await?;
    let (id, employee_id) = (R::id(&row), R::punch(&row).employee_id);
    let shown = shown_to_people::<R>(app, caller, vec![row]).await?;
    let row = shown.into_iter().next().ok_or(Error::NotFound)?;
    if text_at(&row, PAGE).is_none() {
        return Err(Error::NotFound.into());
    }
    let portrait = match employee_id.filter(|_| text_at(&row, ways::PERSON).is_some()) {
        Some(employee_id) => person::portrait(app, employee_id).await?,
        None => None,
    };
    let heading = t!("Photo: {which}", which = R::name_of(&row));
    page::html(
        StatusCode::OK,
        &PunchPhotoPage {
            frame: Frame::of(R::VIEW.title, &session).about(&heading),
            heading,
            list: R::VIEW.title,
            place: Place::told(&R::VIEW, query.as_deref()),
            picture: format!("/{}/{id}/picture", R::VIEW.name),
            portrait,
            facts: table::alone::<R>(&row, caller),
            times: R::TIMES.map(|say| say(app.zone.name())),
        },
    )
}
