//! The log of certificates, as its one writer has it.

use std::sync::Arc;

use envelope::Chosen;
use pki::sct;
use signer::{Agreement, Answer, CheckpointOrder, Head, Order, Signed};
use tlog::tile::{self, FULL_WIDTH};
use tlog::{CertificateEntry, Checkpoint, Log, LogError, SignedCheckpoint, TilePath, TileStore, tree_head};

use super::issuance::Precertified;
use super::leaves::{Leaves, Standing};
use super::view::{LogKey, View};
use super::{CertificateError, CertificateParts};

/// How many of the newest leaves are looked through for one that may stand there: more than a token's life sees.
const LOOKED_THROUGH_MAX: u64 = 1 << 16;

/// The open log.
pub(super) struct Book {
    log: Log,
    tiles: Arc<dyn TileStore>,
    pub(super) leaves: Leaves,
}

impl Book {
    /// Opens the log; creates it where neither store nor key process has ever heard of it, or in the place of the one that
    /// it succeeds. What was swapped in and not signed then is signed now.
    fn open(parts: &CertificateParts, view: &View) -> Result<Self, CertificateError> {
        let state = parts.signer.state()?;
        let signed =
            |log: &LogKey| state.checkpoints.iter().find(|(of, _)| of == log.origin()).map(|(_, head)| *head);
        let (key, tiles, lock) = (&view.log, Arc::clone(&parts.tiles), Arc::clone(&parts.lock));
        let stored = lock.load().map_err(|source| LogError::Lock {
            action: "read",
            origin: key.origin().to_owned(),
            source,
        })?;
        let stored = stored.map(|stored| stored.checkpoint);
        let leaves = Leaves::since(state.journal.size);
        let log = match (stored.as_deref(), signed(key)) {
            (Some(last), _) if origin(last) == key.origin() => Log::open(key.verifier.clone(), tiles, lock)?,
            // INVARIANT: a log that was signed for is never begun anew, whatever became of the store.
            (_, Some(signed)) => return Err(disagreement(key, 0, signed)),
            (None, None) => Log::create(key.verifier.clone(), tiles, lock)?,
            (Some(last), None) => {
                let old = view.log_named(origin(last))?;
                // What an adoption left behind is not known to its end, whatever followed since.
                if !view.registry.has_left(old.origin()) {
                    finish(parts, &old, signed(&old))?;
                }
                Log::succeed(last, key.verifier.clone(), tiles, lock)?
            }
        };
        let mut book = Self { log, tiles: Arc::clone(&parts.tiles), leaves };
        book.check_agreement(key, signed(key))?;
        book.order(parts, key, Vec::new())?;
        Ok(book)
    }

    fn check_agreement(&self, key: &LogKey, signed: Option<Head>) -> Result<(), CertificateError> {
        let signed = signed.unwrap_or_else(Head::empty);
        let shown = self.log.checkpoint().map(SignedCheckpoint::checkpoint);
        let (onto, newest) = match self.log.pending() {
            Some(pending) => (pending.onto(), pending.checkpoint()),
            None => shown.map(|shown| (shown, shown)).ok_or_else(|| disagreement(key, 0, signed))?,
        };
        match Agreement::of_log(head(onto), head(newest), signed) {
            Agreement::Agreed => Ok(()),
            _ => Err(disagreement(key, newest.size(), signed)),
        }
    }

    /// Opens the log where it is not open, or that of another key.
    ///
    /// To be called before the first step: precertificates that are made later are known not to stand in the log.
    pub(super) fn ready(
        book: &mut Option<Self>,
        parts: &CertificateParts,
        view: &View,
    ) -> Result<(), CertificateError> {
        if book.as_ref().is_none_or(|book| *book.log.key() != view.log.verifier) {
            *book = None;
            *book = Some(Self::open(parts, view)?);
        }
        Ok(())
    }

    /// How many entries it has.
    pub(super) fn size(&self) -> u64 {
        self.log.checkpoint().map_or(0, SignedCheckpoint::size)
    }

    /// Makes each of these stand in the log, and says where. The new head is not signed yet.
    pub(super) fn append(
        &mut self,
        view: &View,
        members: &[Precertified],
    ) -> Result<Vec<u64>, CertificateError> {
        let mut entries = Vec::new();
        let mut places = Vec::with_capacity(members.len());
        let mut fresh: Vec<(u64, u64)> = Vec::new();
        for member in members {
            let known = match self.leaves.find(member.intent) {
                Standing::At(leaf) => Some(leaf),
                Standing::Nowhere => None,
                Standing::Perhaps => self.look_for(view, member)?,
            };
            // The same token twice in one batch is one certificate.
            let known = known
                .or_else(|| fresh.iter().find(|(intent, _)| *intent == member.intent).map(|(_, leaf)| *leaf));
            let leaf = match known {
                Some(leaf) => leaf,
                None => {
                    let leaf = self.size() + u64::try_from(entries.len()).unwrap_or(u64::MAX);
                    entries.push(entry(view, member, leaf).ok_or(CertificateError::Entry)?);
                    leaf
                }
            };
            fresh.push((member.intent, leaf));
            places.push(leaf);
        }
        if !entries.is_empty() {
            let staged = self.log.stage(&entries)?;
            self.log.swap(staged)?;
        }
        // CRASH: the entries are durable under a head that waits for its signature; who comes again is looked for.
        for (intent, leaf) in fresh {
            self.leaves.remember(intent, leaf);
        }
        Ok(places)
    }

    /// Orders the signature of the head that waits for one, and more in the same frame; gives back the answers to those.
    pub(super) fn order(
        &mut self,
        parts: &CertificateParts,
        key: &LogKey,
        more: Vec<Order>,
    ) -> Result<Vec<Answer>, CertificateError> {
        let checkpoint = self.log.pending().map(|pending| CheckpointOrder {
            key: key.id,
            old: head(pending.onto()),
            new: head(pending.checkpoint()),
            proof: pending.consistency().to_vec(),
        });
        let waits = checkpoint.is_some();
        let orders: Vec<Order> = checkpoint.map(Order::Checkpoint).into_iter().chain(more).collect();
        if orders.is_empty() {
            return Ok(Vec::new());
        }
        let mut answers = super::issuance::order(parts, orders)?.into_iter();
        if waits {
            match answers.next() {
                Some(Answer::Signed(signed)) => self.seal(&signed)?,
                Some(Answer::Refused(refusal)) => return Err(CertificateError::Refused(refusal)),
                None => return Err(CertificateError::Answers),
            }
        }
        Ok(answers.collect())
    }

    fn seal(&mut self, signed: &Signed) -> Result<(), CertificateError> {
        let chosen = Chosen::decode(&signed.chosen);
        let Chosen::TreeHead(time) = chosen.map_err(|source| CertificateError::Chosen(Some(source)))? else {
            return Err(CertificateError::Chosen(None));
        };
        self.log.seal(&tree_head::seal(time, &signed.signature))?;
        Ok(())
    }

    /// Looks for a precertificate among the newest leaves: each would have another hash at every other place.
    fn look_for(&self, view: &View, member: &Precertified) -> Result<Option<u64>, CertificateError> {
        let (size, full) = (self.size(), u64::from(FULL_WIDTH));
        let (mut end, first) = (size, size.saturating_sub(LOOKED_THROUGH_MAX));
        while end > first {
            let index = (end - 1) / full;
            for (leaf, hash) in (index * full..).zip(self.leaf_hashes(index, size)?) {
                let Some(extension) = sct::leaf_index(leaf) else { continue };
                let signed = sct::to_be_signed(member.time, &view.public_key, &member.logged, &extension);
                if model::merkle::leaf_hash(&signed) == hash {
                    return Ok(Some(leaf));
                }
            }
            end = index * full;
        }
        Ok(None)
    }

    fn leaf_hashes(&self, index: u64, size: u64) -> Result<Vec<model::Digest>, CertificateError> {
        let full = u64::from(FULL_WIDTH);
        let width = u16::try_from((size - index * full).min(full)).unwrap_or(FULL_WIDTH);
        let path = TilePath::hashes(0, index, width).map_err(LogError::Tile)?;
        let read = self.tiles.read(&[path]).into_iter().next().expect("a tile store answers for every tile");
        let bytes =
            read.map_err(|source| LogError::Read { origin: self.log.key().name().to_owned(), source })?;
        Ok(tile::decode_hashes(path, &bytes).map_err(LogError::Tile)?)
    }
}

/// What the log keeps of a precertificate.
fn entry(view: &View, member: &Precertified, leaf: u64) -> Option<Vec<u8>> {
    CertificateEntry {
        time: member.time,
        issuer: *view.public_key.id().digest(),
        tbs: &member.logged,
        index: leaf,
        precertificate: member.precertificate.der(),
        chain: view.chain.iter().map(pki::Certificate::fingerprint).collect(),
    }
    .encode()
}

/// Finishes a log that is to be left: what was swapped in and not signed is signed and shown, unless its key signs no
/// more; then it was never shown, and nobody was told.
fn finish(parts: &CertificateParts, key: &LogKey, signed: Option<Head>) -> Result<(), CertificateError> {
    let (tiles, lock) = (Arc::clone(&parts.tiles), Arc::clone(&parts.lock));
    let log = Log::open(key.verifier.clone(), tiles, lock)?;
    let mut book = Book { log, tiles: Arc::clone(&parts.tiles), leaves: Leaves::since(0) };
    book.check_agreement(key, signed)?;
    match book.order(parts, key, Vec::new()) {
        Err(CertificateError::Refused(_)) => Ok(()),
        ordered => ordered.map(|_| ()),
    }
}

fn head(checkpoint: &Checkpoint) -> Head {
    Head { size: checkpoint.size(), root: *checkpoint.root() }
}

/// The origin of a checkpoint's text.
fn origin(checkpoint: &str) -> &str {
    checkpoint.lines().next().unwrap_or_default()
}

fn disagreement(log: &LogKey, stored: u64, signed: Head) -> CertificateError {
    CertificateError::Disagreement { origin: log.origin().to_owned(), stored, signed: signed.size }
}
