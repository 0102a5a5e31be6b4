//! Tells terminals when daylight saving time begins or ends.

use crate::app::App;
use crate::error::Result;
use crate::terminals::clocks;

pub async fn run(app: &App) -> Result<()> {
    clocks::turn(app).await
}
