//! The pages of those who run the server: users, and the roles that say what they may do.

use crate::access::{Caller, Right, Thing};
use crate::accounts::role::Roles;
use crate::accounts::user::{self, User, Users};
use crate::app::App;
use crate::audit::{self, Deed};
use crate::console::Console;
use crate::console::confirm::{self, Question};
use crate::console::failure::Failure;
use crate::console::form::Form;
use crate::console::myself::Shown;
use crate::console::page;
use crate::console::record::{self, Asked, Button, Edited, Entry, Group};
use crate::console::rights;
use crate::console::session::{self, Session};
use crate::console::table::{self, Column, Filter, Listed, View, Words};
use crate::error::{Error, Result};
use crate::resource::{self, Resource};
use crate::writing::Writing;
use askama::Template;
use axum::extract::{RawPathParams, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::Value;
use std::sync::Arc;

impl Listed for Users {
    const VIEW: View = View {
        name: "users",
        title: "Users",
        one: "user",
        columns: &[
            Column::new("User name", &["username"]).by("username"),
            Column::new("E-mail", &["email"]).by("email"),
            Column::new("Role", &["role.name"]).by("role"),
            Column::new("State", &["active"])
                .by("active")
                .words(Words::State(&[
                    ("Yes", "May sign in", true),
                    ("No", "Shut out", false),
                ])),
            Column::new("Second factor", &["second_factor"])
                .by("second_factor")
                .words(Words::State(&[("Yes", "On", true), ("No", "Off", false)])),
            Column::new("Areas", &["areas.area_name"]),
            Column::new("Departments", &["departments.dept_name"]),
            Column::new("Last sign-in", &["last_login"]).by("last_login"),
            Column::new("Added", &["create_time"]).by("create_time"),
        ],
        filters: &[Filter {
            name: "active",
            label: "State",
            asked: table::Asked::OneOf(&[("true", "May sign in"), ("false", "Shut out")]),
        }],
        order: "username",
        empty: "",
        opens: true,
        removal: None,
    };
    const NAMED_BY: usize = 1;
}

impl Edited for Users {
    const FORM: &'static [Group] = &[Group {
        title: "User",
        entries: &[
            Entry::new("username", "User name", Asked::Text)
                .required()
                .fixed()
                .hint("It never changes: it stands in the audit."),
            Entry::new("email", "E-mail", Asked::Text)
                .hint("Can be typed at the sign-in in place of the name."),
            Entry::new("role", "Role", Asked::Role)
                .required()
                .hint("What the user may do, and where."),
            Entry::new("password", "Password", Asked::Secret)
                .required()
                .hint(
                    "At least 8 characters. A new one ends all that is signed in; left empty it stays as it is.",
                ),
            Entry::new("active", "May sign in", Asked::Flag).initially("true"),
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
                text: "End all sessions of this user",
            });
            if stored["second_factor"] == true {
                acts.push(Button {
                    path: "reset-second-factor",
                    text: "Switch the second factor off…",
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
    let deed = Deed {
        action: "end_sessions",
        thing: Users::NAME,
        thing_id: user.username,
        ..Deed::default()
    };
    audit::write(&mut tx, app.clock.now(), &form.session.caller, deed).await?;
    tx.commit(app).await?;
    Ok(Redirect::to("/users?done=ended").into_response())
}

/// `POST /users/{id}/reset-second-factor`, when it was said to be sure.
pub async fn reset_second_factor(
    State(console): State<Arc<Console>>,
    params: RawPathParams,
    form: Form,
) -> Result<Response, Failure> {
    let user = named(&console, &params, &form.session).await?;
    if form.fields.text("sure") == "yes" {
        user::reset_second_factor(&console.app, &form.session.caller, &user).await?;
        return Ok(Redirect::to("/users?done=saved").into_response());
    }
    let question = Question {
        heading: format!("Switch the second factor of {} off?", user.username),
        consequence: "The password alone lets this user in then. Be sure that it is the user who asks for it.",
        button: "Switch it off",
        address: format!("/users/{}/reset-second-factor", user.id),
        back: format!("/users/{}", user.id),
    };
    confirm::ask::<Users>(&form.session, question)
}

impl Listed for Roles {
    const VIEW: View = View {
        name: "roles",
        title: "Roles",
        one: "role",
        columns: &[
            Column::new("Name", &["name"]).by("name"),
            Column::new("Kind", &["built_in"])
                .by("built_in")
                .words(Words::Of(&[("Yes", "Built in"), ("No", "Own")])),
            Column::new("Users", &["users"]).by("users").number(),
            Column::new("Areas", &["areas.area_name"]),
            Column::new("Departments", &["departments.dept_name"]),
        ],
        filters: &[],
        order: "id",
        empty: "",
        opens: true,
        removal: Some("Roles that users have stay, and so do the built-in ones."),
    };
    const NAMED_BY: usize = 1;
}

impl Edited for Roles {
    const FORM: &'static [Group] = &[
        Group {
            title: "Role",
            entries: &[Entry::new("name", "Name", Asked::Text).required()],
        },
        rights::LIMITED_TO,
        Group {
            title: "May do",
            entries: &[Entry::new("rights", "Rights", Asked::Rights).initially("viewer")],
        },
    ];

    fn may_edit(caller: &Caller, stored: Option<&Value>) -> bool {
        let is_fixed =
            stored.is_some_and(|stored| stored["built_in"] == true || stored["is_above"] == true);
        caller.may(Right::Change(Thing::Role)) && !is_fixed
    }
}
