//! When each job ran last, and how that ended: in memory, to be looked at.

use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

#[derive(Debug, Default)]
pub struct Runs(Mutex<BTreeMap<&'static str, Run>>);

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
}

impl Runs {
    /// A job, run so often, has ended so.
    pub fn note(
        &self,
        job: &'static str,
        every: Duration,
        ended_at: DateTime<Utc>,
        took: Duration,
        is_good: bool,
    ) {
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = runs.get(job);
        let good_before = before.and_then(|run| run.good_at);
        let run = Run {
            every,
            ended_at,
            took,
            is_good,
            good_at: if is_good { Some(ended_at) } else { good_before },
            failures: before.map_or(0, |run| run.failures) + u64::from(!is_good),
        };
        runs.insert(job, run);
    }

    /// By the jobs' names.
    pub fn all(&self) -> Vec<(&'static str, Run)> {
        let runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        runs.iter().map(|(job, run)| (*job, run.clone())).collect()
    }
}
