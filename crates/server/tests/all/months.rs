//! Punches lie in months on PostgreSQL: made ahead, put away, brought back, and nobody who sends or reads punches notices.

use crate::cli;
use crate::moving::company;
use crate::postgres::{self, Database};
use crate::testing::{Api, TestApp, on_both};
use chrono::{DateTime, Days, Months, NaiveDateTime, TimeDelta};
use muster::access::{Caller, Rights};
use muster::error::Error;
use muster::profile::Profile;
use muster::punches::parts::{self, Part};
use muster_store::{Options, Sql, Store};
use serde_json::{Value, json};
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

/// How often months go and come while punches are brought, and somebody new is made meanwhile.
const TIMES: i64 = 5;

const NORTH: &str = "/iclock/cdata?SN=NORTH&table=ATTLOG&Stamp=9999";

/// A row of a terminal.
fn row(pin: &str, time: impl std::fmt::Display) -> String {
    format!("{pin}\t{time}\t0\t1\t0\t0\t0\n")
}

async fn send(app: &TestApp, rows: &str) {
    let answer = app.post(NORTH, rows).await;
    let taken = format!("OK: {}", rows.lines().count());
    assert_eq!(answer.whole(), (200, taken.as_str()));
}

/// Both lists of punches, with their counts.
async fn lists(caller: &Api<'_>) -> [Value; 2] {
    let mut lists = [Value::Null, Value::Null];
    for (list, name) in lists.iter_mut().zip(["transactions", "unregister"]) {
        *list = caller
            .get(&format!("/iclock/api/{name}/?page_size=1000"))
            .await
            .is(200);
        let count = list["data"].as_array().map(Vec::len);
        assert_eq!(list["count"].as_u64(), count.map(|count| count as u64));
    }
    lists
}

fn counts(lists: &[Value; 2]) -> [u64; 2] {
    [0, 1].map(|place| lists[place]["count"].as_u64().expect("a count"))
}

async fn execute(database: &Database, statement: String) {
    let mut connection = PgConnection::connect(&database.url)
        .await
        .expect("it is there");
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(&mut connection)
        .await
        .expect("done");
}

/// A server on PostgreSQL.
async fn on_postgres() -> (TestApp, Database, TempDir) {
    let (folder, database) = (
        tempfile::tempdir().expect("a folder"),
        postgres::new().await,
    );
    let app = TestApp::of(&folder.path().join("data"), database.url.clone()).await;
    (app, database, folder)
}

/// The same where months have gone by since there are parts: all before November, that one, and those that follow.
async fn with_old_months() -> (TestApp, Database, TempDir) {
    let (app, database, folder) = on_postgres().await;
    let first = part(&app, |part| part.time().to_string().starts_with("before")).await;
    let first = first.time().to_string().replace('-', "_");
    execute(
        &database,
        format!(
            "DROP TABLE punch_{first}; CREATE TABLE punch_before_2025_11 PARTITION OF punch \
             FOR VALUES FROM (MINVALUE) TO ('2025-11-01')"
        ),
    )
    .await;
    execute(&database, "SELECT punch_make_month('2025-11-01')".into()).await;
    app.run_jobs().await;
    (app, database, folder)
}

async fn part(app: &TestApp, is_it: impl Fn(&Part) -> bool) -> Part {
    let parts = parts::parts(&app.app.store).await.expect("listed");
    parts.into_iter().find(is_it).expect("there is one")
}

async fn names(app: &TestApp) -> Vec<String> {
    let parts = parts::parts(&app.app.store).await.expect("listed");
    parts.iter().map(|part| part.time().to_string()).collect()
}

/// None is there twice, and the counters are right. Of the months that are ready the doctor goes by the real clock.
async fn sound(app: &TestApp) {
    let (_, told) = cli::said_by(&app.app.config, &["doctor"]);
    let is_sound =
        told.contains("good  no punch is there twice\ngood  ") && told.contains(" transactions, ");
    assert!(is_sound, "{told}");
}

#[tokio::test]
async fn punches_of_any_year_are_stored_once_and_listed() {
    on_both(|app| async move {
        let admin = company(&app).await;
        let rows = [
            row("7", "1999-12-31 23:59:59"),
            row("99", "1999-12-31 23:59:59"),
            row("7", "2099-01-01 00:00:00"),
            row("99", "2099-01-01 00:00:00"),
        ]
        .concat();
        let before = counts(&lists(&admin).await);
        send(&app, &rows).await;
        let stored = lists(&admin).await;
        assert_eq!(counts(&stored), before.map(|count| count + 2));
        let times: Vec<&str> = stored[0]["data"]
            .as_array()
            .expect("rows")
            .iter()
            .filter_map(|row| row["punch_time"].as_str())
            .collect();
        assert_eq!(
            times[..2],
            ["2099-01-01 00:00:00", "1999-12-31 23:59:59"],
            "the newest ids first"
        );
        send(&app, &rows).await;
        app.run_jobs().await;
        assert_eq!(lists(&admin).await, stored);
        sound(&app).await;
    })
    .await;
}

#[tokio::test]
async fn months_are_made_ahead_and_take_the_punches_that_came_before_them() {
    let (app, database, _folder) = on_postgres().await;
    let admin = company(&app).await;
    let first = part(&app, |part| part.time().to_string().starts_with("before")).await;
    let (ends,): (NaiveDateTime,) = app
        .app
        .store
        .one(&Sql::new("SELECT MAX(ends) FROM punch_parts()", []))
        .await
        .expect("it ends");
    app.run_jobs().await;
    let other = "other".to_owned();
    assert_eq!(names(&app).await, [first.time().to_string(), other.clone()]);

    // Of the first month to be made, its last second, and of none that will be.
    let next = ends + Months::new(1);
    let rows = [
        row("7", ends),
        row("99", next - TimeDelta::seconds(1)),
        row("7", "2099-01-01 00:00:00"),
    ]
    .concat();
    send(&app, &rows).await;
    let stored = lists(&admin).await;
    assert_eq!(app.number("SELECT COUNT(*) FROM punch_default").await, 3);

    let now = app.app.clock.now();
    app.app.clock.advance(ends.and_utc() - Days::new(20) - now);
    for _ in 0..2 {
        app.run_jobs().await;
        let months: Vec<String> = (0..3)
            .map(|month| (ends + Months::new(month)).format("%Y-%m").to_string())
            .collect();
        let all = [vec![first.time().to_string()], months, vec![other.clone()]].concat();
        assert_eq!(names(&app).await, all);
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM punch_default").await, 1);
    assert_eq!(lists(&admin).await, stored);
    send(&app, &rows).await;
    assert_eq!(lists(&admin).await, stored);
    sound(&app).await;
    app.stop().await;
    database.remove().await;
}

/// A database with the steps up to number 150 and the rows of another, as far as they matter here.
async fn of_old(like: &Database) -> Database {
    const COPIED: &[&str] = &[
        "installation",
        "company",
        "area",
        "department",
        "position",
        "location",
        "role",
        "app_user",
        "api_client",
        "employee",
        "employee_area",
        "terminal",
        "punch_counter",
        "punch",
    ];
    let old = postgres::empty().await;
    let steps = Path::new(env!("CARGO_MANIFEST_DIR")).join("../store/migrations/postgres");
    let connect = async |database: &Database| PgConnection::connect(&database.url).await;
    let mut to = connect(&old).await.expect("it is there");
    let steps = Migrator::new(steps).await.expect("read");
    steps.run_to(150, &mut to).await.expect("migrated");
    let mut from = connect(like).await.expect("it is there");
    for table in COPIED {
        let read = format!("SELECT COALESCE(jsonb_agg(t), '[]')::text FROM \"{table}\" AS t");
        let (rows,): (String,) = sqlx::query_as(AssertSqlSafe(read))
            .fetch_one(&mut from)
            .await
            .expect("read");
        let write = format!(
            "INSERT INTO \"{table}\" SELECT * FROM jsonb_populate_recordset(NULL::\"{table}\", $1::jsonb)"
        );
        sqlx::query(AssertSqlSafe(write))
            .bind(rows)
            .execute(&mut to)
            .await
            .expect("written");
    }
    old
}

#[tokio::test]
async fn a_database_from_before_there_were_months_has_the_same_punches_after() {
    let (app, database, _folder) = on_postgres().await;
    let admin = company(&app).await;
    let rows: String = [
        "1999-05-05 05:05:05",
        "2025-12-24 18:00:00",
        "2099-01-01 00:00:00",
    ]
    .iter()
    .flat_map(|time| [row("7", time), row("99", time)])
    .collect();
    send(&app, &rows).await;
    let before = lists(&admin).await;
    let old = of_old(&database).await;
    let migrated = TestApp::with_key(&app.app.config.key_file(), old.url.clone()).await;
    let after = admin.at(&migrated);
    assert_eq!(lists(&after).await, before);
    assert_eq!(
        migrated.number("SELECT COUNT(*) FROM punch_default").await,
        2
    );
    assert_eq!(names(&migrated).await, names(&app).await);
    // Known ones are known there, and ids go on.
    for (app, admin) in [(&app, &admin), (&migrated, &after)] {
        send(app, &rows).await;
        assert_eq!(lists(admin).await, before);
        send(app, &row("7", "2026-01-15 07:00:00")).await;
    }
    assert_eq!(lists(&after).await, lists(&admin).await);
    sound(&migrated).await;
    migrated.stop().await;
    app.stop().await;
    old.remove().await;
    database.remove().await;
}

/// Of the time before November, of each month since, and of this one.
fn rows_of_old() -> String {
    [
        "2019-01-01 08:00:00",
        "2025-10-31 23:59:59",
        "2025-11-01 00:00:00",
        "2025-11-30 23:59:59",
        "2025-12-24 18:00:00",
        "2026-01-02 08:00:00",
    ]
    .iter()
    .flat_map(|time| [row("7", time), row("99", time)])
    .collect()
}

#[tokio::test]
async fn months_put_away_are_gone_from_the_lists_stay_known_and_come_back_as_they_were() {
    let (app, database, _folder) = with_old_months().await;
    let admin = company(&app).await;
    send(&app, &rows_of_old()).await;
    let all = lists(&admin).await;
    assert_eq!(counts(&all), [7, 7]);

    let (is_done, told) = cli::said_by(&app.app.config, &["archive", "--before", "2025-12"]);
    assert!(is_done, "{told}");
    for line in [
        "put away before-2025-11: 2 transactions, 2 of unknown people\n",
        "put away 2025-11: 2 transactions, 2 of unknown people\n",
    ] {
        assert!(told.contains(line), "{told}");
    }
    let left = lists(&admin).await;
    assert_eq!(counts(&left), [3, 3]);
    sound(&app).await;
    let (is_done, told) = cli::said_by(&app.app.config, &["archive"]);
    assert!(is_done, "{told}");
    let listed: Vec<Vec<&str>> = told
        .lines()
        .map(|line| line.split_whitespace().take(2).collect())
        .collect();
    assert_eq!(
        listed,
        [
            ["before-2025-11", "archive"],
            ["2025-11", "archive"],
            ["2025-12", "here"],
            ["2026-01", "here"],
            ["2026-02", "here"],
            ["2026-03", "here"],
            ["2026-04", "here"],
            ["other", "here"]
        ]
    );
    for (words, why) in [
        (["--before", "2025-12"], "nothing here ends before 2025-12"),
        (["--before", "2999-01"], "not over yet"),
        (["--bring-back", "2025-12"], "2025-12 is not in the archive"),
    ] {
        let (is_done, told) = cli::said_by(&app.app.config, &[&["archive"], &words[..]].concat());
        assert!(!is_done && told.contains(why), "{told}");
    }
    let done = admin
        .get("/iclock/api/transactions/?last_id=0")
        .await
        .is(200);
    assert_eq!(done["count"], 3);
    let deeds = "SELECT COUNT(*) FROM audit WHERE action = 'archive' AND thing = 'transaction'";
    assert_eq!(app.number(deeds).await, 2);

    // A backup has what is here, and knows that there was more.
    let file = app.app.config.data_dir.join("picture.db");
    fs::write(&file, "").expect("made");
    app.app.store.picture(&file).await.expect("drawn");
    let url = format!("sqlite://{}", file.display())
        .parse()
        .expect("a URL");
    let picture = Store::open(&url, &Options::default())
        .await
        .expect("opened");
    let (transactions, unregistered, rows, before): (i64, i64, i64, String) = picture
        .one(&Sql::new(
            "SELECT transactions, unregistered, (SELECT COUNT(*) FROM punch), archived_before FROM punch_counter",
            [],
        ))
        .await
        .expect("counted");
    assert_eq!((transactions, unregistered, rows), (3, 3, 6));
    assert_eq!(before, "2025-12-01 00:00:00");
    picture.close().await;

    // A terminal sends all it has again; and one that nobody has seen.
    send(&app, &rows_of_old()).await;
    assert_eq!(lists(&admin).await, left);
    let late = row("7", "2025-11-11 11:11:11");
    send(&app, &late).await;
    send(&app, &late).await;
    let with_late = lists(&admin).await;
    assert_eq!(counts(&with_late), [4, 3]);
    assert_eq!(with_late[0]["data"][0]["punch_time"], "2025-11-11 11:11:11");
    // Nor does a month that is made take it: its month is in the archive.
    app.run_jobs().await;
    assert_eq!(app.number("SELECT COUNT(*) FROM punch_default").await, 1);

    for time in ["2025-11", "before-2025-11"] {
        let (is_done, told) = cli::said_by(&app.app.config, &["archive", "--bring-back", time]);
        assert!(
            is_done && told.contains(": 2 transactions, 2 of unknown people"),
            "{told}"
        );
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM punch_default").await, 0);
    let mut again = lists(&admin).await;
    let first = again[0]["data"].as_array_mut().expect("rows").remove(0);
    assert_eq!(first, with_late[0]["data"][0]);
    again[0]["count"] = json!(7);
    assert_eq!(again, all);
    send(&app, &(rows_of_old() + &late)).await;
    assert_eq!(counts(&lists(&admin).await), [8, 7]);
    assert_eq!(
        app.number("SELECT COUNT(*) FROM punch_counter WHERE archived_before IS NULL")
            .await,
        1
    );
    sound(&app).await;
    app.stop().await;
    database.remove().await;
}

#[tokio::test]
async fn punches_assigned_while_a_month_is_looked_at_are_counted_where_they_are() {
    let (app, database, _folder) = with_old_months().await;
    let admin = company(&app).await;
    send(&app, &rows_of_old()).await;
    let new = json!({ "emp_code": "70", "department": 1, "area": ["1"] });
    admin.post("/personnel/api/employees/", new).await.is(201);
    let unregistered = async || -> i64 {
        let list = admin
            .get("/iclock/api/unregister/?start_time=2025-11-01&end_time=2025-11-30")
            .await
            .is(200);
        list["data"][0]["id"].as_i64().expect("an id")
    };
    let assign = async |id: i64| {
        let body = json!({ "unregister": [id], "employee": "70" });
        let assign = "/iclock/api/unregister/assign/";
        admin.post(assign, body).await.is(200);
    };
    let november = part(&app, |part| part.time().to_string() == "2025-11").await;
    let look = async || parts::held(&app.app.store, &november).await.expect("read");
    assign(unregistered().await).await;
    let looked = look().await;
    assert_eq!((looked.known, looked.unknown), (3, 1));

    // One is given away after the look: the row as it was sent, and the one that was made of it, go along.
    assign(unregistered().await).await;
    let old = looked;
    let looked = look().await;
    assert_eq!((looked.known, looked.unknown), (4, 0));
    let newest = admin.get("/iclock/api/transactions/?page_size=1").await;
    let newest = newest.is(200)["data"][0]["id"].clone();
    let back = json!({ "transactions": [newest] });
    let unassign = "/iclock/api/transactions/unassign/";
    admin.post(unassign, back).await.is(200);
    // What was taken back meanwhile leaves nothing to see: it has to be looked at again.
    let caller = Caller::system();
    let refused = parts::archive(&app.app, &caller, &november, looked).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("look at the month again")),);
    assign(unregistered().await).await;
    let there = parts::archive(&app.app, &caller, &november, old).await;
    let there = there.expect("put away");
    assert_eq!((there.known, there.unknown), (4, 0));
    sound(&app).await;
    assert_eq!(counts(&lists(&admin).await), [5, 5]);
    app.stop().await;
    database.remove().await;
}

#[tokio::test]
async fn far_pages_are_right_when_a_month_among_them_goes_to_the_archive_and_comes_back() {
    let (app, database, _folder) = with_old_months().await;
    let admin = company(&app).await;
    let people = json!({ "emp_code": "70", "department": 1, "area": ["1"] });
    admin
        .post("/personnel/api/employees/", people)
        .await
        .is(201);
    for month in [11, 12, 11] {
        let row_at = |i: i64| {
            let (minute, second) = (i / 60, i % 60);
            row(
                "70",
                format!("2025-{month}-0{} 09:{minute:02}:{second:02}", 1 + i / 400),
            )
        };
        send(&app, &(0..1_200).map(row_at).collect::<String>()).await;
    }
    // The company has one punch already.
    let are_right = async |old: usize| {
        let count = old + 1;
        let mut before = i64::MAX;
        let mut rows = 0;
        for page in (0..count.div_ceil(70)).map(|page| page + 1) {
            let list = format!("/iclock/api/transactions/?page_size=70&page={page}");
            let list = admin.get(&list).await.is(200);
            assert_eq!(list["count"], count);
            for row in list["data"].as_array().expect("a list") {
                let id = row["id"].as_i64().expect("an id");
                assert!(id < before, "page {page}");
                (before, rows) = (id, rows + 1);
            }
        }
        assert_eq!(rows, count);
    };
    are_right(2_400).await;
    for (away, count) in [("--before", 1_200), ("--bring-back", 2_400)] {
        let time = ["2025-12", "2025-11"][usize::from(away != "--before")];
        let (is_done, told) = cli::said_by(&app.app.config, &["archive", away, time]);
        assert!(is_done, "{told}");
        are_right(count).await;
    }
    app.stop().await;
    database.remove().await;
}

#[tokio::test]
async fn a_hidden_transaction_goes_to_the_archive_with_its_month_and_comes_back_hidden() {
    let (app, database, _folder) = with_old_months().await;
    let admin = company(&app).await;
    send(&app, &rows_of_old()).await;
    let there = counts(&lists(&admin).await);
    let transactions = "/iclock/api/transactions/";
    let november = part(&app, |part| part.time().to_string() == "2025-11").await;
    let look = async || parts::held(&app.app.store, &november).await.expect("read");
    let of_november = format!("{transactions}?start_time=2025-11-01&end_time=2025-11-30");
    let id = admin.get(&of_november).await.is(200)["data"][0]["id"].clone();

    let looked = look().await;
    let body = json!({ "transactions": [id] });
    admin
        .post(&format!("{transactions}hide/"), body)
        .await
        .is(200);
    let caller = Caller::system();
    let refused = parts::archive(&app.app, &caller, &november, looked).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("look at the month again")));
    let looked_again = look().await;
    assert_eq!(
        (looked_again.known, looked_again.unknown),
        (looked.known - 1, looked.unknown)
    );
    let away = parts::archive(&app.app, &caller, &november, looked_again).await;
    let away = away.expect("put away");
    assert_eq!(
        (away.known, away.unknown),
        (looked.known - 1, looked.unknown)
    );
    sound(&app).await;

    // What is put away is known, hidden or not.
    send(&app, &rows_of_old()).await;
    let of_looked = [looked.known, looked.unknown].map(i64::unsigned_abs);
    let without = [there[0] - of_looked[0], there[1] - of_looked[1]];
    assert_eq!(counts(&lists(&admin).await), without);
    let hidden = "/iclock/api/hidden_transactions/";
    assert_eq!(admin.get(hidden).await.is(200)["count"], 0);

    let (is_done, told) = cli::said_by(&app.app.config, &["archive", "--bring-back", "2025-11"]);
    assert!(is_done, "{told}");
    assert_eq!(admin.get(hidden).await.is(200)["count"], 1);
    assert_eq!(counts(&lists(&admin).await), [there[0] - 1, there[1]]);
    let body = json!({ "hidden_transactions": [id] });
    admin.post(&format!("{hidden}show/"), body).await.is(200);
    assert_eq!(counts(&lists(&admin).await), there);
    sound(&app).await;
    app.stop().await;
    database.remove().await;
}

#[tokio::test]
async fn what_was_put_away_and_dropped_does_not_come_back_as_new() {
    let (app, database, _folder) = with_old_months().await;
    let admin = company(&app).await;
    send(&app, &rows_of_old()).await;
    let (is_done, told) = cli::said_by(&app.app.config, &["archive", "--before", "2026-01"]);
    assert!(is_done, "{told}");
    let left = lists(&admin).await;
    assert_eq!(counts(&left), [2, 2]);
    execute(&database, "DROP TABLE archive.punch_2025_11".into()).await;
    let of_dropped = row("7", "2025-11-11 11:11:11");
    send(&app, &(rows_of_old() + &of_dropped)).await;
    assert_eq!(lists(&admin).await, left);

    // Of a month between others, brought back: its own keys count. Who came meanwhile gets what waited.
    let next = json!({ "emp_code": "99", "area": ["north"] });
    admin.post("/personnel/api/employees/", next).await.is(201);
    assert_eq!(counts(&lists(&admin).await), [4, 0]);
    let (is_done, told) = cli::said_by(
        &app.app.config,
        &["archive", "--bring-back", "before-2025-11"],
    );
    assert!(is_done, "{told}");
    let back = lists(&admin).await;
    assert_eq!(counts(&back), [8, 0]);
    let newest: Vec<&Value> = (0..2)
        .map(|place| &back[0]["data"][place]["emp_code"])
        .collect();
    assert_eq!(newest, ["99", "99"], "they are new to whoever reads on");
    send(&app, &rows_of_old()).await;
    assert_eq!(lists(&admin).await, back);
    send(&app, &row("7", "2025-10-10 10:10:10")).await;
    send(&app, &of_dropped).await;
    assert_eq!(counts(&lists(&admin).await), [9, 0]);
    sound(&app).await;
    app.stop().await;
    database.remove().await;
}

#[tokio::test]
async fn a_database_made_anew_knows_that_something_went_to_an_archive() {
    on_both(|app| async move {
        let admin = company(&app).await;
        let before = DateTime::UNIX_EPOCH.naive_utc() + Months::new(12 * 56);
        let mut tx = app.app.store.write().await.expect("a transaction");
        tx.run(&Sql::new(
            "UPDATE punch_counter SET archived_before = $1",
            [before.into()],
        ))
        .await
        .expect("set");
        tx.commit().await.expect("committed");
        let known = lists(&admin).await;
        send(&app, &row("7", "2025-12-31 23:59:59")).await;
        assert_eq!(lists(&admin).await, known);
        send(&app, &row("7", "2026-01-01 00:00:00")).await;
        assert_eq!(counts(&lists(&admin).await)[0], counts(&known)[0] + 1);
        let is_in_one_file = app.app.config.database_url.is_empty();
        let (is_done, told) = cli::said_by(&app.app.config, &["archive"]);
        assert_eq!(is_done, !is_in_one_file, "{told}");
        assert_eq!(
            told.contains("on SQLite all punches lie in one file"),
            is_in_one_file
        );
    })
    .await;
}

/// As somebody at the command line does it: again when somebody is in the way.
async fn again<T>(mut work: impl AsyncFnMut() -> muster::error::Result<T>) -> T {
    loop {
        match work().await {
            Err(Error::Unavailable(_)) => tokio::task::yield_now().await,
            done => return done.expect("done"),
        }
    }
}

#[tokio::test]
async fn the_doctor_says_when_there_are_more_months_than_locks() {
    let (app, database, _folder) = on_postgres().await;
    let room = "SELECT current_setting('max_locks_per_transaction')::bigint * (current_setting('max_connections')::bigint \
        + current_setting('max_prepared_transactions')::bigint)";
    let connections = i64::from(app.app.config.database_connections) + 1;
    // With the two that are there, the first number that is too much.
    let months = app.number(room).await / (13 * connections) - 1;
    for (months, is_content) in [(months - 1, true), (1, false)] {
        execute(
            &database,
            format!(
                "SELECT punch_make_month(m) FROM (SELECT MAX(ends) AS next FROM punch_parts()) AS p, \
                 generate_series(next, next + INTERVAL '1 month' * ({months} - 1), '1 month') AS m"
            ),
        )
        .await;
        let (is_sound, told) = cli::said_by(&app.app.config, &["doctor"]);
        assert_eq!(is_sound, is_content, "{told}");
        assert_eq!(
            told.contains("raise its max_locks_per_transaction"),
            !is_content
        );
    }
    app.stop().await;
    database.remove().await;
}

#[tokio::test]
async fn punches_are_taken_while_months_are_made_put_away_and_brought_back() {
    let (app, database, _folder) = with_old_months().await;
    company(&app).await;
    let app = Arc::new(app);
    let is_over = Arc::new(AtomicBool::new(false));
    let uploads: Vec<_> = (0..3)
        .map(|hour| {
            let (app, is_over) = (app.clone(), is_over.clone());
            tokio::spawn(async move {
                let mut sent = 0;
                while !is_over.load(Ordering::Relaxed) && sent < 3600 {
                    let at = format!("{hour:02}:{:02}:{:02}", sent / 60, sent % 60);
                    let rows: String = ["2025-11-05", "2025-12-05", "2026-01-05", "2026-05-05"]
                        .iter()
                        .flat_map(|day| {
                            let codes = ["7".to_owned(), format!("10{}", sent % TIMES)];
                            codes.map(|code| row(&code, format!("{day} {at}")))
                        })
                        .collect();
                    // What is refused is sent again.
                    while app.post(NORTH, &rows).await.status != 200 {}
                    sent += 1;
                }
                sent
            })
        })
        .collect();
    let reading = tokio::spawn({
        let (app, is_over) = (app.clone(), is_over.clone());
        async move {
            let mut last = 0;
            while !is_over.load(Ordering::Relaxed) {
                let of_may = "SELECT COUNT(*) FROM punch WHERE punch_local >= '2026-05-01'";
                let count = app.number(of_may).await;
                assert!(count >= last, "none is missed: {count} after {last}");
                last = count;
            }
        }
    });
    let caller = Caller::system();
    let of = |time: &'static str| part(&app, move |part| part.time().to_string() == time);
    let admin = app.api(Profile::EasyTimePro, Rights::administrator()).await;
    for time in 0..TIMES {
        for time in ["2025-11", "2025-12"] {
            let there = of(time).await;
            let held = parts::held(&app.app.store, &there).await.expect("counted");
            again(async || parts::archive(&app.app, &caller, &there, held).await).await;
        }
        // Whose punches lie here and there.
        let new = json!({ "emp_code": format!("10{time}"), "area": ["north"] });
        admin.post("/personnel/api/employees/", new).await.is(201);
        for time in ["2025-11", "2025-12"] {
            let there = of(time).await;
            let held = again(async || parts::make_ready(&app.app, &there).await).await;
            again(async || parts::bring_back(&app.app, &caller, &there, held).await).await;
        }
    }
    // May is made while punches of it come, which are to be moved.
    app.app.clock.advance(TimeDelta::days(31));
    again(async || parts::make_ahead(&app.app).await).await;
    is_over.store(true, Ordering::Relaxed);
    let mut sent = 0;
    for upload in uploads {
        sent += upload.await.expect("all was taken");
    }
    reading.await.expect("nothing was missed");
    assert!(sent > 0);
    // And those of company().
    assert_eq!(app.number("SELECT COUNT(*) FROM punch").await, sent * 8 + 2);
    assert_eq!(app.number("SELECT COUNT(*) FROM punch_default").await, 0);
    assert_eq!(
        app.number("SELECT COUNT(*) FROM punch_2026_05").await,
        sent * 2
    );
    let nobodys = "SELECT COUNT(*) FROM punch WHERE transaction_id IS NULL";
    assert_eq!(app.number(nobodys).await, 1);
    let ids = "SELECT COUNT(DISTINCT transaction_id) FROM punch";
    assert_eq!(app.number(ids).await, sent * 8 + 1);
    sound(&app).await;
    let app = Arc::into_inner(app).expect("nobody has it any more");
    app.stop().await;
    database.remove().await;
}
