//! What a terminal does with the server's commands: reads them as firmware does, carries them out on its memory, and
//! says what to answer.

use chrono::NaiveDateTime;
use muster_protocol::time;

use crate::memory::{Memory, Person, Punch, print_row};
use crate::model::{Generation, Model};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    pub id: String,
    pub text: String,
}

/// The commands of an answer to a poll. A line without `C:<id>:` is dropped without a word, and so is a last line without
/// LF: firmware does so.
pub(crate) fn read(body: &[u8]) -> Vec<Command> {
    let whole = match body.iter().rposition(|&byte| byte == b'\n') {
        Some(end) => &body[..end],
        None => return Vec::new(),
    };
    whole
        .split(|&byte| byte == b'\n')
        .filter_map(|line| {
            let line = String::from_utf8_lossy(line);
            let (id, text) = line
                .trim_end_matches('\r')
                .strip_prefix("C:")?
                .split_once(':')?;
            let valid = !id.is_empty()
                && id.len() <= 16
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
            valid.then(|| Command {
                id: id.to_owned(),
                text: text.to_owned(),
            })
        })
        .collect()
}

/// What an uploaded answer consists of; it precedes the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Upload {
    Punches(Vec<Punch>),
    /// Rows of table OPERLOG.
    Operations(Vec<String>),
    /// To `querydata`: type, table, rows.
    Query {
        kind: &'static str,
        table: String,
        rows: Vec<String>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Nothing,
    /// Reads its options anew.
    Handshake,
    /// Sends what is unsent.
    SendNow,
    Reboot,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub code: i64,
    /// What `CMD=` says.
    pub echo: String,
    /// What stands behind it.
    pub rest: String,
    pub upload: Option<Upload>,
    pub then: Then,
}

impl Outcome {
    fn code(code: i64, echo: &str) -> Outcome {
        Outcome {
            code,
            echo: echo.to_owned(),
            rest: String::new(),
            upload: None,
            then: Then::Nothing,
        }
    }

    /// The line of the result, without its line end.
    pub fn line(&self, id: &str) -> String {
        format!(
            "ID={id}&Return={}&CMD={}{}",
            self.code, self.echo, self.rest
        )
    }
}

const WRONG_PARAMETER: i64 = -1;
const WRONG_SIZE: i64 = -9;
const NO_SUCH_PERSON: i64 = -10;
const NOT_SUPPORTED: i64 = -1002;
const BUSY: i64 = -1005;
const NO_SUCH_TABLE: i64 = -1004;
const NOT_FETCHED: i64 = -1008;
/// Access terminals have codes of their own.
const ACCESS_NOT_SUPPORTED: i64 = -708;
const ACCESS_NO_SUCH_TABLE: i64 = -629;

/// Tables of the paper that the simulator takes and forgets.
const FORGOTTEN: [&str; 16] = [
    "USER_SMS",
    "WORKCODE",
    "ADPIC",
    "WALLPAPER",
    "SHORTCUTKEY",
    "ACCGROUP",
    "ACCTIMEZONE",
    "ACCHOLIDAY",
    "ACCUNLOCKCOMB",
    "TIMEZONE",
    "GLOCK",
    "USERAUTHORIZE",
    "HOLIDAY",
    "FIRSTCARD",
    "MULTIMCARD",
    "INOUTFUN",
];

/// The command's words before its first parameter: what it is called.
pub(crate) fn verb(text: &str) -> String {
    let words: Vec<&str> = text
        .split([' ', '\t'])
        .take_while(|word| !word.contains('='))
        .take(3)
        .collect();
    words.join(" ")
}

/// The answer when a terminal does not know the command.
pub(crate) fn unknown(text: &str) -> Outcome {
    Outcome::code(
        NOT_SUPPORTED,
        text.split([' ', '\t']).next().unwrap_or_default(),
    )
}

/// The answer of a terminal that has no time now.
pub(crate) fn busy(text: &str) -> Outcome {
    Outcome::code(BUSY, text.split([' ', '\t']).next().unwrap_or_default())
}

/// What a command meets at its terminal.
pub(crate) struct Bench<'a> {
    pub memory: &'a mut Memory,
    pub model: &'static Model,
    pub now: NaiveDateTime,
    /// A template of a finger or face that is enrolled now.
    pub template: &'a mut dyn FnMut() -> String,
}

impl Bench<'_> {
    pub fn execute(&mut self, text: &str) -> Outcome {
        let access = self.model.generation == Generation::Access;
        let (first, rest) = cut(text);
        let (second, rest_of_second) = cut(rest);
        let (first, second) = (first.to_ascii_uppercase(), second.to_ascii_uppercase());
        match (first.as_str(), second.as_str()) {
            ("DATA", verb) if access => self.access_table(verb, rest_of_second),
            ("SET", "OPTIONS") if access => self.set_options(rest_of_second),
            ("GET", "OPTIONS") if access => self.get_options(rest_of_second),
            ("CONTROL", "DEVICE") if access => Outcome {
                then: if rest_of_second.starts_with("03") {
                    Then::Reboot
                } else {
                    Then::Nothing
                },
                ..Outcome::code(0, "CONTROL DEVICE")
            },
            ("INFO", "") => self.describe(),
            ("CHECK", "") => Outcome {
                then: Then::Handshake,
                ..Outcome::code(0, "CHECK")
            },
            ("LOG", "") => Outcome {
                then: Then::SendNow,
                ..Outcome::code(0, "LOG")
            },
            ("REBOOT", "") => Outcome {
                then: Then::Reboot,
                ..Outcome::code(0, "REBOOT")
            },
            ("RELOAD", "OPTIONS") => Outcome {
                then: Then::Handshake,
                ..Outcome::code(0, "RELOAD OPTIONS")
            },
            ("RELOAD", "DATA") => Outcome::code(0, "RELOAD DATA"),
            _ if access => Outcome::code(ACCESS_NOT_SUPPORTED, &first),
            ("SET", "OPTION") => self.set_option(rest_of_second),
            ("GET", "OPTION") => self.get_option(rest_of_second),
            ("DATA", verb) => self.table(verb, rest_of_second),
            ("VERIFY", "SUM") => self.verify_sum(rest_of_second),
            ("CLEAR", what) => self.clear(what),
            ("ENROLL_FP" | "ENROLL_BIO", _) => self.enrol(&first, rest),
            ("AC_UNLOCK" | "AC_UNALARM", "") => Outcome::code(0, &first),
            _ => unknown(text),
        }
    }

    fn describe(&self) -> Outcome {
        let counters = self.memory.counters();
        let mut rest = String::new();
        for (key, value) in &self.memory.options {
            rest.push_str(&format!("\n{key}={value}"));
        }
        rest.push_str(&format!(
            "\nUserCount={}\nFPCount={}\nFaceCount={}\nTransactionCount={}",
            counters.people, counters.prints, counters.faces, counters.punches
        ));
        Outcome {
            rest,
            ..Outcome::code(0, "INFO")
        }
    }

    fn set_option(&mut self, pair: &str) -> Outcome {
        let code = match pair.split_once('=') {
            Some((key, value)) if !key.is_empty() && !key.starts_with('~') => {
                self.memory.options.insert(key.to_owned(), value.to_owned());
                0
            }
            _ => WRONG_PARAMETER,
        };
        Outcome::code(code, "SET OPTION")
    }

    fn get_option(&self, rest: &str) -> Outcome {
        let key = rest.strip_prefix("FROM ").unwrap_or(rest).trim();
        match self.memory.options.get(key) {
            Some(value) => Outcome {
                rest: format!("\n{key}={value}"),
                ..Outcome::code(0, "GET OPTION")
            },
            None => Outcome::code(NO_SUCH_TABLE, "GET OPTION"),
        }
    }

    fn clear(&mut self, what: &str) -> Outcome {
        match what {
            "LOG" => self.memory.clear_log(),
            "PHOTO" => {}
            "DATA" => {
                self.memory.clear_log();
                self.memory.people.clear();
                self.memory.messages.clear();
            }
            "ALL" => self.memory.people.clear(),
            "BIODATA" => self.memory.people.values_mut().for_each(|person| {
                *person = Person {
                    columns: std::mem::take(&mut person.columns),
                    ..Person::default()
                };
            }),
            _ => return Outcome::code(NOT_SUPPORTED, "CLEAR"),
        }
        Outcome::code(0, &format!("CLEAR_{what}"))
    }

    fn enrol(&mut self, verb: &str, rest: &str) -> Outcome {
        let columns = Columns::read(rest);
        let (Some(pin), now) = (columns.get("PIN"), self.now) else {
            return Outcome::code(WRONG_PARAMETER, verb);
        };
        let Some(person) = self.memory.people.get_mut(pin) else {
            return Outcome::code(NO_SUCH_PERSON, verb);
        };
        let template = (self.template)();
        let local = time::format_local(now);
        let rows = if verb == "ENROLL_FP" {
            let finger = columns.get("FID").unwrap_or("0");
            person.prints.insert(finger.to_owned(), template.clone());
            vec![
                format!(
                    "OPLOG 6\t0\t{local}\t{pin}\t{finger}\t0\t{}",
                    template.len()
                ),
                print_row(pin, finger, &template),
            ]
        } else {
            let kind = columns.get("TYPE").unwrap_or("9");
            let rest = format!(
                "No=0\tIndex=0\tValid=1\tDuress=0\tType={kind}\tMajorVer=39\tMinorVer=3\tFormat=0\tTmp={template}"
            );
            let row = format!("BIODATA Pin={pin}\t{rest}");
            person.bio.insert((kind.to_owned(), "0".to_owned()), rest);
            vec![format!("OPLOG 101\t0\t{local}\t{pin}\t0\t0\t0"), row]
        };
        Outcome {
            upload: Some(Upload::Operations(rows)),
            ..Outcome::code(0, verb)
        }
    }

    fn verify_sum(&self, rest: &str) -> Outcome {
        let columns = Columns::read(cut(rest).1);
        let period = columns.period();
        let (Some((start, end)), true) = (period, cut(rest).0 == "ATTLOG") else {
            return Outcome::code(WRONG_PARAMETER, "VERIFY SUM");
        };
        let sum = self.memory.between(start, end).count();
        let (start, end) = (time::format_local(start), time::format_local(end));
        let rest = format!("&StartTime={start}&EndTime={end}&AttlogSum={sum}");
        Outcome {
            rest,
            ..Outcome::code(0, "VERIFY SUM")
        }
    }

    fn table(&mut self, verb: &str, rest: &str) -> Outcome {
        let (table, rest) = cut(rest);
        let table = table.to_ascii_uppercase();
        let columns = Columns::read(rest);
        match verb {
            "UPDATE" => Outcome::code(self.update(&table, &columns), "DATA"),
            "DELETE" => Outcome::code(self.delete(&table, &columns), "DATA"),
            "QUERY" => self.query(&table, &columns),
            // Firmware of 2008.
            "USER" => Outcome::code(
                self.update("USERINFO", &Columns::read(&format!("{table}\t{rest}"))),
                "DATA",
            ),
            "DEL_USER" => Outcome::code(self.delete("USERINFO", &Columns::read(&table)), "DATA"),
            _ => Outcome::code(NOT_SUPPORTED, "DATA"),
        }
    }

    fn update(&mut self, table: &str, columns: &Columns) -> i64 {
        if FORGOTTEN.contains(&table) {
            return 0;
        }
        if table == "SMS" {
            let Some(number) = columns.get("UID") else {
                return WRONG_PARAMETER;
            };
            self.memory.messages.insert(
                number.to_owned(),
                columns.get("MSG").unwrap_or_default().to_owned(),
            );
            return 0;
        }
        let Some(pin) = columns.get("PIN").filter(|pin| !pin.is_empty()) else {
            return WRONG_PARAMETER;
        };
        if table == "USERINFO" || table == "USER" {
            let person = self.memory.people.entry(pin.to_owned()).or_default();
            for (key, value) in columns.pairs() {
                person
                    .columns
                    .insert((*key).to_owned(), (*value).to_owned());
            }
            return 0;
        }
        if matches!(table, "BIODATA" | "BIOPHOTO") && !self.takes_bio() {
            return NO_SUCH_TABLE;
        }
        let Some(person) = self.memory.people.get_mut(pin) else {
            return NO_SUCH_PERSON;
        };
        let number = columns
            .get("FID")
            .or(columns.get("No"))
            .unwrap_or("0")
            .to_owned();
        let content = columns
            .get("TMP")
            .or(columns.get("Content"))
            .unwrap_or_default()
            .to_owned();
        match table {
            _ if columns.get("Format") == Some("1") && columns.get("Url").is_some() => {
                return NOT_FETCHED;
            }
            _ if content.is_empty() => return WRONG_PARAMETER,
            "FINGERTMP" | "TEMPLATEV10" if !columns.size_fits(&content) => return WRONG_SIZE,
            "FINGERTMP" | "TEMPLATEV10" => person.prints.insert(number, content),
            "FACE" => person.faces.insert(number, content),
            "FVEIN" | "BIODATA" => {
                let kind = columns.get("Type").unwrap_or("7").to_owned();
                person.bio.insert((kind, number), columns.without_pin())
            }
            "BIOPHOTO" => person.photo.replace(content),
            "USERPIC" => person.picture.replace(content),
            _ => return NO_SUCH_TABLE,
        };
        0
    }

    fn delete(&mut self, table: &str, columns: &Columns) -> i64 {
        if FORGOTTEN.contains(&table) {
            return 0;
        }
        if table == "SMS" {
            return match columns.get("UID") {
                Some(number) => {
                    self.memory.messages.remove(number);
                    0
                }
                None => WRONG_PARAMETER,
            };
        }
        let Some(pin) = columns.get("PIN") else {
            return WRONG_PARAMETER;
        };
        if table == "USERINFO" || table == "USER" {
            self.memory.people.remove(pin);
            return 0;
        }
        if matches!(table, "BIODATA" | "BIOPHOTO") && !self.takes_bio() {
            return NO_SUCH_TABLE;
        }
        let Some(person) = self.memory.people.get_mut(pin) else {
            return NO_SUCH_PERSON;
        };
        let only = |name: &str, found: &str| columns.get(name).is_none_or(|wanted| wanted == found);
        match table {
            "FINGERTMP" | "TEMPLATEV10" => person.prints.retain(|finger, _| !only("FID", finger)),
            "FACE" => person.faces.clear(),
            "FVEIN" => person
                .bio
                .retain(|(kind, number), _| kind != "7" || !only("FID", number)),
            "BIODATA" => person
                .bio
                .retain(|(kind, number), _| !(only("Type", kind) && only("No", number))),
            "BIOPHOTO" => person.photo = None,
            "USERPIC" => person.picture = None,
            _ => return NO_SUCH_TABLE,
        }
        0
    }

    fn query(&self, table: &str, columns: &Columns) -> Outcome {
        let done = |upload| Outcome {
            upload: Some(upload),
            ..Outcome::code(0, "DATA")
        };
        let rows = |wanted: &[&str]| -> Vec<String> {
            let pins: Vec<&str> = match columns.get("PIN") {
                Some(pin) => vec![pin],
                None => self.memory.people.keys().map(String::as_str).collect(),
            };
            let all = pins
                .into_iter()
                .flat_map(|pin| self.memory.person_rows(pin));
            all.filter(|row| wanted.contains(&row.split(' ').next().unwrap_or_default()))
                .collect()
        };
        match table {
            "ATTLOG" => match columns.period() {
                Some((start, end)) => done(Upload::Punches(
                    self.memory.between(start, end).cloned().collect(),
                )),
                None => Outcome::code(WRONG_PARAMETER, "DATA"),
            },
            "USERINFO" if self.takes_bio() => {
                done(Upload::Operations(rows(&["USER", "BIODATA", "BIOPHOTO"])))
            }
            "USERINFO" => done(Upload::Operations(rows(&["USER"]))),
            "FINGERTMP" => done(Upload::Operations(rows(&["FP"]))),
            "FACE" => done(Upload::Operations(rows(&["FACE"]))),
            "BIODATA" if self.takes_bio() => done(Upload::Operations(rows(&["BIODATA"]))),
            "USERPIC" => done(Upload::Operations(rows(&["USERPIC"]))),
            "ATTPHOTO" => Outcome::code(0, "DATA"),
            _ => Outcome::code(NO_SUCH_TABLE, "DATA"),
        }
    }

    fn takes_bio(&self) -> bool {
        matches!(
            self.model.generation,
            Generation::Third | Generation::Access
        )
    }

    fn access_table(&mut self, verb: &str, rest: &str) -> Outcome {
        let echo = format!("DATA {verb}");
        if verb == "QUERY" {
            let table = rest
                .split(',')
                .find_map(|part| part.trim().strip_prefix("tablename="))
                .unwrap_or_default();
            let Some(rows) = self.access_rows(table) else {
                return Outcome::code(ACCESS_NO_SUCH_TABLE, &echo);
            };
            let code = rows.len() as i64;
            let upload = Upload::Query {
                kind: "tabledata",
                table: table.to_owned(),
                rows,
            };
            return Outcome {
                upload: Some(upload),
                ..Outcome::code(code, &echo)
            };
        }
        let (table, rest) = cut(rest);
        let columns = Columns::read(rest);
        let code = match verb {
            "COUNT" => {
                let Some(rows) = self.access_rows(table) else {
                    return Outcome::code(ACCESS_NO_SUCH_TABLE, &echo);
                };
                let rest = vec![format!("{table}={}", rows.len())];
                let upload = Upload::Query {
                    kind: "count",
                    table: table.to_owned(),
                    rows: rest,
                };
                return Outcome {
                    upload: Some(upload),
                    ..Outcome::code(rows.len() as i64, &echo)
                };
            }
            "UPDATE" => self.update(&table.to_ascii_uppercase(), &columns),
            "DELETE" if table.eq_ignore_ascii_case("transaction") => {
                self.memory.clear_log();
                0
            }
            "DELETE" if rest == "*" && table.eq_ignore_ascii_case("user") => {
                self.memory.people.clear();
                0
            }
            "DELETE" => self.delete(&table.to_ascii_uppercase(), &columns),
            _ => ACCESS_NOT_SUPPORTED,
        };
        Outcome::code(
            if code == NO_SUCH_TABLE {
                ACCESS_NO_SUCH_TABLE
            } else {
                code
            },
            &echo,
        )
    }

    fn access_rows(&self, table: &str) -> Option<Vec<String>> {
        match table.to_ascii_lowercase().as_str() {
            "user" => Some(self.memory.people.iter().enumerate().map(|(at, (pin, person))| access_user(at, pin, person)).collect()),
            "transaction" => Some(self.memory.between(NaiveDateTime::MIN, NaiveDateTime::MAX).enumerate().map(|(at, punch)| {
                format!(
                    "transaction cardno=0\tpin={}\tverified={}\tdoorid=1\teventtype=0\tinoutstate={}\ttime_second={}\tindex={}",
                    punch.pin, punch.verify, punch.status, time::pack(punch.local), at + 1
                )
            })
            .collect()),
            "templatev10" | "biodata" | "biophoto" | "userauthorize" => Some(Vec::new()),
            _ => None,
        }
    }

    fn set_options(&mut self, rest: &str) -> Outcome {
        for (key, value) in rest.split(',').filter_map(|pair| pair.split_once('=')) {
            self.memory
                .options
                .insert(key.trim().to_owned(), value.to_owned());
        }
        Outcome::code(0, "SET OPTIONS")
    }

    fn get_options(&self, rest: &str) -> Outcome {
        let value = |key: &str| {
            self.memory
                .options
                .get(key)
                .map(String::as_str)
                .unwrap_or_default()
        };
        let pairs: Vec<String> = rest
            .split(',')
            .map(str::trim)
            .map(|key| format!("{key}={}", value(key)))
            .collect();
        let upload = Upload::Query {
            kind: "options",
            table: "options".to_owned(),
            rows: vec![pairs.join(",")],
        };
        Outcome {
            upload: Some(upload),
            ..Outcome::code(0, "GET OPTIONS")
        }
    }
}

/// A row of table `user` as access terminals have it.
pub(crate) fn access_user(at: usize, pin: &str, person: &Person) -> String {
    let column = |name: &str, otherwise: &'static str| {
        let found = person
            .columns
            .iter()
            .find(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_empty());
        found
            .map_or(otherwise, |(_, value)| value.as_str())
            .to_owned()
    };
    format!(
        "user uid={}\tcardno={}\tpin={pin}\tpassword={}\tgroup={}\tstarttime=0\tendtime=0\tname={}\tprivilege={}\tdisable=0\tverify=0",
        at + 1,
        column("CardNo", ""),
        column("Password", ""),
        column("Group", "0"),
        column("Name", ""),
        column("Privilege", "0"),
    )
}

/// First word, and what stands behind the blank.
fn cut(text: &str) -> (&str, &str) {
    text.split_once(' ').unwrap_or((text, ""))
}

/// `Key=Value` fields between TABs. Keys compare without case.
struct Columns<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Columns<'a> {
    fn read(text: &'a str) -> Columns<'a> {
        Columns(
            text.split('\t')
                .filter_map(|field| field.split_once('='))
                .collect(),
        )
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.0
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }

    fn pairs(&self) -> impl Iterator<Item = &(&'a str, &'a str)> {
        self.0
            .iter()
            .filter(|(key, _)| !key.eq_ignore_ascii_case("PIN"))
    }

    fn without_pin(&self) -> String {
        self.pairs()
            .map(|(key, value)| format!("{key}={value}"))
            .collect::<Vec<_>>()
            .join("\t")
    }

    fn period(&self) -> Option<(NaiveDateTime, NaiveDateTime)> {
        Some((
            time::parse_local(self.get("StartTime")?)?,
            time::parse_local(self.get("EndTime")?)?,
        ))
    }

    /// `Size` is the length of the text or, in older papers, of what it stands for. Absent, it fits.
    fn size_fits(&self, content: &str) -> bool {
        let decoded = content.trim_end_matches('=').len() * 3 / 4;
        self.get("Size").is_none_or(|size| {
            size.parse()
                .is_ok_and(|size: usize| size == content.len() || size == decoded)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{F20, ICLOCK_990, SPEED_FACE};

    fn at(text: &str) -> NaiveDateTime {
        time::parse_local(text).expect("the test's own time")
    }

    fn execute(memory: &mut Memory, model: &'static Model, text: &str) -> Outcome {
        Bench {
            memory,
            model,
            now: at("2026-03-02 09:00:00"),
            template: &mut || "QUJD".into(),
        }
        .execute(text)
    }

    fn lines(model: &'static Model, commands: &[&str]) -> Vec<String> {
        let mut memory = Memory::default();
        commands
            .iter()
            .map(|text| execute(&mut memory, model, text).line("1"))
            .collect()
    }

    #[test]
    fn commands_without_prefix_or_line_end_are_dropped() {
        let found = read(b"C:1:INFO\nDATA QUERY USERINFO PIN=9001\nC:2:CHECK\r\nC:3:REBOOT");
        let texts: Vec<_> = found
            .iter()
            .map(|command| (command.id.as_str(), command.text.as_str()))
            .collect();
        assert_eq!(texts, [("1", "INFO"), ("2", "CHECK")]);
        assert!(read(b"OK").is_empty());
    }

    #[test]
    fn a_command_is_called_by_its_words_without_parameters() {
        assert_eq!(
            verb("DATA UPDATE USERINFO PIN=1\tName=a b"),
            "DATA UPDATE USERINFO"
        );
        assert_eq!(verb("SET OPTION Delay=5"), "SET OPTION");
        assert_eq!(verb("DATA QUERY tablename=user,fielddesc=*"), "DATA QUERY");
        assert_eq!(verb("REBOOT"), "REBOOT");
    }

    #[test]
    fn people_are_updated_sparsely_and_deleted_with_all_they_have() {
        let mut memory = Memory::default();
        for text in [
            "DATA UPDATE USERINFO PIN=5_4968\tName=Ana María\tPri=0\tCard=",
            "DATA UPDATE USERINFO PIN=5_4968\tCard=123",
            "DATA UPDATE FINGERTMP PIN=5_4968\tFID=3\tSize=4\tValid=1\tTMP=QUJD",
            "DATA UPDATE BIODATA Pin=5_4968\tNo=0\tIndex=0\tValid=1\tType=9\tMajorVer=39\tTmp=QUJD",
        ] {
            assert_eq!(
                execute(&mut memory, &SPEED_FACE, text).line("7"),
                "ID=7&Return=0&CMD=DATA",
                "{text}"
            );
        }
        let counters = memory.counters();
        assert_eq!(
            (
                counters.people,
                counters.prints,
                counters.faces,
                counters.cards
            ),
            (1, 1, 1, 1)
        );
        let Some(Upload::Operations(rows)) =
            execute(&mut memory, &SPEED_FACE, "DATA QUERY USERINFO PIN=5_4968").upload
        else {
            panic!("a query uploads");
        };
        assert_eq!(rows.len(), 2);
        assert!(
            rows[0]
                .starts_with("USER PIN=5_4968\tName=Ana María\tPri=0\tPasswd=\tCard=123\tGrp=1\t"),
            "{}",
            rows[0]
        );
        assert!(
            rows[1].starts_with("BIODATA Pin=5_4968\tNo=0\t"),
            "{}",
            rows[1]
        );
        execute(&mut memory, &SPEED_FACE, "DATA DELETE USERINFO PIN=5_4968");
        assert!(memory.people.is_empty());
    }

    #[test]
    fn what_cannot_be_done_has_its_code() {
        let refused = lines(
            &SPEED_FACE,
            &[
                "USER ADD PIN=1003",
                "DATA DEL USERINFO PIN=1",
                "DATA UPDATE FINGERTMP PIN=77\tFID=0\tTMP=QUJD",
                "DATA UPDATE NOSUCH PIN=1",
                "SET OPTION ~DeviceName=x",
                "DATA QUERY ATTLOG",
                "SHELL ls",
            ],
        );
        assert_eq!(
            refused,
            [
                "ID=1&Return=-1002&CMD=USER",
                "ID=1&Return=-1002&CMD=DATA",
                "ID=1&Return=-10&CMD=DATA",
                "ID=1&Return=-10&CMD=DATA",
                "ID=1&Return=-1&CMD=SET OPTION",
                "ID=1&Return=-1&CMD=DATA",
                "ID=1&Return=-1002&CMD=SHELL",
            ]
        );
        assert_eq!(
            lines(
                &ICLOCK_990,
                &[
                    "DATA UPDATE USERINFO PIN=1",
                    "DATA UPDATE BIODATA Pin=1\tType=9\tTmp=QUJD"
                ]
            )[1],
            "ID=1&Return=-1004&CMD=DATA"
        );
    }

    #[test]
    fn a_period_is_counted_and_uploaded_with_both_its_ends() {
        let mut memory = Memory::default();
        for second in ["08:00:00", "08:00:01", "09:00:00"] {
            let local = at(&format!("2026-03-02 {second}"));
            memory.keep(Punch {
                pin: "1".into(),
                local,
                status: 0,
                verify: 1,
            });
        }
        let period = "StartTime=2026-03-02 08:00:00\tEndTime=2026-03-02 08:00:01";
        assert_eq!(
            execute(
                &mut memory,
                &SPEED_FACE,
                &format!("VERIFY SUM ATTLOG {period}")
            )
            .line("9"),
            "ID=9&Return=0&CMD=VERIFY SUM&StartTime=2026-03-02 08:00:00&EndTime=2026-03-02 08:00:01&AttlogSum=2"
        );
        let outcome = execute(
            &mut memory,
            &SPEED_FACE,
            &format!("DATA QUERY ATTLOG {period}"),
        );
        assert!(matches!(outcome.upload, Some(Upload::Punches(punches)) if punches.len() == 2));
        assert_eq!(
            execute(&mut memory, &SPEED_FACE, "CLEAR LOG").line("9"),
            "ID=9&Return=0&CMD=CLEAR_LOG"
        );
        assert_eq!(memory.counters().punches, 0);
    }

    #[test]
    fn info_lists_options_behind_its_result() {
        let mut memory = Memory::default();
        memory.options.insert("~DeviceName".into(), "MB160".into());
        assert_eq!(
            execute(&mut memory, &SPEED_FACE, "INFO").line("4"),
            "ID=4&Return=0&CMD=INFO\n~DeviceName=MB160\nUserCount=0\nFPCount=0\nFaceCount=0\nTransactionCount=0"
        );
    }

    #[test]
    fn an_access_terminal_has_verbs_of_its_own() {
        let mut memory = Memory::default();
        memory.options.insert("LockCount".into(), "1".into());
        execute(
            &mut memory,
            &F20,
            "DATA UPDATE user CardNo=\tPin=1\tPassword=234\tGroup=0\tName=Ana\tPrivilege=0",
        );
        let queried = execute(
            &mut memory,
            &F20,
            "DATA QUERY tablename=user,fielddesc=*,filter=*",
        );
        assert_eq!(queried.line("415"), "ID=415&Return=1&CMD=DATA QUERY");
        let Some(Upload::Query {
            kind: "tabledata",
            table,
            rows,
        }) = queried.upload
        else {
            panic!("a query uploads")
        };
        assert_eq!(table, "user");
        assert!(
            rows[0].starts_with("user uid=1\tcardno=\tpin=1\tpassword=234\t"),
            "{}",
            rows[0]
        );
        let counted = execute(&mut memory, &F20, "DATA COUNT user");
        assert_eq!(
            counted.upload,
            Some(Upload::Query {
                kind: "count",
                table: "user".into(),
                rows: vec!["user=1".into()]
            })
        );
        assert_eq!(
            execute(&mut memory, &F20, "AC_UNLOCK").code,
            ACCESS_NOT_SUPPORTED
        );
        assert_eq!(
            execute(&mut memory, &F20, "CONTROL DEVICE 03000000").then,
            Then::Reboot
        );
    }
}
