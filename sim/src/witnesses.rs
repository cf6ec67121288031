//! Witnesses of the journal, and what they are there for: key processes that are put back, and copies of one that run side
//! by side. Who cosigned what is remembered here, apart from the code that is rehearsed, and every signature is held
//! against it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use keystore::Stores;
use model::{Algorithm, Clock as _, Digest, Form, Instant, KeyId, PublicKey};
use quorum::{Book, Change, Registry, Witness as Named, Witnesses};
use signer::{
    AdminAnswer, AdminMessage, Anchor, Answer, Head, Imprint, Occasion, Offer, Order, Orders, Signer as _,
    TimestampOrder, WitnessAnswer, WitnessMessage,
};
use signerd::{InProcess, KeyProcess, Parts};
use testkit::{CrashDisk, HandClock, Key, Seeded};
use tlog::note::{self, NoteAlgorithm};
use tlog::witness::{KnownLog, Seen, Submission};
use tlog::{Cosignature, VerifierKey};

use crate::Platform;
use crate::administration::entry;
use crate::founding::{BEGINNING, SEGMENT_BYTES};
use crate::stores::Store;
use crate::tally::Tally;
use crate::truth::{Found, must};

/// How many witnesses there are, and how many it takes.
const WITNESSES: usize = 3;
const THRESHOLD: usize = 2;

/// How long a cosignature may hold.
const LAPSE: Duration = Duration::from_secs(300);

/// Things that happen.
const STEPS: u64 = 60;

/// Copies that run side by side, and copies that are kept, at most.
const COPIES_MAX: usize = 3;

/// A witness, as the specification has it.
struct Witness {
    pair: Key,
    key: VerifierKey,
    /// The journal, as it alone is shown it.
    journal: KnownLog,
    seen: Option<Seen>,
    newest: Option<String>,
    /// Every tree that it ever cosigned.
    cosigned: Vec<Head>,
}

/// A key process that runs, over a disk of its own.
struct Copy {
    process: InProcess,
    disk: CrashDisk,
    /// The checkpoints that this run made for witnesses, and when.
    made: BTreeMap<u64, (Digest, Duration)>,
    /// The journal's size once it ran.
    start: u64,
}

struct Rehearsal<'a> {
    platform: &'a Platform,
    dice: Seeded,
    clock: Arc<HandClock>,
    timestamp: KeyId,
    witnesses: Vec<Witness>,
    copies: Vec<Copy>,
    kept: Vec<CrashDisk>,
    /// Was there ever another copy than the one?
    parted: bool,
    signed: u64,
    refused: u64,
}

/// Rehearses a seed's worth of it.
pub(crate) fn rehearse(platform: &Platform, seed: u64, tally: &mut Tally) -> Found {
    let mut rehearsal = Rehearsal::begin(platform, seed);
    for _ in 0..STEPS {
        rehearsal.step()?;
    }
    rehearsal.end()?;
    tally.note("signatures that witnesses held", rehearsal.signed);
    tally.note("signatures that no witness held, refused", rehearsal.refused);
    Ok(())
}

impl<'a> Rehearsal<'a> {
    fn begin(platform: &'a Platform, seed: u64) -> Self {
        let clock = Arc::new(HandClock::at(BEGINNING.after(Duration::from_secs(60))));
        let mut dice = Seeded::new(seed ^ 0x1177);
        let registry = platform.registry();
        let timestamp = registry.platform_key(Form::Timestamp).expect("it has one").record.id();
        let witnesses: Vec<Witness> = (0..WITNESSES).map(|number| Witness::new(number, &registry)).collect();
        let first = Copy::start(platform, platform.journal.copy(), &clock, &mut dice);
        let [asking, others @ ..] = platform.people.administrators.as_slice() else {
            unreachable!("there are three")
        };
        let others: Vec<_> = others.iter().collect();
        let change = vec![Change::Witnesses(named(&witnesses))];
        let bytes = entry(&registry, asking, &others, change, clock.now(), &mut dice).encode();
        let answer = first.process.administer(&AdminMessage::Append { entry: bytes });
        assert!(matches!(answer, Ok(AdminAnswer::Appended { .. })), "{answer:?}");
        let (copies, kept, parted) = (vec![first], Vec::new(), false);
        let (signed, refused) = (0, 0);
        Self { platform, dice, clock, timestamp, witnesses, copies, kept, parted, signed, refused }
    }

    fn step(&mut self) -> Found {
        let at = self.below(self.copies.len());
        match self.dice.below(100) {
            0..40 => {
                let reached = (0..WITNESSES).filter(|_| self.dice.below(4) > 0).collect::<Vec<_>>();
                self.round(at, &reached);
            }
            40..66 => return self.sign(at),
            66..80 => self.clock.advance(Duration::from_secs(1 + self.dice.below(90))),
            80..82 => self.clock.advance(LAPSE + Duration::from_secs(1)),
            82..88 => self.keep(at),
            88..93 => self.put_back(at),
            93..96 => self.part(),
            _ => self.restart(at),
        }
        Ok(())
    }

    /// Where nothing was ever copied, everything is held in the end.
    fn end(&mut self) -> Found {
        if self.parted {
            return Ok(());
        }
        let everybody: Vec<usize> = (0..WITNESSES).collect();
        // What was shown before, and then what is new.
        self.round(0, &everybody);
        let heard = self.round(0, &everybody);
        must(matches!(heard, Some(Anchor::Held { .. })), 11, || {
            format!("a journal that never went back is not held: {heard:?}")
        })?;
        let before = self.signed;
        self.sign(0)?;
        must(self.signed > before, 11, || "what all witnesses hold signs nothing".to_owned())
    }

    /// Somebody goes to the witnesses and back, and loses an answer now and then.
    fn round(&mut self, at: usize, reached: &[usize]) -> Option<Anchor> {
        let boot = self.clock.boot();
        let copy = &mut self.copies[at];
        let WitnessAnswer::Offers(offers) = copy.process.witness(&WitnessMessage::Offer(Occasion::Turn))
        else {
            return None;
        };
        copy.remember(&offers, boot);
        let mut notes = Vec::new();
        for witness in reached {
            let now = self.clock.now();
            let told = offers.get(*witness).and_then(|offer| self.witnesses[*witness].answer(offer, now));
            // Where all are reached, no answer is lost.
            let lost = self.dice.below(6) == 0 && reached.len() < WITNESSES;
            notes.extend(told.filter(|_| !lost));
        }
        match self.copies[at].process.witness(&WitnessMessage::Tell { notes }) {
            WitnessAnswer::Anchored(anchor) => Some(anchor),
            _ => None,
        }
    }

    /// A token bears a time and a number: another history may have given the same.
    fn sign(&mut self, at: usize) -> Found {
        let imprint = Imprint::Sha256(self.dice.bytes());
        let order = Order::Timestamp(TimestampOrder { key: self.timestamp, imprint, nonce: None });
        let orders = Orders { ledger: Head::empty(), orders: vec![order] };
        let copy = &self.copies[at];
        let Ok(answers) = copy.process.order(&orders) else { return Ok(()) };
        if !matches!(answers.answers.as_slice(), [Answer::Signed(_)]) {
            self.refused += 1;
            return Ok(());
        }
        self.signed += 1;
        let holding =
            self.witnesses.iter().filter(|witness| copy.is_held_by(witness, self.clock.boot())).count();
        must(holding >= THRESHOLD, 11, || {
            format!("{holding} of {WITNESSES} witnesses hold the state of a key process that signs")
        })
    }

    /// Somebody copies a folder.
    fn keep(&mut self, at: usize) {
        if self.kept.len() < COPIES_MAX {
            let copy = self.copies[at].disk.copy();
            self.kept.push(copy);
        }
    }

    /// A folder is put back as it was, and the key process starts on it.
    fn put_back(&mut self, at: usize) {
        let Some(disk) = self.take_kept() else { return };
        self.parted = true;
        self.copies[at] = Copy::start(self.platform, disk, &self.clock, &mut self.dice);
    }

    /// Another copy runs beside those that run already.
    fn part(&mut self) {
        if self.copies.len() == COPIES_MAX {
            return;
        }
        let Some(disk) = self.take_kept() else { return };
        self.parted = true;
        self.copies.push(Copy::start(self.platform, disk, &self.clock, &mut self.dice));
    }

    fn take_kept(&mut self) -> Option<CrashDisk> {
        if self.kept.is_empty() {
            return None;
        }
        let at = self.below(self.kept.len());
        Some(self.kept[at].copy())
    }

    /// The power goes, and comes back.
    fn restart(&mut self, at: usize) {
        let disk = self.copies[at].disk.clone();
        disk.cut(self.dice.number());
        disk.switch_on();
        self.copies[at] = Copy::start(self.platform, disk, &self.clock, &mut self.dice);
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("few");
        usize::try_from(self.dice.below(bound)).expect("less than a few")
    }
}

impl Copy {
    fn start(platform: &Platform, disk: CrashDisk, clock: &Arc<HandClock>, dice: &mut Seeded) -> Self {
        let mut random = Seeded::new(dice.number());
        let home = Stores::new(Arc::clone(&platform.keys[&Store::Software]));
        let others = Store::ALL.into_iter().filter(|store| *store != Store::Software);
        let name = |store: Store| store.word().parse().expect("a word is a name");
        let keys = others.fold(home, |stores, one| stores.with(name(one), Arc::clone(&platform.keys[&one])));
        let process = KeyProcess::open(Parts {
            disk: Arc::new(disk.clone()),
            keys,
            clock: Arc::<HandClock>::clone(clock),
            random: Box::new(move |bytes| random.fill(bytes)),
            segment_bytes: SEGMENT_BYTES,
        });
        let process = InProcess::new(process.expect("what was durable once is a journal"));
        let start = process.state().expect("it has just started").journal.size;
        Self { process, disk, made: BTreeMap::new(), start }
    }

    /// What is offered for the first time, and is of this run, was made now.
    fn remember(&mut self, offers: &[Offer], boot: Duration) {
        for offer in offers {
            let head = head(&offer.checkpoint);
            if head.size > self.start {
                self.made.entry(head.size).or_insert((head.root, boot));
            }
        }
    }

    fn is_held_by(&self, witness: &Witness, boot: Duration) -> bool {
        let made = |head: &Head| self.made.get(&head.size).filter(|(root, _)| *root == head.root);
        let is_fresh = |(_, at): &(Digest, Duration)| boot.saturating_sub(*at) <= LAPSE;
        witness.cosigned.iter().filter_map(made).any(is_fresh)
    }
}

impl Witness {
    fn new(number: usize, registry: &Registry) -> Self {
        let pair = Key::generate(Algorithm::Ed25519);
        let raw = pair.public().raw().try_into().expect("thirty-two bytes");
        let name = format!("witness.example.test/{number}");
        let key = VerifierKey::new(&name, NoteAlgorithm::Cosignature, raw).expect("a name");
        let named = Named { name, key: PublicKey::clone(key.public_key()) };
        let origin = registry.journal_shown_to(&named);
        let journal = VerifierKey::of_log(&origin, registry.journal_key()).expect("an Ed25519 key");
        let journal = KnownLog::new(&origin, journal).expect("an origin");
        Self { pair, key, journal, seen: None, newest: None, cosigned: Vec::new() }
    }

    /// What it has to say of what it is shown, as a checkpoint that it cosigned.
    fn answer(&mut self, offer: &Offer, now: Instant) -> Option<String> {
        let known = self.seen.map_or(0, |seen| seen.size);
        let again = head(&offer.checkpoint).size == known;
        let proof = if again { Vec::new() } else { offer.proof.clone() };
        let old_size = if again { known } else { offer.old_size };
        let submission = Submission { old_size, proof, note: offer.checkpoint.clone() };
        let checkpoint = submission.signed_by(&self.journal).expect("the key process signs what it offers");
        let Ok(seen) = submission.extends(&checkpoint, self.seen) else { return self.newest.clone() };
        let message = Cosignature::to_be_signed(checkpoint.checkpoint(), now);
        let signature = [&now.seconds().to_be_bytes()[..], &self.pair.sign(&message)].concat();
        let line = note::signature_line(&checkpoint.checkpoint().text(), &self.key, &signature);
        let note = format!("{}{}", offer.checkpoint, line.expect("it has just signed"));
        self.seen = Some(seen);
        self.newest = Some(note.clone());
        self.cosigned.push(Head { size: seen.size, root: seen.root });
        Some(note)
    }
}

fn named(witnesses: &[Witness]) -> Witnesses {
    let one = |witness: &Witness| Named {
        name: witness.key.name().to_owned(),
        key: PublicKey::clone(witness.key.public_key()),
    };
    let threshold = u32::try_from(THRESHOLD).expect("two");
    Witnesses { threshold, witnesses: witnesses.iter().map(one).collect(), books: vec![Book::Journal] }
}

/// What a checkpoint says, whoever signed it.
fn head(note: &str) -> Head {
    let text = note.split_once("\n\n").map_or(note, |(text, _)| text);
    let checkpoint = tlog::Checkpoint::parse(&format!("{text}\n")).expect("a checkpoint");
    Head { size: checkpoint.size(), root: *checkpoint.root() }
}
