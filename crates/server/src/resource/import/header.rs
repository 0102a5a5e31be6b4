//! The first row of a file: which member each column is for.

use super::Labels;
use crate::error::{BadRow, Problem};
use crate::input::brief;
use crate::resource::Writable;
use crate::resource::export;
use crate::routes::Kind;
use muster_sheets::Row;

/// Where the cells of a column go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) member: String,
    pub(super) is_list: bool,
}

/// What a name in the first row says of the cells below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Column {
    Of(Target),
    /// What exports write and nobody can change.
    Shown,
    /// There is no name: nothing can be meant.
    Nameless,
}

impl Column {
    pub(super) fn target(&self) -> Option<&Target> {
        match self {
            Column::Of(target) => Some(target),
            Column::Shown | Column::Nameless => None,
        }
    }
}

/// Which member each column is for, or what is wrong with the names.
pub(super) fn read_header<R: Writable>(
    row: &Row,
    labels: &Labels,
) -> std::result::Result<Vec<Column>, Vec<BadRow>> {
    let mut bad = Vec::new();
    let mut is_bad = |column: &str, message: String| {
        bad.push(BadRow {
            row: row.number,
            problem: Problem::new(column, message),
        });
    };
    let exported = export::names::<R>();
    let is_known = |name: &str| target::<R>(name).is_some() || exported.contains(&name);
    let names: Vec<String> = row
        .cells
        .iter()
        .map(|cell| plain_name(cell))
        .map(|name| match is_known(&name) {
            true => name,
            false => labelled(labels, &name).map_or(name, str::to_owned),
        })
        .collect();
    let mut header: Vec<Column> = Vec::with_capacity(names.len());
    for (name, cell) in names.iter().zip(&row.cells) {
        let column = match target::<R>(name) {
            Some(target) => Column::Of(target),
            None if name.is_empty() => Column::Nameless,
            None => Column::Shown,
        };
        if column == Column::Shown && !exported.contains(&name.as_str()) {
            let shown = brief(cell.trim());
            is_bad(&shown, t!("There is no such column.").into());
        }
        if column.target().is_some() && header.contains(&column) {
            is_bad(name, t!("This column stands twice.").into());
        }
        header.push(column);
    }
    let has = |wanted: &str| {
        let mut targets = header.iter().filter_map(Column::target);
        targets.any(|target| target.member == wanted)
    };
    if !has(R::KEY) {
        is_bad(R::KEY, t!("This field is required.").into());
    }
    // A name says nothing that can be looked up: its code has to be there too.
    for member in R::ANSWER {
        let [(code, _), rest @ ..] = member.columns else {
            continue;
        };
        if target::<R>(code).is_none() {
            continue;
        }
        let is_given = has(code) || has(member.name);
        for (name, _) in rest {
            if !is_given && names.iter().any(|given| given == name) {
                is_bad(
                    name,
                    t!("Names are not looked up: give {code}.", code = code),
                );
            }
        }
    }
    if bad.is_empty() { Ok(header) } else { Err(bad) }
}

/// `Dept. Code` is `dept_code`.
fn plain_name(text: &str) -> String {
    let words: Vec<String> = text
        .to_lowercase()
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    words.join("_")
}

/// The member that is called so, and no other is.
fn labelled(labels: &Labels, name: &str) -> Option<&'static str> {
    let mut members = labels
        .iter()
        .filter(|(label, _)| plain_name(label) == name)
        .map(|(_, member)| *member);
    let first = members.next()?;
    members.all(|other| other == first).then_some(first)
}

/// The member a column of that name is for: one that can be written, or the code of a relation.
fn target<R: Writable>(name: &str) -> Option<Target> {
    let name = R::LABELS
        .iter()
        .find(|(label, _)| *label == name)
        .map_or(name, |(_, member)| member);
    let is_list = |kind: Kind| {
        matches!(
            kind,
            Kind::ReferenceList | Kind::TextList | Kind::RelationList
        )
    };
    let to = |member: &str, kind: Kind| {
        Some(Target {
            member: member.to_owned(),
            is_list: is_list(kind),
        })
    };
    if let Some(member) = R::INPUT.iter().find(|member| member.name == name) {
        return to(member.name, member.kind);
    }
    let relation = R::ANSWER.iter().find(|member| {
        member
            .columns
            .first()
            .is_some_and(|(code, _)| *code == name)
            && R::INPUT.iter().any(|input| input.name == member.name)
    })?;
    to(name, relation.kind)
}
