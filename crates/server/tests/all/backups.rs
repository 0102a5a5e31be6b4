//! The machine is gone; there is a backup.

use crate::console::Door;
use crate::load::{Load, nothing_is_lost_or_doubled};
use crate::moving::{all, company};
use crate::postgres;
use crate::testing::{TestApp, on_both, on_both_with};
use chrono::TimeDelta;
use clap::Parser;
use muster::backup;
use muster::cli::{self, Cli};
use muster::config::{Admission, Config};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tempfile::TempDir;

/// Runs a command as somebody at the server's own keyboard would.
async fn command(words: &[&str]) -> bool {
    let words = ["muster"].iter().chain(words);
    let cli = Cli::try_parse_from(words).expect("understood");
    let code = tokio::task::spawn_blocking(|| cli::run(cli))
        .await
        .expect("ended");
    format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain name")
}

/// A key for backups, and its recipient.
async fn new_key(folder: &TempDir) -> (PathBuf, String) {
    let file = folder.path().join("backup.key");
    assert!(command(&["backup", "--make-key", text(&file)]).await);
    let written = fs::read_to_string(&file).expect("written");
    let recipient = written
        .split_whitespace()
        .find(|word| word.starts_with("age1"))
        .expect("it says for whom");
    (file, recipient.trim_end_matches('.').to_owned())
}

/// Makes a backup while the server runs.
async fn made(app: &TestApp, folder: &TempDir, recipient: &str) -> PathBuf {
    let config = &app.app.config;
    let mut words = vec!["backup", "--data-dir", text(&config.data_dir)];
    words.extend(["--to", text(folder.path()), "--recipient", recipient]);
    if !config.database_url.is_empty() {
        words.extend(["--database-url", &config.database_url]);
    }
    assert!(command(&words).await);
    let backups = backup::list(folder.path(), &app.app.company.id).expect("read");
    backups.into_iter().next().expect("it is there").0
}

async fn restored(backup: &Path, key: &Path, to: &Path, database_url: &str) -> bool {
    let mut words = vec!["restore", text(backup), "--key", text(key)];
    words.extend(["--data-dir", text(to)]);
    if !database_url.is_empty() {
        words.extend(["--database-url", database_url]);
    }
    command(&words).await
}

#[tokio::test]
async fn all_there_was_is_there_again_and_goes_on_behind_what_was_given() {
    on_both(async |app| {
        let before = company(&app).await;
        let reboot = json!({ "terminals": ["NORTH"] });
        before
            .post("/iclock/api/terminals/reboot/", reboot)
            .await
            .is(200);
        let then = all(&before).await;
        let folder = tempfile::tempdir().expect("a folder");
        let (key, recipient) = new_key(&folder).await;
        let backup = made(&app, &folder, &recipient).await;

        // What comes after it is not in it.
        let late = "7\t2026-01-15 17:30:00\t1\t1\t0\t0\t0\n";
        let late_upload = "/iclock/cdata?SN=NORTH&table=ATTLOG&Stamp=9999";
        assert_eq!(app.post(late_upload, late).await.status, 200);
        let one_more = json!({ "emp_code": "9", "area": ["north"] });
        let given = before
            .post("/personnel/api/employees/", one_more.clone())
            .await
            .is(201);
        let last_id = before
            .get("/iclock/api/transactions/?ordering=-id&page_size=1")
            .await
            .is(200)["data"][0]["id"]
            .as_i64();
        let given_before = app.given("NORTH").await;
        assert_eq!(given_before[0].1, "REBOOT");

        let there = postgres::new().await;
        for database_url in ["", &there.url] {
            let home = tempfile::tempdir().expect("a folder");
            let to = home.path().join("muster");
            assert!(restored(&backup, &key, &to, database_url).await);
            assert!(
                !restored(&backup, &key, &to, database_url).await,
                "there is one"
            );
            let again = TestApp::of(&to, database_url.to_owned()).await;
            let after = before.at(&again);
            // All but the commands, which are over: the terminal has rebooted.
            let mut now = all(&after).await;
            let commands = now.remove(7);
            let mut then = then.clone();
            then.remove(7);
            let counted = |lists: &[serde_json::Value]| -> Vec<usize> {
                lists
                    .iter()
                    .map(|list| list.as_array().expect("a list").len())
                    .collect()
            };
            assert_eq!(counted(&now), counted(&then));
            assert_eq!(now[..7], then[..7]);
            let given_after = again.given("NORTH").await;
            // What was given since the backup is answered yet, perhaps.
            let number = |(id, _): &(String, String)| id.parse::<i64>().expect("a number");
            assert!(
                given_after.iter().map(number).min() > given_before.iter().map(number).max(),
                "{given_after:?} after {given_before:?}"
            );
            let told: Vec<&str> = given_after.iter().map(|(_, text)| text.as_str()).collect();
            assert!(
                told.iter().all(|text| *text != "REBOOT"),
                "{told:?} of {commands}"
            );
            assert!(
                told.iter()
                    .any(|text| text.starts_with("DATA QUERY ATTLOG")),
                "{told:?}"
            );

            // The terminal still has the late punch; its new id is none that was given.
            assert_eq!(again.post(late_upload, late).await.status, 200);
            let newest = after
                .get("/iclock/api/transactions/?ordering=-id&page_size=1")
                .await
                .is(200);
            assert_eq!(newest["data"][0]["punch_time"], "2026-01-15 17:30:00");
            assert!(newest["data"][0]["id"].as_i64() > last_id);
            let next = after
                .post("/personnel/api/employees/", one_more.clone())
                .await
                .is(201);
            let id = |row: &serde_json::Value| {
                row["id"]
                    .as_str()
                    .expect("an id")
                    .parse::<i64>()
                    .expect("a number")
            };
            assert!(id(&next) > id(&given), "{next} after {given}");
            again.stop().await;
        }
        there.remove().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_made_while_terminals_send_has_all_that_was_acknowledged_before_it() {
    let open = |config: &mut Config| {
        config.terminals.admission = Admission::Open;
        config.terminals.new_per_minute_per_address = 1_000_000;
    };
    on_both_with(open, |app| async move {
        let load = Load::on(app.address);
        load.until_more(100).await;
        let folder = tempfile::tempdir().expect("a folder");
        let (key, recipient) = new_key(&folder).await;
        let before = load.so_far();
        let backup = made(&app, &folder, &recipient).await;
        assert!(
            load.so_far().acknowledged.len() > before.acknowledged.len(),
            "terminals did not wait for it"
        );
        let told = load.stop().await;
        assert_eq!(told.otherwise, BTreeMap::new());

        let there = postgres::new().await;
        for database_url in ["", &there.url] {
            let home = tempfile::tempdir().expect("a folder");
            let to = home.path().join("muster");
            assert!(restored(&backup, &key, &to, database_url).await);
            let url = match database_url {
                "" => format!("sqlite://{}", to.join("muster.db").display()),
                url => url.to_owned(),
            };
            nothing_is_lost_or_doubled(&url, "a backup", &before).await;
        }
        there.remove().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_no_whole_backup_leaves_nothing_behind() {
    let app = TestApp::on_sqlite().await;
    company(&app).await;
    let folder = tempfile::tempdir().expect("a folder");
    let (key, recipient) = new_key(&folder).await;
    let backup = made(&app, &folder, &recipient).await;
    let whole = fs::read(&backup).expect("read");
    let secret = fs::read(app.app.config.key_file()).expect("read");
    for plain in [&secret[..], b"Zo\xc3\xab", b"muster.db", b"SQLite format"] {
        assert!(!whole.windows(plain.len()).any(|part| part == plain));
    }

    let home = tempfile::tempdir().expect("a folder");
    let to = home.path().join("muster");
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for bad in [
        &whole[..whole.len() - 1],
        &whole[..whole.len() / 2],
        &flipped,
        b"",
        b"no backup",
    ] {
        let file = folder.path().join("damaged");
        fs::write(&file, bad).expect("written");
        assert!(!restored(&file, &key, &to, "").await);
    }
    let others = tempfile::tempdir().expect("a folder");
    let (other, _) = new_key(&others).await;
    assert!(
        !restored(&backup, &other, &to, "").await,
        "sealed for another"
    );
    assert!(!restored(&backup, &backup, &to, "").await, "no key file");
    assert_eq!(fs::read_dir(home.path()).expect("read").count(), 0);

    // A database that holds something stays as it is, and no key file comes beside it.
    let taken = postgres::new().await;
    let other = TestApp::with_key(&app.app.config.key_file(), taken.url.clone()).await;
    assert!(!restored(&backup, &key, &to, &taken.url).await);
    assert_eq!(fs::read_dir(home.path()).expect("read").count(), 0);
    other.stop().await;
    taken.remove().await;

    assert!(restored(&backup, &key, &to, "").await);
    // Nothing unfinished is left where it was made, either.
    let left = fs::read_dir(&app.app.config.data_dir).expect("read");
    for entry in left {
        let name = entry.expect("read").file_name();
        assert!(!name.to_string_lossy().contains(".age"), "{name:?}");
    }
    app.stop().await;
}

#[tokio::test]
async fn backups_are_made_by_themselves_and_the_oldest_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, recipient) = new_key(&folder).await;
    let configure = |config: &mut Config| {
        config.backup.recipients = vec![recipient.clone()];
        config.backup.keep = 2;
    };
    on_both_with(configure, |app| async move {
        let place = app.app.config.backup_folder();
        let names = || -> Vec<String> {
            let backups = backup::list(&place, &app.app.company.id)
                .expect("read")
                .into_iter();
            backups
                .map(|(file, _)| {
                    file.file_name()
                        .expect("a name")
                        .to_string_lossy()
                        .into_owned()
                })
                .collect()
        };
        let named =
            |day: u32, hour: u32| format!("muster-2026-01-{day}T{hour:02}-00-00Z.tar.gz.age");
        let company = &app.app.company.id;
        let doctor =
            |now| muster::health::backups(&app.app.config, company, now).expect("they are made");
        let start = app.app.clock.now();
        assert!(doctor(start).is_err_and(|why| why.contains("there is no backup yet")));
        // What a killed one left two days ago goes, what another one is at stays.
        let data = &app.app.config.data_dir;
        fs::create_dir_all(&place).expect("a folder");
        let left = [
            data.join(format!("{}.picture", named(13, 8))),
            data.join(format!("{}.picture-wal", named(13, 8))),
            place.join(format!("{}.unfinished", named(13, 8))),
        ];
        let others = data.join(format!("{}.picture", named(15, 7)));
        for (file, age) in left.iter().map(|file| (file, 48)).chain([(&others, 1)]) {
            let written = start - TimeDelta::hours(age);
            let file = fs::File::create(file).expect("made");
            file.set_modified(written.into()).expect("dated");
        }
        app.run_jobs().await;
        assert!(left.iter().all(|file| !file.exists()) && others.exists());
        assert_eq!(names(), [named(15, 8)]);
        assert!(doctor(start + TimeDelta::hours(48)).is_ok());
        let late = doctor(start + TimeDelta::hours(49));
        assert!(late.is_err_and(|why| why.contains("one every 24 hours")));
        for hours in [1, 22] {
            app.app.clock.advance(TimeDelta::hours(hours));
            app.run_jobs().await;
            assert_eq!(names(), [named(15, 8)]);
        }
        app.app.clock.advance(TimeDelta::hours(1));
        app.run_jobs().await;
        assert_eq!(names(), [named(16, 8), named(15, 8)]);
        app.app.clock.advance(TimeDelta::hours(25));
        app.run_jobs().await;
        assert_eq!(names(), [named(17, 9), named(16, 8)]);
        // One that a clock made that was ahead takes nobody's place, whatever it says of itself.
        fs::write(place.join(named(29, 8)), "").expect("written");
        app.app.clock.advance(TimeDelta::hours(25));
        app.run_jobs().await;
        assert_eq!(names(), [named(29, 8), named(18, 10), named(17, 9)]);

        // Another installation neither thins them out nor takes them for its own.
        assert!(backup::list(&place, "another").is_err());
        let owner = place.join(".muster-installation");
        fs::write(&owner, "another").expect("written");
        app.app.clock.advance(TimeDelta::hours(25));
        let refused = muster::jobs::run_all(&app.app).await;
        assert!(refused.is_err(), "the job says so");
        let told = doctor(app.app.clock.now());
        assert!(told.is_err_and(|why| why.contains("the backups of another installation")));
        fs::write(owner, company).expect("written");
        assert_eq!(names(), [named(29, 8), named(18, 10), named(17, 9)]);
    })
    .await;
}

/// Whoever holds this table is waited for by who makes a backup, and by nobody else here.
const HELD: &str = "BEGIN; LOCK TABLE private_message IN ACCESS EXCLUSIVE MODE";

#[tokio::test]
async fn a_server_that_stops_does_not_wait_for_the_backup_under_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, recipient) = new_key(&folder).await;
    let database = postgres::new().await;
    let configure = |config: &mut Config| config.backup.recipients = vec![recipient.clone()];
    let app = TestApp::start(database.url.clone(), None, &configure).await;
    let place = app.app.config.backup_folder();
    let company = app.app.company.id.clone();
    let mut holder = PgConnection::connect(&database.url)
        .await
        .expect("connected");
    sqlx::raw_sql(HELD)
        .execute(&mut holder)
        .await
        .expect("held");
    let door = Door::of(&app).await;
    let admin = door.admin().await;
    let csrf = door.get("/system", &admin).await.csrf();
    door.post("/system/backup", &admin, &[("csrf", &csrf)])
        .await;
    let waits = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND relation = 'private_message'::regclass";
    while app.number(waits).await == 0 {
        tokio::task::yield_now().await;
    }
    drop(door);
    app.stop().await;
    assert_eq!(backup::list(&place, &company).expect("read"), []);
    holder.close().await.expect("closed");
    database.remove().await;
}
