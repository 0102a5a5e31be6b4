//! Every option, with its default and what it does. `config.example.toml` is written from here.

use crate::backup::Sealing;
use crate::language::Text;
use anyhow::Context;
use chrono::NaiveTime;
use chrono_tz::Tz;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub data_dir: PathBuf,
    pub listen: String,
    pub terminals_listen: String,
    pub database_url: String,
    pub database_connections: u32,
    pub database_patience_s: u32,
    pub company_name: String,
    pub zone: String,
    pub tls: Tls,
    pub log: Log,
    pub terminals: Terminals,
    pub api: Api,
    pub console: Console,
    pub backup: Backup,
    pub metrics: Metrics,
    pub limits: Limits,
    /// Where the options come from that are not as built in.
    #[serde(skip)]
    pub origins: BTreeMap<&'static str, Origin>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub redirect: bool,
}

impl Tls {
    /// Whether a certificate is named.
    pub fn is_on(&self) -> bool {
        !self.certificate.as_os_str().is_empty()
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    pub level: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terminals {
    pub admission: Admission,
    pub max_waiting: u32,
    pub new_per_minute_per_address: u32,
    pub delay_s: u32,
    pub error_delay_s: u32,
    pub max_body_mib: u32,
    pub upload_memory_mib: u32,
    pub make_employees: bool,
    pub raise_privilege: bool,
    pub check_every_h: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Console {
    pub need_second_factor: bool,
    pub late_after: String,
}

impl Console {
    /// Whose first punch of a day is later is late.
    pub fn late_after(&self) -> anyhow::Result<NaiveTime> {
        time_of_day(&self.late_after)
            .with_context(|| format!("console.late_after: {:?} is no HH:MM", self.late_after))
    }
}

/// A wall clock's time, such as `09:00`.
pub fn time_of_day(text: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(text, "%H:%M").ok()
}

/// What becomes of a terminal that calls for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Admission {
    /// Listed and refused until somebody moves it out of area 1.
    Hold,
    /// Served at once, though it gets no people while it is in area 1.
    Open,
    /// Refused and not added; only noted as waiting.
    Closed,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    pub profile: ProfileChoice,
    pub public_url: String,
    pub allowed_hosts: Vec<String>,
    pub trusted_proxies: Vec<String>,
    pub need_https: bool,
    pub basic: bool,
    pub query_token: bool,
    pub page_cap: u32,
    pub max_body_mib: u32,
    pub access_token_s: u32,
    pub refresh_token_s: u32,
    pub staff_token_s: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProfileChoice {
    Auto,
    EasyTimePro,
    BioTime,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    pub recipients: Vec<String>,
    pub folder: String,
    pub every_h: u32,
    pub keep: u32,
}

/// What one caller may take of what there is for all.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub connections: u32,
    pub connections_per_address: u32,
    pub idle_s: u32,
    pub head_s: u32,
    pub stall_s: u32,
    pub body_s: u32,
}

impl Limits {
    pub fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_s.into())
    }

    pub fn head(&self) -> Duration {
        Duration::from_secs(self.head_s.into())
    }

    pub fn stall(&self) -> Duration {
        Duration::from_secs(self.stall_s.into())
    }

    pub fn body(&self) -> Duration {
        Duration::from_secs(self.body_s.into())
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    pub listen: String,
    pub token: String,
}

impl Metrics {
    /// Whether anybody may ask for them.
    pub fn are_told(&self) -> bool {
        !self.listen.is_empty() || !self.token.is_empty()
    }
}

/// Shorter ones might be guessed.
const SHORTEST_TOKEN: usize = 16;

impl Default for Config {
    fn default() -> Self {
        Config {
            data_dir: "./muster-data".into(),
            listen: "0.0.0.0:8088".into(),
            terminals_listen: String::new(),
            database_url: String::new(),
            database_connections: 16,
            database_patience_s: 30,
            company_name: "default".into(),
            zone: String::new(),
            tls: Tls {
                certificate: PathBuf::new(),
                key: PathBuf::new(),
                redirect: true,
            },
            log: Log {
                format: LogFormat::Text,
                level: "info".into(),
            },
            terminals: Terminals {
                admission: Admission::Hold,
                max_waiting: 1000,
                new_per_minute_per_address: 60,
                delay_s: 10,
                error_delay_s: 30,
                max_body_mib: 16,
                upload_memory_mib: 128,
                make_employees: true,
                raise_privilege: false,
                check_every_h: 24,
            },
            api: Api {
                profile: ProfileChoice::Auto,
                public_url: String::new(),
                allowed_hosts: Vec::new(),
                trusted_proxies: Vec::new(),
                need_https: false,
                basic: false,
                query_token: true,
                page_cap: 10_000,
                max_body_mib: 64,
                access_token_s: 300,
                refresh_token_s: 86_400,
                staff_token_s: 604_800,
            },
            console: Console {
                need_second_factor: false,
                late_after: "09:00".into(),
            },
            backup: Backup {
                recipients: Vec::new(),
                folder: String::new(),
                every_h: 24,
                keep: 14,
            },
            metrics: Metrics {
                listen: String::new(),
                token: String::new(),
            },
            limits: Limits {
                connections: 20_000,
                connections_per_address: 2_000,
                idle_s: 60,
                head_s: 10,
                stall_s: 20,
                body_s: 300,
            },
            origins: BTreeMap::new(),
        }
    }
}

/// What each option does, in the order of the example file.
const OPTIONS: &[(&str, Text)] = &[
    (
        "data_dir",
        t!("The folder of the database, the key file and everything else that is kept."),
    ),
    (
        "listen",
        t!("Where the console, the API and the terminals are served: HOST:PORT."),
    ),
    (
        "terminals_listen",
        t!(
            "A second address that serves terminals alone, so that the first can stay inside: HOST:PORT, or empty."
        ),
    ),
    (
        "database_url",
        t!("postgres://USER:PASSWORD@HOST:PORT/NAME, or sqlite://FILE; empty: sqlite in data_dir."),
    ),
    (
        "database_connections",
        t!("How many connections to the database are kept at most, beside the one for punches."),
    ),
    (
        "database_patience_s",
        t!(
            "How long PostgreSQL may take for one statement, in seconds; after that it counts as gone, and terminals send again."
        ),
    ),
    (
        "company_name",
        t!("The company's name, written at the first start."),
    ),
    (
        "zone",
        t!("The server's time zone by its IANA name, such as Asia/Kolkata; empty: the machine's."),
    ),
    (
        "tls.certificate",
        t!(
            "A certificate with the chain above it (PEM): the same addresses speak HTTPS too, to terminals as well. Empty: HTTP alone."
        ),
    ),
    (
        "tls.key",
        t!(
            "Its private key (PEM, no passphrase), which others may not read. Both files are read again when they change."
        ),
    ),
    (
        "tls.redirect",
        t!(
            "People who open the console over plain HTTP are sent to HTTPS; terminals and programs are not."
        ),
    ),
    ("log.format", t!("text or json, on standard error.")),
    (
        "log.level",
        t!("error, warn, info, debug or trace; also filters such as info,sqlx=warn."),
    ),
    (
        "terminals.admission",
        t!(
            "An unknown terminal: hold (listed, refused until it is authorised), open (served at once), closed (refused, only noted)."
        ),
    ),
    (
        "terminals.max_waiting",
        t!("At most so many held terminals are listed; more are only counted."),
    ),
    (
        "terminals.new_per_minute_per_address",
        t!("At most so many unknown terminals are added a minute from one address."),
    ),
    (
        "terminals.delay_s",
        t!("How often an idle terminal asks for commands, in seconds (2 to 600)."),
    ),
    (
        "terminals.error_delay_s",
        t!("How long a terminal waits after a failure, in seconds (30 to 300)."),
    ),
    (
        "terminals.max_body_mib",
        t!("The largest upload of a terminal, in MiB; more is refused."),
    ),
    (
        "terminals.upload_memory_mib",
        t!("All uploads being read at once may hold so much memory, in MiB; more waits."),
    ),
    (
        "terminals.make_employees",
        t!("A person enrolled at a terminal whose PIN nobody has becomes an employee."),
    ),
    (
        "terminals.raise_privilege",
        t!("A terminal may make an employee its administrator."),
    ),
    (
        "terminals.check_every_h",
        t!(
            "How often each terminal is asked whom it holds, and its punches of the day before are counted, in hours; 0: never."
        ),
    ),
    (
        "api.profile",
        t!("auto (by the door of the login), easytimepro or biotime: how answers look."),
    ),
    (
        "api.public_url",
        t!(
            "The address callers know, such as https://hr.example.com; builds the links between pages."
        ),
    ),
    (
        "api.allowed_hosts",
        t!("Host names that are answered, *.example.com allowed; empty: any."),
    ),
    (
        "api.trusted_proxies",
        t!("Addresses whose X-Forwarded-For, -Proto and -Host are believed."),
    ),
    (
        "api.need_https",
        t!("The API refuses whoever comes over plain HTTP."),
    ),
    ("api.basic", t!("HTTP Basic is accepted (BioTime's way).")),
    (
        "api.query_token",
        t!("?access_token= is accepted from API clients; it is never logged."),
    ),
    (
        "api.page_cap",
        t!("The largest page of a list; more is cut to it without an error."),
    ),
    (
        "api.max_body_mib",
        t!("The largest request body of the API, in MiB."),
    ),
    (
        "api.access_token_s",
        t!("How long an access token lives, in seconds."),
    ),
    (
        "api.refresh_token_s",
        t!("How long a refresh token lives, in seconds."),
    ),
    (
        "api.staff_token_s",
        t!("How long an employee's own token lives, in seconds."),
    ),
    (
        "console.need_second_factor",
        t!(
            "Every user needs a second factor: who has none sets it up at the sign-in, and no user's password alone opens the API."
        ),
    ),
    (
        "console.late_after",
        t!(
            "Whose first punch of a day comes after this time, by the terminals' clocks, was late: HH:MM."
        ),
    ),
    (
        "backup.recipients",
        t!(
            "Who can open the backups (age1…, by `muster backup --make-key`); empty: none are made by themselves."
        ),
    ),
    (
        "backup.folder",
        t!("The folder of the backups, best on another disk; empty: backups in data_dir."),
    ),
    (
        "backup.every_h",
        t!("How often a backup is made, in hours; 0: only when somebody asks for one."),
    ),
    (
        "backup.keep",
        t!("So many backups are kept; older ones are removed."),
    ),
    (
        "metrics.listen",
        t!(
            "An address of its own for /metrics, such as 127.0.0.1:9188, over plain HTTP; empty: none."
        ),
    ),
    (
        "metrics.token",
        t!(
            "Who sends it as a bearer token gets /metrics, on the ordinary address too; empty: only metrics.listen has it, for everybody there."
        ),
    ),
    (
        "limits.connections",
        t!(
            "So many connections are held at once, fewer where the system allows fewer open files; more wait."
        ),
    ),
    (
        "limits.connections_per_address",
        t!(
            "And so many from one address (of IPv6: one /64), unless it is in api.trusted_proxies; more are closed. 0: any."
        ),
    ),
    (
        "limits.idle_s",
        t!("How long a connection may say nothing between two requests, in seconds."),
    ),
    (
        "limits.head_s",
        t!(
            "How long the head of a request, or the handshake of TLS, may take from its first byte on, in seconds."
        ),
    ),
    (
        "limits.stall_s",
        t!("How long nothing may come of a body, and nothing be taken of an answer, in seconds."),
    ),
    (
        "limits.body_s",
        t!("How long a body may take in all, in seconds."),
    ),
];

const A_YEAR_H: u32 = 24 * 366;
const A_YEAR_S: u32 = A_YEAR_H * 3600;
/// Beyond what any machine has.
const A_TEBIBYTE_MIB: u32 = 1 << 20;
const MANY: u32 = 1_000_000;

/// What each number may be, wherever it is set.
const RANGES: &[(&str, RangeInclusive<u32>)] = &[
    ("database_connections", 1..=10_000),
    ("database_patience_s", 1..=A_YEAR_S),
    ("terminals.max_waiting", 0..=MANY),
    ("terminals.new_per_minute_per_address", 1..=MANY),
    ("terminals.delay_s", 2..=600),
    ("terminals.error_delay_s", 30..=300),
    ("terminals.max_body_mib", 1..=A_TEBIBYTE_MIB),
    ("terminals.upload_memory_mib", 1..=A_TEBIBYTE_MIB),
    ("terminals.check_every_h", 0..=A_YEAR_H),
    ("api.page_cap", 1..=100_000),
    ("api.max_body_mib", 1..=A_TEBIBYTE_MIB),
    ("api.access_token_s", 30..=A_YEAR_S),
    ("api.refresh_token_s", 60..=A_YEAR_S),
    ("api.staff_token_s", 60..=A_YEAR_S),
    ("backup.every_h", 0..=A_YEAR_H),
    ("backup.keep", 1..=10_000),
    ("limits.connections", 1..=MANY),
    ("limits.connections_per_address", 0..=MANY),
    ("limits.idle_s", 1..=A_YEAR_S),
    ("limits.head_s", 1..=A_YEAR_S),
    ("limits.stall_s", 1..=A_YEAR_S),
    ("limits.body_s", 1..=A_YEAR_S),
];

/// What this number may be.
pub fn range(name: &str) -> RangeInclusive<u32> {
    RANGES
        .iter()
        .find(|(option, _)| *option == name)
        .map_or(0..=u32::MAX, |(_, range)| range.clone())
}

/// Where an option's value was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    File(String),
    Variable,
    CommandLine,
    /// Set while the server runs.
    Console,
}

/// An option's value as people write it.
pub fn written(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What an option does.
pub fn purpose(name: &str) -> Text {
    OPTIONS
        .iter()
        .find(|(option, _)| *option == name)
        .map_or(Text::none(), |(_, purpose)| *purpose)
}

fn value_in(table: &toml::Table, name: &str) -> toml::Value {
    match name.split_once('.') {
        Some((section, key)) => table[section][key].clone(),
        None => table[name].clone(),
    }
}

/// An option as it is in force.
pub struct Explained {
    pub name: &'static str,
    pub value: String,
    /// Where it comes from.
    pub origin: String,
    pub purpose: Text,
}

impl Config {
    /// Defaults, then the file, then `MUSTER_…` variables (`__` between levels), then the command
    /// line's own values.
    pub fn load(file: Option<&Path>, overrides: impl Serialize) -> anyhow::Result<Config> {
        let mut sources = Vec::new();
        if let Some(file) = file {
            let origin = Origin::File(file.display().to_string());
            sources.push((Figment::from(Toml::file_exact(file)), origin));
        }
        let variables = Env::prefixed("MUSTER_")
            .ignore(&["admin_password", "backup_passphrase", "token"])
            .split("__");
        sources.push((Figment::from(variables), Origin::Variable));
        let overrides = Figment::from(Serialized::defaults(overrides));
        sources.push((overrides, Origin::CommandLine));
        let mut figment = Figment::from(Serialized::defaults(Config::default()));
        let mut origins = BTreeMap::new();
        for (source, origin) in sources {
            for (name, _) in OPTIONS {
                if source.contains(name) {
                    origins.insert(*name, origin.clone());
                }
            }
            figment = figment.merge(source);
        }
        let mut config: Config = figment
            .extract()
            .context("the configuration cannot be used")?;
        config.origins = origins;
        config.check()?;
        Ok(config)
    }

    /// An option's value, by its name.
    pub fn value(&self, name: &str) -> toml::Value {
        let values = toml::Table::try_from(self).expect("options are plain values");
        value_in(&values, name)
    }

    /// The server was started with it: no one changes it while it runs.
    pub fn fixes(&self, name: &str) -> bool {
        self.origins.contains_key(name)
    }

    /// With these values for what is not fixed.
    pub fn with(&self, set: &BTreeMap<&'static str, toml::Value>) -> anyhow::Result<Config> {
        let mut figment = Figment::from(Serialized::defaults(self));
        for (name, value) in set {
            figment = figment.merge(Serialized::default(name, value));
        }
        let mut config: Config = figment.extract()?;
        config.origins = self.origins.clone();
        let here = set.keys().map(|name| (*name, Origin::Console));
        config.origins.extend(here);
        config.check()?;
        Ok(config)
    }

    /// What types alone cannot say.
    fn check(&self) -> anyhow::Result<()> {
        self.zone()?;
        self.database_url()?;
        self.console.late_after()?;
        if !self.api.public_url.is_empty() {
            let url = url::Url::parse(&self.api.public_url)
                .with_context(|| format!("api.public_url: {:?}", self.api.public_url))?;
            anyhow::ensure!(
                matches!(url.scheme(), "http" | "https"),
                "api.public_url must begin with http:// or https://"
            );
        }
        for proxy in &self.api.trusted_proxies {
            proxy
                .parse::<std::net::IpAddr>()
                .with_context(|| format!("api.trusted_proxies: {proxy:?} is no address"))?;
        }
        anyhow::ensure!(
            self.tls.certificate.as_os_str().is_empty() == self.tls.key.as_os_str().is_empty(),
            "tls.certificate and tls.key belong together: both or none"
        );
        let token = &self.metrics.token;
        anyhow::ensure!(
            token.is_empty() || token.len() >= SHORTEST_TOKEN,
            "metrics.token must have at least {SHORTEST_TOKEN} letters"
        );
        Sealing::for_recipients(&self.backup.recipients).context("backup.recipients")?;
        let values = toml::Table::try_from(self)?;
        for (name, range) in RANGES {
            let value = value_in(&values, name);
            let (least, most) = (range.start(), range.end());
            anyhow::ensure!(
                value
                    .as_integer()
                    .is_some_and(|value| (i64::from(*least)..=i64::from(*most)).contains(&value)),
                "{name} must be {least} to {most}"
            );
        }
        anyhow::ensure!(
            self.terminals.upload_memory_mib >= self.terminals.max_body_mib,
            "terminals.upload_memory_mib must be at least terminals.max_body_mib"
        );
        Ok(())
    }

    pub fn zone(&self) -> anyhow::Result<Tz> {
        if self.zone.is_empty() {
            // A machine without a zone of its own runs in UTC.
            Ok(iana_time_zone::get_timezone()
                .ok()
                .and_then(|name| name.parse().ok())
                .unwrap_or(Tz::UTC))
        } else {
            self.zone
                .parse()
                .map_err(|_| anyhow::anyhow!("zone: {:?} is no IANA time zone", self.zone))
        }
    }

    /// Nobody said which zone it is, and a machine or a container without one says UTC.
    pub fn zone_may_be_wrong(&self) -> bool {
        self.zone.is_empty() && matches!(self.zone(), Ok(Tz::UTC | Tz::Etc__UTC))
    }

    pub fn database_url(&self) -> anyhow::Result<muster_store::Url> {
        if self.database_url.is_empty() {
            Ok(muster_store::Url::Sqlite(self.data_dir.join("muster.db")))
        } else {
            Ok(self.database_url.parse()?)
        }
    }

    pub fn backup_folder(&self) -> PathBuf {
        if self.backup.folder.is_empty() {
            self.data_dir.join("backups")
        } else {
            PathBuf::from(&self.backup.folder)
        }
    }

    /// The file all secrets rest on; an installation is where it is.
    pub fn key_file(&self) -> PathBuf {
        self.data_dir.join("muster.key")
    }

    /// The options as they are in force, without what is secret in them.
    pub fn shown(&self) -> anyhow::Result<String> {
        Ok(toml::to_string(&self.without_secrets()?)?)
    }

    /// The same one by one, each with where it comes from and what it does.
    pub fn explained(&self) -> anyhow::Result<Vec<Explained>> {
        let values = toml::Table::try_from(self.without_secrets()?)?;
        let built_in = toml::Table::try_from(Config::default())?;
        let explained = OPTIONS.iter().map(|(name, purpose)| {
            let value = value_in(&values, name);
            let origin = match self.origins.get(name) {
                Some(Origin::File(path)) => t!("the file {path}", path = path),
                Some(Origin::Variable) => t!("a MUSTER_ variable").into(),
                Some(Origin::CommandLine) => t!("the command line").into(),
                Some(Origin::Console) => t!("set here").into(),
                None if value == value_in(&built_in, name) => t!("built in").into(),
                None => t!("this command").into(),
            };
            Explained {
                name,
                origin,
                value: written(&value),
                purpose: *purpose,
            }
        });
        Ok(explained.collect())
    }

    fn without_secrets(&self) -> anyhow::Result<Config> {
        let mut shown = self.clone();
        if !shown.database_url.is_empty() {
            shown.database_url = self.database_url()?.to_string();
        }
        if !shown.metrics.token.is_empty() {
            shown.metrics.token = "(hidden)".into();
        }
        Ok(shown)
    }

    /// The example file: every option, what it does, and its default, commented out.
    pub fn example() -> String {
        let defaults =
            toml::Table::try_from(Config::default()).expect("the defaults are plain values");
        let mut text = String::from(
            "# Every option of muster with its default. Also from variables: MUSTER_LISTEN,\n\
             # MUSTER_TERMINALS__ADMISSION (two underscores between levels), and from the command line.\n",
        );
        let mut section = "";
        for (name, purpose) in OPTIONS {
            let (table, key) = name.split_once('.').unwrap_or(("", name));
            if table != section {
                text.push_str(&format!("\n[{table}]\n"));
                section = table;
            }
            let value = if table.is_empty() {
                &defaults[key]
            } else {
                &defaults[table][key]
            };
            let purpose = purpose.english();
            text.push_str(&format!("\n# {purpose}\n# {key} = {value}\n"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{Config, OPTIONS, RANGES, range};
    use std::collections::BTreeMap;

    #[test]
    fn every_option_is_explained_once() {
        let defaults = toml::Table::try_from(Config::default()).expect("plain values");
        let mut names = Vec::new();
        for (key, value) in &defaults {
            match value.as_table() {
                Some(table) => names.extend(table.keys().map(|inner| format!("{key}.{inner}"))),
                None => names.push(key.clone()),
            }
        }
        names.sort();
        let mut explained: Vec<_> = OPTIONS.iter().map(|(name, _)| (*name).to_owned()).collect();
        explained.sort();
        assert_eq!(explained, names);
    }

    #[test]
    fn every_number_has_a_range_and_is_refused_beyond_it() {
        let mut names = Vec::new();
        for (name, _) in OPTIONS {
            if let Some(built_in) = Config::default().value(name).as_integer() {
                let range = range(name);
                assert!(built_in >= (*range.start()).into() && built_in <= (*range.end()).into());
                names.push(*name);
                for beyond in [range.start().checked_sub(1), range.end().checked_add(1)] {
                    let Some(beyond) = beyond else { continue };
                    let set = BTreeMap::from([(*name, beyond.into())]);
                    let error = Config::default().with(&set).expect_err(name);
                    let expected = format!("{name} must be {} to {}", range.start(), range.end());
                    assert_eq!(error.to_string(), expected);
                }
            }
        }
        let ranges: Vec<_> = RANGES.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ranges);
    }

    #[test]
    fn a_misspelt_option_is_refused_by_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("muster.toml");
        std::fs::write(&file, "[terminals]\nadmision = \"open\"\n").expect("written");
        let error = Config::load(Some(&file), toml::Table::new()).expect_err("refused");
        assert!(format!("{error:#}").contains("admision"), "{error:#}");
    }

    #[test]
    fn passwords_and_tokens_are_never_shown() {
        let mut config = Config {
            database_url: "postgres://muster:s3cret@db/muster".into(),
            ..Config::default()
        };
        config.metrics.token = "s3cret of somebody".into();
        assert!(!config.shown().expect("shown").contains("s3cret"));
    }
}
