//! What such servers were attacked with, as far as it concerns people and where they belong. What
//! belongs to one resource, to logging in or to HTTP itself is tested there.

use crate::rest::{Got, on_both, on_both_with};
use muster::api;
use muster::config::Config;
use muster::routes::Returns;
use reqwest::Method;
use serde_json::json;

const AREAS: &str = "/personnel/api/areas/";
const DEPARTMENTS: &str = "/personnel/api/departments/";
const EMPLOYEES: &str = "/personnel/api/employees/";
/// Code and name of what stands in a tree.
const TREES: [(&str, &str, &str); 4] = [
    (AREAS, "area_code", "area_name"),
    (DEPARTMENTS, "dept_code", "dept_name"),
    (
        "/personnel/api/positions/",
        "position_code",
        "position_name",
    ),
    (
        "/personnel/api/locations/",
        "location_code",
        "location_name",
    ),
];

/// Every list there is, with nothing narrowing it.
fn lists() -> Vec<String> {
    let registry = api::registry();
    let endpoints = registry.endpoints().iter();
    let lists: Vec<String> = endpoints
        .filter(|endpoint| {
            endpoint.method == Method::GET && matches!(endpoint.doc.returns, Returns::Page(_))
        })
        .map(|endpoint| endpoint.path.clone())
        // It wants to be told at which terminals.
        .filter(|path| !path.ends_with("/enrolled_employees/"))
        .collect();
    assert!(lists.len() >= 8, "{lists:?}");
    lists
}

#[tokio::test]
async fn attack_18_members_that_are_nobodys_to_write_change_nothing() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        for (path, code, name) in TREES {
            let new = json!({
                code: "9", name: "Nine", "id": 1, "company_id": "other", "search_text": "secret",
                "created_at": "1970-01-01", "is_superuser": true, "user_permissions": [1],
                "parent_id": 1, "parent": 1,
            });
            let made = caller.post(path, new.clone()).await.is(201);
            assert_eq!(made["id"], 1_000_001);
            caller.patch(&format!("{path}9/"), new).await.is(200);
            let read = caller.get(&format!("{path}9/")).await.is(200);
            assert_eq!(read["company"]["id"], json!(test.app.company.id));
            let list = caller.get(&format!("{path}?search=secret")).await.is(200);
            assert_eq!(list["count"], 0);
        }
    })
    .await;
}

#[tokio::test]
async fn attack_21_a_querys_words_are_no_sql_and_walk_no_relations() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        for code in ["1001", "1002"] {
            let new = json!({ "emp_code": code, "self_password": format!("word of {code}") });
            caller.post(EMPLOYEES, new).await.is(201);
        }
        for list in lists() {
            let whole = caller.get(&list).await.is(200);
            for query in [
                "search=%25%27%20%29%20union%20select%20password_hash%20from%20app_user--",
                "search=1%27%20OR%20%271%27%3D%271",
                "search=%00%01",
            ] {
                let got = caller.get(&format!("{list}?{query}")).await;
                assert!(
                    matches!(got.status, 200 | 400),
                    "{list} {query}: {}",
                    got.text
                );
                if got.status == 200 {
                    assert_eq!(got.json()["count"], 0, "{list} {query}");
                }
            }
            // What is secret, or another's, neither orders nor filters: it is as if unsaid.
            for query in [
                "ordering=password",
                "ordering=-self_password",
                "ordering=self_password_hash,device_password_sealed,search_text",
                "ordering=department__company__name",
                "emp_code__regex=^1",
                "department__company__id=1",
                "company__id__in=1",
                "id__gt=0",
            ] {
                let got = caller.get(&format!("{list}?{query}")).await;
                assert_eq!(got.is(200)["data"], whole["data"], "{list} {query}");
            }
        }
        let got = caller
            .get(&format!("{EMPLOYEES}?emp_code=1%27%20OR%20%271%27%3D%271"))
            .await;
        assert_eq!(got.is(200)["count"], 0);
        let got = caller.get(&format!("{EMPLOYEES}?emp_code__regex=1")).await;
        assert_eq!(
            got.header("warning"),
            "299 muster \"unknown parameters: emp_code__regex\""
        );
    })
    .await;
}

#[tokio::test]
async fn attack_22_no_list_is_made_to_work_without_end() {
    let capped = |options: &mut Config| options.api.page_cap = 2;
    on_both_with(capped, |test| async move {
        let caller = test.easytimepro().await;
        for (path, code, name) in TREES {
            for number in 2..=4 {
                let new = json!({ code: number.to_string(), name: number.to_string() });
                caller.post(path, new).await.is(201);
            }
            let page = caller
                .get(&format!("{path}?page_size=5000000"))
                .await
                .is(200);
            let rows = page["data"].as_array().map(Vec::len);
            assert_eq!(rows, Some(2), "{path}: no page is larger than it may be");
        }
        let many: String = (0..5_000).map(|number| format!("a{number}=1&")).collect();
        let long = format!("search={}", "x".repeat(60 << 10));
        let wordy = format!("search={}", "x+".repeat(30 << 10));
        for list in lists() {
            caller
                .get(&format!("{list}?page_size=5000000"))
                .await
                .is(200);
            for page in ["9223372036854775808", "1e9", "-1", "0", "99"] {
                let got = caller.get(&format!("{list}?page={page}")).await;
                assert_eq!(got.is(404)["detail"], "Invalid page.", "{list} {page}");
            }
            for query in [&many, &long, &wordy] {
                let got = caller.get(&format!("{list}?{query}")).await;
                assert_eq!(got.status, 400, "{list} {query:.20}");
            }
        }
        // A list of thirty thousand is as good as a short one.
        let ids = "9,".repeat(30_000);
        for (list, parameter) in [
            (EMPLOYEES, "id"),
            (EMPLOYEES, "emp_code"),
            (EMPLOYEES, "department"),
            (EMPLOYEES, "area"),
            (AREAS, "parent_area"),
            ("/iclock/api/terminals/", "area"),
            ("/iclock/api/transactions/", "department"),
        ] {
            let got = caller.get(&format!("{list}?{parameter}={ids}")).await;
            assert_eq!(got.is(200)["count"], 0, "{list} {parameter}");
        }
    })
    .await;
}

#[tokio::test]
async fn attack_28_html_templates_and_marks_of_direction_are_text() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        for (path, code, name) in TREES {
            for (number, text) in [
                "<script>alert(1)</script>",
                "<img src=file:///etc/passwd>",
                "{{7*7}}${7*7}<%= 7*7 %>",
                "\u{202e}gnp.exe",
                "=cmd|'/c calc'!A0",
            ]
            .into_iter()
            .enumerate()
            {
                let new = json!({ code: format!("x{number}"), name: text });
                let made = caller.post(path, new).await;
                assert_eq!(made.header("content-type"), "application/json");
                assert_eq!(made.header("x-content-type-options"), "nosniff");
                assert_eq!(made.is(201)[name], text);
                let read = caller.get(&format!("{path}x{number}/")).await.is(200);
                assert_eq!(read[name], text);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn attack_41_a_bulk_action_is_not_made_to_take_everything_along() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        let new = json!({ "emp_code": "1001" });
        caller.post(EMPLOYEES, new).await.is(201);
        for (path, _, _) in TREES {
            let action = format!("{path}action/");
            for codes in [
                json!(["1"]),
                json!([]),
                json!([[["1"]]]),
                json!({ "all": true }),
                json!("*"),
                json!(-1),
                json!(vec![1; 1_000_000]),
            ] {
                let sent = json!({ "object_codes": codes, "action_type": "delete" });
                caller.post(&action, sent).await.is(400);
            }
            caller.delete(&format!("{path}1/")).await.is(400);
            // Ten thousand parts are no form.
            let mut form = reqwest::multipart::Form::new().text("action_type", "delete");
            for _ in 0..10_000 {
                form = form.text("object_codes", "1");
            }
            let form = caller.request(Method::POST, &action).multipart(form);
            let refused = Got::from(form).await.is(400);
            assert_eq!(
                refused["detail"],
                "Multipart form parse error - too many parts"
            );
            assert_eq!(caller.get(path).await.is(200)["count"], 1);
        }
        caller.get(&format!("{EMPLOYEES}1001/")).await.is(200);
    })
    .await;
}

#[tokio::test]
async fn attack_42_a_tree_ten_thousand_deep_is_read_and_takes_no_circle() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        test.run(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) \
             INSERT INTO department (id, company_id, dept_code, dept_name, parent_id, search_text, \
                 created_at, changed_at) \
             SELECT 2000000 + n.i, c.id, 'd' || n.i, 'deep', CASE WHEN n.i > 1 THEN 1999999 + n.i END, \
                 'deep', c.created_at, c.created_at FROM n, company c ORDER BY n.i",
            [],
        )
        .await;
        let list = caller
            .get(&format!("{DEPARTMENTS}?page_size=10000&ordering=-id"))
            .await
            .is(200);
        assert_eq!((&list["count"], &list["data"][0]["dept_code"]), (&json!(10_001), &json!("d10000")));
        let top = format!("{DEPARTMENTS}d1/");
        for below in ["d2", "d5000", "d10000"] {
            let refused = caller.patch(&top, json!({ "parent_dept": below })).await;
            assert_eq!(
                refused.is(400)["parent_dept"],
                json!(["Cannot be set as parent department."])
            );
        }
        let moved = json!({ "parent_dept": 1 });
        caller.patch(&format!("{DEPARTMENTS}d5000/"), moved).await.is(200);
        let all: Vec<String> = (5000..=10_000).map(|number| format!("d{number}")).collect();
        let sent = json!({ "object_codes": all, "action_type": "delete" });
        caller.post(&format!("{DEPARTMENTS}action/"), sent).await.is(200);
        assert_eq!(test.number("SELECT count(*) FROM department").await, 5000);
    })
    .await;
}

#[tokio::test]
async fn attack_43_of_two_that_make_one_person_at_once_one_is_refused() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        for code in ["1001", "1002", "1003"] {
            let new = json!({ "emp_code": code });
            let (first, second) = tokio::join!(
                caller.post(EMPLOYEES, new.clone()),
                caller.post(EMPLOYEES, new.clone())
            );
            let mut statuses = [first.status, second.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [201, 400]);
        }
        assert_eq!(test.number("SELECT count(*) FROM employee").await, 3);
    })
    .await;
}

#[tokio::test]
async fn attack_43_who_is_moved_and_removed_at_once_is_gone_from_everywhere() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        let area = json!({ "area_code": "north", "area_name": "North" });
        caller.post(AREAS, area).await.is(201);
        let terminal = json!({ "sn": "NORTH", "area": "north" });
        caller
            .post("/iclock/api/terminals/", terminal)
            .await
            .is(201);
        for number in 0..5 {
            let code = format!("10{number:02}");
            caller
                .post(EMPLOYEES, json!({ "emp_code": code }))
                .await
                .is(201);
            let person = format!("{EMPLOYEES}{code}/");
            let adjust = format!("{EMPLOYEES}adjust_area/");
            let there = json!({ "emp_code": [code], "area_code": ["north"] });
            // Whichever is first: the one finds nobody, or what it has done is removed.
            let (moved, removed) =
                tokio::join!(caller.post(&adjust, there), caller.delete(&person));
            removed.is(200);
            match moved.status {
                200 => {}
                // He went after he was found.
                404 => {}
                _ => assert_eq!(
                    moved.is(400)["emp_code"],
                    json!([format!("Object with emp_code={code} does not exist.")])
                ),
            }
            caller.get(&person).await.is(404);
        }
        for rows in [
            "SELECT count(*) FROM employee",
            "SELECT count(*) FROM employee_area",
            "SELECT count(*) FROM terminal_command \
             WHERE state = 'queued' AND verb LIKE 'DATA UPDATE%'",
        ] {
            assert_eq!(test.number(rows).await, 0, "{rows}");
        }
    })
    .await;
}

#[tokio::test]
async fn attack_46_a_code_is_reached_however_its_letters_are_written_in_a_path() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        for (path, code, name) in TREES {
            for (text, written) in [
                ("a/b", "a%2Fb"),
                ("a;x=1", "a;x=1"),
                ("%31", "%2531"),
                ("a?b#c", "a%3Fb%23c"),
                ("..a", "..a"),
                ("Ünï", "%C3%9Cn%C3%AF"),
            ] {
                caller
                    .post(path, json!({ code: text, name: "x" }))
                    .await
                    .is(201);
                let row = format!("{path}{written}/");
                assert_eq!(caller.get(&row).await.is(200)[code], text);
                caller.delete(&row).await.is(200);
            }
            assert_eq!(caller.get(&format!("{path}%31/")).await.is(200)["id"], 1);
        }
    })
    .await;
}
