//! Whose a credential is: users, employees at the staff doors and API clients; looked up and kept
//! for a moment, so that a token costs no query at every request.

pub mod client;
pub mod login;
pub mod role;
pub mod second_factor;
pub mod staff;
pub mod throttle;
pub mod token;
pub mod user;

use crate::access::{Caller, Rights, Scope};
use crate::app::App;
use crate::clock::Clock;
use crate::config::ProfileChoice;
use crate::error::{Error, Problem, Result, Unauthenticated};
use crate::extract::Credential;
use crate::input::{Input, read_several};
use crate::profile::Profile;
use moka::future::Cache;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use throttle::Throttle;

/// How long another node's change (or the command line's) may go unnoticed here.
const KEPT: Duration = Duration::from_secs(2);
/// A program that shows name and password at every request logs in anew when it was silent so long.
const BASIC_KEPT: Duration = Duration::from_secs(300);

/// What is known of callers, for a moment.
#[derive(Debug)]
pub struct Accounts {
    found: Cache<Key, Found>,
    /// Rises with every change of a user, role, client or token: what was found before is read
    /// again.
    generation: AtomicU64,
    /// Names and passwords (digested, with the stored hash) that were right, for HTTP Basic.
    basic: Cache<Vec<u8>, ()>,
    throttle: Throttle,
    refusals: Mutex<login::Refusals>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    UserUuid(String),
    Employee(i64),
    Token(Vec<u8>),
}

#[derive(Debug, Clone)]
struct Found {
    generation: u64,
    account: Option<Account>,
}

/// Whose credential it is, as the database has it.
#[derive(Debug, Clone)]
enum Account {
    User(Arc<user::User>),
    Staff(Arc<staff::Staff>),
    Client(Arc<client::Client>),
    /// A login door's token: whose it is is looked up in turn.
    Login(Arc<token::Login>),
}

impl Accounts {
    pub fn new(clock: Clock) -> Accounts {
        Accounts {
            found: Cache::builder()
                .max_capacity(10_000)
                .time_to_live(KEPT)
                .build(),
            generation: AtomicU64::new(0),
            basic: Cache::builder()
                .max_capacity(1_000)
                .time_to_idle(BASIC_KEPT)
                .build(),
            throttle: Throttle::new(clock),
            refusals: Mutex::default(),
        }
    }

    /// Something about an account changed: the next request reads it again. To be called after the
    /// commit.
    pub fn forget(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    async fn look_up<F>(&self, key: Key, read: F) -> Result<Option<Account>>
    where
        F: Future<Output = Result<Option<Account>>>,
    {
        let generation = self.generation.load(Ordering::SeqCst);
        if let Some(found) = self.found.get(&key).await
            && found.generation == generation
        {
            return Ok(found.account);
        }
        let account = read.await?;
        self.found
            .insert(
                key,
                Found {
                    generation,
                    account: account.clone(),
                },
            )
            .await;
        Ok(account)
    }
}

/// Whoever may do or see more than the caller is not the caller's to change.
fn check_not_above(caller: &Caller, rights: &Rights, scope: &Scope) -> Result<()> {
    if caller.covers(rights, scope) {
        Ok(())
    } else {
        Err(Error::refused(t!(
            "This may do or see more than you: only somebody who may all of that can change it."
        )))
    }
}

/// What is wrong with giving these rights and these rows: nobody gives what he does not have.
fn beyond(caller: &Caller, rights: &Rights, scope: &Scope) -> Vec<Problem> {
    let mut problems = Vec::new();
    let lacking: Vec<String> = rights
        .iter()
        .filter(|right| !caller.may(*right))
        .map(|right| right.to_string())
        .collect();
    if !lacking.is_empty() {
        let message = t!(
            "You cannot give what you may not do: {rights}.",
            rights = lacking.join(", ")
        );
        problems.push(Problem::new("rights", message));
    }
    for (field, covered) in caller.scope.covered(scope) {
        if !covered {
            let message = t!(
                "You are limited yourself: choose among your own {field}.",
                field = field
            );
            problems.push(Problem::new(field, message));
        }
    }
    problems
}

/// The rights a body names, which are at least one.
fn read_rights(input: &mut Input) -> Option<Rights> {
    let (_, value) = input.value(&["rights"])?;
    let names = read_several(value).unwrap_or_default();
    let names: Vec<&str> = names.iter().filter_map(|name| name.as_str()).collect();
    match names.join(",").parse::<Rights>() {
        Ok(rights) if rights == Rights::default() => {
            input.problem("rights", t!("This list may not be empty."));
            None
        }
        Ok(rights) => Some(rights),
        Err(unknown) => {
            input.problem("rights", unknown.to_string());
            None
        }
    }
}

async fn user_by_uuid(app: &App, uuid: &str) -> Result<Option<Arc<user::User>>> {
    let account = app
        .accounts
        .look_up(Key::UserUuid(uuid.to_owned()), async {
            Ok(user::find_by_uuid(app, uuid)
                .await?
                .map(|user| Account::User(Arc::new(user))))
        })
        .await?;
    Ok(match account {
        Some(Account::User(user)) => Some(user),
        _ => None,
    })
}

async fn staff_by_id(app: &App, id: i64) -> Result<Option<Arc<staff::Staff>>> {
    let account = app
        .accounts
        .look_up(Key::Employee(id), async {
            Ok(staff::find(app, id)
                .await?
                .map(|staff| Account::Staff(Arc::new(staff))))
        })
        .await?;
    Ok(match account {
        Some(Account::Staff(staff)) => Some(staff),
        _ => None,
    })
}

/// Who shows this credential. Whoever it is is active, unexpired and at an allowed address.
pub async fn authenticate(
    app: &App,
    credential: Credential,
    address: Option<IpAddr>,
) -> Result<Caller> {
    let mut caller = match credential {
        Credential::InQuery(token) => match opaque(app, &token).await? {
            Some(Account::Client(client)) => client::caller(app, &client, address).await?,
            _ => return Err(Error::Unauthenticated(Unauthenticated::InvalidToken)),
        },
        Credential::Token { word, token } if token.contains('.') => {
            token::caller(app, &word, &token).await?
        }
        Credential::Token { word, token } => {
            let caller = match opaque(app, &token).await? {
                Some(Account::Client(client)) => Some(client::caller(app, &client, address).await?),
                Some(Account::Login(login)) => token::owner(app, &login).await?,
                _ => None,
            };
            caller.ok_or(Error::Unauthenticated(if word == "JWT" {
                Unauthenticated::UndecodableToken
            } else {
                Unauthenticated::InvalidToken
            }))?
        }
        Credential::Basic { username, password } => {
            let user = login::by_basic(app, &username, &password, address).await?;
            user.caller(Profile::BioTime)
        }
    };
    match app.settings().api.profile {
        ProfileChoice::Auto => {}
        ProfileChoice::EasyTimePro => caller.profile = Profile::EasyTimePro,
        ProfileChoice::BioTime => caller.profile = Profile::BioTime,
    }
    caller.address = address;
    Ok(caller)
}

/// An opaque token's account: an API client's, or one a login door gave.
async fn opaque(app: &App, text: &str) -> Result<Option<Account>> {
    if text.len() > 200 {
        return Ok(None);
    }
    let digest = app.keys.digest(text.as_bytes());
    app.accounts
        .look_up(Key::Token(digest.clone()), async {
            if text.starts_with(client::PREFIX) {
                let client = client::find_by_digest(app, &digest).await?;
                Ok(client.map(|client| Account::Client(Arc::new(client))))
            } else {
                let login = token::find_login(app, &digest).await?;
                Ok(login.map(|login| Account::Login(Arc::new(login))))
            }
        })
        .await
}
