//! Terminals: what is known of them, and what they are told to do.

pub mod admission;
pub mod clocks;
pub mod command_list;
pub mod commands;
pub mod contact;
pub mod holdings;
pub mod inspection;
pub mod messages;
pub mod of_terminal;
pub mod operation_list;
pub mod overview;
pub mod people;
mod retry;
pub mod roster;
pub mod standing;
pub mod sync;
pub mod talk;
pub mod terminal;
pub mod unread_list;
pub mod zone;
