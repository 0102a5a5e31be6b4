//! The list of terminals and the list of what they are told, over HTTP: what each row says, which rows a filter and a
//! task lead to, and what is done with them.

use crate::console::{Answer, DOCK, Door, GATE, HEAD_OFFICE, WAITING, WAREHOUSE, rights};
use crate::testing::{TestApp, on_both, on_both_with};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use chrono::TimeDelta;
use muster::access::{Right, Rights, Thing};
use muster::config::Admission;
use muster::profile::Profile;
use muster_store::Sql;
use serde_json::json;
use std::collections::BTreeMap;

/// What stands between the tags, with one blank where there were several.
fn text(html: &str) -> String {
    let outside = html.split('<').map(|part| match part.split_once('>') {
        Some((_, text)) => text,
        None => part,
    });
    let text: Vec<&str> = outside.flat_map(str::split_whitespace).collect();
    text.join(" ")
}

/// The rows of a list, each cell under its heading.
fn rows(page: &Answer) -> Vec<BTreeMap<String, String>> {
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let Some((_, table)) = page.text.split_once("<table class=\"list\">") else {
        return Vec::new();
    };
    let (head, body) = table.split_once("</thead>").expect("a head");
    let (body, _) = body.split_once("</tbody>").expect("a body");
    let headings: Vec<String> = head
        .split("<th ")
        .skip(1)
        .map(|one| text(&format!("<{one}")))
        .collect();
    body.split("<tr>")
        .skip(1)
        .map(|row| {
            let cells = row.split("<td").skip(1);
            let cells = cells.map(|cell| text(&format!("<{cell}")));
            headings.iter().cloned().zip(cells).collect()
        })
        .collect()
}

fn of<'r>(rows: &'r [BTreeMap<String, String>], sn: &str) -> &'r BTreeMap<String, String> {
    let found = rows.iter().find(|row| row["Serial number"] == sn);
    found.unwrap_or_else(|| panic!("no {sn} in {rows:?}"))
}

/// The serial numbers of a list, in its order.
fn numbers(page: &Answer) -> Vec<String> {
    let rows = rows(page);
    rows.iter()
        .map(|row| row["Serial number"].clone())
        .collect()
}

async fn put(door: &Door, statement: &'static str) {
    door.run(Sql::new(statement, [])).await;
}

#[tokio::test]
async fn the_list_says_what_a_terminal_holds_and_should_hold_and_what_it_is_still_to_be_told() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        // Finger 1 of Asha comes twice, made by two algorithms; finger 2 by that of the gate alone.
        for (sn, version) in [("GATE01", "10"), ("DOCK01", "9")] {
            door.run(Sql::new(
                "UPDATE terminal SET fp_alg_ver = $2, area_id = $3 WHERE sn = $1",
                [sn.into(), version.into(), HEAD_OFFICE.into()],
            ))
            .await;
        }
        for (code, name) in [("7", "Asha"), ("8", "Ben"), ("9", "Chen")] {
            door.hire(&cookie, code, name).await;
        }
        let fingers = "FP PIN=7\tFID=1\tSize=8\tValid=1\tTMP=SGVsbG8x\nFP PIN=7\tFID=2\tSize=8\tValid=1\tTMP=SGVsbG8y\n";
        let target = "/iclock/cdata?SN=GATE01&table=OPERLOG&Stamp=1";
        server.get("/iclock/cdata?SN=GATE01&options=all&pushver=2.4.1").await;
        assert_eq!(server.post(target, fingers).await.status, 200);
        let nine = "BIODATA Pin=7\tNo=1\tIndex=0\tValid=1\tDuress=0\tType=1\tMajorVer=9\tMinorVer=0\tFormat=0\tTmp=c3ludGhldGlj\n";
        server.get("/iclock/cdata?SN=DOCK01&options=all&pushver=2.4.1").await;
        let target = "/iclock/cdata?SN=DOCK01&table=BIODATA&Stamp=1";
        assert_eq!(server.post(target, nine).await.status, 200);
        put(&door, "UPDATE employee SET validity_end_on = '2026-01-14' WHERE emp_code = '9'").await;
        for statement in [
            "UPDATE terminal SET user_count = 118, user_capacity = 3000, fp_count = 2, fp_capacity = 3000, \
                 face_func_on = TRUE, face_count = 0, transaction_count = 95000, transaction_capacity = 100000, \
                 clock_drift_s = -75 WHERE sn = 'GATE01'",
            "UPDATE terminal SET user_count = 2, fp_count = 2, clock_drift_s = 60 WHERE sn = 'DOCK01'",
            "UPDATE terminal SET user_count = 4, clock_drift_s = 0 WHERE sn = 'NEW01'",
        ] {
            put(&door, statement).await;
        }
        server.app.clock.advance(TimeDelta::minutes(3));
        let columns = "state,last_activity,clock_drift,pending,user_count,fp_count,face_count,transaction_count";
        let page = door.get(&format!("/terminals?columns={columns}"), &cookie).await;
        let list = rows(&page);
        let gate = of(&list, "GATE01");
        for (heading, cell) in [
            ("State", "Offline"),
            ("Last contact", "3 min ago 2026-01-15 08:00:00"),
            ("People", "118 of 3000 should be 2"),
            ("Fingers", "2 of 3000"),
            ("Faces", "0"),
            ("Punches kept", "Amiss: 95 000 of 100 000"),
            ("Clock", "Amiss: \u{2212}75 s"),
        ] {
            assert_eq!(gate[heading], cell, "{heading} of {gate:?}");
        }
        // Its own algorithm has one finger of them; what the limit allows is not marked.
        let dock = of(&list, "DOCK01");
        assert_eq!((dock["People"].as_str(), dock["Fingers"].as_str()), ("2", "2 should be 1"));
        assert_eq!(dock["Clock"], "+60 s");
        // Nobody belongs on one that waits, and nothing is said of what should be there.
        let waiting = of(&list, "NEW01");
        assert_eq!((waiting["State"].as_str(), waiting["People"].as_str()), ("Waiting", "4"));
        assert_eq!(waiting["Clock"], "0 s");
        // One that was emptied is to stay so.
        put(&door, "UPDATE terminal SET cleared_by = 1, user_count = 0 WHERE sn = 'DOCK01'").await;
        let list = rows(&door.get("/terminals", &cookie).await);
        assert_eq!(of(&list, "DOCK01")["People"], "0");

        // What waits leads to just that.
        let pending: usize = gate["Commands"].parse().expect("a number");
        assert!(pending > 1, "{gate:?}");
        let address = "/commands?terminal_sn=GATE01&#38;state=queued,sent";
        assert!(page.text.contains(&format!("href=\"{address}\"")), "{}", page.text);
        let commands = door.get(&address.replace("&#38;", "&"), &cookie).await;
        assert_eq!(numbers(&commands), vec!["GATE01"; pending]);
        assert!(commands.text.contains("<option value=\"queued,sent\" selected>"));
        server.obeyed("GATE01").await;
        let list = rows(&door.get("/terminals", &cookie).await);
        assert_eq!(of(&list, "GATE01")["Commands"], "");

        // Programs are told what they always were.
        let api = server.api(Profile::EasyTimePro, Rights::administrator()).await;
        let told = api.get("/iclock/api/terminals/GATE01/").await.is(200);
        assert_eq!(told["user_count"], json!(118));
        assert_eq!(told["clock_drift"], json!(-75));
        assert_eq!(told["last_activity"], json!("2026-01-15 08:00:00"));
        assert!(told.get("pending").is_none() && told.get("fv_count").is_none(), "{told}");
        let file = door.get("/terminals/file?export_type=csv", &cookie).await.text;
        assert!(!file.contains("ago") && !file.contains("should be"), "{file}");
    })
    .await;
}

#[tokio::test]
async fn what_a_column_has_to_say_can_be_chosen_away_and_what_is_spare_chosen() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        let shown = |page: &Answer| -> Vec<String> {
            let mut rows = rows(page);
            rows.remove(0)
                .into_keys()
                .filter(|key| key != "Ticked")
                .collect()
        };
        let usual = shown(&door.get("/terminals", &cookie).await);
        assert!(!usual.contains(&"Firmware".to_owned()) && usual.contains(&"Clock".to_owned()));
        let choose = [("column", "alias"), ("column", "fw_ver"), ("query", "")];
        let chosen = door
            .fill_to("/terminals", "/terminals/columns", &cookie, &choose)
            .await;
        assert_eq!(chosen.header(LOCATION), "/terminals");
        let page = door.get("/terminals", &cookie).await;
        assert_eq!(shown(&page), ["Alias", "Firmware", "Serial number"]);
        // Just the usual ones again is no choice, and nothing of it is kept.
        let keys = [
            "alias",
            "state",
            "area.area_name",
            "last_activity",
            "user_count",
            "transaction_count",
            "clock_drift",
            "pending",
        ];
        let choose: Vec<(&str, &str)> = keys.map(|key| ("column", key)).into();
        door.fill_to("/terminals", "/terminals/columns", &cookie, &choose)
            .await;
        assert_eq!(shown(&door.get("/terminals", &cookie).await), usual);
        assert_eq!(server.number("SELECT COUNT(*) FROM console_view").await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_silent_terminal_is_one_that_does_not_wait_and_the_first_page_leads_to_just_those() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        put(&door, "UPDATE terminal SET last_activity_at = '2026-01-14T00:00:00+00:00' WHERE sn <> 'GATE01'").await;
        let of = |query: &'static str| {
            let (door, cookie) = (&door, &cookie);
            async move { numbers(&door.get(&format!("/terminals?{query}"), cookie).await) }
        };
        assert_eq!(of("state=1").await, ["GATE01"]);
        assert_eq!(of("state=0").await, ["DOCK01"]);
        assert_eq!(of("state=waiting").await, ["NEW01"]);
        assert_eq!(of("ordering=presence").await, ["DOCK01", "GATE01", "NEW01"]);
        let today = door.get("/", &cookie).await.text;
        assert!(today.contains("<a href=\"/terminals?state=0\">1 terminal is offline"), "{today}");
        let page = door.get("/terminals?state=waiting", &cookie).await;
        assert!(page.text.contains("<option value=\"waiting\" selected>Waiting</option>"));
        assert!(page.text.contains("Show all"), "it is narrowed");
        let file = door.get("/terminals/file?export_type=csv&state=0", &cookie).await.text;
        assert!(file.contains("DOCK01") && !file.contains("NEW01"), "{file}");

        // To programs it is what it was, and people's words are there under a name of their own.
        let api = server.api(Profile::EasyTimePro, Rights::administrator()).await;
        let said = |list: serde_json::Value| -> Vec<String> {
            let rows = list["data"].as_array().cloned().unwrap_or_default();
            rows.iter().map(|row| row["sn"].as_str().unwrap_or_default().to_owned()).collect()
        };
        let list = "/iclock/api/terminals/?ordering=sn";
        assert_eq!(said(api.get(&format!("{list}&state=0")).await.is(200)), ["DOCK01", "NEW01"]);
        assert_eq!(said(api.get(&format!("{list}&presence=offline")).await.is(200)), ["DOCK01"]);
        assert_eq!(said(api.get(&format!("{list}&presence=waiting")).await.is(200)), ["NEW01"]);
    })
    .await;
    // Where everybody is let in nobody waits.
    on_both_with(|config| config.terminals.admission = Admission::Open, |server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        put(&door, "UPDATE terminal SET last_activity_at = '2026-01-14T00:00:00+00:00' WHERE sn <> 'GATE01'").await;
        let silent = door.get("/terminals?state=0", &cookie).await;
        let mut silent = numbers(&silent);
        silent.sort();
        assert_eq!(silent, ["DOCK01", "NEW01"]);
        assert_eq!(numbers(&door.get("/terminals?state=waiting", &cookie).await), [""; 0]);
        assert!(door.get("/", &cookie).await.text.contains(">2 terminals are offline"));
    })
    .await;
}

async fn put_into(door: &Door, cookie: &str, area: &str, terminals: &[i64]) -> Answer {
    let csrf = door.get("/account", cookie).await.csrf();
    let ids: Vec<String> = terminals.iter().map(ToString::to_string).collect();
    let mut fields = vec![
        ("csrf", csrf.as_str()),
        ("act", "adjust_area"),
        ("sure", "yes"),
        ("area", area),
    ];
    fields.extend(ids.iter().map(|id| ("rows", id.as_str())));
    door.post("/terminals/do", cookie, &fields).await
}

#[tokio::test]
async fn terminals_that_wait_are_authorised_together_and_moved_all_of_them_or_none() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        let call = "/iclock/cdata?SN=NEW02&options=all&pushver=2.4.1";
        assert_eq!(server.get(call).await.status, 403);
        let second = server
            .number("SELECT id FROM terminal WHERE sn = 'NEW02'")
            .await;
        let list = door
            .get("/terminals?state=waiting&ordering=sn", &cookie)
            .await;
        assert_eq!(numbers(&list), ["NEW01", "NEW02"]);
        assert!(list.text.contains("Put into an area"), "{}", list.text);

        let warehouse = WAREHOUSE.to_string();
        let nowhere = put_into(&door, &cookie, "", &[WAITING, second]).await;
        assert_eq!(nowhere.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            nowhere.text.contains("This field is required."),
            "{}",
            nowhere.text
        );
        assert_eq!(
            (door.area_of(WAITING).await, door.area_of(second).await),
            (1, 1)
        );
        let done = put_into(&door, &cookie, &warehouse, &[second, WAITING]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
        let shown = door.get(done.header(LOCATION), &cookie).await.text;
        assert!(
            shown.contains("Put into an area, 2 of them: Done."),
            "{shown}"
        );
        for terminal in [WAITING, second] {
            assert_eq!(door.area_of(terminal).await, WAREHOUSE);
        }
        assert_eq!(server.get(call).await.status, 200, "it is let in");
        let changed = |deeds: &[(String, String, String)]| {
            deeds
                .iter()
                .filter(|(_, action, _)| action == "update")
                .count()
        };
        assert_eq!(changed(&door.audit().await), 2);

        // Back in area 1 it is held again.
        let held = put_into(&door, &cookie, "1", &[second]).await;
        assert_eq!(held.status, StatusCode::SEE_OTHER, "{}", held.text);
        assert_eq!(server.get(call).await.status, 403);

        // Who does not see one of them moves none; who may not change terminals is not offered it.
        let changes = rights(&[Right::View(Thing::Terminal), Right::Change(Thing::Terminal)]);
        let keeper = door.user("keeper", changes, Some(&warehouse)).await;
        let refused = put_into(&door, &keeper, &warehouse, &[WAITING, GATE]).await;
        assert_ne!(refused.status, StatusCode::SEE_OTHER, "{}", refused.text);
        let beyond = put_into(&door, &keeper, &HEAD_OFFICE.to_string(), &[WAITING]).await;
        assert_eq!(
            beyond.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            beyond.text
        );
        let sees = rights(&[Right::View(Thing::Terminal), Right::TerminalCommand]);
        let vera = door.user("vera", sees, None).await;
        assert!(
            !door
                .get("/terminals", &vera)
                .await
                .text
                .contains("Put into an area")
        );
        let refused = put_into(&door, &vera, "1", &[WAITING]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert_eq!(door.area_of(WAITING).await, WAREHOUSE);
        assert_eq!(changed(&door.audit().await), 3);
    })
    .await;
}

/// A command of a terminal, of some day, in some state.
async fn command(door: &Door, number: i64, terminal: i64, state: &str, day: &str) {
    door.run(Sql::by_dialect(
        "INSERT INTO terminal_command (company_id, terminal_id, wire_id, verb, shown, body_sealed, idempotent, state, \
             created_at) \
         SELECT company_id, id, $2, 'REBOOT', 'REBOOT', '', false, $3, $4 FROM terminal WHERE id = $1",
        "INSERT INTO terminal_command (company_id, terminal_id, wire_id, verb, shown, body_sealed, idempotent, state, \
             created_at) \
         SELECT company_id, id, $2, 'REBOOT', 'REBOOT', '', false, $3, CAST($4 AS timestamptz) FROM terminal WHERE id = $1",
        [
            terminal.into(),
            number.into(),
            state.into(),
            format!("{day}T12:00:00+00:00").into(),
        ],
    ))
    .await;
}

#[tokio::test]
async fn the_first_page_counts_the_failed_commands_it_leads_to() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        let all = [
            (GATE, "refused", "2026-01-14"),
            (GATE, "lost", "2026-01-15"),
            (DOCK, "expired", "2026-01-15"),
            (GATE, "refused", "2026-01-13"),
            (GATE, "done", "2026-01-15"),
            (WAITING, "cancelled", "2026-01-14"),
        ];
        for (number, (terminal, state, day)) in (1..).zip(all) {
            command(&door, number, terminal, state, day).await;
        }
        let today = door.get("/", &cookie).await.text;
        let address = "/commands?create_time_start=2026-01-14&#38;state=refused%2Clost%2Cexpired";
        let task = format!("<a href=\"{address}\">3 of the commands since yesterday were refused");
        assert!(today.contains(&task), "{today}");
        let list = door.get(&address.replace("&#38;", "&"), &cookie).await;
        assert_eq!(rows(&list).len(), 3, "{}", list.text);
        assert!(
            list.text
                .contains("value=\"refused,lost,expired\" selected")
        );
        assert!(
            list.text
                .contains("name=\"create_time_start\" value=\"2026-01-14\"")
        );
        let of_a_day = "/commands?create_time_start=2026-01-13&create_time_end=2026-01-13";
        assert_eq!(rows(&door.get(of_a_day, &cookie).await).len(), 1);

        // Who sees one area is told of its own.
        let own = rights(&[Right::View(Thing::Terminal)]);
        let keeper = door.user("keeper", own, Some(&WAREHOUSE.to_string())).await;
        let today = door.get("/", &keeper).await.text;
        assert!(
            today.contains(">1 of the commands since yesterday was refused"),
            "{today}"
        );
    })
    .await;
}

async fn cancel(door: &Door, cookie: &str, commands: &[i64], sure: bool) -> Answer {
    let csrf = door.get("/account", cookie).await.csrf();
    let ids: Vec<String> = commands.iter().map(ToString::to_string).collect();
    let mut fields = vec![("csrf", csrf.as_str()), ("act", "cancel_several")];
    fields.extend(ids.iter().map(|id| ("rows", id.as_str())));
    if sure {
        fields.push(("sure", "yes"));
    }
    door.post("/commands/do", cookie, &fields).await
}

async fn states(server: &TestApp) -> Vec<String> {
    let states: Vec<(String,)> = server
        .app
        .store
        .all(&Sql::new(
            "SELECT state FROM terminal_command ORDER BY id",
            [],
        ))
        .await
        .expect("read");
    states.into_iter().map(|(state,)| state).collect()
}

#[tokio::test]
async fn queued_commands_are_taken_back_in_the_list_all_of_them_or_none() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        let all = [
            (GATE, "queued"),
            (DOCK, "queued"),
            (GATE, "sent"),
            (GATE, "queued"),
        ];
        for (number, (terminal, state)) in (1..).zip(all) {
            command(&door, number, terminal, state, "2026-01-15").await;
        }
        let ids: Vec<(i64,)> = server
            .app
            .store
            .all(&Sql::new("SELECT id FROM terminal_command ORDER BY id", []))
            .await
            .expect("read");
        let ids: Vec<i64> = ids.into_iter().map(|(id,)| id).collect();
        let before = states(&server).await;

        let asked = cancel(&door, &cookie, &ids[..2], false).await;
        assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
        assert!(
            asked
                .text
                .contains("Their terminals are not given them any more.")
        );
        assert_eq!(states(&server).await, before, "nobody was sure yet");
        // One of them is with its terminal already: none is taken back, and it is said which.
        let refused = cancel(&door, &cookie, &ids[..3], true).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        let why = "Only queued commands can be cancelled; REBOOT to GATE01 is sent.";
        assert!(refused.text.contains(why), "{}", refused.text);
        assert_eq!(states(&server).await, before);

        let done = cancel(&door, &cookie, &ids[..2], true).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
        let shown = door.get(done.header(LOCATION), &cookie).await.text;
        assert!(
            shown.contains("Take back, 2 of them: they are cancelled."),
            "{shown}"
        );
        assert_eq!(
            states(&server).await,
            ["cancelled", "cancelled", "sent", "queued"]
        );
        let deeds = door.audit().await;
        assert_eq!(
            deeds
                .iter()
                .filter(|(_, action, _)| action == "cancel")
                .count(),
            2
        );

        // The right to tell terminals something is needed, and the area.
        let sees = door
            .user("vera", rights(&[Right::View(Thing::Terminal)]), None)
            .await;
        assert!(
            !door
                .get("/commands", &sees)
                .await
                .text
                .contains("cancel_several")
        );
        assert_eq!(
            cancel(&door, &sees, &ids[3..], true).await.status,
            StatusCode::FORBIDDEN
        );
        let both = rights(&[Right::View(Thing::Terminal), Right::TerminalCommand]);
        let keeper = door
            .user("keeper", both, Some(&WAREHOUSE.to_string()))
            .await;
        let refused = cancel(&door, &keeper, &ids[3..], true).await;
        assert_ne!(refused.status, StatusCode::SEE_OTHER, "{}", refused.text);
        assert_eq!(
            states(&server).await,
            ["cancelled", "cancelled", "sent", "queued"]
        );
    })
    .await;
}

#[tokio::test]
async fn one_that_never_called_says_so_and_those_with_something_amiss_are_a_list() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        let api = server.api(Profile::EasyTimePro, Rights::administrator()).await;
        let list = "/iclock/api/terminals/";
        for number in 1..=7 {
            let new = json!({ "sn": format!("BAD0{number}"), "area": "2" });
            api.post(list, new).await.is(201);
        }
        let never = of(&rows(&door.get("/terminals?search=BAD01", &cookie).await), "BAD01").clone();
        assert_eq!(never["Last contact"], "never");
        for statement in [
            "UPDATE terminal SET clock_drift_s = -61 WHERE sn LIKE 'BAD0%'",
            "UPDATE terminal SET clock_drift_s = 60, transaction_count = 8, transaction_capacity = 9 WHERE sn = 'BAD07'",
            "UPDATE terminal SET transaction_count = 90, transaction_capacity = 100 WHERE sn = 'DOCK01'",
            "UPDATE terminal SET transaction_count = 89, transaction_capacity = 99 WHERE sn = 'GATE01'",
            "UPDATE terminal SET clock_drift_s = 600 WHERE sn = 'NEW01'",
        ] {
            put(&door, statement).await;
        }
        let ailing = ["BAD01", "BAD02", "BAD03", "BAD04", "BAD05", "BAD06", "DOCK01"];
        let page = door.get("/terminals?amiss=true&ordering=sn", &cookie).await;
        assert_eq!(numbers(&page), ailing);
        let well = api.get(&format!("{list}?amiss=0&ordering=sn")).await.is(200);
        assert_eq!(well["count"], 3, "one that waits is not amiss: {well}");
        api.get(&format!("{list}?amiss=perhaps")).await.is(400);
        let all = "<a href=\"/terminals?amiss=true\">";
        assert!(!door.get("/", &cookie).await.text.contains(all), "each is named");
        put(&door, "UPDATE terminal SET transaction_count = 90 WHERE sn = 'GATE01'").await;
        put(&door, "UPDATE terminal SET clock_drift_s = 61 WHERE sn = 'BAD07'").await;
        let today = door.get("/", &cookie).await.text;
        assert!(today.contains(&format!("{all}9 terminals have something amiss")), "{today}");
        // No number is too large for it.
        put(&door, "UPDATE terminal SET transaction_count = 9223372036854775807, \
             transaction_capacity = 9223372036854775807 WHERE sn = 'GATE01'").await;
        let page = door.get("/terminals?amiss=true&sn=GATE01", &cookie).await;
        assert_eq!(numbers(&page), ["GATE01"]);
    })
    .await;
}

#[tokio::test]
async fn what_a_terminal_would_not_take_is_a_list_of_its_own() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        server
            .get("/iclock/cdata?SN=GATE01&options=all&pushver=2.4.1")
            .await;
        for (code, name) in [("7", "Asha"), ("8", "Ben"), ("9", "Chen")] {
            door.hire(&cookie, code, name).await;
        }
        // One is taken, one never will be, and one is tried again later.
        let code = |text: &str| match text {
            text if text.contains("PIN=8\t") => -1002,
            text if text.contains("PIN=9\t") => -1005,
            _ => 0,
        };
        server.answered("GATE01", code).await;
        let page = door.get(&format!("/terminals/{GATE}"), &cookie).await.text;
        let address = "/holdings?terminal_sn=GATE01&#38;state=waits,failed";
        for told in ["Things of people that it would not take: 2.", address] {
            assert!(page.contains(told), "{told}\n{page}");
        }
        let list = door.get(&address.replace("&#38;", "&"), &cookie).await;
        assert!(
            list.text
                .contains("<option value=\"waits,failed\" selected>"),
            "{}",
            list.text
        );
        let shown: Vec<[String; 4]> = rows(&list)
            .into_iter()
            .map(|row| ["Code", "Name", "What", "State"].map(|heading| row[heading].clone()))
            .collect();
        assert_eq!(
            shown,
            [
                ["8", "Ben", "Record", "Failed"],
                ["9", "Chen", "Record", "Tried again later"]
            ]
        );

        let count = async |query: &str| {
            let list = door
                .get(&format!("/holdings?terminal_sn=GATE01&{query}"), &cookie)
                .await;
            rows(&list).len()
        };
        assert_eq!(count("state=confirmed").await, 1);
        assert_eq!(count("thing_icontains=user").await, 3);
        assert_eq!(count("thing_icontains=bio").await, 0);
        // Kinds are called what they are called elsewhere, whatever number terminals have for them.
        let vein = "BIODATA Pin=7\tNo=0\tIndex=1\tValid=1\tDuress=0\tType=7\tMajorVer=3\tMinorVer=0\tFormat=0\tTmp=dmVpbg==\n";
        let path = "/iclock/cdata?SN=GATE01&table=BIODATA&Stamp=1";
        assert_eq!(server.post(path, vein).await.status, 200);
        let list = door
            .get("/holdings?thing_icontains=bio", &cookie)
            .await;
        let what: Vec<String> = rows(&list).iter().map(|row| row["What"].clone()).collect();
        assert_eq!(what, ["Finger vein 0 1"]);
        let api = server
            .api(Profile::EasyTimePro, Rights::administrator())
            .await;
        let list = api
            .get("/iclock/api/holdings/?thing_icontains=USE&state=waits,failed")
            .await;
        assert_eq!(list.is(200)["count"], 2);
    })
    .await;
}

#[tokio::test]
async fn a_code_stands_beside_the_name_of_whoever_has_it() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        door.hire(&cookie, "7", "Asha <b>").await;
        let target = "/iclock/cdata?SN=GATE01&table=OPERLOG&Stamp=1";
        let brought = "FP PIN=7\tFID=1\tSize=8\tValid=1\tTMP=SGVsbG8x\n\
                       FP PIN=8\tFID=2\tSize=8\tValid=1\tTMP=SGVsbG8y\n\
                       OPLOG 4\t7\t2026-01-15 08:00:00\t0\t0\t0\t0\n";
        assert_eq!(server.post(target, brought).await.status, 200);
        let link = format!(
            "<a href=\"/employees/{}/punches\">7</a>",
            door.person("7").await
        );
        let lists = [
            ("/biometrics", "Code"),
            ("/holdings", "Code"),
            ("/operations", "By PIN"),
        ];
        let things = [Thing::Terminal, Thing::Biodata].map(Right::View);
        let vera = door.user("vera", rights(&things), None).await;
        for (list, code) in lists {
            let page = door.get(list, &cookie).await;
            assert!(page.text.contains(&link), "{list}: {}", page.text);
            let rows_of_7 = |page: &Answer| -> Vec<String> {
                let rows = rows(page).into_iter().filter(|row| row[code] == "7");
                rows.map(|row| row["Name"].clone()).collect()
            };
            let names = rows_of_7(&page);
            assert!(
                !names.is_empty() && names.iter().all(|name| name == "Asha &#60;b&#62;"),
                "{list}: {names:?}"
            );
            // Who may not see people reads the code alone.
            let hers = door.get(list, &vera).await;
            let names = rows_of_7(&hers);
            assert!(
                !names.is_empty() && names.iter().all(String::is_empty),
                "{list}: {names:?}"
            );
            assert!(!hers.text.contains("Asha"), "{list}: {}", hers.text);
        }

        // What is to be deleted is named by the person it is of, where somebody is.
        let page = door.get("/biometrics", &cookie).await;
        for name in ["7 Asha &#60;b&#62; Fingerprint 1", "8 Fingerprint 2"] {
            assert!(
                page.text.contains(&format!("aria-label=\"{name}")),
                "{name}: {}",
                page.text
            );
        }
        let id = server
            .number("SELECT id FROM biometric WHERE pin = '7'")
            .await
            .to_string();
        let csrf = page.csrf();
        let fields = [("csrf", csrf.as_str()), ("rows", &id)];
        let asked = door.post("/biometrics/remove", &cookie, &fields).await;
        assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
        assert!(
            asked.text.contains("7 Asha &#60;b&#62; Fingerprint 1"),
            "{}",
            asked.text
        );
        // Files have the code.
        let file = door
            .get("/biometrics/file?export_type=csv", &cookie)
            .await
            .text;
        assert!(!file.contains("Asha"), "{file}");
    })
    .await;
}

#[tokio::test]
async fn an_unread_line_opens_and_is_shown_to_who_may_see_what_it_may_hold() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        let long = format!("rain {}", "x".repeat(50_000));
        for (table, body) in [("ATTLOG", "no <b>time\n"), ("WEATHER", &long), ("WEATHER", "PIN=1\tTMP=\u{1}A")] {
            let target = format!("/iclock/cdata?SN=GATE01&table={table}&Stamp=1");
            assert_eq!(server.post(&target, body).await.status, 200);
        }
        let ids: Vec<(i64,)> = server
            .app
            .store
            .all(&Sql::new("SELECT id FROM unread_line ORDER BY id", []))
            .await
            .expect("read");
        let [first, whole, odd] = [0, 1, 2].map(|place| format!("/unread/{}", ids[place].0));

        let list = door.get("/unread?terminal_sn=GATE01", &cookie).await.text;
        assert!(list.contains(&format!("<a href=\"{first}?from=terminal_sn%3DGATE01\">")), "{list}");
        assert!(!list.contains("/unread/new") && !list.contains("no &#60;b"), "{list}");
        let page = door.get(&format!("{first}?from=terminal_sn%3DGATE01"), &cookie).await.text;
        for told in [
            "<code translate=\"no\">no &#60;b&#62;time</code>",
            "<code translate=\"no\">bm8gPGI+dGltZQ==</code>",
            "<a href=\"/unread?terminal_sn=GATE01\">",
            "<dd>ATTLOG</dd>",
            &format!("<a href=\"/terminals/{GATE}\">GATE01</a>"),
        ] {
            assert!(page.contains(told), "{told}\n{page}");
        }
        assert!(!page.contains("Only the beginning"), "{page}");
        let page = door.get(&odd, &cookie).await.text;
        assert!(page.contains(">PIN=1\tTMP=\u{fffd}A</code>"), "{page}");
        // Of a long one the beginning.
        let page = door.get(&whole, &cookie).await.text;
        let told = format!("programs read all of it at /iclock/api{whole}/.");
        assert!(page.contains(&told), "{page}");
        let base64 = page.rsplit_once("</code>").and_then(|(page, _)| page.rsplit_once('>'));
        assert_eq!(base64.map(|(_, base64)| base64.len()), Some(40_000));
        assert!(page.contains(&format!(">rain {}</code>", "x".repeat(39_995))), "{page}");

        // Who may see terminals and not all that a line may hold reads what the list says, and why no more.
        let some = [Right::View(Thing::Terminal), Right::BiometricsView];
        let vera = door.user("vera", rights(&some), None).await;
        let page = door.get(&first, &vera).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text.contains("<dd>ATTLOG</dd>"), "{}", page.text);
        let why = "A line may hold templates and passwords: it is shown to those alone who may read both.";
        assert!(page.text.contains(why), "{}", page.text);
        assert!(!page.text.contains("no &#60;b") && !page.text.contains("bm8g"), "{}", page.text);

        // It is of a terminal, which has its area.
        let area = WAREHOUSE.to_string();
        let elsewhere = door.user("ines", Rights::viewer(), Some(&area)).await;
        assert_eq!(door.get(&first, &elsewhere).await.status, StatusCode::NOT_FOUND);
        let nobody = door.user("nora", rights(&[]), None).await;
        assert_eq!(door.get(&first, &nobody).await.status, StatusCode::FORBIDDEN);
        assert_eq!(door.get("/unread/999999", &cookie).await.status, StatusCode::NOT_FOUND);
    })
    .await;
}
