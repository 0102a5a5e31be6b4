//! The one way in for punches.

use crate::app::Company;
use crate::clock::Clock;
use muster_store::Store;

#[derive(Debug)]
pub struct Recorder {}

impl Recorder {
    pub fn start(_store: Store, _clock: Clock, _company: Company) -> Recorder {
        Recorder {}
    }

    pub async fn finish(&self) {}
}

/// Punches of this code that waited in the list of unregistered ones become the employee's, each
/// with the next transaction id. Returns how many.
pub async fn adopt(
    tx: &mut muster_store::Tx,
    company_id: &str,
    employee_id: i64,
    emp_code: &str,
) -> muster_store::Result<u64> {
    use muster_store::Sql;
    let (waiting,): (i64,) = tx
        .one(&Sql::new(
            "SELECT COUNT(*) FROM punch WHERE company_id = $1 AND pin = $2 AND transaction_id IS NULL",
            [company_id.into(), emp_code.into()],
        ))
        .await?;
    let (last_id,): (i64,) = tx
        .one(&Sql::new(
            "UPDATE punch_counter SET last_id = last_id + $2, transactions = transactions + $2, \
             unregistered = unregistered - $2 WHERE company_id = $1 RETURNING last_id",
            [company_id.into(), waiting.into()],
        ))
        .await?;
    tx.run(&Sql::new(
        "UPDATE punch SET employee_id = $3, transaction_id = $4 + o.place \
         FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS place FROM punch \
               WHERE company_id = $1 AND pin = $2 AND transaction_id IS NULL) AS o \
         WHERE punch.id = o.id",
        [
            company_id.into(),
            emp_code.into(),
            employee_id.into(),
            (last_id - waiting).into(),
        ],
    ))
    .await
}
