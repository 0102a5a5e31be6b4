//! What becomes true by the date alone: resignations whose day has come.

use crate::app::App;
use crate::error::Result;
use crate::resources::resignation;

pub async fn run(app: &App) -> Result<()> {
    resignation::turn_of_the_day(app).await
}
