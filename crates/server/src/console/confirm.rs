//! Being sure: the page between a button and what cannot be taken back.

use crate::console::failure::Failure;
use crate::console::form::Fields;
use crate::console::meant::Named;
use crate::console::page::{self, Frame};
use crate::console::place::Place;
use crate::console::session::Session;
use crate::console::table::{Listed, text_at};
use crate::language::Text;
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

/// The field for what has to be typed.
const TYPED: &str = "typed";

/// What has to be typed before something is done with rows, so that nobody does it by mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typing {
    Nothing,
    /// Of several rows how many they are.
    HowMany,
    /// The same, and of one this member.
    Member(&'static str),
}

/// The field for it.
pub struct Typed {
    pub wanted: String,
    pub so_far: String,
    /// It was sent, and is not what is wanted.
    pub is_wrong: bool,
}

impl Typing {
    /// What has to be typed for these rows, with what was when they were sent.
    pub fn of(
        self,
        named: &Named,
        rows: &[Value],
        fields: &Fields,
        is_sent: bool,
    ) -> Option<Typed> {
        let wanted = match (self, rows) {
            (Typing::Nothing, _) | (Typing::HowMany, [_]) => return None,
            (Typing::Member(member), [row]) => text_at(row, member).unwrap_or_default(),
            _ => named.count().to_string(),
        };
        let so_far = fields.text(TYPED).to_owned();
        Some(Typed {
            is_wrong: is_sent && so_far.trim() != wanted,
            wanted,
            so_far,
        })
    }
}

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
