//! Muster: terminals push their punches here, other software reads and steers it through a REST
//! API, and people run it in a console.

pub mod access;
pub mod app;
pub mod audit;
pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod error;
pub mod events;
pub mod front;
pub mod gateway;
pub mod install;
pub mod jobs;
pub mod keys;
pub mod listener;
pub mod password;
pub mod profile;
pub mod punches;
pub mod resources;
pub mod terminals;
