//! One call: a question, again where that is safe, with a proof of who asks where that is asked for, and its answer, bounded.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use formats::oci::Repository;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, LINK, LOCATION, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode, Url};
use serde::Deserialize;

use super::challenge::{self, Challenge};
use super::reach::is_private;
use super::token::{self, TokenAsked};
use super::{Login, OciError, Reach};
use crate::context::is_loopback;

/// How long an answer may take, with all of its bytes.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);
/// How often a call is made before its failure is told.
const ATTEMPTS: u32 = 4;
/// The pause after the first failure; it doubles with each further one.
const PAUSE: Duration = Duration::from_millis(100);
/// A registry may ask for a longer pause, and is believed up to this.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// To a store, and from there to the next one of its machines.
const REDIRECTS_MAX: usize = 3;
/// What is read of an answer that says what is wrong.
const FAULT_BYTES_MAX: usize = 64 * 1024;

/// What whoever asks wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Access {
    Pull,
    Push,
}

impl Access {
    const fn actions(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "pull,push",
        }
    }
}

/// Where something is asked.
#[derive(Debug, Clone)]
pub(super) enum At {
    /// At this path of the registry.
    Path(String),
    /// Where the registry said.
    Url(Url),
}

/// What is asked.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) at: At,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) accept: &'static str,
    /// The body, and what it is.
    pub(super) content: Option<(String, Vec<u8>)>,
    /// The longest answer that is read.
    pub(super) bytes_max: usize,
    pub(super) access: Access,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) url: Url,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Said {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// How whoever asks is known.
#[derive(Clone)]
enum Proof {
    None,
    Password { user: String, password: String },
    Token(String),
}

/// A way to a registry.
pub(super) struct Wire {
    http: reqwest::Client,
    base: Url,
    /// The path of the repository, for which tokens are.
    repository: String,
    login: Login,
    realm: Option<String>,
    proofs: Mutex<BTreeMap<Access, Proof>>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire")
            .field("base", &self.base.as_str())
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}

/// A call that failed, and whether it may go better another time.
struct Failure {
    error: OciError,
    again: Again,
}

enum Again {
    /// It stays so.
    Never,
    /// Nobody knows whether it was heard.
    IfSafe(Option<Duration>),
    /// It was not heard.
    Always(Option<Duration>),
}

impl From<OciError> for Failure {
    fn from(error: OciError) -> Self {
        Self { error, again: Again::Never }
    }
}

impl Wire {
    pub(super) fn new(repository: &Repository, reach: &Reach) -> Result<Self, OciError> {
        let base = reach.base(repository.host())?;
        Ok(Self {
            http: reach.http(&base)?,
            base,
            repository: repository.path().to_owned(),
            login: reach.login.clone(),
            realm: reach.realm.clone(),
            proofs: Mutex::default(),
        })
    }

    /// Asks; `None` where there is no such thing.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<Option<Said>, OciError> {
        let mut pause = PAUSE;
        for _ in 1..ATTEMPTS {
            match self.known(ask).await {
                Ok(said) => return Ok(said),
                Err(Failure { again: Again::IfSafe(asked), .. }) if ask.is_safe() => {
                    tokio::time::sleep(asked.unwrap_or(pause).min(PAUSE_MAX)).await;
                }
                Err(Failure { again: Again::Always(asked), .. }) => {
                    tokio::time::sleep(asked.unwrap_or(pause).min(PAUSE_MAX)).await;
                }
                Err(failure) => return Err(failure.error),
            }
            pause = pause.saturating_mul(2);
        }
        self.known(ask).await.map_err(|failure| failure.error)
    }

    /// Asks, and once more with a proof, where the registry wants one.
    async fn known(&self, ask: &Ask) -> Result<Option<Said>, Failure> {
        let said = self.follow(ask, &self.proof(ask.access)).await?;
        // Whoever else answers, at the end of a redirect, is told nothing of us.
        if said.status != StatusCode::UNAUTHORIZED || said.url.origin() != self.base.origin() {
            return judge(said, &self.login);
        }
        let proof = self.prove(ask.access, &said).await?;
        self.proofs.lock().unwrap_or_else(PoisonError::into_inner).insert(ask.access, proof.clone());
        judge(self.follow(ask, &proof).await?, &self.login)
    }

    fn proof(&self, access: Access) -> Proof {
        let proofs = self.proofs.lock().unwrap_or_else(PoisonError::into_inner);
        proofs.get(&access).cloned().unwrap_or(Proof::None)
    }

    /// What a registry asks of whoever it does not know.
    async fn prove(&self, access: Access, said: &Said) -> Result<Proof, OciError> {
        let headers = said.headers.get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok());
        let refused = || unauthorised(said, &self.login);
        match (challenge::parse(headers).ok_or_else(refused)?, &self.login) {
            (Challenge::Bearer { .. }, Login::RegistryToken(token)) => {
                self.may_tell_secrets()?;
                Ok(Proof::Token(token.clone()))
            }
            (Challenge::Basic, Login::Password { user, password }) => {
                self.may_tell_secrets()?;
                Ok(Proof::Password { user: user.clone(), password: password.clone() })
            }
            (Challenge::Basic, _) => Err(refused()),
            (Challenge::Bearer { realm, service }, login) => {
                let scope = format!("repository:{}:{}", self.repository, access.actions());
                let allowed = self.realm.as_deref();
                let asked =
                    TokenAsked { realm: &realm, service, scope, login, registry: &self.base, allowed };
                Ok(Proof::Token(token::fetch(&self.http, &asked).await?))
            }
        }
    }

    fn may_tell_secrets(&self) -> Result<(), OciError> {
        if is_private(&self.base) { Ok(()) } else { Err(OciError::Exposed { url: self.base.to_string() }) }
    }

    /// Makes a call, and follows it to where its answer is.
    async fn follow(&self, ask: &Ask, proof: &Proof) -> Result<Said, Failure> {
        let mut url = self.first(ask);
        for _ in 0..=REDIRECTS_MAX {
            let response = self.send(ask, &url, proof).await?;
            let redirected = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
            if !redirected || !matches!(ask.method, Method::GET | Method::HEAD) {
                return read(response, url, ask.bytes_max).await;
            }
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            url = self.lead(&url, location.unwrap_or_default())?;
        }
        Err(OciError::Elsewhere { url: self.first(ask).to_string(), to: url.to_string() }.into())
    }

    fn first(&self, ask: &Ask) -> Url {
        let mut url = match &ask.at {
            At::Path(path) => {
                let mut url = self.base.clone();
                url.set_path(path);
                url
            }
            At::Url(url) => url.clone(),
        };
        for (name, value) in &ask.query {
            url.query_pairs_mut().append_pair(name, value);
        }
        url
    }

    /// Where the registry leads: never out of TLS, and never from elsewhere to this machine.
    pub(super) fn lead(&self, from: &Url, to: &str) -> Result<Url, OciError> {
        let elsewhere = || OciError::Elsewhere {
            url: from.to_string(),
            to: to.chars().filter(|c| !c.is_control()).take(256).collect(),
        };
        let url = from.join(to).map_err(|_| elsewhere())?;
        let is_safe = url.scheme() == "https" || url.scheme() == "http" && self.base.scheme() == "http";
        let is_here = is_loopback(&url) && !is_loopback(&self.base);
        let is_plain = url.username().is_empty() && url.password().is_none();
        if is_safe && is_plain && !is_here && !to.is_empty() { Ok(url) } else { Err(elsewhere()) }
    }

    async fn send(&self, ask: &Ask, url: &Url, proof: &Proof) -> Result<Response, Failure> {
        let mut request = self.http.request(ask.method.clone(), url.clone()).timeout(ANSWER_LIMIT);
        request = request.header(ACCEPT, ask.accept);
        // INVARIANT: a proof is for the registry that asked for it, and goes nowhere else.
        if url.origin() == self.base.origin() {
            request = match proof {
                Proof::None => request,
                Proof::Password { user, password } => request.basic_auth(user, Some(password)),
                Proof::Token(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
            };
        }
        if let Some((media_type, body)) = &ask.content {
            request = request.header(CONTENT_TYPE, media_type).body(body.clone());
        }
        request.send().await.map_err(|source| unreachable(url, source))
    }

    /// What to ask for the next page of a list; `None` where this one is the last.
    pub(super) fn next_page(&self, said: &Said, ask: &Ask) -> Result<Option<Ask>, OciError> {
        let links = said.headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
        let Some(next) = links.flat_map(|link| link.split(',')).find_map(next_in) else { return Ok(None) };
        let url = self.lead(&said.url, next)?;
        if url.origin() != self.base.origin() {
            return Err(OciError::Elsewhere { url: said.url.to_string(), to: url.to_string() });
        }
        Ok(Some(Ask { at: At::Url(url), query: Vec::new(), ..ask.clone() }))
    }
}

impl Ask {
    /// Does a second call do nothing that the first has not done? An upload ends once.
    fn is_safe(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD) || matches!(self.at, At::Path(_))
    }
}

/// The address in a `Link` of the relation `next` (RFC 8288).
fn next_in(link: &str) -> Option<&str> {
    let (address, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let is_next = |one: &str| matches!(one.trim(), "rel=\"next\"" | "rel=next");
    parameters.split(';').any(is_next).then_some(address)
}

fn unreachable(url: &Url, source: reqwest::Error) -> Failure {
    let again = if source.is_connect() { Again::Always(None) } else { Again::IfSafe(None) };
    Failure { error: OciError::Unreachable { url: url.to_string(), source: source.without_url() }, again }
}

/// Reads an answer, no further than is wanted of it.
async fn read(mut response: Response, url: Url, bytes_max: usize) -> Result<Said, Failure> {
    let status = response.status();
    let limit = if status.is_success() { bytes_max } else { FAULT_BYTES_MAX };
    let headers = response.headers().clone();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|source| unreachable(&url, source))? {
        if body.len() + chunk.len() > limit {
            return Err(OciError::TooLong { url: url.to_string(), limit }.into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Said { url, status, headers, body })
}

/// An answer, or what is wrong.
fn judge(said: Said, login: &Login) -> Result<Option<Said>, Failure> {
    let after = said.header(RETRY_AFTER.as_str()).and_then(|text| text.parse().ok()).map(Duration::from_secs);
    let again = match said.status {
        status if status.is_success() => return Ok(Some(said)),
        StatusCode::NOT_FOUND => return Ok(None),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(unauthorised(&said, login).into()),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Again::Always(after),
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => Again::IfSafe(after),
        _ => Again::Never,
    };
    let (url, status) = (said.url.to_string(), said.status.as_u16());
    let error = match message(&said.body) {
        Some(message) => OciError::Said { url, status, message },
        None => OciError::Foreign { url, status },
    };
    Err(Failure { error, again })
}

fn unauthorised(said: &Said, login: &Login) -> OciError {
    let who = match login {
        Login::Anonymous => "whoever does not log in",
        _ => "whoever has this login",
    };
    let message = message(&said.body).unwrap_or_else(|| format!("status {}", said.status.as_u16()));
    OciError::Unauthorised { url: said.url.to_string(), who, message }
}

/// How registries say what is wrong.
fn message(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Faults {
        errors: Vec<Fault>,
    }
    #[derive(Deserialize)]
    struct Fault {
        code: String,
        #[serde(default)]
        message: String,
    }
    let faults: Faults = serde_json::from_slice(body).ok()?;
    let texts = faults.errors.iter().take(4).map(|fault| format!("{} ({})", fault.message, fault.code));
    let text = texts.collect::<Vec<_>>().join(", ");
    Some(text.chars().filter(|c| !c.is_control()).take(512).collect())
}
