//! Trees over HTTP: what stands below what, who uses it, and moving one.

use crate::console::{Answer, Door, HEAD_OFFICE, WAREHOUSE, rights};
use crate::testing::on_both;
use axum::http::StatusCode;
use muster::access::{Right, Thing};
use muster_store::Sql;

async fn transplant(door: &Door, cookie: &str, id: i64, below: &str) -> Answer {
    let (csrf, id) = (door.get("/areas/tree", cookie).await.csrf(), id.to_string());
    let fields = [("csrf", csrf.as_str()), ("id", &id), ("below", below)];
    door.post("/areas/tree", cookie, &fields).await
}

#[tokio::test]
async fn a_tree_is_drawn_with_its_terminals_and_one_moves_with_all_below_it() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        door.hire(&cookie, "7", "Asha").await;
        let is_below = |answer: &Answer| {
            let first_of_some = format!("<ul><li class=\"branch\" data-id=\"{WAREHOUSE}\">");
            answer.text.contains(&first_of_some)
        };
        let flat = door.get("/areas/tree", &cookie).await;
        assert_eq!(flat.status, StatusCode::OK);
        assert!(flat.text.contains(">Gate</a>") && flat.text.contains("&#60;script&#62;"));
        assert!(!is_below(&flat));

        let moved = transplant(&door, &cookie, WAREHOUSE, &HEAD_OFFICE.to_string()).await;
        assert_eq!(moved.status, StatusCode::SEE_OTHER, "{}", moved.text);
        let nested = door.get("/areas/tree?done=saved", &cookie).await;
        assert!(is_below(&nested), "{}", nested.text);

        let circle = transplant(&door, &cookie, HEAD_OFFICE, &WAREHOUSE.to_string()).await;
        assert_eq!(circle.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(is_below(&circle) && !circle.text.contains("role=\"alert\""));
        let chosen = [HEAD_OFFICE, WAREHOUSE].map(|id| format!("<option value=\"{id}\" selected>"));
        let told =
            "id=\"below\" name=\"below\" aria-invalid=\"true\" aria-describedby=\"below-about\"";
        for part in [
            told,
            "<p class=\"about\" id=\"below-about\">",
            &chosen[0],
            &chosen[1],
        ] {
            assert!(circle.text.contains(part), "{part}\n{}", circle.text);
        }
        let csrf = flat.csrf();
        let none = [("csrf", csrf.as_str()), ("id", ""), ("below", "")];
        let none = door.post("/areas/tree", &cookie, &none).await;
        assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            none.text.contains("aria-describedby=\"which-about\""),
            "{}",
            none.text
        );
        let top = transplant(&door, &cookie, WAREHOUSE, "").await;
        assert_eq!(top.status, StatusCode::SEE_OTHER);
        assert!(!is_below(&door.get("/areas/tree", &cookie).await));

        // Somebody of the warehouse sees it alone, not how many there are, and moves nothing.
        let sees = rights(&[Right::View(Thing::Area)]);
        let keeper = door
            .user("keeper", sees, Some(&WAREHOUSE.to_string()))
            .await;
        let own = door.get("/areas/tree", &keeper).await;
        assert!(
            own.text.contains("Warehouse") && !own.text.contains("Head office"),
            "{}",
            own.text
        );
        assert!(!own.text.contains("class=\"use\"") && !own.text.contains("DOCK01"));
        assert!(!own.text.contains("id=\"move\""));
        assert_eq!(
            transplant(&door, &keeper, WAREHOUSE, "").await.status,
            StatusCode::FORBIDDEN
        );
        assert_eq!(
            door.get("/departments/tree", &keeper).await.status,
            StatusCode::FORBIDDEN
        );
    })
    .await;
}

/// Where a count leads.
fn way(page: &str, count: &str) -> String {
    let (before, _) = page
        .split_once(&format!("\">{count}</a>"))
        .unwrap_or_else(|| panic!("no way to {count} in {page}"));
    let (_, address) = before.rsplit_once("href=\"").expect("an address");
    address.replace("&#38;", "&")
}

#[tokio::test]
async fn counts_in_a_tree_lead_to_those_they_count() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        for (code, name) in [("7", "Asha"), ("8", "Ben"), ("9", "Chen")] {
            door.hire(&cookie, code, name).await;
        }
        let former = "UPDATE employee SET status = CASE emp_code WHEN '8' THEN 99 ELSE 100 END WHERE emp_code > '7'";
        door.run(Sql::new(former, [])).await;
        for (tree, ways) in [
            (
                "/areas/tree",
                &[
                    ("1 employee", &["Asha"][..]),
                    ("2 former employees", &["Ben", "Chen"]),
                    ("1 terminal", &["GATE01"]),
                ][..],
            ),
            (
                "/departments/tree",
                &[("1 employee", &["Asha"]), ("2 former employees", &["Ben", "Chen"])],
            ),
        ] {
            let page = door.get(tree, &cookie).await.text;
            for (count, there) in ways {
                let list = door.get(&way(&page, count), &cookie).await.text;
                for one in ["Asha", "Ben", "Chen", "GATE01", "DOCK01"] {
                    let is_there = list.contains(one);
                    assert_eq!(is_there, there.contains(&one), "{tree} {count} {one}\n{list}");
                }
            }
        }
        // Locations are no filter of the list, and who sees no people is not led to them.
        door.run(Sql::new(
            "INSERT INTO location (company_id, location_code, location_name, search_text, created_at, changed_at) \
             SELECT company_id, 'L', 'Lab', 'lab', created_at, changed_at FROM department WHERE id = 1",
            [],
        ))
        .await;
        let at_lab = "UPDATE employee SET location_id = (SELECT id FROM location WHERE location_code = 'L')";
        door.run(Sql::new(at_lab, [])).await;
        let plain = "<span class=\"use\">1 employee</span>";
        let page = door.get("/locations/tree", &cookie).await.text;
        assert!(page.contains(plain), "{page}");
        let sees = rights(&[Right::View(Thing::Area)]);
        let watcher = door.user("watcher", sees, None).await;
        let page = door.get("/areas/tree", &watcher).await.text;
        assert!(page.contains(plain) && !page.contains("class=\"use\" href"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn a_large_tree_is_folded() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        let tree = async || door.get("/departments/tree", &cookie).await.text;
        let unfolded = "<details class=\"fold\" open>";
        let below = "INSERT INTO department (company_id, dept_code, dept_name, parent_id, search_text, created_at, \
                     changed_at) SELECT company_id, $1, $1, id, $1, created_at, changed_at FROM department WHERE dept_code = $2";
        for (code, above) in [("a", "1"), ("b", "a")] {
            door.run(Sql::new(below, [code.into(), above.into()])).await;
        }
        let small = tree().await;
        assert_eq!(small.matches(unfolded).count(), 2, "{small}");
        for number in 0..60 {
            let code = format!("c{number}");
            door.run(Sql::new(below, [code.into(), "b".into()])).await;
        }
        let large = tree().await;
        assert_eq!(large.matches(unfolded).count(), 1, "{large}");
        assert_eq!(large.matches("<details class=\"fold\">").count(), 2, "{large}");
        assert!(large.contains(">Below b</span></summary>"), "{large}");
    })
    .await;
}
