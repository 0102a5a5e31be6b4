//! Servers in processes of their own, which can be killed: of this program, and of PostgreSQL.

use crate::testing::ADMIN_PASSWORD;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// A server that runs and says where it listens.
pub struct Process {
    pub child: Child,
    pub address: SocketAddr,
    /// What it says on standard output after that.
    pub lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    pub async fn start(command: &mut Command) -> Process {
        let mut child = command
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let address = loop {
            let line = lines
                .next_line()
                .await
                .expect("readable")
                .expect("the server says where it listens");
            if let Some((_, address)) = line.split_once("listening on http://") {
                break address.parse().expect("an address");
            }
        };
        Process {
            child,
            address,
            lines,
        }
    }
}

/// What these tests are told from outside: how long they run, how often, and where.
#[expect(
    clippy::disallowed_methods,
    reason = "how long and where tests run is no option of the server"
)]
pub fn outside(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The program itself, in a process that can be killed.
pub struct Server {
    pub process: Child,
    pub address: SocketAddr,
}

impl Server {
    pub async fn start(data_dir: &Path, database_url: &str) -> Server {
        let program = Command::new(env!("CARGO_BIN_EXE_muster"));
        Server::run(Server::on(program, data_dir, database_url)).await
    }

    /// A command that serves, on any free port; whoever calls is let in.
    pub fn on(mut program: Command, data_dir: &Path, database_url: &str) -> Command {
        program
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .args(["--database-url", database_url])
            .env("MUSTER_TERMINALS__ADMISSION", "open")
            // All of them come from one address.
            .env("MUSTER_TERMINALS__NEW_PER_MINUTE_PER_ADDRESS", "1000000")
            .env("MUSTER_ADMIN_PASSWORD", ADMIN_PASSWORD)
            .env("MUSTER_LOG__LEVEL", "off");
        program
    }

    pub async fn run(mut command: Command) -> Server {
        let Process {
            child: process,
            address,
            mut lines,
        } = Process::start(&mut command).await;
        // What it goes on saying must not block it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Server { process, address }
    }

    /// A clean stop.
    pub async fn end(&mut self) {
        let id = self.process.id().expect("it runs").to_string();
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .await
            .expect("kill is there");
        let ended = self.process.wait().await.expect("it ends");
        assert!(ended.success(), "{ended}");
    }
}

/// A PostgreSQL server of the test's own, whose commits reach the disk.
pub struct Cluster {
    folder: tempfile::TempDir,
    pub url: String,
}

impl Cluster {
    pub async fn start() -> Cluster {
        let folder = tempfile::Builder::new()
            .prefix("muster-kill-")
            .tempdir_in("/tmp")
            .expect("a folder");
        let made = Command::new(script())
            .arg("create")
            .arg(folder.path().join("cluster"))
            .args(["--durable", "--owner", &std::process::id().to_string()])
            .stderr(Stdio::inherit())
            .output()
            .await
            .expect("the script runs");
        assert!(made.status.success(), "PostgreSQL starts");
        let url = String::from_utf8(made.stdout)
            .expect("a URL")
            .trim()
            .to_owned();
        Cluster { folder, url }
    }

    pub async fn script(&self, action: &str) {
        let status = Command::new(script())
            .arg(action)
            .arg(self.folder.path().join("cluster"))
            .stdout(Stdio::null())
            .status()
            .await
            .expect("the script runs");
        assert!(status.success(), "{action}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = std::process::Command::new(script())
            .arg("remove")
            .arg(self.folder.path().join("cluster"))
            .stdout(Stdio::null())
            .status();
    }
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/postgres-cluster")
}
