//! One address for everybody: a connection's first byte tells whether it speaks TLS, and the first
//! request whether a terminal speaks, whose HTTP is its own, or a program or browser, which gets the
//! ordinary kind.

use crate::app::App;
use crate::config::Limits;
use crate::gateway::reply::{self, Reply};
use crate::gateway::routes::{self, Method, Request};
use crate::gateway::wire::{
    After, BodyProblem, MOST_HEAD_OF_OTHERS, Unreadable, UploadMemory, Wire,
};
use crate::health;
use crate::metrics::Refusal;
use crate::passage::{OverTls, network, trusts};
use axum::Router;
use axum::extract::ConnectInfo;
use bytes::{Bytes, BytesMut};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use muster_protocol::head::{self, Head, Length, Malformed};
use muster_protocol::target::{self, Door, Target};
use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, Join, ReadBuf, Take, join};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Sleep, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// Files that connections leave to the databases, their logs, backups and all else.
const FILES_LEFT: u64 = 256;
/// Connections at an address that has nothing but its own routes.
const MOST_ALONE: u32 = 64;

/// The first byte of whoever speaks TLS: that of a record of its handshake. No HTTP begins with it.
const HANDSHAKE_RECORD: u8 = 0x16;
/// So many bytes a caller may send before the handshake is done: as many as of a header block.
const MOST_HANDSHAKE: u64 = 16 * 1024;

/// How long requests that are being answered may take when the server stops.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// Serves one address until `stop` turns true, then waits for what is being answered. Without
/// `others` only terminals are served.
pub async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    memory: Arc<UploadMemory>,
    seats: Arc<Seats>,
    others: Option<Router>,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let connections = TaskTracker::new();
    loop {
        let (stream, address, seat) = tokio::select! {
            taken = seats.take(&app, &listener) => taken,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (app, memory, others, stop) =
            (app.clone(), memory.clone(), others.clone(), stop.clone());
        connections.spawn(async move {
            let caller = Caller {
                address,
                over_tls: false,
            };
            match app.tls.acceptor() {
                None => converse(&app, stream, caller, &memory, others, stop).await,
                Some(tls) => {
                    // On the heap: where there is none, connections stay as small as they were.
                    Box::pin(either(&app, tls, stream, caller, &memory, others, stop)).await;
                }
            }
            drop(seat);
        });
    }
    drop(listener);
    connections.close();
    if timeout(LAST_ANSWERS, connections.wait()).await.is_err() {
        tracing::warn!("some connections were cut off");
    }
    Ok(())
}

/// Room for connections: for all, and for each network they come from.
#[derive(Debug)]
pub struct Seats {
    all: Arc<Semaphore>,
    taken: Arc<Mutex<HashMap<IpAddr, u32>>>,
}

/// One of all, and one of its network's.
type Seat = (OwnedSemaphorePermit, Place);

/// One of its network's, until it is dropped.
struct Place {
    taken: Arc<Mutex<HashMap<IpAddr, u32>>>,
    network: IpAddr,
}

impl Seats {
    /// As many as the options say, and fewer where the system would run out of files.
    pub fn new(limits: &Limits) -> Seats {
        let (_, files) = health::files();
        let there = files - FILES_LEFT.min(files / 2);
        let most = limits
            .connections
            .min(u32::try_from(there).unwrap_or(u32::MAX));
        if most < limits.connections {
            tracing::warn!(
                most,
                files,
                "fewer connections than limits.connections: so many open files are allowed"
            );
        }
        Seats::of(most)
    }

    fn of(most: u32) -> Seats {
        Seats {
            all: Arc::new(Semaphore::new(most as usize)),
            taken: Arc::default(),
        }
    }

    /// The next connection that there is room for.
    async fn take(&self, app: &App, listener: &TcpListener) -> (TcpStream, SocketAddr, Seat) {
        loop {
            let seat = self.all.clone().acquire_owned().await;
            let seat = seat.expect("the semaphore is never closed");
            let (stream, address) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, say: those in use will come free.
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let Some(place) = self.place(app, address.ip()) else {
                app.metrics.turned_away();
                tracing::debug!(%address, "a connection was closed: its address has too many");
                continue;
            };
            let _ = stream.set_nodelay(true);
            // Who is gone without a farewell takes no answer; the system would try for a quarter of an hour.
            let idle_ms = app.config.limits.idle_s.saturating_mul(1000);
            let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, idle_ms);
            return (stream, address, (seat, place));
        }
    }

    /// None when the network of this address has as many as it may have.
    fn place(&self, app: &App, address: IpAddr) -> Option<Place> {
        let network = network(address);
        let most = app.config.limits.connections_per_address;
        let mut taken = self.taken.lock().expect("nobody panics while holding it");
        let count = taken.entry(network).or_default();
        if *count >= most && most > 0 && !trusts(app, address) {
            return None;
        }
        *count += 1;
        Some(Place {
            taken: self.taken.clone(),
            network,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().expect("nobody panics while holding it");
        if let Some(count) = taken.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.network);
            }
        }
    }
}

/// Serves an address with nothing but these routes, until `stop` turns true.
pub async fn serve_alone(
    app: Arc<App>,
    listener: TcpListener,
    routes: Router,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    // Of their own: who asks how all is, is answered when all other seats are taken.
    let seats = Seats::of(MOST_ALONE);
    loop {
        let (stream, address, seat) = tokio::select! {
            taken = seats.take(&app, &listener) => taken,
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
        };
        let caller = Caller {
            address,
            over_tls: false,
        };
        let limits = app.config.limits;
        let stream = Rewound::new(stream, BytesMut::new(), limits);
        let (routes, stop) = (routes.clone(), stop.clone());
        tokio::spawn(async move {
            serve_others(stream, caller, limits, routes, stop).await;
            drop(seat);
        });
    }
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy)]
struct Caller {
    address: SocketAddr,
    over_tls: bool,
}

/// One connection where both are spoken, TLS and plain HTTP.
async fn either(
    app: &App,
    tls: &TlsAcceptor,
    stream: TcpStream,
    caller: Caller,
    memory: &UploadMemory,
    others: Option<Router>,
    mut stop: watch::Receiver<bool>,
) {
    let mut first = [0];
    let peeked = tokio::select! {
        peeked = timeout(app.config.limits.idle(), stream.peek(&mut first)) => peeked,
        _ = stop.wait_for(|stop| *stop) => return,
    };
    match (peeked, first) {
        (Ok(Ok(1)), [HANDSHAKE_RECORD]) => {}
        (Ok(Ok(1)), _) => return converse(app, stream, caller, memory, others, stop).await,
        _ => return,
    }
    // On the heap: connections without it stay small.
    let shaken = Box::pin(shake_hands(tls, stream, app.config.limits.head()));
    let shaken = tokio::select! {
        shaken = shaken => shaken,
        _ = stop.wait_for(|stop| *stop) => return,
    };
    match shaken {
        Ok(stream) => {
            let caller = Caller {
                over_tls: true,
                ..caller
            };
            Box::pin(converse(app, stream, caller, memory, others, stop)).await;
        }
        Err(error) => {
            tracing::debug!(address = %caller.address, %error, "a TLS handshake failed");
        }
    }
}

type Encrypted = TlsStream<Join<Take<OwnedReadHalf>, OwnedWriteHalf>>;

/// The handshake. Nobody is known yet, so what it may hold and how long is bounded.
async fn shake_hands(
    tls: &TlsAcceptor,
    stream: TcpStream,
    longest: Duration,
) -> io::Result<Encrypted> {
    let (reads, writes) = stream.into_split();
    let bounded = join(reads.take(MOST_HANDSHAKE), writes);
    let mut stream = timeout(longest, tls.accept(bounded)).await??;
    stream.get_mut().0.reader_mut().set_limit(u64::MAX);
    Ok(stream)
}

/// A request that nobody looks at, in the words of either kind of caller: status and text.
struct Unfit {
    to_terminals: (u16, &'static str),
    to_others: (u16, &'static str),
}

const BAD_REQUEST: Unfit = Unfit {
    to_terminals: (400, "ERROR: BAD REQUEST"),
    to_others: (400, "Bad request."),
};
const HEADER_TOO_LARGE: Unfit = Unfit {
    to_terminals: (431, "ERROR: HEADER TOO LARGE"),
    to_others: (431, "Request header fields too large."),
};
const TARGET_TOO_LONG: Unfit = Unfit {
    to_terminals: HEADER_TOO_LARGE.to_terminals,
    to_others: (414, "URI too long."),
};

/// The longest request target that the ordinary HTTP server reads.
const MOST_TARGET: usize = 65_534;

/// One connection, from its first byte to its last.
async fn converse<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    app: &App,
    stream: S,
    caller: Caller,
    memory: &UploadMemory,
    others: Option<Router>,
    mut stop: watch::Receiver<bool>,
) {
    let address = caller.address;
    let limits = app.config.limits;
    let mut wire = Wire::new(stream, limits);
    // An address without others has words for terminals alone.
    let has_others = others.is_some();
    let is_terminals = |begun: &[u8]| !has_others || terminals_path(head::path(begun)).is_some();
    loop {
        let head = tokio::select! {
            head = wire.head(is_terminals) => head,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let http_1_0 = head.as_ref().is_ok_and(|head| head.http_1_0);
        let read = match head {
            Ok(head) if head.length == Length::Contradictory || head.bad_host => Err(BAD_REQUEST),
            Ok(head) if head.target.len() > MOST_TARGET => Err(TARGET_TOO_LONG),
            Ok(head) => Ok(head),
            Err(Unreadable::Gone) => return,
            Err(Unreadable::HeadTooLarge) if wire.buffer.contains(&b'\n') => Err(HEADER_TOO_LARGE),
            Err(Unreadable::HeadTooLarge) => Err(TARGET_TOO_LONG),
            Err(Unreadable::Malformed(Malformed(line))) => {
                tracing::warn!(%address, line, "no HTTP request");
                Err(BAD_REQUEST)
            }
        };
        let head = match read {
            Ok(head) => head,
            Err(unfit) => {
                let now = app.clock.now();
                let _ = if is_terminals(&wire.buffer) {
                    let reply = Reply::refused(unfit.to_terminals.0, unfit.to_terminals.1);
                    wire.send(&reply, http_1_0, After::Close, now).await
                } else {
                    let (status, detail) = unfit.to_others;
                    wire.refuse(status, detail, http_1_0, now).await
                };
                wire.linger().await;
                return;
            }
        };
        match (terminals_target(&head), &others) {
            (Some(target), _) => {
                // On the heap, for as long as it lasts: a connection that waits stays small.
                let served = Box::pin(serve_terminal(
                    app,
                    &mut wire,
                    memory,
                    &head,
                    target,
                    address.ip(),
                ));
                if !served.await {
                    wire.end().await;
                    return;
                }
            }
            (None, Some(others)) => {
                let Wire { stream, buffer, .. } = wire;
                let rewound = Rewound::new(stream, buffer, limits);
                Box::pin(serve_others(rewound, caller, limits, others.clone(), stop)).await;
                return;
            }
            (None, None) => {
                let _ = wire
                    .send(
                        &reply::not_found(),
                        head.http_1_0,
                        After::Close,
                        app.clock.now(),
                    )
                    .await;
                wire.linger().await;
                return;
            }
        }
    }
}

/// The target, when it is a terminal's. The API lives below `/iclock/api/`.
fn terminals_target(head: &Head) -> Option<Target> {
    terminals_path(&head.target)
}

/// The same for the bytes of a request target.
pub fn terminals_path(target: &[u8]) -> Option<Target> {
    const API: &[u8] = b"/iclock/api";
    let path = target::without_origin(target)
        .split(|byte| *byte == b'?')
        .next()
        .unwrap_or_default();
    let is_api = path.len() >= API.len()
        && path[..API.len()].eq_ignore_ascii_case(API)
        && path.get(API.len()).is_none_or(|next| *next == b'/');
    if is_api {
        return None;
    }
    target::parse(target)
}

/// One request of a terminal; `false` when the connection is over.
async fn serve_terminal<S: AsyncRead + AsyncWrite + Unpin>(
    app: &App,
    wire: &mut Wire<S>,
    memory: &UploadMemory,
    head: &Head,
    target: Target,
    address: IpAddr,
) -> bool {
    wire.consume(head);
    let most = u64::from(app.config.terminals.max_body_mib) * 1024 * 1024;
    // An upload whose end nobody knows must not be taken for an empty one: its rows would be lost.
    let is_upload = head.method == b"POST"
        && matches!(target.door, Door::Cdata | Door::Fdata | Door::QueryData);
    let length = match head.length {
        Length::None if is_upload => Err(Reply::refused(411, "ERROR: LENGTH REQUIRED")),
        Length::None => Ok(0),
        Length::Known(length) if length > most => Err(Reply::refused(413, "ERROR: BODY TOO LARGE")),
        Length::Known(length) => Ok(usize::try_from(length).expect("the limit fits in memory")),
        Length::Chunked | Length::Contradictory => {
            Err(Reply::refused(411, "ERROR: LENGTH REQUIRED"))
        }
    };
    let length = match length {
        Ok(length) => length,
        Err(refusal) => {
            tracing::warn!(%address, path = %target.path, status = refusal.status, "an upload was refused");
            app.metrics.refused(match refusal.status {
                413 => Refusal::TooLarge,
                _ => Refusal::NoLength,
            });
            let _ = wire
                .send(&refusal, head.http_1_0, After::Close, app.clock.now())
                .await;
            wire.linger().await;
            return false;
        }
    };
    if head.expects_continue && length > 0 && wire.send_continue().await.is_err() {
        return false;
    }
    let read = if length == 0 {
        Ok((Bytes::new(), Vec::new()))
    } else {
        wire.body(length, memory).await
    };
    let (body, held) = match read {
        Ok(read) => read,
        Err(problem) => {
            let (reply, why) = match problem {
                BodyProblem::CutOff => {
                    let reply = Reply::refused(408, "ERROR: BODY CUT OFF");
                    (reply, Refusal::CutOff)
                }
                BodyProblem::NoMemory => (reply::unavailable(), Refusal::NoMemory),
            };
            app.metrics.refused(why);
            let _ = wire
                .send(&reply, head.http_1_0, After::Close, app.clock.now())
                .await;
            wire.linger().await;
            return false;
        }
    };
    let request = Request {
        method: Method::read(&head.method),
        target,
        body,
        address,
    };
    let reply = routes::answer(app, &request).await;
    drop(request);
    drop(held);
    let after = match head.close || reply.close {
        true => After::Close,
        false => After::KeepAlive,
    };
    let sent = wire
        .send(&reply, head.http_1_0, after, app.clock.now())
        .await;
    sent.is_ok() && after == After::KeepAlive
}

/// Hands the connection, with what was read of it, to the ordinary HTTP server.
async fn serve_others<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: Rewound<S>,
    Caller { address, over_tls }: Caller,
    limits: Limits,
    others: Router,
    mut stop: watch::Receiver<bool>,
) {
    let service = others.map_request(move |mut request: http::Request<Incoming>| {
        let extensions = request.extensions_mut();
        extensions.insert(ConnectInfo(address));
        if over_tls {
            extensions.insert(OverTls);
        }
        request
    });
    let service = TowerToHyperService::new(service);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head())
        .max_buf_size(MOST_HEAD_OF_OTHERS)
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%address, %error, "a connection ended early");
                }
                return;
            }
            _ = stop.wait_for(|stop| *stop), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// A connection whose first bytes were read already, and which ends when nobody takes what is sent.
struct Rewound<S> {
    buffer: BytesMut,
    stream: S,
    /// Runs while nothing is taken.
    stalled: Option<Pin<Box<Sleep>>>,
    stall: Duration,
}

impl<S> Rewound<S> {
    fn new(stream: S, buffer: BytesMut, limits: Limits) -> Rewound<S> {
        Rewound {
            buffer,
            stream,
            stalled: None,
            stall: limits.stall(),
        }
    }

    /// What became of writing, unless it has been waited for too long.
    fn patiently<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stall = self.stall;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(stall)));
        stalled
            .as_mut()
            .poll(context)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Rewound<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.buffer.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, into);
        }
        let count = self.buffer.len().min(into.remaining());
        into.put_slice(&self.buffer.split_to(count));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rewound<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.patiently(written, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.patiently(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.patiently(shut, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.patiently(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Binds an address.
pub fn bind(address: &str) -> impl Future<Output = anyhow::Result<TcpListener>> {
    let address = address.to_owned();
    async move {
        TcpListener::bind(&address)
            .await
            .map_err(|error| anyhow::anyhow!("cannot listen on {address}: {error}"))
    }
}
