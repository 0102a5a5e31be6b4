//! Terminals that do one thing at a time, when they are told to: for tests that look at what is on them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::fleet::Fleet;
use crate::ledger::Ledger;
use crate::memory::print_row;
use crate::model::Generation;
use crate::options::Options;
use crate::terminal::{Ending, Heard, Terminal, template};

/// What a terminal holds of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnTerminal {
    /// The columns of the record as they were written, by the wire's names; empty ones are left out.
    pub record: BTreeMap<String, String>,
    /// Templates of fingerprints by finger.
    pub prints: BTreeMap<String, String>,
}

/// A terminal that waits to be told what to do next. Its time passes only by what it does.
pub struct Driven {
    terminal: Terminal,
    is_up: bool,
}

impl Driven {
    /// The terminals of a fleet, and the account they share. `Options::speed` should be 0.
    pub fn fleet(options: Options) -> (Vec<Driven>, Arc<Ledger>) {
        let fleet = Fleet::new(options);
        let ledger = fleet.ledger();
        let terminals = fleet
            .into_terminals()
            .into_iter()
            .map(|terminal| Driven {
                terminal,
                is_up: false,
            })
            .collect();
        (terminals, ledger)
    }

    pub fn serial_number(&self) -> &str {
        &self.terminal.serial_number
    }

    /// Tells the server the version of its algorithms, so that it may be given templates.
    pub fn tells_its_algorithms(&self) -> bool {
        matches!(
            self.terminal.model.generation,
            Generation::Second | Generation::Third
        )
    }

    /// From now on it calls this server, `host:port`.
    pub fn calls(&mut self, address: &str) {
        self.terminal.line.turn_to(address);
    }

    /// One poll with all it brings; a start before it when the terminal is down. `false`: there was
    /// nothing to do.
    pub async fn turn(&mut self) -> bool {
        match self.live_on().await {
            Ok(heard) => heard == Heard::Commands,
            Err(ending) => {
                if matches!(ending, Ending::PowerCycle(_)) {
                    self.terminal.results.clear();
                    self.terminal.powered_up = true;
                }
                self.is_up = false;
                true
            }
        }
    }

    async fn live_on(&mut self) -> Result<Heard, Ending> {
        let terminal = &mut self.terminal;
        if !self.is_up {
            terminal.told = None;
            match terminal.model.generation {
                Generation::Access => terminal.boot_access().await?,
                _ => terminal.boot_attendance().await?,
            }
            terminal.powered_up = false;
            terminal.post_results().await?;
            terminal.send_unsent_rows().await?;
            terminal.send_people().await?;
            self.is_up = true;
            return Ok(Heard::Commands);
        }
        terminal.post_results().await?;
        terminal.poll().await
    }

    /// Somebody it knows enrols a finger at it; gives the template. `None`: it knows nobody of that PIN, or is down. The
    /// server hears of it at once or, when it does not take it, with the terminal's next start.
    pub async fn enrol(&mut self, pin: &str, finger: &str) -> Option<String> {
        if !self.is_up {
            return None;
        }
        let person = self.terminal.memory.people.get_mut(pin)?;
        let print = template(&mut self.terminal.random, 400);
        let row = print_row(pin, finger, &print);
        person.prints.insert(finger.to_owned(), print.clone());
        if self.terminal.send_rows(vec![row]).await.is_err() {
            self.is_up = false;
        }
        Some(print)
    }

    /// Somebody deletes a person at it; the server hears nothing of that.
    pub fn delete(&mut self, pin: &str) -> bool {
        self.terminal.memory.people.remove(pin).is_some()
    }

    /// Everybody it holds.
    pub fn people(&self) -> BTreeMap<String, OnTerminal> {
        self.terminal
            .memory
            .people
            .iter()
            .map(|(pin, person)| {
                let record = person
                    .columns
                    .iter()
                    .filter(|(name, value)| !value.is_empty() && !name.eq_ignore_ascii_case("PIN"))
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect();
                let held = OnTerminal {
                    record,
                    prints: person.prints.clone(),
                };
                (pin.clone(), held)
            })
            .collect()
    }
}
