//! `muster backup`: all there is into one sealed file, while the server runs.

use super::{Passphrase, Place};
use crate::backup::{self, Sealing};
use age::secrecy::ExposeSecret;
use age::x25519::Identity;
use anyhow::{Context, ensure};
use clap::Args;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct Backup {
    #[command(flatten)]
    place: Place,
    /// The folder it is made in [default: the option backup.folder]
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Who can open it (age1…), in place of the option backup.recipients; may stand several times
    #[arg(long, value_name = "RECIPIENT", conflicts_with = "passphrase")]
    recipient: Vec<String>,
    #[command(flatten)]
    sealed_with: Passphrase,
    /// Make no backup but a key for them: the file to keep elsewhere; says its recipient
    #[arg(long, value_name = "FILE", conflicts_with_all = ["to", "recipient", "passphrase"])]
    make_key: Option<PathBuf>,
}

impl Backup {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let Backup {
            place,
            to,
            recipient,
            sealed_with,
            make_key,
        } = self;
        if let Some(file) = make_key {
            println!("{}", new_key(&file)?);
            return Ok(ExitCode::SUCCESS);
        }
        place.with_app(async |app| {
            let options = &app.config.backup;
            let sealing = match sealed_with.passphrase {
                Some(passphrase) => Sealing::Passphrase(passphrase.into()),
                None => {
                    let recipients = if recipient.is_empty() {
                        &options.recipients
                    } else {
                        &recipient
                    };
                    ensure!(
                        !recipients.is_empty(),
                        "for whom? A backup holds every secret, so it is sealed: `muster backup --make-key FILE` makes a \
                         key and says its recipient, for --recipient or the option backup.recipients"
                    );
                    Sealing::for_recipients(recipients)?
                }
            };
            let folder = to.unwrap_or_else(|| app.config.backup_folder());
            let made = backup::make(app, &folder, sealing).await?;
            println!("{}", made.file.display());
            Ok(())
        })
    }
}

/// Makes a key file that only its owner reads; returns the recipient.
fn new_key(file: &Path) -> anyhow::Result<String> {
    let key = Identity::generate();
    let recipient = key.to_public().to_string();
    let mut out = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("cannot make {}", file.display()))?;
    writeln!(
        out,
        "# Opens the backups made for {recipient}. Keep it away from the server.\n{}",
        key.to_string().expose_secret()
    )?;
    out.sync_all()?;
    Ok(recipient)
}
