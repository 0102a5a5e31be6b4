//! The employees' page: the list of people, and the form of one.

use crate::access::{Caller, Right, Thing};
use crate::app::App;
use crate::console::act::Act;
use crate::console::confirm::Typing;
use crate::console::page;
use crate::console::person;
use crate::console::place::Place;
use crate::console::record::{Asked, Edited, Entry, Group};
use crate::console::resignations::RESIGNING;
use crate::console::session::Session;
use crate::console::table::{self, Column, Filter, Lamp, Listed, View, Words, text_at};
use crate::error::Result;
use crate::language::Text;
use crate::relation::{AREA, DEPARTMENT, POSITION};
use crate::resources::biodata::Biodata;
use crate::resources::employee::{self, Employee};
use crate::resources::resignation;
use crate::routes::Endpoint;
use askama::Template;
use serde_json::Value;
use url::form_urlencoded;

/// The list leaves out who is not employed, unless it is asked for.
/// All who have resigned, whatever of it.
pub const FORMER: &str = "99,100";
const STATUS: &[(&str, Text)] = &[
    ("0,99,100", t!("Everybody")),
    (FORMER, t!("No longer employed")),
    ("99", t!("Resigned")),
    ("100", t!("Resigned, attendance off")),
];
const GENDERS: &[(&str, Text)] = &[("F", t!("Female")), ("M", t!("Male")), ("O", t!("Other"))];
const YES_NO: &[(&str, Text)] = &[("1", t!("Yes")), ("0", t!("No"))];
/// How a person is to be recognised, as terminals number it.
const VERIFY_MODES: &[(&str, Text)] = &[
    ("-1", t!("As the terminal is set")),
    ("0", t!("Any way")),
    ("1", t!("Fingerprint")),
    ("2", t!("PIN")),
    ("3", t!("Password")),
    ("4", t!("Card")),
    ("5", t!("Fingerprint or password")),
    ("6", t!("Fingerprint or card")),
    ("7", t!("Card or password")),
    ("8", t!("PIN and fingerprint")),
    ("9", t!("Fingerprint and password")),
    ("10", t!("Card and fingerprint")),
    ("11", t!("Card and password")),
    ("12", t!("Fingerprint, password and card")),
    ("13", t!("PIN, fingerprint and password")),
    ("14", t!("Fingerprint with PIN or card")),
    ("15", t!("Face")),
    ("16", t!("Face and fingerprint")),
    ("17", t!("Face and password")),
    ("18", t!("Face and card")),
    ("19", t!("Face, fingerprint and card")),
    ("20", t!("Face, fingerprint and password")),
    ("21", t!("Finger vein")),
    ("22", t!("Finger vein and password")),
    ("23", t!("Finger vein and card")),
    ("24", t!("Finger vein, password and card")),
    ("25", t!("Palm")),
    ("26", t!("Palm and card")),
    ("27", t!("Palm and face")),
    ("28", t!("Palm and fingerprint")),
    ("29", t!("Palm, face and fingerprint")),
];
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
            Column::new(t!("Palm"), &["palm"]).spare(),
            Column::new(t!("Hired"), &["hire_date"]).by("hire_date"),
            Column::new(t!("Status"), &["status"])
                .by("status")
                .words(Words::State(&[
                    ("0", t!("Employed"), Lamp::Good),
                    ("99", t!("Resigned"), Lamp::Plain),
                    ("100", t!("Resigned, attendance off"), Lamp::Plain),
                ])),
            Column::new(t!("Type"), &["emp_type"])
                .by("emp_type")
                .spare(),
            Column::new(t!("Gender"), &["gender"])
                .by("gender")
                .words(Words::Of(GENDERS))
                .spare(),
            Column::new(t!("Mobile"), &["mobile"]).by("mobile").spare(),
            Column::new(t!("E-mail"), &["email"]).by("email").spare(),
            Column::new(t!("Privilege"), &["dev_privilege"])
                .by("dev_privilege")
                .words(Words::Of(PRIVILEGES))
                .spare(),
            Column::new(t!("Valid until"), &["validity_end"])
                .by("validity_end")
                .spare(),
        ],
        filters: &[
            Filter {
                name: "department",
                label: t!("Department"),
                asked: table::Asked::Within(DEPARTMENT),
            },
            Filter {
                name: "area",
                label: t!("Area"),
                asked: table::Asked::Within(AREA),
            },
            Filter {
                name: "position",
                label: t!("Position"),
                asked: table::Asked::Related(POSITION),
            },
            Filter {
                name: "emp_type",
                label: t!("Type"),
                asked: table::Asked::Text,
            },
            Filter {
                name: "status",
                label: t!("Status"),
                asked: table::Asked::OneOfElse(t!("Employed"), STATUS),
            },
        ],
        order: "emp_code",
        empty: t!(
            "People come here one by one with “New employee”, from a file with “Import a file”, or from a \
                terminal where they were enrolled."
        ),
        opens: true,
        removal: Some(t!(
            "They leave the terminals and their templates are deleted. Their punches stay. Who only \
             stopped working here is better resigned: a resigned employee can come back."
        )),
    };

    const IMPORTS: bool = true;
    const TYPED_TO_REMOVE: Typing = Typing::HowMany;
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

const BIOMETRICS: Text = t!("Biometrics");

/// What somebody is identified by, in the form.
#[derive(Template)]
#[template(path = "enrolled.html")]
struct Enrolled {
    templates: Option<Vec<(String, usize)>>,
    /// The list of them, and what each terminal has, for who may see that.
    all: Option<String>,
    terminals: Option<String>,
}

impl Edited for Employee {
    const IN_PARTS: bool = true;

    async fn within(
        app: &App,
        session: &Session,
        stored: Option<&Value>,
        group: &Group,
        place: &Place,
    ) -> Result<String> {
        if group.title != BIOMETRICS {
            return Ok(String::new());
        }
        let mut enrolled = Enrolled {
            templates: None,
            all: None,
            terminals: None,
        };
        if let Some(stored) = stored
            && let Some(id) = text_at(stored, "id")
        {
            let number = id.parse().unwrap_or_default();
            enrolled.templates = person::templates(app, session, number).await?;
            let sees = |thing| session.caller.may(Right::View(thing));
            let code = text_at(stored, "emp_code").unwrap_or_default();
            let code: String = form_urlencoded::byte_serialize(code.as_bytes()).collect();
            enrolled.all = enrolled
                .templates
                .as_ref()
                .filter(|templates| !templates.is_empty())
                .map(|_| format!("/{}?employee={code}", Biodata::VIEW.name));
            enrolled.terminals = sees(Thing::Terminal)
                .then(|| place.along(&format!("/employees/{id}/punches#terminals-heading")));
        }
        page::text(&enrolled)
    }

    fn tabs(caller: &Caller, stored: &Value) -> Vec<(String, Text, bool)> {
        let id = text_at(stored, "id").unwrap_or_default();
        person::tabs(caller, &id, person::DETAILS)
    }

    async fn portrait(app: &App, stored: &Value) -> Result<Option<String>> {
        let id = text_at(stored, "id").and_then(|id| id.parse().ok());
        person::portrait(app, id.unwrap_or_default()).await
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
                Entry::new("contact_tel", t!("Private telephone"), Asked::Text),
                Entry::new("email", t!("E-mail"), Asked::Text),
                Entry::new("address", t!("Address"), Asked::Lines),
                Entry::new("city", t!("City"), Asked::Text),
                Entry::new("postcode", t!("Postcode"), Asked::Text),
                Entry::new("national", t!("Nationality"), Asked::Text),
                Entry::new("religion", t!("Religion"), Asked::Text),
                Entry::new("ssn", t!("Social security number"), Asked::Text)
                    .hint(t!("Up to 20 digits.")),
            ],
        },
        Group {
            title: t!("Work"),
            entries: &[
                Entry::new("department", t!("Department"), Asked::Related(DEPARTMENT)).required(),
                Entry::new("position", t!("Position"), Asked::Related(POSITION)),
                Entry::new("emp_type", t!("Type"), Asked::Number)
                    .hint(t!("Software that reads people through the API is told it.")),
                Entry::new("hire_date", t!("Hired on"), Asked::Day),
                Entry::new("office_tel", t!("Office telephone"), Asked::Text),
                Entry::new("enable_att", t!("Attendance counts"), Asked::Flag).initially("true"),
                Entry::new("enable_overtime", t!("Overtime counts"), Asked::Flag),
                Entry::new("enable_holiday", t!("Holidays count"), Asked::Flag).initially("true"),
            ],
        },
        Group {
            title: t!("Terminals and areas"),
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
                Entry::new(
                    "verify_mode",
                    t!("Recognised by"),
                    Asked::OneOf(VERIFY_MODES),
                )
                .hint(t!("Left empty the terminal decides.")),
                Entry::new("validity_start", t!("Valid from"), Asked::Day),
                Entry::new("validity_end", t!("Valid until"), Asked::Day)
                    .hint(t!("After this day the person leaves the terminals.")),
                Entry::new("enroll_sn", t!("Enrolled at"), Asked::Text)
                    .hint(t!("The serial number of a terminal.")),
            ],
        },
        Group {
            title: BIOMETRICS,
            entries: &[],
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
                Entry::new("app_role", t!("Role in the app"), Asked::Number)
                    .hint(t!("Software that reads people through the API is told it.")),
                Entry::new("enable_whatsapp", t!("Told by WhatsApp"), Asked::Flag),
                Entry::new("enable_sms", t!("Told by text message"), Asked::Flag).hint(t!(
                    "Both are kept for software that sends messages; muster sends none."
                )),
            ],
        },
    ];
}

#[cfg(test)]
mod tests {
    use super::{Edited, Employee};
    use crate::resource::Writable;

    #[test]
    fn the_form_asks_for_all_that_programs_may_write() {
        let entries = Employee::FORM.iter().flat_map(|group| group.entries);
        let asked: Vec<&str> = entries.map(|entry| entry.name()).collect();
        let written = Employee::INPUT.iter().map(|member| member.name);
        let left_out: Vec<&str> = written.filter(|name| !asked.contains(name)).collect();
        // A list of another system's roles, which nobody types.
        assert_eq!(left_out, ["flow_role"]);
    }
}
