//! The biometrics' page: which templates there are of whom, and where they came from. Templates
//! themselves are never shown.

use crate::access::Caller;
use crate::app::App;
use crate::console::moment::by_the_server;
use crate::console::table::{Asked, Column, Filter, Listed, Said, View, Words};
use crate::console::ways::{self, Tells};
use crate::error::Result;
use crate::language::Text;
use crate::resources::biodata::{self, Biodata};

const KINDS: &[(&str, Text)] = &[
    ("1", t!("Fingerprint")),
    ("2", t!("Face")),
    ("5", t!("Finger vein")),
    ("8", t!("Palm")),
    ("9", t!("Visible-light face")),
];

/// What a kind is called.
pub fn kind(kind: &str) -> String {
    let word = KINDS.iter().find(|(value, _)| *value == kind);
    word.map_or_else(|| kind.to_owned(), |(_, word)| word.to_string())
}

impl Listed for Biodata {
    const VIEW: View = View {
        name: "biometrics",
        title: t!("Biometrics"),
        new: Text::none(),
        remove: t!("Remove this template"),
        columns: &[
            Column::new(t!("Code"), &["employee"])
                .by("employee")
                .leads(ways::PERSON),
            ways::NAME,
            Column::new(t!("Kind"), &["bio_type"])
                .by("bio_type")
                .words(Words::Of(KINDS)),
            Column::new(t!("Number"), &["bio_no"]).by("bio_no").number(),
            Column::new(t!("Algorithm"), &["major_ver"]).by("major_ver"),
            Column::new(t!("From"), &["sn"]).by("sn"),
            Column::new(t!("Changed"), &["update_time"]).by("update_time"),
        ],
        filters: &[
            Filter {
                name: "employee",
                label: t!("Code"),
                asked: Asked::Text,
            },
            Filter {
                name: "bio_type",
                label: t!("Kind"),
                asked: Asked::OneOf(KINDS),
            },
        ],
        order: "employee",
        empty: t!(
            "Who is enrolled at a terminal comes here, and to the other terminals of the same areas."
        ),
        opens: false,
        removal: Some(t!(
            "They are deleted here and on the terminals. The people stay, and are enrolled anew when they \
             need it."
        )),
    };

    const TIMES: Option<fn(&str) -> String> = Some(by_the_server);
    const NAMED_BY: usize = 4;

    async fn said_to_people(
        app: &App,
        caller: &Caller,
        rows: &[biodata::Row],
    ) -> Result<Vec<Said>> {
        let tells = rows.iter().map(|row| Tells {
            code: Some(&row.pin),
            ..Tells::default()
        });
        ways::said(app, caller, &tells.collect::<Vec<_>>()).await
    }
}
