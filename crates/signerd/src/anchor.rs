//! Is the state of this process held by witnesses?
//!
//! At a start, and once a minute from then on, a fresh random leaf goes into the journal and its checkpoint to the
//! witnesses of the registry. Whoever cosigns it has seen it, and has seen nothing of the journal that it does not
//! contain: a state that was put back, and a second copy of one that runs, get no cosignature. What carries checkpoints
//! and cosignatures between the two is not believed. Between the minutes it is done once more where an intent waits to be
//! seen.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use model::journal::{COSIGNED_MAX, Cosigned, Leaf};
use model::{Digest, Instant};
use quorum::{Book, Registry};
use signer::{Anchor, Head, Occasion, Offer, Order, Refusal, RefusalCode, WitnessAnswer, WitnessMessage};
use tlog::{Cosignature, SignedCheckpoint, VerifierKey};

use crate::anchorage::{Offered, View, views, witnesses};
use crate::continuity::{Lost, is_free};
use crate::journal::{Record, proof};
use crate::process::{KeyProcess, journal_failed};
use crate::standing::{refuse, registry};

/// How long a cosignature holds, from when its checkpoint was made: whoever carries checkpoints asks every minute, and
/// may miss a few.
const LAPSE: Duration = Duration::from_secs(300);

/// How far the clock of this machine may be from a witness's.
const TOLERANCE: Duration = Duration::from_secs(60);

/// The most checkpoints of one run whose making is remembered: two a witness, and those of before.
const MADE_MAX: usize = 128;

/// What this run knows of its witnesses. What earlier runs knew is no help: a state that was put back knows it too.
#[derive(Debug, Default)]
pub(crate) struct Anchoring {
    /// When each checkpoint was made that witnesses were shown in this run, by its size.
    made: BTreeMap<u64, Made>,
    /// The newest that each cosigned of those, by the id of its key.
    held: BTreeMap<Digest, Hold>,
    /// A witness that has seen another history.
    elsewhere: Option<Elsewhere>,
}

#[derive(Debug, Clone, Copy)]
struct Made {
    boot: Duration,
    wall: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Hold {
    made: Duration,
    clock: Agreement,
}

/// Does this machine's clock agree with a witness's?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Agreement {
    Agrees,
    Differs,
}

/// What a witness cosigned of this journal, and this state is not.
#[derive(Debug, Clone)]
struct Elsewhere {
    witness: String,
    size: u64,
    time: Instant,
    own: u64,
}

impl Anchoring {
    /// Is the state held? Where it is not: why, and whether that may pass.
    pub(crate) fn stand(&self, registry: Option<&Registry>, boot: Duration) -> Result<Anchor, Refusal> {
        let Some((registry, named)) = registry.and_then(|one| Some((one, one.witnesses(Book::Journal)?)))
        else {
            return Ok(Anchor::Unanchored);
        };
        if let Some(elsewhere) = &self.elsewhere {
            return Err(elsewhere.refusal());
        }
        let is_fresh = |hold: &&Hold| boot.saturating_sub(hold.made) <= LAPSE;
        let held = |witness: &VerifierKey| self.held.get(&witness.log_id()).filter(is_fresh);
        let witnesses = witnesses(registry);
        let agreeing =
            |witness: &&VerifierKey| held(witness).is_some_and(|hold| hold.clock == Agreement::Agrees);
        let by: Vec<String> = witnesses.iter().filter(agreeing).map(|one| one.name().to_owned()).collect();
        if by.len() >= named.threshold() {
            return Ok(Anchor::Held { by });
        }
        let differing =
            witnesses.iter().filter(|one| held(one).is_some_and(|hold| hold.clock == Agreement::Differs));
        if by.len() + differing.count() >= named.threshold() {
            let text = "the witnesses' clocks say another time than this machine's, by more than a minute; set it right, and start the key process again";
            return Err(refuse(RefusalCode::Clock, text));
        }
        let missing: Vec<&str> = witnesses
            .iter()
            .filter(|one| !by.iter().any(|name| name == one.name()))
            .map(VerifierKey::name)
            .collect();
        let text = format!(
            "the journal is held by {} of its witnesses, and needs {}: nothing new was heard of {}; is `avouch witness feed` running, and does it reach them?",
            by.len(),
            named.threshold(),
            missing.join(", ")
        );
        Err(refuse(RefusalCode::Anchor, text))
    }

    /// INVARIANT: no state of the key process is older than what a witness saw, or nothing is signed that another history
    /// may have signed otherwise: nothing governed, no checkpoint, no token, no certificate.
    pub(crate) fn check(
        &self,
        order: &Order,
        registry: Option<&Registry>,
        boot: Duration,
    ) -> Result<(), Refusal> {
        if is_free(order, registry) {
            return Ok(());
        }
        self.stand(registry, boot).map(drop)
    }

    /// A checkpoint of this size was made for witnesses, just now.
    fn make(&mut self, size: u64, boot: Duration, wall: Instant) {
        self.made.insert(size, Made { boot, wall });
        while self.made.len() > MADE_MAX {
            self.made.pop_first();
        }
    }

    /// A witness cosigned what it was shown.
    fn hold(&mut self, witness: &VerifierKey, size: u64, time: Instant, now: Instant) {
        // What was made in an earlier run says nothing of this one.
        let Some(made) = self.made.get(&size) else { return };
        let agrees = made.wall.before(TOLERANCE) <= time && time <= now.after(TOLERANCE);
        let clock = if agrees { Agreement::Agrees } else { Agreement::Differs };
        self.held.insert(witness.log_id(), Hold { made: made.boot, clock });
    }
}

impl Elsewhere {
    fn refusal(&self) -> Refusal {
        let text = format!(
            "the witness `{}` cosigned this journal at {} leaves at {}, and this state, of {} leaves, is not what it saw: it was put back, or another copy of it runs; bring the newest state back, or adopt this one with `avouch signerd adopt DIR`",
            self.witness, self.size, self.time, self.own
        );
        refuse(RefusalCode::Journal, text)
    }
}

impl KeyProcess {
    /// Answers whoever goes between this process and the witnesses.
    pub(crate) fn witness(&mut self, message: &WitnessMessage) -> Result<WitnessAnswer, Refusal> {
        match message {
            WitnessMessage::Offer(occasion) => self.offer(*occasion).map(WitnessAnswer::Offers),
            WitnessMessage::Tell { notes } => self.hear(notes).map(WitnessAnswer::Anchored),
        }
    }

    /// How the state is anchored now.
    pub(crate) fn anchored(&self) -> Anchor {
        let registry = self.journal.state().registry.as_ref();
        match self.anchoring.stand(registry, self.clock.boot()) {
            Ok(anchor) => anchor,
            Err(refusal) => Anchor::Loose { why: refusal.text },
        }
    }

    /// May there be another history than this one?
    pub(crate) fn lost(&self) -> Lost {
        let is_loose = matches!(self.anchored(), Anchor::Loose { .. });
        if is_loose || !self.continuity.is_settled() { Lost::Something } else { Lost::Nothing }
    }

    fn offer(&mut self, occasion: Occasion) -> Result<Vec<Offer>, Refusal> {
        if !self.continuity.is_settled() {
            return Err(refuse(
                RefusalCode::Journal,
                "this state comes from a backup, and waits to be adopted",
            ));
        }
        if let Some(elsewhere) = &self.anchoring.elsewhere {
            return Err(elsewhere.refusal());
        }
        let state = self.journal.state();
        if occasion == Occasion::Intent && state.awaited.is_empty() {
            return Ok(Vec::new());
        }
        let views: Vec<View> = views(registry(state)?).collect();
        let is_due = |witness: &VerifierKey| match occasion {
            Occasion::Turn => self.offered(witness).is_none(),
            Occasion::Intent => self.offered(witness).is_none() && state.waits_for(witness),
        };
        if views.iter().any(|view| is_due(&view.witness)) {
            let now = self.now();
            let (sequence, random) = (self.journal.state().next(), self.journal.draw());
            let leaf = Leaf::Anchor { sequence, time: now.time, random };
            // CRASH: what a witness is shown is durable before: it may be all that the witness answers to ever after.
            let written = self.journal.append(Record::Plain(leaf)).and_then(|()| self.journal.sync());
            written.map_err(|error| journal_failed(&error))?;
            self.anchoring.make(self.journal.durable().size, self.clock.boot(), self.clock.now());
        }
        views.iter().filter_map(|view| self.shown(view).transpose()).collect()
    }

    fn offered(&self, witness: &VerifierKey) -> Option<&Offered> {
        self.journal.state().anchorage.stand(&witness.log_id())?.offered.as_ref()
    }

    /// What a witness is to be shown.
    fn shown(&self, view: &View) -> Result<Option<Offer>, Refusal> {
        let anchorage = &self.journal.state().anchorage;
        let Some(stand) = anchorage.stand(&view.witness.log_id()) else { return Ok(None) };
        let Some(Offered { size, proof }) = &stand.offered else { return Ok(None) };
        let Some(root) = anchorage.root_at(*size) else { return Ok(None) };
        let head = Head { size: *size, root };
        let checkpoint = proof::checkpoint(view.journal.origin(), head, self.journal_key.as_ref())?;
        let (witness, old_size, proof) = (view.witness.encode(), stand.confirmed, proof.clone());
        Ok(Some(Offer { witness, checkpoint, old_size, proof }))
    }

    /// Hears what witnesses cosigned. Whatever does not verify is passed over: whoever carries it may make up anything.
    fn hear(&mut self, notes: &[String]) -> Result<Anchor, Refusal> {
        let views: Vec<View> = views(registry(self.journal.state())?).collect();
        let mut confirmed = Vec::new();
        for note in notes {
            let origin = note.split('\n').next().unwrap_or_default();
            let Some(view) = views.iter().find(|view| view.journal.origin() == origin) else { continue };
            let Ok(checkpoint) = SignedCheckpoint::open(note, &view.journal) else { continue };
            let own = std::slice::from_ref(&view.witness);
            for cosignature in checkpoint.cosignatures(own).unwrap_or_default() {
                confirmed.extend(self.weigh(&checkpoint, &cosignature));
            }
        }
        // Whoever carries notes may bring one a hundred times. Of each witness the newest word counts.
        confirmed.sort_by_key(|one: &Cosigned| (one.witness, Reverse(one.time)));
        confirmed.dedup_by_key(|one| one.witness);
        // INVARIANT: no leaf holds more than can be read at the next start.
        for cosigned in confirmed.chunks(COSIGNED_MAX) {
            let (sequence, time) = (self.journal.state().next(), self.now().time);
            let leaf = Leaf::Cosigned { sequence, time, cosigned: cosigned.to_vec() };
            // CRASH: where this is lost, the witness is shown the same once more, and says so once more.
            let written = self.journal.append(Record::Plain(leaf)).and_then(|()| self.journal.write());
            written.map_err(|error| journal_failed(&error))?;
        }
        Ok(self.anchored())
    }

    /// What a cosignature says of this state: that it is the one that was shown, or that there is another.
    fn weigh(&mut self, checkpoint: &SignedCheckpoint, cosignature: &Cosignature) -> Option<Cosigned> {
        let Cosignature { witness, time, signature } = cosignature;
        let (size, own) = (checkpoint.size(), self.journal.state().next());
        let anchorage = &self.journal.state().anchorage;
        let confirmed = anchorage.stand(&witness.log_id()).map_or(0, |stand| stand.confirmed);
        let is_offered = self.offered(witness).is_some_and(|offered| offered.size == size);
        // INVARIANT: under the origin that this witness is shown there is nothing but what was offered to it. What it saw
        // beyond that, another copy of this process has shown it, however long this one has become since.
        let is_beyond = size > confirmed && !is_offered;
        if is_beyond || anchorage.root_at(size).is_some_and(|root| root != *checkpoint.root()) {
            let (witness, time) = (witness.name().to_owned(), *time);
            self.anchoring.elsewhere = Some(Elsewhere { witness, size, time, own });
            return None;
        }
        if !is_offered {
            return None;
        }
        self.anchoring.hold(witness, size, *time, self.clock.now());
        Some(Cosigned { witness: witness.log_id(), size, time: *time, signature: *signature })
    }
}
