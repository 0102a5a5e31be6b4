//! Punches: one way in, two lists out.

pub mod record;
mod rows;
