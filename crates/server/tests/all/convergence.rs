//! A fleet that keeps itself right: people and terminals are changed at random while terminals lose answers, refuse,
//! restart and stay away. In the end each holds exactly what it should, and was not told much more than it had to be.
//!
//! `TEST_CONVERGENCE=long` takes 200 terminals, 2 000 people and 40 areas, and ten minutes; `TEST_SEED` repeats a run.

use crate::people_on_terminals::Admin;
use crate::testing::{TestApp, on_both_with};
use chrono::TimeDelta;
use futures::future::join_all;
use muster::config::Config;
use muster::jobs;
use muster_simulator::{Driven, Faults, Ledger, OnTerminal, Options};
use muster_store::Sql;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use reqwest::Method;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

struct Size {
    terminals: usize,
    people: usize,
    areas: usize,
    rounds: usize,
    changes: usize,
}

const SHORT: Size = Size {
    terminals: 20,
    people: 200,
    areas: 8,
    rounds: 8,
    changes: 20,
};

const LONG: Size = Size {
    terminals: 200,
    people: 2000,
    areas: 40,
    rounds: 40,
    changes: 200,
};

/// Of the minimum; what the faults below cost is in it.
const MOST_COMMANDS: f64 = 1.2;
const FAULTS: Faults = Faults {
    lost_reply: 0.01,
    half_body: 0.01,
    twice: 0.01,
    bad_row: 0.0,
    lost_result: 0.02,
    twice_result: 0.02,
    unknown_command: 0.0,
    busy: 0.02,
    lost_commands: 0.01,
    reboot_mid_batch: 0.002,
    drops_per_day: 0.0,
    reboots_per_week: 0.0,
};

/// Longer is no queue any more, but a circle.
const MOST_TURNS: usize = 500;

struct Person {
    code: String,
    name: String,
    card: String,
    areas: BTreeSet<usize>,
    exists: bool,
    resigned: bool,
    prints: BTreeMap<String, String>,
}

type People = BTreeMap<String, OnTerminal>;

struct World<'a> {
    admin: Admin<'a>,
    app: &'a TestApp,
    random: StdRng,
    people: Vec<Person>,
    /// Where each terminal is.
    places: Vec<usize>,
    fleet: Vec<Driven>,
    ledger: Arc<Ledger>,
    /// What each should have held when it was last looked after.
    before: Vec<People>,
    /// The least number of commands: for each terminal, whenever it comes, the things by which what it should hold
    /// differs from what it should have held when it came before.
    least: usize,
    cards: usize,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_terminal_ends_with_exactly_what_it_should_hold() {
    let seed = variable("TEST_SEED")
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(rand::random::<u32>);
    println!("TEST_SEED={seed}");
    let is_long = variable("TEST_CONVERGENCE").is_some_and(|size| size == "long");
    let size = if is_long { LONG } else { SHORT };
    // Asking is another matter, and nothing vanishes here.
    let unasked = |config: &mut Config| config.terminals.check_every_h = 0;
    on_both_with(unasked, |app| {
        let size = &size;
        async move {
            let mut world = World::new(&app, size, seed.into()).await;
            for _ in 0..size.rounds {
                world.enrol().await;
                for _ in 0..size.changes {
                    world.change(size).await;
                }
                world.round(0.75).await;
                app.app.clock.advance(TimeDelta::minutes(7));
            }
            world.come_to_rest().await;
            world.compare(seed.into()).await;
        }
    })
    .await;
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a test runs is no option of the server"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl<'a> World<'a> {
    async fn new(app: &'a TestApp, size: &Size, seed: u64) -> World<'a> {
        let admin = Admin::at(app).await;
        let mut random = StdRng::seed_from_u64(seed);
        for area in 0..size.areas {
            let new =
                json!({ "area_code": format!("a{area}"), "area_name": format!("Area {area}") });
            admin.post("/personnel/api/areas/", new).await;
        }
        let (fleet, ledger) = Driven::fleet(Options {
            terminals: size.terminals,
            seed,
            duration_s: None,
            faults: FAULTS,
            trace: false,
            ..Options::steady(app.address.to_string())
        });
        let mut places = Vec::new();
        for terminal in &fleet {
            let area = random.random_range(0..size.areas);
            let new = json!({ "sn": terminal.serial_number(), "area": format!("a{area}") });
            admin.post("/iclock/api/terminals/", new).await;
            places.push(area);
        }
        let mut world = World {
            admin,
            app,
            random,
            people: Vec::new(),
            before: vec![People::new(); fleet.len()],
            places,
            fleet,
            ledger,
            least: 0,
            cards: 5_000_000,
        };
        for number in 0..size.people {
            world.people.push(Person {
                code: (1000 + number).to_string(),
                name: String::new(),
                card: String::new(),
                areas: BTreeSet::new(),
                exists: false,
                resigned: false,
                prints: BTreeMap::new(),
            });
            world.make(number, size).await;
        }
        world
    }

    fn some_areas(&mut self, size: &Size) -> BTreeSet<usize> {
        let count = self.random.random_range(1..=2);
        (0..count)
            .map(|_| self.random.random_range(0..size.areas))
            .collect()
    }

    fn next_card(&mut self) -> String {
        self.cards += 1;
        self.cards.to_string()
    }

    async fn make(&mut self, number: usize, size: &Size) {
        let areas = self.some_areas(size);
        let card = self.next_card();
        let person = &mut self.people[number];
        person.name = format!("Person {}", person.code);
        person.card = card;
        person.areas = areas;
        person.exists = true;
        person.resigned = false;
        person.prints.clear();
        let new = json!({
            "emp_code": person.code, "first_name": person.name, "card_no": person.card,
            "area": codes(&person.areas),
        });
        self.admin.post("/personnel/api/employees/", new).await;
    }

    /// Somebody changes something.
    async fn change(&mut self, size: &Size) {
        let number = self.random.random_range(0..self.people.len());
        if !self.people[number].exists {
            return self.make(number, size).await;
        }
        let path = format!("/personnel/api/employees/{}/", self.people[number].code);
        let code = self.people[number].code.clone();
        if self.people[number].resigned {
            self.people[number].resigned = false;
            let who = json!({ "emp_code": [code] });
            self.admin.post("/personnel/api/resigns/rehire/", who).await;
            return;
        }
        match self.random.random_range(0..20) {
            0..6 => {
                let name = format!("Name {}", self.random.random_range(0..1000));
                self.admin.patch(&path, json!({ "first_name": name })).await;
                self.people[number].name = name;
            }
            6..9 => {
                let card = self.next_card();
                self.admin.patch(&path, json!({ "card_no": card })).await;
                self.people[number].card = card;
            }
            9..15 => {
                let areas = self.some_areas(size);
                let body = json!({ "area": codes(&areas) });
                self.admin.patch(&path, body).await;
                self.people[number].areas = areas;
            }
            15..17 => {
                let day = self.app.app.clock.now().format("%Y-%m-%d").to_string();
                let body = json!({ "emp_code": [code], "resign_date": day, "resign_type": 1 });
                let door = "/personnel/api/employees/adjust_resign/";
                self.admin.post(door, body).await;
                self.people[number].resigned = true;
            }
            17..19 => {
                self.admin.send(Method::DELETE, &path, json!({})).await;
                self.people[number].exists = false;
            }
            _ => {
                let terminal = self.random.random_range(0..self.fleet.len());
                let area = self.random.random_range(0..size.areas);
                let path = format!(
                    "/iclock/api/terminals/{}/",
                    self.fleet[terminal].serial_number()
                );
                self.admin
                    .patch(&path, json!({ "area": format!("a{area}") }))
                    .await;
                self.places[terminal] = area;
            }
        }
    }

    /// People enrol a finger at terminals that hold them as they should.
    async fn enrol(&mut self) {
        for at in 0..self.fleet.len() {
            if !self.fleet[at].tells_its_algorithms() || !self.random.random_bool(0.3) {
                continue;
            }
            let holds = self.fleet[at].people();
            if holds != self.expected(at) {
                continue;
            }
            let pins: Vec<&String> = holds.keys().collect();
            let Some(pin) = pins.choose(&mut self.random) else {
                continue;
            };
            let finger = self.random.random_range(0..10).to_string();
            let Some(print) = self.fleet[at].enrol(pin, &finger).await else {
                continue;
            };
            let person = self.people.iter_mut().find(|person| person.code == **pin);
            person
                .expect("it holds those of the list")
                .prints
                .insert(finger, print);
            // The terminal has what it made.
            self.before[at] = self.expected(at);
        }
    }

    /// What a terminal should hold now.
    fn expected(&self, at: usize) -> People {
        self.people
            .iter()
            .filter(|person| {
                person.exists && !person.resigned && person.areas.contains(&self.places[at])
            })
            .map(|person| {
                let record = [
                    ("Name", &*person.name),
                    ("Pri", "0"),
                    ("Card", &*person.card),
                ];
                let held = OnTerminal {
                    record: record
                        .into_iter()
                        .map(|(name, value)| (name.to_owned(), value.to_owned()))
                        .collect(),
                    // Of the others nobody knows which algorithm they have.
                    prints: match self.fleet[at].tells_its_algorithms() {
                        true => person.prints.clone(),
                        false => BTreeMap::new(),
                    },
                };
                (person.code.clone(), held)
            })
            .collect()
    }

    /// Terminals come, and ask until there is nothing left; the others stay away. `false`: nobody was told anything.
    async fn round(&mut self, share: f64) -> bool {
        jobs::run_all(&self.app.app).await.expect("run");
        let comes: Vec<bool> = (0..self.fleet.len())
            .map(|_| self.random.random_bool(share))
            .collect();
        for (at, _) in comes.iter().enumerate().filter(|(_, comes)| **comes) {
            let expected = self.expected(at);
            self.least += difference(&self.before[at], &expected);
            self.before[at] = expected;
        }
        let drained = self
            .fleet
            .iter_mut()
            .zip(&comes)
            .filter(|(_, comes)| **comes)
            .map(|(terminal, _)| async move {
                let mut turns = 0;
                while terminal.turn().await {
                    turns += 1;
                    assert!(
                        turns < MOST_TURNS,
                        "{} is told for ever",
                        terminal.serial_number()
                    );
                }
                turns
            });
        // Everything at once: what the server does by itself, too.
        let app = &self.app.app;
        let (turns, ran) = futures::join!(join_all(drained), jobs::run_all(app));
        ran.expect("run");
        turns.into_iter().any(|turns| turns > 0)
    }

    /// Nothing changes any more, and pauses pass.
    async fn come_to_rest(&mut self) {
        let open = "SELECT count(*) FROM terminal_command WHERE state IN ('queued', 'sent')";
        let paused = "SELECT count(*) FROM terminal_holding WHERE retry_at IS NOT NULL";
        for _ in 0..100 {
            self.app.app.clock.advance(TimeDelta::minutes(31));
            let was_told = self.round(1.0).await;
            let is_open = self.admin.count(open).await + self.admin.count(paused).await;
            if !was_told && is_open == 0 {
                return;
            }
        }
        panic!("the fleet does not come to rest");
    }

    /// What a terminal was told of somebody, and what became of it: number, text, state, times it was given, code.
    async fn told(&self, sn: &str, pin: &str) -> String {
        let told: Vec<(i64, String, String, i16, Option<i64>)> = self
            .app
            .app
            .store
            .all(&Sql::new(
                "SELECT c.wire_id, c.shown, c.state, c.sent_count, c.return_code FROM terminal_command AS c \
                 JOIN terminal AS t ON t.id = c.terminal_id WHERE t.sn = $1 AND c.pin = $2 ORDER BY c.wire_id",
                [sn.into(), pin.into()],
            ))
            .await
            .expect("read");
        let told: Vec<String> = told.iter().map(|told| format!("{told:?}")).collect();
        told.join("\n")
    }

    async fn compare(&self, seed: u64) {
        for (at, terminal) in self.fleet.iter().enumerate() {
            let (holds, expected) = (terminal.people(), self.expected(at));
            let sn = terminal.serial_number();
            for pin in holds.keys().chain(expected.keys()) {
                if holds.get(pin) != expected.get(pin) {
                    println!("{}", self.told(sn, pin).await);
                }
                assert_eq!(
                    holds.get(pin),
                    expected.get(pin),
                    "{sn} has (left) and should have (right) of {pin}; TEST_SEED={seed}"
                );
            }
        }
        assert_eq!(
            self.ledger.flaws(),
            [],
            "nothing was done twice that must not"
        );
        let prints: usize = self.people.iter().map(|person| person.prints.len()).sum();
        assert!(prints > 0, "somebody has enrolled; TEST_SEED={seed}");
        let sent = "SELECT CAST(COALESCE(SUM(sent_count), 0) AS BIGINT) FROM terminal_command WHERE pin IS NOT NULL";
        let sent = self.admin.count(sent).await;
        let (sent, least) = (sent as f64, self.least as f64);
        println!(
            "{sent} commands were sent, {least} at least; {:.3}",
            sent / least
        );
        assert!(
            sent <= MOST_COMMANDS * least,
            "{sent} commands were sent, {least} would have done; TEST_SEED={seed}"
        );
    }
}

fn codes(areas: &BTreeSet<usize>) -> Vec<String> {
    areas.iter().map(|area| format!("a{area}")).collect()
}

/// Commands that make the one of the other: one takes a person away with everything, one writes a record, one each
/// template.
fn difference(before: &People, after: &People) -> usize {
    let gone = before
        .keys()
        .filter(|pin| !after.contains_key(*pin))
        .count();
    let nothing = OnTerminal::default();
    let told: usize = after
        .iter()
        .map(|(pin, held)| {
            let had = before.get(pin).unwrap_or(&nothing);
            let prints = held
                .prints
                .iter()
                .filter(|(finger, print)| had.prints.get(*finger) != Some(*print));
            usize::from(had.record != held.record) + prints.count()
        })
        .sum();
    gone + told
}
