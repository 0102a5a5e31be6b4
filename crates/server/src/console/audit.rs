//! What was done, by whom: the list, and each deed with what it changed.

use crate::access::{Caller, Right, Thing};
use crate::audit::Audit;
use crate::console::Console;
use crate::console::failure::Failure;
use crate::console::moment::by_the_server_and_clocks;
use crate::console::page::{self, Frame};
use crate::console::place::Place;
use crate::console::record::key;
use crate::console::session::Session;
use crate::console::table::{self, Column, Filter, Listed, View, Words, text_at};
use crate::error::Error;
use crate::language::Text;
use crate::resource::{self, Resource};
use askama::Template;
use axum::extract::{RawPathParams, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;
use std::sync::Arc;

const KINDS: &[(&str, Text)] = &[
    ("user", t!("User")),
    ("client", t!("API client")),
    ("employee", t!("Employee")),
    ("system", t!("The server")),
];
const ACTIONS: &[(&str, Text)] = &[
    ("create", t!("Made")),
    ("update", t!("Changed")),
    ("delete", t!("Removed")),
    ("login", t!("Signed in")),
    ("logout", t!("Signed out")),
    ("login_refused", t!("Sign-in refused")),
    ("password", t!("Password changed")),
    ("second_factor", t!("Second factor changed")),
    ("end_sessions", t!("Sessions ended")),
    ("revoke", t!("Revoked")),
    ("authorise", t!("Authorised")),
    ("photo", t!("Photo changed")),
    ("remove photo", t!("Photo taken away")),
    ("resign", t!("Resigned")),
    ("cancel", t!("Cancelled")),
    ("resync", t!("Brought again")),
    ("upload", t!("Asked for again")),
    ("rehire", t!("Hired again")),
    ("assign", t!("Assigned")),
    ("unassign", t!("Assignment taken back")),
    ("hide", t!("Hidden")),
    ("show", t!("Shown again")),
    ("backup", t!("Backed up")),
    ("archive", t!("Put away")),
    ("bring_back", t!("Brought back")),
    // What terminals are told, in the words of the page where it is asked for.
    ("sync_data_to_device", t!("Send its people again")),
    ("upload_transaction", t!("Collect punches again")),
    ("upload_all", t!("Collect everything again")),
    ("set_time", t!("Set its clock")),
    ("enroll_remotely", t!("Enrol somebody")),
    ("complete", t!("Filled in at a terminal")),
    ("unlock_terminal", t!("Open the door")),
    ("reboot", t!("Restart")),
    ("clear_command", t!("Cancel what it was not told yet")),
    ("ip_port_update_to_device", t!("Point it at another server")),
    ("clear_capture", t!("Delete its photos of punches")),
    ("clear_all", t!("Empty it")),
    ("delete templates", t!("Delete templates")),
];
const THINGS: &[(&str, Text)] = &[
    ("employee", t!("Employee")),
    ("department", t!("Department")),
    ("area", t!("Area")),
    ("position", t!("Position")),
    ("location", t!("Location")),
    ("resignation", t!("Resignation")),
    ("transaction", t!("Punch")),
    ("terminal", t!("Terminal")),
    ("command", t!("Command")),
    ("biodata", t!("Biometrics")),
    ("public message", t!("Public message")),
    ("private message", t!("Private message")),
    ("user", t!("User")),
    ("role", t!("Role")),
    ("client", t!("API client")),
    ("setting", t!("Settings")),
];

impl Listed for Audit {
    const VIEW: View = View {
        name: "audit",
        title: t!("Audit"),
        new: Text::none(),
        remove: Text::none(),
        columns: &[
            Column::new(t!("When"), &["time"]).by("id"),
            Column::new(t!("Who"), &["actor"]).by("actor"),
            Column::new(t!("Kind"), &["actor_kind"]).words(Words::Of(KINDS)),
            Column::new(t!("What"), &["action"])
                .by("action")
                .words(Words::Of(ACTIONS)),
            Column::new(t!("To what"), &["thing"])
                .by("thing")
                .words(Words::Of(THINGS)),
            Column::new(t!("Which"), &["thing_id"]),
            Column::new(t!("Changed"), &["brief"]).in_files(&["changed"]),
            Column::new(t!("From" as "an address"), &["address"]),
        ],
        filters: &[
            Filter {
                name: "actor",
                label: t!("Who"),
                asked: table::Asked::Text,
            },
            Filter {
                name: "action",
                label: t!("What"),
                asked: table::Asked::OneOf(ACTIONS),
            },
            Filter {
                name: "thing",
                label: t!("To what"),
                asked: table::Asked::OneOf(THINGS),
            },
            Filter {
                name: "thing_id",
                label: t!("Which"),
                asked: table::Asked::Text,
            },
            Filter {
                name: "start_time",
                label: t!("From"),
                asked: table::Asked::Day,
            },
            Filter {
                name: "end_time",
                label: t!("Until"),
                asked: table::Asked::Day,
            },
        ],
        order: "-id",
        empty: t!("Whatever is changed, and whoever signs in, stands here."),
        opens: true,
        removal: None,
    };

    const TIMES: Option<fn(&str) -> String> = Some(by_the_server_and_clocks);

    /// Deeds are done, not written.
    fn may_add(_caller: &Caller) -> bool {
        false
    }
}

struct Change {
    member: String,
    before: String,
    after: String,
}

#[derive(Template)]
#[template(path = "deed.html")]
struct DeedPage {
    frame: Frame,
    heading: String,
    place: Place,
    facts: Vec<(Text, String)>,
    /// All deeds to the same thing.
    others: String,
    changes: Vec<Change>,
    /// What zone the times are of.
    times: String,
}

/// `GET /audit/{id}`.
pub async fn page(
    State(console): State<Arc<Console>>,
    params: RawPathParams,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let (app, caller) = (&console.app, &session.caller);
    caller.require(Right::View(Thing::Audit))?;
    let row = resource::fetch::<Audit>(app, caller, key(&params).ok_or(Error::NotFound)?).await?;
    let shown = Audit::show(app, caller, vec![row]).await?;
    let row = shown.into_iter().next().ok_or(Error::NotFound)?;
    let text = |member: &str| text_at(&row, member).unwrap_or_default();
    let word = |words: &[(&str, Text)], member: &str| {
        let plain = text(member);
        let word = words.iter().find(|(value, _)| *value == plain);
        word.map_or(plain, |(_, word)| word.to_string())
    };
    let side = |change: &Value, side: &str| text_at(change, side).unwrap_or_default();
    let changes = row["changes"].as_array().map(Vec::as_slice);
    let others = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("thing", &text("thing"))
        .append_pair("thing_id", &text("thing_id"))
        .finish();
    let heading = t!(
        "{action}: {thing} {which}",
        action = word(ACTIONS, "action"),
        thing = word(THINGS, "thing"),
        which = text("thing_id"),
    );
    page::html(
        StatusCode::OK,
        &DeedPage {
            frame: Frame::of(Audit::VIEW.title, &session).about(&heading),
            heading,
            place: Place::told(&Audit::VIEW, query.as_deref()),
            facts: vec![
                (t!("When"), text("time")),
                (t!("Who"), text("actor")),
                (t!("Kind"), word(KINDS, "actor_kind")),
                (t!("From" as "an address"), text("address")),
            ],
            others,
            changes: changes
                .unwrap_or_default()
                .iter()
                .map(|change| Change {
                    member: side(change, "member"),
                    before: side(change, "before"),
                    after: side(change, "after"),
                })
                .collect(),
            times: by_the_server_and_clocks(app.zone.name()),
        },
    )
}
