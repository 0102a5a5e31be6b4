//! Being sure: the page between a button and what cannot be taken back.

use crate::console::failure::Failure;
use crate::console::page::{self, Frame};
use crate::console::place::Place;
use crate::console::session::Session;
use crate::console::table::Listed;
use crate::language::Text;
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

/// What is asked.
pub struct Question {
    pub heading: String,
    pub consequence: Text,
    /// The word on the button, which posts to the same address again, with `sure`.
    pub button: Text,
    pub address: String,
    /// Where to go otherwise.
    pub back: String,
    /// Where somebody comes from.
    pub place: Place,
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage<'a> {
    frame: Frame,
    csrf: &'a str,
    question: Question,
}

pub fn ask<R: Listed>(session: &Session, question: Question) -> Result<Response, Failure> {
    page::html(
        StatusCode::OK,
        &ConfirmPage {
            frame: Frame::of(R::VIEW.title, session).about(&question.heading),
            csrf: &session.csrf,
            question,
        },
    )
}
