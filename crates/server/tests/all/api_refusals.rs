//! The words of every refusal of a value, which clients show and compare: in both profiles, and
//! with the appendix's numbers in the one that has them.

use crate::rest::{Got, on_both};
use muster::profile::Profile;
use reqwest::Method;
use serde_json::{Value, json};

const EMPLOYEES: &str = "/personnel/api/employees/";
const DEPARTMENTS: &str = "/personnel/api/departments/";
const TRANSACTIONS: &str = "/iclock/api/transactions/";

/// What is sent, the field and the text it is refused with in the EasyTimePro profile and in
/// BioTime's, and the number.
type Refusal = (
    &'static str,
    Value,
    &'static str,
    &'static str,
    &'static str,
    i64,
);

fn refusals() -> Vec<Refusal> {
    let same = |path, body, field, text, code| (path, body, field, text, text, code);
    vec![
        same(
            DEPARTMENTS,
            json!({ "dept_name": "x" }),
            "dept_code",
            "This field is required.",
            -10,
        ),
        same(
            DEPARTMENTS,
            json!({ "dept_code": " ", "dept_name": "x" }),
            "dept_code",
            "This field may not be blank.",
            -10,
        ),
        same(
            DEPARTMENTS,
            json!({ "dept_code": "x", "dept_name": null }),
            "dept_name",
            "This field may not be null.",
            -10,
        ),
        same(
            DEPARTMENTS,
            json!({ "dept_code": 1, "dept_name": "x" }),
            "dept_code",
            "department with this dept code already exists.",
            -12,
        ),
        (
            DEPARTMENTS,
            json!({ "dept_code": "x", "dept_name": "x", "parent_dept": "nosuch" }),
            "parent_dept",
            "Object with dept_code=nosuch does not exist.",
            "Incorrect type. Expected pk value, received str.",
            -13,
        ),
        (
            DEPARTMENTS,
            json!({ "dept_code": "x", "dept_name": "x", "parent_dept": 99 }),
            "parent_dept",
            "Object with dept_code=99 does not exist.",
            "Invalid pk \"99\" - object does not exist.",
            -13,
        ),
        (
            DEPARTMENTS,
            json!({ "dept_code": "x", "dept_name": "x", "parent_dept": true }),
            "parent_dept",
            "Invalid value.",
            "Incorrect type. Expected pk value, received bool.",
            -1,
        ),
        same(
            DEPARTMENTS,
            json!({ "dept_code": "x".repeat(51), "dept_name": "x" }),
            "dept_code",
            "Ensure this field has no more than 50 characters.",
            -1,
        ),
        same(
            DEPARTMENTS,
            json!({ "dept_code": "x", "dept_name": ["x"] }),
            "dept_name",
            "Not a valid string.",
            -1,
        ),
        same(
            EMPLOYEES,
            employee("area", json!(7)),
            "area",
            "Expected a list of items but got type \"int\".",
            -1,
        ),
        same(
            EMPLOYEES,
            employee("area", json!([])),
            "area",
            "This list may not be empty.",
            -1,
        ),
        same(
            EMPLOYEES,
            employee("gender", json!("Q")),
            "gender",
            "\"Q\" is not a valid choice.",
            -1,
        ),
        same(
            EMPLOYEES,
            employee("enable_att", json!("perhaps")),
            "enable_att",
            "Must be a valid boolean.",
            -1,
        ),
        same(
            EMPLOYEES,
            employee("emp_type", json!("x")),
            "emp_type",
            "A valid integer is required.",
            -1,
        ),
        same(
            EMPLOYEES,
            employee("hire_date", json!("17/06/2025")),
            "hire_date",
            "Date has wrong format. Use one of these formats instead: YYYY-MM-DD.",
            -100,
        ),
        same(
            EMPLOYEES,
            employee("email", json!("me@home")),
            "email",
            "Enter a valid email address.",
            -1,
        ),
        same(
            EMPLOYEES,
            employee("emp_code", json!("a b")),
            "emp_code",
            "Enter a valid value.",
            -29,
        ),
        same(
            EMPLOYEES,
            employee("emp_code", json!("x".repeat(21))),
            "emp_code",
            "Ensure this field has no more than 20 characters.",
            -29,
        ),
        same(
            EMPLOYEES,
            employee("emp_code", json!(true)),
            "emp_code",
            "Not a valid string.",
            -29,
        ),
    ]
}

/// An employee who is well but for one member.
fn employee(member: &str, value: Value) -> Value {
    let mut employee = json!({ "emp_code": "1001", "department": 1, "area": [1] });
    employee[member] = value;
    employee
}

/// The appendix's meaning of a number, or the text itself.
fn msg(code: i64, text: &str) -> &str {
    match code {
        -10 => "The department number or name cannot be empty",
        -12 => "The department name has already existed",
        -13 => "The department number does not exist",
        -29 => "PIN exception",
        -100 => "Time format error",
        _ => text,
    }
}

#[tokio::test]
async fn each_refusal_has_the_words_clients_know() {
    on_both(|test| async move {
        let easytimepro = test.easytimepro().await;
        let biotime = test.biotime().await;
        for (path, sent, field, text, biotimes, code) in refusals() {
            let refused = easytimepro.post(path, sent.clone()).await.is(400);
            assert_eq!(
                refused,
                json!({ field: [text], "code": code, "msg": msg(code, text), "data": {} }),
                "{sent}"
            );
            let refused = biotime.post(path, sent.clone()).await.is(400);
            assert_eq!(refused, json!({ field: [biotimes] }), "{sent}");
        }
        assert_eq!(test.number("SELECT count(*) FROM employee").await, 0);
        assert_eq!(test.number("SELECT count(*) FROM department").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_request_that_is_refused_as_a_whole_says_so_in_one_object() {
    on_both(|test| async move {
        // Nobody learns more than that he is nobody, unless who he is cannot be read.
        test.nobody()
            .get(&format!("{DEPARTMENTS}?format=xml"))
            .await
            .is(401);
        test.nobody()
            .get(&format!("{DEPARTMENTS}?dept_code=%00"))
            .await
            .is(400);
        for profile in [Profile::EasyTimePro, Profile::BioTime] {
            let caller = test
                .client(profile, muster::access::Rights::administrator())
                .await;
            let is_numbered = profile == Profile::EasyTimePro;
            let whole = |plain: Value, code: i64, msg: &str| {
                let mut body = plain;
                if is_numbered {
                    body["code"] = json!(code);
                    body["msg"] = json!(msg);
                    body["data"] = json!({});
                }
                body
            };
            let text = "Invalid data. Expected a dictionary, but got list.";
            assert_eq!(
                caller.post(DEPARTMENTS, json!([1])).await.is(400),
                whole(json!({ "non_field_errors": [text] }), -1, text)
            );
            let broken = caller
                .request(Method::POST, DEPARTMENTS)
                .header("content-type", "application/json")
                .body("{\"a\":");
            let refused = Got::from(broken).await.is(400);
            let detail = refused["detail"].as_str().expect("a text");
            assert!(detail.starts_with("JSON parse error - "), "{detail}");
            let plain = caller
                .request(Method::POST, DEPARTMENTS)
                .header("content-type", "text/plain")
                .body("x");
            let text = "Unsupported media type \"text/plain\" in request.";
            assert_eq!(
                Got::from(plain).await.is(415),
                whole(json!({ "detail": text }), -1, text)
            );
            // What is wrong before anything is read is told in the caller's words, too.
            let refused = caller.get(&format!("{DEPARTMENTS}?format=xml")).await;
            assert_eq!(
                refused.is(404),
                whole(json!({ "detail": "Not found." }), -1, "Not found.")
            );
            let xml = caller
                .request(Method::GET, DEPARTMENTS)
                .header("accept", "application/xml");
            let text = "Could not satisfy the request Accept header.";
            assert_eq!(
                Got::from(xml).await.is(406),
                whole(json!({ "detail": text }), -1, text)
            );
            let text = "Null characters are not allowed.";
            let refused = caller.get(&format!("{DEPARTMENTS}?dept_code=%00")).await;
            assert_eq!(
                refused.is(400),
                whole(json!({ "dept_code": [text] }), -1, text)
            );
            let text = "Method \"DELETE\" not allowed.";
            assert_eq!(
                caller.delete(&format!("{DEPARTMENTS}?x=%00")).await.is(405),
                whole(json!({ "detail": text }), -1, text)
            );
            for (path, code, msg) in [
                (DEPARTMENTS, -13, "The department number does not exist"),
                (EMPLOYEES, -22, "The person does not exist"),
                ("/personnel/api/areas/", -80, "Area didn’t exist"),
                ("/personnel/api/positions/", -1, "Not found."),
            ] {
                let refused = caller.get(&format!("{path}no-such-thing/")).await.is(404);
                assert_eq!(refused, whole(json!({ "detail": "Not found." }), code, msg));
            }
            let refused = caller
                .get(&format!("{TRANSACTIONS}?start_time=yesterday"))
                .await;
            let text = "Enter a valid date/time.";
            assert_eq!(
                refused.is(400),
                whole(json!({ "start_time": [text] }), -100, "Time format error")
            );
            let refused = caller
                .get(&format!("{EMPLOYEES}?hire_date=yesterday"))
                .await;
            assert_eq!(
                refused.is(400),
                whole(
                    json!({ "hire_date": ["Enter a valid date."] }),
                    -100,
                    "Time format error"
                )
            );
            // Paging by these two is checked in both profiles, and says so in one way.
            for (query, code) in [
                ("pageNo=0&pageSize=10", -90),
                ("pageNo=1&pageSize=1001", -91),
                ("pageNo=1", -92),
                ("pageNo=&pageSize=", -92),
            ] {
                let refused = caller.get(&format!("{DEPARTMENTS}?{query}")).await.is(400);
                assert_eq!(
                    (&refused["code"], &refused["data"]),
                    (&json!(code), &json!({}))
                );
            }
        }
    })
    .await;
}
