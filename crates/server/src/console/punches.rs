//! The pages of punches: transactions, those of PINs nobody has, and what was hidden.

use crate::access::{Caller, Right, Thing};
use crate::app::App;
use crate::console::act::Act;
use crate::console::moment::{by_its_clock, by_the_clocks};
use crate::console::punch_photo;
use crate::console::record::{self, Entry};
use crate::console::table::{Asked, Column, Filter, Going, Listed, Said, View, Words};
use crate::console::ways::{self, Tells};
use crate::error::Result;
use crate::language::Text;
use crate::punches::hidden::{self, Hidden};
use crate::punches::photo::{self, Photographed};
use crate::punches::punch::Row;
use crate::punches::transaction::{self, Transaction};
use crate::punches::unregistered::{self, Unregistered};
use crate::punches::wording;
use crate::relation::{AREA, DEPARTMENT};
use crate::routes::Endpoint;

const FROM: Filter = Filter {
    name: "start_time",
    label: t!("From"),
    asked: Asked::Day,
};
const UNTIL: Filter = Filter {
    name: "end_time",
    label: t!("Until"),
    asked: Asked::Day,
};
const TERMINAL: Filter = Filter {
    name: "terminal_sn",
    label: t!("Terminal's serial number"),
    asked: Asked::Text,
};
const AT: Column = Column::new(t!("Time"), &["punch_time"])
    .by("punch_time")
    .beside(punch_photo::PAGE, t!("Photo"));
const BY_TIME: Option<&str> = Some("-punch_time");
const OF_CODE: Filter = Filter {
    name: "emp_code",
    label: t!("Code"),
    asked: Asked::Text,
};
const CODE: Column = Column::new(t!("Code"), &["emp_code"])
    .by("emp_code")
    .leads(ways::PERSON);
const NAME: Column = Column::new(t!("Name"), &["first_name", "last_name"]).by("first_name");
const STATE: Column = Column::new(t!("State"), &["punch_state"]).words(Words::By(state));
const VERIFIED: Column =
    Column::new(t!("Verified by"), &["verify_type"]).words(Words::By(wording::verify));
const PLACE: Column = Column::new(t!("Terminal"), &["terminal_alias"])
    .by("terminal_alias")
    .leads(ways::TERMINAL);
const AREA_NAME: Column = Column::new(t!("Area"), &["area_alias"]).by("area_alias");
const RECEIVED: Column = Column::new(t!("Received"), &["upload_time"]).by("upload_time");

/// Where they lead and where their photos are, and their times with the terminals' offsets, where these are not the
/// server's.
async fn said<R: Listed + Photographed>(
    app: &App,
    caller: &Caller,
    rows: &[R::Row],
) -> Result<Vec<Said>> {
    let punches: Vec<&Row> = rows.iter().map(R::punch).collect();
    let tells = punches.iter().map(|punch| Tells {
        person: punch.employee_id,
        terminal: punch.terminal_id,
        ..Tells::default()
    });
    let mut said = ways::said(app, caller, &tells.collect::<Vec<_>>()).await?;
    let shots = punches.iter().map(|punch| punch.shot());
    let photographed = photo::those_with_one(app, shots).await?;
    for ((said, punch), row) in said.iter_mut().zip(punches).zip(rows) {
        let time = by_its_clock(app, punch.punch_local, punch.punch_at);
        said.insert("punch_time".to_owned(), time.into());
        if photographed.contains(&punch.id) {
            let page = punch_photo::address::<R>(R::id(row));
            said.insert(punch_photo::PAGE.to_owned(), page.into());
        }
    }
    Ok(said)
}

fn state(state: i16) -> String {
    wording::state(state).unwrap_or_default()
}

impl Listed for Transaction {
    const VIEW: View = View {
        name: "transactions",
        title: t!("Transactions"),
        new: Text::none(),
        remove: Text::none(),
        columns: &[AT, CODE, NAME, STATE, VERIFIED, PLACE, AREA_NAME, RECEIVED],
        filters: &[
            FROM,
            UNTIL,
            OF_CODE,
            Filter {
                name: "department",
                label: t!("Department"),
                asked: Asked::Within(DEPARTMENT),
            },
            Filter {
                name: "area",
                label: t!("Area"),
                asked: Asked::Within(AREA),
            },
            TERMINAL,
        ],
        order: "-id",
        empty: t!("As soon as an authorised terminal sends a punch, it stands here."),
        opens: false,
        removal: None,
    };

    const ORDER_OF_A_PERIOD: Option<&'static str> = BY_TIME;
    const TIMES: Option<fn(&str) -> String> = Some(by_the_clocks);
    const NAMED_BY: usize = 3;
    const ROWS: &'static str = "transactions";

    async fn said_to_people(app: &App, caller: &Caller, rows: &[Row]) -> Result<Vec<Said>> {
        said::<Transaction>(app, caller, rows).await
    }

    fn endpoints() -> Vec<Endpoint> {
        transaction::endpoints()
    }

    const ACTS: &'static [Act] = &[
        Act::new(
            "hide",
            t!("Hide"),
            t!(
                "They leave this list, all counts, and what programs read. The punches themselves stay as the terminals \
                 sent them, and can be shown again; who hid them stands in the audit."
            ),
        )
        .done(t!("they stand in Hidden punches.")),
        Act::new(
        "unassign",
        t!("Take back an assignment"),
        t!(
            "These punches came with another PIN and were given to this person by hand. They leave this list and stand \
             in Unregister again, as the terminal sent them."
        ),
        ),
    ];
}

impl Listed for Hidden {
    const VIEW: View = View {
        name: "hidden",
        title: t!("Hidden punches"),
        new: Text::none(),
        remove: Text::none(),
        columns: &[
            AT,
            CODE,
            NAME,
            STATE,
            VERIFIED,
            PLACE,
            AREA_NAME,
            Column::new(t!("Hidden" as "when"), &["hidden_at"]).by("hidden_at"),
        ],
        filters: &[FROM, UNTIL, OF_CODE, TERMINAL],
        order: "-hidden_at",
        empty: t!("Transactions that somebody hid. Here they can be shown again."),
        opens: false,
        removal: None,
    };

    const ORDER_OF_A_PERIOD: Option<&'static str> = BY_TIME;
    const TIMES: Option<fn(&str) -> String> = Some(by_the_clocks);
    const NAMED_BY: usize = 3;
    const ROWS: &'static str = "hidden_transactions";

    async fn said_to_people(app: &App, caller: &Caller, rows: &[hidden::Row]) -> Result<Vec<Said>> {
        said::<Hidden>(app, caller, rows).await
    }

    fn endpoints() -> Vec<Endpoint> {
        hidden::endpoints()
    }

    const ACTS: &'static [Act] = &[Act::new(
        "show",
        t!("Show again"),
        t!(
            "They stand in Transactions again, under the ids they had. A program that read on past them meanwhile does \
             not find them by its last id, but by their times."
        ),
    )
    .done(t!("they stand in Transactions."))];
}

impl Listed for Unregistered {
    const VIEW: View = View {
        name: "unregister",
        title: t!("Unregister"),
        new: Text::none(),
        remove: Text::none(),
        columns: &[
            AT,
            Column::new(t!("PIN"), &["crc"]).by("crc"),
            STATE,
            VERIFIED,
            PLACE,
            AREA_NAME,
            RECEIVED,
            Column::new(t!("Whose?"), &["crc"]).going(Going {
                right: Right::Change(Thing::Employee),
                address: "/employees/new?emp_code=",
                name: t!("New employee…"),
            }),
        ],
        filters: &[
            FROM,
            UNTIL,
            Filter {
                name: "crc",
                label: t!("PIN"),
                asked: Asked::Text,
            },
            TERMINAL,
        ],
        order: "-id",
        empty: t!(
            "Punches of PINs that nobody has. They become transactions when somebody gets that code."
        ),
        opens: false,
        removal: None,
    };

    const ORDER_OF_A_PERIOD: Option<&'static str> = BY_TIME;
    const TIMES: Option<fn(&str) -> String> = Some(by_the_clocks);
    const ROWS: &'static str = "unregister";

    async fn said_to_people(app: &App, caller: &Caller, rows: &[Row]) -> Result<Vec<Said>> {
        said::<Unregistered>(app, caller, rows).await
    }

    fn endpoints() -> Vec<Endpoint> {
        unregistered::endpoints()
    }

    const ACTS: &'static [Act] = &[Act::new(
        "assign",
        t!("Assign to an employee"),
        t!(
            "They become punches of this person, at the same times and places; programs that read on by their last id \
             find them. What the terminal sends of this PIN from now on comes here again, until the person is enrolled \
             there with the right code."
        ),
    )
    .asks(&[Entry::new("employee", t!("Code"), record::Asked::Person("emp_code"))
        .required()
        .hint(t!("The code of the employee who punched."))])
    .done(t!("they stand in Transactions."))];
}
