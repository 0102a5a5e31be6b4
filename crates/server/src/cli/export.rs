//! `muster export`: all rows of a list as a file.

use super::Place;
use crate::access::Caller;
use crate::app::App;
use crate::error::Error;
use crate::extract::Query;
use crate::punches::transaction::Transaction;
use crate::punches::unregistered::Unregistered;
use crate::resource::{self, Resource};
use crate::resources::area::Area;
use crate::resources::department::Department;
use crate::resources::employee::Employee;
use crate::resources::location::Location;
use crate::resources::position::Position;
use crate::resources::resignation::Resignation;
use crate::terminals::command_list::Listed;
use crate::terminals::terminal::Terminal;
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use muster_sheets::Format;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Debug, Args)]
pub struct Export {
    #[command(flatten)]
    place: Place,
    /// Which list
    #[arg(value_name = "THINGS", value_enum)]
    things: Things,
    /// Where to; the standard output unless given
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The kind of file; as the name of FILE ends, else csv
    #[arg(long = "type", value_name = "TYPE", value_enum)]
    kind: Option<Kind>,
    /// The columns wanted, in their order, with commas
    #[arg(long, value_name = "NAMES")]
    columns: Option<String>,
    /// A filter of the list as the API has it, such as start_time=2026-01-01; may stand several times
    #[arg(long, value_name = "NAME=VALUE")]
    filter: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Things {
    Areas,
    Departments,
    Positions,
    Locations,
    Employees,
    Resignations,
    Terminals,
    Commands,
    Transactions,
    Unregister,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Csv,
    Xlsx,
    /// Separated by tabs
    Txt,
}

impl Kind {
    fn of(path: Option<&Path>) -> Kind {
        match path.and_then(Path::extension).and_then(|end| end.to_str()) {
            Some("xlsx" | "xls") => Kind::Xlsx,
            Some("txt" | "tsv") => Kind::Txt,
            _ => Kind::Csv,
        }
    }
}

impl Export {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let Export {
            place,
            things,
            out,
            kind,
            columns,
            filter,
        } = self;
        let format = match kind.unwrap_or_else(|| Kind::of(out.as_deref())) {
            Kind::Csv => Format::Csv,
            Kind::Xlsx => Format::Xlsx,
            Kind::Txt => Format::Text,
        };
        let mut pairs = Vec::with_capacity(filter.len());
        for filter in &filter {
            let Some((name, value)) = filter.split_once('=') else {
                bail!("{filter:?} is no filter: write NAME=VALUE");
            };
            pairs.push((name, value));
        }
        let table = Table {
            query: Query::from_pairs(pairs),
            format,
            columns,
            out,
        };
        place.with_app(async |app| match things {
            Things::Areas => table.write::<Area>(app).await,
            Things::Departments => table.write::<Department>(app).await,
            Things::Positions => table.write::<Position>(app).await,
            Things::Locations => table.write::<Location>(app).await,
            Things::Employees => table.write::<Employee>(app).await,
            Things::Resignations => table.write::<Resignation>(app).await,
            Things::Terminals => table.write::<Terminal>(app).await,
            Things::Commands => table.write::<Listed>(app).await,
            Things::Transactions => table.write::<Transaction>(app).await,
            Things::Unregister => table.write::<Unregistered>(app).await,
        })
    }
}

struct Table {
    query: Query,
    format: Format,
    columns: Option<String>,
    out: Option<PathBuf>,
}

impl Table {
    async fn write<R: Resource>(mut self, app: &Arc<App>) -> anyhow::Result<()> {
        let columns = self.columns.as_deref();
        let begun = resource::Export::<R>::begin(
            app,
            Caller::system(),
            &mut self.query,
            self.format,
            columns,
        )
        .await;
        let mut export = match begun {
            Err(Error::Invalid(problems)) => {
                let told: Vec<String> = problems
                    .iter()
                    .map(|problem| format!("{}: {}", problem.field, problem.message))
                    .collect();
                bail!("{}", told.join("; "))
            }
            begun => begun?,
        };
        if let Some(name) = self.query.unknown().first() {
            bail!("there is no filter {name:?}");
        }
        // A file that was not finished does not take the place of one that was.
        let part = self.out.as_ref().map(|out| {
            let mut name = out.as_os_str().to_owned();
            name.push(".part");
            PathBuf::from(name)
        });
        let mut to: Box<dyn Write> = match &part {
            Some(part) => {
                let file = File::create(part);
                Box::new(file.with_context(|| format!("cannot write {}", part.display()))?)
            }
            None => Box::new(io::stdout()),
        };
        let bar = ProgressBar::new_spinner();
        while let Some(piece) = export.next().await? {
            to.write_all(&piece).context("the file cannot be written")?;
            bar.set_message(format!("{} rows", export.rows));
            bar.tick();
        }
        to.flush().context("the file cannot be written")?;
        drop(to);
        bar.finish_and_clear();
        if let (Some(part), Some(out)) = (part, &self.out) {
            fs::rename(&part, out).with_context(|| format!("cannot write {}", out.display()))?;
            eprintln!("{} rows in {}", export.rows, out.display());
        }
        Ok(())
    }
}
