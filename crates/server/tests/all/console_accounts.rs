//! Those who may come in, in the console: API clients, users and roles. Nobody gives what he does
//! not have, and nobody changes whoever may do more.

use crate::console::{Answer, Door, HEAD_OFFICE, WAREHOUSE, rights};
use crate::testing::{ADMIN_PASSWORD, on_both};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use chrono::TimeDelta;
use muster::access::{Right, Rights, Thing};
use muster_store::Sql;

/// The text between two others.
pub fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).expect("what stands before it");
    rest.split(after).next().unwrap_or_default()
}

fn token(answer: &Answer) -> String {
    format!("mst_{}", between(&answer.text, "value=\"mst_", "\""))
}

impl Door {
    /// Fills in a page's form: its token, and these fields.
    pub async fn fill(&self, page: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
        self.fill_to(page, page, cookie, fields).await
    }

    /// The same, sent elsewhere.
    pub async fn fill_to(
        &self,
        page: &str,
        to: &str,
        cookie: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let shown = self.get(page, cookie).await;
        assert_eq!(shown.status, StatusCode::OK, "{page}");
        let csrf = shown.csrf();
        let fields = [&[("csrf", csrf.as_str())], fields].concat();
        self.post(to, cookie, &fields).await
    }

    async fn id_of(&self, sql: &'static str, name: &str) -> i64 {
        let (id,): (i64,) = self
            .app
            .store
            .one(&Sql::new(sql, [name.into()]))
            .await
            .expect("read");
        id
    }

    async fn client(&self, name: &str) -> i64 {
        self.id_of("SELECT id FROM api_client WHERE name = $1", name)
            .await
    }

    pub async fn user_id(&self, name: &str) -> i64 {
        self.id_of("SELECT id FROM app_user WHERE username = $1", name)
            .await
    }

    async fn role_id(&self, name: &str) -> i64 {
        self.id_of("SELECT id FROM role WHERE name = $1", name)
            .await
    }
}

#[tokio::test]
async fn a_client_is_made_changed_given_another_token_and_revoked() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        let admin = door.admin().await;
        let made = door
            .fill(
                "/clients/new",
                &admin,
                &[
                    ("name", "Payroll"),
                    ("profile", "easytimepro"),
                    ("expire_date", "2026-01-16"),
                    ("addresses", "127.0.0.1\r\n10.0.0.0/8"),
                    ("rights", "area.view"),
                ],
            )
            .await;
        assert_eq!(made.status, StatusCode::OK);
        let first = token(&made);
        let status = async |token: &str, path: &str| {
            let api = test.with_token(token);
            api.get(path).await.status
        };
        assert_eq!(status(&first, "/personnel/api/areas/").await, 200);
        assert_eq!(status(&first, "/personnel/api/employees/").await, 403);

        let id = door.client("Payroll").await;
        let page = format!("/clients/{id}");
        let shown = door.get(&page, &admin).await.text;
        assert!(shown.contains("<title>Payroll · API authorization · muster</title>"));
        assert!(shown.contains("value=\"2026-01-16\""));
        assert!(shown.contains("127.0.0.1\n10.0.0.0/8"));
        assert!(!shown.contains("mst_"), "the token is shown once");
        // What the form does not send of the rest stays as it is.
        let changed = door
            .fill(
                &page,
                &admin,
                &[("rights", "area.view"), ("rights", "employee.view")],
            )
            .await;
        assert_eq!(changed.header(LOCATION), "/clients?done=saved");
        assert_eq!(status(&first, "/personnel/api/employees/").await, 200);

        let rotate = format!("{page}/rotate");
        let asked = door.fill_to(&page, &rotate, &admin, &[]).await;
        assert!(asked.text.contains("Give Payroll another token?"));
        assert_eq!(status(&first, "/personnel/api/areas/").await, 200);
        let rotated = door
            .fill_to(&page, &rotate, &admin, &[("sure", "yes")])
            .await;
        let second = token(&rotated);
        assert_eq!(status(&first, "/personnel/api/areas/").await, 401);
        assert_eq!(status(&second, "/personnel/api/areas/").await, 200);

        test.app.clock.advance(TimeDelta::hours(41));
        assert_eq!(status(&second, "/personnel/api/areas/").await, 401);
        let admin = door.admin().await;
        assert!(door.get("/clients", &admin).await.text.contains("Expired"));
        let forever = door.fill(
            &page,
            &admin,
            &[
                ("expire_date", ""),
                ("rights", "area.view"),
                ("rights", "employee.view"),
            ],
        );
        assert_eq!(forever.await.status, StatusCode::SEE_OTHER);
        assert_eq!(status(&second, "/personnel/api/areas/").await, 200);

        let revoke = format!("{page}/revoke");
        let asked = door.fill_to(&page, &revoke, &admin, &[]).await;
        assert!(asked.text.contains("Revoke Payroll?"));
        let revoked = door
            .fill_to(&page, &revoke, &admin, &[("sure", "yes")])
            .await;
        assert_eq!(revoked.header(LOCATION), "/clients?done=revoked");
        assert_eq!(status(&second, "/personnel/api/areas/").await, 401);
        let again = door
            .fill_to("/users/new", &page, &admin, &[("name", "Other")])
            .await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);

        let deeds: Vec<(String, String)> = test
            .app
            .store
            .all(&Sql::new(
                "SELECT action, COALESCE(after, '') FROM audit WHERE thing = 'client' ORDER BY id",
                [],
            ))
            .await
            .expect("read");
        let actions: Vec<&str> = deeds.iter().map(|(action, _)| action.as_str()).collect();
        assert_eq!(actions, ["create", "update", "update", "update", "revoke"]);
        assert_eq!(deeds[2].1, r#"{"token":"(secret)"}"#);
        for (_, after) in &deeds {
            assert!(!after.contains(&first) && !after.contains(&second));
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_gives_a_client_what_he_does_not_have() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        let area = HEAD_OFFICE.to_string();
        let own = [
            Right::View(Thing::Client),
            Right::Change(Thing::Client),
            Right::View(Thing::Area),
        ];
        let ines = door.user("ines", rights(&own), Some(&area)).await;
        let client = |fields: &[(&'static str, &'static str)]| {
            let mut all = vec![("name", "Gate"), ("profile", "easytimepro")];
            all.extend(fields);
            all
        };
        // Nothing is ticked before somebody ticks it, and what would do nothing is not offered.
        let admin = door.admin().await;
        let new = door.get("/clients/new", &admin).await.text;
        let (_, boxes) = new.split_once("name=\"rights\"").expect("rights");
        assert!(
            boxes.contains("value=\"door.unlock\"") && !boxes.contains("checked"),
            "{new}"
        );
        assert!(
            boxes.contains("audit.view") && !boxes.contains("audit.change"),
            "{new}"
        );
        let offered = door.get("/clients/new", &ines).await.text;
        assert!(offered.contains("value=\"area.view\"") && !offered.contains("employee.view"));
        assert!(offered.contains("Head office") && !offered.contains("Warehouse"));
        for (fields, reason) in [
            (
                vec![("rights", "employee.view"), ("areas", "1000001")],
                "You cannot give what you may not do: employee.view.",
            ),
            (
                vec![("rights", "area.view")],
                "You are limited yourself: choose among your own areas.",
            ),
            (
                vec![("rights", "area.view"), ("areas", "1000002")],
                "object does not exist.",
            ),
        ] {
            let refused = door.fill("/clients/new", &ines, &client(&fields)).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(refused.text.contains(reason), "{reason}: {}", refused.text);
            assert!(refused.text.contains("value=\"Gate\""));
        }
        let made = door
            .fill(
                "/clients/new",
                &ines,
                &client(&[("rights", "area.view"), ("areas", "1000001")]),
            )
            .await;
        let api = test.with_token(&token(&made));
        let areas = api.get("/personnel/api/areas/").await.is(200);
        assert_eq!(areas["count"], 1);

        // A client that sees more is shown, and not hers to change, to give a token or to revoke.
        let admin = door.admin().await;
        let wide = [
            ("name", "Wide"),
            ("profile", "biotime"),
            ("rights", "area.view"),
        ];
        door.fill("/clients/new", &admin, &wide).await;
        let page = format!("/clients/{}", door.client("Wide").await);
        let shown = door.get(&page, &ines).await.text;
        assert!(shown.contains("disabled") && !shown.contains("another token"));
        for (path, fields) in [
            (page.clone(), vec![("name", "Mine")]),
            (format!("{page}/rotate"), vec![("sure", "yes")]),
            (format!("{page}/revoke"), vec![("sure", "yes")]),
        ] {
            let refused = door.fill_to("/clients/new", &path, &ines, &fields).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
            assert!(refused.text.contains("more than you"), "{path}");
        }
        let seen = rights(&own[..1]);
        let vera = door.user("vera", seen, None).await;
        assert_eq!(door.get(&page, &vera).await.status, StatusCode::OK);
        assert_eq!(
            door.get("/clients/new", &vera).await.status,
            StatusCode::FORBIDDEN
        );
        let nora = door.user("nora", rights(&[]), None).await;
        assert_eq!(
            door.get("/clients", &nora).await.status,
            StatusCode::FORBIDDEN
        );
    })
    .await;
}

#[tokio::test]
async fn a_user_is_made_given_another_password_and_shut_out() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        let admin = door.admin().await;
        let operator = door.role_id("operator").await.to_string();
        let new = [
            ("username", "asha"),
            ("email", "Asha@Example.com"),
            ("role", operator.as_str()),
            ("password", "short"),
            ("active", "true"),
        ];
        let refused = door.fill("/users/new", &admin, &new).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text.contains("at least 8 characters"));
        assert!(
            !refused.text.contains("\"short\""),
            "no password comes back"
        );
        let mut new = new;
        new[3].1 = "lamp oil and rope";
        let made = door.fill("/users/new", &admin, &new).await;
        assert_eq!(made.header(LOCATION), "/users?done=saved");
        let asha = door.sign_in("asha@example.com", "lamp oil and rope").await;
        let asha = asha.cookie();
        assert_eq!(door.get("/live", &asha).await.status, StatusCode::OK);
        assert_eq!(
            door.get("/users", &asha).await.status,
            StatusCode::FORBIDDEN
        );

        // Another role is in force with the next request; another password ends the session.
        let page = format!("/users/{}", door.user_id("asha").await);
        let viewer = door.role_id("viewer").await.to_string();
        let fields = [("role", viewer.as_str()), ("active", "true")];
        door.fill(&page, &admin, &fields).await;
        assert_eq!(
            door.get("/employees/new", &asha).await.status,
            StatusCode::FORBIDDEN
        );
        test.app.clock.advance(TimeDelta::minutes(1));
        let fields = [("password", "rope and lamp oil"), ("active", "true")];
        door.fill(&page, &admin, &fields).await;
        assert_eq!(
            door.get("/live", &asha).await.header(LOCATION),
            "/sign-in?to=%2Flive"
        );
        let refused = door.sign_in("asha", "lamp oil and rope").await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        let asha = door.sign_in("asha", "rope and lamp oil").await.cookie();
        test.app.clock.advance(TimeDelta::minutes(1));
        assert_eq!(
            door.fill(&page, &admin, &[]).await.status,
            StatusCode::SEE_OTHER
        );
        assert_eq!(
            door.get("/live", &asha).await.header(LOCATION),
            "/sign-in?to=%2Flive"
        );
        let refused = door.sign_in("asha", "rope and lamp oil").await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);

        // The last administrator stays one, and nobody shuts himself out.
        let own = format!("/users/{}", door.user_id("admin").await);
        let refused = door
            .fill(
                &own,
                &admin,
                &[("role", viewer.as_str()), ("active", "true")],
            )
            .await;
        assert!(refused.text.contains("last administrator"));
        let refused = door.fill(&own, &admin, &[]).await;
        assert!(refused.text.contains("You cannot shut yourself out."));
        let deeds = door.audit().await;
        let of_asha: Vec<&str> = deeds
            .iter()
            .filter(|(actor, _, thing)| actor == "admin" && thing == "asha")
            .map(|(_, action, _)| action.as_str())
            .collect();
        assert_eq!(of_asha, ["create", "update", "password", "update"]);
    })
    .await;
}

#[tokio::test]
async fn nobody_gives_a_role_above_his_own_or_changes_whoever_has_one() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        let area = HEAD_OFFICE.to_string();
        let own = [
            Right::View(Thing::User),
            Right::Change(Thing::User),
            Right::View(Thing::Role),
            Right::Change(Thing::Role),
            Right::View(Thing::Area),
        ];
        let kim = door.user("kim", rights(&own), Some(&area)).await;
        door.user("boss", Rights::operator(), None).await;
        let (user, role) = (door.user_id("boss").await, door.role_id("boss").await);
        let (user, role_page) = (format!("/users/{user}"), format!("/roles/{role}"));
        for page in [&user, &role_page] {
            let shown = door.get(page, &kim).await.text;
            assert!(
                shown.contains("<fieldset class=\"card\" disabled>"),
                "{page}"
            );
        }
        let (role, administrator) = (role.to_string(), "1");
        for (path, fields) in [
            (user.as_str(), vec![("password", "a password of mine")]),
            (user.as_str(), vec![("active", "false")]),
            (role_page.as_str(), vec![("name", "mine")]),
            ("/roles/1", vec![("name", "mine")]),
        ] {
            let refused = door.fill_to("/users/new", path, &kim, &fields).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        }
        for role in [role.as_str(), administrator] {
            let fields = [
                ("username", "puppet"),
                ("role", role),
                ("password", "a password of mine"),
            ];
            let refused = door.fill("/users/new", &kim, &fields).await;
            assert!(refused.text.contains("more than you"));
        }
        let new_role = |right, areas: &'static str| {
            vec![("name", "gate"), ("rights", right), ("areas", areas)]
        };
        for (fields, reason) in [
            (new_role("area.change", "1000001"), "area.change"),
            (new_role("area.view", "1000002"), "does not exist"),
            (new_role("area.view", ""), "choose among your own areas"),
        ] {
            let refused = door.fill("/roles/new", &kim, &fields).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(refused.text.contains(reason), "{reason}");
        }
        let made = door
            .fill("/roles/new", &kim, &new_role("area.view", "1000001"))
            .await;
        assert_eq!(made.header(LOCATION), "/roles?done=saved");
        let gate = door.role_id("gate").await.to_string();
        let fields = [
            ("username", "guard"),
            ("role", gate.as_str()),
            ("password", "a password of mine"),
            ("active", "true"),
        ];
        let made = door.fill("/users/new", &kim, &fields).await;
        assert_eq!(made.status, StatusCode::SEE_OTHER);
        let guard = door.sign_in("guard", "a password of mine").await.cookie();
        let areas = door.get("/areas", &guard).await.text;
        assert!(areas.contains("Head office") && !areas.contains("Warehouse"));
        // A tree offers nothing new to somebody who would not see it.
        assert!(!areas.contains("/areas/new"));

        // A role somebody has stays; what its form does not touch stays, too.
        let remove = [("rows", gate.as_str()), ("sure", "yes")];
        let stays = door.fill_to("/roles", "/roles/remove", &kim, &remove).await;
        assert!(stays.text.contains("1 user has it"));
        let page = format!("/roles/{gate}");
        let fields = [
            ("name", "the gate"),
            ("rights", "area.view"),
            ("areas", "1000001"),
        ];
        door.fill(&page, &kim, &fields).await;
        let areas = door.get("/areas", &guard).await.text;
        assert!(!areas.contains(&WAREHOUSE.to_string()));
        let signed_in = door.sign_in("admin", ADMIN_PASSWORD).await.cookie();
        let wider = [
            ("name", "the gate"),
            ("rights", "area.view"),
            ("rights", "area.change"),
        ];
        door.fill(&page, &signed_in, &wider).await;
        let areas = door.get("/areas", &guard).await.text;
        assert!(areas.contains("Warehouse") && areas.contains("/areas/new"));
    })
    .await;
}
