//! The paths of `/v1` that sign, and those of the public listener that show.

use std::time::{Duration, Instant};

use api::{
    EndorsementSubmission, LogSearch, Page, ProfileView, RequestContent, RequestLine, RequestState,
    RequestView, Submission, Whoami,
};
use model::{RequestId, Space, limits};

use crate::exchange::{ANSWER_LIMIT, Call, Exchange, Repeat};
use crate::{ClientError, Context};

/// Views without receipts, problems, profiles.
const SMALL_BYTES_MAX: usize = 4 * 1024 * 1024;
/// A trust root with the whole registry in it.
const TRUST_ROOT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// A bundle of 256 entries of the largest kind.
const TILE_BYTES_MAX: usize = 256 * (limits::LOG_ENTRY_BYTES_MAX + 2);
/// A page of entries, in base64, with their proofs.
const SEARCH_BYTES_MAX: usize = 64 * (2 * limits::LOG_ENTRY_BYTES_MAX);
/// The receipts of one request.
const RECEIPTS_BYTES_MAX: usize = limits::RECEIPT_BYTES_MAX;
/// How long the server is asked to wait at a time.
const WAIT_STEP: Duration = Duration::from_secs(30);

/// How long a request is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Not at all: the view as it stands.
    No,
    /// Until nothing will change any more, or this long.
    Final(Duration),
}

/// A client of one listener of a server.
#[derive(Debug, Clone)]
pub struct Client {
    exchange: Exchange,
}

impl Client {
    /// Sets a client up; nothing is sent yet.
    pub fn new(context: &Context) -> Result<Self, ClientError> {
        let base = context.base()?;
        let http = context.http(&base)?;
        Ok(Self { exchange: Exchange { http, base, authorization: context.authorization() } })
    }

    /// Who the server thinks this is, and which profiles they may use.
    pub async fn whoami(&self) -> Result<Whoami, ClientError> {
        self.exchange.json(&Call::get("/v1/whoami", SMALL_BYTES_MAX)).await
    }

    /// What composing a request for a profile needs.
    pub async fn profile(&self, name: &Space) -> Result<ProfileView, ClientError> {
        self.exchange.json(&Call::get(&format!("/v1/profiles/{name}"), SMALL_BYTES_MAX)).await
    }

    /// Submits a request, and waits for its receipts.
    ///
    /// Safe to repeat, and repeated where the network fails: the server knows a request by its id, and the same
    /// request again is the same request. `idempotency_key` lets another process ask for the same once more.
    pub async fn submit(
        &self,
        submission: &Submission,
        idempotency_key: Option<&str>,
        wait: Wait,
    ) -> Result<RequestView, ClientError> {
        let until = Until::new(wait);
        let mut call = Call::post("/v1/requests", submission, RECEIPTS_BYTES_MAX)?;
        call.repeat = Repeat::Safe;
        call.headers.extend(idempotency_key.map(|key| ("idempotency-key", key.to_owned())));
        until.step().ask_of(&mut call);
        let view = self.exchange.json(&call).await?;
        self.follow(view, until).await
    }

    /// How a request stands.
    pub async fn request(&self, id: &RequestId, wait: Wait) -> Result<RequestView, ClientError> {
        let until = Until::new(wait);
        let view = self.look(id, until.step()).await?;
        self.follow(view, until).await
    }

    /// A page of the requests that this caller may see, the newest first.
    pub async fn requests(
        &self,
        state: Option<RequestState>,
        profile: Option<&Space>,
        after: Option<&str>,
    ) -> Result<Page<RequestLine>, ClientError> {
        let mut call = Call::get("/v1/requests", SMALL_BYTES_MAX);
        call.query.extend(state.map(|state| ("state", state.word().to_owned())));
        call.query.extend(profile.map(|profile| ("profile", profile.to_string())));
        call.query.extend(after.map(|after| ("after", after.to_owned())));
        self.exchange.json(&call).await
    }

    /// The request as it was received: what an endorser reads, and recomputes the digest of.
    pub async fn content(&self, id: &RequestId) -> Result<RequestContent, ClientError> {
        self.exchange.json(&Call::get(&format!("/v1/requests/{id}/content"), RECEIPTS_BYTES_MAX)).await
    }

    /// Brings an endorsement of a request, or a rejection.
    pub async fn endorse(&self, id: &RequestId, endorsement: &str) -> Result<RequestView, ClientError> {
        let path = format!("/v1/requests/{id}/endorsements");
        let body = EndorsementSubmission { endorsement: endorsement.to_owned() };
        self.exchange.json(&Call::post(&path, &body, RECEIPTS_BYTES_MAX)?).await
    }

    /// Takes a request back.
    pub async fn withdraw(&self, id: &RequestId) -> Result<RequestView, ClientError> {
        let path = format!("/v1/requests/{id}/withdrawal");
        self.exchange.json(&Call::post(&path, &serde_json::json!({}), RECEIPTS_BYTES_MAX)?).await
    }

    /// The trust root, as the server publishes it (public listener). Whoever uses it compares it with what they have.
    pub async fn trust_root(&self) -> Result<Vec<u8>, ClientError> {
        self.bytes("/v1/trust-root", TRUST_ROOT_BYTES_MAX).await
    }

    /// The newest checkpoint of a log (public listener).
    pub async fn checkpoint(&self, shard: &Shard) -> Result<Vec<u8>, ClientError> {
        self.bytes(&shard.path("checkpoint"), SMALL_BYTES_MAX).await
    }

    /// A tile or entry bundle of a log by its path, such as `tile/0/x001/234` (public listener).
    pub async fn tile(&self, shard: &Shard, path: &str) -> Result<Vec<u8>, ClientError> {
        self.bytes(&shard.path(path), TILE_BYTES_MAX).await
    }

    /// Entries of the log by what they tell: the words of the query with their values (public listener). Nothing of the
    /// answer is verified here.
    pub async fn search_log(&self, words: &[(&'static str, String)]) -> Result<LogSearch, ClientError> {
        let mut call = Call::get("/v1/log/search", SEARCH_BYTES_MAX);
        call.query.extend(words.iter().cloned());
        self.exchange.json(&call).await
    }

    /// The timestamp authority's certificate and those above it, in PEM (public listener).
    pub async fn timestamp_chain(&self) -> Result<Vec<u8>, ClientError> {
        self.bytes("/api/v1/timestamp/certchain", SMALL_BYTES_MAX).await
    }

    async fn bytes(&self, path: &str, bytes_max: usize) -> Result<Vec<u8>, ClientError> {
        Ok(self.exchange.make(&Call::get(path, bytes_max)).await?.body)
    }

    async fn look(&self, id: &RequestId, step: Step) -> Result<RequestView, ClientError> {
        let path = format!("/v1/requests/{id}");
        let mut call = Call::get(&path, RECEIPTS_BYTES_MAX);
        step.ask_of(&mut call);
        self.exchange.json(&call).await
    }

    async fn follow(&self, mut view: RequestView, until: Until) -> Result<RequestView, ClientError> {
        while !view.state.is_final() && !until.step().0.is_zero() {
            view = self.look(&view.id, until.step()).await?;
        }
        Ok(view)
    }
}

/// Which log of a server is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shard {
    /// The one that grows.
    Newest,
    /// The one of this origin, which may be frozen.
    Of(String),
}

impl Shard {
    fn path(&self, within: &str) -> String {
        match self {
            Self::Newest => format!("/api/v2/{within}"),
            Self::Of(origin) => format!("/shards/{origin}/api/v2/{within}"),
        }
    }
}

/// When waiting ends.
#[derive(Debug, Clone, Copy)]
struct Until(Instant);

/// How long the server is asked to wait now.
#[derive(Debug, Clone, Copy)]
struct Step(Duration);

impl Until {
    fn new(wait: Wait) -> Self {
        let now = Instant::now();
        match wait {
            Wait::No => Self(now),
            Wait::Final(duration) => Self(now.checked_add(duration).unwrap_or(now)),
        }
    }

    /// Whole seconds, rounded up: waiting less than one would be asking in a circle.
    fn step(self) -> Step {
        let left = self.0.saturating_duration_since(Instant::now()).min(WAIT_STEP);
        Step(Duration::from_secs(left.as_millis().div_ceil(1000).try_into().unwrap_or(0)))
    }
}

impl Step {
    fn ask_of(self, call: &mut Call<'_>) {
        call.query.push(("wait", self.0.as_secs().to_string()));
        call.limit = ANSWER_LIMIT.saturating_add(self.0);
    }
}
