//! The employees' page: the list of people, and the form of one.

use crate::console::act::Act;
use crate::console::person;
use crate::console::record::{Asked, Edited, Entry, Group};
use crate::console::resignations::RESIGNING;
use crate::console::table::{self, Column, Filter, Listed, View, Words, text_at};
use crate::language::Text;
use crate::relation::{AREA, DEPARTMENT, POSITION};
use crate::resources::employee::{self, Employee};
use crate::resources::resignation;
use crate::routes::Endpoint;
use serde_json::Value;

/// The list leaves out who is not employed, unless it is asked for.
const STATUS: &[(&str, Text)] = &[
    ("0,99,100", t!("Everybody")),
    ("99", t!("Resigned")),
    ("100", t!("Resigned, attendance off")),
];
const GENDERS: &[(&str, Text)] = &[("F", t!("Female")), ("M", t!("Male")), ("O", t!("Other"))];
const YES_NO: &[(&str, Text)] = &[("1", t!("Yes")), ("0", t!("No"))];
/// What a person may do at a terminal's menu.
const PRIVILEGES: &[(&str, Text)] = &[
    ("0", t!("User")),
    ("2", t!("Enroller")),
    ("6", t!("Manager")),
    ("14", t!("Administrator")),
];

impl Listed for Employee {
    const VIEW: View = View {
        name: "employees",
        title: t!("Employees"),
        new: t!("New employee"),
        remove: t!("Remove this employee"),
        columns: &[
            Column::new(t!("Code"), &["emp_code"]).by("emp_code"),
            Column::new(t!("Name"), &["first_name", "last_name"]).by("first_name"),
            Column::new(t!("Department"), &["department.dept_name"]),
            Column::new(t!("Position"), &["position.position_name"]),
            Column::new(t!("Areas"), &["area.area_name"]),
            Column::new(t!("Card"), &["card_no"]).by("card_no"),
            Column::new(t!("Fingers"), &["fingerprint"]),
            Column::new(t!("Face"), &["vl_face"]),
            Column::new(t!("Hired"), &["hire_date"]).by("hire_date"),
            Column::new(t!("Status"), &["status"])
                .by("status")
                .words(Words::State(&[
                    ("0", t!("Employed"), true),
                    ("99", t!("Resigned"), false),
                    ("100", t!("Resigned, attendance off"), false),
                ])),
        ],
        filters: &[
            Filter {
                name: "department",
                label: t!("Department"),
                asked: table::Asked::Related(DEPARTMENT),
            },
            Filter {
                name: "area",
                label: t!("Area"),
                asked: table::Asked::Related(AREA),
            },
            Filter {
                name: "position",
                label: t!("Position"),
                asked: table::Asked::Related(POSITION),
            },
            Filter {
                name: "status",
                label: t!("Status"),
                asked: table::Asked::OneOfElse(t!("Employed"), STATUS),
            },
        ],
        order: "emp_code",
        empty: t!(
            "People come here one by one with “New employee”, from a file with muster import, or from a \
                terminal where they were enrolled."
        ),
        opens: true,
        removal: Some(t!(
            "They leave the terminals and their templates are deleted. Their punches stay. Who only \
             stopped working here is better resigned: a resigned employee can come back."
        )),
    };

    const IMPORTS: bool = true;
    const ROWS: &'static str = "emp_code";

    fn endpoints() -> Vec<Endpoint> {
        let mut endpoints = employee::endpoints();
        endpoints.extend(resignation::endpoints());
        endpoints
    }

    const PAGES: &'static [(&'static str, Text)] = &[("photo", t!("Photo"))];

    const ACTS: &'static [Act] = &[
        Act::new(
            "adjust_area",
            t!("Put into areas"),
            t!("They are in these areas alone afterwards: they leave the terminals of the others, and are sent to those \
             of these."),
        )
        .asks(&[Entry::new("area_code", t!("Areas"), Asked::SeveralRelated(AREA)).required()]),
        Act::new("adjust_department", t!("Put into a department"), t!("They belong to it from now on."))
            .asks(&[Entry::new("department_code", t!("Department"), Asked::Related(DEPARTMENT)).required()]),
        Act::new("adjust_position", t!("Give a position"), t!("They have it from now on."))
            .asks(&[Entry::new("position_code", t!("Position"), Asked::Related(POSITION)).required()]),
        Act::new("adjust_emp_type", t!("Give a type"), t!("Software that reads people through the API is told it."))
            .asks(&[Entry::new("emp_type", t!("Type"), Asked::Number).required()]),
        Act::new(
            "adjust_resign",
            t!("Resign"),
            t!("From that day on they are on no terminal and cannot sign in. Their punches stay, and they can be hired \
             again."),
        )
        .asks(RESIGNING),
        Act::new(
            "del_bio_template",
            t!("Delete templates"),
            t!("What is ticked is deleted here and on the terminals. Who is left without any enrols anew."),
        )
        .asks(&[
            Entry::new("finger_print", t!("Fingerprints"), Asked::Flag),
            Entry::new("face", t!("Faces"), Asked::Flag),
            Entry::new("vl_face", t!("Faces in visible light"), Asked::Flag),
            Entry::new("palm", t!("Palms"), Asked::Flag),
            Entry::new("finger_vein", t!("Finger veins"), Asked::Flag),
        ]),
        Act::new(
            "resync_to_device",
            t!("Send to the terminals again"),
            t!("The terminals of their areas are told everything about them once more."),
        )
        .done(t!("queued. The page of each terminal shows how far it is.")),
    ];
}

impl Edited for Employee {
    fn tabs(stored: &Value) -> Vec<(String, Text, bool)> {
        person::tabs(&text_at(stored, "id").unwrap_or_default(), person::DETAILS)
    }

    const FORM: &'static [Group] = &[
        Group {
            title: t!("Person"),
            entries: &[
                Entry::new("emp_code", t!("Code"), Asked::Text)
                    .required()
                    .fixed()
                    .hint(t!(
                        "1 to 20 letters and digits; the PIN at the terminals. It never changes."
                    )),
                Entry::new("first_name", t!("First name"), Asked::Text),
                Entry::new("last_name", t!("Last name"), Asked::Text),
                Entry::new("nickname", t!("Nickname"), Asked::Text),
                Entry::new("gender", t!("Gender"), Asked::OneOf(GENDERS)),
                Entry::new("birthday", t!("Birthday"), Asked::Day),
                Entry::new("mobile", t!("Mobile"), Asked::Text),
                Entry::new("email", t!("E-mail"), Asked::Text),
                Entry::new("address", t!("Address"), Asked::Lines),
                Entry::new("city", t!("City"), Asked::Text),
                Entry::new("postcode", t!("Postcode"), Asked::Text),
                Entry::new("national", t!("Nationality"), Asked::Text),
            ],
        },
        Group {
            title: t!("Work"),
            entries: &[
                Entry::new("department", t!("Department"), Asked::Related(DEPARTMENT)).required(),
                Entry::new("position", t!("Position"), Asked::Related(POSITION)),
                Entry::new("hire_date", t!("Hired on"), Asked::Day),
                Entry::new("office_tel", t!("Office telephone"), Asked::Text),
                Entry::new("enable_att", t!("Attendance counts"), Asked::Flag).initially("true"),
                Entry::new("enable_overtime", t!("Overtime counts"), Asked::Flag),
                Entry::new("enable_holiday", t!("Holidays count"), Asked::Flag).initially("true"),
            ],
        },
        Group {
            title: t!("At the terminals"),
            entries: &[
                Entry::new("area", t!("Areas"), Asked::SeveralRelated(AREA))
                    .required()
                    .hint(t!("The person is on every terminal of these areas.")),
                Entry::new("card_no", t!("Card number"), Asked::Text)
                    .hint(t!("Digits, as terminals read them.")),
                Entry::new(
                    "device_password",
                    t!("Password at terminals"),
                    Asked::Secret,
                )
                .hint(t!("Digits. Left empty it stays as it is.")),
                Entry::new("dev_privilege", t!("Privilege"), Asked::OneOf(PRIVILEGES))
                    .initially("0"),
                Entry::new("validity_start", t!("Valid from"), Asked::Day),
                Entry::new("validity_end", t!("Valid until"), Asked::Day)
                    .hint(t!("After this day the person leaves the terminals.")),
            ],
        },
        Group {
            title: t!("App"),
            entries: &[
                Entry::new(
                    "app_status",
                    t!("May sign in for own punches"),
                    Asked::OneOf(YES_NO),
                ),
                Entry::new("self_password", t!("Password"), Asked::Secret)
                    .hint(t!("Left empty it stays as it is.")),
            ],
        },
    ];
}
