//! Files of tables as they come: texts of any encoding and separator, and what claims to be a workbook.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| muster_fuzz::table(bytes));
