//! What is sealed gets a new key, and is killed while it does: whatever was sealed before is given back as it was.

use crate::held_servers::{Administrator, Servers};
use crate::postgres;
use crate::testing::{TestApp, get, on_both, post};
use muster::cli::keys::SEALED;
use muster_store::{Dialect, Sql};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use sea_query::{Expr, Query};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

const JPEG: &[u8] = b"\xff\xd8\xff\xe0 a face \xff\xd9";

#[tokio::test]
async fn every_column_of_sealed_values_gets_the_new_key() {
    on_both(|app| async move {
        let sql = Sql::by_dialect(
            "SELECT m.name, p.name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS p \
             WHERE m.type = 'table' AND p.name LIKE '%\\_sealed' ESCAPE '\\'",
            "SELECT table_name::text, column_name::text FROM information_schema.columns \
             WHERE table_schema = current_schema() AND column_name LIKE '%\\_sealed'",
            [],
        );
        let there: Vec<(String, String)> = app.app.store.all(&sql).await.expect("read");
        let there: BTreeSet<(String, String)> = there.into_iter().collect();
        let known = SEALED.iter().map(|of| (of.table.into(), of.column.into()));
        assert_eq!(there, known.collect());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_seals_everything_and_whatever_was_there_is_given_back() {
    for database in [None, Some(postgres::new().await)] {
        let servers = Servers::start(database).await;
        let one = server(&servers, 0).await;
        let administrator = Administrator::of(one).await;
        furnish(&administrator, one).await;
        as_the_first_versions_did(&servers).await;
        let before = all(&administrator, one).await;
        let file = servers.places[0].data_dir.join("muster.key");
        let secret = std::fs::read(&file).expect("read");

        let (is_done, said) = keys(&servers, "rotate").await;
        assert!(!is_done && said.contains("in use"), "{said}");
        for number in 0..servers.places.len() {
            servers.kill(number).await;
            if number + 1 < servers.places.len() {
                let (is_done, said) = keys(&servers, "rotate").await;
                assert!(!is_done && said.contains("in use"), "another runs: {said}");
            }
        }
        assert_eq!(
            std::fs::read(&file).expect("read"),
            secret,
            "nothing was done"
        );

        // Killed after so many lines of what it says.
        for lines in [1, 2, 5, 8] {
            killed_after(&servers, lines).await;
            servers.begin(0).await;
            assert_eq!(all(&administrator, server(&servers, 0).await).await, before);
            servers.kill(0).await;
        }
        let said = finished(&servers, "rotate").await;
        assert!(
            said.contains("Everything is sealed with the new key"),
            "{said}"
        );
        assert_eq!(names(&servers).await.len(), 1, "all have the new one");
        servers.begin(0).await;
        let one = server(&servers, 0).await;
        assert_eq!(all(&administrator, one).await, before);
        if let Some(other) = servers.places.get(1) {
            let doctor = muster(other, &["doctor"]).output().await.expect("runs");
            let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
            assert!(
                said.contains("the key file is of another installation"),
                "{said}"
            );
        }
        servers.kill(0).await;

        let said = finished(&servers, "forget").await;
        assert!(said.contains("older keys are gone"), "{said}");
        servers.begin(0).await;
        let one = server(&servers, 0).await;
        assert_eq!(all(&administrator, one).await, before);
        // What was queued for the terminal before all that.
        let given = get(one, "/iclock/getrequest?SN=GATE").await.body;
        let record = "DATA UPDATE USERINFO PIN=7\tName=Zoë\tPri=0\tPasswd=4711\tCard=\tVerify=-1";
        assert!(given.contains(record), "{given}");
        servers.stop().await;
    }
}

/// Where the server is; it runs.
async fn server(servers: &Servers, number: usize) -> SocketAddr {
    servers.address(number).expect("it runs")
}

/// A terminal that brings templates, a punch with its photo and a line that nobody reads, and has not asked yet for
/// the record of the person, who has a password and a photo.
async fn furnish(administrator: &Administrator, server: SocketAddr) {
    for (path, new) in [
        (
            "/personnel/api/areas/",
            json!({ "area_code": "north", "area_name": "North" }),
        ),
        (
            "/iclock/api/terminals/",
            json!({ "sn": "GATE", "area": "north" }),
        ),
        (
            "/personnel/api/employees/",
            json!({ "emp_code": "7", "first_name": "Zoë", "area": ["north"], "device_password": "4711" }),
        ),
    ] {
        let answer = administrator.say(server, Method::POST, path, &new).await;
        assert_eq!(answer.expect("answered").0, 201, "{path}");
    }
    let part = Part::bytes(photo()).file_name("7.png");
    let form = Form::new().text("emp_code", "7").part("upload_photo", part);
    let path = "/personnel/api/employees/update_emp_photo/";
    let request = administrator.request(server, Method::POST, path);
    let answer = request.multipart(form).send().await.expect("answered");
    assert_eq!(answer.status(), 200);
    let head = b"PIN=20260115075900-7.jpg\nSN=GATE\nsize=15\nCMD=realupload\0";
    for (table, body) in [
        ("ATTLOG", b"7\t2026-01-15 07:59:00\t0\t15\n".to_vec()),
        ("ATTPHOTO", [&head[..], JPEG].concat()),
        (
            "OPERLOG",
            b"FP PIN=7\tFID=5\tSize=8\tValid=1\tTMP=c3ludGhldGlj\n".to_vec(),
        ),
        ("WEATHER", b"rain Passwd=1234\n".to_vec()),
    ] {
        let target = format!("/iclock/cdata?SN=GATE&table={table}&Stamp=1");
        assert_eq!(post(server, &target, body).await.status, 200, "{table}");
    }
}

fn photo() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(8, 8)
        .write_to(&mut bytes, image::ImageFormat::Png)
        .expect("written");
    bytes.into_inner()
}

/// Photos were not sealed, and what was sealed did not name its key.
async fn as_the_first_versions_did(servers: &Servers) {
    let mut tx = servers.store.write().await.expect("begun");
    for sql in [
        "UPDATE punch_photo SET jpeg_sealed = $1 WHERE length(jpeg_sealed) > $2",
        "UPDATE biometric SET template_sealed = substr(template_sealed, 7) WHERE $1 <> $1 OR 0 < $2",
    ] {
        tx.run(&Sql::new(sql, [JPEG.to_vec().into(), 0_i64.into()]))
            .await
            .expect("changed");
    }
    tx.commit().await.expect("durable");
}

/// What callers see of everything that is sealed.
async fn all(administrator: &Administrator, server: SocketAddr) -> Vec<Value> {
    let mut all = Vec::new();
    for path in [
        "/iclock/api/biodatas/",
        "/iclock/api/unread/",
        "/personnel/api/employees/7/",
    ] {
        let answer = administrator
            .say(server, Method::GET, path, &Value::Null)
            .await;
        let (status, answer) = answer.expect("answered");
        assert_eq!(status, 200, "{path}");
        all.push(answer["data"].clone());
        all.push(answer["device_password"].clone());
    }
    for path in [
        "/personnel/api/employees/7/photo/",
        "/iclock/api/transactions/1/photo/",
    ] {
        let request = administrator.request(server, Method::GET, path);
        let answer = request.send().await.expect("answered");
        assert_eq!(answer.status(), 200, "{path}");
        let bytes = answer.bytes().await.expect("bytes");
        assert!(bytes.starts_with(&JPEG[..3]), "{path}");
        all.push(json!(hex::encode(bytes)));
    }
    all
}

/// The names of the keys that anything is sealed with.
async fn names(servers: &Servers) -> BTreeSet<Vec<u8>> {
    let mut names = BTreeSet::new();
    let mut columns = 0;
    for of in SEALED {
        let select = Query::select()
            .column(of.column)
            .from(of.table)
            .and_where(Expr::cust(format!("length({}) > 0", of.column)))
            .to_owned();
        let values: Vec<(Vec<u8>,)> = servers.store.all(&select).await.expect("read");
        columns += usize::from(!values.is_empty());
        names.extend(values.into_iter().map(|(value,)| value[..6].to_vec()));
    }
    assert_eq!(
        columns,
        SEALED.len() - 1,
        "all but second factors hold something"
    );
    names
}

fn muster(place: &crate::held_servers::Place, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
    command
        .args(words)
        .arg("--data-dir")
        .arg(&place.data_dir)
        .args(["--database-url", &place.database_url]);
    command
}

/// Whether it was done, and all it said.
async fn keys(servers: &Servers, what: &str) -> (bool, String) {
    let mut command = muster(&servers.places[0], &["keys", what]);
    let ended = command.output().await.expect("runs");
    let said = [ended.stdout, ended.stderr].concat();
    (
        ended.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

/// Does it as soon as PostgreSQL has noticed that those who were killed are gone.
async fn finished(servers: &Servers, what: &str) -> String {
    loop {
        let (is_done, said) = keys(servers, what).await;
        if is_done {
            return said;
        }
        assert!(may_pass(servers) && said.contains("in use"), "{said}");
    }
}

fn may_pass(servers: &Servers) -> bool {
    servers.store.dialect() == Dialect::Postgres
}

/// Kills it when it has said so many lines, whatever it is doing then.
async fn killed_after(servers: &Servers, lines: usize) {
    loop {
        let mut child = muster(&servers.places[0], &["keys", "rotate"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("runs");
        let mut said = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut heard = 0;
        while heard < lines && said.next_line().await.expect("readable").is_some() {
            heard += 1;
        }
        child.kill().await.expect("killed");
        if heard > 0 {
            return;
        }
        assert!(may_pass(servers), "it began");
    }
}

/// A server that holds on to a key that is not in force any more.
#[tokio::test]
async fn a_server_whose_key_is_not_in_force_any_more_is_told_to_stop() {
    on_both(|app: std::sync::Arc<TestApp>| async move {
        app.run_jobs().await;
        let sql = "UPDATE installation SET key_check = $1 WHERE id = 1";
        let mut tx = app.app.store.write().await.expect("begun");
        tx.run(&Sql::new(sql, [vec![7_u8; 32].into()]))
            .await
            .expect("changed");
        tx.commit().await.expect("durable");
        app.run_jobs().await;
        app.app.must_stop.notified().await;
    })
    .await;
}
