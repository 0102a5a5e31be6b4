//! Results of commands.

#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_protocol::result;
use muster_protocol::target::Query;

fuzz_target!(|bytes: &[u8]| {
    let results = result::parse(&Query::default(), bytes);
    assert!(results.len() <= bytes.len());
    let _ = result::parse(&Query::parse(bytes), b"");
});
