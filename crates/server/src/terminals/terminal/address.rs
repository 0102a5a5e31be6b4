//! Telling terminals where the server is. A terminal that is told wrong is lost to whoever has no way
//! to its keys, so this is for those who may change settings.

use super::tell::{self, TERMINALS, Telling};
use crate::access::{Right, Thing};
use crate::answer::Answer;
use crate::error::Result;
use crate::extract::Call;
use crate::input::Text;
use crate::routes::{Endpoint, Kind, Member};
use muster_protocol::command::Command;
use muster_protocol::handshake::Family;
use std::net::IpAddr;

const HOST: Text = Text::max(253)
    .like(is_host)
    .or_say(t!("Enter an IP address or a host name."));

/// An address, or a name as DNS has them: what cannot be either has no TAB, comma or line end.
fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    // What ends in a number is an address, or a misspelt one.
    let is_name = |text: &str| {
        text.split('.').all(is_label)
            && text
                .rsplit('.')
                .next()
                .is_some_and(|last| !last.bytes().all(|byte| byte.is_ascii_digit()))
    };
    text.parse::<IpAddr>().is_ok() || is_name(text)
}

async fn ip_port_update_to_device(mut call: Call) -> Result<Answer> {
    let mut telling = Telling::read(&mut call, "device_sn").await?;
    let host = telling.input.text("ip", HOST).flatten();
    let port = telling.input.integer("port", 1, 65_535, false).flatten();
    if telling.input.value(&["ip", "port"]).is_none() {
        telling
            .input
            .problem("ip", t!("This field is required, unless a port is given."));
    }
    let mut options = Vec::new();
    if let Some(host) = host {
        options.push(("WebServerIP".to_owned(), host));
    }
    if let Some(port) = port {
        options.push(("WebServerPort".to_owned(), port.to_string()));
    }
    telling
        .plan(|terminal| Ok(setting(terminal.family(), &options)))?
        .give("ip_port_update_to_device")
        .await
}

/// Attendance terminals take one option at a time, and use it when they read them again.
fn setting(family: Family, options: &[(String, String)]) -> Vec<Command> {
    match family {
        Family::Attendance => options
            .iter()
            .map(|(key, value)| Command::SetOption {
                key: key.clone(),
                value: value.clone(),
            })
            .chain([Command::ReloadOptions])
            .collect(),
        Family::Access => vec![Command::AccessSetOptions(options.to_vec())],
    }
}

const BODY: &[Member] = &[
    TERMINALS,
    Member::new(
        "ip",
        Kind::Text,
        "The server's address or host name; left out: as it is.",
    ),
    // Either is needed; programs that fill in what is required send a good request then.
    Member::new(
        "port",
        Kind::Integer,
        "1 to 65535; left out, when there is an ip: as it is.",
    )
    .required(),
];

pub(super) fn endpoint() -> Endpoint {
    tell::endpoint(
        "ip_port_update_to_device",
        "Tells terminals the server's address",
        Right::Change(Thing::Setting),
        BODY,
        ip_port_update_to_device,
    )
}
