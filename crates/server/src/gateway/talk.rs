//! What a terminal said and was answered, in words. Never what is secret: of commands the verb, of
//! uploads how many lines, and of punches alone how the first one reads.

use crate::app::App;
use crate::gateway::reply::Reply;
use crate::gateway::routes::{Method, Request};
use crate::gateway::unread::Kept;
use crate::language::Sentence;
use muster_protocol::result;
use muster_protocol::target::Door;
use muster_protocol::upload::{self, Table};

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
        Some(note) => note.clone(),
        None => answered(reply.status),
    };
    app.roster.talk.note(
        presence.id,
        app.clock.now(),
        said(request),
        reply.status,
        answered,
    );
}

fn answered(status: u16) -> Sentence {
    match status {
        200 => later!("taken"),
        403 => later!("refused, not authorised: it keeps what it has"),
        404 => later!("refused: nobody serves this"),
        503 => later!("told to come later: it keeps what it has"),
        _ => later!("refused: it cannot be read"),
    }
}

fn said(request: &Request) -> Sentence {
    let query = &request.target.query;
    match (request.target.door, request.method) {
        (Door::GetRequest, _) => later!("asks what to do"),
        (Door::Ping, _) => later!("says it is there"),
        (Door::Cdata, Method::Get) if query.filled("type") == Some("time") => {
            later!("asks the time")
        }
        (Door::RtData, _) => later!("asks the time"),
        (Door::Cdata, Method::Get) if query.filled("options").is_some() => {
            later!("starts, and asks for its options")
        }
        (Door::Cdata, Method::Get) => later!("asks who somebody is"),
        (Door::Registry, _) => later!("introduces itself"),
        (Door::Push, _) => later!("asks how to behave"),
        (Door::Exchange, _) => later!("asks for encryption"),
        (Door::DeviceCmd, _) => reported(request),
        (Door::Cdata, _) => brought(request),
        (Door::Fdata, _) => later!("brings a photo of a punch"),
        (Door::QueryData, _) => {
            let table = query.filled("tablename").or(query.filled("type"));
            later!(
                "answers a question: {table}",
                table = readable(table.unwrap_or("?"))
            )
        }
        _ => later!("asks for something unknown"),
    }
}

fn brought(request: &Request) -> Sentence {
    let table = Table::of(&request.target.query);
    let name = readable(table.as_ref().map_or("?", Table::name));
    let body = &request.body;
    if upload::is_gzip(body) || body.len() > READABLE {
        return brings(name, body);
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
            later!(
                "brings {table}, lines: {count}; first: {line}",
                table = name,
                count = count.to_string(),
                line = first.unwrap_or_default(),
            )
        }
        Some(Table::Attphoto | Table::Userpic | Table::Biophoto) => brings(name, body),
        _ => later!(
            "brings {table}, lines: {count}",
            table = name,
            count = lines.count().to_string()
        ),
    }
}

fn reported(request: &Request) -> Sentence {
    if request.body.len() > READABLE {
        return later!("reports on commands");
    }
    let results = result::parse(&request.target.query, &request.body);
    let told = results.iter().take(MOST_NAMED).map(|result| {
        let id = readable(&result.id);
        match result.code {
            Some(code) if code >= 0 => later!("{id} done", id = id),
            Some(code) => later!("{id} refused ({code})", id = id, code = code.to_string()),
            None => later!("{id} without a code", id = id),
        }
    });
    later!(
        "reports on commands: {count} ({which})",
        count = results.len().to_string(),
        which = told.collect::<Vec<_>>(),
    )
}

fn brings(table: String, body: &[u8]) -> Sentence {
    let size = body.len().div_ceil(1_000).to_string();
    later!("brings {table}: {size} kB", table = table, size = size)
}

/// What a reply to a poll holds.
pub fn of_commands<'a>(texts: impl ExactSizeIterator<Item = &'a str>) -> Sentence {
    let count = texts.len();
    let verbs = texts.take(MOST_NAMED).map(|text| {
        let words: Vec<&str> = text
            .split_ascii_whitespace()
            .take_while(|word| !word.contains('='))
            .take(MOST_WORDS)
            .collect();
        readable(&words.join(" "))
    });
    later!(
        "given commands: {count} ({which})",
        count = count.to_string(),
        which = verbs.collect::<Vec<_>>().join(", "),
    )
}

/// What of an upload was only kept, and why; nothing to say when all of it was read.
pub fn of_unread(kept: &[Kept]) -> Option<Sentence> {
    let mut reasons: Vec<&str> = kept.iter().map(|kept| kept.reason).collect();
    reasons.sort_unstable();
    reasons.dedup();
    reasons.truncate(MOST_NAMED);
    (!kept.is_empty()).then(|| {
        later!(
            "taken; kept unread: {count} ({reasons})",
            count = kept.len().to_string(),
            reasons = reasons.join(", "),
        )
    })
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
