//! Where rows stand in a list that grows at its end: what one page was found by shortens the way to the pages beside it.

use super::page::Known;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard};

/// Of so many places one is kept.
const APART: i64 = 1_000;

/// The ids at places that were walked to, by list. Places are counted from the beginning, where nothing comes.
#[derive(Debug, Default)]
pub struct Places(Mutex<HashMap<&'static str, Walked>>);

#[derive(Debug, Default)]
struct Walked {
    history: String,
    /// Place and id, by the place's thousand.
    ids: BTreeMap<i64, (i64, i64)>,
}

/// The way to the rows of a page along their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// From this id on, behind so many rows.
    Up { from: i64, over: i64 },
    /// Downwards from what is below this id, behind so many rows.
    Down { below: i64, over: i64 },
}

impl Way {
    fn length(self) -> i64 {
        let (Way::Up { over, .. } | Way::Down { over, .. }) = self;
        over
    }
}

impl Places {
    fn lists(&self) -> MutexGuard<'_, HashMap<&'static str, Walked>> {
        self.0.lock().expect("nobody panics while holding it")
    }

    /// The shortest way to the `rows` rows that begin at the place `first`.
    pub(super) fn way(&self, list: &'static str, known: &Known, first: i64, rows: i64) -> Way {
        let end = first + rows;
        let mut ways = vec![
            Way::Up {
                from: i64::MIN,
                over: first,
            },
            Way::Down {
                below: known.last_id.saturating_add(1),
                over: known.count - end,
            },
        ];
        let lists = self.lists();
        if let Some(walked) = lists.get(list)
            && walked.history == known.history
        {
            let thousand = first / APART;
            let before = walked.ids.range(..=thousand).rev();
            let before = before.map(|(_, walked)| *walked);
            ways.extend({
                let mut before = before.skip_while(|(place, _)| *place > first);
                before.next().map(|(place, from)| Way::Up {
                    from,
                    over: first - place,
                })
            });
            let after = walked.ids.range(thousand..).map(|(_, walked)| *walked);
            ways.extend({
                let mut after = after.skip_while(|(place, _)| *place < end);
                after.next().map(|(place, below)| Way::Down {
                    below,
                    over: place - end,
                })
            });
        }
        let shortest = ways.into_iter().min_by_key(|way| way.length());
        shortest.expect("there are the ways from both ends")
    }

    /// A row with this id was found at a place.
    pub(super) fn found(&self, list: &'static str, known: &Known, place: i64, id: i64) {
        let mut lists = self.lists();
        let walked = lists.entry(list).or_default();
        if walked.history != known.history {
            *walked = Walked {
                history: known.history.clone(),
                ids: BTreeMap::new(),
            };
        }
        walked.ids.insert(place / APART, (place, id));
    }
}

#[cfg(test)]
mod tests {
    use super::{Places, Way};
    use crate::resource::page::Known;

    fn known(history: &str) -> Known {
        Known {
            count: 1_000_000,
            last_id: 2_000_000,
            history: history.into(),
        }
    }

    #[test]
    fn the_way_is_the_shortest_from_what_is_known() {
        let places = Places::default();
        let known = known("a");
        let way = |first| places.way("l", &known, first, 100);
        let up = |from, over| Way::Up { from, over };
        let down = |below, over| Way::Down { below, over };
        assert_eq!(way(400_000), up(i64::MIN, 400_000));
        assert_eq!(way(600_000), down(2_000_001, 399_900));
        places.found("l", &known, 600_000, 1_234_567);
        assert_eq!(way(600_000), up(1_234_567, 0));
        assert_eq!(way(600_100), up(1_234_567, 100));
        assert_eq!(way(599_900), down(1_234_567, 0));
        assert_eq!(way(599_000), down(1_234_567, 900));
        // Its row is among those of the page, so from there the way is neither up nor down.
        assert_eq!(way(599_950), down(2_000_001, 399_950));
        places.found("l", &known, 599_020, 1_230_000);
        assert_eq!(way(599_950), up(1_230_000, 930));
        assert_eq!(
            places.way("other", &known, 600_000, 100),
            down(2_000_001, 399_900)
        );
    }

    #[test]
    fn places_of_another_history_are_forgotten() {
        let places = Places::default();
        places.found("l", &known("a"), 600_000, 1_234_567);
        let far = Way::Down {
            below: 2_000_001,
            over: 399_900,
        };
        assert_eq!(places.way("l", &known("b"), 600_000, 100), far);
        places.found("l", &known("b"), 1_000, 5_000);
        assert_eq!(places.way("l", &known("a"), 600_000, 100), far);
    }
}
