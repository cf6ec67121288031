//! A witness, as whoever brings it checkpoints meets it (C2SP `tlog-witness`). What comes back is verified elsewhere.

use std::time::Duration;

use reqwest::{Method, Response, Url};

use crate::ClientError;
use crate::exchange::Exchange;
use crate::sigstore::{Believed, exchange};

/// How long a witness may take: it waits for a disk, and for nothing else.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// A checkpoint with the signatures of a hundred witnesses, or lines of signatures.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// A witness at its address.
#[derive(Debug, Clone)]
pub struct WitnessClient {
    exchange: Exchange,
}

/// What a witness answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessReply {
    /// The status of HTTP.
    pub status: u16,
    /// The body.
    pub body: String,
}

impl WitnessClient {
    /// A client of the witness at this address: TLS, or plain HTTP on loopback. Nothing is sent yet.
    pub fn new(address: &str, believed: &Believed) -> Result<Self, ClientError> {
        Ok(Self { exchange: exchange(address, believed)? })
    }

    /// `POST /add-checkpoint` with this body.
    pub async fn add_checkpoint(&self, body: String) -> Result<WitnessReply, ClientError> {
        self.ask(Method::POST, "add-checkpoint", body).await
    }

    /// `GET /HASH/checkpoint`: what the witness cosigned last of the log whose origin has this SHA-256, in hexadecimal.
    pub async fn checkpoint(&self, origin: &str) -> Result<WitnessReply, ClientError> {
        self.ask(Method::GET, &format!("{origin}/checkpoint"), String::new()).await
    }

    async fn ask(&self, method: Method, path: &str, body: String) -> Result<WitnessReply, ClientError> {
        let mut url = self.exchange.base.clone();
        url.set_path(&format!("{}/{path}", self.exchange.base.path().trim_end_matches('/')));
        let shown = url.to_string();
        let request = self.exchange.http.request(method, url.clone()).timeout(ANSWER_LIMIT).body(body);
        let response = request.send().await.map_err(|source| unreachable(&url, source))?;
        let status = response.status().as_u16();
        let body = read(response, &url).await?;
        let body = String::from_utf8(body).map_err(|_| ClientError::Foreign { url: shown, status })?;
        Ok(WitnessReply { status, body })
    }
}

async fn read(mut response: Response, url: &Url) -> Result<Vec<u8>, ClientError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|source| unreachable(url, source))? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(ClientError::TooLong { url: url.to_string(), limit: ANSWER_BYTES_MAX });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn unreachable(url: &Url, source: reqwest::Error) -> ClientError {
    ClientError::Unreachable { url: url.to_string(), source: source.without_url() }
}
