//! Heads of requests: what is read is the block and nothing behind it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_protocol::head;

fuzz_target!(|bytes: &[u8]| {
    let Some(size) = head::end(bytes, 0) else {
        return;
    };
    if let Ok(head) = head::read(&bytes[..size]) {
        assert_eq!(head.size, size);
        assert!(!head.target.contains(&b'\n') && !head.method.is_empty());
    }
});
