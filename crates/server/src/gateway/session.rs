//! Who calls: a terminal is known and let in, or it is refused and keeps what it has.

use crate::app::App;
use crate::config::Admission;
use crate::gateway::reply::{self, Reply};
use crate::passage::network;
use crate::terminals::contact;
use crate::terminals::roster::Presence;
use muster_protocol::target::{Query, SerialNumberProblem};
use std::net::IpAddr;
use std::sync::Arc;

/// The terminal behind a request, when it may be served. One that calls for the first time is
/// listed and held; a held one is noted and refused, on every route alike, so that it never gets a
/// 200 for what nobody keeps.
pub async fn identify(app: &App, query: &Query, address: IpAddr) -> Result<Arc<Presence>, Reply> {
    let sn = query.serial_number().map_err(|problem| match problem {
        SerialNumberProblem::Missing => reply::no_serial_number(),
        SerialNumberProblem::Bad(_) => reply::bad_serial_number(),
    })?;
    let now = app.clock.now();
    let presence = match app.roster.get(&sn) {
        Some(presence) => presence,
        None => loop {
            let edition = app.roster.edition();
            let known = contact::find(app, &sn).await.map_err(unavailable)?;
            if known.is_none()
                && app.settings().terminals.admission != Admission::Closed
                && app.newcomers.check_key(&network(address)).is_ok()
                && contact::add(app, &sn, address).await.map_err(unavailable)?
            {
                tracing::info!(%sn, %address, "a terminal called for the first time");
                continue;
            }
            let Some(known) = known else {
                app.roster.refuse(&sn, address, now);
                return Err(reply::unknown_device());
            };
            if let Some(presence) = app.roster.admit(&sn, known, address, edition) {
                break presence;
            }
        },
    };
    if let Some(before) = presence.touch(now, address) {
        tracing::info!(%sn, %address, %before, "a terminal calls from another address");
    }
    if presence.is_unauthorized() && app.settings().terminals.admission != Admission::Open {
        return Err(reply::unknown_device());
    }
    Ok(presence)
}

/// The terminal is told to come back; the cause is in the log.
pub fn unavailable(error: crate::error::Error) -> Reply {
    tracing::error!(%error, "a terminal was told to try later");
    reply::unavailable()
}
