//! A server in this process with a database that is filled: people and their punches.

use muster::app::{App, Opened};
use muster::cli::serve::Server;
use muster::clock::Clock;
use muster::config::Config;
use muster_store::{Sql, fold};
use sqlx::{Connection, PgConnection};
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;

pub const PASSWORD: &str = "a-long-password";

/// With its name and URL: SQLite always, and PostgreSQL when `TEST_POSTGRES` names a server.
pub async fn on_each_database(measure: impl AsyncFn(&'static str, String)) {
    measure("SQLite", String::new()).await;
    let Ok(server) = outside() else { return };
    let name = format!("bench_{}", std::process::id());
    run(&server, format!("CREATE DATABASE {name}")).await;
    let mut url = url::Url::parse(&server).expect("a URL");
    url.set_path(&name);
    measure("PostgreSQL", url.into()).await;
    run(&server, format!("DROP DATABASE {name} WITH (FORCE)")).await;
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
pub async fn start(folder: &Path, database_url: &str) -> (Arc<App>, Server) {
    let config = Config {
        data_dir: folder.join("data"),
        database_url: database_url.to_owned(),
        zone: "UTC".into(),
        ..Config::default()
    };
    let Opened { app, .. } = App::open(config, Clock::real(), Some(PASSWORD.into()))
        .await
        .expect("the server opens");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let server = Server::start_on(app.clone(), listener, None)
        .await
        .expect("the server starts");
    (app, server)
}

/// The code of a person.
pub fn code(number: i64) -> String {
    (100_000 + number * 7 % 900_000).to_string()
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
