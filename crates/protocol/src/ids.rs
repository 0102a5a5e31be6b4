//! Names of things on the wire that are checked before they are used as keys.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A terminal's serial number: 1 to 32 of `[A-Za-z0-9_-]`, case kept. It is a terminal's only identity on the wire.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SerialNumber(String);

/// Why a text is no serial number. The text itself is not repeated: it may be of any size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSerialNumber {
    #[error("a serial number must not be empty")]
    Empty,
    #[error("a serial number has at most 32 characters, not {0}")]
    TooLong(usize),
    #[error("a serial number consists of letters, digits, `_` and `-`, not {0:?}")]
    Character(char),
}

impl SerialNumber {
    pub const MAX_LENGTH: usize = 32;

    pub fn parse(text: &str) -> Result<SerialNumber, BadSerialNumber> {
        if text.is_empty() {
            return Err(BadSerialNumber::Empty);
        }
        if text.len() > Self::MAX_LENGTH {
            return Err(BadSerialNumber::TooLong(text.chars().count()));
        }
        match text
            .chars()
            .find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))
        {
            Some(c) => Err(BadSerialNumber::Character(c)),
            None => Ok(SerialNumber(text.to_owned())),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SerialNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl FromStr for SerialNumber {
    type Err = BadSerialNumber;

    fn from_str(text: &str) -> Result<SerialNumber, BadSerialNumber> {
        SerialNumber::parse(text)
    }
}

impl TryFrom<String> for SerialNumber {
    type Error = BadSerialNumber;

    fn try_from(text: String) -> Result<SerialNumber, BadSerialNumber> {
        SerialNumber::parse(&text)
    }
}

impl From<SerialNumber> for String {
    fn from(serial_number: SerialNumber) -> String {
        serial_number.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_one_to_32_plain_characters() {
        assert_eq!(
            SerialNumber::parse("DEMO-01").map(String::from),
            Ok("DEMO-01".to_owned())
        );
        assert_eq!(SerialNumber::parse(""), Err(BadSerialNumber::Empty));
        assert_eq!(
            SerialNumber::parse("../etc"),
            Err(BadSerialNumber::Character('.'))
        );
        assert_eq!(
            SerialNumber::parse(&"7".repeat(10_000)),
            Err(BadSerialNumber::TooLong(10_000))
        );
        assert!(SerialNumber::parse(&"7".repeat(32)).is_ok());
        assert_eq!(
            SerialNumber::parse("é"),
            Err(BadSerialNumber::Character('é'))
        );
    }
}
