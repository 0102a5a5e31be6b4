//! The program as a process of its own, as it is measured from outside.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::{fs, io};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

pub struct Process {
    child: Child,
    /// `host:port`.
    pub address: String,
}

impl Process {
    /// Starts it, with any terminal let in, and returns when it listens. Without a URL its database is
    /// a file in the folder.
    pub async fn start(data: &Path, database_url: Option<&str>) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data)
            .env("MUSTER_ADMIN_PASSWORD", "a-long-password")
            .env("MUSTER_TERMINALS__ADMISSION", "open")
            .env("MUSTER_TERMINALS__MAX_WAITING", "1000000")
            .env("MUSTER_TERMINALS__NEW_PER_MINUTE_PER_ADDRESS", "1000000")
            .env("MUSTER_LIMITS__CONNECTIONS_PER_ADDRESS", "20000")
            .env("MUSTER_LOG__LEVEL", "off")
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        if let Some(url) = database_url {
            command.args(["--database-url", url]);
        }
        let mut child = command.spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let address = loop {
            let line = lines
                .next_line()
                .await
                .expect("readable")
                .expect("the server says where it listens");
            if let Some(address) = line.strip_prefix("listening on http://") {
                break address.to_owned();
            }
        };
        Process { child, address }
    }

    pub fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    pub fn resident_mib(&self) -> f64 {
        resident_mib(self.id())
    }

    pub async fn stop(mut self) {
        self.child.kill().await.expect("it ends");
    }
}

/// What a process holds in memory, in MiB; 0 when there is no such process.
pub fn resident_mib(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok())
        .unwrap_or(0.0)
        / 1024.0
}

/// A process that gets no more than a part of one core, by a control group of its own. It must end before this is dropped.
pub struct Held(PathBuf);

impl Held {
    /// Needs what the system gives to root alone.
    pub fn to(process: u32, share: f64) -> io::Result<Held> {
        const PERIOD: f64 = 20_000.0;
        let all = Path::new("/sys/fs/cgroup");
        let quota = (PERIOD * share).round();
        let (all, settings) = if all.join("cgroup.controllers").exists() {
            fs::write(all.join("cgroup.subtree_control"), "+cpu")?;
            let most = ("cpu.max", format!("{quota} {PERIOD}"));
            (all.to_owned(), vec![most])
        } else {
            let period = ("cpu.cfs_period_us", PERIOD.to_string());
            (
                all.join("cpu"),
                vec![period, ("cpu.cfs_quota_us", quota.to_string())],
            )
        };
        let group = all.join(format!("muster-bench-{process}"));
        fs::create_dir(&group)?;
        for (name, value) in settings {
            fs::write(group.join(name), value)?;
        }
        fs::write(group.join("cgroup.procs"), process.to_string())?;
        Ok(Held(group))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // One that is still in use stays: nothing runs in it.
        let _ = fs::remove_dir(&self.0);
    }
}
