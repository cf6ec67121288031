//! A key process whose journal is held by witnesses: before they hold it, and when they know another history, nothing
//! governed is signed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use keystore::{Cost, Passphrase};
use model::journal::Leaf;
use model::{Clock as _, Digest, Disk, Instant, merkle};
use quorum::{Adoption, Book, Change, KeyState, Witness as Named, Witnesses};
use signer::{
    AdminAnswer, AdminMessage, Anchor, Imprint, Occasion, Offer, Order, RefusalCode, Signed, Signer as _,
    TimestampOrder, WitnessAnswer, WitnessMessage,
};
use signerd::{InProcess, inspect};
use testkit::{HandClock, MemoryDisk};
use tlog::proof::verify_inclusion;
use tlog::witness::{KnownLog, Rejection, Submission};
use tlog::{SignedCheckpoint, VerifierKey};
use witness::{Carried, Keys, Reach, Reply, Witness, WitnessError, carry};

use crate::world::{MINUTE, Platform, World, journal_key, space};

/// The origin under which a witness is shown the journal of an instance.
fn origin_for(witness: &VerifierKey, instance: &str) -> String {
    format!("localhost/witnessed/{}/{instance}", &witness.log_id().to_string()[..32])
}

/// Witnesses of one journal, with a clock of their own.
struct Town {
    clock: Arc<HandClock>,
    witnesses: Vec<Witness>,
}

/// The way to one of them.
struct Way<'a>(&'a Witness);

impl Reach for Way<'_> {
    type Error = Infallible;

    fn add_checkpoint(&self, body: &str) -> Result<Reply, Infallible> {
        Ok(match self.0.add_checkpoint(body) {
            Ok(lines) => Reply::Cosigned(lines),
            Err(WitnessError::Rejected(Rejection::Conflict { size })) => Reply::Conflict { size },
            Err(WitnessError::Rejected(rejection)) => Reply::Rejected { status: rejection.status() },
            Err(other) => panic!("{other}"),
        })
    }

    fn newest(&self, origin: &str) -> Result<Option<String>, Infallible> {
        Ok(self.0.checkpoint(&Digest::of(origin.as_bytes())))
    }
}

impl Town {
    /// Three witnesses who know the journal of this platform, of two instances.
    fn of(platform: &Platform) -> Self {
        let clock = Arc::new(HandClock::at(platform.world.now()));
        let journal = journal_key(&platform.process);
        let open = |n: u8| {
            let (disk, keys) = (Arc::new(MemoryDisk::new()), MemoryDisk::new());
            let keys = || Keys {
                disk: Arc::new(keys.clone()),
                passphrase: Passphrase::from_file_content(b"correct horse".to_vec().into()).unwrap(),
                cost: Cost::LEAST,
            };
            let name = format!("witness.example.test/{n}");
            let key = witness::begin(&name, &*disk, keys()).unwrap();
            let log = |instance: &str| {
                let origin = origin_for(&key, instance);
                KnownLog::new(&origin, VerifierKey::of_log(&origin, &journal).unwrap()).unwrap()
            };
            let logs = vec![log("one"), log("two")];
            Witness::open(disk, keys(), Arc::<HandClock>::clone(&clock), logs).unwrap()
        };
        let witnesses = (1..=3).map(open).collect();
        Self { clock, witnesses }
    }

    fn named(&self) -> Change {
        let named =
            |one: &Witness| Named { name: one.key().name().to_owned(), key: one.key().public_key().clone() };
        let witnesses = self.witnesses.iter().map(named).collect();
        Change::Witnesses(Witnesses { threshold: 2, witnesses, books: vec![Book::Journal] })
    }

    /// Goes to these witnesses and back, once.
    fn round(&self, process: &InProcess, reached: &[usize]) -> WitnessAnswer {
        self.go(process, Occasion::Turn, reached)
    }

    fn go(&self, process: &InProcess, occasion: Occasion, reached: &[usize]) -> WitnessAnswer {
        let offers = match process.witness(&WitnessMessage::Offer(occasion)) {
            WitnessAnswer::Offers(offers) => offers,
            other => return other,
        };
        let mut notes = Vec::new();
        for at in reached {
            let witness = &self.witnesses[*at];
            let own = |offer: &&Offer| offer.witness == witness.key().encode();
            let Some(offer) = offers.iter().find(own) else { continue };
            match carried(offer, witness) {
                Carried::Cosigned(note) => notes.push(note),
                Carried::Refused { newest, .. } => notes.extend(newest),
            }
        }
        process.witness(&WitnessMessage::Tell { notes })
    }
}

fn carried(offer: &Offer, witness: &Witness) -> Carried {
    let size: u64 = offer.checkpoint.lines().nth(1).unwrap().parse().unwrap();
    let proof_from = |old: u64| {
        let own = (old == offer.old_size).then(|| offer.proof.clone());
        Ok(own.or_else(|| (old == size).then(Vec::new)))
    };
    carry(&offer.checkpoint, offer.old_size, proof_from, &Way(witness)).unwrap()
}

fn governed(platform: &Platform, what: &[u8]) -> Result<(), (RefusalCode, String)> {
    told(platform, endorsed(platform, what))
}

/// An order of a governed key that has what it asks for.
fn endorsed(platform: &Platform, what: &[u8]) -> Order {
    let asking = platform.asking("default/governed", what);
    let endorsers: Vec<_> = platform.world.endorsers.iter().take(2).collect();
    asking.endorsed(&endorsers, platform.world.now()).order()
}

/// What is signed once these witnesses have seen the intent.
fn seen(platform: &Platform, town: &Town, what: &[u8], by: &[usize]) -> Signed {
    let order = endorsed(platform, what);
    let (code, text) = told(platform, order.clone()).unwrap_err();
    assert!(code == RefusalCode::Anchor && text.contains("of whom 0 have seen it"), "{text}");
    town.go(&platform.process, Occasion::Intent, by);
    platform.order(order).unwrap()
}

fn stamped(platform: &Platform) -> Result<(), (RefusalCode, String)> {
    let key = platform.key("platform/timestamp");
    told(platform, Order::Timestamp(TimestampOrder { key, imprint: Imprint::Sha256([5; 32]), nonce: None }))
}

fn blob(platform: &Platform, what: &[u8]) -> Result<(), (RefusalCode, String)> {
    told(platform, platform.asking("default/blob", what).order())
}

fn told(platform: &Platform, order: Order) -> Result<(), (RefusalCode, String)> {
    platform.order(order).map(drop).map_err(|refusal| (refusal.code, refusal.text))
}

/// A platform whose registry names three witnesses of its journal, two of which it takes.
fn witnessed() -> (Platform, Town) {
    on(Arc::new(MemoryDisk::new()))
}

fn on(disk: Arc<dyn Disk>) -> (Platform, Town) {
    let platform = Platform::begin(World::on(disk));
    let town = Town::of(&platform);
    assert_eq!(platform.process.state().unwrap().anchor, Anchor::Unanchored);
    let entered = platform.enter(vec![town.named()]);
    assert!(matches!(entered, AdminAnswer::Appended { .. }), "{entered:?}");
    (platform, town)
}

fn held(answer: WitnessAnswer) -> usize {
    match answer {
        WitnessAnswer::Anchored(Anchor::Held { by }) => by.len(),
        other => panic!("{other:?}"),
    }
}

fn loose(answer: WitnessAnswer) -> String {
    match answer {
        WitnessAnswer::Anchored(Anchor::Loose { why }) => why,
        other => panic!("{other:?}"),
    }
}

fn copy(disk: &dyn Disk) -> Arc<MemoryDisk> {
    let copy = MemoryDisk::new();
    for name in disk.list().unwrap() {
        copy.replace(&name, &disk.read(&name).unwrap()).unwrap();
    }
    Arc::new(copy)
}

#[test]
fn before_enough_witnesses_have_cosigned_this_very_run_nothing_governed_and_nothing_stateful_is_signed() {
    let (platform, town) = witnessed();
    for refused in [governed(&platform, b"one"), stamped(&platform)] {
        let (code, text) = refused.unwrap_err();
        assert!(code == RefusalCode::Anchor && text.contains("witness.example.test/1"), "{text}");
    }
    blob(&platform, b"free").unwrap();
    assert!(loose(town.round(&platform.process, &[0])).contains("1 of its witnesses, and needs 2"));
    assert!(governed(&platform, b"one").is_err());
    assert_eq!(held(town.round(&platform.process, &[0, 2])), 2);
    seen(&platform, &town, b"one", &[0, 2]);
    stamped(&platform).unwrap();
    // What the run before knew is nothing to this one: a state that was put back knew it too.
    let platform = platform.restart();
    assert!(governed(&platform, b"two").is_err());
    // One of them still has to answer what it was shown before, which is no help now.
    loose(town.round(&platform.process, &[1, 2]));
    assert_eq!(held(town.round(&platform.process, &[1, 2])), 2);
    seen(&platform, &town, b"two", &[1, 2]);
}

#[test]
fn what_witnesses_do_not_see_again_is_held_no_more_after_five_minutes() {
    let (platform, town) = witnessed();
    assert_eq!(held(town.round(&platform.process, &[0, 1, 2])), 3);
    let advance = |by: Duration| {
        platform.world.clock.advance(by);
        town.clock.advance(by);
    };
    for _ in 0..10 {
        advance(MINUTE);
        assert_eq!(held(town.round(&platform.process, &[0, 1, 2])), 3);
    }
    advance(5 * MINUTE);
    stamped(&platform).unwrap();
    advance(MINUTE);
    assert_eq!(governed(&platform, b"too late").unwrap_err().0, RefusalCode::Anchor);
    assert_eq!(held(town.round(&platform.process, &[0, 1])), 2);
    seen(&platform, &town, b"again", &[0, 1]);
}

/// Attack: whoever carries notes carries those of two in turn, as often as a message has room.
#[test]
fn a_note_that_is_told_many_times_is_one_leaf_with_one_word_of_each_witness_and_is_read_at_the_next_start() {
    let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::new());
    let (platform, town) = on(Arc::clone(&disk));
    let WitnessAnswer::Offers(offers) = platform.process.witness(&WitnessMessage::Offer(Occasion::Turn))
    else {
        panic!()
    };
    let cosigned = |at: usize| {
        let own = |offer: &&Offer| offer.witness == town.witnesses[at].key().encode();
        match carried(offers.iter().find(own).unwrap(), &town.witnesses[at]) {
            Carried::Cosigned(note) => note,
            other => panic!("{other:?}"),
        }
    };
    let notes = [cosigned(0), cosigned(1)].into_iter().cycle().take(40).collect();
    assert_eq!(held(platform.process.witness(&WitnessMessage::Tell { notes })), 2);
    let leaves = inspect(&disk).unwrap().unwrap().leaves;
    let said = |leaf: &Leaf| match leaf {
        Leaf::Cosigned { cosigned, .. } => Some(cosigned.len()),
        _ => None,
    };
    assert_eq!(leaves.iter().filter_map(said).collect::<Vec<_>>(), [2]);
    let platform = platform.restart();
    town.round(&platform.process, &[0, 1]);
    assert_eq!(held(town.round(&platform.process, &[0, 1])), 2);
}

#[test]
fn a_lost_answer_a_silent_witness_and_a_new_start_leave_nobody_behind() {
    let (mut platform, town) = witnessed();
    for lost in 0..4 {
        // The first cosigns, and nobody hears of it; the third is not reached for long.
        let WitnessAnswer::Offers(offers) = platform.process.witness(&WitnessMessage::Offer(Occasion::Turn))
        else {
            panic!()
        };
        let own = |offer: &&Offer| offer.witness == town.witnesses[0].key().encode();
        carried(offers.iter().find(own).unwrap(), &town.witnesses[0]);
        if lost % 2 == 1 {
            platform = platform.restart();
        }
        let first = town.round(&platform.process, &[0, 1]);
        // Where the process started anew, what was offered before that is heard of first.
        let second = town.round(&platform.process, &[0, 1]);
        assert_eq!(held(second), 2, "{first:?}");
        blob(&platform, &[lost]).unwrap();
    }
    town.round(&platform.process, &[2]);
    assert_eq!(held(town.round(&platform.process, &[0, 1, 2])), 3);
}

/// Attack 12.
#[test]
fn a_key_process_restored_from_yesterday_signs_nothing_governed_and_says_which_witness_knows_more() {
    let disk = Arc::new(MemoryDisk::new());
    let (mut platform, town) = on(Arc::<MemoryDisk>::clone(&disk));
    assert_eq!(held(town.round(&platform.process, &[0, 1, 2])), 3);
    let yesterday = copy(&*disk);
    for n in 0..8 {
        seen(&platform, &town, &[n], &[0, 1, 2]);
    }
    assert_eq!(held(town.round(&platform.process, &[0, 1, 2])), 3);
    // The folder is put back as it was, without a word to anybody.
    platform.world.disk = yesterday;
    let platform = platform.restart();
    assert_eq!(governed(&platform, b"before it asks").unwrap_err().0, RefusalCode::Anchor);
    // One witness that knows more is enough, however many others are out of reach.
    let why = loose(town.round(&platform.process, &[1]));
    assert!(why.contains("the witness `witness.example.test/2` cosigned this journal"), "{why}");
    assert!(why.contains("avouch signerd adopt"), "{why}");
    for refused in [governed(&platform, b"one"), stamped(&platform)] {
        assert_eq!(refused.unwrap_err(), (RefusalCode::Journal, why.clone()));
    }
    assert!(matches!(
        platform.process.witness(&WitnessMessage::Offer(Occasion::Turn)),
        WitnessAnswer::Refused(_)
    ));
    blob(&platform, b"free").unwrap();
}

/// Attack 13.
#[test]
fn two_clones_of_the_key_process_cannot_both_be_cosigned() {
    let disk = Arc::new(MemoryDisk::new());
    let (mut platform, town) = on(Arc::<MemoryDisk>::clone(&disk));
    assert_eq!(held(town.round(&platform.process, &[0, 1, 2])), 3);
    let (first, second) = (copy(&*disk), copy(&*disk));
    drop(platform.process);
    platform.world.disk = first;
    let first = platform.world.start().unwrap();
    let before = std::mem::replace(&mut platform.world.disk, second);
    let second = platform.world.start().unwrap();
    // Both stand at one size, with other random leaves.
    assert_eq!(held(town.round(&first, &[0, 1])), 2);
    let told = town.round(&second, &[0, 1, 2]);
    assert!(loose(told).contains("another copy of it runs"));
    platform.process = second;
    assert_eq!(governed(&platform, b"one").unwrap_err().0, RefusalCode::Journal);
    // The first goes on: the third witness, whom the second reached first, cosigned the second's.
    platform.process = first;
    platform.world.disk = before;
    assert_eq!(held(town.round(&platform.process, &[0, 1])), 2);
    seen(&platform, &town, b"one", &[0, 1]);
}

/// A copy that was left far behind and has grown since is longer than what any witness saw.
#[test]
fn a_copy_that_grew_longer_than_what_a_witness_saw_is_named_all_the_same() {
    let disk = Arc::new(MemoryDisk::new());
    let (mut platform, town) = on(Arc::<MemoryDisk>::clone(&disk));
    assert_eq!(held(town.round(&platform.process, &[0, 1, 2])), 3);
    let older = copy(&*disk);
    assert_eq!(held(town.round(&platform.process, &[0, 1, 2])), 3);
    let seen = platform.process.state().unwrap().journal.size;
    platform.world.disk = older;
    let platform = platform.restart();
    for n in 0..40_u8 {
        blob(&platform, &[n]).unwrap();
    }
    assert!(platform.process.state().unwrap().journal.size > seen + 40);
    let why = loose(town.round(&platform.process, &[1]));
    assert!(why.contains("the witness `witness.example.test/2` cosigned this journal"), "{why}");
    assert!(why.contains("another copy of it runs"), "{why}");
    assert_eq!(governed(&platform, b"one").unwrap_err().0, RefusalCode::Journal);
}

#[test]
fn an_adoption_is_the_way_forward_and_begins_a_new_journal_and_new_logs() {
    let disk = Arc::new(MemoryDisk::new());
    let (mut platform, town) = on(Arc::<MemoryDisk>::clone(&disk));
    let yesterday = copy(&*disk);
    assert_eq!(held(town.round(&platform.process, &[0, 1, 2])), 3);
    platform.world.disk = yesterday;
    let platform = platform.restart();
    loose(town.round(&platform.process, &[0, 1, 2]));
    let state = platform.process.state().unwrap();
    let adoption = || {
        Change::Adoption(Adoption {
            journal_size: state.journal.size,
            journal_root: state.journal.root,
            instance: space("two"),
            reason: "restored".to_owned(),
        })
    };
    // The log's key has signed heads that this state does not know.
    let refused = platform.enter(vec![adoption()]);
    assert!(matches!(refused, AdminAnswer::Refused(_)), "{refused:?}");
    let (key, since) = (platform.key("platform/log"), platform.world.now());
    let retired = Change::KeyState { key, state: KeyState::Retired, since, reason: "restored".to_owned() };
    let adopted = platform
        .administer(&AdminMessage::Append { entry: platform.entry(vec![adoption(), retired]).encode() });
    assert!(matches!(adopted, AdminAnswer::Appended { .. }), "{adopted:?}");
    assert_eq!(governed(&platform, b"one").unwrap_err().0, RefusalCode::Anchor);
    assert_eq!(held(town.round(&platform.process, &[0, 1, 2])), 3);
    seen(&platform, &town, b"one", &[0, 1, 2]);
}

#[test]
fn a_clock_that_the_witnesses_do_not_share_signs_nothing() {
    let (platform, town) = witnessed();
    town.clock.set_now(platform.world.now().after(Duration::from_secs(62)));
    let why = loose(town.round(&platform.process, &[0, 1, 2]));
    assert!(why.contains("the witnesses' clocks say another time"), "{why}");
    assert_eq!(governed(&platform, b"one").unwrap_err().0, RefusalCode::Clock);
    // A minute is nothing.
    town.clock.set_now(platform.world.now().before(Duration::from_secs(59)));
    assert_eq!(held(town.round(&platform.process, &[0, 1, 2])), 3);
    // One witness whose clock is a year off does not matter where two others agree.
    let year = Duration::from_secs(365 * 24 * 3_600);
    town.clock.set_now(platform.world.now().after(year));
    let told = town.round(&platform.process, &[0]);
    assert!(matches!(told, WitnessAnswer::Anchored(Anchor::Held { by }) if by.len() == 2));
}

#[test]
fn whoever_carries_cosignatures_makes_up_none() {
    let (platform, town) = witnessed();
    let WitnessAnswer::Offers(offers) = platform.process.witness(&WitnessMessage::Offer(Occasion::Turn))
    else {
        panic!()
    };
    let Carried::Cosigned(note) = carried(&offers[0], &town.witnesses[0]) else { panic!() };
    let (_, line) = note.rsplit_once("\u{2014} ").unwrap();
    let bent = [
        String::new(),
        "no note".to_owned(),
        offers[0].checkpoint.clone(),
        // The same line under another's name, and under another checkpoint.
        note.replace("witness.example.test/1", "witness.example.test/2"),
        note.replacen("localhost", "elsewhere", 1),
        note.replacen(
            &origin_for(town.witnesses[0].key(), "one"),
            &origin_for(town.witnesses[1].key(), "one"),
            1,
        ),
        format!("{}\u{2014} {}", offers[0].checkpoint, line.replace("=\n", "A\n")),
    ];
    for notes in [bent.to_vec(), vec![note.clone(), note.clone()], vec![note]] {
        let why = loose(platform.process.witness(&WitnessMessage::Tell { notes }));
        assert!(why.contains("needs 2") && !why.contains("another copy"), "{why}");
    }
    assert!(governed(&platform, b"one").is_err());
}

#[test]
fn what_witnesses_hold_outlives_segments_and_restarts() {
    let mut world = World::new();
    world.segment_bytes = 4 * 1024;
    let mut platform = Platform::begin(world);
    let town = Town::of(&platform);
    platform.enter(vec![town.named()]);
    for n in 0..30_u8 {
        // Enough for another segment, and then another start.
        for m in 0..6_u8 {
            blob(&platform, &[n, m]).unwrap();
        }
        if n % 7 == 3 {
            platform = platform.restart();
        }
        town.round(&platform.process, &[0, 1]);
        assert!(held(town.round(&platform.process, &[0, 1])) >= 2);
    }
    town.round(&platform.process, &[2]);
    assert_eq!(held(town.round(&platform.process, &[0, 1, 2])), 3);
    assert_eq!(
        platform.process.state().unwrap().anchor,
        Anchor::Held { by: (1..=3).map(|n| format!("witness.example.test/{n}")).collect() }
    );
    assert!(Instant::EPOCH < town.clock.now());
}

/// Attack: whoever holds a receipt, is told the journal's head, or asks a witness for what it saw, brings that to another
/// witness, before anybody else does, so that what comes from here extends it no more.
#[test]
fn a_stranger_has_no_checkpoint_that_would_move_a_witness() {
    let (platform, town) = witnessed();
    // Two of them are led on; the third was given the key, and has seen nothing.
    assert_eq!(held(town.round(&platform.process, &[0, 1])), 2);
    let signed = seen(&platform, &town, b"one", &[0, 1]);
    let proof = signed.journal.unwrap();
    let mut notes = vec![proof.checkpoint, platform.process.state().unwrap().journal_checkpoint];
    notes.extend(proof.witnessed.into_iter().map(|sighting| sighting.checkpoint));
    for witness in &town.witnesses {
        let origin = origin_for(witness.key(), "one");
        notes.extend(witness.checkpoint(&Digest::of(origin.as_bytes())));
    }
    assert_eq!(notes.len(), 6);
    let third = &town.witnesses[2];
    for note in &notes {
        // Nothing has to be proven to whoever has seen nothing.
        let submission = Submission { old_size: 0, proof: Vec::new(), note: note.clone() };
        let refused = third.add_checkpoint(&submission.encode());
        assert!(
            matches!(refused, Err(WitnessError::Rejected(Rejection::UnknownLog))),
            "the third witness was moved: {refused:?}"
        );
    }
    town.round(&platform.process, &[2]);
    assert_eq!(held(town.round(&platform.process, &[0, 1, 2])), 3);
}

/// What a governed key signs was seen by enough witnesses before, and the answer shows it.
#[test]
fn a_governed_signature_waits_until_enough_witnesses_have_seen_its_intent_and_shows_each_of_them() {
    let mut world = World::new();
    world.segment_bytes = 4 * 1024;
    let mut platform = Platform::begin(world);
    let town = Town::of(&platform);
    platform.enter(vec![town.named()]);
    assert_eq!(held(town.round(&platform.process, &[0, 1, 2])), 3);
    let order = endorsed(&platform, b"release");
    let waits = |platform: &Platform, found: usize| {
        let (code, text) = told(platform, order.clone()).unwrap_err();
        assert_eq!(code, RefusalCode::Anchor);
        assert!(text.contains(&format!("of whom {found} have seen it, and it takes 2")), "{text}");
    };
    waits(&platform, 0);
    // One answers, another's answer is lost, and the process starts anew, over several segments.
    town.go(&platform.process, Occasion::Intent, &[0]);
    waits(&platform, 1);
    for n in 0..40_u8 {
        blob(&platform, &[n]).unwrap();
    }
    platform = platform.restart();
    loose(town.round(&platform.process, &[0]));
    loose(town.round(&platform.process, &[0, 2]));
    assert_eq!(held(town.round(&platform.process, &[0, 2])), 2);
    let signed = platform.order(order.clone()).unwrap();
    let leaf = merkle::leaf_hash(&signed.leaf);
    let proof = signed.journal.clone().unwrap();
    assert_eq!(proof.witnessed.len(), 2, "the first and the third");
    for (sighting, at) in proof.witnessed.iter().zip([0, 2]) {
        let witness = town.witnesses[at].key();
        let journal = VerifierKey::of_log(&origin_for(witness, "one"), &journal_key(&platform.process));
        let checkpoint = SignedCheckpoint::open(&sighting.checkpoint, &journal.unwrap()).unwrap();
        assert_eq!(checkpoint.cosignatures(std::slice::from_ref(witness)).unwrap().len(), 1);
        let (size, root) = (checkpoint.size(), checkpoint.root());
        verify_inclusion(&leaf, signed.index, size, root, &sighting.path).unwrap();
    }
    // The same order gets the same, whatever was seen since.
    town.round(&platform.process, &[0, 1, 2]);
    assert_eq!(platform.order(order.clone()).unwrap(), signed);
    platform = platform.restart();
    loose(town.round(&platform.process, &[0]));
    assert_eq!(held(town.round(&platform.process, &[0, 1, 2])), 3);
    assert_eq!(platform.order(order).unwrap(), signed);
    // Nobody waits any more: nothing is shown between the minutes.
    let offered = platform.process.witness(&WitnessMessage::Offer(Occasion::Intent));
    assert_eq!(offered, WitnessAnswer::Offers(Vec::new()));
}
