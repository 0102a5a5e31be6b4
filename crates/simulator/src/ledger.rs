//! What the terminals saw of the server: which rows it acknowledged, which commands were carried out, which answers were
//! not as they must be. All terminals of a fleet write into one.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use chrono::NaiveDateTime;
use serde::Serialize;

use crate::latency::Histogram;

/// A punch as the server must keep it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Row {
    pub terminal: Arc<str>,
    pub pin: Arc<str>,
    pub local: NaiveDateTime,
    pub status: u8,
    pub verify: u8,
    /// Sent as `rtlog`: the server decides what status and verify are.
    pub access: bool,
}

/// Counts of the whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    pub requests: u64,
    /// No answer, and not because the simulator hung up.
    pub unanswered: u64,
    /// Requests whose answer the simulator did not wait for.
    pub hung_up: u64,
    pub handshakes: u64,
    pub handshakes_refused: u64,
    pub polls: u64,
    pub punches: u64,
    /// Distinct rows when rows are kept, else every acknowledgement.
    pub rows_acknowledged: u64,
    pub uploads_refused: u64,
    /// Rows that could not be read, sent on purpose.
    pub bad_rows: u64,
    pub commands: u64,
    pub results_acknowledged: u64,
    pub reboots: u64,
}

/// A kind of answer that should not be, with the first of its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flaw {
    pub what: String,
    pub count: u64,
    pub example: String,
}

/// One request of the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub terminal: Arc<str>,
    /// Simulated milliseconds since the run began.
    pub at_ms: u64,
    /// `POST cdata?table=ATTLOG&Stamp=9999`: without the serial number.
    pub request: String,
    /// Lines of the body.
    pub rows: usize,
    /// `None`: no answer.
    pub status: Option<u16>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Execution {
    pub verb: String,
    pub times: u32,
    /// A 200 was read for its result, so the server has no reason to send it again.
    pub confirmed: bool,
}

#[derive(Default)]
pub(crate) struct Book {
    pub totals: Totals,
    /// With whether each was acknowledged. Empty unless rows are kept.
    pub rows: HashMap<Row, bool>,
    pub executions: HashMap<(Arc<str>, String), Execution>,
    pub flaws: BTreeMap<&'static str, (u64, String)>,
    pub ack: Histogram,
    pub trace: Vec<Step>,
}

/// Shared by the terminals of a fleet; can be looked at while they run.
pub struct Ledger {
    book: Mutex<Book>,
    keeps_rows: bool,
    traces: bool,
}

impl Ledger {
    pub(crate) fn new(keeps_rows: bool, traces: bool) -> Ledger {
        Ledger {
            book: Mutex::default(),
            keeps_rows,
            traces,
        }
    }

    pub fn totals(&self) -> Totals {
        self.open().totals
    }

    /// Answers that should not be, with the first of each kind.
    pub fn flaws(&self) -> Vec<Flaw> {
        self.open()
            .flaws
            .iter()
            .map(|(what, (count, example))| Flaw {
                what: (*what).to_owned(),
                count: *count,
                example: example.clone(),
            })
            .collect()
    }

    /// How often commands of these words were carried out, by all terminals together.
    pub fn carried_out(&self, verb: &str) -> usize {
        let book = self.open();
        let of_verb = book.executions.values().filter(|done| done.verb == verb);
        of_verb.map(|done| done.times as usize).sum()
    }

    pub(crate) fn open(&self) -> MutexGuard<'_, Book> {
        self.book
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn count(&self, change: impl FnOnce(&mut Totals)) {
        change(&mut self.open().totals);
    }

    pub(crate) fn keeps_rows(&self) -> bool {
        self.keeps_rows
    }

    pub(crate) fn traces(&self) -> bool {
        self.traces
    }

    pub(crate) fn step(&self, step: Step) {
        self.open().trace.push(step);
    }

    pub(crate) fn made(&self, row: impl FnOnce() -> Row) {
        let mut book = self.open();
        book.totals.punches += 1;
        if self.keeps_rows {
            book.rows.entry(row()).or_insert(false);
        }
    }

    pub(crate) fn acknowledged(&self, count: usize, rows: impl Iterator<Item = Row>) {
        let mut book = self.open();
        if !self.keeps_rows {
            book.totals.rows_acknowledged += count as u64;
            return;
        }
        for row in rows {
            if book.rows.insert(row, true) != Some(true) {
                book.totals.rows_acknowledged += 1;
            }
        }
    }

    pub(crate) fn ack_took(&self, took: Duration) {
        self.open().ack.record(took);
    }

    pub(crate) fn flaw(&self, what: &'static str, example: impl FnOnce() -> String) {
        self.open()
            .flaws
            .entry(what)
            .or_insert_with(|| (0, example()))
            .0 += 1;
    }

    /// Says when the server should have known that this was done before.
    pub(crate) fn executed(&self, terminal: &Arc<str>, id: &str, verb: &str) {
        let mut book = self.open();
        book.totals.commands += 1;
        let execution = book
            .executions
            .entry((terminal.clone(), id.to_owned()))
            .or_default();
        execution.times += 1;
        let again = execution.times > 1;
        let confirmed = execution.confirmed;
        execution.verb = verb.to_owned();
        let what = match (again, confirmed, repeats_safely(verb)) {
            (true, true, _) => "a command was sent again although its result had been acknowledged",
            (true, false, false) => "a command that must run once was sent again",
            _ => return,
        };
        book.flaws
            .entry(what)
            .or_insert_with(|| (0, format!("{terminal}: C:{id}:{verb}")))
            .0 += 1;
    }

    pub(crate) fn confirmed(&self, terminal: &Arc<str>, ids: &[String]) {
        let mut book = self.open();
        book.totals.results_acknowledged += ids.len() as u64;
        for id in ids {
            if let Some(execution) = book.executions.get_mut(&(terminal.clone(), id.clone())) {
                execution.confirmed = true;
            }
        }
    }
}

/// Whether a server may send such a command again when it has heard nothing. The verb is the command's first words.
fn repeats_safely(verb: &str) -> bool {
    let first = verb
        .split(' ')
        .next()
        .unwrap_or_default()
        .to_ascii_uppercase();
    matches!(
        first.as_str(),
        "DATA" | "SET" | "GET" | "INFO" | "CHECK" | "LOG" | "RELOAD" | "VERIFY"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flaws(ledger: &Ledger) -> Vec<&'static str> {
        ledger.open().flaws.keys().copied().collect()
    }

    #[test]
    fn a_command_may_come_again_only_while_its_result_is_unknown_and_it_does_no_harm() {
        let sn: Arc<str> = "S1".into();
        let ledger = Ledger::new(false, false);
        ledger.executed(&sn, "1", "DATA UPDATE USERINFO");
        ledger.executed(&sn, "1", "DATA UPDATE USERINFO");
        assert_eq!(flaws(&ledger), [""; 0]);

        ledger.confirmed(&sn, &["1".into()]);
        ledger.executed(&sn, "1", "DATA UPDATE USERINFO");
        assert_eq!(
            flaws(&ledger),
            ["a command was sent again although its result had been acknowledged"]
        );

        let ledger = Ledger::new(false, false);
        ledger.executed(&sn, "2", "REBOOT");
        ledger.executed(&sn, "2", "REBOOT");
        assert_eq!(
            flaws(&ledger),
            ["a command that must run once was sent again"]
        );
    }

    #[test]
    fn one_terminals_ids_are_not_anothers() {
        let ledger = Ledger::new(false, false);
        ledger.executed(&"S1".into(), "1", "REBOOT");
        ledger.executed(&"S2".into(), "1", "REBOOT");
        assert_eq!(flaws(&ledger), [""; 0]);
    }
}
