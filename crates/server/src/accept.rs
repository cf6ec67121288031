//! Accepting connections: each gets its own task at once, so that nobody's slowness is anybody else's.

mod room;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use model::KeyId;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::Service as _;
use tracing::debug;

use crate::config::Limits;
use crate::strangers::{self, Strangers};
use crate::tls::client_key;

use room::{Proof, Room};

/// What the door knows of whoever is at the other end, before any request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Peer {
    /// The key of the client certificate that the handshake proved.
    pub(crate) certificate: Option<KeyId>,
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
    pub(crate) strangers: Arc<Strangers>,
}

/// How often accepting is tried again when the system has no room: soon, and not in a circle.
const PAUSE: Duration = Duration::from_millis(50);
/// Memory for a request's header.
const HEADER_BYTES_MAX: usize = 64 * 1024;
const HEADER_BYTES_MAX_H2: u32 = 64 * 1024;
/// Requests at a time on one connection of HTTP/2.
const STREAMS_MAX: u32 = 64;

/// Serves a door until `stop` says so, then lets the connections that are open finish what they do.
pub(crate) async fn serve(door: Door, router: Router, limits: Limits, mut stop: watch::Receiver<bool>) {
    let graceful = GracefulShutdown::new();
    let room = Room::new(limits.connections_max);
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
            Self::Tls(TlsDoor { listener, tls, strangers }) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                let acceptor = TlsAcceptor::from(Arc::clone(&*tls.borrow()));
                Ok(Arrival::Tls(stream, acceptor, Arc::clone(strangers)))
            }
            Self::Plain(listener) => Ok(Arrival::Plain(listener.accept().await?.0)),
            Self::Local(listener) => Ok(Arrival::Local(listener.accept().await?.0)),
        }
    }
}

/// A connection that was accepted and has not said anything yet.
enum Arrival {
    Tls(tokio::net::TcpStream, TlsAcceptor, Arc<Strangers>),
    Plain(tokio::net::TcpStream),
    Local(tokio::net::UnixStream),
}

/// What is spoken on a connection. It is never guessed from the first bytes: a client that sends none would hold the
/// guess for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
}

/// How a conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Farewell {
    /// As conversations do.
    Ordinary,
    /// What came was not HTTP.
    NotHttp,
}

impl Arrival {
    /// Where those are counted who come this way and prove nothing.
    fn strangers(&self) -> Option<Arc<Strangers>> {
        match self {
            Self::Tls(_, _, strangers) => Some(Arc::clone(strangers)),
            Self::Plain(_) | Self::Local(_) => None,
        }
    }

    async fn attend(self, router: Router, limits: &Limits, watcher: Watcher, proof: Proof) {
        let (stream, acceptor, strangers) = match self {
            // Whoever is on this machine and may come here keeps their place.
            Self::Plain(stream) => {
                proof.give();
                converse(stream, Protocol::Http1, Peer::default(), router, limits, watcher).await;
                return;
            }
            Self::Local(stream) => {
                proof.give();
                converse(stream, Protocol::Http1, Peer::default(), router, limits, watcher).await;
                return;
            }
            Self::Tls(stream, acceptor, strangers) => (stream, acceptor, strangers),
        };
        match timeout(limits.handshake, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => {
                let (_, connection) = stream.get_ref();
                let certificate = client_key(connection);
                let protocol = match connection.alpn_protocol() {
                    Some(b"h2") => Protocol::Http2,
                    _ => Protocol::Http1,
                };
                let peer = Peer { certificate, proof };
                if converse(stream, protocol, peer, router, limits, watcher).await == Farewell::NotHttp {
                    strangers.count(strangers::NOT_HTTP);
                }
            }
            Ok(Err(error)) => {
                debug!(%error, "a TLS handshake failed");
                strangers.count(strangers::HANDSHAKE);
            }
            Err(_) => {
                debug!("a TLS handshake took too long");
                strangers.count(strangers::HANDSHAKE);
            }
        }
    }
}

async fn converse<S>(
    stream: S,
    protocol: Protocol,
    peer: Peer,
    router: Router,
    limits: &Limits,
    watcher: Watcher,
) -> Farewell
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        let mut router = router.clone();
        async move { router.call(request.map(Body::new)).await }
    });
    let builder = builder(protocol, limits);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let Err(error) = watcher.watch(connection).await else { return Farewell::Ordinary };
    debug!(error = %error, "a connection ended early");
    match error.downcast_ref::<hyper::Error>() {
        Some(error) if error.is_parse() => Farewell::NotHttp,
        _ => Farewell::Ordinary,
    }
}

fn builder(protocol: Protocol, limits: &Limits) -> auto::Builder<TokioExecutor> {
    let builder = auto::Builder::new(TokioExecutor::new());
    let mut builder = match protocol {
        Protocol::Http1 => builder.http1_only(),
        Protocol::Http2 => builder.http2_only(),
    };
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_buf_size(HEADER_BYTES_MAX)
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HEADER_BYTES_MAX_H2)
        .max_concurrent_streams(STREAMS_MAX)
        .keep_alive_interval(limits.header)
        .keep_alive_timeout(limits.header);
    builder
}

#[cfg(test)]
mod tests;
