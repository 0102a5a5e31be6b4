//! A list as a file: every row the filters and the caller's scope leave, in the list's order and
//! without pages, written as the rows come from the database.

use super::Resource;
use super::endpoints::list_parameters;
use super::selection::Selection;
use crate::access::{Caller, Right};
use crate::answer::{Answer, Stream};
use crate::app::App;
use crate::appendix;
use crate::error::{Error, Problem, Result};
use crate::extract::{Call, Query};
use crate::input::brief;
use crate::routes::{Doc, Endpoint, Kind, Member, Parameter, Returns};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::try_unfold;
use http::Method;
use muster_sheets::{Cell, Format, Writer};
use muster_store::Cursor;
use serde_json::Value;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;

/// So many rows are read, shown and written together.
const AT_ONCE: usize = 500;
/// Parameters of a list that mean nothing where there are no pages.
const PAGING: [&str; 6] = ["page", "page_size", "limit", "pageNo", "pageSize", "after"];

const MEDIA_TYPES: &[&str] = &[
    Format::Csv.media_type(),
    Format::Text.media_type(),
    Format::Xlsx.media_type(),
];

/// A column of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    pub name: &'static str,
    /// The member of the list's rows.
    member: &'static str,
    /// The member of that one, when it is a relation.
    inner: Option<&'static str>,
}

/// All columns there are, and whether each is left out unless it is named.
fn columns<R: Resource>() -> impl Iterator<Item = (Exported, bool)> {
    R::ANSWER
        .iter()
        .filter(|member| !R::NOT_LISTED.contains(&member.name))
        .flat_map(|member| {
            let itself = Exported {
                name: member.name,
                member: member.name,
                inner: None,
            };
            let whole = (is_plain(member) && member.columns.is_empty()).then_some(itself);
            let only_named = member.only_named
                || member.kind == Kind::Null
                || R::ALWAYS_EMPTY.contains(&member.name);
            let parts = member.columns.iter().map(|(name, inner)| Exported {
                name,
                member: member.name,
                inner: Some(inner),
            });
            whole
                .into_iter()
                .chain(parts)
                .map(move |column| (column, only_named))
        })
}

/// The column that has what a list shows of `member` or `relation.member`.
pub fn column_of<R: Resource>(path: &str) -> Option<&'static str> {
    let (member, inner) = match path.split_once('.') {
        Some((member, inner)) => (member, Some(inner)),
        None => (path, None),
    };
    let mut all = columns::<R>().map(|(column, _)| column);
    let found = all.find(|column| column.member == member && column.inner == inner);
    found.map(|column| column.name)
}

/// One value, or several of them.
fn is_plain(member: &Member) -> bool {
    !matches!(
        member.kind,
        Kind::Relation | Kind::RelationList | Kind::Object | Kind::File
    )
}

/// The names of all columns, for reading what was written.
pub(super) fn names<R: Resource>() -> Vec<&'static str> {
    distinct(columns::<R>().map(|(column, _)| column))
        .iter()
        .map(|column| column.name)
        .collect()
}

/// A name stands once: a relation's name may be a member of its own, too.
fn distinct(columns: impl Iterator<Item = Exported>) -> Vec<Exported> {
    let mut distinct: Vec<Exported> = Vec::new();
    for column in columns {
        if distinct.iter().all(|known| known.name != column.name) {
            distinct.push(column);
        }
    }
    distinct
}

/// The columns wanted, in the order wanted; a relation's own name means all of its columns.
fn wanted<R: Resource>(headers: Option<&str>) -> Result<Vec<Exported>> {
    let Some(headers) = headers else {
        let usual = columns::<R>().filter(|(_, only_named)| !only_named);
        return Ok(distinct(usual.map(|(column, _)| column)));
    };
    let mut found = Vec::new();
    let mut problems = Vec::new();
    for name in headers.split(',').map(str::trim) {
        if name.is_empty() {
            continue;
        }
        let before = found.len();
        found.extend(
            columns::<R>()
                .map(|(column, _)| column)
                .filter(|column| column.name.eq_ignore_ascii_case(name))
                .take(1),
        );
        if found.len() == before {
            found.extend(
                columns::<R>()
                    .map(|(column, _)| column)
                    .filter(|column| column.member.eq_ignore_ascii_case(name)),
            );
        }
        if found.len() == before {
            let shown = brief(name);
            let message = t!("\"{value}\" is not a valid choice.", value = shown);
            problems.push(Problem::new("export_headers", message));
        }
    }
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    if found.is_empty() {
        return wanted::<R>(None);
    }
    Ok(distinct(found.into_iter()))
}

/// What stands in a column of a row as the list shows it.
fn cell<'r>(row: &'r Value, column: &Exported) -> Cell<'r> {
    let Some(value) = row.get(column.member) else {
        return Cell::Empty;
    };
    match (column.inner, value) {
        (Some(inner), Value::Array(items)) => {
            joined(items.iter().map(|item| item.get(inner).unwrap_or(item)))
        }
        (Some(inner), Value::Object(members)) => members.get(inner).map_or(Cell::Empty, plain_cell),
        (Some(_), _) => Cell::Empty,
        (None, Value::Array(items)) => joined(items.iter()),
        (None, value) => plain_cell(value),
    }
}

fn plain_cell(value: &Value) -> Cell<'_> {
    match value {
        Value::Null => Cell::Empty,
        Value::Bool(value) => Cell::Boolean(*value),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Cell::Integer(whole),
            (None, Some(number)) => Cell::Number(number),
            (None, None) => Cell::Empty,
        },
        Value::String(text) => Cell::Text(text.into()),
        Value::Array(_) | Value::Object(_) => Cell::Text(value.to_string().into()),
    }
}

/// Stands between several values in one cell.
const BETWEEN: char = ';';
/// Stands before what does not, and before itself.
const LITERALLY: char = '\\';

/// The values that `joined` wrote, or somebody else.
pub(super) fn parted(cell: &str) -> Vec<String> {
    let mut values = vec![String::new()];
    let mut letters = cell.chars().peekable();
    while let Some(letter) = letters.next() {
        let literal = (letter == LITERALLY)
            .then(|| letters.next_if(|next| [BETWEEN, LITERALLY].contains(next)))
            .flatten();
        match (literal, values.last_mut()) {
            (None, _) if letter == BETWEEN => values.push(String::new()),
            (literal, Some(value)) => value.push(literal.unwrap_or(letter)),
            (_, None) => {}
        }
    }
    values
        .iter()
        .map(|value| value.trim().to_owned())
        .filter(|value| !value.is_empty())
        .collect()
}

/// Several values in one cell.
fn joined<'r>(values: impl Iterator<Item = &'r Value>) -> Cell<'r> {
    let texts: Vec<String> = values
        .map(|value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
                .replace(LITERALLY, r"\\")
                .replace(BETWEEN, r"\;")
        })
        .collect();
    Cell::Text(texts.join(";").into())
}

/// Reads `export_type`. Where the manual stars it, there is none by default.
fn read_format(query: &mut Query, is_needed: bool) -> Result<Format> {
    let Some(text) = query.take("export_type") else {
        return if is_needed {
            Err(Error::invalid("export_type", t!("This field is required.")))
        } else {
            Ok(Format::Xlsx)
        };
    };
    match text.trim().to_lowercase().as_str() {
        "csv" => Ok(Format::Csv),
        "txt" => Ok(Format::Text),
        // A workbook of today, whatever it is asked for as.
        "xls" | "xlsx" => Ok(Format::Xlsx),
        _ => {
            let shown = brief(&text);
            let message = t!("\"{value}\" is not a valid choice.", value = shown);
            let problem = Problem::new("export_type", message);
            Err(Error::Invalid(vec![
                problem.coded(appendix::UNSUPPORTED_FORMAT),
            ]))
        }
    }
}

/// Where the writer leaves what is to be sent.
#[derive(Debug, Clone, Default)]
struct Outbox(Arc<Mutex<Vec<u8>>>);

impl Outbox {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl io::Write for Outbox {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut outbox = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        outbox.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file being made.
pub struct Export<R: Resource> {
    app: Arc<App>,
    caller: Caller,
    columns: Vec<Exported>,
    cursor: Cursor<R::Row>,
    /// `None`: all is written.
    writer: Option<Writer<Outbox>>,
    outbox: Outbox,
    pub rows: u64,
    _permit: OwnedSemaphorePermit,
}

impl<R: Resource> Export<R> {
    /// Everything that can be refused is refused here. `headers` are the wanted columns, with
    /// commas.
    pub async fn begin(
        app: &Arc<App>,
        caller: Caller,
        query: &mut Query,
        format: Format,
        headers: Option<&str>,
    ) -> Result<Export<R>> {
        let mut problems = Vec::new();
        let columns = match wanted::<R>(headers) {
            Ok(columns) => columns,
            Err(Error::Invalid(found)) => {
                problems.extend(found);
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        let selection = match Selection::read::<R>(app, &caller, query).await {
            Ok(selection) if problems.is_empty() => selection,
            Ok(_) => return Err(Error::Invalid(problems)),
            Err(Error::Invalid(found)) => {
                problems.extend(found);
                return Err(Error::Invalid(problems));
            }
            Err(error) => return Err(error),
        };
        let permit = Arc::clone(&app.exporting)
            .acquire_owned()
            .await
            .map_err(|error| Error::Internal(error.into()))?;
        let mut select = selection.statement::<R>();
        R::columns(&mut select, app);
        selection.sort::<R>(app, &mut select);
        let outbox = Outbox::default();
        let header = columns.iter().map(|column| column.name);
        let writer = Writer::new(format, outbox.clone(), header).map_err(not_written)?;
        Ok(Export {
            cursor: app.store.cursor(&select, AT_ONCE),
            app: Arc::clone(app),
            caller,
            columns,
            writer: Some(writer),
            outbox,
            rows: 0,
            _permit: permit,
        })
    }

    /// The next piece of the file; none at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        while let Some(mut writer) = self.writer.take() {
            let Some(rows) = self.cursor.next().await? else {
                writer.finish().map_err(not_written)?;
                return Ok(Some(self.outbox.take()));
            };
            self.rows += rows.len() as u64;
            let shown = R::show(&self.app, &self.caller, rows).await?;
            let columns = self.columns.clone();
            // Packing takes its time, and others wait for this thread.
            let written = spawn_blocking(move || {
                for row in &shown {
                    let cells: Vec<Cell<'_>> =
                        columns.iter().map(|column| cell(row, column)).collect();
                    writer.row(&cells)?;
                }
                Ok::<_, muster_sheets::Error>(writer)
            });
            let written = written
                .await
                .map_err(|error| Error::Internal(error.into()))?;
            self.writer = Some(written.map_err(not_written)?);
            let piece = self.outbox.take();
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }
}

fn not_written(error: muster_sheets::Error) -> Error {
    Error::Internal(error.into())
}

/// What the file is called: `areas-2026-01-15.csv`.
fn file_name<R: Resource>(app: &App, format: Format) -> String {
    let list = R::PATH.trim_end_matches('/').rsplit('/').next();
    dated(app, list.unwrap_or(R::NAME), format)
}

fn dated(app: &App, name: &str, format: Format) -> String {
    format!("{name}-{}.{}", app.today(), format.extension())
}

/// A table of no resource as a file, which is written whole before it is sent.
pub struct Made {
    name: String,
    format: Format,
    writer: Writer<Vec<u8>>,
    _permit: OwnedSemaphorePermit,
}

impl Made {
    /// Of the kind the query asks for, called after `name` and the day.
    pub async fn begin(
        app: &App,
        query: &mut Query,
        name: &str,
        header: impl IntoIterator<Item = &'static str>,
    ) -> Result<Made> {
        let format = read_format(query, false)?;
        let permit = Arc::clone(&app.exporting)
            .acquire_owned()
            .await
            .map_err(|error| Error::Internal(error.into()))?;
        Ok(Made {
            name: dated(app, name, format),
            format,
            writer: Writer::new(format, Vec::new(), header).map_err(not_written)?,
            _permit: permit,
        })
    }

    pub fn row(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        self.writer.row(cells).map_err(not_written)
    }

    pub fn answer(self) -> Result<Answer> {
        let file = self.writer.finish().map_err(not_written)?;
        let whole = futures::stream::once(async { Ok(Bytes::from(file)) });
        let media_type = self.format.media_type();
        Ok(Answer::download(
            media_type,
            &self.name,
            Stream(whole.boxed()),
        ))
    }
}

async fn answer_export<R: Resource>(call: Call) -> Result<Answer> {
    let mut query = call.request.query;
    query.extend(call.request.body.pairs());
    download::<R>(&call.request.app, call.caller, &mut query, |_| {}).await
}

/// How far a file is that is being sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    Rows(u64),
    All,
}

/// What the file is called that the query asks for.
pub fn name_of_download<R: Resource>(app: &App, query: &Query) -> Result<String> {
    Ok(file_name::<R>(
        app,
        read_format(&mut query.clone(), R::EXPORT_NEEDS_TYPE)?,
    ))
}

/// What the query asks for, of the kind and with the columns it names, as a file to be kept. Whoever wants to know
/// is told how far it is; no more comes when `told` is dropped.
pub async fn download<R: Resource>(
    app: &Arc<App>,
    caller: Caller,
    query: &mut Query,
    told: impl FnMut(Sent) + Send + 'static,
) -> Result<Answer> {
    for name in PAGING {
        query.take_raw(name);
    }
    let headers = query.take("export_headers");
    let format = read_format(query, R::EXPORT_NEEDS_TYPE)?;
    let mut export = Export::<R>::begin(app, caller, query, format, headers.as_deref()).await?;
    let name = file_name::<R>(app, format);
    let unknown = query.unknown();
    // What fails at once is told in words, not by a file that is cut off.
    let first = export.next().await?;
    let rest = try_unfold(
        (first, export, told),
        |(ready, mut export, mut told)| async move {
            let piece = match ready {
                Some(piece) => Some(piece),
                None => export.next().await.inspect_err(|error| {
                    tracing::error!("an export of {} was cut off: {error}", R::NAME);
                })?,
            };
            told(
                piece
                    .as_ref()
                    .map_or(Sent::All, |_| Sent::Rows(export.rows)),
            );
            Ok::<_, Error>(piece.map(|piece| (piece, (None, export, told))))
        },
    );
    Ok(
        Answer::download(format.media_type(), &name, Stream(rest.boxed()))
            .warn_of_unknown(&unknown),
    )
}

/// The list as a file.
pub fn export<R: Resource>() -> Endpoint {
    by::<R>(Method::GET)
}

/// The same, asked by POST: filters may stand in the body.
pub fn export_by_post<R: Resource>() -> Endpoint {
    by::<R>(Method::POST)
}

fn by<R: Resource>(method: Method) -> Endpoint {
    let mut query: Vec<Parameter> = list_parameters::<R>()
        .into_iter()
        .filter(|parameter| !PAGING.contains(&parameter.name.as_str()))
        .collect();
    query.push(Parameter::new(
        "export_type",
        Kind::Text,
        "csv, txt (tab separated), xls or xlsx (both a workbook of today).",
    ));
    query.push(Parameter::new(
        "export_headers",
        Kind::Text,
        "Columns with commas, in the wanted order; unless given all but those that are always empty or long.",
    ));
    let doc = Doc {
        summary: format!("All rows as a file: {}", R::NAME),
        tag: R::THING.name(),
        query,
        body: None,
        returns: Returns::File(MEDIA_TYPES),
    };
    Endpoint::guarded(
        method,
        &format!("{}export/", R::PATH),
        Right::View(R::THING),
        doc,
        answer_export::<R>,
    )
}

#[cfg(test)]
mod tests {
    use super::{Cell, joined, parted};
    use serde_json::json;

    #[test]
    fn several_values_in_a_cell_are_the_same_when_they_are_read() {
        for values in [vec!["b", "a;c", r"d\", r"\;", "e f"], vec!["1"]] {
            let written: Vec<_> = values.iter().map(|value| json!(value)).collect();
            let Cell::Text(cell) = joined(written.iter()) else {
                panic!("a text was to be written");
            };
            assert_eq!(parted(&cell), values, "{cell}");
        }
        assert_eq!(parted(r" b ;; a\b;"), ["b", r"a\b"]);
    }
}
