//! The first page: who is in and who was late, how many punches there were each hour, which terminals
//! are there, and what there is to do. On a server where nothing has happened yet, the first steps.

use crate::access::{Right, Scope, Thing};
use crate::app::App;
use crate::console::Console;
use crate::console::arrival::Arrival;
use crate::console::failure::Failure;
use crate::console::live::{TerminalDoor, sees_punches, sees_terminals};
use crate::console::moment;
use crate::console::onward::Onward;
use crate::console::page::{self, Frame};
use crate::console::presence::{self, Look};
use crate::console::session::Session;
use crate::console::table::Listed;
use crate::console::told::FAILED;
use crate::error::Result;
use crate::extract::Query;
use crate::language::{Text, grouped};
use crate::punches::day::{Among, Day, Part, Present, Which};
use crate::punches::unregistered::Unregistered;
use crate::resource::Selection;
use crate::resources::employee;
use crate::terminals::command_list::Listed as Commands;
use crate::terminals::contact::NOT_AUTHORIZED;
use crate::terminals::inspection;
use crate::terminals::overview;
use askama::Template;
use axum::extract::{RawQuery, State as Shared};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use chrono::NaiveTime;
use muster_store::Sql;
use std::sync::Arc;

/// So many of those who came late, and of the terminals with something amiss, are named.
const MOST_LATE: u64 = 12;
const MOST_AILING: usize = 8;

/// The chart's height, and how wide an hour is, in its own units.
const HIGH: i64 = 120;
const HOUR_WIDE: usize = 30;

/// An hour of the chart.
struct Bar {
    from: String,
    until: String,
    count: String,
    x: usize,
    y: i64,
    height: i64,
    /// Written below.
    is_named: bool,
}

struct Presence {
    inside: i64,
    came: i64,
    late_count: i64,
    /// For who may see people.
    absent: Option<i64>,
    /// Where the names are: of those who are in, came, came late, have not come.
    lists: [String; 4],
    late: Vec<Late>,
    after: String,
    /// What zone the times are of, and the date.
    times: String,
    dates: Option<String>,
    bars: Vec<Bar>,
    /// Those of employees, those of PINs that nobody has, and all.
    transactions: String,
    unregistered: Option<String>,
    punches: String,
    /// What the lists of punches are asked for those of the day.
    of_day: String,
}

struct Late {
    code: String,
    name: String,
    at: String,
    /// Its distance from UTC, where the server's zone has another.
    zone: Option<String>,
}

/// Something to do, and where.
struct Task {
    text: String,
    address: String,
}

struct Step {
    is_done: bool,
    text: Text,
    /// Where it is done, and what that is called; without one nothing can be done but at the terminal.
    link: Option<(&'static str, Text)>,
    /// What is typed into a terminal stands below.
    has_door: bool,
}

#[derive(Template)]
#[template(path = "today.html")]
struct TodayPage {
    frame: Frame,
    day: String,
    steps: Vec<Step>,
    door: TerminalDoor,
    presence: Option<Presence>,
    /// Waiting, online, offline.
    terminals: Option<[usize; 3]>,
    tasks: Vec<Task>,
}

impl TodayPage {
    fn sees_nothing(&self) -> bool {
        self.presence.is_none() && self.terminals.is_none()
    }
}

/// `GET /`: what is going on, or the way in.
pub async fn page(
    Shared(console): Shared<Arc<Console>>,
    session: Option<Session>,
    RawQuery(query): RawQuery,
    parts: Parts,
) -> Result<Response, Failure> {
    let Some(session) = session else {
        return Err(Failure::SignedOut(Onward::to(&parts.uri)));
    };
    let app = &console.app;
    let scope = &session.caller.scope;
    let mut query = Query::parse(query.as_deref().unwrap_or(""))?;
    let after = presence::late_after(app, &mut query)?;
    let presence = match sees_punches(&session) {
        true => Some(presence(app, &session, after).await?),
        false => None,
    };
    let mut tasks = Vec::new();
    let mut terminals = None;
    if sees_terminals(&session) {
        let mut counts = [0; 3];
        for (state, _) in overview::list(app, scope).await? {
            counts[state as usize] += 1;
        }
        terminals = Some(counts);
        look_at_terminals(app, &session, counts, &mut tasks).await?;
    }
    if presence.is_some() {
        look_at_unregistered(app, &session, &mut tasks).await?;
    }
    page::html(
        StatusCode::OK,
        &TodayPage {
            frame: Frame::of(t!("Today"), &session),
            day: moment::day(app.today()),
            steps: steps(app, &session).await?,
            door: TerminalDoor::of(app, &Arrival::of(app, &parts)),
            presence,
            terminals,
            tasks,
        },
    )
}

async fn presence(app: &App, session: &Session, after: NaiveTime) -> Result<Presence> {
    let anybody = Among::default();
    let day = Day::read(app, &session.caller.scope, &anybody).await?;
    let (first, last) = day.dates();
    let latest = Part {
        skipped: 0,
        most: MOST_LATE,
    };
    let late = day.present(app, Which::Late, after, latest).await?;
    let [punches, transactions] =
        [0, 1].map(|kind| day.hours().iter().map(|hour| hour[kind]).sum());
    let unregistered: i64 = punches - transactions;
    let look = Look::at(app, after)?;
    Ok(Presence {
        inside: day.count(Which::Inside, after),
        came: day.count(Which::Came, after),
        late_count: day.count(Which::Late, after),
        absent: presence::absent_count(app, session, &anybody).await?,
        lists: ["in", "came", "late", "absent"].map(|list| look.address(list)),
        late: late.into_iter().map(|late| Late::of(app, late)).collect(),
        after: after.format("%H:%M").to_string(),
        times: moment::by_the_clocks(app.zone.name()),
        dates: (first != last).then(|| moment::by_each_zone(app.zone.name())),
        bars: bars(&day.hours().map(|[punches, _]| punches)),
        transactions: grouped(transactions),
        unregistered: (unregistered > 0).then(|| grouped(unregistered)),
        punches: grouped(punches),
        of_day: format!("start_time={first}&end_time={last}"),
    })
}

impl Late {
    fn of(app: &App, present: Present) -> Late {
        Late {
            zone: moment::other_offset(app, present.first_local, present.first_at),
            name: employee::name(present.first_name.as_deref(), present.last_name.as_deref()),
            at: moment::of_the_day(app, present.first_local),
            code: present.pin,
        }
    }
}

fn bars(hours: &[i64; 24]) -> Vec<Bar> {
    let most = hours.iter().copied().max().unwrap_or(0).max(1);
    hours
        .iter()
        .enumerate()
        .map(|(hour, count)| {
            // One punch is to be seen beside a thousand.
            let height = match count {
                0 => 0,
                count => (count * HIGH / most).max(2),
            };
            Bar {
                from: format!("{hour:02}:00"),
                until: format!("{:02}:00", hour + 1),
                count: grouped(*count),
                x: hour * HOUR_WIDE,
                y: HIGH - height,
                height,
                is_named: hour.is_multiple_of(3),
            }
        })
        .collect()
}

async fn look_at_terminals(
    app: &App,
    session: &Session,
    [waiting, _, offline]: [usize; 3],
    tasks: &mut Vec<Task>,
) -> Result<()> {
    let mut task = |text: String, address: &str| {
        tasks.push(Task {
            text,
            address: address.to_owned(),
        });
    };
    if waiting > 0 {
        task(
            tn!(
                waiting,
                "{count} terminal waits to be authorised",
                "{count} terminals wait to be authorised",
            ),
            "/terminals?state=waiting",
        );
    }
    if offline > 0 {
        task(
            tn!(
                offline,
                "{count} terminal is offline",
                "{count} terminals are offline"
            ),
            "/terminals?state=0",
        );
    }
    let ailing = inspection::amiss(app, &session.caller.scope).await?;
    let yesterday = app.today().pred_opt().unwrap_or_else(|| app.today());
    let failed = Query::from_pairs([
        ("state", FAILED.to_owned()),
        ("create_time_start", yesterday.to_string()),
    ]);
    let address = format!("/{}?{}", Commands::VIEW.name, failed.rewritten(&[]));
    let failed = Selection::read::<Commands>(app, &session.caller, &mut failed.clone()).await?;
    let failed = failed.count::<Commands>(app).await?;
    if failed > 0 {
        task(
            tn!(
                failed,
                "{count} of the commands since yesterday was refused or never answered",
                "{count} of the commands since yesterday were refused or never answered",
            ),
            &address,
        );
    }
    for one in ailing.iter().take(MOST_AILING) {
        let page = format!("/terminals/{}", one.id);
        if let Some(drift) = one.clock_drift_s.filter(|_| one.drifts()) {
            let seconds = grouped(drift.abs());
            let text = match drift > 0 {
                true => t!(
                    "{terminal}: its clock is {seconds} s fast",
                    terminal = one.alias,
                    seconds = seconds
                ),
                false => t!(
                    "{terminal}: its clock is {seconds} s slow",
                    terminal = one.alias,
                    seconds = seconds
                ),
            };
            task(text, &page);
        }
        if let Some((count, room)) = one.transaction_count.zip(one.transaction_capacity)
            && one.is_nearly_full()
        {
            let text = t!(
                "{terminal}: its log is nearly full, {count} of {room} punches",
                terminal = one.alias,
                count = grouped(count),
                room = grouped(room),
            );
            task(text, &page);
        }
    }
    if ailing.len() > MOST_AILING {
        task(
            tn!(
                ailing.len(),
                "{count} terminal has something amiss",
                "{count} terminals have something amiss",
            ),
            "/terminals?amiss=true",
        );
    }
    Ok(())
}

async fn look_at_unregistered(app: &App, session: &Session, tasks: &mut Vec<Task>) -> Result<()> {
    let selection =
        Selection::read::<Unregistered>(app, &session.caller, &mut Query::default()).await?;
    let count = selection.count::<Unregistered>(app).await?;
    if count > 0 {
        tasks.push(Task {
            text: tn!(
                count,
                "{count} punch is of a PIN that nobody has",
                "{count} punches are of PINs that nobody has",
            ),
            address: format!("/{}", Unregistered::VIEW.name),
        });
    }
    Ok(())
}

/// What there is of everything, one of each at most.
#[derive(sqlx::FromRow)]
struct Begun {
    called: i64,
    authorised: i64,
    people: i64,
    enrolled: i64,
    punched: i64,
    connected: i64,
}

/// The first steps of whoever sets the server up, until people punch.
async fn steps(app: &App, session: &Session) -> Result<Vec<Step>> {
    let caller = &session.caller;
    let sets_up = [Thing::Terminal, Thing::Employee, Thing::Area]
        .map(Right::Change)
        .into_iter()
        .all(|right| caller.may(right));
    if !sets_up || caller.scope != Scope::default() {
        return Ok(Vec::new());
    }
    let begun: Begun = app
        .store
        .one(&Sql::new(
            "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM terminal LIMIT 1) AS a) AS called, \
                 (SELECT COUNT(*) FROM (SELECT 1 FROM terminal WHERE area_id <> $1 LIMIT 1) AS b) AS authorised, \
                 (SELECT COUNT(*) FROM (SELECT 1 FROM employee LIMIT 1) AS c) AS people, \
                 (SELECT COUNT(*) FROM (SELECT 1 FROM biometric LIMIT 1) AS d) \
                     + (SELECT COUNT(*) FROM (SELECT 1 FROM employee WHERE card_no <> '' LIMIT 1) AS e) AS enrolled, \
                 (SELECT COUNT(*) FROM (SELECT 1 FROM punch WHERE transaction_id IS NOT NULL AND hidden_at IS NULL \
                     LIMIT 1) AS f) AS punched, \
                 (SELECT COUNT(*) FROM (SELECT 1 FROM api_client WHERE revoked_at IS NULL LIMIT 1) AS g) AS connected",
            [NOT_AUTHORIZED.into()],
        ))
        .await?;
    if begun.authorised > 0 && begun.people > 0 && begun.punched > 0 {
        return Ok(Vec::new());
    }
    let step = |count: i64, text, link| Step {
        is_done: count > 0,
        text,
        link,
        has_door: false,
    };
    Ok(vec![
        Step {
            has_door: begun.called == 0,
            ..step(
                begun.called,
                t!("Point a terminal at this server. As soon as it calls, this turns green."),
                None,
            )
        },
        step(
            begun.authorised,
            t!("Put the terminal into an area. Until then it is refused, and keeps its punches."),
            Some(("/live", t!("Authorise it"))),
        ),
        step(
            begun.people,
            t!(
                "Add people, one by one or from a file. Whoever belongs to the terminal's area is sent to it."
            ),
            Some(("/employees/new", t!("New employee"))),
        ),
        step(
            begun.enrolled,
            t!("Enrol them: a finger, a face or a card, at the terminal or asked for from here."),
            Some(("/terminals", t!("To the terminals"))),
        ),
        step(
            begun.punched,
            t!("Punch once. It stands in the live view within a second."),
            Some(("/live", t!("Live"))),
        ),
        step(
            begun.connected,
            t!("Connect other software: it reads people and punches through the API."),
            Some(("/api/docs/", t!("What the API offers"))),
        ),
    ])
}
