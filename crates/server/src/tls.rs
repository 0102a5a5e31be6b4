//! HTTPS of the server's own: a certificate and its key, read from two files and read again when
//! these change. Whoever renews the files does no more than write them.

use crate::config;
use crate::health::Finding;
use anyhow::{Context, anyhow, ensure};
use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, TimeDelta, Utc};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use tokio::fs;
use tokio_rustls::TlsAcceptor;
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// So long before its end a certificate is complained of.
const RENEW_BEFORE: TimeDelta = TimeDelta::days(14);

/// The HTTPS of this server; there is none before `start`, or where no files are named.
#[derive(Default)]
pub struct Tls(OnceLock<Started>);

struct Started {
    acceptor: TlsAcceptor,
    current: Arc<Current>,
}

/// What is shown to whoever connects.
#[derive(Debug)]
struct Current(RwLock<State>);

#[derive(Debug, Clone)]
struct State {
    pair: Pair,
    /// A digest of the files the pair is from; empty when they hold something else now.
    seen: Vec<u8>,
    /// Why what they hold now is not in use.
    trouble: Option<String>,
}

/// A certificate with its key.
#[derive(Debug, Clone)]
struct Pair {
    key: Arc<CertifiedKey>,
    ends_at: DateTime<Utc>,
}

/// The two files as they are.
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Tls {
    /// Reads the files, if any are named; what is wrong with them keeps the server from starting.
    pub async fn start(&self, tls: &config::Tls, now: DateTime<Utc>) -> anyhow::Result<()> {
        if !tls.is_on() {
            return Ok(());
        }
        let files = Files::read(tls).await?;
        let current = Arc::new(Current(RwLock::new(State {
            pair: files.pair(tls, now)?,
            seen: files.digest(),
            trouble: None,
        })));
        let mut server = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(current.clone());
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Terminals connect anew for every poll: they need not prove everything again each time.
        server.ticketer = Ticketer::new()?;
        let started = Started {
            acceptor: TlsAcceptor::from(Arc::new(server)),
            current,
        };
        self.0
            .set(started)
            .map_err(|_| anyhow!("a server is started once"))
    }

    /// Speaks TLS with whoever connects.
    pub fn acceptor(&self) -> Option<&TlsAcceptor> {
        self.0.get().map(|started| &started.acceptor)
    }

    /// Looks whether the files have changed, and takes what they hold now. When that cannot be used the
    /// one from before stays. Connections that are open are not touched.
    pub async fn look(&self, tls: &config::Tls, now: DateTime<Utc>) {
        let Some(Started { current, .. }) = self.0.get() else {
            return;
        };
        let before = current.state();
        let read = match Files::read(tls).await {
            Ok(files) if files.digest() == before.seen => return,
            Ok(files) => files.pair(tls, now).map(|pair| (pair, files.digest())),
            Err(error) => Err(error),
        };
        let set = |state| {
            *current.0.write().unwrap_or_else(PoisonError::into_inner) = state;
        };
        match read {
            Ok((pair, seen)) => {
                let ends_at = pair.ends_at;
                set(State {
                    pair,
                    seen,
                    trouble: None,
                });
                tracing::info!(%ends_at, "the certificate was read anew");
            }
            Err(error) => {
                let trouble = format!("{error:#}");
                if before.trouble.as_ref() != Some(&trouble) {
                    tracing::error!(
                        "the new certificate is not used, the one from before stays: {trouble}"
                    );
                }
                set(State {
                    pair: before.pair,
                    seen: Vec::new(),
                    trouble: Some(trouble),
                });
            }
        }
    }

    /// When the certificate in use ends.
    pub fn ends_at(&self) -> Option<DateTime<Utc>> {
        Some(self.0.get()?.current.state().pair.ends_at)
    }

    /// What is right or wrong with the certificate in use.
    pub fn finding(&self, now: DateTime<Utc>) -> Option<Finding> {
        let State { pair, trouble, .. } = self.0.get()?.current.state();
        Some(match trouble {
            Some(trouble) => Err(t!(
                "the new certificate is not used ({trouble}); the one from before ends on {day}",
                trouble = trouble,
                day = pair.ends_at.date_naive()
            )),
            None => pair.finding(now),
        })
    }
}

/// What is right or wrong with the files that are named, if any are.
pub async fn check(tls: &config::Tls, now: DateTime<Utc>) -> Option<Finding> {
    if !tls.is_on() {
        return None;
    }
    let pair = Files::read(tls)
        .await
        .and_then(|files| files.pair(tls, now));
    Some(match pair {
        Ok(pair) => pair.finding(now),
        Err(error) => Err(format!("{error:#}")),
    })
}

impl Current {
    fn state(&self) -> State {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(state.pair.key.clone())
    }
}

impl Files {
    async fn read(tls: &config::Tls) -> anyhow::Result<Files> {
        let about = |path: &Path| format!("cannot read {}", path.display());
        let mode = fs::metadata(&tls.key)
            .await
            .with_context(|| about(&tls.key))?
            .permissions()
            .mode();
        // Its group may read it: programs that renew certificates share it in that way.
        ensure!(
            mode & 0o007 == 0,
            "{} may be read by others (mode {:o}): chmod 640 it",
            tls.key.display(),
            mode & 0o777
        );
        Ok(Files {
            certificate: fs::read(&tls.certificate)
                .await
                .with_context(|| about(&tls.certificate))?,
            key: fs::read(&tls.key).await.with_context(|| about(&tls.key))?,
        })
    }

    fn digest(&self) -> Vec<u8> {
        let digests = [&self.certificate, &self.key].map(|file| digest(&SHA256, file));
        digests.map(|digest| digest.as_ref().to_vec()).concat()
    }

    /// The certificate with its key, when the two fit and it is in force.
    fn pair(&self, tls: &config::Tls, now: DateTime<Utc>) -> anyhow::Result<Pair> {
        let (certificate, key) = (tls.certificate.display(), tls.key.display());
        let chain: Vec<CertificateDer> = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<_, _>>()
            .with_context(|| format!("{certificate} is no PEM file"))?;
        let first = chain
            .first()
            .with_context(|| format!("{certificate} holds no certificate (PEM)"))?;
        let (begins_at, ends_at) =
            validity(first).with_context(|| format!("{certificate} cannot be read"))?;
        let secret = PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| {
            // What the parser says may quote the file.
            anyhow!("{key} holds no private key that can be read (PEM, without a passphrase)")
        })?;
        let pair =
            CertifiedKey::from_der(chain, secret, &default_provider()).map_err(
                |error| match error {
                    rustls::Error::InconsistentKeys(_) => {
                        anyhow!("{key} is not the key of {certificate}")
                    }
                    error => anyhow!("{certificate} and {key} cannot be used: {error}"),
                },
            )?;
        ensure!(
            begins_at <= now,
            "{certificate} is good only from {begins_at} on"
        );
        ensure!(ends_at > now, "{certificate} has ended on {ends_at}");
        Ok(Pair {
            key: Arc::new(pair),
            ends_at,
        })
    }
}

impl Pair {
    fn finding(&self, now: DateTime<Utc>) -> Finding {
        let left = self.ends_at - now;
        let day = self.ends_at.date_naive();
        if left > RENEW_BEFORE {
            Ok(t!("the certificate is good until {day}", day = day))
        } else if left > TimeDelta::zero() {
            Err(t!(
                "the certificate ends on {day}, in {count} days: renew it",
                day = day,
                count = left.num_days()
            ))
        } else {
            Err(t!(
                "the certificate has ended on {day}: renew it",
                day = day
            ))
        }
    }
}

/// From when to when a certificate is good.
fn validity(certificate: &CertificateDer) -> anyhow::Result<(DateTime<Utc>, DateTime<Utc>)> {
    let certificate = Certificate::from_der(certificate)?;
    let validity = certificate.tbs_certificate.validity;
    let instant = |time: x509_cert::time::Time| {
        let seconds = time.to_unix_duration().as_secs();
        DateTime::from_timestamp(i64::try_from(seconds)?, 0).context("a time out of range")
    };
    Ok((instant(validity.not_before)?, instant(validity.not_after)?))
}
