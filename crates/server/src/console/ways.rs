//! Where a row leads: to the page of the person and to that of the terminal it tells of, while these are there and whoever
//! looks may see them.

use crate::access::{Caller, Right, Thing};
use crate::app::App;
use crate::console::table::Said;
use crate::error::Result;
use crate::resource;
use crate::resources::employee::Employee;
use crate::terminals::terminal::Terminal;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The members of a row that are addresses.
pub const PERSON: &str = "person_page";
pub const TERMINAL: &str = "terminal_page";

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
    by_code: HashMap<String, i64>,
    terminals: HashSet<i64>,
}

impl Ways {
    pub async fn of(app: &App, caller: &Caller, rows: &[Tells<'_>]) -> Result<Ways> {
        let mut ways = Ways::default();
        if caller.may(Right::View(Thing::Employee)) {
            let ids = each_once(rows.iter().filter_map(|row| row.person));
            ways.people = resource::seen::<Employee>(app, caller, &ids).await?;
            let codes = each_once(rows.iter().filter_map(|row| row.code));
            ways.by_code = resource::coded::<Employee>(app, caller, &codes).await?;
        }
        if caller.may(Right::View(Thing::Terminal)) {
            let ids = each_once(rows.iter().filter_map(|row| row.terminal));
            ways.terminals = resource::seen::<Terminal>(app, caller, &ids).await?;
        }
        Ok(ways)
    }

    pub fn to_person(&self, row: &Tells<'_>) -> Option<String> {
        let known = row.person.filter(|id| self.people.contains(id));
        let id = known.or_else(|| self.by_code.get(row.code?).copied())?;
        Some(format!("/employees/{id}/punches"))
    }

    pub fn to_terminal(&self, row: &Tells<'_>) -> Option<String> {
        let id = row.terminal.filter(|id| self.terminals.contains(id))?;
        Some(format!("/terminals/{id}"))
    }
}

fn each_once<T: Ord>(all: impl Iterator<Item = T>) -> Vec<T> {
    all.collect::<BTreeSet<T>>().into_iter().collect()
}

/// The addresses as members of the rows.
pub async fn said(app: &App, caller: &Caller, rows: &[Tells<'_>]) -> Result<Vec<Said>> {
    let ways = Ways::of(app, caller, rows).await?;
    let said = rows.iter().map(|row| {
        let addresses = [
            (PERSON, ways.to_person(row)),
            (TERMINAL, ways.to_terminal(row)),
        ];
        let known = addresses
            .into_iter()
            .filter_map(|(member, address)| Some((member.to_owned(), address?.into())));
        known.collect()
    });
    Ok(said.collect())
}
