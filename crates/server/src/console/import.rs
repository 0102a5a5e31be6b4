//! The page that takes a file in: first it is looked through, and every row that is bad is named with its
//! column and why; stored it is only then, all of it or nothing.

use crate::access::Right;
use crate::console::Console;
use crate::console::failure::Failure;
use crate::console::form::FileForm;
use crate::console::page::{self, Frame};
use crate::console::session::Session;
use crate::console::table::{Listed, View};
use crate::error::{BadRow, Error, Problem};
use crate::resource::{Existing, Imported, Writable, take_in, try_out};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;
use std::io::Cursor;
use std::sync::Arc;

/// More bad rows are counted and not shown.
const MOST_SHOWN: usize = 500;

#[derive(Template)]
#[template(path = "import.html")]
struct ImportPage {
    frame: Frame,
    view: View,
    csrf: String,
    /// The names of columns that can be written.
    columns: Vec<&'static str>,
    overwrites: bool,
    outcome: Option<Outcome>,
}

/// What was found, or done.
enum Outcome {
    Good(Imported),
    Stored(Imported),
    Bad { rows: Vec<BadRow>, count: usize },
    Unreadable(String),
}

/// `GET /NAME/import`.
pub async fn page<R: Listed + Writable>(session: Session) -> Result<Response, Failure> {
    session.caller.require(Right::Change(R::THING))?;
    show::<R>(&session, false, None)
}

/// `POST /NAME/import`: looks the file through, or stores it.
pub async fn submit<R: Listed + Writable>(
    State(console): State<Arc<Console>>,
    form: FileForm,
) -> Result<Response, Failure> {
    let FileForm { session, body } = form;
    session.caller.require(Right::Change(R::THING))?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let overwrites = text("existing") == "overwrite";
    let existing = match overwrites {
        true => Existing::Overwrite,
        false => Existing::Skip,
    };
    let file = match body.submitted("import_file") {
        Ok(file) => Cursor::new(file.bytes.clone()),
        Err(error) => return show::<R>(&session, overwrites, Some(outcome(error)?)),
    };
    let (app, caller) = (&console.app, &session.caller);
    let stored = match text("step") {
        "store" => take_in::<R>(app, caller, file, existing, |_| ())
            .await
            .map(Outcome::Stored),
        _ => try_out::<R>(app, caller, file, existing)
            .await
            .map(Outcome::Good),
    };
    let outcome = match stored {
        Ok(outcome) => outcome,
        Err(error) => outcome(error)?,
    };
    show::<R>(&session, overwrites, Some(outcome))
}

/// What is wrong with the file; other errors are none of the file's.
fn outcome(error: Error) -> Result<Outcome, Error> {
    let together = |problems: Vec<Problem>| {
        let texts: Vec<String> = problems
            .into_iter()
            .map(|problem| problem.message)
            .collect();
        texts.join(" ")
    };
    match error {
        Error::BadRows(mut rows) => {
            let count = rows.len();
            rows.truncate(MOST_SHOWN);
            Ok(Outcome::Bad { rows, count })
        }
        Error::Invalid(problems) => Ok(Outcome::Unreadable(together(problems))),
        Error::Refused { detail, .. } => Ok(Outcome::Unreadable(detail)),
        error => Err(error),
    }
}

fn show<R: Listed + Writable>(
    session: &Session,
    overwrites: bool,
    outcome: Option<Outcome>,
) -> Result<Response, Failure> {
    page::html(
        match outcome {
            Some(Outcome::Bad { .. } | Outcome::Unreadable(_)) => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::OK,
        },
        &ImportPage {
            frame: Frame::of(R::VIEW.title, session),
            view: R::VIEW,
            csrf: session.csrf.clone(),
            columns: R::INPUT.iter().map(|member| member.name).collect(),
            overwrites,
            outcome,
        },
    )
}
