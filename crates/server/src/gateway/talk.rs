//! What a terminal said and was answered, in words. Never what is secret: of commands the verb, of
//! uploads how many lines, and of punches alone how the first one reads.

use crate::app::App;
use crate::gateway::reply::Reply;
use crate::gateway::routes::{Method, Request};
use crate::gateway::unread::Kept;
use muster_protocol::result;
use muster_protocol::target::Door;
use muster_protocol::upload::{self, Table};
use std::borrow::Cow;

/// More of a line, of a list or of a command is not told.
const MOST_LETTERS: usize = 60;
const MOST_NAMED: usize = 5;
const MOST_WORDS: usize = 3;
/// Bodies up to this size are looked at again: their lines are counted.
const READABLE: usize = 64 * 1024;

/// Remembers it, of a terminal that is in the list.
pub fn note(app: &App, request: &Request, reply: &Reply) {
    let known = request.target.query.serial_number().ok();
    let Some(presence) = known.and_then(|sn| app.roster.get(&sn)) else {
        return;
    };
    let answered = match &reply.note {
        Some(note) => Cow::Owned(note.clone()),
        None => Cow::Borrowed(answered(reply.status)),
    };
    app.roster.talk.note(
        presence.id,
        app.clock.now(),
        said(request),
        reply.status,
        answered,
    );
}

fn answered(status: u16) -> &'static str {
    match status {
        200 => "taken",
        403 => "refused, not authorised: it keeps what it has",
        404 => "refused: nobody serves this",
        503 => "told to come later: it keeps what it has",
        _ => "refused: it cannot be read",
    }
}

fn said(request: &Request) -> Cow<'static, str> {
    let query = &request.target.query;
    match (request.target.door, request.method) {
        (Door::GetRequest, _) => "asks what to do".into(),
        (Door::Ping, _) => "says it is there".into(),
        (Door::Cdata, Method::Get) if query.filled("type") == Some("time") => {
            "asks the time".into()
        }
        (Door::RtData, _) => "asks the time".into(),
        (Door::Cdata, Method::Get) if query.filled("options").is_some() => {
            "starts, and asks for its options".into()
        }
        (Door::Cdata, Method::Get) => "asks who somebody is".into(),
        (Door::Registry, _) => "introduces itself".into(),
        (Door::Push, _) => "asks how to behave".into(),
        (Door::Exchange, _) => "asks for encryption".into(),
        (Door::DeviceCmd, _) => reported(request).into(),
        (Door::Cdata, _) => brought(request).into(),
        (Door::Fdata, _) => "brings a photo of a punch".into(),
        (Door::QueryData, _) => {
            let table = query.filled("tablename").or(query.filled("type"));
            format!("answers a question: {}", readable(table.unwrap_or("?"))).into()
        }
        _ => "asks for something unknown".into(),
    }
}

fn brought(request: &Request) -> String {
    let table = Table::of(&request.target.query);
    let name = readable(table.as_ref().map_or("?", Table::name));
    let body = &request.body;
    if upload::is_gzip(body) || body.len() > READABLE {
        return format!("brings {name}: {} kB", body.len().div_ceil(1_000));
    }
    let mut lines = body
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty());
    match table {
        Some(Table::Attlog) => {
            let first = lines
                .next()
                .map(|line| readable(&String::from_utf8_lossy(line)));
            let count = lines.count() + usize::from(first.is_some());
            format!(
                "brings {name}, lines: {count}; first: {}",
                first.unwrap_or_default()
            )
        }
        Some(Table::Attphoto | Table::Userpic | Table::Biophoto) => {
            format!("brings {name}: {} kB", body.len().div_ceil(1_000))
        }
        _ => format!("brings {name}, lines: {}", lines.count()),
    }
}

fn reported(request: &Request) -> String {
    if request.body.len() > READABLE {
        return "reports on commands".into();
    }
    let results = result::parse(&request.target.query, &request.body);
    let told = results.iter().take(MOST_NAMED).map(|result| {
        let id = readable(&result.id);
        match result.code {
            Some(code) if code >= 0 => format!("{id} done"),
            Some(code) => format!("{id} refused ({code})"),
            None => format!("{id} without a code"),
        }
    });
    list("reports on commands", results.len(), told)
}

/// What a reply to a poll holds.
pub fn of_commands<'a>(texts: impl ExactSizeIterator<Item = &'a str>) -> String {
    let count = texts.len();
    let verbs = texts.take(MOST_NAMED).map(|text| {
        let words: Vec<&str> = text
            .split_ascii_whitespace()
            .take_while(|word| !word.contains('='))
            .take(MOST_WORDS)
            .collect();
        readable(&words.join(" "))
    });
    list("given commands", count, verbs)
}

/// What of an upload was only kept, and why; nothing to say when all of it was read.
pub fn of_unread(kept: &[Kept]) -> Option<String> {
    let mut reasons: Vec<&str> = kept.iter().map(|kept| kept.reason).collect();
    reasons.sort_unstable();
    reasons.dedup();
    let reasons = reasons.into_iter().take(MOST_NAMED).map(str::to_owned);
    (!kept.is_empty()).then(|| list("taken; kept unread", kept.len(), reasons))
}

fn list(what: &str, count: usize, named: impl Iterator<Item = String>) -> String {
    let named: Vec<String> = named.collect();
    format!("{what}: {count} ({})", named.join(", "))
}

/// On one line, short, and without what cannot be shown.
fn readable(text: &str) -> String {
    let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.retain(|letter| !letter.is_control());
    match words.char_indices().nth(MOST_LETTERS) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}
