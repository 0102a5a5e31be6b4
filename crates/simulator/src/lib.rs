//! Terminals that are not there, for demonstrations, tests and load: they boot, poll, punch, obey and fail as real ones
//! do, and keep account of what the server made of it.
//!
//! ```no_run
//! # async fn example() {
//! use muster_simulator::{ApiAccess, Options, run};
//!
//! let api = ApiAccess { url: "http://127.0.0.1:8081".into(), token: "…".into() };
//! let options = Options { terminals: 200, duration_s: Some(600), api: Some(api.clone()), ..Options::default() };
//! let report = run(options, std::future::pending()).await;
//! println!("{report}");
//! for violation in report.check(Some(&api)).await {
//!     println!("{violation}");
//! }
//! # }
//! ```

mod access;
mod api;
mod attendance;
mod clock;
mod command;
mod driven;
mod fleet;
mod latency;
mod ledger;
mod load;
mod memory;
mod model;
mod options;
mod photo;
mod report;
mod rhythm;
mod terminal;
mod wire;

pub use driven::{Driven, OnTerminal};
pub use fleet::{Fleet, run};
pub use latency::Latency;
pub use ledger::{Flaw, Ledger, Row, Step, Totals};
pub use load::{Kind, LoadFigures, LoadOptions, load};
pub use model::{DEMO_TERMINALS, DemoTerminal};
pub use options::{ApiAccess, Faults, Mix, Options, Profile};
pub use report::Report;
pub use terminal::Terminal;
