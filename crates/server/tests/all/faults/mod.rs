//! What breaks beside the server.

mod clock;
