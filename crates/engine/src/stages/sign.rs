//! Sign: the key process signs, and nothing is believed before it was composed here too, compared and verified.

mod sighting;

use std::sync::Arc;

use envelope::{Chosen, ChosenError, ComposeError, ToBeSigned, compose};
use model::journal::{self, LeafError};
use model::{BadSignature, Digest, Item, Space, merkle, told};
use signer::{Answer, JournalProof, Order, Orders, RecallOrder, RefusalCode, SignOrder};
use tlog::note::NoteError;
use tlog::proof::verify_inclusion;
use tlog::{CheckpointError, ProofError, SignedCheckpoint, VerifierKey};

use super::{Fate, Intended, Lane, Passed, Stopped, Trouble, Warrant, World};
use crate::platform::{KeyChain, Platform, PlatformKey};
use crate::{State, SubmitError};

/// The most orders in one frame.
const ORDERS_MAX: usize = 256;

/// The most bytes of orders in one frame: well below what a frame holds.
const ORDERS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A request each of whose items has a signature that verifies; of one that ends without receipts, what was signed.
#[derive(Debug)]
pub struct Signed {
    pub(crate) intended: Intended,
    // INVARIANT: in the order of their items, each verified over the bytes that were composed here; one for each item,
    // unless the request is condemned.
    signatures: Vec<Signature>,
}

/// A signature that verifies over bytes that were composed here.
#[derive(Debug, Clone)]
pub(crate) struct Signature {
    /// The index of its item.
    pub(crate) item: usize,
    pub(crate) to_be_signed: ToBeSigned,
    pub(crate) signature: Vec<u8>,
    /// The certificate that it names and those above it, without the root; empty for forms that have none.
    pub(crate) chain: KeyChain,
    pub(crate) chosen: Vec<u8>,
    /// The registry's head under which the key process signed.
    pub(crate) registry: Digest,
    /// The index of the intent in the journal.
    pub(crate) intent: u64,
    /// The intent's leaf.
    pub(crate) leaf: Vec<u8>,
    // INVARIANT: it is there, and holds, where the key's record asks for endorsements.
    pub(crate) journal: Option<JournalProof>,
}

/// What an order was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// A signature.
    For,
    /// What was signed before.
    Back,
}

/// What an answer says of an item.
enum Judged {
    /// There is a signature, and it verifies.
    Signed(Box<Signature>),
    /// There is none; with what that means for the request, where that is news.
    Absent(Option<Fate>),
    /// Nothing yet.
    Later(Trouble),
}

/// Why a signature is not let through.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("what the key process chose cannot be read")]
    Chosen(#[from] ChosenError),
    #[error("what the key process chose does not compose")]
    Compose(#[from] ComposeError),
    #[error("the journal leaf cannot be read")]
    Leaf(#[from] LeafError),
    #[error("the journal leaf is not the intent of this order: its {field} differs")]
    OtherIntent { field: &'static str },
    #[error(transparent)]
    Signature(#[from] BadSignature),
    #[error("key `{name}` asks for endorsements, and nothing proves that the intent is in the journal")]
    Unproven { name: Space },
    #[error("the intent names a registry head that the registry never had")]
    RegistryHead,
    #[error("the journal's origin is none that a checkpoint can have")]
    Origin(#[from] NoteError),
    #[error("the journal did not sign the checkpoint that is to cover the intent")]
    Checkpoint(#[from] CheckpointError),
    #[error("what a witness is said to have seen is not a witness's of this journal")]
    Witness,
    #[error("the intent is not in the journal's checkpoint")]
    Inclusion(#[from] ProofError),
    /// The registry cannot be asked for now: nothing is known to be wrong.
    #[error("the registry cannot be asked for")]
    Unavailable(#[source] SubmitError),
}

impl Signed {
    pub(crate) fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The same, of a request that ends without receipts.
    pub(crate) fn condemned(self, fate: Fate) -> Self {
        Self { intended: self.intended.condemned(fate), ..self }
    }
}

/// A request some of whose items have their signatures: those whose keys are in stores that it has been at.
#[derive(Debug)]
pub struct PartlySigned {
    intended: Intended,
    /// One for each item, in their order.
    parts: Vec<Part>,
}

/// How far an item is.
#[derive(Debug, Clone)]
enum Part {
    /// Nobody was asked for it yet, or nobody could say.
    Open,
    // INVARIANT: verified over the bytes that were composed here.
    Signed(Signature),
    /// There is no signature of it. Then the request is condemned.
    Absent,
}

/// Where a request goes from a lane.
#[derive(Debug)]
pub enum Onward {
    /// To the next lane that it needs.
    Lane(PartlySigned),
    /// To Stamp: it has all its signatures.
    Stamp(Signed),
}

impl From<Intended> for PartlySigned {
    fn from(intended: Intended) -> Self {
        let parts = vec![Part::Open; intended.fitting().keys.len()];
        Self { intended, parts }
    }
}

impl PartlySigned {
    /// The store whose lane is next: the first, in the order of the lanes, that holds the key of an item that is open.
    pub fn store(&self) -> Option<&Space> {
        self.open().map(|(_, store)| store).min()
    }

    /// The items that a lane is asked for, by their indices.
    fn items_in(&self, lane: &Lane) -> Vec<usize> {
        self.open().filter(|(_, store)| *store == lane.store()).map(|(index, _)| index).collect()
    }

    /// The items that are open, each with the store of its key.
    fn open(&self) -> impl Iterator<Item = (usize, &Space)> {
        let keys = self.intended.fitting().keys.iter().zip(&self.parts).enumerate();
        let open = keys.filter(|(_, (_, part))| matches!(part, Part::Open));
        open.map(|(index, (key, _))| (index, &key.record().store))
    }

    /// Leaves a lane.
    fn leave(mut self, lane: &Lane) -> Onward {
        self.intended.passages.retain(|passage| passage.store() != lane.store());
        if self.open().next().is_some() {
            return Onward::Lane(self);
        }
        let signature = |part| match part {
            Part::Signed(signature) => Some(signature),
            Part::Open | Part::Absent => None,
        };
        let signatures = self.parts.into_iter().filter_map(signature).collect();
        Onward::Stamp(Signed { intended: self.intended, signatures })
    }
}

/// One lane of the second stage.
pub struct Sign {
    world: Arc<World>,
    lane: Arc<Lane>,
}

impl Sign {
    /// The stage over a world, in one of its lanes.
    pub const fn new(world: Arc<World>, lane: Arc<Lane>) -> Self {
        Self { world, lane }
    }

    /// Orders a signature for every item of the batch whose key is in this lane's store, in as few frames as hold them.
    pub fn run(&self, batch: Vec<PartlySigned>) -> Passed<Onward, PartlySigned> {
        let mut passed = Passed::default();
        let items: Vec<Vec<usize>> = batch.iter().map(|one| one.items_in(&self.lane)).collect();
        let asked = batch.iter().zip(&items);
        let (answers, trouble) =
            self.order(asked.flat_map(|(one, items)| orders(&one.intended, items)).collect());
        passed.trouble = trouble;
        let mut answers = answers.into_iter();
        for (one, items) in batch.into_iter().zip(items) {
            let mine: Vec<Option<Answer>> = answers.by_ref().take(items.len()).collect();
            match mine.into_iter().collect::<Option<Vec<Answer>>>() {
                // CRASH: whatever is signed of it stands in the journal, and is asked for again.
                None => passed.again.push(one),
                Some(answers) => self.settle(one, items.into_iter().zip(answers), &mut passed),
            }
        }
        for onward in &passed.next {
            if let Onward::Stamp(signed) = onward
                && signed.intended.fate().is_none()
            {
                self.world.board.note(signed.intended.id(), State::Signed);
            }
        }
        passed
    }

    /// The answer to each order; `None` where none arrived.
    fn order(&self, orders: Vec<Order>) -> (Vec<Option<Answer>>, Option<Trouble>) {
        let mut answers = Vec::with_capacity(orders.len());
        let mut trouble = None;
        for orders in frames(orders) {
            let count = orders.len();
            match self.frame(orders) {
                Ok(frame) => answers.extend(frame.into_iter().map(Some)),
                Err(error) => {
                    answers.extend(std::iter::repeat_with(|| None).take(count));
                    trouble = Some(error);
                }
            }
        }
        (answers, trouble)
    }

    fn frame(&self, orders: Vec<Order>) -> Result<Vec<Answer>, Trouble> {
        // INVARIANT: each frame carries the ledger's head. If the ledger cannot be read, nothing is signed.
        let ledger = self.world.ledger.head().map_err(|source| Trouble::new("the ledger", source))?;
        let count = orders.len();
        let answers = self
            .world
            .signer
            .order(&Orders { ledger, orders })
            .map_err(|source| Trouble::new("the key process", source))?;
        if answers.answers.len() != count {
            let found = answers.answers.len();
            return Err(Trouble::new("the key process", Miscounted { found, count }));
        }
        Ok(answers.answers)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{found} answers to {count} orders")]
pub(super) struct Miscounted {
    pub(super) found: usize,
    pub(super) count: usize,
}

fn orders(intended: &Intended, items: &[usize]) -> impl Iterator<Item = Order> {
    let received = intended.received();
    let mine = received.items.iter().enumerate().filter(|(index, _)| items.contains(index));
    mine.map(|(_, (bytes, item))| match intended.warrant() {
        Warrant::Sign(endorsed) => Order::Sign(SignOrder {
            request: received.bytes.clone(),
            item: bytes.to_vec(),
            path: received.items.path(item.index).expect("an item of the tree has a path in it"),
            endorsements: endorsed.endorsements.clone(),
        }),
        // INVARIANT: without an endorsed request there is no order that anything could be signed by.
        Warrant::Recall(_) => Order::Recall(RecallOrder { request: received.digest, item: item.index }),
    })
}

/// As few frames as hold the orders, in their order.
fn frames(orders: Vec<Order>) -> Vec<Vec<Order>> {
    let mut frames: Vec<Vec<Order>> = Vec::new();
    let mut bytes = 0;
    for order in orders {
        let size = match &order {
            Order::Sign(order) => {
                let endorsements: usize = order.endorsements.iter().map(Vec::len).sum();
                order.request.len() + order.item.len() + 32 * order.path.len() + endorsements
            }
            Order::Timestamp(_)
            | Order::Checkpoint(_)
            | Order::Promise(_)
            | Order::Holder(_)
            | Order::Tuf(_)
            | Order::Recall(_) => 1_024,
        };
        match frames.last_mut() {
            Some(frame) if frame.len() < ORDERS_MAX && bytes + size <= ORDERS_BYTES_MAX => {
                frame.push(order);
                bytes += size;
            }
            _ => {
                frames.push(vec![order]);
                bytes = size;
            }
        }
    }
    frames
}

impl Sign {
    /// A request gets receipts for all of its items or for none: it is one decision, also over several lanes. One that
    /// gets none goes on with what was signed of it, here and in the lanes to come.
    fn settle(
        &self,
        mut one: PartlySigned,
        answers: impl Iterator<Item = (usize, Answer)>,
        passed: &mut Passed<Onward, PartlySigned>,
    ) {
        let asked = if one.intended.fate().is_some() { Asked::Back } else { Asked::For };
        let mut passing = None;
        for (index, answer) in answers {
            match self.judge(&one.intended, index, asked, answer) {
                Judged::Signed(signature) => one.parts[index] = Part::Signed(*signature),
                Judged::Later(trouble) => passing = Some(trouble),
                Judged::Absent(fate) => {
                    one.parts[index] = Part::Absent;
                    if let Some(fate) = fate {
                        one.intended = one.intended.condemned(fate);
                    }
                }
            }
        }
        match (passing, one) {
            (None, one) => match one.leave(&self.lane) {
                // A request has an item, so that one without a signature is condemned.
                Onward::Stamp(signed) if signed.signatures.is_empty() => {
                    passed.stopped.extend(Stopped::of(signed.intended));
                }
                onward => passed.next.push(onward),
            },
            (Some(trouble), one) => {
                passed.trouble = Some(trouble);
                passed.again.push(one);
            }
        }
    }

    /// What an answer says of an item.
    fn judge(&self, intended: &Intended, index: usize, asked: Asked, answer: Answer) -> Judged {
        match (answer, asked) {
            (Answer::Signed(signed), _) => match self.verify(intended, index, signed) {
                Ok(signature) => Judged::Signed(Box::new(signature)),
                Err(Fault::Unavailable(source)) => Judged::Later(Trouble::new("the key process", source)),
                // INVARIANT: a signature that does not verify never leaves, and one of a governed key not without
                // its proof.
                Err(fault) => {
                    let why = format!("the signature of item {index} was held back: {}", told(&fault));
                    Judged::Absent(Some(Fate::failed(why)))
                }
            },
            (Answer::Refused(refusal), Asked::For) if !refusal.code.is_transient() => {
                let expired = refusal.code == RefusalCode::Expired;
                let state = if expired { State::Expired } else { State::Refused };
                let why = format!("the key process refuses item {index}: {refusal}");
                Judged::Absent(Some(Fate::new(state, vec![why])))
            }
            (Answer::Refused(refusal), Asked::Back) if refusal.code == RefusalCode::Recalled => {
                Judged::Absent(None)
            }
            // No other refusal says that there is no signature.
            (Answer::Refused(refusal), _) => Judged::Later(Trouble::new("the key process", refusal)),
        }
    }

    /// Composes what must have been signed, holds the journal's intent to it, and verifies the signature over it.
    fn verify(&self, intended: &Intended, index: usize, signed: signer::Signed) -> Result<Signature, Fault> {
        let (_, item) =
            intended.received().items.iter().nth(index).expect("one answer was taken for each item");
        let key = &intended.fitting().keys[index];
        let intent = intent(intended, item, key, &signed)?;
        let (to_be_signed, chain) = self.compose(item, key, &intent)?;
        to_be_signed.verify(&key.record().public_key, &signed.signature)?;
        if key.record().rule.is_some() {
            self.check_proof(intended, key, &intent.registry, &signed)?;
        }
        let signer::Signed { signature, chosen, index: place, leaf, journal } = signed;
        let registry = intent.registry;
        Ok(Signature {
            item: index,
            to_be_signed,
            signature,
            chain,
            chosen,
            registry,
            intent: place,
            leaf,
            journal,
        })
    }

    /// What was signed, and which of the key's certificates it names: another authority may have taken over since the
    /// request was taken in.
    fn compose(
        &self,
        item: &Item,
        key: &PlatformKey,
        intent: &journal::Intent,
    ) -> Result<(ToBeSigned, KeyChain), Fault> {
        let chosen = Chosen::decode(&intent.chosen)?;
        match composed(item, &chosen, key, intent) {
            Err(Fault::OtherIntent { .. } | Fault::Compose(_)) if item.form.is_certified() => {
                let platform = self.world.platform(|_| false).map_err(Fault::Unavailable)?;
                let now = platform.key(&intent.key);
                composed(item, &chosen, now.map_or(key, |now| now), intent)
            }
            composed => composed,
        }
    }

    /// INVARIANT: a receipt of a governed key is only returned with its intent in a checkpoint of the journal.
    fn check_proof(
        &self,
        intended: &Intended,
        key: &PlatformKey,
        head: &Digest,
        signed: &signer::Signed,
    ) -> Result<(), Fault> {
        let JournalProof { path, checkpoint, witnessed } =
            signed.journal.as_ref().ok_or_else(|| Fault::Unproven { name: key.record().name.clone() })?;
        // The registry may have grown since the request was taken in.
        let known = &intended.fitting().platform;
        let platform = if known.registry().knows_head(head) {
            Arc::clone(known)
        } else {
            let knows = |platform: &Platform| platform.registry().knows_head(head);
            self.world.platform(knows).map_err(Fault::Unavailable)?
        };
        let registry = platform.registry();
        let origin = registry.journal_origin_under(head).ok_or(Fault::RegistryHead)?;
        let journal = VerifierKey::of_log(&origin, registry.journal_key())?;
        let checkpoint = SignedCheckpoint::open(checkpoint, &journal)?;
        let leaf = merkle::leaf_hash(&signed.leaf);
        verify_inclusion(&leaf, signed.index, checkpoint.size(), checkpoint.root(), path)?;
        let mut sightings = witnessed.iter();
        sightings.try_for_each(|one| sighting::check(one, registry, head, (&leaf, signed.index)))
    }
}

/// The intent in the journal, if it is that of this very order.
fn intent(
    intended: &Intended,
    item: &Item,
    key: &PlatformKey,
    signed: &signer::Signed,
) -> Result<journal::Intent, Fault> {
    let differs = |field| Err(Fault::OtherIntent { field });
    let journal::Leaf::Intent(intent) = journal::Leaf::decode(&signed.leaf)? else { return differs("kind") };
    let same = [
        ("index", intent.sequence == signed.index),
        ("key", intent.key == key.record().id()),
        ("key record", intent.record == key.key.digest),
        ("request digest", intent.request == intended.received().digest),
        ("item", intent.item == item.index),
        (
            "digest of the endorsements",
            intent.endorsements == journal::endorsements_digest(intended.endorsements()),
        ),
        ("choices", intent.chosen == signed.chosen),
    ];
    match same.iter().find(|(_, same)| !same) {
        Some((field, _)) => differs(field),
        None => Ok(intent),
    }
}

/// What was signed by this intent, under which of the key's certificates.
fn composed(
    item: &Item,
    chosen: &Chosen,
    key: &PlatformKey,
    intent: &journal::Intent,
) -> Result<(ToBeSigned, KeyChain), Fault> {
    let record = key.record();
    // INVARIANT: whom an OpenPGP signature names follows from the key's record.
    if !chosen.is_of(&record.public_key, record.not_before) {
        return Err(Fault::OtherIntent { field: "fingerprint" });
    }
    for chain in key.chains() {
        let to_be_signed = compose(item, chosen, chain.first())?;
        if to_be_signed.sha256() == intent.to_be_signed {
            return Ok((to_be_signed, chain));
        }
    }
    Err(Fault::OtherIntent { field: "digest of what is signed" })
}
