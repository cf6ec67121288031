//! Promises of Rekor v1: signed entry timestamps, for clients that know no other time.
//!
//! The time is that of this process's own clock. No verifier of ours believes it: whoever has the server has orders for
//! promises, and the timestamp authority beside it says the same with a number that never goes back.

use envelope::rekor_v1::promise_to_be_signed;
use envelope::{Chosen, ToBeSigned};
use keystore::Stores;
use model::merkle::leaf_hash;
use model::{Form, told};
use signer::{PromiseOrder, Refusal, RefusalCode};
use tlog::proof::verify_inclusion;

use crate::guard::Reading;
use crate::intended::{Intended, Prepared, PrivateKey, Recall, own_intent};
use crate::journal::Work;
use crate::standing::{check_clock, platform_key, refuse};
use crate::state::State;

/// Takes an order as far as its intent, or says why not.
pub(crate) fn prepare(
    state: &State,
    keys: &Stores,
    order: &PromiseOrder,
    now: Reading,
) -> Result<Prepared, Refusal> {
    check_clock(now)?;
    let key = platform_key(state, &order.key, Form::Set, now.time)?;
    check_logged(state, order, key.record.origin.as_deref().unwrap_or_default())?;
    let log = *key.record.id().digest();
    let to_be_signed = promise_to_be_signed(&order.body, now.time.seconds(), &log, order.index);
    let to_be_signed = ToBeSigned::Message(to_be_signed);
    let private = PrivateKey::of(&key.record, keys)?;
    let intent = own_intent(
        state,
        key,
        now.time,
        order.digest(),
        to_be_signed.sha256(),
        Chosen::Promise(now.time.whole_second()).encode(),
    )?;
    Ok(Prepared::Intended(
        Work::Promise,
        Intended { intent, to_be_signed, key: private, recall: Recall::Once },
    ))
}

/// INVARIANT: only what stands in the log is promised, under the very head that was signed last: the journal holds that
/// head, so that no server talks the key into promising what it never logged.
fn check_logged(state: &State, order: &PromiseOrder, origin: &str) -> Result<(), Refusal> {
    if state.heads.get(origin) != Some(&order.head) {
        let text = format!("the head of the order is not the one that was signed last for `{origin}`");
        return Err(refuse(RefusalCode::NotConsistent, text));
    }
    let (leaf, head) = (leaf_hash(&order.body), &order.head);
    match verify_inclusion(&leaf, order.index, head.size, &head.root, &order.path) {
        Ok(_) => Ok(()),
        Err(error) => {
            let text = format!("the entry does not stand at {} in `{origin}`: {}", order.index, told(&error));
            Err(refuse(RefusalCode::NotConsistent, text))
        }
    }
}
