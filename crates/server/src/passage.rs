//! How a request came here: from whose address, over HTTPS or not, and by which name a proxy says
//! that it was called. Headers of a proxy count only when it is one of `api.trusted_proxies`.

use crate::app::App;
use axum::extract::ConnectInfo;
use http::request::Parts;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Stands in the extensions of a request that came over the server's own TLS.
#[derive(Debug, Clone, Copy)]
pub struct OverTls;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passage<'a> {
    /// The caller's address: the peer's, or what a trusted proxy says.
    pub address: Option<IpAddr>,
    /// Whether the caller speaks HTTPS, with us or with a trusted proxy.
    pub https: bool,
    /// Name and port a trusted proxy was called by, as it says.
    pub forwarded_host: Option<&'a str>,
    pub is_proxied: bool,
}

impl Passage<'_> {
    pub fn of<'a>(app: &App, parts: &'a Parts) -> Passage<'a> {
        let peer = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|ConnectInfo(peer)| peer.ip().to_canonical());
        let over_tls = parts.extensions.get::<OverTls>().is_some();
        let is_proxied = peer.is_some_and(|peer| trusts(app, peer));
        if !is_proxied {
            return Passage {
                address: peer,
                https: over_tls,
                forwarded_host: None,
                is_proxied,
            };
        }
        let headers = &parts.headers;
        let said = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim());
        // The rightmost address that is no proxy of ours: what stands left of it anyone may write.
        let address = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|text| text.trim().parse::<IpAddr>().ok())
            .map(|address| address.to_canonical())
            .rfind(|address| !trusts(app, *address));
        Passage {
            address: address.or(peer),
            https: match said("x-forwarded-proto") {
                Some("https") => true,
                Some("http") => false,
                _ => over_tls,
            },
            forwarded_host: said("x-forwarded-host"),
            is_proxied,
        }
    }
}

pub fn trusts(app: &App, address: IpAddr) -> bool {
    app.config.api.trusted_proxies.iter().any(|proxy| {
        proxy
            .parse::<IpAddr>()
            .is_ok_and(|proxy| proxy == address.to_canonical())
    })
}

/// One household has one IPv4 address, or a whole /64 of IPv6.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
    }
}
