//! Terminals: what is known of them, and what they are told to do.

pub mod admission;
pub mod clocks;
pub mod command_list;
pub mod commands;
pub mod contact;
pub mod messages;
pub mod overview;
pub mod people;
pub mod roster;
pub mod sync;
pub mod terminal;
pub mod zone;
