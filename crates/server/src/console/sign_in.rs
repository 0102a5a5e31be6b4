//! The way in and the way out.

use crate::access::Caller;
use crate::accounts::user;
use crate::audit::{self, Deed};
use crate::console::Console;
use crate::console::account::Account;
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
        return Ok(Redirect::to("/").into_response());
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
    let account = match Account::prove(app, username, password, address).await {
        Ok(account) => account,
        Err(Error::TooMany { retry_after_s }) => {
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
        Err(error) => return Err(error.into()),
    };
    let now = app.clock.now();
    let mut tx = app.store.write().await.map_err(Error::from)?;
    let Some(account) = account else {
        // Who it was nobody knows: the server writes down what was tried.
        let server = Caller {
            address,
            ..Caller::system()
        };
        audit::write(&mut tx, now, &server, deed("login_refused", username)).await?;
        tx.commit().await.map_err(Error::from)?;
        let page = SignIn::again(username, "User name or password is wrong.");
        return page::html(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    let cookie =
        session::begin(app, &mut tx, account.id, &form.parts.headers, &form.arrival).await?;
    user::note_login(&mut tx, account.id, now).await?;
    let caller = account.caller(Profile::EasyTimePro, address)?;
    audit::write(&mut tx, now, &caller, deed("login", &account.username)).await?;
    tx.commit().await.map_err(Error::from)?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response())
}

pub async fn sign_out(
    State(console): State<Arc<Console>>,
    form: Form,
) -> Result<Response, Failure> {
    let app = &console.app;
    let mut tx = app.store.write().await.map_err(Error::from)?;
    form.session.end(&mut tx).await?;
    let caller = &form.session.caller;
    audit::write(
        &mut tx,
        app.clock.now(),
        caller,
        deed("logout", caller.name()),
    )
    .await?;
    tx.commit().await.map_err(Error::from)?;
    let cookie = session::no_cookie(&form.arrival);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/sign-in")).into_response())
}

fn deed<'a>(action: &'a str, username: &str) -> Deed<'a> {
    Deed {
        action,
        thing: "user",
        thing_id: username
            .chars()
            .filter(|letter| !letter.is_control())
            .take(150)
            .collect(),
        before: None,
        after: None,
    }
}
