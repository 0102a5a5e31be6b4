//! What a terminal says of itself when it polls: read, written and read again it is the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_protocol::poll::Info;

fuzz_target!(|text: &str| {
    let info = Info::parse(text);
    assert_eq!(Info::parse(&info.encode()), info);
});
