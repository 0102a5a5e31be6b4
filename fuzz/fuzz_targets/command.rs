//! Commands: one that is read and can be written is read the same again, and stays on its line.

#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_protocol::command::{Command, line, read_batch};

fuzz_target!(|text: &str| {
    read_batch(text);
    let Some(command) = Command::parse(text) else {
        return;
    };
    let Ok(written) = command.encode() else {
        return;
    };
    assert!(!written.contains(['\n', '\r', '\0']));
    let again = Command::parse(&written).expect("our own command");
    assert_eq!(again.encode().as_ref(), Ok(&written));
    assert_eq!(
        read_batch(&line("7", &written)),
        [("7".to_owned(), written)]
    );
});
