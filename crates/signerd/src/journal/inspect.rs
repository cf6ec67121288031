//! Looks at a journal without touching it: for whoever holds it against the other books.
//!
//! The two files hold what was written since the older of them was begun; what came before stands in the older
//! one's snapshot only as far as the state still needs it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use model::journal::{Ending, Intent, Leaf};
use model::{Digest, Disk, KeyId, PublicKey, Purpose};
use signer::Head;

use super::segment::{self, Found, Segment, Whole};
use super::{Chosen, Made, Record, Work, choose, decode};
use crate::KeyProcessError;
use crate::continuity::Continuity;
use crate::state::State;

/// What a journal says.
#[derive(Debug)]
pub struct Inspection {
    /// The head after its last leaf.
    pub head: Head,
    /// The key that signs its checkpoints.
    pub key: PublicKey,
    /// The entries of the registry. They were replayed, with every endorsement in them.
    pub registry: Vec<Vec<u8>>,
    /// The head that was signed last, for each origin.
    pub checkpoints: BTreeMap<String, Head>,
    /// The longest head of the audit ledger that was recorded since the last adoption; the empty one, where none was.
    pub ledger: Head,
    /// The certificates of the platform's keys, in DER: by the keys that they are for, and those that certified them.
    pub certificates: BTreeMap<KeyId, BTreeMap<KeyId, Vec<u8>>>,
    /// The index of the first leaf from which on the files hold all.
    pub held_from: u64,
    /// The leaves that the files hold, in their order.
    pub leaves: Vec<Leaf>,
    /// The intents that are known, by their index: those among the leaves, and those that the state still needs.
    pub intents: BTreeMap<u64, KnownIntent>,
    /// Was the state restored from a backup?
    pub continuity: Continuity,
    /// What is not as it was written, and does not keep the key process from starting.
    pub blemishes: Vec<Blemish>,
}

/// An intent, with what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownIntent {
    /// The intent.
    pub intent: Intent,
    /// What it is for.
    pub order: OrderKind,
    /// How it ended; `None` where no outcome was kept.
    pub ending: Option<Ending>,
    /// The digest of the signature, where that is kept itself.
    pub signature: Option<Digest>,
}

/// What an intent is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderKind {
    /// An item of a request.
    Code,
    /// A timestamp token.
    Timestamp,
    /// A checkpoint.
    Checkpoint,
    /// A certificate of a key of the platform.
    Certificate,
    /// A step to the certificate of a token's holder.
    Holder,
    /// A promise of Rekor v1.
    Promise,
    /// TUF metadata.
    Tuf,
}

/// Something of a journal that is not as it was written, and that the key process starts over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Blemish {
    /// The last frame does not hold.
    #[error(
        "`{name}` ends at byte {at} in a frame that does not hold: the power went while it was written, or the file was damaged since"
    )]
    Torn {
        /// The file.
        name: String,
        /// Where.
        at: usize,
    },
    /// The older file cannot be read any more.
    #[error("`{name}`, the older of the journal's files, cannot be read: what it held of the past is lost")]
    OlderLost {
        /// The file.
        name: &'static str,
    },
    /// The older file is of another history.
    #[error("`{name}`, the older of the journal's files, does not lead to the newer one")]
    OtherHistory {
        /// The file.
        name: String,
    },
}

/// The folder of a key process, kept free of key processes while the value lives.
#[derive(Debug)]
pub struct Held {
    _lock: File,
}

/// Keeps key processes out of a folder while it is looked at.
pub fn hold(folder: &Path) -> Result<Held, KeyProcessError> {
    Ok(Held { _lock: crate::sandbox::lock(folder)? })
}

/// Reads the journal in a folder, and changes nothing. `None` where there is none.
pub fn inspect(disk: &Arc<dyn Disk>) -> Result<Option<Inspection>, KeyProcessError> {
    let files = [segment::file_name(0), segment::file_name(1)];
    let [even, odd] = [Segment::open(disk, files[0])?, Segment::open(disk, files[1])?];
    let broken: Vec<&'static str> = [(files[0], &even), (files[1], &odd)]
        .into_iter()
        .filter(|(_, found)| matches!(found, Found::Broken))
        .map(|(name, _)| name)
        .collect();
    let Some(Chosen { newest, older }) = choose(even, odd)? else { return Ok(None) };
    let mut blemishes: Vec<Blemish> = broken.into_iter().map(|name| Blemish::OlderLost { name }).collect();
    let mut known = Known::default();
    let older = older.map(|whole| known.take(whole)).transpose()?;
    let (newest_name, at) =
        (newest.segment.name().to_owned(), newest.segment.torn(&disk.read(newest.segment.name())?));
    blemishes.extend(at.map(|at| Blemish::Torn { name: newest_name, at }));
    let newest = known.take(newest)?;
    if let Some(older) = older.as_ref().filter(|older| older.after.size == newest.before.size)
        && older.after.root != newest.before.root
    {
        blemishes.push(Blemish::OtherHistory { name: older.name.clone() });
    }
    // Between the two stands what was applied and written in the snapshot alone.
    let held_from = match &older {
        Some(older) if older.after == newest.before => older.before.size,
        _ => newest.before.size,
    };
    let State { journal_key, entries, registry, certificates, heads, ledger, .. } = newest.state;
    Ok(Some(Inspection {
        head: newest.after,
        key: journal_key,
        continuity: Continuity::read(disk.as_ref(), registry.as_ref())?,
        registry: entries,
        checkpoints: heads,
        ledger,
        certificates,
        held_from,
        leaves: known.leaves.into_values().collect(),
        intents: known.intents,
        blemishes,
    }))
}

/// What both files know.
#[derive(Default)]
struct Known {
    leaves: BTreeMap<u64, Leaf>,
    intents: BTreeMap<u64, KnownIntent>,
}

/// One file, replayed.
struct Replayed {
    name: String,
    before: Head,
    after: Head,
    state: State,
}

impl Known {
    fn take(&mut self, whole: Whole) -> Result<Replayed, KeyProcessError> {
        let Whole { segment, snapshot, records, .. } = whole;
        let mut state = State::from_snapshot(&snapshot)?;
        let before = state.head();
        self.take_state(&state);
        for body in records {
            for record in decode(&body)? {
                state.apply(&record)?;
                self.take_record(record, &state);
            }
        }
        Ok(Replayed { name: segment.name().to_owned(), before, after: state.head(), state })
    }

    fn take_state(&mut self, state: &State) {
        for signing in state.signings.values() {
            let order = OrderKind::of_remembered(&signing.intent, state);
            self.take_signing(order, &signing.intent, signing.signature.as_deref());
        }
        for signing in state.tuf.signings() {
            self.take_signing(OrderKind::Tuf, &signing.intent, signing.signature.as_deref());
        }
    }

    fn take_signing(&mut self, order: OrderKind, intent: &Intent, signature: Option<&[u8]>) {
        let signature = signature.map(Digest::of);
        let ending = signature.map(Ending::Signed);
        let known = KnownIntent { order, intent: intent.clone(), ending, signature };
        self.intents.insert(intent.sequence, known);
    }

    fn take_record(&mut self, record: Record, state: &State) {
        let leaf = record.leaf();
        match record {
            Record::Intent { intent, work } => {
                let order = OrderKind::of(&work, &intent, state);
                let known = KnownIntent { order, intent, ending: None, signature: None };
                self.intents.insert(leaf.sequence(), known);
            }
            Record::Outcome { outcome, made } => {
                if let Some(known) = self.intents.get_mut(&outcome.intent) {
                    known.ending = Some(outcome.ending);
                    known.signature = match made {
                        Made::Signature(signature) => Some(Digest::of(&signature)),
                        Made::Nothing | Made::Certificate { .. } => None,
                    };
                }
            }
            Record::Plain(_) => {}
        }
        self.leaves.insert(leaf.sequence(), leaf);
    }
}

impl OrderKind {
    fn of(work: &Work, intent: &Intent, state: &State) -> Self {
        match work {
            Work::Remembered { .. } => Self::of_remembered(intent, state),
            Work::Timestamp { .. } => Self::Timestamp,
            Work::Checkpoint { .. } => Self::Checkpoint,
            Work::Certificate { .. } => Self::Certificate,
            Work::Promise => Self::Promise,
            Work::Tuf(_) => Self::Tuf,
        }
    }

    /// Items of requests are signed by keys for code, and by nothing else.
    fn of_remembered(intent: &Intent, state: &State) -> Self {
        let key = state.registry.as_ref().and_then(|registry| registry.key(&intent.key));
        match key.map(|key| key.record.purpose) {
            Some(Purpose::Code) | None => Self::Code,
            Some(_) => Self::Holder,
        }
    }
}
