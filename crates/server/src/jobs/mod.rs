//! What the server does by itself, from time to time: the list. A job takes no input, and may run
//! twice without harm. Of several servers on one database one does those that are for all of them.

mod ask_terminals;
mod backup;
mod certificate;
mod expire_commands;
mod figures;
mod last_heard;
mod messages;
mod months;
mod others;
mod searches;
mod turn_of_the_clocks;
mod turn_of_the_day;
mod who_belongs_where;

use crate::app::App;
use crate::error::Result;
use crate::runs;
use crate::terminals::sync::drift;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

type Run = for<'a> fn(&'a App) -> Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// Which of several servers does a job.
enum By {
    /// It is about what that server has in memory.
    Each,
    /// The one that has this right.
    One,
}

struct Job {
    name: &'static str,
    by: By,
    every: Duration,
    run: Run,
}

impl Job {
    /// Runs it, unless that is another server's.
    async fn run_if_ours(&self, app: &App) -> Result<()> {
        match self.by {
            By::One if !app.store.is_the_one().await? => Ok(()),
            By::One | By::Each => self.run_once(app).await,
        }
    }

    /// Runs it, and remembers how that ended; what is for all is written down for the other servers.
    async fn run_once(&self, app: &App) -> Result<()> {
        let begun = Instant::now();
        let ended = (self.run)(app).await;
        let (now, took) = (app.clock.now(), begun.elapsed());
        app.runs
            .note(self.name, self.every, now, took, ended.is_ok());
        if matches!(self.by, By::One)
            && let Err(error) = runs::write_down(app, self.name).await
        {
            tracing::warn!(job = self.name, %error, "how a job ended could not be written down");
        }
        ended
    }
}

const JOBS: &[Job] = &[
    Job {
        name: t!("last heard").english(),
        by: By::Each,
        every: Duration::from_secs(5),
        run: |app| Box::pin(last_heard::run(app)),
    },
    Job {
        name: t!("what others changed").english(),
        by: By::Each,
        every: Duration::from_secs(10),
        run: |app| Box::pin(others::run(app)),
    },
    Job {
        name: t!("new certificate").english(),
        by: By::Each,
        every: Duration::from_secs(5),
        run: |app| Box::pin(certificate::run(app)),
    },
    Job {
        name: t!("expire commands").english(),
        by: By::One,
        every: Duration::from_secs(15),
        run: |app| Box::pin(expire_commands::run(app)),
    },
    Job {
        name: t!("turn of the clocks").english(),
        by: By::One,
        every: Duration::from_secs(60),
        run: |app| Box::pin(turn_of_the_clocks::run(app)),
    },
    Job {
        name: t!("turn of the day").english(),
        by: By::One,
        every: Duration::from_secs(60),
        run: |app| Box::pin(turn_of_the_day::run(app)),
    },
    Job {
        name: t!("what people are searched by").english(),
        by: By::One,
        every: Duration::from_secs(60),
        run: |app| Box::pin(searches::run(app)),
    },
    Job {
        name: t!("months of punches").english(),
        by: By::One,
        every: Duration::from_secs(60),
        run: |app| Box::pin(months::run(app)),
    },
    Job {
        name: t!("who belongs where").english(),
        by: By::One,
        every: Duration::from_secs(20),
        run: |app| Box::pin(who_belongs_where::run(app)),
    },
    // After the people: a message needs its person there.
    Job {
        name: t!("messages").english(),
        by: By::One,
        every: Duration::from_secs(20),
        run: |app| Box::pin(messages::run(app)),
    },
    Job {
        name: t!("ask terminals").english(),
        by: By::One,
        every: Duration::from_secs(drift::EVERY_S),
        run: |app| Box::pin(ask_terminals::run(app)),
    },
    Job {
        name: t!("figures").english(),
        by: By::Each,
        every: Duration::from_secs(15),
        run: |app| Box::pin(figures::run(app)),
    },
    Job {
        name: t!("backup").english(),
        by: By::One,
        every: Duration::from_secs(600),
        run: |app| Box::pin(backup::run(app)),
    },
];

/// Runs all jobs until `stop` turns true, and those about what this server has in memory once more then.
pub fn start(app: &Arc<App>, stop: &watch::Receiver<bool>) -> TaskTracker {
    let for_all = JOBS.iter().filter(|job| matches!(job.by, By::One));
    app.runs
        .name_for_all(for_all.map(|job| (job.name, job.every)).collect());
    let running = TaskTracker::new();
    for job in JOBS {
        let (app, mut stop) = (app.clone(), stop.clone());
        running.spawn(async move {
            loop {
                let stopping = tokio::select! {
                    () = tokio::time::sleep(job.every) => false,
                    _ = stop.wait_for(|stop| *stop) => true,
                };
                let done = match job.by {
                    By::Each => job.run_if_ours(&app).await,
                    // What is for all another server does, or this one when it has started again: also what is under way now.
                    By::One => tokio::select! {
                        biased;
                        _ = stop.wait_for(|stop| *stop) => return,
                        done = job.run_if_ours(&app) => done,
                    },
                };
                if let Err(error) = done {
                    tracing::warn!(job = job.name, %error, "a job failed; it is tried again");
                }
                if stopping {
                    return;
                }
            }
        });
    }
    running.spawn(others::tell(app.clone(), stop.clone()));
    running.spawn(others::hear(app.clone(), stop.clone()));
    running.close();
    running
}

/// Runs every job once, now.
pub async fn run_all(app: &App) -> Result<()> {
    for job in JOBS {
        job.run_once(app).await?;
    }
    Ok(())
}
