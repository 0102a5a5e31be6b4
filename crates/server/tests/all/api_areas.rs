//! The story of an area, in both profiles.

use crate::rest::on_both;
use serde_json::json;

const LIST: &str = "/personnel/api/areas/";

#[tokio::test]
async fn an_area_is_made_under_another_read_and_changed() {
    on_both(|test| async move {
        let easytimepro = test.easytimepro().await;
        let biotime = test.biotime().await;
        let made = json!({ "area_code": 2, "area_name": "Bengaluru", "parent_area": "1" });
        assert_eq!(
            easytimepro.post(LIST, made).await.is(201),
            json!({
                "id": 1000001, "area_code": "2", "area_name": "Bengaluru",
                "parent_area": "Not Authorized",
            })
        );
        let made = json!({ "area_code": "3", "area_name": "Gate", "parent_area": 1000001 });
        assert_eq!(
            biotime.post(LIST, made).await.is(201),
            json!({ "id": 1000002, "area_code": "3", "area_name": "Gate", "parent_area": 1000001 })
        );
        let company = json!({ "id": test.app.company.id, "name": "default" });
        let read = json!({
            "id": 1000002, "area_code": "3", "area_name": "Gate",
            "parent_area": {
                "id": 1000001, "area_code": "2", "area_name": "Bengaluru", "parent_area": 1,
            },
            "parent_area_name": "Bengaluru",
            "company": company,
        });
        assert_eq!(easytimepro.get(&format!("{LIST}3/")).await.is(200), read);
        assert_eq!(biotime.get(&format!("{LIST}1000002/")).await.is(200), read);
        for (query, count) in [
            ("parent_area_code=2", 1),
            ("parent_area=1", 1),
            ("parent_area=1000001", 1),
            ("area_name_icontains=GAT", 1),
            ("area_name_icontains=not", 1),
            ("search=bengal", 1),
            ("area_code=2", 1),
            ("area_code=9", 0),
        ] {
            let list = easytimepro.get(&format!("{LIST}?{query}")).await.is(200);
            assert_eq!(list["count"], count, "{query}");
        }

        // The code may change; what is not sent stays.
        let changed = easytimepro
            .patch(&format!("{LIST}3/"), json!({ "area_code": "south" }))
            .await
            .is(200);
        assert_eq!(
            changed,
            json!({
                "id": 1000002, "area_code": "south", "area_name": "Gate",
                "parent_area": "Bengaluru",
            })
        );
        easytimepro.get(&format!("{LIST}3/")).await.is(404);
        for none in [json!(null), json!(0), json!("0"), json!("")] {
            let changed = easytimepro
                .put(&format!("{LIST}south/"), json!({ "parent_area": none }))
                .await
                .is(200);
            assert_eq!(changed["parent_area"], json!(null));
        }
    })
    .await;
}

#[tokio::test]
async fn areas_stand_in_no_circle_and_no_two_have_one_code() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        for (code, parent) in [("a", "1"), ("b", "a"), ("c", "b")] {
            let made = json!({ "area_code": code, "area_name": code, "parent_area": parent });
            caller.post(LIST, made).await.is(201);
        }
        for parent in ["a", "b", "c"] {
            let changed = caller
                .patch(&format!("{LIST}a/"), json!({ "parent_area": parent }))
                .await
                .is(400);
            assert_eq!(
                changed["parent_area"],
                json!(["Cannot be set as parent area."])
            );
        }
        let again = json!({ "area_code": "a", "area_name": "Another" });
        assert_eq!(
            caller.post(LIST, again).await.is(400)["area_code"],
            json!(["area with this area code already exists."])
        );
        let again = json!({ "area_code": "a" });
        caller.patch(&format!("{LIST}b/"), again).await.is(400);
        for code in ["action", "Export", "import_area", "..", ""] {
            let made = json!({ "area_code": code, "area_name": "x" });
            caller.post(LIST, made).await.is(400);
        }
        assert_eq!(
            caller
                .post(LIST, json!({ "area_code": "d", "parent_area": "nosuch" }))
                .await
                .is(400),
            json!({
                "area_name": ["This field is required."],
                "parent_area": ["Object with area_code=nosuch does not exist."],
                "code": -80, "msg": "Area didn’t exist", "data": {},
            })
        );
        assert_eq!(caller.get(LIST).await.is(200)["count"], 4);
    })
    .await;
}

#[tokio::test]
async fn of_two_that_make_the_same_code_at_once_one_is_refused() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        let made = json!({ "area_code": "a", "area_name": "a" });
        let (first, second) = tokio::join!(
            caller.post(LIST, made.clone()),
            caller.post(LIST, made.clone())
        );
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 400]);
    })
    .await;
}
