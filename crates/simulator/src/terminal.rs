//! One terminal: powers up, says hello, polls, sends what happens at it, does what it is told. What the dialects differ
//! in stands in `attendance.rs` and `access.rs`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveDateTime, TimeDelta, Timelike};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::command::{self, Bench, Outcome, Then, Upload};
use crate::ledger::{Ledger, Row, Step};
use crate::memory::{Counters, Memory, Person, Punch, print_row};
use crate::model::{Generation, Model};
use crate::options::{Options, Profile};
use crate::photo;
use crate::rhythm::{Crowd, Rhythm, exponential, lognormal};
use crate::wire::{Fate, Line, Reply, Request, Silence, Spelling};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);
/// Waited between tries; after the last the terminal is offline.
const PAUSES_MS: [u64; 3] = [300, 600, 900];
/// Results in one post.
const RESULTS_IN_A_POST: usize = 10;
/// A terminal that hears nothing for longer does not trust the date of the answer.
const PROMPT: Duration = Duration::from_secs(5);

/// Whether an answer means that the upload has arrived.
pub(crate) type Accepted<'a> = &'a (dyn Fn(&Reply) -> bool + Sync);

/// Why a terminal stops what it is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The run's time is over.
    Over,
    /// Nothing answers, or not as it should: waits `ErrorDelay`, then says hello again.
    Offline,
    /// The network is cut for so long.
    Cut(Duration),
    /// Restarts; silent for so long.
    PowerCycle(Duration),
}

/// What the server's options say, as far as a terminal minds.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// Longest time between two polls.
    pub delay: Duration,
    pub error_delay: Duration,
    /// Between searches for unsent rows; zero: never.
    pub rescan: Duration,
    /// Rows are sent as they happen.
    pub realtime: bool,
    pub supports_ping: bool,
    pub wants_options: bool,
    /// All people are to be uploaded.
    pub wants_people: bool,
}

impl Default for Session {
    fn default() -> Session {
        Session {
            delay: Duration::from_secs(10),
            error_delay: Duration::from_secs(30),
            rescan: Duration::from_secs(60),
            realtime: true,
            supports_ping: false,
            wants_options: false,
            wants_people: false,
        }
    }
}

/// What happens by itself, and when.
#[derive(Default)]
struct Timers {
    punch: Option<Duration>,
    rescan: Option<Duration>,
    midnight: Option<Duration>,
    cut: Option<Duration>,
    power_cycle: Option<Duration>,
    administration: Option<Duration>,
    door_state: Option<Duration>,
}

impl Timers {
    fn first(&self) -> Option<Duration> {
        let all = [
            self.punch,
            self.midnight,
            self.cut,
            self.power_cycle,
            self.administration,
            self.door_state,
        ];
        all.into_iter().flatten().min()
    }
}

/// Takes a timer that is due.
fn due(timer: &mut Option<Duration>, now: Duration) -> bool {
    timer.take_if(|at| *at <= now).is_some()
}

/// A terminal that is not there.
pub struct Terminal {
    pub(crate) serial_number: Arc<str>,
    pub(crate) index: usize,
    pub(crate) model: &'static Model,
    pub(crate) spelling: Spelling,
    pub(crate) options: Arc<Options>,
    pub(crate) clock: Clock,
    pub(crate) random: StdRng,
    pub(crate) memory: Memory,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) session: Session,
    /// The next start of a session is a start of the terminal.
    pub(crate) powered_up: bool,
    /// An upload was acknowledged after a refused hello.
    pub(crate) acknowledged_unknown: bool,
    camera: bool,
    ignores_date: bool,
    hello_at_midnight: bool,
    crowd: Crowd,
    rhythm: Rhythm,
    pub(crate) line: Line,
    timers: Timers,
    pub(crate) told: Option<Counters>,
    photos: Vec<(Arc<str>, NaiveDateTime)>,
    /// Results not yet acknowledged: id and line.
    pub(crate) results: Vec<(String, String)>,
    /// Rows of people and operations that are not acknowledged yet.
    unsent_rows: Vec<String>,
    enrolled_here: u32,
    last_ping: Duration,
}

impl Terminal {
    /// The n-th terminal of a fleet of `options.terminals`.
    pub(crate) fn new(
        index: usize,
        serial_number: &str,
        model: &'static Model,
        people: &[Arc<str>],
        options: &Arc<Options>,
        ledger: &Arc<Ledger>,
        began: (Instant, NaiveDateTime),
    ) -> Terminal {
        let seed = options.seed ^ (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut random = StdRng::seed_from_u64(seed);
        let mut has = |share: f64| random.random::<f64>() < share;
        let mix = &options.mix;
        let spelling = Spelling {
            aspx: has(mix.aspx),
            http_1_0: has(mix.http_1_0),
            raw_spaces: has(mix.raw_spaces),
            cr_lf: has(mix.cr_lf),
            odd_case: has(mix.odd_case),
            access: model.generation == Generation::Access,
            keep_alive: options.keep_alive,
        };
        let (camera, ignores_date, hello_at_midnight) = (
            has(mix.camera),
            has(mix.wrong_clock),
            has(mix.midnight_handshake),
        );
        let error_s = match (ignores_date, options.starts_at) {
            (true, _) => random.random_range(3600..6 * 3600) * if random.random() { 1 } else { -1 },
            (false, Some(_)) => 0,
            (false, None) => random.random_range(-120..=120),
        };
        let clock = Clock::new(options.speed, began.0, began.1, error_s);

        // With enough people each has one terminal to use, so that going in and out make sense.
        let enough = people.len() >= 4 * options.terminals;
        let (skip, step) = if enough {
            (index, options.terminals.max(1))
        } else {
            (0, 1)
        };
        let own: Vec<Arc<str>> = people.iter().skip(skip).step_by(step).cloned().collect();
        let mut memory = Memory::default();
        memory.options = model.properties(serial_number, index).into_iter().collect();
        if options.enrolled {
            for pin in &own {
                let mut person = Person::default();
                person
                    .prints
                    .insert("5".to_owned(), template(&mut random, 1200));
                memory.people.insert(pin.to_string(), person);
            }
        }
        let plain = matches!(model.generation, Generation::First | Generation::Access);
        let mut terminal = Terminal {
            serial_number: serial_number.into(),
            index,
            model,
            spelling,
            options: options.clone(),
            clock,
            random,
            memory,
            ledger: ledger.clone(),
            session: Session::default(),
            powered_up: true,
            acknowledged_unknown: false,
            camera,
            ignores_date,
            hello_at_midnight,
            crowd: Crowd::new(own.into_iter(), plain),
            rhythm: Rhythm::new(
                options.profile,
                options.punches_per_minute,
                options.terminals,
            ),
            line: Line::new(options.address()),
            timers: Timers::default(),
            told: None,
            photos: Vec::new(),
            results: Vec::new(),
            unsent_rows: Vec::new(),
            enrolled_here: 0,
            last_ping: Duration::ZERO,
        };
        terminal.fill_backlog();
        terminal.set_timers();
        terminal
    }

    fn fill_backlog(&mut self) {
        let rows = match self.options.profile {
            Profile::Storm => self.options.backlog_rows.max(30),
            _ => self.options.backlog_rows,
        };
        let now = self.clock.local(Duration::ZERO);
        for row in (1..=rows).rev() {
            // Two or three of ten minutes have a punch, as in an office.
            self.punch(now - TimeDelta::seconds(170) * i32::try_from(row).unwrap_or(i32::MAX));
        }
    }

    fn set_timers(&mut self) {
        self.timers.punch =
            self.rhythm
                .next(Duration::ZERO, |at| self.clock.local(at), &mut self.random);
        let faults = self.options.faults;
        self.timers.cut = self.rarely(DAY, faults.drops_per_day);
        self.timers.power_cycle = self.rarely(7 * DAY, faults.reboots_per_week);
        self.timers.administration = self.rarely(DAY, self.options.administration_per_day);
    }

    /// Within 20 s after the wall clock's next midnight.
    fn next_midnight(&mut self) -> Duration {
        let today = DAY.as_secs() - u64::from(self.now_local().num_seconds_from_midnight());
        self.clock.elapsed() + Duration::from_secs(today) + self.up_to(20_000)
    }

    /// A time from now for what happens so often in a period.
    fn rarely(&mut self, period: Duration, times: f64) -> Option<Duration> {
        (times > 0.0)
            .then(|| self.clock.elapsed() + exponential(period.div_f64(times), &mut self.random))
    }

    fn up_to(&mut self, ms: u64) -> Duration {
        Duration::from_millis(self.random.random_range(0..=ms))
    }

    pub(crate) fn between(&mut self, from_ms: u64, to_ms: u64) -> Duration {
        Duration::from_millis(self.random.random_range(from_ms..=to_ms))
    }

    pub(crate) fn chance(&mut self, share: f64) -> bool {
        share > 0.0 && self.random.random::<f64>() < share
    }

    pub(crate) fn now_local(&self) -> NaiveDateTime {
        self.clock.local(self.clock.elapsed())
    }

    /// Lives until the run's time is over.
    pub(crate) async fn run(mut self) {
        let late = match self.options.profile {
            Profile::Storm => self.up_to(30_000),
            Profile::Demo => self.up_to(1_000),
            _ => self.up_to(5_000),
        };
        let mut silence = late;
        while self.wait(silence).await.is_ok() {
            let Err(ending) = self.live().await;
            self.line.hang_up();
            silence = match ending {
                Ending::Over => return,
                Ending::Offline => self.session.error_delay,
                Ending::Cut(length) => length,
                Ending::PowerCycle(length) => {
                    self.ledger.count(|totals| totals.reboots += 1);
                    self.results.clear();
                    self.powered_up = true;
                    length
                }
            };
        }
    }

    /// From the first word to the end of a session.
    async fn live(&mut self) -> Result<Infallible, Ending> {
        let access = self.model.generation == Generation::Access;
        self.told = None;
        if access {
            self.boot_access().await?;
            self.timers.door_state = Some(self.clock.elapsed() + self.between(10_000, 60_000));
        } else {
            self.boot_attendance().await?;
        }
        self.powered_up = false;
        // Only now is the time zone known.
        self.timers.midnight = self.hello_at_midnight.then(|| self.next_midnight());
        self.post_results().await?;
        self.send_unsent().await?;
        self.send_unsent_rows().await?;
        self.send_people().await?;

        // Attendance terminals poll soon after something happened, then ever more slowly.
        let soon = if access { self.session.delay } else { SECOND };
        let mut pause = soon;
        let mut next_poll = self.clock.elapsed() + pause;
        self.timers.rescan = self.next_rescan();
        loop {
            let rescan = self
                .timers
                .rescan
                .filter(|_| self.memory.unsent_count() > 0 && !self.session.realtime);
            let wake = [Some(next_poll), self.timers.first(), rescan]
                .into_iter()
                .flatten()
                .min()
                .unwrap_or(next_poll);
            self.wait_until(wake).await?;
            let rescans = due(&mut self.timers.rescan, self.clock.elapsed());
            if rescans {
                self.timers.rescan = self.next_rescan();
            }
            if self.memory.unsent_count() > 0 && (self.session.realtime || rescans) {
                let lag = lognormal(Duration::from_millis(400), &mut self.random);
                self.wait(lag).await?;
                self.send_unsent().await?;
                pause = soon;
                next_poll = self.clock.elapsed() + SECOND;
            }
            self.mind_timers().await?;
            if self.clock.elapsed() >= next_poll {
                pause = match self.poll().await? {
                    Heard::Commands => SECOND,
                    Heard::Nonsense => self.session.error_delay,
                    Heard::Nothing if access => self.session.delay,
                    Heard::Nothing => (pause + self.session.delay / 5).min(self.session.delay),
                };
                next_poll = self.clock.elapsed() + pause;
            }
        }
    }

    fn next_rescan(&self) -> Option<Duration> {
        (!self.session.rescan.is_zero()).then(|| self.clock.elapsed() + self.session.rescan)
    }

    async fn mind_timers(&mut self) -> Result<(), Ending> {
        let now = self.clock.elapsed();
        if due(&mut self.timers.midnight, now) {
            self.timers.midnight = Some(self.next_midnight());
            self.say_hello().await?;
        }
        if due(&mut self.timers.administration, now) {
            self.timers.administration = self.rarely(DAY, self.options.administration_per_day);
            self.administer().await?;
        }
        if due(&mut self.timers.door_state, now) {
            self.timers.door_state = Some(now + self.between(10_000, 60_000));
            self.send_door_state().await?;
        }
        if due(&mut self.timers.cut, now) {
            self.timers.cut = self.rarely(DAY, self.options.faults.drops_per_day);
            return Err(Ending::Cut(self.between(5_000, 300_000)));
        }
        if due(&mut self.timers.power_cycle, now) {
            self.timers.power_cycle = self.rarely(7 * DAY, self.options.faults.reboots_per_week);
            return Err(Ending::PowerCycle(self.between(40_000, 90_000)));
        }
        Ok(())
    }

    pub(crate) async fn say_hello(&mut self) -> Result<(), Ending> {
        match self.model.generation {
            Generation::Access => self.reconnect_access().await,
            _ => self.handshake().await,
        }
    }

    /// Lets time pass; people come and punch meanwhile.
    pub(crate) async fn wait(&mut self, length: Duration) -> Result<(), Ending> {
        self.wait_until(self.clock.elapsed() + length).await
    }

    pub(crate) async fn wait_until(&mut self, until: Duration) -> Result<(), Ending> {
        let end = self.options.duration_s.map(Duration::from_secs);
        self.clock
            .sleep_until(end.map_or(until, |end| end.min(until)))
            .await;
        let now = self.clock.elapsed();
        while let Some(at) = self.timers.punch.filter(|at| *at <= now) {
            let local = self.clock.local(at);
            self.punch(local);
            self.timers.punch = self
                .rhythm
                .next(at, |at| self.clock.local(at), &mut self.random);
        }
        if end.is_some_and(|end| now >= end) {
            Err(Ending::Over)
        } else {
            Ok(())
        }
    }

    /// Somebody comes and is recognised.
    fn punch(&mut self, local: NaiveDateTime) {
        let Some((pin, status)) = self.crowd.comes(local, &mut self.random) else {
            return;
        };
        let mut share = self.random.random_range(0..100);
        let verify = self.model.verify.iter().find(|(_, often)| {
            let found = share < *often;
            share = share.saturating_sub(*often);
            found
        });
        let punch = Punch {
            pin,
            local,
            status,
            verify: verify.map_or(0, |(code, _)| *code),
        };
        self.ledger.made(|| self.row(&punch));
        if self.camera && self.photos.len() < 5 {
            self.photos.push((punch.pin.clone(), local));
        }
        self.memory.keep(punch);
    }

    /// The punch as the server must keep it.
    pub(crate) fn row(&self, punch: &Punch) -> Row {
        Row {
            terminal: self.serial_number.clone(),
            pin: punch.pin.clone(),
            local: punch.local,
            status: punch.status,
            verify: punch.verify,
            access: self.model.generation == Generation::Access,
        }
    }

    /// One request, noted in the ledger.
    pub(crate) async fn send(&mut self, request: &Request, fate: Fate) -> Result<Reply, Silence> {
        let began = Instant::now();
        let answer = self
            .line
            .ask(request, self.spelling, &self.serial_number, fate)
            .await;
        self.ledger.count(|totals| {
            totals.requests += 1;
            match &answer {
                Err(Silence::Meant) => totals.hung_up += 1,
                Err(_) => totals.unanswered += 1,
                Ok(_) => {}
            }
        });
        if self.ledger.traces() {
            self.ledger.step(Step {
                terminal: self.serial_number.clone(),
                at_ms: u64::try_from(self.clock.elapsed().as_millis()).unwrap_or(u64::MAX),
                request: request.title(),
                rows: request.body.iter().filter(|byte| **byte == b'\n').count(),
                status: answer.as_ref().ok().map(|reply| reply.status),
            });
        }
        if let Ok(reply) = &answer {
            for flaw in reply.flaws() {
                self.ledger.flaw(flaw, || {
                    format!(
                        "{}: {}\n{}",
                        self.serial_number,
                        request.title(),
                        reply.head
                    )
                });
            }
            if let Some(date) = reply.date()
                && !request.post
                && !self.ignores_date
                && began.elapsed() < PROMPT
            {
                self.clock.follow(date);
            }
        }
        answer
    }

    /// Tries three times; then the terminal is offline.
    pub(crate) async fn insist(
        &mut self,
        request: &Request,
        accepted: fn(&Reply) -> bool,
    ) -> Result<Reply, Ending> {
        for pause in PAUSES_MS {
            match self.send(request, Fate::Whole).await {
                Ok(reply) if accepted(&reply) => return Ok(reply),
                _ => self.wait(Duration::from_millis(pause)).await?,
            }
        }
        Err(Ending::Offline)
    }

    /// One try to upload, with what may go wrong on the way. True when it was acknowledged.
    async fn upload_once(&mut self, request: &Request, accepted: Accepted<'_>) -> bool {
        let faults = self.options.faults;
        let fate = if self.chance(faults.half_body) {
            Fate::HalfBody
        } else if self.chance(faults.lost_reply) {
            if self.random.random() {
                Fate::ReplyLost
            } else {
                Fate::HungUp
            }
        } else {
            Fate::Whole
        };
        let began = Instant::now();
        match self.send(request, fate).await {
            Ok(reply) if accepted(&reply) => {
                self.ledger.ack_took(began.elapsed());
                if self.chance(faults.twice) {
                    // The second answer changes nothing.
                    let _ = self.send(request, Fate::Whole).await;
                }
                true
            }
            Ok(_) => {
                self.ledger.count(|totals| totals.uploads_refused += 1);
                false
            }
            Err(_) => false,
        }
    }

    /// Uploads until it is acknowledged, three times at most.
    pub(crate) async fn upload(
        &mut self,
        request: &Request,
        accepted: Accepted<'_>,
    ) -> Result<(), Ending> {
        for pause in PAUSES_MS {
            if self.upload_once(request, accepted).await {
                return Ok(());
            }
            self.wait(Duration::from_millis(pause)).await?;
        }
        Err(Ending::Offline)
    }

    /// Sends the unsent punches, in batches that grow while all goes well.
    pub(crate) async fn send_unsent(&mut self) -> Result<(), Ending> {
        const SMALLEST: usize = 30;
        const LARGEST: usize = 150;
        let mut batch = SMALLEST;
        let mut failures = PAUSES_MS.into_iter();
        while self.memory.unsent_count() > 0 {
            if self.send_batch(batch).await {
                batch = (batch + 10).min(LARGEST);
                failures = PAUSES_MS.into_iter();
                if self.memory.unsent_count() > 0 {
                    let pause = self.between(100, 300);
                    self.wait(pause).await?;
                    self.ping().await;
                }
            } else {
                batch = batch.saturating_sub(30).max(SMALLEST);
                self.wait(Duration::from_millis(failures.next().unwrap_or_default()))
                    .await?;
                if failures.len() == 0 {
                    return Err(Ending::Offline);
                }
            }
        }
        for (pin, local) in std::mem::take(&mut self.photos) {
            self.wait(Duration::from_millis(500)).await?;
            let size = self.random.random_range(10_000..60_000);
            let request = self.photo_request(&pin, local, &photo::jpeg(size));
            self.upload(&request, &Reply::is_ok).await?;
        }
        Ok(())
    }

    /// One try with the oldest unsent punches. True when they were acknowledged.
    pub(crate) async fn send_batch(&mut self, most: usize) -> bool {
        let punches: Vec<(usize, Punch)> = self
            .memory
            .unsent(most)
            .map(|(number, punch)| (number, punch.clone()))
            .collect();
        let request = self.punch_request(&punches);
        let acknowledged = self.upload_once(&request, &Reply::is_ok).await;
        if acknowledged {
            self.memory.sent(punches.len());
            let rows = punches.iter().map(|(_, punch)| self.row(punch));
            self.ledger.acknowledged(punches.len(), rows);
        }
        acknowledged
    }

    /// Punches to rows of this dialect, now and then with one between that cannot be read.
    fn punch_request(&mut self, punches: &[(usize, Punch)]) -> Request {
        const BAD: [&str; 4] = [
            "1001\t",
            "\t2026-08-08 09:00:00\t0\t1\t\t0\t0",
            "1001\t2026-08-08 99:99:99\t0\t1",
            "\u{1}junk",
        ];
        let mut body = String::with_capacity(punches.len() * 48);
        let access = self.model.generation == Generation::Access;
        for (number, punch) in punches {
            if !access && self.chance(self.options.faults.bad_row) {
                body.push_str(BAD[self.random.random_range(0..BAD.len())]);
                body.push_str(self.spelling.line_end());
                self.ledger.count(|totals| totals.bad_rows += 1);
            }
            body.push_str(&if access {
                self.access_row(*number, punch)
            } else {
                self.attendance_row(punch)
            });
            body.push_str(self.spelling.line_end());
        }
        let newest = punches.iter().map(|(_, punch)| punch.local).max();
        let query = if access {
            "&table=rtlog".to_owned()
        } else {
            self.attlog_query(newest)
        };
        Request::post("cdata", query, body)
    }

    /// Newer terminals say that they live when they are too busy to poll.
    async fn ping(&mut self) {
        let now = self.clock.elapsed();
        if self.session.supports_ping
            && now.saturating_sub(self.last_ping) >= Duration::from_secs(10)
        {
            self.last_ping = now;
            // Whatever the answer.
            let _ = self.send(&Request::get("ping", ""), Fate::Whole).await;
        }
    }

    /// Asks for commands and carries them out.
    pub(crate) async fn poll(&mut self) -> Result<Heard, Ending> {
        let counters = self.memory.counters();
        let changed = self.told != Some(counters);
        let query = if changed {
            format!("&INFO={}", self.describe(counters))
        } else {
            String::new()
        };
        if self.chance(self.options.faults.lost_commands) {
            // The server has given out what it had; nobody read it.
            let _ = self
                .send(&Request::get("getrequest", query), Fate::ReplyLost)
                .await;
            return Ok(Heard::Nothing);
        }
        let reply = self
            .insist(&Request::get("getrequest", query), |reply| {
                reply.status == 200
            })
            .await?;
        self.told = Some(counters);
        self.ledger.count(|totals| totals.polls += 1);
        if reply.body == b"OK" {
            return Ok(Heard::Nothing);
        }
        let commands = command::read(&reply.body);
        if commands.is_empty() {
            self.ledger.flaw(
                "the answer to a poll was neither commands nor exactly OK",
                || format!("{}: {:?}", self.serial_number, reply.text()),
            );
            return Ok(Heard::Nonsense);
        }
        for command in commands {
            if self.chance(self.options.faults.reboot_mid_batch) {
                return Err(Ending::PowerCycle(self.between(40_000, 90_000)));
            }
            self.obey(&command.id, &command.text).await?;
        }
        self.post_results().await?;
        Ok(Heard::Commands)
    }

    async fn obey(&mut self, id: &str, text: &str) -> Result<(), Ending> {
        let verb = command::verb(text);
        let effort = match verb.split(' ').next_back().unwrap_or_default() {
            "BIOPHOTO" => self.between(1_000, 3_000),
            "ENROLL_FP" | "ENROLL_BIO" => self.between(5_000, 60_000),
            _ => self.between(20, 300),
        };
        self.wait(effort).await?;
        self.ledger.executed(&self.serial_number, id, &verb);
        let outcome = if self.chance(self.options.faults.unknown_command) {
            command::unknown(text)
        } else if self.chance(self.options.faults.busy) {
            command::busy(text)
        } else {
            self.execute(text)
        };
        let line = outcome.line(id);
        let then = outcome.then;
        if let Some(upload) = outcome.upload {
            self.send_answer(id, upload).await?;
        }
        self.results.push((id.to_owned(), line));
        if self.results.len() >= RESULTS_IN_A_POST || then != Then::Nothing {
            self.post_results().await?;
        }
        match then {
            Then::Nothing => Ok(()),
            Then::SendNow => self.send_unsent().await,
            Then::Handshake => {
                self.say_hello().await?;
                self.send_unsent().await?;
                self.send_people().await
            }
            Then::Reboot => Err(Ending::PowerCycle(self.between(40_000, 90_000))),
        }
    }

    fn execute(&mut self, text: &str) -> Outcome {
        let now = self.now_local();
        let random = &mut self.random;
        let mut enrolled = || template(random, 1200);
        Bench {
            memory: &mut self.memory,
            model: self.model,
            now,
            template: &mut enrolled,
        }
        .execute(text)
    }

    /// What a query asked for goes out before its result.
    async fn send_answer(&mut self, id: &str, upload: Upload) -> Result<(), Ending> {
        match upload {
            Upload::Punches(punches) => {
                for some in punches.chunks(100) {
                    let body: String = some
                        .iter()
                        .map(|punch| self.attendance_row(punch) + self.spelling.line_end())
                        .collect();
                    self.upload(
                        &Request::post("cdata", "&table=ATTLOG&Stamp=0", body),
                        &Reply::is_ok,
                    )
                    .await?;
                }
                Ok(())
            }
            Upload::Operations(rows) => self.send_rows(rows).await,
            Upload::Query { kind, table, rows } => {
                let query = format!(
                    "&type={kind}&cmdid={id}&tablename={table}&count={}&packcnt=1&packidx=1",
                    rows.len()
                );
                let request = Request::post("querydata", query, rows.join("\r\n"));
                let wanted = if kind == "tabledata" {
                    format!("{table}=")
                } else {
                    "OK".to_owned()
                };
                self.upload(&request, &|reply| {
                    reply.status == 200 && reply.text().starts_with(&wanted)
                })
                .await
            }
        }
    }

    /// Posts what results there are. Without an acknowledgement they are kept for the next session.
    pub(crate) async fn post_results(&mut self) -> Result<(), Ending> {
        while !self.results.is_empty() {
            let some: Vec<(String, String)> = self
                .results
                .iter()
                .take(RESULTS_IN_A_POST)
                .cloned()
                .collect();
            let body: String = some.iter().map(|(_, line)| format!("{line}\n")).collect();
            let request = Request::post("devicecmd", "", body);
            if self.chance(self.options.faults.lost_result) {
                self.results.drain(..some.len());
                continue;
            }
            self.insist(&request, Reply::is_ok).await?;
            self.results.drain(..some.len());
            let ids: Vec<String> = some.into_iter().map(|(id, _)| id).collect();
            self.ledger.confirmed(&self.serial_number, &ids);
            if self.chance(self.options.faults.twice_result) {
                // The second answer changes nothing.
                let _ = self.send(&request, Fate::Whole).await;
            }
        }
        Ok(())
    }

    /// Somebody with the right to do so enrols a new person at the terminal, or deletes one.
    async fn administer(&mut self) -> Result<(), Ending> {
        let local = muster_protocol::time::format_local(self.now_local());
        let mut rows = vec![format!("OPLOG 4\t1\t{local}\t0\t0\t0\t0")];
        let newest = 9_000_000 + self.index * 10_000;
        if self.enrolled_here > 0 && self.chance(0.2) {
            let pin =
                (newest + self.random.random_range(0..self.enrolled_here) as usize).to_string();
            self.memory.people.remove(&pin);
            rows.push(format!("OPLOG 9\t1\t{local}\t{pin}\t0\t0\t0"));
        } else {
            let pin = (newest + self.enrolled_here as usize).to_string();
            self.enrolled_here += 1;
            let print = template(&mut self.random, 1200);
            let mut person = Person::default();
            person
                .columns
                .insert("Name".to_owned(), format!("New {}", self.enrolled_here));
            person.prints.insert("6".to_owned(), print.clone());
            self.memory.people.insert(pin.clone(), person);
            rows.push(format!("OPLOG 30\t1\t{local}\t{pin}\t0\t0\t0"));
            rows.extend(self.memory.person_rows(&pin).into_iter().take(1));
            rows.push(format!("OPLOG 6\t1\t{local}\t{pin}\t6\t0\t{}", print.len()));
            rows.push(print_row(&pin, "6", &print));
        }
        self.send_rows(rows).await
    }

    /// Everybody the terminal holds, when the server has asked for it.
    pub(crate) async fn send_people(&mut self) -> Result<(), Ending> {
        if !std::mem::take(&mut self.session.wants_people) {
            return Ok(());
        }
        let pins: Vec<String> = self.memory.people.keys().cloned().collect();
        let rows = pins
            .iter()
            .flat_map(|pin| self.memory.person_rows(pin))
            .collect();
        self.send_rows(rows).await
    }

    pub(crate) async fn send_rows(&mut self, rows: Vec<String>) -> Result<(), Ending> {
        match self.model.generation {
            Generation::Access => self.send_table_rows().await,
            _ => {
                self.unsent_rows.extend(rows);
                self.send_unsent_rows().await
            }
        }
    }

    /// Rows of before that nobody has acknowledged; without an acknowledgement they are kept.
    pub(crate) async fn send_unsent_rows(&mut self) -> Result<(), Ending> {
        let rows = self.unsent_rows.clone();
        self.send_operations(rows).await?;
        self.unsent_rows.clear();
        Ok(())
    }

    /// The positional summary of a poll.
    fn describe(&self, counters: Counters) -> String {
        let Counters {
            people,
            prints,
            punches,
            faces,
            cards,
            pictures,
        } = counters;
        let model = self.model;
        // The address of a terminal changes now and then; nobody may rely on it.
        let address = format!(
            "192.168.{}.{}",
            self.index / 200 % 250,
            self.index % 200 + 10
        );
        let start = format!("{},{people},{prints},{punches},{address}", model.firmware);
        match model.generation {
            Generation::First => start,
            Generation::Second => format!("{start},10,7,15,{faces},{}", model.functions),
            Generation::Third | Generation::Access => {
                format!(
                    "{start},10,39,12,{faces},{},{cards},{pictures},0",
                    model.functions
                )
            }
        }
    }
}

/// What the answer to a poll was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Nothing,
    Commands,
    /// Firmware takes it for a command it does not know.
    Nonsense,
}

/// Text that looks like a template: base64 without padding.
pub(crate) fn template(random: &mut StdRng, length: usize) -> String {
    let letters = random
        .sample_iter(rand::distr::Alphanumeric)
        .take(length / 4 * 4 - 8)
        .map(char::from);
    "TUzIxAAA".chars().chain(letters).collect()
}
