//! The pages of what people and terminals are put into: departments, areas, positions, locations.

use crate::access::{Caller, Right};
use crate::console::record::{Asked, Edited, Entry, Group};
use crate::console::table::{self, Column, Filter, Listed, View};
use crate::relation::{AREA, DEPARTMENT, LOCATION, POSITION, Relation};
use crate::resource::Resource;
use crate::resources::area::Area;
use crate::resources::department::Department;
use crate::resources::location::Location;
use crate::resources::position::Position;

const STAYS: &str = "What is still in use is not removed: it is said by whom.";

/// The parent's name is the parameter, too.
const fn above(name: &'static str, label: &'static str, relation: Relation) -> Filter {
    Filter {
        name,
        label,
        asked: table::Asked::Related(relation),
    }
}

const fn code(name: &'static str) -> Entry {
    Entry::new(name, "Code", Asked::Text).required()
}

const fn name(name: &'static str) -> Entry {
    Entry::new(name, "Name", Asked::Text).required()
}

const fn parent(name: &'static str, relation: Relation) -> Entry {
    Entry::new(name, "Below", Asked::Related(relation)).hint("Nothing: at the top.")
}

impl Listed for Department {
    const IMPORTS: bool = true;
    const IS_TREE: bool = true;
    const VIEW: View = View {
        name: "departments",
        title: "Departments",
        one: "department",
        columns: &[
            Column::new("Code", &["dept_code"]).by("dept_code"),
            Column::new("Name", &["dept_name"]).by("dept_name"),
            Column::new("Below", &["parent_dept_name"]).by("parent_dept_name"),
        ],
        filters: &[above("parent_dept", "Below", DEPARTMENT)],
        order: "dept_code",
        empty: "",
        opens: true,
        removal: Some(STAYS),
    };

    /// A new one would be beyond what somebody limited may see.
    fn may_add(caller: &Caller) -> bool {
        caller.may(Right::Change(Self::THING)) && (DEPARTMENT.within)(&caller.scope).is_none()
    }
}

impl Edited for Department {
    const FORM: &'static [Group] = &[Group {
        title: "Department",
        entries: &[
            code("dept_code").fixed().hint("It never changes."),
            name("dept_name"),
            parent("parent_dept", DEPARTMENT),
        ],
    }];
}

impl Listed for Area {
    const IMPORTS: bool = true;
    const IS_TREE: bool = true;
    const VIEW: View = View {
        name: "areas",
        title: "Areas",
        one: "area",
        columns: &[
            Column::new("Code", &["area_code"]).by("area_code"),
            Column::new("Name", &["area_name"]).by("area_name"),
            Column::new("Below", &["parent_area_name"]).by("parent_area_name"),
        ],
        filters: &[above("parent_area", "Below", AREA)],
        order: "area_code",
        empty: "",
        opens: true,
        removal: Some(STAYS),
    };

    /// A new one would be beyond what somebody limited may see.
    fn may_add(caller: &Caller) -> bool {
        caller.may(Right::Change(Self::THING)) && (AREA.within)(&caller.scope).is_none()
    }
}

impl Edited for Area {
    const FORM: &'static [Group] = &[Group {
        title: "Area",
        entries: &[
            code("area_code"),
            name("area_name"),
            parent("parent_area", AREA),
        ],
    }];
}

impl Listed for Position {
    const IMPORTS: bool = true;
    const IS_TREE: bool = true;
    const VIEW: View = View {
        name: "positions",
        title: "Positions",
        one: "position",
        columns: &[
            Column::new("Code", &["position_code"]).by("position_code"),
            Column::new("Name", &["position_name"]).by("position_name"),
            Column::new("Below", &["parent_position_name"]).by("parent_position_name"),
        ],
        filters: &[above("parent_position", "Below", POSITION)],
        order: "position_code",
        empty: "",
        opens: true,
        removal: Some(STAYS),
    };
}

impl Edited for Position {
    const FORM: &'static [Group] = &[Group {
        title: "Position",
        entries: &[
            code("position_code"),
            name("position_name"),
            parent("parent_position", POSITION),
        ],
    }];
}

impl Listed for Location {
    const IMPORTS: bool = true;
    const IS_TREE: bool = true;
    const VIEW: View = View {
        name: "locations",
        title: "Locations",
        one: "location",
        columns: &[
            Column::new("Code", &["location_code"]).by("location_code"),
            Column::new("Name", &["location_name"]).by("location_name"),
            Column::new("Below", &["parent_location_name"]).by("parent_location_name"),
        ],
        filters: &[above("parent_location", "Below", LOCATION)],
        order: "location_code",
        empty: "",
        opens: true,
        removal: Some(STAYS),
    };
}

impl Edited for Location {
    const FORM: &'static [Group] = &[Group {
        title: "Location",
        entries: &[
            code("location_code"),
            name("location_name"),
            parent("parent_location", LOCATION),
        ],
    }];
}
