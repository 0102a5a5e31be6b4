//! SQLite has one writer at a time. Within the program they wait here, in order; but the direct way
//! waits only for the one that writes at the moment, not for those that wait, so that punches stay quick
//! while others write much.

use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Cheap to clone; all clones share the file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turns {
    /// Of those that wait here only the first stands at the file.
    queue: Arc<Mutex<()>>,
    file: Arc<Mutex<()>>,
}

/// The right to write, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _file: OwnedMutexGuard<()>,
    _queue: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    pub async fn ordinary(&self) -> Turn {
        let queue = self.queue.clone().lock_owned().await;
        Turn {
            _file: self.file.clone().lock_owned().await,
            _queue: Some(queue),
        }
    }

    pub async fn direct(&self) -> Turn {
        Turn {
            _file: self.file.clone().lock_owned().await,
            _queue: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Turns;
    use std::sync::{Arc, Mutex};

    #[tokio::test]
    async fn the_direct_way_waits_for_one_only() {
        let turns = Turns::default();
        let order = Arc::new(Mutex::new(Vec::new()));
        let writing = turns.ordinary().await;
        let mut others = Vec::new();
        for name in ["first", "second", "third"] {
            let (turns, order) = (turns.clone(), order.clone());
            others.push(tokio::spawn(async move {
                let _turn = turns.ordinary().await;
                order.lock().expect("whole").push(name);
            }));
            tokio::task::yield_now().await;
        }
        let direct = {
            let (turns, order) = (turns.clone(), order.clone());
            tokio::spawn(async move {
                let _turn = turns.direct().await;
                order.lock().expect("whole").push("direct");
            })
        };
        tokio::task::yield_now().await;
        drop(writing);
        for other in others {
            other.await.expect("it had its turn");
        }
        direct.await.expect("it had its turn");
        assert_eq!(
            *order.lock().expect("whole"),
            ["direct", "first", "second", "third"]
        );
    }
}
