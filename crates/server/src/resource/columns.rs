//! The statements that write rows of any table: columns with their values, of one row or of several.

use super::field::col;
use sea_query::{
    Alias, CaseStatement, DeleteStatement, Expr, ExprTrait, InsertStatement, IntoIden, TableRef,
    UpdateStatement, ValueTuple,
};

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

fn col_named(table: &'static str, name: String) -> Expr {
    Expr::col((Alias::new(table), Alias::new(name)))
}
