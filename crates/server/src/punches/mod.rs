//! Punches: one way in, two lists out.

pub mod punch;
pub mod record;
pub mod transaction;
pub mod unregistered;
