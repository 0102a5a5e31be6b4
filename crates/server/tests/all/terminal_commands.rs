//! What callers tell terminals: the request, the bytes a terminal gets, what it answers, and what the
//! API then says of it. In both profiles, for both kinds of terminals.

use crate::rest::Got;
use crate::testing::{Api, TestApp, on_both};
use chrono::TimeDelta;
use muster::access::{Right, Rights, Thing};
use muster::profile::Profile;
use muster_store::Sql;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const TERMINALS: &str = "/iclock/api/terminals/";
const COMMANDS: &str = "/iclock/api/commands/";
const PROFILES: [Profile; 2] = [Profile::EasyTimePro, Profile::BioTime];
const NOTHING: [&str; 0] = [];

/// The area north, with an attendance terminal GATE, an access terminal DOOR, and Asha, 1042; both
/// terminals know her. HELD waits.
async fn scene(app: &TestApp, profile: Profile) -> Api<'_> {
    let admin = app.api(Profile::EasyTimePro, Rights::administrator()).await;
    let area = json!({ "area_code": "north", "area_name": "North" });
    admin.post("/personnel/api/areas/", area).await.is(201);
    for (sn, area) in [("GATE", "north"), ("DOOR", "north"), ("HELD", "1")] {
        let new = json!({ "sn": sn, "area": area });
        admin.post(TERMINALS, new).await.is(201);
    }
    app.get("/iclock/cdata?SN=DOOR&options=all&pushver=3.1.2&DeviceType=acc")
        .await;
    let asha = json!({ "emp_code": "1042", "first_name": "Asha", "area": ["north"] });
    admin.post("/personnel/api/employees/", asha).await.is(201);
    for sn in ["GATE", "DOOR"] {
        app.obeyed(sn).await;
    }
    app.api(profile, Rights::administrator()).await
}

/// The body that means one of the scene's terminals, as callers of the profile name it.
fn meaning(profile: Profile, sn: &str, more: &Value) -> Value {
    let id = 1_000_001
        + ["GATE", "DOOR", "HELD"]
            .iter()
            .position(|known| *known == sn)
            .expect("one of the scene") as i64;
    let mut body = match profile {
        Profile::EasyTimePro => json!({ "devices_sn": [sn] }),
        Profile::BioTime => json!({ "terminals": [id] }),
    };
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

fn success(profile: Profile) -> Value {
    match profile {
        Profile::EasyTimePro => json!({ "status": "Success" }),
        Profile::BioTime => json!({ "code": 0, "msg": "", "data": [] }),
    }
}

/// Endpoint, what its body says besides the terminal, what GATE is told, and what DOOR is told or why
/// it is not.
type Told = (
    &'static str,
    Value,
    Vec<&'static str>,
    Result<Vec<&'static str>, &'static str>,
);

fn all_commands() -> Vec<Told> {
    vec![
        (
            "reboot",
            json!({}),
            vec!["REBOOT"],
            Ok(vec!["CONTROL DEVICE 03000000"]),
        ),
        (
            "clear_capture",
            json!({}),
            vec!["CLEAR PHOTO"],
            Err("DOOR: This kind of terminal cannot do CLEAR PHOTO."),
        ),
        (
            "upload_all",
            json!({}),
            vec!["CHECK"],
            Ok(vec![
                "DATA QUERY tablename=user,fielddesc=*,filter=*",
                "DATA QUERY tablename=templatev10,fielddesc=*,filter=*",
                "DATA QUERY tablename=biodata,fielddesc=*,filter=*",
                "DATA QUERY tablename=biophoto,fielddesc=*,filter=*",
                "DATA QUERY tablename=transaction,fielddesc=*,filter=*",
            ]),
        ),
        (
            "upload_transaction",
            json!({}),
            vec!["CHECK"],
            Ok(vec![
                "DATA QUERY tablename=transaction,fielddesc=*,filter=*",
            ]),
        ),
        (
            "upload_transaction",
            json!({ "start_time": "2026-01-01", "end_time": "2026-01-14" }),
            vec!["DATA QUERY ATTLOG StartTime=2026-01-01 00:00:00\tEndTime=2026-01-14 23:59:59"],
            Err("DOOR: This kind of terminal cannot do DATA QUERY ATTLOG."),
        ),
        // The manual's text for 4.4.12.
        (
            "ip_port_update_to_device",
            json!({ "ip": "192.168.1.10", "port": 4370 }),
            vec![
                "SET OPTION WebServerIP=192.168.1.10",
                "SET OPTION WebServerPort=4370",
                "RELOAD OPTIONS",
            ],
            Ok(vec![
                "SET OPTIONS WebServerIP=192.168.1.10,WebServerPort=4370",
            ]),
        ),
        (
            "ip_port_update_to_device",
            json!({ "ip": "muster.example.com" }),
            vec![
                "SET OPTION WebServerIP=muster.example.com",
                "RELOAD OPTIONS",
            ],
            Ok(vec!["SET OPTIONS WebServerIP=muster.example.com"]),
        ),
        (
            "ip_port_update_to_device",
            json!({ "port": "8088" }),
            vec!["SET OPTION WebServerPort=8088", "RELOAD OPTIONS"],
            Ok(vec!["SET OPTIONS WebServerPort=8088"]),
        ),
        // The manual's sample of 4.4.4, but for who it is.
        (
            "enroll_remotely",
            json!({ "bio_type": "1", "emp_code": "1042", "finger": 4 }),
            vec!["ENROLL_FP PIN=1042\tFID=4\tRETRY=3\tOVERWRITE=1"],
            Err("DOOR: This kind of terminal cannot be told which finger to enrol."),
        ),
        (
            "enroll_remotely",
            json!({ "bio_type": 2, "emp_code": 1042 }),
            vec!["ENROLL_BIO TYPE=2\tPIN=1042\tRETRY=3\tOVERWRITE=1"],
            Ok(vec!["ENROLL_BIO TYPE=9\tPIN=1042\tRETRY=3\tOVERWRITE=1"]),
        ),
        (
            "enroll_remotely",
            json!({ "bio_type": "8", "emp_code": "1042" }),
            vec!["ENROLL_BIO TYPE=8\tPIN=1042\tRETRY=3\tOVERWRITE=1"],
            Ok(vec!["ENROLL_BIO TYPE=10\tPIN=1042\tRETRY=3\tOVERWRITE=1"]),
        ),
        (
            "enroll_remotely",
            json!({ "bio_type": 9, "emp_code": "1042" }),
            vec!["ENROLL_BIO TYPE=9\tPIN=1042\tRETRY=3\tOVERWRITE=1"],
            Ok(vec!["ENROLL_BIO TYPE=9\tPIN=1042\tRETRY=3\tOVERWRITE=1"]),
        ),
        (
            "clear_all",
            json!({}),
            vec!["CLEAR DATA"],
            Ok(vec![
                "DATA DELETE transaction *",
                "DATA DELETE userauthorize *",
                "DATA DELETE biodata *",
                "DATA DELETE biophoto *",
                "DATA DELETE templatev10 *",
                "DATA DELETE user *",
            ]),
        ),
        // The manual's sample of 4.4.6.
        (
            "sync_data_to_device",
            json!({
                "emp_code": true, "finger_print": true, "face": true, "finger_vein": true,
                "palm": true, "vl_face": true,
            }),
            vec!["DATA UPDATE USERINFO PIN=1042\tName=Asha\tPri=0\tPasswd=\tCard=\tVerify=-1"],
            Ok(vec![
                "DATA UPDATE user CardNo=\tPin=1042\tPassword=\tGroup=0\tStartTime=0\tEndTime=0\tName=Asha\tPrivilege=0",
                "DATA UPDATE userauthorize Pin=1042\tAuthorizeTimezoneId=1\tAuthorizeDoorId=1",
            ]),
        ),
        (
            "sync_data_to_device",
            json!({ "emp_code": false }),
            vec![],
            Ok(vec![]),
        ),
        (
            "set_time",
            json!({}),
            vec!["SET OPTION DateTime=836899200"],
            Ok(vec!["SET OPTIONS DateTime=836899200"]),
        ),
        (
            "unlock_terminal",
            json!({}),
            vec!["AC_UNLOCK"],
            Ok(vec!["CONTROL DEVICE 01010105"]),
        ),
    ]
}

/// What callers read of a terminal's latest commands, the latest first: state, code, meaning.
async fn outcome(caller: &Api<'_>, sn: &str, count: usize) -> Vec<(Value, Value, Value)> {
    let path = format!("{COMMANDS}?sn={sn}&ordering=-id&page_size={}", count.max(1));
    let list = caller.get(&path).await.is(200);
    let rows = list["data"].as_array().expect("a list").iter();
    let outcome = rows.map(|row| {
        (
            row["state"].clone(),
            row["return_code"].clone(),
            row["meaning"].clone(),
        )
    });
    outcome.take(count).collect()
}

#[test]
fn every_command_of_the_api_has_its_row() {
    let registry = muster::api::registry();
    let of_the_api: BTreeSet<&str> = registry
        .endpoints()
        .iter()
        .filter(|endpoint| endpoint.method == Method::POST)
        .filter_map(|endpoint| endpoint.path.strip_prefix(TERMINALS)?.strip_suffix('/'))
        .collect();
    let table = all_commands();
    let told = table.iter().map(|(name, ..)| *name);
    // They have stories of their own; the last is a list.
    let others = [
        "action",
        "adjust_area",
        "clear_command",
        "enrolled_employees",
    ];
    assert_eq!(told.chain(others).collect::<BTreeSet<&str>>(), of_the_api);
}

#[tokio::test]
async fn every_command_reaches_its_terminal_in_its_own_words_and_its_caller_sees_the_result() {
    for profile in PROFILES {
        on_both(|app| async move {
            let caller = scene(&app, profile).await;
            let field = match profile {
                Profile::EasyTimePro => "devices_sn",
                Profile::BioTime => "terminals",
            };
            for (name, more, gate, door) in all_commands() {
                let path = format!("{TERMINALS}{name}/");
                for (sn, told, refusal, reason) in [
                    ("GATE", Ok(gate), -1002, "Not supported"),
                    ("DOOR", door, -708, "Not supported by the firmware"),
                ] {
                    let body = meaning(profile, sn, &more);
                    let told = match told {
                        Ok(told) => told,
                        Err(reason) => {
                            let answer = caller.post(&path, body).await.is(400);
                            assert_eq!(answer[field], json!([reason]), "{name}");
                            // What one of two cannot do, neither is told.
                            let mut both = meaning(profile, sn, &more);
                            both[field] = json!([1_000_001, 1_000_002]);
                            let answer = caller.post(&path, both).await.is(400);
                            assert_eq!(answer[field], json!([reason]), "{name}");
                            for sn in ["GATE", "DOOR"] {
                                assert_eq!(app.told(sn).await, NOTHING, "{name}");
                            }
                            continue;
                        }
                    };
                    let mut ends = vec![(0, json!(["done", 0, "Done"]))];
                    // What is not on a terminal yet goes there another time.
                    if name != "sync_data_to_device" {
                        ends.push((refusal, json!(["refused", refusal, reason])));
                    }
                    for (code, expected) in ends {
                        let answer = caller.post(&path, body.clone()).await.is(200);
                        assert_eq!(answer, success(profile), "{name}");
                        assert_eq!(app.answered(sn, |_| code).await, told, "{name}");
                        let outcome = outcome(&caller, sn, told.len()).await;
                        assert_eq!(json!(outcome), json!(vec![expected; told.len()]), "{name}");
                    }
                }
            }
            let open = "SELECT count(*) FROM terminal_command WHERE state NOT IN ('done', 'refused')";
            assert_eq!(app.number(open).await, 0);
            let deeds: Vec<(String, i64)> = app
                .app
                .store
                .all(&Sql::new(
                    "SELECT action, count(*) FROM audit WHERE thing = 'terminal' AND thing_id IN ('GATE', 'DOOR') \
                     AND action <> 'create' GROUP BY action ORDER BY action",
                    [],
                ))
                .await
                .expect("read");
            let deeds: Vec<(&str, i64)> = deeds
                .iter()
                .map(|(action, count)| (action.as_str(), *count))
                .collect();
            assert_eq!(
                deeds,
                [
                    ("clear_all", 4),
                    ("clear_capture", 2),
                    ("enroll_remotely", 14),
                    ("ip_port_update_to_device", 12),
                    ("reboot", 4),
                    ("set_time", 4),
                    ("sync_data_to_device", 4),
                    ("unlock_terminal", 4),
                    ("upload_all", 4),
                    ("upload_transaction", 6),
                ],
                "each is written down, and nothing that was not told"
            );
        })
        .await;
    }
}

#[tokio::test]
async fn what_waits_is_taken_back_and_never_reaches_its_terminal() {
    for profile in PROFILES {
        on_both(|app| async move {
            let caller = scene(&app, profile).await;
            for sn in ["GATE", "DOOR"] {
                for name in ["reboot", "clear_command"] {
                    let path = format!("{TERMINALS}{name}/");
                    let body = meaning(profile, sn, &json!({}));
                    let answer = caller.post(&path, body).await.is(200);
                    assert_eq!(answer, success(profile), "{name}");
                }
                assert_eq!(app.obeyed(sn).await, NOTHING);
                assert_eq!(
                    outcome(&caller, sn, 1).await,
                    [(json!("cancelled"), Value::Null, Value::Null)]
                );
            }
        })
        .await;
    }
}

#[tokio::test]
async fn terminals_are_named_in_every_way_a_list_can_be_sent() {
    on_both(|app| async move {
        let easytimepro = scene(&app, Profile::EasyTimePro).await;
        let biotime = app.api(Profile::BioTime, Rights::administrator()).await;
        let path = format!("{TERMINALS}clear_all/");
        let mut sent = Vec::new();
        for body in [
            json!({ "devices_sn": ["GATE", "DOOR"] }),
            json!({ "device_sn": "GATE,DOOR" }),
            json!({ "sn": "GATE" }),
            json!({ "devices": ["1000001", 1000002] }),
        ] {
            sent.push(easytimepro.post(&path, body).await.is(200));
        }
        for body in [
            json!({ "terminals": [1000001, 1000002] }),
            json!({ "terminals": 1000001 }),
            json!({ "terminals": "[1000001, 1000002]" }),
            json!({ "devices_sn": "DOOR" }),
        ] {
            sent.push(biotime.post(&path, body).await.is(200));
        }
        let fields = [("terminals", "1000001"), ("terminals", "DOOR")];
        let form = biotime.request(Method::POST, &path).form(&fields);
        sent.push(Got::from(form).await.is(200));
        let parts = reqwest::multipart::Form::new()
            .text("devices_sn", "GATE")
            .text("devices_sn", "DOOR");
        let form = easytimepro.request(Method::POST, &path).multipart(parts);
        sent.push(Got::from(form).await.is(200));
        let as_printed = |count: usize, profile| vec![success(profile); count];
        assert_eq!(
            sent,
            [
                as_printed(4, Profile::EasyTimePro),
                as_printed(5, Profile::BioTime),
                as_printed(1, Profile::EasyTimePro),
            ]
            .concat()
        );
        let told = async |sn: &str| app.obeyed(sn).await.len();
        assert_eq!((told("GATE").await, told("DOOR").await), (9, 6 * 8));

        for (body, code, reason) in [
            (json!({}), -200, "This field is required."),
            (
                json!({ "devices_sn": [] }),
                -1,
                "This list may not be empty.",
            ),
            (
                json!({ "devices_sn": ["GATE", "x\tCLEAR LOG"] }),
                -1,
                "Object with sn=x\tCLEAR LOG does not exist.",
            ),
            (
                json!({ "devices_sn": { "sn": "GATE" } }),
                -1,
                "Expected a list of codes or ids.",
            ),
        ] {
            let answer = easytimepro.post(&path, body).await.is(400);
            assert_eq!(
                (&answer["devices_sn"], &answer["code"]),
                (&json!([reason]), &json!(code))
            );
        }
        assert_eq!(app.told("GATE").await, NOTHING);
    })
    .await;
}

#[tokio::test]
async fn a_restart_is_an_action_as_in_the_older_generation() {
    on_both(|app| async move {
        let easytimepro = scene(&app, Profile::EasyTimePro).await;
        let biotime = app.api(Profile::BioTime, Rights::administrator()).await;
        let path = format!("{TERMINALS}action/");
        let body = json!({ "object_codes": ["GATE", 1000002], "action_type": "reboot" });
        assert_eq!(
            easytimepro.post(&path, body).await.is(200),
            json!({ "detail": "Success. reboot:['GATE', 1000002]" })
        );
        let body = json!({ "object_ids": "1000001,1000002", "action_type": "reboot" });
        assert_eq!(
            biotime.post(&path, body.clone()).await.is(200),
            success(Profile::BioTime)
        );
        assert_eq!(app.obeyed("GATE").await, ["REBOOT", "REBOOT"]);
        assert_eq!(app.obeyed("DOOR").await, ["CONTROL DEVICE 03000000"; 2]);
        let only_changes = Rights::from_iter([Right::Change(Thing::Terminal)]);
        let changes = app.api(Profile::BioTime, only_changes).await;
        changes.post(&path, body).await.is(403);
        let body = json!({ "object_codes": ["GATE"], "action_type": "open" });
        assert_eq!(
            easytimepro.post(&path, body).await.is(400)["action_type"],
            json!(["\"open\" is not a valid choice."])
        );
        let body = json!({ "object_codes": ["GATE"], "action_type": "delete" });
        changes.post(&path, body).await.is(200);
        easytimepro
            .delete(&format!("{TERMINALS}GATE/"))
            .await
            .is(404);
    })
    .await;
}

/// A value that would end its field or its line on the wire, and ports and hosts that are none.
#[tokio::test]
async fn attack_31_32_what_would_break_out_of_its_field_is_refused_with_every_reason() {
    on_both(|app| async move {
        let caller = scene(&app, Profile::EasyTimePro).await;
        let path = format!("{TERMINALS}ip_port_update_to_device/");
        let host = "Enter an IP address or a host name.";
        let control = "Control characters are not allowed.";
        let least = "Ensure this value is greater than or equal to 1.";
        let most = "Ensure this value is less than or equal to 65535.";
        let number = "A valid integer is required.";
        for (ip, port, expected) in [
            (
                json!("1.2.3.4\tServerPort=1"),
                json!("80 ;x"),
                json!({ "ip": [control], "port": [number] }),
            ),
            (json!("a,b=1"), json!(0), json!({ "ip": [host], "port": [least] })),
            (json!("1.2.3.256"), json!(65536), json!({ "ip": [host], "port": [most] })),
            (json!("http://x/"), json!(-1), json!({ "ip": [host], "port": [least] })),
            (json!("x\r\nC:9:REBOOT"), json!(1.5), json!({ "ip": [control], "port": [number] })),
            (json!("-x"), json!("80\n"), json!({ "ip": [host] })),
        ] {
            let body = json!({ "device_sn": ["GATE"], "ip": ip, "port": port });
            let answer = caller.post(&path, body).await.is(400);
            for name in ["ip", "port"] {
                assert_eq!(answer[name], expected[name], "{ip} {port}");
            }
        }
        let neither = caller.post(&path, json!({ "device_sn": "GATE" })).await.is(400);
        assert_eq!(
            neither["ip"],
            json!(["This field is required, unless a port is given."])
        );
        let path = format!("{TERMINALS}enroll_remotely/");
        let body = json!({
            "devices_sn": ["GATE", "nowhere"], "bio_type": "3", "emp_code": "1042\tPri=14", "finger": 10,
        });
        assert_eq!(
            caller.post(&path, body).await.is(400),
            json!({
                "devices_sn": ["Object with sn=nowhere does not exist."],
                "bio_type": ["\"3\" is not a valid choice."],
                "finger": ["Ensure this value is less than or equal to 9."],
                "emp_code": [control],
                "code": -32, "msg": "Input wrong validtype!", "data": {},
            })
        );
        for (more, expected) in [
            (
                json!({ "bio_type": 1 }),
                json!({
                    "finger": ["This field is required."], "emp_code": ["This field is required."],
                    "code": -33, "msg": "Fingerprint template index range is from 0-9!", "data": {},
                }),
            ),
            // Finger veins are kept, but are not enrolled from afar.
            (
                json!({ "bio_type": 5, "emp_code": "1042" }),
                json!({
                    "bio_type": ["\"5\" is not a valid choice."],
                    "code": -32, "msg": "Input wrong validtype!", "data": {},
                }),
            ),
            (
                json!({ "bio_type": "7", "emp_code": "1042" }),
                json!({
                    "bio_type": ["\"7\" is not a valid choice."],
                    "code": -32, "msg": "Input wrong validtype!", "data": {},
                }),
            ),
            (
                json!({ "bio_type": 9, "emp_code": "77" }),
                json!({
                    "emp_code": ["Object with emp_code=77 does not exist."],
                    "code": -22, "msg": "The person does not exist", "data": {},
                }),
            ),
        ] {
            let body = meaning(Profile::EasyTimePro, "GATE", &more);
            assert_eq!(caller.post(&path, body).await.is(400), expected);
        }
        let body = json!({ "devices_sn": ["HELD", "GATE"], "bio_type": 9, "emp_code": "1042" });
        assert_eq!(
            caller.post(&path, body).await.is(400)["emp_code"],
            json!(["Terminal HELD does not know 1042."])
        );
        let path = format!("{TERMINALS}upload_transaction/");
        for (more, expected) in [
            (
                json!({ "start_time": "2026-01-14", "end_time": "2026-01-13 10:00:00" }),
                json!({
                    "end_time": ["Start time cannot be greater than end time"],
                    "code": -101, "msg": "Start time cannot be greater than end time", "data": {},
                }),
            ),
            (
                json!({ "start_time": "2026-01-14\tEndTime=x" }),
                json!({
                    "start_time": ["Enter a valid date/time."],
                    "end_time": ["This field is required."],
                    "code": -100, "msg": "Time format error", "data": {},
                }),
            ),
        ] {
            let body = meaning(Profile::EasyTimePro, "GATE", &more);
            assert_eq!(caller.post(&path, body).await.is(400), expected);
        }
        for sn in ["GATE", "DOOR"] {
            assert_eq!(app.told(sn).await, NOTHING);
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_model_says_it_lacks_is_refused_at_once() {
    on_both(|app| async move {
        let caller = scene(&app, Profile::EasyTimePro).await;
        for (sn, options) in [
            ("GATE", "FingerFunOn=0,FaceFunOn=0,VisilightFun=1,LockFunOn=0,MultiBioDataSupport=0:0:0:0:0:0:0:0:1:1:1"),
            ("DOOR", "LockCount=2,FingerFunOn=1"),
        ] {
            let target = format!("/iclock/cdata?SN={sn}&table=options");
            assert_eq!(app.post(&target, options).await.whole(), (200, "OK"));
        }
        let enrol = |kind: i64| json!({ "bio_type": kind, "emp_code": "1042", "finger": 0 });
        let not_that_way = "GATE: This terminal does not recognise people that way.";
        for (name, more, expected) in [
            ("enroll_remotely", enrol(1), Err(not_that_way)),
            ("enroll_remotely", enrol(2), Ok("ENROLL_BIO TYPE=9\tPIN=1042\tRETRY=3\tOVERWRITE=1")),
            ("enroll_remotely", enrol(8), Ok("ENROLL_BIO TYPE=8\tPIN=1042\tRETRY=3\tOVERWRITE=1")),
            ("unlock_terminal", json!({}), Err("GATE: This terminal has no lock.")),
        ] {
            let body = meaning(Profile::EasyTimePro, "GATE", &more);
            let answer = caller.post(&format!("{TERMINALS}{name}/"), body).await;
            match expected {
                Ok(text) => {
                    answer.is(200);
                    assert_eq!(app.obeyed("GATE").await, [text]);
                }
                Err(reason) => assert_eq!(answer.is(400)["devices_sn"], json!([reason])),
            }
        }
        let path = format!("{TERMINALS}unlock_terminal/");
        for (more, expected) in [
            (json!({ "door": 2, "seconds": 254 }), Ok("CONTROL DEVICE 010201FE")),
            (json!({ "door": 3 }), Err(("sn", "DOOR: This terminal has no door 3."))),
        ] {
            let mut body = json!({ "sn": "DOOR" });
            body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            let answer = caller.post(&path, body).await;
            match expected {
                Ok(text) => {
                    answer.is(200);
                    assert_eq!(app.obeyed("DOOR").await, [text]);
                }
                Err((field, reason)) => assert_eq!(answer.is(400)[field], json!([reason])),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_door_opens_at_once_or_not_at_all() {
    on_both(|app| async move {
        let caller = scene(&app, Profile::EasyTimePro).await;
        let path = format!("{TERMINALS}unlock_terminal/");
        // The manual's sample of 4.8.1, but for which it is.
        let gate = json!({ "sn": "GATE" });
        assert_eq!(
            caller.post(&path, gate.clone()).await.is(200),
            json!({ "status": "Success" })
        );
        assert_eq!(app.told("GATE").await, ["AC_UNLOCK"]);
        // No answer: it is never sent again.
        for _ in 0..6 {
            app.app.clock.advance(TimeDelta::minutes(2));
            assert_eq!(app.told("GATE").await, NOTHING);
        }
        // It does not ask within a minute: too late.
        caller.post(&path, gate.clone()).await.is(200);
        app.app.clock.advance(TimeDelta::seconds(61));
        assert_eq!(app.told("GATE").await, NOTHING);
        let list = caller
            .get(&format!("{COMMANDS}?verb=AC_UNLOCK"))
            .await
            .is(200);
        let states: Vec<&Value> = list["data"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|row| &row["state"])
            .collect();
        assert_eq!(states, ["lost", "expired"]);

        app.app.clock.advance(TimeDelta::seconds(61));
        let offline = json!({
            "detail": "Device is offline.", "code": -1, "msg": "Device is offline.", "data": {},
        });
        assert_eq!(caller.post(&path, gate.clone()).await.is(400), offline);
        app.told("DOOR").await;
        let both = json!({ "sn": ["DOOR", "GATE"] });
        assert_eq!(
            caller.post(&path, both).await.is(400),
            offline,
            "neither opens"
        );
        assert_eq!(app.told("DOOR").await, NOTHING);

        // Neither all doors nor for good, and no longer than a terminal can.
        let least = "Ensure this value is greater than or equal to 1.";
        for (more, field, code, reason) in [
            (json!({ "door": 0 }), "door", -47, least),
            (
                json!({ "door": "all" }),
                "door",
                -47,
                "A valid integer is required.",
            ),
            (
                json!({ "seconds": 255 }),
                "seconds",
                -45,
                "Ensure this value is less than or equal to 254.",
            ),
            (json!({ "seconds": 0 }), "seconds", -45, least),
        ] {
            let mut body = json!({ "sn": "DOOR" });
            body.as_object_mut()
                .expect("an object")
                .extend(more.as_object().expect("an object").clone());
            let answer = caller.post(&path, body).await.is(400);
            assert_eq!(
                (&answer[field], &answer["code"]),
                (&json!([reason]), &json!(code))
            );
        }
        app.told("GATE").await;
        let mut body = gate.clone();
        body["seconds"] = json!(5);
        assert_eq!(
            caller.post(&path, body).await.is(400)["sn"],
            json!([
                "GATE: This kind of terminal has one door, and opens it as long as it is set to."
            ])
        );
        // One that waits to be let in opens nothing, though it is heard.
        app.get("/iclock/getrequest?SN=HELD").await;
        assert_eq!(
            caller.post(&path, json!({ "sn": "HELD" })).await.is(400)["sn"],
            json!(["HELD: This terminal is not authorized."])
        );
        assert_eq!(caller.post(&path, json!({})).await.is(400)["code"], -200);
        assert_eq!(app.told("GATE").await, NOTHING);
        let opened = "SELECT count(*) FROM audit WHERE action = 'unlock_terminal'";
        assert_eq!(
            app.number(opened).await,
            2,
            "each door that was to open is written down"
        );

        let commands = Rights::from_iter([Right::TerminalCommand, Right::View(Thing::Terminal)]);
        let others = app.api(Profile::EasyTimePro, commands).await;
        others.post(&path, gate).await.is(403);
        let path = format!("{TERMINALS}ip_port_update_to_device/");
        others
            .post(&path, json!({ "device_sn": "GATE", "port": 1 }))
            .await
            .is(403);
    })
    .await;
}

#[tokio::test]
async fn whoever_waits_is_told_what_became_of_it() {
    for profile in PROFILES {
        on_both(|app| async move {
            let caller = scene(&app, profile).await;
            let path = format!("{TERMINALS}enroll_remotely/?wait=30");
            let body = meaning(
                profile,
                "GATE",
                &json!({ "bio_type": 1, "emp_code": "1042", "finger": 0 }),
            );
            // The person gives up at the terminal.
            let at_the_terminal = async { while app.answered("GATE", |_| 6).await.is_empty() {} };
            let (answer, ()) = tokio::join!(caller.post(&path, body), at_the_terminal);
            let answer = answer.is(200);
            let command = &answer["commands"][0];
            let id = command["id"].as_i64().expect("an id");
            let mut expected = success(profile);
            expected["commands"] = json!([{
                "id": id, "terminal": 1_000_001, "terminal_sn": "GATE", "terminal_alias": "GATE",
                "verb": "ENROLL_FP", "command": "ENROLL_FP PIN=1042\tFID=0\tRETRY=3\tOVERWRITE=1",
                "state": "refused", "create_user": command["create_user"],
                "create_time": "2026-01-15 08:00:00", "expire_time": null, "not_before": null,
                "sent_time": "2026-01-15 08:00:00", "sent_count": 1,
                "finish_time": "2026-01-15 08:00:00", "return_code": 6,
                "meaning": "Cancelled at the terminal", "result": null,
            }]);
            assert_eq!(answer, expected);
            let read = caller.get(&format!("{COMMANDS}{id}/")).await.is(200);
            assert_eq!(read, expected["commands"][0]);

            // Another server hears the answer: here is no event, but the row.
            let path = format!("{TERMINALS}upload_all/?wait=30");
            let elsewhere = async {
                let mut changed = 0;
                while changed == 0 {
                    let mut tx = app.app.store.write().await.expect("a transaction");
                    changed = tx
                        .run(&Sql::new(
                            "UPDATE terminal_command SET state = 'done', return_code = 0 WHERE verb = 'CHECK'",
                            [],
                        ))
                        .await
                        .expect("changed");
                    tx.commit().await.expect("committed");
                }
            };
            let body = meaning(profile, "GATE", &json!({}));
            let (answer, ()) = tokio::join!(caller.post(&path, body), elsewhere);
            let answer = answer.is(200);
            assert_eq!(
                (&answer["commands"][0]["state"], &answer["commands"][0]["meaning"]),
                (&json!("done"), &json!("Done"))
            );

            // A terminal that does not ask.
            let path = format!("{TERMINALS}reboot/?wait=1");
            let answer = caller
                .post(&path, meaning(profile, "GATE", &json!({})))
                .await
                .is(200);
            assert_eq!(answer["commands"][0]["state"], "queued");
            assert_eq!(app.obeyed("GATE").await, ["REBOOT"]);
            for (wait, reason) in [
                ("0", "Ensure this value is greater than or equal to 1."),
                ("61", "Ensure this value is less than or equal to 60."),
                ("soon", "A valid integer is required."),
            ] {
                let path = format!("{TERMINALS}reboot/?wait={wait}");
                let answer = caller
                    .post(&path, meaning(profile, "GATE", &json!({})))
                    .await;
                assert_eq!(answer.is(400)["wait"], json!([reason]));
            }
            assert_eq!(app.told("GATE").await, NOTHING, "nothing was queued");
        })
        .await;
    }
}

#[tokio::test]
async fn commands_are_listed_searched_exported_and_taken_back() {
    on_both(|app| async move {
        let caller = scene(&app, Profile::EasyTimePro).await;
        let post = async |name: &str, body: Value| {
            caller.post(&format!("{TERMINALS}{name}/"), body).await.is(200)
        };
        post("reboot", json!({ "sn": ["GATE", "DOOR"] })).await;
        assert_eq!(app.obeyed("GATE").await, ["REBOOT"]);
        assert_eq!(app.answered("DOOR", |_| -708).await, ["CONTROL DEVICE 03000000"]);
        app.app.clock.advance(TimeDelta::hours(1));
        post("clear_capture", json!({ "sn": "GATE" })).await;
        let secret = json!({ "emp_code": "7", "first_name": "Binod", "device_password": "4711", "area": ["north"] });
        caller.post("/personnel/api/employees/", secret).await.is(201);

        let asked = async |query: &str| -> Vec<String> {
            let list = caller.get(&format!("{COMMANDS}?page_size=50&{query}")).await.is(200);
            let rows = list["data"].as_array().expect("a list");
            assert_eq!(list["count"], rows.len());
            rows.iter()
                .map(|row| format!("{} {} {}", row["terminal_sn"].as_str().unwrap_or("?"), row["state"].as_str().unwrap_or("?"), row["verb"].as_str().unwrap_or("?")))
                .collect()
        };
        let (reboot, control, photo) = ("GATE done REBOOT", "DOOR refused CONTROL DEVICE", "GATE queued CLEAR PHOTO");
        for (query, expected) in [
            ("verb=REBOOT,CONTROL%20DEVICE&ordering=-id", vec![control, reboot]),
            ("state=refused,lost", vec![control]),
            ("state=queued&verb=CLEAR%20PHOTO", vec![photo]),
            ("return_code=-708", vec![control]),
            ("sn=GATE&verb_icontains=reb", vec![reboot]),
            ("terminal=1000002&verb=CONTROL%20DEVICE", vec![control]),
            ("search=clear%20gate", vec![photo]),
            ("search=4711", vec![]),
            ("create_time_start=2026-01-15%2008:30:00&verb=CLEAR%20PHOTO,REBOOT", vec![photo]),
            ("create_time_end=2026-01-15%2008:30:00&verb=CLEAR%20PHOTO,REBOOT", vec![reboot]),
            ("finish_time_start=2026-01-15&return_code=-708", vec![control]),
            ("sent_time_start=2026-01-16", vec![]),
            ("return_code=0&verb=REBOOT&ordering=finish_time", vec![reboot]),
        ] {
            assert_eq!(asked(query).await, expected, "{query}");
        }
        let bad = caller.get(&format!("{COMMANDS}?sent_time_start=soon&id=x")).await.is(400);
        assert_eq!((&bad["sent_time_start"], &bad["id"]), (&json!(["Enter a valid date/time."]), &json!(["Enter a number."])));

        let file = caller.get(&format!("{COMMANDS}export/?export_type=csv&state=refused,queued&verb=CONTROL%20DEVICE,CLEAR%20PHOTO&export_headers=terminal_sn,command,state,return_code,meaning,create_time")).await;
        assert_eq!(
            file.text,
            "\u{feff}terminal_sn,command,state,return_code,meaning,create_time\r\n\
             DOOR,CONTROL DEVICE 03000000,refused,-708,Not supported by the firmware,2026-01-15 08:00:00\r\n\
             GATE,CLEAR PHOTO,queued,,,2026-01-15 09:00:00\r\n"
        );

        let list = caller.get(&format!("{COMMANDS}?verb=CLEAR%20PHOTO")).await.is(200);
        let id = list["data"][0]["id"].as_i64().expect("an id");
        let path = format!("{COMMANDS}{id}/cancel/");
        let viewer = app.api(Profile::BioTime, Rights::viewer()).await;
        viewer.get(&format!("{COMMANDS}{id}/")).await.is(200);
        viewer.post(&path, json!({})).await.is(403);
        let cancelled = caller.send(Method::POST, &path, None).await.is(200);
        let mut expected = list["data"][0].clone();
        expected["state"] = json!("cancelled");
        expected["finish_time"] = json!("2026-01-15 09:00:00");
        assert_eq!(cancelled, expected);
        let again = caller.post(&path, json!({})).await.is(400);
        assert_eq!(again["detail"], "Only a queued command can be cancelled; this one is cancelled.");
        caller.post(&format!("{COMMANDS}999999/cancel/"), json!({})).await.is(404);
        let told = app.told("GATE").await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with("DATA UPDATE USERINFO PIN=7\t"), "{told:?}");

        // What is sent stays sent; what waits is taken back.
        post("reboot", json!({ "sn": "GATE" })).await;
        post("clear_all", json!({ "sn": "GATE" })).await;
        post("clear_command", json!({ "terminals": ["GATE"] })).await;
        assert_eq!(app.told("GATE").await, NOTHING);
        assert_eq!(asked("state=cancelled&verb=REBOOT,CLEAR%20DATA").await, ["GATE cancelled REBOOT", "GATE cancelled CLEAR DATA"]);
        let deed = "SELECT count(*) FROM audit WHERE action = 'clear_command' AND thing_id = 'GATE' AND after = '{\"cancelled\":2}'";
        assert_eq!(app.number(deed).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_caller_who_is_limited_commands_and_sees_his_own_terminals_alone() {
    on_both(|app| async move {
        let caller = scene(&app, Profile::EasyTimePro).await;
        let area = json!({ "area_code": "south", "area_name": "South" });
        caller.post("/personnel/api/areas/", area).await.is(201);
        caller
            .post(TERMINALS, json!({ "sn": "FAR", "area": "south" }))
            .await
            .is(201);
        let new = muster::accounts::role::NewRole {
            name: "south".into(),
            rights: Rights::administrator(),
            companies: None,
            areas: Some(vec!["south".into()]),
            departments: None,
        };
        let system = muster::access::Caller::system();
        muster::accounts::role::add(&app.app, &system, new)
            .await
            .expect("added");
        muster::accounts::user::add(&app.app, &system, "sam", None, "south", "a long password")
            .await
            .expect("added");
        let login = json!({ "username": "sam", "password": "a long password" });
        let token = caller.post("/api/api-token-auth/", login).await.is(200);
        let sam = app.with_token(token["token"].as_str().expect("a token"));
        let reboot = format!("{TERMINALS}reboot/");
        caller.post(&reboot, json!({ "sn": "GATE" })).await.is(200);
        for name in [
            "reboot",
            "clear_all",
            "clear_command",
            "upload_all",
            "set_time",
            "unlock_terminal",
            "sync_data_to_device",
            "enrolled_employees",
            "adjust_area",
        ] {
            let path = format!("{TERMINALS}{name}/");
            let answer = sam
                .post(&path, json!({ "sn": ["FAR", "GATE"] }))
                .await
                .is(400);
            assert_eq!(
                answer["sn"],
                json!(["Object with sn=GATE does not exist."]),
                "{name}"
            );
        }
        sam.post(&reboot, json!({ "sn": "FAR" })).await.is(200);
        let list = sam.get(COMMANDS).await.is(200);
        assert_eq!(
            (&list["count"], &list["data"][0]["terminal_sn"]),
            (&json!(1), &json!("FAR"))
        );
        let all = caller
            .get(&format!("{COMMANDS}?verb=REBOOT&sn=GATE"))
            .await
            .is(200);
        let id = &all["data"][0]["id"];
        sam.get(&format!("{COMMANDS}{id}/")).await.is(404);
        sam.post(&format!("{COMMANDS}{id}/cancel/"), json!({}))
            .await
            .is(404);
        assert_eq!(app.obeyed("GATE").await, ["REBOOT"]);
    })
    .await;
}

#[tokio::test]
async fn a_terminal_that_was_emptied_stays_empty_until_it_is_synchronised() {
    on_both(|app| async move {
        let caller = scene(&app, Profile::EasyTimePro).await;
        let both = json!({ "devices_sn": ["GATE", "DOOR"] });
        let path = format!("{TERMINALS}clear_all/");
        caller.post(&path, both.clone()).await.is(200);
        assert_eq!(app.obeyed("GATE").await, ["CLEAR DATA"]);
        assert_eq!(app.obeyed("DOOR").await.len(), 6);
        let change = json!({ "first_name": "Asha Rani" });
        let asha = "/personnel/api/employees/1042/";
        caller.patch(asha, change).await.is(200);
        for _ in 0..2 {
            app.app.clock.advance(TimeDelta::minutes(1));
            app.run_jobs().await;
            assert_eq!((app.told("GATE").await, app.told("DOOR").await), (vec![], vec![]));
        }
        let path = format!("{TERMINALS}sync_data_to_device/");
        caller.post(&path, both).await.is(200);
        let record = "DATA UPDATE USERINFO PIN=1042\tName=Asha Rani\tPri=0\tPasswd=\tCard=\tVerify=-1";
        assert_eq!(app.obeyed("GATE").await, [record]);
        assert_eq!(
            app.obeyed("DOOR").await,
            [
                "DATA UPDATE user CardNo=\tPin=1042\tPassword=\tGroup=0\tStartTime=0\tEndTime=0\tName=Asha Rani\tPrivilege=0",
                "DATA UPDATE userauthorize Pin=1042\tAuthorizeTimezoneId=1\tAuthorizeDoorId=1",
            ]
        );
    })
    .await;
}

/// The stamps of a handshake's reply: punches, operations, photos, templates.
async fn stamps(app: &TestApp, sn: &str) -> Vec<String> {
    let reply = app
        .get(&format!("/iclock/cdata?SN={sn}&options=all&pushver=2.4.1"))
        .await;
    [
        "ATTLOGStamp=",
        "OPERLOGStamp=",
        "ATTPHOTOStamp=",
        "BIODATAStamp=",
    ]
    .iter()
    .filter_map(|key| reply.body.lines().find_map(|line| line.strip_prefix(key)))
    .map(str::to_owned)
    .collect()
}

#[tokio::test]
async fn a_terminal_that_is_to_send_again_hears_that_nothing_is_here() {
    on_both(|app| async move {
        let caller = scene(&app, Profile::EasyTimePro).await;
        let punch = "1042\t2026-01-15 07:59:00\t0\t15\n";
        let live = async || {
            let target = "/iclock/cdata?SN=GATE&table=ATTLOG&Stamp=9999";
            assert_eq!(app.post(target, punch).await.whole(), (200, "OK: 1"));
        };
        live().await;
        app.post(
            "/iclock/cdata?SN=GATE&table=OPERLOG&Stamp=8888",
            "OPLOG 0\t0\t2026-01-15 07:00:00\t0\t0\t0\t0\n",
        )
        .await;
        assert_eq!(stamps(&app, "GATE").await, ["9999", "8888", "9999", "0"]);

        let again = async |name: &str| {
            let path = format!("{TERMINALS}{name}/");
            caller
                .post(&path, json!({ "terminals": ["GATE"] }))
                .await
                .is(200);
            // Somebody punches before the terminal asks.
            live().await;
            assert_eq!(app.obeyed("GATE").await, ["CHECK"]);
            stamps(&app, "GATE").await
        };
        assert_eq!(
            again("upload_transaction").await,
            ["0", "8888", "9999", "0"]
        );
        app.run_jobs().await;
        // The reply was lost, or the server started anew: it is still so.
        app.app.roster.forget("GATE");
        assert_eq!(stamps(&app, "GATE").await, ["0", "8888", "9999", "0"]);
        live().await;
        assert_eq!(
            stamps(&app, "GATE").await,
            ["9999", "8888", "9999", "0"],
            "it has sent them"
        );
        assert_eq!(again("upload_all").await, ["0", "0", "0", "0"]);
        let punches = "SELECT count(*) FROM punch";
        assert_eq!(app.number(punches).await, 1, "however often it was sent");
    })
    .await;
}

#[tokio::test]
async fn an_access_terminal_sends_its_table_of_punches_when_asked() {
    on_both(|app| async move {
        let caller = scene(&app, Profile::BioTime).await;
        let path = format!("{TERMINALS}upload_transaction/");
        caller.post(&path, json!({ "terminals": [1000002] })).await.is(200);
        let given = app.given("DOOR").await;
        let (id, _) = &given[0];
        let target = format!(
            "/iclock/querydata?SN=DOOR&type=tabledata&cmdid={id}&tablename=transaction&count=1&packcnt=1&packidx=1"
        );
        // 2026-01-15 07:15:32, packed.
        let row = "transaction cardno=0\tpin=1042\tverified=15\tdoorid=1\teventtype=0\tinoutstate=0\ttime_second=836896532\tindex=7\n";
        assert_eq!(app.post(&target, row).await.whole(), (200, "transaction=1"));
        app.post("/iclock/devicecmd?SN=DOOR", format!("ID={id}&Return=1&CMD=DATA QUERY")).await;
        let list = caller.get("/iclock/api/transactions/").await.is(200);
        let punch = &list["data"][0];
        assert_eq!(
            (&list["count"], &punch["emp_code"], &punch["punch_time"], &punch["terminal_sn"]),
            (&json!(1), &json!("1042"), &json!("2026-01-15 07:15:32"), &json!("DOOR"))
        );
        let command = caller.get(&format!("{COMMANDS}?terminal=1000002&ordering=-id")).await.is(200);
        assert_eq!(
            (&command["data"][0]["state"], &command["data"][0]["return_code"]),
            (&json!("done"), &json!(1))
        );
    })
    .await;
}

#[tokio::test]
async fn a_terminals_clock_is_watched_and_set_to_the_moment_it_is_told() {
    on_both(|app| async move {
        let caller = scene(&app, Profile::EasyTimePro).await;
        let zone = json!({ "zone_name": "Asia/Kolkata" });
        for sn in ["GATE", "DOOR"] {
            caller
                .patch(&format!("{TERMINALS}{sn}/"), zone.clone())
                .await
                .is(200);
        }
        // What is told at the handshake alone, they are made to ask for.
        assert_eq!(app.obeyed("GATE").await, ["CHECK"]);
        assert_eq!(app.obeyed("DOOR").await, ["SET OPTIONS DateTime=836919000"]);
        let drift = async |sn: &str| {
            app.run_jobs().await;
            let read = caller.get(&format!("{TERMINALS}{sn}/")).await.is(200);
            (read["clock_drift"].clone(), read["clock_seen"].clone())
        };
        assert_eq!(drift("GATE").await, (Value::Null, Value::Null));
        let punch = async |local: &str| {
            let row = format!("1042\t{local}\t0\t15\n");
            app.post("/iclock/cdata?SN=GATE&table=ATTLOG&Stamp=9999", row)
                .await;
        };
        // Just come back after a silence: this punch may be old.
        app.told("GATE").await;
        punch("2026-01-15 13:00:00").await;
        assert_eq!(drift("GATE").await, (Value::Null, Value::Null));
        for _ in 0..3 {
            app.app.clock.advance(TimeDelta::seconds(30));
            app.told("GATE").await;
            app.told("DOOR").await;
        }
        // 08:01:30 UTC is 13:31:30 there.
        punch("2026-01-15 13:33:40").await;
        assert_eq!(
            drift("GATE").await,
            (json!(130), json!("2026-01-15 08:01:30"))
        );
        let state = "time=2026-01-15 13:31:00\tsensor=01\trelay=00\talarm=00\tdoor=01\n";
        app.post("/iclock/cdata?SN=DOOR&table=rtstate", state).await;
        assert_eq!(
            drift("DOOR").await,
            (json!(-30), json!("2026-01-15 08:01:30"))
        );
        let list = caller
            .get(&format!("{TERMINALS}?ordering=-clock_drift&sn_icontains=o"))
            .await
            .is(200);
        assert_eq!(list["data"][0]["sn"], "DOOR");

        // While it is asked for something, what it sends may be the answer.
        caller
            .post(
                &format!("{TERMINALS}set_time/"),
                json!({ "devices_sn": ["GATE", "DOOR"] }),
            )
            .await
            .is(200);
        punch("2026-01-14 13:33:40").await;
        assert_eq!(drift("GATE").await.0, json!(130));
        app.app.clock.advance(TimeDelta::seconds(90));
        assert_eq!(
            app.obeyed("GATE").await,
            ["SET OPTION DateTime=836919180"],
            "when it is told, not when it was asked for"
        );
        assert_eq!(app.obeyed("DOOR").await, ["SET OPTIONS DateTime=836919180"]);
    })
    .await;
}

#[tokio::test]
async fn terminals_are_told_when_their_clocks_go_forward_and_back() {
    on_both(|app| async move {
        let caller = scene(&app, Profile::BioTime).await;
        for sn in ["1000001", "1000002"] {
            let zone = json!({ "zone_name": "Europe/Berlin" });
            let path = format!("{TERMINALS}{sn}/");
            assert_eq!(caller.patch(&path, zone).await.is(200)["terminal_tz"], 1);
        }
        app.obeyed("GATE").await;
        app.obeyed("DOOR").await;
        let zone = async || -> String {
            let reply = app
                .get("/iclock/cdata?SN=GATE&options=all&pushver=2.4.1")
                .await;
            let line = reply
                .body
                .lines()
                .find_map(|line| line.strip_prefix("TimeZone="));
            line.expect("a zone").to_owned()
        };
        assert_eq!(zone().await, "1");
        // What else they are told in half a year is not meant here.
        let clocks = async || {
            app.run_jobs().await;
            app.run_jobs().await;
            let mut told = [app.obeyed("GATE").await, app.obeyed("DOOR").await].concat();
            told.retain(|text| text == "CHECK" || text.contains("DateTime"));
            told
        };
        // 29 March, 00:59 and 01:00 UTC: 03:00 on the wall.
        app.app
            .clock
            .advance(TimeDelta::days(73) - TimeDelta::minutes(7 * 60 + 1));
        assert_eq!(clocks().await, NOTHING);
        app.app.clock.advance(TimeDelta::minutes(1));
        assert_eq!(clocks().await, ["CHECK", "SET OPTIONS DateTime=843447600"]);
        assert_eq!(zone().await, "2");
        let read = caller.get(&format!("{TERMINALS}1000001/")).await.is(200);
        assert_eq!(read["terminal_tz"], 2);
        assert_eq!(clocks().await, NOTHING);
        // 25 October, 00:59 and 01:00 UTC: 02:00 once more.
        app.app
            .clock
            .advance(TimeDelta::days(210) - TimeDelta::minutes(1));
        assert_eq!(clocks().await, NOTHING);
        app.app.clock.advance(TimeDelta::minutes(1));
        assert_eq!(clocks().await, ["CHECK", "SET OPTIONS DateTime=861847200"]);
        assert_eq!(zone().await, "1");
    })
    .await;
}

#[tokio::test]
async fn what_a_terminal_reads_at_its_handshake_alone_it_is_made_to_read() {
    on_both(|app| async move {
        let caller = scene(&app, Profile::EasyTimePro).await;
        let path = format!("{TERMINALS}GATE/");
        let zone = async || -> Option<String> {
            let reply = app
                .get("/iclock/cdata?SN=GATE&options=all&pushver=2.4.1")
                .await;
            let line = reply
                .body
                .lines()
                .find_map(|line| line.strip_prefix("TimeZone="));
            line.map(str::to_owned)
        };
        let nothing = json!({ "alias": "gate", "heartbeat": 10, "terminal_tz": 0 });
        caller.patch(&path, nothing).await.is(200);
        assert_eq!(app.told("GATE").await, NOTHING, "none of it is new to it");
        let half_hour = json!({ "terminal_tz": 330, "heartbeat": 30 });
        caller.patch(&path, half_hour).await.is(200);
        assert_eq!(app.obeyed("GATE").await, ["CHECK"]);
        for (spelling, expected) in [
            ("hours_or_minutes", Some("330")),
            ("signed", Some("+05:30")),
            ("omit", None),
            ("minutes", Some("330")),
        ] {
            let body = json!({ "zone_spelling": spelling });
            let answer = caller.patch(&path, body).await.is(200);
            assert_eq!(answer["zone_spelling"], spelling);
            app.obeyed("GATE").await;
            assert_eq!(zone().await.as_deref(), expected, "{spelling}");
        }
        let bad = json!({ "zone_spelling": "roman", "zone_name": "Mars/Olympus" });
        let answer = caller.patch(&path, bad).await.is(400);
        assert_eq!(
            (&answer["zone_spelling"], &answer["zone_name"]),
            (
                &json!(["\"roman\" is not a valid choice."]),
                &json!(["Enter the IANA name of a time zone."])
            )
        );
        // Held, or never heard: it is told nothing.
        caller
            .patch(&format!("{TERMINALS}HELD/"), json!({ "heartbeat": 30 }))
            .await
            .is(200);
        let queued = "SELECT count(*) FROM terminal_command WHERE state = 'queued'";
        assert_eq!(app.number(queued).await, 0);
    })
    .await;
}

#[tokio::test]
async fn who_is_enrolled_at_terminals_is_listed_with_the_printed_keys() {
    on_both(|app| async move {
        let caller = scene(&app, Profile::EasyTimePro).await;
        for code in ["7", "8"] {
            let new = json!({ "emp_code": code, "area": ["north"], "ssn": format!("55{code}") });
            caller.post("/personnel/api/employees/", new).await.is(201);
        }
        for row in [
            "FP PIN=1042\tFID=6\tSize=8\tValid=1\tTMP=c3ludGhldGlj\n",
            "FP PIN=7\tFID=1\tSize=8\tValid=1\tTMP=c3ludGhldGlj\n",
        ] {
            app.post("/iclock/cdata?SN=GATE&table=OPERLOG&Stamp=1", row).await;
        }
        let face = "BIODATA Pin=8\tNo=0\tIndex=0\tValid=1\tDuress=0\tType=9\tMajorVer=58\tMinorVer=7\tFormat=0\tTmp=c3ludGhldGlj\n";
        app.post("/iclock/cdata?SN=DOOR&table=BIODATA&Stamp=1", face).await;
        let path = format!("{TERMINALS}enrolled_employees/");
        let codes = |list: &Value| -> Vec<String> {
            list["data"].as_array().expect("a list").iter().map(|row| row["emp_code"].as_str().expect("a text").to_owned()).collect()
        };
        let list = caller.post(&path, json!({ "sn": ["GATE"] })).await.is(200);
        assert_eq!((&list["count"], codes(&list)), (&json!(2), vec!["1042".to_owned(), "7".to_owned()]));
        let read = caller.get("/personnel/api/employees/7/").await.is(200);
        let mut expected = read;
        expected["aadhaar_no"] = json!("557");
        assert_eq!(list["data"][1], expected);
        assert_eq!((&expected["self_password"], &expected["status"]), (&Value::Null, &json!(0)));
        assert!(expected["fingerprint"].as_str().is_some_and(|text| text.ends_with(":1")), "{expected}");

        let page = caller.post(&path, json!({ "sn": "GATE,DOOR", "page": 2, "page_size": 2 })).await.is(200);
        assert_eq!((&page["count"], codes(&page)), (&json!(3), vec!["8".to_owned()]));
        assert_eq!(
            page["previous"],
            format!("http://{}{path}?page_size=2&sn=GATE%2CDOOR", app.address)
        );
        // The links are followed as they are, by POST and by GET, and say each thing once.
        let first = path.clone() + "?page_size=2&sn=GATE%2CDOOR";
        assert_eq!(codes(&caller.post(&first, json!({})).await.is(200)), ["1042", "7"]);
        let asked = path.clone() + "?page_size=1&SN=HELD";
        let page = caller.post(&asked, json!({ "sn": "GATE,DOOR", "page_size": 2 })).await.is(200);
        let next = page["next"].as_str().expect("a link");
        assert!(next.contains("page=2&page_size=2&sn=GATE%2CDOOR"), "{next}");
        let next = next.strip_prefix(&format!("http://{}", app.address)).expect("this server's");
        assert_eq!(codes(&caller.get(next).await.is(200)), ["8"]);
        assert_eq!(caller.get(&path).await.is(400)["sn"], json!(["This field is required."]));
        let form = caller.request(Method::POST, &path).form(&[("sn", "DOOR"), ("sn", "HELD")]);
        assert_eq!(codes(&Got::from(form).await.is(200)), ["8"]);

        let missing = caller.post(&path, json!({})).await.is(400);
        assert_eq!((&missing["sn"], &missing["code"]), (&json!(["This field is required."]), &json!(-200)));
        let biotime = app.api(Profile::BioTime, Rights::viewer()).await;
        let list = biotime.post(&path, json!({ "terminals": [1000002] })).await.is(200);
        assert_eq!(codes(&list), ["8"]);
        assert_eq!(list["data"][0].get("self_password"), None);
        let unknown = biotime.post(&path, json!({ "terminals": [5] })).await.is(400);
        assert_eq!(unknown, json!({ "sn": ["Invalid pk \"5\" - object does not exist."] }));
        let nobody = app.api(Profile::BioTime, Rights::from_iter([Right::TerminalCommand])).await;
        nobody.post(&path, json!({ "terminals": [1000002] })).await.is(403);
    })
    .await;
}
