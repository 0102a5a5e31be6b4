//! Where somebody is in a list: its filters, search, order, columns and page. It goes along to the pages
//! of a row and with their forms, so that whoever is done there comes back to where he was.

use crate::console::form::Fields;
use crate::console::table::View;
use crate::console::views;
use std::collections::BTreeMap;
use url::form_urlencoded::{Serializer, parse};

/// The parameter and the field it travels in.
pub const FROM: &str = "from";
/// Of an address, beside what a view keeps.
const PAGE: &str = "page";
/// What is longer no page of ours has written.
const LONGEST: usize = 4000;

/// A list and what was asked of it. Only what the list itself knows is taken from a request, never an
/// address.
#[derive(Debug, Clone)]
pub struct Place {
    list: &'static str,
    asked: BTreeMap<String, String>,
}

impl Place {
    /// On the list's own page.
    pub fn here(view: &View, query: &str) -> Place {
        let asked = match query.len() {
            ..=LONGEST => parse(query.as_bytes())
                .filter(|(name, value)| {
                    (name == PAGE || views::is_kept(view, name))
                        && !value.is_empty()
                        && !value.contains('\0')
                })
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
            _ => BTreeMap::new(),
        };
        Place {
            list: view.name,
            asked,
        }
    }

    /// On another page, whose address says it.
    pub fn told(view: &View, query: Option<&str>) -> Place {
        let pairs = parse(query.unwrap_or("").as_bytes());
        let from = pairs.filter(|(name, _)| name == FROM).last();
        Place::here(view, from.as_ref().map_or("", |(_, value)| value))
    }

    /// Of a form, which had it along.
    pub fn sent(view: &View, fields: &Fields) -> Place {
        Place::here(view, fields.text(FROM))
    }

    /// The same with something left out.
    pub fn without(mut self, name: &str) -> Place {
        self.asked.remove(name);
        self
    }

    /// As a form has it along; empty for the list as it opens.
    pub fn query(&self) -> String {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(&self.asked);
        query.finish()
    }

    /// Back to it.
    pub fn address(&self) -> String {
        match self.asked.is_empty() {
            true => format!("/{}", self.list),
            false => format!("/{}?{}", self.list, self.query()),
        }
    }

    /// Back to it, where it is told what was done.
    pub fn done(&self, word: &str) -> String {
        let mut told = self.clone();
        told.asked.insert("done".into(), word.into());
        told.address()
    }

    /// An address of one of our pages, which is told where somebody comes from.
    pub fn along(&self, address: &str) -> String {
        if self.asked.is_empty() {
            return address.to_owned();
        }
        let (page, part) = match address.split_once('#') {
            Some((page, part)) => (page, format!("#{part}")),
            None => (address, String::new()),
        };
        let and = if page.contains('?') { '&' } else { '?' };
        let mut from = Serializer::new(String::new());
        from.append_pair(FROM, &self.query());
        format!("{page}{and}{}{part}", from.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::Place;
    use crate::console::table::Listed;
    use crate::resources::employee::Employee;

    #[test]
    fn a_place_is_what_the_list_knows_and_never_an_address() {
        let view = Employee::VIEW;
        let query =
            "from=https://evil.example/&page=3&department=7&search=a%26b&done=saved&evil=1&area=";
        let place = Place::here(&view, query);
        assert_eq!(
            place.address(),
            "/employees?department=7&page=3&search=a%26b"
        );
        assert_eq!(
            place.done("saved"),
            "/employees?department=7&done=saved&page=3&search=a%26b"
        );
        let row = place.along("/employees/9?month=2026-01#recent");
        assert_eq!(
            row,
            "/employees/9?month=2026-01&from=department%3D7%26page%3D3%26search%3Da%2526b#recent"
        );
        let query = row.split(['?', '#']).nth(1);
        assert_eq!(Place::told(&view, query).address(), place.address());
        for odd in [
            None,
            Some("from=//evil.example/"),
            Some("from=https%3A%2F%2Fevil.example%3Fsearch%3Dx"),
            Some("from=search%3D%00"),
        ] {
            let place = Place::told(&view, odd);
            assert_eq!(place.address(), "/employees", "{odd:?}");
            assert_eq!(place.along("/employees/9"), "/employees/9");
        }
        let long = format!("search={}", "x".repeat(5000));
        assert_eq!(Place::here(&view, &long).address(), "/employees");
    }
}
