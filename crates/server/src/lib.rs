//! Muster: terminals push their punches here, other software reads and steers it through a REST
//! API, and people run it in a console.

// Its macros word every text below.
#[macro_use]
pub mod language;

pub mod access;
pub mod accounts;
pub mod answer;
pub mod api;
pub mod app;
pub mod appendix;
pub mod audit;
pub mod background;
pub mod backup;
pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod error;
pub mod events;
pub mod extract;
pub mod front;
pub mod gateway;
pub mod health;
pub mod input;
pub mod install;
pub mod jobs;
pub mod keys;
pub mod listener;
pub mod metrics;
pub mod passage;
pub mod password;
pub mod profile;
pub mod punches;
pub mod relation;
pub mod request;
pub mod resource;
pub mod resources;
pub mod routes;
pub mod runs;
pub mod scope;
pub mod sealed;
pub mod settings;
pub mod terminals;
pub mod times;
pub mod tls;
pub mod writing;
