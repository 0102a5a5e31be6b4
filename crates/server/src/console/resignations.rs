//! The resignations' page: who left, when and why; the form of one, and taking people back.

use crate::console::act::Act;
use crate::console::record::{Asked, Edited, Entry, Group};
use crate::console::table::{self, Column, Filter, Listed, View, Words};
use crate::resources::resignation::{self, Resignation};
use crate::routes::Endpoint;

const KINDS: &[(&str, &str)] = &[
    ("1", "Quit"),
    ("2", "Dismissed"),
    ("3", "Resigned"),
    ("4", "Transferred"),
    ("5", "Kept without salary"),
];

/// What a kind is called.
pub fn kind(kind: i16) -> String {
    let kind = kind.to_string();
    let word = KINDS.iter().find(|(value, _)| *value == kind);
    word.map_or(kind, |(_, word)| (*word).to_owned())
}

impl Listed for Resignation {
    const VIEW: View = View {
        name: "resignations",
        title: "Resignations",
        one: "resignation",
        columns: &[
            Column::new("Code", &["employee.emp_code"]).by("emp_code"),
            Column::new("Name", &["employee.first_name", "employee.last_name"]).by("first_name"),
            Column::new("On", &["resign_date"]).by("resign_date"),
            Column::new("Kind", &["resign_type"])
                .by("resign_type")
                .words(Words::Of(KINDS)),
            Column::new("Reason", &["reason"]),
            Column::new("Reports until", &["report_generation_end_date"]),
        ],
        filters: &[Filter {
            name: "resign_type",
            label: "Kind",
            asked: table::Asked::OneOf(KINDS),
        }],
        order: "-resign_date",
        empty: "Who leaves the company is resigned, and leaves the terminals on that day.",
        opens: true,
        removal: Some(
            "They are employed again as though they had never resigned, and nothing of it is kept. Who comes \
             back is better hired again.",
        ),
    };

    const ROWS: &'static str = "resigns";

    fn endpoints() -> Vec<Endpoint> {
        resignation::endpoints()
    }

    const ACTS: &'static [Act] = &[
        Act::new(
            "rehire",
            "Hire again",
            "They are employed again from today on, and back on the terminals of their areas. The resignation is kept as \
             history.",
        ),
        Act::new(
            "disable_att",
            "End their attendance",
            "Their attendance ends with the employment.",
        ),
    ];
}

/// What is asked of somebody who leaves.
pub const RESIGNING: &[Entry] = &[
    Entry::new("resign_date", "On", Asked::Day)
        .required()
        .hint("It may lie ahead: until then nothing changes."),
    Entry::new("resign_type", "Kind", Asked::OneOf(KINDS)).required(),
    Entry::new("reason", "Reason", Asked::Lines),
    Entry::new("report_generation_end_date", "Reports until", Asked::Day)
        .hint("The day of the resignation unless given."),
    Entry::new("disableatt", "Attendance ends, too", Asked::Flag),
];

impl Edited for Resignation {
    const FORM: &'static [Group] = &[
        Group {
            title: "Who",
            entries: &[
                Entry::new("employee", "Code", Asked::Person("employee.emp_code"))
                    .required()
                    .fixed(),
            ],
        },
        Group {
            title: "Resignation",
            entries: RESIGNING,
        },
    ];
}
