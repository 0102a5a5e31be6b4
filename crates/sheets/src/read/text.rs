//! Text: csv with commas or semicolons, and tab separated; UTF-8, or UTF-16 with its mark.

use super::{Row, Rows};
use crate::error::{Error, Result};
use csv_core::{ReadRecordResult, ReaderBuilder};
use encoding_rs::{Decoder, UTF_16BE, UTF_16LE};
use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;

pub fn read<F: FnMut(Row) -> ControlFlow<()>>(
    mut source: impl BufRead,
    rows: &mut Rows<'_, F>,
) -> Result<()> {
    let decoder = match source.fill_buf()? {
        [0xff, 0xfe, ..] => Some(UTF_16LE.new_decoder_with_bom_removal()),
        [0xfe, 0xff, ..] => Some(UTF_16BE.new_decoder_with_bom_removal()),
        _ => None,
    };
    match decoder {
        Some(decoder) => records(BufReader::new(Utf16::new(source, decoder)), rows),
        None => records(source, rows),
    }
}

fn records<F: FnMut(Row) -> ControlFlow<()>>(
    mut source: impl BufRead,
    rows: &mut Rows<'_, F>,
) -> Result<()> {
    let mut lines = Lines::default();
    if source.fill_buf()?.starts_with("\u{feff}".as_bytes()) {
        source.consume(3);
    }
    let start = source.fill_buf()?;
    let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
    if start.contains(&0) || start.starts_with(b"%PDF") || first == Some(&b'<') {
        return Err(Error::Unknown);
    }
    let delimiter = delimiter(start);
    if let [b's', b'e', b'p', b'=', _, rest @ ..] = start {
        // A first line that only says what separates.
        let end = rest
            .iter()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count()
            .min(2);
        let said = &start[..5 + end];
        let length = said.len();
        lines.pass(said);
        source.consume(length);
    }
    let mut core = ReaderBuilder::new().delimiter(delimiter).build();
    // A little more than a row may hold, for it is counted where all kinds of files are.
    let mut output = vec![0; rows.limits.row_bytes + 1];
    let mut ends = vec![0; rows.limits.columns + 1];
    loop {
        // Empty lines before the row, so that its number is that of its own first line.
        loop {
            match source.fill_buf()?.first() {
                None => return Ok(()),
                Some(end @ (b'\r' | b'\n')) => {
                    lines.pass(&[*end]);
                    source.consume(1);
                }
                Some(_) => break,
            }
        }
        let number = lines.number();
        let (mut length, mut fields) = (0, 0);
        loop {
            let input = source.fill_buf()?;
            let (result, read, written, ended) =
                core.read_record(input, &mut output[length..], &mut ends[fields..]);
            lines.pass(&input[..read]);
            source.consume(read);
            length += written;
            fields += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return Ok(()),
                ReadRecordResult::OutputFull => {
                    return Err(Error::TooLarge(format!(
                        "row {number} has more than {} bytes",
                        rows.limits.row_bytes
                    )));
                }
                ReadRecordResult::OutputEndsFull => {
                    return Err(Error::TooLarge(format!(
                        "row {number} has more than {} columns",
                        rows.limits.columns
                    )));
                }
            }
        }
        let text = std::str::from_utf8(&output[..length]).map_err(|error| {
            let before = &output[..error.valid_up_to()];
            let within = before.iter().filter(|byte| **byte == b'\n').count();
            Error::NotUtf8 {
                line: number + within as u64,
            }
        })?;
        let mut start = 0;
        for (column, end) in ends[..fields].iter().enumerate() {
            // Two halves of a letter cannot be told from one that a separator cut in two.
            let field = text
                .get(start..*end)
                .ok_or(Error::NotUtf8 { line: number })?;
            rows.put(number, column, field)?;
            start = *end;
        }
        rows.end(number)?;
    }
}

/// The one that stands most often in the first line, outside of quotes.
fn delimiter(start: &[u8]) -> u8 {
    if let [b's', b'e', b'p', b'=', delimiter, ..] = start {
        return *delimiter;
    }
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for byte in start {
        match byte {
            b'"' => quoted = !quoted,
            b'\r' | b'\n' if !quoted => break,
            _ if quoted => {}
            byte => {
                for (delimiter, count) in &mut counts {
                    *count += usize::from(delimiter == byte);
                }
            }
        }
    }
    let mut best = counts[0];
    for candidate in counts {
        if candidate.1 > best.1 {
            best = candidate;
        }
    }
    best.0
}

/// Which line we are in: ends are CRLF, LF or CR.
#[derive(Default)]
struct Lines {
    ended: u64,
    after_cr: bool,
}

impl Lines {
    fn number(&self) -> u64 {
        self.ended + 1
    }

    fn pass(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\r' => self.ended += 1,
                b'\n' if !self.after_cr => self.ended += 1,
                _ => {}
            }
            self.after_cr = *byte == b'\r';
        }
    }
}

/// UTF-16 read as UTF-8.
struct Utf16<R> {
    source: R,
    decoder: Decoder,
    text: Vec<u8>,
    given: usize,
    ended: bool,
}

impl<R: BufRead> Utf16<R> {
    fn new(source: R, decoder: Decoder) -> Utf16<R> {
        Utf16 {
            source,
            decoder,
            text: Vec::new(),
            given: 0,
            ended: false,
        }
    }
}

impl<R: BufRead> Read for Utf16<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() && !self.ended {
            let input = self.source.fill_buf()?;
            self.ended = input.is_empty();
            self.text.resize(16 << 10, 0);
            let (_, read, written, broken) =
                self.decoder
                    .decode_to_utf8(input, &mut self.text, self.ended);
            self.source.consume(read);
            self.text.truncate(written);
            self.given = 0;
            if broken {
                return Err(Error::damaged("it is broken UTF-16").into());
            }
        }
        let length = buffer.len().min(self.text.len() - self.given);
        buffer[..length].copy_from_slice(&self.text[self.given..self.given + length]);
        self.given += length;
        Ok(length)
    }
}
