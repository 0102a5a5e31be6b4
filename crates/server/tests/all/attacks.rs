//! What such servers were attacked with, through the one door they all have: the address where terminals,
//! programs and people call. Here are the attacks on the server as a whole; those on one subject stand with the
//! other tests of it. Each of the fifty known ones has its number in the name of a test.

use crate::api_photos::jpeg;
use crate::metrics::{Told, told};
use crate::testing::{ADMIN_PASSWORD, Answer, TestApp, on_both, on_both_with, request};
use futures::stream::{FuturesUnordered, StreamExt};
use muster::access::{Caller, Rights};
use muster::accounts::user;
use muster::app::App;
use muster::cli::serve::raise_open_files;
use muster::clock::Clock;
use muster::config::Config;
use muster::profile::Profile;
use muster_store::Sql;
use reqwest::header::{ALLOW, COOKIE, HeaderMap, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, RequestBuilder, redirect};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const EVIL: &str = "https://evil.example";
const STORM: usize = 1000;

struct Got {
    status: u16,
    headers: HeaderMap,
    text: String,
}

/// A browser that follows nothing.
struct Browser<'a> {
    test: &'a TestApp,
    http: Client,
}

impl Browser<'_> {
    fn of(test: &TestApp) -> Browser<'_> {
        Browser::at(test, "127.0.0.1")
    }

    /// One at another address of this machine.
    fn at<'a>(test: &'a TestApp, address: &str) -> Browser<'a> {
        let address: IpAddr = address.parse().expect("an address");
        let http = Client::builder()
            .redirect(redirect::Policy::none())
            .local_address(address)
            .build();
        Browser {
            test,
            http: http.expect("a client"),
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.test.address);
        self.http.request(method, url)
    }

    async fn send(&self, request: RequestBuilder) -> Got {
        let answer = request.send().await.expect("answered");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.expect("a text");
        Got {
            status,
            headers,
            text,
        }
    }

    /// The administrator's cookie.
    async fn sign_in(&self) -> String {
        let form = [("username", "admin"), ("password", ADMIN_PASSWORD)];
        let answer = self.request(Method::POST, "/sign-in").form(&form);
        let answer = self.send(answer).await;
        assert_eq!(answer.headers[LOCATION], "/", "{}", answer.text);
        let cookie = answer.headers[SET_COOKIE].to_str().expect("a text");
        cookie.split(';').next().unwrap_or_default().to_owned()
    }
}

/// What an attack on files must not bring, as it is and packed for transport.
const OF_FILES: [&str; 4] = ["root:", "cm9vdD", "[terminals]", "SQLite format"];

/// Asks for a path as it is written, which no client library would.
async fn asked(test: &TestApp, method: &str, path: &str, authorization: &str) -> Answer {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: muster\r\n{authorization}Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let answer = test.wire(request).await;
    for text in OF_FILES {
        assert!(!answer.body.contains(text), "{method} {path}: {answer:?}");
    }
    answer
}

#[test]
fn each_of_the_fifty_attacks_has_a_test_with_its_number() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all");
    let mut numbers = BTreeSet::new();
    for file in fs::read_dir(folder).expect("the tests") {
        let path = file.expect("an entry").path();
        if path.extension().is_none_or(|ending| ending != "rs") {
            continue;
        }
        let text = fs::read_to_string(path).expect("a text");
        for (_, name) in text.match_indices("async fn attack_").map(|(at, start)| {
            let rest = &text[at + start.len()..];
            (at, rest)
        }) {
            let parts = name.split('_').map_while(|part| part.parse::<u8>().ok());
            numbers.extend(parts);
        }
    }
    assert!(numbers.iter().copied().eq(1..=50), "{numbers:?}");
}

#[tokio::test]
async fn attack_01_no_file_is_read_by_way_of_a_terminals_path() {
    on_both(|test| async move {
        test.get("/iclock/cdata?SN=GATE01&options=all&pushver=2.4.1")
            .await;
        for up in [
            "../",
            "..%2f",
            "%2e%2e%2f",
            "%252e%252e%252f",
            "..\\",
            "..%5c",
            "....//",
            "..;/",
        ] {
            let up = up.repeat(9);
            for path in [
                format!("/iclock/file?SN=win&url=/{up}etc/passwd"),
                format!("/iclock/file?SN=GATE01&url={up}etc/passwd%00.jpg"),
                format!("/iclock/file/{up}etc/passwd"),
                format!("/iclock/{up}etc/passwd?SN=GATE01"),
                format!("/{up}etc/passwd"),
            ] {
                assert_eq!(asked(&test, "GET", &path, "").await.status, 404, "{path}");
            }
        }
        for path in [
            "/iclock/file?SN=GATE01&url=/etc/passwd",
            "/iclock/file?url=file:///etc/passwd&SN=GATE01",
        ] {
            assert_eq!(asked(&test, "GET", path, "").await.status, 404, "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn attack_02_folders_of_files_are_not_there() {
    on_both(|test| async move {
        for path in [
            "/files/backup/",
            "/files/fw/",
            "/files/photo/1001.jpg",
            "/files/reports/",
            "/files/",
            "/media/",
            "/static/",
            "/static/../config.toml",
            "/static/%2e%2e/config.toml",
            "/assets/",
            "/backups/",
        ] {
            let answer = asked(&test, "GET", path, "").await;
            assert_eq!(answer.status, 404, "{path}: {answer:?}");
            assert!(!answer.body.contains("Index of"), "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn attack_03_no_photo_is_found_by_counting() {
    on_both(|test| async move {
        let admin = test
            .api(Profile::EasyTimePro, Rights::administrator())
            .await;
        let people = "/personnel/api/employees/";
        admin
            .post(people, json!({ "emp_code": "1001" }))
            .await
            .is(201);
        let form = Form::new()
            .text("emp_code", "1001")
            .part("upload_photo", Part::bytes(jpeg(8, 8)).file_name("x.jpg"));
        let upload = admin.request(Method::POST, &format!("{people}update_emp_photo/"));
        let stored = upload.multipart(form).send().await.expect("answered");
        assert_eq!(stored.status(), 200);
        let photo = admin.get(&format!("{people}1001/photo/")).await;
        assert_eq!(photo.status, 200);
        let mut of_codes = BTreeSet::new();
        for code in (0..30).chain(990..1010) {
            for path in [
                format!("/personnel/photo/{code}.jpg"),
                format!("/files/photo/{code}.jpg"),
                format!("/photo/{code}"),
            ] {
                assert_eq!(asked(&test, "GET", &path, "").await.status, 404, "{path}");
            }
            let path = format!("/personnel/api/employees/{code}/photo/");
            let answer = asked(&test, "GET", &path, "").await;
            let page = asked(&test, "GET", &format!("/employees/{code}/photo"), "").await;
            of_codes.insert((answer.status, answer.body, page.status, page.body));
        }
        // Who is there is answered as who is not.
        let all: Vec<_> = of_codes.into_iter().collect();
        let [(401, text, 303, _)] = all.as_slice() else {
            panic!("{all:?}");
        };
        assert_eq!(
            text,
            r#"{"detail":"Authentication credentials were not provided."}"#
        );
    })
    .await;
}

#[tokio::test]
async fn attack_04_05_06_there_are_no_settings_that_hold_passwords_or_take_paths() {
    on_both(|test| async move {
        let token = json!({ "username": "admin", "password": ADMIN_PASSWORD });
        let browser = Browser::of(&test);
        let login = browser
            .request(Method::POST, "/api-token-auth/")
            .json(&token);
        let login: serde_json::Value =
            serde_json::from_str(&browser.send(login).await.text).expect("JSON");
        let of_admin = format!(
            "Authorization: Token {}\r\n",
            login["token"].as_str().expect("a token")
        );
        for path in [
            "/base/safe_setting/",
            "/base/api/systemSettings/email_setting/",
            "/base/sftpsetting/",
            "/base/sftpsetting/add/",
            "/base/sftpsetting/table/",
            "/base/dbbackuplog/table/",
            "/base/dbbackuplog/action/",
            "/base/api/system_settings/",
            "/base/ldapsetting/",
        ] {
            for authorization in ["", &of_admin] {
                for method in ["GET", "POST"] {
                    let answer = asked(&test, method, path, authorization).await;
                    assert_eq!(answer.status, 404, "{method} {path}");
                }
            }
        }
        // Whatever takes a path or an address elsewhere takes none here, and nobody is called.
        let elsewhere = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/", elsewhere.local_addr().expect("bound"));
        let admin = test
            .api(Profile::EasyTimePro, Rights::administrator())
            .await;
        for (path, key) in [
            ("/iclock/api/transactions/action/", "upload_file"),
            ("/personnel/api/employees/import_emp/", "import_file"),
            ("/personnel/api/areas/import_area/", "import_file"),
        ] {
            for text in [&url, "\\\\attacker\\share", "/etc/passwd"] {
                admin
                    .post(path, json!({ key: text, "path": text }))
                    .await
                    .is(400);
            }
        }
        test.run_jobs().await;
        // Who calls is taken in his turn: the first one is this test.
        let own = TcpStream::connect(elsewhere.local_addr().expect("bound"))
            .await
            .expect("connected");
        let (_, first) = elsewhere.accept().await.expect("called");
        assert_eq!(first, own.local_addr().expect("connected"));
    })
    .await;
}

#[tokio::test]
async fn attack_24_a_body_without_end_is_cut_off_where_it_is_too_large() {
    on_both(|test| async move {
        let head =
            "POST /api-token-auth/ HTTP/1.1\r\nHost: muster\r\nContent-Type: application/json\r\n";
        let vast = format!("{head}Content-Length: 2147483648\r\nConnection: close\r\n\r\n");
        assert_eq!(test.wire(vast).await.status, 413);
        // Pieces are sent for as long as the server takes them.
        let mut stream = TcpStream::connect(test.address).await.expect("connected");
        let begin = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
        stream.write_all(begin.as_bytes()).await.expect("sent");
        let (mut reader, mut writer) = stream.split();
        let piece = format!("10000\r\n{}\r\n", " ".repeat(1 << 16));
        let most = (test.app.config.api.max_body_mib as usize + 8) << 20;
        let mut sent = 0;
        let sending = async {
            while writer.write_all(piece.as_bytes()).await.is_ok() {
                sent += piece.len();
                assert!(sent < most, "it goes on taking");
            }
        };
        let reading = async {
            let mut answer = Vec::new();
            // Whoever is cut off while he sends may not get to read why.
            let _ = reader.read_to_end(&mut answer).await;
            answer
        };
        let ((), answer) = tokio::join!(sending, reading);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 413"),
            "{answer}"
        );
        assert_eq!(test.get("/healthz").await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn attack_22_a_long_request_is_answered_alike_on_a_fresh_connection_and_on_a_kept_one() {
    on_both(|test| async move {
        let admin = test
            .api(Profile::EasyTimePro, Rights::administrator())
            .await;
        let authorization = format!("Authorization: Token {}\r\n", admin.token);
        let long = |head: &str| format!("{authorization}{head}");
        let different: String = (0..10_000).map(|number| format!("a{number}=1&")).collect();
        let many =
            r#"{"detail":"Too many parameters.","code":-1,"msg":"Too many parameters.","data":{}}"#;
        for (query, head, status, body) in [
            ("a=1&".repeat(10_000), long(""), 400, many),
            (different, long(""), 414, r#"{"detail":"URI too long."}"#),
            (
                format!("search={}", "x".repeat(64 << 10)),
                long(""),
                414,
                r#"{"detail":"URI too long."}"#,
            ),
            (
                "a=1".into(),
                "X: y\r\n".repeat(40_000),
                431,
                r#"{"detail":"Request header fields too large."}"#,
            ),
            (format!("id={}", "9,".repeat(30_000)), long(""), 200, ""),
            (
                "id=9".into(),
                long(&format!("X: {}\r\n", "y".repeat(60_000))),
                200,
                "",
            ),
        ] {
            let line = format!("GET /personnel/api/areas/?{query}");
            let asked = request((&line, &head, ""));
            let fresh = test.wire(&asked).await;
            assert_eq!(fresh.status, status, "{line:.60}: {fresh:?}");
            if status != 200 {
                assert_eq!(fresh.body, body, "{line:.60}");
                assert_eq!(fresh.header("content-type"), Some("application/json"));
            }
            // Who goes on sending may not get to read why.
            if status == 431 {
                continue;
            }
            let before = "GET /healthz HTTP/1.1\r\nHost: muster.test\r\n\r\n";
            let kept = test.wire(format!("{before}{asked}")).await;
            let (_, kept) = kept.body.split_once("ok\n").expect("the first answer");
            assert!(
                kept.starts_with(&format!("HTTP/1.1 {status} ")),
                "{line:.60}: {kept:.200}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn attack_38_a_message_that_can_be_read_in_two_ways_or_in_none_is_refused() {
    on_both(|test| async move {
        for bytes in [
            "GET /personnel/api/areas/\r\n\r\n",
            "GET /healthz HTTP/3.0\r\nHost: a\r\n\r\n",
            "POST /api-token-auth/ HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
            "POST /api-token-auth/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 2\r\n\r\nx",
            "GET /personnel/api/areas/ HTTP/1.1\r\nHost: a b\r\n\r\n",
            "GET /iclock/api/terminals/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        ] {
            let refused = test.wire(bytes).await;
            let detail = r#"{"detail":"Bad request."}"#;
            assert_eq!(refused.whole(), (400, detail), "{bytes:?}");
            assert_eq!(refused.header("content-type"), Some("application/json"));
        }
        for bytes in [
            "GET /healthz HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n",
            "GET /healthz HTTP/1.1\r\nHost a\r\n\r\n",
        ] {
            assert_eq!(test.wire(bytes).await.status, 400, "{bytes:?}");
        }
        // One form more in which a target may be written, as through a proxy: it is the same door.
        for target in ["/iclock/api/terminals/", "http://a/iclock/api/terminals/"] {
            let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            let refused = test.wire(request).await;
            assert_eq!(refused.status, 401, "{target}");
            assert!(refused.body.contains("credentials"), "{}", refused.body);
        }
        for headers in [
            "Host: a\r\nHost: b\r\n",
            "Host: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n",
            "Host: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n",
            "Host: a\r\nTransfer-Encoding : chunked\r\n",
            "Host: a\r\nTransfer-Encoding: chunked, identity\r\n",
        ] {
            let request = format!("POST /api-token-auth/ HTTP/1.1\r\n{headers}\r\n{{}}");
            assert_eq!(test.wire(request).await.status, 400, "{headers:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn attack_08_the_same_work_is_done_for_whoever_is_refused() {
    on_both_with(told, |test| async move {
        let system = Caller::system();
        user::add(&test.app, &system, "gone", None, "operator", ADMIN_PASSWORD)
            .await
            .expect("added");
        user::set_active(&test.app, &system, "gone", false)
            .await
            .expect("shut out");
        let admin = test
            .api(Profile::EasyTimePro, Rights::administrator())
            .await;
        for (code, password, app_status) in [
            ("1001", json!(ADMIN_PASSWORD), 1),
            ("1002", json!(null), 1),
            ("1003", json!(ADMIN_PASSWORD), 0),
        ] {
            let new =
                json!({ "emp_code": code, "self_password": password, "app_status": app_status });
            admin.post("/personnel/api/employees/", new).await.is(201);
        }
        let nobody = test.with_token("");
        for (door, names) in [
            ("/api-token-auth/", ["admin", "gone", "nobody"].as_slice()),
            ("/jwt-api-token-auth/", &["admin", "gone", "nobody"]),
            (
                "/staff-api-token-auth/",
                &["1001", "1002", "1003", "nobody"],
            ),
        ] {
            let mut answers = BTreeSet::new();
            for name in names {
                let before = Told::by(&test).await;
                let login = json!({ "username": name, "password": "wrong" });
                let got = nobody.post(door, login).await;
                answers.insert((got.status, got.text));
                let after = Told::by(&test).await;
                let work = ["argon2", "pbkdf2"].map(|kind| {
                    let [before, after] = [&before, &after].map(|told| {
                        let kind = [("kind", kind)];
                        told.value("muster_password_hashes_total", &kind)
                            .expect("told")
                    });
                    after - before
                });
                assert_eq!(work, [1.0, 0.0], "{door} {name}");
            }
            assert_eq!(answers.len(), 1, "{answers:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn attack_39_idle_connections_half_heads_and_a_storm_of_logins_keep_nobody_out() {
    raise_open_files();
    on_both(|test| async move {
        let mut held = Vec::new();
        for number in 0..400 {
            let mut stream = TcpStream::connect(test.address).await.expect("connected");
            let begun: &[u8] = match number % 4 {
                0 => b"",
                1 => b"GET /iclock/getre",
                2 => b"POST /api-token-auth/ HTTP/1.1\r\nHost: a\r\nX-Slow: ",
                _ => b"POST /iclock/cdata?SN=A&table=ATTLOG HTTP/1.1\r\nContent-Length: 90\r\n\r\n1\t20",
            };
            stream.write_all(begun).await.expect("sent");
            held.push(stream);
        }
        let browser = Browser::of(&test);
        let login = |browser: &Browser, name: String, password: &str| {
            let body = json!({ "username": name, "password": password });
            let request = browser.request(Method::POST, "/api-token-auth/");
            request.json(&body).send()
        };
        let mut storm: FuturesUnordered<_> = (0..STORM)
            .map(|number| login(&browser, format!("nobody{number}"), "wrong"))
            .collect();
        let mut statuses = Vec::new();
        let others = async {
            for _ in 0..20 {
                assert_eq!(test.get("/healthz").await.status, 200);
                assert_eq!(test.get("/iclock/getrequest?SN=A").await.status, 403);
            }
            // One from elsewhere is let in while the storm goes on.
            let elsewhere = Browser::at(&test, "127.0.0.2");
            login(&elsewhere, "admin".into(), ADMIN_PASSWORD).await
        };
        let mut others = std::pin::pin!(others);
        let right = loop {
            tokio::select! {
                right = &mut others => break right,
                Some(answer) = storm.next() => statuses.push(answer.expect("answered").status()),
            }
        };
        assert_eq!(right.expect("answered").status(), 200);
        assert!(statuses.len() < STORM, "it waited for the end of the storm");
        while let Some(answer) = storm.next().await {
            statuses.push(answer.expect("answered").status());
        }
        let of = |wanted: u16| statuses.iter().filter(|status| **status == wanted).count();
        assert_eq!(of(400) + of(429), STORM);
        // A hundred of them were worked on in the minute, and no more.
        assert_eq!(of(400), 100);
        drop(held);
    })
    .await;
}

#[tokio::test]
async fn attack_49_what_is_secret_from_the_first_start_is_random_and_its_owners_alone() {
    let mut passwords = BTreeSet::new();
    let mut keys = BTreeSet::new();
    for _ in 0..2 {
        let folder = tempfile::tempdir().expect("a folder");
        let config = Config {
            data_dir: folder.path().join("data"),
            ..Config::default()
        };
        let held = Clock::held(crate::testing::start());
        let opened = App::open(config, held, None)
            .await
            .expect("the server opens");
        passwords.insert(opened.first_password.expect("a password of its own"));
        let file = opened.app.config.key_file();
        keys.insert(fs::read(&file).expect("a key"));
        opened.app.close().await;
        for path in [
            &file,
            &folder.path().join("data"),
            &folder.path().join("data/muster.db"),
        ] {
            let mode = fs::metadata(path).expect("there").permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
        }
        // Its folder may be anywhere, its time the same: nothing follows from either.
        assert!(passwords.iter().all(|password| password.len() >= 16));
    }
    assert_eq!((passwords.len(), keys.len()), (2, 2));
}

#[tokio::test]
async fn attack_40_another_site_gets_nothing_out_of_a_browser_that_is_signed_in() {
    on_both(|test| async move {
        let browser = Browser::of(&test);
        let cookie = browser.sign_in().await;
        let areas = "/personnel/api/areas/";
        for method in [Method::GET, Method::OPTIONS, Method::POST, Method::DELETE] {
            for path in [
                areas,
                "/personnel/api/employees/",
                "/",
                "/employees",
                "/live/events",
            ] {
                let asked = browser
                    .request(method.clone(), path)
                    .header(ORIGIN, EVIL)
                    .header("access-control-request-method", "POST")
                    .header(COOKIE, &cookie);
                let answer = match path {
                    // It has no end.
                    "/live/events" if method == Method::GET => continue,
                    _ => browser.send(asked).await,
                };
                let told = answer
                    .headers
                    .keys()
                    .find(|name| name.as_str().starts_with("access-control"));
                assert_eq!(told, None, "{method} {path}");
            }
        }
        // The cookie opens the console, and no door of the programs, however it is sent.
        let page = browser
            .request(Method::GET, "/employees")
            .header(COOKIE, &cookie);
        assert_eq!(browser.send(page).await.status, 200);
        let new = json!({ "area_code": "9", "area_name": "Nine" });
        let form = [("area_code", "9"), ("area_name", "Nine")];
        let post = || {
            browser
                .request(Method::POST, areas)
                .header(COOKIE, &cookie)
                .header(ORIGIN, EVIL)
        };
        let text = post()
            .header("content-type", "text/plain")
            .body(new.to_string());
        for request in [post().json(&new), post().form(&form), text] {
            assert_eq!(browser.send(request).await.status, 401);
        }
        let other = browser
            .request(Method::POST, "/areas/new")
            .header(COOKIE, &cookie)
            .header(ORIGIN, EVIL)
            .form(&form);
        assert_eq!(browser.send(other).await.status, 403);
        assert_eq!(
            test.number("SELECT COUNT(*) FROM area WHERE area_code = '9'")
                .await,
            0
        );
    })
    .await;
}

#[tokio::test]
async fn attack_45_nothing_of_the_server_itself_is_read_over_http() {
    on_both(|test| async move {
        let browser = Browser::of(&test);
        let cookie = browser.sign_in().await;
        let folder = &test.app.config.data_dir;
        let mut paths: Vec<String> = [
            "/backup",
            "/backup.zip",
            "/files/backup/",
            "/files/db.sqlite3",
            "/logs/muster.log",
            "/log",
            "/config.toml",
            "/.env",
            "/.git/config",
            "/server-status",
            "/debug/pprof/",
            "/proc/self/environ",
            "/assets/../muster.key",
            "/assets/%2e%2e/muster.key",
            "/assets/..%2f..%2fmuster.key",
            "/assets//etc/passwd",
            "/iclock/../muster.key",
            "/iclock/file?url=/etc/passwd&SN=X",
            "/api/docs/..%2fmuster.key",
        ]
        .map(str::to_owned)
        .to_vec();
        for file in std::fs::read_dir(folder).expect("a folder") {
            let name = file.expect("an entry").file_name();
            paths.push(format!("/{}", name.to_string_lossy()));
            paths.push(format!("/assets/{}", name.to_string_lossy()));
        }
        paths.push(format!("{}/muster.key", folder.display()));
        for path in &paths {
            for cookie in ["", &cookie] {
                let asked = browser.request(Method::GET, path).header(COOKIE, cookie);
                let answer = browser.send(asked).await;
                assert!(
                    matches!(answer.status, 401 | 403 | 404),
                    "{path}: {}",
                    answer.status
                );
                assert!(
                    !answer.text.contains("root:") && !answer.text.contains("[terminals]"),
                    "{path}"
                );
            }
        }
        for method in ["TRACE", "DEBUG", "TRACK"] {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            for path in ["/", "/employees", "/personnel/api/areas/"] {
                let asked = browser
                    .request(method.clone(), path)
                    .header("x-secret", "echo me");
                let answer = browser.send(asked).await;
                assert!(
                    matches!(answer.status, 404 | 405),
                    "{method} {path}: {}",
                    answer.status
                );
                assert!(!answer.text.contains("echo me"));
                assert!(
                    answer.status == 404 || answer.headers.contains_key(ALLOW),
                    "{method} {path}"
                );
            }
        }

        // What breaks inside is told to the log, and to nobody outside.
        let place = folder.display().to_string();
        let mut tx = test.app.store.write().await.expect("a transaction");
        tx.run(&Sql::new(
            "ALTER TABLE location RENAME TO location_away",
            [],
        ))
        .await
        .expect("renamed");
        tx.commit().await.expect("committed");
        let page = browser
            .request(Method::GET, "/locations")
            .header(COOKIE, &cookie);
        let page = browser.send(page).await;
        assert_eq!(page.status, 500);
        let api = test
            .api(Profile::EasyTimePro, Rights::administrator())
            .await;
        let answer = api.get("/personnel/api/locations/").await;
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (500, r#"{"detail":"Internal server error."}"#)
        );
        for text in [&page.text, &answer.text] {
            for told in [
                "location_away",
                "SELECT",
                "no such table",
                "does not exist",
                "panicked",
                ".rs",
                env!("CARGO_PKG_VERSION"),
                &place,
            ] {
                assert!(!text.contains(told), "{told}\n{text}");
            }
        }
        assert!(!page.headers.contains_key("server") && !page.headers.contains_key("x-powered-by"));
    })
    .await;
}
