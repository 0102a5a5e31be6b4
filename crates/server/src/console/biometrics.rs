//! The biometrics' page: which templates there are of whom, and where they came from. Templates
//! themselves are never shown.

use crate::console::table::{Asked, Column, Filter, Listed, View, Words};
use crate::resources::biodata::Biodata;

const KINDS: &[(&str, &str)] = &[
    ("1", "Fingerprint"),
    ("2", "Face"),
    ("5", "Finger vein"),
    ("8", "Palm"),
    ("9", "Visible-light face"),
];

/// What a kind is called.
pub fn kind(kind: &str) -> &str {
    let word = KINDS.iter().find(|(value, _)| *value == kind);
    word.map_or(kind, |(_, word)| word)
}

impl Listed for Biodata {
    const VIEW: View = View {
        name: "biometrics",
        title: "Biometrics",
        one: "template",
        columns: &[
            Column::new("Code", &["employee"]).by("employee"),
            Column::new("Kind", &["bio_type"])
                .by("bio_type")
                .words(Words::Of(KINDS)),
            Column::new("Number", &["bio_no"]).by("bio_no").number(),
            Column::new("Algorithm", &["major_ver"]).by("major_ver"),
            Column::new("From", &["sn"]).by("sn"),
            Column::new("Changed", &["update_time"]).by("update_time"),
        ],
        filters: &[
            Filter {
                name: "employee",
                label: "Code",
                asked: Asked::Text,
            },
            Filter {
                name: "bio_type",
                label: "Kind",
                asked: Asked::OneOf(KINDS),
            },
        ],
        order: "employee",
        empty: "Who is enrolled at a terminal comes here, and to the other terminals of the same areas.",
        opens: false,
        removal: Some(
            "They are deleted here and on the terminals. The people stay, and are enrolled anew when they \
             need it.",
        ),
    };
}
