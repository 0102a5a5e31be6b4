//! The queue of commands and the life of each.

use crate::access::Caller;
use crate::app::App;
use crate::error::Result;
use muster_store::Sql;

pub enum Command {
    Reboot,
}

/// Queues a command for a terminal; returns `terminal_command.id`. Refuses what the terminal's
/// family cannot do, what has a separator in a value, and doors of a terminal that is not online.
pub async fn enqueue(
    app: &App,
    caller: &Caller,
    terminal_id: i64,
    command: &Command,
) -> Result<i64> {
    let Command::Reboot = command;
    let mut tx = app.store.write().await?;
    let (id,): (i64,) = tx
        .one(&Sql::new(
            "INSERT INTO terminal_command (company_id, terminal_id, wire_id, verb, body_sealed, shown, state, created_by, created_at) \
             VALUES ($1, $2, (SELECT COUNT(*) + 1 FROM terminal_command WHERE terminal_id = $2), 'REBOOT', $3, 'REBOOT', 'queued', $4, $5) \
             RETURNING id",
            [
                app.company.id.clone().into(),
                terminal_id.into(),
                app.keys.seal("terminal_command", b"REBOOT").into(),
                caller.name().to_owned().into(),
                app.clock.now().into(),
            ],
        ))
        .await?;
    tx.commit().await?;
    Ok(id)
}
