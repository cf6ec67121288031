//! Start and end of a server: wiring, listeners, and a shutdown that finishes what is in flight.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::Clock;
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::accept::{self, Door, Handshakes, TlsDoor};
use crate::config::{Addresses, Config};
use crate::development::{Development, DevelopmentError, DevelopmentIssuer};
use crate::problem::words;
use crate::routes::{self, development::Desk};
use crate::strangers::Strangers;
use crate::tls::{Tls, TlsError};
use crate::wiring::{self, WiringError};

/// Why a server did not start, or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The runtime could not be started.
    #[error("the server's threads cannot be started")]
    Runtime(#[source] io::Error),
    /// An address that cannot be listened at.
    #[error("cannot listen at `{address}`: is another server running there?")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A monitor address that others can reach.
    #[error(
        "the monitor listens without TLS, so `{address}` must be a loopback address, such as 127.0.0.1:9443"
    )]
    Exposed {
        /// The address.
        address: SocketAddr,
    },
    /// A socket that cannot be made.
    #[error("cannot make the socket `{}`", path.display())]
    Socket {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// TLS cannot be set up.
    #[error("the server cannot speak TLS")]
    Tls(#[from] TlsError),
    /// An issuer for development that must not be, or cannot.
    #[error("there is no issuer for development here")]
    Development(#[from] DevelopmentError),
    /// A part is missing or broken.
    #[error("the server cannot be put together")]
    Wiring(#[from] WiringError),
}

impl ServerError {
    /// Does it stay so until somebody does something about it? Then starting again is of no use.
    pub const fn is_for_good(&self) -> bool {
        match self {
            Self::Wiring(WiringError::Agreement(cause)) => cause.is_for_good(),
            Self::Development(cause) => matches!(cause, DevelopmentError::Governed),
            _ => false,
        }
    }
}

/// Resolves when the process is told to end: SIGTERM, or Ctrl-C.
pub async fn told_to_end() -> io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}

/// SIGHUP, which asks for a reload: the server reads its TLS files again, whoever started it may read more.
#[derive(Debug)]
pub struct Reloads(Signal);

impl Reloads {
    /// Listens from now on.
    pub fn listen() -> io::Result<Self> {
        signal(SignalKind::hangup()).map(Self)
    }

    /// Resolves when the process is told to reload.
    pub async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

/// Runs a server until `stop` resolves, then finishes what is in flight and returns. `ready` is called once all
/// listeners take connections.
pub fn run(
    config: Config,
    clock: Arc<dyn Clock>,
    ready: impl FnOnce(&Addresses),
    stop: impl Future<Output = ()>,
) -> Result<(), ServerError> {
    let runtime = Builder::new_multi_thread().enable_all().build().map_err(ServerError::Runtime)?;
    runtime.block_on(serve(config, clock, ready, stop))
}

async fn serve(
    config: Config,
    clock: Arc<dyn Clock>,
    ready: impl FnOnce(&Addresses),
    stop: impl Future<Output = ()>,
) -> Result<(), ServerError> {
    let strangers = Arc::new(Strangers::new(Arc::clone(&clock)));
    let listeners = Listeners::bind(&config, &strangers).await?;
    let addresses = listeners.addresses.clone();
    let (stopping, stopped) = watch::channel(false);
    let development_clock = Arc::clone(&clock);
    let mut parts = {
        let (config, url, stopped) = (config.clone(), addresses.public_url.clone(), stopped.clone());
        let strangers = Arc::clone(&strangers);
        let runtime = tokio::runtime::Handle::current();
        // Opening the store and recovering block.
        tokio::task::spawn_blocking(move || {
            let _inside = runtime.enter();
            wiring::wire(&config, clock, url, strangers, stopped)
        })
        .await
        .map_err(|_| WiringError::Stopped)??
    };
    if let Some(issuer) = development(&config, &development_clock).await? {
        parts.routers.monitor = parts.routers.monitor.merge(issuer);
    }
    // Only who holds the store may take the socket: a second server has stopped above.
    let admin = Door::Local(socket(&config.admin_socket)?);
    let reloads = Reloads::listen().map_err(ServerError::Runtime)?;
    tokio::spawn(reload(Arc::clone(&listeners.tls), reloads, stopped.clone()));
    let mut doors = JoinSet::new();
    for (door, router) in listeners.with(admin, parts.routers) {
        doors.spawn(accept::serve(door, router, config.limits.clone(), stopped.clone()));
    }
    info!(listen = %addresses.listen, public = %addresses.public_listen, monitor = %addresses.monitor_listen, "serving");
    ready(&addresses);
    stop.await;
    info!("going down: finishing what is in flight");
    // The receivers are the doors and those who wait for people; none of them missing is a fault.
    let _ = stopping.send(true);
    while doors.join_next().await.is_some() {}
    let engine = parts.engine;
    // CRASH: nothing is lost here but a count of strangers; what the engine has not finished, recovery will.
    let end = move || {
        if let Err(error) = strangers.record(&engine) {
            warn!(error = words(&error), "what strangers were refused is not recorded");
        }
        engine.drain();
    };
    let _ = tokio::task::spawn_blocking(end).await;
    remove(&config.admin_socket);
    info!("down");
    Ok(())
}

/// The paths of the issuer for development, where there is one. It is the monitor's guest, because that listener is on
/// loopback and speaks no TLS.
async fn development(config: &Config, clock: &Arc<dyn Clock>) -> Result<Option<axum::Router>, ServerError> {
    if config.development == Development::Off {
        return Ok(None);
    }
    let (folder, socket) = (config.folder.clone(), config.signer_socket.clone());
    let open = move || DevelopmentIssuer::open(&folder, &signer::Client::new(&socket));
    let issuer = Arc::new(tokio::task::spawn_blocking(open).await.map_err(|_| WiringError::Stopped)??);
    warn!("an issuer for development gives ID tokens in anybody's name, on loopback");
    let desk = Desk { issuer, clock: Arc::clone(clock) };
    Ok(Some(routes::development::router(desk)))
}

/// Reads the TLS files again whenever SIGHUP says so. API keys need no reading: every call looks them up.
async fn reload(tls: Arc<Tls>, mut reloads: Reloads, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = reloads.next() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let tls = Arc::clone(&tls);
        match tokio::task::spawn_blocking(move || tls.reload()).await {
            Ok(Ok(())) => info!("the TLS files were read again"),
            Ok(Err(error)) => {
                error!(error = words(&error), "the TLS files cannot be read again; the old ones stay in use");
            }
            Err(_) => error!("reading the TLS files was cut off; the old ones stay in use"),
        }
    }
}

/// The listeners, bound before anything else: a second server on the same addresses stops here.
struct Listeners {
    api: Door,
    public: Door,
    monitor: Door,
    tls: Arc<Tls>,
    addresses: Addresses,
}

impl Listeners {
    async fn bind(config: &Config, strangers: &Arc<Strangers>) -> Result<Self, ServerError> {
        if !config.monitor_listen.ip().is_loopback() {
            return Err(ServerError::Exposed { address: config.monitor_listen });
        }
        let tls = Arc::new(Tls::open(&config.folder)?);
        let (api, listen) = bind(config.listen).await?;
        let (public, public_listen) = bind(config.public_listen).await?;
        let (monitor, monitor_listen) = bind(config.monitor_listen).await?;
        let open = |listener, tls| {
            // Each its own: a crowd at the public's listener keeps nobody from asking for signatures.
            let handshakes = Handshakes::start(&config.limits).map_err(ServerError::Runtime)?;
            let (handshakes, strangers) = (Arc::new(handshakes), Arc::clone(strangers));
            Ok::<_, ServerError>(Door::Tls(TlsDoor { listener, tls, handshakes, strangers }))
        };
        let public_url = config.public_url.clone().unwrap_or_else(|| format!("https://{public_listen}"));
        Ok(Self {
            api: open(api, tls.api())?,
            public: open(public, tls.public())?,
            monitor: Door::Plain(monitor),
            tls,
            addresses: Addresses { listen, public_listen, monitor_listen, public_url },
        })
    }

    fn with(self, door: Door, routers: wiring::Routers) -> [(Door, axum::Router); 4] {
        let wiring::Routers { api, public, monitor, admin } = routers;
        [(self.api, api), (self.public, public), (self.monitor, monitor), (door, admin)]
    }
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServerError> {
    let refuse = |source| ServerError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(refuse)?;
    let bound = listener.local_addr().map_err(refuse)?;
    Ok((listener, bound))
}

/// A socket for the server's own user alone.
fn socket(path: &Path) -> Result<UnixListener, ServerError> {
    let refuse = |source| ServerError::Socket { path: path.to_owned(), source };
    remove(path);
    let listener = UnixListener::bind(path).map_err(refuse)?;
    // The folder above is 0700; this is the second lock. Who is locked in makes nothing that others may open, and may
    // not change a mode.
    let mode = std::fs::metadata(path).map_err(refuse)?.permissions().mode();
    if mode & 0o077 != 0 {
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).map_err(refuse)?;
    }
    Ok(listener)
}

/// A socket that a server left behind. One that is not there needs no removing, and one that cannot be removed is
/// told by the bind that follows.
fn remove(path: &Path) {
    let _ = std::fs::remove_file(path);
}
