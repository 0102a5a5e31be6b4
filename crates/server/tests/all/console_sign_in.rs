//! Being signed in, and ending it: the password, the second factor, sessions; and what the audit
//! keeps of it all.

use crate::console::{Answer, Door, HEAD_OFFICE, rights};
use crate::console_accounts::between;
use crate::testing::{ADMIN_PASSWORD, TestApp, on_both, on_both_with};
use aws_lc_rs::hmac;
use axum::http::StatusCode;
use axum::http::header::{LOCATION, RETRY_AFTER, SET_COOKIE};
use chrono::TimeDelta;
use muster::access::{Caller, Right, Rights, Thing};
use muster::accounts::user;
use muster::cli;
use muster::config::Config;
use muster_store::Sql;
use serde_json::json;

const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What an app shows for the secret at the server's time.
fn code(test: &TestApp, secret: &str) -> String {
    let mut bits: u128 = 0;
    let (mut held, mut key) = (0, Vec::new());
    for letter in secret.bytes().filter(|letter| *letter != b' ') {
        let value = LETTERS.iter().position(|one| *one == letter);
        bits = bits << 5 | value.expect("base 32") as u128;
        held += 5;
        if held >= 8 {
            held -= 8;
            key.push((bits >> held & 255) as u8);
        }
    }
    let step = test.app.clock.now().timestamp() / 30;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let place = usize::from(tag.as_ref()[19] & 15);
    let four: [u8; 4] = tag.as_ref()[place..place + 4].try_into().expect("four");
    format!(
        "{:06}",
        (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000
    )
}

impl Door {
    /// A form of the account page.
    async fn of_account(&self, to: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
        self.fill_to("/account", to, cookie, fields).await
    }

    /// Signs in as far as the question for a code, and answers it.
    async fn sign_in_with(&self, code: &str) -> Answer {
        let asked = self.sign_in("admin", ADMIN_PASSWORD).await;
        self.show_code(&ticket(&asked), code).await
    }

    async fn show_code(&self, ticket: &str, code: &str) -> Answer {
        let fields = [("ticket", ticket), ("code", code)];
        self.post("/sign-in/code", "", &fields).await
    }

    async fn is_signed_in(&self, cookie: &str) -> bool {
        self.get("/account", cookie).await.status == StatusCode::OK
    }

    /// Switches the second factor of the administrator on: the secret, the recovery codes, the session.
    async fn with_second_factor(
        &self,
        test: &TestApp,
        admin: &str,
    ) -> (String, Vec<String>, String) {
        let password = [("password", ADMIN_PASSWORD)];
        let begun = self
            .of_account("/account/second-factor", admin, &password)
            .await;
        assert_eq!(begun.status, StatusCode::SEE_OTHER);
        let page = self.get("/account", admin).await.text;
        let secret = between(&page, "<code id=\"secret\">", "<").to_owned();
        let confirm = "/account/second-factor/confirm";
        let wrong = self.of_account(confirm, admin, &[("code", "000000")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        let right = code(test, &secret);
        let on = self.of_account(confirm, admin, &[("code", &right)]).await;
        assert_eq!(on.status, StatusCode::OK, "{}", on.text);
        let codes = on.text.split("<li><code>").skip(1);
        let codes = codes.map(|rest| rest.split('<').next().unwrap_or_default().to_owned());
        (secret, codes.collect(), on.cookie())
    }
}

fn ticket(answer: &Answer) -> String {
    assert!(answer.header(SET_COOKIE).is_empty(), "half a proof");
    between(&answer.text, "name=\"ticket\" value=\"", "\"").to_owned()
}

#[tokio::test]
async fn with_a_second_factor_the_password_is_half_of_it() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        let login = json!({ "username": "admin", "password": ADMIN_PASSWORD });
        let nobody = test.with_token("");
        let login_door = "/api/api-token-auth/";
        let token = nobody.post(login_door, login.clone()).await.is(200);
        let program = test.with_token(token["token"].as_str().expect("a token"));
        let (admin, other) = (door.admin().await, door.admin().await);
        let refused = door
            .of_account("/account/second-factor", &admin, &[("password", "wrong")])
            .await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        test.app.clock.advance(TimeDelta::seconds(1));
        let (secret, recovery, admin) = door.with_second_factor(&test, &admin).await;
        assert_eq!(recovery.len(), 10);
        assert!(door.is_signed_in(&admin).await);

        // Whatever was signed in with the password alone has ended, and it opens nothing any more.
        assert!(!door.is_signed_in(&other).await);
        assert_eq!(program.get("/personnel/api/areas/").await.status, 401);
        let wrong = json!({ "username": "admin", "password": "wrong" });
        let refused = nobody.post(login_door, login).await;
        let same = nobody.post(login_door, wrong).await;
        assert_eq!((refused.status, &refused.text), (400, &same.text));

        // The code that switched it on is used up; the next one lets in, once.
        let used = code(&test, &secret);
        assert_eq!(
            door.sign_in_with(&used).await.status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
        test.app.clock.advance(TimeDelta::seconds(30));
        let next = code(&test, &secret);
        let asked = ticket(&door.sign_in("admin", ADMIN_PASSWORD).await);
        let wrong = door.show_code(&asked, "12345").await;
        assert!(wrong.text.contains("wrong, or was used already"));
        let spaced = format!("{} {}", &next[..3], &next[3..]);
        let inside = door.show_code(&asked, &spaced).await;
        assert_eq!(inside.header(LOCATION), "/");
        assert!(door.is_signed_in(&inside.cookie()).await);
        assert_eq!(
            door.show_code(&asked, &next).await.status,
            StatusCode::UNPROCESSABLE_ENTITY
        );

        // A recovery code lets in once.
        let inside = door.sign_in_with(&recovery[3]).await;
        assert!(door.is_signed_in(&inside.cookie()).await);
        let again = door.sign_in_with(&recovery[3]).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            door.get("/account", &admin)
                .await
                .text
                .contains("Recovery codes left: 9.")
        );

        // What the password has proved holds for five minutes, and cannot be made up.
        for made_up in ["", "AAAA", &asked[1..]] {
            let refused = door.show_code(made_up, &recovery[0]).await;
            assert!(refused.text.contains("Please sign in again."));
        }
        let asked = ticket(&door.sign_in("admin", ADMIN_PASSWORD).await);
        test.app.clock.advance(TimeDelta::seconds(301));
        let late = door.show_code(&asked, &recovery[0]).await;
        assert!(late.text.contains("Please sign in again."));

        // Off with the password; then that lets in alone.
        let off = "/account/second-factor/off";
        let refused = door.of_account(off, &admin, &[("password", "wrong")]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        door.of_account(off, &admin, &[("password", ADMIN_PASSWORD)])
            .await;
        assert_eq!(
            door.sign_in("admin", ADMIN_PASSWORD).await.header(LOCATION),
            "/"
        );
        let written: Vec<(String, String, String)> = test
            .app
            .store
            .all(&Sql::new(
                "SELECT action, COALESCE(before, ''), COALESCE(after, '') FROM audit ORDER BY id",
                [],
            ))
            .await
            .expect("read");
        let secret = secret.replace(' ', "");
        for (action, before, after) in &written {
            let kept = format!("{action} {before} {after}");
            assert!(!kept.contains(&secret) && !recovery.iter().any(|code| kept.contains(code)));
        }
        let switched = written
            .iter()
            .filter(|(action, ..)| action == "second_factor");
        let switched: Vec<&str> = switched.map(|(.., after)| after.as_str()).collect();
        assert_eq!(
            switched,
            [r#"{"second_factor":true}"#, r#"{"second_factor":false}"#]
        );
    })
    .await;
}

#[tokio::test]
async fn after_ten_wrong_codes_none_is_looked_at_for_a_while() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        let (secret, ..) = door.with_second_factor(&test, &door.admin().await).await;
        test.app.clock.advance(TimeDelta::seconds(30));
        let asked = ticket(&door.sign_in("admin", ADMIN_PASSWORD).await);
        for _ in 0..10 {
            let wrong = door.show_code(&asked, "no code").await;
            assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
        let right = code(&test, &secret);
        let closed = door.show_code(&asked, &right).await;
        assert_eq!(closed.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(closed.header(RETRY_AFTER), "900");
        test.app.clock.advance(TimeDelta::minutes(15));
        let wrong = door.sign_in_with("no code").await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        let inside = door.sign_in_with(&code(&test, &secret)).await;
        assert_eq!(inside.header(LOCATION), "/");
    })
    .await;
}

#[tokio::test]
async fn where_everybody_needs_a_second_factor_nothing_is_shown_before_there_is_one() {
    let configure = |config: &mut Config| config.console.need_second_factor = true;
    on_both_with(configure, |test| async move {
        let door = Door::of(&test).await;
        let login = json!({ "username": "admin", "password": ADMIN_PASSWORD });
        let nobody = test.with_token("");
        assert_eq!(nobody.post("/api/api-token-auth/", login).await.status, 400);

        let admin = door.admin().await;
        for path in [
            "/",
            "/employees",
            "/employees/file?export_type=csv",
            "/live/events",
            "/search?q=1",
            "/settings",
        ] {
            let shown = door.get(path, &admin).await;
            assert_eq!(
                (shown.status, shown.header(LOCATION)),
                (StatusCode::SEE_OTHER, "/account"),
                "{path}"
            );
        }
        let page = door.get("/account", &admin).await;
        assert!(
            page.text
                .contains("Here everybody needs a second factor. Set yours up to go on.")
        );
        assert!(!page.text.contains("href=\"/employees\""));
        let csrf = page.csrf();
        let fields = [
            ("csrf", csrf.as_str()),
            ("area_code", "9"),
            ("area_name", "Nine"),
        ];
        let made = door.post("/areas/new", &admin, &fields).await;
        assert_eq!(made.header(LOCATION), "/account");
        assert_eq!(
            test.number("SELECT COUNT(*) FROM area WHERE area_code = '9'")
                .await,
            0
        );

        let (.., admin) = door.with_second_factor(&test, &admin).await;
        assert_eq!(door.get("/employees", &admin).await.status, StatusCode::OK);
        let off = [("password", ADMIN_PASSWORD)];
        let refused = door
            .of_account("/account/second-factor/off", &admin, &off)
            .await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            door.sign_in("admin", ADMIN_PASSWORD)
                .await
                .text
                .contains("name=\"ticket\"")
        );
    })
    .await;
}

#[tokio::test]
async fn a_lost_second_factor_is_switched_off_by_who_may_change_the_user() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        door.with_second_factor(&test, &door.admin().await).await;
        let rights_of_hers = [Right::View(Thing::User), Right::Change(Thing::User)];
        let lower = door.user("lower", rights(&rights_of_hers), None).await;
        let boss = door.user("boss", Rights::administrator(), None).await;
        let page = format!("/users/{}", door.user_id("admin").await);
        let reset = format!("{page}/reset-second-factor");
        let sure = [("sure", "yes")];
        let refused = door.fill_to("/users/new", &reset, &lower, &sure).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        let asked = door.fill_to(&page, &reset, &boss, &[]).await;
        assert!(
            asked
                .text
                .contains("Switch the second factor of admin off?")
        );
        ticket(&door.sign_in("admin", ADMIN_PASSWORD).await);
        door.fill_to(&page, &reset, &boss, &sure).await;
        let admin = door.sign_in("admin", ADMIN_PASSWORD).await;
        assert_eq!(admin.header(LOCATION), "/");

        door.with_second_factor(&test, &admin.cookie()).await;
        let command = cli::user::Command::ResetSecondFactor {
            name: "admin".into(),
        };
        let mut output = Vec::new();
        cli::user::run(&test.app, command, &mut "".as_bytes(), &mut output)
            .await
            .expect("reset");
        let admin = door.sign_in("admin", ADMIN_PASSWORD).await;
        assert_eq!(admin.header(LOCATION), "/");
    })
    .await;
}

#[tokio::test]
async fn somebody_sees_where_he_is_signed_in_and_ends_it() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        let system = Caller::system();
        user::add(&test.app, &system, "mira", None, "viewer", ADMIN_PASSWORD)
            .await
            .expect("added");
        let mira = || async { door.sign_in("mira", ADMIN_PASSWORD).await.cookie() };
        let (own, second, third) = (mira().await, mira().await, mira().await);
        let admin = door.admin().await;
        let shown = door.get("/account", &own).await.text;
        assert_eq!(shown.matches("name=\"key\"").count(), 2);
        assert_eq!(shown.matches("This one").count(), 1);
        // A key of somebody else's session ends nothing.
        let of_admin = door.get("/account", &door.admin().await).await.text;
        let foreign = between(&of_admin, "name=\"key\" value=\"", "\"").to_owned();
        let end = "/account/sessions";
        door.of_account(end, &own, &[("key", &foreign)]).await;
        assert!(door.is_signed_in(&admin).await);
        let key = between(&shown, "name=\"key\" value=\"", "\"").to_owned();
        door.of_account(end, &own, &[("key", &key)]).await;
        let left = [
            door.is_signed_in(&second).await,
            door.is_signed_in(&third).await,
        ];
        assert_eq!(left.iter().filter(|left| **left).count(), 1);
        door.of_account(end, &own, &[]).await;
        assert!(!door.is_signed_in(&second).await && !door.is_signed_in(&third).await);
        assert!(door.is_signed_in(&own).await);
        let ended = |(who, what, whose): &(String, String, String)| {
            who == "mira" && what == "end_sessions" && whose == "mira"
        };
        assert_eq!(
            door.audit().await.iter().filter(|deed| ended(deed)).count(),
            2
        );

        // Another password goes on in this browser alone.
        let second = mira().await;
        test.app.clock.advance(TimeDelta::seconds(1));
        let change = |password: &'static str, new: &'static str, again: &'static str| {
            [
                ("password", password),
                ("new_password", new),
                ("again", again),
            ]
        };
        for (fields, reason, field) in [
            (
                change("wrong", "rope and lamp", "rope and lamp"),
                "is not this one",
                "password-now",
            ),
            (
                change(ADMIN_PASSWORD, "rope and lamp", "rope"),
                "differ",
                "again",
            ),
            (
                change(ADMIN_PASSWORD, "rope", "rope"),
                "at least 8",
                "new-password",
            ),
        ] {
            let refused = door.of_account("/account/password", &own, &fields).await;
            let (_, at_field) = refused
                .text
                .split_once(&format!(
                    "aria-invalid=\"true\" aria-describedby=\"{field}-about\""
                ))
                .expect("told at the field");
            let (about, _) = at_field.split_once("</p>").expect("its end");
            assert!(about.contains(reason), "{reason}: {about}");
            assert_eq!(refused.text.matches("aria-invalid").count(), 1);
            assert!(!refused.text.contains("rope"));
        }
        let refusal = ("system", "login_refused", "mira");
        let refusal = Some((refusal.0.into(), refusal.1.into(), refusal.2.into()));
        assert_eq!(door.audit().await.pop(), refusal);
        let fields = change(ADMIN_PASSWORD, "rope and lamp", "rope and lamp");
        let changed = door.of_account("/account/password", &own, &fields).await;
        assert!(door.is_signed_in(&changed.cookie()).await);
        assert!(!door.is_signed_in(&own).await && !door.is_signed_in(&second).await);
        let inside = door.sign_in("mira", "rope and lamp").await.cookie();

        // An administrator ends them too.
        let page = format!("/users/{}", door.user_id("mira").await);
        let shown = door.get(&page, &admin).await.text;
        assert!(shown.contains("Where this user is signed in"));
        door.fill_to(&page, &format!("{page}/end-sessions"), &admin, &[])
            .await;
        assert!(!door.is_signed_in(&inside).await);
        assert!(door.is_signed_in(&admin).await);
    })
    .await;
}

#[tokio::test]
async fn the_audit_tells_what_changed_and_to_somebody_limited_his_own_deeds_alone() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        let area = HEAD_OFFICE.to_string();
        let own = [
            Right::View(Thing::Audit),
            Right::View(Thing::Area),
            Right::Change(Thing::Area),
        ];
        let vera = door.user("vera", rights(&own), Some(&area)).await;
        let admin = door.admin().await;
        let page = format!("/areas/{HEAD_OFFICE}");
        let fields = [("area_code", "2"), ("area_name", "<b>Main</b> office")];
        door.fill(&page, &admin, &fields).await;
        let renamed = door
            .get("/audit?thing=area&action=update&actor=admin", &admin)
            .await
            .text;
        assert!(renamed.contains("1 to 1 of 1"));
        let changed = "area_name: Head office → &#60;b&#62;Main&#60;/b&#62; office";
        assert!(renamed.contains(changed), "{renamed}");
        let deed = format!(
            "/audit/{}",
            between(&renamed, "<td><a href=\"/audit/", "\"")
        );
        let shown = door.get(&deed, &admin).await.text;
        assert!(shown.contains("<title>Changed: Area 2 · Audit · muster</title>"));
        assert!(shown.contains("<td class=\"long\">Head office</td>"));
        let none = door.get("/audit?start_time=2026-01-16", &admin).await.text;
        assert!(none.contains("Nothing is like that."));
        let file = door
            .get("/audit/file?export_type=csv&thing=area", &admin)
            .await;
        assert!(file.text.contains("Head office → <b>Main</b> office"));

        let hers = door.get("/audit", &vera).await.text;
        assert!(hers.contains("1 to 1 of 1") && hers.contains("Signed in"));
        assert!(!hers.contains("admin") && !hers.contains("Main"));
        assert_eq!(door.get(&deed, &vera).await.status, StatusCode::NOT_FOUND);
        let file = door.get("/audit/file?export_type=csv", &vera).await;
        assert!(!file.text.contains("admin"));
        let fields = [("area_name", "Front office"), ("area_code", "2")];
        door.fill(&page, &vera, &fields).await;
        let hers = door.get("/audit", &vera).await.text;
        assert!(hers.contains("1 to 2 of 2") && hers.contains("Front office"));
        let nora = door.user("nora", rights(&[]), None).await;
        assert_eq!(
            door.get("/audit", &nora).await.status,
            StatusCode::FORBIDDEN
        );
        assert_eq!(door.get(&deed, &nora).await.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test]
async fn whoever_signs_in_goes_on_to_the_page_he_asked_for_and_nowhere_else() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        let asked = "/employees?department=1&search=a%26b";
        let way_in = door.get(asked, "").await.header(LOCATION).to_owned();
        assert_eq!(
            way_in,
            "/sign-in?to=%2Femployees%3Fdepartment%3D1%26search%3Da%2526b"
        );
        let page = door.get(&way_in, "").await;
        let kept = "name=\"to\" value=\"/employees?department=1&#38;search=a%26b\"";
        assert_eq!(
            page.text.matches(kept).count(),
            2,
            "the language's form has it too"
        );
        let fields = |password| [("username", "admin"), ("password", password), ("to", asked)];
        let wrong = door.post("/sign-in", "", &fields("wrong")).await;
        assert!(wrong.text.contains(kept), "{}", wrong.text);
        let language = door
            .post(
                "/sign-in/language",
                "",
                &[("language", "en"), ("to", asked)],
            )
            .await;
        assert_eq!(language.header(LOCATION), way_in);
        let inside = door.post("/sign-in", "", &fields(ADMIN_PASSWORD)).await;
        assert_eq!(inside.header(LOCATION), asked);
        let already = door.get(&way_in, &inside.cookie()).await;
        assert_eq!(already.header(LOCATION), asked);

        // Nobody is led away by a link to the sign-in.
        for foreign in [
            "https://evil.example/",
            "//evil.example/",
            "/\\evil.example/",
            "/\t/evil.example/",
            "/.//evil.example/",
            "javascript:alert(1)",
            "evil.example",
            "/sign-out",
        ] {
            let link: String = url::form_urlencoded::byte_serialize(foreign.as_bytes()).collect();
            let page = door.get(&format!("/sign-in?to={link}"), "").await.text;
            assert!(
                page.contains("name=\"to\" value=\"/\""),
                "{foreign:?}: {page}"
            );
            let fields = [
                ("username", "admin"),
                ("password", ADMIN_PASSWORD),
                ("to", foreign),
            ];
            let inside = door.post("/sign-in", "", &fields).await;
            assert_eq!(inside.header(LOCATION), "/", "{foreign:?}");
            let page = format!("/sign-in?to={link}");
            let already = door.get(&page, &inside.cookie()).await;
            assert_eq!(already.header(LOCATION), "/", "{foreign:?}");
        }

        // The second step leads there as well.
        let admin = door.admin().await;
        test.app.clock.advance(TimeDelta::seconds(1));
        let (secret, ..) = door.with_second_factor(&test, &admin).await;
        test.app.clock.advance(TimeDelta::seconds(30));
        let half = door.post("/sign-in", "", &fields(ADMIN_PASSWORD)).await;
        assert!(half.text.contains(kept), "{}", half.text);
        let half = ticket(&half);
        let show = async |code: &str, to: &str| {
            let fields = [("ticket", half.as_str()), ("code", code), ("to", to)];
            door.post("/sign-in/code", "", &fields).await
        };
        assert!(show("12345", asked).await.text.contains(kept));
        let inside = show(&code(&test, &secret), asked).await;
        assert_eq!(inside.header(LOCATION), asked);
        test.app.clock.advance(TimeDelta::seconds(30));
        let led = show(&code(&test, &secret), "//evil.example/").await;
        assert_eq!(led.header(LOCATION), "/");
    })
    .await;
}

#[tokio::test]
async fn who_sends_a_form_after_his_session_is_told_that_it_was_not_saved() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        let admin = door.admin().await;
        let csrf = door.get("/areas/new", &admin).await.csrf();
        test.app.clock.advance(TimeDelta::hours(13));
        let areas = "SELECT COUNT(*) FROM area";
        let before = test.number(areas).await;
        let fields = [
            ("csrf", csrf.as_str()),
            ("area_code", "9"),
            ("area_name", "Attic"),
        ];
        let sent = door.post("/areas/new", &admin, &fields).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER);
        let told = door.get(sent.header(LOCATION), "").await.text;
        assert!(
            told.contains("You were signed out; what you sent was not saved."),
            "{told}"
        );
        assert_eq!(test.number(areas).await, before);
        // Whoever only wanted out is out.
        let out = door.post("/sign-out", &admin, &[("csrf", &csrf)]).await;
        assert_eq!(out.header(LOCATION), "/sign-in");
        assert!(
            !door
                .get("/sign-in", "")
                .await
                .text
                .contains("was not saved")
        );
    })
    .await;
}
