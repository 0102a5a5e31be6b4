//! Which rows a caller sees, as a condition. Lists and reads, bulk actions, exports and imports,
//! and the console's live pages all ask here.

use crate::access::Scope;
use crate::resource::{Column, col};
use sea_query::{Alias, Cond, Condition, ExprTrait, SelectStatement};

/// By which of its columns a row belongs to somebody.
#[derive(Debug, Clone, Copy)]
pub enum Owner {
    Company(Column),
    Area(Column),
    /// The id of an employee, who has areas.
    EmployeeInAreas(Column),
    Department(Column),
    /// The code of an employee, who has a department; none is nobody's.
    PersonInDepartments(Column),
    /// The id of an employee: what is somebody's own.
    Employee(Column),
}

impl Scope {
    /// The rows within it, where they say by these columns whose they are. What no column says
    /// limits nothing.
    pub fn rows(&self, owners: &[Owner]) -> Condition {
        let mut within = Cond::all();
        for owner in owners {
            within = within.add_option(match *owner {
                Owner::Company(column) => self
                    .companies
                    .as_ref()
                    .map(|companies| col(column).is_in(companies.iter().cloned())),
                Owner::Area(column) => self
                    .areas
                    .as_ref()
                    .map(|areas| col(column).is_in(areas.iter().copied())),
                Owner::EmployeeInAreas(column) => self.areas.as_ref().map(|areas| {
                    let mut people = SelectStatement::new();
                    people
                        .column(Alias::new("employee_id"))
                        .from(Alias::new("employee_area"))
                        .and_where(col(("employee_area", "area_id")).is_in(areas.iter().copied()));
                    col(column).in_subquery(people)
                }),
                Owner::Department(column) => self
                    .departments
                    .as_ref()
                    .map(|departments| col(column).is_in(departments.iter().copied())),
                Owner::PersonInDepartments(column) => {
                    self.departments.as_ref().map(|departments| {
                        let of_department = col(("employee", "department_id"));
                        let mut people = SelectStatement::new();
                        people
                            .column(Alias::new("emp_code"))
                            .from(Alias::new("employee"))
                            .and_where(of_department.is_in(departments.iter().copied()));
                        col(column).is_null().or(col(column).in_subquery(people))
                    })
                }
                Owner::Employee(column) => self.employee.map(|own| col(column).eq(own)),
            });
        }
        within
    }
}
