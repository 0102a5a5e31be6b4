//! Rows of a file that have another above them: stored behind it, unless they would be above themselves.

use super::{Given, Import};
use crate::error::{Problem, Result};
use crate::extract::Body;
use crate::language;
use crate::resource::Writable;
use std::collections::{HashMap, HashSet, VecDeque};

/// The code of the one above, which may be in this file too.
pub(super) fn above<R: Writable>(body: &Body) -> Option<&str> {
    let (_, value) = body.first_of(R::ABOVE)?;
    value.as_str()
}

impl<R: Writable> Import<'_, R> {
    /// The rows that have one above them, that one first; whoever stands above itself is bad.
    pub(super) async fn in_order(&mut self) -> Result<Vec<Given<R>>> {
        let circles = self.circles().await?;
        let (circular, below): (Vec<_>, Vec<_>) = std::mem::take(&mut self.below)
            .into_iter()
            .partition(|given| circles.contains(&given.code));
        for given in circular {
            let message = t!(
                "Cannot be set as parent {thing}.",
                thing = language::worded(R::NAME)
            );
            let field = given.body.first_of(R::ABOVE).map_or("", |(name, _)| name);
            let problem = Problem::new(field, message).coded(R::BAD_PARENT);
            self.is_bad(given.row, &given.code, [problem]);
        }
        let places: HashMap<&str, usize> = below
            .iter()
            .enumerate()
            .map(|(place, given)| (given.code.as_str(), place))
            .collect();
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); below.len()];
        let mut ready = VecDeque::new();
        for (place, given) in below.iter().enumerate() {
            match above::<R>(&given.body).and_then(|above| places.get(above)) {
                Some(above) => children[*above].push(place),
                None => ready.push_back(place),
            }
        }
        let mut order = Vec::with_capacity(below.len());
        while let Some(place) = ready.pop_front() {
            ready.extend(&children[place]);
            order.push(place);
        }
        let mut below: Vec<Option<Given<R>>> = below.into_iter().map(Some).collect();
        Ok(order
            .into_iter()
            .filter_map(|place| below[place].take())
            .collect())
    }

    /// The codes of the file that would be above themselves, by the file and, where that says nothing, by
    /// what is stored.
    async fn circles(&self) -> Result<HashSet<String>> {
        if self.below.is_empty() {
            return Ok(HashSet::new());
        }
        let stored = R::stored_above(self.app).await?;
        let mut parents: HashMap<&str, &str> = stored
            .iter()
            .map(|(code, above)| (code.as_str(), above.as_str()))
            .collect();
        for given in &self.below {
            if let Some(above) = above::<R>(&given.body) {
                parents.insert(&given.code, above);
            }
        }
        let codes = self.below.iter().map(|given| given.code.as_str());
        let circles = circles(codes, &parents);
        Ok(circles.into_iter().map(str::to_owned).collect())
    }
}

/// Which of these, or of those above them, are above themselves.
fn circles<'a>(
    codes: impl Iterator<Item = &'a str>,
    above: &HashMap<&'a str, &'a str>,
) -> HashSet<&'a str> {
    let mut circles = HashSet::new();
    // In which walk each was met.
    let mut met: HashMap<&str, usize> = HashMap::new();
    for (walk, code) in codes.enumerate() {
        let mut here = Some(code);
        while let Some(code) = here.filter(|code| !met.contains_key(code)) {
            met.insert(code, walk);
            here = above.get(code).copied();
        }
        // The walk came to where it had been: from there it goes round.
        while let Some(code) = here.filter(|code| met[code] == walk && circles.insert(*code)) {
            here = above.get(code).copied();
        }
    }
    circles
}

#[cfg(test)]
mod tests {
    use super::circles;
    use std::collections::HashMap;

    #[test]
    fn who_hangs_from_a_circle_is_not_in_it() {
        let above = HashMap::from([
            ("a", "b"),
            ("b", "c"),
            ("c", "a"),
            ("d", "a"),
            ("e", "e"),
            ("f", "top"),
        ]);
        let mut found: Vec<&str> = circles(["d", "a", "e", "f"].into_iter(), &above)
            .into_iter()
            .collect();
        found.sort_unstable();
        assert_eq!(found, ["a", "b", "c", "e"]);
    }
}
