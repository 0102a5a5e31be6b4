//! Templates: as terminals bring them, as callers read them, and gone everywhere.

use crate::testing::{Api, TestApp, on_both};
use muster::access::{Right, Rights, Thing};
use muster::profile::Profile;
use serde_json::{Value, json};

const LIST: &str = "/iclock/api/biodatas/";
const PEOPLE: &str = "/personnel/api/employees/";

/// Of the manual's own sample, the beginning.
const FINGER: &str = "S9lTUzIxAAACmpsECAUHCc7QAAAam2kBAAAA";

/// The manual's person with a finger, a finger vein, a palm and a face in visible light, on two terminals
/// of the same algorithms; and a finger of a PIN that nobody has.
async fn scene(app: &TestApp, profile: Profile) -> Api<'_> {
    let admin = app.api(profile, Rights::administrator()).await;
    for area in ["north", "south"] {
        let new = json!({ "area_code": area, "area_name": area });
        admin.post("/personnel/api/areas/", new).await.is(201);
    }
    for sn in ["BYEL201260001", "GATE"] {
        let new = json!({ "sn": sn, "alias": sn, "ip_address": "192.0.2.1", "area": "north" });
        admin.post("/iclock/api/terminals/", new).await.is(201);
        let options = "FPVersion=10,FaceVersion=39,FvVersion=3,PvVersion=5,VisilightFun=1,BioPhotoFun=1,\
                       BioDataFun=1,MultiBioDataSupport=0:1:0:0:0:0:0:1:1:1";
        app.post(&format!("/iclock/cdata?SN={sn}&table=options"), options)
            .await;
    }
    let door = json!({ "sn": "DOOR", "alias": "DOOR", "ip_address": "192.0.2.1", "area": "north" });
    admin.post("/iclock/api/terminals/", door).await.is(201);
    app.get("/iclock/cdata?SN=DOOR&options=all&pushver=3.1.2&DeviceType=acc")
        .await;
    let options =
        "FaceVersion=39,VisilightFun=1,BioPhotoFun=1,MultiBioDataSupport=0:1:0:0:0:0:0:1:1:1";
    app.post("/iclock/cdata?SN=DOOR&table=options", options)
        .await;
    for (emp_code, area) in [("70761", "north"), ("70762", "south")] {
        let new = json!({
            "emp_code": emp_code, "first_name": "Asha", "department": "1", "area": [area],
        });
        admin.post(PEOPLE, new).await.is(201);
    }
    for sn in ["BYEL201260001", "GATE", "DOOR"] {
        app.obeyed(sn).await;
    }
    for (table, row) in [
        (
            "OPERLOG",
            format!("FP PIN=70761\tFID=5\tSize=36\tValid=1\tTMP={FINGER}\n"),
        ),
        ("BIODATA", biodata("70761", 7, 3, "dmVpbg==")),
        ("BIODATA", biodata("70761", 8, 5, "cGFsbQ==")),
        ("BIODATA", biodata("70761", 9, 39, "ZmFjZQ==")),
        (
            "BIOPHOTO",
            "BIOPHOTO PIN=70761\tFileName=70761.jpg\tType=9\tSize=8\tContent=cGhvdG8=\n".to_owned(),
        ),
        (
            "OPERLOG",
            "FP PIN=9\tFID=0\tSize=8\tValid=1\tTMP=bm9ib2R5\n".to_owned(),
        ),
    ] {
        let target = format!("/iclock/cdata?SN=BYEL201260001&table={table}&Stamp=1");
        assert_eq!(app.post(&target, row).await.status, 200);
    }
    for sn in ["BYEL201260001", "GATE", "DOOR"] {
        app.obeyed(sn).await;
    }
    admin
}

fn biodata(pin: &str, wire_type: u8, major: u8, template: &str) -> String {
    format!(
        "BIODATA Pin={pin}\tNo=0\tIndex=0\tValid=1\tDuress=0\tType={wire_type}\tMajorVer={major}\tMinorVer=3\t\
         Format=0\tTmp={template}\n"
    )
}

fn ids(list: &Value) -> String {
    let rows = list["data"].as_array().expect("rows");
    let ids: Vec<String> = rows.iter().map(|row| row["id"].to_string()).collect();
    ids.join(" ")
}

#[tokio::test]
async fn templates_are_listed_read_and_exported_and_shown_to_those_with_the_right() {
    on_both(|app| async move {
        let admin = scene(&app, Profile::EasyTimePro).await;
        let mut answers = vec![
            admin.get(LIST).await.is(200),
            admin.get(&format!("{LIST}1000001/")).await.is(200),
            admin.get(&format!("{LIST}1/")).await.is(404),
            admin.get(&format!("{LIST}?bio_type=x")).await.is(400),
        ];
        let operator = [Right::View(Thing::Biodata)];
        let operator = app.api(Profile::BioTime, Rights::from_iter(operator)).await;
        let blind = operator.get(&format!("{LIST}1000001/")).await.is(200);
        assert_eq!(blind["bio_tmp"], "", "the key stays");
        answers.push(blind);
        operator.delete(&format!("{LIST}1000001/")).await.is(403);
        insta::assert_json_snapshot!("biodata", answers);

        let mut found = Vec::new();
        for query in [
            "?Emp_code=70761",
            "?employee=70761&bio_no=5",
            "?employee=1000000001&bio_index=0&ordering=-bio_type",
            "?bio_type=5",
            "?bio_type=8,9",
            "?wire_type=7",
            "?sn=BYEL201260001&major_ver=10",
            "?sn=GATE",
            "?search=asha",
            "?search=7076",
            "?ordering=employee,-id",
        ] {
            let list = admin.get(&format!("{LIST}{query}")).await.is(200);
            found.push(format!("{query}: {}", ids(&list)));
        }
        for (caller, query) in [
            (&admin, "?export_type=csv"),
            (
                &admin,
                "?export_type=txt&employee=70761&bio_type=1&export_headers=employee,bio_tmp",
            ),
            (
                &operator,
                "?export_type=txt&bio_type=1&export_headers=employee,bio_tmp",
            ),
        ] {
            found.push(caller.get(&format!("{LIST}export/{query}")).await.text);
        }
        insta::assert_snapshot!("biodata_found", found.join("\n"));
    })
    .await;
}

#[tokio::test]
async fn a_template_that_does_not_say_its_version_has_that_of_the_terminal_it_came_from() {
    on_both(|app| async move {
        let admin = app.api(Profile::EasyTimePro, Rights::administrator()).await;
        let area = json!({ "area_code": "north", "area_name": "north" });
        admin.post("/personnel/api/areas/", area).await.is(201);
        for sn in ["OLD", "MUTE"] {
            let new = json!({ "sn": sn, "alias": sn, "ip_address": "192.0.2.1", "area": "north" });
            admin.post("/iclock/api/terminals/", new).await.is(201);
        }
        let target = "/iclock/cdata?SN=OLD&table=options";
        app.post(target, "~ZKFPVersion=9,FaceVersion=7").await;
        for emp_code in ["1", "2"] {
            admin
                .post(PEOPLE, json!({ "emp_code": emp_code }))
                .await
                .is(201);
        }
        let rows = "FP PIN=1\tFID=0\tSize=8\tValid=1\tTMP=bm9ib2R5\n\
                    FP PIN=1\tFID=5\tSize=8\tValid=1\tTMP=bm9ib2R5\n\
                    FACE PIN=1\tFID=0\tSIZE=8\tVALID=1\tTMP=bm9ib2R5\n\
                    FACE PIN=1\tFID=1\tSIZE=8\tVALID=1\tTMP=bm9ib2R5\n";
        let target = "/iclock/cdata?SN=OLD&table=OPERLOG&Stamp=1";
        assert_eq!(app.post(target, rows).await.status, 200);
        // The same finger by the newer kind of row is the same finger; a picture is no template.
        let target = "/iclock/cdata?SN=OLD&table=BIODATA&Stamp=1";
        let rows = biodata("1", 1, 9, "bm9ib2R5");
        assert_eq!(app.post(target, rows).await.status, 200);
        let target = "/iclock/cdata?SN=OLD&table=BIOPHOTO&Stamp=1";
        let row = "BIOPHOTO PIN=1\tFileName=1.jpg\tType=9\tSize=8\tContent=cGhvdG8=\n";
        assert_eq!(app.post(target, row).await.status, 200);
        let target = "/iclock/cdata?SN=MUTE&table=OPERLOG&Stamp=1";
        let row = "FP PIN=2\tFID=0\tSize=8\tValid=1\tTMP=bm9ib2R5\n";
        assert_eq!(app.post(target, row).await.status, 200);

        let shown = async |emp_code: &str| {
            let person = admin.get(&format!("{PEOPLE}{emp_code}/")).await.is(200);
            ["fingerprint", "face", "vl_face"].map(|kind| person[kind].clone())
        };
        assert_eq!(shown("1").await, ["Ver 9:2", "Ver 7:1", "-"]);
        assert_eq!(shown("2").await, ["Ver 0:1", "-", "-"]);
        let versions = async |query: &str| {
            let list = admin.get(&format!("{LIST}{query}")).await.is(200);
            let rows = list["data"].as_array().expect("rows");
            rows.iter()
                .map(|row| row["major_ver"].as_str().expect("a text").to_owned())
                .collect::<Vec<String>>()
                .join(" ")
        };
        assert_eq!(versions("?ordering=-major_ver").await, "9 9 9 7 7 ");
        assert_eq!(versions("?major_ver=9&bio_no=5").await, "9");
        let file = "export/?export_type=txt&bio_type=2&export_headers=bio_index,major_ver";
        assert_eq!(
            admin.get(&format!("{LIST}{file}")).await.text,
            "bio_index\tmajor_ver\r\n0\t7\r\n1\t7\r\n"
        );

        // It says so when it polls the next time.
        app.get("/iclock/getrequest?SN=MUTE&INFO=Ver%208.0.4,1,1,0,192.0.2.1,10,7,12,0,111")
            .await;
        assert_eq!(shown("2").await, ["Ver 10:1", "-", "-"]);
    })
    .await;
}

#[tokio::test]
async fn a_template_removed_goes_from_the_terminals_and_with_the_last_face_its_picture() {
    for (profile, gone) in [(Profile::EasyTimePro, 200), (Profile::BioTime, 204)] {
        removed(profile, gone).await;
    }
}

async fn removed(profile: Profile, gone: u16) {
    on_both(|app| async move {
        let admin = scene(&app, profile).await;
        // Another finger stays where it is.
        let target = "/iclock/cdata?SN=BYEL201260001&table=OPERLOG&Stamp=2";
        let row = "FP PIN=70761\tFID=6\tSize=8\tValid=1\tTMP=b3RoZXI=\n";
        assert_eq!(app.post(target, row).await.status, 200);
        app.obeyed("GATE").await;
        let mut wire = Vec::new();
        for what in ["1000001", "1000004"] {
            let answer = admin.delete(&format!("{LIST}{what}/")).await;
            assert_eq!(answer.status, gone);
            if profile == Profile::EasyTimePro {
                assert_eq!(answer.is(gone), json!({ "message": "deleted" }));
            }
            let mut told = serde_json::Map::new();
            for sn in ["BYEL201260001", "GATE", "DOOR"] {
                told.insert(sn.to_owned(), json!(app.obeyed(sn).await));
            }
            wire.push(told);
        }
        insta::assert_json_snapshot!("biodata_removed", wire);
        let open = "SELECT COUNT(*) FROM terminal_command WHERE state <> 'done'";
        assert_eq!(app.number(open).await, 0);
        let left =
            "SELECT COUNT(*) FROM biometric WHERE pin = '70761' AND (bio_no = 5 OR wire_type = 9)";
        assert_eq!(app.number(left).await, 0, "not even the picture");
        assert_eq!(app.number("SELECT COUNT(*) FROM biometric").await, 4);
        let audited = "SELECT COUNT(*) FROM audit WHERE thing = 'biodata' AND action = 'delete'";
        assert_eq!(app.number(audited).await, 2);
        let secret = "SELECT COUNT(*) FROM audit WHERE before LIKE '%S9lTU%'";
        assert_eq!(app.number(secret).await, 0);
    })
    .await;
}

#[tokio::test]
async fn who_is_limited_to_areas_sees_the_templates_of_their_people_alone() {
    on_both(|app| async move {
        let admin = scene(&app, Profile::EasyTimePro).await;
        let limited = app.limited_to("south").await;
        let new = json!({ "sn": "SOUTH", "area": "south" });
        admin.post("/iclock/api/terminals/", new).await.is(201);
        let target = "/iclock/cdata?SN=SOUTH&table=OPERLOG&Stamp=2";
        let row = "FP PIN=70762\tFID=1\tSize=8\tValid=1\tTMP=c291dGg=\n";
        assert_eq!(app.post(target, row).await.status, 200);
        let list = limited.get(LIST).await.is(200);
        assert_eq!(
            (&list["count"], &list["data"][0]["employee"]),
            (&json!(1), &json!("70762"))
        );
        limited.get(&format!("{LIST}1000001/")).await.is(404);
        limited.delete(&format!("{LIST}1000001/")).await.is(404);
        let file = limited.get(&format!("{LIST}export/?export_type=csv")).await;
        assert_eq!(file.text.lines().count(), 2);
    })
    .await;
}
