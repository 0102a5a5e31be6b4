//! csv and tab separated text.

use super::Cell;
use crate::error::{Error, Result};
use crate::neutral::neutral;
use csv::{Terminator, WriterBuilder};
use std::borrow::Cow;
use std::io::Write;

pub struct Writer<W: Write>(csv::Writer<W>);

impl<W: Write> Writer<W> {
    /// With the mark by which spreadsheet programs know UTF-8.
    pub fn csv(mut to: W, header: Vec<String>) -> Result<Writer<W>> {
        to.write_all("\u{feff}".as_bytes())?;
        Writer::new(to, b',', header)
    }

    pub fn tabs(to: W, header: Vec<String>) -> Result<Writer<W>> {
        Writer::new(to, b'\t', header)
    }

    fn new(to: W, delimiter: u8, header: Vec<String>) -> Result<Writer<W>> {
        let mut writer = Writer(
            WriterBuilder::new()
                .delimiter(delimiter)
                .terminator(Terminator::CRLF)
                .flexible(true)
                .from_writer(to),
        );
        let header: Vec<Cell<'_>> = header
            .into_iter()
            .map(|name| Cell::Text(name.into()))
            .collect();
        writer.row(&header)?;
        Ok(writer)
    }

    pub fn row(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        for cell in cells {
            let text: Cow<'_, str> = match cell {
                Cell::Empty => "".into(),
                Cell::Text(text) => neutral(text),
                Cell::Integer(number) => number.to_string().into(),
                Cell::Number(number) => number.to_string().into(),
                Cell::Boolean(true) => "true".into(),
                Cell::Boolean(false) => "false".into(),
            };
            self.0.write_field(text.as_bytes()).map_err(failed)?;
        }
        self.0.write_record(None::<&[u8]>).map_err(failed)
    }

    pub fn finish(self) -> Result<W> {
        self.0
            .into_inner()
            .map_err(|error| Error::Io(error.into_error()))
    }
}

fn failed(error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => Error::Io(error),
        kind => Error::Io(std::io::Error::other(format!("{kind:?}"))),
    }
}
