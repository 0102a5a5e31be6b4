//! Terminals that lose answers, refuse, start anew or are emptied while people and settings change: in what order
//! they are told what, and what is never said again.

use crate::testing::{Api, TestApp, on_both};
use chrono::TimeDelta;
use muster::access::Rights;
use muster::profile::Profile;
use muster_store::{Dialect, Sql, Tx};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

const TERMINALS: &str = "/iclock/api/terminals/";
const PEOPLE: &str = "/personnel/api/employees/";
const NOTHING: [&str; 0] = [];

/// Areas north and south, with a terminal each.
async fn scene(app: &TestApp) -> Api<'_> {
    let admin = app.api(Profile::EasyTimePro, Rights::administrator()).await;
    for (sn, area) in [("NORTH", "north"), ("SOUTH", "south")] {
        let new = json!({ "area_code": area, "area_name": area });
        admin.post("/personnel/api/areas/", new).await.is(201);
        let new = json!({ "sn": sn, "area": area });
        admin.post(TERMINALS, new).await.is(201);
    }
    admin
}

/// The terminal starts anew: nobody knows what it did of what it was told.
async fn restarts(app: &TestApp, sn: &str) {
    let hello = format!("/iclock/cdata?SN={sn}&options=all&pushver=2.4.1");
    assert_eq!(app.get(&hello).await.status, 200);
}

/// The terminal says what became of one command.
async fn answers(app: &TestApp, sn: &str, id: &str, code: i32) {
    let result = format!("ID={id}&Return={code}&CMD=DATA\n");
    let answer = app
        .post(&format!("/iclock/devicecmd?SN={sn}"), result)
        .await;
    assert_eq!(answer.whole(), (200, "OK"));
}

/// Time passes, and the server does what it does by itself.
async fn later(app: &TestApp, passes: TimeDelta) {
    app.app.clock.advance(passes);
    app.run_jobs().await;
}

#[tokio::test]
async fn what_was_never_answered_is_not_said_again_behind_a_later_one_about_the_same() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        let path = format!("{TERMINALS}ip_port_update_to_device/");
        for ip in ["192.0.2.1", "192.0.2.2"] {
            let body = json!({ "device_sn": "NORTH", "ip": ip, "port": 8000 });
            admin.post(&path, body).await.is(200);
        }
        let given = app.given("NORTH").await;
        let texts: Vec<&str> = given.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "SET OPTION WebServerIP=192.0.2.1",
                "SET OPTION WebServerPort=8000",
                "RELOAD OPTIONS",
                "SET OPTION WebServerIP=192.0.2.2",
                "SET OPTION WebServerPort=8000",
                "RELOAD OPTIONS",
            ]
        );
        // The answers to the older ones are lost.
        for (id, _) in &given[3..] {
            answers(&app, "NORTH", id, 0).await;
        }
        restarts(&app, "NORTH").await;
        app.app.clock.advance(TimeDelta::minutes(1));
        assert_eq!(
            app.obeyed("NORTH").await,
            ["RELOAD OPTIONS"],
            "the newer address stays"
        );
        let cancelled = "SELECT COUNT(*) FROM terminal_command WHERE state = 'cancelled'";
        assert_eq!(app.number(cancelled).await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_message_that_was_taken_back_does_not_return_with_a_lost_answer() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        let path = "/iclock/api/publicmessages/";
        let meeting = json!({
            "terminal": "NORTH", "start_time": "2026-01-15 09:00:00", "duration": 60, "content": "meeting",
        });
        let made = admin.post(path, meeting).await.is(201);
        let told = app.given("NORTH").await;
        assert_eq!(told.len(), 1);
        admin.delete(&format!("{path}{}/", made["id"])).await.is(200);
        assert_eq!(app.obeyed("NORTH").await, ["DATA DELETE SMS UID=1001"]);
        restarts(&app, "NORTH").await;
        for _ in 0..4 {
            later(&app, TimeDelta::hours(1)).await;
            assert_eq!(app.told("NORTH").await, NOTHING);
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_terminal_has_no_time_for_it_is_told_again_unless_it_must_be_done_once() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        let north = json!({ "device_sn": ["NORTH"], "port": 8000 });
        let path = format!("{TERMINALS}ip_port_update_to_device/");
        admin.post(&path, north.clone()).await.is(200);
        let path = format!("{TERMINALS}clear_capture/");
        admin.post(&path, north).await.is(200);
        let given = app.given("NORTH").await;
        let texts: Vec<&str> = given.iter().map(|(_, text)| text.as_str()).collect();
        let port = "SET OPTION WebServerPort=8000";
        assert_eq!(texts, [port, "RELOAD OPTIONS", "CLEAR PHOTO"]);
        for ((id, _), code) in given.iter().zip([-1005, 0, -1005]) {
            answers(&app, "NORTH", id, code).await;
        }
        let read = async |verb: &str| {
            let path = format!("/iclock/api/commands/?verb={verb}");
            let list = admin.get(&path).await.is(200);
            let row = &list["data"][0];
            (row["state"].clone(), row["meaning"].clone())
        };
        let busy = json!("Terminal is busy");
        assert_eq!(read("SET%20OPTION").await, (json!("queued"), busy.clone()));
        assert_eq!(
            read("CLEAR%20PHOTO").await,
            (json!("refused"), busy.clone())
        );
        for minutes in [1, 5, 30] {
            app.app.clock.advance(TimeDelta::seconds(minutes * 60 - 1));
            assert_eq!(app.told("NORTH").await, NOTHING);
            app.app.clock.advance(TimeDelta::seconds(1));
            assert_eq!(app.answered("NORTH", |_| -1005).await, [port]);
        }
        assert_eq!(read("SET%20OPTION").await, (json!("refused"), busy));
        later(&app, TimeDelta::hours(1)).await;
        assert_eq!(app.told("NORTH").await, NOTHING);
    })
    .await;
}

#[tokio::test]
async fn passwords_do_not_stay_in_commands_that_are_over() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        let path = format!("{PEOPLE}7/");
        let new = json!({ "emp_code": "7", "device_password": "4711", "area": ["north"] });
        admin.post(PEOPLE, new).await.is(201);
        let open = "SELECT COUNT(*) FROM terminal_command WHERE length(body_sealed) > 0";
        // Overtaken while its answer is awaited; then lost, then the terminal is another.
        app.told("NORTH").await;
        restarts(&app, "NORTH").await;
        let password = |password: &str| json!({ "device_password": password });
        admin.patch(&path, password("4712")).await.is(200);
        assert_eq!(app.number(open).await, 1);
        for minutes in [0, 1, 5, 30] {
            app.app.clock.advance(TimeDelta::minutes(minutes));
            assert_eq!(app.told("NORTH").await.len(), 1);
            restarts(&app, "NORTH").await;
        }
        assert_eq!(app.number(open).await, 0, "lost");
        admin.patch(&path, password("4713")).await.is(200);
        let another = json!({ "sn": "ANOTHER" });
        admin
            .patch(&format!("{TERMINALS}NORTH/"), another)
            .await
            .is(200);
        assert_eq!(app.number(open).await, 0, "for another terminal");
        let ended = "SELECT COUNT(*) FROM terminal_command WHERE state = 'lost'";
        assert_eq!(app.number(ended).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_handshake_that_a_terminal_was_told_to_make_is_no_restart() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        restarts(&app, "NORTH").await;
        let north = json!({ "devices_sn": ["NORTH"] });
        let enrol = json!({ "devices_sn": ["NORTH"], "bio_type": 1, "emp_code": "7", "finger": 0 });
        let new = json!({ "emp_code": "7", "area": ["north"] });
        admin.post(PEOPLE, new).await.is(201);
        app.obeyed("NORTH").await;
        let path = format!("{TERMINALS}upload_all/");
        admin.post(&path, north).await.is(200);
        admin
            .post(&format!("{TERMINALS}enroll_remotely/"), enrol)
            .await
            .is(200);
        let given = app.given("NORTH").await;
        assert_eq!(given[0].1, "CHECK");
        // It does the first while somebody puts a finger on it for the second.
        restarts(&app, "NORTH").await;
        answers(&app, "NORTH", &given[0].0, 0).await;
        restarts(&app, "NORTH").await;
        let state =
            "SELECT COUNT(*) FROM terminal_command WHERE verb = 'ENROLL_FP' AND state = 'sent'";
        assert_eq!(app.number(state).await, 1, "it is on its way still");
        app.app.clock.advance(TimeDelta::minutes(6));
        restarts(&app, "NORTH").await;
        assert_eq!(app.number(state).await, 0, "this is another matter");
    })
    .await;
}

/// A transaction that has the punches' counter, as one that stores punches has. On SQLite there is one that
/// writes, whatever it writes, so nobody is kept waiting there.
async fn storing_punches(app: &TestApp) -> Option<Tx> {
    let mut tx = app.app.store.write().await.expect("begun");
    if tx.dialect() == Dialect::Sqlite {
        return None;
    }
    let held = "UPDATE punch_counter SET last_id = last_id";
    tx.run(&Sql::new(held, [])).await.expect("held");
    Some(tx)
}

#[tokio::test]
async fn who_changes_people_waits_for_no_punch() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        for code in ["7", "8"] {
            let new = json!({ "emp_code": code, "first_name": "Binod", "area": ["north"] });
            admin.post(PEOPLE, new).await.is(201);
        }
        app.obeyed("NORTH").await;
        app.app.clock.advance(TimeDelta::minutes(1));
        let storing = storing_punches(&app).await;
        let changes = async {
            let seven = json!({ "emp_code": ["7"], "vl_face": true });
            let north = json!({ "devices_sn": ["NORTH"] });
            let path = format!("{PEOPLE}7/");
            admin.patch(&path, json!({ "first_name": "Bina" })).await.is(200);
            for (door, body) in [
                ("resync_to_device", json!({ "emp_code": ["7"] })),
                ("del_bio_template", seven),
                (
                    "adjust_resign",
                    json!({ "emp_code": ["8"], "resign_date": "2026-01-15", "resign_type": 1 }),
                ),
            ] {
                admin.post(&format!("{PEOPLE}{door}/"), body).await.is(200);
            }
            let message = json!({
                "employee": "7", "start_time": "2026-01-15 09:00:00", "duration": 60, "content": "hello",
            });
            let path = "/iclock/api/privatemessages/";
            let message = admin.post(path, message).await.is(201);
            admin.delete(&format!("{path}{}/", message["id"])).await.is(200);
            for door in ["sync_data_to_device", "clear_all"] {
                admin.post(&format!("{TERMINALS}{door}/"), north.clone()).await.is(200);
            }
            admin.patch(&format!("{TERMINALS}SOUTH/"), json!({ "area": "north" })).await.is(200);
            app.run_jobs().await;
            let rows = "USER PIN=7\tName=Bina\tPri=0\tPasswd=\tCard=99\nFP PIN=7\tFID=6\tSize=8\tValid=1\tTMP=c3ludGhldGlj\n";
            let upload = app.post("/iclock/cdata?SN=SOUTH&table=OPERLOG&Stamp=1", rows).await;
            assert_eq!(upload.status, 200);
            admin.delete(&format!("{PEOPLE}8/")).await.is(200);
        };
        tokio::time::timeout(Duration::from_secs(60), changes)
            .await
            .expect("none of it waits for the punches");
        drop(storing);
    })
    .await;
}

const BINOD: &str = "DATA UPDATE USERINFO PIN=7\tName=Binod\tPri=0\tPasswd=\tCard=\tVerify=-1";
const ASHA: &str = "DATA UPDATE USERINFO PIN=8\tName=Asha\tPri=0\tPasswd=\tCard=\tVerify=-1";

/// Binod and Asha in the north, whose terminal knows them.
async fn two_people(app: &TestApp, admin: &Api<'_>) {
    for (code, name) in [("7", "Binod"), ("8", "Asha")] {
        let new = json!({ "emp_code": code, "first_name": name, "area": ["north"] });
        admin.post(PEOPLE, new).await.is(201);
    }
    assert_eq!(app.obeyed("NORTH").await, [BINOD, ASHA]);
}

#[tokio::test]
async fn a_terminal_is_filled_again_when_it_has_confirmed_that_it_is_empty() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        two_people(&app, &admin).await;
        let north = json!({ "devices_sn": ["NORTH"] });
        let order = async |name: &str| {
            let path = format!("{TERMINALS}{name}/");
            admin.post(&path, north.clone()).await.is(200)
        };
        // Filled before it asked, and while its answer is awaited.
        order("clear_all").await;
        order("sync_data_to_device").await;
        let given = app.given("NORTH").await;
        assert_eq!(given.len(), 1, "{given:?}");
        assert_eq!(given[0].1, "CLEAR DATA");
        order("sync_data_to_device").await;
        assert_eq!(app.told("NORTH").await, NOTHING);
        answers(&app, "NORTH", &given[0].0, 0).await;
        later(&app, TimeDelta::seconds(20)).await;
        assert_eq!(app.obeyed("NORTH").await, [BINOD, ASHA]);
        later(&app, TimeDelta::seconds(20)).await;
        assert_eq!(app.obeyed("NORTH").await, NOTHING, "once");
    })
    .await;
}

#[tokio::test]
async fn who_left_while_a_terminal_would_not_be_emptied_is_removed_from_it() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        two_people(&app, &admin).await;
        let north = json!({ "devices_sn": ["NORTH"] });
        for code in [-1005, 0] {
            admin
                .post(&format!("{TERMINALS}clear_all/"), north.clone())
                .await
                .is(200);
            let given = app.given("NORTH").await;
            assert_eq!(given[0].1, "CLEAR DATA");
            admin.delete(&format!("{PEOPLE}8/")).await.is(200);
            admin
                .post(&format!("{TERMINALS}sync_data_to_device/"), north.clone())
                .await
                .is(200);
            if code == 0 {
                // Nobody ever learns whether it was done.
                restarts(&app, "NORTH").await;
            } else {
                answers(&app, "NORTH", &given[0].0, code).await;
            }
            later(&app, TimeDelta::seconds(20)).await;
            let mut told = app.obeyed("NORTH").await;
            told.sort();
            let gone = "DATA DELETE USERINFO PIN=8";
            if code == 0 {
                assert_eq!(told, [gone, BINOD], "lost");
            } else {
                assert_eq!(told, [gone], "it has Binod still");
                let new = json!({ "emp_code": "8", "first_name": "Asha", "area": ["north"] });
                admin.post(PEOPLE, new).await.is(201);
                assert_eq!(app.obeyed("NORTH").await, [ASHA]);
            }
        }
        assert_eq!(app.number("SELECT COUNT(*) FROM terminal_holding").await, 1);
    })
    .await;
}

#[tokio::test]
async fn what_needs_a_record_that_a_terminal_never_finds_is_repeated_with_pauses() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        two_people(&app, &admin).await;
        let both = json!({ "area": ["north", "south"] });
        admin.patch(&format!("{PEOPLE}7/"), both).await.is(200);
        for sn in ["NORTH", "SOUTH"] {
            let target = format!("/iclock/cdata?SN={sn}&table=options");
            app.post(&target, "FPVersion=10").await;
        }
        app.run_jobs().await;
        let row = "FP PIN=7\tFID=6\tSize=8\tValid=1\tTMP=c3ludGhldGlj\n";
        app.post("/iclock/cdata?SN=SOUTH&table=OPERLOG&Stamp=1", row)
            .await;
        let finger = "DATA UPDATE FINGERTMP PIN=7\tFID=6\tSize=12\tValid=1\tTMP=c3ludGhldGlj";
        // It takes the record each time, and says each time that it has nobody.
        let told = async || {
            let mut told = Vec::new();
            while told.len() < 20 {
                let given = app.given("NORTH").await;
                if given.is_empty() {
                    break;
                }
                for (id, text) in given {
                    let code = if text == finger { -10 } else { 0 };
                    answers(&app, "NORTH", &id, code).await;
                    told.push(text);
                }
            }
            told
        };
        assert_eq!(told().await, [finger, BINOD, finger, BINOD]);
        later(&app, TimeDelta::minutes(4)).await;
        assert_eq!(told().await, NOTHING);
        later(&app, TimeDelta::minutes(1)).await;
        assert_eq!(told().await, [finger, BINOD]);
        later(&app, TimeDelta::minutes(30)).await;
        assert_eq!(told().await, [finger, BINOD]);
    })
    .await;
}

#[tokio::test]
async fn a_message_that_a_terminal_did_not_take_is_told_again() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        two_people(&app, &admin).await;
        let message = json!({
            "terminal": "NORTH", "employee": "7", "start_time": "2026-01-15 09:00:00", "duration": 6000,
            "content": "hello",
        });
        admin.post("/iclock/api/publicmessages/", message.clone()).await.is(201);
        admin.post("/iclock/api/privatemessages/", message).await.is(201);
        let text = |uid: u16, tag: u16| {
            format!("DATA UPDATE SMS MSG=hello\tTAG={tag}\tUID={uid}\tMIN=6000\tStartTime=2026-01-15 09:00:00")
        };
        let to_binod = "DATA UPDATE USER_SMS PIN=7\tUID=1002";
        let all = [text(1001, 253), text(1002, 254), to_binod.to_owned()];
        // Busy, or it says nothing of whom the second is for.
        let given = app.given("NORTH").await;
        for ((id, _), code) in given.iter().zip([-1005, 0, -1003]) {
            answers(&app, "NORTH", id, code).await;
        }
        later(&app, TimeDelta::seconds(59)).await;
        assert_eq!(app.told("NORTH").await, NOTHING);
        later(&app, TimeDelta::seconds(1)).await;
        let given = app.given("NORTH").await;
        let texts: Vec<&String> = given.iter().map(|(_, text)| text).collect();
        assert_eq!(texts, [&all[0], &all[1], &all[2]]);
        // It cannot show such messages to everybody.
        for ((id, _), code) in given.iter().zip([-1002, 0, 0]) {
            answers(&app, "NORTH", id, code).await;
        }
        for _ in 0..2 {
            later(&app, TimeDelta::hours(25)).await;
            assert_eq!(app.told("NORTH").await, NOTHING);
        }
    })
    .await;
}

/// A terminal says what it takes, and the server has heard it.
async fn can(app: &TestApp, sn: &str, options: &str) {
    let target = format!("/iclock/cdata?SN={sn}&table=options");
    assert_eq!(app.post(&target, options).await.status, 200);
    app.run_jobs().await;
}

async fn sends(app: &TestApp, sn: &str, table: &str, rows: &str) {
    let target = format!("/iclock/cdata?SN={sn}&table={table}&Stamp=1");
    assert_eq!(app.post(&target, rows).await.status, 200);
}

#[tokio::test]
async fn what_goes_along_with_a_removal_is_told_again_behind_it() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        two_people(&app, &admin).await;
        can(&app, "NORTH", "FaceVersion=7").await;
        for part in [0, 1] {
            let row = format!(
                "FACE PIN=7\tFID={part}\tSIZE=32\tVALID=1\tTMP=c3ludGhldGljIGZhY2UgZm9yIGE{part}\n"
            );
            sends(&app, "NORTH", "OPERLOG", &row).await;
        }
        assert_eq!(app.obeyed("NORTH").await, NOTHING, "it has what it brought");
        let path = "/iclock/api/biodatas/";
        let kept = admin.get(&format!("{path}?ordering=id")).await.is(200);
        admin
            .delete(&format!("{path}{}/", kept["data"][0]["id"]))
            .await
            .is(200);
        let told = app.obeyed("NORTH").await;
        assert_eq!(
            told,
            [
                "DATA DELETE FACE PIN=7",
                "DATA UPDATE FACE PIN=7\tFID=1\tValid=1\tSize=28\tTMP=c3ludGhldGljIGZhY2UgZm9yIGE1",
            ]
        );
        later(&app, TimeDelta::hours(1)).await;
        assert_eq!(app.obeyed("NORTH").await, NOTHING);
    })
    .await;
}

#[tokio::test]
async fn a_removal_of_two_commands_is_done_when_the_one_that_counts_is() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        two_people(&app, &admin).await;
        let options = "FPVersion=10,BioDataFun=1,MultiBioDataSupport=0:1:0:0:0:0:0:0:0:1";
        can(&app, "NORTH", options).await;
        let finger = "FP PIN=7\tFID=6\tSize=8\tValid=1\tTMP=c3ludGhldGlj\n";
        sends(&app, "NORTH", "OPERLOG", finger).await;
        let prints = json!({ "emp_code": ["7"], "finger_print": true });
        admin
            .post(&format!("{PEOPLE}del_bio_template/"), prints)
            .await
            .is(200);
        let removal = [
            "DATA DELETE FINGERTMP PIN=7",
            "DATA DELETE BIODATA Pin=7\tType=1",
        ];
        let given = app.given("NORTH").await;
        let texts: Vec<&str> = given.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, removal);
        answers(&app, "NORTH", &given[0].0, 0).await;
        answers(&app, "NORTH", &given[1].0, -1005).await;
        later(&app, TimeDelta::minutes(1)).await;
        assert_eq!(app.obeyed("NORTH").await, removal);
        later(&app, TimeDelta::hours(1)).await;
        assert_eq!(app.obeyed("NORTH").await, NOTHING);
    })
    .await;
}

#[tokio::test]
async fn templates_that_terminals_make_of_one_photo_are_not_sent_round() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        for sn in ["NORTH2", "NORTH3"] {
            admin.post(TERMINALS, json!({ "sn": sn, "area": "north" })).await.is(201);
        }
        let options = "FaceVersion=39,VisilightFun=1,BioPhotoFun=1,BioDataFun=1,MultiBioDataSupport=0:1:0:0:0:0:0:0:1:1";
        let norths = ["NORTH", "NORTH2", "NORTH3"];
        for sn in norths {
            can(&app, sn, options).await;
        }
        let new = json!({ "emp_code": "7", "first_name": "Binod", "area": ["north", "south"] });
        admin.post(PEOPLE, new).await.is(201);
        for sn in norths {
            assert_eq!(app.obeyed(sn).await, [BINOD]);
        }
        let photo = "BIOPHOTO PIN=7\tFileName=7.jpg\tType=9\tSize=8\tContent=cGhvdG8=\n";
        sends(&app, "SOUTH", "BIOPHOTO", photo).await;
        let told = "DATA UPDATE BIOPHOTO PIN=7\tType=9\tNo=0\tIndex=0\tSize=8\tContent=cGhvdG8=\tFormat=0\tPostBackTmpFlag=1";
        for sn in norths {
            assert_eq!(app.obeyed(sn).await, [told]);
        }
        let face = |body: &str| {
            format!("Pin=7\tNo=0\tIndex=0\tValid=1\tDuress=0\tType=9\tMajorVer=39\tMinorVer=1\tFormat=0\tTmp={body}")
        };
        for (sn, body) in norths.iter().zip(["b25l", "dHdv", "dGhy"]) {
            sends(&app, sn, "BIODATA", &format!("BIODATA {}\n", face(body))).await;
        }
        let first = format!("DATA UPDATE BIODATA {}", face("b25l"));
        let mut all = Vec::new();
        for sn in norths {
            all.extend(app.obeyed(sn).await);
        }
        assert!(all.iter().all(|told| *told == first), "{all:?}");
        assert!(all.len() < norths.len(), "{all:?}");
        // Somebody enrols anew at one of them: that is another matter.
        sends(&app, "NORTH2", "BIODATA", &format!("BIODATA {}\n", face("bmV3"))).await;
        let newest = [format!("DATA UPDATE BIODATA {}", face("bmV3"))];
        assert_eq!(app.obeyed("NORTH").await, newest);
        assert_eq!(app.obeyed("NORTH2").await, NOTHING);
        assert_eq!(app.obeyed("NORTH3").await, newest);
    })
    .await;
}

#[tokio::test]
async fn a_finger_for_use_under_duress_is_another_one_than_before() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        admin
            .post(TERMINALS, json!({ "sn": "NORTH2", "area": "north" }))
            .await
            .is(201);
        two_people(&app, &admin).await;
        app.obeyed("NORTH2").await;
        for sn in ["NORTH", "NORTH2"] {
            can(&app, sn, "FPVersion=10").await;
        }
        for valid in [1, 3, 3] {
            let row = format!("FP PIN=7\tFID=6\tSize=8\tValid={valid}\tTMP=c3ludGhldGlj\n");
            sends(&app, "NORTH", "OPERLOG", &row).await;
        }
        assert_eq!(
            app.obeyed("NORTH2").await,
            ["DATA UPDATE FINGERTMP PIN=7\tFID=6\tSize=12\tValid=3\tTMP=c3ludGhldGlj"]
        );
        sends(
            &app,
            "NORTH",
            "OPERLOG",
            "FP PIN=7\tFID=6\tSize=8\tValid=1\tTMP=c3ludGhldGlj\n",
        )
        .await;
        assert_eq!(
            app.obeyed("NORTH2").await,
            ["DATA UPDATE FINGERTMP PIN=7\tFID=6\tSize=12\tValid=1\tTMP=c3ludGhldGlj"]
        );
    })
    .await;
}

#[tokio::test]
async fn a_version_that_is_a_book_hurts_nobody() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        two_people(&app, &admin).await;
        let row = format!(
            "BIODATA Pin=7\tNo=0\tIndex=0\tValid=1\tDuress=0\tType=9\tMajorVer={}\tMinorVer=1\tFormat=0\tTmp=ZmFjZQ==\n",
            "9".repeat(20_000)
        );
        sends(&app, "NORTH", "BIODATA", &row).await;
        assert_eq!(app.number("SELECT COUNT(*) FROM biometric").await, 1);
    })
    .await;
}

#[tokio::test]
async fn one_password_that_cannot_be_read_keeps_nobody_else_waiting() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        two_people(&app, &admin).await;
        admin
            .patch(&format!("{PEOPLE}7/"), json!({ "device_password": "4711" }))
            .await
            .is(200);
        app.obeyed("NORTH").await;
        let mut tx = app.app.store.write().await.expect("begun");
        let spoilt = "UPDATE employee SET device_password_sealed = $1 WHERE emp_code = '7'";
        tx.run(&Sql::new(spoilt, [b"spoilt".to_vec().into()]))
            .await
            .expect("written");
        tx.commit().await.expect("durable");
        admin
            .patch(&format!("{TERMINALS}SOUTH/"), json!({ "area": "north" }))
            .await
            .is(200);
        app.run_jobs().await;
        assert_eq!(app.obeyed("SOUTH").await, [ASHA]);
        assert_eq!(app.obeyed("NORTH").await, NOTHING);
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_is_not_whole_makes_nobody_vanish() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        two_people(&app, &admin).await;
        app.app.clock.advance(TimeDelta::days(8));
        app.told("NORTH").await;
        later(&app, TimeDelta::minutes(1)).await;
        let given = app.given("NORTH").await;
        assert_eq!(given[0].1, "DATA QUERY USERINFO");
        // One row of two comes; the other is refused for now, and comes behind the answer.
        let row = |code: &str, name: &str| {
            format!("USER PIN={code}\tName={name}\tPri=0\tPasswd=\tCard=\n")
        };
        sends(&app, "NORTH", "OPERLOG", &row("7", "Binod")).await;
        for (id, _) in &given {
            answers(&app, "NORTH", id, 0).await;
        }
        later(&app, TimeDelta::seconds(59)).await;
        sends(&app, "NORTH", "OPERLOG", &row("8", "Asha")).await;
        for _ in 0..3 {
            later(&app, TimeDelta::minutes(1)).await;
            let told = app.obeyed("NORTH").await;
            assert!(!told.contains(&ASHA.to_owned()), "{told:?}");
        }
        // Or it says itself that there are more.
        app.app.clock.advance(TimeDelta::days(8));
        app.told("NORTH").await;
        later(&app, TimeDelta::minutes(1)).await;
        let given = app.given("NORTH").await;
        assert_eq!(given[0].1, "DATA QUERY USERINFO");
        sends(&app, "NORTH", "OPERLOG", &row("7", "Binod")).await;
        answers(&app, "NORTH", &given[0].0, 2).await;
        for _ in 0..3 {
            later(&app, TimeDelta::minutes(1)).await;
            let told = app.obeyed("NORTH").await;
            assert!(!told.contains(&ASHA.to_owned()), "{told:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn who_is_still_to_be_removed_is_not_made_anew_by_the_terminal() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        two_people(&app, &admin).await;
        admin.delete(&format!("{PEOPLE}7/")).await.is(200);
        let given = app.given("NORTH").await;
        answers(&app, "NORTH", &given[0].0, -1005).await;
        let row = "USER PIN=7\tName=Binod\tPri=0\tPasswd=\tCard=\n";
        sends(&app, "NORTH", "OPERLOG", row).await;
        assert_eq!(app.number("SELECT COUNT(*) FROM employee").await, 1);
        later(&app, TimeDelta::minutes(1)).await;
        assert_eq!(app.obeyed("NORTH").await, ["DATA DELETE USERINFO PIN=7"]);
    })
    .await;
}

#[tokio::test]
async fn who_comes_back_while_his_removal_is_answered_is_told_again() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        two_people(&app, &admin).await;
        let area = |area: &str| json!({ "area": [area] });
        let path = format!("{PEOPLE}7/");
        admin.patch(&path, area("south")).await.is(200);
        let given = app.given("NORTH").await;
        // Another server hears the answer, and has not looked at it yet.
        let done =
            "UPDATE terminal_command SET state = 'done', return_code = 0 WHERE state = 'sent'";
        let mut tx = app.app.store.write().await.expect("begun");
        assert_eq!(tx.run(&Sql::new(done, [])).await.expect("written"), 1);
        tx.commit().await.expect("durable");
        assert_eq!(given.len(), 1);
        admin.patch(&path, area("north")).await.is(200);
        assert_eq!(app.obeyed("NORTH").await, [BINOD]);
    })
    .await;
}

#[tokio::test]
async fn a_refusal_says_nothing_of_the_time_before() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        let new = json!({ "emp_code": "7", "first_name": "Binod", "area": ["north"] });
        admin.post(PEOPLE, new).await.is(201);
        // It did it, and its answer was lost; asked again it is busy.
        assert_eq!(app.told("NORTH").await, [BINOD]);
        restarts(&app, "NORTH").await;
        app.app.clock.advance(TimeDelta::minutes(1));
        let given = app.given("NORTH").await;
        answers(&app, "NORTH", &given[0].0, -1005).await;
        admin.delete(&format!("{PEOPLE}7/")).await.is(200);
        assert_eq!(app.obeyed("NORTH").await, ["DATA DELETE USERINFO PIN=7"]);
    })
    .await;
}

#[tokio::test]
async fn every_terminal_is_asked_how_many_punches_it_has_of_a_day() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        let all = ["EAST", "WEST", "ATTIC", "CELLAR", "NORTH", "SOUTH"];
        for sn in &all[..4] {
            let new = json!({ "sn": sn, "area": "north" });
            admin.post(TERMINALS, new).await.is(201);
        }
        app.app.clock.advance(TimeDelta::days(1));
        let mut asked = BTreeSet::new();
        // One of so few has its turn each minute.
        for _ in 0..=all.len() {
            for sn in all {
                for text in app.obeyed(sn).await {
                    if text.starts_with("VERIFY SUM ATTLOG") {
                        assert!(asked.insert(sn), "{sn} twice of one day");
                    }
                }
            }
            later(&app, TimeDelta::minutes(1)).await;
        }
        assert_eq!(asked, BTreeSet::from(all));
    })
    .await;
}

#[tokio::test]
async fn punches_carry_the_new_name_of_their_area() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        app.bring("NORTH", "7\t2026-01-15 07:10:00\t0\t1\t0\t0\t0\n")
            .await;
        app.app.clock.advance(TimeDelta::minutes(1));
        let renamed = json!({ "area_name": "Gatehouse" });
        let path = "/personnel/api/areas/north/";
        admin.patch(path, renamed).await.is(200);
        later(&app, TimeDelta::seconds(10)).await;
        app.bring("NORTH", "7\t2026-01-15 07:20:00\t0\t1\t0\t0\t0\n")
            .await;
        let list = admin
            .get("/iclock/api/unregister/?ordering=punch_time")
            .await
            .is(200);
        let names = [0, 1].map(|at| list["data"][at]["area_alias"].clone());
        assert_eq!(names, ["north", "Gatehouse"]);
    })
    .await;
}

#[tokio::test]
async fn a_picture_that_a_terminal_could_make_nothing_of_is_not_there_whatever_it_answered() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        for sn in ["NORTH2", "NORTH3"] {
            let new = json!({ "sn": sn, "area": "north" });
            admin.post(TERMINALS, new).await.is(201);
        }
        let norths = ["NORTH", "NORTH2", "NORTH3"];
        for sn in norths {
            can(&app, sn, "FaceVersion=39,VisilightFun=1,BioPhotoFun=1").await;
        }
        let new = json!({ "emp_code": "7", "first_name": "Binod", "area": ["north", "south"] });
        admin.post(PEOPLE, new).await.is(201);
        for sn in norths {
            assert_eq!(app.obeyed(sn).await, [BINOD]);
        }
        let photo = async |content: &str| {
            let row =
                format!("BIOPHOTO PIN=7\tFileName=7.jpg\tType=9\tSize=8\tContent={content}\n");
            sends(&app, "SOUTH", "BIOPHOTO", &row).await;
        };
        photo("cGhvdG8=").await;
        let mut first = Vec::new();
        for sn in norths {
            let given = app.given(sn).await;
            assert!(
                given[0].1.starts_with("DATA UPDATE BIOPHOTO PIN=7"),
                "{given:?}"
            );
            first.push(given[0].0.clone());
        }
        let complains = async |sn: &str, id: &str| {
            let row = format!(
                "ERRORLOG ErrCode=D01E0003\tErrMsg=\tDataOrigin=cmd\tCmdId={id}\tAdditional=e30=\n"
            );
            sends(&app, sn, "ERRORLOG", &row).await;
        };
        // Behind the result, and it comes twice; before it; and long after it.
        answers(&app, "NORTH", &first[0], 0).await;
        complains("NORTH", &first[0]).await;
        complains("NORTH", &first[0]).await;
        complains("NORTH2", &first[1]).await;
        answers(&app, "NORTH2", &first[1], 0).await;
        answers(&app, "NORTH3", &first[2], 0).await;
        let commands = async || {
            let path = "/iclock/api/commands/?verb=DATA UPDATE BIOPHOTO&ordering=id";
            let list = admin.get(path).await.is(200);
            let rows = list["data"].as_array().expect("a list").iter();
            let rows = rows.map(|row| {
                json!([
                    row["state"],
                    row["return_code"],
                    row["meaning"],
                    row["result"]
                ])
            });
            rows.collect::<Vec<_>>()
        };
        let held = async || {
            let path = "/iclock/api/holdings/?thing=photo 9&ordering=terminal_sn";
            let list = admin.get(path).await.is(200);
            let rows = list["data"].as_array().expect("a list").iter();
            let rows = rows.map(|row| json!([row["terminal_sn"], row["state"], row["reason"]]));
            rows.collect::<Vec<_>>()
        };
        let refused = json!([
            "refused",
            -803_340_285,
            "The picture is blurred",
            "D01E0003"
        ]);
        let done = json!(["done", 0, "Done", null]);
        assert_eq!(
            commands().await,
            [refused.clone(), refused.clone(), done.clone()]
        );
        assert_eq!(
            held().await,
            [
                json!(["NORTH", "failed", "The picture is blurred"]),
                json!(["NORTH2", "failed", "The picture is blurred"]),
                json!(["NORTH3", "confirmed", null]),
                json!(["SOUTH", "own", null]),
            ]
        );
        let kept = admin
            .get("/iclock/api/unread/?reason=command_failed")
            .await
            .is(200);
        assert_eq!(kept["count"], 2);
        later(&app, TimeDelta::hours(7)).await;
        for sn in norths {
            assert_eq!(app.told(sn).await, NOTHING, "it would say the same");
        }

        // A better one is told all of them; what one says then of the first is of the first.
        photo("YmV0dGVy").await;
        for sn in norths {
            assert_eq!(app.obeyed(sn).await.len(), 1);
        }
        complains("NORTH3", &first[2]).await;
        let all = [
            refused.clone(),
            refused.clone(),
            refused,
            done.clone(),
            done.clone(),
            done,
        ];
        assert_eq!(commands().await, all);
        let confirmed = |sn: &str| json!([sn, "confirmed", null]);
        assert_eq!(held().await[..3], norths.map(confirmed));
    })
    .await;
}

#[tokio::test]
async fn what_a_terminal_would_not_take_is_tried_when_it_says_that_it_takes_more() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        can(&app, "NORTH", "FPVersion=10").await;
        let new = json!({ "emp_code": "7", "first_name": "Binod", "area": ["north", "south"] });
        admin.post(PEOPLE, new).await.is(201);
        for sn in ["NORTH", "SOUTH"] {
            assert_eq!(app.obeyed(sn).await, [BINOD]);
        }
        can(&app, "SOUTH", "FPVersion=10").await;
        let row = "FP PIN=7\tFID=6\tSize=8\tValid=1\tTMP=c3ludGhldGlj\n";
        sends(&app, "SOUTH", "OPERLOG", row).await;
        let finger = ["DATA UPDATE FINGERTMP PIN=7\tFID=6\tSize=12\tValid=1\tTMP=c3ludGhldGlj"];
        assert_eq!(app.answered("NORTH", |_| -1002).await, finger);
        for again in [NOTHING.as_slice(), &finger] {
            later(&app, TimeDelta::hours(7)).await;
            assert_eq!(app.obeyed("NORTH").await, again);
            // New firmware.
            can(&app, "NORTH", "FPVersion=10,BioDataFun=1").await;
        }
        assert_eq!(app.obeyed("NORTH").await, NOTHING);
    })
    .await;
}

#[tokio::test]
async fn another_device_in_a_terminals_place_is_not_what_the_first_one_was() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        app.get("/iclock/cdata?SN=NORTH&options=all&pushver=3.1.2&DeviceType=acc")
            .await;
        let options = "CmdFormat=1,~DeviceName=ProBio,FaceVersion=39,BioPhotoFun=1,UserCount=3";
        can(&app, "NORTH", options).await;
        let reboot = async |sn: &str| {
            let body = json!({ "terminals": [sn] });
            admin
                .post(&format!("{TERMINALS}reboot/"), body)
                .await
                .is(200);
            app.get(&format!("/iclock/getrequest?SN={sn}")).await.body
        };
        let told = reboot("NORTH").await;
        assert!(
            told.starts_with("DataType=1,SN=NORTH,") && told.ends_with("CONTROL DEVICE 03000000\n"),
            "{told}"
        );
        let path = format!("{TERMINALS}NORTH/");
        admin.patch(&path, json!({ "sn": "NEWER" })).await.is(200);
        let shown = admin.get(&format!("{TERMINALS}NEWER/")).await.is(200);
        for name in ["terminal_name", "user_count", "face_alg_ver", "push_ver"] {
            assert!(shown[name].is_null(), "{name}: {shown}");
        }
        assert_eq!(shown["state"], 0, "it has not called yet");
        let told = reboot("NEWER").await;
        assert!(
            told.starts_with("C:") && told.ends_with(":REBOOT\n"),
            "{told}"
        );
        assert_eq!(app.number("SELECT count(*) FROM terminal_option").await, 0);
    })
    .await;
}
