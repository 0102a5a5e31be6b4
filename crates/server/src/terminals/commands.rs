//! The queue of commands and the life of each.

use crate::access::Caller;
use crate::app::App;
use crate::error::Result;
pub struct Command;

/// Queues a command for a terminal; returns `terminal_command.id`. Refuses what the terminal's
/// family cannot do, what has a separator in a value, and doors of a terminal that is not online.
pub async fn enqueue(
    _app: &App,
    _caller: &Caller,
    _terminal_id: i64,
    _command: &Command,
) -> Result<i64> {
    Err(crate::error::Error::NotFound)
}
