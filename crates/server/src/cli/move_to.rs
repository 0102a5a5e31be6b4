//! `muster move`: an installation on SQLite into a PostgreSQL database.

use super::{Place, block_on};
use crate::keys::Keys;
use anyhow::{Context, ensure};
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
        let config = place.load()?;
        let path = config.key_file();
        ensure!(path.exists(), "there is no key file {}", path.display());
        let from = config.database_url()?;
        // What a server went on taking would stay behind.
        let _keys = Keys::load_alone(&path)?;
        block_on(async {
            let from = super::alone(&from).await?;
            let to = Store::open(&url, &Options::default())
                .await
                .with_context(|| format!("cannot open the database {url}"))?;
            let copied = from
                .copy_to(&to, |table| println!("{:>12} {}", table.rows, table.table))
                .await;
            to.close().await;
            from.close().await;
            copied.context("nothing was moved")?;
            println!(
                "All rows are in {url}. From now on start the server with that database_url, and with the same key file: {}",
                path.display()
            );
            Ok(ExitCode::SUCCESS)
        })
    }
}
