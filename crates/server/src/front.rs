//! Everything that is no terminal's: the API, the console and whether the server is well, as one
//! router.

use crate::app::App;
use crate::gateway::reply::{self, Reply};
use crate::gateway::routes::{Method, Request};
use crate::{api, console, gateway, routes};
use axum::Router;
use axum::body::to_bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use muster_protocol::target;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::watch;

pub fn router(app: &Arc<App>, stop: watch::Receiver<bool>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(app.clone())
        .merge(console::router(app.clone(), stop))
        .merge(api::router(app))
        .fallback_service(get(elsewhere).fallback(elsewhere).with_state(app.clone()))
}

/// What no page and no endpoint is. A reverse proxy may send terminals' requests along connections
/// that carried others before; they are answered here as at the terminals' own door.
async fn elsewhere(State(app): State<Arc<App>>, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let asked = parts
        .uri
        .path_and_query()
        .map_or(parts.uri.path(), |asked| asked.as_str());
    let Some(target) = target::parse(asked.as_bytes()).filter(|_| !is_api(parts.uri.path())) else {
        return routes::unknown().await;
    };
    let address = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|ConnectInfo(address)| address.ip());
    let Some(address) = address else {
        return as_response(reply::not_found());
    };
    let most = app.config.terminals.max_body_mib as usize * 1024 * 1024;
    let Ok(body) = to_bytes(body, most).await else {
        return as_response(Reply::refused(413, "ERROR: BODY TOO LARGE"));
    };
    let request = Request {
        method: Method::read(parts.method.as_str().as_bytes()),
        target,
        body,
        address,
    };
    as_response(gateway::routes::answer(&app, &request).await)
}

/// The API lives below `/iclock/api/`, next to the terminals' paths.
fn is_api(path: &str) -> bool {
    path.to_ascii_lowercase().starts_with("/iclock/api/")
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
