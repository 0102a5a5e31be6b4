//! The commands of the program, one file each.

pub mod client;
pub mod user;
