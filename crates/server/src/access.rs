//! Who may do what to which rows. A handler that has a `Caller` has been authorised for its
//! endpoint's right; what it may see is in the caller's scope.

use crate::error::{Error, Result};
use crate::profile::Profile;
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// What a right is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Thing {
    Employee,
    Department,
    Area,
    Position,
    Location,
    Resignation,
    Transaction,
    Terminal,
    Biodata,
    Message,
    User,
    Role,
    Client,
    Audit,
    Setting,
}

impl Thing {
    pub const ALL: [Thing; 15] = [
        Thing::Employee,
        Thing::Department,
        Thing::Area,
        Thing::Position,
        Thing::Location,
        Thing::Resignation,
        Thing::Transaction,
        Thing::Terminal,
        Thing::Biodata,
        Thing::Message,
        Thing::User,
        Thing::Role,
        Thing::Client,
        Thing::Audit,
        Thing::Setting,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Thing::Employee => "employee",
            Thing::Department => "department",
            Thing::Area => "area",
            Thing::Position => "position",
            Thing::Location => "location",
            Thing::Resignation => "resignation",
            Thing::Transaction => "transaction",
            Thing::Terminal => "terminal",
            Thing::Biodata => "biodata",
            Thing::Message => "message",
            Thing::User => "user",
            Thing::Role => "role",
            Thing::Client => "client",
            Thing::Audit => "audit",
            Thing::Setting => "setting",
        }
    }

    /// What operators may not touch.
    fn belongs_to_administrators(self) -> bool {
        matches!(
            self,
            Thing::User | Thing::Role | Thing::Client | Thing::Setting
        )
    }
}

/// One thing a caller may do; written `employee.view`, `terminal.command` and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    View(Thing),
    Change(Thing),
    /// See templates.
    BiometricsView,
    /// See device passwords.
    CredentialsView,
    /// Send commands to terminals.
    TerminalCommand,
    /// Open doors.
    DoorUnlock,
    /// Take transactions out of the lists, and show them again.
    TransactionHide,
}

impl Right {
    pub fn all() -> impl Iterator<Item = Right> {
        Thing::ALL
            .into_iter()
            .flat_map(|thing| [Right::View(thing), Right::Change(thing)])
            .chain([
                Right::BiometricsView,
                Right::CredentialsView,
                Right::TerminalCommand,
                Right::DoorUnlock,
                Right::TransactionHide,
            ])
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Right::View(thing) => write!(f, "{}.view", thing.name()),
            Right::Change(thing) => write!(f, "{}.change", thing.name()),
            Right::BiometricsView => f.write_str("biometrics.view"),
            Right::CredentialsView => f.write_str("credentials.view"),
            Right::TerminalCommand => f.write_str("terminal.command"),
            Right::DoorUnlock => f.write_str("door.unlock"),
            Right::TransactionHide => f.write_str("transaction.hide"),
        }
    }
}

/// A right nobody knows.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no right; there are: administrator, operator, viewer, {known}", known = Right::all().map(|right| right.to_string()).collect::<Vec<_>>().join(", "))]
pub struct UnknownRight(String);

impl FromStr for Right {
    type Err = UnknownRight;

    fn from_str(text: &str) -> Result<Right, UnknownRight> {
        Right::all()
            .find(|right| right.to_string() == text)
            .ok_or_else(|| UnknownRight(text.to_owned()))
    }
}

/// A set of rights; kept in the database as a comma list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights(BTreeSet<Right>);

impl Rights {
    pub fn administrator() -> Rights {
        Rights(Right::all().collect())
    }

    /// Everything but users, roles, API clients and settings, and what takes punches out of lists.
    pub fn operator() -> Rights {
        Rights(
            Right::all()
                .filter(|right| match right {
                    Right::View(thing) | Right::Change(thing) => !thing.belongs_to_administrators(),
                    Right::TransactionHide => false,
                    _ => true,
                })
                .collect(),
        )
    }

    /// Sees what operators see, and changes nothing.
    pub fn viewer() -> Rights {
        Rights(
            Right::all()
                .filter(
                    |right| matches!(right, Right::View(thing) if !thing.belongs_to_administrators()),
                )
                .collect(),
        )
    }

    /// A comma list that was kept: a right nobody knows any more is one less.
    pub fn kept(list: &str) -> Rights {
        list.split(',')
            .filter_map(|name| name.trim().parse().ok())
            .collect()
    }

    pub fn allow(&self, right: Right) -> bool {
        self.0.contains(&right)
    }

    pub fn iter(&self) -> impl Iterator<Item = Right> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<Right> for Rights {
    fn from_iter<I: IntoIterator<Item = Right>>(rights: I) -> Self {
        Rights(rights.into_iter().collect())
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(Right::to_string).collect();
        f.write_str(&names.join(","))
    }
}

/// A comma list; the name of a built-in role stands for all that it allows.
impl FromStr for Rights {
    type Err = UnknownRight;

    fn from_str(text: &str) -> Result<Rights, UnknownRight> {
        let mut rights = BTreeSet::new();
        for name in text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            match name {
                "administrator" => rights.extend(Rights::administrator().0),
                "operator" => rights.extend(Rights::operator().0),
                "viewer" => rights.extend(Rights::viewer().0),
                name => {
                    rights.insert(name.parse()?);
                }
            }
        }
        Ok(Rights(rights))
    }
}

/// Which rows a caller sees; `None` is no limit, an empty list is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Scope {
    pub companies: Option<Vec<String>>,
    pub areas: Option<Vec<i64>>,
    pub departments: Option<Vec<i64>>,
    /// An employee's own rows alone.
    pub employee: Option<i64>,
}

impl Scope {
    /// Whether every row within the other is within this one too.
    pub fn covers(&self, other: &Scope) -> bool {
        self.covered(other).iter().all(|(_, covered)| *covered)
            && self.employee.is_none_or(|own| other.employee == Some(own))
    }

    /// The same for each of its limits, by their names.
    pub fn covered(&self, other: &Scope) -> [(&'static str, bool); 3] {
        fn covers<T: PartialEq>(wide: &Option<Vec<T>>, narrow: &Option<Vec<T>>) -> bool {
            match (wide, narrow) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(wide), Some(narrow)) => narrow.iter().all(|one| wide.contains(one)),
            }
        }
        [
            ("companies", covers(&self.companies, &other.companies)),
            ("areas", covers(&self.areas, &other.areas)),
            ("departments", covers(&self.departments, &other.departments)),
        ]
    }

    /// Whether some rows are beyond it. There is one company, so that its name alone limits nothing.
    pub fn is_limited(&self) -> bool {
        self.areas.is_some() || self.departments.is_some() || self.employee.is_some()
    }
}

/// Who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    User {
        id: i64,
        name: String,
    },
    Client {
        id: i64,
        name: String,
    },
    /// An employee who came through a staff door: reads what is his own, changes nothing.
    Staff {
        employee_id: i64,
        emp_code: String,
    },
    /// The server itself, or somebody at its command line.
    System,
}

/// Whoever a request comes from, with what he may do.
#[derive(Debug, Clone)]
pub struct Caller {
    pub who: Who,
    pub profile: Profile,
    pub rights: Rights,
    pub scope: Scope,
    pub address: Option<IpAddr>,
}

impl Caller {
    /// The server acting by itself, or the command line: everything is allowed.
    pub fn system() -> Caller {
        Caller {
            who: Who::System,
            profile: Profile::EasyTimePro,
            rights: Rights::administrator(),
            scope: Scope::default(),
            address: None,
        }
    }

    pub fn may(&self, right: Right) -> bool {
        self.rights.allow(right)
    }

    pub fn require(&self, right: Right) -> Result<()> {
        if self.may(right) {
            Ok(())
        } else {
            Err(Error::Forbidden)
        }
    }

    /// Whether somebody with these rights and this scope can do nothing that this caller cannot.
    pub fn covers(&self, rights: &Rights, scope: &Scope) -> bool {
        rights.iter().all(|right| self.may(right)) && self.scope.covers(scope)
    }

    /// The name under which deeds are written down.
    pub fn name(&self) -> &str {
        match &self.who {
            Who::User { name, .. } | Who::Client { name, .. } => name,
            Who::Staff { emp_code, .. } => emp_code,
            Who::System => "system",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Caller, Right, Rights, Scope, Thing};

    #[test]
    fn somebody_is_covered_by_who_may_as_much_and_sees_as_much() {
        let areas = |areas: &[i64]| Scope {
            areas: Some(areas.to_vec()),
            ..Scope::default()
        };
        let caller = Caller {
            rights: Rights::operator(),
            scope: areas(&[1, 2]),
            ..Caller::system()
        };
        assert!(caller.covers(&Rights::viewer(), &areas(&[2])));
        assert!(caller.covers(&Rights::operator(), &areas(&[])));
        assert!(!caller.covers(&Rights::administrator(), &areas(&[2])));
        assert!(!caller.covers(&Rights::viewer(), &areas(&[2, 3])));
        assert!(!caller.covers(&Rights::viewer(), &Scope::default()));
        assert!(Caller::system().covers(&Rights::administrator(), &areas(&[3])));
    }

    #[test]
    fn rights_are_written_and_read_alike() {
        let all = Rights::administrator();
        assert_eq!(all.to_string().parse::<Rights>().expect("known"), all);
        assert!("employee.view, terminal.fly".parse::<Rights>().is_err());
        let more = "viewer, terminal.command".parse::<Rights>().expect("known");
        assert!(more.allow(Right::TerminalCommand) && more.allow(Right::View(Thing::Area)));
        assert!(!more.allow(Right::Change(Thing::Area)));
    }

    #[test]
    fn an_operator_does_not_touch_users_and_a_viewer_changes_nothing() {
        let operator = Rights::operator();
        assert!(operator.allow(Right::Change(Thing::Employee)));
        assert!(operator.allow(Right::TerminalCommand));
        assert!(!operator.allow(Right::View(Thing::User)));
        let viewer = Rights::viewer();
        assert!(viewer.allow(Right::View(Thing::Terminal)));
        assert!(!viewer.allow(Right::BiometricsView));
        assert!(
            Right::all().all(|right| !matches!(right, Right::Change(_)) || !viewer.allow(right))
        );
    }
}
