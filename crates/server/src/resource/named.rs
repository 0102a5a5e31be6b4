//! The rows that a request means: one by the code or id in its path or a member, several by those in
//! its body, or all that match.

use super::Resource;
use super::field::{col, id_column};
use super::selection::Selection;
use crate::access::Caller;
use crate::app::App;
use crate::error::{Error, Problem, Result};
use crate::extract::{Body, Query, python_type};
use crate::input::read_several;
use crate::language::Text;
use sea_query::{ExprTrait, SelectStatement, SimpleExpr};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// The row a path names: by its code or its id, whichever the profile looks at first.
pub async fn find<R: Resource>(app: &App, caller: &Caller, key: &str) -> Result<Option<R::Row>> {
    if key.chars().any(char::is_control) {
        return Ok(None);
    }
    let by_code = R::CODE.map(|code| col(code).eq(key));
    let by_id = read_id(key).map(|id| col(id_column::<R>()).eq(id));
    for condition in caller.profile.tried(by_code, by_id) {
        let mut select = SelectStatement::new();
        R::tables(&mut select);
        R::columns(&mut select, app);
        select
            .cond_where(R::visible(caller, app))
            .and_where(condition)
            .limit(1);
        if let Some(row) = app.store.find(&select).await? {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

pub async fn fetch<R: Resource>(app: &App, caller: &Caller, key: &str) -> Result<R::Row> {
    find::<R>(app, caller, key)
        .await?
        .ok_or(Error::NoSuch { code: R::ABSENT })
}

/// The row a member of a body names: by its code or its id, as text or number; or what is wrong with it.
pub async fn named<R: Resource>(
    app: &App,
    caller: &Caller,
    field: &str,
    value: &Value,
) -> Result<Result<R::Row, Problem>> {
    let key = match value {
        Value::Null => return Ok(Err(Problem::new(field, t!("This field may not be null.")))),
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) if !number.is_f64() => number.to_string(),
        other => {
            let message = caller.profile.wrong_type(python_type(other));
            return Ok(Err(Problem::new(field, message)));
        }
    };
    Ok(find::<R>(app, caller, &key).await?.ok_or_else(|| {
        let code = R::CODE.map_or("id", |(_, name)| name);
        Problem::new(field, caller.profile.no_such(code, &key)).coded(R::ABSENT)
    }))
}

/// A row just written, whether or not the caller still sees it.
pub async fn fetch_by_id<R: Resource>(app: &App, id: i64) -> Result<R::Row> {
    app.store
        .find(&by_id::<R>(app, id))
        .await?
        .ok_or(Error::NoSuch { code: R::ABSENT })
}

/// The query for one row, also for inside a transaction.
pub fn by_id<R: Resource>(app: &App, id: i64) -> SelectStatement {
    let mut select = SelectStatement::new();
    R::tables(&mut select);
    R::columns(&mut select, app);
    select.and_where(col(id_column::<R>()).eq(id)).limit(1);
    select
}

/// The query for several rows, also for inside a transaction.
pub fn by_ids<R: Resource>(app: &App, ids: &[i64]) -> SelectStatement {
    let mut select = SelectStatement::new();
    R::tables(&mut select);
    R::columns(&mut select, app);
    select.and_where(col(id_column::<R>()).is_in(ids.iter().copied()));
    select
}

/// An id as it is written: digits, the first not 0.
pub fn read_id(text: &str) -> Option<i64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    plain.then(|| text.parse().ok()).flatten()
}

/// One request does something with at most so many rows.
pub const MOST: usize = 10_000;
/// So many are looked for in one query.
pub(super) const AT_ONCE: usize = 500;

/// The rows a body names, and how it named them.
#[derive(Debug)]
pub struct Several<T> {
    /// The member that lists them.
    pub field: &'static str,
    /// As they were sent.
    pub given: Vec<Value>,
    /// In that order, each once.
    pub rows: Vec<T>,
}

/// All rows that match, in the list's order, unless one request may not mean so many.
pub async fn matching<R: Resource>(
    app: &App,
    caller: &Caller,
    query: &mut Query,
) -> Result<Vec<R::Row>> {
    let selection = Selection::read::<R>(app, caller, query).await?;
    let mut select = selection.statement::<R>();
    selection.sort::<R>(app, &mut select);
    R::columns(&mut select, app);
    select.limit(MOST as u64 + 1);
    let rows: Vec<R::Row> = app.store.all(&select).await?;
    match rows.len() {
        ..=MOST => Ok(rows),
        _ => Err(Error::refused(t!(
            "At most {count} can be meant at once. Narrow the list.",
            count = MOST
        ))),
    }
}

/// Reads which rows a bulk action or a command is for: codes or ids, whichever the profile looks
/// at first, under one of several names, as a list, a single one, `1,2,3` or a form's repeated
/// field. All of them, or every one that is not there (or not the caller's to see) is named.
pub async fn several<R: Resource>(
    app: &App,
    caller: &Caller,
    body: &Body,
    names: &[&'static str],
) -> Result<Several<R::Row>> {
    let Some((field, value)) = body.first_of(names) else {
        return Err(none_named::<R>(names, t!("This field is required.")));
    };
    if value.is_null() {
        return Err(none_named::<R>(&[field], t!("This field may not be null.")));
    }
    let Some(given) = read_several(value) else {
        return Err(Error::invalid(
            field,
            t!("Expected a list of codes or ids."),
        ));
    };
    if given.is_empty() {
        return Err(none_named::<R>(&[field], t!("This list may not be empty.")));
    }
    if given.len() > MOST {
        let text = t!(
            "Ensure this field has no more than {count} elements.",
            count = MOST
        );
        return Err(Error::invalid(field, text));
    }
    let keys: Vec<String> = given
        .iter()
        .map(|key| {
            key.as_str()
                .map_or_else(|| key.to_string(), |text| text.trim().to_owned())
        })
        .collect();
    // No code has a control character, and PostgreSQL takes no text with some of them.
    let asked: Vec<&str> = keys
        .iter()
        .map(String::as_str)
        .filter(|key| !key.chars().any(char::is_control))
        .collect();
    let known = look_up::<R>(app, caller, &asked).await?;
    let mut ids: Vec<i64> = Vec::with_capacity(keys.len());
    let mut seen = HashSet::new();
    let mut problems = Vec::new();
    for key in &keys {
        match known.get(key.as_str()) {
            Some(id) if seen.insert(*id) => ids.push(*id),
            Some(_) => {}
            None => {
                let code = R::CODE.map_or("id", |(_, name)| name);
                let message = caller.profile.no_such(code, key);
                problems.push(Problem::new(field, message).coded(R::ABSENT));
            }
        }
    }
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let mut rows: HashMap<i64, R::Row> = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(AT_ONCE) {
        let mut select = SelectStatement::new();
        R::tables(&mut select);
        R::columns(&mut select, app);
        select.and_where(col(id_column::<R>()).is_in(ids.iter().copied()));
        let found: Vec<R::Row> = app.store.all(&select).await?;
        rows.extend(found.into_iter().map(|row| (R::id(&row), row)));
    }
    Ok(Several {
        field,
        given,
        rows: ids.iter().filter_map(|id| rows.remove(id)).collect(),
    })
}

/// A request for several rows that names none, under the first of these.
pub fn none_named<R: Resource>(names: &[&'static str], message: Text) -> Error {
    let field = names.first().copied().unwrap_or_default();
    Error::Invalid(vec![Problem::new(field, message).coded(R::NONE_NAMED)])
}

/// Those of these rows that are there and the caller's to see.
pub async fn seen<R: Resource>(app: &App, caller: &Caller, ids: &[i64]) -> Result<HashSet<i64>> {
    let id = id_column::<R>();
    let mut seen = HashSet::with_capacity(ids.len());
    for ids in ids.chunks(AT_ONCE) {
        let select = visible_where::<R>(app, caller, col(id).is_in(ids.iter().copied()));
        let found: Vec<(i64,)> = app.store.all(&select).await?;
        seen.extend(found.into_iter().map(|(id,)| id));
    }
    Ok(seen)
}

/// The id behind each code, among the rows the caller sees.
pub async fn coded<R: Resource>(
    app: &App,
    caller: &Caller,
    codes: &[&str],
) -> Result<HashMap<String, i64>> {
    let mut coded = HashMap::new();
    let Some(code) = R::CODE else {
        return Ok(coded);
    };
    for codes in codes.chunks(AT_ONCE) {
        let is_one = col(code).is_in(codes.iter().copied());
        let mut select = visible_where::<R>(app, caller, is_one);
        let found: Vec<(i64, String)> = app.store.all(select.expr(col(code))).await?;
        coded.extend(found.into_iter().map(|(id, code)| (code, id)));
    }
    Ok(coded)
}

/// The ids of rows the caller sees.
fn visible_where<R: Resource>(
    app: &App,
    caller: &Caller,
    condition: SimpleExpr,
) -> SelectStatement {
    let mut select = SelectStatement::new();
    R::tables(&mut select);
    select
        .cond_where(R::visible(caller, app))
        .and_where(condition)
        .expr(col(id_column::<R>()));
    select
}

/// The id behind each key, among the rows the caller sees.
async fn look_up<'a, R: Resource>(
    app: &App,
    caller: &Caller,
    keys: &[&'a str],
) -> Result<HashMap<&'a str, i64>> {
    let by_code = coded::<R>(app, caller, keys).await?;
    let ids: Vec<i64> = keys.iter().filter_map(|key| read_id(key)).collect();
    let by_id = seen::<R>(app, caller, &ids).await?;
    Ok(keys
        .iter()
        .filter_map(|key| {
            let id = read_id(key).filter(|id| by_id.contains(id));
            let code = by_code.get(*key).copied();
            Some((*key, caller.profile.tried(code, id).next()?))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::read_id;

    #[test]
    fn an_id_has_no_leading_zero() {
        assert_eq!(read_id("17"), Some(17));
        assert_eq!(read_id("0017"), None);
        assert_eq!(read_id("17a"), None);
        assert_eq!(read_id("99999999999999999999"), None);
    }
}
