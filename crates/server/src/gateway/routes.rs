//! Every route of the terminals' door, in one list.

use crate::app::App;
use crate::gateway::reply::{self, Reply};
use crate::gateway::session::{identify, unavailable};
use crate::gateway::{downlink, talk, uplink};
use crate::metrics;
use crate::request::RequestId;
use bytes::Bytes;
use muster_protocol::handshake::Family;
use muster_protocol::target::{Door, Target};
use std::net::IpAddr;
use std::time::Instant;

/// A terminal's request, its body read.
#[derive(Debug)]
pub struct Request {
    pub method: Method,
    pub target: Target,
    pub body: Bytes,
    pub address: IpAddr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Other,
}

impl Method {
    pub fn read(name: &[u8]) -> Method {
        match name {
            b"GET" => Method::Get,
            b"POST" => Method::Post,
            _ => Method::Other,
        }
    }
}

pub async fn answer(app: &App, request: &Request) -> Reply {
    let is_poll = request.target.door == Door::GetRequest;
    let begun = Instant::now();
    let reply = RequestId::new().within(route(app, request)).await;
    talk::note(app, request, &reply);
    if is_poll && reply.status == 200 {
        app.metrics.polled();
    } else {
        app.metrics
            .answered(metrics::Door::Terminals, reply.status, begun.elapsed());
    }
    reply
}

async fn route(app: &App, request: &Request) -> Reply {
    use Door::*;
    use Method::{Get, Post};
    let query = &request.target.query;
    let (door, method) = (request.target.door, request.method);
    if matches!(door, Unknown | File) || method == Method::Other {
        tracing::warn!(path = %request.target.path, address = %request.address, "a terminal asked for a path nobody serves");
        return reply::not_found();
    }
    if door == Test {
        return Reply::ok("OK");
    }
    let presence = match identify(app, query, request.address).await {
        Ok(presence) => presence,
        Err(refusal) => return refusal,
    };
    let answered = match (door, method) {
        (Cdata, Get) if query.has("AuthType") => Ok(downlink::refuse_verification(query)),
        (Cdata, Get) if query.filled("type") == Some("time") => {
            Ok(downlink::wall_clock(app, &presence))
        }
        (Cdata, Get) if downlink::asks_for_person(query) => {
            downlink::person(app, &presence, query).await
        }
        (Cdata, Get) => downlink::hello(app, &presence, query).await,
        (Cdata, Post) if query.has("AuthType") => Ok(downlink::refuse_verification(query)),
        (Cdata, Post) if query.filled("type") == Some("PostVerifyData") => Ok(Reply::ok("OK")),
        (Cdata, Post) => uplink::upload(app, &presence, query, &request.body).await,
        (Fdata, Post) => uplink::photo(app, &presence, query, &request.body).await,
        (QueryData, Post) => uplink::query_result(app, &presence, query, &request.body).await,
        (GetRequest, _) => downlink::poll(app, &presence, query).await,
        (DeviceCmd, _) => downlink::results(app, &presence, query, &request.body).await,
        (Ping, Get | Post) => Ok(Reply::ok("OK")),
        (Registry, _) => downlink::register(app, &presence, &request.body).await,
        (Push, _) => downlink::configuration(app, &presence).await,
        (RtData, Get) => Ok(downlink::packed_clock(app, &presence)),
        (Exchange, _) => {
            // Encryption needs the vendor's closed library. The next handshake offers a version
            // from before there was any.
            presence.offer_clear_text();
            if presence.family() == Family::Attendance {
                tracing::info!(sn = %presence.sn, "a terminal asked for encryption; it is offered 2.3.0");
            }
            Ok(reply::not_found())
        }
        _ => Ok(reply::not_found()),
    };
    answered.unwrap_or_else(unavailable)
}
