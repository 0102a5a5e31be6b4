//! Messages: what is written through the API, as terminals are told of it, and as it is read again.

use crate::rest::PASSWORD;
use crate::testing::{Api, TestApp, on_both};
use chrono::TimeDelta;
use muster::access::{Right, Rights, Thing};
use muster::profile::Profile;
use reqwest::Method;
use serde_json::{Value, json};

const PUBLIC: &str = "/iclock/api/publicmessages/";
const PRIVATE: &str = "/iclock/api/privatemessages/";
const NOTHING: [&str; 0] = [];

/// Areas north and south with a terminal each, one that is held, one for doors; Asha in the north.
async fn scene(app: &TestApp, profile: Profile) -> Api<'_> {
    let admin = app.api(profile, Rights::administrator()).await;
    for area in ["north", "south"] {
        let new = json!({ "area_code": area, "area_name": area });
        admin.post("/personnel/api/areas/", new).await.is(201);
    }
    for (sn, area) in [
        ("NORTH", "north"),
        ("SOUTH", "south"),
        ("HELD", "1"),
        ("DOOR", "north"),
    ] {
        let new = json!({ "sn": sn, "alias": sn, "ip_address": "192.0.2.1", "area": area, "zone_name": "Asia/Kolkata" });
        admin.post("/iclock/api/terminals/", new).await.is(201);
    }
    app.get("/iclock/cdata?SN=DOOR&options=all&pushver=3.1.2&DeviceType=acc")
        .await;
    for (emp_code, area) in [("11", "north"), ("12", "south")] {
        let new = json!({
            "emp_code": emp_code, "first_name": "Asha", "department": "1", "area": [area],
            "self_password": PASSWORD, "app_status": 1,
        });
        admin.post("/personnel/api/employees/", new).await.is(201);
    }
    for sn in ["NORTH", "SOUTH", "DOOR"] {
        app.obeyed(sn).await;
    }
    admin
}

/// The manual's message to everybody, which begins at 06:56:38 by the terminal's clock.
fn meeting(terminal: &str) -> Value {
    json!({
        "terminal": terminal, "start_time": "2026-01-15T13:56:38.376Z", "duration": 60,
        "content": "meeting",
    })
}

fn testing(employee: &str) -> Value {
    json!({
        "employee": employee, "start_time": "2026-01-15T13:55:31.007Z", "duration": 60,
        "content": "testing",
    })
}

#[tokio::test]
async fn a_public_message_is_told_changed_moved_and_taken_back() {
    on_both(|app| async move {
        let admin = scene(&app, Profile::EasyTimePro).await;
        let mut answers = Vec::new();
        let mut wire = Vec::new();
        let mut note = async |answer: Value| {
            answers.push(answer);
            wire.push(
                json!({ "north": app.obeyed("NORTH").await, "south": app.obeyed("SOUTH").await }),
            );
        };
        note(admin.post(PUBLIC, meeting("NORTH")).await.is(201)).await;
        let path = format!("{PUBLIC}1000001/");
        note(admin.get(&path).await.is(200)).await;
        note(admin.get(PUBLIC).await.is(200)).await;
        let whole = json!({
            "start_time": "2026-01-20T07:00:15.859Z", "duration": 60, "content": "meeting at cabin",
        });
        app.app.clock.advance(TimeDelta::minutes(5));
        note(
            admin
                .send(Method::PUT, &path, Some(whole.clone()))
                .await
                .is(200),
        )
        .await;
        note(admin.send(Method::PUT, &path, Some(whole)).await.is(200)).await;
        let part = json!({ "content": "meeting for python team " });
        note(admin.patch(&path, part).await.is(200)).await;
        note(
            admin
                .patch(&path, json!({ "terminal": "SOUTH" }))
                .await
                .is(200),
        )
        .await;
        note(admin.send(Method::POST, &path, None).await.is(200)).await;
        note(admin.get(&path).await.is(404)).await;
        insta::assert_json_snapshot!(
            "a_public_message",
            json!({ "answers": answers, "wire": wire })
        );
        assert_eq!(app.number("SELECT COUNT(*) FROM terminal_message").await, 0);
        let seen = "SELECT COUNT(*) FROM terminal_command WHERE shown LIKE '%meeting%'";
        assert_eq!(
            app.number(seen).await,
            0,
            "messages are for those who may read messages"
        );
    })
    .await;
}

#[tokio::test]
async fn a_private_message_is_told_wherever_its_person_is() {
    on_both(|app| async move {
        let admin = scene(&app, Profile::EasyTimePro).await;
        let mut answers = Vec::new();
        let mut wire = Vec::new();
        let mut note = async |answer: Value| {
            answers.push(answer);
            wire.push(json!({
                "north": app.obeyed("NORTH").await, "south": app.obeyed("SOUTH").await, "door": app.obeyed("DOOR").await,
            }));
        };
        note(admin.post(PRIVATE, testing("1000000001")).await.is(201)).await;
        note(admin.post(PRIVATE, testing("11")).await.is(201)).await;
        note(admin.get(PRIVATE).await.is(200)).await;
        let path = format!("{PRIVATE}1000001/");
        note(admin.get(&path).await.is(200)).await;
        app.app.clock.advance(TimeDelta::minutes(5));
        let part = json!({ "start_time": "2026-01-16T06:46:07.452Z" });
        note(admin.patch(&path, part).await.is(200)).await;
        // The person moves; the messages follow.
        let moved = json!({ "emp_code": "11", "area_code": ["south"] });
        note(admin.post("/personnel/api/employees/adjust_area/", moved).await.is(200)).await;
        app.run_jobs().await;
        note(admin.get(&path).await.is(200)).await;
        // It is another's now: not even its number stays.
        note(admin.patch(&path, json!({ "employee": 12 })).await.is(200)).await;
        let both = json!({ "object_ids": [1000001, 1000002], "action_type": "delete" });
        note(admin.post(&format!("{PRIVATE}action/"), both).await.is(200)).await;
        insta::assert_json_snapshot!("a_private_message", json!({ "answers": answers, "wire": wire }));
        assert_eq!(app.number("SELECT COUNT(*) FROM terminal_message").await, 0);
    })
    .await;
}

#[tokio::test]
async fn biotime_names_things_by_id_and_deletes_without_a_word() {
    on_both(|app| async move {
        let admin = scene(&app, Profile::BioTime).await;
        let mut answers = Vec::new();
        for (path, new) in [
            (PUBLIC, meeting("1000001")),
            (PRIVATE, testing("1000000001")),
            (PRIVATE, testing("1000000001")),
        ] {
            answers.push(admin.post(path, new).await.is(201));
        }
        for path in [PUBLIC, PRIVATE] {
            answers.push(admin.get(path).await.is(200));
        }
        answers.push(admin.post(PRIVATE, testing("nobody")).await.is(400));
        answers.push(admin.post(PUBLIC, meeting("NOWHERE")).await.is(400));
        insta::assert_json_snapshot!("messages_in_biotime", answers);
        let mut wire = vec![app.obeyed("NORTH").await];
        assert_eq!(admin.delete(&format!("{PUBLIC}1000001/")).await.text, "");
        let path = format!("{PRIVATE}1000001/");
        assert_eq!(admin.delete(&path).await.status, 204);
        let rest = json!({ "object_ids": "1000002", "action_type": "delete" });
        let done = admin.post(&format!("{PRIVATE}action/"), rest).await.is(200);
        assert_eq!(done, json!({ "code": 0, "msg": "", "data": [] }));
        wire.push(app.obeyed("NORTH").await);
        insta::assert_json_snapshot!("messages_on_the_wire_in_biotime", wire);
        let open = "SELECT COUNT(*) FROM terminal_command WHERE state <> 'done'";
        assert_eq!(app.number(open).await, 0);
        for sn in ["SOUTH", "DOOR"] {
            assert_eq!(app.obeyed(sn).await, NOTHING);
        }
    })
    .await;
}

#[tokio::test]
async fn what_no_terminal_can_show_is_refused_with_every_reason() {
    on_both(|app| async move {
        let admin = scene(&app, Profile::EasyTimePro).await;
        let mut answers = Vec::new();
        for (path, body) in [
            (PUBLIC, json!({})),
            (PUBLIC, meeting("NOWHERE")),
            (PUBLIC, meeting("DOOR")),
            (
                PUBLIC,
                json!({ "terminal": ["NORTH"], "start_time": "tomorrow", "duration": 0, "content": "a\nC:9:CLEAR DATA" }),
            ),
            (
                PRIVATE,
                json!({ "employee": null, "start_time": null, "duration": 2147483648u32, "content": "x\tTAG=253" }),
            ),
            (
                PRIVATE,
                json!({ "employee": "11", "start_time": 5, "duration": "1.5", "content": "é".repeat(501) }),
            ),
        ] {
            answers.push(admin.post(path, body).await.is(400));
        }
        let path = format!("{PUBLIC}1000001/");
        admin.post(PUBLIC, meeting("NORTH")).await.is(201);
        answers.push(admin.patch(&path, json!({ "terminal": "DOOR" })).await.is(400));
        let with_body = admin.post(&path, json!({ "content": "new" })).await;
        assert_eq!(with_body.header("allow"), "DELETE, GET, HEAD, OPTIONS, PATCH, PUT");
        answers.push(with_body.is(405));
        let wrong = json!({ "object_ids": [1000001, 9], "action_type": "delete" });
        answers.push(admin.post(&format!("{PUBLIC}action/"), wrong).await.is(400));
        answers.push(admin.get(&format!("{PUBLIC}export/")).await.is(400));
        insta::assert_json_snapshot!("messages_refused", answers);
        assert_eq!(app.number("SELECT COUNT(*) FROM public_message").await, 1);
        assert_eq!(app.number("SELECT COUNT(*) FROM private_message").await, 0);
        assert_eq!(app.obeyed("DOOR").await, NOTHING);
    })
    .await;
}

#[tokio::test]
async fn a_message_longer_than_a_terminal_takes_is_cut_there_and_whole_here() {
    on_both(|app| async move {
        let admin = scene(&app, Profile::EasyTimePro).await;
        let mut long = meeting("NORTH");
        long["content"] = json!("é".repeat(200));
        let shown = admin.post(PUBLIC, long).await.is(201);
        assert_eq!(shown["content"], "é".repeat(200));
        let told = format!(
            "DATA UPDATE SMS MSG={}…\tTAG=253\tUID=1001\tMIN=60\tStartTime=2026-01-15 13:56:38",
            "é".repeat(158)
        );
        assert_eq!(app.obeyed("NORTH").await, [told]);
    })
    .await;
}

#[tokio::test]
async fn messages_end_by_the_terminals_clock_and_their_numbers_are_not_used_again() {
    on_both(|app| async move {
        let admin = scene(&app, Profile::EasyTimePro).await;
        // It is 13:30 there.
        admin.post(PUBLIC, meeting("NORTH")).await.is(201);
        admin.post(PRIVATE, testing("11")).await.is(201);
        let mut ever = testing("11");
        ever["duration"] = json!(2147483647);
        admin.post(PRIVATE, ever).await.is(201);
        let mut over = testing("11");
        over["start_time"] = json!("2026-01-15 12:00:00");
        assert_eq!(admin.post(PRIVATE, over).await.is(201)["last_send"], Value::Null);
        let at = |content: &str, tag: u16, uid: u16, minutes: u32, start: &str| {
            format!("DATA UPDATE SMS MSG={content}\tTAG={tag}\tUID={uid}\tMIN={minutes}\tStartTime=2026-01-15 {start}")
        };
        let to = |uid: u16| format!("DATA UPDATE USER_SMS PIN=11\tUID={uid}");
        assert_eq!(
            app.obeyed("NORTH").await,
            [
                at("meeting", 253, 1001, 60, "13:56:38"),
                at("testing", 254, 1002, 60, "13:55:31"),
                to(1002),
                at("testing", 254, 1003, 2147483647, "13:55:31"),
                to(1003),
            ]
        );
        app.app.clock.advance(TimeDelta::minutes(85));
        app.run_jobs().await;
        assert_eq!(app.obeyed("NORTH").await, NOTHING, "14:55");
        app.app.clock.advance(TimeDelta::minutes(1));
        app.run_jobs().await;
        assert_eq!(app.obeyed("NORTH").await, ["DATA DELETE SMS UID=1002"], "14:56");
        app.app.clock.advance(TimeDelta::minutes(1));
        app.run_jobs().await;
        assert_eq!(app.obeyed("NORTH").await, ["DATA DELETE SMS UID=1001"], "14:57");
        let mut next = meeting("NORTH");
        next["start_time"] = json!("2026-01-15 16:00:00");
        admin.post(PUBLIC, next).await.is(201);
        assert_eq!(app.obeyed("NORTH").await, [at("meeting", 253, 1004, 60, "16:00:00")]);
        app.run_jobs().await;
        assert_eq!(app.obeyed("NORTH").await, NOTHING);
        assert_eq!(app.number("SELECT COUNT(*) FROM public_message").await, 2, "they stay as what was said");
    })
    .await;
}

#[tokio::test]
async fn a_held_terminal_is_told_when_it_is_authorised_and_a_replaced_one_anew() {
    on_both(|app| async move {
        let admin = scene(&app, Profile::EasyTimePro).await;
        let waiting = admin.post(PUBLIC, meeting("HELD")).await.is(201);
        assert_eq!(waiting["last_send"], Value::Null);
        assert_eq!(app.number("SELECT COUNT(*) FROM terminal_message").await, 0);
        app.run_jobs().await;
        assert_eq!(app.number("SELECT COUNT(*) FROM terminal_message").await, 0);
        let terminal = "/iclock/api/terminals/HELD/";
        let south = json!({ "area": "south" });
        admin.patch(terminal, south.clone()).await.is(200);
        app.run_jobs().await;
        let told =
            "DATA UPDATE SMS MSG=meeting\tTAG=253\tUID=1001\tMIN=60\tStartTime=2026-01-15 13:56:38";
        assert!(app.obeyed("HELD").await.contains(&told.to_owned()));
        let path = format!("{PUBLIC}1000001/");
        assert_eq!(
            admin.get(&path).await.is(200)["last_send"],
            "2026-01-15 08:00:00"
        );
        // Held again, it keeps what it has, until it may be told.
        admin.patch(terminal, json!({ "area": "1" })).await.is(200);
        admin.delete(&path).await.is(200);
        app.run_jobs().await;
        admin.patch(terminal, south).await.is(200);
        app.run_jobs().await;
        assert!(
            app.obeyed("HELD")
                .await
                .contains(&"DATA DELETE SMS UID=1001".to_owned())
        );

        admin.post(PUBLIC, meeting("HELD")).await.is(201);
        admin.patch(terminal, json!({ "sn": "NEW" })).await.is(200);
        app.run_jobs().await;
        let again = told.replace("1001", "1003");
        assert!(app.obeyed("NEW").await.contains(&again));
    })
    .await;
}

#[tokio::test]
async fn a_cleared_terminal_shows_nothing_until_it_is_filled_again() {
    on_both(|app| async move {
        let admin = scene(&app, Profile::EasyTimePro).await;
        admin.post(PUBLIC, meeting("NORTH")).await.is(201);
        admin.post(PRIVATE, testing("11")).await.is(201);
        app.obeyed("NORTH").await;
        let north = json!({ "devices_sn": ["NORTH"] });
        let clear = "/iclock/api/terminals/clear_all/";
        admin.post(clear, north).await.is(200);
        assert_eq!(app.obeyed("NORTH").await, ["CLEAR DATA"]);
        app.run_jobs().await;
        app.run_jobs().await;
        assert_eq!(app.obeyed("NORTH").await, NOTHING);
        admin
            .patch("/iclock/api/terminals/NORTH/", json!({ "area": "south" }))
            .await
            .is(200);
        app.run_jobs().await;
        let told =
            "DATA UPDATE SMS MSG=meeting\tTAG=253\tUID=1003\tMIN=60\tStartTime=2026-01-15 13:56:38";
        assert!(app.obeyed("NORTH").await.contains(&told.to_owned()));
    })
    .await;
}

#[tokio::test]
async fn who_is_gone_takes_the_messages_along() {
    on_both(|app| async move {
        let admin = scene(&app, Profile::EasyTimePro).await;
        admin.post(PRIVATE, testing("11")).await.is(201);
        admin.post(PRIVATE, testing("12")).await.is(201);
        app.obeyed("NORTH").await;
        app.obeyed("SOUTH").await;
        let resigned = json!({ "emp_code": "12", "resign_date": "2026-01-15", "resign_type": 1 });
        admin
            .post("/personnel/api/employees/adjust_resign/", resigned)
            .await
            .is(200);
        admin.delete("/personnel/api/employees/11/").await.is(200);
        app.run_jobs().await;
        assert!(
            app.obeyed("NORTH")
                .await
                .contains(&"DATA DELETE SMS UID=1001".to_owned())
        );
        assert!(
            app.obeyed("SOUTH")
                .await
                .contains(&"DATA DELETE SMS UID=1001".to_owned())
        );
        assert_eq!(app.number("SELECT COUNT(*) FROM private_message").await, 1);
        app.run_jobs().await;
        assert_eq!(app.obeyed("SOUTH").await, NOTHING);
    })
    .await;
}

#[tokio::test]
async fn lists_are_filtered_searched_ordered_and_exported() {
    on_both(|app| async move {
        let admin = scene(&app, Profile::EasyTimePro).await;
        for (terminal, content) in [("SOUTH", "Ärger"), ("NORTH", "=1+1"), ("NORTH", "lunch")] {
            let mut new = meeting(terminal);
            new["content"] = json!(content);
            admin.post(PUBLIC, new).await.is(201);
        }
        for (employee, content) in [("12", "salary"), ("11", "please call")] {
            let mut new = testing(employee);
            new["content"] = json!(content);
            admin.post(PRIVATE, new).await.is(201);
        }
        let contents = async |path: &str| -> String {
            let list = admin.get(path).await.is(200);
            let rows = list["data"].as_array().cloned().unwrap_or_default();
            let contents: Vec<&str> = rows
                .iter()
                .filter_map(|row| row["content"].as_str())
                .collect();
            format!("{path}: {}", contents.join(", "))
        };
        let mut found = Vec::new();
        for query in [
            "",
            "?sn=NORTH",
            "?terminal=NORTH",
            "?terminal=1000002",
            "?terminal_sn_icontains=ort",
            "?terminal_alias=SOUTH",
            "?search=%C3%84RGER",
            "?search=north,lun",
            "?content=lunch",
            "?content_icontains=UNC",
            "?ordering=terminal,-id",
            "?ordering=-content",
            "?duration=60&page_size=1",
        ] {
            found.push(contents(&format!("{PUBLIC}{query}")).await);
        }
        for query in [
            "",
            "?Emp_code=11",
            "?employee=1000000002",
            "?employee=11,12",
            "?search=salary",
            "?search=asha",
            "?first_name=Asha&ordering=id",
            "?ordering=-employee",
        ] {
            found.push(contents(&format!("{PRIVATE}{query}")).await);
        }
        for path in [PUBLIC, PRIVATE] {
            let file = admin.get(&format!("{path}export/?export_type=csv")).await;
            assert_eq!(file.status, 200);
            found.extend(file.text.lines().map(str::to_owned));
        }
        let some =
            format!("{PRIVATE}export/?export_type=txt&emp_code=11&export_headers=content,emp_code");
        found.push(admin.get(&some).await.text);
        insta::assert_snapshot!("messages_found", found.join("\n"));
    })
    .await;
}

#[tokio::test]
async fn employees_read_their_own_and_all_public_ones() {
    on_both(|app| async move {
        let admin = scene(&app, Profile::EasyTimePro).await;
        admin.post(PUBLIC, meeting("SOUTH")).await.is(201);
        admin.post(PRIVATE, testing("11")).await.is(201);
        admin.post(PRIVATE, testing("12")).await.is(201);
        let login = json!({ "username": "11", "password": PASSWORD });
        let token = admin
            .post("/api/staff-api-token-auth/", login)
            .await
            .is(200);
        let staff = app.with_token(token["token"].as_str().expect("a token"));
        let ids = |list: Value| -> Vec<Value> {
            list["data"]
                .as_array()
                .expect("rows")
                .iter()
                .map(|row| row["id"].clone())
                .collect()
        };
        assert_eq!(ids(staff.get(PUBLIC).await.is(200)), [1000001]);
        assert_eq!(ids(staff.get(PRIVATE).await.is(200)), [1000001]);
        staff.get(&format!("{PUBLIC}1000001/")).await.is(200);
        staff.get(&format!("{PRIVATE}1000001/")).await.is(200);
        staff.get(&format!("{PRIVATE}1000002/")).await.is(404);
        for path in [PUBLIC, PRIVATE] {
            staff.post(path, testing("11")).await.is(403);
            staff.delete(&format!("{path}1000001/")).await.is(403);
            staff
                .get(&format!("{path}export/?export_type=csv"))
                .await
                .is(403);
        }
        let reader = app
            .api(
                Profile::EasyTimePro,
                Rights::from_iter([Right::View(Thing::Message)]),
            )
            .await;
        reader.get(PRIVATE).await.is(200);
        reader.post(PRIVATE, testing("11")).await.is(403);
    })
    .await;
}

#[tokio::test]
async fn who_is_limited_to_areas_has_the_messages_of_their_terminals_and_people() {
    on_both(|app| async move {
        let admin = scene(&app, Profile::EasyTimePro).await;
        for sn in ["NORTH", "SOUTH"] {
            admin.post(PUBLIC, meeting(sn)).await.is(201);
        }
        for emp_code in ["11", "12"] {
            admin.post(PRIVATE, testing(emp_code)).await.is(201);
        }
        let limited = app.limited_to("north").await;
        for (path, new) in [(PUBLIC, meeting("SOUTH")), (PRIVATE, testing("12"))] {
            let seen = limited.get(path).await.is(200);
            assert_eq!(
                (&seen["count"], &seen["data"][0]["id"]),
                (&json!(1), &json!(1000001))
            );
            let file = limited.get(&format!("{path}export/?export_type=csv")).await;
            assert_eq!(file.text.lines().count(), 2);
            let other = format!("{path}1000002/");
            limited.get(&other).await.is(404);
            limited
                .patch(&other, json!({ "duration": 5 }))
                .await
                .is(404);
            limited.delete(&other).await.is(404);
            let both = json!({ "object_ids": [1000001, 1000002], "action_type": "delete" });
            limited.post(&format!("{path}action/"), both).await.is(400);
            limited.post(path, new).await.is(400);
        }
        assert_eq!(app.number("SELECT COUNT(*) FROM public_message").await, 2);
        assert_eq!(app.number("SELECT COUNT(*) FROM private_message").await, 2);
    })
    .await;
}
