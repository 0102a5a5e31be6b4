//! Tables as files: read row by row within limits, whatever the file is called, and written row
//! by row in memory that does not grow. Read: csv and tab separated text, xlsx, xls. Written: csv,
//! tab separated text, xlsx. Nothing here knows what a table is about.
//!
//! What is written is read back as it was: a `Text` as the same text, a number and a truth value
//! as they are spelled.

mod error;
mod neutral;
mod number;
mod read;
mod write;

pub use error::{Error, Result};
pub use read::{Limits, Row, read};
pub use write::{Cell, Format, Writer};
