//! What has just happened: a broadcast of small facts. They are hints; the database is the truth,
//! and who missed some reads again.

use tokio::sync::broadcast;

/// A fact, with ids only: whoever shows it reads what the one who looks may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Punches became durable; `punch.id` of each new one, rising.
    Punches(Vec<i64>),
    /// A terminal was added, changed, authorised, held, removed, came online or went offline.
    Terminal(i64),
    /// A command went on in its life.
    Command { id: i64, terminal_id: i64 },
    /// A terminal has told of an alarm, or of the end of one.
    Alarm { terminal_id: i64 },
}

#[derive(Debug, Clone)]
pub struct Events {
    sender: broadcast::Sender<Event>,
}

impl Default for Events {
    fn default() -> Self {
        Events {
            sender: broadcast::Sender::new(4096),
        }
    }
}

impl Events {
    pub fn publish(&self, event: Event) {
        // Nobody listening is no error: the fact stands in the database.
        let _ = self.sender.send(event);
    }

    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.sender.subscribe()
    }
}
