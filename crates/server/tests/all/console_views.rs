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
                    ("query", "search=Asha&page=3&done=saved"),
                ],
            )
            .await;
        assert_eq!(chosen.header(LOCATION), "/employees?search=Asha");
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
        let fields = [("name", "<b>Mine</b>"), ("query", "search=ben")];
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
