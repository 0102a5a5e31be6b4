//! The things people keep: one file each, all about it.

pub mod area;
pub mod employee;
pub mod resignation;
