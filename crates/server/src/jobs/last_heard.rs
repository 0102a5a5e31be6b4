//! Writes down when terminals were last heard, and says who went silent or spoke up.

use crate::app::App;
use crate::error::Result;
use crate::events::Event;
use crate::terminals::contact;

pub async fn run(app: &App) -> Result<()> {
    contact::save_last_heard(app, &app.roster.take_heard()).await?;
    for id in app.roster.take_turned(app.clock.now()) {
        app.events.publish(Event::Terminal(id));
    }
    Ok(())
}
