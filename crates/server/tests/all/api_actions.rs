//! Bulk actions: several rows named in one request, all of them or none.

use crate::rest::{Got, Somebody, TestApp, on_both};
use muster::access::{Right, Rights, Thing};
use muster::profile::Profile;
use reqwest::Method;
use serde_json::{Value, json};

const LIST: &str = "/iclock/api/terminals/";
const ACTION: &str = "/iclock/api/terminals/action/";

async fn terminals(test: &TestApp, count: i64) -> Somebody<'_> {
    let admin = test.easytimepro().await;
    for number in 1..=count {
        admin
            .post(LIST, json!({ "sn": format!("A{number}") }))
            .await
            .is(201);
    }
    admin
}

async fn left(admin: &Somebody<'_>) -> Vec<String> {
    let list = admin.get(&format!("{LIST}?ordering=id")).await.is(200);
    let rows = list["data"].as_array().expect("a list").clone();
    rows.iter()
        .map(|row| row["sn"].as_str().expect("a text").to_owned())
        .collect()
}

#[tokio::test]
async fn several_are_removed_in_every_way_they_can_be_listed() {
    on_both(|test| async move {
        let admin = terminals(&test, 15).await;
        for (body, detail) in [
            (json!({ "object_codes": ["A1"] }), "Success. delete:['A1']"),
            (
                json!({ "object_codes": [1000002, "A3"] }),
                "Success. delete:[1000002, 'A3']",
            ),
            (
                json!({ "object_ids": 1000004 }),
                "Success. delete:[1000004]",
            ),
            (
                json!({ "Object_Codes": "A5, 1000006" }),
                "Success. delete:['A5', '1000006']",
            ),
            // One that is named twice is removed once.
            (
                json!({ "object_codes": ["A7", 1000007] }),
                "Success. delete:['A7', 1000007]",
            ),
        ] {
            let mut body = body;
            body["action_type"] = json!("delete");
            let answer = admin.post(ACTION, body).await.is(200);
            assert_eq!(answer, json!({ "detail": detail }));
        }
        let form = admin.request(Method::POST, ACTION).form(&[
            ("action_type", "delete"),
            ("object_codes", "A8"),
            ("object_codes", "A9"),
        ]);
        assert_eq!(
            Got::from(form).await.is(200),
            json!({ "detail": "Success. delete:['A8', 'A9']" })
        );
        let form = reqwest::multipart::Form::new()
            .text("action_type", "delete")
            .text("object_ids", "1000010,1000011");
        let form = admin.request(Method::POST, ACTION).multipart(form);
        assert_eq!(
            Got::from(form).await.is(200),
            json!({ "detail": "Success. delete:['1000010', '1000011']" })
        );
        let biotime = test.biotime().await;
        let body = json!({ "object_ids": [1000012, "A13"], "action_type": "delete" });
        assert_eq!(
            biotime.post(ACTION, body).await.is(200),
            json!({ "code": 0, "msg": "", "data": [] })
        );
        assert_eq!(left(&admin).await, ["A14", "A15"]);
        let audited = "SELECT count(*) FROM audit WHERE thing = 'terminal' AND action = 'delete'";
        assert_eq!(test.number(audited).await, 13);
    })
    .await;
}

#[tokio::test]
async fn an_action_that_cannot_be_done_whole_is_not_done_at_all() {
    on_both(|test| async move {
        let admin = terminals(&test, 2).await;
        let biotime = test.biotime().await;
        let numbered = |mut body: Value, code: i64, msg: &str| {
            body["code"] = json!(code);
            body["msg"] = json!(msg);
            body["data"] = json!({});
            body
        };
        let deleting = |list: Value| json!({ "object_codes": list, "action_type": "delete" });
        for (sent, plain, code, msg) in [
            (
                deleting(json!(["A1", "A7", 8])),
                json!({ "object_codes": [
                    "Object with sn=A7 does not exist.", "Object with sn=8 does not exist.",
                ] }),
                -1,
                "Object with sn=A7 does not exist.",
            ),
            (
                deleting(json!([])),
                json!({ "object_codes": ["This list may not be empty."] }),
                -1,
                "This list may not be empty.",
            ),
            (
                deleting(json!([["A1"]])),
                json!({ "object_codes": ["Expected a list of codes or ids."] }),
                -1,
                "Expected a list of codes or ids.",
            ),
            (
                deleting(json!(vec!["A1"; 10_001])),
                json!({ "object_codes": ["Ensure this field has no more than 10000 elements."] }),
                -1,
                "Ensure this field has no more than 10000 elements.",
            ),
            (
                json!({ "object_codes": ["A1"], "action_type": "x" }),
                json!({ "action_type": ["\"x\" is not a valid choice."] }),
                -220,
                "Operation type error",
            ),
            (
                json!({ "object_codes": ["A9"], "action_type": null }),
                json!({
                    "action_type": ["This field may not be null."],
                    "object_codes": ["Object with sn=A9 does not exist."],
                }),
                -220,
                "Operation type error",
            ),
            (
                json!({}),
                json!({
                    "action_type": ["This field is required."],
                    "object_codes": ["This field is required."],
                }),
                -1,
                "This field is required.",
            ),
        ] {
            let refused = admin.post(ACTION, sent).await.is(400);
            assert_eq!(refused, numbered(plain, code, msg));
        }
        assert_eq!(
            biotime
                .post(
                    ACTION,
                    json!({ "object_ids": ["A9", 8, 1000001], "action_type": "delete" })
                )
                .await
                .is(400),
            json!({ "object_ids": [
                "Incorrect type. Expected pk value, received str.",
                "Invalid pk \"8\" - object does not exist.",
            ] })
        );
        assert_eq!(left(&admin).await, ["A1", "A2"]);

        let viewer = Right::View(Thing::Terminal);
        let viewer = test
            .client(Profile::EasyTimePro, Rights::from_iter([viewer]))
            .await;
        viewer.post(ACTION, deleting(json!(["A1"]))).await.is(403);
        assert_eq!(left(&admin).await, ["A1", "A2"]);
    })
    .await;
}
