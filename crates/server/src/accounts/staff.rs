//! Employees at the staff doors: they read what is their own.

use crate::access::{Caller, Right, Rights, Scope, Thing, Who};
use crate::app::App;
use crate::error::Result;
use crate::profile::Profile;
use muster_store::Sql;

/// What of an employee a login needs.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Staff {
    pub id: i64,
    pub emp_code: String,
    pub status: i16,
    pub app_status: i16,
    pub self_password_hash: Option<String>,
}

impl Staff {
    /// Neither resigned nor removed, and allowed into the app.
    pub fn may_log_in(&self) -> bool {
        self.status == 0 && self.app_status == 1
    }

    pub fn caller(&self, profile: Profile) -> Caller {
        Caller {
            who: Who::Staff {
                employee_id: self.id,
                emp_code: self.emp_code.clone(),
            },
            profile,
            rights: Rights::from_iter([]),
            scope: Scope {
                employee: Some(self.id),
                ..Scope::default()
            },
            address: None,
        }
    }
}

/// What employees may see of their own through a staff door.
pub const OWN: [Right; 3] = [
    Right::View(Thing::Employee),
    Right::View(Thing::Transaction),
    Right::View(Thing::Message),
];

pub async fn find(app: &App, id: i64) -> Result<Option<Staff>> {
    Ok(app
        .store
        .find(&Sql::new(
            "SELECT id, emp_code, status, app_status, self_password_hash FROM employee \
             WHERE id = $1",
            [id.into()],
        ))
        .await?)
}

pub async fn find_by_code(app: &App, emp_code: &str) -> Result<Option<Staff>> {
    Ok(app
        .store
        .find(&Sql::new(
            "SELECT id, emp_code, status, app_status, self_password_hash FROM employee \
             WHERE company_id = $1 AND emp_code = $2",
            [app.company.id.clone().into(), emp_code.into()],
        ))
        .await?)
}
