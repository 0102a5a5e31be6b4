//! Writes what people and resignations are searched by where it is missing.

use crate::app::App;
use crate::error::Result;
use crate::resources::{employee, resignation};

pub async fn run(app: &App) -> Result<()> {
    employee::complete_searches(app).await?;
    resignation::complete_searches(app).await
}
