//! Metrics and health, on the loopback listener; and health alone on the others.

use std::sync::Arc;

use authority::{CertificateAuthority, TufRepository};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use engine::{Engine, Ledger, PolicyEngine, Stage};
use model::{Clock, Digest, Guarantee};
use serde::Serialize;
use signer::{Anchor, Signer};
use tlog::TileStore;

use crate::blocking::blocking;
use crate::door::Access;
use crate::metrics;
use crate::problem::{Refusal, words};
use crate::telemetry::{Exposition, Telemetry};
use crate::walls::Walls;

/// What health and metrics look at.
#[derive(Clone)]
pub(crate) struct Monitor {
    pub(crate) engine: Engine,
    pub(crate) holders: Arc<CertificateAuthority>,
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) policy: Arc<dyn PolicyEngine>,
    pub(crate) tiles: Arc<dyn TileStore>,
    pub(crate) repository: Arc<TufRepository>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) access: Access,
    pub(crate) walls: Walls,
}

/// Can this server sign?
#[derive(Debug, Serialize)]
pub(crate) struct Readiness {
    ready: bool,
    checks: Vec<Check>,
    /// What is promised besides, and whether it holds here. It keeps nobody from signing.
    guarantees: Vec<Guarantee>,
}

/// One thing that signing needs.
#[derive(Debug, Serialize)]
pub(crate) struct Check {
    /// What is needed.
    name: String,
    /// Is it there?
    state: CheckState,
    /// What was seen, or what is wrong.
    evidence: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum CheckState {
    Pass,
    Fail,
}

/// `GET /healthz`: the process serves.
pub(crate) async fn health() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: it can sign, or what keeps it from that.
pub(crate) async fn ready(State(monitor): State<Monitor>) -> Result<Response, Refusal> {
    let readiness = blocking(move || Ok::<_, Refusal>(monitor.look())).await?;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok((status, Json(readiness)).into_response())
}

/// `GET /metrics`, for Prometheus.
pub(crate) async fn metrics(State(monitor): State<Monitor>) -> Result<Response, Refusal> {
    let text = blocking(move || Ok::<_, Refusal>(monitor.expose())).await?;
    Ok(([(CONTENT_TYPE, Exposition::CONTENT_TYPE)], text).into_response())
}

impl Monitor {
    fn look(&self) -> Readiness {
        let mut checks = vec![self.agreement(), self.key_process(), self.ledger(), self.log()];
        let (lanes, stages): (Vec<_>, Vec<_>) =
            self.engine.troubles().into_iter().partition(|(stage, _)| stage.store().is_some());
        let missing = |(stage, evidence): (Stage, String)| Check::missing(&stage.to_string(), evidence);
        checks.extend(stages.into_iter().map(missing));
        // A lane that cannot go on is told of; as long as there is another, the server can sign.
        let stuck = lanes.len();
        let can_sign = stuck == 0 || stuck < self.engine.lanes();
        let ready = can_sign && checks.iter().all(|check| check.state == CheckState::Pass);
        checks.extend(lanes.into_iter().map(missing));
        // Whoever signs does not wait for it.
        checks.extend(self.metadata());
        Readiness { ready, checks, guarantees: self.walls.guarantees() }
    }

    fn agreement(&self) -> Check {
        const NAME: &str = "agreement";
        match &self.access {
            Access::Full => Check::pass(NAME, "store and key process know the same log".to_owned()),
            Access::Reads(why) => Check::missing(NAME, format!("this server only reads: {why}")),
        }
    }

    fn key_process(&self) -> Check {
        const NAME: &str = "key process";
        let state = match self.signer.state() {
            Ok(state) => state,
            Err(error) => return Check::fail(NAME, &error),
        };
        let registry = match state.replay() {
            Ok(registry) => registry,
            Err(error) => return Check::fail(NAME, &error),
        };
        if let Some(evidence) = disagreement(self.policy.digest(), registry.policy()) {
            return Check::missing(NAME, evidence);
        }
        let held = match &state.anchor {
            Anchor::Loose { why } => return Check::missing(NAME, why.clone()),
            Anchor::Held { by } => format!("held by {}", by.join(", ")),
            Anchor::Unanchored => "unanchored".to_owned(),
        };
        let (head, entries, size) = (registry.head(), registry.entries(), state.journal.size);
        Check::pass(NAME, format!("registry {head} with {entries} entries, journal of {size} leaves, {held}"))
    }

    /// Is the TUF metadata renewed in time? `None` where the platform has none.
    fn metadata(&self) -> Option<Check> {
        const NAME: &str = "TUF metadata";
        let (standing, now) = (self.repository.standing(), self.clock.now());
        let late = standing.late(now).map(|one| {
            let who = match one.is_renewed_by_people() {
                true => "administrators renew it with `avouch trust publish`",
                false => "the key process was to renew it",
            };
            format!("{} {} ends at {}: {who}", one.role, one.version, one.expires)
        });
        let late: Vec<String> = late.collect();
        let last = standing.roles.last()?;
        Some(match late.as_slice() {
            [] => Check::pass(NAME, format!("{} {} until {}", last.role, last.version, last.expires)),
            late => Check::missing(NAME, late.join("; ")),
        })
    }

    fn ledger(&self) -> Check {
        const NAME: &str = "store";
        match self.ledger.head() {
            Ok(head) => Check::pass(NAME, format!("ledger of {} leaves", head.size)),
            Err(error) => Check::fail(NAME, &error),
        }
    }

    fn log(&self) -> Check {
        const NAME: &str = "log";
        match self.tiles.published() {
            Ok(Some(note)) => Check::pass(NAME, note.lines().take(2).collect::<Vec<_>>().join(", size ")),
            Ok(None) => Check::missing(NAME, "the log has no signed checkpoint yet".to_owned()),
            Err(error) => Check::fail(NAME, &error),
        }
    }

    fn expose(&self) -> String {
        let mut text = Exposition::default();
        self.telemetry.write(&mut text);
        metrics::access(&self.access, &mut text);
        metrics::engine(&self.engine.metrics(), &mut text);
        metrics::tuf(&self.repository.standing(), &mut text);
        metrics::certificates(self.holders.numbers(), &mut text);
        metrics::books(self.signer.state().ok().as_ref(), self.ledger.head().ok(), &mut text);
        text.into_text()
    }
}

fn disagreement(loaded: Digest, in_force: Digest) -> Option<String> {
    (loaded != in_force).then(|| {
        format!(
            "policy {loaded} is loaded, and the registry says {in_force}: nothing is signed until they agree"
        )
    })
}

impl Check {
    fn pass(name: &str, evidence: String) -> Self {
        Self { name: name.to_owned(), state: CheckState::Pass, evidence }
    }

    fn fail(name: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        Self::missing(name, words(error))
    }

    fn missing(name: &str, evidence: String) -> Self {
        Self { name: name.to_owned(), state: CheckState::Fail, evidence }
    }
}
