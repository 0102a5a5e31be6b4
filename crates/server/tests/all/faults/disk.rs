//! A disk that is full, or read only.

use super::{ENOUGH, felt, muster, over, report};
use crate::held_servers::Administrator;
use crate::load::{Load, nothing_is_lost_or_doubled};
use crate::process::Server;
use crate::testing::{ADMIN_PASSWORD, TestApp, request, wire};
use crate::upgrades::{answers_as_then, folder_of, unpacked, upgrades};
use reqwest::Method;
use rustix::process::geteuid;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_costs_no_punch_and_no_restart() {
    // The log is on it too.
    let disk = Disk::of_mib(48).await;
    let mut command = Server::on(disk.run_logging(), &disk.data(), &disk.database());
    command.env("MUSTER_LOG__LEVEL", "info");
    let mut server = Server::run(command).await;
    let admin = Administrator::of(server.address).await;
    let area = async |code: &str| {
        let area = json!({ "area_code": code, "area_name": code });
        let made = admin.say(server.address, Method::POST, "/personnel/api/areas/", &area);
        made.await.expect("answered").0
    };
    let load = Load::on(server.address);
    load.until_more(ENOUGH).await;

    disk.fill(0, Some(&server));
    felt(&load).await;
    // What is smaller than any upload may still find room, and uses it up.
    let mut small = 0;
    loop {
        let status = area(&format!("small{small}")).await;
        if status == 503 {
            break;
        }
        assert_eq!(status, 201);
        small += 1;
    }
    let doctor = disk.doctor().await;
    assert!(
        said(&doctor).contains("bad   nothing can be written in "),
        "{doctor:?}"
    );

    disk.free(Some(&server));
    report("full disk", over(&load).await);
    // Not only the punches' own way to the database.
    assert_eq!(area("north").await, 201);
    let doctor = disk.doctor().await;
    assert!(doctor.status.success(), "{doctor:?}");

    let told = load.stop().await;
    server.end().await;
    let kinds: Vec<&String> = told.otherwise.keys().collect();
    assert_eq!(kinds, ["503"], "what terminals were told meanwhile");
    let copy = disk.copied();
    nothing_is_lost_or_doubled(&copy.url, "full disk", &told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_on_a_disk_that_is_full_says_so_and_begins_anew() {
    for kib in [0, 12, 200] {
        let disk = Disk::of_mib(32).await;
        disk.fill(kib, None);
        refused(
            &disk,
            &[
                "No space left",
                "disk is full",
                "File too large",
                "disk I/O error",
            ],
        )
        .await;
        disk.free(None);
        served(&disk, async |server| {
            // The password that was given at this start.
            Administrator::of(server).await;
        })
        .await;
    }
}

/// So many punches make the steps that read and index all of them need room.
const PUNCHES: i64 = 10_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_on_a_disk_that_is_full_is_gone_on_with_later() {
    let old = upgrades().join("0150");
    let folder = folder_of(&old);
    let [key, file] = ["muster.key", "muster.db"].map(|name| folder.path().join(name));
    fs::write(&file, unpacked(old.join("sqlite.db.gz"))).expect("written");
    let mut database = opened(&file).await;
    let before = number(&mut database, "SELECT COUNT(*) FROM punch").await;
    sqlx::raw_sql(AssertSqlSafe(format!(
        "WITH RECURSIVE added (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM added WHERE number < {PUNCHES})
         INSERT INTO punch (id, transaction_id, company_id, terminal_id, terminal_sn, terminal_alias, area_id, area_name,
             employee_id, pin, punch_local, punch_at, punch_state, verify_type, work_code, source, upload_at)
         SELECT id + number, id + number, company_id, terminal_id, terminal_sn, terminal_alias, area_id, area_name,
             employee_id, pin, datetime(punch_local, '-1 day', -number || ' minutes'),
             strftime('%Y-%m-%dT%H:%M:%S+00:00', punch_at, '-1 day', -number || ' minutes'),
             punch_state, verify_type, work_code, source, upload_at
         FROM added, (SELECT * FROM punch ORDER BY id DESC LIMIT 1);
         UPDATE punch_counter SET last_id = last_id + {PUNCHES}, transactions = transactions + {PUNCHES};"
    )))
    .execute(&mut database)
    .await
    .expect("added");
    let first = number(&mut database, NEWEST_STEP).await;
    database.close().await.expect("closed");

    let disk = Disk::of_mib(32).await;
    fs::create_dir(disk.seen("data")).expect("made");
    fs::copy(&file, disk.seen("data/muster.db")).expect("copied");
    fs::copy(&key, disk.seen("data/muster.key")).expect("copied");
    let mut stopped_at = Vec::new();
    for kib in [0, 200, 600] {
        disk.fill(kib, None);
        refused(&disk, &["cannot open the database"]).await;
        disk.free(None);
        let copy = disk.copied();
        let mut database = opened(&copy.file()).await;
        stopped_at.push(number(&mut database, NEWEST_STEP).await);
        database.close().await.expect("closed");
    }
    served(&disk, async |server| {
        // The password is the old one, not that of this start.
        let login = format!(r#"{{"username":"admin","password":"{ADMIN_PASSWORD}"}}"#);
        let head = "Content-Type: application/json\r\n";
        let login = request(("POST /api-token-auth/", head, &login));
        assert_eq!(wire(server, login).await.status, 400);
    })
    .await;

    fs::copy(disk.seen("data/muster.db"), &file).expect("copied");
    let mut database = opened(&file).await;
    let last = number(&mut database, NEWEST_STEP).await;
    println!("from step {first} to {last}: stopped at {stopped_at:?}");
    if disk.is_own() {
        let half = |step: &i64| (first + 1..last).contains(step);
        assert!(stopped_at.iter().any(half), "{stopped_at:?}");
    }
    let counted = "SELECT transactions + unregistered FROM punch_counter";
    for count in ["SELECT COUNT(*) FROM punch", counted] {
        assert_eq!(number(&mut database, count).await, before + PUNCHES);
    }
    // Without what was added all is as it was before the first step.
    sqlx::raw_sql(AssertSqlSafe(format!(
        "DELETE FROM punch WHERE id > {before};
         UPDATE punch_counter SET last_id = last_id - {PUNCHES}, transactions = transactions - {PUNCHES};"
    )))
    .execute(&mut database)
    .await
    .expect("removed");
    database.close().await.expect("closed");
    let app = TestApp::of(folder.path(), String::new()).await;
    answers_as_then(&app, &old).await;
    app.stop().await;
}

const NEWEST_STEP: &str = "SELECT MAX(version) FROM _sqlx_migrations WHERE success";

async fn opened(file: &Path) -> SqliteConnection {
    let url = format!("sqlite://{}", file.display());
    SqliteConnection::connect(&url).await.expect("opened")
}

async fn number(database: &mut SqliteConnection, sql: &'static str) -> i64 {
    let (number,): (i64,) = sqlx::query_as(sql)
        .fetch_one(database)
        .await
        .expect("a row");
    number
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_disk_that_is_read_only_nothing_starts_and_all_is_there_afterwards() {
    let disk = Disk::of_mib(32).await;
    let start = || Server::on(disk.run(), &disk.data(), &disk.database());
    let mut server = Server::run(start()).await;
    let load = Load::on(server.address);
    load.until_more(ENOUGH).await;
    load.addresses.send_replace(Vec::new());
    server.end().await;

    let refusals = [
        "readonly",
        "read-only",
        "Read-only",
        "unable to open",
        "disk I/O",
    ];
    disk.make_read_only(true).await;
    refused(&disk, &refusals).await;
    // Nor where one that was killed has left its log, with which SQLite opens what it cannot write.
    disk.make_read_only(false).await;
    let mut server = Server::run(start()).await;
    server.process.kill().await.expect("killed");
    disk.make_read_only(true).await;
    refused(&disk, &refusals).await;
    let doctor = disk.doctor().await;
    assert!(
        said(&doctor).contains("bad   nothing can be written in "),
        "{doctor:?}"
    );

    disk.make_read_only(false).await;
    let mut server = Server::run(start()).await;
    load.addresses.send_replace(vec![server.address]);
    report("read-only disk", over(&load).await);
    let told = load.stop().await;
    server.end().await;
    nothing_is_lost_or_doubled(&disk.copied().url, "read-only disk", &told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_leaves_nothing_on_a_disk_that_is_full_and_never_fills_it() {
    let disk = Disk::of_mib(32).await;
    let mut server = Server::run(Server::on(disk.run(), &disk.data(), &disk.database())).await;
    let key = disk
        .run()
        .args(["backup", "--make-key"])
        .arg(disk.folder("backup.key"))
        .output()
        .await;
    let key = said(&key.expect("it runs"));
    let recipient = key.split_whitespace().find(|word| word.starts_with("age1"));
    let recipient = recipient.expect("it says for whom").trim_end_matches('.');
    let backup = async || {
        let made = disk
            .run()
            .args(["backup", "--recipient", recipient, "--data-dir"])
            .arg(disk.data())
            .output();
        made.await.expect("it runs")
    };
    let data = disk.seen("data");
    let before = files(&data);

    disk.fill(300, Some(&server));
    let made = backup().await;
    assert!(!made.status.success(), "{made:?}");
    if disk.is_own() {
        assert!(said(&made).contains("a backup needs "), "{made:?}");
    }
    assert_eq!(files(&data), before);

    disk.free(Some(&server));
    let made = backup().await;
    assert!(made.status.success(), "{made:?}");
    server.end().await;
}

/// The files of a folder and those below it, without what SQLite has beside its own.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.retain(|path| !path.to_string_lossy().contains(".db-"));
    found.sort();
    found
}

fn said(output: &Output) -> String {
    let of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    of(&output.stdout) + &of(&output.stderr)
}

/// It ends by itself, and says why in one of these words.
async fn refused(disk: &Disk, words: &[&str]) {
    let mut command = Server::on(disk.run(), &disk.data(), &disk.database());
    let ended = command.kill_on_drop(true).output().await.expect("it runs");
    assert!(!ended.status.success(), "{ended:?}");
    let said = said(&ended);
    assert!(
        !said.contains("listening") && !said.contains("panicked"),
        "{said}"
    );
    assert!(words.iter().any(|word| said.contains(word)), "{said}");
}

/// It starts as if nothing had been, and all is well.
async fn served(disk: &Disk, looked_at: impl AsyncFnOnce(SocketAddr)) {
    let mut server = Server::run(Server::on(disk.run(), &disk.data(), &disk.database())).await;
    looked_at(server.address).await;
    server.end().await;
    let doctor = disk.doctor().await;
    assert!(doctor.status.success(), "{doctor:?}");
    let left: Vec<PathBuf> = files(&disk.seen("data"))
        .into_iter()
        .filter(|path| !path.ends_with("muster.key") && !path.ends_with("muster.db"))
        .collect();
    assert!(left.is_empty(), "nothing half done is left: {left:?}");
}

/// A disk of the test's own, which can be filled: a file system in memory in a name space of its own; where the machine
/// lets nobody make one, the files of a process may not grow any more, which is the same to it.
struct Disk {
    place: TempDir,
    /// Whoever holds the name space, as long as it can read.
    holder: Option<Child>,
    is_full: AtomicBool,
}

/// The database on a disk, where this process can open it.
struct Copy {
    folder: TempDir,
    url: String,
}

impl Copy {
    fn file(&self) -> PathBuf {
        self.folder.path().join("muster.db")
    }
}

impl Disk {
    async fn of_mib(mib: u32) -> Disk {
        let place = tempfile::tempdir().expect("a folder");
        let mut command = Command::new("unshare");
        command.arg("--mount");
        if !geteuid().is_root() {
            command.arg("--map-root-user");
        }
        let script =
            format!("mount -t tmpfs -o size={mib}m tmpfs \"$0\" && echo there && exec cat");
        command.args(["sh", "-c", &script]).arg(place.path());
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut holder = None;
        if let Ok(mut child) = command.spawn() {
            let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
            if lines.next_line().await.expect("readable").as_deref() == Some("there") {
                holder = Some(child);
            }
        }
        if holder.is_none() {
            println!("no disk of its own is to be had here: files that may not grow stand for it");
        }
        Disk {
            place,
            holder,
            is_full: AtomicBool::new(false),
        }
    }

    fn is_own(&self) -> bool {
        self.holder.is_some()
    }

    /// A path as those see it who run on this disk.
    fn folder(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn data(&self) -> PathBuf {
        self.folder("data")
    }

    fn database(&self) -> String {
        format!("sqlite://{}", self.folder("data/muster.db").display())
    }

    /// The same path as this process sees it.
    fn seen(&self, name: &str) -> PathBuf {
        let path = self.folder(name);
        match &self.holder {
            None => path,
            Some(holder) => {
                let root = format!("/proc/{}/root", holder.id().expect("it runs"));
                Path::new(&root).join(path.strip_prefix("/").expect("a whole path"))
            }
        }
    }

    /// The program, on this disk.
    fn run(&self) -> Command {
        self.run_by("exec \"$0\" \"$@\"")
    }

    /// The same with its log on the disk as well.
    fn run_logging(&self) -> Command {
        let log = self.folder("log");
        self.run_by(&format!("exec \"$0\" \"$@\" 2>>'{}'", log.display()))
    }

    fn run_by(&self, script: &str) -> Command {
        let mut command = match &self.holder {
            Some(holder) => {
                let mut command = entered(holder);
                command.args(["sh", "-c", script]);
                command
            }
            None => {
                let limit = match self.is_full.load(Ordering::SeqCst) {
                    true => "ulimit -S -f 0; ",
                    false => "",
                };
                let mut command = Command::new("sh");
                // Who writes too much would be killed.
                command.args(["-c", &format!("trap '' XFSZ; {limit}{script}")]);
                command
            }
        };
        command.arg(muster().as_std().get_program());
        command
    }

    /// Leaves so much room, and none to a server that runs.
    fn fill(&self, kib: u64, server: Option<&Server>) {
        self.is_full.store(true, Ordering::SeqCst);
        if !self.is_own() {
            return grow(server, "0:");
        }
        let room = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(self.seen("room"))
            .expect("made");
        (&room)
            .write_all(&vec![1; kib as usize * 1024])
            .expect("room");
        let mut filler = File::create(self.seen("full")).expect("made");
        while filler.write_all(&[1; 4096]).is_ok() {}
        drop(room);
        fs::remove_file(self.seen("room")).expect("removed");
    }

    fn free(&self, server: Option<&Server>) {
        self.is_full.store(false, Ordering::SeqCst);
        match self.is_own() {
            true => fs::remove_file(self.seen("full")).expect("removed"),
            false => grow(server, "unlimited:"),
        }
    }

    async fn make_read_only(&self, read_only: bool) {
        let Some(holder) = &self.holder else {
            return self.is_full.store(read_only, Ordering::SeqCst);
        };
        let how = match read_only {
            true => "remount,bind,ro",
            false => "remount,bind,rw",
        };
        let mut command = entered(holder);
        let done = command
            .args(["mount", "-o", how])
            .arg(self.place.path())
            .status()
            .await;
        assert!(done.expect("it runs").success(), "{how}");
    }

    async fn doctor(&self) -> Output {
        let doctor = self
            .run()
            .args(["doctor", "--data-dir"])
            .arg(self.data())
            .output();
        doctor.await.expect("it runs")
    }

    fn copied(&self) -> Copy {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("muster.db");
        fs::copy(self.seen("data/muster.db"), &file).expect("copied");
        // Who could not end as it should has left its log.
        let log = self.seen("data/muster.db-wal");
        if log.exists() {
            fs::copy(log, folder.path().join("muster.db-wal")).expect("copied");
        }
        Copy {
            url: format!("sqlite://{}", file.display()),
            folder,
        }
    }
}

/// The beginning of a command in somebody's name space.
fn entered(holder: &Child) -> Command {
    let mut command = Command::new("nsenter");
    let id = holder.id().expect("it runs").to_string();
    command.args(["--mount", "--target", &id]);
    if !geteuid().is_root() {
        command.args(["--user", "--preserve-credentials"]);
    }
    command
}

/// How large the files of a server may become from now on.
fn grow(server: Option<&Server>, limit: &str) {
    let Some(id) = server.and_then(|server| server.process.id()) else {
        return;
    };
    let done = std::process::Command::new("prlimit")
        .args(["--pid", &id.to_string(), &format!("--fsize={limit}")])
        .status()
        .expect("prlimit is there");
    assert!(done.success(), "prlimit");
}
