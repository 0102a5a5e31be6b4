//! The employees' page: the list of people, and the form of one.

use crate::console::act::Act;
use crate::console::person;
use crate::console::record::{Asked, Edited, Entry, Group};
use crate::console::resignations::RESIGNING;
use crate::console::table::{self, Column, Filter, Listed, View, Words, text_at};
use crate::relation::{AREA, DEPARTMENT, POSITION};
use crate::resources::employee::{self, Employee};
use crate::resources::resignation;
use crate::routes::Endpoint;
use serde_json::Value;

/// The list leaves out who is not employed, unless it is asked for.
const STATUS: &[(&str, &str)] = &[
    ("0,99,100", "Everybody"),
    ("99", "Resigned"),
    ("100", "Resigned, attendance off"),
];
const GENDERS: &[(&str, &str)] = &[("F", "Female"), ("M", "Male"), ("O", "Other")];
const YES_NO: &[(&str, &str)] = &[("1", "Yes"), ("0", "No")];
/// What a person may do at a terminal's menu.
const PRIVILEGES: &[(&str, &str)] = &[
    ("0", "User"),
    ("2", "Enroller"),
    ("6", "Manager"),
    ("14", "Administrator"),
];

impl Listed for Employee {
    const VIEW: View = View {
        name: "employees",
        title: "Employees",
        one: "employee",
        columns: &[
            Column::new("Code", &["emp_code"]).by("emp_code"),
            Column::new("Name", &["first_name", "last_name"]).by("first_name"),
            Column::new("Department", &["department.dept_name"]),
            Column::new("Position", &["position.position_name"]),
            Column::new("Areas", &["area.area_name"]),
            Column::new("Card", &["card_no"]).by("card_no"),
            Column::new("Fingers", &["fingerprint"]),
            Column::new("Face", &["vl_face"]),
            Column::new("Hired", &["hire_date"]).by("hire_date"),
            Column::new("Status", &["status"])
                .by("status")
                .words(Words::State(&[
                    ("0", "Employed", true),
                    ("99", "Resigned", false),
                    ("100", "Resigned, attendance off", false),
                ])),
        ],
        filters: &[
            Filter {
                name: "department",
                label: "Department",
                asked: table::Asked::Related(DEPARTMENT),
            },
            Filter {
                name: "area",
                label: "Area",
                asked: table::Asked::Related(AREA),
            },
            Filter {
                name: "position",
                label: "Position",
                asked: table::Asked::Related(POSITION),
            },
            Filter {
                name: "status",
                label: "Status",
                asked: table::Asked::OneOfElse("Employed", STATUS),
            },
        ],
        order: "emp_code",
        empty: "People come here one by one with “New employee”, from a file with muster import, or from a \
                terminal where they were enrolled.",
        opens: true,
        removal: Some(
            "They leave the terminals and their templates are deleted. Their punches stay. Who only \
             stopped working here is better resigned: a resigned employee can come back.",
        ),
    };

    const IMPORTS: bool = true;
    const ROWS: &'static str = "emp_code";

    fn endpoints() -> Vec<Endpoint> {
        let mut endpoints = employee::endpoints();
        endpoints.extend(resignation::endpoints());
        endpoints
    }

    const PAGES: &'static [(&'static str, &'static str)] = &[("photo", "Photo")];

    const ACTS: &'static [Act] = &[
        Act::new(
            "adjust_area",
            "Put into areas",
            "They are in these areas alone afterwards: they leave the terminals of the others, and are sent to those \
             of these.",
        )
        .asks(&[Entry::new("area_code", "Areas", Asked::SeveralRelated(AREA)).required()]),
        Act::new("adjust_department", "Put into a department", "They belong to it from now on.")
            .asks(&[Entry::new("department_code", "Department", Asked::Related(DEPARTMENT)).required()]),
        Act::new("adjust_position", "Give a position", "They have it from now on.")
            .asks(&[Entry::new("position_code", "Position", Asked::Related(POSITION)).required()]),
        Act::new("adjust_emp_type", "Give a type", "Software that reads people through the API is told it.")
            .asks(&[Entry::new("emp_type", "Type", Asked::Number).required()]),
        Act::new(
            "adjust_resign",
            "Resign",
            "From that day on they are on no terminal and cannot sign in. Their punches stay, and they can be hired \
             again.",
        )
        .asks(RESIGNING),
        Act::new(
            "del_bio_template",
            "Delete templates",
            "What is ticked is deleted here and on the terminals. Who is left without any enrols anew.",
        )
        .asks(&[
            Entry::new("finger_print", "Fingerprints", Asked::Flag),
            Entry::new("face", "Faces", Asked::Flag),
            Entry::new("vl_face", "Faces in visible light", Asked::Flag),
            Entry::new("palm", "Palms", Asked::Flag),
            Entry::new("finger_vein", "Finger veins", Asked::Flag),
        ]),
        Act::new(
            "resync_to_device",
            "Send to the terminals again",
            "The terminals of their areas are told everything about them once more.",
        )
        .done("queued. The page of each terminal shows how far it is."),
    ];
}

impl Edited for Employee {
    fn tabs(stored: &Value) -> Vec<(String, &'static str, bool)> {
        person::tabs(&text_at(stored, "id").unwrap_or_default(), person::DETAILS)
    }

    const FORM: &'static [Group] = &[
        Group {
            title: "Person",
            entries: &[
                Entry::new("emp_code", "Code", Asked::Text)
                    .required()
                    .fixed()
                    .hint(
                        "1 to 20 letters and digits; the PIN at the terminals. It never changes.",
                    ),
                Entry::new("first_name", "First name", Asked::Text),
                Entry::new("last_name", "Last name", Asked::Text),
                Entry::new("nickname", "Nickname", Asked::Text),
                Entry::new("gender", "Gender", Asked::OneOf(GENDERS)),
                Entry::new("birthday", "Birthday", Asked::Day),
                Entry::new("mobile", "Mobile", Asked::Text),
                Entry::new("email", "E-mail", Asked::Text),
                Entry::new("address", "Address", Asked::Lines),
                Entry::new("city", "City", Asked::Text),
                Entry::new("postcode", "Postcode", Asked::Text),
                Entry::new("national", "Nationality", Asked::Text),
            ],
        },
        Group {
            title: "Work",
            entries: &[
                Entry::new("department", "Department", Asked::Related(DEPARTMENT)).required(),
                Entry::new("position", "Position", Asked::Related(POSITION)),
                Entry::new("hire_date", "Hired on", Asked::Day),
                Entry::new("office_tel", "Office telephone", Asked::Text),
                Entry::new("enable_att", "Attendance counts", Asked::Flag).initially("true"),
                Entry::new("enable_overtime", "Overtime counts", Asked::Flag),
                Entry::new("enable_holiday", "Holidays count", Asked::Flag).initially("true"),
            ],
        },
        Group {
            title: "At the terminals",
            entries: &[
                Entry::new("area", "Areas", Asked::SeveralRelated(AREA))
                    .required()
                    .hint("The person is on every terminal of these areas."),
                Entry::new("card_no", "Card number", Asked::Text)
                    .hint("Digits, as terminals read them."),
                Entry::new("device_password", "Password at terminals", Asked::Secret)
                    .hint("Digits. Left empty it stays as it is."),
                Entry::new("dev_privilege", "Privilege", Asked::OneOf(PRIVILEGES)).initially("0"),
                Entry::new("validity_start", "Valid from", Asked::Day),
                Entry::new("validity_end", "Valid until", Asked::Day)
                    .hint("After this day the person leaves the terminals."),
            ],
        },
        Group {
            title: "App",
            entries: &[
                Entry::new(
                    "app_status",
                    "May sign in for own punches",
                    Asked::OneOf(YES_NO),
                ),
                Entry::new("self_password", "Password", Asked::Secret)
                    .hint("Left empty it stays as it is."),
            ],
        },
    ];
}
