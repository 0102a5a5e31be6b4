//! How somebody likes a list: the columns that are shown, and views kept under a name, each user's own.

use crate::console::{Answer, Door, rights};
use crate::testing::on_both;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use muster::access::{Right, Thing};

fn headings(answer: &Answer) -> Vec<&str> {
    let head = answer.text.split("<thead>").nth(1).unwrap_or_default();
    let head = head.split("</thead>").next().unwrap_or_default();
    head.split("<th scope=\"col\"")
        .skip(1)
        .filter_map(|heading| {
            let (text, _) = heading.split_once("</th>")?;
            text.trim_end_matches("</a>")
                .trim_end_matches("</span>")
                .rsplit('>')
                .next()
        })
        .map(str::trim)
        .filter(|heading| *heading != "Ticked" && !heading.is_empty())
        .collect()
}

#[tokio::test]
async fn somebody_chooses_the_columns_of_a_list_and_nobody_else_sees_it() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        let cookie = door.admin().await;
        door.hire(&cookie, "7", "Asha").await;
        let all = door.get("/employees", &cookie).await;
        assert_eq!(
            headings(&all),
            [
                "Code",
                "Name",
                "Department",
                "Position",
                "Areas",
                "Card",
                "Fingers",
                "Face",
                "Hired",
                "Status"
            ]
        );
        let chosen = door
            .fill_to(
                "/employees",
                "/employees/columns",
                &cookie,
                &[
                    ("column", "status"),
                    ("column", "first_name.last_name"),
                    ("column", "self_password"),
                    ("from", "search=Asha&page=3&done=saved&columns=card_no"),
                ],
            )
            .await;
        assert_eq!(chosen.header(LOCATION), "/employees?page=3&search=Asha");
        assert_eq!(
            headings(&door.get("/employees", &cookie).await),
            ["Code", "Name", "Status"]
        );
        // An address that says which goes first; a file has all.
        let others = door.get("/employees?columns=card_no", &cookie).await;
        assert_eq!(headings(&others), ["Code", "Card"]);
        let file = door
            .get("/employees/file?export_type=csv&columns=card_no", &cookie)
            .await;
        assert!(file.text.contains("hire_date"));
        let looker = door
            .user("looker", rights(&[Right::View(Thing::Employee)]), None)
            .await;
        assert_eq!(headings(&door.get("/employees", &looker).await).len(), 10);
        // All of them again.
        let all: Vec<(&str, &str)> = [
            "first_name.last_name",
            "department.dept_name",
            "position.position_name",
            "area.area_name",
            "card_no",
            "fingerprint",
            "vl_face",
            "hire_date",
            "status",
        ]
        .map(|key| ("column", key))
        .to_vec();
        door.fill_to("/employees", "/employees/columns", &cookie, &all)
            .await;
        assert_eq!(test.number("SELECT COUNT(*) FROM console_view").await, 0);
        let stranger = door
            .user("stranger", rights(&[Right::View(Thing::Area)]), None)
            .await;
        let csrf = door.get("/areas", &stranger).await.csrf();
        let refused = door
            .post("/employees/columns", &stranger, &[("csrf", &csrf)])
            .await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test]
async fn a_list_is_kept_under_a_name_opened_replaced_and_forgotten() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        let cookie = door.admin().await;
        door.hire(&cookie, "7", "Asha").await;
        let keep = async |name: &str, query: &str| {
            let fields = [("name", name), ("query", query)];
            door.fill_to("/employees", "/employees/views", &cookie, &fields)
                .await
        };
        let page = "/employees?search=asha&ordering=-emp_code&page_size=20&columns=card_no&page=1";
        let shown = door.get(page, &cookie).await;
        let query = "columns=card_no&amp;ordering=-emp_code&amp;page_size=20&amp;search=asha"
            .replace("&amp;", "&#38;");
        assert!(
            shown
                .text
                .contains(&format!("name=\"query\" value=\"{query}\"")),
            "{}",
            shown.text
        );
        let kept = keep(
            " <b>Mine</b> ",
            "search=asha&evil=1&ordering=-emp_code&page=9&columns=card_no",
        )
        .await;
        let address = "/employees?columns=card_no&ordering=-emp_code&search=asha";
        assert_eq!(
            kept.header(LOCATION),
            "/employees?columns=card_no&done=kept&ordering=-emp_code&search=asha"
        );
        let list = door.get(address, &cookie).await;
        assert_eq!(headings(&list), ["Code", "Card"]);
        let link = address.replace('&', "&#38;");
        assert!(
            list.text.contains(&format!(
                "<a href=\"{link}\" aria-current=\"true\">&#60;b&#62;Mine&#60;/b&#62;</a>"
            )),
            "{}",
            list.text
        );
        keep("<b>Mine</b>", "search=ben").await;
        let list = door.get("/employees", &cookie).await;
        assert!(
            list.text.contains("<a href=\"/employees?search=ben\">")
                && !list.text.contains("search=asha")
        );

        // What is refused is told at the field, and what was typed stays.
        let long = "n".repeat(61);
        for (name, told) in [
            ("  ", "This field may not be blank."),
            (&long, "Give a name of at most 60 characters."),
        ] {
            let refused = keep(name, "search=asha").await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(
                refused.text.contains(told) && refused.text.contains("value=\"asha\""),
                "{}",
                refused.text
            );
            assert!(
                refused
                    .text
                    .contains(&format!("name=\"name\" value=\"{}\"", name.trim()))
            );
        }
        let looker = door
            .user("looker", rights(&[Right::View(Thing::Employee)]), None)
            .await;
        assert!(!door.get("/employees", &looker).await.text.contains("Mine"));
        let csrf = door.get("/employees", &looker).await.csrf();
        let others = [("csrf", csrf.as_str()), ("name", "<b>Mine</b>")];
        door.post("/employees/views/remove", &looker, &others).await;
        assert_eq!(test.number("SELECT COUNT(*) FROM console_view").await, 1);
        let fields = [("name", "<b>Mine</b>"), ("from", "search=ben")];
        let gone = door
            .fill_to("/employees", "/employees/views/remove", &cookie, &fields)
            .await;
        assert_eq!(gone.header(LOCATION), "/employees?search=ben");
        assert_eq!(test.number("SELECT COUNT(*) FROM console_view").await, 0);
        for number in 0..30 {
            keep(&number.to_string(), "").await;
        }
        assert!(
            keep("One more", "")
                .await
                .text
                .contains("There are 30 already.")
        );
        assert_eq!(keep("7", "search=x").await.status, StatusCode::SEE_OTHER);
    })
    .await;
}

#[tokio::test]
async fn whoever_is_done_with_rows_comes_back_to_where_he_was_in_the_list() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        let cookie = door.admin().await;
        for number in 0..22 {
            door.hire(&cookie, &format!("{}", 100 + number), "Asha").await;
        }
        door.hire(&cookie, "99", "Ben").await;
        let place = "columns=card_no&ordering=-emp_code&page=2&page_size=20&search=asha";
        let list = format!("/employees?{place}");
        let shown = door.get(&format!("{list}&done=saved&evil=1"), &cookie).await.text;
        assert!(shown.contains("21 to 22 of 22"), "{shown}");
        let hidden = format!("name=\"from\" value=\"{}\"", place.replace('&', "&#38;"));
        assert!(shown.contains(&hidden), "{shown}");
        assert!(shown.contains("<input type=\"hidden\" name=\"columns\" value=\"card_no\">"));
        let from: String = url::form_urlencoded::byte_serialize(place.as_bytes()).collect();
        let (last, other) = (door.person("100").await, door.person("101").await);
        let row = format!("/employees/{last}?from={from}");
        for link in [&row, &format!("/employees/new?from={from}")] {
            assert!(shown.contains(&format!("href=\"{link}\"")), "{link}\n{shown}");
        }

        // The pages of a row know it, and so do their forms, also when they are refused.
        let back = format!("href=\"{}\"", list.replace('&', "&#38;"));
        let punches = format!("/employees/{last}/punches?from={from}");
        let photo = format!("/employees/{last}/photo?from={from}");
        let form = door.get(&row, &cookie).await.text;
        for told in [&back, &hidden, &format!("href=\"{punches}\""), &format!("href=\"{photo}\"")] {
            assert!(form.contains(told), "{told}\n{form}");
        }
        let beside = door.get(&punches, &cookie).await.text;
        assert!(beside.contains(&back) && beside.contains(&format!("href=\"{row}\"")), "{beside}");
        assert!(door.get(&photo, &cookie).await.text.contains(&format!("href=\"{row}\"")));
        let own = format!("/employees/{last}");
        let area = crate::console::HEAD_OFFICE.to_string();
        let area = ("area", area.as_str());
        let fields = [("from", place), area, ("card_no", "x")];
        let refused = door.fill_to(&row, &own, &cookie, &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text.contains(&back) && refused.text.contains(&hidden), "{}", refused.text);

        // Saved, done, removed: the same place again.
        let at = |done: &str| {
            format!("/employees?columns=card_no&done={done}&ordering=-emp_code&page=2&page_size=20&search=asha")
        };
        let fields = [("from", place), area, ("card_no", "7")];
        let saved = door.fill_to(&row, &own, &cookie, &fields).await;
        assert_eq!(saved.header(LOCATION), at("saved"));
        let again = door.get(saved.header(LOCATION), &cookie).await;
        assert!(again.text.contains("Saved.") && again.text.contains("21 to 22 of 22"));
        let mut fields = vec![("from", place), ("act", "adjust_department"), ("rows", last.as_str())];
        let asked = door.fill_to("/employees", "/employees/do", &cookie, &fields).await.text;
        assert!(asked.contains(&back) && asked.contains(&hidden), "{asked}");
        fields.extend([("sure", "yes"), ("department_code", "1")]);
        let done = door.fill_to("/employees", "/employees/do", &cookie, &fields).await;
        assert_eq!(done.header(LOCATION), at("did-1-adjust_department"));
        let mut fields = vec![("from", place), ("rows", last.as_str()), ("rows", other.as_str())];
        let asked = door.fill_to("/employees", "/employees/remove", &cookie, &fields).await.text;
        assert!(asked.contains(&back) && asked.contains(&hidden), "{asked}");
        fields.extend([("sure", "yes"), ("typed", "2")]);
        let removed = door.fill_to("/employees", "/employees/remove", &cookie, &fields).await;
        assert_eq!(removed.header(LOCATION), at("removed-2"));
        // What was on that page is gone, so it is the one before.
        let left = door.get(removed.header(LOCATION), &cookie).await.text;
        assert!(left.contains("1 to 20 of 20") && left.contains("2 removed."), "{left}");
        let far = door.get("/employees?page=9&page_size=20", &cookie).await.text;
        assert!(far.contains("1 to 20 of 21"), "{far}");

        // It is a place in this list, whatever a request says.
        let (own, row) = (format!("/employees/{}", door.person("102").await), "/employees/new");
        for evil in ["https://evil.example/", "//evil.example?x=1", "/users?done=ended", "\r\nSet-Cookie: a=b"] {
            let fields = [("from", evil), area, ("card_no", "")];
            let saved = door.fill_to(row, &own, &cookie, &fields).await;
            assert_eq!(saved.header(LOCATION), "/employees?done=saved", "{evil}");
            let evil: String = url::form_urlencoded::byte_serialize(evil.as_bytes()).collect();
            let shown = door.get(&format!("{own}?from={evil}"), &cookie).await.text;
            assert!(shown.contains("<p class=\"back\"><a href=\"/employees\">"), "{shown}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_file_has_the_columns_that_are_shown() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        let cookie = door.admin().await;
        door.hire(&cookie, "7", "Asha").await;
        for (list, column, value) in [
            ("/audit", "changed", "first_name: Asha"),
            ("/users", "role", "administrator"),
        ] {
            let page = door.get(list, &cookie).await.text;
            let files = page.split("<p class=\"files\">").nth(1).expect("files");
            let mut addresses = files.split("href=\"").filter_map(|at| at.split('"').next());
            let csv = addresses
                .find(|address| address.contains("export_type=csv"))
                .expect("a file")
                .replace("&#38;", "&");
            let file = door.get(&csv, &cookie).await.text;
            let (headers, rows) = file.split_once('\n').expect("a header and rows");
            assert!(headers.split(',').any(|one| one.trim() == column), "{file}");
            assert!(rows.contains(value), "{file}");
        }
    })
    .await;
}
