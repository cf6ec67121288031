//! What must be true when everything came to its end. The numbers are those of the invariants in ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use engine::{Decision, Leaf, LeafKind, Ledger as _, Moment as Asking, PolicyEngine, Question, State, View};
use envelope::{Chosen, compose};
use model::merkle::root_from_inclusion;
use model::receipt::{Receipt, SignedItem};
use model::{Digest, Instant, Item, Items, Kind, Logging, Request, RequestId, Timestamping};
use pki::Certificate;
use policy::BuiltIn;
use quorum::{Endorsement, Moment, Registry, count};
use signer::{Agreement, Signer};
use tlog::{Log, RightEdge, SignedCheckpoint, VerifierKey, proof};

use crate::clients::Asked;
use crate::disk::JournalDisk;
use crate::logs::Logs;
use crate::store::CrashStore;
use crate::submitters::Submitters;
use crate::truth::{Found, Truth, must};

/// The built-in policy, which remembers when it was asked about what.
#[derive(Clone, Default)]
pub(crate) struct WatchedPolicy(Arc<Mutex<BTreeSet<(RequestId, bool)>>>);

impl WatchedPolicy {
    fn was_asked(&self, id: &RequestId, moment: Asking) -> bool {
        let asked = self.0.lock().expect("nothing panics while it decides");
        asked.contains(&(*id, moment == Asking::BeforeSigning))
    }
}

impl PolicyEngine for WatchedPolicy {
    fn digest(&self) -> Digest {
        BuiltIn::digest()
    }

    fn decide(&self, questions: &[Question<'_>]) -> Vec<Decision> {
        let mut asked = self.0.lock().expect("nothing panics while it decides");
        asked.extend(questions.iter().map(|q| (q.request.id, q.moment == Asking::BeforeSigning)));
        BuiltIn.decide(questions)
    }
}

/// The root of the ledger over its first leaves; `None` where there are not so many.
pub(crate) fn root_at(leaves: &[Leaf], size: u64) -> Option<Digest> {
    let leaves = leaves.get(..usize::try_from(size).ok()?)?;
    Some(model::merkle::root(&leaves.iter().map(Leaf::hash).collect::<Vec<_>>()))
}

/// How everything ended.
pub(crate) struct Ending<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) store: &'a CrashStore,
    pub(crate) disk: &'a JournalDisk,
    /// No clock ever showed a later time.
    pub(crate) latest: Instant,
    pub(crate) signer: &'a dyn Signer,
    pub(crate) policy: &'a WatchedPolicy,
    pub(crate) asked: &'a [Asked],
    pub(crate) told: BTreeMap<RequestId, Vec<View>>,
    pub(crate) truth: &'a Truth,
    /// Every checkpoint that was ever public.
    pub(crate) notes: &'a [String],
    pub(crate) submitters: &'a Submitters,
}

impl Ending<'_> {
    pub(crate) fn check(&self) -> Found {
        self.truth.look()?;
        self.check_heads()?;
        let logs = self.open_logs()?;
        self.check_checkpoints(&logs)?;
        logs.iter().try_for_each(|log| self.check_nothing_twice(log))?;
        self.submitters.check(&logs)?;
        for (id, views) in &self.told {
            self.check_views(id, views)?;
            // All that were told of one request were told the same.
            if let Some(view) = views.iter().find(|view| view.state == State::Done) {
                self.check_done(view, &logs)?;
            }
        }
        self.check_signatures(&logs)?;
        self.check_ledger()
    }

    fn open_logs(&self) -> Result<Logs, (u8, String)> {
        Logs::open(self.store, self.registry)
    }

    /// Every head that was ever signed is one that its log had, as far as the log goes.
    pub(crate) fn check_heads(&self) -> Found {
        self.open_logs()?.iter().try_for_each(|log| self.check_heads_of(log))
    }

    fn check_heads_of(&self, log: &Log) -> Found {
        // A backup may be older than the first checkpoint that was shown.
        let Some(size) = log.checkpoint().map(SignedCheckpoint::size) else { return Ok(()) };
        for (signed, expected) in self.truth.heads(log.key().name()).range(..=size) {
            let root = log.root_of(*signed).map_err(|error| (9, format!("size {signed}: {error}")))?;
            must(root == *expected, 9, || {
                format!("the log at size {signed} is not the one that was signed")
            })?;
        }
        Ok(())
    }

    /// Every checkpoint that was ever public is one of its log as it is now.
    fn check_checkpoints(&self, logs: &Logs) -> Found {
        for note in self.notes {
            let log = logs.of(note)?;
            let seen = SignedCheckpoint::open(note, log.key()).map_err(|error| (9, error.to_string()))?;
            let root =
                log.root_of(seen.size()).map_err(|error| (9, format!("size {}: {error}", seen.size())))?;
            must(root == *seen.root(), 9, || format!("two roots of size {}", seen.size()))?;
        }
        Ok(())
    }

    fn check_nothing_twice(&self, log: &Log) -> Found {
        let size = log.checkpoint().map_or(0, SignedCheckpoint::size);
        let mut seen = BTreeSet::new();
        for index in 0..size {
            let entry = log.entry(index).map_err(|error| (9, format!("entry {index}: {error}")))?;
            must(seen.insert(entry), 4, || format!("entry {index} is in the log twice"))?;
        }
        Ok(())
    }

    /// One request, one ending, whatever was asked how often.
    fn check_views(&self, id: &RequestId, views: &[View]) -> Found {
        let mut last: Option<&View> = None;
        for view in views.iter().filter(|view| view.state.is_final()) {
            if let Some(last) = last {
                must(last.state == view.state && last.receipts == view.receipts, 4, || {
                    format!("{id} was told as {} and as {}", last.state, view.state)
                })?;
            }
            last = Some(view);
        }
        Ok(())
    }

    fn check_done(&self, view: &View, logs: &Logs) -> Found {
        let asked = self.asked.iter().find(|asked| asked.id == view.id).expect("somebody asked for it");
        must(!view.receipts.is_empty(), 4, || format!("{} is done without a receipt", view.id))?;
        for moment in [Asking::Submission, Asking::BeforeSigning] {
            must(self.policy.was_asked(&view.id, moment), 5, || {
                format!("policy was not asked twice about {}", view.id)
            })?;
        }
        for (_, receipt) in &view.receipts {
            let request =
                Request::parse(receipt.request.as_bytes()).map_err(|error| (8, error.to_string()))?;
            must(Request::digest(receipt.request.as_bytes()) == asked.digest, 8, || {
                "another request".to_owned()
            })?;
            for signed in &receipt.items {
                self.check_item(&request, asked, receipt, signed, logs)?;
            }
        }
        Ok(())
    }

    fn check_item(
        &self,
        request: &Request,
        asked: &Asked,
        receipt: &Receipt,
        signed: &SignedItem,
        logs: &Logs,
    ) -> Found {
        let item = Item::parse(signed.item.as_bytes()).map_err(|error| (8, error.to_string()))?;
        let Kind::Sign(signing) = &request.kind else { return Err((8, "not a request to sign".to_owned())) };
        // Walked here once more: what is rehearsed is not taken at its word.
        let (index, size) = (u64::from(item.index), u64::from(signing.items.count));
        let leaf = Items::leaf(signed.item.as_bytes());
        let root = root_from_inclusion(&leaf, index, size, &signed.path);
        must(root == Some(signing.items.root), 8, || "an item that is not the request's".to_owned())?;
        let key = self.registry.key_named(&item.key.name, item.key.generation).expect("its key is there");
        must(key.record.form == item.form, 12, || format!("key {} signs {}", item.key.name, item.form))?;
        let chosen = Chosen::decode(&signed.chosen.0).map_err(|error| (6, error.to_string()))?;
        let certificate = signed.chain.first().map(|der| Certificate::from_der(&der.0)).transpose();
        let certificate = certificate.map_err(|error| (6, error.to_string()))?;
        let to_be_signed =
            compose(&item, &chosen, certificate.as_ref()).map_err(|error| (6, error.to_string()))?;
        must(to_be_signed.verify(&key.record.public_key, &signed.signature.0).is_ok(), 6, || {
            format!("a signature of {} that does not verify", item.key.name)
        })?;
        self.check_quorum(request, receipt, asked, key)?;
        self.check_proof(signed, key)?;
        let stamped = signed.timestamp.is_some();
        must(stamped == (asked.profile.timestamp == Timestamping::Rfc3161), 4, || {
            format!("{} has a timestamp token: {stamped}", asked.id)
        })?;
        let logged = signed.log.is_some();
        must(logged == (asked.profile.log == Logging::Transparency), 4, || {
            format!("{} has an entry in the log: {logged}", asked.id)
        })?;
        let Some(entry) = &signed.log else { return Ok(()) };
        let log = logs.of(&entry.checkpoint)?;
        let checkpoint =
            SignedCheckpoint::open(&entry.checkpoint, log.key()).map_err(|e| (4, e.to_string()))?;
        let leaf = model::merkle::leaf_hash(&entry.body.0);
        let included =
            proof::verify_inclusion(&leaf, entry.index, checkpoint.size(), checkpoint.root(), &entry.path);
        must(included.is_ok(), 4, || format!("entry {} is not in its checkpoint", entry.index))?;
        let found = log.entry(entry.index).map_err(|error| (4, error.to_string()))?;
        must(found == entry.body.0, 4, || format!("entry {} is another one in the log", entry.index))
    }

    /// INVARIANT 4, the second half: what a governed key signed stands under a checkpoint of the journal.
    fn check_proof(&self, signed: &SignedItem, key: &quorum::Key) -> Found {
        if key.record.rule.is_none() {
            return Ok(());
        }
        let name = &key.record.name;
        let entry = signed.journal.as_ref().ok_or_else(|| (4, format!("key `{name}` shows no intent")))?;
        let note = entry.checkpoint.as_deref();
        let note = note.ok_or_else(|| (4, format!("key `{name}` shows no checkpoint of the journal")))?;
        let origin = self.registry.journal_origins().next_back().expect("a registry has a journal");
        let journal = VerifierKey::of_log(&origin, self.registry.journal_key()).expect("an Ed25519 key");
        let checkpoint = SignedCheckpoint::open(note, &journal).map_err(|error| (4, error.to_string()))?;
        let leaf = model::merkle::leaf_hash(&entry.leaf.0);
        let (size, root) = (checkpoint.size(), checkpoint.root());
        let included = proof::verify_inclusion(&leaf, entry.index, size, root, &entry.path);
        must(included.is_ok(), 4, || format!("the intent {} is not in its checkpoint", entry.index))?;
        must(self.truth.journal_root(size) == Some(*root), 4, || {
            format!("the journal never signed a checkpoint of {size} leaves with this root")
        })
    }

    fn check_quorum(&self, request: &Request, receipt: &Receipt, asked: &Asked, key: &quorum::Key) -> Found {
        let Some(rule) = &key.record.rule else { return Ok(()) };
        self.truth.check_quorum(asked)?;
        let given: Result<Vec<Endorsement>, _> =
            receipt.endorsements.iter().map(|text| serde_json::from_str(text)).collect();
        let given = given.map_err(|error| (2, error.to_string()))?;
        let digest = Request::digest(receipt.request.as_bytes());
        let counted = count(self.registry, rule, request, &digest, &given, Moment::Replayed);
        let persons = counted.map_err(|shortfall| (2, shortfall.to_string()))?;
        must(!persons.persons().contains(&request.requester.person), 3, || "the requester counted".to_owned())
    }

    /// Every row has its leaves, and the head is theirs.
    fn check_ledger(&self) -> Found {
        let leaves = self.store.all_leaves();
        let mut edge = RightEdge::new();
        leaves.iter().for_each(|leaf| edge.append(leaf.hash()));
        let head = self.store.head().map_err(|error| (7, error.to_string()))?;
        must(head.root == edge.root() && head.size == edge.size(), 7, || {
            "the ledger's head is not its leaves'".to_owned()
        })?;
        for row in self.store.rows() {
            let kinds: Vec<LeafKind> =
                leaves.iter().filter(|leaf| leaf.request == Some(row.id)).map(|leaf| leaf.kind).collect();
            let count = |kind| kinds.iter().filter(|found| **found == kind).count();
            must(count(LeafKind::Submission) == 1, 7, || {
                format!("{} has no submission, or several", row.id)
            })?;
            let ended = row.standing.state.is_final();
            must(count(LeafKind::Outcome) == usize::from(ended), 7, || {
                format!("{} is {} and has {} outcomes", row.id, row.standing.state, count(LeafKind::Outcome))
            })?;
            let signed = row.standing.state == State::Done;
            must(!signed || count(LeafKind::Intent) == 1, 1, || {
                format!("{} is done without one intent", row.id)
            })?;
        }
        self.check_journal(&leaves)
    }

    /// The journal has all that it ever signed for, and saw the ledger that stood behind each signature.
    fn check_journal(&self, leaves: &[Leaf]) -> Found {
        let told = self.signer.state().map_err(|error| (7, error.to_string()))?;
        must(told.journal.size >= self.truth.journal_size(), 9, || {
            format!("the journal has {} leaves, and signed for more", told.journal.size)
        })?;
        let agreement = Agreement::of_ledger(told.ledger, root_at(leaves, told.ledger.size));
        must(agreement == Agreement::Agreed, 7, || {
            format!("the journal saw another ledger of {} leaves", told.ledger.size)
        })?;
        let done = self.store.rows().into_iter().filter(|row| row.standing.state == State::Done);
        let done: BTreeSet<RequestId> = done.map(|row| row.id).collect();
        let decided = |leaf: &Leaf| {
            leaf.kind == LeafKind::Intent && leaf.request.is_some_and(|request| done.contains(&request))
        };
        let last = leaves.iter().rposition(decided).map_or(0, |place| place + 1);
        must(told.ledger.size >= u64::try_from(last).expect("a short ledger"), 7, || {
            format!(
                "the journal saw a ledger of {} leaves, and a signature rests on leaf {last}",
                told.ledger.size
            )
        })
    }
}
