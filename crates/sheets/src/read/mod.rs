//! Reading: what the file is, by its content, and its rows one by one.

mod strings;
mod text;
mod xls;
mod xlsx;

use crate::error::{Error, Result};
use crate::neutral::restore;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

/// How much is read of a file before it is refused. Memory is at most about
/// `shared_bytes + 3 * row_bytes`.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Rows that hold something.
    pub rows: u64,
    pub columns: usize,
    /// The text of one cell.
    pub cell_bytes: usize,
    /// The texts of one row.
    pub row_bytes: usize,
    /// All cells together, each as often as it stands; and what a packed file unpacks to.
    pub total_bytes: u64,
    /// The texts a workbook keeps once for all its cells.
    pub shared_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            rows: 1_048_576,
            columns: 256,
            cell_bytes: 128 << 10,
            row_bytes: 1 << 20,
            total_bytes: 512 << 20,
            shared_bytes: 64 << 20,
        }
    }
}

/// A row that holds something. Cells are texts: a number is `1001` or `36.5`, a truth value `true` or
/// `false`, a day `2025-06-18`, a time `2025-06-18 09:00:00`. What is empty at the end is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// As the file counts its lines or rows, from 1. A row of several lines has its first one's.
    pub number: u64,
    pub cells: Vec<String>,
}

/// Gives the rows of a file's first table in their order, until they end or `each` breaks.
pub fn read(
    mut file: impl Read + Seek,
    limits: &Limits,
    each: impl FnMut(Row) -> ControlFlow<()>,
) -> Result<()> {
    let mut start = [0; 8];
    let length = fill(&mut file, &mut start)?;
    file.seek(SeekFrom::Start(0))?;
    let mut rows = Rows::new(limits, each);
    let result = match &start[..length] {
        [] => Err(Error::Empty),
        [b'P', b'K', 3, 4, ..] => xlsx::read(file, &mut rows),
        [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1] => xls::read(file, &mut rows),
        _ => text::read(BufReader::with_capacity(64 << 10, file), &mut rows),
    };
    match result {
        Err(Error::Io(error)) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
        Ok(()) if rows.count == 0 => Err(Error::Empty),
        result => result,
    }
}

/// Reads until the buffer is full or the end.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match file.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(length)
}

/// The row being read, the limits, and where rows go.
struct Rows<'a, F> {
    limits: &'a Limits,
    each: F,
    cells: Vec<String>,
    bytes: usize,
    total: u64,
    count: u64,
}

/// `Err` with this: enough was read.
fn enough() -> Error {
    Error::Io(io::ErrorKind::Interrupted.into())
}

impl<'a, F: FnMut(Row) -> ControlFlow<()>> Rows<'a, F> {
    fn new(limits: &'a Limits, each: F) -> Rows<'a, F> {
        Rows {
            limits,
            each,
            cells: Vec::new(),
            bytes: 0,
            total: 0,
            count: 0,
        }
    }

    /// A cell of the row, by its column, counted from 0.
    fn put(&mut self, row: u64, column: usize, text: &str) -> Result<()> {
        let Limits {
            columns,
            cell_bytes,
            row_bytes,
            total_bytes,
            ..
        } = *self.limits;
        // Some programs fill a cell up with NULs, which no database keeps and no text file has.
        let text = text.replace('\0', "");
        if text.is_empty() {
            return Ok(());
        }
        if column >= columns {
            return Err(Error::TooLarge(format!(
                "row {row} has more than {columns} columns"
            )));
        }
        if text.len() > cell_bytes {
            return Err(Error::TooLarge(format!(
                "row {row} has a cell of more than {cell_bytes} bytes"
            )));
        }
        self.bytes += text.len();
        if self.bytes > row_bytes {
            return Err(Error::TooLarge(format!(
                "row {row} has more than {row_bytes} bytes"
            )));
        }
        self.total += text.len() as u64;
        if self.total > total_bytes {
            return Err(Error::TooLarge(format!(
                "its cells hold more than {total_bytes} bytes"
            )));
        }
        if self.cells.len() <= column {
            self.cells.resize(column + 1, String::new());
        }
        self.cells[column] = text;
        restore(&mut self.cells[column]);
        Ok(())
    }

    /// The end of the row.
    fn end(&mut self, number: u64) -> Result<()> {
        let mut cells = std::mem::take(&mut self.cells);
        self.bytes = 0;
        while cells.last().is_some_and(String::is_empty) {
            cells.pop();
        }
        if cells.is_empty() {
            return Ok(());
        }
        self.count += 1;
        if self.count > self.limits.rows {
            return Err(Error::TooLarge(format!(
                "it has more than {} rows",
                self.limits.rows
            )));
        }
        match (self.each)(Row { number, cells }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(enough()),
        }
    }
}
