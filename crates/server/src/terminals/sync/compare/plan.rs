//! The commands that close the difference, and the order in which a terminal is to do them.

use super::{Asked, UNWRITABLE, What, Work, as_wish, ready};
use crate::access::Caller;
use crate::error::Result;
use crate::resources::employee;
use crate::terminals::commands::{self, Order};
use crate::terminals::people;
use crate::terminals::sync::forms::Takes;
use crate::terminals::sync::holding::{Step, Thing};
use crate::writing::Writing;
use muster_protocol::command::Command;
use muster_protocol::handshake::Family;
use muster_protocol::secret::Secret;
use muster_store::{Sql, Tx, json_list};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A command to be queued, and the things it changes.
pub(super) struct Plan {
    terminal_id: i64,
    pin: String,
    what: What,
    changes: Vec<usize>,
    /// What they are to be; `None`: gone.
    digest: Option<Vec<u8>>,
}

impl Work<'_> {
    /// The commands that close the difference, for each terminal in the order in which it is to do them.
    pub(super) fn plan(&mut self, asked: &Asked<'_>) -> Vec<Plan> {
        let mut plans = Vec::new();
        for (place, pin) in self.pairs() {
            self.plan_person(place, pin, asked, &mut plans);
        }
        plans
    }

    fn plan_person(&mut self, place: usize, pin: &str, asked: &Asked<'_>, plans: &mut Vec<Plan>) {
        let (terminal_id, family) = (self.places[place].id, self.places[place].family());
        let belongs = self.belonging.contains(&(terminal_id, pin.to_owned()));
        let (mut removed, mut resting) = (Vec::new(), BTreeMap::new());
        let chosen = self.chosen(terminal_id, pin);
        let mut wanted = BTreeMap::new();
        for (at, wish) in self.wishes(place, pin, asked.is_named) {
            let thing = self.holdings[at].thing;
            if thing == Thing::User && belongs && wish.is_none() {
                self.holdings[at].fail(UNWRITABLE.to_vec());
                continue;
            }
            if thing > Thing::Door
                && matches!(wish, Some(Some(_)))
                && !self.is_there(terminal_id, pin)
            {
                continue;
            }
            let step = self.holdings[at].step(as_wish(&wish), asked.asks(thing), self.now);
            match (step, wish) {
                (Step::Forget, _) => self.holdings[at].forget(),
                (Step::Tell, Some(None)) => removed.push(at),
                (Step::Tell, Some(Some(digest))) => {
                    wanted.insert(thing, (at, digest));
                }
                (Step::Rest, Some(Some(digest))) => {
                    resting.insert(thing, (at, digest));
                }
                _ => {}
            }
        }
        // First what goes: it may take along what is to stay, and that is told again behind it.
        let commands = if removed.is_empty() {
            Vec::new()
        } else if belongs {
            for at in self.taken_along(terminal_id, pin, &removed) {
                self.holdings[at].become_unknown();
                if let Some(resting) = resting.remove_entry(&self.holdings[at].thing) {
                    wanted.extend([resting]);
                }
            }
            self.removal_of_things(terminal_id, pin, &removed)
        } else {
            self.removal_of_person(terminal_id, family, pin, removed)
        };
        for (command, changes) in commands {
            match ready(self.app, &command, changes.is_empty()) {
                Some((_, text)) => plans.push(Plan {
                    terminal_id,
                    pin: pin.to_owned(),
                    what: What::Ready(text),
                    changes,
                    digest: None,
                }),
                None => {
                    for at in changes {
                        self.holdings[at].fail(Vec::new());
                    }
                }
            }
        }
        for (thing, (at, digest)) in wanted {
            let what = match thing {
                Thing::User => self.text(pin, family).map(|(_, text)| What::Ready(text)),
                Thing::Door => self.door(pin).map(|(_, text)| What::Ready(text)),
                _ => chosen.get(&thing).map(|what| match what {
                    What::Body(body, form) => What::Body(*body, *form),
                    What::Photo(id) => What::Photo(*id),
                    What::Ready(text) => What::Ready(text.clone()),
                }),
            };
            if let Some(what) = what {
                plans.push(Plan {
                    terminal_id,
                    pin: pin.to_owned(),
                    what,
                    changes: vec![at],
                    digest: Some(digest),
                });
            }
        }
    }

    /// What else of somebody goes when these things do, though it is to stay.
    fn taken_along(&self, terminal_id: i64, pin: &str, removed: &[usize]) -> Vec<usize> {
        let Some(abilities) = self.abilities.get(&terminal_id) else {
            return Vec::new();
        };
        let things = self.by_person.get(&(terminal_id, pin.to_owned()));
        things
            .into_iter()
            .flatten()
            .filter(|(thing, at)| {
                let same: Vec<Thing> = removed
                    .iter()
                    .map(|at| self.holdings[*at].thing)
                    .filter(|other| other.wire_type() == thing.wire_type())
                    .collect();
                !removed.contains(at)
                    && !self.holdings[**at].is_over()
                    && abilities.goes_along(**thing, &same)
            })
            .map(|(_, at)| *at)
            .collect()
    }

    /// Whether the terminal has said that it has somebody's record.
    fn is_there(&self, terminal_id: i64, pin: &str) -> bool {
        self.by_person
            .get(&(terminal_id, pin.to_owned()))
            .and_then(|things| things.get(&Thing::User))
            .is_some_and(|at| self.holdings[*at].is_there())
    }

    /// Somebody goes with all that is there.
    fn removal_of_person(
        &mut self,
        terminal_id: i64,
        family: Family,
        pin: &str,
        removed: Vec<usize>,
    ) -> Vec<(Command, Vec<usize>)> {
        if family == Family::Access {
            let mut commands = Vec::new();
            let mut user = Vec::new();
            let mut others = Vec::new();
            for at in removed {
                match self.holdings[at].thing {
                    Thing::User => user.push(at),
                    Thing::Door => commands.push((
                        Command::AccessDeleteAuthorization { pin: pin.into() },
                        vec![at],
                    )),
                    _ => others.push(at),
                }
            }
            commands.extend(self.removal_of_things(terminal_id, pin, &others));
            if !user.is_empty() {
                commands.push((Command::AccessDeleteUser { pin: pin.into() }, user));
            }
            return commands;
        }
        // One command takes all; when it is on its way already, what came to light since goes with it.
        let user = self
            .by_person
            .get(&(terminal_id, pin.to_owned()))
            .and_then(|things| things.get(&Thing::User))
            .copied();
        if let Some(at) = user.filter(|at| !removed.contains(at)) {
            match self.holdings[at].told {
                Some((command, None)) => {
                    for other in removed {
                        self.holdings[other].tell(command, None);
                    }
                    return Vec::new();
                }
                // It waits for its next try, and the others with it.
                _ if !self.holdings[at].is_over() => {
                    let retry_at = self.holdings[at].retry_at;
                    for other in removed {
                        self.holdings[other].wait_until(retry_at);
                    }
                    return Vec::new();
                }
                _ => {}
            }
        }
        vec![(Command::DeleteUser { pin: pin.into() }, removed)]
    }

    /// Templates and pictures go, the person stays.
    fn removal_of_things(
        &mut self,
        terminal_id: i64,
        pin: &str,
        removed: &[usize],
    ) -> Vec<(Command, Vec<usize>)> {
        let abilities = self
            .abilities
            .get(&terminal_id)
            .cloned()
            .unwrap_or_default();
        let mut by_type: BTreeMap<i16, Vec<usize>> = BTreeMap::new();
        let mut commands = Vec::new();
        for at in removed {
            match self.holdings[*at].thing.wire_type() {
                Some(wire_type) => by_type.entry(wire_type).or_default().push(*at),
                None => commands.push((Command::DeleteUserPic { pin: pin.into() }, vec![*at])),
            }
        }
        for (wire_type, gone) in by_type {
            let stays = self
                .by_person
                .get(&(terminal_id, pin.to_owned()))
                .into_iter()
                .flatten()
                .any(|(thing, at)| {
                    thing.wire_type() == Some(wire_type)
                        && !gone.contains(at)
                        && !self.holdings[*at].is_over()
                        && !self.holdings[*at].is_leaving()
                });
            let things: Vec<Thing> = gone.iter().map(|at| self.holdings[*at].thing).collect();
            let orders = abilities.removal(pin, wire_type, !stays, &things);
            let (photos, templates): (Vec<usize>, Vec<usize>) = gone
                .into_iter()
                .partition(|at| self.holdings[*at].thing.is_photo());
            for (takes, places) in [(Takes::Templates, &templates), (Takes::Photo, &photos)] {
                if !orders.iter().any(|(_, taken)| *taken == takes) {
                    // It has no place for such a thing, so it cannot be there.
                    for at in places {
                        self.holdings[*at].forget();
                    }
                }
            }
            for (command, takes) in orders {
                let changes = match takes {
                    Takes::Templates => self.with_numbers_of(&command, &templates),
                    Takes::Photo => photos.clone(),
                    Takes::Nothing => Vec::new(),
                };
                commands.push((command, changes));
            }
        }
        commands
    }

    /// Those of these templates that a command removes.
    fn with_numbers_of(&self, command: &Command, templates: &[usize]) -> Vec<usize> {
        let number = match command {
            Command::DeleteFinger { finger, .. } | Command::DeleteFvein { finger, .. } => *finger,
            Command::DeleteBiodata { no, .. } => *no,
            _ => None,
        };
        let has = |at: &&usize| match self.holdings[**at].thing {
            Thing::Template { no, .. } => number.is_none_or(|number| number == no),
            _ => false,
        };
        templates.iter().filter(has).copied().collect()
    }

    /// Queues, some at a time: bodies are opened when their turn comes.
    pub(super) async fn queue(
        &mut self,
        tx: &mut Writing,
        caller: &Caller,
        plans: Vec<Plan>,
    ) -> Result<()> {
        /// Bodies are up to a few hundred kilobytes.
        const TOGETHER: usize = 500;
        let mut plans = plans.into_iter().peekable();
        while plans.peek().is_some() {
            let some: Vec<Plan> = plans.by_ref().take(TOGETHER).collect();
            let opened = self.open(tx, &some).await?;
            let mut orders = Vec::with_capacity(some.len());
            let mut queued = Vec::with_capacity(some.len());
            for plan in some {
                let text = match &plan.what {
                    What::Ready(text) => Some(text.clone()),
                    What::Body(at, form) => opened
                        .get(&(self.bodies[*at].id, true))
                        .and_then(|body| {
                            ready(
                                self.app,
                                &self.bodies[*at].command(*form, body.clone()),
                                false,
                            )
                        })
                        .map(|(_, text)| text),
                    What::Photo(id) => opened
                        .get(&(*id, false))
                        .and_then(|body| {
                            let (pin, body) = (plan.pin.clone(), body.clone());
                            ready(self.app, &Command::UpdateUserPic { pin, body }, false)
                        })
                        .map(|(_, text)| text),
                };
                let Some(text) = text else {
                    for at in plan.changes {
                        self.holdings[at].fail(plan.digest.clone().unwrap_or_default());
                    }
                    continue;
                };
                orders.push(Order {
                    terminal_id: plan.terminal_id,
                    pin: Some(plan.pin.clone()),
                    text,
                    expires_at: None,
                });
                queued.push(plan);
            }
            let ids = commands::queue_all(self.app, tx, caller, &orders).await?;
            for (plan, id) in queued.into_iter().zip(ids) {
                for at in plan.changes {
                    self.holdings[at].tell(id, plan.digest.clone());
                }
            }
        }
        Ok(())
    }

    /// Templates and pictures by id and `true`, photos by employee and `false`: as base64.
    async fn open(&self, tx: &mut Tx, plans: &[Plan]) -> Result<HashMap<(i64, bool), Secret>> {
        let mut bodies = BTreeSet::new();
        let mut photos = BTreeSet::new();
        for plan in plans {
            match plan.what {
                What::Ready(_) => {}
                What::Body(at, _) => {
                    bodies.insert(self.bodies[at].id);
                }
                What::Photo(id) => {
                    photos.insert(id);
                }
            }
        }
        let mut opened = HashMap::new();
        if !bodies.is_empty() {
            let sealed: Vec<(i64, Vec<u8>)> = tx
                .all(&Sql::by_dialect(
                    "SELECT id, template_sealed FROM biometric WHERE id IN (SELECT value FROM json_each($1))",
                    "SELECT id, template_sealed FROM biometric \
                     WHERE id IN (SELECT CAST(jsonb_array_elements_text($1::jsonb) AS BIGINT))",
                    [json_list(bodies)],
                ))
                .await?;
            for (id, sealed) in sealed {
                match self.app.keys.open(people::SEALED_FOR, &sealed) {
                    Ok(body) => {
                        let body = Secret::new(String::from_utf8_lossy(&body).into_owned());
                        opened.insert((id, true), body);
                    }
                    Err(error) => tracing::error!(id, %error, "a template cannot be given out"),
                }
            }
        }
        if !photos.is_empty() {
            for (id, body) in employee::photos_for_terminals(self.app, tx, photos).await? {
                opened.insert((id, false), body);
            }
        }
        Ok(opened)
    }
}
