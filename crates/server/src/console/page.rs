//! What every page has around its own content, and how it is written out.

use crate::console::assets;
use crate::console::failure::Failure;
use crate::console::menu;
use crate::console::session::Session;
use crate::console::works::Work;
use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

/// The frame of a page: its title, and who reads it.
#[derive(Debug, Clone)]
pub struct Frame {
    pub title: String,
    /// What stands in the menu for it.
    pub page: &'static str,
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
    pub title: &'static str,
    pub pages: Vec<Link>,
}

#[derive(Debug, Clone)]
pub struct Link {
    pub title: &'static str,
    pub address: String,
}

impl Frame {
    /// A page that everybody may read.
    pub fn open(title: &'static str) -> Frame {
        Frame {
            title: title.into(),
            page: title,
            reader: None,
        }
    }

    pub fn of(title: &'static str, session: &Session) -> Frame {
        Frame {
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

    /// Where a page loads one of the console's own files from.
    pub fn asset(&self, path: &str) -> String {
        assets::address(path)
    }
}

/// Writes a page out.
pub fn html(status: StatusCode, page: &impl Template) -> Result<Response, Failure> {
    Ok((status, Html(text(page)?)).into_response())
}

/// Writes a piece of a page out.
pub fn text(piece: &impl Template) -> Result<String, crate::error::Error> {
    piece
        .render()
        .map_err(|error| crate::error::Error::Internal(anyhow::Error::new(error)))
}
