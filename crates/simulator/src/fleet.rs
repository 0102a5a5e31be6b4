//! All terminals of a run: made from the options, living side by side, ended together.

use std::pin::pin;
use std::sync::Arc;

use chrono::NaiveDateTime;
use futures::future::{self, Either};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::clock::machine_utc;
use crate::ledger::Ledger;
use crate::model::{self, DEMO_MODELS, DEMO_TERMINALS};
use crate::options::{Options, Profile};
use crate::report::Report;
use crate::terminal::Terminal;

/// Terminals that share one ledger.
pub struct Fleet {
    terminals: Vec<Terminal>,
    ledger: Arc<Ledger>,
    options: Arc<Options>,
    began: (Instant, NaiveDateTime),
}

impl Fleet {
    /// Their clocks run from here on; they power up when [`Fleet::run`] is called.
    pub fn new(mut options: Options) -> Fleet {
        if options.profile == Profile::Demo {
            options.terminals = DEMO_TERMINALS.len();
        }
        let people: Vec<Arc<str>> = match options.people.is_empty() {
            true => (1001..=1200)
                .map(|pin: u32| pin.to_string().into())
                .collect(),
            false => options
                .people
                .iter()
                .map(|pin| pin.as_str().into())
                .collect(),
        };
        let ledger = Arc::new(Ledger::new(options.api.is_some(), options.trace));
        let began = (
            Instant::now(),
            options.starts_at.unwrap_or_else(machine_utc),
        );
        let options = Arc::new(options);
        let access = access_terminals(&options);
        let terminals = (0..options.terminals)
            .map(|index| {
                let (serial_number, model) = match options.profile {
                    Profile::Demo => (
                        DEMO_TERMINALS[index].serial_number.to_owned(),
                        DEMO_MODELS[index],
                    ),
                    _ if index < access => (serial_number(&options, index), &model::F20),
                    _ => (
                        serial_number(&options, index),
                        model::attendance(index - access),
                    ),
                };
                Terminal::new(
                    index,
                    &serial_number,
                    model,
                    &people,
                    &options,
                    &ledger,
                    began,
                )
            })
            .collect();
        Fleet {
            terminals,
            ledger,
            options,
            began,
        }
    }

    /// In the order of the fleet.
    pub fn serial_numbers(&self) -> impl Iterator<Item = &str> {
        self.terminals
            .iter()
            .map(|terminal| &*terminal.serial_number)
    }

    pub(crate) fn into_terminals(self) -> Vec<Terminal> {
        self.terminals
    }

    /// To look at while the fleet runs.
    pub fn ledger(&self) -> Arc<Ledger> {
        self.ledger.clone()
    }

    /// Until all are done (`Options::duration_s`) or `stop` is. Requests under way are cut off then, as by a power cut.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Report {
        let serial_numbers: Vec<Arc<str>> = self
            .terminals
            .iter()
            .map(|terminal| terminal.serial_number.clone())
            .collect();
        let mut running: JoinSet<()> = self.terminals.into_iter().map(Terminal::run).collect();
        let all = async {
            while let Some(ended) = running.join_next().await {
                if let Err(error) = ended {
                    tracing::error!(%error, "a simulated terminal ended by itself");
                }
            }
        };
        if let Either::Right(_) = future::select(pin!(all), pin!(stop)).await {
            tracing::debug!("the simulation was told to stop");
        }
        running.shutdown().await;
        Report::new(
            &self.options,
            serial_numbers,
            &self.ledger,
            self.began.0.elapsed(),
        )
    }
}

/// Access terminals come first in a fleet, so that their number is exact.
fn access_terminals(options: &Options) -> usize {
    match options.profile {
        Profile::Demo => 0,
        _ => (options.terminals as f64 * options.mix.access.clamp(0.0, 1.0)).round() as usize,
    }
}

fn serial_number(options: &Options, index: usize) -> String {
    format!("{}{:07}", options.sn_prefix, index + 1)
}

/// Simulates until the options' duration has passed or `stop` is done.
pub async fn run(options: Options, stop: impl Future<Output = ()>) -> Report {
    Fleet::new(options).run(stop).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Mix;

    #[test]
    fn a_fleet_has_its_serial_numbers_and_share_of_access_terminals() {
        let mix = Mix {
            access: 0.25,
            ..Mix::none()
        };
        let fleet = Fleet::new(Options {
            terminals: 8,
            sn_prefix: "T".into(),
            mix,
            ..Options::default()
        });
        assert_eq!(fleet.serial_numbers().nth(7), Some("T0000008"));
        let models: Vec<&str> = fleet
            .terminals
            .iter()
            .map(|terminal| terminal.model.name)
            .collect();
        assert_eq!(models[..3], ["F20/M", "F20/M", "SpeedFace-V5L"]);
        assert_eq!(models[7], "MB160");
    }

    #[test]
    fn the_demonstration_has_its_four_terminals_whatever_number_is_asked_for() {
        let fleet = Fleet::new(Options {
            terminals: 9,
            ..Options::demo("127.0.0.1:1", vec!["7".into()])
        });
        let wanted = DEMO_TERMINALS.map(|terminal| terminal.serial_number);
        assert_eq!(fleet.serial_numbers().collect::<Vec<_>>(), wanted);
    }
}
