//! The people's door over HTTP: who gets in, what the forms refuse, and who sees which rows.

use crate::testing::{ADMIN_PASSWORD, TestApp, on_both, on_both_with, start};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use chrono::TimeDelta;
use http_body_util::BodyExt;
use muster::access::{Right, Rights, Thing};
use muster::app::App;
use muster::config::Config;
use muster::events::Event;
use muster::profile::Profile;
use muster_store::Sql;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tower::ServiceExt;

const PASSWORD: &str = ADMIN_PASSWORD;
/// What a fresh database calls the rows below.
pub const HEAD_OFFICE: i64 = 1_000_001;
pub const WAREHOUSE: i64 = 1_000_002;
pub const DOCK: i64 = 1_000_001;
pub const WAITING: i64 = 1_000_002;
pub const GATE: i64 = 1_000_003;

/// A server with two areas, a terminal in each and one that waits; its clock stands still.
pub struct Door {
    pub app: Arc<App>,
    router: Router,
    stop: watch::Sender<bool>,
}

pub struct Answer {
    pub status: StatusCode,
    headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: header::HeaderName) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("readable"))
    }

    fn leads_to(&self, path: &str) {
        assert_eq!(self.header(header::LOCATION), path, "{}", self.text);
    }

    /// The cookie as a browser sends it back.
    pub fn cookie(&self) -> String {
        let cookie = self.header(header::SET_COOKIE);
        cookie.split(';').next().unwrap_or_default().to_owned()
    }

    pub fn csrf(&self) -> String {
        let (_, rest) = self
            .text
            .split_once("name=\"csrf\" value=\"")
            .expect("a form with a token");
        rest.split('"').next().unwrap_or_default().to_owned()
    }
}

impl Door {
    /// The door of a server that finds all the rest there.
    pub fn beside(server: &TestApp) -> Door {
        let app = server.app.clone();
        let (stop, stopped) = watch::channel(false);
        Door {
            router: muster::console::router(app.clone(), stopped),
            app,
            stop,
        }
    }

    pub async fn of(server: &TestApp) -> Door {
        let door = Door::beside(server);
        for (code, name) in [("2", "Head office"), ("3", "Warehouse")] {
            door.run(Sql::new(
                "INSERT INTO area (company_id, area_code, area_name, search_text, created_at, changed_at) \
                 VALUES ($1, $2, $3, '', $4, $4)",
                [
                    door.app.company.id.clone().into(),
                    code.into(),
                    name.into(),
                    start().into(),
                ],
            ))
            .await;
        }
        for (sn, alias, area) in [
            ("DOCK01", "<script>alert(1)</script>", WAREHOUSE),
            ("NEW01", "Auto add", 1),
            ("GATE01", "Gate", HEAD_OFFICE),
        ] {
            door.run(Sql::new(
                "INSERT INTO terminal (company_id, sn, alias, area_id, zone_offset_minutes, \
                     last_activity_at, created_at, changed_at, search_text) \
                 VALUES ($1, $2, $3, $4, 330, $5, $5, $5, '')",
                [
                    door.app.company.id.clone().into(),
                    sn.into(),
                    alias.into(),
                    area.into(),
                    start().into(),
                ],
            ))
            .await;
        }
        door
    }

    pub async fn run(&self, statement: Sql) {
        let mut tx = self.app.store.write().await.expect("a transaction");
        tx.run(&statement).await.expect("runs");
        tx.commit().await.expect("durable");
    }

    /// A punch of PIN 1001, so many minutes after the tests' time.
    pub async fn punch(&self, id: i64, sn: &str, area: i64) {
        let at = start();
        self.run(Sql::new(
            "INSERT INTO punch (id, company_id, terminal_sn, terminal_alias, area_id, pin, punch_local, \
                 punch_at, punch_state, verify_type, work_code, source, upload_at) \
             VALUES ($1, $2, $3, $3, $4, '1001', $5, $6, 0, 15, '0', 1, $6)",
            [
                id.into(),
                self.app.company.id.clone().into(),
                sn.into(),
                area.into(),
                (at.naive_utc() + TimeDelta::minutes(id)).into(),
                at.into(),
            ],
        ))
        .await;
        self.run(Sql::new(
            "UPDATE punch_counter SET last_id = $1, unregistered = unregistered + 1",
            [id.into()],
        ))
        .await;
    }

    /// A user of a role of its own, signed in: the cookie.
    pub async fn user(&self, name: &str, rights: Rights, areas: Option<&str>) -> String {
        let hash = self.app.passwords.hash(PASSWORD).await.expect("hashed");
        let now = self.app.clock.now();
        self.run(Sql::new(
            "INSERT INTO role (name, rights, areas, created_at, changed_at) VALUES ($1, $2, $3, $4, $4)",
            [
                name.into(),
                rights.to_string().into(),
                areas.map(str::to_owned).into(),
                now.into(),
            ],
        ))
        .await;
        self.run(Sql::new(
            "INSERT INTO app_user (uuid, username, password_hash, role_id, credentials_changed_at, created_at) \
             SELECT $1, $1, $2, id, $3, $3 FROM role WHERE name = $1",
            [name.into(), hash.into(), now.into()],
        ))
        .await;
        self.sign_in(name, PASSWORD).await.cookie()
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("the router always answers");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a whole body").to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    pub async fn get(&self, path: &str, cookie: &str) -> Answer {
        self.send(Self::getting(path, cookie)).await
    }

    /// Asks for a page, and goes when it begins to come.
    pub async fn get_and_leave(&self, path: &str, cookie: &str) -> StatusCode {
        let answered = self
            .router
            .clone()
            .oneshot(Self::getting(path, cookie))
            .await;
        answered.expect("the router always answers").status()
    }

    fn getting(path: &str, cookie: &str) -> Request<Body> {
        Request::get(path)
            .header(header::HOST, "muster.local:8088")
            .header(header::COOKIE, cookie)
            .body(Body::empty())
            .expect("a request")
    }

    pub async fn post(&self, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_from("http://muster.local:8088", path, cookie, fields)
            .await
    }

    async fn post_from(
        &self,
        origin: &str,
        path: &str,
        cookie: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.send(
            Request::post(path)
                .header(header::HOST, "muster.local:8088")
                .header(header::ORIGIN, origin)
                .header(header::COOKIE, cookie)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Body::from(body))
                .expect("a request"),
        )
        .await
    }

    /// A form with a file.
    pub async fn post_file(
        &self,
        path: &str,
        cookie: &str,
        fields: &[(&str, &str)],
        (name, file): (&str, &[u8]),
    ) -> Answer {
        let mut body = Vec::new();
        for (name, text) in fields {
            let part = format!(
                "--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n"
            );
            body.extend_from_slice(part.as_bytes());
        }
        let part = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"file\"\r\n\r\n"
        );
        body.extend_from_slice(part.as_bytes());
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--edge--\r\n");
        self.send(
            Request::post(path)
                .header(header::HOST, "muster.local:8088")
                .header(header::COOKIE, cookie)
                .header(header::CONTENT_TYPE, "multipart/form-data; boundary=edge")
                .body(Body::from(body))
                .expect("a request"),
        )
        .await
    }

    /// Hands a file in to be looked through or stored, and waits until that has ended: what the work's page says.
    pub async fn take_in(
        &self,
        list: &str,
        cookie: &str,
        fields: &[(&str, &str)],
        file: &[u8],
    ) -> Answer {
        let path = format!("/{list}/import");
        let begun = self
            .post_file(&path, cookie, fields, ("import_file", file))
            .await;
        if begun.status != StatusCode::SEE_OTHER {
            return begun;
        }
        loop {
            let shown = self.get(begun.header(header::LOCATION), cookie).await;
            if !shown.text.contains("data-running") {
                return shown;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Somebody of the head office, made by the console's own form.
    pub async fn hire(&self, cookie: &str, code: &str, name: &str) {
        let csrf = self.get("/employees", cookie).await.csrf();
        let area = HEAD_OFFICE.to_string();
        let fields = [
            ("csrf", csrf.as_str()),
            ("emp_code", code),
            ("first_name", name),
            ("department", "1"),
            ("area", &area),
        ];
        let answer = self.post("/employees/new", cookie, &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    }

    /// The id of whoever has a code.
    pub async fn person(&self, code: &str) -> String {
        let (id,): (i64,) = self
            .app
            .store
            .one(&Sql::new(
                "SELECT id FROM employee WHERE emp_code = $1",
                [code.into()],
            ))
            .await
            .expect("somebody");
        id.to_string()
    }

    pub async fn sign_in(&self, username: &str, password: &str) -> Answer {
        self.post(
            "/sign-in",
            "",
            &[("username", username), ("password", password)],
        )
        .await
    }

    pub async fn admin(&self) -> String {
        self.sign_in("admin", PASSWORD).await.cookie()
    }

    pub async fn audit(&self) -> Vec<(String, String, String)> {
        self.app
            .store
            .all(&Sql::new(
                "SELECT actor, action, COALESCE(thing_id, '') FROM audit ORDER BY id",
                [],
            ))
            .await
            .expect("read")
    }

    /// Two texts and a number of one row.
    async fn kept(&self, sql: &'static str, id: i64) -> (String, String, i64) {
        let row = self.app.store.one(&Sql::new(sql, [id.into()])).await;
        row.expect("read")
    }

    pub async fn area_of(&self, terminal: i64) -> i64 {
        let (area,): (i64,) = self
            .app
            .store
            .one(&Sql::new(
                "SELECT area_id FROM terminal WHERE id = $1",
                [terminal.into()],
            ))
            .await
            .expect("read");
        area
    }

    /// The live events as they come.
    pub async fn stream(&self, cookie: &str, last_event_id: &str) -> Stream {
        self.stream_of("", cookie, last_event_id).await
    }

    /// Of what the query chooses.
    async fn stream_of(&self, query: &str, cookie: &str, last_event_id: &str) -> Stream {
        let response = self
            .router
            .clone()
            .oneshot(
                Request::get(format!("/live/events{query}"))
                    .header(header::HOST, "muster.local:8088")
                    .header(header::COOKIE, cookie)
                    .header("last-event-id", last_event_id)
                    .body(Body::empty())
                    .expect("a request"),
            )
            .await
            .expect("the router always answers");
        assert_eq!(response.status(), StatusCode::OK);
        Stream {
            body: response.into_body(),
        }
    }
}

/// Long enough for any machine; nothing waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Stream {
    body: Body,
}

impl Stream {
    /// What comes first: it ends with the counts.
    async fn first(&mut self) -> String {
        self.until("event: counts").await
    }

    /// All that comes, as far as the event in which that stands.
    async fn until(&mut self, wanted: &str) -> String {
        let mut text = String::new();
        while !text.contains(wanted) {
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await;
            let Ok(Some(frame)) = frame else {
                panic!("{wanted} did not come, but {text}");
            };
            if let Ok(bytes) = frame.expect("unbroken").into_data() {
                text.push_str(&String::from_utf8_lossy(&bytes));
            }
        }
        text
    }
}

fn lent<'f>(fields: &'f [(&'f str, String)]) -> Vec<(&'f str, &'f str)> {
    let lent = fields.iter().map(|(name, text)| (*name, text.as_str()));
    lent.collect()
}

pub fn rights(rights: &[Right]) -> Rights {
    rights.iter().copied().collect()
}

#[tokio::test]
async fn every_answer_forbids_what_a_page_does_not_need() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        for path in ["/sign-in", "/", "/live", "/assets/nothing.css"] {
            let answer = door.get(path, "").await;
            assert_eq!(
                answer.header(header::CONTENT_SECURITY_POLICY),
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
             connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
            );
            assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
            assert_eq!(answer.header(header::REFERRER_POLICY), "same-origin");
        }
        let cookie = door.admin().await;
        for path in ["/sign-in", "/live"] {
            let page = door.get(path, &cookie).await;
            assert!(!page.text.contains(" style="), "{path}");
            assert!(!page.text.contains("<script>"), "{path}");
            assert_eq!(page.header(header::CACHE_CONTROL), "no-store");
        }
    })
    .await;
}

#[tokio::test]
async fn whoever_is_not_signed_in_is_shown_the_way_in() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        for (path, way_in) in [("/", "/sign-in"), ("/live", "/sign-in?to=%2Flive")] {
            let answer = door.get(path, "muster_session=made-up").await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER);
            assert_eq!(answer.header(header::LOCATION), way_in);
        }
        let events = door.get("/live/events", "").await;
        assert_eq!(events.status, StatusCode::UNAUTHORIZED);
        let answer = door
            .post(
                "/live/terminals/1000002/authorise",
                "",
                &[("area_id", "1000001")],
            )
            .await;
        assert_eq!(answer.header(header::LOCATION), "/sign-in?not-saved=yes");
        assert_eq!(door.area_of(WAITING).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_refused_sign_in_does_not_say_what_was_wrong() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let wrong = door.sign_in("admin", "not this one").await;
        let unknown = door.sign_in("\"><b>nobody", PASSWORD).await;
        for answer in [&wrong, &unknown] {
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(answer.text.contains("User name or password is wrong."));
            assert_eq!(answer.header(header::SET_COOKIE), "");
        }
        assert!(wrong.text.contains("value=\"admin\""));
        assert!(!unknown.text.contains("<b>nobody"));
        assert_eq!(
            wrong.text.replace("value=\"admin\"", ""),
            door.sign_in("nobody", PASSWORD)
                .await
                .text
                .replace("value=\"nobody\"", "")
        );
        assert_eq!(
            door.audit().await,
            [
                ("system", "login_refused", "admin"),
                ("system", "login_refused", "\"><b>nobody"),
                ("system", "login_refused", "nobody"),
            ]
            .map(|(actor, action, name)| (actor.into(), action.into(), name.into()))
        );
    })
    .await;
}

#[tokio::test]
async fn the_eleventh_try_has_to_wait() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        for _ in 0..10 {
            let answer = door.sign_in("admin", "not this one").await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
        let answer = door.sign_in("admin", PASSWORD).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        assert_ne!(answer.header(header::RETRY_AFTER), "");
        assert_eq!(answer.header(header::SET_COOKIE), "");
    })
    .await;
}

#[tokio::test]
async fn a_session_is_a_new_token_of_which_only_the_digest_is_kept() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let first = door.sign_in("admin", PASSWORD).await;
        assert_eq!(first.status, StatusCode::SEE_OTHER);
        assert_eq!(first.header(header::LOCATION), "/");
        let (token, rest) = first
            .header(header::SET_COOKIE)
            .split_once(';')
            .expect("attributes");
        assert_eq!(rest, " HttpOnly; SameSite=Strict; Path=/; Max-Age=604800");
        let (digest,): (Vec<u8>,) = door
            .app
            .store
            .one(&Sql::new("SELECT digest FROM console_session", []))
            .await
            .expect("one session");
        let token = token.strip_prefix("muster_session=").expect("the cookie");
        assert!(token.len() >= 43);
        assert!(!String::from_utf8_lossy(&digest).contains(token));

        // Signing in again with the old cookie at hand: another token, and the old one is worth nothing.
        let again = door
            .post(
                "/sign-in",
                &first.cookie(),
                &[("username", "admin"), ("password", PASSWORD)],
            )
            .await;
        assert_ne!(again.cookie(), first.cookie());
        assert_eq!(
            door.get("/live", &first.cookie()).await.status,
            StatusCode::SEE_OTHER
        );
        assert_eq!(
            door.get("/live", &again.cookie()).await.status,
            StatusCode::OK
        );
    })
    .await;
}

#[tokio::test]
async fn the_cookie_is_for_https_alone_when_the_server_is_called_so() {
    let configure =
        |config: &mut Config| config.api.public_url = "https://muster.local:8088".into();
    on_both_with(configure, |server| async move {
        let door = Door::of(&server).await;
        let answer = door.sign_in("admin", PASSWORD).await;
        assert!(answer.header(header::SET_COOKIE).ends_with("; Secure"));
    })
    .await;
}

#[tokio::test]
async fn a_form_without_its_token_or_from_another_site_changes_nothing() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        let csrf = door.get("/live", &cookie).await.csrf();
        let path = "/live/terminals/1000002/authorise";
        for (origin, token) in [
            ("http://muster.local:8088", ""),
            ("http://muster.local:8088", "made-up"),
            ("https://evil.example", csrf.as_str()),
            ("null", csrf.as_str()),
        ] {
            let answer = door
                .post_from(
                    origin,
                    path,
                    &cookie,
                    &[("csrf", token), ("area_id", "1000001")],
                )
                .await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin} {token}");
        }
        let other = door.admin().await;
        let answer = door
            .post(path, &other, &[("csrf", &csrf), ("area_id", "1000001")])
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert_eq!(door.area_of(WAITING).await, 1);

        let answer = door
            .post_from(
                "https://evil.example",
                "/sign-out",
                &cookie,
                &[("csrf", &csrf)],
            )
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert_eq!(door.get("/live", &cookie).await.status, StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn a_session_ends_by_sign_out_by_silence_by_age_and_with_the_password() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let ended = |answer: Answer| answer.status == StatusCode::SEE_OTHER;

        let cookie = door.admin().await;
        let csrf = door.get("/live", &cookie).await.csrf();
        let answer = door.post("/sign-out", &cookie, &[("csrf", &csrf)]).await;
        assert!(answer.header(header::SET_COOKIE).contains("Max-Age=0"));
        assert!(ended(door.get("/live", &cookie).await));

        let cookie = door.admin().await;
        door.app.clock.advance(TimeDelta::hours(12));
        assert!(ended(door.get("/live", &cookie).await));

        // A page that looks by itself is nobody.
        let cookie = door.admin().await;
        door.app.clock.advance(TimeDelta::hours(11));
        let by_itself = Request::get("/live")
            .header(header::HOST, "muster.local:8088")
            .header(header::COOKIE, &cookie)
            .header("x-by-itself", "1")
            .body(Body::empty());
        assert!(!ended(door.send(by_itself.expect("a request")).await));
        door.app.clock.advance(TimeDelta::hours(1));
        assert!(ended(door.get("/live", &cookie).await));

        let cookie = door.admin().await;
        for _ in 0..15 {
            door.app.clock.advance(TimeDelta::hours(11));
            assert!(!ended(door.get("/live", &cookie).await));
        }
        door.app.clock.advance(TimeDelta::hours(3));
        assert!(ended(door.get("/live", &cookie).await));

        let cookie = door.admin().await;
        door.app.clock.advance(TimeDelta::minutes(1));
        door.run(Sql::new(
            "UPDATE app_user SET credentials_changed_at = $1",
            [door.app.clock.now().into()],
        ))
        .await;
        assert!(ended(door.get("/live", &cookie).await));

        let cookie = door.admin().await;
        door.run(Sql::new("UPDATE app_user SET active = FALSE", []))
            .await;
        assert!(ended(door.get("/live", &cookie).await));
    })
    .await;
}

#[tokio::test]
async fn a_waiting_terminal_is_authorised_once() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        let mut events = door.app.events.subscribe();
        let page = door.get("/live", &cookie).await;
        assert!(
            page.text
                .contains("formaction=\"/live/terminals/1000002/authorise\"")
        );
        assert!(
            !page
                .text
                .contains("formaction=\"/live/terminals/1000003/authorise\"")
        );
        let csrf = page.csrf();
        let path = "/live/terminals/1000002/authorise";

        for (field, value) in [
            ("area_id", "1"),
            ("area_id", "4711"),
            ("area_name", " "),
            ("area_name", "head OFFICE"),
        ] {
            let answer = door
                .post(path, &cookie, &[("csrf", &csrf), (field, value)])
                .await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{value}");
            // At the field, which keeps what was chosen or typed.
            let told = "aria-invalid=\"true\" aria-describedby=\"refused\"";
            let (_, form) = answer
                .text
                .split_once("id=\"authorise\"")
                .expect("the form");
            let (form, _) = form.split_once("</form>").expect("its end");
            let (_, field_on) = form
                .split_once(&format!("name=\"{field}\""))
                .expect("the field");
            let (field_alone, _) = field_on.split_once('>').expect("its end");
            assert!(field_alone.contains(told), "{field} {value}\n{form}");
            assert!(
                form.contains("<p class=\"problem\" id=\"refused\">"),
                "{form}"
            );
            if field == "area_name" {
                assert!(
                    field_alone.contains(&format!(" value=\"{value}\"")),
                    "{form}"
                );
                assert!(form.contains("<option value=\"new\" selected>"), "{form}");
            }
        }
        assert_eq!(door.area_of(WAITING).await, 1);
        assert!(events.try_recv().is_err());

        let answer = door
            .post(path, &cookie, &[("csrf", &csrf), ("area_id", "1000002")])
            .await;
        assert_eq!(answer.header(header::LOCATION), "/live?authorised=1000002");
        assert_eq!(door.area_of(WAITING).await, WAREHOUSE);
        assert_eq!(events.try_recv(), Ok(Event::Terminal(WAITING)));
        let page = door.get("/live?authorised=1000002", &cookie).await;
        assert!(page.text.contains("is authorised in Warehouse"));

        let late = door
            .post(path, &cookie, &[("csrf", &csrf), ("area_id", "1000001")])
            .await;
        assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(late.text.contains("is authorised already"));
        assert_eq!(door.area_of(WAITING).await, WAREHOUSE);
        let deeds = door.audit().await;
        assert_eq!(
            deeds.last(),
            Some(&("admin".into(), "authorise".into(), "NEW01".into()))
        );
    })
    .await;
}

#[tokio::test]
async fn a_new_area_gets_the_next_code() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        let csrf = door.get("/live", &cookie).await.csrf();
        door.post(
            "/live/terminals/1000002/authorise",
            &cookie,
            &[("csrf", &csrf), ("area_id", "new"), ("area_name", " Yard ")],
        )
        .await;
        let areas: Vec<(i64, String, String)> = door
            .app
            .store
            .all(&Sql::new(
                "SELECT id, area_code, area_name FROM area WHERE id > $1",
                [WAREHOUSE.into()],
            ))
            .await
            .expect("read");
        let [(id, code, name)] = areas.as_slice() else {
            panic!("one new area: {areas:?}");
        };
        assert_eq!((code.as_str(), name.as_str()), ("4", "Yard"));
        assert_eq!(door.area_of(WAITING).await, *id);
    })
    .await;
}

#[tokio::test]
async fn each_half_of_the_live_page_has_its_right() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        door.punch(1, "GATE01", HEAD_OFFICE).await;
        let terminals = door
            .user("t", rights(&[Right::View(Thing::Terminal)]), None)
            .await;
        let page = door.get("/live", &terminals).await;
        assert!(page.text.contains("id=\"terminal-1000003\""));
        assert!(!page.text.contains("data-id=\"1\""));
        assert!(!page.text.contains("/authorise"));
        let csrf = page.csrf();
        let answer = door
            .post(
                "/live/terminals/1000002/authorise",
                &terminals,
                &[("csrf", &csrf), ("area_id", "1000001")],
            )
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert_eq!(door.area_of(WAITING).await, 1);

        let punches = door
            .user("p", rights(&[Right::View(Thing::Transaction)]), None)
            .await;
        let page = door.get("/live", &punches).await;
        assert!(!page.text.contains("id=\"terminal-1000003\""));
        assert!(page.text.contains("data-id=\"1\""));
        let sent = door.stream(&punches, "").await.first().await;
        assert!(sent.contains("data-id=\"1\""));
        assert!(!sent.contains("terminal-1000003"));

        let neither = door.user("n", Rights::default(), None).await;
        assert_eq!(door.get("/live", &neither).await.status, StatusCode::OK);
        let events = door.get("/live/events", &neither).await;
        assert_eq!(events.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test]
async fn a_role_limited_to_an_area_sees_and_is_sent_that_area_alone() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        door.punch(1, "GATE01", HEAD_OFFICE).await;
        door.punch(2, "DOCK01", WAREHOUSE).await;
        let cookie = door
            .user("office", Rights::operator(), Some("1000001"))
            .await;
        let page = door.get("/live", &cookie).await;
        let mut stream = door.stream(&cookie, "").await;
        let first = stream.first().await;
        for text in [&page.text, &first] {
            assert!(text.contains("id=\"terminal-1000003\""));
            assert!(text.contains("data-id=\"1\""));
            assert!(!text.contains("id=\"terminal-1000001\""));
            assert!(!text.contains("id=\"terminal-1000002\""));
            assert!(!text.contains("data-id=\"2\""));
        }
        let answer = door
            .post(
                "/live/terminals/1000002/authorise",
                &cookie,
                &[("csrf", &page.csrf()), ("area_id", "1000001")],
            )
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);

        door.punch(3, "DOCK01", WAREHOUSE).await;
        door.app.events.publish(Event::Punches(vec![3]));
        door.app.events.publish(Event::Terminal(DOCK));
        door.punch(4, "GATE01", HEAD_OFFICE).await;
        door.app.events.publish(Event::Punches(vec![4]));
        let sent = stream.until("data-id=\"4\"").await;
        for foreign in ["data-id=\"3\"", "1000001"] {
            assert!(!sent.contains(foreign), "{sent}");
        }
    })
    .await;
}

#[tokio::test]
async fn whoever_stands_at_one_gate_is_shown_and_sent_its_punches_alone() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        door.punch(1, "GATE01", HEAD_OFFICE).await;
        door.punch(2, "DOCK01", WAREHOUSE).await;
        let cookie = door.admin().await;
        let query = format!("?area={HEAD_OFFICE}");
        let page = door.get(&format!("/live{query}"), &cookie).await.text;
        assert!(page.contains(&format!("<option value=\"{HEAD_OFFICE}\" selected>")));
        assert!(page.contains("data-id=\"1\"") && !page.contains("data-id=\"2\""));
        // Its terminals alone, too, below the punches; and so the figures, and where they lead.
        assert!(page.contains("GATE01") && !page.contains("DOCK01") && !page.contains("NEW01"));
        assert!(page.find("id=\"punches\"") < page.find("id=\"terminals\""));
        for told in [
            "<dt>Punches today</dt><dd>1</dd>".to_owned(),
            format!("<dt>Online</dt><dd><a href=\"/terminals?state=1&#38;area={HEAD_OFFICE}\">1</a></dd>"),
            format!("<dt>Waiting</dt><dd><a href=\"/terminals?state=waiting&#38;area={HEAD_OFFICE}\">0</a></dd>"),
        ] {
            assert!(page.contains(&told), "{told}\n{page}");
        }
        // A restore and what is sent again leave numbers out.
        door.run(Sql::new("UPDATE punch_counter SET last_id = last_id + 10000000", []))
            .await;
        for query in ["", query.as_str()] {
            let page = door.get(&format!("/live{query}"), &cookie).await.text;
            assert!(page.contains("data-id=\"1\""), "{query}: {page}");
        }
        let nowhere = door.get("/live?area=1000099", &cookie).await.text;
        assert!(nowhere.contains("No terminal is in this area"), "{nowhere}");
        let mut stream = door.stream_of(&query, &cookie, "1").await;
        let first = stream.first().await;
        assert!(!first.contains("data-id=") && first.contains("GATE01"), "{first}");
        assert!(!first.contains("DOCK01") && !first.contains("NEW01"), "{first}");
        door.punch(3, "DOCK01", WAREHOUSE).await;
        door.punch(4, "GATE01", HEAD_OFFICE).await;
        door.app.events.publish(Event::Punches(vec![3, 4]));
        let sent = stream.until("data-id=\"4\"").await;
        assert!(!sent.contains("data-id=\"3\""), "{sent}");
    })
    .await;
}

#[tokio::test]
async fn the_stream_goes_on_where_the_browser_was_and_sends_what_differs() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        door.punch(1, "GATE01", HEAD_OFFICE).await;
        door.punch(2, "GATE01", HEAD_OFFICE).await;
        let mut stream = door.stream(&cookie, "1").await;
        let first = stream.first().await;
        assert!(first.contains("data-id=\"2\"") && !first.contains("data-id=\"1\""));
        assert!(first.contains("event: connected"));
        assert!(first.contains("id: 2\n"));
        assert!(first.contains("<dt>Punches today</dt><dd>2</dd>"));

        // A storm of facts is one reading.
        for id in 3..=40 {
            door.punch(id, "GATE01", HEAD_OFFICE).await;
        }
        for id in 3..=40 {
            door.app.events.publish(Event::Punches(vec![id]));
        }
        let storm = stream.until("event: counts").await;
        assert_eq!(storm.matches("data-id=").count(), 38);
        assert_eq!(storm.matches("event: punches").count(), 1, "{storm}");
        assert!(!storm.contains("event: terminals"));

        door.app.clock.advance(TimeDelta::hours(1));
        door.app.events.publish(Event::Terminal(GATE));
        let silent = stream.until("event: counts").await;
        assert!(silent.contains("terminal offline"));
        assert!(!silent.contains("id=\"terminal-1000002\""), "{silent}");

        door.run(Sql::new(
            "DELETE FROM terminal WHERE id = $1",
            [GATE.into()],
        ))
        .await;
        door.app.events.publish(Event::Terminal(GATE));
        let gone = stream.until("event: present").await;
        assert!(!gone.contains("1000003"), "{gone}");
        stream.until("event: counts").await;

        door.run(Sql::new("DELETE FROM console_session", [])).await;
        door.punch(41, "GATE01", HEAD_OFFICE).await;
        door.app.events.publish(Event::Punches(vec![41]));
        let last = stream.until("event: signed-out").await;
        assert!(!last.contains("data-id"), "{last}");
    })
    .await;
}

#[tokio::test]
async fn a_photo_that_comes_after_its_punch_is_sent_to_whoever_has_the_punch() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        let areas = WAREHOUSE.to_string();
        let elsewhere = door.user("mira", Rights::viewer(), Some(&areas)).await;
        let mut stream = door.stream(&cookie, "").await;
        let mut other = door.stream(&elsewhere, "").await;
        stream.first().await;
        other.first().await;
        let lines = "1001\t2026-01-15 08:00:00\t0\t15\n1001\t2026-01-15 08:00:01\t0\t15\n";
        server.bring("GATE01", lines).await;
        let came = stream.until("data-id=\"1\"").await;
        assert!(!came.contains("/photo"), "{came}");

        let jpeg = b"\xff\xd8\xff\xd9";
        server
            .photograph("GATE01", "20260115080001-1001", jpeg)
            .await;
        let again = stream.until("event: again").await;
        assert_eq!(again.matches("data-id=").count(), 1, "{again}");
        assert!(again.contains("<tr data-id=\"2\">"), "{again}");
        assert!(again.contains("href=\"/unregister/2/photo\""), "{again}");

        // One that came first is there with its punch. What is sent once more is nothing new.
        let mut events = door.app.events.subscribe();
        server
            .photograph("GATE01", "20260115080001-1001", jpeg)
            .await;
        server
            .photograph("GATE01", "20260115080002-1001", jpeg)
            .await;
        server
            .bring("GATE01", "1001\t2026-01-15 08:00:02\t0\t15\n")
            .await;
        let came = stream.until("data-id=\"3\"").await;
        assert!(came.contains("href=\"/unregister/3/photo\""), "{came}");
        while let Ok(event) = events.try_recv() {
            assert!(!matches!(event, Event::Photo { .. }), "{event:?}");
        }

        server
            .bring("DOCK01", "1001\t2026-01-15 08:00:03\t0\t15\n")
            .await;
        let sent = other.until("data-id=\"4\"").await;
        assert!(
            !sent.contains("GATE01") && !sent.contains("/photo"),
            "{sent}"
        );
    })
    .await;
}

#[tokio::test]
async fn an_area_that_is_made_is_sent_once_for_all_that_wait() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        let mut stream = door.stream(&cookie, "").await;
        let first = stream.first().await;
        assert_eq!(first.matches("<option value=\"1000002\">").count(), 1);
        let api = server
            .api(Profile::EasyTimePro, Rights::administrator())
            .await;
        let yard = json!({ "area_code": "yard", "area_name": "Yard" });
        api.post("/personnel/api/areas/", yard).await.is(201);
        door.app.events.publish(Event::Terminal(WAITING));
        let sent = stream.until(">Yard</option>").await;
        assert_eq!(sent.matches("event: ").count(), 1, "{sent}");
        assert!(sent.contains("event: authorise"), "{sent}");
    })
    .await;
}

#[tokio::test]
async fn of_many_terminals_those_that_need_somebody_are_shown_and_the_list_has_the_rest() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        let page = door.get("/live", &cookie).await.text;
        assert!(page.contains("id=\"more\" hidden"), "{page}");
        let mut stream = door.stream(&cookie, "").await;
        assert!(stream.first().await.contains("\"isCut\":false"));

        // Fifty that are there, one that went off, one that is silent.
        for number in 0..50 {
            door.run(Sql::new(
                "INSERT INTO terminal (company_id, sn, alias, area_id, zone_offset_minutes, \
                     last_activity_at, created_at, changed_at, search_text) \
                 VALUES ($1, $2, 'A', $3, 0, $4, $4, $4, '')",
                [
                    door.app.company.id.clone().into(),
                    format!("HALL{number:02}").into(),
                    HEAD_OFFICE.into(),
                    start().into(),
                ],
            ))
            .await;
        }
        door.run(Sql::new(
            "UPDATE terminal SET alarm = 'Door forced open', alarm_at = $2 WHERE id = $1",
            [DOCK.into(), start().into()],
        ))
        .await;
        door.run(Sql::new(
            "UPDATE terminal SET last_activity_at = NULL WHERE id = $1",
            [GATE.into()],
        ))
        .await;
        let page = door.get("/live", &cookie).await.text;
        let shown: Vec<&str> = page
            .split("<li id=\"terminal-")
            .skip(1)
            .filter_map(|row| row.split('"').next())
            .collect();
        assert_eq!(shown.len(), 40);
        assert_eq!(shown[..3], ["1000002", "1000001", "1000003"]);
        assert!(page.contains("id=\"more\">Not all are shown"), "{page}");
        assert!(page.contains("<a href=\"/terminals?state=1\">51</a>"));

        // An open page is told that there are more.
        door.app.events.publish(Event::Terminal(GATE));
        let sent = stream.until("event: present").await;
        assert!(sent.contains("\"isCut\":true"), "{sent}");
    })
    .await;
}

#[tokio::test]
async fn a_live_page_does_not_hold_up_a_server_that_stops() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        let mut stream = door.stream(&cookie, "").await;
        stream.first().await;
        door.stop.send(true).expect("somebody listens");
        let rest = tokio::time::timeout(PATIENCE, stream.body.collect()).await;
        assert!(rest.is_ok());
    })
    .await;
}

#[tokio::test]
async fn what_terminals_and_people_are_called_is_shown_as_text() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        let page = door.get("/live", &cookie).await;
        assert!(!page.text.contains("<script>alert"));
        assert!(page.text.contains("&#60;script&#62;alert(1)"));
        let sent = door.stream(&cookie, "").await.first().await;
        assert!(!sent.contains("<script>alert"));

        // A carriage return cannot break the stream's lines.
        door.run(Sql::new(
            "UPDATE terminal SET alias = $1 WHERE id = $2",
            ["a\r\nevent: punches\r\ndata: <b>".into(), GATE.into()],
        ))
        .await;
        let sent = door.stream(&cookie, "").await.first().await;
        assert!(!sent.contains("\nevent: punches"));
    })
    .await;
}

#[tokio::test]
async fn a_list_shows_what_its_right_and_the_roles_areas_leave() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let own = rights(&[Right::View(Thing::Terminal)]);
        let cookie = door.user("dock", own, Some(&WAREHOUSE.to_string())).await;
        let page = door.get("/terminals", &cookie).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text.contains("DOCK01") && !page.text.contains("GATE01"));
        assert!(page.text.contains("1 to 1 of 1"), "{}", page.text);
        // Its filter offers no area beyond, and the menu no page that is not his.
        assert!(!page.text.contains("Head office"));
        assert!(!page.text.contains("href=\"/employees\""));
        let file = door.get("/terminals/file?export_type=csv", &cookie).await;
        assert!(file.text.contains("DOCK01") && !file.text.contains("GATE01"));
        assert_eq!(
            door.get(&format!("/terminals/{GATE}"), &cookie)
                .await
                .status,
            StatusCode::NOT_FOUND
        );

        for path in ["/employees", "/employees/file", "/terminals/new"] {
            assert_eq!(
                door.get(path, &cookie).await.status,
                StatusCode::FORBIDDEN,
                "{path}"
            );
        }
        let csrf = page.csrf();
        for path in [
            "/terminals/new",
            &format!("/terminals/{DOCK}"),
            "/terminals/remove",
        ] {
            let fields = [
                ("csrf", csrf.as_str()),
                ("rows", "1000001"),
                ("sure", "yes"),
                ("alias", "Mine"),
            ];
            let answer = door.post(path, &cookie, &fields).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        }
        assert!(
            door.get("/terminals", &cookie)
                .await
                .text
                .contains("&#60;script&#62;")
        );
    })
    .await;
}

#[tokio::test]
async fn a_form_changes_what_was_touched_and_nothing_else() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        let path = format!("/terminals/{GATE}");
        let page = door.get(&path, &cookie).await;
        let csrf = page.csrf();
        let gate = |area: &'static str| {
            [
                ("csrf", csrf.clone()),
                ("sn", "OTHER".to_owned()),
                ("alias", "Front gate".to_owned()),
                ("area", area.to_owned()),
                ("ip_address", String::new()),
            ]
        };
        let fields = gate("1000001");
        let fields = lent(&fields);
        assert_eq!(
            door.post(&path, "", &fields).await.header(header::LOCATION),
            "/sign-in?not-saved=yes"
        );
        assert_eq!(
            door.post(&path, &cookie, &fields[1..]).await.status,
            StatusCode::FORBIDDEN
        );
        let saved = door.post(&path, &cookie, &fields).await;
        saved.leads_to("/terminals?done=saved");
        let sql = "SELECT sn, alias, area_id FROM terminal WHERE id = $1";
        let kept = door.kept(sql, GATE).await;
        assert_eq!(
            kept,
            ("GATE01".to_owned(), "Front gate".to_owned(), HEAD_OFFICE)
        );

        let fields = gate("77");
        let fields = lent(&fields);
        let refused = door.post(&path, &cookie, &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            refused.text.contains("object does not exist"),
            "{}",
            refused.text
        );
        assert!(refused.text.contains("value=\"Front gate\""));
    })
    .await;
}

#[tokio::test]
async fn a_form_left_open_takes_nothing_back_and_loses_nothing_beyond_somebodys_view() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        door.run(Sql::new(
            "UPDATE area SET parent_id = $1 WHERE id = $2",
            [HEAD_OFFICE.into(), WAREHOUSE.into()],
        ))
        .await;
        let own = rights(&[Right::View(Thing::Area), Right::Change(Thing::Area)]);
        let cookie = door.user("dock", own, Some(&WAREHOUSE.to_string())).await;
        let path = format!("/areas/{WAREHOUSE}");
        let page = door.get(&path, &cookie).await;
        // He cannot choose what it is below; it stays chosen.
        assert!(
            page.text
                .contains(&format!("value=\"{HEAD_OFFICE}\" selected")),
            "{}",
            page.text
        );
        let (csrf, above) = (page.csrf(), HEAD_OFFICE.to_string());
        // Somebody else renames it while the form is open.
        door.run(Sql::new(
            "UPDATE area SET area_name = 'Store' WHERE id = $1",
            [WAREHOUSE.into()],
        ))
        .await;
        let fields = [
            ("csrf", csrf.as_str()),
            ("area_code", "30"),
            ("was-area_code", "3"),
            ("area_name", "Warehouse"),
            ("was-area_name", "Warehouse"),
            ("parent_area", above.as_str()),
            ("was-parent_area", above.as_str()),
        ];
        let saved = door.post(&path, &cookie, &fields).await;
        saved.leads_to("/areas?done=saved");
        let sql = "SELECT area_code, area_name, parent_id FROM area WHERE id = $1";
        let kept = door.kept(sql, WAREHOUSE).await;
        assert_eq!(kept, ("30".to_owned(), "Store".to_owned(), HEAD_OFFICE));
    })
    .await;
}

#[tokio::test]
async fn a_filter_that_cannot_be_read_is_told_above_the_list() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        let page = door.get("/employees?status=x", &cookie).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.text.contains("Enter a number."), "{}", page.text);
        // A page that is no more is the first one.
        let page = door.get("/areas?page=9", &cookie).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text.contains("1 to 3 of 3"), "{}", page.text);
    })
    .await;
}
