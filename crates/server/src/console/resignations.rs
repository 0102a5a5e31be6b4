//! The resignations' page: who left, when and why; the form of one, and taking people back.

use crate::console::act::Act;
use crate::console::record::{Asked, Edited, Entry, Group};
use crate::console::table::{self, Column, Filter, Listed, View, Words};
use crate::language::Text;
use crate::resources::resignation::{self, Resignation};
use crate::routes::Endpoint;

const KINDS: &[(&str, Text)] = &[
    ("1", t!("Quit")),
    ("2", t!("Dismissed")),
    ("3", t!("Resigned")),
    ("4", t!("Transferred")),
    ("5", t!("Kept without salary")),
];

/// What a kind is called.
pub fn kind(kind: i16) -> String {
    let kind = kind.to_string();
    let word = KINDS.iter().find(|(value, _)| *value == kind);
    word.map_or(kind, |(_, word)| word.to_string())
}

impl Listed for Resignation {
    const VIEW: View = View {
        name: "resignations",
        title: t!("Resignations"),
        new: t!("New resignation"),
        remove: t!("Remove this resignation"),
        columns: &[
            Column::new(t!("Code"), &["employee.emp_code"]).by("emp_code"),
            Column::new(t!("Name"), &["employee.first_name", "employee.last_name"])
                .by("first_name"),
            Column::new(t!("On" as "a day"), &["resign_date"]).by("resign_date"),
            Column::new(t!("Kind"), &["resign_type"])
                .by("resign_type")
                .words(Words::Of(KINDS)),
            Column::new(t!("Reason"), &["reason"]),
            Column::new(t!("Reports until"), &["report_generation_end_date"]),
        ],
        filters: &[Filter {
            name: "resign_type",
            label: t!("Kind"),
            asked: table::Asked::OneOf(KINDS),
        }],
        order: "-resign_date",
        empty: t!("Who leaves the company is resigned, and leaves the terminals on that day."),
        opens: true,
        removal: Some(t!(
            "They are employed again as though they had never resigned, and nothing of it is kept. Who comes \
             back is better hired again."
        )),
    };

    const ROWS: &'static str = "resigns";

    fn endpoints() -> Vec<Endpoint> {
        resignation::endpoints()
    }

    const ACTS: &'static [Act] = &[
        Act::new(
            "rehire",
            t!("Hire again"),
            t!(
                "They are employed again from today on, and back on the terminals of their areas. The resignation is kept as \
             history."
            ),
        ),
        Act::new(
            "disable_att",
            t!("End their attendance"),
            t!("Their attendance ends with the employment."),
        ),
    ];
}

/// What is asked of somebody who leaves.
pub const RESIGNING: &[Entry] = &[
    Entry::new("resign_date", t!("On" as "a day"), Asked::Day)
        .required()
        .hint(t!("It may lie ahead: until then nothing changes.")),
    Entry::new("resign_type", t!("Kind"), Asked::OneOf(KINDS)).required(),
    Entry::new("reason", t!("Reason"), Asked::Lines),
    Entry::new(
        "report_generation_end_date",
        t!("Reports until"),
        Asked::Day,
    )
    .hint(t!("The day of the resignation unless given.")),
    Entry::new("disableatt", t!("Attendance ends, too"), Asked::Flag),
];

impl Edited for Resignation {
    const FORM: &'static [Group] = &[
        Group {
            title: t!("Who"),
            entries: &[
                Entry::new("employee", t!("Code"), Asked::Person("employee.emp_code"))
                    .required()
                    .fixed(),
            ],
        },
        Group {
            title: t!("Resignation"),
            entries: RESIGNING,
        },
    ];
}
