//! HTTP on a connection, within bounds that nobody talks us out of.

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::http::{HeaderValue, Method, header};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tower::Service as _;
use tracing::debug;

use super::Peer;
use super::stall::Unstalled;
use crate::bounds::{
    CONNECTION_WINDOW_BYTES, FAULTS_MAX, HEADER_BYTES_MAX, RESETS_MAX, SEND_BYTES_MAX, STREAM_WINDOW_BYTES,
    STREAMS_MAX,
};
use crate::config::Limits;

/// What is spoken on a connection. It is never guessed from the first bytes: a client that sends none would hold the
/// guess for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// How a conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Farewell {
    /// As conversations do.
    Ordinary,
    /// What came was not HTTP.
    NotHttp,
}

/// Serves a connection until it ends.
pub(super) async fn converse<S>(
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
        let ending = Ending::of(protocol, &request);
        async move {
            let mut response: Response = router.call(request.map(Body::new)).await?;
            if ending == Ending::Last {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, std::convert::Infallible>(response)
        }
    });
    let builder = builder(protocol, limits);
    let stream = TokioIo::new(Unstalled::new(stream, limits.stall));
    let connection = builder.serve_connection(stream, service);
    let Err(error) = watcher.watch(connection).await else { return Farewell::Ordinary };
    debug!(error = %error, "a connection ended early");
    match error.downcast_ref::<hyper::Error>() {
        Some(error) if error.is_parse() => Farewell::NotHttp,
        _ => Farewell::Ordinary,
    }
}

/// What becomes of a connection after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// Another may follow.
    Open,
    /// It was the last one.
    Last,
}

impl Ending {
    /// INVARIANT: where somebody between the client and us could have read another length of the body than we did,
    /// nothing that follows on the connection is taken for a request. That is so with every `Transfer-Encoding`
    /// (RFC 9112 §6.1, §11.2) and every body that comes with a method which has none; a plain `Content-Length` has
    /// one meaning, and hyper refuses two that differ.
    fn of(protocol: Protocol, request: &hyper::Request<Incoming>) -> Self {
        let is_plain = !request.headers().contains_key(header::TRANSFER_ENCODING)
            && (request.method() == Method::POST || request.body().is_end_stream());
        // In HTTP/2 a body ends where its frames say.
        if protocol == Protocol::Http2 || is_plain { Self::Open } else { Self::Last }
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
        .max_buf_size(HEADER_BYTES_MAX.try_into().unwrap_or(usize::MAX))
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HEADER_BYTES_MAX)
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(SEND_BYTES_MAX)
        .max_pending_accept_reset_streams(RESETS_MAX)
        .max_local_error_reset_streams(FAULTS_MAX)
        .keep_alive_interval(limits.header)
        .keep_alive_timeout(limits.header);
    builder
}
