//! A backup now and then, where the options say for whom, and the oldest are removed.

use crate::app::App;
use crate::backup::{self, Sealing};
use crate::error::Result;
use chrono::TimeDelta;

pub async fn run(app: &App) -> Result<()> {
    let settings = app.settings();
    let options = &settings.backup;
    if options.recipients.is_empty() || options.every_h == 0 {
        return Ok(());
    }
    let (folder, company) = (app.config.backup_folder(), &app.company.id);
    backup::claim(&folder, company)?;
    let now = app.clock.now();
    // One of tomorrow was made by a clock that was ahead.
    let made = backup::list(&folder, company)?.into_iter();
    let newest = made
        .map(|(_, made_at)| made_at)
        .find(|made_at| *made_at <= now);
    let every = TimeDelta::hours(options.every_h.into());
    if newest.is_some_and(|made_at| now - made_at < every) {
        return Ok(());
    }
    let made = backup::make(app, &folder, Sealing::for_recipients(&options.recipients)?).await?;
    tracing::info!(file = %made.file.display(), bytes = made.bytes, "a backup was made");
    backup::thin_out(&folder, company, options.keep as usize, now)?;
    Ok(())
}
