//! The way in and the way out.

use crate::accounts::Account;
use crate::audit::{self, Deed};
use crate::console::Console;
use crate::console::failure::Failure;
use crate::console::form::{Form, OpenForm};
use crate::console::page::{self, Frame};
use crate::console::session::{self, Session};
use crate::error::Error;
use crate::profile::Profile;
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use std::sync::Arc;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    frame: Frame,
    /// What was typed before, when it was refused.
    username: &'a str,
    refused: Option<String>,
}

impl<'a> SignIn<'a> {
    fn again(username: &'a str, refused: impl Into<String>) -> SignIn<'a> {
        SignIn {
            frame: Frame::open("Sign in"),
            username,
            refused: Some(refused.into()),
        }
    }
}

pub async fn page(session: Option<Session>) -> Result<Response, Failure> {
    if session.is_some() {
        return Ok(Redirect::to("/live").into_response());
    }
    page::html(
        StatusCode::OK,
        &SignIn {
            frame: Frame::open("Sign in"),
            username: "",
            refused: None,
        },
    )
}

/// Lets somebody in, or says that name or password is wrong: never which, and never sooner for a
/// name nobody has.
pub async fn submit(
    State(console): State<Arc<Console>>,
    form: OpenForm,
) -> Result<Response, Failure> {
    let app = &console.app;
    let (username, password) = (
        form.fields.text("username").trim(),
        form.fields.text("password"),
    );
    let address = form.arrival.address;
    if let Err(Error::TooMany { retry_after_s }) = console.throttle.check(username, address) {
        let page = SignIn::again(
            username,
            format!("Too many tries. Please wait {retry_after_s} seconds."),
        );
        let mut response = page::html(StatusCode::TOO_MANY_REQUESTS, &page)?;
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
        return Ok(response);
    }
    let account = Account::find(&app.store, username)
        .await?
        .filter(|account| account.active);
    let hash = account
        .as_ref()
        .map(|account| account.password_hash.as_str());
    let right = app.passwords.verify(password, hash).await?;
    let now = app.clock.now();
    let mut tx = app.store.write().await.map_err(Error::from)?;
    let Some(account) = account.filter(|_| right) else {
        let deed = Deed {
            action: "sign_in_refused",
            thing: "console",
            ..Deed::default()
        };
        audit::write_stranger(&mut tx, now, username, address, deed).await?;
        tx.commit().await.map_err(Error::from)?;
        let page = SignIn::again(username, "User name or password is wrong.");
        return page::html(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    let cookie =
        session::begin(app, &mut tx, account.id, &form.parts.headers, &form.arrival).await?;
    Account::note_login(&mut tx, account.id, now).await?;
    let deed = Deed {
        action: "sign_in",
        thing: "console",
        ..Deed::default()
    };
    let caller = account.caller(Profile::EasyTimePro, address)?;
    audit::write(&mut tx, now, &caller, deed).await?;
    tx.commit().await.map_err(Error::from)?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/live")).into_response())
}

pub async fn sign_out(
    State(console): State<Arc<Console>>,
    form: Form,
) -> Result<Response, Failure> {
    let app = &console.app;
    let mut tx = app.store.write().await.map_err(Error::from)?;
    form.session.end(&mut tx).await?;
    let deed = Deed {
        action: "sign_out",
        thing: "console",
        ..Deed::default()
    };
    audit::write(&mut tx, app.clock.now(), &form.session.caller, deed).await?;
    tx.commit().await.map_err(Error::from)?;
    let cookie = session::no_cookie(&form.arrival);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/sign-in")).into_response())
}
