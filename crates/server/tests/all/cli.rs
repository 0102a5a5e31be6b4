//! The commands that make users and API clients.

use crate::process::Server;
use crate::rest::{TestApp, on_both};
use crate::testing::ADMIN_PASSWORD;
use muster::cli::{client, role, user};
use muster::config::Config;
use rustix::fs::OFlags;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::process::ExitCode;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

async fn run_user(test: &TestApp, command: user::Command, input: &str) -> anyhow::Result<String> {
    let mut output = Vec::new();
    user::run(&test.app, command, &mut input.as_bytes(), &mut output).await?;
    Ok(String::from_utf8(output)?)
}

async fn run_client(test: &TestApp, command: client::Command) -> anyhow::Result<String> {
    let mut output = Vec::new();
    client::run(&test.app, command, &mut output).await?;
    Ok(String::from_utf8(output)?)
}

#[test]
fn where_the_data_is_may_stand_before_and_behind_a_commands_name() {
    use clap::Parser;
    for words in [
        ["muster", "client", "--data-dir", "there", "list"],
        ["muster", "client", "list", "--data-dir", "there"],
    ] {
        assert!(muster::cli::Cli::try_parse_from(words).is_ok(), "{words:?}");
    }
}

#[test]
fn a_mistyped_folder_does_not_become_an_installation() {
    use clap::Parser;
    let folder = tempfile::tempdir().expect("a folder");
    let mistyped = folder.path().join("muster-dtaa");
    let words = ["muster", "client", "list", "--data-dir"].map(Into::into);
    let cli = muster::cli::Cli::try_parse_from(
        words.into_iter().chain([mistyped.clone().into_os_string()]),
    )
    .expect("understood");
    let code = muster::cli::run(cli);
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::FAILURE));
    assert!(!mistyped.exists());
}

#[tokio::test]
async fn a_user_is_added_and_comes_in_with_the_password_on_the_last_line() {
    on_both(|test| async move {
        let add = |name: &str, role: &str, password_stdin| user::Command::Add {
            name: name.into(),
            role: role.into(),
            email: None,
            password_stdin,
        };
        let output = run_user(&test, add("ops", "viewer", false), "")
            .await
            .expect("added");
        let password = output.lines().last().expect("a line");
        let body = json!({ "username": "ops", "password": password });
        test.nobody()
            .post("/api-token-auth/", body.clone())
            .await
            .is(200);

        assert!(
            run_user(&test, add("ops", "viewer", false), "")
                .await
                .is_err()
        );
        assert!(
            run_user(&test, add("boss", "emperor", false), "")
                .await
                .is_err()
        );
        assert!(
            run_user(&test, add("boss", "viewer", true), "short\n")
                .await
                .is_err()
        );
        let passwd = user::Command::Passwd {
            name: "ops".into(),
            password_stdin: true,
        };
        let output = run_user(&test, passwd, "lamp oil and rope\n")
            .await
            .expect("changed");
        assert!(!output.contains("rope"), "{output}");
        test.nobody().post("/api-token-auth/", body).await.is(400);
        let body = json!({ "username": "ops", "password": "lamp oil and rope" });
        test.nobody()
            .post("/api-token-auth/", body.clone())
            .await
            .is(200);

        let disable = user::Command::Disable { name: "ops".into() };
        run_user(&test, disable, "").await.expect("shut out");
        test.nobody().post("/api-token-auth/", body).await.is(400);
        let list = run_user(&test, user::Command::List, "")
            .await
            .expect("listed");
        assert_eq!(
            list,
            "admin\tadministrator\tactive\tnever\nops\tviewer\tdisabled\t2026-01-15 13:30:00\n"
        );
    })
    .await;
}

async fn run_role(test: &TestApp, command: role::Command) -> anyhow::Result<String> {
    let mut output = Vec::new();
    role::run(&test.app, command, &mut output).await?;
    Ok(String::from_utf8(output)?)
}

#[tokio::test]
async fn a_role_is_made_with_limits_given_to_a_user_and_removed_when_nobody_has_it() {
    on_both(|test| async move {
        let admin = test.easytimepro().await;
        let area = json!({ "area_code": "north", "area_name": "North" });
        admin.post("/personnel/api/areas/", area).await.is(201);
        let add = |name: &str, rights: &str, areas: &[&str]| role::Command::Add {
            name: name.into(),
            rights: rights.into(),
            companies: Some(vec!["default".into()]),
            areas: Some(areas.iter().map(|area| (*area).to_owned()).collect()),
            departments: None,
        };
        let remove = |name: &str| role::Command::Remove { name: name.into() };
        for (command, reason) in [
            (add("x", "employee.fly", &["north"]), "employee.fly"),
            (
                add("x", "", &["north"]),
                "rights: This list may not be empty.",
            ),
            (
                add("x", "viewer", &["nosuch", "1"]),
                "areas: Object with area_code=nosuch does not exist.",
            ),
            (
                add("viewer", "viewer", &["1"]),
                "name: role with this name already exists.",
            ),
            (remove("nosuch"), "There is no role"),
            (remove("operator"), "is built in and stays"),
        ] {
            let refused = run_role(&test, command).await.expect_err("refused");
            assert!(refused.to_string().contains(reason), "{refused}");
        }
        let output = run_role(
            &test,
            add("gate", "area.view, terminal.command", &["north"]),
        )
        .await
        .expect("added");
        assert_eq!(output, "added \"gate\"\n");
        let new = user::Command::Add {
            name: "guard".into(),
            role: "gate".into(),
            email: None,
            password_stdin: true,
        };
        run_user(&test, new, "correct horse battery\n")
            .await
            .expect("added");
        let token = test.log_in("/api/api-token-auth/", "guard").await;
        let guard = test.with(&token);
        let areas = guard.get("/personnel/api/areas/").await.is(200);
        assert_eq!(
            (&areas["count"], &areas["data"][0]["area_code"]),
            (&json!(1), &json!("north"))
        );
        guard.get("/personnel/api/employees/").await.is(403);

        let refused = run_role(&test, remove("gate")).await.expect_err("refused");
        assert!(refused.to_string().contains("1 user has it"), "{refused}");
        let made = |name: &str, role: &str| user::Command::Role {
            name: name.into(),
            role: role.into(),
        };
        run_user(&test, made("guard", "viewer"), "")
            .await
            .expect("changed");
        guard.get("/personnel/api/employees/").await.is(200);
        let areas = guard.get("/personnel/api/areas/").await.is(200);
        assert_eq!(areas["count"], 2);
        for command in [
            made("admin", "viewer"),
            user::Command::Disable {
                name: "admin".into(),
            },
        ] {
            let refused = run_user(&test, command, "").await.expect_err("refused");
            assert!(
                refused.to_string().contains("last administrator"),
                "{refused}"
            );
        }
        let list = run_role(&test, role::Command::List).await.expect("listed");
        let lines: Vec<_> = list.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(
            lines[0].starts_with("administrator\tbuilt in\tusers 1\teverywhere\temployee.view,")
        );
        assert_eq!(
            lines[3],
            format!(
                "gate\town\tusers 0\tcompanies {}; areas 1000001\tarea.view,terminal.command",
                test.app.company.id
            )
        );
        run_role(&test, remove("gate")).await.expect("removed");
        let audited = "SELECT count(*) FROM audit WHERE thing = 'role'";
        assert_eq!(test.number(audited).await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_client_is_added_with_rights_and_an_end_and_revoked() {
    on_both(|test| async move {
        let add = |name: &str, rights: Option<&str>, addresses: &[&str], expires: Option<&str>| {
            client::Command::Add {
                name: name.into(),
                profile: muster::profile::Profile::BioTime,
                rights: rights.map(str::to_owned),
                addresses: addresses.iter().map(|address| (*address).into()).collect(),
                expires: expires.map(str::to_owned),
            }
        };
        let rights = Some("transaction.view, terminal.view");
        let output = run_client(
            &test,
            add("payroll", rights, &["127.0.0.1"], Some("2026-01-15")),
        )
        .await
        .expect("added");
        let token = output.lines().last().expect("a line").to_owned();
        let caller = test.with(&token);
        caller.get("/iclock/api/transactions/").await.is(200);
        caller.get("/personnel/api/employees/").await.is(403);
        for (rights, addresses, expires) in [
            (Some("employee.fly"), &[][..], None),
            (None, &["10.0.0.0/33"], None),
            (None, &[], Some("tomorrow")),
        ] {
            let refused = run_client(&test, add("x", rights, addresses, expires)).await;
            assert!(refused.is_err());
        }
        assert!(
            run_client(&test, add("payroll", None, &[], None))
                .await
                .is_err()
        );
        // The day is over on the server's clock.
        test.app
            .clock
            .advance(chrono::TimeDelta::minutes(10 * 60 + 30));
        caller.get("/iclock/api/transactions/").await.is(401);

        let output = run_client(&test, add("other", None, &[], None))
            .await
            .expect("added");
        let other = output.lines().last().expect("a line").to_owned();
        test.with(&other)
            .get("/personnel/api/employees/")
            .await
            .is(200);
        let revoke = || client::Command::Revoke {
            name: "other".into(),
        };
        run_client(&test, revoke()).await.expect("revoked");
        assert!(run_client(&test, revoke()).await.is_err());
        test.with(&other)
            .get("/personnel/api/employees/")
            .await
            .is(401);
        let list = run_client(&test, client::Command::List)
            .await
            .expect("listed");
        let lines: Vec<_> = list
            .lines()
            .map(|line| line.split('\t').take(3).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(lines, ["payroll biotime expired", "other biotime revoked"]);
        let tokens = test
            .number("SELECT count(*) FROM api_client WHERE token_digest IS NOT NULL")
            .await;
        assert_eq!(tokens, 2);
    })
    .await;
}

/// The program itself, on the data of a test: whether it is content, and what it says.
fn muster(test: &TestApp, words: &[&str]) -> (bool, String) {
    said_by(&test.app.config, words)
}

/// Runs a command for the installation of a server: whether it is content, and what it says.
pub fn said_by(config: &Config, words: &[&str]) -> (bool, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_muster"));
    command.args(words).arg("--data-dir").arg(&config.data_dir);
    if !config.database_url.is_empty() {
        command.args(["--database-url", &config.database_url]);
    }
    said(command)
}

fn said(mut command: std::process::Command) -> (bool, String) {
    let output = command.output().expect("started");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).expect("a text");
    (output.status.success(), said)
}

#[test]
fn every_command_has_a_manual_page_and_shells_complete_it() {
    let program = || std::process::Command::new(env!("CARGO_BIN_EXE_muster"));
    let folder = tempfile::tempdir().expect("a folder");
    let pages = folder.path().join("man");
    let mut man = program();
    man.arg("man").arg(&pages);
    assert_eq!(said(man), (true, String::new()));
    let page = |name: &str| std::fs::read_to_string(pages.join(name)).expect("a page");
    let contents = page("muster.1");
    let mut help = program();
    help.arg("help");
    let (_, help) = said(help);
    let commands = help.split("Commands:").nth(1).expect("a list of commands");
    let commands: Vec<&str> = commands
        .lines()
        .take_while(|line| !line.starts_with("Options:"))
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(commands.len() >= 15, "{commands:?}");
    for shell in ["bash", "zsh", "fish"] {
        let mut completions = program();
        completions.args(["completions", shell]);
        let (is_good, script) = said(completions);
        assert!(is_good);
        for name in &commands {
            assert!(script.contains(name), "{shell}: {name}");
        }
    }
    for name in &commands {
        let named = format!("muster\\-{name}(1)");
        assert!(contents.contains(&named), "{named}\n{contents}");
        assert!(page(&format!("muster-{name}.1")).contains(".TH"));
    }
}

#[tokio::test]
async fn a_file_is_taken_in_whole_or_every_bad_row_is_named() {
    on_both(|test| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("areas.csv");
        let name = file.to_str().expect("a text");
        let take = |rows: &str, more: &[&str]| {
            std::fs::write(&file, format!("area_code,area_name\n{rows}")).expect("written");
            muster(&test, &[&["import", name, "--as", "areas"], more].concat())
        };
        let counted = |created, updated, skipped| {
            let counts = format!("{created} created, {updated} updated, {skipped} skipped\n");
            (true, counts)
        };
        assert_eq!(take("n,North\ns,South\n", &[]), counted(2, 0, 0));
        assert_eq!(take("n,Norden\nw,West\n", &[]), counted(1, 0, 1));
        assert_eq!(take("n,Norden\n", &["--overwrite"]), counted(0, 1, 0));
        let (is_content, told) = take("e,East\nx,\n,Nowhere\n", &[]);
        assert!(!is_content);
        for line in [
            "row 3: area_name: This field is required.",
            "row 4: area_code: This field is required.",
            "nothing was stored",
        ] {
            assert!(told.contains(line), "{told}");
        }
        let admin = test.easytimepro().await;
        let list = admin
            .get("/personnel/api/areas/?ordering=area_code")
            .await
            .is(200);
        let names: Vec<&str> = list["data"]
            .as_array()
            .expect("rows")
            .iter()
            .filter_map(|row| row["area_name"].as_str())
            .collect();
        assert_eq!(names, ["Not Authorized", "Norden", "South", "West"]);
        std::fs::remove_file(&file).expect("removed");
        let (is_content, told) = muster(&test, &["import", name, "--as", "areas"]);
        assert!(!is_content && told.contains("cannot open"), "{told}");
    })
    .await;
}

#[tokio::test]
async fn the_doctor_says_what_is_wrong() {
    on_both(|test| async move {
        let (is_content, told) = muster(&test, &["doctor"]);
        assert!(is_content, "{told}");
        for line in [
            "good  configuration\n",
            "good  key file\n",
            "good  the key file belongs to this database\n",
            "good  no punch is there twice\n",
            "good  0 transactions, 0 of unknown people\n",
            "note  muster makes no backups by itself: docs/backups.md says how it would\n",
        ] {
            assert!(told.contains(line), "{told}");
        }
        assert!(!told.contains("bad "), "{told}");
        test.run("UPDATE punch_counter SET transactions = 3", [])
            .await;
        let (is_content, told) = muster(&test, &["doctor"]);
        let line =
            "bad   the counters say 3 transactions and 0 of unknown people, the rows 0 and 0\n";
        assert!(!is_content && told.contains(line), "{told}");
        test.run(
            "UPDATE installation SET key_check = $1",
            [vec![1_u8].into()],
        )
        .await;
        let (is_content, told) = muster(&test, &["doctor"]);
        let line = "bad   the key file is of another installation: copy muster.key from there\n";
        assert!(!is_content && told.contains(line), "{told}");
        std::fs::remove_file(test.app.config.key_file()).expect("removed");
        let (is_content, told) = muster(&test, &["doctor"]);
        assert!(
            !is_content && told.contains("is missing: without it"),
            "{told}"
        );
    })
    .await;
}

#[test]
fn the_configuration_is_shown_and_checked() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("muster.toml");
    let asked = |words: &[&str], options: &str| {
        std::fs::write(&file, options).expect("written");
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_muster"));
        command.args(words).arg("--config").arg(&file);
        said(command)
    };
    let can_be_used = (true, "the configuration can be used\n".to_owned());
    let check = ["config", "check"];
    assert_eq!(asked(&check, "listen = \"127.0.0.1:9\"\n"), can_be_used);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_muster"));
    command.args(["config", "example"]);
    let (is_content, example) = said(command);
    assert!(is_content);
    assert_eq!(asked(&check, &example), can_be_used);
    for (options, told) in [
        ("zone = \"Mars/Olympus\"\n", "Mars/Olympus"),
        (
            "[api]\npublic_url = \"ftp://x\"\n",
            "api.public_url must begin with http:// or https://",
        ),
        (
            "[terminals]\nerror_delay_s = 0\n",
            "terminals.error_delay_s must be 30 to 300",
        ),
        (
            "[limits]\nhead_s = 0\n",
            "limits.head_s must be 1 to 31622400",
        ),
        ("lisen = \"127.0.0.1:9\"\n", "lisen"),
        ("listen =\n", "the configuration cannot be used"),
    ] {
        let (is_content, said) = asked(&check, options);
        assert!(!is_content && said.contains(told), "{options}: {said}");
    }
    let options =
        "zone = \"Asia/Kolkata\"\ndatabase_url = \"postgres://muster:s3cret@db.example.com/hr\"\n";
    let (is_content, shown) = asked(&["config", "show"], options);
    assert!(
        is_content && shown.contains("zone = \"Asia/Kolkata\"\n"),
        "{shown}"
    );
    assert!(
        shown.contains("db.example.com/hr") && !shown.contains("s3cret"),
        "{shown}"
    );
    std::fs::remove_file(&file).expect("removed");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_muster"));
    command.args(["config", "check", "--config"]).arg(&file);
    let (is_content, said) = said(command);
    assert!(!is_content && said.contains("muster.toml"), "{said}");
}

#[tokio::test]
async fn there_is_one_server_on_a_folder_with_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Server::start(folder.path(), "").await;
    let mut second = std::process::Command::new(env!("CARGO_BIN_EXE_muster"));
    second
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(folder.path());
    let (is_content, told) = said(second);
    assert!(
        !is_content && told.contains("another server runs on"),
        "{told}"
    );
    drop(first);
}

#[tokio::test]
async fn a_server_that_is_stopped_while_it_says_where_it_listens_ends_well() {
    let folder = tempfile::tempdir().expect("a folder");
    // Nobody else takes ports there.
    let free = TcpListener::bind("127.99.1.1:0").await.expect("a port");
    let address = free.local_addr().expect("bound");
    drop(free);
    // Until somebody reads there is no room for a word, and it stands in the middle of saying it.
    let (reader, writer) = io::pipe().expect("a pipe");
    let mut filler = OpenOptions::new()
        .write(true)
        .custom_flags(OFlags::NONBLOCK.bits() as i32)
        .open(format!("/proc/self/fd/{}", writer.as_raw_fd()))
        .expect("the pipe again");
    while filler.write(&[b'\n'; 4096]).is_ok() {}
    drop(filler);
    let mut server = Command::new(env!("CARGO_BIN_EXE_muster"))
        .args(["serve", "--listen", &address.to_string(), "--data-dir"])
        .arg(folder.path())
        .env("MUSTER_ADMIN_PASSWORD", ADMIN_PASSWORD)
        .env("MUSTER_LOG__LEVEL", "off")
        .stdout(writer)
        .kill_on_drop(true)
        .spawn()
        .expect("the program starts");
    while TcpStream::connect(address).await.is_err() {
        assert_eq!(server.try_wait().expect("asked"), None, "it runs");
        tokio::task::yield_now().await;
    }
    let id = server.id().expect("it runs").to_string();
    let told = Command::new("kill").args(["-TERM", &id]).status().await;
    assert!(told.expect("kill is there").success());
    let said = tokio::task::spawn_blocking(|| io::read_to_string(reader));
    let said = said.await.expect("done").expect("read");
    let ended = server.wait().await.expect("it ends");
    assert!(ended.success(), "{ended}");
    assert_eq!(said.trim(), format!("listening on http://{address}"));
}
