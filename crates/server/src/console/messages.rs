//! The pages of messages that terminals show, to everybody at one terminal or to one person, and the
//! forms of one.

use crate::console::record::{Asked, Edited, Entry, Group};
use crate::console::table::{self, Column, Filter, Listed, View};
use crate::language::Text;
use crate::resources::private_message::PrivateMessage;
use crate::resources::public_message::PublicMessage;

const CONTENT: Column = Column::new(t!("Text"), &["content"]);
const FROM: Column = Column::new(t!("From"), &["start_time"]).by("start_time");
const MINUTES: Column = Column::new(t!("Minutes"), &["duration"])
    .by("duration")
    .number();
const SENT: Column = Column::new(t!("Sent"), &["last_send"]).by("last_send");
/// What both kinds ask.
const TEXT: Group = Group {
    title: t!("Message"),
    entries: &[
        Entry::new("content", t!("Text"), Asked::Text)
            .required()
            .hint(t!("On one line. A terminal shows at most 320 bytes of it.")),
        Entry::new("start_time", t!("From"), Asked::Moment)
            .required()
            .hint(t!("By the terminal's clock.")),
        Entry::new("duration", t!("Minutes"), Asked::Number)
            .required()
            .initially("60"),
    ],
};
const REMOVAL: Option<Text> = Some(t!("Terminals stop showing them."));

/// What zone the times of messages are of.
fn times(zone: &str) -> String {
    t!(
        "A message begins by each terminal's own clock; when it was sent is told in {zone}, this server's zone.",
        zone = zone
    )
}

impl Listed for PublicMessage {
    const VIEW: View = View {
        name: "public-messages",
        title: t!("Public messages"),
        new: t!("New message"),
        remove: t!("Remove this message"),
        columns: &[
            Column::new(t!("Serial number"), &["terminal_sn"]).by("terminal_sn"),
            Column::new(t!("Terminal"), &["terminal_alias"]).by("terminal_alias"),
            CONTENT,
            FROM,
            MINUTES,
            SENT,
        ],
        filters: &[],
        order: "-id",
        empty: t!("A message is shown at its terminal for its time."),
        opens: true,
        removal: REMOVAL,
    };

    const TIMES: Option<fn(&str) -> String> = Some(times);
}

impl Listed for PrivateMessage {
    const VIEW: View = View {
        name: "private-messages",
        title: t!("Private messages"),
        new: t!("New message"),
        remove: t!("Remove this message"),
        columns: &[
            Column::new(t!("Code"), &["emp_code"]).by("emp_code"),
            Column::new(t!("Name"), &["first_name", "last_name"]).by("first_name"),
            CONTENT,
            FROM,
            MINUTES,
            SENT,
        ],
        filters: &[Filter {
            name: "emp_code",
            label: t!("Code"),
            asked: table::Asked::Text,
        }],
        order: "-id",
        empty: t!("A message is shown to its person at the terminals, when he punches."),
        opens: true,
        removal: REMOVAL,
    };

    const TIMES: Option<fn(&str) -> String> = Some(times);
}

impl Edited for PublicMessage {
    const FORM: &'static [Group] = &[
        Group {
            title: t!("Where"),
            entries: &[Entry::new("terminal", t!("Terminal"), Asked::Terminal)
                .required()
                .hint(t!("An access controller shows no messages."))],
        },
        TEXT,
    ];
}

impl Edited for PrivateMessage {
    const FORM: &'static [Group] = &[
        Group {
            title: t!("To whom"),
            entries: &[Entry::new("employee", t!("Code"), Asked::Person("emp_code")).required()],
        },
        TEXT,
    ];
}
