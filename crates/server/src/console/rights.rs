//! What somebody may do, in words and as boxes to tick. Nobody is offered to give what he may not
//! do himself.

use crate::access::{Caller, Right, Rights, Thing};
use crate::console::record::{Asked, Entry, Group};
use crate::console::table::Choice;
use crate::language::Text;
use crate::relation::{AREA, DEPARTMENT};

/// Where it counts: of a role, and of an API client.
pub const LIMITED_TO: Group = Group {
    title: t!("Limited to"),
    entries: &[
        Entry::new("areas", t!("Areas"), Asked::SeveralRelated(AREA)).hint(t!(
            "None chosen: everywhere. Those chosen alone count, without those below."
        )),
        Entry::new(
            "departments",
            t!("Departments"),
            Asked::SeveralRelated(DEPARTMENT),
        )
        .hint(t!(
            "None chosen: all. Those chosen alone count, without those below."
        )),
    ],
};

/// What stands in the boxes.
#[derive(Default)]
pub struct Offered {
    /// A thing of each, which is seen or changed.
    pub rows: Vec<Row>,
    pub others: Vec<Choice>,
}

pub struct Row {
    pub label: Text,
    /// To see it, and to change it.
    pub choices: [Option<Choice>; 2],
}

pub fn offered(caller: &Caller, chosen: &[String]) -> Offered {
    let choice = |right: Right, label: String| {
        let value = right.to_string();
        let chosen = chosen.contains(&value);
        // Nothing rests on changing these; a role may have it all the same.
        let does_nothing = right == Right::Change(Thing::Audit);
        ((caller.may(right) && !does_nothing) || chosen).then_some(Choice {
            value,
            label,
            chosen,
        })
    };
    let rows = Thing::ALL.into_iter().map(|thing| {
        let label = plural(thing);
        Row {
            label,
            choices: [
                choice(Right::View(thing), t!("See: {what}", what = label)),
                choice(Right::Change(thing), t!("Change: {what}", what = label)),
            ],
        }
    });
    let others = OTHERS
        .iter()
        .filter_map(|(right, label)| choice(*right, label.to_string()));
    Offered {
        rows: rows
            .filter(|row| row.choices.iter().any(Option::is_some))
            .collect(),
        others: others.collect(),
    }
}

/// The rights a list names, without those the caller lacks.
pub fn named(list: &str, caller: &Caller) -> Vec<String> {
    let rights: Rights = list.parse().unwrap_or_default();
    let given = rights.iter().filter(|right| caller.may(*right));
    given.map(|right| right.to_string()).collect()
}

fn plural(thing: Thing) -> Text {
    match thing {
        Thing::Employee => t!("Employees"),
        Thing::Department => t!("Departments"),
        Thing::Area => t!("Areas"),
        Thing::Position => t!("Positions"),
        Thing::Location => t!("Locations"),
        Thing::Resignation => t!("Resignations"),
        Thing::Transaction => t!("Punches"),
        Thing::Terminal => t!("Terminals"),
        Thing::Biodata => t!("Biometrics: who has which"),
        Thing::Message => t!("Messages"),
        Thing::User => t!("Users"),
        Thing::Role => t!("Roles"),
        Thing::Client => t!("API clients"),
        Thing::Audit => t!("Audit: what was done, by whom"),
        Thing::Setting => t!("System and settings"),
    }
}

const OTHERS: &[(Right, Text)] = &[
    (Right::TerminalCommand, t!("Send commands to terminals")),
    (Right::DoorUnlock, t!("Open doors")),
    (
        Right::TransactionHide,
        t!("Hide transactions, and show them again"),
    ),
    (
        Right::BiometricsView,
        t!("Read fingerprint and face templates through the API"),
    ),
    (
        Right::CredentialsView,
        t!("Read the passwords people have at terminals"),
    ),
];
