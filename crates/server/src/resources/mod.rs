//! The things people keep: one file each, all about it.

pub mod area;
pub mod biodata;
pub mod department;
pub mod employee;
pub mod location;
pub mod message;
pub mod position;
pub mod private_message;
pub mod public_message;
pub mod resignation;
pub mod tree;
