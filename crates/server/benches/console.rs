//! How long the console's pages of a hundred rows take, over HTTP, one reader after another. None is to
//! take more than 30 ms. It is the evening of a day on which somebody punched each second.
//!
//! SQLite always; PostgreSQL too when `TEST_POSTGRES` names a server. Two numbers: how many punches
//! (1 000 000), and how many people (100 000).

#[allow(dead_code, reason = "each bench uses its part")]
mod filled;
mod made;

use reqwest::header::COOKIE;
use reqwest::{Client, redirect};
use std::time::{Duration, Instant};

const TIMES: usize = 21;
/// A page that takes longer than this in all is not asked for again, but for a few times.
const LONG: Duration = Duration::from_secs(5);
const FEW: usize = 3;
const LINE_MS: f64 = 30.0;
/// Terminals that have called.
const TERMINALS: usize = 300;

const PAGES: &[(&str, &str)] = &[
    ("today", "/"),
    ("who is in", "/presence?who=in"),
    ("who has not come", "/presence?who=absent"),
    (
        "who has not come, page 500",
        "/presence?who=absent&page=500",
    ),
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
    (
        "transactions, a search",
        "/transactions?page_size=100&search=100007",
    ),
    ("terminals", "/terminals?page_size=100"),
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
    let (app, server) =
        filled::start(folder.path(), &database_url, filled::evening_of(punches)).await;
    filled::people(&app, people).await;
    filled::punches(&app, punches, people).await;
    filled::tidy_up(&database_url).await;
    let base = format!("http://{}", server.address);
    let http = Client::builder().redirect(redirect::Policy::none()).build();
    let http = http.expect("a client");
    for number in 0..TERMINALS {
        let hello = format!("{base}/iclock/cdata?SN=BENCH{number:02}&options=all&pushver=2.4.1");
        let answer = http.get(hello).send().await.expect("answered");
        assert_eq!(answer.status(), 200);
    }
    let cookie = filled::sign_in(&http, &server.address.to_string()).await;
    println!(
        "{name}, {people} people, {punches} punches{:>14}{:>12}{:>10}",
        "median ms", "worst ms", "KiB"
    );
    for (what, path) in PAGES {
        let mut took = Vec::with_capacity(TIMES);
        let mut size = 0;
        while took.len() < TIMES && (took.len() < FEW || took.iter().sum::<Duration>() < LONG) {
            let asked = http.get(format!("{base}{path}")).header(COOKIE, &cookie);
            let started = Instant::now();
            let answer = asked.send().await.expect("answered");
            assert_eq!(answer.status(), 200, "{path}");
            size = answer.bytes().await.expect("read").len();
            took.push(started.elapsed());
        }
        took.sort_unstable();
        let ms = |took: Duration| took.as_secs_f64() * 1000.0;
        let median = ms(took[took.len() / 2]);
        println!(
            "  {what:<38}{median:>12.1}{:>12.1}{:>10}{}",
            ms(took[took.len() - 1]),
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
