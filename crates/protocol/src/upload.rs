//! What a terminal uploads: the table it names and the rows in the body.
//! A body never fails as a whole: what cannot be read is returned beside what can, since a refused batch is sent for ever.

use std::fmt;

pub use crate::event::{AccessEvent, DoorState};
pub use crate::operation::Operation;
pub use crate::person::{Picture, PictureKind, Template, TemplateSource, User};
pub use crate::photo::PunchPhoto;
pub use crate::punch::Punch;
use crate::rows::{self, Pairs};
pub use crate::secret::Secret;
use crate::target::Query;
use crate::{event, person, photo, punch, text};

/// The table an upload belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Table {
    Attlog,
    Operlog,
    Biodata,
    Attphoto,
    Userinfo,
    Userpic,
    Biophoto,
    Fingertmp,
    Face,
    Fvein,
    Options,
    Idcard,
    Errorlog,
    Workcode,
    Rtlog,
    Rtstate,
    /// Of access terminals, with its `tablename` as spelled.
    Tabledata(String),
    Transaction,
    /// A picture of a finger (2008), a BMP file.
    FingerImage,
    /// A table nobody has heard of, as spelled. Its body is kept and acknowledged.
    Other(String),
}

impl Table {
    /// By `table=`; without it by the stamp that comes along, as 1.x firmware does. `None`: the request is no upload of a
    /// table (remote attendance, background verification).
    pub fn of(query: &Query) -> Option<Table> {
        let Some(name) = query.filled("table") else {
            return Table::without_name(query);
        };
        Some(match name.to_ascii_lowercase().as_str() {
            "attlog" => Table::Attlog,
            "operlog" => Table::Operlog,
            "biodata" => Table::Biodata,
            "attphoto" => Table::Attphoto,
            "userinfo" | "user" => Table::Userinfo,
            "userpic" => Table::Userpic,
            "biophoto" => Table::Biophoto,
            "fingertmp" | "fp" => Table::Fingertmp,
            "face" => Table::Face,
            "fvein" => Table::Fvein,
            "options" => Table::Options,
            "idcard" => Table::Idcard,
            "errorlog" => Table::Errorlog,
            "workcode" => Table::Workcode,
            "rtlog" => Table::Rtlog,
            "rtstate" => Table::Rtstate,
            "tabledata" => {
                Table::Tabledata(query.filled("tablename").unwrap_or_default().to_owned())
            }
            "transaction" => Table::Transaction,
            _ => Table::Other(name.to_owned()),
        })
    }

    /// Fixtures B05, B06 (2008, 2009): only the stamp's name tells the table.
    fn without_name(query: &Query) -> Option<Table> {
        if query.has("FPImage") {
            Some(Table::FingerImage)
        } else if query.has("OpStamp") {
            Some(Table::Operlog)
        } else if query.has("PhotoStamp") {
            Some(Table::Attphoto)
        } else if query.has("Stamp")
            || query
                .filled("c")
                .is_some_and(|c| c.eq_ignore_ascii_case("log"))
        {
            Some(Table::Attlog)
        } else {
            None
        }
    }

    /// As terminals spell it; for `Tabledata` the name behind it.
    pub fn name(&self) -> &str {
        match self {
            Table::Attlog => "ATTLOG",
            Table::Operlog => "OPERLOG",
            Table::Biodata => "BIODATA",
            Table::Attphoto => "ATTPHOTO",
            Table::Userinfo => "USERINFO",
            Table::Userpic => "USERPIC",
            Table::Biophoto => "BIOPHOTO",
            Table::Fingertmp => "FINGERTMP",
            Table::Face => "FACE",
            Table::Fvein => "FVEIN",
            Table::Options => "options",
            Table::Idcard => "IDCARD",
            Table::Errorlog => "ERRORLOG",
            Table::Workcode => "WORKCODE",
            Table::Rtlog => "rtlog",
            Table::Rtstate => "rtstate",
            Table::Tabledata(name) | Table::Other(name) => name,
            Table::Transaction => "transaction",
            Table::FingerImage => "FPIMAGE",
        }
    }

    /// Under which name the terminal's progress in this table is kept; `None` for tables without.
    pub fn stamp_name(&self) -> Option<&'static str> {
        match self {
            Table::Attlog => Some("ATTLOG"),
            Table::Operlog => Some("OPERLOG"),
            Table::Attphoto => Some("ATTPHOTO"),
            Table::Biodata => Some("BIODATA"),
            _ => None,
        }
    }

    /// Answered `OK: n` rather than `OK`.
    pub fn counted(&self) -> bool {
        match self {
            Table::Attlog
            | Table::Operlog
            | Table::Biodata
            | Table::Userinfo
            | Table::Userpic
            | Table::Biophoto
            | Table::Fingertmp
            | Table::Face
            | Table::Fvein
            | Table::Idcard
            | Table::Errorlog
            | Table::Workcode => true,
            Table::Attphoto
            | Table::Options
            | Table::Rtlog
            | Table::Rtstate
            | Table::Tabledata(_)
            | Table::Transaction
            | Table::FingerImage
            | Table::Other(_) => false,
        }
    }

    /// What acknowledges `lines` rows of this table. After it the terminal forgets them. Of `Tabledata` the terminal
    /// may have counted itself: [`crate::access::Packet::accepted`].
    pub fn accepted(&self, lines: usize) -> String {
        match self {
            Table::Tabledata(name) => crate::access::table_accepted(name, lines),
            _ if self.counted() => format!("OK: {lines}"),
            _ => "OK".to_owned(),
        }
    }
}

/// The mark an upload carries (`Stamp`, `OpStamp`, `PhotoStamp` or `XXXStamp`); to be given back at the next handshake.
pub fn stamp(query: &Query) -> Option<&str> {
    [
        "Stamp",
        "OpStamp",
        "PhotoStamp",
        "ATTLOGStamp",
        "OPERLOGStamp",
        "ATTPHOTOStamp",
        "BIODATAStamp",
    ]
    .iter()
    .find_map(|name| query.filled(name))
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Upload {
    /// Rows received, good or not.
    pub lines: usize,
    pub rows: Vec<Row>,
    /// What could not be read. After [`Upload::MOST_BAD`] the following ones are joined in the last, by LF.
    pub bad: Vec<BadLine>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct BadLine {
    pub raw: Vec<u8>,
    pub reason: BadReason,
}

impl fmt::Debug for BadLine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "BadLine({:?}, {})",
            self.reason,
            self.raw.escape_ascii()
        )
    }
}

/// Why a row could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadReason {
    #[error("the row has too few fields")]
    TooFewFields,
    #[error("the row names nobody")]
    MissingPin,
    #[error("the number of the person is longer than 24 characters or holds what cannot be shown")]
    Pin,
    #[error("the row has no time that can be read")]
    Time,
    #[error("the row has no code that can be read")]
    Code,
    #[error("the row has no template or picture")]
    MissingBody,
    #[error("the body holds no JPEG picture")]
    NoPicture,
    #[error("the body has more rows than a terminal ever sends at once")]
    TooMany,
    #[error("the line is neither an option nor a row")]
    Shape,
    #[error("the archive is damaged from here on")]
    Damaged,
}

impl BadReason {
    /// Short name for storage and filters.
    pub fn code(self) -> &'static str {
        match self {
            BadReason::TooFewFields => "too_few_fields",
            BadReason::MissingPin => "missing_pin",
            BadReason::Pin => "bad_pin",
            BadReason::Time => "bad_time",
            BadReason::Code => "bad_code",
            BadReason::MissingBody => "missing_body",
            BadReason::NoPicture => "no_picture",
            BadReason::TooMany => "too_many",
            BadReason::Shape => "bad_shape",
            BadReason::Damaged => "damaged",
        }
    }
}

/// A command came to nothing, whatever its result says: no face was found in a picture (vendor paper 2026).
#[derive(Clone, PartialEq, Eq)]
pub struct Failure {
    /// The number of the command.
    pub id: String,
    /// As the terminal has it, in hexadecimal: `D01E0003`.
    pub error: String,
    /// What [`crate::result::meaning`] knows it by.
    pub code: i32,
    pub raw: Vec<u8>,
}

impl Failure {
    /// `None` of errors that are no command's, and of what is no error.
    fn read(pairs: &Pairs, line: &[u8]) -> Option<Failure> {
        let is_of_command = pairs.filled(&["DataOrigin"])?.eq_ignore_ascii_case("cmd");
        let id = pairs.filled(&["CmdId"])?;
        let error = pairs.filled(&["ErrCode"])?;
        let code = u32::from_str_radix(error, 16).ok()?.cast_signed();
        (is_of_command && code < 0).then(|| Failure {
            id: id.to_owned(),
            error: error.to_owned(),
            code,
            raw: line.to_vec(),
        })
    }
}

/// What was wrong with a picture is not shown: it may hold the picture.
impl fmt::Debug for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { id, error, raw, .. } = self;
        write!(out, "Failure({id:?}, {error:?}, {} bytes)", raw.len())
    }
}

#[derive(Clone, PartialEq)]
pub enum Row {
    Punch(Punch),
    AccessEvent(AccessEvent),
    DoorState(DoorState),
    Operation(Operation),
    User(User),
    Template(Template),
    Picture(Picture),
    PunchPhoto(PunchPhoto),
    /// A setting or counter of the terminal. A leading `~` of the key is kept: it marks what is read only.
    Option {
        key: String,
        value: String,
    },
    Failure(Failure),
    /// IDCARD, WORKCODE, and whatever else: kept as it came. The tag is upper case, empty when there was none.
    Other {
        tag: String,
        pairs: Vec<(String, String)>,
        raw: Vec<u8>,
    },
}

/// Values of unknown rows are not shown: they may be a person's papers.
impl fmt::Debug for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Row::Punch(row) => row.fmt(out),
            Row::AccessEvent(row) => row.fmt(out),
            Row::DoorState(row) => row.fmt(out),
            Row::Operation(row) => row.fmt(out),
            Row::User(row) => row.fmt(out),
            Row::Template(row) => row.fmt(out),
            Row::Picture(row) => row.fmt(out),
            Row::PunchPhoto(row) => row.fmt(out),
            Row::Option { key, value } => write!(out, "Option({key:?}, {value:?})"),
            Row::Failure(row) => row.fmt(out),
            Row::Other { tag, pairs, raw } => {
                let keys: Vec<&str> = pairs.iter().map(|(key, _)| key.as_str()).collect();
                write!(out, "Other({tag:?}, {keys:?}, {} bytes)", raw.len())
            }
        }
    }
}

impl Upload {
    pub const MOST_BAD: usize = 1_000;
    /// Terminals send about 150 rows at once, and 900 KB at most (vendor paper 2026).
    pub const MOST_ROWS: usize = 100_000;

    fn take(&mut self, raw: &[u8], row: Result<Row, BadReason>) {
        self.lines += 1;
        match row {
            Ok(row) if self.rows.len() < Self::MOST_ROWS => self.rows.push(row),
            Ok(_) => self.refuse(raw, BadReason::TooMany),
            Err(reason) => self.refuse(raw, reason),
        }
    }

    fn refuse(&mut self, raw: &[u8], reason: BadReason) {
        let full = self.bad.len() >= Self::MOST_BAD;
        match self.bad.last_mut() {
            // Two bytes of noise must not cost a hundred of memory each.
            Some(last) if full => {
                last.raw.push(b'\n');
                last.raw.extend_from_slice(raw);
            }
            _ => self.bad.push(BadLine {
                raw: raw.to_vec(),
                reason,
            }),
        }
    }
}

/// Reads the body of an upload. Never fails: see [`Upload::bad`].
pub fn parse(table: &Table, body: &[u8]) -> Upload {
    let mut upload = Upload::default();
    match table {
        Table::Attphoto => {
            if !body.is_empty() {
                upload.take(body, photo::read(None, body).map(Row::PunchPhoto));
            }
        }
        Table::FingerImage => {
            if !body.is_empty() {
                upload.take(body, Ok(other(table.name(), Vec::new(), body)));
            }
        }
        Table::Options => options(&mut upload, body),
        Table::Other(name) => {
            upload.lines = text::lines(body).count();
            if !body.is_empty() {
                upload.rows.push(other(name, Vec::new(), body));
            }
        }
        Table::Tabledata(name) if name.eq_ignore_ascii_case("options") => {
            options(&mut upload, body)
        }
        _ => {
            for line in text::lines(body) {
                upload.take(line, read_row(table, line));
            }
        }
    }
    upload
}

/// A photo of a punch whose name stands in the request (`PIN=` of `/iclock/fdata`, 1.x) instead of the body.
pub fn parse_photo(name: Option<&str>, body: &[u8]) -> Upload {
    let mut upload = Upload::default();
    if !body.is_empty() {
        upload.take(body, photo::read(name, body).map(Row::PunchPhoto));
    }
    upload
}

/// The body is compressed (`ContentType=tgz`, vendor paper 2026): expand it, within bounds, before it is parsed.
pub fn is_gzip(body: &[u8]) -> bool {
    body.starts_with(&[0x1f, 0x8b])
}

/// A file in an archive: its name and its content.
pub type Member<'a> = (String, &'a [u8]);

/// An expanded `tgz` body, opened.
#[derive(Debug, PartialEq, Eq)]
pub struct Archive<'a> {
    pub members: Vec<Member<'a>>,
    /// What stands from a damaged head or a cut off file on; empty when all is well.
    pub damaged: &'a [u8],
}

/// Opens an expanded `tgz` body. `None` when it is no tar archive; it is then the rows themselves.
pub fn open_archive(mut archive: &[u8]) -> Option<Archive<'_>> {
    if !is_head(archive) {
        return None;
    }
    let mut members = Vec::new();
    while is_head(archive) {
        let Some((member, rest)) = next_member(archive) else {
            break;
        };
        members.extend(member);
        archive = rest;
    }
    // An archive ends with zeros, or where its last file ends.
    let damaged = if archive.iter().all(|&byte| byte == 0) {
        &[]
    } else {
        archive
    };
    Some(Archive { members, damaged })
}

fn is_head(archive: &[u8]) -> bool {
    archive.get(257..262) == Some(b"ustar")
}

/// The first member, when it is a file, and what comes behind it.
fn next_member(archive: &[u8]) -> Option<(Option<Member<'_>>, &[u8])> {
    const BLOCK: usize = 512;
    let (head, rest) = archive.split_at_checked(BLOCK)?;
    let digits = head[124..136]
        .split(|byte| matches!(byte, 0 | b' '))
        .find(|digits| !digits.is_empty())?;
    let size = usize::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()?;
    let content = rest.get(..size)?;
    // Type `0` or NUL: a file, not a folder or a link.
    let member = matches!(head[156], b'0' | 0).then(|| {
        let name = head[..100]
            .split(|&byte| byte == 0)
            .next()
            .unwrap_or_default();
        (text::decode(name), content)
    });
    let next = rest.get(size.next_multiple_of(BLOCK)..).unwrap_or_default();
    Some((member, next))
}

fn other(tag: &str, pairs: Vec<(String, String)>, raw: &[u8]) -> Row {
    Row::Other {
        tag: tag.to_ascii_uppercase(),
        pairs,
        raw: raw.to_vec(),
    }
}

fn read_row(table: &Table, line: &[u8]) -> Result<Row, BadReason> {
    let row = rows::decode(line);
    match table {
        Table::Attlog => punch::read(&row).map(Row::Punch),
        Table::Rtlog => {
            event::read(&row, Pairs::read(rows::tag_of(&row, &["RTLOG"]).1)).map(Row::AccessEvent)
        }
        Table::Rtstate => {
            event::read_state(&Pairs::read(rows::tag_of(&row, &["RTSTATE"]).1)).map(Row::DoorState)
        }
        _ => {
            let (tag, rest) = rows::tag(&row);
            let tag = if tag.is_empty() {
                default_tag(table)
            } else {
                full_tag(tag)
            };
            read_tagged(&tag, rest, line)
        }
    }
}

/// What a row without a tag is, by its table.
fn default_tag(table: &Table) -> String {
    match table {
        Table::Userinfo => "USER".to_owned(),
        Table::Fingertmp => "FP".to_owned(),
        Table::Operlog => String::new(),
        Table::Tabledata(name) => name.to_ascii_uppercase(),
        _ => table.name().to_ascii_uppercase(),
    }
}

const KNOWN_TAGS: [&str; 11] = [
    "OPLOG", "USER", "FP", "FACE", "FVEIN", "BIODATA", "USERPIC", "BIOPHOTO", "IDCARD", "ERRORLOG",
    "WORKCODE",
];

/// Upper case, with a lost first byte restored: fixture C03 has `PLOG`.
fn full_tag(tag: &str) -> String {
    let tag = tag.to_ascii_uppercase();
    match KNOWN_TAGS.iter().find(|known| known[1..] == tag) {
        Some(known) => (*known).to_owned(),
        None => tag,
    }
}

/// Rows of OPERLOG mix freely; access terminals have names of their own for the same things.
fn read_tagged(tag: &str, rest: &str, line: &[u8]) -> Result<Row, BadReason> {
    if tag == "OPLOG" {
        return Operation::read(rest).map(Row::Operation);
    }
    let mut pairs = Pairs::read(rest);
    match tag {
        "USER" | "USERINFO" | "ENROLL_USER" => User::read(pairs).map(Row::User),
        "FP" | "FINGERTMP" | "TEMPLATEV10" => {
            Template::read(TemplateSource::Fp, pairs).map(Row::Template)
        }
        "FACE" => Template::read(TemplateSource::Face, pairs).map(Row::Template),
        "FVEIN" => Template::read(TemplateSource::Fvein, pairs).map(Row::Template),
        "BIODATA" => Template::read(TemplateSource::Biodata, pairs).map(Row::Template),
        // A picture that is only an address cannot be kept as one.
        "USERPIC" | "BIOPHOTO"
            if pairs.filled(&["Url"]).is_some() && pairs.filled(person::PICTURE_KEYS).is_none() =>
        {
            Ok(other(tag, pairs.0, line))
        }
        "USERPIC" => Picture::read(PictureKind::UserPic, pairs).map(Row::Picture),
        "BIOPHOTO" => Picture::read(PictureKind::BioPhoto, pairs).map(Row::Picture),
        "TRANSACTION" => event::read(&text::decode(line), pairs).map(Row::AccessEvent),
        "ATTPHOTO" => photo::read_row(&mut pairs).map(Row::PunchPhoto),
        "ERRORLOG" => Ok(match Failure::read(&pairs, line) {
            Some(failure) => Row::Failure(failure),
            None => other(tag, pairs.0, line),
        }),
        _ => Ok(other(tag, pairs.0, line)),
    }
}

/// `k=v` joined by commas (the papers), line ends, or `&`; captured in all three. Values may hold blanks.
fn options(upload: &mut Upload, body: &[u8]) {
    for line in text::lines(body) {
        let line = rows::decode(line);
        // Fixture C30: an answer to `GET OPTION` begins with the terminal's own heading.
        if line.starts_with("GET OPTION FROM") {
            continue;
        }
        for part in rows::split_before_keys(&line, &[',', '&', '\t']) {
            let part = part.trim_end_matches(',');
            let row = match part.split_once('=') {
                Some((key, value)) if !key.trim().is_empty() => Ok(Row::Option {
                    key: key.trim().to_owned(),
                    value: value.trim_end().to_owned(),
                }),
                _ => Err(BadReason::Shape),
            };
            upload.take(part.as_bytes(), row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handshake::Family;
    use proptest::prelude::*;

    fn query(text: &str) -> Query {
        Query::parse(text.as_bytes())
    }

    #[test]
    fn a_table_is_found_by_its_name_or_by_its_stamp() {
        let of = |text: &str| Table::of(&query(text));
        assert_eq!(of("SN=1&table=attlog"), Some(Table::Attlog));
        assert_eq!(of("Table=OPERLOG&Stamp=1"), Some(Table::Operlog));
        assert_eq!(
            of("table=tabledata&tablename=User&count=1"),
            Some(Table::Tabledata("User".into()))
        );
        assert_eq!(of("table=Neu"), Some(Table::Other("Neu".into())));
        assert_eq!(of("Stamp=1"), Some(Table::Attlog));
        assert_eq!(of("OpStamp=1&table="), Some(Table::Operlog));
        assert_eq!(of("PIN=1&PhotoStamp=1"), Some(Table::Attphoto));
        assert_eq!(
            of("FPImage=/tmp/enroll_fp_1.bmp&PIN=982&FID=0"),
            Some(Table::FingerImage)
        );
        assert_eq!(of("AuthType=CARD"), None);
    }

    #[test]
    fn an_unknown_table_is_kept_whole() {
        let upload = parse(
            &Table::Other("neu".into()),
            b"1\t2026-08-09 10:00:00\n\n2\n",
        );
        assert_eq!(upload.lines, 2);
        assert_eq!(
            upload.rows,
            [Row::Other {
                tag: "NEU".into(),
                pairs: Vec::new(),
                raw: b"1\t2026-08-09 10:00:00\n\n2\n".to_vec()
            }]
        );
        assert_eq!(Table::Other("neu".into()).accepted(2), "OK");
    }

    #[test]
    fn rows_of_all_tags_mix_and_unknown_ones_are_kept() {
        let upload = parse(
            &Table::Operlog,
            b"OPLOG 0\t0\t289515406\t0\t0\t0\t0\nNEWS a=1\tb=2\nUSER Pin=7\tname=\xd6\xd0\nPIN=9\n",
        );
        assert_eq!((upload.lines, upload.bad.len()), (4, 0));
        let [
            Row::Operation(operation),
            Row::Other { tag, pairs, .. },
            Row::User(user),
            Row::Other { tag: none, .. },
        ] = &upload.rows[..]
        else {
            panic!("{upload:?}")
        };
        assert_eq!(
            operation.local,
            crate::time::parse_local("2009-01-03 20:56:46")
        );
        assert_eq!((tag.as_str(), pairs.len(), none.as_str()), ("NEWS", 2, ""));
        assert_eq!((user.pin.as_str(), user.name.as_deref()), ("7", Some("中")));
    }

    #[test]
    fn an_error_of_a_command_is_told_from_other_errors() {
        let read = |table: &Table, row: &str| parse(table, row.as_bytes()).rows.remove(0);
        let access = Table::Tabledata("errorlog".into());
        let row = "ErrCode=D01E0001\tErrMsg=\tDataOrigin=cmd\tCmdId=57\tAdditional=e30=";
        for (table, row) in [
            (&Table::Errorlog, format!("ERRORLOG {row}")),
            (&Table::Operlog, format!("ERRORLOG {row}")),
            (&access, row.to_lowercase()),
        ] {
            let Row::Failure(failure) = read(table, &row) else {
                panic!("{row}");
            };
            assert_eq!(failure.id, "57");
            assert_eq!(failure.raw, row.as_bytes());
            assert_eq!(
                crate::result::meaning(Family::Access, "DATA", failure.code),
                "No face in the picture"
            );
        }
        for (from, to) in [
            ("=cmd", "=dev"),
            ("CmdId=57", "CmdId="),
            ("D01E0001", "5"),
            ("D01E0001", "D01E000100"),
        ] {
            let row = read(&Table::Errorlog, &row.replace(from, to));
            assert!(matches!(row, Row::Other { .. }), "{to}: {row:?}");
        }
    }

    #[test]
    fn options_come_in_three_spellings() {
        let read = |body: &str| parse(&Table::Options, body.as_bytes()).rows;
        let expected = read("~DeviceName=ProBio X,MAC=00:17:61:11:ad:4f,Last=");
        assert_eq!(expected.len(), 3);
        assert_eq!(
            read("~DeviceName=ProBio X\r\nMAC=00:17:61:11:ad:4f\r\nLast=\r\n"),
            expected
        );
        assert_eq!(
            read("~DeviceName=ProBio X&MAC=00:17:61:11:ad:4f&Last="),
            expected
        );
        assert_eq!(parse(&Table::Options, b"noise").bad.len(), 1);
    }

    #[test]
    fn a_picture_that_is_only_an_address_is_kept_as_it_came() {
        let upload = parse(&Table::Biophoto, b"BIOPHOTO PIN=1\tType=9\tUrl=/a.jpg\n");
        assert!(
            matches!(&upload.rows[..], [Row::Other { tag, .. }] if tag == "BIOPHOTO"),
            "{upload:?}"
        );
    }

    #[test]
    fn a_body_of_endless_rows_is_bounded() {
        let upload = parse(
            &Table::Operlog,
            "x y\n".repeat(Upload::MOST_ROWS + 5_000).as_bytes(),
        );
        assert_eq!(
            (upload.rows.len(), upload.bad.len()),
            (Upload::MOST_ROWS, Upload::MOST_BAD)
        );
        assert_eq!(upload.lines, Upload::MOST_ROWS + 5_000);
    }

    /// A file as it stands in an archive: its head, its content, zeros up to the next one.
    fn member(name: &str, content: &[u8]) -> Vec<u8> {
        let mut member = vec![0; 512];
        member[..name.len()].copy_from_slice(name.as_bytes());
        member[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
        member[156] = b'0';
        member[257..262].copy_from_slice(b"ustar");
        member.extend_from_slice(content);
        member.resize(member.len().next_multiple_of(512), 0);
        member
    }

    #[test]
    fn an_archive_opens_into_its_files() {
        let mut archive = member("rows.txt", b"USER PIN=1");
        archive.extend(member("more.txt", b"USER PIN=2"));
        let files = |archive: &[u8]| {
            let Archive { members, damaged } = open_archive(archive)?;
            let names: Vec<String> = members.into_iter().map(|(name, _)| name).collect();
            Some((names.join(" "), damaged.to_vec()))
        };
        let both = || "rows.txt more.txt".to_owned();
        assert_eq!(files(&archive), Some((both(), Vec::new())), "no end");
        archive.resize(512 * 6, 0);
        assert_eq!(files(&archive), Some((both(), Vec::new())));
        let one = || "rows.txt".to_owned();
        let (cut, rest) = (&archive[..1540], &archive[1024..1540]);
        assert_eq!(files(cut), Some((one(), rest.to_vec())), "cut off");
        archive[1024 + 257] = b'X';
        let rest = archive[1024..].to_vec();
        assert_eq!(files(&archive), Some((one(), rest)), "a damaged head");
        assert_eq!(files(b"USER PIN=1"), None);
        assert!(is_gzip(&[0x1f, 0x8b, 8]) && !is_gzip(b"USER"));
    }

    fn any_table() -> impl Strategy<Value = Table> {
        let names = "ATTLOG OPERLOG BIODATA ATTPHOTO USERINFO USERPIC BIOPHOTO FINGERTMP FACE FVEIN options IDCARD \
                     ERRORLOG WORKCODE rtlog rtstate transaction other";
        let mut tables: Vec<Table> = names
            .split(' ')
            .filter_map(|name| Table::of(&query(&format!("table={name}"))))
            .collect();
        tables.extend(
            ["user", "biodata", "templatev10", "ATTPHOTO", "options"]
                .map(|name| Table::Tabledata(name.into())),
        );
        tables.push(Table::FingerImage);
        prop::sample::select(tables)
    }

    proptest! {
        #[test]
        fn no_body_panics(table in any_table(), body: Vec<u8>) {
            parse(&table, &body);
            open_archive(&body);
        }

        #[test]
        fn no_keyed_body_panics(table in any_table(), body in "((USER|FP|OPLOG|BIODATA|USERPIC|time|x)? ?([A-Za-z]{0,6}=?[0-9A-Za-z\\[\\]: =-]{0,9}[\t ])*\r?\n){0,6}") {
            let upload = parse(&table, body.as_bytes());
            prop_assert!(matches!(table, Table::Other(_)) || upload.lines == upload.rows.len() + upload.bad.len());
        }
    }
}
