//! The story of a terminal as callers see it, in both profiles.

use crate::rest::{Got, on_both};
use chrono::TimeDelta;
use muster::events::Event;
use reqwest::Method;
use serde_json::{Value, json};

const LIST: &str = "/iclock/api/terminals/";

#[tokio::test]
async fn a_terminal_is_made_read_changed_and_removed_as_the_manual_prints_it() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        let company = test.app.company.id.clone();
        let mut events = test.app.events.subscribe();
        let made = json!({
            "sn": "BYEL20126000124", "alias": "Auto add", "ip_address": "192.168.1.201",
            "terminal_tz": -750, "heartbeat": 2147483647, "transfer_mode": 1,
            "device_direction": 0, "transfer_interval": 2147483647, "transfer_time": "string",
            "is_attendance": 0, "is_registration": 0, "is_access": 0,
            "gps_location": "silkboard", "company": company, "area": 1,
        });
        let name = caller.authorization.clone();
        assert!(name.is_some());
        let answer = caller.post(LIST, made.clone()).await.is(201);
        let user = answer["create_user"].clone();
        assert!(user.is_string());
        let mut expected = json!({
            "id": 1000001, "create_time": "2026-01-15 13:30:00", "create_user": user,
            "change_time": "2026-01-15 13:30:00", "change_user": null, "status": 0,
            "sn": "BYEL20126000124", "alias": "Auto add", "ip_address": "192.168.1.201",
            "real_ip": null, "state": 0, "terminal_tz": -750, "heartbeat": 2147483647,
            "transfer_mode": 1, "device_direction": 0, "transfer_interval": 2147483647,
            "transfer_time": "string", "product_type": 9, "is_attendance": 0,
            "is_registration": 0, "purpose": null, "controller_type": 0, "authentication": 1,
            "style": null, "upload_flag": "1111100000", "fw_ver": null, "push_protocol": "",
            "push_ver": null, "language": null, "is_tft": false, "terminal_name": null,
            "platform": null, "oem_vendor": null, "log_stamp": null, "op_log_stamp": null,
            "capture_stamp": null, "user_count": null, "user_capacity": null,
            "photo_func_on": false, "transaction_count": null, "transaction_capacity": null,
            "fp_func_on": true, "fp_count": null, "fp_capacity": null, "fp_alg_ver": null,
        });
        let more = json!({
            "face_func_on": false, "face_count": null, "face_capacity": null,
            "face_alg_ver": null, "fv_func_on": false, "fv_count": 0, "fv_capacity": null,
            "fv_alg_ver": null, "palm_func_on": false, "palm_count": null,
            "palm_capacity": null, "palm_alg_ver": null, "lock_func": 0,
            "last_activity": null, "upload_time": null, "push_time": null, "is_access": 0,
            "gps_location": "silkboard", "company": company, "area": "Not Authorized",
            "zone_name": null, "zone_spelling": "hours_or_minutes",
        });
        let (Value::Object(all), Value::Object(more)) = (&mut expected, more) else {
            panic!("objects")
        };
        all.extend(more);
        assert_eq!(answer, expected);
        assert_eq!(events.try_recv(), Ok(Event::Terminal(1_000_001)));

        let read = json!({
            "id": 1000001, "sn": "BYEL20126000124", "ip_address": "192.168.1.201",
            "alias": "Auto add", "terminal_name": null, "fw_ver": null, "push_ver": null,
            "state": 0, "terminal_tz": -750,
            "area": { "id": 1, "area_code": "1", "area_name": "Not Authorized" },
            "last_activity": null, "user_count": null, "fp_count": null, "face_count": null,
            "palm_count": null, "transaction_count": null, "push_time": null,
            "transfer_time": "string", "transfer_interval": 2147483647, "is_attendance": 0,
            "area_name": "Not Authorized", "clock_drift": null, "clock_seen": null,
            "company": { "id": company, "name": "default" },
        });
        assert_eq!(
            caller.get(LIST).await.is(200),
            json!({
                "count": 1, "next": null, "previous": null, "msg": "", "code": 0,
                "data": [read],
            })
        );
        for key in ["BYEL20126000124", "1000001"] {
            assert_eq!(caller.get(&format!("{LIST}{key}/")).await.is(200), read);
        }

        test.app.clock.advance(TimeDelta::minutes(1));
        let changed = caller
            .put(&format!("{LIST}BYEL20126000124/"), json!({ "alias": "new", "heartbeat": 60 }))
            .await
            .is(200);
        expected["alias"] = json!("new");
        expected["heartbeat"] = json!(60);
        expected["change_time"] = json!("2026-01-15 13:31:00");
        expected["change_user"] = user;
        assert_eq!(changed, expected);
        let sample = json!({ "company": "3fa85f64-5717-4562-b3fc-2c963f66afa6" });
        let path = format!("{LIST}BYEL20126000124/");
        assert_eq!(
            caller.patch(&path, sample).await.is(400),
            json!({
                "company": ["Invalid pk \"3fa85f64-5717-4562-b3fc-2c963f66afa6\" - object does not exist."],
                "code": -1,
                "msg": "Invalid pk \"3fa85f64-5717-4562-b3fc-2c963f66afa6\" - object does not exist.",
                "data": {},
            })
        );
        let company = json!({ "company": company });
        assert_eq!(caller.patch(&path, company).await.is(200)["alias"], "new");
        assert_eq!(caller.patch(&path, json!({})).await.is(200)["alias"], "new");

        let again = caller.post(LIST, made).await.is(400);
        assert_eq!(again["sn"], json!(["terminal with this sn already exists."]));
        let wrong = json!({ "sn": "BYEL20126000124", "ip_address": "10.0.0.256" });
        assert_eq!(
            caller.post(LIST, wrong).await.is(400),
            json!({
                "sn": ["terminal with this sn already exists."],
                "ip_address": ["Enter a valid IPv4 or IPv6 address."],
                "code": -1, "msg": "terminal with this sn already exists.", "data": {},
            })
        );
        let same = json!({ "sn": "BYEL20126000124", "heartbeat": 0 });
        assert_eq!(caller.patch(&path, same).await.is(400).get("sn"), None);
        assert_eq!(caller.delete(&path).await.is(200), json!({ "message": "deleted" }));
        assert_eq!(
            caller.get(&path).await.is(404),
            json!({ "detail": "Not found.", "code": -1, "msg": "Not found.", "data": {} })
        );
        let deeds = "SELECT count(*) FROM audit WHERE thing = 'terminal' AND thing_id = 'BYEL20126000124'";
        assert_eq!(test.number(deeds).await, 3, "a refusal is no deed, and neither is nothing");
    })
    .await;
}

#[tokio::test]
async fn biotime_sees_a_terminal_by_id_in_its_read_shape() {
    on_both(|test| async move {
        let caller = test.biotime().await;
        let made = json!({
            "sn": "111111111", "alias": "test device", "ip_address": "127.0.0.1",
            "terminal_tz": 8, "heartbeat": 10, "area": 1,
        });
        let shown = json!({
            "id": 1000001, "sn": "111111111", "ip_address": "127.0.0.1",
            "alias": "test device", "terminal_name": null, "fw_ver": null, "push_ver": null,
            "state": 0, "terminal_tz": 8,
            "area": { "id": 1, "area_code": "1", "area_name": "Not Authorized" },
            "last_activity": null, "user_count": null, "fp_count": null, "face_count": null,
            "palm_count": null, "transaction_count": null, "push_time": null,
            "transfer_time": "00:00;14:05", "transfer_interval": 1, "is_attendance": 1,
            "area_name": "Not Authorized", "clock_drift": null, "clock_seen": null,
        });
        assert_eq!(caller.post(LIST, made).await.is(201), shown);
        // A serial number of digits that is another terminal's id is looked for as an id first.
        let digits = json!({ "sn": "1000001", "alias": "digits", "ip_address": "127.0.0.2" });
        caller.post(LIST, digits).await.is(201);
        assert_eq!(caller.get(&format!("{LIST}1000001/")).await.is(200), shown);
        let easytimepro = test.easytimepro().await;
        let got = easytimepro.get(&format!("{LIST}1000001/")).await.is(200);
        assert_eq!(got["alias"], "digits");

        let changed = caller
            .put(&format!("{LIST}1000001/"), json!({ "terminal_tz": 330 }))
            .await
            .is(200);
        assert_eq!(changed["terminal_tz"], 330);
        assert_eq!(
            caller.post(LIST, json!({})).await.is(400),
            json!({
                "sn": ["This field is required."],
                "alias": ["This field is required."],
                "ip_address": ["This field is required."],
            })
        );
        let wrong = json!({
            "sn": "reboot", "alias": "a\tb", "ip_address": "10.0.0.256", "terminal_tz": 841,
            "heartbeat": "soon", "area": 99, "is_attendance": "maybe",
        });
        assert_eq!(
            caller.post(LIST, wrong).await.is(400),
            json!({
                "sn": ["Enter a valid value."],
                "alias": ["Control characters are not allowed."],
                "ip_address": ["Enter a valid IPv4 or IPv6 address."],
                "terminal_tz": ["Ensure this value is less than or equal to 840."],
                "heartbeat": ["A valid integer is required."],
                "is_attendance": ["Must be a valid boolean."],
                "area": ["Invalid pk \"99\" - object does not exist."],
            })
        );
        let gone = caller.delete(&format!("{LIST}1000001/")).await;
        assert_eq!((gone.status, gone.text.as_str()), (204, ""));
        caller.get(&format!("{LIST}1000001/")).await.is(200);
    })
    .await;
}

#[tokio::test]
async fn a_terminal_without_more_gets_the_servers_zone_and_is_held() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        assert_eq!(
            caller.post(LIST, json!({ "alias": "x" })).await.is(400),
            json!({
                "sn": ["This field is required."],
                "code": -200, "msg": "SN is required", "data": {},
            })
        );
        let made = caller.post(LIST, json!({ "sn": 12345 })).await.is(201);
        assert_eq!(
            (
                &made["sn"],
                &made["terminal_tz"],
                &made["zone_name"],
                &made["area"]
            ),
            (
                &json!("12345"),
                &json!(330),
                &json!("Asia/Kolkata"),
                &json!("Not Authorized")
            )
        );
        let zoned = json!({ "zone_name": "America/New_York" });
        let made = caller.patch(&format!("{LIST}12345/"), zoned).await.is(200);
        assert_eq!(
            (&made["terminal_tz"], &made["zone_name"]),
            (&json!(-300), &json!("America/New_York"))
        );
        let made = caller
            .patch(&format!("{LIST}12345/"), json!({ "terminal_tz": -14 }))
            .await
            .is(200);
        assert_eq!(
            (&made["terminal_tz"], &made["zone_name"]),
            (&json!(-840), &json!(null))
        );
    })
    .await;
}

#[tokio::test]
async fn a_terminal_is_online_for_two_heartbeats_or_a_minute() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        for (sn, heartbeat, silent_s) in [
            ("A", 10, 60),
            ("B", 10, 61),
            ("C", 120, 240),
            ("D", 120, 241),
            // Told to call every ten minutes, which is the most.
            ("F", 2_147_483_647, 1200),
            ("G", 2_147_483_647, 1201),
        ] {
            let made = json!({ "sn": sn, "heartbeat": heartbeat });
            caller.post(LIST, made).await.is(201);
            test.run(
                "UPDATE terminal SET last_activity_at = $1 WHERE sn = $2",
                [
                    (test.app.clock.now() - TimeDelta::seconds(silent_s)).into(),
                    sn.into(),
                ],
            )
            .await;
        }
        caller.post(LIST, json!({ "sn": "E" })).await.is(201);
        let numbers = |list: &Value| -> Vec<String> {
            list["data"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|row| row["sn"].as_str().expect("a text").to_owned())
                .collect()
        };
        let online = caller.get(&format!("{LIST}?state=1")).await.is(200);
        assert_eq!(numbers(&online), ["A", "C", "F"]);
        assert_eq!(online["data"][0]["state"], 1);
        let offline = caller
            .get(&format!("{LIST}?state=0&ordering=-sn"))
            .await
            .is(200);
        assert_eq!(numbers(&offline), ["G", "E", "D", "B"]);
        assert_eq!(offline["data"][0]["state"], 0);
        let all = caller
            .get(&format!("{LIST}?ordering=-state,sn"))
            .await
            .is(200);
        assert_eq!(numbers(&all), ["A", "C", "F", "B", "D", "E", "G"]);
    })
    .await;
}

#[tokio::test]
async fn terminals_are_filtered_searched_and_ordered() {
    on_both(|test| async move {
        let caller = test.easytimepro().await;
        let area = json!({ "area_code": "abc", "area_name": "Ночь" });
        caller.post("/personnel/api/areas/", area).await.is(201);
        for (sn, alias, area, ip) in [
            ("BYEL201260001", "Главный вход", "abc", Some("10.0.0.1")),
            ("byel900", "Rear gate 100%", "1", None),
            ("CKJ1", "Ärztehaus_1", "1", Some("10.0.0.2")),
        ] {
            let made = json!({ "sn": sn, "alias": alias, "area": area, "ip_address": ip });
            caller.post(LIST, made).await.is(201);
        }
        let asked = async |query: &str| -> Vec<String> {
            let list = caller.get(&format!("{LIST}?{query}")).await.is(200);
            let rows = list["data"].as_array().expect("a list");
            assert_eq!(list["count"], rows.len());
            rows.iter()
                .map(|row| row["sn"].as_str().expect("a text").to_owned())
                .collect()
        };
        for (query, expected) in [
            ("sn=CKJ1", &["CKJ1"][..]),
            ("SN_icontains=BYEL", &["BYEL201260001", "byel900"]),
            ("alias_icontains=ВХОД", &["BYEL201260001"]),
            ("alias_icontains=0%25", &["byel900"]),
            ("alias_icontains=haus_", &["CKJ1"]),
            ("alias_icontains=byel", &[]),
            ("alias=Rear%20gate%20100%25", &["byel900"]),
            ("area_code=abc", &["BYEL201260001"]),
            ("area=1000001", &["BYEL201260001"]),
            ("areas=1,abc", &["BYEL201260001", "byel900", "CKJ1"]),
            ("areas=-1", &["BYEL201260001", "byel900", "CKJ1"]),
            ("ip_address=10.0.0.2", &["CKJ1"]),
            ("search=ÄRZTE", &["CKJ1"]),
            ("search=gate,byel", &["byel900"]),
            ("search=10.0.0", &["BYEL201260001", "CKJ1"]),
            ("search=ночь", &["BYEL201260001"]),
            ("search=%25", &["byel900"]),
            ("search=_", &["CKJ1"]),
            ("search=%5C", &[]),
            ("ordering=ip_address", &["BYEL201260001", "CKJ1", "byel900"]),
            (
                "ordering=-ip_address",
                &["byel900", "CKJ1", "BYEL201260001"],
            ),
            (
                "ordering=area_name,-id",
                &["CKJ1", "byel900", "BYEL201260001"],
            ),
            ("sn=1' OR '1'='1", &[]),
            ("search=%25' ) union select", &[]),
            (
                "ordering=password,registry_code,-id",
                &["CKJ1", "byel900", "BYEL201260001"],
            ),
            ("&&id=1000003,1000001", &["BYEL201260001", "CKJ1"]),
        ] {
            assert_eq!(asked(query).await, expected, "{query}");
        }
        assert_eq!(
            caller
                .get(&format!("{LIST}?id=x&state=on&is_attendance=perhaps"))
                .await
                .is(400),
            json!({
                "id": ["Enter a number."],
                "state": ["Enter a number."],
                "is_attendance": ["Must be a valid boolean."],
                "code": -1, "msg": "Enter a number.", "data": {},
            })
        );
    })
    .await;
}

#[tokio::test]
async fn terminals_are_restarted_by_number_or_id_all_or_none() {
    on_both(|test| async move {
        let easytimepro = test.easytimepro().await;
        let biotime = test.biotime().await;
        for sn in ["A1", "B2"] {
            easytimepro.post(LIST, json!({ "sn": sn })).await.is(201);
        }
        let path = format!("{LIST}reboot/");
        let queued = "SELECT count(*) FROM terminal_command WHERE state = 'queued'";
        let done = json!({ "code": 0, "msg": "", "data": [] });
        for body in [
            json!({ "terminals": [1000001] }),
            json!({ "terminals": "1000001,1000002" }),
            json!({ "devices": 1000002 }),
        ] {
            assert_eq!(biotime.post(&path, body).await.is(200), done);
        }
        let form = biotime
            .request(Method::POST, &path)
            .form(&[("terminals", "1000001"), ("terminals", "1000002")]);
        assert_eq!(Got::from(form).await.is(200), done);
        assert_eq!(test.number(queued).await, 6);
        for body in [
            json!({ "devices_sn": ["A1"] }),
            json!({ "sn": "A1" }),
            json!({ "object_codes": ["B2", "B2"] }),
        ] {
            let answer = easytimepro.post(&path, body).await.is(200);
            assert_eq!(answer, json!({ "status": "Success" }));
        }
        assert_eq!(test.number(queued).await, 9);
        for (body, reason) in [
            (json!({}), "This field is required."),
            (json!({ "terminals": [] }), "This list may not be empty."),
            (
                json!({ "terminals": [1000001, 7] }),
                "Invalid pk \"7\" - object does not exist.",
            ),
            (
                json!({ "terminals": [[1000001]] }),
                "Expected a list of codes or ids.",
            ),
        ] {
            let answer = biotime.post(&path, body).await.is(400);
            assert_eq!(answer, json!({ "terminals": [reason] }));
        }
        assert_eq!(
            test.number(queued).await,
            9,
            "nothing was sent to the ones that exist"
        );
    })
    .await;
}

#[tokio::test]
async fn terminals_are_put_into_an_area_together_all_or_none() {
    on_both(|test| async move {
        let easytimepro = test.easytimepro().await;
        let biotime = test.biotime().await;
        let north = json!({ "area_code": "north", "area_name": "North" });
        easytimepro
            .post("/personnel/api/areas/", north)
            .await
            .is(201);
        for sn in ["A1", "B2"] {
            easytimepro.post(LIST, json!({ "sn": sn })).await.is(201);
        }
        let path = format!("{LIST}adjust_area/");
        let held = "SELECT count(*) FROM terminal WHERE area_id = 1";
        let problems = [
            (
                json!({ "devices_sn": ["A1", "B2"] }),
                "area",
                "This field is required.",
            ),
            (
                json!({ "devices_sn": ["A1"], "area": "south" }),
                "area",
                "Object with area_code=south does not exist.",
            ),
            (
                json!({ "devices_sn": ["A1"], "area": null }),
                "area",
                "This field may not be null.",
            ),
            (
                json!({ "devices_sn": ["A1", "C3"], "area": "north" }),
                "devices_sn",
                "Object with sn=C3 does not exist.",
            ),
        ];
        for (body, field, reason) in problems {
            let answer = easytimepro.post(&path, body).await.is(400);
            assert_eq!(answer[field], json!([reason]), "{answer}");
        }
        assert_eq!(
            test.number(held).await,
            2,
            "the one that is there was not moved"
        );
        let body = json!({ "devices_sn": "A1,B2", "area_code": "north" });
        let answer = easytimepro.post(&path, body).await.is(200);
        assert_eq!(answer, json!({ "detail": "Success." }));
        assert_eq!(test.number(held).await, 0);
        let read = easytimepro.get(&format!("{LIST}B2/")).await.is(200);
        assert_eq!(read["area"]["area_code"], "north");

        let body = json!({ "terminals": [1000002], "area": 1 });
        let answer = biotime.post(&path, body).await.is(200);
        assert_eq!(answer, json!({ "code": 0, "msg": "", "data": [] }));
        assert_eq!(test.number(held).await, 1);
        easytimepro
            .post(LIST, json!({ "sn": "adjust_area" }))
            .await
            .is(400);
    })
    .await;
}
