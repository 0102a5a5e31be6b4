//! The language of ZKTeco terminals that push (ADMS, "iclock"): bytes to types and back.
//! Pure functions only: no I/O, no clock, no database; nothing in here panics on what a terminal sends.

pub mod access;
pub mod command;
pub mod event;
pub mod handshake;
pub mod head;
pub mod ids;
pub mod operation;
pub mod person;
pub mod photo;
pub mod poll;
pub mod punch;
pub mod result;
mod rows;
pub mod secret;
pub mod target;
mod text;
pub mod time;
pub mod upload;
