//! Letting a waiting terminal in: it is moved out of "Not Authorized" into an area where it belongs.

use crate::access::{Caller, Right, Thing};
use crate::app::App;
use crate::audit::{self, Deed};
use crate::error::{Error, Result};
use crate::resources::area;
use crate::terminals::contact::{self, NOT_AUTHORIZED};
use muster_store::Sql;
use serde_json::json;

/// Where an authorised terminal goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    Area(i64),
    /// An area of this name, made with the next free code.
    NewArea(String),
}

#[derive(Debug, Clone, sqlx::FromRow)]
struct Waiting {
    sn: String,
    area_id: i64,
    area_name: String,
}

/// Authorises a terminal that waits in "Not Authorized". One that somebody else has authorised
/// meanwhile is left where it is.
pub async fn authorise(
    app: &App,
    caller: &Caller,
    terminal_id: i64,
    destination: Destination,
) -> Result<()> {
    caller.require(Right::Change(Thing::Terminal))?;
    let sees = |area: i64| {
        caller
            .scope
            .areas
            .as_ref()
            .is_none_or(|areas| areas.contains(&area))
    };
    let now = app.clock.now();
    let mut tx = app.store.write().await?;
    let terminal: Waiting = tx
        .find(&Sql::new(
            "SELECT t.sn, t.area_id, a.area_name FROM terminal t JOIN area a ON a.id = t.area_id \
             WHERE t.id = $1",
            [terminal_id.into()],
        ))
        .await?
        .filter(|terminal: &Waiting| sees(terminal.area_id))
        .ok_or(Error::NotFound)?;
    if terminal.area_id != NOT_AUTHORIZED {
        return Err(Error::refused(t!(
            "This terminal is authorised already: it is in area {area}.",
            area = terminal.area_name
        )));
    }
    let area_id = match destination {
        Destination::Area(NOT_AUTHORIZED) => {
            return Err(Error::invalid("area", t!("Choose an area.")));
        }
        Destination::Area(id) => {
            let known: Option<(i64,)> = tx
                .find(&Sql::new("SELECT id FROM area WHERE id = $1", [id.into()]))
                .await?;
            if known.is_none() || !sees(id) {
                return Err(Error::invalid(
                    "area",
                    t!("This area is not there any more."),
                ));
            }
            id
        }
        Destination::NewArea(name) => {
            caller.require(Right::Change(Thing::Area))?;
            if caller.scope.areas.is_some() {
                return Err(Error::Forbidden);
            }
            area::make(app, &mut tx, caller, &name).await?
        }
    };
    tx.run(&Sql::new(
        "UPDATE terminal SET area_id = $2, changed_at = $3, changed_by = $4 WHERE id = $1",
        [
            terminal_id.into(),
            area_id.into(),
            now.into(),
            caller.name().into(),
        ],
    ))
    .await?;
    let areas: Vec<(i64, String)> = tx
        .all(&Sql::new(
            "SELECT id, area_code FROM area WHERE id IN ($1, $2)",
            [NOT_AUTHORIZED.into(), area_id.into()],
        ))
        .await?;
    let area_code = |id: i64| areas.iter().find(|area| area.0 == id).map(|area| &area.1);
    audit::write(
        &mut tx,
        now,
        caller,
        Deed {
            action: "authorise",
            thing: "terminal",
            thing_id: terminal.sn.clone(),
            before: audit::members(json!({ "area": area_code(NOT_AUTHORIZED) })),
            after: audit::members(json!({ "area": area_code(area_id) })),
        },
    )
    .await?;
    tx.commit().await?;
    contact::changed(app, terminal_id, &terminal.sn);
    Ok(())
}

/// The areas a caller may put a terminal into.
pub async fn areas(app: &App, caller: &Caller) -> Result<Vec<(i64, String)>> {
    let areas: Vec<(i64, String)> = app
        .store
        .all(&Sql::new(
            "SELECT id, area_name FROM area WHERE id <> $1 ORDER BY area_name, id",
            [NOT_AUTHORIZED.into()],
        ))
        .await?;
    Ok(areas
        .into_iter()
        .filter(|(id, _)| {
            caller
                .scope
                .areas
                .as_ref()
                .is_none_or(|seen| seen.contains(id))
        })
        .collect())
}
