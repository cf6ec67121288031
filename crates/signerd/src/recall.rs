//! Recall: an item of a request that ends without receipts is given up. What was signed for it comes back, to be logged;
//! where nothing was, nothing is signed for it any more.

use std::collections::BTreeSet;

use model::journal::Intent;
use model::{Digest, Purpose};
use signer::{RecallOrder, Refusal, RefusalCode};

use crate::intended::Prepared;
use crate::standing::{refuse, registry};
use crate::state::{Signing, State};

/// The most items that are known as given up.
const GIVEN_UP_MAX: usize = 1 << 16;

/// The items that were given up before anything was signed for them, by request digest and index.
///
/// Memory is enough. What could sign one of them after that was said is an order that arrived before: one whose key store
/// is at work, or that waits to be read from a connection; and neither outlives the process.
#[derive(Default)]
pub(crate) struct GivenUp(BTreeSet<(Digest, u32)>);

impl GivenUp {
    /// Gives an item up, and gives back what was signed for it.
    pub(crate) fn recall(&mut self, state: &State, order: &RecallOrder) -> Result<Prepared, Refusal> {
        let place = (order.request, order.item);
        let known = state.signings.get(&place);
        // INVARIANT: nothing new is signed here, whatever is ordered.
        if let Some(kept) = known.filter(|signing| is_code(state, signing)).and_then(Prepared::kept) {
            return Ok(kept);
        }
        // One server has far fewer requests in flight; one that gives up more loses nobody but its own.
        if self.0.len() >= GIVEN_UP_MAX {
            self.0.pop_first();
        }
        self.0.insert(place);
        Err(recalled())
    }

    /// May it still be signed, as far as this goes?
    pub(crate) fn check(&self, intent: &Intent) -> Result<(), Refusal> {
        if self.0.contains(&(intent.request, intent.item)) { Err(recalled()) } else { Ok(()) }
    }
}

/// Under the digest of an ID token stand the steps to a certificate. Those are their holder's, who asks with the token.
fn is_code(state: &State, signing: &Signing) -> bool {
    let key = registry(state).ok().and_then(|registry| registry.key(&signing.intent.key));
    key.is_some_and(|key| key.record.purpose == Purpose::Code)
}

fn recalled() -> Refusal {
    refuse(RefusalCode::Recalled, "it was recalled before anything was signed for it, and nothing will be")
}
