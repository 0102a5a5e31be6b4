//! `muster role`: adds roles of one's own, removes them, and lists all.

use crate::access::{Caller, Rights};
use crate::accounts::role::{self, NewRole};
use crate::app::App;
use std::io::Write;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Adds a role for users to have
    Add {
        name: String,
        /// What it allows, as a comma list such as employee.view,terminal.command; operator and
        /// viewer stand for all that these may
        #[arg(long)]
        rights: String,
        /// Companies it is limited to, by id or name, as a comma list; all unless given
        #[arg(long, value_delimiter = ',')]
        companies: Option<Vec<String>>,
        /// Areas it is limited to, by code or id, as a comma list; all unless given
        #[arg(long, value_delimiter = ',')]
        areas: Option<Vec<String>>,
        /// Departments it is limited to, by code or id, as a comma list; all unless given
        #[arg(long, value_delimiter = ',')]
        departments: Option<Vec<String>>,
    },
    /// Removes a role nobody has
    Remove { name: String },
    /// Lists all roles, with what they allow and where
    List,
}

pub async fn run(app: &App, command: Command, output: &mut impl Write) -> anyhow::Result<()> {
    let caller = Caller::system();
    match command {
        Command::Add {
            name,
            rights,
            companies,
            areas,
            departments,
        } => {
            let new = NewRole {
                name: name.clone(),
                rights: rights.parse::<Rights>()?,
                companies,
                areas,
                departments,
            };
            role::add(app, &caller, new).await?;
            writeln!(output, "added {name:?}")?;
        }
        Command::Remove { name } => {
            role::remove(app, &caller, &name).await?;
            writeln!(output, "removed {name:?}")?;
        }
        Command::List => {
            for role in role::all(app).await? {
                let kind = if role.built_in { "built in" } else { "own" };
                let scope = role.scope();
                let ids = |ids: &Option<Vec<i64>>| {
                    ids.as_ref()
                        .map(|ids| ids.iter().map(i64::to_string).collect::<Vec<_>>())
                };
                let limits = [
                    ("companies", scope.companies.clone()),
                    ("areas", ids(&scope.areas)),
                    ("departments", ids(&scope.departments)),
                ];
                let limits: Vec<String> = limits
                    .into_iter()
                    .filter_map(|(name, ids)| Some(format!("{name} {}", ids?.join(","))))
                    .collect();
                let limits = if limits.is_empty() {
                    "everywhere".to_owned()
                } else {
                    limits.join("; ")
                };
                writeln!(
                    output,
                    "{}\t{kind}\tusers {}\t{limits}\t{}",
                    role.name,
                    role.users,
                    role.rights()
                )?;
            }
        }
    }
    Ok(())
}
