//! What a caller writes to point at something: a code or an id, as text or number, whichever the
//! caller's profile looks at first.

use crate::access::{Caller, Scope};
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::python_type;
use crate::profile::Profile;
use crate::resource::{Column, col, read_id};
use sea_query::{
    Alias, CommonTableExpression, Cond, Expr, ExprTrait, JoinType, Order, SelectStatement,
    SimpleExpr, UnionType, WithClause,
};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

/// A table others point at.
#[derive(Debug, Clone, Copy)]
pub struct Relation {
    pub table: &'static str,
    /// The column of the code, which is also its name in the API.
    pub code: &'static str,
    /// The column of the name.
    pub name: &'static str,
    /// The appendix's number when there is no such row.
    pub absent: i32,
    /// Which ids a scope leaves; `None`: all.
    pub within: fn(&Scope) -> Option<&[i64]>,
}

/// What was looked up already, so that many rows ask for each code once.
#[derive(Debug, Default)]
pub struct Known {
    found: Mutex<HashMap<(&'static str, String), Option<i64>>>,
    of_file: bool,
}

impl Known {
    /// For a file, which names things by their codes whatever the caller's profile.
    pub fn of_file() -> Known {
        Known {
            of_file: true,
            ..Known::default()
        }
    }

    pub fn is_of_file(&self) -> bool {
        self.of_file
    }

    /// A row of this code was just stored.
    pub fn learn(&self, table: &'static str, code: &str, id: i64) {
        self.put(table, code, Some(id));
    }

    fn profile(&self, caller: &Caller) -> Profile {
        if self.of_file {
            Profile::EasyTimePro
        } else {
            caller.profile
        }
    }

    fn get(&self, table: &'static str, text: &str) -> Option<Option<i64>> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.get(&(table, text.to_owned())).copied()
    }

    fn put(&self, table: &'static str, text: &str, id: Option<i64>) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.insert((table, text.to_owned()), id);
    }
}

/// No relation: null, nothing, 0 or "0" (unless a row has that code).
fn is_none(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty() || text.trim() == "0",
        Value::Number(number) => number.as_i64() == Some(0),
        _ => false,
    }
}

impl Relation {
    fn id(&self) -> Column {
        (self.table, "id")
    }

    fn code(&self) -> Column {
        (self.table, self.code)
    }

    /// The rows a caller may point at, by name: id, code and name of each.
    pub async fn choices(&self, app: &App, caller: &Caller) -> Result<Vec<(i64, String, String)>> {
        let name = (self.table, self.name);
        let mut select = SelectStatement::new();
        select
            .from(Alias::new(self.table))
            .expr(col(self.id()))
            .expr(col(self.code()))
            .expr(col(name))
            .and_where(col((self.table, "company_id")).eq(app.company.id.as_str()))
            .order_by_expr(col(name), Order::Asc)
            .order_by_expr(col(self.id()), Order::Asc);
        if let Some(ids) = (self.within)(&caller.scope) {
            select.and_where(col(self.id()).is_in(ids.iter().copied()));
        }
        Ok(app.store.all(&select).await?)
    }

    /// Whether a row is the caller's to point at.
    pub fn reaches(&self, caller: &Caller, id: i64) -> bool {
        (self.within)(&caller.scope).is_none_or(|ids| ids.contains(&id))
    }

    /// The row meant by a value, `None` when it means no row, or what is wrong with it.
    pub async fn find(
        &self,
        app: &App,
        caller: &Caller,
        known: &Known,
        field: &str,
        value: &Value,
    ) -> Result<Result<Option<i64>, Problem>> {
        let problem = |message: String| Ok(Err(Problem::new(field, message)));
        let text = match value {
            Value::Null => return Ok(Ok(None)),
            Value::String(text) if text.trim().is_empty() => return Ok(Ok(None)),
            Value::String(text) if text.contains('\0') => {
                return problem(t!("Null characters are not allowed.").into());
            }
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) if !number.is_f64() => number.to_string(),
            other => return problem(known.profile(caller).wrong_type(python_type(other))),
        };
        let id = match known.get(self.table, &text) {
            Some(id) => id,
            None => {
                let id = self
                    .look_up(app, caller, known.profile(caller), &text)
                    .await?;
                known.put(self.table, &text, id);
                id
            }
        };
        if id.is_some() || is_none(value) {
            return Ok(Ok(id));
        }
        let message = known.profile(caller).no_such(self.code, &text);
        Ok(Err(Problem::new(field, message).coded(self.absent)))
    }

    async fn look_up(
        &self,
        app: &App,
        caller: &Caller,
        profile: Profile,
        text: &str,
    ) -> Result<Option<i64>> {
        let by_code = Some(col(self.code()).eq(text));
        let by_id = read_id(text).map(|id| col(self.id()).eq(id));
        for condition in profile.tried(by_code, by_id) {
            let mut select = SelectStatement::new();
            select
                .expr(col(self.id()))
                .from(Alias::new(self.table))
                .and_where(
                    Expr::col((Alias::new(self.table), Alias::new("company_id")))
                        .eq(app.company.id.as_str()),
                )
                .and_where(condition);
            if let Some(ids) = (self.within)(&caller.scope) {
                select.and_where(col(self.id()).is_in(ids.iter().copied()));
            }
            let found: Option<(i64,)> = app.store.find(&select).await?;
            if let Some((id,)) = found {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// What a filter means and all below it, as a filter takes it: ids with commas. For those that stand in a tree.
    pub async fn with_below(&self, app: &App, values: &str) -> Result<String> {
        let asked = Asked::read(values);
        if asked.all {
            return Ok(values.to_owned());
        }
        let ids = self.ids_with_below(app, values).await?;
        let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
        // Nothing there is like nothing that was asked for.
        Ok(match ids.is_empty() {
            true => values.to_owned(),
            false => ids.join(","),
        })
    }

    /// The ids of what a filter means, and of all below it.
    pub async fn ids_with_below(&self, app: &App, values: &str) -> Result<Vec<i64>> {
        let mut meant = SelectStatement::new();
        meant
            .expr(col(self.id()))
            .from(Alias::new(self.table))
            .and_where(any_of(self.code(), self.id(), values));
        let mut select = SelectStatement::new();
        select
            .column(Alias::new("id"))
            .from(Alias::new("below"))
            .order_by(Alias::new("id"), Order::Asc);
        let query = select.with(below(self.table, &[], meant));
        let found: Vec<(i64,)> = app.store.all(&query).await?;
        Ok(found.into_iter().map(|(id,)| id).collect())
    }

    /// A filter by code or id, one or several with commas; `-1` means all. `column` is the id that
    /// points here; the table itself need not be joined.
    pub fn any_of(&self, column: Column, values: &str) -> SimpleExpr {
        if values.split(',').any(|value| value.trim() == "-1") {
            return Expr::val(1).eq(1);
        }
        let mut meant = SelectStatement::new();
        meant
            .expr(col(self.id()))
            .from(Alias::new(self.table))
            .and_where(any_of(self.code(), self.id(), values));
        col(column).in_subquery(meant)
    }

    /// The same where what `column` points at may be gone: an id is enough then.
    pub fn any_of_ids(&self, column: Column, values: &str) -> SimpleExpr {
        let asked = Asked::read(values);
        if asked.all {
            return Expr::val(1).eq(1);
        }
        let mut with_code = SelectStatement::new();
        with_code
            .expr(col(self.id()))
            .from(Alias::new(self.table))
            .and_where(col(self.code()).is_in(asked.codes));
        Cond::any()
            .add(col(column).in_subquery(with_code))
            .add(col(column).is_in(asked.ids))
            .into()
    }
}

/// The table `below` of a statement: the rows of a tree that `first` finds, and all below them. `first` has the columns
/// `kept`, which those below take over from the one above them, and then the id.
pub fn below(tree: &'static str, kept: &[&'static str], mut first: SelectStatement) -> WithClause {
    let mut step = SelectStatement::new();
    step.exprs(kept.iter().map(|name| col(("below", *name))))
        .expr(col(("lower", "id")))
        .from_as(Alias::new(tree), Alias::new("lower"))
        .join(
            JoinType::InnerJoin,
            Alias::new("below"),
            col(("lower", "parent_id")).eq(col(("below", "id"))),
        );
    // Distinct: a circle, were there one, would end the walk.
    first.union(UnionType::Distinct, step);
    let mut table = CommonTableExpression::new();
    table
        .table_name(Alias::new("below"))
        .columns(kept.iter().chain(&["id"]).copied().map(Alias::new))
        .query(first);
    let mut with = WithClause::new();
    with.recursive(true).cte(table);
    with
}

/// What a filter names: each once, so that no list is longer than a statement may be.
struct Asked<'a> {
    all: bool,
    codes: BTreeSet<&'a str>,
    ids: BTreeSet<i64>,
}

impl Asked<'_> {
    fn read(values: &str) -> Asked<'_> {
        let codes: BTreeSet<&str> = values
            .split(',')
            .map(str::trim)
            .filter(|value| !value.is_empty())
            .collect();
        Asked {
            all: codes.contains("-1"),
            ids: codes.iter().filter_map(|code| read_id(code)).collect(),
            codes,
        }
    }
}

/// A filter by a code or the id beside it, one or several with commas; `-1` means all.
pub fn any_of(code: Column, id: Column, values: &str) -> SimpleExpr {
    let asked = Asked::read(values);
    if asked.all {
        return Expr::val(1).eq(1);
    }
    Cond::any()
        .add(col(code).is_in(asked.codes))
        .add(col(id).is_in(asked.ids))
        .into()
}

pub const AREA: Relation = Relation {
    table: "area",
    code: "area_code",
    name: "area_name",
    absent: crate::appendix::NO_AREA,
    within: |scope| scope.areas.as_deref(),
};

pub const DEPARTMENT: Relation = Relation {
    table: "department",
    code: "dept_code",
    name: "dept_name",
    absent: crate::appendix::NO_DEPARTMENT,
    within: |scope| scope.departments.as_deref(),
};

pub const POSITION: Relation = Relation {
    table: "position",
    code: "position_code",
    name: "position_name",
    absent: crate::appendix::PROGRAM_ERROR,
    within: |_| None,
};

pub const LOCATION: Relation = Relation {
    table: "location",
    code: "location_code",
    name: "location_name",
    absent: crate::appendix::PROGRAM_ERROR,
    within: |_| None,
};
