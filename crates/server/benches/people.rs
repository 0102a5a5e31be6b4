//! How long lists of a hundred thousand employees take over HTTP, one caller after another; and a
//! workbook of twenty thousand new ones, then the same again, while a terminal goes on punching.
//!
//! SQLite always; PostgreSQL too when `TEST_POSTGRES` names a server. With the word `import` the workbook
//! alone.

#[allow(dead_code, reason = "each bench uses its part")]
mod filled;
mod made;

use muster::app::App;
use muster::clock::Clock;
use muster::punches::record::{NewPunch, Place};
use reqwest::multipart::{Form, Part};
use std::sync::Arc;
use std::time::{Duration, Instant};

const PEOPLE: i64 = 100_000;
const TIMES: usize = 15;
const IMPORTED: i64 = 20_000;

const ASKED: &[(&str, &str)] = &[
    ("the first page", ""),
    ("the last page", "page=last"),
    ("a page of 1000", "page_size=1000"),
    ("by first name, page 50", "ordering=first_name&page=50"),
    ("one code", "emp_code=177777"),
    ("search: one finds many", "search=asha"),
    ("search: two words", "search=%C3%A1ngela,n%C3%BA%C3%B1ez"),
    ("search: nobody", "search=nobody-of-that-name"),
    ("first_name_icontains, many", "first_name_icontains=SHA"),
    ("first_name_icontains, nobody", "first_name_icontains=zzz"),
    (
        "last_name_icontains, page 20",
        "last_name_icontains=rao&page=20",
    ),
    ("emp_code_icontains", "emp_code_icontains=7777"),
    ("a department", "dept_code=1&page_size=100"),
    ("an area", "area_code=1&page_size=100"),
];

#[tokio::main]
async fn main() {
    filled::on_each_database(one_database).await;
}

async fn one_database(name: &'static str, database_url: String) {
    let folder = tempfile::tempdir().expect("a folder");
    let (app, server) = filled::start(folder.path(), &database_url, Clock::real()).await;
    let token = filled::token(&app).await;
    let http = reqwest::Client::new();
    println!("{name}, {IMPORTED} rows of a workbook");
    let url = format!(
        "http://{}/personnel/api/employees/import_emp/",
        server.address
    );
    for what in ["new", "changed"] {
        let request = http
            .post(&url)
            .header("authorization", format!("Token {token}"));
        import(&app, request, what).await;
    }
    if std::env::args().any(|word| word == "import") {
        server.stop().await;
        return;
    }
    filled::people(&app, PEOPLE).await;
    filled::tidy_up(&database_url).await;
    println!(
        "{name}, {PEOPLE} employees{:>24}{:>12}{:>10}",
        "median ms", "worst ms", "found"
    );
    for (what, query) in ASKED {
        let url = format!("http://{}/personnel/api/employees/?{query}", server.address);
        let mut took = Vec::new();
        let mut count = serde_json::Value::Null;
        for _ in 0..TIMES {
            let started = Instant::now();
            let answer = http
                .get(&url)
                .header("authorization", format!("Token {token}"))
                .send()
                .await
                .expect("answered");
            let text = answer.text().await.expect("read");
            took.push(started.elapsed());
            let body: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            count = body["count"].clone();
        }
        took.sort_unstable();
        let ms = |took: Duration| took.as_secs_f64() * 1000.0;
        println!(
            "  {what:<34}{:>12.1}{:>12.1}{:>10}",
            ms(took[TIMES / 2]),
            ms(took[TIMES - 1]),
            count
        );
    }
    server.stop().await;
}

/// How long the import takes, how long the slowest punch of a terminal meanwhile, and how much memory
/// the whole process took at most (the file itself is in it twice).
async fn import(app: &Arc<App>, request: reqwest::RequestBuilder, what: &str) {
    let waiting = (0..IMPORTED / 4).map(|number| punch(2_000_000 + number * 4, 0));
    app.recorder
        .record(waiting.collect())
        .await
        .expect("recorded");
    let file =
        Part::bytes(filled::workbook(2_000_000, IMPORTED, "1", what)).file_name("people.xlsx");
    let form = Form::new()
        .text("import_type", "1")
        .part("import_file", file);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let punching = tokio::spawn({
        let app = app.clone();
        async move {
            let mut slowest = Duration::ZERO;
            for number in 0.. {
                let sent = Instant::now();
                let punch = vec![punch(1, number)];
                app.recorder.record(punch).await.expect("recorded");
                slowest = slowest.max(sent.elapsed());
                if *stopped.borrow() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            slowest
        }
    });
    let started = Instant::now();
    let answer = request.multipart(form).send().await.expect("answered");
    let took = started.elapsed();
    let text = answer.text().await.expect("read");
    stop.send_replace(true);
    let slowest = punching.await.expect("it goes on");
    println!(
        "  {what:<10}{:>8.2} s, slowest punch {:>8.1} ms, {} MiB at most; {text}",
        took.as_secs_f64(),
        slowest.as_secs_f64() * 1000.0,
        most_memory(),
    );
}

fn punch(pin: i64, second: i64) -> NewPunch {
    let place = Place {
        terminal_id: None,
        terminal_sn: "BENCH".into(),
        terminal_alias: None,
        area_id: None,
        area_name: None,
    };
    made::punch(&Arc::new(place), pin.to_string(), second)
}

/// MiB; 0 where the system does not say.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    number.unwrap_or_default() / 1024
}
