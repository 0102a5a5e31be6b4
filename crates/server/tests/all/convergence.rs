//! A fleet that keeps itself right: people and terminals are changed at random while terminals lose answers, refuse,
//! restart and stay away, and servers are killed in the middle of it and started again: the one there is on SQLite, one
//! or the other of two on PostgreSQL. In the end each terminal holds exactly what it should, was not told much more than
//! it had to be, and did nothing twice that must be done once.
//!
//! `TEST_CONVERGENCE=long` takes 200 terminals, 2 000 people and 40 areas, and a quarter of an hour for each database;
//! `TEST_SEED` repeats what happens, though not the moments in which servers die.

use crate::held_servers::{Administrator, Servers};
use crate::postgres;
use crate::process::outside;
use chrono::TimeDelta;
use futures::future::join_all;
use muster_simulator::{Driven, Faults, Ledger, OnTerminal, Options};
use muster_store::Sql;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Size {
    terminals: usize,
    people: usize,
    areas: usize,
    rounds: usize,
    changes: usize,
}

const SHORT: Size = Size {
    terminals: 20,
    people: 150,
    areas: 8,
    rounds: 6,
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

/// What must be done once: the endpoint, and how the two kinds of terminals call it.
const ONCE: [(&str, [&str; 2]); 4] = [
    ("unlock_terminal", ["AC_UNLOCK", "CONTROL DEVICE 01010105"]),
    ("reboot", ["REBOOT", "CONTROL DEVICE 03000000"]),
    ("clear_capture", ["CLEAR PHOTO", ""]),
    ("enroll_remotely", ["ENROLL_FP", ""]),
];

/// Those who change people and tell terminals what to do, at any of the servers.
struct Office {
    servers: Servers,
    administrator: Administrator,
    /// What must be done once, and how often it was asked for.
    asked: Mutex<BTreeMap<&'static str, usize>>,
}

struct World {
    office: Office,
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
    /// Who is to enrol which finger at which terminal.
    enrolling: Vec<(usize, String, String)>,
    kills: usize,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_terminal_ends_with_exactly_what_it_should_hold() {
    let seed = outside("TEST_SEED")
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(rand::random::<u32>);
    println!("TEST_SEED={seed}");
    let is_long = outside("TEST_CONVERGENCE").is_some_and(|size| size == "long");
    let size = if is_long { LONG } else { SHORT };
    for database in [None, Some(postgres::new().await)] {
        let servers = Servers::start(database).await;
        let mut world = World::new(servers, &size, seed.into()).await;
        for _ in 0..size.rounds {
            world.enrol().await;
            let killed_at = world.random.random_range(0..2 * size.changes);
            for number in 0..size.changes {
                if number == killed_at {
                    world.change_while_one_dies(&size).await;
                } else {
                    world.change(&size).await;
                }
            }
            let is_killed = world.random.random_bool(0.5);
            world.round(0.75, is_killed).await;
            world.office.servers.pass(TimeDelta::minutes(7)).await;
        }
        world.ask_for_what_is_done_once().await;
        for _ in 0..3 {
            world.round(0.75, true).await;
            world.office.servers.pass(TimeDelta::minutes(7)).await;
        }
        world.come_to_rest().await;
        world.compare(seed.into()).await;
        world.office.servers.stop().await;
    }
}

impl Office {
    async fn at(servers: Servers) -> Office {
        let server = servers.any(&mut StdRng::seed_from_u64(0)).await;
        Office {
            administrator: Administrator::of(server).await,
            servers,
            asked: Mutex::default(),
        }
    }

    /// Says it until somebody has heard it. Who is not sure whether it was heard takes it for good when it is done.
    async fn insist(&self, random: &mut StdRng, method: Method, path: &str, body: Value) {
        let mut is_sure = true;
        loop {
            let server = self.servers.any(random).await;
            let answer = self.administrator.say(server, method.clone(), path, &body);
            match answer.await {
                Some((200..300, _)) => return,
                Some((400 | 404, _)) if !is_sure => return,
                Some((status, answer)) => panic!("{method} {path}: {status} {answer}"),
                None => is_sure = false,
            }
        }
    }

    /// Says it once, and remembers it unless it was refused.
    async fn ask_once(&self, server: SocketAddr, what: &'static str, body: Value) -> bool {
        let path = format!("/iclock/api/terminals/{what}/");
        let answer = self.administrator.say(server, Method::POST, &path, &body);
        let is_taken = match answer.await {
            Some((200, _)) | None => true,
            Some((400, _)) => false,
            Some((status, answer)) => panic!("{what}: {status} {answer}"),
        };
        if is_taken {
            let mut asked = self.asked.lock().expect("not poisoned");
            *asked.entry(what).or_default() += 1;
        }
        is_taken
    }

    async fn count(&self, sql: &'static str) -> i64 {
        let found = self.servers.store.one(&Sql::new(sql, [])).await;
        let (count,): (i64,) = found.expect("counted");
        count
    }
}

impl World {
    async fn new(servers: Servers, size: &Size, seed: u64) -> World {
        let office = Office::at(servers).await;
        let mut random = StdRng::seed_from_u64(seed);
        for area in 0..size.areas {
            let new =
                json!({ "area_code": format!("a{area}"), "area_name": format!("Area {area}") });
            office
                .insist(&mut random, Method::POST, "/personnel/api/areas/", new)
                .await;
        }
        let server = office.servers.any(&mut random).await;
        let (fleet, ledger) = Driven::fleet(Options {
            terminals: size.terminals,
            seed,
            duration_s: None,
            faults: FAULTS,
            trace: false,
            ..Options::steady(server.to_string())
        });
        let mut places = Vec::new();
        for terminal in &fleet {
            let area = random.random_range(0..size.areas);
            let new = json!({ "sn": terminal.serial_number(), "area": format!("a{area}") });
            office
                .insist(&mut random, Method::POST, "/iclock/api/terminals/", new)
                .await;
            places.push(area);
        }
        let mut world = World {
            office,
            random,
            people: Vec::new(),
            before: vec![People::new(); fleet.len()],
            places,
            fleet,
            ledger,
            least: 0,
            cards: 5_000_000,
            enrolling: Vec::new(),
            kills: 0,
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

    async fn post(&mut self, path: &str, body: Value) {
        self.insist(Method::POST, path, body).await;
    }

    async fn patch(&mut self, path: &str, body: Value) {
        self.insist(Method::PATCH, path, body).await;
    }

    async fn insist(&mut self, method: Method, path: &str, body: Value) {
        self.office
            .insist(&mut self.random, method, path, body)
            .await;
    }

    fn one_of_the_servers(&mut self) -> usize {
        self.random
            .random_range(0..self.office.servers.places.len())
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
        self.post("/personnel/api/employees/", new).await;
    }

    /// Whether the server has heard it, nobody knows.
    async fn change_while_one_dies(&mut self, size: &Size) {
        let number = self.random.random_range(0..self.people.len());
        let name = format!("Name {}", self.random.random_range(0..1000));
        let path = format!("/personnel/api/employees/{}/", self.people[number].code);
        let dies = self.one_of_the_servers();
        let patience = self.random.random_range(0..2000);
        if !self.people[number].exists {
            return self.change(size).await;
        }
        self.kills += 1;
        let servers = &self.office.servers;
        let body = json!({ "first_name": name });
        futures::join!(
            self.office
                .insist(&mut self.random, Method::PATCH, &path, body),
            async {
                for _ in 0..patience {
                    tokio::task::yield_now().await;
                }
                servers.kill(dies).await;
                servers.begin(dies).await;
            }
        );
        self.people[number].name = name;
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
            self.post("/personnel/api/resigns/rehire/", who).await;
            return;
        }
        match self.random.random_range(0..20) {
            0..6 => {
                let name = format!("Name {}", self.random.random_range(0..1000));
                self.patch(&path, json!({ "first_name": name })).await;
                self.people[number].name = name;
            }
            6..9 => {
                let card = self.next_card();
                self.patch(&path, json!({ "card_no": card })).await;
                self.people[number].card = card;
            }
            9..15 => {
                let areas = self.some_areas(size);
                let body = json!({ "area": codes(&areas) });
                self.patch(&path, body).await;
                self.people[number].areas = areas;
            }
            15..17 => {
                let day = self.office.servers.now().format("%Y-%m-%d").to_string();
                let body = json!({ "emp_code": [code], "resign_date": day, "resign_type": 1 });
                let door = "/personnel/api/employees/adjust_resign/";
                self.post(door, body).await;
                self.people[number].resigned = true;
            }
            17..19 => {
                self.insist(Method::DELETE, &path, json!({})).await;
                self.people[number].exists = false;
            }
            _ => {
                let terminal = self.random.random_range(0..self.fleet.len());
                let area = self.random.random_range(0..size.areas);
                let path = format!(
                    "/iclock/api/terminals/{}/",
                    self.fleet[terminal].serial_number()
                );
                self.patch(&path, json!({ "area": format!("a{area}") }))
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
            let server = self.office.servers.any(&mut self.random).await;
            self.fleet[at].calls(&server.to_string());
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
                    ("Verify", "-1"),
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

    /// Terminals come, and ask until there is nothing left; the others stay away. Each question goes to any server. Now
    /// and then somebody opens a door. `is_killed`: one of the servers, in the middle of it. `false`: nobody was told
    /// anything.
    async fn round(&mut self, share: f64, is_killed: bool) -> bool {
        self.office.servers.do_jobs().await;
        let comes: Vec<bool> = (0..self.fleet.len())
            .map(|_| self.random.random_bool(share))
            .collect();
        for (at, _) in comes.iter().enumerate().filter(|(_, comes)| **comes) {
            let expected = self.expected(at);
            self.least += difference(&self.before[at], &expected);
            self.before[at] = expected;
        }
        let killed = self.one_of_the_servers();
        let killed_at = is_killed.then(|| self.random.random_range(1..2 * self.fleet.len()));
        let asked = AtomicUsize::new(0);
        let (office, asked) = (&self.office, &asked);
        let random = &mut self.random;
        let drained = self
            .fleet
            .iter_mut()
            .zip(&comes)
            .filter(|(_, comes)| **comes)
            .map(|(terminal, _)| {
                let mut random = StdRng::seed_from_u64(random.random());
                async move {
                    let mut turns = 0;
                    loop {
                        let server = office.servers.any(&mut random).await;
                        terminal.calls(&server.to_string());
                        let was_told = terminal.turn().await;
                        if Some(asked.fetch_add(1, Ordering::Relaxed)) == killed_at {
                            office.servers.kill(killed).await;
                            office.servers.begin(killed).await;
                        }
                        if !was_told {
                            return turns;
                        }
                        turns += 1;
                        let sn = terminal.serial_number();
                        assert!(turns < MOST_TURNS, "{sn} is told for ever");
                        if random.random_bool(0.05) {
                            let body = json!({ "sn": sn });
                            office.ask_once(server, "unlock_terminal", body).await;
                        }
                    }
                }
            });
        // Everything at once: what the servers do by themselves, too.
        let (turns, ()) = futures::join!(join_all(drained), office.servers.do_jobs());
        let was_killed = killed_at.is_some_and(|at| at < asked.load(Ordering::Relaxed));
        self.kills += usize::from(was_killed);
        self.learn();
        turns.into_iter().any(|turns| turns > 0)
    }

    /// What must be done once is asked for everywhere. Nobody changes anything any more.
    async fn ask_for_what_is_done_once(&mut self) {
        let mut enrolling: BTreeSet<String> = BTreeSet::new();
        for at in 0..self.fleet.len() {
            let sn = self.fleet[at].serial_number().to_owned();
            let server = self.office.servers.any(&mut self.random).await;
            for what in ["reboot", "clear_capture"] {
                let body = json!({ "sn": sn });
                self.office.ask_once(server, what, body).await;
            }
            let expected = self.expected(at);
            let pin = expected.keys().find(|pin| !enrolling.contains(*pin));
            let Some(pin) = pin.filter(|_| self.fleet[at].tells_its_algorithms()) else {
                continue;
            };
            let body = json!({ "sn": sn, "bio_type": 1, "finger": 3, "emp_code": pin });
            if self.office.ask_once(server, "enroll_remotely", body).await {
                enrolling.insert(pin.clone());
                self.enrolling.push((at, pin.clone(), "3".to_owned()));
            }
        }
    }

    /// What terminals had people enrol, they have.
    fn learn(&mut self) {
        for (at, pin, finger) in &self.enrolling {
            let holds = self.fleet[*at].people();
            let print = holds.get(pin).and_then(|held| held.prints.get(finger));
            let person = self.people.iter_mut().find(|person| person.code == *pin);
            if let (Some(print), Some(person)) = (print, person) {
                person.prints.insert(finger.clone(), print.clone());
                let before = self.before[*at].entry(pin.clone()).or_default();
                before.prints.insert(finger.clone(), print.clone());
            }
        }
    }

    /// Nothing changes any more, and pauses pass.
    async fn come_to_rest(&mut self) {
        let open = "SELECT count(*) FROM terminal_command WHERE state IN ('queued', 'sent')";
        let paused = "SELECT count(*) FROM terminal_holding WHERE retry_at IS NOT NULL";
        for _ in 0..100 {
            self.office.servers.pass(TimeDelta::minutes(31)).await;
            let was_told = self.round(1.0, false).await;
            let is_open = self.office.count(open).await + self.office.count(paused).await;
            if !was_told && is_open == 0 {
                return;
            }
        }
        panic!("the fleet does not come to rest");
    }

    /// What a terminal was told of somebody, and what became of it: number, text, state, times it was given, code.
    async fn told(&self, sn: &str, pin: &str) -> String {
        let told: Vec<(i64, String, String, i16, Option<i64>)> = self
            .office
            .servers
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
        let asked = self.office.asked.lock().expect("not poisoned").clone();
        let mut done = BTreeMap::new();
        for (what, verbs) in ONCE {
            let carried_out: usize = verbs.iter().map(|verb| self.ledger.carried_out(verb)).sum();
            let asked = asked.get(what).copied().unwrap_or_default();
            assert!(
                (1..=asked).contains(&carried_out),
                "{what}: asked for {asked} times, done {carried_out} times; TEST_SEED={seed}"
            );
            done.insert(what, format!("{carried_out} of {asked}"));
        }
        let prints: usize = self.people.iter().map(|person| person.prints.len()).sum();
        assert!(prints > 0, "somebody has enrolled; TEST_SEED={seed}");
        let sent = "SELECT CAST(COALESCE(SUM(sent_count), 0) AS BIGINT) FROM terminal_command WHERE pin IS NOT NULL";
        let sent = self.office.count(sent).await;
        let (sent, least) = (sent as f64, self.least as f64);
        println!(
            "{} server(s), killed {} times: {sent} commands were sent, {least} at least; {:.3}; done once: {done:?}",
            self.office.servers.places.len(),
            self.kills,
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
