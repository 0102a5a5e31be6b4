//! The registry: what is added is routed, guarded and documented. An endpoint cannot be added
//! without saying who may use it.

use crate::access::{Caller, Right, Who};
use crate::accounts;
use crate::answer::Answer;
use crate::app::App;
use crate::error::{Error, Result};
use crate::extract::{self, Call, Credential, Origin, Path, Query, Request};
use crate::profile::Profile;
use axum::Router;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter};
use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, StatusCode};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// Bodies of most endpoints hold no more, whatever the setting allows for files.
const BODY_BYTES: usize = 8 << 20;

/// Who may use an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Anybody, without a credential.
    Open,
    Right(Right),
    /// Whoever has the right, and employees for what is their own.
    OwnRows(Right),
}

impl Guard {
    fn check(self, caller: &Caller) -> Result<()> {
        match self {
            Guard::Open => Ok(()),
            Guard::OwnRows(_) if matches!(caller.who, Who::Staff { .. }) => Ok(()),
            Guard::Right(right) | Guard::OwnRows(right) => caller.require(right),
        }
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Guard::Open => f.write_str("open"),
            Guard::Right(right) => right.fmt(f),
            Guard::OwnRows(right) => write!(f, "{right},own"),
        }
    }
}

/// What kind of value a parameter or a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    Number,
    Boolean,
    Date,
    /// `YYYY-MM-DD HH:MM:SS`.
    Time,
    TextList,
    Object,
    ObjectList,
    /// A relation: an object when read, a name or an id when written.
    Relation,
    /// The same, several.
    RelationList,
    /// A code or an id, as text or number.
    Reference,
    ReferenceList,
    /// Always null.
    Null,
    /// Of a form.
    File,
}

/// A parameter of a query, for the document.
#[derive(Debug, Clone)]
pub struct Parameter {
    pub name: String,
    pub kind: Kind,
    pub about: &'static str,
}

impl Parameter {
    pub fn new(name: &str, kind: Kind, about: &'static str) -> Parameter {
        Parameter {
            name: name.to_owned(),
            kind,
            about,
        }
    }
}

/// A member of a body or an answer, for the document.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    pub name: &'static str,
    pub kind: Kind,
    pub about: &'static str,
    pub required: bool,
    /// Of a relation: the columns of a file, each with the member of the related thing that stands
    /// there; the first is its code.
    pub columns: &'static [(&'static str, &'static str)],
    /// In a file only when asked for by its name.
    pub only_named: bool,
}

impl Member {
    pub const fn new(name: &'static str, kind: Kind, about: &'static str) -> Member {
        Member {
            name,
            kind,
            about,
            required: false,
            columns: &[],
            only_named: false,
        }
    }

    pub const fn required(self) -> Member {
        Member {
            required: true,
            ..self
        }
    }

    pub const fn columns(self, columns: &'static [(&'static str, &'static str)]) -> Member {
        Member { columns, ..self }
    }

    pub const fn only_named(self) -> Member {
        Member {
            only_named: true,
            ..self
        }
    }
}

/// What an endpoint answers when all is well.
#[derive(Debug, Clone, Copy)]
pub enum Returns {
    /// The envelope with a page of these.
    Page(&'static [Member]),
    One(StatusCode, &'static [Member]),
    /// 204 or `{"message":"deleted"}`, as the profile has it.
    Deleted,
    /// 204 in the BioTime profile; EasyTimePro has no such thing, and answers 405.
    Hidden,
    /// Anything but JSON: the media types it may have.
    File(&'static [&'static str]),
}

/// What the document says of an endpoint.
#[derive(Debug, Clone)]
pub struct Doc {
    pub summary: String,
    pub tag: &'static str,
    pub query: Vec<Parameter>,
    pub body: Option<&'static [Member]>,
    pub returns: Returns,
}

type Run<T> = Arc<dyn Fn(T) -> BoxFuture<'static, Result<Answer>> + Send + Sync>;

#[derive(Clone)]
enum Work {
    Open(Run<Request>),
    Guarded(Run<Call>),
}

/// One method of one path.
#[derive(Clone)]
pub struct Endpoint {
    pub method: Method,
    /// With `{name}` for what varies, and a slash at the end; it is served without that one too.
    pub path: String,
    pub guard: Guard,
    pub doc: Doc,
    body_bytes: usize,
    takes_file: bool,
    work: Work,
}

impl Endpoint {
    /// For anybody.
    pub fn open<F, R>(method: Method, path: &str, doc: Doc, work: F) -> Endpoint
    where
        F: Fn(Request) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Answer>> + Send + 'static,
    {
        Endpoint {
            method,
            path: path.to_owned(),
            guard: Guard::Open,
            doc,
            body_bytes: BODY_BYTES,
            takes_file: false,
            work: Work::Open(Arc::new(move |request| work(request).boxed())),
        }
    }

    /// For callers with the right.
    pub fn guarded<F, R>(method: Method, path: &str, right: Right, doc: Doc, work: F) -> Endpoint
    where
        F: Fn(Call) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Answer>> + Send + 'static,
    {
        Endpoint {
            method,
            path: path.to_owned(),
            guard: Guard::Right(right),
            doc,
            body_bytes: BODY_BYTES,
            takes_file: false,
            work: Work::Guarded(Arc::new(move |call| work(call).boxed())),
        }
    }

    pub fn is_for(&self, caller: &Caller) -> bool {
        self.guard.check(caller).is_ok()
    }

    /// Does its work for a caller who came through another door.
    pub async fn perform(&self, call: Call) -> Result<Answer> {
        self.guard.check(&call.caller)?;
        match &self.work {
            Work::Guarded(work) => work(call).await,
            Work::Open(work) => work(call.request).await,
        }
    }

    /// The same endpoint with other work.
    pub fn with_work<F, R>(mut self, work: F) -> Endpoint
    where
        F: Fn(Call) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Answer>> + Send + 'static,
    {
        self.work = Work::Guarded(Arc::new(move |call| work(call).boxed()));
        self
    }

    /// Employees may use it too: the work shows them nothing but their own.
    pub fn with_own_rows(mut self) -> Endpoint {
        if let Guard::Right(right) = self.guard {
            self.guard = Guard::OwnRows(right);
        }
        self
    }

    /// Takes a file, as large as the setting allows: in a form, or as the body itself.
    pub fn with_file(mut self) -> Endpoint {
        self.takes_file = true;
        self
    }

    /// Takes smaller bodies than the rest.
    pub fn with_body_of(mut self, bytes: usize) -> Endpoint {
        self.body_bytes = bytes;
        self
    }
}

/// All endpoints, in the order they were added.
#[derive(Default)]
pub struct Registry {
    endpoints: Vec<Endpoint>,
}

impl Registry {
    pub fn add(&mut self, endpoint: Endpoint) {
        self.endpoints.push(endpoint);
    }

    pub fn extend(&mut self, endpoints: impl IntoIterator<Item = Endpoint>) {
        self.endpoints.extend(endpoints);
    }

    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// One line for each endpoint: method, path, who may.
    pub fn listed(&self) -> String {
        let mut lines: Vec<String> = self
            .endpoints
            .iter()
            .map(|endpoint| format!("{} {} {}\n", endpoint.method, endpoint.path, endpoint.guard))
            .collect();
        lines.sort_by(|a, b| {
            let key = |line: &str| {
                let mut words = line.split(' ').map(str::to_owned);
                let method = words.next();
                (words.next(), method)
            };
            key(a).cmp(&key(b))
        });
        lines.concat()
    }

    pub fn router(&self, app: &Arc<App>) -> Router {
        let mut paths: BTreeMap<&str, Vec<&Endpoint>> = BTreeMap::new();
        for endpoint in &self.endpoints {
            paths.entry(&endpoint.path).or_default().push(endpoint);
        }
        let mut router = Router::new();
        for (path, endpoints) in paths {
            let methods = method_router(app, &endpoints);
            if let Some(bare) = path.strip_suffix('/').filter(|bare| !bare.is_empty()) {
                router = router.route(bare, methods.clone());
            }
            router = router.route(path, methods);
        }
        router
    }
}

fn method_router(app: &Arc<App>, endpoints: &[&Endpoint]) -> MethodRouter {
    let mut allowed = vec!["HEAD", "OPTIONS"];
    allowed.extend(endpoints.iter().map(|endpoint| endpoint.method.as_str()));
    if !allowed.contains(&"GET") {
        allowed.retain(|method| *method != "HEAD");
    }
    allowed.sort_unstable();
    allowed.dedup();
    let allowed = Arc::new(allowed.join(", "));

    let mut router = MethodRouter::new();
    for endpoint in endpoints {
        let filter = MethodFilter::try_from(endpoint.method.clone())
            .expect("endpoints use the nine ordinary methods");
        let (app, endpoint) = (Arc::clone(app), Arc::new((*endpoint).clone()));
        router = router.on(filter, move |request: axum::extract::Request| {
            serve(Arc::clone(&app), Arc::clone(&endpoint), request)
        });
    }
    let options = Arc::clone(&allowed);
    router = router.on(MethodFilter::OPTIONS, async move || {
        finish(Answer::ok(&json!({})).with_header(http::header::ALLOW, &options))
    });
    let app = Arc::clone(app);
    router.fallback(move |request: axum::extract::Request| {
        refuse_method(Arc::clone(&app), Arc::clone(&allowed), request)
    })
}

/// What is answered where nothing is.
pub async fn unknown() -> Response {
    finish(Answer::refusal(&Error::NotFound, None))
}

async fn refuse_method(
    app: Arc<App>,
    allow: Arc<String>,
    request: axum::extract::Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let error = Error::MethodNotAllowed {
        method: parts.method.to_string(),
        allow: allow.to_string(),
    };
    // Who it is only decides in whose words it is told.
    let caller = async {
        let origin = Origin::read(&app, &parts)?;
        let mut query = Query::parse(parts.uri.query().unwrap_or("")).unwrap_or_default();
        let credential = Credential::read(&app, &parts.headers, &mut query)?;
        accounts::authenticate(&app, credential, origin.address).await
    };
    let profile = caller.await.ok().map(|caller| caller.profile);
    finish(Answer::refusal(&error, profile))
}

async fn serve(
    app: Arc<App>,
    endpoint: Arc<Endpoint>,
    request: axum::extract::Request,
) -> Response {
    let mut profile = None;
    let work = AssertUnwindSafe(run(app, &endpoint, request, &mut profile)).catch_unwind();
    let result = work
        .await
        .unwrap_or_else(|_| Err(Error::Internal(anyhow::anyhow!("it panicked; see above"))));
    let answer = match result {
        Ok(answer) => answer,
        Err(error) => {
            match &error {
                Error::Internal(cause) => tracing::error!(
                    method = %endpoint.method, path = %endpoint.path,
                    "it failed: {cause:#}"
                ),
                Error::Unavailable(cause) => tracing::warn!(
                    method = %endpoint.method, path = %endpoint.path,
                    "not available: {cause}"
                ),
                _ => {}
            }
            Answer::refusal(&error, profile)
        }
    };
    finish(answer)
}

/// In this order: what the request is, who asks, whether he may, and only then what it says.
async fn run(
    app: Arc<App>,
    endpoint: &Endpoint,
    request: axum::extract::Request,
    profile: &mut Option<Profile>,
) -> Result<Answer> {
    let (mut parts, body) = request.into_parts();
    let origin = Origin::read(&app, &parts)?;
    if app.settings().api.need_https && !origin.https {
        return Err(Error::refused("The API is answered over HTTPS alone."));
    }
    // What is wrong with it is told in the words of whoever asks.
    let (mut query, mut unreadable) = match Query::parse(parts.uri.query().unwrap_or("")) {
        Ok(query) => (query, None),
        Err(error) => (Query::default(), Some(error)),
    };
    let caller = match endpoint.work {
        Work::Open(_) => None,
        Work::Guarded(_) => {
            let credential = Credential::read(&app, &parts.headers, &mut query);
            // The credential may stand in there.
            let credential = credential.map_err(|error| unreadable.take().unwrap_or(error))?;
            let caller = accounts::authenticate(&app, credential, origin.address).await?;
            *profile = Some(caller.profile);
            endpoint.guard.check(&caller)?;
            Some(caller)
        }
    };
    if let Some(error) = unreadable {
        return Err(error);
    }
    if !matches!(endpoint.doc.returns, Returns::File(_)) {
        extract::check_accept(&parts.headers, &mut query)?;
    }
    let parameters = RawPathParams::from_request_parts(&mut parts, &())
        .await
        .map_err(|_| Error::NotFound)?;
    let path = Path::new(&parameters)?;
    let body = if matches!(endpoint.method, Method::POST | Method::PUT | Method::PATCH) {
        let most = if endpoint.takes_file {
            app.config.api.max_body_mib as usize * (1 << 20)
        } else {
            endpoint.body_bytes
        };
        let limits = &app.config.limits;
        extract::read_body(&parts.headers, body, most, limits, endpoint.takes_file).await?
    } else {
        extract::Body::default()
    };
    let request = Request {
        app,
        path,
        query,
        body,
        origin,
    };
    match (&endpoint.work, caller) {
        (Work::Guarded(work), Some(caller)) => work(Call { caller, request }).await,
        (Work::Open(work), _) => work(request).await,
        (Work::Guarded(_), None) => Err(Error::Forbidden),
    }
}

/// An answer as the HTTP library sends it.
pub fn response(answer: Answer) -> Response {
    let body = match answer.stream {
        Some(stream) => axum::body::Body::from_stream(stream.0),
        None => axum::body::Body::from(answer.body),
    };
    let mut response = Response::new(body);
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

fn finish(answer: Answer) -> Response {
    let mut response = response(answer);
    let headers = response.headers_mut();
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
