//! Where a request came from, and whether it is for this server.

use crate::app::App;
use crate::error::{Error, Result};
use crate::passage::Passage;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use std::net::IpAddr;

/// Where a request came from, and under which address the caller knows us.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The caller's address: the peer's, or what a trusted proxy says.
    pub address: Option<IpAddr>,
    pub https: bool,
    /// `https://host:port`, without a slash at the end.
    pub base: String,
    /// The path as it was asked for.
    pub path: String,
}

impl Origin {
    /// Checks the host and the framing; a request that could be read in two ways is refused.
    pub fn read(app: &App, parts: &Parts) -> Result<Origin> {
        let (headers, uri) = (&parts.headers, &parts.uri);
        if headers.get_all(CONTENT_LENGTH).iter().count() > 1
            || (headers.contains_key(CONTENT_LENGTH) && headers.contains_key(TRANSFER_ENCODING))
        {
            return Err(Error::refused(t!("Invalid message length.")));
        }
        let bad_host = || Error::refused(t!("Invalid HTTP_HOST header."));
        let mut hosts = headers.get_all(HOST).iter();
        let host = match (hosts.next(), hosts.next()) {
            (Some(host), None) => host.to_str().map_err(|_| bad_host())?,
            (None, None) => uri
                .authority()
                .map_or("localhost", |authority| authority.as_str()),
            _ => return Err(bad_host()),
        };
        let passage = Passage::of(app, parts);
        let host = passage.forwarded_host.unwrap_or(host);
        let name = host_name(host).ok_or_else(bad_host)?;
        if !app.config.api.allowed_hosts.is_empty()
            && !app
                .config
                .api
                .allowed_hosts
                .iter()
                .any(|allowed| host_matches(allowed, name))
        {
            return Err(bad_host());
        }
        let base = if app.config.api.public_url.is_empty() {
            let scheme = if passage.https { "https" } else { "http" };
            format!("{scheme}://{host}")
        } else {
            app.config.api.public_url.trim_end_matches('/').to_owned()
        };
        Ok(Origin {
            address: passage.address,
            https: passage.https,
            base,
            path: uri.path().to_owned(),
        })
    }
}

/// The name in a well-formed `Host`: `name`, `name:port`, `[v6]`, `[v6]:port`.
fn host_name(host: &str) -> Option<&str> {
    let (name, port) = if host.starts_with('[') {
        let end = host.find(']')?;
        host[1..end].parse::<std::net::Ipv6Addr>().ok()?;
        (&host[..=end], &host[end + 1..])
    } else {
        let end = host.find(':').unwrap_or(host.len());
        let (name, port) = host.split_at(end);
        let good = !name.is_empty()
            && name.len() <= 253
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
        if !good {
            return None;
        }
        (name, port)
    };
    let port_is_good = match port.strip_prefix(':') {
        Some(digits) => {
            digits.bytes().all(|byte| byte.is_ascii_digit())
                && digits.parse::<u16>().is_ok_and(|port| port > 0)
        }
        None => port.is_empty(),
    };
    port_is_good.then_some(name)
}

fn host_matches(allowed: &str, name: &str) -> bool {
    let (allowed, name) = (allowed.to_lowercase(), name.to_lowercase());
    match allowed.strip_prefix("*.") {
        Some(domain) => name
            .strip_suffix(domain)
            .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        None => allowed == name,
    }
}

#[cfg(test)]
mod tests {
    use super::{host_matches, host_name};

    #[test]
    fn a_host_is_a_name_and_a_port() {
        assert_eq!(host_name("10.10.21.82:91"), Some("10.10.21.82"));
        assert_eq!(host_name("[::1]:80"), Some("[::1]"));
        for host in [
            "", "a b", "a:b", "a:99999", "a/b", "user@a", "[::g]", "a:1:2",
        ] {
            assert_eq!(host_name(host), None, "{host}");
        }
        assert!(host_matches("*.example.com", "hr.Example.com"));
        assert!(!host_matches("*.example.com", "example.com"));
        assert!(!host_matches("*.example.com", "evilexample.com"));
    }
}
