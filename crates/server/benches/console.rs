//! How long the console's pages of a hundred rows take, over HTTP, one reader after another. None is to
//! take more than 30 ms.
//!
//! SQLite always; PostgreSQL too when `TEST_POSTGRES` names a server. Two numbers: how many punches
//! (1 000 000), and how many people (100 000).

mod filled;
mod made;

use muster::app::App;
use muster::punches::record::Place;
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Client, redirect};
use std::sync::Arc;
use std::time::{Duration, Instant};

const TIMES: usize = 21;
const LINE_MS: f64 = 30.0;
/// Of each so many made at once, by as many terminals.
const TERMINALS: i64 = 100;
/// One punch in so many is of a PIN nobody has.
const UNKNOWN: i64 = 1000;

const PAGES: &[(&str, &str)] = &[
    ("today", "/"),
    ("employees", "/employees?page_size=100"),
    ("employees, page 500", "/employees?page_size=100&page=500"),
    (
        "employees by first name",
        "/employees?page_size=100&ordering=first_name",
    ),
    (
        "employees of a department",
        "/employees?page_size=100&department=1",
    ),
    (
        "employees, a search finds many",
        "/employees?page_size=100&search=asha",
    ),
    ("one employee", "/employees?search=100007"),
    ("transactions", "/transactions?page_size=100"),
    (
        "transactions, page 1000",
        "/transactions?page_size=100&page=1000",
    ),
    (
        "transactions of one person",
        "/transactions?page_size=100&emp_code=100007",
    ),
    (
        "transactions of one terminal",
        "/transactions?page_size=100&terminal_sn=BENCH07",
    ),
    (
        "transactions of one day",
        "/transactions?page_size=100&start_time=2025-10-09&end_time=2025-10-10",
    ),
    ("unregister", "/unregister?page_size=100"),
    ("live", "/live"),
    ("search", "/search?q=asha+rao"),
];

#[tokio::main]
async fn main() {
    let mut numbers = std::env::args().filter_map(|word| word.parse::<i64>().ok());
    let punches = numbers.next().unwrap_or(1_000_000);
    let people = numbers.next().unwrap_or(100_000);
    filled::on_each_database(async |name, url| measure(name, url, punches, people).await).await;
}

async fn measure(name: &'static str, database_url: String, punches: i64, people: i64) {
    let folder = tempfile::tempdir().expect("a folder");
    let (app, server) = filled::start(folder.path(), &database_url).await;
    filled::people(&app, people).await;
    record(&app, punches, people).await;
    filled::tidy_up(&database_url).await;
    let base = format!("http://{}", server.address);
    let http = Client::builder().redirect(redirect::Policy::none()).build();
    let http = http.expect("a client");
    let cookie = sign_in(&http, &base).await;
    println!(
        "{name}, {people} people, {punches} punches{:>14}{:>12}{:>10}",
        "median ms", "worst ms", "KiB"
    );
    for (what, path) in PAGES {
        let mut took = Vec::with_capacity(TIMES);
        let mut size = 0;
        for _ in 0..TIMES {
            let asked = http.get(format!("{base}{path}")).header(COOKIE, &cookie);
            let started = Instant::now();
            let answer = asked.send().await.expect("answered");
            assert_eq!(answer.status(), 200, "{path}");
            size = answer.bytes().await.expect("read").len();
            took.push(started.elapsed());
        }
        took.sort_unstable();
        let ms = |took: Duration| took.as_secs_f64() * 1000.0;
        let median = ms(took[TIMES / 2]);
        println!(
            "  {what:<38}{median:>12.1}{:>12.1}{:>10}{}",
            ms(took[TIMES - 1]),
            size / 1024,
            if median > LINE_MS {
                "  over the line"
            } else {
                ""
            }
        );
    }
    server.stop().await;
}

/// One punch a second, of everybody in turn.
async fn record(app: &App, count: i64, people: i64) {
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
    for from in (0..count).step_by(8192) {
        let punches = (from..(from + 8192).min(count)).map(|number| {
            let place = usize::try_from(number % TERMINALS).expect("small");
            let pin = match number % UNKNOWN {
                0 => "77".to_owned(),
                _ => filled::code(number % people),
            };
            made::punch(&places[place], pin, number)
        });
        app.recorder
            .record(punches.collect())
            .await
            .expect("recorded");
    }
}

async fn sign_in(http: &Client, base: &str) -> String {
    let form = [("username", "admin"), ("password", filled::PASSWORD)];
    let answer = http.post(format!("{base}/sign-in")).form(&form).send();
    let answer = answer.await.expect("answered");
    let cookie = answer.headers()[SET_COOKIE].to_str().expect("a text");
    cookie.split(';').next().unwrap_or_default().to_owned()
}
