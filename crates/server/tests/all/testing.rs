//! A whole server in the test's own process: a free port, a clock that stands still, a database of
//! its own on SQLite and then on PostgreSQL.

use chrono::{DateTime, TimeZone, Utc};
use muster::app::{App, Opened};
use muster::cli::serve::Server;
use muster::clock::Clock;
use muster::config::Config;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub const ADMIN_PASSWORD: &str = "correct horse battery";

/// When every test takes place: Thursday, 15 January 2026, 08:00 UTC.
pub fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 15, 8, 0, 0)
        .single()
        .expect("a time")
}

/// A running server.
pub struct TestApp {
    pub app: Arc<App>,
    pub address: SocketAddr,
    server: Server,
    _folder: tempfile::TempDir,
}

/// Tells a story on SQLite, then on PostgreSQL.
pub async fn on_both<F, Fut>(story: F)
where
    F: Fn(Arc<TestApp>) -> Fut,
    Fut: Future<Output = ()>,
{
    on_both_with(|_| {}, story).await;
}

/// The same with options of its own.
pub async fn on_both_with<C, F, Fut>(configure: C, story: F)
where
    C: Fn(&mut Config),
    F: Fn(Arc<TestApp>) -> Fut,
    Fut: Future<Output = ()>,
{
    for database_url in [String::new(), new_database().await] {
        let app = Arc::new(TestApp::start(database_url, &configure).await);
        story(app.clone()).await;
        Arc::into_inner(app)
            .expect("a story keeps nothing")
            .server
            .stop()
            .await;
    }
}

impl TestApp {
    async fn start(database_url: String, configure: &impl Fn(&mut Config)) -> TestApp {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = Config {
            data_dir: folder.path().join("data"),
            database_url,
            zone: "UTC".into(),
            ..Config::default()
        };
        configure(&mut config);
        let Opened { app, .. } = App::open(
            config,
            Clock::held(start()),
            Some(ADMIN_PASSWORD.to_owned()),
        )
        .await
        .expect("the server opens");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let server = Server::start_on(app.clone(), listener, None).expect("the server starts");
        TestApp {
            app,
            address,
            server,
            _folder: folder,
        }
    }

    /// Sends bytes as they are on a connection of their own, and gives back everything that comes.
    pub async fn wire(&self, request: impl AsRef<[u8]>) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.expect("connected");
        stream.write_all(request.as_ref()).await.expect("sent");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.expect("read");
        Answer::read(&bytes)
    }

    /// A terminal's GET.
    pub async fn get(&self, target: &str) -> Answer {
        self.wire(format!(
            "GET {target} HTTP/1.1\r\nConnection: close\r\n\r\n"
        ))
        .await
    }

    /// A terminal's POST.
    pub async fn post(&self, target: &str, body: impl AsRef<[u8]>) -> Answer {
        let body = body.as_ref();
        let mut request = format!(
            "POST {target} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        self.wire(request).await
    }
}

/// An answer as it came over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    fn read(bytes: &[u8]) -> Answer {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("no HTTP answer: {text:?}"));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or_else(|| panic!("no status: {head:?}"));
        Answer {
            status,
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// Status and body, for comparing whole.
    pub fn whole(&self) -> (u16, &str) {
        (self.status, &self.body)
    }
}

/// Where the tests' PostgreSQL is: the URL of somebody who may make databases.
fn postgres() -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "where the tests' PostgreSQL is comes from outside"
    )]
    std::env::var("TEST_POSTGRES")
        .expect("TEST_POSTGRES must name a PostgreSQL server: run the tests with `make test`")
}

/// A database with the schema in it, copied from a template that the first test makes.
async fn new_database() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let server = postgres();
    let template = format!("muster_template_{:x}", schema_mark());
    let name = format!(
        "muster_{}_{}",
        std::process::id(),
        NUMBER.fetch_add(1, Ordering::Relaxed)
    );
    let mut admin = PgConnection::connect(&server)
        .await
        .expect("PostgreSQL answers");
    let run = async |admin: &mut PgConnection, sql: String| {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *admin).await
    };
    run(&mut admin, "SELECT pg_advisory_lock(4711)".into())
        .await
        .expect("locked");
    let there: Option<(i32,)> = sqlx::query_as("SELECT 1 FROM pg_database WHERE datname = $1")
        .bind(&template)
        .fetch_optional(&mut admin)
        .await
        .expect("asked");
    if there.is_none() {
        run(
            &mut admin,
            "DROP DATABASE IF EXISTS muster_template_new".into(),
        )
        .await
        .expect("dropped");
        run(&mut admin, "CREATE DATABASE muster_template_new".into())
            .await
            .expect("made");
        let store = muster_store::Store::open(
            &url_of(&server, "muster_template_new")
                .parse()
                .expect("a URL"),
            &muster_store::Options::default(),
        )
        .await
        .expect("the schema is made");
        store.close().await;
        run(
            &mut admin,
            format!("ALTER DATABASE muster_template_new RENAME TO {template}"),
        )
        .await
        .expect("renamed");
    }
    run(
        &mut admin,
        format!("CREATE DATABASE {name} TEMPLATE {template}"),
    )
    .await
    .expect("copied");
    run(&mut admin, "SELECT pg_advisory_unlock(4711)".into())
        .await
        .expect("unlocked");
    url_of(&server, &name)
}

/// Another schema, another template.
fn schema_mark() -> u64 {
    let mut hasher = DefaultHasher::new();
    include_str!("../../../store/migrations/postgres/0001_model.sql").hash(&mut hasher);
    hasher.finish()
}

fn url_of(server: &str, database: &str) -> String {
    let (rest, query) = server.split_once('?').unwrap_or((server, ""));
    let (base, _) = rest.rsplit_once('/').expect("a URL with a database");
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{base}/{database}{mark}{query}")
}
