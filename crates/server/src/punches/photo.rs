//! The photo a terminal took at a punch: the one of the same terminal, person and second; of an assigned
//! punch the one of the PIN it was sent with. It may have come before its punch or after it.

use crate::access::Right;
use crate::answer::Answer;
use crate::app::App;
use crate::error::{Error, Result};
use crate::extract::Call;
use crate::punches::punch::Row;
use crate::resource::{self, Resource};
use crate::routes::{Doc, Endpoint, Returns};
use crate::terminals::people::PUNCH_PHOTOS;
use chrono::NaiveDateTime;
use http::Method;
use muster_store::{Sql, json_list};
use serde_json::json;
use std::collections::HashSet;

/// A list of punches: whoever may see one there may see its photo.
pub trait Photographed: Resource {
    fn punch(row: &Self::Row) -> &Row;
}

async fn show<R: Photographed>(call: Call) -> Result<Answer> {
    let app = &call.request.app;
    let key = call.request.path.get(R::KEY)?;
    let row = resource::fetch::<R>(app, &call.caller, key).await?;
    let punch = R::punch(&row);
    let found: Option<(Vec<u8>,)> = app
        .store
        .find(&Sql::new(
            "SELECT jpeg_sealed FROM punch_photo WHERE company_id = $1 AND terminal_sn = $2 AND taken_local = $4 AND (pin = $3 \
                 OR pin = (SELECT s.pin FROM punch_assignment AS a JOIN punch AS s ON s.id = a.sent_id WHERE a.punch_id = $5)) \
             ORDER BY id LIMIT 1",
            [
                punch.company_id.as_str().into(),
                punch.terminal_sn.as_str().into(),
                punch.pin.as_str().into(),
                punch.punch_local.into(),
                punch.id.into(),
            ],
        ))
        .await?;
    let (kept,) = found.ok_or(Error::NotFound)?;
    let jpeg = app.keys.open_or_plain(PUNCH_PHOTOS.purpose, kept);
    let jpeg = jpeg.map_err(|error| Error::Internal(error.into()))?;
    Ok(Answer::file("image/jpeg", jpeg))
}

pub(super) fn endpoint<R: Photographed>() -> Endpoint {
    let doc = Doc {
        summary: "The photo taken at a punch".into(),
        tag: R::THING.name(),
        query: Vec::new(),
        body: None,
        returns: Returns::File(&["image/jpeg"]),
    };
    Endpoint::guarded(
        Method::GET,
        &format!("{}photo/", resource::row_path::<R>()),
        Right::View(R::THING),
        doc,
        show::<R>,
    )
}

/// A punch, and what its photo is found by.
#[derive(Debug, Clone, Copy)]
pub struct Shot<'p> {
    pub punch_id: i64,
    pub terminal_sn: &'p str,
    pub pin: &'p str,
    pub punch_local: NaiveDateTime,
}

/// Which of some punches have one, by their ids. Each is looked up in an index, whatever PostgreSQL knows of the tables.
pub async fn those_with_one<'p>(
    app: &App,
    punches: impl IntoIterator<Item = Shot<'p>>,
) -> Result<HashSet<i64>> {
    let punches = punches.into_iter().map(|punch| {
        // As SQLite has it.
        let local = punch.punch_local.format("%F %T%.f").to_string();
        json!([punch.punch_id, punch.terminal_sn, punch.pin, local])
    });
    let found: Vec<(i64,)> = app
        .store
        .all(&Sql::by_dialect(
            "WITH asked AS MATERIALIZED ( \
                 SELECT r.value ->> 0 AS id, r.value ->> 1 AS terminal_sn, r.value ->> 2 AS pin, r.value ->> 3 AS punch_local, \
                     (SELECT s.pin FROM punch_assignment AS a JOIN punch AS s ON s.id = a.sent_id \
                         WHERE a.punch_id = r.value ->> 0) AS sent_pin \
                 FROM json_each($2) AS r) \
             SELECT id FROM asked WHERE EXISTS (SELECT 1 FROM punch_photo AS p WHERE p.company_id = $1 \
                 AND p.terminal_sn = asked.terminal_sn AND p.pin IN (asked.pin, asked.sent_pin) \
                 AND p.taken_local = asked.punch_local)",
            "WITH asked AS MATERIALIZED ( \
                 SELECT (r.v ->> 0)::bigint AS id, r.v ->> 1 AS terminal_sn, r.v ->> 2 AS pin, (r.v ->> 3)::timestamp AS punch_local, \
                     (SELECT s.pin FROM punch_assignment AS a JOIN punch AS s ON s.id = a.sent_id \
                         WHERE a.punch_id = (r.v ->> 0)::bigint) AS sent_pin \
                 FROM json_array_elements($2::json) AS r (v)) \
             SELECT id FROM asked WHERE EXISTS (SELECT 1 FROM punch_photo AS p WHERE p.company_id = $1 \
                 AND p.terminal_sn = asked.terminal_sn AND p.pin IN (asked.pin, asked.sent_pin) \
                 AND p.taken_local = asked.punch_local)",
            [app.company.id.as_str().into(), json_list(punches)],
        ))
        .await?;
    Ok(found.into_iter().map(|(id,)| id).collect())
}

/// The punches of a terminal, person and second: those a photo was taken at, when they came before it.
pub async fn punches_at(
    app: &App,
    terminal_sn: &str,
    pin: &str,
    local: NaiveDateTime,
) -> Result<Vec<i64>> {
    let found: Vec<(i64,)> = app
        .store
        .all(&Sql::new(
            "SELECT id FROM punch WHERE company_id = $1 AND terminal_sn = $2 AND pin = $3 AND punch_local = $4",
            [
                app.company.id.as_str().into(),
                terminal_sn.into(),
                pin.into(),
                local.into(),
            ],
        ))
        .await?;
    Ok(found.into_iter().map(|(id,)| id).collect())
}
