//! Brings terminals the people they lack, and takes those who no longer belong there.

use crate::access::Caller;
use crate::app::App;
use crate::error::Result;
use crate::resources::employee;
use crate::terminals::sync;

pub async fn run(app: &App) -> Result<()> {
    // Whom an import left to be told when it, or the server, was stopped.
    employee::tell(app, &Caller::system()).await?;
    sync::settle(app).await
}
