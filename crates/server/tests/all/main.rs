//! One binary for all tests of the server: each story in its own file, on both databases.

mod api_access;
mod api_documents;
mod api_employees;
mod api_http;
mod api_login;
mod api_punches;
mod api_terminals;
mod cli;
mod testing;
