//! Looks whether the console's files are there before they are embedded. A development build reads
//! them when it runs, so only a release needs them now.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if cfg!(debug_assertions) {
        return;
    }
    if Path::new("../../web/dist").is_dir() {
        println!("cargo::rerun-if-changed=../../web/dist");
    } else {
        println!(
            "cargo::error=web/dist is missing, which the program embeds: run `make web` first"
        );
    }
}
