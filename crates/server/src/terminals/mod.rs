//! Terminals: what is known of them, and what they are told to do.

pub mod commands;
pub mod roster;
pub mod terminal;
