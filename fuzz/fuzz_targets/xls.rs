//! Workbooks of before 2007 whose compound file is whole and whose records are made up.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::io::{Cursor, Write};

fuzz_target!(|bytes: &[u8]| {
    let mut compound = cfb::CompoundFile::create(Cursor::new(Vec::new())).expect("made");
    let mut stream = compound.create_stream("/Workbook").expect("made");
    stream.write_all(bytes).expect("written");
    stream.flush().expect("written");
    drop(stream);
    compound.flush().expect("written");
    muster_fuzz::table(&compound.into_inner().into_inner());
});
