//! The console's menu: every page that stands in it, and who may see it.

use crate::access::{Caller, Right, Thing};
use crate::accounts::client::Clients;
use crate::accounts::role::Roles;
use crate::accounts::user::Users;
use crate::audit::Audit;
use crate::console::page::{Group, Link};
use crate::console::settings;
use crate::console::system;
use crate::console::table::Listed;
use crate::punches::hidden::Hidden;
use crate::punches::transaction::Transaction;
use crate::punches::unregistered::Unregistered;
use crate::resources::area::Area;
use crate::resources::biodata::Biodata;
use crate::resources::department::Department;
use crate::resources::employee::Employee;
use crate::resources::location::Location;
use crate::resources::position::Position;
use crate::resources::private_message::PrivateMessage;
use crate::resources::public_message::PublicMessage;
use crate::resources::resignation::Resignation;
use crate::terminals::command_list::Listed as Commands;
use crate::terminals::holdings::Holdings;
use crate::terminals::operation_list::Operations;
use crate::terminals::terminal::Terminal;
use crate::terminals::unread_list::Unread;

/// The pages there are for somebody; groups without one are left out.
pub fn of(caller: &Caller) -> Vec<Group> {
    let live =
        caller.may(Right::View(Thing::Terminal)) || caller.may(Right::View(Thing::Transaction));
    let settings = caller.may(Right::View(Thing::Setting));
    let page = |title, address: &str| Link {
        title,
        address: address.into(),
    };
    let groups = [
        (
            t!("Now"),
            vec![
                Some(page(t!("Today"), "/")),
                live.then(|| page(t!("Live"), "/live")),
            ],
        ),
        (
            t!("People"),
            vec![
                list::<Employee>(caller),
                list::<Department>(caller),
                list::<Position>(caller),
                list::<Location>(caller),
                list::<Resignation>(caller),
                list::<Biodata>(caller),
            ],
        ),
        (
            t!("Places"),
            vec![
                list::<Terminal>(caller),
                list::<Area>(caller),
                list::<Holdings>(caller),
                list::<Commands>(caller),
                list::<Operations>(caller),
                list::<Unread>(caller),
            ],
        ),
        (
            t!("Punches"),
            vec![
                list::<Transaction>(caller),
                list::<Unregistered>(caller),
                list::<Hidden>(caller),
            ],
        ),
        (
            t!("Messages"),
            vec![
                list::<PublicMessage>(caller),
                list::<PrivateMessage>(caller),
            ],
        ),
        (
            t!("Administration"),
            vec![
                list::<Clients>(caller),
                list::<Users>(caller),
                list::<Roles>(caller),
                list::<Audit>(caller),
                settings.then(|| page(system::SYSTEM, "/system")),
                settings.then(|| page(settings::TITLE, "/settings")),
            ],
        ),
    ];
    groups
        .into_iter()
        .map(|(title, pages)| Group {
            title,
            pages: pages.into_iter().flatten().collect(),
        })
        .filter(|group| !group.pages.is_empty())
        .collect()
}

fn list<R: Listed>(caller: &Caller) -> Option<Link> {
    caller.may(Right::View(R::THING)).then(|| Link {
        title: R::VIEW.title,
        address: format!("/{}", R::VIEW.name),
    })
}
