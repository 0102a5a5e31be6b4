//! What terminals get: their configuration, the time, and what they are told to do.

use crate::app::App;
use crate::error::Result;
use crate::gateway::reply::Reply;
use crate::gateway::talk;
use crate::keys::random;
use crate::terminals::roster::Presence;
use crate::terminals::{commands, contact, sync};
use muster_protocol::access::{self, ConfigBlock, Registration, RegistrationBlock};
use muster_protocol::command;
use muster_protocol::handshake::{
    BIO_DATA_SUPPORT, BIO_PHOTO_SUPPORT, CLEAR_TEXT_VERSION, Family, Hello, OptionBlock, Version,
};
use muster_protocol::poll::{self, Info};
use muster_protocol::result;
use muster_protocol::target::Query;

/// `GET cdata`: the first thing a terminal says after it starts.
pub async fn hello(app: &App, terminal: &Presence, query: &Query) -> Result<Reply> {
    let mut hello = Hello::read(query);
    // A call without options says nothing of itself: the terminal is as it was.
    if !hello.options_all && hello.push_version.is_none() {
        hello.push_version = Version::parse(&terminal.push_protocol());
    }
    let turned = hello
        .family()
        .is_some_and(|family| terminal.set_family(family));
    let version = hello
        .push_version
        .map_or_else(String::new, |version| version.to_string());
    let speaks_another = terminal.set_language(hello.language);
    if terminal.set_push_protocol(&version) || turned || speaks_another {
        contact::save_hello(app, terminal, &version, hello.language, terminal.family()).await?;
    }
    commands::restarted(app, terminal).await?;
    terminal.begins_anew(app.clock.now());
    if let Some(again) = contact::take_again(app, terminal.id).await? {
        terminal.restart_stamps(again);
    }
    Ok(match terminal.family() {
        Family::Attendance => Reply::ok(options(app, terminal, &hello).encode()),
        Family::Access => match &terminal.registration {
            Some((registry_code, session_code)) => Reply::ok(
                RegistrationBlock {
                    registry_code: registry_code.clone(),
                    config: access_config(app, terminal, session_code),
                }
                .encode(),
            ),
            None => Reply::ok("OK"),
        },
    })
}

fn options(app: &App, terminal: &Presence, hello: &Hello) -> OptionBlock {
    let mut block = OptionBlock::new(terminal.sn.clone(), hello.spoken_version());
    if terminal.wants_clear_text() {
        block.max_version = Some(CLEAR_TEXT_VERSION);
    }
    block.stamps = terminal.stamps();
    block.error_delay_s = app.settings().terminals.error_delay_s;
    block.delay_s = terminal.heartbeat_s;
    block.trans_times.clone_from(&terminal.transfer_times);
    block.trans_interval_min = terminal.transfer_interval_min;
    block.offset_minutes = terminal.zone.offset_at(app.clock.now());
    block.zone_spelling = terminal.zone_spelling;
    block
}

fn access_config(app: &App, terminal: &Presence, session_code: &str) -> ConfigBlock {
    let mut config = ConfigBlock::new(session_code);
    config.error_delay_s = app.settings().terminals.error_delay_s;
    config.request_delay_s = terminal.heartbeat_s;
    config.trans_times.clone_from(&terminal.transfer_times);
    config.trans_interval_min = terminal.transfer_interval_min;
    config.bio_data_support = Some(BIO_DATA_SUPPORT.into());
    config.bio_photo_support = Some(BIO_PHOTO_SUPPORT.into());
    config
}

/// `POST registry`: an access terminal introduces itself and gets a code that stays its own.
pub async fn register(app: &App, terminal: &Presence, body: &[u8]) -> Result<Reply> {
    let options = Registration::parse(body);
    contact::save_options(app, terminal.id, &options.pairs).await?;
    let (registry_code, _) = registration(app, terminal).await?;
    contact::changed(app, terminal.id, terminal.sn.as_str());
    Ok(Reply::ok(access::registered(&registry_code)))
}

/// `POST push`: how an access terminal is to behave.
pub async fn configuration(app: &App, terminal: &Presence) -> Result<Reply> {
    let (_, session_code) = registration(app, terminal).await?;
    Ok(Reply::ok(
        access_config(app, terminal, &session_code).encode(),
    ))
}

/// The codes of a terminal that calls as access terminals alone do: whatever it was taken for before, it is one.
async fn registration(app: &App, terminal: &Presence) -> Result<(String, String)> {
    let turned = terminal.set_family(Family::Access);
    if let Some(codes) = &terminal.registration {
        if turned {
            contact::save_family(app, terminal, Family::Access).await?;
        }
        return Ok(codes.clone());
    }
    let codes = (hex::encode(random::<8>()), hex::encode(random::<16>()));
    contact::save_registration(app, terminal.id, &codes.0, &codes.1).await?;
    contact::changed(app, terminal.id, terminal.sn.as_str());
    Ok(codes)
}

/// `GET getrequest`: the poll. Idle, it costs no query.
pub async fn poll(app: &App, terminal: &Presence, query: &Query) -> Result<Reply> {
    if let Some(info) = query.filled("INFO")
        && terminal.set_info(info)
    {
        // A terminal says it once, and without its algorithms it gets no templates: it must not die with this server.
        contact::save_info(app, terminal.id, &Info::parse(info)).await?;
    }
    if !terminal.has_open_commands() {
        return Ok(Reply::ok(poll::IDLE));
    }
    let given = commands::take(app, terminal).await?;
    if given.is_empty() {
        return Ok(Reply::ok(poll::IDLE));
    }
    let local = terminal.zone.local(app.clock.now());
    let language = terminal.language();
    let note = talk::of_commands(given.iter().map(|command| command.text.as_str()));
    let lines: String = given
        .iter()
        .map(|command| {
            let id = command.wire_id.to_string();
            let text = command::at_moment(&command.text, local);
            let text = command::fitted(&text, language);
            if terminal.wraps_commands() {
                command::wrapped(&terminal.sn, &id, &text)
            } else {
                command::line(&id, &text)
            }
        })
        .collect();
    Ok(Reply::ok(command::wire_bytes(&lines, language).into_owned()).noting(note))
}

/// `POST devicecmd`: what became of the commands.
pub async fn results(app: &App, terminal: &Presence, query: &Query, body: &[u8]) -> Result<Reply> {
    let results = result::parse(query, body);
    for report in &results {
        let tells_options = report
            .cmd
            .as_deref()
            .is_some_and(|cmd| cmd.eq_ignore_ascii_case("INFO") || cmd.starts_with("GET OPTION"));
        if tells_options {
            contact::save_options(app, terminal.id, &report.pairs).await?;
        }
    }
    commands::finish(app, terminal, &results).await?;
    // What a terminal could not be told because of this is told by a job, at the latest.
    sync::answered(app, terminal).await?;
    Ok(Reply::ok("OK"))
}

/// Remote attendance: somebody the terminal does not know punches, and it asks who that is.
pub fn asks_for_person(query: &Query) -> bool {
    query.filled("PIN").is_some()
        && (query.filled("options").is_none())
        && query
            .filled("table")
            .is_none_or(|table| table.eq_ignore_ascii_case("RemoteAtt"))
}

/// The person's record, without a `C:` before it, or `OK` when the server has nobody either.
pub async fn person(app: &App, terminal: &Presence, query: &Query) -> Result<Reply> {
    let pin = query.filled("PIN").unwrap_or_default();
    let language = terminal.language();
    Ok(match sync::asked_for(app, terminal.id, pin).await? {
        Some(command) => match command.encode() {
            Ok(text) => {
                let line = format!("{}\n", command::fitted(&text, language));
                Reply::ok(command::wire_bytes(&line, language).into_owned())
            }
            Err(unsendable) => {
                tracing::warn!(%unsendable, "an employee cannot be written for a terminal");
                Reply::ok("OK")
            }
        },
        None => Reply::ok("OK"),
    })
}

/// Background verification is never done here: the terminal falls back to its own.
pub fn refuse_verification(query: &Query) -> Reply {
    if query.filled("AuthType") == Some("device") {
        Reply::ok("AUTH=FAILED\r\n")
    } else {
        Reply::ok("AUTH=Failed\n")
    }
}

/// `type=time` of the US dialect: the terminal's wall clock.
pub fn wall_clock(app: &App, terminal: &Presence) -> Reply {
    let local = terminal.zone.local(app.clock.now());
    Reply::ok(format!("Time={}", local.format("%Y-%m-%dT%H:%M:%S")))
}

/// `rtdata`: UTC packed, and the zone beside it.
pub fn packed_clock(app: &App, terminal: &Presence) -> Reply {
    let now = app.clock.now();
    Reply::ok(access::clock(now.naive_utc(), terminal.zone.offset_at(now)))
}
