//! `muster serve`.

use super::{Place, block_on, logs};
use crate::app::{App, Opened};
use crate::clock::Clock;
use crate::config::Config;
use crate::gateway::wire::UploadMemory;
use crate::listener::Seats;
use crate::{front, jobs, listener};
use anyhow::bail;
use clap::Args;
use muster_store::Url;
use serde::Serialize;
use std::convert::Infallible;
use std::fs::{File, TryLockError};
use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

#[derive(Debug, Args, Serialize)]
pub struct Serve {
    #[command(flatten)]
    #[serde(flatten)]
    place: Place,
    /// Where everything is served [default: 0.0.0.0:8088]
    #[arg(long, value_name = "HOST:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<String>,
    /// A second address that serves terminals alone
    #[arg(long, value_name = "HOST:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    terminals_listen: Option<String>,
    /// The administrator's password, used at the first start only
    #[arg(
        long,
        env = "MUSTER_ADMIN_PASSWORD",
        hide_env_values = true,
        value_name = "PASSWORD"
    )]
    #[serde(skip)]
    admin_password: Option<String>,
}

impl Serve {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let config = Config::load(self.place.config.as_deref(), &self)?;
        logs::start(&config.log)?;
        raise_open_files();
        block_on(async {
            let Opened {
                app,
                first_password,
            } = App::open(config, Clock::real(), self.admin_password).await?;
            if let Some(password) = first_password {
                // Not through the log: it is shown once, to whoever started the server.
                say(&format!("first start: user admin, password {password}"));
            }
            let _only = only_server(&app.config)?;
            if app.config.zone_may_be_wrong() {
                tracing::warn!(
                    "times are in UTC, as on this machine: the option zone names another, which new terminals get"
                );
            }
            // Whoever reads where it listens may signal at once.
            let (stop, hangups) = (stop_signal()?, hangups(&app.config)?);
            let server = Server::start(app).await?;
            let stopping = server.app.clone();
            let ended = tokio::select! {
                () = stop => ExitCode::SUCCESS,
                never = look_when_told(&stopping, hangups) => match never {},
                () = stopping.must_stop.notified() => ExitCode::FAILURE,
            };
            tracing::info!("stopping");
            server.stop().await;
            Ok(ended)
        })
    }
}

/// On SQLite there is one server, which does what is for all without asking: the lock of its folder, until it ends.
fn only_server(config: &Config) -> anyhow::Result<Option<File>> {
    if let Url::Postgres(_) = config.database_url()? {
        return Ok(None);
    }
    let folder = File::open(&config.data_dir)?;
    if let Err(TryLockError::WouldBlock) = folder.try_lock() {
        bail!("another server runs on {}", config.data_dir.display());
    }
    Ok(Some(folder))
}

/// On standard output, which may be a file on a disk that is full: no reason to end.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = writeln!(out, "{line}").and_then(|()| out.flush()) {
        tracing::warn!(%error, "standard output takes nothing; of a password: `muster user passwd` makes another");
    }
}

/// A server that answers.
pub struct Server {
    app: Arc<App>,
    stop: watch::Sender<bool>,
    listeners: Vec<tokio::task::JoinHandle<std::io::Result<()>>>,
    jobs: tokio_util::task::TaskTracker,
    pub address: SocketAddr,
    /// Where `/metrics` is alone.
    pub metrics: Option<SocketAddr>,
}

impl Server {
    /// Listens on the configured addresses and says so on standard output.
    pub async fn start(app: Arc<App>) -> anyhow::Result<Server> {
        let main = listener::bind(&app.config.listen).await?;
        let terminals = match app.config.terminals_listen.as_str() {
            "" => None,
            address => Some(listener::bind(address).await?),
        };
        let server = Server::start_on(app, main, terminals).await?;
        say(&format!("listening on http://{}", server.address));
        if server.app.tls.acceptor().is_some() {
            say(&format!("listening on https://{}", server.address));
        }
        if let Some(address) = server.metrics {
            say(&format!("metrics at http://{address}/metrics"));
        }
        Ok(server)
    }

    /// Answers on listeners that are bound already.
    pub async fn start_on(
        app: Arc<App>,
        main: TcpListener,
        terminals: Option<TcpListener>,
    ) -> anyhow::Result<Server> {
        app.tls.start(&app.config.tls, app.clock.now()).await?;
        let (stop, stopped) = watch::channel(false);
        let address = main.local_addr()?;
        let memory = Arc::new(UploadMemory::new(app.config.terminals.upload_memory_mib));
        let seats = Arc::new(Seats::new(&app.config.limits));
        let mut listeners = Vec::new();
        if let Some(terminals) = terminals {
            listeners.push(tokio::spawn(listener::serve(
                app.clone(),
                terminals,
                memory.clone(),
                seats.clone(),
                None,
                stopped.clone(),
            )));
        }
        listeners.push(tokio::spawn(listener::serve(
            app.clone(),
            main,
            memory.clone(),
            seats,
            Some(front::router(&app, memory, stopped.clone())),
            stopped.clone(),
        )));
        let mut metrics = None;
        if !app.config.metrics.listen.is_empty() {
            let alone = listener::bind(&app.config.metrics.listen).await?;
            metrics = Some(alone.local_addr()?);
            let figures = front::figures(&app);
            listeners.push(tokio::spawn(listener::serve_alone(
                app.clone(),
                alone,
                figures,
                stopped.clone(),
            )));
        }
        let jobs = jobs::start(&app, &stopped);
        Ok(Server {
            app,
            stop,
            listeners,
            jobs,
            address,
            metrics,
        })
    }

    /// Takes nothing new, finishes what was begun, writes down what is in memory, and closes.
    pub async fn stop(self) {
        // Live pages end by this, or they would hold the server open.
        let _ = self.stop.send(true);
        for listener in self.listeners {
            if let Ok(Err(error)) = listener.await {
                tracing::error!(%error, "a listener failed");
            }
        }
        self.jobs.wait().await;
        self.app.close().await;
    }
}

/// Ten thousand idle connections are no reason to refuse the next one.
pub fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the number of open files stays as it is");
    }
}

/// Each SIGHUP from now on, where there is a certificate; without one that ends the server, as ever.
fn hangups(config: &Config) -> std::io::Result<Option<Signal>> {
    match config.tls.is_on() {
        true => signal(SignalKind::hangup()).map(Some),
        false => Ok(None),
    }
}

/// Looks for a new certificate at each of them.
async fn look_when_told(app: &App, hangups: Option<Signal>) -> Infallible {
    if let Some(mut hangups) = hangups {
        while hangups.recv().await.is_some() {
            app.tls.look(&app.config.tls, app.clock.now()).await;
        }
    }
    std::future::pending().await
}

/// Takes SIGTERM and Ctrl-C from now on; what comes back waits for one of them.
pub fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
