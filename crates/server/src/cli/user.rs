//! `muster user`: adds users, changes their passwords, lets them in or shuts them out, and lists
//! them.

use crate::access::Caller;
use crate::accounts::user;
use crate::app::App;
use crate::keys;
use crate::times;
use anyhow::Context;
use std::io::{BufRead, Write};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Adds a user and prints the password, alone on the last line
    Add {
        name: String,
        /// administrator, operator, viewer, or a role of your own (see muster role)
        #[arg(long, default_value = "operator")]
        role: String,
        #[arg(long)]
        email: Option<String>,
        /// Reads the password from the standard input instead of making one
        #[arg(long)]
        password_stdin: bool,
    },
    /// Gives a user another password and prints it, alone on the last line; all tokens end, at a server that runs within two seconds
    Passwd {
        name: String,
        /// Reads the password from the standard input instead of making one
        #[arg(long)]
        password_stdin: bool,
    },
    /// Gives a user another role
    Role { name: String, role: String },
    /// Shuts a user out; all tokens end, at a server that runs within two seconds
    Disable { name: String },
    /// Lets a user in again
    Enable { name: String },
    /// Switches a user's second factor off: the password alone lets it in again
    ResetSecondFactor { name: String },
    /// Lists all users
    List,
}

pub async fn run(
    app: &App,
    command: Command,
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> anyhow::Result<()> {
    let caller = Caller::system();
    match command {
        Command::Add {
            name,
            role,
            email,
            password_stdin,
        } => {
            let password = password(password_stdin, input)?;
            user::add(app, &caller, &name, email.as_deref(), &role, &password).await?;
            told(
                output,
                &format!("added {name:?} as {role}"),
                password_stdin,
                &password,
            )?;
        }
        Command::Passwd {
            name,
            password_stdin,
        } => {
            let password = password(password_stdin, input)?;
            user::set_password(app, &caller, &name, &password).await?;
            told(
                output,
                &format!("changed the password of {name:?}"),
                password_stdin,
                &password,
            )?;
        }
        Command::Role { name, role } => {
            user::set_role(app, &caller, &name, &role).await?;
            writeln!(output, "made {name:?} {role}")?;
        }
        Command::Disable { name } => {
            user::set_active(app, &caller, &name, false).await?;
            writeln!(output, "shut {name:?} out")?;
        }
        Command::Enable { name } => {
            user::set_active(app, &caller, &name, true).await?;
            writeln!(output, "let {name:?} in")?;
        }
        Command::ResetSecondFactor { name } => {
            let found = user::fetch(app, &name).await?;
            user::reset_second_factor(app, &caller, &found).await?;
            writeln!(output, "{name:?} needs a password alone")?;
        }
        Command::List => {
            for user in user::all(app).await? {
                let last = user
                    .last_login_at
                    .map_or_else(|| "never".into(), |at| times::instant(at, app.zone));
                let state = if user.active { "active" } else { "disabled" };
                writeln!(output, "{}\t{}\t{state}\t{last}", user.username, user.role)?;
            }
        }
    }
    Ok(())
}

fn password(from_input: bool, input: &mut impl BufRead) -> anyhow::Result<String> {
    if !from_input {
        return Ok(keys::readable_password());
    }
    let mut line = String::new();
    input
        .read_line(&mut line)
        .context("the password could not be read")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// A password that was made here is shown once; one that was given is not.
fn told(
    output: &mut impl Write,
    what: &str,
    was_given: bool,
    password: &str,
) -> anyhow::Result<()> {
    writeln!(output, "{what}")?;
    if !was_given {
        writeln!(output, "{password}")?;
    }
    Ok(())
}
