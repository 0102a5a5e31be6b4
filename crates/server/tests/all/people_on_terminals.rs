//! Who belongs on which terminal: what is done to people through the API, as terminals are told of it
//! when they poll.

use crate::testing::{TestApp, on_both};
use chrono::TimeDelta;
use muster::access::{Caller, Rights};
use muster::accounts::client::{self, NewClient};
use muster::jobs;
use muster::profile::Profile;
use muster_store::Sql;
use reqwest::Method;
use serde_json::{Value, json};

const PEOPLE: &str = "/personnel/api/employees/";

/// An administrator at the API of a server that terminals speak with too.
struct Admin<'a> {
    app: &'a TestApp,
    http: reqwest::Client,
    token: String,
}

impl Admin<'_> {
    async fn send(&self, method: Method, path: &str, body: Value) -> Value {
        let url = format!("http://{}{path}", self.app.address);
        let answer = self
            .http
            .request(method, url)
            .header("authorization", format!("Token {}", self.token))
            .json(&body)
            .send()
            .await
            .expect("answered");
        let status = answer.status();
        let text = answer.text().await.expect("a text");
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.send(Method::POST, path, body).await
    }

    async fn patch(&self, path: &str, body: Value) -> Value {
        self.send(Method::PATCH, path, body).await
    }

    /// What a terminal is told now, without the numbers.
    async fn told(&self, sn: &str) -> Vec<String> {
        let answer = self.app.get(&format!("/iclock/getrequest?SN={sn}")).await;
        assert_eq!(answer.status, 200, "{sn}");
        if answer.body == "OK" {
            return Vec::new();
        }
        answer
            .body
            .lines()
            .map(|line| {
                let (_, text) = line
                    .strip_prefix("C:")
                    .and_then(|line| line.split_once(':'))
                    .unwrap_or_else(|| panic!("no command: {line}"));
                text.to_owned()
            })
            .collect()
    }
}

/// Areas north and south, each with an attendance terminal; one that is held.
async fn admin(app: &TestApp) -> Admin<'_> {
    let new = NewClient {
        name: "admin".into(),
        profile: Profile::EasyTimePro,
        rights: Rights::administrator(),
        addresses: Vec::new(),
        expires_at: None,
    };
    let admin = Admin {
        app,
        http: reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client"),
        token: client::add(&app.app, &Caller::system(), new)
            .await
            .expect("added"),
    };
    for area in ["north", "south"] {
        let new = json!({ "area_code": area, "area_name": area });
        admin.post("/personnel/api/areas/", new).await;
    }
    for (sn, area) in [("NORTH", "north"), ("SOUTH", "south"), ("HELD", "1")] {
        let new = json!({ "sn": sn, "area": area });
        admin.post("/iclock/api/terminals/", new).await;
    }
    admin
}

const ASHA: &str =
    "DATA UPDATE USERINFO PIN=1001\tName=Asha Rao\tPri=14\tPasswd=4711\tCard=71059\tVerify=4";
const NOBODY: [&str; 0] = [];

fn asha(area: &str) -> Value {
    json!({
        "emp_code": "1001", "first_name": "Asha", "last_name": "Rao", "card_no": "71059",
        "device_password": "4711", "dev_privilege": 1, "verify_mode": 4, "area": ["1", area],
    })
}

#[tokio::test]
async fn people_come_to_the_terminals_of_their_areas_and_leave_them() {
    on_both(|app| async move {
        let admin = admin(&app).await;
        admin.post(PEOPLE, asha("north")).await;
        assert_eq!(admin.told("NORTH").await, [ASHA]);
        assert_eq!(admin.told("SOUTH").await, NOBODY);
        assert_eq!(app.get("/iclock/getrequest?SN=HELD").await.status, 403);

        let path = format!("{PEOPLE}1001/");
        admin
            .patch(&path, json!({ "address": "somewhere else" }))
            .await;
        assert_eq!(admin.told("NORTH").await, NOBODY, "no terminal shows it");
        admin
            .patch(&path, json!({ "last_name": "", "card_no": "" }))
            .await;
        let changed =
            "DATA UPDATE USERINFO PIN=1001\tName=Asha\tPri=14\tPasswd=4711\tCard=\tVerify=4";
        assert_eq!(admin.told("NORTH").await, [changed]);

        let moved = json!({ "emp_code": ["1001"], "area_code": ["south"] });
        admin.post(&format!("{PEOPLE}adjust_area/"), moved).await;
        assert_eq!(admin.told("NORTH").await, ["DATA DELETE USERINFO PIN=1001"]);
        assert_eq!(admin.told("SOUTH").await, [changed]);

        let resigned = json!({ "emp_code": "1001", "resign_date": "2026-01-15", "resign_type": 1 });
        admin
            .post(&format!("{PEOPLE}adjust_resign/"), resigned)
            .await;
        assert_eq!(admin.told("SOUTH").await, ["DATA DELETE USERINFO PIN=1001"]);
        let meant = json!({ "emp_code": [1001] });
        admin
            .post("/personnel/api/resigns/rehire/", meant.clone())
            .await;
        assert_eq!(admin.told("SOUTH").await, [changed]);
        admin
            .post(&format!("{PEOPLE}resync_to_device/"), meant)
            .await;
        assert_eq!(
            admin.told("SOUTH").await,
            [changed],
            "again, though it is known"
        );

        admin.send(Method::DELETE, &path, json!({})).await;
        assert_eq!(admin.told("SOUTH").await, ["DATA DELETE USERINFO PIN=1001"]);
        assert_eq!(admin.told("NORTH").await, NOBODY, "it knows of nobody");
        let (held,): (i64,) = app
            .app
            .store
            .one(&Sql::new("SELECT count(*) FROM terminal_person", []))
            .await
            .expect("counted");
        assert_eq!(held, 0);
        let (shown,): (i64,) = app
            .app
            .store
            .one(&Sql::new(
                "SELECT count(*) FROM terminal_command WHERE shown LIKE '%4711%'",
                [],
            ))
            .await
            .expect("counted");
        assert_eq!(shown, 0, "a password is not shown");
    })
    .await;
}

#[tokio::test]
async fn an_access_terminal_is_told_in_its_own_words() {
    on_both(|app| async move {
        let admin = admin(&app).await;
        app.get("/iclock/cdata?SN=NORTH&options=all&pushver=3.1.2&DeviceType=acc")
            .await;
        admin.post(PEOPLE, asha("north")).await;
        assert_eq!(
            admin.told("NORTH").await,
            [
                "DATA UPDATE user CardNo=71059\tPin=1001\tPassword=4711\tGroup=0\tStartTime=0\tEndTime=0\tName=Asha Rao\tPrivilege=14",
                "DATA UPDATE userauthorize Pin=1001\tAuthorizeTimezoneId=1\tAuthorizeDoorId=1",
            ]
        );
        let gone = json!({ "object_codes": ["1001"], "action_type": "delete" });
        admin.post(&format!("{PEOPLE}action/"), gone).await;
        assert_eq!(
            admin.told("NORTH").await,
            ["DATA DELETE userauthorize Pin=1001", "DATA DELETE user Pin=1001"]
        );
    })
    .await;
}

#[tokio::test]
async fn who_is_enrolled_at_a_terminal_reaches_the_others_of_its_area() {
    on_both(|app| async move {
        let admin = admin(&app).await;
        let more = json!({ "sn": "NORTH2", "area": "north" });
        admin.post("/iclock/api/terminals/", more).await;
        let row = "USER PIN=7\tName=Binod\tPri=14\tPasswd=\tCard=99\tGrp=1\tTZ=\n";
        let upload = app
            .post("/iclock/cdata?SN=NORTH&table=OPERLOG&Stamp=1", row)
            .await;
        assert_eq!(upload.status, 200);
        assert_eq!(admin.told("NORTH").await, NOBODY, "it has him already");
        assert_eq!(
            admin.told("NORTH2").await,
            ["DATA UPDATE USERINFO PIN=7\tName=Binod\tPri=0\tPasswd=\tCard=99"],
            "no terminal makes an administrator of another"
        );
        let moved = json!({ "employees": "7", "areas": "south" });
        admin.post(&format!("{PEOPLE}adjust_area/"), moved).await;
        for sn in ["NORTH", "NORTH2"] {
            assert_eq!(admin.told(sn).await, ["DATA DELETE USERINFO PIN=7"], "{sn}");
        }
    })
    .await;
}

#[tokio::test]
async fn validity_begins_and_ends_by_itself() {
    on_both(|app| async move {
        let admin = admin(&app).await;
        let mut new = asha("north");
        new["validity_start"] = json!("2026-01-16");
        new["validity_end"] = json!("2026-01-17");
        admin.post(PEOPLE, new).await;
        let mut told = Vec::new();
        for _ in 0..4 {
            jobs::run_all(&app.app).await.expect("run");
            jobs::run_all(&app.app).await.expect("and again");
            told.push(admin.told("NORTH").await);
            app.app.clock.advance(TimeDelta::days(1));
        }
        assert_eq!(
            told,
            [
                vec![],
                vec![ASHA.to_owned()],
                vec![],
                vec!["DATA DELETE USERINFO PIN=1001".to_owned()],
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn a_terminal_that_is_authorised_moved_or_replaced_has_its_people() {
    on_both(|app| async move {
        let admin = admin(&app).await;
        admin.post(PEOPLE, asha("north")).await;
        assert_eq!(admin.told("NORTH").await, [ASHA]);
        let put = |area: &'static str| json!({ "area": area });
        let terminal = "/iclock/api/terminals/HELD/";

        admin.patch(terminal, put("north")).await;
        jobs::run_all(&app.app).await.expect("run");
        assert_eq!(admin.told("HELD").await, [ASHA], "authorised");

        admin.patch(terminal, put("south")).await;
        jobs::run_all(&app.app).await.expect("run");
        assert_eq!(
            admin.told("HELD").await,
            ["DATA DELETE USERINFO PIN=1001"],
            "moved"
        );

        admin.patch(terminal, put("north")).await;
        jobs::run_all(&app.app).await.expect("run");
        admin.patch(terminal, json!({ "sn": "NEW" })).await;
        jobs::run_all(&app.app).await.expect("run");
        assert_eq!(admin.told("NEW").await, [ASHA], "replaced, and told once");

        let mark = "SELECT COUNT(*) FROM terminal_command";
        let before: (i64,) = app.app.store.one(&Sql::new(mark, [])).await.expect("read");
        jobs::run_all(&app.app).await.expect("run");
        let after: (i64,) = app.app.store.one(&Sql::new(mark, [])).await.expect("read");
        assert_eq!(before, after, "nothing is told twice");
    })
    .await;
}

#[tokio::test]
async fn a_terminal_that_asks_who_somebody_is_learns_of_its_own_people_alone() {
    on_both(|app| async move {
        let admin = admin(&app).await;
        admin.post(PEOPLE, asha("north")).await;
        let ask = |sn: &str| format!("/iclock/cdata?SN={sn}&table=RemoteAtt&PIN=1001");
        assert_eq!(app.get(&ask("NORTH")).await.body.trim_end(), ASHA);
        assert_eq!(app.get(&ask("SOUTH")).await.whole(), (200, "OK"));
    })
    .await;
}

#[tokio::test]
async fn templates_that_came_before_their_person_become_the_persons_and_can_be_removed() {
    on_both(|app| async move {
        let admin = admin(&app).await;
        let upload = "BIODATA Pin=1001\tNo=0\tIndex=0\tValid=1\tDuress=0\tType=9\tMajorVer=39\tMinorVer=1\tFormat=0\tTmp=c2VjcmV0\n";
        let answer = app
            .post("/iclock/cdata?SN=NORTH&table=BIODATA&Stamp=1", upload)
            .await;
        assert_eq!(answer.status, 200);
        admin.post(PEOPLE, asha("north")).await;
        let read = |list: Value| list["data"][0]["vl_face"].clone();
        assert_eq!(read(admin.send(Method::GET, PEOPLE, Value::Null).await), "Ver 39:1");
        let all = json!({ "employees": ["1001"], "vl_face": true });
        admin
            .post("/personnel/api/employees/del_bio_template/", all)
            .await;
        assert_eq!(read(admin.send(Method::GET, PEOPLE, Value::Null).await), "-");
        let left: (i64,) = app
            .app
            .store
            .one(&Sql::new("SELECT COUNT(*) FROM biometric", []))
            .await
            .expect("read");
        assert_eq!(left, (0,));
    })
    .await;
}

#[tokio::test]
async fn templates_are_removed_here_and_where_they_are() {
    on_both(|app| async move {
        let admin = admin(&app).await;
        admin.post(PEOPLE, asha("north")).await;
        admin.told("NORTH").await;
        for (table, row) in [
            ("OPERLOG", "FP PIN=1001\tFID=6\tSize=8\tValid=1\tTMP=c3ludGhldGlj\n"),
            (
                "BIODATA",
                "BIODATA Pin=1001\tNo=0\tIndex=0\tValid=1\tDuress=0\tType=9\tMajorVer=58\tMinorVer=7\tFormat=0\tTmp=c3ludGhldGlj\n",
            ),
        ] {
            let target = format!("/iclock/cdata?SN=NORTH&table={table}&Stamp=1");
            assert_eq!(app.post(&target, row).await.status, 200);
        }
        let left = async || -> i64 {
            let (left,): (i64,) = app
                .app
                .store
                .one(&Sql::new("SELECT count(*) FROM biometric", []))
                .await
                .expect("counted");
            left
        };
        assert_eq!(left().await, 2);
        let path = format!("{PEOPLE}del_bio_template/");
        // The manual's sample: nothing is to go.
        let nothing = json!({
            "emp_code": [1001], "finger_print": false, "face": false, "finger_vein": false,
            "palm": false, "vl_face": false,
        });
        let done = json!({ "detail": "Success." });
        assert_eq!(admin.post(&path, nothing).await, done);
        assert_eq!((left().await, admin.told("NORTH").await), (2, Vec::new()));
        let some = json!({ "emp_code": [1001], "finger_print": true, "vl_face": "true" });
        assert_eq!(admin.post(&path, some).await, done);
        assert_eq!(left().await, 0);
        assert_eq!(
            admin.told("NORTH").await,
            [
                "DATA DELETE FINGERTMP PIN=1001",
                "DATA DELETE BIODATA Pin=1001\tType=1",
                "DATA DELETE BIODATA Pin=1001\tType=9",
                "DATA DELETE BIOPHOTO PIN=1001\tType=9",
            ]
        );
        assert_eq!(admin.told("SOUTH").await, NOBODY);
    })
    .await;
}
