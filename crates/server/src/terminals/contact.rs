//! What a terminal's own calls change in its row: its first contact, what it says of itself, how
//! far it has sent, and when it was last heard.

use crate::app::App;
use crate::error::Result;
use crate::events::Event;
use crate::resource::search_text;
use crate::terminals::roster::{News, Presence};
use crate::terminals::sync;
use crate::terminals::zone::Zone;
use chrono::{DateTime, SecondsFormat, Utc};
use muster_protocol::handshake::Family;
use muster_protocol::ids::SerialNumber;
use muster_protocol::poll::Info;
use muster_store::{Dialect, Sql, Tx, json_list};
use std::collections::HashMap;
use std::net::IpAddr;

/// The seeded area "Not Authorized": a terminal in it is held.
pub const NOT_AUTHORIZED: i64 = 1;

/// What the gateway needs of a terminal's row.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Known {
    pub id: i64,
    pub alias: String,
    pub area_id: i64,
    pub area_name: String,
    pub zone_offset_minutes: i16,
    pub zone_name: Option<String>,
    pub zone_spelling: String,
    pub heartbeat: i64,
    pub transfer_interval: i64,
    pub transfer_time: String,
    pub family: String,
    pub push_protocol: String,
    pub log_stamp: Option<String>,
    pub op_log_stamp: Option<String>,
    pub capture_stamp: Option<String>,
    pub bio_stamp: Option<String>,
    pub registry_code: Option<String>,
    pub session_code: Option<String>,
    pub language: Option<i64>,
    pub wraps_commands: bool,
    pub has_open_commands: bool,
    /// When it or its area was last changed.
    pub changed_at: DateTime<Utc>,
    pub clock_drift_s: Option<i64>,
    pub clock_seen_at: Option<DateTime<Utc>>,
}

impl Known {
    pub fn zone(&self) -> Zone {
        Zone {
            offset_minutes: self.zone_offset_minutes.into(),
            name: self.zone_name.as_deref().and_then(|name| name.parse().ok()),
        }
    }
}

/// The terminal with this serial number, if it is in the list.
pub async fn find(app: &App, sn: &SerialNumber) -> Result<Option<Known>> {
    Ok(app
        .store
        .find(&Sql::new(
            "SELECT t.id, t.alias, t.area_id, a.area_name, t.zone_offset_minutes, t.zone_name, t.zone_spelling, \
                 t.heartbeat, t.transfer_interval, t.transfer_time, t.family, t.push_protocol, t.log_stamp, \
                 t.op_log_stamp, t.capture_stamp, t.bio_stamp, t.registry_code, t.session_code, t.language, \
                 t.clock_drift_s, t.clock_seen_at, \
                 CASE WHEN a.changed_at > t.changed_at THEN a.changed_at ELSE t.changed_at END AS changed_at, \
                 EXISTS (SELECT 1 FROM terminal_option AS o WHERE o.terminal_id = t.id \
                         AND o.name = 'CmdFormat' AND o.value = '1') AS wraps_commands, \
                 EXISTS (SELECT 1 FROM terminal_command AS c \
                         WHERE c.terminal_id = t.id AND c.state IN ('queued', 'sent')) AS has_open_commands \
             FROM terminal AS t JOIN area AS a ON a.id = t.area_id WHERE t.sn = $1",
            [sn.as_str().into()],
        ))
        .await?)
}

/// Has the rows read again that another server changed, or another program; and those whose area has another name.
pub async fn find_changed(app: &App) -> Result<()> {
    let there: Vec<(String, DateTime<Utc>)> = app
        .store
        .all(&Sql::new(
            "SELECT t.sn, CASE WHEN a.changed_at > t.changed_at THEN a.changed_at ELSE t.changed_at END \
             FROM terminal AS t JOIN area AS a ON a.id = t.area_id",
            [],
        ))
        .await?;
    app.roster.forget_changed(&there.into_iter().collect());
    Ok(())
}

/// Lists a terminal that called for the first time, in "Not Authorized". `false`: the list of held
/// terminals is full, so it was not added.
pub async fn add(app: &App, sn: &SerialNumber, address: IpAddr) -> Result<bool> {
    let now = app.clock.now();
    let zone = Zone::named(app.zone, now);
    let mut tx = app.store.write().await?;
    let added: Option<(i64,)> = tx
        .find(&Sql::new(
            "INSERT INTO terminal (company_id, sn, alias, area_id, real_ip, zone_offset_minutes, zone_name, \
                 heartbeat, last_activity_at, created_at, changed_at, search_text) \
             SELECT $1, $2, 'Auto add', $10, $3, $4, $5, $6, $7, $7, $7, $8 \
             WHERE (SELECT COUNT(*) FROM terminal WHERE area_id = $10) < $9 \
             ON CONFLICT DO NOTHING RETURNING id",
            [
                app.company.id.clone().into(),
                sn.as_str().into(),
                address.to_string().into(),
                zone.offset_minutes.into(),
                app.zone.name().into(),
                i64::from(app.settings().terminals.delay_s).into(),
                now.into(),
                search_text(["Auto add", sn.as_str()]).into(),
                i64::from(app.settings().terminals.max_waiting).into(),
                NOT_AUTHORIZED.into(),
            ],
        ))
        .await?;
    tx.commit().await?;
    if let Some((id,)) = added {
        app.events.publish(Event::Terminal(id));
    }
    Ok(added.is_some())
}

/// What a handshake tells.
pub async fn save_hello(
    app: &App,
    terminal: &Presence,
    push_protocol: &str,
    language: Option<u16>,
    family: Family,
) -> Result<()> {
    let mut tx = app.store.write().await?;
    tx.run(&Sql::new(
        "UPDATE terminal SET push_protocol = $2, language = COALESCE($3, language), family = $4, push_at = $5, \
             people_due_from = CASE WHEN family <> $4 THEN '' ELSE people_due_from END WHERE id = $1",
        [
            terminal.id.into(),
            push_protocol.into(),
            language.map(i64::from).into(),
            family_name(family).into(),
            app.clock.now().into(),
        ],
    ))
    .await?;
    tx.commit().await?;
    reread_elsewhere(app, terminal);
    Ok(())
}

/// What a terminal is to send again from the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    Punches,
    All,
}

/// At its next handshake the terminal learns that nothing of this is here. Kept apart from the stamps
/// themselves: a punch that comes before would set them again.
pub async fn want_again(tx: &mut Tx, terminal_id: i64, what: Again) -> Result<()> {
    let sql = match what {
        Again::All => "UPDATE terminal SET upload_again = 'all' WHERE id = $1",
        Again::Punches => {
            "UPDATE terminal SET upload_again = 'attlog' WHERE id = $1 AND upload_again = ''"
        }
    };
    tx.run(&Sql::new(sql, [terminal_id.into()])).await?;
    Ok(())
}

/// What the terminal is to send again, once: at the handshake that asks. From the database, for
/// another server may have been told.
pub async fn take_again(app: &App, terminal_id: i64) -> Result<Option<Again>> {
    let asked: Option<(String,)> = app
        .store
        .find(&Sql::new(
            "SELECT upload_again FROM terminal WHERE id = $1",
            [terminal_id.into()],
        ))
        .await?;
    let (again, sql) = match asked.as_ref().map(|(what,)| what.as_str()) {
        Some("all") => (
            Again::All,
            "UPDATE terminal SET upload_again = '', log_stamp = '0', op_log_stamp = '0', capture_stamp = '0', \
                 bio_stamp = '0' WHERE id = $1",
        ),
        Some("attlog") => (
            Again::Punches,
            "UPDATE terminal SET upload_again = '', log_stamp = '0' WHERE id = $1",
        ),
        _ => return Ok(None),
    };
    let mut tx = app.store.write().await?;
    tx.run(&Sql::new(sql, [terminal_id.into()])).await?;
    tx.commit().await?;
    Ok(Some(again))
}

/// The codes an access terminal is registered with; they stay the same for good.
pub async fn save_registration(
    app: &App,
    terminal_id: i64,
    registry_code: &str,
    session_code: &str,
) -> Result<()> {
    let mut tx = app.store.write().await?;
    tx.run(&Sql::new(
        "UPDATE terminal SET registry_code = $2, session_code = $3, family = 'access', \
             people_due_from = CASE WHEN family <> 'access' THEN '' ELSE people_due_from END WHERE id = $1",
        [
            terminal_id.into(),
            registry_code.into(),
            session_code.into(),
        ],
    ))
    .await?;
    tx.commit().await?;
    Ok(())
}

/// The dialect a terminal showed by what it sent.
pub async fn save_family(app: &App, terminal: &Presence, family: Family) -> Result<()> {
    let mut tx = app.store.write().await?;
    tx.run(&Sql::new(
        "UPDATE terminal SET family = $2 WHERE id = $1",
        [terminal.id.into(), family_name(family).into()],
    ))
    .await?;
    // They are told in its own words now.
    people_due(&mut tx, terminal.id).await?;
    tx.commit().await?;
    reread_elsewhere(app, terminal);
    Ok(())
}

/// As the column `family` has it.
pub fn family_name(family: Family) -> &'static str {
    match family {
        Family::Attendance => "attendance",
        Family::Access => "access",
    }
}

/// What the column `family` says.
pub fn family_of(name: &str) -> Family {
    match name {
        "access" => Family::Access,
        _ => Family::Attendance,
    }
}

/// The options a terminal reports: all of them are kept, and those with a column of their own are
/// put there. A leading `~` (read-only) is left off.
pub async fn save_options(app: &App, terminal_id: i64, options: &[(String, String)]) -> Result<()> {
    if options.is_empty() {
        return Ok(());
    }
    let now = app.clock.now();
    let mut tx = app.store.write().await?;
    let before: Vec<(String, String)> = tx
        .all(&Sql::new(
            "SELECT name, value FROM terminal_option WHERE terminal_id = $1",
            [terminal_id.into()],
        ))
        .await?;
    let before: HashMap<String, String> = before.into_iter().collect();
    let mut is_able = false;
    for (name, value) in options.iter().take(MOST_OPTIONS) {
        let name = name.trim_start_matches('~');
        let value: String = value.trim().chars().take(1024).collect();
        let value = value.as_str();
        if name.is_empty() || name.chars().count() > 64 || is_secret(name) {
            continue;
        }
        is_able |= is_ability(name) && before.get(name).map(String::as_str) != Some(value);
        tx.run(&Sql::new(
            "INSERT INTO terminal_option (terminal_id, name, value, reported_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (terminal_id, name) DO UPDATE SET value = excluded.value, reported_at = excluded.reported_at",
            [terminal_id.into(), name.into(), value.into(), now.into()],
        ))
        .await?;
        if let Some((sql, value)) = column_of(name, value) {
            tx.run(&Sql::new(sql, [terminal_id.into(), value])).await?;
        }
    }
    if is_able {
        sync::takes_more(app, &mut tx, terminal_id).await?;
    }
    tx.commit().await?;
    app.events.publish(Event::Terminal(terminal_id));
    Ok(())
}

/// Whether an option says what a terminal takes of its people.
fn is_ability(name: &str) -> bool {
    const ABILITIES: [&str; 12] = [
        "BioDataFun",
        "BioPhotoFun",
        "FPVersion",
        "FaceVersion",
        "FvVersion",
        "MultiBioDataSupport",
        "MultiBioPhotoSupport",
        "MultiBioVersion",
        "PhotoFunOn",
        "PvVersion",
        "VisilightFun",
        "ZKFPVersion",
    ];
    ABILITIES.contains(&name)
}

/// All people of a terminal are to be compared anew: it was authorised or moved, or says something new of
/// what it takes (`sync::settle`).
pub async fn people_due(tx: &mut Tx, terminal_id: i64) -> Result<()> {
    tx.run(&Sql::new(
        "UPDATE terminal SET people_due_from = '' WHERE id = $1",
        [terminal_id.into()],
    ))
    .await?;
    Ok(())
}

/// Another device stands in a terminal's place: what the first one said of itself is not so any more, and everything is
/// asked of the second.
pub async fn replaced(tx: &mut Tx, terminal_id: i64) -> Result<()> {
    tx.run(&Sql::new(
        "DELETE FROM terminal_option WHERE terminal_id = $1",
        [terminal_id.into()],
    ))
    .await?;
    tx.run(&Sql::new(
        "UPDATE terminal SET family = 'attendance', push_protocol = '', language = NULL, registry_code = NULL, \
             session_code = NULL, log_stamp = NULL, op_log_stamp = NULL, capture_stamp = NULL, bio_stamp = NULL, \
             upload_again = '', fw_ver = NULL, push_ver = NULL, terminal_name = NULL, platform = NULL, \
             oem_vendor = NULL, mac = NULL, user_count = NULL, user_capacity = NULL, transaction_count = NULL, \
             transaction_capacity = NULL, fp_count = NULL, fp_capacity = NULL, fp_alg_ver = NULL, \
             face_count = NULL, face_capacity = NULL, face_alg_ver = NULL, fv_count = 0, fv_capacity = NULL, \
             fv_alg_ver = NULL, palm_count = NULL, palm_capacity = NULL, palm_alg_ver = NULL, \
             photo_func_on = FALSE, fp_func_on = TRUE, face_func_on = FALSE, fv_func_on = FALSE, \
             palm_func_on = FALSE, lock_func = 0, clock_drift_s = NULL, clock_seen_at = NULL, alarm = NULL, \
             alarm_at = NULL, real_ip = NULL, last_activity_at = NULL, upload_at = NULL, push_at = NULL \
         WHERE id = $1",
        [terminal_id.into()],
    ))
    .await?;
    Ok(())
}

/// No terminal has more; the longest list seen has about 290.
const MOST_OPTIONS: usize = 1000;

/// Options that hold a key or a password are not kept.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["key", "pwd", "pass", "psk", "secret"]
        .iter()
        .any(|word| name.contains(word))
}

/// Where an option has a column. Capacities are left out of it when they are in units of 100 or
/// 10 000, as old firmware has them: a small number is no capacity.
fn column_of(name: &str, value: &str) -> Option<(&'static str, sea_query::Value)> {
    let text = || (!value.is_empty()).then(|| sea_query::Value::from(value));
    let number = || value.parse::<i64>().ok().map(sea_query::Value::from);
    let capacity = |least: i64| {
        value
            .parse::<i64>()
            .ok()
            .filter(|count| *count >= least)
            .map(sea_query::Value::from)
    };
    let on = || Some(sea_query::Value::from(value == "1"));
    let (sql, value) = match name {
        "DeviceName" => (
            "UPDATE terminal SET terminal_name = $2 WHERE id = $1",
            text(),
        ),
        "FWVersion" | "FirmVer" => ("UPDATE terminal SET fw_ver = $2 WHERE id = $1", text()),
        "PushVersion" => ("UPDATE terminal SET push_ver = $2 WHERE id = $1", text()),
        "Platform" => ("UPDATE terminal SET platform = $2 WHERE id = $1", text()),
        "OEMVendor" => ("UPDATE terminal SET oem_vendor = $2 WHERE id = $1", text()),
        "MAC" => ("UPDATE terminal SET mac = $2 WHERE id = $1", text()),
        "IPAddress" => ("UPDATE terminal SET ip_address = $2 WHERE id = $1", text()),
        "UserCount" => (
            "UPDATE terminal SET user_count = $2 WHERE id = $1",
            number(),
        ),
        "MaxUserCount" => (
            "UPDATE terminal SET user_capacity = $2 WHERE id = $1",
            capacity(500),
        ),
        "TransactionCount" => (
            "UPDATE terminal SET transaction_count = $2 WHERE id = $1",
            number(),
        ),
        "MaxAttLogCount" => (
            "UPDATE terminal SET transaction_capacity = $2 WHERE id = $1",
            capacity(1000),
        ),
        "FPCount" => ("UPDATE terminal SET fp_count = $2 WHERE id = $1", number()),
        "MaxFingerCount" => (
            "UPDATE terminal SET fp_capacity = $2 WHERE id = $1",
            capacity(500),
        ),
        "FPVersion" | "ZKFPVersion" => {
            ("UPDATE terminal SET fp_alg_ver = $2 WHERE id = $1", text())
        }
        "FaceCount" => (
            "UPDATE terminal SET face_count = $2 WHERE id = $1",
            number(),
        ),
        "MaxFaceCount" => (
            "UPDATE terminal SET face_capacity = $2 WHERE id = $1",
            capacity(100),
        ),
        "FaceVersion" => (
            "UPDATE terminal SET face_alg_ver = $2 WHERE id = $1",
            text(),
        ),
        "FvCount" => ("UPDATE terminal SET fv_count = $2 WHERE id = $1", number()),
        "MaxFvCount" => (
            "UPDATE terminal SET fv_capacity = $2 WHERE id = $1",
            capacity(100),
        ),
        "FvVersion" => ("UPDATE terminal SET fv_alg_ver = $2 WHERE id = $1", text()),
        "PvCount" => (
            "UPDATE terminal SET palm_count = $2 WHERE id = $1",
            number(),
        ),
        "MaxPvCount" => (
            "UPDATE terminal SET palm_capacity = $2 WHERE id = $1",
            capacity(100),
        ),
        "PvVersion" => (
            "UPDATE terminal SET palm_alg_ver = $2 WHERE id = $1",
            text(),
        ),
        "Language" => ("UPDATE terminal SET language = $2 WHERE id = $1", number()),
        "LockFunOn" => (
            "UPDATE terminal SET lock_func = $2 WHERE id = $1",
            value.parse::<i16>().ok().map(sea_query::Value::from),
        ),
        "PhotoFunOn" => ("UPDATE terminal SET photo_func_on = $2 WHERE id = $1", on()),
        "FingerFunOn" => ("UPDATE terminal SET fp_func_on = $2 WHERE id = $1", on()),
        "FaceFunOn" => ("UPDATE terminal SET face_func_on = $2 WHERE id = $1", on()),
        "FvFunOn" => ("UPDATE terminal SET fv_func_on = $2 WHERE id = $1", on()),
        "PvFunOn" => ("UPDATE terminal SET palm_func_on = $2 WHERE id = $1", on()),
        _ => return None,
    };
    Some((sql, value?))
}

/// Writes down what terminals told by calling since the last time, in one transaction.
pub async fn save_news(app: &App, news: &[News]) -> Result<()> {
    if news.is_empty() {
        return Ok(());
    }
    let rows = serde_json::Value::Array(
        news.iter()
            .map(|news| {
                serde_json::json!([
                    news.terminal_id,
                    news.at.to_rfc3339_opts(SecondsFormat::AutoSi, false),
                    news.address.to_string()
                ])
            })
            .collect(),
    )
    .to_string();
    let mut tx = app.store.write().await?;
    lock_in_order(&mut tx, news.iter().map(|news| news.terminal_id)).await?;
    tx.run(&Sql::by_dialect(
        "UPDATE terminal SET last_activity_at = r.value ->> 1, real_ip = r.value ->> 2 \
         FROM json_each($1) AS r WHERE terminal.id = r.value ->> 0",
        "UPDATE terminal SET last_activity_at = (r.v ->> 1)::timestamptz, real_ip = r.v ->> 2 \
         FROM json_array_elements($1::json) AS r (v) WHERE terminal.id = (r.v ->> 0)::bigint",
        [rows.into()],
    ))
    .await?;
    for news in news {
        if let Some(info) = &news.info {
            tx.run(&info_of(news.terminal_id, info, news.at)).await?;
        }
        if let Some((ahead_s, seen_at)) = news.clock {
            tx.run(&Sql::new(
                "UPDATE terminal SET clock_drift_s = $2, clock_seen_at = $3 WHERE id = $1",
                [news.terminal_id.into(), ahead_s.into(), seen_at.into()],
            ))
            .await?;
        }
        if let Some(stamps) = &news.stamps {
            tx.run(&Sql::new(
                "UPDATE terminal SET log_stamp = $2, op_log_stamp = $3, capture_stamp = $4, bio_stamp = $5 \
                 WHERE id = $1",
                [
                    news.terminal_id.into(),
                    stamps.attlog.clone().into(),
                    stamps.operlog.clone().into(),
                    stamps.attphoto.clone().into(),
                    stamps.biodata.clone().into(),
                ],
            ))
            .await?;
        }
    }
    tx.commit().await?;
    let shown = |news: &&News| news.info.is_some() || news.clock.is_some();
    for news in news.iter().filter(shown) {
        app.events.publish(Event::Terminal(news.terminal_id));
    }
    Ok(())
}

/// Holds the rows of these terminals until the transaction ends. Whoever writes several takes them in
/// this one order, so that two never wait for one another.
pub async fn lock_in_order(tx: &mut Tx, ids: impl IntoIterator<Item = i64>) -> Result<()> {
    // On SQLite the whole transaction has its turn.
    if tx.dialect() == Dialect::Postgres {
        let _: Vec<(i64,)> = tx
            .all(&Sql::new(
                "SELECT id FROM terminal WHERE id IN (SELECT CAST(jsonb_array_elements_text($1::jsonb) AS BIGINT)) \
                 ORDER BY id FOR NO KEY UPDATE",
                [json_list(ids)],
            ))
            .await?;
    }
    Ok(())
}

/// Writes the counters of a poll down at once.
pub async fn save_info(app: &App, terminal_id: i64, info: &Info) -> Result<()> {
    let mut tx = app.store.write().await?;
    tx.run(&info_of(terminal_id, info, app.clock.now())).await?;
    tx.commit().await?;
    app.events.publish(Event::Terminal(terminal_id));
    Ok(())
}

/// The counters of a poll. What it leaves out stays as it was.
fn info_of(terminal_id: i64, info: &Info, at: DateTime<Utc>) -> Sql {
    let number = |value: Option<u32>| value.map(i64::from);
    Sql::new(
        "UPDATE terminal SET fw_ver = COALESCE($2, fw_ver), user_count = COALESCE($3, user_count), \
             fp_count = COALESCE($4, fp_count), transaction_count = COALESCE($5, transaction_count), \
             ip_address = COALESCE($6, ip_address), fp_alg_ver = COALESCE($7, fp_alg_ver), \
             face_alg_ver = COALESCE($8, face_alg_ver), face_count = COALESCE($9, face_count), \
             people_due_from = CASE WHEN COALESCE($7, fp_alg_ver, '') <> COALESCE(fp_alg_ver, '') \
                 OR COALESCE($8, face_alg_ver, '') <> COALESCE(face_alg_ver, '') THEN '' \
                 ELSE people_due_from END, \
             upload_at = $10 WHERE id = $1",
        [
            terminal_id.into(),
            info.firmware.clone().into(),
            number(info.users).into(),
            number(info.fingerprints).into(),
            number(info.punches).into(),
            info.ip.clone().into(),
            info.fingerprint_algorithm
                .map(|version| version.to_string())
                .into(),
            info.face_algorithm
                .filter(|version| *version >= 0)
                .map(|version| version.to_string())
                .into(),
            number(info.faces).into(),
            at.into(),
        ],
    )
}

/// A terminal's row is to be read again by whoever holds it in memory, here and at other servers.
pub fn changed(app: &App, id: i64, sn: &str) {
    app.roster.forget(sn);
    app.events.publish(Event::Terminal(id));
    app.events.publish(Event::Reread(sn.to_owned()));
}

/// The terminal told this server something new, which has it in memory; what others have in memory is old.
pub fn reread_elsewhere(app: &App, terminal: &Presence) {
    let sn = terminal.sn.as_str().to_owned();
    app.events.publish(Event::Reread(sn));
}
