//! The pages of what passes between the server and its terminals: commands, what terminals hold of
//! people, and what they logged. A command that was not given yet is taken back here.

use crate::console::Console;
use crate::console::act;
use crate::console::failure::Failure;
use crate::console::form::Form;
use crate::console::record;
use crate::console::table::{Asked, Column, Filter, Listed, View, Words};
use crate::error::Error;
use crate::extract::Body;
use crate::terminals::command_list::{self, Listed as Commands};
use crate::terminals::holdings::Holdings;
use crate::terminals::operation_list::Operations;
use crate::terminals::unread_list::Unread;
use axum::extract::{RawPathParams, State};
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use std::sync::Arc;

/// Why a line was kept, and what that means.
const UNREADABLE: &[(&str, &str)] = &[
    ("too_few_fields", "Fields are missing"),
    ("missing_pin", "No PIN"),
    ("bad_pin", "The PIN is none"),
    ("bad_time", "The time is none"),
    ("bad_code", "A number is none"),
    ("missing_body", "Nothing in it"),
    ("no_picture", "The picture is none"),
    ("too_many", "Too many at once"),
    ("bad_shape", "Not as such lines are"),
    ("damaged", "Damaged"),
    ("packed", "Cannot be unpacked"),
    ("access_event", "An event of a door, and no punch"),
    ("not_applied", "Of a kind nothing is done with"),
    ("unknown_table", "A table nobody knows"),
    ("unknown_row", "A row nobody knows"),
];

const TERMINAL: Filter = Filter {
    name: "terminal_sn",
    label: "Serial number",
    asked: Asked::Text,
};
const SERIAL_NUMBER: Column = Column::new("Serial number", &["terminal_sn"]).by("terminal_sn");
const ALIAS: Column = Column::new("Terminal", &["terminal_alias"]).by("terminal_alias");

impl Listed for Commands {
    const VIEW: View = View {
        name: "commands",
        title: "Commands",
        one: "command",
        columns: &[
            Column::new("Queued", &["create_time"]).by("create_time"),
            SERIAL_NUMBER,
            ALIAS,
            Column::new("Command", &["command"]),
            Column::new("State", &["state"])
                .by("state")
                .words(Words::State(&[
                    ("queued", "Queued", false),
                    ("sent", "Sent", false),
                    ("done", "Done", true),
                    ("refused", "Refused", false),
                    ("expired", "Expired", false),
                    ("cancelled", "Cancelled", false),
                    ("lost", "Never answered", false),
                ])),
            Column::new("Meaning", &["return_code", "meaning"]).by("return_code"),
            Column::new("Sent", &["sent_time"]).by("sent_time"),
            Column::new("Answered", &["finish_time"]).by("finish_time"),
            Column::new("By", &["create_user"]).by("create_user"),
        ],
        filters: &[
            TERMINAL,
            Filter {
                name: "state",
                label: "State",
                asked: Asked::OneOf(&[
                    ("queued", "Queued"),
                    ("sent", "Sent"),
                    ("done", "Done"),
                    ("refused", "Refused"),
                    ("expired", "Expired"),
                    ("cancelled", "Cancelled"),
                    ("lost", "Never answered"),
                ]),
            },
        ],
        order: "-id",
        empty: "What terminals are told stands here, and what became of it.",
        opens: false,
        removal: None,
    };
}

impl Listed for Holdings {
    const VIEW: View = View {
        name: "holdings",
        title: "Who is where",
        one: "holding",
        columns: &[
            Column::new("Code", &["emp_code"]).by("emp_code"),
            SERIAL_NUMBER,
            ALIAS,
            Column::new("What", &["thing"]).by("thing"),
            Column::new("State", &["state"]).words(Words::State(&[
                ("confirmed", "Confirmed", true),
                ("own", "Brought by it", true),
                ("queued", "Queued", false),
                ("sent", "Sent", false),
                ("waits", "Tried again later", false),
                ("failed", "Failed", false),
                ("unknown", "Unknown", false),
            ])),
            Column::new("To be gone", &["is_removal"]),
            Column::new("Why not", &["return_code", "reason"]),
            Column::new("Shown last", &["shown_time"]).by("shown_time"),
            Column::new("Changed", &["change_time"]).by("change_time"),
        ],
        filters: &[
            Filter {
                name: "emp_code",
                label: "Code",
                asked: Asked::Text,
            },
            TERMINAL,
        ],
        order: "emp_code",
        empty: "What terminals hold of people stands here, and what of it failed and why.",
        opens: false,
        removal: None,
    };
}

impl Listed for Operations {
    const VIEW: View = View {
        name: "operations",
        title: "Operation log",
        one: "operation",
        columns: &[
            Column::new("Time", &["op_time"]).by("op_time"),
            SERIAL_NUMBER,
            ALIAS,
            Column::new("What", &["op", "meaning"]).by("op"),
            Column::new("Alarm", &["alarm"]),
            Column::new("By PIN", &["operator"]).by("operator"),
            Column::new("On", &["object_1", "object_2", "object_3", "object_4"]),
            Column::new("Received", &["upload_time"]).by("upload_time"),
        ],
        filters: &[
            Filter {
                name: "start_time",
                label: "From",
                asked: Asked::Day,
            },
            Filter {
                name: "end_time",
                label: "Until",
                asked: Asked::Day,
            },
            TERMINAL,
            Filter {
                name: "operator",
                label: "By PIN",
                asked: Asked::Text,
            },
        ],
        order: "-id",
        empty: "What was done at the terminals' menus stands here, and their alarms.",
        opens: false,
        removal: None,
    };
}

impl Listed for Unread {
    const VIEW: View = View {
        name: "unread",
        title: "Unread lines",
        one: "line",
        columns: &[
            Column::new("Received", &["upload_time"]).by("upload_time"),
            SERIAL_NUMBER,
            ALIAS,
            Column::new("Sent as", &["table"]).by("table"),
            Column::new("Why it was not read", &["reason"])
                .by("reason")
                .words(Words::Of(UNREADABLE)),
            Column::new("Times", &["times"]).by("times").number(),
        ],
        filters: &[
            TERMINAL,
            Filter {
                name: "reason",
                label: "Reason",
                asked: Asked::OneOf(UNREADABLE),
            },
        ],
        order: "-id",
        empty: "What terminals send and nobody can read is kept, and stands here.",
        opens: false,
        removal: None,
    };
}

/// `POST /commands/{id}/cancel`: its terminal is not given it any more.
pub async fn cancel(
    State(console): State<Arc<Console>>,
    params: RawPathParams,
    form: Form,
) -> Result<Response, Failure> {
    let id = record::key(&params).ok_or(Error::NotFound)?;
    let endpoints = command_list::endpoints();
    let cancel = (Method::POST, "cancel");
    let id = Some(("id", id));
    act::perform(
        &console.app,
        &form.session,
        &endpoints,
        cancel,
        id,
        Body::default(),
    )
    .await?;
    let terminal: i64 = form
        .fields
        .text("terminal")
        .parse()
        .map_err(|_| Error::NotFound)?;
    Ok(Redirect::to(&format!("/terminals/{terminal}")).into_response())
}
