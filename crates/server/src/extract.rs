//! All a handler may ask of a request: its path, its query, its body, where it came from, and
//! whose it is. Nothing here trusts what it reads.

use crate::access::Caller;
use crate::app::App;
use crate::config::Limits;
use crate::error::{Error, Result, Unauthenticated};
use crate::passage::Passage;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart};
use base64::Engine;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http_body_util::BodyExt;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use url::form_urlencoded;

/// More pairs in a query or a form are refused.
const MAX_PAIRS: usize = 1000;
/// So many letters the headers of a part of a form may have.
const MAX_PART_HEAD: usize = 8 << 10;

/// A request that has been read: of nobody in particular yet.
pub struct Request {
    pub app: Arc<App>,
    pub path: Path,
    pub query: Query,
    pub body: Body,
    pub origin: Origin,
}

/// A request whose caller is known and may do what the endpoint is for.
pub struct Call {
    pub caller: Caller,
    pub request: Request,
}

/// What stands for `{name}` in the endpoint's path, decoded.
#[derive(Debug, Default)]
pub struct Path(Vec<(String, String)>);

impl Path {
    /// A path with a control character names nothing.
    pub fn new<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Path> {
        let parameters: Vec<(String, String)> = parameters
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        if parameters
            .iter()
            .any(|(_, value)| value.chars().any(char::is_control))
        {
            return Err(Error::NotFound);
        }
        Ok(Path(parameters))
    }

    pub fn get(&self, name: &str) -> Result<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .ok_or(Error::NotFound)
    }
}

/// The query's pairs. Names are matched without regard to case, pairs without a name are skipped,
/// an empty value is none, and what nobody asked for is remembered.
#[derive(Debug, Default, Clone)]
pub struct Query {
    pairs: Vec<Pair>,
}

#[derive(Debug, Clone)]
struct Pair {
    /// As it was written.
    name: String,
    value: String,
    taken: bool,
}

impl Query {
    pub fn parse(query: &str) -> Result<Query> {
        let mut pairs = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if name.is_empty() {
                continue;
            }
            if pairs.len() == MAX_PAIRS {
                return Err(Error::refused(t!("Too many parameters.")));
            }
            if value.contains('\0') || name.contains('\0') {
                return Err(Error::invalid(
                    name.replace('\0', ""),
                    t!("Null characters are not allowed."),
                ));
            }
            pairs.push(Pair {
                name: name.into_owned(),
                value: value.into_owned(),
                taken: false,
            });
        }
        Ok(Query { pairs })
    }

    /// From pairs, as a form of the console has them.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Query {
        Query {
            pairs: pairs
                .into_iter()
                .map(|(name, value)| Pair {
                    name: name.into(),
                    value: value.into(),
                    taken: false,
                })
                .collect(),
        }
    }

    /// More pairs, behind those there are.
    pub fn extend<N: Into<String>>(&mut self, pairs: impl IntoIterator<Item = (N, String)>) {
        self.pairs.extend(Query::from_pairs(pairs).pairs);
    }

    /// A parameter in the place of those of its name.
    pub fn put<N: Into<String>>(&mut self, name: N, value: String) {
        let name = name.into();
        self.pairs
            .retain(|pair| !pair.name.eq_ignore_ascii_case(&name));
        self.extend([(name, value)]);
    }

    /// The last value of a parameter; `Some("")` when it is there and empty.
    pub fn take_raw(&mut self, name: &str) -> Option<String> {
        let mut found = None;
        for pair in &mut self.pairs {
            if pair.name.eq_ignore_ascii_case(name) {
                pair.taken = true;
                found = Some(pair.value.clone());
            }
        }
        found
    }

    /// The last value of a parameter, unless it is empty.
    pub fn take(&mut self, name: &str) -> Option<String> {
        self.take_raw(name).filter(|value| !value.is_empty())
    }

    /// The names nobody asked for.
    pub fn unknown(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .pairs
            .iter()
            .filter(|pair| !pair.taken)
            .map(|pair| pair.name.clone())
            .collect();
        names.dedup();
        names
    }

    /// The query again, its names in alphabetical order, with one parameter set (or left out) and
    /// others dropped. What callers sent for no purpose goes along.
    pub fn rewritten(&self, set: &[(&str, Option<String>)]) -> String {
        let mut pairs: Vec<(&str, &str)> = self
            .pairs
            .iter()
            .filter(|pair| {
                !set.iter()
                    .any(|(name, _)| pair.name.eq_ignore_ascii_case(name))
            })
            .map(|pair| (pair.name.as_str(), pair.value.as_str()))
            .collect();
        for (name, value) in set {
            if let Some(value) = value {
                pairs.push((name, value));
            }
        }
        pairs.sort_by(|a, b| a.0.cmp(b.0));
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish()
    }
}

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

/// Well-formed JSON with those whole numbers in quotes that are too long to be read as numbers: a code
/// or a card keeps its digits. `None`: it has no such number.
fn long_numbers_as_texts(json: &[u8]) -> Option<Vec<u8>> {
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
struct Strict(Value);

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

/// Where a request came from, and under which address the caller knows us.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The caller's address: the peer's, or what a trusted proxy says.
    pub address: Option<IpAddr>,
    pub https: bool,
    /// `https://host:port`, without a slash at the end.
    pub base: String,
    /// The path as it was asked for.
    pub path: String,
}

impl Origin {
    /// Checks the host and the framing; a request that could be read in two ways is refused.
    pub fn read(app: &App, parts: &Parts) -> Result<Origin> {
        let (headers, uri) = (&parts.headers, &parts.uri);
        if headers.get_all(CONTENT_LENGTH).iter().count() > 1
            || (headers.contains_key(CONTENT_LENGTH) && headers.contains_key(TRANSFER_ENCODING))
        {
            return Err(Error::refused(t!("Invalid message length.")));
        }
        let bad_host = || Error::refused(t!("Invalid HTTP_HOST header."));
        let mut hosts = headers.get_all(HOST).iter();
        let host = match (hosts.next(), hosts.next()) {
            (Some(host), None) => host.to_str().map_err(|_| bad_host())?,
            (None, None) => uri
                .authority()
                .map_or("localhost", |authority| authority.as_str()),
            _ => return Err(bad_host()),
        };
        let passage = Passage::of(app, parts);
        let host = passage.forwarded_host.unwrap_or(host);
        let name = host_name(host).ok_or_else(bad_host)?;
        if !app.config.api.allowed_hosts.is_empty()
            && !app
                .config
                .api
                .allowed_hosts
                .iter()
                .any(|allowed| host_matches(allowed, name))
        {
            return Err(bad_host());
        }
        let base = if app.config.api.public_url.is_empty() {
            let scheme = if passage.https { "https" } else { "http" };
            format!("{scheme}://{host}")
        } else {
            app.config.api.public_url.trim_end_matches('/').to_owned()
        };
        Ok(Origin {
            address: passage.address,
            https: passage.https,
            base,
            path: uri.path().to_owned(),
        })
    }
}

/// The name in a well-formed `Host`: `name`, `name:port`, `[v6]`, `[v6]:port`.
fn host_name(host: &str) -> Option<&str> {
    let (name, port) = if host.starts_with('[') {
        let end = host.find(']')?;
        host[1..end].parse::<std::net::Ipv6Addr>().ok()?;
        (&host[..=end], &host[end + 1..])
    } else {
        let end = host.find(':').unwrap_or(host.len());
        let (name, port) = host.split_at(end);
        let good = !name.is_empty()
            && name.len() <= 253
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
        if !good {
            return None;
        }
        (name, port)
    };
    let port_is_good = match port.strip_prefix(':') {
        Some(digits) => {
            digits.bytes().all(|byte| byte.is_ascii_digit())
                && digits.parse::<u16>().is_ok_and(|port| port > 0)
        }
        None => port.is_empty(),
    };
    port_is_good.then_some(name)
}

fn host_matches(allowed: &str, name: &str) -> bool {
    let (allowed, name) = (allowed.to_lowercase(), name.to_lowercase());
    match allowed.strip_prefix("*.") {
        Some(domain) => name
            .strip_suffix(domain)
            .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        None => allowed == name,
    }
}

/// JSON is what there is: an `Accept` that shuts it out, or a `format` of another kind, is refused.
pub fn check_accept(headers: &HeaderMap, query: &mut Query) -> Result<()> {
    match query.take("format").as_deref() {
        None | Some("json") => {}
        Some(_) => return Err(Error::NotFound),
    }
    let mut ranges = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|range| range.split(';').next().unwrap_or("").trim().to_lowercase())
        .filter(|range| !range.is_empty())
        .peekable();
    // A browser asks for HTML and is shown JSON, as everybody.
    let known = ["*/*", "application/*", "application/json", "text/html"];
    if ranges.peek().is_none() || ranges.any(|range| known.contains(&range.as_str())) {
        Ok(())
    } else {
        Err(Error::NotAcceptable)
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

/// What a caller shows to prove who it is.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// `word`: JWT, TOKEN and so on in upper case; empty for a bare token.
    Token {
        word: String,
        token: String,
    },
    Basic {
        username: String,
        password: String,
    },
    /// `?access_token=`, for API clients alone.
    InQuery(String),
}

/// The scheme words callers use; any of them goes with any kind of token.
const WORDS: [&str; 4] = ["TOKEN", "JWT", "BEARER", "BEARER-TOKEN"];

impl Credential {
    pub fn read(app: &App, headers: &HeaderMap, query: &mut Query) -> Result<Credential> {
        let refuse = |reason| Err(Error::Unauthenticated(reason));
        let in_query = query.take("access_token");
        let Some(header) = headers.get(AUTHORIZATION) else {
            return match in_query {
                Some(token) if app.settings().api.query_token => Ok(Credential::InQuery(token)),
                Some(_) => refuse(Unauthenticated::InvalidToken),
                None => refuse(Unauthenticated::Missing),
            };
        };
        let Ok(text) = header.to_str() else {
            return refuse(Unauthenticated::InvalidToken);
        };
        let parts: Vec<&str> = text.split_whitespace().collect();
        match parts[..] {
            [] => refuse(Unauthenticated::Missing),
            [word] if WORDS.contains(&word.to_uppercase().as_str()) => {
                refuse(Unauthenticated::EmptyHeader)
            }
            [token] => Ok(Credential::Token {
                word: String::new(),
                token: token.to_owned(),
            }),
            [word, rest] if word.eq_ignore_ascii_case("basic") => {
                if !app.settings().api.basic {
                    return refuse(Unauthenticated::Missing);
                }
                base64::prelude::BASE64_STANDARD
                    .decode(rest)
                    .ok()
                    .and_then(|bytes| String::from_utf8(bytes).ok())
                    .and_then(|pair| {
                        let (username, password) = pair.split_once(':')?;
                        Some(Credential::Basic {
                            username: username.to_owned(),
                            password: password.to_owned(),
                        })
                    })
                    .map_or_else(|| refuse(Unauthenticated::InvalidBasic), Ok)
            }
            [word, ..] if !WORDS.contains(&word.to_uppercase().as_str()) => {
                refuse(Unauthenticated::Missing)
            }
            [word, token] => Ok(Credential::Token {
                word: word.to_uppercase(),
                token: token.to_owned(),
            }),
            _ => refuse(Unauthenticated::SpacesInToken),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Body, Query, host_matches, host_name};
    use serde_json::{Value, json};

    #[test]
    fn a_query_skips_empty_pairs_and_remembers_what_nobody_asked_for() {
        let mut query = Query::parse("&Emp_Code=4&&page=2&colour=red&page_size=").expect("good");
        assert_eq!(query.take("emp_code").as_deref(), Some("4"));
        assert_eq!(query.take("page").as_deref(), Some("2"));
        assert_eq!(query.take("page_size"), None);
        assert_eq!(query.unknown(), ["colour"]);
        assert_eq!(
            query.rewritten(&[("page", Some("3".into()))]),
            "Emp_Code=4&colour=red&page=3&page_size="
        );
    }

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

    #[test]
    fn a_host_is_a_name_and_a_port() {
        assert_eq!(host_name("10.10.21.82:91"), Some("10.10.21.82"));
        assert_eq!(host_name("[::1]:80"), Some("[::1]"));
        for host in [
            "", "a b", "a:b", "a:99999", "a/b", "user@a", "[::g]", "a:1:2",
        ] {
            assert_eq!(host_name(host), None, "{host}");
        }
        assert!(host_matches("*.example.com", "hr.Example.com"));
        assert!(!host_matches("*.example.com", "example.com"));
        assert!(!host_matches("*.example.com", "evilexample.com"));
    }
}
