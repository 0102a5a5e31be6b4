//! `muster config show|example|check`.

use super::Place;
use crate::config::Config;
use clap::{Args, Subcommand};
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct ConfigCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the options that are in force
    Show(Place),
    /// Print an example file with every option
    Example,
    /// Say whether the configuration can be used
    Check(Place),
}

impl ConfigCommand {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::Show(place) => print!("{}", place.load()?.shown()?),
            Action::Example => print!("{}", Config::example()),
            Action::Check(place) => {
                place.load()?;
                println!("the configuration can be used");
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
