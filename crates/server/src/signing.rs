//! Between calls that come and go and an engine that answers when it is done.

use std::sync::Arc;
use std::time::Duration;

use api::Code;
use engine::{Engine, Reply, Row, Submission, SubmitError, View};
use identity::Caller;
use model::RequestId;
use store::Store;
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;

use crate::blocking::{AT_ONCE_BYTES_MAX, blocking};
use crate::caller::Callers;
use crate::config::Limits;
use crate::cosigned::Cosigned;
use crate::problem::Refusal;
use crate::turnstile::Place;

/// What the signing paths work with.
#[derive(Clone)]
pub(crate) struct Signing {
    pub(crate) engine: Engine,
    /// What witnesses cosigned of the log.
    pub(crate) cosigned: Cosigned,
    pub(crate) callers: Callers,
    /// For lists, which are no part of the signing cycle.
    pub(crate) store: Arc<Store>,
    pub(crate) limits: Limits,
    /// Says when the server goes down: who waits then gets what there is.
    pub(crate) stop: watch::Receiver<bool>,
}

/// Even who asks not to wait waits this long: nearly every request is done or refused by then.
const WAIT_MIN: Duration = Duration::from_secs(2);

/// A request that was not read, and nobody was told why.
#[derive(Debug, thiserror::Error)]
#[error("a request that could not be read was not answered")]
struct Untold;

/// Who brings something to a request, and did not ask to wait, waits no longer than this for what comes of it: what they
/// brought is recorded, and signing may have to wait for others.
const ANSWERED_MAX: Duration = Duration::from_secs(5);

type Answer = oneshot::Receiver<Result<View, SubmitError>>;

impl Signing {
    /// Submits a request. The view is final, or as it stands after `wait`.
    pub(crate) async fn submit(
        &self,
        caller: Caller,
        submission: Submission,
        wait: Duration,
        place: Place,
    ) -> Result<View, Refusal> {
        let (reply, answer) = reply_leaving(place);
        let (engine, by, bytes) = (self.engine.clone(), caller.clone(), submission.bytes());
        let submit = move || Ok::<_, SubmitError>(engine.submit(by, submission, reply));
        let ticket = if bytes <= AT_ONCE_BYTES_MAX { submit()? } else { blocking(submit).await? };
        match (self.within(answer, wait.max(WAIT_MIN)).await, ticket) {
            (Some(result), _) => Ok(result?),
            (None, Some(ticket)) => {
                let (engine, id) = (self.engine.clone(), ticket.id());
                let submitted = blocking(move || engine.submitted(&caller, &ticket)).await?;
                submitted.ok_or_else(|| unrecorded(id))
            }
            (None, None) => Err(Refusal::internal(Untold)),
        }
    }

    /// How a request stands once it is final, or after `wait`.
    pub(crate) async fn look(&self, caller: Caller, id: RequestId, wait: Duration) -> Result<View, Refusal> {
        let view = self.seen(&caller, id).await?;
        if view.state.is_final() || wait.is_zero() {
            return Ok(view);
        }
        let (reply, answer) = reply();
        let engine = self.engine.clone();
        // Dropped with this call: whoever went away is not told.
        let _watch = blocking(move || Ok::<_, Refusal>(engine.watch(id, reply))).await?;
        match self.within(answer, wait).await {
            Some(Ok(view)) => Ok(view),
            Some(Err(_)) | None => self.seen(&caller, id).await,
        }
    }

    /// A request as it was received.
    pub(crate) async fn content(&self, caller: Caller, id: RequestId) -> Result<Row, Refusal> {
        let engine = self.engine.clone();
        let found = blocking(move || engine.request(&caller, id)).await?;
        found.ok_or_else(|| SubmitError::NotFound { id }.into())
    }

    /// Brings an endorsement. Whoever brings it must see the request; whose it is, it says itself.
    pub(crate) async fn endorse(
        &self,
        caller: Caller,
        id: RequestId,
        endorsement: Vec<u8>,
        place: Place,
    ) -> Result<View, Refusal> {
        self.seen(&caller, id).await?;
        let (reply, answer) = reply_leaving(place);
        let engine = self.engine.clone();
        hand_over(move || engine.endorse(id, endorsement, reply)).await?;
        self.answered(answer, &caller, id).await
    }

    /// Takes a request back.
    pub(crate) async fn withdraw(
        &self,
        caller: Caller,
        id: RequestId,
        place: Place,
    ) -> Result<View, Refusal> {
        let (reply, answer) = reply_leaving(place);
        let (engine, by) = (self.engine.clone(), caller.clone());
        hand_over(move || engine.withdraw(by, id, reply)).await?;
        self.answered(answer, &caller, id).await
    }

    async fn answered(&self, answer: Answer, caller: &Caller, id: RequestId) -> Result<View, Refusal> {
        match self.within(answer, self.limits.wait.min(ANSWERED_MAX)).await {
            Some(result) => Ok(result?),
            None => self.seen(caller, id).await,
        }
    }

    /// The engine's answer; none after `wait`, and none a moment after the server began to go down.
    async fn within(&self, answer: Answer, wait: Duration) -> Option<Result<View, SubmitError>> {
        let mut stop = self.stop.clone();
        let stopping = async {
            // A sender that is gone has stopped as well.
            let _ = stop.wait_for(|stop| *stop).await;
            sleep(WAIT_MIN).await;
        };
        tokio::select! {
            answer = answer => answer.ok(),
            () = sleep(wait) => None,
            () = stopping => None,
        }
    }

    async fn seen(&self, caller: &Caller, id: RequestId) -> Result<View, Refusal> {
        self.view(caller, id).await?.ok_or_else(|| SubmitError::NotFound { id }.into())
    }

    async fn view(&self, caller: &Caller, id: RequestId) -> Result<Option<View>, Refusal> {
        let (engine, cosigned, caller) = (self.engine.clone(), self.cosigned.clone(), caller.clone());
        let complete = move |view| cosigned.complete(view);
        blocking(move || engine.view(&caller, id).map(|view| view.map(complete))).await
    }
}

/// Gives something to the engine, which may look at the store first.
async fn hand_over(give: impl FnOnce() + Send + 'static) -> Result<(), Refusal> {
    blocking(move || {
        give();
        Ok::<_, Refusal>(())
    })
    .await
}

fn reply() -> (Reply, Answer) {
    reply_leaving(())
}

/// An answer that frees a place: whoever goes away before it does not free it sooner.
fn reply_leaving(place: impl Send + 'static) -> (Reply, Answer) {
    let (sender, receiver) = oneshot::channel();
    let reply = move |result| {
        drop(place);
        // Whoever has gone away needs no answer.
        drop(sender.send(result));
    };
    (Box::new(reply), receiver)
}

fn unrecorded(id: RequestId) -> Refusal {
    Refusal::new(
        Code::Busy,
        format!("request `{id}` is not recorded yet: submit it again, it stays the same request"),
    )
}
