//! What a terminal sent and nobody reads: kept as it came, so that it may be acknowledged. It may
//! hold passwords and templates, so it is sealed. The owner of the table `unread_line`.

use crate::app::App;
use crate::error::Result;
use crate::events::Event;
use crate::terminals::people;
use crate::terminals::roster::Presence;
use crate::terminals::unread_list::SEALED_FOR;
use chrono::NaiveDateTime;
use muster_store::Sql;

/// A line that is kept raw, and why.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Short and fixed, for storage and filters: `bad_time`, `unknown_table` …
    pub reason: &'static str,
    pub raw: Vec<u8>,
    /// What it says has gone off, and when by the terminal's clock.
    pub alarm: Option<(NaiveDateTime, &'static str)>,
}

impl Kept {
    pub fn new(reason: &'static str, raw: Vec<u8>) -> Kept {
        Kept {
            reason,
            raw,
            alarm: None,
        }
    }
}

/// Rows of one transaction: other terminals' uploads get in between.
const TOGETHER: usize = 200;

/// Keeps each line once, however often it comes; durable when this returns. Of an alarm that comes for the first time
/// whoever looks on is told.
pub async fn keep(app: &App, terminal: &Presence, table: &str, lines: &[Kept]) -> Result<()> {
    let table: String = table.chars().take(64).collect();
    for some in lines.chunks(TOGETHER) {
        let now = app.clock.now();
        let mut new = Vec::new();
        let mut is_alarm = false;
        let mut tx = app.store.write().await?;
        for line in some {
            let (times,): (i64,) = tx.one(&Sql::new(
                "INSERT INTO unread_line (company_id, terminal_id, terminal_sn, table_name, reason, digest, \
                     raw_sealed, received_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
                 ON CONFLICT (terminal_sn, table_name, digest) DO UPDATE SET times = unread_line.times + 1 \
                 RETURNING times",
                [
                    app.company.id.clone().into(),
                    terminal.id.into(),
                    terminal.sn.as_str().into(),
                    table.clone().into(),
                    line.reason.into(),
                    app.keys.digest(&line.raw).into(),
                    app.keys.seal(SEALED_FOR, &line.raw).into(),
                    now.into(),
                ],
            ))
            .await?;
            if times > 1 {
                continue;
            }
            new.push(line.reason);
            // With the line, for it is new but once.
            if let Some((local, alarm)) = line.alarm {
                is_alarm |=
                    people::note_alarm(app, &mut tx, terminal, Some(local), Some(alarm)).await?;
            }
        }
        tx.commit().await?;
        for reason in new {
            app.metrics.unread(reason);
        }
        if is_alarm {
            let terminal_id = terminal.id;
            app.events.publish(Event::Alarm { terminal_id });
        }
    }
    Ok(())
}
