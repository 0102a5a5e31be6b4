//! The options in force: those that can be changed while the server runs, as a form, and all of them as a list.

use crate::access::{Right, Thing};
use crate::app::App;
use crate::config::{self, Explained, written};
use crate::console::Console;
use crate::console::failure::Failure;
use crate::console::form::{Fields, Form};
use crate::console::page::{self, Frame};
use crate::console::record::{Asked, Entry, Shown, shown};
use crate::console::session::Session;
use crate::error::{Error, Problem, Result};
use crate::language::Text;
use crate::settings;
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use std::sync::Arc;

pub const TITLE: Text = t!("Settings");

const YES_NO: Asked = Asked::OneOf(&[("true", t!("Yes")), ("false", t!("No"))]);

/// What is asked, by the name of the option, in groups.
const FORM: &[(Text, &[Entry])] = &[
    (
        t!("Terminals"),
        &[
            Entry::new(
                "terminals.admission",
                t!("Unknown terminals"),
                Asked::OneOf(&[
                    ("hold", t!("Held until they are authorised")),
                    ("open", t!("Served at once")),
                    ("closed", t!("Refused, and not listed")),
                ]),
            ),
            Entry::new(
                "terminals.max_waiting",
                t!("Most terminals that wait"),
                Asked::Number,
            ),
            Entry::new(
                "terminals.delay_s",
                t!("Seconds between two calls"),
                Asked::Number,
            ),
            Entry::new(
                "terminals.error_delay_s",
                t!("Seconds after a failure"),
                Asked::Number,
            ),
            Entry::new(
                "terminals.make_employees",
                t!("Make employees of unknown people"),
                YES_NO,
            ),
            Entry::new(
                "terminals.raise_privilege",
                t!("Terminals make administrators"),
                YES_NO,
            ),
            Entry::new(
                "terminals.check_every_h",
                t!("Hours between two checks"),
                Asked::Number,
            ),
        ],
    ),
    (
        t!("API"),
        &[
            Entry::new(
                "api.profile",
                t!("Dialect"),
                Asked::OneOf(&[
                    ("auto", t!("By the door of the login")),
                    ("easytimepro", t!("EasyTimePro: codes name things")),
                    ("biotime", t!("BioTime: ids name things")),
                ]),
            ),
            Entry::new("api.need_https", t!("HTTPS alone"), YES_NO),
            Entry::new("api.basic", t!("HTTP Basic"), YES_NO),
            Entry::new("api.query_token", t!("Token in the address"), YES_NO),
            Entry::new("api.page_cap", t!("Most rows of a page"), Asked::Number),
            Entry::new(
                "api.access_token_s",
                t!("Seconds an access token lives"),
                Asked::Number,
            ),
            Entry::new(
                "api.refresh_token_s",
                t!("Seconds a refresh token lives"),
                Asked::Number,
            ),
            Entry::new(
                "api.staff_token_s",
                t!("Seconds an employee's token lives"),
                Asked::Number,
            ),
        ],
    ),
    (
        t!("Signing in"),
        &[Entry::new(
            "console.need_second_factor",
            t!("A second factor for everybody"),
            YES_NO,
        )],
    ),
    (
        t!("The day"),
        &[Entry::new(
            "console.late_after",
            t!("Late is a first punch after"),
            Asked::Text,
        )],
    ),
    (
        t!("Backups"),
        &[
            Entry::new(
                "backup.every_h",
                t!("Hours between two backups"),
                Asked::Number,
            ),
            Entry::new("backup.keep", t!("Backups that are kept"), Asked::Number),
        ],
    ),
];

struct Group {
    title: Text,
    entries: Vec<Shown>,
    has_problems: bool,
}

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    frame: Frame,
    csrf: String,
    /// None for who may only look.
    groups: Vec<Group>,
    is_saved: bool,
    options: Vec<Explained>,
}

/// `GET /settings`.
pub async fn page(
    State(console): State<Arc<Console>>,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    session.caller.require(Right::View(Thing::Setting))?;
    let in_force = console.app.settings();
    let value = |entry: &Entry| written(&in_force.value(entry.name()));
    let groups = groups(&console.app, &session, value, value, &[]).await?;
    let is_saved = query.as_deref() == Some("done=saved");
    write(&console.app, &session, StatusCode::OK, groups, is_saved)
}

/// `POST /settings`: all of the form that was touched, or nothing. What was not stays as it is now, whoever changed it meanwhile.
pub async fn submit(State(console): State<Arc<Console>>, form: Form) -> Result<Response, Failure> {
    let (app, session, fields) = (&console.app, &form.session, &form.fields);
    session.caller.require(Right::Change(Thing::Setting))?;
    let typed = |entry: &Entry| fields.text(entry.name()).trim();
    let sent: Vec<(&'static str, &str)> = entries()
        .filter(|entry| fields.all(entry.name()).next().is_some())
        .filter(|entry| was(fields, entry).is_none_or(|was| was.trim() != typed(entry)))
        .map(|entry| (entry.name(), typed(entry)))
        .collect();
    match settings::change(app, &session.caller, &sent).await {
        Ok(()) => Ok(Redirect::to("/settings?done=saved").into_response()),
        Err(Error::Invalid(problems)) => {
            let value = |entry: &Entry| fields.text(entry.name()).to_owned();
            let was = |entry: &Entry| was(fields, entry).unwrap_or_default().to_owned();
            let groups = groups(app, session, value, was, &problems).await?;
            write(
                app,
                session,
                StatusCode::UNPROCESSABLE_ENTITY,
                groups,
                false,
            )
        }
        Err(error) => Err(error.into()),
    }
}

/// What a field was shown with.
fn was<'f>(fields: &'f Fields, entry: &Entry) -> Option<&'f str> {
    fields.all(&entry.was()).last()
}

fn entries() -> impl Iterator<Item = &'static Entry> {
    FORM.iter().flat_map(|(_, entries)| *entries)
}

/// What the caller may change, with what stands in each field.
async fn groups(
    app: &App,
    session: &Session,
    value: impl Fn(&Entry) -> String,
    was: impl Fn(&Entry) -> String,
    problems: &[Problem],
) -> Result<Vec<Group>> {
    let mut groups = Vec::new();
    if !session.caller.may(Right::Change(Thing::Setting)) {
        return Ok(groups);
    }
    for (title, asked) in FORM {
        let mut entries = Vec::new();
        for entry in asked.iter().filter(|entry| !app.config.fixes(entry.name())) {
            let values = [value(entry)];
            let field = shown(app, &session.caller, entry, &values, problems).await?;
            entries.push(Shown {
                hint: config::purpose(entry.name()),
                was: Some(was(entry)),
                ..field
            });
        }
        if !entries.is_empty() {
            groups.push(Group {
                title: *title,
                has_problems: entries.iter().any(|entry| !entry.problems.is_empty()),
                entries,
            });
        }
    }
    Ok(groups)
}

fn write(
    app: &App,
    session: &Session,
    status: StatusCode,
    groups: Vec<Group>,
    is_saved: bool,
) -> Result<Response, Failure> {
    page::html(
        status,
        &SettingsPage {
            frame: Frame::of(TITLE, session),
            csrf: session.csrf.clone(),
            groups,
            is_saved,
            options: app.settings().explained().map_err(Error::from)?,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::entries;
    use crate::config::Config;
    use crate::console::record::Entry;
    use crate::settings::CHANGEABLE;

    #[test]
    fn everything_that_can_be_changed_is_asked_once() {
        let mut asked: Vec<_> = entries().map(Entry::name).collect();
        asked.sort_unstable();
        let mut changeable: Vec<_> = CHANGEABLE.iter().map(|option| option.name).collect();
        changeable.sort_unstable();
        assert_eq!(asked, changeable);
        // And is an option.
        for name in changeable {
            let _ = Config::default().value(name);
        }
    }
}
