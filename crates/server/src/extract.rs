//! All a handler may ask of a request: its path, its query, its body, where it came from, and
//! whose it is. Nothing here trusts what it reads.

mod body;
mod credential;
mod json;
mod origin;

pub use body::{Body, File, collect, python_type, read_body};
pub use credential::Credential;
pub use origin::Origin;

use crate::access::Caller;
use crate::app::App;
use crate::error::{Error, Result};
use http::HeaderMap;
use http::header::ACCEPT;
use std::sync::Arc;
use url::form_urlencoded;

/// More pairs in a query or a form are refused.
const MAX_PAIRS: usize = 1000;

/// A request that has been read: of nobody in particular yet.
pub struct Request {
    pub app: Arc<App>,
    pub path: Path,
    pub query: Query,
    pub body: Body,
    pub origin: Origin,
}

/// A request whose caller is known and may do what the endpoint is for.
pub struct Call {
    pub caller: Caller,
    pub request: Request,
}

/// What stands for `{name}` in the endpoint's path, decoded.
#[derive(Debug, Default)]
pub struct Path(Vec<(String, String)>);

impl Path {
    /// A path with a control character names nothing.
    pub fn new<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Path> {
        let parameters: Vec<(String, String)> = parameters
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        if parameters
            .iter()
            .any(|(_, value)| value.chars().any(char::is_control))
        {
            return Err(Error::NotFound);
        }
        Ok(Path(parameters))
    }

    pub fn get(&self, name: &str) -> Result<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .ok_or(Error::NotFound)
    }
}

/// The query's pairs. Names are matched without regard to case, pairs without a name are skipped,
/// an empty value is none, and what nobody asked for is remembered.
#[derive(Debug, Default, Clone)]
pub struct Query {
    pairs: Vec<Pair>,
}

#[derive(Debug, Clone)]
struct Pair {
    /// As it was written.
    name: String,
    value: String,
    taken: bool,
}

impl Query {
    pub fn parse(query: &str) -> Result<Query> {
        let mut pairs = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if name.is_empty() {
                continue;
            }
            if pairs.len() == MAX_PAIRS {
                return Err(Error::refused(t!("Too many parameters.")));
            }
            if value.contains('\0') || name.contains('\0') {
                return Err(Error::invalid(
                    name.replace('\0', ""),
                    t!("Null characters are not allowed."),
                ));
            }
            pairs.push(Pair {
                name: name.into_owned(),
                value: value.into_owned(),
                taken: false,
            });
        }
        Ok(Query { pairs })
    }

    /// From pairs, as a form of the console has them.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Query {
        Query {
            pairs: pairs
                .into_iter()
                .map(|(name, value)| Pair {
                    name: name.into(),
                    value: value.into(),
                    taken: false,
                })
                .collect(),
        }
    }

    /// More pairs, behind those there are.
    pub fn extend<N: Into<String>>(&mut self, pairs: impl IntoIterator<Item = (N, String)>) {
        self.pairs.extend(Query::from_pairs(pairs).pairs);
    }

    /// A parameter in the place of those of its name.
    pub fn put<N: Into<String>>(&mut self, name: N, value: String) {
        let name = name.into();
        self.pairs
            .retain(|pair| !pair.name.eq_ignore_ascii_case(&name));
        self.extend([(name, value)]);
    }

    /// The last value of a parameter; `Some("")` when it is there and empty.
    pub fn take_raw(&mut self, name: &str) -> Option<String> {
        let mut found = None;
        for pair in &mut self.pairs {
            if pair.name.eq_ignore_ascii_case(name) {
                pair.taken = true;
                found = Some(pair.value.clone());
            }
        }
        found
    }

    /// The last value of a parameter, unless it is empty.
    pub fn take(&mut self, name: &str) -> Option<String> {
        self.take_raw(name).filter(|value| !value.is_empty())
    }

    /// The names nobody asked for.
    pub fn unknown(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .pairs
            .iter()
            .filter(|pair| !pair.taken)
            .map(|pair| pair.name.clone())
            .collect();
        names.dedup();
        names
    }

    /// The query again, its names in alphabetical order, with one parameter set (or left out) and
    /// others dropped. What callers sent for no purpose goes along.
    pub fn rewritten(&self, set: &[(&str, Option<String>)]) -> String {
        let mut pairs: Vec<(&str, &str)> = self
            .pairs
            .iter()
            .filter(|pair| {
                !set.iter()
                    .any(|(name, _)| pair.name.eq_ignore_ascii_case(name))
            })
            .map(|pair| (pair.name.as_str(), pair.value.as_str()))
            .collect();
        for (name, value) in set {
            if let Some(value) = value {
                pairs.push((name, value));
            }
        }
        pairs.sort_by(|a, b| a.0.cmp(b.0));
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish()
    }
}

/// JSON is what there is: an `Accept` that shuts it out, or a `format` of another kind, is refused.
pub fn check_accept(headers: &HeaderMap, query: &mut Query) -> Result<()> {
    match query.take("format").as_deref() {
        None | Some("json") => {}
        Some(_) => return Err(Error::NotFound),
    }
    let mut ranges = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|range| range.split(';').next().unwrap_or("").trim().to_lowercase())
        .filter(|range| !range.is_empty())
        .peekable();
    // A browser asks for HTML and is shown JSON, as everybody.
    let known = ["*/*", "application/*", "application/json", "text/html"];
    if ranges.peek().is_none() || ranges.any(|range| known.contains(&range.as_str())) {
        Ok(())
    } else {
        Err(Error::NotAcceptable)
    }
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn a_query_skips_empty_pairs_and_remembers_what_nobody_asked_for() {
        let mut query = Query::parse("&Emp_Code=4&&page=2&colour=red&page_size=").expect("good");
        assert_eq!(query.take("emp_code").as_deref(), Some("4"));
        assert_eq!(query.take("page").as_deref(), Some("2"));
        assert_eq!(query.take("page_size"), None);
        assert_eq!(query.unknown(), ["colour"]);
        assert_eq!(
            query.rewritten(&[("page", Some("3".into()))]),
            "Emp_Code=4&colour=red&page=3&page_size="
        );
    }
}
