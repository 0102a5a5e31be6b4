//! An unregistered punch is somebody's after all: a PIN mistyped at the terminal. The punch as it was
//! sent stays, hidden, so that it is known when it comes again; the employee gets one like it under the
//! own code, with an id above all others. Taking that back removes it and shows the other again. This
//! file alone writes `punch_assignment`, which says what was made of what.

use crate::access::{Right, Thing};
use crate::answer::Answer;
use crate::audit::{self, Deed};
use crate::error::{Error, Problem, Result};
use crate::extract::Call;
use crate::punches::record;
use crate::punches::transaction::Transaction;
use crate::punches::unregistered::Unregistered;
use crate::resource::{self, Resource};
use crate::resources::employee::Employee;
use crate::routes::{Endpoint, Kind, Member};
use crate::times;
use crate::writing::{self, Writing};
use chrono::NaiveDateTime;
use muster_store::{Sql, Tx, json_list};
use serde_json::json;

/// What becomes of a punch.
#[derive(Debug, Clone, Copy)]
enum Done {
    Assigned,
    TakenBack,
}

/// An assigned punch, and the one it was made of.
#[derive(Debug, Clone, sqlx::FromRow)]
struct Assigned {
    punch_id: i64,
    sent_id: i64,
    emp_code: String,
    pin: String,
    punch_local: NaiveDateTime,
    terminal_sn: String,
}

async fn assign(call: Call) -> Result<Answer> {
    let (app, caller, body) = (&call.request.app, &call.caller, &call.request.body);
    let punches = resource::several::<Unregistered>(app, caller, body, UNREGISTERED).await?;
    let Some((field, whose)) = body.first_of(EMPLOYEE) else {
        return Err(Error::invalid("employee", t!("This field is required.")));
    };
    let employee = resource::named::<Employee>(app, caller, field, whose).await?;
    let employee = employee.map_err(|problem| Error::Invalid(vec![problem]))?;
    let now = app.clock.now();
    let mut tx = Writing::begin(app).await?;
    writing::people_in_order(&mut tx, &app.company.id).await?;
    let there: Option<(i64,)> = tx
        .find(&Sql::new(
            "SELECT id FROM employee WHERE id = $1",
            [employee.id.into()],
        ))
        .await?;
    if there.is_none() {
        return Err(Error::NoSuch {
            code: Employee::ABSENT,
        });
    }
    let count = i64::try_from(punches.rows.len()).unwrap_or(i64::MAX);
    let first_id = record::take_ids(&mut tx, &app.company.id, count).await?;
    let mut problems = Vec::new();
    for (id, punch) in (first_id..).zip(&punches.rows) {
        // Somebody may have been given that code meanwhile, or another caller was faster.
        let taken = tx
            .run(&Sql::new(
                "UPDATE punch SET hidden_at = $2 WHERE id = $1 AND transaction_id IS NULL AND hidden_at IS NULL",
                [punch.id.into(), now.into()],
            ))
            .await?;
        let made = tx
            .run(&Sql::new(
                "INSERT INTO punch (id, transaction_id, employee_id, pin, upload_at, company_id, terminal_id, \
                     terminal_sn, terminal_alias, area_id, area_name, punch_local, punch_at, punch_state, verify_type, \
                     verify_bits, work_code, mask_flag, temperature, longitude, latitude, gps_location, mobile, source, \
                     event_code, clock_suspect) \
                 SELECT $2, $2, $3, $4, $5, company_id, terminal_id, terminal_sn, terminal_alias, area_id, area_name, \
                     punch_local, punch_at, punch_state, verify_type, verify_bits, work_code, mask_flag, temperature, \
                     longitude, latitude, gps_location, mobile, source, event_code, clock_suspect \
                 FROM punch WHERE id = $1 ON CONFLICT DO NOTHING",
                [
                    punch.id.into(),
                    id.into(),
                    employee.id.into(),
                    employee.emp_code.as_str().into(),
                    now.into(),
                ],
            ))
            .await?;
        let problem = match (taken, made) {
            (0, _) => t!("Punch {id} is not unregistered any more.", id = punch.id),
            (_, 0) => t!(
                "{emp_code} has a punch of {time} at {terminal_sn} already.",
                emp_code = employee.emp_code,
                time = times::local(punch.punch_local),
                terminal_sn = punch.terminal_sn
            ),
            _ => {
                tx.run(&Sql::new(
                    "INSERT INTO punch_assignment (punch_id, sent_id) VALUES ($1, $2)",
                    [id.into(), punch.id.into()],
                ))
                .await?;
                let assigned = Assigned {
                    punch_id: id,
                    sent_id: punch.id,
                    emp_code: employee.emp_code.clone(),
                    pin: punch.pin.clone(),
                    punch_local: punch.punch_local,
                    terminal_sn: punch.terminal_sn.clone(),
                };
                audit::write(&mut tx, now, caller, assigned.deed(Done::Assigned)).await?;
                continue;
            }
        };
        problems.push(Problem::new(punches.field, problem));
    }
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    record::count_as_transactions(&mut tx, &app.company.id, count).await?;
    tx.commit(app).await?;
    Ok(Answer::ok(&caller.profile.done()))
}

async fn take_back(call: Call) -> Result<Answer> {
    let (app, caller, body) = (&call.request.app, &call.caller, &call.request.body);
    let punches = resource::several::<Transaction>(app, caller, body, TRANSACTIONS).await?;
    let now = app.clock.now();
    let mut tx = Writing::begin(app).await?;
    writing::people_in_order(&mut tx, &app.company.id).await?;
    record::take_ids(&mut tx, &app.company.id, 0).await?;
    let assigned = assigned_among(&mut tx, punches.rows.iter().map(|punch| punch.id)).await?;
    let others = punches.rows.iter().filter(|punch| {
        !assigned
            .iter()
            .any(|assigned| assigned.punch_id == punch.id)
    });
    let problems: Vec<Problem> = others
        .map(|punch| {
            let id = Transaction::id(punch);
            Problem::new(
                punches.field,
                t!(
                    "Transaction {id} was not assigned: it came under this code.",
                    id = id
                ),
            )
        })
        .collect();
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    for assigned in &assigned {
        for statement in [
            "DELETE FROM punch_assignment WHERE punch_id = $1",
            "DELETE FROM punch WHERE id = $1",
        ] {
            tx.run(&Sql::new(statement, [assigned.punch_id.into()]))
                .await?;
        }
        tx.run(&Sql::new(
            "UPDATE punch SET hidden_at = NULL WHERE id = $1",
            [assigned.sent_id.into()],
        ))
        .await?;
        audit::write(&mut tx, now, caller, assigned.deed(Done::TakenBack)).await?;
    }
    let count = i64::try_from(assigned.len()).unwrap_or(i64::MAX);
    record::count_as_transactions(&mut tx, &app.company.id, -count).await?;
    // Meanwhile somebody may have got the code.
    let pins = assigned.iter().map(|assigned| assigned.pin.clone());
    let owners: Vec<(i64,)> = tx
        .all(&Sql::by_dialect(
            "SELECT id FROM employee WHERE company_id = $1 AND emp_code IN (SELECT value FROM json_each($2))",
            "SELECT id FROM employee WHERE company_id = $1 \
             AND emp_code = ANY(ARRAY(SELECT jsonb_array_elements_text($2::jsonb)))",
            [app.company.id.as_str().into(), json_list(pins)],
        ))
        .await?;
    let owners: Vec<i64> = owners.into_iter().map(|(id,)| id).collect();
    record::adopt(&mut tx, &app.company.id, &owners).await?;
    tx.commit(app).await?;
    Ok(Answer::ok(&caller.profile.done()))
}

/// Those of these punches that were assigned.
async fn assigned_among(tx: &mut Tx, ids: impl Iterator<Item = i64>) -> Result<Vec<Assigned>> {
    Ok(tx
        .all(&Sql::by_dialect(
            "SELECT a.punch_id, a.sent_id, p.pin AS emp_code, s.pin, s.punch_local, s.terminal_sn \
             FROM punch_assignment AS a JOIN punch AS p ON p.id = a.punch_id JOIN punch AS s ON s.id = a.sent_id \
             WHERE a.punch_id IN (SELECT value FROM json_each($1)) ORDER BY a.punch_id",
            "SELECT a.punch_id, a.sent_id, p.pin AS emp_code, s.pin, s.punch_local, s.terminal_sn \
             FROM punch_assignment AS a JOIN punch AS p ON p.id = a.punch_id JOIN punch AS s ON s.id = a.sent_id \
             WHERE a.punch_id IN (SELECT jsonb_array_elements_text($1::jsonb)::bigint) ORDER BY a.punch_id",
            [json_list(ids)],
        ))
        .await?)
}

impl Assigned {
    fn deed(&self, done: Done) -> Deed<'_> {
        let members = |code: (&'static str, &str)| {
            audit::members(json!({
                code.0: code.1,
                "punch_time": times::local(self.punch_local),
                "terminal_sn": self.terminal_sn,
            }))
        };
        let (sent, given) = (
            members(("crc", &self.pin)),
            members(("emp_code", &self.emp_code)),
        );
        let (before, after) = match done {
            Done::Assigned => (sent, given),
            Done::TakenBack => (given, sent),
        };
        Deed {
            action: match done {
                Done::Assigned => "assign",
                Done::TakenBack => "unassign",
            },
            thing: Transaction::NAME,
            thing_id: self.punch_id.to_string(),
            before,
            after,
        }
    }
}

// ---- endpoints --------------------------------------------------------------------------------

const EMPLOYEE: &[&str] = &["employee", "emp_code"];
const UNREGISTERED: &[&str] = &["unregister", "ids"];
const TRANSACTIONS: &[&str] = &["transactions", "ids"];

const ASSIGNED: &[Member] = &[
    Member::new(
        "unregister",
        Kind::ReferenceList,
        "Unregistered punches by id.",
    )
    .required(),
    Member::new("employee", Kind::Reference, "Whose they are: code or id.").required(),
];
const TAKEN_BACK: &[Member] = &[Member::new(
    "transactions",
    Kind::ReferenceList,
    "Assigned transactions by id.",
)
.required()];

pub(super) fn assigned() -> Endpoint {
    resource::posted(
        &format!("{}assign/", Unregistered::PATH),
        "Gives unregistered punches to the employee whose they are",
        Thing::Transaction,
        Right::Change(Thing::Transaction),
        ASSIGNED,
        assign,
    )
}

pub(super) fn taken_back() -> Endpoint {
    resource::posted(
        &format!("{}unassign/", Transaction::PATH),
        "Takes back that punches were given to somebody",
        Thing::Transaction,
        Right::Change(Thing::Transaction),
        TAKEN_BACK,
        take_back,
    )
}
