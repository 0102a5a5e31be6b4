//! The command line: one file for each command.

mod archive;
mod backup;
pub mod client;
mod completions;
mod config;
mod demo;
mod doctor;
mod export;
mod generated;
mod import;
pub mod keys;
mod logs;
mod man;
mod move_to;
mod restore;
pub mod role;
pub mod serve;
mod simulate;
pub mod user;

use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use muster_store::{Options, Schema, Store, Url};
use serde::Serialize;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

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
    /// Serve a small company with four simulated terminals, to look around
    Demo(demo::Demo),
    /// Be a fleet of terminals, for tests and load
    Simulate(simulate::Simulate),
    /// Add and list users, change their passwords
    User(OnData<user::Command>),
    /// Add, list and remove roles
    Role(OnData<role::Command>),
    /// Add, list and revoke API clients
    Client(OnData<client::Command>),
    /// Take the rows of a file in: employees, departments, areas and so on
    Import(import::Import),
    /// Write a list to a file: csv, tab separated text or xlsx
    Export(export::Export),
    /// List the months of punches, put old ones away, or bring them back; on PostgreSQL, and the server may run
    Archive(archive::Archive),
    /// Put all there is into one sealed file; the server may run
    Backup(backup::Backup),
    /// Make an installation out of a backup, where there is none
    Restore(restore::Restore),
    /// Copy an installation on SQLite into an empty PostgreSQL database; stop the server first
    Move(move_to::Move),
    /// Give what is sealed a new key; stop all servers first
    Keys(OnData<keys::Command>),
    /// Show, explain or check the configuration
    Config(config::ConfigCommand),
    /// Say what is wrong with this installation, and what to do
    Doctor(doctor::Doctor),
    /// Write the manual pages into a folder
    Man(man::Man),
    /// Write what a shell needs to complete these commands
    Completions(completions::Completions),
    /// Write the files that are made from the code, or check that they are up to date
    Generated(generated::Generated),
}

/// Where the data is; every command that touches data takes these.
#[derive(Debug, Clone, Default, Args, Serialize)]
pub struct Place {
    /// The folder of the database and the key file [default: ./muster-data]
    #[arg(long, value_name = "DIR", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    data_dir: Option<PathBuf>,
    /// sqlite://FILE or postgres://USER:PASSWORD@HOST:PORT/NAME
    #[arg(long, value_name = "URL", hide_env_values = true, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    database_url: Option<String>,
    /// A file of options (TOML)
    #[arg(long, value_name = "FILE", global = true)]
    #[serde(skip)]
    config: Option<PathBuf>,
}

impl Place {
    fn load(&self) -> anyhow::Result<Config> {
        Config::load(self.config.as_deref(), self)
    }

    /// Works on the data, whether or not a server runs on it too. Only servers make an installation: a
    /// mistyped folder is an error here, and stays empty.
    fn with_app(
        self,
        work: impl AsyncFnOnce(&Arc<App>) -> anyhow::Result<()>,
    ) -> anyhow::Result<ExitCode> {
        let mut config = self.load()?;
        // What looks at everything takes longer than anybody is made to wait by a server.
        config.database_patience_s = config.database_patience_s.max(PATIENCE_S);
        anyhow::ensure!(
            config.key_file().exists(),
            "there is no installation in {}: `muster serve` makes one at its first start; --data-dir names another folder",
            config.data_dir.display()
        );
        block_on(async {
            let opened = App::open_as_it_is(config, Clock::real()).await?;
            if let Some(password) = opened.first_password {
                eprintln!("first start: user admin, password {password}");
            }
            work(&opened.app).await?;
            opened.app.close().await;
            Ok(ExitCode::SUCCESS)
        })
    }
}

const PATIENCE_S: u32 = 3600;

/// The database, with no server and no other command on it.
async fn alone(url: &Url) -> anyhow::Result<Store> {
    let options = Options {
        schema: Schema::Required,
        ..Options::default()
    };
    let store = Store::open(url, &options)
        .await
        .with_context(|| format!("cannot open the database {url}"))?;
    anyhow::ensure!(
        store.take_alone().await?,
        "the database is in use: stop all servers on it first"
    );
    Ok(store)
}

/// The passphrase of a backup: out of the environment, so that it stands in no history and no list of processes.
#[derive(Debug, Args)]
struct Passphrase {
    /// The passphrase of the backup
    #[arg(
        long,
        env = "MUSTER_BACKUP_PASSPHRASE",
        hide_env_values = true,
        hide = true,
        value_name = "PASSPHRASE"
    )]
    passphrase: Option<String>,
}

/// A command of several, that work on the data.
#[derive(Debug, Args)]
struct OnData<C: Subcommand> {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: C,
}

impl<C: Subcommand> OnData<C> {
    fn run(
        self,
        work: impl AsyncFnOnce(&App, C) -> anyhow::Result<()>,
    ) -> anyhow::Result<ExitCode> {
        self.place
            .with_app(async |app| work(app, self.command).await)
    }
}

/// Runs a command; what went wrong is said on standard error.
pub fn run(cli: Cli) -> ExitCode {
    let done = match cli.command {
        Command::Serve(serve) => serve.run(),
        Command::Demo(demo) => demo.run(),
        Command::Simulate(simulate) => simulate.run(),
        Command::User(user) => user.run(async |app, command| {
            user::run(app, command, &mut io::stdin().lock(), &mut io::stdout()).await
        }),
        Command::Role(role) => {
            role.run(async |app, command| role::run(app, command, &mut io::stdout()).await)
        }
        Command::Client(client) => {
            client.run(async |app, command| client::run(app, command, &mut io::stdout()).await)
        }
        Command::Import(import) => import.run(),
        Command::Export(export) => export.run(),
        Command::Archive(archive) => archive.run(),
        Command::Backup(backup) => backup.run(),
        Command::Restore(restore) => restore.run(),
        Command::Move(there) => there.run(),
        Command::Keys(OnData { place, command }) => keys::run(place, command),
        Command::Config(config) => config.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::Man(man) => man.run(),
        Command::Completions(completions) => completions.run(),
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
