//! What searches find punches by, apart from the people who are there: the names of places that punched, and the codes
//! of those who are gone. More than the punches have does no harm, less would hide some.

use crate::punches::record::Place;
use muster_store::rusqlite::{self, Transaction, params};
use muster_store::{Result, Sql, Store, Tx, json_list};
use sqlx::PgConnection;
use std::sync::Arc;

fn names(place: &Place) -> [&str; 3] {
    [
        place.terminal_sn.as_str(),
        place.terminal_alias.as_deref().unwrap_or_default(),
        place.area_name.as_deref().unwrap_or_default(),
    ]
}

/// Keeps what these places are called, in the transaction of their punches.
pub fn note_in_sqlite(tx: &Transaction<'_>, places: &[Arc<Place>]) -> rusqlite::Result<()> {
    for place in places {
        let [sn, alias, area] = names(place);
        tx.prepare_cached(
            "INSERT INTO punch_place (terminal_sn, terminal_alias, area_name) VALUES (?1, ?2, ?3) \
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![sn, alias, area])?;
    }
    Ok(())
}

/// The same before them; in the order of the names, for other servers may keep the same ones.
pub async fn note_in_postgres(
    connection: &mut PgConnection,
    places: &[Arc<Place>],
) -> sqlx::Result<()> {
    if places.is_empty() {
        return Ok(());
    }
    let mut places: Vec<[&str; 3]> = places.iter().map(|place| names(place)).collect();
    places.sort_unstable();
    let all = |name: usize| -> Vec<&str> { places.iter().map(|names| names[name]).collect() };
    sqlx::query(
        "INSERT INTO punch_place (terminal_sn, terminal_alias, area_name) SELECT * FROM UNNEST($1, $2, $3) \
         ON CONFLICT DO NOTHING",
    )
    .bind(all(0))
    .bind(all(1))
    .bind(all(2))
    .execute(connection)
    .await?;
    Ok(())
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

/// Keeps both of a part in the archive that is to come back.
pub async fn note_part(store: &Store, part: &str) -> Result<()> {
    let _: (String,) = store
        .one(&Sql::new("SELECT punch_note_part($1)::text", [part.into()]))
        .await?;
    Ok(())
}
