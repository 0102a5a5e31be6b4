//! All tests of the server over HTTP, in one program.

mod console;
