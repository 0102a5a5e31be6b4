//! The terminals' page: their state and counts, the form of one, and what can be done with them.

use crate::app::App;
use crate::console::act::Act;
use crate::console::record::{Asked, Edited, Entry, Group};
use crate::console::table::{self, Column, Filter, Listed, View, Words};
use crate::language::Text;
use crate::relation::AREA;
use crate::routes::Endpoint;
use crate::terminals::overview;
use crate::terminals::terminal::{self, Terminal};

/// A state that the API does not have.
const WAITING: &str = "waiting";

impl Listed for Terminal {
    const VIEW: View = View {
        name: "terminals",
        title: t!("Terminals"),
        new: t!("New terminal"),
        remove: t!("Remove this terminal"),
        columns: &[
            Column::new(t!("Serial number"), &["sn"]).by("sn"),
            Column::new(t!("Alias"), &["alias"]).by("alias"),
            Column::new(t!("State"), &["state"]).words(Words::State(&[
                ("1", t!("Online"), true),
                ("0", t!("Offline"), false),
                (WAITING, t!("Waiting"), false),
            ])),
            Column::new(t!("Area"), &["area.area_name"]).by("area_name"),
            Column::new(t!("Last contact"), &["last_activity"]).by("last_activity"),
            Column::new(t!("Address"), &["ip_address"]).by("ip_address"),
            Column::new(t!("Model"), &["terminal_name"]).by("terminal_name"),
            Column::new(t!("Firmware"), &["fw_ver"]).by("fw_ver"),
            Column::new(t!("People"), &["user_count"])
                .by("user_count")
                .number(),
            Column::new(t!("Fingers"), &["fp_count"])
                .by("fp_count")
                .number(),
            Column::new(t!("Faces"), &["face_count"])
                .by("face_count")
                .number(),
            Column::new(t!("Palms"), &["palm_count"])
                .by("palm_count")
                .number(),
            Column::new(t!("Punches"), &["transaction_count"])
                .by("transaction_count")
                .number(),
        ],
        filters: &[
            Filter {
                name: "area",
                label: t!("Area"),
                asked: table::Asked::Related(AREA),
            },
            Filter {
                name: "state",
                label: t!("State"),
                asked: table::Asked::OneOf(&[("1", t!("Online")), ("0", t!("Offline"))]),
            },
        ],
        order: "alias",
        empty: t!(
            "Point one at this server: the live page says what to type. It shows up by itself."
        ),
        opens: true,
        removal: Some(t!(
            "What waits for them is cancelled. Their punches stay. One that goes on calling comes back \
             as a new one that waits."
        )),
    };

    const ROWS: &'static str = "terminals";

    /// To programs one that waits is online when it calls, as the manual has it.
    fn said_to_people(app: &App, row: &terminal::Row) -> Option<(&'static str, &'static str)> {
        overview::waits(app.settings().terminals.admission, row.area_id)
            .then_some(("state", WAITING))
    }

    fn endpoints() -> Vec<Endpoint> {
        terminal::endpoints()
    }

    const ACTS: &'static [Act] = &[
        Act::new(
            "sync_data_to_device",
            t!("Send its people again"),
            t!("It is told everybody who belongs there once more, with templates and photos, known or not."),
        )
        .done(QUEUED),
        Act::new(
            "upload_transaction",
            t!("Collect punches again"),
            t!("It sends its punches once more. What is here already is not doubled. Without days it sends all it \
             has kept."),
        )
        .asks(&[
            Entry::new("start_time", t!("From"), Asked::Day),
            Entry::new("end_time", t!("Until"), Asked::Day).hint(t!("By the terminal's clock, that day included.")),
        ])
        .done(QUEUED),
        Act::new(
            "upload_all",
            t!("Collect everything again"),
            t!("It sends its people, templates, pictures and punches once more. What is here already is not doubled."),
        )
        .done(QUEUED),
        Act::new(
            "set_time",
            t!("Set its clock"),
            t!("Its clock is set to the time of its zone at the moment it asks."),
        )
        .done(QUEUED),
        Act::new(
            "enroll_remotely",
            t!("Enrol somebody"),
            t!("The terminal asks the person, who stands before it, for a finger, a face or a palm."),
        )
        .asks(&[
            Entry::new("emp_code", t!("Code"), Asked::Person("emp_code"))
                .required()
                .hint(t!("Somebody the terminal knows already.")),
            Entry::new("bio_type", t!("What"), Asked::OneOf(ENROLLED)).required(),
            Entry::new("finger", t!("Which finger"), Asked::OneOf(FINGERS)).hint(t!("For a finger alone.")),
        ])
        .done(QUEUED),
        Act::new(
            "unlock_terminal",
            t!("Open the door"),
            t!("Whoever stands there gets in. It is done within a minute or not at all."),
        )
        .asks(&[
            Entry::new("door", t!("Door"), Asked::Number).hint(t!("Of an access controller: 1 unless given.")),
            Entry::new("seconds", t!("Seconds"), Asked::Number).hint(t!("Of an access controller: 5 unless given.")),
        ])
        .done(QUEUED),
        Act::new(
            "reboot",
            t!("Restart"),
            t!("It is away for a minute or two, and keeps everything."),
        )
        .done(QUEUED),
        Act::new(
            "clear_command",
            t!("Cancel what it was not told yet"),
            t!("Commands that are still queued are taken back. What it was given already is not."),
        )
        .done(t!("The queued commands are cancelled.")),
        Act::new(
            "ip_port_update_to_device",
            t!("Point it at another server"),
            t!("It calls another address from then on, and this server hears nothing of it any more. One that was told \
             wrong is only found again at its own menu."),
        )
        .asks(&[
            Entry::new("ip", t!("Address or name"), Asked::Text),
            Entry::new("port", t!("Port"), Asked::Number),
        ])
        .typed("sn")
        .done(QUEUED),
        Act::new(
            "clear_capture",
            t!("Delete its photos of punches"),
            t!("The photos it took at punches are deleted there. Those that were sent stay here."),
        )
        .typed("sn")
        .done(QUEUED),
        Act::new(
            "clear_all",
            t!("Empty it"),
            t!("All people, templates, pictures and punches on it are deleted. What it has not sent is lost. It stays \
             empty until its people are sent again."),
        )
        .typed("sn")
        .done(QUEUED),
    ];
}

const QUEUED: Text = t!("queued. It happens when the terminal asks next, which the commands show.");
const ENROLLED: &[(&str, Text)] = &[
    ("1", t!("Finger")),
    ("2", t!("Face")),
    ("8", t!("Palm")),
    ("5", t!("Finger vein")),
    ("9", t!("Face in visible light")),
];
const FINGERS: &[(&str, Text)] = &[
    ("6", t!("Right index")),
    ("5", t!("Right thumb")),
    ("7", t!("Right middle")),
    ("8", t!("Right ring")),
    ("9", t!("Right little")),
    ("3", t!("Left index")),
    ("4", t!("Left thumb")),
    ("2", t!("Left middle")),
    ("1", t!("Left ring")),
    ("0", t!("Left little")),
];

impl Edited for Terminal {
    const FORM: &'static [Group] = &[
        Group {
            title: t!("Terminal"),
            entries: &[
                Entry::new("sn", t!("Serial number"), Asked::Text)
                    .required()
                    .fixed()
                    .hint(t!("As the terminal sends it: Menu → System Info.")),
                Entry::new("alias", t!("Alias"), Asked::Text).required(),
                Entry::new("area", t!("Area"), Asked::Related(AREA))
                    .required()
                    .hint(t!(
                        "In “Not Authorized” it is held: it keeps its punches and gets nothing."
                    )),
                Entry::new("ip_address", t!("IP address"), Asked::Text).required(),
                Entry::new(
                    "transfer_interval",
                    t!("Minutes between transfers"),
                    Asked::Number,
                ),
            ],
        },
        Group {
            title: t!("Clock"),
            entries: &[Entry::new("zone_name", t!("Time zone"), Asked::Text)
                .hint(t!("Such as Europe/Berlin: daylight saving is right then."))],
        },
    ];
}
