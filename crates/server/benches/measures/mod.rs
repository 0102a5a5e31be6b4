//! The sections of the table.

pub mod ceilings;
pub mod files;
pub mod lists;
pub mod live;
pub mod load;
pub mod people;
pub mod running;
pub mod table;
