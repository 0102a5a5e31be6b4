//! A form that was sent: by a page of ours, in a session, with the session's token. Having one
//! means that all three hold.

use crate::console::Console;
use crate::console::arrival::Arrival;
use crate::console::failure::Failure;
use crate::console::session::Session;
use crate::extract::{self, Body};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use serde_json::Value;
use std::sync::Arc;

/// Bytes of a form without a file.
const LARGEST: usize = 2 << 20;

/// The fields of a form, in the order they were sent.
#[derive(Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// The text of a field, the last when it came twice; empty when it was not sent.
    pub fn text(&self, name: &str) -> &str {
        self.all(name).last().unwrap_or_default()
    }

    /// The texts of a field that may come several times.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let own = self.0.iter().filter(move |(field, _)| field == name);
        own.map(|(_, text)| text.as_str())
    }

    fn read(body: &[u8]) -> Fields {
        Fields(url::form_urlencoded::parse(body).into_owned().collect())
    }
}

/// A form of somebody signed in.
pub struct Form {
    pub parts: Parts,
    pub arrival: Arrival,
    pub session: Session,
    pub fields: Fields,
}

/// A form with a file, of somebody signed in.
pub struct FileForm {
    pub session: Session,
    pub body: Body,
}

/// A form of somebody who need not be signed in: the sign-in itself.
pub struct OpenForm {
    pub parts: Parts,
    pub arrival: Arrival,
    pub fields: Fields,
}

impl FromRequest<Arc<Console>> for Form {
    type Rejection = Failure;

    async fn from_request(request: Request, console: &Arc<Console>) -> Result<Form, Failure> {
        let OpenForm {
            mut parts,
            arrival,
            fields,
        } = OpenForm::from_request(request, console).await?;
        let session =
            <Session as FromRequestParts<_>>::from_request_parts(&mut parts, console).await?;
        let header = parts
            .headers
            .get("x-csrf-token")
            .and_then(|token| token.to_str().ok());
        if !session.allows(header.unwrap_or_else(|| fields.text("csrf"))) {
            return Err(Failure::Stale);
        }
        Ok(Form {
            parts,
            arrival,
            session,
            fields,
        })
    }
}

impl FromRequest<Arc<Console>> for FileForm {
    type Rejection = Failure;

    /// Nobody sends a file before it is known whose it is.
    async fn from_request(request: Request, console: &Arc<Console>) -> Result<FileForm, Failure> {
        let (mut parts, body) = request.into_parts();
        if !Arrival::of(&console.app, &parts).is_own(&parts.headers) {
            return Err(Failure::OtherSite);
        }
        let session =
            <Session as FromRequestParts<_>>::from_request_parts(&mut parts, console).await?;
        let most = console.app.config.api.max_body_mib as usize * (1 << 20);
        let limits = &console.app.config.limits;
        let body = extract::read_body(&parts.headers, body, most, limits, false).await?;
        let csrf = body.get("csrf").and_then(Value::as_str).unwrap_or_default();
        if !session.allows(csrf) {
            return Err(Failure::Stale);
        }
        Ok(FileForm { session, body })
    }
}

impl FromRequest<Arc<Console>> for OpenForm {
    type Rejection = Failure;

    async fn from_request(request: Request, console: &Arc<Console>) -> Result<OpenForm, Failure> {
        let (parts, body) = request.into_parts();
        let arrival = Arrival::of(&console.app, &parts);
        if !arrival.is_own(&parts.headers) {
            return Err(Failure::OtherSite);
        }
        let limits = &console.app.config.limits;
        let bytes = extract::collect(&parts.headers, body, LARGEST, limits).await?;
        Ok(OpenForm {
            parts,
            arrival,
            fields: Fields::read(&bytes),
        })
    }
}
