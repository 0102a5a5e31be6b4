//! The terminals' door: their dialect of HTTP, who is let in, what they bring and what they get.

pub mod downlink;
pub mod reply;
pub mod routes;
pub mod session;
pub mod talk;
pub mod unread;
pub mod uplink;
pub mod wire;
