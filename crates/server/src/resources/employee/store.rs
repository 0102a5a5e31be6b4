//! Employees as rows: one that was given, or a file of them, several hundred by one statement. Whoever
//! stores them has taken its place among those that change people (`writing::people_in_order`).

use super::write::Changes;
use super::{AreaOf, Employee, Row, VALID, by_employee, select_areas};
use crate::access::Caller;
use crate::accounts::token;
use crate::app::App;
use crate::appendix;
use crate::audit::{self, Deed};
use crate::error::{Error, Problem, Result};
use crate::punches::record;
use crate::relation::AREA;
use crate::resource::{self, Columns, Refused, Resource};
use crate::terminals::{people, sync};
use crate::writing::{self, Writing};
use muster_store::{Sql, Statement, Tx, json_list};
use std::collections::{HashMap, HashSet};

/// The seeded department and area new people are in unless told.
pub(super) const FIRST: i64 = 1;
/// So many are written by one statement: thirty thousand values fit into one.
const TOGETHER: usize = 500;
/// The column of the own password's hash.
pub(super) const SELF_PASSWORD: &str = "self_password_hash";

/// What was given of somebody who is new, or of a stored one.
type Given = (Changes, Option<Row>);

// ---- who stands against it --------------------------------------------------------------------

/// What others have of what is unlike in each: codes, and the cards of those who are there.
#[derive(Default)]
struct Others {
    codes: HashSet<String>,
    /// By card, the codes of those who have it.
    cards: HashMap<String, HashSet<String>>,
}

impl Others {
    /// Looks for all that these rows give, within a transaction or before it.
    async fn of(
        app: &App,
        mut tx: Option<&mut Tx>,
        rows: &[(&Changes, Option<&Row>)],
    ) -> Result<Others> {
        let mut others = Others::default();
        // PostgreSQL is told to look each up by itself: a table that grows within this transaction it takes for small.
        for some in rows.chunks(TOGETHER) {
            let codes = some
                .iter()
                .filter_map(|(changes, _)| changes.emp_code.as_deref());
            let codes = Sql::by_dialect(
                "SELECT emp_code FROM employee WHERE company_id = $1 AND emp_code IN (SELECT value FROM json_each($2))",
                "SELECT e.emp_code FROM jsonb_array_elements_text($2::jsonb) AS j CROSS JOIN LATERAL \
                     (SELECT emp_code FROM employee WHERE company_id = $1 AND emp_code = j.value OFFSET 0) AS e",
                [app.company.id.clone().into(), json_list(codes)],
            );
            let codes: Vec<(String,)> = all(app, tx.as_deref_mut(), &codes).await?;
            others.codes.extend(codes.into_iter().map(|(code,)| code));
            // By the card alone, which few have had: asked for those in force, SQLite walks all of them.
            let cards = some.iter().filter_map(|(changes, _)| changes.card());
            let cards = Sql::by_dialect(
                "SELECT card_no, emp_code, company_id, status FROM employee \
                 WHERE card_no IN (SELECT value FROM json_each($1))",
                "SELECT e.* FROM jsonb_array_elements_text($1::jsonb) AS j CROSS JOIN LATERAL \
                     (SELECT card_no, emp_code, company_id, status FROM employee WHERE card_no = j.value OFFSET 0) AS e",
                [json_list(cards)],
            );
            let cards: Vec<(String, String, String, i16)> =
                all(app, tx.as_deref_mut(), &cards).await?;
            for (card, emp_code, company_id, status) in cards {
                if status == VALID && company_id == app.company.id {
                    others.cards.entry(card).or_default().insert(emp_code);
                }
            }
        }
        Ok(others)
    }

    /// What stands against a row, which is taken for stored then: the next ones are compared with it.
    fn problems(&mut self, changes: &Changes, stored: Option<&Row>) -> Vec<Problem> {
        let mut problems = Vec::new();
        let code = stored
            .map(|row| &row.emp_code)
            .or(changes.emp_code.as_ref());
        let code = code.map_or("", String::as_str);
        if stored.is_none() && !self.codes.insert(code.to_owned()) {
            let message = t!("employee with this emp code already exists.");
            problems.push(Problem::new("emp_code", message));
        }
        let Some(card) = changes.card() else {
            return problems;
        };
        let holders = self.cards.entry(card.to_owned()).or_default();
        // Two people with one card could not be told apart at a terminal.
        if holders.iter().any(|holder| holder != code) {
            problems.push(card_used("card_no"));
        } else if stored.is_none_or(|row| row.status == VALID) {
            holders.insert(code.to_owned());
            let before = stored.and_then(|row| row.card_no.as_deref());
            if let Some(before) = before.filter(|before| *before != card)
                && let Some(holders) = self.cards.get_mut(before)
            {
                holders.remove(code);
            }
        }
        problems
    }
}

pub(super) fn card_used(field: &str) -> Problem {
    Problem::new(field, t!("employee with this card no already exists.")).coded(appendix::CARD_USED)
}

/// These people are there again: whose card somebody else has got meanwhile, one problem each.
pub async fn returned(tx: &mut Tx, ids: &[i64]) -> Result<Vec<Problem>> {
    let sharing: Vec<(String,)> = tx
        .all(&Sql::by_dialect(
            "SELECT e.emp_code FROM employee AS e WHERE e.id IN (SELECT value FROM json_each($1)) \
                 AND EXISTS (SELECT 1 FROM employee AS o WHERE o.card_no = e.card_no \
                     AND o.company_id = e.company_id AND +o.status = 0 AND o.id <> e.id) ORDER BY e.emp_code",
            "SELECT e.emp_code FROM employee AS e \
             WHERE e.id IN (SELECT CAST(jsonb_array_elements_text($1::jsonb) AS BIGINT)) \
                 AND EXISTS (SELECT 1 FROM employee AS o WHERE o.card_no = e.card_no \
                     AND o.company_id = e.company_id AND o.status = 0 AND o.id <> e.id) ORDER BY e.emp_code",
            [json_list(ids.iter().copied())],
        ))
        .await?;
    Ok(sharing
        .into_iter()
        .map(|(emp_code,)| {
            let message = t!(
                "Somebody else has the card of employee {emp_code} by now.",
                emp_code = emp_code
            );
            Problem::new("emp_code", message).coded(appendix::CARD_USED)
        })
        .collect())
}

async fn all<T: muster_store::Record>(
    app: &App,
    tx: Option<&mut Tx>,
    statement: &impl Statement,
) -> Result<Vec<T>> {
    Ok(match tx {
        Some(tx) => tx.all(statement).await?,
        None => app.store.all(statement).await?,
    })
}

/// What stands against each of these rows, as far as it can be told before the transaction.
pub(super) async fn foresee(app: &App, rows: &[(&Changes, Option<&Row>)]) -> Result<Vec<Refused>> {
    let mut others = Others::of(app, None, rows).await?;
    Ok(refused(&mut others, rows))
}

/// What others have of what one row gives.
pub(super) async fn problems(
    app: &App,
    changes: &Changes,
    stored: Option<&Row>,
) -> Result<Vec<Problem>> {
    let mut others = Others::of(app, None, &[(changes, stored)]).await?;
    Ok(others.problems(changes, stored))
}

fn refused(others: &mut Others, rows: &[(&Changes, Option<&Row>)]) -> Vec<Refused> {
    let problems = rows
        .iter()
        .map(|(changes, stored)| others.problems(changes, *stored));
    problems
        .enumerate()
        .filter(|(_, problems)| !problems.is_empty())
        .map(|(place, problems)| (place, Error::Invalid(problems)))
        .collect()
}

// ---- storing ----------------------------------------------------------------------------------

/// Stores them with their audit entries; see `Writable::store_several`.
pub(super) async fn store_several(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    rows: Vec<Given>,
) -> Result<Result<Vec<i64>, Vec<Refused>>> {
    let mut ids = Vec::with_capacity(rows.len());
    let mut rows = rows.into_iter();
    loop {
        let some: Vec<Given> = rows.by_ref().take(TOGETHER).collect();
        if some.is_empty() {
            return Ok(Ok(ids));
        }
        let before = ids.len();
        match store_some(app, tx, caller, some).await? {
            Ok(stored) => ids.extend(stored),
            Err(refused) => {
                let of_all = |(place, error)| (before + place, error);
                return Ok(Err(refused.into_iter().map(of_all).collect()));
            }
        }
    }
}

async fn store_some(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    mut rows: Vec<Given>,
) -> Result<Result<Vec<i64>, Vec<Refused>>> {
    let gone = read_again(app, tx, &mut rows).await?;
    if !gone.is_empty() {
        return Ok(Err(gone));
    }
    let looked_at: Vec<(&Changes, Option<&Row>)> = rows
        .iter()
        .map(|(changes, stored)| (changes, stored.as_ref()))
        .collect();
    let mut others = Others::of(app, Some(tx), &looked_at).await?;
    let refused = refused(&mut others, &looked_at);
    if !refused.is_empty() {
        return Ok(Err(refused));
    }
    // Each keeps its place, for the ids.
    let (mut made, mut changed) = (Vec::new(), Vec::new());
    for (place, (changes, stored)) in rows.into_iter().enumerate() {
        match stored {
            None => made.push((place, changes)),
            Some(stored) => changed.push((place, changes, stored)),
        }
    }
    let mut ids = vec![0; made.len() + changed.len()];
    let (places, made): (Vec<usize>, Vec<Changes>) = made.into_iter().unzip();
    for (place, id) in places.into_iter().zip(add(app, tx, caller, made).await?) {
        ids[place] = id;
    }
    for (place, _, stored) in &changed {
        ids[*place] = stored.id;
    }
    let changed = changed
        .into_iter()
        .map(|(_, changes, stored)| (changes, stored))
        .collect();
    change(app, tx, caller, changed).await?;
    Ok(Ok(ids))
}

/// Puts the stored rows as they are now in the place of what was read before the transaction; returns
/// who is gone.
async fn read_again(app: &App, tx: &mut Tx, rows: &mut [Given]) -> Result<Vec<Refused>> {
    let ids: Vec<i64> = rows
        .iter()
        .filter_map(|(_, stored)| stored.as_ref().map(|row| row.id))
        .collect();
    let mut now = rows_of(app, tx, &ids).await?;
    let mut gone = Vec::new();
    for (place, (_, stored)) in rows.iter_mut().enumerate() {
        let Some(row) = stored else { continue };
        match now.remove(&row.id) {
            Some(now) => *row = now,
            None => gone.push((
                place,
                Error::NoSuch {
                    code: Employee::ABSENT,
                },
            )),
        }
    }
    Ok(gone)
}

async fn rows_of(app: &App, tx: &mut Tx, ids: &[i64]) -> Result<HashMap<i64, Row>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<Row> = tx.all(&resource::by_ids::<Employee>(app, ids)).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

async fn areas_of(tx: &mut Tx, ids: &[i64]) -> Result<HashMap<i64, Vec<AreaOf>>> {
    Ok(by_employee(tx.all(&select_areas(ids)).await?))
}

/// Writes what a search looks into of those who have it not yet: who came from a terminal, or was there
/// before there was such a thing.
pub async fn complete_searches(app: &App) -> Result<()> {
    loop {
        let due = Sql::new(
            "SELECT id FROM employee WHERE search_more IS NULL ORDER BY id LIMIT $1",
            [(TOGETHER as i64).into()],
        );
        if app.store.all::<(i64,)>(&due).await?.is_empty() {
            return Ok(());
        }
        let mut tx = app.store.write().await?;
        writing::people_in_order(&mut tx, &app.company.id).await?;
        let ids: Vec<(i64,)> = tx.all(&due).await?;
        let ids: Vec<i64> = ids.into_iter().map(|(id,)| id).collect();
        let rows = rows_of(app, &mut tx, &ids).await?;
        let texts: Vec<(i64, Columns)> = rows
            .into_iter()
            .map(|(id, row)| {
                let mut columns = Columns::default();
                columns.set("search_more", Changes::default().search_more(Some(&row)));
                (id, columns)
            })
            .collect();
        if texts.is_empty() {
            return Ok(());
        }
        tx.run(&Columns::update_several(texts, "employee")).await?;
        tx.commit().await?;
    }
}

/// New ones; gives their ids, in their order.
async fn add(app: &App, tx: &mut Writing, caller: &Caller, rows: Vec<Changes>) -> Result<Vec<i64>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let now = app.clock.now();
    let mut codes = Vec::with_capacity(rows.len());
    let mut areas = Vec::with_capacity(rows.len());
    let mut columns = Vec::with_capacity(rows.len());
    for mut changes in rows {
        let emp_code = changes.emp_code.take().unwrap_or_default();
        let (text, more) = (
            changes.search_text(&emp_code, None),
            changes.search_more(None),
        );
        let mut row = changes.columns;
        row.set("search_text", text);
        row.set("search_more", more);
        row.set("emp_code", emp_code.clone());
        row.set("company_id", app.company.id.clone());
        row.set("created_at", now);
        row.set("changed_at", now);
        // Where a column has no null, each row of a statement says what it is.
        row.set_unless("department_id", FIRST);
        for (flag, is_set) in [
            ("enable_att", true),
            ("enable_overtime", false),
            ("enable_holiday", true),
            ("enable_whatsapp", false),
            ("enable_sms", false),
        ] {
            row.set_unless(flag, is_set);
        }
        row.set_unless("dev_privilege", 0_i64);
        row.set_unless("app_status", 0_i64);
        row.set_unless("flow_role", "[]");
        codes.push(emp_code);
        areas.push(changes.areas.unwrap_or_else(|| vec![FIRST]));
        columns.push(row);
    }
    let mut insert = Columns::insert_several(columns, "employee");
    insert.returning(sea_query::Query::returning().columns(["id", "emp_code"]));
    let made: Vec<(i64, String)> = tx.all(&insert).await?;
    let made: HashMap<String, i64> = made.into_iter().map(|(id, code)| (code, id)).collect();
    let ids: Vec<i64> = codes
        .iter()
        .filter_map(|code| made.get(code).copied())
        .collect();
    put_areas(tx, ids.iter().copied().zip(areas)).await?;

    let mut rows = rows_of(app, tx, &ids).await?;
    let mut areas = areas_of(tx, &ids).await?;
    let deeds = ids.iter().filter_map(|id| {
        let row = rows.remove(id)?;
        Some(Deed {
            action: "create",
            thing: Employee::NAME,
            after: Some(row.audited(&areas.remove(id).unwrap_or_default())),
            thing_id: row.emp_code,
            ..Deed::default()
        })
    });
    audit::write_several(tx, now, caller, deeds).await?;
    Ok(ids)
}

/// Changes the stored ones in what was given.
async fn change(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    rows: Vec<(Changes, Row)>,
) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let now = app.clock.now();
    let ids: Vec<i64> = rows.iter().map(|(_, stored)| stored.id).collect();
    let areas_before = areas_of(tx, &ids).await?;
    let mut columns = Vec::with_capacity(rows.len());
    let mut areas = Vec::new();
    let mut before = Vec::with_capacity(rows.len());
    for (mut changes, stored) in rows {
        let text = changes.search_text(&stored.emp_code, Some(&stored));
        let more = changes.search_more(Some(&stored));
        let had = areas_before.get(&stored.id).map_or(&[][..], Vec::as_slice);
        if let Some(mut given) = changes.areas.take() {
            // What lies beyond the caller's own areas is not the caller's to take away.
            let beyond = had.iter().map(|area| area.id);
            given.extend(beyond.filter(|id| !AREA.reaches(caller, *id)));
            areas.push((stored.id, given));
        }
        let mut row = changes.columns;
        row.set("search_text", text);
        row.set("search_more", more);
        row.set("changed_at", now);
        if row.has(SELF_PASSWORD) {
            token::remove_of_employee(tx, stored.id).await?;
        }
        columns.push((stored.id, row));
        before.push(stored);
    }
    tx.run(&Columns::update_several(columns, "employee"))
        .await?;
    remove_areas(tx, areas.iter().map(|(id, _)| *id)).await?;
    put_areas(tx, areas.into_iter()).await?;

    let rows = rows_of(app, tx, &ids).await?;
    let areas_after = areas_of(tx, &ids).await?;
    let of = |areas: &HashMap<i64, Vec<AreaOf>>, row: &Row| {
        row.audited(areas.get(&row.id).map_or(&[][..], Vec::as_slice))
    };
    let deeds = before.iter().filter_map(|stored| {
        let row = rows.get(&stored.id)?;
        Some(Deed {
            action: "update",
            thing: Employee::NAME,
            thing_id: row.emp_code.clone(),
            before: Some(of(&areas_before, stored)),
            after: Some(of(&areas_after, row)),
        })
    });
    audit::write_several(tx, now, caller, deeds).await?;
    // Whether they may log in, and with what, may have changed.
    tx.after_commit(|app| app.accounts.forget());
    Ok(())
}

async fn remove_areas(tx: &mut Tx, ids: impl Iterator<Item = i64>) -> Result<()> {
    tx.run(&Sql::by_dialect(
        "DELETE FROM employee_area WHERE employee_id IN (SELECT value FROM json_each($1))",
        "DELETE FROM employee_area WHERE employee_id IN (SELECT jsonb_array_elements_text($1::jsonb)::bigint)",
        [json_list(ids)],
    ))
    .await?;
    Ok(())
}

async fn put_areas(tx: &mut Tx, areas: impl Iterator<Item = (i64, Vec<i64>)>) -> Result<()> {
    let pairs = areas.flat_map(|(id, areas)| areas.into_iter().map(move |area| vec![id, area]));
    tx.run(&Sql::by_dialect(
        "INSERT INTO employee_area (employee_id, area_id) SELECT value ->> 0, value ->> 1 FROM json_each($1)",
        "INSERT INTO employee_area (employee_id, area_id) \
         SELECT (pair ->> 0)::bigint, (pair ->> 1)::bigint FROM jsonb_array_elements($1::jsonb) AS pair",
        [json_list(pairs)],
    ))
    .await?;
    Ok(())
}

// ---- what follows -----------------------------------------------------------------------------

/// Templates that waited for a code find their person; terminals are told, of many people after the
/// commit ([`tell`]); punches that waited come last of all, for none is stored meanwhile.
pub(super) async fn conclude(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    ids: &[i64],
) -> Result<()> {
    for some in ids.chunks(TOGETHER) {
        let codes = codes_of(tx, some).await?;
        people::adopt(app, tx, &codes).await?;
        if ids.len() <= TOGETHER {
            sync::concerns(app, tx, caller, &codes).await?;
        } else {
            remember(app, tx, &codes).await?;
        }
    }
    record::adopt(tx, &app.company.id, ids).await?;
    Ok(())
}

async fn codes_of(tx: &mut Tx, ids: &[i64]) -> Result<Vec<String>> {
    let codes: Vec<(String,)> = tx
        .all(&Sql::by_dialect(
            "SELECT emp_code FROM employee WHERE id IN (SELECT value FROM json_each($1)) ORDER BY id",
            "SELECT emp_code FROM employee WHERE id IN (SELECT jsonb_array_elements_text($1::jsonb)::bigint) \
             ORDER BY id",
            [json_list(ids.iter().copied())],
        ))
        .await?;
    Ok(codes.into_iter().map(|(code,)| code).collect())
}

/// Writes down whose terminals are to be told once this is committed.
async fn remember(app: &App, tx: &mut Tx, codes: &[String]) -> Result<()> {
    tx.run(&Sql::by_dialect(
        "INSERT INTO employee_untold (company_id, emp_code) SELECT $1, value FROM json_each($2) WHERE true \
         ON CONFLICT DO NOTHING",
        "INSERT INTO employee_untold (company_id, emp_code) \
         SELECT $1, jsonb_array_elements_text($2::jsonb) ON CONFLICT DO NOTHING",
        [
            app.company.id.clone().into(),
            json_list(codes.iter().map(String::as_str)),
        ],
    ))
    .await?;
    Ok(())
}

/// Tells the terminals of everybody who was stored together with many, in transactions of a few hundred
/// people, so that punches and other callers get in between. What is left undone the next one does.
pub async fn tell(app: &App, caller: &Caller) -> Result<()> {
    let untold = || {
        Sql::new(
            "SELECT emp_code FROM employee_untold WHERE company_id = $1 ORDER BY emp_code LIMIT $2",
            [
                app.company.id.clone().into(),
                i64::try_from(TOGETHER).unwrap_or(i64::MAX).into(),
            ],
        )
    };
    loop {
        let waiting: Vec<(String,)> = app.store.all(&untold()).await?;
        if waiting.is_empty() {
            return Ok(());
        }
        let mut tx = Writing::begin(app).await?;
        writing::people_in_order(&mut tx, &app.company.id).await?;
        // Somebody else may have told them meanwhile.
        let codes: Vec<(String,)> = tx.all(&untold()).await?;
        let codes: Vec<String> = codes.into_iter().map(|(code,)| code).collect();
        sync::concerns(app, &mut tx, caller, &codes).await?;
        tx.run(&Sql::by_dialect(
            "DELETE FROM employee_untold WHERE company_id = $1 AND emp_code IN (SELECT value FROM json_each($2))",
            "DELETE FROM employee_untold WHERE company_id = $1 \
                 AND emp_code = ANY(ARRAY(SELECT jsonb_array_elements_text($2::jsonb)))",
            [
                app.company.id.clone().into(),
                json_list(codes.iter().map(String::as_str)),
            ],
        ))
        .await?;
        tx.commit(app).await?;
    }
}
