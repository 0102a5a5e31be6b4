//! How often somebody may try: by account and address together, so that a stranger cannot lock
//! the owner of an account out, and by address alone.

use crate::error::{Error, Result};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

/// Tries at once; afterwards so many a minute.
const PER_ACCOUNT: NonZeroU32 = NonZeroU32::new(10).expect("not zero");
const PER_ADDRESS: NonZeroU32 = NonZeroU32::new(60).expect("not zero");
/// Those who have not tried for long are forgotten after so many tries of all.
const SWEEP: u32 = 1_000;

pub struct Throttle {
    accounts: DefaultKeyedRateLimiter<(String, Option<IpAddr>)>,
    addresses: DefaultKeyedRateLimiter<Option<IpAddr>>,
    clock: DefaultClock,
    tries: AtomicU32,
}

impl Default for Throttle {
    fn default() -> Self {
        Throttle {
            accounts: RateLimiter::keyed(Quota::per_minute(PER_ACCOUNT)),
            addresses: RateLimiter::keyed(Quota::per_minute(PER_ADDRESS)),
            clock: DefaultClock::default(),
            tries: AtomicU32::new(0),
        }
    }
}

impl Throttle {
    /// Counts one try to be `account` from `address`; says how long to wait when it is one too many.
    pub fn check(&self, account: &str, address: Option<IpAddr>) -> Result<()> {
        if self.tries.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.accounts.retain_recent();
            self.addresses.retain_recent();
        }
        let account: String = account.to_lowercase().chars().take(100).collect();
        self.addresses
            .check_key(&address)
            .and_then(|()| self.accounts.check_key(&(account, address)))
            .map_err(|until| Error::TooMany {
                retry_after_s: until.wait_time_from(self.clock.now()).as_secs() + 1,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::Throttle;

    #[test]
    fn the_eleventh_try_waits_and_other_addresses_do_not() {
        let throttle = Throttle::default();
        let (one, other) = ("10.0.0.1".parse().ok(), "10.0.0.2".parse().ok());
        for _ in 0..10 {
            assert!(throttle.check("Admin", one).is_ok());
        }
        assert!(throttle.check("admin", one).is_err());
        assert!(throttle.check("admin", other).is_ok());
        assert!(throttle.check("somebody", one).is_ok());
    }
}
