//! Statements: written by sea-query for one database or the other, or by hand for both.

use crate::Dialect;
use sea_query::{
    DeleteStatement, InsertStatement, PostgresQueryBuilder, SelectStatement, SqliteQueryBuilder,
    UpdateStatement, Value, Values, WithQuery,
};

/// Anything that can be written out for a database, with its values bound beside it.
pub trait Statement: Sync {
    fn build(&self, dialect: Dialect) -> (String, Values);
}

macro_rules! written_by_sea_query {
    ($($statement:ty),*) => {$(
        impl Statement for $statement {
            fn build(&self, dialect: Dialect) -> (String, Values) {
                match dialect {
                    Dialect::Sqlite => self.build(SqliteQueryBuilder),
                    Dialect::Postgres => self.build(PostgresQueryBuilder),
                }
            }
        }
    )*};
}

written_by_sea_query!(
    SelectStatement,
    InsertStatement,
    UpdateStatement,
    DeleteStatement,
    WithQuery
);

/// A statement written by hand, with `$1`, `$2` … for its values on both databases.
#[derive(Debug, Clone)]
pub struct Sql {
    sqlite: &'static str,
    postgres: &'static str,
    values: Vec<Value>,
}

impl Sql {
    /// One text that both databases understand.
    pub fn new(text: &'static str, values: impl Into<Vec<Value>>) -> Sql {
        Sql::by_dialect(text, text, values)
    }

    /// A text for each database; both take the same values.
    pub fn by_dialect(
        sqlite: &'static str,
        postgres: &'static str,
        values: impl Into<Vec<Value>>,
    ) -> Sql {
        Sql {
            sqlite,
            postgres,
            values: values.into(),
        }
    }
}

impl Statement for Sql {
    fn build(&self, dialect: Dialect) -> (String, Values) {
        let text = match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        };
        (text.to_owned(), Values(self.values.clone()))
    }
}
