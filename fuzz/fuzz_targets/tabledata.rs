//! Tables of access terminals: the first line is the name of the table, the others its rows.

#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_protocol::upload::{Table, Upload, parse};

fuzz_target!(|bytes: &[u8]| {
    let (name, rows) = match bytes.iter().position(|&byte| byte == b'\n') {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[][..]),
    };
    let upload = parse(
        &Table::Tabledata(String::from_utf8_lossy(name).into_owned()),
        rows,
    );
    if upload.bad.len() < Upload::MOST_BAD {
        assert_eq!(upload.lines, upload.rows.len() + upload.bad.len());
    }
});
