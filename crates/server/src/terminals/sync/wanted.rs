//! How much of people terminals should hold, of many terminals at once: the sums of what `compare.rs` would
//! choose for each person. Terminals of one area share what is counted of its people.

use super::forms::{self, Make, Place};
use crate::app::App;
use crate::error::Result;
use crate::terminals::contact::NOT_AUTHORIZED;
use crate::terminals::people::BioKind;
use muster_store::{Sql, json_list};
use std::collections::{HashMap, HashSet};

/// What one terminal should hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    pub people: i64,
    /// Fingers, faces and so on that it takes, by the wire's type: each once, whatever it consists of.
    of_type: HashMap<i16, i64>,
}

impl Wanted {
    pub fn of(&self, kinds: &[BioKind]) -> i64 {
        let types = kinds.iter().flat_map(|kind| kind.wire_types());
        types
            .filter_map(|wire_type| self.of_type.get(wire_type))
            .sum()
    }
}

/// Things of people of one area that were made in the same ways, and how many.
#[derive(sqlx::FromRow)]
struct Alike {
    area_id: i64,
    wire_type: i16,
    /// A list in JSON; what makes one apart from others stands in it with [`BETWEEN`].
    makes: String,
    count: i64,
}

const BETWEEN: char = '\u{1f}';

/// What these terminals should hold, by id; nothing of those that are held, or were cleared and are left so.
/// Three looks at the database and two at what the terminals take, however many they are.
pub async fn wanted(app: &App, terminals: &[(Place, i64)]) -> Result<HashMap<i64, Wanted>> {
    let places: Vec<Place> = terminals.iter().map(|(place, _)| place.clone()).collect();
    let areas = terminals.iter().map(|(_, area_id)| *area_id);
    let mut areas: Vec<i64> = areas.filter(|area_id| *area_id != NOT_AUTHORIZED).collect();
    areas.sort_unstable();
    areas.dedup();
    if areas.is_empty() {
        return Ok(HashMap::new());
    }
    let asked = || {
        [
            app.company.id.clone().into(),
            json_list(areas.iter().copied()),
            app.today().into(),
        ]
    };
    let cleared: HashSet<(i64,)> = app
        .store
        .all(&Sql::new(
            "SELECT id FROM terminal WHERE cleared_by IS NOT NULL",
            [],
        ))
        .await?
        .into_iter()
        .collect();
    let people: Vec<(i64, i64)> = app
        .store
        .all(&Sql::by_dialect(
            "SELECT a.area_id, COUNT(*) FROM employee_area AS a JOIN employee AS e ON e.id = a.employee_id \
             WHERE a.area_id IN (SELECT value FROM json_each($2)) AND e.company_id = $1 AND e.status = 0 \
                 AND COALESCE(e.validity_start_on, $3) <= $3 AND COALESCE(e.validity_end_on, $3) >= $3 \
             GROUP BY a.area_id",
            "SELECT a.area_id, COUNT(*) FROM employee_area AS a JOIN employee AS e ON e.id = a.employee_id \
             WHERE a.area_id IN (SELECT CAST(jsonb_array_elements_text($2::jsonb) AS BIGINT)) AND e.company_id = $1 \
                 AND e.status = 0 AND COALESCE(e.validity_start_on, $3) <= $3 \
                 AND COALESCE(e.validity_end_on, $3) >= $3 \
             GROUP BY a.area_id",
            asked(),
        ))
        .await?;
    // Faces are counted by their people, everything else by its number. Where a row came from is looked up only
    // when it does not say by which version it was made: the column stands behind the template. SQLite joins in the
    // order of CROSS JOIN, from the areas: it would begin with everybody's templates.
    let alike: Vec<Alike> = app
        .store
        .all(&Sql::by_dialect(
            "SELECT area_id, wire_type, makes, COUNT(*) AS count FROM ( \
                 SELECT a.area_id, b.wire_type, json_group_array(DISTINCT b.source || char(31) || b.major_ver \
                     || char(31) || COALESCE(CASE b.source WHEN 'fp' THEN t.fp_alg_ver WHEN 'face' THEN t.face_alg_ver \
                         WHEN 'fvein' THEN t.fv_alg_ver END, '')) AS makes \
                 FROM employee_area AS a CROSS JOIN employee AS e ON e.id = a.employee_id \
                 CROSS JOIN biometric AS b ON b.company_id = e.company_id AND b.pin = e.emp_code AND b.employee_id = e.id \
                 LEFT JOIN terminal AS t ON t.sn = CASE WHEN b.major_ver = '' AND b.source IN ('fp', 'face', 'fvein') \
                     THEN b.terminal_sn END \
                 WHERE a.area_id IN (SELECT value FROM json_each($2)) AND e.company_id = $1 AND e.status = 0 \
                     AND COALESCE(e.validity_start_on, $3) <= $3 AND COALESCE(e.validity_end_on, $3) >= $3 \
                     AND b.source <> 'userpic' AND b.valid > 0 \
                 GROUP BY a.area_id, b.pin, b.wire_type, CASE WHEN b.wire_type IN (2, 9) THEN 0 ELSE b.bio_no END) \
             GROUP BY area_id, wire_type, makes",
            "SELECT area_id, wire_type, makes, COUNT(*) AS count FROM ( \
                 SELECT a.area_id, b.wire_type, CAST(json_agg(DISTINCT b.source || chr(31) || b.major_ver \
                     || chr(31) || COALESCE(CASE b.source WHEN 'fp' THEN t.fp_alg_ver WHEN 'face' THEN t.face_alg_ver \
                         WHEN 'fvein' THEN t.fv_alg_ver END, '')) AS TEXT) AS makes \
                 FROM employee_area AS a JOIN employee AS e ON e.id = a.employee_id \
                 JOIN biometric AS b ON b.company_id = e.company_id AND b.pin = e.emp_code AND b.employee_id = e.id \
                 LEFT JOIN terminal AS t ON b.major_ver = '' AND b.source IN ('fp', 'face', 'fvein') \
                     AND t.sn = b.terminal_sn \
                 WHERE a.area_id IN (SELECT CAST(jsonb_array_elements_text($2::jsonb) AS BIGINT)) \
                     AND e.company_id = $1 AND e.status = 0 AND COALESCE(e.validity_start_on, $3) <= $3 \
                     AND COALESCE(e.validity_end_on, $3) >= $3 AND b.source <> 'userpic' AND b.valid > 0 \
                 GROUP BY a.area_id, b.pin, b.wire_type, CASE WHEN b.wire_type IN (2, 9) THEN 0 ELSE b.bio_no END) AS p \
             GROUP BY area_id, wire_type, makes",
            asked(),
        ))
        .await?;
    let people: HashMap<i64, i64> = people.into_iter().collect();
    let mut of_area: HashMap<i64, Vec<(i16, Vec<Make>, i64)>> = HashMap::new();
    for one in &alike {
        let of_area = of_area.entry(one.area_id).or_default();
        of_area.push((one.wire_type, makes(one), one.count));
    }
    let abilities = forms::abilities_now(app, &places).await?;
    let mut found = HashMap::with_capacity(terminals.len());
    for (place, area_id) in terminals {
        if *area_id == NOT_AUTHORIZED || cleared.contains(&(place.id,)) {
            continue;
        }
        let mut wanted = Wanted {
            people: people.get(area_id).copied().unwrap_or(0),
            of_type: HashMap::new(),
        };
        let Some(abilities) = abilities.get(&place.id) else {
            continue;
        };
        for (wire_type, makes, count) in of_area.get(area_id).into_iter().flatten() {
            if makes.iter().any(|make| abilities.form(make).is_ok()) {
                *wanted.of_type.entry(*wire_type).or_default() += count;
            }
        }
        found.insert(place.id, wanted);
    }
    Ok(found)
}

fn makes(alike: &Alike) -> Vec<Make> {
    let texts: Vec<String> = serde_json::from_str(&alike.makes).unwrap_or_default();
    let make = |text: &String| {
        let mut parts = text.split(BETWEEN);
        let mut part = || parts.next().unwrap_or_default();
        let (source, version, own) = (part(), part(), part());
        Make::new(source, alike.wire_type, version, Some(own))
    };
    texts.iter().map(make).collect()
}
