//! Takes messages off terminals when they are over, and brings them where their people come.

use crate::app::App;
use crate::error::Result;
use crate::terminals::messages;

pub async fn run(app: &App) -> Result<()> {
    messages::settle(app).await
}
