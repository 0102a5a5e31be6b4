//! Punches: one way in, two lists out.

pub mod recent;
pub mod record;
pub mod wording;
