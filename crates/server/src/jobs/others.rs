//! Other servers on the same database. Each tells what happened there, in a notice of PostgreSQL's; what it
//! tells is a hint to look. What is missed by somebody who was cut off, [`run`] finds. Owns the table `server`.

use crate::app::App;
use crate::error::Result;
use crate::events::Event;
use crate::sealed;
use crate::settings;
use crate::terminals::{commands, contact};
use chrono::TimeDelta;
use muster_store::{Dialect, Sql};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::watch;
use uuid::Uuid;

const CHANNEL: &str = "muster";
/// While a notice is on its way, and so much longer, the next one gathers.
const GATHER: Duration = Duration::from_millis(20);
/// A server that was not heard for so long is none of them any more.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::days(1);
/// Before it is tried again to send or to hear.
const PAUSE: Duration = Duration::from_secs(1);
/// Events in one notice. The longest, a serial number of 64 letters, keep it well below 8 000 bytes.
const MOST: usize = 80;

/// What happened at one server.
#[derive(Debug, Serialize, Deserialize)]
struct Notice {
    from: Uuid,
    /// The highest `punch.id` that became durable. Those below it are there.
    punch: Option<i64>,
    /// Punches whose photo came.
    photos: BTreeSet<i64>,
    reread: BTreeSet<String>,
    terminals: BTreeSet<i64>,
    /// Each with its terminal.
    commands: BTreeSet<(i64, i64)>,
    /// Terminals that told of one.
    alarms: BTreeSet<i64>,
}

impl Notice {
    fn new(from: Uuid) -> Notice {
        Notice {
            from,
            punch: None,
            photos: BTreeSet::new(),
            reread: BTreeSet::new(),
            terminals: BTreeSet::new(),
            commands: BTreeSet::new(),
            alarms: BTreeSet::new(),
        }
    }

    fn is_full(&self) -> bool {
        let lengths = [
            self.photos.len(),
            self.reread.len(),
            self.terminals.len(),
            self.commands.len(),
            self.alarms.len(),
        ];
        lengths.iter().sum::<usize>() >= MOST
    }

    fn add(&mut self, event: Event) {
        match event {
            Event::Punches(ids) => self.punch = self.punch.max(ids.into_iter().max()),
            Event::Photo { punch_id } => _ = self.photos.insert(punch_id),
            Event::Reread(sn) => _ = self.reread.insert(sn),
            Event::Terminal(id) => _ = self.terminals.insert(id),
            Event::Alarm { terminal_id } => _ = self.alarms.insert(terminal_id),
            Event::Command { id, terminal_id } => _ = self.commands.insert((id, terminal_id)),
        }
    }

    /// Makes known here what happened there.
    fn pass_on(self, app: &App) {
        for sn in &self.reread {
            app.roster.forget(sn);
        }
        for (_, terminal_id) in &self.commands {
            app.roster.wake(*terminal_id);
        }
        let rereads = self.reread.into_iter().map(Event::Reread);
        let terminals = self.terminals.into_iter().map(Event::Terminal);
        let commands = self.commands.into_iter();
        let commands = commands.map(|(id, terminal_id)| Event::Command { id, terminal_id });
        let alarms = self.alarms.into_iter();
        let alarms = alarms.map(|terminal_id| Event::Alarm { terminal_id });
        let punches = self.punch.map(|id| Event::Punches(vec![id]));
        let photos = self.photos.into_iter();
        let photos = photos.map(|punch_id| Event::Photo { punch_id });
        for event in rereads
            .chain(terminals)
            .chain(commands)
            .chain(alarms)
            .chain(punches)
            .chain(photos)
        {
            app.events.hear(event);
        }
    }
}

/// Finds what others changed, told or not: terminals and what is open for them; options; and the key.
pub async fn run(app: &App) -> Result<()> {
    if sealed::key_in_force(&app.store).await? != app.keys.check() {
        tracing::error!(
            "another key is in force: this server stops; give it a copy of the new key file"
        );
        app.must_stop.notify_one();
    }
    contact::find_changed(app).await?;
    commands::find_open(app).await?;
    settings::reread(app).await?;
    be_there(app).await
}

/// Says that this server is there, and forgets those that have not for a day. Where there can be one alone,
/// nobody asks.
async fn be_there(app: &App) -> Result<()> {
    if app.store.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    let now = app.clock.now();
    let host = rustix::system::uname();
    let mut tx = app.store.write().await?;
    tx.run(&Sql::new(
        "INSERT INTO server (id, host, address, version, started_at, seen_at, does_jobs) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, does_jobs = excluded.does_jobs",
        [
            app.server_id.to_string().into(),
            host.nodename().to_string_lossy().into_owned().into(),
            app.config.listen.as_str().into(),
            env!("CARGO_PKG_VERSION").into(),
            app.started_at.into(),
            now.into(),
            app.store.is_the_one().await?.into(),
        ],
    ))
    .await?;
    tx.run(&Sql::new(
        "DELETE FROM server WHERE seen_at < $1",
        [(now - FORGOTTEN_AFTER).into()],
    ))
    .await?;
    Ok(tx.commit().await?)
}

/// Tells the others until `stop` turns true.
pub async fn tell(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut events = app.events.subscribe_to_own();
    loop {
        let first = tokio::select! {
            event = events.recv() => event,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let mut notice = Notice::new(app.server_id);
        match first {
            Ok(event) => notice.add(event),
            // Whoever hears nothing of it looks for it.
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        }
        tokio::time::sleep(GATHER).await;
        gather(&mut notice, &mut events);
        let text = serde_json::to_string(&notice).expect("numbers and texts");
        if let Err(error) = app.store.notify(CHANNEL, &text).await {
            tracing::debug!(%error, "the other servers were not told; they look for themselves");
        }
    }
}

fn gather(notice: &mut Notice, events: &mut Receiver<Event>) {
    while !notice.is_full() {
        match events.try_recv() {
            Ok(event) => notice.add(event),
            Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => return,
        }
    }
}

/// Hears the others until `stop` turns true.
pub async fn hear(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            ended = hear_until_cut_off(&app) => match ended {
                Ok(()) => return,
                Err(error) => tracing::warn!(%error, "the other servers are not heard; it is tried again"),
            },
            _ = stop.wait_for(|stop| *stop) => return,
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// Returns when there can be no others.
async fn hear_until_cut_off(app: &App) -> Result<()> {
    let Some(mut notices) = app.store.notices(CHANNEL).await? else {
        return Ok(());
    };
    // Before it was heard, and while it was not.
    run(app).await?;
    loop {
        match notices.next().await? {
            Some(text) => match serde_json::from_str::<Notice>(&text) {
                Ok(notice) if notice.from == app.server_id => {}
                Ok(notice) => notice.pass_on(app),
                Err(error) => tracing::debug!(%error, "a notice of another version"),
            },
            None => run(app).await?,
        }
    }
}
