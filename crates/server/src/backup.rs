//! Backups: all an installation is, its database and its key file, in one sealed file.
//!
//! The file is an `age` file (age-encryption.org) around a packed tar archive, so that the `age` program and
//! `tar` open it as well. It holds, in this order, [`ABOUT`], [`KEY`] and [`DATABASE`]; the last is a SQLite
//! database whatever the server runs on. Whoever makes backups needs a recipient alone (`age1…`), and cannot
//! open them.

use crate::app::App;
use crate::health;
use age::secrecy::SecretString;
use age::x25519::{Identity, Recipient};
use age::{Decryptor, Encryptor};
use anyhow::{Context, bail, ensure};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use muster_store::{Dialect, Sql};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

const ABOUT: &str = "about.json";
const KEY: &str = "muster.key";
const DATABASE: &str = "muster.db";
/// The form of the file; another one is refused.
const FORMAT: u32 = 1;
const BEGINNING: &str = "muster-";
const TIME: &str = "%Y-%m-%dT%H-%M-%SZ";
const ENDING: &str = ".tar.gz.age";
/// What its name has behind it while it is made: the database as it is, and the backup itself.
const PICTURE: &str = ".picture";
const UNFINISHED: &str = ".unfinished";
/// Whose backups a folder has: the id of the installation's company.
const OWNER: &str = ".muster-installation";
/// What nobody has written to for so long is not being made any more.
const LEFT_AFTER: TimeDelta = TimeDelta::days(1);
/// No key file is larger.
const LARGEST_KEY: u64 = 64 << 10;

/// What a backup says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct About {
    format: u32,
    pub version: String,
    pub company: String,
    pub made_at: DateTime<Utc>,
}

/// A backup that was made.
#[derive(Debug)]
pub struct Made {
    pub file: PathBuf,
    pub bytes: u64,
}

/// For whom a backup is sealed.
pub enum Sealing {
    Recipients(Vec<Recipient>),
    Passphrase(SecretString),
}

impl Sealing {
    /// For those who hold the keys of these recipients (`age1…`).
    pub fn for_recipients(texts: &[String]) -> anyhow::Result<Sealing> {
        let recipients = texts.iter().map(|text| {
            text.parse::<Recipient>()
                .map_err(|error| anyhow::anyhow!("{text:?} is no recipient: {error}"))
        });
        Ok(Sealing::Recipients(
            recipients.collect::<anyhow::Result<_>>()?,
        ))
    }

    fn encryptor(&self) -> anyhow::Result<Encryptor> {
        Ok(match self {
            Sealing::Recipients(recipients) => Encryptor::with_recipients(
                recipients
                    .iter()
                    .map(|recipient| recipient as &dyn age::Recipient),
            )?,
            Sealing::Passphrase(passphrase) => Encryptor::with_user_passphrase(passphrase.clone()),
        })
    }
}

/// What opens a backup.
pub enum Opening {
    Identities(Vec<Identity>),
    Passphrase(SecretString),
}

impl Opening {
    /// The keys in the text of a key file: lines, those with `#` are remarks.
    pub fn with_identities(text: &str) -> anyhow::Result<Opening> {
        let lines = text.lines().map(str::trim);
        let keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let identities = keys.map(|line| {
            // The line itself is a secret.
            line.parse::<Identity>()
                .map_err(|error| anyhow::anyhow!("a line is no key (AGE-SECRET-KEY-…): {error}"))
        });
        let identities: Vec<Identity> = identities.collect::<anyhow::Result<_>>()?;
        ensure!(!identities.is_empty(), "there is no key in it");
        Ok(Opening::Identities(identities))
    }
}

/// Makes a backup in a folder while others go on reading and writing.
pub async fn make(app: &App, folder: &Path, sealing: Sealing) -> anyhow::Result<Made> {
    let made_at = app.clock.now();
    let name = format!("{BEGINNING}{}{ENDING}", made_at.format(TIME));
    let about = About {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        company: app.company.name.clone(),
        made_at,
    };
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    remove_left(&app.config.data_dir, PICTURE, made_at)?;
    remove_left(folder, UNFINISHED, made_at)?;
    // What the picture would take away, punches would lack, and so with what is made of it; that is packed.
    let picture = picture_bytes(app).await?;
    let same_disk = fs::metadata(folder)?.dev() == fs::metadata(&app.config.data_dir)?.dev();
    let needed = match (app.store.dialect(), same_disk) {
        // It is one transaction, which is in the file and in the log beside it until it ends.
        (Dialect::Postgres, _) => 2 * picture,
        (Dialect::Sqlite, true) => picture + picture / 2,
        (Dialect::Sqlite, false) => picture,
    };
    let free = health::disk_bytes(&app.config.data_dir).map_or(u64::MAX, |(free, _)| free);
    ensure!(
        free > needed,
        "a backup needs {} MiB in {}, and {} are free",
        needed >> 20,
        app.config.data_dir.display(),
        free >> 20
    );
    // The picture is as secret as the database: it lies beside it.
    let picture = Unfinished::new(app.config.data_dir.join(format!("{name}{PICTURE}")))?;
    app.store
        .picture(&picture.0)
        .await
        .context("the database could not be read")?;
    let (file, key_file) = (folder.join(name), app.config.key_file());
    let wanted = Arc::new(Wanted);
    let still = Arc::downgrade(&wanted);
    let made = tokio::task::spawn_blocking(move || {
        let mut unfinished = file.clone().into_os_string();
        unfinished.push(UNFINISHED);
        let unfinished = Unfinished::new(unfinished.into())?;
        write(
            &unfinished.0,
            &about,
            &key_file,
            &picture.0,
            &sealing,
            still,
        )?;
        fs::rename(&unfinished.0, &file)?;
        // The name, too, is to survive a power failure.
        if let Some(folder) = file.parent() {
            File::open(folder)?.sync_all()?;
        }
        let bytes = fs::metadata(&file)?.len();
        Ok(Made { file, bytes })
    })
    .await?;
    drop(wanted);
    made
}

/// How large the picture of a database may be.
async fn picture_bytes(app: &App) -> anyhow::Result<u64> {
    // Without what was put away: that is in a schema of its own.
    let (bytes,): (i64,) = app
        .store
        .one(&Sql::by_dialect(
            "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
            "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class \
             WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace",
            [],
        ))
        .await?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}

/// Is there as long as somebody waits for the file that is written beside.
struct Wanted;

/// Reads as long as that is there.
struct WhileWanted<R> {
    from: R,
    still: Weak<Wanted>,
}

impl<R: Read> Read for WhileWanted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.still.strong_count() == 0 {
            return Err(io::Error::other("nobody waits for the backup any more"));
        }
        self.from.read(buffer)
    }
}

/// What a program that was killed has left of a backup. One that is being made changes all the time.
fn remove_left(folder: &Path, ending: &str, now: DateTime<Utc>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let beside = ["-wal", "-shm"];
        let of = beside.iter().find_map(|beside| name.strip_suffix(beside));
        let name = of.unwrap_or(&name);
        let is_left = name.strip_suffix(ending).and_then(made_at).is_some();
        if is_left && now - DateTime::<Utc>::from(entry.metadata()?.modified()?) > LEFT_AFTER {
            fs::remove_file(entry.path())
                .with_context(|| format!("cannot remove {}", entry.path().display()))?;
        }
    }
    Ok(())
}

fn write(
    to: &Path,
    about: &About,
    key_file: &Path,
    picture: &Path,
    sealing: &Sealing,
    still: Weak<Wanted>,
) -> anyhow::Result<()> {
    let out = BufWriter::with_capacity(1 << 20, OpenOptions::new().write(true).open(to)?);
    let sealed = sealing.encryptor()?.wrap_output(out)?;
    let mut archive = tar::Builder::new(GzEncoder::new(sealed, Compression::fast()));
    let seconds = u64::try_from(about.made_at.timestamp()).unwrap_or(0);
    let mut add = |name: &str, size: u64, content: &mut dyn Read| {
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        header.set_mode(0o600);
        header.set_mtime(seconds);
        archive.append_data(&mut header, name, content)
    };
    let about = serde_json::to_vec_pretty(about)?;
    add(ABOUT, about.len() as u64, &mut about.as_slice())?;
    let key = fs::read(key_file).with_context(|| format!("cannot read {}", key_file.display()))?;
    add(KEY, key.len() as u64, &mut key.as_slice())?;
    let database = File::open(picture)?;
    let size = database.metadata()?.len();
    let from = BufReader::with_capacity(1 << 16, database);
    add(DATABASE, size, &mut WhileWanted { from, still })?;
    let out = archive.into_inner()?.finish()?.finish()?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(())
}

/// Opens a backup into a folder that is there: the key file, and the database as `database` says. When
/// anything is wrong the folder may hold a part of it.
pub fn open(backup: &Path, opening: &Opening, folder: &Path) -> anyhow::Result<(About, PathBuf)> {
    let file = File::open(backup).with_context(|| format!("cannot read {}", backup.display()))?;
    let decryptor = Decryptor::new_buffered(BufReader::with_capacity(1 << 20, file))
        .context("this is no backup, or a damaged one")?;
    let opened = match opening {
        Opening::Identities(identities) => decryptor.decrypt(
            identities
                .iter()
                .map(|identity| identity as &dyn age::Identity),
        ),
        Opening::Passphrase(passphrase) => {
            let identity = age::scrypt::Identity::new(passphrase.clone());
            decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity))
        }
    };
    let opened = opened.context("the backup was sealed for another key or passphrase")?;
    let mut archive = tar::Archive::new(GzDecoder::new(opened));
    let mut about: Option<About> = None;
    let mut has = Vec::new();
    for entry in archive.entries()? {
        let mut entry = entry.context("the backup is damaged")?;
        let name = entry.path()?.to_string_lossy().into_owned();
        match (name.as_str(), &about) {
            (ABOUT, None) => {
                let read: About =
                    serde_json::from_reader(&mut entry).context("the backup is damaged")?;
                ensure!(
                    read.format == FORMAT,
                    "the backup is of muster {}, in a form this program does not know",
                    read.version
                );
                about = Some(read);
            }
            (KEY, Some(_)) => {
                ensure!(entry.size() <= LARGEST_KEY, "the backup is damaged");
                keep(&mut entry, &folder.join(KEY))?;
            }
            (DATABASE, Some(_)) => keep(&mut entry, &folder.join(DATABASE))?,
            _ => bail!("the backup holds what none has: {name:?}"),
        }
        has.push(name);
    }
    // To the end: only there does it show that nothing is cut off.
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).context("the backup is cut off")?;
    ensure!(has == [ABOUT, KEY, DATABASE], "the backup is not whole");
    let about = about.context("the backup is not whole")?;
    Ok((about, folder.join(DATABASE)))
}

fn keep(from: &mut impl Read, to: &Path) -> anyhow::Result<()> {
    let mut file = private().open(to)?;
    io::copy(from, &mut file).context("the backup is damaged")?;
    file.sync_all()?;
    Ok(())
}

/// A new file that only its owner reads.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options
}

/// A file that is removed unless it was given another name.
struct Unfinished(PathBuf);

impl Unfinished {
    fn new(path: PathBuf) -> anyhow::Result<Unfinished> {
        private()
            .open(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Unfinished(path))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Renamed, or never made: nothing is there.
        let _ = fs::remove_file(&self.0);
    }
}

/// Makes a folder the one where this installation's backups are made and thinned out. Refused where it is another's: each
/// would take the other's for its own.
pub fn claim(folder: &Path, company_id: &str) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let path = folder.join(OWNER);
    match private().open(&path) {
        Ok(mut file) => file
            .write_all(company_id.as_bytes())
            .with_context(|| format!("cannot write {}", path.display())),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => own(folder, company_id),
        Err(error) => Err(error).with_context(|| format!("cannot make {}", path.display())),
    }
}

/// An error when the folder is another installation's.
fn own(folder: &Path, company_id: &str) -> anyhow::Result<()> {
    let owner = fs::read_to_string(folder.join(OWNER)).unwrap_or_default();
    ensure!(
        owner.is_empty() || owner == company_id,
        "{} has the backups of another installation: this one needs a folder of its own",
        folder.display()
    );
    Ok(())
}

/// An installation's backups in a folder, the newest first, each with the time it was made.
pub fn list(folder: &Path, company_id: &str) -> anyhow::Result<Vec<(PathBuf, DateTime<Utc>)>> {
    own(folder, company_id)?;
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", folder.display()));
        }
    };
    let mut backups = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if let Some(made_at) = path
            .file_name()
            .and_then(|name| made_at(&name.to_string_lossy()))
        {
            backups.push((path, made_at));
        }
    }
    backups.sort_unstable_by_key(|(_, made_at)| std::cmp::Reverse(*made_at));
    Ok(backups)
}

/// When the backup of this name was made, when it is the name of one.
fn made_at(name: &str) -> Option<DateTime<Utc>> {
    let time = name.strip_prefix(BEGINNING)?.strip_suffix(ENDING)?;
    let time = NaiveDateTime::parse_from_str(time, TIME).ok()?;
    Some(time.and_utc())
}

/// Removes all but the newest so many. One of tomorrow was made by a clock that was ahead: it takes nobody's place.
pub fn thin_out(
    folder: &Path,
    company_id: &str,
    keep: usize,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let there = list(folder, company_id)?.into_iter();
    let made = there.filter(|(_, made_at)| *made_at <= now);
    for (old, _) in made.skip(keep.max(1)) {
        fs::remove_file(&old).with_context(|| format!("cannot remove {}", old.display()))?;
    }
    Ok(())
}
