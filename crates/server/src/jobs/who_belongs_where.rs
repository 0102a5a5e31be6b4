//! Brings terminals the people they lack, and takes those who no longer belong there.

use crate::app::App;
use crate::error::Result;
use crate::terminals::sync;

pub async fn run(app: &App) -> Result<()> {
    sync::settle(app).await
}
