//! Areas: where terminals hang and people belong. In area 1, "Not Authorized", terminals are held.
//! This file alone writes `area`.

use super::tree::{self, Numbers, Tree, Use, Users, Words};
use crate::access::{Caller, Thing};
use crate::app::App;
use crate::appendix;
use crate::error::{Error, Result};
use crate::relation::{AREA, Relation};
use crate::routes::Endpoint;
use muster_store::{Sql, Tx, fold};

const AREA_NAME_LETTERS: usize = 100;

pub struct Area;

impl Tree for Area {
    const TABLE: &'static str = "area";
    const THING: Thing = Thing::Area;
    const PATH: &'static str = "/personnel/api/areas/";
    const RELATION: Relation = AREA;
    const WORDS: Words = Words {
        code: "area_code",
        name: "area_name",
        parent: "parent_area",
        parent_too: &["parent_area_code"],
        parent_name: "parent_area_name",
        import: "import_area",
        below: counted!("{count} area below it", "{count} areas below it"),
    };
    const NUMBERS: Numbers = Numbers {
        absent: appendix::NO_AREA,
        ..Numbers::NONE
    };
    const USES: &'static [Use] = &[
        Use {
            users: Users::Employees,
            table: "employee_area",
            column: "area_id",
            who: "employee_id",
            which: "employee_id IN (SELECT id FROM employee WHERE status = 0)",
        },
        Use {
            users: Users::FormerEmployees,
            table: "employee_area",
            column: "area_id",
            who: "employee_id",
            which: "employee_id IN (SELECT id FROM employee WHERE status <> 0)",
        },
        Use {
            users: Users::Terminals,
            table: "terminal",
            column: "area_id",
            who: "id",
            which: "TRUE",
        },
    ];
}

/// Makes an area with the code after the highest number there is.
pub async fn make(app: &App, tx: &mut Tx, caller: &Caller, name: &str) -> Result<i64> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::invalid("area", t!("Give the new area a name.")));
    }
    if name.chars().count() > AREA_NAME_LETTERS || name.chars().any(char::is_control) {
        return Err(Error::invalid(
            "area",
            t!(
                "A name has at most {count} letters, and no control characters.",
                count = AREA_NAME_LETTERS
            ),
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
            t!("There is an area {name} already.", name = name),
        ));
    }
    let code = areas
        .iter()
        .filter_map(|(code, _)| code.parse::<u32>().ok())
        .max()
        .map_or(1, |highest| u64::from(highest) + 1)
        .to_string();
    tree::add_named::<Area>(app, tx, caller, code, name.to_owned()).await
}

pub fn endpoints() -> Vec<Endpoint> {
    tree::endpoints::<Area>()
}
