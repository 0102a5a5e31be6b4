//! Whom a form means that asks for somebody by his code. A code is easily mistyped: nothing is done to anybody
//! whose name did not stand below it.

use crate::access::{Caller, Right};
use crate::app::App;
use crate::console::form::Fields;
use crate::console::record::{Asked, Entry};
use crate::error::{Problem, Result};
use crate::profile::Profile;
use crate::resource::{self, Resource};
use crate::resources::employee::{self, Employee};
use serde_json::{Map, Value};

/// An id no employee has.
const NOBODY: &str = "0";

pub struct Person {
    pub id: i64,
    /// With the code before it; `None` for whoever may not see people.
    pub name: Option<String>,
}

impl Person {
    fn of(caller: &Caller, row: &employee::Row) -> Person {
        let name = employee::name(row.first_name.as_deref(), row.last_name.as_deref());
        let name = format!("{} {name}", row.emp_code).trim_end().to_owned();
        Person {
            id: row.id,
            name: caller.may(Right::View(Employee::THING)).then_some(name),
        }
    }
}

/// Whoever has this code, employed or not. It may look like somebody else's id.
pub async fn by_code(app: &App, caller: &Caller, code: &str) -> Result<Option<Person>> {
    let by_code = Caller {
        profile: Profile::EasyTimePro,
        ..caller.clone()
    };
    let found = resource::find::<Employee>(app, &by_code, code).await?;
    let found = found.filter(|employee| employee.emp_code == code);
    Ok(found.map(|employee| Person::of(caller, &employee)))
}

/// The people a form that was sent means.
#[derive(Default)]
pub struct Whom {
    person: Option<Person>,
    /// Codes that nobody has.
    pub nobody: Vec<Problem>,
    /// The name did not stand below the code when it was sent.
    pub is_unseen: bool,
}

impl Whom {
    /// Reads the fields that ask for people, and puts ids in the place of their codes.
    pub async fn read<'e>(
        app: &App,
        caller: &Caller,
        entries: impl Iterator<Item = &'e Entry>,
        fields: &Fields,
        members: &mut Map<String, Value>,
    ) -> Result<Whom> {
        let mut whom = Whom::default();
        for entry in entries.filter(|entry| matches!(entry.asked(), Asked::Person(_))) {
            let code = members.get(entry.name()).and_then(Value::as_str);
            let Some(code) = code.filter(|code| !code.is_empty()).map(str::to_owned) else {
                continue;
            };
            let id = match by_code(app, caller, &code).await? {
                Some(person) => {
                    let is_seen = fields.text(&format!("seen-{}", entry.name())) == code;
                    whom.is_unseen |= person.name.is_some() && !is_seen;
                    let id = person.id.to_string();
                    whom.person = Some(person);
                    id
                }
                None => {
                    let message = t!("Nobody has the code {code}.", code = code);
                    whom.nobody.push(Problem::new(entry.name(), message));
                    NOBODY.to_owned()
                }
            };
            members.insert(entry.name().to_owned(), id.into());
        }
        Ok(whom)
    }

    /// It can be done.
    pub fn is_sure(&self) -> bool {
        self.nobody.is_empty() && !self.is_unseen
    }

    /// The word for what was done, and to whom: `saved.7`.
    pub fn done(&self, word: &str) -> String {
        match &self.person {
            Some(person) => format!("{word}.{}", person.id),
            None => word.to_owned(),
        }
    }
}

/// The word for what was done, and what the person is called to whom.
pub async fn done<'w>(
    app: &App,
    caller: &Caller,
    word: &'w str,
) -> Result<(&'w str, Option<String>)> {
    let Some((word, id)) = word.split_once('.') else {
        return Ok((word, None));
    };
    let by_id = Caller {
        profile: Profile::BioTime,
        ..caller.clone()
    };
    let found = resource::find::<Employee>(app, &by_id, id).await?;
    let person = found.map(|employee| Person::of(caller, &employee));
    Ok((word, person.and_then(|person| person.name)))
}
