//! EasyTimePro or BioTime: every difference between the two that is not a resource's own answer.

use http::StatusCode;
use serde_json::{Value, json};
use std::fmt;
use std::str::FromStr;

/// Whose API a caller expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    EasyTimePro,
    BioTime,
}

impl Profile {
    /// What a text may name, in the order in which it is tried: EasyTimePro addresses things by
    /// code, BioTime by id; each takes the other when that finds nothing.
    pub fn tried<T>(self, by_code: Option<T>, by_id: Option<T>) -> impl Iterator<Item = T> {
        match self {
            Profile::EasyTimePro => [by_code, by_id],
            Profile::BioTime => [by_id, by_code],
        }
        .into_iter()
        .flatten()
    }

    /// What is said of a relation to something that is not there.
    pub fn no_such(self, code: &str, text: &str) -> String {
        match self {
            Profile::EasyTimePro => t!(
                "Object with {code}={text} does not exist.",
                code = code,
                text = text
            ),
            Profile::BioTime if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                t!(
                    "Invalid pk \"{value}\" - object does not exist.",
                    value = text
                )
            }
            Profile::BioTime => self.wrong_type("str"),
        }
    }

    /// What is said of a relation that is neither code nor id.
    pub fn wrong_type(self, python_type: &str) -> String {
        match self {
            Profile::EasyTimePro => t!("Invalid value.").into(),
            Profile::BioTime => {
                t!(
                    "Incorrect type. Expected pk value, received {kind}.",
                    kind = python_type
                )
            }
        }
    }

    /// A person's id: digits in a text, or a number.
    pub fn person_id(self, id: i64) -> Value {
        match self {
            Profile::EasyTimePro => id.to_string().into(),
            Profile::BioTime => id.into(),
        }
    }

    /// The answer to a removal; without a body in BioTime.
    pub fn removed(self) -> (StatusCode, Option<Value>) {
        match self {
            Profile::EasyTimePro => (StatusCode::OK, Some(json!({ "message": "deleted" }))),
            Profile::BioTime => (StatusCode::NO_CONTENT, None),
        }
    }

    /// The answer to a bulk action, which repeats what it was given.
    pub fn acted(self, action: &str, given: &[Value]) -> Value {
        match self {
            Profile::EasyTimePro => {
                let given: Vec<String> = given.iter().map(python_literal).collect();
                json!({ "detail": format!("Success. {action}:[{}]", given.join(", ")) })
            }
            Profile::BioTime => json!({ "code": 0, "msg": "", "data": [] }),
        }
    }

    /// The answer to something done with several rows that does not repeat them.
    pub fn done(self) -> Value {
        match self {
            Profile::EasyTimePro => json!({ "detail": "Success." }),
            Profile::BioTime => json!({ "code": 0, "msg": "", "data": [] }),
        }
    }

    /// The answer to a terminal's log that was taken in; its counters come behind it. The manual has a
    /// blank there.
    pub fn uploaded(self) -> Value {
        match self {
            Profile::EasyTimePro => json!({ "detail": "Success. " }),
            Profile::BioTime => self.done(),
        }
    }

    /// A resignation's `disableatt`: a boolean, or a number.
    pub fn flag(self, flag: bool) -> Value {
        match self {
            Profile::EasyTimePro => flag.into(),
            Profile::BioTime => u8::from(flag).into(),
        }
    }

    /// The answer to a command that was queued.
    pub fn queued(self) -> Value {
        match self {
            Profile::EasyTimePro => json!({ "status": "Success" }),
            Profile::BioTime => json!({ "code": 0, "msg": "", "data": [] }),
        }
    }

    /// Whether refusals carry the appendix's number, its meaning and an empty `data`.
    pub fn numbers_refusals(self) -> bool {
        self == Profile::EasyTimePro
    }

    /// Whether a period that ends before it begins is refused; else it is just empty.
    pub fn refuses_reversed_periods(self) -> bool {
        self == Profile::EasyTimePro
    }

    /// How transactions, logs and private messages are ordered unless told.
    pub fn order_of_events(self) -> &'static str {
        match self {
            Profile::EasyTimePro => "-id",
            Profile::BioTime => "id",
        }
    }
}

/// As the original prints the items of a list: numbers bare, texts in single quotes.
fn python_literal(value: &Value) -> String {
    match value.as_str() {
        None => value.to_string(),
        Some(text) if text.contains('\'') && !text.contains('"') => format!("\"{text}\""),
        Some(text) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
    }
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
