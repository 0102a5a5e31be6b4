//! The page of somebody's photo, and putting another in its place; and the picture itself, of whatever has one.

use crate::access::{Right, Thing};
use crate::console::Console;
use crate::console::act;
use crate::console::failure::Failure;
use crate::console::form::{FileForm, Form};
use crate::console::page::{self, Frame};
use crate::console::place::{self, Place};
use crate::console::record;
use crate::console::session::Session;
use crate::console::table::{self, Listed};
use crate::error::{Error, Problem, Result};
use crate::extract::{Body, Query};
use crate::resource::{self, Resource};
use crate::resources::employee::{self, Employee, Row};
use crate::routes;
use askama::Template;
use axum::extract::{RawPathParams, RawQuery, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::Value;
use std::sync::Arc;

/// The picture may have changed after so long; whoever signs in next is not shown it by the browser alone.
const KEPT: &str = "private, max-age=60";
const KEPT_FOR: &str = "Cookie";

#[derive(Template)]
#[template(path = "photo.html")]
struct PhotoPage {
    frame: Frame,
    csrf: String,
    place: Place,
    /// The person's own.
    form: String,
    id: i64,
    name: String,
    has_photo: bool,
    may_change: bool,
    done: Option<String>,
    problems: Vec<Problem>,
}

async fn employee(console: &Console, session: &Session, params: &RawPathParams) -> Result<Row> {
    session.caller.require(Right::View(Thing::Employee))?;
    let key = record::key(params).ok_or(Error::NotFound)?;
    resource::fetch::<Employee>(&console.app, &session.caller, key).await
}

/// `GET /NAME/{id}/picture`.
pub async fn picture<R: Listed>(
    State(console): State<Arc<Console>>,
    params: RawPathParams,
    session: Session,
) -> Result<Response, Failure> {
    let key = record::key(&params).ok_or(Error::NotFound)?;
    let endpoints = R::endpoints();
    let photo = (Method::GET, "photo");
    let of = Some((R::KEY, key));
    let answer = act::perform(
        &console.app,
        &session,
        &endpoints,
        photo,
        of,
        Body::default(),
    )
    .await?;
    let mut response = routes::response(answer);
    let kept = HeaderValue::from_static(KEPT);
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
    let kept_for = HeaderValue::from_static(KEPT_FOR);
    response.headers_mut().insert(header::VARY, kept_for);
    Ok(response)
}

/// `GET /employees/{id}/photo`.
pub async fn page(
    State(console): State<Arc<Console>>,
    params: RawPathParams,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let row = employee(&console, &session, &params).await?;
    let done = Query::parse(query.as_deref().unwrap_or(""))?.take("done");
    let done = table::told(&console.app, &session.caller, &[], done.as_deref()).await?;
    let place = Place::told(&Employee::VIEW, query.as_deref());
    show(&console, &session, &row, place, done, Vec::new()).await
}

/// `POST /employees/{id}/photo`.
pub async fn put(
    State(console): State<Arc<Console>>,
    params: RawPathParams,
    form: FileForm,
) -> Result<Response, Failure> {
    let FileForm { session, body } = form;
    let row = employee(&console, &session, &params).await?;
    let from = body.get(place::FROM).and_then(Value::as_str);
    let place = Place::here(&Employee::VIEW, from.unwrap_or_default());
    let body = body.with("emp_code", row.id.to_string());
    let endpoints = employee::endpoints();
    let photo = (Method::POST, "update_emp_photo");
    match act::perform(&console.app, &session, &endpoints, photo, None, body).await {
        Ok(_) => {
            let to = place.along(&format!("/employees/{}/photo?done=saved", row.id));
            Ok(Redirect::to(&to).into_response())
        }
        Err(Error::Invalid(problems)) => {
            show(&console, &session, &row, place, None, problems).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /employees/{id}/photo/remove`. Terminals that show it lose it, too.
pub async fn remove(
    State(console): State<Arc<Console>>,
    params: RawPathParams,
    form: Form,
) -> Result<Response, Failure> {
    let session = &form.session;
    let row = employee(&console, session, &params).await?;
    let place = Place::sent(&Employee::VIEW, &form.fields);
    let endpoints = employee::endpoints();
    let photo = (Method::DELETE, "photo");
    let id = row.id.to_string();
    let of = Some((Employee::KEY, id.as_str()));
    act::perform(
        &console.app,
        session,
        &endpoints,
        photo,
        of,
        Body::default(),
    )
    .await?;
    let to = place.along(&format!("/employees/{id}/photo?done=removed-1"));
    Ok(Redirect::to(&to).into_response())
}

async fn show(
    console: &Console,
    session: &Session,
    row: &Row,
    place: Place,
    done: Option<String>,
    problems: Vec<Problem>,
) -> Result<Response, Failure> {
    let name = employee::name(row.first_name.as_deref(), row.last_name.as_deref());
    page::html(
        match problems.is_empty() {
            true => StatusCode::OK,
            false => StatusCode::UNPROCESSABLE_ENTITY,
        },
        &PhotoPage {
            frame: Frame::of(Employee::VIEW.title, session),
            csrf: session.csrf.clone(),
            form: place.along(&format!("/employees/{}", row.id)),
            place,
            id: row.id,
            name: format!("{} {name}", row.emp_code).trim_end().to_owned(),
            has_photo: employee::has_photo(&console.app, row.id).await?,
            may_change: session.caller.may(Right::Change(Thing::Employee)),
            done,
            problems,
        },
    )
}
