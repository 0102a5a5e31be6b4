//! Workbooks made part by part, as no program writes them.

use std::io::{Cursor, Write};
use zip::write::{FullFileOptions, ZipWriter};

pub const SHEET: &str = "xl/worksheets/sheet1.xml";
const RELATION: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// A workbook of one sheet and what else is given: name of the part, and how it is written.
pub struct Book(ZipWriter<Cursor<Vec<u8>>>);

impl Book {
    pub fn new() -> Book {
        let mut book = Book(ZipWriter::new(Cursor::new(Vec::new())));
        book.part(
            "xl/workbook.xml",
            format!("<workbook xmlns:r=\"{RELATION}\"><sheets><sheet name=\"a\" r:id=\"rId1\"/></sheets></workbook>"),
        );
        book.part(
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships><Relationship Id=\"rId1\" Type=\"{RELATION}/worksheet\" Target=\"worksheets/sheet1.xml\"/>\
                 <Relationship Id=\"rId2\" Type=\"{RELATION}/sharedStrings\" Target=\"/xl/sharedStrings.xml\"/></Relationships>"
            ),
        );
        book
    }

    pub fn part(&mut self, name: &str, text: impl AsRef<[u8]>) {
        self.repeated(name, "", text, 1, "");
    }

    pub fn repeated(
        &mut self,
        name: &str,
        start: &str,
        text: impl AsRef<[u8]>,
        times: usize,
        end: &str,
    ) {
        self.0
            .start_file(name, FullFileOptions::default())
            .expect("begun");
        let chunk = text
            .as_ref()
            .repeat((1 << 16) / text.as_ref().len().max(1) + 1);
        let whole = (1 << 16) / text.as_ref().len().max(1) + 1;
        self.0.write_all(start.as_bytes()).expect("written");
        for _ in 0..times / whole {
            self.0.write_all(&chunk).expect("written");
        }
        for _ in 0..times % whole {
            self.0.write_all(text.as_ref()).expect("written");
        }
        self.0.write_all(end.as_bytes()).expect("written");
    }

    pub fn with_sheet(mut self, rows: &str) -> Vec<u8> {
        self.part(
            "xl/worksheets/sheet1.xml",
            format!("<worksheet><sheetData>{rows}</sheetData></worksheet>"),
        );
        self.bytes()
    }

    pub fn bytes(self) -> Vec<u8> {
        self.0.finish().expect("finished").into_inner()
    }
}
