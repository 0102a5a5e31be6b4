//! Who is in, who came, who was late and who has not come yet: the names behind the figures of the first
//! page.

use crate::access::{Right, Thing};
use crate::app::App;
use crate::console::Console;
use crate::console::failure::Failure;
use crate::console::live::sees_punches;
use crate::console::moment;
use crate::console::page::{self, Frame};
use crate::console::session::Session;
use crate::error::{Error, Result};
use crate::extract::Query;
use crate::language::{Text, grouped};
use crate::punches::day::{self, Absent, Part, Present, Which};
use crate::punches::wording;
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{NaiveDate, NaiveTime};
use std::sync::Arc;
use url::form_urlencoded::Serializer;

/// Who comes later than this is late, unless a page is asked otherwise.
pub const LATE_AFTER: NaiveTime = match NaiveTime::from_hms_opt(9, 0, 0) {
    Some(time) => time,
    None => NaiveTime::MIN,
};
/// People on a page.
const SIZE: u64 = 100;

/// Whom the page shows. `None`: those who have not come.
const LISTS: [(&str, Text, Option<Which>); 4] = [
    ("in", t!("In now"), Some(Which::Inside)),
    ("came", t!("Came today"), Some(Which::Came)),
    ("late", t!("Late"), Some(Which::Late)),
    ("absent", t!("Not come yet"), None),
];

/// The page with those of a list.
pub fn address(list: &str, after: NaiveTime) -> String {
    on_page(list, after, 1)
}

fn on_page(list: &str, after: NaiveTime, number: u64) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("who", list);
    if after != LATE_AFTER {
        query.append_pair("late", &after.format("%H:%M").to_string());
    }
    if number > 1 {
        query.append_pair("page", &number.to_string());
    }
    format!("/presence?{}", query.finish())
}

/// After what time somebody is late, as a page was asked.
pub fn late_after(query: &mut Query) -> NaiveTime {
    let asked = query.take("late");
    let asked = asked.and_then(|text| NaiveTime::parse_from_str(&text, "%H:%M").ok());
    asked.unwrap_or(LATE_AFTER)
}

/// How many have not come, for who may see people.
pub async fn absent_count(app: &App, session: &Session, day: NaiveDate) -> Result<Option<i64>> {
    match session.caller.may(Right::View(Thing::Employee)) {
        true => {
            let count = day::absent_count(app, &session.caller, day).await?;
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

struct Person {
    /// His page, for who may see it.
    page: Option<String>,
    name: String,
    code: String,
    department: String,
    /// First and last punch, its state and where; none of who has not come.
    day: Option<[String; 4]>,
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
    people: Vec<Person>,
    first: u64,
    last: u64,
    count: i64,
    is_absent: bool,
    previous: Option<String>,
    next: Option<String>,
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
    let after = late_after(&mut query);
    let who = query.take("who").unwrap_or_default();
    let today = app.today();
    let people = day::people(app, &session.caller.scope, today, after).await?;
    let absent = absent_count(app, &session, today).await?;
    let count_of = |which: Option<Which>| match which {
        Some(Which::Inside) => Some(people.inside),
        Some(Which::Came) => Some(people.came),
        Some(Which::Late) => Some(people.late),
        None => absent,
    };
    let [inside, ..] = LISTS;
    let is_asked = |list: &(&str, Text, Option<Which>)| list.0 == who;
    let (who, name, which) = LISTS.into_iter().find(is_asked).unwrap_or(inside);
    let count = count_of(which).ok_or(Error::Forbidden)?;
    let pages = u64::try_from(count).unwrap_or(0).div_ceil(SIZE).max(1);
    let asked = query.take("page").and_then(|page| page.parse().ok());
    let number: u64 = asked.unwrap_or(1).clamp(1, pages);
    let part = Part {
        skipped: (number - 1) * SIZE,
        most: SIZE,
    };
    let people = shown(app, &session, today, after, which, part).await?;
    let tabs = LISTS.into_iter().filter_map(|(list, name, which)| {
        Some(Tab {
            address: address(list, after),
            name,
            count: grouped(count_of(which)?),
            is_this: list == who,
        })
    });
    let to = |number: u64| on_page(who, after, number);
    page::html(
        StatusCode::OK,
        &PresencePage {
            frame: Frame::of(t!("Today"), &session).about(&name.to_string()),
            day: moment::day(today),
            name,
            who,
            after: after.format("%H:%M").to_string(),
            tabs: tabs.collect(),
            first: part.skipped + u64::from(!people.is_empty()),
            last: part.skipped + people.len() as u64,
            people,
            count,
            is_absent: which.is_none(),
            previous: (number > 1).then(|| to(number - 1)),
            next: (number < pages).then(|| to(number + 1)),
        },
    )
}

async fn shown(
    app: &App,
    session: &Session,
    today: NaiveDate,
    after: NaiveTime,
    which: Option<Which>,
    part: Part,
) -> Result<Vec<Person>> {
    let caller = &session.caller;
    let sees_people = caller.may(Right::View(Thing::Employee));
    Ok(match which {
        None => {
            let absent = day::absent(app, caller, today, part).await?;
            absent.into_iter().map(Person::absent).collect()
        }
        Some(which) => {
            let scope = &caller.scope;
            let present = day::present(app, scope, today, after, which, part).await?;
            let people = present.into_iter();
            people
                .map(|present| Person::present(present, sees_people))
                .collect()
        }
    })
}

/// First and last name, as far as there are any.
pub fn name(first: Option<&str>, last: Option<&str>) -> String {
    let names: Vec<&str> = [first, last].into_iter().flatten().collect();
    names.join(" ")
}

impl Person {
    fn present(present: Present, sees_people: bool) -> Person {
        let at = |time: chrono::NaiveDateTime| time.format("%H:%M").to_string();
        let page = format!("/employees/{}/punches", present.employee_id);
        Person {
            // Who is gone since has a code, and no page.
            page: (sees_people && present.dept_name.is_some()).then_some(page),
            name: name(present.first_name.as_deref(), present.last_name.as_deref()),
            code: present.pin,
            department: present.dept_name.unwrap_or_default(),
            day: Some([
                at(present.first_local),
                at(present.punch_local),
                wording::state(present.punch_state).unwrap_or_default(),
                present.terminal_alias.unwrap_or(present.terminal_sn),
            ]),
        }
    }

    fn absent(absent: Absent) -> Person {
        Person {
            page: Some(format!("/employees/{}/punches", absent.id)),
            name: name(absent.first_name.as_deref(), absent.last_name.as_deref()),
            code: absent.emp_code,
            department: absent.dept_name.unwrap_or_default(),
            day: None,
        }
    }
}
