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
}

impl Runs {
    pub fn note(&self, job: &'static str, run: Run) {
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        runs.insert(job, run);
    }

    /// By the jobs' names.
    pub fn all(&self) -> Vec<(&'static str, Run)> {
        let runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        runs.iter().map(|(job, run)| (*job, run.clone())).collect()
    }
}
