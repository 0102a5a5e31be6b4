//! New punches as rows of each database: one prepared statement a row where the database is in the
//! program, one call with arrays where it is across a wire. Either way a row that is known
//! already stays as it is, and a punch of a known code becomes a transaction at once.

use crate::punches::record::NewPunch;
use crate::times;
use chrono::{DateTime, NaiveDateTime, SecondsFormat, Timelike, Utc};
use muster_store::rusqlite::{self, OptionalExtension, Transaction, params};
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};

/// For each punch the id it got, or none when it was known.
pub fn into_sqlite(
    tx: &Transaction<'_>,
    company_id: &str,
    upload_at: DateTime<Utc>,
    punches: &[NewPunch],
) -> rusqlite::Result<Vec<Option<i64>>> {
    let (mut last_id, archived_before): (i64, Option<String>) = tx
        .prepare_cached("SELECT last_id, archived_before FROM punch_counter WHERE company_id = ?1")?
        .query_row([company_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut find =
        tx.prepare_cached("SELECT id FROM employee WHERE company_id = ?1 AND emp_code = ?2")?;
    let mut insert = tx.prepare_cached(
        "INSERT INTO punch (id, transaction_id, company_id, terminal_id, terminal_sn, terminal_alias, area_id, \
             area_name, employee_id, pin, punch_local, punch_at, punch_state, verify_type, verify_bits, work_code, \
             mask_flag, temperature, longitude, latitude, source, event_index, event_code, clock_suspect, upload_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, \
             ?22, ?23, ?24, ?25) ON CONFLICT DO NOTHING",
    )?;
    let upload_at = instant_text(upload_at);
    let mut employees: HashMap<&str, Option<i64>> = HashMap::new();
    let (mut transactions, mut unregistered) = (0_i64, 0_i64);
    let mut stored = Vec::with_capacity(punches.len());
    for punch in punches {
        let local = local_text(punch.local);
        // The archive stayed with the PostgreSQL it was made on.
        if archived_before.as_ref().is_some_and(|time| local < *time) {
            stored.push(None);
            continue;
        }
        let employee_id = match employees.get(punch.pin.as_str()) {
            Some(known) => *known,
            None => {
                let found = find
                    .query_row(params![company_id, punch.pin], |row| row.get(0))
                    .optional()?;
                employees.insert(&punch.pin, found);
                found
            }
        };
        let id = last_id + 1;
        let place = &punch.place;
        let is_new = insert.execute(params![
            id,
            employee_id.map(|_| id),
            company_id,
            place.terminal_id,
            place.terminal_sn,
            place.terminal_alias,
            place.area_id,
            place.area_name,
            employee_id,
            punch.pin,
            local,
            instant_text(punch.at),
            punch.state,
            punch.verify,
            punch.verify_bits,
            punch.work_code,
            punch.mask,
            finite(punch.temperature),
            finite(punch.longitude),
            finite(punch.latitude),
            punch.source as i16,
            punch.event_index,
            punch.event_code,
            punch.clock_suspect,
            upload_at,
        ])? == 1;
        if is_new {
            last_id = id;
            match employee_id {
                Some(_) => transactions += 1,
                None => unregistered += 1,
            }
        }
        stored.push(is_new.then_some(id));
    }
    if transactions + unregistered > 0 {
        tx.prepare_cached(
            "UPDATE punch_counter SET last_id = ?2, transactions = transactions + ?3, \
                 unregistered = unregistered + ?4 WHERE company_id = ?1",
        )?
        .execute(params![company_id, last_id, transactions, unregistered])?;
    }
    Ok(stored)
}

/// The same, by the database's own function `record_punches`, which takes the ids too and finds the part each row belongs in.
pub async fn into_postgres(
    connection: &mut PgConnection,
    company_id: &str,
    upload_at: DateTime<Utc>,
    punches: &[NewPunch],
) -> sqlx::Result<Vec<Option<i64>>> {
    // All answers are read, and the last of them comes after the commit.
    let answers: Vec<(i64, Option<Vec<i64>>)> = sqlx::query_as(
        "SELECT first_id, stored FROM record_punches($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, \
             $15, $16, $17, $18, $19, $20, $21, $22)",
    )
    .bind(company_id)
    .bind(upload_at)
    .bind(all(punches, |punch| punch.place.terminal_id))
    .bind(all(punches, |punch| punch.place.terminal_sn.as_str()))
    .bind(all(punches, |punch| punch.place.terminal_alias.as_deref()))
    .bind(all(punches, |punch| punch.place.area_id))
    .bind(all(punches, |punch| punch.place.area_name.as_deref()))
    .bind(all(punches, |punch| punch.pin.as_str()))
    .bind(all(punches, |punch| punch.local))
    .bind(all(punches, |punch| punch.at))
    .bind(all(punches, |punch| punch.state))
    .bind(all(punches, |punch| punch.verify))
    .bind(all(punches, |punch| punch.verify_bits.as_deref()))
    .bind(all(punches, |punch| punch.work_code.as_str()))
    .bind(all(punches, |punch| punch.mask))
    .bind(all(punches, |punch| finite(punch.temperature)))
    .bind(all(punches, |punch| finite(punch.longitude)))
    .bind(all(punches, |punch| finite(punch.latitude)))
    .bind(all(punches, |punch| punch.source as i16))
    .bind(all(punches, |punch| punch.event_index))
    .bind(all(punches, |punch| punch.event_code))
    .bind(all(punches, |punch| punch.clock_suspect))
    .fetch_all(connection)
    .await?;
    let (first_id, stored) = answers.into_iter().next().ok_or(sqlx::Error::RowNotFound)?;
    let ids = (first_id..).take(punches.len());
    Ok(match stored {
        None => ids.map(Some).collect(),
        Some(stored) => {
            let stored: HashSet<i64> = stored.into_iter().collect();
            ids.map(|id| stored.contains(&id).then_some(id)).collect()
        }
    })
}

fn all<'p, T>(punches: &'p [NewPunch], value: impl Fn(&'p NewPunch) -> T) -> Vec<T> {
    punches.iter().map(value).collect()
}

/// As the driver writes a local time: text of one form is what sorts and compares.
fn local_text(local: NaiveDateTime) -> String {
    if local.nanosecond() == 0 {
        times::local(local)
    } else {
        local.format("%F %T%.f").to_string()
    }
}

/// As the driver writes an instant.
fn instant_text(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, false)
}

fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::local_text;
    use chrono::{NaiveDate, NaiveDateTime};

    #[test]
    fn local_times_are_written_as_the_driver_writes_them() {
        let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).expect("a day");
        for time in [
            day(2026, 1, 9).and_hms_opt(0, 5, 59),
            day(1, 12, 31).and_hms_opt(23, 0, 1),
            day(2026, 1, 9).and_hms_milli_opt(1, 2, 3, 40),
            day(12_026, 1, 9).and_hms_opt(1, 2, 3),
            day(-5, 1, 9).and_hms_opt(1, 2, 3),
        ] {
            let time: NaiveDateTime = time.expect("a time");
            assert_eq!(local_text(time), time.format("%F %T%.f").to_string());
        }
    }
}
