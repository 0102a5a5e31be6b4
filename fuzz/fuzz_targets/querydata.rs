//! Answers of access terminals to queries: the first line is the query of the target, the others the body.

#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_protocol::access::{Packet, read_count};
use muster_protocol::target::Query;
use muster_protocol::upload::{Upload, parse};

fuzz_target!(|bytes: &[u8]| {
    let (query, body) = match bytes.iter().position(|&byte| byte == b'\n') {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[][..]),
    };
    let packet = Packet::read(&Query::parse(query));
    match packet.rows() {
        Some(table) => {
            let upload = parse(&table, body);
            if upload.bad.len() < Upload::MOST_BAD {
                assert!(upload.lines <= upload.rows.len() + upload.bad.len());
            }
            assert!(!packet.accepted(upload.lines).contains(['\r', '\n']));
        }
        None => _ = read_count(body),
    }
});
