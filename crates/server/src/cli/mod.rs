//! The command line: one file for each command.

mod config;
mod doctor;
mod generated;
mod logs;
pub mod serve;
mod simulate;

use crate::config::Config;
use clap::{Args, Parser, Subcommand};
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;

/// Time and attendance for ZKTeco terminals: terminals push their punches here, other software
/// reads and steers it through a REST API, people run it in a browser.
#[derive(Debug, Parser)]
#[command(name = "muster", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve terminals, the API and the console
    Serve(serve::Serve),
    /// Be a fleet of terminals, for tests and load
    Simulate(simulate::Simulate),
    /// Show, explain or check the configuration
    Config(config::ConfigCommand),
    /// Say what is wrong with this installation, and what to do
    Doctor(doctor::Doctor),
    /// Write the files that are made from the code, or check that they are up to date
    Generated(generated::Generated),
}

/// Where the data is; every command that touches data takes these.
#[derive(Debug, Clone, Default, Args, Serialize)]
pub struct Place {
    /// The folder of the database and the key file [default: ./muster-data]
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    data_dir: Option<PathBuf>,
    /// sqlite://FILE or postgres://USER:PASSWORD@HOST:PORT/NAME
    #[arg(long, value_name = "URL", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    database_url: Option<String>,
    /// A file of options (TOML)
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    config: Option<PathBuf>,
}

impl Place {
    fn load(&self) -> anyhow::Result<Config> {
        Config::load(self.config.as_deref(), self)
    }
}

/// Runs a command; what went wrong is said on standard error.
pub fn run(cli: Cli) -> ExitCode {
    let done = match cli.command {
        Command::Serve(serve) => serve.run(),
        Command::Simulate(simulate) => simulate.run(),
        Command::Config(config) => config.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::Generated(generated) => generated.run(),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("muster: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The runtime all commands share.
fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(future)
}
