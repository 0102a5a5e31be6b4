//! What terminals log of themselves, and what of theirs nobody could read: as callers see it.

use crate::testing::{Api, TestApp, on_both};
use chrono::{DateTime, TimeZone, Utc};
use muster::access::{Right, Rights, Thing};
use muster::events::Event;
use muster::profile::Profile;
use muster_store::Sql;
use serde_json::{Value, json};

const OPERATIONS: &str = "/iclock/api/operationlogs/";
const UNREAD: &str = "/iclock/api/unread/";

/// Two terminals, each in an area of its own.
async fn scene(app: &TestApp, profile: Profile) -> Api<'_> {
    let admin = app.api(profile, Rights::administrator()).await;
    for area in ["north", "south"] {
        let new = json!({ "area_code": area, "area_name": area });
        admin.post("/personnel/api/areas/", new).await.is(201);
        let sn = area.to_uppercase();
        let new = json!({ "sn": sn, "alias": sn, "ip_address": "192.0.2.1", "area": area });
        admin.post("/iclock/api/terminals/", new).await.is(201);
    }
    admin
}

async fn sends(app: &TestApp, sn: &str, table: &str, body: &[u8]) {
    let target = format!("/iclock/cdata?SN={sn}&table={table}&Stamp=1");
    assert_eq!(app.post(&target, body).await.status, 200);
}

fn ids(list: &Value) -> String {
    let rows = list["data"].as_array().expect("rows");
    let ids: Vec<String> = rows.iter().map(|row| row["id"].to_string()).collect();
    ids.join(" ")
}

#[tokio::test]
async fn operations_are_listed_with_their_meaning_once_however_often_they_come() {
    on_both(|app| async move {
        let admin = scene(&app, Profile::EasyTimePro).await;
        let north = b"OPLOG 4\t14\t2015-07-30 10:22:34\t0\t0\t0\t0\n\
                      OPLOG 6\t14\t2015-07-30 10:23:01\t1042\t6\t1124\t0\n\
                      OPLOG 3\t0\t2026-01-15 13:00:00\t0\t54\t0\t0\n";
        sends(&app, "NORTH", "OPERLOG", north).await;
        sends(
            &app,
            "SOUTH",
            "OPERLOG",
            b"OPLOG 99\t0\t2026-01-15 13:05:00\t=1\t0\t0\t0\n",
        )
        .await;
        sends(&app, "NORTH", "OPERLOG", north).await;
        let biotime = app.api(Profile::BioTime, Rights::viewer()).await;
        let mut answers = vec![
            admin.get(OPERATIONS).await.is(200),
            biotime.get(OPERATIONS).await.is(200),
            admin.get(&format!("{OPERATIONS}3/")).await.is(200),
            admin.get(&format!("{OPERATIONS}9/")).await.is(404),
            admin
                .get(&format!(
                    "{OPERATIONS}?op=menu&start_time=noon&end_time=never"
                ))
                .await
                .is(400),
            admin
                .get(&format!(
                    "{OPERATIONS}?start_time=2026-02-01&end_time=2026-01-01"
                ))
                .await
                .is(400),
        ];
        admin.delete("/iclock/api/terminals/SOUTH/").await.is(200);
        answers.push(admin.get(&format!("{OPERATIONS}4/")).await.is(200));
        insta::assert_json_snapshot!("operations", answers);
        let mut found = Vec::new();
        for query in [
            "?sn=NORTH",
            "?terminal_sn_icontains=sou",
            "?terminal=1000001&op=3,4",
            "?operator=14&ordering=op_time",
            "?start_time=2015-07-30%2010:23:00&end_time=2015-07-30",
            "?upload_time_start=2026-01-15&upload_time_end=2026-01-15&op=99",
            "?upload_time_end=2026-01-14",
            "?search=north",
        ] {
            let list = admin.get(&format!("{OPERATIONS}{query}")).await.is(200);
            found.push(format!("{query}: {}", ids(&list)));
        }
        found.push(
            admin
                .get(&format!("{OPERATIONS}export/?export_type=csv"))
                .await
                .text,
        );
        insta::assert_snapshot!("operations_found", found.join("\n"));
    })
    .await;
}

#[tokio::test]
async fn an_alarm_is_told_to_whoever_looks_once() {
    on_both(|app| async move {
        scene(&app, Profile::EasyTimePro).await;
        let mut events = app.app.events.subscribe();
        let mut heard = || {
            let mut alarms = 0;
            while let Ok(event) = events.try_recv() {
                alarms += i32::from(matches!(event, Event::Alarm { .. }));
            }
            alarms
        };
        let last = async || -> (Option<String>, Option<DateTime<Utc>>) {
            let sql = "SELECT alarm, alarm_at FROM terminal WHERE sn = 'NORTH'";
            app.app
                .store
                .one(&Sql::new(sql, []))
                .await
                .expect("a terminal")
        };
        let at = |minute| {
            let at = Utc.with_ymd_and_hms(2026, 1, 15, 7, minute, 0);
            Some(at.single().expect("a time"))
        };
        sends(
            &app,
            "NORTH",
            "OPERLOG",
            b"OPLOG 4\t14\t2026-01-15 07:00:00\t0\t0\t0\t0\n",
        )
        .await;
        assert_eq!(
            (heard(), last().await),
            (0, (None, None)),
            "somebody looked at a menu"
        );
        let broken = b"OPLOG 3\t0\t2026-01-15 07:10:00\t0\t54\t0\t0\n";
        sends(&app, "NORTH", "OPERLOG", broken).await;
        assert_eq!(
            (heard(), last().await),
            (1, (Some("Door broken open".into()), at(10)))
        );
        sends(&app, "NORTH", "OPERLOG", broken).await;
        let earlier = b"OPLOG 32\t7\t2026-01-15 07:05:00\t0\t0\t0\t0\n";
        sends(&app, "NORTH", "OPERLOG", earlier).await;
        assert_eq!(
            (heard(), last().await),
            (0, (Some("Door broken open".into()), at(10))),
            "told already, and not the last one"
        );
        let cancelled = b"OPLOG 3\t0\t2026-01-15 07:20:00\t0\t65535\t0\t0\n";
        sends(&app, "NORTH", "OPERLOG", cancelled).await;
        assert_eq!((heard(), last().await), (1, (None, at(20))));
        // What an access terminal tells of its doors.
        let event = |code: u16, minute: u8| {
            format!("time=2026-01-15 07:{minute}:00\tpin=0\tcardno=0\teventaddr=1\tevent={code}\tinoutstatus=2\tindex=0\n")
        };
        sends(&app, "NORTH", "rtlog", event(202, 29).as_bytes()).await;
        sends(&app, "NORTH", "rtlog", event(105, 29).as_bytes()).await;
        assert_eq!(heard(), 0, "somebody went out, and nobody was to be reached");
        for _ in 0..2 {
            let both = event(101, 31) + &event(102, 30);
            sends(&app, "NORTH", "rtlog", both.as_bytes()).await;
        }
        assert_eq!(
            (heard(), last().await),
            (1, (Some("Duress alarm".into()), at(31)))
        );
    })
    .await;
}

#[tokio::test]
async fn an_alarm_that_could_not_be_stored_is_told_when_it_comes_again() {
    on_both(|app| async move {
        scene(&app, Profile::EasyTimePro).await;
        let alter = async |sql: &'static str| {
            let mut tx = app.app.store.write().await.expect("a transaction");
            tx.run(&Sql::new(sql, [])).await.expect("altered");
            tx.commit().await.expect("durable");
        };
        let mut events = app.app.events.subscribe();
        let target = "/iclock/cdata?SN=NORTH&table=rtlog";
        let duress = "time=2026-01-15 07:31:00\tpin=0\tcardno=0\teventaddr=1\tevent=101\tinoutstatus=2\tindex=0\n";
        alter("ALTER TABLE terminal RENAME COLUMN alarm TO alarm_away").await;
        assert_eq!(app.post(target, duress).await.status, 503);
        alter("ALTER TABLE terminal RENAME COLUMN alarm_away TO alarm").await;
        for _ in 0..2 {
            assert_eq!(app.post(target, duress).await.status, 200);
        }
        let mut alarms = 0;
        while let Ok(event) = events.try_recv() {
            alarms += i32::from(matches!(event, Event::Alarm { .. }));
        }
        let alarm = "SELECT alarm FROM terminal WHERE sn = 'NORTH'";
        let last: (Option<String>,) = app.app.store.one(&Sql::new(alarm, [])).await.expect("a row");
        assert_eq!((alarms, last.0.as_deref()), (1, Some("Duress alarm")));
    })
    .await;
}

#[tokio::test]
async fn unread_lines_are_shown_byte_for_byte_to_those_who_may_see_templates() {
    on_both(|app| async move {
        let admin = scene(&app, Profile::EasyTimePro).await;
        let bad = b"1042\tnoon\t0\t1\n\xff\xfe\tnever\n";
        sends(&app, "NORTH", "ATTLOG", bad).await;
        sends(&app, "SOUTH", "WEATHER", b"rain Passwd=1234\n").await;
        sends(&app, "NORTH", "ATTLOG", bad).await;
        let viewer = app.api(Profile::BioTime, Rights::viewer()).await;
        let answers = [
            admin.get(UNREAD).await.is(200),
            viewer.get(UNREAD).await.is(200),
            admin.get(&format!("{UNREAD}2/")).await.is(200),
            admin.get(&format!("{UNREAD}9/")).await.is(404),
        ];
        insta::assert_json_snapshot!("unread_lines", answers);
        let mut found = Vec::new();
        for query in [
            "?sn=NORTH&reason=bad_time",
            "?table=WEATHER",
            "?terminal=1000002",
            "?upload_time_start=2026-01-16",
            "?search=weather",
        ] {
            let list = admin.get(&format!("{UNREAD}{query}")).await.is(200);
            found.push(format!("{query}: {}", ids(&list)));
        }
        let named = "export_headers=table,text,base64&export_type=txt&sn=SOUTH";
        for (caller, query) in [
            (&admin, "export_type=csv"),
            (&admin, named),
            (&viewer, named),
        ] {
            found.push(caller.get(&format!("{UNREAD}export/?{query}")).await.text);
        }
        insta::assert_snapshot!("unread_found", found.join("\n"));
    })
    .await;
}

#[tokio::test]
async fn a_page_of_what_may_be_large_is_bounded_whatever_is_asked_for() {
    on_both(|app| async move {
        let admin = scene(&app, Profile::EasyTimePro).await;
        let lines: String = (0..501).map(|number| format!("{number}\n")).collect();
        sends(&app, "NORTH", "ATTLOG", lines.as_bytes()).await;
        let page = async |number: usize| {
            let path = format!("{UNREAD}?page_size=10000&page={number}");
            let list = admin.get(&path).await.is(200);
            assert_eq!(list["count"], 501);
            list["data"].as_array().expect("rows").len()
        };
        assert_eq!((page(1).await, page(2).await), (500, 1));
    })
    .await;
}

#[tokio::test]
async fn both_logs_are_for_those_who_may_see_their_terminals() {
    on_both(|app| async move {
        scene(&app, Profile::EasyTimePro).await;
        for sn in ["NORTH", "SOUTH"] {
            sends(
                &app,
                sn,
                "OPERLOG",
                b"OPLOG 0\t0\t2026-01-15 13:00:00\t0\t0\t0\t0\n",
            )
            .await;
            sends(&app, sn, "WEATHER", b"rain\n").await;
        }
        let limited = app.limited_to("south").await;
        let nobody = app
            .api(
                Profile::EasyTimePro,
                Rights::from_iter([Right::View(Thing::Employee)]),
            )
            .await;
        for path in [OPERATIONS, UNREAD] {
            let list = limited.get(path).await.is(200);
            assert_eq!(ids(&list), "2");
            assert_eq!(list["data"][0]["terminal_sn"], "SOUTH");
            limited.get(&format!("{path}1/")).await.is(404);
            let file = limited.get(&format!("{path}export/?export_type=csv")).await;
            assert_eq!(file.text.lines().count(), 2);
            nobody.get(path).await.is(403);
        }
    })
    .await;
}
