//! What tables share whose rows terminals sent, and which stay when the terminal goes.

use crate::access::Caller;
use crate::resource::col;
use crate::scope::Owner;
use sea_query::{Alias, Condition, ExprTrait, JoinType, SelectStatement};

/// The rows with their terminals, while these are there.
pub fn tables(select: &mut SelectStatement, table: &'static str) {
    select.from(Alias::new(table)).join(
        JoinType::LeftJoin,
        Alias::new("terminal"),
        col(("terminal", "id")).eq(col((table, "terminal_id"))),
    );
}

/// These columns, and what is shown of the terminal.
pub fn columns(select: &mut SelectStatement, table: &'static str, names: &[&'static str]) {
    for name in names {
        select.expr(col((table, *name)));
    }
    select
        .expr_as(col(("terminal", "id")), "terminal_id")
        .expr_as(col(("terminal", "alias")), "terminal_alias");
}

/// Those of the terminals a caller may see; of terminals that are gone, to who sees all areas.
pub fn visible(caller: &Caller, table: &'static str) -> Condition {
    caller.scope.rows(&[
        Owner::Company((table, "company_id")),
        Owner::Area(("terminal", "area_id")),
    ])
}
