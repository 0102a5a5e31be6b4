//! The terminals' page: their state and counts, the form of one, and what can be done with them.

use crate::console::act::Act;
use crate::console::record::{Asked, Edited, Entry, Group};
use crate::console::table::{self, Column, Filter, Listed, View, Words};
use crate::relation::AREA;
use crate::routes::Endpoint;
use crate::terminals::terminal::{self, Terminal};

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

    const ROWS: &'static str = "terminals";

    fn endpoints() -> Vec<Endpoint> {
        terminal::endpoints()
    }

    const ACTS: &'static [Act] = &[
        Act::new(
            "sync_data_to_device",
            "Send its people again",
            "It is told everybody who belongs there once more, with templates and photos, known or not.",
        )
        .done(QUEUED),
        Act::new(
            "upload_transaction",
            "Collect punches again",
            "It sends its punches once more. What is here already is not doubled. Without days it sends all it \
             has kept.",
        )
        .asks(&[
            Entry::new("start_time", "From", Asked::Day),
            Entry::new("end_time", "Until", Asked::Day).hint("By the terminal's clock, that day included."),
        ])
        .done(QUEUED),
        Act::new(
            "upload_all",
            "Collect everything again",
            "It sends its people, templates, pictures and punches once more. What is here already is not doubled.",
        )
        .done(QUEUED),
        Act::new(
            "set_time",
            "Set its clock",
            "Its clock is set to the time of its zone at the moment it asks.",
        )
        .done(QUEUED),
        Act::new(
            "enroll_remotely",
            "Enrol somebody",
            "The terminal asks the person, who stands before it, for a finger, a face or a palm.",
        )
        .asks(&[
            Entry::new("emp_code", "Code", Asked::Person("emp_code"))
                .required()
                .hint("Somebody the terminal knows already."),
            Entry::new("bio_type", "What", Asked::OneOf(ENROLLED)).required(),
            Entry::new("finger", "Which finger", Asked::OneOf(FINGERS)).hint("For a finger alone."),
        ])
        .done(QUEUED),
        Act::new(
            "unlock_terminal",
            "Open the door",
            "Whoever stands there gets in. It is done within a minute or not at all.",
        )
        .asks(&[
            Entry::new("door", "Door", Asked::Number).hint("Of an access controller: 1 unless given."),
            Entry::new("seconds", "Seconds", Asked::Number).hint("Of an access controller: 5 unless given."),
        ])
        .done(QUEUED),
        Act::new(
            "reboot",
            "Restart",
            "It is away for a minute or two, and keeps everything.",
        )
        .done(QUEUED),
        Act::new(
            "clear_command",
            "Cancel what it was not told yet",
            "Commands that are still queued are taken back. What it was given already is not.",
        )
        .done("The queued commands are cancelled."),
        Act::new(
            "ip_port_update_to_device",
            "Point it at another server",
            "It calls another address from then on, and this server hears nothing of it any more. One that was told \
             wrong is only found again at its own menu.",
        )
        .asks(&[
            Entry::new("ip", "Address or name", Asked::Text),
            Entry::new("port", "Port", Asked::Number),
        ])
        .typed("sn")
        .done(QUEUED),
        Act::new(
            "clear_capture",
            "Delete its photos of punches",
            "The photos it took at punches are deleted there. Those that were sent stay here.",
        )
        .typed("sn")
        .done(QUEUED),
        Act::new(
            "clear_all",
            "Empty it",
            "All people, templates, pictures and punches on it are deleted. What it has not sent is lost. It stays \
             empty until its people are sent again.",
        )
        .typed("sn")
        .done(QUEUED),
    ];
}

const QUEUED: &str = "queued. It happens when the terminal asks next, which the commands show.";
const ENROLLED: &[(&str, &str)] = &[
    ("1", "Finger"),
    ("2", "Face"),
    ("8", "Palm"),
    ("5", "Finger vein"),
    ("9", "Face in visible light"),
];
const FINGERS: &[(&str, &str)] = &[
    ("6", "Right index"),
    ("5", "Right thumb"),
    ("7", "Right middle"),
    ("8", "Right ring"),
    ("9", "Right little"),
    ("3", "Left index"),
    ("4", "Left thumb"),
    ("2", "Left middle"),
    ("1", "Left ring"),
    ("0", "Left little"),
];

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
