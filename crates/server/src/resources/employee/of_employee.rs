//! What lists share whose rows are an employee's: how they are asked for it.

use crate::resource::Field;
use crate::routes::Kind;

/// By code or id. What it compares is the list's own matter.
pub const ASKED: Field = Field::special(
    "employee",
    Kind::Reference,
    "Employees by code or id, with commas.",
);
pub const CODE_ASKED: Field = Field::new("emp_code", Kind::Text, ("employee", "emp_code"))
    .one_of()
    .contains()
    .or(&["pin"])
    .about("One code, or several with commas.");
pub const FIRST_NAME_ASKED: Field =
    Field::new("first_name", Kind::Text, ("employee", "first_name"))
        .exactly()
        .contains_part(0)
        .nullable();
pub const LAST_NAME_ASKED: Field = Field::new("last_name", Kind::Text, ("employee", "last_name"))
    .exactly()
    .contains_part(1)
    .nullable();
