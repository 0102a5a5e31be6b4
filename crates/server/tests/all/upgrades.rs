//! Databases of older schemas, made by the program of their day, are brought up to date and answer the same.
//!
//! `tests/upgrades/NUMBER` has one for each schema that was given away, by the number of its newest step: the same rows in SQLite's file and
//! as PostgreSQL's dump, the key file, what the API of that day answered to its administrator (BioTime's dialect), list by list, and what each
//! terminal was still to be told. How one is added stands in CONTRIBUTING.md.

use crate::cli::said_by;
use crate::postgres;
use crate::testing::TestApp;
use chrono::{DateTime, Utc};
use flate2::read::GzDecoder;
use muster::access::Rights;
use muster::config::Config;
use muster::profile::Profile;
use muster_store::{Error, Options, Sql, Store};
use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub fn upgrades() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upgrades")
}

/// Members that came later are no difference.
fn reduce(now: &mut Value, then: &Value) {
    match (now, then) {
        (Value::Object(now), Value::Object(then)) => {
            now.retain(|name, _| then.contains_key(name));
            for (name, value) in now {
                reduce(value, &then[name]);
            }
        }
        (Value::Array(now), Value::Array(then)) => {
            for (now, then) in now.iter_mut().zip(then) {
                reduce(now, then);
            }
        }
        _ => {}
    }
}

pub async fn answers_as_then(app: &TestApp, of: &Path) {
    let answers = fs::read_to_string(of.join("answers.json")).expect("answers");
    let answers: Map<String, Value> = serde_json::from_str(&answers).expect("JSON");
    assert!(answers.len() > 10, "{}", of.display());
    let admin = app.api(Profile::BioTime, Rights::administrator()).await;
    for (list, then) in &answers {
        let path = format!("{list}?page_size=40&ordering=id");
        let mut now = admin.get(&path).await.is(200);
        reduce(&mut now, then);
        assert_eq!(&now, then, "{list} of {}", of.display());
    }
    // What was acknowledged then is known now.
    let known = &answers["/iclock/api/transactions/"]["data"][0];
    let text = |member: &str| known[member].as_str().expect("a text");
    let row = format!(
        "{}\t{}\t{}\t{}\t{}\n",
        text("emp_code"),
        text("punch_time"),
        text("punch_state"),
        known["verify_type"],
        text("work_code")
    );
    let before = app.number("SELECT COUNT(*) FROM punch").await;
    app.bring(text("terminal_sn"), &row).await;
    assert_eq!(app.number("SELECT COUNT(*) FROM punch").await, before);
    for finding in muster::health::checks(&app.app.store, &app.app.keys)
        .await
        .expect("looked at")
    {
        if let Err(wrong) = finding {
            // Months are ready by the real clock, and this server's stands still.
            assert!(wrong.contains("months of punches"), "{wrong}");
        }
    }
}

/// When the database was put away, and what each terminal was to be told then.
#[derive(serde::Deserialize)]
struct ToBeTold {
    at: DateTime<Utc>,
    commands: BTreeMap<String, Vec<String>>,
}

/// Nobody is told anything anew, and the token of a login is what it was.
async fn goes_on_as_then(app: &TestApp, of: &Path) {
    let (sealed,): (Vec<u8>,) = app
        .app
        .store
        .one(&Sql::new("SELECT token_sealed FROM login_token", []))
        .await
        .expect("somebody has logged in");
    let token = app.app.keys.open("login_token", &sealed).expect("opened");
    let token = String::from_utf8(token).expect("digits");
    let user = app.with_token(&token);
    user.get("/personnel/api/employees/").await.is(200);

    let told = fs::read_to_string(of.join("told.json")).expect("commands");
    let told: ToBeTold = serde_json::from_str(&told).expect("JSON");
    assert!(told.commands.values().any(|told| !told.is_empty()));
    let clock = &app.app.clock;
    clock.advance(told.at - clock.now());
    app.run_jobs().await;
    for (sn, then) in &told.commands {
        assert_eq!(&app.obeyed(sn).await, then, "{sn} of {}", of.display());
    }
    app.run_jobs().await;
    for sn in told.commands.keys() {
        assert_eq!(app.told(sn).await, [""; 0], "{sn} of {}", of.display());
    }
}

pub fn unpacked(file: PathBuf) -> Vec<u8> {
    let packed = fs::read(&file).expect("a database");
    let mut bytes = Vec::new();
    GzDecoder::new(&packed[..])
        .read_to_end(&mut bytes)
        .expect("unpacked");
    bytes
}

/// A folder with the key file.
pub fn folder_of(of: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("muster.key");
    fs::copy(of.join("muster.key"), &key).expect("copied");
    fs::set_permissions(key, Permissions::from_mode(0o600)).expect("its owner's alone");
    folder
}

fn on_sqlite(of: &Path) -> tempfile::TempDir {
    let folder = folder_of(of);
    let database = unpacked(of.join("sqlite.db.gz"));
    fs::write(folder.path().join("muster.db"), database).expect("written");
    folder
}

async fn on_postgres(of: &Path) -> postgres::Database {
    let database = postgres::empty().await;
    let dump = String::from_utf8(unpacked(of.join("postgres.sql.gz"))).expect("text");
    let mut connection = PgConnection::connect(&database.url)
        .await
        .expect("it is there");
    sqlx::raw_sql(AssertSqlSafe(dump))
        .execute(&mut connection)
        .await
        .expect("loaded");
    connection.close().await.expect("closed");
    database
}

/// The lock of those who use a database on PostgreSQL: "muster" in letters, and one.
const USE: i64 = 0x6d75_7374_6573;

/// Commands leave it as it is, and servers wait until nobody of the version before is on it.
#[tokio::test]
async fn an_older_database_is_brought_up_to_date_by_a_server_that_has_it_alone() {
    let mut folders = fs::read_dir(upgrades()).expect("the folder");
    let of = folders.next().expect("one").expect("readable").path();
    let (folder, database) = (on_sqlite(&of), on_postgres(&of).await);
    let file = folder.path().join("muster.db");
    for database_url in [String::new(), database.url.clone()] {
        let config = Config {
            data_dir: folder.path().to_owned(),
            database_url,
            ..Config::default()
        };
        let steps = async || {
            let statement = "SELECT count(*) FROM _sqlx_migrations";
            match config.database_url.as_str() {
                "" => {
                    let database = muster_store::rusqlite::Connection::open(&file).expect("opened");
                    let count = database.query_row(statement, [], |row| row.get(0));
                    count.expect("counted")
                }
                url => {
                    let mut database = PgConnection::connect(url).await.expect("there");
                    let counted = sqlx::query_scalar(statement).fetch_one(&mut database);
                    let count: i64 = counted.await.expect("counted");
                    database.close().await.expect("closed");
                    count
                }
            }
        };
        let before = steps().await;
        for words in [
            &["doctor"][..],
            &["user", "list"],
            &["backup", "--to", "/nowhere"],
        ] {
            let (is_content, told) = said_by(&config, words);
            let why = "its schema is not that of this program";
            assert!(!is_content && told.contains(why), "{words:?}: {told}");
        }
        assert_eq!(steps().await, before, "who looks changes nothing");

        // One of the version before runs.
        let on_file = fs::File::open(&file).expect("there");
        on_file.lock_shared().expect("locked");
        let mut on_server = PgConnection::connect(&database.url).await.expect("there");
        sqlx::query("SELECT pg_advisory_lock_shared($1)")
            .bind(USE)
            .execute(&mut on_server)
            .await
            .expect("locked");
        let url = config.database_url().expect("a URL");
        let options = Options {
            wait: Duration::from_secs(1),
            ..Options::default()
        };
        let refused = Store::open(&url, &options).await.map(drop);
        assert!(matches!(refused, Err(Error::InUse)), "{refused:?}");
        assert_eq!(steps().await, before);
        drop(on_file);
        on_server.close().await.expect("closed");

        let store = Store::open(&url, &options).await.expect("alone");
        assert!(store.share().await.expect("asked"), "others may come now");
        store.close().await;
        assert!(steps().await > before);
    }
    database.remove().await;
}

#[tokio::test]
async fn a_database_of_every_schema_that_was_given_away_answers_the_same_today() {
    let mut count = 0;
    for entry in fs::read_dir(upgrades()).expect("the folder") {
        let of = entry.expect("readable").path();
        count += 1;

        let folder = on_sqlite(&of);
        let app = TestApp::of(folder.path(), String::new()).await;
        answers_as_then(&app, &of).await;
        goes_on_as_then(&app, &of).await;
        app.stop().await;

        let (folder, database) = (folder_of(&of), on_postgres(&of).await);
        let app = TestApp::of(folder.path(), database.url.clone()).await;
        answers_as_then(&app, &of).await;
        goes_on_as_then(&app, &of).await;
        app.stop().await;
        database.remove().await;
    }
    assert!(count > 0);
}
