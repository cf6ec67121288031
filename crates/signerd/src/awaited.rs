//! Intents that witnesses are to see before they are signed.
//!
//! Where the registry names witnesses of the journal, a governed key signs what enough of them have cosigned the intent of:
//! who endorsed what stands where no disk that is put back takes it away, before there is a signature. And its receipt shows
//! it. Each witness is shown the journal for itself, so each has a tree of its own that the intent stands in.

use std::collections::BTreeMap;

use model::Digest;
use model::journal::{Cosigned, Intent};
use model::layout::{LayoutError, Reader, Writer};
use quorum::{Book, Registry, Witnesses};
use signer::{Head, Refusal, RefusalCode};
use tlog::{Followed, RightEdge, VerifierKey};

use crate::anchorage::HASHES_MAX;
use crate::standing::{refuse, registry};
use crate::state::{Signing, State};

/// The most trees that an intent is under and that some witness has not answered: one a witness, and former ones.
const SHOWN_MAX: usize = 1 << 16;

/// The intents that have no signature yet and that witnesses are to see, by their indices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Awaited(BTreeMap<u64, Awaiting>);

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Awaiting {
    followed: Followed,
    /// Its place in trees that witnesses were shown and have not answered, by their sizes.
    shown: BTreeMap<u64, Shown>,
}

/// A place in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shown {
    root: Digest,
    path: Vec<Digest>,
}

/// What a witness cosigned that an intent stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The witness's word.
    pub(crate) cosigned: Cosigned,
    /// The root of the tree.
    pub(crate) root: Digest,
    /// The intent's inclusion path to it.
    pub(crate) path: Vec<Digest>,
}

impl Awaited {
    /// Nobody waits for a witness.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tree got another leaf.
    pub(crate) fn append(&mut self, leaf: Digest) {
        self.0.values_mut().for_each(|one| one.followed.append(leaf));
    }

    /// An intent, by its leaf, came where the tree had this edge.
    pub(crate) fn begin(&mut self, before: RightEdge, leaf: Digest) {
        let index = before.size();
        let followed = Followed::from(before, leaf);
        self.0.insert(index, Awaiting { followed, shown: BTreeMap::new() });
    }

    /// The present tree is shown to witnesses.
    pub(crate) fn show(&mut self, head: Head) {
        for one in self.0.values_mut() {
            // INVARIANT: all that the path needs was followed from the leaf on.
            let Ok(path) = one.followed.path() else { continue };
            one.shown.insert(head.size, Shown { root: head.root, path });
        }
    }

    /// The intents that stand in what a witness cosigned, each with what is to be remembered of that.
    pub(crate) fn seen(&self, cosigned: &Cosigned) -> Vec<(u64, Seen)> {
        let seen = |(index, one): (&u64, &Awaiting)| {
            let Shown { root, path } = one.shown.get(&cosigned.size)?.clone();
            Some((*index, Seen { cosigned: *cosigned, root, path }))
        };
        self.0.iter().filter_map(seen).collect()
    }

    /// Forgets the places in trees that no witness has to answer any more.
    pub(crate) fn forget_answered(&mut self, is_offered: impl Fn(u64) -> bool) {
        self.0.values_mut().for_each(|one| one.shown.retain(|size, _| is_offered(*size)));
    }

    /// It is signed.
    pub(crate) fn end(&mut self, intent: u64) {
        self.0.remove(&intent);
    }

    /// Forgets what may not be signed any more.
    pub(crate) fn retain(&mut self, is_open: impl Fn(u64) -> bool) {
        self.0.retain(|index, _| is_open(*index));
    }

    pub(crate) fn put(&self, writer: &mut Writer) {
        writer.count(self.0.len());
        for (index, one) in &self.0 {
            let since: Vec<&Digest> = one.followed.since().collect();
            writer.long(*index).list(&since, |writer, hash| {
                writer.digest(hash);
            });
            writer.count(one.shown.len());
            for (size, Shown { root, path }) in &one.shown {
                writer.long(*size).digest(root).list(path, |writer, hash| {
                    writer.digest(hash);
                });
            }
        }
    }

    /// Reads what was put, in a tree of this size; `signing` knows what was remembered of an intent.
    pub(crate) fn take<'a>(
        reader: &mut Reader<'_>,
        size: u64,
        signing: impl Fn(u64) -> Option<&'a Signing>,
    ) -> Result<Self, LayoutError> {
        let wrong = LayoutError::Value { field: "awaited intent" };
        let awaited = reader.list("awaited intents", crate::state::SIGNINGS_MAX, |reader| {
            let index = reader.long("intent")?;
            let since = reader.list("since", HASHES_MAX, |reader| reader.digest("since"))?;
            let signing = signing(index).ok_or(wrong)?;
            let (before, leaf) = (signing.edge.clone().ok_or(wrong)?, signing.leaf());
            let followed = Followed::from_parts(before, leaf, size, &since).map_err(|_| wrong)?;
            let shown = reader.list("shown", SHOWN_MAX, |reader| {
                let (size, root) = (reader.long("size")?, reader.digest("root")?);
                let path = reader.list("path", HASHES_MAX, |reader| reader.digest("path"))?;
                Ok::<_, LayoutError>((size, Shown { root, path }))
            })?;
            Ok::<_, LayoutError>((index, Awaiting { followed, shown: shown.into_iter().collect() }))
        })?;
        Ok(Self(awaited.into_iter().collect()))
    }
}

impl Seen {
    pub(crate) fn put(&self, writer: &mut Writer) {
        let Self { cosigned, root, path } = self;
        cosigned.put(writer);
        writer.digest(root).list(path, |writer, hash| {
            writer.digest(hash);
        });
    }

    pub(crate) fn take(reader: &mut Reader<'_>) -> Result<Self, LayoutError> {
        Ok(Self {
            cosigned: Cosigned::take(reader)?,
            root: reader.digest("root")?,
            path: reader.list("path", HASHES_MAX, |reader| reader.digest("path"))?,
        })
    }
}

/// The witnesses who are to see an intent before it is signed; `None` where its key is not governed, or where the registry
/// under which it was intended named none.
fn due<'a>(registry: &'a Registry, intent: &Intent) -> Option<&'a Witnesses> {
    let is_governed = registry.key(&intent.key)?.record.rule.is_some();
    registry.witnesses_under(&intent.registry, Book::Journal).filter(|_| is_governed)
}

impl State {
    /// Is this a new intent that witnesses are to see?
    pub(crate) fn awaits(&self, intent: &Intent) -> bool {
        self.registry.as_ref().is_some_and(|registry| due(registry, intent).is_some())
    }

    /// Does an intent wait for this witness?
    pub(crate) fn waits_for(&self, witness: &VerifierKey) -> bool {
        let id = witness.log_id();
        let mut signings = self.awaited.0.keys().filter_map(|index| self.signing_at(*index));
        signings.any(|signing| signing.seen.iter().all(|seen| seen.cosigned.witness != id))
    }

    /// INVARIANT: a governed key signs nothing whose intent too few witnesses have seen, where it asks for them.
    pub(crate) fn check_seen(&self, intent: &Intent) -> Result<(), Refusal> {
        let registry = registry(self)?;
        let Some(under) = due(registry, intent) else { return Ok(()) };
        let Some(signing) = self.signings.get(&(intent.request, intent.item)) else {
            // INVARIANT: of what is not known who saw it, nobody did.
            let text = "the journal keeps this intent no longer, and not who saw it; compose a new request";
            return Err(refuse(RefusalCode::Stale, text));
        };
        // Others may have been named since; a verifier goes by those before, and people who wait by either.
        let by = [Some(under), registry.witnesses(Book::Journal)];
        let counts =
            by.into_iter().flatten().map(|named| (signing.seen_by(named).count(), named.threshold()));
        let mut missing = None;
        for (found, needed) in counts {
            if found >= needed {
                return Ok(());
            }
            missing = missing.or(Some((found, needed)));
        }
        if !self.awaited.0.contains_key(&intent.sequence) {
            let text = "the journal was adopted since this was intended, before witnesses had seen it; compose a new request";
            return Err(refuse(RefusalCode::Stale, text));
        }
        let (found, needed) = missing.unwrap_or_default();
        let text = format!(
            "the intent is shown to the witnesses of the journal, of whom {found} have seen it, and it takes {needed}; is `avouch witness feed` running, and does it reach them?"
        );
        Err(refuse(RefusalCode::Anchor, text))
    }
}

impl Signing {
    /// What those who are named here have seen of it.
    fn seen_by<'a>(&'a self, named: &'a Witnesses) -> impl Iterator<Item = &'a Seen> {
        let keys: Vec<Digest> = named
            .witnesses
            .iter()
            .filter_map(|one| VerifierKey::of_witness(&one.name, &one.key).ok())
            .map(|key| key.log_id())
            .collect();
        self.seen.iter().filter(move |seen| keys.contains(&seen.cosigned.witness))
    }
}
