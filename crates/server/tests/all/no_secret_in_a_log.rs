//! The server tells all it ever tells in its log, while everything that is secret goes through its doors.

use crate::postgres;
use crate::process::Process;
use crate::testing::{ADMIN_PASSWORD, get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::Method;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::process::Command;

const SELF_PASSWORD: &str = "an employee's own password";
const DEVICE_PASSWORD: &str = "80808471";
const TEMPLATE: &str = "c3ludGhldGljIHRlbXBsYXRlIG9mIGEgZmluZ2Vy";
const COM_KEY: &str = "comkey-5550123";
const AUTH_KEY: &str = "authkey-5550124";
const WRONG_PASSWORD: &str = "a password that is wrong";
const JPEG: &[u8] = b"\xff\xd8\xff\xe0 somebody's face \xff\xd9";
const FORGED: &str = "eyJmb3JnZWQiOiJ0b2tlbiJ9";

#[tokio::test(flavor = "multi_thread")]
async fn attack_50_nothing_secret_stands_in_a_log_that_tells_everything() {
    for (format, database) in [("text", None), ("json", Some(postgres::new().await))] {
        let folder = tempfile::tempdir().expect("a folder");
        let written = folder.path().join("log");
        let database_url = database
            .as_ref()
            .map_or_else(String::new, |database| database.url.clone());
        let mut server = Process::start(
            Command::new(env!("CARGO_BIN_EXE_muster"))
                .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
                .arg(folder.path())
                .env("MUSTER_TERMINALS__ADMISSION", "open")
                .env("MUSTER_ADMIN_PASSWORD", ADMIN_PASSWORD)
                .env("MUSTER_LOG__LEVEL", "trace")
                .env("MUSTER_LOG__FORMAT", format)
                .env("MUSTER_DATABASE_URL", database_url)
                // A pipe nobody reads yet would hold up a start that tells so much.
                .stderr(File::create(&written).expect("a file")),
        )
        .await;
        let tokens = life(server.address).await;
        server.child.kill().await.expect("killed");
        let log = fs::read(&written).expect("a log");
        let log = String::from_utf8_lossy(&log).into_owned();
        assert!(
            log.contains("DEBUG") && log.contains("DOOR"),
            "it tells of all that: {log}"
        );
        assert!(log.contains("calls from another address"), "{log}");
        let photo = BASE64.encode(JPEG);
        let secrets = [
            ADMIN_PASSWORD,
            SELF_PASSWORD,
            DEVICE_PASSWORD,
            TEMPLATE,
            COM_KEY,
            AUTH_KEY,
            WRONG_PASSWORD,
            FORGED,
            "somebody's face",
            &photo,
        ];
        for secret in secrets.into_iter().chain(tokens.iter().map(String::as_str)) {
            let line = log.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret:?} stands in a log of {format}");
        }
        let control = |c: char| c.is_control() && c != '\n';
        let raw = log.lines().find(|line| line.contains(control));
        assert_eq!(raw, None, "what others wrote is escaped");
        if let Some(database) = database {
            database.remove().await;
        }
    }
}

/// Logs in by every door, and lets terminals bring and get what is secret. Returns the tokens.
async fn life(server: SocketAddr) -> Vec<String> {
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client");
    let mut tokens = Vec::new();
    let url = |path: &str| format!("http://{server}{path}");
    let mut login = async |path: &str, who: &str, password: &str| -> Value {
        let body = json!({ "username": who, "password": password });
        let answer = http.post(url(path)).json(&body).send().await;
        let answer: Value = answer.expect("answered").json().await.expect("JSON");
        for name in ["token", "access", "refresh"] {
            tokens.extend(answer[name].as_str().map(str::to_owned));
        }
        answer
    };
    login("/api-token-auth/", "admin", WRONG_PASSWORD).await;
    login("/jwt-api-token-auth/", "admin", ADMIN_PASSWORD).await;
    let token = login("/api-token-auth/", "admin", ADMIN_PASSWORD).await;
    let token = token["token"].as_str().expect("a token").to_owned();
    let say = async |method: Method, path: &str, body: Value| -> Value {
        let request = http.request(method, url(path)).json(&body);
        let request = request.header("authorization", format!("Token {token}"));
        let answer = request.send().await.expect("answered");
        let status = answer.status();
        assert!(status.is_success(), "{path}: {status}");
        answer.json().await.unwrap_or_default()
    };
    let area = json!({ "area_code": "north", "area_name": "North" });
    say(Method::POST, "/personnel/api/areas/", area).await;
    let area = json!([1_000_001]);
    let gate =
        json!({ "sn": "GATE", "alias": "GATE", "ip_address": "192.0.2.1", "area": 1_000_001 });
    say(Method::POST, "/iclock/api/terminals/", gate).await;
    let new = json!({
        "emp_code": "7", "department": 1, "area": area, "self_password": SELF_PASSWORD, "app_status": 1,
        "device_password": DEVICE_PASSWORD,
    });
    say(Method::POST, "/personnel/api/employees/", new).await;
    login("/staff-api-token-auth/", "7", SELF_PASSWORD).await;
    login("/staff-jwt-api-token-auth/", "7", SELF_PASSWORD).await;
    for (password, status) in [(WRONG_PASSWORD, 422), (ADMIN_PASSWORD, 303)] {
        let form = [("username", "admin"), ("password", password)];
        let signing_in = http
            .post(url("/sign-in"))
            .header("origin", url(""))
            .form(&form);
        let answer = signing_in.send().await.expect("answered");
        if let Some(cookie) = answer.headers().get("set-cookie") {
            let cookie = cookie.to_str().expect("a text").split(';').next();
            tokens.extend(cookie.and_then(|cookie| Some(cookie.split_once('=')?.1.to_owned())));
        }
        assert_eq!(answer.status(), status);
    }
    for path in [
        format!("/personnel/api/areas/?access_token={FORGED}"),
        format!("/personnel/api/areas/?token={FORGED}"),
    ] {
        http.get(url(&path)).send().await.expect("answered");
    }

    get(
        server,
        "/iclock/cdata?SN=GATE&options=all&pushver=2.4.1&agent=\u{1b}[2J",
    )
    .await;
    let told = get(server, "/iclock/getrequest?SN=GATE").await.body;
    assert!(told.contains(DEVICE_PASSWORD), "{told}");
    let photo = b"PIN=20260115075900-7.jpg\nSN=GATE\nsize=15\nCMD=realupload\0";
    let upload = async |target: &str, body: &[u8]| {
        let answer = post(server, &format!("/iclock/{target}"), body).await;
        assert_eq!(answer.status, 200, "{target}");
        answer.body
    };
    upload(
        "cdata?SN=GATE&table=options",
        format!("ComKey={COM_KEY},FPVersion=10").as_bytes(),
    )
    .await;
    upload(
        "cdata?SN=GATE&table=ATTPHOTO&Stamp=1",
        &[&photo[..], JPEG].concat(),
    )
    .await;
    for row in [
        format!("USER PIN=7\tName=A\tPri=0\tPasswd={DEVICE_PASSWORD}\tCard=\n"),
        format!("USER PIN=\tPasswd={DEVICE_PASSWORD}\n"),
        format!("FP PIN=7\tFID=5\tSize=40\tValid=1\tTMP={TEMPLATE}\n"),
        format!("FP PIN=\u{1b}[2J\tFID=x\tTMP={TEMPLATE}\n"),
        format!(
            "USERPIC PIN=7\tFileName=7.jpg\tSize=1\tContent={}\n",
            BASE64.encode(JPEG)
        ),
    ] {
        upload("cdata?SN=GATE&table=OPERLOG&Stamp=1", row.as_bytes()).await;
    }
    upload(
        "registry?SN=DOOR",
        format!("DeviceType=acc,~DeviceName=F20/M,authKey={AUTH_KEY}").as_bytes(),
    )
    .await;
    // From elsewhere.
    let socket = TcpSocket::new_v4().expect("a socket");
    let elsewhere = "127.0.0.2:0".parse().expect("an address");
    socket.bind(elsewhere).expect("this machine's");
    let mut stream = socket.connect(server).await.expect("connected");
    let ping =
        "GET /iclock/ping?SN=GATE HTTP/1.1\r\nConnection: close\r\nUser-Agent: \u{1b}[2J\r\n\r\n";
    stream.write_all(ping.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // What it says to what it was told.
    let results: String = told
        .lines()
        .filter_map(|line| line.strip_prefix("C:")?.split_once(':'))
        .map(|(id, text)| {
            format!("ID={id}&Return=-1&CMD={text}\nComKey={COM_KEY}\nPasswd={DEVICE_PASSWORD}\n")
        })
        .collect();
    upload("devicecmd?SN=GATE", results.as_bytes()).await;
    let bad = format!("DATA UPDATE USERINFO PIN=1\tPasswd={DEVICE_PASSWORD}\r\n\r\n");
    crate::testing::wire(server, bad).await;
    let list = say(Method::GET, "/iclock/api/biodatas/", Value::Null).await;
    assert!(list.to_string().contains(TEMPLATE), "{list}");
    tokens
}
