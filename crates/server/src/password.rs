//! Passwords: hashed with argon2, never more than a few at once, so that a storm of logins cannot
//! take the machine.

use crate::error::{Error, Result};
use crate::metrics::{Hash, Metrics};
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, PasswordHash};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Longer ones are refused before any work is done on them.
pub const MAX_BYTES: usize = 1024;

#[derive(Debug, Clone)]
pub struct Passwords {
    /// Each hash takes 19 MiB and some 20 ms of a core.
    turns: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

impl Passwords {
    pub fn new(metrics: Arc<Metrics>) -> Passwords {
        Passwords {
            turns: Arc::new(Semaphore::new(2)),
            metrics,
        }
    }

    pub async fn hash(&self, password: &str) -> Result<String> {
        let password = password.to_owned();
        self.work(Hash::Argon2, move || {
            Ok(Argon2::default()
                .hash_password(password.as_bytes())
                .map_err(|error| anyhow::anyhow!("argon2: {error}"))?
                .to_string())
        })
        .await
    }

    /// Whether the password is the one behind the hash. `None` (no such account) takes as long as
    /// a wrong password, and is never right.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool> {
        if password.len() > MAX_BYTES {
            return Ok(false);
        }
        let (password, hash) = (password.to_owned(), hash.map(str::to_owned));
        let kind = match &hash {
            Some(hash) if hash.starts_with("pbkdf2_sha256$") => Hash::Pbkdf2,
            _ => Hash::Argon2,
        };
        self.work(kind, move || {
            Ok(match hash {
                Some(hash) if kind == Hash::Pbkdf2 => {
                    djangohashers::check_password(&password, &hash).unwrap_or(false)
                }
                Some(hash) => PasswordHash::new(&hash)
                    .map_err(|error| anyhow::anyhow!("a stored hash cannot be read: {error}"))
                    .map(|hash| {
                        Argon2::default()
                            .verify_password(password.as_bytes(), &hash)
                            .is_ok()
                    })?,
                None => {
                    // The same work as above, on nothing.
                    let _ = Argon2::default().hash_password(password.as_bytes());
                    false
                }
            })
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        kind: Hash,
        work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
    ) -> Result<T> {
        let _turn = self
            .turns
            .acquire()
            .await
            .map_err(|_| Error::Unavailable("closing".into()))?;
        self.metrics.hashed(kind);
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Error::Internal(error.into()))?
            .map_err(Error::Internal)
    }
}
