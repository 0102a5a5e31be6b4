//! Punches: one way in, two lists out.

pub mod recent;
pub mod record;
mod rows;
pub mod wording;
