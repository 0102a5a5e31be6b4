//! Everything that is no terminal's: the API, the console and whether the server is well, as one
//! router.

use crate::answer::Answer;
use crate::app::App;
use crate::extract::Origin;
use crate::gateway::reply::{self, Reply};
use crate::gateway::routes::{Method, Request};
use crate::gateway::session::identify;
use crate::gateway::wire::UploadMemory;
use crate::metrics::{self, Refusal};
use crate::passage::Passage;
use crate::request::{self, RequestId};
use crate::{api, console, gateway, listener, routes};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::Router;
use axum::body::to_bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use muster_protocol::target::Door;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;
use tokio::time::timeout;

/// What requests of terminals need that come this way.
#[derive(Clone)]
struct Elsewhere {
    app: Arc<App>,
    memory: Arc<UploadMemory>,
}

pub fn router(app: &Arc<App>, memory: Arc<UploadMemory>, stop: watch::Receiver<bool>) -> Router {
    let terminals = Elsewhere {
        app: app.clone(),
        memory,
    };
    let console =
        console::router(app.clone(), stop).layer(from_fn_with_state(app.clone(), over_https));
    let console = accompanied(app, metrics::Door::Console, console);
    let api = accompanied(app, metrics::Door::Api, api::router(app));
    let metrics = match app.config.metrics.token.is_empty() {
        true => Router::new(),
        false => figures(app),
    };
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(app.clone())
        .merge(console)
        .merge(api)
        .merge(metrics)
        .fallback_service(get(elsewhere).fallback(elsewhere).with_state(terminals))
}

/// `/metrics`, for whoever has the token; where there is none, for everybody who can reach it.
pub fn figures(app: &Arc<App>) -> Router {
    Router::new()
        .route("/metrics", get(told))
        .with_state(app.clone())
}

async fn told(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let token = &app.config.metrics.token;
    let shown = headers
        .get(header::AUTHORIZATION)
        .and_then(|shown| shown.to_str().ok()?.strip_prefix("Bearer "))
        .unwrap_or_default();
    if !token.is_empty() && verify_slices_are_equal(shown.as_bytes(), token.as_bytes()).is_err() {
        let how = [(header::WWW_AUTHENTICATE, "Bearer")];
        return (StatusCode::UNAUTHORIZED, how, "a token is needed\n").into_response();
    }
    // It looks at files.
    match tokio::task::spawn_blocking(move || app.metrics.told(&app)).await {
        Ok(Ok(text)) => ([(header::CONTENT_TYPE, metrics::MEDIA_TYPE)], text).into_response(),
        Ok(Err(_)) | Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// These routes, each request with an id, and what is answered counted for a door.
pub fn accompanied(app: &Arc<App>, door: metrics::Door, routes: Router) -> Router {
    routes.layer(from_fn_with_state((app.clone(), door), accompany))
}

async fn accompany(
    State((app, door)): State<(Arc<App>, metrics::Door)>,
    request: axum::extract::Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let (parts, body) = request.into_parts();
    let id = id(&app, &parts);
    let request = axum::extract::Request::from_parts(parts, body);
    let response = with_id(id, next.run(request)).await;
    app.metrics
        .answered(door, response.status().as_u16(), begun.elapsed());
    response
}

/// A new id, or the one a trusted proxy brings.
fn id(app: &App, parts: &Parts) -> RequestId {
    parts
        .headers
        .get(request::HEADER)
        .filter(|_| Passage::of(app, parts).is_proxied)
        .and_then(|given| RequestId::given(given.to_str().ok()?))
        .unwrap_or_default()
}

/// Answers with the id in the log and in the head.
async fn with_id(id: RequestId, work: impl Future<Output = Response>) -> Response {
    let shown = HeaderValue::from_str(&id.to_string());
    let mut response = id.within(work).await;
    if let Ok(shown) = shown {
        response.headers_mut().insert(request::HEADER, shown);
    }
    response
}

/// Where there is a certificate, people see their pages over HTTPS alone: a password does not travel in the
/// open. Not for ever, so that browsers forget it with the certificate. A proxy we trust does so itself.
async fn over_https(
    State(app): State<Arc<App>>,
    request: axum::extract::Request,
    next: Next,
) -> Response {
    if !app.config.tls.redirect || app.tls.acceptor().is_none() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let passage = Passage::of(&app, &parts);
    if passage.https || passage.is_proxied {
        return next
            .run(axum::extract::Request::from_parts(parts, body))
            .await;
    }
    let asked = parts
        .uri
        .path_and_query()
        .map_or("/", |asked| asked.as_str());
    match Origin::read(&app, &parts) {
        Ok(origin) => {
            let base = origin.base.replacen("http://", "https://", 1);
            Redirect::temporary(&format!("{base}{asked}")).into_response()
        }
        Err(error) => routes::response(Answer::refusal(&error, None)),
    }
}

/// What no page and no endpoint is. A reverse proxy may send terminals' requests along connections
/// that carried others before; they are answered here as at the terminals' own door.
async fn elsewhere(
    State(Elsewhere { app, memory }): State<Elsewhere>,
    request: axum::extract::Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let asked = parts
        .uri
        .path_and_query()
        .map_or(parts.uri.path(), |asked| asked.as_str());
    let Some(target) = listener::terminals_path(asked.as_bytes()) else {
        return with_id(id(&app, &parts), routes::unknown()).await;
    };
    let address = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|ConnectInfo(address)| address.ip());
    let Some(address) = address else {
        return as_response(reply::not_found());
    };
    // Nobody unknown makes the server hold a body.
    if matches!(target.door, Door::Unknown | Door::File) {
        return as_response(reply::not_found());
    }
    if let Err(refusal) = identify(&app, &target.query, address).await {
        return as_response(refusal);
    }
    let length = parts
        .headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let method = Method::read(parts.method.as_str().as_bytes());
    let length = match (length, method) {
        (Some(length), _) => length,
        (None, Method::Post) => {
            app.metrics.refused(Refusal::NoLength);
            return as_response(Reply::refused(411, "ERROR: LENGTH REQUIRED"));
        }
        (None, _) => 0,
    };
    if length > app.config.terminals.max_body_mib as usize * 1024 * 1024 {
        app.metrics.refused(Refusal::TooLarge);
        return as_response(Reply::refused(413, "ERROR: BODY TOO LARGE"));
    }
    let Some(_held) = memory.hold(length).await else {
        app.metrics.refused(Refusal::NoMemory);
        return as_response(reply::unavailable());
    };
    let body = match timeout(app.config.limits.body(), to_bytes(body, length)).await {
        Ok(Ok(body)) if body.len() == length => body,
        _ => {
            app.metrics.refused(Refusal::CutOff);
            return as_response(Reply::refused(408, "ERROR: BODY CUT OFF"));
        }
    };
    let request = Request {
        method,
        target,
        body,
        address,
    };
    as_response(gateway::routes::answer(&app, &request).await)
}

fn as_response(reply: Reply) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let plain = HeaderValue::from_static("text/plain");
    (status, [(header::CONTENT_TYPE, plain)], reply.body).into_response()
}

/// Ready when the database answers.
async fn ready(State(app): State<Arc<App>>) -> (StatusCode, &'static str) {
    match app.store.ping().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the database does not answer\n",
            )
        }
    }
}
