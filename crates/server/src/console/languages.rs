//! In which language a page is written: the one its reader has chosen for the account, else the one
//! this browser was told on the way in, else what the browser asks for.

use crate::console::failure::Failure;
use crate::console::form::OpenForm;
use crate::console::onward::Onward;
use crate::console::session::cookie_of;
use crate::language::{self, LANGUAGES, Language};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

const COOKIE: &str = "muster_language";
const KEPT_S: i64 = 365 * 24 * 60 * 60;

/// A language to choose.
pub struct Choice {
    pub language: &'static Language,
    pub chosen: bool,
}

/// Those that are offered, with one chosen.
pub fn choices(chosen: Option<&'static Language>) -> Vec<Choice> {
    let choices = LANGUAGES.into_iter().map(|language| Choice {
        language,
        chosen: chosen == Some(language),
    });
    choices.collect()
}

/// Answers in the language this browser asks for; whoever turns out to be signed in changes it to his own.
pub async fn answer(request: Request, next: Next) -> Response {
    let asked = asked(request.headers());
    language::within(asked, next.run(request)).await
}

fn asked(headers: &HeaderMap) -> &'static Language {
    let accepted = || {
        let header = headers.get(header::ACCEPT_LANGUAGE)?;
        language::accepted(header.to_str().ok()?)
    };
    cookie_of(headers, COOKIE)
        .and_then(language::known)
        .or_else(accepted)
        .unwrap_or_else(language::now)
}

/// `POST /sign-in/language`: before it is known who somebody is, the browser keeps the choice.
pub async fn choose(form: OpenForm) -> Result<Response, Failure> {
    let chosen = language::offered(form.fields.text("language"));
    let cookie = cookie(chosen, form.arrival.https);
    let onward = Onward::read(form.fields.text("to"));
    Ok((
        [(header::SET_COOKIE, cookie)],
        Redirect::to(&onward.by_sign_in()),
    )
        .into_response())
}

/// The cookie that keeps a choice, or takes it away.
pub fn cookie(chosen: Option<&'static Language>, secure: bool) -> HeaderValue {
    let (tag, kept_s) = chosen.map_or(("", 0), |language| (language.tag, KEPT_S));
    let secure = if secure { "; Secure" } else { "" };
    let text =
        format!("{COOKIE}={tag}; HttpOnly; SameSite=Strict; Path=/; Max-Age={kept_s}{secure}");
    HeaderValue::from_str(&text).expect("tags and digits are good in a header")
}
