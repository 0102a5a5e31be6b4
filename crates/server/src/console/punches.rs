//! The pages of punches: transactions, and those of PINs nobody has.

use crate::access::{Right, Thing};
use crate::console::table::{Asked, Column, Filter, Going, Listed, View, Words};
use crate::punches::transaction::Transaction;
use crate::punches::unregistered::Unregistered;
use crate::punches::wording;
use crate::relation::{AREA, DEPARTMENT};

const FROM: Filter = Filter {
    name: "start_time",
    label: "From",
    asked: Asked::Day,
};
const UNTIL: Filter = Filter {
    name: "end_time",
    label: "Until",
    asked: Asked::Day,
};
const TERMINAL: Filter = Filter {
    name: "terminal_sn",
    label: "Terminal's serial number",
    asked: Asked::Text,
};
const AT: Column = Column::new("Time", &["punch_time"]).by("punch_time");
const STATE: Column = Column::new("State", &["punch_state"]).words(Words::By(state));
const VERIFIED: Column = Column::new("Verified by", &["verify_type"]).words(Words::By(verified));
const PLACE: Column = Column::new("Terminal", &["terminal_alias"]).by("terminal_alias");
const AREA_NAME: Column = Column::new("Area", &["area_alias"]).by("area_alias");
const RECEIVED: Column = Column::new("Received", &["upload_time"]).by("upload_time");

fn state(state: i16) -> String {
    wording::state(state).map_or_else(String::new, Into::into)
}

fn verified(code: i16) -> String {
    wording::verify(code).into()
}

impl Listed for Transaction {
    const VIEW: View = View {
        name: "transactions",
        title: "Transactions",
        one: "transaction",
        columns: &[
            AT,
            Column::new("Code", &["emp_code"]).by("emp_code"),
            Column::new("Name", &["first_name", "last_name"]).by("first_name"),
            STATE,
            VERIFIED,
            PLACE,
            AREA_NAME,
            RECEIVED,
        ],
        filters: &[
            FROM,
            UNTIL,
            Filter {
                name: "emp_code",
                label: "Code",
                asked: Asked::Text,
            },
            Filter {
                name: "department",
                label: "Department",
                asked: Asked::Related(DEPARTMENT),
            },
            Filter {
                name: "area",
                label: "Area",
                asked: Asked::Related(AREA),
            },
            TERMINAL,
        ],
        order: "-id",
        empty: "As soon as an authorised terminal sends a punch, it stands here.",
        opens: false,
        removal: None,
    };
}

impl Listed for Unregistered {
    const VIEW: View = View {
        name: "unregister",
        title: "Unregister",
        one: "punch",
        columns: &[
            AT,
            Column::new("PIN", &["crc"]).by("crc"),
            STATE,
            VERIFIED,
            PLACE,
            AREA_NAME,
            RECEIVED,
            Column::new("Whose?", &["crc"]).going(Going {
                right: Right::Change(Thing::Employee),
                address: "/employees/new?emp_code=",
                name: "New employee…",
            }),
        ],
        filters: &[
            FROM,
            UNTIL,
            Filter {
                name: "crc",
                label: "PIN",
                asked: Asked::Text,
            },
            TERMINAL,
        ],
        order: "-id",
        empty: "Punches of PINs that nobody has. They become transactions when somebody gets that code.",
        opens: false,
        removal: None,
    };
}
