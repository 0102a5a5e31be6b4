//! `muster move`: an installation on SQLite into a PostgreSQL database.

use super::Place;
use anyhow::Context;
use clap::Args;
use muster_store::{Options, Store, Url};
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct Move {
    #[command(flatten)]
    place: Place,
    /// An empty database: postgres://USER@HOST:PORT/NAME. PGPASSWORD or a password file keeps the
    /// password out of the list of processes
    #[arg(long, value_name = "URL")]
    to: Url,
}

impl Move {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let Move { place, to: url } = self;
        place.with_app(async |app| {
            let to = Store::open(&url, &Options::default())
                .await
                .with_context(|| format!("cannot open the database {url}"))?;
            let copied = app
                .store
                .copy_to(&to, |table| println!("{:>12} {}", table.rows, table.table))
                .await;
            to.close().await;
            copied.context("nothing was moved")?;
            println!(
                "All rows are in {url}. From now on start the server with that database_url, and with the same key file: {}",
                app.config.key_file().display()
            );
            Ok(())
        })
    }
}
