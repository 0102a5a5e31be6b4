//! A whole server in the test's own process: a free port, a clock that stands still, a database of
//! its own on SQLite and then on PostgreSQL.

use crate::postgres;
use crate::rest::{Got, PASSWORD};
use chrono::{DateTime, TimeZone, Utc};
use muster::access::{Caller, Rights};
use muster::accounts::client::{self, NewClient};
use muster::accounts::role::{self, NewRole};
use muster::accounts::user;
use muster::app::{App, Opened};
use muster::cli::serve::Server;
use muster::clock::Clock;
use muster::config::Config;
use muster::jobs;
use muster::profile::Profile;
use muster_store::Sql;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use std::fs;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
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
    for database in [None, Some(postgres::new().await)] {
        let database_url = database
            .as_ref()
            .map_or_else(String::new, |database| database.url.clone());
        let app = Arc::new(TestApp::start(database_url, None, &configure).await);
        story(app.clone()).await;
        Arc::into_inner(app)
            .expect("a story keeps nothing")
            .stop()
            .await;
        if let Some(database) = database {
            database.remove().await;
        }
    }
}

impl TestApp {
    /// With its own key, or a copy of another server's, whose database it has then.
    pub async fn start(
        database_url: String,
        key: Option<&Path>,
        configure: &impl Fn(&mut Config),
    ) -> TestApp {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = Config {
            data_dir: folder.path().join("data"),
            database_url,
            zone: "UTC".into(),
            ..Config::default()
        };
        configure(&mut config);
        if let Some(key) = key {
            fs::create_dir(&config.data_dir).expect("made");
            fs::copy(key, config.key_file()).expect("copied");
        }
        let Opened { app, .. } = App::open(
            config,
            Clock::held(start()),
            Some(ADMIN_PASSWORD.to_owned()),
        )
        .await
        .expect("the server opens");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let server = Server::start_on(app.clone(), listener, None)
            .await
            .expect("the server starts");
        TestApp {
            app,
            address,
            server,
            _folder: folder,
        }
    }

    /// One with a database that stands in its folder.
    pub async fn on_sqlite() -> TestApp {
        TestApp::start(String::new(), None, &|_| {}).await
    }

    /// One with options of its own.
    pub async fn on_sqlite_with(configure: impl Fn(&mut Config)) -> TestApp {
        TestApp::start(String::new(), None, &configure).await
    }

    /// One with the key file, and perhaps the database, of another.
    pub async fn with_key(key: &Path, database_url: String) -> TestApp {
        TestApp::start(database_url, Some(key), &|_| {}).await
    }

    /// One of an installation that is there.
    pub async fn of(data_dir: &Path, database_url: String) -> TestApp {
        TestApp::start(database_url, None, &|config| {
            data_dir.clone_into(&mut config.data_dir);
        })
        .await
    }

    /// Where its metrics are alone.
    pub fn metrics(&self) -> SocketAddr {
        self.server.metrics.expect("configured")
    }

    pub async fn stop(self) {
        self.server.stop().await;
    }

    /// Sends bytes as they are on a connection of their own, and gives back everything that comes.
    pub async fn wire(&self, request: impl AsRef<[u8]>) -> Answer {
        wire(self.address, request).await
    }

    /// A terminal's GET.
    pub async fn get(&self, target: &str) -> Answer {
        get(self.address, target).await
    }

    /// A terminal's POST.
    pub async fn post(&self, target: &str, body: impl AsRef<[u8]>) -> Answer {
        post(self.address, target, body).await
    }
}

/// Sends bytes as they are to a server wherever it runs.
pub async fn wire(server: SocketAddr, request: impl AsRef<[u8]>) -> Answer {
    let stream = TcpStream::connect(server).await.expect("connected");
    say(stream, request).await
}

/// The same on a connection that is there.
pub async fn say(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: impl AsRef<[u8]>,
) -> Answer {
    stream.write_all(request.as_ref()).await.expect("sent");
    stream.flush().await.expect("sent");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.expect("read");
    Answer::read(&bytes)
}

pub async fn get(server: SocketAddr, target: &str) -> Answer {
    let request = format!("GET {target} HTTP/1.1\r\nConnection: close\r\n\r\n");
    wire(server, request).await
}

pub async fn post(server: SocketAddr, target: &str, body: impl AsRef<[u8]>) -> Answer {
    wire(server, upload(target, body)).await
}

/// A terminal's POST as bytes.
pub fn upload(target: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!(
        "POST {target} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A request of a program or a browser as bytes: its first line, further lines of its head, and its body.
pub fn request((line, head, body): (&str, &str, &str)) -> String {
    format!(
        "{line} HTTP/1.1\r\nHost: muster.test\r\nConnection: close\r\nContent-Length: {}\r\n{head}\r\n{body}",
        body.len()
    )
}

/// Two servers on one PostgreSQL.
pub async fn two_servers() -> (TestApp, TestApp, postgres::Database) {
    let database = postgres::new().await;
    let one = TestApp::start(database.url.clone(), None, &|_| {}).await;
    let key = one.app.config.key_file();
    let other = TestApp::with_key(&key, database.url.clone()).await;
    (one, other, database)
}

/// A caller of the API of a server that terminals speak with too.
pub struct Api<'a> {
    pub app: &'a TestApp,
    http: reqwest::Client,
    pub token: String,
}

impl TestApp {
    /// An API client with these rights.
    pub async fn api(&self, profile: Profile, rights: Rights) -> Api<'_> {
        let new = NewClient {
            name: uuid::Uuid::new_v4().to_string(),
            profile,
            rights,
            addresses: Vec::new(),
            expires_at: None,
        };
        let token = client::add(&self.app, &Caller::system(), new)
            .await
            .expect("added");
        self.with_token(&token)
    }

    /// A user who may do what operators may, in these areas (with commas).
    pub async fn limited_to(&self, areas: &str) -> Api<'_> {
        let role = NewRole {
            name: "limited".into(),
            rights: Rights::operator(),
            companies: None,
            areas: Some(areas.split(',').map(str::to_owned).collect()),
            departments: None,
        };
        let system = Caller::system();
        role::add(&self.app, &system, role).await.expect("added");
        user::add(&self.app, &system, "mira", None, "limited", PASSWORD)
            .await
            .expect("added");
        let login = json!({ "username": "mira", "password": PASSWORD });
        let token = self
            .with_token("")
            .post("/api/api-token-auth/", login)
            .await
            .is(200);
        self.with_token(token["token"].as_str().expect("a token"))
    }

    /// Whoever has this token.
    pub fn with_token(&self, token: &str) -> Api<'_> {
        Api {
            app: self,
            http: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
            token: token.to_owned(),
        }
    }

    /// A terminal says who it is and sends punches, which are taken.
    pub async fn bring(&self, sn: &str, lines: &str) {
        self.get(&format!("/iclock/cdata?SN={sn}&options=all&pushver=2.4.1"))
            .await;
        let target = format!("/iclock/cdata?SN={sn}&table=ATTLOG&Stamp=1");
        assert_eq!(self.post(&target, lines).await.status, 200);
    }

    /// A terminal sends the photo it took at a punch, named `YYYYMMDDhhmmss-PIN`.
    pub async fn photograph(&self, sn: &str, name: &str, jpeg: &[u8]) -> Answer {
        let head = format!(
            "PIN={name}.jpg\nSN={sn}\nsize={}\nCMD=realupload\0",
            jpeg.len()
        );
        let target = format!("/iclock/cdata?SN={sn}&table=ATTPHOTO&Stamp=1");
        self.post(&target, [head.as_bytes(), jpeg].concat()).await
    }

    /// What a terminal is told when it asks now: number and text.
    pub async fn given(&self, sn: &str) -> Vec<(String, String)> {
        let answer = self.get(&format!("/iclock/getrequest?SN={sn}")).await;
        assert_eq!(answer.status, 200, "{sn}");
        answer
            .body
            .lines()
            .filter(|line| *line != "OK")
            .map(|line| {
                let (id, text) = line
                    .strip_prefix("C:")
                    .and_then(|line| line.split_once(':'))
                    .unwrap_or_else(|| panic!("no command: {line}"));
                (id.to_owned(), text.to_owned())
            })
            .collect()
    }

    /// The same without the numbers. Nothing is said of what becomes of it.
    pub async fn told(&self, sn: &str) -> Vec<String> {
        let given = self.given(sn).await;
        given.into_iter().map(|(_, text)| text).collect()
    }

    /// A terminal asks until nothing is left and does all of it: what it was told.
    pub async fn obeyed(&self, sn: &str) -> Vec<String> {
        self.answered(sn, |_| 0).await
    }

    /// The same, but it answers each command with what `code` says of its text.
    pub async fn answered(&self, sn: &str, code: impl Fn(&str) -> i32) -> Vec<String> {
        let mut told = Vec::new();
        loop {
            let given = self.given(sn).await;
            if given.is_empty() {
                return told;
            }
            let results: String = given
                .iter()
                .map(|(id, text)| format!("ID={id}&Return={}&CMD=DATA\n", code(text)))
                .collect();
            let answer = self
                .post(&format!("/iclock/devicecmd?SN={sn}"), results)
                .await;
            assert_eq!(answer.whole(), (200, "OK"));
            told.extend(given.into_iter().map(|(_, text)| text));
        }
    }

    pub async fn number(&self, sql: &'static str) -> i64 {
        let (number,): (i64,) = self.app.store.one(&Sql::new(sql, [])).await.expect("a row");
        number
    }

    pub async fn run_jobs(&self) {
        jobs::run_all(&self.app).await.expect("run");
    }
}

impl Api<'_> {
    /// The same caller at another server that knows him.
    pub fn at<'a>(&self, app: &'a TestApp) -> Api<'a> {
        app.with_token(&self.token)
    }

    /// A request with the caller's credential, to be changed before it is sent.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("http://{}{path}", self.app.address))
            .headers(self.credential())
    }

    /// Nobody has none.
    fn credential(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if !self.token.is_empty() {
            let value = format!("Token {}", self.token);
            headers.insert("authorization", value.parse().expect("a header"));
        }
        headers
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Got {
        let request = self.request(method, path);
        Got::from(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    pub async fn get(&self, path: &str) -> Got {
        self.send(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Got {
        self.send(Method::POST, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Got {
        self.send(Method::PATCH, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Got {
        self.send(Method::DELETE, path, None).await
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

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (this, value) = line.split_once(": ")?;
            this.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// Status and body, for comparing whole.
    pub fn whole(&self) -> (u16, &str) {
        (self.status, &self.body)
    }
}
