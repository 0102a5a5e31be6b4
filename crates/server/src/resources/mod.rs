//! The things there are: one file each, all about it.

pub mod employee;
