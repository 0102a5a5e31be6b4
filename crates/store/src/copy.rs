//! A database into an empty one of the other kind, and a picture of one as a file: every row of every
//! table, whatever they are called.

use crate::{Dialect, Error, Inner, Options, Pools, Result, Statement, Store, Tx, Url};
use rusqlite::{Connection, InterruptHandle, OpenFlags};
use sea_query::{Value, Values};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

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

impl Column {
    /// Its value as JSON can hold it.
    fn read(&self, from: Dialect) -> String {
        let Column { name, kind, .. } = self;
        match (from, kind.as_str()) {
            (Dialect::Sqlite, "bytea") => {
                format!("CASE WHEN {name} IS NOT NULL THEN hex({name}) END")
            }
            // JSON would have fifteen digits of it.
            (Dialect::Sqlite, "float8") => {
                format!("CASE WHEN {name} IS NOT NULL THEN printf('%!.17g', {name}) END")
            }
            (Dialect::Sqlite, _) => name.clone(),
            (Dialect::Postgres, "bytea") => format!("encode({name}, 'hex')"),
            (Dialect::Postgres, "bool") => format!("{name}::int"),
            // As the driver writes them into SQLite: no fraction, or one of three or of six digits.
            (Dialect::Postgres, "timestamptz") => {
                let utc = format!("({name} AT TIME ZONE 'UTC')");
                format!(
                    "to_char({utc}, 'YYYY-MM-DD\"T\"HH24:MI:SS') || {} || '+00:00'",
                    fraction(&utc)
                )
            }
            (Dialect::Postgres, "timestamp") => {
                format!(
                    "to_char({name}, 'YYYY-MM-DD HH24:MI:SS') || {}",
                    fraction(name)
                )
            }
            (Dialect::Postgres, "date") => format!("to_char({name}, 'YYYY-MM-DD')"),
            (Dialect::Postgres, "float8") => format!("{name}::text"),
            (Dialect::Postgres, _) => name.clone(),
        }
    }

    /// The value at a place of the row `r`.
    fn written(&self, to: Dialect, place: usize) -> String {
        match (to, self.kind.as_str()) {
            (Dialect::Sqlite, "bytea") => format!("unhex(r.value ->> {place})"),
            (Dialect::Sqlite, "float8") => format!("CAST(r.value ->> {place} AS REAL)"),
            (Dialect::Sqlite, _) => format!("r.value ->> {place}"),
            (Dialect::Postgres, "bytea") => format!("decode(r ->> {place}, 'hex')"),
            (Dialect::Postgres, "bool") => format!("(r ->> {place})::int::bool"),
            (Dialect::Postgres, kind) => format!("(r ->> {place})::{kind}"),
        }
    }
}

/// What stands behind the seconds of a time in PostgreSQL.
fn fraction(time: &str) -> String {
    let microseconds = format!("(extract(microseconds FROM {time})::bigint % 1000000)");
    format!(
        "CASE WHEN {microseconds} = 0 THEN '' WHEN {microseconds} % 1000 = 0 THEN to_char({time}, '.MS') \
         ELSE to_char({time}, '.US') END"
    )
}

struct Table {
    name: String,
    columns: Vec<Column>,
    points_at_itself: bool,
}

impl Table {
    /// Rows as arrays in JSON. SQLite: behind their numbers, `$1` is the last number read, `$2` how many
    /// rows. PostgreSQL: what a cursor is for.
    fn reading(&self, from: Dialect) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|column| column.read(from))
            .collect();
        let columns = columns.join(", ");
        let name = &self.name;
        match from {
            Dialect::Sqlite => format!(
                "SELECT rowid, json_array({columns}) FROM {name} WHERE rowid > $1 ORDER BY rowid LIMIT $2"
            ),
            Dialect::Postgres => format!(
                "DECLARE rows_of_one_table NO SCROLL CURSOR FOR SELECT json_build_array({columns})::text FROM {name}"
            ),
        }
    }

    /// `$1` is an array of such rows.
    fn writing(&self, to: Dialect) -> String {
        let names: Vec<&str> = self
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        let values: Vec<String> = self
            .columns
            .iter()
            .enumerate()
            .map(|(place, column)| column.written(to, place))
            .collect();
        let (name, names, values) = (&self.name, names.join(", "), values.join(", "));
        match to {
            Dialect::Sqlite => {
                format!("INSERT INTO {name} ({names}) SELECT {values} FROM json_each($1) AS r")
            }
            Dialect::Postgres => format!(
                "INSERT INTO {name} ({names}) OVERRIDING SYSTEM VALUE \
                 SELECT {values} FROM jsonb_array_elements($1::jsonb) AS r"
            ),
        }
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
    /// Copies all there is here into a database of the other kind that has its schema and no row: all of it,
    /// or nothing. Nobody writes to SQLite meanwhile; of PostgreSQL it is one moment's picture. Says of each
    /// table that it is copied.
    pub async fn copy_to(&self, to: &Store, mut told: impl FnMut(&Copied)) -> Result<()> {
        if self.dialect() == to.dialect() {
            return Err(Error::Copy(
                "only from SQLite to PostgreSQL, or back".into(),
            ));
        }
        let (mut from, mut to) = (self.write().await?.patient(), to.write().await?.patient());
        let tables = match from.dialect() {
            Dialect::Sqlite => tables(&mut to).await?,
            Dialect::Postgres => {
                let tables = tables(&mut from).await?;
                from.commit().await?;
                from = self.write().await?.patient();
                run(
                    &mut from,
                    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
                )
                .await?;
                // Before the picture is taken: a part that was taken out of a table after that would be missing from it.
                let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
                let held = format!("LOCK TABLE {} IN ACCESS SHARE MODE", names.join(", "));
                run(&mut from, &held).await?;
                // Rows may come before those that they point at.
                run(&mut to, "PRAGMA defer_foreign_keys = ON").await?;
                tables
            }
        };
        for table in &tables {
            if count(&mut to, &table.name).await? > 0 {
                let table = &table.name;
                return Err(Error::Copy(format!(
                    "the database has rows already, in the table {table}; give an empty one"
                )));
            }
        }
        for table in &tables {
            match from.dialect() {
                Dialect::Sqlite => copy_from_sqlite(&mut from, &mut to, table).await?,
                Dialect::Postgres => copy_from_postgres(&mut from, &mut to, table).await?,
            }
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

    /// One moment's picture of all there is, as a SQLite database in a file that is there and empty. Others
    /// read and write meanwhile.
    pub async fn picture(&self, file: &Path) -> Result<()> {
        match &self.pools {
            Pools::Sqlite { .. } => {
                let (of,): (String,) = self
                    .one(&Written(
                        "SELECT file FROM pragma_database_list WHERE name = 'main'".into(),
                        Vec::new(),
                    ))
                    .await?;
                let (of, file) = (PathBuf::from(of), file.to_owned());
                let reading = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let database = Connection::open_with_flags(of, reading)
                    .map_err(|error| Error::Copy(error.to_string()))?;
                let _wanted = Wanted(database.get_interrupt_handle());
                let drawn = tokio::task::spawn_blocking(move || {
                    database.execute("VACUUM INTO ?1", [file.to_string_lossy()])
                });
                drawn
                    .await
                    .map_err(|error| Error::Copy(error.to_string()))?
                    .map_err(|error| Error::Copy(error.to_string()))?;
                Ok(())
            }
            Pools::Postgres { .. } => {
                let to = Store::open(&Url::Sqlite(file.to_owned()), &Options::default()).await?;
                let copied = self.copy_to(&to, |_| {}).await;
                // What is in the log beside the file goes into the file.
                to.close().await;
                copied
            }
        }
    }
}

/// Whoever waits for a picture: with them goes the work on it.
struct Wanted(InterruptHandle);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.interrupt();
    }
}

/// How long a statement about all rows of a table may take.
const PATIENCE: Duration = Duration::from_secs(3600);

impl Tx {
    fn patient(mut self) -> Tx {
        if let Inner::Postgres(begun) = &mut self.inner {
            begun.patience = PATIENCE;
        }
        self
    }

    /// No id that was given to anything in these tables is given again, nor the next so many: a database that is
    /// older than what was told of it goes on behind that.
    pub async fn skip_ids(&mut self, count: i64) -> Result<()> {
        if self.dialect() == Dialect::Sqlite {
            for skip in [
                "UPDATE sqlite_sequence SET seq = seq + $1",
                "INSERT INTO sqlite_sequence (name, seq) SELECT name, $1 FROM sqlite_master \
                 WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%' AND name NOT IN (SELECT name FROM sqlite_sequence)",
            ] {
                self.run(&Written(skip.into(), vec![count.into()])).await?;
            }
            return Ok(());
        }
        for table in tables(self).await? {
            for column in table.columns.iter().filter(|column| column.numbers_itself) {
                let last = last_given(self, &table.name, &column.name).await?;
                set_last_given(self, &table.name, &column.name, last + count).await?;
            }
        }
        Ok(())
    }
}

async fn run(tx: &mut Tx, statement: &str) -> Result<u64> {
    tx.run(&Written(statement.into(), Vec::new())).await
}

async fn copy_from_sqlite(from: &mut Tx, to: &mut Tx, table: &Table) -> Result<()> {
    let (reading, writing) = (
        table.reading(Dialect::Sqlite),
        table.writing(Dialect::Postgres),
    );
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
        to.run(&Written(writing.clone(), vec![array(&rows)]))
            .await?;
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
            set_last_given(to, &table.name, &column.name, given).await?;
        }
    }
    Ok(())
}

async fn copy_from_postgres(from: &mut Tx, to: &mut Tx, table: &Table) -> Result<()> {
    let writing = table.writing(Dialect::Sqlite);
    run(from, &table.reading(Dialect::Postgres)).await?;
    let fetch = if table.together() == LARGE_TOGETHER {
        format!("FETCH {LARGE_TOGETHER} FROM rows_of_one_table")
    } else {
        format!("FETCH {TOGETHER} FROM rows_of_one_table")
    };
    loop {
        let rows: Vec<(String,)> = from.all(&Written(fetch.clone(), Vec::new())).await?;
        if rows.is_empty() {
            break;
        }
        let rows: Vec<&str> = rows.iter().map(|(row,)| row.as_str()).collect();
        to.run(&Written(writing.clone(), vec![array(&rows)]))
            .await?;
    }
    run(from, "CLOSE rows_of_one_table").await?;
    for column in table.columns.iter().filter(|column| column.numbers_itself) {
        let given = last_given(from, &table.name, &column.name).await?;
        let name = || vec![table.name.clone().into()];
        let remove = "DELETE FROM sqlite_sequence WHERE name = $1";
        to.run(&Written(remove.into(), name())).await?;
        let set = "INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)";
        let values = name().into_iter().chain([given.into()]).collect();
        to.run(&Written(set.into(), values)).await?;
    }
    Ok(())
}

fn array(rows: &[&str]) -> Value {
    format!("[{}]", rows.join(",")).into()
}

/// The last id that PostgreSQL has given; one below its first when it has given none.
async fn last_given(tx: &mut Tx, table: &str, column: &str) -> Result<i64> {
    let (last,): (i64,) = tx
        .one(&Written(
            "SELECT COALESCE(s.last_value, s.start_value - s.increment_by) FROM pg_sequences AS s \
             WHERE format('%I.%I', s.schemaname, s.sequencename) = pg_get_serial_sequence($1, $2)"
                .into(),
            vec![table.into(), column.into()],
        ))
        .await?;
    Ok(last)
}

async fn set_last_given(tx: &mut Tx, table: &str, column: &str, last: i64) -> Result<()> {
    let set = "SELECT setval(pg_get_serial_sequence($1, $2), $3)";
    let values = vec![table.into(), column.into(), last.into()];
    tx.run(&Written(set.into(), values)).await?;
    Ok(())
}

async fn count(tx: &mut Tx, table: &str) -> Result<i64> {
    let count = Written(format!("SELECT COUNT(*) FROM {table}"), Vec::new());
    let (count,): (i64,) = tx.one(&count).await?;
    Ok(count)
}

/// All tables of a PostgreSQL database, each behind those that it points at. One in parts is one table.
async fn tables(tx: &mut Tx) -> Result<Vec<Table>> {
    let columns: Vec<(String, String, String, bool)> = tx
        .all(&Written(
            "SELECT table_name::text, column_name::text, udt_name::text, is_identity::text = 'YES' \
             FROM information_schema.columns \
             WHERE table_schema = current_schema() AND table_name NOT LIKE '\\_sqlx%' \
             AND NOT EXISTS (SELECT FROM pg_class WHERE relname = table_name AND relispartition \
                 AND relnamespace = current_schema()::regnamespace) \
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
