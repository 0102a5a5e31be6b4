//! Orders to a terminal: typed, as text, and as the lines of a reply to its poll.
//! `encode` and `parse` are each other's reverse, so that a simulated terminal reads exactly what is sent.

use std::borrow::Cow;
use std::fmt;

use chrono::NaiveDateTime;

use crate::ids::SerialNumber;
use crate::person::{Picture, PictureKind, Template, TemplateSource};
use crate::secret::Secret;
use crate::{text, time};

/// An order to one terminal. Variants named `Access…` are for access terminals only, the others for attendance terminals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Everything behind it in the same reply is lost.
    Reboot,
    /// Asks for options and counters.
    Info,
    /// Reads the handshake's options again; with a stamp of 0 uploads that table again.
    Check,
    /// Sends what is new at once.
    Log,
    ReloadOptions,
    SetOption {
        key: String,
        value: String,
    },
    UpdateUser(UserFields),
    /// With templates and pictures, without punches.
    DeleteUser {
        pin: String,
    },
    /// Without a PIN all of them.
    QueryUser {
        pin: Option<String>,
    },
    UpdateFinger {
        pin: String,
        finger: i16,
        valid: i16,
        body: Secret,
    },
    /// Without a finger all of them.
    DeleteFinger {
        pin: String,
        finger: Option<i16>,
    },
    /// All fingers: the papers disagree on the key that names one.
    QueryFinger {
        pin: String,
    },
    /// Near-infrared face, one of its parts.
    UpdateFace {
        pin: String,
        index: i16,
        valid: i16,
        body: Secret,
    },
    DeleteFace {
        pin: String,
    },
    UpdateFvein {
        pin: String,
        finger: i16,
        index: i16,
        valid: i16,
        body: Secret,
    },
    DeleteFvein {
        pin: String,
        finger: Option<i16>,
    },
    UpdateBiodata(BiodataFields),
    DeleteBiodata {
        pin: String,
        wire_type: Option<i16>,
        no: Option<i16>,
    },
    QueryBiodata {
        wire_type: i16,
        pin: Option<String>,
        no: Option<i16>,
    },
    /// `post_back_template`: the terminal uploads the template it makes of it.
    UpdateBiophoto {
        pin: String,
        wire_type: i16,
        body: Secret,
        post_back_template: bool,
    },
    DeleteBiophoto {
        pin: String,
        wire_type: i16,
    },
    UpdateUserPic {
        pin: String,
        body: Secret,
    },
    DeleteUserPic {
        pin: String,
    },
    /// A message on the screen. `uid` numbers messages, not people.
    UpdateSms {
        text: String,
        audience: Audience,
        uid: u32,
        minutes: u32,
        start: NaiveDateTime,
    },
    DeleteSms {
        uid: u32,
    },
    UpdateUserSms {
        pin: String,
        uid: u32,
    },
    DeleteUserSms {
        pin: String,
        uid: u32,
    },
    /// `index` is the position in the terminal's list.
    UpdateWorkcode {
        index: u32,
        code: String,
        name: String,
    },
    DeleteWorkcode {
        code: String,
    },
    QueryAttlog {
        from: NaiveDateTime,
        to: NaiveDateTime,
    },
    QueryAttphoto {
        from: NaiveDateTime,
        to: NaiveDateTime,
    },
    /// Counts the punches of a period.
    VerifySumAttlog {
        from: NaiveDateTime,
        to: NaiveDateTime,
    },
    EnrollFinger {
        pin: String,
        finger: i16,
        retry: u8,
        overwrite: bool,
    },
    EnrollBio {
        wire_type: i16,
        pin: String,
        card: Option<String>,
        retry: u8,
        overwrite: bool,
    },
    EnrollCard {
        pin: String,
        retry: u8,
    },
    /// Opens the door of an attendance terminal.
    Unlock,
    CancelAlarm,
    /// Destroys the punches on the terminal.
    ClearLog,
    ClearPhoto,
    /// Destroys everything on the terminal.
    ClearData,
    AccessUpdateUser(AccessUserFields),
    /// A user without it is known but refused.
    AccessAuthorize {
        pin: String,
        time_zone: u32,
        door: u32,
    },
    AccessDeleteUser {
        pin: String,
    },
    AccessDeleteAuthorization {
        pin: String,
    },
    AccessUpdateBiodata(BiodataFields),
    AccessDeleteBiodata {
        pin: String,
        wire_type: i16,
    },
    AccessUpdateBiophoto {
        pin: String,
        wire_type: i16,
        body: Secret,
    },
    AccessDeleteBiophoto {
        pin: String,
        wire_type: i16,
    },
    AccessControl(Control),
    AccessSetOptions(Vec<(String, String)>),
    AccessGetOptions(Vec<String>),
    AccessQuery {
        table: String,
    },
    AccessCount {
        table: String,
    },
    /// Destroys all rows of a table (fixture E29).
    AccessClear(AccessTable),
}

/// A table of an access terminal that can be emptied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessTable {
    /// Who may pass where and when.
    Authorizations,
    Biodata,
    /// Pictures that templates are made of.
    Biophotos,
    /// Fingerprints in the rows older ones have.
    Fingerprints,
    Users,
    Transactions,
}

/// Part of a user record to write; `None` leaves that field as it is on the terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFields {
    pub pin: String,
    /// Cut at 24 bytes of the terminal's encoding when sent ([`fitted`]).
    pub name: Option<String>,
    pub privilege: Option<i16>,
    pub password: Option<Secret>,
    /// Decimal; empty for none.
    pub card: Option<String>,
    pub group: Option<i32>,
    /// 16 digits.
    pub timezones: Option<String>,
    /// -1 as the group does.
    pub verify_mode: Option<i16>,
    pub vice_card: Option<String>,
    pub start: Option<NaiveDateTime>,
    pub end: Option<NaiveDateTime>,
    /// Whether `start` and `end` count; the terminal must also have `UserValidTimeFun=1`.
    pub expires: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BiodataFields {
    pub pin: String,
    pub no: i16,
    pub index: i16,
    pub valid: i16,
    pub duress: bool,
    pub wire_type: i16,
    pub major_ver: String,
    pub minor_ver: String,
    pub format: i16,
    pub body: Secret,
}

/// A user of an access terminal; all fields are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessUserFields {
    pub pin: String,
    pub card: String,
    pub password: Secret,
    pub group: i32,
    /// As the terminal spells them; `0` for none.
    pub start: String,
    pub end: String,
    pub name: String,
    pub privilege: i16,
}

/// Whom a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    Everybody,
    /// Those it is assigned to by [`Command::UpdateUserSms`].
    Assigned,
    Reserved,
}

impl Audience {
    fn tag(self) -> u8 {
        match self {
            Audience::Everybody => 253,
            Audience::Assigned => 254,
            Audience::Reserved => 255,
        }
    }

    fn of(tag: &str) -> Option<Audience> {
        [Audience::Everybody, Audience::Assigned, Audience::Reserved]
            .into_iter()
            .find(|audience| tag.parse() == Ok(audience.tag()))
    }
}

/// `CONTROL DEVICE`. Doors count from 1: the wire's 0 would mean all of them and is never sent, nor is the latch-open 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Control {
    Open {
        door: u8,
        seconds: u8,
    },
    Close {
        door: u8,
    },
    OpenAuxiliary {
        output: u8,
        seconds: u8,
    },
    CancelAlarm {
        door: u8,
    },
    Restart,
    /// Switches the schedule that keeps a door open.
    HoldOpen {
        door: u8,
        on: bool,
    },
}

impl Control {
    fn bytes(self) -> Result<[u8; 4], Unsendable> {
        let not_zero = |field, value: u8| {
            if value == 0 {
                Err(Unsendable::OutOfRange { field })
            } else {
                Ok(value)
            }
        };
        let time = |value: u8| match value {
            1..=254 => Ok(value),
            _ => Err(Unsendable::OutOfRange { field: "seconds" }),
        };
        Ok(match self {
            Control::Open { door, seconds } => [1, not_zero("door", door)?, 1, time(seconds)?],
            Control::Close { door } => [1, not_zero("door", door)?, 1, 0],
            Control::OpenAuxiliary { output, seconds } => {
                [1, not_zero("output", output)?, 2, time(seconds)?]
            }
            Control::CancelAlarm { door } => [2, not_zero("door", door)?, 0, 0],
            Control::Restart => [3, 0, 0, 0],
            Control::HoldOpen { door, on } => [4, not_zero("door", door)?, u8::from(on), 0],
        })
    }

    fn of(bytes: [u8; 4]) -> Option<Control> {
        let control = match bytes {
            [1, door, 1, 0] => Control::Close { door },
            [1, door, 1, seconds] => Control::Open { door, seconds },
            [1, output, 2, seconds] => Control::OpenAuxiliary { output, seconds },
            [2, door, 0, 0] => Control::CancelAlarm { door },
            [3, 0, 0, 0] => Control::Restart,
            [4, door, on @ (0 | 1), 0] => Control::HoldOpen { door, on: on == 1 },
            _ => return None,
        };
        control.bytes().is_ok().then_some(control)
    }
}

/// Why a command cannot be written. The protocol has no escapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    #[error("{field} must not contain the byte {byte:#04x}")]
    Byte { field: &'static str, byte: u8 },
    #[error("{field} must not be empty")]
    Empty { field: &'static str },
    #[error("{field} is out of range")]
    OutOfRange { field: &'static str },
    #[error("{field} is longer than {limit} bytes")]
    TooLong { field: &'static str, limit: usize },
}

/// Longest name in bytes, in the terminal's encoding.
pub const LONGEST_NAME: usize = 24;
/// Longest message in bytes, in the terminal's encoding.
pub const LONGEST_MESSAGE: usize = 320;

/// Options that cut a terminal off or are its own; only a deliberate act may set them.
pub fn is_guarded_option(key: &str) -> bool {
    const GUARDED: [&str; 9] = [
        "IPAddress",
        "NetMask",
        "GATEIPAddress",
        "WebServerIP",
        "WebServerPort",
        "WebServerURL",
        "COMKey",
        "ComPwd",
        "NetworkOn",
    ];
    let key = key.trim();
    key.starts_with('~')
        || key.eq_ignore_ascii_case("DeviceID")
        || GUARDED.iter().any(|name| key.eq_ignore_ascii_case(name))
}

impl Command {
    /// Verb and table, without arguments: what [`crate::result`] judges a result by.
    pub fn verb(&self) -> &'static str {
        match self {
            Command::Reboot => "REBOOT",
            Command::Info => "INFO",
            Command::Check => "CHECK",
            Command::Log => "LOG",
            Command::ReloadOptions => "RELOAD OPTIONS",
            Command::SetOption { .. } => "SET OPTION",
            Command::UpdateUser(_) => "DATA UPDATE USERINFO",
            Command::DeleteUser { .. } => "DATA DELETE USERINFO",
            Command::QueryUser { .. } => "DATA QUERY USERINFO",
            Command::UpdateFinger { .. } => "DATA UPDATE FINGERTMP",
            Command::DeleteFinger { .. } => "DATA DELETE FINGERTMP",
            Command::QueryFinger { .. } => "DATA QUERY FINGERTMP",
            Command::UpdateFace { .. } => "DATA UPDATE FACE",
            Command::DeleteFace { .. } => "DATA DELETE FACE",
            Command::UpdateFvein { .. } => "DATA UPDATE FVEIN",
            Command::DeleteFvein { .. } => "DATA DELETE FVEIN",
            Command::UpdateBiodata(_) => "DATA UPDATE BIODATA",
            Command::DeleteBiodata { .. } => "DATA DELETE BIODATA",
            Command::QueryBiodata { .. } => "DATA QUERY BIODATA",
            Command::UpdateBiophoto { .. } => "DATA UPDATE BIOPHOTO",
            Command::DeleteBiophoto { .. } => "DATA DELETE BIOPHOTO",
            Command::UpdateUserPic { .. } => "DATA UPDATE USERPIC",
            Command::DeleteUserPic { .. } => "DATA DELETE USERPIC",
            Command::UpdateSms { .. } => "DATA UPDATE SMS",
            Command::DeleteSms { .. } => "DATA DELETE SMS",
            Command::UpdateUserSms { .. } => "DATA UPDATE USER_SMS",
            Command::DeleteUserSms { .. } => "DATA DELETE USER_SMS",
            Command::UpdateWorkcode { .. } => "DATA UPDATE WORKCODE",
            Command::DeleteWorkcode { .. } => "DATA DELETE WORKCODE",
            Command::QueryAttlog { .. } => "DATA QUERY ATTLOG",
            Command::QueryAttphoto { .. } => "DATA QUERY ATTPHOTO",
            Command::VerifySumAttlog { .. } => "VERIFY SUM ATTLOG",
            Command::EnrollFinger { .. } => "ENROLL_FP",
            Command::EnrollBio { .. } => "ENROLL_BIO",
            Command::EnrollCard { .. } => "ENROLL_MF",
            Command::Unlock => "AC_UNLOCK",
            Command::CancelAlarm => "AC_UNALARM",
            Command::ClearLog => "CLEAR LOG",
            Command::ClearPhoto => "CLEAR PHOTO",
            Command::ClearData => "CLEAR DATA",
            Command::AccessUpdateUser(_) => "DATA UPDATE user",
            Command::AccessAuthorize { .. } => "DATA UPDATE userauthorize",
            Command::AccessDeleteUser { .. } => "DATA DELETE user",
            Command::AccessDeleteAuthorization { .. } => "DATA DELETE userauthorize",
            Command::AccessUpdateBiodata(_) => "DATA UPDATE biodata",
            Command::AccessDeleteBiodata { .. } => "DATA DELETE biodata",
            Command::AccessUpdateBiophoto { .. } => "DATA UPDATE biophoto",
            Command::AccessDeleteBiophoto { .. } => "DATA DELETE biophoto",
            Command::AccessControl(_) => "CONTROL DEVICE",
            Command::AccessSetOptions(_) => "SET OPTIONS",
            Command::AccessGetOptions(_) => "GET OPTIONS",
            Command::AccessQuery { .. } => "DATA QUERY",
            Command::AccessCount { .. } => "DATA COUNT",
            Command::AccessClear(AccessTable::Authorizations) => "DATA DELETE userauthorize",
            Command::AccessClear(AccessTable::Biodata) => "DATA DELETE biodata",
            Command::AccessClear(AccessTable::Biophotos) => "DATA DELETE biophoto",
            Command::AccessClear(AccessTable::Fingerprints) => "DATA DELETE templatev10",
            Command::AccessClear(AccessTable::Users) => "DATA DELETE user",
            Command::AccessClear(AccessTable::Transactions) => "DATA DELETE transaction",
        }
    }

    /// Doing it twice is the same as doing it once, so it may be sent again when no result comes.
    pub fn idempotent(&self) -> bool {
        match self {
            Command::Reboot
            | Command::EnrollFinger { .. }
            | Command::EnrollBio { .. }
            | Command::EnrollCard { .. }
            | Command::Unlock
            | Command::CancelAlarm
            | Command::ClearLog
            | Command::ClearPhoto
            | Command::ClearData
            | Command::AccessClear(_)
            | Command::AccessControl(_) => false,
            // A clock set late is set wrong.
            Command::SetOption { key, .. } => !is_clock(key),
            Command::AccessSetOptions(options) => !options.iter().any(|(key, _)| is_clock(key)),
            _ => true,
        }
    }

    /// What it sets, so that a later command about the same leaves it nothing to do: `data sms 1001`, the
    /// widest word first, or `option` and the keys. `None` of those that contradict none before them.
    pub fn subject(&self) -> Option<String> {
        match self {
            Command::SetOption { key, .. } => Some(format!("option {key}")),
            Command::AccessSetOptions(options) => {
                let keys: Vec<&str> = options.iter().map(|(key, _)| key.as_str()).collect();
                Some(format!("option {}", keys.join(" ")))
            }
            Command::UpdateSms { uid, .. } | Command::DeleteSms { uid } => {
                Some(format!("data sms {uid}"))
            }
            Command::UpdateUserSms { pin, uid } => Some(format!("data sms {uid} {pin}")),
            Command::ClearData => Some("data".into()),
            _ => None,
        }
    }

    /// Moves a door: too late is worse than never.
    pub fn is_door(&self) -> bool {
        match self {
            Command::Unlock => true,
            Command::AccessControl(control) => {
                !matches!(control, Control::CancelAlarm { .. } | Control::Restart)
            }
            _ => false,
        }
    }

    /// The text behind `C:<id>:`. Control bytes that separate nothing are dropped from values.
    pub fn encode(&self) -> Result<String, Unsendable> {
        let mut line = Line {
            text: self.verb().to_owned(),
            separator: ' ',
        };
        match self {
            Command::Reboot
            | Command::Info
            | Command::Check
            | Command::Log
            | Command::ReloadOptions
            | Command::Unlock
            | Command::CancelAlarm
            | Command::ClearLog
            | Command::ClearPhoto
            | Command::ClearData
            | Command::QueryUser { pin: None } => {}
            Command::SetOption { key, value } => {
                line.push(&[&checked_key(key)?, "=", &checked("value", value)?].concat());
            }
            Command::UpdateUser(user) => line.user(user)?,
            Command::DeleteUser { pin }
            | Command::QueryUser { pin: Some(pin) }
            | Command::QueryFinger { pin }
            | Command::DeleteFace { pin }
            | Command::DeleteUserPic { pin } => line.pin("PIN", pin)?,
            Command::UpdateFinger {
                pin,
                finger,
                valid,
                body,
            } => {
                line.pin("PIN", pin)?;
                line.number("FID", finger);
                line.number("Size", body.expose().len());
                line.number("Valid", valid);
                line.body("TMP", body)?;
            }
            Command::DeleteFinger { pin, finger } => {
                line.pin("PIN", pin)?;
                line.some_number("FID", *finger);
            }
            Command::UpdateFace {
                pin,
                index,
                valid,
                body,
            } => {
                line.pin("PIN", pin)?;
                line.number("FID", index);
                line.number("Valid", valid);
                line.number("Size", body.expose().len());
                line.body("TMP", body)?;
            }
            Command::UpdateFvein {
                pin,
                finger,
                index,
                valid,
                body,
            } => {
                line.pin("Pin", pin)?;
                line.number("FID", finger);
                line.number("Index", index);
                line.number("Valid", valid);
                line.number("Size", body.expose().len());
                line.body("Tmp", body)?;
            }
            Command::DeleteFvein { pin, finger } => {
                line.pin("Pin", pin)?;
                line.some_number("FID", *finger);
            }
            Command::UpdateBiodata(biodata) | Command::AccessUpdateBiodata(biodata) => {
                line.biodata(biodata)?
            }
            Command::DeleteBiodata { pin, wire_type, no } => {
                line.pin("Pin", pin)?;
                line.some_number("Type", *wire_type);
                line.some_number("No", *no);
            }
            Command::AccessDeleteBiodata { pin, wire_type } => {
                line.pin("Pin", pin)?;
                line.number("Type", wire_type);
            }
            Command::QueryBiodata { wire_type, pin, no } => {
                line.number("Type", wire_type);
                if let Some(pin) = pin {
                    line.pin("Pin", pin)?;
                }
                line.some_number("No", *no);
            }
            Command::UpdateBiophoto {
                pin,
                wire_type,
                body,
                post_back_template,
            } => {
                line.pin("PIN", pin)?;
                line.number("Type", wire_type);
                line.number("No", 0);
                line.number("Index", 0);
                line.number("Size", body.expose().len());
                line.body("Content", body)?;
                line.number("Format", 0);
                if *post_back_template {
                    line.number("PostBackTmpFlag", 1);
                }
            }
            Command::DeleteBiophoto { pin, wire_type }
            | Command::AccessDeleteBiophoto { pin, wire_type } => {
                line.pin("PIN", pin)?;
                line.number("Type", wire_type);
            }
            Command::UpdateUserPic { pin, body } => {
                line.pin("PIN", pin)?;
                line.number("Size", body.expose().len());
                line.body("Content", body)?;
            }
            Command::UpdateSms {
                text,
                audience,
                uid,
                minutes,
                start,
            } => {
                if text::longest_cut(text, LONGEST_MESSAGE) != text {
                    return Err(Unsendable::TooLong {
                        field: "MSG",
                        limit: LONGEST_MESSAGE,
                    });
                }
                line.text("MSG", text)?;
                line.number("TAG", audience.tag());
                line.number("UID", uid);
                line.number("MIN", minutes);
                line.number("StartTime", time::format_local(*start));
            }
            Command::DeleteSms { uid } => line.number("UID", uid),
            Command::UpdateUserSms { pin, uid } | Command::DeleteUserSms { pin, uid } => {
                line.pin("PIN", pin)?;
                line.number("UID", uid);
            }
            Command::UpdateWorkcode { index, code, name } => {
                line.number("PIN", index);
                line.pin("CODE", code)?;
                line.text("NAME", name)?;
            }
            Command::DeleteWorkcode { code } => line.pin("CODE", code)?,
            Command::QueryAttlog { from, to }
            | Command::QueryAttphoto { from, to }
            | Command::VerifySumAttlog { from, to } => {
                line.number("StartTime", time::format_local(*from));
                line.number("EndTime", time::format_local(*to));
            }
            Command::EnrollFinger {
                pin,
                finger,
                retry,
                overwrite,
            } => {
                line.pin("PIN", pin)?;
                line.number("FID", finger);
                line.number("RETRY", retry);
                line.number("OVERWRITE", u8::from(*overwrite));
            }
            Command::EnrollBio {
                wire_type,
                pin,
                card,
                retry,
                overwrite,
            } => {
                line.number("TYPE", wire_type);
                line.pin("PIN", pin)?;
                if let Some(card) = card {
                    line.text("CardNo", card)?;
                }
                line.number("RETRY", retry);
                line.number("OVERWRITE", u8::from(*overwrite));
            }
            Command::EnrollCard { pin, retry } => {
                line.pin("PIN", pin)?;
                line.number("RETRY", retry);
            }
            Command::AccessUpdateUser(user) => line.access_user(user)?,
            Command::AccessAuthorize {
                pin,
                time_zone,
                door,
            } => {
                line.pin("Pin", pin)?;
                line.number("AuthorizeTimezoneId", time_zone);
                line.number("AuthorizeDoorId", door);
            }
            Command::AccessDeleteUser { pin } | Command::AccessDeleteAuthorization { pin } => {
                line.pin("Pin", pin)?
            }
            Command::AccessUpdateBiophoto {
                pin,
                wire_type,
                body,
            } => {
                line.pin("PIN", pin)?;
                line.number("Type", wire_type);
                line.number("Size", body.expose().len());
                line.body("Content", body)?;
            }
            Command::AccessControl(control) => {
                let [a, b, c, d] = control.bytes()?;
                line.push(&format!("{a:02X}{b:02X}{c:02X}{d:02X}"));
            }
            Command::AccessSetOptions(options) => {
                let mut parts = Vec::new();
                for (key, value) in options {
                    let value = checked("value", value)?;
                    // Here a comma separates.
                    if value.contains(',') {
                        return Err(Unsendable::Byte {
                            field: "value",
                            byte: b',',
                        });
                    }
                    parts.push([&*checked_key(key)?, "=", &*value].concat());
                }
                line.push(&filled("options", parts.join(","))?);
            }
            Command::AccessGetOptions(keys) => {
                let keys: Vec<_> = keys
                    .iter()
                    .map(|key| checked_key(key))
                    .collect::<Result<_, _>>()?;
                line.push(&filled("options", keys.join(","))?);
            }
            Command::AccessQuery { table } => {
                line.push(&format!(
                    "tablename={},fielddesc=*,filter=*",
                    checked_key(table)?
                ));
            }
            Command::AccessCount { table } => line.push(&checked_key(table)?),
            Command::AccessClear(_) => line.push("*"),
        }
        Ok(line.text)
    }

    /// Reads the text behind `C:<id>:`. `None` for what no variant stands for: unknown verbs, missing
    /// or unreadable arguments.
    pub fn parse(text: &str) -> Option<Command> {
        let (verb, rest) = split_verb(text)?;
        let fields = Fields::read(rest);
        let pin = || fields.owned("PIN").or_else(|| fields.owned("Pin"));
        let period = || Some((fields.time("StartTime")?, fields.time("EndTime")?));
        Some(match verb {
            "REBOOT" => Command::Reboot,
            "INFO" => Command::Info,
            "CHECK" => Command::Check,
            "LOG" => Command::Log,
            "RELOAD OPTIONS" => Command::ReloadOptions,
            "AC_UNLOCK" => Command::Unlock,
            "AC_UNALARM" => Command::CancelAlarm,
            "CLEAR LOG" => Command::ClearLog,
            "CLEAR PHOTO" => Command::ClearPhoto,
            "CLEAR DATA" => Command::ClearData,
            "SET OPTION" => {
                let (key, value) = rest.split_once('=')?;
                Command::SetOption {
                    key: key.to_owned(),
                    value: value.to_owned(),
                }
            }
            "DATA UPDATE USERINFO" => Command::UpdateUser(UserFields {
                pin: pin()?,
                name: fields.owned("Name"),
                privilege: fields.number("Pri"),
                password: fields.owned("Passwd").map(Secret::new),
                card: fields.owned("Card"),
                group: fields.number("Grp"),
                timezones: fields.owned("TZ"),
                verify_mode: fields.number("Verify"),
                vice_card: fields.owned("ViceCard"),
                start: fields.time("StartDatetime"),
                end: fields.time("EndDatetime"),
                expires: fields.flag("Expires"),
            }),
            "DATA DELETE USERINFO" => Command::DeleteUser { pin: pin()? },
            "DATA QUERY USERINFO" => Command::QueryUser { pin: pin() },
            "DATA UPDATE FINGERTMP" => Command::UpdateFinger {
                pin: pin()?,
                finger: fields.number("FID")?,
                valid: fields.number("Valid")?,
                body: fields.secret("TMP")?,
            },
            "DATA DELETE FINGERTMP" => Command::DeleteFinger {
                pin: pin()?,
                finger: fields.number("FID"),
            },
            "DATA QUERY FINGERTMP" => Command::QueryFinger { pin: pin()? },
            "DATA UPDATE FACE" => Command::UpdateFace {
                pin: pin()?,
                index: fields.number("FID")?,
                valid: fields.number("Valid")?,
                body: fields.secret("TMP")?,
            },
            "DATA DELETE FACE" => Command::DeleteFace { pin: pin()? },
            "DATA UPDATE FVEIN" => Command::UpdateFvein {
                pin: pin()?,
                finger: fields.number("FID")?,
                index: fields.number("Index")?,
                valid: fields.number("Valid")?,
                body: fields.secret("Tmp")?,
            },
            "DATA DELETE FVEIN" => Command::DeleteFvein {
                pin: pin()?,
                finger: fields.number("FID"),
            },
            "DATA UPDATE BIODATA" => Command::UpdateBiodata(fields.biodata()?),
            "DATA UPDATE biodata" => Command::AccessUpdateBiodata(fields.biodata()?),
            "DATA DELETE BIODATA" => Command::DeleteBiodata {
                pin: pin()?,
                wire_type: fields.number("Type"),
                no: fields.number("No"),
            },
            "DATA QUERY BIODATA" => Command::QueryBiodata {
                wire_type: fields.number("Type")?,
                pin: pin(),
                no: fields.number("No"),
            },
            "DATA UPDATE BIOPHOTO" => Command::UpdateBiophoto {
                pin: pin()?,
                wire_type: fields.number("Type")?,
                body: fields.secret("Content")?,
                post_back_template: fields.flag("PostBackTmpFlag").unwrap_or(false),
            },
            "DATA DELETE BIOPHOTO" => Command::DeleteBiophoto {
                pin: pin()?,
                wire_type: fields.number("Type")?,
            },
            "DATA UPDATE USERPIC" => Command::UpdateUserPic {
                pin: pin()?,
                body: fields.secret("Content")?,
            },
            "DATA DELETE USERPIC" => Command::DeleteUserPic { pin: pin()? },
            "DATA UPDATE SMS" => Command::UpdateSms {
                text: fields.owned("MSG")?,
                audience: Audience::of(fields.get("TAG")?)?,
                uid: fields.number("UID")?,
                minutes: fields.number("MIN")?,
                start: fields.time("StartTime")?,
            },
            "DATA DELETE SMS" => Command::DeleteSms {
                uid: fields.number("UID")?,
            },
            "DATA UPDATE USER_SMS" => Command::UpdateUserSms {
                pin: pin()?,
                uid: fields.number("UID")?,
            },
            "DATA DELETE USER_SMS" => Command::DeleteUserSms {
                pin: pin()?,
                uid: fields.number("UID")?,
            },
            "DATA UPDATE WORKCODE" => Command::UpdateWorkcode {
                index: fields.number("PIN")?,
                code: fields.owned("CODE")?,
                name: fields.owned("NAME")?,
            },
            "DATA DELETE WORKCODE" => Command::DeleteWorkcode {
                code: fields.owned("CODE")?,
            },
            "DATA QUERY ATTLOG" => period().map(|(from, to)| Command::QueryAttlog { from, to })?,
            "DATA QUERY ATTPHOTO" => {
                period().map(|(from, to)| Command::QueryAttphoto { from, to })?
            }
            "VERIFY SUM ATTLOG" => {
                period().map(|(from, to)| Command::VerifySumAttlog { from, to })?
            }
            "ENROLL_FP" => Command::EnrollFinger {
                pin: pin()?,
                finger: fields.number("FID")?,
                retry: fields.number("RETRY")?,
                overwrite: fields.flag("OVERWRITE")?,
            },
            "ENROLL_BIO" => Command::EnrollBio {
                wire_type: fields.number("TYPE")?,
                pin: pin()?,
                card: fields.owned("CardNo"),
                retry: fields.number("RETRY")?,
                overwrite: fields.flag("OVERWRITE")?,
            },
            "ENROLL_MF" => Command::EnrollCard {
                pin: pin()?,
                retry: fields.number("RETRY")?,
            },
            "DATA UPDATE user" => Command::AccessUpdateUser(AccessUserFields {
                pin: pin()?,
                card: fields.owned("CardNo")?,
                password: fields.secret("Password")?,
                group: fields.number("Group")?,
                start: fields.owned("StartTime")?,
                end: fields.owned("EndTime")?,
                name: fields.owned("Name")?,
                privilege: fields.number("Privilege")?,
            }),
            "DATA UPDATE userauthorize" => Command::AccessAuthorize {
                pin: pin()?,
                time_zone: fields.number("AuthorizeTimezoneId")?,
                door: fields.number("AuthorizeDoorId")?,
            },
            "DATA DELETE userauthorize" if rest == "*" => {
                Command::AccessClear(AccessTable::Authorizations)
            }
            "DATA DELETE biodata" if rest == "*" => Command::AccessClear(AccessTable::Biodata),
            "DATA DELETE biophoto" if rest == "*" => Command::AccessClear(AccessTable::Biophotos),
            "DATA DELETE templatev10" if rest == "*" => {
                Command::AccessClear(AccessTable::Fingerprints)
            }
            "DATA DELETE user" if rest == "*" => Command::AccessClear(AccessTable::Users),
            "DATA DELETE transaction" if rest == "*" => {
                Command::AccessClear(AccessTable::Transactions)
            }
            "DATA DELETE user" => Command::AccessDeleteUser { pin: pin()? },
            "DATA DELETE userauthorize" => Command::AccessDeleteAuthorization { pin: pin()? },
            "DATA UPDATE biophoto" => Command::AccessUpdateBiophoto {
                pin: pin()?,
                wire_type: fields.number("Type")?,
                body: fields.secret("Content")?,
            },
            "DATA DELETE biodata" => Command::AccessDeleteBiodata {
                pin: pin()?,
                wire_type: fields.number("Type")?,
            },
            "DATA DELETE biophoto" => Command::AccessDeleteBiophoto {
                pin: pin()?,
                wire_type: fields.number("Type")?,
            },
            "CONTROL DEVICE" => Command::AccessControl(Control::of(control_bytes(rest)?)?),
            "SET OPTIONS" => {
                let pair = |pair: &str| {
                    pair.split_once('=')
                        .map(|(key, value)| (key.to_owned(), value.to_owned()))
                };
                Command::AccessSetOptions(rest.split(',').map(pair).collect::<Option<_>>()?)
            }
            "GET OPTIONS" if !rest.is_empty() => {
                Command::AccessGetOptions(rest.split(',').map(str::to_owned).collect())
            }
            "DATA QUERY" => {
                let table = rest
                    .strip_prefix("tablename=")?
                    .strip_suffix(",fielddesc=*,filter=*")?;
                Command::AccessQuery {
                    table: table.to_owned(),
                }
            }
            "DATA COUNT" if !rest.is_empty() && !rest.contains([' ', '\t']) => {
                Command::AccessCount {
                    table: rest.to_owned(),
                }
            }
            _ => return None,
        })
    }
}

impl From<&Template> for Command {
    /// Sends a template in the kind of row it came in.
    fn from(template: &Template) -> Command {
        let pin = template.pin.clone();
        let body = template.body.clone();
        let valid = template.valid;
        match template.source {
            TemplateSource::Fp => Command::UpdateFinger {
                pin,
                finger: template.no,
                valid,
                body,
            },
            TemplateSource::Face => Command::UpdateFace {
                pin,
                index: template.index,
                valid,
                body,
            },
            TemplateSource::Fvein => Command::UpdateFvein {
                pin,
                finger: template.no,
                index: template.index,
                valid,
                body,
            },
            TemplateSource::Biodata => Command::UpdateBiodata(BiodataFields {
                pin,
                no: template.no,
                index: template.index,
                valid,
                duress: template.duress,
                wire_type: template.wire_type,
                major_ver: template.major_ver.clone(),
                minor_ver: template.minor_ver.clone(),
                format: template.format,
                body,
            }),
        }
    }
}

impl From<&Picture> for Command {
    fn from(picture: &Picture) -> Command {
        let (pin, body) = (picture.pin.clone(), picture.body.clone());
        match picture.kind {
            PictureKind::UserPic => Command::UpdateUserPic { pin, body },
            PictureKind::BioPhoto => Command::UpdateBiophoto {
                pin,
                wire_type: picture.wire_type.unwrap_or(VISIBLE_LIGHT_FACE),
                body,
                post_back_template: false,
            },
        }
    }
}

const VISIBLE_LIGHT_FACE: i16 = 9;

fn is_clock(key: &str) -> bool {
    key.eq_ignore_ascii_case("DateTime") || key.eq_ignore_ascii_case("ServerLocalTime")
}

/// Verbs are one to three words; their case tells an access terminal's table from an attendance terminal's.
fn split_verb(text: &str) -> Option<(&str, &str)> {
    let words = match text.split(' ').next()? {
        // `DATA QUERY tablename=…` and `DATA COUNT user` have their table among the arguments.
        "DATA" if text.starts_with("DATA QUERY tablename=") || text.starts_with("DATA COUNT ") => 2,
        "DATA" | "VERIFY" => 3,
        "SET" | "GET" | "RELOAD" | "CLEAR" | "CONTROL" => 2,
        _ => 1,
    };
    let end = text
        .match_indices(' ')
        .nth(words - 1)
        .map_or(text.len(), |(at, _)| at);
    let (verb, rest) = text.split_at(end);
    Some((verb, rest.strip_prefix(' ').unwrap_or(rest)))
}

fn control_bytes(text: &str) -> Option<[u8; 4]> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(text, 16).ok().map(u32::to_be_bytes)
}

/// A command under construction: a blank before the first argument, TABs between the others.
struct Line {
    text: String,
    separator: char,
}

impl Line {
    fn push(&mut self, argument: &str) {
        self.text.push(self.separator);
        self.text.push_str(argument);
        self.separator = '\t';
    }

    /// For values of our own making.
    fn number(&mut self, key: &str, value: impl fmt::Display) {
        self.push(&format!("{key}={value}"));
    }

    fn some_number(&mut self, key: &str, value: Option<impl fmt::Display>) {
        if let Some(value) = value {
            self.number(key, value);
        }
    }

    fn text(&mut self, key: &'static str, value: &str) -> Result<(), Unsendable> {
        let value = checked(key, value)?;
        self.push(&[key, "=", &*value].concat());
        Ok(())
    }

    fn some_text(&mut self, key: &'static str, value: Option<&str>) -> Result<(), Unsendable> {
        value.map_or(Ok(()), |value| self.text(key, value))
    }

    fn pin(&mut self, key: &'static str, pin: &str) -> Result<(), Unsendable> {
        let value = filled(key, checked(key, pin)?)?;
        self.push(&[key, "=", &*value].concat());
        Ok(())
    }

    /// A template or picture: a missing one would erase what the terminal has.
    fn body(&mut self, key: &'static str, body: &Secret) -> Result<(), Unsendable> {
        self.pin(key, body.expose())
    }

    fn user(&mut self, user: &UserFields) -> Result<(), Unsendable> {
        let moment = |moment: NaiveDateTime| moment.format("%Y-%m-%dT%H:%M:%S").to_string();
        self.pin("PIN", &user.pin)?;
        self.some_text(
            "Name",
            user.name
                .as_deref()
                .map(|name| text::longest_cut(name, LONGEST_NAME)),
        )?;
        self.some_number("Pri", user.privilege);
        self.some_text("Passwd", user.password.as_ref().map(Secret::expose))?;
        self.some_text("Card", user.card.as_deref())?;
        self.some_number("Grp", user.group);
        self.some_text("TZ", user.timezones.as_deref())?;
        self.some_number("Verify", user.verify_mode);
        self.some_text("ViceCard", user.vice_card.as_deref())?;
        self.some_number("StartDatetime", user.start.map(moment));
        self.some_number("EndDatetime", user.end.map(moment));
        self.some_number("Expires", user.expires.map(u8::from));
        Ok(())
    }

    fn access_user(&mut self, user: &AccessUserFields) -> Result<(), Unsendable> {
        self.text("CardNo", &user.card)?;
        self.pin("Pin", &user.pin)?;
        self.text("Password", user.password.expose())?;
        self.number("Group", user.group);
        self.text("StartTime", &user.start)?;
        self.text("EndTime", &user.end)?;
        self.text("Name", text::longest_cut(&user.name, LONGEST_NAME))?;
        self.number("Privilege", user.privilege);
        Ok(())
    }

    fn biodata(&mut self, biodata: &BiodataFields) -> Result<(), Unsendable> {
        self.pin("Pin", &biodata.pin)?;
        self.number("No", biodata.no);
        self.number("Index", biodata.index);
        self.number("Valid", biodata.valid);
        self.number("Duress", u8::from(biodata.duress));
        self.number("Type", biodata.wire_type);
        self.text("MajorVer", &biodata.major_ver)?;
        self.text("MinorVer", &biodata.minor_ver)?;
        self.number("Format", biodata.format);
        self.body("Tmp", &biodata.body)
    }
}

/// A value without control bytes; those that separate fields or commands are refused instead of dropped.
fn checked<'a>(field: &'static str, value: &'a str) -> Result<Cow<'a, str>, Unsendable> {
    if let Some(byte) = value
        .bytes()
        .find(|byte| matches!(byte, b'\t' | b'\r' | b'\n' | 0))
    {
        return Err(Unsendable::Byte { field, byte });
    }
    if value.contains(|c: char| c.is_ascii_control()) {
        return Ok(Cow::Owned(
            value.replace(|c: char| c.is_ascii_control(), ""),
        ));
    }
    Ok(Cow::Borrowed(value))
}

/// Names of options and tables.
fn checked_key(key: &str) -> Result<Cow<'_, str>, Unsendable> {
    match key
        .bytes()
        .find(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'~' | b'.' | b'-')))
    {
        Some(byte) => Err(Unsendable::Byte { field: "key", byte }),
        None if key.is_empty() => Err(Unsendable::Empty { field: "key" }),
        None => Ok(Cow::Borrowed(key)),
    }
}

fn filled<T: AsRef<str>>(field: &'static str, value: T) -> Result<T, Unsendable> {
    if value.as_ref().is_empty() {
        Err(Unsendable::Empty { field })
    } else {
        Ok(value)
    }
}

/// Arguments of a received command.
struct Fields<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Fields<'a> {
    fn read(rest: &'a str) -> Fields<'a> {
        Fields(
            rest.split('\t')
                .filter_map(|field| field.split_once('='))
                .collect(),
        )
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.0
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| *value)
    }

    fn owned(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    fn secret(&self, name: &str) -> Option<Secret> {
        self.get(name).map(Secret::new)
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.parse().ok()
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.get(name).map(|value| value == "1")
    }

    fn time(&self, name: &str) -> Option<NaiveDateTime> {
        time::parse_local(self.get(name)?)
    }

    fn biodata(&self) -> Option<BiodataFields> {
        Some(BiodataFields {
            pin: self.owned("Pin")?,
            no: self.number("No")?,
            index: self.number("Index")?,
            valid: self.number("Valid")?,
            duress: self.flag("Duress")?,
            wire_type: self.number("Type")?,
            major_ver: self.owned("MajorVer")?,
            minor_ver: self.owned("MinorVer")?,
            format: self.number("Format")?,
            body: self.secret("Tmp")?,
        })
    }
}

/// Most commands in one reply.
pub const MOST_PER_REPLY: usize = 20;
/// Most bytes in one reply, unless a single command is larger.
pub const MOST_BYTES_PER_REPLY: usize = 32 * 1024;

/// Whether a command about `later` undoes one about `earlier` that came before it ([`Command::subject`]).
pub fn overtakes(later: &str, earlier: &str) -> bool {
    match (
        later.strip_prefix("option "),
        earlier.strip_prefix("option "),
    ) {
        (Some(later), Some(earlier)) => later.split(' ').any(|key| {
            earlier
                .split(' ')
                .any(|other| other.eq_ignore_ascii_case(key))
        }),
        (None, None) => earlier
            .strip_prefix(later)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')),
        _ => false,
    }
}

/// One command of a reply. The LF is needed behind the last one too: a terminal may not run it otherwise. `id` is at most
/// 16 digits or letters.
pub fn line(id: &str, text: &str) -> String {
    format!("C:{id}:{text}\n")
}

/// As [`line`], for access terminals that registered with `CmdFormat=1` (fixture E34).
pub fn wrapped(serial_number: &SerialNumber, id: &str, text: &str) -> String {
    format!("DataType=1,SN={serial_number},Priority=0,CmdID={id},CmdDesc=C:{id}:{text}\n")
}

/// The text as it is to be sent at this moment of the terminal's wall clock: an order to set the clock
/// may have waited, and a clock set to the time of the order would be set late.
pub fn at_moment(text: &str, local: NaiveDateTime) -> Cow<'_, str> {
    for family in ["SET OPTION DateTime=", "SET OPTIONS DateTime="] {
        if let Some(packed) = text.strip_prefix(family)
            && packed.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Cow::Owned(format!("{family}{}", time::pack(local)));
        }
    }
    Cow::Borrowed(text)
}

/// How many of the queued texts, in their order, go into one reply: at most 20, at most 32 KB; a larger one travels
/// alone; nothing follows a restart, which would lose it.
pub fn batch<'a>(queued: impl IntoIterator<Item = &'a str>) -> usize {
    // `C:`, an id of at most 16, `:` and LF; the wrapping of access terminals adds about as much again.
    const AROUND: usize = 100;
    let mut count = 0;
    let mut bytes = 0;
    for text in queued {
        bytes += text.len() + AROUND;
        if count == MOST_PER_REPLY || (count > 0 && bytes > MOST_BYTES_PER_REPLY) {
            break;
        }
        count += 1;
        if text == "REBOOT" || text == "CONTROL DEVICE 03000000" {
            break;
        }
    }
    count
}

/// The commands of a reply: id and text, as a terminal reads them. Lines without `C:` are dropped silently, as it does.
pub fn read_batch(reply: &str) -> Vec<(String, String)> {
    let read = |line: &str| {
        let line = line.trim_end_matches('\r');
        let line = match line.strip_prefix("DataType=") {
            Some(wrapped) => wrapped.split_once("CmdDesc=")?.1,
            None => line,
        };
        let (id, text) = line.strip_prefix("C:")?.split_once(':')?;
        Some((id.to_owned(), text.to_owned()))
    };
    reply.split('\n').filter_map(read).collect()
}

/// The text for a terminal of this language, its name no longer than the terminal holds: a name of Chinese letters is
/// shorter in GB18030 than in UTF-8.
pub fn fitted(text: &str, language: Option<u16>) -> Cow<'_, str> {
    const NAME: &str = "\tName=";
    let is_record = matches!(
        split_verb(text),
        Some(("DATA UPDATE USERINFO" | "DATA UPDATE user", _))
    );
    let Some(at) = text.find(NAME).filter(|_| is_record) else {
        return Cow::Borrowed(text);
    };
    let (before, name) = text.split_at(at + NAME.len());
    let (name, after) = name.split_at(name.find('\t').unwrap_or(name.len()));
    Cow::Owned([before, text::cut_for(name, LONGEST_NAME, language), after].concat())
}

/// As much of a message as a terminal of this language takes; `mark` stands where it was cut.
pub fn cut_message(message: &str, mark: &str, language: Option<u16>) -> String {
    if text::cut_for(message, LONGEST_MESSAGE, language) == message {
        return message.to_owned();
    }
    let room = LONGEST_MESSAGE - text::encode_for(mark, language).len();
    format!(
        "{}{mark}",
        text::cut_for(message, room, language).trim_end()
    )
}

/// The bytes of a reply for a terminal of this language: GB18030 for 83, else UTF-8.
pub fn wire_bytes(reply: &str, language: Option<u16>) -> Cow<'_, [u8]> {
    text::encode_for(reply, language)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn user(pin: &str) -> UserFields {
        UserFields {
            pin: pin.to_owned(),
            ..UserFields::default()
        }
    }

    #[test]
    fn a_clock_is_set_to_the_moment_it_is_told() {
        // Packed in the vendor paper of 2021 (fixture E28).
        let moment = time::parse_local("2018-02-22 14:54:54").expect("a time");
        for (queued, sent) in [
            ("SET OPTION DateTime=1", "SET OPTION DateTime=583080894"),
            ("SET OPTIONS DateTime=1", "SET OPTIONS DateTime=583080894"),
            ("SET OPTIONS DateTime=1,A=2", "SET OPTIONS DateTime=1,A=2"),
            ("SET OPTION DateTimeFmt=1", "SET OPTION DateTimeFmt=1"),
            ("CHECK", "CHECK"),
        ] {
            assert_eq!(at_moment(queued, moment), sent);
        }
    }

    #[test]
    fn a_value_that_would_end_its_field_is_refused() {
        let named = |name: &str| {
            Command::UpdateUser(UserFields {
                name: Some(name.to_owned()),
                ..user("1")
            })
            .encode()
        };
        assert_eq!(
            named("A\tPri=14"),
            Err(Unsendable::Byte {
                field: "Name",
                byte: b'\t'
            })
        );
        assert_eq!(
            named("A\nC:2:REBOOT"),
            Err(Unsendable::Byte {
                field: "Name",
                byte: b'\n'
            })
        );
        assert_eq!(
            named("A\0"),
            Err(Unsendable::Byte {
                field: "Name",
                byte: 0
            })
        );
        assert_eq!(
            named("A\u{7}B").as_deref(),
            Ok("DATA UPDATE USERINFO PIN=1\tName=AB")
        );
        assert_eq!(
            Command::UpdateUser(user("")).encode(),
            Err(Unsendable::Empty { field: "PIN" })
        );
        let option = |key: &str, value: &str| {
            Command::SetOption {
                key: key.into(),
                value: value.into(),
            }
            .encode()
        };
        assert_eq!(
            option("A=B", "1"),
            Err(Unsendable::Byte {
                field: "key",
                byte: b'='
            })
        );
        assert_eq!(option("", "1"), Err(Unsendable::Empty { field: "key" }));
        assert_eq!(
            Command::AccessSetOptions(vec![("A".into(), "1,B=2".into())]).encode(),
            Err(Unsendable::Byte {
                field: "value",
                byte: b','
            })
        );
    }

    #[test]
    fn names_are_cut_between_characters() {
        let long = UserFields {
            name: Some("é".repeat(20)),
            ..user("1")
        };
        assert_eq!(
            Command::UpdateUser(long).encode(),
            Ok(format!(
                "DATA UPDATE USERINFO PIN=1\tName={}",
                "é".repeat(12)
            ))
        );
    }

    #[test]
    fn all_doors_and_open_for_ever_are_not_sent() {
        let control = |control| Command::AccessControl(control).encode();
        assert_eq!(
            control(Control::Open {
                door: 1,
                seconds: 5
            })
            .as_deref(),
            Ok("CONTROL DEVICE 01010105")
        );
        assert_eq!(
            control(Control::CancelAlarm { door: 1 }).as_deref(),
            Ok("CONTROL DEVICE 02010000")
        );
        assert_eq!(
            control(Control::Restart).as_deref(),
            Ok("CONTROL DEVICE 03000000")
        );
        assert_eq!(
            control(Control::Open {
                door: 0,
                seconds: 5
            }),
            Err(Unsendable::OutOfRange { field: "door" })
        );
        assert_eq!(
            control(Control::Open {
                door: 1,
                seconds: 255
            }),
            Err(Unsendable::OutOfRange { field: "seconds" })
        );
        assert_eq!(Command::parse("CONTROL DEVICE 010101FF"), None);
        assert_eq!(Command::parse("CONTROL DEVICE 01000105"), None);
    }

    #[test]
    fn what_must_not_happen_twice_is_known() {
        let option = |key: &str| Command::SetOption {
            key: key.into(),
            value: "1".into(),
        };
        assert!(option("Delay").idempotent());
        assert!(!option("DateTime").idempotent());
        assert!(!Command::Reboot.idempotent());
        assert!(!Command::Unlock.idempotent() && Command::Unlock.is_door());
        assert!(!Command::AccessControl(Control::Restart).is_door());
    }

    #[test]
    fn a_later_command_about_the_same_leaves_nothing_to_an_earlier_one() {
        let subject = |command: Command| command.subject().expect("it sets something");
        let host = subject(Command::SetOption {
            key: "WebServerIP".into(),
            value: "192.0.2.1".into(),
        });
        let both = subject(Command::AccessSetOptions(vec![
            ("WebServerIP".into(), "192.0.2.1".into()),
            ("WebServerPort".into(), "80".into()),
        ]));
        assert!(overtakes(&host, &host) && overtakes(&host, &both) && overtakes(&both, &host));
        assert!(!overtakes("option WebServerPort", &host));
        let text = "data sms 1001";
        let assigned = subject(Command::UpdateUserSms {
            pin: "7".into(),
            uid: 1001,
        });
        assert_eq!(subject(Command::DeleteSms { uid: 1001 }), text);
        assert!(overtakes(text, text) && overtakes(text, &assigned));
        assert!(
            !overtakes(&assigned, text),
            "the text goes before whom it is for"
        );
        assert!(!overtakes("data sms 100", text));
        assert!(overtakes(&subject(Command::ClearData), text));
        assert_eq!(Command::Check.subject(), None);
    }

    #[test]
    fn a_name_is_cut_by_what_the_terminal_holds_in_its_own_encoding() {
        let name = "王李张刘陈杨黄赵周吴徐孙马";
        let record = Command::UpdateUser(UserFields {
            name: Some(name.into()),
            privilege: Some(0),
            ..user("7")
        });
        let access = Command::AccessUpdateUser(AccessUserFields {
            pin: "7".into(),
            name: name.into(),
            ..AccessUserFields::default()
        });
        for command in [record, access] {
            let text = command.encode().expect("sendable");
            for (language, held) in [
                (Some(83), "王李张刘陈杨黄赵周吴徐孙"),
                (Some(69), "王李张刘陈杨黄赵"),
                (None, "王李张刘陈杨黄赵"),
            ] {
                let fitted = fitted(&text, language);
                assert!(fitted.contains(&format!("\tName={held}\tPri")), "{fitted}");
                assert_eq!(
                    fitted.replace(held, name).len(),
                    command.encode().expect("sendable").len() + 3
                );
            }
        }
        let latin = "DATA UPDATE USERINFO PIN=1\tName=Maximiliano de la Cruz G\tPri=0";
        assert_eq!(fitted(latin, Some(83)), latin);
        let message = "DATA UPDATE SMS MSG=a\tName=王李张刘陈杨黄赵周吴徐孙马";
        assert_eq!(fitted(message, Some(83)), message);
    }

    #[test]
    fn a_message_is_cut_by_what_the_terminal_holds_in_its_own_encoding() {
        let message = "中".repeat(161);
        let held = cut_message(&message, "…", Some(83));
        assert_eq!(held, format!("{}…", "中".repeat(159)));
        assert_eq!(wire_bytes(&held, Some(83)).len(), LONGEST_MESSAGE);
        assert_eq!(cut_message(&message[3..], "…", Some(83)), message[3..]);
        let held = cut_message(&message, "…", None);
        assert_eq!(held, format!("{}…", "中".repeat(105)));
        let fits = "é".repeat(LONGEST_MESSAGE / 2);
        assert_eq!(cut_message(&fits, "…", None), fits);
        let held = cut_message(&format!("a{fits}"), "…", None);
        assert_eq!(held, format!("a{}…", "é".repeat(158)));
        let sms = |text: String| Command::UpdateSms {
            text,
            audience: Audience::Everybody,
            uid: 1,
            minutes: 1,
            start: NaiveDateTime::default(),
        };
        assert!(sms(message[3..].to_owned()).encode().is_ok());
        let limit = Unsendable::TooLong {
            field: "MSG",
            limit: LONGEST_MESSAGE,
        };
        assert_eq!(sms(message).encode(), Err(limit));
    }

    #[test]
    fn a_reply_is_bounded_and_a_restart_ends_it() {
        let large = "x".repeat(40_000);
        assert_eq!(batch(["INFO"; 50]), 20);
        assert_eq!(batch(["INFO", "REBOOT", "CHECK"]), 2);
        assert_eq!(batch([large.as_str(), "INFO"]), 1);
        assert_eq!(batch(["INFO", large.as_str()]), 1);
        assert_eq!(batch(["x".repeat(10_000).as_str(); 5]), 3);
        assert_eq!(batch([]), 0);
    }

    #[test]
    fn guarded_options_are_known_in_any_case() {
        assert!(
            is_guarded_option("webserverip")
                && is_guarded_option("~SerialNumber")
                && is_guarded_option("DeviceID")
        );
        assert!(!is_guarded_option("Delay"));
    }

    fn text() -> impl Strategy<Value = String> {
        "[A-Za-z0-9 =:,.é中_-]{0,8}"
    }

    fn pin() -> impl Strategy<Value = String> {
        "[A-Za-z0-9_-]{1,24}"
    }

    fn secret() -> impl Strategy<Value = Secret> {
        "[A-Za-z0-9+/]{1,40}={0,2}".prop_map(Secret::new)
    }

    fn moment() -> impl Strategy<Value = NaiveDateTime> {
        (0i64..253_402_300_799).prop_map(|second| {
            chrono::DateTime::from_timestamp(second, 0)
                .expect("in range")
                .naive_utc()
        })
    }

    prop_compose! {
        fn user_fields()(
            pin in pin(),
            texts in (prop::option::of(text()), prop::option::of(text()), prop::option::of(text()), prop::option::of(text()), prop::option::of(text())),
            numbers in (any::<Option<i16>>(), any::<Option<i32>>(), any::<Option<i16>>()),
            start in prop::option::of(moment()),
            end in prop::option::of(moment()),
            expires: Option<bool>,
        ) -> UserFields {
            let (name, password, card, timezones, vice_card) = texts;
            let (privilege, group, verify_mode) = numbers;
            UserFields {
                pin, name, privilege, password: password.map(Secret::new), card, group, timezones, verify_mode, vice_card, start, end, expires,
            }
        }
    }

    prop_compose! {
        fn biodata()(pin in pin(), no: i16, index: i16, valid: i16, duress: bool, wire_type: i16, major_ver in text(), minor_ver in text(), format: i16, body in secret()) -> BiodataFields {
            BiodataFields { pin, no, index, valid, duress, wire_type, major_ver, minor_ver, format, body }
        }
    }

    prop_compose! {
        fn access_user()(pin in pin(), card in text(), password in text(), group: i32, start in text(), end in text(), name in text(), privilege: i16) -> AccessUserFields {
            AccessUserFields { pin, card, password: Secret::new(password), group, start, end, name, privilege }
        }
    }

    fn control() -> impl Strategy<Value = Control> {
        prop_oneof![
            (1u8.., 1u8..255).prop_map(|(door, seconds)| Control::Open { door, seconds }),
            (1u8..).prop_map(|door| Control::Close { door }),
            (1u8.., 1u8..255)
                .prop_map(|(output, seconds)| Control::OpenAuxiliary { output, seconds }),
            (1u8..).prop_map(|door| Control::CancelAlarm { door }),
            Just(Control::Restart),
            (1u8.., any::<bool>()).prop_map(|(door, on)| Control::HoldOpen { door, on }),
        ]
    }

    fn plain() -> impl Strategy<Value = Command> {
        prop::sample::select(vec![
            Command::Reboot,
            Command::Info,
            Command::Check,
            Command::Log,
            Command::ReloadOptions,
            Command::Unlock,
            Command::CancelAlarm,
            Command::ClearLog,
            Command::ClearPhoto,
            Command::ClearData,
        ])
    }

    fn templates() -> impl Strategy<Value = Command> {
        prop_oneof![
            (pin(), any::<i16>(), any::<i16>(), secret()).prop_map(|(pin, finger, valid, body)| {
                Command::UpdateFinger {
                    pin,
                    finger,
                    valid,
                    body,
                }
            }),
            (pin(), any::<Option<i16>>())
                .prop_map(|(pin, finger)| Command::DeleteFinger { pin, finger }),
            pin().prop_map(|pin| Command::QueryFinger { pin }),
            (pin(), any::<i16>(), any::<i16>(), secret()).prop_map(|(pin, index, valid, body)| {
                Command::UpdateFace {
                    pin,
                    index,
                    valid,
                    body,
                }
            }),
            pin().prop_map(|pin| Command::DeleteFace { pin }),
            (pin(), any::<i16>(), any::<i16>(), any::<i16>(), secret()).prop_map(
                |(pin, finger, index, valid, body)| Command::UpdateFvein {
                    pin,
                    finger,
                    index,
                    valid,
                    body
                }
            ),
            (pin(), any::<Option<i16>>())
                .prop_map(|(pin, finger)| Command::DeleteFvein { pin, finger }),
            biodata().prop_map(Command::UpdateBiodata),
            (pin(), any::<Option<i16>>(), any::<Option<i16>>())
                .prop_map(|(pin, wire_type, no)| Command::DeleteBiodata { pin, wire_type, no }),
            (any::<i16>(), prop::option::of(pin()), any::<Option<i16>>())
                .prop_map(|(wire_type, pin, no)| Command::QueryBiodata { wire_type, pin, no }),
            (pin(), any::<i16>(), secret(), any::<bool>()).prop_map(
                |(pin, wire_type, body, post_back_template)| {
                    Command::UpdateBiophoto {
                        pin,
                        wire_type,
                        body,
                        post_back_template,
                    }
                }
            ),
            (pin(), any::<i16>())
                .prop_map(|(pin, wire_type)| Command::DeleteBiophoto { pin, wire_type }),
            (pin(), secret()).prop_map(|(pin, body)| Command::UpdateUserPic { pin, body }),
            pin().prop_map(|pin| Command::DeleteUserPic { pin }),
        ]
    }

    fn people() -> impl Strategy<Value = Command> {
        let audience = prop::sample::select(vec![
            Audience::Everybody,
            Audience::Assigned,
            Audience::Reserved,
        ]);
        prop_oneof![
            ("[A-Za-z~][A-Za-z0-9]{0,9}", text())
                .prop_map(|(key, value)| Command::SetOption { key, value }),
            user_fields().prop_map(Command::UpdateUser),
            pin().prop_map(|pin| Command::DeleteUser { pin }),
            prop::option::of(pin()).prop_map(|pin| Command::QueryUser { pin }),
            (text(), audience, any::<u32>(), any::<u32>(), moment()).prop_map(
                |(text, audience, uid, minutes, start)| Command::UpdateSms {
                    text,
                    audience,
                    uid,
                    minutes,
                    start
                }
            ),
            any::<u32>().prop_map(|uid| Command::DeleteSms { uid }),
            (pin(), any::<u32>()).prop_map(|(pin, uid)| Command::UpdateUserSms { pin, uid }),
            (pin(), any::<u32>()).prop_map(|(pin, uid)| Command::DeleteUserSms { pin, uid }),
            (any::<u32>(), pin(), text()).prop_map(|(index, code, name)| Command::UpdateWorkcode {
                index,
                code,
                name
            }),
            pin().prop_map(|code| Command::DeleteWorkcode { code }),
            (moment(), moment()).prop_map(|(from, to)| Command::QueryAttlog { from, to }),
            (moment(), moment()).prop_map(|(from, to)| Command::QueryAttphoto { from, to }),
            (moment(), moment()).prop_map(|(from, to)| Command::VerifySumAttlog { from, to }),
            (pin(), any::<i16>(), any::<u8>(), any::<bool>()).prop_map(
                |(pin, finger, retry, overwrite)| Command::EnrollFinger {
                    pin,
                    finger,
                    retry,
                    overwrite
                }
            ),
            (
                any::<i16>(),
                pin(),
                prop::option::of(text()),
                any::<u8>(),
                any::<bool>()
            )
                .prop_map(|(wire_type, pin, card, retry, overwrite)| {
                    Command::EnrollBio {
                        wire_type,
                        pin,
                        card,
                        retry,
                        overwrite,
                    }
                }),
            (pin(), any::<u8>()).prop_map(|(pin, retry)| Command::EnrollCard { pin, retry }),
        ]
    }

    fn access() -> impl Strategy<Value = Command> {
        let key = || "~?[A-Za-z][A-Za-z0-9]{0,9}";
        let value = "[A-Za-z0-9 .:-]{0,8}";
        prop_oneof![
            access_user().prop_map(Command::AccessUpdateUser),
            (pin(), any::<u32>(), any::<u32>()).prop_map(|(pin, time_zone, door)| {
                Command::AccessAuthorize {
                    pin,
                    time_zone,
                    door,
                }
            }),
            pin().prop_map(|pin| Command::AccessDeleteUser { pin }),
            pin().prop_map(|pin| Command::AccessDeleteAuthorization { pin }),
            biodata().prop_map(Command::AccessUpdateBiodata),
            (pin(), any::<i16>())
                .prop_map(|(pin, wire_type)| Command::AccessDeleteBiodata { pin, wire_type }),
            (pin(), any::<i16>(), secret()).prop_map(|(pin, wire_type, body)| {
                Command::AccessUpdateBiophoto {
                    pin,
                    wire_type,
                    body,
                }
            }),
            (pin(), any::<i16>())
                .prop_map(|(pin, wire_type)| Command::AccessDeleteBiophoto { pin, wire_type }),
            control().prop_map(Command::AccessControl),
            prop::collection::vec((key(), value), 1..4).prop_map(Command::AccessSetOptions),
            prop::collection::vec(key(), 1..4).prop_map(Command::AccessGetOptions),
            key().prop_map(|table| Command::AccessQuery { table }),
            key().prop_map(|table| Command::AccessCount { table }),
            prop::sample::select(vec![
                AccessTable::Authorizations,
                AccessTable::Biodata,
                AccessTable::Biophotos,
                AccessTable::Fingerprints,
                AccessTable::Users,
                AccessTable::Transactions,
            ])
            .prop_map(Command::AccessClear),
        ]
    }

    /// Texts with the bytes in them that mean something on the wire.
    fn hostile() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "[0-9a-zA-Z \t\r\n\\x00,=:]{0,30}",
            ("[0-9]{0,4}", "[\t\r\n\\x00,]", "[A-Za-z]{1,8}=[0-9]{1,3}")
                .prop_map(|(value, separator, field)| [value, separator, field].concat()),
        ]
    }

    /// Every command that takes a text, with this one wherever it does.
    fn with(text: &str) -> Vec<Command> {
        let own = || text.to_owned();
        let body = || Secret::new(own());
        let moment = time::parse_local("2026-01-15 08:00:00").expect("a time");
        let biodata = || BiodataFields {
            pin: own(),
            no: 0,
            index: 0,
            valid: 1,
            duress: false,
            wire_type: 9,
            major_ver: own(),
            minor_ver: own(),
            format: 0,
            body: body(),
        };
        vec![
            Command::SetOption {
                key: own(),
                value: own(),
            },
            Command::UpdateUser(UserFields {
                name: Some(own()),
                password: Some(body()),
                card: Some(own()),
                timezones: Some(own()),
                vice_card: Some(own()),
                ..user(text)
            }),
            Command::DeleteUser { pin: own() },
            Command::QueryUser { pin: Some(own()) },
            Command::UpdateFinger {
                pin: own(),
                finger: 1,
                valid: 1,
                body: body(),
            },
            Command::DeleteFinger {
                pin: own(),
                finger: Some(1),
            },
            Command::QueryFinger { pin: own() },
            Command::UpdateFace {
                pin: own(),
                index: 0,
                valid: 1,
                body: body(),
            },
            Command::DeleteFace { pin: own() },
            Command::UpdateFvein {
                pin: own(),
                finger: 1,
                index: 0,
                valid: 1,
                body: body(),
            },
            Command::DeleteFvein {
                pin: own(),
                finger: Some(1),
            },
            Command::UpdateBiodata(biodata()),
            Command::DeleteBiodata {
                pin: own(),
                wire_type: Some(9),
                no: Some(0),
            },
            Command::QueryBiodata {
                pin: Some(own()),
                wire_type: 9,
                no: Some(0),
            },
            Command::UpdateBiophoto {
                pin: own(),
                wire_type: 9,
                body: body(),
                post_back_template: true,
            },
            Command::DeleteBiophoto {
                pin: own(),
                wire_type: 9,
            },
            Command::UpdateUserPic {
                pin: own(),
                body: body(),
            },
            Command::DeleteUserPic { pin: own() },
            Command::UpdateSms {
                text: own(),
                audience: Audience::Everybody,
                uid: 1,
                minutes: 1,
                start: moment,
            },
            Command::UpdateUserSms { pin: own(), uid: 1 },
            Command::DeleteUserSms { pin: own(), uid: 1 },
            Command::UpdateWorkcode {
                index: 1,
                code: own(),
                name: own(),
            },
            Command::DeleteWorkcode { code: own() },
            Command::EnrollFinger {
                pin: own(),
                finger: 1,
                retry: 3,
                overwrite: true,
            },
            Command::EnrollBio {
                wire_type: 9,
                pin: own(),
                card: Some(own()),
                retry: 3,
                overwrite: true,
            },
            Command::EnrollCard {
                pin: own(),
                retry: 3,
            },
            Command::AccessUpdateUser(AccessUserFields {
                pin: own(),
                card: own(),
                password: body(),
                group: 0,
                start: own(),
                end: own(),
                name: own(),
                privilege: 0,
            }),
            Command::AccessAuthorize {
                pin: own(),
                time_zone: 1,
                door: 1,
            },
            Command::AccessDeleteUser { pin: own() },
            Command::AccessDeleteAuthorization { pin: own() },
            Command::AccessUpdateBiodata(biodata()),
            Command::AccessDeleteBiodata {
                pin: own(),
                wire_type: 9,
            },
            Command::AccessUpdateBiophoto {
                pin: own(),
                wire_type: 9,
                body: body(),
            },
            Command::AccessDeleteBiophoto {
                pin: own(),
                wire_type: 9,
            },
            Command::AccessSetOptions(vec![(own(), own()), (own(), own())]),
            Command::AccessGetOptions(vec![own(), own()]),
            Command::AccessQuery { table: own() },
            Command::AccessCount { table: own() },
        ]
    }

    proptest! {
        #[test]
        fn a_command_survives_the_wire(command in prop_oneof![plain(), templates(), people(), access()], id in "[0-9]{1,10}") {
            let text = command.encode().expect("clean values");
            prop_assert!(text.starts_with(command.verb()));
            prop_assert_eq!(read_batch(&line(&id, &text)), vec![(id, text.clone())]);
            prop_assert_eq!(Command::parse(&text), Some(command));
        }

        #[test]
        fn no_value_ends_its_field_or_its_line(value in hostile()) {
            for (command, clean) in with(&value).iter().zip(with("1")) {
                let clean = clean.encode().expect("clean values");
                let Ok(text) = command.encode() else { continue };
                prop_assert!(!text.contains(['\r', '\n', '\0']), "{text:?}");
                for separator in ['\t', ','] {
                    let is_between = separator == '\t' || clean.contains(',');
                    let count = |text: &str| text.matches(separator).count();
                    prop_assert!(!is_between || count(&text) == count(&clean), "{text:?}");
                }
            }
        }

        #[test]
        fn a_name_survives_or_is_refused(name: String) {
            let command = Command::UpdateUser(UserFields { name: Some(name), ..user("1") });
            if let Ok(text) = command.encode() {
                prop_assert!(!text.contains(['\r', '\n', '\0']));
                let read = Command::parse(&text).expect("our own command");
                prop_assert_eq!(read.encode(), Ok(text));
            }
        }

        #[test]
        fn no_command_panics(text: String) {
            read_batch(&text);
            if let Some(command) = Command::parse(&text) {
                let _ = command.encode();
            }
        }
    }
}
