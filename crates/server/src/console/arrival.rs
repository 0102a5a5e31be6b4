//! How a request of a browser came: from which address, and under which name the server was called.

use crate::app::App;
use crate::passage::Passage;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use std::net::IpAddr;
use url::Url;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    pub address: Option<IpAddr>,
    pub https: bool,
    /// Name and port as the browser knows them; the port is missing when it is the usual one.
    pub host: String,
}

impl Arrival {
    pub fn of(app: &App, parts: &Parts) -> Arrival {
        let passage = Passage::of(app, parts);
        let public = Url::parse(&app.config.api.public_url).ok();
        let is_public = public.as_ref().is_some_and(|url| url.scheme() == "https");
        let host = public
            .as_ref()
            .and_then(|url| {
                let host = url.host_str()?;
                Some(match url.port() {
                    Some(port) => format!("{host}:{port}"),
                    None => host.to_owned(),
                })
            })
            .or_else(|| passage.forwarded_host.map(str::to_owned))
            .or_else(|| text(&parts.headers, header::HOST.as_str()).map(str::to_owned))
            .unwrap_or_default();
        Arrival {
            address: passage.address,
            https: passage.https || is_public,
            host: without_usual_port(&host).to_ascii_lowercase(),
        }
    }

    /// Whether a page of this server sent the request, as far as the browser says so. One that says
    /// nothing is let through: then the form's token decides alone.
    pub fn is_own(&self, headers: &HeaderMap) -> bool {
        if let Some(site) = text(headers, "sec-fetch-site") {
            return matches!(site, "same-origin" | "none");
        }
        match text(headers, header::ORIGIN.as_str()) {
            None => !headers.contains_key(header::ORIGIN),
            Some(origin) => origin
                .split_once("://")
                .is_some_and(|(_, host)| without_usual_port(host).eq_ignore_ascii_case(&self.host)),
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn without_usual_port(host: &str) -> &str {
    host.strip_suffix(":443")
        .or_else(|| host.strip_suffix(":80"))
        .unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::Arrival;
    use axum::http::{HeaderMap, HeaderName, HeaderValue};

    fn is_own(headers: &[(&'static str, &'static str)]) -> bool {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        Arrival {
            address: None,
            https: false,
            host: "muster.local:8088".into(),
        }
        .is_own(&headers)
    }

    #[test]
    fn a_page_of_another_site_is_known_by_what_the_browser_says() {
        assert!(is_own(&[]));
        assert!(is_own(&[("sec-fetch-site", "same-origin")]));
        assert!(is_own(&[("origin", "http://Muster.local:8088")]));
        assert!(!is_own(&[("sec-fetch-site", "cross-site")]));
        assert!(!is_own(&[("sec-fetch-site", "same-site")]));
        assert!(!is_own(&[("origin", "https://evil.example")]));
        assert!(!is_own(&[("origin", "http://muster.local:8089")]));
        assert!(!is_own(&[("origin", "null")]));
    }
}
