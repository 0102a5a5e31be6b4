//! Areas: where terminals hang and people belong. In area 1, "Not Authorized", terminals are held.
//! This file alone writes `area`.

use crate::access::{Caller, Thing};
use crate::app::App;
use crate::appendix;
use crate::audit::{self, Deed};
use crate::error::{Error, Result};
use crate::extract::Body;
use crate::input::{Input, Text};
use crate::profile::Profile;
use crate::relation::{AREA, Known};
use crate::resource::{
    self, Column, Columns, Field, Resource, Searched, Writable, col, search_text,
};
use crate::routes::{Endpoint, Kind, Member};
use crate::writing::Writing;
use muster_store::{Sql, Tx, fold};
use sea_query::{Alias, Cond, Condition, Expr, ExprTrait, JoinType, SelectStatement, SimpleExpr};
use serde_json::{Map, Value, json};

const AREA_NAME_LETTERS: usize = 100;

pub struct Area;

/// An area with the one above it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Row {
    pub id: i64,
    pub area_code: String,
    pub area_name: String,
    pub parent_id: Option<i64>,
    pub parent_code: Option<String>,
    pub parent_name: Option<String>,
    pub grandparent_id: Option<i64>,
    pub company_id: String,
    pub company_name: String,
}

/// What was given, checked.
#[derive(Debug, Default)]
pub struct Change {
    code: Option<String>,
    name: Option<String>,
    /// `Some(None)`: to have none above it.
    parent: Option<Option<i64>>,
}

const CODE: Text = Text::max(50).like(is_code);
const NAME: Text = Text::max(100);

/// Names under the list's path, and what a path cannot hold.
fn is_code(text: &str) -> bool {
    !["action", "export", "import_area", ".", ".."].contains(&text.to_lowercase().as_str())
}

const fn column(name: &'static str) -> Column {
    ("area", name)
}

impl Resource for Area {
    const NAME: &'static str = "area";
    const PATH: &'static str = "/personnel/api/areas/";
    const THING: Thing = Thing::Area;
    const KEY: &'static str = "area_code";
    const CODE: Option<Column> = Some(column("area_code"));
    const ABSENT: i32 = appendix::NO_AREA;
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Integer, column("id")).one_of(),
        Field::new("area_code", Kind::Text, column("area_code"))
            .exactly()
            .contains_part(1),
        Field::new("area_name", Kind::Text, column("area_name"))
            .exactly()
            .contains_part(0),
        Field::new("parent_area_name", Kind::Text, ("parent", "area_name")).nullable(),
        Field::special(
            "parent_area",
            Kind::Reference,
            "The area above, by code or id.",
        )
        .or(&["parent_area_code"]),
    ];
    const SEARCHED: &'static [Searched] = &[Searched::Folded(column("search_text"))];
    const ANSWER: &'static [Member] = &[
        Member::new("id", Kind::Integer, ""),
        Member::new("area_code", Kind::Text, ""),
        Member::new("area_name", Kind::Text, ""),
        Member::new(
            "parent_area",
            Kind::Relation,
            "Written: its name, in the BioTime profile its id.",
        ),
        Member::new(
            "parent_area_name",
            Kind::Text,
            "Not when written, as the company.",
        ),
        Member::new("company", Kind::Relation, ""),
    ];

    type Row = Row;

    fn id(row: &Row) -> i64 {
        row.id
    }

    fn tables(select: &mut SelectStatement) {
        select
            .from(Alias::new("area"))
            .join(
                JoinType::InnerJoin,
                Alias::new("company"),
                col(("company", "id")).eq(col(column("company_id"))),
            )
            .join_as(
                JoinType::LeftJoin,
                Alias::new("area"),
                Alias::new("parent"),
                col(("parent", "id")).eq(col(column("parent_id"))),
            );
    }

    fn columns(select: &mut SelectStatement, _app: &App) {
        for name in ["id", "area_code", "area_name", "parent_id", "company_id"] {
            select.expr(col(column(name)));
        }
        for (from, name) in [
            (("parent", "area_code"), "parent_code"),
            (("parent", "area_name"), "parent_name"),
            (("parent", "parent_id"), "grandparent_id"),
            (("company", "name"), "company_name"),
        ] {
            select.expr_as(col(from), Alias::new(name));
        }
    }

    fn visible(caller: &Caller, _app: &App) -> Condition {
        let mut visible = Cond::all();
        if let Some(companies) = &caller.scope.companies {
            visible = visible.add(col(column("company_id")).is_in(companies.iter().cloned()));
        }
        if let Some(areas) = &caller.scope.areas {
            visible = visible.add(col(column("id")).is_in(areas.iter().copied()));
        }
        visible
    }

    fn special(_app: &App, _name: &str, value: &str) -> Result<SimpleExpr> {
        let mut any = Cond::any();
        for value in value.split(',').map(str::trim) {
            if value == "-1" {
                return Ok(Expr::val(1).eq(1));
            }
            any = any.add(col(("parent", "area_code")).eq(value));
            if let Some(id) = resource::read_id(value) {
                any = any.add(col(column("parent_id")).eq(id));
            }
        }
        Ok(any.into())
    }

    async fn show(_app: &App, _caller: &Caller, rows: Vec<Row>) -> Result<Vec<Value>> {
        Ok(rows
            .into_iter()
            .map(|row| {
                json!({
                    "id": row.id,
                    "area_code": row.area_code,
                    "area_name": row.area_name,
                    "parent_area": row.parent_id.map(|id| json!({
                        "id": id,
                        "area_code": row.parent_code,
                        "area_name": row.parent_name,
                        "parent_area": row.grandparent_id,
                    })),
                    "parent_area_name": row.parent_name,
                    "company": { "id": row.company_id, "name": row.company_name },
                })
            })
            .collect())
    }
}

impl Writable for Area {
    const INPUT: &'static [Member] = &[
        Member::new("area_code", Kind::Text, "Up to 50 letters.").required(),
        Member::new("area_name", Kind::Text, "Up to 100 letters.").required(),
        Member::new(
            "parent_area",
            Kind::Reference,
            "Code or id; 0 or null for none.",
        ),
    ];

    type Change = Change;

    async fn check(
        app: &App,
        caller: &Caller,
        known: &Known,
        body: &Body,
        stored: Option<&Row>,
    ) -> Result<Change> {
        let mut change = Change::default();
        let mut input = Input::new(body, stored.is_none());
        input.require(&["area_code"]);
        input.require(&["area_name"]);
        change.code = input.text("area_code", CODE).flatten();
        change.name = input.text("area_name", NAME).flatten();
        if let Some((field, value)) = input.value(&["parent_area", "parent_area_code"]) {
            match AREA.find(app, caller, known, field, value).await? {
                Ok(parent) => change.parent = Some(parent),
                Err(problem) => input.problems.push(problem),
            }
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
        let now = app.clock.now();
        let own = stored.as_ref().map(|row| row.id);
        let kept = |pick: fn(&Row) -> &String| stored.as_ref().map(|row| pick(row).clone());
        let code = change.code.or_else(|| kept(|row| &row.area_code));
        let name = change.name.or_else(|| kept(|row| &row.area_name));
        let (code, name) = (code.unwrap_or_default(), name.unwrap_or_default());
        let other: Option<(i64,)> = tx
            .find(&Sql::new(
                "SELECT id FROM area WHERE company_id = $1 AND area_code = $2",
                [app.company.id.clone().into(), code.clone().into()],
            ))
            .await?;
        if other.is_some_and(|(id,)| Some(id) != own) {
            return Err(taken());
        }
        if let (Some(id), Some(Some(parent))) = (own, change.parent)
            && is_above(tx, id, parent).await?
        {
            return Err(Error::invalid(
                "parent_area",
                "Cannot be set as parent area.",
            ));
        }
        let mut columns = Columns::default();
        columns.set("area_code", code.clone());
        columns.set("area_name", name.clone());
        if let Some(parent) = change.parent {
            columns.set("parent_id", parent);
        }
        columns.set("search_text", search_text([name.as_str(), code.as_str()]));
        columns.set("changed_at", now);
        let written = match own {
            Some(id) => tx.run(&columns.update("area", id)).await.map(|_| id),
            None => {
                columns.set("company_id", app.company.id.clone());
                columns.set("created_at", now);
                tx.one(&columns.insert("area")).await.map(|(id,)| id)
            }
        };
        let id = written.map_err(|error| {
            if error.is_duplicate() {
                taken()
            } else {
                error.into()
            }
        })?;
        let row: Row = tx.one(&resource::by_id::<Area>(app, id)).await?;
        let deed = Deed {
            action: if own.is_some() { "update" } else { "create" },
            thing: Area::NAME,
            thing_id: row.area_code.clone(),
            before: stored.as_ref().map(audited),
            after: Some(audited(&row)),
        };
        audit::write(tx, now, caller, deed).await?;
        Ok(id)
    }

    async fn show_saved(_app: &App, caller: &Caller, row: Row) -> Result<Value> {
        let parent: Value = match caller.profile {
            Profile::EasyTimePro => row.parent_name.into(),
            Profile::BioTime => row.parent_id.into(),
        };
        Ok(json!({
            "id": row.id,
            "area_code": row.area_code,
            "area_name": row.area_name,
            "parent_area": parent,
        }))
    }
}

/// Makes an area with the code after the highest number there is.
pub async fn make(app: &App, tx: &mut Tx, caller: &Caller, name: &str) -> Result<i64> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::invalid("area", "Give the new area a name."));
    }
    if name.chars().count() > AREA_NAME_LETTERS || name.chars().any(char::is_control) {
        return Err(Error::invalid(
            "area",
            format!("A name has at most {AREA_NAME_LETTERS} letters, and no control characters."),
        ));
    }
    let areas: Vec<(String, String)> = tx
        .all(&Sql::new(
            "SELECT area_code, area_name FROM area WHERE company_id = $1",
            [app.company.id.clone().into()],
        ))
        .await?;
    if areas.iter().any(|(_, known)| fold(known) == fold(name)) {
        return Err(Error::invalid(
            "area",
            format!("There is an area {name} already."),
        ));
    }
    let code = areas
        .iter()
        .filter_map(|(code, _)| code.parse::<u32>().ok())
        .max()
        .map_or(1, |highest| u64::from(highest) + 1)
        .to_string();
    let now = app.clock.now();
    let (id,): (i64,) = tx
        .one(&Sql::new(
            "INSERT INTO area (company_id, area_code, area_name, search_text, created_at, changed_at) \
             VALUES ($1, $2, $3, $4, $5, $5) RETURNING id",
            [
                app.company.id.clone().into(),
                code.clone().into(),
                name.into(),
                search_text([name, code.as_str()]).into(),
                now.into(),
            ],
        ))
        .await?;
    audit::write(
        tx,
        now,
        caller,
        Deed {
            action: "create",
            thing: "area",
            thing_id: id.to_string(),
            before: None,
            after: audit::members(json!({ "area_code": code, "area_name": name })),
        },
    )
    .await?;
    Ok(id)
}

fn taken() -> Error {
    Error::invalid("area_code", "area with this area code already exists.")
}

fn audited(row: &Row) -> Map<String, Value> {
    let audited = json!({
        "area_code": row.area_code,
        "area_name": row.area_name,
        "parent_area": row.parent_code,
    });
    match audited {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// Whether one area is the other, or somewhere above it.
async fn is_above(tx: &mut Tx, upper: i64, lower: i64) -> Result<bool> {
    let found: Option<(i64,)> = tx
        .find(&Sql::new(
            "WITH RECURSIVE above (id, parent_id) AS ( \
                 SELECT id, parent_id FROM area WHERE id = $1 \
                 UNION SELECT a.id, a.parent_id FROM area a JOIN above b ON a.id = b.parent_id) \
             SELECT id FROM above WHERE id = $2",
            [lower.into(), upper.into()],
        ))
        .await?;
    Ok(found.is_some())
}

pub fn endpoints() -> Vec<Endpoint> {
    let mut endpoints = vec![
        resource::list::<Area>(),
        resource::create::<Area>(),
        resource::read::<Area>(),
    ];
    endpoints.extend(resource::update::<Area>());
    endpoints
}
