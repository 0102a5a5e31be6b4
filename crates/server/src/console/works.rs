//! Work that goes on when its page is left: a file that is looked through, taken in or sent. How far it is
//! stands in the memory of the server that does it, and every few seconds in its row, for the other
//! servers. Owns the table `console_work`.

use crate::app::App;
use crate::console::Console;
use crate::console::failure::Failure;
use crate::console::page::{self, Frame};
use crate::console::record;
use crate::console::session::Session;
use crate::error::{Error, Result};
use crate::keys;
use crate::language::{self, Text};
use crate::resource::{Imported, Progress, Sent};
use crate::times;
use askama::Template;
use axum::extract::{RawPathParams, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use muster_store::Sql;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const TITLE: Text = t!("Your work");
/// So long a work stays in somebody's list.
const KEPT: TimeDelta = TimeDelta::days(7);
const NOTED_EVERY: Duration = Duration::from_secs(2);
/// A server that has said nothing of a work for so long does it no more.
const BROKEN_OFF_AFTER: TimeDelta = TimeDelta::minutes(1);
const LONGEST_FILE_NAME: usize = 100;

/// How a work ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Looked through, and nothing stored.
    Good(Imported),
    Stored(Imported),
    /// More bad rows are counted than are kept.
    Bad {
        rows: Vec<Bad>,
        count: usize,
    },
    Unreadable(String),
    /// So many rows, all of them.
    Sent(u64),
    /// After so many rows nobody took any more.
    CutOff(u64),
    /// With the reference under which the log has why.
    Failed(String),
    /// The server that did it is no more.
    BrokenOff,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bad {
    pub row: u64,
    pub column: String,
    pub message: String,
}

/// What is done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    TryOut,
    TakeIn,
    Send,
}

/// How far a work of this server is.
#[derive(Debug, Default)]
pub struct Running {
    work_id: AtomicI64,
    done: AtomicU64,
    of: AtomicU64,
}

impl Running {
    pub fn note(&self, progress: Progress) {
        let (done, of) = match progress {
            Progress::Checked(rows) => (rows, 0),
            Progress::Stored { done, of } => (done, of),
        };
        self.done.store(done, Ordering::Relaxed);
        self.of.store(of, Ordering::Relaxed);
    }

    fn so_far(&self) -> (i64, i64) {
        let number = |of: &AtomicU64| i64::try_from(of.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        (number(&self.done), number(&self.of))
    }
}

/// What this server does, each for a user.
#[derive(Debug, Default)]
pub struct Works(Mutex<Vec<Doing>>);

#[derive(Debug)]
struct Doing {
    user_id: i64,
    what: What,
    running: Arc<Running>,
}

/// A work's place among them; free when it is dropped.
struct Turn {
    works: Arc<Works>,
    running: Arc<Running>,
}

impl Works {
    /// Each user takes one file in at a time, for it waits in memory.
    fn take(self: &Arc<Works>, user_id: i64, what: What) -> Result<Turn> {
        let mut all = self.0.lock().expect("nobody panics while holding it");
        let waits = |doing: &Doing| doing.user_id == user_id && doing.what != What::Send;
        if what != What::Send && all.iter().any(waits) {
            return Err(Error::refused(t!(
                "Your last file is still being worked on. Wait until that has ended."
            )));
        }
        let running = Arc::new(Running::default());
        all.push(Doing {
            user_id,
            what,
            running: Arc::clone(&running),
        });
        Ok(Turn {
            works: Arc::clone(self),
            running,
        })
    }

    fn of(&self, user_id: i64, work_id: i64) -> Option<Arc<Running>> {
        let all = self.0.lock().expect("nobody panics while holding it");
        let is_it = |doing: &&Doing| {
            doing.user_id == user_id && doing.running.work_id.load(Ordering::Relaxed) == work_id
        };
        all.iter()
            .find(is_it)
            .map(|doing| Arc::clone(&doing.running))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut all = self.works.0.lock().expect("nobody panics while holding it");
        all.retain(|doing| !Arc::ptr_eq(&doing.running, &self.running));
    }
}

/// A work as its user sees it.
#[derive(Debug, Clone)]
pub struct Work {
    pub id: i64,
    /// The list it is for: its page is `/LIST`.
    pub list: String,
    pub file_name: String,
    pub what: What,
    pub done: i64,
    /// 0 when nobody knows yet.
    pub of: i64,
    /// None while it goes on.
    pub outcome: Option<Outcome>,
    begun_at: DateTime<Utc>,
    /// Its user has seen how it ended.
    pub is_told: bool,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    list: String,
    file_name: String,
    stores: bool,
    sends: bool,
    done: i64,
    of_all: i64,
    begun_at: DateTime<Utc>,
    seen_at: DateTime<Utc>,
    told_at: Option<DateTime<Utc>>,
    outcome: Option<String>,
}

impl Row {
    fn work(self, console: &Console, user_id: i64) -> Result<Work> {
        let running = console.works.of(user_id, self.id);
        let (done, of) = running
            .as_ref()
            .map_or((self.done, self.of_all), |running| running.so_far());
        let silent_for = console.app.clock.now() - self.seen_at;
        let outcome = match &self.outcome {
            Some(text) => {
                let read = serde_json::from_str(text);
                Some(read.map_err(|error| Error::Internal(error.into()))?)
            }
            None if running.is_some() || silent_for <= BROKEN_OFF_AFTER => None,
            None if self.sends => Some(Outcome::CutOff(u64::try_from(self.done).unwrap_or(0))),
            None => Some(Outcome::BrokenOff),
        };
        Ok(Work {
            id: self.id,
            list: self.list,
            file_name: self.file_name,
            what: match (self.sends, self.stores) {
                (true, _) => What::Send,
                (false, true) => What::TakeIn,
                (false, false) => What::TryOut,
            },
            done,
            of,
            outcome,
            begun_at: self.begun_at,
            is_told: self.told_at.is_some(),
        })
    }
}

/// The works of the last days, the newest first.
pub async fn of_user(console: &Console, user_id: i64) -> Result<Vec<Work>> {
    let rows: Vec<Row> = console
        .app
        .store
        .all(&Sql::new(
            "SELECT id, list, file_name, stores, sends, done, of_all, begun_at, seen_at, told_at, outcome \
             FROM console_work WHERE user_id = $1 ORDER BY id DESC LIMIT 50",
            [user_id.into()],
        ))
        .await?;
    rows.into_iter()
        .map(|row| row.work(console, user_id))
        .collect()
}

/// Begins a work and returns its id at once. It goes on when nobody waits for it.
pub async fn begin<F>(
    console: &Arc<Console>,
    session: &Session,
    (list, file_name, what): (&'static str, &str, What),
    work: impl FnOnce(Arc<Running>) -> F,
) -> Result<i64>
where
    F: Future<Output = Result<Outcome>> + Send + 'static,
{
    let (app, user_id) = (&console.app, session.user_id()?);
    let turn = console.works.take(user_id, what)?;
    let now = app.clock.now();
    let file_name: String = file_name
        .chars()
        .filter(|letter| !letter.is_control())
        .take(LONGEST_FILE_NAME)
        .collect();
    let mut tx = app.store.write().await?;
    tx.run(&Sql::new(
        "DELETE FROM console_work WHERE user_id = $1 AND begun_at < $2",
        [user_id.into(), (now - KEPT).into()],
    ))
    .await?;
    let (id,): (i64,) = tx
        .one(&Sql::new(
            "INSERT INTO console_work (user_id, list, file_name, stores, sends, done, of_all, begun_at, seen_at) \
             VALUES ($1, $2, $3, $4, $5, 0, 0, $6, $6) RETURNING id",
            [
                user_id.into(),
                list.into(),
                file_name.into(),
                (what == What::TakeIn).into(),
                (what == What::Send).into(),
                now.into(),
            ],
        ))
        .await?;
    tx.commit().await?;
    turn.running.work_id.store(id, Ordering::Relaxed);
    let work = language::within(language::now(), work(Arc::clone(&turn.running)));
    let work = app.background.begin(work);
    app.background.begin(accompany(Arc::clone(app), turn, work));
    Ok(id)
}

/// A file that is being sent; when this is dropped, no more of it is.
pub struct Sending {
    running: Arc<Running>,
    gone: Option<oneshot::Sender<Outcome>>,
}

impl Sending {
    /// Begins to watch a file of about so many rows.
    pub async fn begin(
        console: &Arc<Console>,
        session: &Session,
        (list, file_name): (&'static str, &str),
        of: i64,
    ) -> Result<Sending> {
        let (gone, ended) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        begin(console, session, (list, file_name, What::Send), |running| {
            let of = u64::try_from(of).unwrap_or(0);
            running.note(Progress::Stored { done: 0, of });
            let _ = tell.send(Arc::clone(&running));
            async move {
                let outcome: Result<Outcome, _> = ended.await;
                Ok(outcome
                    .unwrap_or_else(|_| Outcome::CutOff(running.done.load(Ordering::Relaxed))))
            }
        })
        .await?;
        let running = told.await.map_err(|error| Error::Internal(error.into()))?;
        let gone = Some(gone);
        Ok(Sending { running, gone })
    }

    pub fn note(&mut self, sent: Sent) {
        match sent {
            // There may be more of them than there were.
            Sent::Rows(rows) => {
                self.running.done.store(rows, Ordering::Relaxed);
                self.running.of.fetch_max(rows, Ordering::Relaxed);
            }
            Sent::All => {
                let rows = self.running.done.load(Ordering::Relaxed);
                if let Some(gone) = self.gone.take() {
                    let _ = gone.send(Outcome::Sent(rows));
                }
            }
        }
    }
}

/// Writes down how far a work is until it has ended, and then how.
async fn accompany(app: Arc<App>, turn: Turn, mut work: JoinHandle<Option<Result<Outcome>>>) {
    let ended = loop {
        tokio::select! {
            ended = &mut work => break ended,
            () = tokio::time::sleep(NOTED_EVERY) => {
                if let Err(error) = note(&app, &turn.running, None).await {
                    tracing::warn!(%error, "how far a work is could not be written down");
                }
            }
        }
    };
    let failed = |error: Error| {
        let reference = hex::encode(keys::random::<4>());
        tracing::error!(%reference, %error, "a work failed");
        Outcome::Failed(reference)
    };
    let outcome = match ended {
        Ok(Some(outcome)) => outcome.unwrap_or_else(failed),
        // That it was cut off shows by its not being seen any more.
        Ok(None) => return,
        Err(panicked) => failed(Error::Internal(panicked.into())),
    };
    // Who sees that it has ended may begin the next.
    let running = Arc::clone(&turn.running);
    drop(turn);
    if let Err(error) = note(&app, &running, Some(&outcome)).await {
        tracing::error!(%error, "how a work ended could not be written down");
    }
}

async fn note(app: &App, running: &Running, outcome: Option<&Outcome>) -> Result<()> {
    let (done, of) = running.so_far();
    let now = app.clock.now();
    let text = outcome
        .map(|outcome| serde_json::to_string(outcome).expect("texts and numbers are written"));
    let ended_at = outcome.map(|_| now);
    let mut tx = app.store.write().await?;
    tx.run(&Sql::new(
        "UPDATE console_work SET done = $2, of_all = $3, seen_at = $4, ended_at = $5, outcome = $6 WHERE id = $1",
        [
            running.work_id.load(Ordering::Relaxed).into(),
            done.into(),
            of.into(),
            now.into(),
            ended_at.into(),
            text.into(),
        ],
    ))
    .await?;
    tx.commit().await?;
    Ok(())
}

#[derive(Template)]
#[template(path = "works.html")]
struct WorksPage {
    frame: Frame,
    /// And when each began.
    works: Vec<(Work, String)>,
}

/// `GET /work`.
pub async fn list(
    State(console): State<Arc<Console>>,
    session: Session,
) -> Result<Response, Failure> {
    let works = of_user(&console, session.user_id()?).await?;
    let zone = console.app.zone;
    page::html(
        StatusCode::OK,
        &WorksPage {
            frame: Frame::of(TITLE, &session),
            works: works
                .into_iter()
                .map(|work| {
                    let begun = times::instant(work.begun_at, zone);
                    (work, begun)
                })
                .collect(),
        },
    )
}

#[derive(Template)]
#[template(path = "work.html")]
struct WorkPage {
    frame: Frame,
    work: Work,
}

/// `GET /work/{id}`. Its end is told by it.
pub async fn page(
    State(console): State<Arc<Console>>,
    params: RawPathParams,
    mut session: Session,
) -> Result<Response, Failure> {
    let id: Option<i64> = record::key(&params).and_then(|id| id.parse().ok());
    let works = of_user(&console, session.user_id()?).await?;
    let work = works.into_iter().find(|work| Some(work.id) == id);
    let work = work.ok_or(Error::NotFound)?;
    if work.outcome.is_some() {
        session.works.retain(|other| other.id != work.id);
        if !work.is_told {
            tell(&console.app, work.id).await?;
        }
    }
    page::html(
        StatusCode::OK,
        &WorkPage {
            frame: Frame::of(TITLE, &session).about(&work.file_name),
            work,
        },
    )
}

async fn tell(app: &App, id: i64) -> Result<()> {
    let mut tx = app.store.write().await?;
    tx.run(&Sql::new(
        "UPDATE console_work SET told_at = $2 WHERE id = $1",
        [id.into(), app.clock.now().into()],
    ))
    .await?;
    tx.commit().await?;
    Ok(())
}
