//! What a caller sent along: members or fields, and files, from JSON or from either kind of form.

use super::MAX_PAIRS;
use super::json::{Strict, long_numbers_as_texts};
use crate::config::Limits;
use crate::error::{Error, Result};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::BodyExt;
use serde_json::{Map, Value};
use std::fmt;
use url::form_urlencoded;

/// So many letters the headers of a part of a form may have.
const MAX_PART_HEAD: usize = 8 << 10;

/// What a caller sent to be stored or done: the members of a JSON object or the fields of a form,
/// their names in lower case.
#[derive(Debug, Default, Clone)]
pub struct Body {
    members: Map<String, Value>,
    files: Vec<File>,
    form: bool,
}

/// A file of a multipart form. Its name is only a text, never a path.
#[derive(Debug, Clone)]
pub struct File {
    pub field: String,
    pub name: String,
    pub bytes: Bytes,
}

impl Body {
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// The first of several names for the same thing that is there.
    pub fn first_of<'a>(&self, names: &[&'a str]) -> Option<(&'a str, &Value)> {
        names
            .iter()
            .find_map(|name| Some((*name, self.members.get(*name)?)))
    }

    /// Forms have no lists: a repeated field is one, and so is a single one where a list is meant.
    pub fn is_form(&self) -> bool {
        self.form
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.files.is_empty()
    }

    /// The file of that field, or the one that is the whole body.
    pub fn file(&self, field: &str) -> Option<&File> {
        self.files
            .iter()
            .find(|file| file.field.is_empty() || file.field.eq_ignore_ascii_case(field))
    }

    /// The file of that field, which is to be there and not empty.
    pub fn submitted(&self, field: &str) -> Result<&File> {
        let missing = if self.get(field).is_some() {
            t!("The submitted data was not a file. Check the encoding type on the form.")
        } else {
            t!("No file was submitted.")
        };
        let file = self
            .file(field)
            .ok_or_else(|| Error::invalid(field, missing))?;
        if file.bytes.is_empty() {
            return Err(Error::invalid(field, t!("The submitted file is empty.")));
        }
        Ok(file)
    }

    /// Texts and numbers, as parameters of a query.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, String)> {
        self.members.iter().filter_map(|(name, value)| match value {
            Value::String(text) => Some((name.as_str(), text.clone())),
            Value::Number(_) | Value::Bool(_) => Some((name.as_str(), value.to_string())),
            _ => None,
        })
    }

    /// A JSON object made in this program.
    pub fn of(object: Value) -> Option<Body> {
        match object {
            Value::Object(members) => Some(Body {
                members,
                ..Body::default()
            }),
            _ => None,
        }
    }

    /// A form's fields.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Body {
        let mut body = Body {
            form: true,
            ..Body::default()
        };
        for (name, value) in pairs {
            body.push(name.into(), value.into());
        }
        body
    }

    /// The same with one member more.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Body {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// The members of a JSON object, as if they had been sent.
    pub fn from_object(members: Map<String, Value>) -> Body {
        Body {
            members,
            ..Body::default()
        }
    }

    fn push(&mut self, name: String, value: String) {
        let name = name.to_lowercase();
        match self.members.get_mut(&name) {
            None => {
                self.members.insert(name, value.into());
            }
            Some(Value::Array(values)) => values.push(value.into()),
            Some(single) => {
                let first = single.take();
                *single = Value::Array(vec![first, value.into()]);
            }
        }
    }

    fn from_json(bytes: &[u8]) -> Result<Body> {
        let broken =
            |error: serde_json::Error| Error::refused(format!("JSON parse error - {error}"));
        let Strict(mut value) = serde_json::from_slice(bytes).map_err(broken)?;
        if let Some(spelled_out) = long_numbers_as_texts(bytes) {
            Strict(value) = serde_json::from_slice(&spelled_out).map_err(broken)?;
        }
        let Value::Object(object) = value else {
            return Err(Error::invalid(
                "",
                t!(
                    "Invalid data. Expected a dictionary, but got {kind}.",
                    kind = python_type(&value)
                ),
            ));
        };
        let mut members = Map::new();
        for (name, value) in object {
            let lower = name.to_lowercase();
            if members.insert(lower, value).is_some() {
                return Err(Error::refused(format!(
                    "JSON parse error - duplicate key {name:?}"
                )));
            }
        }
        Ok(Body {
            members,
            files: Vec::new(),
            form: false,
        })
    }

    fn from_form(bytes: &[u8]) -> Result<Body> {
        let mut body = Body {
            form: true,
            ..Body::default()
        };
        for (count, (name, value)) in form_urlencoded::parse(bytes).enumerate() {
            if count == MAX_PAIRS * 100 {
                return Err(Error::refused(t!("Too many fields.")));
            }
            if !name.is_empty() {
                body.push(name.into_owned(), value.into_owned());
            }
        }
        Ok(body)
    }

    async fn from_multipart(content_type: &str, bytes: Bytes) -> Result<Body> {
        let broken = |reason: &dyn fmt::Display| {
            Error::refused(format!("Multipart form parse error - {reason}"))
        };
        let mut request = http::Request::builder()
            .header(CONTENT_TYPE, content_type)
            .body(axum::body::Body::from(bytes))
            .map_err(|error| broken(&error))?;
        // The bytes are here already, and were counted.
        DefaultBodyLimit::disable().apply(&mut request);
        let mut parts = Multipart::from_request(request, &())
            .await
            .map_err(|error| broken(&error.body_text()))?;
        let mut body = Body {
            form: true,
            ..Body::default()
        };
        let mut count = 0;
        while let Some(part) = parts
            .next_field()
            .await
            .map_err(|error| broken(&error.body_text()))?
        {
            count += 1;
            if count > MAX_PAIRS {
                return Err(broken(&"too many parts"));
            }
            let head = part.headers().iter();
            let head: usize = head
                .map(|(name, value)| name.as_str().len() + value.len())
                .sum();
            if head > MAX_PART_HEAD {
                return Err(broken(&"a part with too long a head"));
            }
            let Some(field) = part.name().map(str::to_owned) else {
                continue;
            };
            match part.file_name().map(str::to_owned) {
                Some(name) => {
                    if name.contains('\0') {
                        return Err(broken(&"a file name with a null character"));
                    }
                    // It is never used as a path; whoever sends one of these wants it to be.
                    if name.split(['/', '\\']).any(|part| part == "..") {
                        return Err(broken(&"a file name that leads elsewhere"));
                    }
                    body.files.push(File {
                        field,
                        name,
                        bytes: part
                            .bytes()
                            .await
                            .map_err(|error| broken(&error.body_text()))?,
                    });
                }
                None => {
                    let bytes = part
                        .bytes()
                        .await
                        .map_err(|error| broken(&error.body_text()))?;
                    let text = String::from_utf8(bytes.into())
                        .map_err(|_| broken(&"a field that is not UTF-8"))?;
                    body.push(field, text);
                }
            }
        }
        Ok(body)
    }
}

/// The name the callers' libraries know a JSON value's type by.
pub fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

/// Reads a body of at most `limit` bytes, in whatever of the three forms it says it is; where one is
/// taken, it may be a file itself.
pub async fn read_body(
    headers: &HeaderMap,
    body: axum::body::Body,
    limit: usize,
    limits: &Limits,
    takes_file: bool,
) -> Result<Body> {
    let bytes = collect(headers, body, limit, limits).await?;
    if bytes.is_empty() {
        return Ok(Body::default());
    }
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let media_type = content_type
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_lowercase();
    match media_type.as_str() {
        "application/json" => Body::from_json(&bytes),
        "application/x-www-form-urlencoded" => Body::from_form(&bytes),
        "multipart/form-data" => Body::from_multipart(content_type, bytes).await,
        // Some clients forget to say.
        "" if bytes
            .first()
            .is_some_and(|byte| matches!(byte, b'{' | b'[')) =>
        {
            Body::from_json(&bytes)
        }
        _ if takes_file => Ok(Body {
            files: vec![File {
                field: String::new(),
                name: String::new(),
                bytes,
            }],
            ..Body::default()
        }),
        _ => Err(Error::UnsupportedMediaType(content_type.to_owned())),
    }
}

/// Reads a body of at most `limit` bytes, as long as it goes on coming.
pub async fn collect(
    headers: &HeaderMap,
    mut body: axum::body::Body,
    limit: usize,
    limits: &Limits,
) -> Result<Bytes> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok())
        .unwrap_or(0);
    if announced > limit as u64 {
        return Err(Error::TooLarge);
    }
    let mut bytes = BytesMut::new();
    let all = async {
        loop {
            let frame = match tokio::time::timeout(limits.stall(), body.frame()).await {
                Err(_) => return Err(Error::TooSlow),
                Ok(None) => return Ok(()),
                Ok(Some(frame)) => {
                    frame.map_err(|_| Error::refused(t!("The request body was cut off.")))?
                }
            };
            if let Ok(chunk) = frame.into_data() {
                if bytes.len() + chunk.len() > limit {
                    return Err(Error::TooLarge);
                }
                bytes.extend_from_slice(&chunk);
            }
        }
    };
    tokio::time::timeout(limits.body(), all)
        .await
        .map_err(|_| Error::TooSlow)??;
    Ok(bytes.freeze())
}

#[cfg(test)]
mod tests {
    use super::Body;
    use serde_json::{Value, json};

    #[test]
    fn json_that_can_be_read_in_two_ways_is_refused() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        for text in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"A":2}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":1e400}"#,
            r#"{99999999999999999999:1}"#,
            r#"{"a":099999999999999999999}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":1"#,
            deep.as_str(),
        ] {
            assert!(Body::from_json(text.as_bytes()).is_err(), "{:.40}", text);
        }
        assert!(Body::from_json(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn a_number_keeps_its_digits_however_long_it_is() {
        let json = r#"{"a":123456789012345678901234567890,"b":[-99999999999999999999 ,1.0],
            "c":18446744073709551615,"d":"\\\"99999999999999999999","e":1e30,"f":-0}"#;
        let body = Body::from_json(json.as_bytes()).expect("good");
        let long = json!({
            "a": "123456789012345678901234567890", "b": ["-99999999999999999999", 1.0],
            "c": u64::MAX, "d": "\\\"99999999999999999999", "e": 1e30, "f": -0.0,
        });
        assert_eq!(Value::Object(body.members), long);
    }
}
