//! What a running server says of itself: `/readyz` on its monitor listener, which is plain HTTP on this machine.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use model::Guarantee;
use serde::Deserialize;

/// How long it may take: the key process is asked on the way.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 256 * 1024;

/// Can the server sign?
#[derive(Debug, Deserialize)]
pub(crate) struct Readiness {
    checks: Vec<Check>,
    /// What is promised besides.
    #[serde(default)]
    pub(crate) guarantees: Vec<Guarantee>,
}

/// One thing that signing needs.
#[derive(Debug, Deserialize)]
pub(crate) struct Check {
    pub(crate) name: String,
    state: String,
    pub(crate) evidence: String,
}

impl Readiness {
    /// Asks the server whose monitor listens here.
    pub(crate) fn ask(monitor: SocketAddr) -> io::Result<Self> {
        let mut stream = TcpStream::connect_timeout(&monitor, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "GET /readyz HTTP/1.1\r\nHost: {monitor}\r\nConnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
        let answer = String::from_utf8(answer).map_err(io::Error::other)?;
        let (_, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
        serde_json::from_str(body).map_err(io::Error::other)
    }

    /// What keeps it from signing.
    pub(crate) fn missing(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.state != "pass")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn what_fails_is_told_and_what_passes_is_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let monitor = listener.local_addr().unwrap();
        let serving = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                asked.extend(byte);
            }
            let body = r#"{"ready":false,"checks":[{"name":"log","state":"pass","evidence":"a"},
                {"name":"sign","state":"fail","evidence":"the clock jumped"}]}"#;
            write!(stream, "HTTP/1.1 503 No\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
            asked
        });
        let readiness = Readiness::ask(monitor).unwrap();
        let missing: Vec<_> = readiness.missing().map(|check| (&*check.name, &*check.evidence)).collect();
        assert_eq!(missing, [("sign", "the clock jumped")]);
        assert!(serving.join().unwrap().starts_with(b"GET /readyz "));
    }
}
