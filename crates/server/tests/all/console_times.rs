//! Whose clock a time is of: shown beside it where a terminal stands in another zone than the server, and below each list.

use crate::console::Door;
use crate::testing::{on_both, on_both_with};
use axum::http::StatusCode;
use muster::access::Rights;
use muster::profile::Profile;
use muster_store::Sql;
use serde_json::json;

const ZONE: &str = "Europe/Berlin";

/// What stands in the cells of a row that has this in it.
fn row<'p>(page: &'p str, with: &str) -> &'p str {
    let found = page.split("<tr").find(|row| row.contains(with));
    found.unwrap_or_else(|| panic!("no {with} in {page}"))
}

#[tokio::test]
async fn a_punch_of_another_zone_says_so_wherever_it_is_shown() {
    on_both_with(|config| config.zone = ZONE.into(), |server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        for (sn, zone) in [("GATE01", "Asia/Kolkata"), ("DOCK01", ZONE)] {
            door.run(Sql::new(
                "UPDATE terminal SET zone_name = $2, alias = $1 WHERE sn = $1",
                [sn.into(), zone.into()],
            ))
            .await;
        }
        door.hire(&cookie, "7", "Asha").await;
        server.bring("GATE01", "7\t2026-01-15 13:00:01\t0\t1\n99\t2026-01-15 13:00:02\t0\t1\n").await;
        server.bring("DOCK01", "7\t2026-01-15 08:30:03\t1\t1\n").await;
        let log = "OPLOG 4\t14\t2026-01-15 12:59:00\t0\t0\t0\t0\n";
        let target = "/iclock/cdata?SN=GATE01&table=OPERLOG&Stamp=1";
        assert_eq!(server.post(target, log).await.status, 200);

        // Both came within an hour; only one stands in another zone.
        let list = door.get("/transactions", &cookie).await.text;
        assert!(row(&list, "GATE01").contains(">2026-01-15 13:00:01 +05:30<"), "{list}");
        assert!(row(&list, "DOCK01").contains(">2026-01-15 08:30:03<"), "{list}");
        // It was received at nine of the server's zone, and the page says what zone that is.
        assert!(row(&list, "GATE01").contains(">2026-01-15 09:00:00<"), "{list}");
        let line = "Times at terminals are those of their clocks, in Europe/Berlin unless another offset";
        assert!(list.contains(line), "{list}");
        let unknown = door.get("/unregister", &cookie).await.text;
        assert!(unknown.contains(">2026-01-15 13:00:02 +05:30<") && unknown.contains(line), "{unknown}");
        let operations = door.get("/operations", &cookie).await.text;
        assert!(operations.contains(">2026-01-15 12:59:00 +05:30<") && operations.contains(line), "{operations}");
        let live = door.get("/live", &cookie).await.text;
        assert!(live.contains("13:00:01</time> <span class=\"zone\">+05:30</span>") && live.contains(line), "{live}");
        assert!(live.contains("08:30:03</time></td>"), "{live}");
        let person = door.person("7").await;
        let page = door.get(&format!("/employees/{person}/punches"), &cookie).await.text;
        let at = ["<li>08:30 <span", "<li>13:00 +05:30 <span"];
        assert!(at.iter().all(|time| page.contains(time)) && page.contains(line), "{page}");
        assert!(page.contains("<td>2026-01-15 13:00:01 +05:30</td>"), "{page}");
        let gate = door.get(&format!("/terminals/{}", crate::console::GATE), &cookie).await.text;
        assert!(gate.contains("2026-01-15 13:00:02 +05:30 by its clock") && gate.contains(line), "{gate}");
        assert!(gate.contains("2026-01-15 12:59:00 +05:30"), "{gate}");

        // What the server's own clock says is told with the zone.
        let line = "Times are those of Europe/Berlin, this server&#39;s zone.";
        for list in ["/commands", "/users", "/holdings", "/terminals"] {
            let page = door.get(list, &cookie).await;
            assert_eq!(page.status, StatusCode::OK);
            assert!(page.text.contains(line), "{list}\n{}", page.text);
        }
        let line = "Times are those of Europe/Berlin, this server&#39;s zone; those of punches and messages are of the";
        for deeds in ["/audit", "/audit/1"] {
            let page = door.get(deeds, &cookie).await;
            assert_eq!(page.status, StatusCode::OK);
            assert!(page.text.contains(line), "{deeds}\n{}", page.text);
        }
        assert!(!door.get("/areas", &cookie).await.text.contains("this server"), "it has no times");

        // Programs and files have the wall clock alone, as ever.
        let api = server.api(Profile::EasyTimePro, Rights::administrator()).await;
        let told = api.get("/iclock/api/transactions/?terminal_sn=GATE01").await.is(200);
        assert_eq!(told["data"][0]["punch_time"], json!("2026-01-15 13:00:01"));
        assert!(told["data"][0].get("punch_at").is_none(), "{told}");
        let file = door.get("/transactions/file?export_type=csv", &cookie).await.text;
        assert!(file.contains("2026-01-15 13:00:01") && !file.contains("+05:30"), "{file}");
    })
    .await;
}

#[tokio::test]
async fn a_persons_page_says_of_each_kind_how_it_stands_on_each_terminal() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        let api = server.api(Profile::EasyTimePro, Rights::administrator()).await;
        let all = [("NORTH", "39"), ("SAME", "39"), ("OTHER", "58"), ("OLD", "7"), ("AWAY", "39")];
        for (sn, version) in all {
            let area = if sn == "AWAY" { "3" } else { "2" };
            let terminal = json!({ "sn": sn, "alias": sn, "area": area });
            api.post("/iclock/api/terminals/", terminal).await.is(201);
            let options = match sn {
                "OLD" => "FPVersion=10,FaceVersion=7".to_owned(),
                _ => format!(
                    "FPVersion=10,FaceVersion={version},VisilightFun=1,BioPhotoFun=1,BioDataFun=1,PhotoFunOn=1,\
                     MultiBioDataSupport=0:1:0:0:0:0:0:0:1:1"
                ),
            };
            let target = format!("/iclock/cdata?SN={sn}&table=options");
            assert_eq!(server.post(&target, options).await.status, 200);
        }
        door.hire(&cookie, "1001", "Asha").await;
        let person = door.person("1001").await;
        let page = async || {
            let page = door.get(&format!("/employees/{person}/punches"), &cookie).await;
            assert_eq!(page.status, StatusCode::OK, "{}", page.text);
            page.text
        };
        /// What a terminal's row says: record, fingers, face, palm, photo.
        fn told(page: &str, sn: &str) -> Vec<String> {
            let row = row(page, &format!("<span class=\"below\">{sn}</span>"));
            let cells = row.split("<td").skip(2).take(5);
            let text = |cell: &str| {
                let inside = cell.replace("</span>", "");
                let (inside, _) = inside.split_once("</td>").unwrap_or_default();
                let (_, text) = inside.rsplit_once('>').unwrap_or_default();
                text.to_owned()
            };
            cells.map(text).collect()
        }
        let first = page().await;
        assert_eq!(told(&first, "SAME"), ["On its way", "–", "–", "–", "–"]);
        assert!(!first.contains(">AWAY<"), "it is not of her area");

        // She is enrolled at one: two fingers and a face.
        server.obeyed("NORTH").await;
        for (table, rows) in [
            (
                "OPERLOG",
                "FP PIN=1001\tFID=6\tSize=8\tValid=1\tTMP=c3ludGhldGlj\nFP PIN=1001\tFID=7\tSize=8\tValid=1\tTMP=c3ludGhldGlk\n",
            ),
            (
                "BIODATA",
                "BIODATA Pin=1001\tNo=0\tIndex=0\tValid=1\tDuress=0\tType=9\tMajorVer=39\tMinorVer=3\tFormat=0\tTmp=ZmFjZQ==\n",
            ),
        ] {
            let target = format!("/iclock/cdata?SN=NORTH&table={table}&Stamp=1");
            assert_eq!(server.post(&target, rows).await.status, 200);
        }
        let enrolled = page().await;
        assert_eq!(told(&enrolled, "NORTH"), ["There", "2 of 2: There", "There", "–", "–"]);
        let untold = ["On its way", "0 of 2: Not told yet", "Not told yet", "–", "–"];
        assert_eq!(told(&enrolled, "SAME"), untold);
        assert_eq!(told(&enrolled, "OTHER"), ["On its way", "0 of 2: Not told yet", "Another algorithm", "–", "–"]);
        assert_eq!(told(&enrolled, "OLD"), ["On its way", "0 of 2: Not told yet", "Not possible there", "–", "–"]);

        // One takes the record and will not have the face.
        let refused = server
            .answered("SAME", |text| if text.contains("BIODATA") { -1002 } else { 0 })
            .await;
        assert!(refused.iter().any(|text| text.contains("BIODATA")), "{refused:?}");
        let after = page().await;
        assert_eq!(told(&after, "SAME"), ["There", "2 of 2: There", "Refused", "–", "–"]);
        assert!(row(&after, ">SAME<").contains("state bad\">Refused"), "{after}");
        let link = "<a href=\"/holdings?emp_code=1001\">";
        assert!(after.contains(link), "{after}");

        // Away from the area everything goes.
        server.obeyed("OLD").await;
        let move_to = json!({ "employees": ["1001"], "areas": ["3"] });
        api.post("/personnel/api/employees/adjust_area/", move_to).await.is(200);
        let moved = page().await;
        assert_eq!(told(&moved, "OLD")[0], "Being removed");
        assert_eq!(told(&moved, "AWAY")[0], "On its way");
    })
    .await;
}

#[tokio::test]
async fn a_period_is_listed_by_the_times_of_its_punches_and_everything_by_their_arrival() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        door.hire(&cookie, "7", "Asha").await;
        server
            .bring("GATE01", "7\t2026-01-14 17:00:00\t1\t1\n")
            .await;
        server
            .bring("GATE01", "7\t2026-01-14 08:00:00\t0\t1\n")
            .await;
        let listed = async |asked: &str| {
            let page = door
                .get(&format!("/transactions?{asked}"), &cookie)
                .await
                .text;
            let place = |time: &str| {
                page.find(time)
                    .unwrap_or_else(|| panic!("no {time} in {page}"))
            };
            let newest_first = place(">2026-01-14 17:00:00") < place(">2026-01-14 08:00:00");
            (newest_first, page.contains("aria-sort=\"descending\""))
        };
        assert_eq!(listed("").await, (false, false));
        assert_eq!(listed("start_time=2026-01-14").await, (true, true));
        assert_eq!(
            listed("start_time=2026-01-14&ordering=punch_time").await,
            (false, false)
        );
        let file = "/transactions/file?export_type=csv&end_time=2026-01-14&ordering=-punch_time";
        let file = door.get(file, &cookie).await.text;
        assert!(file.find("17:00:00") < file.find("08:00:00"), "{file}");
    })
    .await;
}
