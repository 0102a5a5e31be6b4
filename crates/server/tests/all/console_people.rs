//! What is done with people over HTTP: several at once, from a file, their photos, leaving and coming
//! back, and messages.

use crate::console::{Answer, Door, GATE, HEAD_OFFICE, WAREHOUSE, rights};
use crate::testing::on_both;
use axum::http::{StatusCode, header};
use chrono::TimeDelta;
use image::{ImageFormat, RgbImage};
use muster::access::{Right, Thing};
use std::io::Cursor;

async fn act(
    door: &Door,
    cookie: &str,
    list: &str,
    act: &str,
    rows: &[&str],
    more: &[(&str, &str)],
) -> Answer {
    let csrf = door.get(&format!("/{list}"), cookie).await.csrf();
    let mut fields = vec![("csrf", csrf.as_str()), ("act", act), ("sure", "yes")];
    fields.extend(rows.iter().map(|row| ("rows", *row)));
    fields.extend_from_slice(more);
    door.post(&format!("/{list}/do"), cookie, &fields).await
}

#[tokio::test]
async fn several_people_are_moved_at_once_or_none_and_it_is_said_why() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        door.hire(&cookie, "7", "Asha").await;
        door.hire(&cookie, "8", "Ben").await;
        let (asha, ben) = (door.person("7").await, door.person("8").await);
        let warehouse = WAREHOUSE.to_string();

        let list = door.get("/employees", &cookie).await;
        assert!(
            list.text.contains("Put into areas")
                && list.text.contains("formaction=\"/employees/do\"")
        );
        let fields = [
            ("csrf", list.csrf()),
            ("act", "adjust_area".into()),
            ("rows", asha.clone()),
            ("rows", ben.clone()),
        ];
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .collect();
        let asked = door.post("/employees/do", &cookie, &fields).await;
        assert_eq!(asked.status, StatusCode::OK);
        assert!(asked.text.contains("Put into areas: these 2?") && asked.text.contains("8 Ben"));

        // What is secret is not sent back, so it is said that it is to be typed again.
        let csrf = door.get("/employees/new", &cookie).await.csrf();
        let secret = [
            ("csrf", csrf.as_str()),
            ("emp_code", "9"),
            ("department", "1"),
            ("area", warehouse.as_str()),
            ("device_password", "4711"),
            ("birthday", "never"),
        ];
        let refused = door.post("/employees/new", &cookie, &secret).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        let again = "Type it again: what is secret does not come back.";
        assert_eq!(refused.text.matches(again).count(), 1, "{}", refused.text);
        assert!(!refused.text.contains("4711"));

        let both = [asha.as_str(), ben.as_str()];
        let none = act(&door, &cookie, "employees", "del_bio_template", &both, &[]).await;
        assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(none.text.contains("Tick at least one."), "{}", none.text);
        let nowhere = act(&door, &cookie, "employees", "adjust_area", &both, &[]).await;
        assert_eq!(nowhere.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            nowhere.text.contains("This field is required."),
            "{}",
            nowhere.text
        );
        let moved = act(
            &door,
            &cookie,
            "employees",
            "adjust_area",
            &both,
            &[("area_code", &warehouse)],
        )
        .await;
        assert_eq!(moved.status, StatusCode::SEE_OTHER, "{}", moved.text);
        let to = moved.header(header::LOCATION).to_owned();
        assert_eq!(to, "/employees?done=did-2-adjust_area");
        let list = door.get(&to, &cookie).await.text;
        assert!(
            list.contains("Put into areas, 2 of them: Done.")
                && list.contains("<td>Warehouse</td>"),
            "{list}"
        );
        assert!(!list.contains("<td>Head office</td>"));

        // One who has resigned keeps all from it, and is named.
        let leaving = [
            ("resign_date", "2026-01-15"),
            ("resign_type", "1"),
            ("reason", "A <b>new</b> job"),
        ];
        let one = act(
            &door,
            &cookie,
            "employees",
            "adjust_resign",
            &[&asha],
            &leaving,
        )
        .await;
        assert_eq!(one.status, StatusCode::SEE_OTHER, "{}", one.text);
        let two = act(
            &door,
            &cookie,
            "employees",
            "adjust_resign",
            &both,
            &leaving,
        )
        .await;
        assert_eq!(two.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            two.text.contains("Employee 7 has resigned already."),
            "{}",
            two.text
        );
        assert!(
            two.text.contains("value=\"2026-01-15\"")
                && two.text.contains("A &#60;b&#62;new&#60;/b&#62; job")
        );
        assert_eq!(server.number("SELECT COUNT(*) FROM resignation").await, 1);

        // She is taken back.
        let gone = door.get("/resignations", &cookie).await.text;
        assert!(gone.contains("Asha") && !gone.contains("Ben") && !gone.contains("<b>new"));
        let (resignation,): (i64,) = door
            .app
            .store
            .one(&muster_store::Sql::new("SELECT id FROM resignation", []))
            .await
            .expect("one");
        let back = act(
            &door,
            &cookie,
            "resignations",
            "rehire",
            &[&resignation.to_string()],
            &[],
        )
        .await;
        assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.text);
        assert!(
            !door
                .get("/resignations", &cookie)
                .await
                .text
                .contains("Asha")
        );
        assert_eq!(
            server
                .number("SELECT COUNT(*) FROM employee WHERE status = 0")
                .await,
            2
        );

        // Who may only look is offered nothing; who may tell terminals, that alone.
        let sees = rights(&[Right::View(Thing::Employee)]);
        let looker = door.user("looker", sees, None).await;
        assert!(
            !door
                .get("/employees", &looker)
                .await
                .text
                .contains("/employees/do")
        );
        let tells = rights(&[Right::View(Thing::Employee), Right::TerminalCommand]);
        let teller = door.user("teller", tells, None).await;
        let list = door.get("/employees", &teller).await.text;
        assert!(list.contains("Send to the terminals again") && !list.contains("Put into areas"));
        let refused = act(
            &door,
            &teller,
            "employees",
            "adjust_area",
            &[&asha],
            &[("area_code", &warehouse)],
        )
        .await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        let sent = act(
            &door,
            &teller,
            "employees",
            "resync_to_device",
            &[&asha],
            &[],
        )
        .await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER);
    })
    .await;
}

/// A field that a page has along.
fn along<'a>(page: &'a Answer, name: &str) -> &'a str {
    let begin = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
    let (_, rest) = page.text.split_once(&begin).expect("the field is there");
    rest.split('"').next().unwrap_or_default()
}

#[tokio::test]
async fn all_that_match_are_meant_and_none_but_those_who_were_counted() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        for (code, name) in [
            ("7", "Anna"),
            ("8", "Ben"),
            ("9", "Joanna"),
            ("10", "Hanna"),
        ] {
            door.hire(&cookie, code, name).await;
        }
        let warehouse = WAREHOUSE.to_string();
        const MOVED: &str = "SELECT COUNT(*) FROM employee_area JOIN area ON area.id = area_id \
                             WHERE area_name = 'Warehouse'";

        let whole = door.get("/employees?search=anna", &cookie).await.text;
        assert!(!whole.contains("name=\"matching\""), "all are on the page");
        let list = door
            .get("/employees?search=anna&page_size=2", &cookie)
            .await;
        assert!(list.text.contains("All 3 that match"), "{}", list.text);
        let asked = along(&list, "asked").replace("&#38;", "&");
        let csrf = list.csrf();
        let fields = [
            ("csrf", csrf.as_str()),
            ("act", "adjust_area"),
            ("matching", "yes"),
            ("asked", &asked),
            ("area_code", &warehouse),
        ];
        let send = |more: &[(&'static str, String)], to: &'static str| {
            let mut fields: Vec<(&str, String)> = fields
                .iter()
                .map(|(name, text)| (*name, (*text).to_owned()))
                .collect();
            fields.extend_from_slice(more);
            let (door, cookie) = (&door, &cookie);
            async move {
                let fields: Vec<(&str, &str)> = fields
                    .iter()
                    .map(|(name, text)| (*name, text.as_str()))
                    .collect();
                door.post(to, cookie, &fields).await
            }
        };
        let sure = |page: &Answer| {
            let these = along(page, "these").to_owned();
            [("these", these), ("sure", "yes".to_owned())]
        };
        let counted = send(&[], "/employees/do").await;
        assert_eq!(counted.status, StatusCode::OK, "{}", counted.text);
        for part in [
            "Put into areas: these 3?",
            "All that match: Search: anna",
            "7 Anna",
            "9 Joanna",
        ] {
            assert!(counted.text.contains(part), "{part}: {}", counted.text);
        }
        assert!(!counted.text.contains("8 Ben"));

        // One more like them has come meanwhile: nobody is moved before they were looked at again.
        door.hire(&cookie, "11", "Susanna").await;
        let changed = send(&sure(&counted), "/employees/do").await;
        assert_eq!(changed.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            changed.text.contains("Meanwhile others match"),
            "{}",
            changed.text
        );
        assert!(changed.text.contains("these 4?") && changed.text.contains("11 Susanna"));
        assert_eq!(server.number(MOVED).await, 0);
        let moved = send(&sure(&changed), "/employees/do").await;
        assert_eq!(moved.status, StatusCode::SEE_OTHER, "{}", moved.text);
        assert!(
            moved
                .header(header::LOCATION)
                .ends_with("done=did-4-adjust_area")
        );
        assert_eq!(server.number(MOVED).await, 4);

        // Whom somebody does not see he does not mean, and a filter that cannot be read means nobody.
        let keeper = rights(&[Right::View(Thing::Employee), Right::Change(Thing::Employee)]);
        let keeper = door
            .user("keeper", keeper, Some(&HEAD_OFFICE.to_string()))
            .await;
        let hers = door.get("/employees", &keeper).await.csrf();
        let all = [("csrf", hers.as_str()), ("matching", "yes"), ("asked", "")];
        let hers = door.post("/employees/remove", &keeper, &all).await;
        assert!(
            hers.text.contains("8 Ben") && !hers.text.contains("Anna"),
            "{}",
            hers.text
        );
        assert!(hers.text.contains("All there are."));
        let odd = [
            ("csrf", csrf.as_str()),
            ("matching", "yes"),
            ("asked", "hire_date=x"),
        ];
        let odd = door.post("/employees/remove", &cookie, &odd).await;
        assert!(odd.status.is_client_error(), "{}", odd.status);

        // They are removed the same way, without those who were not asked for.
        let asked = send(&[], "/employees/remove").await;
        assert!(asked.text.contains("Remove these 4?"), "{}", asked.text);
        door.hire(&cookie, "12", "Annabel").await;
        let typed =
            |page: &Answer, typed: &str| [&sure(page)[..], &[("typed", typed.to_owned())]].concat();
        let stale = send(&typed(&asked, "4"), "/employees/remove").await;
        assert_eq!(stale.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!stale.text.contains("aria-invalid"), "{}", stale.text);
        let mistyped = send(&typed(&stale, "4"), "/employees/remove").await;
        assert_eq!(mistyped.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            mistyped
                .text
                .contains("type how many they are: <code>5</code>"),
            "{}",
            mistyped.text
        );
        assert!(mistyped.text.contains("That is not what has to be typed."));
        assert_eq!(server.number("SELECT COUNT(*) FROM employee").await, 6);
        let gone = send(&typed(&mistyped, " 5 "), "/employees/remove").await;
        assert_eq!(gone.header(header::LOCATION), "/employees?done=removed-5");
        assert_eq!(server.number("SELECT COUNT(*) FROM employee").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_file_has_the_columns_that_are_shown_or_all() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        door.hire(&cookie, "7", "Asha").await;
        door.hire(&cookie, "8", "Ben").await;
        let list = "/employees?columns=department.dept_name,mobile&search=asha";
        let page = door.get(list, &cookie).await.text;
        let shown = "/employees/file?export_headers=emp_code%2Cdept_name%2Cmobile&#38;export_type=csv\
                     &#38;ordering=emp_code&#38;search=asha";
        let whole = "/employees/file?export_type=csv&#38;ordering=emp_code&#38;search=asha";
        for (address, first) in [
            (shown, "emp_code,dept_name,mobile"),
            (whole, "id,emp_code,first_name,"),
        ] {
            assert!(page.contains(&format!("\"{address}\"")), "{address}");
            let file = door.get(&address.replace("&#38;", "&"), &cookie).await.text;
            assert!(file.trim_start_matches('\u{feff}').starts_with(first), "{file}");
            assert_eq!(file.lines().count(), 2, "as narrowed as the list: {file}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_file_is_looked_through_before_anything_is_stored() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        door.hire(&cookie, "7", "Asha").await;
        let csrf = door.get("/employees/import", &cookie).await.csrf();
        let send = async |step: &str, existing: &str, file: &str| {
            let fields = [("csrf", csrf.as_str()), ("step", step), ("existing", existing)];
            door.take_in("employees", &cookie, &fields, file.as_bytes()).await
        };
        let people = || server.number("SELECT COUNT(*) FROM employee");

        let bad = "emp_code,first_name,department,area,card_no\n\
                   8,Ben,1,2,\n9 9,<i>Chen</i>,1,2,\n10,Dara,nowhere,2,x7\n8,Again,1,2,\n";
        for step in ["check", "store"] {
            let answer = send(step, "skip", bad).await;
            for told in [
                "<td class=\"number\">3</td><td translate=\"no\">emp_code</td>",
                "<td class=\"number\">4</td><td translate=\"no\">department</td>",
                "<td class=\"number\">4</td><td translate=\"no\">card_no</td>",
                "<td class=\"number\">5</td><td translate=\"no\">emp_code</td><td class=\"long\">It stands in row 2 already.</td>",
            ] {
                assert!(answer.text.contains(told), "{told}\n{}", answer.text);
            }
            assert!(answer.text.contains("4 problems in the file"), "{}", answer.text);
            assert_eq!(people().await, 1);
        }
        let unknown = send("check", "skip", "emp_code,shoe_size\n8,44\n").await;
        assert!(unknown.text.contains("shoe_size") && unknown.text.contains("There is no such column."));
        let none = send("check", "skip", "").await;
        assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);

        let good = "emp_code,first_name,department,area\n7,Asha Rani,1,2\n8,Ben,1,2\n9,Chen,1,2\n";
        let skipping = send("check", "skip", good).await;
        assert_eq!(skipping.status, StatusCode::OK);
        assert!(skipping.text.contains("2 new, 0 changed, 1 stay as they are"), "{}", skipping.text);
        let checked = send("check", "overwrite", good).await;
        assert!(checked.text.contains("2 new, 1 changed, 0 stay") && checked.text.contains("data-button=\"Import 3 rows\""));
        assert_eq!(people().await, 1);
        let stored = send("store", "overwrite", good).await;
        assert!(stored.text.contains("Imported: 2 new, 1 changed, 0 left as they are."), "{}", stored.text);
        assert_eq!(people().await, 3);

        // Rows below others of the same file, and a form without its token or right.
        let trees = [("csrf", csrf.as_str()), ("step", "check"), ("existing", "skip")];
        let file = "dept_code,dept_name,parent_dept\nB,Below,A\nA,Above,\n";
        let departments = door.take_in("departments", &cookie, &trees, file.as_bytes()).await;
        assert!(departments.text.contains("2 new, 0 changed"), "{}", departments.text);
        let forged = door
            .post_file("/employees/import", &cookie, &[("step", "store")], ("import_file", good.as_bytes()))
            .await;
        assert_eq!(forged.status, StatusCode::FORBIDDEN);
        let looker = door.user("looker", rights(&[Right::View(Thing::Employee)]), None).await;
        assert_eq!(door.get("/employees/import", &looker).await.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test]
async fn a_file_is_worked_on_when_its_page_is_left_and_its_end_is_told_everywhere() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        let csrf = door.get("/employees/import", &cookie).await.csrf();
        let fields = [("csrf", csrf.as_str()), ("step", "store")];
        let file = |text: &'static str| ("import_file", text.as_bytes());
        let good = file("emp_code,first_name,department,area\n8,Ben,1,2\n9,Chen,1,2\n");

        // It waits, for another is being taken in.
        let turn = server.app.importing.acquire().await.expect("open");
        let begun = door
            .post_file("/employees/import", &cookie, &fields, good)
            .await;
        assert_eq!(begun.status, StatusCode::SEE_OTHER);
        let page = begun.header(header::LOCATION).to_owned();
        for path in ["/", "/departments", "/work", &page] {
            let shown = door.get(path, &cookie).await.text;
            assert!(
                shown.contains("data-running")
                    && shown.contains("<bdi translate=\"no\">file</bdi>: being imported"),
                "{path}\n{shown}"
            );
        }
        let second = door
            .post_file("/employees/import", &cookie, &fields, good)
            .await;
        assert_eq!(second.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            second
                .text
                .contains("Your last file is still being worked on.")
        );
        assert_eq!(server.number("SELECT COUNT(*) FROM console_work").await, 1);
        // Nobody else sees it, and everybody has a turn of his own.
        let other = door
            .user(
                "other",
                rights(&[Right::Change(Thing::Employee), Right::View(Thing::Employee)]),
                None,
            )
            .await;
        assert_eq!(door.get(&page, &other).await.status, StatusCode::NOT_FOUND);
        assert!(
            !door
                .get("/employees", &other)
                .await
                .text
                .contains("data-running")
        );
        drop(turn);
        while door
            .get("/departments", &cookie)
            .await
            .text
            .contains("data-running")
        {
            tokio::task::yield_now().await;
        }
        // It is told until it was looked at.
        let told =
            format!("<li><a href=\"{page}\"><bdi translate=\"no\">file</bdi>: imported</a></li>");
        for _ in 0..2 {
            let shown = door.get("/departments", &cookie).await.text;
            assert!(shown.contains(&told), "{told}\n{shown}");
        }
        let ended = door.get(&page, &cookie).await.text;
        assert!(
            ended.contains("Imported: 2 new, 0 changed, 0 left as they are.")
                && !ended.contains(&told)
        );
        assert!(!door.get("/departments", &cookie).await.text.contains(&page));
        assert!(door.get("/work", &cookie).await.text.contains(&page));
        assert_eq!(server.number("SELECT COUNT(*) FROM employee").await, 2);

        // A server that was killed in the midst of it says nothing more.
        let turn = server.app.importing.acquire().await.expect("open");
        let begun = door
            .post_file("/employees/import", &cookie, &fields, good)
            .await;
        let page = begun.header(header::LOCATION).to_owned();
        let elsewhere = Door::beside(&server);
        assert!(
            elsewhere
                .get(&page, &cookie)
                .await
                .text
                .contains("data-running")
        );
        server.app.clock.advance(TimeDelta::seconds(61));
        let shown = elsewhere.get(&page, &cookie).await.text;
        assert!(
            shown.contains("The server stopped before it said how it ended."),
            "{shown}"
        );
        drop(turn);
        while door.get(&page, &cookie).await.text.contains("data-running") {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_photo_is_put_in_place_and_shown_to_those_who_see_the_person() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        door.hire(&cookie, "7", "Asha").await;
        let id = door.person("7").await;
        let (page, picture) = (
            format!("/employees/{id}/photo"),
            format!("/employees/{id}/picture"),
        );
        assert_eq!(
            door.get(&picture, &cookie).await.status,
            StatusCode::NOT_FOUND
        );
        let empty = door.get(&page, &cookie).await;
        assert!(empty.text.contains("There is none yet."));
        let csrf = empty.csrf();
        let fields = [("csrf", csrf.as_str())];
        let wrong = door
            .post_file(&page, &cookie, &fields, ("upload_photo", b"no picture"))
            .await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.text.contains("class=\"problem\""), "{}", wrong.text);
        let mut png = Cursor::new(Vec::new());
        RgbImage::new(40, 30)
            .write_to(&mut png, ImageFormat::Png)
            .expect("a picture");
        let put = door
            .post_file(&page, &cookie, &fields, ("upload_photo", png.get_ref()))
            .await;
        assert_eq!(put.status, StatusCode::SEE_OTHER, "{}", put.text);
        let shown = door.get(&picture, &cookie).await;
        assert_eq!(
            (shown.status, shown.header(header::CONTENT_TYPE)),
            (StatusCode::OK, "image/jpeg")
        );

        // The live page has it, for those who see people.
        server
            .bring("GATE01", "7\t2026-01-15 08:00:00\t0\t1\n")
            .await;
        let live = door.get("/live", &cookie).await.text;
        assert!(live.contains(&format!("src=\"{picture}\"")), "{live}");
        let punches = rights(&[Right::View(Thing::Transaction)]);
        let looker = door.user("looker", punches, None).await;
        assert!(!door.get("/live", &looker).await.text.contains("/picture"));
        let keeper = rights(&[Right::View(Thing::Employee)]);
        let keeper = door
            .user("keeper", keeper, Some(&WAREHOUSE.to_string()))
            .await;
        assert_eq!(
            door.get(&picture, &looker).await.status,
            StatusCode::FORBIDDEN
        );
        assert_eq!(
            door.get(&picture, &keeper).await.status,
            StatusCode::NOT_FOUND
        );

        let remove = format!("{page}/remove");
        assert_eq!(
            door.post(
                &remove,
                &looker,
                &[("csrf", &door.get("/account", &looker).await.csrf())]
            )
            .await
            .status,
            StatusCode::FORBIDDEN
        );
        let removed = door.post(&remove, &cookie, &fields).await;
        assert_eq!(removed.status, StatusCode::SEE_OTHER, "{}", removed.text);
        let to = removed.header(header::LOCATION).to_owned();
        let page = door.get(&to, &cookie).await.text;
        assert!(page.contains("Removed.") && page.contains("There is none yet."));
        assert_eq!(
            door.get(&picture, &cookie).await.status,
            StatusCode::NOT_FOUND
        );
    })
    .await;
}

#[tokio::test]
async fn a_code_that_looks_like_an_id_means_whoever_has_that_code() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        door.hire(&cookie, "7", "Asha").await;
        let asha = door.person("7").await;
        // His code is her id.
        door.hire(&cookie, &asha, "Ben").await;
        let csrf = door.get("/private-messages/new", &cookie).await.csrf();
        let write = async |code: &str| {
            let fields = [
                ("csrf", csrf.as_str()),
                ("employee", code),
                ("seen-employee", code),
                ("content", "Come to the office"),
                ("start_time", "2026-01-15T09:00:00"),
                ("duration", "60"),
            ];
            door.post("/private-messages/new", &cookie, &fields).await
        };
        let nobody = write("70").await;
        assert_eq!(nobody.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            nobody.text.contains("Nobody has the code 70.")
                && nobody.text.contains("2026-01-15T09:00:00")
        );
        assert_eq!(write(&asha).await.status, StatusCode::SEE_OTHER);
        let list = door.get("/private-messages", &cookie).await.text;
        assert!(list.contains("Ben") && !list.contains("Asha"), "{list}");
        assert!(list.contains("2026-01-15 09:00:00"));

        // Resigned by the form: the same.
        let fields = [
            ("csrf", csrf.as_str()),
            ("employee", asha.as_str()),
            ("seen-employee", asha.as_str()),
            ("resign_date", "2026-01-20"),
            ("resign_type", "2"),
        ];
        let resigned = door.post("/resignations/new", &cookie, &fields).await;
        assert_eq!(resigned.status, StatusCode::SEE_OTHER, "{}", resigned.text);
        let list = door.get("/resignations", &cookie).await.text;
        assert!(list.contains("Ben") && !list.contains("Asha"), "{list}");

        // A public message is for terminals one may see alone.
        let messages = rights(&[Right::View(Thing::Message), Right::Change(Thing::Message)]);
        let keeper = door
            .user("keeper", messages, Some(&WAREHOUSE.to_string()))
            .await;
        let form = door.get("/public-messages/new", &keeper).await.text;
        assert!(
            form.contains("DOCK01") && !form.contains("GATE01"),
            "{form}"
        );

        // A PIN nobody has leads to a form that has it.
        server
            .bring("GATE01", "99\t2026-01-15 08:00:00\t0\t1\n")
            .await;
        let unregistered = door.get("/unregister", &cookie).await.text;
        assert!(
            unregistered.contains("<a href=\"/employees/new?emp_code=99\">"),
            "{unregistered}"
        );
        let form = door.get("/employees/new?emp_code=99", &cookie).await.text;
        assert!(form.contains("name=\"emp_code\" value=\"99\""), "{form}");
        door.hire(&cookie, "99", "Chen").await;
        assert!(
            !door
                .get("/unregister", &cookie)
                .await
                .text
                .contains("emp_code=99")
        );
        let transactions = rights(&[Right::View(Thing::Transaction)]);
        let looker = door
            .user("looker", transactions, Some(&HEAD_OFFICE.to_string()))
            .await;
        assert!(
            !door
                .get("/unregister", &looker)
                .await
                .text
                .contains("/employees/new")
        );
    })
    .await;
}

#[tokio::test]
async fn whoever_begins_gets_an_empty_file_and_may_call_its_columns_as_the_form_does() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        let page = door.get("/employees/import", &cookie).await;
        for kind in ["xlsx", "csv"] {
            let link = format!("href=\"/employees/import/file?export_type={kind}\" download");
            assert!(page.text.contains(&link), "{}", page.text);
            let file = door
                .get(
                    &format!("/employees/import/file?export_type={kind}"),
                    &cookie,
                )
                .await;
            assert_eq!(file.status, StatusCode::OK);
            let name = file.header(header::CONTENT_DISPOSITION);
            assert!(
                name.contains("employees-import-2026-01-15.") && name.contains(kind),
                "{name}"
            );
        }
        let csrf = page.csrf();
        let send = async |list: &str, cookie: &str, step: &str, file: &str| {
            let fields = [
                ("csrf", csrf.as_str()),
                ("step", step),
                ("existing", "skip"),
            ];
            door.take_in(list, cookie, &fields, file.as_bytes())
                .await
                .text
        };
        let empty = door
            .get("/employees/import/file?export_type=csv", &cookie)
            .await
            .text;
        assert!(
            empty
                .trim_start_matches('\u{feff}')
                .starts_with("emp_code,department,area,first_name,"),
            "{empty}"
        );
        assert_eq!(empty.lines().count(), 1, "{empty}");
        // With a row below it is taken in.
        let filled = format!("{}\n6,1,2,Rani\n", empty.trim_end());
        let good = send("employees", &cookie, "check", &filled).await;
        assert!(good.contains("1 new, 0 changed"), "{good}");
        let tree = door
            .get("/departments/import/file?export_type=csv", &cookie)
            .await
            .text;
        assert_eq!(
            tree.trim_start_matches('\u{feff}').trim_end(),
            "dept_code,dept_name,parent_dept"
        );

        // By the labels of the form, in English and in the reader's language.
        let labels = "Code,First name,Department,Areas,Hired on\n7,Asha,1,1;2,2026-01-02\n";
        let stored = send("employees", &cookie, "store", labels).await;
        assert!(stored.contains("Imported: 1 new"), "{stored}");
        let kept = door
            .get("/employees?columns=area.area_name,hire_date", &cookie)
            .await
            .text;
        assert!(
            kept.contains("2026-01-02") && kept.contains("Head office"),
            "{kept}"
        );
        let hindi = format!("{cookie}; muster_language=hi");
        let stored = send(
            "employees",
            &hindi,
            "check",
            "कोड,पहला नाम,विभाग,क्षेत्र\n8,Ben,1,2\n",
        )
        .await;
        assert!(stored.contains("class=\"note good\""), "{stored}");
        let stranger = send(
            "employees",
            &cookie,
            "check",
            "कोड,first_name,department,area\n8,Ben,1,2\n",
        )
        .await;
        assert!(stranger.contains("There is no such column."), "{stranger}");
        let below = send(
            "departments",
            &cookie,
            "store",
            "Code,Name,Below\nB,Lower,1\n",
        )
        .await;
        assert!(below.contains("Imported: 1 new"), "{below}");
        // A label takes no name's place, and both of one are one too many.
        let twice = send(
            "employees",
            &cookie,
            "check",
            "emp_code,Code,department,area\n8,9,1,2\n",
        )
        .await;
        assert!(twice.contains("This column stands twice."), "{twice}");

        let looker = door
            .user("looker", rights(&[Right::View(Thing::Employee)]), None)
            .await;
        let refused = door.get("/employees/import/file", &looker).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test]
async fn nothing_is_done_to_anybody_whose_name_was_not_shown() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        door.hire(&cookie, "7", "Asha").await;
        door.hire(&cookie, "77", "Ben").await;
        let csrf = door.get("/private-messages/new", &cookie).await.csrf();
        let form = |employee, seen, minutes| {
            [
                ("csrf", csrf.as_str()),
                ("employee", employee),
                ("seen-employee", seen),
                ("content", "Come to the office"),
                ("start_time", "2026-01-15T09:00:00"),
                ("duration", minutes),
            ]
        };
        let write = async |employee, seen, minutes| {
            let fields = form(employee, seen, minutes);
            door.post("/private-messages/new", &cookie, &fields).await
        };
        const SENT: &str = "SELECT COUNT(*) FROM private_message";
        const ASKS: &str = "Nothing is done yet.";
        let who =
            |field: &str, name: &str| format!("id=\"{field}-who\" aria-live=\"polite\">{name}<");

        // The form comes back as it was sent, with the name; another code needs another look.
        let asha = write("7", "", "60").await;
        assert_eq!(asha.status, StatusCode::OK, "{}", asha.text);
        for part in [
            ASKS,
            &who("employee", "7 Asha"),
            "name=\"seen-employee\" value=\"7\"",
            "Come to the office",
        ] {
            assert!(asha.text.contains(part), "{part}: {}", asha.text);
        }
        let ben = write("77", "7", "60").await;
        assert!(
            ben.text.contains(ASKS) && ben.text.contains(&who("employee", "77 Ben")),
            "{}",
            ben.text
        );
        // What is wrong besides is told at once.
        let wrong = write("7", "", "soon").await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            wrong.text.contains("A valid integer is required.")
                && wrong.text.contains(&who("employee", "7 Asha")),
            "{}",
            wrong.text
        );
        assert!(!wrong.text.contains(ASKS), "{}", wrong.text);
        assert_eq!(server.number(SENT).await, 0);
        let sent = write("7", "7", "60").await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
        assert_eq!(server.number(SENT).await, 1);
        let told = door.get(sent.header(header::LOCATION), &cookie).await.text;
        assert!(told.contains("Saved: 7 Asha."), "{told}");
        let odd = door
            .get("/private-messages?done=saved.7000", &cookie)
            .await
            .text;
        assert!(odd.contains("Saved.</p>"), "{odd}");

        // An act asks once more, too.
        let gate = GATE.to_string();
        let enrol = async |whom: &[(&str, &str)]| {
            let more = [whom, &[("bio_type", "2")]].concat();
            act(
                &door,
                &cookie,
                "terminals",
                "enroll_remotely",
                &[&gate],
                &more,
            )
            .await
        };
        const QUEUED: &str = "SELECT COUNT(*) FROM terminal_command";
        let before = server.number(QUEUED).await;
        let asked = enrol(&[("emp_code", "77")]).await;
        assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
        assert!(
            asked.text.contains(ASKS) && asked.text.contains(&who("emp_code", "77 Ben")),
            "{}",
            asked.text
        );
        assert_eq!(server.number(QUEUED).await, before);
        let done = enrol(&[("emp_code", "77"), ("seen-emp_code", "77")]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
        assert_eq!(server.number(QUEUED).await, before + 1);
        let told = door.get(done.header(header::LOCATION), &cookie).await.text;
        assert!(told.contains("Enrol somebody (77 Ben): queued."), "{told}");

        // Whoever may not see people is told no names, and works by codes.
        let messages = rights(&[Right::View(Thing::Message), Right::Change(Thing::Message)]);
        let keeper = door.user("keeper", messages, None).await;
        let csrf = door.get("/private-messages/new", &keeper).await.csrf();
        let mut fields = form("77", "", "60");
        fields[0].1 = &csrf;
        let sent = door.post("/private-messages/new", &keeper, &fields).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
        let told = door.get(sent.header(header::LOCATION), &keeper).await.text;
        assert!(!told.contains("Saved: "), "{told}");
        fields[5].1 = "soon";
        let wrong = door.post("/private-messages/new", &keeper, &fields).await;
        assert!(!wrong.text.contains("Ben"), "{}", wrong.text);

        // The search begins with whoever has the code that was typed.
        for code in [
            "107", "17", "27", "37", "47", "57", "67", "87", "97", "117", "127",
        ] {
            door.hire(&cookie, code, "Chen").await;
        }
        let found = door.get("/search?q=7", &cookie).await.text;
        let (_, people) = found.split_once("found-1").expect("people");
        let first = people.split_once("<li>").expect("somebody").1;
        assert!(first.contains("\">7 Asha</a>"), "{first}");
        assert_eq!(found.matches("href=\"/employees/").count(), 10, "{found}");
    })
    .await;
}

#[tokio::test]
async fn an_unknown_pin_is_given_to_a_person_and_never_comes_twice() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        door.hire(&cookie, "7", "Asha").await;
        let sent = "77\t2026-01-15 08:00:00\t0\t1\n";
        server.bring("GATE01", sent).await;
        let list = door.get("/unregister", &cookie).await.text;
        let row = list
            .split_once("name=\"rows\" value=\"")
            .and_then(|(_, rest)| rest.split_once('"'))
            .map(|(id, _)| id.to_owned())
            .expect("a row to tick");
        let whose = |code| [("employee", code), ("seen-employee", code)];

        let nobody = act(&door, &cookie, "unregister", "assign", &[&row], &whose("8")).await;
        assert_eq!(nobody.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(nobody.text.contains("Nobody has the code 8."));
        let unseen = [("employee", "7"), ("seen-employee", "77")];
        let asked = act(&door, &cookie, "unregister", "assign", &[&row], &unseen).await;
        assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
        assert!(asked.text.contains(">7 Asha<"), "{}", asked.text);
        let kept = door.get("/unregister", &cookie).await.text;
        assert!(kept.contains(">77<"), "{kept}");
        let done = act(&door, &cookie, "unregister", "assign", &[&row], &whose("7")).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER);
        let told = door.get(done.header(header::LOCATION), &cookie).await.text;
        assert!(
            told.contains("Assign to an employee (7 Asha): they stand in Transactions."),
            "{told}"
        );
        let transactions = door.get("/transactions", &cookie).await.text;
        assert!(transactions.contains("Asha") && transactions.contains("2026-01-15 08:00:00"));

        // The terminal sends it once more.
        server.bring("GATE01", sent).await;
        let unregister = door.get("/unregister", &cookie).await.text;
        assert!(!unregister.contains(">77<"), "{unregister}");
        let findings = muster::health::checks(&server.app.store, &server.app.keys)
            .await
            .expect("it is looked at");
        for finding in findings {
            finding.expect("all is well");
        }
        let audit = door.get("/audit", &cookie).await.text;
        assert!(audit.contains("Assigned"), "{audit}");

        // Who only looks is offered nothing.
        let view = rights(&[Right::View(Thing::Transaction)]);
        let looker = door.user("looker", view, None).await;
        let page = door.get("/transactions", &looker).await.text;
        assert!(!page.contains("unassign"), "{page}");
        let refused = act(&door, &looker, "unregister", "assign", &[&row], &whose("7")).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test]
async fn a_hidden_punch_stays_known_and_is_shown_again() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        door.hire(&cookie, "7", "Asha").await;
        let sent = "7\t2026-01-15 08:00:00\t0\t1\n";
        server.bring("GATE01", sent).await;
        let rows = async |list: &str| -> Vec<String> {
            let page = door.get(list, &cookie).await.text;
            page.split("name=\"rows\" value=\"")
                .skip(1)
                .filter_map(|rest| rest.split_once('"'))
                .map(|(id, _)| id.to_owned())
                .collect()
        };
        let [row] = &rows("/transactions").await[..] else {
            panic!("one transaction");
        };

        let asked = door.get("/transactions", &cookie).await.text;
        assert!(asked.contains("value=\"hide\""), "{asked}");
        let done = act(&door, &cookie, "transactions", "hide", &[row], &[]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER);
        assert!(rows("/transactions").await.is_empty());
        let hidden = door.get("/hidden", &cookie).await.text;
        assert!(hidden.contains("Asha") && hidden.contains("2026-01-15 08:00:00"));
        let day = door
            .get("/employees/1000000001/punches?month=2026-01", &cookie)
            .await;
        assert!(!day.text.contains("08:00"), "{}", day.text);

        // The terminal sends it once more.
        server.bring("GATE01", sent).await;
        assert!(rows("/transactions").await.is_empty());
        assert_eq!(&rows("/hidden").await, std::slice::from_ref(row));

        let view = rights(&[Right::View(Thing::Transaction)]);
        let looker = door.user("looker", view, None).await;
        let refused = act(&door, &looker, "hidden", "show", &[row], &[]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);

        let done = act(&door, &cookie, "hidden", "show", &[row], &[]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER);
        assert_eq!(&rows("/transactions").await, std::slice::from_ref(row));
        assert!(rows("/hidden").await.is_empty());
        let audit = door.get("/audit", &cookie).await.text;
        assert!(
            audit.contains("Hidden") && audit.contains("Shown again"),
            "{audit}"
        );
    })
    .await;
}

#[tokio::test]
async fn the_form_of_an_employee_has_parts_and_keeps_what_it_has_no_word_for() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        let cookie = door.admin().await;
        door.hire(&cookie, "7", "Asha").await;
        // Programs write numbers that people are not offered.
        let odd = "UPDATE employee SET dev_privilege = 1, verify_mode = 200 WHERE emp_code = '7'";
        door.run(muster_store::Sql::new(odd, [])).await;
        let page = format!("/employees/{}", door.person("7").await);
        let form = door.get(&page, &cookie).await.text;
        for part in ["Person", "Work", "Terminals and areas", "Biometrics", "App"] {
            assert!(form.contains(&format!("\">{part}</a>")), "{part}\n{form}");
            assert!(form.contains(&format!("<legend>{part}</legend>")), "{part}");
        }
        for told in [
            "<option value=\"1\" selected>1</option>",
            "<option value=\"200\" selected>200</option>",
            "No finger, face or palm is enrolled.",
            &format!("href=\"{page}/punches#terminals-heading\""),
        ] {
            assert!(form.contains(told), "{told}\n{form}");
        }
        assert!(!form.contains("/biometrics?"), "there is none to be listed");
        let finger = "FP PIN=7\tFID=1\tSize=4\tValid=1\tTMP=AAAA\n";
        let target = "/iclock/cdata?SN=GATE01&table=OPERLOG&Stamp=1";
        assert_eq!(test.post(target, finger).await.status, 200);
        let form = door.get(&page, &cookie).await.text;
        for told in ["<dt>Fingerprint</dt>", "href=\"/biometrics?employee=7\""] {
            assert!(form.contains(told), "{told}\n{form}");
        }
        // As a browser sends it: all that was chosen, beside what was typed anew.
        let area = HEAD_OFFICE.to_string();
        let fields = [
            ("dev_privilege", "1"),
            ("was-dev_privilege", "1"),
            ("verify_mode", "200"),
            ("was-verify_mode", "200"),
            ("emp_type", "3"),
            ("was-emp_type", ""),
            ("religion", "<i>None"),
            ("was-religion", ""),
            ("area", &area),
            ("ssn", "12x"),
            ("was-ssn", ""),
        ];
        let refused = door.fill_to(&page, &page, &cookie, &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        // The part is marked, and it alone.
        assert!(refused.text.contains("id=\"to-part-1\" class=\"wrong\">Person <svg"));
        assert_eq!(refused.text.matches("something is wrong here").count(), 1);
        assert!(refused.text.contains("value=\"12x\"") && refused.text.contains("value=\"&#60;i&#62;None\""));
        let saved = door.fill_to(&page, &page, &cookie, &fields[..9]).await;
        assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
        let kept = "SELECT COUNT(*) FROM employee WHERE emp_code = '7' AND dev_privilege = 1 AND verify_mode = 200 \
                    AND emp_type = 3 AND religion = '<i>None'";
        assert_eq!(test.number(kept).await, 1);

        // Who may see people alone is told nothing of what they are identified by, nor where.
        let looker = door
            .user("looker", rights(&[Right::View(Thing::Employee)]), None)
            .await;
        let form = door.get(&page, &looker).await.text;
        assert!(form.contains("<legend>Biometrics</legend>"));
        assert!(!form.contains("/biometrics?") && !form.contains("terminals-heading"));
        assert!(!form.contains("<dt>Fingerprint"));
    })
    .await;
}
