//! `muster man`: the manual pages, one for each command.

use super::Cli;
use anyhow::Context;
use clap::{Args, CommandFactory};
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct Man {
    /// The folder they are written to: muster.1, muster-serve.1 and so on
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Man {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let about = || format!("cannot write to {}", self.folder.display());
        fs::create_dir_all(&self.folder).with_context(about)?;
        clap_mangen::generate_to(Cli::command(), &self.folder).with_context(about)?;
        Ok(ExitCode::SUCCESS)
    }
}
