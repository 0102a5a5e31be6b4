//! Punches: one way in, two lists out.

pub mod as_sent;
mod assign;
pub mod day;
pub mod found_by;
pub mod hidden;
pub mod parts;
pub mod photo;
pub mod punch;
pub mod recent;
pub mod record;
mod rows;
pub mod transaction;
pub mod unregistered;
mod usb_log;
pub mod wording;
