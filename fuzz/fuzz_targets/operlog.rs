//! Operation log with users, templates and pictures: every row is read or kept.

#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_protocol::upload::{Table, Upload, parse};

fuzz_target!(|bytes: &[u8]| {
    let upload = parse(&Table::Operlog, bytes);
    if upload.bad.len() < Upload::MOST_BAD {
        assert_eq!(upload.lines, upload.rows.len() + upload.bad.len());
    }
});
