//! `muster doctor`: looks at an installation and says what is wrong with it, and what to do.

use super::{Place, block_on};
use crate::keys::Keys;
use clap::Args;
use muster_store::{Sql, Store};
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
        let url = config.database_url()?;
        block_on(async {
            let store = match Store::open(&url, &muster_store::Options::default()).await {
                Ok(store) => store,
                Err(error) => {
                    println!("bad   database {url}: {error}");
                    return Ok(ExitCode::FAILURE);
                }
            };
            println!("good  database {url}");
            let mut sound = true;
            for check in checks(&store, &keys).await? {
                match check {
                    Ok(fact) => println!("good  {fact}"),
                    Err(trouble) => {
                        println!("bad   {trouble}");
                        sound = false;
                    }
                }
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

async fn checks(store: &Store, keys: &Keys) -> anyhow::Result<Vec<Result<String, String>>> {
    let mut findings = Vec::new();
    if store.dialect() == muster_store::Dialect::Sqlite {
        let (verdict,): (String,) = store.one(&Sql::new("PRAGMA quick_check(1)", [])).await?;
        findings.push(if verdict == "ok" {
            Ok("the database file is whole".into())
        } else {
            Err(format!(
                "the database file is damaged ({verdict}): stop the server and restore a backup"
            ))
        });
    }
    let check: Option<(Vec<u8>,)> = store
        .find(&Sql::new(
            "SELECT key_check FROM installation WHERE id = 1",
            [],
        ))
        .await?;
    findings.push(match check {
        Some((check,)) if check == keys.check() => {
            Ok("the key file belongs to this database".into())
        }
        Some(_) => {
            Err("the key file is of another installation: copy muster.key from there".into())
        }
        None => Err("the database is empty: `muster serve` fills it at its first start".into()),
    });
    let (doubled,): (i64,) = store
        .one(&Sql::new(
            "SELECT COUNT(*) FROM (SELECT 1 AS one FROM punch WHERE event_index IS NULL \
             GROUP BY terminal_sn, pin, punch_local, punch_state, verify_type HAVING COUNT(*) > 1) AS twice",
            [],
        ))
        .await?;
    findings.push(if doubled == 0 {
        Ok("no punch is there twice".into())
    } else {
        Err(format!(
            "{doubled} punches are there twice: an index is damaged; restore a backup"
        ))
    });
    let counted: Option<(i64, i64)> = store
        .find(&Sql::new(
            "SELECT transactions, unregistered FROM punch_counter",
            [],
        ))
        .await?;
    let (transactions, unregistered): (i64, i64) = store
        .one(&Sql::new(
            "SELECT COUNT(transaction_id), COUNT(*) - COUNT(transaction_id) FROM punch",
            [],
        ))
        .await?;
    findings.push(match counted {
        Some(counted) if counted == (transactions, unregistered) => {
            Ok(format!("{transactions} transactions, {unregistered} of unknown people"))
        }
        Some((was, unknown)) => Err(format!(
            "the counters say {was} transactions and {unknown} of unknown people, the rows {transactions} and {unregistered}"
        )),
        None => Err("the punch counter is missing".into()),
    });
    Ok(findings)
}
