//! `muster simulate`: terminals that are not there, against a server that is.

use super::{block_on, serve};
use clap::{Args, ValueEnum};
use muster_simulator::{ApiAccess, Options, Profile};
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct Simulate {
    /// The server's address, HOST:PORT or http://HOST:PORT
    #[arg(long, default_value = "127.0.0.1:8088")]
    server: String,
    /// How many terminals
    #[arg(long, default_value_t = 10)]
    terminals: usize,
    /// Punches a minute of all of them together
    #[arg(long, default_value_t = 60.0)]
    rate: f64,
    /// When people punch
    #[arg(long, value_enum, default_value_t = Rhythm::Load)]
    rhythm: Rhythm,
    /// Simulated seconds; without it until Ctrl-C
    #[arg(long, value_name = "SECONDS")]
    duration: Option<u64>,
    /// Simulated seconds in one real second; 0: nothing is waited for
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Punches each terminal made before and could not send
    #[arg(long, default_value_t = 0)]
    backlog: usize,
    /// The same seed makes the same terminals do the same things
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Serial numbers begin with this
    #[arg(long, default_value = "SIM")]
    prefix: String,
    /// A token of the API: what was acknowledged is read back and compared
    #[arg(long, env = "MUSTER_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Nothing goes wrong on the way, and no terminal has odd habits
    #[arg(long)]
    faultless: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Rhythm {
    /// Evenly
    Load,
    /// An office
    Workday,
    /// A factory with three shifts
    Shifts,
    /// All return from an outage at once
    Storm,
}

impl Simulate {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let api = self.token.map(|token| ApiAccess {
            url: if self.server.starts_with("http://") {
                self.server.trim_end_matches('/').to_owned()
            } else {
                format!("http://{}", self.server)
            },
            token,
        });
        let calm = Options::steady("");
        let lively = Options::default();
        let (mix, faults) = if self.faultless {
            (calm.mix, calm.faults)
        } else {
            (lively.mix, lively.faults)
        };
        let options = Options {
            server: self.server,
            terminals: self.terminals,
            sn_prefix: self.prefix,
            seed: self.seed,
            profile: match self.rhythm {
                Rhythm::Load => Profile::Load,
                Rhythm::Workday => Profile::Workday,
                Rhythm::Shifts => Profile::Shifts,
                Rhythm::Storm => Profile::Storm,
            },
            duration_s: self.duration,
            punches_per_minute: self.rate,
            speed: self.speed,
            backlog_rows: self.backlog,
            mix,
            faults,
            api: api.clone(),
            ..lively
        };
        block_on(async {
            let report = muster_simulator::run(options, serve::stop_signal()?).await;
            println!("{report}");
            let violations = report.check(api.as_ref()).await;
            for violation in &violations {
                println!("broken: {violation}");
            }
            Ok(if violations.is_empty() {
                println!("nothing was lost, doubled or answered wrongly");
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        })
    }
}
