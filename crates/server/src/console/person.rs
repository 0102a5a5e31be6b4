//! One person's page beside the form: the punches of a month, what terminals hold of him, what he is
//! identified by, and when he left.

use crate::access::{Caller, Right, Thing};
use crate::app::App;
use crate::console::Console;
use crate::console::biometrics;
use crate::console::failure::Failure;
use crate::console::moment::{self, DAYS, by_the_clocks};
use crate::console::page::{self, Frame};
use crate::console::place::Place;
use crate::console::punch_photo;
use crate::console::record::key;
use crate::console::resignations;
use crate::console::session::Session;
use crate::console::table::{self, Listed, shown_to_people, text_at};
use crate::console::ways;
use crate::error::{Error, Result};
use crate::extract::Query;
use crate::language::Text;
use crate::punches::transaction::Transaction;
use crate::punches::wording;
use crate::resource::{self, Resource};
use crate::resources::biodata::Biodata;
use crate::resources::employee::{self, Employee};
use crate::resources::resignation::{self, Past};
use crate::terminals::standing::{self, How, Kind, Part, Standing};
use crate::terminals::sync::Unfit;
use crate::times;
use askama::Template;
use axum::extract::{RawPathParams, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{Datelike, Days, Months, NaiveDate};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use url::form_urlencoded;

/// A month of somebody who punches all day long is cut off here.
/// A day shows so many times, and how many more there are.
const MOST_OF_A_DAY: usize = 6;
const RECENT: &str = "20";
/// So many terminals are shown; the list of who is where has all.
const MOST_TERMINALS: usize = 200;
/// So many are shown as they are. Of more those alone where something is not as it should be; the others fold.
const FEW_TERMINALS: usize = 10;

struct Day {
    on: NaiveDate,
    is_of_month: bool,
    is_today: bool,
    times: Vec<Time>,
    more: usize,
    /// All of them in the list.
    all: String,
}

/// A time of a day, and what was pressed then.
#[derive(Debug, PartialEq)]
struct Time {
    at: String,
    state: Option<String>,
    /// `in`, `out`, or nothing.
    way: &'static str,
}

struct Month {
    name: String,
    weeks: Vec<Vec<Day>>,
    count: usize,
    before: String,
    after: Option<String>,
}

struct Punch {
    time: String,
    /// The page of the photo taken then.
    photo: Option<String>,
    state: String,
    verify: String,
    terminal: String,
    to_terminal: Option<String>,
}

/// How the person stands on a terminal.
struct OnTerminal {
    alias: String,
    sn: String,
    /// Under each of the table's headings.
    cells: Vec<Option<Told>>,
    reasons: String,
    page: String,
    /// Nothing is missing there that can be there.
    is_well: bool,
}

/// A state in words, and whether all is well (`true`) or wants looking at (`false`).
struct Told {
    words: String,
    is_good: bool,
    is_bad: bool,
}

/// On which terminals the person is: what there is to tell of them, and of each how that is.
struct OnTerminals {
    headings: Vec<Text>,
    rows: Vec<OnTerminal>,
    /// In how many of all is everything as it should be.
    well: usize,
    count: usize,
    /// So many more than are shown.
    more: usize,
}

impl OnTerminals {
    fn are_few(&self) -> bool {
        self.count <= FEW_TERMINALS
    }

    fn all(&self) -> Vec<&OnTerminal> {
        self.rows.iter().collect()
    }

    fn exceptions(&self) -> Vec<&OnTerminal> {
        self.rows.iter().filter(|row| !row.is_well).collect()
    }
}

#[derive(Template)]
#[template(path = "person.html")]
struct PersonPage {
    frame: Frame,
    heading: String,
    portrait: Option<String>,
    tabs: Vec<(String, Text, bool)>,
    place: Place,
    /// What somebody may not see is left out.
    month: Option<Month>,
    recent: Option<Vec<Punch>>,
    terminals: Option<OnTerminals>,
    code: String,
    /// All of the person's punches.
    transactions: String,
    /// What zone the times are of.
    times: String,
    /// Kind and algorithm, and how many.
    templates: Option<Vec<(String, usize)>>,
    resignations: Option<Vec<(Past, String)>>,
}

pub const DETAILS: Text = t!("Details");
const PUNCHES: Text = t!("Punches and terminals");

/// What the page beside the form tells.
const BESIDE: [Thing; 4] = [
    Thing::Transaction,
    Thing::Terminal,
    Thing::Biodata,
    Thing::Resignation,
];

fn sees_beside(caller: &Caller) -> bool {
    BESIDE.iter().any(|thing| caller.may(Right::View(*thing)))
}

/// The address of the person's photo.
pub async fn portrait(app: &App, id: i64) -> Result<Option<String>> {
    let has_photo = employee::has_photo(app, id).await?;
    Ok(has_photo.then(|| format!("/employees/{id}/picture")))
}

/// The two pages of a person, and which of them it is; none for who sees nothing on the second.
pub fn tabs(caller: &Caller, id: &str, this: Text) -> Vec<(String, Text, bool)> {
    if !sees_beside(caller) {
        return Vec::new();
    }
    let pages = [
        (format!("/employees/{id}"), DETAILS),
        (format!("/employees/{id}/punches"), PUNCHES),
    ];
    pages
        .map(|(address, text)| (address, text, text == this))
        .into()
}

/// `GET /employees/{id}/punches?month=YYYY-MM`.
pub async fn page(
    State(console): State<Arc<Console>>,
    params: RawPathParams,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let (app, caller) = (&console.app, &session.caller);
    caller.require(Right::View(Thing::Employee))?;
    let found = key(&params).ok_or(Error::NotFound)?;
    let row = resource::fetch::<Employee>(app, caller, found).await?;
    let (id, code) = (row.id, row.emp_code.clone());
    let shown = Employee::show(app, caller, vec![row]).await?;
    let heading = Employee::name_of(shown.first().unwrap_or(&Value::Null));
    let place = Place::told(&Employee::VIEW, query.as_deref());
    if !sees_beside(caller) {
        let details = place.along(&format!("/employees/{id}"));
        return Ok(Redirect::to(&details).into_response());
    }
    let asked = Query::parse(query.as_deref().unwrap_or(""))?.take("month");
    let first = asked
        .and_then(|month| times::read_date(&format!("{month}-01")))
        .or_else(|| app.today().with_day(1))
        .unwrap_or_else(|| app.today());
    let sees = |thing| caller.may(Right::View(thing));
    let own = || ("emp", id.to_string());
    let (mut month, mut recent) = (None, None);
    if sees(Thing::Transaction) {
        let last = last_of(first);
        let asked = [
            own(),
            ("start_time", first.to_string()),
            ("end_time", last.to_string()),
            ("ordering", "punch_time".into()),
            ("page_size", table::MOST_ROWS.to_string()),
        ];
        let (count, of_month) = counted_rows::<Transaction>(app, &session, asked).await?;
        let of_month = Month {
            count: usize::try_from(count).unwrap_or_default(),
            ..calendar(first, app.today(), (id, &code), &of_month, &place)
        };
        month = Some(of_month);
        let newest = [
            own(),
            ("ordering", "-punch_time".into()),
            ("page_size", RECENT.into()),
        ];
        let newest = rows::<Transaction>(app, &session, newest).await?;
        recent = Some(newest.iter().map(punch).collect());
    }
    let mut terminals = None;
    if sees(Thing::Terminal) {
        let standing = standing::standing(app, caller, id, &code).await?;
        terminals = Some(on_terminals(standing));
    }
    let templates = templates(app, &session, id).await?;
    let mut resignations = None;
    if sees(Thing::Resignation) {
        let past = resignation::history(app, id).await?;
        let word = |past: Past| {
            let kind = resignations::kind(past.resign_type);
            (past, kind)
        };
        resignations = Some(past.into_iter().map(word).collect());
    }
    page::html(
        StatusCode::OK,
        &PersonPage {
            frame: Frame::of(Employee::VIEW.title, &session).about(&heading),
            heading,
            portrait: portrait(app, id).await?,
            tabs: tabs(caller, &id.to_string(), PUNCHES)
                .into_iter()
                .map(|(address, text, is_this)| (place.along(&address), text, is_this))
                .collect(),
            place,
            month,
            recent,
            terminals,
            transactions: transactions_of(&code),
            code,
            times: by_the_clocks(app.zone.name()),
            templates,
            resignations,
        },
    )
}

/// What the person is identified by, for who may see that: kind and algorithm, and how many.
pub async fn templates(
    app: &App,
    session: &Session,
    id: i64,
) -> Result<Option<Vec<(String, usize)>>> {
    if !session.caller.may(Right::View(Thing::Biodata)) {
        return Ok(None);
    }
    let asked = [
        ("employee", id.to_string()),
        ("page_size", "1000".to_owned()),
    ];
    Ok(Some(kinds(&rows::<Biodata>(app, session, asked).await?)))
}

async fn rows<R: Listed>(
    app: &App,
    session: &Session,
    asked: impl IntoIterator<Item = (&'static str, String)>,
) -> Result<Vec<Value>> {
    Ok(counted_rows::<R>(app, session, asked).await?.1)
}

/// The same with how many there are in all.
async fn counted_rows<R: Listed>(
    app: &App,
    session: &Session,
    asked: impl IntoIterator<Item = (&'static str, String)>,
) -> Result<(i64, Vec<Value>)> {
    let (caller, asked) = (&session.caller, &mut Query::from_pairs(asked));
    let found = resource::page_up_to::<R>(app, caller, asked, table::MOST_ROWS).await?;
    let rows = shown_to_people::<R>(app, caller, found.rows).await?;
    Ok((found.count, rows))
}

fn last_of(first: NaiveDate) -> NaiveDate {
    first
        .checked_add_months(Months::new(1))
        .and_then(|next| next.pred_opt())
        .unwrap_or(first)
}

/// The month's weeks from Monday to Sunday, each day with its punches.
fn calendar(
    first: NaiveDate,
    today: NaiveDate,
    (id, code): (i64, &str),
    punches: &[Value],
    place: &Place,
) -> Month {
    let mut times: BTreeMap<String, Vec<Time>> = BTreeMap::new();
    for punch in punches {
        if let Some(at) = text_at(punch, "punch_time")
            && let Some((on, time)) = at.split_once(' ')
        {
            // The offset behind it, where it is not the server's.
            let (time, offset) = time.split_once(' ').unwrap_or((time, ""));
            let time: String = time.chars().take(5).collect();
            let state = pressed(punch);
            times.entry(on.to_owned()).or_default().push(Time {
                at: format!("{time} {offset}").trim_end().to_owned(),
                state: state.and_then(wording::state),
                way: state.map_or("", wording::way),
            });
        }
    }
    let before_first = Days::new(first.weekday().num_days_from_monday().into());
    let monday = first.checked_sub_days(before_first).unwrap_or(first);
    let last = last_of(first);
    let mut weeks: Vec<Vec<Day>> = Vec::new();
    for on in monday.iter_days() {
        if on.weekday().num_days_from_monday() == 0 {
            if on > last {
                break;
            }
            weeks.push(Vec::with_capacity(7));
        }
        let mut of_day = times.remove(&on.to_string()).unwrap_or_default();
        let more = of_day.len().saturating_sub(MOST_OF_A_DAY);
        of_day.truncate(MOST_OF_A_DAY);
        if let Some(week) = weeks.last_mut() {
            week.push(Day {
                on,
                is_of_month: on >= first && on <= last,
                is_today: on == today,
                times: of_day,
                more,
                all: format!("{}&start_time={on}&end_time={on}", transactions_of(code)),
            });
        }
    }
    let to = |month: NaiveDate| {
        let month = month.format("%Y-%m");
        place.along(&format!("/employees/{id}/punches?month={month}"))
    };
    let before = first.checked_sub_months(Months::new(1)).unwrap_or(first);
    let after = last.succ_opt().filter(|next| *next <= today);
    Month {
        name: moment::month(first),
        weeks,
        count: punches.len(),
        before: to(before),
        after: after.map(to),
    }
}

/// The list of somebody's punches.
fn transactions_of(code: &str) -> String {
    let code: String = form_urlencoded::byte_serialize(code.as_bytes()).collect();
    format!("/{}?emp_code={code}", Transaction::VIEW.name)
}

/// What was pressed at the terminal.
fn pressed(punch: &Value) -> Option<i16> {
    text_at(punch, "punch_state")?.parse().ok()
}

fn punch(row: &Value) -> Punch {
    let text = |member| text_at(row, member).unwrap_or_default();
    Punch {
        time: text("punch_time"),
        photo: text_at(row, punch_photo::PAGE),
        state: pressed(row).and_then(wording::state).unwrap_or_default(),
        verify: text("verify_type")
            .parse()
            .map(wording::verify)
            .unwrap_or_default(),
        terminal: text("terminal_alias"),
        to_terminal: text_at(row, ways::TERMINAL),
    }
}

/// What is told of every terminal, and what of those alone where there is something to tell.
const ALWAYS: [Kind; 5] = [
    Kind::Record,
    Kind::Fingers,
    Kind::Face,
    Kind::Palm,
    Kind::Photo,
];
const SOMETIMES: [Kind; 2] = [Kind::Veins, Kind::Door];

fn on_terminals(mut standing: Vec<Standing>) -> OnTerminals {
    let has = |kind: &Kind| standing.iter().any(|one| one.parts.contains_key(kind));
    let kinds: Vec<Kind> = ALWAYS
        .into_iter()
        .chain(SOMETIMES.into_iter().filter(has))
        .collect();
    let is_well = |one: &Standing| {
        let mut parts = one.parts.values();
        parts.all(|part| matches!(part.how, How::There | How::NotPossible(_)))
    };
    let count = standing.len();
    let well = standing.iter().filter(|one| is_well(one)).count();
    // What is shown of very many is above all what wants looking at.
    standing.sort_by_key(is_well);
    let more = count.saturating_sub(MOST_TERMINALS);
    standing.truncate(MOST_TERMINALS);
    standing.sort_by_cached_key(|one| (one.alias.to_lowercase(), one.sn.clone()));
    let rows = standing.into_iter().map(|one| OnTerminal {
        is_well: is_well(&one),
        page: format!("/terminals/{}", one.terminal_id),
        cells: kinds
            .iter()
            .map(|kind| Some(told(*kind, *one.parts.get(kind)?)))
            .collect(),
        reasons: one.reasons.join("; "),
        alias: one.alias,
        sn: one.sn,
    });
    OnTerminals {
        headings: kinds.iter().map(|kind| heading(*kind)).collect(),
        rows: rows.collect(),
        well,
        count,
        more,
    }
}

fn heading(kind: Kind) -> Text {
    match kind {
        Kind::Record => t!("Record"),
        Kind::Door => t!("Door"),
        Kind::Fingers => t!("Fingers"),
        Kind::Face => t!("Face"),
        Kind::Palm => t!("Palm"),
        Kind::Veins => t!("Finger veins"),
        Kind::Photo => t!("Photo"),
    }
}

fn told(kind: Kind, part: Part) -> Told {
    let word = match part.how {
        How::There => t!("There"),
        How::Untold => t!("Not told yet"),
        How::OnItsWay => t!("On its way"),
        How::BeingRemoved => t!("Being removed"),
        How::Unknown => t!("Not known"),
        How::Later => t!("Tried again later"),
        How::Refused => t!("Refused"),
        How::NotPossible(Unfit::NoSensor) => t!("Not possible there"),
        How::NotPossible(Unfit::OtherAlgorithm) => t!("Another algorithm"),
    };
    let counts = matches!(kind, Kind::Fingers | Kind::Palm | Kind::Veins);
    let words = match part.of {
        of @ 1.. if counts => t!(
            "{there} of {all}: {state}",
            there = part.there,
            all = of,
            state = word
        ),
        _ => word.into(),
    };
    Told {
        words,
        is_good: part.how == How::There,
        is_bad: matches!(part.how, How::Refused | How::Later),
    }
}

fn kinds(rows: &[Value]) -> Vec<(String, usize)> {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows {
        let text = |member| text_at(row, member).unwrap_or_default();
        let kind = biometrics::kind(&text("bio_type"));
        let kind = match text("major_ver") {
            version if version.is_empty() => kind,
            version => t!(
                "{kind}, algorithm {version}",
                kind = kind,
                version = version
            ),
        };
        *kinds.entry(kind).or_default() += 1;
    }
    kinds.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::{Employee, Listed, Place, calendar};
    use chrono::NaiveDate;
    use serde_json::json;

    #[test]
    fn a_month_is_whole_weeks_with_its_punches() {
        let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day).expect("a day");
        let punches = [
            json!({ "punch_time": "2026-02-01 08:58:11", "punch_state": "0" }),
            json!({ "punch_time": "2026-02-01 17:31:00", "punch_state": "1" }),
            json!({ "punch_time": "2026-02-28 09:00:00" }),
        ];
        // It begins on a Sunday and ends on a Saturday.
        let place = Place::here(&Employee::VIEW, "");
        let month = calendar(day(2, 1), day(2, 28), (7, "A7"), &punches, &place);
        assert_eq!(month.name, "February 2026");
        assert_eq!(month.weeks.len(), 5);
        assert!(month.weeks.iter().all(|week| week.len() == 7));
        let first = &month.weeks[0][6];
        assert_eq!((first.on, first.is_of_month), (day(2, 1), true));
        let times = first.times.iter().map(|time| (&*time.at, time.way));
        assert_eq!(
            times.collect::<Vec<_>>(),
            [("08:58", "in"), ("17:31", "out")]
        );
        assert_eq!(
            first.all,
            "/transactions?emp_code=A7&start_time=2026-02-01&end_time=2026-02-01"
        );
        assert!(!month.weeks[0][5].is_of_month);
        let last = &month.weeks[4][5];
        let [time] = &last.times[..] else {
            panic!("one punch")
        };
        assert!(last.is_today && time.at == "09:00" && time.state.is_none());
        assert_eq!(month.before, "/employees/7/punches?month=2026-01");
        assert_eq!(month.after, None, "nothing lies ahead");
        let past = calendar(day(2, 1), day(3, 1), (7, "A7"), &[], &place);
        assert_eq!(
            past.after.as_deref(),
            Some("/employees/7/punches?month=2026-03")
        );
    }
}
