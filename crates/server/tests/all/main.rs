//! Tests through the doors: the wire, HTTP and the command line, on SQLite and on PostgreSQL.

#![recursion_limit = "256"]

mod api_access;
mod api_login;
mod api_terminals;
mod architecture;
mod console;
mod gateway;
mod kill;
mod rest;
mod testing;
