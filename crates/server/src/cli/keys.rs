//! `muster keys`: gives what is sealed a new key. No server may run meanwhile.

use super::{Place, block_on};
use crate::accounts::{second_factor, token};
use crate::keys::Keys;
use crate::resources::employee;
use crate::sealed::{self, Sealed};
use crate::terminals::{commands, people, unread_list};
use anyhow::ensure;
use clap::Subcommand;
use muster_store::Store;
use std::process::ExitCode;

/// Everything that is kept sealed.
pub const SEALED: &[Sealed] = &[
    employee::PASSWORDS,
    employee::PHOTOS,
    people::TEMPLATES,
    people::PUNCH_PHOTOS,
    commands::TEXTS,
    unread_list::LINES,
    token::TOKENS,
    second_factor::SECRETS,
];

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a new key, and seal everything with it. The older ones stay in the key file, for backups of the database from
    /// before. What was cut off goes on
    Rotate,
    /// Take the older keys out of the key file: backups of the database from before open no more
    Forget,
}

pub fn run(place: Place, command: Command) -> anyhow::Result<ExitCode> {
    let config = place.load()?;
    let path = config.key_file();
    ensure!(path.exists(), "there is no key file {}", path.display());
    let url = config.database_url()?;
    let keys = Keys::load_alone(&path)?;
    block_on(async {
        let store = super::alone(&url).await?;
        let done = match command {
            Command::Rotate => rotate(&store, keys, &path).await,
            Command::Forget => forget(&store, keys, &path).await,
        };
        store.close().await;
        done.map(|()| ExitCode::SUCCESS)
    })
}

async fn rotate(store: &Store, keys: Keys, path: &std::path::Path) -> anyhow::Result<()> {
    ensure!(
        keys.knows(&sealed::key_in_force(store).await?),
        "{} is not the key file of this database",
        path.display()
    );
    let keys = if keys.count() > 1 && has_older(store, &keys).await? {
        println!("going on with the newest key there is");
        keys
    } else {
        let keys = keys.renewed(path)?;
        println!("a new key is in {}", path.display());
        keys
    };
    sealed::put_in_force(store, &keys).await?;
    let mut damaged = 0;
    for of in SEALED {
        let anew = sealed::seal_anew(store, &keys, of).await?;
        println!("{:>12} {}.{}", anew.sealed, of.table, of.column);
        damaged += anew.damaged;
    }
    if damaged > 0 {
        println!("{damaged} values no key opens; they stay as they are");
    }
    println!(
        "Everything is sealed with the new key. Keep a copy of the key file, and give one to every other server on this database."
    );
    Ok(())
}

async fn forget(store: &Store, keys: Keys, path: &std::path::Path) -> anyhow::Result<()> {
    ensure!(
        sealed::key_in_force(store).await? == keys.check() && !has_older(store, &keys).await?,
        "something is sealed with an older key still: `muster keys rotate` first"
    );
    let older = keys.count() - 1;
    keys.forgotten(path)?;
    println!("{older} older keys are gone from {}", path.display());
    Ok(())
}

async fn has_older(store: &Store, keys: &Keys) -> anyhow::Result<bool> {
    for of in SEALED {
        if sealed::has_older(store, keys, of).await? {
            return Ok(true);
        }
    }
    Ok(false)
}
