//! The terminals' page: their state and counts, and the form of one.

use crate::console::record::{Asked, Edited, Entry, Group};
use crate::console::table::{self, Column, Filter, Listed, View, Words};
use crate::relation::AREA;
use crate::terminals::terminal::Terminal;

impl Listed for Terminal {
    const VIEW: View = View {
        name: "terminals",
        title: "Terminals",
        one: "terminal",
        columns: &[
            Column::new("Serial number", &["sn"]).by("sn"),
            Column::new("Alias", &["alias"]).by("alias"),
            Column::new("State", &["state"]).words(Words::State(&[
                ("1", "Online", true),
                ("0", "Offline", false),
            ])),
            Column::new("Area", &["area.area_name"]).by("area_name"),
            Column::new("Last contact", &["last_activity"]).by("last_activity"),
            Column::new("Address", &["ip_address"]).by("ip_address"),
            Column::new("Model", &["terminal_name"]).by("terminal_name"),
            Column::new("Firmware", &["fw_ver"]).by("fw_ver"),
            Column::new("People", &["user_count"])
                .by("user_count")
                .number(),
            Column::new("Fingers", &["fp_count"])
                .by("fp_count")
                .number(),
            Column::new("Faces", &["face_count"])
                .by("face_count")
                .number(),
            Column::new("Punches", &["transaction_count"])
                .by("transaction_count")
                .number(),
        ],
        filters: &[
            Filter {
                name: "area",
                label: "Area",
                asked: table::Asked::Related(AREA),
            },
            Filter {
                name: "state",
                label: "State",
                asked: table::Asked::OneOf(&[("1", "Online"), ("0", "Offline")]),
            },
        ],
        order: "alias",
        empty: "Point one at this server: the live page says what to type. It shows up by itself.",
        opens: true,
        removal: Some(
            "What waits for them is cancelled. Their punches stay. One that goes on calling comes back \
             as a new one that waits.",
        ),
    };
}

impl Edited for Terminal {
    const FORM: &'static [Group] = &[
        Group {
            title: "Terminal",
            entries: &[
                Entry::new("sn", "Serial number", Asked::Text)
                    .required()
                    .fixed()
                    .hint("As the terminal sends it: Menu → System Info."),
                Entry::new("alias", "Alias", Asked::Text).required(),
                Entry::new("area", "Area", Asked::Related(AREA))
                    .required()
                    .hint("In “Not Authorized” it is held: it keeps its punches and gets nothing."),
                Entry::new("ip_address", "IP address", Asked::Text).required(),
                Entry::new(
                    "transfer_interval",
                    "Minutes between transfers",
                    Asked::Number,
                ),
            ],
        },
        Group {
            title: "Clock",
            entries: &[Entry::new("zone_name", "Time zone", Asked::Text)
                .hint("Such as Europe/Berlin: daylight saving is right then.")],
        },
    ];
}
