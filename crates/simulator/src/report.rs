//! What a run has shown of the server, and whether the server kept what it acknowledged.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDateTime;
use muster_protocol::time;
use serde::Serialize;

use crate::api::{self, Kept};
use crate::latency::Latency;
use crate::ledger::{Flaw, Ledger, Row, Step, Totals};
use crate::options::{ApiAccess, Options};

/// Violations of one kind that are told one by one.
const TOLD_ONE_BY_ONE: usize = 10;

#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub terminals: usize,
    pub took_s: f64,
    pub totals: Totals,
    /// How long uploads took until they were acknowledged.
    pub ack: Latency,
    pub ack_limit_ms: u64,
    /// Answers that were not as they must be.
    pub flaws: Vec<Flaw>,
    /// Every request in its order, when `Options::trace` is set.
    #[serde(skip)]
    pub trace: Vec<Step>,
    #[serde(skip)]
    serial_numbers: Vec<Arc<str>>,
    /// Punches with whether they were acknowledged; empty without `Options::api`.
    #[serde(skip)]
    rows: HashMap<Row, bool>,
    #[serde(skip)]
    keeps_rows: bool,
}

impl Report {
    pub(crate) fn new(
        options: &Options,
        serial_numbers: Vec<Arc<str>>,
        ledger: &Ledger,
        took: Duration,
    ) -> Report {
        let flaws = ledger.flaws();
        let book = std::mem::take(&mut *ledger.open());
        Report {
            terminals: serial_numbers.len(),
            took_s: took.as_secs_f64(),
            totals: book.totals,
            ack: book.ack.latency(),
            ack_limit_ms: options.ack_limit_ms,
            flaws,
            trace: book.trace,
            serial_numbers,
            rows: book.rows,
            keeps_rows: ledger.keeps_rows(),
        }
    }

    /// Rows the server has acknowledged, in order. Empty unless the run had `Options::api`.
    pub fn acknowledged(&self) -> Vec<&Row> {
        let mut rows: Vec<&Row> = self
            .rows
            .iter()
            .filter(|(_, acknowledged)| **acknowledged)
            .map(|(row, _)| row)
            .collect();
        rows.sort();
        rows
    }

    /// What the terminals themselves saw and must not have seen.
    pub fn violations(&self) -> Vec<String> {
        let mut violations: Vec<String> = self
            .flaws
            .iter()
            .map(|flaw| {
                format!(
                    "{} ({} times), first {}",
                    flaw.what, flaw.count, flaw.example
                )
            })
            .collect();
        if self.ack.p99_ms > self.ack_limit_ms as f64 {
            violations.push(format!(
                "1 of 100 uploads was acknowledged after {} ms or later, allowed are {} ms",
                self.ack.p99_ms, self.ack_limit_ms
            ));
        }
        violations
    }

    /// The same, and what is missing or doubled when the server's lists are read back. No text: all is well.
    pub async fn check(&self, access: Option<&ApiAccess>) -> Vec<String> {
        let mut violations = self.violations();
        let Some(access) = access else {
            return violations;
        };
        if !self.keeps_rows {
            violations
                .push("nothing can be compared: the run was made without Options::api".to_owned());
            return violations;
        }
        let mut wrong = Differences::default();
        for serial_number in &self.serial_numbers {
            match api::kept(access, serial_number).await {
                Ok(kept) => self.compare(serial_number, kept, &mut wrong),
                Err(error) => {
                    violations.push(format!(
                        "what terminal {serial_number} sent could not be read back: {error:#}"
                    ));
                    return violations;
                }
            }
        }
        violations.extend(wrong.tell());
        violations
    }

    fn compare(&self, serial_number: &Arc<str>, kept: Vec<Kept>, wrong: &mut Differences) {
        let mut seen: HashMap<Kept, u32> = HashMap::new();
        for row in kept {
            *seen.entry(row).or_default() += 1;
        }
        // An access terminal's codes are translated by the server: person and time must do.
        let times: HashSet<(&str, NaiveDateTime)> = seen
            .keys()
            .map(|row| (row.pin.as_str(), row.local))
            .collect();
        let own = || {
            self.rows
                .iter()
                .filter(|(row, _)| row.terminal == *serial_number)
        };
        let mut made: HashSet<Kept> = HashSet::new();
        let mut made_times: HashSet<(&str, NaiveDateTime)> = HashSet::new();
        for (row, acknowledged) in own() {
            let wanted = Kept::from(row);
            let found = if row.access {
                times.contains(&(&*row.pin, row.local))
            } else {
                seen.contains_key(&wanted)
            };
            if *acknowledged && !found {
                wrong.lost.push(shown(serial_number, &wanted));
            }
            if !row.access {
                made_times.insert((&row.pin, row.local));
                made.insert(wanted);
            }
        }
        for (row, times) in &seen {
            if *times > 1 {
                wrong
                    .doubled
                    .push(format!("{} ({times} times)", shown(serial_number, row)));
            }
            if made_times.contains(&(row.pin.as_str(), row.local)) && !made.contains(row) {
                wrong.altered.push(shown(serial_number, row));
            }
        }
    }
}

fn shown(serial_number: &str, row: &Kept) -> String {
    format!(
        "{serial_number} {} {} status {} verify {}",
        row.pin,
        time::format_local(row.local),
        row.status,
        row.verify
    )
}

#[derive(Default)]
struct Differences {
    lost: Vec<String>,
    doubled: Vec<String>,
    altered: Vec<String>,
}

impl Differences {
    fn tell(self) -> Vec<String> {
        let mut told = Vec::new();
        for (what, mut rows) in [
            ("an acknowledged punch is lost", self.lost),
            ("a punch is stored more than once", self.doubled),
            (
                "a punch is stored with other codes than it was sent with",
                self.altered,
            ),
        ] {
            rows.sort();
            told.extend(
                rows.iter()
                    .take(TOLD_ONE_BY_ONE)
                    .map(|row| format!("{what}: {row}")),
            );
            if rows.len() > TOLD_ONE_BY_ONE {
                told.push(format!("{what}: {} more", rows.len() - TOLD_ONE_BY_ONE));
            }
        }
        told
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Totals {
            requests,
            unanswered,
            hung_up,
            handshakes,
            handshakes_refused,
            polls,
            ..
        } = self.totals;
        let Totals {
            punches,
            rows_acknowledged,
            uploads_refused,
            bad_rows,
            commands,
            results_acknowledged,
            reboots,
            ..
        } = self.totals;
        writeln!(out, "{} terminals, {:.1} s", self.terminals, self.took_s)?;
        writeln!(
            out,
            "requests    {requests}, unanswered {unanswered}, hung up on purpose {hung_up}"
        )?;
        writeln!(
            out,
            "handshakes  {handshakes}, refused {handshakes_refused}; polls {polls}; restarts {reboots}"
        )?;
        writeln!(
            out,
            "punches     {punches}, acknowledged {rows_acknowledged}, uploads refused {uploads_refused}, unreadable rows {bad_rows}"
        )?;
        writeln!(
            out,
            "commands    {commands}, results acknowledged {results_acknowledged}"
        )?;
        let Latency {
            p50_ms,
            p90_ms,
            p99_ms,
            longest_ms,
            ..
        } = self.ack;
        write!(
            out,
            "upload ms   half {p50_ms:.1}, 90 % {p90_ms:.1}, 99 % {p99_ms:.1}, longest {longest_ms:.1}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_acknowledgements_are_a_violation_from_the_hundredth_part_on() {
        let told = |slow: usize| {
            let ledger = Ledger::new(false, false);
            (0..1000).for_each(|upload| {
                ledger.ack_took(Duration::from_millis(if upload < slow { 2000 } else { 5 }));
            });
            Report::new(&Options::default(), Vec::new(), &ledger, Duration::ZERO).violations()
        };
        assert_eq!(told(9), [""; 0]);
        assert_eq!(
            told(11),
            ["1 of 100 uploads was acknowledged after 2000 ms or later, allowed are 1000 ms"]
        );
    }
}
