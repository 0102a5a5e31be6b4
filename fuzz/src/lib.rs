//! What the targets of tables share.

use muster_sheets::{Cell, Error, Format, Limits, Row, Writer, read};
use std::io::Cursor;
use std::ops::ControlFlow;

/// Small, so that a short file reaches them.
const LIMITS: Limits = Limits {
    rows: 100,
    columns: 20,
    cell_bytes: 256,
    row_bytes: 1 << 10,
    total_bytes: 1 << 20,
    shared_bytes: 16 << 10,
};

fn rows(file: &[u8], limits: &Limits) -> (Result<(), Error>, Vec<Row>) {
    let mut rows = Vec::new();
    let result = read(Cursor::new(file), limits, |row| {
        rows.push(row);
        ControlFlow::Continue(())
    });
    (result, rows)
}

/// Reads a file as an import does: what it gives keeps to the limits and to the file's order, and
/// comes back as it was when it is written.
pub fn table(file: &[u8]) {
    let (result, read) = rows(file, &LIMITS);
    if let Err(Error::Io(error)) = result {
        panic!("memory can be read: {error}");
    }
    assert!(read.len() as u64 <= LIMITS.rows);
    assert!(read.is_sorted_by(|one, next| one.number < next.number));
    for Row { cells, .. } in &read {
        assert!(cells.len() <= LIMITS.columns);
        assert!(cells.iter().all(|cell| cell.len() <= LIMITS.cell_bytes));
        assert!(cells.iter().map(String::len).sum::<usize>() <= LIMITS.row_bytes);
        assert!(cells.last().is_some_and(|last| !last.is_empty()));
    }
    for format in [Format::Csv, Format::Text, Format::Xlsx] {
        let header = (0..LIMITS.columns).map(|number| number.to_string());
        let mut writer = Writer::new(format, Vec::new(), header).expect("begun");
        for row in &read {
            let cells: Vec<Cell> = row
                .cells
                .iter()
                .map(|cell| Cell::Text(cell.into()))
                .collect();
            writer.row(&cells).expect("written");
        }
        let file = writer.finish().expect("finished");
        let (result, again) = rows(&file, &Limits::default());
        result.expect("its own files are good");
        let cells = |rows: &[Row]| -> Vec<Vec<String>> {
            rows.iter().map(|row| row.cells.clone()).collect()
        };
        assert_eq!(cells(&again[1..]), cells(&read), "{format:?}");
    }
}
