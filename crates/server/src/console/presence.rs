//! Who is in, who came, who was late and who has not come yet: the names behind the figures of the first
//! page.

use crate::access::{Right, Thing};
use crate::app::App;
use crate::config::time_of_day;
use crate::console::Console;
use crate::console::failure::Failure;
use crate::console::live::sees_punches;
use crate::console::moment;
use crate::console::page::{self, Frame};
use crate::console::session::Session;
use crate::console::table::{self, Choice};
use crate::error::{Error, Result};
use crate::extract::Query;
use crate::language::{Text, grouped};
use crate::punches::day::{self, Absent, Among, Day, Part, Present, Which};
use crate::punches::wording;
use crate::relation::{AREA, DEPARTMENT, Relation};
use crate::resource::Made;
use crate::resources::employee;
use crate::routes;
use crate::times;
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::NaiveTime;
use muster_sheets::Cell;
use std::sync::Arc;
use url::form_urlencoded::Serializer;

/// People on a page.
const SIZE: u64 = 100;

/// Whom the page shows. `None`: those who have not come.
const LISTS: [(&str, Text, Option<Which>); 4] = [
    ("in", t!("In now"), Some(Which::Inside)),
    ("came", t!("Came today"), Some(Which::Came)),
    ("late", t!("Late"), Some(Which::Late)),
    ("absent", t!("Not come yet"), None),
];

/// How a page looks at the day: after what time somebody is late, and which people it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    after: NaiveTime,
    /// Unless a page is asked otherwise.
    usually_after: NaiveTime,
    /// What was chosen, and what that means: those below are of a department or an area, too.
    chosen: Among,
    among: Among,
}

async fn with_below(app: &App, of: Relation, chosen: Option<&String>) -> Result<Option<String>> {
    match chosen {
        Some(chosen) => of.with_below(app, chosen).await.map(Some),
        None => Ok(None),
    }
}

impl Look {
    /// At everybody.
    pub fn at(app: &App, after: NaiveTime) -> Result<Look> {
        Ok(Look {
            after,
            usually_after: usually_late_after(app)?,
            chosen: Among::default(),
            among: Among::default(),
        })
    }

    async fn read(app: &App, query: &mut Query) -> Result<Look> {
        let chosen = Among {
            department: query.take("department"),
            area: query.take("area"),
        };
        Ok(Look {
            among: Among {
                department: with_below(app, DEPARTMENT, chosen.department.as_ref()).await?,
                area: with_below(app, AREA, chosen.area.as_ref()).await?,
            },
            chosen,
            ..Look::at(app, late_after(app, query)?)?
        })
    }

    /// The page with those of a list.
    pub fn address(&self, list: &str) -> String {
        format!("/presence?{}", self.query(list).finish())
    }

    fn on_page(&self, list: &str, number: u64) -> String {
        let mut query = self.query(list);
        if number > 1 {
            query.append_pair("page", &number.to_string());
        }
        format!("/presence?{}", query.finish())
    }

    fn as_file(&self, list: &str, kind: &str) -> String {
        let mut query = self.query(list);
        query.append_pair("export_type", kind);
        format!("/presence/file?{}", query.finish())
    }

    fn query(&self, list: &str) -> Serializer<'static, String> {
        let mut query = Serializer::new(String::new());
        query.append_pair("who", list);
        if self.after != self.usually_after {
            query.append_pair("late", &self.after.format("%H:%M").to_string());
        }
        for (name, value) in [
            ("department", &self.chosen.department),
            ("area", &self.chosen.area),
        ] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        query
    }
}

fn usually_late_after(app: &App) -> Result<NaiveTime> {
    app.settings().console.late_after().map_err(Error::Internal)
}

/// After what time somebody is late, as a page was asked.
pub fn late_after(app: &App, query: &mut Query) -> Result<NaiveTime> {
    match query.take("late").as_deref().and_then(time_of_day) {
        Some(asked) => Ok(asked),
        None => usually_late_after(app),
    }
}

/// How many have not come, for who may see people.
pub async fn absent_count(app: &App, session: &Session, among: &Among) -> Result<Option<i64>> {
    match session.caller.may(Right::View(Thing::Employee)) {
        true => {
            let count = day::absent_count(app, &session.caller, among).await?;
            Ok(Some(count))
        }
        false => Ok(None),
    }
}

struct Tab {
    address: String,
    name: Text,
    count: String,
    is_this: bool,
}

/// A first or last punch as it is shown.
struct At {
    time: String,
    /// Its distance from UTC, where the server's zone has another.
    zone: Option<String>,
}

/// What is shown of the day of somebody who came.
struct Came {
    first_and_last: [At; 2],
    state: String,
    place: String,
}

struct Person {
    /// His page, for who may see it.
    page: Option<String>,
    name: String,
    code: String,
    department: String,
    /// `None` of who has not come.
    day: Option<Came>,
}

#[derive(Template)]
#[template(path = "presence.html")]
struct PresencePage {
    frame: Frame,
    day: String,
    name: Text,
    who: &'static str,
    after: String,
    tabs: Vec<Tab>,
    departments: Vec<Choice>,
    areas: Vec<Choice>,
    people: Vec<Person>,
    first: u64,
    last: u64,
    count: i64,
    is_absent: bool,
    times: String,
    dates: Option<String>,
    files: [(Text, String); 3],
    previous: Option<String>,
    next: Option<String>,
}

/// The list that is meant, those who are in unless it is one of the others.
fn list_asked(query: &mut Query) -> (&'static str, Text, Option<Which>) {
    let who = query.take("who").unwrap_or_default();
    let [inside, ..] = LISTS;
    LISTS
        .into_iter()
        .find(|list| list.0 == who)
        .unwrap_or(inside)
}

/// `GET /presence?who=`.
pub async fn page(
    State(console): State<Arc<Console>>,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let app = &console.app;
    if !sees_punches(&session) {
        return Err(Error::Forbidden.into());
    }
    let mut query = Query::parse(query.as_deref().unwrap_or(""))?;
    let look = Look::read(app, &mut query).await?;
    let today = app.today();
    let day = Day::read(app, &session.caller.scope, &look.among).await?;
    let (earliest, latest) = day.dates();
    let absent = absent_count(app, &session, &look.among).await?;
    let count_of = |which: Option<Which>| match which {
        Some(which) => Some(day.count(which, look.after)),
        None => absent,
    };
    let (who, name, which) = list_asked(&mut query);
    let count = count_of(which).ok_or(Error::Forbidden)?;
    let pages = u64::try_from(count).unwrap_or(0).div_ceil(SIZE).max(1);
    let asked = query.take("page").and_then(|page| page.parse().ok());
    let number: u64 = asked.unwrap_or(1).clamp(1, pages);
    let part = Part {
        skipped: (number - 1) * SIZE,
        most: SIZE,
    };
    let people = shown(app, &session, &day, &look, which, part).await?;
    let tabs = LISTS.into_iter().filter_map(|(list, name, which)| {
        Some(Tab {
            address: look.address(list),
            name,
            count: grouped(count_of(which)?),
            is_this: list == who,
        })
    });
    let chosen = |value: &Option<String>| value.clone().unwrap_or_default();
    let (department, area) = (chosen(&look.chosen.department), chosen(&look.chosen.area));
    let caller = &session.caller;
    page::html(
        StatusCode::OK,
        &PresencePage {
            frame: Frame::of(t!("Today"), &session).about(&name.to_string()),
            day: moment::day(today),
            name,
            who,
            after: look.after.format("%H:%M").to_string(),
            tabs: tabs.collect(),
            departments: table::choices(app, caller, DEPARTMENT, &[&department]).await?,
            areas: table::choices(app, caller, AREA, &[&area]).await?,
            first: part.skipped + u64::from(!people.is_empty()),
            last: part.skipped + people.len() as u64,
            people,
            count,
            is_absent: which.is_none(),
            times: moment::by_the_clocks(app.zone.name()),
            dates: (earliest != latest).then(|| moment::by_each_zone(app.zone.name())),
            files: [
                (t!("Excel"), "xlsx"),
                (t!("CSV"), "csv"),
                (t!("Text"), "txt"),
            ]
            .map(|(name, kind)| (name, look.as_file(who, kind))),
            previous: (number > 1).then(|| look.on_page(who, number - 1)),
            next: (number < pages).then(|| look.on_page(who, number + 1)),
        },
    )
}

async fn shown(
    app: &App,
    session: &Session,
    day: &Day,
    look: &Look,
    which: Option<Which>,
    part: Part,
) -> Result<Vec<Person>> {
    let caller = &session.caller;
    let sees_people = caller.may(Right::View(Thing::Employee));
    Ok(match which {
        None => {
            let absent = day::absent(app, caller, &look.among, part).await?;
            absent.into_iter().map(Person::absent).collect()
        }
        Some(which) => {
            let present = day.present(app, which, look.after, part).await?;
            present
                .into_iter()
                .map(|present| Person::present(app, present, sees_people))
                .collect()
        }
    })
}

impl Person {
    fn present(app: &App, present: Present, sees_people: bool) -> Person {
        let at = |local, at| At {
            time: moment::of_the_day(app, local),
            zone: moment::other_offset(app, local, at),
        };
        let page = format!("/employees/{}/punches", present.employee_id);
        Person {
            // Who is gone since has a code, and no page.
            page: (sees_people && present.dept_name.is_some()).then_some(page),
            name: employee::name(present.first_name.as_deref(), present.last_name.as_deref()),
            code: present.pin,
            department: present.dept_name.unwrap_or_default(),
            day: Some(Came {
                first_and_last: [
                    at(present.first_local, present.first_at),
                    at(present.punch_local, present.punch_at),
                ],
                state: wording::state(present.punch_state).unwrap_or_default(),
                place: present.terminal_alias.unwrap_or(present.terminal_sn),
            }),
        }
    }

    fn absent(absent: Absent) -> Person {
        Person {
            page: Some(format!("/employees/{}/punches", absent.id)),
            name: employee::name(absent.first_name.as_deref(), absent.last_name.as_deref()),
            code: absent.emp_code,
            department: absent.dept_name.unwrap_or_default(),
            day: None,
        }
    }
}

// ---- as a file --------------------------------------------------------------------------------

/// What every file has, and what those have who punched, named as the API names it.
const WHO: [&str; 4] = ["emp_code", "first_name", "last_name", "dept_name"];
const DAY: [&str; 5] = [
    "first_punch",
    "last_punch",
    "punch_state",
    "terminal_sn",
    "terminal_alias",
];

/// `GET /presence/file?who=`: the whole list.
pub async fn file(
    State(console): State<Arc<Console>>,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let (app, caller) = (&console.app, &session.caller);
    if !sees_punches(&session) {
        return Err(Error::Forbidden.into());
    }
    let mut query = Query::parse(query.as_deref().unwrap_or(""))?;
    let look = Look::read(app, &mut query).await?;
    let (who, _, which) = list_asked(&mut query);
    let all = Part {
        skipped: 0,
        most: i64::MAX as u64,
    };
    let names = WHO.iter().chain(which.iter().flat_map(|_| &DAY)).copied();
    let mut file = Made::begin(app, &mut query, &format!("presence-{who}"), names).await?;
    match which {
        None => {
            caller.require(Right::View(Thing::Employee))?;
            for absent in day::absent(app, caller, &look.among, all).await? {
                file.row(&[
                    text(Some(&absent.emp_code)),
                    text(absent.first_name.as_ref()),
                    text(absent.last_name.as_ref()),
                    text(absent.dept_name.as_ref()),
                ])?;
            }
        }
        Some(which) => {
            let day = Day::read(app, &caller.scope, &look.among).await?;
            for present in day.present(app, which, look.after, all).await? {
                file.row(&[
                    text(Some(&present.pin)),
                    text(present.first_name.as_ref()),
                    text(present.last_name.as_ref()),
                    text(present.dept_name.as_ref()),
                    Cell::Text(times::local(present.first_local).into()),
                    Cell::Text(times::local(present.punch_local).into()),
                    Cell::Integer(present.punch_state.into()),
                    text(Some(&present.terminal_sn)),
                    text(present.terminal_alias.as_ref()),
                ])?;
            }
        }
    }
    Ok(routes::response(file.answer()?))
}

fn text(text: Option<&String>) -> Cell<'_> {
    text.map_or(Cell::Empty, |text| Cell::Text(text.into()))
}
