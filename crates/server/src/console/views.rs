//! How somebody likes a list: which columns are shown, and views kept under a name. Owns the table
//! `console_view`.

use crate::access::Right;
use crate::app::App;
use crate::console::Console;
use crate::console::failure::Failure;
use crate::console::form::Form;
use crate::console::place::Place;
use crate::console::session::Session;
use crate::console::table::{self, Column, Listed, Refused, View};
use crate::error::{Error, Result};
use crate::extract::Query;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use muster_store::{Sql, Tx};
use std::sync::Arc;
use url::form_urlencoded;

/// Views of one list that somebody may keep.
const MOST: usize = 30;
const LONGEST_NAME: usize = 60;
const LONGEST_QUERY: usize = 4000;
/// Its row has no name.
const COLUMNS: &str = "";
/// Of an address, beside the filters, what a view keeps.
const ALSO_KEPT: [&str; 4] = ["search", "ordering", "page_size", "columns"];

/// A view as it is kept: the address's query by its name.
pub struct Kept {
    pub name: String,
    pub query: String,
}

/// What somebody has chosen for a list.
#[derive(Default)]
pub struct Views {
    /// The keys of the columns, with commas; nothing: those that are shown unless somebody chooses.
    pub columns: Option<String>,
    pub kept: Vec<Kept>,
}

pub async fn of(app: &App, session: &Session, list: &str) -> Result<Views> {
    let rows: Vec<(String, String)> = app
        .store
        .all(&Sql::new(
            "SELECT name, query FROM console_view WHERE user_id = $1 AND list = $2 ORDER BY name",
            [session.user_id()?.into(), list.into()],
        ))
        .await?;
    let mut views = Views::default();
    for (name, query) in rows {
        match name.as_str() {
            COLUMNS => views.columns = Some(query),
            _ => views.kept.push(Kept { name, query }),
        }
    }
    Ok(views)
}

/// The columns that are shown. The first always is: it names the row.
pub fn shown(view: &View, chosen: Option<&str>) -> Vec<&'static Column> {
    let columns = view.columns.iter().enumerate();
    let Some(chosen) = chosen else {
        let columns = view.columns.iter();
        return columns.filter(|column| !column.is_spare).collect();
    };
    let keys: Vec<&str> = chosen.split(',').collect();
    columns
        .filter(|(place, column)| *place == 0 || keys.contains(&column.key().as_str()))
        .map(|(_, column)| column)
        .collect()
}

/// The keys of what is shown unless somebody chooses, without the first.
pub fn usual(view: &View) -> Vec<String> {
    let usual = shown(view, None).into_iter().skip(1);
    usual.map(Column::key).collect()
}

/// Whether a parameter says how a list is shown.
pub fn is_kept(view: &View, name: &str) -> bool {
    ALSO_KEPT.contains(&name) || view.filters.iter().any(|filter| filter.name == name)
}

/// What a query says of a list, its names in alphabetical order: no page of it, and nothing of no purpose.
pub fn kept(view: &View, query: &str) -> String {
    let mut pairs: Vec<_> = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, value)| is_kept(view, name) && !value.is_empty())
        .collect();
    pairs.sort();
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// The user whose view it is, who may look at the list.
fn looker<R: Listed>(form: &Form) -> Result<i64> {
    form.session.caller.require(Right::View(R::THING))?;
    form.session.user_id()
}

/// `POST /NAME/columns`: only what is ticked from now on.
pub async fn choose<R: Listed>(
    State(console): State<Arc<Console>>,
    form: Form,
) -> Result<Response, Failure> {
    let (app, view) = (&console.app, R::VIEW);
    let user_id = looker::<R>(&form)?;
    let ticked: Vec<&str> = form.fields.all("column").collect();
    let keys: Vec<String> = view.columns.iter().skip(1).map(Column::key).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let chosen: Vec<&str> = keys
        .iter()
        .copied()
        .filter(|key| ticked.contains(key))
        .collect();
    let mut tx = app.store.write().await.map_err(Error::from)?;
    match chosen == usual(&view) {
        true => forget(&mut tx, user_id, view.name, COLUMNS).await?,
        false => keep(&mut tx, user_id, view.name, COLUMNS, &chosen.join(",")).await?,
    }
    tx.commit().await.map_err(Error::from)?;
    let place = Place::sent(&view, &form.fields).without("columns");
    Ok(Redirect::to(&place.address()).into_response())
}

/// `POST /NAME/views`: keeps the list as it is shown under a name; another of that name is replaced.
pub async fn add<R: Listed>(
    State(console): State<Arc<Console>>,
    form: Form,
) -> Result<Response, Failure> {
    let (app, view) = (&console.app, R::VIEW);
    let user_id = looker::<R>(&form)?;
    let name = form.fields.text("name").trim();
    let query = kept(&view, form.fields.text("query"));
    let there = of(app, &form.session, view.name).await?.kept;
    let problem = if name.is_empty() {
        Some(t!("This field may not be blank.").into())
    } else if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        Some(t!(
            "Give a name of at most {count} characters.",
            count = LONGEST_NAME
        ))
    } else if query.len() > LONGEST_QUERY {
        Some(t!("There is too much in it to be kept.").into())
    } else if there.len() >= MOST && there.iter().all(|kept| kept.name != name) {
        Some(t!(
            "There are {count} already. Forget one first.",
            count = MOST
        ))
    } else {
        None
    };
    if let Some(problem) = problem {
        let refused = Refused {
            view: Some((name.to_owned(), problem)),
            ..Refused::default()
        };
        let query = Query::parse(&query)?;
        return Ok(table::show::<R>(app, &form.session, query, refused).await?);
    }
    let mut tx = app.store.write().await.map_err(Error::from)?;
    keep(&mut tx, user_id, view.name, name, &query).await?;
    tx.commit().await.map_err(Error::from)?;
    Ok(Redirect::to(&Place::here(&view, &query).done("kept")).into_response())
}

/// `POST /NAME/views/remove`.
pub async fn remove<R: Listed>(
    State(console): State<Arc<Console>>,
    form: Form,
) -> Result<Response, Failure> {
    let (app, view, name) = (&console.app, R::VIEW, form.fields.text("name"));
    let place = Place::sent(&view, &form.fields);
    let user_id = looker::<R>(&form)?;
    let mut tx = app.store.write().await.map_err(Error::from)?;
    if name != COLUMNS {
        forget(&mut tx, user_id, view.name, name).await?;
    }
    tx.commit().await.map_err(Error::from)?;
    Ok(Redirect::to(&place.address()).into_response())
}

async fn keep(tx: &mut Tx, user_id: i64, list: &str, name: &str, query: &str) -> Result<()> {
    tx.run(&Sql::new(
        "INSERT INTO console_view (user_id, list, name, query) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (user_id, list, name) DO UPDATE SET query = excluded.query",
        [user_id.into(), list.into(), name.into(), query.into()],
    ))
    .await?;
    Ok(())
}

async fn forget(tx: &mut Tx, user_id: i64, list: &str, name: &str) -> Result<()> {
    tx.run(&Sql::new(
        "DELETE FROM console_view WHERE user_id = $1 AND list = $2 AND name = $3",
        [user_id.into(), list.into(), name.into()],
    ))
    .await?;
    Ok(())
}
