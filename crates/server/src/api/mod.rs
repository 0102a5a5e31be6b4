//! The callers' door: the list of all endpoints of the REST API.

mod examples;
mod login;
mod openapi;

use crate::app::App;
use crate::config::Config;
use crate::punches::{hidden, transaction, unregistered};
use crate::resources::{
    area, biodata, department, employee, location, position, private_message, public_message,
    resignation,
};
use crate::routes::Registry;
use crate::terminals::{command_list, holdings, operation_list, terminal, unread_list};
use axum::Router;
use std::sync::Arc;

/// Every endpoint there is.
pub fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.extend(login::endpoints());
    registry.extend(area::endpoints());
    registry.extend(department::endpoints());
    registry.extend(position::endpoints());
    registry.extend(location::endpoints());
    registry.extend(employee::endpoints());
    registry.extend(resignation::endpoints());
    registry.extend(terminal::endpoints());
    registry.extend(command_list::endpoints());
    registry.extend(holdings::endpoints());
    registry.extend(operation_list::endpoints());
    registry.extend(unread_list::endpoints());
    registry.extend(biodata::endpoints());
    registry.extend(private_message::endpoints());
    registry.extend(public_message::endpoints());
    registry.extend(transaction::endpoints());
    registry.extend(unregistered::endpoints());
    registry.extend(hidden::endpoints());
    registry.extend(openapi::endpoints());
    registry
}

/// What the server mounts. What it does not know is left to whoever mounts it, which ends with
/// `routes::unknown`.
pub fn router(app: &Arc<App>) -> Router {
    registry().router(app)
}

/// The files of the repository that are made from the program: name and content.
pub fn generated() -> Vec<(&'static str, String)> {
    vec![
        ("config.example.toml", Config::example()),
        ("endpoints.txt", registry().listed()),
        ("openapi.json", openapi::text()),
    ]
}
