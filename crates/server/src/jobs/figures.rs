//! Counts what cannot be counted as it happens, where somebody watches.

use crate::app::App;
use crate::error::Result;
use crate::metrics::Figures;
use crate::terminals::overview::{self, State};
use muster_store::Sql;

pub async fn run(app: &App) -> Result<()> {
    if !app.config.metrics.are_told() {
        return Ok(());
    }
    let (queued, sent, transactions, unregistered): (i64, i64, i64, i64) = app
        .store
        .one(&Sql::new(
            "SELECT (SELECT COUNT(*) FROM terminal_command WHERE state = 'queued'), \
                    (SELECT COUNT(*) FROM terminal_command WHERE state = 'sent'), \
                    transactions, unregistered FROM punch_counter",
            [],
        ))
        .await?;
    let mut figures = Figures {
        queued,
        sent,
        transactions,
        unregistered,
        ..Figures::default()
    };
    for (state, is_clock_off) in overview::states(app).await? {
        match state {
            State::Waiting => figures.waiting += 1,
            State::Online => figures.online += 1,
            State::Offline => figures.offline += 1,
        }
        figures.clocks_off += i64::from(is_clock_off);
    }
    app.metrics.counted(&figures);
    Ok(())
}
