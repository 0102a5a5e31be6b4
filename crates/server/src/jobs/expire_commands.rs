//! Ends commands whose time has passed while their terminal was silent.

use crate::app::App;
use crate::error::Result;
use crate::terminals::commands;

pub async fn run(app: &App) -> Result<()> {
    commands::expire(app).await?;
    Ok(())
}
