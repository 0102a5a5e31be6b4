//! A terminal's log from a USB stick, and the photos taken at punches.

use crate::rest::{Got, PASSWORD};
use crate::testing::{Api, TestApp, on_both};
use muster::access::{Right, Rights, Thing};
use muster::profile::Profile;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

const TRANSACTIONS: &str = "/iclock/api/transactions/";
const ACTION: &str = "/iclock/api/transactions/action/";
/// As the manual calls it.
const FILE: &str = "CK5L201260350_attlog07.dat";

async fn scene(app: &TestApp, profile: Profile) -> Api<'_> {
    let admin = app.api(profile, Rights::administrator()).await;
    for (area, sn) in [("north", "CK5L201260350"), ("south", "SOUTH")] {
        let new = json!({ "area_code": area, "area_name": area });
        admin.post("/personnel/api/areas/", new).await.is(201);
        let new = json!({
            "sn": sn, "alias": "Gate", "ip_address": "192.0.2.1", "area": area, "terminal_tz": 330,
        });
        admin.post("/iclock/api/terminals/", new).await.is(201);
    }
    for (emp_code, area) in [("7", "north"), ("8", "south")] {
        let new = json!({
            "emp_code": emp_code, "first_name": "Asha", "department": "1", "area": [area],
            "self_password": PASSWORD, "app_status": 1,
        });
        admin.post("/personnel/api/employees/", new).await.is(201);
    }
    admin
}

async fn upload(caller: &Api<'_>, name: &str, bytes: impl Into<Vec<u8>>) -> Got {
    let file = Part::bytes(bytes.into()).file_name(name.to_owned());
    let form = Form::new().part("upload_file", file);
    Got::from(caller.request(Method::POST, ACTION).multipart(form)).await
}

/// What a list has of each punch, the oldest first.
async fn kept(caller: &Api<'_>, path: &str) -> Value {
    let list = caller.get(&format!("{path}?ordering=id")).await.is(200);
    let rows = list["data"].as_array().expect("rows");
    let names = [
        "emp_code",
        "punch_time",
        "punch_state",
        "verify_type",
        "terminal_sn",
        "area_alias",
        "source",
        "crc",
    ];
    rows.iter()
        .map(|row| {
            names
                .iter()
                .map(|name| row[*name].clone())
                .collect::<Value>()
        })
        .collect()
}

#[tokio::test]
async fn a_terminals_log_is_stored_once_whichever_way_it_comes() {
    on_both(|app| async move {
        let admin = scene(&app, Profile::EasyTimePro).await;
        let target = "/iclock/cdata?SN=CK5L201260350&table=ATTLOG&Stamp=1";
        app.post(target, "7\t2026-01-15 08:30:00\t0\t15\t0\n").await;
        let log = "        7\t2026-01-15 08:30:00\t1\t0\t15\t0\r\n\
                   7\t2026-01-15 17:31:00\t1\t1\t15\t0\r\n\
                   \r\n\
                   nobody\r\n\
                   99\tnoon\t1\t0\t15\t0\r\n\
                   99\t2026-01-15 12:00:00\t0\t1\t0\r\n";
        let biotime = app.api(Profile::BioTime, Rights::administrator()).await;
        let answers = [
            upload(&admin, FILE, log).await.is(200),
            upload(&biotime, FILE, log).await.is(200),
            kept(&admin, TRANSACTIONS).await,
            kept(&admin, "/iclock/api/unregister/").await,
        ];
        insta::assert_json_snapshot!("usb_log", answers);
        let audited =
            "SELECT COUNT(*) FROM audit WHERE action = 'upload' AND thing_id = 'CK5L201260350'";
        assert_eq!(app.number(audited).await, 2);
        // And the terminal sends it all again.
        app.post(target, "7\t2026-01-15 17:31:00\t1\t15\t0\n").await;
        assert_eq!(app.number("SELECT COUNT(*) FROM punch").await, 3);
    })
    .await;
}

#[tokio::test]
async fn what_is_no_log_of_a_known_terminal_is_refused_and_nothing_kept() {
    on_both(|app| async move {
        let admin = scene(&app, Profile::EasyTimePro).await;
        let good = "7\t2026-01-15 08:30:00\t0\t15\t0\n";
        // The manual's own sample.
        let text = json!({ "upload_file": "string" });
        let mut answers: Vec<Value> = vec![
            admin.post(ACTION, text).await.is(400),
            admin.post(ACTION, json!({})).await.is(400),
        ];
        for (name, bytes) in [
            ("UNKNOWN_attlog.dat", good),
            ("../../CK5L201260350_attlog.dat", good),
            ("log.dat", good),
            (FILE, ""),
            (FILE, "\n \n"),
            (FILE, "one\ntwo\tthree\n"),
        ] {
            answers.push(upload(&admin, name, bytes).await.is(400));
        }
        let limited = app.limited_to("south").await;
        answers.push(upload(&limited, FILE, good).await.is(400));
        insta::assert_json_snapshot!("usb_log_refused", answers);
        let viewer = app.api(Profile::BioTime, Rights::viewer()).await;
        upload(&viewer, FILE, good).await.is(403);
        assert_eq!(app.number("SELECT COUNT(*) FROM punch").await, 0);
        let audited = "SELECT COUNT(*) FROM audit WHERE action = 'upload'";
        assert_eq!(app.number(audited).await, 0);
    })
    .await;
}

#[tokio::test]
async fn attack_30_a_log_that_is_a_path_an_address_or_without_end_is_not_followed() {
    on_both(|app| async move {
        let admin = scene(&app, Profile::EasyTimePro).await;
        for elsewhere in [
            "../../../../etc/passwd",
            "/etc/passwd",
            "http://169.254.169.254/",
            "\\\\attacker\\share",
        ] {
            let body = json!({ "upload_file": elsewhere });
            let answer = admin.post(ACTION, body).await.is(400);
            let text = answer["upload_file"].to_string();
            assert!(text.contains("The submitted data was not a file"), "{text}");
        }
        // The last moment there is, which no clock shows; and a million lines that are none.
        let last = "7\t9999-12-31 23:59:59\t0\t15\t0\n";
        let log = last.to_owned() + &"x\n".repeat(1_000_000);
        let answer = upload(&admin, FILE, log).await.is(200);
        let named = answer["unreadable"].as_array().map_or(0, Vec::len);
        assert!(named <= 1_000, "{named} lines are named");
        assert_eq!(app.number("SELECT COUNT(*) FROM punch").await, 1);
        let flagged = "SELECT COUNT(*) FROM punch WHERE clock_suspect";
        assert_eq!(app.number(flagged).await, 1);
        // Longer than any log is.
        let vast = last.repeat(65 * 1024 * 1024 / last.len());
        upload(&admin, FILE, vast).await.is(413);
    })
    .await;
}

#[tokio::test]
async fn a_photo_belongs_to_the_punch_of_its_terminal_person_and_second() {
    on_both(|app| async move {
        let admin = scene(&app, Profile::EasyTimePro).await;
        let rows = "7\t2026-01-15 08:30:00\t0\t15\t0\n7\t2026-01-15 08:30:01\t0\t15\t0\n8\t2026-01-15 08:30:00\t0\t15\t0\n";
        app.post("/iclock/cdata?SN=CK5L201260350&table=ATTLOG&Stamp=1", rows).await;
        let jpeg = b"\xff\xd8\xff\xe0 a face \xff\xd9".to_vec();
        app.photograph("CK5L201260350", "20260115083000-7", &jpeg).await;
        let list = admin.get(&format!("{TRANSACTIONS}?ordering=id")).await.is(200);
        let ids: Vec<String> = list["data"]
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| row["id"].to_string())
            .collect();
        let photo = async |caller: &Api<'_>, id: &str| {
            let request = caller.request(Method::GET, &format!("{TRANSACTIONS}{id}/photo/"));
            let answer = request.send().await.expect("answered");
            let status = answer.status().as_u16();
            (status, answer.bytes().await.expect("bytes").to_vec())
        };
        assert_eq!(photo(&admin, &ids[0]).await, (200, jpeg.clone()));
        assert_eq!(photo(&admin, &ids[1]).await.0, 404, "another second");
        assert_eq!(photo(&admin, &ids[2]).await.0, 404, "another person");
        let staff = async |emp_code: &str| {
            let login = json!({ "username": emp_code, "password": PASSWORD });
            let token = admin.post("/api/staff-api-token-auth/", login).await.is(200);
            app.with_token(token["token"].as_str().expect("a token"))
        };
        assert_eq!(photo(&staff("7").await, &ids[0]).await, (200, jpeg));
        assert_eq!(photo(&staff("8").await, &ids[0]).await.0, 404);
        let limited = app.limited_to("south").await;
        assert_eq!(photo(&limited, &ids[0]).await.0, 404);
        let other = [Right::View(Thing::Employee)];
        let other = app.api(Profile::BioTime, Rights::from_iter(other)).await;
        assert_eq!(photo(&other, &ids[0]).await.0, 403);
    })
    .await;
}
