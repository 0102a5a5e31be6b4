//! The pages of those who run the server: users, and the roles that say what they may do.

use crate::access::{Caller, Right, Thing};
use crate::accounts::role::Roles;
use crate::accounts::user::{self, User, Users};
use crate::app::App;
use crate::console::Console;
use crate::console::confirm::{self, Question};
use crate::console::failure::Failure;
use crate::console::form::Form;
use crate::console::moment::by_the_server;
use crate::console::myself::Shown;
use crate::console::page;
use crate::console::place::Place;
use crate::console::record::{self, Asked, Button, Edited, Entry, Group};
use crate::console::rights;
use crate::console::session::{self, Session};
use crate::console::table::{self, Column, Filter, Lamp, Listed, View, Words};
use crate::error::{Error, Result};
use crate::language::Text;
use crate::resource;
use crate::writing::Writing;
use askama::Template;
use axum::extract::{RawPathParams, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::Value;
use std::sync::Arc;

impl Listed for Users {
    const VIEW: View = View {
        name: "users",
        title: t!("Users"),
        new: t!("New user"),
        remove: Text::none(),
        columns: &[
            Column::new(t!("User name"), &["username"]).by("username"),
            Column::new(t!("E-mail"), &["email"]).by("email"),
            Column::new(t!("Role"), &["role.name"]).by("role"),
            Column::new(t!("State"), &["active"])
                .by("active")
                .words(Words::State(&[
                    ("true", t!("May sign in"), Lamp::Good),
                    ("false", t!("Shut out"), Lamp::Plain),
                ])),
            Column::new(t!("Second factor"), &["second_factor"])
                .by("second_factor")
                .words(Words::State(&[
                    ("true", t!("On"), Lamp::Good),
                    ("false", t!("Off"), Lamp::Plain),
                ])),
            Column::new(t!("Areas"), &["areas.area_name"]),
            Column::new(t!("Departments"), &["departments.dept_name"]),
            Column::new(t!("Last sign-in"), &["last_login"]).by("last_login"),
            Column::new(t!("Added"), &["create_time"]).by("create_time"),
        ],
        filters: &[Filter {
            name: "active",
            label: t!("State"),
            asked: table::Asked::OneOf(&[("true", t!("May sign in")), ("false", t!("Shut out"))]),
        }],
        order: "username",
        empty: Text::none(),
        opens: true,
        removal: None,
    };
    const NAMED_BY: usize = 1;
    const TIMES: Option<fn(&str) -> String> = Some(by_the_server);
}

impl Edited for Users {
    const FORM: &'static [Group] = &[Group {
        title: t!("User"),
        entries: &[
            Entry::new("username", t!("User name"), Asked::Text)
                .required()
                .fixed()
                .hint(t!("It never changes: it stands in the audit.")),
            Entry::new("email", t!("E-mail"), Asked::Text)
                .hint(t!("Can be typed at the sign-in in place of the name.")),
            Entry::new("role", t!("Role"), Asked::Role)
                .required()
                .hint(t!("What the user may do, and where.")),
            Entry::new("password", t!("Password"), Asked::Secret)
                .required()
                .hint(
                    t!("At least 8 characters. A new one ends all that is signed in; left empty it stays as it is."),
                ),
            Entry::new("active", t!("May sign in"), Asked::Flag).initially("true"),
        ],
    }];

    fn may_edit(caller: &Caller, stored: Option<&Value>) -> bool {
        let is_above = stored.is_some_and(|stored| stored["is_above"] == true);
        caller.may(Right::Change(Thing::User)) && !is_above
    }

    fn buttons(caller: &Caller, stored: &Value) -> Vec<Button> {
        let mut acts = Vec::new();
        if Self::may_edit(caller, Some(stored)) {
            acts.push(Button {
                path: "end-sessions",
                text: t!("End all sessions of this user"),
            });
            if stored["second_factor"] == true {
                acts.push(Button {
                    path: "reset-second-factor",
                    text: t!("Switch the second factor off…"),
                });
            }
        }
        acts
    }

    async fn below(app: &App, session: &Session, stored: &Value) -> Result<String> {
        let id = stored["id"].as_i64().unwrap_or_default();
        let open = session::of_user(app, id).await?;
        let shown = open.into_iter().map(|open| Shown::of(app, session, open));
        page::text(&Sessions {
            sessions: shown.collect(),
        })
    }
}

#[derive(Template)]
#[template(path = "sessions.html")]
struct Sessions {
    sessions: Vec<Shown>,
}

/// The user of the address, for somebody who may change him.
async fn named(
    console: &Console,
    params: &RawPathParams,
    session: &Session,
) -> Result<User, Failure> {
    let caller = &session.caller;
    caller.require(Right::Change(Thing::User))?;
    let key = record::key(params).ok_or(Error::NotFound)?;
    let user = resource::fetch::<Users>(&console.app, caller, key).await?;
    user::check_changeable(caller, &user)?;
    Ok(user)
}

/// `POST /users/{id}/end-sessions`.
pub async fn end_sessions(
    State(console): State<Arc<Console>>,
    params: RawPathParams,
    form: Form,
) -> Result<Response, Failure> {
    let app = &console.app;
    let user = named(&console, &params, &form.session).await?;
    let mut tx = Writing::begin(app).await?;
    session::end_of_user(&mut tx, user.id, None).await?;
    let caller = &form.session.caller;
    session::write_end(&mut tx, app.clock.now(), caller, &user.username).await?;
    tx.commit(app).await?;
    let place = Place::sent(&Users::VIEW, &form.fields);
    Ok(Redirect::to(&place.done("ended")).into_response())
}

/// `POST /users/{id}/reset-second-factor`, when it was said to be sure.
pub async fn reset_second_factor(
    State(console): State<Arc<Console>>,
    params: RawPathParams,
    form: Form,
) -> Result<Response, Failure> {
    let user = named(&console, &params, &form.session).await?;
    let place = Place::sent(&Users::VIEW, &form.fields);
    if form.fields.text("sure") == "yes" {
        user::reset_second_factor(&console.app, &form.session.caller, &user).await?;
        return Ok(Redirect::to(&place.done("saved")).into_response());
    }
    let question = Question {
        heading: t!(
            "Switch the second factor of {name} off?",
            name = user.username
        ),
        consequence: t!(
            "The password alone lets this user in then. Be sure that it is the user who asks for it."
        ),
        button: t!("Switch it off"),
        address: format!("/users/{}/reset-second-factor", user.id),
        back: place.along(&format!("/users/{}", user.id)),
        place,
    };
    confirm::ask::<Users>(&form.session, question)
}

impl Listed for Roles {
    const VIEW: View = View {
        name: "roles",
        title: t!("Roles"),
        new: t!("New role"),
        remove: t!("Remove this role"),
        columns: &[
            Column::new(t!("Name"), &["name"]).by("name"),
            Column::new(t!("Kind"), &["built_in"])
                .by("built_in")
                .words(Words::Of(&[("true", t!("Built in")), ("false", t!("Own"))])),
            Column::new(t!("Users"), &["users"]).by("users").number(),
            Column::new(t!("Areas"), &["areas.area_name"]),
            Column::new(t!("Departments"), &["departments.dept_name"]),
        ],
        filters: &[],
        order: "id",
        empty: Text::none(),
        opens: true,
        removal: Some(t!(
            "Roles that users have stay, and so do the built-in ones."
        )),
    };
    const NAMED_BY: usize = 1;
}

impl Edited for Roles {
    const FORM: &'static [Group] = &[
        Group {
            title: t!("Role"),
            entries: &[Entry::new("name", t!("Name"), Asked::Text).required()],
        },
        rights::LIMITED_TO,
        Group {
            title: t!("May do"),
            entries: &[Entry::new("rights", t!("Rights"), Asked::Rights).initially("viewer")],
        },
    ];

    fn may_edit(caller: &Caller, stored: Option<&Value>) -> bool {
        let is_fixed =
            stored.is_some_and(|stored| stored["built_in"] == true || stored["is_above"] == true);
        caller.may(Right::Change(Thing::Role)) && !is_fixed
    }
}
