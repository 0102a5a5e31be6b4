//! The pages of messages that terminals show, to everybody at one terminal or to one person, and the
//! forms of one.

use crate::console::record::{Asked, Edited, Entry, Group};
use crate::console::table::{self, Column, Filter, Listed, View};
use crate::resources::private_message::PrivateMessage;
use crate::resources::public_message::PublicMessage;

const CONTENT: Column = Column::new("Text", &["content"]);
const FROM: Column = Column::new("From", &["start_time"]).by("start_time");
const MINUTES: Column = Column::new("Minutes", &["duration"])
    .by("duration")
    .number();
const SENT: Column = Column::new("Sent", &["last_send"]).by("last_send");
/// What both kinds ask.
const TEXT: Group = Group {
    title: "Message",
    entries: &[
        Entry::new("content", "Text", Asked::Text)
            .required()
            .hint("On one line. A terminal shows at most 320 bytes of it."),
        Entry::new("start_time", "From", Asked::Moment)
            .required()
            .hint("By the terminal's clock."),
        Entry::new("duration", "Minutes", Asked::Number)
            .required()
            .initially("60"),
    ],
};
const REMOVAL: Option<&str> = Some("Terminals stop showing them.");

impl Listed for PublicMessage {
    const VIEW: View = View {
        name: "public-messages",
        title: "Public messages",
        one: "message",
        columns: &[
            Column::new("Serial number", &["terminal_sn"]).by("terminal_sn"),
            Column::new("Terminal", &["terminal_alias"]).by("terminal_alias"),
            CONTENT,
            FROM,
            MINUTES,
            SENT,
        ],
        filters: &[],
        order: "-id",
        empty: "A message is shown at its terminal for its time.",
        opens: true,
        removal: REMOVAL,
    };
}

impl Listed for PrivateMessage {
    const VIEW: View = View {
        name: "private-messages",
        title: "Private messages",
        one: "message",
        columns: &[
            Column::new("Code", &["emp_code"]).by("emp_code"),
            Column::new("Name", &["first_name", "last_name"]).by("first_name"),
            CONTENT,
            FROM,
            MINUTES,
            SENT,
        ],
        filters: &[Filter {
            name: "emp_code",
            label: "Code",
            asked: table::Asked::Text,
        }],
        order: "-id",
        empty: "A message is shown to its person at the terminals, when he punches.",
        opens: true,
        removal: REMOVAL,
    };
}

impl Edited for PublicMessage {
    const FORM: &'static [Group] = &[
        Group {
            title: "Where",
            entries: &[Entry::new("terminal", "Terminal", Asked::Terminal)
                .required()
                .hint("An access controller shows no messages.")],
        },
        TEXT,
    ];
}

impl Edited for PrivateMessage {
    const FORM: &'static [Group] = &[
        Group {
            title: "To whom",
            entries: &[Entry::new("employee", "Code", Asked::Person("emp_code")).required()],
        },
        TEXT,
    ];
}
