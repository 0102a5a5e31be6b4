//! What access terminals need besides: registration, configuration, time of day, and their own acknowledgements.

use std::fmt;

use chrono::NaiveDateTime;

use crate::handshake::{Block, Options, Version};
use crate::rows;
use crate::target::Query;
use crate::upload::Table;
use crate::{text, time};

/// What an access terminal says of itself when it registers: `DeviceType=acc,~DeviceName=…,authKey=…` (fixture G01).
/// `Debug` shows no values, one of them is a key.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Registration {
    /// In their order; a leading `~` of the keys is kept.
    pub pairs: Vec<(String, String)>,
}

impl Registration {
    pub fn parse(body: &[u8]) -> Registration {
        let mut pairs = Vec::new();
        for line in text::lines(body) {
            let line = rows::decode(line);
            for part in rows::split_before_keys(&line, &[',', '&', '\t']) {
                if let Some((key, value)) = part.split_once('=') {
                    pairs.push((
                        key.trim().to_owned(),
                        value.trim_end_matches([',', ' ']).to_owned(),
                    ));
                }
            }
        }
        Registration { pairs }
    }

    /// With or without the `~` of read-only options.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(key, _)| key.trim_start_matches('~').eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    pub fn device_name(&self) -> Option<&str> {
        self.get("DeviceName")
    }

    pub fn firmware(&self) -> Option<&str> {
        self.get("FirmVer")
    }

    pub fn doors(&self) -> Option<u32> {
        self.get("LockCount")?.trim().parse().ok()
    }

    /// It wants its commands in the form of [`crate::command::wrapped`].
    pub fn wraps_commands(&self) -> bool {
        self.get("CmdFormat") == Some("1")
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list()
            .entries(self.pairs.iter().map(|(key, _)| key))
            .finish()
    }
}

/// Newest version of the access protocol that never encrypts; encryption begins with 3.1.1.
pub const NEWEST_ACCESS_VERSION: Version = Version::new(3, 0, 1);

/// The answer to `/iclock/push`: how an access terminal is to behave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigBlock {
    pub version: Version,
    /// Seconds to wait after a failure.
    pub error_delay_s: u32,
    /// Seconds between two polls.
    pub request_delay_s: u32,
    /// Times of day for a full check, `HH:MM;HH:MM`.
    pub trans_times: String,
    /// Minutes between checks for unsent rows, 0 = never.
    pub trans_interval_min: u32,
    /// Tables it uploads unasked, joined by blanks.
    pub trans_tables: String,
    pub realtime: bool,
    /// Stays the same for a terminal: it is part of its token.
    pub session_id: String,
    /// Seconds after which the terminal gives a request up.
    pub timeout_s: u32,
    /// Biometric types taken, `a:b:…` by type; visible-light units upload nothing without.
    pub bio_data_support: Option<String>,
    pub bio_photo_support: Option<String>,
}

impl ConfigBlock {
    pub fn new(session_id: impl Into<String>) -> ConfigBlock {
        ConfigBlock {
            version: NEWEST_ACCESS_VERSION,
            error_delay_s: 30,
            request_delay_s: 10,
            trans_times: "00:00;14:05".into(),
            trans_interval_min: 1,
            trans_tables: "User Transaction".into(),
            realtime: true,
            session_id: session_id.into(),
            timeout_s: 10,
            bio_data_support: None,
            bio_photo_support: None,
        }
    }

    pub fn encode(&self) -> String {
        let mut block = Block::default();
        self.write(&mut block);
        without_final_line_end(block)
    }

    fn write(&self, block: &mut Block) {
        block.line("ServerVersion", self.version);
        block.line("ServerName", "muster");
        block.line("PushProtVer", self.version);
        block.line("PushVersion", self.version);
        block.line("ErrorDelay", self.error_delay_s);
        block.line("RequestDelay", self.request_delay_s);
        block.line("TransTimes", &self.trans_times);
        block.line("TransInterval", self.trans_interval_min);
        block.line("TransTables", &self.trans_tables);
        block.line("Realtime", u8::from(self.realtime));
        block.line("SessionID", &self.session_id);
        if let Some(types) = &self.bio_data_support {
            block.line("BioDataFun", 1);
            block.line("MultiBioDataSupport", types);
        }
        if let Some(types) = &self.bio_photo_support {
            block.line("BioPhotoFun", 1);
            block.line("MultiBioPhotoSupport", types);
        }
        block.line("TimeoutSec", self.timeout_s);
    }

    /// Reads a block as a terminal does; what is missing has the defaults of the vendor paper of 2021. `None` when there
    /// is no session.
    pub fn parse(body: &str) -> Option<ConfigBlock> {
        let options = Options(
            body.lines()
                .filter_map(|line| line.split_once('='))
                .collect(),
        );
        let owned = |name: &str| options.get(name).map(str::to_owned);
        Some(ConfigBlock {
            version: options
                .get("PushProtVer")
                .and_then(Version::parse)
                .unwrap_or(NEWEST_ACCESS_VERSION),
            error_delay_s: options.number("ErrorDelay").unwrap_or(30),
            request_delay_s: options.number("RequestDelay").unwrap_or(30),
            trans_times: owned("TransTimes").unwrap_or_else(|| "12:30;14:30".into()),
            trans_interval_min: options.number("TransInterval").unwrap_or(2),
            trans_tables: owned("TransTables").unwrap_or_default(),
            realtime: options.get("Realtime").is_none_or(|on| on != "0"),
            session_id: owned("SessionID")?,
            timeout_s: options.number("TimeoutSec").unwrap_or(10),
            bio_data_support: owned("MultiBioDataSupport"),
            bio_photo_support: owned("MultiBioPhotoSupport"),
        })
    }
}

/// The answer to the first request of a terminal that is already registered (fixture A17).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationBlock {
    /// 10 to 32 characters, the same for a terminal for ever.
    pub registry_code: String,
    pub config: ConfigBlock,
}

impl RegistrationBlock {
    pub fn encode(&self) -> String {
        let mut block = Block::default();
        block.line("registry", "ok");
        block.line("RegistryCode", &self.registry_code);
        self.config.write(&mut block);
        without_final_line_end(block)
    }

    /// `None` when the terminal is told to register first.
    pub fn parse(body: &str) -> Option<RegistrationBlock> {
        let options = Options(
            body.lines()
                .filter_map(|line| line.split_once('='))
                .collect(),
        );
        if options.get("registry") != Some("ok") {
            return None;
        }
        Some(RegistrationBlock {
            registry_code: options.get("RegistryCode")?.to_owned(),
            config: ConfigBlock::parse(body)?,
        })
    }
}

/// As captured: no LF behind the last line, whose value is the terminal's default.
fn without_final_line_end(mut block: Block) -> String {
    block.text.pop();
    block.text
}

/// The answer to `/iclock/registry`. A bare `OK` would make the terminal ask for ever.
pub fn registered(registry_code: &str) -> String {
    format!("RegistryCode={registry_code}")
}

/// Acknowledges rows of `tabledata` and `querydata`: anything else makes the terminal send them for ever. The name is
/// repeated as the terminal spelled it.
pub fn table_accepted(table: &str, lines: usize) -> String {
    let table: String = table.chars().filter(|c| !c.is_control()).take(64).collect();
    format!("{table}={lines}")
}

/// The answer to `/iclock/rtdata?type=time`. Terminals disagree on whether `DateTime` is UTC or local, so the caller says.
pub fn clock(date_time: NaiveDateTime, offset_minutes: i32) -> String {
    let sign = if offset_minutes < 0 { '-' } else { '+' };
    let (hours, minutes) = (
        offset_minutes.unsigned_abs() / 60,
        offset_minutes.unsigned_abs() % 60,
    );
    format!(
        "DateTime={},ServerTZ={sign}{hours:02}{minutes:02}",
        time::pack(date_time)
    )
}

/// What the query of a `tabledata` or `querydata` upload says of its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packet {
    /// `tabledata`, `count` or `options`, as spelled; of `querydata` only.
    pub kind: Option<String>,
    /// The command whose answer this is.
    pub command_id: Option<String>,
    pub table: String,
    /// Rows the terminal counts in this request.
    pub count: Option<usize>,
    /// How many packets there are, and which one this is, from 1.
    pub packets: Option<u32>,
    pub packet: Option<u32>,
}

impl Packet {
    pub fn read(query: &Query) -> Packet {
        let owned = |name: &str| query.filled(name).map(str::to_owned);
        Packet {
            kind: owned("type"),
            command_id: owned("cmdid"),
            table: owned("tablename").unwrap_or_default(),
            count: query.filled("count").and_then(|count| count.parse().ok()),
            packets: query.filled("packcnt").and_then(|count| count.parse().ok()),
            packet: query.filled("packidx").and_then(|index| index.parse().ok()),
        }
    }

    /// How its body is to be read; `None` for a count ([`read_count`]).
    pub fn rows(&self) -> Option<Table> {
        match self.kind.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("count") => None,
            Some("options") => Some(Table::Options),
            _ => Some(Table::Tabledata(self.table.clone())),
        }
    }

    /// What acknowledges it: `OK` for counts and options, else the table with the terminal's own count, or ours without.
    pub fn accepted(&self, lines: usize) -> String {
        match self.kind.as_deref() {
            Some(kind)
                if kind.eq_ignore_ascii_case("count") || kind.eq_ignore_ascii_case("options") =>
            {
                "OK".to_owned()
            }
            _ => table_accepted(&self.table, self.count.unwrap_or(lines)),
        }
    }
}

/// The body of `querydata?type=count`: `user=5` (fixture G18).
pub fn read_count(body: &[u8]) -> Option<(String, i64)> {
    let text = text::decode(body);
    let (table, count) = text.trim().split_once('=')?;
    Some((table.trim().to_owned(), count.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_registered_terminal_gets_code_and_configuration() {
        let mut config = ConfigBlock::new("0123456789abcdef0123456789abcdef");
        config.bio_data_support = Some("0:0:0:0:0:0:0:0:1:1".into());
        insta::assert_snapshot!(
            RegistrationBlock {
                registry_code: "Uy47fxftP3".into(),
                config
            }
            .encode()
        );
        assert_eq!(registered("Uy47fxftP3").len(), 23);
    }

    #[test]
    fn the_clock_says_its_zone() {
        let local = time::unpack(583_512_660).expect("a time");
        assert_eq!(clock(local, 330), "DateTime=583512660,ServerTZ=+0530");
        assert_eq!(clock(local, -180), "DateTime=583512660,ServerTZ=-0300");
    }

    #[test]
    fn packets_are_acknowledged_with_the_terminals_own_count() {
        let accepted =
            |query: &str, lines| Packet::read(&Query::parse(query.as_bytes())).accepted(lines);
        // Fixtures G15, G16, G18.
        assert_eq!(
            accepted("table=tabledata&tablename=biodata", 2),
            "biodata=2"
        );
        assert_eq!(
            accepted("table=tabledata&tablename=errorlog&count=1", 3),
            "errorlog=1"
        );
        assert_eq!(
            accepted(
                "type=count&cmdid=288&tablename=user&count=1&packcnt=1&packidx=1",
                1
            ),
            "OK"
        );
        assert_eq!(read_count(b"user=5"), Some(("user".to_owned(), 5)));
        assert_eq!(table_accepted("a\r\nB", 1), "aB=1");
    }

    #[test]
    fn keys_of_a_registration_are_not_shown() {
        let registration = Registration::parse(
            b"DeviceType=acc,~DeviceName=F20/M,LockCount=1,CmdFormat=1,authKey=dassas",
        );
        assert_eq!(
            (registration.device_name(), registration.doors()),
            (Some("F20/M"), Some(1))
        );
        assert!(registration.wraps_commands());
        assert!(!format!("{registration:?}").contains("dassas"));
    }

    prop_compose! {
        fn config()(
            version in (0u16..9, 0u16..9, 0u16..9),
            delays in (any::<u32>(), any::<u32>(), any::<u32>(), any::<u32>()),
            texts in ("[0-9:;]{0,20}", "[A-Za-z0-9 ]{0,20}", "[0-9a-f]{32}"),
            realtime: bool,
            bio in prop::option::of("[01](:[01]){9}"),
            photo in prop::option::of("[01](:[01]){9}"),
        ) -> ConfigBlock {
            ConfigBlock {
                version: Version::new(version.0, version.1, version.2),
                error_delay_s: delays.0,
                request_delay_s: delays.1,
                trans_interval_min: delays.2,
                timeout_s: delays.3,
                trans_times: texts.0,
                trans_tables: texts.1,
                session_id: texts.2,
                realtime,
                bio_data_support: bio,
                bio_photo_support: photo,
            }
        }
    }

    proptest! {
        #[test]
        fn a_configuration_survives_the_wire(config in config(), registry_code in "[A-Za-z0-9]{10,32}") {
            prop_assert_eq!(ConfigBlock::parse(&config.encode()), Some(config.clone()));
            let block = RegistrationBlock { registry_code, config };
            prop_assert_eq!(RegistrationBlock::parse(&block.encode()), Some(block));
        }

        #[test]
        fn nothing_panics(bytes: Vec<u8>, text: String) {
            let _ = Registration::parse(&bytes).get("x");
            read_count(&bytes);
            RegistrationBlock::parse(&text);
            ConfigBlock::parse(&text);
            Packet::read(&Query::parse(&bytes)).accepted(1);
        }
    }
}
