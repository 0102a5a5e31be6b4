//! What breaks beside the server: its disk, its database, its clock, its memory, and those who call. Each time the load
//! goes on, the fault comes and goes, and nothing that was acknowledged is lost or there twice.
//!
//! `TEST_FAULT_SECONDS` says how long each fault lasts; without it only until it was felt. What happens is waited for, not a
//! time. `TEST_FAULT_CONNECTIONS` says how many connections do nothing.

mod broken_disk;
mod clock;
mod connections;
mod database;
mod disk;
mod memory;

use crate::load::Load;
use crate::process::outside;
use std::time::{Duration, Instant};
use tokio::process::Command;

/// The program that is tested.
fn muster() -> Command {
    Command::new(env!("CARGO_BIN_EXE_muster"))
}

/// So many uploads before a fault, and after it.
const ENOUGH: u64 = 40;

/// Until the fault was felt, and as long as it is to last.
async fn felt(load: &Load) {
    load.until_refused(20).await;
    let seconds = outside("TEST_FAULT_SECONDS").map_or(0, |text| text.parse().expect("seconds"));
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// Until terminals are served as before; how long it took until the first was.
async fn over(load: &Load) -> Duration {
    let begun = Instant::now();
    load.until_more(1).await;
    let first = begun.elapsed();
    load.until_more(ENOUGH).await;
    first
}

fn report(what: &str, first: Duration) {
    println!(
        "{what}: the first OK came {} ms after its end",
        first.as_millis()
    );
}
