//! Terminals as callers see and change them. In area 1, "Not Authorized", a terminal is held;
//! moving it to another area authorises it.

use crate::access::{Caller, Right, Scope, Thing, Who};
use crate::answer::Answer;
use crate::app::App;
use crate::appendix;
use crate::audit::{self, Deed};
use crate::error::{Error, Problem, Result};
use crate::events::Event;
use crate::extract::{Body, Call};
use crate::input::{Input, Text};
use crate::profile::Profile;
use crate::relation::{AREA, Known};
use crate::resource::{
    self, Columns, Field, Removable, Resource, Searched, Writable, col, fetch_by_id, search_text,
};
use crate::routes::{Doc, Endpoint, Kind, Member, Returns};
use crate::scope::Owner;
use crate::terminals::commands;
use crate::terminals::contact::{self, NOT_AUTHORIZED};
use crate::terminals::roster::online_within_s;
use crate::terminals::sync;
use crate::times;
use crate::writing::Writing;
use chrono::{DateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use http::{Method, StatusCode};
use muster_protocol::command::Command;
use muster_store::{Dialect, Sql};
use sea_query::{Alias, Condition, Expr, ExprTrait, JoinType, SelectStatement, SimpleExpr};
use serde_json::{Map, Value, json};

/// A terminal that was silent for two heartbeats is offline, though never before so many seconds.
const ONLINE_AT_LEAST_S: i64 = 60;
/// A clock can be so far from UTC.
const MAX_ZONE_MINUTES: i64 = 14 * 60;
/// The largest value of the manual's integers.
const MAX_INTEGER: i64 = 2_147_483_647;

/// Names under the list's path that are no serial numbers.
const RESERVED: &[&str] = &[
    "action",
    "clear_all",
    "clear_capture",
    "clear_command",
    "enroll_remotely",
    "enrolled_employees",
    "export",
    "ip_port_update_to_device",
    "reboot",
    "sync_data_to_device",
    "unlock_terminal",
    "upload_all",
    "upload_transaction",
];

pub struct Terminal;

/// A terminal with its area and company.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Row {
    pub id: i64,
    pub sn: String,
    pub alias: String,
    pub area_id: i64,
    pub area_code: String,
    pub area_name: String,
    pub company_id: String,
    pub company_name: String,
    pub status: i16,
    pub ip_address: Option<String>,
    pub real_ip: Option<String>,
    pub zone_offset_minutes: i16,
    pub zone_name: Option<String>,
    pub heartbeat: i64,
    pub transfer_mode: i16,
    pub device_direction: i16,
    pub transfer_interval: i64,
    pub transfer_time: String,
    pub product_type: i64,
    pub is_attendance: bool,
    pub is_registration: bool,
    pub is_access: bool,
    pub purpose: Option<i64>,
    pub controller_type: i16,
    pub authentication: i16,
    pub style: Option<String>,
    pub upload_flag: String,
    pub fw_ver: Option<String>,
    pub push_protocol: String,
    pub push_ver: Option<String>,
    pub language: Option<i64>,
    pub is_tft: bool,
    pub terminal_name: Option<String>,
    pub platform: Option<String>,
    pub oem_vendor: Option<String>,
    pub log_stamp: Option<String>,
    pub op_log_stamp: Option<String>,
    pub capture_stamp: Option<String>,
    pub user_count: Option<i64>,
    pub user_capacity: Option<i64>,
    pub photo_func_on: bool,
    pub transaction_count: Option<i64>,
    pub transaction_capacity: Option<i64>,
    pub fp_func_on: bool,
    pub fp_count: Option<i64>,
    pub fp_capacity: Option<i64>,
    pub fp_alg_ver: Option<String>,
    pub face_func_on: bool,
    pub face_count: Option<i64>,
    pub face_capacity: Option<i64>,
    pub face_alg_ver: Option<String>,
    pub fv_func_on: bool,
    pub fv_count: i64,
    pub fv_capacity: Option<i64>,
    pub fv_alg_ver: Option<String>,
    pub palm_func_on: bool,
    pub palm_count: Option<i64>,
    pub palm_capacity: Option<i64>,
    pub palm_alg_ver: Option<String>,
    pub lock_func: i16,
    pub gps_location: Option<String>,
    pub last_activity_at: Option<DateTime<Utc>>,
    pub upload_at: Option<DateTime<Utc>>,
    pub push_at: Option<DateTime<Utc>>,
    pub created_by: Option<String>,
    pub created_at: DateTime<Utc>,
    pub changed_by: Option<String>,
    pub changed_at: DateTime<Utc>,
}

/// The columns of the table that a `Row` takes as they are.
const COLUMNS: &[&str] = &[
    "id",
    "sn",
    "alias",
    "area_id",
    "company_id",
    "status",
    "ip_address",
    "real_ip",
    "zone_offset_minutes",
    "zone_name",
    "heartbeat",
    "transfer_mode",
    "device_direction",
    "transfer_interval",
    "transfer_time",
    "product_type",
    "is_attendance",
    "is_registration",
    "is_access",
    "purpose",
    "controller_type",
    "authentication",
    "style",
    "upload_flag",
    "fw_ver",
    "push_protocol",
    "push_ver",
    "language",
    "is_tft",
    "terminal_name",
    "platform",
    "oem_vendor",
    "log_stamp",
    "op_log_stamp",
    "capture_stamp",
    "user_count",
    "user_capacity",
    "photo_func_on",
    "transaction_count",
    "transaction_capacity",
    "fp_func_on",
    "fp_count",
    "fp_capacity",
    "fp_alg_ver",
    "face_func_on",
    "face_count",
    "face_capacity",
    "face_alg_ver",
    "fv_func_on",
    "fv_count",
    "fv_capacity",
    "fv_alg_ver",
    "palm_func_on",
    "palm_count",
    "palm_capacity",
    "palm_alg_ver",
    "lock_func",
    "gps_location",
    "last_activity_at",
    "upload_at",
    "push_at",
    "created_by",
    "created_at",
    "changed_by",
    "changed_at",
];

impl Row {
    pub fn is_held(&self) -> bool {
        self.area_id == NOT_AUTHORIZED
    }

    /// Whether it spoke within two heartbeats.
    pub fn is_online(&self, now: DateTime<Utc>) -> bool {
        self.last_activity_at
            .is_some_and(|at| (now - at).num_seconds() <= online_within_s(self.heartbeat))
    }

    /// Minutes for EasyTimePro; for BioTime hours when they are whole.
    fn terminal_tz(&self, profile: Profile) -> i64 {
        let minutes = i64::from(self.zone_offset_minutes);
        match profile {
            Profile::BioTime if minutes % 60 == 0 => minutes / 60,
            _ => minutes,
        }
    }

    fn shown(&self, app: &App, profile: Profile) -> Value {
        let zone = app.zone;
        let mut shown = json!({
            "id": self.id,
            "sn": self.sn,
            "ip_address": self.ip_address,
            "alias": self.alias,
            "terminal_name": self.terminal_name,
            "fw_ver": self.fw_ver,
            "push_ver": self.push_ver,
            "state": i64::from(self.is_online(app.clock.now())),
            "terminal_tz": self.terminal_tz(profile),
            "area": {
                "id": self.area_id,
                "area_code": self.area_code,
                "area_name": self.area_name,
            },
            "last_activity": times::maybe_instant(self.last_activity_at, zone),
            "user_count": self.user_count,
            "fp_count": self.fp_count,
            "face_count": self.face_count,
            "palm_count": self.palm_count,
            "transaction_count": self.transaction_count,
            "push_time": times::maybe_instant(self.push_at, zone),
            "transfer_time": self.transfer_time,
            "transfer_interval": self.transfer_interval,
            "is_attendance": i64::from(self.is_attendance),
            "area_name": self.area_name,
        });
        if profile == Profile::EasyTimePro {
            shown["company"] = json!({ "id": self.company_id, "name": self.company_name });
        }
        shown
    }

    /// The raw columns EasyTimePro answers a create or an update with, the area by its name.
    fn shown_raw(&self, app: &App) -> Value {
        let zone = app.zone;
        let number = |flag: bool| i64::from(flag);
        let [mut first, second, third] = [
            json!({
                "id": self.id,
                "create_time": times::instant(self.created_at, zone),
                "create_user": self.created_by,
                "change_time": times::instant(self.changed_at, zone),
                "change_user": self.changed_by,
                "status": self.status,
                "sn": self.sn,
                "alias": self.alias,
                "ip_address": self.ip_address,
                "real_ip": self.real_ip,
                "state": number(self.is_online(app.clock.now())),
                "terminal_tz": self.zone_offset_minutes,
                "heartbeat": self.heartbeat,
                "transfer_mode": self.transfer_mode,
                "device_direction": self.device_direction,
                "transfer_interval": self.transfer_interval,
                "transfer_time": self.transfer_time,
                "product_type": self.product_type,
                "is_attendance": number(self.is_attendance),
                "is_registration": number(self.is_registration),
            }),
            json!({
                "purpose": self.purpose,
                "controller_type": self.controller_type,
                "authentication": self.authentication,
                "style": self.style,
                "upload_flag": self.upload_flag,
                "fw_ver": self.fw_ver,
                "push_protocol": self.push_protocol,
                "push_ver": self.push_ver,
                "language": self.language,
                "is_tft": self.is_tft,
                "terminal_name": self.terminal_name,
                "platform": self.platform,
                "oem_vendor": self.oem_vendor,
                "log_stamp": self.log_stamp,
                "op_log_stamp": self.op_log_stamp,
                "capture_stamp": self.capture_stamp,
                "user_count": self.user_count,
                "user_capacity": self.user_capacity,
                "photo_func_on": self.photo_func_on,
                "transaction_count": self.transaction_count,
                "transaction_capacity": self.transaction_capacity,
                "fp_func_on": self.fp_func_on,
                "fp_count": self.fp_count,
                "fp_capacity": self.fp_capacity,
                "fp_alg_ver": self.fp_alg_ver,
            }),
            json!({
                "face_func_on": self.face_func_on,
                "face_count": self.face_count,
                "face_capacity": self.face_capacity,
                "face_alg_ver": self.face_alg_ver,
                "fv_func_on": self.fv_func_on,
                "fv_count": self.fv_count,
                "fv_capacity": self.fv_capacity,
                "fv_alg_ver": self.fv_alg_ver,
                "palm_func_on": self.palm_func_on,
                "palm_count": self.palm_count,
                "palm_capacity": self.palm_capacity,
                "palm_alg_ver": self.palm_alg_ver,
                "lock_func": self.lock_func,
                "last_activity": times::maybe_instant(self.last_activity_at, zone),
                "upload_time": times::maybe_instant(self.upload_at, zone),
                "push_time": times::maybe_instant(self.push_at, zone),
                "is_access": number(self.is_access),
                "gps_location": self.gps_location,
                "company": self.company_id,
                "area": self.area_name,
                "zone_name": self.zone_name,
            }),
        ];
        if let (Value::Object(first), Value::Object(second), Value::Object(third)) =
            (&mut first, second, third)
        {
            first.extend(second);
            first.extend(third);
        }
        first
    }

    /// What a caller can change, for the audit.
    fn audited(&self) -> Map<String, Value> {
        let audited = json!({
            "sn": self.sn,
            "alias": self.alias,
            "area": self.area_code,
            "ip_address": self.ip_address,
            "terminal_tz": self.zone_offset_minutes,
            "zone_name": self.zone_name,
            "heartbeat": self.heartbeat,
            "transfer_mode": self.transfer_mode,
            "device_direction": self.device_direction,
            "transfer_interval": self.transfer_interval,
            "transfer_time": self.transfer_time,
            "is_attendance": self.is_attendance,
            "is_registration": self.is_registration,
            "is_access": self.is_access,
            "gps_location": self.gps_location,
        });
        match audited {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}

// ---- what may be written ----------------------------------------------------------------------

const SN: Text = Text::max(50).like(is_serial_number);
const ALIAS: Text = Text::max(100);
const IP: Text = Text::max(45)
    .optional()
    .like(is_address)
    .or_say("Enter a valid IPv4 or IPv6 address.");
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
#[derive(Default)]
pub struct Changes {
    columns: Columns,
    sn: Option<String>,
    alias: Option<String>,
    ip_address: Option<Option<String>>,
}

impl Changes {
    fn set(&mut self, column: &'static str, value: impl Into<sea_query::Value>) {
        self.columns.set(column, value);
    }

    /// Reads every member that may be written; all that is wrong with them is one error.
    async fn read(
        app: &App,
        caller: &Caller,
        known: &Known,
        body: &Body,
        is_new: bool,
    ) -> Result<Changes> {
        let mut changes = Changes::default();
        let mut input = Input::new(body, is_new);
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
            changes.set("sn", sn.clone());
            changes.sn = Some(sn);
        }
        if let Some(alias) = input.text("alias", ALIAS).flatten() {
            changes.set("alias", alias.clone());
            changes.alias = Some(alias);
        }
        if let Some(ip) = input.text("ip_address", IP) {
            let ip = ip.filter(|ip| !ip.is_empty());
            changes.set("ip_address", ip.clone());
            changes.ip_address = Some(ip);
        }
        changes.read_zone(app, &mut input);
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
            input.require(&["area", "area_code"]);
        }
        if let Some((name, value)) = input.value(&["area", "area_code"]) {
            match AREA.find(app, caller, known, name, value).await? {
                Ok(Some(id)) => changes.set("area_id", id),
                Ok(None) => input.problem(name, "This field may not be null."),
                Err(problem) => input.problems.push(problem),
            }
        }
        if let Some((name, value)) = input.value(&["company"])
            && value.as_str() != Some(app.company.id.as_str())
        {
            let shown = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            let shown: String = shown.chars().take(100).collect();
            input.problem(
                name,
                format!("Invalid pk \"{shown}\" - object does not exist."),
            );
        }
        input.settle()?;
        Ok(changes)
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
                    input.problem("zone_name", "Enter the IANA name of a time zone.");
                    return;
                }
            },
            _ => None,
        };
        let offset = offset.or_else(|| zone.map(|zone| offset_minutes(app, zone)));
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
    let now = app.clock.now().naive_utc();
    i64::from(zone.offset_from_utc_datetime(&now).fix().local_minus_utc() / 60)
}

// ---- the resource -----------------------------------------------------------------------------

const fn column(name: &'static str) -> resource::Column {
    ("terminal", name)
}

/// A terminal belongs to its area.
pub fn within(scope: &Scope) -> Condition {
    scope.rows(&[
        Owner::Company(column("company_id")),
        Owner::Area(column("area_id")),
    ])
}

impl Resource for Terminal {
    const NAME: &'static str = "terminal";
    const PATH: &'static str = "/iclock/api/terminals/";
    const THING: Thing = Thing::Terminal;
    const KEY: &'static str = "sn";
    const CODE: Option<resource::Column> = Some(column("sn"));
    const FIELDS: &'static [Field] = &[
        Field::new("id", Kind::Integer, column("id")).one_of(),
        Field::new("sn", Kind::Text, column("sn"))
            .exactly()
            .contains()
            .or(&["terminal_sn"])
            .about("The serial number."),
        Field::new("alias", Kind::Text, column("alias"))
            .exactly()
            .contains_part(0)
            .or(&["terminal_alias"]),
        Field::new("ip_address", Kind::Text, column("ip_address"))
            .exactly()
            .nullable(),
        Field::new("terminal_name", Kind::Text, column("terminal_name"))
            .exactly()
            .nullable(),
        Field::new("fw_ver", Kind::Text, column("fw_ver"))
            .exactly()
            .nullable(),
        Field::new("push_ver", Kind::Text, column("push_ver"))
            .exactly()
            .nullable(),
        Field::computed("state", Kind::Integer)
            .exactly()
            .about("1 online, 0 offline."),
        Field::new("terminal_tz", Kind::Integer, column("zone_offset_minutes")),
        Field::new("last_activity", Kind::Time, column("last_activity_at")).nullable(),
        Field::new("user_count", Kind::Integer, column("user_count")).nullable(),
        Field::new("fp_count", Kind::Integer, column("fp_count")).nullable(),
        Field::new("face_count", Kind::Integer, column("face_count")).nullable(),
        Field::new("palm_count", Kind::Integer, column("palm_count")).nullable(),
        Field::new(
            "transaction_count",
            Kind::Integer,
            column("transaction_count"),
        )
        .nullable(),
        Field::new("push_time", Kind::Time, column("push_at")).nullable(),
        Field::new("transfer_time", Kind::Text, column("transfer_time")),
        Field::new(
            "transfer_interval",
            Kind::Integer,
            column("transfer_interval"),
        ),
        Field::new("is_attendance", Kind::Boolean, column("is_attendance")).exactly(),
        Field::new("is_registration", Kind::Boolean, column("is_registration")).exactly(),
        Field::new("is_access", Kind::Boolean, column("is_access")).exactly(),
        Field::new("area_name", Kind::Text, ("area", "area_name")).exactly(),
        Field::special("area", Kind::Reference, "Areas by code or id, with commas.")
            .or(&["areas", "area_code"]),
    ];
    const SEARCHED: &'static [Searched] = &[
        Searched::Folded(column("search_text")),
        Searched::Ascii(column("terminal_name")),
    ];
    const ANSWER: &'static [Member] = &[
        Member::new("id", Kind::Integer, ""),
        Member::new("sn", Kind::Text, "The serial number."),
        Member::new("ip_address", Kind::Text, ""),
        Member::new("alias", Kind::Text, ""),
        Member::new("terminal_name", Kind::Text, "The model."),
        Member::new("fw_ver", Kind::Text, "The firmware's version."),
        Member::new("push_ver", Kind::Text, ""),
        Member::new("state", Kind::Integer, "1 online, 0 offline."),
        Member::new(
            "terminal_tz",
            Kind::Integer,
            "Minutes from UTC; in the BioTime profile hours when they are whole.",
        ),
        Member::new("area", Kind::Relation, "")
            .columns(&[("area_code", "area_code"), ("area_name", "area_name")]),
        Member::new("last_activity", Kind::Time, ""),
        Member::new("user_count", Kind::Integer, ""),
        Member::new("fp_count", Kind::Integer, ""),
        Member::new("face_count", Kind::Integer, ""),
        Member::new("palm_count", Kind::Integer, ""),
        Member::new("transaction_count", Kind::Integer, ""),
        Member::new("push_time", Kind::Time, ""),
        Member::new("transfer_time", Kind::Text, ""),
        Member::new("transfer_interval", Kind::Integer, "Minutes."),
        Member::new("is_attendance", Kind::Integer, "1 or 0."),
        Member::new("area_name", Kind::Text, ""),
        Member::new("company", Kind::Relation, "In the EasyTimePro profile.")
            .columns(&[("company", "id"), ("company_name", "name")])
            .only_named(),
    ];
    const EXPORT_NEEDS_TYPE: bool = true;

    type Row = Row;

    fn id(row: &Row) -> i64 {
        row.id
    }

    fn tables(select: &mut SelectStatement) {
        select
            .from(Alias::new("terminal"))
            .join(
                JoinType::InnerJoin,
                Alias::new("area"),
                col(("area", "id")).eq(col(column("area_id"))),
            )
            .join(
                JoinType::InnerJoin,
                Alias::new("company"),
                col(("company", "id")).eq(col(column("company_id"))),
            );
    }

    fn columns(select: &mut SelectStatement, _app: &App) {
        for name in COLUMNS {
            select.expr(col(column(name)));
        }
        select
            .expr(col(("area", "area_code")))
            .expr(col(("area", "area_name")))
            .expr_as(col(("company", "name")), Alias::new("company_name"));
    }

    fn visible(caller: &Caller, _app: &App) -> Condition {
        within(&caller.scope)
    }

    fn computed(app: &App, _name: &str) -> Expr {
        let spoken_until = match app.store.dialect() {
            Dialect::Sqlite => {
                "COALESCE(unixepoch(terminal.last_activity_at) + max(2 * terminal.heartbeat, 60), 0)"
            }
            Dialect::Postgres => {
                "COALESCE(CAST(floor(extract(epoch FROM terminal.last_activity_at)) AS BIGINT) \
                 + greatest(2 * terminal.heartbeat, 60), 0)"
            }
        };
        Expr::case(
            Expr::cust(spoken_until).gte(app.clock.now().timestamp()),
            Expr::val(1_i64),
        )
        .finally(Expr::val(0_i64))
        .into()
    }

    fn special(_app: &App, _name: &str, value: &str) -> Result<SimpleExpr> {
        Ok(AREA.any_of(column("area_id"), value))
    }

    async fn show(app: &App, caller: &Caller, rows: Vec<Row>) -> Result<Vec<Value>> {
        Ok(rows
            .iter()
            .map(|row| row.shown(app, caller.profile))
            .collect())
    }
}

impl Writable for Terminal {
    const INPUT: &'static [Member] = &[
        Member::new("sn", Kind::Text, "The serial number.").required(),
        Member::new(
            "alias",
            Kind::Text,
            "A name for people; in the BioTime profile it is required.",
        ),
        Member::new(
            "ip_address",
            Kind::Text,
            "In the BioTime profile it is required.",
        ),
        Member::new(
            "terminal_tz",
            Kind::Integer,
            "Hours from UTC up to 14, minutes beyond; the server's zone unless given.",
        ),
        Member::new(
            "zone_name",
            Kind::Text,
            "The zone's IANA name, which knows daylight saving time.",
        ),
        Member::new("heartbeat", Kind::Integer, "Seconds."),
        Member::new("transfer_mode", Kind::Integer, ""),
        Member::new("device_direction", Kind::Integer, ""),
        Member::new("transfer_interval", Kind::Integer, "Minutes."),
        Member::new("transfer_time", Kind::Text, "HH:MM;HH:MM"),
        Member::new("is_attendance", Kind::Boolean, ""),
        Member::new("is_registration", Kind::Boolean, ""),
        Member::new("is_access", Kind::Boolean, ""),
        Member::new("gps_location", Kind::Text, ""),
        Member::new("company", Kind::Text, "The company's id."),
        Member::new(
            "area",
            Kind::Reference,
            "Code or id; also area_code. In area 1 a terminal is held.",
        ),
    ];

    type Change = Changes;

    async fn check(
        app: &App,
        caller: &Caller,
        known: &Known,
        body: &Body,
        stored: Option<&Row>,
    ) -> Result<Changes> {
        Changes::read(app, caller, known, body, stored.is_none()).await
    }

    async fn store(
        app: &App,
        tx: &mut Writing,
        caller: &Caller,
        changes: Changes,
        stored: Option<Row>,
    ) -> Result<i64> {
        match stored {
            None => add(app, tx, caller, changes).await,
            Some(stored) => change(app, tx, caller, stored, changes).await,
        }
    }

    async fn show_saved(app: &App, caller: &Caller, row: Row) -> Result<Value> {
        Ok(match caller.profile {
            Profile::EasyTimePro => row.shown_raw(app),
            Profile::BioTime => row.shown(app, caller.profile),
        })
    }
}

impl Removable for Terminal {
    async fn remove(
        app: &App,
        tx: &mut Writing,
        caller: &Caller,
        rows: Vec<Row>,
    ) -> Result<Vec<Problem>> {
        let now = app.clock.now();
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        tx.run(&resource::delete_rows("terminal", &ids)).await?;
        for row in &rows {
            let deed = Deed {
                action: "delete",
                thing: Terminal::NAME,
                thing_id: row.sn.clone(),
                before: Some(row.audited()),
                ..Deed::default()
            };
            audit::write(tx, now, caller, deed).await?;
        }
        tx.after_commit(move |app| {
            for row in &rows {
                changed(app, row.id, [row.sn.as_str()]);
            }
        });
        Ok(Vec::new())
    }
}

/// Tells the gateway and whoever looks on.
fn changed<'a>(app: &App, id: i64, serial_numbers: impl IntoIterator<Item = &'a str>) {
    for sn in serial_numbers {
        app.roster.forget(sn);
    }
    app.events.publish(Event::Terminal(id));
}

fn taken() -> Error {
    Error::invalid("sn", "terminal with this sn already exists.")
}

async fn is_taken(tx: &mut muster_store::Tx, sn: &str, but: Option<i64>) -> Result<bool> {
    let other: Option<(i64,)> = tx
        .find(&Sql::new(
            "SELECT id FROM terminal WHERE sn = $1",
            [sn.into()],
        ))
        .await?;
    Ok(other.is_some_and(|(id,)| Some(id) != but))
}

fn named(caller: &Caller) -> Option<String> {
    (caller.who != Who::System).then(|| caller.name().to_owned())
}

async fn add(app: &App, tx: &mut Writing, caller: &Caller, mut changes: Changes) -> Result<i64> {
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
        changes.set("heartbeat", i64::from(app.config.terminals.delay_s));
    }
    let ip = changes.ip_address.clone().flatten().unwrap_or_default();
    changes.set(
        "search_text",
        search_text([&alias, &sn, &ip].map(String::as_str)),
    );
    changes.set("company_id", app.company.id.clone());
    changes.set("created_at", now);
    changes.set("changed_at", now);
    changes.set("created_by", named(caller));
    if is_taken(tx, &sn, None).await? {
        return Err(taken());
    }
    let inserted: Result<(i64,), _> = tx.one(&changes.columns.insert("terminal")).await;
    let (id,) = inserted.map_err(|error| {
        if error.is_duplicate() {
            taken()
        } else {
            error.into()
        }
    })?;
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

async fn change(
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
    if is_another {
        // Another device in its place: it is asked for everything it has.
        for stamp in ["log_stamp", "op_log_stamp", "capture_stamp", "bio_stamp"] {
            changes.set(stamp, None::<String>);
        }
    }
    let alias = changes.alias.as_ref().unwrap_or(&stored.alias);
    let ip = changes.ip_address.as_ref().unwrap_or(&stored.ip_address);
    let text = search_text([alias, &sn, ip.as_deref().unwrap_or_default()]);
    changes.set("search_text", text);
    changes.set("changed_at", now);
    changes.set("changed_by", named(caller));
    if is_another && is_taken(tx, &sn, Some(stored.id)).await? {
        return Err(taken());
    }
    let touched = tx.run(&changes.columns.update("terminal", stored.id)).await;
    let touched = touched.map_err(|error| {
        if error.is_duplicate() {
            taken()
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
        commands::replaced(app, tx, stored.id).await?;
        sync::replaced(tx, stored.id).await?;
    }
    let row: Row = tx.one(&resource::by_id::<Terminal>(app, stored.id)).await?;
    if row.area_id != stored.area_id {
        sync::fill_again(tx, stored.id).await?;
        contact::people_due(tx, stored.id).await?;
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

// ---- commands ---------------------------------------------------------------------------------

/// The names under which callers list the terminals of a command: the first is EasyTimePro's, the
/// second BioTime's.
const MEANT: &[&str] = &[
    "devices_sn",
    "terminals",
    "device_sn",
    "devices",
    "sn",
    "object_codes",
    "object_ids",
];

/// The terminals a command is for: all of them, or none when one is not known.
pub async fn meant(app: &App, caller: &Caller, body: &Body) -> Result<Vec<Row>> {
    let mut names = MEANT.to_vec();
    if caller.profile == Profile::BioTime {
        names.swap(0, 1);
    }
    let several = resource::several::<Terminal>(app, caller, body, &names).await?;
    Ok(several.rows)
}

async fn reboot(call: Call) -> Result<Answer> {
    let (app, caller) = (&call.request.app, &call.caller);
    for terminal in meant(app, caller, &call.request.body).await? {
        commands::enqueue(app, caller, terminal.id, &Command::Reboot).await?;
    }
    Ok(Answer::ok(&caller.profile.queued()))
}

const MEANT_MEMBERS: &[Member] = &[Member::new(
    "terminals",
    Kind::ReferenceList,
    "Serial numbers or ids: a list, one, or several with commas; also devices_sn, devices, sn.",
)
.required()];
const DONE_MEMBERS: &[Member] = &[Member::new(
    "status",
    Kind::Text,
    "Success; in the BioTime profile code, msg and data.",
)];

pub fn endpoints() -> Vec<Endpoint> {
    let mut endpoints = vec![
        resource::list::<Terminal>(),
        resource::create::<Terminal>(),
        resource::read::<Terminal>(),
        resource::delete::<Terminal>(),
        resource::action::<Terminal>(),
        resource::export::<Terminal>(),
    ];
    endpoints.extend(resource::update::<Terminal>());
    let doc = Doc {
        summary: "Restarts terminals".into(),
        tag: Thing::Terminal.name(),
        query: Vec::new(),
        body: Some(MEANT_MEMBERS),
        returns: Returns::One(StatusCode::OK, DONE_MEMBERS),
    };
    endpoints.push(Endpoint::guarded(
        Method::POST,
        "/iclock/api/terminals/reboot/",
        Right::TerminalCommand,
        doc,
        reboot,
    ));
    endpoints
}

/// How many terminals are held, online and offline, as far as a caller sees them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub held: i64,
    pub online: i64,
    pub offline: i64,
}

pub async fn tally(app: &App, caller: &Caller) -> Result<Tally> {
    caller.require(Right::View(Thing::Terminal))?;
    let mut select = SelectStatement::new();
    Terminal::tables(&mut select);
    select
        .expr(col(column("area_id")))
        .expr(col(column("heartbeat")))
        .expr(col(column("last_activity_at")))
        .cond_where(Terminal::visible(caller, app));
    let rows: Vec<(i64, i64, Option<DateTime<Utc>>)> = app.store.all(&select).await?;
    let now = app.clock.now();
    let mut tally = Tally::default();
    for (area_id, heartbeat, last) in rows {
        let silence_s = std::cmp::max(heartbeat.saturating_mul(2), ONLINE_AT_LEAST_S);
        let is_online = last.is_some_and(|at| now - at <= TimeDelta::seconds(silence_s));
        match (area_id, is_online) {
            (NOT_AUTHORIZED, _) => tally.held += 1,
            (_, true) => tally.online += 1,
            (_, false) => tally.offline += 1,
        }
    }
    Ok(tally)
}
