//! Keys that issuers of ID tokens publish, asked for through a process of their own: the server calls nobody outside.
//!
//! That process listens at a socket in a folder of the server's. A question and its answer are one line of JSON each. It holds no
//! secret and believes nobody: it asks the key process which issuers the registry has without keys, and calls no other,
//! whoever asks.

use std::future::Future;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use identity::oidc::{Fetcher, IssuerShelf};
use model::{Clock, told};
use pki::token::IssuerKey;
use quorum::Registry;
use serde::{Deserialize, Serialize};
use signer::Signer;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Builder;
use tokio::sync::Semaphore;
use tracing::{debug, warn};

use crate::run::ServerError;

/// The folder, in the server's own, in which that process listens, and nothing else is.
pub const ISSUERS: &str = "issuers";

/// The socket's name there.
pub(crate) const SOCKET: &str = "feed.sock";

/// Questions at a time.
const QUESTIONS_MAX: usize = 64;
/// A question: an issuer and the name of a key.
const QUESTION_BYTES_MAX: u64 = 8 * 1024;
/// An answer: the keys of one issuer.
const ANSWER_BYTES_MAX: u64 = 512 * 1024;
/// How long a question may take to be said, and how long its answer is waited for: longer than an issuer is.
const QUESTION_LIMIT: Duration = Duration::from_secs(2);
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// How old the registry may be by which issuers are called.
const REGISTRY_AGE_MAX: Duration = Duration::from_secs(5);

/// Whose keys.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    issuer: String,
    key: Option<String>,
}

/// The keys, or why there are none.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Keys(Vec<IssuerKey>),
    Fault(String),
}

/// Why there are no keys.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerFeedError {
    /// Nobody listens, or not for long.
    #[error(
        "the process that asks issuers for their keys does not answer at `{}`; is `avouch issuer feed` running?",
        socket.display()
    )]
    Silent {
        /// The socket.
        socket: PathBuf,
        /// What the system said.
        #[source]
        source: Arc<io::Error>,
    },
    /// It answers, and has no keys.
    #[error("the issuer's keys cannot be had: {fault}")]
    Fault {
        /// What it says.
        fault: String,
    },
}

/// Asks for the keys of an issuer, this one among them if it has it.
pub(crate) async fn keys(
    socket: &Path,
    issuer: &str,
    key: Option<&str>,
) -> Result<Vec<IssuerKey>, IssuerFeedError> {
    let silent = |source| IssuerFeedError::Silent { socket: socket.to_owned(), source: Arc::new(source) };
    let question = Question { issuer: issuer.to_owned(), key: key.map(str::to_owned) };
    let asked = tokio::time::timeout(ANSWER_LIMIT, ask(socket, &question));
    let answer = asked.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(silent)?;
    match answer {
        Answer::Keys(keys) => Ok(keys),
        Answer::Fault(fault) => Err(IssuerFeedError::Fault { fault }),
    }
}

async fn ask(socket: &Path, question: &Question) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(socket).await?;
    let mut line = serde_json::to_vec(question)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await?;
    Ok(serde_json::from_slice(&answer)?)
}

/// What the process works with.
struct Desk {
    signer: Arc<dyn Signer>,
    clock: Arc<dyn Clock>,
    shelf: IssuerShelf,
    registry: Mutex<Option<(Duration, Arc<Registry>)>>,
}

/// Answers at the socket in the folder [`ISSUERS`] until `stop` resolves. `ready` is called once it listens.
pub fn run_issuer_feed(
    folder: &Path,
    signer: Arc<dyn Signer>,
    fetcher: Fetcher,
    clock: Arc<dyn Clock>,
    ready: impl FnOnce(),
    stop: impl Future<Output = ()>,
) -> Result<(), ServerError> {
    let runtime = Builder::new_multi_thread().enable_all().build().map_err(ServerError::Runtime)?;
    let shelf = IssuerShelf::new(fetcher, Arc::clone(&clock));
    let desk = Arc::new(Desk { signer, clock, shelf, registry: Mutex::default() });
    runtime.block_on(async {
        let socket = folder.join(SOCKET);
        let listener = listen(&socket).map_err(|source| ServerError::Socket { path: socket, source })?;
        ready();
        tokio::select! {
            () = serve(&listener, desk) => {}
            () = stop => {}
        }
        Ok(())
    })
}

/// One that was left by a process that is gone is in the way; one at which somebody listens is taken over.
fn listen(socket: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(socket)?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn serve(listener: &UnixListener, desk: Arc<Desk>) {
    let places = Arc::new(Semaphore::new(QUESTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let desk = Arc::clone(&desk);
                tokio::spawn(async move {
                    if let Err(error) = desk.answer(stream).await {
                        debug!(error = told(&error), "a question broke off");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                warn!(error = told(&error), "questions cannot be taken now");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

impl Desk {
    async fn answer(&self, mut stream: UnixStream) -> io::Result<()> {
        let (reading, mut writing) = stream.split();
        let mut line = Vec::new();
        let mut reading = BufReader::new(reading.take(QUESTION_BYTES_MAX));
        tokio::time::timeout(QUESTION_LIMIT, reading.read_until(b'\n', &mut line)).await??;
        let answer = match serde_json::from_slice::<Question>(&line) {
            Ok(question) => self.keys(&question).await,
            Err(_) => Answer::Fault("the question cannot be read".to_owned()),
        };
        writing.write_all(&serde_json::to_vec(&answer)?).await?;
        writing.shutdown().await
    }

    async fn keys(&self, Question { issuer, key }: &Question) -> Answer {
        match self.is_asked(issuer).await {
            Ok(true) => {}
            Ok(false) => {
                return Answer::Fault(
                    "the registry has no active issuer of that name without keys".to_owned(),
                );
            }
            Err(fault) => return Answer::Fault(fault),
        }
        match self.shelf.keys(issuer, key.as_deref()).await {
            Ok(keys) => Answer::Keys(keys.to_vec()),
            Err(error) => Answer::Fault(told(&error)),
        }
    }

    /// INVARIANT: no address is called that the registry does not stand for, whatever the server asks for.
    async fn is_asked(&self, issuer: &str) -> Result<bool, String> {
        let registry = self.registry().await?;
        Ok(registry.issuers().named(issuer).is_some_and(|record| record.keys.is_empty()))
    }

    async fn registry(&self) -> Result<Arc<Registry>, String> {
        let now = self.clock.boot();
        if let Some((asked, registry)) = &*self.registry.lock().unwrap_or_else(PoisonError::into_inner)
            && now.saturating_sub(*asked) < REGISTRY_AGE_MAX
        {
            return Ok(Arc::clone(registry));
        }
        let signer = Arc::clone(&self.signer);
        let told_of = tokio::task::spawn_blocking(move || signer.state()).await;
        let state = told_of.map_err(|error| told(&error))?.map_err(|error| told(&error))?;
        let registry = Arc::new(state.replay().map_err(|error| told(&error))?);
        let mut kept = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some((now, Arc::clone(&registry)));
        Ok(registry)
    }
}
