//! The comparison: what terminals should hold of some people against what they hold and were told; what comes of it is in
//! `compare/plan.rs`.

mod plan;

use super::forms::{self, Abilities, Body, Form, Place};
use super::holding::{self, Holding, Thing, Told, Wish};
use super::record::{self, Person, Record};
use crate::access::Caller;
use crate::app::App;
use crate::error::Result;
use crate::terminals::commands::{self, Text};
use crate::terminals::contact::{NOT_AUTHORIZED, family_name};
use crate::writing::Writing;
use chrono::{DateTime, TimeDelta, Utc};
use muster_protocol::command::Command;
use muster_protocol::handshake::Family;
use muster_protocol::upload::User;
use muster_store::{Sql, Tx, json_list};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// What is compared.
pub struct Asked<'a> {
    /// A few hundred at most: the transaction holds their terminals meanwhile.
    pub pins: &'a [&'a str],
    /// This terminal alone.
    pub only: Option<i64>,
    /// These things are told once more, though they are there.
    pub again: Option<&'a (dyn Fn(Thing) -> bool + Sync)>,
    /// Somebody changed the people themselves: what a terminal brought of them on its own goes too, where
    /// they do not belong.
    pub is_named: bool,
    pub shown: Option<Shown<'a>>,
}

/// What a terminal has just shown of its people.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    pub terminal_id: i64,
    pub users: &'a [User],
    /// Of these employees were made by it: its record of them is right, whatever the server left out.
    pub made: &'a HashSet<String>,
    /// Whose, what, and the digest of it.
    pub bodies: &'a [(String, Thing, Vec<u8>)],
}

/// A record that is put right and shown wrong again within so long is put right after a pause only.
const SOON: TimeDelta = TimeDelta::hours(6);
const SHOWN_AGAIN: TimeDelta = TimeDelta::minutes(30);

/// Stands for the digest of a record that cannot be written for the wire.
const UNWRITABLE: &[u8] = b"unwritable";

enum What {
    Ready(Arc<Text>),
    /// A template or picture, by its place in the list of bodies.
    Body(usize, Form),
    /// The employee's own photo.
    Photo(i64),
}

/// The digest of a command's text, and the text ready to be queued.
type Ready = (Vec<u8>, Arc<Text>);

/// An employee's photo: whose, and by what it is told from another.
#[derive(sqlx::FromRow)]
struct Photo {
    emp_code: String,
    employee_id: i64,
    changed_at: DateTime<Utc>,
    bytes: i64,
}

impl Photo {
    fn digest(&self) -> Vec<u8> {
        format!("{} {}", self.changed_at, self.bytes).into_bytes()
    }
}

/// Compares, and queues what is missing.
pub async fn compare(app: &App, tx: &mut Writing, caller: &Caller, asked: Asked<'_>) -> Result<()> {
    let places = take_places(app, tx, &asked).await?;
    if places.is_empty() {
        return Ok(());
    }
    let mut work = Work::read(app, tx, places, &asked).await?;
    work.conclude();
    if let Some(shown) = asked.shown {
        work.take_in(shown);
    }
    work.make_room();
    work.take_back(tx, &asked).await?;
    let plans = work.plan(&asked);
    work.queue(tx, caller, plans).await?;
    holding::save(app, tx, work.holdings.iter()).await
}

/// The terminals these people are on or belong on, but for held ones and those that are left empty.
/// They stay ours until the transaction ends, so that two comparisons never work on one terminal.
async fn take_places(app: &App, tx: &mut Tx, asked: &Asked<'_>) -> Result<Vec<Place>> {
    Ok(tx
        .all(&Sql::by_dialect(
            "SELECT t.id, t.family, t.fp_alg_ver, t.face_alg_ver, t.fv_alg_ver, t.palm_alg_ver, \
                 t.photo_func_on FROM terminal AS t \
             WHERE t.company_id = $1 AND t.area_id <> $2 AND t.cleared_by IS NULL AND ($4 IS NULL OR t.id = $4) \
                 AND (t.id = $5 OR t.area_id IN ( \
                         SELECT a.area_id FROM employee_area AS a JOIN employee AS e ON e.id = a.employee_id \
                         WHERE e.company_id = $1 AND e.emp_code IN (SELECT value FROM json_each($3))) \
                     OR t.id IN (SELECT h.terminal_id FROM terminal_holding AS h \
                         WHERE h.pin IN (SELECT value FROM json_each($3)))) \
             ORDER BY t.id",
            "SELECT t.id, t.family, t.fp_alg_ver, t.face_alg_ver, t.fv_alg_ver, t.palm_alg_ver, \
                 t.photo_func_on FROM terminal AS t \
             WHERE t.company_id = $1 AND t.area_id <> $2 AND t.cleared_by IS NULL \
                 AND (CAST($4 AS BIGINT) IS NULL OR t.id = $4) \
                 AND (t.id = $5 OR t.area_id IN ( \
                         SELECT a.area_id FROM employee_area AS a JOIN employee AS e ON e.id = a.employee_id \
                         WHERE e.company_id = $1 AND e.emp_code = ANY(ARRAY(SELECT jsonb_array_elements_text($3::jsonb)))) \
                     OR t.id IN (SELECT h.terminal_id FROM terminal_holding AS h \
                         WHERE h.pin = ANY(ARRAY(SELECT jsonb_array_elements_text($3::jsonb))))) \
             ORDER BY t.id FOR NO KEY UPDATE OF t",
            [
                app.company.id.clone().into(),
                NOT_AUTHORIZED.into(),
                json_list(asked.pins.iter().copied()),
                asked.only.into(),
                asked.shown.map(|shown| shown.terminal_id).into(),
            ],
        ))
        .await?)
}

/// Everything a comparison looks at, in memory.
struct Work<'a> {
    app: &'a App,
    now: DateTime<Utc>,
    places: Vec<Place>,
    /// In the order in which they were asked for.
    pins: Vec<&'a str>,
    records: HashMap<String, Record>,
    /// Who belongs where.
    belonging: HashSet<(i64, String)>,
    /// Who belongs nowhere: employees who have resigned, or are not valid today.
    ended: HashSet<String>,
    holdings: Vec<Holding>,
    told: Vec<Option<Told>>,
    by_person: HashMap<(i64, String), BTreeMap<Thing, usize>>,
    bodies: Vec<Body>,
    bodies_of: HashMap<String, Vec<usize>>,
    photos: HashMap<String, Photo>,
    abilities: HashMap<i64, Abilities>,
    /// Records in the words of each kind of terminal, and leaves to pass a door; `None`: one that cannot
    /// be written.
    texts: HashMap<(String, &'static str), Option<Ready>>,
}

impl<'a> Work<'a> {
    async fn read(
        app: &'a App,
        tx: &mut Tx,
        places: Vec<Place>,
        asked: &Asked<'a>,
    ) -> Result<Work<'a>> {
        let ids: Vec<i64> = places.iter().map(|place| place.id).collect();
        let pins = asked.pins;
        let people: Vec<Person> = record::people(app, tx, pins).await?;
        let mut records = HashMap::with_capacity(people.len());
        for person in &people {
            match Record::of(app, person) {
                Ok(record) => {
                    records.insert(person.emp_code.clone(), record);
                }
                // Nobody else has to wait for that.
                Err(error) => {
                    tracing::error!(emp_code = person.emp_code, %error, "a record cannot be given out");
                }
            }
        }
        let belonging: Vec<(i64, String)> = tx
            .all(&Sql::by_dialect(
                "SELECT t.id, e.emp_code FROM employee AS e JOIN employee_area AS a ON a.employee_id = e.id \
                 JOIN terminal AS t ON t.area_id = a.area_id AND t.company_id = e.company_id \
                 WHERE e.company_id = $1 AND e.emp_code IN (SELECT value FROM json_each($2)) AND +e.status = 0 \
                     AND a.area_id <> $3 AND COALESCE(e.validity_start_on, $4) <= $4 \
                     AND COALESCE(e.validity_end_on, $4) >= $4 AND t.id IN (SELECT value FROM json_each($5))",
                "SELECT t.id, e.emp_code FROM employee AS e JOIN employee_area AS a ON a.employee_id = e.id \
                 JOIN terminal AS t ON t.area_id = a.area_id AND t.company_id = e.company_id \
                 WHERE e.company_id = $1 AND e.emp_code = ANY(ARRAY(SELECT jsonb_array_elements_text($2::jsonb))) \
                     AND e.status = 0 AND a.area_id <> $3 AND COALESCE(e.validity_start_on, $4) <= $4 \
                     AND COALESCE(e.validity_end_on, $4) >= $4 \
                     AND t.id IN (SELECT CAST(jsonb_array_elements_text($5::jsonb) AS BIGINT))",
                [
                    app.company.id.clone().into(),
                    json_list(pins.iter().copied()),
                    NOT_AUTHORIZED.into(),
                    app.today().into(),
                    json_list(ids.iter().copied()),
                ],
            ))
            .await?;
        let ended = record::ended(app, tx, pins).await?;
        let (holdings, told): (Vec<Holding>, Vec<Option<Told>>) =
            holding::load(app, tx, &ids, pins)
                .await?
                .into_iter()
                .unzip();
        let bodies = forms::bodies(app, tx, pins).await?;
        let photos: Vec<Photo> = tx
            .all(&Sql::by_dialect(
                "SELECT e.emp_code, p.employee_id, p.changed_at, CAST(length(p.jpeg_sealed) AS BIGINT) AS bytes \
                 FROM employee_photo AS p JOIN employee AS e ON e.id = p.employee_id \
                 WHERE e.company_id = $1 AND e.emp_code IN (SELECT value FROM json_each($2))",
                "SELECT e.emp_code, p.employee_id, p.changed_at, CAST(length(p.jpeg_sealed) AS BIGINT) AS bytes \
                 FROM employee_photo AS p JOIN employee AS e ON e.id = p.employee_id \
                 WHERE e.company_id = $1 AND e.emp_code = ANY(ARRAY(SELECT jsonb_array_elements_text($2::jsonb)))",
                [
                    app.company.id.clone().into(),
                    json_list(pins.iter().copied()),
                ],
            ))
            .await?;
        let concerns_bodies = !bodies.is_empty()
            || !photos.is_empty()
            || holdings.iter().any(|holding| holding.thing > Thing::Door);
        let abilities = if concerns_bodies {
            forms::abilities(tx, &places).await?
        } else {
            HashMap::new()
        };
        let mut by_person: HashMap<(i64, String), BTreeMap<Thing, usize>> = HashMap::new();
        for (at, holding) in holdings.iter().enumerate() {
            by_person
                .entry((holding.terminal_id, holding.pin.clone()))
                .or_default()
                .insert(holding.thing, at);
        }
        let mut bodies_of: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, body) in bodies.iter().enumerate() {
            bodies_of.entry(body.pin.clone()).or_default().push(at);
        }
        Ok(Work {
            app,
            now: app.clock.now(),
            places,
            pins: pins.to_vec(),
            records,
            belonging: belonging.into_iter().collect(),
            ended,
            holdings,
            told,
            by_person,
            bodies,
            bodies_of,
            photos: photos
                .into_iter()
                .map(|photo| (photo.emp_code.clone(), photo))
                .collect(),
            abilities,
            texts: HashMap::new(),
        })
    }

    /// Commands that have come to their end say what is there.
    fn conclude(&mut self) {
        let mut without_user = Vec::new();
        let mut gone = Vec::new();
        for (holding, told) in self.holdings.iter_mut().zip(&mut self.told) {
            if !matches!(told, Some(Told::Ended { .. })) {
                continue;
            }
            if let Some(ended) = told.take() {
                holding.conclude(&ended, self.now);
            }
            if holding.thing == Thing::User && holding.is_over() {
                gone.push((holding.terminal_id, holding.pin.clone()));
            }
            if holding.thing > Thing::User && matches!(holding.failed_code, Some(-10 | -27)) {
                without_user.push((holding.terminal_id, holding.pin.clone()));
            }
        }
        // With the record went everything else.
        for person in gone {
            for (_, at) in self.by_person.get(&person).into_iter().flatten() {
                if self.holdings[*at].told.is_none() {
                    self.holdings[*at].forget();
                }
            }
        }
        // "No such user": the record goes out again first.
        for person in without_user {
            if let Some(at) = self
                .by_person
                .get(&person)
                .and_then(|things| things.get(&Thing::User))
                && self.holdings[*at].told.is_none()
            {
                self.holdings[*at].become_unknown();
            }
        }
    }

    fn holding(&mut self, terminal_id: i64, pin: &str, thing: Thing) -> usize {
        let things = self
            .by_person
            .entry((terminal_id, pin.to_owned()))
            .or_default();
        // One that is over stays so: what comes in its place is another.
        let at = things.get(&thing).copied();
        if let Some(at) = at.filter(|at| !self.holdings[*at].is_over()) {
            return at;
        }
        self.holdings.push(Holding::new(terminal_id, pin, thing));
        self.told.push(None);
        things.insert(thing, self.holdings.len() - 1);
        self.holdings.len() - 1
    }

    /// The record in the words of a kind of terminal, with its digest.
    fn text(&mut self, pin: &str, family: Family) -> Option<Ready> {
        let key = (pin.to_owned(), family_name(family));
        if let Some(found) = self.texts.get(&key) {
            return found.clone();
        }
        let command = self.records.get(pin)?.command(family);
        let text = ready(self.app, &command, false);
        self.texts.insert(key, text.clone());
        text
    }

    /// Takes in what a terminal shows of its people. The server's record stands: a record that is not so is
    /// put right. A terminal that shows only the name the same way after that cannot do better (old ones cut
    /// names), and is left alone; anything else of the record may open a door, and is put right each time.
    fn take_in(&mut self, shown: Shown<'_>) {
        let Some(family) = self
            .places
            .iter()
            .find(|place| place.id == shown.terminal_id)
            .map(Place::family)
        else {
            return;
        };
        for user in shown.users {
            let wanted = self.text(&user.pin, family).map(|(digest, _)| digest);
            let seen = self.records.get(&user.pin).map(|record| {
                let text = record.as_shown(user).command(family).encode();
                record::digest(self.app, &text.unwrap_or_default())
            });
            let name_alone = self
                .records
                .get(&user.pin)
                .is_some_and(|record| record.differs_in_name_alone(user));
            let at = self.holding(shown.terminal_id, &user.pin, Thing::User);
            let now = self.now;
            let holding = &mut self.holdings[at];
            holding.change();
            let seen_before = holding.seen_at.replace(now);
            if holding.is_leaving() {
                continue;
            }
            if !holding.may_hold && holding.told.is_none() {
                holding.own = true;
            }
            holding.may_hold = true;
            if shown.made.contains(&user.pin) || (seen.is_some() && seen == wanted) {
                holding.has = wanted;
                holding.clear_failure();
            } else if seen.is_some() && holding.told.is_none() {
                let is_again = holding.seen == seen && holding.has == wanted;
                if !is_again {
                    holding.has = None;
                } else if !name_alone {
                    // One that shows it after each time it is told is not told for ever.
                    let is_soon = seen_before.is_some_and(|before| now - before < SOON);
                    holding.has = None;
                    holding.put_off(wanted, is_soon.then(|| now + SHOWN_AGAIN));
                }
            }
            holding.seen = seen;
        }
        for (pin, thing, digest) in shown.bodies {
            let at = self.holding(shown.terminal_id, pin, *thing);
            let holding = &mut self.holdings[at];
            holding.change();
            if holding.is_leaving() {
                continue;
            }
            if !holding.may_hold && holding.told.is_none() {
                holding.own = true;
            }
            holding.may_hold = true;
            holding.has = Some(digest.clone());
            holding.seen_at = Some(self.now);
            holding.clear_failure();
        }
    }

    /// A place in the list for everything that should be there.
    fn make_room(&mut self) {
        let mut missing = Vec::new();
        for (terminal_id, pin) in &self.belonging {
            missing.push((*terminal_id, pin.clone(), Thing::User));
            let is_access = self
                .places
                .iter()
                .any(|place| place.id == *terminal_id && place.family() == Family::Access);
            if is_access {
                missing.push((*terminal_id, pin.clone(), Thing::Door));
            }
            for thing in self.chosen(*terminal_id, pin).into_keys() {
                missing.push((*terminal_id, pin.clone(), thing));
            }
        }
        for (terminal_id, pin, thing) in missing {
            self.holding(terminal_id, &pin, thing);
        }
    }

    /// Who is looked at on which terminal: terminal by terminal, people as they were asked for.
    fn pairs(&self) -> Vec<(usize, &'a str)> {
        let places: HashMap<i64, usize> = (0..)
            .zip(&self.places)
            .map(|(at, place)| (place.id, at))
            .collect();
        let pins: HashMap<&str, usize> =
            (0..).zip(&self.pins).map(|(at, pin)| (*pin, at)).collect();
        let mut found: Vec<(usize, usize)> = self
            .by_person
            .keys()
            .filter_map(|(id, pin)| Some((*places.get(id)?, *pins.get(pin.as_str())?)))
            .collect();
        found.sort_unstable();
        found
            .into_iter()
            .map(|(place, pin)| (place, self.pins[pin]))
            .collect()
    }

    /// The templates and pictures a terminal should have of somebody: of each kind the newest it takes.
    fn chosen(&self, terminal_id: i64, pin: &str) -> BTreeMap<Thing, What> {
        let Some(abilities) = self.abilities.get(&terminal_id) else {
            return BTreeMap::new();
        };
        let bodies = self.bodies_of.get(pin).into_iter().flatten();
        let mut chosen: BTreeMap<Thing, What> = abilities
            .chosen(bodies.map(|at| (*at, &self.bodies[*at])))
            .into_iter()
            .map(|(thing, (at, form))| (thing, What::Body(at, form)))
            .collect();
        if let Some(photo) = self.photos.get(pin)
            && abilities.shows_pictures()
        {
            chosen.insert(Thing::Picture, What::Photo(photo.employee_id));
        }
        chosen
    }

    fn digest_of(&self, pin: &str, what: &What) -> Vec<u8> {
        match what {
            What::Body(at, _) => self.bodies[*at].digest(),
            What::Photo(_) => self.photos.get(pin).map(Photo::digest).unwrap_or_default(),
            What::Ready(_) => Vec::new(),
        }
    }

    /// Whether the server has such a thing of somebody, for whatever terminal.
    fn has_any(&self, pin: &str, thing: Thing) -> bool {
        thing == Thing::Picture && self.photos.contains_key(pin)
            || self
                .bodies_of
                .get(pin)
                .into_iter()
                .flatten()
                .any(|at| self.bodies[*at].thing() == thing)
    }

    /// What each thing of a person on a terminal should be: `None` to be let be.
    fn wishes(
        &mut self,
        place: usize,
        pin: &str,
        is_named: bool,
    ) -> Vec<(usize, Option<Option<Vec<u8>>>)> {
        let (id, family) = (self.places[place].id, self.places[place].family());
        let key = (id, pin.to_owned());
        let things: Vec<(Thing, usize)> = self
            .by_person
            .get(&key)
            .into_iter()
            .flatten()
            .map(|(thing, at)| (*thing, *at))
            .filter(|(_, at)| !self.holdings[*at].is_over())
            .collect();
        let belongs = self.belonging.contains(&key);
        let has_ended = self.ended.contains(pin);
        let chosen = self.chosen(id, pin);
        // What the terminal brought of somebody goes with a record that the server has told it.
        let record_is_told = things
            .iter()
            .any(|(thing, at)| *thing == Thing::User && !self.holdings[*at].own);
        things
            .into_iter()
            .map(|(thing, at)| {
                if !belongs {
                    let is_its_own = self.holdings[at].own && !record_is_told;
                    let stays = is_its_own && !is_named && !has_ended;
                    return (at, (!stays).then_some(None));
                }
                let wish = match thing {
                    // One that cannot be written for the wire is left as it is.
                    Thing::User => self.text(pin, family).map(|(digest, _)| Some(digest)),
                    Thing::Door if family == Family::Access => {
                        Some(self.door(pin).map(|(digest, _)| digest))
                    }
                    Thing::Door => Some(None),
                    _ => match chosen.get(&thing) {
                        Some(what) => Some(Some(self.digest_of(pin, what))),
                        None if self.has_any(pin, thing) => None,
                        None => Some(None),
                    },
                };
                (at, wish)
            })
            .collect()
    }

    fn door(&mut self, pin: &str) -> Option<Ready> {
        let key = (pin.to_owned(), "door");
        if let Some(found) = self.texts.get(&key) {
            return found.clone();
        }
        let text = ready(self.app, &self.records.get(pin)?.authorisation(), false);
        self.texts.insert(key, text.clone());
        text
    }

    /// Commands that are overtaken by what is wished now are taken back when no terminal has them yet; the
    /// others are never sent again.
    async fn take_back(&mut self, tx: &mut Writing, asked: &Asked<'_>) -> Result<()> {
        let mut overtaken: BTreeSet<i64> = BTreeSet::new();
        for (place, pin) in self.pairs() {
            for (at, wish) in self.wishes(place, pin, asked.is_named) {
                let holding = &self.holdings[at];
                let (Some(told), Some((command, _))) = (&self.told[at], &holding.told) else {
                    continue;
                };
                if holding.is_told_otherwise(told, as_wish(&wish), asked.asks(holding.thing)) {
                    overtaken.insert(*command);
                }
            }
        }
        if overtaken.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = overtaken.iter().copied().collect();
        let withdrawn = commands::withdraw(self.app, tx, &ids).await?;
        let given: Vec<i64> = ids
            .into_iter()
            .filter(|id| !withdrawn.contains(id))
            .collect();
        if !given.is_empty() {
            commands::overtake(self.app, tx, &given).await?;
        }
        for (holding, told) in self.holdings.iter_mut().zip(&mut self.told) {
            if let Some((command, _)) = holding.told
                && overtaken.contains(&command)
            {
                holding.untell(!withdrawn.contains(&command));
                *told = None;
            }
        }
        Ok(())
    }
}

impl Asked<'_> {
    fn asks(&self, thing: Thing) -> bool {
        self.again.is_some_and(|again| again(thing))
    }
}

fn as_wish(wish: &Option<Option<Vec<u8>>>) -> Wish<'_> {
    match wish {
        None => Wish::LetBe,
        Some(None) => Wish::BeGone,
        Some(Some(digest)) => Wish::Have(digest),
    }
}

/// A command ready to be queued, with the digest of its text; `None` and told in the log when it cannot
/// be written for the wire. `once`: nothing rests on its answer.
fn ready(app: &App, command: &Command, once: bool) -> Option<Ready> {
    match command.encode() {
        Ok(text) => {
            let digest = record::digest(app, &text);
            let text = Text::of(app, command, text);
            Some((digest, Arc::new(if once { text.once() } else { text })))
        }
        Err(unsendable) => {
            tracing::warn!(verb = command.verb(), %unsendable, "a command is left out");
            None
        }
    }
}
