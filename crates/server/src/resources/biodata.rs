//! Templates: what terminals recognise people by. They come from terminals (`terminals/people.rs`, which
//! writes their table); callers read them and take them away.

use crate::access::{Caller, Right, Thing};
use crate::app::App;
use crate::audit::{self, Deed};
use crate::error::{Error, Problem, Result};
use crate::relation;
use crate::resource::{self, Column, Field, Removable, Resource, Searched, col};
use crate::resources::employee::{Employee, of_employee};
use crate::routes::{Endpoint, Kind, Member};
use crate::terminals::people::{self, Kept};
use crate::times;
use crate::writing::{self, Writing};
use chrono::{DateTime, Utc};
use sea_query::{
    Alias, CaseStatement, Condition, Expr, ExprTrait, JoinType, SelectStatement, SimpleExpr,
};
use serde_json::{Value, json};

pub struct Biodata;

/// A template. `pin` is the code of the employee it belongs to, if there is one.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Row {
    id: i64,
    pub pin: String,
    wire_type: i16,
    bio_no: i16,
    bio_index: i16,
    major_ver: String,
    template_sealed: Vec<u8>,
    changed_at: DateTime<Utc>,
    terminal_sn: Option<String>,
}

const COLUMNS: &[&str] = &[
    "id",
    "pin",
    "wire_type",
    "bio_no",
    "bio_index",
    "template_sealed",
    "changed_at",
    "terminal_sn",
];

/// The version of the algorithm that made a template, as text. Rows of fingerprints, faces and finger veins alone
/// do not say it: theirs is that of the terminal they came from. Empty when that has not said it either.
pub fn version() -> Expr {
    Expr::cust(
        "CASE WHEN biometric.major_ver <> '' THEN biometric.major_ver ELSE COALESCE((SELECT CASE biometric.source \
             WHEN 'fp' THEN origin.fp_alg_ver WHEN 'face' THEN origin.face_alg_ver \
             WHEN 'fvein' THEN origin.fv_alg_ver END \
         FROM terminal AS origin WHERE origin.sn = biometric.terminal_sn), '') END",
    )
}

/// The numbers of terminals that the API has others for: finger vein, and the two further palms.
const OTHERWISE: &[(i16, i16)] = &[(7, 5), (6, 8), (10, 8)];

pub fn api_type(wire_type: i16) -> i16 {
    OTHERWISE
        .iter()
        .find(|(wire, _)| *wire == wire_type)
        .map_or(wire_type, |(_, api)| *api)
}

const fn column(name: &'static str) -> Column {
    ("biometric", name)
}

impl Resource for Biodata {
    const NAME: &'static str = "biodata";
    const PATH: &'static str = "/iclock/api/biodatas/";
    const THING: Thing = Thing::Biodata;
    const KEY: &'static str = "id";
    const CODE: Option<Column> = None;
    /// One may be a picture.
    const MOST_ON_A_PAGE: i64 = 500;
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Integer, column("id")).one_of(),
        of_employee::ASKED
            .or(&["emp_code", "employees", "pin"])
            .ordered_by(column("pin")),
        Field::computed("bio_type", Kind::Integer)
            .one_of()
            .about("1 fingerprint, 2 face, 5 finger vein, 8 palm, 9 face in visible light."),
        Field::new("bio_no", Kind::Integer, column("bio_no")).one_of(),
        Field::new("bio_index", Kind::Integer, column("bio_index")).one_of(),
        Field::computed("major_ver", Kind::Text).one_of(),
        Field::new("update_time", Kind::Time, column("changed_at")),
        Field::new("sn", Kind::Text, column("terminal_sn"))
            .one_of()
            .contains()
            .nullable()
            .or(&["terminal_sn"]),
        Field::new("wire_type", Kind::Integer, column("wire_type"))
            .one_of()
            .about("The type by the terminals' numbers."),
    ];
    const SEARCHED: &'static [Searched] = &[
        Searched::Plain(column("pin")),
        Searched::Plain(column("terminal_sn")),
        Searched::Folded(("employee", "search_text")),
    ];
    const ANSWER: &'static [Member] = &[
        Member::new("id", Kind::Integer, ""),
        Member::new("employee", Kind::Text, "The employee's code."),
        Member::new(
            "bio_type",
            Kind::Integer,
            "1 fingerprint, 2 face, 5 finger vein, 8 palm, 9 face in visible light.",
        ),
        Member::new("bio_no", Kind::Integer, "Which finger: 0 to 9."),
        Member::new("bio_index", Kind::Integer, ""),
        Member::new(
            "bio_tmp",
            Kind::Text,
            "The template in base64; empty without the right biometrics.view.",
        )
        .only_named(),
        Member::new(
            "major_ver",
            Kind::Text,
            "The algorithm's version; empty when nobody has said it.",
        ),
        Member::new("update_time", Kind::Time, ""),
        Member::new("sn", Kind::Text, "The terminal it came from."),
        Member::new(
            "wire_type",
            Kind::Integer,
            "The type by the terminals' numbers.",
        ),
    ];
    const EXPORT_NEEDS_TYPE: bool = true;

    type Row = Row;

    fn id(row: &Row) -> i64 {
        row.id
    }

    /// Pictures lie in the same table; they are no templates.
    fn tables(select: &mut SelectStatement) {
        select
            .from(Alias::new("biometric"))
            .join(
                JoinType::LeftJoin,
                Alias::new("employee"),
                col(("employee", "id")).eq(col(column("employee_id"))),
            )
            .and_where(col(column("source")).is_not_in(people::PICTURE_SOURCES));
    }

    fn columns(select: &mut SelectStatement, _app: &App) {
        for name in COLUMNS {
            select.expr(col(column(name)));
        }
        select.expr_as(version(), Alias::new("major_ver"));
    }

    /// Those of the employees a caller may see. Who sees all sees those of unknown PINs too.
    fn visible(caller: &Caller, app: &App) -> Condition {
        Employee::visible(caller, app)
    }

    fn computed(_app: &App, name: &str) -> Expr {
        if name == "major_ver" {
            return version();
        }
        let mut case = CaseStatement::new();
        for (wire, api) in OTHERWISE {
            case = case.case(col(column("wire_type")).eq(*wire), Expr::val(*api));
        }
        case.finally(col(column("wire_type"))).into()
    }

    fn special(_app: &App, _name: &str, value: &str) -> Result<SimpleExpr> {
        Ok(relation::any_of(
            column("pin"),
            column("employee_id"),
            value,
        ))
    }

    async fn show(app: &App, caller: &Caller, rows: Vec<Row>) -> Result<Vec<Value>> {
        let sees_templates = caller.may(Right::BiometricsView);
        let mut shown = Vec::with_capacity(rows.len());
        for row in rows {
            let template = if sees_templates {
                let opened = app.keys.open(people::SEALED_FOR, &row.template_sealed);
                let opened = opened.map_err(|error| Error::Internal(error.into()))?;
                String::from_utf8_lossy(&opened).into_owned()
            } else {
                String::new()
            };
            shown.push(json!({
                "id": row.id,
                "employee": row.pin,
                "bio_type": api_type(row.wire_type),
                "bio_no": row.bio_no,
                "bio_index": row.bio_index,
                "bio_tmp": template,
                "major_ver": row.major_ver,
                "update_time": times::instant(row.changed_at, app.zone),
                "sn": row.terminal_sn,
                "wire_type": row.wire_type,
            }));
        }
        Ok(shown)
    }
}

impl Removable for Biodata {
    /// Here, and from the terminals that hold it.
    async fn remove(
        app: &App,
        tx: &mut Writing,
        caller: &Caller,
        rows: Vec<Row>,
    ) -> Result<Vec<Problem>> {
        writing::people_in_order(tx, &app.company.id).await?;
        let templates: Vec<Kept> = rows
            .iter()
            .map(|row| Kept {
                id: row.id,
                pin: row.pin.clone(),
                wire_type: row.wire_type,
            })
            .collect();
        people::remove(app, tx, caller, &templates).await?;
        for row in rows {
            let deed = Deed {
                action: "delete",
                thing: Biodata::NAME,
                thing_id: row.id.to_string(),
                before: audit::members(json!({
                    "employee": row.pin,
                    "bio_type": api_type(row.wire_type),
                    "bio_no": row.bio_no,
                    "bio_index": row.bio_index,
                    "major_ver": row.major_ver,
                    "sn": row.terminal_sn,
                })),
                ..Deed::default()
            };
            audit::write(tx, app.clock.now(), caller, deed).await?;
        }
        Ok(Vec::new())
    }
}

pub fn endpoints() -> Vec<Endpoint> {
    vec![
        resource::list::<Biodata>(),
        resource::export::<Biodata>(),
        resource::read::<Biodata>(),
        resource::delete::<Biodata>(),
    ]
}
