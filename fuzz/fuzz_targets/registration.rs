//! What an access terminal says of itself when it registers.

#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_protocol::access::Registration;

fuzz_target!(|bytes: &[u8]| {
    let registration = Registration::parse(bytes);
    let _ = (
        registration.device_name(),
        registration.doors(),
        registration.wraps_commands(),
    );
});
