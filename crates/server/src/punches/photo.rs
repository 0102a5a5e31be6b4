//! The photo a terminal took at a punch: the one of the same terminal, person and second; of an assigned
//! punch the one of the PIN it was sent with.

use crate::access::{Right, Thing};
use crate::answer::Answer;
use crate::error::{Error, Result};
use crate::extract::Call;
use crate::punches::transaction::Transaction;
use crate::resource::{self, Resource};
use crate::routes::{Doc, Endpoint, Returns};
use crate::terminals::people::PUNCH_PHOTOS;
use http::Method;
use muster_store::Sql;

async fn show(call: Call) -> Result<Answer> {
    let app = &call.request.app;
    let key = call.request.path.get(Transaction::KEY)?;
    let punch = resource::fetch::<Transaction>(app, &call.caller, key).await?;
    let found: Option<(Vec<u8>,)> = app
        .store
        .find(&Sql::new(
            "SELECT jpeg_sealed FROM punch_photo WHERE company_id = $1 AND terminal_sn = $2 AND taken_local = $4 AND (pin = $3 \
                 OR pin = (SELECT s.pin FROM punch_assignment AS a JOIN punch AS s ON s.id = a.sent_id WHERE a.punch_id = $5)) \
             ORDER BY id LIMIT 1",
            [
                punch.company_id.into(),
                punch.terminal_sn.into(),
                punch.pin.into(),
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

pub(super) fn endpoints() -> Vec<Endpoint> {
    let doc = Doc {
        summary: "The photo taken at a punch".into(),
        tag: Thing::Transaction.name(),
        query: Vec::new(),
        body: None,
        returns: Returns::File(&["image/jpeg"]),
    };
    vec![
        Endpoint::guarded(
            Method::GET,
            &format!("{}photo/", resource::row_path::<Transaction>()),
            Right::View(Thing::Transaction),
            doc,
            show,
        )
        .with_own_rows(),
    ]
}
