//! The pages of what passes between the server and its terminals: commands, what terminals hold of
//! people, and what they logged. A command that was not given yet is taken back here.

use crate::access::Caller;
use crate::app::App;
use crate::console::Console;
use crate::console::act::{self, Act};
use crate::console::biometrics;
use crate::console::failure::Failure;
use crate::console::form::Form;
use crate::console::moment::{by_its_clock, by_the_clocks, by_the_server};
use crate::console::place::Place;
use crate::console::record;
use crate::console::table::{Asked, Column, Filter, Lamp, Listed, Said, View, Words};
use crate::console::ways::{self, Tells};
use crate::error::{Error, Result};
use crate::extract::Body;
use crate::language::Text;
use crate::resources::biodata;
use crate::routes::Endpoint;
use crate::terminals::command_list::{self, Listed as Commands};
use crate::terminals::holdings::{self, Holdings};
use crate::terminals::operation_list::{self, Operations};
use crate::terminals::terminal::Terminal;
use crate::terminals::unread_list::{self, Unread};
use axum::extract::{RawPathParams, State};
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use std::sync::Arc;

/// Why a line was kept, and what that means.
const UNREADABLE: &[(&str, Text)] = &[
    ("too_few_fields", t!("Fields are missing")),
    ("missing_pin", t!("No PIN")),
    ("bad_pin", t!("The PIN is none")),
    ("bad_time", t!("The time is none")),
    ("bad_code", t!("A number is none")),
    ("missing_body", t!("Nothing in it")),
    ("no_picture", t!("The picture is none")),
    ("too_many", t!("Too many at once")),
    ("bad_shape", t!("Not as such lines are")),
    ("damaged", t!("Damaged")),
    ("packed", t!("Cannot be unpacked")),
    ("access_event", t!("An event of a door, and no punch")),
    ("command_failed", t!("A command came to nothing")),
    ("not_applied", t!("Not taken over")),
    ("unknown_table", t!("A table nobody knows")),
    ("unknown_row", t!("A row nobody knows")),
];

/// What is not at its end yet, and what came to a bad one.
pub const OPEN: &str = "queued,sent";
pub const FAILED: &str = "refused,lost,expired";
/// Of things of people: what a terminal would not take, and is not being told again just now.
pub const NOT_TAKEN: &str = "waits,failed";

const TERMINAL: Filter = Filter {
    name: "terminal_sn",
    label: t!("Serial number"),
    asked: Asked::Text,
};
const SERIAL_NUMBER: Column = Column::new(t!("Serial number"), &["terminal_sn"])
    .by("terminal_sn")
    .leads(ways::TERMINAL);
const ALIAS: Column = Column::new(t!("Terminal"), &["terminal_alias"])
    .by("terminal_alias")
    .leads(ways::TERMINAL);

/// Of a row of a terminal.
fn of_terminal(id: i64) -> Tells<'static> {
    Tells {
        terminal: Some(id),
        ..Tells::default()
    }
}

impl Listed for Commands {
    const VIEW: View = View {
        name: "commands",
        title: t!("Commands"),
        new: Text::none(),
        remove: Text::none(),
        columns: &[
            Column::new(t!("Queued"), &["create_time"]).by("create_time"),
            SERIAL_NUMBER,
            ALIAS,
            Column::new(t!("Command"), &["command"]),
            Column::new(t!("State"), &["state"])
                .by("state")
                .words(Words::State(&[
                    ("queued", t!("Queued"), Lamp::Plain),
                    ("sent", t!("Sent"), Lamp::Plain),
                    ("done", t!("Done"), Lamp::Good),
                    ("refused", t!("Refused"), Lamp::Bad),
                    ("expired", t!("Expired"), Lamp::Bad),
                    ("cancelled", t!("Cancelled"), Lamp::Plain),
                    ("lost", t!("Never answered"), Lamp::Bad),
                ])),
            Column::new(t!("Meaning"), &["return_code", "meaning"]).by("return_code"),
            Column::new(t!("Sent"), &["sent_time"]).by("sent_time"),
            Column::new(t!("Answered"), &["finish_time"]).by("finish_time"),
            Column::new(t!("By"), &["create_user"]).by("create_user"),
        ],
        filters: &[
            TERMINAL,
            Filter {
                name: "create_time_start",
                label: t!("Queued from"),
                asked: Asked::Day,
            },
            Filter {
                name: "create_time_end",
                label: t!("Queued until"),
                asked: Asked::Day,
            },
            Filter {
                name: "state",
                label: t!("State"),
                asked: Asked::OneOf(&[
                    (OPEN, t!("Not at its end yet")),
                    (FAILED, t!("Ended badly")),
                    ("queued", t!("Queued")),
                    ("sent", t!("Sent")),
                    ("done", t!("Done")),
                    ("refused", t!("Refused")),
                    ("expired", t!("Expired")),
                    ("cancelled", t!("Cancelled")),
                    ("lost", t!("Never answered")),
                ]),
            },
        ],
        order: "-id",
        empty: t!("What terminals are told stands here, and what became of it."),
        opens: false,
        removal: None,
    };

    const TIMES: Option<fn(&str) -> String> = Some(by_the_server);
    const NAMED_BY: usize = 4;

    async fn said_to_people(
        app: &App,
        caller: &Caller,
        rows: &[command_list::Row],
    ) -> Result<Vec<Said>> {
        let tells = rows.iter().map(|row| of_terminal(row.terminal_id));
        ways::said(app, caller, &tells.collect::<Vec<_>>()).await
    }

    const ROWS: &'static str = "commands";

    fn endpoints() -> Vec<Endpoint> {
        command_list::endpoints()
    }

    const ACTS: &'static [Act] = &[Act::new(
        "cancel_several",
        t!("Take back"),
        t!("Their terminals are not given them any more. What was sent already is not taken back: then none of these is."),
    )
    .done(t!("they are cancelled."))];
}

/// `user`, `door`, `picture`, `photo TYPE` or `bio TYPE NUMBER INDEX`, in words.
fn thing(thing: &str) -> String {
    let (what, which) = thing.split_once(' ').unwrap_or((thing, ""));
    let (kind, place) = which.split_once(' ').unwrap_or((which, ""));
    let kind = match kind.parse() {
        Ok(wire_type) => biometrics::kind(&biodata::api_type(wire_type).to_string()),
        Err(_) => kind.to_owned(),
    };
    match what {
        "user" => t!("Record").into(),
        "door" => t!("Door").into(),
        "picture" => t!("Picture").into(),
        "photo" => t!("{kind}: photo", kind = kind),
        "bio" => format!("{kind} {place}"),
        _ => thing.to_owned(),
    }
}

impl Listed for Holdings {
    const VIEW: View = View {
        name: "holdings",
        title: t!("Who is where"),
        new: Text::none(),
        remove: Text::none(),
        columns: &[
            Column::new(t!("Code"), &["emp_code"])
                .by("emp_code")
                .leads(ways::PERSON),
            ways::NAME,
            SERIAL_NUMBER.spare(),
            ALIAS,
            Column::new(t!("What"), &["thing"])
                .by("thing")
                .words(Words::In(thing)),
            Column::new(t!("State"), &["state"]).words(Words::State(&[
                ("confirmed", t!("Confirmed"), Lamp::Good),
                ("own", t!("Brought by it"), Lamp::Good),
                ("queued", t!("Queued"), Lamp::Plain),
                ("sent", t!("Sent"), Lamp::Plain),
                ("waits", t!("Tried again later"), Lamp::Plain),
                ("failed", t!("Failed"), Lamp::Bad),
                ("unknown", t!("Unknown"), Lamp::Plain),
            ])),
            Column::new(t!("To be gone"), &["is_removal"]),
            Column::new(t!("Why not"), &["return_code", "reason"]),
            Column::new(t!("Shown last"), &["shown_time"]).by("shown_time"),
            Column::new(t!("Changed"), &["change_time"]).by("change_time"),
        ],
        filters: &[
            Filter {
                name: "emp_code",
                label: t!("Code"),
                asked: Asked::Text,
            },
            TERMINAL,
            Filter {
                name: "thing_icontains",
                label: t!("What"),
                asked: Asked::OneOf(&[
                    ("user", t!("Record")),
                    ("door", t!("Door")),
                    ("bio", t!("Biometrics")),
                    ("photo", t!("Photo")),
                    ("picture", t!("Picture")),
                ]),
            },
            Filter {
                name: "state",
                label: t!("State"),
                asked: Asked::OneOf(&[
                    (NOT_TAKEN, t!("Not taken by the terminal")),
                    ("confirmed", t!("Confirmed")),
                    ("own", t!("Brought by it")),
                    ("queued", t!("Queued")),
                    ("sent", t!("Sent")),
                    ("waits", t!("Tried again later")),
                    ("failed", t!("Failed")),
                    ("unknown", t!("Unknown")),
                ]),
            },
        ],
        order: "emp_code",
        empty: t!("What terminals hold of people stands here, and what of it failed and why."),
        opens: false,
        removal: None,
    };

    const TIMES: Option<fn(&str) -> String> = Some(by_the_server);

    async fn said_to_people(
        app: &App,
        caller: &Caller,
        rows: &[holdings::Row],
    ) -> Result<Vec<Said>> {
        let tells = rows.iter().map(|row| Tells {
            code: Some(&row.pin),
            ..of_terminal(row.terminal_id)
        });
        ways::said(app, caller, &tells.collect::<Vec<_>>()).await
    }
}

impl Listed for Operations {
    const VIEW: View = View {
        name: "operations",
        title: t!("Operation log"),
        new: Text::none(),
        remove: Text::none(),
        columns: &[
            Column::new(t!("Time"), &["op_time"]).by("op_time"),
            SERIAL_NUMBER,
            ALIAS,
            Column::new(t!("What"), &["op", "meaning"]).by("op"),
            Column::new(t!("Alarm"), &["alarm"]),
            Column::new(t!("By PIN"), &["operator"])
                .by("operator")
                .leads(ways::PERSON),
            ways::NAME,
            Column::new(
                t!("On" as "an object"),
                &["object_1", "object_2", "object_3", "object_4"],
            ),
            Column::new(t!("Received"), &["upload_time"]).by("upload_time"),
        ],
        filters: &[
            Filter {
                name: "start_time",
                label: t!("From"),
                asked: Asked::Day,
            },
            Filter {
                name: "end_time",
                label: t!("Until"),
                asked: Asked::Day,
            },
            TERMINAL,
            Filter {
                name: "operator",
                label: t!("By PIN"),
                asked: Asked::Text,
            },
        ],
        order: "-id",
        empty: t!("What was done at the terminals' menus stands here, and their alarms."),
        opens: false,
        removal: None,
    };

    const TIMES: Option<fn(&str) -> String> = Some(by_the_clocks);

    /// A terminal that is gone has taken its zone along.
    async fn said_to_people(
        app: &App,
        caller: &Caller,
        rows: &[operation_list::Row],
    ) -> Result<Vec<Said>> {
        let tells = rows.iter().map(|row| Tells {
            code: Some(&row.operator),
            terminal: row.terminal_id,
            ..Tells::default()
        });
        let mut said = ways::said(app, caller, &tells.collect::<Vec<_>>()).await?;
        for (said, row) in said.iter_mut().zip(rows) {
            if let Some((local, at)) = row.clock() {
                said.insert("op_time".to_owned(), by_its_clock(app, local, at).into());
            }
        }
        Ok(said)
    }
}

impl Listed for Unread {
    const VIEW: View = View {
        name: "unread",
        title: t!("Unread lines"),
        new: Text::none(),
        remove: Text::none(),
        columns: &[
            Column::new(t!("Received"), &["upload_time"]).by("upload_time"),
            SERIAL_NUMBER,
            ALIAS,
            Column::new(t!("Sent as"), &["table"]).by("table"),
            Column::new(t!("Why it was not read"), &["reason"])
                .by("reason")
                .words(Words::Of(UNREADABLE)),
            Column::new(t!("Times"), &["times"]).by("times").number(),
        ],
        filters: &[
            TERMINAL,
            Filter {
                name: "reason",
                label: t!("Reason"),
                asked: Asked::OneOf(UNREADABLE),
            },
        ],
        order: "-id",
        empty: t!("What terminals send and nobody can read is kept, and stands here."),
        opens: true,
        removal: None,
    };

    const TIMES: Option<fn(&str) -> String> = Some(by_the_server);

    /// Terminals send them.
    fn may_add(_caller: &Caller) -> bool {
        false
    }

    async fn said_to_people(
        app: &App,
        caller: &Caller,
        rows: &[unread_list::Row],
    ) -> Result<Vec<Said>> {
        let tells = rows.iter().map(|row| Tells {
            terminal: row.terminal_id,
            ..Tells::default()
        });
        ways::said(app, caller, &tells.collect::<Vec<_>>()).await
    }
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
    let place = Place::sent(&Terminal::VIEW, &form.fields);
    let to = place.along(&format!("/terminals/{terminal}"));
    Ok(Redirect::to(&to).into_response())
}
