//! What was done, by whom: the list, and each deed with what it changed.

use crate::access::{Caller, Right, Thing};
use crate::audit::Audit;
use crate::console::Console;
use crate::console::failure::Failure;
use crate::console::page::{self, Frame};
use crate::console::record::key;
use crate::console::session::Session;
use crate::console::table::{self, Column, Filter, Listed, View, Words, text_at};
use crate::error::Error;
use crate::resource::{self, Resource};
use askama::Template;
use axum::extract::{RawPathParams, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;
use std::sync::Arc;

const KINDS: &[(&str, &str)] = &[
    ("user", "User"),
    ("client", "API client"),
    ("employee", "Employee"),
    ("system", "The server"),
];
const ACTIONS: &[(&str, &str)] = &[
    ("create", "Made"),
    ("update", "Changed"),
    ("delete", "Removed"),
    ("login", "Signed in"),
    ("logout", "Signed out"),
    ("login_refused", "Sign-in refused"),
    ("password", "Password changed"),
    ("second_factor", "Second factor changed"),
    ("end_sessions", "Sessions ended"),
    ("revoke", "Revoked"),
    ("authorise", "Authorised"),
    ("photo", "Photo changed"),
    ("resign", "Resigned"),
    ("cancel", "Cancelled"),
    ("resync", "Brought again"),
    ("upload", "Asked for again"),
];
const THINGS: &[(&str, &str)] = &[
    ("employee", "Employee"),
    ("department", "Department"),
    ("area", "Area"),
    ("position", "Position"),
    ("location", "Location"),
    ("resignation", "Resignation"),
    ("terminal", "Terminal"),
    ("command", "Command"),
    ("biodata", "Biometrics"),
    ("public message", "Public message"),
    ("private message", "Private message"),
    ("user", "User"),
    ("role", "Role"),
    ("client", "API client"),
];

impl Listed for Audit {
    const VIEW: View = View {
        name: "audit",
        title: "Audit",
        one: "deed",
        columns: &[
            Column::new("When", &["time"]).by("id"),
            Column::new("Who", &["actor"]).by("actor"),
            Column::new("Kind", &["actor_kind"]).words(Words::Of(KINDS)),
            Column::new("What", &["action"])
                .by("action")
                .words(Words::Of(ACTIONS)),
            Column::new("To what", &["thing"])
                .by("thing")
                .words(Words::Of(THINGS)),
            Column::new("Which", &["thing_id"]),
            Column::new("Changed", &["brief"]),
            Column::new("From", &["address"]),
        ],
        filters: &[
            Filter {
                name: "actor",
                label: "Who",
                asked: table::Asked::Text,
            },
            Filter {
                name: "action",
                label: "What",
                asked: table::Asked::OneOf(ACTIONS),
            },
            Filter {
                name: "thing",
                label: "To what",
                asked: table::Asked::OneOf(THINGS),
            },
            Filter {
                name: "thing_id",
                label: "Which",
                asked: table::Asked::Text,
            },
            Filter {
                name: "start_time",
                label: "From",
                asked: table::Asked::Day,
            },
            Filter {
                name: "end_time",
                label: "Until",
                asked: table::Asked::Day,
            },
        ],
        order: "-id",
        empty: "Whatever is changed, and whoever signs in, stands here.",
        opens: true,
        removal: None,
    };

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
    facts: Vec<(&'static str, String)>,
    /// All deeds to the same thing.
    others: String,
    changes: Vec<Change>,
}

/// `GET /audit/{id}`.
pub async fn page(
    State(console): State<Arc<Console>>,
    params: RawPathParams,
    session: Session,
) -> Result<Response, Failure> {
    let (app, caller) = (&console.app, &session.caller);
    caller.require(Right::View(Thing::Audit))?;
    let row = resource::fetch::<Audit>(app, caller, key(&params).ok_or(Error::NotFound)?).await?;
    let shown = Audit::show(app, caller, vec![row]).await?;
    let row = shown.into_iter().next().ok_or(Error::NotFound)?;
    let text = |member: &str| text_at(&row, member).unwrap_or_default();
    let word = |words: &[(&str, &str)], member: &str| {
        let plain = text(member);
        let word = words.iter().find(|(value, _)| *value == plain);
        word.map_or(plain, |(_, word)| (*word).to_owned())
    };
    let side = |change: &Value, side: &str| text_at(change, side).unwrap_or_default();
    let changes = row["changes"].as_array().map(Vec::as_slice);
    let others = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("thing", &text("thing"))
        .append_pair("thing_id", &text("thing_id"))
        .finish();
    let heading = format!(
        "{}: {} {}",
        word(ACTIONS, "action"),
        word(THINGS, "thing"),
        text("thing_id")
    );
    page::html(
        StatusCode::OK,
        &DeedPage {
            frame: Frame::of(Audit::VIEW.title, &session).about(&heading),
            heading,
            facts: vec![
                ("When", text("time")),
                ("Who", text("actor")),
                ("Kind", word(KINDS, "actor_kind")),
                ("From", text("address")),
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
        },
    )
}
