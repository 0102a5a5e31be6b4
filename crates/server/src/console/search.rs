//! Finding: people, terminals and pages by a word, from any page.

use crate::access::{Right, Thing};
use crate::console::Console;
use crate::console::failure::Failure;
use crate::console::page::{self, Frame, Link};
use crate::console::session::Session;
use crate::console::table::{self, Listed};
use crate::console::whom;
use crate::error::Result;
use crate::extract::Query;
use crate::language::Text;
use crate::resource;
use crate::resources::employee::Employee;
use crate::terminals::terminal::Terminal;
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use muster_store::fold;
use std::sync::Arc;

/// So many of each kind are shown.
const MOST: usize = 10;
/// Nobody types more.
const LONGEST: usize = 100;

/// What was found of one kind.
struct Found {
    title: Text,
    /// Address and name of each.
    rows: Vec<(String, String)>,
    count: i64,
    /// The list with all of them.
    all: String,
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    frame: Frame,
    asked: String,
    pages: Vec<Link>,
    found: Vec<Found>,
}

/// `GET /search?q=`.
pub async fn page(
    State(console): State<Arc<Console>>,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let mut query = Query::parse(query.as_deref().unwrap_or(""))?;
    let asked = query.take("q").unwrap_or_default();
    let asked: String = asked.trim().chars().take(LONGEST).collect();
    let frame = Frame::of(t!("Search"), &session);
    let mut pages = Vec::new();
    let mut found = Vec::new();
    if !asked.is_empty() {
        let groups = frame.reader.iter().flat_map(|reader| &reader.menu);
        pages = groups
            .flat_map(|group| &group.pages)
            .filter(|link| fold(&link.title.to_string()).contains(&fold(&asked)))
            .cloned()
            .collect();
        if session.caller.may(Right::View(Thing::Employee)) {
            found.push(people(&console, &session, &asked).await?);
        }
        if session.caller.may(Right::View(Thing::Terminal)) {
            found.push(find::<Terminal>(&console, &session, &asked).await?);
        }
        found.retain(|found| found.count > 0);
    }
    page::html(
        StatusCode::OK,
        &SearchPage {
            frame,
            asked,
            pages,
            found,
        },
    )
}

/// The people with the word in them, and before them whoever has that code.
async fn people(console: &Console, session: &Session, asked: &str) -> Result<Found> {
    let mut found = find::<Employee>(console, session, asked).await?;
    let person = whom::by_code(&console.app, &session.caller, asked).await?;
    if let Some((id, name)) = person.and_then(|person| Some((person.id, person.name?))) {
        let address = format!("/{}/{id}", Employee::VIEW.name);
        found.rows.retain(|(other, _)| *other != address);
        found.rows.insert(0, (address, name));
        // Who is employed no more is on no list of those who are, and takes nobody's place.
        if usize::try_from(found.count).is_ok_and(|count| count > MOST) {
            found.rows.truncate(MOST);
        }
        found.count = found.count.max(1);
    }
    Ok(found)
}

/// The rows of a list, as far as somebody sees them, with the word in them.
async fn find<R: Listed>(console: &Console, session: &Session, asked: &str) -> Result<Found> {
    let (app, caller) = (&console.app, &session.caller);
    let most = MOST.to_string();
    let pairs = [
        ("search", asked),
        ("page_size", most.as_str()),
        ("ordering", R::VIEW.order),
    ];
    let query = &mut Query::from_pairs(pairs);
    let page = resource::page_up_to::<R>(app, caller, query, table::MOST_ROWS).await?;
    let count = page.count;
    let ids: Vec<i64> = page.rows.iter().map(R::id).collect();
    let shown = R::show(app, caller, page.rows).await?;
    let name = R::VIEW.name;
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("search", asked)
        .finish();
    Ok(Found {
        title: R::VIEW.title,
        rows: ids
            .iter()
            .zip(&shown)
            .map(|(id, row)| (format!("/{name}/{id}"), R::name_of(row)))
            .collect(),
        count,
        all: format!("/{name}?{query}"),
    })
}
