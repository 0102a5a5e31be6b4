//! `muster client`: adds API clients, revokes their tokens, and lists them.

use crate::access::{Caller, Rights};
use crate::accounts::client::{self, NewClient};
use crate::app::App;
use crate::profile::Profile;
use crate::times;
use anyhow::Context;
use std::io::Write;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Adds a client and prints its token, alone on the last line: it is shown this once
    Add {
        name: String,
        /// easytimepro or biotime
        #[arg(long, default_value = "easytimepro")]
        profile: Profile,
        /// What it may do, as a comma list such as employee.view,transaction.view; operator and
        /// viewer stand for all that these may [default: operator]
        #[arg(long)]
        rights: Option<String>,
        /// Addresses and networks it may come from, as a comma list; any unless given
        #[arg(long, value_delimiter = ',')]
        addresses: Vec<String>,
        /// The last day its token is good, YYYY-MM-DD; for ever unless given
        #[arg(long)]
        expires: Option<String>,
    },
    /// Gives a client another token and prints it, alone on the last line; the one before ends, at a server that runs within two seconds
    Rotate { name: String },
    /// Ends a client's token, at a server that runs within two seconds
    Revoke { name: String },
    /// Lists all clients
    List,
}

pub async fn run(app: &App, command: Command, output: &mut impl Write) -> anyhow::Result<()> {
    let caller = Caller::system();
    match command {
        Command::Add {
            name,
            profile,
            rights,
            addresses,
            expires,
        } => {
            let rights = match rights {
                Some(list) => list.parse::<Rights>()?,
                None => Rights::operator(),
            };
            let expires_at = expires
                .map(|text| {
                    times::read_date(&text)
                        .map(|day| client::end_of(day, app.zone))
                        .with_context(|| format!("{text:?} is no date of the form YYYY-MM-DD"))
                })
                .transpose()?;
            let new = NewClient {
                name: name.clone(),
                profile,
                rights,
                addresses,
                expires_at,
            };
            let token = client::add(app, &caller, new).await?;
            writeln!(
                output,
                "added {name:?}, {profile}; its token is shown this once:"
            )?;
            writeln!(output, "{token}")?;
        }
        Command::Rotate { name } => {
            let found = client::fetch(app, &name).await?;
            let token = client::rotate(app, &caller, found).await?;
            writeln!(output, "{name:?} has another token, shown this once:")?;
            writeln!(output, "{token}")?;
        }
        Command::Revoke { name } => {
            client::revoke(app, &caller, &name).await?;
            writeln!(output, "revoked {name:?}")?;
        }
        Command::List => {
            for client in client::all(app).await? {
                let state = client.state(app.clock.now());
                let used = client
                    .last_used_at
                    .map_or_else(|| "never".into(), |at| times::instant(at, app.zone));
                writeln!(
                    output,
                    "{}\t{}\t{state}\t{used}\t{}",
                    client.name, client.profile, client.rights
                )?;
            }
        }
    }
    Ok(())
}
