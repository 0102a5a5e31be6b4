//! When each job ran last, and how that ended, to be looked at: in memory, and for the other servers, where one does
//! a job for all, in the database. Owns the table `job_run`.

use crate::app::App;
use crate::error::Result;
use chrono::{DateTime, TimeDelta, Utc};
use muster_store::Sql;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// What is as it was is written down again after so long.
const WRITTEN_EVERY: TimeDelta = TimeDelta::minutes(1);

#[derive(Debug, Default)]
pub struct Runs {
    /// The jobs that one server does for all, and how often.
    for_all: OnceLock<Vec<(&'static str, Duration)>>,
    /// What ran at this server.
    here: Mutex<BTreeMap<&'static str, Run>>,
}

#[derive(Debug, Clone)]
pub struct Run {
    pub every: Duration,
    pub ended_at: DateTime<Utc>,
    pub took: Duration,
    pub is_good: bool,
    /// When it last went well.
    pub good_at: Option<DateTime<Utc>>,
    /// How often it has failed since the server started.
    pub failures: u64,
    /// When it was last written down, and whether it was good then.
    written: Option<(DateTime<Utc>, bool)>,
}

/// How a job ended the last time, and at which server.
#[derive(Debug)]
pub struct Last {
    pub every: Duration,
    pub ended_at: DateTime<Utc>,
    pub took: Duration,
    pub is_good: bool,
    /// When it last went well.
    pub good_at: Option<DateTime<Utc>>,
    pub server_id: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    name: String,
    server_id: String,
    ended_at: DateTime<Utc>,
    took_ms: i64,
    is_good: bool,
    good_at: Option<DateTime<Utc>>,
}

impl Runs {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Run>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Names the jobs that one server does for all, before any is run.
    pub fn name_for_all(&self, jobs: Vec<(&'static str, Duration)>) {
        self.for_all.get_or_init(|| jobs);
    }

    /// A job, run so often, has ended so.
    pub fn note(
        &self,
        job: &'static str,
        every: Duration,
        ended_at: DateTime<Utc>,
        took: Duration,
        is_good: bool,
    ) {
        let mut runs = self.lock();
        let before = runs.get(job);
        let good_before = before.and_then(|run| run.good_at);
        let run = Run {
            every,
            ended_at,
            took,
            is_good,
            good_at: if is_good { Some(ended_at) } else { good_before },
            failures: before.map_or(0, |run| run.failures) + u64::from(!is_good),
            written: before.and_then(|run| run.written),
        };
        runs.insert(job, run);
    }

    /// What ran at this server, by the jobs' names.
    pub fn all(&self) -> Vec<(&'static str, Run)> {
        let runs = self.lock();
        runs.iter().map(|(job, run)| (*job, run.clone())).collect()
    }

    /// How a job ended, when that is to be written down now.
    fn unwritten(&self, job: &'static str) -> Option<Run> {
        let runs = self.lock();
        let run = runs.get(job)?;
        let is_due = run.written.is_none_or(|(at, was_good)| {
            was_good != run.is_good || (run.ended_at - at).abs() >= WRITTEN_EVERY
        });
        is_due.then(|| run.clone())
    }

    fn note_written(&self, job: &'static str, run: &Run) {
        if let Some(noted) = self.lock().get_mut(job) {
            noted.written = Some((run.ended_at, run.is_good));
        }
    }
}

/// Writes down how a job that is for all ended here: when that differs from the time before, and every minute.
pub async fn write_down(app: &App, job: &'static str) -> Result<()> {
    let Some(run) = app.runs.unwritten(job) else {
        return Ok(());
    };
    let mut tx = app.store.write().await?;
    tx.run(&Sql::new(
        "INSERT INTO job_run (name, server_id, ended_at, took_ms, is_good, good_at) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (name) DO UPDATE SET server_id = excluded.server_id, ended_at = excluded.ended_at, \
             took_ms = excluded.took_ms, is_good = excluded.is_good, \
             good_at = COALESCE(excluded.good_at, job_run.good_at)",
        [
            job.into(),
            app.server_id.to_string().into(),
            run.ended_at.into(),
            i64::try_from(run.took.as_millis())
                .unwrap_or(i64::MAX)
                .into(),
            run.is_good.into(),
            run.good_at.into(),
        ],
    ))
    .await?;
    tx.commit().await?;
    app.runs.note_written(job, &run);
    Ok(())
}

/// How each job ended the last time, by its name: those that are for all wherever that was, the others here.
pub async fn told(app: &App) -> Result<BTreeMap<&'static str, Last>> {
    let rows: Vec<Row> = app
        .store
        .all(&Sql::new(
            "SELECT name, server_id, ended_at, took_ms, is_good, good_at FROM job_run",
            [],
        ))
        .await?;
    let here = app.server_id.to_string();
    let runs = app.runs.all().into_iter();
    let mut told: BTreeMap<&'static str, Last> = runs
        .map(|(job, run)| {
            let last = Last {
                every: run.every,
                ended_at: run.ended_at,
                took: run.took,
                is_good: run.is_good,
                good_at: run.good_at,
                server_id: here.clone(),
            };
            (job, last)
        })
        .collect();
    let for_all = app.runs.for_all.get().map(Vec::as_slice);
    for (job, every) in for_all.unwrap_or_default() {
        let Some(row) = rows.iter().find(|row| row.name == *job) else {
            continue;
        };
        // What ran here since then is not written down yet.
        if told
            .get(job)
            .is_some_and(|last| last.ended_at > row.ended_at)
        {
            continue;
        }
        let last = Last {
            every: *every,
            ended_at: row.ended_at,
            took: Duration::from_millis(u64::try_from(row.took_ms).unwrap_or(0)),
            is_good: row.is_good,
            good_at: row.good_at,
            server_id: row.server_id.clone(),
        };
        told.insert(*job, last);
    }
    Ok(told)
}
