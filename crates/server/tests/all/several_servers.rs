//! Two servers on one PostgreSQL: what one does, the other knows; what is for both, one does.

use crate::console::{Door, GATE};
use crate::postgres;
use crate::testing::{TestApp, start, two_servers};
use axum::http::header;
use chrono::TimeDelta;
use muster::access::Rights;
use muster::config::Config;
use muster::events::Event;
use muster::jobs;
use muster::profile::Profile;
use muster::settings;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use std::fs;
use std::path::Path;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::time::timeout;

const TERMINALS: &str = "/iclock/api/terminals/";
const NORTH: &str = "/iclock/cdata?SN=NORTH&table=ATTLOG&Stamp=9999";
const PUNCH: &str = "7\t2026-01-15 07:59:58\t0\t1\t0\t0\t0\n";

/// Long enough for any machine; nothing waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until the server has heard of something like that.
async fn heard(events: &mut Receiver<Event>, wanted: impl Fn(&Event) -> bool) -> Event {
    timeout(PATIENCE, async {
        loop {
            let event = events.recv().await.expect("the server runs");
            if wanted(&event) {
                return event;
            }
        }
    })
    .await
    .expect("it is heard of")
}

/// Until the other is known to hear, nothing can be expected to reach it.
pub async fn introduced(one: &TestApp, other: &TestApp) {
    let mut events = other.app.events.subscribe();
    timeout(PATIENCE, async {
        loop {
            one.app.events.publish(Event::Terminal(-1));
            let reached = heard(&mut events, |event| *event == Event::Terminal(-1));
            if timeout(Duration::from_millis(200), reached).await.is_ok() {
                return;
            }
        }
    })
    .await
    .expect("they hear one another");
}

#[tokio::test]
async fn what_is_set_at_one_server_is_in_force_at_all_and_each_is_named() {
    let (one, other, database) = two_servers().await;
    let caller = muster::access::Caller::system();
    let given = [("terminals.check_every_h", "48")];
    let set = settings::change(&one.app, &caller, &given).await;
    set.expect("set");
    jobs::run_all(&other.app).await.expect("run");
    jobs::run_all(&one.app).await.expect("run");
    assert_eq!(other.app.settings().terminals.check_every_h, 48);
    assert_eq!(other.app.config.terminals.check_every_h, 24);

    let door = Door::of(&one).await;
    let admin = door.admin().await;
    let page = door.get("/system", &admin).await.text;
    let servers = page.split_once("servers-heading").expect("a list").1;
    let servers = servers.split_once("</section>").expect("its end").0;
    assert_eq!(servers.matches("state good").count(), 2, "{servers}");
    assert_eq!(servers.matches("(this one)").count(), 1, "{servers}");
    // What terminals said is of each server alone.
    let terminal = format!("/terminals/{GATE}");
    let page = door.get(&terminal, &admin).await.text;
    assert!(page.contains("There are other servers"), "{page}");
    one.app.clock.advance(TimeDelta::minutes(5));
    let page = door.get(&terminal, &admin).await.text;
    assert!(!page.contains("There are other servers"), "{page}");
    let page = door.get("/system", &admin).await.text;
    assert!(
        page.contains("Silent") && page.contains("5 min ago"),
        "{page}"
    );
    one.stop().await;
    other.stop().await;
    database.remove().await;
}

#[tokio::test]
async fn what_is_changed_and_told_at_one_server_counts_at_the_other() {
    let (one, other, database) = two_servers().await;
    introduced(&one, &other).await;
    let admin = one.api(Profile::EasyTimePro, Rights::administrator()).await;
    let mut events = other.app.events.subscribe();
    let north_changed = |event: &Event| *event == Event::Reread("NORTH".into());

    // It calls the other one, which keeps in memory that it waits.
    assert_eq!(other.post(NORTH, PUNCH).await.status, 403);
    let area = json!({ "area_code": "north", "area_name": "North" });
    admin.post("/personnel/api/areas/", area).await.is(201);
    let path = format!("{TERMINALS}NORTH/");
    admin.patch(&path, json!({ "area": "north" })).await.is(200);
    heard(&mut events, north_changed).await;
    assert_eq!(other.post(NORTH, PUNCH).await.whole(), (200, "OK: 1"));
    // Whoever looks on at the first one is told.
    let mut looking_on = one.app.events.subscribe();
    let later = PUNCH.replace(":58", ":59");
    assert_eq!(other.post(NORTH, later).await.whole(), (200, "OK: 1"));
    heard(&mut looking_on, |event| matches!(event, Event::Punches(_))).await;
    other
        .photograph("NORTH", "20260115075959-7", b"\xff\xd8\xff\xd9")
        .await;
    heard(&mut looking_on, |event| {
        matches!(event, Event::Photo { .. })
    })
    .await;

    // A caller of the first one waits; the terminal is told, and answers, at the other. What it is asked
    // for when it is new comes first.
    other.obeyed("NORTH").await;
    let reboot = format!("{TERMINALS}reboot/?wait=60");
    let (answer, ()) = tokio::join!(
        admin.post(&reboot, json!({ "terminals": ["NORTH"] })),
        async {
            heard(&mut events, |event| matches!(event, Event::Command { .. })).await;
            assert_eq!(other.obeyed("NORTH").await, ["REBOOT"]);
        }
    );
    assert_eq!(answer.is(200)["commands"][0]["state"], "done");

    let mut events = other.app.events.subscribe();
    admin.delete(&path).await.is(200);
    heard(&mut events, north_changed).await;
    // It is a new one again.
    assert_eq!(other.post(NORTH, PUNCH).await.status, 403);

    one.stop().await;
    other.stop().await;
    database.remove().await;
}

#[tokio::test]
async fn what_a_terminal_says_of_itself_at_one_server_the_other_knows() {
    let (one, other, database) = two_servers().await;
    introduced(&one, &other).await;
    let admin = one.api(Profile::EasyTimePro, Rights::administrator()).await;
    let area = json!({ "area_code": "north", "area_name": "North" });
    admin.post("/personnel/api/areas/", area).await.is(201);
    let new = json!({ "sn": "NORTH", "area": "north" });
    admin.post(TERMINALS, new).await.is(201);
    // Both keep in memory what it is.
    one.obeyed("NORTH").await;
    other.obeyed("NORTH").await;
    let mut events = other.app.events.subscribe();
    let north_changed = |event: &Event| *event == Event::Reread("NORTH".into());

    let options = "/iclock/cdata?SN=NORTH&table=options";
    assert_eq!(one.post(options, "CmdFormat=1").await.status, 200);
    heard(&mut events, north_changed).await;
    let north = json!({ "terminals": ["NORTH"] });
    let reboot = format!("{TERMINALS}reboot/");
    admin.post(&reboot, north).await.is(200);
    heard(&mut events, |event| matches!(event, Event::Command { .. })).await;
    let told = other.get("/iclock/getrequest?SN=NORTH").await.body;
    assert!(told.starts_with("DataType=1,SN=NORTH,"), "{told}");

    // Access terminals alone send this; that it is one, the other says to it.
    let hello = "/iclock/cdata?SN=NORTH&options=all";
    assert_ne!(other.get(hello).await.body, "OK");
    let state = "/iclock/cdata?SN=NORTH&table=rtstate";
    let door = "time=2026-01-15 07:31:00\tsensor=00\trelay=00\talarm=00\tdoor=00\n";
    assert_eq!(one.post(state, door).await.status, 200);
    heard(&mut events, north_changed).await;
    assert_eq!(other.get(hello).await.body, "OK");

    one.stop().await;
    other.stop().await;
    database.remove().await;
}

#[tokio::test]
async fn what_was_missed_is_found() {
    let (one, other, database) = two_servers().await;
    let admin = one.api(Profile::EasyTimePro, Rights::administrator()).await;
    let new = json!({ "sn": "NORTH", "area": "1" });
    admin.post(TERMINALS, new).await.is(201);
    assert_eq!(other.post(NORTH, PUNCH).await.status, 403);
    let area = json!({ "area_code": "north", "area_name": "North" });
    admin.post("/personnel/api/areas/", area).await.is(201);
    // Nobody tells of what another program writes.
    let mut tx = other.app.store.write().await.expect("a transaction");
    tx.run(&muster_store::Sql::new(
        "UPDATE terminal SET changed_at = $1, \
             area_id = (SELECT id FROM area WHERE area_code = 'north') WHERE sn = 'NORTH'",
        [(start() + TimeDelta::minutes(1)).into()],
    ))
    .await
    .expect("runs");
    tx.commit().await.expect("durable");
    jobs::run_all(&other.app).await.expect("run");
    assert_eq!(other.post(NORTH, PUNCH).await.whole(), (200, "OK: 1"));

    one.stop().await;
    other.stop().await;
    database.remove().await;
}

#[tokio::test]
async fn a_command_is_given_once_whichever_server_a_terminal_asks() {
    let (one, other, database) = two_servers().await;
    introduced(&one, &other).await;
    let admin = one.api(Profile::EasyTimePro, Rights::administrator()).await;
    let area = json!({ "area_code": "north", "area_name": "North" });
    admin.post("/personnel/api/areas/", area).await.is(201);
    let new = json!({ "sn": "NORTH", "area": "north" });
    admin.post(TERMINALS, new).await.is(201);
    one.obeyed("NORTH").await;
    other.obeyed("NORTH").await;
    let mut events = other.app.events.subscribe();
    let reboot = format!("{TERMINALS}reboot/");
    for _ in 0..10 {
        let north = json!({ "terminals": ["NORTH"] });
        admin.post(&reboot, north).await.is(200);
        heard(&mut events, |event| matches!(event, Event::Command { .. })).await;
        let (here, there) = tokio::join!(one.given("NORTH"), other.given("NORTH"));
        let given: Vec<_> = here.into_iter().chain(there).collect();
        let [(id, text)] = &given[..] else {
            panic!("given once: {given:?}");
        };
        assert_eq!(text, "REBOOT");
        let report = format!("ID={id}&Return=0&CMD=REBOOT\n");
        other.post("/iclock/devicecmd?SN=NORTH", report).await;
    }
    one.stop().await;
    other.stop().await;
    database.remove().await;
}

#[tokio::test]
async fn what_is_for_all_servers_is_done_by_one_and_by_the_other_when_that_is_gone() {
    let (one, other, database) = two_servers().await;
    let is_the_first = one.app.store.is_the_one().await.expect("asked");
    let is_the_other = other.app.store.is_the_one().await.expect("asked");
    assert_ne!(is_the_first, is_the_other);
    let (it, next) = if is_the_first {
        (one, other)
    } else {
        (other, one)
    };
    assert!(it.app.store.is_the_one().await.expect("asked"));
    it.stop().await;
    assert!(next.app.store.is_the_one().await.expect("asked"));
    next.stop().await;
    database.remove().await;
}

/// Two servers that hear one another and make backups into one folder.
async fn two_with_backups(folder: &Path) -> (TestApp, TestApp, postgres::Database) {
    let recipient = age::x25519::Identity::generate().to_public().to_string();
    let configure = |config: &mut Config| {
        config.backup.recipients = vec![recipient.clone()];
        config.backup.folder = folder.display().to_string();
    };
    let database = postgres::new().await;
    let one = TestApp::start(database.url.clone(), None, &configure).await;
    let key = one.app.config.key_file();
    let other = TestApp::start(database.url.clone(), Some(&key), &configure).await;
    introduced(&one, &other).await;
    introduced(&other, &one).await;
    (one, other, database)
}

/// Whose backups a folder has.
const OWNER: &str = ".muster-installation";

#[tokio::test]
async fn how_a_job_for_all_ended_every_server_tells_and_where() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, other, database) = two_with_backups(folder.path()).await;
    let (at_one, at_other) = (Door::beside(&one), Door::beside(&other));
    let admin = at_one.admin().await;
    let told = async || {
        let mut told = Vec::new();
        for door in [&at_one, &at_other] {
            let page = door.get("/system", &admin).await.text;
            let row = page.split_once("<td>backup</td>").expect("it has run").1;
            let row = row.split_once("</tr>").expect("its end").0.to_owned();
            told.push((row.contains("state good"), row.contains("(this one)"), row));
        }
        told
    };
    let are = |told: &[(bool, bool, String)]| -> Vec<(bool, bool)> {
        told.iter()
            .map(|(is_good, is_this, _)| (*is_good, *is_this))
            .collect()
    };

    jobs::run_all(&other.app).await.expect("run");
    let good = told().await;
    assert_eq!(are(&good), [(true, false), (true, true)], "{good:?}");

    let owner = folder.path().join(OWNER);
    fs::write(&owner, "another").expect("written");
    let refused = jobs::run_all(&one.app).await;
    assert!(refused.is_err(), "the folder is another's");
    let bad = told().await;
    assert_eq!(are(&bad), [(false, true), (false, false)], "{bad:?}");
    let since = |(.., row): &(bool, bool, String)| row.contains("Last good: 2026-01-15 08:00:00");
    assert!(bad.iter().all(since), "{bad:?}");

    fs::write(&owner, &one.app.company.id).expect("written");
    other.app.clock.advance(TimeDelta::minutes(1));
    jobs::run_all(&other.app).await.expect("run");
    let good = told().await;
    assert_eq!(are(&good), [(true, false), (true, true)], "{good:?}");
    one.stop().await;
    other.stop().await;
    database.remove().await;
}

#[tokio::test]
async fn a_backup_begun_at_one_server_is_under_way_at_all_and_no_second_begins() {
    const UNDER_WAY: &str = "A backup is being made";
    let folder = tempfile::tempdir().expect("a folder");
    let (one, other, database) = two_with_backups(folder.path()).await;
    let (at_one, at_other) = (Door::beside(&one), Door::beside(&other));
    let admin = at_one.admin().await;
    let seen_at = async |door: &Door| door.get("/system", &admin).await.text;
    let begin_at = async |door: &Door| {
        let csrf = door.get("/system", &admin).await.csrf();
        let fields = [("csrf", csrf.as_str())];
        let begun = door.post("/system/backup", &admin, &fields).await;
        assert_eq!(begun.header(header::LOCATION), "/system#backups");
        seen_at(door).await
    };
    let ended_at = async |door: &Door| {
        loop {
            let page = seen_at(door).await;
            if !page.contains(UNDER_WAY) {
                return page;
            }
        }
    };
    let begun = "SELECT COUNT(*) FROM audit WHERE action = 'backup'";
    // Whoever makes a backup waits for this table.
    let mut holder = PgConnection::connect(&database.url)
        .await
        .expect("connected");
    sqlx::raw_sql("BEGIN; LOCK TABLE private_message IN ACCESS EXCLUSIVE MODE")
        .execute(&mut holder)
        .await
        .expect("held");
    assert!(begin_at(&at_one).await.contains(UNDER_WAY));
    let page = begin_at(&at_other).await;
    assert!(page.contains(UNDER_WAY), "{page}");
    assert!(page.contains("Begun 2026-01-15 08:00:00 by"), "{page}");
    assert_eq!(one.number(begun).await, 1);
    holder.close().await.expect("closed");
    let page = ended_at(&at_other).await;
    assert!(page.contains("1 backup in"), "{page}");
    assert!(!page.contains("The last one failed"), "{page}");

    // One that failed at one is told at the other, until one is made.
    fs::write(folder.path().join(OWNER), "another").expect("written");
    begin_at(&at_other).await;
    let page = ended_at(&at_one).await;
    assert!(page.contains("The last one failed"), "{page}");
    assert!(page.contains("Begun 2026-01-15 08:00:00 by"), "{page}");
    fs::write(folder.path().join(OWNER), &one.app.company.id).expect("written");
    begin_at(&at_one).await;
    let page = ended_at(&at_other).await;
    assert!(!page.contains("The last one failed"), "{page}");
    assert_eq!(one.number(begun).await, 3);

    // A server that is gone makes none any more.
    at_one
        .run(muster_store::Sql::new(
            "UPDATE backup_by_hand SET ended_at = NULL, server_id = 'gone'",
            [],
        ))
        .await;
    assert!(begin_at(&at_other).await.contains(UNDER_WAY));
    assert_eq!(one.number(begun).await, 3);
    other.app.clock.advance(TimeDelta::seconds(61));
    assert!(!seen_at(&at_other).await.contains(UNDER_WAY));
    begin_at(&at_other).await;
    assert_eq!(one.number(begun).await, 4);
    let page = ended_at(&at_other).await;
    assert!(page.contains("2 backups in"), "{page}");
    one.stop().await;
    other.stop().await;
    database.remove().await;
}
