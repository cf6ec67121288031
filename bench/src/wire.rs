//! A client that costs little: one connection with TLS, one call after the other.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pki_types::pem::PemObject as _;
use pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::failure::Failure;

/// No answer takes as long, or the measurement is of no use.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a server listens, and how a client comes in.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    port: u16,
    tls: Arc<ClientConfig>,
}

impl Door {
    /// Without a credential.
    pub(crate) fn open_to_all(port: u16, client: &Path) -> Result<Self, Failure> {
        let tls = believing(&client.join("ca.pem"))?.with_no_client_auth();
        Ok(Self { port, tls: Arc::new(tls) })
    }

    /// With the client certificate of whoever founded the platform.
    pub(crate) fn with_certificate(port: u16, client: &Path) -> Result<Self, Failure> {
        let chain = certificates(&client.join("client.pem"))?;
        let key = PrivateKeyDer::from_pem_file(client.join("client.key"));
        let key = key.map_err(|why| Failure::bad("the client's key")(&why))?;
        let builder = believing(&client.join("ca.pem"))?;
        let tls = builder.with_client_auth_cert(chain, key).map_err(Failure::Tls)?;
        Ok(Self { port, tls: Arc::new(tls) })
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    read.map_err(|why| Failure::bad("the platform's certificates")(&why))
}

fn believing(
    path: &Path,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>, Failure> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(Failure::Tls)?;
    }
    Ok(ClientConfig::builder().with_root_certificates(roots))
}

/// A connection that is kept.
pub(crate) struct Connection {
    stream: StreamOwned<ClientConnection, TcpStream>,
    read: Vec<u8>,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(door: &Door) -> Result<Self, Failure> {
        let connect = || {
            let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, door.port))?;
            socket.set_nodelay(true)?;
            socket.set_read_timeout(Some(PATIENCE))?;
            Ok(socket)
        };
        let socket = connect().map_err(|source| Failure::Connection { path: String::new(), source })?;
        let name = ServerName::try_from("localhost").expect("a constant name");
        let session = ClientConnection::new(Arc::clone(&door.tls), name).map_err(Failure::Tls)?;
        Ok(Self { stream: StreamOwned::new(session, socket), read: Vec::new() })
    }

    pub(crate) fn get(&mut self, path: &str) -> Result<Answer, Failure> {
        self.call("GET", path, "", b"")
    }

    pub(crate) fn post(&mut self, path: &str, kind: &str, body: &[u8]) -> Result<Answer, Failure> {
        self.call("POST", path, kind, body)
    }

    fn call(&mut self, method: &str, path: &str, kind: &str, body: &[u8]) -> Result<Answer, Failure> {
        let answer = self.exchange(method, path, kind, body);
        let answer = answer.map_err(|source| Failure::Connection { path: path.to_owned(), source })?;
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        let text = String::from_utf8_lossy(&answer.body).chars().take(400).collect();
        Err(Failure::Answer { path: path.to_owned(), status: answer.status, text })
    }

    fn exchange(&mut self, method: &str, path: &str, kind: &str, body: &[u8]) -> io::Result<Answer> {
        let mut call = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n");
        if method == "POST" {
            call += &format!("content-type: {kind}\r\ncontent-length: {}\r\n", body.len());
        }
        call += "\r\n";
        let mut call = call.into_bytes();
        call.extend_from_slice(body);
        self.stream.write_all(&call)?;
        self.stream.flush()?;
        let head = self.read_head()?;
        let (status, length) = parse(&head).ok_or_else(|| io::Error::other("the answer is no HTTP"))?;
        while self.read.len() < length {
            self.read_more()?;
        }
        let rest = self.read.split_off(length);
        Ok(Answer { status, body: std::mem::replace(&mut self.read, rest) })
    }

    fn read_head(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                let rest = self.read.split_off(end + 4);
                let head = std::mem::replace(&mut self.read, rest);
                return String::from_utf8(head).map_err(io::Error::other);
            }
            self.read_more()?;
        }
    }

    fn read_more(&mut self) -> io::Result<()> {
        let mut some = [0; 16 * 1024];
        let count = self.stream.read(&mut some)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.read.extend_from_slice(some.get(..count).unwrap_or_default());
        Ok(())
    }
}

/// Status and length of an answer. The server says the length of everything that is measured here.
fn parse(head: &str) -> Option<(u16, usize)> {
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    })?;
    Some((status, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_status_and_length() {
        assert_eq!(parse("HTTP/1.1 201 Created\r\nA: b\r\nContent-Length: 12\r\n\r\n"), Some((201, 12)));
        assert_eq!(parse("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"), None);
    }
}
