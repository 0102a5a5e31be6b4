//! The first start: the company, the rows that are always there, the built-in roles and the
//! administrator. Later starts only look whether the key file is the right one.

use crate::access::Rights;
use crate::app::Company;
use crate::clock::Clock;
use crate::config::Config;
use crate::keys::{self, Keys};
use crate::password::Passwords;
use crate::sealed;
use anyhow::ensure;
use muster_store::{Sql, Store, fold};

pub struct Installed {
    pub company: Company,
    /// Set when this start made the administrator with a password of its own.
    pub first_password: Option<String>,
}

/// The built-in roles' ids; made roles start at 101.
pub const ADMINISTRATOR: i64 = 1;
pub const OPERATOR: i64 = 2;
pub const VIEWER: i64 = 3;

pub async fn install(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    config: &Config,
    passwords: &Passwords,
    admin_password: Option<String>,
) -> anyhow::Result<Installed> {
    let check: Option<(Vec<u8>,)> = store
        .find(&Sql::new(
            "SELECT key_check FROM installation WHERE id = 1",
            [],
        ))
        .await?;
    if let Some((check,)) = check {
        ensure!(
            keys.knows(&check),
            "the key file in {} is not the one of this database: copy muster.key from where it is",
            config.data_dir.display()
        );
        if check != keys.check() {
            // A backup from before its key was changed, or a change that was cut off.
            sealed::put_in_force(store, keys).await?;
        }
        return Ok(Installed {
            company: company(store).await?,
            first_password: None,
        });
    }

    let password = admin_password
        .clone()
        .unwrap_or_else(keys::readable_password);
    ensure!(
        password.len() >= 8,
        "the administrator's password must have at least 8 characters"
    );
    let hash = passwords.hash(&password).await?;
    let now = clock.now();
    let mut tx = store.write().await?;
    // Two nodes may start on an empty database at once: the second finds the row and starts over.
    let first = tx
        .run(&Sql::new(
            "INSERT INTO installation (id, key_check, installed_at) VALUES (1, $1, $2) \
             ON CONFLICT DO NOTHING",
            [keys.check().to_vec().into(), now.into()],
        ))
        .await?;
    if first == 0 {
        tx.rollback().await?;
        return Box::pin(install(
            store,
            clock,
            keys,
            config,
            passwords,
            admin_password,
        ))
        .await;
    }

    let company = Company {
        id: uuid::Uuid::new_v4().to_string(),
        name: config.company_name.clone(),
    };
    tx.run(&Sql::new(
        "INSERT INTO company (id, name, created_at) VALUES ($1, $2, $3)",
        [
            company.id.clone().into(),
            company.name.clone().into(),
            now.into(),
        ],
    ))
    .await?;
    tx.run(&Sql::new(
        "INSERT INTO punch_counter (company_id, last_id, transactions, unregistered) \
         VALUES ($1, 0, 0, 0)",
        [company.id.clone().into()],
    ))
    .await?;
    for (sql, name) in [
        (
            "INSERT INTO area (id, company_id, area_code, area_name, search_text, created_at, changed_at) \
             VALUES (1, $1, '1', $2, $3, $4, $4)",
            "Not Authorized",
        ),
        (
            "INSERT INTO department (id, company_id, dept_code, dept_name, search_text, created_at, changed_at) \
             VALUES (1, $1, '1', $2, $3, $4, $4)",
            "Department",
        ),
        (
            "INSERT INTO position (id, company_id, position_code, position_name, search_text, created_at, changed_at) \
             VALUES (1, $1, '1', $2, $3, $4, $4)",
            "Position",
        ),
        (
            "INSERT INTO location (id, company_id, location_code, location_name, search_text, created_at, changed_at) \
             VALUES (1, $1, '1', $2, $3, $4, $4)",
            "Location",
        ),
    ] {
        tx.run(&Sql::new(
            sql,
            [
                company.id.clone().into(),
                name.into(),
                fold(&format!("1 {name}")).into(),
                now.into(),
            ],
        ))
        .await?;
    }
    for (id, name, rights) in [
        (ADMINISTRATOR, "administrator", Rights::administrator()),
        (OPERATOR, "operator", Rights::operator()),
        (VIEWER, "viewer", Rights::viewer()),
    ] {
        tx.run(&Sql::new(
            "INSERT INTO role (id, name, built_in, rights, created_at, changed_at) \
             VALUES ($1, $2, TRUE, $3, $4, $4)",
            [
                id.into(),
                name.into(),
                rights.to_string().into(),
                now.into(),
            ],
        ))
        .await?;
    }
    tx.run(&Sql::new(
        "INSERT INTO app_user (uuid, username, password_hash, role_id, credentials_changed_at, created_at) \
         VALUES ($1, 'admin', $2, $3, $4, $4)",
        [
            uuid::Uuid::new_v4().to_string().into(),
            hash.into(),
            ADMINISTRATOR.into(),
            now.into(),
        ],
    ))
    .await?;
    tx.commit().await?;
    Ok(Installed {
        company,
        first_password: admin_password.is_none().then_some(password),
    })
}

pub async fn company(store: &Store) -> anyhow::Result<Company> {
    Ok(store
        .one(&Sql::new(
            "SELECT id, name FROM company ORDER BY created_at LIMIT 1",
            [],
        ))
        .await?)
}
