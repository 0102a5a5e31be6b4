//! Areas, departments, positions and locations drawn as the trees they are, with how many use each and
//! the way to them, the terminals of an area, and moving one below another.

use crate::access::{Caller, Right, Thing};
use crate::app::App;
use crate::console::Console;
use crate::console::employees::FORMER;
use crate::console::failure::Failure;
use crate::console::form::Form;
use crate::console::page::{self, Frame};
use crate::console::session::Session;
use crate::console::table::{self, Asked, Listed, View};
use crate::error::{Error, Result};
use crate::extract::{Body, Query};
use crate::resource;
use crate::resources::employee::Employee;
use crate::resources::tree::{self, Branch, InUse, Tree, Users};
use crate::terminals::overview::{self, Overview, State};
use crate::terminals::terminal::Terminal;
use askama::Template;
use axum::extract::{RawQuery, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;
use url::form_urlencoded;

/// One with all that is below it.
#[derive(Template)]
#[template(path = "trees/branch.html")]
struct Node<'a> {
    list: &'static str,
    branch: &'a Branch,
    /// How many use it, and where they are listed.
    uses: Vec<(String, Option<String>)>,
    terminals: &'a [(State, Overview)],
    may_change: bool,
    below: String,
    /// What is below it is there to be seen at once.
    is_open: bool,
}

/// A tree with more branches and terminals is folded, and names no terminals: their count leads to them.
const MOST_OPEN: usize = 60;

#[derive(Template)]
#[template(path = "trees/page.html")]
struct TreePage {
    frame: Frame,
    view: View,
    csrf: String,
    /// `None`: it is too large to be drawn.
    tree: Option<String>,
    branches: Vec<Branch>,
    may_change: bool,
    done: Option<String>,
    moving: Moving,
}

/// The form that moves one: what is chosen, and what is wrong with it.
#[derive(Default)]
struct Moving {
    /// Ids, as the form has them.
    which: String,
    below: String,
    of_which: Vec<String>,
    of_below: Vec<String>,
    /// Of neither.
    elsewhere: Vec<String>,
}

impl Moving {
    fn is_which(&self, branch: &Branch) -> bool {
        self.which == branch.id.to_string()
    }

    fn is_below(&self, branch: &Branch) -> bool {
        self.below == branch.id.to_string()
    }

    fn is_refused(&self) -> bool {
        let all = [&self.of_which, &self.of_below, &self.elsewhere];
        all.iter().any(|problems| !problems.is_empty())
    }
}

/// `GET /NAME/tree`.
pub async fn page<T: Tree + Listed>(
    Shared(console): Shared<Arc<Console>>,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let done = Query::parse(query.as_deref().unwrap_or(""))?.take("done");
    let app = &console.app;
    let done = table::told(app, &session.caller, &[], done.as_deref()).await?;
    show::<T>(app, &session, done, Moving::default()).await
}

/// `POST /NAME/tree`: one moves below another, or to the top.
pub async fn transplant<T: Tree + Listed>(
    Shared(console): Shared<Arc<Console>>,
    form: Form,
) -> Result<Response, Failure> {
    let (app, caller) = (&console.app, &form.session.caller);
    caller.require(Right::Change(<T as Tree>::THING))?;
    let mut moving = Moving {
        which: form.fields.text("id").to_owned(),
        below: form.fields.text("below").to_owned(),
        ..Moving::default()
    };
    if moving.which.is_empty() {
        moving.of_which.push(t!("Choose one.").into());
        return show::<T>(app, &form.session, None, moving).await;
    }
    let row = resource::fetch::<T>(app, caller, &moving.which).await?;
    let below = match moving.below.as_str() {
        "" => Value::Null,
        id => id.into(),
    };
    let members = Map::from_iter([(T::WORDS.parent.to_owned(), below)]);
    match resource::save::<T>(app, caller, &Body::from_object(members), Some(row)).await {
        Ok(_) => {
            let to = format!("/{}/tree?done=saved", T::VIEW.name);
            Ok(Redirect::to(&to).into_response())
        }
        Err(Error::Invalid(problems)) => {
            for problem in problems {
                match problem.field == T::WORDS.parent {
                    true => moving.of_below.push(problem.message),
                    false => moving.elsewhere.push(problem.message),
                }
            }
            show::<T>(app, &form.session, None, moving).await
        }
        Err(Error::Refused { detail, .. }) => {
            moving.elsewhere.push(detail);
            show::<T>(app, &form.session, None, moving).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn show<T: Tree + Listed>(
    app: &App,
    session: &Session,
    done: Option<String>,
    moving: Moving,
) -> Result<Response, Failure> {
    let caller = &session.caller;
    caller.require(Right::View(<T as Tree>::THING))?;
    let branches = tree::whole::<T>(app, caller).await?;
    let may_change = caller.may(Right::Change(<T as Tree>::THING));
    let mut terminals: HashMap<i64, Vec<(State, Overview)>> = HashMap::new();
    if <T as Tree>::THING == Thing::Area && caller.may(Right::View(Thing::Terminal)) {
        for (state, terminal) in overview::list(app, &caller.scope).await? {
            terminals
                .entry(terminal.area_id)
                .or_default()
                .push((state, terminal));
        }
    }
    let drawing = Drawing {
        list: T::VIEW.name,
        by: T::RELATION.table,
        caller,
        terminals,
        may_change,
    };
    let tree = match &branches {
        Some(branches) => Some(drawing.draw(branches)?),
        None => None,
    };
    page::html(
        match moving.is_refused() {
            true => StatusCode::UNPROCESSABLE_ENTITY,
            false => StatusCode::OK,
        },
        &TreePage {
            frame: Frame::of(T::VIEW.title, session),
            view: T::VIEW,
            csrf: session.csrf.clone(),
            tree,
            branches: branches.unwrap_or_default(),
            may_change,
            done,
            moving,
        },
    )
}

struct Drawing<'c> {
    list: &'static str,
    /// What other lists are narrowed to one of them by.
    by: &'static str,
    caller: &'c Caller,
    terminals: HashMap<i64, Vec<(State, Overview)>>,
    may_change: bool,
}

impl Drawing<'_> {
    /// Those at the top, each with what is below it. Whose parent somebody may not see is at the top, too.
    fn draw(&self, branches: &[Branch]) -> Result<String> {
        let ids: HashMap<i64, ()> = branches.iter().map(|branch| (branch.id, ())).collect();
        let mut below: HashMap<Option<i64>, Vec<&Branch>> = HashMap::new();
        for branch in branches {
            let parent = branch.parent_id.filter(|id| ids.contains_key(id));
            below.entry(parent).or_default().push(branch);
        }
        let terminals: usize = self.terminals.values().map(Vec::len).sum();
        let is_small = branches.len() + terminals <= MOST_OPEN;
        self.those_below(None, &below, is_small)
    }

    fn those_below(
        &self,
        id: Option<i64>,
        below: &HashMap<Option<i64>, Vec<&Branch>>,
        is_small: bool,
    ) -> Result<String> {
        let mut html = String::new();
        let here = below.get(&id).map_or(&[][..], Vec::as_slice);
        // Whatever its size, nobody looks at a trunk alone.
        let is_trunk = id.is_none() && here.len() == 1;
        for branch in here {
            html.push_str(&page::text(&Node {
                list: self.list,
                branch,
                uses: branch
                    .uses
                    .iter()
                    .filter_map(|in_use| self.used(in_use, branch))
                    .collect(),
                terminals: match is_small {
                    true => self.terminals.get(&branch.id).map_or(&[], Vec::as_slice),
                    false => &[],
                },
                may_change: self.may_change,
                below: self.those_below(Some(branch.id), below, is_small)?,
                is_open: is_small || is_trunk,
            })?);
        }
        Ok(html)
    }

    /// How many use it, and the list of those where it can be narrowed to them and the caller may see it:
    /// they are as many as the list then shows.
    fn used(&self, in_use: &InUse, branch: &Branch) -> Option<(String, Option<String>)> {
        let (thing, view, status) = match in_use.users {
            Users::Employees => (Thing::Employee, Employee::VIEW, None),
            Users::FormerEmployees => (Thing::Employee, Employee::VIEW, Some(FORMER)),
            Users::Terminals => (Thing::Terminal, Terminal::VIEW, None),
        };
        let filter = view.filters.iter().find(|filter| filter.name == self.by);
        let count = match filter.map(|filter| filter.asked) {
            Some(Asked::Within(_)) => in_use.within(),
            _ => in_use.here()?,
        };
        if filter.is_none() || !self.caller.may(Right::View(thing)) {
            return Some((count, None));
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair(self.by, &branch.id.to_string());
        if let Some(status) = status {
            query.append_pair("status", status);
        }
        let list = format!("/{}?{}", view.name, query.finish());
        Some((count, Some(list)))
    }
}
