//! The page that takes a file in: first it is looked through, and every row that is bad is named with its
//! column and why; stored it is only then, all of it or nothing. Both are works, which go on when the page
//! is left.

use crate::access::Right;
use crate::console::Console;
use crate::console::failure::Failure;
use crate::console::form::FileForm;
use crate::console::page::{self, Frame};
use crate::console::place::{self, Place};
use crate::console::record::{Edited, Entry};
use crate::console::session::Session;
use crate::console::table::View;
use crate::console::works::{self, Bad, Outcome, What};
use crate::error::{Error, Problem};
use crate::extract::Query;
use crate::language::Text;
use crate::resource::{Existing, Made, take_in, try_out};
use crate::routes;
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::Value;
use std::io::Cursor;
use std::sync::Arc;

/// More bad rows are counted and not kept.
const MOST_KEPT: usize = 500;

#[derive(Template)]
#[template(path = "import.html")]
struct ImportPage {
    frame: Frame,
    view: View,
    csrf: String,
    place: Place,
    /// The names of columns that can be written.
    columns: Vec<&'static str>,
    /// Files with nothing but these.
    empty: [(Text, String); 2],
    overwrites: bool,
    /// Why the file was not taken.
    problem: Option<String>,
}

/// `GET /NAME/import`.
pub async fn page<R: Edited>(
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    session.caller.require(Right::Change(R::THING))?;
    let place = Place::told(&R::VIEW, query.as_deref());
    show::<R>(&session, place, false, None)
}

/// `POST /NAME/import`: begins to look the file through, or to store it, and leads to the work's page.
pub async fn submit<R: Edited>(
    State(console): State<Arc<Console>>,
    form: FileForm,
) -> Result<Response, Failure> {
    let FileForm { session, body } = form;
    session.caller.require(Right::Change(R::THING))?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let stores = text("step") == "store";
    let existing = match text("existing") {
        "overwrite" => Existing::Overwrite,
        _ => Existing::Skip,
    };
    let begun = match body.submitted("import_file") {
        Ok(file) => {
            let (app, caller) = (Arc::clone(&console.app), session.caller.clone());
            let bytes = Cursor::new(file.bytes.clone());
            let what = if stores { What::TakeIn } else { What::TryOut };
            let named = (R::VIEW.name, file.name.as_str(), what);
            let labels = labels::<R>();
            works::begin(&console, &session, named, |running| async move {
                let progress = |progress| running.note(progress);
                let done = match stores {
                    true => take_in::<R>(&app, &caller, bytes, &labels, existing, progress)
                        .await
                        .map(Outcome::Stored),
                    false => try_out::<R>(&app, &caller, bytes, &labels, existing, progress)
                        .await
                        .map(Outcome::Good),
                };
                done.or_else(outcome)
            })
            .await
        }
        Err(error) => Err(error),
    };
    match begun {
        Ok(id) => Ok(Redirect::to(&format!("/work/{id}")).into_response()),
        Err(error) => {
            let problem = told(error)?;
            let place = Place::here(&R::VIEW, text(place::FROM));
            show::<R>(
                &session,
                place,
                existing == Existing::Overwrite,
                Some(problem),
            )
        }
    }
}

/// `GET /NAME/import/file`: nothing but the names of the columns, for who begins.
pub async fn empty<R: Edited>(
    State(console): State<Arc<Console>>,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    session.caller.require(Right::Change(R::THING))?;
    let mut query = Query::parse(query.as_deref().unwrap_or(""))?;
    let name = format!("{}-import", R::VIEW.name);
    let file = Made::begin(&console.app, &mut query, &name, columns::<R>()).await?;
    Ok(routes::response(file.answer()?))
}

fn entries<R: Edited>() -> impl Iterator<Item = &'static Entry> {
    R::FORM.iter().flat_map(|group| group.entries)
}

/// The names of the columns, those first that the form asks of everybody.
fn columns<R: Edited>() -> Vec<&'static str> {
    let is_needed =
        |name: &str| entries::<R>().any(|entry| entry.name() == name && entry.is_required());
    let mut columns: Vec<&str> = R::INPUT.iter().map(|member| member.name).collect();
    columns.sort_by_key(|name| !is_needed(name));
    columns
}

/// What the form calls them, in English and as whoever is signed in reads it.
fn labels<R: Edited>() -> Vec<(String, &'static str)> {
    let both = |entry: &Entry| {
        let label = entry.label();
        [label.english().to_owned(), label.to_string()].map(|label| (label, entry.name()))
    };
    entries::<R>().flat_map(both).collect()
}

/// What is wrong with the file; other errors are none of the file's.
fn outcome(error: Error) -> Result<Outcome, Error> {
    match error {
        Error::BadRows(mut rows) => {
            let count = rows.len();
            rows.truncate(MOST_KEPT);
            let rows = rows.into_iter().map(|bad| Bad {
                row: bad.row,
                column: bad.problem.field,
                message: bad.problem.message,
            });
            Ok(Outcome::Bad {
                rows: rows.collect(),
                count,
            })
        }
        error => told(error).map(Outcome::Unreadable),
    }
}

/// In one text why a file is refused as a whole.
fn told(error: Error) -> Result<String, Error> {
    match error {
        Error::Invalid(problems) => {
            let texts = problems.into_iter().map(|Problem { message, .. }| message);
            Ok(texts.collect::<Vec<_>>().join(" "))
        }
        Error::Refused { detail, .. } => Ok(detail),
        error => Err(error),
    }
}

fn show<R: Edited>(
    session: &Session,
    place: Place,
    overwrites: bool,
    problem: Option<String>,
) -> Result<Response, Failure> {
    page::html(
        match problem {
            Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
            None => StatusCode::OK,
        },
        &ImportPage {
            frame: Frame::of(R::VIEW.title, session),
            view: R::VIEW,
            csrf: session.csrf.clone(),
            place,
            columns: columns::<R>(),
            empty: [(t!("Excel"), "xlsx"), (t!("CSV"), "csv")].map(|(name, kind)| {
                let address = format!("/{}/import/file?export_type={kind}", R::VIEW.name);
                (name, address)
            }),
            overwrites,
            problem,
        },
    )
}
