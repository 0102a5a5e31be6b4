//! How guessing is slowed down. Wrong passwords are counted by name and network, and by network under
//! whatever names; of one network one password is worked out at a time, and so many wait. Where
//! somebody has logged in before, the failures of others do not keep him out.

use super::login::Realm;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::passage::network;
use chrono::{DateTime, TimeDelta, Utc};
use moka::future::Cache;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many wrong passwords within a minute, and the name is closed to that network until the
/// minute is over.
const MOST_OF_NAME: u32 = 10;
/// So many under whatever names, and the network is closed to all who never logged in from there.
const MOST_OF_NETWORK: u32 = 100;
const COUNTED_FOR: TimeDelta = TimeDelta::minutes(1);
/// A line where nobody was for so long counts nothing any more.
const LINE_KEPT_FOR: Duration = Duration::from_secs(5 * 60);
/// So many wait behind one another; more are to come back.
const MOST_IN_LINE: usize = 100;
/// So many networks' first in line wait for the machine, not counting who has logged in before.
const MOST_STRANGERS: usize = 64;
const AT_HOME_FOR: Duration = Duration::from_secs(30 * 24 * 3600);
/// No name is longer.
const NAME_CHARS: usize = 254;

/// Who tries to be let in, and from where.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Attempt {
    pub realm: Realm,
    name: String,
    network: Option<IpAddr>,
}

impl Attempt {
    pub fn new(realm: Realm, name: &str, address: Option<IpAddr>) -> Attempt {
        Attempt {
            realm,
            name: name.to_lowercase().chars().take(NAME_CHARS).collect(),
            network: address.map(network),
        }
    }
}

#[derive(Debug)]
pub struct Throttle {
    clock: Clock,
    by_name: Cache<Attempt, Arc<Line>>,
    by_network: Cache<Option<IpAddr>, Arc<Line>>,
    /// Who has logged in, and from where.
    at_home: Cache<Attempt, ()>,
    strangers: Arc<Semaphore>,
}

/// Those who try one after the other.
#[derive(Debug)]
struct Line {
    clock: Clock,
    failures: Mutex<Failures>,
    room: Arc<Semaphore>,
    front: Arc<Semaphore>,
}

/// Those of one minute.
#[derive(Debug)]
struct Failures {
    since: DateTime<Utc>,
    count: u32,
}

/// The right to have one password worked out; the next in line has it when this is dropped.
#[derive(Debug)]
pub struct Turn {
    name: Arc<Line>,
    network: Arc<Line>,
    _places: Vec<OwnedSemaphorePermit>,
}

impl Throttle {
    pub fn new(clock: Clock) -> Throttle {
        Throttle {
            clock,
            by_name: Cache::builder()
                .max_capacity(100_000)
                .time_to_idle(LINE_KEPT_FOR)
                .build(),
            by_network: Cache::builder()
                .max_capacity(100_000)
                .time_to_idle(LINE_KEPT_FOR)
                .build(),
            at_home: Cache::builder()
                .max_capacity(100_000)
                .time_to_live(AT_HOME_FOR)
                .build(),
            strangers: Arc::new(Semaphore::new(MOST_STRANGERS)),
        }
    }

    /// Waits until it is this one's turn. Too many failures, and too many who wait, are an error.
    pub async fn turn(&self, attempt: &Attempt) -> Result<Turn> {
        let is_at_home = self.at_home.get(attempt).await.is_some();
        let network = self
            .by_network
            .get_with(attempt.network, async { Line::new(&self.clock) })
            .await;
        let check_network = || match is_at_home {
            true => Ok(()),
            false => network.check(MOST_OF_NETWORK),
        };
        // Before anything of the name is kept.
        check_network()?;
        let name = self
            .by_name
            .get_with(attempt.clone(), async { Line::new(&self.clock) })
            .await;
        name.check(MOST_OF_NAME)?;
        let line = if is_at_home { &name } else { &network };
        let mut places = vec![line.wait().await?];
        // Those before it may have failed.
        check_network()?;
        name.check(MOST_OF_NAME)?;
        if !is_at_home {
            places.push(
                self.strangers
                    .clone()
                    .try_acquire_owned()
                    .map_err(|_| Error::Unavailable("too many log in at once".into()))?,
            );
        }
        Ok(Turn {
            name,
            network,
            _places: places,
        })
    }

    /// The password was right: what went wrong before is forgotten.
    pub async fn right(&self, attempt: Attempt, turn: &Turn) {
        turn.name.failures().count = 0;
        self.at_home.insert(attempt, ()).await;
    }
}

impl Turn {
    pub fn wrong(&self) {
        self.name.failures().count += 1;
        self.network.failures().count += 1;
    }
}

impl Line {
    fn new(clock: &Clock) -> Arc<Line> {
        Arc::new(Line {
            clock: clock.clone(),
            failures: Mutex::new(Failures {
                since: clock.now(),
                count: 0,
            }),
            room: Arc::new(Semaphore::new(MOST_IN_LINE)),
            front: Arc::new(Semaphore::new(1)),
        })
    }

    /// Those of the minute that goes on.
    fn failures(&self) -> MutexGuard<'_, Failures> {
        let now = self.clock.now();
        let mut failures = self
            .failures
            .lock()
            .expect("nobody panics while holding it");
        // One far ahead was counted by a clock that was put right since.
        if (now - failures.since).abs() >= COUNTED_FOR {
            *failures = Failures {
                since: now,
                count: 0,
            };
        }
        failures
    }

    fn check(&self, most: u32) -> Result<()> {
        let failures = self.failures();
        if failures.count < most {
            return Ok(());
        }
        let over_in = failures.since + COUNTED_FOR - self.clock.now();
        let whole_s = (over_in + TimeDelta::milliseconds(999)).num_seconds();
        Err(Error::TooMany {
            retry_after_s: whole_s.max(1).unsigned_abs(),
        })
    }

    /// Until nobody is before this one.
    async fn wait(&self) -> Result<OwnedSemaphorePermit> {
        let _room = self
            .room
            .clone()
            .try_acquire_owned()
            .map_err(|_| Error::TooMany { retry_after_s: 1 })?;
        let front = self.front.clone().acquire_owned().await;
        front.map_err(|_| Error::Unavailable("closing".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Attempt, MOST_IN_LINE, MOST_OF_NAME, MOST_OF_NETWORK, MOST_STRANGERS, Throttle};
    use crate::accounts::login::Realm;
    use crate::clock::Clock;
    use crate::error::Error;
    use chrono::{DateTime, TimeDelta};
    use futures::future::join_all;
    use futures::{FutureExt, pin_mut};
    use std::net::IpAddr;

    fn throttle() -> Throttle {
        Throttle::new(Clock::held(DateTime::UNIX_EPOCH))
    }

    fn from(address: &str, name: &str) -> Attempt {
        let address: IpAddr = address.parse().expect("an address");
        Attempt::new(Realm::Users, name, Some(address))
    }

    async fn fail(throttle: &Throttle, attempt: &Attempt) {
        throttle.turn(attempt).await.expect("a turn").wrong();
    }

    fn retry_after<T>(result: Result<T, Error>) -> Option<u64> {
        match result {
            Err(Error::TooMany { retry_after_s }) => Some(retry_after_s),
            _ => None,
        }
    }

    #[tokio::test]
    async fn failures_under_ever_new_names_close_a_network_but_not_to_those_at_home_there() {
        let throttle = throttle();
        let home = from("2001:db8:1:2::7", "Asha");
        let turn = throttle.turn(&home).await.expect("a turn");
        throttle.right(home.clone(), &turn).await;
        drop(turn);
        for number in 0..MOST_OF_NETWORK {
            let address = format!("2001:db8:1:2::{number:x}");
            fail(&throttle, &from(&address, &format!("nobody{number}"))).await;
        }
        let stranger = from("2001:db8:1:2:ffff::", "ravi");
        assert_eq!(retry_after(throttle.turn(&stranger).await), Some(60));
        let elsewhere = from("2001:db8:1:3::7", "ravi");
        throttle.turn(&elsewhere).await.expect("a turn");
        // Only his own failures count there.
        for _ in 0..MOST_OF_NAME {
            fail(&throttle, &from("2001:db8:1:2::8", "asha")).await;
        }
        assert_eq!(retry_after(throttle.turn(&home).await), Some(60));
    }

    #[tokio::test]
    async fn a_minute_of_a_clock_that_was_ahead_is_over() {
        let throttle = throttle();
        let attempt = from("192.0.2.1", "asha");
        throttle.clock.advance(TimeDelta::days(1));
        for _ in 0..MOST_OF_NAME {
            fail(&throttle, &attempt).await;
        }
        assert_eq!(retry_after(throttle.turn(&attempt).await), Some(60));
        throttle.clock.advance(TimeDelta::days(-1));
        throttle.turn(&attempt).await.expect("a turn");
    }

    #[tokio::test]
    async fn who_waits_behind_failures_is_refused_unheard() {
        let throttle = throttle();
        let attempt = from("192.0.2.1", "asha");
        let tries = join_all((0..80).map(async |_| {
            let turn = throttle.turn(&attempt).await?;
            tokio::task::yield_now().await;
            turn.wrong();
            Ok::<_, Error>(())
        }));
        let heard = tries.await.into_iter().filter(Result::is_ok).count();
        assert_eq!(heard, MOST_OF_NAME as usize);
    }

    #[tokio::test]
    async fn a_line_has_room_for_so_many_and_holds_up_no_other() {
        let throttle = throttle();
        let name = |number: usize| from("192.0.2.1", &format!("nobody{number}"));
        let _first = throttle.turn(&name(0)).await.expect("a turn");
        let mut waiting = Vec::new();
        for number in 1..=MOST_IN_LINE {
            let attempt = name(number);
            let throttle = &throttle;
            let mut turn = Box::pin(async move { throttle.turn(&attempt).await });
            assert!(turn.as_mut().now_or_never().is_none());
            waiting.push(turn);
        }
        let more = throttle.turn(&name(1000)).await;
        assert_eq!(retry_after(more), Some(1));
        let elsewhere = from("192.0.2.2", "asha");
        let turn = throttle.turn(&elsewhere);
        pin_mut!(turn);
        assert!(turn.now_or_never().is_some_and(|turn| turn.is_ok()));
    }

    #[tokio::test]
    async fn many_networks_at_once_do_not_keep_out_who_has_logged_in_before() {
        let throttle = throttle();
        let home = from("192.0.2.1", "asha");
        let turn = throttle.turn(&home).await.expect("a turn");
        throttle.right(home.clone(), &turn).await;
        drop(turn);
        let mut turns = Vec::new();
        for number in 0..MOST_STRANGERS {
            let stranger = from(&format!("198.51.100.{number}"), "asha");
            turns.push(throttle.turn(&stranger).await.expect("a turn"));
        }
        let one_more = throttle.turn(&from("203.0.113.1", "asha")).await;
        assert!(matches!(one_more, Err(Error::Unavailable(_))));
        throttle.turn(&home).await.expect("a turn");
    }
}
