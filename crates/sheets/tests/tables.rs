//! Tables of all kinds, read and written.

use calamine::{Data, Reader as _};
use muster_sheets::{Cell, Error, Format, Limits, Row, Writer, read};
use proptest::prelude::*;
use std::io::Cursor;
use std::ops::ControlFlow;

fn rows(bytes: &[u8]) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    read(Cursor::new(bytes), &Limits::default(), |row| {
        rows.push(row);
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

fn numbered(rows: &[Row]) -> Vec<(u64, Vec<&str>)> {
    rows.iter()
        .map(|row| (row.number, row.cells.iter().map(String::as_str).collect()))
        .collect()
}

fn write(format: Format, header: &[&str], table: &[Vec<Cell<'_>>]) -> Vec<u8> {
    let mut writer = Writer::new(format, Vec::new(), header).expect("begun");
    for cells in table {
        writer.row(cells).expect("written");
    }
    writer.finish().expect("finished")
}

#[test]
fn xls_and_xlsx_of_other_programs_are_read_alike() {
    let xls = rows(include_bytes!("../fixtures/people.xls")).expect("good");
    let xlsx = rows(include_bytes!("../fixtures/people.xlsx")).expect("good");
    assert_eq!(xls, xlsx);
    let long = format!("{}{}", "x".repeat(9000), "ж".repeat(2000));
    let rows: Vec<String> = (41..44).map(|n| "ж".repeat(3000 + n)).collect();
    assert_eq!(
        numbered(&xlsx),
        [
            (
                1,
                vec![
                    "emp_code",
                    "first_name",
                    "hire_date",
                    "enable_att",
                    "verify_mode",
                    "note"
                ]
            ),
            (
                2,
                vec![
                    "0007",
                    "Ásha <&> _x000D_",
                    "2025-06-18",
                    "true",
                    "-1",
                    "36.5"
                ]
            ),
            (
                3,
                vec![
                    "1582301128473",
                    "Müller 李",
                    "1999-12-31",
                    "false",
                    "1",
                    "line one\nline two"
                ]
            ),
            (
                5,
                vec!["A-12", "", "", "", "1000000", "2025-06-18 09:30:15"]
            ),
            (41, vec!["far", "", "", "", "", &long]),
            (42, vec!["c41", "", "", "", "", &rows[0]]),
            (43, vec!["c42", "", "", "", "", &rows[1]]),
            (44, vec!["c43", "", "", "", "", &rows[2]]),
        ]
    );
}

#[test]
fn a_workbook_of_the_other_library_is_read() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    let day = rust_xlsxwriter::Format::new().set_num_format("dd/mm/yy");
    let bold = rust_xlsxwriter::Format::new().set_bold();
    let plain = rust_xlsxwriter::Format::new();
    sheet.write_string(0, 0, "emp_code").expect("written");
    sheet
        .write_rich_string(0, 1, &[(&bold, "first"), (&plain, "_name")])
        .expect("written");
    sheet.write_number(1, 0, 7.0).expect("written");
    sheet
        .write_number_with_format(1, 1, 45_826.0, &day)
        .expect("written");
    let formula = rust_xlsxwriter::Formula::new("=1+1").set_result("2");
    sheet.write_formula(1, 2, formula).expect("written");
    let bytes = book.save_to_buffer().expect("saved");
    assert_eq!(
        numbered(&rows(&bytes).expect("good")),
        [
            (1, vec!["emp_code", "first_name"]),
            (2, vec!["7", "2025-06-18", "2"])
        ]
    );
}

#[test]
fn a_cell_that_is_filled_up_with_nuls_has_none() {
    let table = [vec![
        Cell::Text("Asha\0\0".into()),
        Cell::Text("\0".into()),
        Cell::Text("7".into()),
    ]];
    let file = write(
        Format::Xlsx,
        &["first_name", "last_name", "emp_code"],
        &table,
    );
    assert_eq!(
        numbered(&rows(&file).expect("good"))[1..],
        [(2, vec!["Asha", "", "7"])]
    );
}

#[test]
fn text_is_read_whatever_separates_and_encodes_it() {
    let plain = "code;name\r\n7;\"Rao; \"\"A\"\"\nB\"\r\n\r\n;\r\n8;'=1\r\n";
    let utf16 = |text: &str, big: bool| {
        let mut bytes = if big {
            vec![0xfe, 0xff]
        } else {
            vec![0xff, 0xfe]
        };
        for unit in text.encode_utf16() {
            bytes.extend(if big {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            });
        }
        bytes
    };
    let files = [
        plain.as_bytes().to_vec(),
        format!("\u{feff}{plain}").into_bytes(),
        utf16(plain, false),
        utf16(plain, true),
        plain
            .replace("7;", "7\t")
            .replace("8;", "8\t")
            .replace("code;", "code\t")
            .replace("\n;", "\n\t")
            .into_bytes(),
        plain.replace("\r\n", "\n").into_bytes(),
        plain.replace("\r\n", "\r").into_bytes(),
    ];
    for (which, file) in files.into_iter().enumerate() {
        assert_eq!(
            numbered(&rows(&file).expect("good")),
            [
                (1, vec!["code", "name"]),
                // It begins on the second line and ends on the third; two empty ones follow.
                (2, vec!["7", "Rao; \"A\"\nB"]),
                (6, vec!["8", "=1"]),
            ],
            "file {which}"
        );
    }
    let said = rows(b"sep=|\r\na|b\r\n1|2\r\n").expect("good");
    assert_eq!(numbered(&said), [(2, vec!["a", "b"]), (3, vec!["1", "2"])]);
}

#[test]
fn what_is_no_table_is_told_by_its_reason() {
    let told = |bytes: &[u8]| rows(bytes).expect_err("refused").to_string();
    for (bytes, text) in [
        (&b""[..], "The file is empty."),
        (b"\r\n\r\n", "The file is empty."),
        (b",,\n,,\n", "The file is empty."),
        (
            b"%PDF-1.7",
            "The file is neither csv, tab separated text, xls nor xlsx.",
        ),
        (
            b"<html><table>",
            "The file is neither csv, tab separated text, xls nor xlsx.",
        ),
        (
            b"a\0b",
            "The file is neither csv, tab separated text, xls nor xlsx.",
        ),
        (
            b"a,b\n1,M\xfcller\n",
            "Line 2 is not UTF-8. Save the file as UTF-8 text.",
        ),
        (b"PK\x03\x04 and no more", "The file is damaged: "),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and no more",
            "The file is damaged: ",
        ),
    ] {
        assert!(told(bytes).starts_with(text), "{}", told(bytes));
    }
}

#[test]
fn reading_ends_when_enough_was_read() {
    let mut seen = 0;
    let file = write(Format::Csv, &["a"], &vec![vec![Cell::Integer(1)]; 10]);
    read(Cursor::new(file), &Limits::default(), |_| {
        seen += 1;
        if seen == 3 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
    .expect("no error");
    assert_eq!(seen, 3);
}

#[test]
fn csv_is_written_as_spreadsheet_programs_take_it() {
    let table = [vec![
        Cell::Text("=cmd|'/c calc'!A0".into()),
        Cell::Integer(-1),
        Cell::Boolean(true),
        Cell::Empty,
        Cell::Text("a,\"b\"".into()),
    ]];
    let header = ["a", "b", "c", "d", "e"];
    assert_eq!(
        String::from_utf8(write(Format::Csv, &header, &table)).expect("UTF-8"),
        "\u{feff}a,b,c,d,e\r\n'=cmd|'/c calc'!A0,-1,true,,\"a,\"\"b\"\"\"\r\n"
    );
    assert_eq!(
        String::from_utf8(write(Format::Text, &header, &table)).expect("UTF-8"),
        "a\tb\tc\td\te\r\n'=cmd|'/c calc'!A0\t-1\ttrue\t\t\"a,\"\"b\"\"\"\r\n"
    );
}

/// What a cell is when it is read.
fn spelled(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => text.to_string(),
        Cell::Integer(number) => number.to_string(),
        Cell::Number(number) => number.to_string(),
        Cell::Boolean(value) => value.to_string(),
    }
}

fn cells() -> impl Strategy<Value = Cell<'static>> {
    prop_oneof![
        Just(Cell::Empty),
        // No text has a NUL: that is how other files are known.
        any::<String>().prop_map(|text| Cell::Text(text.replace('\0', "").into())),
        "['=+@\t\r\n-]{0,3}[a-z,;\"_x0-9A-F]{0,9}".prop_map(|text| Cell::Text(text.into())),
        "(_x[0-9A-Fa-f]{4}_|[_x<>&\u{1}-\u{1f}\u{fffe}\u{feff}]){0,4}"
            .prop_map(|text| Cell::Text(text.into())),
        any::<i64>().prop_map(Cell::Integer),
        any::<i32>().prop_map(|number| Cell::Number(f64::from(number) / 64.0)),
        any::<bool>().prop_map(Cell::Boolean),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back_as_it_was(
        table in prop::collection::vec(prop::collection::vec(cells(), 1..6), 0..8)
    ) {
        for format in [Format::Csv, Format::Text, Format::Xlsx] {
            let file = write(format, &["one", "two", "three", "four", "five"], &table);
            let read: Vec<Vec<String>> = rows(&file)
                .expect("good")
                .into_iter()
                .skip(1)
                .map(|row| row.cells)
                .collect();
            let mut wanted: Vec<Vec<String>> = Vec::new();
            for cells in &table {
                let mut texts: Vec<String> = cells.iter().map(spelled).collect();
                while texts.last().is_some_and(String::is_empty) {
                    texts.pop();
                }
                if !texts.is_empty() {
                    wanted.push(texts);
                }
            }
            prop_assert_eq!(&read, &wanted, "{:?}", format);
        }
    }

    #[test]
    fn another_library_reads_our_workbooks(
        texts in prop::collection::vec("[=+@'-]?[a-zäж<>&\"]{1,12}", 1..6)
    ) {
        let table = [texts.iter().map(|text| Cell::Text(text.into())).collect::<Vec<_>>()];
        let header: Vec<String> = (0..texts.len()).map(|n| format!("h{n}")).collect();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let file = write(Format::Xlsx, &header, &table);
        let mut book = calamine::Xlsx::new(Cursor::new(file)).expect("a workbook");
        let range = book.worksheet_range("Sheet1").expect("a sheet");
        let row: Vec<Data> = range.rows().nth(1).expect("a row").to_vec();
        let wanted: Vec<Data> = texts
            .into_iter()
            .map(|text| {
                let is_quoted = text.starts_with("'=") || text.starts_with("'+")
                    || text.starts_with("'-") || text.starts_with("'@");
                Data::String(if is_quoted { format!("'{text}") } else { text })
            })
            .collect();
        prop_assert_eq!(row, wanted);
    }
}

#[test]
fn a_sheet_that_is_full_is_followed_by_another() {
    let mut writer = Writer::new(Format::Xlsx, std::io::sink(), ["n"]).expect("begun");
    for number in 0..1_100_000 {
        writer.row(&[Cell::Integer(number)]).expect("written");
    }
    writer.finish().expect("finished");
}
