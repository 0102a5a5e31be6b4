//! Writes down what terminals told by calling, all at once, so that a poll costs no write of its
//! own; and says who went silent or spoke up.

use crate::app::App;
use crate::error::Result;
use crate::events::Event;
use crate::terminals::contact;

pub async fn run(app: &App) -> Result<()> {
    let news = app.roster.take_heard();
    if let Err(error) = contact::save_news(app, &news).await {
        app.roster.put_back(&news);
        return Err(error);
    }
    for id in app.roster.take_turned(app.clock.now()) {
        app.events.publish(Event::Terminal(id));
    }
    app.newcomers.retain_recent();
    Ok(())
}
