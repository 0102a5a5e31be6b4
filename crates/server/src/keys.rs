//! The installation's own secret, made at the first start and kept in one file only its owner
//! reads. Everything that is sealed, signed or found by a digest derives its key from it.

use anyhow::{Context, bail};
use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// The keys of one installation. Several nodes on one database hold copies of the same file.
pub struct Keys {
    sealing: RandomizedNonceKey,
    digest: hmac::Key,
    tokens: [u8; 32],
    check: [u8; 32],
}

/// What was sealed cannot be opened: another key file, another purpose, or damage.
#[derive(Debug, thiserror::Error)]
#[error("what was sealed cannot be opened with this installation's key")]
pub struct CannotOpen;

impl Keys {
    /// Reads the key file, or makes it when there is none (owner only).
    pub fn load(path: &Path) -> anyhow::Result<Keys> {
        match fs::read_to_string(path) {
            Ok(text) => {
                let mode = fs::metadata(path)?.permissions().mode();
                if mode & 0o077 != 0 {
                    bail!(
                        "{} may be read by others (mode {:o}): chmod 600 it",
                        path.display(),
                        mode & 0o777
                    );
                }
                let secret = hex::decode(text.trim())
                    .ok()
                    .filter(|secret| secret.len() == 32)
                    .with_context(|| {
                        format!("{} does not hold 64 hexadecimal digits", path.display())
                    })?;
                Ok(Keys::derive(&secret))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let secret: [u8; 32] = random();
                let mut file = fs::OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(path)
                    .with_context(|| format!("cannot make the key file {}", path.display()))?;
                writeln!(file, "{}", hex::encode(secret))?;
                file.sync_all()?;
                Ok(Keys::derive(&secret))
            }
            Err(error) => {
                Err(error).with_context(|| format!("cannot read the key file {}", path.display()))
            }
        }
    }

    /// Keys from a secret of 32 bytes.
    pub fn derive(secret: &[u8]) -> Keys {
        let root = Salt::new(HKDF_SHA256, b"muster").extract(secret);
        let derived = |purpose: &str| {
            let mut key = [0_u8; 32];
            root.expand(&[purpose.as_bytes()], HKDF_SHA256)
                .and_then(|output| output.fill(&mut key))
                .expect("32 bytes is what HKDF-SHA256 gives at once");
            key
        };
        Keys {
            sealing: RandomizedNonceKey::new(&AES_256_GCM, &derived("sealing"))
                .expect("AES-256 takes 32 bytes"),
            digest: hmac::Key::new(hmac::HMAC_SHA256, &derived("digest")),
            tokens: derived("tokens"),
            check: derived("check"),
        }
    }

    /// Encrypts for the database. `purpose` must be given again to open it, so that a sealed
    /// password pasted into another column does not open there.
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Vec<u8> {
        let mut sealed = plain.to_vec();
        let nonce = self
            .sealing
            .seal_in_place_append_tag(Aad::from(purpose.as_bytes()), &mut sealed)
            .expect("nothing kept here comes near AES-GCM's limit of 64 GiB");
        let mut out = nonce.as_ref().to_vec();
        out.extend_from_slice(&sealed);
        out
    }

    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, CannotOpen> {
        let (nonce, body) = sealed.split_at_checked(12).ok_or(CannotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CannotOpen)?;
        let mut body = body.to_vec();
        let plain = self
            .sealing
            .open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut body)
            .map_err(|_| CannotOpen)?;
        Ok(plain.to_vec())
    }

    /// A keyed digest by which a token is found without being kept.
    pub fn digest(&self, secret: &[u8]) -> Vec<u8> {
        hmac::sign(&self.digest, secret).as_ref().to_vec()
    }

    /// The key that signs JSON web tokens.
    pub fn token_key(&self) -> &[u8] {
        &self.tokens
    }

    /// Tells two key files apart without giving either away; kept in the database.
    pub fn check(&self) -> &[u8] {
        &self.check
    }
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
    fn another_installation_opens_nothing() {
        let sealed = Keys::derive(&[7; 32]).seal("x", b"y");
        assert!(Keys::derive(&[8; 32]).open("x", &sealed).is_err());
    }
}
