//! What terminals bring about people: who was enrolled, templates, pictures, and what was done at
//! the terminal. The owner of the tables `biometric`, `punch_photo` and `operation_log`.

use crate::access::Caller;
use crate::app::App;
use crate::error::Result;
use crate::events::Event;
use crate::punches::photo::punches_at;
use crate::punches::record;
use crate::resources::employee::{self, Enrolled};
use crate::sealed::Sealed;
use crate::terminals::contact::NOT_AUTHORIZED;
use crate::terminals::roster::Presence;
use crate::terminals::sync::{self, Shown, Thing};
use crate::writing::{self, Writing};
use chrono::NaiveDateTime;
use muster_protocol::operation;
use muster_protocol::upload::{
    Operation, Picture, PictureKind, PunchPhoto, Template, TemplateSource, User,
};
use muster_store::{Sql, Tx, json_list};
use std::collections::{BTreeSet, HashSet};

/// What somebody can be recognised by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BioKind {
    Finger,
    Face,
    FingerVein,
    Palm,
    /// A face in visible light: templates, and the picture they are made of.
    VisibleFace,
}

impl BioKind {
    /// The kinds, by the flags callers choose them with.
    pub const FLAGS: &[(&str, BioKind)] = &[
        ("finger_print", BioKind::Finger),
        ("face", BioKind::Face),
        ("finger_vein", BioKind::FingerVein),
        ("palm", BioKind::Palm),
        ("vl_face", BioKind::VisibleFace),
    ];

    /// The numbers terminals give it, the usual one first.
    pub fn wire_types(self) -> &'static [i16] {
        match self {
            BioKind::Finger => &[1],
            BioKind::Face => &[2],
            BioKind::FingerVein => &[7],
            BioKind::Palm => &[8, 6, 10],
            BioKind::VisibleFace => &[9],
        }
    }
}

/// Removes somebody's templates and pictures of these kinds, here and on the terminals, whether they ever sent theirs
/// or not.
pub async fn forget(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    emp_code: &str,
    kinds: &[BioKind],
) -> Result<()> {
    let wire_types: Vec<i16> = kinds
        .iter()
        .flat_map(|kind| kind.wire_types())
        .copied()
        .collect();
    for wire_type in &wire_types {
        tx.run(&Sql::new(
            "DELETE FROM biometric WHERE company_id = $1 AND pin = $2 AND wire_type = $3",
            [
                app.company.id.clone().into(),
                emp_code.into(),
                (*wire_type).into(),
            ],
        ))
        .await?;
    }
    sync::suspect(app, tx, emp_code, &wire_types).await?;
    sync::concerns(app, tx, caller, &[emp_code]).await
}

/// A template that is kept here.
#[derive(Debug, Clone)]
pub struct Kept {
    pub id: i64,
    pub pin: String,
    pub wire_type: i16,
}

/// Removes these templates, here and on the terminals that hold them; with the last of its type the picture
/// that terminals would make another of. The caller's transaction has its place
/// (`writing::people_in_order`).
pub async fn remove(
    app: &App,
    tx: &mut Writing,
    caller: &Caller,
    templates: &[Kept],
) -> Result<()> {
    for template in templates {
        tx.run(&Sql::new(
            "DELETE FROM biometric WHERE id = $1",
            [template.id.into()],
        ))
        .await?;
        tx.run(&Sql::new(
            "DELETE FROM biometric WHERE company_id = $1 AND pin = $2 AND wire_type = $3 AND source = 'biophoto' \
                 AND NOT EXISTS (SELECT 1 FROM biometric AS b WHERE b.company_id = $1 AND b.pin = $2 \
                                 AND b.wire_type = $3 AND b.source <> 'biophoto')",
            [
                app.company.id.clone().into(),
                template.pin.as_str().into(),
                template.wire_type.into(),
            ],
        ))
        .await?;
    }
    let pins: BTreeSet<&str> = templates.iter().map(|kept| kept.pin.as_str()).collect();
    let pins: Vec<&str> = pins.into_iter().collect();
    sync::concerns(app, tx, caller, &pins).await
}

/// These codes have somebody now: the templates and pictures that terminals brought for those PINs are
/// theirs, unless it was a terminal that has no say in them ([`sync::strangers`]).
pub async fn adopt<S: AsRef<str>>(app: &App, tx: &mut Tx, emp_codes: &[S]) -> Result<()> {
    let codes = json_list(emp_codes.iter().map(|code| code.as_ref()));
    tx.run(&Sql::by_dialect(
        "UPDATE biometric SET employee_id = e.id FROM employee AS e \
         WHERE biometric.company_id = $1 AND biometric.pin IN (SELECT value FROM json_each($2)) \
             AND biometric.employee_id IS NULL AND e.company_id = $1 AND e.emp_code = biometric.pin \
             AND (NOT EXISTS (SELECT 1 FROM employee_area AS a WHERE a.employee_id = e.id AND a.area_id <> $3) \
                  OR EXISTS (SELECT 1 FROM employee_area AS a JOIN terminal AS t ON t.area_id = a.area_id \
                             WHERE a.employee_id = e.id AND a.area_id <> $3 AND t.sn = biometric.terminal_sn))",
        "UPDATE biometric SET employee_id = e.id FROM employee AS e \
         WHERE biometric.company_id = $1 AND biometric.pin = ANY(ARRAY(SELECT jsonb_array_elements_text($2::jsonb))) \
             AND biometric.employee_id IS NULL AND e.company_id = $1 AND e.emp_code = biometric.pin \
             AND (NOT EXISTS (SELECT 1 FROM employee_area AS a WHERE a.employee_id = e.id AND a.area_id <> $3) \
                  OR EXISTS (SELECT 1 FROM employee_area AS a JOIN terminal AS t ON t.area_id = a.area_id \
                             WHERE a.employee_id = e.id AND a.area_id <> $3 AND t.sn = biometric.terminal_sn))",
        [app.company.id.clone().into(), codes, NOT_AUTHORIZED.into()],
    ))
    .await?;
    Ok(())
}

/// The purpose templates and pictures are sealed for.
pub const SEALED_FOR: &str = "biometric";
pub const TEMPLATES: Sealed = Sealed {
    table: "biometric",
    key: "id",
    column: "template_sealed",
    purpose: SEALED_FOR,
    was_plain: false,
};
pub const PUNCH_PHOTOS: Sealed = Sealed {
    table: "punch_photo",
    key: "id",
    column: "jpeg_sealed",
    purpose: "punch_photo",
    was_plain: true,
};

/// Rows of `biometric` that are pictures, by their `source`.
pub const PICTURE_SOURCES: [&str; 2] = ["userpic", "biophoto"];

/// All that one upload brought.
#[derive(Debug, Default)]
pub struct Brought {
    pub operations: Vec<Operation>,
    pub users: Vec<User>,
    pub templates: Vec<Template>,
    pub pictures: Vec<Picture>,
    pub photos: Vec<PunchPhoto>,
}

/// Rows of one transaction: punches and other terminals get in between.
const TOGETHER: usize = 200;

/// Stores it; the same thing sent again changes nothing. Returns the user records, templates and pictures
/// that were not taken over, as rows to be kept.
pub async fn store(app: &App, terminal: &Presence, brought: Brought) -> Result<Vec<String>> {
    for some in brought.operations.chunks(TOGETHER) {
        let mut tx = app.store.write().await?;
        let mut is_alarm = false;
        for operation in some {
            let is_new = keep_operation(app, &mut tx, terminal, operation).await?;
            if is_new && operation::is_alarm(operation.code) {
                let [_, why, ..] = &operation.objects;
                let alarm = operation::alarm(operation.code, why);
                is_alarm |= note_alarm(app, &mut tx, terminal, operation.local, alarm).await?;
            }
        }
        tx.commit().await?;
        if is_alarm {
            let terminal_id = terminal.id;
            app.events.publish(Event::Alarm { terminal_id });
        }
    }
    let mut not_taken = Vec::new();
    for some in brought.users.chunks(TOGETHER) {
        not_taken.extend(take_users(app, terminal, some).await?);
    }
    let bodies: Vec<Body> = brought
        .templates
        .iter()
        .map(Body::of_template)
        .chain(brought.pictures.iter().map(Body::of_picture))
        .collect();
    for some in bodies.chunks(TOGETHER) {
        not_taken.extend(take_bodies(app, terminal, some).await?);
    }
    for photo in &brought.photos {
        let mut tx = app.store.write().await?;
        let is_new = keep_photo(app, &mut tx, terminal, photo).await?;
        tx.commit().await?;
        if is_new {
            tell_of_photo(app, terminal, photo).await?;
        }
    }
    Ok(not_taken)
}

/// Whom nobody knows becomes an employee; of a known one what the server lacks is taken over. Returns the
/// rows that were not taken: of people who were not made, and those that say something else.
async fn take_users(app: &App, terminal: &Presence, users: &[User]) -> Result<Vec<String>> {
    let pins: Vec<&str> = users.iter().map(|user| user.pin.as_str()).collect();
    let mut tx = Writing::begin(app).await?;
    // Two terminals that bring the same people must take locks in one order.
    writing::people_in_order(&mut tx, &app.company.id).await?;
    let leaving = sync::leaving(&mut tx, terminal.id, &pins).await?;
    let strangers = sync::strangers(app, &mut tx, terminal.id, &pins).await?;
    let mut made = HashSet::new();
    let mut new_ones = Vec::new();
    let mut not_taken = Vec::new();
    for user in users.iter().filter(|user| !leaving.contains(&user.pin)) {
        let is_stranger = strangers.contains(&user.pin);
        match employee::enrolled_at(app, &mut tx, terminal, user, is_stranger).await? {
            Enrolled::Made { id, as_shown } => {
                adopt(app, &mut tx, &[&user.pin]).await?;
                made.insert(user.pin.clone());
                new_ones.push(id);
                if !as_shown {
                    not_taken.push(as_row(user));
                }
            }
            Enrolled::Known { as_shown: true } => {}
            Enrolled::Known { as_shown: false } | Enrolled::Nobody => not_taken.push(as_row(user)),
        }
    }
    let shown = Shown {
        terminal_id: terminal.id,
        users,
        made: &made,
        bodies: &[],
    };
    sync::shown(app, &mut tx, &pins, shown).await?;
    // Last, for no punch is stored until the commit.
    record::adopt(&mut tx, &app.company.id, &new_ones).await?;
    tx.commit(app).await?;
    Ok(not_taken)
}

/// Templates and pictures become the persons', and reach the other terminals that take them. Returns the rows
/// that were not taken: bad ones, and those of people the terminal has no say in.
async fn take_bodies(app: &App, terminal: &Presence, bodies: &[Body<'_>]) -> Result<Vec<String>> {
    let mut pins: Vec<&str> = bodies.iter().map(|body| body.pin).collect();
    pins.sort_unstable();
    pins.dedup();
    let mut tx = Writing::begin(app).await?;
    writing::people_in_order(&mut tx, &app.company.id).await?;
    // Its people are compared below; of those who leave it nothing is taken any more.
    let leaving = sync::leaving(&mut tx, terminal.id, &pins).await?;
    let strangers = sync::strangers(app, &mut tx, terminal.id, &pins).await?;
    let mut shown = Vec::with_capacity(bodies.len());
    let mut not_taken = Vec::new();
    for body in bodies.iter().filter(|body| !leaving.contains(body.pin)) {
        sync::note_algorithm(
            &mut tx,
            terminal.id,
            body.source,
            body.wire_type,
            &cut(body.major_ver, LONGEST_VERSION),
        )
        .await?;
        // A bad one takes no good one's place, here or elsewhere.
        if body.valid <= 0 {
            not_taken.push(body.as_row());
            continue;
        }
        let digest = if strangers.contains(body.pin) {
            not_taken.push(body.as_row());
            body.digest(app)
        } else if let Some(digest) = made_elsewhere(app, &mut tx, terminal, body).await? {
            digest
        } else {
            keep_biometric(app, &mut tx, terminal, body).await?;
            body.digest(app)
        };
        shown.push((body.pin.to_owned(), body.thing(), digest));
    }
    let shown = Shown {
        terminal_id: terminal.id,
        users: &[],
        made: &HashSet::new(),
        bodies: &shown,
    };
    sync::shown(app, &mut tx, &pins, shown).await?;
    tx.commit(app).await?;
    Ok(not_taken)
}

/// A user record as a terminal writes it, but for the password: nobody is shown one.
fn as_row(user: &User) -> String {
    let number = |value: Option<i64>| value.map(|value| value.to_string());
    let fields = [
        ("Name", user.name.clone()),
        ("Pri", number(user.privilege.map(i64::from))),
        (
            "Passwd",
            user.password
                .as_ref()
                .filter(|password| !password.is_empty())
                .map(|_| "…".to_owned()),
        ),
        ("Card", user.card.clone()),
        ("Grp", number(user.group.map(i64::from))),
        ("TZ", user.timezones.clone()),
        ("Verify", number(user.verify_mode.map(i64::from))),
        ("ViceCard", user.vice_card.clone()),
        ("StartDatetime", user.start.clone()),
        ("EndDatetime", user.end.clone()),
    ];
    let mut row = format!("USER PIN={}", user.pin);
    for (name, value) in fields {
        if let Some(value) = value {
            row.push_str(&format!("\t{name}={value}"));
        }
    }
    row
}

/// Letters of an algorithm's version.
const LONGEST_VERSION: usize = 32;

/// At most so many letters: what is looked up by an index must fit into it, and nothing sensible is
/// longer.
fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// The last alarm is the terminal's, for whoever looks at it; an old one that comes late is not the last. Returns
/// whether it is.
pub async fn note_alarm(
    app: &App,
    tx: &mut Tx,
    terminal: &Presence,
    local: Option<NaiveDateTime>,
    alarm: Option<&str>,
) -> Result<bool> {
    let at = match local {
        Some(local) => terminal.zone.instant(local),
        None => app.clock.now(),
    };
    let changed = tx
        .run(&Sql::new(
            "UPDATE terminal SET alarm = $2, alarm_at = $3 WHERE id = $1 AND COALESCE(alarm_at, $3) <= $3",
            [terminal.id.into(), alarm.into(), at.into()],
        ))
        .await?;
    Ok(changed > 0)
}

/// Returns whether it is new.
async fn keep_operation(
    app: &App,
    tx: &mut Tx,
    terminal: &Presence,
    operation: &Operation,
) -> Result<bool> {
    let now = app.clock.now();
    let [object_1, object_2, object_3, object_4] =
        operation.objects.each_ref().map(|object| cut(object, 64));
    let added = tx.run(&Sql::new(
        "INSERT INTO operation_log (company_id, terminal_id, terminal_sn, op_code, operator, op_local, object_1, \
             object_2, object_3, object_4, received_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         ON CONFLICT DO NOTHING",
        [
            app.company.id.clone().into(),
            terminal.id.into(),
            terminal.sn.as_str().into(),
            operation.code.into(),
            cut(&operation.operator, 64).into(),
            operation
                .local
                .unwrap_or_else(|| terminal.zone.local(now))
                .into(),
            object_1.into(),
            object_2.into(),
            object_3.into(),
            object_4.into(),
            now.into(),
        ],
    ))
    .await?;
    Ok(added > 0)
}

/// A template or a picture, as sent.
struct Body<'a> {
    pin: &'a str,
    wire_type: i16,
    no: i16,
    index: i16,
    major_ver: &'a str,
    minor_ver: &'a str,
    format: i16,
    source: &'a str,
    valid: i16,
    duress: i16,
    body: &'a str,
}

impl<'a> Body<'a> {
    fn of_template(template: &'a Template) -> Body<'a> {
        Body {
            pin: &template.pin,
            wire_type: template.wire_type,
            no: template.no,
            index: template.index,
            major_ver: &template.major_ver,
            minor_ver: &template.minor_ver,
            format: template.format,
            source: match template.source {
                TemplateSource::Fp => "fp",
                TemplateSource::Face => "face",
                TemplateSource::Fvein => "fvein",
                TemplateSource::Biodata => "biodata",
            },
            valid: template.valid,
            duress: template.duress.into(),
            body: template.body.expose(),
        }
    }

    fn of_picture(picture: &'a Picture) -> Body<'a> {
        let (source, wire_type) = match picture.kind {
            PictureKind::UserPic => ("userpic", 0),
            PictureKind::BioPhoto => ("biophoto", picture.wire_type.unwrap_or(9)),
        };
        Body {
            pin: &picture.pin,
            wire_type,
            no: 0,
            index: 0,
            major_ver: "",
            minor_ver: "",
            format: 0,
            source,
            valid: 1,
            duress: 0,
            body: picture.body.expose(),
        }
    }
}

impl Body<'_> {
    /// In the words of the terminal.
    fn as_row(&self) -> String {
        let Body {
            pin,
            wire_type,
            no,
            index,
            major_ver,
            minor_ver,
            format,
            valid,
            duress,
            body,
            ..
        } = self;
        let size = body.len();
        match self.source {
            "fp" => format!("FP PIN={pin}\tFID={no}\tSize={size}\tValid={valid}\tTMP={body}"),
            "face" => {
                format!("FACE PIN={pin}\tFID={index}\tSIZE={size}\tVALID={valid}\tTMP={body}")
            }
            "fvein" => format!(
                "FVEIN Pin={pin}\tFID={no}\tIndex={index}\tValid={valid}\tSize={size}\tTmp={body}"
            ),
            "userpic" => format!("USERPIC PIN={pin}\tSize={size}\tContent={body}"),
            "biophoto" => {
                format!("BIOPHOTO PIN={pin}\tType={wire_type}\tSize={size}\tContent={body}")
            }
            _ => format!(
                "BIODATA Pin={pin}\tNo={no}\tIndex={index}\tValid={valid}\tDuress={duress}\tType={wire_type}\t\
                 MajorVer={major_ver}\tMinorVer={minor_ver}\tFormat={format}\tTmp={body}"
            ),
        }
    }

    fn thing(&self) -> Thing {
        match self.source {
            "userpic" => Thing::Picture,
            "biophoto" => Thing::EnrolmentPhoto {
                wire_type: self.wire_type,
            },
            _ => Thing::Template {
                wire_type: self.wire_type,
                no: self.no,
                index: self.index,
            },
        }
    }

    /// The same whatever rows it comes in; another one when it is for use under duress. Near-infrared faces begin with 16 bytes that differ each time
    /// (vendor paper 2015): 22 letters of base64.
    fn digest(&self, app: &App) -> Vec<u8> {
        let body = match self.source {
            "face" => self.body.get(22..).unwrap_or(self.body),
            _ => self.body,
        };
        match self.mark() {
            "" => app.keys.digest(body.as_bytes()),
            mark => app.keys.digest(format!("{mark} {body}").as_bytes()),
        }
    }

    /// Fingerprints' own rows say duress by `Valid=3`.
    fn mark(&self) -> &'static str {
        match (self.valid, self.duress) {
            (3, _) | (_, 1..) => "duress",
            _ => "",
        }
    }
}

/// The digest of a template that another terminal has made of the enrolment photo this one was told too: each
/// makes its own of it, all are as good, and the first of them is kept. One that this terminal makes when it
/// has one already is new.
async fn made_elsewhere(
    app: &App,
    tx: &mut Tx,
    terminal: &Presence,
    body: &Body<'_>,
) -> Result<Option<Vec<u8>>> {
    let kept: Option<(Option<Vec<u8>>,)> = match body.thing() {
        thing @ Thing::Template { .. } => {
            tx.find(&Sql::new(
                "SELECT b.digest FROM biometric AS b WHERE b.company_id = $1 AND b.pin = $2 AND b.wire_type = $3 \
                     AND b.bio_no = $4 AND b.bio_index = $5 AND b.major_ver = $6 AND b.source = $7 \
                     AND b.terminal_sn <> $8 \
                     AND EXISTS (SELECT 1 FROM terminal_holding AS h WHERE h.terminal_id = $9 AND h.pin = $2 \
                                     AND h.thing = $10 AND NOT h.own AND (h.may_hold OR h.told_digest IS NOT NULL)) \
                     AND NOT EXISTS (SELECT 1 FROM terminal_holding AS h WHERE h.terminal_id = $9 AND h.pin = $2 \
                                         AND h.thing = $11 AND h.may_hold)",
                [
                    app.company.id.clone().into(),
                    body.pin.into(),
                    body.wire_type.into(),
                    body.no.into(),
                    body.index.into(),
                    cut(body.major_ver, LONGEST_VERSION).into(),
                    body.source.into(),
                    terminal.sn.as_str().into(),
                    terminal.id.into(),
                    Thing::EnrolmentPhoto {
                        wire_type: body.wire_type,
                    }
                    .to_string()
                    .into(),
                    thing.to_string().into(),
                ],
            ))
            .await?
        }
        _ => None,
    };
    Ok(kept.and_then(|(digest,)| digest))
}

/// The latest one of its kind stays; the same one again changes nothing. It belongs to the employee with that code, if there is one.
async fn keep_biometric(
    app: &App,
    tx: &mut Tx,
    terminal: &Presence,
    body: &Body<'_>,
) -> Result<()> {
    tx.run(&Sql::new(
        "INSERT INTO biometric (company_id, employee_id, pin, wire_type, bio_no, bio_index, major_ver, minor_ver, \
             bio_format, source, valid, duress, template_sealed, terminal_sn, changed_at, digest) \
         VALUES ($1, (SELECT id FROM employee WHERE company_id = $1 AND emp_code = $2), $2, $3, $4, $5, $6, $7, \
             $8, $9, $10, $11, $12, $13, $14, $15) \
         ON CONFLICT (company_id, pin, wire_type, bio_no, bio_index, major_ver, source) DO UPDATE SET \
             employee_id = excluded.employee_id, minor_ver = excluded.minor_ver, bio_format = excluded.bio_format, \
             valid = excluded.valid, duress = excluded.duress, template_sealed = excluded.template_sealed, \
             terminal_sn = excluded.terminal_sn, changed_at = excluded.changed_at, digest = excluded.digest \
         WHERE biometric.digest IS NULL OR biometric.digest <> excluded.digest \
             OR biometric.valid <> excluded.valid OR biometric.duress <> excluded.duress \
             OR COALESCE(biometric.employee_id, 0) <> COALESCE(excluded.employee_id, 0)",
        [
            app.company.id.clone().into(),
            body.pin.into(),
            body.wire_type.into(),
            body.no.into(),
            body.index.into(),
            cut(body.major_ver, LONGEST_VERSION).into(),
            cut(body.minor_ver, LONGEST_VERSION).into(),
            body.format.into(),
            body.source.into(),
            body.valid.into(),
            body.duress.into(),
            app.keys.seal(SEALED_FOR, body.body.as_bytes()).into(),
            terminal.sn.as_str().into(),
            app.clock.now().into(),
            body.digest(app).into(),
        ],
    ))
    .await?;
    Ok(())
}

/// Whether it is new.
async fn keep_photo(
    app: &App,
    tx: &mut Tx,
    terminal: &Presence,
    photo: &PunchPhoto,
) -> Result<bool> {
    // A name without a time is no name of one photo.
    let mut name = cut(&photo.name, 128);
    if photo.local.is_none() {
        let digest = app.keys.digest(&photo.jpeg);
        name.push_str(&format!(" {}", hex::encode(&digest[..8])));
    }
    let kept = tx
        .run(&Sql::new(
        "INSERT INTO punch_photo (company_id, terminal_sn, pin, taken_local, file_name, jpeg_sealed, received_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        [
            app.company.id.clone().into(),
            terminal.sn.as_str().into(),
            photo.user.clone().unwrap_or_default().into(),
            photo.local.into(),
            name.into(),
            app.keys.seal(PUNCH_PHOTOS.purpose, &photo.jpeg).into(),
            app.clock.now().into(),
        ],
    ))
    .await?;
    Ok(kept > 0)
}

/// Where its punch is looked at already, the photo is to be shown with it.
async fn tell_of_photo(app: &App, terminal: &Presence, photo: &PunchPhoto) -> Result<()> {
    let pin = photo.user.as_deref().unwrap_or_default();
    if let Some(local) = photo.local {
        for punch_id in punches_at(app, terminal.sn.as_str(), pin, local).await? {
            app.events.publish(Event::Photo { punch_id });
        }
    }
    Ok(())
}
