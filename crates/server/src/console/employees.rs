//! The employees' page: the list of people, and the form of one.

use crate::console::record::{Asked, Edited, Entry, Group};
use crate::console::table::{self, Column, Filter, Listed, View, Words};
use crate::relation::{AREA, DEPARTMENT, POSITION};
use crate::resources::employee::Employee;

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
}

impl Edited for Employee {
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
