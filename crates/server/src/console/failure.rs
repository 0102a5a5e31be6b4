//! What a person sees when something cannot be done: a page that says so, and where to go on.

use crate::console::onward::Onward;
use crate::console::page::{self, Frame};
use crate::console::sign_in;
use crate::error::Error;
use crate::language::Text;
use crate::request;
use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nobody is signed in, or not any more; where he is to go on when he is.
    #[error("signed out")]
    SignedOut(Onward),
    /// The same of somebody who sent a form.
    #[error("signed out, with a form")]
    NotSaved,
    /// Whoever is signed in has to set a second factor up before anything else.
    #[error("a second factor is needed")]
    NeedsSecondFactor,
    /// The form carried no token of this session.
    #[error("stale form")]
    Stale,
    /// Another site sent the form.
    #[error("another site")]
    OtherSite,
    #[error(transparent)]
    Refused(#[from] Error),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        match failure {
            Failure::Refused(error) => error,
            other => Error::Internal(other.into()),
        }
    }
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage {
    frame: Frame,
    heading: Text,
    text: String,
    /// By which the cause is found in the log.
    reference: Option<String>,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, heading, text) = match &self {
            Failure::SignedOut(onward) => return Redirect::to(&onward.by_sign_in()).into_response(),
            Failure::NotSaved => return Redirect::to(sign_in::NOT_SAVED).into_response(),
            Failure::NeedsSecondFactor => return Redirect::to("/account").into_response(),
            Failure::Stale => (
                StatusCode::FORBIDDEN,
                t!("This page was out of date"),
                t!("Nothing was changed. Go back, load the page again and repeat what you did.").into(),
            ),
            Failure::OtherSite => (
                StatusCode::FORBIDDEN,
                t!("Sent from another site"),
                t!("Nothing was changed. If you sent this from the console itself, the server is called by \
                 another name than it knows: its operator sets api.public_url or api.trusted_proxies.")
                    .into(),
            ),
            Failure::Refused(error) => explained(error),
        };
        let reference = match &self {
            Failure::Refused(error @ Error::Internal(_)) => {
                tracing::error!(%error, "a page of the console failed");
                request::current_id().map(|id| id.to_string())
            }
            _ => None,
        };
        let page = FailurePage {
            frame: Frame::open(heading),
            heading,
            text,
            reference,
        };
        let mut response = match page::text(&page) {
            Ok(text) => (status, axum::response::Html(text)).into_response(),
            Err(error) => {
                tracing::error!(%error, "the page that tells of a failure failed");
                status.into_response()
            }
        };
        if let Failure::Refused(Error::TooMany { retry_after_s }) = self {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
        }
        response
    }
}

fn explained(error: &Error) -> (StatusCode, Text, String) {
    match error {
        Error::NotFound | Error::NoSuch { .. } | Error::InvalidPage => (
            StatusCode::NOT_FOUND,
            t!("There is no such page"),
            t!("It may have been removed, or the address is misspelt.").into(),
        ),
        Error::Unauthenticated(_) | Error::Forbidden => (
            StatusCode::FORBIDDEN,
            t!("You may not do this"),
            t!("Your role does not allow it. An administrator can change that.").into(),
        ),
        Error::Invalid(problems) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            t!("This cannot be done"),
            problems
                .iter()
                .map(|problem| problem.message.as_str())
                .collect::<Vec<_>>()
                .join(" "),
        ),
        Error::Refused { detail, .. } => (
            StatusCode::UNPROCESSABLE_ENTITY,
            t!("This cannot be done"),
            detail.clone(),
        ),
        Error::TooMany { retry_after_s } => (
            StatusCode::TOO_MANY_REQUESTS,
            t!("Too many tries"),
            tn!(*retry_after_s, "Please wait {count} second, then try again.", "Please wait {count} seconds, then try again."),
        ),
        Error::TooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            t!("That was too much"),
            t!("What was sent is larger than any form of this console.").into(),
        ),
        Error::TooSlow => (
            StatusCode::REQUEST_TIMEOUT,
            t!("That took too long"),
            t!("The form did not arrive in time. Nothing was changed; send it again.").into(),
        ),
        Error::Unavailable(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            t!("Just now it does not work"),
            t!("The server or its database is busy or restarting. Try again in a moment; nothing is lost.")
                .into(),
        ),
        Error::Internal(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            t!("Something went wrong here"),
            t!("It is not your fault, and it was written down in the server's log.").into(),
        ),
        _ => (
            StatusCode::BAD_REQUEST,
            t!("This cannot be done"),
            t!("The request is none that a page of this console sends.").into(),
        ),
    }
}

/// The page for an address nobody serves.
pub async fn not_found() -> Response {
    Failure::Refused(Error::NotFound).into_response()
}
