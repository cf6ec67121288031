//! What a server is told when it starts. Reading it from a file is the command line's business.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::development::Development;
use crate::walls::Walls;

/// Where a server keeps what it has, and where it listens.
#[derive(Debug, Clone)]
pub struct Config {
    /// The server's own folder: the store, the log's tiles, and `tls/`.
    pub folder: PathBuf,
    /// Where requests come in: TLS, with a client certificate or an API key. Port 0 picks a free one.
    pub listen: SocketAddr,
    /// Where the log, the timestamp authority and the trust root are read: TLS, without client certificates.
    pub public_listen: SocketAddr,
    /// Where metrics and health are read: plain HTTP, on a loopback address.
    pub monitor_listen: SocketAddr,
    /// Where the server is administered: a Unix socket, for its own user alone.
    pub admin_socket: PathBuf,
    /// Where the key process takes orders: a Unix socket.
    pub signer_socket: PathBuf,
    /// The address of the public listener as the world sees it; without one, the address that it listens at.
    pub public_url: Option<String>,
    /// Bounds on what clients may take.
    pub limits: Limits,
    /// What is known of the walls around the processes.
    pub walls: Walls,
    /// Is there an issuer of ID tokens for development, on the monitor's listener?
    pub development: Development,
}

/// Who may bring entries of their own to the log: signatures that were made elsewhere, as clients of Sigstore do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogSubmissions {
    /// Whoever reaches the public listener. Clients of Sigstore know no other way: they bring no credential.
    #[default]
    Anybody,
    /// Whoever has an API key.
    Callers,
    /// Nobody: the log has the platform's own signatures alone.
    Nobody,
}

/// Bounds on what clients may take from a server.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections of one listener at a time. More wait in the system's queue.
    pub connections_max: usize,
    /// TLS handshakes of one listener at a time. The oldest makes room for the next.
    pub handshakes_max: usize,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How long a request's header may take, and how long a connection may idle.
    pub header: Duration,
    /// How long a request's body may take.
    pub body: Duration,
    /// How long a client may take nothing of what it is sent.
    pub stall: Duration,
    /// Credentials of strangers that are looked up at a time. Who comes after them is told to come back.
    pub lookups_max: usize,
    /// Submissions, endorsements and withdrawals on their way at a time. Who comes after them is told to come back,
    /// before anybody asks who that is.
    pub submissions_max: usize,
    /// The bytes of all their bodies together.
    pub submissions_bytes_max: usize,
    /// How long a client may ask to wait for a request.
    pub wait: Duration,
    /// Calls of the public that only read and are answered at a time: what they read blocks a thread, of which there are
    /// not many more, for signatures too.
    pub reads_max: usize,
    /// Timestamp requests of the public on their way at a time. Who comes after them is told to come back.
    pub timestamps_max: usize,
    /// Claims of certificates for holders of ID tokens on their way at a time. Who comes after them is told to come back.
    pub certificates_max: usize,
    /// The bytes of all their bodies together.
    pub certificates_bytes_max: usize,
    /// Who may bring entries of their own to the log.
    pub entries_from: LogSubmissions,
    /// Entries for the log on their way at a time. So many stand before a signature in the log's queue, and no more.
    pub entries_max: usize,
    /// The bytes of all their bodies together.
    pub entries_bytes_max: usize,
    /// Entries for the log from one address in a second.
    pub entries_per_second: NonZeroU32,
    /// How long connections may take to end when the server goes down.
    pub shutdown: Duration,
}

/// File descriptors for the store, the log's tiles and the sockets of this machine.
const DESCRIPTORS_RESERVED: u64 = 256;
/// Listeners that take connections, each as many as it may.
const LISTENERS: u64 = 4;

impl Limits {
    /// The same with no more connections than there are file descriptors for: connections never take those that
    /// signing needs.
    #[must_use]
    pub fn within(self, descriptors: u64) -> Self {
        let each = descriptors.saturating_sub(DESCRIPTORS_RESERVED) / LISTENERS;
        let each = usize::try_from(each).unwrap_or(usize::MAX).max(1);
        Self { connections_max: self.connections_max.min(each), ..self }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 4_096,
            handshakes_max: 512,
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(15),
            body: Duration::from_secs(30),
            stall: Duration::from_secs(30),
            lookups_max: 64,
            submissions_max: 2_048,
            submissions_bytes_max: 256 * 1024 * 1024,
            wait: Duration::from_secs(60),
            reads_max: 128,
            timestamps_max: 1_024,
            certificates_max: 1_024,
            certificates_bytes_max: 16 * 1024 * 1024,
            entries_from: LogSubmissions::Anybody,
            entries_max: 1_024,
            entries_bytes_max: 64 * 1024 * 1024,
            entries_per_second: NonZeroU32::new(64).unwrap_or(NonZeroU32::MIN),
            shutdown: Duration::from_secs(25),
        }
    }
}

/// Where a server listens now that it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addresses {
    /// For requests.
    pub listen: SocketAddr,
    /// For the public.
    pub public_listen: SocketAddr,
    /// For metrics and health.
    pub monitor_listen: SocketAddr,
    /// The address of the public listener as the world sees it.
    pub public_url: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_file_descriptors_for_what_signing_needs() {
        let connections = |descriptors| Limits::default().within(descriptors).connections_max;
        assert_eq!([0, 1_024, 20_000, u64::MAX].map(connections), [1, 192, 4_096, 4_096]);
    }
}
