//! A SQLite database into an empty PostgreSQL one: every row of every table, whatever they are called.

use crate::{Dialect, Error, Result, Statement, Store, Tx};
use sea_query::{Value, Values};
use std::collections::{BTreeMap, BTreeSet};

/// Rows in one statement; fewer where they may hold pictures.
const TOGETHER: i64 = 1_000;
const LARGE_TOGETHER: i64 = 20;
/// All of them: rows that point at rows of the same table are looked at when the statement ends.
const WHOLE: i64 = -1;

/// A table that was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    pub table: String,
    pub rows: i64,
}

/// A statement of names that the database gave.
struct Written(String, Vec<Value>);

impl Statement for Written {
    fn build(&self, _dialect: Dialect) -> (String, Values) {
        (self.0.clone(), Values(self.1.clone()))
    }
}

#[derive(Debug, Clone)]
struct Column {
    name: String,
    /// As PostgreSQL calls it.
    kind: String,
    numbers_itself: bool,
}

struct Table {
    name: String,
    columns: Vec<Column>,
    points_at_itself: bool,
}

impl Table {
    /// A row as an array in JSON, behind its number: `$1` is the last number read, `$2` how many rows.
    fn reading(&self) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|Column { name, kind, .. }| match kind.as_str() {
                "bytea" => format!("CASE WHEN {name} IS NOT NULL THEN hex({name}) END"),
                // JSON would have fifteen digits of it.
                "float8" => {
                    format!("CASE WHEN {name} IS NOT NULL THEN printf('%!.17g', {name}) END")
                }
                _ => name.clone(),
            })
            .collect();
        format!(
            "SELECT rowid, json_array({}) FROM {} WHERE rowid > $1 ORDER BY rowid LIMIT $2",
            columns.join(", "),
            self.name
        )
    }

    /// `$1` is an array of such rows.
    fn writing(&self) -> String {
        let names: Vec<&str> = self
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        let values: Vec<String> = self
            .columns
            .iter()
            .enumerate()
            .map(|(place, Column { kind, .. })| match kind.as_str() {
                "bytea" => format!("decode(r ->> {place}, 'hex')"),
                "bool" => format!("(r ->> {place})::int::bool"),
                _ => format!("(r ->> {place})::{kind}"),
            })
            .collect();
        format!(
            "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM jsonb_array_elements($1::jsonb) AS r",
            self.name,
            names.join(", "),
            values.join(", ")
        )
    }

    fn together(&self) -> i64 {
        if self.points_at_itself {
            WHOLE
        } else if self.columns.iter().any(|column| column.kind == "bytea") {
            LARGE_TOGETHER
        } else {
            TOGETHER
        }
    }
}

impl Store {
    /// Copies all there is here, on SQLite, into a PostgreSQL database that has its schema and no row: all of
    /// it, or nothing. Nobody writes here meanwhile. Says of each table that it is copied.
    pub async fn copy_to(&self, to: &Store, mut told: impl FnMut(&Copied)) -> Result<()> {
        let is_from_to = (self.dialect(), to.dialect()) == (Dialect::Sqlite, Dialect::Postgres);
        if !is_from_to {
            return Err(Error::Copy("only from SQLite to PostgreSQL".into()));
        }
        let (mut from, mut to) = (self.write().await?, to.write().await?);
        let tables = tables(&mut to).await?;
        for table in &tables {
            if count(&mut to, &table.name).await? > 0 {
                let table = &table.name;
                return Err(Error::Copy(format!(
                    "the database has rows already, in the table {table}; give an empty one"
                )));
            }
        }
        for table in &tables {
            copy(&mut from, &mut to, table).await?;
            let rows = count(&mut from, &table.name).await?;
            let there = count(&mut to, &table.name).await?;
            if rows != there {
                let table = &table.name;
                return Err(Error::Copy(format!(
                    "{there} of {rows} rows of {table} arrived"
                )));
            }
            told(&Copied {
                table: table.name.clone(),
                rows,
            });
        }
        to.commit().await
    }
}

async fn copy(from: &mut Tx, to: &mut Tx, table: &Table) -> Result<()> {
    let (reading, writing) = (table.reading(), table.writing());
    let mut last = i64::MIN;
    loop {
        let rows: Vec<(i64, String)> = from
            .all(&Written(
                reading.clone(),
                vec![last.into(), table.together().into()],
            ))
            .await?;
        let Some((end, _)) = rows.last() else { break };
        last = *end;
        let rows: Vec<&str> = rows.iter().map(|(_, row)| row.as_str()).collect();
        let rows = format!("[{}]", rows.join(","));
        to.run(&Written(writing.clone(), vec![rows.into()])).await?;
    }
    // No number is given again, be its row long gone.
    for column in table.columns.iter().filter(|column| column.numbers_itself) {
        let given: Option<(i64,)> = from
            .find(&Written(
                "SELECT seq FROM sqlite_sequence WHERE name = $1".into(),
                vec![table.name.clone().into()],
            ))
            .await?;
        if let Some((given,)) = given.filter(|(given,)| *given > 0) {
            let set = "SELECT setval(pg_get_serial_sequence($1, $2), $3)";
            let names = [table.name.clone().into(), column.name.clone().into()];
            let values = names.into_iter().chain([given.into()]).collect();
            to.run(&Written(set.into(), values)).await?;
        }
    }
    Ok(())
}

async fn count(tx: &mut Tx, table: &str) -> Result<i64> {
    let count = Written(format!("SELECT COUNT(*) FROM {table}"), Vec::new());
    let (count,): (i64,) = tx.one(&count).await?;
    Ok(count)
}

/// All tables of a PostgreSQL database, each behind those that it points at.
async fn tables(tx: &mut Tx) -> Result<Vec<Table>> {
    let columns: Vec<(String, String, String, bool)> = tx
        .all(&Written(
            "SELECT table_name::text, column_name::text, udt_name::text, is_identity::text = 'YES' \
             FROM information_schema.columns \
             WHERE table_schema = current_schema() AND table_name NOT LIKE '\\_sqlx%' \
             ORDER BY table_name, ordinal_position"
                .into(),
            Vec::new(),
        ))
        .await?;
    let arrows: Vec<(String, String)> = tx
        .all(&Written(
            "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint \
             WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
                .into(),
            Vec::new(),
        ))
        .await?;
    let mut left: BTreeMap<String, Vec<Column>> = BTreeMap::new();
    for (table, name, kind, numbers_itself) in columns {
        left.entry(table).or_default().push(Column {
            name,
            kind,
            numbers_itself,
        });
    }
    let arrows: BTreeSet<(String, String)> = arrows.into_iter().collect();
    let mut tables = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waits = |table: &String| {
            let mut targets = arrows.iter().filter(|(from, _)| from == table);
            targets.any(|(from, to)| from != to && left.contains_key(to))
        };
        let Some(next) = left.keys().find(|table| !waits(table)).cloned() else {
            return Err(Error::Copy(
                "tables point at one another in a circle".into(),
            ));
        };
        tables.push(Table {
            columns: left.remove(&next).unwrap_or_default(),
            points_at_itself: arrows.contains(&(next.clone(), next.clone())),
            name: next,
        });
    }
    Ok(tables)
}
