//! xlsx, of which each row is packed as it comes: texts stand in their cells rather than in a
//! list, and what tells of the sheets comes last.

use super::Cell;
use crate::error::Result;
use crate::neutral::typed;
use std::fmt::Write as _;
use std::io::Write;
use zip::write::{FullFileOptions, StreamWriter, ZipWriter};

/// The most a sheet holds; then comes another, which begins with the names again.
const ROWS: u32 = 1_048_576;
/// And before a sheet is longer than a zip without its extensions can say.
const SHEET_BYTES: u64 = 3 << 30;
/// How hard to pack, of 1 to 9. Somebody waits for a million rows, and most of that was packing.
const QUICK: i64 = 1;
/// More digits a spreadsheet program does not keep.
const DIGITS: u64 = 999_999_999_999_999;

// Styles, by their place in STYLES.
const HEADER: &str = " s=\"1\"";
/// Stays a text when somebody edits it, though it begins as a formula does.
const QUOTED: &str = " s=\"2\"";

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const SHEET_START: &str = "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">\
    <sheetViews><sheetView workbookViewId=\"0\"><pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/>\
    </sheetView></sheetViews><sheetData>";
const SHEET_END: &str = "</sheetData></worksheet>";
const STYLES: &str = "<styleSheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">\
    <fonts count=\"2\"><font><sz val=\"11\"/><name val=\"Calibri\"/></font><font><b/><sz val=\"11\"/><name val=\"Calibri\"/></font></fonts>\
    <fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill><fill><patternFill patternType=\"gray125\"/></fill></fills>\
    <borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>\
    <cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/></cellStyleXfs>\
    <cellXfs count=\"3\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/>\
    <xf numFmtId=\"0\" fontId=\"1\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyFont=\"1\"/>\
    <xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" quotePrefix=\"1\"/></cellXfs>\
    <cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/></cellStyles></styleSheet>";
const KIND: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const MEDIA: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";

pub struct Writer<W: Write> {
    zip: ZipWriter<StreamWriter<W>>,
    header: Vec<Cell<'static>>,
    sheets: u32,
    /// Of this sheet.
    rows: u32,
    bytes: u64,
    /// The row being written.
    xml: String,
    columns: Vec<String>,
}

impl<W: Write> Writer<W> {
    pub fn new(to: W, header: Vec<String>) -> Result<Writer<W>> {
        let mut writer = Writer {
            zip: ZipWriter::new_stream(to),
            columns: (0..header.len()).map(column).collect(),
            header: header
                .into_iter()
                .map(|name| Cell::Text(name.into()))
                .collect(),
            sheets: 0,
            rows: 0,
            bytes: 0,
            xml: String::new(),
        };
        writer.begin_sheet()?;
        Ok(writer)
    }

    fn begin(&mut self, part: &str) -> Result<()> {
        let options = FullFileOptions::default().compression_level(Some(QUICK));
        self.zip.start_file(part, options)?;
        self.zip.write_all(DECLARATION.as_bytes())?;
        Ok(())
    }

    fn begin_sheet(&mut self) -> Result<()> {
        self.sheets += 1;
        self.begin(&format!("xl/worksheets/sheet{}.xml", self.sheets))?;
        self.zip.write_all(SHEET_START.as_bytes())?;
        (self.rows, self.bytes) = (0, 0);
        let header = std::mem::take(&mut self.header);
        self.write(&header, HEADER)?;
        self.header = header;
        Ok(())
    }

    pub fn row(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        if self.rows == ROWS || self.bytes > SHEET_BYTES {
            self.zip.write_all(SHEET_END.as_bytes())?;
            self.begin_sheet()?;
        }
        self.write(cells, "")
    }

    fn write(&mut self, cells: &[Cell<'_>], style: &str) -> Result<()> {
        self.rows += 1;
        let row = self.rows.to_string();
        let xml = &mut self.xml;
        xml.clear();
        push_all(xml, &["<row r=\"", &row, "\">"]);
        while self.columns.len() < cells.len() {
            self.columns.push(column(self.columns.len()));
        }
        for (cell, column) in cells.iter().zip(&self.columns) {
            let place = [column, row.as_str()];
            match cell {
                Cell::Empty => {}
                Cell::Text(text) if text.is_empty() => {}
                Cell::Text(text) => push_text(xml, place, style, text),
                Cell::Integer(number) if number.unsigned_abs() > DIGITS => {
                    push_text(xml, place, style, &number.to_string());
                }
                Cell::Integer(number) => push_number(xml, place, style, format_args!("{number}")),
                Cell::Number(number) if !number.is_finite() => {}
                Cell::Number(number) => push_number(xml, place, style, format_args!("{number}")),
                Cell::Boolean(value) => {
                    let value = if *value { "1" } else { "0" };
                    push_cell(xml, place, style);
                    push_all(xml, &[" t=\"b\"><v>", value, "</v></c>"]);
                }
            }
        }
        xml.push_str("</row>");
        self.bytes += xml.len() as u64;
        self.zip.write_all(xml.as_bytes())?;
        Ok(())
    }

    pub fn finish(mut self) -> Result<W> {
        self.zip.write_all(SHEET_END.as_bytes())?;
        self.begin("xl/styles.xml")?;
        self.zip.write_all(STYLES.as_bytes())?;

        let (mut sheets, mut relations, mut types) = (String::new(), String::new(), String::new());
        for sheet in 1..=self.sheets {
            push(
                &mut sheets,
                format_args!(
                    "<sheet name=\"Sheet{sheet}\" sheetId=\"{sheet}\" r:id=\"rId{sheet}\"/>"
                ),
            );
            push(
                &mut relations,
                format_args!(
                    "<Relationship Id=\"rId{sheet}\" Type=\"{KIND}/worksheet\" Target=\"worksheets/sheet{sheet}.xml\"/>"
                ),
            );
            push(
                &mut types,
                format_args!(
                    "<Override PartName=\"/xl/worksheets/sheet{sheet}.xml\" ContentType=\"{MEDIA}.worksheet+xml\"/>"
                ),
            );
        }
        self.begin("xl/workbook.xml")?;
        write!(
            self.zip,
            "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" xmlns:r=\"{KIND}\">\
             <sheets>{sheets}</sheets></workbook>"
        )?;
        self.begin("xl/_rels/workbook.xml.rels")?;
        let styles = self.sheets + 1;
        write!(
            self.zip,
            "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">{relations}\
             <Relationship Id=\"rId{styles}\" Type=\"{KIND}/styles\" Target=\"styles.xml\"/></Relationships>"
        )?;
        self.begin("_rels/.rels")?;
        write!(
            self.zip,
            "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
             <Relationship Id=\"rId1\" Type=\"{KIND}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
        )?;
        self.begin("[Content_Types].xml")?;
        write!(
            self.zip,
            "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
             <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
             <Default Extension=\"xml\" ContentType=\"application/xml\"/>\
             <Override PartName=\"/xl/workbook.xml\" ContentType=\"{MEDIA}.sheet.main+xml\"/>{types}\
             <Override PartName=\"/xl/styles.xml\" ContentType=\"{MEDIA}.styles+xml\"/></Types>"
        )?;
        Ok(self.zip.finish()?.into_inner())
    }
}

fn push(xml: &mut String, text: std::fmt::Arguments<'_>) {
    xml.write_fmt(text).expect("a String takes everything");
}

fn push_all(xml: &mut String, texts: &[&str]) {
    for text in texts {
        xml.push_str(text);
    }
}

/// A cell's beginning. The column and the row are its place.
fn push_cell(xml: &mut String, [column, row]: [&str; 2], style: &str) {
    push_all(xml, &["<c r=\"", column, row, "\"", style]);
}

fn push_number(xml: &mut String, place: [&str; 2], style: &str, number: std::fmt::Arguments<'_>) {
    push_cell(xml, place, style);
    xml.push_str("><v>");
    push(xml, number);
    xml.push_str("</v></c>");
}

fn push_text(xml: &mut String, place: [&str; 2], style: &str, text: &str) {
    let (is_quoted, text) = typed(text);
    push_cell(xml, place, if is_quoted { QUOTED } else { style });
    xml.push_str(" t=\"inlineStr\"><is><t xml:space=\"preserve\">");
    push_escaped(xml, &text);
    xml.push_str("</t></is></c>");
}

/// Markup as entities; what XML cannot hold, and what looks like it, as `_x000D_`.
fn push_escaped(xml: &mut String, text: &str) {
    // Nearly every text is plain; the bytes looked for begin a letter wherever they stand.
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        // The first byte of the two letters that are none.
        if !matches!(byte, b'&' | b'<' | b'>' | b'_' | 0..=0x1f | 0xef) {
            continue;
        }
        let letter = text[at..].chars().next().unwrap_or_default();
        let entity = match letter {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '_' if is_escape(&text[at..]) => "_x005F_",
            '\t' | '\n' | '_' => continue,
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => "",
            _ => continue,
        };
        xml.push_str(&text[plain..at]);
        if entity.is_empty() {
            push(xml, format_args!("_x{:04X}_", u32::from(letter)));
        } else {
            xml.push_str(entity);
        }
        plain = at + letter.len_utf8();
    }
    xml.push_str(&text[plain..]);
}

fn is_escape(text: &str) -> bool {
    match text.as_bytes() {
        [b'_', b'x', digits @ ..] if digits.len() >= 5 => {
            digits[..4].iter().all(u8::is_ascii_hexdigit) && digits[4] == b'_'
        }
        _ => false,
    }
}

/// 0 is A, 26 is AA.
fn column(mut index: usize) -> String {
    let mut name = String::new();
    loop {
        name.insert(0, char::from(b'A' + (index % 26) as u8));
        if index < 26 {
            return name;
        }
        index = index / 26 - 1;
    }
}
