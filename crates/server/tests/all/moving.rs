//! A company outgrows SQLite: all it has is moved to PostgreSQL, and goes on there.

use crate::postgres;
use crate::testing::{Api, TestApp};
use clap::Parser;
use muster::access::Rights;
use muster::cli::{self, Cli};
use muster::profile::Profile;
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;

const PUNCH: &str = "7\t2026-01-15 07:59:58\t0\t1\t0\t0\t0\n";

/// One with areas, people, a terminal that has brought punches and a template.
pub async fn company(app: &TestApp) -> Api<'_> {
    let admin = app.api(Profile::EasyTimePro, Rights::administrator()).await;
    for (code, parent) in [("north", "1"), ("gate", "north")] {
        let area = json!({ "area_code": code, "area_name": code, "parent_area": parent });
        admin.post("/personnel/api/areas/", area).await.is(201);
    }
    let new = json!({ "sn": "NORTH", "area": "gate" });
    admin.post("/iclock/api/terminals/", new).await.is(201);
    let person = json!({
        "emp_code": "7", "first_name": "Zoë", "area": ["north", "gate"], "device_password": "4711",
        "validity_start": "2026-01-01",
    });
    admin
        .post("/personnel/api/employees/", person)
        .await
        .is(201);
    let gone = json!({ "emp_code": "8", "area": ["north"] });
    admin.post("/personnel/api/employees/", gone).await.is(201);
    admin.delete("/personnel/api/employees/8/").await.is(200);
    app.obeyed("NORTH").await;
    let sent = [
        ("ATTLOG", format!("{PUNCH}{}", PUNCH.replace("7\t", "99\t"))),
        ("BIODATA", "BIODATA Pin=7\tNo=0\tIndex=0\tValid=1\tDuress=0\tType=1\tMajorVer=10\tMinorVer=0\tFormat=0\tTmp=bm9ydGg=\n".to_owned()),
    ];
    for (table, body) in sent {
        let path = format!("/iclock/cdata?SN=NORTH&table={table}&Stamp=9999");
        assert_eq!(app.post(&path, body).await.status, 200);
    }
    admin
}

/// What callers see of everything.
pub async fn all(caller: &Api<'_>) -> Vec<Value> {
    let mut all = Vec::new();
    for list in [
        "personnel/api/areas",
        "personnel/api/departments",
        "personnel/api/employees",
        "iclock/api/terminals",
        "iclock/api/transactions",
        "iclock/api/unregister",
        "iclock/api/biodatas",
        "iclock/api/commands",
        "iclock/api/holdings",
    ] {
        let mut page = caller.get(&format!("/{list}/")).await.is(200);
        assert!(page["count"].as_i64() > Some(0), "{list}");
        all.push(page["data"].take());
    }
    all
}

async fn moved(data_dir: &Path, url: &str) -> bool {
    let data_dir = data_dir.display().to_string();
    let words = ["muster", "move", "--data-dir", &data_dir, "--to", url];
    let cli = Cli::try_parse_from(words).expect("understood");
    let code = tokio::task::spawn_blocking(|| cli::run(cli))
        .await
        .expect("ended");
    format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS)
}

#[tokio::test]
async fn what_is_on_sqlite_is_moved_to_postgresql_and_goes_on_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let data_dir = folder.path().join("data");
    let small = TestApp::of(&data_dir, String::new()).await;
    let token = company(&small).await.token;
    let database = postgres::new().await;
    assert!(
        !moved(&data_dir, &database.url).await,
        "what the server takes meanwhile would stay behind"
    );
    small.stop().await;
    assert!(moved(&data_dir, &database.url).await);
    assert!(
        !moved(&data_dir, &database.url).await,
        "it has rows already"
    );

    let small = TestApp::of(&data_dir, String::new()).await;
    let before = small.with_token(&token);
    let large = TestApp::with_key(&small.app.config.key_file(), database.url.clone()).await;
    let after = before.at(&large);
    assert_eq!(all(&after).await, all(&before).await);
    // Numbers go on.
    for (app, caller) in [(&small, &before), (&large, &after)] {
        let next = json!({ "emp_code": "9", "area": ["north"] });
        let next = caller.post("/personnel/api/employees/", next).await.is(201);
        assert_eq!(next["id"], "1000000003");
        let path = "/iclock/cdata?SN=NORTH&table=ATTLOG&Stamp=9999";
        let later = PUNCH.replace(":58", ":59");
        assert_eq!(app.post(path, later).await.status, 200);
        app.obeyed("NORTH").await;
    }
    assert_eq!(all(&after).await, all(&before).await);
    // What was taken is known.
    let again = large.post("/iclock/cdata?SN=NORTH&table=ATTLOG&Stamp=9999", PUNCH);
    assert_eq!(again.await.whole(), (200, "OK: 1"));
    assert_eq!(all(&after).await, all(&before).await);
    large.stop().await;
    small.stop().await;
    database.remove().await;
}
