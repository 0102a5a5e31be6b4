//! Words and parts of texts that a list is searched for: where a resource has them looked for, and the
//! conditions that find them.

use super::Resource;
use super::field::{Column, Field, Source, Within, col, id_column};
use crate::app::App;
use crate::error::{Problem, Result};
use muster_store::{Dialect, contains, contains_in_any_case, fold, position};
use sea_query::{
    Alias, Cond, Condition, Expr, ExprTrait, Func, IntoCondition, SelectStatement, SimpleExpr,
};

/// Of what leads to other rows, so many in all are told to PostgreSQL one by one.
pub(super) const FEW_KEYS: usize = 1_000;
/// A search has at most so many words, and each, as any part that is looked for, so many letters:
/// no text that is kept is longer.
pub(super) const MOST_WORDS: usize = 50;
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
    pub(super) fn is_own<R: Resource>(&self) -> bool {
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

/// The condition that a field holds a text somewhere, in any case.
pub(super) fn within(dialect: Dialect, field: &Field, text: &str) -> Option<SimpleExpr> {
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
pub(super) fn looked_for(name: &str, part: &str) -> Result<String, Problem> {
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
pub(super) async fn search(
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

#[cfg(test)]
mod tests {
    use super::search_text;

    #[test]
    fn parts_keep_their_places() {
        assert_eq!(search_text(["Ásha", "", "A\u{1f}7"]), "ásha\u{1f}\u{1f}a 7");
    }
}
