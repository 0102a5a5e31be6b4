//! What terminals are answered. Only 200 counts as success for them, and `OK` makes them forget
//! what they sent: everything else is a refusal they repeat later.

use crate::language::Sentence;
use bytes::Bytes;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub body: Bytes,
    /// End the connection, whatever the terminal asked for.
    pub close: bool,
    /// What people are told of it, when the status does not say it all. Never sent.
    pub note: Option<Sentence>,
}

impl Reply {
    pub fn ok(body: impl Into<Bytes>) -> Reply {
        Reply {
            status: 200,
            body: body.into(),
            close: false,
            note: None,
        }
    }

    /// Nothing is kept and nothing is promised; the terminal keeps its rows.
    pub fn refused(status: u16, reason: &'static str) -> Reply {
        Reply {
            status,
            body: Bytes::from_static(reason.as_bytes()),
            close: status != 403 && status != 404,
            note: None,
        }
    }

    pub fn noting(self, note: Sentence) -> Reply {
        Reply {
            note: Some(note),
            ..self
        }
    }

    pub fn closing(self) -> Reply {
        Reply {
            close: true,
            ..self
        }
    }
}

/// Not in the list, or not authorised. Any 200 here would make firmware forget its punches.
pub fn unknown_device() -> Reply {
    Reply::refused(403, "ERROR: UNKNOWN DEVICE")
}

/// The path is nobody's. A 200 would make some firmware think that set-up is done.
pub fn not_found() -> Reply {
    Reply::refused(404, "ERROR: NOT FOUND")
}

pub fn no_serial_number() -> Reply {
    Reply::refused(400, "ERROR: NO SN")
}

pub fn bad_serial_number() -> Reply {
    Reply::refused(400, "ERROR: BAD SN")
}

/// Try again later: the disk or the database does not answer, or too much waits for it.
pub fn unavailable() -> Reply {
    Reply::refused(503, "ERROR: TRY LATER")
}
