//! Looks whether somebody has written a new certificate.

use crate::app::App;
use crate::error::Result;

pub async fn run(app: &App) -> Result<()> {
    app.tls.look(&app.config.tls, app.clock.now()).await;
    Ok(())
}
