//! The first page over HTTP: the day in figures, what there is to do, the first steps, and for whom.

use crate::console::{Door, WAREHOUSE, rights};
use crate::testing::on_both;
use muster::access::{Right, Thing};

fn figure(page: &str, name: &str) -> String {
    let (_, rest) = page
        .split_once(&format!("<dt>{name}</dt><dd>"))
        .unwrap_or_else(|| panic!("no {name} in {page}"));
    rest.split('<').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_day_is_told_by_the_first_and_the_last_punch_of_each() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        for (code, name) in [("7", "Asha"), ("8", "<b>Ben"), ("9", "Chen"), ("10", "Dara")] {
            door.hire(&cookie, code, name).await;
        }
        // Asha is in, Ben came late, Chen has left, Dara was here yesterday, and nobody is 99.
        let punches = "7\t2026-01-15 08:59:59\t0\t1\n7\t2026-01-15 12:00:00\t1\t1\n7\t2026-01-15 12:30:00\t0\t1\n\
                       8\t2026-01-15 09:00:01\t255\t1\n\
                       9\t2026-01-15 06:10:00\t0\t1\n9\t2026-01-15 12:20:00\t1\t1\n\
                       10\t2026-01-14 23:59:59\t0\t1\n99\t2026-01-15 12:40:00\t0\t1\n";
        server.bring("GATE01", punches).await;

        let page = door.get("/", &cookie).await.text;
        for (name, count) in [
            ("In now", "2"),
            ("Came today", "3"),
            ("Late", "1"),
            ("Punches", "7"),
            ("Terminals online", "2"),
            ("Silent", "0"),
            ("Waiting", "1"),
        ] {
            assert_eq!(figure(&page, name), count, "{name}\n{page}");
        }
        assert!(page.contains("&#60;b&#62;Ben</a> <span class=\"pin\">8</span></td><td>09:00</td>"), "{page}");
        assert!(!page.contains("Asha"), "she was not late");
        for told in [
            "<title>12:00 to 13:00: 4</title>",
            "1 terminal waits for somebody who authorises them",
            "1 punch is of a PIN that nobody has",
            "href=\"/unregister\"",
        ] {
            assert!(page.contains(told), "{told}\n{page}");
        }
        assert!(!page.contains("First steps"), "people punch already");

        let later = door.get("/?late=06:00", &cookie).await.text;
        assert_eq!(figure(&later, "Late"), "3");
        let odd = door.get("/?late=noon", &cookie).await.text;
        assert_eq!(figure(&odd, "Late"), "1");
    })
    .await;
}

#[tokio::test]
async fn what_is_amiss_with_terminals_is_to_be_done() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        assert!(door.get("/", &cookie).await.text.contains("1 terminal waits"));
        for statement in [
            "UPDATE terminal SET clock_drift_s = -75, clock_seen_at = created_at WHERE sn = 'GATE01'",
            "UPDATE terminal SET transaction_count = 90000, transaction_capacity = 100000 WHERE sn = 'DOCK01'",
            "UPDATE terminal SET clock_drift_s = 60, transaction_count = 89, transaction_capacity = 100 WHERE sn = 'NEW01'",
            "INSERT INTO terminal_command (company_id, terminal_id, wire_id, verb, shown, body_sealed, idempotent, state, \
                 created_at) \
             SELECT company_id, id, 1, 'REBOOT', 'REBOOT', '', false, 'refused', created_at FROM terminal WHERE sn = 'GATE01'",
        ] {
            door.run(muster_store::Sql::new(statement, [])).await;
        }
        let page = door.get("/", &cookie).await.text;
        for told in [
            "Gate: its clock is 75 s slow",
            "its log is nearly full, 90\u{202f}000 of 100\u{202f}000 punches",
            "1 of the commands since yesterday was refused or never answered",
            "href=\"/commands?create_time_start=2026-01-14&#38;state=refused%2Clost%2Cexpired\"",
        ] {
            assert!(page.contains(told), "{told}\n{page}");
        }
        let commands = door.get("/commands?state=refused,lost,expired", &cookie).await;
        assert!(commands.text.contains("REBOOT"));
        assert!(!page.contains("<script>alert"));

        // Who is limited to the warehouse hears of its terminal alone, and of no first steps.
        let own = rights(&[Right::View(Thing::Terminal)]);
        let keeper = door.user("keeper", own, Some(&WAREHOUSE.to_string())).await;
        let page = door.get("/", &keeper).await.text;
        assert!(page.contains("its log is nearly full") && !page.contains("75 s slow"), "{page}");
        assert!(!page.contains("commands since yesterday") && !page.contains("waits for somebody"));
        assert!(!page.contains("In now") && !page.contains("First steps"));
        let nobody = door.user("nobody", rights(&[]), None).await;
        assert!(door.get("/", &nobody).await.text.contains("Nothing to see for you here"));
    })
    .await;
}
