//! Writing: row by row to whatever takes bytes, none of which is read again or gone back to.

mod delimited;
mod xlsx;

use crate::error::Result;
use std::borrow::Cow;
use std::io::Write;

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// UTF-8 with its mark, commas, CRLF.
    Csv,
    /// UTF-8, tabs, CRLF.
    Text,
    Xlsx,
}

impl Format {
    pub const fn media_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8",
            Format::Text => "text/plain; charset=utf-8",
            Format::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    /// The end of the file's name, without a dot.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Text => "txt",
            Format::Xlsx => "xlsx",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'t> {
    Empty,
    /// Never run as a formula, whatever it begins with.
    Text(Cow<'t, str>),
    Integer(i64),
    Number(f64),
    Boolean(bool),
}

/// A table being written.
pub struct Writer<W: Write>(Kind<W>);

enum Kind<W: Write> {
    Delimited(Box<delimited::Writer<W>>),
    Xlsx(Box<xlsx::Writer<W>>),
}

impl<W: Write> Writer<W> {
    /// Begins with a row of names.
    pub fn new<N: AsRef<str>>(
        format: Format,
        to: W,
        header: impl IntoIterator<Item = N>,
    ) -> Result<Writer<W>> {
        let header = header
            .into_iter()
            .map(|name| name.as_ref().to_owned())
            .collect();
        Ok(Writer(match format {
            Format::Csv => Kind::Delimited(Box::new(delimited::Writer::csv(to, header)?)),
            Format::Text => Kind::Delimited(Box::new(delimited::Writer::tabs(to, header)?)),
            Format::Xlsx => Kind::Xlsx(Box::new(xlsx::Writer::new(to, header)?)),
        }))
    }

    pub fn row(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        match &mut self.0 {
            Kind::Delimited(writer) => writer.row(cells),
            Kind::Xlsx(writer) => writer.row(cells),
        }
    }

    /// Writes what is left to be written, and gives back where to.
    pub fn finish(self) -> Result<W> {
        match self.0 {
            Kind::Delimited(writer) => writer.finish(),
            Kind::Xlsx(writer) => writer.finish(),
        }
    }
}
