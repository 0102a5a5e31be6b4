//! The pages of what passes between the server and its terminals: commands, what terminals hold of
//! people, and what they logged.

use crate::console::table::{Asked, Column, Filter, Listed, View, Words};
use crate::terminals::command_list::Listed as Commands;
use crate::terminals::holdings::Holdings;
use crate::terminals::operation_list::Operations;

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
