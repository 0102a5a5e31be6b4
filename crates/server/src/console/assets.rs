//! The files a page loads: styles, scripts and icons from `web/dist`, embedded in a release and
//! read as they are in development. Their addresses carry a digest of the content, so that a
//! browser keeps each for good and never shows an old one.

use axum::extract::{RawPathParams, RawQuery};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../web/dist"]
#[allow_missing = true]
struct Files;

/// Where a file is loaded from. One that is missing has an address too, which answers with what to
/// do about it.
pub fn address(path: &str) -> String {
    match Files::get(path) {
        Some(file) => format!("/assets/{path}?v={}", version(&file)),
        None => format!("/assets/{path}"),
    }
}

fn version(file: &rust_embed::EmbeddedFile) -> String {
    hex::encode(&file.metadata.sha256_hash()[..6])
}

pub async fn serve(
    params: RawPathParams,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let path = params
        .iter()
        .find_map(|(name, value)| (name == "path").then_some(value))
        .unwrap_or_default();
    let Some(file) = Files::get(path) else {
        let text = if Files::iter().next().is_none() {
            "The console's files are missing: run `make web`.\n"
        } else {
            "There is no such file.\n"
        };
        return (StatusCode::NOT_FOUND, text).into_response();
    };
    let version = version(&file);
    let kept_for = if query.as_deref() == Some(format!("v={version}").as_str()) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let tag = format!("\"{version}\"");
    let known = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|tags| tags.as_bytes() == tag.as_bytes());
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        file.data.into_owned().into_response()
    };
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(media_type(path)),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept_for));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
