//! The page of a list, whatever is listed: a table with search, filters, order, pages and files, and
//! what can be done with the rows that are ticked. What a page shows of its resource is a `View`; what
//! may be asked, and which rows somebody sees, is the resource's own.

mod column;
mod excerpt;
mod filter;

pub use column::{Cell, Column, Going, Lamp, Words, text_at};
pub use excerpt::{Excerpt, excerpt};
pub use filter::{Asked, Choice, Filter, as_programs_ask, choices, word_of, words_as_choices};

use crate::access::{Caller, Right};
use crate::app::App;
use crate::console::Console;
use crate::console::act::{self, Act};
use crate::console::confirm::Typing;
use crate::console::failure::Failure;
use crate::console::page::{self, Frame};
use crate::console::place::Place;
use crate::console::session::Session;
use crate::console::views::{self, Kept};
use crate::console::whom;
use crate::console::works::Sending;
use crate::error::{Error, Result};
use crate::extract::Query;
use crate::language::{self, Text};
use crate::resource::{self, Resource, Selection};
use crate::routes::{self, Endpoint};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use column::{Heading, heading};
use filter::{AskedField, fields};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Rows on a page, unless somebody wants more or fewer.
const SIZE: i64 = 50;
const SIZES: [i64; 4] = [20, 50, 100, 500];
/// No page of the console has more, whatever `api.page_cap` is for programs.
pub const MOST_ROWS: i64 = 2_000;

/// A resource with a page of its own.
pub trait Listed: Resource {
    const VIEW: View;
    /// Where else somebody may want to go from here: addresses and words.
    const LINKS: &'static [(&'static str, Text)] = &[];
    /// A row is called by what stands in so many columns.
    const NAMED_BY: usize = 2;

    /// What a row is called.
    fn name_of(row: &Value) -> String {
        Self::VIEW.beginning(row, Self::NAMED_BY)
    }

    /// What is said to people alone of the rows of a page: for each row members that come to those programs get, or
    /// stand in their place. Whatever it looks up it looks up for all rows at once.
    fn said_to_people(
        app: &App,
        caller: &Caller,
        rows: &[Self::Row],
    ) -> impl Future<Output = Result<Vec<Said>>> + Send {
        let _ = (app, caller, rows);
        async { Ok(Vec::new()) }
    }

    /// Puts what a page is asked for into programs' words, where people's are others.
    fn asked_by_people(query: &mut Query) {
        let _ = query;
    }

    /// Unless somebody chooses, where a period is asked for: by what the period is of.
    const ORDER_OF_A_PERIOD: Option<&'static str> = None;

    /// Says what zone its times are of, by the name of the server's.
    const TIMES: Option<fn(&str) -> String> = None;

    /// Whether somebody is offered to make a new one.
    fn may_add(caller: &Caller) -> bool {
        caller.may(Right::Change(Self::THING))
    }
    /// What has to be typed before rows are removed.
    const TYPED_TO_REMOVE: Typing = Typing::Nothing;
    /// What is done with rows that are ticked, but for removing them.
    const ACTS: &'static [Act] = &[];
    /// Whether they stand in a tree, which is drawn on `/NAME/tree`.
    const IS_TREE: bool = false;
    /// Whether rows are taken in from a file, on `/NAME/import`.
    const IMPORTS: bool = false;
    /// Other pages of a row: the last part of `/NAME/ID/…`, and what it is called.
    const PAGES: &'static [(&'static str, Text)] = &[];
    /// The member under which the acts' endpoints take the rows.
    const ROWS: &'static str = "rows";

    /// Where the acts' work is found.
    fn endpoints() -> Vec<Endpoint> {
        Vec::new()
    }
}

/// Members of a row that people alone are told.
pub type Said = Map<String, Value>;

/// How the console shows a list.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// The page is `/NAME`.
    pub name: &'static str,
    pub title: Text,
    /// To make one, where that is possible.
    pub new: Text,
    /// To remove one, where that is possible.
    pub remove: Text,
    pub columns: &'static [Column],
    pub filters: &'static [Filter],
    /// As in `ordering`, unless somebody chooses.
    pub order: &'static str,
    /// What to do when there is none yet.
    pub empty: Text,
    /// Whether a row has a page of its own, where it is changed.
    pub opens: bool,
    /// Whether rows can be ticked and removed; what becomes of it is said before.
    pub removal: Option<Text>,
}

impl View {
    /// What stands in the first columns.
    fn beginning(&self, row: &Value, columns: usize) -> String {
        let texts: Vec<String> = self
            .columns
            .iter()
            .map(|column| column.cell(row).text)
            .filter(|text| !text.is_empty())
            .take(columns)
            .collect();
        texts.join(" ")
    }
}

struct Row {
    id: String,
    /// Where it opens.
    page: String,
    /// What it is called, for whoever cannot see the row.
    name: String,
    cells: Vec<Cell>,
}

#[derive(Template)]
#[template(path = "table.html")]
struct TablePage {
    frame: Frame,
    view: View,
    csrf: String,
    search: String,
    fields: Vec<AskedField>,
    is_narrowed: bool,
    /// Kept when the filters change.
    ordering: String,
    /// The same of the columns, when the address chooses them.
    shown_columns: String,
    place: Place,
    sizes: Vec<Choice>,
    headings: Vec<Heading>,
    rows: Vec<Row>,
    count: i64,
    /// What the list was asked, where all that match can be meant and are more than this page has.
    all: Option<String>,
    first: i64,
    last: i64,
    previous: Option<String>,
    next: Option<String>,
    /// With the columns that are shown, and with all there are.
    files: [(Text, String); 3],
    whole_files: [(Text, String); 3],
    may_change: bool,
    may_add: bool,
    links: &'static [(&'static str, Text)],
    imports: bool,
    is_tree: bool,
    acts: Vec<Act>,
    /// The columns that can be left out, ticked when they are shown.
    columns: Vec<Choice>,
    kept: Vec<Kept>,
    /// The list as it is shown, as a view keeps it.
    query: String,
    /// What zone its times are of.
    times: Option<String>,
    done: Option<String>,
    refused: Refused,
}

/// What was refused on the page of a list.
#[derive(Default)]
pub struct Refused {
    /// What was asked of the list.
    pub list: Option<String>,
    /// The name of a view, and why.
    pub view: Option<(String, String)>,
}

impl TablePage {
    /// A page beside the list.
    fn beside(&self, page: &str) -> String {
        self.place.along(&format!("/{}/{page}", self.view.name))
    }

    fn may_remove(&self) -> bool {
        self.view.removal.is_some() && self.may_change
    }

    /// Something can be done with those that are ticked.
    fn may_tick(&self) -> bool {
        self.may_remove() || !self.acts.is_empty()
    }
}

/// `GET /NAME`.
pub async fn page<R: Listed>(
    State(console): State<Arc<Console>>,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    session.caller.require(Right::View(R::THING))?;
    let query = Query::parse(query.as_deref().unwrap_or(""))?;
    Ok(
        match show::<R>(&console.app, &session, query.clone(), Refused::default()).await {
            // A filter that cannot be read is told above the whole list.
            Err(Error::Invalid(problems)) => {
                let reasons: Vec<String> = problems
                    .into_iter()
                    .map(|problem| problem.message)
                    .collect();
                show::<R>(
                    &console.app,
                    &session,
                    Query::default(),
                    Refused {
                        list: Some(reasons.join(" ")),
                        ..Refused::default()
                    },
                )
                .await?
            }
            // The list has become shorter.
            Err(Error::InvalidPage) => shorter::<R>(&console.app, &session, query).await?,
            shown => shown?,
        },
    )
}

/// The page before, where what was on this one has gone; the first if there is none.
async fn shorter<R: Listed>(app: &App, session: &Session, mut query: Query) -> Result<Response> {
    let number = query
        .clone()
        .take("page")
        .and_then(|page| page.parse().ok());
    let before = number.unwrap_or(2_i64).saturating_sub(1).max(1);
    query.extend([("page", before.to_string())]);
    match show::<R>(app, session, query.clone(), Refused::default()).await {
        Err(Error::InvalidPage) => {
            query.extend([("page", "1".to_owned())]);
            show::<R>(app, session, query, Refused::default()).await
        }
        shown => shown,
    }
}

/// A file of more rows takes its time: how far it is stands above every page.
const LONG: i64 = 5_000;

/// `GET /NAME/file`: the list as it stands, as a file.
pub async fn file<R: Listed>(
    State(console): State<Arc<Console>>,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    session.caller.require(Right::View(R::THING))?;
    let mut query = Query::parse(query.as_deref().unwrap_or(""))?;
    query.take("done");
    let app = &console.app;
    as_programs_ask::<R>(app, &mut query).await?;
    let mut sending = None;
    if let Ok(name) = resource::name_of_download::<R>(app, &query)
        && let Ok(selection) = Selection::read::<R>(app, &session.caller, &mut query.clone()).await
    {
        let count = selection.count::<R>(app).await?;
        if count > LONG {
            let named = (R::VIEW.name, name.as_str());
            sending = Some(Sending::begin(&console, &session, named, count).await?);
        }
    }
    // Programs read it, and muster itself again.
    let download = resource::download::<R>(app, session.caller, &mut query, move |sent| {
        if let Some(sending) = &mut sending {
            sending.note(sent);
        }
    });
    Ok(routes::response(language::in_english(download).await?))
}

pub async fn show<R: Listed>(
    app: &App,
    session: &Session,
    mut query: Query,
    refused: Refused,
) -> Result<Response> {
    let (view, caller) = (R::VIEW, &session.caller);
    let done = query.take("done");
    let mut asked = query.clone();
    let size = query
        .take("page_size")
        .and_then(|size| size.parse().ok())
        .unwrap_or(SIZE);
    if asked.take("page_size").is_none() {
        asked.extend([("page_size", size.to_string())]);
    }
    let ordering = query.take("ordering").unwrap_or_default();
    let order = match ordering.as_str() {
        "" => unchosen_order::<R>(&query),
        chosen => chosen,
    };
    asked.put("ordering", order.to_owned());
    let views = views::of(app, session, view.name).await?;
    let chosen = asked.take("columns");
    let columns = views::shown(&view, chosen.as_deref().or(views.columns.as_deref()));
    as_programs_ask::<R>(app, &mut asked).await?;
    let page = resource::page_up_to::<R>(app, caller, &mut asked, MOST_ROWS).await?;
    let (count, number, size) = (page.count, page.number, page.size);
    let is_last = page.is_last();
    let ids: Vec<i64> = page.rows.iter().map(R::id).collect();
    let shown = shown_to_people::<R>(app, caller, page.rows).await?;
    let place = Place::here(&view, &query.rewritten(&[]));
    let rows = rows::<R>(&shown, &ids, &columns, &place, caller);
    let search = query.take("search").unwrap_or_default();
    let link = |set: &[(&str, Option<String>)]| {
        let query = query.rewritten(&[set, &[("done", None), ("after", None)]].concat());
        format!("/{}?{query}", view.name)
    };
    let fields = fields(app, caller, &mut query.clone(), view.filters).await?;
    let headings = columns
        .iter()
        .map(|column| heading(column, order, &link))
        .collect();
    let first = (number - 1) * size;
    let whole = whole(order);
    let is_more = count > i64::try_from(rows.len()).unwrap_or(count);
    let is_few = usize::try_from(count).is_ok_and(|count| count <= resource::MOST);
    let to = |number: i64| link(&[("page", (number > 1).then(|| number.to_string()))]);
    let members = columns.iter().flat_map(|column| column.in_files);
    let headers: Vec<&str> = members
        .filter_map(|member| resource::column_of::<R>(member))
        .collect();
    let files = |headers: Option<String>| {
        [
            (t!("Excel"), "xlsx"),
            (t!("CSV"), "csv"),
            (t!("Text"), "txt"),
        ]
        .map(|(name, kind)| {
            let kind = [
                ("export_type", Some(kind.to_owned())),
                ("export_headers", headers.clone()),
            ];
            let query = query.rewritten(&[&whole[..], &kind].concat());
            (name, format!("/{}/file?{query}", view.name))
        })
    };
    page::html(
        match refused {
            Refused {
                list: None,
                view: None,
            } => StatusCode::OK,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        },
        &TablePage {
            frame: Frame::of(view.title, session),
            csrf: session.csrf.clone(),
            is_narrowed: !search.is_empty() || fields.iter().any(|field| !field.value.is_empty()),
            search,
            fields,
            sizes: sizes(size),
            headings,
            first: if rows.is_empty() { 0 } else { first + 1 },
            last: first + i64::try_from(rows.len()).unwrap_or(0),
            rows,
            count,
            all: (is_more && is_few).then(|| query.rewritten(&whole)),
            previous: (number > 1).then(|| to(number - 1)),
            next: (!is_last).then(|| to(number + 1)),
            files: files(Some(headers.join(","))),
            whole_files: files(None),
            may_change: caller.may(Right::Change(R::THING)),
            may_add: view.opens && R::may_add(caller),
            links: R::LINKS,
            imports: R::IMPORTS,
            is_tree: R::IS_TREE,
            acts: act::of::<R>(session),
            ordering,
            place,
            shown_columns: chosen.clone().unwrap_or_default(),
            query: {
                let keys: Vec<String> = columns.iter().skip(1).map(|column| column.key()).collect();
                let is_usual = keys == views::usual(&view);
                let keys = (!is_usual || chosen.is_some()).then(|| keys.join(","));
                views::kept(&view, &query.rewritten(&[("columns", keys)]))
            },
            columns: columns_to_choose(&view, &columns),
            kept: views.kept,
            times: R::TIMES.map(|say| say(app.zone.name())),
            done: told(app, caller, R::ACTS, done.as_deref()).await?,
            refused,
            view,
        },
    )
    .map_err(Error::from)
}

fn rows<R: Listed>(
    shown: &[Value],
    ids: &[i64],
    columns: &[&Column],
    place: &Place,
    caller: &Caller,
) -> Vec<Row> {
    let row = |(row, id): (&Value, &i64)| Row {
        id: id.to_string(),
        page: place.along(&format!("/{}/{id}", R::VIEW.name)),
        name: R::name_of(row),
        cells: columns
            .iter()
            .map(|column| column.cell_for(row, caller).in_place(place))
            .collect(),
    };
    shown.iter().zip(ids).map(row).collect()
}

/// The order that a list is in unless somebody chooses one.
fn unchosen_order<R: Listed>(query: &Query) -> &'static str {
    let mut query = query.clone();
    let is_of_a_period = ["start_time", "end_time"]
        .into_iter()
        .any(|end| query.take(end).is_some());
    R::ORDER_OF_A_PERIOD
        .filter(|_| is_of_a_period)
        .unwrap_or(R::VIEW.order)
}

/// What makes of a page of a list the whole of it: it is narrowed as it is, and in this order.
fn whole(order: &str) -> [(&'static str, Option<String>); 9] {
    [
        "page",
        "page_size",
        "limit",
        "pageNo",
        "pageSize",
        "after",
        "done",
        "columns",
        "ordering",
    ]
    .map(|name| (name, (name == "ordering").then(|| order.to_owned())))
}

fn sizes(chosen: i64) -> Vec<Choice> {
    let choice = |size: &i64| Choice {
        value: size.to_string(),
        label: size.to_string(),
        chosen: *size == chosen,
    };
    SIZES.iter().map(choice).collect()
}

/// All but the first, which is always there.
fn columns_to_choose(view: &View, shown: &[&Column]) -> Vec<Choice> {
    let choice = |column: &Column| Choice {
        value: column.key(),
        label: column.heading.to_string(),
        chosen: shown.iter().any(|shown| shown.key() == column.key()),
    };
    view.columns.iter().skip(1).map(choice).collect()
}

/// A row on a page of its own: what stands in the list's columns, where anything does, and what it leads to.
pub fn alone<R: Listed>(row: &Value, caller: &Caller) -> Vec<(Text, Cell)> {
    let columns = R::VIEW.columns.iter();
    columns
        .map(|column| (column.heading, column.cell_for(row, caller)))
        .filter(|(_, cell)| !cell.text.is_empty())
        .collect()
}

/// The rows as people read them.
pub async fn shown_to_people<R: Listed>(
    app: &App,
    caller: &Caller,
    rows: Vec<R::Row>,
) -> Result<Vec<Value>> {
    let said = R::said_to_people(app, caller, &rows).await?;
    let mut shown = R::show(app, caller, rows).await?;
    for (row, said) in shown.iter_mut().zip(said) {
        if let Value::Object(members) = row {
            members.extend(said);
        }
    }
    Ok(shown)
}

/// What was just done, by the word that stands in the address; other words say nothing.
pub async fn told(
    app: &App,
    caller: &Caller,
    acts: &[Act],
    word: Option<&str>,
) -> Result<Option<String>> {
    let Some(word) = word else { return Ok(None) };
    let (word, person) = whom::done(app, caller, word).await?;
    let (what, count) = word.split_once('-').unwrap_or((word, "1"));
    let count: u32 = count.parse().unwrap_or(0);
    Ok(Some(match (what, count) {
        ("saved", _) => match person {
            Some(person) => t!("Saved: {person}.", person = person),
            None => t!("Saved.").into(),
        },
        ("kept", _) => t!("The view is kept.").into(),
        ("ended", _) => t!("Ended.").into(),
        ("revoked", _) => t!("Revoked.").into(),
        ("removed", 1) => t!("Removed.").into(),
        ("removed", count) => tn!(count, "{count} removed.", "{count} removed."),
        _ => return Ok(act::told(acts, word, person)),
    }))
}

#[cfg(test)]
mod tests {
    use super::Listed;
    use crate::accounts::client::Clients;
    use crate::accounts::role::Roles;
    use crate::accounts::user::Users;
    use crate::audit::Audit;
    use crate::punches::hidden::Hidden;
    use crate::punches::transaction::Transaction;
    use crate::punches::unregistered::Unregistered;
    use crate::resource;
    use crate::resources::area::Area;
    use crate::resources::biodata::Biodata;
    use crate::resources::department::Department;
    use crate::resources::employee::Employee;
    use crate::resources::location::Location;
    use crate::resources::position::Position;
    use crate::resources::private_message::PrivateMessage;
    use crate::resources::public_message::PublicMessage;
    use crate::resources::resignation::Resignation;
    use crate::terminals::command_list::Listed as Commands;
    use crate::terminals::holdings::Holdings;
    use crate::terminals::operation_list::Operations;
    use crate::terminals::terminal::Terminal;
    use crate::terminals::unread_list::Unread;

    /// What waits for a terminal just now: whoever reads files reads the commands.
    const FOR_PEOPLE_ALONE: [&str; 1] = ["terminals pending"];

    /// What is shown of a list unless somebody chooses, and is in no file of it.
    fn left_out<R: Listed>() -> Vec<String> {
        let usual = R::VIEW.columns.iter().filter(|column| !column.is_spare);
        usual
            .flat_map(|column| column.in_files)
            .filter(|member| resource::column_of::<R>(member).is_none())
            .map(|member| format!("{} {member}", R::VIEW.name))
            .collect()
    }

    #[test]
    fn a_file_has_what_the_list_shows_but_for_what_is_for_people_alone() {
        let lists = [
            left_out::<Employee>,
            left_out::<Department>,
            left_out::<Area>,
            left_out::<Position>,
            left_out::<Location>,
            left_out::<Resignation>,
            left_out::<Terminal>,
            left_out::<Transaction>,
            left_out::<Unregistered>,
            left_out::<Hidden>,
            left_out::<Biodata>,
            left_out::<PublicMessage>,
            left_out::<PrivateMessage>,
            left_out::<Commands>,
            left_out::<Holdings>,
            left_out::<Operations>,
            left_out::<Unread>,
            left_out::<Clients>,
            left_out::<Users>,
            left_out::<Roles>,
            left_out::<Audit>,
        ];
        let pages = include_str!("mod.rs");
        let (_, pages) = pages.split_once("let lists = ").expect("the lists");
        let (pages, _) = pages.split_once(';').expect("their end");
        let beside = ["imported::<", "drawn::<"].map(|word| pages.matches(word).count());
        let all = pages.matches("::<").count() - beside.iter().sum::<usize>();
        // Saving a terminal names it once more.
        assert_eq!(lists.len(), all - 1, "every list is looked at");

        let left_out: Vec<String> = lists.iter().flat_map(|of| of()).collect();
        assert_eq!(left_out, FOR_PEOPLE_ALONE);
    }
}
