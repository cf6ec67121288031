//! A small real HTTP server on loopback, whose answers a test gives, with TLS or without.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rustls::{ServerConnection, StreamOwned};

use crate::TlsServer;

/// What was asked of an [`HttpSite`].
#[derive(Debug, Clone)]
pub struct Asked {
    /// `GET`, `POST`.
    pub method: String,
    /// Path and query, as they came.
    pub target: String,
    /// The header, in lower case, as `name: value` lines.
    pub header: Vec<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// What an [`HttpSite`] answers.
#[derive(Debug, Clone)]
pub enum Reply {
    /// A status, further header lines, and a body.
    Say(u16, Vec<String>, Vec<u8>),
    /// The whole answer, head and body, as somebody else gave it.
    Raw(Vec<u8>),
    /// The beginning of such an answer, and then nothing more: the connection stays open until the site goes.
    Begun(Vec<u8>),
    /// Nothing, and the connection stays open until the site goes.
    Silence,
}

/// A server that answers each call by a function, one thread a connection. It goes when it is dropped.
pub struct HttpSite {
    url: String,
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    gone: Arc<AtomicBool>,
}

impl Reply {
    /// `200` with JSON.
    pub fn json(value: &serde_json::Value) -> Self {
        Self::Say(200, vec!["content-type: application/json".to_owned()], value.to_string().into_bytes())
    }

    /// A status without a body.
    pub fn status(status: u16) -> Self {
        Self::Say(status, Vec::new(), Vec::new())
    }

    /// What goes over the wire, and what becomes of the connection then.
    fn bytes(self) -> (Vec<u8>, Ending) {
        let (status, header, body) = match self {
            Self::Say(status, header, body) => (status, header, body),
            Self::Raw(bytes) => return (bytes, Ending::Closed),
            Self::Begun(bytes) => return (bytes, Ending::Open),
            Self::Silence => return (Vec::new(), Ending::Open),
        };
        let length = body.len();
        let mut head = format!("HTTP/1.1 {status} said\r\nconnection: close\r\ncontent-length: {length}\r\n");
        header.iter().for_each(|line| head.push_str(&format!("{line}\r\n")));
        ([format!("{head}\r\n").into_bytes(), body].concat(), Ending::Closed)
    }
}

/// What becomes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Closed,
    Open,
}

/// A connection, with TLS or without.
trait Line: Read + Write {
    /// Says that this was all.
    fn close(&mut self);
}

impl Line for TcpStream {
    fn close(&mut self) {
        let _closed = self.shutdown(std::net::Shutdown::Both);
    }
}

impl Line for StreamOwned<ServerConnection, TcpStream> {
    fn close(&mut self) {
        self.conn.send_close_notify();
        let _gone = self.flush();
        self.sock.close();
    }
}

impl Asked {
    /// The path, without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.header.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl HttpSite {
    /// Serves on a free port of loopback, without TLS.
    pub fn serve(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(None, Arc::new(answer))
    }

    /// Serves on a free port of loopback as a server with this certificate.
    pub fn serve_tls(tls: TlsServer, answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(Some(tls), Arc::new(answer))
    }

    fn listen(tls: Option<TlsServer>, answer: Arc<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let url = match &tls {
            Some(_) => format!("https://localhost:{}", address.port()),
            None => format!("http://{address}"),
        };
        let (asked, gone) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, over) = (Arc::clone(&asked), Arc::clone(&gone));
        thread::spawn(move || {
            let mut open = Vec::new();
            for stream in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                if let Ok(stay) = stream.try_clone() {
                    open.push(stay);
                }
                let (answer, count, tls) = (Arc::clone(&answer), Arc::clone(&count), tls.clone());
                thread::spawn(move || match tls {
                    None => converse(stream, &*answer, &count),
                    Some(tls) => {
                        let Ok(connection) = ServerConnection::new(tls.config) else { return };
                        converse(StreamOwned::new(connection, stream), &*answer, &count);
                    }
                });
            }
        });
        Self { url, address, asked, gone }
    }

    /// `http://127.0.0.1:PORT`, or `https://localhost:PORT`.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Where it listens, by whatever name.
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many calls there were.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for HttpSite {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::SeqCst);
        let _wakes_the_listener = TcpStream::connect(self.address);
    }
}

/// What a test answers.
type Answer = dyn Fn(&Asked) -> Reply + Send + Sync;

/// One call a connection: the answer says that it is the last.
fn converse(mut line: impl Line, answer: &Answer, count: &AtomicUsize) {
    let Some(asked) = read_call(&mut BufReader::new(&mut line)) else { return };
    count.fetch_add(1, Ordering::SeqCst);
    let (bytes, ending) = answer(&asked).bytes();
    let _gone = line.write_all(&bytes).and_then(|()| line.flush());
    if ending == Ending::Closed {
        line.close();
    }
}

fn read_call(reader: &mut impl BufRead) -> Option<Asked> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut first = lines.first()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let header: Vec<String> = lines
        .iter()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| format!("{}: {}", name.to_lowercase(), value.trim()))
        .collect();
    let mut asked = Asked { method, target, header, body: Vec::new() };
    let length = asked.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    asked.body = vec![0; length];
    reader.read_exact(&mut asked.body).ok()?;
    Some(asked)
}
