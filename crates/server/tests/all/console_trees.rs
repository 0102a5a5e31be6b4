//! Trees over HTTP: what stands below what, who uses it, and moving one.

use crate::console::{Answer, Door, HEAD_OFFICE, WAREHOUSE, rights};
use crate::testing::on_both;
use axum::http::StatusCode;
use muster::access::{Right, Rights, Thing};
use muster::profile::Profile;
use muster_store::Sql;
use serde_json::json;

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

        // Somebody of the warehouse sees it alone, with how many are there, and moves nothing.
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
        assert!(own.text.contains("<span class=\"use\">1 terminal</span>"));
        assert_eq!(own.text.matches("class=\"use\"").count(), 1);
        assert!(!own.text.contains("DOCK01"));
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
async fn whoever_chooses_one_means_those_below_it_too_and_programs_mean_that_one() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let cookie = door.admin().await;
        let api = server
            .api(Profile::EasyTimePro, Rights::administrator())
            .await;
        let mut departments = Vec::new();
        for (code, above) in [("sales", "1"), ("field", "sales")] {
            let department = json!({ "dept_code": code, "dept_name": code, "parent_dept": above });
            let made = api
                .post("/personnel/api/departments/", department)
                .await
                .is(201);
            departments.push(made["id"].clone());
        }
        let [sales, field] = &departments[..] else {
            panic!("two were made")
        };
        let moved = transplant(&door, &cookie, WAREHOUSE, &HEAD_OFFICE.to_string()).await;
        assert_eq!(moved.status, StatusCode::SEE_OTHER, "{}", moved.text);
        for (code, name, department, areas) in [
            ("7", "Asha", "1", &["2"][..]),
            ("8", "Ben", "sales", &["2", "3"]),
            ("9", "Chen", "field", &["3"]),
        ] {
            door.hire(&cookie, code, name).await;
            let there = json!({ "department": department, "area": areas });
            api.patch(&format!("/personnel/api/employees/{code}/"), there)
                .await
                .is(200);
        }
        server
            .bring("GATE01", "9\t2026-01-15 08:00:00\t0\t1\n")
            .await;

        // The live page means the same as the lists that its figures lead to.
        door.punch(50, "DOCK01", WAREHOUSE).await;
        let live = door
            .get(&format!("/live?area={HEAD_OFFICE}"), &cookie)
            .await
            .text;
        assert!(
            live.contains("data-id=\"50\"") && live.contains("<dt>Punches today</dt><dd>2</dd>"),
            "{live}"
        );

        let names = async |address: &str| {
            let page = door.get(address, &cookie).await;
            assert_eq!(page.status, StatusCode::OK, "{address}: {}", page.text);
            let names: &[&str] = match address.starts_with("/terminals") {
                true => &["GATE01", "DOCK01"],
                false => &["Asha", "Ben", "Chen"],
            };
            names
                .iter()
                .copied()
                .filter(|name| page.text.contains(name))
                .collect::<Vec<_>>()
        };
        for (address, found) in [
            (
                "/employees?department=1".to_owned(),
                &["Asha", "Ben", "Chen"][..],
            ),
            (format!("/employees?department={sales}"), &["Ben", "Chen"]),
            (
                format!("/employees/file?export_type=csv&department={sales}"),
                &["Ben", "Chen"],
            ),
            (format!("/employees?department={field}"), &["Chen"]),
            ("/employees?department=700".to_owned(), &[]),
            (
                format!("/employees?area={HEAD_OFFICE}"),
                &["Asha", "Ben", "Chen"],
            ),
            (format!("/employees?area={WAREHOUSE}"), &["Ben", "Chen"]),
            (
                format!("/terminals?area={HEAD_OFFICE}"),
                &["GATE01", "DOCK01"],
            ),
            (format!("/terminals?area={WAREHOUSE}"), &["DOCK01"]),
            (format!("/transactions?department={sales}"), &["Chen"]),
            (format!("/presence?who=came&department={sales}"), &["Chen"]),
            (
                format!("/presence?who=absent&area={HEAD_OFFICE}"),
                &["Asha", "Ben"],
            ),
        ] {
            assert_eq!(names(&address).await, found, "{address}");
        }
        // The page says what was chosen, and all that match are those it shows.
        let page = door
            .get(&format!("/employees?department={sales}"), &cookie)
            .await;
        let chosen = format!("<option value=\"{sales}\" selected>sales (sales)</option>");
        assert!(page.text.contains(&chosen), "{}", page.text);
        let asked = format!("department={sales}");
        let csrf = page.csrf();
        let fields = [
            ("csrf", csrf.as_str()),
            ("matching", "yes"),
            ("asked", &asked),
        ];
        let meant = door.post("/employees/remove", &cookie, &fields).await.text;
        for part in [
            "Remove these 2?",
            "All that match: Department: sales (sales)",
            "8 Ben",
            "9 Chen",
        ] {
            assert!(meant.contains(part), "{part}: {meant}");
        }

        // A tree says how many that are, each once, and leads to as many.
        let tree = door.get("/departments/tree", &cookie).await.text;
        for (count, people) in [
            (
                "1 employee, 3 with those below",
                &["Asha", "Ben", "Chen"][..],
            ),
            ("1 employee, 2 with those below", &["Ben", "Chen"]),
            ("1 employee", &["Chen"]),
        ] {
            assert_eq!(names(&way(&tree, count)).await, people, "{count}");
        }
        let tree = door.get("/areas/tree", &cookie).await.text;
        for (count, there) in [
            (
                "2 employees, 3 with those below",
                &["Asha", "Ben", "Chen"][..],
            ),
            ("2 employees", &["Ben", "Chen"]),
            ("1 terminal, 2 with those below", &["GATE01", "DOCK01"]),
        ] {
            assert_eq!(names(&way(&tree, count)).await, there, "{count}");
        }

        let exact = api
            .get("/personnel/api/employees/?department=sales")
            .await
            .is(200);
        assert_eq!(exact["count"], 1);
        let exact = api
            .get("/iclock/api/transactions/?department=sales")
            .await
            .is(200);
        assert_eq!(exact["count"], 0);
        let role = door.get("/roles/new", &cookie).await.text;
        assert_eq!(role.matches("without those below.").count(), 2, "{role}");
    })
    .await;
}

#[tokio::test]
async fn whoever_is_limited_is_told_how_many_of_his_there_are() {
    on_both(|server| async move {
        let door = Door::of(&server).await;
        let admin = door.admin().await;
        let api = server
            .api(Profile::EasyTimePro, Rights::administrator())
            .await;
        let sales = json!({ "dept_code": "sales", "dept_name": "sales", "parent_dept": "1" });
        let sales = api.post("/personnel/api/departments/", sales).await.is(201)["id"].to_string();
        transplant(&door, &admin, WAREHOUSE, &HEAD_OFFICE.to_string()).await;
        for (code, name, department, areas) in [
            ("7", "Asha", "1", &["2"][..]),
            ("8", "Ben", "sales", &["2", "3"]),
            ("9", "Chen", "sales", &["3"]),
        ] {
            door.hire(&admin, code, name).await;
            let there = json!({ "department": department, "area": areas });
            api.patch(&format!("/personnel/api/employees/{code}/"), there)
                .await
                .is(200);
        }
        let office = door
            .user("office", Rights::viewer(), Some(&HEAD_OFFICE.to_string()))
            .await;
        let keeper = door
            .user("keeper", Rights::viewer(), Some(&WAREHOUSE.to_string()))
            .await;
        let seller = door.user("seller", Rights::viewer(), None).await;
        let limited = "UPDATE role SET departments = $1 WHERE name = 'seller'";
        door.run(Sql::new(limited, [sales.as_str().into()])).await;

        // All that is told in a tree: how many, and who is in the list that leads to.
        let told = async |tree: &str, cookie: &str| {
            let page = door.get(tree, cookie).await.text;
            let mut told = Vec::new();
            for part in page.split("class=\"use\" href=\"").skip(1) {
                let (address, rest) = part.split_once("\">").expect("an address");
                let (count, _) = rest.split_once("</a>").expect("a count");
                let list = door.get(&address.replace("&#38;", "&"), cookie).await.text;
                let names = ["Asha", "Ben", "Chen", "GATE01", "DOCK01"];
                let there: Vec<&str> = names
                    .into_iter()
                    .filter(|name| list.contains(name))
                    .collect();
                told.push(format!("{count}: {}", there.join(" ")));
            }
            told
        };
        let areas = "/areas/tree";
        assert_eq!(
            told(areas, &office).await,
            ["2 employees: Asha Ben", "1 terminal: GATE01"]
        );
        assert_eq!(
            told(areas, &keeper).await,
            ["2 employees: Ben Chen", "1 terminal: DOCK01"]
        );
        assert_eq!(
            told(areas, &seller).await,
            [
                "1 employee, 2 with those below: Ben Chen",
                "1 terminal, 2 with those below: GATE01 DOCK01",
                "2 employees: Ben Chen",
                "1 terminal: DOCK01",
                // That of those who wait.
                "1 terminal: ",
            ]
        );
        let departments = "/departments/tree";
        assert_eq!(
            told(departments, &office).await,
            [
                "1 employee, 2 with those below: Asha Ben",
                "1 employee: Ben"
            ]
        );
        assert_eq!(told(departments, &seller).await, ["2 employees: Ben Chen"]);
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
