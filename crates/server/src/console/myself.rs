//! What somebody keeps for himself: the password, the second factor, and where he is signed in.

use crate::accounts::second_factor::{self, Secret};
use crate::accounts::user;
use crate::app::App;
use crate::console::Console;
use crate::console::account::Account;
use crate::console::failure::Failure;
use crate::console::form::Form;
use crate::console::languages::{self, Choice};
use crate::console::page::{self, Frame};
use crate::console::session::{self, Open, Session};
use crate::error::{Error, Result};
use crate::language::{self, Text};
use crate::times;
use crate::writing::Writing;
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use qrcodegen::{QrCode, QrCodeEcc};
use std::fmt::Write;
use std::sync::Arc;

const TITLE: Text = t!("Your account");

/// A session as it is shown.
pub struct Shown {
    pub key: String,
    /// Browser and system, in two words.
    pub device: String,
    pub agent: String,
    pub address: String,
    pub began: String,
    pub seen: String,
    pub is_this: bool,
}

impl Shown {
    pub fn of(app: &App, session: &Session, open: Open) -> Shown {
        Shown {
            key: open.key(),
            device: device(&open.agent),
            is_this: session.is_this(&open),
            agent: open.agent,
            address: open.address,
            began: times::instant(open.created_at, app.zone),
            seen: times::instant(open.seen_at, app.zone),
        }
    }
}

/// What a browser says of itself, in two words. The first that fits counts: they all name one another.
fn device(agent: &str) -> String {
    let first = |known: &[(&str, &'static str)]| {
        let found = known.iter().find(|(part, _)| agent.contains(part));
        found.map(|(_, name)| *name)
    };
    let browser = first(&[
        ("Firefox/", "Firefox"),
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "Mac"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser}, {system}"),
        (Some(one), None) | (None, Some(one)) => one.into(),
        (None, None) => t!("Another program").into(),
    }
}

/// A secret to be put into an app.
struct SetUp {
    text: String,
    /// The same as a picture: the dark squares as a path, and how many there are to a side.
    squares: String,
    side: i32,
}

impl SetUp {
    fn of(secret: &Secret, username: &str) -> Result<SetUp> {
        let code = QrCode::encode_text(&secret.address(username), QrCodeEcc::Medium)
            .map_err(|error| Error::Internal(anyhow::anyhow!("no picture: {error}")))?;
        let mut squares = String::new();
        for y in 0..code.size() {
            for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
                let _ = write!(squares, "M{} {}h1v1h-1z", x + 4, y + 4);
            }
        }
        Ok(SetUp {
            text: secret.text(),
            squares,
            // Four empty squares around it, as readers want.
            side: code.size() + 8,
        })
    }
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    csrf: String,
    name: String,
    sessions: Vec<Shown>,
    /// With so many recovery codes left.
    second_factor: Option<i64>,
    set_up: Option<SetUp>,
    /// Nothing else is shown before there is one.
    needs_second_factor: bool,
    may_be_off: bool,
    languages: Vec<Choice>,
    done: Option<Text>,
    refusal: Option<Refusal>,
}

/// Why a form of this page was refused.
struct Refusal {
    /// At which of the fields that is told; none when it is about none.
    field: &'static str,
    reason: String,
}

/// The fields where something may be wrong, by their ids.
const PASSWORD_NOW: &str = "password-now";
const NEW_PASSWORD: &str = "new-password";
const AGAIN: &str = "again";
const FACTOR_PASSWORD: &str = "factor-password";
const OFF_PASSWORD: &str = "off-password";
const CODE: &str = "code";

impl Refusal {
    fn at(field: &'static str, reason: impl Into<String>) -> Refusal {
        Refusal {
            field,
            reason: reason.into(),
        }
    }
}

impl AccountPage {
    /// What is wrong with a field; with "" what is wrong with none of them.
    fn problem(&self, field: &str) -> Option<&str> {
        let refusal = self.refusal.as_ref();
        refusal
            .filter(|refusal| refusal.field == field)
            .map(|refusal| refusal.reason.as_str())
    }
}

#[derive(Template)]
#[template(path = "recovery_codes.html")]
struct CodesPage {
    frame: Frame,
    codes: Vec<String>,
}

/// `GET /account`.
pub async fn page(
    State(console): State<Arc<Console>>,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let done = match query.as_deref() {
        Some("done=password") => Some(t!(
            "Your password is changed. You are signed out everywhere else."
        )),
        Some("done=ended") => Some(t!("Ended.")),
        Some("done=language") => Some(t!("Saved.")),
        Some("done=off") => Some(t!("The second factor is off.")),
        _ => None,
    };
    show(&console.app, &session, done, None).await
}

async fn show(
    app: &App,
    session: &Session,
    done: Option<Text>,
    refusal: Option<Refusal>,
) -> Result<Response, Failure> {
    let id = session.user_id()?;
    let name = session.caller.name().to_owned();
    let open = session::of_user(app, id).await?;
    let secret = second_factor::secret(app, id).await?;
    page::html(
        match refusal {
            Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
            None => StatusCode::OK,
        },
        &AccountPage {
            frame: Frame::of(TITLE, session),
            csrf: session.csrf.clone(),
            sessions: open
                .into_iter()
                .map(|open| Shown::of(app, session, open))
                .collect(),
            second_factor: match second_factor::state(app, id).await? {
                second_factor::State::On(codes) => Some(codes),
                _ => None,
            },
            set_up: match secret {
                Some(secret) => Some(SetUp::of(&secret, &name)?),
                None => None,
            },
            languages: languages::choices(session.language),
            name,
            needs_second_factor: session.needs_second_factor,
            may_be_off: !app.settings().console.need_second_factor,
            done,
            refusal,
        },
    )
}

/// Whether the password in the form is the user's own; too many wrong ones are an error.
async fn proves(app: &App, form: &Form) -> Result<bool> {
    let (name, password) = (form.session.caller.name(), form.fields.text("password"));
    let proved = Account::prove(app, name, password, form.arrival.address).await?;
    Ok(proved.is_some())
}

const WRONG: Text = t!("The password you have now is not this one.");

/// Makes a new session for this browser, of somebody whose others have just ended, and goes on.
async fn begin_anew(
    app: &App,
    mut tx: Writing,
    form: &Form,
    id: i64,
    page: Response,
) -> Result<Response> {
    let headers = &form.parts.headers;
    let cookie = session::begin(app, &mut tx, id, headers, &form.arrival).await?;
    tx.commit(app).await?;
    Ok(with_cookie(page, cookie))
}

fn with_cookie(mut page: Response, cookie: HeaderValue) -> Response {
    page.headers_mut().insert(header::SET_COOKIE, cookie);
    page
}

/// `POST /account/language`: kept with the user, and with this browser for the next way in.
pub async fn language(
    State(console): State<Arc<Console>>,
    form: Form,
) -> Result<Response, Failure> {
    let id = form.session.user_id()?;
    let chosen = language::offered(form.fields.text("language"));
    let mut tx = Writing::begin(&console.app).await?;
    user::choose_language(&mut tx, id, chosen).await?;
    tx.commit(&console.app).await?;
    let cookie = languages::cookie(chosen, form.arrival.https);
    let to = Redirect::to("/account?done=language").into_response();
    Ok(with_cookie(to, cookie))
}

/// `POST /account/password`.
pub async fn password(
    State(console): State<Arc<Console>>,
    form: Form,
) -> Result<Response, Failure> {
    let (app, session) = (&console.app, &form.session);
    let id = session.user_id()?;
    if !proves(app, &form).await? {
        return show(app, session, None, Some(Refusal::at(PASSWORD_NOW, WRONG))).await;
    }
    let new = form.fields.text("new_password");
    if new != form.fields.text("again") {
        let refusal = Refusal::at(AGAIN, t!("The two new passwords differ."));
        return show(app, session, None, Some(refusal)).await;
    }
    if let Some(problem) = user::check_password(new) {
        let refusal = Refusal::at(NEW_PASSWORD, problem.message);
        return show(app, session, None, Some(refusal)).await;
    }
    let mut tx = Writing::begin(app).await?;
    user::change_own_password(app, &mut tx, &session.caller, id, new).await?;
    let to = Redirect::to("/account?done=password").into_response();
    Ok(begin_anew(app, tx, &form, id, to).await?)
}

/// `POST /account/sessions`: ends one, or all others.
pub async fn end_sessions(
    State(console): State<Arc<Console>>,
    form: Form,
) -> Result<Response, Failure> {
    let (app, session) = (&console.app, &form.session);
    let id = session.user_id()?;
    let mut tx = Writing::begin(app).await?;
    let ended = match form.fields.text("key") {
        "" => session.end_others(&mut tx, id).await?,
        key => session::end_of_user(&mut tx, id, Some(key)).await?,
    };
    if ended > 0 {
        let caller = &session.caller;
        session::write_end(&mut tx, app.clock.now(), caller, caller.name()).await?;
    }
    tx.commit(app).await?;
    Ok(Redirect::to("/account?done=ended").into_response())
}

/// `POST /account/second-factor`: begins to set one up.
pub async fn begin_second_factor(
    State(console): State<Arc<Console>>,
    form: Form,
) -> Result<Response, Failure> {
    let (app, session) = (&console.app, &form.session);
    let id = session.user_id()?;
    if !proves(app, &form).await? {
        return show(
            app,
            session,
            None,
            Some(Refusal::at(FACTOR_PASSWORD, WRONG)),
        )
        .await;
    }
    second_factor::begin(app, id).await?;
    Ok(Redirect::to("/account#second-factor").into_response())
}

/// `POST /account/second-factor/confirm`: the app gives the right code; from now on it is asked for.
pub async fn confirm_second_factor(
    State(console): State<Arc<Console>>,
    form: Form,
) -> Result<Response, Failure> {
    let (app, session) = (&console.app, &form.session);
    let id = session.user_id()?;
    let given = form.fields.text("code");
    let mut tx = Writing::begin(app).await?;
    let codes = second_factor::confirm(app, &mut tx, &session.caller, id, given).await?;
    let Some(codes) = codes else {
        tx.commit(app).await?;
        let reason = t!("This is not the code your app shows now. Is its clock right?");
        return show(app, session, None, Some(Refusal::at(CODE, reason))).await;
    };
    let page = page::html(
        StatusCode::OK,
        &CodesPage {
            frame: Frame::open(t!("Recovery codes")),
            codes,
        },
    )?;
    Ok(begin_anew(app, tx, &form, id, page).await?)
}

/// `POST /account/second-factor/off`.
pub async fn second_factor_off(
    State(console): State<Arc<Console>>,
    form: Form,
) -> Result<Response, Failure> {
    let (app, session) = (&console.app, &form.session);
    let id = session.user_id()?;
    if app.settings().console.need_second_factor {
        let refusal = Refusal::at("", t!("Here everybody needs a second factor."));
        return show(app, session, None, Some(refusal)).await;
    }
    if !proves(app, &form).await? {
        return show(app, session, None, Some(Refusal::at(OFF_PASSWORD, WRONG))).await;
    }
    let mut tx = Writing::begin(app).await?;
    let name = session.caller.name();
    second_factor::remove(app, &mut tx, &session.caller, id, name).await?;
    tx.after_commit(|app| app.accounts.forget());
    tx.commit(app).await?;
    Ok(Redirect::to("/account?done=off").into_response())
}

#[cfg(test)]
mod tests {
    use super::device;

    #[test]
    fn a_browser_is_called_by_its_own_name() {
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                    Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0";
        assert_eq!(device(edge), "Edge, Windows");
        let iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 \
                      (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";
        assert_eq!(device(iphone), "Safari, iPhone");
        assert_eq!(device("curl/8"), "Another program");
    }
}
