//! Which templates and pictures a terminal takes, and in which form: only those of its own algorithm,
//! by what it says of itself and by what it has sent. The owner of the table `terminal_algorithm`.

use super::holding::Thing;
use crate::app::App;
use crate::error::Result;
use crate::terminals::contact::family_of;
use muster_protocol::command::{BiodataFields, Command};
use muster_protocol::handshake::Family;
use muster_protocol::secret::Secret;
use muster_store::{Sql, Tx, json_list};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

const FINGER: i16 = 1;
const NEAR_INFRARED_FACE: i16 = 2;
const FINGER_VEIN: i16 = 7;
const PALM: i16 = 8;
const VISIBLE_FACE: i16 = 9;
/// Versions of face algorithms from here on are of visible light (38, 39, 58 have been seen; 5, 7 and 8
/// of near-infrared ones).
const FIRST_VISIBLE_VERSION: u32 = 30;

/// A terminal that is compared.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Place {
    pub id: i64,
    pub family: String,
    pub fp_alg_ver: Option<String>,
    pub face_alg_ver: Option<String>,
    pub fv_alg_ver: Option<String>,
    pub palm_alg_ver: Option<String>,
    pub photo_func_on: bool,
}

impl Place {
    pub fn family(&self) -> Family {
        family_of(&self.family)
    }

    pub fn is_access(&self) -> bool {
        self.family() == Family::Access
    }
}

/// A template or picture the server has of somebody, without its body.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Body {
    pub id: i64,
    pub pin: String,
    pub wire_type: i16,
    pub bio_no: i16,
    pub bio_index: i16,
    pub major_ver: String,
    pub minor_ver: String,
    pub bio_format: i16,
    pub source: String,
    pub valid: i16,
    pub duress: i16,
    pub digest: Option<Vec<u8>>,
    pub changed_at: chrono::DateTime<chrono::Utc>,
    /// The fingerprint's, the face's algorithm of the terminal it came from: those rows do not say.
    pub fp_alg_ver: Option<String>,
    pub face_alg_ver: Option<String>,
    pub fv_alg_ver: Option<String>,
}

impl Body {
    pub fn thing(&self) -> Thing {
        match self.source.as_str() {
            "userpic" => Thing::Picture,
            "biophoto" => Thing::EnrolmentPhoto {
                wire_type: self.wire_type,
            },
            _ => Thing::Template {
                wire_type: self.wire_type,
                no: self.bio_no,
                index: self.bio_index,
            },
        }
    }

    /// Rows older than the column are told apart by when they came.
    pub fn digest(&self) -> Vec<u8> {
        self.digest
            .clone()
            .unwrap_or_else(|| format!("{} {}", self.id, self.changed_at).into_bytes())
    }

    pub fn make(&self) -> Make {
        let own = match self.source.as_str() {
            "fp" => &self.fp_alg_ver,
            "face" => &self.face_alg_ver,
            "fvein" => &self.fv_alg_ver,
            _ => &None,
        };
        Make::new(
            &self.source,
            self.wire_type,
            &self.major_ver,
            own.as_deref(),
        )
    }

    fn version(&self) -> Option<u32> {
        self.make().version
    }

    /// The command that gives it to a terminal.
    pub fn command(&self, form: Form, body: Secret) -> Command {
        let pin = self.pin.clone();
        let biodata = |body: Secret| BiodataFields {
            pin: self.pin.clone(),
            no: self.bio_no,
            index: self.bio_index,
            valid: self.valid,
            duress: self.duress != 0,
            wire_type: self.wire_type,
            major_ver: match self.version() {
                Some(version) if self.major_ver.is_empty() => version.to_string(),
                _ => self.major_ver.clone(),
            },
            minor_ver: self.minor_ver.clone(),
            format: self.bio_format,
            body,
        };
        match form {
            Form::Finger => Command::UpdateFinger {
                pin,
                finger: self.bio_no,
                valid: if self.duress != 0 { 3 } else { self.valid },
                body,
            },
            Form::Face => Command::UpdateFace {
                pin,
                index: self.bio_index,
                valid: self.valid,
                body,
            },
            Form::FingerVein => Command::UpdateFvein {
                pin,
                finger: self.bio_no,
                index: self.bio_index,
                valid: self.valid,
                body,
            },
            Form::Biodata => Command::UpdateBiodata(biodata(body)),
            Form::AccessBiodata => Command::AccessUpdateBiodata(biodata(body)),
            Form::EnrolmentPhoto => Command::UpdateBiophoto {
                pin,
                wire_type: self.wire_type,
                body,
                // The template it makes of it serves the others of its version.
                post_back_template: true,
            },
            Form::AccessEnrolmentPhoto => Command::AccessUpdateBiophoto {
                pin,
                wire_type: self.wire_type,
                body,
            },
            Form::Picture => Command::UpdateUserPic { pin, body },
        }
    }
}

/// By what it is decided whether a terminal takes a template or picture: in which rows it came, of what type
/// it is, and by which version of the algorithm it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Make {
    source: String,
    wire_type: i16,
    version: Option<u32>,
}

impl Make {
    /// `own` is the version of the terminal it came from, for rows that do not say theirs.
    pub fn new(source: &str, wire_type: i16, major_ver: &str, own: Option<&str>) -> Make {
        Make {
            source: source.to_owned(),
            wire_type,
            version: major(major_ver).or_else(|| own.and_then(major)),
        }
    }
}

/// Why a terminal is not given a template or picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unfit {
    /// Its algorithm is of another version, or nobody knows by which this was made.
    OtherAlgorithm,
    /// It has nothing to recognise or show such a thing by, as far as it has said.
    NoSensor,
}

/// The rows a terminal takes a thing in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Finger,
    Face,
    FingerVein,
    Biodata,
    AccessBiodata,
    EnrolmentPhoto,
    AccessEnrolmentPhoto,
    Picture,
}

/// What is gone when a removal is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    Templates,
    Photo,
    /// Another command says that.
    Nothing,
}

/// The numbers of templates among these, each once.
fn numbers(things: &[Thing]) -> Vec<i16> {
    let numbers = things.iter().filter_map(|thing| match thing {
        Thing::Template { no, .. } => Some(*no),
        _ => None,
    });
    numbers.collect::<BTreeSet<i16>>().into_iter().collect()
}

/// What a terminal takes of what somebody is recognised by.
#[derive(Debug, Clone, Default)]
pub struct Abilities {
    is_access: bool,
    /// Types it takes as BIODATA.
    biodata: HashSet<i16>,
    biophoto: bool,
    picture: bool,
    /// Versions of its algorithms, by type.
    versions: HashMap<i16, HashSet<u32>>,
}

impl Abilities {
    pub fn speaks_biodata(&self) -> bool {
        !self.biodata.is_empty()
    }

    /// Whether somebody may be enrolled at it for this, as far as it has said. One that says nothing is an old one,
    /// for fingerprints.
    pub fn may_hold(&self, wire_type: i16) -> bool {
        self.versions.contains_key(&wire_type)
            || self.biodata.contains(&wire_type)
            || wire_type == VISIBLE_FACE && self.biophoto
            || wire_type == FINGER && self.versions.is_empty()
    }

    pub fn shows_pictures(&self) -> bool {
        self.picture && !self.is_access
    }

    /// What a terminal is told so that these things of one type are gone: all it has of the type
    /// (`whole`), or each by its number; and what of it each command's answer stands for.
    pub fn removal(
        &self,
        pin: &str,
        wire_type: i16,
        whole: bool,
        things: &[Thing],
    ) -> Vec<(Command, Takes)> {
        let pin = || pin.to_owned();
        let numbers = numbers(things);
        let has_templates = !numbers.is_empty();
        let has_photo = things.iter().any(|thing| thing.is_photo());
        let numbers: Vec<Option<i16>> = if whole && has_templates {
            vec![None]
        } else {
            numbers.into_iter().map(Some).collect()
        };
        let is_photo = wire_type == VISIBLE_FACE && (whole || has_photo);
        let mut commands = Vec::new();
        if self.is_access {
            if has_templates {
                let command = Command::AccessDeleteBiodata {
                    pin: pin(),
                    wire_type,
                };
                commands.push((command, Takes::Templates));
            }
            if is_photo {
                let command = Command::AccessDeleteBiophoto {
                    pin: pin(),
                    wire_type,
                };
                commands.push((command, Takes::Photo));
            }
            return commands;
        }
        // Of two commands for one store the one in whose rows it is told stands for both.
        let (older, newer) = if self.biodata.contains(&wire_type) {
            (Takes::Nothing, Takes::Templates)
        } else {
            (Takes::Templates, Takes::Nothing)
        };
        for number in &numbers {
            let command = match wire_type {
                FINGER => Some(Command::DeleteFinger {
                    pin: pin(),
                    finger: *number,
                }),
                FINGER_VEIN => Some(Command::DeleteFvein {
                    pin: pin(),
                    finger: *number,
                }),
                NEAR_INFRARED_FACE => Some(Command::DeleteFace { pin: pin() }),
                // The others are BIODATA alone.
                _ => None,
            };
            let newer = match command {
                None => Takes::Templates,
                Some(_) => newer,
            };
            commands.extend(command.map(|command| (command, older)));
            if self.speaks_biodata() {
                let command = Command::DeleteBiodata {
                    pin: pin(),
                    wire_type: Some(wire_type),
                    no: *number,
                };
                commands.push((command, newer));
            }
        }
        commands.dedup_by(|one, before| one.0 == before.0);
        if is_photo {
            let command = Command::DeleteBiophoto {
                pin: pin(),
                wire_type,
            };
            commands.push((command, Takes::Photo));
        }
        commands
    }

    /// Whether the removal of some things takes this one of the same type along: a number has parts, and some
    /// terminals know nothing smaller than all of a type.
    pub fn goes_along(&self, thing: Thing, removed: &[Thing]) -> bool {
        let Thing::Template { wire_type, no, .. } = thing else {
            return false;
        };
        let numbers = numbers(removed);
        !numbers.is_empty()
            && (self.is_access || wire_type == NEAR_INFRARED_FACE || numbers.contains(&no))
    }

    /// The things a terminal should have of somebody who has these, each with its place among them: of each kind
    /// the last it takes.
    pub fn chosen<'b>(
        &self,
        bodies: impl Iterator<Item = (usize, &'b Body)>,
    ) -> BTreeMap<Thing, (usize, Form)> {
        let mut chosen = BTreeMap::new();
        // A bad one, of the time when those were kept, is given to nobody.
        for (at, body) in bodies.filter(|(_, body)| body.valid > 0) {
            if let Ok(form) = self.form_of(body) {
                chosen.insert(body.thing(), (at, form));
            }
        }
        // A template of its own version does; a terminal makes a second one of the photo otherwise.
        let has_template = chosen.keys().any(
            |thing| matches!(thing, Thing::Template { wire_type, .. } if *wire_type == VISIBLE_FACE),
        );
        if has_template {
            chosen.remove(&Thing::EnrolmentPhoto {
                wire_type: VISIBLE_FACE,
            });
        }
        chosen
    }

    /// The form in which it takes this, or why it does not.
    pub fn form_of(&self, body: &Body) -> Result<Form, Unfit> {
        self.form(&body.make())
    }

    /// The same of whatever is made so.
    pub fn form(&self, make: &Make) -> Result<Form, Unfit> {
        match make.source.as_str() {
            "userpic" if self.shows_pictures() => Ok(Form::Picture),
            "userpic" => Err(Unfit::NoSensor),
            "biophoto" if !self.biophoto => Err(Unfit::NoSensor),
            "biophoto" if self.is_access => Ok(Form::AccessEnrolmentPhoto),
            "biophoto" => Ok(Form::EnrolmentPhoto),
            _ => self.form_of_template(make),
        }
    }

    fn form_of_template(&self, make: &Make) -> Result<Form, Unfit> {
        let Some(versions) = self.versions.get(&make.wire_type) else {
            return Err(Unfit::NoSensor);
        };
        if !make
            .version
            .is_some_and(|version| versions.contains(&version))
        {
            return Err(Unfit::OtherAlgorithm);
        }
        let takes_biodata = self.biodata.contains(&make.wire_type);
        match make.source.as_str() {
            _ if self.is_access && takes_biodata => Ok(Form::AccessBiodata),
            _ if self.is_access => Err(Unfit::NoSensor),
            "fp" => Ok(Form::Finger),
            "face" => Ok(Form::Face),
            "fvein" => Ok(Form::FingerVein),
            _ if takes_biodata => Ok(Form::Biodata),
            _ if make.wire_type == FINGER => Ok(Form::Finger),
            _ => Err(Unfit::NoSensor),
        }
    }

    fn add_version(&mut self, wire_type: i16, version: Option<u32>) {
        if let Some(version) = version.filter(|version| *version > 0) {
            self.versions.entry(wire_type).or_default().insert(version);
        }
    }
}

/// `10` of `10.0`, `39` of `Ver 39.3`.
pub fn major(text: &str) -> Option<u32> {
    let digits = text.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    let end = digits
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// What is asked of the database to know what these terminals take: what they say of themselves, and what
/// they have sent.
fn asked(places: &[Place]) -> [Sql; 2] {
    let ids = || json_list(places.iter().map(|place| place.id));
    let options = Sql::by_dialect(
        "SELECT terminal_id, name, value FROM terminal_option \
         WHERE terminal_id IN (SELECT value FROM json_each($1)) \
             AND name IN ('BioDataFun', 'BioPhotoFun', 'VisilightFun', 'MultiBioDataSupport', \
                 'MultiBioPhotoSupport', 'MultiBioVersion')",
        "SELECT terminal_id, name, value FROM terminal_option \
         WHERE terminal_id IN (SELECT CAST(jsonb_array_elements_text($1::jsonb) AS BIGINT)) \
             AND name IN ('BioDataFun', 'BioPhotoFun', 'VisilightFun', 'MultiBioDataSupport', \
                 'MultiBioPhotoSupport', 'MultiBioVersion')",
        [ids()],
    );
    let shown = Sql::by_dialect(
        "SELECT terminal_id, source, wire_type, major_ver FROM terminal_algorithm \
         WHERE terminal_id IN (SELECT value FROM json_each($1))",
        "SELECT terminal_id, source, wire_type, major_ver FROM terminal_algorithm \
         WHERE terminal_id IN (SELECT CAST(jsonb_array_elements_text($1::jsonb) AS BIGINT))",
        [ids()],
    );
    [options, shown]
}

/// What these terminals take, where it is to stay so until the transaction ends.
pub async fn abilities(tx: &mut Tx, places: &[Place]) -> Result<HashMap<i64, Abilities>> {
    let [options, shown] = asked(places);
    Ok(known(
        places,
        &tx.all(&options).await?,
        tx.all(&shown).await?,
    ))
}

/// The same for whoever looks only.
pub async fn abilities_now(app: &App, places: &[Place]) -> Result<HashMap<i64, Abilities>> {
    let [options, shown] = asked(places);
    Ok(known(
        places,
        &app.store.all(&options).await?,
        app.store.all(&shown).await?,
    ))
}

fn known(
    places: &[Place],
    options: &[(i64, String, String)],
    shown: Vec<(i64, String, i16, String)>,
) -> HashMap<i64, Abilities> {
    let mut said: HashMap<i64, HashMap<&str, &str>> = HashMap::new();
    for (terminal_id, name, value) in options {
        said.entry(*terminal_id).or_default().insert(name, value);
    }
    let nothing = HashMap::new();
    let mut found: HashMap<i64, Abilities> = places
        .iter()
        .map(|place| {
            let said = said.get(&place.id).unwrap_or(&nothing);
            (place.id, said_of_itself(place, said))
        })
        .collect();
    for (terminal_id, source, wire_type, version) in shown {
        let Some(abilities) = found.get_mut(&terminal_id) else {
            continue;
        };
        match source.as_str() {
            "biodata" => {
                abilities.biodata.insert(wire_type);
            }
            "biophoto" => abilities.biophoto = true,
            "userpic" => abilities.picture = true,
            _ => {}
        }
        abilities.add_version(wire_type, major(&version));
    }
    found
}

fn said_of_itself(place: &Place, said: &HashMap<&str, &str>) -> Abilities {
    let is_on = |name: &str| said.get(name).is_some_and(|value| value.trim() == "1");
    // `0:1:0:…`: one field for each type.
    let list = |name: &str| -> Vec<Option<u32>> {
        said.get(name)
            .map(|value| value.split(':').map(major).collect())
            .unwrap_or_default()
    };
    let mut abilities = Abilities {
        is_access: place.family() == Family::Access,
        biophoto: is_on("BioPhotoFun"),
        picture: place.photo_func_on,
        ..Abilities::default()
    };
    for (wire_type, support) in (0_i16..).zip(list("MultiBioDataSupport")) {
        if support == Some(1) {
            abilities.biodata.insert(wire_type);
        }
    }
    if is_on("BioDataFun") && !said.contains_key("MultiBioDataSupport") {
        abilities
            .biodata
            .extend([FINGER, NEAR_INFRARED_FACE, FINGER_VEIN, PALM, VISIBLE_FACE]);
    }
    let takes_photo = list("MultiBioPhotoSupport")
        .get(usize::from(VISIBLE_FACE.unsigned_abs()))
        .is_some_and(|support| *support == Some(1));
    abilities.biophoto |= takes_photo;
    for (wire_type, version) in (0_i16..).zip(list("MultiBioVersion")) {
        abilities.add_version(wire_type, version);
    }
    let version = |text: &Option<String>| text.as_deref().and_then(major);
    let face = version(&place.face_alg_ver);
    let face_type = if is_on("VisilightFun") || face >= Some(FIRST_VISIBLE_VERSION) {
        VISIBLE_FACE
    } else {
        NEAR_INFRARED_FACE
    };
    for (wire_type, version) in [
        (FINGER, version(&place.fp_alg_ver)),
        (face_type, face),
        (FINGER_VEIN, version(&place.fv_alg_ver)),
        (PALM, version(&place.palm_alg_ver)),
    ] {
        abilities.add_version(wire_type, version);
    }
    abilities
}

/// A terminal has sent such rows: it speaks this.
pub async fn note(
    tx: &mut Tx,
    terminal_id: i64,
    source: &str,
    wire_type: i16,
    major_ver: &str,
) -> Result<bool> {
    let added = tx
        .run(&Sql::new(
            "INSERT INTO terminal_algorithm (terminal_id, source, wire_type, major_ver) VALUES ($1, $2, $3, $4) \
             ON CONFLICT DO NOTHING",
            [
                terminal_id.into(),
                source.into(),
                wire_type.into(),
                major_ver.into(),
            ],
        ))
        .await?;
    Ok(added > 0)
}

/// Another device stands in its place.
pub async fn forget(tx: &mut Tx, terminal_id: i64) -> Result<()> {
    tx.run(&Sql::new(
        "DELETE FROM terminal_algorithm WHERE terminal_id = $1",
        [terminal_id.into()],
    ))
    .await?;
    Ok(())
}

/// What the server has of these people, the newest last; not what still waits for its person
/// ([`people::adopt`](crate::terminals::people::adopt)).
pub async fn bodies(app: &App, tx: &mut Tx, pins: &[&str]) -> Result<Vec<Body>> {
    Ok(tx.all(&bodies_asked(app, pins)).await?)
}

/// The same for whoever looks only.
pub async fn bodies_now(app: &App, pins: &[&str]) -> Result<Vec<Body>> {
    Ok(app.store.all(&bodies_asked(app, pins)).await?)
}

fn bodies_asked(app: &App, pins: &[&str]) -> Sql {
    Sql::by_dialect(
        "SELECT b.id, b.pin, b.wire_type, b.bio_no, b.bio_index, b.major_ver, b.minor_ver, b.bio_format, \
             b.source, b.valid, b.duress, b.digest, b.changed_at, t.fp_alg_ver, t.face_alg_ver, t.fv_alg_ver \
         FROM biometric AS b LEFT JOIN terminal AS t ON t.sn = b.terminal_sn \
         WHERE b.company_id = $1 AND b.pin IN (SELECT value FROM json_each($2)) AND b.employee_id IS NOT NULL \
         ORDER BY b.changed_at, b.id",
        "SELECT b.id, b.pin, b.wire_type, b.bio_no, b.bio_index, b.major_ver, b.minor_ver, b.bio_format, \
             b.source, b.valid, b.duress, b.digest, b.changed_at, t.fp_alg_ver, t.face_alg_ver, t.fv_alg_ver \
         FROM biometric AS b LEFT JOIN terminal AS t ON t.sn = b.terminal_sn \
         WHERE b.company_id = $1 AND b.pin = ANY(ARRAY(SELECT jsonb_array_elements_text($2::jsonb))) \
             AND b.employee_id IS NOT NULL \
         ORDER BY b.changed_at, b.id",
        [
            app.company.id.clone().into(),
            json_list(pins.iter().copied()),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::{Abilities, Body, Form, Place, major, said_of_itself};
    use std::collections::HashMap;

    fn place(family: &str) -> Place {
        Place {
            id: 1,
            family: family.into(),
            fp_alg_ver: Some("10.0".into()),
            face_alg_ver: Some("39".into()),
            fv_alg_ver: None,
            palm_alg_ver: None,
            photo_func_on: true,
        }
    }

    fn body(source: &str, wire_type: i16, major_ver: &str) -> Body {
        Body {
            id: 1,
            pin: "7".into(),
            wire_type,
            bio_no: 6,
            bio_index: 0,
            major_ver: major_ver.into(),
            minor_ver: String::new(),
            bio_format: 0,
            source: source.into(),
            valid: 1,
            duress: 0,
            digest: None,
            changed_at: chrono::DateTime::UNIX_EPOCH,
            fp_alg_ver: Some("10".into()),
            face_alg_ver: None,
            fv_alg_ver: None,
        }
    }

    fn of(family: &str, options: &[(&str, &str)]) -> Abilities {
        let said: HashMap<&str, &str> = options.iter().copied().collect();
        said_of_itself(&place(family), &said)
    }

    #[test]
    fn versions_are_compared_by_their_first_number() {
        assert_eq!(major("Ver 39.3"), Some(39));
        assert_eq!(major("10"), Some(10));
        assert_eq!(major(""), None);
    }

    #[test]
    fn a_template_goes_only_where_its_algorithm_is_and_in_rows_the_terminal_reads() {
        let visible = of(
            "attendance",
            &[
                ("MultiBioDataSupport", "0:1:0:0:0:0:0:0:1:1"),
                ("BioPhotoFun", "1"),
                ("VisilightFun", "1"),
            ],
        );
        assert_eq!(visible.form_of(&body("fp", 1, "")), Ok(Form::Finger));
        assert_eq!(
            visible.form_of(&body("biodata", 9, "39")),
            Ok(Form::Biodata)
        );
        assert!(visible.form_of(&body("biodata", 9, "58")).is_err());
        assert!(visible.form_of(&body("face", 2, "7")).is_err());
        assert_eq!(
            visible.form_of(&body("biophoto", 9, "")),
            Ok(Form::EnrolmentPhoto)
        );
        let plain = of("attendance", &[]);
        assert_eq!(plain.form_of(&body("biodata", 1, "10")), Ok(Form::Finger));
        assert!(plain.form_of(&body("biodata", 9, "39")).is_err());
        assert!(plain.form_of(&body("biophoto", 9, "")).is_err());
        let access = of("access", &[("MultiBioDataSupport", "0:0:0:0:0:0:0:0:0:1")]);
        assert_eq!(
            access.form_of(&body("biodata", 9, "39")),
            Ok(Form::AccessBiodata)
        );
        assert!(access.form_of(&body("fp", 1, "")).is_err());
        assert!(access.form_of(&body("userpic", 0, "")).is_err());
    }
}
