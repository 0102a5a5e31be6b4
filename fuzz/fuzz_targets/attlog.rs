//! Attendance records: every row is read or kept, and one that was read survives being written again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_protocol::upload::{Row, Table, Upload, parse};

fuzz_target!(|bytes: &[u8]| {
    let upload = parse(&Table::Attlog, bytes);
    if upload.bad.len() < Upload::MOST_BAD {
        assert_eq!(upload.lines, upload.rows.len() + upload.bad.len());
    }
    for row in upload.rows {
        let Row::Punch(punch) = &row else {
            panic!("no punch: {row:?}")
        };
        if punch.local.format("%Y").to_string().len() == 4 && !punch.pin.contains('=') {
            let again = parse(&Table::Attlog, punch.encode().as_bytes());
            let Some(Row::Punch(again)) = again.rows.first() else {
                panic!("lost: {punch:?}")
            };
            assert_eq!(
                (&again.pin, again.local, again.status),
                (&punch.pin, punch.local, punch.status)
            );
        }
    }
});
