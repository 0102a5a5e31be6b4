//! `muster import`: takes all rows of a file, or none.

use super::Place;
use crate::access::Caller;
use crate::app::App;
use crate::error::Error;
use crate::resource::{Existing, Imported, Progress, Writable, take_in};
use crate::resources::area::Area;
use crate::resources::department::Department;
use crate::resources::employee::Employee;
use crate::resources::location::Location;
use crate::resources::position::Position;
use crate::resources::resignation::Resignation;
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct Import {
    #[command(flatten)]
    place: Place,
    /// csv, tab separated text, xls or xlsx, with the names of the export in its first row
    file: PathBuf,
    /// What its rows are
    #[arg(long = "as", value_name = "THINGS", value_enum)]
    things: Things,
    /// Change rows whose code is there already, in what the file has; else they stay as they are
    #[arg(long)]
    overwrite: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Things {
    Areas,
    Departments,
    Positions,
    Locations,
    Employees,
    Resignations,
}

impl Import {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let file = File::open(&self.file)
            .with_context(|| format!("cannot open {}", self.file.display()))?;
        let existing = if self.overwrite {
            Existing::Overwrite
        } else {
            Existing::Skip
        };
        self.place.with_app(async |app| {
            let done = match self.things {
                Things::Areas => take::<Area>(app, file, existing).await,
                Things::Departments => take::<Department>(app, file, existing).await,
                Things::Positions => take::<Position>(app, file, existing).await,
                Things::Locations => take::<Location>(app, file, existing).await,
                Things::Employees => take::<Employee>(app, file, existing).await,
                Things::Resignations => take::<Resignation>(app, file, existing).await,
            }?;
            println!(
                "{} created, {} updated, {} skipped",
                done.created, done.updated, done.skipped
            );
            Ok(())
        })
    }
}

async fn take<R: Writable>(app: &App, file: File, existing: Existing) -> anyhow::Result<Imported> {
    let bar = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} stored, {eta} left");
    let style = style.context("the bar's template is good")?;
    let progress = |progress| match progress {
        Progress::Checked(rows) => bar.set_message(format!("{rows} rows checked")),
        Progress::Stored { done, of } => {
            if bar.length() != Some(of) {
                bar.set_style(style.clone());
                bar.set_length(of);
            }
            bar.set_position(done);
        }
    };
    let done = take_in::<R>(app, &Caller::system(), file, &[], existing, progress).await;
    bar.finish_and_clear();
    match done {
        Ok(done) => Ok(done),
        Err(Error::BadRows(rows)) => {
            for row in rows {
                eprintln!("{row}");
            }
            bail!("nothing was stored")
        }
        Err(Error::Invalid(problems)) => match problems.into_iter().next() {
            Some(problem) => bail!("{}", problem.message),
            None => bail!("the file is refused"),
        },
        Err(error) => Err(error.into()),
    }
}
