//! The story of an employee, in both profiles.

use crate::rest::{Got, TestApp, on_both, punch};
use muster::access::Rights;
use muster::profile::Profile;
use reqwest::Method;
use serde_json::{Value, json};

const LIST: &str = "/personnel/api/employees/";

/// The manual's own body.
pub fn sample() -> Value {
    json!({
        "emp_code": "5677", "first_name": "madg", "last_name": "", "nickname": "",
        "device_password": "", "card_no": "", "department": 1, "position": 1, "area": [1],
        "hire_date": "2025-06-17", "gender": "M", "birthday": null, "verify_mode": null,
        "emp_type": null, "validity_start": "2025-06-17", "validity_end": "2025-06-26",
        "contact_tel": "", "office_tel": "", "mobile": "", "national": "", "city": "",
        "address": "string", "postcode": "4664602664", "email": "", "enroll_sn": "", "ssn": "",
        "religion": "", "enable_att": true, "enable_overtime": true, "enable_holiday": true,
        "dev_privilege": 0,
        "self_password": "pbkdf2_sha256$600000$g708QX09ch0KUiR5kCwJ4T$XnOY4d2gmpseLhvXsKEHYj+Lk1c084m3PxN278ACH1w=",
        "flow_role": [], "app_status": 1, "app_role": null,
    })
}

#[tokio::test]
async fn the_manuals_sample_is_taken_and_shown_as_it_prints_it() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        let made = json!({
            "id": "1000000001", "emp_code": "5677", "first_name": "madg", "last_name": "",
            "nickname": "", "device_password": null, "card_no": "", "department": "Department",
            "position": "Position", "area": ["Not Authorized"], "hire_date": "2025-06-17",
            "gender": "M", "birthday": null, "verify_mode": null, "emp_type": null,
            "validity_start": "2025-06-17", "validity_end": "2025-06-26", "contact_tel": "",
            "office_tel": "", "mobile": "", "national": "", "city": "", "address": "string",
            "postcode": "4664602664", "email": "", "enroll_sn": "", "ssn": "", "religion": "",
            "enable_att": true, "enable_overtime": true, "enable_holiday": true,
            "enable_whatsapp": false, "enable_sms": false, "dev_privilege": 0,
            "self_password": null, "flow_role": [], "app_status": 1, "app_role": null,
            "status": 0, "update_time": "2026-01-15 13:30:00",
        });
        assert_eq!(caller.post(LIST, sample()).await.is(201), made);

        let mut read = made.clone();
        read["department"] = json!({ "id": 1, "dept_code": "1", "dept_name": "Department" });
        read["position"] = json!({ "id": 1, "position_code": "1", "position_name": "Position" });
        read["area"] = json!([{ "id": 1, "area_code": "1", "area_name": "Not Authorized" }]);
        for kind in ["fingerprint", "face", "palm", "vl_face"] {
            read[kind] = json!("-");
        }
        assert_eq!(
            caller.get(LIST).await.is(200),
            json!({
                "count": 1, "next": null, "previous": null, "msg": "", "code": 0,
                "data": [read],
            })
        );
        for key in ["5677", "1000000001"] {
            assert_eq!(caller.get(&format!("{LIST}{key}/")).await.is(200), read);
        }

        let raj = json!({ "first_name": "raj", "emp_code": "9", "id": 7, "status": 99 });
        let changed = caller.put(&format!("{LIST}5677/"), raj).await.is(200);
        let mut expected = made;
        expected["first_name"] = json!("raj");
        assert_eq!(changed, expected, "codes, ids and the status stay");
        assert_eq!(
            caller.get(&format!("{LIST}nobody/")).await.is(404),
            json!({
                "detail": "Not found.", "code": -22, "msg": "The person does not exist",
                "data": {},
            })
        );
    })
    .await;
}

#[tokio::test]
async fn biotime_has_its_own_shapes_and_wants_more() {
    on_both(|test| async move {
        let caller = test.biotime().await;
        assert_eq!(
            caller.post(LIST, json!({})).await.is(400),
            json!({
                "emp_code": ["This field is required."],
                "department": ["This field is required."],
                "area": ["This field is required."],
            })
        );
        let made = json!({
            "emp_code": 13, "department": "1", "area": ["1", 1], "first_name": "Asha",
            "last_name": "Rao", "attemployee": { "enable_attendance": false },
            "is_superuser": true, "company": "other", "update_time": "1970-01-01",
        });
        let answer = caller.post(LIST, made).await.is(201);
        assert_eq!(
            (
                &answer["id"],
                &answer["emp_code"],
                &answer["department"],
                &answer["area"]
            ),
            (&json!(1000000001), &json!("13"), &json!(1), &json!([1]))
        );
        assert_eq!(answer["position"], json!(null));
        let read = caller.get(&format!("{LIST}1000000001/")).await.is(200);
        assert_eq!(
            read["attemployee"],
            json!({
                "id": 1000000001, "enable_attendance": false, "enable_overtime": false,
                "enable_holiday": true, "enable_schedule": true,
            })
        );
        assert_eq!(
            (
                &read["full_name"],
                &read["dept_name"],
                &read["area_name"],
                &read["enable_att"]
            ),
            (
                &json!("Asha Rao"),
                &json!("Department"),
                &json!("Not Authorized"),
                &json!(false)
            )
        );
        assert!(read.get("self_password").is_none());
        assert_eq!(
            caller
                .post(
                    LIST,
                    json!({ "emp_code": "14", "department": 99, "area": [] })
                )
                .await
                .is(400),
            json!({
                "department": ["Invalid pk \"99\" - object does not exist."],
                "area": ["This list may not be empty."],
            })
        );
        assert_eq!(
            caller
                .post(
                    LIST,
                    json!({ "emp_code": "14", "department": "x", "area": 1 })
                )
                .await
                .is(400),
            json!({
                "department": ["Incorrect type. Expected pk value, received str."],
                "area": ["Expected a list of items but got type \"int\"."],
            })
        );
        assert_eq!(
            caller
                .post(
                    LIST,
                    json!({ "emp_code": "14", "department": { "id": 1 }, "area": [true] })
                )
                .await
                .is(400),
            json!({
                "department": ["Incorrect type. Expected pk value, received dict."],
                "area": ["Incorrect type. Expected pk value, received bool."],
            })
        );
        let form = caller.request(Method::POST, LIST).form(&[
            ("emp_code", "15"),
            ("department", "1"),
            ("area", "1"),
            ("enable_att", "false"),
        ]);
        assert_eq!(Got::from(form).await.is(201)["enable_att"], false);
    })
    .await;
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_together() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        let wrong = json!({
            "emp_code": "a b", "first_name": "x\tPri=14", "device_password": "12ab",
            "card_no": "1".repeat(21), "department": "nosuch", "position": true, "area": ["9"],
            "hire_date": "17/06/2025", "gender": "Q", "verify_mode": "x", "emp_type": -1,
            "mobile": "call me", "email": "me@home", "enable_att": "perhaps",
            "dev_privilege": 3, "self_password": "pbkdf2_sha256$1$a$b", "app_status": true,
            "flow_role": "admin",
        });
        let answer = caller.post(LIST, wrong).await.is(400);
        assert_eq!(
            answer,
            json!({
                "emp_code": ["Enter a valid value."],
                "first_name": ["Control characters are not allowed."],
                "card_no": ["Ensure this field has no more than 20 characters."],
                "mobile": ["Enter a valid value."],
                "email": ["Enter a valid email address."],
                "hire_date": ["Date has wrong format. Use one of these formats instead: YYYY-MM-DD."],
                "gender": ["\"Q\" is not a valid choice."],
                "verify_mode": ["A valid integer is required."],
                "emp_type": ["Ensure this value is greater than or equal to 0."],
                "enable_att": ["Must be a valid boolean."],
                "dev_privilege": ["\"3\" is not a valid choice."],
                "app_status": ["\"true\" is not a valid choice."],
                "flow_role": ["Expected a list of items but got type \"str\"."],
                "device_password": ["Enter a valid value."],
                "self_password": ["Enter a valid value."],
                "department": ["Object with dept_code=nosuch does not exist."],
                "position": ["Invalid value."],
                "area": ["Object with area_code=9 does not exist."],
                "code": -29, "msg": "PIN exception", "data": {},
            })
        );
        for (body, code) in [
            (json!({}), -20),
            (json!({ "emp_code": "" }), -20),
            (json!({ "emp_code": "x".repeat(21) }), -29),
            (json!({ "emp_code": "import_emp" }), -29),
            (json!({ "emp_code": "7", "department": 99 }), -13),
            (json!({ "emp_code": "7", "area": [99] }), -80),
        ] {
            let answer = caller.post(LIST, body.clone()).await.is(400);
            assert_eq!(answer["code"], code, "{body}");
        }
        assert_eq!(test.number("SELECT count(*) FROM employee").await, 0);
        assert_eq!(test.number("SELECT count(*) FROM audit WHERE thing = 'employee'").await, 0);

        // What others have already is told with it, in a file, too.
        for (emp_code, card_no) in [("7", "77"), ("8", "88")] {
            let made = json!({ "emp_code": emp_code, "card_no": card_no });
            caller.post(LIST, made).await.is(201);
        }
        let wrong = json!({ "emp_code": "7", "card_no": "88", "gender": "Q" });
        assert_eq!(
            caller.post(LIST, wrong).await.is(400),
            json!({
                "gender": ["\"Q\" is not a valid choice."],
                "emp_code": ["employee with this emp code already exists."],
                "card_no": ["employee with this card no already exists."],
                "code": -23, "msg": "The card number has been used", "data": {},
            })
        );
        let wrong = json!({ "card_no": "88", "gender": "Q" });
        assert_eq!(
            caller.patch(&format!("{LIST}7/"), wrong).await.is(400)["card_no"],
            json!(["employee with this card no already exists."])
        );
        let own = json!({ "card_no": "77", "gender": "Q" });
        assert_eq!(caller.patch(&format!("{LIST}7/"), own).await.is(400).get("card_no"), None);
        let file = "emp_code,card_no,gender\n7,88,Q\n9,99,F\n";
        let refused = caller.import(&format!("{LIST}import_emp/"), "1", file).await.is(400);
        assert_eq!(
            refused["errors"],
            json!([
                { "row": 2, "column": "gender", "message": "\"Q\" is not a valid choice." },
                { "row": 2, "column": "card_no", "message": "employee with this card no already exists." },
            ])
        );
    })
    .await;
}

#[tokio::test]
async fn a_number_for_a_text_keeps_its_digits_however_long_it_is() {
    on_both(|test| async move {
        let easytimepro = test.easytimepro().await;
        let post = async |path: &str, body: &'static str| {
            let request = easytimepro.request(Method::POST, path);
            let request = request
                .header("content-type", "application/json")
                .body(body);
            Got::from(request).await
        };
        // The manual's own card.
        let made = r#"{"emp_code":18446744073709551616,"card_no":99600011333817669139}"#;
        post(LIST, made).await.is(201);
        let read = easytimepro
            .get(&format!("{LIST}18446744073709551616/"))
            .await
            .is(200);
        assert_eq!(read["card_no"], "99600011333817669139");
        let made = r#"{"area_code":123456789012345678901234567890,"area_name":"Yard"}"#;
        let made = post("/personnel/api/areas/", made).await.is(201);
        assert_eq!(made["area_code"], "123456789012345678901234567890");
        // Wherever it is named again.
        let moved =
            r#"{"emp_code":[18446744073709551616],"area_code":[123456789012345678901234567890]}"#;
        post(&format!("{LIST}adjust_area/"), moved).await.is(200);
        let read = easytimepro
            .get(&format!("{LIST}18446744073709551616/"))
            .await
            .is(200);
        assert_eq!(read["area"][0]["area_name"], "Yard");
        let below =
            r#"{"area_code":"2","area_name":"Gate","parent_area":123456789012345678901234567890}"#;
        let below = post("/personnel/api/areas/", below).await.is(201);
        assert_eq!(below["parent_area"], "Yard");
        // A number that is no code is as wrong as before.
        let refused = post(LIST, r#"{"emp_code":"7","emp_type":99999999999999999999}"#).await;
        assert_eq!(
            refused.is(400)["emp_type"],
            json!(["A valid integer is required."])
        );
    })
    .await;
}

#[tokio::test]
async fn no_two_have_one_code_or_one_card() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        let first = json!({ "emp_code": "1001", "card_no": "71059" });
        caller.post(LIST, first.clone()).await.is(201);
        assert_eq!(
            caller.post(LIST, first).await.is(400)["emp_code"],
            json!(["employee with this emp code already exists."])
        );
        let second = json!({ "emp_code": "1002", "card_no": "71059" });
        assert_eq!(
            caller.post(LIST, second).await.is(400),
            json!({
                "card_no": ["employee with this card no already exists."],
                "code": -23, "msg": "The card number has been used", "data": {},
            })
        );
        // Without a card there is none to share, and one's own is no other's.
        for code in ["1003", "1004"] {
            let more = json!({ "emp_code": code, "card_no": "" });
            caller.post(LIST, more).await.is(201);
        }
        caller
            .patch(&format!("{LIST}1001/"), json!({ "card_no": "71059" }))
            .await
            .is(200);
        let made = json!({ "emp_code": "2001" });
        let (one, other) = tokio::join!(
            caller.post(LIST, made.clone()),
            caller.post(LIST, made.clone())
        );
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 400]);
    })
    .await;
}

#[tokio::test]
async fn attack_20_secrets_are_sealed_and_shown_to_those_with_the_right_alone() {
    on_both(|test| async move {
        let admin = test.easytimepro().await;
        let made = json!({
            "emp_code": "1001", "device_password": "4711", "self_password": "hunter2hunter2",
            "card_no": "71059", "ssn": "243567281524",
        });
        let answer = admin.post(LIST, made).await.is(201);
        assert_eq!(answer["device_password"], "4711");
        assert_eq!(answer["self_password"], json!(null));
        let viewer = test.client(Profile::EasyTimePro, Rights::viewer()).await;
        let read = viewer.get(&format!("{LIST}1001/")).await.is(200);
        assert_eq!(
            (&read["device_password"], &read["card_no"], &read["ssn"]),
            (&json!(null), &json!("71059"), &json!("243567281524"))
        );
        // What was read can be written back without harm.
        let mut back = admin.get(&format!("{LIST}1001/")).await.is(200);
        back["department"] = json!("1");
        back["position"] = json!(null);
        back["area"] = json!(["1"]);
        admin.put(&format!("{LIST}1001/"), back).await.is(200);
        let kept: Vec<(Vec<u8>, String)> = test
            .app
            .store
            .all(&muster_store::Sql::new(
                "SELECT device_password_sealed, self_password_hash FROM employee",
                [],
            ))
            .await
            .expect("a row");
        assert!(!kept[0].0.windows(4).any(|part| part == b"4711"));
        assert!(kept[0].1.starts_with("$argon2id$"));
        let audited: Vec<(Option<String>,)> = test
            .app
            .store
            .all(&muster_store::Sql::new("SELECT after FROM audit", []))
            .await
            .expect("rows");
        for (after,) in audited {
            let after = after.unwrap_or_default();
            assert!(
                !after.contains("4711") && !after.contains("$argon2"),
                "{after}"
            );
        }
        // Neither filter nor order gives a secret away.
        for query in [
            "self_password=x",
            "device_password=4711",
            "ordering=self_password",
        ] {
            let list = admin.get(&format!("{LIST}?{query}")).await;
            assert_eq!(list.is(200)["count"], 1, "{query}");
        }
        let warned = admin.get(&format!("{LIST}?self_password=x")).await;
        assert_eq!(
            warned.header("warning"),
            "299 muster \"unknown parameters: self_password\""
        );
    })
    .await;
}

#[tokio::test]
async fn punches_that_waited_become_the_new_employees_transactions() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        punch(&test, "1001", "2026-01-14 09:00:00", None).await;
        punch(&test, "1002", "2026-01-14 09:00:30", None).await;
        let last = punch(&test, "1001", "2026-01-14 18:00:00", None).await;
        let unregister = "/iclock/api/unregister/";
        let transactions = "/iclock/api/transactions/";
        assert_eq!(caller.get(unregister).await.is(200)["count"], 3);
        let new = json!({ "emp_code": "1001", "first_name": "Asha" });
        caller.post(LIST, new).await.is(201);
        assert_eq!(caller.get(unregister).await.is(200)["count"], 1);
        let list = caller
            .get(&format!("{transactions}?last_id={last}&ordering=id"))
            .await
            .is(200);
        assert_eq!(
            list["count"], 2,
            "their ids are new: who reads by last_id sees them"
        );
        assert_eq!(
            (
                &list["data"][0]["punch_time"],
                &list["data"][0]["first_name"]
            ),
            (&json!("2026-01-14 09:00:00"), &json!("Asha"))
        );
        assert_eq!(list["data"][1]["emp"], "1000000001");
        assert_eq!(caller.get(transactions).await.is(200)["count"], 2);
    })
    .await;
}

#[tokio::test]
async fn a_search_of_employees_looks_into_all_that_is_written_about_them() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        let texts = json!({
            "emp_code": "1001", "city": "Köln", "address": "7, ÁRBOL Street", "national": "Ísland",
            "religion": "Jain", "postcode": "560038", "enroll_sn": "BYEL201260001",
            "contact_tel": "+91 80 1234", "office_tel": "(80) 99", "ssn": "4242",
            "device_password": "7777",
        });
        caller.post(LIST, texts).await.is(201);
        caller
            .post(LIST, json!({ "emp_code": "1002", "city": "Bonn" }))
            .await
            .is(201);
        let found = async |path: &str, word: &str| {
            let list = caller.get(&format!("{path}?search={word}")).await.is(200);
            list["count"].as_i64().expect("a number")
        };
        let all = [
            "KÖLN",
            "árbol",
            "ísLAND",
            "jain",
            "5600",
            "byel",
            "%2B91%2080",
            "(80)",
            "köln,street",
        ];
        for word in all {
            assert_eq!(found(LIST, word).await, 1, "{word}");
        }
        for secret in ["4242", "7777", "köln,bonn"] {
            assert_eq!(found(LIST, secret).await, 0, "{secret}");
        }
        caller
            .patch(&format!("{LIST}1001/"), json!({ "city": "Aachen" }))
            .await
            .is(200);
        assert_eq!(
            (found(LIST, "köln").await, found(LIST, "aachen").await),
            (0, 1)
        );
        assert_eq!(found(LIST, "street").await, 1, "what was not given stays");
        // Where somebody lives finds no transactions.
        punch(&test, "1001", "2026-01-14 09:00:00", Some(1_000_000_001)).await;
        assert_eq!(found("/iclock/api/transactions/", "aachen").await, 0);

        // Who was there before, or came from a terminal, is found when the job has been there.
        let resigned = json!({
            "employee": "1002", "resign_date": "2026-03-01", "resign_type": 1, "reason": "Öde",
        });
        let resigns = "/personnel/api/resigns/";
        caller.post(resigns, resigned).await.is(201);
        assert_eq!(found(resigns, "öDE").await, 1);
        test.run("UPDATE employee SET search_more = NULL", []).await;
        test.run("UPDATE resignation SET search_text = NULL", [])
            .await;
        assert_eq!(
            (found(LIST, "aachen").await, found(resigns, "öde").await),
            (0, 0)
        );
        muster::jobs::run_all(&test.app).await.expect("run");
        for word in ["aachen", "ÁRBOL", "bonn"] {
            assert_eq!(found(LIST, word).await, 1, "{word}");
        }
        assert_eq!(found(resigns, "öde").await, 1);
        let reason = json!({ "reason": "Fern" });
        caller
            .patch(&format!("{resigns}1002/"), reason)
            .await
            .is(200);
        assert_eq!(
            (found(resigns, "öde").await, found(resigns, "FERN").await),
            (0, 1)
        );
    })
    .await;
}

#[tokio::test]
async fn employees_are_filtered_searched_and_ordered() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        let area = json!({ "area_code": "north", "area_name": "North" });
        caller.post("/personnel/api/areas/", area).await.is(201);
        for more in [
            json!({ "emp_code": "1001", "first_name": "Ángela", "last_name": "Núñez", "area": ["1", "north"] }),
            json!({ "emp_code": "a-2", "first_name": "Иван", "hire_date": "2025-06-17", "app_status": 1 }),
            json!({ "emp_code": "1003", "last_name": "angel%", "position": 1, "card_no": "77" }),
        ] {
            caller.post(LIST, more).await.is(201);
        }
        test.run("UPDATE employee SET status = 99 WHERE emp_code = '1003'", []).await;
        let asked = async |query: &str| -> Vec<String> {
            let list = caller.get(&format!("{LIST}?{query}")).await.is(200);
            let rows = list["data"].as_array().expect("a list");
            assert_eq!(list["count"], rows.len(), "{query}");
            rows.iter()
                .map(|row| row["emp_code"].as_str().expect("a text").to_owned())
                .collect()
        };
        for (query, expected) in [
            ("", &["1001", "a-2"][..]),
            ("status=0", &["1001", "a-2"]),
            ("status=99", &["1003"]),
            ("status=0,99,100", &["1001", "a-2", "1003"]),
            ("Emp_code=1001", &["1001"]),
            ("pin=1001,a-2", &["1001", "a-2"]),
            ("emp_code_icontains=A-", &["a-2"]),
            ("first_name_icontains=ÁNG", &["1001"]),
            ("first_name_icontains=иВ", &["a-2"]),
            ("last_name_icontains=ÑE", &["1001"]),
            ("last_name_icontains=áng", &[]),
            ("status=99&last_name_icontains=L%25", &["1003"]),
            ("first_name=Иван", &["a-2"]),
            ("hire_date=2025-6-17", &["a-2"]),
            ("app_status=1", &["a-2"]),
            ("area_code=north", &["1001"]),
            ("areas=1000001", &["1001"]),
            ("area=1", &["1001", "a-2"]),
            ("dept_code=1", &["1001", "a-2"]),
            ("departments=2,3", &[]),
            ("status=99&position_code=1", &["1003"]),
            ("search=núñez,ÁNGELA", &["1001"]),
            ("search=иван", &["a-2"]),
            ("ordering=-emp_code", &["a-2", "1001"]),
            ("ordering=last_name", &["1001", "a-2"]),
            ("ordering=-last_name", &["a-2", "1001"]),
            ("emp_code=1' OR '1'='1", &[]),
            ("emp_code__regex=^1", &["1001", "a-2"]),
        ] {
            assert_eq!(asked(query).await, expected, "{query}");
        }
    })
    .await;
}

/// Templates of the first employee: the terminals' number of the kind, which finger it is, the version.
pub async fn templates(test: &TestApp, templates: &[(i16, i16, &str)]) {
    for (wire_type, bio_no, version) in templates {
        test.run(
            "INSERT INTO biometric (company_id, employee_id, pin, wire_type, bio_no, bio_index, \
             major_ver, minor_ver, source, template_sealed, changed_at) \
             SELECT company_id, id, emp_code, $1, $2, 0, $3, '0', 'BIODATA', $4, changed_at FROM employee \
             ORDER BY id LIMIT 1",
            [(*wire_type).into(), (*bio_no).into(), (*version).into(), vec![0_u8].into()],
        )
        .await;
    }
}

#[tokio::test]
async fn templates_of_the_newest_version_of_a_kind_are_counted() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        caller
            .post(LIST, json!({ "emp_code": "1001" }))
            .await
            .is(201);
        let older = [(1, 0, "9"), (1, 1, "9"), (1, 2, "9"), (8, 0, "1")];
        templates(&test, &older).await;
        let newest = [
            (1, 0, "10"),
            (1, 4, "10"),
            (9, 0, "39"),
            (10, 0, "2"),
            (6, 0, "2"),
        ];
        templates(&test, &newest).await;
        let read = caller.get(&format!("{LIST}1001/")).await.is(200);
        assert_eq!(
            (
                &read["fingerprint"],
                &read["face"],
                &read["palm"],
                &read["vl_face"]
            ),
            (
                &json!("Ver 10:2"),
                &json!("-"),
                &json!("Ver 2:2"),
                &json!("Ver 39:1")
            )
        );
    })
    .await;
}

#[tokio::test]
async fn who_is_removed_leaves_the_punches_and_frees_the_code() {
    on_both(|test| async move {
        let admin = test.easytimepro().await;
        for code in ["1001", "1002"] {
            admin.post(LIST, json!({ "emp_code": code })).await.is(201);
        }
        punch(&test, "1001", "2026-01-14 09:00:00", Some(1_000_000_001)).await;
        punch(&test, "1002", "2026-01-14 09:00:30", Some(1_000_000_002)).await;
        assert_eq!(
            admin.delete(&format!("{LIST}1001/")).await.is(200),
            json!({ "message": "deleted" })
        );
        admin.get(&format!("{LIST}1001/")).await.is(404);
        admin.delete(&format!("{LIST}1001/")).await.is(404);
        let transactions = "/iclock/api/transactions/";
        let kept = admin
            .get(&format!("{transactions}?emp_code=1001"))
            .await
            .is(200);
        assert_eq!(kept["count"], 1);
        let kept = &kept["data"][0];
        assert_eq!(
            (
                &kept["emp_code"],
                &kept["emp"],
                &kept["first_name"],
                &kept["department"]
            ),
            (&json!("1001"), &json!(null), &json!(null), &json!(null))
        );
        assert_eq!(admin.get(transactions).await.is(200)["count"], 2);
        assert_eq!(
            admin.get("/iclock/api/unregister/").await.is(200)["count"],
            0
        );

        // The next one with that code is somebody else.
        let next = admin
            .post(LIST, json!({ "emp_code": "1001" }))
            .await
            .is(201);
        assert_eq!(next["id"], "1000000003");
        let theirs = admin
            .get(&format!("{transactions}?emp=1000000003"))
            .await
            .is(200);
        assert_eq!(theirs["count"], 0);
        let biotime = test.biotime().await;
        let gone = biotime.delete(&format!("{LIST}1000000003/")).await;
        assert_eq!((gone.status, gone.text.as_str()), (204, ""));
        let audited = "SELECT count(*) FROM audit WHERE thing = 'employee' AND action = 'delete'";
        assert_eq!(test.number(audited).await, 2);
    })
    .await;
}

#[tokio::test]
async fn several_are_removed_at_once_or_none() {
    on_both(|test| async move {
        let admin = test.easytimepro().await;
        for code in ["1001", "1002", "1003", "1004"] {
            admin.post(LIST, json!({ "emp_code": code })).await.is(201);
        }
        let action = format!("{LIST}action/");
        let delete = |codes: Value| json!({ "object_codes": codes, "action_type": "delete" });
        for (codes, problem) in [
            (
                json!(["1001", "nosuch"]),
                "Object with emp_code=nosuch does not exist.",
            ),
            (json!([]), "This list may not be empty."),
            (json!([["1001"]]), "Expected a list of codes or ids."),
            (
                json!(vec![1; 10_001]),
                "Ensure this field has no more than 10000 elements.",
            ),
        ] {
            let answer = admin.post(&action, delete(codes)).await.is(400);
            assert_eq!(answer["object_codes"], json!([problem]));
        }
        assert_eq!(admin.get(LIST).await.is(200)["count"], 4);
        // The manual sends the id where it says the code.
        assert_eq!(
            admin
                .post(&action, delete(json!([1000000001])))
                .await
                .is(200),
            json!({ "detail": "Success. delete:[1000000001]" })
        );
        let biotime = test.biotime().await;
        assert_eq!(
            biotime
                .post(&action, delete(json!("1000000002,1003")))
                .await
                .is(200),
            json!({ "code": 0, "msg": "", "data": [] })
        );
        let left = admin.get(LIST).await.is(200);
        assert_eq!(
            (&left["count"], &left["data"][0]["emp_code"]),
            (&json!(1), &json!("1004"))
        );
    })
    .await;
}

#[tokio::test]
async fn several_are_moved_and_changed_at_once_or_none() {
    on_both(|test| async move {
        let admin = test.easytimepro().await;
        let area = json!({ "area_code": "north", "area_name": "North" });
        admin.post("/personnel/api/areas/", area).await.is(201);
        let department = json!({ "dept_code": "7", "dept_name": "Seven" });
        admin.post("/personnel/api/departments/", department).await.is(201);
        for code in ["034186661926", "1002"] {
            admin.post(LIST, json!({ "emp_code": code })).await.is(201);
        }
        let done = json!({ "detail": "Success." });
        // The manual's samples, with who is here.
        for (name, body) in [
            ("adjust_area", json!({ "emp_code": ["034186661926"], "area_code": ["north", 1] })),
            ("adjust_depart", json!({ "emp_code": ["034186661926"], "department_code": 7 })),
            ("adjust_emp_type", json!({ "emp_code": ["034186661926"], "emp_type": 1 })),
            ("adjust_position", json!({ "emp_code": ["034186661926"], "position_code": 1 })),
            ("adjust_department", json!({ "employees": 1000000002, "department": ["1000001"] })),
        ] {
            let answer = admin.post(&format!("{LIST}{name}/"), body).await;
            assert_eq!(answer.is(200), done, "{name}");
        }
        let read = admin.get(&format!("{LIST}034186661926/")).await.is(200);
        let codes: Vec<&Value> = read["area"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|area| &area["area_code"])
            .collect();
        assert_eq!(
            (codes, &read["emp_type"], &read["position"]["position_code"]),
            (vec![&json!("1"), &json!("north")], &json!(1), &json!("1"))
        );
        assert_eq!(admin.get(&format!("{LIST}?dept_code=7")).await.is(200)["count"], 2);
        let biotime = test.biotime().await;
        let form = biotime
            .request(Method::POST, &format!("{LIST}adjust_area/"))
            .form(&[("employees", "1000000001"), ("employees", "1002"), ("areas", "1000001")]);
        assert_eq!(Got::from(form).await.is(200), json!({ "code": 0, "msg": "", "data": [] }));
        assert_eq!(admin.get(&format!("{LIST}?area_code=north")).await.is(200)["count"], 2);

        let wrong = json!({ "emp_code": ["1002", "99"], "area_code": ["1", "99"] });
        assert_eq!(
            admin.post(&format!("{LIST}adjust_area/"), wrong).await.is(400),
            json!({
                "emp_code": ["Object with emp_code=99 does not exist."],
                "area_code": ["Object with area_code=99 does not exist."],
                "code": -22, "msg": "The person does not exist", "data": {},
            })
        );
        for (name, body, code) in [
            ("adjust_area", json!({}), -81),
            ("adjust_area", json!({ "emp_code": null, "area_code": 1 }), -81),
            ("adjust_area", json!({ "emp_code": [], "area_code": 1 }), -81),
            ("adjust_area", json!({ "emp_code": "1002" }), -83),
            ("adjust_area", json!({ "emp_code": "1002", "area_code": null }), -83),
            ("adjust_area", json!({ "emp_code": "1002", "area_code": [] }), -83),
            ("adjust_depart", json!({ "emp_code": "1002" }), -10),
            ("adjust_position", json!({ "emp_code": "1002" }), -1),
            ("adjust_resign", json!({ "resign_date": "2026-01-01", "resign_type": 1 }), -81),
            ("del_bio_template", json!({}), -81),
            ("resync_to_device", json!({}), -81),
            ("action", json!({ "action_type": "delete" }), -81),
        ] {
            let refused = admin.post(&format!("{LIST}{name}/"), body.clone()).await.is(400);
            assert_eq!(refused["code"], code, "{name} {body}");
        }
        for (name, body, expected) in [
            ("adjust_area", json!({}), json!({
                "emp_code": ["This field is required."], "area_code": ["This field is required."],
            })),
            ("adjust_area", json!({ "emp_code": "1002", "area_code": [] }), json!({
                "area_code": ["This list may not be empty."],
            })),
            ("adjust_depart", json!({ "emp_code": "1002", "department_code": [1, 2] }), json!({
                "department_code": ["Only one is possible."],
            })),
            ("adjust_position", json!({ "emp_code": "1002", "position_code": null }), json!({
                "position_code": ["This field may not be null."],
            })),
            ("adjust_emp_type", json!({ "emp_code": "1002", "emp_type": "x" }), json!({
                "emp_type": ["A valid integer is required."],
            })),
        ] {
            let answer = biotime.post(&format!("{LIST}{name}/"), body).await;
            assert_eq!(answer.is(400), expected, "{name}");
        }
        assert_eq!(
            admin.get(&format!("{LIST}?area_code=north")).await.is(200)["count"],
            2,
            "nothing was done by halves"
        );
        // Removed in the middle of it, or moved: never an employee without one who is there.
        let path = format!("{LIST}1002/");
        let adjust = format!("{LIST}adjust_area/");
        let moved = json!({ "emp_code": "1002", "area_code": 1 });
        let (gone, moved) = tokio::join!(admin.delete(&path), admin.post(&adjust, moved));
        assert_eq!(gone.status, 200);
        assert!(matches!(moved.status, 200 | 400 | 404), "{}", moved.text);
        let stray = "SELECT count(*) FROM employee_area a WHERE NOT EXISTS \
                     (SELECT 1 FROM employee e WHERE e.id = a.employee_id)";
        assert_eq!(test.number(stray).await, 0);
    })
    .await;
}

#[tokio::test]
async fn attack_18_47_what_is_not_a_callers_to_write_is_ignored() {
    on_both(|test| async move {
        let admin = test.easytimepro().await;
        let made = json!({
            "emp_code": "1001", "id": 1, "status": 999, "company": "other", "is_superuser": true,
            "user_permissions": [1], "update_time": "1970-01-01", "first_name": "{{7*7}}",
            "last_name": "<img src=file:///etc/passwd>", "nickname": "\u{202e}x",
        });
        let answer = admin.post(LIST, made).await.is(201);
        assert_eq!(
            (&answer["id"], &answer["status"], &answer["update_time"]),
            (
                &json!("1000000001"),
                &json!(0),
                &json!("2026-01-15 13:30:00")
            )
        );
        assert_eq!(
            (
                &answer["first_name"],
                &answer["last_name"],
                &answer["nickname"]
            ),
            (
                &json!("{{7*7}}"),
                &json!("<img src=file:///etc/passwd>"),
                &json!("\u{202e}x")
            ),
            "texts are texts"
        );
        assert!(answer.get("is_superuser").is_none());

        // Nothing but the method says what is done.
        for request in [
            admin
                .request(Method::GET, &format!("{LIST}1001/?_method=DELETE"))
                .header("x-http-method-override", "DELETE")
                .body("_method=DELETE"),
            admin
                .request(Method::GET, LIST)
                .json(&json!({ "emp_code": "1002" })),
            admin.request(Method::HEAD, LIST),
            admin
                .request(Method::PATCH, &format!("{LIST}1001/"))
                .form(&[("_method", "DELETE")]),
        ] {
            assert_eq!(Got::from(request).await.status, 200);
        }
        assert_eq!(admin.get(LIST).await.is(200)["count"], 1);
        // One spelling of a path leads to a person, and no trick leads past the right.
        admin.get(&format!("{LIST}%31001/")).await.is(200);
        let viewer = test.client(Profile::EasyTimePro, Rights::viewer()).await;
        for path in [
            "//personnel/api/employees/1001/",
            "/PERSONNEL/api/employees/1001/",
            "/personnel/api/employees/1001/;x=1",
            "/personnel/api/employees/1001%2f/",
            "/personnel/api/employees/%2e%2e/1001/",
        ] {
            let got = viewer.delete(path).await.status;
            assert!(matches!(got, 403 | 404), "{path}: {got}");
        }
        for code in [
            "photo/",
            ".",
            "..",
            "1001/",
            "adjust_regsin",
            "Resync_To_Device",
        ] {
            admin.post(LIST, json!({ "emp_code": code })).await.is(400);
        }
        assert_eq!(admin.get(LIST).await.is(200)["count"], 1);
    })
    .await;
}

#[tokio::test]
async fn who_is_removed_is_at_no_door_any_more() {
    on_both(|test| async move {
        let own = test.staff("1001").await;
        own.get(&format!("{LIST}1001/")).await.is(200);
        let admin = test.easytimepro().await;
        admin.delete(&format!("{LIST}1001/")).await.is(200);
        own.get(&format!("{LIST}1001/")).await.is(401);
        let body = json!({ "username": "1001", "password": crate::rest::PASSWORD });
        test.nobody()
            .post("/api/staff-api-token-auth/", body)
            .await
            .is(400);
    })
    .await;
}

#[tokio::test]
async fn attack_19_a_hash_made_elsewhere_lets_in_is_replaced_then_and_is_no_password() {
    on_both(|test| async move {
        let admin = test.easytimepro().await;
        // One round, and nothing that could be such a hash.
        let weak =
            json!({ "emp_code": "1000", "app_status": 1, "self_password": "pbkdf2_sha256$1$a$b" });
        let refused = admin.post(LIST, weak).await.is(400);
        assert_eq!(refused["self_password"], json!(["Enter a valid value."]));
        let hash = djangohashers::make_password_with_settings(
            "hunter2hunter2",
            "abcdefghijkl",
            djangohashers::Algorithm::PBKDF2,
        );
        let rounds = hash
            .split('$')
            .nth(1)
            .expect("rounds")
            .parse::<u32>()
            .expect("a number");
        assert!((10_000..=2_000_000).contains(&rounds));
        let new = json!({ "emp_code": "1001", "app_status": 1, "self_password": hash });
        admin.post(LIST, new).await.is(201);
        let kept = async || -> String {
            let (kept,): (String,) = test
                .app
                .store
                .one(&muster_store::Sql::new(
                    "SELECT self_password_hash FROM employee",
                    [],
                ))
                .await
                .expect("a row");
            kept
        };
        assert_eq!(kept().await, hash);
        let door = "/api/staff-api-token-auth/";
        let as_text = json!({ "username": "1001", "password": hash });
        test.nobody().post(door, as_text).await.is(400);
        let right = json!({ "username": "1001", "password": "hunter2hunter2" });
        test.nobody().post(door, right.clone()).await.is(200);
        assert!(kept().await.starts_with("$argon2id$"));
        test.nobody().post(door, right).await.is(200);
    })
    .await;
}

/// More people than are found and counted in one look: every second is an Asha, every third in area x.
async fn crowd(test: &TestApp) {
    let area = json!({ "area_code": "x", "area_name": "X" });
    let admin = test.easytimepro().await;
    admin.post("/personnel/api/areas/", area).await.is(201);
    test.run(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2010) \
         INSERT INTO employee (company_id, emp_code, first_name, department_id, search_text, created_at, changed_at) \
         SELECT c.id, CAST(100000 - n AS TEXT), CASE n % 2 WHEN 1 THEN 'Asha' ELSE 'Bo' END, 1, \
             CASE n % 2 WHEN 1 THEN 'asha' ELSE 'bo' END, $1, $1 \
         FROM numbers CROSS JOIN company AS c ORDER BY n",
        [test.app.clock.now().into()],
    )
    .await;
    test.run(
        "INSERT INTO employee_area (employee_id, area_id) SELECT e.id, a.id FROM employee AS e JOIN area AS a \
         ON (a.area_code = 'x') = (e.id % 3 = 0)",
        [],
    )
    .await;
}

#[tokio::test]
async fn pages_are_the_whole_list_whatever_is_asked_and_however_they_are_walked() {
    on_both(async |test| {
        crowd(&test).await;
        let caller = test.easytimepro().await;
        let codes = |list: &Value| -> Vec<String> {
            let rows = list["data"].as_array().expect("rows");
            let code = |row: &Value| row["emp_code"].as_str().expect("a code").to_owned();
            rows.iter().map(code).collect()
        };
        for (asked, count) in [
            ("", 2010),
            ("ordering=-id", 2010),
            ("dept_code=1", 2010),
            ("dept_code=nowhere", 0),
            ("search=ASHA", 1005),
            ("search=nobody", 0),
            ("search=bo&ordering=-emp_code", 1005),
            ("first_name_icontains=SH&ordering=-id", 1005),
            ("area_code=x", 670),
            ("area_code=x,1", 2010),
            ("area_code=x&search=asha", 335),
            ("emp_code=99999,98000,none", 2),
        ] {
            let page = async |paging: &str| {
                let list = caller
                    .get(&format!("{LIST}?{asked}&{paging}"))
                    .await
                    .is(200);
                assert_eq!(list["count"], count, "{asked} {paging}");
                list
            };
            let all = codes(&page("page_size=3000").await);
            assert_eq!(all.len(), count, "{asked}");
            let pages = count.div_ceil(400).max(1);

            let (mut by_number, mut by_link) = (Vec::new(), Vec::new());
            let mut last = Vec::new();
            for number in 1..=pages {
                last = codes(&page(&format!("page_size=400&page={number}")).await);
                by_number.extend(last.clone());
            }
            assert_eq!(by_number, all, "{asked}, by number");
            let end = page("page_size=400&page=last").await;
            assert_eq!(codes(&end), last, "{asked}, the last");

            let mut list = page("page_size=400").await;
            by_link.extend(codes(&list));
            while let Some(next) = list["next"].as_str() {
                list = caller.get(next).await.is(200);
                assert_eq!(list["count"], count, "{asked}, by links");
                by_link.extend(codes(&list));
            }
            assert_eq!(by_link, all, "{asked}, by links");

            for number in [pages as i64 + 1, i64::MAX] {
                let asked = format!("{LIST}?{asked}&page_size=400&page={number}");
                let refused = caller.get(&asked).await.is(404);
                assert_eq!(refused["detail"], "Invalid page.", "{asked}");
            }
        }
        let first = caller
            .get(&format!("{LIST}?search=bo&page_size=2"))
            .await
            .is(200);
        assert_eq!(codes(&first), ["99998", "99996"], "in the order of ids");
    })
    .await;
}

/// Counts of many are kept while nobody changes people, areas or trees; so each change is seen at once.
#[tokio::test]
async fn counts_of_many_follow_every_change() {
    on_both(async |test| {
        crowd(&test).await;
        let admin = test.easytimepro().await;
        let department = json!({ "dept_code": "7", "dept_name": "Seven", "parent_dept": "1" });
        let departments = "/personnel/api/departments/";
        admin.post(departments, department).await.is(201);
        let counts = async |when: &str| {
            let mut counts = Vec::new();
            for asked in ["", "dept_code=1", "area_code=x,1", "enable_att=true"] {
                let path = format!("{LIST}?{asked}&page_size=1");
                let count = admin.get(&path).await.is(200)["count"].clone();
                let again = admin.get(&path).await.is(200)["count"].clone();
                assert_eq!(count, again, "{asked}, {when}");
                counts.push(count.as_i64().expect("a number"));
            }
            counts
        };
        assert_eq!(counts("at first").await, [2010, 2010, 2010, 2010]);
        let body = json!({ "emp_code": "1", "department": "1", "area": ["1"] });
        admin.post(LIST, body).await.is(201);
        assert_eq!(counts("hired").await, [2011, 2011, 2011, 2011]);
        let body = json!({ "emp_code": "1", "department_code": "7" });
        let adjust = format!("{LIST}adjust_depart/");
        admin.post(&adjust, body).await.is(200);
        assert_eq!(counts("moved").await, [2011, 2010, 2011, 2011]);
        let body = json!({ "enable_att": false });
        admin.patch(&format!("{LIST}1/"), body).await.is(200);
        assert_eq!(counts("changed").await, [2011, 2010, 2011, 2010]);
        let body = json!({ "employee": "1", "resign_date": "2026-01-10", "resign_type": 1 });
        admin.post("/personnel/api/resigns/", body).await.is(201);
        assert_eq!(counts("resigned").await, [2010, 2010, 2010, 2010]);
        admin.delete(&format!("{LIST}99999/")).await.is(200);
        assert_eq!(counts("removed").await, [2009, 2009, 2009, 2009]);
        let file = "emp_code,dept_code,area_code\n2,1,x\n3,1,1\n";
        let import = "/personnel/api/employees/import_emp/";
        admin.import(import, "0", file).await.is(200);
        assert_eq!(counts("imported").await, [2011, 2011, 2011, 2011]);
    })
    .await;
}
