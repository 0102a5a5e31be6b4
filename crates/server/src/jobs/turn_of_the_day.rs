//! What becomes true by the date alone: resignations whose day has come, and people whose validity
//! begins or ends.

use crate::app::App;
use crate::error::Result;
use crate::resources::resignation;
use crate::terminals::sync;

pub async fn run(app: &App) -> Result<()> {
    resignation::turn_of_the_day(app).await?;
    sync::turn_of_the_day(app).await
}
