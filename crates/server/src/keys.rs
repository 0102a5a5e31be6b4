//! The installation's own secrets, made at the first start and kept in one file only its owner reads. Everything that is
//! sealed, signed or found by a digest derives its key from them.
//!
//! The file of a first start is one secret: 64 hexadecimal digits. Later it has a line `digest` with the key of digests,
//! which stays what it was, and a line `key` for each secret, the newest first.

use anyhow::{Context, bail, ensure};
use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::process;

/// What was sealed begins with the name of its key, of so many bytes.
const NAME: usize = 6;

/// The keys of one installation. Several nodes on one database hold copies of the same file.
pub struct Keys {
    /// The first seals; the others open what was sealed before it was made.
    sealing: Vec<Sealing>,
    digest: hmac::Key,
    tokens: [u8; 32],
    /// Locked as long as the keys are in use.
    _file: Option<File>,
}

struct Sealing {
    name: [u8; NAME],
    key: RandomizedNonceKey,
    check: [u8; 32],
}

/// What was sealed cannot be opened: another key file, another purpose, or damage.
#[derive(Debug, thiserror::Error)]
#[error("what was sealed cannot be opened with this installation's key")]
pub struct CannotOpen;

/// What the file holds.
struct Secrets {
    digest: [u8; 32],
    /// The newest first.
    keys: Vec<[u8; 32]>,
}

impl Keys {
    /// Reads the key file, or makes it when there is none (owner only). Others may do the same; nobody changes it
    /// meanwhile.
    pub fn load(path: &Path) -> anyhow::Result<Keys> {
        if !path.exists() {
            let text = format!("{}\n", hex::encode(random::<32>()));
            // Where somebody else makes it meanwhile, that one counts.
            put(path, &text, |new| match fs::hard_link(new, path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => fs::rename(new, path),
                _ => fs::remove_file(new),
            })?;
        }
        let (file, secrets) = open(path, File::try_lock_shared)?;
        Ok(Keys::of(&secrets, Some(file)))
    }

    /// The same for whoever changes the file: refused when anybody else uses it.
    pub fn load_alone(path: &Path) -> anyhow::Result<Keys> {
        let (file, secrets) = open(path, File::try_lock)?;
        Ok(Keys::of(&secrets, Some(file)))
    }

    /// Makes a key that seals from now on, and puts it into the file before those there are.
    pub fn renewed(self, path: &Path) -> anyhow::Result<Keys> {
        let mut secrets = read(path, &fs::read_to_string(path)?)?;
        secrets.keys.insert(0, random());
        secrets.write(path)?;
        Ok(Keys::of(&secrets, self._file))
    }

    /// Takes all keys but the newest out of the file.
    pub fn forgotten(self, path: &Path) -> anyhow::Result<Keys> {
        let mut secrets = read(path, &fs::read_to_string(path)?)?;
        secrets.keys.truncate(1);
        secrets.write(path)?;
        Ok(Keys::of(&secrets, self._file))
    }

    /// Keys from a secret of 32 bytes.
    pub fn derive(secret: &[u8; 32]) -> Keys {
        Keys::of(&Secrets::of(*secret), None)
    }

    fn of(secrets: &Secrets, file: Option<File>) -> Keys {
        let sealing = |secret: &[u8; 32]| {
            let mut name = [0; NAME];
            name.copy_from_slice(&derived(secret, "name")[..NAME]);
            Sealing {
                name,
                key: RandomizedNonceKey::new(&AES_256_GCM, &derived(secret, "sealing"))
                    .expect("AES-256 takes 32 bytes"),
                check: derived(secret, "check"),
            }
        };
        Keys {
            sealing: secrets.keys.iter().map(sealing).collect(),
            digest: hmac::Key::new(hmac::HMAC_SHA256, &secrets.digest),
            tokens: derived(&secrets.keys[0], "tokens"),
            _file: file,
        }
    }

    /// Encrypts for the database. `purpose` must be given again to open it, so that a sealed
    /// password pasted into another column does not open there.
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Vec<u8> {
        let newest = &self.sealing[0];
        let mut sealed = plain.to_vec();
        let nonce = newest
            .key
            .seal_in_place_append_tag(Aad::from(purpose.as_bytes()), &mut sealed)
            .expect("nothing kept here comes near AES-GCM's limit of 64 GiB");
        [&newest.name[..], nonce.as_ref(), &sealed].concat()
    }

    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, CannotOpen> {
        if let Some((key, rest)) = self.named(sealed)
            && let Ok(plain) = key.open(purpose, rest)
        {
            return Ok(plain);
        }
        // What the first versions sealed names no key.
        let mut keys = self.sealing.iter();
        keys.find_map(|key| key.open(purpose, sealed).ok())
            .ok_or(CannotOpen)
    }

    /// The same for what the first versions kept as it was.
    pub fn open_or_plain(&self, purpose: &str, kept: Vec<u8>) -> Result<Vec<u8>, CannotOpen> {
        match self.named(&kept) {
            Some(_) => self.open(purpose, &kept),
            None => Ok(kept),
        }
    }

    fn named<'a>(&self, sealed: &'a [u8]) -> Option<(&Sealing, &'a [u8])> {
        let (name, rest) = sealed.split_at_checked(NAME)?;
        let key = self.sealing.iter().find(|key| key.name == name)?;
        Some((key, rest))
    }

    /// Whether it was sealed with the newest key.
    pub fn is_newest(&self, sealed: &[u8]) -> bool {
        sealed.starts_with(&self.sealing[0].name)
    }

    /// How many there are, older ones with it.
    pub fn count(&self) -> usize {
        self.sealing.len()
    }

    /// A keyed digest by which a token is found without being kept.
    pub fn digest(&self, secret: &[u8]) -> Vec<u8> {
        hmac::sign(&self.digest, secret).as_ref().to_vec()
    }

    /// The key that signs JSON web tokens.
    pub fn token_key(&self) -> &[u8] {
        &self.tokens
    }

    /// Tells two keys apart without giving either away: the newest one's is kept in the database.
    pub fn check(&self) -> &[u8] {
        &self.sealing[0].check
    }

    /// Whether one of them has this check.
    pub fn knows(&self, check: &[u8]) -> bool {
        self.sealing.iter().any(|key| key.check == check)
    }
}

impl Sealing {
    fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, CannotOpen> {
        let (nonce, body) = sealed.split_at_checked(12).ok_or(CannotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CannotOpen)?;
        let mut body = body.to_vec();
        let plain = self
            .key
            .open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut body)
            .map_err(|_| CannotOpen)?;
        Ok(plain.to_vec())
    }
}

impl Secrets {
    fn of(secret: [u8; 32]) -> Secrets {
        Secrets {
            digest: derived(&secret, "digest"),
            keys: vec![secret],
        }
    }

    /// In one step: whoever reads it reads all of the old file or all of the new one.
    fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut text =
            "# Whoever has this file and the database has everything. The first key seals.\n"
                .to_owned();
        text.push_str(&format!("digest {}\n", hex::encode(self.digest)));
        for key in &self.keys {
            text.push_str(&format!("key {}\n", hex::encode(key)));
        }
        put(path, &text, |new| fs::rename(new, path))
    }
}

/// Writes a key file beside its place; only when it is whole and on the disk, `take` makes it the one.
fn put(path: &Path, text: &str, take: impl FnOnce(&Path) -> io::Result<()>) -> anyhow::Result<()> {
    let new = path.with_extension(format!("key.{}", process::id()));
    let written = || {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        take(&new)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    written()
        .inspect_err(|_| {
            // What there is of it is of no use; where nothing can be removed either, the next one writes over it.
            let _ = fs::remove_file(&new);
        })
        .with_context(|| format!("cannot write the key file {}", path.display()))
}

/// Opens, locks and reads the file that stands there while it is locked.
fn open(
    path: &Path,
    lock: fn(&File) -> Result<(), TryLockError>,
) -> anyhow::Result<(File, Secrets)> {
    let about = || format!("cannot read the key file {}", path.display());
    loop {
        let mut file = File::open(path).with_context(about)?;
        match lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "{} is in use: a server that runs, or `muster keys`, has it",
                path.display()
            ),
            Err(TryLockError::Error(error)) => return Err(error).with_context(about),
        }
        let locked = file.metadata().with_context(about)?;
        if fs::metadata(path).with_context(about)?.ino() != locked.ino() {
            continue;
        }
        let mode = locked.permissions().mode();
        ensure!(
            mode & 0o077 == 0,
            "{} may be read by others (mode {:o}): chmod 600 it",
            path.display(),
            mode & 0o777
        );
        let mut text = String::new();
        file.read_to_string(&mut text).with_context(about)?;
        let secrets = read(path, &text)?;
        return Ok((file, secrets));
    }
}

fn read(path: &Path, text: &str) -> anyhow::Result<Secrets> {
    let mut digest = None;
    let mut keys = Vec::new();
    let lines = text.lines().map(str::trim);
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (word, value) = line.split_once(' ').unwrap_or(("key", line));
        let value: [u8; 32] = hex::decode(value.trim())
            .ok()
            .and_then(|value| value.try_into().ok())
            .with_context(|| format!("{} does not hold 64 hexadecimal digits", path.display()))?;
        match word {
            "digest" => digest = Some(value),
            "key" => keys.push(value),
            _ => bail!("{} has a line that begins with {word:?}", path.display()),
        }
    }
    match (digest, &keys[..]) {
        (Some(digest), [_, ..]) => Ok(Secrets { digest, keys }),
        (None, [secret]) => Ok(Secrets::of(*secret)),
        _ => bail!(
            "{} does not hold the keys of an installation",
            path.display()
        ),
    }
}

fn derived(secret: &[u8; 32], purpose: &str) -> [u8; 32] {
    let root = Salt::new(HKDF_SHA256, b"muster").extract(secret);
    let mut key = [0; 32];
    root.expand(&[purpose.as_bytes()], HKDF_SHA256)
        .and_then(|output| output.fill(&mut key))
        .expect("32 bytes is what HKDF-SHA256 gives at once");
    key
}

/// Random bytes from the operating system.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0_u8; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A password to be read from a screen and typed: 20 letters and digits, none easily mistaken.
pub fn readable_password() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789A";
    random::<20>()
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(byte % 32)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Keys;

    #[test]
    fn what_is_sealed_for_one_purpose_does_not_open_for_another() {
        let keys = Keys::derive(&[7; 32]);
        let sealed = keys.seal("device_password", b"1234");
        assert_eq!(
            keys.open("device_password", &sealed).expect("opens"),
            b"1234"
        );
        assert!(keys.open("template", &sealed).is_err());
        assert!(keys.open("device_password", &sealed[1..]).is_err());
        assert!(keys.open("device_password", &[]).is_err());
        assert_ne!(sealed, keys.seal("device_password", b"1234"));
    }

    #[test]
    fn a_new_key_seals_and_the_old_one_opens_what_it_sealed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("muster.key");
        let old = Keys::load(&path).expect("made");
        let (sealed, digest, tokens) = (
            old.seal("x", b"y"),
            old.digest(b"z"),
            old.token_key().to_vec(),
        );
        // As the first versions did.
        let without_name = &sealed[super::NAME..];
        assert!(Keys::load_alone(&path).is_err(), "it is in use");
        drop(old);
        let alone = Keys::load_alone(&path).expect("free");
        assert!(Keys::load(&path).is_err(), "it is being changed");
        drop(alone.renewed(&path).expect("written"));
        let new = Keys::load(&path).expect("read");
        assert_eq!(new.count(), 2);
        for sealed in [&sealed[..], without_name] {
            assert_eq!(new.open("x", sealed).expect("opens"), b"y");
            assert!(!new.is_newest(sealed));
        }
        assert!(new.is_newest(&new.seal("x", b"y")));
        assert_eq!(new.digest(b"z"), digest, "tokens are found as before");
        assert_ne!(new.token_key(), tokens, "what was signed is not believed");
        drop(new);
        let last = Keys::load_alone(&path).expect("free");
        drop(last.forgotten(&path).expect("written"));
        let last = Keys::load(&path).expect("read");
        assert!(last.open("x", &sealed).is_err());
        assert_eq!(last.digest(b"z"), digest);
    }

    #[test]
    fn another_installation_opens_nothing() {
        let sealed = Keys::derive(&[7; 32]).seal("x", b"y");
        assert!(Keys::derive(&[8; 32]).open("x", &sealed).is_err());
    }
}
