//! Servers in processes of their own, which can be killed.

use std::net::SocketAddr;
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
