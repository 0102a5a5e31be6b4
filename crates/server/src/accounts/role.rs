//! Roles: what users may do, and on which rows. Three are built in; others are made. This file
//! alone writes `role`.

use crate::access::{Caller, Rights, Scope};
use crate::app::App;
use crate::audit::{self, Deed};
use crate::error::{Error, Problem, Result};
use crate::relation::{AREA, DEPARTMENT, Known, Relation};
use muster_store::{Sql, Tx};
use serde_json::{Value, json};
use std::collections::HashMap;

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

const SELECT: &str = "SELECT r.id, r.name, r.built_in, r.rights, r.companies, r.areas, r.departments, \
     (SELECT count(*) FROM app_user u WHERE u.role_id = r.id) AS users FROM role r ORDER BY r.id";

/// All roles, the built-in ones first.
pub async fn all(app: &App) -> Result<Vec<Role>> {
    Ok(app.store.all(&Sql::new(SELECT, [])).await?)
}

/// The role of that name.
pub(super) async fn id_of(app: &App, name: &str) -> Result<Option<i64>> {
    let found: Option<(i64,)> = app
        .store
        .find(&Sql::new(
            "SELECT id FROM role WHERE name = $1",
            [name.into()],
        ))
        .await?;
    Ok(found.map(|(id,)| id))
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
    let mut problems = Vec::new();
    let name = new.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        problems.push(Problem::new("name", "Enter a valid value."));
    }
    if new.rights == Rights::default() {
        problems.push(Problem::new("rights", "This list may not be empty."));
    }
    let companies = new.companies.map(|given| {
        for company in &given {
            if *company != app.company.id && *company != app.company.name {
                let message = format!("There is no company {company:?}.");
                problems.push(Problem::new("companies", message));
            }
        }
        app.company.id.clone()
    });
    let areas = ids(app, &AREA, "areas", new.areas, &mut problems).await?;
    let departments = ids(
        app,
        &DEPARTMENT,
        "departments",
        new.departments,
        &mut problems,
    )
    .await?;
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let now = app.clock.now();
    let mut tx = app.store.write().await?;
    let taken: Option<(i64,)> = tx
        .find(&Sql::new(
            "SELECT id FROM role WHERE name = $1",
            [name.clone().into()],
        ))
        .await?;
    if taken.is_some() {
        return Err(Error::invalid(
            "name",
            "role with this name already exists.",
        ));
    }
    tx.run(&Sql::new(
        "INSERT INTO role (name, rights, companies, areas, departments, created_at, changed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $6)",
        [
            name.clone().into(),
            new.rights.to_string().into(),
            companies.clone().into(),
            areas.clone().into(),
            departments.clone().into(),
            now.into(),
        ],
    ))
    .await?;
    let deed = Deed {
        action: "create",
        thing: "role",
        thing_id: name,
        after: audit::members(json!({
            "rights": new.rights.to_string(),
            "companies": companies,
            "areas": areas,
            "departments": departments,
        })),
        ..Deed::default()
    };
    audit::write(&mut tx, now, caller, deed).await?;
    tx.commit().await?;
    Ok(())
}

/// The ids of what is named by codes or ids, as they are kept.
async fn ids(
    app: &App,
    relation: &Relation,
    field: &'static str,
    given: Option<Vec<String>>,
    problems: &mut Vec<Problem>,
) -> Result<Option<String>> {
    let Some(given) = given else {
        return Ok(None);
    };
    let (everybody, known) = (Caller::system(), Known::default());
    let mut ids: Vec<String> = Vec::with_capacity(given.len());
    for key in given {
        let key = Value::String(key);
        match relation.find(app, &everybody, &known, field, &key).await? {
            Ok(Some(id)) => ids.push(id.to_string()),
            Ok(None) => problems.push(Problem::new(field, "This field may not be blank.")),
            Err(problem) => problems.push(problem),
        }
    }
    Ok(Some(ids.join(",")))
}

/// Removes a role nobody has. The built-in ones stay.
pub async fn remove(app: &App, caller: &Caller, name: &str) -> Result<()> {
    let roles = all(app).await?;
    let Some(role) = roles.into_iter().find(|role| role.name == name) else {
        return Err(Error::invalid(
            "name",
            format!("There is no role {name:?}."),
        ));
    };
    if role.built_in {
        let message = format!("The role {name:?} is built in and stays.");
        return Err(Error::invalid("name", message));
    }
    if role.users > 0 {
        let users = if role.users == 1 {
            "user has"
        } else {
            "users have"
        };
        let message = format!("The role {name:?} stays: {} {users} it.", role.users);
        return Err(Error::invalid("name", message));
    }
    let now = app.clock.now();
    let mut tx = app.store.write().await?;
    tx.run(&Sql::new(
        "DELETE FROM role WHERE id = $1",
        [role.id.into()],
    ))
    .await?;
    let deed = Deed {
        action: "delete",
        thing: "role",
        thing_id: role.name.clone(),
        before: audit::members(json!({
            "rights": role.rights,
            "companies": role.companies,
            "areas": role.areas,
            "departments": role.departments,
        })),
        ..Deed::default()
    };
    audit::write(&mut tx, now, caller, deed).await?;
    tx.commit().await?;
    Ok(())
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
