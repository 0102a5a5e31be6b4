//! The things people keep: one file each, all about it.

pub mod area;
pub mod department;
pub mod employee;
pub mod location;
pub mod position;
pub mod resignation;
mod tree;
