//! Who may do what: every endpoint there is, by everybody there can be.

use crate::rest::{PASSWORD, Somebody, TestApp, on_both, punch};
use muster::access::{Caller, Right, Rights, Thing};
use muster::accounts::client::{self, NewClient};
use muster::accounts::role::{self, NewRole};
use muster::profile::Profile;
use muster::routes::Guard;
use muster::{accounts, api};
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt::Write;

/// A path with something in the place of what varies: nothing that is there.
fn filled(path: &str) -> String {
    path.split('/')
        .map(|part| {
            if part.starts_with('{') {
                "no-such-thing"
            } else {
                part
            }
        })
        .collect::<Vec<_>>()
        .join("/")
}

async fn status(caller: &Somebody<'_>, method: &Method, path: &str) -> u16 {
    let body = matches!(*method, Method::POST | Method::PUT | Method::PATCH).then(|| json!({}));
    caller.send(method.clone(), path, body).await.status
}

/// A client with a token that is good for nobody: over, or of somebody elsewhere.
async fn turned_away<'a>(
    test: &'a TestApp,
    addresses: &[&str],
    expires_at: Option<chrono::DateTime<chrono::Utc>>,
) -> Somebody<'a> {
    let new = NewClient {
        name: format!("turned away {addresses:?}"),
        profile: Profile::EasyTimePro,
        rights: Rights::administrator(),
        addresses: addresses
            .iter()
            .map(|address| (*address).to_owned())
            .collect(),
        expires_at,
    };
    let token = client::add(&test.app, &Caller::system(), new)
        .await
        .expect("added");
    test.with(&format!("Token {token}"))
}

/// A user with a role of that name.
async fn user<'a>(test: &'a TestApp, role: &str) -> Somebody<'a> {
    let name = format!("a {role}");
    accounts::user::add(&test.app, &Caller::system(), &name, None, role, PASSWORD)
        .await
        .expect("added");
    let token = test.log_in("/api/api-token-auth/", &name).await;
    test.with(&format!("Token {token}"))
}

/// A user whose role allows what operators may, in these areas and departments.
async fn limited<'a>(
    test: &'a TestApp,
    areas: Option<&str>,
    departments: Option<&str>,
) -> Somebody<'a> {
    let list = |list: &str| list.split(',').map(str::to_owned).collect();
    let new = NewRole {
        name: "limited".into(),
        rights: Rights::operator(),
        companies: Some(vec!["default".into()]),
        areas: areas.map(list),
        departments: departments.map(list),
    };
    role::add(&test.app, &Caller::system(), new)
        .await
        .expect("added");
    user(test, "limited").await
}

async fn area(admin: &Somebody<'_>, code: &str) {
    let new = json!({ "area_code": code, "area_name": code });
    admin.post("/personnel/api/areas/", new).await.is(201);
}

async fn department(admin: &Somebody<'_>, code: &str) {
    let new = json!({ "dept_code": code, "dept_name": code });
    admin.post("/personnel/api/departments/", new).await.is(201);
}

async fn person(admin: &Somebody<'_>, code: &str, department: &str, areas: &[&str]) {
    let new = json!({ "emp_code": code, "department": department, "area": areas });
    admin.post("/personnel/api/employees/", new).await.is(201);
}

/// Each endpoint with the status it gives each kind of caller who names what is not there. The
/// snapshot is the promise; that a right is missing exactly where it should be is worked out.
#[tokio::test]
async fn attack_17_33_every_endpoint_is_for_those_who_have_its_right() {
    on_both(|test| async move {
        let admin = test.easytimepro().await;
        area(&admin, "north").await;
        department(&admin, "sales").await;
        let yesterday = test.app.clock.now() - chrono::TimeDelta::days(1);
        let nobody = test.nobody();
        let staff = test.staff("1001").await;
        let expired = turned_away(&test, &[], Some(yesterday)).await;
        let elsewhere = turned_away(&test, &["10.0.0.0/8"], None).await;
        let people = [
            ("administrator", user(&test, "administrator").await),
            ("operator", user(&test, "operator").await),
            ("viewer", user(&test, "viewer").await),
            (
                "limited",
                limited(&test, Some("north"), Some("sales")).await,
            ),
        ];
        let rights_of = |name: &str| match name {
            "administrator" => Rights::administrator(),
            "viewer" => Rights::viewer(),
            _ => Rights::operator(),
        };
        let mut singles = Vec::new();
        for right in Right::all() {
            let rights = Rights::from_iter([right]);
            singles.push((right, test.client(Profile::EasyTimePro, rights).await));
        }
        let registry = api::registry();
        let mut table = String::new();
        for endpoint in registry.endpoints() {
            let path = filled(&endpoint.path);
            let method = &endpoint.method;
            let shown = format!("{method} {}", endpoint.path);
            let (right, is_for_staff) = match endpoint.guard {
                Guard::Open => {
                    let got = status(&nobody, method, &path).await;
                    assert!(!matches!(got, 401 | 403 | 500), "{shown} by nobody: {got}");
                    let _ = writeln!(table, "{shown}: everybody {got}");
                    continue;
                }
                Guard::Right(right) => (right, false),
                Guard::OwnRows(right) => (right, true),
            };
            for (name, caller) in [
                ("nobody", &nobody),
                ("expired", &expired),
                ("elsewhere", &elsewhere),
            ] {
                for path in [path.as_str(), path.trim_end_matches('/')] {
                    assert_eq!(status(caller, method, path).await, 401, "{shown} by {name}");
                }
            }
            let mut line = format!("{shown}:");
            let full = status(&admin, method, &path).await;
            assert!(!matches!(full, 401 | 403 | 500), "{shown}: {full}");
            for (name, caller) in &people {
                let got = status(caller, method, &path).await;
                let bare = status(caller, method, path.trim_end_matches('/')).await;
                assert_eq!(got, bare, "{shown} by {name} without the slash");
                match (rights_of(name).allow(right), *name) {
                    (false, _) => assert_eq!(got, 403, "{shown} by {name}"),
                    // Something new at the top would be beyond a limit.
                    (true, "limited") => assert!(got == full || got == 403, "{shown}: {got}"),
                    (true, _) => assert_eq!(got, full, "{shown} by {name}"),
                }
                let _ = write!(line, " {name} {got}");
            }
            for (single, caller) in &singles {
                let got = status(caller, method, &path).await;
                let expected = if *single == right { full } else { 403 };
                assert_eq!(got, expected, "{shown} with {single} alone");
            }
            let got = status(&staff, method, &path).await;
            if !is_for_staff {
                assert_eq!(got, 403, "{shown} by staff");
            }
            let _ = writeln!(table, "{line} staff {got}");
        }
        insta::assert_snapshot!("every_endpoint_by_everybody", table);
    })
    .await;
}

#[tokio::test]
async fn attack_14_15_16_staff_see_what_is_their_own_and_change_nothing() {
    on_both(|test| async move {
        let own = test.staff("1001").await;
        test.staff("1002").await;
        let first = punch(&test, "1001", "2026-01-14 09:00:00", Some(1_000_000_001)).await;
        let other = punch(&test, "1002", "2026-01-14 09:00:01", Some(1_000_000_002)).await;

        let me = own.get("/personnel/api/employees/1001/").await.is(200);
        assert_eq!(
            (
                &me["emp_code"],
                &me["card_no"],
                &me["ssn"],
                &me["self_password"]
            ),
            (&json!("1001"), &json!(null), &json!(null), &json!(null))
        );
        for path in [
            "/personnel/api/employees/",
            "/personnel/api/employees/1002/",
            "/personnel/api/employees/1000000002/",
            "/personnel/api/areas/",
            "/iclock/api/terminals/",
            "/iclock/api/unregister/",
        ] {
            own.get(path).await.is(403);
        }
        for path in [
            "/iclock/api/transactions/",
            "/iclock/api/transactions/?emp_code=1001&emp_code=1001",
        ] {
            let list = own.get(path).await.is(200);
            assert_eq!(
                (&list["count"], &list["data"][0]["id"]),
                (&json!(1), &json!(first))
            );
        }
        // Who asks for two is answered for the last, of whom there is nothing for him.
        for query in [
            "emp_code=1002",
            "emp_code=1001&emp_code=1002",
            "emp_code__in=1001,1002&emp_code=1002",
        ] {
            let path = format!("/iclock/api/transactions/?{query}");
            let list = own.get(&path).await.is(200);
            assert_eq!((&list["count"], &list["data"]), (&json!(0), &json!([])));
        }
        let list = own
            .get("/iclock/api/transactions/?emp_code=1002&emp_code=1001")
            .await
            .is(200);
        assert_eq!(
            (&list["count"], &list["data"][0]["id"]),
            (&json!(1), &json!(first))
        );
        own.get(&format!("/iclock/api/transactions/{first}/"))
            .await
            .is(200);
        own.get(&format!("/iclock/api/transactions/{other}/"))
            .await
            .is(404);

        let before = test.number("SELECT count(*) FROM audit").await;
        let more = json!({ "dev_privilege": 14, "app_role": 2, "self_password": "x" });
        own.patch("/personnel/api/employees/1001/", more.clone())
            .await
            .is(403);
        own.put("/personnel/api/employees/1001/", more.clone())
            .await
            .is(403);
        own.post("/personnel/api/employees/", more).await.is(403);
        own.post("/iclock/api/terminals/reboot/", json!({ "terminals": [1] }))
            .await
            .is(403);
        assert_eq!(test.number("SELECT count(*) FROM audit").await, before);
    })
    .await;
}

#[tokio::test]
async fn a_role_that_is_limited_to_an_area_sees_and_changes_nothing_beyond() {
    on_both(|test| async move {
        let admin = test.easytimepro().await;
        area(&admin, "north").await;
        for (code, area) in [("1001", "1"), ("1002", "north")] {
            let new = json!({ "emp_code": code, "area": [area] });
            admin.post("/personnel/api/employees/", new).await.is(201);
            let new = json!({ "sn": format!("SN{code}"), "area": area });
            admin.post("/iclock/api/terminals/", new).await.is(201);
        }
        punch(&test, "1001", "2026-01-14 09:00:00", Some(1_000_000_001)).await;
        let limited = limited(&test, Some("north"), None).await;
        for (path, key) in [
            ("/personnel/api/employees/", "emp_code"),
            ("/iclock/api/terminals/", "sn"),
            ("/personnel/api/areas/", "area_code"),
        ] {
            let list = limited.get(path).await.is(200);
            assert_eq!(list["count"], 1, "{path}");
            let shown = list["data"][0][key].as_str().expect("a text");
            assert!(
                shown.ends_with("1002") || shown == "north",
                "{path}: {shown}"
            );
        }
        let list = limited.get("/iclock/api/transactions/").await.is(200);
        assert_eq!(list["count"], 0);
        limited.get("/personnel/api/employees/1001/").await.is(404);
        limited
            .patch("/iclock/api/terminals/SN1001/", json!({ "alias": "mine" }))
            .await
            .is(404);
        let moved = json!({ "area": 1 });
        let got = limited.patch("/iclock/api/terminals/SN1002/", moved).await;
        assert_eq!(
            got.is(400)["area"],
            json!(["Object with area_code=1 does not exist."])
        );
        limited
            .post("/iclock/api/terminals/reboot/", json!({ "sn": ["SN1001"] }))
            .await
            .is(400);
    })
    .await;
}

#[tokio::test]
async fn a_role_that_is_limited_to_a_department_sees_its_people_alone() {
    on_both(|test| async move {
        let admin = test.easytimepro().await;
        department(&admin, "7").await;
        area(&admin, "north").await;
        let new = json!({ "sn": "NORTH", "area": "north" });
        admin.post("/iclock/api/terminals/", new).await.is(201);
        for (code, department) in [("1001", "1"), ("1002", "7")] {
            person(&admin, code, department, &["north"]).await;
        }
        punch(&test, "1001", "2026-01-14 09:00:00", Some(1_000_000_001)).await;
        punch(&test, "1002", "2026-01-14 09:00:00", Some(1_000_000_002)).await;
        punch(&test, "9999", "2026-01-14 09:00:00", None).await;
        let limited = limited(&test, None, Some("7")).await;
        for path in ["/personnel/api/employees/", "/iclock/api/transactions/"] {
            let list = limited.get(path).await.is(200);
            assert_eq!(
                (&list["count"], &list["data"][0]["emp_code"]),
                (&json!(1), &json!("1002")),
                "{path}"
            );
        }
        let list = limited.get("/iclock/api/unregister/").await.is(200);
        assert_eq!(list["count"], 0);
        // What terminals hold and are told of people, but what is about none of them.
        let reboot = json!({ "devices_sn": ["NORTH"] });
        admin
            .post("/iclock/api/terminals/reboot/", reboot)
            .await
            .is(200);
        let list = limited.get("/iclock/api/holdings/").await.is(200);
        assert_eq!(
            (&list["count"], &list["data"][0]["emp_code"]),
            (&json!(1), &json!("1002"))
        );
        let list = limited
            .get("/iclock/api/commands/?ordering=id")
            .await
            .is(200);
        let told: Vec<&str> = list["data"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|row| row["command"].as_str().expect("a text"))
            .collect();
        assert_eq!(
            told,
            [
                "DATA UPDATE USERINFO PIN=1002\tName=\tPri=0\tPasswd=\tCard=\tVerify=-1",
                "REBOOT"
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn who_may_not_see_people_reads_no_names_and_card_numbers_in_commands() {
    on_both(|test| async move {
        let admin = test.easytimepro().await;
        area(&admin, "north").await;
        let new = json!({ "sn": "NORTH", "area": "north" });
        admin.post("/iclock/api/terminals/", new).await.is(201);
        let new = json!({
            "emp_code": "1001", "first_name": "Asha", "card_no": "7105901", "area": ["north"],
        });
        admin.post("/personnel/api/employees/", new).await.is(201);
        let sees = |right| Rights::from_iter([Right::View(Thing::Terminal), right]);
        let mechanic = sees(Right::TerminalCommand);
        let clerk = sees(Right::View(Thing::Employee));
        let path = "/iclock/api/commands/";
        for (rights, command, found) in [
            (
                mechanic,
                "DATA UPDATE USERINFO PIN=1001\tName=…\tPri=0\tPasswd=\tCard=…\tVerify=-1",
                0,
            ),
            (
                clerk,
                "DATA UPDATE USERINFO PIN=1001\tName=Asha\tPri=0\tPasswd=\tCard=7105901\tVerify=-1",
                1,
            ),
        ] {
            let caller = test.client(Profile::EasyTimePro, rights).await;
            let list = caller.get(path).await.is(200);
            assert_eq!(list["count"], 1);
            assert_eq!(list["data"][0]["command"], command);
            let id = &list["data"][0]["id"];
            let read = caller.get(&format!("{path}{id}/")).await.is(200);
            assert_eq!(read["command"], command);
            let file = caller
                .get(&format!("{path}export/?export_type=csv"))
                .await
                .text;
            assert_eq!(file.contains("7105901"), found == 1, "{file}");
            assert_eq!(file.contains("Asha"), found == 1, "{file}");
            // Nor does he find out by asking whether it is there.
            for word in ["7105901", "Asha"] {
                let list = caller.get(&format!("{path}?search={word}")).await;
                assert_eq!(list.is(200)["count"], found, "{word}");
            }
            let list = caller.get(&format!("{path}?search=north")).await.is(200);
            assert_eq!(list["count"], 1);
        }
        let mechanic = test
            .client(Profile::EasyTimePro, sees(Right::TerminalCommand))
            .await;
        let list = mechanic.get(path).await.is(200);
        let cancel = format!("{path}{}/cancel/", list["data"][0]["id"]);
        let cancelled = mechanic.post(&cancel, json!({})).await.is(200);
        assert_eq!(cancelled["command"], list["data"][0]["command"]);
        let told = test
            .number(
                "SELECT count(*) FROM audit WHERE action = 'cancel' AND before LIKE '%7105901%'",
            )
            .await;
        assert_eq!(told, 0);
    })
    .await;
}

/// A file has what its reader may see, and brings nothing that its writer may not.
#[tokio::test]
async fn a_limited_role_exports_and_imports_its_own_people_alone() {
    on_both(|test| async move {
        let admin = test.easytimepro().await;
        department(&admin, "7").await;
        area(&admin, "north").await;
        let people = "/personnel/api/employees/";
        for (code, department, area) in [
            ("1001", "7", "north"),
            ("1002", "7", "1"),
            ("1003", "1", "north"),
        ] {
            person(&admin, code, department, &[area]).await;
        }
        let limited = limited(&test, Some("north"), Some("7")).await;
        let asked = format!(
            "{people}export/?export_type=csv&ordering=emp_code&export_headers=emp_code,first_name,dept_code,area_code"
        );
        let head = "\u{feff}emp_code,first_name,dept_code,area_code\r\n";
        assert_eq!(
            limited.get(&asked).await.text,
            format!("{head}1001,,7,north\r\n")
        );

        let import = format!("{people}import_emp/");
        let file = "emp_code,first_name,dept_code,area_code\n\
                    1001,Asha,7,north\n1001b,Bo,1,north\n1001c,Cy,7,1\n1001d,Di,7,north;1\n\
                    1001e,Ed,,\n1002,Flo,7,north\n1003,Gus,,\n";
        let got = limited.import(&import, "1", file).await;
        insta::assert_snapshot!("limited_import", format!("{} {}", got.status, got.text));
        let all = admin.get(&asked).await.text;
        assert_eq!(
            all,
            format!("{head}1001,,7,north\r\n1002,,7,1\r\n1003,,1,north\r\n"),
            "nothing was stored"
        );
        let file = "emp_code,first_name,dept_code,area_code\n1001,Asha,,\n1004,Hal,7,north\n";
        assert_eq!(
            limited.import(&import, "1", file).await.is(200),
            json!({ "detail": "import successful", "created": 1, "updated": 1, "skipped": 0 })
        );
        assert_eq!(
            limited.get(&asked).await.text,
            format!("{head}1001,Asha,7,north\r\n1004,Hal,7,north\r\n")
        );
    })
    .await;
}

/// Lists, reads, changes, removals and bulk actions: what is beyond a limit is not there.
#[tokio::test]
async fn a_limited_role_reaches_nothing_beyond_its_area_and_department_by_any_way() {
    on_both(|test| async move {
        let admin = test.easytimepro().await;
        for code in ["north", "south"] {
            area(&admin, code).await;
            department(&admin, code).await;
            person(&admin, code, code, &[code]).await;
            let new = json!({ "sn": code.to_uppercase(), "area": code });
            admin.post("/iclock/api/terminals/", new).await.is(201);
        }
        let limited = limited(&test, Some("north"), Some("north")).await;
        let audited = "SELECT count(*) FROM audit";
        let before = test.number(audited).await;
        for (list, key, own, other, id) in [
            (
                "/personnel/api/areas/",
                "area_code",
                "north",
                "south",
                "1000002",
            ),
            (
                "/personnel/api/departments/",
                "dept_code",
                "north",
                "south",
                "1000002",
            ),
            (
                "/personnel/api/employees/",
                "emp_code",
                "north",
                "south",
                "1000000002",
            ),
            ("/iclock/api/terminals/", "sn", "NORTH", "SOUTH", "1000002"),
        ] {
            let seen = limited.get(list).await.is(200);
            assert_eq!(
                (&seen["count"], &seen["data"][0][key]),
                (&json!(1), &json!(own))
            );
            limited.get(&format!("{list}{own}/")).await.is(200);
            for other in [other, id] {
                let row = format!("{list}{other}/");
                limited.get(&row).await.is(404);
                limited.put(&row, json!({ "nickname": "x" })).await.is(404);
                limited.patch(&row, json!({})).await.is(404);
                if !list.contains("employees") {
                    limited.delete(&row).await.is(404);
                    let sent = json!({ "object_codes": [own, other], "action_type": "delete" });
                    let refused = limited.post(&format!("{list}action/"), sent).await.is(400);
                    assert_eq!(
                        refused["object_codes"],
                        json!([format!("Object with {key}={other} does not exist.")])
                    );
                }
                let found = limited
                    .get(&format!("{list}?{key}={other}&search={other}"))
                    .await;
                assert_eq!(found.is(200)["count"], 0);
            }
        }
        // Nothing new is made beyond the limit either, nor put there unsaid.
        for (list, new) in [
            (
                "/personnel/api/areas/",
                json!({ "area_code": "x", "area_name": "x" }),
            ),
            (
                "/personnel/api/departments/",
                json!({ "dept_code": "x", "dept_name": "x" }),
            ),
        ] {
            limited.post(list, new).await.is(403);
        }
        let absent = |code: &str| json!([format!("Object with {code}=south does not exist.")]);
        let new = json!({ "emp_code": "9", "department": "south", "area": ["south", "north"] });
        let refused = limited.post("/personnel/api/employees/", new).await.is(400);
        assert_eq!(
            (&refused["department"], &refused["area"]),
            (&absent("dept_code"), &absent("area_code"))
        );
        let required = json!(["This field is required."]);
        let new = json!({ "emp_code": "9" });
        let refused = limited.post("/personnel/api/employees/", new).await.is(400);
        assert_eq!(
            (&refused["department"], &refused["area"]),
            (&required, &required)
        );
        let refused = limited
            .post("/iclock/api/terminals/", json!({ "sn": "NEW" }))
            .await;
        assert_eq!(refused.is(400)["area"], required);
        for list in ["/personnel/api/areas/", "/personnel/api/departments/"] {
            let key = if list.contains("areas") {
                "parent_area"
            } else {
                "parent_dept"
            };
            let moved = limited
                .patch(&format!("{list}north/"), json!({ key: "south" }))
                .await;
            assert_eq!(moved.status, 400);
        }
        assert_eq!(test.number(audited).await, before);
        let new = json!({ "emp_code": "9", "department": "north", "area": ["north"] });
        limited.post("/personnel/api/employees/", new).await.is(201);
        // A role would lose its limit with what it names.
        let refused = admin.delete("/personnel/api/areas/north/").await.is(400);
        assert_eq!(
            refused["detail"],
            "Cannot delete area north: still used by 2 employees, 1 terminal, 1 role limited to it."
        );
    })
    .await;
}

#[tokio::test]
async fn who_is_limited_to_an_area_moves_and_resigns_nobody_beyond() {
    on_both(|test| async move {
        let admin = test.easytimepro().await;
        for code in ["north", "south"] {
            area(&admin, code).await;
        }
        let people = "/personnel/api/employees/";
        for (code, areas) in [
            ("1001", json!(["south"])),
            ("1002", json!(["north", "south"])),
        ] {
            let new = json!({ "emp_code": code, "area": areas });
            admin.post(people, new).await.is(201);
        }
        let limited = limited(&test, Some("north"), None).await;
        let gone = json!({
            "emp_code": ["1002", "1001"], "resign_date": "2026-01-15", "resign_type": 1,
        });
        let refused = json!(["Object with emp_code=1001 does not exist."]);
        for (name, body) in [
            ("adjust_resign", gone),
            (
                "adjust_area",
                json!({ "emp_code": "1001", "area_code": "north" }),
            ),
            ("resync_to_device", json!({ "emp_code": "1001" })),
            (
                "del_bio_template",
                json!({ "emp_code": "1001", "face": true }),
            ),
            ("update_emp_photo", json!({ "emp_code": "1001" })),
        ] {
            let answer = limited.post(&format!("{people}{name}/"), body).await;
            assert_eq!(answer.is(400)["emp_code"], refused, "{name}");
        }
        let action = json!({ "object_codes": ["1001"], "action_type": "delete" });
        let answer = limited.post(&format!("{people}action/"), action).await;
        assert_eq!(answer.is(400)["object_codes"], refused);
        limited.delete(&format!("{people}1001/")).await.is(404);
        limited.get(&format!("{people}1001/photo/")).await.is(404);
        let resigns = "/personnel/api/resigns/";
        for employee in ["1001", "1002"] {
            let new = json!({
                "employee": employee, "resign_date": "2026-02-15", "resign_type": 1,
            });
            admin.post(resigns, new).await.is(201);
        }
        let list = limited.get(resigns).await.is(200);
        assert_eq!(
            (&list["count"], &list["data"][0]["employee"]["emp_code"]),
            (&json!(1), &json!("1002"))
        );
        let back = json!({ "emp_code": ["1001"] });
        let answer = limited.post(&format!("{resigns}rehire/"), back).await;
        assert_eq!(answer.is(400)["emp_code"], refused);
        limited.delete(&format!("{resigns}1001/")).await.is(404);

        // What lies beyond is not theirs to take away.
        let there = json!({ "area": ["north"] });
        limited
            .patch(&format!("{people}1002/"), there)
            .await
            .is(200);
        let read = admin.get(&format!("{people}1002/")).await.is(200);
        assert_eq!(read["area"].as_array().map(Vec::len), Some(2));
    })
    .await;
}

/// A thing whose code is a word of a route could never be asked for by it.
#[tokio::test]
async fn the_words_of_routes_are_no_codes() {
    on_both(|test| async move {
        let caller = test.biotime().await;
        let registry = api::registry();
        let paths = || {
            registry
                .endpoints()
                .iter()
                .map(|endpoint| endpoint.path.as_str())
        };
        let lists: BTreeSet<(&str, &str)> = paths()
            .filter_map(|path| path.strip_suffix("}/")?.rsplit_once('{'))
            .collect();
        let mut looked_at = 0;
        for (list, code) in lists {
            // Who resigns is known by the employee's code.
            let (made_at, rest) = match (list, code) {
                (_, "id" | "file") => continue,
                ("/personnel/api/resigns/" | "/personnel/api/employees/", _) => {
                    let rest = json!({ "department": 1, "area": [1] });
                    ("/personnel/api/employees/", rest)
                }
                ("/iclock/api/terminals/", _) => {
                    let rest = json!({ "alias": "a", "ip_address": "10.0.0.1", "area": 1 });
                    (list, rest)
                }
                (_, code) => (list, json!({ (code.replace("_code", "_name")): "a" })),
            };
            let make = async |word: &str| {
                let mut body = rest.clone();
                body[code] = word.into();
                caller.post(made_at, body).await
            };
            let words: BTreeSet<&str> = paths()
                .filter_map(|path| path.strip_prefix(list)?.split('/').next())
                .filter(|word| !word.is_empty() && !word.starts_with('{'))
                .collect();
            for word in &words {
                for word in [word.to_string(), word.to_uppercase()] {
                    let refused = make(&word).await.is(400);
                    let fields: Vec<_> = refused.as_object().expect("problems").keys().collect();
                    assert_eq!(fields, [code], "{made_at}: {word}: {refused}");
                }
                looked_at += 1;
            }
            if made_at == list {
                make("no_word").await;
                let path = format!("{list}no_word/");
                assert_eq!(caller.get(&path).await.is(200)[code], "no_word");
            }
        }
        assert!(looked_at > 40, "{looked_at}");
    })
    .await;
}
