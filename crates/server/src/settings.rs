//! Options that are changed while the server runs. What stands in the file of options, in a variable or on
//! the command line holds; of the rest these can be set in the console. What is set stands in the table
//! `setting`, which this file alone writes; every server on the database reads it now and then.

use crate::access::Caller;
use crate::app::App;
use crate::audit::{self, Deed};
use crate::config::{Config, range, time_of_day, written};
use crate::error::{Error, Problem, Result};
use crate::writing::Writing;
use muster_store::{Sql, Store};
use serde_json::Map;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// An option that can be changed, and what it may be.
#[derive(Debug, Clone)]
pub struct Changeable {
    pub name: &'static str,
    values: Values,
}

#[derive(Debug, Clone)]
enum Values {
    Flag,
    /// Within the option's range.
    Number,
    OneOf(&'static [&'static str]),
    /// A wall clock's time.
    Time,
}

const fn flag(name: &'static str) -> Changeable {
    let values = Values::Flag;
    Changeable { name, values }
}

const fn number(name: &'static str) -> Changeable {
    let values = Values::Number;
    Changeable { name, values }
}

const fn one_of(name: &'static str, words: &'static [&'static str]) -> Changeable {
    let values = Values::OneOf(words);
    Changeable { name, values }
}

const fn time(name: &'static str) -> Changeable {
    let values = Values::Time;
    Changeable { name, values }
}

pub const CHANGEABLE: &[Changeable] = &[
    one_of("terminals.admission", &["hold", "open", "closed"]),
    number("terminals.max_waiting"),
    number("terminals.delay_s"),
    number("terminals.error_delay_s"),
    flag("terminals.make_employees"),
    flag("terminals.raise_privilege"),
    number("terminals.check_every_h"),
    one_of("api.profile", &["auto", "easytimepro", "biotime"]),
    flag("api.need_https"),
    flag("api.basic"),
    flag("api.query_token"),
    number("api.page_cap"),
    number("api.access_token_s"),
    number("api.refresh_token_s"),
    number("api.staff_token_s"),
    flag("console.need_second_factor"),
    time("console.late_after"),
    number("backup.every_h"),
    number("backup.keep"),
];

impl Changeable {
    fn named(name: &str) -> Option<&'static Changeable> {
        CHANGEABLE.iter().find(|option| option.name == name)
    }

    /// What a text says.
    fn read(&self, text: &str) -> Result<toml::Value, String> {
        match &self.values {
            Values::Flag => match text {
                "true" => Ok(true.into()),
                "false" => Ok(false.into()),
                _ => Err(t!("\"{value}\" is not a valid choice.", value = text)),
            },
            Values::OneOf(words) if words.contains(&text) => Ok(text.into()),
            Values::OneOf(_) => Err(t!("\"{value}\" is not a valid choice.", value = text)),
            Values::Time => match time_of_day(text) {
                Some(time) => Ok(time.format("%H:%M").to_string().into()),
                None => Err(t!("Enter a time such as 09:00.").into()),
            },
            Values::Number => {
                let range = range(self.name);
                let number: i64 = text
                    .parse()
                    .map_err(|_| String::from(t!("A valid integer is required.")))?;
                let (least, most) = (i64::from(*range.start()), i64::from(*range.end()));
                if number < least {
                    return Err(t!(
                        "Ensure this value is greater than or equal to {least}.",
                        least = least
                    ));
                }
                if number > most {
                    return Err(t!(
                        "Ensure this value is less than or equal to {count}.",
                        count = most
                    ));
                }
                Ok(number.into())
            }
        }
    }
}

/// The options in force.
#[derive(Debug)]
pub struct Settings(RwLock<Arc<Config>>);

impl Settings {
    /// Those the server was started with, and what was set.
    pub async fn read(store: &Store, started_with: &Config) -> Result<Settings> {
        let in_force = in_force(store, started_with).await?;
        Ok(Settings(RwLock::new(Arc::new(in_force))))
    }

    pub fn now(&self) -> Arc<Config> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn in_force(store: &Store, started_with: &Config) -> Result<Config> {
    let stored: Vec<(String, String)> = store
        .all(&Sql::new(
            "SELECT name, value FROM setting ORDER BY name",
            [],
        ))
        .await?;
    let mut set = BTreeMap::new();
    for (name, text) in stored {
        // Another version may have known others.
        let known = Changeable::named(&name).filter(|option| !started_with.fixes(option.name));
        if let Some(option) = known
            && let Ok(value) = option.read(&text)
        {
            set.insert(option.name, value);
        }
    }
    started_with.with(&set).map_err(Error::Internal)
}

/// Looks what was set, here or by another server.
pub async fn reread(app: &App) -> Result<()> {
    let in_force = in_force(&app.store, &app.config).await?;
    let mut held = app
        .settings
        .0
        .write()
        .unwrap_or_else(PoisonError::into_inner);
    *held = Arc::new(in_force);
    Ok(())
}

/// Sets these options, or none; one whose text is empty is as built in again.
pub async fn change(app: &App, caller: &Caller, given: &[(&'static str, &str)]) -> Result<()> {
    let now = app.settings();
    let (mut problems, mut changed) = (Vec::new(), Vec::new());
    let (mut before, mut after) = (Map::new(), Map::new());
    for (name, text) in given {
        let built_in = Config::default().value(name);
        let wanted = match Changeable::named(name) {
            None => Err(t!("This cannot be changed while the server runs.").into()),
            Some(_) if app.config.fixes(name) => {
                Err(t!("The server was started with it: it is changed there.").into())
            }
            Some(_) if text.is_empty() => Ok(built_in.clone()),
            Some(option) => option.read(text),
        };
        match wanted {
            Err(message) => problems.push(Problem::new(*name, message)),
            Ok(wanted) if wanted == now.value(name) => {}
            Ok(wanted) => {
                before.insert((*name).to_owned(), written(&now.value(name)).into());
                after.insert((*name).to_owned(), written(&wanted).into());
                changed.push((*name, wanted, built_in));
            }
        }
    }
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    if changed.is_empty() {
        return Ok(());
    }
    let mut tx = Writing::begin(app).await?;
    for (name, wanted, built_in) in changed {
        let started_with = app.config.value(name);
        tx.run(&Sql::new(
            "DELETE FROM setting WHERE name = $1",
            [name.into()],
        ))
        .await?;
        if wanted != built_in || wanted != started_with {
            tx.run(&Sql::new(
                "INSERT INTO setting (name, value, changed_at) VALUES ($1, $2, $3)",
                [name.into(), written(&wanted).into(), app.clock.now().into()],
            ))
            .await?;
        }
    }
    let deed = Deed {
        action: "update",
        thing: "setting",
        thing_id: String::new(),
        before: Some(before),
        after: Some(after),
    };
    audit::write(&mut tx, app.clock.now(), caller, deed).await?;
    tx.commit(app).await?;
    reread(app).await
}
