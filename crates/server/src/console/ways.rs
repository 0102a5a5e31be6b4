//! Where a row leads: to the page of the person and to that of the terminal it tells of, while these are there and whoever
//! looks may see them; and what a person is called whom a row knows by the code alone.

use crate::access::{Caller, Right, Thing};
use crate::app::App;
use crate::console::table::{Column, Said};
use crate::error::Result;
use crate::resource::{self, Resource, col};
use crate::resources::employee::{self, Employee};
use crate::terminals::terminal::Terminal;
use sea_query::{ExprTrait, SelectStatement};
use std::collections::{BTreeSet, HashMap, HashSet};

/// The members of a row that are addresses.
pub const PERSON: &str = "person_page";
pub const TERMINAL: &str = "terminal_page";

/// Whom a row's code means. Programs and files have the code.
pub const NAME: Column = Column::new(t!("Name"), &[PERSON_NAME]).in_files(&[]);
const PERSON_NAME: &str = "person_name";

/// So many codes are looked for in one query.
const AT_ONCE: usize = 500;

/// Whom and what a row tells of.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tells<'r> {
    pub person: Option<i64>,
    /// Of rows that know a person by the code alone.
    pub code: Option<&'r str>,
    pub terminal: Option<i64>,
}

/// What is there and the caller's to see, of all that rows tell of.
#[derive(Default)]
pub struct Ways {
    people: HashSet<i64>,
    by_code: HashMap<String, Person>,
    terminals: HashSet<i64>,
}

struct Person {
    id: i64,
    name: String,
}

impl Ways {
    pub async fn of(app: &App, caller: &Caller, rows: &[Tells<'_>]) -> Result<Ways> {
        let mut ways = Ways::default();
        if caller.may(Right::View(Thing::Employee)) {
            let ids = each_once(rows.iter().filter_map(|row| row.person));
            ways.people = resource::seen::<Employee>(app, caller, &ids).await?;
            let codes = each_once(rows.iter().filter_map(|row| row.code));
            ways.by_code = coded(app, caller, &codes).await?;
        }
        if caller.may(Right::View(Thing::Terminal)) {
            let ids = each_once(rows.iter().filter_map(|row| row.terminal));
            ways.terminals = resource::seen::<Terminal>(app, caller, &ids).await?;
        }
        Ok(ways)
    }

    pub fn to_person(&self, row: &Tells<'_>) -> Option<String> {
        let known = row.person.filter(|id| self.people.contains(id));
        let id = known.or_else(|| Some(self.by_code.get(row.code?)?.id))?;
        Some(format!("/employees/{id}/punches"))
    }

    /// Of a row that knows the person by the code alone; others have the name themselves.
    fn name_of(&self, row: &Tells<'_>) -> Option<String> {
        let person = self.by_code.get(row.code?)?;
        Some(person.name.clone()).filter(|name| !name.is_empty())
    }

    pub fn to_terminal(&self, row: &Tells<'_>) -> Option<String> {
        let id = row.terminal.filter(|id| self.terminals.contains(id))?;
        Some(format!("/terminals/{id}"))
    }
}

fn each_once<T: Ord>(all: impl Iterator<Item = T>) -> Vec<T> {
    all.collect::<BTreeSet<T>>().into_iter().collect()
}

/// Whoever has each code, among the people the caller sees.
async fn coded(app: &App, caller: &Caller, codes: &[&str]) -> Result<HashMap<String, Person>> {
    let of = |name: &'static str| col(("employee", name));
    let mut coded = HashMap::with_capacity(codes.len());
    for codes in codes.chunks(AT_ONCE) {
        let mut select = SelectStatement::new();
        Employee::tables(&mut select);
        select
            .cond_where(Employee::visible(caller, app))
            .and_where(of("emp_code").is_in(codes.iter().copied()));
        for name in ["emp_code", "id", "first_name", "last_name"] {
            select.expr(of(name));
        }
        let found: Vec<(String, i64, Option<String>, Option<String>)> =
            app.store.all(&select).await?;
        coded.extend(found.into_iter().map(|(code, id, first, last)| {
            let name = employee::name(first.as_deref(), last.as_deref());
            (code, Person { id, name })
        }));
    }
    Ok(coded)
}

/// The addresses and names as members of the rows.
pub async fn said(app: &App, caller: &Caller, rows: &[Tells<'_>]) -> Result<Vec<Said>> {
    let ways = Ways::of(app, caller, rows).await?;
    let said = rows.iter().map(|row| {
        let texts = [
            (PERSON, ways.to_person(row)),
            (TERMINAL, ways.to_terminal(row)),
            (PERSON_NAME, ways.name_of(row)),
        ];
        let known = texts
            .into_iter()
            .filter_map(|(member, text)| Some((member.to_owned(), text?.into())));
        known.collect()
    });
    Ok(said.collect())
}
