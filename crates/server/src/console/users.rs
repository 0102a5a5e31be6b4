//! The pages of those who run the server: users, and the roles that say what they may do.

use crate::access::{Caller, Right, Thing};
use crate::accounts::role::Roles;
use crate::accounts::user::Users;
use crate::console::record::{Asked, Edited, Entry, Group};
use crate::console::table::{self, Column, Filter, Listed, View, Words};
use crate::relation::{AREA, DEPARTMENT};
use serde_json::Value;

impl Listed for Users {
    const VIEW: View = View {
        name: "users",
        title: "Users",
        one: "user",
        columns: &[
            Column::new("User name", &["username"]).by("username"),
            Column::new("E-mail", &["email"]).by("email"),
            Column::new("Role", &["role.name"]).by("role"),
            Column::new("State", &["active"])
                .by("active")
                .words(Words::State(&[
                    ("Yes", "May sign in", true),
                    ("No", "Shut out", false),
                ])),
            Column::new("Areas", &["areas.area_name"]),
            Column::new("Departments", &["departments.dept_name"]),
            Column::new("Last sign-in", &["last_login"]).by("last_login"),
            Column::new("Added", &["create_time"]).by("create_time"),
        ],
        filters: &[Filter {
            name: "active",
            label: "State",
            asked: table::Asked::OneOf(&[("true", "May sign in"), ("false", "Shut out")]),
        }],
        order: "username",
        empty: "",
        opens: true,
        removal: None,
    };
}

impl Edited for Users {
    const FORM: &'static [Group] = &[Group {
        title: "User",
        entries: &[
            Entry::new("username", "User name", Asked::Text)
                .required()
                .fixed()
                .hint("It never changes: it stands in the audit."),
            Entry::new("email", "E-mail", Asked::Text)
                .hint("Can be typed at the sign-in in place of the name."),
            Entry::new("role", "Role", Asked::Role)
                .required()
                .hint("What the user may do, and where."),
            Entry::new("password", "Password", Asked::Secret)
                .required()
                .hint(
                    "At least 8 characters. A new one ends all that is signed in; left empty it stays as it is.",
                ),
            Entry::new("active", "May sign in", Asked::Flag).initially("true"),
        ],
    }];

    fn may_edit(caller: &Caller, stored: Option<&Value>) -> bool {
        let is_above = stored.is_some_and(|stored| stored["is_above"] == true);
        caller.may(Right::Change(Thing::User)) && !is_above
    }
}

impl Listed for Roles {
    const VIEW: View = View {
        name: "roles",
        title: "Roles",
        one: "role",
        columns: &[
            Column::new("Name", &["name"]).by("name"),
            Column::new("Kind", &["built_in"])
                .by("built_in")
                .words(Words::Of(&[("Yes", "Built in"), ("No", "Own")])),
            Column::new("Users", &["users"]).by("users").number(),
            Column::new("Areas", &["areas.area_name"]),
            Column::new("Departments", &["departments.dept_name"]),
        ],
        filters: &[],
        order: "id",
        empty: "",
        opens: true,
        removal: Some("Roles that users have stay, and so do the built-in ones."),
    };
}

impl Edited for Roles {
    const FORM: &'static [Group] = &[
        Group {
            title: "Role",
            entries: &[Entry::new("name", "Name", Asked::Text).required()],
        },
        Group {
            title: "Limited to",
            entries: &[
                Entry::new("areas", "Areas", Asked::SeveralRelated(AREA))
                    .hint("None chosen: everywhere."),
                Entry::new(
                    "departments",
                    "Departments",
                    Asked::SeveralRelated(DEPARTMENT),
                )
                .hint("None chosen: all."),
            ],
        },
        Group {
            title: "May do",
            entries: &[Entry::new("rights", "Rights", Asked::Rights).initially("viewer")],
        },
    ];

    fn may_edit(caller: &Caller, stored: Option<&Value>) -> bool {
        let is_fixed =
            stored.is_some_and(|stored| stored["built_in"] == true || stored["is_above"] == true);
        caller.may(Right::Change(Thing::Role)) && !is_fixed
    }
}
