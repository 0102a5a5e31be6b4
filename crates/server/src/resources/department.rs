//! Departments: the organisation people work in. This file alone writes `department`.

use super::tree::{self, Numbers, Tree, Use, Words};
use crate::access::Thing;
use crate::appendix;
use crate::relation::{DEPARTMENT, Relation};
use crate::routes::Endpoint;

pub struct Department;

impl Tree for Department {
    const TABLE: &'static str = "department";
    const THING: Thing = Thing::Department;
    const PATH: &'static str = "/personnel/api/departments/";
    const RELATION: Relation = DEPARTMENT;
    const WORDS: Words = Words {
        code: "dept_code",
        name: "dept_name",
        parent: "parent_dept",
        parent_too: &["parent_dept_code"],
        parent_name: "parent_dept_name",
        import: "import_dept",
        below: counted!(
            "{count} department below it",
            "{count} departments below it"
        ),
    };
    const NUMBERS: Numbers = Numbers {
        empty: appendix::EMPTY_DEPARTMENT,
        taken: appendix::DEPARTMENT_EXISTS,
        absent: appendix::NO_DEPARTMENT,
        bad_parent: appendix::BAD_PARENT_DEPARTMENT,
        stays: appendix::DEPARTMENT_STAYS,
    };
    const USES: &'static [Use] = &Use::by_employees("department_id");
    const KEEPS_CODE: bool = true;
}

pub fn endpoints() -> Vec<Endpoint> {
    tree::endpoints::<Department>()
}
