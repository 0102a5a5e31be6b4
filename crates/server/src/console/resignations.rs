//! The resignations' page: who left, when and why.

use crate::console::table::{Asked, Column, Filter, Listed, View, Words};
use crate::resources::resignation::Resignation;

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
            asked: Asked::OneOf(KINDS),
        }],
        order: "-resign_date",
        empty: "Who leaves the company is resigned, and leaves the terminals on that day.",
        opens: false,
        removal: None,
    };
}
