//! The story of a resignation, in both profiles.

use crate::rest::{PASSWORD, Somebody, TestApp, on_both};
use chrono::TimeDelta;
use muster::jobs;
use serde_json::{Value, json};

const LIST: &str = "/personnel/api/resigns/";
const PEOPLE: &str = "/personnel/api/employees/";

/// Employees 12, 14 and 16: ids 1000000001 and on.
pub async fn people<'a>(test: &'a TestApp) -> Somebody<'a> {
    let admin = test.easytimepro().await;
    for (code, name) in [("12", "ttt"), ("14", "Guru Prasad"), ("16", "Asha")] {
        let new = json!({
            "emp_code": code, "first_name": name, "app_status": 1, "self_password": PASSWORD,
        });
        admin.post(PEOPLE, new).await.is(201);
    }
    admin
}

async fn status(test: &TestApp, emp_code: &str) -> i64 {
    let admin = test.easytimepro().await;
    let read = admin.get(&format!("{PEOPLE}{emp_code}/")).await.is(200);
    read["status"].as_i64().expect("a number")
}

/// The manual's own body, for an employee of this server.
pub fn sample() -> Value {
    json!({
        "resign_date": "2025-06-21", "report_generation_end_date": "2025-06-22", "resign_type": 2,
        "reason": "", "disableatt": false, "employee": "1000000001",
    })
}

#[tokio::test]
async fn the_manuals_samples_are_taken_and_shown_as_it_prints_them() {
    on_both(|test| async move {
        let admin = people(&test).await;
        assert_eq!(
            admin.post(LIST, sample()).await.is(201),
            json!({
                "id": 1000001, "resign_date": "2025-06-21",
                "report_generation_end_date": "2025-06-22", "resign_type": 2, "reason": "",
                "disableatt": false, "employee": "1000000001",
            })
        );
        assert_eq!(status(&test, "12").await, 99);
        let read = json!({
            "id": 1000001, "resign_date": "2025-06-21", "resign_type": 2,
            "report_generation_end_date": "2025-06-22", "reason": "", "disableatt": false,
            "employee": {
                "id": "1000000001", "emp_code": "12", "first_name": "ttt", "last_name": null,
            },
            "first_name": "ttt", "last_name": null,
        });
        assert_eq!(
            admin.get(LIST).await.is(200),
            json!({
                "count": 1, "next": null, "previous": null, "msg": "", "code": 0,
                "data": [read],
            })
        );
        for key in ["12", "1000001"] {
            assert_eq!(admin.get(&format!("{LIST}{key}/")).await.is(200), read);
        }
        let put = json!({
            "resign_date": "2025-06-21", "resign_type": 1,
            "report_generation_end_date": "2025-06-23", "disableatt": true,
        });
        let expected = json!({
            "id": 1000001, "resign_date": "2025-06-21",
            "report_generation_end_date": "2025-06-23", "resign_type": 1, "reason": "",
            "disableatt": true, "employee": "1000000001",
        });
        assert_eq!(
            admin.put(&format!("{LIST}12/"), put).await.is(200),
            expected
        );
        assert_eq!(status(&test, "12").await, 100, "attendance is off");
        let patch = json!({ "disableatt": false, "employee": "14" });
        let patched = admin.patch(&format!("{LIST}12/"), patch).await.is(200);
        assert_eq!(
            (
                &patched["disableatt"],
                &patched["employee"],
                &patched["resign_type"]
            ),
            (&json!(false), &json!("1000000001"), &json!(1)),
            "whose it is stays"
        );
        assert_eq!(
            admin.delete(&format!("{LIST}12/")).await.is(200),
            json!({ "message": "deleted" })
        );
        assert_eq!(status(&test, "12").await, 0, "as if it had never been");
        assert_eq!(
            admin.get(&format!("{LIST}12/")).await.is(404),
            json!({
                "detail": "Not found.", "code": -22, "msg": "The person does not exist",
                "data": {},
            })
        );
        admin.post(LIST, sample()).await.is(201);
        let action = json!({ "object_codes": [1000002], "action_type": "delete" });
        assert_eq!(
            admin.post(&format!("{LIST}action/"), action).await.is(200),
            json!({ "detail": "Success. delete:[1000002]" })
        );
        assert_eq!(test.number("SELECT count(*) FROM resignation").await, 0);
    })
    .await;
}

#[tokio::test]
async fn nobody_returns_whose_card_somebody_else_has() {
    on_both(|test| async move {
        let admin = people(&test).await;
        let of = |code: &str| format!("/personnel/api/employees/{code}/");
        let card = json!({ "card_no": "4711" });
        admin.patch(&of("12"), card.clone()).await.is(200);
        admin.post(LIST, sample()).await.is(201);
        let other = json!({ "emp_code": "4711", "department": "1", "card_no": "4711" });
        admin.post("/personnel/api/employees/", other).await.is(201);
        let meant = json!({ "emp_code": ["12"] });
        let rehire = format!("{LIST}rehire/");
        let text = "Somebody else has the card of employee 12 by now.";
        assert_eq!(
            admin.post(&rehire, meant.clone()).await.is(400),
            json!({
                "emp_code": [text], "code": -23, "msg": "The card number has been used", "data": {},
            })
        );
        assert_eq!(status(&test, "12").await, 99);
        assert_eq!(admin.get(LIST).await.is(200)["count"], 1);
        let without = json!({ "card_no": "" });
        admin.patch(&of("4711"), without).await.is(200);
        admin.post(&rehire, meant).await.is(200);
        assert_eq!(status(&test, "12").await, 0);
    })
    .await;
}

#[tokio::test]
async fn who_is_rehired_is_there_again_and_the_entry_is_history() {
    on_both(|test| async move {
        let admin = people(&test).await;
        admin.post(LIST, sample()).await.is(201);
        let done = json!({ "detail": "Success." });
        let meant = json!({ "emp_code": [1000000001] });
        let disabled = admin
            .post(&format!("{LIST}disable_att/"), meant.clone())
            .await;
        assert_eq!(disabled.is(200), done);
        assert_eq!(status(&test, "12").await, 100);
        assert_eq!(admin.get(LIST).await.is(200)["data"][0]["disableatt"], true);
        assert_eq!(
            admin
                .post(&format!("{LIST}rehire/"), meant.clone())
                .await
                .is(200),
            done
        );
        assert_eq!(status(&test, "12").await, 0);
        assert_eq!(admin.get(LIST).await.is(200)["count"], 0);
        let history = "SELECT count(*) FROM resignation WHERE ended_at IS NOT NULL";
        assert_eq!(test.number(history).await, 1);
        assert_eq!(
            admin.post(&format!("{LIST}rehire/"), meant).await.is(400),
            json!({
                "emp_code": ["Employee 12 has not resigned."], "code": -1,
                "msg": "Employee 12 has not resigned.", "data": {},
            })
        );
        // A second end is a second entry.
        assert_eq!(admin.post(LIST, sample()).await.is(201)["id"], 1000002);
        assert_eq!(test.number(history).await, 1);
        let written: Vec<(String, String)> = test
            .app
            .store
            .all(&muster_store::Sql::new(
                "SELECT action, thing_id FROM audit WHERE thing = 'resignation' ORDER BY id",
                [],
            ))
            .await
            .expect("rows");
        let actions: Vec<&str> = written.iter().map(|(action, _)| action.as_str()).collect();
        assert_eq!(actions, ["create", "update", "rehire", "create"]);
    })
    .await;
}

#[tokio::test]
async fn biotime_addresses_them_by_id_and_writes_flags_as_numbers() {
    on_both(|test| async move {
        people(&test).await;
        let caller = test.biotime().await;
        assert_eq!(
            caller.post(LIST, json!({})).await.is(400),
            json!({
                "employee": ["This field is required."],
                "resign_date": ["This field is required."],
                "resign_type": ["This field is required."],
            })
        );
        let new = json!({
            "employee": 1000000002, "resign_date": "2026-01-10", "resign_type": 3,
            "reason": "Got oportunity ", "disableatt": 1,
        });
        assert_eq!(
            caller.post(LIST, new).await.is(201),
            json!({
                "id": 1000001, "resign_date": "2026-01-10",
                "report_generation_end_date": "2026-01-10", "resign_type": 3,
                "reason": "Got oportunity", "disableatt": 1, "employee": 1000000002,
            })
        );
        let read = caller.get(&format!("{LIST}1000001/")).await.is(200);
        assert_eq!(
            (
                &read["disableatt"],
                &read["employee"]["id"],
                &read["reason"]
            ),
            (&json!(1), &json!(1000000002), &json!("Got oportunity"))
        );
        let back = format!("{LIST}reinstatement/");
        assert_eq!(
            caller.post(&back, json!({})).await.is(400),
            json!({ "resigns": ["This field is required."] })
        );
        let done = json!({ "code": 0, "msg": "", "data": [] });
        assert_eq!(
            caller
                .post(&back, json!({ "resigns": "1000001" }))
                .await
                .is(200),
            done
        );
        assert_eq!(status(&test, "14").await, 0);
        let several = json!({
            "employees": "1000000001,1000000003", "resign_date": "2026-01-15", "resign_type": "4",
        });
        let path = format!("{PEOPLE}adjust_regsin/");
        assert_eq!(caller.post(&path, several).await.is(200), done);
        assert_eq!(caller.get(LIST).await.is(200)["count"], 2);
        let one = json!({ "employees": [1000000001] });
        assert_eq!(caller.post(&back, one).await.is(200), done);
        let left = caller.get(LIST).await.is(200);
        assert_eq!(left["data"][0]["employee"]["emp_code"], "16");
        let id = left["data"][0]["id"].as_i64().expect("a number");
        assert_eq!(caller.delete(&format!("{LIST}{id}/")).await.status, 204);
    })
    .await;
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_and_nothing_is_done_by_halves() {
    on_both(|test| async move {
        let admin = people(&test).await;
        let wrong = json!({
            "employee": "99", "resign_date": "soon", "resign_type": 6,
            "report_generation_end_date": 7, "reason": "a\u{0}b", "disableatt": "maybe",
        });
        let date = "Date has wrong format. Use one of these formats instead: YYYY-MM-DD.";
        assert_eq!(
            admin.post(LIST, wrong).await.is(400),
            json!({
                "employee": ["Object with emp_code=99 does not exist."],
                "resign_date": [date],
                "resign_type": ["\"6\" is not a valid choice."],
                "report_generation_end_date": [date],
                "reason": ["Null characters are not allowed."],
                "disableatt": ["Must be a valid boolean."],
                "code": -22, "msg": "The person does not exist", "data": {},
            })
        );
        admin.post(LIST, sample()).await.is(201);
        assert_eq!(
            admin.post(LIST, sample()).await.is(400)["employee"],
            json!(["resignation with this employee already exists."])
        );
        let mut wrong = sample();
        wrong["resign_type"] = json!(6);
        assert_eq!(
            admin.post(LIST, wrong).await.is(400),
            json!({
                "employee": ["resignation with this employee already exists."],
                "resign_type": ["\"6\" is not a valid choice."],
                "code": -1, "msg": "resignation with this employee already exists.", "data": {},
            })
        );
        assert_eq!(
            admin
                .post(&format!("{LIST}rehire/"), json!({}))
                .await
                .is(400),
            json!({
                "emp_code": ["This field is required."],
                "code": -81, "msg": "Pins not allowed to be null", "data": {},
            })
        );
        let path = format!("{PEOPLE}adjust_resign/");
        assert_eq!(
            admin
                .post(
                    &path,
                    json!({ "emp_code": ["14", "99"], "resign_date": null })
                )
                .await
                .is(400),
            json!({
                "resign_type": ["This field is required."],
                "resign_date": ["This field may not be null."],
                "emp_code": ["Object with emp_code=99 does not exist."],
                "code": -22, "msg": "The person does not exist", "data": {},
            })
        );
        let several = json!({
            "emp_code": ["14", "12"], "resign_date": "2025-06-19",
            "report_generation_end_date": "2025-06-20", "resign_type": 3,
            "reason": "Got oportunity ", "disableatt": true,
        });
        assert_eq!(
            admin.post(&path, several).await.is(400)["emp_code"],
            json!(["Employee 12 has resigned already."])
        );
        assert_eq!(test.number("SELECT count(*) FROM resignation").await, 1);
        assert_eq!(
            status(&test, "14").await,
            0,
            "none of them, when one cannot"
        );
        // The manual's sample, for who has not resigned.
        let one = json!({
            "emp_code": ["14"], "resign_date": "2025-06-19",
            "report_generation_end_date": "2025-06-20", "resign_type": 3,
            "reason": "Got oportunity ", "disableatt": true,
        });
        assert_eq!(
            admin.post(&path, one).await.is(200),
            json!({ "detail": "Success." })
        );
        assert_eq!(status(&test, "14").await, 100);
        let same = json!({ "employee": "16", "resign_date": "2026-01-01", "resign_type": 1 });
        let (one, other) = tokio::join!(
            admin.post(LIST, same.clone()),
            admin.post(LIST, same.clone())
        );
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 400]);
    })
    .await;
}

#[tokio::test]
async fn a_day_that_lies_ahead_takes_effect_when_it_comes() {
    on_both(|test| async move {
        let admin = people(&test).await;
        let door = "/api/staff-api-token-auth/";
        let token = test.log_in(door, "14").await;
        let own = test.with(&format!("Token {token}"));
        let soon = json!({
            "employee": "14", "resign_date": "2026-01-17", "resign_type": 1, "disableatt": true,
        });
        admin.post(LIST, soon).await.is(201);
        assert_eq!(status(&test, "14").await, 0);
        jobs::run_all(&test.app).await.expect("run");
        assert_eq!(status(&test, "14").await, 0, "not before");
        own.get(&format!("{PEOPLE}14/")).await.is(200);

        test.app.clock.advance(TimeDelta::days(2));
        jobs::run_all(&test.app).await.expect("run");
        jobs::run_all(&test.app).await.expect("and again");
        assert_eq!(status(&test, "14").await, 100);
        let shown = admin.get(PEOPLE).await.is(200);
        assert_eq!(shown["count"], 2, "the list shows who is there");
        assert_eq!(
            admin.get(&format!("{PEOPLE}?status=100")).await.is(200)["count"],
            1
        );
        own.get(&format!("{PEOPLE}14/")).await.is(401);
        let body = json!({ "username": "14", "password": PASSWORD });
        test.nobody().post(door, body).await.is(400);
        let told = "SELECT count(*) FROM audit WHERE action = 'resign' AND thing_id = '14'";
        assert_eq!(test.number(told).await, 1);

        // Put off, it has not happened yet.
        let later = json!({ "resign_date": "2026-02-01" });
        admin.patch(&format!("{LIST}14/"), later).await.is(200);
        assert_eq!(status(&test, "14").await, 0);
        test.log_in(door, "14").await;
    })
    .await;
}

#[tokio::test]
async fn resignations_are_filtered_searched_and_ordered() {
    on_both(|test| async move {
        let admin = people(&test).await;
        for (employee, kind, on) in [
            ("12", 1, "2026-01-01"),
            ("14", 2, "2025-12-01"),
            ("16", 2, "2026-01-03"),
        ] {
            let new = json!({ "employee": employee, "resign_type": kind, "resign_date": on });
            admin.post(LIST, new).await.is(201);
        }
        let asked = async |query: &str| -> Vec<String> {
            let list = admin.get(&format!("{LIST}?{query}")).await.is(200);
            let rows = list["data"].as_array().expect("a list");
            assert_eq!(list["count"], rows.len(), "{query}");
            rows.iter()
                .map(|row| {
                    let code = &row["employee"]["emp_code"];
                    code.as_str().expect("a text").to_owned()
                })
                .collect()
        };
        for (query, expected) in [
            ("", &["12", "14", "16"][..]),
            ("Emp_code=14", &["14"]),
            ("employee=1000000003,12", &["12", "16"]),
            ("resign_type=2", &["14", "16"]),
            ("resign_date=2026-01-03", &["16"]),
            ("search=guru", &["14"]),
            ("first_name_icontains=SH", &["16"]),
            ("ordering=-resign_date", &["16", "12", "14"]),
            ("ordering=resign_type,-id", &["12", "16", "14"]),
        ] {
            assert_eq!(asked(query).await, expected, "{query}");
        }
    })
    .await;
}
