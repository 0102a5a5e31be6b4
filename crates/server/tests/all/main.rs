//! Tests through the doors: the wire, HTTP and the command line, on SQLite and on PostgreSQL.

mod api_login;
mod architecture;
mod console;
mod gateway;
mod kill;
mod rest;
mod testing;
