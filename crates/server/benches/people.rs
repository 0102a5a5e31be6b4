//! How long lists of a hundred thousand employees take over HTTP, one caller after another; and a
//! workbook of twenty thousand new ones, then the same again, while a terminal goes on punching.
//!
//! SQLite always; PostgreSQL too when `TEST_POSTGRES` names a server. With the word `import` the workbook
//! alone.

use muster::access::{Caller, Rights};
use muster::accounts::{self, client::NewClient};
use muster::app::{App, Opened};
use muster::cli::serve::Server;
use muster::clock::Clock;
use muster::config::Config;
use muster::profile::Profile;
use muster::punches::record::{NewPunch, Place, Source};
use muster_sheets::{Cell, Format, Writer};
use muster_store::{Sql, fold};
use reqwest::multipart::{Form, Part};
use sqlx::{Connection, PgConnection};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

const PEOPLE: i64 = 100_000;
const TIMES: usize = 15;
const IMPORTED: i64 = 20_000;

const ASKED: &[(&str, &str)] = &[
    ("the first page", ""),
    ("the last page", "page=last"),
    ("a page of 1000", "page_size=1000"),
    ("by first name, page 50", "ordering=first_name&page=50"),
    ("one code", "emp_code=77777"),
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
    one_database("SQLite", String::new()).await;
    if let Ok(server) = outside() {
        let name = format!("bench_{}", std::process::id());
        let mut database = PgConnection::connect(&server).await.expect("connected");
        let make = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::query(make)
            .execute(&mut database)
            .await
            .expect("made");
        let mut url = url::Url::parse(&server).expect("a URL");
        url.set_path(&name);
        one_database("PostgreSQL", url.into()).await;
        let remove = sqlx::AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"));
        sqlx::query(remove)
            .execute(&mut database)
            .await
            .expect("removed");
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a bench is no server: the test database is named so"
)]
fn outside() -> Result<String, std::env::VarError> {
    std::env::var("TEST_POSTGRES")
}

/// PostgreSQL does this by itself a minute after so many rows were written.
async fn tidy_up(database_url: &str) {
    let mut database = PgConnection::connect(database_url)
        .await
        .expect("connected");
    sqlx::query("VACUUM ANALYZE")
        .execute(&mut database)
        .await
        .expect("done");
}

async fn one_database(name: &str, database_url: String) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config {
        data_dir: folder.path().join("data"),
        database_url: database_url.clone(),
        zone: "UTC".into(),
        ..Config::default()
    };
    let Opened { app, .. } = App::open(config, Clock::real(), Some("a-long-password".into()))
        .await
        .expect("the server opens");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let server = Server::start_on(app.clone(), listener, None).expect("the server starts");
    let client = NewClient {
        name: "bench".into(),
        profile: Profile::EasyTimePro,
        rights: Rights::administrator(),
        addresses: Vec::new(),
        expires_at: None,
    };
    let token = accounts::client::add(&app, &Caller::system(), client)
        .await
        .expect("added");
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
    fill(&app).await;
    if !database_url.is_empty() {
        tidy_up(&database_url).await;
    }
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

/// People as they are: some forty first and last names, everybody in area 1, one in a hundred
/// resigned.
async fn fill(app: &App) {
    const FIRST: [&str; 8] = [
        "Asha", "Ángela", "Binod", "Chen", "Иван", "Fatima", "Guru", "Natasha",
    ];
    const LAST: [&str; 5] = ["Rao", "Núñez", "Kumar", "Schmidt", "Müller"];
    for from in (0..PEOPLE).step_by(5_000) {
        let mut tx = app.store.write().await.expect("a transaction");
        for number in from..from + 5_000 {
            let place = usize::try_from(number).expect("small");
            let (first, last) = (FIRST[place % 8], LAST[place / 8 % 5]);
            let code = (100_000 + number * 7 % 900_000).to_string();
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

/// People with what an export has of most of them; a quarter has punched already.
fn workbook(what: &str) -> Vec<u8> {
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
    for number in 0..IMPORTED {
        let text = |text: &str| Cell::Text(text.to_owned());
        writer
            .row(&[
                Cell::Text((2_000_000 + number).to_string()),
                text("Ásha"),
                Cell::Text(format!("{what} {number}")),
                if number % 3 == 0 {
                    text("A")
                } else {
                    Cell::Empty
                },
                Cell::Text((5_000_000 + number).to_string()),
                text("1"),
                text("1"),
                text("2025-06-18"),
                text("F"),
                text("+919876543210"),
                Cell::Text(format!("asha.{number}@example.com")),
                text("Bengaluru"),
                Cell::Boolean(true),
                Cell::Integer(0),
                Cell::Integer(1),
            ])
            .expect("written");
    }
    writer.finish().expect("finished")
}

/// How long the import takes, how long the slowest punch of a terminal meanwhile, and how much memory
/// the whole process took at most (the file itself is in it twice).
async fn import(app: &Arc<App>, request: reqwest::RequestBuilder, what: &str) {
    let waiting = (0..IMPORTED / 4).map(|number| punch(2_000_000 + number * 4, 0));
    app.recorder
        .record(waiting.collect())
        .await
        .expect("recorded");
    let file = Part::bytes(workbook(what)).file_name("people.xlsx");
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
    let at = chrono::DateTime::from_timestamp(1_760_000_000 + second, 0).expect("a time");
    NewPunch {
        place: Arc::new(Place {
            terminal_id: None,
            terminal_sn: "BENCH".into(),
            terminal_alias: None,
            area_id: None,
            area_name: None,
        }),
        pin: pin.to_string(),
        local: at.naive_utc(),
        at,
        state: 0,
        verify: 1,
        verify_bits: None,
        work_code: String::new(),
        mask: None,
        temperature: None,
        longitude: None,
        latitude: None,
        source: Source::Terminal,
        event_index: None,
        event_code: None,
        clock_suspect: false,
    }
}

/// MiB; 0 where the system does not say.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    number.unwrap_or_default() / 1024
}
