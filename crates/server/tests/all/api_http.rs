//! What every endpoint has in common: pages, hosts, paths, methods, bodies.

use crate::rest::{Got, on_both, on_both_with};
use reqwest::Method;
use serde_json::json;
use std::io::{Read, Write};

const AREAS: &str = "/personnel/api/areas/";
const TERMINALS: &str = "/iclock/api/terminals/";

#[tokio::test]
async fn pages_are_cut_where_callers_expect_it() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        for number in 10..34 {
            let made = json!({ "area_code": number, "area_name": format!("Area {number}") });
            caller.post(AREAS, made).await.is(201);
        }
        for (query, rows) in [
            ("", 10),
            ("?page_size=0", 10),
            ("?page_size=-3", 10),
            ("?page_size=many", 10),
            ("?page_size=7", 7),
            ("?limit=8", 8),
            ("?page_size=7&limit=8", 7),
            ("?page_size=5000000", 25),
            ("?page=3", 5),
            ("?page=last", 5),
            ("?pageNo=1&pageSize=1000", 25),
            ("?pageno=3&PAGESIZE=12", 1),
        ] {
            let list = caller.get(&format!("{AREAS}{query}")).await.is(200);
            let got = list["data"].as_array().map(Vec::len);
            assert_eq!((&list["count"], got), (&json!(25), Some(rows)), "{query}");
        }
        for page in ["0", "-1", "abc", "4", "9223372036854775808", "1e9", "2.0"] {
            assert_eq!(
                caller.get(&format!("{AREAS}?page={page}")).await.is(404),
                json!({ "detail": "Invalid page.", "code": -1, "msg": "Invalid page.", "data": {} }),
                "{page}"
            );
        }
        let biotime = test.biotime().await;
        for (query, code, msg) in [
            ("pageNo=0&pageSize=5", -90, "PageNo or pageSize cannot be set less than or equal to 0"),
            ("pageNo=1&pageSize=x", -90, "PageNo or pageSize cannot be set less than or equal to 0"),
            ("pageNo=1&pageSize=1001", -91, "PageSize is greater than 1000"),
            ("pageNo=1", -92, "PageSize and pageNo cannot be empty"),
            ("pageNo=&pageSize=5", -92, "PageSize and pageNo cannot be empty"),
        ] {
            for caller in [&caller, &biotime] {
                let got = caller.get(&format!("{AREAS}?{query}")).await.is(400);
                assert_eq!(got, json!({ "code": code, "msg": msg, "data": {} }), "{query}");
            }
        }
        let empty = caller.get(TERMINALS).await.is(200);
        assert_eq!(
            empty,
            json!({
                "count": 0, "next": null, "previous": null, "msg": "", "code": 0, "data": [],
            })
        );
    })
    .await;
}

#[tokio::test]
async fn links_keep_every_parameter_in_alphabetical_order() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        for number in 10..34 {
            let made = json!({ "area_code": number, "area_name": "Hall A" });
            caller.post(AREAS, made).await.is(201);
        }
        let list = caller
            .get("/personnel/api/areas?search=hall%20a&Page_Size=8&colour=red&page=2&ordering=area_name")
            .await;
        assert_eq!(
            list.header("warning"),
            "299 muster \"unknown parameters: colour\""
        );
        let list = list.is(200);
        let base = format!("{}/personnel/api/areas", test.base);
        assert_eq!(
            (&list["next"], &list["previous"]),
            (
                &json!(format!("{base}?Page_Size=8&colour=red&ordering=area_name&page=3&search=hall+a")),
                &json!(format!("{base}?Page_Size=8&colour=red&ordering=area_name&search=hall+a")),
            )
        );
        let list = caller.get(&format!("{AREAS}?pageNo=2&pageSize=10")).await.is(200);
        let base = format!("{}{AREAS}", test.base);
        assert_eq!(
            (&list["next"], &list["previous"]),
            (
                &json!(format!("{base}?pageNo=3&pageSize=10")),
                &json!(format!("{base}?pageNo=1&pageSize=10")),
            )
        );
    })
    .await;
}

#[tokio::test]
async fn attack_23_a_host_is_believed_when_it_can_be_one() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        for sn in 0..11 {
            caller
                .post(TERMINALS, json!({ "sn": format!("S{sn}") }))
                .await
                .is(201);
        }
        let from = async |name: &'static str, value: &'static str| {
            let request = caller.request(Method::GET, TERMINALS).header(name, value);
            Got::from(request).await
        };
        let next = from("host", "hr.example.com:8443").await.is(200);
        assert!(
            next["next"]
                .as_str()
                .is_some_and(|next| next.starts_with("http://hr.example.com:8443/iclock/"))
        );
        for host in ["a b", "a/b", "user@a", "a:b", "", "a..b:99999"] {
            assert_eq!(
                from("host", host).await.is(400),
                json!({ "detail": "Invalid HTTP_HOST header." }),
                "{host}"
            );
        }
        // Not from a proxy we know: what it says is not looked at.
        let next = from("x-forwarded-host", "evil.example").await.is(200);
        assert!(
            next["next"]
                .as_str()
                .is_some_and(|next| next.starts_with(&test.base))
        );
    })
    .await;
    on_both_with(
        |config| {
            config.api.public_url = "https://hr.example.com/muster/".into();
            config.api.allowed_hosts = vec!["127.0.0.1".into(), "*.example.com".into()];
        },
        |test| async move {
            let caller = test.easytimepro().await;
            for sn in 0..11 {
                caller
                    .post(TERMINALS, json!({ "sn": format!("S{sn}") }))
                    .await
                    .is(201);
            }
            let from = async |host: &'static str| {
                let request = caller.request(Method::GET, TERMINALS).header("host", host);
                Got::from(request).await
            };
            let next = from("any.example.com").await.is(200);
            assert!(next["next"].as_str().is_some_and(|next| {
                next.starts_with("https://hr.example.com/muster/iclock/api/terminals/?")
            }));
            from("evil.example").await.is(400);
        },
    )
    .await;
}

/// Sends these bytes and gives the status line that comes back.
pub async fn raw(test: &crate::rest::TestApp, request: String) -> String {
    let address = test.base.trim_start_matches("http://").to_owned();
    tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(address).expect("connected");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = Vec::new();
        let mut part = [0; 1024];
        while let Ok(count) = stream.read(&mut part) {
            answer.extend_from_slice(&part[..count]);
            if count == 0 || answer.windows(4).any(|end| end == b"\r\n\r\n") {
                break;
            }
        }
        let answer = String::from_utf8_lossy(&answer).into_owned();
        answer.lines().next().unwrap_or("").to_owned()
    })
    .await
    .expect("asked")
}

#[tokio::test]
async fn attack_46_a_path_has_one_form_and_a_slash_at_its_end_or_none() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        for path in [
            AREAS,
            "/personnel/api/areas",
            "/personnel/api/areas/1",
            "/personnel/api/areas/%31/",
        ] {
            caller.get(path).await.is(200);
        }
        for path in [
            "/",
            "/api/",
            "/PERSONNEL/api/areas/",
            "/personnel/api/areas;x=1/",
            "/personnel/api/areas/1/2/",
            "/personnel/api/areas/1%2f/",
            "/files/backup/",
            "/base/safe_setting/",
            "/personnel/photo/1001.jpg",
            "/static/../config.toml",
            "/personnel/api/nosuch/",
        ] {
            let got = caller.get(path).await;
            assert_eq!(got.is(404)["detail"], "Not found.", "{path}");
        }
        let host = test.base.trim_start_matches("http://");
        for path in [
            "/personnel/api/areas/%2e/",
            "/personnel/api/areas/%2e%2e/",
            "//personnel/api/areas/",
            "/personnel/api/./areas/",
            "/x/../personnel/api/areas/",
        ] {
            let token = caller.authorization.as_deref().unwrap_or_default();
            let request =
                format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token}\r\n\r\n");
            let status = raw(&test, request).await;
            assert!(status.starts_with("HTTP/1.1 404"), "{path}: {status}");
        }
    })
    .await;
}

#[tokio::test]
async fn attack_47_48_methods_are_what_they_are_and_nothing_overrides_them() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        let path = format!("{AREAS}1/");
        let wrong = caller.delete(AREAS).await;
        assert_eq!(wrong.header("allow"), "GET, HEAD, OPTIONS, POST");
        assert_eq!(
            wrong.is(405),
            json!({
                "detail": "Method \"DELETE\" not allowed.", "code": -1,
                "msg": "Method \"DELETE\" not allowed.", "data": {},
            })
        );
        let nobody = test.nobody();
        for method in [
            Method::TRACE,
            Method::from_bytes(b"DEBUG").expect("a method"),
        ] {
            assert_eq!(
                nobody.send(method.clone(), &path, None).await.is(405),
                json!({ "detail": format!("Method \"{method}\" not allowed.") })
            );
        }
        let head = caller.send(Method::HEAD, AREAS, None).await;
        assert_eq!((head.status, head.text.as_str()), (200, ""));
        let options = nobody.send(Method::OPTIONS, AREAS, None).await;
        assert_eq!(
            (options.status, options.header("allow")),
            (200, "GET, HEAD, OPTIONS, POST")
        );
        assert_eq!(options.header("access-control-allow-credentials"), "");

        let overridden = caller
            .request(Method::POST, AREAS)
            .header("x-http-method-override", "DELETE")
            .json(&json!({ "area_code": "9", "area_name": "Nine", "_method": "DELETE" }));
        Got::from(overridden).await.is(201);
        caller
            .get(&format!("{AREAS}9/?_method=DELETE"))
            .await
            .is(200);
        // A GET's body is not looked at, whatever it says it is.
        let with_body = caller
            .request(Method::GET, AREAS)
            .header("content-type", "application/json")
            .body("{broken");
        Got::from(with_body).await.is(200);
    })
    .await;
}

#[tokio::test]
async fn attack_24_json_is_what_there_is() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        let accept = async |accept: &'static str| {
            let request = caller.request(Method::GET, AREAS).header("accept", accept);
            Got::from(request).await
        };
        for good in [
            "*/*",
            "application/json",
            "text/html,*/*;q=0.1",
            "application/*",
        ] {
            accept(good).await.is(200);
        }
        assert_eq!(
            accept("application/xml").await.is(406)["detail"],
            "Could not satisfy the request Accept header."
        );
        caller.get(&format!("{AREAS}?format=json")).await.is(200);
        caller.get(&format!("{AREAS}?format=xml")).await.is(404);
        let plain = caller
            .request(Method::POST, AREAS)
            .header("content-type", "text/plain")
            .body("area_code=9");
        assert_eq!(
            Got::from(plain).await.is(415)["detail"],
            "Unsupported media type \"text/plain\" in request."
        );
        let body = async |bytes: Vec<u8>| {
            let request = caller
                .request(Method::POST, AREAS)
                .header("content-type", "application/json")
                .body(bytes);
            Got::from(request).await
        };
        let no_text = b"{\"area_code\":\"\xff\"}".to_vec();
        let detail = body(no_text).await.is(400)["detail"].clone();
        assert!(
            detail
                .as_str()
                .is_some_and(|detail| detail.starts_with("JSON parse error - "))
        );
        for text in [
            "{\"area_code\":".to_owned(),
            "{\"area_code\":1,\"area_code\":2}".to_owned(),
            "{\"area_code\":1e400}".to_owned(),
            "{\"area_code\":\"\\ud800\"}".to_owned(),
            format!("{{\"a\":{}}}", "[".repeat(100_000)),
        ] {
            let detail = body(text.into()).await.is(400)["detail"].clone();
            let detail = detail.as_str().expect("a text");
            assert!(detail.starts_with("JSON parse error - "), "{detail}");
        }
        assert_eq!(
            body("[1]".into()).await.is(400)["non_field_errors"],
            json!(["Invalid data. Expected a dictionary, but got list."])
        );
        body(format!("{{\"a\":\"{}\"}}", "x".repeat(9 << 20)).into())
            .await
            .is(413);
        let many = "a=1&".repeat(2000);
        caller.get(&format!("{AREAS}?{many}")).await.is(400);
        caller.get(&format!("{AREAS}?search=%00")).await.is(400);
    })
    .await;
}

#[tokio::test]
async fn attack_25_a_broken_form_is_refused() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        let multipart = async |body: String| -> Got {
            let request = caller
                .request(Method::POST, AREAS)
                .header("content-type", "multipart/form-data; boundary=x")
                .body(body);
            Got::from(request).await
        };
        let part = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n";
        multipart(part.to_owned()).await.is(400);
        multipart(format!("{}--x--\r\n", part.repeat(2000))).await.is(400);
        multipart("nothing".to_owned()).await.is(400);
        let good = "--x\r\nContent-Disposition: form-data; name=\"area_code\"\r\n\r\nf\r\n\
                    --x\r\nContent-Disposition: form-data; name=\"area_name\"\r\n\r\nForm\r\n\
                    --x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.dat\"\r\n\r\nz\r\n--x--\r\n";
        for name in ["../../x.dat", "..\\x.dat", "a/../x.dat", "..", "x\0.dat"] {
            multipart(good.replace("x.dat", name)).await.is(400);
        }
        let endless = format!("x.dat\"\r\nX-Long: \"{}", "x".repeat(1 << 20));
        let refused = multipart(good.replace("x.dat", &endless)).await.is(400);
        assert_eq!(
            refused["detail"],
            "Multipart form parse error - a part with too long a head"
        );
        let stored = "SELECT count(*) FROM area";
        assert_eq!(test.number(stored).await, 1);
        multipart(good.to_owned()).await.is(201);
    })
    .await;
}

#[tokio::test]
async fn every_answer_carries_the_id_its_cause_is_logged_under() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        for path in [AREAS, "/nosuch/", "/personnel/api/areas/77/"] {
            let got = caller.get(path).await;
            assert!(got.header("x-request-id").len() > 8, "{path}");
            assert_eq!(got.header("x-content-type-options"), "nosniff");
            assert_eq!(got.header("cache-control"), "no-store");
        }
        test.run("ALTER TABLE area RENAME TO area_away", []).await;
        let broken = caller.get(AREAS).await;
        assert!(broken.header("x-request-id").len() > 8);
        assert_eq!(
            broken.is(500),
            json!({ "detail": "Internal server error." })
        );
    })
    .await;
}

#[tokio::test]
async fn no_value_of_any_member_or_parameter_breaks_an_endpoint_at_an_even_place() {
    no_value_breaks_every_second_endpoint(0).await;
}

#[tokio::test]
async fn no_value_of_any_member_or_parameter_breaks_an_endpoint_at_an_odd_place() {
    no_value_breaks_every_second_endpoint(1).await;
}

async fn no_value_breaks_every_second_endpoint(first: usize) {
    on_both(|test| async move {
        let odd = [
            json!(null),
            json!(true),
            json!(0),
            json!(-1),
            json!(3.5),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(1e300),
            json!(""),
            json!(" "),
            json!("\0"),
            json!("a\u{1f}\u{202e}\t"),
            json!("9223372036854775808"),
            json!("2025-02-30"),
            json!("9999-12-31"),
            json!("x".repeat(3000)),
            json!("';--"),
            json!([]),
            json!([null, [1], {}]),
            json!([1, 1]),
            json!({}),
            json!({ "id": 1 }),
        ];
        let caller = test.easytimepro().await;
        let biotime = test.biotime().await;
        let registry = muster::api::registry();
        for endpoint in registry.endpoints().iter().skip(first).step_by(2) {
            let path = endpoint
                .path
                .replace("{sn}", "A")
                .split('/')
                .map(|part| if part.starts_with('{') { "1" } else { part })
                .collect::<Vec<_>>()
                .join("/");
            let method = &endpoint.method;
            let members = endpoint.doc.body.unwrap_or_default();
            // PUT is PATCH.
            for value in odd.iter().filter(|_| method != Method::PUT) {
                for member in members {
                    let body = json!({ "sn": "A", "emp_code": "1", member.name: value });
                    let got = caller.send(method.clone(), &path, Some(body)).await;
                    assert!(
                        got.status < 500,
                        "{method} {path} {}={value:.80}",
                        member.name
                    );
                }
                if !members.is_empty() {
                    let all: serde_json::Map<_, _> = members
                        .iter()
                        .map(|member| (member.name.to_owned(), value.clone()))
                        .collect();
                    let got = biotime.send(method.clone(), &path, Some(all.into())).await;
                    assert!(got.status < 500, "{method} {path} {value:.80}");
                }
            }
            for parameter in &endpoint.doc.query {
                for value in odd.iter().filter(|value| !value.is_array()) {
                    let text = value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned);
                    let query = [(parameter.name.as_str(), text.as_str())];
                    let request = caller.request(Method::GET, &path).query(&query);
                    let got = Got::from(request).await;
                    assert!(got.status < 500, "{path}?{}={text:.80}", parameter.name);
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn every_field_that_can_be_ordered_by_orders() {
    on_both(|test| async move {
        use muster::punches::transaction::Transaction;
        use muster::punches::unregistered::Unregistered;
        use muster::resource::Resource;
        use muster::resources::{area::Area, employee::Employee};
        use muster::terminals::terminal::Terminal;
        let lists = [
            (Area::PATH, Area::FIELDS),
            (Employee::PATH, Employee::FIELDS),
            (Terminal::PATH, Terminal::FIELDS),
            (Transaction::PATH, Transaction::FIELDS),
            (Unregistered::PATH, Unregistered::FIELDS),
        ];
        let caller = test.easytimepro().await;
        for (path, fields) in lists {
            for field in fields.iter().filter(|field| field.is_ordered()) {
                for sign in ["", "-"] {
                    let query = format!("{path}?ordering={sign}{}", field.name);
                    caller.get(&query).await.is(200);
                }
            }
        }
    })
    .await;
}
