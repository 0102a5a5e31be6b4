//! Searching without regard to case: SQLite's `lower()` leaves accented and Cyrillic letters as
//! they are, so rows carry a folded column and questions are folded the same way, here.

use crate::Dialect;
use sea_query::{Expr, ExprTrait, Func, SimpleExpr};

/// The form in which texts are compared when case does not matter.
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// Where `needle` begins in `column`, letter by letter as it stands; 0: nowhere. Fold both sides
/// first for a search that ignores case.
pub fn position(dialect: Dialect, column: impl Into<Expr>, needle: &str) -> SimpleExpr {
    let name = match dialect {
        Dialect::Sqlite => "instr",
        Dialect::Postgres => "strpos",
    };
    Func::cust(name).arg(column).arg(needle).into()
}

/// `column` contains `needle`.
pub fn contains(dialect: Dialect, column: impl Into<Expr>, needle: &str) -> SimpleExpr {
    position(dialect, column, needle).gt(0)
}
