//! Terminals' clocks: what sets them, and the turn of daylight saving time, of which terminals know
//! nothing.

use crate::access::Caller;
use crate::app::App;
use crate::error::Result;
use crate::terminals::commands;
use crate::terminals::contact::{self, NOT_AUTHORIZED, family_of};
use crate::terminals::zone::Zone;
use crate::writing::Writing;
use chrono::{DateTime, Utc};
use muster_protocol::command::Command;
use muster_protocol::handshake::Family;
use muster_protocol::time;
use muster_store::Sql;

/// Sets a clock to its zone's time, as it is when the terminal is told
/// ([`muster_protocol::command::at_moment`]).
pub fn setting(zone: Zone, now: DateTime<Utc>) -> Command {
    Command::SetOption {
        key: "DateTime".into(),
        value: time::pack(zone.local(now)).to_string(),
    }
}

/// What brings a terminal to another offset from UTC: an attendance terminal reads it at its
/// handshake, an access terminal is told the time.
pub fn following(family: Family, zone: Zone, now: DateTime<Utc>) -> Command {
    match (family, setting(zone, now)) {
        (Family::Attendance, _) => Command::Check,
        (Family::Access, Command::SetOption { key, value }) => {
            Command::AccessSetOptions(vec![(key, value)])
        }
        (Family::Access, other) => other,
    }
}

#[derive(Debug, sqlx::FromRow)]
struct Zoned {
    id: i64,
    sn: String,
    area_id: i64,
    family: String,
    zone_name: Option<String>,
    zone_offset_minutes: i16,
}

/// Terminals of named zones whose clocks have just been put forward or back are told so.
pub async fn turn(app: &App) -> Result<()> {
    let now = app.clock.now();
    let zoned: Vec<Zoned> = app
        .store
        .all(&Sql::new(
            "SELECT id, sn, area_id, family, zone_name, zone_offset_minutes FROM terminal \
             WHERE zone_name IS NOT NULL ORDER BY id",
            [],
        ))
        .await?;
    for terminal in zoned {
        let zone = Zone {
            offset_minutes: terminal.zone_offset_minutes.into(),
            name: terminal
                .zone_name
                .as_deref()
                .and_then(|name| name.parse().ok()),
        };
        let offset = zone.offset_at(now);
        if offset == zone.offset_minutes {
            continue;
        }
        let mut tx = Writing::begin(app).await?;
        // Of several servers one is the first.
        let turned = tx
            .run(&Sql::new(
                "UPDATE terminal SET zone_offset_minutes = $3 WHERE id = $1 AND zone_offset_minutes = $2",
                [
                    terminal.id.into(),
                    terminal.zone_offset_minutes.into(),
                    offset.into(),
                ],
            ))
            .await?;
        if turned == 0 {
            continue;
        }
        if terminal.area_id != NOT_AUTHORIZED {
            let command = following(family_of(&terminal.family), zone, now);
            commands::queue(app, &mut tx, &Caller::system(), terminal.id, &[command]).await?;
        }
        let Zoned { id, sn, .. } = terminal;
        tx.after_commit(move |app| {
            contact::changed(app, id, &sn);
        });
        tx.commit(app).await?;
    }
    Ok(())
}
