//! The log as its one writer has it.

use std::sync::Arc;

use engine::IndexedEntry;
use envelope::Chosen;
use envelope::rekor_v1::{Promise, promise_to_be_signed};
use model::receipt::LogEntry;
use model::{Base64, Digest, Form};
use signer::{
    Agreement, Answer, CheckpointOrder, Head, Order, Orders, PlatformError, PromiseOrder, Signed, State,
};
use tlog::{Checkpoint, Log, LogError, SignedCheckpoint, VerifierKey};

use super::view::Kept;
use super::{PromisedError, PromisedParts};

/// Entries that the index takes at a time while it catches up.
const CATCH_UP: u64 = 256;

/// The open log.
pub(super) struct Desk {
    log: Log,
}

impl Desk {
    /// Opens the log; creates it where neither store nor key process has ever heard of it. What was swapped in and not
    /// signed then is signed now.
    pub(super) fn open(parts: &PromisedParts, view: &Kept) -> Result<Self, PromisedError> {
        let origin = view.verifier.origin();
        let state = parts.signer.state()?;
        let signed = signed(&state, origin);
        let (key, tiles, lock) = (view.verifier.clone(), Arc::clone(&parts.tiles), Arc::clone(&parts.lock));
        let failed = |source| LogError::Lock { action: "read", origin: origin.to_owned(), source };
        let log = match (lock.load().map_err(failed)?, signed) {
            // INVARIANT: a log that was signed for is never begun anew, whatever became of the store.
            (None, None) => Log::create(key, tiles, lock)?,
            (None, Some(signed)) => return Err(disagreement(&view.verifier, 0, signed)),
            (Some(stored), None) if !is_of(&stored.checkpoint, origin) => {
                leave(parts, &state, &stored.checkpoint)?;
                Log::succeed(&stored.checkpoint, key, tiles, lock)?
            }
            (Some(_), _) => Log::open(key, tiles, lock)?,
        };
        let mut desk = Self { log };
        desk.check_agreement(signed.unwrap_or_else(Head::empty))?;
        if desk.log.pending().is_some() {
            desk.seal(parts, view)?;
        }
        Ok(desk)
    }

    /// Is it the log of this key?
    pub(super) fn is_of(&self, view: &Kept) -> bool {
        *self.log.key() == view.verifier
    }

    fn check_agreement(&self, signed: Head) -> Result<(), PromisedError> {
        let shown = self.log.checkpoint().map(SignedCheckpoint::checkpoint);
        let (onto, newest) = match self.log.pending() {
            Some(pending) => (pending.onto(), pending.checkpoint()),
            None => {
                shown.map(|shown| (shown, shown)).ok_or_else(|| disagreement(self.log.key(), 0, signed))?
            }
        };
        match Agreement::of_log(head(onto), head(newest), signed) {
            Agreement::Agreed => Ok(()),
            _ => Err(disagreement(self.log.key(), newest.size(), signed)),
        }
    }

    /// The index of the entry with this leaf, if it stands here.
    pub(super) fn find(
        &mut self,
        parts: &PromisedParts,
        leaf: &Digest,
    ) -> Result<Option<u64>, PromisedError> {
        self.catch_up(parts)?;
        let origin = self.log.key().origin();
        let Some(index) = parts.index.find(origin, &[*leaf])?.pop().flatten() else { return Ok(None) };
        if self.log.inclusion(index)?.leaf_hash == *leaf {
            return Ok(Some(index));
        }
        // The index says other things than the log: it is filled anew by whoever comes next.
        parts.index.forget(origin)?;
        Err(PromisedError::Index)
    }

    /// Fills the index with what the log has and it does not.
    fn catch_up(&self, parts: &PromisedParts) -> Result<(), PromisedError> {
        let (origin, size) = (self.log.key().origin(), self.size());
        let mut reach = parts.index.reach(origin)?;
        if reach > size {
            parts.index.forget(origin)?;
            reach = 0;
        }
        while reach < size {
            let end = size.min(reach + CATCH_UP);
            let read = |index| Ok(IndexedEntry::read(&self.log.entry(index)?));
            let entries = (reach..end).map(read).collect::<Result<Vec<_>, PromisedError>>()?;
            parts.index.extend(origin, reach, &entries)?;
            reach = end;
        }
        Ok(())
    }

    /// Makes an entry stand in the log, under a signed head, and says where.
    pub(super) fn append(
        &mut self,
        parts: &PromisedParts,
        view: &Kept,
        body: Vec<u8>,
    ) -> Result<u64, PromisedError> {
        let index = self.size();
        let staged = self.log.stage(&[body])?;
        self.log.swap(staged)?;
        // CRASH: the entry is durable under a head that waits for its signature: opening the log has it signed.
        self.seal(parts, view)?;
        // CRASH: an index that does not have it is filled by whoever looks for an entry next.
        let _filled_or_not = self.catch_up(parts);
        Ok(index)
    }

    /// An entry with its promise: the one that is kept, or one that the key process makes now.
    pub(super) fn promised(
        &self,
        parts: &PromisedParts,
        view: &Kept,
        index: u64,
    ) -> Result<(Digest, LogEntry, Promise), PromisedError> {
        let newest = self.log.checkpoint().ok_or(PromisedError::Answers)?;
        let (body, path) = (self.log.entry(index)?, self.log.inclusion(index)?.path);
        let promise = match parts.promises.kept(view.verifier.origin(), index)? {
            Some(promise) => promise,
            None => {
                let promise = promise(parts, view, &body, index, head(newest.checkpoint()), &path)?;
                // CRASH: it is made and nobody has it: another is made, of a later time.
                parts.promises.keep(view.verifier.origin(), index, &promise)?
            }
        };
        let entry = LogEntry { index, body: Base64(body), path, checkpoint: newest.note().to_owned() };
        Ok((*view.key.digest(), entry, promise))
    }

    /// The signed checkpoint that is shown.
    pub(super) fn note(&self) -> Result<String, PromisedError> {
        Ok(self.log.checkpoint().ok_or(PromisedError::Answers)?.note().to_owned())
    }

    pub(super) fn consistency(&self, old: u64, new: u64) -> Result<(Vec<Digest>, Digest), PromisedError> {
        Ok((self.log.consistency(old, new)?, self.log.root_of(new)?))
    }

    fn size(&self) -> u64 {
        self.log.checkpoint().map_or(0, SignedCheckpoint::size)
    }

    /// Has the head that waits signed, and shows it.
    fn seal(&mut self, parts: &PromisedParts, view: &Kept) -> Result<(), PromisedError> {
        let pending = self.log.pending().ok_or(PromisedError::Answers)?;
        let checkpoint = CheckpointOrder {
            key: view.key,
            old: head(pending.onto()),
            new: head(pending.checkpoint()),
            proof: pending.consistency().to_vec(),
        };
        let signed = order(parts, Order::Checkpoint(checkpoint))?;
        self.log.seal(&signed.signature)?;
        Ok(())
    }
}

/// Has the key process promise an entry, and holds what it says against what it should be.
fn promise(
    parts: &PromisedParts,
    view: &Kept,
    body: &[u8],
    index: u64,
    head: Head,
    path: &[Digest],
) -> Result<Promise, PromisedError> {
    let wanted = PromiseOrder { key: view.key, body: body.to_vec(), index, head, path: path.to_vec() };
    let signed = order(parts, Order::Promise(wanted))?;
    let chosen = Chosen::decode(&signed.chosen).map_err(|source| PromisedError::Chosen(Some(source)))?;
    let Chosen::Promise(time) = chosen else { return Err(PromisedError::Chosen(None)) };
    let to_be_signed = promise_to_be_signed(body, time.seconds(), view.key.digest(), index);
    // INVARIANT: a signature that does not verify never leaves.
    let verified = view.verifier.public_key().verify(&to_be_signed, &signed.signature);
    verified.map_err(PromisedError::Signature)?;
    Ok(Promise { time, signature: signed.signature })
}

fn order(parts: &PromisedParts, order: Order) -> Result<Signed, PromisedError> {
    let orders = Orders { ledger: parts.ledger.head()?, orders: vec![order] };
    match parts.signer.order(&orders)?.answers.into_iter().next() {
        Some(Answer::Signed(signed)) => Ok(signed),
        Some(Answer::Refused(refusal)) => Err(PromisedError::Refused(refusal)),
        None => Err(PromisedError::Answers),
    }
}

fn head(checkpoint: &Checkpoint) -> Head {
    Head { size: checkpoint.size(), root: *checkpoint.root() }
}

/// The head of a log that was signed last.
fn signed(state: &State, origin: &str) -> Option<Head> {
    state.checkpoints.iter().find(|(of, _)| of == origin).map(|(_, head)| *head)
}

/// Finishes a log that is to be left: what was swapped in and not signed is signed and shown, unless its key signs no
/// more; then it was never shown, and nobody was told. What an adoption left behind is not known to its end.
fn leave(parts: &PromisedParts, state: &State, last: &str) -> Result<(), PromisedError> {
    let registry = state.replay().map_err(PlatformError::from)?;
    let mut logs = registry.keys().filter(|key| key.record.form == Form::Set);
    let old = logs.find(|key| key.record.origin.as_deref().is_some_and(|origin| is_of(last, origin)));
    let Some(old) = old.map(Kept::of_key).transpose()? else { return Ok(()) };
    if registry.has_left(old.verifier.origin()) {
        return Ok(());
    }
    let (tiles, lock) = (Arc::clone(&parts.tiles), Arc::clone(&parts.lock));
    let mut desk = Desk { log: Log::open(old.verifier.clone(), tiles, lock)? };
    desk.check_agreement(signed(state, old.verifier.origin()).unwrap_or_else(Head::empty))?;
    if desk.log.pending().is_none() {
        return Ok(());
    }
    match desk.seal(parts, &old) {
        Err(PromisedError::Refused(_)) => Ok(()),
        sealed => sealed,
    }
}

fn is_of(checkpoint: &str, origin: &str) -> bool {
    checkpoint.lines().next() == Some(origin)
}

fn disagreement(key: &VerifierKey, stored: u64, signed: Head) -> PromisedError {
    PromisedError::Disagreement { origin: key.origin().to_owned(), stored, signed: signed.size }
}
