//! Tests through the doors: the wire, HTTP and the command line, on SQLite and on PostgreSQL.

mod console;
mod gateway;
mod kill;
mod testing;
