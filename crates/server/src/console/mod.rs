//! The people's door: every page of the console stands in the list below, one file each.

/// A text with tags of HTML in it, for a template; values are escaped.
macro_rules! th {
    ($english:literal) => {
        ::askama::filters::Safe(::std::string::String::from(t!($english)))
    };
    ($english:literal, $($name:ident = $value:expr),+ $(,)?) => {
        ::askama::filters::Safe(t!($english, $($name = $crate::console::page::escaped(&$value)),+))
    };
}

mod account;
mod act;
mod arrival;
mod assets;
mod audit;
mod backups;
mod biometrics;
mod clients;
mod confirm;
mod employees;
mod failure;
mod form;
mod import;
mod languages;
mod live;
mod live_events;
mod meant;
mod menu;
mod messages;
mod moment;
mod myself;
mod one_terminal;
mod onward;
mod organisation;
mod page;
mod person;
mod photo;
mod place;
mod presence;
mod punch_photo;
mod punches;
mod record;
mod resignations;
mod rights;
mod search;
mod session;
mod settings;
mod sign_in;
mod system;
mod table;
mod terminals;
mod today;
mod told;
mod trees;
mod unread_line;
mod users;
mod views;
mod ways;
mod whom;
mod works;

use crate::accounts::client::Clients;
use crate::accounts::role::Roles;
use crate::accounts::user::Users;
use crate::app::App;
use crate::audit::Audit;
use crate::punches::hidden::Hidden;
use crate::punches::photo::Photographed;
use crate::punches::transaction::Transaction;
use crate::punches::unregistered::Unregistered;
use crate::resource::Removable;
use crate::resources::area::Area;
use crate::resources::biodata::Biodata;
use crate::resources::department::Department;
use crate::resources::employee::Employee;
use crate::resources::location::Location;
use crate::resources::position::Position;
use crate::resources::private_message::PrivateMessage;
use crate::resources::public_message::PublicMessage;
use crate::resources::resignation::Resignation;
use crate::resources::tree::Tree;
use crate::terminals::command_list::Listed as Commands;
use crate::terminals::holdings::Holdings;
use crate::terminals::operation_list::Operations;
use crate::terminals::terminal::Terminal;
use crate::terminals::unread_list::Unread;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use record::Edited;
use std::sync::Arc;
use table::Listed;
use tokio::sync::watch;

pub use failure::not_found;

/// No form of the console comes near this.
const LARGEST_FORM: usize = 64 * 1024;

/// Nothing is loaded or sent anywhere but here, and nobody frames a page.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; \
    base-uri 'none'";

/// What the pages share.
struct Console {
    app: Arc<App>,
    works: Arc<works::Works>,
    stop: watch::Receiver<bool>,
}

/// The pages, until `stop` turns true: then the live ones end, which would go on for ever.
pub fn router(app: Arc<App>, stop: watch::Receiver<bool>) -> Router {
    let console = Arc::new(Console {
        app,
        works: Arc::default(),
        stop,
    });
    let lists = Router::new()
        .merge(edited::<Employee>())
        .merge(imported::<Employee>())
        .merge(edited::<Department>())
        .merge(imported::<Department>())
        .merge(drawn::<Department>())
        .merge(edited::<Area>())
        .merge(imported::<Area>())
        .merge(drawn::<Area>())
        .merge(edited::<Position>())
        .merge(imported::<Position>())
        .merge(drawn::<Position>())
        .merge(edited::<Location>())
        .merge(imported::<Location>())
        .merge(drawn::<Location>())
        .merge(edited::<Resignation>())
        .merge(edited_beside::<Terminal>().route(
            "/terminals/{id}",
            get(one_terminal::page).post(record::save::<Terminal>),
        ))
        .merge(photographed::<Transaction>())
        .merge(photographed::<Unregistered>())
        .merge(photographed::<Hidden>())
        .merge(removable::<Biodata>())
        .merge(edited::<PublicMessage>())
        .merge(edited::<PrivateMessage>())
        .merge(listed::<Commands>())
        .merge(listed::<Holdings>())
        .merge(listed::<Operations>())
        .merge(listed::<Unread>())
        .merge(forms::<Clients>())
        .merge(forms::<Users>())
        .merge(edited::<Roles>())
        .merge(listed::<Audit>());
    Router::new()
        .merge(lists)
        .route("/", get(today::page))
        .route("/sign-in", get(sign_in::page).post(sign_in::submit))
        .route("/sign-in/code", post(sign_in::submit_code))
        .route("/sign-in/language", post(languages::choose))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/employees/{id}/photo", get(photo::page).post(photo::put))
        .route("/employees/{id}/photo/remove", post(photo::remove))
        .route("/employees/{id}/picture", get(photo::picture::<Employee>))
        .route("/commands/{id}/cancel", post(told::cancel))
        .route("/presence", get(presence::page))
        .route("/presence/file", get(presence::file))
        .route("/live", get(live::page))
        .route("/live/events", get(live_events::stream))
        .route("/live/terminals/{id}/authorise", post(live::authorise))
        .route("/clients/{id}/rotate", post(clients::rotate))
        .route("/clients/{id}/revoke", post(clients::revoke))
        .route("/users/{id}/end-sessions", post(users::end_sessions))
        .route(
            "/users/{id}/reset-second-factor",
            post(users::reset_second_factor),
        )
        .route("/audit/{id}", get(audit::page))
        .route("/unread/{id}", get(unread_line::page))
        .route("/employees/{id}/punches", get(person::page))
        .route("/work", get(works::list))
        .route("/work/{id}", get(works::page))
        .route("/search", get(search::page))
        .route("/system", get(system::page))
        .route("/system/backup", post(backups::make))
        .route("/settings", get(settings::page).post(settings::submit))
        .route("/account", get(myself::page))
        .route("/account/language", post(myself::language))
        .route("/account/password", post(myself::password))
        .route("/account/sessions", post(myself::end_sessions))
        .route("/account/second-factor", post(myself::begin_second_factor))
        .route(
            "/account/second-factor/confirm",
            post(myself::confirm_second_factor),
        )
        .route(
            "/account/second-factor/off",
            post(myself::second_factor_off),
        )
        .route("/assets/{*path}", get(assets::serve))
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .layer(middleware::map_response(protect))
        .layer(middleware::from_fn(languages::answer))
        .with_state(console)
}

/// A list with its files, and what can be done with its rows.
fn listed<R: Listed>() -> Router<Arc<Console>> {
    let name = R::VIEW.name;
    Router::new()
        .route(&format!("/{name}"), get(table::page::<R>))
        .route(&format!("/{name}/file"), get(table::file::<R>))
        .route(&format!("/{name}/do"), post(act::submit::<R>))
        .route(&format!("/{name}/columns"), post(views::choose::<R>))
        .route(&format!("/{name}/views"), post(views::add::<R>))
        .route(&format!("/{name}/views/remove"), post(views::remove::<R>))
}

/// A list of punches, of which photos may have been taken.
fn photographed<R: Listed + Photographed>() -> Router<Arc<Console>> {
    let name = R::VIEW.name;
    listed::<R>()
        .route(
            &format!("/{name}/{{id}}/photo"),
            get(punch_photo::page::<R>),
        )
        .route(&format!("/{name}/{{id}}/picture"), get(photo::picture::<R>))
}

/// A list whose rows can be removed.
fn removable<R: Listed + Removable>() -> Router<Arc<Console>> {
    listed::<R>().merge(removal::<R>())
}

fn removal<R: Listed + Removable>() -> Router<Arc<Console>> {
    let path = format!("/{}/remove", R::VIEW.name);
    Router::new().route(&path, post(record::remove::<R>))
}

/// A list whose rows are made.
fn made<R: Edited>() -> Router<Arc<Console>> {
    listed::<R>().route(
        &format!("/{}/new", R::VIEW.name),
        get(record::new::<R>).post(record::save::<R>),
    )
}

/// A list whose rows are made and changed.
fn forms<R: Edited>() -> Router<Arc<Console>> {
    made::<R>().route(
        &format!("/{}/{{id}}", R::VIEW.name),
        get(record::page::<R>).post(record::save::<R>),
    )
}

/// A list whose rows are made, changed and removed.
fn edited<R: Edited + Removable>() -> Router<Arc<Console>> {
    forms::<R>().merge(removal::<R>())
}

/// The same, of rows that have a page of their own beside the form.
fn edited_beside<R: Edited + Removable>() -> Router<Arc<Console>> {
    let path = format!("/{}/{{id}}/form", R::VIEW.name);
    made::<R>()
        .merge(removal::<R>())
        .route(&path, get(record::page::<R>))
}

/// Rows taken in from a file.
fn imported<R: Edited>() -> Router<Arc<Console>> {
    let path = format!("/{}/import", R::VIEW.name);
    Router::new()
        .route(&path, get(import::page::<R>).post(import::submit::<R>))
        .route(&format!("{path}/file"), get(import::empty::<R>))
}

/// Rows that stand in a tree, drawn as one.
fn drawn<T: Tree + Listed>() -> Router<Arc<Console>> {
    let path = format!("/{}/tree", T::VIEW.name);
    Router::new().route(&path, get(trees::page::<T>).post(trees::transplant::<T>))
}

/// The headers every answer of the console carries.
async fn protect(response: Response) -> Response {
    let mut response = response.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
