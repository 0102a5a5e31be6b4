//! On PostgreSQL, the parts of the months to come, ready before the first punch of them.

use crate::app::App;
use crate::error::Result;
use crate::punches::parts;

pub async fn run(app: &App) -> Result<()> {
    parts::make_ahead(app).await
}
