//! The bare POST: the HTTP and TLS that the server speaks, and nothing behind them. It is a process of its own, as the
//! server is.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io::{self, BufRead as _, BufReader};
use std::net::Ipv4Addr;
use std::path::Path;
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use pki_types::pem::PemObject as _;
use pki_types::{CertificateDer, PrivateKeyDer};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio_rustls::TlsAcceptor;

use crate::failure::Failure;
use crate::platform::Platform;
use crate::wire::Door;

/// A process that takes bodies and answers each with as many bytes. It ends when this is dropped.
pub(crate) struct BarePost {
    child: Child,
    pub(crate) door: Door,
}

impl BarePost {
    /// Serves with the certificate of a platform's server.
    pub(crate) fn start(platform: &Platform, answer_bytes: usize) -> Result<Self, Failure> {
        let own = std::env::current_exe().map_err(Failure::file("find", Path::new("bench")))?;
        let (mut command, tls) = (Command::new(&own), platform.data().join("server/tls"));
        command.arg("post").arg(tls).arg(answer_bytes.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(Failure::file("start", &own))?;
        let mut line = String::new();
        let said = child.stdout.take().expect("what it says comes through a pipe");
        let read = BufReader::new(said).read_line(&mut line);
        read.map_err(Failure::file("read what is said by", &own))?;
        let port = line.trim().parse().map_err(|why| Failure::bad("the bare POST")(&why))?;
        let door = Door::open_to_all(port, &platform.data().join("client"))?;
        Ok(Self { child, door })
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for BarePost {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _reaped = self.child.wait();
    }
}

/// The process: says its port, and serves until its input ends.
pub(crate) fn run(tls: &Path, answer_bytes: usize) -> Result<(), Failure> {
    let failed = || Failure::file("serve with", tls);
    let acceptor = TlsAcceptor::from(Arc::new(config(tls)?));
    let answer: Arc<str> = "a".repeat(answer_bytes).into();
    let runtime = Builder::new_multi_thread().enable_all().build().map_err(failed())?;
    let served = runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("{}", listener.local_addr()?.port());
        tokio::spawn(accept(listener, acceptor, answer));
        tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink())).await?
    });
    runtime.shutdown_background();
    served.map(drop).map_err(failed())
}

fn config(tls: &Path) -> Result<ServerConfig, Failure> {
    let bad = |why: &dyn std::fmt::Display| Failure::bad("the server's certificate")(why);
    let chain = CertificateDer::pem_file_iter(tls.join("server.pem")).and_then(Iterator::collect);
    let key = PrivateKeyDer::from_pem_file(tls.join("server.key")).map_err(|why| bad(&why))?;
    let builder = ServerConfig::builder().with_no_client_auth();
    builder.with_single_cert(chain.map_err(|why| bad(&why))?, key).map_err(Failure::Tls)
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, answer: Arc<str>) {
    loop {
        if let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(converse(socket, acceptor.clone(), Arc::clone(&answer)));
        }
    }
}

async fn converse(socket: TcpStream, acceptor: TlsAcceptor, answer: Arc<str>) {
    let _prompt = socket.set_nodelay(true);
    let Ok(stream) = acceptor.accept(socket).await else { return };
    let service = service_fn(move |request| take(request, Arc::clone(&answer)));
    // However the connection ends, the client sees it.
    let _ended =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Reads the whole body, and answers.
async fn take(request: Request<Incoming>, answer: Arc<str>) -> Result<Response<String>, Infallible> {
    let mut body = request.into_body();
    while let Some(Ok(_)) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {}
    let mut response = Response::new(answer.to_string());
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}
