//! Tests through the doors: the wire, HTTP and the command line, on SQLite and on PostgreSQL.

#![recursion_limit = "256"]

mod api_access;
mod api_actions;
mod api_attacks;
mod api_biodata;
mod api_documents;
mod api_employees;
mod api_files;
mod api_http;
mod api_login;
mod api_photos;
mod api_punches;
mod api_refusals;
mod api_resignations;
mod api_terminals;
mod api_trees;
mod architecture;
mod attacks;
mod backups;
#[path = "../../../sheets/tests/book/mod.rs"]
mod book;
mod cli;
mod console;
mod console_accounts;
mod console_pages;
mod console_people;
mod console_sign_in;
mod console_terminal;
mod console_today;
mod console_trees;
mod console_views;
mod convergence;
mod gateway;
mod held_servers;
mod https;
mod keys;
mod kill;
mod messages;
mod metrics;
mod moving;
mod no_secret_in_a_log;
mod obedience;
mod people_on_terminals;
mod personnel_stories;
mod postgres;
mod process;
mod request_ids;
mod rest;
mod several_servers;
mod terminal_attacks;
mod terminal_commands;
mod terminal_logs;
mod testing;
mod usb_log;
