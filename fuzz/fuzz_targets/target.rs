//! Request targets: whatever they are, they are read or refused, and a serial number is a plain text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_protocol::handshake::Hello;
use muster_protocol::target;
use muster_protocol::upload::Table;

fuzz_target!(|bytes: &[u8]| {
    let Some(target) = target::parse(bytes) else {
        return;
    };
    if let Ok(serial_number) = target.query.serial_number() {
        assert!(serial_number.as_str().is_ascii() && serial_number.as_str().len() <= 32);
    }
    let _ = Hello::read(&target.query).family();
    let _ = Table::of(&target.query);
});
