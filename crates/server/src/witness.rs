//! A witness over HTTP (C2SP `tlog-witness`): a listener of its own, in a process of its own, beside no log.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use model::{Digest, told};
use tlog::witness::{Rejection, SUBMISSION_BYTES_MAX};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::watch;
use tracing::{error, info};
use witness::{Witness, WitnessError};

use crate::accept::{self, Door};
use crate::body;
use crate::config::Limits;
use crate::run::ServerError;

/// What every call of a witness needs.
#[derive(Clone)]
struct Stand {
    witness: Arc<Witness>,
    limits: Limits,
}

/// Serves a witness until `stop` resolves. `ready` gets the address, once connections are taken.
pub fn run_witness(
    witness: Arc<Witness>,
    listen: SocketAddr,
    limits: Limits,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()>,
) -> Result<(), ServerError> {
    let runtime = Builder::new_multi_thread().enable_all().build().map_err(ServerError::Runtime)?;
    runtime.block_on(async {
        let refuse = |source| ServerError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(refuse)?;
        ready(listener.local_addr().map_err(refuse)?);
        let (stopping, stopped) = watch::channel(false);
        let router = router(Stand { witness, limits: limits.clone() });
        let serving = tokio::spawn(accept::serve(Door::Plain(listener), router, limits, stopped));
        stop.await;
        // Whoever listens for it is the one that is waited for.
        let _ = stopping.send(true);
        let _ended = serving.await;
        Ok(())
    })
}

fn router(stand: Stand) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/{origin}/checkpoint", get(checkpoint))
        .with_state(stand)
}

/// `POST /add-checkpoint`.
async fn add_checkpoint(State(stand): State<Stand>, headers: HeaderMap, body: Body) -> Response {
    let read = body::read(&headers, body, SUBMISSION_BYTES_MAX, stand.limits.body).await;
    let bytes = match read {
        Ok(bytes) => bytes,
        Err(refusal) => {
            let status = StatusCode::from_u16(refusal.problem.status).unwrap_or(StatusCode::BAD_REQUEST);
            return plain(status, refusal.problem.detail.clone());
        }
    };
    let Ok(body) = String::from_utf8(bytes) else {
        return plain(StatusCode::BAD_REQUEST, told(&Rejection::Shape));
    };
    // It waits for a disk.
    match tokio::task::spawn_blocking(move || stand.witness.add_checkpoint(&body)).await {
        Ok(Ok(line)) => plain(StatusCode::OK, line),
        Ok(Err(WitnessError::Rejected(rejection))) => rejected(&rejection),
        Ok(Err(cause)) => {
            error!(error = told(&cause), "a checkpoint cannot be cosigned");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "this witness cannot cosign now".to_owned())
        }
        Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "this witness cannot cosign now".to_owned()),
    }
}

fn rejected(rejection: &Rejection) -> Response {
    info!(why = told(rejection), "a checkpoint was not cosigned");
    let status = StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::BAD_REQUEST);
    match rejection {
        Rejection::Conflict { size } => {
            (status, [(header::CONTENT_TYPE, "text/x.tlog.size")], format!("{size}\n")).into_response()
        }
        other => plain(status, told(other)),
    }
}

/// `GET /{origin}/checkpoint`, by the SHA-256 of the origin.
async fn checkpoint(State(stand): State<Stand>, Path(origin): Path<String>) -> Response {
    let none =
        || plain(StatusCode::NOT_FOUND, "this witness cosigned no checkpoint of such a log".to_owned());
    let Ok(origin) = origin.parse::<Digest>() else { return none() };
    // Its lock is held while another thread waits for the disk.
    let newest = tokio::task::spawn_blocking(move || stand.witness.checkpoint(&origin)).await;
    match newest {
        Ok(Some(note)) => {
            let headers =
                [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
            (headers, note).into_response()
        }
        _ => none(),
    }
}

fn plain(status: StatusCode, mut text: String) -> Response {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
