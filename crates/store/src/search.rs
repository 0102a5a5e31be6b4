//! Searching without regard to case: SQLite's `lower()` leaves accented and Cyrillic letters as
//! they are, so rows carry a folded column and questions are folded the same way, here.

use crate::Dialect;
use sea_query::{Expr, ExprTrait, Func, SimpleExpr};

/// The form in which texts are compared when case does not matter.
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// Where `needle` begins in `column`, letter by letter as it stands, counted from 1; 0: nowhere.
/// SQLite alone: PostgreSQL finds what [`contains`] asks by an index, but not places.
pub fn position(column: impl Into<Expr>, needle: &str) -> SimpleExpr {
    Func::cust("instr").arg(column).arg(needle).into()
}

/// `column` contains `needle`, letter by letter as it stands. Fold both sides first for a search that
/// ignores case.
pub fn contains(dialect: Dialect, column: impl Into<Expr>, needle: &str) -> SimpleExpr {
    match dialect {
        Dialect::Sqlite => position(column, needle).gt(0),
        Dialect::Postgres => column.into().like(format!("%{}%", literal(needle))),
    }
}

/// A text as a pattern that is like nothing but the text.
fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}
