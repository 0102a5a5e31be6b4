//! Why a file is no table we take. The texts are for whoever sent it.

use std::fmt;
use std::io;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug)]
pub enum Error {
    /// It holds no row at all.
    Empty,
    /// Another kind of file.
    Unknown,
    /// A workbook that opens with a password only.
    Protected,
    /// The binary format of before 1997.
    TooOld,
    /// A text of another encoding, first seen on that line.
    NotUtf8 {
        line: u64,
    },
    /// It breaks its own format.
    Damaged(String),
    /// It is beyond a limit.
    TooLarge(String),
    Io(io::Error),
}

impl Error {
    pub(crate) fn damaged(what: impl fmt::Display) -> Error {
        Error::Damaged(what.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Empty => f.write_str("The file is empty."),
            Error::Unknown => {
                f.write_str("The file is neither csv, tab separated text, xls nor xlsx.")
            }
            Error::Protected => f.write_str("The file is protected by a password."),
            Error::TooOld => {
                f.write_str("The file was written by a program of before 1997. Save it as xlsx.")
            }
            Error::NotUtf8 { line } => {
                write!(f, "Line {line} is not UTF-8. Save the file as UTF-8 text.")
            }
            Error::Damaged(what) => write!(f, "The file is damaged: {what}."),
            Error::TooLarge(what) => write!(f, "The file is too large: {what}."),
            Error::Io(error) => write!(f, "The file cannot be read: {error}."),
        }
    }
}

impl std::error::Error for Error {}

/// What a reader says through an `io::Error` comes out as it was said.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        if error.get_ref().is_some_and(|cause| cause.is::<Error>()) {
            match error.into_inner().map(|cause| cause.downcast::<Error>()) {
                Some(Ok(said)) => *said,
                _ => Error::Unknown,
            }
        } else {
            match error.kind() {
                io::ErrorKind::UnexpectedEof => Error::damaged("it ends too early"),
                io::ErrorKind::InvalidData
                | io::ErrorKind::InvalidInput
                | io::ErrorKind::Unsupported => Error::damaged(error),
                _ => Error::Io(error),
            }
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        match error {
            Error::Io(error) => error,
            error => io::Error::other(error),
        }
    }
}

impl From<zip::result::ZipError> for Error {
    fn from(error: zip::result::ZipError) -> Error {
        match error {
            zip::result::ZipError::Io(error) => error.into(),
            error => Error::damaged(error),
        }
    }
}

impl From<quick_xml::Error> for Error {
    fn from(error: quick_xml::Error) -> Error {
        match error {
            quick_xml::Error::Io(error) => match std::sync::Arc::try_unwrap(error) {
                Ok(error) => error.into(),
                Err(error) => Error::damaged(error),
            },
            error => Error::damaged(error),
        }
    }
}
