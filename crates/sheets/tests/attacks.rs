//! Files made to be too much, or broken in any way: each is refused soon, and in little memory,
//! which is counted.

mod book;

use book::{Book, SHEET};
use muster_sheets::{Cell, Error, Format, Limits, Writer, read};
use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Cursor;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all is passed on to the system's allocator; what is added is counting.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Relaxed) + layout.size();
        MOST.fetch_max(now, Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What reading gives, how many rows, and how much memory it took beyond the file.
fn tried(file: &[u8], limits: &Limits) -> (Result<u64, String>, usize) {
    let before = NOW.load(Relaxed);
    MOST.store(before, Relaxed);
    let mut rows = 0;
    let result = read(Cursor::new(file), limits, |_| {
        rows += 1;
        ControlFlow::Continue(())
    });
    let most = MOST.load(Relaxed) - before;
    let told = |error: Error| {
        assert!(!matches!(error, Error::Io(_)), "{error:?}");
        error.to_string()
    };
    (result.map(|()| rows).map_err(told), most)
}

const STRINGS: &str = "xl/sharedStrings.xml";
const MIB: usize = 1 << 20;

#[test]
fn a_file_made_to_be_too_much_is_refused_soon_and_in_little_memory() {
    let mut attacks: Vec<(&str, Vec<u8>, &str)> = Vec::new();
    let mut attack = |name, file, told| attacks.push((name, file, told));

    let mut book = Book::new();
    book.repeated(
        SHEET,
        "<worksheet><sheetData><row><c t=\"inlineStr\"><is><t>",
        "a",
        1 << 30,
        "",
    );
    attack(
        "a cell of 1 GiB",
        book.bytes(),
        "The file is too large: it has one piece of too much text.",
    );

    let mut book = Book::new();
    book.repeated(
        SHEET,
        "<worksheet><sheetData>",
        "<row><c><v>1</v></c></row>",
        40_000_000,
        "",
    );
    attack(
        "40 million rows",
        book.bytes(),
        "The file is too large: it has more than 1048576 rows.",
    );

    let mut book = Book::new();
    book.repeated(SHEET, "<worksheet><sheetData>", "<!-- -->", 1 << 27, "");
    attack(
        "1 GiB of nothing",
        book.bytes(),
        "The file is too large: it unpacks to too much.",
    );

    let mut book = Book::new();
    book.repeated(SHEET, "", "<a>", 1 << 26, "");
    attack(
        "a tower",
        book.bytes(),
        "The file is damaged: its parts are nested too deeply.",
    );

    let mut book = Book::new();
    book.repeated(SHEET, "<worksheet", " a=\"\"", 1 << 26, "");
    attack(
        "a tag of 320 MiB",
        book.bytes(),
        "The file is too large: it has one piece of too much text.",
    );

    let mut book = Book::new();
    book.repeated(STRINGS, "<sst>", "<si/>", 50_000_000, "");
    attack(
        "50 million shared texts",
        book.with_sheet(""),
        "The file is too large: it has more than 4000000 shared texts.",
    );

    let mut book = Book::new();
    let text = format!("<si><t>{}</t></si>", "b".repeat(100_000));
    book.repeated(STRINGS, "<sst>", text, 4_000, "");
    attack(
        "400 MB of shared texts",
        book.with_sheet(""),
        "The file is too large: its shared texts hold more than 67108864 bytes.",
    );

    let mut book = Book::new();
    book.part(
        STRINGS,
        format!("<sst><si><t>{}</t></si></sst>", "c".repeat(100_000)),
    );
    book.repeated(
        SHEET,
        "<worksheet><sheetData>",
        "<row><c t=\"s\"><v>0</v></c></row>",
        1_000_000,
        "",
    );
    attack(
        "one text a million times",
        book.bytes(),
        "The file is too large: its cells hold more than 536870912 bytes.",
    );

    let entities =
        "<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>";
    let mut book = Book::new();
    book.part(
        SHEET,
        format!("{entities}<worksheet><sheetData><row><c t=\"str\"><v>&b;</v></c></row>"),
    );
    attack(
        "a billion laughs",
        book.bytes(),
        "The file is damaged: it has a document type.",
    );

    let mut book = Book::new();
    book.part(
        SHEET,
        "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><worksheet/>",
    );
    attack(
        "an entity of another file",
        book.bytes(),
        "The file is damaged: it has a document type.",
    );

    let undeclared = Book::new().with_sheet("<row><c t=\"str\"><v>&x;</v></c></row>");
    attack(
        "an entity nobody knows",
        undeclared,
        "The file is damaged: it uses an entity of its own.",
    );

    let far = Book::new().with_sheet("<row r=\"99999999999\"><c r=\"XFD1\"><v>1</v></c></row>");
    attack(
        "a cell far out",
        far,
        "The file is too large: row 99999999999 has more than 256 columns.",
    );

    let back = Book::new()
        .with_sheet("<row r=\"5\"><c><v>1</v></c></row><row r=\"4\"><c><v>1</v></c></row>");
    attack(
        "rows out of order",
        back,
        "The file is damaged: its rows are out of order.",
    );

    let mut book = Book::new();
    for part in 0..6_000 {
        book.part(&format!("p{part}"), "");
    }
    attack(
        "6 000 parts",
        book.with_sheet(""),
        "The file is too large: it has more than 5000 parts.",
    );

    attack(
        "a line of 100 MB",
        vec![b'x'; 100_000_000],
        "The file is too large: row 1 has more than 1048576 bytes.",
    );
    let mut quoted = b"a,b\n\"".to_vec();
    quoted.extend(b"x,\n".repeat(33_000_000));
    attack(
        "a quote that never ends",
        quoted,
        "The file is too large: row 2 has more than 1048576 bytes.",
    );
    attack(
        "a million columns",
        vec![b','; 1_000_000],
        "The file is too large: row 1 has more than 256 columns.",
    );
    attack(
        "ten million lines",
        b"a,b\n".repeat(10_000_000),
        "The file is too large: it has more than 1048576 rows.",
    );

    for (name, file, told) in attacks {
        let (result, most) = tried(&file, &Limits::default());
        assert_eq!(result, Err(told.to_owned()), "{name}");
        // The shared texts that were allowed, where it has some; a String grows by doubling.
        let allowed = if told.contains("shared") {
            160 * MIB
        } else {
            6 * MIB
        };
        assert!(most < allowed, "{name} took {} KiB", most >> 10);
    }
}

#[test]
fn a_broken_workbook_is_never_more_than_an_error() {
    let seeds: [&[u8]; 2] = [
        include_bytes!("../fixtures/people.xls"),
        include_bytes!("../fixtures/people.xlsx"),
    ];
    // A small generator of numbers, always the same.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    for seed in seeds {
        let mut refused = 0;
        for turn in 0..600 {
            let mut file = seed.to_vec();
            match turn % 3 {
                0 => file.truncate(next(seed.len())),
                // The heads of the compound file, of the sectors' table and of the zip's list.
                1 => {
                    for _ in 0..1 + next(4) {
                        let at = next(1_024.min(file.len()));
                        file[at] = next(256) as u8;
                    }
                }
                _ => {
                    for _ in 0..1 + next(40) {
                        let at = next(file.len());
                        file[at] = next(256) as u8;
                    }
                }
            }
            let (result, most) = tried(&file, &Limits::default());
            refused += usize::from(result.is_err());
            assert!(most < 8 * MIB, "turn {turn} took {} KiB", most >> 10);
        }
        assert!(refused > 200, "only {refused} were found to be broken");
    }
}

#[test]
fn a_chain_of_sectors_that_ends_in_itself_is_refused() {
    let mut file = include_bytes!("../fixtures/people.xls").to_vec();
    // The first entry of the header's list says where the table of sectors is.
    let table = u32::from_le_bytes(file[76..80].try_into().expect("four bytes")) as usize;
    let table = 512 + table * 512;
    for entry in 0..16 {
        file[table + entry * 4..table + entry * 4 + 4]
            .copy_from_slice(&(entry as u32 / 2).to_le_bytes());
    }
    let (result, most) = tried(&file, &Limits::default());
    assert!(
        result
            .expect_err("refused")
            .starts_with("The file is damaged: ")
    );
    assert!(most < 2 * MIB);
}

#[test]
fn writing_takes_the_same_memory_however_much_is_written() {
    for format in [Format::Csv, Format::Text, Format::Xlsx] {
        let row: Vec<Cell<'_>> = (0..20)
            .map(|column| Cell::Text(format!("=a text of some length, {column}").into()))
            .collect();
        let before = NOW.load(Relaxed);
        let mut writer = Writer::new(format, std::io::sink(), ["a", "b"]).expect("begun");
        let mut most = Vec::new();
        for _ in 0..2 {
            MOST.store(before, Relaxed);
            for _ in 0..20_000 {
                writer.row(&row).expect("written");
            }
            most.push(MOST.load(Relaxed) - before);
        }
        writer.finish().expect("finished");
        assert!(most[1] < most[0] + 1024, "{format:?} grew: {most:?}");
        assert!(most[1] < MIB, "{format:?} took {} KiB", most[1] >> 10);
    }
}
