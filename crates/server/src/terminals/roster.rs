//! The terminals this node has spoken with, in memory, so that an idle poll costs no query. The
//! rows in the database stand above it: a change of a row drops the entry.

use crate::punches::record::Place;
use crate::terminals::contact::{Again, Known, NOT_AUTHORIZED, family_of};
use crate::terminals::talk::Talk;
use crate::terminals::zone::Zone;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use muster_protocol::handshake::{Family, Stamps, ZoneSpelling};
use muster_protocol::ids::SerialNumber;
use muster_protocol::poll::Info;
use muster_store::Dialect;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};

/// A terminal is told to call as often as is set, within these bounds.
const HEARTBEATS_S: RangeInclusive<u32> = 2..=600;
/// However often one calls, it is online for so long after it did.
const LEAST_ONLINE_S: i64 = 60;

/// At most so many serial numbers that were refused and not listed are remembered.
const MOST_STRANGERS: usize = 1000;

/// What a terminal tells is believed to be new when it has been in touch for so long.
const IN_TOUCH: TimeDelta = TimeDelta::seconds(60);
/// A clock is written down when it has moved by so many seconds, or after so long.
const NEWS_S: i64 = 2;
const STILL_NEWS: TimeDelta = TimeDelta::hours(1);

/// A terminal that has called.
#[derive(Debug)]
pub struct Presence {
    pub id: i64,
    pub sn: SerialNumber,
    pub place: Arc<Place>,
    pub area_id: i64,
    /// When its row or its area's was last changed by people, as they were read.
    pub changed_at: DateTime<Utc>,
    pub zone: Zone,
    pub zone_spelling: ZoneSpelling,
    pub heartbeat_s: u32,
    pub transfer_times: String,
    pub transfer_interval_min: u32,
    pub registration: Option<(String, String)>,
    heard: Mutex<Heard>,
    /// Something is queued or unanswered; a poll need not ask the database otherwise.
    open_commands: AtomicBool,
    /// Microseconds since 1970 of the last contact.
    heard_at: AtomicI64,
}

#[derive(Debug)]
struct Heard {
    family: Family,
    push_protocol: String,
    stamps: Stamps,
    info: String,
    /// Decides how names are encoded.
    language: Option<u16>,
    /// Wants its commands in another wrapping.
    wraps_commands: bool,
    /// Since when it has spoken without a longer silence and without starting anew.
    unbroken_since: DateTime<Utc>,
    /// Seconds its clock was ahead, and when that was seen.
    clock: Option<(i64, DateTime<Utc>)>,
    fresh_clock: bool,
    address: IpAddr,
    /// Asked for `/exchange`: is to be offered a version without encryption.
    wants_clear_text: bool,
    /// Heard, and told something new, since it was last written down.
    fresh: bool,
    fresh_info: bool,
    fresh_stamps: bool,
    online: bool,
}

impl Presence {
    fn new(sn: &SerialNumber, known: Known, address: IpAddr) -> Presence {
        let zone = known.zone();
        let stamps = Stamps::default();
        Presence {
            id: known.id,
            sn: sn.clone(),
            place: Arc::new(Place {
                terminal_id: Some(known.id),
                terminal_sn: sn.as_str().to_owned(),
                terminal_alias: Some(known.alias),
                area_id: Some(known.area_id),
                area_name: Some(known.area_name),
            }),
            area_id: known.area_id,
            changed_at: known.changed_at,
            zone,
            zone_spelling: match known.zone_spelling.as_str() {
                "minutes" => ZoneSpelling::Minutes,
                "omit" => ZoneSpelling::Omit,
                "signed" => ZoneSpelling::Signed,
                _ => ZoneSpelling::HoursOrMinutes,
            },
            heartbeat_s: heartbeat_told_s(known.heartbeat),
            transfer_times: muster_protocol::handshake::transfer_times(&known.transfer_time)
                .unwrap_or_else(|| "00:00;14:05".into()),
            transfer_interval_min: u32::try_from(known.transfer_interval)
                .unwrap_or(1)
                .min(1440),
            registration: known.registry_code.zip(known.session_code),
            heard: Mutex::new(Heard {
                family: family_of(&known.family),
                push_protocol: known.push_protocol,
                stamps: Stamps {
                    attlog: known.log_stamp.unwrap_or(stamps.attlog),
                    operlog: known.op_log_stamp.unwrap_or(stamps.operlog),
                    attphoto: known.capture_stamp.unwrap_or(stamps.attphoto),
                    biodata: known.bio_stamp.unwrap_or(stamps.biodata),
                },
                info: String::new(),
                language: known
                    .language
                    .and_then(|language| u16::try_from(language).ok()),
                wraps_commands: known.wraps_commands,
                unbroken_since: DateTime::UNIX_EPOCH,
                clock: known.clock_drift_s.zip(known.clock_seen_at),
                fresh_clock: false,
                address,
                wants_clear_text: false,
                fresh: false,
                fresh_info: false,
                fresh_stamps: false,
                online: false,
            }),
            open_commands: AtomicBool::new(known.has_open_commands),
            heard_at: AtomicI64::new(0),
        }
    }

    fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.heard.lock().expect("nobody panics while holding it")
    }

    /// In "Not Authorized", so refused while strangers are held.
    pub fn is_unauthorized(&self) -> bool {
        self.area_id == NOT_AUTHORIZED
    }

    /// Notes a contact; cheap enough for every poll. Returns where it called from before, when that was elsewhere.
    pub fn touch(&self, now: DateTime<Utc>, address: IpAddr) -> Option<IpAddr> {
        let before = self
            .heard_at
            .swap(now.timestamp_micros(), Ordering::Relaxed);
        let silent_s = now.timestamp() - before / 1_000_000;
        let mut heard = self.heard();
        if silent_s > online_within_s(self.heartbeat_s.into()) {
            heard.unbroken_since = now;
        }
        let before = std::mem::replace(&mut heard.address, address);
        heard.fresh = true;
        (before != address).then_some(before)
    }

    /// It started anew, or reads its options again: what it sends next may be old.
    pub fn begins_anew(&self, now: DateTime<Utc>) {
        self.heard().unbroken_since = now;
    }

    /// The terminal did something that its clock showed at `local`, and told at once: so far is it off.
    /// That it was at once is only believed of one that has been in touch for a while, and was asked
    /// for nothing.
    pub fn note_clock(&self, now: DateTime<Utc>, local: NaiveDateTime) {
        if self.has_open_commands() {
            return;
        }
        let ahead_s = (local - self.zone.local(now)).num_seconds();
        let mut heard = self.heard();
        if now - heard.unbroken_since < IN_TOUCH {
            return;
        }
        let is_news = heard.clock.is_none_or(|(known_s, seen_at)| {
            (known_s - ahead_s).abs() >= NEWS_S || now - seen_at >= STILL_NEWS
        });
        if is_news {
            heard.clock = Some((ahead_s, now));
            heard.fresh_clock = true;
        }
    }

    pub fn family(&self) -> Family {
        self.heard().family
    }

    /// `true` when it was another before.
    pub fn set_family(&self, family: Family) -> bool {
        std::mem::replace(&mut self.heard().family, family) != family
    }

    pub fn language(&self) -> Option<u16> {
        self.heard().language
    }

    /// `true` when it was another before; a terminal that does not say keeps the one it had.
    pub fn set_language(&self, language: Option<u16>) -> bool {
        let mut heard = self.heard();
        language.is_some() && std::mem::replace(&mut heard.language, language) != language
    }

    pub fn wraps_commands(&self) -> bool {
        self.heard().wraps_commands
    }

    /// `true` when it was otherwise before.
    pub fn set_wraps_commands(&self, wraps: bool) -> bool {
        std::mem::replace(&mut self.heard().wraps_commands, wraps) != wraps
    }

    /// The version of the protocol it speaks; empty when it has not said.
    pub fn push_protocol(&self) -> String {
        self.heard().push_protocol.clone()
    }

    /// `true` when it was another before.
    pub fn set_push_protocol(&self, version: &str) -> bool {
        let mut heard = self.heard();
        let other = heard.push_protocol != version;
        if other {
            version.clone_into(&mut heard.push_protocol);
        }
        other
    }

    pub fn stamps(&self) -> Stamps {
        self.heard().stamps.clone()
    }

    /// Takes over the stamp of an upload that is durable, unless it is `0`, as answers to a query
    /// carry, or smaller than the one before. Should it be lost before it is written down, the
    /// terminal only sends again what is known.
    pub fn advance_stamp(&self, table: &str, stamp: &str) {
        if stamp.is_empty()
            || stamp == "0"
            || stamp.len() > 32
            || stamp.eq_ignore_ascii_case("none")
        {
            return;
        }
        let mut heard = self.heard();
        let kept = match table {
            "ATTLOG" => &mut heard.stamps.attlog,
            "OPERLOG" => &mut heard.stamps.operlog,
            "ATTPHOTO" => &mut heard.stamps.attphoto,
            "BIODATA" => &mut heard.stamps.biodata,
            _ => return,
        };
        let smaller = matches!(
            (kept.parse::<u64>(), stamp.parse::<u64>()),
            (Ok(kept), Ok(new)) if new <= kept
        );
        if smaller || kept == stamp {
            return;
        }
        stamp.clone_into(kept);
        heard.fresh_stamps = true;
    }

    /// The terminal is to send these tables again from the beginning: its handshake says that nothing
    /// of them is here.
    pub fn restart_stamps(&self, again: Again) {
        let mut heard = self.heard();
        let stamps = &mut heard.stamps;
        let all = [
            &mut stamps.attlog,
            &mut stamps.operlog,
            &mut stamps.attphoto,
            &mut stamps.biodata,
        ];
        let count = match again {
            Again::Punches => 1,
            Again::All => all.len(),
        };
        for stamp in all.into_iter().take(count) {
            "0".clone_into(stamp);
        }
        heard.fresh_stamps = true;
    }

    /// Takes over the counters of a poll. Returns whether they are the first that this server hears.
    pub fn set_info(&self, info: &str) -> bool {
        let mut heard = self.heard();
        let is_first = heard.info.is_empty();
        if heard.info != info {
            info.clone_into(&mut heard.info);
            heard.fresh_info = true;
        }
        is_first
    }

    pub fn wants_clear_text(&self) -> bool {
        self.heard().wants_clear_text
    }

    pub fn offer_clear_text(&self) {
        self.heard().wants_clear_text = true;
    }

    pub fn has_open_commands(&self) -> bool {
        self.open_commands.load(Ordering::Acquire)
    }

    pub fn set_open_commands(&self, open: bool) {
        self.open_commands.store(open, Ordering::Release);
    }
}

/// What a terminal told by calling.
#[derive(Debug, Clone)]
pub struct News {
    pub terminal_id: i64,
    pub at: DateTime<Utc>,
    pub address: IpAddr,
    pub info: Option<Info>,
    pub stamps: Option<Stamps>,
    /// Seconds its clock was ahead, and when.
    pub clock: Option<(i64, DateTime<Utc>)>,
}

/// A terminal that was refused and is in no list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stranger {
    pub sn: SerialNumber,
    pub address: IpAddr,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
    pub calls: u64,
}

#[derive(Debug, Default)]
pub struct Roster {
    present: RwLock<HashMap<SerialNumber, Arc<Presence>>>,
    edition: AtomicU64,
    strangers: Mutex<HashMap<SerialNumber, Stranger>>,
    /// Outlives the entries: a terminal that was just authorised has said why it waited.
    pub talk: Talk,
}

impl Roster {
    pub fn get(&self, sn: &SerialNumber) -> Option<Arc<Presence>> {
        self.present
            .read()
            .expect("nobody panics while holding it")
            .get(sn)
            .cloned()
    }

    /// Rises whenever rows may have changed: a row that was read before is not to be remembered.
    pub fn edition(&self) -> u64 {
        self.edition.load(Ordering::Acquire)
    }

    /// Remembers a terminal as its row had it at an edition; two calls at once agree on one entry.
    /// `None`: something changed since, so the row is to be read again.
    pub fn admit(
        &self,
        sn: &SerialNumber,
        known: Known,
        address: IpAddr,
        edition: u64,
    ) -> Option<Arc<Presence>> {
        let presence = Arc::new(Presence::new(sn, known, address));
        let mut present = self
            .present
            .write()
            .expect("nobody panics while holding it");
        if self.edition() != edition {
            return None;
        }
        self.strangers
            .lock()
            .expect("nobody panics while holding it")
            .remove(sn);
        Some(present.entry(sn.clone()).or_insert(presence).clone())
    }

    /// A terminal's row changed (area, zone, removed): its next request reads it again.
    pub fn forget(&self, sn: &str) {
        let mut present = self
            .present
            .write()
            .expect("nobody panics while holding it");
        self.edition.fetch_add(1, Ordering::AcqRel);
        if let Ok(sn) = SerialNumber::parse(sn) {
            present.remove(&sn);
        }
    }

    /// Forgets those whose rows are no longer as they were read. `changed_at` has all there are, by
    /// serial number.
    pub fn forget_changed(&self, changed_at: &HashMap<String, DateTime<Utc>>) {
        let mut present = self
            .present
            .write()
            .expect("nobody panics while holding it");
        self.edition.fetch_add(1, Ordering::AcqRel);
        present.retain(|sn, presence| changed_at.get(sn.as_str()) == Some(&presence.changed_at));
    }

    /// Something was queued: the terminal's next poll asks the database.
    pub fn wake(&self, terminal_id: i64) {
        self.wake_all(&HashSet::from([terminal_id]));
    }

    pub fn wake_all(&self, terminal_ids: &HashSet<i64>) {
        let present = self.present.read().expect("nobody panics while holding it");
        self.edition.fetch_add(1, Ordering::AcqRel);
        for presence in present
            .values()
            .filter(|presence| terminal_ids.contains(&presence.id))
        {
            presence.set_open_commands(true);
        }
    }

    /// When this node last heard the terminal, if it did.
    pub fn last_heard(&self, sn: &str) -> Option<DateTime<Utc>> {
        let presence = self.get(&SerialNumber::parse(sn).ok()?)?;
        let at = presence.heard_at.load(Ordering::Relaxed);
        (at > 0).then(|| DateTime::from_timestamp_micros(at))?
    }

    /// Whether a terminal spoke within two heartbeats: with this server, or, as its row has it, with
    /// another.
    pub fn is_online(
        &self,
        sn: &str,
        heartbeat_s: i64,
        last_activity_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> bool {
        [self.last_heard(sn), last_activity_at]
            .into_iter()
            .flatten()
            .any(|heard| is_online(heard, heartbeat_s, now))
    }

    /// Counts a refused call of a terminal that is in no list.
    pub fn refuse(&self, sn: &SerialNumber, address: IpAddr, now: DateTime<Utc>) {
        let mut strangers = self
            .strangers
            .lock()
            .expect("nobody panics while holding it");
        if let Some(stranger) = strangers.get_mut(sn) {
            stranger.calls += 1;
            stranger.last_at = now;
            stranger.address = address;
        } else {
            // The one that has been silent longest makes room.
            if strangers.len() >= MOST_STRANGERS
                && let Some(silent) = strangers
                    .values()
                    .min_by_key(|stranger| stranger.last_at)
                    .map(|stranger| stranger.sn.clone())
            {
                strangers.remove(&silent);
            }
            strangers.insert(
                sn.clone(),
                Stranger {
                    sn: sn.clone(),
                    address,
                    first_at: now,
                    last_at: now,
                    calls: 1,
                },
            );
        }
    }

    /// Refused terminals that are in no list, the latest first.
    pub fn strangers(&self) -> Vec<Stranger> {
        let mut all: Vec<Stranger> = self
            .strangers
            .lock()
            .expect("nobody panics while holding it")
            .values()
            .cloned()
            .collect();
        all.sort_by(|a, b| b.last_at.cmp(&a.last_at).then_with(|| a.sn.cmp(&b.sn)));
        all
    }

    /// What was heard since the last time this was asked.
    pub fn take_heard(&self) -> Vec<News> {
        let present = self.present.read().expect("nobody panics while holding it");
        present
            .values()
            .filter_map(|presence| {
                let mut heard = presence.heard();
                if !std::mem::take(&mut heard.fresh) {
                    return None;
                }
                let at = presence.heard_at.load(Ordering::Relaxed);
                Some(News {
                    terminal_id: presence.id,
                    at: DateTime::from_timestamp_micros(at)?,
                    address: heard.address,
                    info: std::mem::take(&mut heard.fresh_info).then(|| Info::parse(&heard.info)),
                    stamps: std::mem::take(&mut heard.fresh_stamps).then(|| heard.stamps.clone()),
                    clock: std::mem::take(&mut heard.fresh_clock)
                        .then_some(heard.clock)
                        .flatten(),
                })
            })
            .collect()
    }

    /// What was taken could not be written down: the next `take_heard` gives it again, or what is newer.
    pub fn put_back(&self, news: &[News]) {
        let by_id: HashMap<i64, &News> = news.iter().map(|news| (news.terminal_id, news)).collect();
        let present = self.present.read().expect("nobody panics while holding it");
        for presence in present.values() {
            if let Some(news) = by_id.get(&presence.id) {
                let mut heard = presence.heard();
                heard.fresh = true;
                heard.fresh_info |= news.info.is_some();
                heard.fresh_stamps |= news.stamps.is_some();
                heard.fresh_clock |= news.clock.is_some();
            }
        }
    }

    /// Terminals that went silent or spoke up since the last time this was asked.
    pub fn take_turned(&self, now: DateTime<Utc>) -> Vec<i64> {
        let present = self.present.read().expect("nobody panics while holding it");
        present
            .values()
            .filter_map(|presence| {
                let silent_s =
                    now.timestamp() - presence.heard_at.load(Ordering::Relaxed) / 1_000_000;
                let online = is_recent(silent_s, presence.heartbeat_s.into());
                let mut heard = presence.heard();
                (std::mem::replace(&mut heard.online, online) != online).then_some(presence.id)
            })
            .collect()
    }
}

/// Whether a terminal that was last heard then is online. Who was heard tomorrow was heard before a clock was set back,
/// and counts again when it speaks.
pub fn is_online(heard: DateTime<Utc>, heartbeat_s: i64, now: DateTime<Utc>) -> bool {
    is_recent((now - heard).num_seconds(), heartbeat_s)
}

fn is_recent(silent_s: i64, heartbeat_s: i64) -> bool {
    silent_s.abs() <= online_within_s(heartbeat_s)
}

/// A terminal counts as online for so many seconds after its last contact: two heartbeats as it was told them, and
/// at least a minute.
fn online_within_s(heartbeat_s: i64) -> i64 {
    (2 * i64::from(heartbeat_told_s(heartbeat_s))).max(LEAST_ONLINE_S)
}

/// The same in SQL, of the column `terminal.heartbeat`.
pub fn online_within_s_as_sql(dialect: Dialect) -> String {
    let (least, greatest) = match dialect {
        Dialect::Sqlite => ("min", "max"),
        Dialect::Postgres => ("least", "greatest"),
    };
    let longest = HEARTBEATS_S.end();
    format!("{greatest}(2 * {least}(terminal.heartbeat, {longest}), {LEAST_ONLINE_S})")
}

/// How often a terminal is told to call: callers may write more than one takes.
pub fn heartbeat_told_s(heartbeat_s: i64) -> u32 {
    let (shortest, longest) = HEARTBEATS_S.into_inner();
    u32::try_from(heartbeat_s)
        .unwrap_or(longest)
        .clamp(shortest, longest)
}
