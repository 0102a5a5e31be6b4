//! Letting a waiting terminal in: it is moved out of "Not Authorized" into an area where it belongs.

use crate::access::{Caller, Right, Thing};
use crate::app::App;
use crate::audit::{self, Deed};
use crate::error::{Error, Result};
use crate::events::Event;
use crate::terminals::contact::NOT_AUTHORIZED;
use muster_store::{Sql, Tx, fold};
use serde_json::json;

const AREA_NAME_LETTERS: usize = 100;

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
        return Err(Error::refused(format!(
            "This terminal is authorised already: it is in area {}.",
            terminal.area_name
        )));
    }
    let area_id = match destination {
        Destination::Area(NOT_AUTHORIZED) => {
            return Err(Error::invalid("area", "Choose an area."));
        }
        Destination::Area(id) => {
            let known: Option<(i64,)> = tx
                .find(&Sql::new("SELECT id FROM area WHERE id = $1", [id.into()]))
                .await?;
            if known.is_none() || !sees(id) {
                return Err(Error::invalid("area", "This area is not there any more."));
            }
            id
        }
        Destination::NewArea(name) => {
            caller.require(Right::Change(Thing::Area))?;
            if caller.scope.areas.is_some() {
                return Err(Error::Forbidden);
            }
            make_area(app, &mut tx, caller, &name).await?
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
    audit::write(
        &mut tx,
        now,
        caller,
        Deed {
            action: "authorise",
            thing: "terminal",
            thing_id: terminal_id.to_string(),
            before: audit::members(json!({ "area_id": NOT_AUTHORIZED })),
            after: audit::members(json!({ "area_id": area_id })),
        },
    )
    .await?;
    tx.commit().await?;
    app.roster.forget(&terminal.sn);
    app.events.publish(Event::Terminal(terminal_id));
    Ok(())
}

/// Makes an area with the code after the highest number there is.
async fn make_area(app: &App, tx: &mut Tx, caller: &Caller, name: &str) -> Result<i64> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::invalid("area", "Give the new area a name."));
    }
    if name.chars().count() > AREA_NAME_LETTERS || name.chars().any(char::is_control) {
        return Err(Error::invalid(
            "area",
            format!("A name has at most {AREA_NAME_LETTERS} letters, and no control characters."),
        ));
    }
    let areas: Vec<(String, String)> = tx
        .all(&Sql::new(
            "SELECT area_code, area_name FROM area WHERE company_id = $1",
            [app.company.id.clone().into()],
        ))
        .await?;
    if areas.iter().any(|(_, known)| fold(known) == fold(name)) {
        return Err(Error::invalid(
            "area",
            format!("There is an area {name} already."),
        ));
    }
    let code = areas
        .iter()
        .filter_map(|(code, _)| code.parse::<u32>().ok())
        .max()
        .map_or(1, |highest| u64::from(highest) + 1)
        .to_string();
    let now = app.clock.now();
    let (id,): (i64,) = tx
        .one(&Sql::new(
            "INSERT INTO area (company_id, area_code, area_name, search_text, created_at, changed_at) \
             VALUES ($1, $2, $3, $4, $5, $5) RETURNING id",
            [
                app.company.id.clone().into(),
                code.clone().into(),
                name.into(),
                fold(&format!("{code} {name}")).into(),
                now.into(),
            ],
        ))
        .await?;
    audit::write(
        tx,
        now,
        caller,
        Deed {
            action: "create",
            thing: "area",
            thing_id: id.to_string(),
            before: None,
            after: audit::members(json!({ "area_code": code, "area_name": name })),
        },
    )
    .await?;
    Ok(id)
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
