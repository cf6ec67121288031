//! The state that the journal replays to. It changes in one way: by applying a record.

use std::collections::BTreeMap;

use model::journal::{Cosigned, Intent, Leaf, Outcome};
use model::{Digest, Instant, KeyId, PublicKey};
use quorum::{Change, Entry, Moment, Registry};
use signer::Head;
use tlog::RightEdge;

use crate::KeyProcessError;
use crate::anchorage::{self, Anchorage};
use crate::awaited::{Awaited, Seen};
use crate::journal::{Made, Record, Work};
use crate::rate::Window;
use crate::tuf::Versions;

/// The most signings that are remembered at once: with their signatures they are some 350 bytes each, in memory and in
/// every snapshot, and whoever orders decides how many there are. Where people are asked, a right edge is as much again
/// in memory; a snapshot holds what is new in each.
pub(crate) const SIGNINGS_MAX: usize = 1 << 20;

/// All that the key process knows.
#[derive(Debug, Clone)]
pub(crate) struct State {
    /// The right edge of the journal's tree.
    pub(crate) edge: RightEdge,
    /// The key that signs the journal's checkpoints.
    pub(crate) journal_key: PublicKey,
    /// The registry's entries, as they were received.
    pub(crate) entries: Vec<Vec<u8>>,
    /// What they replay to; `None` before a platform is begun.
    pub(crate) registry: Option<Registry>,
    /// When administrators asked for the last adoption: what was known of tokens from before it may be lost.
    pub(crate) adopted: Option<Instant>,
    /// The certificates of the platform's keys, in DER: by the keys that they are for, and those that certified them.
    pub(crate) certificates: BTreeMap<KeyId, BTreeMap<KeyId, Vec<u8>>>,
    /// Items that were signed or are about to be, by request digest and index, until their deadlines.
    pub(crate) signings: BTreeMap<(Digest, u32), Signing>,
    /// Those of them without an outcome, by the index of their intent.
    pub(crate) unfinished: BTreeMap<u64, (Digest, u32)>,
    /// Certificates that are about to be signed, by the key that they are for and the one that certifies it.
    pub(crate) issuing: BTreeMap<(KeyId, KeyId), Intent>,
    /// The latest time that was ever used: time does not go back behind it.
    pub(crate) mark: Instant,
    /// The number of the last timestamp token.
    pub(crate) serial: u64,
    /// The longest head of the audit ledger that was told since the last adoption; the empty one, until one is.
    pub(crate) ledger: Head,
    /// The head that was signed last, for each origin.
    pub(crate) heads: BTreeMap<String, Head>,
    /// What was signed of the TUF metadata.
    pub(crate) tuf: Versions,
    /// How often rated keys signed lately.
    pub(crate) rates: BTreeMap<KeyId, Window>,
    /// What witnesses know of the journal.
    pub(crate) anchorage: Anchorage,
    /// What they are to see before it is signed.
    pub(crate) awaited: Awaited,
}

/// An item that was signed, or is about to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signing {
    /// The intent, with every byte that was chosen.
    pub(crate) intent: Intent,
    /// Until when it may be ordered again.
    pub(crate) deadline: Instant,
    /// Of a governed key, the right edge of the journal before the intent: with it, the intent is proven for as long as
    /// it is remembered.
    pub(crate) edge: Option<RightEdge>,
    /// The signature, once there is one.
    pub(crate) signature: Option<Vec<u8>>,
    /// What witnesses saw of the intent before.
    pub(crate) seen: Vec<Seen>,
}

impl Signing {
    /// The hash of the intent's leaf.
    pub(crate) fn leaf(&self) -> Digest {
        Leaf::Intent(self.intent.clone()).hash()
    }
}

impl State {
    /// Before anything happened.
    pub(crate) fn new(journal_key: PublicKey) -> Self {
        Self {
            edge: RightEdge::new(),
            journal_key,
            entries: Vec::new(),
            registry: None,
            adopted: None,
            certificates: BTreeMap::new(),
            signings: BTreeMap::new(),
            unfinished: BTreeMap::new(),
            issuing: BTreeMap::new(),
            mark: Instant::EPOCH,
            serial: 0,
            ledger: Head::empty(),
            heads: BTreeMap::new(),
            tuf: Versions::default(),
            rates: BTreeMap::new(),
            anchorage: Anchorage::default(),
            awaited: Awaited::default(),
        }
    }

    /// The head of the journal's tree.
    pub(crate) fn head(&self) -> Head {
        Head { size: self.edge.size(), root: self.edge.root() }
    }

    /// The index of the next leaf.
    pub(crate) const fn next(&self) -> u64 {
        self.edge.size()
    }

    /// Applies one step; on replay, steps that do not follow from each other are refused.
    pub(crate) fn apply(&mut self, record: &Record) -> Result<(), KeyProcessError> {
        let leaf = record.leaf();
        if leaf.sequence() != self.next() {
            return Err(KeyProcessError::OutOfSequence { expected: self.next(), found: leaf.sequence() });
        }
        match record {
            Record::Intent { intent, work } => self.apply_intent(intent, work),
            Record::Outcome { outcome, made } => self.apply_outcome(outcome, made),
            Record::Plain(Leaf::Entry { entry, .. }) => self.apply_entry(entry)?,
            // One that went back is a leaf, and takes nothing back of what was seen before.
            Record::Plain(Leaf::Ledger { size, root, .. }) if *size > self.ledger.size => {
                self.ledger = Head { size: *size, root: *root };
            }
            Record::Plain(Leaf::Cosigned { cosigned, .. }) => self.apply_cosigned(cosigned),
            // A start alone moves no mark: a clock that was wrong for an hour must not stop a platform for longer.
            Record::Plain(_) => {}
        }
        let hash = leaf.hash();
        self.awaited.append(hash);
        if let Record::Intent { intent, work: Work::Remembered { .. } } = record
            && self.awaits(intent)
        {
            self.awaited.begin(self.edge.clone(), hash);
        }
        self.edge.append(hash);
        self.anchorage.append(hash);
        if let (Leaf::Anchor { .. }, Some(registry)) = (&leaf, &self.registry) {
            self.anchorage.offer(&self.edge, &anchorage::witnesses(registry));
            self.awaited.show(self.head());
            self.awaited.forget_answered(|size| self.anchorage.is_offered(size));
        }
        Ok(())
    }

    fn apply_cosigned(&mut self, cosigned: &[Cosigned]) {
        for one in cosigned {
            for (index, seen) in self.awaited.seen(one) {
                let place = self.unfinished.get(&index);
                let signing = place.and_then(|place| self.signings.get_mut(place));
                let is_news = |signing: &&mut Signing| {
                    signing.seen.iter().all(|other| other.cosigned.witness != one.witness)
                };
                if let Some(signing) = signing.filter(is_news) {
                    signing.seen.push(seen);
                }
            }
        }
        self.anchorage.confirm(cosigned);
        self.awaited.forget_answered(|size| self.anchorage.is_offered(size));
    }

    /// What is remembered of an intent that has no signature.
    pub(crate) fn signing_at(&self, intent: u64) -> Option<&Signing> {
        self.signings.get(self.unfinished.get(&intent)?)
    }

    fn apply_intent(&mut self, intent: &Intent, work: &Work) {
        self.mark = self.mark.max(intent.time);
        let record = self.registry.as_ref().and_then(|registry| Some(&registry.key(&intent.key)?.record));
        if let Some(rate) = record.and_then(|record| record.rate.as_ref()) {
            self.rates.entry(intent.key).or_default().add(rate, intent.time);
        }
        let governed = record.is_some_and(|record| record.rule.is_some());
        match work {
            Work::Remembered { deadline } => {
                let place = (intent.request, intent.item);
                let edge = governed.then(|| self.edge.clone());
                let signing = Signing {
                    intent: intent.clone(),
                    deadline: *deadline,
                    edge,
                    signature: None,
                    seen: Vec::new(),
                };
                self.signings.insert(place, signing);
                self.unfinished.insert(intent.sequence, place);
            }
            Work::Timestamp { serial } => self.serial = self.serial.max(*serial),
            Work::Checkpoint { origin, head } => {
                self.heads.insert(origin.clone(), *head);
            }
            Work::Certificate { subject } => {
                self.issuing.insert((*subject, intent.key), intent.clone());
            }
            // Its time moved the mark, and there is no more to it: the same entry may be promised again.
            Work::Promise => {}
            Work::Tuf(version) => self.tuf.begin(version, intent),
        }
    }

    fn apply_outcome(&mut self, outcome: &Outcome, made: &Made) {
        match made {
            Made::Nothing => {}
            Made::Signature(signature) => {
                self.awaited.end(outcome.intent);
                // The item may be forgotten meanwhile, past its deadline; then nobody may ask for it.
                let place = self.unfinished.remove(&outcome.intent);
                match place.and_then(|place| self.signings.get_mut(&place)) {
                    Some(signing) => signing.signature = Some(signature.clone()),
                    None => self.tuf.finish(outcome.intent, signature),
                }
            }
            Made::Certificate { subject, issuer, der } => {
                self.issuing.remove(&(*subject, *issuer));
                self.certificates.entry(*subject).or_default().insert(*issuer, der.clone());
            }
        }
    }

    fn apply_entry(&mut self, entry: &[u8]) -> Result<(), KeyProcessError> {
        match &mut self.registry {
            None => self.registry = Some(Registry::begin(entry)?),
            Some(registry) => {
                let adoptions = registry.adoptions().len();
                registry.append(entry, Moment::Replayed)?;
                if registry.adoptions().len() > adoptions {
                    // An adoption is the endorsed way back, also from a clock that once ran far ahead, and from a
                    // ledger that was put back. Numbers of tokens leave room for all that the lost state may have
                    // given.
                    self.mark = Instant::EPOCH;
                    self.adopted = adopted_at(entry);
                    self.ledger = Head::empty();
                    self.rates.clear();
                    // The journal goes on under other origins, which no witness knows. What waited under the old ones was
                    // not seen, and will not be.
                    self.anchorage = Anchorage::default();
                    self.awaited = Awaited::default();
                    let adoptions = u64::try_from(registry.adoptions().len()).unwrap_or(u64::MAX);
                    self.serial = self.serial.max(adoptions.saturating_mul(1 << 48));
                }
            }
        }
        self.entries.push(entry.to_vec());
        Ok(())
    }

    /// The certificate that a key's signatures name at `at`: its own, of an authority, or that of the authority in use.
    pub(crate) fn certificate(&self, key: &KeyId, at: Instant) -> Option<&[u8]> {
        let certificates = self.certificates.get(key)?;
        let by_itself = certificates.get(key);
        let in_use = || self.registry.as_ref()?.in_use_of(certificates.keys(), at);
        let certificate = by_itself.or_else(|| certificates.get(&in_use()?.record.id()))?;
        Some(certificate)
    }

    /// Has this one certified this key?
    pub(crate) fn is_certified_by(&self, key: &KeyId, issuer: &KeyId) -> bool {
        self.certificates.get(key).is_some_and(|certificates| certificates.contains_key(issuer))
    }

    /// Forgets what may not be ordered again: past its deadline an order is refused, whatever is known of it.
    pub(crate) fn forget_expired(&mut self) {
        let mark = self.mark;
        self.signings.retain(|_, signing| signing.deadline > mark);
        let signings = &self.signings;
        self.unfinished.retain(|_, place| signings.contains_key(place));
        let unfinished = &self.unfinished;
        self.awaited.retain(|intent| unfinished.contains_key(&intent));
    }
}

/// When an adoption was asked for: it names the journal as it was restored, and so came later than everything that was lost.
/// `None` for any other entry.
pub(crate) fn adopted_at(entry: &[u8]) -> Option<Instant> {
    let entry = Entry::parse(entry).ok()?;
    let adopts = entry.changes.iter().any(|change| matches!(change, Change::Adoption(_)));
    entry.request.filter(|_| adopts).map(|request| request.created)
}
