//! Reads back through the callers' door what the server has kept of a terminal's punches.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use chrono::NaiveDateTime;
use muster_protocol::time;
use serde::Deserialize;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::ledger::Row;
use crate::options::ApiAccess;
use crate::wire::{self, Reply};

const PAGE_SIZE: usize = 10_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// A punch as the server has kept it, of one terminal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Kept {
    pub pin: String,
    pub local: NaiveDateTime,
    pub status: u8,
    pub verify: u8,
}

impl From<&Row> for Kept {
    fn from(row: &Row) -> Kept {
        Kept {
            pin: row.pin.to_string(),
            local: row.local,
            status: row.status,
            verify: row.verify,
        }
    }
}

#[derive(Deserialize)]
struct Page {
    next: Option<String>,
    #[serde(rename = "data")]
    rows: Vec<Listed>,
}

/// Numbers and texts are both taken: the profiles differ.
#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    emp_code: Value,
    /// PIN of an unregistered punch.
    #[serde(default)]
    crc: Value,
    punch_time: String,
    punch_state: Value,
    verify_type: Value,
    terminal_sn: Option<String>,
}

/// All punches of a terminal, of known and of unknown people.
pub(crate) async fn kept(access: &ApiAccess, serial_number: &str) -> anyhow::Result<Vec<Kept>> {
    // In this order a punch that moves from one list to the other in between is seen twice, not missed.
    let mut kept = list(access, "unregister", serial_number).await?;
    kept.extend(list(access, "transactions", serial_number).await?);
    Ok(kept)
}

async fn list(access: &ApiAccess, list: &str, serial_number: &str) -> anyhow::Result<Vec<Kept>> {
    let mut kept = Vec::new();
    for page in 1.. {
        let path = format!(
            "/iclock/api/{list}/?page={page}&page_size={PAGE_SIZE}&ordering=id&terminal_sn={serial_number}"
        );
        let reply = get(access, &path)
            .await
            .with_context(|| format!("page {page} of {list}"))?;
        ensure!(
            reply.status == 200,
            "page {page} of {list}: status {}: {}",
            reply.status,
            reply.text()
        );
        let page: Page = serde_json::from_slice(&reply.body)
            .with_context(|| format!("page {page} of {list}"))?;
        for row in page.rows {
            let foreign = row.terminal_sn.as_deref() != Some(serial_number);
            ensure!(
                !foreign,
                "{list} filtered by terminal {serial_number} has a row of {:?}",
                row.terminal_sn
            );
            kept.push(row.read(list == "unregister")?);
        }
        if page.next.is_none() {
            break;
        }
    }
    Ok(kept)
}

impl Listed {
    fn read(self, unregistered: bool) -> anyhow::Result<Kept> {
        let pin = text(if unregistered {
            &self.crc
        } else {
            &self.emp_code
        });
        let local = time::parse_local(&self.punch_time)
            .with_context(|| format!("punch_time {:?}", self.punch_time))?;
        let code = |value: &Value| text(value).parse().with_context(|| format!("code {value}"));
        Ok(Kept {
            pin,
            local,
            status: code(&self.punch_state)?,
            verify: code(&self.verify_type)?,
        })
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

async fn get(access: &ApiAccess, path: &str) -> anyhow::Result<Reply> {
    let Some(rest) = access.url.strip_prefix("http://") else {
        bail!(
            "only an address that begins with http:// can be read, not {:?}",
            access.url
        );
    };
    let (authority, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = prefix.trim_end_matches('/');
    let slash = if prefix.is_empty() { "" } else { "/" };
    let with_port = authority
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let address = if with_port {
        authority.to_owned()
    } else {
        format!("{authority}:80")
    };
    let request = format!(
        "GET {slash}{prefix}{path} HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Token {}\r\n\
         Accept: application/json\r\nConnection: close\r\n\r\n",
        access.token
    );
    let exchange = async {
        let mut stream = TcpStream::connect(&address)
            .await
            .with_context(|| format!("connecting to {address}"))?;
        stream.write_all(request.as_bytes()).await?;
        wire::read_reply(&mut stream)
            .await
            .map_err(|silence| anyhow::anyhow!("no answer: {silence:?}"))
    };
    tokio::time::timeout(PATIENCE, exchange)
        .await
        .context("no answer in time")?
}
