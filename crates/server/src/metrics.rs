//! What an operator watches, for Prometheus: what everybody counts as it happens, and what is read
//! when somebody asks. No label names a person, a terminal or an address.

use crate::app::App;
use crate::backup;
use crate::health;
use chrono::{DateTime, Utc};
use muster_store::{Connections, Failures};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// What an answer with all of it says it is.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Label = [(&'static str, &'static str); 1];
type Counters = Family<Label, Counter>;
type Gauges = Family<Label, Gauge>;
type Seconds = Gauge<f64, AtomicU64>;

/// Who is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Terminals,
    Api,
    Console,
}

/// Why an upload of a terminal was not taken; the terminal keeps it and sends again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    TooLarge,
    NoLength,
    CutOff,
    /// Other uploads hold all the memory there is for them.
    NoMemory,
    /// Too many callers wait for the disk.
    Queue,
    Database,
}

impl Refusal {
    const ALL: [Refusal; 6] = [
        Refusal::TooLarge,
        Refusal::NoLength,
        Refusal::CutOff,
        Refusal::NoMemory,
        Refusal::Queue,
        Refusal::Database,
    ];

    fn name(self) -> &'static str {
        match self {
            Refusal::TooLarge => "too_large",
            Refusal::NoLength => "no_length",
            Refusal::CutOff => "cut_off",
            Refusal::NoMemory => "no_memory",
            Refusal::Queue => "queue",
            Refusal::Database => "database",
        }
    }
}

/// How an attempt to sign in ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignIn {
    Good,
    Wrong,
    /// Not looked at, for there were too many.
    Throttled,
}

impl SignIn {
    const ALL: [SignIn; 3] = [SignIn::Good, SignIn::Wrong, SignIn::Throttled];

    fn name(self) -> &'static str {
        match self {
            SignIn::Good => "good",
            SignIn::Wrong => "wrong",
            SignIn::Throttled => "throttled",
        }
    }
}

/// How a password is worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    Argon2,
    /// Of passwords that another program has kept, until their first login.
    Pbkdf2,
}

impl Hash {
    const ALL: [Hash; 2] = [Hash::Argon2, Hash::Pbkdf2];

    fn name(self) -> &'static str {
        match self {
            Hash::Argon2 => "argon2",
            Hash::Pbkdf2 => "pbkdf2",
        }
    }
}

/// What a job counts now and then, because it cannot be counted as it happens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    pub waiting: i64,
    pub online: i64,
    pub offline: i64,
    /// Terminals whose clocks are off.
    pub clocks_off: i64,
    pub queued: i64,
    pub sent: i64,
    pub transactions: i64,
    pub unregistered: i64,
}

/// The answers of one door.
#[derive(Debug)]
struct Answers {
    /// By the first digit of the status.
    by_class: [Counter; 5],
    seconds: Histogram,
}

#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    terminals: Answers,
    api: Answers,
    console: Answers,
    polls: Counter,
    punches: Counters,
    group_rows: Histogram,
    group_seconds: Histogram,
    refusals: Counters,
    unread: Counters,
    commands: Counters,
    sign_ins: Counters,
    hashes: Counters,
    live_viewers: Gauge,
    turned_away: Counter,
    by_state: Gauges,
    clocks_off: Gauge,
    open_commands: Gauges,
    kept: Gauges,
    /// One asks at a time.
    read: Mutex<Read>,
}

/// What is only read when somebody asks.
#[derive(Debug)]
struct Read {
    uploads_waiting: Gauge,
    connections: Gauges,
    most_connections: Gauge,
    database_errors: Counters,
    job_failures: Counters,
    job_successes: Family<Label, Seconds>,
    job_seconds: Family<Label, Seconds>,
    backup: Seconds,
    certificate: Seconds,
    memory: Gauge,
    open_files: Gauge,
    most_files: Gauge,
    started: Seconds,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let mut all = List(Registry::default());
        let requests = all.add(
            "muster_requests",
            "What was answered, by door and the first digit of the status",
            Family::<[(&str, &str); 2], Counter>::default(),
        );
        let seconds = all.add(
            "muster_request_seconds",
            "How long answers took, without idle polls",
            Family::<Label, Histogram>::new_with_constructor(fast_to_slow as fn() -> Histogram),
        );
        let answers = |door: &'static str| Answers {
            by_class: CLASSES
                .map(|class| requests.get_or_create_owned(&[("door", door), ("status", class)])),
            seconds: seconds.get_or_create_owned(&[("door", door)]),
        };
        Metrics {
            terminals: answers("terminals"),
            api: answers("api"),
            console: answers("console"),
            polls: all.add(
                "muster_polls",
                "Terminals that asked what there is to do, and were answered",
                Counter::default(),
            ),
            punches: all.counters(
                "muster_punches",
                "Punches that arrived: new, or known already",
                "was",
                ["new", "known"],
            ),
            group_rows: all.add(
                "muster_group_rows",
                "Punches stored in one transaction",
                Histogram::new(exponential_buckets(1.0, 4.0, 7)),
            ),
            group_seconds: all.add(
                "muster_group_seconds",
                "How long such a transaction took, until it was on the disk",
                fast_to_slow(),
            ),
            refusals: all.counters(
                "muster_uploads_refused",
                "Uploads that terminals keep and send again",
                "reason",
                Refusal::ALL.map(Refusal::name),
            ),
            unread: all.counters(
                "muster_unread_lines",
                "Lines that were kept because nobody could read them, each once",
                "reason",
                [],
            ),
            commands: all.counters(
                "muster_commands_ended",
                "How commands to terminals ended",
                "outcome",
                ["done", "refused", "expired", "cancelled", "lost"],
            ),
            sign_ins: all.counters(
                "muster_sign_ins",
                "Passwords that were tried, at all doors",
                "outcome",
                SignIn::ALL.map(SignIn::name),
            ),
            hashes: all.counters(
                "muster_password_hashes",
                "Passwords that were worked out, right ones and wrong ones",
                "kind",
                Hash::ALL.map(Hash::name),
            ),
            live_viewers: all.add(
                "muster_live_viewers",
                "Live pages that are open",
                Gauge::default(),
            ),
            turned_away: all.add(
                "muster_connections_turned_away",
                "Connections of addresses that had as many as they may have",
                Counter::default(),
            ),
            by_state: all.add("muster_terminals", "Terminals by state", Gauges::default()),
            clocks_off: all.add(
                "muster_terminals_clock_off",
                "Terminals whose clock is off by more than a minute",
                Gauge::default(),
            ),
            open_commands: all.add(
                "muster_commands_open",
                "Commands that have not ended",
                Gauges::default(),
            ),
            kept: all.add(
                "muster_punches_kept",
                "Punches in the database",
                Gauges::default(),
            ),
            read: Mutex::new(Read::new(&mut all)),
            registry: all.0,
        }
    }
}

impl Read {
    fn new(all: &mut List) -> Read {
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        all.0
            .register("muster_build", "What runs", Info::new(version));
        Read {
            uploads_waiting: all.add(
                "muster_uploads_waiting",
                "Uploads that wait for the disk",
                Gauge::default(),
            ),
            connections: all.add(
                "muster_database_connections",
                "Connections to the database, used and idle",
                Gauges::default(),
            ),
            most_connections: all.add(
                "muster_database_connections_most",
                "How many there may be",
                Gauge::default(),
            ),
            database_errors: all.counters(
                "muster_database_errors",
                "What a database refused: it was not available, or something else",
                "kind",
                ["unavailable", "other"],
            ),
            job_failures: all.counters("muster_job_failures", "Jobs that failed", "name", []),
            job_successes: all.add(
                "muster_job_last_success_timestamp_seconds",
                "When a job last went well",
                Family::default(),
            ),
            job_seconds: all.add(
                "muster_job_seconds",
                "How long a job took the last time",
                Family::default(),
            ),
            backup: all.add(
                "muster_backup_timestamp_seconds",
                "When the newest backup was made; 0: there is none",
                Seconds::default(),
            ),
            certificate: all.add(
                "muster_certificate_end_timestamp_seconds",
                "When the certificate in use ends; 0: there is none",
                Seconds::default(),
            ),
            memory: all.add(
                "process_resident_memory_bytes",
                "Memory in use",
                Gauge::default(),
            ),
            open_files: all.add(
                "process_open_fds",
                "Open files and connections",
                Gauge::default(),
            ),
            most_files: all.add("process_max_fds", "How many there may be", Gauge::default()),
            started: all.add(
                "process_start_time_seconds",
                "When the server started",
                Seconds::default(),
            ),
        }
    }

    fn look(&self, app: &App) {
        self.uploads_waiting.set(whole(app.recorder.waiting()));
        let Connections { open, idle, most } = app.store.connections();
        let connections = |state, count| {
            self.connections
                .get_or_create(&[("state", state)])
                .set(count)
        };
        connections("used", whole(open.saturating_sub(idle)));
        connections("idle", whole(idle));
        self.most_connections.set(whole(most));
        let Failures { unavailable, other } = muster_store::failures();
        for (kind, count) in [("unavailable", unavailable), ("other", other)] {
            raise(
                &self.database_errors.get_or_create(&[("kind", kind)]),
                count,
            );
        }
        for (name, run) in app.runs.all() {
            let job = [("name", name)];
            raise(&self.job_failures.get_or_create(&job), run.failures);
            self.job_successes
                .get_or_create(&job)
                .set(timestamp(run.good_at));
            self.job_seconds
                .get_or_create(&job)
                .set(run.took.as_secs_f64());
        }
        let newest = backup::list(&app.config.backup_folder(), &app.company.id)
            .ok()
            .and_then(|backups| backups.into_iter().next());
        self.backup
            .set(timestamp(newest.map(|(_, made_at)| made_at)));
        self.certificate.set(timestamp(app.tls.ends_at()));
        self.memory.set(whole(health::memory_bytes().unwrap_or(0)));
        let (open_files, most_files) = health::files();
        self.open_files.set(whole(open_files));
        self.most_files.set(whole(most_files));
        self.started.set(timestamp(Some(app.started_at)));
    }
}

impl Metrics {
    /// All of it as text. Costs no query.
    pub fn told(&self, app: &App) -> Result<String, fmt::Error> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.look(app);
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    pub fn answered(&self, door: Door, status: u16, took: Duration) {
        let answers = match door {
            Door::Terminals => &self.terminals,
            Door::Api => &self.api,
            Door::Console => &self.console,
        };
        let class = usize::from(status / 100).clamp(1, CLASSES.len()) - 1;
        answers.by_class[class].inc();
        answers.seconds.observe(took.as_secs_f64());
    }

    /// A poll that was answered; of these there are too many to time them.
    pub fn polled(&self) {
        self.polls.inc();
        self.terminals.by_class[1].inc();
    }

    /// A transaction of the punches' writer: the rows it was given, and how many of them were new.
    pub fn stored(&self, rows: usize, new: usize, took: Duration) {
        let punches = |was, count| self.punches.get_or_create(&[("was", was)]).inc_by(count);
        punches("new", new as u64);
        punches("known", (rows - new) as u64);
        self.group_rows.observe(rows as f64);
        self.group_seconds.observe(took.as_secs_f64());
    }

    pub fn refused(&self, why: Refusal) {
        self.refusals.get_or_create(&[("reason", why.name())]).inc();
    }

    pub fn unread(&self, reason: &'static str) {
        self.unread.get_or_create(&[("reason", reason)]).inc();
    }

    pub fn commands_ended(&self, outcome: &'static str, count: u64) {
        self.commands
            .get_or_create(&[("outcome", outcome)])
            .inc_by(count);
    }

    pub fn signed_in(&self, how: SignIn) {
        self.sign_ins
            .get_or_create(&[("outcome", how.name())])
            .inc();
    }

    pub fn hashed(&self, kind: Hash) {
        self.hashes.get_or_create(&[("kind", kind.name())]).inc();
    }

    /// A connection was closed at once: its address has too many.
    pub fn turned_away(&self) {
        self.turned_away.inc();
    }

    /// Counts a live page for as long as what is returned is kept.
    pub fn viewer(&self) -> Viewer {
        self.live_viewers.inc();
        Viewer(self.live_viewers.clone())
    }

    pub fn counted(&self, figures: &Figures) {
        let Figures {
            waiting,
            online,
            offline,
            clocks_off,
            queued,
            sent,
            transactions,
            unregistered,
        } = *figures;
        for (gauges, label, value, count) in [
            (&self.by_state, "state", "waiting", waiting),
            (&self.by_state, "state", "online", online),
            (&self.by_state, "state", "offline", offline),
            (&self.open_commands, "state", "queued", queued),
            (&self.open_commands, "state", "sent", sent),
            (&self.kept, "list", "transactions", transactions),
            (&self.kept, "list", "unregistered", unregistered),
        ] {
            gauges.get_or_create(&[(label, value)]).set(count);
        }
        self.clocks_off.set(clocks_off);
    }
}

/// Somebody who looks at a live page.
#[derive(Debug)]
pub struct Viewer(Gauge);

impl Drop for Viewer {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Everything there is, in the order it is told.
struct List(Registry);

impl List {
    fn add<M: Metric + Clone>(&mut self, name: &str, about: &str, metric: M) -> M {
        self.0.register(name, about, metric.clone());
        metric
    }

    /// What has not happened yet is counted from 0 on, so that the first time is seen as a rise.
    fn counters<const N: usize>(
        &mut self,
        name: &str,
        about: &str,
        label: &'static str,
        values: [&'static str; N],
    ) -> Counters {
        let counters = self.add(name, about, Counters::default());
        for value in values {
            drop(counters.get_or_create(&[(label, value)]));
        }
        counters
    }
}

/// From half a millisecond to sixteen seconds.
fn fast_to_slow() -> Histogram {
    Histogram::new(exponential_buckets(0.0005, 2.0, 16))
}

/// What is counted elsewhere, as a counter.
fn raise(counter: &Counter, to: u64) {
    counter.inc_by(to.saturating_sub(counter.get()));
}

fn whole(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

fn timestamp(at: Option<DateTime<Utc>>) -> f64 {
    at.map_or(0.0, |at| at.timestamp_millis() as f64 / 1000.0)
}
