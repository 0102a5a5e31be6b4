//! Setting terminals' clocks.

use super::tell::{self, TERMINALS, Telling};
use crate::access::Right;
use crate::answer::Answer;
use crate::error::Result;
use crate::extract::Call;
use crate::routes::Endpoint;
use crate::terminals::clocks;

async fn set_time(mut call: Call) -> Result<Answer> {
    let telling = Telling::read(&mut call, "devices_sn").await?;
    let now = telling.app.clock.now();
    telling
        .plan(|terminal| Ok(vec![clocks::setting(terminal.zone(), now)]))?
        .give("set_time")
        .await
}

pub(super) fn endpoint() -> Endpoint {
    tell::endpoint(
        "set_time",
        "Sets terminals' clocks to the time of their zone, at the moment they are told",
        Right::TerminalCommand,
        &[TERMINALS],
        set_time,
    )
}
