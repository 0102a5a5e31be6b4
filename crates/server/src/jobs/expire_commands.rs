//! Ends commands whose time has passed while their terminal was silent, and finds those that another
//! program has queued: an import on the command line, another server.

use crate::app::App;
use crate::error::Result;
use crate::terminals::commands;

pub async fn run(app: &App) -> Result<()> {
    commands::expire(app).await?;
    commands::find_queued(app).await
}
