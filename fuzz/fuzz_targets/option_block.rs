//! Blocks of options, of both families: one that is read is the same when written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_protocol::access::{ConfigBlock, RegistrationBlock};
use muster_protocol::handshake::OptionBlock;

fuzz_target!(|text: &str| {
    if let Some(block) = OptionBlock::parse(text) {
        let written = block.encode();
        let again = OptionBlock::parse(&written).expect("our own block");
        assert_eq!(again.encode(), written);
    }
    RegistrationBlock::parse(text);
    if let Some(block) = ConfigBlock::parse(text) {
        ConfigBlock::parse(&block.encode()).expect("our own block");
    }
});
