//! Who calls: the credential that came with a call, looked up.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use identity::{Caller, KeySet, Presented, authenticate};
use model::Clock;

use crate::accept::Peer;
use crate::blocking::blocking;
use crate::problem::Refusal;
use crate::turnstile::Turnstile;

/// Looks callers up.
#[derive(Clone)]
pub(crate) struct Callers {
    pub(crate) keys: Arc<dyn KeySet>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) turnstile: Arc<Turnstile>,
}

impl Callers {
    /// Who makes this call. Every path asks before it reads a body: strangers' bodies are not read.
    pub(crate) async fn of(&self, headers: &HeaderMap, peer: Peer) -> Result<Caller, Refusal> {
        let _turn = self.turnstile.look_up(&peer).await?;
        let (keys, now) = (Arc::clone(&self.keys), self.clock.now());
        let (certificate, proof) = (peer.certificate, peer.proof);
        let authorization = headers.get(header::AUTHORIZATION).map(|value| value.as_bytes().to_vec());
        let caller = blocking(move || {
            let presented = Presented { authorization: authorization.as_deref(), certificate };
            authenticate(&*keys, presented, now)
        })
        .await?;
        proof.give();
        Ok(caller)
    }
}
