//! One call: a question over HTTP, again where that is safe, and its answer, bounded.

use std::time::Duration;

use api::{Code, Problem};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::ClientError;

/// How long an answer may take that nobody waits for on purpose.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// How often a call is made before its failure is told.
const ATTEMPTS: u32 = 5;
/// The pause after the first failure; it doubles with each further one.
const PAUSE: Duration = Duration::from_millis(100);
/// A server may ask for a longer pause, and is believed up to this.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// What is asked.
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Vec<u8>>,
    /// What kind of thing the body is.
    pub(crate) content_type: &'static str,
    /// How long the answer may take.
    pub(crate) limit: Duration,
    /// The longest answer that is read.
    pub(crate) bytes_max: usize,
    pub(crate) repeat: Repeat,
}

/// May a call be made once more when nobody knows whether it arrived?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Yes: the second does nothing that the first has not done.
    Safe,
    /// No: only where it certainly did not arrive, or was turned away at the door.
    OnlyUnheard,
}

/// A good answer.
pub(crate) struct Answer {
    pub(crate) url: String,
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

/// Where calls go, and what goes with each.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) http: reqwest::Client,
    pub(crate) base: Url,
    pub(crate) authorization: Option<String>,
}

impl<'a> Call<'a> {
    pub(crate) fn get(path: &'a str, bytes_max: usize) -> Self {
        Self {
            method: Method::GET,
            path,
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            content_type: "application/json",
            limit: ANSWER_LIMIT,
            bytes_max,
            repeat: Repeat::Safe,
        }
    }

    pub(crate) fn post(path: &'a str, body: &impl Serialize, bytes_max: usize) -> Result<Self, ClientError> {
        let body = serde_json::to_vec(body).map_err(ClientError::Encoding)?;
        let (method, repeat) = (Method::POST, Repeat::OnlyUnheard);
        Ok(Self { method, body: Some(body), repeat, ..Self::get(path, bytes_max) })
    }
}

impl Exchange {
    /// Makes the call, again where that is safe, and reads the answer.
    pub(crate) async fn make(&self, call: &Call<'_>) -> Result<Answer, ClientError> {
        let mut pause = PAUSE;
        for _ in 1..ATTEMPTS {
            match self.once(call).await {
                Ok(answer) => return Ok(answer),
                Err(failure) if !failure.may_repeat(call.repeat) => return Err(failure.error),
                Err(failure) => tokio::time::sleep(failure.retry_after.unwrap_or(pause).min(PAUSE_MAX)).await,
            }
            pause = pause.saturating_mul(2);
        }
        self.once(call).await.map_err(|failure| failure.error)
    }

    /// Makes the call and reads its JSON.
    pub(crate) async fn json<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, ClientError> {
        let answer = self.make(call).await?;
        serde_json::from_slice(&answer.body)
            .map_err(|_| ClientError::Foreign { url: answer.url, status: answer.status.as_u16() })
    }

    async fn once(&self, call: &Call<'_>) -> Result<Answer, Failure> {
        let mut url = self.base.clone();
        url.set_path(call.path);
        let shown = url.to_string();
        let unreachable = |source: reqwest::Error| {
            let unheard = source.is_connect();
            let error = ClientError::Unreachable { url: shown.clone(), source: source.without_url() };
            Failure { error, heard: if unheard { Heard::No } else { Heard::Perhaps }, retry_after: None }
        };
        let mut response = self.request(call, url).send().await.map_err(unreachable)?;
        let status = response.status();
        let retry_after = retry_after(&response);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > call.bytes_max {
                let error = ClientError::TooLong { url: shown.clone(), limit: call.bytes_max };
                return Err(Failure { error, heard: Heard::Yes, retry_after });
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(Answer { url: shown, status, body });
        }
        Err(Failure::from_answer(shown, status, &body, retry_after))
    }

    fn request(&self, call: &Call<'_>, mut url: Url) -> reqwest::RequestBuilder {
        for (name, value) in &call.query {
            url.query_pairs_mut().append_pair(name, value);
        }
        let mut request = self.http.request(call.method.clone(), url).timeout(call.limit);
        request = request.header(ACCEPT, "application/json, application/problem+json, */*");
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, call.content_type).body(body.clone());
        }
        request
    }
}

/// How the services of Sigstore say what is wrong: the JSON of a gRPC status.
#[derive(Deserialize)]
struct Said {
    message: String,
}

/// What of a foreign text may stand in a message of ours.
fn short(text: String) -> String {
    text.chars().filter(|c| !c.is_control()).take(512).collect()
}

/// A call that failed, and what is known about it.
struct Failure {
    error: ClientError,
    heard: Heard,
    retry_after: Option<Duration>,
}

/// Did the server hear of the call?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// No, or it turned the call away before it did anything.
    No,
    /// Nobody knows.
    Perhaps,
    /// Yes, and its answer stands.
    Yes,
}

impl Failure {
    fn from_answer(url: String, status: StatusCode, body: &[u8], retry_after: Option<Duration>) -> Self {
        let problem = serde_json::from_slice::<Problem>(body);
        let heard = match status {
            // It stays so until its operator does something about it.
            _ if problem.as_ref().is_ok_and(|problem| problem.code == Code::ReadOnly) => Heard::Yes,
            StatusCode::SERVICE_UNAVAILABLE => Heard::No,
            StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => Heard::Perhaps,
            _ => Heard::Yes,
        };
        let error = match problem {
            Ok(problem) => ClientError::Problem(Box::new(problem)),
            Err(_) => match serde_json::from_slice::<Said>(body) {
                Ok(Said { message }) => {
                    ClientError::Said { url, status: status.as_u16(), message: short(message) }
                }
                Err(_) => ClientError::Foreign { url, status: status.as_u16() },
            },
        };
        Self { error, heard, retry_after }
    }

    fn may_repeat(&self, repeat: Repeat) -> bool {
        match (self.heard, repeat) {
            (Heard::No, _) | (Heard::Perhaps, Repeat::Safe) => true,
            (Heard::Perhaps, Repeat::OnlyUnheard) | (Heard::Yes, _) => false,
        }
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}
