//! The two lists of punches.

use crate::rest::{TestApp, on_both, on_both_with, punch};
use crate::testing;
use chrono::TimeDelta;
use muster::access::Rights;
use muster::profile::Profile;
use muster_store::Sql;
use serde_json::{Value, json};

const TRANSACTIONS: &str = "/iclock/api/transactions/";
const UNREGISTER: &str = "/iclock/api/unregister/";
const HIDDEN: &str = "/iclock/api/hidden_transactions/";

fn ids(list: &Value) -> Vec<i64> {
    list["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| row["id"].as_i64().expect("an id"))
        .collect()
}

async fn employee(test: &TestApp, body: Value) {
    test.easytimepro()
        .await
        .post("/personnel/api/employees/", body)
        .await
        .is(201);
}

#[tokio::test]
async fn a_transaction_has_the_keys_of_both_products() {
    on_both(|test| async move {
        let new = json!({ "emp_code": "11", "first_name": "Asha", "position": 1 });
        employee(&test, new).await;
        let id = punch(&test, "11", "2026-01-15 09:00:00", Some(1_000_000_001)).await;
        let company = &test.app.company.id;
        let mut shown = json!({
            "id": id, "emp_code": "11", "punch_time": "2026-01-15 09:00:00",
            "punch_state": "0", "verify_type": 15, "work_code": "",
            "terminal_sn": "BYEL201260001", "terminal_alias": "Gate",
            "area_alias": "Not Authorized", "longitude": null, "latitude": null,
            "gps_location": null, "mobile": null, "source": 1, "purpose": 1, "crc": null,
            "is_attendance": 1, "reserved": null, "upload_time": "2026-01-15 13:30:00",
            "sync_status": 0, "sync_time": null, "temperature": null, "mask_flag": null,
            "company": company, "emp": "1000000001", "terminal": null, "first_name": "Asha",
            "last_name": null, "department": "Department", "position": "Position",
            "punch_state_display": "Check In", "verify_type_display": "Face", "is_mask": "-",
        });
        let easytimepro = test.easytimepro().await;
        let list = easytimepro.get(TRANSACTIONS).await.is(200);
        assert_eq!(list["data"], json!([shown]));
        let path = format!("{TRANSACTIONS}{id}/");
        assert_eq!(easytimepro.get(&path).await.is(200), shown);
        // The manual reads by POST; with a body that would be something else.
        let by_post = easytimepro.send(reqwest::Method::POST, &path, None).await;
        assert_eq!(by_post.is(200), shown);
        easytimepro.post(&path, json!({ "a": 1 })).await.is(405);
        let biotime = test.biotime().await;
        shown["emp"] = json!(1_000_000_001);
        assert_eq!(biotime.get(&path).await.is(200), shown);
        for key in ["0", "99", "abc", "9223372036854775808", "1%00"] {
            biotime.get(&format!("{TRANSACTIONS}{key}/")).await.is(404);
        }
    })
    .await;
}

#[tokio::test]
async fn an_unregistered_punch_has_its_pin_where_the_manual_has_it() {
    on_both(|test| async move {
        let id = punch(&test, "012", "2026-01-15 09:00:00", None).await;
        let shown = json!({
            "id": id, "punch_time": "2026-01-15 09:00:00", "punch_state": "0",
            "verify_type": 15, "work_code": "", "terminal_sn": "BYEL201260001",
            "terminal_alias": "Gate", "area_alias": "Not Authorized", "longitude": null,
            "latitude": null, "gps_location": null, "mobile": null, "source": 1, "purpose": 9,
            "crc": "012", "is_attendance": null, "reserved": null,
            "upload_time": "2026-01-15 13:30:00", "sync_status": null, "sync_time": null,
            "temperature": null, "mask_flag": null, "company": test.app.company.id,
            "emp": null, "terminal": null,
        });
        let caller = test.easytimepro().await;
        let list = caller.get(UNREGISTER).await.is(200);
        assert_eq!(
            (&list["count"], &list["data"]),
            (&json!(1), &json!([shown]))
        );
        assert_eq!(
            caller.get(&format!("{UNREGISTER}{id}/")).await.is(200),
            shown
        );
        caller.get(&format!("{TRANSACTIONS}{id}/")).await.is(404);
        for (query, count) in [
            ("crc=012", 1),
            ("pin=12", 0),
            ("search=BYEL", 1),
            ("start_time=2026-01-15&end_time=2026-01-15", 1),
            ("end_time=2026-01-14", 0),
            ("terminal_alias=Gate", 1),
        ] {
            let list = caller.get(&format!("{UNREGISTER}?{query}")).await.is(200);
            assert_eq!(list["count"], count, "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn transactions_come_newest_first_in_one_profile_and_oldest_first_in_the_other() {
    on_both(|test| async move {
        employee(&test, json!({ "emp_code": "11" })).await;
        let mut made = Vec::new();
        for minute in 0..5 {
            let local = format!("2026-01-15 09:0{minute}:00");
            made.push(punch(&test, "11", &local, Some(1_000_000_001)).await);
        }
        let falling: Vec<i64> = made.iter().rev().copied().collect();
        let easytimepro = test.easytimepro().await;
        let biotime = test.biotime().await;
        assert_eq!(ids(&easytimepro.get(TRANSACTIONS).await.is(200)), falling);
        assert_eq!(ids(&biotime.get(TRANSACTIONS).await.is(200)), made);
        for ordering in [
            "punch_time,id",
            "emp_code,punch_time",
            "upload_time",
            "temperature",
        ] {
            let list = easytimepro
                .get(&format!("{TRANSACTIONS}?ordering={ordering}"))
                .await;
            assert_eq!(ids(&list.is(200)), made, "{ordering}");
        }
        // What is alike comes in the same direction.
        for ordering in ["-punch_time", "-upload_time", "emp_code,-temperature"] {
            let list = biotime
                .get(&format!("{TRANSACTIONS}?ordering={ordering}"))
                .await;
            assert_eq!(ids(&list.is(200)), falling, "{ordering}");
        }
    })
    .await;
    on_both_with(
        |config| config.api.profile = muster::config::ProfileChoice::EasyTimePro,
        |test| async move {
            employee(&test, json!({ "emp_code": "11" })).await;
            for second in ["01", "02"] {
                let local = format!("2026-01-15 09:00:{second}");
                punch(&test, "11", &local, Some(1_000_000_001)).await;
            }
            let caller = test.biotime().await;
            let list = caller.get(TRANSACTIONS).await.is(200);
            assert!(
                ids(&list).is_sorted_by(|a, b| a > b),
                "the setting stands above the door"
            );
        },
    )
    .await;
}

#[tokio::test]
async fn transactions_are_filtered_by_everything_callers_ask_for() {
    on_both(|test| async move {
        let caller = test.biotime().await;
        employee(&test, json!({ "emp_code": "11", "first_name": "Áine" })).await;
        employee(&test, json!({ "emp_code": "12", "position": 1 })).await;
        let first = punch(&test, "11", "2026-01-14 23:59:59", Some(1_000_000_001)).await;
        test.app.clock.advance(TimeDelta::minutes(10));
        let second = punch(&test, "12", "2026-01-15 09:00:00", Some(1_000_000_002)).await;
        // Somebody who is gone: the punch stays, under the code.
        let third = punch(&test, "11", "2026-01-16 00:00:00", Some(1_000_000_001)).await;
        test.run(
            "UPDATE punch SET employee_id = NULL WHERE id = $1",
            [third.into()],
        )
        .await;
        test.run("INSERT INTO former_code (emp_code) VALUES ('11')", [])
            .await;
        let asked = async |query: &str| {
            let list = caller.get(&format!("{TRANSACTIONS}?{query}")).await.is(200);
            let ids = ids(&list);
            assert_eq!(list["count"], ids.len(), "{query}");
            ids
        };
        for (query, expected) in [
            ("emp_code=11", &[first, third][..]),
            ("pin=12", &[second]),
            ("emp_code=11,12", &[first, second, third]),
            ("emp_code=1", &[]),
            ("employee=1000000001", &[first]),
            ("employee=11", &[first, third]),
            ("employees=12,1000000001", &[first, second]),
            ("employee=nosuch", &[]),
            ("emp=1000000002", &[second]),
            ("departments=1", &[first, second]),
            ("departments=-1", &[first, second, third]),
            ("dept_code=2", &[]),
            ("position_code=1", &[second]),
            ("areas=1", &[first, second, third]),
            ("area_code=nosuch", &[]),
            ("terminal_sn=BYEL201260001", &[first, second, third]),
            ("sn=x", &[]),
            ("terminal_sn_icontains=byel", &[first, second, third]),
            ("terminal_alias=Gate", &[first, second, third]),
            ("start_time=2026-01-15", &[second, third]),
            ("end_time=2026-01-15", &[first, second]),
            (
                "start_time=2026-01-15%2009:00:00&end_time=2026-01-15T09:00:00.000Z",
                &[second],
            ),
            ("start_time=2026-01-16&end_time=2026-01-15", &[]),
            ("upload_time_start=2026-01-15%2013:40:00", &[second, third]),
            ("upload_time_end=2026-01-15%2013:39:59", &[first]),
            ("upload_time_end=2026-01-15%2013:30:00", &[first]),
            ("punch_state=0&verify_type=15", &[first, second, third]),
            ("punch_state=1", &[]),
            ("search=ÁINE", &[first]),
            ("search=12", &[first, second, third]),
            ("search=gate 11", &[first, third]),
        ] {
            assert_eq!(asked(query).await, expected, "{query}");
        }
        assert_eq!(asked(&format!("last_id={first}")).await, [second, third]);
        assert_eq!(asked(&format!("id={first},{third}")).await, [first, third]);

        assert_eq!(
            caller
                .get(&format!(
                    "{TRANSACTIONS}?start_time=yesterday&end_time=x&last_id=y"
                ))
                .await
                .is(400),
            json!({
                "last_id": ["Enter a number."],
                "start_time": ["Enter a valid date/time."],
                "end_time": ["Enter a valid date/time."],
            })
        );
        let easytimepro = test.easytimepro().await;
        let got = easytimepro
            .get(&format!(
                "{TRANSACTIONS}?start_time=2026-01-16&end_time=2026-01-15"
            ))
            .await;
        assert_eq!(
            got.is(400),
            json!({
                "detail": "Start time cannot be greater than end time",
                "code": -101,
                "msg": "Start time cannot be greater than end time",
                "data": {},
            })
        );
        let got = easytimepro
            .get(&format!("{TRANSACTIONS}?start_time=2026-13-01"))
            .await;
        assert_eq!(got.is(400)["code"], -100);
    })
    .await;
}

#[tokio::test]
async fn names_in_any_script_are_found_in_any_case() {
    on_both(|test| async move {
        let caller = test.biotime().await;
        employee(&test, json!({ "emp_code": "11" })).await;
        let known = punch(&test, "11", "2026-01-15 09:00:00", Some(1_000_000_001)).await;
        let unknown = punch(&test, "99", "2026-01-15 09:00:01", None).await;
        test.run(
            "UPDATE punch SET terminal_alias = 'Вход [1]* Süd', area_name = 'ΑΘΉΝΑ'",
            [],
        )
        .await;
        test.run(
            "UPDATE punch_place SET terminal_alias = 'Вход [1]* Süd', area_name = 'ΑΘΉΝΑ'",
            [],
        )
        .await;
        let everything: String = ('\u{c0}'..='\u{24f}').collect();
        for (list, id) in [(TRANSACTIONS, known), (UNREGISTER, unknown)] {
            for (query, is_found) in [
                ("search=Вход", true),
                ("search=вХОД SÜD", true),
                ("search=αθήνα [1]*", true),
                ("search=вх?д", false),
                ("search=[вы]ход", false),
                ("search=выход", false),
                (&format!("search={everything}"), false),
                ("terminal_alias_icontains=ВХОД [1]* sÜ", true),
                ("terminal_alias_icontains=ход [", true),
                ("terminal_alias_icontains=*ход", false),
                ("terminal_alias_icontains=вход_", false),
                (&format!("terminal_alias_icontains={everything}"), false),
            ] {
                let found = caller.get(&format!("{list}?{query}")).await.is(200);
                let expected: &[i64] = if is_found { &[id] } else { &[] };
                assert_eq!(ids(&found), expected, "{list} {query}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn punches_are_found_by_what_places_and_people_were_called_then() {
    testing::on_both(|app| async move {
        let admin = app.api(Profile::EasyTimePro, Rights::administrator()).await;
        let area = json!({ "area_code": "dock", "area_name": "Old dock" });
        admin.post("/personnel/api/areas/", area).await.is(201);
        let terminal = json!({ "sn": "GATE01", "alias": "Weighbridge", "area": "dock" });
        admin.post("/iclock/api/terminals/", terminal).await.is(201);
        let asha = json!({ "emp_code": "a77", "first_name": "Asha" });
        let hire = async || {
            admin
                .post("/personnel/api/employees/", asha.clone())
                .await
                .is(201);
        };
        hire().await;
        app.bring("GATE01", "a77\t2026-01-14 08:00:00\t0\t1\n")
            .await;
        let renamed = json!({ "alias": "North gate" });
        admin
            .patch("/iclock/api/terminals/GATE01/", renamed)
            .await
            .is(200);
        let renamed = json!({ "area_name": "Harbour" });
        admin
            .patch("/personnel/api/areas/dock/", renamed)
            .await
            .is(200);
        app.bring("GATE01", "a77\t2026-01-14 17:00:00\t1\t1\n")
            .await;
        // The code is somebody else's now, and nobody's name stands at the older punches.
        admin.delete("/personnel/api/employees/a77/").await.is(200);
        hire().await;
        app.bring("GATE01", "a77\t2026-01-15 08:00:00\t0\t1\n")
            .await;

        for (words, expected) in [
            ("weighbridge", &[1][..]),
            ("Old DOCK", &[1]),
            ("north,harbour", &[2, 3]),
            ("weighbridge harbour", &[]),
            ("gate01", &[1, 2, 3]),
            ("A77", &[1, 2, 3]),
            ("asha", &[3]),
            ("asha gate", &[3]),
            ("a77 weighbridge", &[1]),
            ("nothing", &[]),
        ] {
            for how in [
                "ordering=id",
                "ordering=punch_time",
                "ordering=id&start_time=2026-01-01",
            ] {
                let list = format!("{TRANSACTIONS}?search={words}&{how}");
                let list = admin.get(&list).await.is(200);
                assert_eq!(ids(&list), expected, "{words} {how}");
                assert_eq!(list["count"], expected.len(), "{words}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn punches_are_ordered_by_what_a_list_shows_of_them() {
    on_both(|test| async move {
        let caller = test.biotime().await;
        let department = json!({ "dept_code": "a", "dept_name": "Alpha", "parent_dept": null });
        caller
            .post("/personnel/api/departments/", department)
            .await
            .is(201);
        employee(&test, json!({ "emp_code": "11" })).await;
        employee(
            &test,
            json!({ "emp_code": "12", "department": "a", "position": 1 }),
        )
        .await;
        let mut ids_made = Vec::new();
        for (pin, id, state, verify, mask) in [
            ("11", 1_000_000_001, 0, 15, None::<i32>),
            ("12", 1_000_000_002, 1, 1, Some(1)),
            ("11", 1_000_000_001, 255, 200, Some(0)),
        ] {
            let id = punch(
                &test,
                pin,
                &format!("2026-01-15 09:00:{:02}", ids_made.len()),
                Some(id),
            )
            .await;
            test.run(
                "UPDATE punch SET punch_state = $2, verify_type = $3, mask_flag = $4 WHERE id = $1",
                [id.into(), state.into(), verify.into(), mask.into()],
            )
            .await;
            ids_made.push(id);
        }
        let [first, second, third] = ids_made[..] else {
            panic!("three punches")
        };
        for (name, rising, falling) in [
            // Alpha, Department.
            ("department", [second, first, third], [third, first, second]),
            // What is missing comes last.
            ("position", [second, first, third], [third, first, second]),
            // Check In, Check Out, nothing.
            (
                "punch_state_display",
                [first, second, third],
                [third, second, first],
            ),
            // Face, Fingerprint, Other.
            (
                "verify_type_display",
                [first, second, third],
                [third, second, first],
            ),
            // -, No, Yes.
            ("is_mask", [first, third, second], [second, third, first]),
        ] {
            for (sign, expected) in [("", rising), ("-", falling)] {
                let list = caller
                    .get(&format!("{TRANSACTIONS}?ordering={sign}{name}"))
                    .await;
                assert_eq!(ids(&list.is(200)), expected, "{sign}{name}");
            }
        }
        // The manual orders unregistered punches by the name of the period.
        let late = punch(&test, "99", "2026-01-15 10:00:00", None).await;
        let early = punch(&test, "99", "2026-01-15 08:00:00", None).await;
        for (order, expected) in [
            ("start_time", [early, late]),
            ("-start_time", [late, early]),
        ] {
            let list = caller
                .get(&format!("{UNREGISTER}?ordering={order}"))
                .await
                .is(200);
            assert_eq!(ids(&list), expected);
        }
    })
    .await;
}

#[tokio::test]
async fn a_list_is_walked_by_its_links_without_missing_or_repeating_a_row() {
    on_both(|test| async move {
        employee(&test, json!({ "emp_code": "11" })).await;
        let mut made = Vec::new();
        for second in 10..35 {
            let local = format!("2026-01-15 09:00:{second}");
            made.push(punch(&test, "11", &local, Some(1_000_000_001)).await);
        }
        for (caller, sign) in [(test.biotime().await, 1), (test.easytimepro().await, -1)] {
            for query in ["", "?emp_code=11", "?ordering=upload_time"] {
                let mut walked = Vec::new();
                let mut url = format!("{}{TRANSACTIONS}{query}", test.base);
                loop {
                    let page = caller.get(&url).await.is(200);
                    assert_eq!(page["count"], 25 + 2 * (walked.len() as i64 / 10));
                    walked.extend(ids(&page));
                    // Rows that arrive meanwhile shift no page that is reached by its link.
                    for _ in 0..2 {
                        punch(&test, "11", &unique_time(&test).await, Some(1_000_000_001)).await;
                    }
                    match page["next"].as_str() {
                        Some(next) if walked.len() < 25 => url = next.to_owned(),
                        _ => break,
                    }
                }
                let by_id = !query.contains("ordering");
                let mut unique = walked.clone();
                unique.sort_unstable();
                unique.dedup();
                if by_id {
                    assert_eq!(unique.len(), walked.len(), "{query}");
                    assert!(walked.is_sorted_by(|a, b| (a - b) * sign < 0), "{query}");
                }
                test.run("DELETE FROM punch WHERE id > $1", [made[24].into()])
                    .await;
                test.run("UPDATE punch_counter SET transactions = 25", [])
                    .await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn far_pages_are_right_whatever_happened_since_the_pages_beside_them_were_read() {
    testing::on_both(|app| async move {
        let codes = app.api(Profile::EasyTimePro, Rights::administrator()).await;
        let by_ids = app.api(Profile::BioTime, Rights::administrator()).await;
        let hire = async |code: &str| {
            let new = json!({ "emp_code": code });
            codes.post("/personnel/api/employees/", new).await.is(201);
        };
        let bring = async |day: u32, count: i64| {
            let line = |i: i64| {
                let pin = if i % 3 == 0 { "8" } else { "7" };
                let (hour, minute, second) = (i / 3600, i / 60 % 60, i % 60);
                format!("{pin}\t2026-01-{day:02} {hour:02}:{minute:02}:{second:02}\t0\t1\n")
            };
            app.bring("GATE01", &(0..count).map(line).collect::<String>())
                .await;
        };
        let between = async |first: i64, last: i64| {
            let ids = Sql::new(
                "SELECT transaction_id FROM punch WHERE transaction_id BETWEEN $1 AND $2 AND hidden_at IS NULL ORDER BY 1",
                [first.into(), last.into()],
            );
            let ids: Vec<(i64,)> = app.app.store.all(&ids).await.expect("rows");
            ids.into_iter().map(|(id,)| id).collect::<Vec<i64>>()
        };
        // All pages, those far from each other one after the other, so that each is reached in another way.
        let are_right = async || {
            let all = between(0, i64::MAX).await;
            let pages = all.len().div_ceil(90);
            for step in 0..pages {
                let number = (step * 7) % pages;
                let page = format!("{TRANSACTIONS}?page_size=90&page={}", number + 1);
                let rows = number * 90..all.len().min((number + 1) * 90);
                let page_by_ids = by_ids.get(&page).await.is(200);
                assert_eq!(page_by_ids["count"], all.len());
                assert_eq!(ids(&page_by_ids), all[rows.clone()], "page {number} of {pages}");
                let from_newest: Vec<i64> = all.iter().rev().copied().skip(rows.start).take(90).collect();
                assert_eq!(ids(&codes.get(&page).await.is(200)), from_newest, "page {number} of {pages}");
            }
        };
        let area = json!({ "area_code": "dock", "area_name": "Dock" });
        codes.post("/personnel/api/areas/", area).await.is(201);
        let gate = json!({ "sn": "GATE01", "alias": "Gate", "area": "dock" });
        codes.post("/iclock/api/terminals/", gate).await.is(201);
        hire("7").await;
        bring(14, 4_500).await;
        are_right().await;
        bring(15, 90).await;
        are_right().await;
        let in_the_middle = between(1001, 1004).await;
        let hidden = json!({ "transactions": in_the_middle });
        let hide = format!("{TRANSACTIONS}hide/");
        codes.post(&hide, hidden).await.is(200);
        are_right().await;
        // Whose punches waited stand behind all others.
        hire("8").await;
        are_right().await;
    })
    .await;
}

async fn unique_time(test: &TestApp) -> String {
    let count = test.number("SELECT last_id FROM punch_counter").await;
    format!("2026-01-15 10:{:02}:{:02}", count / 60 % 60, count % 60)
}

#[tokio::test]
async fn a_page_stays_right_when_its_number_is_changed_in_a_link() {
    on_both(|test| async move {
        employee(&test, json!({ "emp_code": "11" })).await;
        for second in 10..35 {
            let local = format!("2026-01-15 09:00:{second}");
            punch(&test, "11", &local, Some(1_000_000_001)).await;
        }
        let caller = test.biotime().await;
        let first = caller
            .get(&format!("{TRANSACTIONS}?page_size=5"))
            .await
            .is(200);
        let next = first["next"].as_str().expect("a link");
        assert!(next.contains("&page=2&page_size=5"), "{next}");
        let fourth = caller.get(&next.replace("page=2", "page=4")).await.is(200);
        let direct = caller
            .get(&format!("{TRANSACTIONS}?page=4&page_size=5"))
            .await
            .is(200);
        assert_eq!(fourth["data"], direct["data"]);
        let last = caller
            .get(&format!("{TRANSACTIONS}?page=last&page_size=10"))
            .await
            .is(200);
        assert_eq!((ids(&last).len(), &last["next"]), (5, &json!(null)));
        assert_eq!(
            last["previous"],
            format!("{}{TRANSACTIONS}?page=2&page_size=10", test.base)
        );
    })
    .await;
}

#[tokio::test]
async fn punches_of_a_mistyped_pin_are_given_to_the_employee_and_taken_back() {
    on_both(|test| async move {
        employee(&test, json!({ "emp_code": "11", "first_name": "Asha" })).await;
        let early = punch(&test, "1l", "2026-01-15 09:00:00", None).await;
        let late = punch(&test, "1l", "2026-01-15 17:00:00", None).await;
        let (codes, by_ids) = (test.easytimepro().await, test.biotime().await);
        let assign = format!("{UNREGISTER}assign/");

        // By id in the one dialect, by code in the other.
        let given = json!({ "unregister": [early], "employee": 1_000_000_001 });
        by_ids.post(&assign, given).await.is(200);
        let given = json!({ "unregister": late.to_string(), "employee": "11" });
        codes.post(&assign, given).await.is(200);
        let list = codes
            .get(&format!(
                "{TRANSACTIONS}?emp_code=11&last_id={late}&ordering=id"
            ))
            .await
            .is(200);
        let row = &list["data"][1];
        assert_eq!(
            (&list["count"], &row["emp_code"], &row["first_name"]),
            (&json!(2), &json!("11"), &json!("Asha"))
        );
        assert_eq!(row["punch_time"], "2026-01-15 17:00:00");
        assert_eq!(row["terminal_sn"], "BYEL201260001");
        assert_eq!(codes.get(UNREGISTER).await.is(200)["count"], 0);
        assert_eq!(codes.get(TRANSACTIONS).await.is(200)["count"], 2);
        let assigned = ids(&list);
        assert!(assigned[0] > late, "{assigned:?}");

        // What is wrong is named, and then nothing is done.
        let other = punch(&test, "12", "2026-01-15 09:00:00", None).await;
        let twin = punch(&test, "1l", "2026-01-15 12:00:00", None).await;
        for (body, field, message) in [
            (json!({ "employee": "11" }), "unregister", "required"),
            (json!({ "unregister": [twin] }), "employee", "required"),
            (
                json!({ "unregister": [twin], "employee": "77" }),
                "employee",
                "77",
            ),
            (
                json!({ "unregister": [twin, 987_654], "employee": "11" }),
                "unregister",
                "987654",
            ),
            (
                json!({ "unregister": [twin, other], "employee": "11" }),
                "unregister",
                "11 has a punch of 2026-01-15 09:00:00 at BYEL201260001 already.",
            ),
        ] {
            let refused = codes.post(&assign, body.clone()).await.is(400);
            let text = refused.to_string();
            assert!(
                text.contains(field) && text.contains(message),
                "{body}: {text}"
            );
        }
        assert_eq!(codes.get(UNREGISTER).await.is(200)["count"], 2);

        // Back again; what nobody assigned stays.
        let own = punch(&test, "11", "2026-01-16 09:00:00", Some(1_000_000_001)).await;
        let unassign = format!("{TRANSACTIONS}unassign/");
        let both = json!({ "transactions": [assigned[0], own] });
        let refused = codes.post(&unassign, both).await.is(400).to_string();
        assert!(
            refused.contains(&format!("Transaction {own} was not assigned")),
            "{refused}"
        );
        let back = json!({ "transactions": assigned });
        codes.post(&unassign, back).await.is(200);
        let unregistered = codes.get(&format!("{UNREGISTER}?crc=1l")).await.is(200);
        assert_eq!(ids(&unregistered), [early, late, twin]);
        assert_eq!(codes.get(UNREGISTER).await.is(200)["count"], 4);
        assert_eq!(ids(&codes.get(TRANSACTIONS).await.is(200)), [own]);

        // Whoever gets the code of an assigned punch finds it only when it was taken back.
        let given = json!({ "unregister": [early], "employee": "11" });
        codes.post(&assign, given).await.is(200);
        employee(&test, json!({ "emp_code": "1l" })).await;
        assert_eq!(codes.get(UNREGISTER).await.is(200)["count"], 1);
        let theirs = format!("{TRANSACTIONS}?emp_code=1l");
        assert_eq!(codes.get(&theirs).await.is(200)["count"], 2);
        let asha = codes
            .get(&format!("{TRANSACTIONS}?emp_code=11"))
            .await
            .is(200);
        let back = json!({ "transactions": ids(&asha)[..1] });
        codes.post(&unassign, back).await.is(200);
        assert_eq!(codes.get(&theirs).await.is(200)["count"], 3);
        assert_eq!(codes.get(TRANSACTIONS).await.is(200)["count"], 4);
    })
    .await;
}

#[tokio::test]
async fn a_transaction_that_is_removed_is_hidden_and_can_be_shown_again() {
    on_both(|test| async move {
        employee(&test, json!({ "emp_code": "11", "first_name": "Asha" })).await;
        let mut all = Vec::new();
        for time in ["09:00:00", "12:00:00", "17:00:00"] {
            let time = format!("2026-01-15 {time}");
            all.push(punch(&test, "11", &time, Some(1_000_000_001)).await);
        }
        let (codes, by_ids) = (test.easytimepro().await, test.biotime().await);
        let path = |id: i64| format!("{TRANSACTIONS}{id}/");

        // The manual of EasyTimePro has no such thing.
        codes.delete(&path(all[1])).await.is(405);
        let removed = by_ids.delete(&path(all[1])).await;
        assert_eq!(removed.is(204), Value::Null);
        by_ids.delete(&path(all[1])).await.is(404);
        by_ids.get(&path(all[1])).await.is(404);
        let filtered = format!("{TRANSACTIONS}?emp_code=11");
        for list in [TRANSACTIONS, &filtered] {
            let list = by_ids.get(list).await.is(200);
            assert_eq!(
                (&list["count"], ids(&list)),
                (&json!(2), vec![all[0], all[2]])
            );
        }
        assert_eq!(codes.get(UNREGISTER).await.is(200)["count"], 0);

        // It stands among the hidden, with when that was.
        let hidden = by_ids.get(HIDDEN).await.is(200);
        assert_eq!((&hidden["count"], ids(&hidden)), (&json!(1), vec![all[1]]));
        let row = &hidden["data"][0];
        assert_eq!(row["punch_time"], "2026-01-15 12:00:00");
        assert_eq!(row["hidden_at"], row["upload_time"]);
        assert_eq!(
            by_ids.get(&format!("{HIDDEN}{}/", all[1])).await.is(200),
            *row
        );
        // What it shows it can be asked for.
        for (query, count) in [
            ("source=1&ordering=-temperature,mask_flag", 1),
            ("source=2", 0),
            ("work_code=7", 0),
        ] {
            let asked = codes.get(&format!("{HIDDEN}?{query}")).await;
            assert_eq!(asked.is(200)["count"], count, "{query}");
            assert_eq!(asked.header("warning"), "", "{query}");
        }

        // Several at once; what is hidden already is no transaction.
        let hide = format!("{TRANSACTIONS}hide/");
        let both = json!({ "transactions": [all[0], all[1]] });
        codes.post(&hide, both).await.is(400);
        let others = json!({ "transactions": [all[0], all[2]] });
        codes.post(&hide, others).await.is(200);
        assert_eq!(codes.get(TRANSACTIONS).await.is(200)["count"], 0);
        let show = format!("{HIDDEN}show/");
        let two = json!({ "hidden_transactions": [all[1], all[2]] });
        codes.post(&show, two).await.is(200);
        let list = by_ids.get(&filtered).await.is(200);
        assert_eq!((&list["count"], ids(&list)), (&json!(2), all[1..].to_vec()));
        assert_eq!(by_ids.get(HIDDEN).await.is(200)["count"], 1);

        // One hidden and one shown: as many, and not the same.
        codes
            .post(&hide, json!({ "transactions": [all[2]] }))
            .await
            .is(200);
        codes
            .post(&show, json!({ "hidden_transactions": [all[0]] }))
            .await
            .is(200);
        assert_eq!(ids(&by_ids.get(&filtered).await.is(200)), all[..2]);

        // An operator looks, and hides nothing.
        let operator = test.client(Profile::BioTime, Rights::operator()).await;
        operator.get(HIDDEN).await.is(200);
        operator.delete(&path(all[0])).await.is(403);
        let one = json!({ "transactions": [all[0]] });
        operator.post(&hide, one).await.is(403);

        // Each is written down, and the counters are right.
        for (deeds, count) in [
            (
                "SELECT COUNT(*) FROM audit WHERE action = 'hide' AND actor_kind = 'client'",
                4,
            ),
            (
                "SELECT COUNT(*) FROM audit WHERE action = 'show' AND thing = 'transaction'",
                3,
            ),
        ] {
            assert_eq!(test.number(deeds).await, count, "{deeds}");
        }
        for finding in muster::health::checks(&test.app.store, &test.app.keys)
            .await
            .expect("it is looked at")
        {
            finding.expect("all is well");
        }
    })
    .await;
}
