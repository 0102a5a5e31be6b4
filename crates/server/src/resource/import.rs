//! A file as rows of a list: what an export wrote, or a table with the same names. All of it is
//! stored, in one transaction, or nothing; then every bad row is named.

mod file;
mod header;
mod order;

use super::export::parted;
use super::field::{col, id_column};
use super::named::{AT_ONCE, by_ids};
use super::write::{Writable, followed};
use crate::access::{Caller, Right};
use crate::answer::Answer;
use crate::app::App;
use crate::error::{BadRow, Error, Problem, Result};
use crate::extract::{Body, Call};
use crate::input::brief;
use crate::relation::Known;
use crate::routes::{Doc, Endpoint, Kind, Member, Returns};
use crate::writing::Writing;
use file::{finished, read};
use futures::{StreamExt, stream};
use header::{Column, read_header};
use http::{Method, StatusCode};
use muster_sheets::Row;
use order::above;
use sea_query::{ExprTrait, SelectStatement};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};
use std::io::{Cursor, Read, Seek};
use std::iter;
use tokio::sync::SemaphorePermit;

/// So many rows are checked at a time: passwords are hashed there.
const CHECKED_AT_ONCE: usize = 8;
/// The id of a row of this file, before it has one.
const NOT_YET: i64 = 0;

/// What becomes of rows whose code is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    Skip,
    Overwrite,
}

/// How many rows were made, changed, and left as they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    pub created: u64,
    pub updated: u64,
    pub skipped: u64,
}

/// What columns are called where people read them, each with the member it means.
pub type Labels = [(String, &'static str)];

/// How far an import has come.
#[derive(Debug, Clone, Copy)]
pub enum Progress {
    Checked(u64),
    Stored { done: u64, of: u64 },
}

/// A row of the file, as the body of a request.
struct Given<R: Writable> {
    row: u64,
    code: String,
    body: Body,
    stored: Option<R::Row>,
}

/// A row that was found good.
struct Checked<R: Writable> {
    row: u64,
    code: String,
    change: R::Change,
    stored: Option<R::Row>,
}

impl<R: Writable> Given<R> {
    fn found_good(self, change: R::Change) -> Checked<R> {
        Checked {
            row: self.row,
            code: self.code,
            change,
            stored: self.stored,
        }
    }
}

/// Reads, checks and stores. One runs at a time.
pub async fn take_in<R: Writable>(
    app: &App,
    caller: &Caller,
    file: impl Read + Seek + Send + 'static,
    labels: &Labels,
    existing: Existing,
    progress: impl Fn(Progress),
) -> Result<Imported> {
    let _turn = turn(app).await?;
    let import = checked::<R>(app, caller, file, labels, existing, &progress).await?;
    import.store(progress).await
}

/// What would become of a file, as far as that is known before it is stored: how many rows would be
/// made and changed, or all that is bad. Nothing is stored.
pub async fn try_out<R: Writable>(
    app: &App,
    caller: &Caller,
    file: impl Read + Seek + Send + 'static,
    labels: &Labels,
    existing: Existing,
    progress: impl Fn(Progress),
) -> Result<Imported> {
    let _turn = turn(app).await?;
    let mut import = checked::<R>(app, caller, file, labels, existing, &progress).await?;
    let below = import.judge().await?;
    let stored = import.good.iter().map(|checked| checked.stored.is_some());
    for is_stored in stored.chain(below.iter().map(|given| given.stored.is_some())) {
        if is_stored {
            import.imported.updated += 1;
        } else {
            import.imported.created += 1;
        }
    }
    Ok(import.imported)
}

async fn turn(app: &App) -> Result<SemaphorePermit<'_>> {
    let turn = app.importing.acquire().await;
    turn.map_err(|error| Error::Internal(error.into()))
}

async fn checked<'a, R: Writable>(
    app: &'a App,
    caller: &'a Caller,
    file: impl Read + Seek + Send + 'static,
    labels: &'a Labels,
    existing: Existing,
    progress: &impl Fn(Progress),
) -> Result<Import<'a, R>> {
    let (mut rows, reading) = read(file);
    let mut import = Import::<R>::new(app, caller, labels, existing);
    while let Some(batch) = rows.recv().await {
        import.take(batch).await?;
        progress(Progress::Checked(import.checked));
    }
    finished(reading).await?;
    Ok(import)
}

struct Import<'a, R: Writable> {
    app: &'a App,
    caller: &'a Caller,
    labels: &'a Labels,
    existing: Existing,
    known: Known,
    /// Empty before the first row.
    header: Vec<Column>,
    /// The row each code stands in.
    codes: HashMap<String, u64>,
    good: Vec<Checked<R>>,
    /// Those with one above them, which may stand in this file: checked when that one is stored.
    below: Vec<Given<R>>,
    bad: Vec<BadRow>,
    bad_codes: HashSet<String>,
    /// Codes of rows that were stored before.
    there: HashSet<String>,
    checked: u64,
    /// What was stored.
    ids: Vec<i64>,
    imported: Imported,
}

impl<'a, R: Writable> Import<'a, R> {
    fn new(
        app: &'a App,
        caller: &'a Caller,
        labels: &'a Labels,
        existing: Existing,
    ) -> Import<'a, R> {
        Import {
            app,
            caller,
            labels,
            existing,
            known: Known::of_file(),
            header: Vec::new(),
            codes: HashMap::new(),
            good: Vec::new(),
            below: Vec::new(),
            bad: Vec::new(),
            bad_codes: HashSet::new(),
            there: HashSet::new(),
            checked: 0,
            ids: Vec::new(),
            imported: Imported::default(),
        }
    }

    fn is_bad(&mut self, row: u64, code: &str, problems: impl IntoIterator<Item = Problem>) {
        self.bad_codes.insert(code.to_owned());
        let bad = problems.into_iter().map(|problem| BadRow { row, problem });
        self.bad.extend(bad);
    }

    /// Checks some rows, the first of all of which has the names.
    async fn take(&mut self, mut rows: Vec<Row>) -> Result<()> {
        if self.header.is_empty() && !rows.is_empty() {
            let names = rows.remove(0);
            self.header = read_header::<R>(&names, self.labels).map_err(Error::BadRows)?;
        }
        self.checked += rows.len() as u64;
        let mut given = Vec::with_capacity(rows.len());
        for row in rows {
            let surplus = self.surplus(&row);
            let (code, body) = self.read_row(row.cells);
            if let Some(problem) = surplus {
                self.is_bad(row.number, &code, [problem]);
            }
            match self.codes.get(&code) {
                Some(first) if !code.is_empty() => {
                    let message = t!("It stands in row {first} already.", first = first);
                    self.bad.push(BadRow {
                        row: row.number,
                        problem: Problem::new(R::KEY, message),
                    });
                }
                _ => {
                    self.codes.insert(code.clone(), row.number);
                    given.push((row.number, code, body));
                }
            }
        }
        let given = self.find_stored(given).await?;
        let (below, given): (Vec<_>, Vec<_>) = given
            .into_iter()
            .partition(|given| above::<R>(&given.body).is_some());
        self.below.extend(below);
        let (app, caller, known) = (self.app, self.caller, &self.known);
        let checks: Vec<_> = given
            .iter()
            .map(|given| check::<R>(app, caller, known, given))
            .collect();
        let checks = stream::iter(checks).buffered(CHECKED_AT_ONCE);
        let checked: Vec<_> = checks.collect().await;
        for (given, checked) in given.into_iter().zip(checked) {
            match checked? {
                Ok(change) => self.good.push(given.found_good(change)),
                Err(problems) => self.is_bad(given.row, &given.code, problems),
            }
        }
        Ok(())
    }

    /// What stands in no column that has a name: it would be lost.
    fn surplus(&self, row: &Row) -> Option<Problem> {
        let columns = self.header.iter().chain(iter::repeat(&Column::Nameless));
        let nameless = columns.zip(&row.cells);
        let text = nameless
            .filter(|(column, _)| **column == Column::Nameless)
            .map(|(_, cell)| cell.trim())
            .find(|text| !text.is_empty())?;
        let shown = brief(text);
        let message = t!(
            "\"{value}\" stands in no column with a name.",
            value = shown
        );
        Some(Problem::new("", message))
    }

    fn read_row(&self, cells: Vec<String>) -> (String, Body) {
        let mut members = Map::new();
        for (column, text) in self.header.iter().zip(cells) {
            let (Some(target), text) = (column.target(), text.trim()) else {
                continue;
            };
            // What is empty was not given.
            if text.is_empty() {
                continue;
            }
            let value = if target.is_list {
                parted(text).into_iter().map(Value::from).collect()
            } else {
                text.into()
            };
            members.insert(target.member.clone(), value);
        }
        let code = members.get(R::KEY).and_then(Value::as_str);
        (
            code.unwrap_or_default().to_owned(),
            Body::from_object(members),
        )
    }

    /// Tells rows that are there already from new ones, and leaves out what is to be skipped.
    async fn find_stored(&mut self, given: Vec<(u64, String, Body)>) -> Result<Vec<Given<R>>> {
        let codes: Vec<&str> = given
            .iter()
            .map(|(_, code, _)| code.as_str())
            // PostgreSQL takes no text with some of them, and no code has any.
            .filter(|code| !code.is_empty() && !code.chars().any(char::is_control))
            .collect();
        let ids = self.ids_of(&codes).await?;
        let mut stored = match self.existing {
            Existing::Skip => HashMap::new(),
            Existing::Overwrite => self.rows(&ids).await?,
        };
        let mut found = Vec::with_capacity(given.len());
        for (row, code, body) in given {
            let id = ids.get(&code);
            if let (Some(id), Some((table, _))) = (id, R::CODE) {
                // Rows below it may come later, whether or not it is changed itself.
                self.known.learn(table, &code, *id);
                self.there.insert(code.clone());
            }
            if id.is_some() && self.existing == Existing::Skip {
                self.imported.skipped += 1;
                continue;
            }
            found.push(Given {
                row,
                stored: id.and_then(|id| stored.remove(id)),
                code,
                body,
            });
        }
        Ok(found)
    }

    async fn ids_of(&self, codes: &[&str]) -> Result<HashMap<String, i64>> {
        let Some(column) = R::CODE.filter(|_| !codes.is_empty()) else {
            return Ok(HashMap::new());
        };
        let mut select = SelectStatement::new();
        R::tables(&mut select);
        select
            .cond_where(R::visible(self.caller, self.app))
            .and_where(col(column).is_in(codes.iter().copied()))
            .expr(col(column))
            .expr(col(id_column::<R>()));
        let found: Vec<(String, i64)> = self.app.store.all(&select).await?;
        Ok(found.into_iter().collect())
    }

    async fn rows(&self, ids: &HashMap<String, i64>) -> Result<HashMap<i64, R::Row>> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<i64> = ids.values().copied().collect();
        let found: Vec<R::Row> = self.app.store.all(&by_ids::<R>(self.app, &ids)).await?;
        Ok(found.into_iter().map(|row| (R::id(&row), row)).collect())
    }

    /// Finds what can be found bad before a transaction. Returns the rows that have one above them, that
    /// one first.
    async fn judge(&mut self) -> Result<Vec<Given<R>>> {
        if self.header.is_empty() {
            return Err(Error::invalid("import_file", t!("The file is empty.")));
        }
        let below = self.in_order().await?;
        self.rehearse(&below).await?;
        self.foresee().await?;
        self.settle()?;
        Ok(below)
    }

    /// Stores everything, or nothing and names all that is bad.
    async fn store(mut self, progress: impl Fn(Progress)) -> Result<Imported> {
        let below = self.judge().await?;
        let of = (self.good.len() + below.len()) as u64;
        let mut tx = Writing::begin(self.app).await?;
        R::prepare(self.app, &mut tx).await?;
        let mut good = std::mem::take(&mut self.good).into_iter();
        loop {
            let some: Vec<Checked<R>> = good.by_ref().take(AT_ONCE).collect();
            if some.is_empty() {
                break;
            }
            self.store_some(&mut tx, some).await?;
            let done = self.ids.len() as u64;
            progress(Progress::Stored { done, of });
        }
        self.settle()?;
        for given in below {
            let above = above::<R>(&given.body).unwrap_or_default();
            if self.bad_codes.contains(above) {
                self.bad_codes.insert(given.code.clone());
                continue;
            }
            // The one above has its id now.
            match self.check(&given).await? {
                Ok(change) => {
                    let checked = given.found_good(change);
                    self.store_some(&mut tx, vec![checked]).await?;
                }
                Err(problems) => self.is_bad(given.row, &given.code, problems),
            }
            let done = self.ids.len() as u64;
            progress(Progress::Stored { done, of });
        }
        self.settle()?;
        R::conclude(self.app, &mut tx, self.caller, &self.ids).await?;
        tx.commit(self.app).await?;
        followed::<R>(self.app, self.caller).await;
        Ok(self.imported)
    }

    /// Whether all is good so far.
    fn settle(&mut self) -> Result<()> {
        if self.bad.is_empty() {
            return Ok(());
        }
        self.bad.sort_by_key(|bad| bad.row);
        Err(Error::BadRows(std::mem::take(&mut self.bad)))
    }

    /// Checks the rows that have one above them as though those were stored.
    async fn rehearse(&mut self, below: &[Given<R>]) -> Result<()> {
        let Some((table, _)) = R::CODE.filter(|_| !below.is_empty()) else {
            return Ok(());
        };
        for given in below {
            let above = above::<R>(&given.body).unwrap_or_default();
            if self.bad_codes.contains(above) {
                // Not its own fault.
                self.bad_codes.insert(given.code.clone());
                continue;
            }
            if self.codes.contains_key(above) && !self.there.contains(above) {
                self.known.learn(table, above, NOT_YET);
            }
            if let Err(problems) = self.check(given).await? {
                self.is_bad(given.row, &given.code, problems);
            }
        }
        Ok(())
    }

    async fn foresee(&mut self) -> Result<()> {
        let rows: Vec<(&R::Change, Option<&R::Row>)> = self
            .good
            .iter()
            .map(|checked| (&checked.change, checked.stored.as_ref()))
            .collect();
        let refused = R::foresee(self.app, &rows).await?;
        for (place, error) in refused {
            let Checked { row, code, .. } = &self.good[place];
            let (row, code) = (*row, code.clone());
            self.is_bad(row, &code, told_of_row::<R>(error)?);
        }
        Ok(())
    }

    async fn store_some(&mut self, tx: &mut Writing, some: Vec<Checked<R>>) -> Result<()> {
        let mut names = Vec::with_capacity(some.len());
        let mut rows = Vec::with_capacity(some.len());
        for checked in some {
            names.push((checked.row, checked.code, checked.stored.is_none()));
            rows.push((checked.change, checked.stored));
        }
        match R::store_several(self.app, tx, self.caller, rows).await? {
            Ok(ids) => {
                for ((_, code, is_new), id) in names.into_iter().zip(ids) {
                    self.ids.push(id);
                    // Others of this file may stand below it.
                    if let Some((table, _)) = R::CODE.filter(|_| !R::ABOVE.is_empty()) {
                        self.known.learn(table, &code, id);
                    }
                    if is_new {
                        self.imported.created += 1;
                    } else {
                        self.imported.updated += 1;
                    }
                }
            }
            Err(refused) => {
                for (place, error) in refused {
                    let (row, code, _) = &names[place];
                    self.is_bad(*row, code, told_of_row::<R>(error)?);
                }
            }
        }
        Ok(())
    }

    async fn check(
        &self,
        given: &Given<R>,
    ) -> Result<std::result::Result<R::Change, Vec<Problem>>> {
        check::<R>(self.app, self.caller, &self.known, given).await
    }
}

/// What is wrong with a row, when that is what the error says.
fn told_of_row<R: Writable>(error: Error) -> Result<Vec<Problem>> {
    match error {
        Error::Invalid(problems) => Ok(problems),
        Error::Refused { detail, code } => Ok(vec![Problem::new("", detail).coded(code)]),
        Error::NoSuch { code } => Ok(vec![Problem::new(R::KEY, t!("Not found.")).coded(code)]),
        error => Err(error),
    }
}

async fn check<R: Writable>(
    app: &App,
    caller: &Caller,
    known: &Known,
    given: &Given<R>,
) -> Result<std::result::Result<R::Change, Vec<Problem>>> {
    match R::check(app, caller, known, &given.body, given.stored.as_ref()).await {
        Ok(change) => Ok(Ok(change)),
        Err(error @ (Error::Invalid(_) | Error::Refused { .. } | Error::NoSuch { .. })) => {
            Ok(Err(told_of_row::<R>(error)?))
        }
        Err(error) => Err(error),
    }
}

async fn answer_import<R: Writable>(call: Call) -> Result<Answer> {
    let (app, body, mut query) = (call.request.app, call.request.body, call.request.query);
    let mut problems = Vec::new();
    let given = body
        .get("import_type")
        .map(|value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        })
        .or_else(|| query.take("import_type"));
    let existing = match given.as_deref().map(str::trim) {
        Some("0") => Some(Existing::Skip),
        Some("1") => Some(Existing::Overwrite),
        None | Some("") => {
            problems.push(Problem::new("import_type", t!("This field is required.")));
            None
        }
        Some(other) => {
            let shown = brief(other);
            let message = t!("\"{value}\" is not a valid choice.", value = shown);
            problems.push(Problem::new("import_type", message));
            None
        }
    };
    let file = body.file("import_file");
    if file.is_none() {
        problems.push(Problem::new("import_file", t!("No file was submitted.")));
    }
    let (Some(existing), Some(file)) = (existing, file) else {
        return Err(Error::Invalid(problems));
    };
    let bytes = Cursor::new(file.bytes.clone());
    drop(body);
    let done = take_in::<R>(&app, &call.caller, bytes, &[], existing, |_| ()).await?;
    Ok(Answer::ok(&json!({
        "detail": "import successful",
        "created": done.created,
        "updated": done.updated,
        "skipped": done.skipped,
    })))
}

const BODY: &[Member] = &[
    Member::new(
        "import_type",
        Kind::Text,
        "0 leaves rows whose code is there already as they are, 1 changes them in what the file has; an empty cell changes nothing.",
    )
    .required(),
    Member::new(
        "import_file",
        Kind::File,
        "csv, tab separated text, xls or xlsx, with the names of the export in the first row.",
    )
    .required(),
];
const IMPORTED: &[Member] = &[
    Member::new("detail", Kind::Text, "import successful"),
    Member::new("created", Kind::Integer, "Rows that are new."),
    Member::new(
        "updated",
        Kind::Integer,
        "Rows that were there and changed.",
    ),
    Member::new("skipped", Kind::Integer, "Rows that were there and stayed."),
];

/// The list's rows from a file. `name` is the path's last part.
pub fn import<R: Writable>(name: &str) -> Endpoint {
    let doc = Doc {
        summary: format!("Takes all rows of a file, or none: {}", R::NAME),
        tag: R::THING.name(),
        query: Vec::new(),
        body: Some(BODY),
        returns: Returns::One(StatusCode::OK, IMPORTED),
    };
    Endpoint::guarded(
        Method::POST,
        &format!("{}{name}/", R::PATH),
        Right::Change(R::THING),
        doc,
        answer_import::<R>,
    )
    .with_file()
}
