//! The one way in for punches, and the owner of the table `punch`.
//!
//! Everybody hands rows to one writer. It takes all that waits, stores what is new in one
//! transaction, and answers each caller when that is durable. While one commit syncs the next group
//! gathers, so groups grow with the load and nothing waits for a timer.

use crate::app::Company;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::events::{Event, Events};
use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use muster_store::{Sql, Store, Tx};
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Callers that may wait for the writer; more are refused, and their terminals send again.
const WAITING: usize = 1024;

/// Rows of one transaction at most.
const GROUP: usize = 8192;

/// Where a punch was made, as it was then: history does not move with the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `terminal.id`, while the terminal is there.
    pub terminal_id: Option<i64>,
    pub terminal_sn: String,
    pub terminal_alias: Option<String>,
    pub area_id: Option<i64>,
    pub area_name: Option<String>,
}

/// How a punch came here; the numbers are the API's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Terminal = 1,
    Import = 2,
    App = 3,
}

/// A punch as it is to be kept.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPunch {
    pub place: Arc<Place>,
    pub pin: String,
    /// The terminal's wall clock, as sent.
    pub local: NaiveDateTime,
    /// The same instant, worked out from the terminal's zone.
    pub at: DateTime<Utc>,
    /// 0 in, 1 out … 255 undefined.
    pub state: i16,
    pub verify: i16,
    /// The 16 flags some access terminals send in place of a number.
    pub verify_bits: Option<String>,
    pub work_code: String,
    pub mask: Option<i16>,
    /// Degrees, in the unit the terminal was set to.
    pub temperature: Option<f64>,
    pub longitude: Option<f64>,
    pub latitude: Option<f64>,
    pub source: Source,
    /// Access terminals number their events; attendance terminals do not.
    pub event_index: Option<i64>,
    pub event_code: Option<i64>,
    /// The terminal's clock was plainly wrong: kept as sent, and flagged.
    pub clock_suspect: bool,
}

struct Job {
    punches: Vec<NewPunch>,
    durable: oneshot::Sender<Result<Vec<i64>>>,
}

/// The door to the writer.
#[derive(Debug)]
pub struct Recorder {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    writer: tokio::sync::Mutex<Option<JoinHandle<()>>>,
    groups: Arc<AtomicU64>,
}

impl Recorder {
    /// Starts the writer.
    pub fn start(store: Store, clock: Clock, company: Company, events: Events) -> Recorder {
        let (sender, receiver) = mpsc::channel(WAITING);
        let writer = Writer {
            store,
            clock,
            company,
            events,
            groups: Arc::default(),
        };
        Recorder {
            groups: writer.groups.clone(),
            jobs: Mutex::new(Some(sender)),
            writer: tokio::sync::Mutex::new(Some(tokio::spawn(writer.run(receiver)))),
        }
    }

    /// Stores each punch once, however often it comes, and returns when all of them are durable:
    /// the ids of those that are new. Refuses at once when too many wait.
    pub async fn record(&self, punches: Vec<NewPunch>) -> Result<Vec<i64>> {
        if punches.is_empty() {
            return Ok(Vec::new());
        }
        let jobs = self
            .jobs
            .lock()
            .expect("nobody panics while holding it")
            .clone()
            .ok_or_else(|| Error::Unavailable("the server is closing".into()))?;
        let (durable, answer) = oneshot::channel();
        jobs.try_send(Job { punches, durable })
            .map_err(|_| Error::Unavailable("too many uploads wait for the disk".into()))?;
        answer
            .await
            .map_err(|_| Error::Unavailable("the writer stopped".into()))?
    }

    /// Transactions that were committed so far.
    pub fn groups(&self) -> u64 {
        self.groups.load(Ordering::Relaxed)
    }

    /// Takes nothing more, and returns when everything taken is written.
    pub async fn finish(&self) {
        self.jobs
            .lock()
            .expect("nobody panics while holding it")
            .take();
        if let Some(writer) = self.writer.lock().await.take()
            && let Err(error) = writer.await
        {
            tracing::error!(%error, "the punch writer did not end well");
        }
    }
}

struct Writer {
    store: Store,
    clock: Clock,
    company: Company,
    events: Events,
    groups: Arc<AtomicU64>,
}

impl Writer {
    async fn run(self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(first) = jobs.recv().await {
            let mut group = vec![first];
            let mut rows = group[0].punches.len();
            while rows < GROUP {
                let Ok(job) = jobs.try_recv() else { break };
                rows += job.punches.len();
                group.push(job);
            }
            self.write(group).await;
        }
    }

    /// One transaction for the group. If it fails, one for each caller, so that a bad row of one
    /// terminal does not fail sixty others.
    async fn write(&self, group: Vec<Job>) {
        let all: Vec<&NewPunch> = group.iter().flat_map(|job| &job.punches).collect();
        match self.store_rows(&all).await {
            Ok(stored) => {
                let fresh: Vec<i64> = stored.iter().flatten().copied().collect();
                let mut answers = stored.into_iter();
                for job in group {
                    let ids = answers.by_ref().take(job.punches.len()).flatten().collect();
                    let _ = job.durable.send(Ok(ids));
                }
                self.announce(fresh);
            }
            Err(error) if group.len() == 1 => {
                for job in group {
                    let _ = job.durable.send(Err(Error::Unavailable(error.to_string())));
                }
                tracing::error!(%error, "punches could not be stored");
            }
            Err(error) => {
                tracing::warn!(%error, callers = group.len(), "a group could not be stored; each is tried alone");
                for job in group {
                    Box::pin(self.write(vec![job])).await;
                }
            }
        }
    }

    fn announce(&self, mut fresh: Vec<i64>) {
        if !fresh.is_empty() {
            fresh.sort_unstable();
            self.events.publish(Event::Punches(fresh));
        }
    }

    /// Stores the rows that are new; for each row given, the id it got, or none when it was known.
    async fn store_rows(&self, punches: &[&NewPunch]) -> muster_store::Result<Vec<Option<i64>>> {
        let count = i64::try_from(punches.len()).expect("a group is far smaller than an i64");
        let mut tx = self.store.write().await?;
        let first_id = take_ids(&mut tx, &self.company.id, count).await?;
        let stored: Vec<(i64, Option<i64>)> = tx
            .all(&insert(
                &rows_as_json(punches, first_id),
                &self.company.id,
                self.clock.now(),
            ))
            .await?;
        let transactions = stored.iter().filter(|(_, known)| known.is_some()).count();
        count_more(
            &mut tx,
            &self.company.id,
            transactions,
            stored.len() - transactions,
        )
        .await?;
        tx.commit().await?;
        self.groups.fetch_add(1, Ordering::Relaxed);

        let mut ids = vec![None; punches.len()];
        for (id, _) in stored {
            let place = usize::try_from(id - first_id).expect("ids were given from first_id on");
            ids[place] = Some(id);
        }
        Ok(ids)
    }
}

/// Takes `count` ids for this transaction alone: the first of them. The counter's row stays locked
/// until the commit, so ids become visible in the order they rise, on one node or on many, and a
/// reader that goes on from the last id it saw misses nothing.
async fn take_ids(tx: &mut Tx, company_id: &str, count: i64) -> muster_store::Result<i64> {
    let (last,): (i64,) = tx
        .one(&Sql::new(
            "UPDATE punch_counter SET last_id = last_id + $2 WHERE company_id = $1 RETURNING last_id",
            [company_id.into(), count.into()],
        ))
        .await?;
    Ok(last - count + 1)
}

/// Keeps the counters that make an unfiltered list's `count` free.
async fn count_more(
    tx: &mut Tx,
    company_id: &str,
    transactions: usize,
    unregistered: usize,
) -> muster_store::Result<()> {
    if transactions + unregistered > 0 {
        tx.run(&Sql::new(
            "UPDATE punch_counter SET transactions = transactions + $2, unregistered = unregistered + $3 \
             WHERE company_id = $1",
            [
                company_id.into(),
                i64::try_from(transactions).unwrap_or(i64::MAX).into(),
                i64::try_from(unregistered).unwrap_or(i64::MAX).into(),
            ],
        ))
        .await?;
    }
    Ok(())
}

/// One statement text for every size of group: the rows travel as one JSON array. A punch of a
/// known code becomes a transaction in the same statement.
fn insert(rows: &str, company_id: &str, upload_at: DateTime<Utc>) -> Sql {
    Sql::by_dialect(
        "INSERT INTO punch (id, transaction_id, company_id, terminal_id, terminal_sn, terminal_alias, area_id, \
             area_name, employee_id, pin, punch_local, punch_at, punch_state, verify_type, verify_bits, work_code, \
             mask_flag, temperature, longitude, latitude, source, event_index, event_code, clock_suspect, upload_at) \
         SELECT r.value ->> 0, CASE WHEN e.id IS NULL THEN NULL ELSE r.value ->> 0 END, $2, r.value ->> 1, \
             r.value ->> 2, r.value ->> 3, r.value ->> 4, r.value ->> 5, e.id, r.value ->> 6, r.value ->> 7, \
             r.value ->> 8, r.value ->> 9, r.value ->> 10, r.value ->> 11, r.value ->> 12, r.value ->> 13, \
             r.value ->> 14, r.value ->> 15, r.value ->> 16, r.value ->> 17, r.value ->> 18, r.value ->> 19, \
             r.value ->> 20, $3 \
         FROM json_each($1) AS r \
         LEFT JOIN employee AS e ON e.company_id = $2 AND e.emp_code = r.value ->> 6 \
         WHERE TRUE \
         ON CONFLICT DO NOTHING \
         RETURNING id, transaction_id",
        "INSERT INTO punch (id, transaction_id, company_id, terminal_id, terminal_sn, terminal_alias, area_id, \
             area_name, employee_id, pin, punch_local, punch_at, punch_state, verify_type, verify_bits, work_code, \
             mask_flag, temperature, longitude, latitude, source, event_index, event_code, clock_suspect, upload_at) \
         SELECT (r.v ->> 0)::bigint, CASE WHEN e.id IS NULL THEN NULL ELSE (r.v ->> 0)::bigint END, $2, \
             (r.v ->> 1)::bigint, r.v ->> 2, r.v ->> 3, (r.v ->> 4)::bigint, r.v ->> 5, e.id, r.v ->> 6, \
             (r.v ->> 7)::timestamp, (r.v ->> 8)::timestamptz, (r.v ->> 9)::smallint, (r.v ->> 10)::smallint, \
             r.v ->> 11, r.v ->> 12, (r.v ->> 13)::smallint, (r.v ->> 14)::float8, (r.v ->> 15)::float8, \
             (r.v ->> 16)::float8, (r.v ->> 17)::smallint, (r.v ->> 18)::bigint, (r.v ->> 19)::bigint, \
             (r.v ->> 20)::boolean, $3 \
         FROM json_array_elements($1::json) AS r (v) \
         LEFT JOIN employee AS e ON e.company_id = $2 AND e.emp_code = r.v ->> 6 \
         ON CONFLICT DO NOTHING \
         RETURNING id, transaction_id",
        [rows.into(), company_id.into(), upload_at.into()],
    )
}

/// The rows as a JSON array of arrays, in the order `insert` reads them. Times are written as the
/// database driver writes them, because text of one form is what sorts.
fn rows_as_json(punches: &[&NewPunch], first_id: i64) -> String {
    let mut json = String::with_capacity(punches.len() * 160 + 2);
    json.push('[');
    for (id, punch) in (first_id..).zip(punches) {
        if json.len() > 1 {
            json.push(',');
        }
        let place = &punch.place;
        let _ = write!(json, "[{id},{},", Number(place.terminal_id));
        text(&mut json, &place.terminal_sn);
        json.push(',');
        optional_text(&mut json, place.terminal_alias.as_deref());
        let _ = write!(json, ",{},", Number(place.area_id));
        optional_text(&mut json, place.area_name.as_deref());
        json.push(',');
        text(&mut json, &punch.pin);
        let _ = write!(
            json,
            ",\"{}\",\"{}\",{},{},",
            punch.local.format("%F %T%.f"),
            punch.at.to_rfc3339_opts(SecondsFormat::AutoSi, false),
            punch.state,
            punch.verify,
        );
        optional_text(&mut json, punch.verify_bits.as_deref());
        json.push(',');
        text(&mut json, &punch.work_code);
        let _ = write!(
            json,
            ",{},{},{},{},{},{},{},{}]",
            Number(punch.mask),
            Number(punch.temperature.filter(|value| value.is_finite())),
            Number(punch.longitude.filter(|value| value.is_finite())),
            Number(punch.latitude.filter(|value| value.is_finite())),
            punch.source as i16,
            Number(punch.event_index),
            Number(punch.event_code),
            punch.clock_suspect,
        );
    }
    json.push(']');
    json
}

struct Number<T>(Option<T>);

impl<T: std::fmt::Display> std::fmt::Display for Number<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Some(number) => number.fmt(f),
            None => f.write_str("null"),
        }
    }
}

fn text(json: &mut String, value: &str) {
    json.push_str(&serde_json::Value::from(value).to_string());
}

fn optional_text(json: &mut String, value: Option<&str>) {
    match value {
        Some(value) => text(json, value),
        None => json.push_str("null"),
    }
}

/// Somebody got a code: the punches of that PIN become transactions, with new ids, so that who
/// reads from the last id on sees them. Part of the caller's transaction; returns how many.
pub async fn adopt(
    tx: &mut Tx,
    company_id: &str,
    employee_id: i64,
    emp_code: &str,
) -> muster_store::Result<u64> {
    // The counter is locked before anything is read, so no punch of this PIN slips in between.
    take_ids(tx, company_id, 0).await?;
    let (waiting,): (i64,) = tx
        .one(&Sql::new(
            "SELECT COUNT(*) FROM punch WHERE company_id = $1 AND pin = $2 AND transaction_id IS NULL",
            [company_id.into(), emp_code.into()],
        ))
        .await?;
    if waiting == 0 {
        return Ok(0);
    }
    let first_id = take_ids(tx, company_id, waiting).await?;
    let moved = tx
        .run(&Sql::new(
            "UPDATE punch SET employee_id = $3, transaction_id = $4 + o.place \
             FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY id) - 1 AS place FROM punch \
                   WHERE company_id = $1 AND pin = $2 AND transaction_id IS NULL) AS o \
             WHERE punch.id = o.id",
            [
                company_id.into(),
                emp_code.into(),
                employee_id.into(),
                first_id.into(),
            ],
        ))
        .await?;
    tx.run(&Sql::new(
        "UPDATE punch_counter SET transactions = transactions + $2, unregistered = unregistered - $2 \
         WHERE company_id = $1",
        [company_id.into(), waiting.into()],
    ))
    .await?;
    Ok(moved)
}
