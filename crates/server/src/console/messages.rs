//! The pages of messages that terminals show: to everybody at one terminal, or to one person.

use crate::console::table::{Asked, Column, Filter, Listed, View};
use crate::resources::private_message::PrivateMessage;
use crate::resources::public_message::PublicMessage;

const CONTENT: Column = Column::new("Text", &["content"]);
const FROM: Column = Column::new("From", &["start_time"]).by("start_time");
const MINUTES: Column = Column::new("Minutes", &["duration"])
    .by("duration")
    .number();
const SENT: Column = Column::new("Sent", &["last_send"]).by("last_send");
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
        empty: "A message made through the API is shown at its terminal for its time.",
        opens: false,
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
            asked: Asked::Text,
        }],
        order: "-id",
        empty: "A message made through the API is shown to its person at the terminals, when he punches.",
        opens: false,
        removal: REMOVAL,
    };
}
