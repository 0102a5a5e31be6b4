//! The console's pages that are no list: search, a person's punches and terminals, the system.
//! Each shows what its reader may see, and no more.

use crate::console::{Door, GATE, HEAD_OFFICE, rights};
use crate::testing::{TestApp, on_both, on_both_with};
use axum::http::{StatusCode, header};
use chrono::TimeDelta;
use muster::access::{Right, Rights, Thing};
use muster::backup;
use muster::profile::Profile;
use muster_store::{Sql, json_list};
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
        let day = "/transactions?emp_code=1001&#38;start_time=2026-01-14&#38;end_time=2026-01-14";
        let linked = format!("<a href=\"{day}\" aria-label=\"Punches of 2026-01-14\">");
        assert!(whole.contains(&linked), "{whole}");
        let at = |time: &str| whole.find(&format!("<li>{time} +05:30 ")).expect(time);
        let [came, went] = [at("08:58"), at("17:31")];
        assert!(whole[came..went].contains("<span class=\"unseen\">Check in</span>"));
        assert!(whole[went..].contains("<span class=\"unseen\">Check out</span>"));
        let listed = door.get(&day.replace("&#38;", "&"), &admin).await.text;
        assert!(listed.contains("1 to 2 of 2"), "{listed}");
        assert!(whole.contains("<a href=\"/transactions?emp_code=1001\">"));
        let part = |part: &str| whole.find(&format!("id=\"{part}-heading\""));
        assert!(part("recent") < part("terminals"), "what is asked for most is above");
        assert!(whole.contains("2 punches") && whole.contains("2026-01-14 17:31:00"));
        let gate = format!("<td><a href=\"/terminals/{GATE}\">Gate</a> <span class=\"below\">GATE01</span></td>");
        assert!(whole.contains(&gate));
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
        for (of, parts) in [
            (Thing::Transaction, &["month", "recent"][..]),
            (Thing::Terminal, &["terminals"]),
            (Thing::Biodata, &["templates"]),
            (Thing::Resignation, &["resignations"]),
        ] {
            let name = format!("of-{}", of.name());
            let reader = door.user(&name, rights(&[one[0], Right::View(of)]), None);
            let little = door.get(&page, &reader.await).await.text;
            for part in ["month", "recent", "terminals", "templates", "resignations"] {
                let heading = format!("{part}-heading");
                assert!(whole.contains(&heading), "{part}");
                assert_eq!(little.contains(&heading), parts.contains(&part), "{part}");
            }
        }
        // Who would see nothing there is not led there.
        let vera = door.user("vera", rights(&one), None).await;
        let details = door.get(&format!("/employees/{id}"), &vera).await.text;
        assert!(!details.contains("/punches"), "{details}");
        let nothing = door.get(&page, &vera).await;
        assert_eq!(nothing.status, StatusCode::SEE_OTHER);
        assert_eq!(nothing.header(header::LOCATION), format!("/employees/{id}"));
        let elsewhere = door.user("ines", Rights::viewer(), Some("1000002")).await;
        let refused = door.get(&page, &elsewhere).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND);
        let nora = door.user("nora", rights(&[]), None).await;
        assert_eq!(door.get(&page, &nora).await.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test]
async fn rows_lead_to_the_person_and_the_terminal_they_tell_of() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        people(&test).await;
        let log = "1001\t2026-01-14 08:58:11\t0\t1\n1002\t2026-01-14 09:00:00\t0\t1\n77\t2026-01-14 09:01:00\t0\t1\n";
        let upload = "/iclock/cdata?SN=GATE01&table=ATTLOG&Stamp=1";
        assert_eq!(test.post(upload, log).await.status, 200);
        let operated = "OPLOG 4\t1001\t2026-01-15 08:00:00\t0\t0\t0\t0\nOPLOG 99\n";
        let upload = "/iclock/cdata?SN=GATE01&table=OPERLOG&Stamp=1";
        assert_eq!(test.post(upload, operated).await.status, 200);
        let asha = format!("/employees/{}/punches", door.person("1001").await);
        let ashok = format!("/employees/{}/punches", door.person("1002").await);
        let gate = format!("/terminals/{GATE}");
        let leads = |address: &str, text: &str| format!("<a href=\"{address}\">{text}</a>");

        let admin = door.admin().await;
        let (code, alias, sn) = (leads(&asha, "1001"), leads(&gate, "Gate"), leads(&gate, "GATE01"));
        for (page, links) in [
            ("/transactions", vec![&code, &alias]),
            ("/unregister", vec![&alias]),
            ("/commands", vec![&sn, &alias]),
            ("/holdings", vec![&code, &alias]),
            ("/operations", vec![&code, &sn]),
            ("/unread", vec![&sn]),
            ("/live", vec![&alias]),
        ] {
            let shown = door.get(page, &admin).await.text;
            for link in links {
                assert!(shown.contains(link.as_str()), "{page}: {link} in {shown}");
            }
        }
        let live = door.get("/live", &admin).await.text;
        assert!(live.contains(&format!("<a href=\"{asha}\"><span class=\"name\">Asha")));
        for page in [&asha, &ashok, &gate] {
            assert_eq!(door.get(page, &admin).await.status, StatusCode::OK, "{page}");
        }

        // Who may not see them, or not these, reads the same without a link.
        let punches = [Right::View(Thing::Transaction)];
        let vera = door.user("vera", rights(&punches), None).await;
        for page in ["/transactions", "/live"] {
            let hers = door.get(page, &vera).await.text;
            assert!(hers.contains("1001") && hers.contains("Gate"), "{page}");
            assert!(!hers.contains(&asha) && !hers.contains(&gate), "{page}");
        }
        let area = HEAD_OFFICE.to_string();
        let ines = door.user("ines", Rights::viewer(), Some(&area)).await;
        for page in ["/transactions", "/live"] {
            let hers = door.get(page, &ines).await.text;
            assert!(hers.contains(&asha) && hers.contains(&gate), "{page}");
            assert!(hers.contains("1002") && !hers.contains(&ashok), "{page}");
        }

        // Nor does anything lead to what is gone.
        let api = test
            .api(Profile::EasyTimePro, Rights::administrator())
            .await;
        api.delete("/personnel/api/employees/1001/").await.is(200);
        api.delete(&format!("/iclock/api/terminals/{GATE}/")).await.is(200);
        for page in ["/transactions", "/operations", "/unread", "/live"] {
            let rest = door.get(page, &admin).await.text;
            assert!(rest.contains("1001") || page == "/unread", "{page}");
            assert!(!rest.contains(&asha) && !rest.contains(&gate), "{page}");
        }
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
async fn what_is_set_is_in_force_at_once_and_after_the_next_start() {
    on_both_with(
        |config| {
            let origin = muster::config::Origin::File("muster.toml".into());
            config.origins.insert("api.basic", origin);
        },
        |test| async move {
            let door = Door::of(&test).await;
            let admin = door.admin().await;
            let call = async |sn: &str| {
                let path = format!("/iclock/getrequest?SN={sn}");
                test.get(&path).await.status
            };
            assert_eq!(call("FIRST").await, 403);

            let set = async |cookie: &str, fields: &[(&str, &str)]| {
                let csrf = door.get("/account", cookie).await.csrf();
                let fields = [&[("csrf", csrf.as_str())], fields].concat();
                door.post("/settings", cookie, &fields).await
            };

            // Nothing is set when something is wrong, and what was typed stays.
            let fields = [
                ("terminals.admission", "open"),
                ("terminals.delay_s", "1"),
                ("backup.keep", "many"),
                ("api.basic", "true"),
            ];
            let refused = set(&admin, &fields).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
            for told in [
                "greater than or equal to 2.",
                "A valid integer is required.",
                "value=\"many\"",
                "<option value=\"open\" selected>",
            ] {
                assert!(refused.text.contains(told), "{told}: {}", refused.text);
            }
            assert_eq!(call("SECOND").await, 403);

            let fields = [("terminals.admission", "open"), ("api.page_cap", "2")];
            let saved = set(&admin, &fields).await;
            assert_eq!(saved.status, StatusCode::SEE_OTHER);
            assert_eq!(call("THIRD").await, 200);
            let in_force = |options: &muster::config::Config| {
                (
                    options.terminals.admission == muster::config::Admission::Open,
                    options.api.page_cap,
                )
            };
            assert_eq!(in_force(&test.app.settings()), (true, 2));
            let next = muster::settings::Settings::read(&test.app.store, &test.app.config).await;
            assert_eq!(in_force(&next.expect("read").now()), (true, 2));
            let page = door.get("/settings?done=saved", &admin).await.text;
            assert!(
                page.contains("set here") && page.contains("Saved."),
                "{page}"
            );

            // What the server was started with is no field, and is not changed.
            assert!(!page.contains("name=\"api.basic\""), "{page}");
            let fixed = set(&admin, &[("api.basic", "true")]).await;
            assert_eq!(fixed.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(!test.app.settings().api.basic);

            // Empty is as built in.
            let empty = [("terminals.admission", "")];
            let again = set(&admin, &empty).await;
            assert_eq!(again.status, StatusCode::SEE_OTHER);
            assert_eq!(in_force(&test.app.settings()), (false, 2));
            assert_eq!(call("FOURTH").await, 403);

            // What was not touched stays as somebody else has set it meanwhile.
            let from_before = [
                ("was-api.page_cap", "10000"),
                ("api.page_cap", "10000"),
                ("was-terminals.delay_s", "10"),
                ("terminals.delay_s", "12"),
            ];
            let touched = set(&admin, &from_before).await;
            assert_eq!(touched.status, StatusCode::SEE_OTHER);
            assert_eq!(in_force(&test.app.settings()), (false, 2));
            assert_eq!(test.app.settings().terminals.delay_s, 12);

            let deeds = door.audit().await;
            let of_settings = deeds.iter().filter(|(_, action, _)| action == "update");
            assert_eq!(of_settings.count(), 3, "{deeds:?}");
            // The console's pages are as large as ever.
            let page = door.get("/audit", &admin).await.text;
            assert!(page.matches("<tr").count() > deeds.len().min(4), "{page}");
            let looker = rights(&[Right::View(Thing::Setting)]);
            let looker = door.user("lena", looker, None).await;
            let page = door.get("/settings", &looker).await.text;
            assert!(!page.contains("name=\"api.page_cap\""), "{page}");
            let refused = set(&looker, &[("api.page_cap", "3")]).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN);
        },
    )
    .await;
}

#[tokio::test]
async fn a_long_file_is_work_until_it_is_sent_or_left() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        let admin = door.admin().await;
        let ended = async |sent: &str| loop {
            let works = door.get("/work", &admin).await.text;
            if !works.contains("<progress") {
                assert!(works.contains(sent), "{works}");
                let of_newest = works.split_once("href=\"/work/").expect("a work").1;
                let id = of_newest.split_once('"').expect("its id").0;
                return door.get(&format!("/work/{id}"), &admin).await.text;
            }
            tokio::task::yield_now().await;
        };
        // What is short is none.
        door.get("/positions/file?export_type=csv", &admin).await;
        assert!(door.get("/work", &admin).await.text.contains("None yet."));

        door.run(Sql::by_dialect(
            "INSERT INTO position (company_id, position_code, position_name, search_text, created_at, changed_at) \
             SELECT $1, 'p' || value, 'Position ' || value, '', $2, $2 FROM json_each($3)",
            "INSERT INTO position (company_id, position_code, position_name, search_text, created_at, changed_at) \
             SELECT $1, 'p' || value, 'Position ' || value, '', $2, $2 FROM jsonb_array_elements_text($3::jsonb)",
            [
                test.app.company.id.clone().into(),
                test.app.clock.now().into(),
                json_list(10..5_100),
            ],
        ))
        .await;

        let sent = door.get("/positions/file?export_type=csv", &admin).await;
        assert_eq!(sent.text.lines().count(), 5_092);
        let told = ended("positions-2026-01-15.csv</bdi>: sent").await;
        assert!(
            told.contains("5,091 rows were sent") || told.contains("5091 rows were sent"),
            "{told}"
        );

        let left = door
            .get_and_leave("/positions/file?export_type=xlsx", &admin)
            .await;
        assert_eq!(left, StatusCode::OK);
        let told = ended("positions-2026-01-15.xlsx</bdi>: cut off").await;
        assert!(told.contains("the file is not whole"), "{told}");
        // It is nobody else's.
        let other = door.user("vera", Rights::viewer(), None).await;
        assert!(door.get("/work", &other).await.text.contains("None yet."));
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
        let made = backup::list(&folder, &test.app.company.id).expect("read");
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
        // Another may be begun when one has failed, and what is said of that ends with it.
        let again = async || {
            let csrf = door.get("/system", &admin).await.csrf();
            door.post("/system/backup", &admin, &[("csrf", &csrf)])
                .await;
            loop {
                let page = door.get("/system", &admin).await.text;
                if !page.contains("A backup is being made") {
                    return page;
                }
            }
        };
        let owner = folder.join(".muster-installation");
        std::fs::write(&owner, "another").expect("written");
        let page = again().await;
        assert!(page.contains("The last one failed."), "{page}");
        std::fs::write(&owner, &test.app.company.id).expect("written");
        let page = again().await;
        assert!(!page.contains("The last one failed."), "{page}");
        assert_eq!(test.number(audited).await, 3);
        // One that was being made when the server ended is not made any more.
        door.run(Sql::new(
            "UPDATE backup_by_hand SET ended_at = NULL, seen_at = $1, server_id = 'before'",
            [(test.app.clock.now() - TimeDelta::seconds(61)).into()],
        ))
        .await;
        let page = door.get("/system", &admin).await.text;
        assert!(!page.contains("A backup is being made"), "{page}");
        again().await;
        assert_eq!(test.number(audited).await, 4);
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
