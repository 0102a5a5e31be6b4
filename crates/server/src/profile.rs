//! EasyTimePro or BioTime: every difference between the two that is not a resource's own answer.

use std::fmt;
use std::str::FromStr;

/// Whose API a caller expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    EasyTimePro,
    BioTime,
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Profile::EasyTimePro => "easytimepro",
            Profile::BioTime => "biotime",
        })
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Profile, String> {
        match text {
            "easytimepro" => Ok(Profile::EasyTimePro),
            "biotime" => Ok(Profile::BioTime),
            _ => Err(format!("{text:?} is neither easytimepro nor biotime")),
        }
    }
}
