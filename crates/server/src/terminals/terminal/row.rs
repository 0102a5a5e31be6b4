//! A terminal's row, and how it is shown.

use crate::app::App;
use crate::profile::Profile;
use crate::terminals::contact::{NOT_AUTHORIZED, family_of};
use crate::terminals::roster;
use crate::terminals::sync::Place;
use crate::terminals::zone::Zone;
use crate::times;
use chrono::{DateTime, Utc};
use muster_protocol::handshake::Family;
use serde_json::{Map, Value, json};

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
    pub mac: Option<String>,
    pub zone_offset_minutes: i16,
    pub zone_name: Option<String>,
    pub zone_spelling: String,
    pub family: String,
    /// Seconds its clock is ahead, when that was last seen.
    pub clock_drift_s: Option<i64>,
    pub clock_seen_at: Option<DateTime<Utc>>,
    pub heartbeat: i64,
    pub transfer_mode: i16,
    pub device_direction: i16,
    pub transfer_interval: i64,
    pub transfer_time: String,
    pub is_attendance: bool,
    pub is_registration: bool,
    pub is_access: bool,
    pub fw_ver: Option<String>,
    pub push_protocol: String,
    pub push_ver: Option<String>,
    pub language: Option<i64>,
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
    // The manual's answers have these; nobody sets them, and they mean nothing here.
    pub product_type: i64,
    pub purpose: Option<i64>,
    pub controller_type: i16,
    pub authentication: i16,
    pub style: Option<String>,
    pub upload_flag: String,
    pub is_tft: bool,
}

/// The columns of the table that a `Row` takes as they are.
pub(super) const COLUMNS: &[&str] = &[
    "id",
    "sn",
    "alias",
    "area_id",
    "company_id",
    "status",
    "ip_address",
    "real_ip",
    "mac",
    "zone_offset_minutes",
    "zone_name",
    "zone_spelling",
    "family",
    "clock_drift_s",
    "clock_seen_at",
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

    pub fn zone(&self) -> Zone {
        Zone {
            offset_minutes: self.zone_offset_minutes.into(),
            name: self.zone_name.as_deref().and_then(|name| name.parse().ok()),
        }
    }

    /// Which dialect it speaks.
    pub fn family(&self) -> Family {
        family_of(&self.family)
    }

    /// What it says of its algorithms.
    pub fn place(&self) -> Place {
        Place {
            id: self.id,
            family: self.family.clone(),
            fp_alg_ver: self.fp_alg_ver.clone(),
            face_alg_ver: self.face_alg_ver.clone(),
            fv_alg_ver: self.fv_alg_ver.clone(),
            palm_alg_ver: self.palm_alg_ver.clone(),
            photo_func_on: self.photo_func_on,
        }
    }

    /// The address that was given or that it told, else the one its calls come from.
    fn address(&self) -> Option<&str> {
        self.ip_address.as_deref().or(self.real_ip.as_deref())
    }

    /// Whether it spoke within two heartbeats.
    pub fn is_online(&self, now: DateTime<Utc>) -> bool {
        self.last_activity_at
            .is_some_and(|at| roster::is_online(at, self.heartbeat, now))
    }

    /// Minutes for EasyTimePro; for BioTime hours when they are whole.
    fn terminal_tz(&self, profile: Profile) -> i64 {
        let minutes = i64::from(self.zone_offset_minutes);
        match profile {
            Profile::BioTime if minutes % 60 == 0 => minutes / 60,
            _ => minutes,
        }
    }

    pub(super) fn shown(&self, app: &App, profile: Profile) -> Value {
        let zone = app.zone;
        let mut shown = json!({
            "id": self.id,
            "sn": self.sn,
            "ip_address": self.address(),
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
            "clock_drift": self.clock_drift_s,
            "clock_seen": times::maybe_instant(self.clock_seen_at, zone),
        });
        if profile == Profile::EasyTimePro {
            shown["company"] = json!({ "id": self.company_id, "name": self.company_name });
        }
        shown
    }

    /// The raw columns EasyTimePro answers a create or an update with, the area by its name.
    pub(super) fn shown_raw(&self, app: &App) -> Value {
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
                "ip_address": self.address(),
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
                "zone_spelling": self.zone_spelling,
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
    pub(super) fn audited(&self) -> Map<String, Value> {
        let audited = json!({
            "sn": self.sn,
            "alias": self.alias,
            "area": self.area_code,
            "ip_address": self.ip_address,
            "terminal_tz": self.zone_offset_minutes,
            "zone_name": self.zone_name,
            "zone_spelling": self.zone_spelling,
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
