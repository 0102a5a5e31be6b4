//! What such servers were attacked with, through the one door they all have: the address where terminals,
//! programs and people call. The numbers are those of the list of attacks.

use crate::testing::{ADMIN_PASSWORD, TestApp, on_both};
use muster::access::Rights;
use muster::profile::Profile;
use muster_store::Sql;
use reqwest::header::{ALLOW, COOKIE, HeaderMap, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Client, Method, RequestBuilder, redirect};
use serde_json::json;

const EVIL: &str = "https://evil.example";

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
        let http = Client::builder().redirect(redirect::Policy::none()).build();
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
        let id = answer.header("x-request-id");
        let body = format!(r#"{{"detail":"Internal server error.","request_id":"{id}"}}"#);
        assert_eq!((answer.status, &answer.text), (500, &body));
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
