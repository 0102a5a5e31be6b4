//! The one way in for punches; `rows.rs` writes them out for each database. This folder alone writes
//! the tables `punch` and `punch_counter`.
//!
//! Everybody hands rows to one writer. It takes all that waits, stores what is new in one
//! transaction, and answers each caller when that is durable. While one commit syncs the next group
//! gathers, so groups grow with the load and nothing waits for a timer.

use crate::app::Company;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::events::{Event, Events};
use crate::metrics::{Metrics, Refusal};
use crate::punches::{found_by, rows};
use chrono::{DateTime, NaiveDateTime, Utc};
use muster_store::rusqlite::Transaction;
use muster_store::{Direct, Sql, Store, Tx, json_list};
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Callers that may wait for the writer; more are refused, and their terminals send again.
const WAITING: usize = 1024;

/// Rows of one transaction at most.
const GROUP: usize = 8192;

/// Where a punch was made, as it was then: history does not move with the terminal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
    metrics: Arc<Metrics>,
}

impl Recorder {
    /// Starts the writer.
    pub fn start(
        store: Store,
        clock: Clock,
        company: Company,
        events: Events,
        metrics: Arc<Metrics>,
    ) -> Recorder {
        let (sender, receiver) = mpsc::channel(WAITING);
        let writer = Writer {
            store,
            clock,
            company,
            events,
            groups: Arc::default(),
            metrics: metrics.clone(),
            noted: HashSet::new(),
        };
        Recorder {
            metrics,
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
        jobs.try_send(Job { punches, durable }).map_err(|_| {
            self.metrics.refused(Refusal::Queue);
            Error::Unavailable("too many uploads wait for the disk".into())
        })?;
        answer
            .await
            .map_err(|_| Error::Unavailable("the writer stopped".into()))?
    }

    /// Callers that wait for the writer.
    pub fn waiting(&self) -> usize {
        let jobs = self.jobs.lock().expect("nobody panics while holding it");
        jobs.as_ref()
            .map_or(0, |jobs| jobs.max_capacity() - jobs.capacity())
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
    metrics: Arc<Metrics>,
    /// The places that searches find punches by already.
    noted: HashSet<Arc<Place>>,
}

impl Writer {
    async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
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

    /// One transaction for the group. If it fails for its rows, one for each caller, so that a bad row of
    /// one terminal does not fail sixty others.
    async fn write(&mut self, group: Vec<Job>) {
        let (mut punches, mut callers) = (Vec::new(), Vec::new());
        for job in group {
            callers.push((job.punches.len(), job.durable));
            punches.extend(job.punches);
        }
        let punches: Arc<[NewPunch]> = punches.into();
        let begun = Instant::now();
        match self.store_rows(punches.clone()).await {
            Ok(stored) => {
                let new = stored.iter().flatten().count();
                self.metrics.stored(stored.len(), new, begun.elapsed());
                let mut rest = stored.as_slice();
                for (count, durable) in callers {
                    let (own, others) = rest.split_at(count);
                    let _ = durable.send(Ok(own.iter().flatten().copied().collect()));
                    rest = others;
                }
                self.announce(stored.into_iter().flatten().collect());
            }
            // Nobody's rows are at fault, or there is one whose they are.
            Err(error) if error.is_unavailable() || callers.len() == 1 => {
                tracing::error!(%error, callers = callers.len(), "punches could not be stored");
                for (_, durable) in callers {
                    self.metrics.refused(Refusal::Database);
                    let _ = durable.send(Err(Error::Unavailable(error.to_string())));
                }
            }
            Err(error) => {
                tracing::warn!(%error, callers = callers.len(), "a group could not be stored; each caller's rows are tried alone");
                let mut rest = &punches[..];
                for (count, durable) in callers {
                    let (own, others) = rest.split_at(count);
                    let job = Job {
                        punches: own.to_vec(),
                        durable,
                    };
                    Box::pin(self.write(vec![job])).await;
                    rest = others;
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
    async fn store_rows(
        &mut self,
        punches: Arc<[NewPunch]>,
    ) -> muster_store::Result<Vec<Option<i64>>> {
        let places: Arc<[Arc<Place>]> = self.new_places(&punches).into();
        let upload_at = self.clock.now();
        let company_id = self.company.id.clone();
        let stored = match self.store.direct() {
            Direct::Postgres(own) => {
                let mut lent = own.lend().await?;
                let storing = async {
                    found_by::note_in_postgres(&mut lent, &places).await?;
                    rows::into_postgres(&mut lent, &company_id, upload_at, &punches).await
                };
                let stored = own.patiently(storing).await?;
                lent.give_back();
                stored
            }
            Direct::Sqlite(database) => {
                let places = places.clone();
                let storing = move |tx: &Transaction<'_>| {
                    found_by::note_in_sqlite(tx, &places)?;
                    rows::into_sqlite(tx, &company_id, upload_at, &punches)
                };
                database.write(storing).await?
            }
        };
        self.groups.fetch_add(1, Ordering::Relaxed);
        self.noted.extend(places.iter().cloned());
        Ok(stored)
    }

    /// The places of these punches that searches do not know yet.
    fn new_places(&self, punches: &[NewPunch]) -> Vec<Arc<Place>> {
        let new: HashSet<&Arc<Place>> = punches
            .chunk_by(|a, b| Arc::ptr_eq(&a.place, &b.place))
            .map(|of_one| &of_one[0].place)
            .filter(|place| !self.noted.contains(*place))
            .collect();
        new.into_iter().cloned().collect()
    }
}

/// Takes `count` ids for this transaction alone: the first of them. The counter's row stays locked
/// until the commit, so ids become visible in the order they rise, on one node or on many, and a
/// reader that goes on from the last id it saw misses nothing.
pub(super) async fn take_ids(
    tx: &mut Tx,
    company_id: &str,
    count: i64,
) -> muster_store::Result<i64> {
    let (last,): (i64,) = tx
        .one(&Sql::new(
            "UPDATE punch_counter SET last_id = last_id + $2 WHERE company_id = $1 RETURNING last_id",
            [company_id.into(), count.into()],
        ))
        .await?;
    Ok(last - count + 1)
}

/// These people got their codes: the punches of those PINs become transactions, with new ids in the
/// order in which they came, so that who reads from the last id on sees them. The last of the caller's
/// transaction, for no punch is stored until it commits; but then only where somebody is new or a punch
/// waits. Returns how many.
pub async fn adopt(
    tx: &mut Tx,
    company_id: &str,
    employee_ids: &[i64],
) -> muster_store::Result<u64> {
    let ids = || json_list(employee_ids.iter().copied());
    // Punches of people who were there before have found them. Those who were just made no punch has seen yet.
    let (may_wait,): (bool,) = tx
        .one(&Sql::by_dialect(
            "SELECT EXISTS (SELECT 1 FROM json_each($2) AS j CROSS JOIN employee AS e WHERE e.id = j.value \
                 AND (e.created_at = e.changed_at OR EXISTS (SELECT 1 FROM punch AS p \
                     WHERE p.company_id = $1 AND p.pin = e.emp_code AND p.transaction_id IS NULL \
                         AND p.hidden_at IS NULL)))",
            "SELECT EXISTS (SELECT 1 FROM employee AS e \
             WHERE e.id IN (SELECT jsonb_array_elements_text($2::jsonb)::bigint) \
                 AND (e.created_at = e.changed_at OR EXISTS (SELECT 1 FROM punch AS p \
                     WHERE p.company_id = $1 AND p.pin = e.emp_code AND p.transaction_id IS NULL \
                         AND p.hidden_at IS NULL)))",
            [company_id.into(), ids()],
        ))
        .await?;
    if !may_wait {
        return Ok(0);
    }
    // Before they are counted, so no punch of these PINs slips in between.
    take_ids(tx, company_id, 0).await?;
    let (waiting,): (i64,) = tx
        .one(&Sql::by_dialect(
            "SELECT COUNT(*) FROM json_each($2) AS j CROSS JOIN employee AS e CROSS JOIN punch AS p \
             WHERE e.id = j.value AND p.company_id = $1 AND p.pin = e.emp_code AND p.transaction_id IS NULL \
                 AND p.hidden_at IS NULL",
            "SELECT COUNT(*) FROM employee AS e JOIN punch AS p ON p.pin = e.emp_code \
             WHERE e.id IN (SELECT jsonb_array_elements_text($2::jsonb)::bigint) AND p.company_id = $1 \
                 AND p.transaction_id IS NULL AND p.hidden_at IS NULL",
            [company_id.into(), ids()],
        ))
        .await?;
    if waiting == 0 {
        return Ok(0);
    }
    let first_id = take_ids(tx, company_id, waiting).await?;
    let moved = tx
        .run(&Sql::by_dialect(
            "UPDATE punch SET employee_id = o.employee_id, transaction_id = $3 + o.place \
             FROM (SELECT p.id, e.id AS employee_id, ROW_NUMBER() OVER (ORDER BY p.id) - 1 AS place \
                   FROM json_each($2) AS j CROSS JOIN employee AS e CROSS JOIN punch AS p \
                   WHERE e.id = j.value AND p.company_id = $1 AND p.pin = e.emp_code \
                       AND p.transaction_id IS NULL AND p.hidden_at IS NULL) AS o \
             WHERE punch.id = o.id",
            "UPDATE punch SET employee_id = o.employee_id, transaction_id = $3 + o.place \
             FROM (SELECT p.id, p.punch_local, e.id AS employee_id, ROW_NUMBER() OVER (ORDER BY p.id) - 1 AS place \
                   FROM employee AS e JOIN punch AS p ON p.pin = e.emp_code \
                   WHERE e.id IN (SELECT jsonb_array_elements_text($2::jsonb)::bigint) AND p.company_id = $1 \
                       AND p.transaction_id IS NULL AND p.hidden_at IS NULL) AS o \
             WHERE punch.id = o.id AND punch.punch_local = o.punch_local",
            [company_id.into(), ids(), first_id.into()],
        ))
        .await?;
    count_as_transactions(tx, company_id, waiting).await?;
    Ok(moved)
}

/// So many unregistered punches became transactions; fewer than none when they are unregistered again.
pub(super) async fn count_as_transactions(
    tx: &mut Tx,
    company_id: &str,
    count: i64,
) -> muster_store::Result<()> {
    tx.run(&Sql::new(
        "UPDATE punch_counter SET transactions = transactions + $2, unregistered = unregistered - $2, \
             assignings = assignings + 1 WHERE company_id = $1",
        [company_id.into(), count.into()],
    ))
    .await?;
    Ok(())
}

/// So many transactions were hidden; fewer than none when they are shown again.
pub(super) async fn count_hidden(
    tx: &mut Tx,
    company_id: &str,
    count: i64,
) -> muster_store::Result<()> {
    tx.run(&Sql::new(
        "UPDATE punch_counter SET transactions = transactions - $2, hidings = hidings + 1 WHERE company_id = $1",
        [company_id.into(), count.into()],
    ))
    .await?;
    Ok(())
}

/// Ids of transactions go on so much further than they would have.
pub async fn skip_ids(tx: &mut Tx, count: i64) -> Result<()> {
    tx.run(&Sql::new(
        "UPDATE punch_counter SET last_id = last_id + $1",
        [count.into()],
    ))
    .await?;
    Ok(())
}
