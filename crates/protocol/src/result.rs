//! What became of commands: the bodies of `devicecmd`, and what their codes mean.

use std::fmt;

use crate::handshake::Family;
use crate::target::Query;
use crate::text;

/// The result of one command. Values may be keys and passwords of the terminal: `Debug` shows only their names.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CommandResult {
    /// As it was sent; one that was never issued is to be ignored.
    pub id: String,
    /// `None` when it is missing or no number (fixture D15).
    pub code: Option<i32>,
    /// What the terminal calls the command; informative only.
    pub cmd: Option<String>,
    /// Everything else it said, without a leading `~` of the keys.
    pub pairs: Vec<(String, String)>,
    /// What follows `Content=`, opaque.
    pub content: Option<Vec<u8>>,
}

impl CommandResult {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    fn set(&mut self, key: &str, value: &str) {
        let key = key.trim().trim_start_matches('~');
        if key.eq_ignore_ascii_case("Return") && self.code.is_none() {
            self.code = value.trim().parse().ok();
        } else if key.eq_ignore_ascii_case("CMD") && self.cmd.is_none() {
            self.cmd = Some(value.trim().to_owned());
        } else if !key.is_empty() && self.pairs.len() < MOST_PAIRS {
            self.pairs.push((key.to_owned(), value.to_owned()));
        }
    }

    /// As a terminal writes it: one line, and a line for each pair.
    pub fn encode(&self) -> String {
        let mut body = format!("ID={}", self.id);
        if let Some(code) = self.code {
            body.push_str(&format!("&Return={code}"));
        }
        if let Some(cmd) = &self.cmd {
            body.push_str(&format!("&CMD={cmd}"));
        }
        body.push('\n');
        for (key, value) in &self.pairs {
            body.push_str(&format!("{key}={value}\n"));
        }
        body
    }
}

impl fmt::Debug for CommandResult {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&str> = self.pairs.iter().map(|(key, _)| key.as_str()).collect();
        out.debug_struct("CommandResult")
            .field("id", &self.id)
            .field("code", &self.code)
            .field("cmd", &self.cmd)
            .field("pairs", &keys)
            .field("content", &self.content.as_ref().map(Vec::len))
            .finish()
    }
}

/// Reads all results of a `devicecmd` request. Shapes: one line each; a line followed by `key=value` lines (INFO); a block
/// of lines (Shell); the query string with an empty body (fixture D24). Nothing is percent-decoded in a body.
pub fn parse(query: &Query, body: &[u8]) -> Vec<CommandResult> {
    let mut results: Vec<CommandResult> = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let end = rest
            .iter()
            .position(|&byte| byte == b'\n')
            .unwrap_or(rest.len());
        let raw = &rest[..end];
        if let (Some(open), true) = (results.last_mut(), starts_with(raw, b"Content=")) {
            open.content = Some(rest[b"Content=".len()..].to_vec());
            break;
        }
        rest = rest.get(end + 1..).unwrap_or_default();
        let line = text::decode(raw);
        read_line(line.trim_end_matches('\r'), &mut results);
    }
    if results.is_empty()
        && let Some(id) = query.filled("ID")
    {
        let mut result = CommandResult {
            id: id.to_owned(),
            ..CommandResult::default()
        };
        for (key, value) in query.iter() {
            if !["ID", "SN"]
                .iter()
                .any(|known| key.eq_ignore_ascii_case(known))
            {
                result.set(key, value);
            }
        }
        results.push(result);
    }
    results
}

/// A terminal has no more commands than a few replies hold.
const MOST_RESULTS: usize = 10_000;
/// An INFO block has about 290.
const MOST_PAIRS: usize = 10_000;

fn starts_with(line: &[u8], start: &[u8]) -> bool {
    line.len() >= start.len() && line[..start.len()].eq_ignore_ascii_case(start)
}

fn read_line(line: &str, results: &mut Vec<CommandResult>) {
    if starts_with(line.as_bytes(), b"ID=") {
        let mut parts = line["ID=".len()..].split('&');
        let mut result = CommandResult {
            id: parts.next().unwrap_or_default().trim().to_owned(),
            ..CommandResult::default()
        };
        for (key, value) in parts.filter_map(|part| part.split_once('=')) {
            result.set(key, value);
        }
        if results.len() < MOST_RESULTS {
            results.push(result);
        }
    } else if let (Some(open), Some((key, value))) = (results.last_mut(), line.split_once('=')) {
        open.set(key, value);
    }
}

/// Enrolments answer in positive codes what went wrong; for all others these are sizes and counts.
pub fn succeeded(verb: &str, code: i32) -> bool {
    if is_enrolment(verb) {
        code == 0
    } else {
        code >= 0
    }
}

fn is_enrolment(verb: &str) -> bool {
    verb.get(..7)
        .is_some_and(|start| start.eq_ignore_ascii_case("ENROLL_"))
}

/// What a code means, for people. Vendor papers 2011 to 2026 for attendance terminals, 2021 for access terminals.
pub fn meaning(family: Family, verb: &str, code: i32) -> &'static str {
    if is_enrolment(verb) && code > 0 {
        return enrolment_meaning(verb, code);
    }
    if code >= 0 {
        return "Done";
    }
    match family {
        Family::Attendance => attendance_meaning(code),
        Family::Access => access_meaning(code),
    }
}

fn enrolment_meaning(verb: &str, code: i32) -> &'static str {
    let card = verb.eq_ignore_ascii_case("ENROLL_MF");
    match code {
        2 => "Already enrolled",
        4 if card => "Too many attempts",
        4 => "Failed, or of poor quality",
        5 if card => "Timed out at the terminal",
        5 => "Already enrolled for somebody else",
        6 => "Cancelled at the terminal",
        7 => "Terminal is busy",
        _ => "Failed",
    }
}

fn attendance_meaning(code: i32) -> &'static str {
    match code {
        -1 => "Wrong parameter, or nothing there",
        -2 => "Size of the picture does not match, or not supported",
        -3 => "Reading or writing failed",
        -9 => "Size of the template does not match",
        -10 => "No such user on the terminal",
        -11 => "Format of the template is not valid",
        -12 => "Template is not valid",
        -22 => "Unknown command",
        -30 => "Version of the algorithm does not match",
        -1001 => "Terminal is full",
        -1002 => "Not supported",
        -1003 => "Timed out",
        -1004 => "Terminal does not have this feature",
        -1005 => "Terminal is busy",
        -1006 => "Too long",
        -1007 => "Terminal is out of memory",
        -1008 => "Could not be fetched from the server",
        _ => picture_meaning(code.cast_unsigned()),
    }
}

/// What terminals say of pictures they could make no template of ([`crate::upload::Failure`]; vendor paper 2026).
fn picture_meaning(code: u32) -> &'static str {
    match code {
        0xD01E_0001 => "No face in the picture",
        0xD01E_0002 => "The face is covered",
        0xD01E_0003 => "The picture is blurred",
        0xD01E_0004 => "The face is turned away",
        0xD01E_0005 => "Not taken for a living face",
        0xD01E_0006 => "No template could be made of the picture",
        _ => "Failed",
    }
}

fn access_meaning(code: i32) -> &'static str {
    match code {
        -13 => "Command is missing",
        -14 => "Communication password is wrong",
        -27 => "No such user on the terminal",
        -28 => "Door is already held open",
        -614 => "Alarm could not be cancelled",
        -615 => "Restart failed",
        -616 => "Door could not be held open",
        -629 => "Unknown table",
        -708 => "Not supported by the firmware",
        -709 => "Upload of options failed",
        -720 => "Upgrade failed",
        -721 => "Download failed",
        -722 => "Upload failed",
        -725 => "Timed out",
        -726 => "Server answered with an error",
        -730 => "No answer",
        -731 => "Server failed",
        -801 => "Wrong format of the command",
        -5000 => "Passed on to a sub-controller",
        // Newer access terminals also use the codes of attendance terminals.
        _ => attendance_meaning(code),
    }
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    /// The terminal was busy or slow.
    Later,
    /// It will fail the same way again.
    Never,
    /// The person must be on the terminal first.
    SendUserFirst,
    /// The terminal has no room; somebody must see to it.
    Full,
}

pub fn retry(verb: &str, code: i32) -> Retry {
    match code {
        7 if is_enrolment(verb) => Retry::Later,
        -1003 | -1005 | -1007 | -1008 | -725 | -726 | -730 | -731 => Retry::Later,
        -1001 => Retry::Full,
        -10 | -27 => Retry::SendUserFirst,
        _ => Retry::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(body: &[u8]) -> Vec<CommandResult> {
        parse(&Query::default(), body)
    }

    #[test]
    fn content_is_opaque() {
        let results =
            read(b"ID=32\r\nSN=1\r\nReturn=0\r\nCMD=Shell\r\nContent=ID=1&Return=0\n\0\xff");
        assert_eq!(results.len(), 1);
        assert_eq!(
            (
                results[0].code,
                results[0].cmd.as_deref(),
                results[0].get("sn")
            ),
            (Some(0), Some("Shell"), Some("1"))
        );
        assert_eq!(
            results[0].content.as_deref(),
            Some(&b"ID=1&Return=0\n\0\xff"[..])
        );
    }

    #[test]
    fn lines_before_any_id_belong_to_nobody() {
        assert_eq!(read(b"Return=0\nCMD=INFO\n"), []);
    }

    #[test]
    fn codes_are_judged_by_their_verb() {
        assert!(succeeded("DATA QUERY USERINFO", 3));
        assert!(!succeeded("ENROLL_FP", 6));
        assert!(!succeeded("CHECK", -1));
        assert_eq!(
            meaning(Family::Attendance, "ENROLL_FP", 5),
            "Already enrolled for somebody else"
        );
        assert_eq!(
            meaning(Family::Attendance, "ENROLL_MF", 5),
            "Timed out at the terminal"
        );
        assert_eq!(meaning(Family::Access, "DATA QUERY", -629), "Unknown table");
        assert_eq!(meaning(Family::Attendance, "CHECK", i32::MIN), "Failed");
        assert_eq!(retry("ENROLL_FP", 7), Retry::Later);
        assert_eq!(retry("DATA UPDATE FINGERTMP", -10), Retry::SendUserFirst);
        assert_eq!(retry("DATA UPDATE FINGERTMP", -30), Retry::Never);
    }

    #[test]
    fn values_are_not_shown() {
        let results = read(b"ID=4&Return=0&CMD=INFO\nCOMKey=4711\n");
        assert!(!format!("{results:?}").contains("4711"));
    }

    prop_compose! {
        fn result()(
            id in "[A-Za-z0-9]{1,16}",
            code in prop::option::of(any::<i32>()),
            cmd in prop::option::of("[A-Z][A-Z_ ]{0,10}[A-Z]"),
            pairs in prop::collection::vec(("k[A-Za-z]{1,8}", "[A-Za-z0-9 =/.:]{0,12}"), 0..4),
        ) -> CommandResult {
            CommandResult { id, code, cmd, pairs, content: None }
        }
    }

    proptest! {
        #[test]
        fn results_survive_the_wire(results in prop::collection::vec(result(), 0..5)) {
            let body: String = results.iter().map(CommandResult::encode).collect();
            prop_assert_eq!(read(body.as_bytes()), results);
        }

        #[test]
        fn no_result_panics(body: Vec<u8>, query: Vec<u8>) {
            parse(&Query::parse(&query), &body);
            parse(&Query::default(), &[b"ID=1\nContent=", &body[..]].concat());
        }

        #[test]
        fn every_code_has_a_meaning(code: i32) {
            for verb in ["ENROLL_BIO", "ENROLL_MF", "CHECK", ""] {
                for family in [Family::Attendance, Family::Access] {
                    prop_assert!(!meaning(family, verb, code).is_empty());
                }
                retry(verb, code);
            }
        }
    }
}
