//! What every page has around its own content, and how it is written out.

use crate::console::assets;
use crate::console::failure::Failure;
use crate::console::menu;
use crate::console::session::Session;
use crate::console::works::Work;
use crate::language::{self, Language, Text};
use askama::Template;
use askama::filters::{Html as AsHtml, escape};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;
use std::fmt::Display;

/// What the scripts in `web/scripts` say by `say`.
pub const SAID_BY_SCRIPTS: &[Text] = &[
    t!("All on this page"),
    t!("Connected"),
    t!("Connecting…"),
    t!("Full screen"),
    t!("Go on"),
    t!("Go on ({count} new)"),
    t!("Go on with {count}…"),
    t!("Go on…"),
    t!("Last contact {time}"),
    t!("Leave full screen"),
    t!("Pause"),
    t!("Reconnecting…"),
    t!("Remove ticked…"),
    t!("Remove {count}…"),
    t!("Sign in again"),
    t!("Signed out."),
    t!("just now"),
    t!("{count} d ago"),
    t!("{count} h ago"),
    t!("{count} min ago"),
    t!("{count} s ago"),
];

/// The frame of a page: its title, and who reads it.
#[derive(Debug, Clone)]
pub struct Frame {
    pub language: &'static Language,
    pub title: String,
    /// What stands in the menu for it.
    pub page: Text,
    pub reader: Option<Reader>,
}

#[derive(Debug, Clone)]
pub struct Reader {
    pub name: String,
    pub csrf: String,
    /// The pages there are for him; none before he has the second factor he needs.
    pub menu: Vec<Group>,
    pub works: Vec<Work>,
}

/// Pages that belong together.
#[derive(Debug, Clone)]
pub struct Group {
    pub title: Text,
    pub pages: Vec<Link>,
}

#[derive(Debug, Clone)]
pub struct Link {
    pub title: Text,
    pub address: String,
}

impl Frame {
    /// A page that everybody may read.
    pub fn open(title: Text) -> Frame {
        Frame {
            language: language::now(),
            title: title.into(),
            page: title,
            reader: None,
        }
    }

    pub fn of(title: Text, session: &Session) -> Frame {
        Frame {
            language: language::now(),
            title: title.into(),
            page: title,
            reader: Some(Reader {
                name: session.caller.name().to_owned(),
                csrf: session.csrf.clone(),
                works: session.works.clone(),
                menu: match session.needs_second_factor {
                    true => Vec::new(),
                    false => menu::of(&session.caller),
                },
            }),
        }
    }

    /// One thing of a page that shows many.
    pub fn about(self, thing: &str) -> Frame {
        Frame {
            title: format!("{thing} · {}", self.page),
            ..self
        }
    }

    /// Whether there are other pages to go to.
    pub fn has_menu(&self) -> bool {
        self.reader
            .as_ref()
            .is_some_and(|reader| !reader.menu.is_empty())
    }

    /// Whether something goes on that he has set going.
    pub fn is_at_work(&self) -> bool {
        let works = self.reader.iter().flat_map(|reader| &reader.works);
        works.into_iter().any(|work| work.outcome.is_none())
    }

    /// What the scripts say, as JSON; they know the English themselves.
    pub fn words(&self) -> Option<String> {
        if self.reader.is_none() || self.language.is_english() {
            return None;
        }
        let words = SAID_BY_SCRIPTS
            .iter()
            .map(|text| (text.english().to_owned(), text.to_string().into()));
        Some(Value::Object(words.collect()).to_string())
    }

    /// Where a page loads one of the console's own files from.
    pub fn asset(&self, path: &str) -> String {
        assets::address(path)
    }
}

/// Writes a page out.
pub fn html(status: StatusCode, page: &impl Template) -> Result<Response, Failure> {
    Ok((status, Html(text(page)?)).into_response())
}

/// A value in the place of a name in a text with tags.
pub fn escaped(value: impl Display) -> String {
    let Ok(escaped) = escape(value, AsHtml);
    escaped.to_string()
}

/// Writes a piece of a page out.
pub fn text(piece: &impl Template) -> Result<String, crate::error::Error> {
    piece
        .render()
        .map_err(|error| crate::error::Error::Internal(anyhow::Error::new(error)))
}
