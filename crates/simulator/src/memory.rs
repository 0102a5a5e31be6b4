//! What a terminal keeps over a restart: its log of punches, the people it knows, its options.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use chrono::NaiveDateTime;

/// Older punches are overwritten, as in a real terminal.
const LOG_CAPACITY: usize = 100_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Punch {
    pub pin: Arc<str>,
    pub local: NaiveDateTime,
    pub status: u8,
    pub verify: u8,
}

/// A person, with the columns as the server sent them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Person {
    pub columns: BTreeMap<String, String>,
    /// Templates of fingerprints by finger.
    pub prints: BTreeMap<String, String>,
    /// Near-infrared face templates by number.
    pub faces: BTreeMap<String, String>,
    /// Templates in the unified form: type and number, then the row behind the PIN.
    pub bio: BTreeMap<(String, String), String>,
    /// Enrolment photo.
    pub photo: Option<String>,
    /// Picture shown on the screen.
    pub picture: Option<String>,
}

#[derive(Default)]
pub(crate) struct Memory {
    log: VecDeque<Punch>,
    /// How many at the front of the log were acknowledged.
    sent: usize,
    /// How many the log has lost at its front, so that numbers of rows stay.
    overwritten: usize,
    pub people: BTreeMap<String, Person>,
    pub options: BTreeMap<String, String>,
    pub messages: BTreeMap<String, String>,
}

/// What INFO counts; a change of it is told with the next poll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub people: usize,
    pub prints: usize,
    pub punches: usize,
    pub faces: usize,
    pub cards: usize,
    pub pictures: usize,
}

impl Memory {
    pub fn keep(&mut self, punch: Punch) {
        if self.log.len() == LOG_CAPACITY {
            self.log.pop_front();
            self.sent = self.sent.saturating_sub(1);
            self.overwritten += 1;
        }
        self.log.push_back(punch);
    }

    /// The oldest punches not yet acknowledged, each with its number, which never changes.
    pub fn unsent(&self, most: usize) -> impl Iterator<Item = (usize, &Punch)> {
        self.log
            .iter()
            .enumerate()
            .skip(self.sent)
            .take(most)
            .map(|(at, punch)| (self.overwritten + at + 1, punch))
    }

    pub fn unsent_count(&self) -> usize {
        self.log.len() - self.sent
    }

    pub fn sent(&mut self, count: usize) {
        self.sent = (self.sent + count).min(self.log.len());
    }

    /// All is sent again.
    pub fn send_all_again(&mut self) {
        self.sent = 0;
    }

    pub fn clear_log(&mut self) {
        self.overwritten += self.log.len();
        self.log.clear();
        self.sent = 0;
    }

    /// Punches of a period, both ends included.
    pub fn between(
        &self,
        start: NaiveDateTime,
        end: NaiveDateTime,
    ) -> impl Iterator<Item = &Punch> {
        self.log
            .iter()
            .filter(move |punch| punch.local >= start && punch.local <= end)
    }

    pub fn counters(&self) -> Counters {
        let mut counters = Counters {
            people: self.people.len(),
            punches: self.log.len(),
            ..Counters::default()
        };
        for person in self.people.values() {
            let of_type =
                |wanted: &str| person.bio.keys().filter(|(kind, _)| kind == wanted).count();
            counters.prints += person.prints.len() + of_type("1");
            counters.faces += usize::from(!person.faces.is_empty())
                + of_type("9").max(usize::from(person.photo.is_some()));
            counters.cards += usize::from(
                person
                    .columns
                    .get("Card")
                    .is_some_and(|card| has_card(card)),
            );
            counters.pictures += usize::from(person.picture.is_some());
        }
        counters
    }

    /// The rows of a person as an upload has them: the person, then what was enrolled.
    pub fn person_rows(&self, pin: &str) -> Vec<String> {
        let Some(person) = self.people.get(pin) else {
            return Vec::new();
        };
        let mut rows = vec![user_row(pin, person)];
        rows.extend(
            person
                .prints
                .iter()
                .map(|(finger, template)| print_row(pin, finger, template)),
        );
        rows.extend(person.faces.iter().map(|(number, template)| {
            format!(
                "FACE PIN={pin}\tFID={number}\tSIZE={}\tVALID=1\tTMP={template}",
                template.len()
            )
        }));
        rows.extend(
            person
                .bio
                .values()
                .map(|rest| format!("BIODATA Pin={pin}\t{rest}")),
        );
        if let Some(content) = &person.photo {
            let size = content.len();
            rows.push(format!("BIOPHOTO PIN={pin}\tFileName={pin}.jpg\tType=9\tNo=0\tIndex=0\tSize={size}\tContent={content}"));
        }
        if let Some(content) = &person.picture {
            rows.push(format!(
                "USERPIC PIN={pin}\tFileName={pin}.jpg\tSize={}\tContent={content}",
                content.len()
            ));
        }
        rows
    }
}

fn has_card(card: &str) -> bool {
    !card.trim_matches(['[', ']', '0', ' ']).is_empty()
}

fn user_row(pin: &str, person: &Person) -> String {
    let column = |name: &str, otherwise: &'static str| {
        person
            .columns
            .get(name)
            .filter(|value| !value.is_empty())
            .map_or(otherwise, String::as_str)
            .to_owned()
    };
    format!(
        "USER PIN={pin}\tName={}\tPri={}\tPasswd={}\tCard={}\tGrp={}\tTZ={}\tVerify={}\tViceCard={}\tStartDatetime={}\tEndDatetime={}",
        column("Name", ""),
        column("Pri", "0"),
        column("Passwd", ""),
        column("Card", ""),
        column("Grp", "1"),
        column("TZ", "0000000100000000"),
        column("Verify", "-1"),
        column("ViceCard", ""),
        column("StartDatetime", "0"),
        column("EndDatetime", "0"),
    )
}

pub(crate) fn print_row(pin: &str, finger: &str, template: &str) -> String {
    format!(
        "FP PIN={pin}\tFID={finger}\tSize={}\tValid=1\tTMP={template}",
        template.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_protocol::time::parse_local;

    fn punch(minute: usize) -> Punch {
        let local = parse_local(&format!("2026-03-02 09:{:02}:00", minute % 60))
            .expect("the test's own time");
        Punch {
            pin: "1".into(),
            local,
            status: 0,
            verify: 1,
        }
    }

    #[test]
    fn what_was_not_acknowledged_stays_in_order_and_numbers_do_not_change() {
        let mut memory = Memory::default();
        (0..5).for_each(|minute| memory.keep(punch(minute)));
        memory.sent(2);
        let numbers = |memory: &Memory| {
            memory
                .unsent(2)
                .map(|(number, _)| number)
                .collect::<Vec<_>>()
        };
        assert_eq!(numbers(&memory), [3, 4]);
        assert_eq!(memory.unsent_count(), 3);
        memory.clear_log();
        memory.keep(punch(6));
        assert_eq!(numbers(&memory), [6]);
    }

    #[test]
    fn a_full_log_overwrites_its_oldest_punch() {
        let mut memory = Memory::default();
        (0..=LOG_CAPACITY).for_each(|minute| memory.keep(punch(minute)));
        assert_eq!(
            memory
                .unsent(1)
                .map(|(number, _)| number)
                .collect::<Vec<_>>(),
            [2]
        );
        assert_eq!(memory.unsent_count(), LOG_CAPACITY);
    }

    #[test]
    fn an_empty_card_is_no_card() {
        for (card, is_one) in [
            ("", false),
            ("0", false),
            ("[0000000000]", false),
            ("123", true),
            ("[15CD5B0700]", true),
        ] {
            assert_eq!(has_card(card), is_one, "{card}");
        }
    }
}
