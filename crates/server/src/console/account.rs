//! The people who run the server: a user with the role that says what they may do and see, and
//! the proof that somebody is one.

use crate::access::{Caller, Rights, Scope, Who};
use crate::accounts::login;
use crate::app::App;
use crate::error::Result;
use crate::language::{self, Language};
use crate::profile::Profile;
use anyhow::Context;
use chrono::{DateTime, Utc};
use muster_store::{Sql, Store};
use std::net::IpAddr;

/// A user's row with the role's.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Account {
    pub id: i64,
    pub username: String,
    pub active: bool,
    /// What was signed in before this instant is not valid any more.
    pub credentials_changed_at: DateTime<Utc>,
    pub has_second_factor: bool,
    language: Option<String>,
    rights: String,
    companies: Option<String>,
    areas: Option<String>,
    departments: Option<String>,
}

impl Account {
    pub async fn find_by_id(store: &Store, id: i64) -> Result<Option<Account>> {
        Ok(store
            .find(&Sql::new(
                "SELECT u.id, u.username, u.active, u.credentials_changed_at, u.language, \
                        EXISTS (SELECT 1 FROM second_factor f WHERE f.user_id = u.id \
                            AND f.confirmed_at IS NOT NULL) AS has_second_factor, \
                        r.rights, r.companies, r.areas, r.departments \
                 FROM app_user u JOIN role r ON r.id = u.role_id WHERE u.id = $1",
                [id.into()],
            ))
            .await?)
    }

    /// The account as the one who asks for something, with the rights it has now.
    pub fn caller(&self, profile: Profile, address: Option<IpAddr>) -> Result<Caller> {
        Ok(Caller {
            who: Who::User {
                id: self.id,
                name: self.username.clone(),
            },
            profile,
            rights: self
                .rights
                .parse::<Rights>()
                .with_context(|| format!("the rights of {}", self.username))?,
            scope: Scope {
                companies: self.companies.as_deref().map(names),
                areas: self.areas.as_deref().map(ids).transpose()?,
                departments: self.departments.as_deref().map(ids).transpose()?,
                employee: None,
            },
            address,
        })
    }

    /// What the user has chosen to read, if it is still offered.
    pub fn language(&self) -> Option<&'static Language> {
        language::offered(self.language.as_deref()?)
    }

    /// The user of that name, if the password is right and the user active. `None` says no more than that, and takes as long for a name nobody has; too many
    /// tries are an error.
    pub async fn prove(
        app: &App,
        username: &str,
        password: &str,
        address: Option<IpAddr>,
    ) -> Result<Option<Account>> {
        let Some(user) = login::person(app, username, password, address).await? else {
            return Ok(None);
        };
        Account::find_by_id(&app.store, user.id).await
    }
}

fn names(list: &str) -> Vec<String> {
    list.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A role's list of ids. One that cannot be read is an error, never "no limit".
fn ids(list: &str) -> anyhow::Result<Vec<i64>> {
    names(list)
        .iter()
        .map(|id| {
            id.parse()
                .with_context(|| format!("{list:?} is no list of ids"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::ids;

    #[test]
    fn an_empty_list_of_areas_is_nothing_and_a_broken_one_an_error() {
        assert_eq!(ids("").expect("readable"), Vec::<i64>::new());
        assert_eq!(ids("1, 1000001").expect("readable"), [1, 1_000_001]);
        assert!(ids("1;2").is_err());
    }
}
