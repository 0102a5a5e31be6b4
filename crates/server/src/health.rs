//! How the installation is: what is right and wrong with it, how large it is, and what it runs on.

use crate::app::App;
use crate::backup;
use crate::config::Config;
use crate::error::Result;
use crate::keys::Keys;
use crate::language::Text;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use muster_store::{Dialect, Sql, Store};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process;

/// What was found right, or what is wrong and what to do about it.
pub type Finding = std::result::Result<String, String>;

/// Looks at everything; of a large installation that takes its time.
pub async fn checks(store: &Store, keys: &Keys) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    if store.dialect() == Dialect::Sqlite {
        let (verdict,): (String,) = store.one(&Sql::new("PRAGMA quick_check(1)", [])).await?;
        findings.push(if verdict == "ok" {
            Ok(t!("the database file is whole").into())
        } else {
            Err(t!(
                "the database file is damaged ({verdict}): stop the server and restore a backup",
                verdict = verdict
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
        Some((check,)) if keys.knows(&check) => {
            Ok(t!("the key file belongs to this database").into())
        }
        Some(_) => {
            Err(t!("the key file is of another installation: copy muster.key from there").into())
        }
        None => Err(t!("the database is empty: `muster serve` fills it at its first start").into()),
    });
    let (doubled,): (i64,) = store
        .one(&Sql::new(
            "SELECT COUNT(*) FROM (SELECT 1 AS one FROM punch WHERE event_index IS NULL \
             GROUP BY terminal_sn, pin, punch_local, punch_state, verify_type HAVING COUNT(*) > 1) AS twice",
            [],
        ))
        .await?;
    findings.push(if doubled == 0 {
        Ok(t!("no punch is there twice").into())
    } else {
        Err(t!(
            "{count} punches are there twice: an index is damaged; restore a backup",
            count = doubled
        ))
    });
    // In one look, so that nothing comes between the two.
    let counted: Option<(i64, i64, i64, i64)> = store
        .find(&Sql::new(
            "SELECT c.transactions, c.unregistered, p.known, p.unknown FROM punch_counter c, \
             (SELECT COUNT(transaction_id) AS known, COUNT(*) - COUNT(transaction_id) AS unknown FROM punch \
             WHERE hidden_at IS NULL) p",
            [],
        ))
        .await?;
    findings.push(match counted {
        Some((was, was_unknown, is, is_unknown)) if (was, was_unknown) == (is, is_unknown) => {
            Ok(t!(
                "{known} transactions, {unknown} of unknown people",
                known = is,
                unknown = is_unknown
            ))
        }
        Some((was, was_unknown, is, is_unknown)) => Err(t!(
            "the counters say {was} transactions and {was_unknown} of unknown people, the rows {is} and {is_unknown}",
            was = was,
            was_unknown = was_unknown,
            is = is,
            is_unknown = is_unknown,
        )),
        None => Err(t!("the punch counter is missing").into()),
    });
    findings.extend(months(store).await?);
    Ok(findings)
}

/// Whether the parts for the punches to come are there, where punches lie in parts.
async fn months(store: &Store) -> Result<Option<Finding>> {
    if store.dialect() == Dialect::Sqlite {
        return Ok(None);
    }
    // Whoever reads a part holds it and its indexes.
    let (count, archived, until, are_ready, room, locks): (
        i64,
        i64,
        Option<NaiveDateTime>,
        bool,
        i64,
        i64,
    ) = store
        .one(&Sql::new(
            "SELECT COUNT(*) FILTER (WHERE NOT is_archived), COUNT(*) FILTER (WHERE is_archived), MAX(ends), \
                 COALESCE(MAX(ends) > now() AT TIME ZONE 'UTC', FALSE), \
                 current_setting('max_locks_per_transaction')::bigint * (current_setting('max_connections')::bigint \
                     + current_setting('max_prepared_transactions')::bigint), \
                 (SELECT 1 + COUNT(*) FROM pg_index WHERE indrelid = 'punch'::regclass) FROM punch_parts()",
            [],
        ))
        .await?;
    let until = until.map_or_else(String::new, |until| until.date().to_string());
    // All connections and that for punches, each of which reads all parts.
    let connections = i64::try_from(store.connections().most).unwrap_or(i64::MAX);
    let need = connections.saturating_add(1).saturating_mul(count * locks);
    Ok(Some(if are_ready && need > room {
        Err(t!(
            "{count} parts of punches may need {need} locks at once, PostgreSQL has room for {room}: raise its max_locks_per_transaction",
            count = count,
            need = need,
            room = room
        ))
    } else if are_ready {
        Ok(t!(
            "punches lie in {count} parts, ready until {until}; {archived} more are in the archive",
            count = count,
            until = until,
            archived = archived
        ))
    } else {
        Err(t!(
            "the months of punches are ready until {until} only: a job of the server makes them, so let it run",
            until = until
        ))
    }))
}

/// Whether backups are made as often as they are to be; none when nobody said that they are.
pub fn backups(config: &Config, company_id: &str, now: DateTime<Utc>) -> Option<Finding> {
    let every_h = config.backup.every_h;
    if config.backup.recipients.is_empty() || every_h == 0 {
        return None;
    }
    let newest = match backup::list(&config.backup_folder(), company_id) {
        Ok(backups) => backups.first().map(|(_, made_at)| *made_at),
        Err(error) => return Some(Err(format!("{error:#}"))),
    };
    // One may be under way, or the server may have been off for a while.
    let due = TimeDelta::hours(i64::from(every_h) * 2);
    Some(match newest {
        Some(at) if now - at <= due => Ok(t!("the newest backup is of {at}", at = at.naive_utc())),
        Some(at) => Err(t!(
            "the newest backup is of {at}, and there is to be one every {hours} hours: the server's log says why there is none",
            at = at.naive_utc(),
            hours = every_h
        )),
        None => Err(t!(
            "there is no backup yet: the server makes one while it runs, and its log says why not"
        )
        .into()),
    })
}

/// Less than this, and soon nothing more can be kept.
const LITTLE: u64 = 16 << 20;

/// Whether the disk of a folder takes what is written to it, and how much more.
pub fn room(folder: &Path) -> Finding {
    let probe = folder.join(format!("room.{}", process::id()));
    let written = || {
        let mut file = fs::File::create(&probe)?;
        file.write_all(&[0; 64 << 10])?;
        file.sync_all()
    };
    let written = written();
    // On a disk that is read only there is none.
    let _ = fs::remove_file(&probe);
    let free = disk_bytes(folder).map_or(0, |(free, _)| free);
    let mib = free >> 20;
    let folder = folder.display();
    match written {
        Ok(()) if free >= LITTLE => Ok(t!(
            "the disk takes what is written: {mib} MiB are free",
            mib = mib
        )),
        Ok(()) => Err(t!(
            "only {mib} MiB are free in {folder}: make room before terminals are refused",
            mib = mib,
            folder = folder
        )),
        Err(error) => Err(t!(
            "nothing can be written in {folder} ({error}): make room, or make it writable; terminals keep their punches meanwhile",
            folder = folder,
            error = error
        )),
    }
}

/// What the database is.
pub struct Database {
    /// Its kind and version.
    pub kind: String,
    pub bytes: i64,
    /// The number of the newest step of its schema.
    pub schema: i64,
}

pub async fn database(app: &App) -> Result<Database> {
    let (version, bytes): (String, i64) = app
        .store
        .one(&Sql::by_dialect(
            "SELECT sqlite_version(), page_count * page_size FROM pragma_page_count(), pragma_page_size()",
            "SELECT current_setting('server_version'), pg_database_size(current_database())",
            [],
        ))
        .await?;
    let (schema,): (i64,) = app
        .store
        .one(&Sql::new("SELECT MAX(version) FROM _sqlx_migrations", []))
        .await?;
    let name = match app.store.dialect() {
        Dialect::Sqlite => "SQLite",
        Dialect::Postgres => "PostgreSQL",
    };
    Ok(Database {
        kind: format!("{name} {version}"),
        bytes,
        schema,
    })
}

/// How much of everything is kept: what it is called, and how many there are.
pub async fn counts(app: &App) -> Result<Vec<(Text, i64)>> {
    let (employed, others, terminals, templates, open, transactions, unregistered): (
        i64,
        i64,
        i64,
        i64,
        i64,
        i64,
        i64,
    ) = app
        .store
        .one(&Sql::new(
            "SELECT (SELECT count(*) FROM employee WHERE status = 0), \
                    (SELECT count(*) FROM employee WHERE status <> 0), \
                    (SELECT count(*) FROM terminal), \
                    (SELECT count(*) FROM biometric), \
                    (SELECT count(*) FROM terminal_command WHERE state IN ('queued', 'sent')), \
                    transactions, unregistered FROM punch_counter",
            [],
        ))
        .await?;
    Ok(vec![
        (t!("Employees"), employed),
        (t!("Resigned or removed"), others),
        (t!("Terminals"), terminals),
        (t!("Templates and pictures"), templates),
        (t!("Commands under way"), open),
        (t!("Transactions"), transactions),
        (t!("Punches of unknown people"), unregistered),
    ])
}

/// The memory this program uses, in bytes.
pub fn memory_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// The files and connections this program has open, and how many it may have.
pub fn files() -> (u64, u64) {
    let open = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    (open as u64, most.unwrap_or(u64::MAX))
}

/// What is free on the disk of a folder, and all there is, in bytes.
pub fn disk_bytes(folder: &Path) -> Option<(u64, u64)> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some((disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize))
}
