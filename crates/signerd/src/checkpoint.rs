//! Checkpoints of logs: each extends the last one that was signed for its origin.

use envelope::{Chosen, ToBeSigned};
use keystore::Stores;
use model::{Form, told};
use quorum::{Key, KeyState};
use signer::{CheckpointOrder, Head, Refusal, RefusalCode};
use tlog::proof::verify_consistency;
use tlog::{Checkpoint, tree_head};

use crate::guard::Reading;
use crate::intended::{Intended, Prepared, PrivateKey, Recall, own_intent};
use crate::journal::Work;
use crate::standing::{check_clock, check_key, check_rate, own_key, refuse, registry};
use crate::state::State;

/// Takes an order as far as its intent, or says why not.
pub(crate) fn prepare(
    state: &State,
    keys: &Stores,
    order: &CheckpointOrder,
    now: Reading,
) -> Result<Prepared, Refusal> {
    let form = registry(state)?.key(&order.key).map_or(Form::Checkpoint, |key| key.record.form);
    // The key that promises in a log of Rekor v1 signs the checkpoints of that log, too: its clients know one key for both.
    let form = if matches!(form, Form::Sct | Form::Set) { form } else { Form::Checkpoint };
    let key = own_key(state, &order.key, form)?;
    let name = &key.record.name;
    let origin = key.record.origin.as_deref();
    let origin = origin.ok_or_else(|| refuse(RefusalCode::Key, format!("key `{name}` names no origin")))?;
    let last = state.heads.get(origin);
    let recall = if is_said_again(key, order, last) { Recall::Again } else { Recall::Once };
    if recall == Recall::Once {
        check_key(key, now.time)?;
    }
    check_rate(state, key, now.time)?;
    check_extends(last, order, origin)?;
    let checkpoint = Checkpoint::new(origin, order.new.size, order.new.root)
        .map_err(|error| refuse(RefusalCode::Malformed, told(&error)))?;
    let (to_be_signed, chosen) = match form {
        // A time stands in what is signed, and others believe it.
        Form::Sct => {
            check_clock(now)?;
            let head = tree_head::to_be_signed(now.time, order.new.size, &order.new.root);
            (ToBeSigned::Message(head), Chosen::TreeHead(now.time))
        }
        _ => (ToBeSigned::Message(checkpoint.text().into_bytes()), Chosen::Nothing),
    };
    let private = PrivateKey::of(&key.record, keys)?;
    let intent = own_intent(state, key, now.time, order.digest(), to_be_signed.sha256(), chosen.encode())?;
    let work = Work::Checkpoint { origin: origin.to_owned(), head: order.new };
    Ok(Prepared::Intended(work, Intended { intent, to_be_signed, key: private, recall }))
}

/// Is it what a key said last that was retired since?
///
/// INVARIANT: a retired key says nothing new. What it said last it says again, in the same words: of a log that lost what it
/// showed when the power went, and that another followed before it was started again, all that was given out is shown. A
/// tree head is no such thing, since a time stands in it.
fn is_said_again(key: &Key, order: &CheckpointOrder, last: Option<&Head>) -> bool {
    key.state == KeyState::Retired && key.record.form != Form::Sct && last == Some(&order.new)
}

/// INVARIANT: every checkpoint extends the last one, and two of one size are equal. The last one is in the journal,
/// so a log that was restored, or that somebody owns, cannot talk the key out of it.
fn check_extends(last: Option<&Head>, order: &CheckpointOrder, origin: &str) -> Result<(), Refusal> {
    let refuse = |why: String| {
        let known = match last {
            Some(head) => format!("size {}, root {}", head.size, head.root),
            None => "none".to_owned(),
        };
        let text = format!("{why}; the last checkpoint signed for `{origin}`: {known}");
        Err(refuse(RefusalCode::NotConsistent, text))
    };
    if last == Some(&order.new) {
        // The answer was lost, or the log stopped before it kept it: the same text is signed again.
        return Ok(());
    }
    if last.copied().unwrap_or_else(Head::empty) != order.old {
        return refuse("the log goes on from another head than was signed last".to_owned());
    }
    let Head { size: old, root } = order.old;
    if last.is_some() && order.new.size == old {
        return refuse("a second root for one size".to_owned());
    }
    match verify_consistency(old, &root, order.new.size, &order.new.root, &order.proof) {
        Ok(_) => Ok(()),
        Err(error) => refuse(told(&error)),
    }
}
