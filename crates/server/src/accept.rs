//! Accepting connections: each gets its own task at once, so that nobody's slowness is anybody else's.

mod conversation;
mod handshakes;
mod room;
mod stall;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use identity::ClientCertificate;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::debug;

use crate::config::Limits;
use crate::strangers::{self, Strangers};
use crate::tls::client_certificate;

use conversation::{Farewell, Protocol, converse};

use handshakes::HandshakeError;
pub(crate) use handshakes::Handshakes;
use room::{Proof, Room};

/// What the door knows of whoever is at the other end, before any request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Peer {
    /// The client certificate that the handshake proved.
    pub(crate) certificate: Option<ClientCertificate>,
    /// The address from which it came, of those who come over the network.
    pub(crate) source: Option<IpAddr>,
    /// Where a credential that is good is told of.
    pub(crate) proof: Proof,
}

/// Where connections come from.
pub(crate) enum Door {
    /// TCP, with TLS on it: for strangers too.
    Tls(TlsDoor),
    /// TCP as it is: loopback only.
    Plain(TcpListener),
    /// A Unix socket.
    Local(UnixListener),
}

/// A listener that everybody can reach.
pub(crate) struct TlsDoor {
    pub(crate) listener: TcpListener,
    /// The newest certificate: who comes sees that one, who is there stays with the one that they saw.
    pub(crate) tls: watch::Receiver<Arc<ServerConfig>>,
    pub(crate) handshakes: Arc<Handshakes>,
    pub(crate) strangers: Arc<Strangers>,
}

/// How often accepting is tried again when the system has no room: soon, and not in a circle.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves a door until `stop` says so, then lets the connections that are open finish what they do.
pub(crate) async fn serve(door: Door, router: Router, limits: Limits, mut stop: watch::Receiver<bool>) {
    let graceful = GracefulShutdown::new();
    let room = Room::new(limits.connections_max, Duration::ZERO);
    loop {
        let accepted = tokio::select! {
            accepted = door.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Ok(arrival) = accepted else {
            // Out of file descriptors, or the client is gone already.
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let place = tokio::select! {
            place = room.enter() => place,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (router, limits, watcher) = (router.clone(), limits.clone(), graceful.watcher());
        tokio::spawn(async move {
            let strangers = arrival.strangers();
            tokio::select! {
                () = arrival.attend(router, &limits, watcher, place.proof()) => {}
                () = place.crowded_out() => {
                    debug!("a connection without a credential makes room for another");
                    strangers.inspect(|strangers| strangers.count(strangers::CROWDED_OUT));
                }
            }
        });
    }
    drop(door);
    if timeout(limits.shutdown, graceful.shutdown()).await.is_err() {
        debug!("connections are still open and are cut off");
    }
}

impl Door {
    async fn accept(&self) -> std::io::Result<Arrival> {
        match self {
            Self::Tls(TlsDoor { listener, tls, handshakes, strangers }) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                let (tls, handshakes) = (Arc::clone(&*tls.borrow()), Arc::clone(handshakes));
                Ok(Arrival::Tls(Newcomer { stream, tls, handshakes, strangers: Arc::clone(strangers) }))
            }
            Self::Plain(listener) => Ok(Arrival::Plain(listener.accept().await?.0)),
            Self::Local(listener) => Ok(Arrival::Local(listener.accept().await?.0)),
        }
    }
}

/// A connection that was accepted and has not said anything yet.
enum Arrival {
    Tls(Newcomer),
    Plain(TcpStream),
    Local(UnixStream),
}

/// Somebody who comes from outside, before the handshake.
struct Newcomer {
    stream: TcpStream,
    tls: Arc<ServerConfig>,
    handshakes: Arc<Handshakes>,
    strangers: Arc<Strangers>,
}

impl Arrival {
    /// Where those are counted who come this way and prove nothing.
    fn strangers(&self) -> Option<Arc<Strangers>> {
        match self {
            Self::Tls(newcomer) => Some(Arc::clone(&newcomer.strangers)),
            Self::Plain(_) | Self::Local(_) => None,
        }
    }

    async fn attend(self, router: Router, limits: &Limits, watcher: Watcher, proof: Proof) {
        match self {
            // Whoever is on this machine and may come here keeps their place.
            Self::Plain(stream) => {
                proof.give();
                converse(stream, Protocol::Http1, Peer::default(), router, limits, watcher).await;
            }
            Self::Local(stream) => {
                proof.give();
                converse(stream, Protocol::Http1, Peer::default(), router, limits, watcher).await;
            }
            Self::Tls(newcomer) => newcomer.attend(router, limits, watcher, proof).await,
        }
    }
}

impl Newcomer {
    async fn attend(self, router: Router, limits: &Limits, watcher: Watcher, proof: Proof) {
        let Self { stream, tls, handshakes, strangers } = self;
        let source = stream.peer_addr().ok().map(|address| address.ip());
        let stream = match handshakes.shake(tls, stream).await {
            Ok(stream) => stream,
            Err(error) => {
                debug!(error = crate::problem::words(&error), "a TLS handshake came to nothing");
                strangers.count(match error {
                    HandshakeError::CrowdedOut => strangers::CROWDED_OUT,
                    HandshakeError::Failed(_) | HandshakeError::TooSlow => strangers::HANDSHAKE,
                });
                return;
            }
        };
        drop(handshakes);
        let (_, connection) = stream.get_ref();
        let peer = Peer { certificate: client_certificate(connection), source, proof };
        let protocol = match connection.alpn_protocol() {
            Some(b"h2") => Protocol::Http2,
            _ => Protocol::Http1,
        };
        if converse(stream, protocol, peer, router, limits, watcher).await == Farewell::NotHttp {
            strangers.count(strangers::NOT_HTTP);
        }
    }
}

#[cfg(test)]
mod tests;
