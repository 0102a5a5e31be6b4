//! What terminals bring. Everything is durable before it is acknowledged, because a terminal
//! forgets what was acknowledged; what cannot be read is kept raw, because a refused batch would
//! come again for ever and block the terminal.

use crate::app::App;
use crate::error::Result;
use crate::gateway::reply::Reply;
use crate::gateway::talk;
use crate::gateway::unread::{self, Kept};
use crate::punches::as_sent::{is_suspect, new_punch};
use crate::punches::record::{NewPunch, Source};
use crate::terminals::roster::Presence;
use crate::terminals::{contact, people, sync};
use bytes::Bytes;
use chrono::NaiveDateTime;
use flate2::read::MultiGzDecoder;
use muster_protocol::access::Packet;
use muster_protocol::handshake::Family;
use muster_protocol::target::Query;
use muster_protocol::upload::{
    self, AccessEvent, BadLine, BadReason, DoorState, Row, Table, Upload,
};
use std::io::{self, Read};

/// `POST cdata`: the recipe.
pub async fn upload(app: &App, terminal: &Presence, query: &Query, body: &Bytes) -> Result<Reply> {
    let table = Table::of(query).unwrap_or_else(|| Table::Other(String::new()));
    note_family(app, terminal, &table).await?;
    let Some(parsed) = read(app, terminal, &table, body).await? else {
        return Ok(Reply::ok(table.accepted(count(query).unwrap_or(0))));
    };
    let lines = count(query).unwrap_or(parsed.lines);
    if let Some(local) = moment_told(&table, &parsed.rows) {
        terminal.note_clock(app.clock.now(), local);
    }
    let unread = store(app, terminal, &table, parsed).await?;
    keep_stamp(terminal, &table, query);
    let mut reply = Reply::ok(table.accepted(lines));
    reply.note = talk::of_unread(&unread);
    // On a kept-open connection one firmware sends the same user picture for ever.
    Ok(match &table {
        Table::Userpic => reply.closing(),
        Table::Tabledata(name) if name.eq_ignore_ascii_case("userpic") => reply.closing(),
        _ => reply,
    })
}

/// So far has the terminal sent, and all of it is durable.
fn keep_stamp(terminal: &Presence, table: &Table, query: &Query) {
    if let (Some(name), Some(stamp)) = (table.stamp_name(), upload::stamp(query)) {
        terminal.advance_stamp(name, stamp);
    }
}

/// `POST fdata`: a punch's photo, as 1.x and some `.aspx` firmware send it.
pub async fn photo(app: &App, terminal: &Presence, query: &Query, body: &Bytes) -> Result<Reply> {
    let parsed = upload::parse_photo(query.filled("PIN"), body);
    store(app, terminal, &Table::Attphoto, parsed).await?;
    keep_stamp(terminal, &Table::Attphoto, query);
    Ok(Reply::ok("OK"))
}

/// `POST querydata`: what an access terminal found for a query.
pub async fn query_result(
    app: &App,
    terminal: &Presence,
    query: &Query,
    body: &Bytes,
) -> Result<Reply> {
    let kind = query.filled("type").unwrap_or_default();
    if kind.eq_ignore_ascii_case("options") {
        let parsed = upload::parse(&Table::Options, body);
        store(app, terminal, &Table::Options, parsed).await?;
        return Ok(Reply::ok("OK"));
    }
    if kind.eq_ignore_ascii_case("count") {
        let parsed = upload::parse(&Table::Options, body);
        contact::save_options(app, terminal.id, &counts(&parsed)).await?;
        return Ok(Reply::ok("OK"));
    }
    let packet = Packet::read(query);
    let table = Table::Tabledata(packet.table.clone());
    let parsed = upload::parse(&table, body);
    let lines = parsed.lines;
    store(app, terminal, &table, parsed).await?;
    Ok(Reply::ok(packet.accepted(lines)))
}

/// `user=5` of a count is the option `UserCount`.
fn counts(parsed: &Upload) -> Vec<(String, String)> {
    parsed
        .rows
        .iter()
        .filter_map(|row| match row {
            Row::Option { key, value } if key.eq_ignore_ascii_case("user") => {
                Some(("UserCount".to_owned(), value.clone()))
            }
            Row::Option { key, value } => Some((format!("{key}Count"), value.clone())),
            _ => None,
        })
        .collect()
}

/// More rows than these were gathered for a while.
const MOST_AT_ONCE: usize = 5;

/// The latest moment the terminal's own clock shows in what it tells when it happens.
fn moment_told(table: &Table, rows: &[Row]) -> Option<NaiveDateTime> {
    let tells = matches!(
        table,
        Table::Attlog | Table::Operlog | Table::Rtlog | Table::Rtstate
    );
    if !tells || rows.len() > MOST_AT_ONCE {
        return None;
    }
    rows.iter()
        .filter_map(|row| match row {
            Row::Punch(punch) if punch.offset_seconds.is_none() => Some(punch.local),
            Row::AccessEvent(event) => Some(event.local),
            Row::DoorState(door) => Some(door.local),
            Row::Operation(operation) => operation.local,
            _ => None,
        })
        .max()
}

/// The rows an access terminal says it sends; it compares the answer with it.
fn count(query: &Query) -> Option<usize> {
    query.filled("count")?.parse().ok()
}

/// A terminal shows by what it sends which dialect it speaks; that sticks.
async fn note_family(app: &App, terminal: &Presence, table: &Table) -> Result<()> {
    let family = match table {
        Table::Rtlog | Table::Rtstate | Table::Tabledata(_) => Family::Access,
        Table::Attlog => Family::Attendance,
        _ => return Ok(()),
    };
    if terminal.set_family(family) {
        contact::save_family(app, terminal, family).await?;
    }
    Ok(())
}

/// A terminal says in its options how it wants its commands.
fn note_wrapping(app: &App, terminal: &Presence, options: &[(String, String)]) {
    let wraps = options
        .iter()
        .rev()
        .find(|(key, _)| {
            key.trim_start_matches('~')
                .eq_ignore_ascii_case("CmdFormat")
        })
        .map(|(_, value)| value.trim() == "1");
    if wraps.is_some_and(|wraps| terminal.set_wraps_commands(wraps)) {
        contact::reread_elsewhere(app, terminal);
    }
}

/// Bodies up to this size are read where they arrive. Larger ones are read one after another beside the
/// other terminals' requests, which do not wait for them.
const LARGE: usize = 64 * 1024;

/// Reads a body. A packed one is unpacked, in bounds; one that does not unpack is kept as it is,
/// and then there is nothing to read.
async fn read(
    app: &App,
    terminal: &Presence,
    table: &Table,
    body: &Bytes,
) -> Result<Option<Upload>> {
    let is_packed = upload::is_gzip(body) && *table != Table::Attphoto;
    if !is_packed && body.len() <= LARGE {
        return Ok(Some(upload::parse(table, body)));
    }
    // What is packed is small, what comes out of it is not.
    let _turn = app
        .large_bodies
        .acquire()
        .await
        .map_err(|error| crate::error::Error::Internal(error.into()))?;
    let (raw, table_of_rows) = (body.clone(), table.clone());
    let most = u64::from(app.config.terminals.max_body_mib) * 1024 * 1024;
    let parsed = tokio::task::spawn_blocking(move || {
        if is_packed {
            unpack(&raw, &table_of_rows, most)
        } else {
            Some(upload::parse(&table_of_rows, &raw))
        }
    })
    .await
    .map_err(|error| crate::error::Error::Internal(error.into()))?;
    if parsed.is_none() {
        let kept = Kept::new("packed", body.to_vec());
        unread::keep(app, terminal, table.name(), &[kept]).await?;
    }
    Ok(parsed)
}

/// Unpacks at most `most` bytes: `None` for more, or for what is no gzip. How much it is, is found
/// out before any of it is kept.
fn unpack(packed: &[u8], table: &Table, most: u64) -> Option<Upload> {
    let size = io::copy(
        &mut MultiGzDecoder::new(packed).take(most + 1),
        &mut io::sink(),
    )
    .ok()
    .filter(|size| *size <= most)?;
    let mut plain = Vec::with_capacity(usize::try_from(size).ok()?);
    MultiGzDecoder::new(packed).read_to_end(&mut plain).ok()?;
    let Some(archive) = upload::open_archive(&plain) else {
        return Some(upload::parse(table, &plain));
    };
    let mut all = Upload::default();
    for (_, member) in archive.members {
        let one = upload::parse(table, member);
        all.lines += one.lines;
        all.rows.extend(one.rows);
        all.bad.extend(one.bad);
    }
    if !archive.damaged.is_empty() {
        all.bad.push(BadLine {
            reason: BadReason::Damaged,
            raw: archive.damaged.to_vec(),
        });
    }
    Some(all)
}

/// Stores all rows of an upload, each kind where it belongs; durable when this returns. The lines that
/// were only kept are returned.
async fn store(app: &App, terminal: &Presence, table: &Table, parsed: Upload) -> Result<Vec<Kept>> {
    let mut kept: Vec<Kept> = parsed
        .bad
        .into_iter()
        .map(|line| Kept::new(line.reason.code(), line.raw))
        .collect();
    let mut punches = Vec::new();
    let mut options = Vec::new();
    let mut brought = people::Brought::default();
    let mut failures = Vec::new();
    for row in parsed.rows {
        match row {
            Row::Punch(punch) => {
                let (place, zone) = (&terminal.place, terminal.zone);
                punches.push(new_punch(
                    app.clock.now(),
                    place,
                    zone,
                    Source::Terminal,
                    punch,
                ));
            }
            Row::AccessEvent(event) if event.is_punch() => {
                punches.push(from_event(app, terminal, event));
            }
            Row::AccessEvent(event) => {
                let alarm = event.alarm().map(|alarm| (event.local, alarm));
                kept.push(Kept {
                    alarm,
                    ..Kept::new("access_event", event.raw.into_bytes())
                });
            }
            Row::DoorState(door) => options.push(("DoorState".to_owned(), as_text(&door))),
            Row::Option { key, value } => options.push((key, value)),
            Row::Failure(failure) => {
                kept.push(Kept::new("command_failed", failure.raw.clone()));
                failures.push(failure);
            }
            Row::Other { raw, .. } => {
                let reason = match table {
                    Table::Other(_) => "unknown_table",
                    _ => "unknown_row",
                };
                kept.push(Kept::new(reason, raw));
            }
            Row::Operation(operation) => brought.operations.push(operation),
            Row::User(user) => brought.users.push(user),
            Row::Template(template) => brought.templates.push(template),
            Row::Picture(picture) => brought.pictures.push(picture),
            Row::PunchPhoto(photo) => brought.photos.push(photo),
        }
    }
    for raw in people::store(app, terminal, brought).await? {
        kept.push(Kept::new("not_applied", raw.into_bytes()));
    }
    unread::keep(app, terminal, table.name(), &kept).await?;
    sync::failed(app, terminal, &failures).await?;
    contact::save_options(app, terminal.id, &options).await?;
    note_wrapping(app, terminal, &options);
    app.recorder.record(punches).await?;
    Ok(kept)
}

fn from_event(app: &App, terminal: &Presence, event: AccessEvent) -> NewPunch {
    let at = terminal.zone.instant(event.local);
    let verify = event.verify_code();
    let is_number = event.verify.parse::<i16>().is_ok();
    NewPunch {
        place: terminal.place.clone(),
        local: event.local,
        at,
        // 0 in, 1 out; everything else does not say.
        state: if matches!(event.in_out, 0 | 1) {
            event.in_out
        } else {
            255
        },
        verify,
        verify_bits: (!is_number && !event.verify.is_empty()).then(|| event.verify.clone()),
        work_code: String::new(),
        mask: event.mask,
        temperature: event.temperature,
        longitude: None,
        latitude: None,
        source: Source::Terminal,
        // Terminals that number their events begin with 1. Without a number it is the person that tells
        // two punches of one second apart.
        event_index: (event.index > 0).then_some(event.index),
        event_code: Some(event.event.into()),
        clock_suspect: is_suspect(app.clock.now(), event.local, at),
        pin: event.pin.unwrap_or_default(),
    }
}

/// The latest state of a door, as the terminal writes it; what the bits mean differs by firmware.
fn as_text(door: &DoorState) -> String {
    format!(
        "time={} sensor={} relay={} alarm={} door={}",
        door.local, door.sensor, door.relay, door.alarm, door.door
    )
}
