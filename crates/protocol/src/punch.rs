//! One attendance record: who, when by the terminal's clock, which way, recognised how.

use base64::Engine as _;
use chrono::{DateTime, NaiveDateTime};

use crate::rows::{self, Pairs};
use crate::time;
use crate::upload::BadReason;

#[derive(Clone, Debug, PartialEq)]
pub struct Punch {
    /// Text, with its leading zeros; `marketing-1` is one too (fixture B09).
    pub pin: String,
    /// Wall clock of the terminal; may be 1970 or the far future.
    pub local: NaiveDateTime,
    /// Which key was pressed: 0 check in, 1 check out…; 255 when missing or no number.
    pub status: i16,
    /// How the person was recognised: 1 fingerprint, 15 face…; 0 when missing or no number.
    pub verify: i16,
    /// As sent, often empty or `0`.
    pub workcode: String,
    /// 1: wears a mask. From 2.4 on.
    pub mask: Option<i16>,
    /// As measured, in the terminal's unit; `None` when it was not.
    pub temperature: Option<f64>,
    /// What the terminal says its clock is ahead of UTC; from 2.4.2 on.
    pub offset_seconds: Option<i32>,
    /// Degrees, both or none.
    pub longitude: Option<f64>,
    pub latitude: Option<f64>,
}

/// Longest PIN in characters.
pub const LONGEST_PIN: usize = 24;

/// A PIN as it may be stored: no blanks around, not empty, nothing that cannot be shown.
pub(crate) fn pin(text: Option<&str>) -> Result<String, BadReason> {
    let pin = text.map(str::trim).unwrap_or_default();
    if pin.is_empty() {
        Err(BadReason::MissingPin)
    } else if pin.chars().count() > LONGEST_PIN
        || pin
            .chars()
            .any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER)
    {
        Err(BadReason::Pin)
    } else {
        Ok(pin.to_owned())
    }
}

/// Reads a row by position, or by key when it begins with one (US dialect).
pub(crate) fn read(row: &str) -> Result<Punch, BadReason> {
    match rows::tag_of(row, &["ATTLOG"]).1.split_once('=') {
        Some((key, _)) if is_key(key.trim()) => read_keyed(row),
        _ => read_positional(row),
    }
}

fn is_key(word: &str) -> bool {
    [
        "pin",
        "userid",
        "datetime",
        "time",
        "timestamp",
        "verified",
        "verify",
        "verifymode",
        "status",
        "state",
        "workcode",
    ]
    .contains(&word.to_ascii_lowercase().as_str())
}

fn read_keyed(row: &str) -> Result<Punch, BadReason> {
    let pairs = Pairs::read(rows::tag_of(row, &["ATTLOG"]).1);
    let local = pairs
        .get(&["DateTime", "Time", "Timestamp"])
        .and_then(read_time)
        .ok_or(BadReason::Time)?;
    Ok(Punch {
        pin: pin(pairs.get(&["PIN", "UserID"]))?,
        local,
        status: pairs.number(&["Status", "State"]).unwrap_or(STATUS_MISSING),
        verify: pairs
            .number(&["Verified", "Verify", "VerifyMode"])
            .unwrap_or(0),
        workcode: pairs.filled(&["WorkCode"]).unwrap_or_default().to_owned(),
        mask: pairs.get(&["MaskFlag"]).and_then(mask),
        temperature: pairs.get(&["Temperature"]).and_then(temperature),
        offset_seconds: None,
        longitude: None,
        latitude: None,
    })
}

const STATUS_MISSING: i16 = 255;

/// The PIN stands before the time. Some terminals put their table's name and a record number before it (fixture B14),
/// so the time is looked for instead of counted to.
fn read_positional(row: &str) -> Result<Punch, BadReason> {
    let fields = rows::fields(row);
    if fields.len() < 2 {
        return Err(BadReason::TooFewFields);
    }
    let calendar = (1..=3).find_map(|at| Some((at, time::parse_local(fields.get(at)?)?)));
    let (at, local) = calendar
        .or_else(|| unix_row(&fields))
        .ok_or(BadReason::Time)?;
    let field = |offset: usize| fields.get(at + offset).map(|field| field.trim());
    let number = |offset: usize| field(offset).and_then(|field| field.parse::<i16>().ok());
    let place = field(10).and_then(place);
    Ok(Punch {
        pin: pin(fields
            .get(at - 1)
            .map(|pin| pin.strip_prefix("ATTLOG ").unwrap_or(pin)))?,
        local,
        status: number(1).unwrap_or(STATUS_MISSING),
        verify: number(2).unwrap_or(0),
        workcode: field(3).unwrap_or_default().to_owned(),
        mask: field(6).and_then(mask),
        temperature: field(7).and_then(temperature),
        offset_seconds: field(9)
            .and_then(|offset| offset.parse().ok())
            .filter(|offset| (-86_400..=86_400).contains(offset)),
        longitude: place.map(|(longitude, _)| longitude),
        latitude: place.map(|(_, latitude)| latitude),
    })
}

/// Seconds since 1970 in the place of the time (fixture B27), taken as wall clock. Only where nothing else fits: second
/// field, and a number or nothing behind it.
fn unix_row(fields: &[String]) -> Option<(usize, NaiveDateTime)> {
    let status_or_nothing = fields
        .get(2)
        .is_none_or(|status| status.trim().parse::<i16>().is_ok());
    Some((1, read_unix(&fields[1])?)).filter(|_| status_or_nothing)
}

fn read_time(field: &str) -> Option<NaiveDateTime> {
    time::parse_local(field).or_else(|| read_unix(field))
}

/// From 2000 to 2100.
fn read_unix(field: &str) -> Option<NaiveDateTime> {
    let seconds: i64 = field
        .trim()
        .parse()
        .ok()
        .filter(|seconds| (946_684_800..4_102_444_800).contains(seconds))?;
    DateTime::from_timestamp(seconds, 0).map(|instant| instant.naive_utc())
}

/// Other numbers in this place are something else: identity-card terminals and some units put a record number here.
pub(crate) fn mask(field: &str) -> Option<i16> {
    field
        .trim()
        .parse()
        .ok()
        .filter(|mask| matches!(mask, 0 | 1))
}

/// Within what a thermometer shows of a person, in Celsius or Fahrenheit; 0 and 255 mean that it is off.
pub(crate) fn temperature(field: &str) -> Option<f64> {
    field
        .trim()
        .parse()
        .ok()
        .filter(|degrees| (20.0..=130.0).contains(degrees))
}

/// `ExtendData`: base64 of `{"GPSInfo":{"longitude":"…","latitude":"…"}}`, -1 when there was no fix.
fn place(field: &str) -> Option<(f64, f64)> {
    let json = base64::engine::general_purpose::STANDARD
        .decode(field)
        .ok()?;
    let extended: serde_json::Value = serde_json::from_slice(&json).ok()?;
    let position = extended.get("GPSInfo")?;
    let degrees = |name: &str, limit: f64| {
        let value = position.get(name)?;
        let degrees = value
            .as_f64()
            .or_else(|| value.as_str()?.trim().parse().ok())?;
        (-limit..=limit).contains(&degrees).then_some(degrees)
    };
    let (longitude, latitude) = (degrees("longitude", 180.0)?, degrees("latitude", 90.0)?);
    ((longitude, latitude) != (-1.0, -1.0)).then_some((longitude, latitude))
}

impl Punch {
    /// The row as terminals of 2.4.2 send it, or the ten fields of 2.4 when there is neither offset nor place.
    pub fn encode(&self) -> String {
        let number = |value: Option<f64>| {
            value
                .map(|value| value.to_string())
                .unwrap_or_else(|| "0".to_owned())
        };
        let mut row = format!(
            "{}\t{}\t{}\t{}\t{}\t0\t0\t{}\t{}\t0",
            self.pin,
            time::format_local(self.local),
            self.status,
            self.verify,
            self.workcode,
            self.mask.map(|mask| mask.to_string()).unwrap_or_default(),
            number(self.temperature),
        );
        let place = self.longitude.zip(self.latitude);
        if self.offset_seconds.is_some() || place.is_some() {
            row.push_str(
                &self
                    .offset_seconds
                    .map(|offset| format!("\t{offset:+}"))
                    .unwrap_or_else(|| "\t".to_owned()),
            );
        }
        if let Some((longitude, latitude)) = place {
            let json = serde_json::json!({"GPSInfo": {"longitude": longitude.to_string(), "latitude": latitude.to_string()}});
            row.push('\t');
            row.push_str(&base64::engine::general_purpose::STANDARD.encode(json.to_string()));
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upload::{Row, Table, Upload, parse};
    use proptest::prelude::*;

    fn one(row: &str) -> Punch {
        read(row).expect("a punch")
    }

    #[test]
    fn the_last_fields_of_2_4_2_are_read() {
        let place = base64::engine::general_purpose::STANDARD
            .encode(r#"{"GPSInfo":{"longitude":"76.27","latitude":9.93}}"#);
        let punch = one(&format!(
            "7\t2026-08-09 10:00:00\t0\t15\t0\t0\t0\t1\t36.2\t0\t+28800\t{place}"
        ));
        assert_eq!(
            (punch.mask, punch.temperature, punch.offset_seconds),
            (Some(1), Some(36.2), Some(28_800))
        );
        assert_eq!((punch.longitude, punch.latitude), (Some(76.27), Some(9.93)));
    }

    #[test]
    fn no_fix_and_no_measurement_are_nothing() {
        let place = base64::engine::general_purpose::STANDARD
            .encode(r#"{"GPSInfo":{"longitude":"-1","latitude":"-1"}}"#);
        let punch = one(&format!(
            "7\t2026-08-09 10:00:00\t0\t15\t0\t0\t0\t9\t0\t0\t\t{place}"
        ));
        assert_eq!(punch, one("7\t2026-08-09 10:00:00\t0\t15\t0"));
        assert_eq!(
            one("7\t2026-08-09 10:00:00\t0\t15\t0\t0\t0\t0\tNaN").temperature,
            None
        );
    }

    #[test]
    fn a_key_of_another_table_is_no_punch() {
        // A server that read `PIN=42⇥No=0` by position made a person "PIN=42" of it.
        assert_eq!(read("PIN=42\tNo=0"), Err(BadReason::Time));
        assert_eq!(read("OPLOG 4\t14\t3"), Err(BadReason::Time));
    }

    #[test]
    fn clocks_that_are_wrong_are_kept() {
        assert!(read("7\t1970-01-01 00:00:04\t0\t1").is_ok());
        assert!(read("7\t9999-12-31 23:59:59\t0\t1").is_ok());
        assert_eq!(read("7\t2026-02-31 10:00:00\t0\t1"), Err(BadReason::Time));
    }

    #[test]
    fn pins_are_bounded_text() {
        assert_eq!(one("007\t2026-08-09 10:00:00").pin, "007");
        assert_eq!(
            read(&format!("{}\t2026-08-09 10:00:00", "9".repeat(10_000))),
            Err(BadReason::Pin)
        );
        assert_eq!(read("\u{7}1\t2026-08-09 10:00:00"), Err(BadReason::Pin));
        assert_eq!(one(" 12 \t2026-08-09 10:00:00").pin, "12");
    }

    #[test]
    fn keyed_rows_are_read_in_any_order() {
        let punch = one("Status=1\tTime=2026-08-09T10:00:00\tPIN=42\tVerifyMode=15");
        assert_eq!(punch, one("42\t2026-08-09 10:00:00\t1\t15"));
        assert_eq!(
            one("ATTLOG PIN=42\tTime=2026-08-09T10:00:00\tStatus=1\tVerify=15"),
            punch
        );
    }

    #[test]
    fn a_key_in_the_middle_makes_no_keyed_row() {
        let punch = one("101\t2024-01-01 08:00:00\t0\t1\tx PIN=9");
        assert_eq!(
            (punch.pin.as_str(), punch.workcode.as_str()),
            ("101", "x PIN=9")
        );
    }

    #[test]
    fn noise_costs_little_and_is_counted() {
        let upload = parse(&Table::Attlog, "x\n".repeat(5_000).as_bytes());
        assert_eq!(
            (upload.lines, upload.rows.len(), upload.bad.len()),
            (5_000, 0, Upload::MOST_BAD)
        );
        assert_eq!(
            upload
                .bad
                .iter()
                .map(|bad| bad.raw.split(|&byte| byte == b'\n').count())
                .sum::<usize>(),
            5_000
        );
    }

    prop_compose! {
        fn punch()(
            pin in "[A-Za-z0-9_][A-Za-z0-9_-]{0,23}",
            second in 0i64..7_258_118_400,
            codes in (any::<i16>(), any::<i16>()),
            workcode in "[0-9]{0,8}",
            mask in prop::option::of(0i16..2),
            temperature in prop::option::of(340u16..420),
            offset in prop::option::of(-50_400i32..50_400),
            place in prop::option::of((-179.0f64..180.0, -89.0f64..90.0)),
        ) -> Punch {
            Punch {
                pin,
                local: DateTime::from_timestamp(second, 0).expect("in range").naive_utc(),
                status: codes.0,
                verify: codes.1,
                workcode,
                mask,
                temperature: temperature.map(|tenths| f64::from(tenths) / 10.0),
                offset_seconds: offset,
                longitude: place.map(|(longitude, _)| longitude),
                latitude: place.map(|(_, latitude)| latitude),
            }
        }
    }

    proptest! {
        #[test]
        fn a_punch_survives_the_wire(punch in punch()) {
            let upload = parse(&Table::Attlog, format!("{}\r\n", punch.encode()).as_bytes());
            prop_assert_eq!(upload.lines, 1);
            prop_assert_eq!(upload.rows, vec![Row::Punch(punch)]);
        }

        #[test]
        fn every_row_is_either_read_or_kept(bytes: Vec<u8>) {
            let upload = parse(&Table::Attlog, &bytes);
            prop_assert_eq!(upload.lines, upload.rows.len() + upload.bad.len());
        }
    }
}
