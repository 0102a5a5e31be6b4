//! Who belongs on which terminal: what is done to people through the API, as terminals are told of it
//! when they poll.

use crate::testing::{Api, TestApp, on_both, on_both_with};
use chrono::TimeDelta;
use muster::access::Rights;
use muster::config::Admission;
use muster::jobs;
use muster::profile::Profile;
use muster_store::Sql;
use reqwest::Method;
use serde_json::{Value, json};

const PEOPLE: &str = "/personnel/api/employees/";

/// An administrator of whom everything is taken.
pub struct Admin<'a>(Api<'a>);

impl Admin<'_> {
    pub async fn at(app: &TestApp) -> Admin<'_> {
        Admin(app.api(Profile::EasyTimePro, Rights::administrator()).await)
    }

    pub async fn send(&self, method: Method, path: &str, body: Value) -> Value {
        let answer = self.0.send(method, path, Some(body)).await;
        assert!(
            (200..300).contains(&answer.status),
            "{path}: {} {}",
            answer.status,
            answer.text
        );
        serde_json::from_str(&answer.text).unwrap_or_default()
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.send(Method::POST, path, body).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Value {
        self.send(Method::PATCH, path, body).await
    }
}

/// Areas north and south, each with an attendance terminal; one that is held.
async fn admin(app: &TestApp) -> Admin<'_> {
    let admin = Admin::at(app).await;
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
        assert_eq!(app.told("NORTH").await, [ASHA]);
        assert_eq!(app.told("SOUTH").await, NOBODY);
        assert_eq!(app.get("/iclock/getrequest?SN=HELD").await.status, 403);

        let path = format!("{PEOPLE}1001/");
        admin
            .patch(&path, json!({ "address": "somewhere else" }))
            .await;
        assert_eq!(app.told("NORTH").await, NOBODY, "no terminal shows it");
        admin
            .patch(&path, json!({ "last_name": "", "card_no": "" }))
            .await;
        let changed =
            "DATA UPDATE USERINFO PIN=1001\tName=Asha\tPri=14\tPasswd=4711\tCard=\tVerify=4";
        assert_eq!(app.told("NORTH").await, [changed]);

        let moved = json!({ "emp_code": ["1001"], "area_code": ["south"] });
        admin.post(&format!("{PEOPLE}adjust_area/"), moved).await;
        assert_eq!(app.told("NORTH").await, ["DATA DELETE USERINFO PIN=1001"]);
        assert_eq!(app.told("SOUTH").await, [changed]);

        let resigned = json!({ "emp_code": "1001", "resign_date": "2026-01-15", "resign_type": 1 });
        admin
            .post(&format!("{PEOPLE}adjust_resign/"), resigned)
            .await;
        assert_eq!(app.told("SOUTH").await, ["DATA DELETE USERINFO PIN=1001"]);
        let meant = json!({ "emp_code": [1001] });
        admin
            .post("/personnel/api/resigns/rehire/", meant.clone())
            .await;
        assert_eq!(app.told("SOUTH").await, [changed]);
        admin
            .post(&format!("{PEOPLE}resync_to_device/"), meant)
            .await;
        assert_eq!(
            app.told("SOUTH").await,
            [changed],
            "again, though it is known"
        );

        admin.send(Method::DELETE, &path, json!({})).await;
        assert_eq!(app.told("SOUTH").await, ["DATA DELETE USERINFO PIN=1001"]);
        assert_eq!(app.told("NORTH").await, NOBODY, "it knows of nobody");
        let shown = "SELECT count(*) FROM terminal_command WHERE shown LIKE '%4711%'";
        assert_eq!(app.number(shown).await, 0, "a password is not shown");
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
            app.told("NORTH").await,
            [
                "DATA UPDATE user CardNo=71059\tPin=1001\tPassword=4711\tGroup=0\tStartTime=0\tEndTime=0\tName=Asha Rao\tPrivilege=14",
                "DATA UPDATE userauthorize Pin=1001\tAuthorizeTimezoneId=1\tAuthorizeDoorId=1",
            ]
        );
        let gone = json!({ "object_codes": ["1001"], "action_type": "delete" });
        admin.post(&format!("{PEOPLE}action/"), gone).await;
        assert_eq!(
            app.told("NORTH").await,
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
        assert_eq!(app.told("NORTH").await, NOBODY, "it has him already");
        assert_eq!(
            app.told("NORTH2").await,
            ["DATA UPDATE USERINFO PIN=7\tName=Binod\tPri=0\tPasswd=\tCard=99\tVerify=-1"],
            "no terminal makes an administrator of another"
        );
        let moved = json!({ "employees": "7", "areas": "south" });
        admin.post(&format!("{PEOPLE}adjust_area/"), moved).await;
        for sn in ["NORTH", "NORTH2"] {
            assert_eq!(app.told(sn).await, ["DATA DELETE USERINFO PIN=7"], "{sn}");
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
            told.push(app.told("NORTH").await);
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
        assert_eq!(app.told("NORTH").await, [ASHA]);
        let put = |area: &'static str| json!({ "area": area });
        let terminal = "/iclock/api/terminals/HELD/";

        admin.patch(terminal, put("north")).await;
        jobs::run_all(&app.app).await.expect("run");
        assert_eq!(app.told("HELD").await, [ASHA], "authorised");

        admin.patch(terminal, put("south")).await;
        jobs::run_all(&app.app).await.expect("run");
        assert_eq!(
            app.told("HELD").await,
            ["DATA DELETE USERINFO PIN=1001"],
            "moved"
        );

        admin.patch(terminal, put("north")).await;
        jobs::run_all(&app.app).await.expect("run");
        admin.patch(terminal, json!({ "sn": "NEW" })).await;
        jobs::run_all(&app.app).await.expect("run");
        assert_eq!(app.told("NEW").await, [ASHA], "replaced, and told once");

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
        app.told("NORTH").await;
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
        assert_eq!((left().await, app.told("NORTH").await), (2, Vec::new()));
        let some = json!({ "emp_code": [1001], "finger_print": true, "vl_face": "true" });
        assert_eq!(admin.post(&path, some).await, done);
        assert_eq!(left().await, 0);
        assert_eq!(
            app.told("NORTH").await,
            [
                "DATA DELETE FINGERTMP PIN=1001",
                "DATA DELETE BIODATA Pin=1001\tType=1",
                "DATA DELETE BIODATA Pin=1001\tType=9",
                "DATA DELETE BIOPHOTO PIN=1001\tType=9",
            ]
        );
        assert_eq!(app.told("SOUTH").await, NOBODY);
    })
    .await;
}

#[tokio::test]
async fn templates_that_no_terminal_ever_sent_are_removed_where_they_may_be() {
    on_both(|app| async move {
        let admin = admin(&app).await;
        is_visible_light(&app, "NORTH", "39").await;
        let old = json!({ "sn": "OLD", "area": "north" });
        admin.post("/iclock/api/terminals/", old).await;
        admin.post(PEOPLE, asha("north")).await;
        for sn in ["NORTH", "OLD"] {
            assert_eq!(app.obeyed(sn).await, [ASHA]);
        }
        let forget = async || {
            let all = json!({
                "emp_code": [1001], "finger_print": true, "face": true, "finger_vein": true, "palm": true,
                "vl_face": true,
            });
            let path = format!("{PEOPLE}del_bio_template/");
            assert_eq!(admin.post(&path, all).await, json!({ "detail": "Success." }));
        };
        let finger = "DATA DELETE FINGERTMP PIN=1001";
        let gone = [
            finger,
            "DATA DELETE BIODATA Pin=1001\tType=1",
            "DATA DELETE BIODATA Pin=1001\tType=8",
            "DATA DELETE BIODATA Pin=1001\tType=9",
            "DATA DELETE BIOPHOTO PIN=1001\tType=9",
        ];
        forget().await;
        forget().await;
        assert_eq!(app.obeyed("NORTH").await, gone, "once, though asked twice");
        assert_eq!(app.answered("OLD", |_| -1).await, [finger], "it has said nothing of what it can");
        assert_eq!(app.told("SOUTH").await, NOBODY, "nobody is there");
        later(&app, TimeDelta::seconds(20)).await;
        for sn in ["NORTH", "OLD"] {
            assert_eq!(app.told(sn).await, NOBODY);
        }
        forget().await;
        assert_eq!(app.obeyed("NORTH").await, gone, "there may be new ones");
        assert_eq!(app.obeyed("OLD").await, [finger], "refused before");
        later(&app, TimeDelta::seconds(20)).await;
        let held = "SELECT COUNT(*) FROM terminal_holding WHERE thing <> 'user'";
        assert_eq!(app.number(held).await, 0);
    })
    .await;
}

/// Turns the clock on and lets the server do what it does by itself.
async fn later(app: &TestApp, passes: TimeDelta) {
    app.app.clock.advance(passes);
    jobs::run_all(&app.app).await.expect("run");
}

const HELD: &str = "SELECT count(*) FROM terminal_holding";

#[tokio::test]
async fn a_removal_is_on_record_until_the_terminal_has_proved_it() {
    on_both(|app| async move {
        let admin = admin(&app).await;
        admin.post(PEOPLE, asha("north")).await;
        assert_eq!(app.obeyed("NORTH").await, [ASHA]);
        let path = format!("{PEOPLE}1001/");
        admin.send(Method::DELETE, &path, json!({})).await;
        let removal = ["DATA DELETE USERINFO PIN=1001"];
        assert_eq!(app.told("NORTH").await, removal);
        assert_eq!(app.number(HELD).await, 1);
        // The terminal starts anew and says nothing of it: it is told again, and again, and in the end
        // after long pauses.
        for minutes in [1, 5, 30] {
            app.get("/iclock/cdata?SN=NORTH&options=all&pushver=2.4.1")
                .await;
            later(&app, TimeDelta::minutes(minutes)).await;
            assert_eq!(app.told("NORTH").await, removal);
        }
        app.get("/iclock/cdata?SN=NORTH&options=all&pushver=2.4.1")
            .await;
        later(&app, TimeDelta::seconds(1)).await;
        assert_eq!(
            app.told("NORTH").await,
            NOBODY,
            "lost, and not again at once"
        );
        later(&app, TimeDelta::minutes(1)).await;
        assert_eq!(app.obeyed("NORTH").await, removal);
        assert_eq!(app.number(HELD).await, 0);
        later(&app, TimeDelta::days(1)).await;
        assert_eq!(app.told("NORTH").await, NOBODY);
    })
    .await;
}

#[tokio::test]
async fn what_is_overtaken_before_a_terminal_asks_is_never_said() {
    on_both(|app| async move {
        let admin = admin(&app).await;
        let path = format!("{PEOPLE}1001/");
        admin.post(PEOPLE, asha("north")).await;
        for name in ["Rai", "Rey", "Rao"] {
            admin.patch(&path, json!({ "last_name": name })).await;
        }
        assert_eq!(app.obeyed("NORTH").await, [ASHA], "the last one alone");
        admin.patch(&path, json!({ "last_name": "Rai" })).await;
        admin.patch(&path, json!({ "last_name": "Rao" })).await;
        assert_eq!(app.told("NORTH").await, NOBODY, "it has that already");
        admin.patch(&path, json!({ "area": ["south"] })).await;
        admin.patch(&path, json!({ "area": ["north"] })).await;
        assert_eq!(app.told("NORTH").await, NOBODY);
        assert_eq!(app.told("SOUTH").await, NOBODY);
        let cancelled = "SELECT count(*) FROM terminal_command WHERE state = 'cancelled'";
        assert_eq!(app.number(cancelled).await, 6);
    })
    .await;
}

#[tokio::test]
async fn a_silent_command_is_not_sent_again_once_a_later_one_says_otherwise() {
    on_both(|app| async move {
        let admin = admin(&app).await;
        admin.post(PEOPLE, asha("north")).await;
        assert_eq!(app.told("NORTH").await, [ASHA]);
        let path = format!("{PEOPLE}1001/");
        admin.send(Method::DELETE, &path, json!({})).await;
        assert_eq!(app.obeyed("NORTH").await, ["DATA DELETE USERINFO PIN=1001"]);
        for _ in 0..4 {
            app.get("/iclock/cdata?SN=NORTH&options=all&pushver=2.4.1")
                .await;
            later(&app, TimeDelta::hours(1)).await;
            assert_eq!(app.told("NORTH").await, NOBODY);
        }
    })
    .await;
}

#[tokio::test]
async fn a_refusal_is_repeated_when_it_may_pass_and_kept_when_it_will_not() {
    on_both(|app| async move {
        let admin = admin(&app).await;
        admin.post(PEOPLE, asha("north")).await;
        assert_eq!(app.answered("NORTH", |_| -1005).await, [ASHA], "busy");
        later(&app, TimeDelta::seconds(59)).await;
        assert_eq!(app.told("NORTH").await, NOBODY);
        later(&app, TimeDelta::seconds(1)).await;
        assert_eq!(
            app.answered("NORTH", |_| -1002).await,
            [ASHA],
            "not supported"
        );
        later(&app, TimeDelta::days(30)).await;
        assert_eq!(app.told("NORTH").await, NOBODY, "it would say the same");
        let path = format!("{PEOPLE}1001/");
        admin.patch(&path, json!({ "last_name": "" })).await;
        let changed = ASHA.replace("Asha Rao", "Asha");
        assert_eq!(
            app.obeyed("NORTH").await,
            [changed],
            "this is something else"
        );
    })
    .await;
}

#[tokio::test]
async fn a_terminals_changed_records_complete_the_servers_and_are_put_right() {
    on_both(|app| async move {
        let admin = admin(&app).await;
        let more = json!({ "sn": "NORTH2", "area": "north" });
        admin.post("/iclock/api/terminals/", more).await;
        let new = json!({ "emp_code": "7", "first_name": "Binod", "area": ["north"] });
        admin.post(PEOPLE, new).await;
        let plain = ["DATA UPDATE USERINFO PIN=7\tName=Binod\tPri=0\tPasswd=\tCard=\tVerify=-1"];
        assert_eq!(app.obeyed("NORTH").await, plain);
        assert_eq!(app.obeyed("NORTH2").await, plain);

        let shows = async |row: &str| {
            let target = "/iclock/cdata?SN=NORTH&table=OPERLOG&Stamp=1";
            assert_eq!(app.post(target, row).await.status, 200);
        };
        shows("USER PIN=7\tName=Binod\tPri=0\tPasswd=\tCard=[15CD5B07]\tGrp=1\n").await;
        assert_eq!(app.told("NORTH").await, NOBODY, "it has the card already");
        let with_card =
            ["DATA UPDATE USERINFO PIN=7\tName=Binod\tPri=0\tPasswd=\tCard=123456789\tVerify=-1"];
        assert_eq!(
            app.obeyed("NORTH2").await,
            with_card,
            "and the other gets it"
        );

        let forged = "USER PIN=7\tName=Mallory\tPri=14\tPasswd=\tCard=666\n";
        shows(forged).await;
        assert_eq!(app.obeyed("NORTH").await, with_card, "put right");
        assert_eq!(app.told("NORTH2").await, NOBODY);
        shows(forged).await;
        assert_eq!(app.told("NORTH").await, NOBODY, "not for ever");
        later(&app, TimeDelta::minutes(30)).await;
        assert_eq!(app.obeyed("NORTH").await, with_card, "but again");
        later(&app, TimeDelta::hours(6)).await;
        shows(forged).await;
        assert_eq!(app.obeyed("NORTH").await, with_card);
        let cut = "USER PIN=7\tName=Bin\tPri=0\tPasswd=\tCard=123456789\n";
        shows(cut).await;
        assert_eq!(app.obeyed("NORTH").await, with_card);
        for _ in 0..2 {
            shows(cut).await;
            later(&app, TimeDelta::hours(1)).await;
            assert_eq!(
                app.told("NORTH").await,
                NOBODY,
                "it cannot do better, it seems"
            );
        }
        let employee = admin
            .send(Method::GET, &format!("{PEOPLE}7/"), Value::Null)
            .await;
        assert_eq!(
            (
                &employee["first_name"],
                &employee["card_no"],
                &employee["dev_privilege"]
            ),
            (&json!("Binod"), &json!("123456789"), &json!(0))
        );
    })
    .await;
}

#[tokio::test]
async fn a_leaver_who_is_still_on_a_terminal_is_not_made_anew_by_it() {
    on_both(|app| async move {
        let admin = admin(&app).await;
        admin.post(PEOPLE, asha("north")).await;
        app.obeyed("NORTH").await;
        let path = format!("{PEOPLE}1001/");
        admin.send(Method::DELETE, &path, json!({})).await;
        let row = "USER PIN=1001\tName=Asha Rao\tPri=14\tPasswd=4711\tCard=71059\n";
        app.post("/iclock/cdata?SN=NORTH&table=OPERLOG&Stamp=1", row)
            .await;
        assert_eq!(app.number("SELECT count(*) FROM employee").await, 0);
        assert_eq!(app.obeyed("NORTH").await, ["DATA DELETE USERINFO PIN=1001"]);
    })
    .await;
}

/// A terminal of the fifth generation says what it can do.
async fn is_visible_light(app: &TestApp, sn: &str, version: &str) {
    let options = format!(
        "FPVersion=10,FaceVersion={version},VisilightFun=1,BioPhotoFun=1,BioDataFun=1,PhotoFunOn=1,\
         MultiBioDataSupport=0:1:0:0:0:0:0:0:1:1"
    );
    let target = format!("/iclock/cdata?SN={sn}&table=options");
    assert_eq!(app.post(&target, options).await.status, 200);
}

#[tokio::test]
async fn templates_reach_the_terminals_of_their_algorithm_once_the_person_is_there() {
    on_both(|app| async move {
        let admin = admin(&app).await;
        for sn in ["SAME", "OTHER", "OLD"] {
            let more = json!({ "sn": sn, "area": "north" });
            admin.post("/iclock/api/terminals/", more).await;
        }
        is_visible_light(&app, "NORTH", "39").await;
        is_visible_light(&app, "SAME", "39").await;
        is_visible_light(&app, "OTHER", "58").await;
        app.post("/iclock/cdata?SN=OLD&table=options", "FPVersion=10,FaceVersion=7").await;
        admin.post(PEOPLE, asha("north")).await;
        app.obeyed("NORTH").await;
        for (table, row) in [
            ("OPERLOG", "FP PIN=1001\tFID=6\tSize=8\tValid=1\tTMP=c3ludGhldGlj\n"),
            (
                "BIODATA",
                "BIODATA Pin=1001\tNo=0\tIndex=0\tValid=1\tDuress=0\tType=9\tMajorVer=39\tMinorVer=3\tFormat=0\tTmp=ZmFjZQ==\n",
            ),
            (
                "BIOPHOTO",
                "BIOPHOTO PIN=1001\tFileName=1001.jpg\tType=9\tSize=8\tContent=cGhvdG8=\n",
            ),
        ] {
            let target = format!("/iclock/cdata?SN=NORTH&table={table}&Stamp=1");
            assert_eq!(app.post(&target, row).await.status, 200);
        }
        assert_eq!(app.told("NORTH").await, NOBODY, "it has what it brought");
        let finger = "DATA UPDATE FINGERTMP PIN=1001\tFID=6\tSize=12\tValid=1\tTMP=c3ludGhldGlj";
        let face = "DATA UPDATE BIODATA Pin=1001\tNo=0\tIndex=0\tValid=1\tDuress=0\tType=9\tMajorVer=39\tMinorVer=3\tFormat=0\tTmp=ZmFjZQ==";
        let photo = "DATA UPDATE BIOPHOTO PIN=1001\tType=9\tNo=0\tIndex=0\tSize=8\tContent=cGhvdG8=\tFormat=0\tPostBackTmpFlag=1";
        assert_eq!(app.told("SAME").await, [ASHA], "first the record alone");
        assert_eq!(app.told("SAME").await, NOBODY);
        app.post("/iclock/devicecmd?SN=SAME", "ID=1&Return=0&CMD=DATA\n").await;
        assert_eq!(app.obeyed("SAME").await, [finger, face], "no photo beside its template");
        assert_eq!(app.obeyed("OTHER").await, [ASHA, finger, photo]);
        assert_eq!(app.obeyed("OLD").await, [ASHA, finger]);

        // OTHER makes a template of its own of the photo; it serves those of its version.
        let made = "BIODATA Pin=1001\tNo=0\tIndex=0\tValid=1\tDuress=0\tType=9\tMajorVer=58\tMinorVer=7\tFormat=0\tTmp=b3duIQ==\n";
        app.post("/iclock/cdata?SN=OTHER&table=BIODATA&Stamp=1", made).await;
        for sn in ["NORTH", "SAME", "OTHER", "OLD"] {
            assert_eq!(app.told(sn).await, NOBODY, "{sn}");
        }

        let all = json!({ "emp_code": [1001], "vl_face": true });
        admin.post(&format!("{PEOPLE}del_bio_template/"), all).await;
        let gone = ["DATA DELETE BIODATA Pin=1001\tType=9", "DATA DELETE BIOPHOTO PIN=1001\tType=9"];
        for sn in ["NORTH", "SAME", "OTHER"] {
            assert_eq!(app.obeyed(sn).await, gone, "{sn}");
        }
        assert_eq!(app.told("OLD").await, NOBODY, "it never had any");

        let moved = json!({ "employees": "1001", "areas": "south" });
        admin.post(&format!("{PEOPLE}adjust_area/"), moved).await;
        for sn in ["NORTH", "SAME", "OTHER", "OLD"] {
            assert_eq!(app.obeyed(sn).await, ["DATA DELETE USERINFO PIN=1001"], "all at once: {sn}");
        }
        assert_eq!(app.obeyed("SOUTH").await, [ASHA], "nobody knows what it takes");
    })
    .await;
}

#[tokio::test]
async fn a_terminal_says_late_what_it_can_do_and_gets_the_templates_then() {
    on_both(|app| async move {
        let admin = admin(&app).await;
        is_visible_light(&app, "NORTH", "39").await;
        admin.post(PEOPLE, asha("north")).await;
        app.obeyed("NORTH").await;
        let row = "FP PIN=1001\tFID=6\tSize=8\tValid=1\tTMP=c3ludGhldGlj\n";
        app.post("/iclock/cdata?SN=NORTH&table=OPERLOG&Stamp=1", row)
            .await;
        admin
            .patch("/iclock/api/terminals/SOUTH/", json!({ "area": "north" }))
            .await;
        later(&app, TimeDelta::seconds(20)).await;
        assert_eq!(app.obeyed("SOUTH").await, [ASHA]);
        is_visible_light(&app, "SOUTH", "39").await;
        later(&app, TimeDelta::seconds(20)).await;
        assert_eq!(
            app.obeyed("SOUTH").await,
            ["DATA UPDATE FINGERTMP PIN=1001\tFID=6\tSize=12\tValid=1\tTMP=c3ludGhldGlj"]
        );
    })
    .await;
}

#[tokio::test]
async fn who_was_deleted_at_a_terminal_comes_back_and_who_was_enrolled_there_stays() {
    on_both(|app| async move {
        let admin = admin(&app).await;
        for code in ["1", "2", "3"] {
            let new = json!({ "emp_code": code, "first_name": code, "area": ["north"] });
            admin.post(PEOPLE, new).await;
        }
        admin.post(PEOPLE, json!({ "emp_code": "9", "area": ["south"] })).await;
        assert_eq!(app.obeyed("NORTH").await.len(), 3);
        app.post("/iclock/cdata?SN=NORTH&table=options", "FPVersion=10").await;
        let row = "FP PIN=2\tFID=6\tSize=8\tValid=1\tTMP=c3ludGhldGlj\n";
        app.post("/iclock/cdata?SN=NORTH&table=OPERLOG&Stamp=1", row).await;

        later(&app, TimeDelta::hours(23)).await;
        assert_eq!(app.told("NORTH").await, NOBODY, "not yet");
        later(&app, TimeDelta::hours(1)).await;
        assert_eq!(app.told("NORTH").await, NOBODY, "it was not heard of late");
        later(&app, TimeDelta::minutes(1)).await;
        let given = app.given("NORTH").await;
        let texts: Vec<&str> = given.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "DATA QUERY USERINFO",
                "VERIFY SUM ATTLOG StartTime=2026-01-15 00:00:00\tEndTime=2026-01-15 23:59:59",
            ]
        );
        // Somebody has deleted 2 at the terminal, and enrolled 9, who belongs elsewhere.
        let shows = "USER PIN=1\tName=1\tPri=0\tPasswd=\tCard=\nUSER PIN=3\tName=3\tPri=0\tPasswd=\tCard=\n\
                     USER PIN=9\tName=\tPri=0\tPasswd=\tCard=\n";
        app.post("/iclock/cdata?SN=NORTH&table=OPERLOG&Stamp=0", shows).await;
        let done = format!(
            "ID={}&Return=3&CMD=DATA\nID={}&Return=0&CMD=VERIFY SUM&StartTime=&EndTime=&AttlogSum=1\n",
            given[0].0, given[1].0
        );
        app.post("/iclock/devicecmd?SN=NORTH", done).await;
        later(&app, TimeDelta::minutes(1)).await;
        later(&app, TimeDelta::seconds(1)).await;
        assert_eq!(
            app.obeyed("NORTH").await,
            [
                "DATA QUERY ATTLOG StartTime=2026-01-15 00:00:00\tEndTime=2026-01-15 23:59:59",
                "DATA UPDATE USERINFO PIN=2\tName=2\tPri=0\tPasswd=\tCard=\tVerify=-1",
                "DATA UPDATE FINGERTMP PIN=2\tFID=6\tSize=12\tValid=1\tTMP=c3ludGhldGlj",
            ],
            "one punch more than here, and one person less"
        );
        later(&app, TimeDelta::minutes(1)).await;
        assert_eq!(app.told("NORTH").await, NOBODY, "asked and made good");
    })
    .await;
}

#[tokio::test]
async fn a_cleared_terminal_stays_empty_until_it_moves_or_is_told_again() {
    on_both(|app| async move {
        let admin = admin(&app).await;
        admin.post(PEOPLE, asha("north")).await;
        app.obeyed("NORTH").await;
        let clear = async || {
            let north = json!({ "devices_sn": ["NORTH"] });
            admin.post("/iclock/api/terminals/clear_all/", north).await;
            assert_eq!(app.obeyed("NORTH").await, ["CLEAR DATA"]);
            later(&app, TimeDelta::seconds(20)).await;
            assert_eq!(app.number(HELD).await, 0);
            let path = format!("{PEOPLE}1001/");
            for name in ["Rai", "Rao"] {
                admin.patch(&path, json!({ "last_name": name })).await;
            }
            assert_eq!(app.told("NORTH").await, NOBODY);
        };
        clear().await;
        let north = json!({ "devices_sn": ["NORTH"] });
        let door = "/iclock/api/terminals/sync_data_to_device/";
        admin.post(door, north).await;
        assert_eq!(app.obeyed("NORTH").await, [ASHA]);

        clear().await;
        let terminal = "/iclock/api/terminals/NORTH/";
        admin.patch(terminal, json!({ "area": "south" })).await;
        admin.patch(terminal, json!({ "area": "north" })).await;
        later(&app, TimeDelta::seconds(20)).await;
        assert_eq!(app.obeyed("NORTH").await, [ASHA]);
    })
    .await;
}

#[tokio::test]
async fn callers_see_what_terminals_hold_what_is_on_its_way_and_what_failed() {
    on_both(|app| async move {
        let admin = admin(&app).await;
        for code in ["1", "2", "3"] {
            let new = json!({ "emp_code": code, "first_name": code, "area": ["north"] });
            admin.post(PEOPLE, new).await;
        }
        let code = |text: &str| match text.split(['=', '\t']).nth(1) {
            Some("1") => 0,
            Some("2") => -1002,
            _ => -1005,
        };
        app.answered("NORTH", code).await;
        let moved = json!({ "employees": "1", "areas": "south" });
        admin.post(&format!("{PEOPLE}adjust_area/"), moved).await;
        let list = async |query: &str| {
            let path = format!("/iclock/api/holdings/?{query}");
            let list = admin.send(Method::GET, &path, Value::Null).await;
            let rows = list["data"].as_array().expect("rows").iter();
            let shown = rows.map(|row| {
                json!([
                    row["terminal_sn"],
                    row["emp_code"],
                    row["thing"],
                    row["state"],
                    row["is_removal"],
                    row["return_code"],
                    row["reason"],
                    row["retry_time"],
                ])
            });
            shown.collect::<Vec<Value>>()
        };
        assert_eq!(
            list("ordering=emp_code,terminal_sn").await,
            [
                json!(["NORTH", "1", "user", "queued", true, null, null, null]),
                json!(["SOUTH", "1", "user", "queued", false, null, null, null]),
                json!([
                    "NORTH",
                    "2",
                    "user",
                    "failed",
                    false,
                    -1002,
                    "Not supported",
                    null
                ]),
                json!([
                    "NORTH",
                    "3",
                    "user",
                    "waits",
                    false,
                    -1005,
                    "Terminal is busy",
                    "2026-01-15 08:01:00"
                ]),
            ]
        );
        app.obeyed("SOUTH").await;
        assert_eq!(
            list("emp_code=1&state=confirmed").await,
            [json!([
                "SOUTH",
                "1",
                "user",
                "confirmed",
                false,
                null,
                null,
                null
            ])]
        );
        assert_eq!(list("sn=NORTH&is_removal=true").await.len(), 1);
    })
    .await;
}

/// What a terminal shows of people, or brings of them.
async fn shows(app: &TestApp, sn: &str, rows: &[&str]) {
    let target = format!("/iclock/cdata?SN={sn}&table=OPERLOG&Stamp=1");
    let answer = app.post(&target, format!("{}\n", rows.join("\n"))).await;
    let taken = format!("OK: {}", rows.len());
    assert_eq!(answer.whole(), (200, taken.as_str()), "{sn}");
}

const NOT_APPLIED: &str = "SELECT count(*) FROM unread_line WHERE reason = 'not_applied'";

#[tokio::test]
async fn who_has_resigned_or_is_not_valid_goes_from_a_terminal_that_shows_him() {
    on_both(|app| async move {
        let admin = admin(&app).await;
        for (code, area, end) in [
            ("5003", "north", Value::Null),
            ("8001", "north", json!("2026-01-14")),
            ("9", "south", json!("2026-01-16")),
        ] {
            let new = json!({ "emp_code": code, "area": [area], "validity_end": end });
            admin.post(PEOPLE, new).await;
        }
        let resigned = json!({ "emp_code": "5003", "resign_date": "2026-01-15", "resign_type": 1 });
        admin
            .post(&format!("{PEOPLE}adjust_resign/"), resigned)
            .await;
        let people = [
            "USER PIN=5003\tName=Eva\tPri=14\tPasswd=\tCard=",
            "USER PIN=8001\tName=\tPri=0\tPasswd=\tCard=",
            "USER PIN=9\tName=\tPri=14\tPasswd=\tCard=",
            "USER PIN=a b\tName=Nobody\tPri=14\tPasswd=\tCard=",
        ];
        shows(&app, "NORTH", &people).await;
        assert_eq!(
            app.obeyed("NORTH").await,
            [
                "DATA DELETE USERINFO PIN=5003",
                "DATA DELETE USERINFO PIN=8001"
            ]
        );
        let north = json!({ "devices_sn": ["NORTH"] });
        admin
            .post("/iclock/api/terminals/sync_data_to_device/", north)
            .await;
        app.run_jobs().await;
        let stay = "who belongs elsewhere and whom nobody knows stay";
        assert_eq!(app.told("NORTH").await, NOBODY, "{stay}");
        later(&app, TimeDelta::days(2)).await;
        let over = ["DATA DELETE USERINFO PIN=9"];
        assert_eq!(app.obeyed("NORTH").await, over, "his validity has ended");
    })
    .await;
}

#[tokio::test]
async fn whom_a_terminal_brought_and_who_belongs_elsewhere_goes_when_it_moves() {
    on_both(|app| async move {
        let admin = admin(&app).await;
        for (code, area) in [("3", "south"), ("9", "1")] {
            let new = json!({ "emp_code": code, "first_name": code, "area": [area] });
            admin.post(PEOPLE, new).await;
        }
        let people = [
            "USER PIN=3\tName=3\tPri=0\tPasswd=\tCard=",
            "USER PIN=9\tName=9\tPri=0\tPasswd=\tCard=",
            "USER PIN=a b\tName=Nobody\tPri=14\tPasswd=\tCard=",
        ];
        shows(&app, "NORTH", &people).await;
        assert_eq!(app.told("NORTH").await, NOBODY);
        let south = json!({ "area": "south" });
        admin.patch("/iclock/api/terminals/NORTH/", south).await;
        app.run_jobs().await;
        assert_eq!(app.obeyed("NORTH").await, ["DATA DELETE USERINFO PIN=9"]);
    })
    .await;
}

#[tokio::test]
async fn people_of_a_terminal_in_area_1_are_of_that_area_and_stay_when_it_is_let_in() {
    let open = |config: &mut muster::config::Config| {
        config.terminals.admission = Admission::Open;
    };
    on_both_with(open, |app| async move {
        let admin = admin(&app).await;
        let new = json!({ "emp_code": "8", "area": ["1", "south"] });
        admin.post(PEOPLE, new).await;
        let rows = [
            "USER PIN=7\tName=Binod\tPri=14\tPasswd=\tCard=99",
            "FP PIN=7\tFID=6\tSize=8\tValid=1\tTMP=c3ludGhldGlj",
            "FP PIN=8\tFID=6\tSize=8\tValid=1\tTMP=c3ludGhldGlj",
        ];
        shows(&app, "HELD", &rows).await;
        let binod = format!("{PEOPLE}7/");
        let binod = admin.send(Method::GET, &binod, Value::Null).await;
        assert_eq!(binod["area"][0]["area_code"], json!("1"), "{binod}");
        let templates = "SELECT count(*) FROM biometric WHERE pin = '7'";
        assert_eq!(app.number(templates).await, 1);
        let others = "SELECT count(*) FROM biometric WHERE pin = '8'";
        let is_south = "a terminal that nobody let in has no say in who is in the south";
        assert_eq!(app.number(others).await, 0, "{is_south}");

        let north = json!({ "area": "north" });
        admin.patch("/iclock/api/terminals/HELD/", north).await;
        app.run_jobs().await;
        assert_eq!(app.told("HELD").await, NOBODY);
    })
    .await;
}

#[tokio::test]
async fn a_bad_template_takes_no_good_ones_place() {
    on_both(|app| async move {
        let admin = admin(&app).await;
        let more = json!({ "sn": "NORTH2", "area": "north" });
        admin.post("/iclock/api/terminals/", more).await;
        for sn in ["NORTH", "NORTH2"] {
            let target = format!("/iclock/cdata?SN={sn}&table=options");
            app.post(&target, "FPVersion=10").await;
        }
        admin.post(PEOPLE, asha("north")).await;
        for sn in ["NORTH", "NORTH2"] {
            app.obeyed(sn).await;
        }
        let good = "FP PIN=1001\tFID=6\tSize=12\tValid=1\tTMP=c3ludGhldGlj";
        shows(&app, "NORTH", &[good]).await;
        let given = ["DATA UPDATE FINGERTMP PIN=1001\tFID=6\tSize=12\tValid=1\tTMP=c3ludGhldGlj"];
        assert_eq!(app.obeyed("NORTH2").await, given);
        let bad = [
            "FP PIN=1001\tFID=6\tSize=4\tValid=0\tTMP=YmFk",
            "FP PIN=1001\tFID=7\tSize=4\tValid=0\tTMP=YmFk",
        ];
        shows(&app, "NORTH", &bad).await;
        app.run_jobs().await;
        for sn in ["NORTH", "NORTH2"] {
            assert_eq!(app.told(sn).await, NOBODY, "{sn}");
        }
        assert_eq!(app.number(NOT_APPLIED).await, 2);
        // One of the time when bad ones were kept is given to nobody, and taken from nobody.
        let kept = "UPDATE biometric SET valid = 0";
        let mut tx = app.app.store.write().await.expect("begun");
        tx.run(&Sql::new(kept, [])).await.expect("changed");
        tx.commit().await.expect("stored");
        let again = json!({ "emp_code": [1001] });
        admin
            .post(&format!("{PEOPLE}resync_to_device/"), again)
            .await;
        for sn in ["NORTH", "NORTH2"] {
            assert_eq!(app.obeyed(sn).await, [ASHA], "{sn}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_way_to_verify_is_taken_back_on_terminals_too() {
    on_both(|app| async move {
        let admin = admin(&app).await;
        let new = json!({ "emp_code": "7", "verify_mode": 3, "area": ["north"] });
        admin.post(PEOPLE, new).await;
        let told = |mode: i64| {
            format!("DATA UPDATE USERINFO PIN=7\tName=\tPri=0\tPasswd=\tCard=\tVerify={mode}")
        };
        assert_eq!(app.obeyed("NORTH").await, [told(3)]);
        let none = json!({ "verify_mode": null });
        admin.patch(&format!("{PEOPLE}7/"), none).await;
        assert_eq!(app.obeyed("NORTH").await, [told(-1)]);
        for row in [
            "USER PIN=7\tName=\tPri=0\tPasswd=\tCard=\tVerify=-1",
            "USER PIN=7\tName=\tPri=0\tPasswd=\tCard=",
        ] {
            shows(&app, "NORTH", &[row]).await;
            assert_eq!(app.told("NORTH").await, NOBODY, "{row}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_an_employee_cannot_have_is_not_taken_from_a_terminal() {
    on_both(|app| async move {
        let admin = admin(&app).await;
        let more = json!({ "sn": "NORTH2", "area": "north" });
        admin.post("/iclock/api/terminals/", more).await;
        admin
            .post(PEOPLE, json!({ "emp_code": "4", "area": ["north"] }))
            .await;
        for sn in ["NORTH", "NORTH2"] {
            app.obeyed(sn).await;
        }
        let long = format!("USER PIN=6\tName=Dev\tPasswd=12\tCard={}", "1".repeat(60));
        let rows = [
            "USER PIN=4\tName=Chitra\tPri=0\tPasswd=pw1\tCard=AABB",
            "USER PIN=5\tName=Binod\tPri=0\tPasswd=12\tCard=99\tVerify=300",
            long.as_str(),
            "USER PIN=7\tName=Eka\tPri=0\tPasswd=\tCard=99",
            "USER PIN=8\tName=Farid\tPri=0\tPasswd=\tCard=[15CD5B07]",
        ];
        shows(&app, "NORTH", &rows).await;
        let told = |rest: &str| format!("DATA UPDATE USERINFO PIN={rest}\tVerify=-1");
        assert_eq!(
            app.obeyed("NORTH2").await,
            [
                told("4\tName=Chitra\tPri=0\tPasswd=\tCard="),
                told("5\tName=Binod\tPri=0\tPasswd=12\tCard=99"),
                told("6\tName=Dev\tPri=0\tPasswd=12\tCard="),
                told("7\tName=Eka\tPri=0\tPasswd=\tCard="),
                told("8\tName=Farid\tPri=0\tPasswd=\tCard=123456789"),
            ]
        );
        let kept = admin
            .send(Method::GET, "/iclock/api/unread/?ordering=id", Value::Null)
            .await;
        let kept = kept["data"].as_array().expect("rows").iter();
        let kept: Vec<&str> = kept.filter_map(|row| row["text"].as_str()).collect();
        assert_eq!(kept.len(), 4, "{kept:?}");
        assert!(kept[0].ends_with("Card=AABB"), "{kept:?}");
        assert!(
            kept[3].ends_with("Card=99"),
            "somebody else has it: {kept:?}"
        );
        let placed = "SELECT count(*) FROM employee WHERE position_id IS NOT NULL";
        assert_eq!(app.number(placed).await, 0);
    })
    .await;
}
