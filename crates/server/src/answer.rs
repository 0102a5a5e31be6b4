//! What the API answers: a status, headers and mostly JSON; and how an error becomes one in the
//! words each profile expects.

use crate::appendix;
use crate::error::{BadRow, Error, Problem, Unauthenticated};
use crate::profile::Profile;
use crate::request::{self, RequestId};
use bytes::Bytes;
use futures::stream::BoxStream;
use http::header::{
    ALLOW, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderName, RETRY_AFTER, WARNING, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, Value, json};
use std::fmt;

/// How long a caller waits before it tries again when the database is away.
const RETRY_UNAVAILABLE_S: u64 = 5;

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// In place of the body: what is sent as it comes.
    pub stream: Option<Stream>,
}

/// Pieces of a body. An error cuts the answer off, so that nobody takes it for whole.
pub struct Stream(pub BoxStream<'static, Result<Bytes, Error>>);

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream")
    }
}

impl Answer {
    pub fn json(status: StatusCode, value: &Value) -> Answer {
        Answer::file("application/json", value.to_string()).with_status(status)
    }

    pub fn ok(value: &Value) -> Answer {
        Answer::json(StatusCode::OK, value)
    }

    pub fn created(value: &Value) -> Answer {
        Answer::json(StatusCode::CREATED, value)
    }

    /// Without a body.
    pub fn nothing(status: StatusCode) -> Answer {
        Answer {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            stream: None,
        }
    }

    pub fn file(media_type: &str, body: impl Into<Bytes>) -> Answer {
        let mut headers = HeaderMap::new();
        put(&mut headers, CONTENT_TYPE, media_type);
        Answer {
            status: StatusCode::OK,
            headers,
            body: body.into(),
            stream: None,
        }
    }

    /// A file to be kept under a name, sent as it comes.
    pub fn download(media_type: &str, name: &str, stream: Stream) -> Answer {
        let mut answer = Answer::file(media_type, Bytes::new()).with_header(
            CONTENT_DISPOSITION,
            &format!("attachment; filename=\"{name}\""),
        );
        answer.stream = Some(stream);
        answer
    }

    fn with_status(mut self, status: StatusCode) -> Answer {
        self.status = status;
        self
    }

    pub fn with_header(mut self, name: HeaderName, value: &str) -> Answer {
        put(&mut self.headers, name, value);
        self
    }

    /// Names the parameters that meant nothing, so that a misspelt filter can be found.
    pub fn warn_of_unknown(self, names: &[String]) -> Answer {
        if names.is_empty() {
            return self;
        }
        let shown: Vec<String> = names
            .iter()
            .take(20)
            .map(|name| {
                name.chars()
                    .take(40)
                    .map(|letter| match letter {
                        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' | '.' => letter,
                        _ => '?',
                    })
                    .collect()
            })
            .collect();
        self.with_header(
            WARNING,
            &format!("299 muster \"unknown parameters: {}\"", shown.join(", ")),
        )
    }

    /// The refusal in the caller's words; without a profile (nobody, or a page of no resource)
    /// the plain body of the framework the callers' libraries were written for.
    pub fn refusal(error: &Error, profile: Option<Profile>) -> Answer {
        let (status, body, code) = describe(error);
        let mut answer = match (error, profile) {
            (Error::Unauthenticated(_) | Error::BadPaging { .. }, _) => Answer::json(status, &body),
            (_, Some(profile)) if profile.numbers_refusals() && status.is_client_error() => {
                Answer::json(status, &numbered(body, code))
            }
            _ => Answer::json(status, &body),
        };
        match error {
            Error::Unauthenticated(reason) => {
                let scheme = match reason {
                    Unauthenticated::SignatureExpired | Unauthenticated::UndecodableToken => {
                        "JWT realm=\"api\""
                    }
                    _ => "Token",
                };
                answer = answer.with_header(WWW_AUTHENTICATE, scheme);
            }
            Error::MethodNotAllowed { allow, .. } => answer = answer.with_header(ALLOW, allow),
            Error::TooMany { retry_after_s } => {
                answer = answer.with_header(RETRY_AFTER, &retry_after_s.to_string());
            }
            Error::Unavailable(_) => {
                answer = answer.with_header(RETRY_AFTER, &RETRY_UNAVAILABLE_S.to_string());
            }
            _ => {}
        }
        answer
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // A value no header may hold is left out rather than the answer.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn detail(text: impl Into<String>) -> Value {
    json!({ "detail": text.into() })
}

/// Status, body and the appendix's number.
fn describe(error: &Error) -> (StatusCode, Value, i32) {
    let none = appendix::PROGRAM_ERROR;
    match error {
        Error::Unauthenticated(reason) => (StatusCode::UNAUTHORIZED, unauthenticated(reason), none),
        Error::Forbidden => (
            StatusCode::FORBIDDEN,
            detail("You do not have permission to perform this action."),
            none,
        ),
        Error::NotFound => (StatusCode::NOT_FOUND, detail("Not found."), none),
        Error::NoSuch { code } => (StatusCode::NOT_FOUND, detail("Not found."), *code),
        Error::InvalidPage => (StatusCode::NOT_FOUND, detail("Invalid page."), none),
        Error::BadPaging { code } => (
            StatusCode::BAD_REQUEST,
            json!({ "code": code, "msg": appendix::meaning(*code), "data": {} }),
            *code,
        ),
        Error::Invalid(problems) => (StatusCode::BAD_REQUEST, fields(problems), codes(problems)),
        Error::BadRows(rows) => {
            let code = codes(rows.iter().map(|row| &row.problem));
            (StatusCode::BAD_REQUEST, bad_rows(rows), code)
        }
        Error::Refused { code, detail: text } => {
            (StatusCode::BAD_REQUEST, detail(text.as_str()), *code)
        }
        Error::MethodNotAllowed { method, .. } => (
            StatusCode::METHOD_NOT_ALLOWED,
            detail(format!("Method \"{method}\" not allowed.")),
            none,
        ),
        Error::NotAcceptable => (
            StatusCode::NOT_ACCEPTABLE,
            detail("Could not satisfy the request Accept header."),
            none,
        ),
        Error::TooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            detail("The request is too large."),
            none,
        ),
        Error::UnsupportedMediaType(media_type) => (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            detail(format!(
                "Unsupported media type \"{media_type}\" in request."
            )),
            none,
        ),
        Error::TooSlow => (
            StatusCode::REQUEST_TIMEOUT,
            detail("The request took too long."),
            none,
        ),
        Error::TooMany { retry_after_s } => (
            StatusCode::TOO_MANY_REQUESTS,
            detail(format!(
                "Request was throttled. Expected available in {retry_after_s} seconds."
            )),
            none,
        ),
        Error::Unavailable(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            detail("Service temporarily unavailable, try again later."),
            none,
        ),
        Error::Internal(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            internal(request::current_id()),
            none,
        ),
    }
}

/// By its id the cause is found in the log.
fn internal(id: Option<RequestId>) -> Value {
    let mut body = detail("Internal server error.");
    if let Some(id) = id {
        body["request_id"] = id.to_string().into();
    }
    body
}

/// The first of the appendix's numbers that says something.
fn codes<'a>(problems: impl IntoIterator<Item = &'a Problem>) -> i32 {
    problems
        .into_iter()
        .map(|problem| problem.code)
        .find(|code| *code != appendix::PROGRAM_ERROR)
        .unwrap_or(appendix::PROGRAM_ERROR)
}

/// The first in words, and all of them, each with its row and column.
fn bad_rows(rows: &[BadRow]) -> Value {
    let errors: Vec<Value> = rows
        .iter()
        .map(|BadRow { row, problem }| {
            json!({ "row": row, "column": problem.field, "message": problem.message })
        })
        .collect();
    json!({
        "detail": rows.first().map(BadRow::to_string),
        "errors": errors,
    })
}

/// `{"field":["text","text"],…}`; what is about no field stands under `non_field_errors`.
fn fields(problems: &[Problem]) -> Value {
    let mut body = Map::new();
    for problem in problems {
        let field = if problem.field.is_empty() {
            "non_field_errors"
        } else {
            &problem.field
        };
        if let Value::Array(texts) = body
            .entry(field)
            .or_insert_with(|| Value::Array(Vec::new()))
        {
            texts.push(problem.message.clone().into());
        }
    }
    Value::Object(body)
}

/// The body with `code`, `msg` and `data` beside what it says already.
fn numbered(body: Value, code: i32) -> Value {
    let Value::Object(mut body) = body else {
        return body;
    };
    let msg = if code == appendix::PROGRAM_ERROR {
        body.values()
            .next()
            .and_then(|first| first.as_str().or_else(|| first.get(0)?.as_str()))
            .unwrap_or_else(|| appendix::meaning(code))
            .to_owned()
    } else {
        appendix::meaning(code).to_owned()
    };
    body.insert("code".into(), code.into());
    body.insert("msg".into(), msg.into());
    body.insert("data".into(), json!({}));
    Value::Object(body)
}

fn unauthenticated(reason: &Unauthenticated) -> Value {
    let access = |message: &str| {
        json!({
            "detail": "Given token not valid for any token type",
            "code": "token_not_valid",
            "messages": [{
                "token_class": "AccessToken",
                "token_type": "access",
                "message": message,
            }],
        })
    };
    let refresh = |message: &str| json!({ "detail": message, "code": "token_not_valid" });
    match reason {
        Unauthenticated::Missing => detail("Authentication credentials were not provided."),
        Unauthenticated::InvalidToken => detail("Invalid token."),
        Unauthenticated::EmptyHeader => detail("Invalid token header. No credentials provided."),
        Unauthenticated::SpacesInToken => {
            detail("Invalid token header. Token string should not contain spaces.")
        }
        Unauthenticated::InvalidBasic => detail("Invalid username/password."),
        Unauthenticated::AccessTokenInvalid => access("Token is invalid or expired"),
        Unauthenticated::AccessTokenOfWrongType => access("Token has wrong type"),
        Unauthenticated::RefreshTokenInvalid => refresh("Token is invalid or expired"),
        Unauthenticated::RefreshTokenOfWrongType => refresh("Token has wrong type"),
        Unauthenticated::SignatureExpired => detail("Signature has expired."),
        Unauthenticated::UndecodableToken => detail("Error decoding token."),
        Unauthenticated::NoActiveAccount => {
            detail("No active account found with the given credentials")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Error, Problem, Profile};
    use serde_json::{Value, json};

    fn body(error: &Error, profile: Option<Profile>) -> Value {
        serde_json::from_slice(&Answer::refusal(error, profile).body).expect("JSON")
    }

    #[test]
    fn easytimepro_sees_the_number_beside_the_texts_and_biotime_the_texts_alone() {
        let error = Error::Invalid(vec![
            Problem::new("emp_code", "This field is required.").coded(-20),
            Problem::new("", "Nothing fits."),
        ]);
        let plain = json!({
            "emp_code": ["This field is required."],
            "non_field_errors": ["Nothing fits."],
        });
        assert_eq!(body(&error, Some(Profile::BioTime)), plain);
        assert_eq!(body(&error, None), plain);
        assert_eq!(
            body(&error, Some(Profile::EasyTimePro)),
            json!({
                "emp_code": ["This field is required."],
                "non_field_errors": ["Nothing fits."],
                "code": -20,
                "msg": "Pin number cannot be empty",
                "data": {},
            })
        );
    }

    #[test]
    fn a_cause_is_never_sent() {
        let error = Error::Internal(anyhow::anyhow!("relation \"app_user\" does not exist"));
        assert_eq!(
            body(&error, Some(Profile::EasyTimePro)),
            json!({ "detail": "Internal server error." })
        );
    }
}
