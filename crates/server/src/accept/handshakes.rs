//! TLS handshakes: what costs a stranger next to nothing and us a signature. They have threads of their own, so that
//! however many come, they take no time from calls; and a bounded number of places, so that they take no memory.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::room::Room;
use crate::bounds::HANDSHAKE_GRACE;
use crate::config::Limits;

/// The handshakes of one listener.
pub(crate) struct Handshakes {
    /// There until this is dropped.
    runtime: Option<Runtime>,
    room: Arc<Room>,
    patience: Duration,
}

/// Why a handshake came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandshakeError {
    #[error("the handshake failed")]
    Failed(#[source] std::io::Error),
    #[error("the handshake took too long")]
    TooSlow,
    #[error("the handshake made room for a newer one")]
    CrowdedOut,
}

impl Handshakes {
    /// Half the cores, so that those who are in already have the other half at the worst.
    pub(crate) fn start(limits: &Limits) -> std::io::Result<Self> {
        let threads = available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1));
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("handshake")
            .enable_time()
            .build()?;
        let room = Room::new(limits.handshakes_max, HANDSHAKE_GRACE);
        Ok(Self { runtime: Some(runtime), room, patience: limits.handshake })
    }

    /// Shakes hands. Where all places are taken, the oldest handshake makes room, and no sooner than the grace is over:
    /// an honest one is done within two trips over the network, and a crowd that comes at once does not push it out.
    pub(super) async fn shake(
        &self,
        tls: Arc<ServerConfig>,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, HandshakeError> {
        let place = self.room.enter().await;
        let (acceptor, patience) = (TlsAcceptor::from(tls), self.patience);
        let shaking = async move {
            tokio::select! {
                done = timeout(patience, acceptor.accept(stream)) => match done {
                    Ok(shaken) => shaken.map_err(HandshakeError::Failed),
                    Err(_) => Err(HandshakeError::TooSlow),
                },
                () = place.crowded_out() => Err(HandshakeError::CrowdedOut),
            }
        };
        let Some(runtime) = &self.runtime else { return Err(HandshakeError::CrowdedOut) };
        // Whoever drops this call drops the set, and so ends the handshake.
        let mut set = JoinSet::new();
        set.spawn_on(shaking, runtime.handle());
        set.join_next().await.and_then(Result::ok).unwrap_or(Err(HandshakeError::CrowdedOut))
    }
}

impl Drop for Handshakes {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // The last one may go on a thread of the server's own runtime, where nothing may block.
            runtime.shutdown_background();
        }
    }
}
