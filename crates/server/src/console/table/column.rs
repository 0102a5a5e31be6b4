//! The columns of a list's table: what stands in their cells, in which words and colours, where a cell
//! leads, and how the list is put in order by one.

use crate::access::{Caller, Right};
use crate::console::place::Place;
use crate::language::Text;
use serde_json::Value;
use url::form_urlencoded;

/// A column of the table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub(super) heading: Text,
    /// Members of the resource's answer; of a relation `relation.member`. What is there of them is
    /// shown with a space between.
    members: &'static [&'static str],
    /// The same where rows are written into a file.
    pub(super) in_files: &'static [&'static str],
    /// The field by which it is put in order.
    order: Option<&'static str>,
    words: Words,
    is_number: bool,
    going: Option<Going>,
    /// The member that stands below, more quietly.
    below: Option<&'static str>,
    /// The member that is true when something is amiss with what stands there.
    amiss: Option<&'static str>,
    /// The member with the address the cell leads to.
    leads: Option<&'static str>,
    /// Another way on, behind what stands there: the member with its address, and what it is called.
    beside: Option<(&'static str, Text)>,
    /// Left out unless somebody chooses it.
    pub is_spare: bool,
}

/// A way on from a cell, for those who may go it: an address that the cell's text completes, and what
/// stands there in place of the text.
#[derive(Debug, Clone, Copy)]
pub struct Going {
    pub right: Right,
    pub address: &'static str,
    pub name: Text,
}

/// What a value is called where people read it.
#[derive(Debug, Clone, Copy)]
pub enum Words {
    AsItIs,
    /// Each value as text, and its word.
    Of(&'static [(&'static str, Text)]),
    /// The same with a dot before it, in a colour.
    State(&'static [(&'static str, Text, Lamp)]),
    By(fn(i16) -> String),
    /// The same of a text.
    In(fn(&str) -> String),
}

/// The colour of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lamp {
    Good,
    /// Somebody should look.
    Warn,
    Bad,
    /// Nothing in particular.
    Plain,
}

impl Lamp {
    /// The class of its style.
    pub fn class(self) -> &'static str {
        match self {
            Lamp::Good => "state good",
            Lamp::Warn => "state warn",
            Lamp::Bad => "state bad",
            Lamp::Plain => "state",
        }
    }
}

impl Column {
    pub const fn new(heading: Text, members: &'static [&'static str]) -> Column {
        Column {
            heading,
            members,
            in_files: members,
            order: None,
            words: Words::AsItIs,
            is_number: false,
            going: None,
            below: None,
            amiss: None,
            leads: None,
            beside: None,
            is_spare: false,
        }
    }

    /// What people read there is put for them: programs get these members.
    pub const fn in_files(self, members: &'static [&'static str]) -> Column {
        Column {
            in_files: members,
            ..self
        }
    }

    pub const fn below(self, member: &'static str) -> Column {
        Column {
            below: Some(member),
            ..self
        }
    }

    pub const fn amiss(self, member: &'static str) -> Column {
        Column {
            amiss: Some(member),
            ..self
        }
    }

    pub const fn leads(self, member: &'static str) -> Column {
        Column {
            leads: Some(member),
            ..self
        }
    }

    pub const fn beside(self, member: &'static str, name: Text) -> Column {
        Column {
            beside: Some((member, name)),
            ..self
        }
    }

    pub const fn spare(self) -> Column {
        Column {
            is_spare: true,
            ..self
        }
    }

    pub const fn going(self, going: Going) -> Column {
        Column {
            going: Some(going),
            ..self
        }
    }

    pub const fn by(self, order: &'static str) -> Column {
        Column {
            order: Some(order),
            ..self
        }
    }

    pub const fn words(self, words: Words) -> Column {
        Column { words, ..self }
    }

    pub const fn number(self) -> Column {
        Column {
            is_number: true,
            ..self
        }
    }

    /// By which it is chosen. A list has each once.
    pub fn key(&self) -> String {
        let way = if self.going.is_some() { ".go" } else { "" };
        format!("{}{way}", self.members.join("."))
    }

    pub(super) fn cell(&self, row: &Value) -> Cell {
        let values: Vec<String> = self
            .members
            .iter()
            .filter_map(|path| text_at(row, path))
            .collect();
        let plain = values.join(" ");
        let (text, state) = match self.words {
            Words::AsItIs => (self.yes_or_no(row).map_or(plain, String::from), None),
            Words::Of(words) => {
                let word = words.iter().find(|(value, _)| *value == plain);
                (word.map_or(plain, |(_, word)| word.to_string()), None)
            }
            Words::State(words) => match words.iter().find(|(value, ..)| *value == plain) {
                Some((_, word, lamp)) => (word.to_string(), Some(*lamp)),
                None => (plain, None),
            },
            Words::In(word) => (word(&plain), None),
            Words::By(word) => (plain.parse().map_or(plain, word), None),
        };
        Cell {
            text,
            below: self.below.and_then(|member| text_at(row, member)),
            is_amiss: self.amiss.is_some_and(|member| row[member] == true),
            state,
            is_number: self.is_number,
            link: self.leads.and_then(|member| text_at(row, member)),
            beside: self
                .beside
                .and_then(|(member, name)| Some((text_at(row, member)?, name))),
        }
    }

    /// The word of a column that is true or false.
    fn yes_or_no(&self, row: &Value) -> Option<Text> {
        let [member] = self.members else { return None };
        let is_so = row.get(member)?.as_bool()?;
        Some(if is_so { t!("Yes") } else { t!("No") })
    }

    /// The same with the way on from it.
    pub(super) fn cell_for(&self, row: &Value, caller: &Caller) -> Cell {
        let cell = self.cell(row);
        match self.going {
            None => cell,
            Some(going) if caller.may(going.right) && !cell.text.is_empty() => {
                let text: String = form_urlencoded::byte_serialize(cell.text.as_bytes()).collect();
                Cell {
                    link: Some(format!("{}{text}", going.address)),
                    text: going.name.to_string(),
                    ..cell
                }
            }
            Some(_) => Cell {
                text: String::new(),
                ..cell
            },
        }
    }
}

/// The text at `member` or `relation.member`; of several relations, with commas. None for null and "".
pub fn text_at(row: &Value, path: &str) -> Option<String> {
    let (member, inner) = match path.split_once('.') {
        Some((member, inner)) => (member, Some(inner)),
        None => (path, None),
    };
    let value = row.get(member)?;
    let text = match (inner, value) {
        (Some(inner), Value::Array(items)) => items
            .iter()
            .filter_map(|item| text(item.get(inner)?))
            .collect::<Vec<_>>()
            .join(", "),
        (Some(inner), value) => text(value.get(inner)?)?,
        (None, value) => text(value)?,
    };
    Some(text).filter(|text| !text.is_empty())
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

pub struct Cell {
    pub text: String,
    pub below: Option<String>,
    pub is_amiss: bool,
    /// With a dot.
    pub state: Option<Lamp>,
    pub(super) is_number: bool,
    pub link: Option<String>,
    /// Where else it leads, and what that is called.
    pub(super) beside: Option<(String, Text)>,
}

impl Cell {
    /// It may be broken into lines.
    pub fn is_long(&self) -> bool {
        self.text.chars().count() > 32
    }

    /// What is beside is told of the place in the list.
    pub(super) fn in_place(mut self, place: &Place) -> Cell {
        if let Some((address, _)) = &mut self.beside {
            *address = place.along(address);
        }
        self
    }
}

pub(super) struct Heading {
    pub(super) text: Text,
    /// The list in this order, or the other way round when it is so already.
    pub(super) link: Option<String>,
    /// `ascending` or `descending`, when the list is in its order.
    pub(super) sorted: Option<&'static str>,
    pub(super) is_number: bool,
}

pub(super) fn heading(
    column: &Column,
    ordering: &str,
    link: &impl Fn(&[(&str, Option<String>)]) -> String,
) -> Heading {
    let first = ordering.split(',').next().unwrap_or_default();
    let (now, is_descending) = match first.strip_prefix('-') {
        Some(name) => (name, true),
        None => (first, false),
    };
    let is_sorted = column.order == Some(now);
    Heading {
        text: column.heading,
        link: column.order.map(|order| {
            let turned = if is_sorted && !is_descending {
                format!("-{order}")
            } else {
                order.to_owned()
            };
            link(&[("ordering", Some(turned)), ("page", None)])
        }),
        sorted: is_sorted.then_some(if is_descending {
            "descending"
        } else {
            "ascending"
        }),
        is_number: column.is_number,
    }
}
