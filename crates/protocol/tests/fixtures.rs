//! Every recorded message in `fixtures/` is read and compared whole with its snapshot.
//!
//! A line of a fixture file is `id | kind | context | body`. Kinds: REQ a terminal's request, RES a request with results of
//! commands, RSP an answer to a terminal, CMD commands. The context of a request is its method and target, and behind ` ; `
//! what is to be known of it; where only the table was recorded the target is ours, with the serial number DEMO-01.
//! In a body `\t \n \r \0 \xHH` are bytes, and a lone `-` is none at all. Templates and pictures are synthetic.

use std::fmt::Write as _;

use muster_protocol::access::{ConfigBlock, Packet, Registration, RegistrationBlock, read_count};
use muster_protocol::command::{Command, read_batch};
use muster_protocol::handshake::{Family, Hello, OptionBlock};
use muster_protocol::poll::Info;
use muster_protocol::result;
use muster_protocol::target::{self, Door, Query, Target};
use muster_protocol::upload::{self, Row, Table, Upload};

struct Fixture<'a> {
    id: &'a str,
    kind: &'a str,
    context: &'a str,
    body: Vec<u8>,
}

fn read(file: &str) -> Vec<Fixture<'_>> {
    let fixture = |line| {
        let parts: Vec<&str> = str::splitn(line, 4, " | ").collect();
        let [id, kind, context, body] = parts[..] else {
            panic!("not four columns: {line}")
        };
        Fixture {
            id,
            kind,
            context,
            body: if body == "-" {
                Vec::new()
            } else {
                unescape(body)
            },
        }
    };
    file.lines()
        .filter(|line| !line.starts_with('#'))
        .map(fixture)
        .collect()
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let (byte, length) = match (first, tail) {
            (b'\\', [b't', ..]) => (b'\t', 2),
            (b'\\', [b'n', ..]) => (b'\n', 2),
            (b'\\', [b'r', ..]) => (b'\r', 2),
            (b'\\', [b'0', ..]) => (0, 2),
            (b'\\', [b'x', high, low, ..]) => {
                let hex = [*high, *low];
                let hex = std::str::from_utf8(&hex).expect("two digits");
                (u8::from_str_radix(hex, 16).expect("two digits"), 4)
            }
            _ => (*first, 1),
        };
        bytes.push(byte);
        rest = &rest[length..];
    }
    bytes
}

fn check(file: &str, count: usize) {
    let fixtures = read(file);
    assert_eq!(fixtures.len(), count, "fixtures in the file");
    for fixture in fixtures {
        let answer = match fixture.kind {
            "REQ" | "RES" => request(&fixture),
            "RSP" => reply(&fixture),
            "CMD" => commands(&fixture),
            kind => panic!("{}: kind {kind}", fixture.id),
        };
        let context = fixture.context;
        insta::with_settings!({ description => context, omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(fixture.id, answer);
        });
    }
}

fn request(fixture: &Fixture<'_>) -> String {
    let start = fixture.context.split(" ; ").next().expect("a start");
    let (method, path) = start.split_once(' ').expect("method and target");
    let target = target::parse(path.as_bytes()).expect("below /iclock/");
    let mut answer = format!("{method} {:?} {}\n", target.door, target.path);
    match target.query.serial_number() {
        Ok(serial_number) => writeln!(answer, "SN {serial_number}"),
        Err(problem) => writeln!(answer, "SN: {problem}"),
    }
    .expect("a String takes everything");
    answer
        + &match (method, target.door) {
            ("GET", Door::Cdata) => hello(&target.query),
            ("GET", Door::GetRequest) => info(&target.query),
            ("POST", Door::Cdata) => table(&target, &fixture.body),
            ("POST", Door::DeviceCmd) => results(&target.query, &fixture.body),
            ("POST", Door::Registry) => {
                let registration = Registration::parse(&fixture.body);
                format!(
                    "{:#?}\ndoors {:?}, wraps {}\n",
                    registration.pairs,
                    registration.doors(),
                    registration.wraps_commands()
                )
            }
            ("POST", Door::QueryData) => {
                let packet = Packet::read(&target.query);
                format!(
                    "{packet:#?}\n{:?}\nanswer {}\n",
                    read_count(&fixture.body),
                    packet.accepted(1)
                )
            }
            _ => String::new(),
        }
}

fn hello(query: &Query) -> String {
    let hello = Hello::read(query);
    let table = Table::of(query);
    format!(
        "{hello:#?}\nfamily {:?}, speaks {:?}, table {table:?}\n",
        hello.family(),
        hello.spoken_version()
    )
}

fn info(query: &Query) -> String {
    query
        .get("INFO")
        .map(|info| format!("{:#?}\n", Info::parse(info)))
        .unwrap_or_default()
}

fn table(target: &Target, body: &[u8]) -> String {
    let named = Table::of(&target.query);
    let mut answer = format!(
        "table {named:?}, stamp {:?}\n",
        upload::stamp(&target.query)
    );
    // Fixture B33 names no table in any way; its body is read as what it is.
    let table = named.unwrap_or(Table::Attlog);
    let upload = upload::parse(&table, body);
    describe(&mut answer, &table, &upload).expect("a String takes everything");
    answer
}

fn describe(answer: &mut String, table: &Table, upload: &Upload) -> std::fmt::Result {
    writeln!(answer, "answer {:?}", table.accepted(upload.lines))?;
    for row in &upload.rows {
        writeln!(answer, "{row:#?}")?;
        // What `Debug` does not show.
        match row {
            Row::AccessEvent(event) => writeln!(
                answer,
                "  punch {}, verify {}",
                event.is_punch(),
                event.verify_code()
            )?,
            Row::User(user) => writeln!(
                answer,
                "  password {:?}",
                user.password.as_ref().map(|secret| secret.expose())
            )?,
            Row::Template(template) => writeln!(answer, "  body {:?}", template.body.expose())?,
            Row::Picture(picture) => {
                let bytes = picture.bytes().map(|bytes| bytes.len());
                writeln!(
                    answer,
                    "  body {:?}, {bytes:?} bytes",
                    picture.body.expose()
                )?;
            }
            Row::PunchPhoto(photo) => writeln!(answer, "  jpeg {}", photo.jpeg.escape_ascii())?,
            Row::Failure(failure) => writeln!(
                answer,
                "  {:?}\n  {}",
                result::meaning(Family::Attendance, "DATA", failure.code),
                failure.raw.escape_ascii()
            )?,
            Row::Other { pairs, raw, .. } => {
                writeln!(answer, "  {pairs:?}\n  {}", raw.escape_ascii())?
            }
            Row::Operation(operation) => {
                let meaning = muster_protocol::operation::meaning(operation.code);
                writeln!(answer, "  {:?}", meaning.unwrap_or("?"))?;
            }
            Row::Punch(_) | Row::DoorState(_) | Row::Option { .. } => {}
        }
    }
    for bad in &upload.bad {
        writeln!(
            answer,
            "bad {}: {}",
            bad.reason.code(),
            bad.raw.escape_ascii()
        )?;
    }
    Ok(())
}

fn results(query: &Query, body: &[u8]) -> String {
    let describe = |result: &result::CommandResult| {
        let content = result
            .content
            .as_ref()
            .map(|content| content.escape_ascii().to_string());
        format!(
            "id {:?} code {:?} cmd {:?}\n{:#?}\ncontent {content:?}\n",
            result.id, result.code, result.cmd, result.pairs
        )
    };
    result::parse(query, body).iter().map(describe).collect()
}

fn reply(fixture: &Fixture<'_>) -> String {
    let text = String::from_utf8(fixture.body.clone()).expect("text");
    if text.starts_with("registry=") {
        let config = ConfigBlock::parse(&text).is_some();
        return format!(
            "{:#?}\nconfiguration {config}\n",
            RegistrationBlock::parse(&text)
        );
    }
    if text.starts_with("GET OPTION FROM") {
        return format!("{:#?}\n", OptionBlock::parse(&text));
    }
    // Acknowledgements of uploads: a terminal looks at the first two bytes only.
    assert!(
        text.split(" ; ").all(|answer| answer.starts_with("OK")),
        "{text}"
    );
    text
}

fn commands(fixture: &Fixture<'_>) -> String {
    let text = String::from_utf8(fixture.body.clone()).expect("text");
    let batch = read_batch(&text);
    let mut answer = format!("{} with an id\n", batch.len());
    let alone = batch.is_empty().then_some((String::new(), text));
    for (id, text) in batch.into_iter().chain(alone) {
        let command = Command::parse(&text);
        let written = command.as_ref().map(Command::encode);
        writeln!(
            answer,
            "{id}: {text:?}\n{command:#?}\nwritten again {written:?}"
        )
        .expect("a String takes everything");
    }
    answer
}

#[test]
fn handshakes_are_read() {
    check(include_str!("../fixtures/handshake.txt"), 12);
}

#[test]
fn attendance_records_are_read() {
    check(include_str!("../fixtures/attlog.txt"), 23);
}

#[test]
fn operations_users_and_pictures_are_read() {
    check(include_str!("../fixtures/operlog.txt"), 22);
}

#[test]
fn polls_and_results_are_read() {
    check(include_str!("../fixtures/results.txt"), 17);
}

#[test]
fn commands_are_read() {
    check(include_str!("../fixtures/commands.txt"), 23);
}

#[test]
fn access_terminals_are_read() {
    check(include_str!("../fixtures/access.txt"), 14);
}
