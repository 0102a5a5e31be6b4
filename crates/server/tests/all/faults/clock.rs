//! A clock that is a day ahead, and is put right.

use crate::console::Door;
use crate::testing::{ADMIN_PASSWORD, TestApp, on_both, on_both_with};
use age::x25519::Identity;
use axum::http::StatusCode;
use chrono::{NaiveDateTime, TimeDelta};
use muster::access::Rights;
use muster::backup;
use muster::config::Config;
use muster::profile::Profile;
use muster_store::Sql;
use serde_json::json;

const TERMINALS: &str = "/iclock/api/terminals/";
const DAY: TimeDelta = TimeDelta::days(1);

/// The area north with the terminal GATE, which has done all it was told.
async fn scene(app: &TestApp) -> crate::testing::Api<'_> {
    let admin = app.api(Profile::EasyTimePro, Rights::administrator()).await;
    let area = json!({ "area_code": "north", "area_name": "North" });
    admin.post("/personnel/api/areas/", area).await.is(201);
    admin
        .post(TERMINALS, json!({ "sn": "GATE", "area": "north" }))
        .await
        .is(201);
    app.obeyed("GATE").await;
    admin
}

/// The next punch of GATE, as its own clock has it, which did not jump.
async fn punch(app: &TestApp, second: i64) {
    let morning: NaiveDateTime = "2026-01-15T08:00:00".parse().expect("a time");
    let at = morning + TimeDelta::seconds(second);
    let row = format!("7\t{}\t0\t1\t0\t0\t0\n", at.format("%F %T"));
    let target = "/iclock/cdata?SN=GATE&table=ATTLOG&Stamp=1";
    assert_eq!(app.post(target, row).await.whole(), (200, "OK: 1"));
}

#[tokio::test]
async fn a_clock_that_jumps_a_day_and_back_costs_no_punch_and_holds_no_command_up() {
    // It asks nothing of its own.
    let quiet = |config: &mut Config| config.terminals.check_every_h = 0;
    on_both_with(quiet, |app| async move {
        let admin = scene(&app).await;
        let state = async || {
            app.run_jobs().await;
            let terminal = admin.get(&format!("{TERMINALS}GATE/")).await;
            let online = admin.get(&format!("{TERMINALS}?state=1")).await;
            (
                terminal.json()["state"].clone(),
                online.json()["count"].clone(),
            )
        };
        let tell = async |action: &str| {
            let gate = json!({ "terminals": ["GATE"] });
            admin
                .post(&format!("{TERMINALS}{action}/"), gate)
                .await
                .is(200);
        };
        for (number, jump) in [DAY, -DAY, -DAY, DAY].into_iter().enumerate() {
            punch(&app, 2 * number as i64).await;
            app.app.clock.advance(jump);
            // It was heard yesterday, or will be tomorrow.
            assert_eq!(state().await, (json!(0), json!(0)));
            punch(&app, 2 * number as i64 + 1).await;
            assert_eq!(state().await, (json!(1), json!(1)));
            tell("reboot").await;
            assert_eq!(app.obeyed("GATE").await, ["REBOOT"]);
        }
        assert_eq!(app.number("SELECT COUNT(*) FROM punch").await, 8);

        // Tomorrow it is asked for something, and is busy; what is to wait for a minute waits for no day.
        let asked = "DATA QUERY ATTLOG StartTime=2026-01-15 00:00:00\tEndTime=2026-01-15 12:00:00";
        let ask = async || {
            let body = json!({
                "devices_sn": ["GATE"], "start_time": "2026-01-15 00:00:00", "end_time": "2026-01-15 12:00:00",
            });
            let path = format!("{TERMINALS}upload_transaction/");
            admin.post(&path, body).await.is(200);
        };
        app.app.clock.advance(DAY);
        ask().await;
        assert_eq!(app.answered("GATE", |_| -1003).await, [asked]);
        app.app.clock.advance(-DAY);
        assert_eq!(app.obeyed("GATE").await, [asked]);

        // Tomorrow it is asked, and never says a word of it.
        app.app.clock.advance(DAY);
        ask().await;
        assert_eq!(app.told("GATE").await, [asked]);
        app.app.clock.advance(-DAY);
        for _ in 0..3 {
            assert_eq!(app.told("GATE").await, [""; 0]);
        }
        app.app.clock.advance(TimeDelta::minutes(1));
        assert_eq!(app.obeyed("GATE").await, [asked]);
    })
    .await;
}

#[tokio::test]
async fn a_password_of_tomorrow_lets_in_today() {
    on_both(|app| async move {
        let door = Door::beside(&app);
        app.app.clock.advance(DAY);
        // As a first start with a clock that was ahead writes it.
        let mut tx = app.app.store.write().await.expect("a transaction");
        let now = app.app.clock.now();
        tx.run(&Sql::new(
            "UPDATE app_user SET credentials_changed_at = $1",
            [now.into()],
        ))
        .await
        .expect("runs");
        tx.commit().await.expect("durable");
        app.app.clock.advance(-DAY);
        let cookie = door.sign_in("admin", ADMIN_PASSWORD).await.cookie();
        assert_eq!(door.get("/account", &cookie).await.status, StatusCode::OK);
        let login = json!({ "username": "admin", "password": ADMIN_PASSWORD });
        let api = app.api(Profile::EasyTimePro, Rights::administrator()).await;
        let answer = api.post("/api/jwt-api-token-auth/", login).await;
        let token = answer.is(200)["token"]
            .as_str()
            .expect("a token")
            .to_owned();
        app.with_token(&token).get(TERMINALS).await.is(200);
    })
    .await;
}

#[tokio::test]
async fn a_backup_of_tomorrow_is_none_of_today() {
    let recipient = Identity::generate().to_public().to_string();
    on_both_with(
        |config| config.backup.recipients = vec![recipient.clone()],
        |app| async move {
            let folder = app.app.config.backup_folder();
            let made = || {
                backup::list(&folder, &app.app.company.id)
                    .expect("a folder")
                    .len()
            };
            app.app.clock.advance(DAY);
            app.run_jobs().await;
            assert_eq!(made(), 1);
            app.app.clock.advance(-DAY);
            app.run_jobs().await;
            assert_eq!(made(), 2);
            app.run_jobs().await;
            assert_eq!(made(), 2);
        },
    )
    .await;
}
