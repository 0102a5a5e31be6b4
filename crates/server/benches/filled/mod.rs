//! A server in this process with a database that is filled: people and their punches.

use crate::made;
use chrono::Days;
use muster::access::{Caller, Rights};
use muster::accounts::{self, client::NewClient};
use muster::app::{App, Opened};
use muster::cli::serve::Server;
use muster::clock::Clock;
use muster::config::{Admission, Config, Limits, Terminals};
use muster::profile::Profile;
use muster::punches::record::Place;
use muster_sheets::{Cell, Format, Writer};
use muster_store::{Sql, fold};
use sqlx::{Connection, PgConnection};
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;

pub const PASSWORD: &str = "a-long-password";

/// With its name and URL: SQLite always, and PostgreSQL when `TEST_POSTGRES` names a server.
pub async fn on_each_database(measure: impl AsyncFn(&'static str, String)) {
    for (name, url) in databases().await {
        measure(name, url.clone()).await;
        remove(&url).await;
    }
}

/// Their names and URLs, to be removed when they are done with.
pub async fn databases() -> Vec<(&'static str, String)> {
    let mut databases = vec![("SQLite", String::new())];
    if let Ok(server) = outside() {
        let name = format!("bench_{}", std::process::id());
        run(&server, format!("CREATE DATABASE {name}")).await;
        let mut url = url::Url::parse(&server).expect("a URL");
        url.set_path(&name);
        databases.push(("PostgreSQL", url.into()));
    }
    databases
}

pub async fn remove(database_url: &str) {
    if let (false, Ok(server)) = (database_url.is_empty(), outside()) {
        let url = url::Url::parse(database_url).expect("a URL");
        let name = url.path().trim_start_matches('/');
        run(&server, format!("DROP DATABASE {name} WITH (FORCE)")).await;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a bench is no server: the test database is named so"
)]
fn outside() -> Result<String, std::env::VarError> {
    std::env::var("TEST_POSTGRES")
}

async fn run(server: &str, statement: String) {
    let mut database = PgConnection::connect(server).await.expect("connected");
    sqlx::query(sqlx::AssertSqlSafe(statement))
        .execute(&mut database)
        .await
        .expect("done");
}

/// PostgreSQL does this by itself a minute after so many rows were written; SQLite needs it not.
pub async fn tidy_up(database_url: &str) {
    if !database_url.is_empty() {
        run(database_url, "VACUUM ANALYZE".into()).await;
    }
}

/// Without a URL its database is a file in the folder.
pub async fn start(folder: &Path, database_url: &str, clock: Clock) -> (Arc<App>, Server) {
    let config = Config {
        data_dir: folder.join("data"),
        database_url: database_url.to_owned(),
        zone: "UTC".into(),
        limits: Limits {
            connections_per_address: 20_000,
            ..Config::default().limits
        },
        terminals: Terminals {
            admission: Admission::Open,
            new_per_minute_per_address: 1_000_000,
            max_waiting: 1_000_000,
            ..Config::default().terminals
        },
        ..Config::default()
    };
    let Opened { app, .. } = App::open(config, clock, Some(PASSWORD.into()))
        .await
        .expect("the server opens");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let server = Server::start_on(app.clone(), listener, None)
        .await
        .expect("the server starts");
    (app, server)
}

pub const FIRST_CODE: i64 = 100_000;

/// The code of a person.
pub fn code(number: i64) -> String {
    (FIRST_CODE + number).to_string()
}

/// Of an API client that may do anything.
pub async fn token(app: &Arc<App>) -> String {
    let client = NewClient {
        name: "bench".into(),
        profile: Profile::EasyTimePro,
        rights: Rights::administrator(),
        addresses: Vec::new(),
        expires_at: None,
    };
    let added = accounts::client::add(app, &Caller::system(), client).await;
    added.expect("added")
}

/// The cookie of the administrator, signed in to the console at `host:port`.
pub async fn sign_in(http: &reqwest::Client, address: &str) -> String {
    let form = [("username", "admin"), ("password", PASSWORD)];
    let asked = http.post(format!("http://{address}/sign-in")).form(&form);
    let answer = asked.send().await.expect("answered");
    let cookie = answer.headers()[http::header::SET_COOKIE]
        .to_str()
        .expect("a text");
    cookie.split(';').next().unwrap_or_default().to_owned()
}

/// Terminals that have punches.
const TERMINALS: i64 = 100;
/// One punch in so many is of a PIN nobody has.
const UNKNOWN: i64 = 1000;

/// A clock that stands at the end of the last day of which all of so many punches are there.
pub fn evening_of(size: i64) -> Clock {
    let last = made::time(size - 1).date_naive();
    let evening = (last - Days::new(1)).and_hms_opt(23, 59, 59);
    Clock::held(evening.expect("a time of every day").and_utc())
}

/// Punches, up to so many in all: one a second, of everybody in turn.
pub async fn punches(app: &App, size: i64, people: i64) {
    let places: Vec<Arc<Place>> = (0..TERMINALS)
        .map(|number| {
            Arc::new(Place {
                terminal_id: None,
                terminal_sn: format!("BENCH{number:02}"),
                terminal_alias: Some(format!("Door {number}")),
                area_id: Some(1),
                area_name: Some("Not Authorized".into()),
            })
        })
        .collect();
    let count = Sql::new("SELECT transactions + unregistered FROM punch_counter", []);
    let (have,): (i64,) = app.store.one(&count).await.expect("counted");
    for from in (have..size).step_by(8192) {
        let punches = (from..(from + 8192).min(size)).map(|number| {
            let place = usize::try_from(number % TERMINALS).expect("small");
            let pin = match number % UNKNOWN {
                0 => "77".to_owned(),
                _ => code(number % people),
            };
            made::punch(&places[place], pin, number)
        });
        app.recorder
            .record(punches.collect())
            .await
            .expect("recorded");
    }
}

/// People as they are: some forty first and last names, everybody in area 1, one in a hundred
/// resigned.
pub async fn people(app: &App, count: i64) {
    const FIRST: [&str; 8] = [
        "Asha", "Ángela", "Binod", "Chen", "Иван", "Fatima", "Guru", "Natasha",
    ];
    const LAST: [&str; 5] = ["Rao", "Núñez", "Kumar", "Schmidt", "Müller"];
    for from in (0..count).step_by(5_000) {
        let mut tx = app.store.write().await.expect("a transaction");
        for number in from..(from + 5_000).min(count) {
            let place = usize::try_from(number).expect("small");
            let (first, last) = (FIRST[place % 8], LAST[place / 8 % 5]);
            let code = code(number);
            let mail = format!("{}.{number}@example.com", fold(first));
            let search = [first, last, &code, "", "", "9876500000", &mail]
                .map(fold)
                .join("\u{1f}");
            tx.run(&Sql::new(
                "INSERT INTO employee (company_id, emp_code, first_name, last_name, mobile, email, department_id, \
                     status, search_text, created_at, changed_at) VALUES ($1, $2, $3, $4, '9876500000', $5, 1, $6, $7, $8, $8)",
                [
                    app.company.id.clone().into(),
                    code.into(),
                    first.into(),
                    last.into(),
                    mail.into(),
                    (if number % 100 == 99 { 99_i16 } else { 0 }).into(),
                    search.into(),
                    app.clock.now().into(),
                ],
            ))
            .await
            .expect("inserted");
        }
        tx.run(&Sql::new(
            "INSERT INTO employee_area (employee_id, area_id) SELECT id, 1 FROM employee WHERE NOT EXISTS \
             (SELECT 1 FROM employee_area AS a WHERE a.employee_id = employee.id)",
            [],
        ))
        .await
        .expect("inserted");
        tx.commit().await.expect("committed");
    }
}

/// A workbook of people with what an export has of most of them.
pub fn workbook(first_code: i64, count: i64, area: &str, what: &str) -> Vec<u8> {
    fn text(text: &str) -> Cell<'_> {
        Cell::Text(text.into())
    }
    let names = [
        "emp_code",
        "first_name",
        "last_name",
        "nickname",
        "card_no",
        "dept_code",
        "area_code",
        "hire_date",
        "gender",
        "mobile",
        "email",
        "city",
        "enable_att",
        "dev_privilege",
        "app_status",
    ];
    let mut writer = Writer::new(Format::Xlsx, Vec::new(), names).expect("begun");
    for number in 0..count {
        writer
            .row(&[
                Cell::Text((first_code + number).to_string().into()),
                text("Ásha"),
                Cell::Text(format!("{what} {number}").into()),
                if number % 3 == 0 {
                    text("A")
                } else {
                    Cell::Empty
                },
                Cell::Text((5_000_000 + number).to_string().into()),
                text("1"),
                text(area),
                text("2025-06-18"),
                text("F"),
                text("+919876543210"),
                Cell::Text(format!("asha.{number}@example.com").into()),
                text("Bengaluru"),
                Cell::Boolean(true),
                Cell::Integer(0),
                Cell::Integer(1),
            ])
            .expect("written");
    }
    writer.finish().expect("finished")
}
