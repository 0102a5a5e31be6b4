//! The program: reads the command line and does what it says.

use clap::Parser;
use libmimalloc_sys::{mi_option_set, mi_option_t};
use muster::cli::{self, Cli};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc.h.
const PURGE_DELAY: mi_option_t = 15;

fn main() -> ExitCode {
    // Freed memory goes back to the system at once: who was busy or attacked for a moment is small again.
    // SAFETY: no other thread runs yet.
    unsafe { mi_option_set(PURGE_DELAY, 0) };
    cli::run(Cli::parse())
}
