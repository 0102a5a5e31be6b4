//! What searches find punches by, apart from the people who are there: the names of places that punched, and the codes
//! of those who are gone. More than the punches have does no harm, less would hide some.

use crate::punches::record::Place;
use chrono::NaiveDateTime;
use muster_store::{Result, Sql, Store, Tx, json_list};
use serde_json::json;
use std::sync::Arc;

/// Keeps what these places are called; durable when it returns.
pub async fn note_places(store: &Store, places: &[Arc<Place>]) -> Result<()> {
    let names = places.iter().map(|place| {
        json!([
            place.terminal_sn,
            place.terminal_alias.as_deref().unwrap_or_default(),
            place.area_name.as_deref().unwrap_or_default(),
        ])
    });
    let mut tx = store.write().await?;
    tx.run(&Sql::by_dialect(
        "INSERT INTO punch_place (terminal_sn, terminal_alias, area_name) \
         SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each($1) WHERE TRUE ON CONFLICT DO NOTHING",
        "INSERT INTO punch_place (terminal_sn, terminal_alias, area_name) \
         SELECT value ->> 0, value ->> 1, value ->> 2 FROM jsonb_array_elements($1::jsonb) ON CONFLICT DO NOTHING",
        [json_list(names)],
    ))
    .await?;
    tx.commit().await
}

/// Keeps the codes of employees who are removed.
pub async fn note_former_codes(tx: &mut Tx, codes: &[&str]) -> Result<()> {
    tx.run(&Sql::by_dialect(
        "INSERT INTO former_code (emp_code) SELECT value FROM json_each($1) WHERE TRUE ON CONFLICT DO NOTHING",
        "INSERT INTO former_code (emp_code) SELECT jsonb_array_elements_text($1::jsonb) ON CONFLICT DO NOTHING",
        [json_list(codes.iter().copied())],
    ))
    .await?;
    Ok(())
}

/// Keeps both of the punches of a part that lay apart, by the terminals' clocks.
pub async fn note_part(
    tx: &mut Tx,
    starts: Option<NaiveDateTime>,
    ends: Option<NaiveDateTime>,
) -> Result<()> {
    for sql in [
        "INSERT INTO punch_place (terminal_sn, terminal_alias, area_name) \
         SELECT DISTINCT terminal_sn, COALESCE(terminal_alias, ''), COALESCE(area_name, '') FROM punch \
         WHERE punch_local >= COALESCE($1, '-infinity'::timestamp) AND punch_local < $2 ON CONFLICT DO NOTHING",
        "INSERT INTO former_code (emp_code) SELECT DISTINCT pin FROM punch \
         WHERE transaction_id IS NOT NULL AND punch_local >= COALESCE($1, '-infinity'::timestamp) AND punch_local < $2 \
             AND NOT EXISTS (SELECT FROM employee WHERE employee.id = punch.employee_id) ON CONFLICT DO NOTHING",
    ] {
        tx.run(&Sql::new(sql, [starts.into(), ends.into()])).await?;
    }
    Ok(())
}
