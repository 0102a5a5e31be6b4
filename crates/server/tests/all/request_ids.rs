//! The id of a request: what somebody is shown stands in the log, line by line, at every door.

use crate::process::Process;
use crate::testing::{ADMIN_PASSWORD, Answer, get, on_both, request, wire};
use std::net::SocketAddr;
use std::process::Stdio;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

fn id(answer: &Answer) -> &str {
    answer.header("x-request-id").expect("an id")
}

/// A user signed in at both doors: the lines that show it.
async fn signed_in(server: SocketAddr) -> (String, String) {
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let password = ADMIN_PASSWORD.replace(' ', "+");
    let fields = format!("username=admin&password={password}");
    let login = wire(server, request(("POST /api-token-auth/", form, &fields))).await;
    let token: serde_json::Value = serde_json::from_str(&login.body).expect("JSON");
    let token = token["token"].as_str().expect("a token");
    let signed_in = wire(server, request(("POST /sign-in", form, &fields))).await;
    let cookie = signed_in.header("set-cookie").expect("a cookie");
    let cookie = cookie.split(';').next().expect("a cookie");
    (
        format!("Authorization: Token {token}\r\n"),
        format!("Cookie: {cookie}\r\n"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_found_in_the_log_by_the_id_that_was_shown() {
    for format in ["text", "json"] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut server = Process::start(
            Command::new(env!("CARGO_BIN_EXE_muster"))
                .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
                .arg(folder.path())
                .env("MUSTER_ADMIN_PASSWORD", ADMIN_PASSWORD)
                .env("MUSTER_LOG__FORMAT", format)
                .env("MUSTER_API__TRUSTED_PROXIES", "[\"127.0.0.1\"]")
                .stderr(Stdio::piped()),
        )
        .await;
        let mut stderr = server.child.stderr.take().expect("piped");
        let (token, cookie) = signed_in(server.address).await;
        let database = rusqlite::Connection::open(folder.path().join("muster.db")).expect("opened");
        let tables =
            "ALTER TABLE area RENAME TO area_away; ALTER TABLE terminal RENAME TO terminal_away";
        database.execute_batch(tables).expect("renamed");

        let list = "GET /personnel/api/areas/";
        let own = wire(server.address, request((list, &token, ""))).await;
        assert_eq!(own.status, 500, "{}", own.body);
        assert_eq!(own.body, r#"{"detail":"Internal server error."}"#);
        let head = format!("{token}X-Request-Id: theirs.77_a-b\r\n");
        let theirs = wire(server.address, request((list, &head, ""))).await;
        assert_eq!(id(&theirs), "theirs.77_a-b");
        let head = format!("{token}X-Request-Id: \"}}, \r\n");
        let bad = wire(server.address, request((list, &head, ""))).await;
        assert!(!id(&bad).contains('}'), "{}", id(&bad));
        let page = wire(server.address, request(("GET /areas", &cookie, ""))).await;
        assert_eq!(page.status, 500);
        let shown = format!("<code>{}</code>", id(&page));
        assert!(page.body.contains(&shown), "{}", page.body);
        let terminal = get(server.address, "/iclock/cdata?SN=GATE01&options=all").await;
        assert_eq!(terminal.whole(), (503, "ERROR: TRY LATER"));
        assert_eq!(terminal.header("x-request-id"), None);

        server.child.kill().await.expect("killed");
        let mut log = String::new();
        stderr.read_to_string(&mut log).await.expect("readable");
        let line = |what: &str, id: &str| {
            let named = match format {
                "json" => format!("\"request\":\"{id}\"}}"),
                _ => format!(" request={id} "),
            };
            let found = log
                .lines()
                .any(|line| line.contains(what) && line.contains(&named));
            assert!(found, "{what} {named}: {log}");
        };
        for answer in [&own, &theirs, &bad] {
            line("it failed", id(answer));
        }
        line("a page of the console failed", id(&page));
        let told = log.lines().find(|line| line.contains("told to try later"));
        let told = told.expect("it is logged");
        let (begins, ends) = match format {
            "json" => ("\"request\":\"", "\""),
            _ => (" request=", " "),
        };
        let id = told
            .split_once(begins)
            .and_then(|(_, id)| id.split_once(ends));
        assert!(id.is_some_and(|(id, _)| id.len() >= 8), "{told}");
        for text in log.lines().filter(|_| format == "json") {
            serde_json::from_str::<serde_json::Value>(text).expect("each line is JSON");
        }
    }
}

#[tokio::test]
async fn only_a_trusted_proxy_says_what_a_request_is_called() {
    on_both(|test| async move {
        let named = ("GET /sign-in", "X-Request-Id: mine\r\n", "");
        let answer = test.wire(request(named)).await;
        assert_ne!(id(&answer), "mine");
        let again = test.wire(request(named)).await;
        assert_ne!(id(&answer), id(&again));
    })
    .await;
}
