//! JSON as callers send it: what could be read in two ways is refused, and a number keeps its digits.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// Well-formed JSON with those whole numbers in quotes that are too long to be read as numbers: a code
/// or a card keeps its digits. `None`: it has no such number.
pub(super) fn long_numbers_as_texts(json: &[u8]) -> Option<Vec<u8>> {
    let mut rewritten = Vec::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        let begin = at;
        at += match byte {
            b'"' => length_of_text(&json[begin..]),
            b'-' | b'0'..=b'9' => json[begin..]
                .iter()
                .take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte))
                .count(),
            _ => 1,
        };
        if is_long_number(&json[begin..at]) {
            rewritten.extend_from_slice(&json[copied..begin]);
            rewritten.push(b'"');
            rewritten.extend_from_slice(&json[begin..at]);
            rewritten.push(b'"');
            copied = at;
        }
    }
    (copied > 0).then(|| {
        rewritten.extend_from_slice(&json[copied..]);
        rewritten
    })
}

/// How long a text is that the JSON begins with, its quotes included.
fn length_of_text(json: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = json.get(at) {
        at += if *byte == b'\\' { 2 } else { 1 };
        if *byte == b'"' {
            break;
        }
    }
    at
}

/// Whether it is a whole number, and longer than a number is.
fn is_long_number(token: &[u8]) -> bool {
    let digits = token.strip_prefix(b"-").unwrap_or(token);
    let is_whole = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let is_held = std::str::from_utf8(token)
        .is_ok_and(|text| text.parse::<u64>().is_ok() || text.parse::<i64>().is_ok());
    is_whole && !is_held
}

/// JSON in which no object says the same key twice.
pub(super) struct Strict(pub(super) Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Strict, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any JSON value")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
                Number::from_f64(value)
                    .map(Value::Number)
                    .ok_or_else(|| E::custom("a number that is none"))
            }

            fn visit_str<E>(self, value: &str) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_string<E>(self, value: String) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
                let mut list = Vec::new();
                while let Some(Strict(item)) = items.next_element()? {
                    list.push(item);
                }
                Ok(Value::Array(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
                let mut object = Map::new();
                while let Some((key, Strict(value))) = entries.next_entry::<String, Strict>()? {
                    if object.contains_key(&key) {
                        return Err(serde::de::Error::custom(format!("duplicate key {key:?}")));
                    }
                    object.insert(key, value);
                }
                Ok(Value::Object(object))
            }
        }

        deserializer.deserialize_any(Reader).map(Strict)
    }
}
