//! The first page over HTTP: the day in figures, what there is to do, the first steps, and for whom.

use crate::console::{Answer, DOCK, Door, GATE, WAREHOUSE, rights};
use crate::testing::{ADMIN_PASSWORD, on_both, on_both_with};
use axum::http::{StatusCode, header};
use chrono::TimeDelta;
use muster::access::{Right, Rights, Thing};
use muster::profile::Profile;
use muster_store::Sql;
use serde_json::json;

fn figure(page: &str, name: &str) -> String {
    let (_, rest) = page
        .split_once(&format!("<dt>{name}</dt><dd>"))
        .unwrap_or_else(|| panic!("no {name} in {page}"));
    let (figure, _) = rest.split_once("</dd>").expect("its end");
    let figure = figure.trim_end_matches("</a>");
    figure.rsplit('>').next().unwrap_or_default().to_owned()
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
            ("Not come yet", "1"),
            ("Punches", "6"),
            ("Punches of unknown PINs", "1"),
            ("Terminals online", "2"),
            ("Offline", "0"),
            ("Waiting", "1"),
        ] {
            assert_eq!(figure(&page, name), count, "{name}\n{page}");
        }
        assert!(page.contains("&#60;b&#62;Ben</a> <span class=\"pin\">8</span></td><td>09:00 <span class=\"zone\">+05:30</span></td>"), "{page}");
        assert!(!page.contains("Asha"), "she was not late");
        for told in [
            "<title>12:00 to 13:00: 4</title>",
            "<th scope=\"row\">12:00 to 13:00</th><td>4</td>",
            "<th scope=\"row\">All day</th><td>7</td>",
            "1 terminal waits to be authorised",
            "1 punch is of a PIN that nobody has",
            "href=\"/unregister\"",
        ] {
            assert!(page.contains(told), "{told}\n{page}");
        }
        assert!(!page.contains("First steps"), "people punch already");

        // Each figure leads to the rows it counts.
        for (name, rows) in [
            ("Punches", "1 to 6 of 6"),
            ("Punches of unknown PINs", "1 to 1 of 1"),
            ("Terminals online", "1 to 2 of 2"),
            ("Offline", "Nothing is like that."),
            ("Waiting", "1 to 1 of 1"),
        ] {
            let (_, link) = page.split_once(&format!("<dt>{name}</dt><dd><a href=\"")).expect("a link");
            let (link, _) = link.split_once('"').expect("its end");
            let list = door.get(&link.replace("&#38;", "&"), &cookie).await.text;
            assert!(list.contains(rows), "{name}: {link}\n{list}");
        }

        let later = door.get("/?late=06:00", &cookie).await.text;
        assert_eq!(figure(&later, "Late"), "3");
        let odd = door.get("/?late=noon", &cookie).await.text;
        assert_eq!(figure(&odd, "Late"), "1");

        // A name of blanks is none: there is the code to click on.
        let blank = "UPDATE employee SET first_name = ' ', last_name = '' WHERE emp_code = '8'";
        door.run(Sql::new(blank, [])).await;
        let page = door.get("/", &cookie).await.text;
        assert!(page.contains(">8</a> <span class=\"pin\">8</span>"), "{page}");
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

/// The codes of those whom the page shows.
fn codes(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let rows = answer.text.split("<tr><td>").skip(1);
    let code = |row: &str| {
        let (code, _) = row.split_once("</td>").expect("a cell");
        let code = code.trim_end_matches("</a>");
        code.rsplit('>').next().unwrap_or_default().to_owned()
    };
    rows.map(code).collect()
}

#[tokio::test]
async fn a_day_that_was_looked_at_goes_on_with_whatever_happens_to_its_punches() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        let figures = async |cookie: &str| {
            let page = door.get("/", cookie).await.text;
            ["In now", "Came today", "Punches"].map(|name| figure(&page, name))
        };
        door.hire(&cookie, "7", "Asha").await;
        server
            .bring(
                "GATE01",
                "7\t2026-01-15 09:30:00\t0\t1\n99\t2026-01-15 09:40:00\t0\t1\n",
            )
            .await;
        assert_eq!(figures(&cookie).await, ["1", "1", "1"]);
        server
            .bring(
                "GATE01",
                "7\t2026-01-15 09:30:00\t0\t1\n7\t2026-01-15 12:00:00\t1\t1\n",
            )
            .await;
        assert_eq!(
            figures(&cookie).await,
            ["0", "1", "2"],
            "one came twice, one is new"
        );
        // What was sent late is the earlier punch.
        server
            .bring("GATE01", "7\t2026-01-15 08:00:00\t0\t1\n")
            .await;
        assert_eq!(figures(&cookie).await, ["0", "1", "3"]);
        let came = door.get("/presence?who=came", &cookie).await.text;
        assert!(came.contains("<td>08:00 "), "{came}");

        // Somebody gets the code of the punch that was nobody's.
        door.hire(&cookie, "99", "Ben").await;
        assert_eq!(figures(&cookie).await, ["1", "2", "4"]);
        assert_eq!(codes(&door.get("/presence?who=in", &cookie).await), ["99"]);

        let page = door.get("/transactions?emp_code=99", &cookie).await;
        let (_, row) = page
            .text
            .split_once("name=\"rows\" value=\"")
            .expect("a row");
        let (row, _) = row.split_once('"').expect("its end");
        for (act, list, left) in [
            ("hide", "transactions", ["0", "1", "3"]),
            ("show", "hidden", ["1", "2", "4"]),
        ] {
            let csrf = page.csrf();
            let fields = [
                ("csrf", csrf.as_str()),
                ("act", act),
                ("sure", "yes"),
                ("rows", row),
            ];
            let done = door.post(&format!("/{list}/do"), &cookie, &fields).await;
            assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
            assert_eq!(figures(&cookie).await, left, "{act}");
        }

        // Tomorrow is another day.
        server.app.clock.advance(TimeDelta::hours(24));
        assert_eq!(figures(&door.admin().await).await, ["0", "0", "0"]);
    })
    .await;
}

#[tokio::test]
async fn who_came_before_midnight_is_in_until_the_night_is_over() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        for (code, name) in [("7", "Asha"), ("8", "Ben"), ("9", "Chen"), ("10", "Dara"), ("11", "Eli")] {
            door.hire(&cookie, code, name).await;
        }
        // The terminal's clock is at +05:30. Asha came at 16:30 UTC and stays, Ben left before midnight, Chen forgot to say
        // so half a day ago, Dara has left this morning, and where Eli punched nobody says which way.
        server
            .bring(
                "GATE01",
                "7\t2026-01-15 22:00:00\t0\t1\n8\t2026-01-15 22:00:00\t0\t1\n8\t2026-01-15 23:30:00\t1\t1\n\
                 9\t2026-01-15 18:20:00\t0\t1\n10\t2026-01-15 22:00:00\t0\t1\n10\t2026-01-16 09:40:00\t1\t1\n\
                 11\t2026-01-15 22:00:00\t255\t1\n",
            )
            .await;
        server.app.clock.advance(TimeDelta::hours(17));
        let cookie = door.admin().await;
        let list = async |who: &str| codes(&door.get(&format!("/presence?who={who}"), &cookie).await);
        assert_eq!(list("in").await, ["7"]);
        assert_eq!(list("came").await, ["10"]);
        assert_eq!(list("late").await, [""; 0], "who leaves after nine was not late");
        assert_eq!(list("absent").await, ["11", "8", "9"]);
        let today = door.get("/", &cookie).await.text;
        assert_eq!(["In now", "Came today", "Not come yet"].map(|name| figure(&today, name)), ["1", "1", "3"]);
        let inside = door.get("/presence?who=in", &cookie).await.text;
        assert!(inside.contains("<td>2026-01-15 22:00 <span"), "{inside}");
        let file = door.get("/presence/file?who=in&export_type=csv", &cookie).await.text;
        assert!(file.contains("Asha") && file.contains("2026-01-15 22:00:00"), "{file}");

        server.app.clock.advance(TimeDelta::hours(4));
        assert_eq!(list("in").await, [""; 0]);
        assert_eq!(list("absent").await, ["11", "7", "8", "9"]);
    })
    .await;
}

#[tokio::test]
async fn who_is_limited_to_an_area_hears_who_has_left_by_another() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        for (code, name) in [("7", "Asha"), ("8", "Ben"), ("9", "Chen"), ("10", "Dara"), ("11", "Eli")] {
            door.hire(&cookie, code, name).await;
        }
        // The keeper sees the dock alone. Asha came by it and left by the gate, Ben left by it and came back by the gate, Chen
        // was never there, Dara came by the gate in time and late to the dock, and Eli was late.
        server
            .bring(
                "DOCK01",
                "7\t2026-01-15 08:00:00\t0\t1\n8\t2026-01-15 10:00:00\t1\t1\n10\t2026-01-15 09:30:00\t0\t1\n\
                 11\t2026-01-15 09:40:00\t0\t1\n",
            )
            .await;
        server
            .bring(
                "GATE01",
                "7\t2026-01-15 12:00:00\t1\t1\n8\t2026-01-15 08:10:00\t0\t1\n8\t2026-01-15 11:00:00\t0\t1\n\
                 9\t2026-01-15 08:20:00\t0\t1\n10\t2026-01-15 08:30:00\t0\t1\n",
            )
            .await;
        let both = [Right::View(Thing::Transaction), Right::View(Thing::Employee)];
        let area = WAREHOUSE.to_string();
        let keeper = door.user("keeper", rights(&both), Some(&area)).await;
        let list = async |who: &str, cookie: &str| codes(&door.get(&format!("/presence?who={who}"), cookie).await);
        assert_eq!(list("in", &cookie).await, ["10", "11", "8", "9"]);
        assert_eq!(list("in", &keeper).await, ["10", "11", "8"]);
        assert_eq!(list("in&department=1", &keeper).await, ["10", "11", "8"]);
        assert_eq!(list("came", &keeper).await, ["10", "11", "7", "8"]);
        assert_eq!(list("late", &keeper).await, ["11"]);
        let today = door.get("/", &keeper).await.text;
        assert_eq!(["In now", "Came today", "Late"].map(|name| figure(&today, name)), ["3", "4", "1"]);

        // When and where that was is not said.
        let came = door.get("/presence?who=came", &keeper).await.text;
        assert!(came.contains("<td>08:00 <span") && came.contains("<td>10:00 <span"), "{came}");
        let inside = door.get("/presence/file?who=in&export_type=csv", &keeper).await.text;
        assert!(inside.contains("2026-01-15 10:00:00") && !inside.contains("Asha"), "{inside}");
        for shown in [came, inside] {
            for beyond in ["12:00", "11:00", "08:30", "<td>Gate</td>", "GATE01", "Chen"] {
                assert!(!shown.contains(beyond), "{beyond}\n{shown}");
            }
        }

        // The day goes on, and into the night: Chen leaves by the gate before midnight, Eli after it, Dara stays.
        server.bring("GATE01", "11\t2026-01-15 13:00:00\t1\t1\n").await;
        assert_eq!(list("in", &keeper).await, ["10", "8"]);
        server
            .bring(
                "DOCK01",
                "9\t2026-01-15 22:00:00\t0\t1\n10\t2026-01-15 22:00:00\t0\t1\n11\t2026-01-15 22:00:00\t0\t1\n",
            )
            .await;
        server
            .bring("GATE01", "9\t2026-01-15 23:00:00\t1\t1\n11\t2026-01-16 06:00:00\t1\t1\n")
            .await;
        server.app.clock.advance(TimeDelta::hours(17));
        let keeper = door.sign_in("keeper", ADMIN_PASSWORD).await.cookie();
        assert_eq!(list("in", &keeper).await, ["10"]);
        assert_eq!(list("came", &keeper).await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn what_day_it_is_the_zone_of_each_terminal_says() {
    for (zone, late) in [
        (
            "Australia/Sydney",
            "<td>2026-01-15 09:30 <span class=\"zone\">+00:00</span></td>",
        ),
        ("Europe/London", "<td>09:30</td>"),
    ] {
        on_both_with(|config| config.zone = zone.into(), |server| async move {
            let door = Door::of(&server).await;
            // In London it is 16:00, in Sydney 03:00 of the day after.
            server.app.clock.advance(TimeDelta::hours(8));
            let cookie = door.admin().await;
            door.get("/", &cookie).await;
            let api = server.api(Profile::EasyTimePro, Rights::administrator()).await;
            for (terminal, place) in [(GATE, "Australia/Sydney"), (DOCK, "Europe/London")] {
                let there = json!({ "zone_name": place });
                api.patch(&format!("/iclock/api/terminals/{terminal}/"), there).await.is(200);
            }
            for (code, name) in [("7", "Asha"), ("8", "Ben"), ("9", "Chen"), ("10", "Dara"), ("11", "Eli")] {
                door.hire(&cookie, code, name).await;
            }
            // Asha came this morning in London, where Dara was yesterday; Ben came this morning in Sydney, Eli before midnight,
            // and Chen was there yesterday.
            server
                .bring("DOCK01", "7\t2026-01-15 09:30:00\t0\t1\n10\t2026-01-14 20:00:00\t0\t1\n")
                .await;
            server
                .bring(
                    "GATE01",
                    "8\t2026-01-16 02:30:00\t0\t1\n9\t2026-01-15 09:00:00\t0\t1\n9\t2026-01-15 17:00:00\t1\t1\n\
                     11\t2026-01-15 23:00:00\t0\t1\n",
                )
                .await;
            let list = async |who: &str, cookie: &str| codes(&door.get(&format!("/presence?who={who}"), cookie).await);
            for (who, people) in [
                ("in", vec!["11", "7", "8"]),
                ("came", vec!["7", "8"]),
                ("late", vec!["7"]),
                ("absent", vec!["10", "9"]),
            ] {
                assert_eq!(list(who, &cookie).await, people, "{zone}: {who}");
            }
            let today = door.get("/", &cookie).await.text;
            let figures = ["In now", "Came today", "Late", "Not come yet", "Punches"];
            assert_eq!(figures.map(|name| figure(&today, name)), ["3", "2", "1", "2", "2"], "{zone}");
            let line = format!("the date above is that of {zone}, this server&#39;s zone.");
            for told in [late, "start_time=2026-01-15&#38;end_time=2026-01-16", line.as_str()] {
                assert!(today.contains(told), "{told}\n{today}");
            }
            assert!(door.get("/presence?who=absent", &cookie).await.text.contains(&line), "{zone}");

            // The live page counts the same, also for who sees a department alone, of which nothing is kept.
            let clerk = door.user("clerk", rights(&[Right::View(Thing::Transaction)]), None).await;
            door.run(Sql::new("UPDATE role SET departments = '1' WHERE name = 'clerk'", [])).await;
            for cookie in [&cookie, &clerk] {
                let live = door.get("/live", cookie).await.text;
                assert!(live.contains("<dt>Punches today</dt><dd>2</dd>"), "{zone}\n{live}");
            }
            server.bring("DOCK01", "7\t2026-01-15 15:50:00\t1\t1\n").await;
            assert_eq!(list("in", &cookie).await, ["11", "8"], "{zone}");

            // Nine hours later it is the same date everywhere.
            server.app.clock.advance(TimeDelta::hours(9));
            let cookie = door.admin().await;
            assert_eq!(list("in", &cookie).await, ["8"], "{zone}");
            assert_eq!(list("came", &cookie).await, ["8"], "{zone}");
            assert_eq!(list("absent", &cookie).await, ["10", "11", "7", "9"], "{zone}");
            let today = door.get("/", &cookie).await.text;
            assert!(!today.contains("the date above"), "{today}");
        })
        .await;
    }
}

#[tokio::test]
async fn the_figures_of_the_day_lead_to_the_names_behind_them() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        for (code, name) in [("7", "Asha"), ("8", "<b>Ben"), ("9", "Chen"), ("10", "Dara"), ("11", "Eli")] {
            door.hire(&cookie, code, name).await;
        }
        // Asha is in, Ben came late, Chen has left, Dara was here yesterday, and Eli works here no more.
        let punches = "7\t2026-01-15 08:59:59\t0\t1\n7\t2026-01-15 12:00:00\t1\t1\n7\t2026-01-15 12:30:00\t0\t1\n\
                       8\t2026-01-15 09:00:01\t255\t1\n\
                       9\t2026-01-15 06:10:00\t0\t1\n9\t2026-01-15 12:20:00\t1\t1\n\
                       10\t2026-01-14 23:59:59\t0\t1\n99\t2026-01-15 12:40:00\t0\t1\n";
        server.bring("GATE01", punches).await;
        let resigned = "UPDATE employee SET status = 99 WHERE emp_code = '11'";
        door.run(muster_store::Sql::new(resigned, [])).await;

        let today = door.get("/", &cookie).await.text;
        for (name, who, people) in [
            ("In now", "in", vec!["7", "8"]),
            ("Came today", "came", vec!["7", "8", "9"]),
            ("Late", "late", vec!["8"]),
            ("Not come yet", "absent", vec!["10"]),
        ] {
            let link = format!("<dt>{name}</dt><dd><a href=\"/presence?who={who}\">");
            assert!(today.contains(&link), "{link}\n{today}");
            let list = door.get(&format!("/presence?who={who}"), &cookie).await;
            assert_eq!(codes(&list), people, "{who}");
            let count = people.len().to_string();
            assert_eq!(figure(&today, name), count);
            let tab = format!("aria-current=\"page\">{name} <span class=\"count\">{count}</span>");
            assert!(list.text.contains(&tab), "{tab}\n{}", list.text);
        }
        let inside = door.get("/presence?who=in", &cookie).await.text;
        for told in [
            "<td>08:59 <span class=\"zone\">+05:30</span></td><td>12:30 <span class=\"zone\">+05:30</span></td>\
             <td>Check in</td><td>Gate</td>",
            "<td>&#60;b&#62;Ben</td>",
            "/punches\">7</a></td><td>Asha</td><td>Department</td>",
        ] {
            assert!(inside.contains(told), "{told}\n{inside}");
        }
        // The time goes along to the other lists, and back from the first page.
        let early = door.get("/presence?who=late&late=06:00", &cookie).await;
        assert_eq!(codes(&early), ["8", "7", "9"], "the latest first");
        assert!(early.text.contains("href=\"/presence?who=in&#38;late=06%3A00\""), "{}", early.text);
        let early = door.get("/?late=06:00", &cookie).await.text;
        assert!(early.contains("/presence?who=late&#38;late=06%3A00"), "{early}");
        let odd = door.get("/presence?who=nobody&late=noon&page=-3", &cookie).await;
        assert_eq!(codes(&odd), ["7", "8"]);

        // Whoever looks after the warehouse sees its people. One of them punched where he does not see
        // it, and is not said to be away.
        for code in ["7", "10"] {
            let moved = format!(
                "UPDATE employee_area SET area_id = {WAREHOUSE} WHERE employee_id IN \
                 (SELECT id FROM employee WHERE emp_code = '{code}')"
            );
            door.run(muster_store::Sql::new(moved.leak(), [])).await;
        }
        let both = [Right::View(Thing::Transaction), Right::View(Thing::Employee)];
        let area = WAREHOUSE.to_string();
        let keeper = door.user("keeper", rights(&both), Some(&area)).await;
        assert_eq!(codes(&door.get("/presence?who=came", &keeper).await), [""; 0]);
        let absent = door.get("/presence?who=absent", &keeper).await;
        assert_eq!(codes(&absent), ["10"]);
        assert_eq!(figure(&door.get("/", &keeper).await.text, "Not come yet"), "1");

        // Who may see punches and no people hears who punched, and of nobody else.
        let gate = door.user("gate", rights(&both[..1]), None).await;
        let came = door.get("/presence?who=came", &gate).await;
        assert_eq!(codes(&came), ["7", "8", "9"]);
        assert!(!came.text.contains("/employees/") && !came.text.contains("Not come yet"));
        assert!(!door.get("/", &gate).await.text.contains("Not come yet"));
        let absent = door.get("/presence?who=absent", &gate).await;
        assert_eq!(absent.status, StatusCode::FORBIDDEN);
        let staff = door.user("staff", rights(&both[1..]), None).await;
        assert_eq!(door.get("/presence", &staff).await.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test]
async fn many_who_have_not_come_are_shown_page_by_page() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        let people: String = (1000..1230)
            .map(|code| format!("{code},Asha,1,2\n"))
            .collect();
        let file = format!("emp_code,first_name,department,area\n{people}");
        let csrf = door.get("/employees/import", &cookie).await.csrf();
        let fields = [("csrf", csrf.as_str()), ("step", "store")];
        door.take_in("employees", &cookie, &fields, file.as_bytes())
            .await;
        server
            .bring("GATE01", "1100\t2026-01-15 08:00:00\t0\t1\n")
            .await;
        let mut all = Vec::new();
        let mut next = Some("/presence?who=absent".to_owned());
        let mut pages = 0;
        while let Some(page) = next {
            let shown = door.get(&page, &cookie).await;
            all.extend(codes(&shown));
            pages += 1;
            let link = shown
                .text
                .split("<a href=\"")
                .find(|link| link.contains("rel=\"next\""));
            let link = link.and_then(|link| link.split('"').next());
            next = link.map(|link| link.replace("&#38;", "&"));
        }
        let expected: Vec<String> = (1000..1230)
            .filter(|code| *code != 1100)
            .map(|code: i32| code.to_string())
            .collect();
        assert_eq!(all, expected);
        assert_eq!(pages, 3);
        let last = door.get("/presence?who=absent&page=3", &cookie).await.text;
        assert!(
            last.contains("201 to 229 of 229") && last.contains("rel=\"prev\""),
            "{last}"
        );
        let beyond = door.get("/presence?who=absent&page=99", &cookie).await;
        assert_eq!(codes(&beyond).len(), 29);
    })
    .await;
}

#[tokio::test]
async fn who_is_there_is_narrowed_to_a_department_and_an_area_and_taken_along_as_a_file() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        let api = server.api(Profile::EasyTimePro, Rights::administrator()).await;
        let sales = json!({ "dept_code": "sales", "dept_name": "Sales" });
        let sales = api.post("/personnel/api/departments/", sales).await.is(201)["id"].clone();
        for (code, name) in [("7", "Asha"), ("8", "=Ben"), ("9", "Chen"), ("10", "Dara"), ("11", "Eli")] {
            door.hire(&cookie, code, name).await;
        }
        for code in ["8", "9", "11"] {
            let there = json!({ "department": sales });
            api.patch(&format!("/personnel/api/employees/{code}/"), there).await.is(200);
        }
        for code in ["9", "10"] {
            let there = json!({ "area": ["3"] });
            api.patch(&format!("/personnel/api/employees/{code}/"), there).await.is(200);
        }
        let punches = "7\t2026-01-15 08:00:00\t0\t1\n8\t2026-01-15 09:30:00\t0\t1\n9\t2026-01-15 08:10:00\t0\t1\n";
        server.bring("GATE01", punches).await;
        let shown = async |query: &str| codes(&door.get(&format!("/presence?{query}"), &cookie).await);
        let of_sales = format!("department={sales}");
        let of_warehouse = format!("area={WAREHOUSE}");
        assert_eq!(shown("who=came").await, ["7", "8", "9"]);
        assert_eq!(shown(&format!("who=came&{of_sales}")).await, ["8", "9"]);
        assert_eq!(shown(&format!("who=late&{of_sales}")).await, ["8"]);
        assert_eq!(shown(&format!("who=absent&{of_sales}")).await, ["11"]);
        assert_eq!(shown(&format!("who=came&{of_warehouse}")).await, ["9"]);
        assert_eq!(shown(&format!("who=absent&{of_warehouse}")).await, ["10"]);
        assert_eq!(shown(&format!("who=absent&{of_warehouse}&{of_sales}")).await, [""; 0]);
        // The figures above are of the same people, and the choice goes along.
        let page = door.get(&format!("/presence?who=came&{of_sales}"), &cookie).await.text;
        for told in [
            "In now <span class=\"count\">2</span>".to_owned(),
            "Not come yet <span class=\"count\">1</span>".to_owned(),
            format!("href=\"/presence?who=late&#38;{of_sales}\""),
            format!("<option value=\"{sales}\" selected>Sales (sales)</option>"),
            format!("href=\"/presence/file?who=came&#38;{of_sales}&#38;export_type=csv\" download"),
        ] {
            assert!(page.contains(&told), "{told}\n{page}");
        }

        let file = door.get(&format!("/presence/file?who=came&{of_sales}&export_type=csv"), &cookie).await;
        assert_eq!(
            file.text.trim_start_matches('\u{feff}'),
            "emp_code,first_name,last_name,dept_name,first_punch,last_punch,punch_state,terminal_sn,terminal_alias\r\n\
             8,'=Ben,,Sales,2026-01-15 09:30:00,2026-01-15 09:30:00,0,GATE01,Gate\r\n\
             9,Chen,,Sales,2026-01-15 08:10:00,2026-01-15 08:10:00,0,GATE01,Gate\r\n"
        );
        let name = file.header(header::CONTENT_DISPOSITION);
        assert_eq!(name, "attachment; filename=\"presence-came-2026-01-15.csv\"");
        let absent = door.get("/presence/file?who=absent&export_type=txt", &cookie).await.text;
        assert!(absent.contains("10\tDara") && absent.contains("11\tEli") && !absent.contains("Asha"), "{absent}");
        let book = door.get("/presence/file?who=in&export_type=xlsx", &cookie).await;
        assert!(book.status == StatusCode::OK && book.header(header::CONTENT_TYPE).contains("spreadsheet"));
        let odd = door.get("/presence/file?who=in&export_type=pdf", &cookie).await;
        assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY);

        // The file has what the page has for somebody, and nothing more.
        let both = [Right::View(Thing::Transaction), Right::View(Thing::Employee)];
        let area = WAREHOUSE.to_string();
        let keeper = door.user("keeper", rights(&both), Some(&area)).await;
        let came = door.get("/presence/file?who=came&export_type=csv", &keeper).await.text;
        assert!(!came.contains("Asha") && !came.contains("Chen"), "punched beyond: {came}");
        let absent = door.get("/presence/file?who=absent&export_type=csv", &keeper).await.text;
        assert!(absent.contains("Dara") && !absent.contains("Eli"), "{absent}");
        let gate = door.user("gate", rights(&both[..1]), None).await;
        let refused = door.get("/presence/file?who=absent&export_type=csv", &gate).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        let staff = door.user("staff", rights(&both[1..]), None).await;
        let refused = door.get("/presence/file?who=came&export_type=csv", &staff).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test]
async fn when_somebody_is_late_is_set_for_all_and_a_look_may_ask_otherwise() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        for (code, name) in [("7", "Asha"), ("8", "Ben")] {
            door.hire(&cookie, code, name).await;
        }
        server
            .bring(
                "GATE01",
                "7\t2026-01-15 06:30:00\t0\t1\n8\t2026-01-15 09:30:00\t0\t1\n",
            )
            .await;
        let set = async |time: &str| {
            let csrf = door.get("/settings", &cookie).await.csrf();
            let fields = [("csrf", csrf.as_str()), ("console.late_after", time)];
            door.post("/settings", &cookie, &fields).await
        };
        for wrong in ["25:00", "noon", "9"] {
            let refused = set(wrong).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
            assert!(
                refused.text.contains("Enter a time such as 09:00."),
                "{}",
                refused.text
            );
        }
        assert_eq!(figure(&door.get("/", &cookie).await.text, "Late"), "1");
        assert_eq!(set("6:00").await.status, StatusCode::SEE_OTHER);
        assert!(
            door.get("/settings", &cookie)
                .await
                .text
                .contains("value=\"06:00\"")
        );
        let today = door.get("/", &cookie).await.text;
        assert_eq!(figure(&today, "Late"), "2");
        assert!(today.contains("name=\"late\" value=\"06:00\""), "{today}");
        assert!(
            today.contains("href=\"/presence?who=late\""),
            "nothing else was asked"
        );
        assert_eq!(
            codes(&door.get("/presence?who=late", &cookie).await),
            ["8", "7"]
        );
        let nine = door.get("/?late=09:00", &cookie).await.text;
        assert_eq!(figure(&nine, "Late"), "1");
        assert!(
            nine.contains("href=\"/presence?who=late&#38;late=09%3A00\""),
            "{nine}"
        );
        assert_eq!(
            codes(&door.get("/presence?who=late&late=09:00", &cookie).await),
            ["8"]
        );
    })
    .await;
}
