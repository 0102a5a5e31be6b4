//! A whole server for a test: in this process, on a port of its own, with an empty database of its
//! own and a clock that stands still.

use crate::postgres;
use chrono::{DateTime, Utc};
use muster::access::{Caller, Rights};
use muster::accounts::client::{self, NewClient};
use muster::app::App;
use muster::clock::Clock;
use muster::config::Config;
use muster::metrics::Door;
use muster::profile::Profile;
use muster::{api, front, routes};
use muster_store::Sql;
use reqwest::Method;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use tempfile::TempDir;

/// Where the clock stands: 13:30 on the server's own clock, which is India's.
pub const NOW: &str = "2026-01-15T08:00:00Z";
pub const PASSWORD: &str = "correct horse battery";

pub struct TestApp {
    pub app: Arc<App>,
    /// `http://127.0.0.1:PORT`
    pub base: String,
    http: reqwest::Client,
    _folder: TempDir,
}

/// Runs a story on SQLite, then on PostgreSQL.
pub async fn on_both<R: Future<Output = ()>>(story: impl Fn(TestApp) -> R) {
    on_both_with(|_| {}, story).await;
}

/// The same with other options.
pub async fn on_both_with<R: Future<Output = ()>>(
    options: impl Fn(&mut Config),
    story: impl Fn(TestApp) -> R,
) {
    for database in [None, Some(postgres::new().await)] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = Config {
            data_dir: folder.path().to_owned(),
            zone: "Asia/Kolkata".into(),
            database_connections: 4,
            database_url: database
                .as_ref()
                .map_or_else(String::new, |database| database.url.clone()),
            ..Config::default()
        };
        options(&mut config);
        let test = TestApp::start(config, folder).await;
        let app = Arc::clone(&test.app);
        story(test).await;
        app.close().await;
        if let Some(database) = database {
            database.remove().await;
        }
    }
}

impl TestApp {
    async fn start(config: Config, folder: TempDir) -> TestApp {
        let now: DateTime<Utc> = NOW.parse().expect("a time");
        let opened = App::open(config, Clock::held(now), Some(PASSWORD.into()))
            .await
            .expect("opened");
        let app = opened.app;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let routes = api::router(&app).fallback(routes::unknown);
        let service = front::accompanied(&app, Door::Api, routes)
            .into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client");
        TestApp {
            app,
            base: format!("http://{address}"),
            http,
            _folder: folder,
        }
    }

    /// Somebody without any credential.
    pub fn nobody(&self) -> Somebody<'_> {
        Somebody {
            test: self,
            authorization: None,
        }
    }

    /// Somebody who sends this as the `Authorization`.
    pub fn with(&self, authorization: &str) -> Somebody<'_> {
        Somebody {
            test: self,
            authorization: Some(authorization.to_owned()),
        }
    }

    /// An API client with these rights.
    pub async fn client(&self, profile: Profile, rights: Rights) -> Somebody<'_> {
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
        self.with(&format!("Token {token}"))
    }

    /// An API client that may do everything, in the EasyTimePro profile.
    pub async fn easytimepro(&self) -> Somebody<'_> {
        self.client(Profile::EasyTimePro, Rights::administrator())
            .await
    }

    /// An API client that may do everything, in the BioTime profile.
    pub async fn biotime(&self) -> Somebody<'_> {
        self.client(Profile::BioTime, Rights::administrator()).await
    }

    /// An employee who came through a staff door.
    pub async fn staff(&self, emp_code: &str) -> Somebody<'_> {
        let admin = self.easytimepro().await;
        let body = serde_json::json!({
            "emp_code": emp_code,
            "self_password": PASSWORD,
            "app_status": 1,
        });
        admin.post("/personnel/api/employees/", body).await.is(201);
        let token = self.log_in("/api/staff-api-token-auth/", emp_code).await;
        self.with(&format!("Token {token}"))
    }

    /// The token of a door, for somebody with the password of all tests.
    pub async fn log_in(&self, door: &str, username: &str) -> String {
        let body = serde_json::json!({ "username": username, "password": PASSWORD });
        let answer = self.nobody().post(door, body).await.is(200);
        answer["token"].as_str().expect("a token").to_owned()
    }

    pub async fn run(&self, sql: &'static str, values: impl Into<Vec<sea_query::Value>>) {
        let mut tx = self.app.store.write().await.expect("a transaction");
        tx.run(&Sql::new(sql, values)).await.expect("run");
        tx.commit().await.expect("committed");
    }

    pub async fn number(&self, sql: &'static str) -> i64 {
        let (number,): (i64,) = self.app.store.one(&Sql::new(sql, [])).await.expect("a row");
        number
    }
}

/// A caller of the server.
pub struct Somebody<'a> {
    pub test: &'a TestApp,
    pub authorization: Option<String>,
}

impl Somebody<'_> {
    /// A request with the caller's credential, to be changed before it is sent.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.test.base)
        };
        let request = self.test.http.request(method, url);
        match &self.authorization {
            Some(authorization) => request.header("authorization", authorization),
            None => request,
        }
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Got {
        let request = self.request(method, path);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        Got::from(request).await
    }

    pub async fn get(&self, path: &str) -> Got {
        self.send(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Got {
        self.send(Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Got {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Got {
        self.send(Method::PATCH, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Got {
        self.send(Method::DELETE, path, None).await
    }
}

/// What came back.
#[derive(Debug)]
pub struct Got {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Got {
    pub async fn from(request: reqwest::RequestBuilder) -> Got {
        let response = request.send().await.expect("an answer");
        Got {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.expect("a text"),
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|_| panic!("{} is not JSON: {:?}", self.status, self.text))
    }

    /// The body, when the status is this one.
    #[track_caller]
    pub fn is(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
    }
}

/// A punch put into the database as the writer puts it there: with a `transaction_id` when its
/// person is known.
pub async fn punch(test: &TestApp, pin: &str, local: &str, employee_id: Option<i64>) -> i64 {
    let local = chrono::NaiveDateTime::parse_from_str(local, "%Y-%m-%d %H:%M:%S").expect("a time");
    let at = local.and_utc() - chrono::TimeDelta::minutes(330);
    let is_known = i64::from(employee_id.is_some());
    let mut tx = test.app.store.write().await.expect("a transaction");
    let (id,): (i64,) = tx
        .one(&Sql::new(
            "UPDATE punch_counter SET last_id = last_id + 1, transactions = transactions + $1, \
             unregistered = unregistered + 1 - $1 RETURNING last_id",
            [is_known.into()],
        ))
        .await
        .expect("counted");
    tx.run(&Sql::new(
        "INSERT INTO punch (id, transaction_id, company_id, terminal_sn, terminal_alias, area_id, \
         area_name, employee_id, pin, punch_local, punch_at, punch_state, verify_type, work_code, \
         source, upload_at) VALUES ($1, $2, $3, 'BYEL201260001', 'Gate', 1, 'Not Authorized', $4, \
         $5, $6, $7, 0, 15, '', 1, $8)",
        [
            id.into(),
            employee_id.map(|_| id).into(),
            test.app.company.id.clone().into(),
            employee_id.into(),
            pin.into(),
            local.into(),
            at.into(),
            test.app.clock.now().into(),
        ],
    ))
    .await
    .expect("inserted");
    tx.run(&Sql::new(
        "INSERT INTO punch_place (terminal_sn, terminal_alias, area_name) \
         VALUES ('BYEL201260001', 'Gate', 'Not Authorized') ON CONFLICT DO NOTHING",
        [],
    ))
    .await
    .expect("noted");
    tx.commit().await.expect("committed");
    id
}
