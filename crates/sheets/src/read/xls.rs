//! xls: the workbook of Excel 97 to 2003, records in a compound file. The first sheet is read as
//! its records come; nothing is reserved that the file only claims to have.

use super::strings::Strings;
use super::{Row, Rows};
use crate::error::{Error, Result};
use crate::number::{date, is_date_code, is_date_format, number};
use cfb::CompoundFile;
use std::collections::HashMap;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

// Records (MS-XLS 2.3).
const FORMULA: u16 = 0x0006;
const END: u16 = 0x000a;
const SINCE_1904: u16 = 0x0022;
const PASSWORD: u16 = 0x002f;
const CONTINUE: u16 = 0x003c;
const SHEET: u16 = 0x0085;
const NUMBERS: u16 = 0x00bd;
const RICH_TEXT: u16 = 0x00d6;
const STYLE: u16 = 0x00e0;
const STRINGS: u16 = 0x00fc;
const SHARED_TEXT: u16 = 0x00fd;
const NUMBER: u16 = 0x0203;
const TEXT: u16 = 0x0204;
const TRUTH: u16 = 0x0205;
const FORMULA_TEXT: u16 = 0x0207;
const SHORT_NUMBER: u16 = 0x027e;
const FORMAT: u16 = 0x041e;
const BEGIN: u16 = 0x0809;

/// The version of Excel 97 and later.
const BIFF8: u16 = 0x0600;
const FORMATS: usize = 100_000;

pub fn read<F: FnMut(Row) -> ControlFlow<()>>(
    file: impl Read + Seek,
    rows: &mut Rows<'_, F>,
) -> Result<()> {
    let mut compound = CompoundFile::open(file)?;
    if !compound.is_stream("/Workbook") {
        return Err(if compound.exists("/EncryptedPackage") {
            Error::Protected
        } else if compound.is_stream("/Book") {
            Error::TooOld
        } else {
            Error::Unknown
        });
    }
    let stream = compound.open_stream("/Workbook")?;
    let mut records = Records::new(BufReader::with_capacity(32 << 10, stream));
    let (book, sheet) = records.globals(Strings::new(rows.limits))?;
    records.seek(sheet)?;
    records.rows(&book, rows)
}

struct Book {
    strings: Strings,
    /// By style: whether it shows numbers as days or times.
    dates: Vec<bool>,
    since_1904: bool,
}

impl Book {
    fn number(&self, style: u16, value: f64) -> String {
        let is_date = self.dates.get(usize::from(style)).copied();
        is_date
            .unwrap_or(false)
            .then(|| date(value, self.since_1904))
            .flatten()
            .unwrap_or_else(|| number(value))
    }
}

/// The stream, record by record.
struct Records<R> {
    source: R,
    body: Vec<u8>,
    at: usize,
}

impl<R: Read + Seek> Records<R> {
    fn new(source: R) -> Records<R> {
        Records {
            source,
            body: Vec::new(),
            at: 0,
        }
    }

    fn seek(&mut self, to: u32) -> Result<()> {
        self.source.seek(SeekFrom::Start(to.into()))?;
        Ok(())
    }

    /// The next record's kind; its body is there to be read.
    fn next(&mut self) -> Result<u16> {
        let mut head = [0; 4];
        self.source.read_exact(&mut head)?;
        let [kind_low, kind_high, low, high] = head;
        self.body.resize(u16::from_le_bytes([low, high]).into(), 0);
        self.source.read_exact(&mut self.body)?;
        self.at = 0;
        Ok(u16::from_le_bytes([kind_low, kind_high]))
    }

    /// Goes on in the record that continues this one.
    fn next_part(&mut self) -> Result<()> {
        if self.next()? == CONTINUE {
            Ok(())
        } else {
            Err(Error::damaged("a record ends too early"))
        }
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self
            .body
            .get(self.at..self.at + N)
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| Error::damaged("a record ends too early"))?;
        self.at += N;
        Ok(bytes)
    }

    fn u8(&mut self) -> Result<u8> {
        self.bytes::<1>().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Result<u16> {
        self.bytes().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn f64(&mut self) -> Result<f64> {
        self.bytes().map(f64::from_le_bytes)
    }

    /// Letters, one or two bytes each. Where they go on in another record, that one says anew
    /// which.
    fn letters(&mut self, mut count: usize, flags: u8) -> Result<String> {
        let mut is_wide = flags & 1 != 0;
        let mut letters = Vec::with_capacity(count);
        loop {
            let width = if is_wide { 2 } else { 1 };
            let here = count.min((self.body.len() - self.at) / width);
            let bytes = &self.body[self.at..self.at + here * width];
            if is_wide {
                let pairs = bytes.chunks_exact(2);
                letters.extend(pairs.map(|pair| u16::from_le_bytes([pair[0], pair[1]])));
            } else {
                letters.extend(bytes.iter().map(|byte| u16::from(*byte)));
            }
            self.at += here * width;
            count -= here;
            if count == 0 {
                return Ok(String::from_utf16_lossy(&letters));
            }
            self.next_part()?;
            is_wide = self.u8()? & 1 != 0;
        }
    }

    /// Leaves out bytes, in as many records as they stand.
    fn skip(&mut self, mut count: usize) -> Result<()> {
        loop {
            let here = count.min(self.body.len() - self.at);
            self.at += here;
            count -= here;
            if count == 0 {
                return Ok(());
            }
            self.next_part()?;
        }
    }

    /// Its length, its width, its letters.
    fn text(&mut self) -> Result<String> {
        let (count, flags) = (self.u16()?, self.u8()?);
        self.letters(count.into(), flags)
    }

    fn strings(&mut self, strings: &mut Strings) -> Result<()> {
        self.u32()?;
        let count = self.u32()?;
        for _ in 0..count {
            if self.at == self.body.len() {
                self.next_part()?;
            }
            let (letters, flags) = (self.u16()?, self.u8()?);
            let runs = if flags & 8 != 0 { self.u16()? } else { 0 };
            let extra = if flags & 4 != 0 { self.u32()? } else { 0 };
            strings.push(&self.letters(letters.into(), flags)?)?;
            strings.end()?;
            self.skip(usize::from(runs) * 4 + extra as usize)?;
        }
        Ok(())
    }

    /// What all sheets share, and where the first one begins.
    fn globals(&mut self, strings: Strings) -> Result<(Book, u32)> {
        if self.next()? != BEGIN {
            return Err(Error::damaged("it does not begin"));
        }
        if self.u16()? != BIFF8 {
            return Err(Error::TooOld);
        }
        let mut book = Book {
            strings,
            dates: Vec::new(),
            since_1904: false,
        };
        let mut formats = HashMap::new();
        let mut sheet = None;
        loop {
            match self.next()? {
                PASSWORD => return Err(Error::Protected),
                SINCE_1904 => book.since_1904 = self.u16()? == 1,
                FORMAT => {
                    let id = self.u16()?;
                    formats.insert(id, is_date_code(&self.text()?));
                }
                STYLE => {
                    self.u16()?;
                    let id = self.u16()?;
                    let is_date = formats.get(&id).copied();
                    book.dates
                        .push(is_date.unwrap_or(is_date_format(id.into())));
                }
                SHEET => {
                    let (place, _hidden, kind) = (self.u32()?, self.u8()?, self.u8()?);
                    // 0: a worksheet, no chart and no macros.
                    if kind == 0 && sheet.is_none() {
                        sheet = Some(place);
                    }
                }
                STRINGS => self.strings(&mut book.strings)?,
                END => break,
                _ => {}
            }
            if formats.len() + book.dates.len() > FORMATS {
                return Err(Error::TooLarge(format!(
                    "it has more than {FORMATS} formats"
                )));
            }
        }
        let sheet = sheet.ok_or_else(|| Error::damaged("it has no sheet"))?;
        Ok((book, sheet))
    }

    fn rows<F: FnMut(Row) -> ControlFlow<()>>(
        &mut self,
        book: &Book,
        rows: &mut Rows<'_, F>,
    ) -> Result<()> {
        if self.next()? != BEGIN {
            return Err(Error::damaged("its sheet does not begin"));
        }
        let mut current: Option<u16> = None;
        // Where a formula's text belongs, which comes in a record of its own.
        let mut awaited = None;
        // Charts within the sheet have records of the same kinds.
        let mut depth = 0_usize;
        loop {
            let kind = self.next()?;
            match kind {
                BEGIN => depth += 1,
                END if depth == 0 => break,
                END => depth -= 1,
                _ if depth > 0 => {}
                FORMULA_TEXT => {
                    if let Some((row, column)) = awaited.take() {
                        let text = self.text()?;
                        rows.put(row, column, &text)?;
                    }
                }
                FORMULA | NUMBERS | RICH_TEXT | SHARED_TEXT | NUMBER | TEXT | TRUTH
                | SHORT_NUMBER => {
                    let (row, column) = (self.u16()?, usize::from(self.u16()?));
                    match current {
                        Some(before) if before > row => {
                            return Err(Error::damaged("its rows are out of order"));
                        }
                        Some(before) if before < row => rows.end(u64::from(before) + 1)?,
                        _ => {}
                    }
                    current = Some(row);
                    let row = u64::from(row) + 1;
                    match self.cell(kind, book)? {
                        Value::None => {}
                        Value::Comes => awaited = Some((row, column)),
                        Value::Text(text) => rows.put(row, column, &text)?,
                        Value::Shared(index) => rows.put(row, column, book.strings.get(index)?)?,
                        Value::Several => {
                            let count = (self.body.len() - self.at) / 6;
                            for next in 0..count {
                                let (style, packed) = (self.u16()?, self.u32()?);
                                let text = book.number(style, unpacked(packed));
                                rows.put(row, column + next, &text)?;
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        match current {
            Some(row) => rows.end(u64::from(row) + 1),
            None => Ok(()),
        }
    }

    fn cell(&mut self, kind: u16, book: &Book) -> Result<Value> {
        if kind == NUMBERS {
            return Ok(Value::Several);
        }
        let style = self.u16()?;
        Ok(match kind {
            TEXT | RICH_TEXT => Value::Text(self.text()?),
            SHARED_TEXT => Value::Shared(self.u32()? as usize),
            NUMBER => Value::Text(book.number(style, self.f64()?)),
            SHORT_NUMBER => Value::Text(book.number(style, unpacked(self.u32()?))),
            TRUTH => {
                let (value, is_error) = (self.u8()?, self.u8()? != 0);
                truth(value, is_error)
            }
            FORMULA => {
                let result: [u8; 8] = self.bytes()?;
                match result {
                    [0, .., 0xff, 0xff] => Value::Comes,
                    [1, _, value, .., 0xff, 0xff] => truth(value, false),
                    [2, _, code, .., 0xff, 0xff] => truth(code, true),
                    [_, .., 0xff, 0xff] => Value::None,
                    bytes => Value::Text(book.number(style, f64::from_le_bytes(bytes))),
                }
            }
            _ => Value::None,
        })
    }
}

enum Value {
    None,
    Text(String),
    Shared(usize),
    /// In a record of its own.
    Comes,
    /// Numbers of neighbouring cells.
    Several,
}

fn truth(value: u8, is_error: bool) -> Value {
    let text = match (is_error, value) {
        (false, 0) => "false",
        (false, _) => "true",
        (true, 0x00) => "#NULL!",
        (true, 0x07) => "#DIV/0!",
        (true, 0x0f) => "#VALUE!",
        (true, 0x17) => "#REF!",
        (true, 0x1d) => "#NAME?",
        (true, 0x24) => "#NUM!",
        (true, _) => "#N/A",
    };
    Value::Text(text.to_owned())
}

/// A number in 30 bits: whole, or the upper part of a float; a hundredth of it, perhaps.
fn unpacked(packed: u32) -> f64 {
    let value = if packed & 2 != 0 {
        // The sign goes along.
        f64::from(packed as i32 >> 2)
    } else {
        f64::from_bits(u64::from(packed & !3) << 32)
    };
    if packed & 1 != 0 {
        value / 100.0
    } else {
        value
    }
}
