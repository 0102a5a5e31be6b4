//! What a terminal holds of a person, one thing of it: what it has, what it was told, and what follows
//! from the end of a command. The one place where rows of `terminal_holding` are read and written.

use crate::app::App;
use crate::error::Result;
use crate::terminals::retry;
use chrono::{DateTime, SecondsFormat, Utc};
use muster_protocol::result::{self, Retry};
use muster_store::{Sql, Tx, json_list};
use serde_json::json;
use std::fmt;

/// A thing a terminal can hold of a person. What stands first is told first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Thing {
    /// The record: name, card, password, privilege. Without it a terminal takes nothing else.
    User,
    /// The leave to pass the door of an access terminal; without it a person is known and refused.
    Door,
    /// A template, by the wire's type, number and index. A terminal has one of each, of its own version.
    Template { wire_type: i16, no: i16, index: i16 },
    /// The picture a visible-light terminal makes its template of.
    EnrolmentPhoto { wire_type: i16 },
    /// The picture it shows when the person punches.
    Picture,
}

impl Thing {
    /// As the column has it.
    pub fn parse(text: &str) -> Option<Thing> {
        let mut words = text.split(' ');
        let kind = words.next()?;
        let mut number = || words.next()?.parse().ok();
        Some(match kind {
            "user" => Thing::User,
            "door" => Thing::Door,
            "bio" => Thing::Template {
                wire_type: number()?,
                no: number()?,
                index: number()?,
            },
            "photo" => Thing::EnrolmentPhoto {
                wire_type: number()?,
            },
            "picture" => Thing::Picture,
            _ => return None,
        })
    }

    /// The type of what somebody is recognised by; `None` of what is no such thing.
    pub fn wire_type(self) -> Option<i16> {
        match self {
            Thing::Template { wire_type, .. } | Thing::EnrolmentPhoto { wire_type } => {
                Some(wire_type)
            }
            _ => None,
        }
    }

    pub fn is_photo(self) -> bool {
        matches!(self, Thing::EnrolmentPhoto { .. })
    }
}

impl fmt::Display for Thing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Thing::User => out.write_str("user"),
            Thing::Door => out.write_str("door"),
            Thing::Template {
                wire_type,
                no,
                index,
            } => write!(out, "bio {wire_type} {no} {index}"),
            Thing::EnrolmentPhoto { wire_type } => write!(out, "photo {wire_type}"),
            Thing::Picture => out.write_str("picture"),
        }
    }
}

/// What somebody should hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish<'a> {
    Have(&'a [u8]),
    /// Whatever is there may stay: it is the person's, only not what this terminal would be given.
    LetBe,
    BeGone,
}

/// What is to happen to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Rest,
    /// Nothing is there and nothing is wanted.
    Forget,
    /// The terminal is told what is wished.
    Tell,
}

/// How the command stands that was to change a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    Unsent,
    /// Given to the terminal once at least, and not answered.
    Sent,
    /// At its end: the state, and the terminal's code when it had one.
    Ended {
        state: String,
        was_sent: bool,
        /// Given more than once: what is answered is the last time, and the first may have been done.
        was_repeated: bool,
        verb: String,
        code: Option<i32>,
        at: DateTime<Utc>,
    },
}

/// Stands in `failed_digest` for a removal.
const REMOVAL: &[u8] = &[];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    pub terminal_id: i64,
    pub pin: String,
    pub thing: Thing,
    pub own: bool,
    /// Something may be there. With `has`: that is there.
    pub may_hold: bool,
    pub has: Option<Vec<u8>>,
    /// The command that is believed to have brought it.
    done_by: Option<i64>,
    pub seen: Option<Vec<u8>>,
    pub seen_at: Option<DateTime<Utc>>,
    /// The command's id and what it is to make of the thing; `None`: nothing.
    pub told: Option<(i64, Option<Vec<u8>>)>,
    pub tries: i16,
    pub retry_at: Option<DateTime<Utc>>,
    pub failed_code: Option<i64>,
    /// What it could not be given, or empty: taken away from it.
    pub failed: Option<Vec<u8>>,
    is_changed: bool,
    /// It is to be gone from the table.
    is_over: bool,
}

impl Holding {
    /// Of a thing nobody knows of yet.
    pub fn new(terminal_id: i64, pin: &str, thing: Thing) -> Holding {
        Holding {
            terminal_id,
            pin: pin.to_owned(),
            thing,
            own: false,
            may_hold: false,
            has: None,
            done_by: None,
            seen: None,
            seen_at: None,
            told: None,
            tries: 0,
            retry_at: None,
            failed_code: None,
            failed: None,
            is_changed: false,
            is_over: false,
        }
    }

    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// The record is there, so that the terminal takes what belongs to it.
    pub fn is_there(&self) -> bool {
        !self.is_over && (self.has.is_some() || self.own)
    }

    /// On its way out: what the terminal still says of it is old.
    pub fn is_leaving(&self) -> bool {
        matches!(self.told, Some((_, None)))
    }

    pub fn change(&mut self) {
        self.is_changed = true;
    }

    /// What the end of its command means.
    pub fn conclude(&mut self, told: &Told, now: DateTime<Utc>) {
        let Told::Ended {
            state,
            was_sent,
            was_repeated,
            verb,
            code,
            at,
        } = told
        else {
            return;
        };
        let Some((command, digest)) = self.told.take() else {
            return;
        };
        self.is_changed = true;
        let failed = digest.clone().unwrap_or_else(|| REMOVAL.to_vec());
        match (state.as_str(), code) {
            ("done", _) => match digest {
                Some(digest) => {
                    self.has = Some(digest);
                    self.done_by = Some(command);
                    self.may_hold = true;
                    self.own = false;
                    self.clear_failure();
                }
                None => self.is_over = true,
            },
            ("refused", code) => {
                let code = code.unwrap_or(-1);
                let meant = result::retry(verb, code);
                if digest.is_none() && (meant == Retry::SendUserFirst || self.has_no_such(code)) {
                    self.is_over = true;
                    return;
                }
                if *was_repeated {
                    self.become_unknown();
                }
                self.failed = Some(failed);
                self.failed_code = Some(code.into());
                self.tries = self.tries.saturating_add(1);
                // The record goes out again by itself, and this after it: at once, but not for ever so.
                let goes_along = meant == Retry::SendUserFirst && self.thing > Thing::User;
                self.retry_at = if goes_along && self.tries == 1 {
                    Some(*at)
                } else {
                    retry::after_refusal(verb, code, self.tries, *at)
                };
            }
            // Nobody knows whether it was done.
            ("lost", _) => {
                self.become_unknown();
                self.failed = Some(failed);
                self.failed_code = None;
                self.tries = self.tries.saturating_add(1);
                self.retry_at = Some(*at + retry::pause(self.tries));
            }
            _ => {
                if *was_sent {
                    self.become_unknown();
                }
                self.failed = Some(failed);
                self.failed_code = None;
                self.retry_at = Some(now + retry::TAKEN_BACK);
            }
        }
    }

    /// A template that the model has no place for cannot be on it.
    fn has_no_such(&self, code: i32) -> bool {
        self.thing > Thing::Door && matches!(code, -2 | -629 | -708 | -1002 | -1004)
    }

    pub fn clear_failure(&mut self) {
        if self.failed.is_some() || self.retry_at.is_some() || self.tries != 0 {
            self.is_changed = true;
        }
        self.tries = 0;
        self.retry_at = None;
        self.failed = None;
        self.failed_code = None;
    }

    pub fn become_unknown(&mut self) {
        self.has = None;
        self.may_hold = true;
        self.is_changed = true;
    }

    /// Whether what it was told is not what is wished, or is to be said again.
    pub fn is_told_otherwise(&self, told: &Told, wish: Wish<'_>, again: bool) -> bool {
        let Some((_, digest)) = &self.told else {
            return false;
        };
        match (wish, digest) {
            (Wish::LetBe, _) => false,
            (Wish::Have(wished), Some(digest)) if wished == digest => again && *told == Told::Sent,
            (Wish::BeGone, None) => false,
            _ => true,
        }
    }

    /// Its command is not for it any more. `was_sent`: the terminal may have done it.
    pub fn untell(&mut self, was_sent: bool) {
        self.told = None;
        self.is_changed = true;
        if was_sent {
            self.become_unknown();
        }
    }

    /// What is to be done now. `again`: what is there already is told once more.
    pub fn step(&mut self, wish: Wish<'_>, again: bool, now: DateTime<Utc>) -> Step {
        if self.told.is_some() {
            return Step::Rest;
        }
        let wished = match wish {
            Wish::LetBe => {
                self.clear_failure();
                return Step::Rest;
            }
            Wish::BeGone if !self.may_hold => return Step::Forget,
            Wish::BeGone => REMOVAL,
            Wish::Have(digest) => {
                if self.has.as_deref() == Some(digest) && !again {
                    // What it brought is what it should have: from here on the server answers for it.
                    self.is_changed |= self.own;
                    self.own = false;
                    self.clear_failure();
                    return Step::Rest;
                }
                digest
            }
        };
        let has_failed = self.failed.as_deref() == Some(wished);
        if has_failed
            && !again
            && self
                .retry_at
                .is_none_or(|at| at > now && at - now <= retry::LONGEST)
        {
            return Step::Rest;
        }
        if !has_failed {
            self.clear_failure();
        }
        Step::Tell
    }

    /// It is to be told this, but not before; `None`: at once.
    pub fn put_off(&mut self, wanted: Option<Vec<u8>>, until: Option<DateTime<Utc>>) {
        self.failed = until.and(wanted);
        self.failed_code = None;
        self.retry_at = until;
        self.is_changed = true;
    }

    /// Its next try is another's, which it goes with.
    pub fn wait_until(&mut self, at: Option<DateTime<Utc>>) {
        self.is_changed |= self.retry_at != at;
        self.retry_at = at;
    }

    pub fn tell(&mut self, command: i64, digest: Option<Vec<u8>>) {
        self.told = Some((command, digest));
        self.own = false;
        self.retry_at = None;
        self.is_changed = true;
    }

    /// What it cannot be given at all, whatever the terminal says.
    pub fn fail(&mut self, digest: Vec<u8>) {
        self.failed = Some(digest);
        self.failed_code = None;
        self.retry_at = None;
        self.is_changed = true;
    }

    pub fn forget(&mut self) {
        self.is_over = true;
        self.is_changed = true;
    }
}

// ---- the table --------------------------------------------------------------------------------

#[derive(sqlx::FromRow)]
struct Row {
    terminal_id: i64,
    pin: String,
    thing: String,
    own: bool,
    may_hold: bool,
    has_digest: Option<Vec<u8>>,
    done_command: Option<i64>,
    seen_digest: Option<Vec<u8>>,
    seen_at: Option<DateTime<Utc>>,
    told_command: Option<i64>,
    told_digest: Option<Vec<u8>>,
    tries: i16,
    retry_at: Option<DateTime<Utc>>,
    failed_code: Option<i64>,
    failed_digest: Option<Vec<u8>>,
    state: Option<String>,
    sent_count: Option<i16>,
    verb: Option<String>,
    return_code: Option<i64>,
    finished_at: Option<DateTime<Utc>>,
}

impl Row {
    /// With how its command stands; one that is not there any more is over like one taken back.
    fn read(self, now: DateTime<Utc>) -> Option<(Holding, Option<Told>)> {
        let was_sent = self.sent_count.is_none_or(|count| count > 0);
        let told = self.told_command.map(|_| match self.state.as_deref() {
            Some("queued") if !was_sent => Told::Unsent,
            Some("queued" | "sent") => Told::Sent,
            state => Told::Ended {
                state: state.unwrap_or("cancelled").to_owned(),
                was_sent,
                was_repeated: self.sent_count.is_some_and(|count| count > 1),
                verb: self.verb.unwrap_or_default(),
                code: self.return_code.and_then(|code| i32::try_from(code).ok()),
                at: self.finished_at.unwrap_or(now),
            },
        });
        let holding = Holding {
            terminal_id: self.terminal_id,
            pin: self.pin,
            thing: Thing::parse(&self.thing)?,
            own: self.own,
            may_hold: self.may_hold,
            has: self.has_digest,
            done_by: self.done_command,
            seen: self.seen_digest,
            seen_at: self.seen_at,
            told: self.told_command.map(|command| (command, self.told_digest)),
            tries: self.tries,
            retry_at: self.retry_at,
            failed_code: self.failed_code,
            failed: self.failed_digest,
            is_changed: false,
            is_over: false,
        };
        Some((holding, told))
    }
}

/// All these terminals hold of these people. Whoever changes them holds the terminals' rows.
pub async fn load(
    app: &App,
    tx: &mut Tx,
    terminals: &[i64],
    pins: &[&str],
) -> Result<Vec<(Holding, Option<Told>)>> {
    let rows: Vec<Row> = tx
        .all(&Sql::by_dialect(
            "SELECT h.terminal_id, h.pin, h.thing, h.own, h.may_hold, h.has_digest, h.seen_digest, h.seen_at, \
                 h.done_command, h.told_command, h.told_digest, h.tries, h.retry_at, h.failed_code, h.failed_digest, \
                 c.state, c.sent_count, c.verb, c.return_code, c.finished_at \
             FROM terminal_holding AS h LEFT JOIN terminal_command AS c ON c.id = h.told_command \
             WHERE h.pin IN (SELECT value FROM json_each($1)) \
                 AND h.terminal_id IN (SELECT value FROM json_each($2))",
            "SELECT h.terminal_id, h.pin, h.thing, h.own, h.may_hold, h.has_digest, h.seen_digest, h.seen_at, \
                 h.done_command, h.told_command, h.told_digest, h.tries, h.retry_at, h.failed_code, h.failed_digest, \
                 c.state, c.sent_count, c.verb, c.return_code, c.finished_at \
             FROM terminal_holding AS h LEFT JOIN terminal_command AS c ON c.id = h.told_command \
             WHERE h.pin = ANY(ARRAY(SELECT jsonb_array_elements_text($1::jsonb))) \
                 AND h.terminal_id IN (SELECT CAST(jsonb_array_elements_text($2::jsonb) AS BIGINT))",
            [
                json_list(pins.iter().copied()),
                json_list(terminals.iter().copied()),
            ],
        ))
        .await?;
    let now = app.clock.now();
    Ok(rows.into_iter().filter_map(|row| row.read(now)).collect())
}

/// Whatever was said of it, a terminal may hold something of this type of somebody: a comparison that finds nothing
/// to be wanted has it removed. Whoever calls holds the terminal's row.
pub async fn suspect(
    app: &App,
    tx: &mut Tx,
    terminal_id: i64,
    pin: &str,
    wire_type: i16,
) -> Result<()> {
    let any = Thing::Template {
        wire_type,
        no: 0,
        index: 0,
    };
    let now = app.clock.now();
    // A removal that failed is tried at once.
    tx.run(&Sql::new(
        "UPDATE terminal_holding SET may_hold = TRUE, tries = 0, retry_at = NULL, failed_code = NULL, \
             failed_digest = NULL, changed_at = $5 \
         WHERE terminal_id = $1 AND pin = $2 AND told_command IS NULL AND (thing LIKE $3 OR thing = $4)",
        [
            terminal_id.into(),
            pin.into(),
            format!("bio {wire_type} %").into(),
            Thing::EnrolmentPhoto { wire_type }.to_string().into(),
            now.into(),
        ],
    ))
    .await?;
    tx.run(&Sql::new(
        "INSERT INTO terminal_holding (terminal_id, pin, thing, own, may_hold, tries, changed_at) \
         VALUES ($1, $2, $3, FALSE, TRUE, 0, $4) ON CONFLICT DO NOTHING",
        [
            terminal_id.into(),
            pin.into(),
            any.to_string().into(),
            now.into(),
        ],
    ))
    .await?;
    Ok(())
}

/// What this command was believed to have brought is not there after all, and cannot be. One that was told since will
/// say what is.
pub async fn undo(app: &App, tx: &mut Tx, terminal_id: i64, command: i64, code: i32) -> Result<()> {
    tx.run(&Sql::new(
        "UPDATE terminal_holding SET has_digest = NULL, done_command = NULL, changed_at = $4, \
             failed_digest = CASE WHEN told_command IS NULL THEN has_digest ELSE failed_digest END, \
             failed_code = CASE WHEN told_command IS NULL THEN $3 ELSE failed_code END \
         WHERE terminal_id = $1 AND done_command = $2 AND has_digest IS NOT NULL",
        [
            terminal_id.into(),
            command.into(),
            i64::from(code).into(),
            app.clock.now().into(),
        ],
    ))
    .await?;
    Ok(())
}

/// What a terminal would not take of templates and pictures is tried once more by the comparison that follows.
pub async fn forgive(app: &App, tx: &mut Tx, terminal_id: i64) -> Result<()> {
    tx.run(&Sql::new(
        "UPDATE terminal_holding SET tries = 0, retry_at = NULL, failed_code = NULL, failed_digest = NULL, \
             changed_at = $2 \
         WHERE terminal_id = $1 AND told_command IS NULL AND failed_digest IS NOT NULL \
             AND (thing LIKE 'bio %' OR thing LIKE 'photo %' OR thing = 'picture')",
        [terminal_id.into(), app.clock.now().into()],
    ))
    .await?;
    Ok(())
}

/// Rows of one statement.
const TOGETHER: usize = 5000;

/// Writes down those that changed.
pub async fn save(app: &App, tx: &mut Tx, holdings: impl Iterator<Item = &Holding>) -> Result<()> {
    let (over, kept): (Vec<&Holding>, Vec<&Holding>) = holdings
        .filter(|holding| holding.is_changed)
        .partition(|holding| holding.is_over);
    for some in over.chunks(TOGETHER) {
        let keys = some
            .iter()
            .map(|holding| json!([holding.terminal_id, holding.pin, holding.thing.to_string()]));
        tx.run(&Sql::by_dialect(
            "DELETE FROM terminal_holding WHERE (terminal_id, pin, thing) IN \
                 (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each($1))",
            "DELETE FROM terminal_holding WHERE (terminal_id, pin, thing) IN \
                 (SELECT (v ->> 0)::bigint, v ->> 1, v ->> 2 FROM json_array_elements($1::json) AS r (v))",
            [json_list(keys)],
        ))
        .await?;
    }
    let time = |at: &DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, false);
    for some in kept.chunks(TOGETHER) {
        let rows = some.iter().map(|holding| {
            let (command, digest) = match &holding.told {
                Some((command, digest)) => (Some(command), digest.as_ref().map(hex::encode)),
                None => (None, None),
            };
            json!([
                holding.terminal_id,
                holding.pin,
                holding.thing.to_string(),
                holding.own,
                holding.may_hold,
                holding.has.as_ref().map(hex::encode),
                holding.seen.as_ref().map(hex::encode),
                holding.seen_at.as_ref().map(time),
                command,
                digest,
                holding.tries,
                holding.retry_at.as_ref().map(time),
                holding.failed_code,
                holding.failed.as_ref().map(hex::encode),
                holding.done_by,
            ])
        });
        tx.run(&Sql::by_dialect(
            "INSERT INTO terminal_holding (terminal_id, pin, thing, own, may_hold, has_digest, seen_digest, seen_at, \
                 told_command, told_digest, tries, retry_at, failed_code, failed_digest, done_command, changed_at) \
             SELECT r.value ->> 0, r.value ->> 1, r.value ->> 2, r.value ->> 3, r.value ->> 4, \
                 unhex(r.value ->> 5), unhex(r.value ->> 6), r.value ->> 7, r.value ->> 8, unhex(r.value ->> 9), \
                 r.value ->> 10, r.value ->> 11, r.value ->> 12, unhex(r.value ->> 13), r.value ->> 14, $2 \
             FROM json_each($1) AS r WHERE TRUE \
             ON CONFLICT (terminal_id, pin, thing) DO UPDATE SET own = excluded.own, may_hold = excluded.may_hold, \
                 has_digest = excluded.has_digest, seen_digest = excluded.seen_digest, seen_at = excluded.seen_at, \
                 told_command = excluded.told_command, told_digest = excluded.told_digest, tries = excluded.tries, \
                 retry_at = excluded.retry_at, failed_code = excluded.failed_code, \
                 failed_digest = excluded.failed_digest, done_command = excluded.done_command, \
                 changed_at = excluded.changed_at",
            "INSERT INTO terminal_holding (terminal_id, pin, thing, own, may_hold, has_digest, seen_digest, seen_at, \
                 told_command, told_digest, tries, retry_at, failed_code, failed_digest, done_command, changed_at) \
             SELECT (r.v ->> 0)::bigint, r.v ->> 1, r.v ->> 2, (r.v ->> 3)::boolean, (r.v ->> 4)::boolean, \
                 decode(r.v ->> 5, 'hex'), decode(r.v ->> 6, 'hex'), (r.v ->> 7)::timestamptz, \
                 (r.v ->> 8)::bigint, decode(r.v ->> 9, 'hex'), (r.v ->> 10)::smallint, \
                 (r.v ->> 11)::timestamptz, (r.v ->> 12)::bigint, decode(r.v ->> 13, 'hex'), \
                 (r.v ->> 14)::bigint, $2 \
             FROM json_array_elements($1::json) AS r (v) \
             ON CONFLICT (terminal_id, pin, thing) DO UPDATE SET own = excluded.own, may_hold = excluded.may_hold, \
                 has_digest = excluded.has_digest, seen_digest = excluded.seen_digest, seen_at = excluded.seen_at, \
                 told_command = excluded.told_command, told_digest = excluded.told_digest, tries = excluded.tries, \
                 retry_at = excluded.retry_at, failed_code = excluded.failed_code, \
                 failed_digest = excluded.failed_digest, done_command = excluded.done_command, \
                 changed_at = excluded.changed_at",
            [json_list(rows), app.clock.now().into()],
        ))
        .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Holding, Step, Thing, Told, Wish};
    use chrono::{DateTime, TimeDelta, Utc};

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;
    const RECORD: &[u8] = b"record";
    const OTHER: &[u8] = b"other";

    fn told(digest: Option<&[u8]>) -> Holding {
        let mut holding = Holding::new(1, "7", Thing::User);
        holding.tell(5, digest.map(<[u8]>::to_vec));
        holding
    }

    fn ended(state: &str, code: Option<i32>) -> Told {
        Told::Ended {
            state: state.into(),
            was_sent: true,
            was_repeated: false,
            verb: "DATA UPDATE USERINFO".into(),
            code,
            at: NOW,
        }
    }

    #[test]
    fn things_are_read_as_they_are_written() {
        for thing in [
            Thing::User,
            Thing::Door,
            Thing::Template {
                wire_type: 9,
                no: 0,
                index: 2,
            },
            Thing::EnrolmentPhoto { wire_type: 9 },
            Thing::Picture,
        ] {
            assert_eq!(Thing::parse(&thing.to_string()), Some(thing));
        }
        assert_eq!(Thing::parse("bio 9 0"), None);
    }

    #[test]
    fn what_is_done_is_there_and_what_is_removed_is_gone() {
        let mut holding = told(Some(RECORD));
        assert_eq!(holding.step(Wish::Have(RECORD), false, NOW), Step::Rest);
        holding.conclude(&ended("done", Some(0)), NOW);
        assert!(holding.is_there());
        assert_eq!(holding.step(Wish::Have(RECORD), false, NOW), Step::Rest);
        assert_eq!(holding.step(Wish::Have(OTHER), false, NOW), Step::Tell);
        assert_eq!(holding.step(Wish::BeGone, false, NOW), Step::Tell);
        holding.tell(6, None);
        holding.conclude(&ended("done", Some(0)), NOW);
        assert!(holding.is_over());
    }

    #[test]
    fn a_busy_terminal_is_told_again_after_a_pause_and_one_that_cannot_only_something_else() {
        let mut holding = told(Some(RECORD));
        holding.conclude(&ended("refused", Some(-1005)), NOW);
        assert_eq!(holding.step(Wish::Have(RECORD), false, NOW), Step::Rest);
        let later = NOW + TimeDelta::minutes(1);
        assert_eq!(holding.step(Wish::Have(RECORD), false, later), Step::Tell);
        let mut holding = told(Some(RECORD));
        holding.conclude(&ended("refused", Some(-1002)), NOW);
        let much_later = NOW + TimeDelta::days(9);
        let rests = |wish, again| holding.clone().step(wish, again, much_later) == Step::Rest;
        assert!(rests(Wish::Have(RECORD), false));
        assert!(!rests(Wish::Have(RECORD), true), "asked for by somebody");
        assert!(!rests(Wish::Have(OTHER), false));
    }

    #[test]
    fn a_removal_stays_until_it_is_proven() {
        let mut holding = told(Some(RECORD));
        holding.conclude(&ended("done", Some(0)), NOW);
        holding.tell(6, None);
        holding.conclude(&ended("lost", None), NOW);
        assert!(!holding.is_over());
        let later = NOW + TimeDelta::minutes(1);
        assert_eq!(holding.step(Wish::BeGone, false, later), Step::Tell);
        holding.tell(7, None);
        holding.conclude(&ended("refused", Some(-10)), NOW);
        assert!(holding.is_over(), "it says that it knows of nobody");
    }

    #[test]
    fn what_was_never_given_to_the_terminal_is_not_taken_away_from_it() {
        let mut holding = told(Some(RECORD));
        assert!(holding.is_told_otherwise(&Told::Unsent, Wish::BeGone, false));
        holding.untell(false);
        assert_eq!(holding.step(Wish::BeGone, false, NOW), Step::Forget);
        let mut holding = told(Some(RECORD));
        holding.untell(true);
        assert_eq!(holding.step(Wish::BeGone, false, NOW), Step::Tell);
    }
}
