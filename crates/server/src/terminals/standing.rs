//! How somebody stands on each terminal: of the record, the fingers, the face and so on, whether it is there, on its way
//! or refused, and what a terminal cannot be given at all.

use crate::access::Caller;
use crate::app::App;
use crate::error::Result;
use crate::resource::col;
use crate::resources::employee;
use crate::terminals::contact::NOT_AUTHORIZED;
use crate::terminals::holdings::{self, Row};
use crate::terminals::people::BioKind;
use crate::terminals::sync::{self, Abilities, Body, Place, Thing, Unfit};
use crate::terminals::terminal;
use muster_store::Sql;
use sea_query::{Cond, ExprTrait, SelectStatement};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What is told of one terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Record,
    /// The leave to pass, of access terminals.
    Door,
    Fingers,
    Face,
    Palm,
    Veins,
    Photo,
}

/// How it is with things of one kind; of several the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    There,
    /// It should be there, and nobody has told the terminal yet.
    Untold,
    OnItsWay,
    BeingRemoved,
    Unknown,
    Later,
    Refused,
    /// The terminal has nothing to use it with, or another algorithm.
    NotPossible(Unfit),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    pub how: How,
    /// So many of those that should be there are.
    pub there: usize,
    pub of: usize,
}

#[derive(Debug, Clone)]
pub struct Standing {
    pub terminal_id: i64,
    pub alias: String,
    pub sn: String,
    pub parts: BTreeMap<Kind, Part>,
    /// Why something is not as it should be.
    pub reasons: Vec<String>,
}

impl Kind {
    fn of(thing: Thing) -> Option<Kind> {
        Some(match thing {
            Thing::User => Kind::Record,
            Thing::Door => Kind::Door,
            Thing::Picture => Kind::Photo,
            Thing::Template { wire_type, .. } | Thing::EnrolmentPhoto { wire_type } => {
                let is_of = |kind: BioKind| kind.wire_types().contains(&wire_type);
                match wire_type {
                    _ if is_of(BioKind::Finger) => Kind::Fingers,
                    _ if is_of(BioKind::Face) || is_of(BioKind::VisibleFace) => Kind::Face,
                    _ if is_of(BioKind::Palm) => Kind::Palm,
                    _ if is_of(BioKind::FingerVein) => Kind::Veins,
                    _ => return None,
                }
            }
        })
    }
}

/// Which of its kind a thing is a part of: a finger may have several templates, and somebody has one face.
fn number(thing: Thing) -> i16 {
    match (Kind::of(thing), thing) {
        (Some(Kind::Fingers | Kind::Palm | Kind::Veins), Thing::Template { no, .. }) => no,
        _ => 0,
    }
}

/// A terminal somebody belongs on.
#[derive(sqlx::FromRow)]
struct Belongs {
    sn: String,
    alias: String,
    #[sqlx(flatten)]
    place: Place,
}

/// All terminals somebody belongs on or is on, of those the caller may see, by name.
pub async fn standing(
    app: &App,
    caller: &Caller,
    employee_id: i64,
    pin: &str,
) -> Result<Vec<Standing>> {
    let held = holdings::of_pin(app, caller, pin).await?;
    let belongs = belongs(app, caller, employee_id).await?;
    let places: Vec<Place> = belongs.iter().map(|one| one.place.clone()).collect();
    let abilities = sync::abilities_now(app, &places).await?;
    let bodies = sync::bodies_now(app, &[pin]).await?;
    let photo: Option<(i64,)> = app
        .store
        .find(&Sql::new(
            "SELECT employee_id FROM employee_photo WHERE employee_id = $1",
            [employee_id.into()],
        ))
        .await?;
    let mut by_terminal: HashMap<i64, Vec<&Row>> = HashMap::new();
    for row in &held {
        by_terminal.entry(row.terminal_id).or_default().push(row);
    }
    let mut found = Vec::new();
    for one in belongs {
        let held = by_terminal.remove(&one.place.id).unwrap_or_default();
        let abilities = abilities.get(&one.place.id).cloned().unwrap_or_default();
        let wanted = wanted(&one.place, &abilities, &bodies, photo.is_some());
        found.push(Standing {
            parts: parts(&wanted, &held),
            reasons: reasons(&held),
            terminal_id: one.place.id,
            alias: one.alias,
            sn: one.sn,
        });
    }
    for held in by_terminal.into_values() {
        let Some(first) = held.first() else { continue };
        found.push(Standing {
            terminal_id: first.terminal_id,
            alias: first.terminal_alias.clone(),
            sn: first.terminal_sn.clone(),
            parts: parts(&BTreeMap::new(), &held),
            reasons: reasons(&held),
        });
    }
    found.sort_by_cached_key(|one| (one.alias.to_lowercase(), one.sn.clone()));
    Ok(found)
}

/// As `sync/compare.rs` has it of one person.
async fn belongs(app: &App, caller: &Caller, employee_id: i64) -> Result<Vec<Belongs>> {
    let today = app.today();
    let of = |name: &'static str| col(("terminal", name));
    let person = |name: &'static str| col(("employee", name));
    let mut select = SelectStatement::new();
    for name in [
        "id",
        "sn",
        "alias",
        "family",
        "fp_alg_ver",
        "face_alg_ver",
        "fv_alg_ver",
        "palm_alg_ver",
        "photo_func_on",
    ] {
        select.expr(of(name));
    }
    select
        .from("employee")
        .inner_join(
            "employee_area",
            col(("employee_area", "employee_id")).eq(person("id")),
        )
        .inner_join(
            "terminal",
            of("area_id").eq(col(("employee_area", "area_id"))),
        )
        .and_where(person("id").eq(employee_id))
        .and_where(person("status").eq(employee::VALID))
        .and_where(of("area_id").ne(NOT_AUTHORIZED))
        .and_where(of("cleared_by").is_null())
        .cond_where(
            Cond::any()
                .add(person("validity_start_on").is_null())
                .add(person("validity_start_on").lte(today)),
        )
        .cond_where(
            Cond::any()
                .add(person("validity_end_on").is_null())
                .add(person("validity_end_on").gte(today)),
        )
        .cond_where(terminal::within(&caller.scope));
    Ok(app.store.all(&select).await?)
}

/// What should be on a terminal, by kind and number; of what it does not take why.
type Wanted = BTreeMap<Kind, BTreeMap<i16, Result<BTreeSet<Thing>, Unfit>>>;

fn wanted(place: &Place, abilities: &Abilities, bodies: &[Body], has_photo: bool) -> Wanted {
    let mut wanted = Wanted::new();
    let mut want = |thing: Thing| {
        if let Some(kind) = Kind::of(thing) {
            let one = wanted.entry(kind).or_default().entry(number(thing));
            if let Ok(things) = one.or_insert_with(|| Ok(BTreeSet::new())) {
                things.insert(thing);
            }
        }
    };
    want(Thing::User);
    if place.is_access() {
        want(Thing::Door);
    }
    for thing in abilities.chosen(bodies.iter().enumerate()).into_keys() {
        want(thing);
    }
    let photo = abilities.shows_pictures();
    if has_photo && photo {
        want(Thing::Picture);
    }
    let mut refuse = |thing: Thing, unfit: Unfit| {
        if let Some(kind) = Kind::of(thing) {
            let one = wanted.entry(kind).or_default().entry(number(thing));
            // What is nearest to being possible is told.
            if let Err(known) = one.or_insert(Err(unfit)) {
                *known = unfit.min(*known);
            }
        }
    };
    for body in bodies {
        if let Err(unfit) = abilities.form_of(body) {
            refuse(body.thing(), unfit);
        }
    }
    if has_photo && !photo {
        refuse(Thing::Picture, Unfit::NoSensor);
    }
    wanted
}

/// How a thing stands by what is known of it.
fn how(row: &Row) -> How {
    match row.state.as_str() {
        "queued" | "sent" if row.is_removal => How::BeingRemoved,
        "queued" | "sent" => How::OnItsWay,
        "confirmed" | "own" => How::There,
        "waits" => How::Later,
        "failed" => How::Refused,
        _ => How::Unknown,
    }
}

fn parts(wanted: &Wanted, held: &[&Row]) -> BTreeMap<Kind, Part> {
    let mut hows: BTreeMap<Kind, BTreeMap<i16, How>> = BTreeMap::new();
    let mut tell = |kind, number, how: How| {
        let of = hows.entry(kind).or_default().entry(number).or_insert(how);
        *of = how.max(*of);
    };
    let held: BTreeMap<Thing, How> = held
        .iter()
        .filter_map(|row| Some((Thing::parse(&row.thing)?, how(row))))
        .collect();
    for (kind, numbers) in wanted {
        for (number, things) in numbers {
            match things {
                Err(unfit) => tell(*kind, *number, How::NotPossible(*unfit)),
                Ok(things) => {
                    for thing in things {
                        let how = held.get(thing).copied().unwrap_or(How::Untold);
                        tell(*kind, *number, how);
                    }
                }
            }
        }
    }
    for (thing, how) in &held {
        let Some(kind) = Kind::of(*thing) else {
            continue;
        };
        let meant = wanted.get(&kind).and_then(|of| of.get(&number(*thing)));
        let is_told = matches!(meant, Some(Ok(things)) if things.contains(thing));
        // It has one of its own in place of what it could be given, or one that is on its way out.
        if !is_told && (meant.is_none() || *how != How::There) {
            tell(kind, number(*thing), *how);
        }
    }
    hows.into_iter()
        .map(|(kind, numbers)| (kind, sum(numbers.values().copied())))
        .collect()
}

fn sum(hows: impl Iterator<Item = How> + Clone) -> Part {
    let possible = hows
        .clone()
        .filter(|how| !matches!(how, How::NotPossible(_)));
    let there = possible.clone().filter(|how| *how == How::There).count();
    let worst = possible.clone().max();
    Part {
        // What cannot be is told only where nothing else can be.
        how: worst.or_else(|| hows.min()).unwrap_or(How::Unknown),
        there,
        of: possible.count(),
    }
}

fn reasons(held: &[&Row]) -> Vec<String> {
    let mut reasons: Vec<String> = Vec::new();
    for row in held {
        if let Some(reason) = holdings::reason(row)
            && !reasons.iter().any(|known| *known == reason)
        {
            reasons.push(reason.into_owned());
        }
    }
    reasons
}
