//! The pages of what people and terminals are put into: departments, areas, positions, locations.

use crate::access::{Caller, Right};
use crate::console::record::{Asked, Edited, Entry, Group};
use crate::console::table::{self, Column, Filter, Listed, View};
use crate::language::Text;
use crate::relation::{AREA, DEPARTMENT, LOCATION, POSITION, Relation};
use crate::resource::Resource;
use crate::resources::area::Area;
use crate::resources::department::Department;
use crate::resources::location::Location;
use crate::resources::position::Position;

const STAYS: Text = t!("What is still in use is not removed: it is said by whom.");

/// The parent's name is the parameter, too.
const fn above(name: &'static str, label: Text, relation: Relation) -> Filter {
    Filter {
        name,
        label,
        asked: table::Asked::Related(relation),
    }
}

const fn code(name: &'static str) -> Entry {
    Entry::new(name, t!("Code"), Asked::Text).required()
}

const fn name(name: &'static str) -> Entry {
    Entry::new(name, t!("Name"), Asked::Text).required()
}

const fn parent(name: &'static str, relation: Relation) -> Entry {
    Entry::new(name, t!("Below"), Asked::Related(relation)).hint(t!("Nothing: at the top."))
}

impl Listed for Department {
    const IMPORTS: bool = true;
    const IS_TREE: bool = true;
    const VIEW: View = View {
        name: "departments",
        title: t!("Departments"),
        new: t!("New department"),
        remove: t!("Remove this department"),
        columns: &[
            Column::new(t!("Code"), &["dept_code"]).by("dept_code"),
            Column::new(t!("Name"), &["dept_name"]).by("dept_name"),
            Column::new(t!("Below"), &["parent_dept_name"]).by("parent_dept_name"),
        ],
        filters: &[above("parent_dept", t!("Below"), DEPARTMENT)],
        order: "dept_code",
        empty: Text::none(),
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
        title: t!("Department"),
        entries: &[
            code("dept_code").fixed().hint(t!("It never changes.")),
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
        title: t!("Areas"),
        new: t!("New area"),
        remove: t!("Remove this area"),
        columns: &[
            Column::new(t!("Code"), &["area_code"]).by("area_code"),
            Column::new(t!("Name"), &["area_name"]).by("area_name"),
            Column::new(t!("Below"), &["parent_area_name"]).by("parent_area_name"),
        ],
        filters: &[above("parent_area", t!("Below"), AREA)],
        order: "area_code",
        empty: Text::none(),
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
        title: t!("Area"),
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
        title: t!("Positions"),
        new: t!("New position"),
        remove: t!("Remove this position"),
        columns: &[
            Column::new(t!("Code"), &["position_code"]).by("position_code"),
            Column::new(t!("Name"), &["position_name"]).by("position_name"),
            Column::new(t!("Below"), &["parent_position_name"]).by("parent_position_name"),
        ],
        filters: &[above("parent_position", t!("Below"), POSITION)],
        order: "position_code",
        empty: Text::none(),
        opens: true,
        removal: Some(STAYS),
    };
}

impl Edited for Position {
    const FORM: &'static [Group] = &[Group {
        title: t!("Position"),
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
        title: t!("Locations"),
        new: t!("New location"),
        remove: t!("Remove this location"),
        columns: &[
            Column::new(t!("Code"), &["location_code"]).by("location_code"),
            Column::new(t!("Name"), &["location_name"]).by("location_name"),
            Column::new(t!("Below"), &["parent_location_name"]).by("parent_location_name"),
        ],
        filters: &[above("parent_location", t!("Below"), LOCATION)],
        order: "location_code",
        empty: Text::none(),
        opens: true,
        removal: Some(STAYS),
    };
}

impl Edited for Location {
    const FORM: &'static [Group] = &[Group {
        title: t!("Location"),
        entries: &[
            code("location_code"),
            name("location_name"),
            parent("parent_location", LOCATION),
        ],
    }];
}
