//! The terminals' page: their state and counts, the form of one, and what can be done with them.

use crate::access::Caller;
use crate::app::App;
use crate::console::act::Act;
use crate::console::confirm::Typing;
use crate::console::moment::{by_the_server, moment};
use crate::console::record::{Asked, Edited, Entry, Group};
use crate::console::table::{self, Column, Filter, Lamp, Listed, Said, View, Words};
use crate::console::told::OPEN;
use crate::error::Result;
use crate::extract::Query;
use crate::language::{Text, grouped};
use crate::relation::AREA;
use crate::resource::Resource;
use crate::routes::Endpoint;
use crate::terminals::command_list;
use crate::terminals::inspection::{DRIFTS_S, is_nearly_full};
use crate::terminals::overview;
use crate::terminals::people::BioKind;
use crate::terminals::sync::{self, Wanted};
use crate::terminals::terminal::{self, Row, Terminal};
use crate::times;
use serde_json::Value;

/// A state that the API does not have.
const WAITING: &str = "waiting";

const STATES: &[(&str, Text)] = &[
    ("1", t!("Online")),
    ("0", t!("Offline")),
    (WAITING, t!("Waiting")),
];

const AMISS: &[(&str, Text)] = &[("true", t!("Its clock or its log"))];

/// How many of something a terminal has, for how many it has room, and how many it should have.
struct Held {
    member: &'static str,
    below: &'static str,
    amiss: &'static str,
    count: Option<i64>,
    room: Option<i64>,
    wanted: Option<i64>,
    /// It takes such things at all.
    is_able: bool,
}

impl Held {
    fn said(self, said: &mut Said) {
        let room = self.room.filter(|room| *room > 0);
        let is_there = self.is_able || self.count.is_some_and(|count| count > 0);
        let Some(count) = self.count.filter(|_| is_there) else {
            said.insert(self.member.to_owned(), Value::Null);
            return;
        };
        let text = match room {
            Some(room) => t!(
                "{count} of {room}",
                count = grouped(count),
                room = grouped(room)
            ),
            None => grouped(count),
        };
        said.insert(self.member.to_owned(), text.into());
        if let Some(wanted) = self.wanted.filter(|wanted| *wanted != count) {
            let text = t!("should be {count}", count = grouped(wanted));
            said.insert(self.below.to_owned(), text.into());
        }
        let is_amiss = room.is_some_and(|room| is_nearly_full(count, room));
        said.insert(self.amiss.to_owned(), is_amiss.into());
    }
}

/// The counts of one terminal; `wanted` is what should be there, where that is known.
fn held(row: &Row, wanted: Option<&Wanted>) -> [Held; 6] {
    let of = |kinds: &[BioKind]| wanted.map(|wanted| wanted.of(kinds));
    [
        Held {
            member: "user_count",
            below: "user_below",
            amiss: "user_amiss",
            count: row.user_count,
            room: row.user_capacity,
            wanted: wanted.map(|wanted| wanted.people),
            is_able: true,
        },
        Held {
            member: "fp_count",
            below: "fp_below",
            amiss: "fp_amiss",
            count: row.fp_count,
            room: row.fp_capacity,
            wanted: of(&[BioKind::Finger]),
            is_able: row.fp_func_on,
        },
        Held {
            member: "face_count",
            below: "face_below",
            amiss: "face_amiss",
            count: row.face_count,
            room: row.face_capacity,
            wanted: of(&[BioKind::Face, BioKind::VisibleFace]),
            is_able: row.face_func_on,
        },
        Held {
            member: "palm_count",
            below: "palm_below",
            amiss: "palm_amiss",
            count: row.palm_count,
            room: row.palm_capacity,
            wanted: of(&[BioKind::Palm]),
            is_able: row.palm_func_on,
        },
        Held {
            member: "fv_count",
            below: "fv_below",
            amiss: "fv_amiss",
            count: Some(row.fv_count),
            room: row.fv_capacity,
            wanted: of(&[BioKind::FingerVein]),
            is_able: row.fv_func_on,
        },
        // What it should have kept nobody knows; what of it is here its page says.
        Held {
            member: "transaction_count",
            below: "transaction_below",
            amiss: "transaction_amiss",
            count: row.transaction_count,
            room: row.transaction_capacity,
            wanted: None,
            is_able: true,
        },
    ]
}

/// Seconds its clock is ahead, with the sign that says so.
fn drift(seconds: i64) -> String {
    let seconds = match seconds {
        0 => "0".into(),
        ahead @ 1.. => format!("+{}", grouped(ahead)),
        behind => format!("\u{2212}{}", grouped(-behind)),
    };
    t!("{count} s", count = seconds)
}

impl Listed for Terminal {
    const VIEW: View = View {
        name: "terminals",
        title: t!("Terminals"),
        new: t!("New terminal"),
        remove: t!("Remove this terminal"),
        columns: &[
            Column::new(t!("Serial number"), &["sn"]).by("sn"),
            Column::new(t!("Alias"), &["alias"]).by("alias"),
            Column::new(t!("State"), &["state"])
                .by(terminal::PRESENCE)
                .words(Words::State(&[
                    ("1", t!("Online"), Lamp::Good),
                    ("0", t!("Offline"), Lamp::Bad),
                    (WAITING, t!("Waiting"), Lamp::Warn),
                ])),
            Column::new(t!("Area"), &["area.area_name"]).by("area_name"),
            Column::new(t!("Last contact"), &["last_activity"])
                .by("last_activity")
                .below("last_activity_exact"),
            Column::new(t!("Clock"), &["clock_drift"])
                .by("clock_drift")
                .amiss("clock_amiss")
                .number(),
            Column::new(t!("Commands"), &["pending"])
                .leads("pending_address")
                .number(),
            Column::new(t!("Address"), &["ip_address"])
                .by("ip_address")
                .spare(),
            Column::new(t!("Model"), &["terminal_name"])
                .by("terminal_name")
                .spare(),
            Column::new(t!("Firmware"), &["fw_ver"])
                .by("fw_ver")
                .spare(),
            Column::new(t!("People"), &["user_count"])
                .by("user_count")
                .below("user_below")
                .amiss("user_amiss")
                .number(),
            Column::new(t!("Fingers"), &["fp_count"])
                .by("fp_count")
                .below("fp_below")
                .amiss("fp_amiss")
                .number()
                .spare(),
            Column::new(t!("Faces"), &["face_count"])
                .by("face_count")
                .below("face_below")
                .amiss("face_amiss")
                .number()
                .spare(),
            Column::new(t!("Palms"), &["palm_count"])
                .by("palm_count")
                .below("palm_below")
                .amiss("palm_amiss")
                .number()
                .spare(),
            Column::new(t!("Finger veins"), &["fv_count"])
                .below("fv_below")
                .amiss("fv_amiss")
                .number()
                .spare(),
            Column::new(t!("Punches kept"), &["transaction_count"])
                .by("transaction_count")
                .amiss("transaction_amiss")
                .number(),
        ],
        filters: &[
            Filter {
                name: "area",
                label: t!("Area"),
                asked: table::Asked::Within(AREA),
            },
            Filter {
                name: "state",
                label: t!("State"),
                asked: table::Asked::OneOf(STATES),
            },
            Filter {
                name: "amiss",
                label: t!("Amiss"),
                asked: table::Asked::OneOf(AMISS),
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

    const TIMES: Option<fn(&str) -> String> = Some(by_the_server);
    const TYPED_TO_REMOVE: Typing = Typing::Member("sn");

    const ROWS: &'static str = "terminals";

    /// To programs one that waits is online when it calls, as the manual has it.
    fn asked_by_people(query: &mut Query) {
        let Some(state) = query.take("state") else {
            return;
        };
        let word = match state.as_str() {
            "1" => "online",
            "0" => "offline",
            WAITING => WAITING,
            _ => return,
        };
        // The last one counts, and an empty one asks for nothing.
        query.extend([
            ("state", String::new()),
            (terminal::PRESENCE, word.to_owned()),
        ]);
    }

    async fn said_to_people(app: &App, caller: &Caller, rows: &[Row]) -> Result<Vec<Said>> {
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let pending = command_list::open_by_terminal(app, caller, &ids).await?;
        let places: Vec<_> = rows.iter().map(|row| (row.place(), row.area_id)).collect();
        let wanted = sync::wanted(app, &places).await?;
        let all = rows.iter().map(|row| {
            let mut said = Said::new();
            if overview::waits(app.settings().terminals.admission, row.area_id) {
                said.insert("state".into(), WAITING.into());
            }
            match row.last_activity_at {
                Some(at) => {
                    said.insert("last_activity".into(), moment(app, at).ago.into());
                    let exact = times::instant(at, app.zone);
                    said.insert("last_activity_exact".into(), exact.into());
                }
                None => {
                    said.insert("last_activity".into(), t!("never").to_string().into());
                }
            }
            for held in held(row, wanted.get(&row.id)) {
                held.said(&mut said);
            }
            if let Some(seconds) = row.clock_drift_s {
                said.insert("clock_drift".into(), drift(seconds).into());
                said.insert("clock_amiss".into(), (seconds.abs() > DRIFTS_S).into());
            }
            if let Some(count) = pending.get(&row.id) {
                let address = format!("/commands?terminal_sn={}&state={OPEN}", row.sn);
                said.insert("pending".into(), grouped(*count).into());
                said.insert("pending_address".into(), address.into());
            }
            said
        });
        Ok(all.collect())
    }

    fn endpoints() -> Vec<Endpoint> {
        terminal::endpoints()
    }

    const ACTS: &'static [Act] = &[
        Act::new(
            "adjust_area",
            t!("Put into an area"),
            t!("One that waits is authorised by it: what it has kept arrives by itself, and it is sent those who belong \
             there. In “Not Authorized” it is held again."),
        )
        .asks(&[Entry::new("area", t!("Area"), Asked::Related(AREA)).required()]),
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
                Entry::new("heartbeat", t!("Seconds between calls"), Asked::Number).hint(t!(
                    "2 to 600. So soon it asks what it is to do; one that is not heard for twice as long is offline."
                )),
                Entry::new(
                    "transfer_interval",
                    t!("Minutes between transfers"),
                    Asked::Number,
                )
                .hint(t!("How often it looks for what it has not sent yet; 0: it does not wait.")),
                Entry::new("transfer_time", t!("Times of transfers"), Asked::Text).hint(t!(
                    "When it sends what is new besides: one to ten times by its clock, as 00:00;14:05. What cannot be \
                     read so is taken for these two."
                )),
            ],
        },
        Group {
            title: t!("Clock"),
            entries: &[
                Entry::new("zone_name", t!("Time zone"), Asked::Text)
                    .hint(t!("Such as Europe/Berlin: daylight saving is right then.")),
                Entry::new("terminal_tz", t!("Minutes from UTC"), Asked::Number).hint(t!(
                    "For a terminal whose time zone is not named, as 330 for +05:30. Another number takes the place of \
                     the name; up to 14 are hours."
                )),
                Entry::new("zone_spelling", t!("How it is told its zone"), Asked::OneOf(SPELLINGS)).hint(t!(
                    "Firmware reads it in different ways. When its clock is off by hours, try another."
                )),
            ],
        },
    ];

    async fn in_form(app: &App, caller: &Caller, row: Row) -> Result<Value> {
        let others = [
            ("heartbeat", row.heartbeat.into()),
            ("terminal_tz", row.zone_offset_minutes.into()),
            ("zone_name", row.zone_name.clone().into()),
            ("zone_spelling", row.zone_spelling.clone().into()),
        ];
        let shown = Terminal::show(app, caller, vec![row]).await?;
        let mut shown = shown.into_iter().next().unwrap_or_default();
        for (name, value) in others {
            shown[name] = value;
        }
        Ok(shown)
    }
}

const SPELLINGS: &[(&str, Text)] = &[
    (
        "hours_or_minutes",
        t!("In hours, in minutes where they are not whole"),
    ),
    ("minutes", t!("In minutes")),
    ("signed", t!("As +05:30")),
    ("omit", t!("Not at all: it keeps its own")),
];
