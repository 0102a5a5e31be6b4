//! Things of one kind behind one set of URLs: listed with filters, order and pages, read, made,
//! changed and removed. This file names no resource; each says in its own file what it is.

mod export;
mod import;
mod period;

pub use export::{
    Export, Made, Sent, column_of, download, export, export_by_post, name_of_download,
};
pub use import::{Existing, Imported, Labels, Progress, import, take_in, try_out};
pub use period::{Clock, Period, within_periods};

use crate::access::{Caller, Right, Thing};
use crate::answer::Answer;
use crate::app::App;
use crate::appendix;
use crate::error::{Error, Problem, Result};
use crate::extract::{Body, Call, Origin, Query, python_type};
use crate::input::{Input, read_several};
use crate::language::Text;
use crate::profile::Profile;
use crate::relation::{Known, Relation};
use crate::routes::{Doc, Endpoint, Kind, Member, Parameter, Returns};
use crate::times;
use crate::writing::Writing;
use chrono::{NaiveDateTime, TimeDelta};
use http::{Method, StatusCode};
use moka::future::Cache;
use muster_store::{Dialect, Record, Statement, contains, contains_in_any_case, fold, position};
use sea_query::{
    Alias, CaseStatement, CommonTableExpression, Cond, Condition, DeleteStatement, Expr, ExprTrait,
    Func, InsertStatement, IntoCondition, IntoIden, NullOrdering, Order, SelectStatement,
    SimpleExpr, TableRef, UpdateStatement, ValueTuple, WithClause, WithQuery,
};
use serde_json::{Value, json};
use std::cmp;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

const DEFAULT_SIZE: i64 = 10;
/// Beyond so many rows to be skipped, their ids alone are read first.
const DEEP: i64 = 1000;
/// So many ids are sorted rather than looked for along an index.
const FEW: i64 = 50_000;
/// And so many where the first of them are known to be far along it.
const FEW_FAR_AWAY: i64 = 500_000;
/// Of a table that is not large so many are found and counted in one look, whatever is asked.
const FEW_OF_SMALL: u64 = 2_000;
/// Of what leads to other rows, so many in all are told to PostgreSQL one by one.
const FEW_KEYS: usize = 1_000;
/// A search has at most so many words, and each, as any part that is looked for, so many letters:
/// no text that is kept is longer.
const MOST_WORDS: usize = 50;
const LONGEST_PART: usize = 1000;
/// Stands between the parts of a `search_text`.
const BETWEEN: char = '\u{1f}';

/// The folded texts of a row by which it is searched. The parts keep their places, so that one of
/// them can be asked about alone.
pub fn search_text<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let parts: Vec<String> = parts
        .into_iter()
        .map(|part| fold(part).replace(BETWEEN, " "))
        .collect();
    parts.join(&BETWEEN.to_string())
}

/// A column by its table (or its alias in the query) and its name.
pub type Column = (&'static str, &'static str);

pub fn col(column: Column) -> Expr {
    Expr::col((Alias::new(column.0), Alias::new(column.1)))
}

fn col_named(table: &'static str, name: String) -> Expr {
    Expr::col((Alias::new(table), Alias::new(name)))
}

/// How a field can be asked about.
#[derive(Debug, Clone, Copy)]
enum Asked {
    No,
    /// `name=value`.
    Exactly,
    /// `name=1,2,3` too.
    OneOf,
    /// By the code or the id of what the column points at, one or several with commas.
    Relation(&'static Relation, Column),
    /// The resource's `special` makes the condition.
    Special,
    /// The resource's `together` reads it, with others.
    Together,
}

#[derive(Debug, Clone, Copy)]
enum Within {
    No,
    /// The column as it stands, in any case.
    Column,
    /// That part of the row's `search_text`.
    Part(usize),
}

#[derive(Debug, Clone, Copy)]
enum Source {
    Column(Column),
    /// `Resource::computed` says how.
    Computed,
    /// A parameter alone.
    Nothing,
}

/// One field of a resource's list: filters, order and the document all read this table.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub about: &'static str,
    source: Source,
    asked: Asked,
    within: Within,
    ordered: bool,
    nullable: bool,
    aliases: &'static [&'static str],
}

/// How a period is asked for, wherever things have a time of their own and one of their arrival.
pub const START_TIME: Field = Field::together("start_time", Kind::Time, "The first time wanted.");
pub const END_TIME: Field = Field::together(
    "end_time",
    Kind::Time,
    "The last one; a date alone is its whole day.",
);
pub const UPLOAD_TIME_START: Field = Field::together(
    "upload_time_start",
    Kind::Time,
    "The first upload time wanted.",
);
pub const UPLOAD_TIME_END: Field = Field::together(
    "upload_time_end",
    Kind::Time,
    "The last one; a date alone is its whole day.",
);

impl Field {
    pub const fn new(name: &'static str, kind: Kind, column: Column) -> Field {
        Field {
            name,
            kind,
            about: "",
            source: Source::Column(column),
            asked: Asked::No,
            within: Within::No,
            ordered: true,
            nullable: false,
            aliases: &[],
        }
    }

    /// A value that is worked out of columns; `Resource::computed` says how.
    pub const fn computed(name: &'static str, kind: Kind) -> Field {
        Field {
            source: Source::Computed,
            ..Field::new(name, kind, ("", ""))
        }
    }

    /// A parameter that is no column; `Resource::special` knows what it means.
    pub const fn special(name: &'static str, kind: Kind, about: &'static str) -> Field {
        Field {
            name,
            kind,
            about,
            source: Source::Nothing,
            asked: Asked::Special,
            within: Within::No,
            ordered: false,
            nullable: false,
            aliases: &[],
        }
    }

    /// A parameter that means rows of another table, at which the column points.
    pub const fn relation(
        name: &'static str,
        relation: &'static Relation,
        column: Column,
        about: &'static str,
    ) -> Field {
        Field {
            asked: Asked::Relation(relation, column),
            ..Field::special(name, Kind::Reference, about)
        }
    }

    /// A parameter that `Resource::together` reads.
    pub const fn together(name: &'static str, kind: Kind, about: &'static str) -> Field {
        Field {
            asked: Asked::Together,
            ..Field::special(name, kind, about)
        }
    }

    /// Of a parameter that is no column: what a list is ordered by under its name.
    pub const fn ordered_by(self, column: Column) -> Field {
        Field {
            source: Source::Column(column),
            ordered: true,
            ..self
        }
    }

    pub const fn exactly(self) -> Field {
        Field {
            asked: Asked::Exactly,
            ..self
        }
    }

    pub const fn one_of(self) -> Field {
        Field {
            asked: Asked::OneOf,
            ..self
        }
    }

    /// `name_icontains` too, of a column that has no part in `search_text`.
    pub const fn contains(self) -> Field {
        Field {
            within: Within::Column,
            ..self
        }
    }

    /// `name_icontains` too, by that part of `search_text`.
    pub const fn contains_part(self, part: usize) -> Field {
        Field {
            within: Within::Part(part),
            ..self
        }
    }

    pub const fn nullable(self) -> Field {
        Field {
            nullable: true,
            ..self
        }
    }

    /// Other names of the filter.
    pub const fn or(self, aliases: &'static [&'static str]) -> Field {
        Field { aliases, ..self }
    }

    pub const fn about(self, about: &'static str) -> Field {
        Field { about, ..self }
    }

    pub fn is_ordered(&self) -> bool {
        self.ordered && !matches!(self.source, Source::Nothing)
    }

    fn expression<R: Resource>(&self, app: &App) -> Option<Expr> {
        match self.source {
            Source::Column(column) => Some(col(column)),
            Source::Computed => Some(R::computed(app, self.name)),
            Source::Nothing => None,
        }
    }

    /// Whether its column is one of the rows' own table.
    fn is_own<R: Resource>(&self) -> bool {
        matches!(self.source, Source::Column((table, _)) if table == id_column::<R>().0)
    }

    /// Whether what is asked of it needs no table but the rows' own.
    fn asks_own<R: Resource>(&self) -> bool {
        match self.asked {
            Asked::Relation(_, (table, _)) => table == id_column::<R>().0,
            Asked::Special => false,
            _ => self.is_own::<R>(),
        }
    }
}

/// Where a search looks for each word.
#[derive(Debug, Clone, Copy)]
pub enum Searched {
    /// A column that is folded already.
    Folded(Column),
    /// One that is as it was written.
    Plain(Column),
    /// Few rows of another table, from which an index leads to the many.
    Through(Through),
}

/// What leads from one table to another, and of what kind it is.
#[derive(Debug, Clone, Copy)]
pub enum Key {
    Number(Column),
    Text(Column),
}

/// Rows are found by those of another table that have the word.
#[derive(Debug, Clone, Copy)]
pub struct Through {
    /// What the rows have of the other table's `key`.
    pub column: Column,
    pub key: Key,
    /// Where in the other table the word is looked for.
    pub searched: &'static [Searched],
    /// Where the rows themselves must have it then, if anywhere.
    pub then: &'static [Searched],
    /// What is true of every row of the list: SQLite follows an index of such rows from an alternative alone if that says
    /// so itself.
    pub always: fn() -> Condition,
}

impl Searched {
    /// Whether it names the rows' own table alone.
    fn is_own<R: Resource>(&self) -> bool {
        let (table, _) = match self {
            Searched::Folded(column) | Searched::Plain(column) => column,
            Searched::Through(through) => &through.column,
        };
        *table == id_column::<R>().0
    }
}

impl Through {
    async fn condition(
        &self,
        app: &App,
        word: &str,
        in_short: bool,
        room: &mut usize,
    ) -> Result<Condition> {
        let dialect = app.store.dialect();
        let (Key::Number(key) | Key::Text(key)) = self.key;
        let mut keys = SelectStatement::new();
        keys.expr(col(key))
            .from(Alias::new(key.0))
            .cond_where(Box::pin(search(app, self.searched, word, in_short, room)).await?);
        let found = match dialect {
            // SQLite keeps no statistics and would always take the index; a column behind a plus has none.
            Dialect::Sqlite if in_short => {
                Expr::cust_with_expr("+?", col(self.column)).in_subquery(keys)
            }
            Dialect::Sqlite => col(self.column).in_subquery(keys),
            // PostgreSQL follows an index from what it is told; what a query among alternatives will give it does not know.
            Dialect::Postgres => match self.few(app, &keys, room).await? {
                Some(few) => col(self.column).is_in(few),
                None => {
                    let keys = SimpleExpr::SubQuery(None, Box::new(keys.into()));
                    let list = Expr::expr(Func::cust("ARRAY").arg(keys));
                    col(self.column).eq(Func::cust("ANY").arg(list))
                }
            },
        };
        let all = Cond::all().add(found).add((self.always)());
        Ok(match self.then {
            [] => all,
            then => all.add(Box::pin(search(app, then, word, in_short, room)).await?),
        })
    }

    /// What the keys are, unless there are more than there is room for in the statement.
    async fn few(
        &self,
        app: &App,
        keys: &SelectStatement,
        room: &mut usize,
    ) -> Result<Option<Vec<sea_query::Value>>> {
        let mut keys = keys.clone();
        keys.distinct().limit(*room as u64 + 1);
        let few: Vec<sea_query::Value> = match self.key {
            Key::Number(_) => {
                let few: Vec<(i64,)> = app.store.all(&keys).await?;
                few.into_iter().map(|(key,)| key.into()).collect()
            }
            Key::Text(_) => {
                let few: Vec<(String,)> = app.store.all(&keys).await?;
                few.into_iter().map(|(key,)| key.into()).collect()
            }
        };
        if few.len() > *room {
            return Ok(None);
        }
        *room -= few.len();
        Ok(Some(few))
    }
}

pub trait Resource: Sized + Send + Sync + 'static {
    /// What one of them is called: in messages, in the audit, in the document.
    const NAME: &'static str;
    const PATH: &'static str;
    const THING: Thing;
    /// The path's parameter.
    const KEY: &'static str;
    /// The column the parameter may name besides the id.
    const CODE: Option<Column>;
    /// Always the first: `id`.
    const FIELDS: &'static [Field];
    const SEARCHED: &'static [Searched];
    const ANSWER: &'static [Member];
    /// The appendix's number when there is no such row.
    const ABSENT: i32 = appendix::PROGRAM_ERROR;
    /// And when several of them are asked for and none is named.
    const NONE_NAMED: i32 = appendix::PROGRAM_ERROR;

    /// What tells rows apart that are alike in the wanted order, if not the id: a column that
    /// rises with it and can stand behind others in an index.
    const TIE: Option<Column> = None;

    /// Members of the answer that the list does not have, nor a file of it.
    const NOT_LISTED: &'static [&'static str] = &[];
    /// Members that are null in every row of the list: in a file only when asked for by their names.
    const ALWAYS_EMPTY: &'static [&'static str] = &[];
    /// Whether an export has to say what kind of file it wants.
    const EXPORT_NEEDS_TYPE: bool = false;

    /// Rows of a page at most, whatever a caller asks for: of things that are large.
    const MOST_ON_A_PAGE: i64 = i64::MAX;

    /// Some hundred thousand rows at most: things that are kept, not things that happen.
    const IS_SMALL: bool = false;

    type Row: Record + Sync + 'static;

    fn id(row: &Self::Row) -> i64;

    /// The tables that conditions and the order name, their joins and what is always asked; no
    /// columns.
    fn tables(select: &mut SelectStatement);

    /// The same without joins, where conditions and the order name nothing but the rows' own table: databases do not see
    /// by themselves that a count or a far page needs no more.
    fn alone(select: &mut SelectStatement) {
        Self::tables(select);
    }

    /// The columns of a row, and joins that nothing but these needs: each finds one row or none.
    fn columns(select: &mut SelectStatement, app: &App);

    /// Which rows a caller may see.
    fn visible(caller: &Caller, app: &App) -> Condition;

    /// Where his words are looked for: only in what he is shown.
    fn searched(_caller: &Caller) -> &'static [Searched] {
        Self::SEARCHED
    }

    /// The value of a `Field::computed`.
    fn computed(app: &App, name: &str) -> Expr {
        let _ = (app, name);
        Expr::null()
    }

    /// The condition of a `Field::special`.
    fn special(app: &App, name: &str, value: &str) -> Result<SimpleExpr> {
        let _ = (app, value);
        Err(Error::Internal(anyhow::anyhow!("{name} is no filter")))
    }

    /// A condition that several parameters make together, or that holds unless one is given; of the rows' own table.
    fn together(
        app: &App,
        caller: &Caller,
        query: &mut Query,
    ) -> impl Future<Output = Result<Condition>> + Send {
        let _ = (app, caller, query);
        async { Ok(Cond::all()) }
    }

    fn default_order(profile: Profile) -> &'static str {
        let _ = profile;
        "id"
    }

    /// The number of all rows, when somebody keeps it.
    fn known_count(app: &App) -> impl Future<Output = Result<Option<i64>>> + Send {
        let _ = app;
        async { Ok(None) }
    }

    /// Something that differs whenever a count may differ; `None`: counts are not kept.
    fn version(app: &App) -> impl Future<Output = Result<Option<String>>> + Send {
        let _ = app;
        async { Ok(None) }
    }

    /// The rows as the caller's profile shows them.
    fn show(
        app: &App,
        caller: &Caller,
        rows: Vec<Self::Row>,
    ) -> impl Future<Output = Result<Vec<Value>>> + Send;
}

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
async fn followed<R: Writable>(app: &App, caller: &Caller) {
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

/// Columns to be written, each with its value.
#[derive(Debug, Clone, Default)]
pub struct Columns(Vec<(&'static str, sea_query::Value)>);

impl Columns {
    pub fn set(&mut self, name: &'static str, value: impl Into<sea_query::Value>) {
        self.0.push((name, value.into()));
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| *known == name)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same unless it is set already.
    pub fn set_unless(&mut self, name: &'static str, value: impl Into<sea_query::Value>) {
        if !self.has(name) {
            self.set(name, value);
        }
    }

    /// A new row; gives its id.
    pub fn insert(self, table: &'static str) -> InsertStatement {
        let (names, values): (Vec<_>, Vec<_>) = self.0.into_iter().unzip();
        let mut insert = InsertStatement::new();
        insert
            .into_table(Alias::new(table))
            .columns(names.into_iter().map(Alias::new))
            .values_panic(values.into_iter().map(Expr::val))
            .returning_col(Alias::new("id"));
        insert
    }

    /// These columns of one row, and no other.
    pub fn update(self, table: &'static str, id: i64) -> UpdateStatement {
        let values = self
            .0
            .into_iter()
            .map(|(name, value)| (Alias::new(name), Expr::val(value)));
        let mut update = UpdateStatement::new();
        update
            .table(Alias::new(table))
            .values(values)
            .and_where(Expr::col(Alias::new("id")).eq(id));
        update
    }
}

/// Several rows with the columns any of them has, and for each row its values; what it lacks is `None`.
struct Table {
    names: Vec<&'static str>,
    /// A null of the kind each column has.
    nulls: Vec<sea_query::Value>,
    rows: Vec<Vec<Option<sea_query::Value>>>,
}

impl Table {
    fn new(rows: impl Iterator<Item = Columns>) -> Table {
        let mut table = Table {
            names: Vec::new(),
            nulls: Vec::new(),
            rows: Vec::new(),
        };
        for Columns(columns) in rows {
            let mut row = vec![None; table.names.len()];
            for (name, value) in columns {
                match table.names.iter().position(|known| *known == name) {
                    Some(place) => row[place] = Some(value),
                    None => {
                        table.names.push(name);
                        table.nulls.push(value.as_null());
                        row.push(Some(value));
                    }
                }
            }
            table.rows.push(row);
        }
        for row in &mut table.rows {
            row.resize(table.names.len(), None);
        }
        table
    }
}

impl Columns {
    /// New rows by one statement; what one lacks and another has is null.
    pub fn insert_several(rows: Vec<Columns>, table: &'static str) -> InsertStatement {
        let Table { names, nulls, rows } = Table::new(rows.into_iter());
        let mut insert = InsertStatement::new();
        insert
            .into_table(Alias::new(table))
            .columns(names.into_iter().map(Alias::new));
        for row in rows {
            let values = row.into_iter().zip(&nulls);
            insert.values_panic(
                values.map(|(value, null)| Expr::val(value.unwrap_or_else(|| null.clone()))),
            );
        }
        insert
    }

    /// These columns of several rows by one statement, each by its id and in what it has, and no other.
    pub fn update_several(rows: Vec<(i64, Columns)>, table: &'static str) -> UpdateStatement {
        // As both databases call the columns of a list of values.
        let given = |place: usize| col_named("given", format!("column{}", place + 1));
        let (ids, rows): (Vec<i64>, Vec<Columns>) = rows.into_iter().unzip();
        let Table { names, nulls, rows } = Table::new(rows.into_iter());
        let mut update = UpdateStatement::new();
        update
            .table(Alias::new(table))
            .and_where(col((table, "id")).eq(given(0)));
        for (place, name) in names.into_iter().enumerate() {
            // A bit for each column says whether the row has it.
            let is_given = given(1).bit_and(1_i64 << place).ne(0);
            let value = CaseStatement::new()
                .case(is_given, given(place + 2))
                .finally(col((table, name)));
            update.value(Alias::new(name), value);
        }
        let rows = ids.into_iter().zip(rows).map(|(id, row)| {
            let bits = row
                .iter()
                .enumerate()
                .filter(|(_, value)| value.is_some())
                .fold(0_i64, |bits, (place, _)| bits | 1 << place);
            let values = row.into_iter().zip(&nulls);
            let values = values.map(|(value, null)| value.unwrap_or_else(|| null.clone()));
            ValueTuple::Many([id.into(), bits.into()].into_iter().chain(values).collect())
        });
        update.from(TableRef::ValuesList(
            rows.collect(),
            Alias::new("given").into_iden(),
        ));
        update
    }
}

/// These rows, and no other.
pub fn delete_rows(table: &'static str, ids: &[i64]) -> DeleteStatement {
    let mut delete = DeleteStatement::new();
    delete
        .from_table(Alias::new(table))
        .and_where(Expr::col(Alias::new("id")).is_in(ids.iter().copied()));
    delete
}

/// Counts that were made a moment ago, by what was counted.
#[derive(Debug)]
pub struct Counts(Cache<String, i64>);

impl Default for Counts {
    fn default() -> Self {
        Counts(
            Cache::builder()
                .max_capacity(1_000)
                .time_to_live(Duration::from_secs(10))
                .build(),
        )
    }
}

// ---- reading ----------------------------------------------------------------------------------

/// A page of rows, and how many there are in all.
#[derive(Debug)]
pub struct Page<T> {
    pub count: i64,
    pub rows: Vec<T>,
    pub number: i64,
    pub size: i64,
    /// The id after which the next page begins, when pages can be walked by id.
    after: Option<i64>,
    /// `pageNo`, when the caller counts so.
    by_page_no: bool,
}

impl<T> Page<T> {
    pub fn is_last(&self) -> bool {
        self.number * self.size >= self.count
    }
}

struct Paging {
    /// `None`: the last.
    number: Option<i64>,
    size: i64,
    by_page_no: bool,
    /// The id the page before ended with, if the link it comes from was made for this page.
    after: Option<i64>,
}

impl Paging {
    fn read(app: &App, query: &mut Query) -> Result<Paging> {
        let cap = i64::from(cmp::max(app.settings().api.page_cap, 1));
        let page_no = query.take_raw("pageNo");
        let page_size = query.take_raw("pageSize");
        if page_no.is_some() || page_size.is_some() {
            return Paging::checked(page_no, page_size);
        }
        let size = |text: Option<String>| {
            text.and_then(|text| text.trim().parse::<i64>().ok())
                .filter(|size| *size > 0)
        };
        let (page_size, limit) = (query.take("page_size"), query.take("limit"));
        let size = match (page_size, limit) {
            (None, limit) => size(limit),
            (page_size, _) => size(page_size),
        };
        let number = match query.take("page").as_deref() {
            None => Some(1),
            Some("last") => None,
            Some(text) => Some(
                text.trim()
                    .parse::<i64>()
                    .ok()
                    .filter(|number| *number > 0)
                    .ok_or(Error::InvalidPage)?,
            ),
        };
        // A caller may take the link and change its page: then the place in it is of no use.
        let after = query.take("after").and_then(|text| {
            let (page, id) = text.split_once('.')?;
            (page.parse().ok() == number).then(|| id.parse().ok())?
        });
        Ok(Paging {
            number,
            size: cmp::min(size.unwrap_or(DEFAULT_SIZE), cap),
            by_page_no: false,
            after,
        })
    }

    /// The manual's parameters are refused rather than repaired.
    fn checked(page_no: Option<String>, page_size: Option<String>) -> Result<Paging> {
        let bad = |code| Error::BadPaging { code };
        let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let (Some(page_no), Some(page_size)) = (given(page_no), given(page_size)) else {
            return Err(bad(appendix::PAGE_MISSING));
        };
        let number = |text: String| text.trim().parse::<i64>().ok().filter(|number| *number > 0);
        let (Some(number), Some(size)) = (number(page_no), number(page_size)) else {
            return Err(bad(appendix::PAGE_NOT_POSITIVE));
        };
        if size > 1000 {
            return Err(bad(appendix::PAGE_TOO_LARGE));
        }
        Ok(Paging {
            number: Some(number),
            size,
            by_page_no: true,
            after: None,
        })
    }
}

/// What a caller asked to see of a list: the one condition for its count, its pages and whatever
/// else is made of it.
pub struct Selection {
    condition: Condition,
    /// Nothing narrows it: all rows there are.
    everything: bool,
    /// What narrows it names the rows' own table alone.
    own: bool,
    /// Who asks or what is asked for may make a long list of an IN.
    lists: bool,
    /// Texts are looked into.
    looks_inside: bool,
    /// The period that is asked for.
    span: Span,
    order: Vec<(Field, Order)>,
    /// The direction of `Resource::TIE` behind them.
    tie: Option<Order>,
}

impl Selection {
    pub async fn read<R: Resource>(
        app: &App,
        caller: &Caller,
        query: &mut Query,
    ) -> Result<Selection> {
        let mut filters = Cond::all();
        let mut problems = Vec::new();
        let mut looks_inside = false;
        let mut own = true;
        let mut lists = false;
        for field in R::FIELDS {
            for name in [&field.name].into_iter().chain(field.aliases) {
                if !matches!(field.asked, Asked::No | Asked::Together)
                    && let Some(value) = query.take(name)
                {
                    own &= field.asks_own::<R>();
                    lists |= matches!(field.asked, Asked::Special);
                    match exactly::<R>(app, field, &value) {
                        Ok(condition) => filters = filters.add(condition),
                        Err(Error::Invalid(found)) => {
                            problems.extend(found.into_iter().map(|problem| Problem {
                                field: (*name).to_owned(),
                                ..problem
                            }))
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
            let name = format!("{}_icontains", field.name);
            if !matches!(field.within, Within::No)
                && let Some(value) = query.take(&name)
            {
                own &= field.is_own::<R>();
                match looked_for(&name, &value) {
                    Ok(part) => {
                        if let Some(condition) = within(app.store.dialect(), field, &part) {
                            filters = filters.add(condition);
                            looks_inside = true;
                        }
                    }
                    Err(problem) => problems.push(problem),
                }
            }
        }
        let span = Span::asked::<R>(app, query);
        match R::together(app, caller, query).await {
            Ok(condition) if condition.is_empty() => {}
            Ok(condition) => filters = filters.add(condition),
            Err(Error::Invalid(found)) => problems.extend(found),
            Err(error) => return Err(error),
        }
        if let Some(words) = query.take("search") {
            let words: Vec<&str> = words
                .split([' ', ','])
                .filter(|word| !word.is_empty())
                .collect();
            if words.len() > MOST_WORDS {
                let message = t!(
                    "Ensure this field has no more than {count} words.",
                    count = MOST_WORDS
                );
                problems.push(Problem::new("search", message));
            }
            let searched = R::searched(caller);
            let mut room = FEW_KEYS;
            for word in words.into_iter().take(MOST_WORDS) {
                own &= searched.iter().all(Searched::is_own::<R>);
                match looked_for("search", word) {
                    Ok(word) => {
                        let condition =
                            search(app, searched, &word, span.is_short, &mut room).await?;
                        filters = filters.add(condition);
                        looks_inside = true;
                    }
                    Err(problem) => problems.push(problem),
                }
            }
        }
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        let visible = R::visible(caller, app);
        let visible_is_all = visible.is_empty();
        let everything = filters.is_empty() && visible_is_all;
        let wanted = query.take("ordering").unwrap_or_default();
        let (order, tie) = order::<R>(&wanted, caller.profile);
        Ok(Selection {
            condition: Cond::all().add(visible).add(filters),
            everything,
            own: own && visible_is_all,
            lists: lists || !visible_is_all,
            looks_inside,
            span,
            order,
            tie,
        })
    }

    /// Whether so many rows are found by what they were asked for and sorted. Others are walked in the order of their ids: the
    /// next ones are never far, unless a period ends before the walk begins, for ids rise with time.
    fn sorts_ids(&self, count: i64) -> bool {
        let far = match self.by_id_alone() {
            None => return false,
            Some(Order::Desc) => self.span.leaves_out_newest,
            Some(_) => self.span.leaves_out_oldest,
        };
        count <= if far { FEW_FAR_AWAY } else { FEW }
    }

    fn statement<R: Resource>(&self) -> SelectStatement {
        let mut select = SelectStatement::new();
        R::tables(&mut select);
        select.cond_where(self.condition.clone());
        select
    }

    /// The same with no more tables than the conditions need: for counts, and for ids in their own order.
    fn counted<R: Resource>(&self) -> SelectStatement {
        if !self.own {
            return self.statement::<R>();
        }
        let mut select = SelectStatement::new();
        R::alone(&mut select);
        select.cond_where(self.condition.clone());
        select
    }

    fn sort<R: Resource>(&self, app: &App, select: &mut SelectStatement) {
        for (field, direction) in &self.order {
            let Some(expression) = field.expression::<R>(app) else {
                continue;
            };
            // Both databases put what is missing where PostgreSQL does.
            let nulls = match (app.store.dialect(), field.nullable, direction) {
                (Dialect::Sqlite, true, Order::Desc) => Some(NullOrdering::First),
                (Dialect::Sqlite, true, _) => Some(NullOrdering::Last),
                _ => None,
            };
            match nulls {
                Some(nulls) => {
                    select.order_by_expr_with_nulls(expression, direction.clone(), nulls)
                }
                None => select.order_by_expr(expression, direction.clone()),
            };
        }
        if let Some(direction) = &self.tie {
            let tie = R::TIE.unwrap_or_else(id_column::<R>);
            select.order_by_expr(col(tie), direction.clone());
        }
    }

    /// The direction, when the rows come in the order of their ids and nothing else.
    fn by_id_alone(&self) -> Option<Order> {
        match (&self.order[..], &self.tie) {
            ([(_, direction)], None) => Some(direction.clone()),
            _ => None,
        }
    }

    /// The ids of a page and how many rows there are in all, from one look at a table that is not
    /// large, where counting first would be a second. `None`: count first, for the page is empty and
    /// so does not tell, or there are too many.
    async fn found<R: Resource>(
        &self,
        app: &App,
        place: Place,
        limit: u64,
    ) -> Result<Option<(i64, Vec<i64>)>> {
        if self.everything || !R::IS_SMALL {
            return Ok(None);
        }
        let Some(direction) = self.by_id_alone() else {
            return self.few_sorted::<R>(app, place, limit).await;
        };
        // Where texts are looked into, finding is the work, so it is done to its end. What an index knows is counted
        // faster than found; but SQLite would make the list of an IN anew for each statement.
        let to_the_end =
            self.looks_inside || (self.lists && matches!(app.store.dialect(), Dialect::Sqlite));
        let most = (!to_the_end).then_some(FEW_OF_SMALL);
        let query = self.found_query::<R>(direction, place, limit, most);
        let found: Vec<(i64, i64)> = app.store.all(&query).await?;
        let Some((_, count)) = found.first() else {
            return Ok((place == Place::Skip(0)).then_some((0, Vec::new())));
        };
        if most.is_some_and(|most| count.unsigned_abs() > most) {
            return Ok(None);
        }
        Ok(Some((*count, found.iter().map(|(id, _)| *id).collect())))
    }

    /// The same of rows in an order of their own that a text is looked for in: a few are found and sorted. Along an
    /// index of that order all would be gone through once more.
    async fn few_sorted<R: Resource>(
        &self,
        app: &App,
        place: Place,
        limit: u64,
    ) -> Result<Option<(i64, Vec<i64>)>> {
        if !self.looks_inside {
            return Ok(None);
        }
        let id = id_column::<R>();
        let mut few = self.counted::<R>();
        few.expr(col(id)).limit(FEW_OF_SMALL + 1);
        let few: Vec<(i64,)> = app.store.all(&few).await?;
        if few.len() as u64 > FEW_OF_SMALL {
            return Ok(None);
        }
        let count = i64::try_from(few.len()).unwrap_or(i64::MAX);
        let mut sorted = SelectStatement::new();
        R::tables(&mut sorted);
        sorted
            .expr(col(id))
            .and_where(col(id).is_in(few.into_iter().map(|(id,)| id)))
            .limit(limit);
        place.apply(&mut sorted, col(id), &Order::Asc);
        self.sort::<R>(app, &mut sorted);
        let page: Vec<(i64,)> = app.store.all(&sorted).await?;
        Ok(Some((count, page.into_iter().map(|(id,)| id).collect())))
    }

    /// The ids at a place, each with the count of all; no more than one beyond `most` are looked for.
    fn found_query<R: Resource>(
        &self,
        direction: Order,
        place: Place,
        limit: u64,
        most: Option<u64>,
    ) -> WithQuery {
        let (found, id) = (Alias::new("found"), Alias::new("id"));
        let mut all = self.counted::<R>();
        all.expr_as(col(id_column::<R>()), id.clone());
        if let Some(most) = most {
            all.limit(most + 1);
        }
        let mut table = CommonTableExpression::new();
        table
            .table_name(found.clone())
            .column(id.clone())
            .query(all)
            .materialized(true);
        let mut count = SelectStatement::new();
        count.expr(Expr::cust("count(*)")).from(found.clone());
        let mut page = SelectStatement::new();
        page.column(id.clone())
            .expr(SimpleExpr::SubQuery(None, Box::new(count.into())))
            .from(found)
            .order_by(id.clone(), direction.clone())
            .limit(limit);
        place.apply(&mut page, Expr::col(id), &direction);
        let mut with = WithClause::new();
        with.cte(table);
        page.with(with)
    }

    pub async fn count<R: Resource>(&self, app: &App) -> Result<i64> {
        if self.everything
            && let Some(count) = R::known_count(app).await?
        {
            return Ok(count);
        }
        let mut select = self.counted::<R>();
        select.expr(Expr::cust("count(*)"));
        let Some(version) = R::version(app).await? else {
            let (count,): (i64,) = app.store.one(&select).await?;
            return Ok(count);
        };
        let (sql, values) = Statement::build(&select, app.store.dialect());
        let key = format!("{version}\n{sql}\n{values:?}");
        if let Some(count) = app.counts.0.get(&key).await {
            return Ok(count);
        }
        let (count,): (i64,) = app.store.one(&select).await?;
        app.counts.0.insert(key, count).await;
        Ok(count)
    }
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Behind so many rows.
    Skip(u64),
    /// Behind this id, in the order of ids.
    After(i64),
}

impl Place {
    fn apply(self, select: &mut SelectStatement, id: Expr, direction: &Order) {
        match (self, direction) {
            (Place::Skip(0), _) => {}
            (Place::Skip(rows), _) => {
                select.offset(rows);
            }
            (Place::After(after), Order::Desc) => {
                select.and_where(id.lt(after));
            }
            (Place::After(after), _) => {
                select.and_where(id.gt(after));
            }
        }
    }
}

fn turned(order: &Order) -> Order {
    match order {
        Order::Desc => Order::Asc,
        _ => Order::Desc,
    }
}

/// A page of what the query asks for.
pub async fn page<R: Resource>(
    app: &App,
    caller: &Caller,
    query: &mut Query,
) -> Result<Page<R::Row>> {
    let mut paging = Paging::read(app, query)?;
    paging.size = cmp::min(paging.size, R::MOST_ON_A_PAGE);
    let selection = Selection::read::<R>(app, caller, query).await?;
    let by_id = selection.by_id_alone();
    let place = |number: i64| match paging.after.filter(|_| by_id.is_some()) {
        Some(after) => Place::After(after),
        None => Place::Skip((number - 1).saturating_mul(paging.size).unsigned_abs()),
    };
    let limit = paging.size.unsigned_abs();
    let found = match paging.number {
        Some(number) => selection.found::<R>(app, place(number), limit).await?,
        None => None,
    };
    let (count, found) = match found {
        Some((count, ids)) => (count, Some(ids)),
        None => (selection.count::<R>(app).await?, None),
    };
    let last = cmp::max((count + paging.size - 1) / paging.size, 1);
    let number = paging.number.unwrap_or(last);
    if number > last {
        return Err(Error::InvalidPage);
    }
    let id = id_column::<R>();
    let direction = by_id.clone().unwrap_or(Order::Asc);
    let mut select = selection.statement::<R>();
    if selection.everything && (number - 1) * paging.size <= DEEP {
        place(number).apply(&mut select, col(id), &direction);
    } else {
        let ids = match found {
            Some(ids) => ids,
            None => {
                // What is sorted or skipped is ids alone; the rows are read when it is known which.
                let is_own = |(field, _): &(Field, Order)| field.is_own::<R>();
                let mut ids = match selection.order.iter().all(is_own) {
                    true => selection.counted::<R>(),
                    false => select,
                };
                ids.expr(col(id));
                let (skipped, left) = (
                    (number - 1) * paging.size,
                    count - (number - 1) * paging.size,
                );
                let skips = by_id.is_some() && matches!(place(number), Place::Skip(_));
                if !selection.everything && !R::IS_SMALL && selection.sorts_ids(count) {
                    place(number).apply(&mut ids, col(id), &direction);
                    ids.order_by_expr(col(id).add(0), direction).limit(limit);
                } else if skips && skipped > left && matches!(direction, Order::Desc) {
                    // The other end is nearer, and stays where it is: what comes meanwhile comes at this one.
                    let rows = cmp::min(left, paging.size);
                    Place::Skip((left - rows).unsigned_abs()).apply(&mut ids, col(id), &direction);
                    ids.order_by_expr(col(id), turned(&direction))
                        .limit(rows.unsigned_abs());
                } else {
                    place(number).apply(&mut ids, col(id), &direction);
                    selection.sort::<R>(app, &mut ids);
                    ids.limit(limit);
                }
                let ids: Vec<(i64,)> = app.store.all(&ids).await?;
                ids.into_iter().map(|(id,)| id).collect()
            }
        };
        select = SelectStatement::new();
        R::tables(&mut select);
        select.and_where(col(id).is_in(ids));
    }
    selection.sort::<R>(app, &mut select);
    R::columns(&mut select, app);
    select.limit(limit);
    let rows: Vec<R::Row> = app.store.all(&select).await?;
    Ok(Page {
        count,
        after: by_id.and_then(|_| rows.last().map(R::id)),
        rows,
        number,
        size: paging.size,
        by_page_no: paging.by_page_no,
    })
}

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

fn id_column<R: Resource>() -> Column {
    match R::FIELDS.first().map(|field| field.source) {
        Some(Source::Column(column)) => column,
        _ => unreachable!("a resource's first field is its id"),
    }
}

/// The period that a list is asked for, by the clock of the things or of the server.
struct Span {
    leaves_out_oldest: bool,
    leaves_out_newest: bool,
    /// So little that its rows are soon read.
    is_short: bool,
}

/// A search goes through the rows of so many days.
const SHORT: TimeDelta = TimeDelta::days(31);

impl Span {
    fn asked<R: Resource>(app: &App, query: &mut Query) -> Span {
        let mut asked = |field: &Field, read: fn(&str) -> Option<NaiveDateTime>| {
            let is_asked = R::FIELDS.iter().any(|known| known.name == field.name);
            let text = is_asked.then(|| query.take(field.name)).flatten();
            text.and_then(|text| read(&text))
        };
        let now = app.clock.now().with_timezone(&app.zone).naive_local();
        let mut span = Span {
            leaves_out_oldest: false,
            leaves_out_newest: false,
            is_short: false,
        };
        for (first, last) in [(START_TIME, END_TIME), (UPLOAD_TIME_START, UPLOAD_TIME_END)] {
            let begins = asked(&first, times::read_from);
            let ends = asked(&last, times::read_until).filter(|ends| *ends < now);
            span.leaves_out_oldest |= begins.is_some();
            span.leaves_out_newest |= ends.is_some();
            span.is_short |= begins.is_some_and(|begins| ends.unwrap_or(now) - begins <= SHORT);
        }
        span
    }
}

fn exactly<R: Resource>(app: &App, field: &Field, value: &str) -> Result<SimpleExpr> {
    let column = match (field.asked, field.expression::<R>(app)) {
        (Asked::Relation(relation, column), _) => return Ok(relation.any_of(column, value)),
        (Asked::Special, _) | (_, None) => return R::special(app, field.name, value),
        (_, Some(column)) => column,
    };
    let one_of = matches!(field.asked, Asked::OneOf);
    let bad = |text: Text| Error::invalid(field.name, text);
    let number = |text: &str| {
        text.trim()
            .parse::<i64>()
            .map_err(|_| bad(t!("Enter a number.")))
    };
    Ok(match field.kind {
        Kind::Integer if one_of => {
            let numbers = value
                .split(',')
                .filter(|part| !part.trim().is_empty())
                .map(number)
                .collect::<Result<BTreeSet<i64>>>()?;
            column.is_in(numbers)
        }
        Kind::Integer => column.eq(number(value)?),
        Kind::Boolean => match value.to_lowercase().as_str() {
            "true" | "1" => column.eq(true),
            "false" | "0" => column.eq(false),
            _ => return Err(bad(t!("Must be a valid boolean."))),
        },
        Kind::Date => {
            let bad = Problem::new(field.name, t!("Enter a valid date.")).coded(appendix::BAD_TIME);
            let date = times::read_date(value.trim());
            column.eq(date.ok_or_else(|| Error::Invalid(vec![bad]))?)
        }
        _ if one_of => column.is_in(
            value
                .split(',')
                .map(|part| part.trim().to_owned())
                .collect::<BTreeSet<String>>(),
        ),
        _ => column.eq(value),
    })
}

/// The condition that a field holds a text somewhere, in any case.
fn within(dialect: Dialect, field: &Field, text: &str) -> Option<SimpleExpr> {
    let Source::Column(column) = field.source else {
        return None;
    };
    let needle = fold(text).replace(BETWEEN, " ");
    match field.within {
        Within::No => None,
        Within::Column => Some(contains_in_any_case(dialect, col(column), &needle)),
        Within::Part(part) => Some(within_part(dialect, column.0, part, &needle).into()),
    }
}

/// The condition that one part of a table's `search_text` holds the needle. Whether it is in there
/// at all is asked first: that is quick, and mostly no.
fn within_part(dialect: Dialect, table: &'static str, part: usize, needle: &str) -> Condition {
    let all = Cond::all().add(contains(dialect, col((table, "search_text")), needle));
    match dialect {
        Dialect::Postgres => {
            let part = format!("split_part({table}.search_text, chr(31), {})", part + 1);
            all.add(contains(dialect, Expr::cust(part), needle))
        }
        Dialect::Sqlite => {
            let mut rest = format!("{table}.search_text");
            for _ in 0..part {
                rest = format!("substr({rest}, instr({rest}, char(31)) + 1)");
            }
            let end = Expr::cust(format!("instr({rest} || char(31), char(31))"));
            let first = || position(Expr::cust(rest.clone()), needle);
            all.add(first().gt(0)).add(first().lt(end))
        }
    }
}

/// A part of a text as it is looked for, when the databases can look for one of that length.
fn looked_for(name: &str, part: &str) -> Result<String, Problem> {
    if part.chars().count() > LONGEST_PART {
        let message = t!(
            "Ensure this field has no more than {count} characters.",
            count = LONGEST_PART
        );
        return Err(Problem::new(name, message));
    }
    Ok(fold(part))
}

/// A word stands in one of these places. `in_short`: a short period is asked for, by which the rows are found. `room`: for
/// so many keys.
async fn search(
    app: &App,
    searched: &[Searched],
    word: &str,
    in_short: bool,
    room: &mut usize,
) -> Result<Condition> {
    let dialect = app.store.dialect();
    let mut any = Cond::any();
    for searched in searched {
        any = any.add(match *searched {
            Searched::Folded(column) => contains(dialect, col(column), word).into_condition(),
            Searched::Plain(column) => {
                contains_in_any_case(dialect, col(column), word).into_condition()
            }
            Searched::Through(through) => through.condition(app, word, in_short, room).await?,
        });
    }
    Ok(any)
}

/// The wanted order, unknown names left out, and the direction in which the rest is told apart by
/// id, so that pages never overlap: that of the last field. No direction: the id is in the order.
fn order<R: Resource>(wanted: &str, profile: Profile) -> (Vec<(Field, Order)>, Option<Order>) {
    let read = |wanted: &str| {
        let mut order: Vec<(Field, Order)> = Vec::new();
        for name in wanted.split(',').map(str::trim) {
            let (name, direction) = match name.strip_prefix('-') {
                Some(name) => (name, Order::Desc),
                None => (name, Order::Asc),
            };
            if let Some(field) = R::FIELDS
                .iter()
                .find(|field| field.is_ordered() && field.name.eq_ignore_ascii_case(name))
                && !order.iter().any(|(known, _)| known.name == field.name)
            {
                order.push((*field, direction));
            }
        }
        order
    };
    let mut order = read(wanted);
    if order.is_empty() {
        order = read(R::default_order(profile));
    }
    let id = R::FIELDS[0].name;
    if let Some(at) = order.iter().position(|(field, _)| field.name == id) {
        // Behind the id nothing can make a difference.
        order.truncate(at + 1);
        return (order, None);
    }
    let tie = order
        .last()
        .map_or(Order::Asc, |(_, direction)| direction.clone());
    (order, Some(tie))
}

/// `{"count","next","previous","msg","code","data"}`, in this order.
fn envelope<T>(page: &Page<T>, shown: Vec<Value>, query: &Query, origin: &Origin) -> Value {
    let name = if page.by_page_no { "pageNo" } else { "page" };
    let link = |number: i64, after: Option<String>| {
        let number = (number > 1 || page.by_page_no).then(|| number.to_string());
        let query = query.rewritten(&[(name, number), ("after", after)]);
        let separator = if query.is_empty() { "" } else { "?" };
        Value::String(format!("{}{}{separator}{query}", origin.base, origin.path))
    };
    let next = page.number + 1;
    let after = page
        .after
        .filter(|_| !page.by_page_no)
        .map(|id| format!("{next}.{id}"));
    json!({
        "count": page.count,
        "next": if page.is_last() { Value::Null } else { link(next, after) },
        "previous": if page.number > 1 { link(page.number - 1, None) } else { Value::Null },
        "msg": "",
        "code": 0,
        "data": shown,
    })
}

/// A page of what the query asks for, in its envelope.
pub async fn answer_list<R: Resource>(call: Call) -> Result<Answer> {
    let (app, mut query) = (call.request.app, call.request.query);
    let page = page::<R>(&app, &call.caller, &mut query).await?;
    let Page {
        count,
        rows,
        number,
        size,
        after,
        by_page_no,
    } = page;
    let shown = R::show(&app, &call.caller, rows).await?;
    let page: Page<()> = Page {
        count,
        rows: Vec::new(),
        number,
        size,
        after,
        by_page_no,
    };
    let body = envelope(&page, shown, &query, &call.request.origin);
    Ok(Answer::ok(&body).warn_of_unknown(&query.unknown()))
}

/// One row as its profile shows it.
pub async fn answer_read<R: Resource>(call: Call) -> Result<Answer> {
    let app = &call.request.app;
    let row = fetch::<R>(app, &call.caller, call.request.path.get(R::KEY)?).await?;
    Ok(Answer::ok(&first(
        R::show(app, &call.caller, vec![row]).await?,
    )?))
}

fn first(shown: Vec<Value>) -> Result<Value> {
    shown
        .into_iter()
        .next()
        .ok_or_else(|| Error::Internal(anyhow::anyhow!("one row was to be shown, and none was")))
}

async fn answer_create<R: Writable>(call: Call) -> Result<Answer> {
    let app = &call.request.app;
    let id = save::<R>(app, &call.caller, &call.request.body, None).await?;
    let row = fetch_by_id::<R>(app, id).await?;
    Ok(Answer::created(
        &R::show_saved(app, &call.caller, row).await?,
    ))
}

async fn answer_update<R: Writable>(call: Call) -> Result<Answer> {
    let app = &call.request.app;
    let stored = fetch::<R>(app, &call.caller, call.request.path.get(R::KEY)?).await?;
    let id = save::<R>(app, &call.caller, &call.request.body, Some(stored)).await?;
    let row = fetch_by_id::<R>(app, id).await?;
    Ok(Answer::ok(&R::show_saved(app, &call.caller, row).await?))
}

async fn answer_delete<R: Removable>(call: Call) -> Result<Answer> {
    let app = &call.request.app;
    let stored = fetch::<R>(app, &call.caller, call.request.path.get(R::KEY)?).await?;
    let mut tx = Writing::begin(app).await?;
    let problems = R::remove(app, &mut tx, &call.caller, vec![stored]).await?;
    if let Some(Problem { message, code, .. }) = problems.into_iter().next() {
        return Err(Error::Refused {
            code,
            detail: message,
        });
    }
    tx.commit(app).await?;
    Ok(removed(call.caller.profile))
}

/// The answer when one was removed.
pub fn removed(profile: Profile) -> Answer {
    match profile.removed() {
        (status, Some(body)) => Answer::json(status, &body),
        (status, None) => Answer::nothing(status),
    }
}

// ---- several rows at once ---------------------------------------------------------------------

/// One request does something with at most so many rows.
pub const MOST: usize = 10_000;
/// So many are looked for in one query.
const AT_ONCE: usize = 500;
/// The names under which a bulk action lists its rows, in the older generation the second.
const OBJECTS: &[&str] = &["object_codes", "object_ids"];

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

/// `delete` is all a list of rows can be asked to do; what else is wrong with the body is told
/// with it.
pub async fn answer_action<R: Removable>(call: Call) -> Result<Answer> {
    let (app, caller, body) = (&call.request.app, &call.caller, &call.request.body);
    let mut input = Input::new(body, true);
    if input.require(&["action_type"]) && input.one_of("action_type", &["delete"]).is_none() {
        input.code_last(appendix::BAD_ACTION);
    }
    let several = match several::<R>(app, caller, body, OBJECTS).await {
        Err(Error::Invalid(problems)) => {
            input.problems.extend(problems);
            return Err(Error::Invalid(input.problems));
        }
        several => several?,
    };
    input.settle()?;
    let mut tx = Writing::begin(app).await?;
    let problems = R::remove(app, &mut tx, caller, several.rows).await?;
    if !problems.is_empty() {
        let named = problems.into_iter().map(|problem| Problem {
            field: several.field.to_owned(),
            ..problem
        });
        return Err(Error::Invalid(named.collect()));
    }
    tx.commit(app).await?;
    Ok(Answer::ok(&caller.profile.acted("delete", &several.given)))
}

// ---- endpoints --------------------------------------------------------------------------------

/// The path of one row.
pub fn row_path<R: Resource>() -> String {
    format!("{}{{{}}}/", R::PATH, R::KEY)
}

pub fn list<R: Resource>() -> Endpoint {
    let doc = Doc {
        summary: format!("Lists: {}", R::NAME),
        tag: R::THING.name(),
        query: list_parameters::<R>(),
        body: None,
        returns: Returns::Page(R::ANSWER),
    };
    Endpoint::guarded(
        Method::GET,
        R::PATH,
        Right::View(R::THING),
        doc,
        answer_list::<R>,
    )
}

pub fn read<R: Resource>() -> Endpoint {
    let doc = Doc {
        summary: format!("Reads one: {}", R::NAME),
        tag: R::THING.name(),
        query: Vec::new(),
        body: None,
        returns: Returns::One(StatusCode::OK, R::ANSWER),
    };
    Endpoint::guarded(
        Method::GET,
        &row_path::<R>(),
        Right::View(R::THING),
        doc,
        answer_read::<R>,
    )
}

pub fn create<R: Writable>() -> Endpoint {
    let doc = Doc {
        summary: format!("Makes a new one: {}", R::NAME),
        tag: R::THING.name(),
        query: Vec::new(),
        body: Some(R::INPUT),
        returns: Returns::One(StatusCode::CREATED, R::ANSWER),
    };
    Endpoint::guarded(
        Method::POST,
        R::PATH,
        Right::Change(R::THING),
        doc,
        answer_create::<R>,
    )
}

/// PUT and PATCH: both change what is given and nothing else.
pub fn update<R: Writable>() -> [Endpoint; 2] {
    [Method::PUT, Method::PATCH].map(|method| {
        let doc = Doc {
            summary: format!("Changes what is given: {}", R::NAME),
            tag: R::THING.name(),
            query: Vec::new(),
            body: Some(R::INPUT),
            returns: Returns::One(StatusCode::OK, R::ANSWER),
        };
        Endpoint::guarded(
            method,
            &row_path::<R>(),
            Right::Change(R::THING),
            doc,
            answer_update::<R>,
        )
    })
}

pub fn delete<R: Removable>() -> Endpoint {
    let doc = Doc {
        summary: format!("Removes one: {}", R::NAME),
        tag: R::THING.name(),
        query: Vec::new(),
        body: None,
        returns: Returns::Deleted,
    };
    Endpoint::guarded(
        Method::DELETE,
        &row_path::<R>(),
        Right::Change(R::THING),
        doc,
        answer_delete::<R>,
    )
}

/// The manual removes some things by a POST without a body; with one it would mean a change.
pub fn delete_by_post<R: Removable>() -> Endpoint {
    let mut endpoint = delete::<R>().with_work(answer_delete_by_post::<R>);
    endpoint.method = Method::POST;
    endpoint.doc.summary = format!("Removes one: {} (the manual says POST)", R::NAME);
    endpoint
}

async fn answer_delete_by_post<R: Removable>(call: Call) -> Result<Answer> {
    if !call.request.body.is_empty() {
        return Err(Error::MethodNotAllowed {
            method: "POST".into(),
            allow: "DELETE, GET, HEAD, OPTIONS, PATCH, PUT".into(),
        });
    }
    answer_delete::<R>(call).await
}

const ACTION: &[Member] = &[
    Member::new(
        "object_codes",
        Kind::ReferenceList,
        "Codes or ids: a list, one, or several with commas; also object_ids.",
    )
    .required(),
    Member::new("action_type", Kind::Text, "delete").required(),
];
const ACTED: &[Member] = &[Member::new(
    "detail",
    Kind::Text,
    "Success, and what was sent; in the BioTime profile code, msg and data.",
)];

/// Removes several at once, or none.
pub fn action<R: Removable>() -> Endpoint {
    let doc = Doc {
        summary: format!("Removes several: {}", R::NAME),
        tag: R::THING.name(),
        query: Vec::new(),
        body: Some(ACTION),
        returns: Returns::One(StatusCode::OK, ACTED),
    };
    Endpoint::guarded(
        Method::POST,
        &format!("{}action/", R::PATH),
        Right::Change(R::THING),
        doc,
        answer_action::<R>,
    )
}

const DONE: &[Member] = &[Member::new(
    "detail",
    Kind::Text,
    "Success.; in the BioTime profile code, msg and data.",
)];

/// What is posted to have something done with several, and answered by whether it was.
pub fn posted<F, R>(
    path: &str,
    summary: &str,
    tag: Thing,
    right: Right,
    body: &'static [Member],
    work: F,
) -> Endpoint
where
    F: Fn(Call) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Answer>> + Send + 'static,
{
    let doc = Doc {
        summary: summary.into(),
        tag: tag.name(),
        query: Vec::new(),
        body: Some(body),
        returns: Returns::One(StatusCode::OK, DONE),
    };
    Endpoint::guarded(Method::POST, path, right, doc, work)
}

/// What a list can be asked, for the document.
pub fn list_parameters<R: Resource>() -> Vec<Parameter> {
    let mut parameters = vec![
        Parameter::new("page", Kind::Text, "The page: 1 and up, or last."),
        Parameter::new(
            "page_size",
            Kind::Integer,
            "Rows on a page; 10 unless given.",
        ),
        Parameter::new("limit", Kind::Integer, "Another name of page_size."),
        Parameter::new("pageNo", Kind::Integer, "The page; checked, with pageSize."),
        Parameter::new(
            "pageSize",
            Kind::Integer,
            "Rows on a page, 1 to 1000; checked, with pageNo.",
        ),
        Parameter::new(
            "ordering",
            Kind::Text,
            "Names of fields, separated by commas; - before one turns it round.",
        ),
        Parameter::new(
            "search",
            Kind::Text,
            "Words that must all occur, in any case.",
        ),
    ];
    for field in R::FIELDS {
        if !matches!(field.asked, Asked::No) {
            for name in [&field.name].into_iter().chain(field.aliases) {
                parameters.push(Parameter::new(name, field.kind, field.about));
            }
        }
        if !matches!(field.within, Within::No) {
            parameters.push(Parameter::new(
                &format!("{}_icontains", field.name),
                Kind::Text,
                "A part of it, in any case.",
            ));
        }
    }
    parameters
}

#[cfg(test)]
mod tests {
    use super::{read_id, search_text};

    #[test]
    fn parts_keep_their_places() {
        assert_eq!(search_text(["Ásha", "", "A\u{1f}7"]), "ásha\u{1f}\u{1f}a 7");
    }

    #[test]
    fn an_id_has_no_leading_zero() {
        assert_eq!(read_id("17"), Some(17));
        assert_eq!(read_id("0017"), None);
        assert_eq!(read_id("17a"), None);
        assert_eq!(read_id("99999999999999999999"), None);
    }
}
