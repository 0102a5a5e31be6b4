//! `muster doctor`: looks at an installation and says what is wrong with it, and what to do.

use super::{Place, block_on};
use crate::clock::Clock;
use crate::health::{self, Finding};
use crate::install;
use crate::keys::Keys;
use crate::settings::Settings;
use crate::tls;
use clap::Args;
use muster_store::{Options, Schema, Store};
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct Doctor {
    #[command(flatten)]
    place: Place,
}

impl Doctor {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let config = match self.place.load() {
            Ok(config) => config,
            Err(error) => {
                println!("bad   configuration: {error:#}");
                return Ok(ExitCode::FAILURE);
            }
        };
        println!("good  configuration");
        if config.zone_may_be_wrong() {
            println!(
                "note  times are in UTC, as on this machine: the option `zone` names another, which new terminals get"
            );
        }
        if !config.data_dir.is_dir() {
            println!(
                "bad   {} is not there: `muster serve` makes it at its first start",
                config.data_dir.display()
            );
            return Ok(ExitCode::FAILURE);
        }
        let key_file = config.key_file();
        if !key_file.exists() {
            println!(
                "bad   {} is missing: without it nothing that is sealed can be opened; restore it from a backup",
                key_file.display()
            );
            return Ok(ExitCode::FAILURE);
        }
        let keys = match Keys::load(&key_file) {
            Ok(keys) => keys,
            Err(error) => {
                println!("bad   key file: {error:#}");
                return Ok(ExitCode::FAILURE);
            }
        };
        println!("good  key file");
        // First, for without room the database may not even open.
        let mut sound = say(health::room(&config.data_dir));
        let url = config.database_url()?;
        block_on(async {
            let options = Options {
                connections: config.database_connections,
                // Who looks changes nothing.
                schema: Schema::Required,
                ..Options::default()
            };
            let store = match Store::open(&url, &options).await {
                Ok(store) => store,
                Err(error) => {
                    println!("bad   database {url}: {error}");
                    return Ok(ExitCode::FAILURE);
                }
            };
            println!("good  database {url}");
            let now = Clock::real().now();
            let in_force = Settings::read(&store, &config).await?.now();
            let company = install::company(&store).await?;
            let backups = health::backups(&in_force, &company.id, now);
            if backups.is_none() {
                println!(
                    "note  muster makes no backups by itself: docs/backups.md says how it would"
                );
            }
            let certificate = tls::check(&config.tls, now).await;
            let checks = health::checks(&store, &keys).await?;
            for check in checks.into_iter().chain(backups).chain(certificate) {
                sound &= say(check);
            }
            store.close().await;
            Ok(if sound {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        })
    }
}

/// `true` when it is good.
fn say(finding: Finding) -> bool {
    match &finding {
        Ok(fact) => println!("good  {fact}"),
        Err(trouble) => println!("bad   {trouble}"),
    }
    finding.is_ok()
}
