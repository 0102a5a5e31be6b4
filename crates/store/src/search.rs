//! Searching without regard to case: SQLite's `lower()` leaves accented and Cyrillic letters as
//! they are, so rows carry a folded column and questions are folded the same way, here.

use sea_query::{Expr, ExprTrait, LikeExpr, SimpleExpr};

/// The form in which texts are compared when case does not matter.
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// `column` contains `needle` as it stands: `%`, `_` and `\` in it mean themselves. Fold both
/// sides first for a search that ignores case.
pub fn contains(column: impl Into<Expr>, needle: &str) -> SimpleExpr {
    let mut pattern = String::with_capacity(needle.len() + 2);
    pattern.push('%');
    for letter in needle.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    column.into().like(LikeExpr::new(pattern).escape('\\'))
}
