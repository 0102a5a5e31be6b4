//! What lists share whose rows are a terminal's: how it is asked for, joined and shown. Some rows stay when
//! their terminal goes.

use crate::access::Caller;
use crate::resource::{Column, Field, col};
use crate::routes::{Kind, Member};
use crate::scope::Owner;
use sea_query::{Alias, Condition, ExprTrait, JoinType, SelectStatement, SimpleExpr};

/// The serial number, from this column.
pub const fn sn_asked(column: Column) -> Field {
    Field::new("terminal_sn", Kind::Text, column)
        .one_of()
        .contains()
        .or(&["sn"])
}

pub const ALIAS_ASKED: Field = Field::new("terminal_alias", Kind::Text, ("terminal", "alias"))
    .exactly()
    .or(&["alias"]);

/// The id, from this column.
pub const fn id_asked(column: Column) -> Field {
    Field::new("terminal", Kind::Integer, column)
        .one_of()
        .about("The terminal's id.")
}

pub const ID: Member = Member::new("terminal", Kind::Integer, "The terminal's id.");
/// Of rows that stay.
pub const ID_WHILE_THERE: Member = Member::new(
    "terminal",
    Kind::Integer,
    "The terminal's id; null: it is gone.",
);
pub const SN: Member = Member::new("terminal_sn", Kind::Text, "");
pub const ALIAS: Member = Member::new("terminal_alias", Kind::Text, "");

/// The rows with their terminals.
pub fn tables(select: &mut SelectStatement, table: &'static str) {
    select
        .from(Alias::new(table))
        .join(JoinType::InnerJoin, Alias::new("terminal"), is_of(table));
}

/// The rows, and their terminals while these are there.
pub fn tables_that_stay(select: &mut SelectStatement, table: &'static str) {
    select
        .from(Alias::new(table))
        .join(JoinType::LeftJoin, Alias::new("terminal"), is_of(table));
}

fn is_of(table: &'static str) -> SimpleExpr {
    col(("terminal", "id")).eq(col((table, "terminal_id")))
}

/// These columns of rows that stay, and what is shown of the terminal.
pub fn columns_that_stay(
    select: &mut SelectStatement,
    table: &'static str,
    names: &[&'static str],
) {
    for name in names {
        select.expr(col((table, *name)));
    }
    select
        .expr_as(col(("terminal", "id")), "terminal_id")
        .expr_as(col(("terminal", "alias")), "terminal_alias");
}

/// These columns, and the terminal's names and kind.
pub fn columns(select: &mut SelectStatement, table: &'static str, names: &[&'static str]) {
    for name in names {
        select.expr(col((table, *name)));
    }
    select
        .expr_as(col(("terminal", "sn")), "terminal_sn")
        .expr_as(col(("terminal", "alias")), "terminal_alias")
        .expr(col(("terminal", "family")));
}

/// Rows that stay, of the terminals a caller may see; of terminals that are gone, to who sees all areas.
pub fn visible_that_stay(caller: &Caller, table: &'static str) -> Condition {
    caller.scope.rows(&[
        Owner::Company((table, "company_id")),
        Owner::Area(("terminal", "area_id")),
    ])
}
