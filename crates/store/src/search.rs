//! Searching without regard to case: SQLite's `lower()` leaves accented and Cyrillic letters as
//! they are, so rows that people look for most carry a folded column, and questions are folded the
//! same way, here. Of any other column the question names both cases of its letters.

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

/// `column` contains `needle`, letter by letter as it stands; where both are folded, in any case.
pub fn contains(dialect: Dialect, column: impl Into<Expr>, needle: &str) -> SimpleExpr {
    match dialect {
        Dialect::Sqlite => position(column, needle).gt(0),
        Dialect::Postgres => column.into().like(format!("%{}%", literal(needle))),
    }
}

/// `column`, which is not folded, contains `needle`, which is, whatever the case of its letters.
pub fn contains_in_any_case(dialect: Dialect, column: impl Into<Expr>, needle: &str) -> SimpleExpr {
    if needle.is_ascii() {
        return contains(dialect, Expr::expr(Func::lower(column)), needle);
    }
    match dialect {
        Dialect::Sqlite => Func::cust("glob")
            .arg(either_case(needle))
            .arg(column)
            .into(),
        // What `lower()` folds is the collation's: none but ASCII where that is C.
        Dialect::Postgres => {
            let (upper, lower): (String, String) = needle
                .chars()
                .filter_map(|letter| Some((upper_case(letter)?, letter)))
                .unzip();
            let folded = Func::cust("translate").arg(column).arg(upper).arg(lower);
            contains(dialect, Expr::expr(folded), needle)
        }
    }
}

/// A folded text as a pattern of SQLite's `glob()`: somewhere, each letter in one case or the other.
fn either_case(needle: &str) -> String {
    let mut pattern = String::from("*");
    for letter in needle.chars() {
        match upper_case(letter) {
            Some(upper) => pattern.extend(['[', letter, upper, ']']),
            None if matches!(letter, '*' | '?' | '[') => pattern.extend(['[', letter, ']']),
            None => pattern.push(letter),
        }
    }
    pattern.push('*');
    pattern
}

/// The other case of a folded letter, where that is one letter.
fn upper_case(letter: char) -> Option<char> {
    let mut upper = letter.to_uppercase();
    let first = upper.next().filter(|first| *first != letter)?;
    upper.next().is_none().then_some(first)
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
