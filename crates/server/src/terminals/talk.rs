//! What terminals and this server have said to one another lately, in words, for whoever asks why a
//! punch is not there. It is in memory, of this server alone, and holds little: the same thing said
//! again and again is one entry with a count.

use crate::language::Sentence;
use chrono::{DateTime, Utc};
use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

/// So much is remembered of each terminal, and of so many of them.
const MOST: usize = 40;
const MOST_TERMINALS: usize = 2_000;
/// What is repeated is looked for among so many: a poll comes between one thing and the next.
const LATEST: usize = 2;

/// Something a terminal said, and what it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
    pub times: u32,
    pub said: Sentence,
    /// The status of HTTP and what it comes to.
    pub status: u16,
    pub answered: Sentence,
}

#[derive(Debug, Default)]
pub struct Talk(Mutex<HashMap<i64, VecDeque<Exchange>>>);

impl Talk {
    /// Remembers what was just said; cheap enough for every poll.
    pub fn note(
        &self,
        terminal_id: i64,
        at: DateTime<Utc>,
        said: Sentence,
        status: u16,
        answered: Sentence,
    ) {
        let mut talk = self.0.lock().expect("nobody panics while holding it");
        if talk.len() >= MOST_TERMINALS && !talk.contains_key(&terminal_id) {
            // The one that has been silent longest makes room.
            let silent = talk
                .iter()
                .min_by_key(|(_, of)| of.back().map(|exchange| exchange.last_at))
                .map(|(id, _)| *id);
            if let Some(silent) = silent {
                talk.remove(&silent);
            }
        }
        let of = talk.entry(terminal_id).or_default();
        let before = of.len().saturating_sub(LATEST);
        let again = of.range_mut(before..).find(|exchange| {
            (exchange.status, &exchange.said, &exchange.answered) == (status, &said, &answered)
        });
        if let Some(exchange) = again {
            exchange.times = exchange.times.saturating_add(1);
            exchange.last_at = at;
            return;
        }
        if of.len() >= MOST {
            of.pop_front();
        }
        of.push_back(Exchange {
            first_at: at,
            last_at: at,
            times: 1,
            said,
            status,
            answered,
        });
    }

    /// What is remembered of one, what was said last before the rest.
    pub fn of(&self, terminal_id: i64) -> Vec<Exchange> {
        let talk = self.0.lock().expect("nobody panics while holding it");
        let mut of: Vec<Exchange> = talk
            .get(&terminal_id)
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        of.sort_by_key(|exchange| std::cmp::Reverse(exchange.last_at));
        of
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, MOST_TERMINALS, Talk};
    use chrono::{DateTime, TimeDelta};

    fn say(talk: &Talk, terminal_id: i64, second: i64, said: &str) {
        let at = DateTime::UNIX_EPOCH + TimeDelta::seconds(second);
        let said = later!("{said}", said = said.to_owned());
        talk.note(terminal_id, at, said, 200, later!("OK"));
    }

    #[test]
    fn what_is_said_again_and_again_is_counted() {
        let talk = Talk::default();
        for second in 0..100 {
            say(&talk, 1, 2 * second, "asks what to do");
            say(&talk, 1, 2 * second + 1, "is there");
        }
        say(&talk, 1, 300, "brings a punch");
        say(&talk, 1, 301, "asks what to do");
        let of = talk.of(1);
        let told: Vec<(String, u32)> = of
            .iter()
            .map(|one| (one.said.to_string(), one.times))
            .collect();
        assert_eq!(
            told,
            [
                ("asks what to do".to_owned(), 1),
                ("brings a punch".to_owned(), 1),
                ("is there".to_owned(), 100),
                ("asks what to do".to_owned(), 100)
            ]
        );
    }

    #[test]
    fn it_holds_so_much_and_no_more() {
        let talk = Talk::default();
        for number in 0..1_000 {
            say(&talk, 1, number, &format!("{number}"));
        }
        assert_eq!(talk.of(1).len(), MOST);
        assert_eq!(talk.of(1)[0].said.to_string(), "999");
        for id in 2..=i64::try_from(MOST_TERMINALS).expect("small") + 1 {
            say(&talk, id, 1_000 + id, "is there");
        }
        assert!(
            talk.of(1).is_empty(),
            "the one that was silent longest made room"
        );
        assert_eq!(talk.of(2).len(), 1);
    }
}
