//! Punches: one way in, two lists out.

pub mod punch;
pub mod recent;
pub mod record;
mod rows;
pub mod transaction;
pub mod unregistered;
pub mod wording;
