//! What terminals have said they can do: the options they reported. One that never said is believed
//! able, and refuses by itself.

use crate::app::App;
use crate::error::Result;
use muster_store::{Sql, json_list};
use std::collections::HashMap;

/// The options that tell, in small letters.
#[derive(Debug, Default)]
pub(super) struct Abilities(HashMap<(i64, String), String>);

impl Abilities {
    pub(super) async fn of(app: &App, terminal_ids: &[i64]) -> Result<Abilities> {
        let said: Vec<(i64, String, String)> = app
            .store
            .all(&Sql::by_dialect(
                "SELECT terminal_id, lower(name), value FROM terminal_option \
                 WHERE terminal_id IN (SELECT value FROM json_each($1)) AND lower(name) IN ('fingerfunon', \
                     'facefunon', 'fvfunon', 'pvfunon', 'visilightfun', 'multibiodatasupport', 'lockfunon', 'lockcount')",
                "SELECT terminal_id, lower(name), value FROM terminal_option \
                 WHERE terminal_id IN (SELECT CAST(jsonb_array_elements_text($1::jsonb) AS BIGINT)) \
                     AND lower(name) IN ('fingerfunon', \
                     'facefunon', 'fvfunon', 'pvfunon', 'visilightfun', 'multibiodatasupport', 'lockfunon', 'lockcount')",
                [json_list(terminal_ids.iter().copied())],
            ))
            .await?;
        Ok(Abilities(
            said.into_iter()
                .map(|(id, name, value)| ((id, name), value))
                .collect(),
        ))
    }

    fn said(&self, terminal_id: i64, name: &str) -> Option<&str> {
        let value = self.0.get(&(terminal_id, name.to_owned()))?;
        Some(value.trim()).filter(|value| !value.is_empty())
    }

    /// Whether it recognises people by this biometric type, a number of the wire; `None`: it never
    /// said.
    pub(super) fn recognises(&self, terminal_id: i64, wire_type: i16) -> Option<bool> {
        let alone = match wire_type {
            1 => "fingerfunon",
            2 => "facefunon",
            7 => "fvfunon",
            8 => "pvfunon",
            9 => "visilightfun",
            _ => "",
        };
        let alone = self.said(terminal_id, alone).map(|value| value != "0");
        let among_all = self.said(terminal_id, "multibiodatasupport").map(|types| {
            let place = usize::try_from(wire_type).unwrap_or(usize::MAX);
            types.split(':').nth(place).is_some_and(|bit| bit != "0")
        });
        match (alone, among_all) {
            (Some(alone), Some(among_all)) => Some(alone || among_all),
            (alone, among_all) => alone.or(among_all),
        }
    }

    /// `Some(false)`: it has no lock to open.
    pub(super) fn has_lock(&self, terminal_id: i64) -> Option<bool> {
        self.said(terminal_id, "lockfunon")
            .map(|value| value != "0")
    }

    /// How many doors it has.
    pub(super) fn doors(&self, terminal_id: i64) -> Option<i64> {
        self.said(terminal_id, "lockcount")?.parse().ok()
    }
}
