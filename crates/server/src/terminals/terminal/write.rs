//! What callers may write of a terminal: read, checked, stored and written down.

use super::{Row, Terminal};
use crate::access::{Caller, Right, Thing, Who};
use crate::app::App;
use crate::appendix;
use crate::audit::{self, Deed};
use crate::error::{Error, Problem, Result};
use crate::extract::Body;
use crate::input::{Input, Text, brief_value};
use crate::profile::Profile;
use crate::relation::{AREA, Known};
use crate::resource::{self, Columns, Resource, fetch_by_id, search_text};
use crate::terminals::contact::{self, NOT_AUTHORIZED};
use crate::terminals::zone::Zone;
use crate::terminals::{clocks, commands, messages, sync};
use crate::writing::Writing;
use chrono_tz::Tz;
use muster_protocol::handshake::Family;
use muster_store::Sql;

/// A clock can be so far from UTC.
const MAX_ZONE_MINUTES: i64 = 14 * 60;
/// How a terminal is told its zone: firmware reads it in different ways.
const ZONE_SPELLINGS: &[&str] = &["hours_or_minutes", "minutes", "omit", "signed"];
/// The largest value of the manual's integers.
const MAX_INTEGER: i64 = 2_147_483_647;

/// Where it is, as callers call that.
pub(super) const AREA_NAMES: &[&str] = &["area", "area_code"];

/// Names under the list's path that are no serial numbers.
const RESERVED: &[&str] = &[
    "action",
    "adjust_area",
    "clear_all",
    "clear_capture",
    "clear_command",
    "enroll_remotely",
    "enrolled_employees",
    "export",
    "ip_port_update_to_device",
    "reboot",
    "set_time",
    "sync_data_to_device",
    "unlock_terminal",
    "upload_all",
    "upload_transaction",
];

const SN: Text = Text::max(50).like(is_serial_number);
const ALIAS: Text = Text::max(100);
const IP: Text = Text::max(45)
    .optional()
    .like(is_address)
    .or_say(t!("Enter a valid IPv4 or IPv6 address."));
const TRANSFER_TIME: Text = Text::max(100);
const GPS: Text = Text::max(200).optional();

fn is_serial_number(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && !RESERVED.contains(&text.to_lowercase().as_str())
}

fn is_address(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok()
}

/// The columns that were given, checked.
#[derive(Clone, Default)]
pub struct Changes {
    columns: Columns,
    sn: Option<String>,
    alias: Option<String>,
}

impl Changes {
    fn set(&mut self, column: &'static str, value: impl Into<sea_query::Value>) {
        self.columns.set(column, value);
    }

    /// Reads every member that may be written; all that is wrong with them is one error.
    pub(super) async fn read(
        app: &App,
        caller: &Caller,
        known: &Known,
        body: &Body,
        stored: Option<&Row>,
    ) -> Result<Changes> {
        let mut changes = Changes::default();
        let mut input = Input::new(body, stored.is_none());
        let required: &[&str] = match caller.profile {
            Profile::EasyTimePro => &["sn"],
            Profile::BioTime => &["sn", "alias", "ip_address"],
        };
        for name in required {
            if !input.require(&[name]) && *name == "sn" {
                input.code_last(appendix::SN_REQUIRED);
            }
        }
        if let Some(sn) = input.text("sn", SN).flatten() {
            if app
                .store
                .find::<(i64,)>(&others(&sn, stored.map(|row| row.id)))
                .await?
                .is_some()
            {
                input.problems.push(taken());
            }
            changes.set("sn", sn.clone());
            changes.sn = Some(sn);
        }
        if let Some(alias) = input.text("alias", ALIAS).flatten() {
            changes.set("alias", alias.clone());
            changes.alias = Some(alias);
        }
        if let Some(ip) = input.text("ip_address", IP) {
            changes.set("ip_address", ip.filter(|ip| !ip.is_empty()));
        }
        changes.read_zone(app, &mut input);
        if let Some(spelling) = input.one_of("zone_spelling", ZONE_SPELLINGS) {
            changes.set("zone_spelling", spelling);
        }
        for (name, least) in [("heartbeat", 1), ("transfer_interval", 0)] {
            if let Some(Some(number)) = input.integer(name, least, MAX_INTEGER, false) {
                changes.set(name, number);
            }
        }
        for name in ["transfer_mode", "device_direction"] {
            if let Some(number) = input.small(name, 0, 99) {
                changes.set(name, number);
            }
        }
        for name in ["is_attendance", "is_registration", "is_access"] {
            if let Some(flag) = input.boolean(name) {
                changes.set(name, flag);
            }
        }
        if let Some(Some(time)) = input.text("transfer_time", TRANSFER_TIME) {
            changes.set("transfer_time", time);
        }
        if let Some(place) = input.text("gps_location", GPS) {
            changes.set("gps_location", place);
        }
        // Where it would be unless told may be beyond what the caller sees.
        if !AREA.reaches(caller, NOT_AUTHORIZED) {
            input.require(AREA_NAMES);
        }
        changes.read_area(app, caller, known, &mut input).await?;
        if let Some((name, value)) = input.value(&["company"])
            && value.as_str() != Some(app.company.id.as_str())
        {
            let shown = brief_value(value);
            input.problem(
                name,
                t!(
                    "Invalid pk \"{value}\" - object does not exist.",
                    value = shown
                ),
            );
        }
        input.settle()?;
        Ok(changes)
    }

    pub(super) async fn read_area(
        &mut self,
        app: &App,
        caller: &Caller,
        known: &Known,
        input: &mut Input<'_>,
    ) -> Result<()> {
        if let Some((name, value)) = input.value(AREA_NAMES) {
            match AREA.find(app, caller, known, name, value).await? {
                Ok(Some(id)) => self.set("area_id", id),
                Ok(None) => input.problem(name, t!("This field may not be null.")),
                Err(problem) => input.problems.push(problem),
            }
        }
        Ok(())
    }

    /// `terminal_tz` is hours when it is small enough, else minutes; `zone_name`, an IANA name,
    /// knows daylight saving time as well.
    fn read_zone(&mut self, app: &App, input: &mut Input<'_>) {
        let offset = input
            .integer("terminal_tz", -MAX_ZONE_MINUTES, MAX_ZONE_MINUTES, false)
            .flatten()
            .map(|given| if given.abs() <= 14 { given * 60 } else { given });
        let named = input.text("zone_name", Text::max(64).optional());
        let zone = match &named {
            Some(Some(name)) if !name.is_empty() => match name.parse::<Tz>() {
                Ok(zone) => Some(zone),
                Err(_) => {
                    input.problem("zone_name", t!("Enter the IANA name of a time zone."));
                    return;
                }
            },
            _ => None,
        };
        // The name knows better.
        let offset = zone.map(|zone| offset_minutes(app, zone)).or(offset);
        if let Some(minutes) = offset.and_then(|minutes| i16::try_from(minutes).ok()) {
            self.set("zone_offset_minutes", minutes);
        }
        if offset.is_some() || named.is_some() {
            self.set("zone_name", zone.map(|zone| zone.name().to_owned()));
        }
    }
}

/// How far a zone is from UTC now.
fn offset_minutes(app: &App, zone: Tz) -> i64 {
    Zone::named(zone, app.clock.now()).offset_minutes.into()
}

/// Tells the gateway and whoever looks on.
pub(super) fn changed<'a>(app: &App, id: i64, serial_numbers: impl IntoIterator<Item = &'a str>) {
    for sn in serial_numbers {
        contact::changed(app, id, sn);
    }
}

fn taken() -> Problem {
    Problem::new("sn", t!("terminal with this sn already exists."))
}

/// Finds a terminal of that number other than this one.
fn others(sn: &str, but: Option<i64>) -> Sql {
    Sql::new(
        "SELECT id FROM terminal WHERE sn = $1 AND id <> $2",
        [sn.into(), but.unwrap_or_default().into()],
    )
}

async fn is_taken(tx: &mut muster_store::Tx, sn: &str, but: Option<i64>) -> Result<bool> {
    Ok(tx.find::<(i64,)>(&others(sn, but)).await?.is_some())
}

fn named(caller: &Caller) -> Option<String> {
    (caller.who != Who::System).then(|| caller.name().to_owned())
}

pub(super) async fn add(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    mut changes: Changes,
) -> Result<i64> {
    let now = app.clock.now();
    let sn = changes.sn.clone().unwrap_or_default();
    // Without a name it goes by its number.
    let alias = changes.alias.clone().unwrap_or_else(|| {
        changes.set("alias", sn.clone());
        sn.clone()
    });
    if !changes.columns.has("area_id") {
        changes.set("area_id", NOT_AUTHORIZED);
    }
    if !changes.columns.has("zone_offset_minutes") {
        let minutes = i16::try_from(offset_minutes(app, app.zone)).unwrap_or(0);
        changes.set("zone_offset_minutes", minutes);
        changes.set("zone_name", app.zone.name());
    }
    if !changes.columns.has("heartbeat") {
        changes.set("heartbeat", i64::from(app.settings().terminals.delay_s));
    }
    changes.set("search_text", search_text([alias.as_str(), sn.as_str()]));
    changes.set("company_id", app.company.id.clone());
    changes.set("created_at", now);
    changes.set("changed_at", now);
    changes.set("created_by", named(caller));
    if is_taken(tx, &sn, None).await? {
        return Err(Error::Invalid(vec![taken()]));
    }
    let inserted: Result<(i64,), _> = tx.one(&changes.columns.insert("terminal")).await;
    let (id,) = inserted.map_err(|error| {
        if error.is_duplicate() {
            Error::Invalid(vec![taken()])
        } else {
            error.into()
        }
    })?;
    contact::people_due(tx, id).await?;
    let row: Row = tx.one(&resource::by_id::<Terminal>(app, id)).await?;
    let deed = Deed {
        action: "create",
        thing: Terminal::NAME,
        thing_id: sn.clone(),
        after: Some(row.audited()),
        ..Deed::default()
    };
    audit::write(tx, now, caller, deed).await?;
    tx.after_commit(move |app| changed(app, id, [sn.as_str()]));
    Ok(id)
}

pub(super) async fn change(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    stored: Row,
    mut changes: Changes,
) -> Result<i64> {
    if changes.columns.is_empty() {
        return Ok(stored.id);
    }
    let now = app.clock.now();
    let sn = changes.sn.clone().unwrap_or_else(|| stored.sn.clone());
    let is_another = sn != stored.sn;
    let alias = changes.alias.as_ref().unwrap_or(&stored.alias);
    let text = search_text([alias.as_str(), sn.as_str()]);
    changes.set("search_text", text);
    changes.set("changed_at", now);
    changes.set("changed_by", named(caller));
    if is_another && is_taken(tx, &sn, Some(stored.id)).await? {
        return Err(Error::Invalid(vec![taken()]));
    }
    let touched = tx.run(&changes.columns.update("terminal", stored.id)).await;
    let touched = touched.map_err(|error| {
        if error.is_duplicate() {
            Error::Invalid(vec![taken()])
        } else {
            error.into()
        }
    })?;
    if touched == 0 {
        return Err(Error::NoSuch {
            code: Terminal::ABSENT,
        });
    }
    if is_another {
        contact::replaced(tx, stored.id).await?;
        commands::replaced(app, tx, stored.id).await?;
        sync::replaced(tx, stored.id).await?;
        messages::forgotten(tx, stored.id).await?;
    }
    let row: Row = tx.one(&resource::by_id::<Terminal>(app, stored.id)).await?;
    if row.area_id != stored.area_id {
        sync::fill_again(app, tx, stored.id).await?;
        // One that comes out of area 1 is only let in.
        if stored.area_id != NOT_AUTHORIZED {
            sync::moved(app, tx, caller, stored.id).await?;
        }
        contact::people_due(tx, stored.id).await?;
    }
    if !is_another && !row.is_held() {
        tell_options(app, tx, caller, &stored, &row).await?;
    }
    let deed = Deed {
        action: "update",
        thing: Terminal::NAME,
        thing_id: row.sn.clone(),
        before: Some(stored.audited()),
        after: Some(row.audited()),
    };
    audit::write(tx, now, caller, deed).await?;
    let id = stored.id;
    tx.after_commit(move |app| changed(app, id, [stored.sn.as_str(), row.sn.as_str()]));
    Ok(id)
}

/// What a terminal learns at its handshake alone has changed: it is told to make one.
async fn tell_options(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    before: &Row,
    after: &Row,
) -> Result<()> {
    let options = |row: &Row| {
        let texts = (row.transfer_time.clone(), row.zone_spelling.clone());
        (row.heartbeat, row.transfer_interval, texts)
    };
    let now = app.clock.now();
    let is_moved = before.zone().offset_at(now) != after.zone().offset_at(now);
    let is_changed = is_moved || options(before) != options(after);
    let heard = app
        .roster
        .last_heard(&before.sn)
        .or(before.last_activity_at);
    let command = match after.family() {
        _ if heard.is_none() || !is_changed => return Ok(()),
        Family::Access if !is_moved => return Ok(()),
        family => clocks::following(family, after.zone(), now),
    };
    commands::queue(app, tx, caller, after.id, &[command]).await
}

/// Moves a terminal to another area: out of area 1 it is authorised, into it held again.
pub async fn move_to(app: &App, caller: &Caller, id: i64, area_id: i64) -> Result<()> {
    caller.require(Right::Change(Thing::Terminal))?;
    let stored = fetch_by_id::<Terminal>(app, id).await?;
    let mut changes = Changes::default();
    changes.set("area_id", area_id);
    let mut tx = Writing::begin(app).await?;
    change(app, &mut tx, caller, stored, changes).await?;
    tx.commit(app).await
}
