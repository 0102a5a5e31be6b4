//! `muster generated`: the files in the repository that are made from the code.

use crate::api;
use anyhow::Context;
use clap::Args;
use std::fs;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct Generated {
    /// Change nothing; fail when a file is not what the code says
    #[arg(long)]
    check: bool,
}

impl Generated {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let mut stale = false;
        for (name, content) in api::generated() {
            let present = fs::read_to_string(name).unwrap_or_default();
            if present == content {
                continue;
            }
            if self.check {
                eprintln!("{name} is not what the code says: run `make generated`");
                stale = true;
            } else {
                fs::write(name, content).with_context(|| format!("cannot write {name}"))?;
                println!("wrote {name}");
            }
        }
        Ok(if stale {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}
