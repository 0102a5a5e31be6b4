//! Locations: where people work. This file alone writes `location`.

use super::tree::{self, Numbers, Tree, Use, Words};
use crate::access::Thing;
use crate::relation::{LOCATION, Relation};
use crate::routes::Endpoint;

pub struct Location;

impl Tree for Location {
    const TABLE: &'static str = "location";
    const THING: Thing = Thing::Location;
    const PATH: &'static str = "/personnel/api/locations/";
    const RELATION: Relation = LOCATION;
    const WORDS: Words = Words {
        code: "location_code",
        name: "location_name",
        parent: "parent_location",
        parent_too: &["parent_location_code"],
        parent_name: "parent_location_name",
        import: "import_location",
        below: counted!("{count} location below it", "{count} locations below it"),
    };
    const EXPORT_NEEDS_TYPE: bool = true;
    const NUMBERS: Numbers = Numbers::NONE;
    const USES: &'static [Use] = &Use::by_employees("location_id");
}

pub fn endpoints() -> Vec<Endpoint> {
    tree::endpoints::<Location>()
}
