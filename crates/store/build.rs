//! Rebuilds when a migration is added: the macro that embeds them reads a folder.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
