//! The login doors: name and password for a token. Each stands under `/api` for the EasyTimePro
//! profile and without it for BioTime. An `Authorization` header is not looked at here.

use crate::accounts::login::{self, Realm};
use crate::accounts::token::{self, Signed, Subject};
use crate::accounts::user;
use crate::answer::Answer;
use crate::error::{Error, Result, Unauthenticated};
use crate::extract::{Body, Request};
use crate::input::{Input, Text};
use crate::password;
use crate::profile::Profile;
use crate::resources::employee;
use crate::routes::{Doc, Endpoint, Kind, Member, Returns};
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// Nobody needs more to log in.
const BODY_BYTES: usize = 64 << 10;
const WRONG: &str = "Unable to log in with provided credentials.";

const NAME: Text = Text::max(254);

/// What a door gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gives {
    /// 40 digits that do not expire.
    Lasting,
    /// A JSON web token, or two.
    Signed,
}

const CREDENTIALS: &[Member] = &[
    Member::new(
        "username",
        Kind::Text,
        "A user's name or e-mail; at a staff door the employee's code.",
    )
    .required(),
    Member::new("password", Kind::Text, "").required(),
];
const TOKEN: &[Member] = &[Member::new(
    "token",
    Kind::Text,
    "40 hexadecimal digits; it does not expire.",
)];
const SIGNED: &[Member] = &[
    Member::new(
        "refresh",
        Kind::Text,
        "Gives new access tokens; not at the staff doors.",
    ),
    Member::new("access", Kind::Text, "Not at the staff doors."),
    Member::new(
        "token",
        Kind::Text,
        "The access token; at the BioTime and the staff doors one of its own form.",
    ),
    Member::new("expires_in", Kind::Integer, "Seconds the token lives."),
];
const REFRESH: &[Member] = &[
    Member::new("refresh", Kind::Text, "A refresh token."),
    Member::new(
        "token",
        Kind::Text,
        "In its place: a BioTime or staff token that is to be renewed.",
    ),
];
const REFRESHED: &[Member] = &[
    Member::new("access", Kind::Text, ""),
    Member::new("token", Kind::Text, ""),
    Member::new("expires_in", Kind::Integer, "Seconds the token lives."),
];

pub fn endpoints() -> Vec<Endpoint> {
    let mut endpoints = Vec::new();
    for (prefix, profile) in [("/api", Profile::EasyTimePro), ("", Profile::BioTime)] {
        for (name, realm, gives) in [
            ("api-token-auth", Realm::Users, Gives::Lasting),
            ("jwt-api-token-auth", Realm::Users, Gives::Signed),
            ("staff-api-token-auth", Realm::Staff, Gives::Lasting),
            ("staff-jwt-api-token-auth", Realm::Staff, Gives::Signed),
        ] {
            let who = match realm {
                Realm::Users => "a user",
                Realm::Staff => "an employee",
            };
            let doc = Doc {
                summary: format!("Logs {who} in, in the {profile} profile"),
                tag: "login",
                query: Vec::new(),
                body: Some(CREDENTIALS),
                returns: Returns::One(
                    StatusCode::OK,
                    match gives {
                        Gives::Lasting => TOKEN,
                        Gives::Signed => SIGNED,
                    },
                ),
            };
            let door = move |request| log_in(request, realm, gives, profile);
            endpoints.push(
                Endpoint::open(Method::POST, &format!("{prefix}/{name}/"), doc, door)
                    .with_body_of(BODY_BYTES),
            );
        }
        let doc = Doc {
            summary: "Gives a new access token".into(),
            tag: "login",
            query: Vec::new(),
            body: Some(REFRESH),
            returns: Returns::One(StatusCode::OK, REFRESHED),
        };
        endpoints.push(
            Endpoint::open(
                Method::POST,
                &format!("{prefix}/jwt-api-token-refresh/"),
                doc,
                refresh,
            )
            .with_body_of(BODY_BYTES),
        );
    }
    endpoints
}

async fn log_in(request: Request, realm: Realm, gives: Gives, profile: Profile) -> Result<Answer> {
    let app = &request.app;
    let (name, password) = credentials(&request.body)?;
    let address = request.origin.address;
    let found = match realm {
        Realm::Users => login::user(app, &name, &password, address)
            .await?
            .map(login::subject_of_user),
        Realm::Staff => match login::employee(app, &name, &password, address).await? {
            Some(mut staff) => {
                // A hash made elsewhere has shown what it stands for: it is replaced by ours.
                if let Some(hash) = employee::rehash(app, &staff, &password).await? {
                    staff.self_password_hash = Some(hash);
                }
                Some(login::subject_of_employee(staff))
            }
            None => None,
        },
    };
    let Some(subject) = found else {
        // Each library has its own way to say so.
        let is_simplejwt =
            (realm, gives, profile) == (Realm::Users, Gives::Signed, Profile::EasyTimePro);
        return Err(if is_simplejwt {
            Error::Unauthenticated(Unauthenticated::NoActiveAccount)
        } else {
            Error::invalid("", WRONG)
        });
    };
    let now = app.clock.now();
    let mut tx = app.store.write().await?;
    let answer = match gives {
        Gives::Lasting => {
            let token = token::lasting(&mut tx, app, &subject, profile, now).await?;
            json!({ "token": token })
        }
        Gives::Signed => signed(app, &subject, profile)?,
    };
    let mut caller = match &subject {
        Subject::User(user) => {
            user::note_login(&mut tx, user.id, now).await?;
            user.caller(profile)
        }
        Subject::Staff(staff) => staff.caller(profile),
    };
    caller.address = address;
    login::note(&mut tx, now, &caller).await?;
    tx.commit().await?;
    // A token that was asked for before it was made is looked for again.
    app.accounts.forget();
    Ok(Answer::ok(&answer))
}

fn signed(app: &crate::app::App, subject: &Subject, profile: Profile) -> Result<Value> {
    Ok(match (subject, profile) {
        (Subject::Staff(_), _) => {
            let Signed { token, lives_s } = token::simple(app, subject, profile, None)?;
            json!({ "token": token, "expires_in": lives_s })
        }
        (Subject::User(_), Profile::EasyTimePro) => {
            let refresh = token::refresh(app, subject, profile)?;
            let access = token::access(app, subject, profile)?;
            json!({
                "refresh": refresh.token,
                "access": access.token,
                "token": access.token,
                "expires_in": access.lives_s,
            })
        }
        (Subject::User(_), Profile::BioTime) => {
            let refresh = token::refresh(app, subject, profile)?;
            let Signed { token, lives_s } = token::simple(app, subject, profile, None)?;
            json!({
                "token": token,
                "access": token,
                "refresh": refresh.token,
                "expires_in": lives_s,
            })
        }
    })
}

/// `username` (or `email`) and `password`; a company beside them is not looked at.
fn credentials(body: &Body) -> Result<(String, String)> {
    let mut input = Input::new(body, true);
    let field = match body.first_of(&["username", "email"]) {
        Some((field, _)) => field,
        None => {
            input.require(&["username"]);
            "username"
        }
    };
    let name = input.text(field, NAME).flatten();
    input.require(&["password"]);
    // A password is taken letter by letter, blanks at its ends too.
    let password = match body.get("password") {
        None => None,
        Some(Value::String(text)) if text.contains('\0') => {
            input.problem("password", "Null characters are not allowed.");
            None
        }
        Some(Value::String(text)) if text.is_empty() => {
            input.problem("password", "This field may not be blank.");
            None
        }
        Some(Value::String(text)) if text.len() > password::MAX_BYTES => {
            input.problem(
                "password",
                "Ensure this field has no more than 1024 characters.",
            );
            None
        }
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(Value::Null) => {
            input.problem("password", "This field may not be null.");
            None
        }
        Some(_) => {
            input.problem("password", "Not a valid string.");
            None
        }
    };
    input.settle()?;
    match (name, password) {
        (Some(name), Some(password)) => Ok((name, password)),
        _ => Err(Error::invalid("", WRONG)),
    }
}

async fn refresh(request: Request) -> Result<Answer> {
    let text = |name: &str| -> Result<Option<&str>> {
        match request.body.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => {
                Err(Error::invalid(name, "This field may not be blank."))
            }
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Error::invalid(name, "Not a valid string.")),
        }
    };
    let app = &request.app;
    let Signed { token, lives_s } = match (text("refresh")?, text("token")?) {
        (Some(refresh), _) => token::refreshed(app, refresh).await?,
        (None, Some(token)) => token::renewed(app, token).await?,
        (None, None) => return Err(Error::invalid("refresh", "This field is required.")),
    };
    Ok(Answer::ok(&json!({
        "access": token,
        "token": token,
        "expires_in": lives_s,
    })))
}
