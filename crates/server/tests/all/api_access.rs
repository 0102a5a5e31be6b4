//! Who may do what: every endpoint there is, by everybody there can be.

use crate::rest::{Somebody, TestApp, on_both, punch};
use muster::access::Rights;
use muster::api;
use muster::profile::Profile;
use muster::routes::Guard;
use reqwest::Method;
use serde_json::json;

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

#[tokio::test]
async fn every_endpoint_is_for_those_who_have_its_right() {
    on_both(|test| async move {
        let nobody = test.nobody();
        let staff = test.staff("1001").await;
        let callers = [
            ("viewer", Rights::viewer()),
            ("operator", Rights::operator()),
            ("administrator", Rights::administrator()),
        ];
        let mut people = Vec::new();
        for (name, rights) in callers {
            let caller = test.client(Profile::EasyTimePro, rights.clone()).await;
            people.push((name, rights, caller));
        }
        let registry = api::registry();
        assert!(registry.endpoints().len() > 20);
        for endpoint in registry.endpoints() {
            let path = filled(&endpoint.path);
            let shown = format!("{} {}", endpoint.method, endpoint.path);
            for path in [path.as_str(), path.trim_end_matches('/')] {
                let (right, is_for_staff) = match endpoint.guard {
                    Guard::Open => {
                        let got = status(&nobody, &endpoint.method, path).await;
                        assert!(!matches!(got, 401 | 403 | 500), "{shown} by nobody: {got}");
                        continue;
                    }
                    Guard::Right(right) => (right, false),
                    Guard::OwnRows(right) => (right, true),
                };
                let got = status(&nobody, &endpoint.method, path).await;
                assert_eq!(got, 401, "{shown} by nobody");
                let got = status(&staff, &endpoint.method, path).await;
                // What is not theirs is refused, or is not there.
                let is_right = match is_for_staff {
                    true => matches!(got, 200 | 403 | 404),
                    false => got == 403,
                };
                assert!(is_right, "{shown} by staff: {got}");
                for (name, rights, caller) in &people {
                    let got = status(caller, &endpoint.method, path).await;
                    if rights.allow(right) {
                        assert!(!matches!(got, 401 | 403 | 500), "{shown} by {name}: {got}");
                    } else {
                        assert_eq!(got, 403, "{shown} by {name}");
                    }
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn staff_see_what_is_their_own_and_change_nothing() {
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
        let list = own
            .get("/iclock/api/transactions/?emp_code=1002")
            .await
            .is(200);
        assert_eq!(list["count"], 0);
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

async fn limited<'a>(
    test: &'a TestApp,
    areas: Option<&str>,
    departments: Option<&str>,
) -> Somebody<'a> {
    test.run(
        "INSERT INTO role (id, name, rights, areas, departments, created_at, changed_at) \
         VALUES (101, 'limited', $1, $2, $3, $4, $4)",
        [
            Rights::operator().to_string().into(),
            areas.map(str::to_owned).into(),
            departments.map(str::to_owned).into(),
            test.app.clock.now().into(),
        ],
    )
    .await;
    muster::accounts::user::add(
        &test.app,
        &muster::access::Caller::system(),
        "limited",
        None,
        "limited",
        crate::rest::PASSWORD,
    )
    .await
    .expect("added");
    let token = test.log_in("/api/api-token-auth/", "limited").await;
    test.with(&format!("Token {token}"))
}

#[tokio::test]
async fn a_role_that_is_limited_to_an_area_sees_and_changes_nothing_beyond() {
    on_both(|test| async move {
        let admin = test.easytimepro().await;
        let area = json!({ "area_code": "north", "area_name": "North" });
        admin.post("/personnel/api/areas/", area).await.is(201);
        for (code, area) in [("1001", "1"), ("1002", "north")] {
            let new = json!({ "emp_code": code, "area": [area] });
            admin.post("/personnel/api/employees/", new).await.is(201);
            let new = json!({ "sn": format!("SN{code}"), "area": area });
            admin.post("/iclock/api/terminals/", new).await.is(201);
        }
        punch(&test, "1001", "2026-01-14 09:00:00", Some(1_000_000_001)).await;
        let limited = limited(&test, Some("1000001"), None).await;
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
        test.run(
            "INSERT INTO department (id, company_id, dept_code, dept_name, search_text, created_at, changed_at) \
             SELECT 7, id, '7', 'Seven', 'seven', created_at, created_at FROM company",
            [],
        )
        .await;
        for (code, department) in [("1001", "1"), ("1002", "7")] {
            let new = json!({ "emp_code": code, "department": department });
            admin.post("/personnel/api/employees/", new).await.is(201);
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
    })
    .await;
}
