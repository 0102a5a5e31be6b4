//! The texts a workbook keeps once for all its cells, in as little memory as they need.

use crate::error::{Error, Result};
use crate::read::Limits;

const MOST: usize = 4_000_000;

pub struct Strings {
    text: String,
    ends: Vec<u32>,
    limit: usize,
}

impl Strings {
    pub fn new(limits: &Limits) -> Strings {
        Strings {
            text: String::new(),
            ends: Vec::new(),
            limit: limits.shared_bytes.min(u32::MAX as usize),
        }
    }

    /// Adds to the text being read.
    pub fn push(&mut self, part: &str) -> Result<()> {
        if self.text.len() + part.len() > self.limit {
            return Err(Error::TooLarge(format!(
                "its shared texts hold more than {} bytes",
                self.limit
            )));
        }
        self.text.push_str(part);
        Ok(())
    }

    /// The end of the text being read.
    pub fn end(&mut self) -> Result<()> {
        if self.ends.len() == MOST {
            return Err(Error::TooLarge(format!(
                "it has more than {MOST} shared texts"
            )));
        }
        // At most `limit`, which fits.
        self.ends.push(self.text.len() as u32);
        Ok(())
    }

    pub fn get(&self, index: usize) -> Result<&str> {
        let start = match index.checked_sub(1) {
            None => Some(0),
            Some(before) => self.ends.get(before).map(|end| *end as usize),
        };
        let end = self.ends.get(index).map(|end| *end as usize);
        match (start, end) {
            (Some(start), Some(end)) => Ok(&self.text[start..end]),
            _ => Err(Error::damaged(format!("there is no shared text {index}"))),
        }
    }
}
