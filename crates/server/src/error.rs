//! Why a request is refused. A variant exists only where a caller can act on it; each door turns
//! it into its own kind of answer.

use std::fmt;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What is wrong with a field; `field` empty: with the request as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub field: String,
    pub message: String,
    /// The number of the EasyTimePro appendix, −1 where none fits.
    pub code: i32,
}

impl Problem {
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem {
            field: field.into(),
            message: message.into(),
            code: -1,
        }
    }

    pub fn coded(self, code: i32) -> Problem {
        Problem { code, ..self }
    }
}

/// What is wrong with a row of a file; its number is its line's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    pub row: u64,
    pub problem: Problem,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { field, message, .. } = &self.problem;
        if field.is_empty() {
            write!(f, "row {}: {message}", self.row)
        } else {
            write!(f, "row {}: {field}: {message}", self.row)
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No or bad credentials, with the text and the code the caller's library expects.
    #[error("not authenticated: {0:?}")]
    Unauthenticated(Unauthenticated),
    #[error("not allowed")]
    Forbidden,
    #[error("not found")]
    NotFound,
    /// The row a path names is not there; with the appendix's number for its kind.
    #[error("no such row")]
    NoSuch { code: i32 },
    /// The page asked for is beyond the end.
    #[error("no such page")]
    InvalidPage,
    /// `pageNo` and `pageSize`, which are checked, with the appendix's number.
    #[error("bad paging: {code}")]
    BadPaging { code: i32 },
    /// One or several fields, each with its reason.
    #[error("invalid: {}", Problems(.0))]
    Invalid(Vec<Problem>),
    /// Rows of a file, none of which was taken: every one that is bad, in the file's order.
    #[error("bad rows: {}", .0.first().map(BadRow::to_string).unwrap_or_default())]
    BadRows(Vec<BadRow>),
    /// The request as a whole, with a text and the appendix's number.
    #[error("refused: {detail}")]
    Refused { code: i32, detail: String },
    #[error("method {method:?} not allowed")]
    MethodNotAllowed { method: String, allow: String },
    #[error("no answer of the wanted media type")]
    NotAcceptable,
    #[error("too large")]
    TooLarge,
    #[error("unsupported media type {0:?}")]
    UnsupportedMediaType(String),
    /// The body did not arrive in time.
    #[error("the request took too long")]
    TooSlow,
    #[error("too many requests")]
    TooMany { retry_after_s: u64 },
    /// Nothing is wrong with the request: try again later.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// Our fault. The cause is logged with the request's id, never sent.
    #[error("internal: {0:#}")]
    Internal(anyhow::Error),
}

/// Why a credential is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unauthenticated {
    Missing,
    InvalidToken,
    EmptyHeader,
    SpacesInToken,
    /// HTTP Basic with a wrong name or password.
    InvalidBasic,
    AccessTokenInvalid,
    AccessTokenOfWrongType,
    RefreshTokenInvalid,
    RefreshTokenOfWrongType,
    SignatureExpired,
    UndecodableToken,
    NoActiveAccount,
}

struct Problems<'a>(&'a [Problem]);

impl fmt::Display for Problems<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{}: {}", problem.field, problem.message)?;
        }
        Ok(())
    }
}

impl Error {
    /// A request refused as a whole, for a reason outside the appendix.
    pub fn refused(detail: impl Into<String>) -> Error {
        Error::Refused {
            code: -1,
            detail: detail.into(),
        }
    }

    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Error {
        Error::Invalid(vec![Problem::new(field, message)])
    }
}

impl From<muster_store::Error> for Error {
    fn from(error: muster_store::Error) -> Self {
        if error.is_unavailable() {
            Error::Unavailable(error.to_string())
        } else if error.is_reference() {
            // What was checked a moment ago has changed: nothing was done, and may be tried again.
            Error::refused(t!(
                "Something this names was removed or put to use meanwhile."
            ))
        } else {
            Error::Internal(error.into())
        }
    }
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        Error::Internal(error)
    }
}
