//! The way in and the way out.

use crate::accounts::login::{self, Realm};
use crate::accounts::{second_factor, user};
use crate::app::App;
use crate::audit::{self, Deed};
use crate::console::Console;
use crate::console::account::Account;
use crate::console::failure::Failure;
use crate::console::form::{Form, OpenForm};
use crate::console::languages::{self, Choice};
use crate::console::onward::Onward;
use crate::console::page::{self, Frame};
use crate::console::session::{self, Session};
use crate::error::Error;
use crate::extract::Query;
use crate::language;
use crate::profile::Profile;
use crate::writing::Writing;
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use muster_store::Tx;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    frame: Frame,
    languages: Vec<Choice>,
    /// What was typed before, when it was refused.
    username: &'a str,
    onward: Onward,
    refused: Option<String>,
}

impl<'a> SignIn<'a> {
    fn new(username: &'a str, onward: Onward, refused: Option<String>) -> SignIn<'a> {
        SignIn {
            frame: Frame::open(t!("Sign in")),
            languages: languages::choices(Some(language::now())),
            username,
            onward,
            refused,
        }
    }

    fn again(username: &'a str, onward: Onward, refused: impl Into<String>) -> SignIn<'a> {
        SignIn::new(username, onward, Some(refused.into()))
    }
}

/// Where somebody is sent whose form came after his session had ended.
pub const NOT_SAVED: &str = "/sign-in?not-saved=yes";

/// `GET /sign-in?to=`: the way in, and where it leads.
pub async fn page(
    session: Option<Session>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let mut query = Query::parse(query.as_deref().unwrap_or(""))?;
    let onward = Onward::read(&query.take("to").unwrap_or_default());
    if session.is_some() {
        return Ok(Redirect::to(onward.as_str()).into_response());
    }
    let is_lost = query.take("not-saved").is_some();
    let lost = is_lost.then(|| t!("You were signed out; what you sent was not saved.").into());
    page::html(StatusCode::OK, &SignIn::new("", onward, lost))
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
    let onward = Onward::read(form.fields.text("to"));
    let account = match Account::prove(app, username, password, address).await {
        Ok(account) => account,
        Err(Error::TooMany { retry_after_s }) => {
            let page = SignIn::again(username, onward, wait(retry_after_s));
            return too_many(&page, retry_after_s);
        }
        Err(error) => return Err(error.into()),
    };
    let Some(account) = account else {
        let page = SignIn::again(username, onward, t!("User name or password is wrong."));
        return page::html(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    if account.has_second_factor {
        return second_step(ticket(app, &account), onward, None);
    }
    let mut tx = Writing::begin(app).await?;
    let cookie = let_in(app, &mut tx, &form, &account).await?;
    tx.commit(app).await?;
    Ok(entered(cookie, &onward))
}

fn entered(cookie: HeaderValue, onward: &Onward) -> Response {
    let onward = Redirect::to(onward.as_str());
    ([(header::SET_COOKIE, cookie)], onward).into_response()
}

/// Makes the session of somebody who has proved who he is.
async fn let_in(
    app: &App,
    tx: &mut Tx,
    form: &OpenForm,
    account: &Account,
) -> Result<HeaderValue, Error> {
    let now = app.clock.now();
    let headers = &form.parts.headers;
    let cookie = session::begin(app, tx, account.id, headers, &form.arrival).await?;
    user::note_login(tx, account.id, now).await?;
    let caller = account.caller(Profile::EasyTimePro, form.arrival.address)?;
    login::note(tx, now, &caller).await?;
    Ok(cookie)
}

// ---- the second step --------------------------------------------------------------------------

/// So long after the password the code may come.
const TICKET_GOOD_FOR: TimeDelta = TimeDelta::minutes(5);
const TICKET: &str = "sign-in ticket";

/// Who has just proved to know the password, and when; sealed, so that nobody makes one.
#[derive(Serialize, Deserialize)]
struct Ticket {
    user_id: i64,
    proved_at: DateTime<Utc>,
    credentials_changed_at: DateTime<Utc>,
}

fn ticket(app: &App, account: &Account) -> String {
    let ticket = Ticket {
        user_id: account.id,
        proved_at: app.clock.now(),
        credentials_changed_at: account.credentials_changed_at,
    };
    let plain = serde_json::to_vec(&ticket).expect("a number and a time are written");
    URL_SAFE_NO_PAD.encode(app.keys.seal(TICKET, &plain))
}

/// The user of a ticket that still holds: not too old, and nothing of the account has changed since.
async fn holder(app: &App, text: &str) -> Result<Option<Account>, Error> {
    let sealed = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    let Ok(plain) = app.keys.open(TICKET, &sealed) else {
        return Ok(None);
    };
    let Ok(ticket) = serde_json::from_slice::<Ticket>(&plain) else {
        return Ok(None);
    };
    if (app.clock.now() - ticket.proved_at).abs() > TICKET_GOOD_FOR {
        return Ok(None);
    }
    let account = Account::find_by_id(&app.store, ticket.user_id).await?;
    Ok(account.filter(|account| {
        account.active && account.credentials_changed_at == ticket.credentials_changed_at
    }))
}

#[derive(Template)]
#[template(path = "sign_in_code.html")]
struct SecondStep {
    frame: Frame,
    ticket: String,
    onward: Onward,
    refused: Option<String>,
}

fn second_step(
    ticket: String,
    onward: Onward,
    refused: Option<String>,
) -> Result<Response, Failure> {
    page::html(
        match refused {
            Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
            None => StatusCode::OK,
        },
        &SecondStep {
            frame: Frame::open(t!("Sign in")),
            ticket,
            onward,
            refused,
        },
    )
}

/// `POST /sign-in/code`: lets in whoever shows the second factor too.
pub async fn submit_code(
    State(console): State<Arc<Console>>,
    form: OpenForm,
) -> Result<Response, Failure> {
    let app = &console.app;
    let ticket = form.fields.text("ticket");
    let onward = Onward::read(form.fields.text("to"));
    let Some(account) = holder(app, ticket).await? else {
        let page = SignIn::again("", onward, t!("That took too long. Please sign in again."));
        return page::html(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    let mut tx = Writing::begin(app).await?;
    match second_factor::prove(app, &mut tx, account.id, form.fields.text("code")).await {
        Ok(true) => {
            let cookie = let_in(app, &mut tx, &form, &account).await?;
            tx.commit(app).await?;
            Ok(entered(cookie, &onward))
        }
        Ok(false) => {
            // The wrong code counts.
            tx.commit(app).await?;
            let (name, address) = (&account.username, form.arrival.address);
            login::note_refusal(app, Realm::Users, name, address).await?;
            let refused = t!("This code is wrong, or was used already.").into();
            second_step(ticket.to_owned(), onward, Some(refused))
        }
        Err(Error::TooMany { retry_after_s }) => Ok(too_many(
            &SecondStep {
                frame: Frame::open(t!("Sign in")),
                ticket: ticket.to_owned(),
                onward,
                refused: Some(wait(retry_after_s)),
            },
            retry_after_s,
        )?),
        Err(error) => Err(error.into()),
    }
}

fn wait(retry_after_s: u64) -> String {
    tn!(
        retry_after_s,
        "Too many tries. Please wait {count} second.",
        "Too many tries. Please wait {count} seconds.",
    )
}

fn too_many(page: &impl Template, retry_after_s: u64) -> Result<Response, Failure> {
    let mut response = page::html(StatusCode::TOO_MANY_REQUESTS, page)?;
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
    Ok(response)
}

pub async fn sign_out(
    State(console): State<Arc<Console>>,
    form: Form,
) -> Result<Response, Failure> {
    let app = &console.app;
    let mut tx = app.store.write().await.map_err(Error::from)?;
    form.session.end(&mut tx).await?;
    let caller = &form.session.caller;
    let deed = Deed {
        action: "logout",
        thing: "user",
        thing_id: caller.name().to_owned(),
        ..Deed::default()
    };
    audit::write(&mut tx, app.clock.now(), caller, deed).await?;
    tx.commit().await.map_err(Error::from)?;
    let cookie = session::no_cookie(&form.arrival);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/sign-in")).into_response())
}
