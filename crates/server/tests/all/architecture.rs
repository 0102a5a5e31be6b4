//! The architecture, read from the code: which module may use which, where axum may stand, who
//! writes which table, and what the two crates below must not know. The lists are the rules; to
//! change a rule is to change a list. ARCHITECTURE.md says what each module is for.

use muster::settings::CHANGEABLE;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of `crates/server/src`, from the top down. A module may use its own layer and those
/// below it; doors may not use one another.
const LAYERS: &[(&str, &[&str])] = &[
    ("program", &["main", "lib", "cli"]),
    ("entrance", &["front", "listener"]),
    (DOORS, &["gateway", "api", "console", "jobs"]),
    ("subjects", &["resources", "punches", "terminals"]),
    (
        "frame",
        &[
            "access",
            "accounts",
            "answer",
            "app",
            "appendix",
            "audit",
            "clock",
            "config",
            "error",
            "background",
            "backup",
            "events",
            "extract",
            "health",
            "input",
            "install",
            "keys",
            "language",
            "metrics",
            "passage",
            "password",
            "profile",
            "relation",
            "request",
            "resource",
            "routes",
            "runs",
            "scope",
            "sealed",
            "settings",
            "times",
            "tls",
            "writing",
        ],
    ),
];
const DOORS: &str = "doors";

/// What points upwards on purpose: the file, what it uses, and why. `app.rs` makes what all share,
/// so it names the types of what it makes. One that nobody needs any more fails.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("app.rs", "punches::record", "the one writer of punches"),
    (
        "app.rs",
        "punches::day",
        "the days that are looked at, in memory",
    ),
    ("app.rs", "terminals::roster", "who has called, in memory"),
];

/// Where axum may be used: files, and folders with a slash at the end.
const AXUM: &[&str] = &[
    "api/",
    "console/",
    "extract/body.rs",
    "front.rs",
    "listener.rs",
    "passage.rs",
    "routes.rs",
];

/// Every table and the file, or the folder, that alone writes it. Reading is free.
const OWNERS: &[(&str, &str)] = &[
    ("api_client", "accounts/client.rs"),
    ("app_user", "accounts/user.rs"),
    ("area", "resources/area.rs"),
    ("audit", "audit.rs"),
    ("backup_by_hand", "console/backups.rs"),
    ("biometric", "terminals/people.rs"),
    ("company", "writing.rs"),
    ("console_session", "console/session.rs"),
    ("console_view", "console/views.rs"),
    ("console_work", "console/works.rs"),
    ("department", "resources/department.rs"),
    ("employee", "resources/employee/"),
    ("employee_area", "resources/employee/"),
    ("employee_photo", "resources/employee/"),
    ("employee_untold", "resources/employee/"),
    ("former_code", "punches/found_by.rs"),
    ("installation", "sealed.rs"),
    ("job_run", "runs.rs"),
    ("lease", "jobs/mod.rs"),
    ("location", "resources/location.rs"),
    ("login_token", "accounts/token.rs"),
    ("operation_log", "terminals/people.rs"),
    ("position", "resources/position.rs"),
    ("private_message", "resources/private_message.rs"),
    ("public_message", "resources/public_message.rs"),
    ("punch", "punches/"),
    ("punch_assignment", "punches/assign.rs"),
    ("punch_counter", "punches/"),
    ("punch_place", "punches/found_by.rs"),
    ("punch_photo", "terminals/people.rs"),
    ("recovery_code", "accounts/second_factor.rs"),
    ("resignation", "resources/resignation.rs"),
    ("role", "accounts/role.rs"),
    ("second_factor", "accounts/second_factor.rs"),
    ("server", "jobs/others.rs"),
    ("setting", "settings.rs"),
    ("terminal", "terminals/"),
    ("terminal_command", "terminals/commands/"),
    ("terminal_message", "terminals/messages.rs"),
    ("terminal_option", "terminals/"),
    ("terminal_algorithm", "terminals/sync/"),
    ("terminal_holding", "terminals/sync/"),
    ("unread_line", "gateway/unread.rs"),
];

/// Fills an empty database once: it alone may insert, and nothing but insert, into any table.
const SEEDS: &str = "install.rs";

/// They build statements for tables their callers name; there the name must be written out.
const BUILDERS: [&str; 2] = ["resource/columns.rs", "sealed.rs"];

/// What the crates below the server must not use, by the beginnings of paths.
const BELOW: &[(&str, &[&str])] = &[
    (
        "protocol",
        &[
            "std::env",
            "std::fs",
            "std::net",
            "std::process",
            "std::thread",
            "tokio",
            "sqlx",
            "axum",
            "hyper",
            "reqwest",
            "muster",
            "muster_store",
        ],
    ),
    (
        "sheets",
        &["tokio", "sqlx", "axum", "hyper", "muster", "muster_store"],
    ),
    ("store", &["axum", "hyper", "muster", "muster_protocol"]),
];

/// Functions that are told the action of a deed: the file, or the folder, the function, and which of
/// its arguments, beside `self`, that is. One that nobody needs any more fails.
const TOLD_AN_ACTION: &[(&str, &str, usize)] = &[
    ("accounts/user.rs", "deed", 0),
    ("punches/parts.rs", "told", 0),
    ("terminals/terminal/", "again", 3),
    ("terminals/terminal/", "give", 0),
    ("terminals/terminal/", "queue", 1),
];
/// Where an action has its words.
const WORDS_OF_ACTIONS: &str = "console/audit.rs";

/// Who asks the machine for the time. `clippy.toml` says so for the server; protocol has no clock at all.
const CLOCKS: &[&str] = &["Utc::now", "Local::now", "SystemTime::now", "Instant::now"];

#[test]
fn arrows_point_one_way() {
    let mut faults = Faults::default();
    let mut needed = BTreeSet::new();
    for source in server() {
        let from = source.module();
        let Some(above) = layer(&from) else {
            faults.add(
                &source,
                1,
                format!("module {from} stands in no layer of LAYERS"),
            );
            continue;
        };
        for (line, path) in source.uses() {
            let to = &path[0];
            let Some(below) = layer(to) else { continue };
            let exception = EXCEPTIONS
                .iter()
                .find(|(file, what, _)| *file == source.name && path.join("::").starts_with(what));
            if *to == from {
                continue;
            }
            if let Some((file, what, _)) = exception {
                needed.insert((*file, *what));
            } else if below < above {
                let ((above, _), (below, _)) = (LAYERS[above], LAYERS[below]);
                faults.add(
                    &source,
                    line,
                    format!(
                        "{} uses {}, and {above} stands below {below}",
                        from,
                        path.join("::")
                    ),
                );
            } else if below == above && LAYERS[above].0 == DOORS {
                faults.add(
                    &source,
                    line,
                    format!("the door {from} uses the door {}", path.join("::")),
                );
            }
        }
    }
    for (file, what, why) in EXCEPTIONS {
        if !needed.contains(&(*file, *what)) {
            faults.text(format!(
                "{file} does not use {what} ({why}) any more: take it out of EXCEPTIONS"
            ));
        }
    }
    faults.none();
}

#[test]
fn axum_stands_at_the_doors_and_in_the_frame_of_http() {
    let mut faults = Faults::default();
    for source in server() {
        if AXUM.iter().any(|place| source.is(place)) {
            continue;
        }
        for (line, path) in source.paths() {
            if path[0] == "axum" {
                faults.add(
                    &source,
                    line,
                    format!("{} is used where AXUM does not allow it", path.join("::")),
                );
            }
        }
    }
    faults.none();
}

#[test]
fn options_that_change_are_read_as_they_are_in_force() {
    let mut faults = Faults::default();
    for source in server() {
        let code: Vec<&Token> = source.tokens.iter().collect();
        for option in CHANGEABLE {
            let path: Vec<&str> = ["app", "config"]
                .into_iter()
                .chain(option.name.split('.'))
                .collect();
            // With a dot between two words.
            for window in code.windows(path.len() * 2 - 1) {
                let words = window.iter().step_by(2).map(|token| token.text.as_str());
                if words.eq(path.iter().copied()) {
                    let said = format!("{} may have changed: App::settings has it", option.name);
                    faults.add(&source, window[0].line, said);
                }
            }
        }
    }
    faults.none();
}

#[test]
fn each_table_is_written_by_its_owner_alone() {
    let mut faults = Faults::default();
    for source in server() {
        for (line, verb, table) in source.writes() {
            match OWNERS.iter().find(|(name, _)| *name == table) {
                None => faults.add(
                    &source,
                    line,
                    format!("{verb} {table}: which table is this? OWNERS knows none of that name"),
                ),
                Some((_, owner)) if source.is(owner) => {}
                Some(_) if source.is(SEEDS) && verb == Verb::Insert => {}
                Some((_, owner)) => faults.add(
                    &source,
                    line,
                    format!("{verb} {table}, which {owner} alone writes"),
                ),
            }
        }
    }
    faults.none();
}

#[test]
fn each_table_of_the_model_has_an_owner() {
    let owned: BTreeSet<String> = OWNERS
        .iter()
        .map(|(table, _)| (*table).to_owned())
        .collect();
    assert_eq!(tables(), owned, "left: the migrations; right: OWNERS");
}

#[test]
fn store_names_no_table_and_protocol_does_no_input_or_output() {
    let mut faults = Faults::default();
    let tables = tables();
    for (name, forbidden) in BELOW {
        for source in sources(
            &crates().join(name).join("src"),
            &format!("crates/{name}/src/"),
        ) {
            for (line, path) in source.paths() {
                let path = path.join("::");
                let begins = |with: &str| {
                    path.strip_prefix(with)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
                };
                let is_clock =
                    *name == "protocol" && CLOCKS.iter().any(|clock| path.ends_with(clock));
                if is_clock || forbidden.iter().any(|with| begins(with)) {
                    faults.add(&source, line, format!("the crate {name} uses {path}"));
                }
            }
            for (line, text) in source.texts() {
                for pair in words(text).windows(2) {
                    let leads =
                        ["from", "into", "join", "table", "update"].contains(&pair[0].as_str());
                    if leads && *name == "store" && tables.contains(&pair[1]) {
                        faults.add(
                            &source,
                            line,
                            format!("the crate store names the table {}", pair[1]),
                        );
                    }
                }
            }
        }
    }
    faults.none();
}

/// The server calls its database and nobody else, so nothing that is sent to it makes it call.
#[test]
fn the_server_calls_nobody() {
    const CALLS: &[&[&str]] = &[
        &["TcpStream", "connect"],
        &["TcpSocket"],
        &["UdpSocket"],
        &["UnixStream"],
        &["lookup_host"],
        &["to_socket_addrs"],
        // What others call with.
        &["reqwest"],
        &["ureq"],
        &["legacy", "Client"],
        &["lettre"],
    ];
    let mut faults = Faults::default();
    for source in server() {
        let words: Vec<&Token> = source
            .tokens
            .iter()
            .filter(|token| token.kind == Kind::Word)
            .collect();
        for call in CALLS {
            for at in words.windows(call.len()) {
                if at.iter().zip(*call).all(|(word, call)| word.text == *call) {
                    faults.add(&source, at[0].line, format!("calls: {}", call.join("::")));
                }
            }
        }
    }
    faults.none();
}

#[test]
fn the_reading_of_code_misses_nothing_it_is_to_find() {
    let source = Source::read(
        "gateway/sample.rs",
        "",
        r##"
        //! crate::api in a comment is no use of it.
        use crate::{app::App, api::{self, login as door}};
        use super::unread::{Kept};
        fn f<'a>(x: &'a str) -> char {
            crate::console::page("crate::jobs::x");
            tx.run("UPDATE terminal AS t \
                SET a = 'DELETE FROM area'");
            tx.run(r#"INSERT INTO "punch" (id)"#);
            Query::delete().from_table(Alias::new("area"));
            Query::update().table(Self::TABLE).and_where("role");
            columns.insert("position"); map.insert("role", 1); columns.update("location", id);
            impl Tree for Area { const TABLE: &'static str = "area"; const NAME: &str = "role"; }
            'x'
        }
        #[cfg(test)]
        mod tests { fn g() { crate::jobs::run("DELETE FROM audit"); } }
    "##,
    );
    let uses: Vec<String> = source
        .uses()
        .map(|(line, path)| format!("{line} {}", path.join("::")))
        .collect();
    assert_eq!(
        uses,
        [
            "3 app::App",
            "3 api",
            "3 api::login",
            "4 gateway::unread::Kept",
            "6 console::page"
        ]
    );
    let writes: Vec<String> = source
        .writes()
        .map(|(line, verb, table)| format!("{line} {verb} {table}"))
        .collect();
    assert_eq!(
        writes,
        [
            "7 UPDATE terminal",
            "7 DELETE FROM area",
            "9 INSERT INTO punch",
            "10 DELETE FROM area",
            "11 UPDATE (not written out)",
            "12 INSERT INTO position",
            "12 UPDATE location",
            "13 UPDATE area"
        ]
    );
}

#[test]
fn whatever_is_audited_has_words_for_people() {
    let mut faults = Faults::default();
    let sources = server();
    let mut done = BTreeSet::new();
    for source in &sources {
        for (line, actions) in source.deeds() {
            let is_told = TOLD_AN_ACTION.iter().any(|(place, ..)| source.is(place));
            if actions.is_empty() && !is_told {
                let fault =
                    "what this deed is called cannot be read: name the function in TOLD_AN_ACTION";
                faults.add(source, line, fault.to_owned());
            }
            done.extend(actions);
        }
    }
    for (place, function, argument) in TOLD_AN_ACTION {
        let told: BTreeSet<String> = sources
            .iter()
            .filter(|source| source.is(place))
            .flat_map(|source| source.arguments(function, *argument))
            .collect();
        if told.is_empty() {
            faults.text(format!("{place} has no {function} that is told an action"));
        }
        done.extend(told);
    }
    let page = sources.iter().find(|source| source.is(WORDS_OF_ACTIONS));
    let worded = page.expect("the page of the audit").worded("ACTIONS");
    for action in done.iter().filter(|action| !worded.contains(action)) {
        faults.text(format!("{WORDS_OF_ACTIONS} has no words for {action:?}"));
    }
    for (place, action) in worded.iter().enumerate() {
        if !done.contains(action) || worded[..place].contains(action) {
            faults.text(format!(
                "{WORDS_OF_ACTIONS} has words nobody needs, for {action:?}"
            ));
        }
    }
    assert!(done.len() > 30, "the deeds are found: {done:?}");
    faults.none();
}

/// What was found, to be told all at once.
#[derive(Default)]
struct Faults(String);

impl Faults {
    fn add(&mut self, source: &Source, line: usize, what: String) {
        let _ = writeln!(self.0, "{}{}:{line}: {what}", source.folder, source.name);
    }

    fn text(&mut self, what: String) {
        let _ = writeln!(self.0, "{what}");
    }

    fn none(self) {
        assert!(self.0.is_empty(), "the architecture is broken:\n{}", self.0);
    }
}

/// A file of Rust, without its unit tests.
struct Source {
    /// Below `src`, with slashes.
    name: String,
    folder: String,
    tokens: Vec<Token>,
}

#[derive(Clone, PartialEq)]
struct Token {
    kind: Kind,
    text: String,
    line: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Word,
    Mark,
    /// A string literal, its escapes resolved.
    Text,
}

#[derive(Clone, Copy, PartialEq)]
enum Verb {
    Insert,
    Update,
    Delete,
}

impl std::fmt::Display for Verb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Verb::Insert => "INSERT INTO",
            Verb::Update => "UPDATE",
            Verb::Delete => "DELETE FROM",
        })
    }
}

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the server is one of several crates")
        .to_owned()
}

fn server() -> Vec<Source> {
    sources(&crates().join("server/src"), "crates/server/src/")
}

fn sources(src: &Path, shown: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![src.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the sources are there") {
            let path = entry.expect("a folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path
                    .strip_prefix(src)
                    .expect("it lies below")
                    .to_string_lossy()
                    .replace('\\', "/");
                found.push(Source::read(
                    &name,
                    shown,
                    &fs::read_to_string(&path).expect("a source is text"),
                ));
            }
        }
    }
    assert!(!found.is_empty(), "no sources below {}", src.display());
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
}

/// The tables the migrations make.
fn tables() -> BTreeSet<String> {
    let folder = crates().join("store/migrations/sqlite");
    let mut tables = BTreeSet::new();
    // In their order: a later one may drop what an earlier one made.
    let files: BTreeSet<PathBuf> = fs::read_dir(folder)
        .expect("the migrations are there")
        .map(|entry| entry.expect("a folder can be read").path())
        .collect();
    for file in files {
        let sql = fs::read_to_string(file).expect("SQL is text");
        let words = words(&sql);
        for three in words.windows(3) {
            match [three[0].as_str(), three[1].as_str()] {
                ["create", "table"] => tables.insert(three[2].clone()),
                ["drop", "table"] => tables.remove(&three[2]),
                _ => continue,
            };
        }
    }
    tables
}

/// How far down a module stands; `None`: in no layer.
fn layer(module: &str) -> Option<usize> {
    LAYERS
        .iter()
        .position(|(_, modules)| modules.contains(&module))
}

/// The words of a statement, in lower case.
fn words(sql: &str) -> Vec<String> {
    sql.split(|letter: char| letter.is_whitespace() || "(),;\"'".contains(letter))
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// The tables a statement writes.
fn written(sql: &str) -> Vec<(Verb, String)> {
    let words = words(sql);
    let at = |place: usize| words.get(place).map_or("", String::as_str);
    let mut found = Vec::new();
    for place in 0..words.len() {
        match at(place) {
            "into" if place > 0 && ["insert", "replace", "ignore"].contains(&at(place - 1)) => {
                found.push((Verb::Insert, at(place + 1)));
            }
            // `DO UPDATE SET` and `FOR UPDATE` name no table.
            "update" if at(place + 1) != "set" && (2..=4).any(|more| at(place + more) == "set") => {
                found.push((Verb::Update, at(place + 1)));
            }
            "delete" if at(place + 1) == "from" => found.push((Verb::Delete, at(place + 2))),
            _ => {}
        }
    }
    found
        .into_iter()
        .map(|(verb, table)| (verb, table.to_owned()))
        .collect()
}

impl Source {
    fn read(name: &str, folder: &str, text: &str) -> Source {
        Source {
            name: name.to_owned(),
            folder: folder.to_owned(),
            tokens: without_unit_tests(tokens(text)),
        }
    }

    /// `place` is this file, or a folder (with a slash at the end) it lies in.
    fn is(&self, place: &str) -> bool {
        self.name == place || (place.ends_with('/') && self.name.starts_with(place))
    }

    /// The first part of its path: `gateway` of `gateway/uplink.rs`.
    fn module(&self) -> String {
        self.name
            .trim_end_matches(".rs")
            .split('/')
            .next()
            .unwrap_or_default()
            .to_owned()
    }

    fn mark(&self, place: usize) -> &str {
        self.tokens
            .get(place)
            .filter(|token| token.kind != Kind::Text)
            .map_or("", |token| token.text.as_str())
    }

    /// The texts from a place on up to the comma, or the end of what it stands in.
    fn texts_at(&self, place: usize) -> Vec<String> {
        let mut depth = 0;
        let rest = self.tokens.get(place..).unwrap_or_default();
        let mut found = Vec::new();
        for token in rest {
            match (token.kind, token.text.as_str()) {
                (Kind::Text, text) => found.push(text.to_owned()),
                (_, "(" | "[" | "{") => depth += 1,
                (_, ")" | "]" | "}") => depth -= 1,
                _ => {}
            }
            let is_comma = token.kind == Kind::Mark && token.text == ",";
            if depth < 0 || (is_comma && depth == 0) {
                break;
            }
        }
        found
    }

    /// Every deed with its line, and what it may be called.
    fn deeds(&self) -> Vec<(usize, Vec<String>)> {
        let begins = |place: &usize| {
            let before = place.checked_sub(1).map_or("", |before| self.mark(before));
            self.mark(*place) == "Deed"
                && self.mark(place + 1) == "{"
                && !["struct", "impl", "for", ">"].contains(&before)
        };
        (0..self.tokens.len())
            .filter(begins)
            .map(|place| {
                let action = (place + 2..self.tokens.len())
                    .find(|place| self.mark(*place) == "action")
                    .unwrap_or(place);
                let actions = match self.mark(action + 1) {
                    ":" => self.texts_at(action + 2),
                    _ => Vec::new(),
                };
                (self.tokens[place].line, actions)
            })
            .collect()
    }

    /// The texts a function is called with, as one of its arguments.
    fn arguments(&self, function: &str, argument: usize) -> Vec<String> {
        let calls = (1..self.tokens.len()).filter(|place| {
            self.mark(*place) == function
                && self.mark(place + 1) == "("
                && self.mark(place - 1) != "fn"
        });
        calls
            .flat_map(|place| {
                let (mut begin, mut depth, mut number) = (place + 2, 0, 0);
                while number < argument && begin < self.tokens.len() {
                    match self.mark(begin) {
                        "(" | "[" | "{" => depth += 1,
                        ")" | "]" | "}" if depth == 0 => return Vec::new(),
                        ")" | "]" | "}" => depth -= 1,
                        "," if depth == 0 => number += 1,
                        _ => {}
                    }
                    begin += 1;
                }
                self.texts_at(begin)
            })
            .collect()
    }

    /// What stands first in each pair of a list.
    fn worded(&self, list: &str) -> Vec<String> {
        let Some(begin) = (1..self.tokens.len())
            .find(|place| self.mark(*place) == list && self.mark(place - 1) == "const")
        else {
            return Vec::new();
        };
        let end = (begin..self.tokens.len())
            .find(|place| self.mark(*place) == ";")
            .unwrap_or(self.tokens.len());
        (begin..end)
            .filter(|place| {
                self.tokens[*place].kind == Kind::Text
                    && self.mark(place - 1) == "("
                    && self.mark(place + 1) == ","
            })
            .map(|place| self.tokens[place].text.clone())
            .collect()
    }

    fn texts(&self) -> impl Iterator<Item = (usize, &str)> {
        self.tokens
            .iter()
            .filter(|token| token.kind == Kind::Text)
            .map(|token| (token.line, token.text.as_str()))
    }

    /// Every path with its line, those within braces spelled out.
    fn paths(&self) -> Vec<(usize, Vec<String>)> {
        let mut found = Vec::new();
        let mut place = 0;
        while place < self.tokens.len() {
            let follows = place > 0 && [".", "::"].contains(&self.tokens[place - 1].text.as_str());
            if self.tokens[place].kind == Kind::Word && !follows {
                self.path(&mut place, &[], &mut found);
            } else {
                place += 1;
            }
        }
        found
    }

    /// Reads one path from `place` on, and leaves `place` behind it.
    fn path(&self, place: &mut usize, before: &[String], found: &mut Vec<(usize, Vec<String>)>) {
        let mark = |place: usize| match self.tokens.get(place) {
            Some(token) if token.kind != Kind::Text => token.text.as_str(),
            _ => "",
        };
        let mut path = before.to_vec();
        let line = self.tokens[*place].line;
        loop {
            let word = mark(*place);
            if word != "self" || path.is_empty() {
                path.push(word.to_owned());
            }
            *place += 1;
            if mark(*place) != "::" {
                break;
            }
            *place += 1;
            if mark(*place) == "{" {
                *place += 1;
                while !["}", ""].contains(&mark(*place)) {
                    if self.tokens[*place].kind == Kind::Word {
                        self.path(place, &path, found);
                        while ![",", "}", ""].contains(&mark(*place)) {
                            *place += 1; // `as name`
                        }
                    } else {
                        *place += 1;
                    }
                }
                *place += 1;
                return;
            }
            if self
                .tokens
                .get(*place)
                .is_none_or(|token| token.kind != Kind::Word)
            {
                break;
            }
        }
        found.push((line, path));
    }

    /// The paths into this crate, from its root.
    fn uses(&self) -> impl Iterator<Item = (usize, Vec<String>)> {
        let mut here: Vec<String> = self
            .name
            .trim_end_matches(".rs")
            .split('/')
            .map(str::to_owned)
            .collect();
        if here
            .last()
            .is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str()))
        {
            here.pop();
        }
        self.paths().into_iter().filter_map(move |(line, path)| {
            let mut rest = path.as_slice();
            let mut root = match rest.first()?.as_str() {
                "crate" | "muster" => Vec::new(),
                "self" | "super" => here.clone(),
                _ => return None,
            };
            while let Some(first) = rest
                .first()
                .filter(|first| ["crate", "muster", "self", "super"].contains(&first.as_str()))
            {
                if *first == "super" {
                    root.pop();
                }
                rest = &rest[1..];
            }
            root.extend_from_slice(rest);
            (!root.is_empty()).then_some((line, root))
        })
    }

    /// Every write of a table with its line: in SQL, and by statements that are built.
    fn writes(&self) -> impl Iterator<Item = (usize, Verb, String)> {
        self.tokens.iter().enumerate().flat_map(|(place, token)| {
            let found = match token.kind {
                Kind::Text => written(&token.text),
                _ => self.built(place).into_iter().collect(),
            };
            // English may sound like SQL: only names of tables count, and those put together.
            found
                .into_iter()
                .filter(|(_, table)| {
                    table.contains(['{', '(']) || OWNERS.iter().any(|(name, _)| name == table)
                })
                .map(|(verb, table)| (token.line, verb, table))
                .collect::<Vec<_>>()
        })
    }

    /// The write a call at `place` builds, or a `const TABLE` leaves to others: sea-query's `into_table`, `table` and `from_table`, which
    /// must name their table, and `insert` and `update` of `Columns`, known by the table's name.
    fn built(&self, place: usize) -> Option<(Verb, String)> {
        let text = |place: usize| {
            self.tokens
                .get(place)
                .map_or("", |token| token.text.as_str())
        };
        if place > 0 && text(place - 1) == "const" && text(place) == "TABLE" {
            let mut said = self.tokens[place..]
                .iter()
                .take_while(|token| token.text != ";");
            let table = said.find(|token| token.kind == Kind::Text)?;
            return Some((Verb::Update, table.text.clone()));
        }
        if place == 0 || text(place - 1) != "." || text(place + 1) != "(" {
            return None;
        }
        let argument = self.tokens[place + 2..]
            .iter()
            .take_while(|token| ![")", ","].contains(&token.text.as_str()))
            .find(|token| token.kind == Kind::Text)
            .map(|token| token.text.clone());
        let verb = match text(place) {
            "into_table" => Verb::Insert,
            "table" => Verb::Update,
            "from_table" => Verb::Delete,
            "insert" if text(place + 3) == ")" => return Some((Verb::Insert, argument?)),
            "update" => return Some((Verb::Update, argument?)),
            _ => return None,
        };
        match argument {
            None if BUILDERS.iter().any(|builder| self.is(builder)) => None,
            argument => Some((verb, argument.unwrap_or("(not written out)".into()))),
        }
    }
}

/// Leaves out what stands in `#[cfg(test)] mod … { … }`.
fn without_unit_tests(tokens: Vec<Token>) -> Vec<Token> {
    const HEAD: [&str; 8] = ["#", "[", "cfg", "(", "test", ")", "]", "mod"];
    let mut kept = Vec::with_capacity(tokens.len());
    let mut place = 0;
    while place < tokens.len() {
        let rest = &tokens[place..];
        let is_head = rest.len() > HEAD.len() + 1
            && HEAD
                .iter()
                .zip(rest)
                .all(|(text, token)| token.text == *text)
            && rest[HEAD.len() + 1].text == "{";
        if !is_head {
            kept.push(tokens[place].clone());
            place += 1;
            continue;
        }
        place += HEAD.len() + 1;
        let mut depth = 0;
        while let Some(token) = tokens.get(place) {
            place += 1;
            match (token.kind, token.text.as_str()) {
                (Kind::Mark, "{") => depth += 1,
                (Kind::Mark, "}") => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    kept
}

/// Words, marks and string literals; comments and characters are left out.
fn tokens(text: &str) -> Vec<Token> {
    let letters: Vec<char> = text.chars().collect();
    let at = |place: usize| letters.get(place).copied().unwrap_or('\0');
    let mut tokens = Vec::new();
    let (mut place, mut line) = (0, 1);
    let push =
        |tokens: &mut Vec<Token>, kind, text: String, line| tokens.push(Token { kind, text, line });
    while place < letters.len() {
        let letter = at(place);
        let begun = line;
        if letter == '\n' {
            line += 1;
            place += 1;
        } else if letter.is_whitespace() {
            place += 1;
        } else if letter == '/' && at(place + 1) == '/' {
            while place < letters.len() && at(place) != '\n' {
                place += 1;
            }
        } else if letter == '/' && at(place + 1) == '*' {
            let mut depth = 0;
            while place < letters.len() {
                match (at(place), at(place + 1)) {
                    ('/', '*') => (depth, place) = (depth + 1, place + 2),
                    ('*', '/') => (depth, place) = (depth - 1, place + 2),
                    (letter, _) => {
                        line += usize::from(letter == '\n');
                        place += 1;
                    }
                }
                if depth == 0 {
                    break;
                }
            }
        } else if letter == '"' {
            let mut text = String::new();
            place += 1;
            while place < letters.len() && at(place) != '"' {
                line += usize::from(at(place) == '\n');
                if at(place) == '\\' {
                    place += 1;
                    line += usize::from(at(place) == '\n');
                    text.push(if at(place).is_alphanumeric() {
                        ' '
                    } else {
                        at(place)
                    });
                } else {
                    text.push(at(place));
                }
                place += 1;
            }
            place += 1;
            push(&mut tokens, Kind::Text, text, begun);
        } else if letter == '\'' {
            // A character, or the mark of a lifetime.
            if at(place + 1) == '\\' {
                place += 3;
                while place < letters.len() && at(place) != '\'' {
                    place += 1;
                }
                place += 1;
            } else if at(place + 2) == '\'' {
                place += 3;
            } else {
                place += 1;
            }
        } else if letter.is_alphanumeric() || letter == '_' {
            let mut word = String::new();
            while at(place).is_alphanumeric() || at(place) == '_' {
                word.push(at(place));
                place += 1;
            }
            let hashes = letters[place..]
                .iter()
                .take_while(|letter| **letter == '#')
                .count();
            let is_text = ["r", "br", "cr"].contains(&word.as_str()) && at(place + hashes) == '"';
            if is_text {
                place += hashes + 1;
                let end: String = std::iter::once('"')
                    .chain(std::iter::repeat_n('#', hashes))
                    .collect();
                let mut text = String::new();
                while place < letters.len() && !text.ends_with(&end) {
                    line += usize::from(at(place) == '\n');
                    text.push(at(place));
                    place += 1;
                }
                text.truncate(text.len().saturating_sub(end.len()));
                push(&mut tokens, Kind::Text, text, begun);
            } else if !(["b", "c"].contains(&word.as_str()) && at(place) == '"') {
                push(&mut tokens, Kind::Word, word, begun);
            }
        } else if letter == ':' && at(place + 1) == ':' {
            push(&mut tokens, Kind::Mark, "::".into(), begun);
            place += 2;
        } else {
            push(&mut tokens, Kind::Mark, letter.to_string(), begun);
            place += 1;
        }
    }
    tokens
}
