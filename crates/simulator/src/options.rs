//! What is simulated: how many terminals of which habits, at which pace, for how long, with which faults.

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

/// Everything a run is derived from: the same options make the same terminals do the same things.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// `host:port` of the terminals' door; `http://` before it and a path behind it are dropped.
    pub server: String,
    /// How many terminals. Profile `Demo` always has its four.
    pub terminals: usize,
    /// Serial numbers are this and seven digits.
    pub sn_prefix: String,
    pub seed: u64,
    pub profile: Profile,
    /// Simulated seconds; `None`: until told to stop.
    pub duration_s: Option<u64>,
    /// Of the whole fleet together. `Workday` and `Shifts` have a rhythm of their own.
    pub punches_per_minute: f64,
    /// Simulated seconds in one real second; 0: nothing is waited for at all.
    pub speed: f64,
    /// PINs of those who punch; empty: 1001 to 1200.
    pub people: Vec<String>,
    /// The terminals hold these people, with a fingerprint each, from the start; else they learn them from the server.
    pub enrolled: bool,
    /// Punches every terminal has made before the run and could not send.
    pub backlog_rows: usize,
    /// People who enrol or are deleted at each terminal, per simulated day.
    pub administration_per_day: f64,
    pub mix: Mix,
    pub faults: Faults,
    /// Where `Report::check` reads back what was acknowledged. Without it rows are counted but not kept.
    pub api: Option<ApiAccess>,
    /// Attendance terminals too keep their connection, which none is known to do; spares benches the reconnects.
    pub keep_alive: bool,
    /// UTC at the beginning; `None`: this machine's clock.
    pub starts_at: Option<NaiveDateTime>,
    /// The acknowledgement of 99 of 100 uploads must not take longer.
    pub ack_limit_ms: u64,
    /// Keeps every request with its simulated time in the report.
    pub trace: bool,
}

/// When people punch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Four terminals of different models, lively at any hour.
    Demo,
    /// Evenly, `punches_per_minute`.
    #[default]
    Load,
    /// An office of 200 people at each terminal: about 500 punches a day, most around 8, 12 and 17.
    Workday,
    /// A factory: a punch every two seconds for ten minutes around 6, 14 and 22.
    Shifts,
    /// All return within 30 s from an outage, each with a backlog; then as `Load`.
    Storm,
}

/// Shares of the fleet, 0 to 1, that have a habit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mix {
    /// `.aspx` behind every path.
    pub aspx: f64,
    /// HTTP/1.0.
    pub http_1_0: f64,
    /// Blanks in the query that are not escaped.
    pub raw_spaces: f64,
    /// CR LF between rows.
    pub cr_lf: f64,
    /// `Get` for GET, parameter names in lower case.
    pub odd_case: f64,
    /// Access terminals (rtlog in place of ATTLOG).
    pub access: f64,
    /// A photo with every punch.
    pub camera: f64,
    /// The clock is wrong by hours and the terminal does not take the server's.
    pub wrong_clock: f64,
    /// A fresh handshake at 00:00, all within 20 s.
    pub midnight_handshake: f64,
}

/// How often something goes wrong, 0 to 1 of the occasions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Of uploads: sent whole, the connection closed before the answer is read. Then sent again.
    pub lost_reply: f64,
    /// Of uploads: half of the body, then the connection is closed. Then sent again.
    pub half_body: f64,
    /// Of uploads: sent again although acknowledged.
    pub twice: f64,
    /// Of rows: one that cannot be read stands before it.
    pub bad_row: f64,
    /// Of result posts: never sent.
    pub lost_result: f64,
    /// Of result posts: sent twice.
    pub twice_result: f64,
    /// Of commands: refused as unknown.
    pub unknown_command: f64,
    /// Of commands: refused because the terminal is busy.
    pub busy: f64,
    /// Of polls: the answer is lost, with all commands in it.
    pub lost_commands: f64,
    /// Of commands: the terminal restarts instead.
    pub reboot_mid_batch: f64,
    /// Network cut for 5 to 300 s, times per terminal and day.
    pub drops_per_day: f64,
    /// Power cycle, times per terminal and week.
    pub reboots_per_week: f64,
}

/// The callers' door of the server.
#[derive(Clone, Serialize, Deserialize)]
pub struct ApiAccess {
    /// `http://host:port`.
    pub url: String,
    /// Sent as `Authorization: Token …`.
    pub token: String,
}

impl std::fmt::Debug for ApiAccess {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("ApiAccess")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Default for Options {
    fn default() -> Options {
        Options {
            server: "127.0.0.1:8081".into(),
            terminals: 10,
            sn_prefix: "SIM".into(),
            seed: 1,
            profile: Profile::default(),
            duration_s: None,
            punches_per_minute: 60.0,
            speed: 1.0,
            people: Vec::new(),
            enrolled: false,
            backlog_rows: 0,
            administration_per_day: 0.0,
            mix: Mix::default(),
            faults: Faults::default(),
            api: None,
            keep_alive: false,
            starts_at: None,
            ack_limit_ms: 1000,
            trace: false,
        }
    }
}

impl Options {
    /// What `muster demo` runs: nothing goes wrong, a punch every three seconds or so.
    pub fn demo(server: impl Into<String>, people: Vec<String>) -> Options {
        Options {
            server: server.into(),
            people,
            profile: Profile::Demo,
            punches_per_minute: 20.0,
            mix: Mix::none(),
            faults: Faults::none(),
            ..Options::default()
        }
    }

    /// What tests start from: no waiting, no faults, no odd habits, a clock that stands at a Monday in March.
    pub fn steady(server: impl Into<String>) -> Options {
        Options {
            server: server.into(),
            terminals: 1,
            duration_s: Some(60),
            speed: 0.0,
            mix: Mix::none(),
            faults: Faults::none(),
            starts_at: chrono::NaiveDate::from_ymd_opt(2026, 3, 2)
                .and_then(|day| day.and_hms_opt(9, 0, 0)),
            trace: true,
            // A busy machine is no fault of the server's.
            ack_limit_ms: 10_000,
            ..Options::default()
        }
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> String {
        let rest = self.server.strip_prefix("http://").unwrap_or(&self.server);
        let authority = rest.split('/').next().unwrap_or_default();
        if authority
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok())
        {
            authority.to_owned()
        } else {
            format!("{authority}:80")
        }
    }
}

impl Default for Mix {
    /// As found in the field; cameras are left out, since photos drown everything else.
    fn default() -> Mix {
        Mix {
            aspx: 0.2,
            http_1_0: 0.05,
            raw_spaces: 0.03,
            cr_lf: 0.05,
            odd_case: 0.03,
            access: 0.05,
            camera: 0.0,
            wrong_clock: 0.005,
            midnight_handshake: 0.3,
        }
    }
}

impl Mix {
    pub fn none() -> Mix {
        Mix {
            aspx: 0.0,
            http_1_0: 0.0,
            raw_spaces: 0.0,
            cr_lf: 0.0,
            odd_case: 0.0,
            access: 0.0,
            camera: 0.0,
            wrong_clock: 0.0,
            midnight_handshake: 0.0,
        }
    }
}

impl Default for Faults {
    fn default() -> Faults {
        Faults {
            lost_reply: 0.01,
            half_body: 0.002,
            twice: 0.01,
            bad_row: 0.001,
            lost_result: 0.005,
            twice_result: 0.005,
            unknown_command: 0.01,
            busy: 0.005,
            lost_commands: 0.002,
            reboot_mid_batch: 0.002,
            drops_per_day: 2.0,
            reboots_per_week: 1.0,
        }
    }
}

impl Faults {
    pub fn none() -> Faults {
        Faults {
            lost_reply: 0.0,
            half_body: 0.0,
            twice: 0.0,
            bad_row: 0.0,
            lost_result: 0.0,
            twice_result: 0.0,
            unknown_command: 0.0,
            busy: 0.0,
            lost_commands: 0.0,
            reboot_mid_batch: 0.0,
            drops_per_day: 0.0,
            reboots_per_week: 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_from_a_url_too() {
        let address = |server: &str| {
            Options {
                server: server.into(),
                ..Options::default()
            }
            .address()
        };
        assert_eq!(address("127.0.0.1:8081"), "127.0.0.1:8081");
        assert_eq!(address("http://time.example:8081/"), "time.example:8081");
        assert_eq!(address("http://time.example"), "time.example:80");
        assert_eq!(address("[::1]:80"), "[::1]:80");
    }

    #[test]
    fn a_token_is_not_shown() {
        let access = ApiAccess {
            url: "http://x".into(),
            token: "secret".into(),
        };
        assert!(!format!("{access:?}").contains("secret"));
    }
}
