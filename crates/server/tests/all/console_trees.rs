//! Trees over HTTP: what stands below what, who uses it, and moving one.

use crate::console::{Answer, Door, HEAD_OFFICE, WAREHOUSE, rights};
use crate::testing::on_both;
use axum::http::StatusCode;
use muster::access::{Right, Thing};

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
        assert!(
            flat.text.contains(
                "<span class=\"use\">1 employee</span><span class=\"use\">1 terminal</span>"
            ),
            "{}",
            flat.text
        );
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
