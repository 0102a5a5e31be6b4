//! `muster completions`: what a shell needs to complete this program's commands and options.

use super::Cli;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::io;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct Completions {
    shell: Shell,
}

impl Completions {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        clap_complete::generate(self.shell, &mut Cli::command(), "muster", &mut io::stdout());
        Ok(ExitCode::SUCCESS)
    }
}
