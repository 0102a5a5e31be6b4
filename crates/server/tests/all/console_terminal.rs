//! The page of one terminal over HTTP: what it tells, what can be done there, and who may.

use crate::console::{DOCK, Door, GATE, HEAD_OFFICE, WAITING, WAREHOUSE, rights};
use crate::testing::{TestApp, on_both};
use axum::http::{StatusCode, header};
use chrono::TimeDelta;
use muster::access::{Right, Thing};

async fn page(door: &Door, id: i64, cookie: &str) -> String {
    let answer = door.get(&format!("/terminals/{id}"), cookie).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.text
}

/// Asks for an act and says that one is sure.
async fn sure(
    door: &Door,
    cookie: &str,
    id: i64,
    act: &str,
    more: &[(&str, &str)],
) -> crate::console::Answer {
    let (csrf, id) = (door.get("/terminals", cookie).await.csrf(), id.to_string());
    let mut fields = vec![
        ("csrf", csrf.as_str()),
        ("act", act),
        ("rows", &id),
        ("on", id.as_str()),
        ("sure", "yes"),
    ];
    fields.extend_from_slice(more);
    door.post("/terminals/do", cookie, &fields).await
}

async fn handshake(server: &TestApp, sn: &str) -> u16 {
    let target = format!("/iclock/cdata?SN={sn}&options=all&pushver=2.4.1");
    server.get(&target).await.status
}

#[tokio::test]
async fn a_terminals_page_says_why_there_is_no_punch() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;

        // It waits: it is refused, and the page says both.
        assert_eq!(handshake(&server, "NEW01").await, 403);
        let waiting = page(&door, WAITING, &cookie).await;
        assert!(waiting.contains("it waits to be authorised"), "{waiting}");
        let list = door.get("/terminals", &cookie).await.text;
        assert_eq!(list.matches(">Waiting</span>").count(), 1, "{list}");
        for state in ["state warn\">Waiting<", "state good\">Online<"] {
            assert!(list.contains(state), "{list}");
        }
        assert!(waiting.contains("starts, and asks for its options"));
        assert!(waiting.contains("refused, not authorised: it keeps what it has"));

        // It calls, sends a punch of nobody, one that cannot be read, and a person with a password.
        assert_eq!(handshake(&server, "GATE01").await, 200);
        for _ in 0..3 {
            server.get("/iclock/getrequest?SN=GATE01").await;
        }
        let punches = "7\t2026-01-15 13:30:00\t0\t1\nno time\n";
        let target = "/iclock/cdata?SN=GATE01&table=ATTLOG&Stamp=1";
        assert_eq!(server.post(target, punches).await.status, 200);
        let person = "USER PIN=8\tName=Rani\tPri=0\tPasswd=4711\tCard=\tGrp=1\n\
                      FP PIN=8\tFID=1\tSize=8\tValid=1\tTMP=SGVsbG8x\n";
        let target = "/iclock/cdata?SN=GATE01&table=OPERLOG&Stamp=1";
        assert_eq!(server.post(target, person).await.status, 200);
        let target = "/iclock/cdata?SN=GATE01&table=options";
        let options = "~DeviceName=SpeedFace,MAC=00:17:61:aa:bb:<1";
        assert_eq!(server.post(target, options).await.status, 200);
        let gate = page(&door, GATE, &cookie).await;
        assert!(!page(&door, DOCK, &cookie).await.contains("MAC address"));
        for told in [
            "<dt>MAC address</dt><dd>00:17:61:aa:bb:&#60;1</dd>",
            "It calls: the last time",
            "Its last punch here is of PIN 7, 2026-01-15 13:30:00 +05:30 by its clock",
            "Punches of PINs nobody has: 1.",
            "Lines it sent that nobody can read: 1.",
            "brings ATTLOG, lines: 2; first: 7 2026-01-15 13:30:00 0 1",
            "taken; kept unread: 1 (bad_time)",
            "brings OPERLOG, lines: 2",
            "<td class=\"long\">asks what to do</td><td>3</td>",
        ] {
            assert!(gate.contains(told), "{told}\n{gate}");
        }
        assert!(!gate.contains("4711") && !gate.contains("SGVsbG8x"));
        // Who may see the terminal, and no punches, reads neither whose they are.
        let sees = rights(&[Right::View(Thing::Terminal)]);
        let watcher = door.user("watcher", sees, None).await;
        let gate = page(&door, GATE, &watcher).await;
        let told = [
            "Its last punch here was received",
            "brings ATTLOG, lines: 2; first: …",
        ];
        assert!(told.iter().all(|told| gate.contains(told)), "{gate}");
        assert!(
            !gate.contains("of PIN 7") && !gate.contains("first: 7"),
            "{gate}"
        );
        // What one said is not told of another.
        assert!(!page(&door, DOCK, &cookie).await.contains("ATTLOG"));
        let unread = door.get("/unread?terminal_sn=GATE01", &cookie).await.text;
        assert!(unread.contains("The time is none"), "{unread}");
        server.app.clock.advance(TimeDelta::minutes(3));
        let list = door.get("/terminals", &cookie).await.text;
        assert!(list.contains("state bad\">Offline<"), "{list}");
    })
    .await;
}

#[tokio::test]
async fn a_terminal_is_told_things_and_emptied_only_by_its_serial_number() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        assert_eq!(handshake(&server, "GATE01").await, 200);

        // Nothing happens before somebody is sure.
        let csrf = door.get("/terminals", &cookie).await.csrf();
        let id = GATE.to_string();
        let fields = [("csrf", csrf.as_str()), ("act", "reboot"), ("rows", &id)];
        let asked = door.post("/terminals/do", &cookie, &fields).await;
        assert_eq!(asked.status, StatusCode::OK);
        assert!(asked.text.contains("Restart?") && asked.text.contains("GATE01 Gate"));
        assert_eq!(
            server.number("SELECT COUNT(*) FROM terminal_command").await,
            0
        );

        let done = sure(&door, &cookie, GATE, "reboot", &[]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER);
        let to = done.header(header::LOCATION).to_owned();
        assert_eq!(to, format!("/terminals/{GATE}?done=did-1-reboot"));
        let shown = door.get(&to, &cookie).await.text;
        assert!(shown.contains("Restart: queued."), "{shown}");
        assert!(shown.contains("REBOOT") && shown.contains("1 queued, 0 not answered"));

        // It is taken back before the terminal asks.
        let (command,): (i64,) = door
            .app
            .store
            .one(&muster_store::Sql::new(
                "SELECT id FROM terminal_command",
                [],
            ))
            .await
            .expect("queued");
        let fields = [("csrf", csrf.as_str()), ("terminal", id.as_str())];
        let cancel = format!("/commands/{command}/cancel");
        let cancelled = door.post(&cancel, &cookie, &fields).await;
        assert_eq!(cancelled.status, StatusCode::SEE_OTHER);
        assert_eq!(server.told("GATE01").await, [""; 0]);

        // What is wrong stands at its field, and the rest stays as it was typed.
        let half = [("start_time", "2026-01-01")];
        let refused = sure(&door, &cookie, GATE, "upload_transaction", &half).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            refused.text.contains("value=\"2026-01-01\"")
                && refused.text.contains("This field is required.")
        );
        let whole = [("start_time", "2026-01-01"), ("end_time", "2026-01-02")];
        let again = sure(&door, &cookie, GATE, "upload_transaction", &whole).await;
        assert_eq!(again.status, StatusCode::SEE_OTHER);
        let told = server.told("GATE01").await;
        assert_eq!(
            told,
            ["DATA QUERY ATTLOG StartTime=2026-01-01 00:00:00\tEndTime=2026-01-02 23:59:59"]
        );
        assert!(
            page(&door, GATE, &cookie)
                .await
                .contains("given commands: 1 (DATA QUERY ATTLOG)")
        );

        for typed in ["", "gate01", "DOCK01"] {
            let refused = sure(&door, &cookie, GATE, "clear_all", &[("typed", typed)]).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
            let field = format!(
                "<input id=\"typed\" name=\"typed\" value=\"{typed}\" required autocapitalize=\"none\" \
                 spellcheck=\"false\" aria-invalid=\"true\" aria-describedby=\"typed-about\">"
            );
            assert!(refused.text.contains(&field), "{}", refused.text);
            assert!(refused.text.contains("That is not what has to be typed."));
            assert!(!refused.text.contains("role=\"alert\""));
        }
        assert_eq!(
            server.number("SELECT COUNT(*) FROM terminal_command").await,
            2
        );
        let emptied = sure(&door, &cookie, GATE, "clear_all", &[("typed", "GATE01")]).await;
        assert_eq!(emptied.status, StatusCode::SEE_OTHER);
        assert_eq!(server.told("GATE01").await, ["CLEAR DATA"]);
        // Of several it is how many they are.
        let dock = DOCK.to_string();
        let both = |typed| [("rows", dock.as_str()), ("typed", typed)];
        for typed in ["GATE01", "DOCK01 GATE01", "1", ""] {
            let refused = sure(&door, &cookie, GATE, "clear_all", &both(typed)).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
            let label = "To be sure, type how many they are: <code>2</code>";
            assert!(refused.text.contains(label), "{}", refused.text);
        }
        assert!(server.told("DOCK01").await.is_empty());
        let emptied = sure(&door, &cookie, GATE, "clear_all", &both("2")).await;
        assert_eq!(emptied.status, StatusCode::SEE_OTHER, "{}", emptied.text);
        assert_eq!(server.told("DOCK01").await, ["CLEAR DATA"]);
        let deeds: Vec<String> = door
            .audit()
            .await
            .into_iter()
            .map(|(_, action, _)| action)
            .collect();
        assert!(
            deeds.ends_with(
                &["reboot", "cancel", "upload_transaction", "clear_all", "clear_all", "clear_all"].map(Into::into)
            ),
            "{deeds:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn acts_have_their_rights_and_stay_within_the_roles_areas() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let sees = rights(&[Right::View(Thing::Terminal)]);
        let viewer = door.user("looker", sees, None).await;
        let shown = page(&door, GATE, &viewer).await;
        assert!(!shown.contains("What it can be told") && !shown.contains("/form\""));
        assert_eq!(
            sure(&door, &viewer, GATE, "reboot", &[]).await.status,
            StatusCode::FORBIDDEN
        );

        let tells = rights(&[Right::View(Thing::Terminal), Right::TerminalCommand]);
        let keeper = door
            .user("keeper", tells, Some(&WAREHOUSE.to_string()))
            .await;
        let answer = door.get(&format!("/terminals/{GATE}"), &keeper).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        let shown = page(&door, DOCK, &keeper).await;
        assert!(
            shown.contains("Restart…") && !shown.contains("Open the door…"),
            "{shown}"
        );
        assert!(shown.contains("&#60;script&#62;") && !shown.contains("<script>alert"));
        let beyond = sure(&door, &keeper, GATE, "reboot", &[]).await;
        assert_eq!(beyond.status, StatusCode::UNPROCESSABLE_ENTITY);
        let own = sure(&door, &keeper, DOCK, "reboot", &[]).await;
        assert_eq!(own.status, StatusCode::SEE_OTHER);
        assert_eq!(
            server.number("SELECT COUNT(*) FROM terminal_command").await,
            1
        );
        assert_eq!(door.area_of(GATE).await, HEAD_OFFICE);
    })
    .await;
}

#[tokio::test]
async fn how_far_a_terminal_is_with_its_people_is_shown_until_it_has_confirmed_all() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        assert_eq!(handshake(&server, "GATE01").await, 200);
        let told = "Confirmed of what it is told of people";
        assert!(!page(&door, GATE, &cookie).await.contains(told));
        door.hire(&cookie, "7", "Asha").await;
        door.hire(&cookie, "8", "Ben").await;
        let told = "value=\"0\" aria-label=\"Confirmed of what it is told of people\"></progress> 0 of 2 confirmed";
        let gate = page(&door, GATE, &cookie).await;
        assert!(gate.contains(told), "{gate}");
        server.obeyed("GATE01").await;
        assert!(!page(&door, GATE, &cookie).await.contains("aria-label=\"Confirmed"));
    })
    .await;
}

#[tokio::test]
async fn a_terminal_is_removed_only_by_its_serial_number_and_several_by_how_many_they_are() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        let csrf = door.get("/terminals", &cookie).await.csrf();
        let remove = async |rows: &[i64], typed: Option<&str>| {
            let rows: Vec<String> = rows.iter().map(i64::to_string).collect();
            let mut fields = vec![("csrf", csrf.as_str())];
            fields.extend(rows.iter().map(|row| ("rows", row.as_str())));
            fields.extend(typed.map(|typed| ("typed", typed)));
            fields.extend(typed.map(|_| ("sure", "yes")));
            door.post("/terminals/remove", &cookie, &fields).await
        };
        const THERE: &str = "SELECT COUNT(*) FROM terminal";
        let before = server.number(THERE).await;

        let asked = remove(&[DOCK], None).await;
        assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
        assert!(
            asked.text.contains("To be sure, type <code>DOCK01</code>"),
            "{}",
            asked.text
        );
        for typed in ["", "dock01", "1", "GATE01"] {
            let refused = remove(&[DOCK], Some(typed)).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
            assert!(
                refused.text.contains("That is not what has to be typed."),
                "{}",
                refused.text
            );
        }
        for typed in ["", "DOCK01", "1", "3"] {
            let refused = remove(&[DOCK, WAITING], Some(typed)).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
            assert!(
                refused
                    .text
                    .contains("type how many they are: <code>2</code>"),
                "{}",
                refused.text
            );
        }
        assert_eq!(server.number(THERE).await, before);
        let gone = remove(&[GATE], Some("GATE01")).await;
        assert_eq!(
            gone.header(header::LOCATION),
            "/terminals?done=removed-1",
            "{}",
            gone.text
        );
        let gone = remove(&[DOCK, WAITING], Some("2")).await;
        assert_eq!(
            gone.header(header::LOCATION),
            "/terminals?done=removed-2",
            "{}",
            gone.text
        );
        assert_eq!(server.number(THERE).await, before - 3);
    })
    .await;
}
