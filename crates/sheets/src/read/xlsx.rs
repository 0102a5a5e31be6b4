//! xlsx: a zip of XML, of which the first sheet is read as it is unpacked. Entities beyond XML's own
//! and document types are refused; nothing is ever fetched.

use super::strings::Strings;
use super::{Row, Rows, fill};
use crate::error::{Error, Result};
use crate::number::{date, is_date_code, is_date_format, number};
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use std::cell::Cell;
use std::collections::HashMap;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::rc::Rc;
use zip::read::ZipArchive;

/// A workbook has a few dozen parts.
const PARTS: usize = 5_000;
/// One tag or one piece of text.
const EVENT_BYTES: u64 = 1 << 20;
/// All pieces of the text of one cell.
const TEXT_BYTES: usize = 1 << 20;
const DEPTH: usize = 100;
const FORMATS: usize = 100_000;

pub fn read<F: FnMut(Row) -> ControlFlow<()>>(
    mut file: impl Read + Seek,
    rows: &mut Rows<'_, F>,
) -> Result<()> {
    if parts(&mut file)? > PARTS {
        return Err(Error::TooLarge(format!("it has more than {PARTS} parts")));
    }
    let mut archive = ZipArchive::new(file)?;
    let left = Rc::new(Cell::new(rows.limits.total_bytes));

    let mut workbook = "xl/workbook.xml".to_owned();
    if let Some(mut part) = part(&mut archive, "_rels/.rels", &left)? {
        part.relations("", |_, kind, target| {
            if kind.ends_with("/officeDocument") {
                workbook = target;
            }
        })?;
    }
    let Some(mut part) = part(&mut archive, &workbook, &left)? else {
        return Err(Error::Unknown);
    };
    let (sheet, since_1904) = part.first_sheet()?;
    drop(part);

    let (folder, name) = workbook.rsplit_once('/').unwrap_or(("", &workbook));
    let relations = format!("{folder}/_rels/{name}.rels");
    let (mut sheet_part, mut strings_part, mut styles_part) = (None, None, None);
    if let Some(mut part) = self::part(&mut archive, relations.trim_start_matches('/'), &left)? {
        part.relations(folder, |id, kind, target| {
            if id == sheet {
                sheet_part = Some(target);
            } else if kind.ends_with("/sharedStrings") {
                strings_part = Some(target);
            } else if kind.ends_with("/styles") {
                styles_part = Some(target);
            }
        })?;
    }
    let mut book = Book {
        strings: Strings::new(rows.limits),
        dates: Vec::new(),
        since_1904,
    };
    if let Some(name) = strings_part
        && let Some(mut part) = self::part(&mut archive, &name, &left)?
    {
        part.strings(&mut book.strings)?;
    }
    if let Some(name) = styles_part
        && let Some(mut part) = self::part(&mut archive, &name, &left)?
    {
        book.dates = part.dates()?;
    }
    let sheet = match sheet_part {
        Some(name) => self::part(&mut archive, &name, &left)?,
        None => None,
    };
    sheet
        .ok_or_else(|| Error::damaged("its first sheet is missing"))?
        .rows(&book, rows)
}

/// How many parts a zip can claim to have, at most: that many times the mark of one stands in it.
/// The list of them is the one thing of a zip that is kept in memory as a whole.
fn parts(file: &mut (impl Read + Seek)) -> Result<usize> {
    const MARK: &[u8] = b"PK\x01\x02";
    let mut buffer = vec![0; 64 << 10];
    let (mut kept, mut count) = (0, 0);
    file.seek(SeekFrom::Start(0))?;
    loop {
        let more = fill(file, &mut buffer[kept..])?;
        let length = kept + more;
        let windows = buffer[..length].windows(MARK.len());
        count += windows.filter(|window| *window == MARK).count();
        if more == 0 {
            file.seek(SeekFrom::Start(0))?;
            return Ok(count);
        }
        // A mark may stand across two pieces.
        kept = length.min(MARK.len() - 1);
        buffer.copy_within(length - kept..length, 0);
    }
}

struct Book {
    strings: Strings,
    /// By style: whether it shows numbers as days or times.
    dates: Vec<bool>,
    since_1904: bool,
}

fn part<'a, F: Read + Seek>(
    archive: &'a mut ZipArchive<F>,
    name: &str,
    left: &Rc<Cell<u64>>,
) -> Result<Option<Part<impl Read + 'a>>> {
    // Programs differ in the case of names.
    let is_it = |index: &usize| match archive.name_for_index(*index) {
        Some(Ok(known)) => known.eq_ignore_ascii_case(name),
        _ => false,
    };
    let Some(index) = (0..archive.len()).find(is_it) else {
        return Ok(None);
    };
    let source = archive.by_index(index)?;
    let event_left = Rc::new(Cell::new(EVENT_BYTES));
    let bounded = Bounded {
        source,
        left: Rc::clone(left),
        event_left: Rc::clone(&event_left),
    };
    let mut xml = Reader::from_reader(BufReader::with_capacity(32 << 10, bounded));
    xml.config_mut().expand_empty_elements = true;
    Ok(Some(Part {
        xml,
        buffer: Vec::new(),
        event_left,
        depth: 0,
    }))
}

/// Ends when the whole archive or one event unpacks to too much.
struct Bounded<R> {
    source: R,
    left: Rc<Cell<u64>>,
    event_left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.source.read(buffer)?;
        for (left, what) in [
            (&self.left, "it unpacks to too much"),
            (&self.event_left, "it has one piece of too much text"),
        ] {
            match left.get().checked_sub(length as u64) {
                Some(rest) => left.set(rest),
                None => return Err(Error::TooLarge(what.into()).into()),
            }
        }
        Ok(length)
    }
}

/// One XML file of the archive.
struct Part<R: Read> {
    xml: Reader<BufReader<Bounded<R>>>,
    buffer: Vec<u8>,
    event_left: Rc<Cell<u64>>,
    depth: usize,
}

impl<R: Read> Part<R> {
    fn next(&mut self) -> Result<Event<'_>> {
        self.buffer.clear();
        self.event_left.set(EVENT_BYTES);
        let event = self.xml.read_event_into(&mut self.buffer)?;
        match &event {
            Event::Start(_) => self.depth += 1,
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            Event::DocType(_) => return Err(Error::damaged("it has a document type")),
            _ => {}
        }
        if self.depth > DEPTH {
            return Err(Error::damaged("its parts are nested too deeply"));
        }
        Ok(event)
    }

    /// Id, kind and part of each relation; what lies outside of the file is passed over.
    fn relations(&mut self, folder: &str, mut each: impl FnMut(&str, &str, String)) -> Result<()> {
        loop {
            match self.next()? {
                Event::Start(tag) if is(&tag, "Relationship") => {
                    let told = |name| attribute(&tag, name);
                    let target = told("Target")?.unwrap_or_default();
                    if told("TargetMode")?.as_deref() != Some("External") {
                        let part = match target.strip_prefix('/') {
                            Some(absolute) => absolute.to_owned(),
                            None if folder.is_empty() => target,
                            None => format!("{folder}/{target}"),
                        };
                        let (id, kind) = (told("Id")?, told("Type")?);
                        each(&id.unwrap_or_default(), &kind.unwrap_or_default(), part);
                    }
                }
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    /// The relation of the first sheet, and whether days count from 1904.
    fn first_sheet(&mut self) -> Result<(String, bool)> {
        let mut since_1904 = false;
        loop {
            match self.next()? {
                Event::Start(tag) if is(&tag, "workbookPr") => {
                    let told = attribute(&tag, "date1904")?;
                    since_1904 = matches!(told.as_deref(), Some("1" | "true"));
                }
                Event::Start(tag) if is(&tag, "sheet") => {
                    let id = attribute(&tag, "id")?
                        .ok_or_else(|| Error::damaged("its first sheet has no id"))?;
                    return Ok((id, since_1904));
                }
                Event::Eof => return Err(Error::damaged("it has no sheet")),
                _ => {}
            }
        }
    }

    fn strings(&mut self, strings: &mut Strings) -> Result<()> {
        let mut phrase = Phrase::default();
        loop {
            match self.next()? {
                Event::Start(tag) => phrase.open(tag.local_name().as_ref()),
                Event::End(tag) if tag.local_name().as_ref() == "si" => {
                    strings.push(&excel_text(phrase.take()))?;
                    strings.end()?;
                }
                Event::End(tag) => phrase.close(tag.local_name().as_ref()),
                Event::Eof => return Ok(()),
                event => phrase.text(&event)?,
            }
        }
    }

    /// By style: whether it shows numbers as days or times.
    fn dates(&mut self) -> Result<Vec<bool>> {
        let mut formats = HashMap::new();
        let mut dates = Vec::new();
        let mut in_cells = false;
        loop {
            match self.next()? {
                Event::Start(tag) if is(&tag, "numFmt") => {
                    let id = attribute(&tag, "numFmtId")?.and_then(|id| id.parse::<u32>().ok());
                    if let (Some(id), Some(code)) = (id, attribute(&tag, "formatCode")?) {
                        formats.insert(id, is_date_code(&code));
                    }
                }
                Event::Start(tag) if is(&tag, "cellXfs") => in_cells = true,
                Event::Start(tag) if in_cells && is(&tag, "xf") => {
                    let id = attribute(&tag, "numFmtId")?.and_then(|id| id.parse::<u32>().ok());
                    let id = id.unwrap_or(0);
                    dates.push(formats.get(&id).copied().unwrap_or(is_date_format(id)));
                }
                Event::End(tag) if tag.local_name().as_ref() == "cellXfs" => return Ok(dates),
                Event::Eof => return Ok(dates),
                _ => {}
            }
            if formats.len() + dates.len() > FORMATS {
                return Err(Error::TooLarge(format!(
                    "it has more than {FORMATS} formats"
                )));
            }
        }
    }

    fn rows<F: FnMut(Row) -> ControlFlow<()>>(
        &mut self,
        book: &Book,
        rows: &mut Rows<'_, F>,
    ) -> Result<()> {
        let (mut row, mut column) = (0_u64, 0_usize);
        let mut kind = String::new();
        let mut style = 0_usize;
        let mut phrase = Phrase::default();
        loop {
            match self.next()? {
                Event::Start(tag) => match tag.local_name().as_ref() {
                    "row" => {
                        let number = match attribute(&tag, "r")? {
                            Some(number) => number.parse().map_err(Error::damaged)?,
                            None => row + 1,
                        };
                        if number <= row {
                            return Err(Error::damaged("its rows are out of order"));
                        }
                        (row, column) = (number, 0);
                    }
                    "c" => {
                        if let Some(place) = attribute(&tag, "r")? {
                            column = column_of(&place)?;
                        }
                        kind = attribute(&tag, "t")?.unwrap_or_default();
                        style = attribute(&tag, "s")?
                            .and_then(|style| style.parse().ok())
                            .unwrap_or(0);
                    }
                    // The value, where `is` has the text itself.
                    "v" => phrase.open("t"),
                    name => phrase.open(name),
                },
                Event::End(tag) => match tag.local_name().as_ref() {
                    "c" => {
                        let text = book.text(&kind, style, phrase.take())?;
                        rows.put(row, column, &text)?;
                        column += 1;
                    }
                    "row" => rows.end(row)?,
                    "sheetData" => return Ok(()),
                    "v" => phrase.close("t"),
                    name => phrase.close(name),
                },
                Event::Eof => return Err(Error::damaged("its sheet ends too early")),
                event => phrase.text(&event)?,
            }
        }
    }
}

impl Book {
    /// What a cell shows.
    fn text(&self, kind: &str, style: usize, value: String) -> Result<String> {
        if value.is_empty() {
            return Ok(value);
        }
        Ok(match kind {
            "s" => {
                let index = value.trim().parse().map_err(Error::damaged)?;
                self.strings.get(index)?.to_owned()
            }
            "inlineStr" | "str" => excel_text(value),
            "b" => (if value.trim() == "1" { "true" } else { "false" }).to_owned(),
            "e" | "d" => value,
            _ => {
                let value = value.trim();
                let is_date = self.dates.get(style).copied().unwrap_or(false);
                let is_integer = value.bytes().all(|byte| byte.is_ascii_digit());
                if is_integer && !is_date {
                    // Of more digits than a number has, all are kept.
                    return Ok(value.to_owned());
                }
                let plain: f64 = value.parse().map_err(Error::damaged)?;
                is_date
                    .then(|| date(plain, self.since_1904))
                    .flatten()
                    .unwrap_or_else(|| number(plain))
            }
        })
    }
}

/// A text that may stand in several pieces, some of which are no part of it.
#[derive(Default)]
struct Phrase {
    text: String,
    in_text: bool,
    /// Within what says how the text is pronounced.
    in_reading: bool,
}

impl Phrase {
    fn open(&mut self, name: &str) {
        match name {
            "t" => self.in_text = true,
            "rPh" => self.in_reading = true,
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "t" => self.in_text = false,
            "rPh" => self.in_reading = false,
            _ => {}
        }
    }

    fn text(&mut self, event: &Event<'_>) -> Result<()> {
        if !self.in_text || self.in_reading {
            return Ok(());
        }
        match event {
            Event::Text(text) => self.text.push_str(&text.xml10_content()),
            Event::CData(text) => self.text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => self.text.push(entity(reference)?),
            _ => {}
        }
        if self.text.len() > TEXT_BYTES {
            return Err(Error::TooLarge("it has one piece of too much text".into()));
        }
        Ok(())
    }

    fn take(&mut self) -> String {
        self.in_text = false;
        self.in_reading = false;
        std::mem::take(&mut self.text)
    }
}

fn entity(reference: &BytesRef<'_>) -> Result<char> {
    if let Some(letter) = reference.resolve_char_ref()? {
        return Ok(letter);
    }
    match &**reference {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        _ => Err(Error::damaged("it uses an entity of its own")),
    }
}

/// `_x000D_` and its like stand for what XML cannot hold.
fn excel_text(text: String) -> String {
    if !text.contains("_x") {
        return text;
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find("_x") {
        let code = rest
            .get(at + 2..at + 7)
            .and_then(|code| code.strip_suffix('_'))
            .filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|code| u32::from_str_radix(code, 16).ok())
            .and_then(char::from_u32);
        match code {
            Some(letter) => {
                plain.push_str(&rest[..at]);
                plain.push(letter);
                rest = &rest[at + 7..];
            }
            None => {
                plain.push_str(&rest[..at + 2]);
                rest = &rest[at + 2..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

fn is(tag: &BytesStart<'_>, name: &str) -> bool {
    tag.local_name().as_ref() == name
}

/// An attribute by its name, whatever its namespace is called.
fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>> {
    for attribute in tag.attributes().with_checks(false) {
        let attribute = attribute.map_err(Error::damaged)?;
        if attribute.key.local_name().as_ref() == name {
            let value = attribute
                .normalized_value(XmlVersion::Explicit1_0)
                .map_err(Error::damaged)?;
            return Ok(Some(value.into_owned()));
        }
    }
    Ok(None)
}

/// `C7` is column 2.
fn column_of(place: &str) -> Result<usize> {
    let letters = place.bytes().take_while(u8::is_ascii_alphabetic);
    let mut column = 0_usize;
    for letter in letters {
        column = column * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1;
        if column > 16_384 {
            return Err(Error::damaged("it has a column beyond the last"));
        }
    }
    column
        .checked_sub(1)
        .ok_or_else(|| Error::damaged(format!("{place:.20} is no place of a cell")))
}
