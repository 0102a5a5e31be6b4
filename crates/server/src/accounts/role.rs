//! Roles: what users may do, and on which rows. Three are built in; others are made. This file
//! alone writes `role`.

use super::{beyond, check_not_above, read_rights};
use crate::access::{Caller, Rights, Scope, Thing};
use crate::app::App;
use crate::audit::{self, Deed};
use crate::error::{Error, Problem, Result};
use crate::extract::Body;
use crate::input::{Given, Input, Text, read_several};
use crate::relation::{AREA, DEPARTMENT, Known, Relation};
use crate::resource::{self, Column, Columns, Field, Removable, Resource, Searched, Writable, col};
use crate::routes::{Kind, Member};
use crate::writing::Writing;
use muster_store::{Sql, Tx};
use sea_query::{Alias, Cond, Condition, Expr, SelectStatement};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

pub struct Roles;

#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Role {
    pub id: i64,
    pub name: String,
    pub built_in: bool,
    rights: String,
    companies: Option<String>,
    areas: Option<String>,
    departments: Option<String>,
    /// How many users have it.
    pub users: i64,
}

impl Role {
    pub fn rights(&self) -> Rights {
        Rights::kept(&self.rights)
    }

    pub fn scope(&self) -> Scope {
        scope(&self.companies, &self.areas, &self.departments)
    }

    fn audited(&self) -> Map<String, Value> {
        let mut audited = Map::new();
        audited.insert("name".into(), self.name.clone().into());
        audited.insert("rights".into(), self.rights.clone().into());
        audited.insert("companies".into(), self.companies.clone().into());
        audited.insert("areas".into(), self.areas.clone().into());
        audited.insert("departments".into(), self.departments.clone().into());
        audited
    }
}

/// The limits of a role as they are kept: comma lists, or nothing for no limit.
pub(super) fn scope(
    companies: &Option<String>,
    areas: &Option<String>,
    departments: &Option<String>,
) -> Scope {
    let ids = |list: &Option<String>| {
        list.as_ref().map(|list| {
            list.split(',')
                .filter_map(|id| id.trim().parse().ok())
                .collect()
        })
    };
    Scope {
        companies: companies
            .as_ref()
            .map(|list| list.split(',').map(|id| id.trim().to_owned()).collect()),
        areas: ids(areas),
        departments: ids(departments),
        employee: None,
    }
}

/// Sets the columns in which a scope is kept.
pub(super) fn set_scope(columns: &mut Columns, scope: &Scope) {
    let ids = |ids: &Option<Vec<i64>>| {
        ids.as_ref()
            .map(|ids| ids.iter().map(i64::to_string).collect::<Vec<_>>().join(","))
    };
    let companies = scope.companies.as_ref();
    columns.set("companies", companies.map(|companies| companies.join(",")));
    columns.set("areas", ids(&scope.areas));
    columns.set("departments", ids(&scope.departments));
}

/// What a body limits something to; what it does not name stays as it was. Nothing chosen is no limit.
#[derive(Debug, Default)]
pub(super) struct Limits {
    areas: Given<Vec<i64>>,
    departments: Given<Vec<i64>>,
}

impl Limits {
    pub(super) const MEMBERS: [Member; 2] = [
        Member::new("areas", Kind::ReferenceList, "Codes or ids; none: all."),
        Member::new(
            "departments",
            Kind::ReferenceList,
            "Codes or ids; none: all.",
        ),
    ];

    pub(super) async fn read(app: &App, caller: &Caller, input: &mut Input<'_>) -> Result<Limits> {
        Ok(Limits {
            areas: ids(app, caller, &AREA, "areas", input).await?,
            departments: ids(app, caller, &DEPARTMENT, "departments", input).await?,
        })
    }

    pub(super) fn put_on(self, scope: Scope) -> Scope {
        Scope {
            areas: self.areas.unwrap_or(scope.areas),
            departments: self.departments.unwrap_or(scope.departments),
            ..scope
        }
    }

    /// Each kind with the rows of it that a scope names, as callers are shown them.
    pub(super) async fn shown(app: &App, scopes: &[Scope]) -> Result<Vec<[Value; 2]>> {
        let everybody = Caller::system();
        let areas = AREA.choices(app, &everybody).await?;
        let departments = DEPARTMENT.choices(app, &everybody).await?;
        let shown = |relation: &Relation, rows: &[(i64, String, String)], ids: &[i64]| -> Value {
            rows.iter()
                .filter(|(id, ..)| ids.contains(id))
                .map(|(id, code, name)| json!({ "id": id, relation.code: code, relation.name: name }))
                .collect()
        };
        let shown_scope = |scope: &Scope| {
            [
                shown(&AREA, &areas, scope.areas.as_deref().unwrap_or_default()),
                shown(
                    &DEPARTMENT,
                    &departments,
                    scope.departments.as_deref().unwrap_or_default(),
                ),
            ]
        };
        Ok(scopes.iter().map(shown_scope).collect())
    }
}

/// The ids of what a member names by codes or ids.
async fn ids(
    app: &App,
    caller: &Caller,
    relation: &Relation,
    field: &'static str,
    input: &mut Input<'_>,
) -> Result<Given<Vec<i64>>> {
    let Some((_, value)) = input.value(&[field]) else {
        return Ok(None);
    };
    if value.is_null() {
        return Ok(Some(None));
    }
    let Some(keys) = read_several(value) else {
        input.problem(field, t!("Give a list of codes or ids."));
        return Ok(None);
    };
    let known = Known::default();
    let mut ids = Vec::with_capacity(keys.len());
    for key in keys {
        match relation.find(app, caller, &known, field, &key).await? {
            Ok(Some(id)) => ids.push(id),
            Ok(None) => input.problem(field, t!("This field may not be blank.")),
            Err(problem) => input.problems.push(problem),
        }
    }
    Ok(Some(Some(ids).filter(|ids| !ids.is_empty())))
}

const SELECT: &str = "SELECT r.id, r.name, r.built_in, r.rights, r.companies, r.areas, r.departments, \
     (SELECT count(*) FROM app_user u WHERE u.role_id = r.id) AS users FROM role r ORDER BY r.id";

/// All roles, the built-in ones first.
pub async fn all(app: &App) -> Result<Vec<Role>> {
    Ok(app.store.all(&Sql::new(SELECT, [])).await?)
}

/// What a new role is to be. Its limits are codes or ids; `None` is no limit.
#[derive(Debug, Clone, Default)]
pub struct NewRole {
    pub name: String,
    pub rights: Rights,
    /// Ids or names.
    pub companies: Option<Vec<String>>,
    pub areas: Option<Vec<String>>,
    pub departments: Option<Vec<String>>,
}

pub async fn add(app: &App, caller: &Caller, new: NewRole) -> Result<()> {
    let body = json!({
        "name": new.name,
        "rights": new.rights.to_string(),
        "companies": new.companies,
        "areas": new.areas,
        "departments": new.departments,
    });
    let body = Body::of(body).unwrap_or_default();
    resource::save::<Roles>(app, caller, &body, None).await?;
    Ok(())
}

const fn column(name: &'static str) -> Column {
    ("role", name)
}

const COLUMNS: &[&str] = &[
    "id",
    "name",
    "built_in",
    "rights",
    "companies",
    "areas",
    "departments",
];

/// Of each role, how many users have it.
const USERS: &str = "(SELECT count(*) FROM app_user WHERE app_user.role_id = role.id)";

impl Resource for Roles {
    const NAME: &'static str = "role";
    const PATH: &'static str = "/roles/";
    const THING: Thing = Thing::Role;
    const KEY: &'static str = "id";
    const CODE: Option<Column> = Some(column("name"));
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Integer, column("id")).one_of(),
        Field::new("name", Kind::Text, column("name")).exactly(),
        Field::new("built_in", Kind::Boolean, column("built_in")).exactly(),
        Field::computed("users", Kind::Integer),
    ];
    const SEARCHED: &'static [Searched] = &[Searched::Plain(column("name"))];
    const ANSWER: &'static [Member] = &[
        Member::new("id", Kind::Integer, ""),
        Member::new("name", Kind::Text, ""),
        Member::new("built_in", Kind::Boolean, "It is never changed."),
        Member::new("users", Kind::Integer, "How many users have it."),
        Member::new("rights", Kind::TextList, "What it allows."),
        Member::new(
            "areas",
            Kind::ObjectList,
            "What it is limited to; none: all.",
        )
        .columns(&[("areas", "area_name")]),
        Member::new(
            "departments",
            Kind::ObjectList,
            "What it is limited to; none: all.",
        )
        .columns(&[("departments", "dept_name")]),
    ];
    const IS_SMALL: bool = true;

    type Row = Role;

    fn id(row: &Role) -> i64 {
        row.id
    }

    fn tables(select: &mut SelectStatement) {
        select.from(Alias::new("role"));
    }

    fn columns(select: &mut SelectStatement, _app: &App) {
        for name in COLUMNS {
            select.expr(col(column(name)));
        }
        select.expr_as(Expr::cust(USERS), "users");
    }

    fn visible(_caller: &Caller, _app: &App) -> Condition {
        Cond::all()
    }

    fn computed(_app: &App, _name: &str) -> Expr {
        Expr::cust(USERS)
    }

    async fn show(app: &App, caller: &Caller, rows: Vec<Role>) -> Result<Vec<Value>> {
        let scopes: Vec<Scope> = rows.iter().map(Role::scope).collect();
        let limits = Limits::shown(app, &scopes).await?;
        Ok(rows
            .into_iter()
            .zip(limits)
            .map(|(role, [areas, departments])| {
                let rights: Vec<String> = role.rights().iter().map(|r| r.to_string()).collect();
                json!({
                    "id": role.id,
                    "name": role.name,
                    "built_in": role.built_in,
                    "users": role.users,
                    "rights": rights,
                    "areas": areas,
                    "departments": departments,
                    // Whether the caller may change it: nobody changes what allows more than he may.
                    "is_above": !caller.covers(&role.rights(), &role.scope()),
                })
            })
            .collect())
    }
}

/// What was given, checked.
pub struct Change {
    name: Option<String>,
    rights: Option<Rights>,
    scope: Scope,
}

const NAME: Text = Text::max(100);

impl Writable for Roles {
    const INPUT: &'static [Member] = &[
        Member::new("name", Kind::Text, "").required(),
        Member::new("rights", Kind::TextList, "").required(),
        Limits::MEMBERS[0],
        Limits::MEMBERS[1],
        Member::new("companies", Kind::TextList, "Ids or names; none: all."),
    ];

    type Change = Change;

    async fn check(
        app: &App,
        caller: &Caller,
        _known: &Known,
        body: &Body,
        stored: Option<&Role>,
    ) -> Result<Change> {
        if let Some(stored) = stored {
            check_not_built_in(stored)?;
            check_not_above(caller, &stored.rights(), &stored.scope())?;
        }
        let mut input = Input::new(body, stored.is_none());
        input.require(&["name"]);
        let name = input.text("name", NAME).flatten();
        input.require(&["rights"]);
        let rights = read_rights(&mut input);
        let limits = Limits::read(app, caller, &mut input).await?;
        let mut scope = stored.map_or_else(
            || Scope {
                companies: caller.scope.companies.clone(),
                ..Scope::default()
            },
            Role::scope,
        );
        if let Some(companies) = body.get("companies").and_then(read_several) {
            for company in companies.iter().filter_map(Value::as_str) {
                if company != app.company.id && company != app.company.name {
                    input.problem(
                        "companies",
                        t!(
                            "There is no company {company}.",
                            company = format_args!("{company:?}")
                        ),
                    );
                }
            }
            scope.companies = Some(vec![app.company.id.clone()]);
        }
        let scope = limits.put_on(scope);
        let all = rights.clone().or_else(|| stored.map(Role::rights));
        let beyond = beyond(caller, &all.unwrap_or_default(), &scope);
        input.problems.extend(beyond);
        input.settle()?;
        Ok(Change {
            name,
            rights,
            scope,
        })
    }

    async fn store(
        app: &App,
        tx: &mut Writing,
        caller: &Caller,
        change: Change,
        stored: Option<Role>,
    ) -> Result<i64> {
        let now = app.clock.now();
        let mut columns = Columns::default();
        if let Some(name) = change.name {
            let taken: Option<(i64,)> = tx
                .find(&Sql::new(
                    "SELECT id FROM role WHERE name = $1",
                    [name.clone().into()],
                ))
                .await?;
            if taken.is_some_and(|(id,)| stored.as_ref().is_none_or(|stored| stored.id != id)) {
                let message = t!("role with this name already exists.");
                return Err(Error::invalid("name", message));
            }
            columns.set("name", name);
        }
        if let Some(rights) = change.rights {
            columns.set("rights", rights.to_string());
        }
        set_scope(&mut columns, &change.scope);
        columns.set("changed_at", now);
        let id = match &stored {
            Some(stored) => {
                tx.run(&columns.update("role", stored.id)).await?;
                stored.id
            }
            None => {
                columns.set("created_at", now);
                tx.one::<(i64,)>(&columns.insert("role")).await?.0
            }
        };
        let row: Option<Role> = tx.find(&resource::by_id::<Roles>(app, id)).await?;
        // Removed a moment ago.
        let row = row.ok_or(Error::NoSuch {
            code: Roles::ABSENT,
        })?;
        let deed = Deed {
            action: if stored.is_some() { "update" } else { "create" },
            thing: Roles::NAME,
            thing_id: row.name.clone(),
            before: stored.as_ref().map(Role::audited),
            after: Some(row.audited()),
        };
        audit::write(tx, now, caller, deed).await?;
        tx.after_commit(|app| app.accounts.forget());
        Ok(id)
    }
}

fn check_not_built_in(role: &Role) -> Result<()> {
    if role.built_in {
        let message = t!(
            "The role {name} is built in and stays.",
            name = format_args!("{:?}", role.name)
        );
        return Err(Error::invalid("name", message));
    }
    Ok(())
}

/// Removes a role nobody has. The built-in ones stay.
pub async fn remove(app: &App, caller: &Caller, name: &str) -> Result<()> {
    let roles = all(app).await?;
    let Some(role) = roles.into_iter().find(|role| role.name == name) else {
        let message = t!("There is no role {name}.", name = format_args!("{name:?}"));
        return Err(Error::invalid("name", message));
    };
    let mut tx = Writing::begin(app).await?;
    let problems = Roles::remove(app, &mut tx, caller, vec![role]).await?;
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    tx.commit(app).await
}

impl Removable for Roles {
    async fn remove(
        app: &App,
        tx: &mut Writing,
        caller: &Caller,
        rows: Vec<Role>,
    ) -> Result<Vec<Problem>> {
        let mut problems = Vec::new();
        for role in &rows {
            match check_not_built_in(role)
                .and_then(|()| check_not_above(caller, &role.rights(), &role.scope()))
            {
                Ok(()) if role.users == 0 => {}
                Ok(()) => {
                    let message = tn!(
                        role.users,
                        "The role {name} stays: {count} user has it.",
                        "The role {name} stays: {count} users have it.",
                        name = format_args!("{:?}", role.name),
                    );
                    problems.push(Problem::new("name", message));
                }
                Err(Error::Invalid(found)) => problems.extend(found),
                Err(Error::Refused { detail, code }) => {
                    let message = t!(
                        "The role {name} stays: {reason}",
                        name = format_args!("{:?}", role.name),
                        reason = detail
                    );
                    problems.push(Problem::new("name", message).coded(code));
                }
                Err(other) => return Err(other),
            }
        }
        if !problems.is_empty() {
            return Ok(problems);
        }
        let ids: Vec<i64> = rows.iter().map(Self::id).collect();
        tx.run(&resource::delete_rows("role", &ids)).await?;
        for role in &rows {
            let deed = Deed {
                action: "delete",
                thing: Roles::NAME,
                thing_id: role.name.clone(),
                before: Some(role.audited()),
                ..Deed::default()
            };
            audit::write(tx, app.clock.now(), caller, deed).await?;
        }
        Ok(problems)
    }
}

/// How many roles are limited to each of the areas or departments there are.
pub async fn limited_to(
    tx: &mut Tx,
    limit: fn(&Scope) -> Option<&[i64]>,
) -> Result<HashMap<i64, i64>> {
    let roles: Vec<Role> = tx.all(&Sql::new(SELECT, [])).await?;
    let mut counts = HashMap::new();
    for role in roles {
        for id in limit(&role.scope()).unwrap_or_default() {
            *counts.entry(*id).or_default() += 1;
        }
    }
    Ok(counts)
}
