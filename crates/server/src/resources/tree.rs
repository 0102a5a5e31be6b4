//! Things that stand in a tree: each has a code, a name and perhaps one of its kind above it.
//! Areas, departments, positions and locations do; the file of each says what it is called, who
//! uses it and which table it writes through this one.

use crate::access::{Caller, Scope, Thing};
use crate::accounts::role;
use crate::app::App;
use crate::appendix;
use crate::audit::{self, Deed};
use crate::error::{Error, Problem, Result};
use crate::extract::Body;
use crate::input::{Input, Text};
use crate::language::{self, Counted, grouped};
use crate::profile::Profile;
use crate::relation::{self, Known, Relation};
use crate::resource::{
    self, Column, Columns, Field, Removable, Resource, Searched, Writable, col, search_text,
};
use crate::resources::employee::Employee;
use crate::routes::{Endpoint, Kind, Member};
use crate::scope::Owner;
use crate::terminals::terminal::Terminal;
use crate::writing::{self, Writing};
use muster_store::Tx;
use sea_query::{
    Alias, CommonTableExpression, Cond, Condition, Expr, ExprTrait, JoinType, Order,
    SelectStatement, SimpleExpr, UnionType, WithClause, WithQuery,
};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};
use std::iter;

/// The row of each kind that is always there, and its code.
const FIRST: i64 = 1;
const FIRST_CODE: &str = "1";
/// So many are asked about in one query.
const AT_ONCE: usize = 500;

const CODE: Text = Text::max(50);
const NAME: Text = Text::max(100);

/// What stands in a tree.
pub trait Tree: Sized + Send + Sync + 'static {
    /// The table, which is written for the file that says so and no other.
    const TABLE: &'static str;
    const THING: Thing;
    const PATH: &'static str;
    /// How others point at it.
    const RELATION: Relation;
    const WORDS: Words;
    const NUMBERS: Numbers;
    /// Who keeps it from being removed, besides those below it.
    const USES: &'static [Use];
    /// The code is given once; another one in an update is ignored.
    const KEEPS_CODE: bool = false;
    /// As the manual stars it.
    const EXPORT_NEEDS_TYPE: bool = false;
    /// How a file names the one above: its code and its name.
    const PARENT_COLUMNS: &'static [(&'static str, &'static str)] = &[
        (Self::WORDS.parent_too[0], Self::WORDS.code),
        (Self::WORDS.parent_name, Self::WORDS.name),
    ];
}

/// The names of its members.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    pub code: &'static str,
    pub name: &'static str,
    pub parent: &'static str,
    /// Other names of the one above, as a filter and when written; the first is its code's in files.
    pub parent_too: &'static [&'static str],
    pub parent_name: &'static str,
    /// The import's name under the list's path, which is no code.
    pub import: &'static str,
    /// Those below one.
    pub below: Counted,
}

/// The appendix's numbers for what may be wrong.
#[derive(Debug, Clone, Copy)]
pub struct Numbers {
    pub empty: i32,
    pub taken: i32,
    pub absent: i32,
    pub bad_parent: i32,
    pub stays: i32,
}

impl Numbers {
    pub const NONE: Numbers = Numbers {
        empty: appendix::PROGRAM_ERROR,
        taken: appendix::PROGRAM_ERROR,
        absent: appendix::PROGRAM_ERROR,
        bad_parent: appendix::PROGRAM_ERROR,
        stays: appendix::PROGRAM_ERROR,
    };
}

/// Who can be what uses one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Users {
    Employees,
    FormerEmployees,
    Terminals,
}

impl Users {
    fn called(self) -> Counted {
        match self {
            Users::Employees => counted!("{count} employee", "{count} employees"),
            Users::FormerEmployees => {
                counted!("{count} former employee", "{count} former employees")
            }
            Users::Terminals => counted!("{count} terminal", "{count} terminals"),
        }
    }
}

/// Rows of another table that point at it.
#[derive(Debug, Clone, Copy)]
pub struct Use {
    pub users: Users,
    pub table: &'static str,
    pub column: &'static str,
    /// What tells one from another: who points at several is one all the same.
    pub who: &'static str,
    /// Which of them, as SQL.
    pub which: &'static str,
}

impl Use {
    /// Employees, those in force and those who are no longer.
    pub const fn by_employees(column: &'static str) -> [Use; 2] {
        let employees = Use {
            users: Users::Employees,
            table: "employee",
            column,
            who: "id",
            which: "status = 0",
        };
        let former = Use {
            users: Users::FormerEmployees,
            which: "status <> 0",
            ..employees
        };
        [employees, former]
    }

    /// Of whom a caller may see.
    fn visible(&self, app: &App, caller: &Caller) -> Condition {
        let is_seen = Cond::all();
        if caller.scope == Scope::default() {
            return is_seen;
        }
        let (table, visible) = match self.users {
            Users::Employees | Users::FormerEmployees => {
                ("employee", Employee::visible(caller, app))
            }
            Users::Terminals => ("terminal", Terminal::visible(caller, app)),
        };
        let mut ids = SelectStatement::new();
        ids.expr(col((table, "id")))
            .from(Alias::new(table))
            .cond_where(visible);
        is_seen.add(col((self.table, self.who)).in_subquery(ids))
    }
}

/// What messages call them and their codes, by `worded`.
const _: [language::Text; 8] = [
    t!("area"),
    t!("area code"),
    t!("department"),
    t!("dept code"),
    t!("location"),
    t!("location code"),
    t!("position"),
    t!("position code"),
];

/// One of them with the one above it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Row {
    id: i64,
    code: String,
    name: String,
    parent_id: Option<i64>,
    parent_code: Option<String>,
    parent_name: Option<String>,
    grandparent_id: Option<i64>,
    company_id: String,
    company_name: String,
}

/// How many use one of a tree.
#[derive(Debug)]
pub struct InUse {
    pub users: Users,
    here: i64,
    /// It or one below it.
    within: i64,
}

impl InUse {
    /// In words, where there are any.
    pub fn here(&self) -> Option<String> {
        (self.here > 0).then(|| self.users.called().with(self.here, &[]))
    }

    /// The same with those below it.
    pub fn within(&self) -> String {
        let here = self.users.called().with(self.here, &[]);
        match self.within == self.here {
            true => here,
            false => t!(
                "{count}, {all} with those below",
                count = here,
                all = grouped(self.within)
            ),
        }
    }
}

/// One of a whole tree, and who uses it.
#[derive(Debug)]
pub struct Branch {
    pub id: i64,
    pub code: String,
    pub name: String,
    pub parent_id: Option<i64>,
    pub uses: Vec<InUse>,
}

/// A larger tree is not shown whole.
const MOST_WHOLE: usize = 2_000;

/// All that a caller may see of a tree, by name; `None`: it is too large. Who uses each is counted as the
/// caller's lists have them.
pub async fn whole<T: Tree>(app: &App, caller: &Caller) -> Result<Option<Vec<Branch>>> {
    let mut select = SelectStatement::new();
    T::tables(&mut select);
    T::columns(&mut select, app);
    select
        .cond_where(T::visible(caller, app))
        .order_by_expr(col(column::<T>(T::WORDS.name)), Order::Asc)
        .order_by_expr(col(column::<T>("id")), Order::Asc)
        .limit(MOST_WHOLE as u64 + 1);
    let rows: Vec<Row> = app.store.all(&select).await?;
    if rows.len() > MOST_WHOLE {
        return Ok(None);
    }
    let mut branches: Vec<Branch> = rows
        .into_iter()
        .map(|row| Branch {
            id: row.id,
            code: row.code,
            name: row.name,
            parent_id: row.parent_id,
            uses: Vec::new(),
        })
        .collect();
    for one in T::USES {
        let by = || col((one.table, one.column));
        let mut select = SelectStatement::new();
        select
            .expr(by())
            .expr(Expr::cust("COUNT(*)"))
            .from(Alias::new(one.table))
            .and_where(Expr::cust(one.which))
            .and_where(by().is_not_null())
            .cond_where(one.visible(app, caller))
            .add_group_by([by()]);
        let counts: Vec<(i64, i64)> = app.store.all(&select).await?;
        let here: HashMap<i64, i64> = counts.into_iter().collect();
        let within = counts_within::<T>(app, caller, one).await?;
        for branch in &mut branches {
            let here = here.get(&branch.id).copied().unwrap_or(0);
            let within = within.get(&branch.id).copied().unwrap_or(here);
            if within > 0 {
                branch.uses.push(InUse {
                    users: one.users,
                    here,
                    within,
                });
            }
        }
    }
    Ok(Some(branches))
}

/// How many use each that has others below it, with those that use these.
async fn counts_within<T: Tree>(
    app: &App,
    caller: &Caller,
    one: &Use,
) -> Result<HashMap<i64, i64>> {
    let (id, parent_id) = (column::<T>("id"), Alias::new("parent_id"));
    let mut above = SelectStatement::new();
    above
        .column(parent_id.clone())
        .from(Alias::new(T::TABLE))
        .and_where(Expr::col(parent_id).is_not_null());
    let mut tops = SelectStatement::new();
    tops.expr_as(col(id), Alias::new("top"))
        .expr(col(id))
        .from(Alias::new(T::TABLE))
        .and_where(col(id).in_subquery(above));
    let mut select = SelectStatement::new();
    select
        .expr(col(("below", "top")))
        .expr(col((one.table, one.who)).count_distinct())
        .from(Alias::new("below"))
        .join(
            JoinType::InnerJoin,
            Alias::new(one.table),
            col((one.table, one.column)).eq(col(("below", "id"))),
        )
        .and_where(Expr::cust(one.which))
        .cond_where(one.visible(app, caller))
        .add_group_by([col(("below", "top"))]);
    let query = select.with(relation::below(T::TABLE, &["top"], tops));
    let counts: Vec<(i64, i64)> = app.store.all(&query).await?;
    Ok(counts.into_iter().collect())
}

/// What was given, checked.
#[derive(Debug, Default)]
pub struct Change {
    code: Option<String>,
    name: Option<String>,
    /// `Some(None)`: to have none above it.
    parent: Option<Option<i64>>,
    /// The name it was given by.
    parent_as: &'static str,
}

const fn column<T: Tree>(name: &'static str) -> Column {
    (T::TABLE, name)
}

const PARENT: &str = "parent";

/// Not a name under the list's path, nor what a path cannot hold.
fn is_code<T: Tree>(text: &str) -> bool {
    let text = text.to_lowercase();
    !["action", "export", ".", ".."].contains(&text.as_str()) && text != T::WORDS.import
}

impl<T: Tree> Resource for T {
    const NAME: &'static str = T::THING.name();
    const PATH: &'static str = <T as Tree>::PATH;
    const THING: Thing = <T as Tree>::THING;
    const KEY: &'static str = T::WORDS.code;
    const CODE: Option<Column> = Some(column::<T>(T::WORDS.code));
    const ABSENT: i32 = T::NUMBERS.absent;
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Integer, column::<T>("id")).one_of(),
        Field::new(T::WORDS.code, Kind::Text, column::<T>(T::WORDS.code))
            .exactly()
            .contains_part(1),
        Field::new(T::WORDS.name, Kind::Text, column::<T>(T::WORDS.name))
            .exactly()
            .contains_part(0),
        Field::new(T::WORDS.parent_name, Kind::Text, (PARENT, T::WORDS.name)).nullable(),
        Field::special(
            T::WORDS.parent,
            Kind::Reference,
            "The one above, by code or id; several with commas.",
        )
        .or(T::WORDS.parent_too),
    ];
    const SEARCHED: &'static [Searched] = &[Searched::Folded(column::<T>("search_text"))];
    const ANSWER: &'static [Member] = &[
        Member::new("id", Kind::Integer, ""),
        Member::new(T::WORDS.code, Kind::Text, ""),
        Member::new(T::WORDS.name, Kind::Text, ""),
        Member::new(
            T::WORDS.parent,
            Kind::Relation,
            "Written: its name, in the BioTime profile its id.",
        )
        .columns(T::PARENT_COLUMNS),
        Member::new(
            T::WORDS.parent_name,
            Kind::Text,
            "Not when written, as the company.",
        ),
        Member::new("company", Kind::Relation, "")
            .columns(&[("company", "id"), ("company_name", "name")])
            .only_named(),
    ];
    const EXPORT_NEEDS_TYPE: bool = T::EXPORT_NEEDS_TYPE;

    type Row = Row;

    fn id(row: &Row) -> i64 {
        row.id
    }

    fn tables(select: &mut SelectStatement) {
        select
            .from(Alias::new(T::TABLE))
            .join(
                JoinType::InnerJoin,
                Alias::new("company"),
                col(("company", "id")).eq(col(column::<T>("company_id"))),
            )
            .join_as(
                JoinType::LeftJoin,
                Alias::new(T::TABLE),
                Alias::new(PARENT),
                col((PARENT, "id")).eq(col(column::<T>("parent_id"))),
            );
    }

    fn columns(select: &mut SelectStatement, _app: &App) {
        for (from, name) in [
            (column::<T>("id"), "id"),
            (column::<T>(T::WORDS.code), "code"),
            (column::<T>(T::WORDS.name), "name"),
            (column::<T>("parent_id"), "parent_id"),
            ((PARENT, T::WORDS.code), "parent_code"),
            ((PARENT, T::WORDS.name), "parent_name"),
            ((PARENT, "parent_id"), "grandparent_id"),
            (column::<T>("company_id"), "company_id"),
            (("company", "name"), "company_name"),
        ] {
            select.expr_as(col(from), Alias::new(name));
        }
    }

    fn visible(caller: &Caller, _app: &App) -> Condition {
        let mut visible = caller
            .scope
            .rows(&[Owner::Company(column::<T>("company_id"))]);
        if let Some(ids) = (T::RELATION.within)(&caller.scope) {
            visible = visible.add(col(column::<T>("id")).is_in(ids.iter().copied()));
        }
        visible
    }

    fn special(_app: &App, _name: &str, value: &str) -> Result<SimpleExpr> {
        let code = (PARENT, T::WORDS.code);
        Ok(relation::any_of(code, column::<T>("parent_id"), value))
    }

    async fn show(_app: &App, _caller: &Caller, rows: Vec<Row>) -> Result<Vec<Value>> {
        Ok(rows.into_iter().map(shown::<T>).collect())
    }
}

fn shown<T: Tree>(row: Row) -> Value {
    let parent = row.parent_id.map(|id| {
        object([
            ("id", id.into()),
            (T::WORDS.code, row.parent_code.into()),
            (T::WORDS.name, row.parent_name.clone().into()),
            (T::WORDS.parent, row.grandparent_id.into()),
        ])
    });
    let company = object([
        ("id", row.company_id.into()),
        ("name", row.company_name.into()),
    ]);
    object([
        ("id", row.id.into()),
        (T::WORDS.code, row.code.into()),
        (T::WORDS.name, row.name.into()),
        (T::WORDS.parent, parent.into()),
        (T::WORDS.parent_name, row.parent_name.into()),
        ("company", company),
    ])
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(object_of(members))
}

fn object_of<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

impl<T: Tree> Writable for T {
    const INPUT: &'static [Member] = &[
        Member::new(
            T::WORDS.code,
            Kind::Text,
            if T::KEEPS_CODE {
                "Up to 50 letters; never changes."
            } else {
                "Up to 50 letters."
            },
        )
        .required(),
        Member::new(T::WORDS.name, Kind::Text, "Up to 100 letters.").required(),
        Member::new(
            T::WORDS.parent,
            Kind::Reference,
            "Code or id; 0 or null for none.",
        ),
    ];
    const ABOVE: &'static [&'static str] = &[T::WORDS.parent, T::WORDS.parent_too[0]];
    const BAD_PARENT: i32 = T::NUMBERS.bad_parent;

    type Change = Change;

    async fn check(
        app: &App,
        caller: &Caller,
        known: &Known,
        body: &Body,
        stored: Option<&Row>,
    ) -> Result<Change> {
        // A new one would be beyond what the caller may see.
        if stored.is_none() && (T::RELATION.within)(&caller.scope).is_some() {
            return Err(Error::Forbidden);
        }
        let mut input = Input::new(body, stored.is_none());
        let code = if T::KEEPS_CODE && stored.is_some() {
            None
        } else {
            let rule = CODE.like(is_code::<T>);
            input.required_text(T::WORDS.code, rule, T::NUMBERS.empty)
        };
        let name = input.required_text(T::WORDS.name, NAME, T::NUMBERS.empty);
        let mut change = Change {
            code,
            name,
            parent: None,
            parent_as: T::WORDS.parent,
        };
        let names: Vec<&'static str> = iter::once(T::WORDS.parent)
            .chain(T::WORDS.parent_too.iter().copied())
            .collect();
        if let Some((field, value)) = input.value(&names) {
            change.parent_as = field;
            match T::RELATION.find(app, caller, known, field, value).await? {
                Ok(parent) => change.parent = Some(parent),
                Err(problem) => input.problems.push(problem),
            }
        }
        if let Some(query) = change.same_code::<T>(app, stored)
            && app.store.find::<(i64,)>(&query).await?.is_some()
        {
            input.problems.push(taken::<T>());
        }
        // Rows of the same file may come to stand elsewhere first; then `store` says.
        if !known.is_of_file()
            && let Some(query) = change.circle::<T>(stored)
            && app.store.find::<(i64,)>(&query).await?.is_some()
        {
            input.problems.push(bad_parent::<T>(change.parent_as));
        }
        if let (Some(FIRST), Some(code)) = (stored.map(|row| row.id), &change.code)
            && code != FIRST_CODE
        {
            let thing = language::worded(T::THING.name());
            let message = t!(
                "The code of the first {thing} is always {first_code}.",
                thing = thing,
                first_code = FIRST_CODE
            );
            input.problem(T::WORDS.code, message);
        }
        input.settle()?;
        Ok(change)
    }

    async fn store(
        app: &App,
        tx: &mut Writing,
        caller: &Caller,
        change: Change,
        stored: Option<Row>,
    ) -> Result<i64> {
        let Some(Row { id, .. }) = stored else {
            return add::<T>(app, tx, caller, change).await;
        };
        let stored: Row = tx
            .find(&resource::by_id::<T>(app, id))
            .await?
            .ok_or(Error::NoSuch {
                code: T::NUMBERS.absent,
            })?;
        if let Some(query) = change.same_code::<T>(app, Some(&stored))
            && tx.find::<(i64,)>(&query).await?.is_some()
        {
            return Err(Error::Invalid(vec![taken::<T>()]));
        }
        if let Some(query) = change.circle::<T>(Some(&stored))
            && tx.find::<(i64,)>(&query).await?.is_some()
        {
            return Err(Error::Invalid(vec![bad_parent::<T>(change.parent_as)]));
        }
        let columns = change.columns::<T>(app, Some(&stored));
        tx.run(&columns.update(T::TABLE, id)).await?;
        let row: Row = tx.one(&resource::by_id::<T>(app, id)).await?;
        let deed = Deed {
            action: "update",
            thing: T::NAME,
            thing_id: row.code.clone(),
            before: Some(audited::<T>(&stored)),
            after: Some(audited::<T>(&row)),
        };
        audit::write(tx, app.clock.now(), caller, deed).await?;
        Ok(id)
    }

    async fn prepare(app: &App, tx: &mut Writing) -> Result<()> {
        // Two that each see no circle could make one together.
        Ok(writing::people_in_order(tx, &app.company.id).await?)
    }

    async fn stored_above(app: &App) -> Result<HashMap<String, String>> {
        let parent_id = col(column::<T>("parent_id"));
        let mut select = SelectStatement::new();
        select
            .expr(col(column::<T>(T::WORDS.code)))
            .expr(col((PARENT, T::WORDS.code)))
            .from(Alias::new(T::TABLE))
            .join_as(
                JoinType::InnerJoin,
                Alias::new(T::TABLE),
                Alias::new(PARENT),
                col((PARENT, "id")).eq(parent_id),
            )
            .and_where(col(column::<T>("company_id")).eq(app.company.id.as_str()));
        let above: Vec<(String, String)> = app.store.all(&select).await?;
        Ok(above.into_iter().collect())
    }

    async fn show_saved(_app: &App, caller: &Caller, row: Row) -> Result<Value> {
        let parent: Value = match caller.profile {
            Profile::EasyTimePro => row.parent_name.into(),
            Profile::BioTime => row.parent_id.into(),
        };
        Ok(object([
            ("id", row.id.into()),
            (T::WORDS.code, row.code.into()),
            (T::WORDS.name, row.name.into()),
            (T::WORDS.parent, parent),
        ]))
    }
}

impl Change {
    /// Finds another row with the code that is given.
    fn same_code<T: Tree>(&self, app: &App, stored: Option<&Row>) -> Option<SelectStatement> {
        let code = self.code.as_deref()?;
        let mut select = SelectStatement::new();
        select
            .expr(col(column::<T>("id")))
            .from(Alias::new(T::TABLE))
            .and_where(col(column::<T>("company_id")).eq(app.company.id.as_str()))
            .and_where(col(column::<T>(T::WORDS.code)).eq(code));
        if let Some(stored) = stored {
            select.and_where(col(column::<T>("id")).ne(stored.id));
        }
        Some(select)
    }

    /// Finds the row itself at, or somewhere above, the one that is given as its parent.
    fn circle<T: Tree>(&self, stored: Option<&Row>) -> Option<WithQuery> {
        let (own, parent) = (stored?.id, self.parent??);
        let id = || Alias::new("id");
        let parent_id = || Alias::new("parent_id");
        let mut step = SelectStatement::new();
        step.expr(col(("upper", "id")))
            .expr(col(("upper", "parent_id")))
            .from_as(Alias::new(T::TABLE), Alias::new("upper"))
            .join(
                JoinType::InnerJoin,
                Alias::new("above"),
                col(("upper", "id")).eq(col(("above", "parent_id"))),
            );
        let mut above = SelectStatement::new();
        above
            .columns([id(), parent_id()])
            .from(Alias::new(T::TABLE))
            .and_where(Expr::col(id()).eq(parent))
            // Distinct: a circle, were there one, would end the walk.
            .union(UnionType::Distinct, step);
        let mut table = CommonTableExpression::new();
        table
            .table_name(Alias::new("above"))
            .columns([id(), parent_id()])
            .query(above);
        let mut select = SelectStatement::new();
        select
            .column(id())
            .from(Alias::new("above"))
            .and_where(Expr::col(id()).eq(own));
        let mut with = WithClause::new();
        with.recursive(true).cte(table);
        Some(select.with(with))
    }

    fn columns<T: Tree>(self, app: &App, stored: Option<&Row>) -> Columns {
        let mut columns = Columns::default();
        let code = self.code.as_deref();
        let name = self.name.as_deref();
        let code_now = code.or(stored.map(|row| row.code.as_str()));
        let name_now = name.or(stored.map(|row| row.name.as_str()));
        columns.set(
            "search_text",
            search_text([name_now.unwrap_or_default(), code_now.unwrap_or_default()]),
        );
        columns.set("changed_at", app.clock.now());
        if let Some(parent) = self.parent {
            columns.set("parent_id", parent);
        }
        if let Some(code) = self.code {
            columns.set(T::WORDS.code, code);
        }
        if let Some(name) = self.name {
            columns.set(T::WORDS.name, name);
        }
        columns
    }
}

async fn add<T: Tree>(app: &App, tx: &mut Tx, caller: &Caller, change: Change) -> Result<i64> {
    if let Some(query) = change.same_code::<T>(app, None)
        && tx.find::<(i64,)>(&query).await?.is_some()
    {
        return Err(Error::Invalid(vec![taken::<T>()]));
    }
    let now = app.clock.now();
    let mut columns = change.columns::<T>(app, None);
    columns.set("company_id", app.company.id.clone());
    columns.set("created_at", now);
    let (id,): (i64,) = tx.one(&columns.insert(T::TABLE)).await?;
    let row: Row = tx.one(&resource::by_id::<T>(app, id)).await?;
    let deed = Deed {
        action: "create",
        thing: T::NAME,
        thing_id: row.code.clone(),
        after: Some(audited::<T>(&row)),
        ..Deed::default()
    };
    audit::write(tx, now, caller, deed).await?;
    Ok(id)
}

/// A new one at the top, for those who write no API.
pub async fn add_named<T: Tree>(
    app: &App,
    tx: &mut Tx,
    caller: &Caller,
    code: String,
    name: String,
) -> Result<i64> {
    writing::people_in_order(tx, &app.company.id).await?;
    let change = Change {
        code: Some(code),
        name: Some(name),
        parent: None,
        parent_as: T::WORDS.parent,
    };
    add::<T>(app, tx, caller, change).await
}

fn taken<T: Tree>() -> Problem {
    let words = T::WORDS.code.replace('_', " ");
    let message = t!(
        "{thing} with this {field} already exists.",
        thing = language::worded(T::NAME),
        field = language::worded(&words),
    );
    Problem::new(T::WORDS.code, message).coded(T::NUMBERS.taken)
}

fn bad_parent<T: Tree>(field: &str) -> Problem {
    let message = t!(
        "Cannot be set as parent {thing}.",
        thing = language::worded(T::NAME)
    );
    Problem::new(field, message).coded(T::BAD_PARENT)
}

fn audited<T: Tree>(row: &Row) -> Map<String, Value> {
    object_of([
        (T::WORDS.code, row.code.clone().into()),
        (T::WORDS.name, row.name.clone().into()),
        (T::WORDS.parent, row.parent_code.clone().into()),
    ])
}

impl<T: Tree> Removable for T {
    async fn remove(
        app: &App,
        tx: &mut Writing,
        caller: &Caller,
        rows: Vec<Row>,
    ) -> Result<Vec<Problem>> {
        writing::people_in_order(tx, &app.company.id).await?;
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let mut uses = uses::<T>(tx, &ids).await?;
        let limited = role::limited_to(tx, T::RELATION.within).await?;
        let mut problems = Vec::new();
        for row in &rows {
            let reason = if row.id == FIRST {
                String::from(t!("it is always there"))
            } else {
                let mut uses = uses.remove(&row.id).unwrap_or_default();
                if let Some(count) = limited.get(&row.id) {
                    uses.push(tn!(
                        *count,
                        "{count} role limited to it",
                        "{count} roles limited to it",
                    ));
                }
                if uses.is_empty() {
                    continue;
                }
                t!("still used by {whom}", whom = uses.join(", "))
            };
            let message = t!(
                "Cannot delete {thing} {code}: {reason}.",
                thing = language::worded(T::NAME),
                code = row.code,
                reason = reason,
            );
            problems.push(Problem::new("", message).coded(T::NUMBERS.stays));
        }
        if !problems.is_empty() {
            return Ok(problems);
        }
        let now = app.clock.now();
        tx.run(&resource::delete_rows(T::TABLE, &ids)).await?;
        for row in &rows {
            let deed = Deed {
                action: "delete",
                thing: T::NAME,
                thing_id: row.code.clone(),
                before: Some(audited::<T>(row)),
                ..Deed::default()
            };
            audit::write(tx, now, caller, deed).await?;
        }
        Ok(problems)
    }
}

/// Who keeps each row from being removed, in words: `3 employees`. Those below it that go with it
/// do not count.
async fn uses<T: Tree>(tx: &mut Tx, ids: &[i64]) -> Result<HashMap<i64, Vec<String>>> {
    let mut uses: HashMap<i64, Vec<String>> = HashMap::new();
    let leaving: HashSet<i64> = ids.iter().copied().collect();
    for ids in ids.chunks(AT_ONCE) {
        for of in T::USES {
            let mut select = SelectStatement::new();
            select
                .column(Alias::new(of.column))
                .expr(Expr::cust("count(*)"))
                .from(Alias::new(of.table))
                .and_where(Expr::col(Alias::new(of.column)).is_in(ids.iter().copied()))
                .and_where(Expr::cust(of.which))
                .group_by_col(Alias::new(of.column));
            let found: Vec<(i64, i64)> = tx.all(&select).await?;
            for (id, count) in found {
                let count = of.users.called().with(count, &[]);
                uses.entry(id).or_default().push(count);
            }
        }
        let mut select = SelectStatement::new();
        select
            .column(Alias::new("parent_id"))
            .column(Alias::new("id"))
            .from(Alias::new(T::TABLE))
            .and_where(Expr::col(Alias::new("parent_id")).is_in(ids.iter().copied()));
        let below: Vec<(i64, i64)> = tx.all(&select).await?;
        let mut counts: HashMap<i64, i64> = HashMap::new();
        for (parent, child) in below {
            if !leaving.contains(&child) {
                *counts.entry(parent).or_default() += 1;
            }
        }
        for (id, count) in counts {
            uses.entry(id)
                .or_default()
                .push(T::WORDS.below.with(count, &[]));
        }
    }
    Ok(uses)
}

pub fn endpoints<T: Tree>() -> Vec<Endpoint> {
    let mut endpoints = vec![
        resource::list::<T>(),
        resource::create::<T>(),
        resource::action::<T>(),
        resource::export::<T>(),
        resource::import::<T>(T::WORDS.import),
        resource::read::<T>(),
        resource::delete::<T>(),
    ];
    endpoints.extend(resource::update::<T>());
    endpoints
}
