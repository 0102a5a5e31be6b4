//! In which language the console answers: the user's own, else what this browser was told, else what it
//! asks for. Programs are answered in English.

use crate::console::{Answer, Door, HEAD_OFFICE};
use crate::testing::on_both;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use muster::access::Rights;
use muster::profile::Profile;
use serde_json::json;

const ENGLISH: &str = "<html lang=\"en\" dir=\"ltr\">";
const HINDI: &str = "<html lang=\"hi\" dir=\"ltr\">";
const MIRRORED: &str = "<html lang=\"ar-XB\" dir=\"rtl\">";

impl Door {
    async fn asking_for(&self, languages: &str, path: &str, cookie: &str) -> Answer {
        self.send(
            Request::get(path)
                .header(header::HOST, "muster.local:8088")
                .header(header::COOKIE, cookie)
                .header(header::ACCEPT_LANGUAGE, languages)
                .body(Body::empty())
                .expect("a request"),
        )
        .await
    }

    async fn choose_language(&self, cookie: &str, tag: &str) -> Answer {
        self.fill_to(
            "/account",
            "/account/language",
            cookie,
            &[("language", tag)],
        )
        .await
    }
}

#[tokio::test]
async fn a_browser_is_answered_in_its_language_unless_it_was_told_another() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        let plain = door.get("/sign-in", "").await.text;
        assert!(plain.contains(ENGLISH) && plain.contains(">Sign in</h1>"));
        let asked = door.asking_for("hi-IN,en;q=0.5", "/sign-in", "").await.text;
        assert!(
            asked.contains(HINDI) && asked.contains(">साइन इन</h1>"),
            "{asked}"
        );
        let other = door.asking_for("de,fr;q=0.5", "/sign-in", "").await.text;
        assert!(other.contains(ENGLISH));

        let told = door
            .post("/sign-in/language", "", &[("language", "en")])
            .await;
        assert_eq!(told.header(header::LOCATION), "/sign-in");
        assert!(
            told.header(header::SET_COOKIE)
                .contains("HttpOnly; SameSite=Strict")
        );
        let cookie = told.cookie();
        assert_eq!(cookie, "muster_language=en");
        let asked = door.asking_for("hi", "/sign-in", &cookie).await.text;
        assert!(asked.contains(ENGLISH));
        // What is not offered is not kept, and a cookie that says so counts for nothing.
        for tag in ["", "de", "ar-XB", "en\r\nX: 1"] {
            let told = door
                .post("/sign-in/language", "", &[("language", tag)])
                .await;
            assert_eq!(told.cookie(), "muster_language=", "{tag}");
        }
        let asked = door
            .asking_for("hi", "/sign-in", "muster_language=de")
            .await
            .text;
        assert!(asked.contains(HINDI));
        // What is refused is told in the same language.
        let signed_in = format!("{}; muster_language=hi", door.admin().await);
        let missing = door.get("/employees/999999", &signed_in).await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND);
        assert!(
            missing.text.contains("ऐसा कोई पृष्ठ नहीं है"),
            "{}",
            missing.text
        );
        let refused = door
            .post(
                "/sign-in",
                "muster_language=hi",
                &[("username", "admin"), ("password", "wrong")],
            )
            .await;
        assert!(
            refused.text.contains("उपयोगकर्ता नाम या पासवर्ड ग़लत है।"),
            "{}",
            refused.text
        );
    })
    .await;
}

#[tokio::test]
async fn what_a_user_has_chosen_goes_with_the_user() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        let admin = door.admin().await;
        assert!(door.get("/", &admin).await.text.contains(ENGLISH));
        assert!(
            door.asking_for("hi", "/", &admin)
                .await
                .text
                .contains(HINDI)
        );
        let chosen = door.choose_language(&admin, "hi").await;
        assert_eq!(chosen.header(header::LOCATION), "/account?done=language");
        assert_eq!(chosen.cookie(), "muster_language=hi");
        let page = door.asking_for("en", "/employees", &admin).await.text;
        assert!(
            page.contains(HINDI) && page.contains("<h1>कर्मचारी</h1>"),
            "{page}"
        );
        assert!(page.contains("नया कर्मचारी") && !page.contains("New employee"));
        // From any browser, whatever that was told.
        let elsewhere = format!("{}; muster_language=en", door.admin().await);
        let account = door.get("/account", &elsewhere).await.text;
        assert!(account.contains(HINDI));
        assert!(account.contains("<option value=\"hi\" lang=\"hi\" selected>हिन्दी</option>"));
        // The next user of that browser has not chosen.
        let vera = door.user("vera", Rights::viewer(), None).await;
        assert!(door.get("/", &vera).await.text.contains(ENGLISH));

        // Only what is offered is kept; nothing leaves it to the browser again.
        assert_eq!(
            door.choose_language(&admin, "ar-XB").await.cookie(),
            "muster_language="
        );
        assert!(door.get("/", &admin).await.text.contains(ENGLISH));
        assert!(
            door.asking_for("hi", "/", &admin)
                .await
                .text
                .contains(HINDI)
        );
    })
    .await;
}

#[tokio::test]
async fn the_language_that_is_none_mirrors_the_page_and_is_not_offered() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        let cookie = format!("{}; muster_language=ar-XB", door.admin().await);
        let page = door.get("/departments", &cookie).await.text;
        assert!(
            page.contains(MIRRORED) && page.contains("<h1>⟦Ðéþářţɱéñţš⟧</h1>"),
            "{page}"
        );
        assert!(
            !door
                .get("/account", &cookie)
                .await
                .text
                .contains("value=\"ar-XB\"")
        );
        let asked = door.asking_for("ar-XB", "/sign-in", "").await.text;
        assert!(asked.contains(ENGLISH) && !asked.contains("ar-XB"));
    })
    .await;
}

#[tokio::test]
async fn a_form_says_in_the_readers_language_why_it_is_refused_and_the_api_in_english() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        let cookie = format!("{}; muster_language=hi", door.admin().await);
        let area = HEAD_OFFICE.to_string();
        let fields = [
            ("emp_code", "10 01"),
            ("first_name", "Asha"),
            ("area", &area),
        ];
        let refused = door
            .fill_to("/employees/new", "/employees/new", &cookie, &fields)
            .await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        for told in [
            "<span class=\"problem\">मान्य मान दर्ज करें।</span>",
            "<span class=\"problem\">यह फ़ील्ड ज़रूरी है।</span>",
        ] {
            assert!(refused.text.contains(told), "{told}\n{}", refused.text);
        }
        let gone = door
            .fill_to(
                "/departments",
                "/departments/remove",
                &cookie,
                &[("rows", "1"), ("sure", "yes")],
            )
            .await;
        assert!(
            gone.text
                .contains("विभाग 1 को हटाया नहीं जा सकता: यह हमेशा रहता है।"),
            "{}",
            gone.text
        );

        let file = "emp_code,first_name\n7,Asha\n7,Ravi\n";
        let csrf = door.get("/employees/import", &cookie).await.csrf();
        let work = door
            .take_in(
                "employees",
                &cookie,
                &[("csrf", &csrf), ("step", "check")],
                file.as_bytes(),
            )
            .await;
        assert!(work.text.contains("यह पंक्ति 2 में पहले से है।"), "{}", work.text);

        // Programs read English, whatever they say of themselves.
        let api = test
            .api(Profile::EasyTimePro, Rights::administrator())
            .await;
        let body = json!({ "emp_code": "10 01", "department": "1", "area": ["2"] });
        let got = api
            .request(reqwest::Method::POST, "/personnel/api/employees/")
            .header("accept-language", "hi")
            .header("cookie", "muster_language=hi")
            .json(&body)
            .send()
            .await
            .expect("an answer");
        assert_eq!(got.status(), 400);
        let refused: serde_json::Value = got.json().await.expect("JSON");
        assert_eq!(refused["emp_code"], json!(["Enter a valid value."]));
    })
    .await;
}

#[tokio::test]
async fn words_of_numbers_are_translated_on_pages_and_not_in_files() {
    on_both(|test| async move {
        let door = Door::of(&test).await;
        let cookie = format!("{}; muster_language=hi", door.admin().await);
        door.punch(1, "GATE01", HEAD_OFFICE).await;
        let page = door.get("/unregister", &cookie).await.text;
        assert!(page.contains("आगमन") && page.contains("चेहरा"), "{page}");
        let live = door.get("/live", &cookie).await.text;
        assert!(
            live.contains("अज्ञात पिन") && live.contains("data-words="),
            "{live}"
        );
        door.run(muster_store::Sql::new(
            "INSERT INTO terminal_command (company_id, terminal_id, wire_id, verb, shown, body_sealed, idempotent, state, \
                 created_at, return_code) \
             SELECT company_id, id, 1, 'REBOOT', 'REBOOT', '', false, 'refused', created_at, -1003 \
             FROM terminal WHERE sn = 'GATE01'",
            [],
        ))
        .await;
        let page = door.get("/commands", &cookie).await.text;
        assert!(page.contains("-1003 समय समाप्त"), "{page}");
        let path = "/commands/file?export_type=csv";
        let file = door.get(path, &cookie).await.text;
        assert!(file.contains("Timed out") && !file.contains("समय"), "{file}");
    })
    .await;
}
