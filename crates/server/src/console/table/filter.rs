//! The filters above a list's table: how each is asked for, what there is to choose from, and what a
//! choice means to the list.

use super::Listed;
use crate::access::Caller;
use crate::app::App;
use crate::error::Result;
use crate::extract::Query;
use crate::language::Text;
use crate::relation::Relation;

/// A field of the bar above the table.
#[derive(Debug, Clone, Copy)]
pub struct Filter {
    /// The parameter of the list.
    pub name: &'static str,
    pub label: Text,
    pub asked: Asked,
}

/// How a filter is asked for.
#[derive(Debug, Clone, Copy)]
pub enum Asked {
    Text,
    Day,
    OneOf(&'static [(&'static str, Text)]),
    /// The same, and what the list shows when nothing is chosen.
    OneOfElse(Text, &'static [(&'static str, Text)]),
    Related(Relation),
    /// The same, and those below the one that is chosen are meant, too.
    Within(Relation),
}

/// Puts what a list is asked for by people into programs' words.
pub async fn as_programs_ask<R: Listed>(app: &App, query: &mut Query) -> Result<()> {
    for filter in R::VIEW.filters {
        if let Asked::Within(relation) = filter.asked
            && let Some(chosen) = query.take(filter.name)
        {
            query.put(filter.name, relation.with_below(app, &chosen).await?);
        }
    }
    R::asked_by_people(query);
    Ok(())
}

pub(super) struct AskedField {
    pub(super) name: &'static str,
    pub(super) label: Text,
    /// What it is called when nothing is chosen.
    pub(super) unasked: Text,
    /// `text`, `date` or `select`.
    pub(super) control: &'static str,
    pub(super) value: String,
    pub(super) options: Vec<Choice>,
}

pub struct Choice {
    pub value: String,
    pub label: String,
    pub chosen: bool,
}

/// What a filter's value is called.
pub async fn word_of(
    app: &App,
    caller: &Caller,
    filter: &Filter,
    value: &str,
) -> Result<Option<String>> {
    let options = match filter.asked {
        Asked::Text | Asked::Day => return Ok(None),
        Asked::OneOf(words) | Asked::OneOfElse(_, words) => words_as_choices(words, value),
        Asked::Related(relation) | Asked::Within(relation) => {
            choices(app, caller, relation, &[value]).await?
        }
    };
    let chosen = options.into_iter().find(|option| option.chosen);
    Ok(chosen.map(|option| option.label))
}

pub(super) async fn fields(
    app: &App,
    caller: &Caller,
    query: &mut Query,
    filters: &[Filter],
) -> Result<Vec<AskedField>> {
    let mut fields = Vec::with_capacity(filters.len());
    for filter in filters {
        let value = query.take(filter.name).unwrap_or_default();
        let (control, options) = match filter.asked {
            Asked::Text => ("text", Vec::new()),
            Asked::Day => ("date", Vec::new()),
            Asked::OneOf(words) | Asked::OneOfElse(_, words) => {
                ("select", words_as_choices(words, &value))
            }
            Asked::Related(relation) | Asked::Within(relation) => {
                ("select", choices(app, caller, relation, &[&value]).await?)
            }
        };
        fields.push(AskedField {
            name: filter.name,
            label: filter.label,
            unasked: match filter.asked {
                Asked::OneOfElse(unasked, _) => unasked,
                _ => t!("Any"),
            },
            control,
            value,
            options,
        });
    }
    Ok(fields)
}

pub fn words_as_choices(words: &[(&str, Text)], value: &str) -> Vec<Choice> {
    words
        .iter()
        .map(|(one, word)| Choice {
            value: (*one).to_owned(),
            label: word.to_string(),
            chosen: *one == value,
        })
        .collect()
}

/// The rows of a relation that the caller may choose from.
pub async fn choices(
    app: &App,
    caller: &Caller,
    relation: Relation,
    chosen: &[&str],
) -> Result<Vec<Choice>> {
    Ok(relation
        .choices(app, caller)
        .await?
        .into_iter()
        .map(|(id, code, name)| {
            let value = id.to_string();
            Choice {
                chosen: chosen.contains(&value.as_str()),
                label: format!("{name} ({code})"),
                value,
            }
        })
        .collect())
}
