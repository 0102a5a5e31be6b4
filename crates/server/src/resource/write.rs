//! Rows that are made, changed and removed: what a resource says for this, and how one or several are
//! saved.

use super::{Resource, first};
use crate::access::Caller;
use crate::app::App;
use crate::appendix;
use crate::error::{Error, Problem, Result};
use crate::extract::Body;
use crate::relation::Known;
use crate::routes::Member;
use crate::writing::Writing;
use serde_json::Value;
use std::collections::HashMap;

/// A row of several, by its place among them, and why it cannot be stored.
pub type Refused = (usize, Error);

/// A resource that callers may make and change.
pub trait Writable: Resource {
    const INPUT: &'static [Member];
    /// Members that point at a row of the same kind, by its code: in a file, that one is stored
    /// first.
    const ABOVE: &'static [&'static str] = &[];
    /// The appendix's number for one that would be above itself.
    const BAD_PARENT: i32 = appendix::PROGRAM_ERROR;
    /// Names that columns of files have elsewhere, each with the member it means.
    const LABELS: &'static [(&'static str, &'static str)] = &[];

    /// What was given, read and found good.
    type Change: Send + Sync;

    /// Reads what is given for a new row, or for the stored one; all that is wrong with it is one
    /// error. Changes nothing and may take its time: no transaction is open.
    fn check(
        app: &App,
        caller: &Caller,
        known: &Known,
        body: &Body,
        stored: Option<&Self::Row>,
    ) -> impl Future<Output = Result<Self::Change>> + Send;

    /// Writes the row and its audit entry, between `prepare` and `conclude`; returns its id. What only the rows of that moment can
    /// say (is the code free? would it be above itself?) is refused here, before anything of this
    /// row is written.
    fn store(
        app: &App,
        tx: &mut Writing,
        caller: &Caller,
        change: Self::Change,
        stored: Option<Self::Row>,
    ) -> impl Future<Output = Result<i64>> + Send;

    /// By its code, the code of the one above each stored row that has one.
    fn stored_above(app: &App) -> impl Future<Output = Result<HashMap<String, String>>> + Send {
        let _ = app;
        async { Ok(HashMap::new()) }
    }

    /// What only the rows of that moment can say against rows of a file, of all of them, before there is
    /// a transaction: a file that cannot be stored keeps nobody from writing. Storing looks again.
    fn foresee(
        app: &App,
        rows: &[(&Self::Change, Option<&Self::Row>)],
    ) -> impl Future<Output = Result<Vec<Refused>>> + Send {
        let _ = (app, rows);
        async { Ok(Vec::new()) }
    }

    /// `store` for several rows: their ids, in their order; or which cannot be stored, and then the
    /// transaction is to be dropped.
    fn store_several(
        app: &App,
        tx: &mut Writing,
        caller: &Caller,
        rows: Vec<(Self::Change, Option<Self::Row>)>,
    ) -> impl Future<Output = Result<Result<Vec<i64>, Vec<Refused>>>> + Send {
        async move {
            let mut ids = Vec::with_capacity(rows.len());
            let mut refused = Vec::new();
            for (place, (change, stored)) in rows.into_iter().enumerate() {
                match Self::store(app, tx, caller, change, stored).await {
                    Ok(id) => ids.push(id),
                    Err(
                        error @ (Error::Invalid(_) | Error::Refused { .. } | Error::NoSuch { .. }),
                    ) => refused.push((place, error)),
                    // What was refused before may have ended PostgreSQL's transaction; it is told first.
                    Err(_) if !refused.is_empty() => break,
                    Err(error) => return Err(error),
                }
            }
            Ok(if refused.is_empty() {
                Ok(ids)
            } else {
                Err(refused)
            })
        }
    }

    /// What comes once, before the first row of a transaction is stored: locks that hold until its
    /// end.
    fn prepare(app: &App, tx: &mut Writing) -> impl Future<Output = Result<()>> + Send {
        let _ = (app, tx);
        async { Ok(()) }
    }

    /// What comes once, after the last row of a transaction was stored: all of them, by their ids.
    fn conclude(
        app: &App,
        tx: &mut Writing,
        caller: &Caller,
        ids: &[i64],
    ) -> impl Future<Output = Result<()>> + Send {
        let _ = (app, tx, caller, ids);
        async { Ok(()) }
    }

    /// What comes once many rows are durable, and may take its time. Whatever is left undone when it fails
    /// is not lost: a job does it.
    fn follow(app: &App, caller: &Caller) -> impl Future<Output = Result<()>> + Send {
        let _ = (app, caller);
        async { Ok(()) }
    }

    /// What a create or an update answers.
    fn show_saved(
        app: &App,
        caller: &Caller,
        row: Self::Row,
    ) -> impl Future<Output = Result<Value>> + Send {
        async move { first(Self::show(app, caller, vec![row]).await?) }
    }
}

/// Makes a new row, or changes the stored one in what is given; returns its id.
pub async fn save<R: Writable>(
    app: &App,
    caller: &Caller,
    body: &Body,
    stored: Option<R::Row>,
) -> Result<i64> {
    let change = R::check(app, caller, &Known::default(), body, stored.as_ref()).await?;
    save_checked::<R>(app, caller, change, stored).await
}

/// The same with what was found good.
pub async fn save_checked<R: Writable>(
    app: &App,
    caller: &Caller,
    change: R::Change,
    stored: Option<R::Row>,
) -> Result<i64> {
    let mut tx = Writing::begin(app).await?;
    R::prepare(app, &mut tx).await?;
    let id = R::store(app, &mut tx, caller, change, stored).await?;
    R::conclude(app, &mut tx, caller, &[id]).await?;
    tx.commit(app).await?;
    Ok(id)
}

/// Changes several rows in what was found good, or none of them.
pub async fn save_several<R: Writable>(
    app: &App,
    caller: &Caller,
    rows: Vec<(R::Change, Option<R::Row>)>,
) -> Result<()> {
    let mut tx = Writing::begin(app).await?;
    R::prepare(app, &mut tx).await?;
    let ids = match R::store_several(app, &mut tx, caller, rows).await? {
        Ok(ids) => ids,
        Err(refused) => return only(Err(refused)),
    };
    R::conclude(app, &mut tx, caller, &ids).await?;
    tx.commit(app).await?;
    followed::<R>(app, caller).await;
    Ok(())
}

/// `Writable::follow`, whose failure undoes nothing.
pub(super) async fn followed<R: Writable>(app: &App, caller: &Caller) {
    if let Err(error) = R::follow(app, caller).await {
        tracing::warn!(%error, "what follows from changes of {} is left to a job", R::NAME);
    }
}

/// What became of the first row of several, or of the only one.
pub fn only<T: Default>(stored: Result<Vec<T>, Vec<Refused>>) -> Result<T> {
    match stored {
        Ok(ids) => Ok(ids.into_iter().next().unwrap_or_default()),
        Err(refused) => match refused.into_iter().next() {
            Some((_, error)) => Err(error),
            None => Ok(T::default()),
        },
    }
}

/// A resource that callers may remove.
pub trait Removable: Resource {
    /// Removes the rows and writes it down. What stands against it is told, one problem for each
    /// row that stays, with a text that names the row; then nothing of the transaction is kept.
    fn remove(
        app: &App,
        tx: &mut Writing,
        caller: &Caller,
        rows: Vec<Self::Row>,
    ) -> impl Future<Output = Result<Vec<Problem>>> + Send;
}
