//! What is done with several employees at once: all of them, or none.

use super::Employee;
use super::write::Changes;
use crate::access::{Right, Thing};
use crate::answer::Answer;
use crate::appendix;
use crate::audit::{self, Deed};
use crate::error::{Error, Problem, Result};
use crate::extract::{Body, Call};
use crate::input::{Input, read_several};
use crate::language::Text;
use crate::relation::Known;
use crate::resource::{self, Resource, Several};
use crate::routes::{Endpoint, Kind, Member};
use crate::terminals::people::{self, BioKind};
use crate::terminals::sync;
use crate::writing::{self, Writing};
use serde_json::{Value, json};

/// The names under which employees are listed.
pub(super) const PEOPLE: &[&str] = &["emp_code", "employees", "employee"];

/// What is set for all of them: a member of an employee, and the names it goes by here.
struct Adjustment {
    member: &'static str,
    names: &'static [&'static str],
    /// An employee has several.
    is_list: bool,
    /// The appendix's number when none is given.
    missing: i32,
}

const AREA: Adjustment = Adjustment {
    member: "area",
    names: &["area_code", "areas", "area"],
    is_list: true,
    missing: appendix::AREA_MISSING,
};
const DEPARTMENT: Adjustment = Adjustment {
    member: "department",
    names: &["department_code", "department", "dept_code"],
    is_list: false,
    missing: appendix::EMPTY_DEPARTMENT,
};
const POSITION: Adjustment = Adjustment {
    member: "position",
    names: &["position_code", "position"],
    is_list: false,
    missing: appendix::PROGRAM_ERROR,
};
const EMP_TYPE: Adjustment = Adjustment {
    member: "emp_type",
    names: &["emp_type"],
    is_list: false,
    missing: appendix::PROGRAM_ERROR,
};

impl Adjustment {
    /// Under which name it came, and the value as an employee is written with it.
    fn given(&self, body: &Body) -> Result<(&'static str, Value), Problem> {
        let missing =
            |field: &str, message: Text| Err(Problem::new(field, message).coded(self.missing));
        let Some((field, value)) = body.first_of(self.names) else {
            return missing(self.names[0], t!("This field is required."));
        };
        if value.is_null() {
            return missing(field, t!("This field may not be null."));
        }
        let values = match (self.is_list, value) {
            (false, Value::Array(_)) | (true, _) => {
                read_several(value).ok_or_else(|| Problem::new(field, t!("Not a valid value.")))?
            }
            (false, single) => vec![single.clone()],
        };
        match (self.is_list, &values[..]) {
            (_, []) => missing(field, t!("This list may not be empty.")),
            (true, _) => Ok((field, Value::Array(values))),
            (false, [single]) => Ok((field, single.clone())),
            (false, _) => Err(Problem::new(field, t!("Only one is possible."))),
        }
    }
}

async fn adjust(call: Call, what: &'static Adjustment) -> Result<Answer> {
    let (app, caller, body) = (&call.request.app, &call.caller, &call.request.body);
    let mut problems = Vec::new();
    let people = unless_invalid(
        resource::several::<Employee>(app, caller, body, PEOPLE).await,
        &mut problems,
    )?;
    let mut changes = None;
    match what.given(body) {
        Err(problem) => problems.push(problem),
        Ok((field, value)) => {
            let alone = Body::of(json!({ what.member: value })).unwrap_or_default();
            let read = Changes::read(app, caller, &Known::default(), &alone, false, None).await;
            let before = problems.len();
            changes = unless_invalid(read, &mut problems)?;
            for problem in &mut problems[before..] {
                problem.field = field.to_owned();
            }
        }
    }
    let (Some(people), Some(changes)) = (people, changes) else {
        return Err(Error::Invalid(problems));
    };
    let rows = people
        .rows
        .into_iter()
        .map(|employee| (changes.clone(), Some(employee)));
    resource::save_several::<Employee>(app, caller, rows.collect()).await?;
    Ok(Answer::ok(&caller.profile.done()))
}

/// What is wrong with one part is told with what is wrong with the others.
fn unless_invalid<T>(result: Result<T>, problems: &mut Vec<Problem>) -> Result<Option<T>> {
    match result {
        Ok(good) => Ok(Some(good)),
        Err(Error::Invalid(found)) => {
            problems.extend(found);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Each kind that is true goes, here and on the terminals.
async fn del_bio_template(call: Call) -> Result<Answer> {
    let (app, caller, body) = (&call.request.app, &call.caller, &call.request.body);
    let mut input = Input::new(body, true);
    let (names, kinds): (Vec<&str>, Vec<BioKind>) = BioKind::FLAGS
        .iter()
        .filter(|(name, _)| input.boolean(name) == Some(true))
        .copied()
        .unzip();
    let people = resource::several::<Employee>(app, caller, body, PEOPLE).await;
    let Some(Several { rows, .. }) = unless_invalid(people, &mut input.problems)? else {
        return Err(Error::Invalid(input.problems));
    };
    input.settle()?;
    if !kinds.is_empty() {
        let mut tx = Writing::begin(app).await?;
        writing::people_in_order(&mut tx, &app.company.id).await?;
        for employee in rows {
            people::forget(app, &mut tx, caller, &employee.emp_code, &kinds).await?;
            let deed = Deed {
                action: "delete templates",
                thing: Employee::NAME,
                thing_id: employee.emp_code,
                before: audit::members(json!({ "kinds": names })),
                ..Deed::default()
            };
            audit::write(&mut tx, app.clock.now(), caller, deed).await?;
        }
        tx.commit(app).await?;
    }
    Ok(Answer::ok(&caller.profile.done()))
}

/// The terminals are told everything about these people again.
async fn resync_to_device(call: Call) -> Result<Answer> {
    let (app, caller, body) = (&call.request.app, &call.caller, &call.request.body);
    let people = resource::several::<Employee>(app, caller, body, PEOPLE).await?;
    let codes: Vec<&str> = people
        .rows
        .iter()
        .map(|employee| employee.emp_code.as_str())
        .collect();
    let mut tx = Writing::begin(app).await?;
    writing::people_in_order(&mut tx, &app.company.id).await?;
    sync::repeat(app, &mut tx, caller, &codes).await?;
    for emp_code in codes {
        let deed = Deed {
            action: "resync",
            thing: Employee::NAME,
            thing_id: emp_code.to_owned(),
            ..Deed::default()
        };
        audit::write(&mut tx, app.clock.now(), caller, deed).await?;
    }
    tx.commit(app).await?;
    Ok(Answer::ok(&caller.profile.done()))
}

// ---- endpoints --------------------------------------------------------------------------------

pub(super) const WHO: Member = Member::new(
    "emp_code",
    Kind::ReferenceList,
    "Employees by code or id: a list, one, or several with commas; also employees.",
)
.required();
const ADJUST_AREA: &[Member] = &[
    WHO,
    Member::new(
        "area_code",
        Kind::ReferenceList,
        "Codes or ids; also areas.",
    )
    .required(),
];
const ADJUST_DEPARTMENT: &[Member] = &[
    WHO,
    Member::new(
        "department_code",
        Kind::Reference,
        "Code or id; also department.",
    )
    .required(),
];
const ADJUST_POSITION: &[Member] = &[
    WHO,
    Member::new(
        "position_code",
        Kind::Reference,
        "Code or id; also position.",
    )
    .required(),
];
const ADJUST_EMP_TYPE: &[Member] = &[WHO, Member::new("emp_type", Kind::Integer, "").required()];
const DELETE_TEMPLATES: &[Member] = &[
    WHO,
    Member::new("finger_print", Kind::Boolean, "True: they go."),
    Member::new("face", Kind::Boolean, ""),
    Member::new("finger_vein", Kind::Boolean, ""),
    Member::new("palm", Kind::Boolean, ""),
    Member::new("vl_face", Kind::Boolean, "Faces in visible light."),
];

/// `adjust_resign` stands with the resignations it makes.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let tag = Thing::Employee;
    let path = |name: &str| format!("{}{name}/", Employee::PATH);
    let change = Right::Change(Thing::Employee);
    let mut endpoints = Vec::new();
    for (name, summary, body, what) in [
        (
            "adjust_area",
            "Puts several employees into areas",
            ADJUST_AREA,
            &AREA,
        ),
        (
            "adjust_depart",
            "Puts several employees into a department",
            ADJUST_DEPARTMENT,
            &DEPARTMENT,
        ),
        (
            "adjust_department",
            "The same, as BioTime spells it",
            ADJUST_DEPARTMENT,
            &DEPARTMENT,
        ),
        (
            "adjust_position",
            "Gives several employees a position",
            ADJUST_POSITION,
            &POSITION,
        ),
        (
            "adjust_emp_type",
            "Gives several employees a type",
            ADJUST_EMP_TYPE,
            &EMP_TYPE,
        ),
    ] {
        let work = |call| adjust(call, what);
        endpoints.push(resource::posted(
            &path(name),
            summary,
            tag,
            change,
            body,
            work,
        ));
    }
    endpoints.push(resource::posted(
        &path("del_bio_template"),
        "Removes templates of several employees, on terminals too",
        tag,
        Right::Change(Thing::Biodata),
        DELETE_TEMPLATES,
        del_bio_template,
    ));
    endpoints.push(resource::posted(
        &path("resync_to_device"),
        "Tells terminals everything about several employees again",
        tag,
        Right::TerminalCommand,
        &[WHO],
        resync_to_device,
    ));
    endpoints
}
