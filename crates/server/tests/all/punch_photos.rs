//! The photos that terminals take at punches, where people look at punches: with which of them each is shown, and to whom.

use crate::console::{Answer, Door, GATE, HEAD_OFFICE, WAREHOUSE, rights};
use crate::testing::{TestApp, on_both};
use axum::http::{StatusCode, header};
use image::{ImageFormat, RgbImage};
use muster::access::{Right, Rights, Thing};
use muster::profile::Profile;
use serde_json::json;
use std::io::Cursor;

const JPEG: &[u8] = b"\xff\xd8\xff\xe0 a face \xff\xd9";
const SEES_PUNCHES: Right = Right::View(Thing::Transaction);

async fn photographed(server: &TestApp, name: &str) {
    let answer = server.photograph("GATE01", name, JPEG).await;
    assert_eq!(answer.whole(), (200, "OK"));
}

/// The pages of photos that a page leads to.
fn ways(page: &str) -> Vec<&str> {
    let links = page.split("href=\"").skip(1);
    let links = links.map(|rest| rest.split('"').next().unwrap_or_default());
    let mut ways: Vec<&str> = links.filter(|link| link.contains("/photo")).collect();
    ways.sort_unstable();
    ways
}

/// Asha of the head office and her punches at its gate: with a photo that came before, one without, one with a photo that
/// came after; and one of a PIN that nobody has, with a photo.
async fn scene(server: &TestApp) -> (Door, String) {
    let door = Door::of(server).await;
    let cookie = door.admin().await;
    door.hire(&cookie, "7", "Asha").await;
    photographed(server, "20260115083000-7").await;
    let lines = [(7, 0), (7, 1), (7, 2), (99, 3)]
        .map(|(pin, second)| format!("{pin}\t2026-01-15 08:30:0{second}\t0\t15\n"));
    server.bring("GATE01", &lines.concat()).await;
    photographed(server, "20260115083002-7").await;
    photographed(server, "20260115083003-99").await;
    (door, cookie)
}

#[tokio::test]
async fn a_photo_is_shown_with_its_punch_and_with_no_other() {
    on_both(|server| async move {
        let (door, cookie) = scene(&server).await;
        let got = async |path: &str| door.get(path, &cookie).await;
        let status = async |path: &str| got(path).await.status;

        let list = got("/transactions").await.text;
        assert_eq!(
            ways(&list),
            ["/transactions/1/photo", "/transactions/3/photo"]
        );
        let named = "aria-label=\"Photo: 2026-01-15 08:30:00 +05:30 7 Asha\">Photo</a>";
        assert!(list.contains(named), "{list}");
        assert_eq!(
            ways(&got("/unregister").await.text),
            ["/unregister/4/photo"]
        );
        let live = got("/live").await.text;
        assert_eq!(
            ways(&live),
            [
                "/transactions/1/photo",
                "/transactions/3/photo",
                "/unregister/4/photo"
            ]
        );
        let person = door.person("7").await;
        let person = got(&format!("/employees/{person}/punches")).await.text;
        assert_eq!(
            ways(&person),
            ["/transactions/1/photo", "/transactions/3/photo"]
        );

        // Its page tells of the punch and leads back to where somebody was in the list.
        let list = got("/transactions?terminal_sn=GATE01").await.text;
        let page = got(ways(&list)[0]).await;
        assert_eq!(page.status, StatusCode::OK);
        for told in [
            "<h1>Photo: 2026-01-15 08:30:00 +05:30 7 Asha</h1>",
            "<img src=\"/transactions/1/picture\"",
            "<a href=\"/transactions?terminal_sn=GATE01\">Transactions</a>",
            "<dt>Verified by</dt><dd>Face</dd>",
            &format!("<a href=\"/terminals/{GATE}\">Gate</a>"),
            "Times at terminals are those of their clocks",
        ] {
            assert!(page.text.contains(told), "{told}\n{}", page.text);
        }
        let picture = got("/transactions/1/picture").await;
        assert!(picture.text.contains(" a face "), "{}", picture.text);
        assert_eq!(picture.header(header::CONTENT_TYPE), "image/jpeg");
        assert_eq!(picture.header(header::CACHE_CONTROL), "private, max-age=60");
        assert_eq!(picture.header(header::VARY), "Cookie");
        assert_eq!(picture.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert_eq!(status("/unregister/4/picture").await, StatusCode::OK);
        for nothing in [
            "transactions/2",
            "transactions/4",
            "transactions/99",
            "unregister/1",
            "hidden/1",
        ] {
            for what in ["photo", "picture"] {
                let path = format!("/{nothing}/{what}");
                assert_eq!(status(&path).await, StatusCode::NOT_FOUND, "{path}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_photo_goes_where_its_punch_goes() {
    on_both(|server| async move {
        let (door, cookie) = scene(&server).await;
        let api = server.api(Profile::BioTime, Rights::administrator()).await;
        let listed = async |list: &str| {
            let page = door.get(list, &cookie).await.text;
            ways(&page).join(" ")
        };
        let given = json!({ "unregister": [4], "employee": "7" });
        api.post("/iclock/api/unregister/assign/", given)
            .await
            .is(200);
        let hidden = json!({ "transactions": [1] });
        api.post("/iclock/api/transactions/hide/", hidden)
            .await
            .is(200);
        assert_eq!(
            listed("/transactions").await,
            "/transactions/3/photo /transactions/5/photo"
        );
        assert_eq!(listed("/unregister").await, "");
        assert_eq!(listed("/hidden").await, "/hidden/1/photo");
        for (page, status) in [
            ("/transactions/5/photo", StatusCode::OK),
            ("/transactions/5/picture", StatusCode::OK),
            ("/hidden/1/photo", StatusCode::OK),
            ("/hidden/1/picture", StatusCode::OK),
            ("/unregister/4/photo", StatusCode::NOT_FOUND),
            ("/unregister/4/picture", StatusCode::NOT_FOUND),
            ("/transactions/1/photo", StatusCode::NOT_FOUND),
            ("/transactions/1/picture", StatusCode::NOT_FOUND),
        ] {
            assert_eq!(door.get(page, &cookie).await.status, status, "{page}");
        }
        // So it is with programs.
        for (path, status) in [
            ("hidden_transactions/1", 200),
            ("transactions/1", 404),
            ("unregister/4", 404),
        ] {
            let path = format!("/iclock/api/{path}/photo/");
            let answer = api
                .request(reqwest::Method::GET, &path)
                .send()
                .await
                .expect("answered");
            assert_eq!(answer.status().as_u16(), status, "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_photo_is_shown_to_whoever_may_see_its_punch_and_to_nobody_else() {
    on_both(|server| async move {
        let (door, admin) = scene(&server).await;
        let person = door.person("7").await;
        let form = format!("/employees/{person}/photo");
        let csrf = door.get(&form, &admin).await.csrf();
        let mut png = Cursor::new(Vec::new());
        RgbImage::new(8, 8)
            .write_to(&mut png, ImageFormat::Png)
            .expect("written");
        let fields = [("csrf", csrf.as_str())];
        let put = door
            .post_file(&form, &admin, &fields, ("upload_photo", png.get_ref()))
            .await;
        assert_eq!(put.status, StatusCode::SEE_OTHER, "{}", put.text);
        let portrait = format!("<img src=\"/employees/{person}/picture\"");

        let office = HEAD_OFFICE.to_string();
        let elsewhere = WAREHOUSE.to_string();
        let sees = rights(&[SEES_PUNCHES]);
        let auditor = door.user("auditor", Rights::viewer(), Some(&office)).await;
        let clerk = door.user("clerk", sees.clone(), None).await;
        let stranger = door.user("stranger", sees, Some(&elsewhere)).await;
        let gardener = door
            .user("gardener", rights(&[Right::View(Thing::Employee)]), None)
            .await;
        let asked = async |path: &str, cookie: &str| -> Answer { door.get(path, cookie).await };

        // Beside it stands how she looks, for those who may see people.
        for (who, sees_people) in [(&admin, true), (&auditor, true), (&clerk, false)] {
            let page = asked("/transactions/1/photo", who).await;
            assert_eq!(page.status, StatusCode::OK);
            assert_eq!(page.text.contains(&portrait), sees_people, "{}", page.text);
            assert_eq!(
                asked("/transactions/1/picture", who).await.status,
                StatusCode::OK
            );
        }
        for list in ["/transactions", "/live", "/unregister"] {
            assert!(
                ways(&asked(list, &stranger).await.text).is_empty(),
                "{list}"
            );
        }
        for what in [
            "transactions/1/photo",
            "transactions/1/picture",
            "unregister/4/photo",
            "unregister/4/picture",
        ] {
            let path = format!("/{what}");
            assert_eq!(
                asked(&path, &stranger).await.status,
                StatusCode::NOT_FOUND,
                "{path}"
            );
            assert_eq!(
                asked(&path, &gardener).await.status,
                StatusCode::FORBIDDEN,
                "{path}"
            );
            assert_eq!(
                asked(&path, "").await.status,
                StatusCode::SEE_OTHER,
                "{path}"
            );
        }

        // Of a terminal that waits nothing is kept.
        let kept = "SELECT COUNT(*) FROM punch_photo";
        let before = server.number(kept).await;
        let refused = server.photograph("NEW01", "20260115083001-7", JPEG).await;
        assert_eq!(refused.status, 403);
        assert_eq!(server.number(kept).await, before);
    })
    .await;
}
