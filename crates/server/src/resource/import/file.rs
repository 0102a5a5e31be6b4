//! The file of an import, read row by row on a thread of its own, and why one cannot be read.

use crate::appendix;
use crate::error::{Error, Problem, Result};
use crate::resource::named::AT_ONCE;
use muster_sheets::{Limits, Row};
use std::io::{Read, Seek};
use std::ops::ControlFlow;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

/// More rows are refused: all of them wait in memory until the last one is found good.
const MOST_ROWS: u64 = 100_000;

/// Reads on a thread of its own, a few rows ahead.
pub(super) fn read(
    file: impl Read + Seek + Send + 'static,
) -> (
    mpsc::Receiver<Vec<Row>>,
    JoinHandle<muster_sheets::Result<()>>,
) {
    let (to, rows) = mpsc::channel(2);
    let reading = spawn_blocking(move || {
        let limits = Limits {
            // And the names.
            rows: MOST_ROWS + 1,
            ..Limits::default()
        };
        let mut batch = Vec::with_capacity(AT_ONCE);
        muster_sheets::read(file, &limits, |row| {
            batch.push(row);
            if batch.len() < AT_ONCE || to.blocking_send(std::mem::take(&mut batch)).is_ok() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        // Whoever does not want it any more has said why.
        let _ = to.blocking_send(batch);
        Ok(())
    });
    (rows, reading)
}

pub(super) async fn finished(reading: JoinHandle<muster_sheets::Result<()>>) -> Result<()> {
    match reading.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(muster_sheets::Error::Io(error))) => Err(Error::Internal(error.into())),
        Ok(Err(error)) => {
            let code = match error {
                // Its kind is known, there is only nothing in it, or too much.
                muster_sheets::Error::Empty | muster_sheets::Error::TooLarge(_) => {
                    appendix::PROGRAM_ERROR
                }
                _ => appendix::UNSUPPORTED_FORMAT,
            };
            let problem = Problem::new("import_file", unreadable(&error));
            Err(Error::Invalid(vec![problem.coded(code)]))
        }
        Err(error) => Err(Error::Internal(error.into())),
    }
}

/// Why a file is no table, for whoever sent it.
fn unreadable(error: &muster_sheets::Error) -> String {
    use muster_sheets::Error as Sheet;
    match error {
        Sheet::Empty => t!("The file is empty.").into(),
        Sheet::Unknown => t!("The file is neither csv, tab separated text, xls nor xlsx.").into(),
        Sheet::Protected => t!("The file is protected by a password.").into(),
        Sheet::TooOld => {
            t!("The file was written by a program of before 1997. Save it as xlsx.").into()
        }
        Sheet::NotUtf8 { line } => t!(
            "Line {line} is not UTF-8. Save the file as UTF-8 text.",
            line = line
        ),
        Sheet::Damaged(what) => t!("The file is damaged: {what}.", what = what),
        Sheet::TooLarge(what) => t!("The file is too large: {what}.", what = what),
        Sheet::Io(error) => t!("The file cannot be read: {reason}.", reason = error),
    }
}
