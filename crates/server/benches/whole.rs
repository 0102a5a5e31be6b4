//! What muster does, in one table: each line with the figure, the ceiling that the same machine reached in
//! the same run, the ratio, and what is aimed at. Load, server and database share the machine.
//!
//! SQLite always; PostgreSQL too when `TEST_POSTGRES` names a server whose commits reach the disk. Words
//! choose: numbers are sizes (punches: 10000 1000000 10000000 unless given), `sqlite` and `postgresql` one of the two, names are sections
//! (`import`, `polls`, `uploads`, `commands`, `lists`, `files`, `live`, `process`, `two`; all unless given). `growth` measures how cost grows, and
//! writes it with its plot into `docs/`.

#[allow(dead_code, reason = "each bench uses its part")]
mod filled;
mod growth;
mod made;
mod measures;
mod process;

use measures::table::Table;
use measures::{ceilings, files, lists, live, load, people, running};
use muster::app::App;
use muster::cli::serve::Server;
use muster::clock::Clock;
use std::path::PathBuf;
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Employees, all of whom punch.
pub const PEOPLE: i64 = 100_000;

const DATABASES: [&str; 2] = ["sqlite", "postgresql"];

/// A server in this process, and what all sections need of it.
pub struct Measured {
    /// The database's name.
    pub name: &'static str,
    pub app: Arc<App>,
    server: Server,
    /// `host:port`.
    pub address: String,
    pub token: String,
    /// Of a person who is signed in to the console.
    pub cookie: String,
    pub http: reqwest::Client,
    data_dir: PathBuf,
    /// Empty for SQLite.
    pub database_url: String,
}

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    if words.iter().any(|word| word == "growth") {
        return growth::measure().await;
    }
    let mut sizes: Vec<i64> = words.iter().filter_map(|word| word.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![10_000, 1_000_000, 10_000_000];
    }
    let (only, sections): (Vec<String>, Vec<String>) = words
        .into_iter()
        .filter(|word| word.parse::<i64>().is_err())
        .partition(|word| DATABASES.contains(&word.as_str()));
    let wanted = |section: &str| sections.is_empty() || sections.iter().any(|word| word == section);
    // Files of more than a million rows are nobody's.
    let of_files = sizes
        .iter()
        .copied()
        .filter(|size| *size <= 1_000_000)
        .max();
    let of_files = of_files.unwrap_or_default();
    let mut table = Table::begin();
    let hello = ceilings::HelloWorld::measure().await;
    let table = &mut table;
    let (wanted, sizes, hello) = (&wanted, &sizes, &hello);
    for (name, url) in filled::databases().await {
        if !only.is_empty() && !only.contains(&name.to_lowercase()) {
            filled::remove(&url).await;
            continue;
        }
        let mut folder = tempfile::tempdir().expect("a folder");
        let mut on = Measured::start(name, &mut folder, &url).await;
        people::import(&on, wanted("import").then_some(&mut *table)).await;
        for (place, size) in sizes.iter().enumerate() {
            filled::punches(&on.app, *size, PEOPLE).await;
            filled::tidy_up(&url).await;
            if wanted("lists") {
                lists::pages(&on, table, *size).await;
            }
            if wanted("files") && *size == of_files {
                files::exports(&on, table, *size).await;
            }
            if wanted("process") {
                on = on
                    .as_a_process(async |data, url| {
                        running::at_size(name, data, url, table, *size).await
                    })
                    .await;
            }
            if place == 0 {
                if wanted("polls") {
                    load::polls(&on, table, hello).await;
                }
                if wanted("uploads") {
                    load::uploads(&on, table).await;
                }
                if wanted("commands") {
                    load::commands(&on, table).await;
                }
                if wanted("live") {
                    live::browsers(&on, table).await;
                }
            }
        }
        let database_url = on.database_url.clone();
        on.as_a_process(async |data, url| {
            if wanted("process") {
                running::terminals(name, data, url, table).await;
            }
            if wanted("two") && !database_url.is_empty() {
                running::two_servers(data, url, table).await;
            }
        })
        .await
        .server
        .stop()
        .await;
        filled::remove(&url).await;
    }
}

impl Measured {
    pub async fn start(
        name: &'static str,
        folder: &mut tempfile::TempDir,
        database_url: &str,
    ) -> Measured {
        let data_dir = folder.path().join("data");
        let (app, server) = filled::start(folder.path(), database_url, Clock::real()).await;
        let address = server.address.to_string();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        Measured {
            name,
            token: filled::token(&app).await,
            cookie: filled::sign_in(&http, &address).await,
            app,
            server,
            address,
            http,
            data_dir,
            database_url: database_url.to_owned(),
        }
    }

    /// Stops, so that the program itself can be looked at with the same database, and goes on.
    pub async fn as_a_process(self, look: impl AsyncFnOnce(&std::path::Path, &str)) -> Measured {
        self.server.stop().await;
        let url = match self.database_url.as_str() {
            "" => format!("sqlite://{}", self.data_dir.join("muster.db").display()),
            url => url.to_owned(),
        };
        look(&self.data_dir, &url).await;
        let folder = self.data_dir.parent().expect("a folder");
        let (app, server) = filled::start(folder, &self.database_url, Clock::real()).await;
        Measured {
            address: server.address.to_string(),
            app,
            server,
            ..self
        }
    }

    pub fn request(&self, method: http::Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("http://{}{path}", self.address);
        self.http
            .request(method, url)
            .header("authorization", format!("Token {}", self.token))
    }
}
