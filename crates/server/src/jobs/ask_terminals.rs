//! Asks terminals whom they hold and how many punches they have, and makes good what differs.

use crate::app::App;
use crate::error::Result;
use crate::terminals::sync::drift;

pub async fn run(app: &App) -> Result<()> {
    drift::look(app).await?;
    drift::ask(app).await
}
