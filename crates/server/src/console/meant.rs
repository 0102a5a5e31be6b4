//! Which rows somebody means who does something with them: those that were ticked, or all that match what the list was
//! asked. The latter are looked for when the page that asks to be sure is made, and again when that is answered: nothing
//! is done with others than were counted.

use crate::access::Caller;
use crate::app::App;
use crate::console::form::Fields;
use crate::console::table::{self, Listed};
use crate::error::{Error, Result};
use crate::extract::{Body, Query};
use crate::resource;
use serde_json::{Map, Value};
use url::form_urlencoded;

/// The field that means all, and the one that has along what the list was asked.
const MATCHING: &str = "matching";
const ASKED: &str = "asked";
/// Of the page that asks to be sure: which they were.
const THESE: &str = "these";
/// So many are named there.
const MOST_NAMED: usize = 100;

/// What the list was asked.
pub struct Matching {
    asked: String,
    these: String,
    /// The same in words.
    told: Vec<String>,
}

pub struct Meant<R: Listed> {
    pub rows: Vec<R::Row>,
    matching: Option<Matching>,
    /// Others match than whoever is sure was told of.
    pub are_others: bool,
}

/// The rows as a page names them that asks to be sure, and as its form has them along.
pub struct Named {
    pub ids: Vec<String>,
    pub names: Vec<String>,
    /// So many are not named.
    pub more: usize,
    pub matching: Option<Matching>,
}

impl<R: Listed> Meant<R> {
    pub async fn of(app: &App, caller: &Caller, fields: &Fields) -> Result<Meant<R>> {
        match fields.text(MATCHING) {
            "yes" => Meant::matching(app, caller, fields).await,
            _ => Meant::ticked(app, caller, fields).await,
        }
    }

    async fn ticked(app: &App, caller: &Caller, fields: &Fields) -> Result<Meant<R>> {
        let ids: Vec<String> = fields.all("rows").map(str::to_owned).collect();
        if ids.is_empty() {
            return Err(Error::refused(t!(
                "No row was ticked. Go back and tick those you mean."
            )));
        }
        Ok(Meant {
            rows: Meant::<R>::again(app, caller, &ids).await?,
            matching: None,
            are_others: false,
        })
    }

    async fn matching(app: &App, caller: &Caller, fields: &Fields) -> Result<Meant<R>> {
        let asked = fields.text(ASKED);
        let mut query = Query::parse(asked)?;
        table::as_programs_ask::<R>(app, &mut query).await?;
        let rows = resource::matching::<R>(app, caller, &mut query).await?;
        if rows.is_empty() {
            return Err(Error::refused(t!("Nothing is like that.")));
        }
        let mut ids: Vec<i64> = rows.iter().map(R::id).collect();
        ids.sort_unstable();
        let these = hex::encode(app.keys.digest(format!("{ids:?}").as_bytes()));
        Ok(Meant {
            are_others: fields.text(THESE) != these,
            rows,
            matching: Some(Matching {
                asked: asked.to_owned(),
                these,
                told: in_words::<R>(app, caller, asked).await?,
            }),
        })
    }

    /// The rows of these ids.
    pub async fn again(app: &App, caller: &Caller, ids: &[String]) -> Result<Vec<R::Row>> {
        let body = Body::from_object(Map::from_iter([("rows".to_owned(), ids.into())]));
        let several = resource::several::<R>(app, caller, &body, &["rows"]).await?;
        Ok(several.rows)
    }

    pub fn ids(&self) -> Vec<String> {
        let ids = self.rows.iter().map(|row| R::id(row).to_string());
        ids.collect()
    }

    /// With what the list shows of the first of them.
    pub async fn named(mut self, app: &App, caller: &Caller) -> Result<(Named, Vec<Value>)> {
        let ids = self.ids();
        self.rows.truncate(MOST_NAMED);
        let shown = table::shown_to_people::<R>(app, caller, self.rows).await?;
        let names: Vec<String> = shown.iter().map(|row| R::name_of(row)).collect();
        let named = Named {
            more: ids.len() - names.len(),
            ids,
            names,
            matching: self.matching,
        };
        Ok((named, shown))
    }
}

impl Named {
    pub fn count(&self) -> usize {
        self.ids.len()
    }

    /// The fields by which a form has them along.
    pub fn fields(&self) -> Vec<(&'static str, &str)> {
        match &self.matching {
            None => self.ids.iter().map(|id| ("rows", id.as_str())).collect(),
            Some(matching) => vec![
                (MATCHING, "yes"),
                (ASKED, &matching.asked),
                (THESE, &matching.these),
            ],
        }
    }

    /// What they match, in words; `None`: they were ticked.
    pub fn told(&self) -> Option<&[String]> {
        let matching = self.matching.as_ref()?;
        Some(&matching.told)
    }
}

/// What a list was asked, one thing after another, as its bar of filters calls it.
async fn in_words<R: Listed>(app: &App, caller: &Caller, asked: &str) -> Result<Vec<String>> {
    let pairs = form_urlencoded::parse(asked.as_bytes())
        .filter(|(name, value)| name != "ordering" && !value.is_empty());
    let mut told = Vec::new();
    for (name, value) in pairs {
        let filter = R::VIEW.filters.iter().find(|filter| filter.name == name);
        let (label, word) = match filter {
            Some(filter) => (
                filter.label.into(),
                table::word_of(app, caller, filter, &value).await?,
            ),
            None if name == "search" => (t!("Search").into(), None),
            None => (name.into_owned(), None),
        };
        let word = word.unwrap_or_else(|| value.into_owned());
        told.push(t!("{what}: {value}", what = label, value = word));
    }
    Ok(told)
}
