//! The console's pages that are no list: search, a person's punches and terminals, the system.
//! Each shows what its reader may see, and no more.

use crate::console::{Door, HEAD_OFFICE, rights};
use crate::testing::{TestApp, on_both, on_both_with};
use axum::http::{StatusCode, header};
use chrono::TimeDelta;
use muster::access::{Right, Rights, Thing};
use muster::backup;
use muster::profile::Profile;
use serde_json::json;

/// Two people, one in each area; the first has a terminal.
async fn people(test: &TestApp) {
    let api = test
        .api(Profile::EasyTimePro, Rights::administrator())
        .await;
    for (code, name, area) in [("1001", "Asha", "2"), ("1002", "Ashok", "3")] {
        let person = json!({
            "emp_code": code, "first_name": name, "department": "1", "area": [area],
        });
        api.post("/personnel/api/employees/", person).await.is(201);
    }
}

#[tokio::test]
async fn a_search_finds_what_somebody_may_see() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        people(&test).await;
        let area = HEAD_OFFICE.to_string();
        let admin = door.admin().await;
        let all = door.get("/search?q=ash", &admin).await.text;
        assert!(all.contains("1001 Asha") && all.contains("1002 Ashok"));
        test.get("/iclock/cdata?SN=YARD0077&options=all").await;
        let terminals = door.get("/search?q=yard", &admin).await.text;
        assert!(terminals.contains("YARD0077"));
        let pages = door.get("/search?q=ROLE", &admin).await.text;
        assert!(pages.contains("<h2 id=\"found-pages\">"));

        let two = [Right::View(Thing::Employee), Right::View(Thing::Terminal)];
        let ines = door.user("ines", rights(&two), Some(&area)).await;
        let hers = door.get("/search?q=ash", &ines).await.text;
        assert!(hers.contains("1001 Asha") && !hers.contains("Ashok"));
        let hers = door.get("/search?q=yard", &ines).await.text;
        assert!(hers.contains("Nothing is called so"));
        let hers = door.get("/search?q=role", &ines).await.text;
        assert!(!hers.contains("<h2 id=\"found-pages\">"));
        let vera = door.user("vera", rights(&two[1..]), None).await;
        let hers = door.get("/search?q=ash", &vera).await.text;
        assert!(!hers.contains("Asha"));

        let odd = door.get("/search?q=%3Cscript%3E%25_", &admin).await;
        assert_eq!(odd.status, StatusCode::OK);
        assert!(!odd.text.contains("<script>%"));
        let long = format!("/search?q={}", "x".repeat(5000));
        assert_eq!(door.get(&long, &admin).await.status, StatusCode::OK);
        let signed_out = door.get("/search?q=ash", "").await;
        assert_eq!(signed_out.status, StatusCode::SEE_OTHER);
    })
    .await;
}

#[tokio::test]
async fn a_persons_page_shows_his_month_his_terminals_and_when_he_left() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        people(&test).await;
        let api = test
            .api(Profile::EasyTimePro, Rights::administrator())
            .await;
        let shown = api.get("/personnel/api/employees/1001/").await.is(200);
        let id = shown["id"].as_str().map(str::to_owned);
        let id = id.unwrap_or_else(|| shown["id"].to_string());
        let page = format!("/employees/{id}/punches");
        let log = "1001\t2026-01-14 08:58:11\t0\t1\t0\t0\t0\n1001\t2026-01-14 17:31:00\t1\t1\t0\t0\t0\n";
        let upload = "/iclock/cdata?SN=GATE01&table=ATTLOG&Stamp=1";
        assert_eq!(test.post(upload, log).await.status, 200);
        let resign = json!({
            "employee": "1001", "resign_date": "2026-01-20", "resign_type": 3, "reason": "<i>Moves away</i>",
        });
        api.post("/personnel/api/resigns/", resign).await.is(201);
        test.app.clock.advance(TimeDelta::days(1));
        let back = json!({ "emp_code": ["1001"] });
        api.post("/personnel/api/resigns/rehire/", back)
            .await
            .is(200);

        let admin = door.admin().await;
        let whole = door.get(&page, &admin).await.text;
        assert!(whole.contains("<h2 id=\"month-heading\">January 2026</h2>"));
        let day = "<time datetime=\"2026-01-14\">14</time><ul><li>08:58 +05:30</li><li>17:31 +05:30</li></ul>";
        assert!(whole.contains(day), "{whole}");
        assert!(whole.contains("2 punches") && whole.contains("2026-01-14 17:31:00"));
        assert!(whole.contains("<td>Gate <span class=\"below\">GATE01</span></td>"));
        assert!(whole.contains("On its way"));
        assert!(whole.contains("&#60;i&#62;Moves away&#60;/i&#62;"));
        assert!(whole.contains("<td>2026-01-16</td>"), "{whole}");
        let before = door.get(&format!("{page}?month=2025-12"), &admin).await;
        assert!(before.text.contains("December 2025") && before.text.contains("No punches"));
        for odd in ["2026-13", "x", "99999-01", "9999-12", "0001-01"] {
            let answer = door.get(&format!("{page}?month={odd}"), &admin).await;
            assert_eq!(answer.status, StatusCode::OK, "{odd}");
        }

        // Each part has its right, and the person is one of the reader's.
        let one = [Right::View(Thing::Employee)];
        let vera = door.user("vera", rights(&one), None).await;
        let little = door.get(&page, &vera).await.text;
        for part in ["month", "recent", "terminals", "templates", "resignations"] {
            assert!(whole.contains(&format!("{part}-heading")), "{part}");
            assert!(!little.contains(&format!("{part}-heading")), "{part}");
        }
        let elsewhere = door.user("ines", Rights::viewer(), Some("1000002")).await;
        let refused = door.get(&page, &elsewhere).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND);
        let nora = door.user("nora", rights(&[]), None).await;
        assert_eq!(door.get(&page, &nora).await.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test]
async fn the_system_is_shown_to_who_may_see_it_and_without_secrets() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        let admin = door.admin().await;
        test.run_jobs().await;
        let system = door.get("/system", &admin).await.text;
        assert!(system.contains("turn of the day") && system.contains("Running for"));
        assert!(!system.contains("health-heading"));
        let checked = door.get("/system?check", &admin).await.text;
        assert!(checked.contains("no punch is there twice"));
        assert!(checked.contains("the key file belongs to this database"));
        assert!(!checked.contains("state bad"));
        let settings = door.get("/settings", &admin).await.text;
        assert!(settings.contains("<code>terminals.admission</code>"));
        assert!(settings.contains("built in"));
        let url = url::Url::parse(&test.app.config.database_url);
        if let Some(password) = url.as_ref().ok().and_then(url::Url::password) {
            assert!(!settings.contains(password));
        }
        let operator = door.user("op", Rights::operator(), None).await;
        for page in ["/system", "/system?check", "/settings"] {
            let refused = door.get(page, &operator).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{page}");
        }
        let own = door.get("/account", &operator).await.text;
        assert!(!own.contains("href=\"/system\""));
    })
    .await;
}

#[tokio::test]
async fn a_backup_is_made_from_the_page_of_the_system() {
    let recipient = age::x25519::Identity::generate().to_public().to_string();
    let configure = |config: &mut muster::config::Config| {
        config.backup.recipients = vec![recipient.clone()];
        config.backup.every_h = 0;
    };
    on_both_with(configure, |test| async move {
        let door = Door::of(&test).await;
        let admin = door.admin().await;
        let page = door.get("/system", &admin).await.text;
        assert!(
            page.contains("There is none in") && page.contains("Back up now"),
            "{page}"
        );
        let viewer = rights(&[Right::View(Thing::Setting)]);
        let viewer = door.user("vera", viewer, None).await;
        let seen = door.get("/system", &viewer).await.text;
        assert!(!seen.contains("Back up now"));
        let csrf = door.get("/system", &viewer).await.csrf();
        let refused = door
            .post("/system/backup", &viewer, &[("csrf", &csrf)])
            .await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        let csrf = door.get("/system", &admin).await.csrf();
        let begun = door
            .post("/system/backup", &admin, &[("csrf", &csrf)])
            .await;
        assert_eq!(begun.header(header::LOCATION), "/system#backups");
        let folder = test.app.config.backup_folder();
        let page = loop {
            let page = door.get("/system", &admin).await.text;
            if !page.contains("A backup is being made") {
                break page;
            }
        };
        let made = backup::list(&folder).expect("read");
        let [(file, _)] = made.as_slice() else {
            panic!("{made:?}");
        };
        let name = file.file_name().expect("a name").to_string_lossy();
        assert!(
            page.contains("1 backup in") && page.contains(&*name),
            "{page}"
        );
        assert!(!page.contains("failed"), "{page}");
        let audited = "SELECT COUNT(*) FROM audit WHERE action = 'backup' AND actor = 'admin'";
        assert_eq!(test.number(audited).await, 1);
    })
    .await;
    on_both(|test| async move {
        let door = Door::of(&test).await;
        let admin = door.admin().await;
        let page = door.get("/system", &admin).await.text;
        assert!(
            page.contains("nobody is named in the option") && !page.contains("Back up now"),
            "{page}"
        );
        let csrf = door.get("/system", &admin).await.csrf();
        let refused = door
            .post("/system/backup", &admin, &[("csrf", &csrf)])
            .await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    })
    .await;
}
