//! Positions: what people are employed as. This file alone writes `position`.

use super::tree::{self, Numbers, Tree, Use, Words};
use crate::access::Thing;
use crate::relation::{POSITION, Relation};
use crate::routes::Endpoint;

pub struct Position;

impl Tree for Position {
    const TABLE: &'static str = "position";
    const THING: Thing = Thing::Position;
    const PATH: &'static str = "/personnel/api/positions/";
    const RELATION: Relation = POSITION;
    const WORDS: Words = Words {
        code: "position_code",
        name: "position_name",
        parent: "parent_position",
        // The second is how the manual spells it for the export.
        parent_too: &["parent_position_code", "parent_positio_coden"],
        parent_name: "parent_position_name",
        import: "import_position",
        below: counted!("{count} position below it", "{count} positions below it"),
    };
    const NUMBERS: Numbers = Numbers::NONE;
    const USES: &'static [Use] = &Use::by_employees("position_id");
}

pub fn endpoints() -> Vec<Endpoint> {
    tree::endpoints::<Position>()
}
