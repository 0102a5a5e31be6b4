//! What has just happened: a broadcast of small facts. They are hints; the database is the truth,
//! and who missed some reads again. Servers on one database tell one another theirs (`jobs/others.rs`).

use tokio::sync::broadcast;

/// A fact, with ids only: whoever shows it reads what the one who looks may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Punches became durable; `punch.id` of each new one, rising.
    Punches(Vec<i64>),
    /// The photo of a punch that was there came.
    Photo { punch_id: i64 },
    /// The row of the terminal with this serial number is to be read again by who keeps it in memory.
    Reread(String),
    /// A terminal was added, changed, authorised, held, removed, came online or went offline.
    Terminal(i64),
    /// A command went on in its life.
    Command { id: i64, terminal_id: i64 },
    /// A terminal has told of an alarm, or of the end of one.
    Alarm { terminal_id: i64 },
}

#[derive(Debug, Clone)]
pub struct Events {
    all: broadcast::Sender<Event>,
    own: broadcast::Sender<Event>,
}

impl Default for Events {
    fn default() -> Self {
        Events {
            all: broadcast::Sender::new(4096),
            own: broadcast::Sender::new(4096),
        }
    }
}

impl Events {
    /// It happened here.
    pub fn publish(&self, event: Event) {
        if self.own.receiver_count() > 0 {
            let _ = self.own.send(event.clone());
        }
        self.hear(event);
    }

    /// It happened at another server.
    pub fn hear(&self, event: Event) {
        // Nobody listening is no error: the fact stands in the database.
        let _ = self.all.send(event);
    }

    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.all.subscribe()
    }

    /// What happens here, and not what was heard of.
    pub fn subscribe_to_own(&self) -> broadcast::Receiver<Event> {
        self.own.subscribe()
    }
}
